"""Metric answers, v1 and v2, to one tidy frame: a row a point, nothing filled, nothing invented.

v2 (``/api/v2/query/timeseries``) is columnar: shared ``times``, a list of values a series; times
without data are left out. v1 (``/api/v1/query``) has ``[ms, value]`` points a series.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from postmortem_nb.datadog import answers, arrays
from postmortem_nb.datadog.arrays import counted
from postmortem_nb.datadog.failures import Failed, beside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postmortem_nb.datadog.arrays import Notes

UNGROUPED = "*"
"""What ``series`` says of a query without ``by``."""
_NO_SERIES = "series were no objects and are left out"
_NO_POINTS = "points were no pair of time and value"
_UNEVEN = "series had another number of values than times"
ORDER = ("timestamp", "query", "series", "value", "unit")


@dataclass(frozen=True, slots=True)
class Series:
    """One line of an answer: whose it is, and its points as arrays of ms and numbers."""

    query: str
    name: str
    unit: str | None
    times: np.ndarray[Any, np.dtype[np.int64]]
    numbers: np.ndarray[Any, np.dtype[np.float64]]


def read(body: bytes) -> dict[str, Any]:
    """Return a metric answer that holds data, of either version; Failed for anything else."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = answers.document(body)
    if not isinstance(found, dict):
        raise answers.unusable(found)
    data = found.get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    holder = found if "series" in found else attributes if isinstance(attributes, dict) else {}
    series = holder.get("series", "")
    said = beside(found)
    failed = found.get("status", "ok") != "ok" or bool(said)
    partial = bool(series and said)  # rows came, and what is wrong with them can be told
    if not isinstance(series, (list, type(None))) or (failed and not partial):
        raise answers.unusable(found)
    return found


def lines(answer: dict[str, Any], asked: Sequence[str], notes: Notes) -> list[Series]:
    """Return the series of an answer; ``asked`` are the queries or formulas by their index."""
    if "series" in answer:
        found = _dicts(answer["series"])
        if lost := len(answer["series"] or []) - len(found):
            notes[_NO_SERIES] += lost
        return _v1(found, asked, notes)
    attributes = answer["data"]["attributes"]
    described = _dicts(attributes.get("series"))
    values = attributes.get("values") or []
    if not isinstance(values, list) or len(values) != len(described):
        raise Failed("an answer that does not fit itself", said="series and values differ")
    labels = [_labelled(series, series.get("group_tags"), asked, notes) for series in described]
    return _v2(labels, _times(attributes.get("times") or []), values, notes)


def lost(notes: Notes) -> str:
    """Return why an answer is partial by what of it could not be read; the notes tell the rest."""
    told = [
        counted(notes.pop(what), what) for what in (_NO_SERIES, _NO_POINTS, _UNEVEN) if notes[what]
    ]
    return "; ".join(told)


def joined(parts: Sequence[Sequence[Series]]) -> list[Series]:
    """Return the series of answers that follow each other in time, each series once."""
    if len(parts) == 1:
        return list(parts[0])
    found: dict[tuple[str, str], list[Series]] = {}
    for part in parts:
        for series in part:
            found.setdefault((series.query, series.name), []).append(series)
    return [_in_a_row(pieces) for pieces in found.values()]


def _in_a_row(pieces: Sequence[Series]) -> Series:
    first = pieces[0]
    unit = next((piece.unit for piece in pieces if piece.unit), None)
    times = np.concatenate([piece.times for piece in pieces])
    numbers = np.concatenate([piece.numbers for piece in pieces])
    return Series(first.query, first.name, unit, times, numbers)


def frame(found: Sequence[Series]) -> pd.DataFrame:
    """Return the tidy frame of all series, in the order they came."""
    counts = [len(series.times) for series in found]
    times = np.concatenate([series.times for series in found]) if found else np.array([], "i8")
    values = np.concatenate([series.numbers for series in found]) if found else np.array([], "f8")
    columns = {
        "timestamp": arrays.from_arrow(
            pa.chunked_array([pa.array(times).cast(_MS).cast(arrays.TIME)])
        ),
        "query": _spread([series.query for series in found], counts),
        "series": _spread([series.name for series in found], counts),
        "value": pd.Series(pd.arrays.FloatingArray(values, np.isnan(values))),
        "unit": _spread([series.unit for series in found], counts),
    }
    return pd.DataFrame({name: columns[name] for name in ORDER}, copy=False)


Label = tuple[str, str, str | None]
_MS = pa.timestamp("ms", tz="UTC")
_LAST_MS = 253_402_300_800_000  # the end of the year 9999


def _v1(found: list[dict[str, Any]], asked: Sequence[str], notes: Notes) -> list[Series]:
    """Return series of ``[ms, value]`` points: all at once where every point is one."""
    labels = [_labelled(series, _tags(series), asked, notes) for series in found]
    pointlists = [series.get("pointlist") for series in found]
    lists = [points if isinstance(points, list) else [] for points in pointlists]
    try:
        pairs = pa.array(list(chain.from_iterable(lists)), pa.list_(pa.float64(), 2))
        both = pairs.flatten().to_numpy(zero_copy_only=False)
        times, numbers = both[0::2], both[1::2]
        fits = not pairs.null_count and _in_calendar(times) and not np.isinf(numbers).any()
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        return [_odd_points(*pair, notes) for pair in zip(labels, lists, strict=True)]
    ends = np.cumsum([len(points) for points in lists])[:-1]
    parts = zip(np.split(times.astype("i8"), ends), np.split(numbers, ends), strict=True)
    return [_sorted(label, *part, notes) for label, part in zip(labels, parts, strict=bool(labels))]


