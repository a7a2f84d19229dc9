"""Figures of a text with the words around them: clocks, dates, shares, money, lengths, counts."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import language
from postmortem_nb.checks import events, spoken, written
from postmortem_nb.checks.dates import MONTHS
from postmortem_nb.checks.reading import TEXTS, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Mention(NamedTuple):
    """A figure: its kind, what it counts, its value, how it is said, the words around it."""

    kind: str
    noun: str
    value: float
    said: str
    near: Mapping[str, float]
    """Stem → its weight, which fades with the distance from the figure."""
    places: int = 0
    rate: str = ""
    """Of a rate: the unit behind “a” or “per”; of a clock: “end” where something ended then; “most”
    of what is the largest or smallest of all; “by” of a difference."""
    beside: frozenset[float] = frozenset()
    """The figure that stands nearest to it, where one is near."""
    others: frozenset[float] = frozenset()
    """The other figures of its sentence."""
    open: bool = False
    """Whether its sentence may be of another time, of a plan, or give no more than a bound."""


LONGEST = 8_000
"""Characters of a blank that are read."""
MOST = 24
"""Figures of a clause that are read: what has more is a table."""
_BEHIND, _FAR = 30, 40
"""Characters before a figure that are looked at, and words on either side."""
_BESIDE = 24
"""Characters between two figures that tell of one moment."""
_FIGURED = 0.7
"""Weight of another figure of the same clause: it tells of the same moment, or thing."""
_DAY = 24 * 60
_FADE = 4
"""Words from a figure at which a word counts half."""
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
_WORD = re.compile(r"[^\W\d_][\w-]{2,}|\d[\w.:,%-]*")
_PER = re.compile(r"(?:\s\w+)?\s(?:an?|per|every|each)\s(?P<per>[a-z]+)")
_WHOLE = re.compile(
    rf"\sof\s(?:(?:the|our|all|its|their|these|those)\s){{0,2}}(?P<whole>{_NOUN})", re.IGNORECASE
)
"""Behind a share: what it is of."""
_ENTRY = re.compile(r"\s[·•|]\s|(?<=[a-z0-9] at \d\d:\d\d),\s(?=[^;]*\sat \d\d:\d\d)")
_MOST = re.compile(
    r"\b(?:worst|peak\w*|maximum|height|largest|biggest|longest|smallest|shortest|highest|lowest|slowest|fastest|greatest)\b",
    re.IGNORECASE,
)
_ENDED = re.compile(
    r"\b(?:finished|done|completed?|ended|over|stopped|out|through|live)\s(?:\w+\s)?(?:at|by)\s$"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_ELSE = re.compile(
    r"\b(?:would|should|could have|could be|might|may|will|if|had (?:it|we|they)|last year|"
    r"rising|climbing|falling|and (?:growing|counting)|yesterday|"
    r"(?:the |a )?day (?:before|earlier)|"
    r"a year ago|previous\w*|expects?|is expected|goal|planned|test environment|another|other|"
    r"remaining|alone|still|so far|average\w*|mean|median|typical\w*|tolerat\w+|limit\w*|"
    r"accepts?|allows?|permits?|fits?|thresholds?|alerts? (?:at|on|above|below)|"
    r"half of|(?:one|a|two|three)[\s-](?:thirds?|quarters?|fifths?) of)\b"
    r"|\b(?-i:[A-Z]{2,}-\d+)\b",
    re.IGNORECASE,
)
"""In a clause: its figures may be of another time, or of a plan."""
_BOUND = re.compile(
    r"\b(?:close to|not quite|short of|shy of|just past|first|last|instead of|rather than|not|"
    r"never|about|around|roughly|nearly|almost|over|"
    r"more than|less than|under|at least|at most|up to|fewer than|above|below|within|some|every|"
    r"each|more|exceed\w*|beyond)\s(?:the\s|our\s|an?\s|only\s|just\s)?\W?$",
    re.IGNORECASE,
)
"""Before a figure: it is a bound, a part, or denied."""


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
    words = [(each.start(), each.group()) for each in _WORD.finditer(clause)]
    figures = (each for each in _FIGURE.finditer(clause) if not _is_odds(each))
    found = [(match, *_valued(match)) for match in islice(figures, MOST)]
    other = bool(_ELSE.search(clause))
    for match, kind, noun, value in found:
        gaps = [(abs(each.start() - match.start()), v) for each, _, _, v in found]
        rest = sorted(each for each in gaps if each[0])
        per = _PER.match(clause, match.end())
        before = clause[max(0, match.start() - _BEHIND) : match.start()]
        ended = kind == "clock" and _ENDED.search(before)
        most = "most" if _MOST.search(clause) else "by" if before.endswith(" by ") else ""
        yield Mention(
            kind,
            noun,
            value,
            match.group(),
            _near(words, match) | _figures(found, match),
            places=len((match["number"] or "").partition(".")[2]),
            rate="end" if ended else per["per"] if per else most,
            beside=frozenset(v for gap, v in rest[:1] if gap < _BESIDE),
            others=frozenset(v for _, v in rest),
            open=other or bool(_BOUND.search(before) or written.WHOLE_OF.search(before)),
        )


def _is_odds(match: re.Match[str]) -> bool:
    """Return whether a number is the whole of a share in words: “eight in |ten lines”."""
    return _ODDS.search(match.string, max(0, match.start() - _BEHIND), match.start()) is not None


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


def _figures(
    found: Sequence[tuple[re.Match[str], str, str, float]], match: re.Match[str]
) -> dict[str, float]:
    """Return the other figures of a clause as words around one of them."""
    return {f"{kind} {value:g}": _FIGURED for each, kind, _, value in found if each is not match}


def _near(words: Sequence[tuple[int, str]], match: re.Match[str]) -> dict[str, float]:
    """Return the words around a figure, each with a weight that fades with the distance."""
    at = next((n for n, (begin, _) in enumerate(words) if begin >= match.start()), len(words))
    near: dict[str, float] = {}
    first = max(0, at - _FAR)
    for n, (_, word) in enumerate(words[first : at + _FAR], first):
        for stem in () if word[0].isdigit() or word in spoken.ZONES else events.stems(word):
            near[stem] = max(near.get(stem, 0.0), 1 / (1 + abs(n - at) / _FADE))
    return near
