"""Versions that stand alone, in words that have another one several times."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from postmortem_nb.checks.dates import ANOTHER
from postmortem_nb.checks.doings import VERSION
from postmortem_nb.checks.reading import about

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding

_ROLLED = re.compile(r"\b(?:roll|revert|restor|stays?\b|back (?:on|to)\b)", re.IGNORECASE)
_TWO, _SHARED = 2, 3
"""Words of two sentences whose versions are of one thing."""


def alone(case: Case) -> Iterator[Finding]:
    """Find a version that one blank has, where others have another one in its words."""
    stands = _stands(case)
    yield from _current(case, stands)
    yield from _swapped(case, stands)
    yield from _slipped(case, stands)


def _current(case: Case, stands: Mapping[str, set[tuple[str, str, str]]]) -> Iterator[Finding]:
    """Find a version in use, or gone back to, that stands alone where its neighbour often does."""
    heads: dict[str, list[str]] = defaultdict(list)
    for each in stands:
        heads[each.rpartition(".")[0]].append(each)
    often = {head: max(like, key=lambda each: len(stands[each])) for head, like in heads.items()}
    for cell in case.cells:
        text = str(cell.value)
        current = (cell.table, cell.column.name) == ("technical_changes", "current")
        caused = cell.column.name == "root_cause"
        back = cell.table in {"timeline", "updates"} or cell.column.name == "what_we_did"
        if not current and not caused and not (back and _ROLLED.search(text)):
            continue
        for said in {each.lower() for each in VERSION.findall(text)}:
            other = often.get(said.rpartition(".")[0], said)
            alone = len(stands[said]) == 1 and other not in text.lower()
            if alone and "." in other and len(stands[other]) > _SHARED:
                yield about(case, cell, f"“{said}”, but elsewhere the document has {other}.")


def _swapped(case: Case, stands: Mapping[str, set[tuple[str, str, str]]]) -> Iterator[Finding]:
    """Find a version that stands alone and has the numbers of another one in another order."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for each in stands:
        alike[tuple(sorted(each.lstrip("v").split(".")))].append(each)
    doubted: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for parts, versions in alike.items():
        if len(parts) < _SHARED or len(versions) != _TWO:
            continue
        early, late = versions
        other, said = (late, early) if len(stands[late]) > len(stands[early]) else (early, late)
        if len(stands[said]) == 1:
            doubted[next(iter(stands[said]))].append((said, other))
    for cell in case.cells if doubted else ():
        for said, other in doubted.get((cell.table, cell.row, cell.column.name), ()):
            if other not in str(cell.value):
                yield about(case, cell, f"“{said}”, but elsewhere the document has {other}.")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (alone,)


def _slipped(case: Case, stands: Mapping[str, set[tuple[str, str, str]]]) -> Iterator[Finding]:
    """Find a version that stands alone and is another's but for one digit before its last part."""
    for said, cells in stands.items():
        parts = said.lstrip("v").split(".")
        others = [
            each
            for each in stands
            if len(stands[each]) > 1 and _is_slip(parts, each.lstrip("v").split("."))
        ]
        for cell in case.cells if len(cells) == 1 and others else ():
            here = (cell.table, cell.row, cell.column.name) in cells
            if here and others[0] not in str(cell.value) and not ANOTHER.search(str(cell.value)):
                yield about(case, cell, f"“{said}”, but elsewhere the document has {others[0]}.")


def _is_slip(one: list[str], other: list[str]) -> bool:
    """Return whether two versions end alike and differ in one digit before."""
    if len(one) != len(other) or len(one) < _SHARED or one[-1] != other[-1] or one[-1] == "0":
        return False
    a, b = ".".join(one), ".".join(other)
    return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1


def _stands(case: Case) -> Mapping[str, set[tuple[str, str, str]]]:
    """Return the blanks that have each version."""
    found: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for each in case.cells:
        text = str(each.value)
        for version in VERSION.findall(text) if "." in text else ():
            found[version.lower()].add((each.table, each.row, each.column.name))
    return found
