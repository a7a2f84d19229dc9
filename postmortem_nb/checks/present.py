"""What the document has of all that a sentence may deny: a loss, help, a cause, tickets, a runbook.

Each is a question to the data: it returns what contradicts such a sentence, or nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from postmortem_nb.checks.dates import WEEKDAYS
from postmortem_nb.checks.reading import matches, passages

if TYPE_CHECKING:
    from collections.abc import Callable

    from postmortem_nb.checks.case import Case

PAID = (
    r"(?P<noun>fee|credit|refund|compensation|penalt|voucher|reimbursement|payout|rebate|fine|"
    r"indemnit)(?:s|y|ies)?"
)

_NOUNS = re.compile(PAID.replace("?P<noun>", "?:"), re.IGNORECASE)
_ZONES = dt.timedelta(hours=9)  # a place whose day is another than that of UTC
_SOON = dt.timedelta(hours=3)  # noticed so soon, it was not the next day anywhere
_REVIEWED = re.compile(
    r"\b(?:reviewers?\b[^.;]{0,30}?\b(?:approved|passed|accepted|signed|looked|read|saw)|"
    r"(?:through|past|passed|in|survived) (?:\w+ ){0,2}?(?:code )?reviews?\b|reviewed by\b|"
    r"(?:was|were|had been) reviewed\b|reviews? (?:did not|missed|passed|let))",
    re.IGNORECASE,
)
_UNREVIEWED = re.compile(r"\bwithout\b|\bnever\b|\bnot\b|\bno\b|n[’']t\b|nobody", re.IGNORECASE)


def chiefs(case: Case, _: re.Match[str]) -> str | None:
    """Return that executives took part."""
    return "executives were involved" if case.fact("executives_involved") else None


def paid(case: Case, match: re.Match[str]) -> str | None:
    """Return the loss, where its sum is made up of what is said not to have been paid."""
    loss, method = case.fact("revenue_loss"), str(case.fact("revenue_method") or "")
    noun = (match.groupdict().get("noun") or "").lower()
    named = noun in method.lower() if noun else _NOUNS.search(method)
    return f"revenue loss: ${loss:,.0f} ({method})" if loss and named else None


def cost(case: Case, _: re.Match[str]) -> str | None:
    """Return the loss."""
    loss = case.fact("revenue_loss")
    return f"revenue loss: ${loss:,.0f}" if loss else None


def escalated(case: Case, _: re.Match[str]) -> str | None:
    """Return to whom it was escalated."""
    rows = [row for row in case.rows("timeline") if row.get("step") == "Escalation"]
    whom = [str(row["escalated_to"]) for row in rows if row.get("escalated_to")]
    return f"it was escalated to {', '.join(whom)}" if whom else None


def helped(case: Case, match: re.Match[str]) -> str | None:
    """Return who else worked on it, others than the team that is named."""
    team = (match.groupdict().get("team") or "").lower()
    teams = [str(each) for each in case.fact("teams") or ()]
    own = [each for each in teams if team and team in each.lower()]
    if team and not own and team not in {"team", "us"}:
        return None
    if len(teams) > max(1, len(own)):
        return f"the teams involved are {', '.join(teams)}"
    return escalated(case, match)


def joined(case: Case, match: re.Match[str]) -> str | None:
    """Return that a team is listed, of which it is said that it was not there."""
    name = re.sub(r"^(?:the|our|and|but) ", "", match["name"].lower())
    team = next((str(each) for each in case.fact("teams") or () if str(each).lower() == name), "")
    return f"{team} is listed under {case.label('incident', 'teams')}" if team else None


def acted(case: Case, match: re.Match[str]) -> str | None:
    """Return what a person did, who is said to have been away."""
    name = match["name"].lower()
    who = [each for each in case.people() if " " in each and name.endswith(each.lower())]
    first = name.split()[-1]
    who = who or [
        each for each in case.people() if " " in each and each.lower().split()[0] == first
    ]
    if len(who) != 1:
        return None
    for row in case.rows("timeline"):
        for column in ("on_call", "responsible", "approval", "responders", "detected_by"):
            if who[0].lower() in str(row.get(column) or "").lower():
                return f"{who[0]} stands under {row.get('step')}"
    return None


def cause(case: Case, _: re.Match[str]) -> str | None:
    """Return the root cause."""
    causes = (str(row["root_cause"]) for row in case.rows("timeline") if row.get("root_cause"))
    cause = next(causes, "")
    return f"the root cause is: {cause[:80].rstrip('.')}" if cause else None


def day(case: Case, match: re.Match[str]) -> str | None:
    """Return the day of the incident, where it is of another kind in every place."""
    start = case.moments.start
    end = case.moments.resolved or case.moments.recovered or start
    if start is None or end is None:
        return None
    said, first = match["day"].lower(), (start - _ZONES).date()
    length = ((end + _ZONES).date() - first).days + 1
    days = {(first + dt.timedelta(days=each)).weekday() for each in range(min(length, 7))}
    fits = {"weekend": {5, 6}}.get(said, {0, 1, 2, 3, 4})
    fits = {WEEKDAYS.index(said)} if said in WEEKDAYS else fits
    return None if days & fits else f"{start:%Y-%m-%d} is a {start:%A}"


def soon(case: Case, _: re.Match[str]) -> str | None:
    """Return how soon it was detected, where that was on the same day."""
    start, seen = case.moments.start, case.moments.detected
    if start is None or seen is None or not dt.timedelta(0) <= seen - start < _SOON:
        return None
    minutes = (seen - start).total_seconds() / 60
    return f"it was detected {minutes:,.0f} minutes after it began"


def counted(*names: str) -> Callable[[Case, re.Match[str]], str | None]:
    """Return the question whether any of these counts is above 0."""

    def denial(case: Case, _: re.Match[str]) -> str | None:
        held = [(name, case.fact(name)) for name in names if case.fact(name)]
        return f"{case.label('incident', held[0][0])}: {held[0][1]:,}" if held else None

    return denial


def burned(case: Case, _: re.Match[str]) -> str | None:
    """Return how much of the error budget was consumed."""
    measure = case.measures.get("budget_consumed")
    value = measure.value if measure and measure.value is not None else None
    value = case.fact("budget_consumed") if value is None else value
    burned = isinstance(value, (int, float)) and value >= 1
    return f"{value:g} % of the error budget were consumed" if burned else None


def planned(case: Case, _: re.Match[str]) -> str | None:
    """Return how many actions are listed."""
    rows = [row for row in case.rows("actions") if row.get("title")]
    return f"{len(rows)} actions are listed" if rows else None


def earlier(case: Case, _: re.Match[str]) -> str | None:
    """Return an incident that is listed as a similar one."""
    rows = [str(row["incident"]) for row in case.rows("similar") if row.get("incident")]
    return f"{rows[0]} is listed as a similar incident" if rows else None


def runbook(case: Case, match: re.Match[str]) -> str | None:
    """Return the runbook that there is for it."""
    words = re.findall(r"[a-z]{4,}", (match.groupdict().get("what") or "").lower())
    for row in case.rows("runbooks"):
        named = f"{row.get('name') or ''} {row.get('updates') or ''}".lower()
        begun = not re.search(r"draft|not|plan|to do", str(row.get("status") or ""), re.IGNORECASE)
        if row.get("location") and begun and (not words or any(each in named for each in words)):
            return f"“{row.get('name') or 'one'}” is listed under Runbooks"
    return None


def seen(case: Case, match: re.Match[str]) -> str | None:
    """Return the words that tell of a review of the change."""
    for _, text in passages(case):
        for found in matches(_REVIEWED, text):
            near = text[max(0, found.start() - 40) : found.end()]
            if match.group() not in text and not _UNREVIEWED.search(near.split(". ")[-1]):
                return f"elsewhere: “{found.group()}”"
    return None
