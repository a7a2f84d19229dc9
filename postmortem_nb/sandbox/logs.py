"""The log rows: each failed request, each request around the incident, a sample of the rest.

Failures are all there, so error logs count what the error metrics count. Of the others, the quiet
days keep one in ``SAMPLED``; the afternoon of the incident keeps all of checkout's.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from postmortem_nb.sandbox import texts
from postmortem_nb.sandbox.fleet import CHECKOUT, PAYMENT, STOREFRONT
from postmortem_nb.sandbox.noise import mixed, salt
from postmortem_nb.sandbox.scenario import FACTS, at, epoch
from postmortem_nb.sandbox.table import Block, Column, Table, each, pointing, same, written
from postmortem_nb.sandbox.traffic import POOL, Batch, draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = dict[str, Column]

SAMPLED = 200
"""On quiet days one in so many requests that went well leaves a log."""

BEGIN, END = epoch(FACTS.baseline_start), epoch(FACTS.baseline_end)
NEAR = (epoch(at("13:00")), epoch(at("17:10")))
SPANS = ((BEGIN, NEAR[0]), NEAR, (NEAR[1], END))
"""Before the incident, around it, after it: epoch seconds."""

PLAIN = {
    "service": "service",
    "status": "status",
    "host": "host",
    "message": "message",
    "trace_id": "@dd.trace_id",
}
"""The reserved fields of logs and where they stand; env, version and source are tags."""

_CUSTOMERS = 40_000
_VISIT = 360  # seconds that a customer's visit lasts
_PER_VISIT = 4.0  # requests


def table(seed: int) -> Table:
    """Return all log rows of a world."""
    blocks = [_lines()]
    for span, every, part in zip(SPANS, (SAMPLED, 1, SAMPLED), (400, 5, 400), strict=True):
        bought = draw(seed, CHECKOUT, span, every=every)
        blocks += [_checkout(bought), _retried(bought)]
        blocks.append(_payments(draw(seed, PAYMENT, span, every=part)))
        blocks.append(_storefront(draw(seed, STOREFRONT, span, every=part * 2)))
    return Table(blocks, PLAIN, ("message",))


def _checkout(batch: Batch) -> Block:
    """Return one line a request of checkout: how it ended, for whom, with what in the cart."""
    status = np.where(batch.failed, 2, (status_codes(batch) >= 400).astype(int))
    columns = _common(batch, status) | _request(batch) | _customer(batch)
    columns |= _error(batch, texts.KINDS, texts.MESSAGES)
    columns["@error.stack"] = pointing(_causes(batch), texts.STACKS)
    full = np.where(batch.failed & (batch.causes == POOL), 0, -1)
    columns["@pool.in_use"] = pointing(full, [FACTS.pool_after])
    columns["@pool.max"] = pointing(full, [FACTS.pool_after])
    waiting = 8 + (batch.chance("waiting") * 90).astype(np.int64)
    columns["@pool.waiting"] = each(waiting, where=full == 0)
    return Block(batch.milliseconds, columns)


def _retried(batch: Batch) -> Block:
    """Return the warning that a failed call to payments left before its next attempt."""
    batch = batch.take(batch.failed & (batch.causes == POOL))
    attempt = batch.choice("attempt", FACTS.attempts - 1) + 1
    said = [
        f"call to payments failed, trying again at once (attempt {n} of {FACTS.attempts})"
        for n in range(1, FACTS.attempts)
    ]
    columns = _common(batch, np.ones(len(batch), dtype=int)) | _customer(batch)
    columns |= {
        "message": pointing(attempt - 1, said),
        "@attempt": pointing(attempt - 1, list(range(1, FACTS.attempts))),
        "@error.kind": same(texts.KINDS[POOL], len(batch)),
        "@error.message": same(texts.MESSAGES[POOL], len(batch)),
    }
    begun = batch.milliseconds - batch.nanoseconds // 1_000_000
    return Block(begun + attempt * 2000, columns)


def _payments(batch: Batch) -> Block:
    """Return one line a request of payments that is kept."""
    columns = _common(batch, np.where(batch.failed, 2, 0)) | _request(batch)
    columns |= _error(batch, texts.PAYMENTS_KINDS, texts.PAYMENTS_MESSAGES)
    columns["@queue.depth"] = each(np.round(batch.steps.queue).astype(np.int64))
    return Block(batch.milliseconds, columns)


def _storefront(batch: Batch) -> Block:
    """Return one line a request of the web shop that is kept."""
    columns = _common(batch, np.where(batch.failed, 2, 0)) | _request(batch) | _customer(batch)
    shown = ["checkout is unavailable: customer sees the banner", "page rendered"]
    columns["message"] = pointing(np.where(batch.failed, 0, 1), shown)
    return Block(batch.milliseconds, columns)


def _lines() -> Block:
    """Return the lines that a person or a tool wrote."""
    rows = []
    for moment, status, service, host, said in texts.LINES:
        row = {"service": service, "status": status, "host": host, "message": said}
        tags = ["env:prod", f"service:{service}", "source:deploy", "team:platform"]
        rows.append((epoch(moment) * 1000, row | {"tags": tags}))
    return written(rows)


def _common(batch: Batch, status: NDArray[Any]) -> Columns:
    """Return what every line of a service carries: who wrote it, where, in which release."""
    operation = batch.operation
    widest = max(len(host.releases) for host in operation.hosts)
    tags = [
        _tags(host.service, host.region, host.releases[min(n, len(host.releases) - 1)][1])
        for host in operation.hosts
        for n in range(widest)
    ]
    regions = [host.region for host in operation.hosts]
    return {
        "service": same(operation.service, len(batch)),
        "status": pointing(status, ["info", "warn", "error"]),
        "host": pointing(batch.hosts, [host.name for host in operation.hosts]),
        "tags": pointing(batch.hosts * widest + batch.versions, tags),
        "@region": pointing(batch.hosts, regions),
        "@dd.trace_id": each(batch.traces, str),
        "@dd.span_id": each(batch.span_ids(operation.name), str),
        "@logger.name": same(f"{operation.service}.access", len(batch)),
    }


def _tags(service: str, region: str, version: str) -> list[str]:
    """Return the tags of a line; one comes twice and one has no key, as in real answers."""
    source = "source:nodejs" if service == "web-storefront" else "source:python"
    return [
        source,
        "env:prod",
        f"service:{service}",
        f"version:{version}",
        f"region:{region}",
        f"team:{service.removeprefix('web-')}",
        "kube_cluster_name:larkspur-prod",
        "kube_namespace:shop",
        source,
        "larkspur",
    ]


def _request(batch: Batch) -> Columns:
    """Return the HTTP side of a request."""
    names = [resource.name for resource in batch.operation.resources]
    methods = [name.split(" ")[0] for name in names]
    paths = [name.split(" ")[1] for name in names]
    codes = status_codes(batch)
    taken = batch.nanoseconds
    told = partial(_told, (names, batch.resources, codes, taken, _causes(batch)))
    return {
        "message": each(np.arange(len(batch)), told),
        "@http.method": pointing(batch.resources, methods),
        "@http.status_code": _numbers(codes),
        "@http.url_details.path": pointing(batch.resources, paths),
        "@http.request_id": each(batch.keys, "req-{:016x}".format),
        "@duration": each(taken),
    }


def _told(parts: tuple[Any, ...], n: int) -> str:
    """Return the message of the n-th request."""
    names, resources, codes, taken, causes = parts
    said = f"{names[resources[n]]} {codes[n]} in {taken[n] // 1_000_000} ms"
    return said if causes[n] < 0 else f"{said}: {texts.KINDS[causes[n]]}"


def _customer(batch: Batch) -> Columns:
    """Return who asked, from where, with what in the cart; a few customers are guests."""
    customer = _customers(batch)
    number = (customer % np.uint64(_CUSTOMERS)).astype(np.int64)
    regions = [FACTS.regions.index(host.region) for host in batch.operation.hosts]
    region = np.array(regions)[batch.hosts]
    countries = [country for row in texts.COUNTRIES for country in row]
    total = _totals(customer)
    trial = (customer >> np.uint64(20)) % np.uint64(len(texts.TRIALS))
    return {
        "@usr.id": each(number, "u-{:05d}".format, where=customer % np.uint64(50) != 0),
        "@network.client.ip": each(number, _address),
        "@network.client.geoip.country.iso_code": pointing(region * 4 + number % 4, countries),
        "@http.useragent": pointing(number // 4 % 4, texts.AGENTS),
        "@cart.total": each(total),
        "@cart.items": pointing((number // 16 % 6).astype(int), [1, 2, 3, 4, 5, 6]),
        "@cart.currency": same("USD", len(batch)),
        "@experiments": pointing(trial.astype(np.int64), texts.TRIALS),
    }


def _customers(batch: Batch) -> NDArray[np.uint64]:
    """Return a number that is each request's customer's own."""
    visit = batch.numbers * 10 // _VISIT
    visits = np.maximum(batch.steps.level * (_VISIT / 60 / _PER_VISIT), 1)
    place = (batch.chance("visit") * visits).astype(np.int64)
    return mixed(salt(batch.seed, "customer"), visit * 4096 + place)


def _totals(customers: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return what is in each customer's cart, in dollars."""
    return np.round(18 + 140 * (customers >> np.uint64(40)) / 2.0**24, 2)


