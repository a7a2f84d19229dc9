"""One figure told in two places with two values, whatever it is of.

Figures are compared where they count the same thing (or are versions of one thing, or large bare
numbers) and their sentences share words. One that stands nowhere else is doubted where its rival
stands twice, or shares more.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb import language
from postmortem_nb.checks import events, portions, written
from postmortem_nb.checks.items import ELSEWHEN, LONGEST, Item, read_items
from postmortem_nb.checks.reading import TEXTS, WISHES, about, final, is_read, is_shown, sentences
from postmortem_nb.checks.report import Severity
from postmortem_nb.checks.slips import NUMBERS, one_off, portioned, turned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

_FRACTION = re.compile(
    rf"\b(?P<share>{'|'.join(sorted(written.FRACTIONS, key=len, reverse=True))})\s(?:of\s"
    r")?(?:all\s|our\s|"
    r"the\s|all of\s)+(?P<noun>[a-z]{3,}s)\b",
    re.IGNORECASE,
)
_ALERTING = re.compile(r"\b(?:thresholds?|alerts?|monitors?)\b", re.IGNORECASE)
"""In a sentence with a fraction: it may be one of what would be told."""
_DENIED = re.compile(r"\s(?:\w+\s)?(?:never|not|no longer|\w+n[’']t)\b", re.IGNORECASE)
"""Behind a fraction: it is of those of whom another thing holds than was counted."""
MOST = 400
"""Figures of a document that are compared: a text of nothing else must not slow a form."""
_PLANS = frozenset({"actions", "monitors", "similar", "approvals", "sharing"})
"""Tables that tell of other times: what will be, or what was in another incident."""
_CHANGES = ("process_changes", "technical_changes")
_ENOUGH = 2
"""Digits before its zeros that a number has more of where a slip of the pen shows in it."""
_NEEDED = {"from": 0.5, "to": 0.5, "x": 0.5, "v": 0.5, "size": 1.0, "%": 1.0, "of": 1.0}
_NEEDED |= {"u": 1.0, "code": 1.0, "id": 2.0, "date": 2.0}
"""Kind of figure that says much of what it is of → the words that two must share."""
_OFTEN, _MEANT = 2, frozenset({"code", "id"})
"""Blanks with one code, and no other, that say which one is meant."""
_ROUNDED = 3.0
_OF_WHOLE = re.compile(r"of (?P<whole>\d+) ")
_BEHIND = 16
"""Characters behind a part that say whether it failed."""
_FEW = re.compile(r"of (?:\d|1\d|20) ")
"""A part of a few things."""
_BACK = re.compile(r"\b(?:roll\w*|revert\w*|back)\b", re.IGNORECASE)
_FIRM = frozenset({"code", "id", "date"})
"""Kinds of which a document names several: one is doubted only for one that stands twice."""


def alike(case: Case) -> Iterator[Finding]:
    """Find figures that another blank has otherwise, and nothing else has as they are."""
    told = [(cell, each) for cell, items in _read(case) for each in items][:MOST]
    late = final(case)
    by: dict[str, list[tuple[Cell, Item]]] = defaultdict(list)
    for cell, each in told:
        by[each.head].append((cell, each))
    held = {float(cell.value) for cell in case.cells if cell.column.kind in NUMBERS}
    said = {(cell.table, cell.row, cell.column.name, each.stems) for cell, each in told}
    often = Counter(stem for *_, stems in said for stem in stems)
    for head, items in by.items():
        every = [*items, *_wholes(head, by)]
        if len(every) < 2:
            continue
        for cell, each in items:
            plain = " " not in head and head not in {"#", "date"}
            if each.fact and (is_read(cell) or is_shown(cell) or cell.row in late):
                rival = _rival(cell, each, every, often)
                known = head == "#" and each.low in held
                written = rival and plain and not _miswritten(each.low, rival[1].low)
                borne = rival and head.startswith("v ") and _is_borne(case, cell, each.said)
                if rival and not known and not written and not borne:
                    other, item = rival
                    place = case.where(other.table, other.row, other.column.name)
                    doubt = f"“{each.said}”, but “{item.said}” under {place}."
                    yield about(case, cell, doubt, severity=Severity.HINT)
    yield from _fractions(case)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (alike,)


def _fractions(case: Case) -> Iterator[Finding]:
    """Find “half of our regions” where others count three of eight."""
    parts: dict[str, list[tuple[Cell, float, str]]] = defaultdict(list)
    for cell, items in _read(case):
        for each in items:
            match = re.fullmatch(r"of (?P<whole>\d+) (?P<noun>\S+)", each.head)
            whole = float(match["whole"]) if match else 0.0
            behind = str(cell.value).partition(each.said)[2][:_BEHIND]
            of_failed = portions.BAD.search(each.said + behind)  # the others are of all that came
            if match and whole and each.fact and not of_failed:
                share = 100 * each.low / whole
                parts[match["noun"]].append((cell, share, each.said))
    for cell in case.cells if parts else ():
        if is_read(cell) and cell.column.kind in {"prose", "line"}:
            for noun, low, high, said in _shared(str(cell.value)):
                others = [each for each in parts.get(noun, ()) if each[0] is not cell]
                rest = cell.column.name == "remaining"
                shares = [100 - share if rest else share for _, share, _ in others]
                if others and not any(low <= share <= high for share in shares):
                    other, _, words = others[0]
                    place = case.where(other.table, other.row, other.column.name)
                    doubt = f"“{said}”, but “{words}” under {place}."
                    yield about(case, cell, doubt, severity=Severity.HINT)


@lru_cache(maxsize=TEXTS)
def _shared(text: str) -> tuple[tuple[str, float, float, str], ...]:
    """Return the fractions that a text tells of things that can be counted."""
    found = []
    for sentence in sentences(language.mask(text[:LONGEST])):
        other = ELSEWHEN.search(sentence) or _ALERTING.search(sentence)
        for match in () if other else _FRACTION.finditer(sentence):
            if _DENIED.match(sentence, match.end()):
                continue
            low, high = written.FRACTIONS[match["share"].lower()]
            found.append((events.stem(match["noun"].lower()), low, high, match.group()))
    return tuple(found)


def _wholes(head: str, by: Mapping[str, list[tuple[Cell, Item]]]) -> Sequence[tuple[Cell, Item]]:
    """Return the plain counts of what is counted in parts, those of no whole."""
    match = re.fullmatch(r"of (?P<whole>\d+) (?P<noun>\S+)", head)
    counts = by.get(match["noun"], []) if match else []
    whole = float(match["whole"]) if match else 0.0
    return [(cell, each) for cell, each in counts if each.high < whole]


def _is_borne(case: Case, own: Cell, said: str) -> bool:
    """Return whether a version gone back to stands in other blanks too, in whatever words."""
    if not _BACK.search(str(own.value)):
        return False
    pattern = re.compile(_last(said))
    texts = (
        str(cell.value) for cell in case.cells if cell is not own and isinstance(cell.value, str)
    )
    return sum(bool(pattern.search(text)) for text in texts) >= _OFTEN


def _last(said: str) -> str:
    """Return how a text has the figure that is said of a product: “release 2.16.0”; else all."""
    last = said.rsplit(maxsplit=1)[-1] if said[-1].isdigit() else said
    return rf"(?<![\w.]){re.escape(last)}(?!\w|\.\d)"


def _slip(one: float, other: float) -> bool:
    """Return whether two numbers differ in one digit, or by two that changed places."""
    a, b = f"{one:.0f}", f"{other:.0f}"
    known = min(len(a.rstrip("0")), len(b.rstrip("0"))) > _ENOUGH
    return known and (one_off(a, b) or turned(a, b))


def _miswritten(one: float, other: float) -> bool:
    """Return whether one of two numbers looks like a slip of the pen for the other."""
    return _slip(one, other) or _tenfold(one, other)


def _tenfold(one: float, other: float) -> bool:
    """Return whether a number of two digits or more is another with a zero left out or added."""
    low, high = sorted((one, other))
    return high == 10 * low and len(f"{low:.0f}".rstrip("0")) > 1


def _read(case: Case) -> Iterator[tuple[Cell, Sequence[Item]]]:
    """Yield the figures of each blank; a row's name tells what its other blanks are of."""
    names = {
        (table, row["row"]): events.stems(str(row["name"]))
        for table in _CHANGES
        for row in case.rows(table)
        if row.get("name")
    }
    for cell in case.cells:
        plan = (
            cell.table in _PLANS
            or (cell.table, cell.column.name) in WISHES
            or (cell.table in _CHANGES and cell.column.name != "current")
        )
        if cell.column.kind in {"prose", "line"} and not plan:
            items = read_items(str(cell.value))
            name = names.get((cell.table, cell.row), frozenset())
            yield cell, [each._replace(stems=each.stems | name) for each in items if items]


