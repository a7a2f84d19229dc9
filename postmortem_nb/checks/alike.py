"""One figure told in two places with two values, whatever it is of.

Figures are compared where they count the same thing (or are versions of one thing, or large bare
numbers) and their sentences share words. One that stands nowhere else is doubted where its rival
stands twice, or shares more.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import language
from postmortem_nb.checks import events, single, written
from postmortem_nb.checks.claims import PEOPLE
from postmortem_nb.checks.reading import TEXTS, about, is_read, is_shown, sentences
from postmortem_nb.checks.report import Code, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case, Cell, Row
    from postmortem_nb.checks.report import Finding

_VERSION = re.compile(
    r"\b(?!(?:at|to|of|by|from|with|than|under|over|was|were|is|are|about|only|and|or|the|"
    r"around|on|in|for|since|after|before|until|still|runs?|ran|not|between|version|v)\s)"
    r"(?P<name>[a-z][\w-]*[a-z])\s(?P<value>v?\d+(?:\.\d+){1,3})(?![\w%.]*[\w%])"
    r"(?!\s?(?:s|ms|%|min|minutes|seconds|hours|GB|MB|KB|times|percent|million|k)\b)",
    re.IGNORECASE,
)
_LARGE = re.compile(r"(?<![\w.,:/$€£#-])(?:\d{1,3}(?:,\d{3})+|\d{3,7})(?![\w%:-]|[.,]\d)")
_SIZED = re.compile(
    rf"\b(?!instead\b)(?P<noun>[a-z]{{4,}})\sof\s(?P<size>{written.NUMERAL})(?![\w%:-]|[.,]\d|"
    r"\s?%|\s"
    r"(?!was\b|is\b|has\b)[a-z]+s\b)",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r"(?<![\w.,])(?P<share>\d+(?:\.\d+)?)\s?(?:%|percent)\sof\s(?:the\s|our\s|their\s|its\s|all\s)*"
    r"(?P<whole>[a-z-]+(?:\s[a-z]+)?)",
    re.IGNORECASE,
)
_WHO = re.compile(PEOPLE, re.IGNORECASE)
_TIMES = re.compile(
    rf"\b(?P<verb>[a-z]{{3,}})\s(?:(?:each|every|the|it)\s(?:[a-z]+\s"
    rf")?)?(?P<count>{written.NUMERAL})\stimes\b",
    re.IGNORECASE,
)
_CHANGE = re.compile(r"\bfrom\s(?P<old>\d[\d,.]*\d|\d)\sto\s(?P<new>\d[\d,.]*\d|\d)(?![\w:%])")
_OF = re.compile(
    rf"\b(?P<part>{written.NUMERAL})\sof\s(?:the\s|our\s|all\s)*(?P<whole>{written.NUMERAL})\s"
    r"(?:[a-z-]+\s)?(?P<noun>[a-z]{3,}s)\b",
    re.IGNORECASE,
)
_FRACTION = re.compile(
    rf"\b(?P<share>{'|'.join(sorted(written.FRACTIONS, key=len, reverse=True))})\s(?:of\s"
    r")?(?:all\s|our\s|"
    r"the\s|all of\s)+(?P<noun>[a-z]{3,}s)\b",
    re.IGNORECASE,
)
_PARTIAL = re.compile(
    r"\b(?:other|another|more|further|additional|remaining|rest|each|every|per|about|first|last|"
    r"of (?:them|these|those|which))\b",
    re.IGNORECASE,
)
_INSTEAD = re.compile(r"\b(?:instead of|rather than|not)\s$", re.IGNORECASE)
ELSEWHEN = re.compile(
    r"\b(?:would|should|could(?=\s(?:have|be)\b)|might|may|will|if|had (?:it|we|they)|last "
    r"year|a year ago|years?|"
    r"in (?:the )?(?:spring|summer|autumn|winter)|in (?:January|February|March|April|May|June|"
    r"July|August|September|October|November|December)|until 20\d\d|20\d\d|previous\w*|earlier|"
    r"expects?|is expected|goal|normal\w*|usual\w*|today|next|planned|test environment|since)\b"
    r"|\b(?-i:[A-Z]{2,}-\d+)\b",
    re.IGNORECASE,
)
"""In a sentence: its figures may be of another time, of another incident, or of a plan."""
_PLAIN_NOUNS = frozenset(
    "minutes hours seconds days weeks months years times things ways steps points".split()  # noqa: SIM905
)
LONGEST = 8_000
"""Characters of a blank that are read."""
MOST = 400
"""Figures of a document that are compared: a text of nothing else must not slow a form."""
_PLANS = frozenset({"actions", "monitors", "similar", "approvals", "sharing"})
"""Tables that tell of other times: what will be, or what was in another incident."""
_NAMED = ("process_changes", "technical_changes")
_TITLE = 0.7
"""Share of an action's words that a change has where it is the same one."""
_NEEDED = {"from": 0.5, "to": 0.5, "x": 0.5, "v": 0.5, "size": 1.0, "%": 1.0, "of": 1.0}
"""Kind of figure that says much of what it is of → the words that two must share."""


