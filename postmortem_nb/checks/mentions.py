"""Figures of a text with what each counts: clocks, dates, shares, money, lengths, counts."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import language
from postmortem_nb.checks import events, spoken
from postmortem_nb.checks.dates import MONTHS
from postmortem_nb.checks.reading import TEXTS, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Mention(NamedTuple):
    """A figure: its kind, what it counts, its value, how it is said."""

    kind: str
    noun: str
    value: float
    said: str
    rate: str = ""
    """The unit behind “a” or “per”, of a rate."""


LONGEST = 8_000
"""Characters of a blank that are read."""
MOST = 24
"""Figures of a clause that are read: what has more is a table."""
_DAY = 24 * 60
_SPANS: Mapping[str, float] = {
    **dict.fromkeys(("minute", "min"), 1.0),
    **dict.fromkeys(("hour", "hr"), 60.0),
    "day": 1440.0,
    "week": 7 * 1440.0,
}
_UNIT = (
    r"(?:minutes?|mins?|hours?|hrs?|seconds?|secs?|days?|nights?|weeks?|months?|years?|ms|s|"
    r"[KMGT]i?B|km|rps)\b"
)
_LINKS = (
    r"(?:of|and|or|in|to|at|for|the|from|with|is|was|are|were|on|by|as|while|who|which|that|when|"
    r"before|after|because|until|but|per|a|had|has|have|did|do|does|can|could|would|will|may|might|"
    r"must|should|not|then|now)\b"
)
_PLURAL = rf"(?!{_LINKS})[a-z-]{{3,}}s\b"
_BEFORE = rf"[A-Z][a-z]+\s(?={_PLURAL})|(?!{_LINKS})[a-z][a-z-]+\s(?={_PLURAL})"
_NOUN = rf"(?:{_BEFORE})?(?!{_LINKS})[a-z][a-z-]+"
_MONTH = "|".join(name.title() for name in MONTHS)
_FIGURE = re.compile(
    r"(?<![\w.,:/#-])(?:(?P<clock>(?:[01]\d|2[0-3]):[0-5]\d)(?::[0-5]\d)?(?![\d:])"
    r"(?:\s(?P<zone>[A-Z]{2,4}T|Central|Eastern|Mountain|Pacific)\b)?"
    rf"|(?P<day>\d{{1,2}})\s(?P<month>{_MONTH})[a-z]*\b"
    r"|(?P<money>[$€£])?(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?!0\d)\d+(?:\.\d+)?)"
    r"(?![\w/:]|[.,]\d|-\d)"
    rf"(?:\s?(?P<share>%|percent\b)|[\s-](?P<unit>{_UNIT})|\s(?P<noun>{_NOUN}))?)"
    rf"|\b(?P<of>{_MONTH})[a-z]*\s(?P<on>\d{{1,2}})\b(?![.,:]?\d)"
    rf"|(?i:\b(?P<word>{'|'.join(spoken.WORDS)}))\s(?:(?P<units>{_UNIT})|(?P<things>{_NOUN}))"
)
_ODDS = re.compile(rf"\b(?:one|\d|{'|'.join(spoken.WORDS)})\s(?:in|out of)\s\Z", re.IGNORECASE)
_ODDS_BEFORE = 30
"""Characters before a number that are looked at."""
_PER = re.compile(r"(?:\s\w+)?\s(?:an?|per|every|each)\s(?P<per>[a-z]+)")
_WHOLE = re.compile(
    rf"\sof\s(?:(?:the|our|all|its|their|these|those)\s){{0,2}}(?P<whole>{_NOUN})", re.IGNORECASE
)
"""Behind a share: what it is of."""
_PART = re.compile(
    r"\sof\s(?:(?:the|our|all)\s){0,2}\d[\d,]*\s(?:[a-z-]+\s)?(?P<noun>[a-z]{3,}s)\b"
)
"""Behind a number: it is a part of so many things."""
_ENTRY = re.compile(r"\s[·•|]\s|(?<=[a-z0-9] at \d\d:\d\d),\s(?=[^;]*\sat \d\d:\d\d)")
_YEAR = re.compile(r"(?:19|20)\d\d")


@lru_cache(maxsize=TEXTS)
def read(text: str) -> tuple[Mention, ...]:
    """Return the figures of a text; kept until it is edited."""
    clauses = _clauses(language.mask(text[:LONGEST]))
    return tuple(each for clause in clauses for each in _read(clause))


def _clauses(text: str) -> Iterator[str]:
    """Yield the sentences of a text, and the entries of a list that has them in one line."""
    for sentence in sentences(text):
        yield from _ENTRY.split(sentence)


def _read(clause: str) -> Iterator[Mention]:
    """Yield the figures of a clause."""
    figures = (each for each in _FIGURE.finditer(clause) if not _is_odds(each))
    for match in islice(figures, MOST):
        per = _PER.match(clause, match.end())
        kind, noun, value = _valued(match)
        whole = _PART.match(clause, match.end()) if kind == "count" and not noun else None
        noun = events.stem(whole["noun"]) if whole else noun
        said = match.group() + (whole.group() if whole else "")
        yield Mention(kind, noun, value, said, rate=per["per"] if per else "")


def _is_odds(match: re.Match[str]) -> bool:
    """Return whether a number is the whole of a share in words: “eight in |ten lines”."""
    begin = max(0, match.start() - _ODDS_BEFORE)
    return _ODDS.search(match.string, begin, match.start()) is not None


def _valued(match: re.Match[str]) -> tuple[str, str, float]:
    """Return the kind of a figure, what it counts, its value: of a clock, minutes of the day."""
    if match["clock"]:
        hour, minute = match["clock"].split(":")
        zone = spoken.ZONES.get(match["zone"] or spoken.shared(match) or "UTC")
        at = 60.0 * (int(hour) - (zone or 0)) + int(minute)
        return "clock" if zone is not None else "local", "", at % _DAY
    if match["month"] or match["of"]:
        month = MONTHS[(match["month"] or match["of"]).lower()]
        return "date", "", 31.0 * month + int(match["day"] or match["on"])
    word = match["word"]
    value = spoken.COUNTS[word.lower()] if word else float(match["number"].replace(",", ""))
    return *_counted(match), value * _SPANS.get(_unit(match), 1.0)


def _unit(match: re.Match[str]) -> str:
    unit = match["unit"] or match["units"] or ""
    return unit if unit in {"s", "ms", "rps"} else unit.rstrip("s")


def _counted(match: re.Match[str]) -> tuple[str, str]:
    """Return the kind of a number and, where it counts things, what it counts."""
    unit, noun = _unit(match), match["noun"] or match["things"]
    if match["share"]:
        whole = _WHOLE.match(match.string, match.end())
        return "%", " ".join(map(events.stem, whole["whole"].split())) if whole else ""
    if match["money"]:
        return "$", ""
    if unit:
        return "span" if unit in _SPANS else unit, ""
    if not noun:
        return "year" if _YEAR.fullmatch(match["number"] or "") else "count", ""
    return "count", events.stem(noun.split()[-1])
