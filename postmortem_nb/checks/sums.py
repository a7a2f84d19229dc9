"""Arithmetic within one sentence: parts of a whole, a length beside its two clocks, a total.

The parts of a total stand before “in all” or “together” (“12 calls and 30 mails, 42 messages in
all”), behind “Of 1,120 failures” or “12 of the 90 minutes”, or behind a colon (“64 hours: 28 in
Payroll, 20 in Tax and 16 in Support”). In the row of a partial recovery: what is done and is left.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import times
from postmortem_nb.checks import spoken, written
from postmortem_nb.checks.late import late
from postmortem_nb.checks.reading import about, matches, passages, sentences
from postmortem_nb.checks.spoken import CLOCK, SPAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding

_COUNT = r"(?<![\w.,:$€£/-])(?:\d{1,3}(?:,\d{3})+|\d+)(?![\w.:%/-]|,\d)"
_NEARLY = 0.15
"""By how much of it a sum may be off and still be meant as the sum."""
_OUR = r"(?:the\s|our\s|all\s|those\s){0,2}"
_PERCENT = r"(?P<share>\d{1,2}(?:\.\d+)?)\s?(?:%|percent)"
_THAT_IS = r"(?:,(?:\sor|\s(?:that|which)\sis)?\s|\s\()(?:about\s|some\s)?"
_DID = (
    r"(?:failed|errored|succeeded|timed out|went \w+|(?:was|were|been)\s(?:lost|refused|rejected|"
    r"dropped|declined|answered|served))"
)
_PARTS = (
    re.compile(
        rf"(?P<part>{_COUNT})\s(?:out\s)?of\s{_OUR}(?P<whole>{_COUNT})(?:\s(?!of\s\d)[\w’'-]+){{1,10}}?"
        rf"\s{_DID}{_THAT_IS}{_PERCENT}(?=[).,;]|$)"
    ),
    re.compile(
        rf"(?P<part>{_COUNT})(?:\s[a-z-]+){{1,5}}(?:,(?:\sor|\sthat\sis)?\s|\s\(|\s[–—]\s)"
        rf"{_PERCENT}\sof\s{_OUR}(?P<whole>{_COUNT})"
    ),
    re.compile(
        rf"(?P<part>{_COUNT})\s(?:out\s)?of\s{_OUR}(?P<whole>{_COUNT})(?:\s[a-z-]+){{1,3}}"
        rf"(?:,(?:\sor|\sthat\sis)?\s|\s\()(?:about\s)?{_PERCENT}"
    ),
    re.compile(
        rf"{_PERCENT}\sof\s[^.;\n()\d]{{3,60}}\((?P<part>{_COUNT})\s(?:out\s)?of\s"
        rf"(?P<whole>{_COUNT})\)"
    ),
    re.compile(
        rf"\b[Oo]f\s(?:the\s|our\s|all\s|its\s)?(?P<whole>{_COUNT})\s(?:[a-z-]+\s){{1,3}}(?P<part>{_COUNT})"
        rf"(?:\s[a-z-]+){{0,3}}(?:,(?:\sor|\sthat\sis)?\s|\s\()(?:about\s|some\s)?{_PERCENT}(?!\sof\b)"
    ),
)
"""A part, its whole and the percentage that it is."""
_ROSE = re.compile(
    r"\b(?:(?P<up>rose|climbed|grew|jumped|went up|increased)|(?P<down>fell|dropped|sank|went down|"
    rf"decreased))\sfrom\s(?:about\s)?(?P<one>{_COUNT}|\d+\.\d+)\s?(?P<unit>%|ms|s|seconds)?"
    rf"\sto\s(?:about\s)?(?P<other>{_COUNT}|\d+\.\d+)\s?(?P<units>%|ms|s|seconds)?(?![\w:.%])"
)
"""A movement with its way: what rose ended higher."""
_ROUNDED = 0.04
"""By how much of itself a percentage of rounded counts may be off."""

_OTHERS = re.compile(
    rf"(?P<part>{_COUNT})\s(?:out\s)?of\s{_OUR}(?P<whole>{_COUNT})\s(?P<noun>[a-z]+)[^;\n]{{3,60}}?[;,]\s"
    rf"(?:and\s|while\s)?(?:(?:the\s)?(?:other|remaining)\s|the\s(?={_COUNT}\s(?P=noun)\b))"
    rf"(?P<rest>{_COUNT})(?!\s(?:of\b|%|percent))"
)
"""“836 of 1,140 gateways run 3.4; the other 304 run 3.5”."""
_OF_THEM = re.compile(
    rf"(?P<whole>{_COUNT})\b[^;.\n]{{5,90}}?[;,]\s(?P<one>{_COUNT})\sof\s(?:them|these|those|which)\b"
    rf"[^;.\n]{{3,60}}?\sand\s(?:the other\s)?(?P<other>{_COUNT})\s[a-z]"
)
_REMAINING = re.compile(
    rf"(?P<whole>{_COUNT})\b[^;.\n]{{5,90}}?[.;,]\s(?P<one>{_COUNT})\sof\s(?:them|these|those)\b"
    rf"[^;.\n]{{3,160}}?[;,]\s(?:and\s)?the\s(?:other|remaining)\s(?P<other>{_COUNT})\b(?!\s?%)"
)
"""The same in two sentences: “4,103 lines. 3,858 of them say …; the remaining 245 …”."""
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
_OF_THOSE = late(
    rf"\b(?:from|between)\s{CLOCK}\s(?:to|until|till|and)\s(?P<until>{_SECOND})"
    rf"(?:[^.;:\n]|\.(?=\d)){{1,160}}?\b(?:in|of|over|during|within)\s(?:those|these)\s{SPAN}",
    re.IGNORECASE,
)
"""The same, farther apart: “from 14:02 to 16:09 a third failed in those 127 minutes”."""
_SPANS = (_LASTED, _SPANNED, _OF_THOSE)
_DAY = 24 * 60


def sums(case: Case) -> Iterator[Finding]:
    """Find sentences whose own figures do not add up."""
    for cell, text in passages(case, plans=True):
        for match in (each for way in _SPANS for each in matches(way, text)):
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


def _wrong(sentence: str) -> Iterator[tuple[str, str]]:
    for way in (_shared, _worded, _longer, _moved):
        yield from way(sentence)


def _shared(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield a percentage that is not the part of the whole that the sentence gives."""
    for match in (each for pattern in _PARTS for each in pattern.finditer(sentence)):
        part, whole, share = _read(match["part"]), _read(match["whole"]), float(match["share"])
        exact = 100 * part / whole if whole else share
        digits = len(match["share"].partition(".")[2])
        counted = part % 10 and whole % 10  # to the last one: nobody rounds so
        rounded = _ROUNDED / 8 if counted and digits else _ROUNDED
        if abs(exact - share) > 0.5 * 10.0**-digits + rounded * share:
            yield match.group(), f"{match['part']} of {match['whole']} is {exact:.3g} %"


