"""Arithmetic within one sentence: sums, ratios of two figures, one moment in two zones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import spoken, written
from postmortem_nb.checks.dates import WEEKDAYS
from postmortem_nb.checks.reading import about, matches, passages, sentences
from postmortem_nb.checks.spoken import CLOCK, COUNTS, SPAN
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding

_COUNT = r"(?<![\w.,:$€£/-])(?:\d{1,3}(?:,\d{3})+|\d+)(?![\w.:%/-]|,\d)"
_NEARLY = 0.15
"""By how much of it a sum may be off and still be meant as the sum."""
_OUR = r"(?:the\s|our\s|all\s|those\s){0,2}"
_PERCENT = r"(?P<share>\d{1,2}(?:\.\d+)?)\s?(?:%|percent)"
_PARTS = (
    re.compile(
        rf"(?P<part>{_COUNT})(?:\s[a-z-]+){{1,5}}(?:,(?:\sor|\sthat\sis)?\s|\s\(|\s[–—]\s)"
        rf"{_PERCENT}\sof\s{_OUR}(?P<whole>{_COUNT})"
    ),
    re.compile(
        rf"(?P<part>{_COUNT})\s(?:out\s)?of\s{_OUR}(?P<whole>{_COUNT})(?:\s[a-z-]+){{1,3}}"
        rf"(?:,(?:\sor|\sthat\sis)?\s|\s\()(?:about\s)?{_PERCENT}"
    ),
)
"""A part, its whole and the percentage that it is."""
_ROUNDED = 0.04
"""By how much of itself a percentage of rounded counts may be off."""

_FRACTION = "|".join(sorted(written.FRACTIONS, key=len, reverse=True))
_PORTION = re.compile(
    rf"(?P<part>{_COUNT})(?:\s[a-z-]+){{1,5}}(?:,(?:\sor|\sthat\sis)?\s|\s\(|\s[–—]\s)"
    rf"(?:about\s|almost\s|nearly\s|over\s)?(?P<share>{_FRACTION})\sof\s{_OUR}(?P<whole>{_COUNT})",
    re.IGNORECASE,
)
"""The same with a fraction in words."""
_NAMED = rf"(?:the\s)?(?:{'|'.join(WEEKDAYS)})"
_WEEKDAYS = re.compile(
    rf"\b(?P<count>{written.NUMERAL})\sdays?\b[^.;]{{0,20}}\bfrom\s(?P<first>{_NAMED})"
    rf"\s(?:to|until|till|through)\s(?P<last>{_NAMED})\b",
    re.IGNORECASE,
)

_OTHERS = re.compile(
    rf"(?P<part>{_COUNT})\s(?:out\s)?of\s{_OUR}(?P<whole>{_COUNT})\s(?P<noun>[a-z]+)[^;\n]{{3,60}}?[;,]\s"
    rf"(?:and\s|while\s)?(?:(?:the\s)?(?:other|remaining)\s|the\s(?={_COUNT}\s(?P=noun)\b))"
    rf"(?P<rest>{_COUNT})(?!\sof\b)"
)
"""“836 of 1,140 gateways run 3.4; the other 304 run 3.5”."""
_OF_THEM = re.compile(
    rf"(?P<whole>{_COUNT})\b[^;.\n]{{5,90}}?[;,]\s(?P<one>{_COUNT})\sof\s(?:them|these|those|which)\b"
    rf"[^;.\n]{{3,60}}?\sand\s(?:the other\s)?(?P<other>{_COUNT})\s[a-z]"
)
"""“1,440 lots were withdrawn; 1,200 of them were sold the day after and 240 discarded”."""
_SECONDS = {"ms": 0.001, "milliseconds": 0.001, "s": 1.0, "seconds": 1.0, "min": 60.0}
_SECONDS |= {"minutes": 60.0, "h": 3600.0, "hours": 3600.0, "k": 1000.0}
_OF_TIME = "|".join(each for each in _SECONDS if each != "k")
_MEASURED = rf"(?P<{{0}}>(?<![\w.,])\d+(?:\.\d+)?)\s?(?P<{{0}}_unit>{_OF_TIME})\b"
_OF_IT = re.compile(
    rf"{_MEASURED.format('all')}\s(?:in\s(?:all|total)|altogether),?\s(?:of\swhich\s|with\s)?"
    rf"{_MEASURED.format('of')}\s(?:of\s(?:it|that|them|which)|(?:were|was)\s)"
)
"""A length and a part of it: “9.1 s in all, 8.7 s of it waiting”."""

_VALUE = r"(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)"
_UNIT = r"(?:\s?(?:ms|milliseconds|s|seconds|min|minutes|hours|h|%|percent|k|MB|GB|connections))?"
CHANGE = re.compile(
    rf"\bfrom\s(?P<old>{_VALUE})(?P<of>{_UNIT})\sto\s(?P<new>{_VALUE})(?P<unit>{_UNIT})"
    r"(?![\w:-]|[.,]\d)"
    rf"|\b(?P<now>{_VALUE})(?P<whose>{_UNIT})\s(?:[a-z]+\s)?instead\sof\s(?P<then>{_VALUE})"
    rf"(?P<what>{_UNIT})(?![\w:-]|[.,]\d)",
    re.IGNORECASE,
)
"""A figure that became another."""

FRACTIONS = {"half": 0.5, "a third": 1 / 3, "one third": 1 / 3, "a quarter": 0.25, "a fifth": 0.2}
FRACTIONS |= {"a sixth": 1 / 6, "an eighth": 0.125, "a tenth": 0.1, "one tenth": 0.1}
FRACTIONS |= {"two thirds": 2 / 3, "three quarters": 0.75, "a twentieth": 0.05}
FRACTIONS |= {"a hundredth": 0.01, "one fifth": 0.2, "one quarter": 0.25}
_GREW = {"doubled": 2.0, "tripled": 3.0, "trebled": 3.0, "quadrupled": 4.0, "halved": 0.5}
_GREW |= {"quintupled": 5.0, "twice": 2.0, "twofold": 2.0, "threefold": 3.0, "fourfold": 4.0}
_GREW |= {"fivefold": 5.0, "tenfold": 10.0, "a hundredfold": 100.0, "hundredfold": 100.0}
_WORDS = "|".join(sorted((word for word in COUNTS if word.isalpha()), key=len, reverse=True))
RATIO = re.compile(
    rf"\b(?P<grew>{'|'.join(sorted(_GREW, key=len, reverse=True))})\b(?!\sa\s(?:day|week|month|"
    rf"year))"
    rf"|\b(?:cut|lowered|reduced|shrunk|shrank|fell|dropped|down|went)\sto\s(?:just\s|only\s)?"
    rf"(?P<part>{'|'.join(FRACTIONS)})\b"
    rf"|\b(?P<times>(?:{_WORDS})|\d+(?:\.\d+)?)(?:\shundred)?[\s-](?:times|fold)\s(?:the\s(?:usual|"
    rf"normal)|"
    r"(?:slower|faster|higher|longer|larger|bigger|more|smaller)\b|as\s(?:many|much|slow|long|high|"
    r"large))",
    re.IGNORECASE,
)
"""How often as much a figure became."""
NEAR = (0.7, 1.45)
"""Between which a ratio in words still is the ratio of the figures."""

_ZONED = re.compile(
    rf"{CLOCK}\s?(?:\(|=\s?|/\s?|,\s(?:that\sis|i\.e\.|or),?\s|,?\swhich\sis\s)\s?(?P<other>"
    + CLOCK.replace("<clock>", "<clock2>").replace("<half>", "<half2>").replace("<zone>", "<zone2>")
    + ")"
)
_ALONE = re.compile(CLOCK)
_SECOND = (
    CLOCK.replace("<clock>", "<clock2>").replace("<half>", "<half2>").replace("<zone>", "<zone2>")
)
_LASTED = re.compile(
    rf"\b(?:from|between)\s{CLOCK}\s(?:to|until|till|and)\s(?P<until>{_SECOND})"
    rf"(?:\s\(|,\s(?:that\sis\s|which\s(?:is|was|makes|made)\s|i\.e\.\s|"
    r"an?\s(?:period|total|span)\sof\s|for\s|or\s|thus\s|lasting\s|in\sall\s)?)"
    rf"(?:about\s|roughly\s|almost\s|some\s)?{SPAN}(?!\s(?:later|after|before|earlier|ago)\b)",
    re.IGNORECASE,
)
"""Two clocks and the length between them."""
_ON = r"(?:\son\s(?:\w+\s)?\d{1,2}\s[A-Z][a-z]+)?"
_SPANNED = re.compile(
    rf"{SPAN}(?!\s(?:later|after|before|earlier|ago|into|past|of)\b)(?:\s[\w’'-]+){{0,3}}?"
    rf"(?:,\s(?:(?:from|between)\s)?|\s\((?:from\s)?|\s(?:from|between)\s){CLOCK}{_ON}\s?"
    rf"(?:to|and|until|till|–|-)\s?(?P<until>{_SECOND})(?=(?:{_ON})?\s?[.;,)]|(?:{_ON})?$)",
    re.IGNORECASE,
)
"""The same, the length first: “28 more minutes, 08:10 to 08:38”."""
_DAY = 24 * 60


def sums(case: Case) -> Iterator[Finding]:
    """Find sentences whose own figures do not add up."""
    for cell, text in passages(case, plans=True):
        for match in matches(_ZONED, text):
            other = _ALONE.match(text, match.start("other"))
            at, then = spoken.clocked(match), spoken.clocked(other) if other else None
            zones = (match["zone"], other["zone"]) if other else (None, None)
            if at and then and all(zones) and zones[0] != zones[1] and at[0] != then[0]:
                gap = spoken.ZONES[str(zones[0]).upper()] - spoken.ZONES[str(zones[1]).upper()]
                said = f"{zones[0]} is {gap:+d} hours from {zones[1]}"
                yield about(case, cell, f"“{match.group().strip()}”, but {said}.")
        for match in (*matches(_LASTED, text), *matches(_SPANNED, text)):
            end = _ALONE.match(text, match.start("until"))
            at, then = spoken.clocked(match), spoken.clocked(end) if end else None
            length = (then[0] - at[0]) % _DAY if at and then else 0
            if end and end["zone"] and not match["zone"]:  # “from 16:04 to 19:14 BST”
                length = (length + 60 * spoken.ZONES.get(end["zone"].upper(), 0)) % _DAY
            far = (
                length and spoken.minutes(match["span"])[0] < _NEARLY * length
            )  # each time, in that
            if length and not far and not spoken.agrees(match, length):
                yield about(case, cell, f"“{match.group()}”, but that is {times.duration(length)}.")
        if not written.MAY.search(text):
            continue
        wrong = [each for sentence in sentences(text) for each in _wrong(sentence)]
        for said, truth in (*_rest(text), *_of_them(text), *wrong):
            yield about(case, cell, f"“{said}”, but {truth}.")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (sums,)


def _wrong(sentence: str) -> Iterator[tuple[str, str]]:
    for way in (_grown, _shared, _from_day, _longer):
        yield from way(sentence)


def _shared(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield a percentage that is not the part of the whole that the sentence gives."""
    for match in (each for pattern in _PARTS for each in pattern.finditer(sentence)):
        part, whole, share = _read(match["part"]), _read(match["whole"]), float(match["share"])
        exact = 100 * part / whole if whole else share
        digits = len(match["share"].partition(".")[2])
        if abs(exact - share) > 0.5 * 10.0**-digits + _ROUNDED * share:
            yield match.group(), f"{match['part']} of {match['whole']} is {exact:.3g} %"
    for match in _PORTION.finditer(sentence):
        part, whole = _read(match["part"]), _read(match["whole"])
        low, high = written.FRACTIONS[match["share"].lower()]
        if whole and not low <= 100 * part / whole <= high:
            exact = 100 * part / whole
            yield match.group(), f"{match['part']} of {match['whole']} is {exact:.3g} %"


