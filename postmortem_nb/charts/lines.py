"""Metrics over time: a line for each series, a panel for each unit.

The seven largest series stand out, each named at its end. Of the others the sum is one more where
summing means something (counts, rates, bytes); averages and percentiles cannot be added, so there
the others are thin and grey, and only their number is said. Parts of a sum stand on one another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb import units
from postmortem_nb.charts import card, palette, stage, thin
from postmortem_nb.charts.series import choose, even, stackable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from postmortem_nb.charts.series import Chosen, Group, Line
    from postmortem_nb.charts.stage import Room, Stage, View
    from postmortem_nb.units import Scale

    Floats = NDArray[np.float64]

MOST = len(palette.SERIES)
MOST_PANELS = 6
NAME_ROOM = stage.COLUMN_MOST - stage.KEY - 0.05
HEIGHTS = {1: 2.35, 2: 1.55, 3: 1.3}
THICK = 1.5  # points


@dataclass(frozen=True, slots=True)
class Plan:
    """A panel before it is drawn: its group, what is chosen of it, how, and its scale."""

    group: Group
    chosen: Chosen
    kind: str
    scale: Scale


@dataclass(frozen=True, slots=True)
class End:
    """The right end of a line: how high it stands in inches, its name, colour and dash."""

    height: float
    name: str
    color: str
    dash: object = "-"


@dataclass(frozen=True, slots=True)
class Pen:
    """Where a line is drawn."""

    stage: Stage
    axes: Axes
    room: Room
    scale: Scale

    def x(self, line: Line) -> Floats:
        """Return a line's times as the panel counts them, in seconds from its left edge."""
        return line.x - self.stage.view.span.start

    def height(self, value: float) -> float:
        """Return how high a value stands, in inches."""
        return self.room.bottom + stage.height_of(self.scale, value) * self.room.height


def draw(groups: Sequence[Group], view: View) -> Figure:
    """Return the picture of these groups, one below the other; at most six of them."""
    plans, height = _plans(groups, view), _height(groups)
    names = [_names(plan.chosen) for plan in plans]
    left_out = len(groups) - len(plans)
    made = stage.stage(
        view,
        [stage.Panel(_caption(plan.group), plan.scale, height) for plan in plans],
        [short for named in names for short in named.values()],
        remark=f"{left_out:,} more queries are not drawn" if left_out else "",
    )
    for plan, named, (axes, room) in zip(plans, names, made.panels, strict=True):
        pen = Pen(made, axes, room, plan.scale)
        ends = _stack(pen, plan) if plan.kind in ("area", "bar") else _lines(pen, plan.chosen)
        _name(pen, ends, named)
    return made.card.figure


def drawn(groups: Sequence[Group], view: View) -> str:
    """Return how these groups are drawn, in a word: ``line``, or ``bar and line``."""
    return " and ".join(sorted({plan.kind for plan in _plans(groups, view)}))


def _height(groups: Sequence[Group]) -> float:
    return HEIGHTS.get(len(groups), 1.15)


def _plans(groups: Sequence[Group], view: View) -> list[Plan]:
    return [_plan(group, view.look.kind, _height(groups)) for group in groups[:MOST_PANELS]]


def _caption(group: Group) -> str:
    words = group.unit.words
    return f"{words[0].upper()}{words[1:]}  ·  {group.caption}" if words else group.caption


def _names(chosen: Chosen) -> dict[str, str]:
    """Return how each line is named in the room beside it; one that is all there is has no name."""
    own = [line.name for line in chosen.lines if line.name != "*"]
    named = dict(zip(own, card.fit_apart(own, NAME_ROOM), strict=True))
    rest = chosen.other.name if chosen.other else chosen.more
    return named | ({rest: card.fit_middle(rest, NAME_ROOM)} if rest else {})


def _plan(group: Group, kind: str, height: float) -> Plan:
    """Return how a group is drawn: parts of a sum on one another where asked or where many."""
    if kind in ("area", "bar") and group.counts and len(group.lines) > 1:
        group = replace(group, lines=even(group.lines))
    chosen = choose(group, min(MOST, int(height / card.LINE) - 1))
    adds_up = not chosen.more and (len(chosen.all) == 1 or group.adds_up)
    wanted = kind in ("area", "bar") or (chosen.other is not None and not kind)
    few = chosen.lines[0].x.size <= 4 * thin.COLUMNS
    stacked = wanted and adds_up and few and stackable(chosen.all)
    kind = (kind or "area") if stacked else "line"
    return Plan(group, chosen, kind, _scale(group, chosen, stacked=stacked))


def _scale(group: Group, chosen: Chosen, *, stacked: bool) -> Scale:
    drawn = chosen.all if chosen.other else group.lines
    finite = [found for line in drawn if (found := line.y[np.isfinite(line.y)]).size]
    low = min((float(y.min()) for y in finite), default=0.0)
    high = max((float(y.max()) for y in finite), default=0.0)
    if stacked and len(drawn) > 1:
        high = float(np.sum([line.y for line in drawn], axis=0).max())
    near = 0 <= low < 0.6 * high
    zero = group.adds_up or near or stacked or group.unit.family == "things"
    return units.scale(low, high, group.unit, zero=zero)


