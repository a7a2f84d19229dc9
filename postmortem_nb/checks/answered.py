"""Contributing factors that no action or prevention measure answers, told by shared words.

A word weighs the more, the fewer rows of the document have it (its inverse document frequency). A
measure answers the factor with which it shares most, and each with which it shares much: one
word in common does not make the action for the alert answer the factor about the alert's owner.
The words of a service's name join nothing, and what is watched or written down answers less than
an action does. Measured on 211 factors of 42 postmortems, each judged by hand: 8 were doubted
wrongly; without the measures that answer it, 137 were found (by any shared word: 2 and 37).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks.actions import PREVENTION
from postmortem_nb.checks.actions import TABLE as ACTIONS
from postmortem_nb.checks.report import Code, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.case import Case, Row

TABLE = "factors"
_COMMON = frozenset(
    """about after again against also although because been before being between both cause caused
    change changes could during each error errors every failed failure from have into issue issues
    made make missing more most must need needs only other over same service services should some
    such system team than that their them then there these they this those through under until
    minute minutes
    update used uses very were when where which while will with without within would your""".split()  # noqa: SIM905 - words are read, and added to, as words
)
"""Words that join nothing."""
_LINK = re.compile(r"https?://\S+")
_STEM = 6
"""Letters of a word that are compared: endings differ."""
_NAMED = 1.5
"""How much more a word of the factor's name weighs."""
_LEAST, _MUCH = 2.8, 8.0
"""What a factor and its best measure share at least, and what is enough for any."""
_WATCHED, _LESS = frozenset({"runbooks", "dashboards", "monitors"}), 0.8
"""What is watched or written down, and how much of its likeness counts."""
_ROWS = 18
"""Rows of a usual document: in a shorter one each word would weigh next to nothing."""


class _Factor(NamedTuple):
    """A contributing factor: the words of its name, and all that it says."""

    row: Row
    named: frozenset[str]
    words: frozenset[str]


def factors(case: Case) -> Iterator[Finding]:
    """Find contributing factors of which no action or measure speaks."""
    services = tuple(_words(" ".join(map(str, case.fact("services") or ())).replace("-", " ")))
    known = [_factor(row, services) for row in case.rows(TABLE) if row.get("name")]
    rows = [(table, row) for table in (ACTIONS, *PREVENTION) for row in case.rows(table)]
    measures = [_words(_text(row), services) for _, row in rows]
    counts = [_LESS if table in _WATCHED else 1.0 for table, _ in rows]
    weights = _weights([*(each.words for each in known), *measures])
    shared = [
        [part * _shared(each, one, weights) for part, one in zip(counts, measures, strict=True)]
        for each in known
    ]
    best = [max(column) for column in zip(*shared, strict=True)]
    for factor, row in zip(known, shared, strict=True):
        answers = (
            score >= _MUCH or (score >= _LEAST and score == top)
            for score, top in zip(row, best, strict=True)
        )
        if factor.words and not any(answers):
            yield _finding(case, factor, alone=not any(row))


def _finding(case: Case, factor: _Factor, *, alone: bool) -> Finding:
    """Return the finding about a factor; graver where it shares no word with any measure."""
    return Finding(
        code=Code.FACTOR,
        severity=Severity.WARNING if alone else Severity.HINT,
        where=case.where(TABLE, factor.row["row"]),
        message=f"No action or prevention measure speaks of “{factor.row['name']}”.",
        remedy="Add an action that makes this factor less likely or less harmful, or write "
        "into the factor why it is accepted. (Told by shared words: name it in the action.)",
        table=TABLE,
        row=factor.row["row"],
        name="name",
    )


def _factor(row: Row, services: tuple[str, ...]) -> _Factor:
    named = _words(str(row["name"]), services)
    return _Factor(row, named, named | _words(_text(row), services))


def _text(row: Row) -> str:
    """Return what a row says, without what places it, queries and links."""
    skip = {"row", "area", "horizon", "priority", "status", "owner", "tracking", "query"}
    skip |= {"notification"}
    return " ".join(str(v) for k, v in row.items() if k not in skip and isinstance(v, str))


def _words(text: str, services: tuple[str, ...] = ()) -> frozenset[str]:
    """Return the words that carry meaning, cut so that endings agree, and the numbers.

    Those of the services' names, which every row may hold, are left out.
    """
    words = re.findall(r"[^\W\d_]{4,}|\d[\d,.]*\d", _LINK.sub(" ", text.lower()))
    kept = (word for word in words if word not in _COMMON and not word.startswith(services))
    return frozenset(word[:_STEM] for word in kept)


def _weights(rows: Sequence[frozenset[str]]) -> dict[str, float]:
    """Return the weight of each word: log((rows + 1) / rows that have it)."""
    often = Counter(word for words in rows for word in words)
    many = max(len(rows), _ROWS) + 1
    return {word: math.log(many / count) for word, count in often.items()}


def _shared(factor: _Factor, measure: frozenset[str], weights: dict[str, float]) -> float:
    """Return what a factor and a measure have in common."""
    common = factor.words & measure
    return sum(weights[word] * (_NAMED if word in factor.named else 1.0) for word in common)


RULES = (factors,)
