"""What the checks read of the frozen answers: their columns, and the curves of metrics."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from postmortem_nb import evidence
from postmortem_nb.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case
    from postmortem_nb.evidence import Record
    from postmortem_nb.incident import Incident

METRIC = "get_datadog_metric"
COLUMNS = ("timestamp", "query", "series", "value")
MICROSECOND = dt.timedelta(microseconds=1)

MOST_CURVES = 200
"""Curves of one answer that are looked at, in their order: a wide answer must not slow a form."""
KEPT = 64
"""Answers of which it is remembered what was read."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve of a metric: what it is, its moments (µs since the epoch) and levels."""

    label: str
    moments: NDArray[np.int64]
    levels: NDArray[np.float64]
    unit: str = ""
    query: str = ""
    series: str = ""
    """What of the query it is: “region:north”, empty where it is not grouped."""


class Texts(NamedTuple):
    """A column of texts: each once, in order, and for each row which it has."""

    texts: list[str]
    ranks: NDArray[np.int64]


def curves(incident: Incident, case: Case) -> Iterator[Curve]:
    """Yield the curves of every frozen metric."""
    for each in metrics(incident, case):
        yield from answered(*each)


def metrics(incident: Incident, case: Case) -> tuple[tuple[Path, str, str], ...]:
    """Return folder, name and digest of every frozen metric: what ``answered`` is asked by."""
    folder = incident.path / "evidence"
    return tuple((folder, *each) for each in answers(folder, case, METRIC))


def answers(folder: Path, case: Case, function: str) -> Iterator[tuple[str, str]]:
    """Yield name and digest of the frozen answers of a function."""
    for record in listed(folder, case):
        if record.get("function") == function and record.get("sha256"):
            yield str(record["name"]), str(record["sha256"])


def complete(folder: Path, case: Case) -> frozenset[str]:
    """Return the names of the answers that hold all that was asked for."""
    return frozenset(
        str(each["name"]) for each in listed(folder, case) if each.get("complete") is True
    )


@lru_cache(maxsize=2)
def listed(folder: Path, case: Case) -> tuple[Record, ...]:
    """Return the records, read once for each check: a case is one moment."""
    del case  # a part of the key
    return tuple(evidence.listing(folder))


@lru_cache(maxsize=KEPT)
def answered(folder: Path, name: str, digest: str) -> tuple[Curve, ...]:
    """Return the curves of one answer; remembered by its digest, as checks ask often."""
    del digest  # a part of the key
    table = columns(folder, name, COLUMNS, ("unit",))
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
            queries.texts[queries.ranks[run[0]]],
            series.texts[series.ranks[run[0]]].strip("*"),
        )
        for run in runs[:MOST_CURVES]
    )


def columns(
    folder: Path, name: str, wanted: tuple[str, ...], also: tuple[str, ...] = ()
) -> pa.Table | None:
    """Return columns of an answer; None where it lacks one, or cannot be read: others tell why.

    Of ``also`` those that it has.
    """
    try:
        return evidence.columns(folder, name, wanted, also)
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
