"""Who serves the shop: hosts with their regions and releases, and the requests they answer.

An *operation* is what an APM trace starts with (``checkout.request``); a *cell* is one host
answering one resource, the finest grain in which requests are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.sandbox.scenario import FACTS, at, epoch

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALWAYS = (0, 1 << 40)
_TUESDAY = epoch(datetime(2025, 12, 2, 10, 15, tzinfo=UTC))
_LATER = epoch(datetime(2025, 12, 9, 9, 40, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Host:
    """One machine: where it stands, what part of the work it takes, which release it ran when."""

    name: str
    service: str
    region: str
    share: float
    releases: tuple[tuple[int, str], ...]
    alive: tuple[int, int] = ALWAYS

    def version(self, seconds: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the index of the release that ran at each moment (epoch seconds)."""
        begun = np.array([moment for moment, _ in self.releases])
        return np.maximum(np.searchsorted(begun, seconds, side="right") - 1, 0)

    def spans(self, version: str) -> tuple[tuple[int, int], ...]:
        """Return when a release ran here, as half-open spans of epoch seconds."""
        ends = (*(moment for moment, _ in self.releases[1:]), ALWAYS[1])
        first, last = self.alive
        found = (
            (max(begun, first), min(end, last))
            for (begun, name), end in zip(self.releases, ends, strict=True)
            if name == version
        )
        return tuple(span for span in found if span[0] < span[1])


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of request: its part of the traffic, its usual median seconds, whom it calls."""

    name: str
    share: float
    median: float
    pays: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One host answering one resource; ``number`` starts its stream of chance."""

    number: int
    host: Host
    resource: Resource


@dataclass(frozen=True, slots=True)
class Operation:
    """What traces start with, and where it runs."""

    name: str
    service: str
    hosts: tuple[Host, ...]
    resources: tuple[Resource, ...]
    per_checkout: float
    cells: tuple[Cell, ...] = field(init=False)

    def __post_init__(self) -> None:
        pairs = ((host, resource) for host in self.hosts for resource in self.resources)
        cells = tuple(Cell(n, host, resource) for n, (host, resource) in enumerate(pairs))
        object.__setattr__(self, "cells", cells)


def _checkout_hosts() -> tuple[Host, ...]:
    """Return eight hosts; the release and the rollback reach one after the other.

    Asia was to get the release a day later and never did: that is what gave it away.
    """
    shares = (0.15, 0.15, 0.15, 0.15, 0.15, 0.15, 0.05, 0.05)
    places = ("eu-west-1",) * 3 + ("us-east-1",) * 3 + ("ap-southeast-2",) * 2
    begun, done = epoch(FACTS.deploy_started), epoch(FACTS.deployed)
    back, over = epoch(FACTS.rollback_started), epoch(FACTS.rolled_back)
    hosts = []
    for n, (share, region) in enumerate(zip(shares, places, strict=True)):
        releases = [(0, "v2.47.2"), (_TUESDAY + 60 * n, FACTS.good_version)]
        if region != "ap-southeast-2":
            releases += [
                (begun + (done - begun) * (n + 1) // 6 // 10 * 10, FACTS.bad_version),
                (back + (over - back) * (n + 1) // 6 // 10 * 10, FACTS.good_version),
            ]
        name = f"checkout-{region.split('-')[0]}-{n + 1:02d}"
        hosts.append(Host(name, "checkout", region, share, tuple(releases)))
    return tuple(hosts)


def _payments_hosts() -> tuple[Host, ...]:
    """Return four hosts, and the two that the autoscaler added during the incident."""
    releases = ((0, "v5.12.1"), (_LATER, "v5.13.0"))
    places = ("eu-west-1", "eu-west-1", "us-east-1", "us-east-1")
    steady = [
        Host(f"payments-{region.split('-')[0]}-{n + 1:02d}", "payments", region, 0.25, releases)
        for n, region in enumerate(places)
    ]
    while_scaled = (epoch(at("14:35")), epoch(at("17:30")))
    added = [
        Host(f"payments-{place}-{n:02d}", "payments", region, 0.25, releases, while_scaled)
        for n, place, region in ((5, "eu", "eu-west-1"), (6, "us", "us-east-1"))
    ]
    return (*steady, *added)


def _storefront_hosts() -> tuple[Host, ...]:
    releases = ((0, "v118.4.0"),)
    return tuple(
        Host(f"storefront-{region.split('-')[0]}-01", "web-storefront", region, share, releases)
        for region, share in zip(FACTS.regions, (0.45, 0.45, 0.10), strict=True)
    )


CHECKOUT = Operation(
    "checkout.request",
    "checkout",
    _checkout_hosts(),
    (
        Resource("GET /api/cart", 0.45, 0.045),
        Resource("POST /api/checkout", 0.30, 0.210, pays=True),
        Resource("POST /api/checkout/confirm", 0.25, 0.340, pays=True),
    ),
    1.0,
)
PAYMENT = Operation(
    "payments.request",
    "payments",
    _payments_hosts(),
    (Resource("POST /v1/authorize", 0.55, 0.120), Resource("POST /v1/capture", 0.45, 0.095)),
    0.55,
)
STOREFRONT = Operation(
    "web.request",
    "web-storefront",
    _storefront_hosts(),
    (Resource("GET /checkout", 0.30, 0.080, pays=True), Resource("GET /products/:id", 0.70, 0.060)),
    1.5,
)
OPERATIONS = (CHECKOUT, PAYMENT, STOREFRONT)
DATABASE = "orders-db-01"
CACHE = "cart-cache-01"
