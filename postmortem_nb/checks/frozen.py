"""What the checks read of the frozen answers: curves of metrics, names in logs, events."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from postmortem_nb import evidence
from postmortem_nb.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case
    from postmortem_nb.evidence import Record
    from postmortem_nb.incident import Incident

METRIC, LOGS, EVENTS = "get_datadog_metric", "search_datadog_logs", "search_datadog_events"
SPANS = "search_datadog_spans"
COLUMNS = ("timestamp", "query", "series", "value")
MICROSECOND = dt.timedelta(microseconds=1)

MOST_CURVES = 200
"""Curves of one answer that are looked at, in their order: a wide answer must not slow a form."""
MOST_EVENTS = 500
MOST_MESSAGES = 200
"""Messages of an answer, without their numbers, that are looked at: the most frequent ones."""
ROWS = 50
"""Logs of an answer from which a share is known."""
_NAMING = ("error.kind", "error.type", "error.message")
"""Columns of logs in which a name of an error stands, beside the message."""
_MESSAGE = 400
"""Characters of a message that are looked at."""
_MOST_TAGGED = 5_000
"""Rows of an answer whose tags are counted."""
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


class Logs(NamedTuple):
    """What an answer holds of a name: its percent of the error logs and of all, first and last."""

    shares: tuple[float, ...]
    first: dt.datetime
    last: dt.datetime
    since: dt.datetime
    """The first log of the answer, whatever it says."""
    rows: int
    whole: bool = False
    """Whether the answer is complete."""


class Spans(NamedTuple):
    """The spans of an answer: how many, the seconds of the longest, and how many have a value.

    The values are those of tags: “north” of region:north.
    """

    rows: int
    longest: float
    groups: Mapping[str, int]


class Trace(NamedTuple):
    """The frozen spans of a trace: when the first began, and the seconds that each took."""

    at: dt.datetime
    lasted: tuple[float, ...]


class Ends(NamedTuple):
    """The first and last log of an answer, and whether it is complete."""

    first: dt.datetime
    last: dt.datetime
    whole: bool


class Said(NamedTuple):
    """A message of an answer without its numbers: in how many rows, and how many of them errors."""

    message: str
    rows: int
    errors: int


class Happened(NamedTuple):
    """A frozen event: when, and its title."""

    at: dt.datetime
    title: str


def curves(incident: Incident, case: Case) -> Iterator[Curve]:
    """Yield the curves of every frozen metric."""
    for each in metrics(incident, case):
        yield from answered(*each)


def metrics(incident: Incident, case: Case) -> tuple[tuple[Path, str, str], ...]:
    """Return folder, name and digest of every frozen metric: what ``answered`` is asked by."""
    folder = incident.path / "evidence"
    return tuple((folder, *each) for each in _answers(folder, case, METRIC))


def logs(incident: Incident, case: Case, name: str) -> Iterator[Logs]:
    """Yield what each frozen answer of logs holds of a name."""
    folder = incident.path / "evidence"
    whole = {str(each["name"]) for each in _listed(folder, case) if each.get("complete") is True}
    for answer, digest in _answers(folder, case, LOGS):
        held = _logs(folder, answer, digest, name)
        if held is not None:
            yield held._replace(whole=answer in whole)


def ends(incident: Incident, case: Case) -> Iterator[Ends]:
    """Yield when the logs of each frozen answer begin and end."""
    folder = incident.path / "evidence"
    whole = {str(each["name"]) for each in _listed(folder, case) if each.get("complete") is True}
    for answer, digest in _answers(folder, case, LOGS):
        held = _ends(folder, answer, digest)
        if held is not None:
            yield held._replace(whole=answer in whole)


@lru_cache(maxsize=KEPT)
def _ends(folder: Path, answer: str, digest: str) -> Ends | None:
    del digest  # a part of the key
    table = _timed(folder, answer, ("timestamp",))
    every = None if table is None else table["timestamp"].drop_null()
    if every is None or not len(every):
        return None
    first, last = (each.as_py().astimezone(dt.UTC) for each in (pc.min(every), pc.max(every)))
    return Ends(first, last, whole=False)


def traces(incident: Incident, case: Case) -> dict[str, Trace]:
    """Return the frozen traces by their ids, and by those of their spans, in small letters."""
    folder = incident.path / "evidence"
    found: dict[str, Trace] = {}
    for each in _answers(folder, case, SPANS):
        found |= _traces(folder, *each)
    return found


@lru_cache(maxsize=KEPT)
def _traces(folder: Path, answer: str, digest: str) -> dict[str, Trace]:
    del digest  # a part of the key
    table = _timed(folder, answer, ("timestamp", "duration", "trace_id"), ("span_id",))
    if table is None or not pa.types.is_duration(table.schema.field("duration").type):
        return {}
    by: dict[str, list[tuple[dt.datetime, float]]] = {}
    lasted = table["duration"].cast(pa.duration("ns")).cast(pa.int64())
    rows = table.set_column(1, "duration", lasted).slice(0, _MOST_TAGGED).to_pylist()
    for row in rows:
        if row["timestamp"] is None or row["duration"] is None:
            continue
        took = (row["timestamp"].astimezone(dt.UTC), row["duration"] / 1e9)
        for name in {row["trace_id"], row.get("span_id")} - {None}:
            by.setdefault(str(name).lower(), []).append(took)
    return {
        name: Trace(min(spans)[0], tuple(seconds for _, seconds in spans))
        for name, spans in by.items()
    }


def said(incident: Incident, case: Case) -> Iterator[tuple[Said, ...]]:
    """Yield the messages of each frozen answer of logs."""
    folder = incident.path / "evidence"
    for name, digest in _answers(folder, case, LOGS):
        yield _said(folder, name, digest)


def spans(incident: Incident, case: Case) -> list[Spans]:
    """Return how many spans each frozen answer holds, and how long the longest is."""
    folder = incident.path / "evidence"
    found = (_spans(folder, *each) for each in _answers(folder, case, SPANS))
    return [each for each in found if each is not None]


def happened(incident: Incident, case: Case) -> Iterator[Happened]:
    """Yield the frozen events."""
    folder = incident.path / "evidence"
    for name, digest in _answers(folder, case, EVENTS):
        yield from _events(folder, name, digest)


def _answers(folder: Path, case: Case, function: str) -> Iterator[tuple[str, str]]:
    """Yield name and digest of the frozen answers of a function."""
    for record in _listed(folder, case):
        if record.get("function") == function and record.get("sha256"):
            yield str(record["name"]), str(record["sha256"])


@lru_cache(maxsize=2)
def _listed(folder: Path, case: Case) -> tuple[Record, ...]:
    """Return the records, read once for each check: a case is one moment."""
    del case  # a part of the key
    return tuple(evidence.listing(folder))


@lru_cache(maxsize=KEPT)
def answered(folder: Path, name: str, digest: str) -> tuple[Curve, ...]:
    """Return the curves of one answer; remembered by its digest, as checks ask often."""
    del digest  # a part of the key
    table = _columns(folder, name, COLUMNS, ("unit",))
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


def _columns(
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


@lru_cache(maxsize=KEPT)
def _logs(folder: Path, answer: str, digest: str, name: str) -> Logs | None:
    """Return what an answer holds of a name; remembered by its digest, as checks ask often."""
    del digest  # a part of the key
    table = _timed(folder, answer, ("timestamp", "status", "message"), _NAMING)
    if table is None:
        return None
    naming = [each for each in table.column_names if each in {"message", *_NAMING}]
    has = reduce(pc.or_, (_has(table[column], name) for column in naming))
    moments = table["timestamp"].filter(has).drop_null()
    if not len(moments):
        return None
    bad = pc.equal(table["status"].cast(pa.string()), "error").fill_null(False)
    counts = [(len(table), int(pc.sum(has).as_py()))]
    counts.append((int(pc.sum(bad).as_py() or 0), int(pc.sum(pc.and_(bad, has)).as_py() or 0)))
    shares = tuple(100 * part / whole for whole, part in reversed(counts) if whole >= ROWS)
    every = table["timestamp"].drop_null()
    first, last, since = (
        each.as_py().astimezone(dt.UTC)
        for each in (pc.min(moments), pc.max(moments), pc.min(every))
    )
    return Logs(shares, first, last, since, counts[0][1])


def _has(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    return pc.match_substring(column.cast(pa.string()), name).fill_null(False)


@lru_cache(maxsize=KEPT)
def _said(folder: Path, answer: str, digest: str) -> tuple[Said, ...]:
    """Return the messages of one answer, the most frequent first, without their numbers."""
    del digest  # a part of the key
    table = _timed(folder, answer, ("timestamp", "status", "message"))
    if table is None:
        return ()
    messages = pc.utf8_slice_codeunits(table["message"].cast(pa.string()), 0, _MESSAGE)
    masked = pc.replace_substring_regex(messages, r"\d+", "#")
    bad = pc.equal(table["status"].cast(pa.string()), "error").fill_null(False)
    sums = pa.table({"message": masked, "errors": bad.cast(pa.int64())}).group_by("message")
    rows = sums.aggregate([("errors", "count"), ("errors", "sum")])
    rows = rows.sort_by([("errors_count", "descending"), ("message", "ascending")])
    return tuple(
        Said(row["message"] or "", row["errors_count"], row["errors_sum"])
        for row in rows.slice(0, MOST_MESSAGES).to_pylist()
    )


@lru_cache(maxsize=KEPT)
def _spans(folder: Path, answer: str, digest: str) -> Spans | None:
    del digest  # a part of the key
    table = _columns(folder, answer, ("duration",))
    if table is None or not pa.types.is_duration(table.schema.field("duration").type):
        return None
    top = pc.max(table["duration"].cast(pa.duration("ns")).cast(pa.int64())).as_py()
    return None if top is None else Spans(len(table), top / 1e9, _tagged(folder, answer))


def _tagged(folder: Path, name: str) -> dict[str, int]:
    """Return how many rows of an answer have a value as one of their tags, in small letters."""
    table = _columns(folder, name, ("tags",))
    if table is None or not pa.types.is_list(table.schema.field("tags").type):
        return {}
    tags = pc.list_flatten(table.slice(0, _MOST_TAGGED)["tags"]).cast(pa.string())
    counts = ((each["values"].as_py(), each["counts"].as_py()) for each in pc.value_counts(tags))
    return {str(tag).rpartition(":")[2].lower(): count for tag, count in counts if tag}


@lru_cache(maxsize=KEPT)
def _events(folder: Path, name: str, digest: str) -> tuple[Happened, ...]:
    del digest  # a part of the key
    table = _timed(folder, name, ("timestamp", "title"))
    rows = [] if table is None else table.slice(0, MOST_EVENTS).to_pylist()
    return tuple(
        Happened(row["timestamp"].astimezone(dt.UTC), str(row["title"] or ""))
        for row in rows
        if row["timestamp"] is not None
    )


def _timed(
    folder: Path, name: str, wanted: tuple[str, ...], also: tuple[str, ...] = ()
) -> pa.Table | None:
    """Return columns of an answer whose first is a time; None where it is none."""
    table = _columns(folder, name, wanted, also)
    timed = table is not None and pa.types.is_timestamp(table.schema.field(wanted[0]).type)
    return table if timed else None
