"""The timeline of an incident: its steps gathered into phases, ready to be drawn to scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import hindsight, times
from postmortem_nb.captions import label
from postmortem_nb.charts import card, clock, palette, stage, steps
from postmortem_nb.charts.look import Look

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from matplotlib.figure import Figure


def draw(
    rows: pd.DataFrame | Iterable[Mapping[str, Any]],
    window: tuple[datetime | None, datetime | None],
    title: str,
) -> Figure:
    """Return the picture of a timeline."""
    found, untimed = gather(rows)
    after = f"No time yet: {', '.join(untimed)}" if untimed else ""
    if not found:
        return card.note(title, after or "No step of the timeline has a time yet")
    look = Look(title=title, window=window)
    return steps.draw(found, stage.View(look, _span(found)), _caption(found), after)


def gather(
    rows: pd.DataFrame | Iterable[Mapping[str, Any]],
) -> tuple[list[steps.Phase], list[str]]:
    """Return the phases in order of time, and the names of steps without a time."""
    table = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
    records: list[Mapping[Any, Any]] = [*table]
    members: dict[str, list[steps.Moment]] = {}
    untimed = []
    early = hindsight.foregone(records)
    for name, record, before in zip(_names(records, early), records, early, strict=True):
        when: Any = record.get("time")
        phase = hindsight.BEFORE if before else _words(record.get("phase")) or "Other"
        if _missing(when):
            untimed.append(name)
            continue
        color = palette.PHASES.get(phase, palette.REST)
        at = clock.epoch(pd.Timestamp(when).to_pydatetime())
        members.setdefault(phase, []).append(steps.Moment(at, name, color))
    found = [
        steps.Phase(
            phase,
            moments[0].color,
            tuple(sorted(moments, key=lambda one: one.at)),
            bar=phase != hindsight.BEFORE,
        )
        for phase, moments in members.items()
    ]
    return sorted(found, key=lambda phase: (phase.bar, phase.moments[0].at)), untimed


def _names(records: list[Mapping[Any, Any]], early: list[bool]) -> list[str]:
    """Return a name for each row: its step, numbered where a step comes more than once."""
    found = [
        _words(record.get("step")) or _words(record.get("text")) or "Step" for record in records
    ]
    seen: dict[str, int] = {}
    names = []
    for step, record, before in zip(found, records, early, strict=True):
        seen[step] = seen.get(step, 0) + 1
        said = hindsight.saying(record) if before else ""
        names.append(f"{step} {seen[step]}{said}" if found.count(step) > 1 else f"{step}{said}")
    return names


def _words(value: object) -> str:
    return "" if _missing(value) else label(value, 120)


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value  # noqa: PLR0124


def _caption(found: list[steps.Phase]) -> str:
    """Return from when to when the steps reach, and how long that is."""
    first = min(phase.span.start for phase in found)
    last = max(phase.span.end for phase in found)
    if last - first < 60:
        return f"{clock.instant(first)}"
    lasted = times.duration((last - first) / 60)
    if clock.day(first) != clock.day(last):
        return f"{clock.spell(clock.Span(first, last))}  ·  {lasted}"
    return f"{clock.clock(first)} to {clock.clock(last)} UTC  ·  {lasted}"


def _span(found: list[steps.Phase]) -> clock.Span:
    """Return the stretch from the first step to the last, with a little room on both sides."""
    first = min(phase.span.start for phase in found)
    last = max(phase.span.end for phase in found)
    room = max((last - first) * 0.02, 30.0)
    return clock.Span(first - room, last + room)