def _lines(pen: Pen, chosen: Chosen) -> list[End]:
    """Draw each line, the rest thin and behind; return where they end, from the top."""
    if not chosen.other:
        wide, alpha = (0.8, 0.9) if chosen.others else (0.5, 0.5)
        for line in chosen.rest:
            x, y = thin.thin(pen.x(line), line.y, thin.COLUMNS // 4)
            pen.axes.plot(x, y, color=palette.REST, linewidth=wide, alpha=alpha, zorder=3)
    looks = [*zip(palette.SERIES, palette.DASHES, strict=True)][: len(chosen.lines)]
    if chosen.other:
        looks.append((palette.REST, "-"))
    ends = [
        end
        for line, (color, dash) in zip(chosen.all, looks, strict=True)
        if (end := _line(pen, line, color, dash)) is not None
    ]
    if chosen.others:
        last = [line.y[np.isfinite(line.y)][-1:] for line in chosen.rest]
        middle = float(np.median(np.concatenate(last) if any(map(len, last)) else [0.0]))
        ends.append(End(pen.height(middle), chosen.others, palette.REST))
    ends.sort(key=lambda end: -round(end.height, 1))  # ends that almost meet stay in order of size
    counted = chosen.more and not chosen.others
    return [*ends, *([End(pen.room.bottom, chosen.more, palette.REST)] if counted else [])]


def _line(pen: Pen, line: Line, color: str, dash: object) -> End | None:
    """Draw one line; None where it has no point at all."""
    x, y = thin.thin(pen.x(line), line.y)
    if not x.size:
        return None
    pen.axes.plot(x, y, color=color, linestyle=dash, linewidth=THICK, zorder=4)
    _dots(pen, x, y, color)
    return End(pen.height(float(y[np.isfinite(y)][-1])), line.name, color, dash)


def _dots(pen: Pen, x: Floats, y: Floats, color: str) -> None:
    """Draw the points that no line reaches: whole at the panel's edge, larger without any line."""
    lone_x, lone_y = thin.alone(x, y)
    within = (lone_x >= 0) & (lone_x <= pen.stage.view.span.length)
    size = 10 if lone_x.size == np.count_nonzero(np.isfinite(y)) else 4
    pen.axes.plot(
        lone_x[within], lone_y[within], ".",
        color=color, markersize=size, zorder=4, clip_on=False,
    )  # fmt: skip


def _stack(pen: Pen, plan: Plan) -> list[End]:
    """Fill the stretch of each line, largest lowest; return where they end, from the top."""
    parts = [(line, pen.x(line), line.y) for line in plan.chosen.all]
    if len(parts) == 1 and plan.kind == "area":
        parts = [(line, *thin.thin(x, y)) for line, x, y in parts]  # its gaps stay gaps
    wide = _bar(parts[0][1], pen.stage.view.span.length)
    ends, foot = [], np.zeros(parts[0][1].size)
    colors = (*palette.SERIES[: len(plan.chosen.lines)], palette.REST_AREA)
    for (line, x, y), color in zip(parts, colors, strict=False):
        top = foot + y
        shape = _bars(x, foot, top, wide) if plan.kind == "bar" else (x, foot, top)
        pen.axes.fill_between(*shape, color=color, zorder=3, edgecolor=card.FACE, linewidth=0.4)
        if plan.kind == "area":
            _dots(pen, x, top, color)
        there = np.flatnonzero(np.isfinite(top))
        if there.size:
            middle = (foot[there[-1]] + top[there[-1]]) / 2
            ends.append(End(pen.height(float(middle)), line.name, color))
        foot = top
    return ends[::-1]


def _bar(x: Floats, span: float) -> float:
    """Return how wide a bar is: the usual step; of values here and there, no more than a sliver."""
    steps = np.diff(x)
    steps = steps[steps > 0]
    if not steps.size:
        return span / 100
    least = float(steps.min())
    usual = steps.size > 1 and np.count_nonzero(steps <= 1.01 * least) >= steps.size / 2
    return least if usual else min(least, span / 100)


def _bars(x: Floats, foot: Floats, top: Floats, wide: float) -> tuple[Floats, Floats, Floats]:
    """Return the outline of bars that begin at ``x``, interrupted where two do not touch."""
    right = np.minimum(x + wide, np.append(x[1:], np.inf))
    apart = 2 * (np.flatnonzero(right[:-1] < x[1:]) + 1)
    sides = np.column_stack((x, right)).ravel()
    low, high = np.repeat(foot, 2), np.repeat(top, 2)
    return (
        np.insert(sides, apart, sides[apart - 1]),
        np.insert(low, apart, np.nan),
        np.insert(high, apart, np.nan),
    )


def _name(pen: Pen, ends: Sequence[End], names: Mapping[str, str]) -> None:
    """Write names, from the top, beside their lines' ends, each with a key that leads there."""
    room = pen.room
    named = [end for end in ends if end.name != "*"]
    heights = spread([end.height for end in named], card.LINE, room.bottom, room.top)
    for end, y in zip(named, heights, strict=True):
        pen.stage.card.rule(
            [(room.right + 0.03, end.height), (room.right + 0.09, y), (room.right + 0.22, y)],
            color=end.color, linestyle=end.dash, linewidth=THICK,
        )  # fmt: skip
        pen.stage.card.write((room.right + stage.KEY, y), names[end.name])


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return heights near the wanted ones (given from the top), ``gap`` apart, within bounds."""
    placed: list[float] = []
    for want in wanted:
        above = placed[-1] - gap if placed else high
        placed.append(min(want, above))
    floor = low
    for place in range(len(placed) - 1, -1, -1):
        placed[place] = max(placed[place], floor)
        floor = placed[place] + gap
    return placed
