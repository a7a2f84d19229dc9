"""Figures of a text, whatever they are of: clocks, lengths, shares, money, counts.

Each comes with the bounds between which what it means may lie, as it is written: “about 40
minutes”, “more than a third”, “fifty thousand”.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import spoken
from postmortem_nb.checks.reading import TEXTS
from postmortem_nb.checks.spoken import CLOCK, COUNT, SPAN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Figure(NamedTuple):
    """A figure of a text: what it is, where it stands, and what it may mean."""

    kind: str
    low: float
    high: float
    begin: int
    end: int
    noun: str = ""
    match: re.Match[str] | None = None


_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SCALE = r"(?:\s?(?P<scale>k|million|thousand|hundred)\b)?"
_NOT_IN = r"(?<![\w.,:/#-])"
_SMALL = {
    word: float(at)
    for at, word in enumerate("one two three four five six seven eight nine ten".split(), 1)  # noqa: SIM905
} | {**{word: spoken.COUNTS[word] for word in spoken.WORDS if "-" not in word}, "a hundred": 100.0}
_SMALL |= {"hundred": 100.0}
_ODD = rf"(?:{'|'.join(sorted(_SMALL, key=len, reverse=True))}|\d{{1,4}})"
FRACTIONS: Mapping[str, tuple[float, float]] = {
    "half": (40, 60),
    "a third": (26, 41),
    "one third": (26, 41),
    "two thirds": (58, 75),
    "two-thirds": (58, 75),
    "a quarter": (18, 32),
    "one quarter": (18, 32),
    "three quarters": (66, 84),
    "three-quarters": (66, 84),
    "a fifth": (14, 26),
    "one fifth": (14, 26),
    "two fifths": (34, 46),
    "three fifths": (54, 66),
    "a sixth": (13, 20),
    "an eighth": (10, 15),
    "a tenth": (7, 14),
    "one tenth": (7, 14),
    "nine tenths": (85, 95),
    "four fifths": (74, 86),
    "a twentieth": (4, 7),
}
"""A share in words → the percent between which it can be."""
_SHARP = 0.6  # what is left of the width of a fraction: “three quarters” is not two thirds

NUMERAL = rf"(?:{'|'.join(spoken.WORDS)}|\d{{1,3}}(?:,\d{{3}})+|\d+)"
"""A whole number, in digits or in a word."""

_MONEY = re.compile(
    rf"(?:[$€£]\s?(?P<number>{_DIGITS}){_SCALE}(?P<m>m\b)?"
    rf"|{_NOT_IN}(?P<said>{_DIGITS}|{COUNT}){_SCALE.replace('scale', 'many')}\s?"
    r"(?:dollars|euros|pounds|USD|EUR|GBP)\b)",
    re.IGNORECASE,
)
_SHARE = re.compile(
    rf"{_NOT_IN}(?P<number>\d+(?:\.\d+)?)\s?(?:%|percent\b|per cent\b)"
    rf"|\b(?P<fraction>{'|'.join(sorted(FRACTIONS, key=len, reverse=True))})(?=\s(?:of|the|"
    r"our|all|at|are|were|is|was|failed)\b)"
    rf"|{_NOT_IN}\b(?P<part>{_ODD})\s(?:of\s)?(?:(?!{_ODD}\b)[a-z]+\s){{0,2}}?(?:in|out of)\s"
    rf"(?:every\s)?(?P<all>{_ODD})"
    r"(?![\w:%-]|[.,]\d)(?!\s(?:minutes|seconds|hours|days|weeks)\b)"
    rf"|\bevery\s(?P<nth>second|other|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|"
    r"twelfth|fifteenth|twentieth)\b",
    re.IGNORECASE,
)
_NTH = {"second": 50.0, "other": 50.0, "third": 33.3, "fourth": 25.0, "fifth": 20.0}
_NTH |= {"ninth": 11.1, "eleventh": 9.1, "twelfth": 8.3, "fifteenth": 6.7}
_NTH |= {"sixth": 16.7, "seventh": 14.3, "eighth": 12.5, "tenth": 10.0, "twentieth": 5.0}
_CLOCK = re.compile(CLOCK, re.IGNORECASE)
_SPAN = re.compile(SPAN, re.IGNORECASE)
_COUNT = re.compile(
    rf"{_NOT_IN}(?P<number>{_DIGITS}|\b(?:(?:a|two|three)\sdozen|{COUNT}))(?!\s?[%\d])(?![.,:/]\d)"
    rf"(?![\w-])(?P<of>\sof\s(?:the|our|these|those|them|its|all)\b)?{_SCALE}"
    r"\s(?P<adjectives>(?:(?!(?:of|and|or|in|to|at|for|from|with|the)\b)[a-z][\w-]+\s){0,2}?)(?P<noun>[a-z]{3,}(?:s|people|staff))\b",
    re.IGNORECASE,
)

_ROUGH: Mapping[str, tuple[float, float]] = {
    "several dozen": (24, 120),
    "a few dozen": (24, 80),
    "dozens of": (20, 200),
    "several hundred": (200, 1_000),
    "a few hundred": (150, 700),
    "hundreds of": (150, 2_000),
    "several thousand": (2_000, 10_000),
    "a few thousand": (1_500, 7_000),
    "thousands of": (1_500, 20_000),
    "tens of thousands of": (15_000, 200_000),
    "hundreds of thousands of": (150_000, 2_000_000),
    "millions of": (1_500_000, 20_000_000),
}
"""A number told by its size alone → between what it can be."""
_SIZED = re.compile(
    rf"\b(?P<size>(?<!tens of )(?<!hundreds of )"
    rf"(?:{'|'.join(sorted(_ROUGH, key=len, reverse=True))}))"
    r"\s(?:(?:our|the|its|these|those)\s)?(?:(?!(?:of|and|or|in|to|at|for|from|with|the)\b)"
    r"[a-z][\w-]+\s){0,2}?(?P<noun>[a-z]{3,}(?:s|people|staff))\b",
    re.IGNORECASE,
)

MAY = re.compile(
    rf"\d|\b(?:{'|'.join(spoken.WORDS)}|half|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|"
    r"eleventh|twelfth|fifteenth|twentieth|every (?:second|other)|quarter|hour|"
    r"dozen|dozens|tens|hundreds?|thousands?|millions)\b",
    re.IGNORECASE,
)
"""What a text holds where it may hold a figure."""

_MORE = re.compile(
    r"(?:over|more than|at least|above|upwards of|no fewer than|no less than|beyond|just past)"
    r"\s(?:the\s|an?\s)?\W?$",
    re.IGNORECASE,
)
_LESS = re.compile(
    r"(?:under|less than|fewer than|at most|up to|below|no more than|not even|within)"
    r"\s(?:the\s|an?\s)?\W?$",
    re.IGNORECASE,
)
_ALMOST = re.compile(
    r"(?:almost|nearly|close to|just short of|just shy of|not quite|short of|shy of)"
    r"\s(?:the\s|an?\s)?\W?$",
    re.IGNORECASE,
)
_WIDE, _LOOSE = 1.6, 0.2
_FINE = 0.5
"""Share of its looseness that is left to a number of two digits or more: “about 4,300”."""
NEAR = 60
"""Characters before a figure that are looked at."""
WHOLE_OF = re.compile(
    rf"(?:%|\b(?:{NUMERAL}|quarter|third|half|fifth|eighth|tenth|quarters|thirds|fifths|hundred|thousand|none|all|most|"
    r"some|part|percent))\s(?:out\s)?of\s(?:(?:all|our|the|its|their|some|about|those)\s){0,2}$",
    re.IGNORECASE,
)
"""Before a figure: it is the whole of which the words before tell a part."""


LABEL = re.compile(
    r"\b(?!(?:in|of|to|from|at|for|with|and|or|were|was|are|is|had|has|have|saw|took|lost|by|only|some|"
    r"about|all|than|after|then|other|wrote|failed|came|got|counted|the|but|just|nearly|almost|over|"
    r"under|on|another|last|first|exactly|still|alone|now|also|against|while|until|before|rest|being|"
    r"around|roughly|made|gave|showed|logged|holds?|carried|threw|raised|kept|left|as|that|which|"
    r"altogether|together|total|these|those)\b)[a-z]{3,}\s$"
)
"""Before a short number: it is the name of one of many."""
_CODE = re.compile(
    r"\sof\s(?:(?:new|old|the|our|generated)\s)?(?:code|configuration|config|text|script|shell|bash|Lua|"
    r"Python|Go|Java|JavaScript|TypeScript|Kotlin|Rust|Ruby|PHP|SQL|YAML|JSON|Terraform|Helm|diff)\b",
    re.IGNORECASE,
)
"""Behind a number of lines: they are none of logs."""
_PATCH = re.compile(
    r"\b(?:diffs?|patch(?:es)?|commits?|pull requests?|changesets?)\b", re.IGNORECASE
)
"""Before one: the same."""


def is_code(sentence: str, figure: Figure) -> bool:
    """Return whether a number of lines is one of code: of a program, or of a change of it."""
    lines = "line" in sentence[figure.begin : figure.end]
    before = lines and _PATCH.search(sentence, 0, figure.begin)
    return bool(before or _CODE.match(sentence, figure.end))


@lru_cache(maxsize=TEXTS)
def figures(text: str) -> tuple[Figure, ...]:
    """Return the figures of a text, in order, none within another; kept until it is edited."""
    taken: list[Figure] = []
    for found in (
        _money(text),
        _shares(text),
        _clocks(text),
        _spans(text),
        _sized(text),
        _counts(text),
    ):
        for each in found:
            if not any(each.begin < other.end and other.begin < each.end for other in taken):
                taken.append(each)
    return tuple(sorted(taken, key=lambda each: each.begin))


def numeral(said: str) -> float:
    """Return the number that a `NUMERAL` means."""
    return spoken.COUNTS.get(said.lower()) or float(said.replace(",", ""))


def sharp(each: Figure) -> Figure:
    """Return a fraction in words, without a hedge, with bounds that keep it from the next one."""
    middle, half = (each.low + each.high) / 2, _SHARP * (each.high - each.low) / 2
    plain = each.kind == "share" and (each.low, each.high) in FRACTIONS.values()
    return each._replace(low=middle - half, high=middle + half) if plain else each


def _money(text: str) -> Iterator[Figure]:
    for match in _MONEY.finditer(text) if _holds(text, "$", "€", "£", "dollar", "euro") else ():
        number = match["number"] or match["said"]
        scale = match["scale"] or match["many"] or match["m"] or ""
        value, step = spoken.amount(number.lower(), scale)
        yield _figure("money", value, step, match)


def _holds(text: str, *marks: str) -> bool:
    lowered = text.lower()
    return any(mark in lowered for mark in marks)


def _shares(text: str) -> Iterator[Figure]:
    for match in _SHARE.finditer(text):
        if match["number"]:
            digits = match["number"]
            step = 0.5 * 10.0 ** -len(digits.partition(".")[2])
            yield _figure("share", float(digits), max(step, 0.06), match)
        elif match["fraction"]:
            low, high = FRACTIONS[match["fraction"].lower()]
            yield _figure("share", (low + high) / 2, (high - low) / 2, match)
        elif match["nth"]:
            yield _figure("share", (nth := _NTH[match["nth"].lower()]), min(7.0, nth / 4), match)
        else:
            part, whole = _odd(match["part"]), _odd(match["all"])
            if 0 < part < whole:
                share, near = 100 * part / whole, min(9.0, max(5.0, 35 / whole))
                low, high = 100 * part / (whole + 0.75), 100 * part / (whole - 0.75)
                if part > 1:
                    low, high = max(low, share - near), min(high, share + near)
                yield _figure("share", (low + high) / 2, (high - low) / 2, match)


def _odd(written: str) -> float:
    return _SMALL.get(written.lower()) or float(written)


def _clocks(text: str) -> Iterator[Figure]:
    for match in _CLOCK.finditer(text):
        at = spoken.clocked(match)
        if at and not spoken.LOCAL.match(text, match.end()):
            yield Figure("clock", at[0], at[0], match.start(), match.end(), match=match)


def _spans(text: str) -> Iterator[Figure]:
    for match in _SPAN.finditer(text):
        value, step = spoken.minutes(match["span"].lower())
        if value >= 1:
            yield _figure("span", value, step, match)


def _counts(text: str) -> Iterator[Figure]:
    for match in _COUNT.finditer(text):
        word = match["number"].lower()
        if word in {"a", "an", "half", "one"} and not match["scale"]:
            continue
        if word.endswith("dozen"):
            dozens = spoken.COUNTS[word.split()[0]]
            value, step = 12 * dozens, 2 * dozens
        elif word[0].isdigit() or match["scale"]:
            value, step = spoken.amount(word, match["scale"] or "")
        else:
            value, step = spoken.COUNTS.get(word, 0.0), 0.0
        if value > 1:
            kind = "part" if match["of"] else "count"
            yield _figure(kind, value, step, match)._replace(noun=match["noun"].lower())


def _sized(text: str) -> Iterator[Figure]:
    for match in _SIZED.finditer(text):
        low, high = _ROUGH[match["size"].lower()]
        yield Figure("count", low, high, *match.span(), match["noun"].lower(), match)


def _figure(kind: str, value: float, step: float, match: re.Match[str]) -> Figure:
    """Return a figure with the bounds that the words before it leave."""
    before = match.string[max(0, match.start() - 24) : match.start()]
    fine = kind in {"count", "money"}
    low, high = bounds(value, step, before, fine=fine)
    return Figure(kind, low, high, match.start(), match.end(), match=match)


def bounds(value: float, step: float, before: str, *, fine: bool) -> tuple[float, float]:
    """Return between what a number may lie by the words before it; ``step``: its own rounding.

    ``fine``: one of two digits or more before its zeros is told more exactly.
    """
    low, high = value - step, value + step
    loose = _LOOSE * (_FINE if fine and len(f"{value:.0f}".rstrip("0")) > 1 else 1.0)
    if _MORE.search(before):
        low, high = value * 0.99, value * _WIDE
    elif (bound := _LESS.search(before)) or _ALMOST.search(before):
        low = value / _WIDE if bound else min(low, value * (1 - loose))
        high = max(value * 1.01, high if step < value / 50 else value * 1.02)
    elif spoken.HEDGE.search(before) or re.search(r"\bsome\s$", before):
        low, high = min(low, value * (1 - loose)), max(high, value * (1 + loose))
    return low, high
