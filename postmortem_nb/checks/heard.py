"""How it was noticed: by a customer's tweet, by the care team, by an alarm at night.

The timeline holds one method of detection; a sentence, or the row's own “detected by”, that tells
of the other one is doubted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb.checks import single, spoken
from postmortem_nb.checks.claims import AGAIN, PERSON
from postmortem_nb.checks.late import late
from postmortem_nb.checks.reading import about, matches, passages
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.spoken import CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding

_THE = r"(?:an?|one|our|the|several|some|first|angry|single|of|worried|annoyed)"
_FOLK = (
    rf"(?:{PERSON}s?|callers?|fans?|shoppers?|public|press|journalists?|partners?|support|"
    r"(?:customer\s)?care|help ?desk|service desk|call cent(?:er|re)|front desk|account managers?|"
    r"sales|social media|twitter|reddit|tweets?|phone calls?|calls?|complaints?|tickets?)"
)
_CALLING = (
    r"(?:calls?|phone calls?|tickets?|reports?|complaints?|e-?mails?|tweets?|posts?|messages?)"
)
_SOMEONE = (
    rf"(?:{_THE}\s){{0,4}}{_FOLK}(?:\s(?:team|staff|agents?|desk))?"
    rf"(?:[’']s?)?(?:\s(?:{_CALLING}))?(?:\s(?:from|by|of)\s(?:{_THE}\s){{0,3}}{_FOLK})?"
    r"(?:\s(?:on|over|by)\s(?:the\s)?(?:tele)?phone)?"
)
_MACHINE = (
    r"(?:(?:an?|our|the|one)\s)?(?:[\w-]+\s){0,2}?(?:monitors?|monitoring|alerts?|alarms?|alerting|"
    r"dashboards?|synthetic (?:test|check)s?|health checks?)"
)
_IT = (
    r"(?:it|this|that|(?:the\s|an?\s)?(?:\w+\s)?(?:incident|outage|problem|failures?|errors?|issue|"
    r"trouble|degradation|slowdown|disruption))"
)
_END = (
    r"(?=\s*(?:[.;!,]|$|at once\b|immediately\b|right away\b|at all\b|throughout\b|during\b|"
    r"all the (?:while|time)|the (?:whole|entire)\b|"
    r"(?:for|while) (?:the (?:whole|entire)|it lasted|all)\b|by us\b))"
)
_SOMETHING = (
    r"(?=[^.;\n]{0,50}?\b(?:stale|slow|fail|error|down\b|outage|broken|stuck|delay|timeout|missing|"
    r"trouble|impact))(?:(?!who\b|what\b|from\b)[\w’'-]+\s){1,6}?[\w’'-]+"
)
_LEARNT = (
    r"\b(?<!line )(?<!desk )(?<!port )(?<!care )"  # the help desk learnt of it from callers
    r"(?:learn(?:ed|t)|heard|found out|knew|were told|was told|got wind|read)\s(?:first\s)?"
    rf"(?:of|about)\s(?:{_IT}\s|{_SOMETHING},?\s)(?:first\s|only\s)*(?:from|through|by|via|on)\s"
)
_ALREADY = r"\shad\s(?:already|long|by then)\s(?:told|alerted|warned|rung|called|informed)\sus\b"
_MADE_KNOWN = (
    r"\s(?:first\s)?(?:told us|alerted us|made us aware|tipped us off|rang us up|called us|woke us|"
    rf"paged us|caught it)(?:\s(?:of|about)\s{_IT})?"
)
_FIRST = rf"(?:{_END}|\s(?:[\w’'-]+\s){{0,8}}?before\s(?:any|our|the|a single|an?)\s(?:\w+\s)?"


def _ways(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(late(each, re.IGNORECASE) for each in patterns)


BY_PEOPLE = _ways(
    r"\bno\s(?:alert|alarm|monitor|page)s?\s(?:of ours\s)?(?:ever\s)?(?:fired|triggered|went "
    r"off|was raised|came|sounded|woke (?:anyone|anybody|us))(?:\s(?:for|about)\s(?:it|this)\b)?"
    rf"{_END}",
    r"\b(?:alerts?|monitors?|alerting|monitoring)\s(?:(?:stayed|remained|was|were) silent|"
    rf"never fired|did not fire|didn[’']t fire){_END}",
    rf"{_LEARNT}{_SOMEONE}\b",
    rf"\b{_SOMEONE}{_MADE_KNOWN}{_FIRST}(?:alert|monitor|alarm|page)s?\b)",
    rf"\b{_SOMEONE}{_ALREADY}",
)
"""How people are said to have noticed it first."""

BY_MACHINE = _ways(
    rf"\b{_MACHINE}{_MADE_KNOWN}\sat\s{CLOCK}",
    rf"{_LEARNT}{_MACHINE}",
    rf"\b{_MACHINE}{_MADE_KNOWN}{_FIRST}{_FOLK}\b)",
)
"""How a monitor is said to have noticed it first."""

_OPEN = re.compile(
    r"\b(?:would|could|should|might|may|if|unless|will|when|once|next|previous\w*|not|nearly|"
    r"almost|"
    r"last year|in the past|had been|instead|rather)\b[^.;\n]*$",
    re.IGNORECASE,
)


def heard(case: Case) -> Iterator[Finding]:
    """Find another way of detection than the timeline holds."""
    held = [row.get("detection_method") for row in case.rows("timeline")]
    method = next((each for each in held if each), None)
    ways = {
        "Monitor Alert": BY_PEOPLE,
        "User Report": BY_MACHINE,
        "Internal Discovery": BY_MACHINE,
    }.get(str(method), ())
    for cell, text in passages(case, plans=True) if ways else ():
        for pattern in ways:
            for match in matches(pattern, text):
                sentence = re.split(r"[.;\n]", text[: match.start()])[-1]
                again = AGAIN.search(sentence + match.group()) or _is_later(case, match)
                if not _OPEN.search(sentence) and not again:
                    said = match.group().strip()
                    yield about(case, cell, f"“{said}”, but the detection method is {method}.")


def _is_later(case: Case, match: re.Match[str]) -> bool:
    """Return whether somebody, or a monitor, is told to have said it at another clock."""
    at = case.moments.detected
    if not match.groupdict().get("clock") or at is None:
        return False
    gap = spoken.apart(match, 60 * at.hour + at.minute)
    return gap is None or gap > 1


_MONITOR = re.compile(r"\b(?:monitor\w*|alerts?|alarms?|synthetic\w*)\b", re.IGNORECASE)
_NEITHER = re.compile(
    r"\b(?:not|no|none of|nor|without|before)\s(?:(?:one of|any of|a|an|our|the|any|single)\s)*\w+",
    re.IGNORECASE,
)
"""By whom it was not detected."""
_PERSON = re.compile(
    rf"\b(?:an?|the|one|our|some|several|first)\s(?!member|account|author|creator|employee|sender){PERSON}s?\b|"
    r"\b(?:customers?|callers?|users?|support|help ?desk|care|shift lead|tweets?|tickets?|clients?|"
    r"merchants?|partners?|suppliers?|engineers?|developers?|colleagues?|operators?|telephoned|"
    r"phoned|no (?:monitor|alert|alarm))\b",
    re.IGNORECASE,
)


_OF_MONITOR = re.compile(r"/monitors/\d")
"""In the link of an alert: it is one of a monitor."""


def noticed(case: Case) -> Iterator[Finding]:
    """Find a method of detection that is not what its own row says, or the alert that it links."""
    for row in case.rows("timeline"):
        method, who = row.get("detection_method"), str(row.get("detected_by") or "")
        by_machine = bool(_MONITOR.search(_NEITHER.sub("", who)))
        by_people = bool(_PERSON.search(who))
        linked = _OF_MONITOR.search(str(row.get("alert_link") or ""))
        unsaid = not (by_machine or by_people)
        if not method or (by_machine and by_people) or (unsaid and not linked):
            continue
        if (method == "Monitor Alert") is not (by_machine or unsaid):
            rival = f"detected by: {who}" if not unsaid else "the alert it links is a monitor’s"
            yield single.about(
                case,
                Code.SOURCES,
                "detection_method",
                message=f"Detection method {method}, but {rival}.",
                remedy="Correct the one that is wrong.",
                severity=Severity.HINT if unsaid else Severity.WARNING,
                at=("timeline", row["row"]),
            )


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (noticed, heard)
