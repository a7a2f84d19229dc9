"""Bundles that are copies of one another, so that an incident counts once in its archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from postmortem_nb.edits import Edit


class Origin(NamedTuple):
    """Where a log of edits begins, which every copy of it shares, and how far it has come."""

    first: str
    """Of its first edit: when, by whom, and what; empty where it has none."""
    edits: int
    last: str
    """When its newest edit was made."""


def origin(incident_id: str, edits: Sequence[Edit]) -> Origin:
    """Return the origin of a log; an incident that is begun as a copy of another has its own id."""
    if not edits:
        return Origin("", 0, "")
    first = edits[0]
    begun = (incident_id, *(first.get(each) for each in ("at", "by", "crc32")))
    return Origin(repr(begun), len(edits), max(str(each.get("at")) for each in edits))


def older(origins: Iterable[tuple[str, Origin]]) -> Iterator[tuple[str, str]]:
    """Yield each bundle that is a copy, and the one that counts: with the newest edit, of most."""
    counts: dict[str, tuple[str, Origin]] = {}
    known = [each for each in origins if each[1].first]
    for place, one in known:
        held = counts.get(one.first)
        if held is None or (one.last, one.edits) > (held[1].last, held[1].edits):
            counts[one.first] = (place, one)
    for place, one in known:
        newest = counts[one.first][0]
        if newest != place:
            yield place, newest
