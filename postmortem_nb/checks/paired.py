"""Levels that a sentence tells group by group: “52 failures a minute in one region, 13 in another”.

A group is a region, a service, a host: what a frozen metric is counted by. Each number goes with
the group that stands behind it, or else before it, and not with another number's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import metered, spoken
from postmortem_nb.checks.metered import Value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_NUMBER = re.compile(
    rf"(?<![\w.,:/#$€£-])(?P<number>\d{{1,3}}(?:,\d{{3}})+|\d+(?:\.\d+)?|"
    rf"\b(?:zero|{'|'.join(spoken.WORDS)})\b)(?!\s?[:/]\d|[-\w]*[a-z]-\d|\w*\.\d)"
    r"(?:\s?(?P<scale>k|thousand|hundred)\b)?\s?(?P<unit>%|percent\b|ms\b|milliseconds\b|s\b|seconds\b)?(?![\w-])",
    re.IGNORECASE,
)
_BEHIND = (
    r"\s(?:(?!(?:and|while|but|to|where|when|with|at|after)\b)[a-z’']+\s){0,5}?"
    r"(?:in|from|at|of|for|on|by)\s(?:the\s)?"
)
_OTHER = re.compile(
    rf"\b(?:{metered.SETTING}|{metered.WATCHING}|usual\w*|normal\w*|before|from|never|not|\d\sof(?:\sthe)?|peak\w*|max\w*|top|"
    r"up to|above|below|under|over|past|than|by|ago|after|last|first|another|more|further|least|"
    r"most|average|pods?|hosts?|times)\s"
    r"(?:(?:about|around|some|nearly|almost|just|a|an|the|its)\s)*$",
    re.IGNORECASE,
)
"""Before a number: it is no level at that moment."""
_THINGS = re.compile(
    r"\s(?:of\s(?:them\s)?)?(?:pods?|hosts?|services|regions|people|minutes?|hours?|points?|times|"
    r"releases?|versions?|teams?|quarters?|thirds?|fifths?|tenths?|halves)\b"
    r"|\s(?:\w+\s)?without\b"
    r"|[^,;.]{0,40}?\b(?:it had|they had|when|before|earlier|ago|left|free|idle)\b",
    re.IGNORECASE,
)
"""Behind a number: it counts something else, or at another time."""
_TOPICS = (
    ("queue", re.compile(r"\b(?:queue[sd]?|waiting|backlog)\b", re.IGNORECASE)),
    ("failing", re.compile(rf"{metered.BAD}", re.IGNORECASE)),
)
_MINUTE = re.compile(r"\bminute\b", re.IGNORECASE)
_TO = re.compile(r"(?:\s(?:at|around)\s\d\d:\d\d)?\s?to\s(?:(?:about|around|some|only|just)\s)*")
"""Between two numbers: they are of one group, “from 1,087 to 247”."""
_CLAUSE = re.compile(r"[;:]\s|,\s(?=while|but|where)")


class Paired(NamedTuple):
    """A level of a sentence with its group and its kind of metric."""

    kind: str
    value: Value
    group: str


def values(sentence: str, groups: Collection[str]) -> Iterator[Paired]:
    """Yield the levels of a sentence that stand with one of the groups."""
    lowered = sentence.lower()
    own = [each for each in groups if each in lowered]
    if not own:
        return
    names = "|".join(re.escape(each) for each in sorted(own, key=len, reverse=True))
    behind = re.compile(rf"{_BEHIND}(?P<group>{names})(?![\w-])", re.IGNORECASE)
    named = re.compile(rf"(?<![\w-])(?:{names})(?![\w-])", re.IGNORECASE)
    since, topic, held = 0, "", ""
    for match in _NUMBER.finditer(sentence):
        segment = _CLAUSE.split(sentence[since : match.start()])[-1]
        since = match.end()
        after = behind.match(sentence, match.end())
        before = named.findall(segment)
        one = before[0] if len({each.lower() for each in before}) == 1 else ""
        group = after["group"] if after else one or (held if _TO.fullmatch(segment) else "")
        held = group
        topic = _topic(sentence, match) or topic
        kind = _kind(sentence, match, topic)
        if group and kind and not _OTHER.search(segment) and not _THINGS.match(sentence, since):
            yield Paired(kind, _value(match), group.lower())


def _topic(sentence: str, match: re.Match[str]) -> str:
    """Return the kind whose word stands next to a number: right behind it, else last before it."""
    near = sentence[match.end() : match.end() + 40]
    near = re.split(r"[;,.]|\band\b|\d", near)[0]
    for name, said in _TOPICS:
        if said.search(near):
            return name
    last = [(each.start(), name) for name, said in _TOPICS for each in said.finditer(sentence)]
    told = [(at, name) for at, name in last if at < match.start()]
    return max(told)[1] if told else ""


def _kind(sentence: str, match: re.Match[str], topic: str) -> str:
    """Return of what kind of metric a number is, by its unit, else by the words around it."""
    unit = (match["unit"] or "").lower()
    if unit in {"%", "percent"}:
        return "cpu" if "CPU" in sentence else "rate" if "rate" in sentence.lower() else ""
    if unit:
        return "latency"
    return "" if topic == "failing" and not _MINUTE.search(sentence) else topic


def _value(match: re.Match[str]) -> Value:
    said, unit = match["number"].lower(), (match["unit"] or "").lower()
    number = 0.0 if said == "zero" else spoken.COUNTS.get(said)
    value, step = spoken.amount(said, match["scale"] or "") if number is None else (number, 0.0)
    scale = 0.001 if unit.startswith("m") else 1.0
    low, high = (value - step) * scale, (value + step) * scale
    shown = "%" if unit == "percent" else unit
    return Value(low, high, match.start(), match.end(), shown, scale)
