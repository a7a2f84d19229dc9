"""Stretches of the timeline in which nothing is told, and whether a metric moved meanwhile.

A metric moved when its smoothed values in the stretch span more than a third of all that it did in
the evidence, and more than three times its usual spread outside of the incident.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from postmortem_nb import evidence, metrics, times
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.errors import BundleError, shown
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case
    from postmortem_nb.incident import Incident

QUIET = dt.timedelta(minutes=45)
"""Longest stretch without an entry while the incident is open that asks no question."""

MOVING = dt.timedelta(minutes=30)
"""The same while a metric moves. After the mitigation it should move: nothing is asked then."""

FUNCTION = "get_datadog_metric"
COLUMNS = ("timestamp", "query", "series", "value")
UNITED = (*COLUMNS, "unit")
MICROSECOND = dt.timedelta(microseconds=1)

MOST_CURVES = 200
"""Curves of one answer that are looked at, in their order: a wide answer must not slow a form."""

POINTS = 5
"""Values that a stretch needs before anything is said of them."""

PART, SPREAD = 1 / 3, 3.0

PROMPT = "Ask who was at work: what were you seeing, what did you try, what did you wait for?"


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve of a metric: what it is, its moments (µs since the epoch) and levels."""

    label: str
    moments: NDArray[np.int64]
    levels: NDArray[np.float64]
    unit: str = ""


class Texts(NamedTuple):
    """A column of texts: each once, in order, and for each row which it has."""

    texts: list[str]
    ranks: NDArray[np.int64]


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield silent stretches: a hint when long, a warning when a metric moved meanwhile."""
    stretches = list(gaps(case))
    drawn = list(curves(incident.path / "evidence")) if stretches else []
    mitigated = case.moments.mitigated
    for since, until in stretches:
        asked = mitigated is None or since < mitigated
        moved = _most_moved(drawn, case, since, until) if asked else ""
        if moved or until - since > QUIET:
            lasted = times.duration((until - since) / metrics.MINUTE)
            meanwhile = f"while {moved}" if moved else "while the incident was open"
            yield Finding(
                code=Code.SILENCE,
                severity=Severity.WARNING if moved else Severity.HINT,
                where=case.where("timeline"),
                message=f"Nothing is told for {lasted} {meanwhile}: from {times.shown(since)} "
                f"to {times.shown(until)}.",
                remedy=PROMPT,
                table="timeline",
            )


def gaps(case: Case) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Yield the stretches without an entry between start and recovery that are worth a look."""
    start, end = case.moments.start, case.moments.recovered
    rows = [*case.rows("timeline"), *(case.rows("updates") if start and end else ())]
    told = sorted(
        row["time"]
        for row in rows
        if row.get("time") is not None
        and (start is None or row["time"] >= start)
        and (end is None or row["time"] <= end)
    )
    yield from ((one, other) for one, other in pairwise(told) if other - one > MOVING)


def curves(folder: Path) -> Iterator[Curve]:
    """Yield the curves of every frozen metric."""
    for record in evidence.listing(folder):
        if record.get("function") == FUNCTION and record.get("sha256"):
            yield from _frozen(folder, str(record["name"]), str(record["sha256"]))


@lru_cache(maxsize=64)
def _frozen(folder: Path, name: str, digest: str) -> tuple[Curve, ...]:
    """Return the curves of one answer; remembered by its digest, as checks ask often."""
    del digest  # a part of the key
    table = _columns(folder, name, UNITED)
    table = _columns(folder, name, COLUMNS) if table is None else table
    if table is None or not _is_metric(table.schema):
        return ()
    known = pc.and_(pc.is_finite(table["value"]), pc.is_valid(table["timestamp"]))
    table = table.filter(known)
    moments = table["timestamp"].cast(pa.timestamp("us"), safe=False).cast(pa.int64()).to_numpy()
    levels = table["value"].cast(pa.float64()).to_numpy()
    queries, series = (_ranked(table[column]) for column in ("query", "series"))
    units = table["unit"].to_pylist() if "unit" in table.column_names else [""] * len(table)
    groups = queries.ranks * len(series.texts) + series.ranks
    order = np.lexsort((moments, groups))
    runs = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) if len(order) else []
    return tuple(
        Curve(
            _label(queries.texts[queries.ranks[run[0]]], series.texts[series.ranks[run[0]]]),
            moments[run],
            levels[run],
            str(units[run[0]] or ""),
        )
        for run in runs[:MOST_CURVES]
    )


