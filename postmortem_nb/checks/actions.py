"""Rules of action items: owner, tracker, wording; of their days, see `dues`."""

from __future__ import annotations

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


_ANY = re.compile(
    r"\W*(?:improve|enhance|better|more|strengthen|review|revisit|increase|update|extend|refine|"
    r"rework|optimi[sz]e|harden|fix)\s(?:our\s|the\s|all\s)?(?:monitoring|monitors?|alerting|"
    r"alerts?|"
    r"observability|logging|documentation|docs|testing|tests|test coverage|communications?|"
    r"process(?:es)?|runbooks?|resilience|reliability|stability|performance|dashboards?|training|"
    r"code quality|error handling|capacity)"
    r"\W*|\W*(?:improve|enhance|strengthen|better|increase)\s(?:the\s|our\s)?(?:resilience|"
    r"reliability|stability|robustness|performance|observability)\s(?:of|for|in)\s"
    r"(?:the\s|our\s)?[\w -]{3,40}\W*",
    re.IGNORECASE,
)
"""A title that says of nothing when it is there."""
_SEEK = re.compile(
    r"\W*(?:look (?:in)?to|look at|investigate|explore|think about|consider|discuss)\s"
    r"[^.;:\d]{3,80}",
    re.IGNORECASE,
)
"""A title that ends with nothing: what will be there may stand in the description."""
_NO_TICKET = re.compile(
    r"\s*https?://(?:[^/\s]+/?|\S+/(?:browse|issues?|tickets?|pull|merge_requests|work_items)/?)\s*",
    re.IGNORECASE,
)
"""An address of a tracker, and of none of its tickets."""


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
    for row in told(case):
        for gap in GAPS:
            done = row.get("status") == "Complete" and gap.code is Code.DUE
            if not row.get(gap.name) and not done:
                yield finding(
                    case,
                    row,
                    gap.code,
                    gap.name,
                    severity=grave(case, row, softer=gap.softer),
                    message=f"{called(row)}: {gap.message}",
                    remedy=gap.remedy,
                )


def owners(case: Case) -> Iterator[Finding]:
    """Find actions that a team, several people, or nobody, owns."""
    teams = {str(each).casefold() for each in case.fact("teams") or ()}
    for row in told(case):
        owner = str(row.get("owner") or "")
        parts = [part for part in SEVERAL.split(owner) if part.strip()]
        if owner and (TEAMS.fullmatch(owner) or owner.casefold() in teams or len(parts) > 1):
            yield finding(
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
    for row in told(case):
        title = " ".join(str(row.get("title") or "").lower().split())
        problem = "what is to be done is not said" if not title else ""
        problem = problem or ("it is listed twice" if title in seen else "")
        seen.add(title)
        if problem:
            yield finding(
                case,
                row,
                Code.VAGUE,
                "title",
                severity=Severity.WARNING,
                message=f"{called(row)}: {problem}.",
                remedy="Give it a title of its own: verb, object, measurable end.",
            )
        if priority(row) and priority(row) not in PRIORITIES:
            yield finding(
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
    """Find actions that are tracked in no ticket, or in that of another one, as in an epic."""
    seen: dict[str, Row] = {}
    for row in case.rows(TABLE):
        if _NO_TICKET.fullmatch(str(row.get("tracking") or "")):
            yield finding(
                case,
                row,
                Code.TRACKING,
                "tracking",
                severity=Severity.WARNING,
                message=f"{called(row)}: {row['tracking']} leads to no ticket.",
                remedy=GAPS[2].remedy,
            )
        ticket = str(row.get("tracking") or "").strip().rstrip("/")
        first = seen.setdefault(ticket, row)
        if ticket and first is not row:
            yield finding(
                case,
                row,
                Code.TRACKING,
                "tracking",
                severity=Severity.HINT,
                message=f"{called(row)}: tracked in the ticket of “{first.get('title')}”.",
                remedy="Give each action a ticket of its own, or make them one action.",
            )


def bare(case: Case) -> Iterator[Finding]:
    """Find titles that would fit any incident: what will be there stands in the description."""
    for row in told(case):
        title, described = str(row.get("title") or ""), str(row.get("description") or "")
        both = f"{title}\n{described}"
        sought = _SEEK.fullmatch(title) and not language.read(both, setting=Setting.ACTIONS)
        if described and (_ANY.fullmatch(title) or sought):
            yield finding(
                case,
                row,
                Code.VAGUE,
                "title",
                severity=Severity.HINT,
                message=f"{called(row)}: the title "
                f"{'does not say what will be there' if sought else 'would fit any incident'}.",
                remedy="Say in the title what will be there: lists show nothing else.",
            )


def wording(case: Case) -> Iterator[Finding]:
    """Find actions that exhort people, or of which nobody can tell when they are done."""
    people, allowed = case.people(), allows(case)
    for row in told(case):
        title, described = str(row.get("title") or ""), str(row.get("description") or "")
        text = f"{title}\n{described}"
        for flag in language.read(text, setting=Setting.ACTIONS, people=people):
            name = "title" if flag.start < len(title) else "description"
            if flag.words.lower() not in allowed:
                yield remark(case, flag, (TABLE, row["row"], name))


RULES = (gaps, owners, titles, bare, tickets, wording)


def told(case: Case) -> list[Row]:
    """Return the actions that say anything beyond their place and priority.

    What stands as a priority and is none says something: the action's name was typed there.
    """
    says = ("title", "description", "owner", "due", "tracking")
    return [
        row
        for row in case.rows(TABLE)
        if any(row.get(name) for name in says) or priority(row) not in {"", *PRIORITIES}
    ]


def called(row: Row) -> str:
    """Return how an action is called in a message."""
    known = priority(row) if priority(row) in PRIORITIES else "–"
    return f"[{known}] {row.get('title') or 'an action without a title'}"


def priority(row: Row) -> str:
    """Return the priority as P0, P1, …."""
    return str(row.get("priority") or "").strip().upper()


def grave(case: Case, row: Row, *, softer: bool) -> Severity:
    """Return the gravity of a gap: by state, by priority, and softer for what can wait a day."""
    if row.get("status") == "Complete":
        return Severity.HINT
    urgent = priority(row) in URGENT or not priority(row)
    if state(case) != DRAFT and urgent and not softer:
        return Severity.ERROR
    return Severity.WARNING if urgent or not softer else Severity.HINT


def finding(  # noqa: PLR0913 - a finding's parts, each by name
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
