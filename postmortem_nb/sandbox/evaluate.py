"""The value of a metric query over a grid of time: sources, then time, then space, then sums.

As in Datadog: each source's points are first rolled up into buckets of time, then sources are
joined within each group, then functions and arithmetic apply. A bucket begins at a multiple of
the interval since the epoch and is named by its beginning; nothing reported is NaN, not zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from postmortem_nb.errors import QueryError, shown
from postmortem_nb.sandbox.meters import METERS, Meter, Points
from postmortem_nb.sandbox.metric import LONGEST_GAP, METHODS, Series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LADDER = (10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
"""Intervals that a window may be cut into, in seconds: an hour by 20 s, a day by 5 min."""

AIMED, MOST = 350, 20_000
"""Points of a series when nobody says how many, and the most that are computed."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Buckets of time: epoch seconds of the first, length and number; data from low to high.

    Only points in the half-open span ``low``–``high`` count.
    """

    first: int
    interval: int
    count: int
    low: int
    high: int

    @property
    def seconds(self) -> NDArray[np.int64]:
        """Return the beginning of each bucket."""
        return self.first + self.interval * np.arange(self.count, dtype=np.int64)

    def shifted(self, seconds: int) -> Grid:
        """Return the same buckets, earlier or later."""
        return replace(
            self, first=self.first + seconds, low=self.low + seconds, high=self.high + seconds
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One series of an answer: its group's tags, one value a bucket, and what it measures."""

    tags: tuple[str, ...]
    values: Floats
    unit: tuple[str, str] = ("", "")
    """Unit and, for a rate, what it is per."""
    counted: bool = False
    """Whether a bucket without anything counts as zero beside another series."""


