"""Signatures, meetings and runbooks: what sentences and ticks say of them against their rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb.checks import single
from postmortem_nb.checks.report import Code
from postmortem_nb.checks.stated import Statement, denied, reader, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case, Row
    from postmortem_nb.checks.report import Finding

_WHO = r"(?P<who>[a-z][\w’'-]+(?:[ -][a-z][\w’'-]+){0,2}?)"
_TEXT = (
    r"(?! (?:on |off |off on )?(?:the |a |its )?(?:\w+ )?(?:plan|roll-?back|fix|hotfix|mitigation|"
    r"change|release|deploy\w*|budget|version))"
)
_MEETING = r"(?:(?:postmortem|incident) )?review(?: meeting)?"
_OPEN = re.compile(
    r"\b(?:would|could|should|might|may|if|unless|until|before|will|when|once)\b", re.IGNORECASE
)
_READY = re.compile(r"\b(?:done|updated|complete|completed|published|live)\b", re.IGNORECASE)
_UNREADY = re.compile(
    r"\b(?:not (?:yet )?(?:started|updated|begun|written)|draft|in review|in progress|planned|"
    r"to ?do|open)\b",
    re.IGNORECASE,
)


def _signed(*, said: bool) -> Callable[[Case, re.Match[str]], str | None]:
    """Return the question whether somebody, by name or role, signed otherwise than is said."""

    def denial(case: Case, match: re.Match[str]) -> str | None:
        who = match["who"].lower().removeprefix("the ").removeprefix("our ")
        rows = [row for row in case.rows("approvals") if row.get("done") is not None]
        called = [row for row in rows if _is(row, who)]
        if not called or any(row["done"] is said for row in called):
            return None
        ticked = "not ticked" if said else "ticked"
        role, name = called[0].get("role"), called[0].get("name") or "nobody"
        return f"the approval of {role} ({name}) is {ticked}"

    return denial


def _is(row: Row, who: str) -> bool:
    """Return whether an approval is of somebody: the end of these words is their name or role."""
    name, role = str(row.get("name") or "").lower(), str(row.get("role") or "").lower()
    parts = {name, role, *name.split()} - {""}
    return any(who == part or who.endswith(f" {part}") for part in parts)


def _met(*, said: bool) -> Callable[[Case, re.Match[str]], str | None]:
    def denial(case: Case, _: re.Match[str]) -> str | None:
        for row in case.rows("sharing"):
            task = str(row.get("task") or "")
            if "review meeting" in task.lower() and row.get("done") is (not said):
                ticked = "not ticked" if said else "ticked"
                return f"“{task}” is {ticked} under Knowledge Sharing"
        return None

    return denial


STATEMENTS: tuple[Statement, ...] = (
    *say(
        _signed(said=True),
        rf"\b{_WHO} (?:has|have) (?:already |now |since )*(?:approved|signed(?: off| it)?)"
        rf"{_TEXT}\b",
        rf"\b(?:approved|signed(?: off)?) by {_WHO}(?=[.;,]|$)",
    ),
    *say(
        _signed(said=False),
        rf"\b{_WHO} (?:has|have) (?:still |yet )*(?:not|never) (?:yet )?(?:approved|signed(?: off"
        rf"| it)?){_TEXT}\b",
        rf"\b{_WHO} (?:has|have) yet to (?:approve|sign)(?: off)?{_TEXT}\b",
        rf"\b{_WHO}[’']s (?:approval|signature|sign-off) (?:is|remains) (?:still )?(?:missing|open|"
        r"outstanding|pending)\b",
        rf"\b(?:waiting|waits) for (?:the )?(?:approval|signature|sign-off) (?:of|by|from) {_WHO}"
        r"(?=[.;,]|$)",
    ),
    *say(
        _met(said=True),
        rf"\b{_MEETING} (?:has (?:already |since )*(?:taken place|been (?:held|scheduled|booked))|"
        r"took place|was held|is (?:already )?(?:scheduled|booked))\b",
        rf"\b(?:held|scheduled|booked) (?:the|our) {_MEETING}\b",
    ),
    *say(
        _met(said=False),
        rf"\b{_MEETING} (?:has|is|was) (?:still |yet )*(?:not|never) (?:yet )?(?:been )?"
        r"(?:scheduled|booked|planned|set)\b",
        rf"\b{_MEETING} has yet to be (?:scheduled|booked|planned)\b",
        rf"\bno (?:date|day) (?:for|of) the {_MEETING}\b",
    ),
)
"""Each statement with what denies it."""

_read = reader(STATEMENTS, _OPEN)


def pending(case: Case) -> Iterator[Finding]:
    """Find signatures and meetings that a sentence tells otherwise than their rows."""
    yield from denied(case, _read)


def ticks(case: Case) -> Iterator[Finding]:
    """Find ticks of Knowledge Sharing at odds with the runbooks and the day of the review."""
    states = [str(row.get("status") or "") for row in case.rows("runbooks") if row.get("name")]
    ready = bool(states) and all(_READY.search(each) for each in states)
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


def _tick(case: Case, row: Row, name: str, message: str) -> Finding:
    """Return a finding about a row of Knowledge Sharing."""
    code = Code.DATE if name == "when" else Code.SOURCES
    remedy = "Correct one of the two; readers will find the other one."
    at = ("sharing", str(row["row"]))
    return single.about(case, code, name, message=message, remedy=remedy, at=at)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (pending, ticks)
