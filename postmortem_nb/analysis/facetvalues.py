"""The facets of rows, and the values that each row has of them.

A column has one value a row, an array and a key of ``tags`` may have several. What a row does not
have is unknown, with two exceptions: a tag without a value, and a key whose value is always the
same, are compared with the tagged rows that lack them; there is nothing else to compare them with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from postmortem_nb import text
from postmortem_nb.analysis import found
from postmortem_nb.captions import label
from postmortem_nb.errors import BadValue, expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

NOT_FACETS = frozenset({
    "timestamp", "message", "id", "tags", "status", "level", "severity", "duration", "title",
    "http.status_code", "trace_id", "span_id", "parent_id", "@timestamp", "@tags",
    "retained_by", "ingestion_reason", "single_span", "resource_hash",
})  # fmt: skip
"""Columns that are no facets: ids, texts, what says itself whether a row is an error, and why
Datadog kept a span: its filters keep errors and sample the rest.

https://docs.datadoghq.com/tracing/trace_pipeline/trace_retention/
"""

SAYS_ERROR = ("error.", "@error.", "exception")
"""Beginnings of columns that only errors have."""

MOST = 1_000
"""Values of one facet that are tested, the frequent ones; a facet of ids has more than that."""

BARE = "tag"
"""The facet of the tags that have no value."""

LISTS = (list, tuple, np.ndarray)


@dataclass(frozen=True, slots=True)
class Facet:
    """One facet: which row (``places``) has which value (``codes`` into ``names``), each once."""

    name: str
    places: NDArray[np.intp]
    codes: NDArray[np.intp]
    names: Sequence[str]
    known: NDArray[np.bool_]
    """Rows of which it is known what they have; the others are counted nowhere."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The values of rows while they are read: one place and value each."""

    places: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def facet(self, name: str, known: NDArray[np.bool_] | None, rows: int) -> Facet:
        """Return it as a facet; without ``known`` the rows that have a value are known."""
        places = np.asarray(self.places, dtype=np.intp)
        codes, names = pd.factorize(np.asarray(self.texts, dtype=object))
        if known is None:
            known = np.zeros(rows, dtype=bool)
            known[places] = True
        return Facet(name, places, codes, list(names), known)


def read(rows: pd.DataFrame, wanted: str | Sequence[str] | None) -> Iterator[Facet]:
    """Yield the facets that were asked for, or all that may say something."""
    tags = _tags(rows)
    columns = [name for name in rows.columns if _is_facet(rows, str(name))]
    names = [*columns, *(key for key in tags if key not in columns and not _is_no_facet(key))]
    if wanted is not None:
        wanted = [wanted] if isinstance(wanted, str) else list(wanted)
        missing = [name for name in wanted if name not in rows.columns and name not in tags]
        if missing:
            known = ", ".join(label(name, 30) for name in names[:12])
            raise BadValue(
                expected("facets", f"columns or tags ({known})", example="version", came=missing[0])
            )
        names = wanted
    for name in names:
        held = _column(rows[name], str(name)) if name in rows.columns else None
        if held is None or not len(held.places):
            held = tags.get(str(name), held)
        if held is not None and len(held.places):
            yield held


def _is_no_facet(name: str) -> bool:
    return name.lower() in NOT_FACETS or name.lower().startswith(SAYS_ERROR)


def _is_facet(rows: pd.DataFrame, name: str) -> bool:
    """Return whether a column holds names: few different values for its rows, no measures."""
    column = rows[name]
    if _is_no_facet(name) or pd.api.types.is_float_dtype(column.dtype):
        return False
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return False
    seen = column.dropna()
    if not len(seen) or isinstance(seen.iloc[0], Mapping):
        return False
    values: Iterable[Any] = seen
    if isinstance(seen.iloc[0], LISTS):
        values = [each for each in _elements(seen) if each is not None]
        if not values or isinstance(values[0], (Mapping, *LISTS)):
            return False
    return bool(len(set(map(str, values))) <= max(20, min(MOST, len(seen) // 5)))


def _elements(column: Iterable[Any]) -> Iterator[Any]:
    """Return the elements of all arrays of a column."""
    return chain.from_iterable(each if isinstance(each, LISTS) else (each,) for each in column)


def _column(column: pd.Series[Any], name: str) -> Facet:
    """Return a column's values; of an array each element."""
    seen = column.dropna()
    if not len(seen) or not isinstance(seen.iloc[0], LISTS):
        codes, names = pd.factorize(pd.Series(found.texts(column), dtype=object))
        known = codes >= 0
        return Facet(name, np.flatnonzero(known), codes[known], list(names), known)
    held, known = _Held(), np.zeros(len(column), dtype=bool)
    for place, value in enumerate(column):
        if isinstance(value, LISTS):
            known[place] = True
            for each in dict.fromkeys(text.clean(each) for each in value if each is not None):
                held.places.append(place)
                held.texts.append(each)
    return held.facet(name, known, len(column))


def _tags(rows: pd.DataFrame) -> dict[str, Facet]:
    """Return each key of ``key:value`` tags as a facet, and those without a value as one."""
    if "tags" not in rows.columns:
        return {}
    held: dict[str, _Held] = {}
    seen: dict[Any, list[tuple[str, str]]] = {}
    tagged = np.zeros(len(rows), dtype=bool)
    for place, tags in enumerate(rows["tags"]):
        if not pd.api.types.is_list_like(tags):
            continue
        tagged[place] = True
        key = tuple(tags)
        if key not in seen:
            seen[key] = _pairs(key)
        for name, value in seen[key]:
            if name not in held:
                if len(held) >= MOST:
                    continue
                held[name] = _Held()
            held[name].places.append(place)
            held[name].texts.append(value)
    return {
        name: each.facet(name, tagged if _is_flag(name, each) else None, len(rows))
        for name, each in held.items()
    }


def _is_flag(name: str, held: _Held) -> bool:
    """Return whether rows have it or not, and that is all there is to compare."""
    return name == BARE or len(set(held.texts)) == 1


def _pairs(tags: tuple[object, ...]) -> list[tuple[str, str]]:
    """Return key and value of each tag, each once."""
    pairs = []
    for tag in tags:
        name, colon, value = text.clean(tag).partition(":")
        pairs.append((name, value) if colon else (BARE, name))
    return list(dict.fromkeys(pairs))
