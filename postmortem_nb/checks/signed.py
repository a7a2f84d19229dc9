"""Approvals: missing, incomplete, too early, stale, by others; ticks at odds with rows."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from postmortem_nb import times
from postmortem_nb.checks.case import BETWEEN
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.review import APPROVED, REVIEW, grave, reached
from postmortem_nb.checks.single import about
from postmortem_nb.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case, Row
    from postmortem_nb.edits import Edit

_READY = re.compile(r"\b(?:done|updated|complete|completed|published|live)\b", re.IGNORECASE)
_PARTLY = re.compile(
    r"\b(?:not|never|half|part\w*|nearly|almost|mostly|first|some|to be|will be|being|when|once|"
    r"until|due|yet|no)\b|(?<!\b10)\d\s?%|\d (?:of|out of) \d",
    re.IGNORECASE,
)
"""In a status: not all is done."""
_UNREADY = re.compile(
    r"\b(?:not (?:yet )?(?:started|updated|begun|written|done)|draft|in review|in progress|planned|"
    r"to ?do|open|pending|outstanding)\b",
    re.IGNORECASE,
)


def approvals(case: Case) -> Iterator[Finding]:
    """Find approvals that are missing, incomplete, or dated before the incident."""
    if not case.has("approvals", "role"):
        return
    signed = {row.get("role"): row for row in case.rows("approvals")}
    back = ", or take the postmortem back to Review" if reached(case, APPROVED) else ""
    roles = _roles(case)
    if not reached(case, APPROVED):
        unsigned = [role for role in roles if _lacking(signed.get(role, {})) == _ALL]
        roles = [role for role in roles if role not in unsigned]
        if unsigned and reached(case, REVIEW):
            yield _approval(
                case,
                {},
                f"Not signed yet: {', '.join(unsigned)}.",
                "Let each sign with name and date.",
                severity=Severity.HINT,
            )
    for role in roles:
        row = signed.get(role, {"role": role})
        missing = _lacking(row)
        if missing:
            yield _approval(
                case,
                row,
                f"no {', no '.join(missing)}.",
                f"Let the person sign with name and date{back}.",
                severity=grave(case, APPROVED) if reached(case, APPROVED) else Severity.HINT,
            )
    first = case.moments.start
    for row in signed.values():
        if first and row.get("date") and row["date"] < first.date():
            yield _approval(
                case,
                row,
                f"approved on {row['date']}, before the incident began ({times.shown(first)}).",
                "Correct the date of the approval.",
                severity=Severity.ERROR,
            )


LATER: frozenset[str] = frozenset({"approvals", "sharing"})
"""Tables that go on changing after an approval."""
TOGETHER = dt.timedelta(minutes=1)
"""Edits this near to each other were made as one."""
LATER_NAMES: frozenset[str] = frozenset({"state", "status", "tracking", "review_date"})
"""Blanks that go on changing after an approval."""


class _Change(NamedTuple):
    """An edit of the content: when, and whether it changes something that stood there."""

    at: dt.datetime
    replaces: bool


def stale(case: Case) -> Iterator[Finding]:
    """Find approvals of a text that was changed after they were given."""
    signed = [row for row in case.rows("approvals") if row.get("date") and row.get("name")]
    changes = list(_changes(case.edits)) if signed else []
    for row in signed:
        later = _since(case, changes, row)
        if later:
            yield Finding(
                code=Code.APPROVAL,
                severity=Severity.WARNING if reached(case, APPROVED) else Severity.HINT,
                where=case.where("approvals", row["row"]),
                message=f"{shown(row['name'])} approved on {row['date']}; {later}.",
                remedy="Show the approver what changed (incident.history()) and renew the date.",
                table="approvals",
                row=row["row"],
                name="date",
            )


def _changes(log: Sequence[Edit]) -> Iterator[_Change]:
    """Yield the edits of what is approved, but those without a time: another program's."""
    filled: set[tuple[str, str, str]] = set()
    for edit in log:
        place = (edit["table"], edit["row"], str(edit.get("name")))
        if edit["table"] not in LATER and edit.get("name") not in LATER_NAMES and made(edit):
            yield _Change(made(edit) or times.EPOCH, "op" in edit or place in filled)
        if edit.get("value") is not None:
            filled.add(place)


