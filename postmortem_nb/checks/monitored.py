"""Proposed monitors against their own query, and against the action that makes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb.checks import events, single, spoken
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.spoken import SPAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postmortem_nb.checks.case import Case, Row
    from postmortem_nb.checks.report import Finding

_WINDOW = re.compile(r"\blast_(?P<count>\d+)(?P<unit>[mhdw])\b")
_MINUTES = {"m": 1.0, "h": 60.0, "d": 1440.0, "w": 10_080.0}
_WITHIN = re.compile(
    rf"\b(?:in|within|over|for|during|per)\s(?:the last\s|a\s)?{SPAN}", re.IGNORECASE
)
_TICKET = re.compile(r"\b[A-Z][A-Z0-9]+-\d+\b")


def windows(case: Case) -> Iterator[Finding]:
    """Find a threshold that is told over another time than the query looks at."""
    for row in case.rows("monitors"):
        asked = _WINDOW.search(str(row.get("query") or ""))
        told = _WITHIN.search(str(row.get("threshold") or ""))
        if not asked or not told:
            continue
        length = float(asked["count"]) * _MINUTES[asked["unit"]]
        if not spoken.agrees(told, length):
            message = f"“{told.group()}”, but the query has {asked.group()}."
            yield _wrong(case, row, Code.RANGE, "threshold", message)


def owners(case: Case) -> Iterator[Finding]:
    """Find a monitor with another owner than the action whose ticket it names."""
    actions = {
        ticket: row
        for row in case.rows("actions")
        for ticket in _TICKET.findall(str(row.get("tracking") or ""))
    }
    for row in case.rows("monitors"):
        for ticket in _TICKET.findall(str(row.get("status") or "")):
            action = actions.get(ticket)
            both = action and action.get("owner") and row.get("owner")
            if action and both and action["owner"] != row["owner"]:
                message = f"Owned by {row['owner']}, but {ticket}: {action['owner']}."
                yield _wrong(case, row, Code.OWNER, "owner", message)


_DONE = re.compile(
    r"\b(?:live since|in use (?:since|from)|released (?:to|on)|"
    r"(?:rolled out|deployed|shipped) (?:to|on)|in (?:production|place|operation|force) since|"
    r"(?:built|recycled) (?:on|by)|done (?:on|since))\b",
    re.IGNORECASE,
)
"""What says of a change that it is there."""
_SHARED = 2
"""Words by which an action and what it makes are known."""


def finished(case: Case) -> Iterator[Finding]:
    """Find an action that was not begun, where what it makes is told to be in use."""
    made = [
        (table, row, states)
        for table, states in (("monitors", ("status",)), ("technical_changes", ("plan", "current")))
        for row in case.rows(table)
    ]
    for table, row, states in made:
        action = _making(case, row)
        if table == "monitors" and action and action.get("status") == "Complete":
            yield from _unmade(case, row, action)
        if action and action.get("status") == "Not Started":
            told = next((m for n in states if (m := _DONE.search(str(row.get(n) or "")))), None)
            if told:
                place = case.where(table, row["row"], "name")
                yield single.about(
                    case,
                    Code.SOURCES,
                    "status",
                    message=f"Not Started, but “{told.string.strip()[:80]}” under {place}.",
                    remedy="Correct one of the two.",
                    at=("actions", action["row"]),
                )


_UNMADE = re.compile(
    r"^\s*(?:not (?:yet )?(?:started|begun|live)|planned|to do|open)\b", re.IGNORECASE
)


def _unmade(case: Case, row: Row, action: Row) -> Iterator[Finding]:
    """Find a monitor that is not there, where the action that makes it is complete."""
    told = _UNMADE.match(str(row.get("status") or ""))
    if told:
        message = f"“{told.group().strip()}”, but the action “{action['title']}” is Complete."
        yield _wrong(case, row, Code.SOURCES, "status", message)


_BOUND = re.compile(r"(?P<way>[<>]=?)\s*(?P<bound>-?\d+(?:\.\d+)?)\s*$")
_FIGURE = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?")
_DURING = re.compile(
    r"\b\d+\s(?:[a-z]+\s){0,2}(?:in a row|running)\b|\b\d+\sconsecutive\s|"
    r"\b(?:for|over|during|within|in|longer than)\s(?:(?:at least|more than|the|last|over)\s)*"
    r"\d[\d.,]*[\s-]?(?:s|secs?|seconds?|m|mins?|minutes?|h|hours?|days?)\b",
    re.IGNORECASE,
)
"""How long it must last: no level."""
_SCALES = (1.0, 100.0, 0.01, 1000.0, 0.001, 1e6, 1e-6, 60.0, 1 / 60, 3600.0, 1 / 3600)
_SIZES = (1e9, 1e-9, 2.0**10, 2.0**-10, 2.0**20, 2.0**-20, 2.0**30, 2.0**-30)
_SECONDS = (1.0, 1e-3, 1e-6, 1e-9, 60.0)
"""Units that a metric of time has, in seconds."""
_TIMED = re.compile(r"\s?(?P<unit>ms|milliseconds?|s|secs?|seconds?|min|minutes?)\b", re.IGNORECASE)


def thresholds(case: Case) -> Iterator[Finding]:
    """Find a proposed monitor whose threshold in words is not the one of its query."""
    for row in case.rows("monitors"):
        query, told = str(row.get("query") or "").strip(), str(row.get("threshold") or "")
        match = _BOUND.search(query)
        levels = _DURING.sub(" ", told)
        figures = [
            (float(each.group().replace(",", "")), each) for each in _FIGURE.finditer(levels)
        ]
        if match is None or not figures:
            continue
        bound = abs(float(match["bound"]))
        near = (_agrees(figure, bound, _unit(each)) for figure, each in figures)
        one = 1.0 if (match["way"], bound) == (">", 0.0) else None  # “> 0” is one and more
        if not any(near) and one not in {figure for figure, _ in figures}:
            yield single.about(
                case,
                Code.RANGE,
                "threshold",
                message=f"Threshold {told.strip()!r}, but its query has {match['bound']}.",
                remedy="Correct the one that is wrong.",
                at=("monitors", row["row"]),
            )


def _unit(figure: re.Match[str]) -> str:
    """Return the unit of time behind a figure, as a word; empty for any other or none."""
    found = _TIMED.match(figure.string, figure.end())
    return found["unit"].lower() if found else ""


def _agrees(figure: float, bound: float, unit: str) -> bool:
    """Return whether a figure in words is a query's, whatever unit of time the metric has."""
    scales: tuple[float, ...] = _SCALES + _SIZES
    if unit:
        seconds = 0.001 if unit.startswith(("ms", "milli")) else 60.0 if unit[0] == "m" else 1.0
        scales = tuple(each / seconds for each in _SECONDS)
    return any(abs(figure - bound * scale) <= 0.02 * figure for scale in scales)


def _making(case: Case, row: Row) -> Row | None:
    """Return the action that makes something: of its owner, with most of the words of its name."""
    name = _words(row, ("name",))
    counts = [
        (len(name & _words(action, ("title", "description"))), action)
        for action in case.rows("actions")
        if row.get("owner") and row.get("owner") == action.get("owner")
    ]
    most = max((count for count, _ in counts), default=0)
    best = [action for count, action in counts if count == most]
    return best[0] if len(best) == 1 and most >= max(_SHARED, len(name) / 2) else None


def _words(row: Row, columns: Sequence[str]) -> frozenset[str]:
    return events.stems(" ".join(str(row.get(each) or "") for each in columns))


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    thresholds,
    windows,
    owners,
    finished,
)


def _wrong(case: Case, row: Row, code: Code, name: str, message: str) -> Finding:
    return single.about(
        case,
        code,
        name,
        message=message,
        remedy="Correct one of the two.",
        severity=Severity.HINT,
        at=("monitors", row["row"]),
    )
