"""Figures as people write them in a sentence: counts, money, spans of time, clocks with a zone.

Each comes with the precision it is written with: “2 hours” may be two and a half, “127 minutes” may
not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCALED = (
    r"(?:half an?|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|"
    r"forty|fifty|sixty|ninety)(?=\s(?:hundred|thousand|million)\b)"
)
NUMBER = (
    rf"(?P<number>(?<![\d.,])\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|(?<![\d.,])(?<!\d:)\d+(?:\.\d+)?|"
    rf"(?<!of )\b{_SCALED})(?!\d|:\d)\s?"
    r"(?P<scale>(?:k|m|million|thousand|hundred)\b)?"
)
FEW_OF = (
    r"(?P<number>\b(?:a(?=\s(?:hundred|thousand)\b)|no|zero|not one|not a single|one|two|"
    r"three|four|five|six|seven|eight|nine|ten|"
    r"eleven|twelve|twenty|thirty|forty|fifty|sixty|ninety)\b|"
    r"(?<![\d.,])\d{1,3}(?:,\d{3})+|(?<![\d.,])\d+)\s?"
    r"(?P<scale>(?:k|thousand|hundred)\b)?"
)
"""A count of things that may be none or few, in words too: “not one complaint”."""
SHARE = r"(?P<number>(?<![\d.,])\d+(?:\.\d+)?)(?P<scale>)\s?(?P<percent>%|percent\b|per cent\b)"

_ONES = "one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
_TEENS = "thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905

COUNTS: Mapping[str, float] = {
    **dict.fromkeys(("a quarter of an", "quarter of an"), 0.25),
    **dict.fromkeys(("three quarters of an", "three-quarters of an"), 0.75),
    **dict.fromkeys(("a couple of", "couple of"), 2.0),
    "half": 0.5,
    "half an": 0.5,
    "half a": 0.5,
    **dict.fromkeys(("a", "an"), 1.0),
    **{word: float(at) for at, word in enumerate((*_ONES, *_TEENS), 1)},
    **{word: 10.0 * at for at, word in enumerate(_TENS, 2)},
    **{
        f"{ten}{gap}{one}": 10.0 * at + unit
        for at, ten in enumerate(_TENS, 2)
        for unit, one in enumerate(_ONES[:9], 1)
        for gap in "- "
    },
}
"""Numbers that people write out before a unit of time."""

WORDS = (*reversed(_ONES[1:]), *_TEENS, *_TENS)
"""Whole numbers from two on that people write out."""

COUNT = (
    r"(?:(?:a |three[ -])?quarters? of an|(?:a )?couple of|half(?: an?)?|an?|"
    rf"(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_ONES[:9])}))?|{'|'.join(_TEENS)}|"
    rf"{'|'.join(reversed(_ONES))})(?![\w-]*\w\b(?<=[a-z]een)|ty)"
)
"""Any of `COUNTS`."""

_DIGITS = r"\d+(?:\.\d+)?"
_HALF = r"(?:\sand\s(?:a\shalf|a\squarter|three[ -]quarters))?"
_UNIT = (
    r"(?:days?|d|hours?|hrs?|h|minutes?|mins?|min|m|seconds?|secs?|(?<!(?<![\d.])[45]\d\d)s)"
    r"(?![a-z])"
)
"""A unit of time; “503s” are answers of a server."""
_LENGTH = rf"(?:{_DIGITS}{_HALF}[\s-]?|{COUNT}{_HALF}[\s-](?:(?:whole|full|good)\s)?)"
_PART = rf"{_LENGTH}{_UNIT}{_HALF}"
_SECONDS = rf"{_LENGTH}(?:seconds?|secs?|s)(?![a-z])"
SPAN = (
    r"(?P<span>\b(?<!\d,)(?<!half )(?<!quarter of )(?<!quarters of )(?:the better part of\s)?"
    rf"{_PART}(?:(?<!minutes)(?<!minute),?\s?(?:and\s)?{_PART}|,?\s?(?:and\s)?{_SECONDS}){{0,2}})"
)

_PARTS = re.compile(
    rf"(?<![a-z])(?:(?P<digits>{_DIGITS})(?P<half>{_HALF})[\s-]?|"
    rf"(?P<word>{COUNT})(?P<halved>{_HALF})[\s-](?:(?:whole|full|good)\s)?)(?P<unit>{_UNIT})(?P<after>{_HALF})",
    re.IGNORECASE,
)
_SHARES: Mapping[str, float] = {"half": 0.5, "three": 0.75, "quarter": 0.25}
_MINUTES: Mapping[str, float] = {"d": 1440.0, "h": 60.0, "m": 1.0, "s": 1 / 60}

ZONES: Mapping[str, int] = {
    **dict.fromkeys(("UTC", "GMT", "Z"), 0),
    "CET": 1,
    "CEST": 2,
    "BST": 1,
    "EET": 2,
    "EEST": 3,
    "JST": 9,
    "EST": -5,
    "EDT": -4,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
}
"""Zone → its hours from UTC. Names that two zones share (CST, IST) are not read."""

_PAST = {"twenty-five": 25, "twenty five": 25, "half": 30, "quarter": 15, "a quarter": 15}
_PAST |= {"five": 5, "ten": 10, "twenty": 20}
CLOCK = (
    r"(?P<clock>\d{1,2}:\d{2}|\d{1,2}(?=\s?[ap]\.?m\b)|\b(?:noon|midnight)\b|"
    rf"\b(?:{'|'.join(_PAST)})\s(?:past|to)\s(?:{'|'.join(_ONES)})\b)(?::\d{{2}})?"
    r"(?:\s?(?P<half>[ap]\.?m\b\.?))?(?:\s?(?P<zone>UTC|GMT|Z|(?-i:[A-Z]{2,4}T)|Central|Eastern|Mountain|Pacific)\b)?"
)

LOCAL = re.compile(r"\s(?:in\s[A-Z]|(?:[A-Z][a-z]+\s)+[Tt]ime\b|local(?:ly)?\b)")
"""Behind a clock: it is that of a place."""

HEDGE = re.compile(
    r"(?:about|around|roughly|approximately|approx\.?|nearly|almost|some|circa|ca\.|~|≈|over|"
    r"more than|at least|up to|under|less than|just|close to|not far from|the better part of|"
    r"something like|upwards of)\s*\$?$",
    re.IGNORECASE,
)
"""Before a number: it is meant loosely."""
LOOSE = 0.15
"""Share by which a hedged number may differ."""
_AT_LEAST = re.compile(r"(?:over|more than|at least)\s*\$?$", re.IGNORECASE)
_AT_MOST = re.compile(r"(?:under|less than|up to|at most|within)\s*\$?$", re.IGNORECASE)
_BOUND, _FAR = 1.02, 3.0
"""By how much a bound may be missed, and how far off it still says something."""
AN_HOUR = 17.0
"""Minutes that “an hour” may differ, without any word for its being rough."""
CLOSE = 1.0
"""Minutes that a duration to the minute may differ."""

SCALES = {"hundred": 1e2, "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}


def agrees(match: re.Match[str], known: float) -> bool:
    """Return whether a figure of a sentence is the known one, at the precision it is written with.

    The match holds a ``span`` (minutes), or a ``number`` with a ``scale``.
    """
    groups = match.groupdict()
    if groups.get("span"):
        value, step = minutes(groups["span"])
        begin = match.start("span")
    else:
        value, step = amount(groups["number"], groups.get("scale") or "")
        if groups.get("percent"):
            step = 0.5 * 10.0 ** -len(groups["number"].partition(".")[2])
        begin = match.start("number")
    before = match.string[max(0, begin - 20) : begin]
    if _AT_LEAST.search(before):
        return value <= known * _BOUND + CLOSE and known <= value * _FAR
    if _AT_MOST.search(before):
        return known <= max(value * _BOUND, value + min(step, CLOSE))
    loose = HEDGE.search(before)
    return abs(value - known) <= max(step, known * LOOSE if loose else 0)


_ROUNDED = 0.125  # “100,000” is none of 84,000


def amount(digits: str, scale: str) -> tuple[float, float]:
    """Return a number and the rounding it was written with: trailing zeros are loose by half."""
    factor = SCALES.get(scale.lower(), 1.0)
    if not digits[:1].isdigit():
        value = COUNTS.get(digits.lower(), 0.0) * factor
        return value, min(factor / 2, value / 4) if factor > 1 else 0.0
    plain = digits.replace(",", "")
    value = float(plain) * factor
    whole, _, decimals = plain.partition(".")
    zeros = 0 if decimals else len(whole) - len(whole.rstrip("0"))
    step = 0.5 * 10.0 ** (zeros - len(decimals)) * factor
    step = min(step, value * _ROUNDED) if zeros > 1 else step
    return value, step if zeros > 1 or decimals or factor > 1 else 0.0


def minutes(written: str) -> tuple[float, float]:
    """Return a span in minutes and its rounding: whole hours are loose by half an hour."""
    total, finest, exact = 0.0, "d", False
    for part in _PARTS.finditer(written):
        finest, word = part["unit"][0].lower(), (part["word"] or "").lower()
        half = _more(part["half"] or part["halved"] or part["after"])
        exact = bool(half) or "." in part.group() or "half" in word or "quarter" in word
        count = COUNTS[word] if word else float(part["digits"])
        total += (count + half) * _MINUTES[finest]
    if finest in "dh":
        whole = AN_HOUR if total == 60 else _MINUTES[finest] / 2
        if exact and total < 60:
            return total, max(total / 4, CLOSE)
        return total, whole / 5 if exact and "." in written else whole / 2 if exact else whole
    return total, 2.5 if total % 5 == 0 else CLOSE


def apart(match: re.Match[str], moment_minutes: int) -> int | None:
    """Return the minutes between a clock time of a sentence and minutes of the UTC day.

    Around midnight too. ``None`` where the zone is not known, or the clock is none.
    """
    at = clocked(match)
    if at is None:
        return None
    gap = abs(at[0] - moment_minutes) % at[1]
    return min(gap, at[1] - gap)


def _more(words: str | None) -> float:
    """Return what “and a half”, “and three quarters” add."""
    return next((share for word, share in _SHARES.items() if word in (words or "").lower()), 0.0)


def clocked(match: re.Match[str]) -> tuple[int, int] | None:
    """Return the minute of the UTC day of a clock, and after how many it shows the same again."""
    if not match["zone"] and LOCAL.match(match.string, match.end()):
        return None
    hours, minute, turn = _clock(match["clock"].lower())
    half, zone = (match["half"] or "").lower(), match["zone"] or shared(match) or "UTC"
    zone = zone.upper()
    if zone not in ZONES or hours > 23 or minute > 59 or (half and not 1 <= hours <= 12):
        return None
    if half:
        hours, turn = hours % 12 + (12 if half.startswith("p") else 0), 1440
    return (60 * (hours - ZONES[zone]) + minute) % 1440, turn


_SHARED = re.compile(
    r"\s?(?:and|to|until|till|–|-)\s?(?:(?:in|at|the|from)\s)?(?:(?!at\b)[a-z][\w-]+\s)?(?:at\s)?"
    r"\d\d:\d\d\s(?P<zone>[A-Z]{2,4}T|UTC|GMT|Z)\b"
)


def shared(match: re.Match[str]) -> str:
    """Return the zone of a clock without one that stands before another: “07:12 to 09:54 CET”.

    “At 08:38 and in harbour at 08:47 CET” too.
    """
    other = _SHARED.match(match.string, match.end())
    return other["zone"] if other else ""


def _clock(written: str) -> tuple[int, int, int]:
    """Return hours and minutes of a clock, and after how many minutes it shows the same again."""
    if written in {"noon", "midnight"}:
        return 12 * (written == "noon"), 0, 1440
    if written[0].isdigit():
        hours, _, minute = written.partition(":")
        return int(hours), int(minute or 0), 1440
    part, way, hour = written.rsplit(maxsplit=2)
    total = 60 * (_ONES.index(hour) + 1) + _PAST[part] * (1 if way == "past" else -1)
    return total // 60 % 12, total % 60, 720
