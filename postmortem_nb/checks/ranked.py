"""Who was hit hardest, and what goes together: “iberia suffered most”, “worker-4 runs 5.12.1”.

A value of the frozen rows is held to how many of those with it failed, or which part of them, and
to the values that its rows have beside it.
"""

from __future__ import annotations

import re
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.checks import attributes, derived
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, sentences, with_messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from postmortem_nb.checks.attributes import Answer, Named
    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 100
"""Findings at most: a text of nothing else must not slow a form."""
_RANK = re.compile(
    r"(?:\s(?:was|were|had|saw|suffered|fared|came off|got off|failed))?(?:\s(?:hit|affected))?"
    r"\s(?:by far\s)?(?:the\s)?(?P<which>hardest|most|worst|least|fewest|lightest)\b"
    r"(?!\s(?:of|recent|common|likely|important|often)\b)"
)
_HARD = frozenset({"hardest", "most", "worst"})
_MAY = re.compile(r"\b(?:hardest|most|worst|least|fewest|lightest)\b|\d\.\d")
_OTHER = re.compile(
    r"\b(?:slow\w*|latency|p\d\d|wait\w*|queue\w*|before|after|by then|at first|traffic|requests|"
    r"late\w*|lag\w*)\b",
    re.IGNORECASE,
)
"""In a sentence: it is of another measure, or of a part of the time."""
_RUNS = re.compile(
    r"\s(?:runs?|ran|is on|was on|had|has|stayed on|with)\s(?:version\s|release\s)?", re.IGNORECASE
)
"""Between two values: rows have them together."""
_ROWS = 20
"""Rows of a value from which on a part of them is known."""
_FEW = 3


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield values that others outdo, and values that no rows have together."""
    held = attributes.answers(incident, case)
    yield from islice(_found(case, held), MOST if held else 0)


def _found(case: Case, held: Sequence[Answer]) -> Iterator[Finding]:
    for cell, text in with_messages(case):
        for sentence in sentences(text) if matches(_MAY, text) else ():
            names = attributes.named(sentence, held) if len(sentence) <= LONGEST else ()
            for one in names:
                rank = _RANK.match(sentence, one.end)
                tops = _tops(case, held, one, rank["which"]) if rank else frozenset()
                if rank and tops and one.value not in tops and not _OTHER.search(sentence):
                    said = sentence[one.begin : rank.end()]
                    yield about(case, cell, f"“{said}”, but that was {' or '.join(sorted(tops))}.")
            for one, other in pairwise(names):
                if _RUNS.fullmatch(sentence, one.end, other.begin):
                    truth = _beside(held, one, other)
                    said = sentence[one.begin : other.end]
                    yield from [about(case, cell, f"“{said}”, but {truth}.")] if truth else ()


def _tops(case: Case, held: Sequence[Answer], name: Named, which: str) -> frozenset[str]:
    """Return the values of a key with the most, or fewest, failures by number or by share."""
    start, end = case.moments.start, case.moments.recovered
    wholes = dict(attributes.failing(held))
    tops: set[str] = set()
    for answer in held if start and end else ():
        bad = answer.kind == attributes.POINTS and derived.is_bad(answer.label)
        if not bad or name.key not in answer.keys or not (start and end):
            continue
        failed = _counts(answer, name.key, answer.within((start, end)))
        ways = [failed]
        whole = wholes.get(answer)
        if whole and name.key in whole.keys:
            came = _counts(whole, name.key, whole.within((start, end)))
            ways.append({k: failed[k] / came[k] for k in failed if came.get(k, 0) >= _ROWS})
        for way in (each for each in ways if len(each) > 1):
            tops.add((max if which in _HARD else min)(way, key=way.__getitem__))
    return frozenset(tops)


def _counts(answer: Answer, key: str, part: slice) -> Mapping[str, float]:
    """Return how much each value of a key counts among some rows."""
    own = answer.keys[key]
    codes = own.codes[part]
    weights = None if answer.weights is None else answer.weights[part][codes >= 0]
    counts = np.bincount(codes[codes >= 0], weights=weights, minlength=len(own.values))
    return dict(zip(own.values, counts.tolist(), strict=True))


def _beside(held: Sequence[Answer], one: Named, other: Named) -> str:
    """Return what rows with a value have of the key of another, where none has that one."""
    seen: dict[str, None] = {}
    for answer in held:
        if answer.kind == attributes.POINTS or not {one.key, other.key} <= answer.keys.keys():
            continue
        key = answer.keys[other.key]
        codes = key.codes[answer.having((one.key, frozenset({one.value})))]
        values, counts = np.unique(codes[codes >= 0], return_counts=True)
        if counts.sum() >= _FEW:
            seen |= dict.fromkeys(key.values[each] for each in values.tolist())
    if not seen or other.value in seen:
        return ""
    return f"the rows of {one.value} have {', '.join(seen)}"
