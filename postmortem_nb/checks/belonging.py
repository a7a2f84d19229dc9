"""Whose team somebody is of, told in two places: “Network (Sofia)” and “Sofia, Infrastructure”."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb.checks.reading import LONG, about

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

_KINDS = frozenset({"prose", "line", "person"})
_JOINED = r"(?:,\s|\s\(|,?\s(?:of|from|lead of|head of|for)\s)(?:the\s)?"


def belonging(case: Case) -> Iterator[Finding]:
    """Find somebody whom one blank gives to another team of the incident than the others."""
    teams = tuple(sorted(str(each) for each in case.fact("teams") or () if len(str(each)) > 1))
    people = tuple(sorted(name for name in case.people() if " " in name))
    if len(teams) < 2 or not people:
        return
    told: dict[str, list[tuple[str, Cell, str]]] = defaultdict(list)
    for cell in case.cells:
        if cell.column.kind in _KINDS and cell.table != "approvals":
            for pattern in _ways(teams, people):
                for match in pattern.finditer(str(cell.value)[:LONG]):
                    told[match["name"]].append((match["team"], cell, match.group()))
    for pairs in told.values():
        yield from _doubted(case, pairs)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (belonging,)


@lru_cache(maxsize=8)
def _ways(teams: Sequence[str], people: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Return the ways in which a text gives somebody to a team."""
    team, name = (
        rf"(?P<{group}>{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})"
        for group, words in (("team", teams), ("name", people))
    )
    return (
        re.compile(rf"\b{team}(?:\steam)?\s\({name}\)"),
        re.compile(rf"\b{name}{_JOINED}{team}\b(?!\s(?!team\b)[A-Za-z])"),
    )


def _doubted(case: Case, pairs: Sequence[tuple[str, Cell, str]]) -> Iterator[Finding]:
    """Yield the one blank, or the later of two, that has another team than the rest."""
    first = pairs[0][0]
    counts = {team: sum(each[0] == team for each in pairs) for team, _, _ in pairs}
    if len(counts) != 2:
        return
    rare = min(counts, key=lambda team: (counts[team], team == first))
    said = [each for each in pairs if each[0] == rare]
    other = next(each for each in pairs if each[0] != rare)
    if len(said) == 1 and said[0][1] is not other[1]:
        place = case.where(other[1].table, other[1].row, other[1].column.name)
        yield about(case, said[0][1], f"“{said[0][2]}”, but “{other[2]}” under {place}.")