def _rest(text: str) -> Iterator[tuple[str, str]]:
    """Yield a part and the others that are not, together, the whole that the text gives."""
    for match in matches(_OTHERS, text):
        part, whole, rest = (_read(match[each]) for each in ("part", "whole", "rest"))
        if part < whole and part + rest != whole:
            yield match.group(), f"the others are {whole - part:,.0f}"


def _of_them(text: str) -> Iterator[tuple[str, str]]:
    """Yield two parts that are nearly, but not quite, the whole that stands before them."""
    for match in matches(_OF_THEM, text):
        whole, one, other = (_read(match[each]) for each in ("whole", "one", "other"))
        if 0 < abs(one + other - whole) <= _NEARLY * whole:
            yield match.group(), f"that makes {one + other:,.0f}"


def _longer(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield a length of which a part is longer."""
    for match in _OF_IT.finditer(sentence):
        whole, part = (
            float(match[side]) * _SECONDS[match[f"{side}_unit"]] for side in ("all", "of")
        )
        if part > whole:
            yield match.group(), f"{match['of']} {match['of_unit']} is longer than that"


def _from_day(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield a number of days that is not the one between the days of the week it names."""
    for match in _WEEKDAYS.finditer(sentence):
        first, last = (
            WEEKDAYS.index(match[side].lower().split()[-1]) for side in ("first", "last")
        )
        apart = (last - first) % 7
        if (written.numeral(match["count"]) - apart) % 7 not in {0, 1}:
            yield match.group(), f"from {match['first']} to {match['last']} it is {apart or 7}"


def _grown(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield a ratio in words that is not the one of the figures beside it."""
    changes = [each for each in CHANGE.finditer(sentence) if change(each)]
    ratios = [each for each in RATIO.finditer(sentence) if ratio(each)]
    if len(changes) != 1 or len(ratios) != 1:
        return
    known, said = change(changes[0]), ratio(ratios[0])
    if known and said and not agree(said, known, ratios[0]):
        begin = min(changes[0].start(), ratios[0].start())
        end = max(changes[0].end(), ratios[0].end())
        yield sentence[begin:end], f"it is {numeral(known if known >= 1 else 1 / known, 3)} times"


def change(match: re.Match[str]) -> float | None:
    """Return how often as much a figure became; None where its units differ in kind."""
    names = ("old", "of", "new", "unit") if match["old"] else ("then", "what", "now", "whose")
    old, of, new, unit = (match[name] or "" for name in names)
    units = [each.strip().lower() for each in (of or unit, unit or of)]
    scales = [_SECONDS.get(each) for each in units]
    if units[0] != units[1] and None in scales:
        return None
    first, last = (
        _read(value) * (scale or 1.0) for value, scale in zip((old, new), scales, strict=True)
    )
    return last / first if first and last else None


def ratio(match: re.Match[str]) -> float | None:
    """Return the ratio that words mean."""
    if match["grew"]:
        return _GREW[match["grew"].lower()]
    if match["part"]:
        return FRACTIONS[match["part"].lower()]
    word = match["times"].lower()
    value = COUNTS.get(word) or (float(word) if word[0].isdigit() else 0.0)
    if re.match(rf"{word}\shundred", match.group().lower()):
        value *= 100
    return 1 / value if value and "smaller" in match.group() else value or None


def agree(said: float, known: float, match: re.Match[str]) -> bool:
    """Return whether a ratio in words fits the one of figures, whichever way it is told."""
    before = match.string[max(0, match.start() - 20) : match.start()]
    ways = [known, 1 / known] if match["times"] or match["grew"] else [known]
    if re.search(r"(?:over|more than|at least)\s$", before, re.IGNORECASE):
        return any(said <= way * NEAR[1] for way in ways if way >= 1 or said < 1)
    return any(NEAR[0] <= said / way <= NEAR[1] for way in ways)


def _read(written: str) -> float:
    return float(written.replace(",", ""))
