"""Named moments, one below the other, to scale: the timeline of an incident, or a list of events.

Each moment has a line of its own, so no name meets another; a group of them (a phase) is a bar
from its first to its last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.charts import card, clock, palette, stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from postmortem_nb.charts.stage import Stage, View

ROW = 0.2
BAR = 0.25
BETWEEN = 0.08
RUG = 0.24
DOT = 0.045  # inches
CLEAR = 0.09  # inches from a dot to its name


@dataclass(frozen=True, slots=True)
class Moment:
    """A named moment, in seconds since the epoch."""

    at: float
    name: str
    color: str = palette.REST


@dataclass(frozen=True, slots=True)
class Phase:
    """Moments in order of time; with a name they get a bar from the first to the last, or none."""

    name: str
    color: str
    moments: tuple[Moment, ...]
    bar: bool = True

    @property
    def span(self) -> clock.Span:
        """From the first moment to the last."""
        return clock.Span(self.moments[0].at, self.moments[-1].at)


def draw(
    phases: Sequence[Phase],
    view: View,
    caption: str,
    after: str = "",
    *,
    rug: Sequence[Moment] = (),
) -> Figure:
    """Return the picture of these phases; ``after`` is a remark below it, ``rug`` marks on top."""
    height = sum(_height(phase) for phase in phases) + BETWEEN + (RUG if rug else 0.0)
    made = stage.stage(view, [stage.Panel(caption, None, height)], remark=after)
    axes, room = made.panels[0]
    for tick in clock.ticks(view.span, max(2, int(room.width / 0.7))):
        axes.axvline(tick.at - view.span.start, color=card.FAINT, linewidth=0.8, zorder=0.6)
    y = room.top - BETWEEN / 2
    for moment in rug:
        x = made.x(moment.at)
        made.card.rule([(x, y - 0.03), (x, y - 0.15)], color=moment.color, linewidth=1.2)
    y -= RUG if rug else 0.0
    for phase in phases:
        y = _draw_phase(made, phase, y)
    return made.card.figure


def _height(phase: Phase) -> float:
    return (BAR + BETWEEN if phase.name else 0.0) + ROW * len(phase.moments)


def _draw_phase(made: Stage, phase: Phase, top: float) -> float:
    """Draw a phase from ``top`` down; return where it ends."""
    y = top
    if phase.name:
        y -= BETWEEN / 2
        _draw_bar(made, phase, y - BAR / 2)
        y -= BAR + BETWEEN / 2
    for moment in phase.moments:
        y -= ROW
        _draw_moment(made, moment, y + ROW / 2)
    return y


def _draw_bar(made: Stage, phase: Phase, y: float) -> None:
    start, end = made.x(phase.span.start), made.x(phase.span.end)
    if not phase.bar:
        left = start - DOT - CLEAR  # so that the words begin where its dots do
        _beside(made, (left, left, y), phase.name, bold=True)
        return
    made.card.box(
        (start, y - 0.095), (max(end - start, 0.03), 0.19), facecolor=phase.color, zorder=3
    )
    words = phase.name
    minutes = phase.span.length / 60
    if minutes >= 1:
        words = f"{words}  ·  {times.duration(round(minutes))}"
    if card.width(words, bold=True) + 0.16 <= end - start:
        made.card.write((start + 0.08, y), words, color=card.FACE, bold=True)
    else:
        _beside(made, (start, end, y), words, bold=True)


def _draw_moment(made: Stage, moment: Moment, y: float) -> None:
    x = made.x(moment.at)
    made.card.dot((x, y), 2 * DOT, moment.color)
    _beside(made, (x - DOT, x + DOT, y), f"{clock.clock(moment.at)}  {moment.name}")


def _beside(
    made: Stage, mark: tuple[float, float, float], words: str, *, bold: bool = False
) -> None:
    """Write words to the right of a mark, or to its left where there is more room for them."""
    start, end, y = mark
    right = card.WIDTH - card.EDGE - end - CLEAR
    left = start - CLEAR - card.EDGE
    wide = card.width(words, bold=bold)
    if wide <= right or right >= left:
        made.card.write((end + CLEAR, y), card.fit(words, right, bold=bold), bold=bold)
    else:
        made.card.write(
            (start - CLEAR, y), card.fit(words, left, bold=bold), bold=bold, align="right"
        )
