"""A row against itself: what two of its blanks tell of one thing.

A length and the two clocks it lies between, the parts of a total that the row is about.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import events, mentions, written
from postmortem_nb.checks.bare import SETTING
from postmortem_nb.checks.reading import TABLES, about, sentences
from postmortem_nb.checks.slips import one_off, turned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.mentions import Mention
    from postmortem_nb.checks.report import Finding

_DAY = 24 * 60
_NUMERAL = re.compile(rf"\b(?:one|{written.NUMERAL})\b", re.IGNORECASE)
_PART = re.compile(
    rf"\b(?P<part>{written.NUMERAL})\sof\s(?:(?:the|our|all|its)\s)*(?P<whole>{written.NUMERAL})\s"
    r"(?:[a-z-]+\s)??(?P<noun>[a-z]{3,}s)\b",
    re.IGNORECASE,
)
_SILENCE = re.compile(
    r"\b(?:silen\w+|nothing|without (?:a )?(?:word|notice|update|news|information)|"
    r"no (?:word|notice|update|news|information)\w*|in the dark|unanswered|unnoticed|waited)\b",
    re.IGNORECASE,
)
_SMALLEST = 100
"""A total of fewer is met by chance."""


def within(case: Case) -> Iterator[Finding]:
    """Find rows of which two blanks cannot both be true."""
    rows: dict[tuple[str, str], list[Cell]] = {}
    for cell in case.cells:
        told = cell.table in {*TABLES, "actions"} and cell.column.kind in {"prose", "line"}
        if told and cell.table != "takeaways":
            rows.setdefault((cell.table, cell.row), []).append(cell)
    totals = _totals(case)
    for cells in rows.values():
        yield from _lasted(case, cells)
        yield from _silent(case, cells)
        yield from _rest(case, cells)
        yield from _parts(case, cells, totals)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (within,)


def _lasted(case: Case, cells: Sequence[Cell]) -> Iterator[Finding]:
    """Find the one length of a row that is not the one between its two clocks."""
    told = [(cell, each) for cell in cells for each in mentions.read(str(cell.value))]
    clocks = [(cell, each) for cell, each in told if each.kind == "clock"]
    spans = [(cell, each) for cell, each in told if each.kind == "span"]
    if any(SETTING.search(str(cell.value)) for cell, _ in spans):
        return
    if len(clocks) != 2 or len(spans) != 1 or clocks[0][0] is not clocks[1][0]:
        return
    (cell, begin), (_, end) = clocks
    other, span = spans[0]
    if _is_measure(case, span.value):
        return
    length = (end.value - begin.value) % _DAY
    exact = not span.open and not begin.open and span.said.split()[-1].startswith(("min", "hour"))
    if other is not cell and exact and 0 < length < _DAY / 2 and abs(length - span.value) > 1:
        place = case.where(cell.table, cell.row, cell.column.name)
        between = f"from {begin.said} to {end.said} under {place} it is {times.duration(length)}"
        yield about(case, other, f"“{span.said}”, but {between}.")


def _is_measure(case: Case, minutes: float) -> bool:
    """Return whether a length is that between two moments of the incident."""
    known = case.moments
    at = [known.start, known.detected, known.acknowledged, known.mitigated, known.recovered]
    return any((b - a).total_seconds() == 60 * minutes for a in at for b in at if a and b)


def _silent(case: Case, cells: Sequence[Cell]) -> Iterator[Finding]:
    """Find a silence that no event begins so long before the one clock of its row."""
    told = [(cell, each) for cell in cells for each in mentions.read(str(cell.value))]
    clocks = [each for _, each in told if each.kind == "clock"]
    spans = [(cell, each) for cell, each in told if each.kind == "span"]
    if len(clocks) != 1 or len(spans) != 1:
        return
    cell, span = spans[0]
    rows = [*case.rows("timeline"), *case.rows("updates")]
    minutes = [60 * at.hour + at.minute for row in rows if (at := row.get("time"))]
    gaps = [(clocks[0].value - each) % _DAY for each in minutes]
    silent = _SILENCE.search(str(cell.value)) and not span.open
    if silent and clocks[0].value in minutes and all(abs(gap - span.value) > 1 for gap in gaps):
        nearest = min(gaps, key=lambda gap: abs(gap - span.value))
        until = f"until {clocks[0].said} it is {times.duration(nearest)} from the nearest event"
        yield about(case, cell, f"“{span.said}”, but {until}.")


def _rest(case: Case, cells: Sequence[Cell]) -> Iterator[Finding]:
    """Find a rest that is not what the part leaves of its whole: “six of the nine”, “five left”."""
    by = {cell.column.name: cell for cell in cells}
    if "status" not in by or "remaining" not in by:
        return
    part = _PART.search(str(by["status"].value))
    left = [each for each in mentions.read(str(by["remaining"].value)) if each.kind == "count"]
    same = part and len(left) == 1 and left[0].noun == events.stem(part["noun"].lower())
    if part and same and len(_NUMERAL.findall(str(by["remaining"].value))) == 1:
        whole, done = written.numeral(part["whole"]), written.numeral(part["part"])
        if whole != done + left[0].value:
            said = f"“{left[0].said}”, but “{part.group()}” leaves {whole - done:g}."
            yield about(case, by["remaining"], said)


def _totals(case: Case) -> Mapping[float, tuple[str, frozenset[str]]]:
    """Return the numbers that texts tell of things: number → how, and the words for it."""
    found: dict[float, tuple[str, frozenset[str]]] = {}
    for cell in case.cells:
        if cell.table in TABLES or cell.table == "incident":
            for each in mentions.read(str(cell.value)) if cell.column.kind == "prose" else ():
                if each.kind == "count" and each.noun and each.value >= _SMALLEST:
                    words = events.stems(each.said)
                    before = found.get(each.value, ("", frozenset()))[1]
                    found[each.value] = (each.said, words | before)
    return found


def _parts(
    case: Case, cells: Sequence[Cell], totals: Mapping[float, tuple[str, frozenset[str]]]
) -> Iterator[Finding]:
    """Find two counts of a sentence that miss the total of what their row is about by a digit."""
    about_ = events.stems(" ".join(str(cell.value) for cell in cells))
    for cell in cells:
        for sentence in sentences(str(cell.value)):
            counts = [each for each in mentions.read(sentence) if each.kind == "count"]
            if len(counts) == 3 and _listed(counts):
                yield from _unsummed(case, cell, counts)
            if len(counts) != 2:
                continue
            added = sum(each.value for each in counts)
            near = [total for total in totals if _missed(counts, added, total)]
            for total in () if added in totals else near:
                said, words = totals[total]
                if words & about_ and not re.search(rf"\b{re.escape(said)}", sentence):
                    both = f"“{counts[0].said}” and “{counts[1].said}”"
                    yield about(case, cell, f"{both} make {added:,.0f}, but elsewhere “{said}”.")
                    return


def _listed(counts: Sequence[Mention]) -> bool:
    """Return whether the first of some counts can be the sum of the others."""
    whole, *parts = counts
    added = sum(each.value for each in parts)
    return bool(whole.noun) and added != whole.value and _missed(parts, added, whole.value)


def _unsummed(case: Case, cell: Cell, counts: Sequence[Mention]) -> Iterator[Finding]:
    whole, *parts = counts
    both = " and ".join(f"“{each.said}”" for each in parts)
    added = sum(each.value for each in parts)
    yield about(case, cell, f"{both} make {added:,.0f}, but “{whole.said}” before them.")


def _missed(counts: Sequence[Mention], added: float, total: float) -> bool:
    """Return whether two counts miss a total that is larger than either by one digit."""
    a, b = f"{added:.0f}", f"{total:.0f}"
    return total > max(each.value for each in counts) and (one_off(a, b) or turned(a, b))
