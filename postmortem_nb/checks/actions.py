"""Rules of action items: owner, date, tracker, wording, and the factors they answer."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb import language
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.review import DRAFT, state
from postmortem_nb.checks.wording import remark
from postmortem_nb.language import Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from postmortem_nb.checks.case import Case, Row

TABLE = "actions"

LIMITS: dict[str, int] = {
    "P0": 7,
    "P1": 31,
    "P2": 92,
    "Immediate": 7,
    "Short-term": 31,
    "Long-term": 92,
}
"""Days after the incident by which an action of this priority or horizon is due: this week, this
month, this quarter. Counted from the incident's end or date, never from today."""

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

COMMON = frozenset(
    """about after again against also although because been before being between both cause caused
    change changes could during each error errors every failed failure from have into issue issues
    made make missing more most must need needs only other over same service services should some
    such system team than that their them then there these they this those through under until
    update used uses very were when where which while will with without within would your""".split()  # noqa: SIM905 - words are read, and added to, as words
)
"""Words that join nothing: sharing one of them does not make an action answer a factor."""


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
    """Find open actions without owner, due date or tracker, graver the more urgent they are."""
    for row in _told(case):
        for gap in GAPS:
            if row.get("status") != "Complete" and not row.get(gap.name):
                yield _finding(
                    case,
                    row,
                    gap.code,
                    gap.name,
                    severity=_grave(case, row, softer=gap.softer),
                    message=f"{_called(row)}: {gap.message}",
                    remedy=gap.remedy,
                )


def owners(case: Case) -> Iterator[Finding]:
    """Find actions that a team, or nobody, owns."""
    for row in _told(case):
        owner = row.get("owner")
        if owner and TEAMS.fullmatch(str(owner)):
            yield _finding(
                case,
                row,
                Code.OWNER,
                "owner",
                severity=Severity.WARNING,
                message=f"{_called(row)}: “{owner}” is no single person.",
                remedy="Name one person of that team; a team's task is nobody's.",
            )


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
                message=f"{_called(row)}: {problem}.",
                remedy="Bring the date forward, split off what can be done now, or lower the "
                "priority.",
            )


def wording(case: Case) -> Iterator[Finding]:
    """Find actions that exhort people, or of which nobody can tell when they are done."""
    people = case.people()
    for row in _told(case):
        title, described = str(row.get("title") or ""), str(row.get("description") or "")
        told = f"{title}\n{described}"
        for flag in language.read(told, setting=Setting.ACTIONS, people=people):
            name = "title" if flag.start < len(title) else "description"
            yield remark(case, flag.rule, flag.words, (TABLE, row["row"], name))


def factors(case: Case) -> Iterator[Finding]:
    """Find contributing factors that share no word of weight with any action or measure."""
    answers = [_weights(_all_words(row)) for row in _measures(case)]
    for row in case.rows("factors"):
        name = row.get("name")
        words = _weights(_all_words(row, leave=("area",)))
        if not name or not words or any(words & each for each in answers):
            continue
        yield Finding(
            code=Code.FACTOR,
            severity=Severity.WARNING,
            where=case.where("factors", row["row"]),
            message=f"No action or prevention measure speaks of “{name}”.",
            remedy="Add an action that makes this factor less likely or less harmful, or write "
            "into the factor why it is accepted. (Told by shared words: name it in the action.)",
            table="factors",
            row=row["row"],
            name="name",
        )


RULES = (gaps, owners, due, wording, factors)


def _told(case: Case) -> list[Row]:
    """Return the actions that say anything beyond their place and priority."""
    says = ("title", "description", "owner", "due", "tracking")
    return [row for row in case.rows(TABLE) if any(row.get(name) for name in says)]


def _called(row: Row) -> str:
    """Return how an action is called in a message."""
    return f"[{_priority(row) or '–'}] {row.get('title') or 'an action without a title'}"


def _priority(row: Row) -> str:
    """Return the priority as P0, P1, …."""
    return str(row.get("priority") or "").strip().upper()


def _grave(case: Case, row: Row, *, softer: bool) -> Severity:
    """Return the gravity of a gap: by state, by priority, and softer for what can wait a day."""
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


def _measures(case: Case) -> Iterator[Row]:
    """Yield the rows that change something: actions and prevention measures."""
    tables = (TABLE, "monitors", "dashboards", "process_changes", "technical_changes", "runbooks")
    for table in tables:
        yield from case.rows(table)


def _all_words(row: Row, leave: Iterable[str] = ()) -> str:
    """Return the text of a row."""
    skip = {"row", "horizon", "priority", "status", "owner", "tracking", *leave}
    return " ".join(str(v) for k, v in row.items() if k not in skip and isinstance(v, str))


def _weights(text: str) -> set[str]:
    """Return the words that carry meaning, cut to their stem's length so that endings agree."""
    words = re.findall(r"[^\W\d_]{4,}", text.lower())
    return {word[:6] for word in words if word not in COMMON}


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
