"""What Draft, Review and Approved each need; dates."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postmortem_nb import metrics
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.single import about
from postmortem_nb.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postmortem_nb.checks.case import Case, Row

DRAFT, REVIEW, APPROVED = "Draft", "Review", "Approved"
STATES: tuple[str, ...] = (DRAFT, REVIEW, APPROVED)
"""States in order; a postmortem that names none is a Draft."""


@dataclass(frozen=True, slots=True)
class Need:
    """A blank that a state needs: in a row of ``table`` where ``column`` holds ``value``."""

    state: str
    name: str
    why: str
    table: str = SINGLE
    column: str = ""
    value: str = ""


SUMMARY = "the executive summary is what most readers read"
CORE = "durations, charts and checks stand on this time"

NEEDS: tuple[Need, ...] = (
    Need(REVIEW, "incident_id", "a reader has to know which incident this is"),
    Need(REVIEW, "date", "the follow-up and the archive stand on it"),
    Need(REVIEW, "author", "reviewers need somebody to ask"),
    Need(REVIEW, "severity", "it decides who has to read this and how soon actions are due"),
    Need(REVIEW, "services", "the next incident of this service has to find this one"),
    Need(REVIEW, "what_happened", SUMMARY),
    Need(REVIEW, "why_it_happened", SUMMARY),
    Need(REVIEW, "what_we_did", SUMMARY),
    Need(REVIEW, "what_we_will_do", SUMMARY),
    Need(REVIEW, "time", CORE, "timeline", "step", "Incident Start"),
    Need(REVIEW, "time", CORE, "timeline", "step", "Detection"),
    Need(REVIEW, "time", CORE, "timeline", "step", "Acknowledgment"),
    Need(REVIEW, "time", CORE, "timeline", "step", "Mitigation Deployed"),
    Need(REVIEW, "time", CORE, "timeline", "step", "Full Recovery"),
    Need(REVIEW, "problem", "the whys start from one sentence that all agree on"),
    Need(REVIEW, "answer", "an analysis has at least one answered why", "whys"),
    Need(REVIEW, "technical_cause", "what in the system made it possible"),
    Need(REVIEW, "name", "an analysis has at least one contributing factor", "factors"),
    Need(REVIEW, "title", "without an action the next incident is this one", "actions"),
    Need(APPROVED, "reviewers", "an approval is of a review that somebody did"),
    Need(APPROVED, "time", CORE, "timeline", "step", "Incident Declared Resolved"),
    Need(APPROVED, "organizational_cause", "what made the technical cause likely"),
    Need(APPROVED, "process_cause", "what let the cause through"),
    Need(APPROVED, "affected_total", "impact is what the severity rests on"),
    Need(APPROVED, "review_date", "an approval is of a review with a date"),
    Need(APPROVED, "text", "an approved postmortem says what was learned", "takeaways"),
)
"""The blanks each state needs. A team's template that lacks a blank does not need it."""

HOLDER = re.compile(
    r"\W*(?:tb[dac]|to ?do|fix ?me|x{3,}|to be (?:determined|done|decided|filled(?: in)?|added)|"
    r"fill (?:this |me )?in|lorem ipsum.*|placeholder|coming soon|asdf\w*|\{\{[^}]*\}\})?\W*",
    re.IGNORECASE | re.DOTALL,
)
"""A text that stands in for one: it fills no blank."""
LEFT_OVER = re.compile(
    r"\{\{[A-Z_0-9]{2,40}\}\}|_{4,}|\b(?:TODO|TBD|FIXME)\b|"
    r"\[(?:insert|add|fill in)\b[^\]\n]{0,80}\]|"
    r"^\s*\[(?!(?i:redacted|masked|removed|confidential)\b)[A-Z][^\]\n]{1,60}\]\s*$"
)
"""What somebody meant to replace."""

PRESET = frozenset({"sharing", "approvals"})
"""Tables whose rows the template words itself, blanks and all."""

DAYS_TO_REVIEW = 45
"""Days from incident to review after which a review has little left to learn from memory."""


def state(case: Case) -> str:
    """Return the state of the postmortem, Draft when none is set."""
    return case.fact("state") if case.fact("state") in STATES else DRAFT


def reached(case: Case, needed: str) -> bool:
    """Return whether the postmortem is in this state or past it."""
    return STATES.index(state(case)) >= STATES.index(needed)


def grave(case: Case, needed: str = REVIEW) -> Severity:
    """Return an error once the postmortem has reached the state, a warning before."""
    return Severity.ERROR if reached(case, needed) else Severity.WARNING


