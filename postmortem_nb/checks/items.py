"""Figures of a text that can have a twin, and what each of them is of.

A count and what it counts, a version and its product, a numbered thing, a date, a share of a whole:
what is of the same is compared by `alike`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import language
from postmortem_nb.checks import events, written
from postmortem_nb.checks.claims import PEOPLE
from postmortem_nb.checks.dates import MONTHS
from postmortem_nb.checks.reading import TEXTS, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION = re.compile(
    r"\b(?!(?:at|to|of|by|from|with|than|under|over|was|were|is|are|about|only|and|or|the|"
    r"around|on|in|for|since|after|before|until|still|runs?|ran|not|between|version|v)\s)"
    r"(?P<name>[a-z][\w-]*[a-z])\s(?P<value>v?\d+(?:\.\d+){1,3})(?![\w%.]*[\w%])"
    r"(?!\s?(?:s|ms|%|min|minutes|seconds|hours|GB|MB|KB|times|percent|million|k)\b)",
    re.IGNORECASE,
)
_LARGE = re.compile(r"(?<![\w.,:/$€£#-])(?:\d{1,3}(?:,\d{3})+|\d{3,7})(?![\w%:-]|[.,]\d)")
_SIZED = re.compile(
    rf"\b(?!instead\b)(?P<noun>[a-z]{{4,}})\sof\s(?P<size>{written.NUMERAL})(?![\w%:-]|[.,]\d|"
    r"\s?%|\s"
    r"(?!was\b|is\b|has\b)[a-z]+s\b)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\b(?P<noun>code|status|port|step|shard|partition|node|rack|line|level|tier|zone|signal|"
    r"exit)\s(?P<value>\d{1,5})(?![\w%:-]|[.,]\d)",
    re.IGNORECASE,
)
_MEASURED = re.compile(
    r"(?<![\w.,:/#$€£-])(?P<value>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)\s(?P<unit>[KMGT]i?B|rps|"
    r"req/s|W|kWh|km|"
    r"kg|dB|°C|Mbit/s|Gbit/s)\s(?:each\b|(?:an?|per|every)\s[a-z]{3,}\b)"
)
_NUMBERED = re.compile(
    r"\b(?:(?P<name>[A-Z]{1,5})-?(?P<value>\d{1,5})|(?P<small>[rvb])(?P<number>\d{2,5}))\b(?![.,]\d)"
)
_MONTHS = "|".join(name.title() for name in MONTHS)
_DATE = re.compile(
    rf"\b(?:(?P<day>\d{{1,2}})\s(?P<month>{_MONTHS})[a-z]*|"
    rf"(?P<of>{_MONTHS})[a-z]*\s(?P<on>\d{{1,2}}))"
    r"\b(?![.,]?\d)",
)
_COMMON = frozenset(
    "P S SEV INC Q HTTP UTC GMT TLS IPV H MD SHA UTF ISO CVE GB MB KB TB RFC HTTPS AES EC".split()  # noqa: SIM905
)
"""Letters before a number that name no thing of which there are several."""
_PERCENT = re.compile(
    r"(?<![\w.,])(?P<share>\d+(?:\.\d+)?)\s?(?:%|percent)\sof\s(?:the\s|our\s|their\s|its\s|all\s)*"
    r"(?P<whole>[a-z-]+(?:\s[a-z]+)?)",
    re.IGNORECASE,
)
_WHO = re.compile(PEOPLE, re.IGNORECASE)
_IT = re.compile(r"\b(?:it|them|they|these|this|those)\b", re.IGNORECASE)
_MANY = 20
"""A whole of which a part is told in percent elsewhere."""
_TIMES = re.compile(
    rf"\b(?P<verb>[a-z]{{3,}})\s(?:(?:each|every|the|it)\s(?:[a-z]+\s"
    rf")?)?(?P<count>{written.NUMERAL})\stimes\b",
    re.IGNORECASE,
)
_VALUE = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_CHANGE = re.compile(rf"\bfrom\s(?P<old>{_VALUE})\sto\s(?P<new>{_VALUE})(?![\w:%-]|[.,]\d)")
_UPGRADE = re.compile(
    r"\bfrom\s(?P<old>v?\d+(?:\.\d+){1,3})\sto\s(?P<new>v?\d+(?:\.\d+){1,3})(?![\w%-]|\.\d|"
    r"\s?(?:s|ms|%|seconds|minutes|hours|percent|[KMGT]i?B|times|a\b))"
)
PARTS = re.compile(
    rf"(?<!ne in )(?<!wo in )(?<!\d in )\b(?P<part>{written.NUMERAL})\sof\s(?:the\s|our\s|all\s)*"
    rf"(?P<whole>{written.NUMERAL})\s(?:[a-z-]+\s)?(?P<noun>[a-z]{{3,}}s)\b",
    re.IGNORECASE,
)
_PARTIAL = re.compile(
    r"\b(?:other|another|more|further|additional|remaining|rest|each|every|per|about|first|last|"
    r"of (?:them|these|those|which)|at a time|at once)\b",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r"\b(?:instead of|rather than|not|(?:groups?|batch(?:es)?|sets?|steps?|waves?|lots?) of)\s$",
    re.IGNORECASE,
)
_PORTION = re.compile(
    r"\b(?:half|(?:one|a|two|three)[\s-](?:thirds?|quarters?|fifths?))\sof\b", re.IGNORECASE
)
"""In a sentence: its counts may be those of a part."""
ELSEWHEN = re.compile(
    r"\b(?:would|should|could(?=\s(?:have|be)\b)|might|may|will|if|had (?:it|we|they)|last "
    r"year|a year ago|years?|(?:the |a )?day (?:before|earlier)|yesterday|"
    r"in (?:the )?(?:spring|summer|autumn|winter)|in (?:January|February|March|April|May|June|"
    r"July|August|September|October|November|December)|until 20\d\d|20\d\d|previous\w*|earlier|"
    r"expects?|is expected|goal|worst (?:minute|hour)|at its (?:worst|peak|height)|"
    r"normal\w*|usual\w*|today|next|planned|test environment|since)\b"
    r"|\b(?-i:[A-Z]{2,}-\d+)\b",
    re.IGNORECASE,
)
"""In a sentence: its figures may be of another time, of another incident, or of a plan."""
_PLAIN_NOUNS = frozenset(
    "minutes hours seconds days weeks months years times things ways steps points".split()  # noqa: SIM905
)
_BEFORE = 24
LONGEST = 8_000
"""Characters of a blank that are read."""


class Item(NamedTuple):
    """A figure: what it is of, its value, the words around it."""

    head: str
    low: float
    high: float
    stems: frozenset[str]
    said: str
    fact: bool


@lru_cache(maxsize=TEXTS)
def read_items(text: str) -> tuple[Item, ...]:
    """Return the figures of a text that can have a twin; kept until it is edited."""
    if not re.search(r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten)\b", text):
        return ()
    found: list[Item] = []
    before: frozenset[str] = frozenset()
    for sentence in sentences(language.mask(text[:LONGEST])):
        fact = not ELSEWHEN.search(sentence) and not _PORTION.search(sentence)
        words = events.stems(sentence)
        found += _portions(sentence, words | before if _IT.search(sentence) else words, fact=fact)
        before = words
        found += _counts(sentence, words, fact=fact)
        found += _sized(sentence, words, fact=fact)
        found += _numbered(sentence, words, fact=fact)
        found += _changed(sentence, words, fact=fact)
    return tuple(found)


def _portions(sentence: str, words: frozenset[str], *, fact: bool) -> Iterator[Item]:
    """Yield the parts of a whole as percentages; “it” and “them” are of the sentence before."""
    for match in PARTS.finditer(sentence):
        part, whole = (written.numeral(match[side]) for side in ("part", "whole"))
        noun = events.stem(match["noun"].lower())
        if whole > _MANY and part < whole:
            share = 100 * part / whole
            yield Item(
                f"% {noun}", share - 0.6, share + 0.6, words - {noun}, match.group(), fact=fact
            )


def _sized(sentence: str, words: frozenset[str], *, fact: bool) -> Iterator[Item]:
    """Yield the sizes, shares and repeats that a sentence gives to what it names."""
    for match in _SIZED.finditer(sentence):
        noun = events.stem(match["noun"].lower())
        value = written.numeral(match["size"])
        yield item(f"size {noun}", value, words - {noun}, match.group(), fact=fact)
    for match in _PERCENT.finditer(sentence):
        if not _WHO.search(match["whole"]):
            noun = max(events.stems(match["whole"]), default="")
            value = float(match["share"])
            if not noun:
                continue
            yield item(f"% {noun}", value, words - {noun}, match.group(), fact=fact)
    for match in _TIMES.finditer(sentence):
        head = f"x {events.stem(match['verb'].lower())}"
        value = written.numeral(match["count"])
        yield item(head, value, words, match.group(), fact=fact)


def _numbered(sentence: str, words: frozenset[str], *, fact: bool) -> Iterator[Item]:
    """Yield the numbers by which a sentence names things: versions, codes, ids, dates."""
    for match in _VERSION.finditer(sentence):
        name = match["name"].lower().rpartition("-")[2]
        yield item(f"v {name}", _ordinal(match["value"]), words, match.group(), fact=fact)
    for match in _CODE.finditer(sentence):
        noun = events.stem(match["noun"].lower())
        value = float(match["value"])
        yield item(f"code {noun}", value, words - {noun}, match.group(), fact=True)
    for match in _MEASURED.finditer(sentence):
        value = float(match["value"].replace(",", ""))
        yield item(f"u {match['unit']}", value, words, match.group(), fact=fact)
    for match in _NUMBERED.finditer(sentence):
        name, number = match["name"] or match["small"], match["value"] or match["number"]
        if name not in _COMMON:
            own = frozenset({events.stem(match.group().lower())})
            head, value = f"id {name}", float(number)
            yield item(head, value, words - own, match.group(), fact=fact)
    for match in _DATE.finditer(sentence):
        month = MONTHS[(match["month"] or match["of"]).lower()] - 1
        day = 31.0 * month + int(match["day"] or match["on"])
        near = events.stems(sentence[max(0, match.start() - 90) : match.end() + 60])
        yield item("date", day, near - events.stems(match.group()), match.group(), fact=True)


def _changed(sentence: str, words: frozenset[str], *, fact: bool) -> Iterator[Item]:
    """Yield the large bare numbers of a sentence, and what it tells to have become another."""
    for match in _LARGE.finditer(sentence):
        value = float(match.group().replace(",", ""))
        before = sentence[max(0, match.start() - _BEFORE) : match.start()]
        low, high = written.bounds(value, 0.0, before, fine=True)
        yield Item("#", low, high, words, match.group(), fact=fact)
    for match in _UPGRADE.finditer(sentence):
        if max(match[side].count(".") for side in ("old", "new")) > 1:
            old, new = (_ordinal(match[side]) for side in ("old", "new"))
            yield item(f"from v{old:g}", new, words, match.group(), fact=fact)
            yield item(f"to v{new:g}", old, words, match.group(), fact=fact)
    for match in _CHANGE.finditer(sentence):
        old, new = (float(match[side].replace(",", "")) for side in ("old", "new"))
        yield item(f"from {old:g}", new, words, match.group(), fact=fact)
        yield item(f"to {new:g}", old, words, match.group(), fact=fact)


def _counts(sentence: str, words: frozenset[str], *, fact: bool) -> Iterator[Item]:
    """Yield the things that a sentence counts, and the parts of them."""
    parts = list(PARTS.finditer(sentence))
    for match in parts:
        part, whole = (written.numeral(match[side]) for side in ("part", "whole"))
        noun = events.stem(match["noun"].lower())
        said = match.group()
        if _PARTIAL.search(sentence[max(0, match.start() - 16) : match.start()]):
            continue
        yield item(f"of {whole:g} {noun}", part, words, said, fact=fact)
    for figure in written.figures(sentence):
        if figure.kind != "count" or any(
            each.start() < figure.end and figure.begin < each.end() for each in parts
        ):
            continue
        near = sentence[max(0, figure.begin - 16) : figure.end + 10]
        before = sentence[max(0, figure.begin - written.NEAR) : figure.begin]
        instead = _INSTEAD.search(before) or written.WHOLE_OF.search(before)
        if figure.noun in _PLAIN_NOUNS or instead or _PARTIAL.search(near):
            continue
        noun = events.stem(figure.noun)
        said = sentence[figure.begin : figure.end]
        yield Item(noun, figure.low, figure.high, words - {noun}, said, fact)


def item(head: str, value: float, words: frozenset[str], said: str, *, fact: bool) -> Item:
    """Return a figure with one value."""
    return Item(head, value, value, words - events.stems(head), said, fact)


def _ordinal(version: str) -> float:
    """Return a number that two versions share only where they are the same."""
    parts = [int(each) for each in version.lstrip("vV").split(".")]
    return float(sum(part * 1000.0 ** (3 - at) for at, part in enumerate(parts)))
