"""What the checks read of frozen logs, spans and events, row by row."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from postmortem_nb.checks import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postmortem_nb.checks.case import Case
    from postmortem_nb.incident import Incident

LOGS, EVENTS, SPANS = "search_datadog_logs", "search_datadog_events", "search_datadog_spans"
MOST_EVENTS = 500
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


class Trace(NamedTuple):
    """The frozen spans of a trace: when the first began, and the seconds that each took."""

    at: dt.datetime
    lasted: tuple[float, ...]


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
