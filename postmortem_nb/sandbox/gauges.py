"""The readings of hosts, pools, queues and databases: what saturates while requests fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.sandbox.curves import PEAK, QUIET, Steps
from postmortem_nb.sandbox.fleet import ALWAYS, CACHE, CHECKOUT, DATABASE, PAYMENT, Host
from postmortem_nb.sandbox.noise import normal, salt, unit
from postmortem_nb.sandbox.scenario import FACTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Source = tuple[dict[str, str], tuple[int, int]]


@dataclass(frozen=True)
class Gauge:
    """One metric that is read off: its sources with their life, and their value at each step."""

    name: str
    unit: str
    about: str
    sources: tuple[Source, ...]
    value: Callable[[int, int, Steps], Floats]
    type: str = "gauge"
    per: str = ""
    every: int = 10


def _host(host: Host) -> Source:
    tags = {"env": "prod", "service": host.service, "host": host.name, "region": host.region}
    return tags, host.alive


def _single(name: str, service: str) -> Source:
    tags = {"env": "prod", "service": service, "host": name, "region": "eu-west-1"}
    return tags, ALWAYS


def _busy(steps: Steps) -> Floats:
    """Return how busy the shop is, from about 0.3 at night to 1."""
    return steps.level / (QUIET + PEAK)


def _spread(seed: int, what: str, number: int, steps: Steps) -> Floats:
    """Return noise of a source: mean 0, deviation 1."""
    return normal(salt(seed, what, number), steps.numbers)


def _bad(number: int, steps: Steps) -> NDArray[np.bool_]:
    """Return where a checkout host ran the release at fault."""
    host = CHECKOUT.hosts[number]
    wrong = np.array([version == FACTS.bad_version for _, version in host.releases])
    return np.asarray(wrong[host.version(steps.seconds)])


def _pool_size(_seed: int, number: int, steps: Steps) -> Floats:
    return np.where(_bad(number, steps), FACTS.pool_after, FACTS.pool_before).astype(float)


def _in_use(seed: int, number: int, steps: Steps) -> Floats:
    usual = np.round(9 * _busy(steps) + 1.2 * _spread(seed, "in use", number, steps) + 2)
    asked = np.maximum(usual + 30 * steps.strain, 0)
    bad = _bad(number, steps)
    full = steps.failing > 0
    small = np.where(full, FACTS.pool_after, np.minimum(np.floor(usual / 3), FACTS.pool_after))
    return np.where(bad, small, np.minimum(np.round(asked), FACTS.pool_before))


def _wait(seed: int, number: int, steps: Steps) -> Floats:
    """Return the mean milliseconds of waiting for a connection; 2,000 is the time-out."""
    spread = unit(salt(seed, "pool wait", number), steps.numbers)
    starved = np.minimum(60 + 4200 * steps.failing * (0.8 + 0.4 * spread), 2000)
    return np.where(_bad(number, steps) & (steps.failing > 0), starved, 0.4 + 0.5 * spread)


def _queue(seed: int, number: int, steps: Steps) -> Floats:
    """Return the requests that wait on one of the hosts of payments."""
    luck = _spread(seed, "queue", number, steps)
    return np.maximum(np.round(steps.queue * (1 + 0.06 * luck) + luck), 0)


def _cpu(seed: int, number: int, steps: Steps) -> Floats:
    strained = 34 * steps.strain if HOSTS[number].service == "payments" else 6 * steps.strain
    percent = 18 + 26 * _busy(steps) + strained + 2.2 * _spread(seed, "cpu", number, steps)
    return np.clip(percent, 0.5, 99.5)


def _idle(seed: int, number: int, steps: Steps) -> Floats:
    return 97.0 - _cpu(seed, number, steps)


def _connections(seed: int, number: int, steps: Steps) -> Floats:
    noise = 2 * _spread(seed, "db", number, steps)
    return np.round(48 + 55 * _busy(steps) - 12 * steps.strain + noise)


def _commits(seed: int, number: int, steps: Steps) -> Floats:
    """Return transactions a second; fewer orders reach the database while checkout fails."""
    noise = 0.05 * _spread(seed, "commits", number, steps)
    return np.maximum(steps.level / 60 * 3.1 * (1 - 0.9 * steps.failing) * (1 + noise), 0.0)


def _clients(seed: int, number: int, steps: Steps) -> Floats:
    return np.round(64 + 30 * _busy(steps) + _spread(seed, "clients", number, steps))


def _replicas(_seed: int, _number: int, steps: Steps) -> Floats:
    begun, over = PAYMENT.hosts[-1].alive
    return np.where((steps.seconds >= begun) & (steps.seconds < over), 6.0, 4.0)


HOSTS = (*CHECKOUT.hosts, *PAYMENT.hosts)
_POOLS = tuple(_host(host) for host in CHECKOUT.hosts)
_QUEUES = tuple(_host(host) for host in PAYMENT.hosts)
_ALL = tuple(_host(host) for host in HOSTS)
_DATABASE = (_single(DATABASE, "orders-db"),)
_CACHE = (_single(CACHE, "cart-cache"),)
_CLUSTER: tuple[Source, ...] = (
    ({"env": "prod", "service": "payments", "kube_deployment": "payments"}, ALWAYS),
)

GAUGES = (
    Gauge("checkout.pool.size", "connection", "Connections that checkout may open to payments",
          _POOLS, _pool_size),
    Gauge("checkout.pool.in_use", "connection", "Connections of checkout to payments in use",
          _POOLS, _in_use),
    Gauge("checkout.pool.wait", "millisecond", "Mean wait of checkout for a free connection",
          _POOLS, _wait),
    Gauge("payments.queue.depth", "request", "Requests that wait in payments, by host",
          _QUEUES, _queue, every=30),
    Gauge("kubernetes_state.deployment.replicas_available", "", "Replicas that take traffic",
          _CLUSTER, _replicas, every=30),
    Gauge("system.cpu.user", "percent", "Processor time in use", _ALL, _cpu, every=20),
    Gauge("system.cpu.idle", "percent", "Processor time to spare", _ALL, _idle, every=20),
    Gauge("postgresql.connections", "connection", "Open connections of orders-db",
          _DATABASE, _connections, every=20),
    Gauge("postgresql.commits", "transaction", "Transactions of orders-db",
          _DATABASE, _commits, type="rate", per="second"),
    Gauge("redis.net.clients", "connection", "Clients of cart-cache", _CACHE, _clients, every=20),
)  # fmt: skip
"""Every metric that is read off rather than counted."""
