"""Contributing factors that no action or prevention measure answers, told by shared words.

A word weighs the more, the fewer rows of the document have it (its inverse document frequency).
What a factor and a measure share is taken by how much the factor and a usual measure of the
document say, and by whether the measure shares more with another factor: one word in common does
not make the action for the alert answer the factor about the alert's owner. The words of a
service's name join nothing, and what is watched or written down answers less than an action does.

Measured on 211 factors of 42 postmortems, each judged by hand: 8 were doubted wrongly; without the
measures that answer it, 167 were found. Weights fitted on five sixths of the documents only, and
measured on the rest: 9 and 161. In 9 other documents none of 47 was doubted, and 32 of 43 that
were added, or had lost a measure, were found.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks.actions import PREVENTION
from postmortem_nb.checks.actions import TABLE as ACTIONS
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.review import REVIEW, reached

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from postmortem_nb.checks.case import Case, Row

TABLE = "factors"
_COMMON = frozenset(
    """about after again against also although because been before being between both cause caused
    change changes could during each error errors every failed failure from have into issue issues
    made make missing more most must need needs only other over same service services should some
    such system team than that their them then there these they this those through under until
    minute minutes
    update used uses very were when where which while will with without within would your
    the and for was not but had has are its one two all any who how why our out off per too did
    can own""".split()  # noqa: SIM905 - words are read, and added to, as words
)
"""Words that join nothing."""
_LINK = re.compile(r"https?://\S+")
_ENDINGS = tuple("ments ment ations ation ings ing ies ied ers er ed es s ly e".split())  # noqa: SIM905 - as above
_LETTERS, _STEM = 3, 6
"""Letters that a word has at least, and those that are compared, without its ending."""
_PARTS = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where a name such as ``ConnMaxLifetime`` has a word's end."""
_PARTICLES = re.compile(r"\b([^\W\d_]{3,20})-(outs?|offs?|over|ups?|back|down|in)\b")
"""Words that are written in one and in two: back-off, time-out."""
_BLANKS = {"name": 1.25, "prevention": 1.5, "contribution": 0.75}
"""How much words of a factor's blank weigh: it is named and wished for more than what it did."""
_WATCHED, _LESS = frozenset({"runbooks", "dashboards", "monitors"}), 0.5
"""What is watched or written down, and how much of its likeness counts."""
_NAMED, _NAMED_BY = 3, 0.7
"""Words of a factor's name, and the share of them, that a title has which surely answers it."""
_LEAST = 0.13
"""The likeness from which on a factor is answered."""


_ACCEPTED = re.compile(
    r"\bwe (?:\w+ )?accept(?:ed)? (?:it|this|that|the (?:risk|cost))\b"
    r"|\brisk (?:is |was )?accepted\b"
    r"|\baccepted (?:risk|for now|because|as an? (?:risk|cost))\b|\blive with (?:it|this|that)\b"
    r"|\bno action (?:is )?(?:planned|needed|wanted)\b",
    re.IGNORECASE,
)
"""How a factor says that no action is wanted."""


class _Factor(NamedTuple):
    """A contributing factor, and what each of its words weighs by the blanks that have it."""

    row: Row
    words: dict[str, float]


def factors(case: Case) -> Iterator[Finding]:
    """Find contributing factors of which no action or measure speaks.

    A hint before a Draft has any: it is written from top to bottom, what answers a factor later.
    """
    services = _words(" ".join(map(str, case.fact("services") or ())).replace("-", " "))
    known = [_factor(row, services) for row in case.rows(TABLE) if row.get("name")]
    rows = [(table, row) for table in (ACTIONS, *PREVENTION) for row in case.rows(table)]
    measures = [_words(" ".join(_texts(row).values())) - services for _, row in rows]
    counts = [_LESS if table in _WATCHED else 1.0 for table, _ in rows]
    weights = _weights([*(each.words.keys() for each in known), *measures])
    usual = sum(weights[word] for words in measures for word in words) / (len(measures) or 1)
    alike = [
        [
            part * one
            for part, one in zip(counts, _alike(each, measures, weights, usual), strict=True)
        ]
        for each in known
    ]
    best = [max(column) for column in zip(*alike, strict=True)]
    for factor, row in zip(known, alike, strict=True):
        # A measure that shares more with another factor answers this one the less.
        answer = max(
            (one * one / top for one, top in zip(row, best, strict=True) if top), default=0
        )
        named = any(_is_named(factor.row, measure) for _, measure in rows)
        if factor.words and answer < _LEAST and not named and not _accepted(factor.row):
            begun = bool(rows) or reached(case, REVIEW)
            yield _finding(case, factor, alone=begun and not any(row))


def _is_named(factor: Row, measure: Row) -> bool:
    """Return whether a measure's title has nearly all words of a factor's name."""
    name = _words(str(factor["name"]))
    shared = name & _words(str(measure.get("title") or ""))
    return len(shared) >= _NAMED and len(shared) >= _NAMED_BY * len(name)


def _accepted(row: Row) -> bool:
    """Return whether a factor says of itself that it is accepted."""
    return any(_ACCEPTED.search(each) for each in _texts(row).values())


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


def _factor(row: Row, services: frozenset[str]) -> _Factor:
    words: dict[str, float] = {}
    for blank, text in _texts(row).items():
        weight = _BLANKS.get(blank, 1.0)
        words |= {word: max(weight, words.get(word, 0)) for word in _words(text) - services}
    return _Factor(row, words)


def _texts(row: Row) -> dict[str, str]:
    """Return what a row says by blank, without what places it, queries and links."""
    skip = {"row", "area", "horizon", "priority", "status", "owner", "tracking", "query"}
    skip |= {"notification"}
    return {k: v for k, v in row.items() if k not in skip and isinstance(v, str)}


def _words(text: str) -> frozenset[str]:
    """Return the words that carry meaning, cut so that endings agree, and the longer numbers.

    Two measures can speak of “10 minutes” by chance.
    """
    text = _PARTICLES.sub(r"\1\2", _PARTS.sub(" ", _LINK.sub(" ", text)).lower())
    words = re.findall(r"[^\W\d_]{3,}|\d[\d,.]+\d", text)
    return frozenset(_stem(word) for word in words if word not in _COMMON)


def _stem(word: str) -> str:
    """Return the word without its ending, at least three letters of it: retry, retries, retried."""
    fits = (end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= _LETTERS)
    end = next(fits, "")
    stem = word.removesuffix(end) + ("y" if end in {"ies", "ied"} else "")
    doubled = len(stem) > _LETTERS and stem[-1] == stem[-2]
    return stem[: len(stem) - doubled][:_STEM]


def _weights(rows: Sequence[Collection[str]]) -> dict[str, float]:
    """Return the weight of each word: log((rows + 1) / rows that have it)."""
    often = Counter(word for words in rows for word in words)
    return {word: math.log((len(rows) + 1) / count) for word, count in often.items()}


def _alike(
    factor: _Factor, measures: Sequence[frozenset[str]], weights: dict[str, float], usual: float
) -> list[float]:
    """Return what a factor shares with each measure, by how much it and a usual measure say.

    A document that tells much shares much by chance.
    """
    weighed = {word: weights[word] * part for word, part in factor.words.items()}
    said = math.sqrt(sum(weighed.values()) * usual) or 1.0
    return [sum(weighed[word] for word in weighed.keys() & one) / said for one in measures]


RULES = (factors,)
