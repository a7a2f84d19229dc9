"""Metric answers, v1 and v2, to one tidy frame: a row a point, nothing filled, nothing invented.

v2 (``/api/v2/query/timeseries``) is columnar: shared ``times``, a list of values a series; times
without data are left out. v1 (``/api/v1/query``) has ``[ms, value]`` points a series.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from postmortem_nb.datadog import answers, arrays
from postmortem_nb.datadog.failures import Failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postmortem_nb.datadog.arrays import Notes

UNGROUPED = "*"
"""What ``series`` says of a query without ``by``."""
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
        raise answers.unusable(body, found)
    if "series" in found and found.get("status", "ok") == "ok" and not found.get("error"):
        return found
    data = found.get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    if found.get("errors") or not isinstance(attributes, dict):
        raise answers.unusable(body, found)
    return found


def lines(answer: dict[str, Any], asked: Sequence[str], notes: Notes) -> list[Series]:
    """Return the series of an answer; ``asked`` are the queries or formulas by their index."""
    if "series" in answer:
        return [_v1(series, asked, notes) for series in _dicts(answer["series"])]
    attributes = answer["data"]["attributes"]
    times = _times(attributes.get("times") or [])
    listed = [one if isinstance(one, list) else [] for one in attributes.get("values") or []]
    described = _dicts(attributes.get("series"))
    if len(listed) != len(described):
        raise Failed(
            "an answer that does not fit itself", said="series and values differ in number"
        )
    return [
        _v2(series, (times, values), asked, notes)
        for series, values in zip(described, listed, strict=True)
    ]


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


_MS = pa.timestamp("ms", tz="UTC")


def _v1(series: dict[str, Any], asked: Sequence[str], notes: Notes) -> Series:
    points = [
        point
        for point in series.get("pointlist") or []
        if isinstance(point, list) and len(point) == 2 and isinstance(point[0], (int, float))
    ]
    dropped = len(series.get("pointlist") or []) - len(points)
    if dropped:
        notes["points were no pair of time and value"] += dropped
    times = np.array([point[0] for point in points], dtype="f8").astype("i8")
    values = _values([point[1] for point in points], notes)
    tags = series.get("tag_set")
    if not isinstance(tags, list):
        scope = series.get("scope")
        tags = [] if scope in (None, "*") else [scope]
    return _sorted(_described(series, tags, asked), times, values, notes)


def _v2(
    series: dict[str, Any], points: tuple[Any, Any], asked: Sequence[str], notes: Notes
) -> Series:
    times, listed = points
    values = _values(listed, notes)
    if len(values) != len(times):
        notes["series had another number of values than times"] += 1
    length = min(len(values), len(times))
    tags = series.get("group_tags")
    described = _described(series, tags if isinstance(tags, list) else [], asked)
    return _sorted(described, times[:length], values[:length], notes)


def _described(
    series: dict[str, Any], tags: list[Any], asked: Sequence[str]
) -> tuple[str, str, str | None]:
    index = series.get("query_index")
    query = str(series.get("expression") or (asked[0] if asked else ""))
    if isinstance(index, int) and 0 <= index < len(asked):
        query = asked[index]
    return query, ",".join(str(tag) for tag in tags) or UNGROUPED, _unit(series.get("unit"))


def _sorted(
    described: tuple[str, str, str | None], times: Any, values: Any, notes: Notes
) -> Series:
    """Return a series in the order of its times; values at one time are all kept, and noted."""
    steps = np.diff(times)
    if (steps < 0).any():
        order = np.argsort(times, kind="stable")
        times, values, steps = times[order], values[order], np.diff(times[order])
        notes["series came out of order and were sorted by time"] += 1
    if doubled := int((steps == 0).sum()):
        notes["points share their time with another of the same series"] += doubled
    return Series(*described, times, values)


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
        return np.array(listed, dtype="f8").astype("i8")
    except (TypeError, ValueError, OverflowError):
        raise Failed("an answer whose times cannot be read") from None


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


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [series for series in found or [] if isinstance(series, dict)]
