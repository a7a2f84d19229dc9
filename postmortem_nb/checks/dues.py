"""Days of action items and prevention measures: in time for their priority, past, overdue."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from postmortem_nb.checks.actions import (
    GAPS,
    PREVENTION,
    called,
    finding,
    grave,
    priority,
    told,
)
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.review import DAYS_TO_REVIEW, HOLDER
from postmortem_nb.checks.signed import made
from postmortem_nb.checks.single import about

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postmortem_nb.checks.case import Case, Row
    from postmortem_nb.checks.report import Finding

LIMITS: dict[str, int] = {
    "P0": 7,
    "P1": 31,
    "P2": 92,
    "P3": 92,
    "Immediate": 7,
    "Short-term": 31,
    "Long-term": 92,
}
"""Days after the incident by which an action of this priority or horizon is due: this week, this
month, this quarter. Counted from the incident's end or date, never from today."""

MISPLACED: frozenset[tuple[str, str]] = frozenset(
    {("P0", "Short-term"), ("P0", "Long-term"), ("P1", "Long-term")}
)
"""Priority and horizon that exclude each other: what is due this week is no work of a quarter."""

UNHURRIED: frozenset[tuple[str, str]] = frozenset(
    {("P2", "Immediate"), ("P3", "Immediate"), ("P3", "Short-term")}
)
"""Priority and horizon that are at odds the other way: it can wait, and stands with what cannot."""

_OPEN = frozenset({"Not Started", "In Progress"})


def horizons(case: Case) -> Iterator[Finding]:
    """Find actions whose priority and horizon exclude each other."""
    for row in told(case):
        if (priority(row), row.get("horizon")) in MISPLACED:
            yield finding(
                case,
                row,
                Code.DUE,
                "priority",
                severity=Severity.WARNING,
                message=f"{called(row)}: listed under {row['horizon']}, but {priority(row)} is "
                f"within {LIMITS[priority(row)]} days.",
                remedy="Move it to the horizon of its priority, or lower the priority.",
            )
        if (priority(row), row.get("horizon")) in UNHURRIED:
            yield finding(
                case,
                row,
                Code.DUE,
                "priority",
                severity=Severity.HINT,
                message=f"{called(row)}: listed under {row['horizon']}, but only {priority(row)}.",
                remedy="Move it to the horizon of its priority, or raise the priority.",
            )


def prevention(case: Case) -> Iterator[Finding]:
    """Find prevention measures that nobody owns, or due before the incident."""
    anchor = _anchor(case)
    for table in PREVENTION:
        for row in case.rows(table):
            name, day = row.get("name"), row.get("due")
            unowned = HOLDER.fullmatch(str(row.get("owner") or ""))  # “?” is nobody
            if name and case.has(table, "owner") and unowned:
                yield about(
                    case,
                    Code.OWNER,
                    "owner",
                    message=f"“{name}” has no owner.",
                    remedy=GAPS[0].remedy,
                    at=(table, row["row"]),
                )
            if name and day and anchor and day < anchor:
                yield about(
                    case,
                    Code.DUE,
                    "due",
                    message=f"“{name}” is due on {day}, before the incident ({anchor}).",
                    remedy="Correct it.",
                    at=(table, row["row"]),
                )


def due(case: Case) -> Iterator[Finding]:
    """Find due dates before the incident, or later than priority or horizon allow."""
    anchor = _anchor(case)
    for row in told(case):
        day = row.get("due")
        problem = _untimely(row, day, anchor) if anchor and day else ""
        if problem:
            yield finding(
                case,
                row,
                Code.DUE,
                "due",
                severity=grave(case, row, softer=priority(row) != "P0"),
                message=f"{called(row)}: {problem}.",
                remedy="Bring the date forward, split off what can be done now, or lower the "
                "priority.",
            )


def overdue(case: Case) -> Iterator[Finding]:
    """Find open actions whose day had passed when the document was last signed, else edited."""
    anchor, read = _anchor(case), _read_on(case)
    for row in told(case) if anchor and read else ():
        day, status = row.get("due"), row.get("status")
        if anchor and read and day and anchor <= day < read and status in _OPEN:
            yield finding(
                case,
                row,
                Code.DUE,
                "status",
                severity=Severity.HINT,
                message=f"{called(row)}: due on {day}, and {status} on {read}.",
                remedy="Bring the status up to date, or agree on another day.",
            )


RULES = (horizons, due, overdue, prevention)


def _anchor(case: Case) -> dt.date | None:
    """Return the day the incident ended, else began, else its date."""
    moment = case.moments.recovered or case.moments.resolved or case.moments.start
    date: dt.date | None = case.fact("date")
    return moment.astimezone(dt.UTC).date() if moment else date


def _read_on(case: Case) -> dt.date | None:
    """Return the day of the last approval, else of the last edit, in the time of a review."""
    anchor = _anchor(case)
    signed = [row["date"] for row in case.rows("approvals") if row.get("done") and row.get("date")]
    days = signed or [at.date() for edit in case.edits if (at := made(edit))]
    read = (each for each in days if anchor and (each - anchor).days <= DAYS_TO_REVIEW)
    return max(read, default=None)


def _untimely(row: Row, day: dt.date, anchor: dt.date) -> str:
    """Return what is wrong with a due date, or nothing."""
    if day < anchor:
        return f"due on {day}, before the incident ({anchor})"
    keys = [key for key in (priority(row), row.get("horizon")) if key in LIMITS]
    tightest = min(keys, key=lambda key: LIMITS[key], default=None)
    late = (day - anchor).days
    if tightest is None or late <= LIMITS[tightest]:
        return ""
    return f"due on {day}, {late} days after the incident; {tightest} is within {LIMITS[tightest]}"
