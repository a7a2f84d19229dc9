"""Every request of the made-up shop: how many a step, which failed, and what each was like.

Metrics count these requests, logs and spans tell of them one by one; so the three agree wherever
they speak of the same thing. A request is named by its cell, its step and its place in the step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb.sandbox.curves import STEP, Steps, between
from postmortem_nb.sandbox.fleet import ALWAYS, CHECKOUT, PAYMENT, STOREFRONT, Cell, Operation
from postmortem_nb.sandbox.noise import mixed, normal, salt, unit
from postmortem_nb.sandbox.scenario import FACTS, at, epoch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

PAYING, BROWSING = 0.0022, 0.0005  # chance that a request fails on a quiet day
POOL, QUEUE, DATABASE, BUG = range(4)
"""Why a request failed: no free connection, payments too slow, a lost database race, a bug."""

_DRAINED = epoch(at("16:09"))
_BACK = epoch(FACTS.rollback_started)


class Counts(NamedTuple):
    """Requests and failures of one cell, one number a step."""

    hits: Whole
    errors: Whole


def counts(seed: int, operation: Operation, cell: Cell, steps: Steps) -> Counts:
    """Return what one cell answered in each step."""
    start = salt(seed, operation.name, cell.number)
    rate = steps.level * (STEP / 60.0 * operation.per_checkout * cell.resource.share)
    rate = rate * _part(operation, cell, steps)
    if operation is PAYMENT:
        rate = rate * steps.retries
    numbers = steps.numbers * 4
    spread = 0.7 + 0.6 * unit(start, numbers)
    hits = np.floor(rate * spread + unit(start, numbers + 1)).astype(np.int64)
    hits[rate == 0] = 0
    failed = np.floor(hits * _chance(operation, cell, steps) + unit(start, numbers + 2))
    return Counts(hits, np.minimum(failed.astype(np.int64), hits))


def _part(operation: Operation, cell: Cell, steps: Steps) -> Floats | float:
    """Return the part of the operation's traffic that the cell's host takes."""
    if all(host.alive == ALWAYS for host in operation.hosts):
        return cell.host.share / sum(host.share for host in operation.hosts)
    alive = [
        host.share * ((steps.seconds >= host.alive[0]) & (steps.seconds < host.alive[1]))
        for host in operation.hosts
    ]
    own = alive[operation.hosts.index(cell.host)]
    return np.asarray(own / np.sum(alive, axis=0))


def _chance(operation: Operation, cell: Cell, steps: Steps) -> Floats:
    """Return the chance that a request of the cell fails."""
    if operation is PAYMENT:
        return 0.001 + 0.008 * steps.strain
    if not cell.resource.pays:
        return np.full(len(steps.numbers), BROWSING)
    if operation is STOREFRONT:
        return 0.001 + 0.35 * steps.failing
    bad = ran_bad(cell, steps.seconds)
    return PAYING + np.where(bad, steps.failing, steps.lingering)


def ran_bad(cell: Cell, seconds: Whole) -> NDArray[np.bool_]:
    """Return where the cell's host ran the release at fault."""
    names = [version for _, version in cell.host.releases]
    is_bad = np.array([name == FACTS.bad_version for name in names])
    return np.asarray(is_bad[cell.host.version(seconds)])


