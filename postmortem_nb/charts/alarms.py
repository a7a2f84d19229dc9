"""A monitor tried on what happened: its value, its threshold, and when it would have alarmed.

Two pictures of the same value: the incident with what was seen of it, and the stretch before, in
which every alarm is a false one. The group that alarms first stands out, the others are grey.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb import units
from postmortem_nb.captions import label
from postmortem_nb.charts import card, clock, palette, stage, thin
from postmortem_nb.charts.look import Look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from postmortem_nb.charts.clock import Span
    from postmortem_nb.charts.stage import Stage

    Floats = NDArray[np.float64]

HEIGHTS = (2.0, 1.15)
"""Inches of the panel of the incident, and of the one before it."""

SIDES = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}

MOST_GREY = 40
"""Groups that are drawn besides the one that alarms first."""

ALARM = "#B3261E"
"""What alarms, and the threshold; 6 : 1 on white."""

FAR = 8.0
"""What never alarms is drawn so many times as far from the threshold as what is usual or alarms."""

THICK = 1.4  # points
BAR = 4.5  # points: an alarm, along the threshold
LEAST = 0.03  # inches that an alarm is wide at least


@dataclass(frozen=True, slots=True)
class Trial:
    """What is drawn: values at moments (seconds since the epoch), a row a group, and the alarms.

    ``caption`` stands above the incident, ``remark`` below it, ``below`` above the stretch before.
    ``chief`` is the row that stands out; ``look`` marks the incident and its milestones; ``before``
    and ``around`` are the two stretches of time; ``facts`` are the evidence's record.
    """

    caption: str
    below: str
    remark: str
    unit: str
    limit: float
    sign: str
    seconds: NDArray[np.int64]
    values: Floats
    chief: int
    alarms: Sequence[Span]
    before: Span
    around: Span
    look: Look = field(default_factory=Look)
    facts: Mapping[str, object] = field(default_factory=dict)


def draw(made: Trial) -> tuple[Figure, Figure]:
    """Return the picture of the incident, and that of the stretch before it."""
    bare = replace(made.look, title="", milestones=())
    incident = stage.View(made.look, made.around, made.facts)
    return (
        _picture(made, incident, (made.caption, made.remark), HEIGHTS[0]),
        _picture(made, stage.View(bare, made.before, made.facts), (made.below, ""), HEIGHTS[1]),
    )


def _picture(made: Trial, view: stage.View, words: tuple[str, str], height: float) -> Figure:
    """Return the picture of a stretch; ``words`` stand above it and below it."""
    span = view.span
    inside = (made.seconds >= span.start) & (made.seconds <= span.end)
    x = made.seconds[inside].astype(np.float64) - span.start
    values = made.values[:, inside]
    over, (low, high, beyond) = _named(made), _ends(values, made)
    scale = units.scale(low, high, units.read(made.unit), zero=0 <= low < 0.6 * high)
    panel = stage.Panel(label(words[0], 400), scale, height)
    remark = "  ·  ".join(filter(None, [label(words[1]), beyond]))
    found = stage.stage(view, [panel], [over], remark=remark)
    axes, room = found.panels[0]
    for row in _others(values, made.chief):
        few = thin.thin(x, row, thin.COLUMNS // 4)
        axes.plot(*few, color=palette.REST, linewidth=0.5, alpha=0.6, zorder=3)
    if values.size:
        line = thin.thin(x, values[made.chief])
        axes.plot(*line, color=palette.SERIES[0], linewidth=THICK, zorder=4)
        axes.plot(*thin.alone(*line), ".", color=palette.SERIES[0], markersize=4, zorder=4)
    axes.axhline(made.limit, color=ALARM, linewidth=1.1, linestyle=(0, (5, 2)), zorder=3.8)
    for alarm in made.alarms:
        _draw_alarm(found, alarm, made.limit)
    y = room.bottom + stage.height_of(scale, made.limit) * room.height
    found.card.write((room.right + 0.1, y), over, size=card.SMALL, color=ALARM)
    return found.card.figure


def _named(made: Trial) -> str:
    """Return the threshold as the line's name."""
    return f"alarms {SIDES[made.sign]} {units.shown(made.limit, units.read(made.unit))}"


def _ends(values: Floats, made: Trial) -> tuple[float, float, str]:
    """Return the lowest and the highest value that is drawn, and what lies beyond in words.

    What is far on the side that never alarms, as a change by thousands of percent beside a fall by
    half, would leave no room to see the threshold.
    """
    known = values[np.isfinite(values) & (np.abs(values) < units.HUGE)]
    low = min(float(known.min()) if known.size else made.limit, made.limit)
    high = max(float(known.max()) if known.size else made.limit, made.limit)
    usual = abs(float(np.median(known)) - made.limit) if known.size else 0.0
    alarming = made.limit - low if made.sign.startswith("<") else high - made.limit
    room = FAR * max(usual, alarming)
    unit = units.read(made.unit)
    if room and made.sign.startswith("<") and high > made.limit + room:
        return low, made.limit + room, f"Cut off above: up to {units.shown(high, unit)}."
    if room and made.sign.startswith(">") and low < made.limit - room:
        return made.limit - room, high, f"Cut off below: down to {units.shown(low, unit)}."
    return low, high, ""


def _others(values: Floats, chief: int) -> list[Floats]:
    """Return the largest rows besides the chief one."""
    rows = [number for number in range(len(values)) if number != chief]
    rows.sort(key=lambda number: -float(np.nansum(np.abs(values[number]))))
    return [values[number] for number in rows[:MOST_GREY]]


def _draw_alarm(found: Stage, alarm: Span, limit: float) -> None:
    """Draw an alarm as a bar along the threshold, wide enough to be seen."""
    span = found.view.span
    start, end = max(alarm.start, span.start), min(alarm.end, span.end)
    if end <= start:
        return
    axes, room = found.panels[0]
    least = LEAST / room.width * span.length
    end = min(max(end, start + least), span.end)
    axes.plot(
        [start - span.start, end - span.start], [limit, limit], color=ALARM, linewidth=BAR,
        solid_capstyle="butt", zorder=5,
    )  # fmt: skip


def span(start: datetime, end: datetime) -> Span:
    """Return the stretch between two moments."""
    return clock.Span(clock.epoch(start), clock.epoch(end))
