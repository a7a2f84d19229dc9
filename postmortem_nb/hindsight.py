"""What happened before anybody knew of the incident, and stands in the timeline all the same.

An event that the evidence offers stands at its own time: the deployment that led to the incident
before the impact began. That is when it happened, not when people found it, so no drawing begins
its phase of investigation with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postmortem_nb import captions, metrics
from postmortem_nb.kinds import is_missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOTICED = ("Detection", "Acknowledgment", "Investigation Begins")
"""Steps by which people know of the incident; where none has a time, its start."""

BEFORE = "Before the detection"
"""Heading of such steps in a drawing: they are no phase, and have no bar."""

LONGEST = 52
"""Letters of what such a step says, behind its name in a drawing."""


def foregone(rows: Sequence[Mapping[Any, Any]]) -> list[bool]:
    """Return for each row of a timeline whether it is a discovery that nobody could have made."""
    told: list[tuple[Any, Any]] = [(row.get("step"), row.get("time")) for row in rows]
    timed = [(step, time) for step, time in told if not is_missing(time)]
    known = [time for step, time in timed if step in NOTICED] or [
        time for step, time in timed if step == metrics.STEPS["start"]
    ]
    since = min(known, default=None)
    return [
        since is not None
        and step == metrics.DISCOVERY
        and not is_missing(time)
        and bool(time < since)
        for step, time in told
    ]


def saying(row: Mapping[Any, Any]) -> str:
    """Return what a discovery says, as it follows its name in a drawing: one short line."""
    said = row.get("finding")
    return "" if is_missing(said) else f": {captions.label(said, LONGEST)}"
