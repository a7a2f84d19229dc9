"""Levels of gauges as sentences tell them: “96 connections waited”, “use of vol-b at 91 %”.

A gauge is meant by the words of its name and by what it counts; one in percent by its group.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb.checks import metered, spoken, written
from postmortem_nb.checks.spoken import NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postmortem_nb.checks.derived import Gauge
    from postmortem_nb.checks.metered import Value

_NO_GAUGE = re.compile(
    rf"\b(?:{metered.SETTING}|{metered.WATCHING}|size[ds]?|from|by|more|fewer|less|another|other|each|every|half|"
    r"times|max_?\w*|configured|tests?|canary|week|month|year|first|last)\b",
    re.IGNORECASE,
)
"""In a clause: its number is a setting, or a part, or another one."""
KINDS = 64
"""Gauges of which it is remembered how sentences tell them."""


@lru_cache(maxsize=KINDS)
def _gauge(
    names: frozenset[str], places: frozenset[str], things: frozenset[str]
) -> tuple[re.Pattern[str], ...]:
    """Return what a sentence on a gauge holds: its name, and its levels."""
    every, counted, own = (
        rf"(?:{'|'.join(sorted(map(_forms, words))) or '(?!)'})(?:s|es)?"
        for words in (names | places, names | things, names)
    )
    other = NUMBER.replace("number", "held").replace("scale", "many")
    return (
        re.compile(rf"\b{every}\b", re.IGNORECASE),
        re.compile(
            rf"(?<!pool of )(?<![\w:./#-]){NUMBER}(?:\sof\s\d[\d,]*)?\s(?:(?!(?:of|in|and|to|a|"
            rf"the|per|minutes?|hours?|seconds?)\b)[a-z]+\s){{0,2}}?{counted}\b"
            rf"(?!\s(?:a|per|each|every)\s)"
            rf"|\b{own}\s(?:(?!(?:after|before)\b)[a-z-]+\s){{0,4}}?(?:was|is|stood|at|of|to|held|had|"
            rf"reached|with)\s(?:about\s|around\s|some\s)?{other}"
            r"(?![.:]?\d|\s?(?:%|ms\b|s\b|min|sec|hour|of\b))",
            re.IGNORECASE,
        ),
    )


def _forms(word: str) -> str:
    """Return a word of a name as sentences have it: “waiting”, “waited”."""
    stem = word.removesuffix("ing")
    return (
        rf"{re.escape(stem)}(?:ing|ed)"
        if len(word) - len(stem) and len(stem) > 2
        else re.escape(word)
    )


def gauged(sentence: str, gauge: Gauge) -> Iterator[Value]:
    """Yield the levels that a sentence tells of a gauge, by the words of its name and its unit."""
    if gauge.groups:
        yield from _shares_of(sentence, gauge.groups)
        return
    named, counted = _gauge(gauge.names, gauge.places, gauge.things)
    for match in counted.finditer(sentence) if named.search(sentence) else ():
        begin, end = match.span()
        if not (match["held"] or named.search(f"{sentence[:begin]} . {sentence[end:]}")):
            continue  # “262 robots” need not be idle ones
        clause = metered.PIECE.split(sentence[: match.start()])[-1] + match.group()
        if _NO_GAUGE.search(clause):
            continue
        digits, many = match["number"] or match["held"], match["scale"] or match["many"] or ""
        value, step = spoken.amount(digits, many)
        before = sentence[max(0, match.start() - metered.FAR) : match.start()]
        low, high = written.bounds(value, step, before, fine=True)
        yield metered.bounded(sentence, metered.Value(low, high, match.start(), match.end(), ""))


def _shares_of(sentence: str, groups: frozenset[str]) -> Iterator[Value]:
    """Yield the percentages of a sentence that names one of the groups before them."""
    for each in written.figures(sentence):
        clause = metered.PIECE.split(sentence[: each.begin])[-1].lower()
        own = any(
            re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])[^\d]*$", clause) for name in groups
        )
        percent = each.kind == "share" and sentence[each.end - 1] == "%"
        if (
            percent
            and own
            and not _NO_GAUGE.search(clause)
            and not metered.SPARE.match(sentence, each.end)
        ):
            yield metered.bounded(
                sentence, metered.Value(each.low, each.high, each.begin, each.end, "%")
            )
