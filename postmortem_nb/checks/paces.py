"""How many of something came in a minute: “before it about 300 reminders a minute were sent”.

Held to the metrics that count things by whose words a sentence names them, whatever minute it tells
of: it is doubted where none of their minutes had about so many. What failed, and what was asked
for, is read by `levels`, which knows the moment too.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.checks import bare, bounds, derived, instants, metered, ranges, spoken, written
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, passages, sentences
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 100
"""Figures that are looked at in a document: a text of nothing else must not slow a form."""
_PACE = re.compile(
    rf"{spoken.NUMBER}\s(?:(?!(?:and|to|or|of)\b)[a-z]+\s){{0,3}}?(?:a|per|each|every)\sminute\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    rf"\b(?:{metered.SETTING}|{metered.WATCHING}|can|cannot|must|need\w*|at most|up to|never|"
    r"usual\w*|normal\w*|ordinar\w*|typical\w*|canary|tests?|tested|staging|week|month|year|"
    r"yesterday|by|more|fewer|less)\b",
    re.IGNORECASE,
)
"""In a sentence: it tells of a setting, of another time, or of how many more."""
_ROUGHLY = 0.1
"""Share by which they may be off."""
_POINTS = 30
"""Minutes of a metric from which on it is known what it had."""


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield numbers of a minute that no minute of what is counted had."""
    curves = [each for each in derived.drawn(incident, case) if _counts(each)]
    yield from islice(_found(case, curves), MOST if curves else 0)


def _counts(curve: Curve) -> bool:
    asked = derived.measures(curve, "arriving")
    return derived.is_counted(curve.query) and not (asked or derived.is_bad(curve.query))


def _found(case: Case, curves: Sequence[Curve]) -> Iterator[Finding]:
    for cell, text in passages(case):
        for sentence in sentences(text) if matches(_PACE, text) else ():
            if len(sentence) > LONGEST or _OPEN.search(sentence) or _is_elsewhere(sentence):
                continue
            for match in _PACE.finditer(sentence):
                truth = _otherwise(case, cell, match, curves)
                if truth:
                    yield about(case, cell, f"“{match.group()}”, but {truth}.")


def _is_elsewhere(sentence: str) -> bool:
    """Return whether others read a sentence, or it tells nothing of the past."""
    bad = re.search(metered.BAD, sentence, re.IGNORECASE) or metered.TOPICS["arriving"][0].search(
        sentence
    )
    return bool(bad) or not bare.PAST.search(sentence)


def _otherwise(case: Case, cell: Cell, match: re.Match[str], curves: Sequence[Curve]) -> str:
    """Return the nearest that the metrics had which a sentence means; nothing where it is near."""
    sentence, begin = match.string, match.start("number")
    meant = [one for one in curves if bounds.is_of(one, sentence) and len(one.levels) >= _POINTS]
    own = derived.own(meant, sentence, match.end(), instants.beside(case, cell))
    value, step = spoken.amount(match["number"], match["scale"] or "")
    before = sentence[max(0, begin - written.NEAR) : begin]
    low, high = written.bounds(value, step, before, fine=True)
    truth = ""
    for each in own:
        levels = each.levels * ranges.factor(each, "failing")
        nearest = float(levels[np.argmin(np.abs(levels - (low + high) / 2))])
        if low * (1 - _ROUGHLY) <= nearest <= high * (1 + _ROUGHLY):
            return ""
        truth = truth or f"the nearest that {each.label} had in a minute is {numeral(nearest, 3)}"
    return truth