def made(edit: Edit) -> dt.datetime | None:
    """Return when an edit was made in UTC, None where another program wrote no such time."""
    try:
        said = dt.datetime.fromisoformat(edit["at"])
        return (said if said.tzinfo else said.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _since(case: Case, changes: Sequence[_Change], row: Row) -> str:
    """Return, in words, how many edits of the content are later than an approval.

    Later than the moment it was written down, else than its day. What was filled for the first
    time within the same minute came with it: an import writes approvals and text together.
    """
    here = ("approvals", row["row"])
    own = (made(edit) for edit in case.edits if (edit["table"], edit["row"]) == here)
    signed = max((at for at in own if at), default=None)
    dated = [each.at for each in changes if each.at.date() > row["date"]]
    if signed is not None:
        later = [
            e.at for e in changes if e.at > signed and (e.replaces or e.at > signed + TOGETHER)
        ]
        if later:
            return f"{_edits(later)} came later"
        dated = [at for at in dated if at < signed - TOGETHER]
    return f"{_edits(dated)} came later than that day" if dated else ""


def _edits(made: Sequence[dt.datetime]) -> str:
    return "1 edit" if len(made) == 1 else f"{len(made):,} edits"


_REVIEWER = "Technical Reviewer"


def _among(name: object, names: Sequence[object]) -> bool:
    return any(_same(name, each) for each in names)


def ahead(case: Case) -> Iterator[Finding]:
    """Find approvals, and what is ticked, dated after the day on which they were written down.

    A day more is left to those who are ahead of UTC. What is only scheduled may be to come.
    """
    for row, day in _later(case, "approvals", "date"):
        yield _approval(
            case,
            row,
            f"approved on {row['date']}, but that was written down on {day}.",
            "Correct the date of the approval.",
            severity=Severity.WARNING,
        )
    for row, day in _later(case, "sharing", "when"):
        task = str(row.get("task") or "")
        if row.get("done") and not _SCHEDULED.search(task):
            message = f"“{task}” is ticked for {row['when']}, but that was written down on {day}."
            yield _tick(case, row, "when", message)


_SCHEDULED = re.compile(r"\b(?:schedul|plann|book|invit|announc)\w*", re.IGNORECASE)


def _later(case: Case, table: str, name: str) -> Iterator[tuple[Row, str]]:
    """Yield rows with a date behind the day, also given, on which they were last edited."""
    written: dict[str, str] = {}
    for edit in case.edits:
        if edit["table"] == table:
            day = str(edit.get("at") or "")[:10]
            written[edit["row"]] = max(day, written.get(edit["row"], ""))
    for row in case.rows(table):
        date, day = row.get(name), written.get(row["row"], "")
        if date and day and date.isoformat() > day and not _is_next(day, date):
            yield row, day


def _is_next(day: str, date: dt.date) -> bool:
    """Return whether a date is the one after a day; after one that is none, it is taken for it."""
    try:
        return date - dt.date.fromisoformat(day) <= dt.timedelta(days=1)
    except ValueError:
        return True


def signers(case: Case) -> Iterator[Finding]:
    """Find approvals by the wrong person, of one's own text, or before the review."""
    author, review = case.fact("author"), case.fact("review_date")
    reviewers = case.fact("reviewers") or ()
    for row in case.rows("approvals"):
        role, name, date = row.get("role"), row.get("name"), row.get("date")
        own = name and author and _same(name, author)
        problem, severity = "", Severity.WARNING
        if role == "Author" and name and author and not own:
            problem = f"{shown(name)} signed as author, but the author is {shown(author)}"
        elif role and "review" in str(role).lower() and own:
            problem = f"{shown(name)} reviewed a text of their own"
        elif role == "Manager" and own:
            problem = f"{shown(name)} approved a text of their own"
        elif name and role == _REVIEWER and reviewers and not _among(name, reviewers):
            problem = f"{shown(name)} is none of the reviewers ({', '.join(reviewers)})"
        elif date and review and date < review and role != "Author":
            problem = f"approved on {date}, before the review ({review})"
            severity = Severity.HINT  # who has read it may sign before all meet
        if problem:
            yield _approval(
                case,
                row,
                f"{problem}.",
                "Correct the approval, or let the right person sign.",
                severity=severity,
            )
    reviewers = case.fact("reviewers") or []
    if author and reviewers and all(_same(each, author) for each in reviewers):
        yield about(
            case,
            Code.APPROVAL,
            "reviewers",
            message=f"The only reviewer is the author, {shown(author)}.",
            remedy="Ask somebody who did not write it.",
        )


def signed_draft(case: Case) -> Iterator[Finding]:
    """Find a Draft that all have signed, and an Approved one whose review nobody scheduled."""
    rows = {row.get("role"): row for row in case.rows("approvals")}
    roles = _roles(case)
    if roles and not reached(case, REVIEW) and not any(_lacking(rows.get(r, {})) for r in roles):
        yield about(
            case,
            Code.APPROVAL,
            "state",
            message=f"Still a Draft, but all {len(roles)} have signed.",
            remedy="Set the state, or take the approvals back.",
        )
    for row in case.rows("sharing") if reached(case, APPROVED) else ():
        if row.get("done") is False and "review meeting" in str(row.get("task")).lower():
            message = f"“{row['task']}” is not ticked, but the postmortem is Approved."
            yield _tick(case, row, "done", message)


def ticks(case: Case) -> Iterator[Finding]:
    """Find ticks of Knowledge Sharing at odds with the runbooks and the day of the review."""
    states = [str(row.get("status") or "") for row in case.rows("runbooks") if row.get("name")]
    ready = bool(states) and all(
        _READY.search(each) and not _PARTLY.search(each) for each in states
    )
    unready = bool(states) and all(_UNREADY.search(each) for each in states)
    for row in case.rows("sharing"):
        task, day = str(row.get("task") or ""), case.fact("review_date")
        if re.match("runbook updated", task, re.IGNORECASE):
            if row.get("done") is False and ready:
                yield _tick(case, row, "done", f"“{task}” is not ticked, but every runbook is.")
            if row.get("done") and unready:
                truth = f"“{task}” is ticked, but every runbook is {states[0]}."
                yield _tick(case, row, "done", truth)
        if "review meeting" in task.lower() and day and row.get("when") not in {None, day}:
            yield _tick(case, row, "when", f"“{row['when']}”, but the review date is {day}.")


RULES = (approvals, ahead, stale, signers, signed_draft, ticks)


def _tick(case: Case, row: Row, name: str, message: str) -> Finding:
    """Return a finding about a row of Knowledge Sharing."""
    code = Code.DATE if name == "when" else Code.SOURCES
    remedy = "Correct one of the two; readers will find the other one."
    at = ("sharing", str(row["row"]))
    return about(case, code, name, message=message, remedy=remedy, at=at)


def _roles(case: Case) -> list[str]:
    """Return the roles that sign, as the template lists them; those present when it lists none."""
    presets = [role for group in case.template.groups("approvals") for role in group.presets]
    return presets or [row["role"] for row in case.rows("approvals") if row.get("role")]


_WANTED = {"name": "name", "date": "date", "done": "tick"}
_ALL = list(_WANTED.values())


def _lacking(row: Mapping[str, Any]) -> list[str]:
    """Return what an approval lacks."""
    return [word for name, word in _WANTED.items() if not row.get(name)]


def _same(one: object, other: object) -> bool:
    """Return whether two names are one person's, however they are spaced and cased."""
    return " ".join(str(one).lower().split()) == " ".join(str(other).lower().split())


def _approval(
    case: Case, row: Mapping[str, Any], message: str, remedy: str, *, severity: Severity
) -> Finding:
    """Return a finding about one approval; it names the role where its place does not."""
    where = case.where("approvals", row.get("row", ""))
    role = row.get("role")
    named = role is None or where.endswith(f"{BETWEEN}{role}")
    return Finding(
        code=Code.APPROVAL,
        severity=severity,
        where=where,
        message=f"{message[:1].upper()}{message[1:]}" if named else f"{role}: {message}",
        remedy=remedy,
        table="approvals",
        row=row.get("row", ""),
    )
