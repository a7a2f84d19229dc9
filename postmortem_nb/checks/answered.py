"""Contributing factors that no action or prevention measure answers, told by shared words.

A word weighs the more, the fewer rows of the document have it (its inverse document frequency).
What a factor and a measure share is taken by how much the factor and a usual measure of the
document say, and by whether the measure shares more with another factor: one word in common does
not make the action for the alert answer the factor about the alert's owner. A title that has words
of the factor's name counts beside that. The words of a service's name join nothing, and what is
watched or written down answers little of a factor, unless that says itself what would prevent it.
In a document whose factors share little with their measures, each needs less.

Measured on 172 factors of 34 postmortems that a measure answers, each judged by hand: none is
doubted; without the measures that answer it, 131 are found. Weights fitted on five sixths of the
documents, and measured on the rest: at most 1 and 135 to 137; fitted on the 18 older ones, and
measured on the 16 newer ones: 2 of 78 and 67; the other way: 1 of 94 and 69. (What is weighed was
chosen with all of them known.) Both factors that nothing answers are found, and of 102 that were
added from another document 92. Synonyms of the trade, and words rare in other documents, were tried
and made nothing better.
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
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

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
_BLANKS = {"prevention": 2.0, "contribution": 0.5}
"""How much words of a factor's blank weigh: it is wished for more than what it did."""
_TITLES = ("title", "name")
"""Blanks that say what a measure is."""
_NAMING = 0.3
"""What words of a factor's name in a measure's title count, beside what they weigh."""
_WATCHED, _LESS = frozenset({"runbooks", "dashboards", "monitors"}), 0.3
"""What is watched or written down, and how much of its likeness counts; all of it, for a factor
that says what would prevent it, which a dashboard or the order of a runbook often does."""
_NAMED, _NAMED_BY = 3, 0.7
"""Words of a factor's name, and the share of them, that a title has which surely answers it."""
_MIDDLE = 0.3
"""The likeness at least to which a middle factor is held: its own measures can be missing too."""
_LEAST = 0.23
"""The likeness from which on a factor is answered, in a document whose middle factor has 1."""


_ACCEPTED = re.compile(
    r"\bwe (?:\w+ )?accept(?:ed)? (?:it|this|that|the (?:risk|cost))\b"
    r"|\brisk (?:is |was )?accepted\b"
    r"|\baccepted (?:risk|for now|because|as an? (?:risk|cost))\b|\blive with (?:it|this|that)\b"
    r"|\bno action (?:is )?(?:planned|needed|wanted)\b",
    re.IGNORECASE,
)
"""How a factor says that no action is wanted."""


class _Factor(NamedTuple):
    """A contributing factor, its name's words, and what each word weighs by its blanks."""

    row: Row
    name: frozenset[str]
    words: dict[str, float]


class _Measure(NamedTuple):
    """An action or a prevention measure: the words of its title, and of all that it says."""

    title: frozenset[str]
    words: frozenset[str]
    watched: bool


def factors(case: Case) -> Iterator[Finding]:
    """Find contributing factors of which no action or measure speaks.

    A hint before a Draft has any: it is written from top to bottom, what answers a factor later.
    """
    services = _words(" ".join(map(str, case.fact("services") or ())).replace("-", " "))
    known = [_factor(row, services) for row in case.rows(TABLE) if row.get("name")]
    measures = [
        _measure(table, row, services)
        for table in (ACTIONS, *PREVENTION)
        for row in case.rows(table)
    ]
    alike = _alike(known, measures)
    best = [max(column) for column in zip(*alike, strict=True)]
    # A measure that shares more with another factor answers this one the less.
    answers = [
        max((one * one / top for one, top in zip(row, best, strict=True) if top), default=0.0)
        for row in alike
    ]
    # A document of few words shares few: it is held to what its other factors share.
    middle = sorted(answers)[len(answers) // 2] if answers else 0.0
    least = _LEAST * math.sqrt(max(middle, _MIDDLE))
    for factor, row, answer in zip(known, alike, answers, strict=True):
        named = any(_is_named(factor, measure) for measure in measures)
        if factor.words and answer <= least and not named and not _accepted(factor.row):
            begun = bool(measures) or reached(case, REVIEW)
            yield _finding(case, factor, alone=begun and not any(row))


def _is_named(factor: _Factor, measure: _Measure) -> bool:
    """Return whether a measure's title has nearly all words of a factor's name."""
    shared = len(factor.name & measure.title)
    return shared >= _NAMED and shared >= _NAMED_BY * len(factor.name)


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
    return _Factor(row, _words(str(row["name"])) - services, words)


def _measure(table: str, row: Row, services: frozenset[str]) -> _Measure:
    texts = _texts(row)
    title = " ".join(texts.get(blank, "") for blank in _TITLES)
    words = _words(" ".join(texts.values()))
    return _Measure(_words(title) - services, words - services, table in _WATCHED)


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


def _alike(factors: Sequence[_Factor], measures: Sequence[_Measure]) -> list[list[float]]:
    """Return what each factor shares with each measure, by how much it and a usual measure say.

    A document that tells much shares much by chance.
    """
    weights = _weights([*(each.words for each in factors), *(each.words for each in measures)])

    def sum_of(words: Iterable[str], parts: Mapping[str, float]) -> float:
        return sum(weights[word] * parts.get(word, 1.0) for word in words)

    usual = sum(sum_of(each.words, {}) for each in measures) / (len(measures) or 1)
    alike = []
    for factor in factors:
        said = math.sqrt(sum_of(factor.words, factor.words) * usual) or 1.0
        name = sum_of(factor.name, {}) or 1.0
        less = 1.0 if factor.row.get("prevention") else _LESS
        alike.append(
            [
                (less if one.watched else 1.0)
                * (
                    sum_of(factor.words.keys() & one.words, factor.words) / said
                    + _NAMING * sum_of(factor.name & one.title, {}) / name
                )
                for one in measures
            ]
        )
    return alike


RULES = (factors,)
