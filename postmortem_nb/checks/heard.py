"""How it was noticed, told freely: by a customer's tweet, by the care team, by an alarm at night.

The timeline holds one method of detection; a sentence that tells of the other one is doubted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb.checks.claims import AGAIN, PERSON
from postmortem_nb.checks.late import late
from postmortem_nb.checks.reading import about, matches, passages

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
    r"all the (?:while|time)|the (?:whole|"
    r"entire)\b|"
    r"(?:for|while) (?:the (?:whole|entire)|it lasted|all)\b|by us\b))"
)
_LEARNT = (
    r"(?<!line )(?<!desk )(?<!port )(?<!care )"  # the help desk learnt of it from callers
    r"(?:learn(?:ed|t)|heard|found out|knew|were told|was told|got wind|read)"
)
_MADE_KNOWN = (
    r"(?:told us|alerted us|made us aware|tipped us off|rang us up|called us|woke us|paged us)"
)
_SAW = r"(?:detect|caught|catch|saw|see|notic|discover|flagg|flag|spott|spot|pick|report)\w*"


def _ways(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(late(each, re.IGNORECASE) for each in patterns)


BY_PEOPLE = _ways(
    r"\bno\s(?:alert|alarm|monitor|page)s?\s(?:of ours\s)?(?:ever\s)?(?:fired|triggered|went "
    r"off|was raised|"
    rf"came|"
    rf"sounded|woke (?:anyone|anybody|us))(?:\s(?:for|about)\s(?:it|this)\b)?{_END}",
    rf"\b(?:alerts?|monitors?|alerting|monitoring)\s(?:stayed silent|remained silent|was silent|"
    rf"never fired|did not fire|didn[’']t fire){_END}",
    r"\b(?:monitors?|alerts?|alerting|monitoring)\s(?:saw|noticed|caught|showed)\snothing\b"
    r"(?!\s(?:of|in|on|at|until|about)\b)",
    rf"\b(?:monitoring|alerting|(?:our|the) (?:monitors?|alerts?))\s(?:missed|"
    rf"overlooked)\s{_IT}{_END}",
    rf"\b(?:was|were)\s{_SOMEONE}\b[^.;]{{0,40}}\s(?:who|that|"
    rf"which)\s(?:first\s)?(?:raised the alarm|"
    r"told us|noticed it|discovered it|reported it first|alerted us|found it)\b",
    rf"\b{_LEARNT}\s(?:first\s)?(?:of|about)\s{_IT}\s(?:first\s|only\s)*(?:from|through|by|via|"
    rf"on)\s"
    rf"{_SOMEONE}\b",
    rf"\b{_SOMEONE}\s(?:first\s)?{_MADE_KNOWN}(?:\s(?:of|about)\s{_IT})?{_END}",
    rf"\b{_SOMEONE}\s(?:was|were|is)\s(?:how|where|what)\s(?:we\s)?(?:first\s)?(?:found out|"
    rf"learn(?:ed|"
    r"t)|knew|heard|noticed|told us|alerted us)",
    rf"\b(?:first\s|initially\s|only\s)?(?:detected|discovered|noticed|spotted|reported|raised|"
    rf"flagged)\s"
    rf"(?:first\s|to us\s|only\s)?by\s(?:{_THE}\s){{0,3}}(?:support|(?:customer\s)?care|help ?desk|"
    r"service desk|callers?|call cent(?:er|re))\b",
    rf"\b(?:{_SOMEONE}|{PERSON}s)\s(?:first\s)?(?:told|called|alerted|warned|rang)\sus\s"
    r"(?:[\w’'-]+\s){0,8}?before\s(?:any|our|the|a single|an?)\s(?:\w+\s)?"
    r"(?:alerts?|monitors?|alarms?|pages?)\b",
    rf"\b{_SOMEONE}\s(?:first\s)?(?:noticed|reported|saw|spotted|discovered)\s{_IT}\s(?:long\s|"
    rf"well\s|"
    r"minutes\s)?before\s(?:any|our|the|an)\s(?:\w+\s)?(?:alerts?|monitors?|alarms?|engineers?|"
    r"of us)\b",
)
"""How people are said to have noticed it first."""

_CUSTOMER = rf"(?:{PERSON}s?|callers?|fans?|shoppers?|customers?|tweets?|complaints?|press|public)"
BY_CUSTOMERS = _ways(
    rf"\b(?:was|were)\s(?:{_THE}\s){{0,3}}{_CUSTOMER}[’']?s?(?:\s{_CALLING})?\s(?:[\w’'-]+\s){{0,8}}?"
    rf"(?:who|that|which)\s(?:first\s)?(?:{_MADE_KNOWN}|told us|raised the alarm|noticed it)",
    rf"\b{_LEARNT}\s(?:first\s)?(?:of|about)\s{_IT}\s(?:first\s|only\s)*(?:from|through|by|via)\s"
    rf"(?:{_THE}\s){{0,3}}{_CUSTOMER}\b",
    rf"\b(?:first\s|initially\s|only\s)(?:detected|discovered|noticed|spotted|reported)\sby\s"
    rf"(?:{_THE}\s){{0,3}}{_CUSTOMER}\b",
)
"""How those outside are said to have noticed it first."""

BY_US = _ways(
    rf"\bwe\s(?:had\s|ourselves\s|already\s)*(?:noticed|saw|knew|caught|spotted|detected)\s"
    rf"(?:{_IT}\s)?(?:[\w’'-]+\s){{0,3}}?before\s(?:any|the first|a single|any of our|an?)\s"
    rf"(?:\w+\s)?{PERSON}s?\b",
)
"""How we are said to have noticed it before those outside."""

BY_MACHINE = _ways(
    r"\b(?:our own|an?|the|our)\s(?:[\w-]+\s){0,2}?(?:alert|alarm|monitor|page)\s(?:had\s"
    r")?(?:already|"
    r"long since)\s(?:been\s)?(?:woken|paged|fired|called|gone off|sounded|rung)\b",
    rf"\b{_MACHINE}\s(?:first\s)?(?:{_MADE_KNOWN}|caught it)(?:\s(?:of|about)\s{_IT})?{_END}",
    rf"\b{_LEARNT}\s(?:of|about)\s{_IT}\s(?:first\s)?(?:from|through|by|via)\s{_MACHINE}",
    rf"\b{_MACHINE}\s(?:first\s|had\s|"
    rf"also\s)?{_SAW}\s(?:up\s)?{_IT}\s(?:[\w-]+\s){{0,3}}?before\s(?:any|"
    rf"the|our|an?|the first|a single)\s{_FOLK}",
    rf"\b{_MACHINE}\s(?:first\s)?(?:detected|caught|spotted|flagged|picked up)\s{_IT}{_END}",
    rf"\b{_MACHINE}\s(?:woke|paged|called|summoned|told|rang|alerted)\s(?:[\w-]+\s){{1,5}}?before\s"
    rf"(?:[\w-]+\s){{0,2}}?{_FOLK}",
    rf"\b(?:was|were)\s{_MACHINE}\s(?:that|which)\s(?:first\s)?(?:told|alerted|woke|paged|"
    rf"warned)\s",
    rf"\b{_MACHINE}\s(?:was|were)\s(?:how|what)\s(?:we\s)?(?:first\s)?(?:found out|learn(?:ed|t)|"
    rf"knew|"
    r"told us|alerted us)",
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
        "User Report": (*BY_MACHINE, *BY_US),
        "Internal Discovery": (*BY_MACHINE, *BY_CUSTOMERS),
    }.get(str(method), ())
    for cell, text in passages(case, plans=True) if ways else ():
        for pattern in ways:
            for match in matches(pattern, text):
                sentence = re.split(r"[.;\n]", text[: match.start()])[-1]
                if not _OPEN.search(sentence) and not AGAIN.search(sentence + match.group()):
                    said = match.group().strip()
                    yield about(case, cell, f"“{said}”, but the detection method is {method}.")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (heard,)
