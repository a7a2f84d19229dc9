"""Numbers and days that are written out, in digits: “four hundred and ten” is 410.

Every rule that reads figures reads them so; what a single word says (“forty”, “two thousand”) they
know themselves.
"""

from __future__ import annotations

import re
from functools import lru_cache

from postmortem_nb.checks.late import late
from postmortem_nb.checks.spoken import COUNTS

_ONES = "one two three four five six seven eight nine".split()  # noqa: SIM905
_TEENS = (
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_SCALES = frozenset({"hundred", "thousand"})

_SMALL = (
    rf"(?:(?:{'|'.join(_TENS)})(?:[-\s](?:{'|'.join(_ONES)}))?|{'|'.join(reversed(_TEENS))}|"
    rf"{'|'.join(_ONES)})"
)
_LAST = rf"(?:\s(?:and\s)?{_SMALL}(?!\s(?:hundred|thousand|million)\b))?"
_HUNDREDS = rf"(?:an?|{_SMALL})\shundred{_LAST}"
_WHOLE = late(
    rf"\b(?:(?:{_HUNDREDS}|an?|{_SMALL})\sthousand(?:\s(?:and\s)?{_HUNDREDS}|{_LAST})|{_HUNDREDS}|"
    rf"(?:{'|'.join(_TENS)})[-\s](?:{'|'.join(_ONES)}))\b(?!\s(?:past|to|million|billion)\b|-?th\b|-[a-z]+(?:st|nd|rd|th)\b)",
    re.IGNORECASE,
)
_QUARTERS = late(
    rf"\b(?P<whole>{_SMALL}|\d+)\sand\s(?P<part>a\squarter|three[-\s]quarters?)(?=\s(?:hours|minutes|"
    r"days)\b)",
    re.IGNORECASE,
)
_AN_HOUR = late(r"\b(?:an|one) hour and a quarter\b", re.IGNORECASE)
_ORDINALS = (
    *(
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
    ),
    *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
    *("eighteenth", "nineteenth", "twentieth"),
)
_DAYS = {word: at for at, word in enumerate(_ORDINALS, 1)} | {"thirtieth": 30}
_DAYS |= {f"twenty-{word}": 20 + at for at, word in enumerate(_ORDINALS[:9], 1)}
_DAYS |= {"thirty-first": 31}
_DAY = late(
    rf"\b(?:the\s)?(?P<day>{'|'.join(sorted(_DAYS, key=len, reverse=True))})\sof\s(?P<month>"
    r"(?:Jan|Febr)uary|March|April|May|June|July|August|(?:Septem|Octo|Novem|Decem)ber)\b",
    re.IGNORECASE,
)
_PERCENT = late(rf"\b{_SMALL}(?=\sper\s?cent\b)", re.IGNORECASE)
_MAY = re.compile(
    rf"\b(?:{'|'.join(_TENS)})\b|hundred|thousand|per\s?cent|\squarters?\b|\sof\s[A-Z]",
    re.IGNORECASE,
)
_LONGEST = 8_000
"""Characters of a text in which numbers are looked for."""


@lru_cache(maxsize=2048)
def in_digits(text: str) -> str:
    """Return a text with its compound numbers, its percents and its days of a month in digits."""
    if len(text) > _LONGEST or not _MAY.search(text):
        return text
    text = _AN_HOUR.sub(r"1.25 hours", _QUARTERS.sub(_quarters, text))
    return _DAY.sub(_day, _PERCENT.sub(_number, _WHOLE.sub(_number, text)))


def _day(match: re.Match[str]) -> str:
    return f"{_DAYS[match['day'].lower()]} {match['month']}"


def _quarters(match: re.Match[str]) -> str:
    whole = match["whole"].lower()
    number = int(whole) if whole.isdigit() else int(COUNTS[whole])
    return f"{number}.{25 if match['part'].lower().startswith('a') else 75}"


def _number(match: re.Match[str]) -> str:
    """Return the digits; a round number as it is: it is meant roughly."""
    words = [each for each in re.split(r"[-\s]", match.group().lower()) if each != "and"]
    if len(words) == 2 and words[1] in _SCALES:
        return match.group()
    total = part = 0
    for word in words:
        if word == "hundred":
            part *= 100
        elif word == "thousand":
            total, part = part * 1_000, 0
        else:
            part += int(COUNTS[word])
    return f"{total + part:,}"
