"""Values as they came in JSON to columns that keep them: the narrowest type that loses nothing.

Text stays text, integers stay integers, a null or an absent value is ``<NA>``. A field whose values
are of several kinds stays a column of Python objects rather than becoming something else.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from postmortem_nb import text, times
from postmortem_nb.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Values: TypeAlias = Any
"""A stretch of one column: ``pyarrow.Array`` where its values share a type, else a list."""
TIME = pa.timestamp("us", tz="UTC")
TAGS = pa.list_(pa.string())

_EXACT = 1 << 53  # integers up to here are exact as floats


class Notes(Counter[str]):
    """What had to be left out or replaced while reading, counted; printed with the evidence."""

    def lines(self) -> list[str]:
        """Return one line each: ``3 timestamps could not be read``."""
        return [counted(count, what) for what, count in self.items() if count]


_ONE = {"were": "was", "are": "is", "share": "shares", "name": "names"}
_MANY = re.compile(r"\b(?:were|are|share|name)\b|(?<=\bno )(objects|numbers|finite numbers)\b")


def counted(count: int, what: str) -> str:
    """Return how many of something: ``3 rows were no objects``, ``1 row was no object``."""
    if count != 1:
        return f"{count:,} {what}"
    first, _, rest = what.partition(" ")
    single = first if first == "series" else first.removesuffix("s")
    said = _MANY.sub(lambda match: _ONE.get(match[0]) or match[0].removesuffix("s"), rest)
    return f"1 {single} {said}".rstrip()


def strings(values: Sequence[Any], notes: Notes, name: str) -> pa.Array:
    """Return a text column; what is not text is written as JSON and noted."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowException, UnicodeError, TypeError):
        return pa.array([_as_text(value, notes, name) for value in values], pa.string())


def moments(values: Sequence[Any], notes: Notes) -> pa.Array:
    """Return a column of moments in UTC; one that cannot be read is missing and noted."""
    try:
        return pc.cast(pa.array(values, pa.string()), TIME)
    except (pa.ArrowException, TypeError, UnicodeError):
        return pa.array([_moment(value, notes) for value in _listed(values)], TIME)


def lengths(values: Sequence[Any], notes: Notes) -> pa.Array:
    """Return a column of exact durations from whole nanoseconds."""
    return pa.array([_whole(value, notes) for value in values], pa.duration("ns"))


def tags(values: Sequence[Any], notes: Notes) -> pa.Array:
    """Return a column of lists of text, duplicates and order kept."""
    try:
        return pa.array(values, TAGS)
    except (pa.ArrowException, UnicodeError, TypeError):
        return pa.array([_tag_list(value, notes) for value in values], TAGS)


def fitting(values: list[Any], notes: Notes) -> Values:
    """Return values in the narrowest type that keeps every one of them as it came."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {str}:
        return strings(values, notes, "texts")
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds <= {int, float}:
        return _numbers(values, kinds, notes)
    if kinds == {list} and all(
        isinstance(item, str) for value in values if value for item in value
    ):
        return tags(values, notes)
    return values


def series(chunks: Sequence[Values], notes: Notes) -> pd.Series[Any]:
    """Return the stretches of one column as one Series of a nullable type."""
    arrays = [chunk for chunk in chunks if isinstance(chunk, pa.Array)]
    known = {a.type for a in arrays if a.null_count < len(a)} or {a.type for a in arrays}
    if len(arrays) == len(chunks) and len(known) == 1:
        kind = known.pop()
        alike = [a if a.type == kind else pa.nulls(len(a), kind) for a in arrays]
        return from_arrow(pa.chunked_array(alike, kind))
    listed = list(chain.from_iterable(_listed(chunk) for chunk in chunks))
    fitted = fitting(listed, notes)
    if isinstance(fitted, pa.Array):
        return from_arrow(pa.chunked_array([fitted]))
    return pd.Series([pd.NA if value is None else value for value in listed], dtype="object")


def from_arrow(column: pa.ChunkedArray) -> pd.Series[Any]:
    """Return an Arrow column as a Series of a nullable type, without a copy where possible."""
    dtype = _DTYPES.get(column.type)
    if dtype is not None:
        return pd.Series(dtype().__from_arrow__(column))
    if pa.types.is_list(column.type):
        return pd.Series(pd.arrays.ArrowExtensionArray(column))
    converted: pd.Series[Any] = column.to_pandas()
    return converted


def _text_dtype() -> Any:
    return pd.StringDtype("pyarrow")


_DTYPES: dict[pa.DataType, Callable[[], Any]] = {
    pa.string(): _text_dtype,
    pa.large_string(): _text_dtype,
    pa.int64(): pd.Int64Dtype,
    pa.uint64(): pd.UInt64Dtype,
    pa.float64(): pd.Float64Dtype,
    pa.bool_(): pd.BooleanDtype,
}


def _numbers(values: list[Any], kinds: set[type], notes: Notes) -> Values:
    if kinds == {int}:
        for kind in (pa.int64(), pa.uint64()):
            try:
                return pa.array(values, kind)
            except (OverflowError, pa.ArrowException):
                continue
        return values
    if any(isinstance(value, int) and abs(value) > _EXACT for value in values):
        return values
    return pa.array([_finite(value, notes) for value in values], pa.float64())


def _finite(value: float | None, notes: Notes) -> float | None:
    if value is not None and not math.isfinite(value):
        notes["infinite values are shown as missing"] += 1
        return None
    return value


def _listed(chunk: Values) -> list[Any]:
    listed: list[Any] = chunk.to_pylist() if isinstance(chunk, pa.Array) else chunk
    return listed


def _as_text(value: Any, notes: Notes, name: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        cleaned = text.clean(value)
        if cleaned != value:
            notes["texts held broken characters, shown as \N{REPLACEMENT CHARACTER}"] += 1
        return cleaned
    notes[f"values of {name} were not text"] += 1
    return text.clean(json.dumps(value, ensure_ascii=False))


def _moment(value: Any, notes: Notes) -> Any:
    if value is None:
        return None
    try:
        return times.parse(value)
    except BadValue:
        notes["timestamps could not be read"] += 1
        return None


def _whole(value: Any, notes: Notes) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        if value is not None:
            notes["durations were no numbers"] += 1
        return None
    if not abs(value) < 1 << 63:  # NaN and infinity too
        notes["durations were out of range"] += 1
        return None
    return round(value)


def _tag_list(value: Any, notes: Notes) -> list[str | None] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        notes["rows had tags that were no list"] += 1
        return None
    return [_as_text(tag, notes, "tags") for tag in value]
