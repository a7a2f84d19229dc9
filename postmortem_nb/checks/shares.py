"""Shares in words: “every third customer”, “one merchant in ten”, “half of the error budget”."""

from __future__ import annotations

import re

from postmortem_nb.checks.claims import HIT, PEOPLE, PERSON
from postmortem_nb.checks.late import late

PARTS: tuple[tuple[str, float, float], ...] = (
    (r"(?<!nearly )(?<!almost )(?<!not )(?:all|every|the (?:whole|entire))", 99.5, 100.0),
    (r"(?:most|the majority)", 50.0, 100.0),
    (r"(?:half|every (?:second|other))", 40.0, 60.0),
    (r"(?:(?:a|one)|every) third", 25.0, 42.0),
    (r"two thirds", 58.0, 75.0),
    (r"(?:a|one) quarter", 18.0, 32.0),
    (r"three quarters", 65.0, 85.0),
    (r"(?:a|one) fifth", 14.0, 26.0),
    (r"two fifths", 34.0, 46.0),
    (r"three fifths", 54.0, 66.0),
    (r"four fifths", 74.0, 86.0),
    (r"(?:a|one) tenth", 6.0, 15.0),
)


def _words(*ways: str) -> tuple[tuple[re.Pattern[str], float, float], ...]:
    """Return the shares in words, each before what they may be of."""
    return tuple(
        (late(way.replace("{}", words), re.IGNORECASE), low, high)
        for way in ways
        for words, low, high in PARTS
    )


_OF_THEM = (
    r"(?:of\s)?(?:all\s)?(?:of\s)?(?:our\s|the\s)?(?:\d[\d,]+\s)?(?:active\s)?"
    rf"(?:{PEOPLE}|{PERSON})\b"
)
WORDS = (
    *_words(rf"\b{{}}\s{_OF_THEM}\s(?:were\s|was\s)?{HIT}"),
    *_words(
        r"\b(?:failed|failing|broken?|down|unavailable|unusable|offline|unreachable)\s(?:\w+\s)?"
        rf"(?:for|to)\s{{}}\s{_OF_THEM}(?!\s(?:who|whose|that|in|with|on|from)\b)"
    ),
    (
        re.compile(
            r"\b(?:failed|failing|broken?|down|unavailable|unusable|offline|"
            r"unreachable)\s(?:\w+\s)?"
            r"(?:for|to)\severy(?:body|one)\b(?!\s(?:who|whose|that|in|with|on|from)\b)",
            re.IGNORECASE,
        ),
        99.5,
        100.0,
    ),
    (
        re.compile(
            rf"\b(?:nobody|no one|(?<!not )no (?:{PEOPLE}|{PERSON})|"
            rf"none of (?:our|the)\s(?:[\d,]+\s)?(?:\w+\s)?{PEOPLE})\s(?:was\s|were\s)?"
            r"(?:affected|impacted|hit|harmed)\b"
            r"(?!\s(?:in|on|from|by|outside|with|the|an?|until|before|for)\b)",
            re.IGNORECASE,
        ),
        0.0,
        0.0,
    ),
)
"""A share of the users in words → the percent it can mean."""

_SMALL = "one two three four five six seven eight nine ten twenty fifty hundred".split()  # noqa: SIM905
_ODDS = rf"(?:{'|'.join(_SMALL)}|\d{{1,3}})"
ONE_IN = re.compile(
    rf"\b(?P<part>{_ODDS})\s(?:(?P<who>{PERSON}|{PEOPLE})\s)?(?:in|out of)\s(?:every\s)?"
    rf"(?P<whole>{_ODDS})(?!-)(?:\s(?:of\s)?(?:our\s|the\s)?(?P<whom>{PEOPLE}))?"
    r"(?!\s(?:who|whose|that|in|with|on|from|of|\w*seconds?|minutes|hours|days)\b)",
    re.IGNORECASE,
)
"""Odds of being hit: “one merchant in ten”, “two in five users”."""


def odds(match: re.Match[str]) -> tuple[float, float] | None:
    """Return the percents that odds in words can mean; None where they are of no people."""
    part, whole = (_odd(match[name]) for name in ("part", "whole"))
    if not (match["who"] or match["whom"]) or not 0 < part < whole:
        return None
    return 100 * part / (whole + 0.75), min(100.0, 100 * part / (whole - 0.75))


def _odd(written: str) -> int:
    values = dict(zip(_SMALL, (*range(1, 11), 20, 50, 100), strict=True))
    return values.get(written.lower(), 0) or int(written)


SPENT = _words(
    r"\b(?:consumed|burn(?:ed|t)|used(?:\sup)?|ate(?:\sup)?|spent|cost(?:\sus)?|took)\s"
    r"(?P<hedge>about\s|nearly\s|almost\s|some\s|over\s|more than\s|well over\s|less than\s|"
    r"under\s)?{}\s(?:of\s)?(?:all\s|our\s|the\s|its\s)*(?:[\w’'-]+\s){0,3}?budget"
)
"""A share of the error budget in words → the percent it can mean."""
LEFT = _words(
    r"\bbudget\s(?:is\s|was\s)?(?:left|remaining):?\s(?:is\s|was\s)?(?:just\s|only\s|about\s)*{}\b",
    r"(?<!than )\b{}\sof\s(?:all\s|our\s|the\s|its\s|this\s)*(?:[\w’'-]+\s){0,2}?budget\s"
    r"(?:is|was|are|remain\w*|still)\s?(?:still\s)?(?:left|remain\w*|intact|unspent)\b",
)
"""The same of what is left of it."""
