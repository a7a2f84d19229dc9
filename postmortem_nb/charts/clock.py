"""Time in pictures: seconds since the epoch, round buckets, and an axis that says UTC."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from postmortem_nb import times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BUCKETS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
    86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000,
    157680000, 315360000, 1576800000, 3153600000,
)  # fmt: skip
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LATEST = 250_000_000_000.0  # seconds: the year 9891; what lies beyond is drawn at the edge
EARLIEST = -62_000_000_000.0  # the year 5


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in seconds since the epoch."""

    start: float
    end: float

    @property
    def length(self) -> float:
        """Seconds from start to end."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the time axis: where, its clock time, and the day where it begins or changes."""

    at: float
    clock: str
    day: str = ""


def seconds(column: pd.Series) -> NDArray[np.float64]:
    """Return a time column as seconds since the epoch; missing is NaN, no zone means UTC."""
    moments = column.to_numpy(dtype="datetime64[us]")
    found = moments.view("int64") / 1e6
    found[np.isnat(moments)] = np.nan
    return found


def epoch(moment: datetime) -> float:
    """Return an aware moment as seconds since the epoch."""
    return (moment - EPOCH) / timedelta(seconds=1)


def moment(at: float) -> datetime:
    """Return seconds since the epoch as a moment in UTC."""
    return EPOCH + timedelta(seconds=min(max(at, EARLIEST), LATEST))


def extent(at: NDArray[np.float64], facts: Mapping[str, object]) -> Span:
    """Return the window that was asked for, where the evidence says it, and all of the data."""
    asked = _asked(facts)
    finite = at[np.isfinite(at)]
    if not finite.size:
        return asked or Span(0.0, 60.0)
    first, last = float(finite.min()), float(finite.max())
    if asked is not None:
        return Span(min(first, asked.start), max(last, asked.end))
    return Span(first, last) if last > first else Span(first - 30, last + 30)


def _asked(facts: Mapping[str, object]) -> Span | None:
    start, end = facts.get("from"), facts.get("to")
    if not (isinstance(start, str) and isinstance(end, str)):
        return None
    span = Span(epoch(times.parse(start)), epoch(times.parse(end)))
    return span if span.length > 0 else None


def bucket(span: Span, most: int = 90) -> float:
    """Return the finest round bucket, in seconds, that leaves at most ``most`` in the span."""
    return float(next((size for size in BUCKETS if span.length / size <= most), BUCKETS[-1]))


def spoken(size: float) -> str:
    """Return a bucket as words: "minute", "5 minutes"."""
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if size % length == 0:
            count = int(size // length)
            return name if count == 1 else f"{count} {name}s"
    return f"{size:g} seconds"


def ticks(span: Span, most: int) -> tuple[Tick, ...]:
    """Return round times within the span, at most ``most``, days named where they change."""
    gap = next((size for size in BUCKETS if span.length / size <= most), BUCKETS[-1])
    first = math.ceil(span.start / gap) * gap
    found: list[Tick] = []
    last_day = ""
    for number in range(int((span.end - first) // gap) + 1):
        at = float(first + number * gap)
        when = moment(at)
        day = f"{when.day} {MONTHS[when.month - 1]}" if gap < 86400 else f"{when.year}"
        clock = (
            f"{when.day} {MONTHS[when.month - 1]}"
            if gap >= 86400
            else f"{when:%H:%M:%S}"
            if gap < 60
            else f"{when:%H:%M}"
        )
        found.append(Tick(at, clock, day if day != last_day and last_day else ""))
        last_day = day
    return tuple(found)


def day(at: float) -> str:
    """Return the day of a moment in full: "4 Dec 2025"."""
    when = moment(at)
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def clock(at: float) -> str:
    """Return the time of day of a moment: "14:02", with seconds where they are not zero."""
    when = moment(at)
    return f"{when:%H:%M:%S}" if when.second else f"{when:%H:%M}"


def instant(at: float) -> str:
    """Return a moment for a sentence: "2025-12-04 14:20 UTC"."""
    when = moment(at)
    return f"{when:%Y-%m-%d} {clock(at)} UTC"


def spell(span: Span) -> str:
    """Return a span for a sentence: "2025-12-04 13:02 to 17:09 UTC"."""
    start, end = moment(span.start), moment(span.end)
    if start.date() == end.date():
        return f"{start:%Y-%m-%d} {clock(span.start)} to {clock(span.end)} UTC"
    return f"{start:%Y-%m-%d} {clock(span.start)} to {end:%Y-%m-%d} {clock(span.end)} UTC"


def holds_times(column: pd.Series) -> bool:
    """Return whether a column holds times."""
    return bool(pd.api.types.is_datetime64_any_dtype(column.dtype))
