"""What the checks read of frozen logs, spans and events, row by row."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from postmortem_nb.checks import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from postmortem_nb.checks.case import Case
    from postmortem_nb.incident import Incident

LOGS, EVENTS, SPANS = "search_datadog_logs", "search_datadog_events", "search_datadog_spans"
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
    """A frozen event: when, its title, and what it says."""

    at: dt.datetime
    title: str
    text: str = ""


def logs(incident: Incident, case: Case, name: str) -> Iterator[Logs]:
    """Yield what each frozen answer of logs holds of a name."""
    folder = incident.path / "evidence"
    whole = {
        str(each["name"]) for each in frozen.listed(folder, case) if each.get("complete") is True
    }
    for answer, digest in frozen.answers(folder, case, LOGS):
        held = _logs(folder, answer, digest, name)
        if held is not None:
            yield held._replace(whole=answer in whole)


def ends(incident: Incident, case: Case) -> Iterator[Ends]:
    """Yield when the logs of each frozen answer begin and end."""
    folder = incident.path / "evidence"
    whole = {
        str(each["name"]) for each in frozen.listed(folder, case) if each.get("complete") is True
    }
    for answer, digest in frozen.answers(folder, case, LOGS):
        held = _ends(folder, answer, digest)
        if held is not None:
            yield held._replace(whole=answer in whole)


@lru_cache(maxsize=frozen.KEPT)
def _ends(folder: Path, answer: str, digest: str) -> Ends | None:
    del digest  # a part of the key
    table = _timed(folder, answer, ("timestamp",))
    every = None if table is None else table["timestamp"].drop_null()
    if every is None or not len(every):
        return None
    first, last = (each.as_py().astimezone(dt.UTC) for each in (pc.min(every), pc.max(every)))
    return Ends(first, last, whole=False)


def are_whole(incident: Incident, case: Case) -> bool:
    """Return whether each frozen answer of spans holds all that was asked for."""
    folder = incident.path / "evidence"
    names = {name for name, _ in frozen.answers(folder, case, SPANS)}
    return names <= frozen.complete(folder, case)


def traces(incident: Incident, case: Case) -> dict[str, Trace]:
    """Return the frozen traces by their ids, and by those of their spans, in small letters."""
    folder = incident.path / "evidence"
    found: dict[str, Trace] = {}
    for each in frozen.answers(folder, case, SPANS):
        found |= _traces(folder, *each)
    return found


@lru_cache(maxsize=frozen.KEPT)
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
    for name, digest in frozen.answers(folder, case, LOGS):
        yield _said(folder, name, digest)


def spans(incident: Incident, case: Case) -> list[Spans]:
    """Return how many spans each frozen answer holds, and how long the longest is."""
    folder = incident.path / "evidence"
    found = (_spans(folder, *each) for each in frozen.answers(folder, case, SPANS))
    return [each for each in found if each is not None]


def happened(incident: Incident, case: Case) -> Iterator[Happened]:
    """Yield the frozen events."""
    folder = incident.path / "evidence"
    for name, digest in frozen.answers(folder, case, EVENTS):
        yield from _events(folder, name, digest)


@lru_cache(maxsize=frozen.KEPT)
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


@lru_cache(maxsize=frozen.KEPT)
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


@lru_cache(maxsize=frozen.KEPT)
def _spans(folder: Path, answer: str, digest: str) -> Spans | None:
    del digest  # a part of the key
    table = frozen.columns(folder, answer, ("duration",))
    if table is None or not pa.types.is_duration(table.schema.field("duration").type):
        return None
    top = pc.max(table["duration"].cast(pa.duration("ns")).cast(pa.int64())).as_py()
    return None if top is None else Spans(len(table), top / 1e9, _tagged(folder, answer))


def _tagged(folder: Path, name: str) -> dict[str, int]:
    """Return how many rows of an answer have a value as one of their tags, in small letters."""
    table = frozen.columns(folder, name, ("tags",))
    if table is None or not pa.types.is_list(table.schema.field("tags").type):
        return {}
    tags = pc.list_flatten(table.slice(0, _MOST_TAGGED)["tags"]).cast(pa.string())
    counts = ((each["values"].as_py(), each["counts"].as_py()) for each in pc.value_counts(tags))
    return {str(tag).rpartition(":")[2].lower(): count for tag, count in counts if tag}


@lru_cache(maxsize=frozen.KEPT)
def _events(folder: Path, name: str, digest: str) -> tuple[Happened, ...]:
    del digest  # a part of the key
    table = _timed(folder, name, ("timestamp", "title"), ("message",))
    rows = [] if table is None else table.slice(0, MOST_EVENTS).to_pylist()
    return tuple(
        Happened(
            row["timestamp"].astimezone(dt.UTC),
            str(row["title"] or ""),
            str(row.get("message") or "")[:_MESSAGE],
        )
        for row in rows
        if row["timestamp"] is not None
    )


def _timed(
    folder: Path, name: str, wanted: tuple[str, ...], also: tuple[str, ...] = ()
) -> pa.Table | None:
    """Return columns of an answer whose first is a time; None where it is none."""
    table = frozen.columns(folder, name, wanted, also)
    timed = table is not None and pa.types.is_timestamp(table.schema.field(wanted[0]).type)
    return table if timed else None
