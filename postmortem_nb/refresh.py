"""Every frozen question asked again: what Datadog says now beside what it said then.

Frozen evidence is what the document rests on, so it stays unless a new answer is accepted. Rows
are told apart by their id, points by series and time, results of SQL as a whole.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import bundle, evidence, provenance, retention, text, times
from postmortem_nb.datadog import client, queries
from postmortem_nb.errors import BundleError, PostmortemError, shown
from postmortem_nb.monitors import definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from pathlib import Path

    from postmortem_nb.incident import Incident

Record = dict[str, Any]

KEYS = {
    "search_datadog_logs": ("id",),
    "search_datadog_events": ("id",),
    "search_datadog_spans": ("trace_id", "span_id"),
    "get_datadog_metric": ("query", "series", "timestamp"),
    "get_datadog_revenue": ("query", "week", "part", "timestamp"),
    "get_datadog_slo": ("scope", "timestamp"),
    definitions.FUNCTION: ("id",),
}
"""Function → the columns by which a row is the same one; all of them in a result of SQL."""

COLUMNS = {
    "name": "string",
    "question": "string",
    "was_rows": "Int64",
    "now_rows": "Int64",
    "added": "Int64",
    "removed": "Int64",
    "changed": "Int64",
    "note": "string",
}
LONGEST = 160
"""Characters of a question that a report shows."""

_WORDS = ("sql_query", "query", "queries", "filter", "slo_id", "total", "metric", "ids")


@dataclass(slots=True)
class _Asked:
    """One question asked again, as a row of the report; missing numbers are unknown."""

    name: str
    question: str
    was_rows: int | None
    now_rows: int | None = None
    added: int | None = None
    removed: int | None = None
    changed: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether the answer is another one."""
        return bool(self.added or self.removed or self.changed)

    def row(self) -> dict[str, Any]:
        """Return it as the report's row."""
        numbers = {name: getattr(self, name) for name in COLUMNS if name != "note"}
        return {**numbers, "note": "; ".join(self.notes)}


def refresh(
    incident: Incident, *, told: Callable[[str], object] | None = None, accept: bool = False
) -> pd.DataFrame:
    """Return what differs from the frozen answers, a row for each question, in order of names.

    Columns: ``name``, ``question``, ``was_rows``, ``now_rows``, ``added``, ``removed``,
    ``changed`` (rows; ``<NA>`` where it could not be asked or not be compared), and ``note``: late
    data, another roll-up, gone after retention, partial, or why there is no answer.

    Parameters
    ----------
    incident
        whose evidence is asked again, over the same windows
    told
        is given one line after each answer
    accept
        whether whole answers that differ take the place of the frozen ones; an answer that is
        partial, empty, or from somewhere else never does

    Raises
    ------
    QueryError
        the environment names no Datadog that can be asked

    """
    folder = incident.path / bundle.EVIDENCE
    made: list[dict[str, Any]] = []
    records = evidence.listing(folder)
    if records:
        client.connection()  # a setting that cannot be used is said once, not of every question
    for record in records:
        asked = _again(folder, record, accept=accept)
        made.append(asked.row())
        if told is not None:
            told(_line(made[-1]))
    return pd.DataFrame(made, columns=list(COLUMNS)).astype(COLUMNS)


def report(frame: pd.DataFrame) -> str:
    """Return a refresh as text, a line for each question."""
    if frame.empty:
        return "There is no evidence to ask for again.\n"
    return "".join(f"{_line(row)}\n" for row in frame.to_dict("records"))


def _line(row: dict[Hashable, Any] | dict[str, Any]) -> str:
    """Return one line on one question."""
    known = {name: None if pd.isna(row[name]) else int(row[name]) for name in _COUNTS}
    was, now = known["was_rows"], known["now_rows"]
    before = f"{was or 0:,} row{'s' * (was != 1)} then"
    said = f"{before}, {'no answer' if now is None else f'{now:,}'} now"
    names = ("added", "removed", "changed")
    differing = [f"{known[name]:,} {name}" for name in names if known[name]]
    if known["added"] is not None:
        said += f": {', '.join(differing) or 'the same'}"
    note = f"; {row['note']}" if row["note"] else ""
    return f"{row['name']}: {said}{note}"


_COUNTS = ("was_rows", "now_rows", "added", "removed", "changed")


def _again(folder: Path, record: Record, *, accept: bool) -> _Asked:
    """Return what one question says now; a failure is a note, the others are asked all the same."""
    asked = _Asked(str(record["name"]), _question(record), _rows(record))
    try:
        old = _kept(folder, record, asked.notes)
        new = _answer(record)
    except PostmortemError as failed:
        asked.notes.append(" · ".join(str(failed).split("\n")))
        return asked
    asked.now_rows = len(new)
    now = new.attrs["evidence"]
    if _place(now) != _place(record):
        asked.notes.append(f"not compared: frozen from {_place(record)}, asked {_place(now)}")
        return asked
    if old is None:
        how = "--accept freezes this answer"
        asked.notes.append(_accepted(folder, record, new, lost=True) if accept else how)
        return asked
    asked.was_rows = len(old)
    if old.attrs["evidence"].get("changed"):
        asked.notes.append("its file was changed since it was frozen")
    function = str(record.get("function"))
    asked.added, asked.removed, asked.changed = _differences(function, old, new)
    asked.notes += _notes(asked, record, old, new)
    if accept and asked.differs:
        asked.notes.append(_accepted(folder, record, new))
    return asked