def blanks(case: Case) -> Iterator[Finding]:
    """Find the blanks that this state, or the next one, needs."""
    nearest = STATES[min(STATES.index(state(case)) + 1, len(STATES) - 1)]
    for need in NEEDS:
        due = STATES.index(need.state) <= STATES.index(nearest)
        if due and _possible(case, need) and not _filled(case, need):
            yield Finding(
                code=Code.BLANK,
                severity=grave(case, need.state),
                where=_place(case, need),
                message=f"{_state_of(case, need)}, and {need.state} needs it: {need.why}.",
                remedy=_remedy(case, need),
                table=need.table,
                row=SINGLE if need.table == SINGLE else _row(case, need).get("row", ""),
                name=need.name,
            )


def has_steps(case: Case) -> bool:
    """Return whether the timeline has each step that Review needs, or is in Review without one."""
    steps = (need for need in NEEDS if need.table == "timeline" and need.state == REVIEW)
    return reached(case, REVIEW) or all(
        _filled(case, need) for need in steps if _possible(case, need)
    )


def _remedy(case: Case, need: Need) -> str:
    """Return what to do about an empty blank: why a time is not known cannot be written into it."""
    written = case.template.column(need.table, need.name).kind in {"prose", "line", "names"}
    return "Fill it in, or write why it is not known." if written else "Fill it in."


def _possible(case: Case, need: Need) -> bool:
    """Return whether the template has this blank, in a row of this kind."""
    if not case.has(need.table, need.name):
        return False
    groups = case.template.groups(need.table)
    return not need.column or any(
        dict(group.keys).get(need.column, need.value) == need.value for group in groups
    )


def left_over(case: Case) -> Iterator[Finding]:
    """Find placeholders that were to be replaced."""
    for cell in case.cells:
        typed = cell.column.kind in {"prose", "line", "names"} and cell.table not in PRESET
        written = str(cell.value) if typed else ""
        match = LEFT_OVER.search(written)
        if match:
            yield Finding(
                code=Code.BLANK,
                severity=Severity.WARNING if reached(case, REVIEW) else Severity.HINT,
                where=case.where(cell.table, cell.row, cell.column.name),
                message=f"{shown(match.group())} was to be replaced.",
                remedy="Replace it, or clear the blank and write why it is not known.",
                table=cell.table,
                row=cell.row,
                name=cell.column.name,
            )


_FOLLOW_UP = re.compile(
    r"\bfollow-?\s?up\b(?!\s(?:actions?|items?|tasks?|tickets?))", re.IGNORECASE
)


def follow_up(case: Case) -> Iterator[Finding]:
    """Find a typed follow-up date that is not 30 days after the incident."""
    typed, computed = case.typed.get("follow_up"), case.measures["follow_up"].value
    if isinstance(typed, dt.date) and computed and typed != computed:
        yield about(
            case,
            Code.FOLLOW_UP,
            "follow_up",
            message=f"{typed}, but {metrics.FOLLOW_UP_DAYS} days after the incident is {computed}.",
            remedy="Correct the incident's date, or clear it: incident.set('follow_up', None).",
        )
    for row in case.rows("sharing") if computed else ():
        day = row.get("when")
        named = _FOLLOW_UP.search(str(row.get("task") or ""))
        if named and isinstance(day, dt.date) and day != computed:
            yield about(
                case,
                Code.FOLLOW_UP,
                "when",
                message=f"{row['task']}: {day}, but {metrics.FOLLOW_UP_DAYS} days after the "
                f"incident is {computed}.",
                remedy=f"Set {computed}, or say why it is on another day.",
                at=("sharing", row["row"]),
            )


def dates(case: Case) -> Iterator[Finding]:
    """Find dates of the document that exclude each other."""
    date, start = case.fact("date"), case.moments.start
    if date and start and abs((date - start.date()).days) > 1:
        yield about(
            case,
            Code.DATE,
            "date",
            message=f"The date is {date}, but the timeline starts on {start.date()} (UTC).",
            remedy="Correct one of the two.",
        )
    elif date and start and date != start.date():
        yield about(
            case,
            Code.DATE,
            "date",
            message=f"The date is {date}; the timeline starts on {start.date()} in UTC.",
            remedy="Correct one of the two, unless the date is meant in another zone.",
            severity=Severity.HINT,
        )
    day = start.date() if start else date
    yield from _others(case, day)
    review, due = case.fact("review_date"), case.measures["follow_up"].value
    if day and review and review < day:
        yield about(
            case,
            Code.DATE,
            "review_date",
            message=f"The review ({review}) is before the incident ({day}).",
            remedy="Correct the date of the review.",
        )
    elif review and due and review > due:
        yield about(
            case,
            Code.DATE,
            "review_date",
            message=f"The review ({review}) is after the follow-up ({due}).",
            remedy="Review before what came of it is followed up.",
            severity=Severity.HINT,
        )
    elif day and review and (review - day).days > DAYS_TO_REVIEW:
        yield about(
            case,
            Code.DATE,
            "review_date",
            message=f"The review ({review}) is {(review - day).days} days after the incident.",
            remedy="Review while people remember what they saw.",
            severity=Severity.HINT,
        )


