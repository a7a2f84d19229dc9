"""How a picture is asked for: kind, grouping, title, and the incident to mark in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from postmortem_nb.errors import BadValue, expected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

KINDS = ("", "line", "area", "bar", "table", "none")


class Words(TypedDict, total=False):
    """The keyword arguments of ``draw`` and ``describe``; each may be left out.

    ``kind`` is line, area, bar, or table and none for no picture; ``by`` a column or tag to group
    by; ``window`` start and end of the incident, either may be None; ``milestones`` names and
    moments; ``impact`` the incident's intervals, where its window has gaps; ``unit`` a Datadog
    unit that goes before the frame's own.
    """

    kind: str
    by: str | None
    title: str
    window: tuple[datetime | None, datetime | None]
    milestones: Sequence[tuple[str, datetime]]
    impact: Sequence[tuple[datetime, datetime]]
    unit: str


@dataclass(frozen=True, slots=True)
class Look:
    """The same words, checked."""

    kind: str = ""
    by: str | None = None
    title: str = ""
    window: tuple[datetime | None, datetime | None] = (None, None)
    milestones: Sequence[tuple[str, datetime]] = ()
    impact: Sequence[tuple[datetime, datetime]] = ()
    unit: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            kinds = ", ".join(KINDS[1:])
            raise BadValue(expected("chart", f"one of {kinds}", example="line", came=self.kind))
