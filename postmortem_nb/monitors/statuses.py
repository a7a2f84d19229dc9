"""Statuses of monitors, minute by minute, and how Datadog combines them.

A status is the number of its severity. All but OK are *alert-worthy*: of ``A && B`` the least
severe counts, of ``A || B`` the most severe; ``!A`` is OK where A is alert-worthy, Alert where it
is OK, and No Data where A is. A composite that would be No Data keeps its last known status.
Source: https://docs.datadoghq.com/monitors/types/composite/ (computing trigger conditions).
"""

from __future__ import annotations

import re
from functools import reduce
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb.monitors.composites import Name, Negation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.monitors.composites import Node

    Statuses = NDArray[np.int8]

OK, NO_DATA, WARN, ALERT = 1, 2, 3, 4

NAMES = {OK: "OK", NO_DATA: "No Data", WARN: "Warn", ALERT: "Alert"}


class Grouped(NamedTuple):
    """What a monitor is grouped by, and its groups as answers name them: ``host:a,env:b``."""

    by: tuple[str, ...]
    groups: tuple[str, ...]


class Common(NamedTuple):
    """A group of a composite: its name, and its place among the groups of each monitor."""

    name: str
    places: tuple[int, ...]


def combined(node: Node, known: Mapping[str, Statuses]) -> Statuses:
    """Return the statuses of a composite, ``known`` giving those of each of its monitors."""
    if isinstance(node, Name):
        return known[node.name]
    if isinstance(node, Negation):
        inner = combined(node.inner, known)
        turned = np.where(inner == OK, ALERT, OK)
        return np.where(inner == NO_DATA, NO_DATA, turned).astype(np.int8)
    choose = np.minimum if node.sign == "&&" else np.maximum
    return reduce(choose, (combined(part, known) for part in node.parts))


def kept(found: Statuses) -> Statuses:
    """Return statuses along the last axis with the last known one in the place of No Data.

    It stays No Data before the first that is known.
    """
    places = np.where(found == NO_DATA, 0, np.arange(found.shape[-1]))
    last = np.maximum.accumulate(places, axis=-1)
    made: Statuses = np.take_along_axis(found, last, axis=-1)
    return made


def common(parts: Sequence[Grouped]) -> list[Common]:
    """Return the groups that monitors have in common, by the values of their tags alone.

    A monitor without groups goes with every group; one that is grouped by fewer tags with each
    group that holds all of its values.
    """
    finest = max(range(len(parts)), key=lambda place: len(parts[place].by))
    if not parts[finest].by:
        return [Common("*", (0,) * len(parts))]
    known = [_places(part) for part in parts]
    made = []
    for name in parts[finest].groups:
        found = [_place(values(name, parts[finest].by), part) for part in known]
        if None not in found:
            made.append(Common(name, tuple(place for place in found if place is not None)))
    return made


def values(name: str, by: Sequence[str]) -> tuple[str, ...]:
    """Return the values of a group's tags: ``a`` and ``b`` of ``host:a,env:b``."""
    keys = "|".join(map(re.escape, by))
    tags = re.split(rf",(?=(?:{keys}):)", name)
    return tuple(tag.partition(":")[2] if tag.startswith(tuple(by)) else tag for tag in tags)


def _places(part: Grouped) -> tuple[int, dict[tuple[str, ...], int]]:
    """Return how many tags a monitor is grouped by, and where the group of some values stands."""
    found: dict[tuple[str, ...], int] = {}
    for place, name in enumerate(part.groups if part.by else ()):
        found.setdefault(tuple(sorted(values(name, part.by))), place)
    return len(part.by), found


def _place(wanted: tuple[str, ...], part: tuple[int, dict[tuple[str, ...], int]]) -> int | None:
    """Return where a monitor's group that goes with some values stands; None where none does."""
    size, known = part
    if not size:
        return 0
    chosen = (known.get(some) for some in combinations(sorted(wanted), size))
    return next((place for place in chosen if place is not None), None)