def _rest(text: str) -> Iterator[tuple[str, str]]:
    """Yield a part and the others that are not, together, the whole that the text gives."""
    for match in matches(_OTHERS, text):
        part, whole, rest = (_read(match[each]) for each in ("part", "whole", "rest"))
        if part < whole and part + rest != whole:
            yield match.group(), f"the others are {whole - part:,.0f}"


def _of_them(text: str) -> Iterator[tuple[str, str]]:
    """Yield two parts that are nearly, but not quite, the whole that stands before them."""
    for match in (*matches(_OF_THEM, text), *matches(_REMAINING, text)):
        whole, one, other = (_read(match[each]) for each in ("whole", "one", "other"))
        if 0 < abs(one + other - whole) <= _NEARLY * whole:
            yield match.group(), f"that makes {one + other:,.0f}"


def _worded(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield a share in words that is not the one in brackets behind it: “a third (49 of 94)”."""
    for match in (*matches(_IN_BRACKETS, sentence), *matches(_BEHIND_PARTS, sentence)):
        part, whole = _read(match["part"]), _read(match["whole"])
        low, high = written.FRACTIONS[match["fraction"].lower()]
        if whole and not low <= 100 * part / whole <= high:
            yield match.group(), f"that is {100 * part / whole:.3g} %"


def _longer(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield a length of which a part is longer."""
    for match in _OF_IT.finditer(sentence):
        whole, part = (
            float(match[side]) * _SECONDS[match[f"{side}_unit"]] for side in ("all", "of")
        )
        if part > whole:
            yield match.group(), f"{match['of']} {match['of_unit']} is longer than that"


def _moved(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield what rose, and ended lower, or fell, and ended higher."""
    for match in _ROSE.finditer(sentence):
        one, other = _read(match["one"]), _read(match["other"])
        same = not match["unit"] or match["unit"] == match["units"]
        if same and one != other and (other > one) is not bool(match["up"]):
            yield match.group(), f"{match['other']} is {'less' if match['up'] else 'more'}"


def _read(written: str) -> float:
    return float(written.replace(",", ""))


_AMOUNT = re.compile(
    r"(?<![\w.,:$€£/#-])(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:\s(?P<scale>million|thousand))?(?![\w:/%-]|[.,]\d)"
    r"(?:\s?(?P<unit>%|percent\b|ms\b|s\b|seconds?\b|minutes?\b|days?\b))?"
)
"""A number of things; hours are things too: work is counted in them."""
_PARTS_IN_WORDS = "|".join(sorted(written.FRACTIONS, key=len, reverse=True))
_IN_BRACKETS = re.compile(
    rf"\b(?P<fraction>{_PARTS_IN_WORDS})\b"
    r"[^().;\d]{0,40}\((?P<part>\d[\d,]*)\s(?:out\s)?of\s(?P<whole>\d[\d,]*)",
    re.IGNORECASE,
)
_BEHIND_PARTS = re.compile(
    r"(?<![\w.,])(?P<part>\d[\d,]*)\s(?:out\s)?of\s(?:the\s|our\s|all\s)?(?P<whole>\d[\d,]*)\b[^().;\d]{0,60}"
    rf",\s(?:that is\s|or\s)?(?:about\s|nearly\s|almost\s|some\s|just\s|over\s|roughly\s)*"
    rf"(?P<fraction>{_PARTS_IN_WORDS})(?=[.;,)]|$)",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"\b(?:in all|in total|a total of|altogether|all told|together|total)[,:]?\s$")
_BEHIND = re.compile(r"\s(?:[a-z-]+\s){0,2}?(?:in all|in total|altogether|all told|together)\b")
"""What makes the number beside it a total."""
_JOINT = re.compile(r"[\w\s’'.()-]{0,45}(?:,|;|\sand|\splus)(?:\sand)?\s[\w\s’'.-]{0,30}")
"""Between two parts of a list."""
_JOINED = re.compile(r"[\w\s’'.()-]{0,45}(?:[,;:(–—]\s?)?(?:[\w’'-]+[,:]?\s){0,4}")
"""Between the last part and the total."""
_OF = re.compile(r"(?:^|[\s(])Of\s(?:the\s|our\s|these\s|those\s)?$")
_OF_THE = re.compile(r"\sof\s(?:the|our|these|those)\s")
_DIGITS = re.compile(r"\d[\d,.:]*")
_EQUAL, _SURELY, _ANY = 0.005, 0.25, 0.5
"""By how much of it a sum may be off; by how much it is the sum all the same, of three or more;
where it says so."""
_BRACKETS = re.compile(r"\([^()]*\)")
_NAME = re.compile(r"\)(?:,\s|,?\sand\s)[^(),;.]{2,40}\s\(")
_LEAST = 0.001
"""Share of a whole below which a number is no part of it: “17,254 on lines 1, 4 and 7”."""
_SURE = 3
"""Parts that are surely those of what stands before them."""


class _Amount(NamedTuple):
    value: float
    step: float
    unit: str
    begin: int
    end: int


class _Sum(NamedTuple):
    total: _Amount
    parts: Sequence[_Amount]
    most: float
    """By how much the parts may be off, and still be meant to be those of the total."""
    exactly: bool = False


def totals(case: Case) -> Iterator[Finding]:
    """Find a total that is not the sum of the parts that its sentence lists."""
    for cell, text in passages(case, plans=True):
        if not written.MAY.search(text):
            continue
        for sentence in sentences(text):
            amounts = _amounts(sentence)
            for each in _sums(sentence, amounts) if len(amounts) > 2 else ():
                truth = sum(part.value for part in each.parts)
                rounded = sum(part.step for part in (each.total, *each.parts) if not each.exactly)
                off = abs(truth - each.total.value)
                if max(rounded / 2, _EQUAL * each.total.value) < off <= each.most:
                    begin = min(each.total.begin, each.parts[0].begin)
                    said = sentence[begin : max(each.total.end, each.parts[-1].end)]
                    yield about(case, cell, f"“{said}”, but that makes {truth:,.6g}.")


def _amounts(sentence: str) -> list[_Amount]:
    return [
        _Amount(
            *spoken.amount(match["number"], match["scale"] or ""),
            (match["unit"] or "").lower(),
            match.start(),
            match.end(),
        )
        for match in _AMOUNT.finditer(sentence)
    ]


def _sums(sentence: str, amounts: Sequence[_Amount]) -> Iterator[_Sum]:
    for at, each in enumerate(amounts):
        head, parts, most = sentence[: each.begin], [], _SURELY
        if _BEFORE.search(head[-16:]) or _BEHIND.match(sentence, each.end):
            parts, most = _listed(sentence, amounts[:at], each), _ANY
        elif _OF.search(head[-12:]):
            parts = [other for other in amounts[at + 1 :] if other.unit == each.unit]
        elif at and _OF_THE.fullmatch(sentence[amounts[at - 1].end : each.begin]):
            others = (*amounts[at - 1 : at], *amounts[at + 1 :])
            parts = [other for other in others if other.unit in ("", each.unit)]
            parts = [other for other in parts if other.value >= _LEAST * each.value]
        enough = len(parts) >= (_SURE if most == _SURELY else 2)
        if enough and all(part.value != each.value for part in parts):
            yield _Sum(each, parts, most * each.value, _exact(sentence, each, *parts))
    yield from _behind_colon(sentence, amounts)
    yield from _in_brackets(sentence, amounts)


def _in_brackets(sentence: str, amounts: Sequence[_Amount]) -> Iterator[_Sum]:
    """Yield a number whose parts stand in brackets, each behind its name: “A (2), B (1), C (9)”."""
    bracketed = (sentence[each.begin - 1 : each.end + 1] for each in amounts)
    parts = [each for each, own in zip(amounts, bracketed, strict=True) if _BRACKETS.fullmatch(own)]
    totals_ = [each for each in amounts if parts and each.end < parts[0].begin - 1]
    if {each.unit for each in totals_} != {each.unit for each in parts}:
        return  # “102 are a PullTimeout (51 %)”
    listed = all(_NAME.fullmatch(sentence[one.end : other.begin]) for one, other in pairwise(parts))
    if len(parts) >= _SURE and listed and len(totals_) == 1:
        yield _Sum(totals_[0], parts, _ANY * totals_[0].value, exactly=True)


def _behind_colon(sentence: str, amounts: Sequence[_Amount]) -> Iterator[_Sum]:
    colon = sentence.find(": ")
    total = next((each for each in reversed(amounts) if each.end <= colon), None)
    parts = [each for each in amounts if each.begin > colon >= 0]
    every = len(parts) == len(_DIGITS.findall(sentence[colon:]))
    if total and every and len(parts) > 1 and {each.unit for each in parts} == {total.unit}:
        most = _SURELY if len(parts) >= _SURE else _NEARLY
        beside = len(sentence[total.end : colon].split()) <= _SURE
        most = _ANY if beside and len(parts) >= _SURE else most
        yield _Sum(total, parts, most * total.value)


def _exact(sentence: str, *amounts: _Amount) -> bool:
    """Return whether all are whole numbers: their zeros are meant where a sum is."""
    return all(sentence[each.begin : each.end].replace(",", "").isdigit() for each in amounts)


def _listed(sentence: str, before: Sequence[_Amount], total: _Amount) -> list[_Amount]:
    """Return the numbers of the list that ends with a total."""
    parts: list[_Amount] = []
    follower = total
    for each in reversed(before):
        between = sentence[each.end : follower.begin]
        joint = _JOINT if parts else _JOINED
        if each.unit != total.unit or not joint.fullmatch(between):
            break
        parts.insert(0, each)
        follower = each
    return parts


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (sums, totals)
