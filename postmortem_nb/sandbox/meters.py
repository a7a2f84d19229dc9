"""The metrics there are, and the points that each of their sources reported in a span of time.

A *meter* is a metric with its type and unit; a *source* is one set of tags that reports to it,
every ``every`` seconds. Points are computed for the span that is asked for, never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.errors import QueryError
from postmortem_nb.sandbox.curves import STEP, Steps, between
from postmortem_nb.sandbox.fleet import CHECKOUT, OPERATIONS, Cell, Operation
from postmortem_nb.sandbox.gauges import GAUGES, Gauge
from postmortem_nb.sandbox.logs import order_values, status_codes
from postmortem_nb.sandbox.scenario import FACTS, epoch
from postmortem_nb.sandbox.traffic import Batch, Counts, counts, draw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KEPT = (epoch(FACTS.metrics_start), epoch(FACTS.baseline_end))
"""Epoch seconds in which anything was reported: six weeks, for the SLO looks back thirty days."""

LONGEST = 15 * 86_400
"""Seconds of a window in which single requests are looked at: percentiles, latency, statuses."""

APDEX = 0.5
"""Seconds in which a request satisfies; four times that is tolerated."""


@dataclass(frozen=True)
class Points:
    """What one source reported: moments (epoch seconds, rising) and values."""

    tags: Mapping[str, str]
    seconds: NDArray[np.int64]
    values: Floats


@dataclass(frozen=True)
class Meter:
    """One metric. ``points(seed, span, fits)`` gives what the sources that fit reported."""

    name: str
    type: str
    unit: str
    about: str
    points: Callable[[int, tuple[int, int], Callable[[Mapping[str, str]], bool]], list[Points]]
    per: str = ""
    every: int = STEP


def clipped(span: tuple[int, int]) -> tuple[int, int]:
    """Return the part of a span of epoch seconds in which anything was reported."""
    low, high = max(span[0], KEPT[0]), min(span[1], KEPT[1])
    return low, max(low, high)


def _tags(operation: Operation, cell: Cell, version: str) -> dict[str, str]:
    host = cell.host
    return {
        "env": "prod",
        "service": operation.service,
        "host": host.name,
        "region": host.region,
        "version": version,
        "resource_name": tag_value(cell.resource.name),
    }


def tag_value(text: str) -> str:
    """Return a text as Datadog keeps it in a tag: lower case, other signs become ``_``."""
    kept = (char if char.isalnum() or char in "-_./:" else "_" for char in text.lower())
    return "".join(kept).strip("_")


def _counted(
    operation: Operation,
    pick: Callable[[Counts], NDArray[np.int64]],
    seed: int,
    span: tuple[int, int],
    fits: Callable[[Mapping[str, str]], bool],
) -> list[Points]:
    """Return counts a step, for each cell and release; a step without any reports nothing."""
    steps = between(*clipped(span))
    found = []
    for cell in operation.cells:
        names = dict.fromkeys(version for _, version in cell.host.releases)
        tags = {name: _tags(operation, cell, name) for name in names}
        wanted = [name for name in names if fits(tags[name])]
        if not wanted or not len(steps.numbers):
            continue
        values = pick(counts(seed, operation, cell, steps))
        ran = cell.host.version(steps.seconds)
        for name in wanted:
            places = [n for n, (_, version) in enumerate(cell.host.releases) if version == name]
            here = np.isin(ran, places) & (values > 0)
            if here.any():
                found.append(Points(tags[name], steps.seconds[here], values[here].astype(float)))
    return found


@lru_cache(maxsize=4)
def _batch(seed: int, operation: Operation, span: tuple[int, int]) -> Batch:
    """Return every request of a span, in order of time."""
    if span[1] - span[0] > LONGEST:
        days = LONGEST // 86_400
        raise QueryError(
            f"metric query: the sandbox computes latencies and statuses from single requests, "
            f"over up to {days} days at a time; ask for hits or errors, or for fewer days"
        )
    batch = draw(seed, operation, span)
    return batch.take(np.argsort(batch.numbers, kind="stable"))


def _sampled(
    operation: Operation,
    value: Callable[[Batch], Floats],
    seed: int,
    span: tuple[int, int],
    fits: Callable[[Mapping[str, str]], bool],
) -> list[Points]:
    """Return one value a request, for each cell and release: a distribution."""
    batch = _batch(seed, operation, clipped(span))
    values, seconds = value(batch), batch.numbers * STEP
    found = []
    widest = max(len(host.releases) for host in operation.hosts)
    own = batch.cells * widest + batch.versions
    for code in np.unique(own):
        cell = operation.cells[code // widest]
        tags = _tags(operation, cell, cell.host.releases[code % widest][1])
        if fits(tags):
            here = own == code
            found.append(Points(tags, seconds[here], values[here]))
    return found


def _totalled(
    operation: Operation,
    value: Callable[[Batch], Floats],
    seed: int,
    span: tuple[int, int],
    fits: Callable[[Mapping[str, str]], bool],
) -> list[Points]:
    """Return one total a step of a value a request, for each cell and release."""
    found = []
    for points in _sampled(operation, value, seed, span, fits):
        moments, place = np.unique(points.seconds, return_inverse=True)
        totals = np.bincount(place, points.values).astype(np.float64)
        found.append(Points(points.tags, moments, totals))
    return found


def _by_status(
    operation: Operation,
    seed: int,
    span: tuple[int, int],
    fits: Callable[[Mapping[str, str]], bool],
) -> list[Points]:
    """Return counts a step by HTTP status, for each cell and release."""
    found = []
    for points in _sampled(
        operation, lambda batch: status_codes(batch).astype(float), seed, span, bool
    ):
        for code in np.unique(points.values):
            status = {
                "http.status_code": f"{code:.0f}",
                "http.status_class": f"{code // 100:.0f}xx",
            }
            tags = {**points.tags, **status}
            if fits(tags):
                here = points.seconds[points.values == code]
                moments, amounts = np.unique(here, return_counts=True)
                found.append(Points(tags, moments, amounts.astype(float)))
    return found


def _apdex(
    operation: Operation,
    seed: int,
    span: tuple[int, int],
    fits: Callable[[Mapping[str, str]], bool],
) -> list[Points]:
    """Return the apdex a step: satisfied 1, tolerated a half, failed or slow nothing."""
    found = []
    for points in _sampled(operation, _satisfaction, seed, span, fits):
        moments, place = np.unique(points.seconds, return_inverse=True)
        means = np.bincount(place, points.values) / np.bincount(place)
        found.append(Points(points.tags, moments, means))
    return found


def _satisfaction(batch: Batch) -> Floats:
    taken = batch.nanoseconds / 1e9
    well = np.where(taken <= APDEX, 1.0, np.where(taken <= 4 * APDEX, 0.5, 0.0))
    return np.where(batch.failed, 0.0, well).astype(np.float64)


def _latency(batch: Batch) -> Floats:
    """Return the seconds that each request took."""
    return np.asarray(batch.nanoseconds / 1e9, dtype=np.float64)


def _gauged(
    gauge: Gauge, seed: int, span: tuple[int, int], fits: Callable[[Mapping[str, str]], bool]
) -> list[Points]:
    """Return a gauge's readings, for each host that was there."""
    low, high = clipped(span)
    rate = gauge.every // STEP
    first, last = -(-low // gauge.every), -(-high // gauge.every)
    found = []
    for number, (tags, alive) in enumerate(gauge.sources):
        if not fits(tags):
            continue
        steps = Steps(np.arange(first, last, dtype=np.int64) * rate)
        here = (steps.seconds >= alive[0]) & (steps.seconds < alive[1])
        if here.any():
            steps = Steps(steps.numbers[here])
            found.append(Points(tags, steps.seconds, gauge.value(seed, number, steps)))
    return found


def _traced(operation: Operation) -> list[Meter]:
    """Return the trace metrics of an operation, named as APM names them."""
    name, about = f"trace.{operation.name}", f"of {operation.service}, by host and resource"
    return [
        Meter(name, "distribution", "second", f"Latency of each request {about}",
              partial(_sampled, operation, _latency)),
        Meter(f"{name}.hits", "count", "request", f"Requests {about}",
              partial(_counted, operation, lambda found: found.hits)),
        Meter(f"{name}.errors", "count", "error", f"Failed requests {about}",
              partial(_counted, operation, lambda found: found.errors)),
        Meter(f"{name}.hits.by_http_status", "count", "request", f"Requests {about} and status",
              partial(_by_status, operation)),
        Meter(f"{name}.duration", "gauge", "second", f"Legacy: total time of requests {about}; "
              f"for latency ask {name}", partial(_totalled, operation, _latency)),
        Meter(f"{name}.apdex", "gauge", "", f"Apdex at {APDEX} s {about}",
              partial(_apdex, operation)),
    ]  # fmt: skip


METERS: dict[str, Meter] = {
    meter.name: meter
    for meter in (
        *(meter for operation in OPERATIONS for meter in _traced(operation)),
        Meter("checkout.orders.value", "count", "dollar", "Confirmed orders, by host and resource",
              partial(_totalled, CHECKOUT, order_values)),
        *(
            Meter(gauge.name, gauge.type, gauge.unit, gauge.about, partial(_gauged, gauge),
                  gauge.per, gauge.every)
            for gauge in GAUGES
        ),
    )
}  # fmt: skip
"""Every metric by name."""