def grid(span: tuple[int, int], interval: int | None, *, partial: bool = False) -> Grid:
    """Return the buckets of a half-open span of epoch seconds.

    Without an interval the ladder's first that gives up to ``AIMED`` points. The bucket in which
    the span begins counts only when ``partial``: Datadog leaves it out of a graph.
    """
    low, high = span
    if high <= low:
        raise QueryError("metric query: expected 'from' to be before 'to'")
    step = interval or next((s for s in LADDER if (high - low) / s <= AIMED), LADDER[-1])
    if (high - low) / step > MOST:
        raise QueryError(
            f"metric query: {(high - low) // step:,} points a series are more than {MOST:,}; "
            f"ask for a longer rollup, for example .rollup(sum, {-(-(high - low) // MOST)})"
        )
    first = low // step * step if partial else -(-low // step) * step
    return Grid(first, step, max(-(-(high - first) // step), 0), low if partial else first, high)


def lines(seed: int, asked: Series, over: Grid) -> list[Line]:
    """Return one line a group; a group in which nothing was reported has none."""
    meter = _meter(asked)
    points = meter.points(seed, (over.low, over.high), asked.scope.holds)
    if meter.type == "distribution":
        return [
            Line(tags, _distributed(asked, found, over), _unit(asked, meter), _additive(asked))
            for tags, found in _grouped(points, asked.by)
        ]
    made = []
    for tags, found in _grouped(points, asked.by):
        rows = np.array([_rolled(asked, meter, each, over) for each in found])
        joined = _joined(asked, meter, rows, over)
        if not np.isnan(joined).all():
            made.append(Line(tags, joined, _unit(asked, meter), _additive(asked)))
    return made


def _additive(asked: Series) -> bool:
    return asked.counted == "count"


def _meter(asked: Series) -> Meter:
    """Return the metric of a series; QueryError when its aggregator does not fit its type."""
    meter = METERS.get(asked.metric)
    if meter is None:  # Datadog answers a name nobody reports to with no series, not an error
        return Meter(asked.metric, "gauge", "", "", lambda *_: [])
    aggregator = asked.aggregator or "avg"
    if meter.type != "distribution" and aggregator not in METHODS[:4]:
        raise QueryError(
            f"metric query: {aggregator}: needs a distribution and {meter.name} is a {meter.type}; "
            f"expected avg:, sum:, min: or max:"
        )
    if aggregator[0] == "p" and not float(aggregator[1:]) <= 100:
        raise QueryError(f"metric query: expected p0 to p100; got {shown(aggregator)}")
    return meter


def _unit(asked: Series, meter: Meter) -> tuple[str, str]:
    """Return unit and per; a rate is per second, a count of a distribution has no unit."""
    if meter.type == "distribution" and asked.aggregator == "count":
        return "", ""
    if asked.counted == "rate" and meter.type in ("count", "rate"):
        return meter.unit, "second"
    return meter.unit, "" if asked.counted == "count" else meter.per


def _grouped(
    points: list[Points], by: tuple[str, ...]
) -> list[tuple[tuple[str, ...], list[Points]]]:
    """Return the sources of each group; a source without the key is in the group N/A."""
    groups: dict[tuple[str, ...], list[Points]] = {}
    for found in points:
        tags = tuple(f"{key}:{found.tags.get(key, 'N/A')}" for key in by)
        groups.setdefault(tags, []).append(found)
    return sorted(groups.items())


def _rolled(asked: Series, meter: Meter, points: Points, over: Grid) -> Floats:
    """Return one source's value a bucket: the time aggregation."""
    counting = asked.counted and meter.type in ("count", "rate")
    method = asked.method or ("sum" if counting else "avg")
    values = points.values * meter.every if counting and meter.type == "rate" else points.values
    rolled = bucketed(points.seconds, values, over, method)
    if asked.counted == "rate" and counting:
        rolled = rolled / over.interval
    return rolled


def bucketed(seconds: NDArray[np.int64], values: Floats, over: Grid, method: str) -> Floats:
    """Return the values of moments, aggregated by bucket; NaN where there are none."""
    inside = (seconds >= over.low) & (seconds < over.high)
    place = (seconds[inside] - over.first) // over.interval
    values = values[inside]
    amounts = np.bincount(place, minlength=over.count)[: over.count]
    if method in ("min", "max"):
        rolled = np.full(over.count, np.inf if method == "min" else -np.inf)
        (np.minimum if method == "min" else np.maximum).at(rolled, place, values)
    else:
        rolled = np.bincount(place, values, minlength=over.count)[: over.count]
    if method == "count":
        rolled = amounts.astype(float)
    if method == "avg":
        rolled = rolled / np.maximum(amounts, 1)
    return np.where(amounts > 0, rolled, np.nan)


def _joined(asked: Series, meter: Meter, rows: Floats, over: Grid) -> Floats:
    """Return the sources of a group as one: gaps bridged, then the space aggregation."""
    if asked.fill is not None:
        rows = np.array([filled(row, asked.fill, asked.gap, over.interval) for row in rows])
    elif meter.type == "gauge" and len(rows) > 1:
        anywhere = ~np.isnan(rows).all(axis=0)
        bridged = np.array([filled(row, "linear", asked.gap, over.interval) for row in rows])
        rows = np.where(anywhere, bridged, np.nan)
    return across(rows, asked.aggregator or "avg")


def across(rows: Floats, method: str) -> Floats:
    """Return several rows as one, bucket by bucket; NaN where none has a value."""
    amounts = (~np.isnan(rows)).sum(axis=0)
    if method in ("min", "max"):
        empty = np.inf if method == "min" else -np.inf
        joined = (np.min if method == "min" else np.max)(
            np.where(np.isnan(rows), empty, rows), axis=0
        )
    else:
        joined = np.nansum(rows, axis=0)
        joined = joined / np.maximum(amounts, 1) if method == "avg" else joined
    return np.where(amounts > 0, joined, np.nan)


def filled(row: Floats, how: str, gap: int, interval: int) -> Floats:
    """Return a row with gaps of up to ``gap`` seconds (at most 600) bridged."""
    have = np.flatnonzero(~np.isnan(row))
    if how == "null" or not len(have):
        return row
    reach = min(gap, LONGEST_GAP)
    place = np.arange(len(row))
    before = np.searchsorted(have, place, side="right") - 1
    last = have[np.maximum(before, 0)]
    known = before >= 0
    near = known & ((place - last) * interval <= reach)
    if how == "linear":
        after = have[np.minimum(before + 1, len(have) - 1)]
        near = known & (after > place) & ((after - last) * interval <= reach)
        new = np.interp(place, have, row[have])
    else:
        new = row[last] if how == "last" else np.zeros(len(row))
    return np.where(np.isnan(row) & near, new, row)


def _distributed(asked: Series, found: list[Points], over: Grid) -> Floats:
    """Return an aggregate of all values of a group a bucket: a distribution has no sources."""
    if asked.counted or asked.method not in (None, asked.aggregator):
        raise QueryError(
            f"metric query: {asked.metric} is a distribution; the sandbox evaluates avg: sum: min: "
            "max: count: p95: of it with .rollup(seconds) and .fill()"
        )
    seconds = np.concatenate([points.seconds for points in found])
    values = np.concatenate([points.values for points in found])
    method = asked.aggregator or "avg"
    if method[0] == "p":
        rolled = _percentiles(seconds, values, over, float(method[1:]))
    else:
        rolled = bucketed(seconds, values, over, method)
    return rolled if asked.fill is None else filled(rolled, asked.fill, asked.gap, over.interval)


def _percentiles(seconds: NDArray[np.int64], values: Floats, over: Grid, rank: float) -> Floats:
    """Return a percentile a bucket, between the two values around it by linear interpolation."""
    inside = (seconds >= over.low) & (seconds < over.high)
    place = (seconds[inside] - over.first) // over.interval
    order = np.lexsort((values[inside], place))
    ordered = values[inside][order]
    amounts = np.bincount(place, minlength=over.count)[: over.count]
    if not len(ordered):
        return np.full(over.count, np.nan)
    begins = np.cumsum(amounts) - amounts
    at = begins + (np.maximum(amounts, 1) - 1) * rank / 100.0
    lower = np.minimum(np.floor(at).astype(np.int64), len(ordered) - 1)
    upper = np.minimum(np.ceil(at).astype(np.int64), len(ordered) - 1)
    between = ordered[lower] + (at - np.floor(at)) * (ordered[upper] - ordered[lower])
    return np.where(amounts > 0, between, np.nan)


def unit(line: Line, known: Mapping[str, Any]) -> list[Any] | None:
    """Return a line's unit as Datadog writes it: a pair of unit and per, or None."""
    name, per = line.unit
    return [known[name], known[per] if per else None] if name else None
