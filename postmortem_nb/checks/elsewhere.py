"""Figures of sentences that are none of the whole incident: of a part, a phase, a rate, a plan."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from postmortem_nb.checks import claims, spoken, written
from postmortem_nb.checks.dates import CAUSES

if TYPE_CHECKING:
    from postmortem_nb.checks.case import Case, Cell

_LESSONS = frozenset({"factors", "whys", "went_wrong"})
"""Tables that tell what led to the incident."""
_TIMED = re.compile(r"\s?-?(?:minutes?|mins?|hours?|seconds?|days?|weeks?)\b", re.IGNORECASE)
_AROUND = 240
"""Characters before a length that are looked at."""
SUBSET = re.compile(
    r"\b(?:\d+|one|two|three|some|several|few|half) of (?:the |our |all )?[\w,]+[^.;\n]*$"
    r"|\b(?:some|several|few|certain|two|three|four|five|six|"
    r"other)\s(?!regions?\b)[a-z-]+\s[^.;\n]*$"
    r"|\b(?:after|once|following)\s[^.;\n]+,\s(?:the\s|full\s)?$"
    rf"|\b{claims.PEOPLE}\s(?:with|on|in|of|from|whose|who)\s[^.;,\n]*$"
    r"|\b(?:until|before)\s(?:the|our|any|anybody|anyone|somebody|someone)\b[^.;\n]{0,30}?"
    r"\b(?:page|alert|alarm|monitor|detection|call|ticket|report|knew|noticed)\b[^.;\n]*$"
    r"|\b(?:when|until|before)\s[^.;,\n]*\bhad\s(?:already\s)?been\s$",
    re.IGNORECASE,
)
"""Before a figure: it is of a part only, “two of forty hosts served errors for …”."""
_PART_AFTER = re.compile(
    r"\s(?:each|apiece|after the|before the|by (?:the time|then|now)|so far|until|since|"
    r"from (?:the|then)|longer|more|less|at most)\b",
    re.IGNORECASE,
)
"""The same behind it."""
_RAMPED = re.compile(
    r"\b(?:flags?|roll(?:ed|s|ing)?[ -]?out|canary|ramp\w*|enabled|activated|experiment|"
    r"(?:switched|turned|flipped)\s(?:[\w-]+\s)?on|tried|tested|sampled?)\b[^.;\n]*$",
    re.IGNORECASE,
)
"""Before a share of the users: it is of those who were given something."""
_PHASED = re.compile(
    r"[^.\n]{0,90}?(?:\b(?:then|after that|afterwards|followed by)\b[^.;\n]{0,60}?\d|"
    r"\b(?:another|a further|the (?:next|remaining|other|following))\s[\w-]+\s(?:minutes|hours)\b|"
    r"\d\smore\s(?:minutes|hours)\b)",
    re.IGNORECASE,
)
"""Behind a length: it is that of a phase, and the next one follows."""
_PHASE = re.compile(
    r"\b(?:first|last|next|following|remaining|other|another|further|initial|final)\s(?:\w+\s)?$",
    re.IGNORECASE,
)
"""Before a length: it is that of a phase."""
_BY_THEN = re.compile(
    r"\b(?:by (?:then|now|that time)|so far|already|at (?:that|this) (?:point|time|moment|stage)|"
    r"until then)\b",
    re.IGNORECASE,
)
"""Before a length: it is that until a step."""
_PARTLY = re.compile(
    r"\b(?:at|by|around)\s(?:about\s)?\d?\d:\d\d|\b(?:in|during|within|over)\s(?:the|its)\s"
    r"(?:first|last|next|worst)\b|\b(?:that|this|one|the same|a single)\sminute\b|"
    r"\b(?:after|before|until|since)\s(?:about\s)?\d?\d:\d\d|\b(?:minutes|hours?|day|night|week)\sbefore\b"
    r"|\bbudget\b[^.;,\d]{0,40}(?:\d\d\sdays\s)?(?:is|was|allow(?:s|ed)?|holds?|of|"
    r"permits?|tolerates?)\s"
    r"(?:(?:about|only|some)\s)?\d[\d,]*\s(?:failed|lost)\b",
    re.IGNORECASE,
)
"""In a sentence: its number of failures is one of a minute or a stretch, or one that is allowed."""
_GRANTED = re.compile(
    r"(?:\s[\w-]+){0,3}?\s(?:(?:is|are|was|were|be)\s(?:\w+\s)?(?:allowed|permitted|tolerated|"
    r"granted|covered|free)\b|(?:an?|per|every|each)\s(?:month|year|quarter|week)\b|"
    r"in\s(?:30|90|365|thirty)\sdays\b)",
    re.IGNORECASE,
)
_GRANTS = re.compile(
    r"\b(?:allows?|permits?|promises?|guarantees?|tolerates?|grants?|entitles?)\b[^.;\n]*$",
    re.IGNORECASE,
)
"""Behind a length, and before one: it is what an agreement allows."""
_UNTOLD = re.compile(
    r"[^.;\n]{0,60}?\bwithout\s(?:(?:any|an?|one|a single|further)\s){0,2}"
    r"(?:word|messages?|updates?|notices?|alerts?|pages?|news|information|explanation)\b",
    re.IGNORECASE,
)
"""Behind a length: it is that in which nobody was told."""
_OF_LAND = re.compile(rf"\d\s(?:[a-z]+\s)?[A-Z][a-z]\w+\s(?:[a-z]+\s)?(?i:{claims.PEOPLE})\b")
"""People of one land, plan or town: “105 Slovenian clients”."""
_RATED = re.compile(
    r"(?<!within )(?<!after )(?<!for )(?<!than )(?<!over )(?<!nearly )(?<!almost )"
    r"\b(?:an?|per|each|every|one|single)\s(?:second|minute|hour)\b",
    re.IGNORECASE,
)
"""Beside a number: it is one of each minute."""


_APPOSED = re.compile(
    rf"[^.;,\n]{{0,60}},\s(?:(?:or|that is|which is|about|roughly|some|nearly|almost)\s){{0,2}}"
    rf"(?:(?P<percent>\d{{1,2}}(?:\.\d+)?)\s?%|(?P<fraction>"
    rf"{'|'.join(sorted(written.FRACTIONS, key=len, reverse=True))}))\sof\s(?:all|the)\b",
    re.IGNORECASE,
)
"""Behind a number: which part of the whole it is, “13,000 requests, a third of all”."""


def is_part(text: str, end: int, said: float, whole: float) -> bool:
    """Return whether a number is told as a part of a whole, and is such a part of it."""
    match = _APPOSED.match(text, end)
    if match is None:
        return False
    percent = float(match["percent"] or 0)
    fraction = written.FRACTIONS.get((match["fraction"] or "").lower())
    low, high = fraction or (percent - 0.5, percent + 0.5)
    return low * whole <= 100 * said <= high * whole


def is_other(claim: claims.Claim, match: re.Match[str]) -> bool:
    """Return whether a figure is of a part, or of something else than this incident."""
    before = match.string[max(0, match.start() - 60) : match.start()]
    if match.groupdict().get("number") and _TIMED.match(match.string, match.end("number")):
        return True  # “104 minutes drivers could not”
    at = match.start("number") if match.groupdict().get("number") else 0
    near = max(0, at - written.NEAR)
    whole = written.WHOLE_OF.search(match.string[near:at]) if at else None
    own = whole and near + whole.start() >= match.start()  # “most of the 340 tickets”
    if (whole and not own) or claims.NOT_THIS.search(before):
        return True
    if claim.measures[0] == "duration" and is_of_part(match):
        return True
    if at and _RATED.search(around(match, ".;,", written.NEAR)):
        return True
    part = "affected_users" in claim.measures and _OF_LAND.search(match.group())
    part = part or ("failed_requests" in claim.measures and _PARTLY.search(around(match)))
    if part or ("affected_share" in claim.measures and _RAMPED.search(before)):
        return True
    span = claim.whole or "resolution_time" in claim.measures
    after = _PART_AFTER.match(match.string, match.end())
    return span and bool(after or SUBSET.search(before))


def is_of_part(match: re.Match[str]) -> bool:
    """Return whether a length is that of a phase, of seconds, or one that an agreement allows."""
    text, begin, end = match.string, match.start("span"), match.end("span")
    before = re.split(r"[.;\n]\s", text[max(0, begin - _AROUND) : begin])[-1]
    told = _PHASE.search(before) or _GRANTS.search(before) or _BY_THEN.search(before)
    behind = (_PHASED, _GRANTED, _UNTOLD)
    other = told or any(each.match(text, end) for each in behind)
    return bool(other) or spoken.minutes(match["span"])[0] < 1


_BESIDE = 120
"""Characters on either side of a figure that are looked at."""
HURT = re.compile(
    r"\b(?:fail\w*|errors?|down|unavailable|unreachable|outage|incident|impact\w*|affected|hit|"
    r"degrad\w+|disrupt\w*|lasted|unable|could not|couldn[’']t|refused|rejected|lost|slow\w*|"
    r"broken|stuck|offline|missing|stale|timed out|time-?outs?|no (?:answer|response))\b",
    re.IGNORECASE,
)
"""In a sentence: it tells of what went wrong."""


def around(match: re.Match[str], stops: str = ".;", reach: int = _BESIDE) -> str:
    """Return what stands around a figure, up to a stop on either side: in its sentence."""
    text, begin, end = match.string, match.start(), match.end()
    before = re.split(rf"[{stops}\n]\s", text[max(0, begin - reach) : begin])[-1]
    return before + match.group() + re.split(rf"[{stops}\n]", text[end : end + reach])[0]


def is_stop(case: Case, match: re.Match[str]) -> bool:
    """Return whether a time “without sales” is that from the mitigation to the recovery."""
    begun, ended = case.moments.mitigated, case.moments.recovered
    if begun is None or ended is None or "without" not in match.group():
        return False
    return spoken.agrees(match, (ended - begun).total_seconds() / 60)


def is_cause(case: Case, cell: Cell, match: re.Match[str]) -> bool:
    """Return whether what was unnoticed is what caused it, and not the incident.

    It was so for longer than all lasted, or from a clock of the document before the start.
    """
    if cell.column.name not in CAUSES and cell.table not in _LESSONS:
        return False
    if not match.groupdict().get("span") or not match.group().lower().startswith("un"):
        return False
    span = dt.timedelta(minutes=spoken.minutes(match["span"])[0])
    start, end = case.moments.start, case.moments.recovered
    since = [at - span for at in (start, case.moments.detected) if at]
    clocks = [f"{at:%H:%M}" for at in since if start and at < start]
    if any(clock in str(each.value) for clock in clocks for each in case.cells):
        return True
    return bool(start and end and span > end - start)