def _columns(folder: Path, name: str, wanted: tuple[str, ...]) -> pa.Table | None:
    """Return columns of an answer; None where it lacks one, or cannot be read: others tell why."""
    try:
        return evidence.columns(folder, name, wanted)
    except BundleError:
        return None


def _is_metric(schema: pa.Schema) -> bool:
    """Return whether columns have the types of a metric's answer."""
    moment, query, series, value = (schema.field(name).type for name in COLUMNS)
    texts = all(pa.types.is_dictionary(each) for each in (query, series))
    number = pa.types.is_floating(value) or pa.types.is_integer(value)
    return texts and number and pa.types.is_timestamp(moment)


def _ranked(column: pa.ChunkedArray) -> Texts:
    """Return the texts of a column in order, and which each row has; a missing one is empty."""
    words = column.cast(pa.string()).fill_null("").dictionary_encode().combine_chunks()
    array = words.chunk(0) if isinstance(words, pa.ChunkedArray) else words
    texts = array.dictionary.to_pylist()
    order = sorted(range(len(texts)), key=texts.__getitem__)
    places = np.empty(len(texts), dtype=np.int64)
    places[order] = np.arange(len(texts))
    return Texts([texts[place] for place in order], places[array.indices.to_numpy()])


def _label(query: str, series: str) -> str:
    return query if series in {"*", ""} else f"{query} of {series}"


def _most_moved(curves: Sequence[Curve], case: Case, since: dt.datetime, until: dt.datetime) -> str:
    """Return how the curve that moved most did so in a stretch, or nothing."""
    window = (case.moments.start or since, case.moments.recovered or until)
    moved = [(_movement(curve, window, since, until), curve.label) for curve in curves]
    best = max(moved, key=lambda each: each[0][0], default=None)
    if best is None or best[0][0] <= 0:
        return ""
    (_, begin, end), label = best
    return f"{shown(label)} went from {numeral(begin, 4)} to {numeral(end, 4)}"


def _movement(
    curve: Curve, window: tuple[dt.datetime, dt.datetime], since: dt.datetime, until: dt.datetime
) -> tuple[float, float, float]:
    """Return which share of its range a curve crossed in a stretch, from what and to what.

    The share is 0 where it stayed within its noise.
    """
    inside = _within(curve, since, until)
    if inside.sum() < POINTS:
        return 0.0, 0.0, 0.0
    smooth = _smoothed(curve.levels[inside])
    usual = curve.levels[~_within(curve, *window)]
    noise = float(np.subtract(*np.percentile(usual, (95, 5)))) if len(usual) >= POINTS else 0.0
    low, high = int(smooth.argmin()), int(smooth.argmax())
    crossed = float(smooth[high] - smooth[low])
    whole = float(np.ptp(curve.levels))
    if crossed <= max(PART * whole, SPREAD * noise):
        return 0.0, 0.0, 0.0
    first, last = sorted((low, high))
    return crossed / whole, float(smooth[first]), float(smooth[last])


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return medians of three neighbours: one odd point is no movement."""
    smooth: NDArray[np.float64] = np.median([values[:-2], values[1:-1], values[2:]], axis=0)
    return smooth


def _within(curve: Curve, since: dt.datetime, until: dt.datetime) -> NDArray[np.bool_]:
    """Return which points of a curve lie in a stretch."""
    begin, end = ((moment - times.EPOCH) // MICROSECOND for moment in (since, until))
    within: NDArray[np.bool_] = (curve.moments >= begin) & (curve.moments <= end)
    return within