def _is_other(one: tuple[Cell, Item], other: tuple[Cell, Item]) -> bool:
    """Return whether two figures can both be true of one thing."""
    (here, a), (there, b) = one, other
    if (
        a.head.startswith("of ")
        and here.table == there.table == "timeline"
        and here.row != there.row
    ):
        return True  # each of its own moment
    whole = _OF_WHOLE.match(a.head)
    if whole and a.low + b.low == float(whole["whole"]):
        return True  # nine of 24, and the other 15
    if a.head.startswith("% ") and abs(a.low + a.high + b.low + b.high - 200) < _ROUNDED:
        return True
    if a.head.startswith("% ") and "timeline" in {here.table, there.table}:
        return True  # a level of its own moment
    return portioned(a.low, b.low, str(here.value), str(there.value))


def _rival(
    cell: Cell, one: Item, every: Sequence[tuple[Cell, Item]], often: Mapping[str, int]
) -> tuple[Cell, Item] | None:
    """Return another value of a figure that stands firmer; None where this one stands twice."""
    others = [(there, each) for there, each in every if each is not one]
    if any(each.low <= one.high and one.low <= each.high for _, each in others):
        return None
    values = Counter(each.low for _, each in others)
    best: tuple[float, Cell, Item] | None = None
    for there, each in others:
        if there == cell or re.search(_last(each.said), str(cell.value)):
            continue
        if _is_other((cell, one), (there, each)):
            continue
        shared = one.stems & each.stems
        weight = sum(1.0 if often[stem] <= 4 else 0.5 for stem in shared)
        firm = values[each.low] > 1
        kind = one.head.partition(" ")[0]
        needed = _NEEDED.get(kind, 1.0 if firm else 2.0)
        if kind in _FIRM and not firm:
            continue
        if kind == one.head and kind != "#" and _tenfold(one.low, each.low):
            needed = 0.0
        swapped = kind == "u" and turned(f"{one.low:g}", f"{each.low:g}")
        needed = 0.0 if firm and (swapped or _FEW.match(one.head)) else needed
        if kind in _MEANT and values[each.low] == len(others) >= _OFTEN:
            needed = min(needed, 0.5)
        ends = [item for _, item in every if item is one or item is each]
        doubted = firm or ends[-1] is one or not (is_read(there) or is_shown(there))
        if one.head == "#" and not _slip(one.low, each.low):
            continue
        if each.fact and doubted and weight >= needed and (best is None or weight > best[0]):
            best = weight, there, each
    return (best[1], best[2]) if best else None