def order_values(batch: Batch) -> NDArray[np.float64]:
    """Return what each request sold, in dollars: the cart of a confirmed order, else nothing."""
    sold = (batch.resources == 2) & (status_codes(batch) == 201)
    return np.where(sold, _totals(_customers(batch)), 0.0)


def _address(number: int) -> str:
    """Return a customer's address, out of the three nets that are kept for examples."""
    return f"{('192.0.2', '198.51.100', '203.0.113')[number % 3]}.{number // 3 % 254 + 1}"


def _error(batch: Batch, kinds: tuple[str, ...], said: tuple[str, ...]) -> Columns:
    """Return why a request failed, for those that did."""
    causes = _causes(batch)
    return {"@error.kind": pointing(causes, kinds), "@error.message": pointing(causes, said)}


def _causes(batch: Batch) -> NDArray[np.intp]:
    """Return the cause of each failure; -1 for requests that went well."""
    return np.where(batch.failed, batch.causes, -1)


def status_codes(batch: Batch) -> NDArray[np.int64]:
    """Return each request's HTTP status."""
    lost = np.array([503, 504, 500, 500])[batch.causes]
    luck = batch.chance("status")
    asked = np.where(batch.resources == 0, np.where(luck < 0.01, 404, 200), 201)
    declined = (batch.resources == 2) & (luck < 0.03)
    return np.where(batch.failed, lost, np.where(declined, 402, asked))


def _numbers(values: NDArray[np.int64]) -> Column:
    """Return a column of few distinct numbers."""
    distinct, codes = np.unique(values, return_inverse=True)
    return pointing(codes, distinct.tolist())