def _odd_points(label: Label, points: list[Any], notes: Notes) -> Series:
    """Return a series point by point; what is no pair of a time and a value is left out."""
    kept = [
        point
        for point in points
        if isinstance(point, list)
        and len(point) == 2
        and isinstance(point[0], (int, float))
        and _in_calendar(np.array([_float(point[0])]))
    ]
    if len(kept) < len(points):
        notes[_NO_POINTS] += len(points) - len(kept)
    times = np.array([point[0] for point in kept], dtype="f8").astype("i8")
    return _sorted(label, times, _values([point[1] for point in kept], notes), notes)


def _v2(labels: list[Label], times: Any, values: list[Any], notes: Notes) -> list[Series]:
    """Return series that share their times: all at once where every list is as long as those."""
    ordered = bool((np.diff(times) > 0).all())
    try:
        lists = pa.array(values, pa.list_(pa.float64()))
        whole = lists.flatten().to_numpy(zero_copy_only=False)
        fits = len(whole) == len(times) * len(values) and not np.isinf(whole).any()
        fits = fits and set(lists.value_lengths().to_pylist()) <= {len(times)}
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        fits = False
    if fits and ordered:
        rows = whole.reshape(len(values), len(times))
        return [Series(*label, times, row) for label, row in zip(labels, rows, strict=True)]
    return [_odd_values(*pair, times, notes) for pair in zip(labels, values, strict=True)]


def _odd_values(label: Label, listed: Any, times: Any, notes: Notes) -> Series:
    values = _values(listed if isinstance(listed, list) else [], notes)
    if len(values) != len(times):
        notes[_UNEVEN] += 1
    length = min(len(values), len(times))
    return _sorted(label, times[:length], values[:length], notes)


def _labelled(series: dict[str, Any], tags: Any, asked: Sequence[str], notes: Notes) -> Label:
    """Return the query, the tags and the unit of a series."""
    listed = tags if isinstance(tags, list) else []
    name = ",".join(map(str, listed)) or UNGROUPED
    return _query(series, asked, notes), name, _unit(series.get("unit"))


def _query(series: dict[str, Any], asked: Sequence[str], notes: Notes) -> str:
    """Return which of the queries a series answers; where that is none of several, it is noted."""
    index, expression = series.get("query_index"), series.get("expression")
    if isinstance(index, int) and 0 <= index < len(asked):
        return asked[index]
    if len(asked) > 1:
        notes["series name none of the queries that were asked"] += 1
    if len(asked) == 1:
        return str(expression or asked[0])
    return str(expression or ("unknown query" if index is None else f"query {index}"))


def _tags(series: dict[str, Any]) -> list[Any]:
    """Return the tags of a v1 series: its tag set, else its scope."""
    tags = series.get("tag_set")
    if isinstance(tags, list):
        return tags
    scope = series.get("scope")
    return [] if scope in (None, "*") else [scope]


def _in_calendar(times: Any) -> bool:
    """Return whether moments in ms can be shown: within the years that ``datetime`` has."""
    return bool((np.abs(times) < _LAST_MS).all())


def _sorted(label: Label, times: Any, values: Any, notes: Notes) -> Series:
    """Return a series in the order of its times; values at one time are all kept, and noted."""
    steps = np.diff(times)
    if (steps < 0).any():
        order = np.argsort(times, kind="stable")
        times, values, steps = times[order], values[order], np.diff(times[order])
        notes["series came out of order and were sorted by time"] += 1
    if doubled := int((steps == 0).sum()):
        notes["points share their time with another of the same series"] += doubled
    return Series(*label, times, values)


def _values(listed: list[Any], notes: Notes) -> Any:
    """Return numbers as floats; a null is missing, and what is no finite number becomes missing."""
    try:
        values = pa.array(listed, pa.float64()).to_numpy(zero_copy_only=False).copy()
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        values = np.array([_float(value) for value in listed], dtype="f8")
    infinite = np.isinf(values)
    if infinite.any():
        notes["values were no finite numbers and are missing"] += int(infinite.sum())
        values[infinite] = np.nan
    return values


def _float(value: Any) -> float:
    """Return one value as a float: missing is NaN, what is no number is infinite, to be counted."""
    if value is None:
        return math.nan
    try:
        return float(value) if isinstance(value, (int, float)) else math.inf
    except OverflowError:
        return math.inf


def _times(listed: list[Any]) -> Any:
    try:
        times = pa.array(listed, pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        times = np.array([np.nan])
    if not _in_calendar(times):
        raise Failed("an answer whose times cannot be read")
    return times.astype("i8")


def _unit(unit: Any) -> str | None:
    """Return a unit's name: ``second``, ``hit/second``; None where the answer has none."""
    if not isinstance(unit, list):
        unit = [unit]
    names = [part.get("name") for part in unit if isinstance(part, dict)]
    return "/".join(str(name) for name in names if name) or None


def _spread(labels: list[str | None], counts: list[int]) -> pd.Series[Any]:
    """Return a text column that repeats each label as often as its series has points."""
    places = np.repeat(np.arange(len(labels), dtype="i4"), counts)
    column = pa.array(labels, pa.string()).take(pa.array(places, pa.int32()))
    return arrays.from_arrow(pa.chunked_array([column]))


def _dicts(found: list[Any] | None) -> list[dict[str, Any]]:
    return [series for series in found or [] if isinstance(series, dict)]
