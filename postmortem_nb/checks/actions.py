"""Rules of action items: owner, date, tracker, wording."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb import language
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.review import DRAFT, state
from postmortem_nb.checks.wording import allows, remark
from postmortem_nb.language import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postmortem_nb.checks.case import Case, Row

TABLE = "actions"

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

PRIORITIES = frozenset({"P0", "P1", "P2", "P3"})

PREVENTION: tuple[str, ...] = (
    "monitors",
    "dashboards",
    "process_changes",
    "technical_changes",
    "runbooks",
)
"""Tables of prevention measures: promised work as much as the actions."""

SEVERAL = re.compile(r"[,;/&+]|\band\b|\bor\b", re.IGNORECASE)
"""Parts the names of several owners."""

URGENT = frozenset({"P0", "P1"})
"""Priorities whose gaps are errors once the postmortem is in Review."""

TEAMS = re.compile(
    r"\W*(?:(?:the )?(?:[\w&/-]+ ){0,4}(?:team|squad|group|dept|department|guild|chapter|org)s?"
    r"|everyone|everybody|all|tbd|tba|todo|unassigned|none|nobody|n/?a|someone|somebody|sres?"
    r"|devops|ops|operations|engineering|platform|infrastructure|infra|qa|dbas?|support"
    r"|on-?call|developers|engineers|management)?\W*",
    re.IGNORECASE,
)
"""An owner that is no person: nobody wakes up with it (peers' rule AI3)."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A blank that every open action needs, and how grave its absence is."""

    code: Code
    name: str
    message: str
    remedy: str
    softer: bool = False


GAPS: tuple[Gap, ...] = (
    Gap(
        Code.OWNER,
        "owner",
        "No owner.",
        "Name one person who sees it done; others can help.",
    ),
    Gap(
        Code.DUE,
        "due",
        "No due date.",
        "Agree on a day with the owner: this week for P0, this month for P1.",
    ),
    Gap(
        Code.TRACKING,
        "tracking",
        "Not tracked.",
        "Open a ticket where the owner's team plans its work, and link it.",
        softer=True,
    ),
)


def gaps(case: Case) -> Iterator[Finding]:
    """Find actions without owner, due date or tracker: graver if urgent, a hint once complete."""
    for row in _told(case):
        for gap in GAPS:
            done = row.get("status") == "Complete" and gap.code is Code.DUE
            if not row.get(gap.name) and not done:
                yield _finding(
                    case,
                    row,
                    gap.code,
                    gap.name,
                    severity=_grave(case, row, softer=gap.softer),
                    message=f"{called(row)}: {gap.message}",
                    remedy=gap.remedy,
                )


def owners(case: Case) -> Iterator[Finding]:
    """Find actions that a team, several people, or nobody, owns."""
    for row in _told(case):
        owner = str(row.get("owner") or "")
        parts = [part for part in SEVERAL.split(owner) if part.strip()]
        if owner and (TEAMS.fullmatch(owner) or len(parts) > 1):
            yield _finding(
                case,
                row,
                Code.OWNER,
                "owner",
                severity=Severity.WARNING,
                message=f"{called(row)}: “{owner}” is no single person.",
                remedy="Name the one person who sees it done; a team's task is nobody's.",
            )


def titles(case: Case) -> Iterator[Finding]:
    """Find actions without a title, twice the same, or with a priority that is none."""
    seen: set[str] = set()
    for row in _told(case):
        title = " ".join(str(row.get("title") or "").lower().split())
        problem = "what is to be done is not said" if not title else ""
        problem = problem or ("it is listed twice" if title in seen else "")
        seen.add(title)
        if problem:
            yield _finding(
                case,
                row,
                Code.VAGUE,
                "title",
                severity=Severity.WARNING,
                message=f"{called(row)}: {problem}.",
                remedy="Give it a title of its own: verb, object, measurable end.",
            )
        if _priority(row) and _priority(row) not in PRIORITIES:
            yield _finding(
                case,
                row,
                Code.DUE,
                "priority",
                severity=Severity.WARNING,
                message=f"{called(row)}: “{row['priority']}” is no priority, so nothing says when "
                "it is due.",
                remedy="Choose P0 (this week), P1 (this month), P2 or P3 (this quarter).",
            )


def tickets(case: Case) -> Iterator[Finding]:
    """Find actions that are tracked in the ticket of another one; some track all in one epic."""
    seen: dict[str, Row] = {}
    for row in case.rows(TABLE):
        ticket = str(row.get("tracking") or "").strip().rstrip("/")
        first = seen.setdefault(ticket, row)
        if ticket and first is not row:
            yield _finding(
                case,
                row,
                Code.TRACKING,
                "tracking",
                severity=Severity.HINT,
                message=f"{called(row)}: tracked in the ticket of “{first.get('title')}”.",
                remedy="Give each action a ticket of its own, or make them one action.",
            )


def horizons(case: Case) -> Iterator[Finding]:
    """Find actions whose priority and horizon exclude each other."""
    for row in _told(case):
        if (_priority(row), row.get("horizon")) in MISPLACED:
            yield _finding(
                case,
                row,
                Code.DUE,
                "priority",
                severity=Severity.WARNING,
                message=f"{called(row)}: listed under {row['horizon']}, but {_priority(row)} is "
                f"within {LIMITS[_priority(row)]} days.",
                remedy="Move it to the horizon of its priority, or lower the priority.",
            )
        if (_priority(row), row.get("horizon")) in UNHURRIED:
            yield _finding(
                case,
                row,
                Code.DUE,
                "priority",
                severity=Severity.HINT,
                message=f"{called(row)}: listed under {row['horizon']}, but only {_priority(row)}.",
                remedy="Move it to the horizon of its priority, or raise the priority.",
            )


def prevention(case: Case) -> Iterator[Finding]:
    """Find prevention measures that nobody owns, or due before the incident."""
    anchor = _anchor(case)
    for table in PREVENTION:
        for row in case.rows(table):
            name, day = row.get("name"), row.get("due")
            if name and case.has(table, "owner") and not row.get("owner"):
                told = (f"“{name}” has no owner.", GAPS[0].remedy)
                yield _measure(case, (table, row["row"], "owner"), Code.OWNER, told)
            if name and day and anchor and day < anchor:
                told = (f"“{name}” is due on {day}, before the incident ({anchor}).", "Correct it.")
                yield _measure(case, (table, row["row"], "due"), Code.DUE, told)


def due(case: Case) -> Iterator[Finding]:
    """Find due dates before the incident, or later than priority or horizon allow."""
    anchor = _anchor(case)
    for row in _told(case):
        day = row.get("due")
        problem = _untimely(row, day, anchor) if anchor and day else ""
        if problem:
            yield _finding(
                case,
                row,
                Code.DUE,
                "due",
                severity=_grave(case, row, softer=_priority(row) != "P0"),
                message=f"{called(row)}: {problem}.",
                remedy="Bring the date forward, split off what can be done now, or lower the "
                "priority.",
            )


def wording(case: Case) -> Iterator[Finding]:
    """Find actions that exhort people, or of which nobody can tell when they are done."""
    people, allowed = case.people(), allows(case)
    for row in _told(case):
        title, described = str(row.get("title") or ""), str(row.get("description") or "")
        told = f"{title}\n{described}"
        for flag in language.read(told, setting=Setting.ACTIONS, people=people):
            name = "title" if flag.start < len(title) else "description"
            if flag.words.lower() not in allowed:
                yield remark(case, flag, (TABLE, row["row"], name))


RULES = (gaps, owners, titles, tickets, horizons, due, prevention, wording)


def _told(case: Case) -> list[Row]:
    """Return the actions that say anything beyond their place and priority.

    What stands as a priority and is none says something: the action's name was typed there.
    """
    says = ("title", "description", "owner", "due", "tracking")
    return [
        row
        for row in case.rows(TABLE)
        if any(row.get(name) for name in says) or _priority(row) not in {"", *PRIORITIES}
    ]


def called(row: Row) -> str:
    """Return how an action is called in a message."""
    known = _priority(row) if _priority(row) in PRIORITIES else "–"
    return f"[{known}] {row.get('title') or 'an action without a title'}"


def _priority(row: Row) -> str:
    """Return the priority as P0, P1, …."""
    return str(row.get("priority") or "").strip().upper()


def _grave(case: Case, row: Row, *, softer: bool) -> Severity:
    """Return the gravity of a gap: by state, by priority, and softer for what can wait a day."""
    if row.get("status") == "Complete":
        return Severity.HINT
    urgent = _priority(row) in URGENT or not _priority(row)
    if state(case) != DRAFT and urgent and not softer:
        return Severity.ERROR
    return Severity.WARNING if urgent or not softer else Severity.HINT


def _anchor(case: Case) -> dt.date | None:
    """Return the day the incident ended, else began, else its date."""
    moment = case.moments.recovered or case.moments.resolved or case.moments.start
    date: dt.date | None = case.fact("date")
    return moment.astimezone(dt.UTC).date() if moment else date


def _untimely(row: Row, day: dt.date, anchor: dt.date) -> str:
    """Return what is wrong with a due date, or nothing."""
    if day < anchor:
        return f"due on {day}, before the incident ({anchor})"
    keys = [key for key in (_priority(row), row.get("horizon")) if key in LIMITS]
    tightest = min(keys, key=lambda key: LIMITS[key], default=None)
    late = (day - anchor).days
    if tightest is None or late <= LIMITS[tightest]:
        return ""
    return f"due on {day}, {late} days after the incident; {tightest} is within {LIMITS[tightest]}"


def _measure(case: Case, place: tuple[str, str, str], code: Code, told: tuple[str, str]) -> Finding:
    """Return a finding about one prevention measure: its table, row and blank; message, remedy."""
    (table, row, name), (message, remedy) = place, told
    return Finding(
        code=code,
        severity=Severity.WARNING,
        where=case.where(table, row, name),
        message=message,
        remedy=remedy,
        table=table,
        row=row,
        name=name,
    )


def _finding(  # noqa: PLR0913 - a finding's parts, each by name
    case: Case,
    row: Row,
    code: Code,
    name: str,
    *,
    severity: Severity,
    message: str,
    remedy: str,
) -> Finding:
    """Return a finding about one action."""
    return Finding(
        code=code,
        severity=severity,
        where=case.where(TABLE, row["row"], name),
        message=message,
        remedy=remedy,
        table=TABLE,
        row=row["row"],
        name=name,
    )