def _kept(folder: Path, record: Record, notes: list[str]) -> pd.DataFrame | None:
    """Return the frozen rows; None, with a note, where only what was asked is still known."""
    try:
        return evidence.thaw(folder, str(record["name"]))
    except BundleError as lost:
        if "problem" in record:
            raise
        notes.append(f"not compared: {lost}")
        return None


def _answer(record: Record) -> pd.DataFrame:
    """Return the answer to a recorded question over its recorded window."""
    function, arguments = record.get("function"), record.get("arguments")
    if function == definitions.FUNCTION:
        return definitions.again(record)
    if function not in queries.PARAMETERS or not isinstance(arguments, dict):
        said = f"its record holds no question that can be asked: {shown(function)}"
        raise BundleError(said)
    known = {k: v for k, v in arguments.items() if k in queries.PARAMETERS[function]}
    window = {"from_": record.get("from"), "to": record.get("to")}
    return queries.run(function, known | window)


def _accepted(folder: Path, record: Record, new: pd.DataFrame, *, lost: bool = False) -> str:
    """Freeze a new answer in place of the old one, where that loses nothing; returns what was done.

    It keeps the question as its cell asks it, and names the answer it replaced. Where the old rows
    are ``lost``, an answer may be as partial as they were.
    """
    now = new.attrs["evidence"]
    whole = now.get("complete") or (lost and not record.get("complete", True))
    if not whole or (new.empty and _rows(record)):
        return "not accepted" if lost else "kept as frozen"
    before = {key: record.get(key) for key in ("fetched_at", "rows", "sha256")}
    same = {key: record.get(key) for key in ("call", "arguments", "question")}
    evidence.freeze(folder, str(record["name"]), new, now | same | {"before": before})
    return "accepted"


def _differences(function: str, old: pd.DataFrame, new: pd.DataFrame) -> tuple[int, int, int]:
    """Return how many rows were added, removed and changed."""
    shared = [name for name in old.columns if name in new.columns]
    keys = [name for name in KEYS.get(function, shared) if name in shared] or shared
    was, now = _keyed(old, keys, shared), _keyed(new, keys, shared)
    same = was.keys() & now.keys()
    changed = sum(was[key] != now[key] for key in same)
    return len(now) - len(same), len(was) - len(same), changed


def _keyed(frame: pd.DataFrame, keys: Iterable[str], names: Iterable[str]) -> dict[Any, Any]:
    """Return rows by their key; rows of one key are told apart by their number."""
    columns = {name: [_plain(value) for value in frame[name]] for name in names}
    seen: Counter[tuple[Any, ...]] = Counter()
    made = {}
    rows = zip(*columns.values(), strict=True)
    for key, row in zip(zip(*(columns[name] for name in keys), strict=True), rows, strict=True):
        made[key, seen[key]] = row
        seen[key] += 1
    return made


def _plain(value: Any) -> Any:
    """Return a value to compare by: missing is None, a number to twelve digits."""
    if isinstance(value, float):
        return None if math.isnan(value) else f"{value:.12g}"
    if isinstance(value, (list, tuple)) or type(value).__name__ == "ndarray":
        return tuple(map(str, value))
    if isinstance(value, dict):
        return str(sorted(value.items()))
    return None if value is pd.NA or value is pd.NaT else value


def _notes(asked: _Asked, record: Record, old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """Return what the difference means, as far as it can be told."""
    said = []
    partial = new.attrs["evidence"].get("partial") or ""
    if new.empty and not old.empty:
        said.append(_gone(record))
    elif len({step for step in (_step(old), _step(new)) if step}) > 1:
        was, now = (times.duration(_minutes(frame)) for frame in (old, new))
        said.append(f"another roll-up: a point every {now}, was {was}")
    elif asked.added and not asked.removed:
        said.append("late data")
    before = record.get("partial") or ""
    if partial and partial == before:
        said.append(f"both answers are partial: {partial}")
    else:
        said += [f"the answer is partial: {partial}"] if partial else []
        said += [f"the frozen one is partial: {before}"] if before else []
    return said


def _step(frame: pd.DataFrame) -> timedelta | None:
    """Return the distance between neighbouring points of a metric, None where there is none."""
    if "series" not in frame.columns or len(frame) < 2:
        return None
    ordered = frame.sort_values(["query", "series", "timestamp"])
    steps = ordered.groupby(["query", "series"], dropna=False)["timestamp"].diff().dropna()
    found: timedelta | None = None if steps.empty else steps.min().to_pytimedelta()
    return found


def _minutes(frame: pd.DataFrame) -> float:
    return (_step(frame) or timedelta()) / timedelta(minutes=1)


def _gone(record: Record) -> str:
    """Return why nothing is found any more."""
    days = retention.DAYS.get(str(record.get("function")), 0)
    end = times.parse(record.get("to"))
    gone = end + timedelta(days=days) < datetime.now(UTC)
    return f"gone after retention ({days} days)" if gone else "nothing is found any more"


def _place(record: Record) -> str:
    """Return who answered: every sandbox is the same one."""
    return provenance.source(record)


def _rows(record: Record) -> int | None:
    rows = record.get("rows")
    return rows if isinstance(rows, int) else None


def _question(record: Record) -> str:
    """Return a question on one line: its function and its words."""
    arguments = record.get("arguments")
    words: object = ""
    if isinstance(arguments, dict):
        words = next((arguments[name] for name in _WORDS if arguments.get(name)), "")
    plain = "; ".join(map(str, words)) if isinstance(words, list) else str(words)
    line = " ".join(text.visible(f"{record.get('function')} {plain}").split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