@dataclass(frozen=True)
class Batch:
    """Some requests of one operation, as arrays of one length."""

    seed: int
    operation: Operation
    cells: NDArray[np.intp]
    numbers: Whole
    """The step of each request."""
    places: Whole
    """The place of each request within its cell and step."""
    failed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.cells)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Batch:
        """Return the chosen requests."""
        return replace(
            self,
            cells=self.cells[chosen],
            numbers=self.numbers[chosen],
            places=self.places[chosen],
            failed=self.failed[chosen],
        )

    @cached_property
    def keys(self) -> NDArray[np.uint64]:
        """Return a number that is each request's own."""
        start = salt(self.seed, self.operation.name, "request")
        counters = (self.numbers * 64 + self.cells) * 256 + self.places
        return mixed(start, counters)

    def chance(self, what: str) -> Floats:
        """Return a number in [0, 1) for each request and purpose."""
        return unit(salt(self.seed, what), self.keys)

    def choice(self, what: str, count: int) -> NDArray[np.intp]:
        """Return one of ``count`` numbers for each request and purpose."""
        return (self.chance(what) * count).astype(np.intp)

    @cached_property
    def milliseconds(self) -> Whole:
        """Return when each request was over (epoch ms): then it is counted and logged."""
        within = (self.chance("when") * STEP * 1000).astype(np.int64)
        return self.numbers * STEP * 1000 + within

    @cached_property
    def hosts(self) -> NDArray[np.intp]:
        """Return the index of each request's host."""
        return self.cells // len(self.operation.resources)

    @cached_property
    def resources(self) -> NDArray[np.intp]:
        """Return the index of each request's resource."""
        return self.cells % len(self.operation.resources)

    @cached_property
    def pays(self) -> NDArray[np.bool_]:
        """Return which requests call payments."""
        return np.array([resource.pays for resource in self.operation.resources])[self.resources]

    @cached_property
    def steps(self) -> Steps:
        """Return the curves at each request's step."""
        return Steps(self.numbers)

    @cached_property
    def versions(self) -> NDArray[np.intp]:
        """Return the index of each request's release within its host's releases."""
        found = np.zeros(len(self), dtype=np.intp)
        for n, host in enumerate(self.operation.hosts):
            here = self.hosts == n
            found[here] = host.version(self.numbers[here] * STEP)
        return found

    @cached_property
    def bad(self) -> NDArray[np.bool_]:
        """Return which requests met the release at fault."""
        widest = max(len(host.releases) for host in self.operation.hosts)
        table = np.zeros((len(self.operation.hosts), widest), dtype=bool)
        for n, host in enumerate(self.operation.hosts):
            for place, (_, version) in enumerate(host.releases):
                table[n, place] = version == FACTS.bad_version
        return np.asarray(table[self.hosts, self.versions])

    @cached_property
    def causes(self) -> NDArray[np.intp]:
        """Return why each failed; for those that did not, the number means nothing."""
        usual = np.where(self.chance("cause") < 0.6, DATABASE, BUG)
        if self.operation is not CHECKOUT:
            return usual
        extra = np.where(self.bad, self.steps.failing, self.steps.lingering)
        story = self.pays & (self.chance("usual") * (PAYING + extra) >= PAYING)
        return np.where(story, np.where(self.bad, POOL, QUEUE), usual)

    @cached_property
    def nanoseconds(self) -> Whole:
        """Return how long each request took."""
        medians = np.array([resource.median for resource in self.operation.resources])
        usual = medians[self.resources] * np.exp(0.45 * normal(salt(self.seed, "long"), self.keys))
        if self.operation is PAYMENT:
            taken = usual * (1.0 + 6.0 * self.steps.strain)
        else:
            taken = usual * (1.0 + 1.2 * self.steps.strain * self.pays) + self._waited()
        return np.round(taken * 1e9).astype(np.int64)

    def _waited(self) -> Floats:
        """Return the seconds spent waiting for a connection, or for payments, on top."""
        short = np.where(self.bad & self.pays, self.steps.failing / 0.444, 0.0)
        luck = -np.log1p(-self.chance("wait"))
        waited = np.minimum(1.6 * luck * short, 7.5)
        timed_out = np.where(self.causes == POOL, 8.0 + 0.4 * luck, 0.0)
        too_slow = np.where(self.causes == QUEUE, 5.0 + 0.2 * luck, 0.0)
        return np.where(self.failed, timed_out + too_slow, waited)

    @cached_property
    def traces(self) -> NDArray[np.uint64]:
        """Return each request's trace id, 63 bits."""
        return mixed(salt(self.seed, "trace"), self.keys) >> np.uint64(1)

    def span_ids(self, name: str) -> NDArray[np.uint64]:
        """Return the id of one named span of each request's trace, 63 bits."""
        return mixed(salt(self.seed, "span", name), self.keys) >> np.uint64(1)


def draw(seed: int, operation: Operation, span: tuple[int, int], *, every: int = 1) -> Batch:
    """Return the requests of a span of epoch seconds: all that failed, each ``every``-th other."""
    steps = between(*span)
    parts = [_drawn(seed, operation, cell, (steps, every)) for cell in operation.cells]
    cells = np.concatenate(
        [np.full(len(part[0]), n, dtype=np.intp) for n, part in enumerate(parts)]
    )
    numbers, places, failed = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Batch(seed, operation, cells, numbers, places, failed)


def _drawn(
    seed: int, operation: Operation, cell: Cell, ask: tuple[Steps, int]
) -> tuple[Whole, Whole, NDArray[np.bool_]]:
    """Return step, place and failure of one cell's requests."""
    steps, every = ask
    hits, errors = counts(seed, operation, cell, steps)
    lost_at, lost_place = _unrolled(errors, 1)
    kept_at, kept_place = _unrolled(hits - errors, every)
    numbers = steps.numbers[np.concatenate((lost_at, kept_at))]
    places = np.concatenate((lost_place, kept_place + errors[kept_at]))
    failed = np.arange(len(numbers)) < len(lost_at)
    return numbers, places, failed


def _unrolled(repeats: Whole, every: int) -> tuple[NDArray[np.intp], Whole]:
    """Return index and place of each ``every``-th item; index i stands for repeats[i] items."""
    ends = np.cumsum(repeats)
    total = int(ends[-1]) if len(ends) else 0
    picked = np.arange(0, total, every)
    index = np.searchsorted(ends, picked, side="right")
    return index, picked - (ends - repeats)[index] if total else picked
