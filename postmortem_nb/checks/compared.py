"""Two values of the frozen rows compared in sentences: “os-ore-1 wrote more lines than os-dub-3”.

“Most error lines came from os-ore-1”, “twice as many”: held to how many errors the frozen logs and
the metrics of failures have of each, in the incident and in all; each of them must deny it.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.checks import attributes, derived, instants
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, passages, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from postmortem_nb.checks.attributes import Answer, Named
    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 100
"""Findings at most: a text of nothing else must not slow a form."""
_THINGS = (
    r"(?:(?:error|failed|failing|refused)\s)?(?:logs?|lines|entries|errors|failures|"
    r"requests that failed)|(?:failed|refused)\s[a-z]+s"
)
_HOW = (
    r"(?P<more>more)|(?P<less>fewer|less)|"
    r"(?P<times>twice|two times|three times|four times)\sas many"
)
_BETWEEN = re.compile(
    rf"\s(?:wrote|logged|had|saw|threw|produced|reported)\s(?:(?:far|many|even|about|slightly)\s)?"
    rf"(?:{_HOW})\s(?:{_THINGS})\s(?:than|as)\s(?:the\s)?(?:host\s|node\s)?",
    re.IGNORECASE,
)
_PLACES = re.compile(
    rf"\b(?:{_HOW})\s(?:{_THINGS})\s(?:came|were|are|come)\s(?:logged\s|written\s)?"
    r"(?:from|in|on|by)\s(?:the\s)?$",
    re.IGNORECASE,
)
_THAN = re.compile(r"\s(?:than|as)\s(?:(?:from|in|on|by)\s)?(?:the\s)?", re.IGNORECASE)
_MOST = re.compile(
    rf"\bmost\s(?:of\s(?:the|our)\s)?(?:{_THINGS})\s(?:came|come|were|are|was|is)\s"
    r"(?:logged\s|written\s)?(?:from|in|on|by)\s(?:the\s)?(?:host\s|node\s)?$",
    re.IGNORECASE,
)
_HAD_MOST = re.compile(
    rf"\s(?:wrote|logged|had|saw)\sthe most\s(?:{_THINGS})(?!\s(?:of|in|on|for|per|a|at)\b)",
    re.IGNORECASE,
)
_MAY = re.compile(r"\b(?:more|fewer|less|as many|most)\b", re.IGNORECASE)
_OPEN = re.compile(
    r"\b(?:before|after|until|since|then|at first|later|by then|between|minute|hour|usual\w*|"
    r"normal\w*|per|each|rate|share|not|never|no|should|would|could|if|memory|heap|slow\w*|"
    r"traffic|except|other than|among)\b",
    re.IGNORECASE,
)
"""In a sentence: it is of a part of the time, of another measure, or not told plainly."""
_MANY = {"twice": 2.0, "two times": 2.0, "three times": 3.0, "four times": 4.0}
_OFF, _LOW, _HIGH = 0.97, 0.65, 1.6
"""Share by which the smaller may be off, and by which a number of times may be told loosely."""
_FEWEST = 10
"""Rows of both together from which on they are compared."""


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield comparisons of two values that no frozen answer bears."""
    held = [one for one in attributes.answers(incident, case) if one.whole]
    yield from islice(_found(case, held), MOST if held else 0)


def _found(case: Case, held: Sequence[Answer]) -> Iterator[Finding]:
    for cell, text in passages(case):
        for sentence in sentences(text) if matches(_MAY, text) else ():
            if len(sentence) > LONGEST or _OPEN.search(sentence):
                continue
            names = attributes.named(sentence, held)
            yield from _pairs(case, cell, sentence, names, held)
            if len(names) == 1:
                yield from _top(case, cell, sentence, names[0], held)


def _pairs(
    case: Case, cell: Cell, sentence: str, names: Sequence[Named], held: Sequence[Answer]
) -> Iterator[Finding]:
    """Yield that one of two values has more, or fewer, errors than the other."""
    if len(names) != 2 or names[0].key != names[1].key or names[0].value == names[1].value:
        return
    one, other = names
    how = _BETWEEN.fullmatch(sentence, one.end, other.begin)
    if how is None and _THAN.fullmatch(sentence, one.end, other.begin):
        how = _PLACES.search(sentence[: one.begin])
    counts = [(each[one.value], each[other.value]) for each in _counts(case, held, one.key)]
    counts = [(a, b) for a, b in counts if a + b >= _FEWEST]
    if how and counts and all(_is_denied(how, a, b) for a, b in counts):
        a, b = counts[0]
        said = sentence[one.begin if how.re is _BETWEEN else how.start() : other.end]
        truth = f"{one.value} has {a:,.0f}, {other.value} {b:,.0f}"
        yield about(case, cell, f"“{said}”, but {truth}.")


def _is_denied(how: re.Match[str], one: float, other: float) -> bool:
    if how["more"]:
        return one < _OFF * other
    if how["less"]:
        return other < _OFF * one
    times = _MANY[how["times"].lower()]
    return not _LOW * times * other <= one <= _HIGH * times * other


def _top(
    case: Case, cell: Cell, sentence: str, name: Named, held: Sequence[Answer]
) -> Iterator[Finding]:
    """Yield that most errors are told to be of a value, and another one has more of them."""
    most = _MOST.search(sentence[: name.begin])
    match = most or _HAD_MOST.match(sentence, name.end)
    counts = [each for each in _counts(case, held, name.key) if sum(each.values()) >= _FEWEST]
    if match and counts and all(each[name.value] < _OFF * max(each.values()) for each in counts):
        first = counts[0]
        top = max(first, key=first.__getitem__)
        said = sentence[match.start() if most else name.begin : name.end if most else match.end()]
        truth = f"{top} has {first[top]:,.0f}, {name.value} {first[name.value]:,.0f}"
        yield about(case, cell, f"“{said}”, but {truth}.")


def _counts(case: Case, held: Sequence[Answer], key: str) -> Iterator[Mapping[str, float]]:
    """Yield how many errors, and how many logs, have each value of a key, in each stretch."""
    for answer in held:
        bad = answer.kind == attributes.POINTS and derived.is_bad(answer.label)
        if key not in answer.keys or not (bad or answer.kind == attributes.LOGS):
            continue
        status = answer.keys.get("status")
        every = [answer.holding(())]
        if status and "error" in status.values:
            every.append(answer.having(("status", frozenset({"error"}))))
        own = answer.keys[key]
        for rows in every:
            for window in (*instants.whole(case), None):
                part = answer.within(window)
                kept = rows[part] & (own.codes[part] >= 0)
                weights = None if answer.weights is None else answer.weights[part][kept]
                sums = np.bincount(own.codes[part][kept], weights, minlength=len(own.values))
                yield dict(zip(own.values, sums.tolist(), strict=True))