class _Item(NamedTuple):
    """A figure: what it is of, its value, the words around it."""

    head: str
    low: float
    high: float
    stems: frozenset[str]
    said: str
    fact: bool


def alike(case: Case) -> Iterator[Finding]:
    """Find figures that another blank has otherwise, and nothing else has as they are."""
    told = [(cell, each) for cell, items in _read(case) for each in items][:MOST]
    by: dict[str, list[tuple[Cell, _Item]]] = defaultdict(list)
    for cell, each in told:
        by[each.head].append((cell, each))
    often = Counter(stem for _, each in told for stem in each.stems)
    for head, items in by.items():
        every = [*items, *_wholes(head, by)]
        if len(every) < 2:
            continue
        for cell, each in items:
            if each.fact and (is_read(cell) or is_shown(cell)):
                rival = _rival(cell, each, every, often)
                if rival:
                    other, item = rival
                    place = case.where(other.table, other.row, other.column.name)
                    yield about(case, cell, f"“{each.said}”, but “{item.said}” under {place}.")
    yield from _fractions(case)


def dues(case: Case) -> Iterator[Finding]:
    """Find a change due on another day than the action that makes it."""
    for table in ("process_changes", "technical_changes"):
        for row in case.rows(table):
            words = _words(row, ("name", "new", "target"))
            for action in case.rows("actions"):
                same = row.get("owner") == action.get("owner") is not None
                title = _words(action, ("title",))
                near = len(words & title) > max(2, _TITLE * len(title))
                both = row.get("due") and action.get("due")
                if same and near and both and row["due"] != action["due"]:
                    yield single.about(
                        case,
                        Code.DATE,
                        "due",
                        message=f"Due on {row['due']}, but the action “{action['title']}” on "
                        f"{action['due']}.",
                        remedy="Correct one of the two dates.",
                        severity=Severity.HINT,
                        at=(table, row["row"]),
                    )


def _words(row: Row, columns: Sequence[str]) -> frozenset[str]:
    return events.stems(" ".join(str(row.get(each) or "") for each in columns))


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (alike, dues)


def _fractions(case: Case) -> Iterator[Finding]:
    """Find “half of our regions” where others count three of eight."""
    parts: dict[str, list[tuple[Cell, float, str]]] = defaultdict(list)
    for cell, items in _read(case):
        for each in items:
            match = re.fullmatch(r"of (?P<whole>\d+) (?P<noun>\S+)", each.head)
            if match and each.fact:
                share = 100 * each.low / float(match["whole"])
                parts[match["noun"]].append((cell, share, each.said))
    for cell in case.cells if parts else ():
        if is_read(cell) and cell.column.kind in {"prose", "line"}:
            for noun, low, high, said in _shared(str(cell.value)):
                others = [each for each in parts.get(noun, ()) if each[0] is not cell]
                if others and not any(low <= share <= high for _, share, _ in others):
                    other, _, words = others[0]
                    place = case.where(other.table, other.row, other.column.name)
                    yield about(case, cell, f"“{said}”, but “{words}” under {place}.")


@lru_cache(maxsize=TEXTS)
def _shared(text: str) -> tuple[tuple[str, float, float, str], ...]:
    """Return the fractions that a text tells of things that can be counted."""
    found = []
    for sentence in sentences(language.mask(text[:LONGEST])):
        for match in () if ELSEWHEN.search(sentence) else _FRACTION.finditer(sentence):
            low, high = written.FRACTIONS[match["share"].lower()]
            found.append((events.stem(match["noun"].lower()), low, high, match.group()))
    return tuple(found)


def _wholes(head: str, by: Mapping[str, list[tuple[Cell, _Item]]]) -> Sequence[tuple[Cell, _Item]]:
    """Return the plain counts of what is counted in parts, those of no whole."""
    match = re.fullmatch(r"of (?P<whole>\d+) (?P<noun>\S+)", head)
    counts = by.get(match["noun"], []) if match else []
    whole = float(match["whole"]) if match else 0.0
    return [(cell, each) for cell, each in counts if each.high < whole]


def _slip(one: float, other: float) -> bool:
    """Return whether two numbers differ in one digit, or by two that changed places."""
    a, b = f"{one:.0f}", f"{other:.0f}"
    if len(a.rstrip("0")) < 3 or len(b.rstrip("0")) < 3:
        return False
    apart = sum(x != y for x, y in zip(a, b, strict=False))
    return len(a) == len(b) and (apart == 1 or (apart == 2 and sorted(a) == sorted(b)))


def _read(case: Case) -> Iterator[tuple[Cell, Sequence[_Item]]]:
    """Yield the figures of each blank; a row's name tells what its other blanks are of."""
    names = {
        (table, row["row"]): events.stems(str(row["name"]))
        for table in _NAMED
        for row in case.rows(table)
        if row.get("name")
    }
    for cell in case.cells:
        plan = cell.table in _PLANS or (cell.table in _NAMED and cell.column.name != "current")
        if cell.column.kind in {"prose", "line"} and not plan:
            items = _items(str(cell.value))
            name = names.get((cell.table, cell.row), frozenset())
            yield cell, [each._replace(stems=each.stems | name) for each in items if items]


