"""What the document bears: the figures of its fields, measures, sentences and metrics."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import times
from postmortem_nb.checks import derived, events, frozenrows, items, written
from postmortem_nb.checks.claims import PERSON
from postmortem_nb.checks.reading import TEXTS, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from postmortem_nb.checks.attributes import Named
    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.frozenrows import Happened
    from postmortem_nb.checks.written import Figure
    from postmortem_nb.incident import Incident

_CLAUSE = re.compile(r"[;()]|:(?!\d)|,\s|\s[–—]\s|\b(?:but|while|because|where|which|who|when)\b")
PARTIAL = re.compile(
    r"\b(?:of (?:them|these|those|which|whom|the \w+)|alone|each|apiece|more(?!\sthan)|another|"
    r"further|other|"
    r"additional|extra|first|last|remaining|rest|instead|before|by|only in|in the \w+ "
    r"hour|until(?! (?:the|our) (?:roll-?back|revert|fix|recovery|end|restart)))\b",
    re.IGNORECASE,
)
"""In a clause: its figure may be of a part."""
_DIGITS = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?")
_EXACT = 0.05
"""Share by which a rounded number may differ, and still say of whom it is."""
_MANY = 20
"""From here on a number says by itself of whom it is."""
_REQUESTS = frozenset(map(events.stem, ("requests", "calls")))
LONGEST_BLANK = 8_000
"""Characters of a blank whose figures bear others."""


class _Held(NamedTuple):
    """A figure of the document, with its noun, and the words of its sentence."""

    kind: str
    low: float
    high: float
    sentence: str
    noun: str
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bears:
    """What the rest of the document bears."""

    by: Mapping[str, Sequence[_Held]]
    """Kind → the figures of the document."""
    numbers: frozenset[float]
    rates: Sequence[tuple[float, float]]
    peaks: Sequence[dt.datetime]
    people: frozenset[str]
    """The nouns that stand by the number of those affected: “3,480 publishers”."""
    requests: frozenset[str]
    """Those that stand by the number of what failed, and requests themselves."""


def clause(sentence: str, figure: Figure) -> str:
    """Return the clause of a sentence that a figure stands in."""
    before = _CLAUSE.split(sentence[: figure.begin])[-1]
    after = _CLAUSE.split(sentence[figure.end :])[0]
    return f"{before}{sentence[figure.begin : figure.end]}{after}"


def nameless(sentence: str, names: Sequence[Named]) -> str:
    """Return a sentence, as long as it is, without its names: QueueFull is no queue."""
    for each in names:
        gap = "_" * (each.end - each.begin)
        sentence = f"{sentence[: each.begin]}{gap}{sentence[each.end :]}"
    return sentence


def fits(figure: Figure, number: float) -> bool:
    """Return whether a figure can mean a number."""
    return figure.low <= number <= figure.high


def value(case: Case, name: str) -> float | None:
    """Return a measure, else a stated fact, where it is a number."""
    measure = case.measures.get(name)
    known = measure.value if measure else case.fact(name)
    return float(known) if isinstance(known, (int, float)) else None


def told(known: Bears, sentence: str, figure: Figure) -> bool:
    """Return whether another sentence has the same figure for the like."""
    own = events.stems(sentence) | _others(sentence, figure)
    return any(
        each.sentence != sentence
        and each.low <= figure.high
        and figure.low <= each.high
        and (own & each.stems or figure.kind == "money")
        and not _apart(known, events.stem(figure.noun), each.noun)
        for each in known.by.get(figure.kind, ())
    )


def _apart(known: Bears, one: str, other: str) -> bool:
    """Return whether one noun is of those affected, and the other of what failed."""
    return any(a in known.people and b in known.requests for a, b in ((one, other), (other, one)))


def alike(known: Bears, sentence: str, figure: Figure) -> bool:
    """Return whether another sentence with a figure of the kind is of the like."""
    own = events.stems(sentence)
    held = known.by.get(figure.kind, ())
    return any(each.sentence != sentence and len(own & each.stems) > 1 for each in held)


def _others(sentence: str, figure: Figure) -> frozenset[str]:
    """Return the other numbers of a sentence: those who tell of one thing share them too."""
    rest = f"{sentence[: figure.begin]} {sentence[figure.end :]}"
    return frozenset(_DIGITS.findall(rest))


_PERSON = re.compile(rf"\b({PERSON})s?\b", re.IGNORECASE)
_WHOEVER = frozenset({"user", "customer", "client", "account", "member", "consumer", "individual"})
"""Nouns that any of them may have."""
_OFTEN = 3


@lru_cache(maxsize=4)
def _people(case: Case) -> Counter[str]:
    """Return how often a document names people of each kind."""
    texts = (str(cell.value) for cell in case.cells if cell.column.kind in {"prose", "line"})
    return Counter(each.lower() for text in texts for each in _PERSON.findall(text))


def are_others(case: Case, match: re.Match[str]) -> bool:
    """Return whether people are of a kind that is named only here, where another is often."""
    said = {each.lower() for each in _PERSON.findall(match.group())}
    known = _people(case)
    rivals = (each for each in known.keys() - _WHOEVER - said if known[each] >= _OFTEN)
    return bool(said - _WHOEVER) and all(known[each] == 1 for each in said) and any(rivals)


_WORD = re.compile(r"[a-z]+")
_LETTERS = 4
"""Letters that the noun of a metric has more than."""


@lru_cache(maxsize=2)
def known(incident: Incident, case: Case) -> Bears:
    """Return what the document bears, each figure with the sentence it stands in."""
    by: dict[str, list[_Held]] = {}
    numbers: set[float] = set()
    for cell in case.cells:
        if isinstance(cell.value, (int, float)) and not isinstance(cell.value, bool):
            numbers.add(float(cell.value))
        elif cell.column.kind in {"prose", "line"}:
            if cell.column.name == "regions":
                numbers.update(float(n.replace(",", "")) for n in _DIGITS.findall(str(cell.value)))
            for each in _held(str(cell.value)):
                by.setdefault(each.kind, []).append(each)
    by.setdefault("clock", []).extend(
        _happened(each) for each in frozenrows.happened(incident, case)
    )
    curves = [each for each in derived.drawn(incident, case) if len(each.levels)]
    rates = [
        (float(each.levels.min()), float(each.levels.max()))
        for each in curves
        if derived.measures(each, "rate")
    ]
    tops = [int(each.moments[each.levels.argmax()]) for each in curves]
    peaks = [times.EPOCH + dt.timedelta(microseconds=each) for each in tops]
    people = _counting(by, value(case, "affected_total") or value(case, "affected_users"))
    requests = _REQUESTS | _counting(by, value(case, "failed_requests")) | _counted(curves)
    return Bears(by, frozenset(numbers), rates, peaks, people - requests, requests - people)


def _happened(event: Happened) -> _Held:
    """Return the clock of a frozen event, with the words of its title."""
    minute = 60 * event.at.hour + event.at.minute
    return _Held("clock", minute, minute, event.title, "", events.stems(event.title))


def _counted(curves: Sequence[Curve]) -> frozenset[str]:
    """Return the nouns of what came by the metrics that count what failed: “payouts.rejected”."""
    bad = [each for each in curves if derived.is_bad(each.query)]
    words = {word for each in bad for word in _WORD.findall(each.query.partition("{")[0].lower())}
    words.update(each.unit.lower() for each in bad)
    return frozenset(events.stem(word) for word in words if len(word) > _LETTERS)


def _counting(by: Mapping[str, Sequence[_Held]], total: float | None) -> frozenset[str]:
    """Return the nouns of which a document has a number, where it says by itself of what it is."""
    if not total or total < _MANY:
        return frozenset()
    return frozenset(
        each.noun
        for each in by.get("count", ())
        if each.low <= total <= each.high and each.high - each.low <= _EXACT * total
    )


@lru_cache(maxsize=TEXTS)
def _held(text: str) -> tuple[_Held, ...]:
    return tuple(
        _Held(
            each.kind,
            each.low,
            each.high,
            sentence,
            events.stem(each.noun),
            events.stems(sentence) | _others(sentence, each),
        )
        for sentence in sentences(text[:LONGEST_BLANK])
        for each in (*written.figures(sentence), *_wholes(sentence))
    )


def _wholes(sentence: str) -> Iterator[Figure]:
    """Yield the wholes of which a sentence counts a part, and its share: “3 of our 5 markets”."""
    for match in items.PARTS.finditer(sentence):
        part, count = written.numeral(match["part"]), written.numeral(match["whole"])
        noun, share = match["noun"].lower(), 100 * part / count if count else 0.0
        yield written.Figure("count", count, count, *match.span("whole"), noun)
        if count >= _MANY:
            yield written.Figure("count", part, part, *match.span("part"), noun)
        if 0 < share < 100 and count >= _MANY:
            yield written.Figure("share", share - 0.6, share + 0.6, *match.span(), noun)