ENOUGH = 1_000
"""Characters of a document that tells what happened."""


def spoken_of(case: Case) -> Iterator[Finding]:
    """Find services affected of which no other blank speaks."""
    services = [str(each).strip() for each in case.fact("services") or () if str(each).strip()]
    texts = [str(cell.value).lower() for cell in case.cells if cell.column.name != "services"]
    told = sum(len(each) for each in texts) > ENOUGH
    words = [re.sub(r"[\s_-]+", "", each.lower()) for each in services]
    whole = re.sub(r"[\s_-]+", "", " ".join(texts)) if told and services else ""
    if told and services and not any(word in whole for word in words):
        yield about(
            case,
            Code.PROSE,
            "services",
            message=f"No other blank speaks of {', '.join(services)}.",
            remedy="Correct the services, or say in the summary what happened to them.",
        )


OBJECTIVE = ("slo_target", "slo_actual", "budget_consumed", "budget_remaining", "slo_impact")
_NO_OBJECTIVE = re.compile(r"\bSLOs?\b|\bservice[- ]level objectives?\b|\berror budget\b")


def objective(case: Case) -> Iterator[Finding]:
    """Find an approved document that has nothing of the SLO, and no word on why."""
    blank = [name for name in OBJECTIVE if case.has(SINGLE, name)]
    told = any(_NO_OBJECTIVE.search(str(cell.value)) for cell in case.cells)
    if blank and reached(case, APPROVED) and not told and not any(map(case.fact, blank)):
        yield about(
            case,
            Code.BLANK,
            blank[0],
            message="Nothing of the SLO is told: neither its target nor what it cost.",
            remedy="Fill it in, or write in a sentence that the service has no SLO.",
            severity=Severity.HINT,
        )


RULES = (blanks, left_over, follow_up, dates, spoken_of, objective)


OTHERS: tuple[tuple[str, str, bool, str], ...] = (
    ("similar", "date", False, "A previous incident of {0} is not before this one ({1})."),
    ("sharing", "when", True, "Shared on {0}, before the incident ({1})."),
)
"""Table, blank, whether it lies after the incident, and what is said otherwise."""


def _others(case: Case, day: dt.date | None) -> Iterator[Finding]:
    """Find dates of other tables on the wrong side of the incident."""
    for table, name, after, message in OTHERS:
        for row in case.rows(table):
            date = row.get(name)
            if day and date and (date < day if after else date > day):
                yield about(
                    case,
                    Code.DATE,
                    name,
                    message=message.format(date, day),
                    remedy="Correct the date.",
                    at=(table, row["row"]),
                )


def _state_of(case: Case, need: Need) -> str:
    """Return how a blank is unfilled: empty, or with a stand-in."""
    value = case.fact(need.name) if need.table == SINGLE else _row(case, need).get(need.name)
    empty = value is None or value == [] or not str(value).strip()
    return "Empty" if empty else f"Only {shown(str(value))}"


def _filled(case: Case, need: Need) -> bool:
    """Return whether any row that the need speaks of holds its blank."""
    if need.table == SINGLE:
        return _holds(case.fact(need.name))
    rows = case.rows(need.table)
    fits = (row for row in rows if not need.column or row.get(need.column) == need.value)
    return any(_holds(row.get(need.name)) for row in fits)


def _holds(value: Any) -> bool:
    """Return whether a value says anything."""
    values = value if isinstance(value, list) else [value]
    return any(each is not None and not HOLDER.fullmatch(str(each)) for each in values)


def _row(case: Case, need: Need) -> Row:
    """Return the first row that the need speaks of, or an empty one."""
    rows = case.rows(need.table)
    return next((row for row in rows if row.get(need.column) == need.value), {})


def _place(case: Case, need: Need) -> str:
    """Return where the blank is, or would be."""
    if need.table == SINGLE:
        return case.where(SINGLE, SINGLE, need.name)
    row = _row(case, need)
    if row:
        return case.where(need.table, row["row"], need.name)
    step = f" › {need.value}" if need.value else ""
    return f"{case.where(need.table)}{step} › {case.label(need.table, need.name)}"