def _rival(
    cell: Cell, one: _Item, every: Sequence[tuple[Cell, _Item]], often: Mapping[str, int]
) -> tuple[Cell, _Item] | None:
    """Return another value of a figure that stands firmer; None where this one stands twice."""
    others = [(there, each) for there, each in every if each is not one]
    if any(each.low <= one.high and one.low <= each.high for _, each in others):
        return None
    values = Counter(each.low for _, each in others)
    best: tuple[float, Cell, _Item] | None = None
    for there, each in others:
        if there == cell:
            continue
        shared = one.stems & each.stems
        weight = sum(1.0 if often[stem] <= 4 else 0.5 for stem in shared)
        firm = values[each.low] > 1
        needed = _NEEDED.get(one.head.partition(" ")[0], 1.0 if firm else 2.0)
        needed = 0.0 if firm and one.head.startswith("of ") else needed
        ends = [item for _, item in every if item is one or item is each]
        doubted = firm or ends[-1] is one or not (is_read(there) or is_shown(there))
        if one.head == "#" and not _slip(one.low, each.low):
            continue
        if each.fact and doubted and weight >= needed and (best is None or weight > best[0]):
            best = weight, there, each
    return (best[1], best[2]) if best else None


@lru_cache(maxsize=TEXTS)
def _items(text: str) -> tuple[_Item, ...]:
    """Return the figures of a text that can have a twin; kept until it is edited."""
    if not re.search(r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten)\b", text):
        return ()
    found: list[_Item] = []
    for sentence in sentences(language.mask(text[:LONGEST])):
        fact = not ELSEWHEN.search(sentence)
        words = events.stems(sentence)
        found += _counts(sentence, words, fact=fact)
        for match in _SIZED.finditer(sentence):
            noun = events.stem(match["noun"].lower())
            value = written.numeral(match["size"])
            found.append(_item(f"size {noun}", value, words - {noun}, match.group(), fact=fact))
        for match in _PERCENT.finditer(sentence):
            if not _WHO.search(match["whole"]):
                noun = max(events.stems(match["whole"]), default="")
                value = float(match["share"])
                found.append(_item(f"% {noun}", value, words - {noun}, match.group(), fact=fact))
        for match in _VERSION.finditer(sentence):
            name = match["name"].lower().rpartition("-")[2]
            value = _ordinal(match["value"])
            found.append(_item(f"v {name}", value, words, match.group(), fact=fact))
        for match in _TIMES.finditer(sentence):
            head = f"x {events.stem(match['verb'].lower())}"
            value = written.numeral(match["count"])
            found.append(_item(head, value, words, match.group(), fact=fact))
        for match in _LARGE.finditer(sentence):
            value = float(match.group().replace(",", ""))
            found.append(_item("#", value, words, match.group(), fact=fact))
        for match in _CHANGE.finditer(sentence):
            old, new = (float(match[side].replace(",", "")) for side in ("old", "new"))
            found.append(_item(f"from {old:g}", new, words, match.group(), fact=fact))
            found.append(_item(f"to {new:g}", old, words, match.group(), fact=fact))
    return tuple(found)


def _counts(sentence: str, words: frozenset[str], *, fact: bool) -> Iterator[_Item]:
    """Yield the things that a sentence counts, and the parts of them."""
    parts = list(_OF.finditer(sentence))
    for match in parts:
        part, whole = (written.numeral(match[side]) for side in ("part", "whole"))
        noun = events.stem(match["noun"].lower())
        said = match.group()
        if _PARTIAL.search(sentence[max(0, match.start() - 16) : match.start()]):
            continue
        yield _item(f"of {whole:g} {noun}", part, words, said, fact=fact)
    for figure in written.figures(sentence):
        if figure.kind != "count" or any(
            each.start() < figure.end and figure.begin < each.end() for each in parts
        ):
            continue
        near = sentence[max(0, figure.begin - 16) : figure.end + 10]
        instead = _INSTEAD.search(sentence[: figure.begin])
        if figure.noun in _PLAIN_NOUNS or instead or _PARTIAL.search(near):
            continue
        noun = events.stem(figure.noun)
        said = sentence[figure.begin : figure.end]
        yield _Item(noun, figure.low, figure.high, words - {noun}, said, fact)


def _item(head: str, value: float, words: frozenset[str], said: str, *, fact: bool) -> _Item:
    return _Item(head, value, value, words - events.stems(head), said, fact)


def _ordinal(version: str) -> float:
    """Return a number that two versions share only where they are the same."""
    parts = [int(each) for each in version.lstrip("vV").split(".")]
    return float(sum(part * 1000.0 ** (3 - at) for at, part in enumerate(parts)))
