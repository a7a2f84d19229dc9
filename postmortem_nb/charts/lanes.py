"""A composite monitor tried: the status of each of its monitors over time, and its own below them.

Two pictures as for any monitor: the incident, and the stretch before, in which every alarm of the
composite is a false one. A bar is an alert or a warning, a hatched stretch has no data.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.captions import label
from postmortem_nb.charts import card, palette, stage
from postmortem_nb.charts.alarms import ALARM, LEAST
from postmortem_nb.charts.look import Look

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from postmortem_nb.charts.clock import Span

LANE = 0.36
"""Inches from one lane to the next."""

CLOSE = 0.13
"""Inches from one line of a lane's name to the next, for two fit the lane."""

BAR = 0.5
"""Height of a bar, of its lane's."""

OWN = 0.66
"""Height of the bars of the composite itself."""

COLORS = {3: "#E69F00", 4: ALARM}
"""Warn and Alert, by their severity; a key below the picture says it in words."""

NO_DATA = 2
KEY = "Red: alert. Orange: warning. Hatched: no data."


@dataclass(frozen=True, slots=True)
class Lanes:
    """What is drawn: statuses (1 OK, 2 No Data, 3 Warn, 4 Alert) at moments, a row a monitor.

    The last row is the composite. ``caption`` stands above the incident, ``remark`` below it,
    ``below`` above the stretch before; ``every`` is how many seconds a status holds.
    """

    caption: str
    below: str
    remark: str
    names: Sequence[str]
    seconds: NDArray[np.int64]
    rows: Sequence[NDArray[np.int8]]
    every: float
    before: Span
    around: Span
    look: Look = field(default_factory=Look)
    facts: Mapping[str, object] = field(default_factory=dict)


def draw(made: Lanes) -> tuple[Figure, Figure]:
    """Return the picture of the incident, and that of the stretch before it."""
    bare = replace(made.look, title="", milestones=())
    remark = " ".join(part for part in (KEY, made.remark) if part)
    return (
        _picture(made, stage.View(made.look, made.around, made.facts), made.caption, remark),
        _picture(made, stage.View(bare, made.before, made.facts), made.below, ""),
    )


def _picture(made: Lanes, view: stage.View, caption: str, remark: str) -> Figure:
    """Return the picture of a stretch, a lane a monitor from the top."""
    names = [label(name, 60) for name in made.names]
    panel = stage.Panel(label(caption, 400), None, LANE * len(names))
    found = stage.stage(view, [panel], names, remark=label(remark, 400))
    axes, room = found.panels[0]
    axes.set_ylim(0, len(names))
    least = LEAST / room.width * view.span.length
    for place, (name, row) in enumerate(zip(names, made.rows, strict=True)):
        middle = len(names) - place - 0.5
        own = place == len(names) - 1
        axes.axhline(middle, color=card.FAINT, linewidth=0.8, zorder=0.6)
        for start, end, status in _stretches(made, row, view.span):
            _bar(axes, (start, max(end, start + least)), (middle, OWN if own else BAR), status)
        y = room.bottom + middle * LANE
        wide = card.WIDTH - card.EDGE - room.right - 0.1
        shown = card.fold(name, wide, card.SMALL, bold=own)
        y += (len(shown) - 1) * CLOSE / 2
        for line in shown:
            found.card.write((room.right + 0.1, y), line, size=card.SMALL, bold=own)
            y -= CLOSE
    return found.card.figure


def _bar(axes: Axes, ends: tuple[float, float], lane: tuple[float, float], status: int) -> None:
    """Draw how long a status held; the middle and the height of its lane's bars in lanes."""
    middle, height = lane
    bottom, top = middle - height / 2, middle + height / 2
    blank = status == NO_DATA
    axes.fill_between(
        ends, bottom, top, linewidth=0, zorder=3, hatch="////" if blank else None,
        facecolor="none" if blank else COLORS[status], edgecolor=palette.REST if blank else "none",
    )  # fmt: skip


def _stretches(
    made: Lanes, row: NDArray[np.int8], span: Span
) -> Iterator[tuple[float, float, int]]:
    """Yield where a status begins and ends, from the span's start, for all but OK."""
    inside = (made.seconds >= span.start) & (made.seconds < span.end)
    statuses, moments = row[inside], made.seconds[inside] - span.start
    if not statuses.size:
        return
    firsts = np.flatnonzero(np.concatenate(([True], statuses[1:] != statuses[:-1])))
    lasts = np.append(firsts[1:], statuses.size) - 1
    for first, last in zip(firsts, lasts, strict=True):
        if statuses[first] >= NO_DATA:
            end = min(float(moments[last]) + made.every, span.length)
            yield float(moments[first]), end, int(statuses[first])
