"""Series with the change points proposed in them: values, what is usual, and the intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb import times, units
from postmortem_nb.captions import label
from postmortem_nb.charts import card, clock, counts, palette, stage, thin
from postmortem_nb.charts.stage import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from postmortem_nb.charts.stage import Stage
    from postmortem_nb.units import Unit

    Floats = NDArray[np.float64]

__all__ = ["Mark", "Panel", "View", "draw"]

MOST = 3
DAY = 86_400.0
LONG, AROUND = 20.0, 4.0
"""Of a stretch so many times as long as the incident only so many of its lengths around it are
drawn: an interval of minutes cannot be seen in weeks."""
HEIGHTS = {1: 2.35, 2: 1.55, 3: 1.3}
VALUE, USUAL, MARK = palette.SERIES[0], card.GREY, palette.SERIES[4]
BAND = "#CFCBE6"
"""An interval: a lighter MARK."""
KEY = ((VALUE, "measured"), (USUAL, "usual"), (MARK, "proposed, with"), (BAND, "95 % interval"))


@dataclass(frozen=True, slots=True)
class Mark:
    """A proposed moment and its interval, in seconds since the epoch."""

    at: float
    earliest: float
    latest: float


@dataclass(frozen=True, slots=True)
class Panel:
    """One series: its caption and unit, its values and what is usual over time, and its marks."""

    caption: str
    unit: Unit
    at: Floats
    y: Floats
    level: Floats
    marks: tuple[Mark, ...]


def draw(panels: Sequence[Panel], view: View) -> Figure:
    """Return the picture of the first three series, one below the other."""
    chosen = [one for one in panels[:MOST] if one.at.size]
    if not chosen:
        return card.note(view.look.title, "No values in the window")
    height = HEIGHTS[len(chosen)]
    rest = len(panels) - len(chosen)
    more = f"{rest:,} more series {'is' if rest == 1 else 'are'} not drawn" if rest > 0 else ""
    view, drawn = _about(view, chosen)
    made = stage.stage(
        _flagged(view, chosen),
        [stage.Panel(_caption(one), _scale(one, view), height) for one in chosen],
        [words for _, words in KEY],
        remark=" · ".join(filter(None, (drawn, more))),
    )
    for one, (axes, room) in zip(chosen, made.panels, strict=True):
        _series(made, axes, one)
        if one is chosen[0]:
            counts.legend(made, room, KEY)
    return made.card.figure


def _about(view: View, chosen: Sequence[Panel]) -> tuple[View, str]:
    """Return a view of the incident and what is around it, and that in words; of all, nothing."""
    declared = [clock.epoch(moment) for moment in view.look.window if moment is not None]
    marks = [edge for one in chosen for mark in one.marks for edge in (mark.earliest, mark.latest)]
    moments = [at for at in (*declared, *marks) if view.span.start <= at <= view.span.end]
    if not moments:
        return view, ""
    first, last = min(moments), max(moments)
    if view.look.window[0] is not None and view.look.window[1] is None:
        last = view.span.end
    length = max(last - first, clock.bucket(view.span, 1_000))
    if view.span.length <= LONG * length:
        return view, ""
    low, high = first - AROUND * length, last + AROUND * length
    size = clock.bucket(clock.Span(low, high))
    low, high = np.floor(low / size) * size, np.ceil(high / size) * size
    span = clock.Span(max(view.span.start, float(low)), min(view.span.end, float(high)))
    days = round(view.span.length / DAY)
    whole = f"{days:,} days" if days > 1 else times.duration(round(view.span.length / 60))
    return replace(view, span=span), f"Drawn: {clock.spell(span)}, of {whole}"


def _flagged(view: View, chosen: Sequence[Panel]) -> View:
    """Return the view with the proposed moments of the first series as its milestones."""
    flags = [("Proposed", clock.moment(round(mark.at))) for mark in chosen[0].marks]
    return replace(view, look=replace(view.look, milestones=flags))


def _caption(one: Panel) -> str:
    words, caption = one.unit.words, label(one.caption)
    return f"{words[0].upper()}{words[1:]}  ·  {caption}" if words else caption


def _scale(one: Panel, view: View) -> units.Scale:
    there = (one.at >= view.span.start) & (one.at <= view.span.end)
    y = one.y[there] if there.any() else one.y
    low, high = float(y.min()), float(y.max())
    return units.scale(low, high, one.unit, zero=0 <= low < 0.6 * high)


def _series(made: Stage, axes: Axes, one: Panel) -> None:
    start = made.view.span.start
    for mark in one.marks:
        axes.axvspan(
            mark.earliest - start, mark.latest - start, facecolor=BAND, edgecolor=MARK,
            linewidth=0.5, zorder=1.5,
        )  # fmt: skip
        axes.axvline(mark.at - start, color=MARK, linewidth=1.3, zorder=3.7)
    inside = (one.at >= start) & (one.at <= made.view.span.end)
    if one.level.size:
        axes.plot(
            *thin.thin(one.at[inside] - start, one.level[inside]), color=USUAL, linewidth=1.0,
            linestyle=(0, (4, 2)), zorder=3.5,
        )  # fmt: skip
    x, y = thin.thin(one.at[inside] - start, one.y[inside])
    axes.plot(x, y, color=VALUE, linewidth=1.3, zorder=4)
    axes.plot(*thin.alone(x, y), ".", color=VALUE, markersize=4, zorder=4)
