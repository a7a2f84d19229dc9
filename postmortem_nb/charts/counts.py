"""Rows over time: how many logs, spans or events fell into each stretch, stacked by a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from postmortem_nb import units
from postmortem_nb.captions import label
from postmortem_nb.charts import card, clock, palette, stage
from postmortem_nb.errors import BadValue, expected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from postmortem_nb.charts.stage import Room, Stage, View

MOST = len(palette.SERIES)
HEIGHT = 2.35
NAME_ROOM = stage.COLUMN_MOST - stage.KEY - 0.05


@dataclass(frozen=True, slots=True)
class Stack:
    """Rows of one kind: its name, colour, how many there are, and how many a bucket."""

    name: str
    color: str
    total: int
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows counted: what they are, by which column, the buckets' size, and the stacks upwards."""

    things: str
    by: str
    size: float
    first: float
    stacks: tuple[Stack, ...]

    @property
    def caption(self) -> str:
        """What the bars show, as a heading."""
        split = (
            f", by {self.by}" if len(self.stacks) > 1 or self.stacks[0].name != "unknown" else ""
        )
        return f"{self.things} per {clock.spoken(self.size)}{split}"

    @property
    def height(self) -> int:
        """Rows in the fullest bucket."""
        return int(np.sum([stack.counts for stack in self.stacks], axis=0).max(initial=0))


def count(frame: pd.DataFrame, view: View, things: str, by: str) -> Counts:
    """Return the rows of a frame with a ``timestamp``, counted in round buckets of the span."""
    at = clock.seconds(frame["timestamp"])
    size = clock.bucket(view.span)
    first = np.floor(view.span.start / size) * size
    buckets = int(np.ceil((view.span.end - first) / size)) or 1
    names, codes = _kinds(frame, by)
    there = (at >= first) & (at <= view.span.end) & np.isfinite(at)
    where = np.minimum(((at[there] - first) // size).astype(np.int64), buckets - 1)
    table = np.bincount(codes[there] * buckets + where, minlength=len(names) * buckets)
    table = table.reshape(len(names), buckets)
    return Counts(things, label(by, 30), size, float(first), tuple(_stacks(names, table, by)))


def _kinds(frame: pd.DataFrame, by: str) -> tuple[list[str], NDArray[np.int64]]:
    """Return the different values of a column, or of a tag of that name, and each row's."""
    column = frame[by] if by in frame.columns else _tag(frame, by)
    if len(column) and pd.api.types.is_list_like(column.iloc[0]):
        column = column.map(lambda tags: ", ".join(map(str, tags)), na_action="ignore")
    codes, values = pd.factorize(column, use_na_sentinel=True)
    names = [label(value, 80) or "(empty)" for value in values]
    return [*names, "unknown"], np.where(codes < 0, len(names), codes).astype(np.int64)


def _tag(frame: pd.DataFrame, key: str) -> pd.Series:
    found = pd.Series(pd.NA, index=frame.index, dtype="string")
    if "tags" in frame:
        start = f"{key}:"
        found = frame["tags"].map(lambda tags: _after(start, tags)).astype("string")
    if not found.notna().any():
        columns = ", ".join(label(name, 30) for name in list(frame.columns)[:12])
        raise BadValue(
            expected(
                "by", f"a column ({columns}) or a tag of the answer", example="service", came=key
            )
        )
    return found


def _after(start: str, tags: Any) -> str | None:
    """Return what follows ``start`` in the first tag that begins so."""
    listed = [str(tag) for tag in tags] if pd.api.types.is_list_like(tags) else []
    return next((tag[len(start) :] for tag in listed if tag.startswith(start)), None)


def _stacks(names: list[str], table: NDArray[np.int64], by: str) -> list[Stack]:
    """Return the stacks from the bottom up: worst status first, else the largest."""
    totals = table.sum(axis=1)
    present = [place for place in range(len(names)) if totals[place] or len(names) == 1]
    present = present or [0]
    present.sort(key=lambda place: -totals[place])
    kept, rest = present[:MOST], present[MOST:]
    if by == "status":
        kept.sort(key=lambda place: palette.rank(names[place]))
    found = [
        Stack(names[place], _color(names[place], number, by), int(totals[place]), table[place])
        for number, place in enumerate(kept)
    ]
    if rest:
        found.append(
            Stack(
                f"other ({len(rest)})",
                palette.REST_AREA,
                int(totals[rest].sum()),
                table[rest].sum(axis=0),
            )
        )
    return found


def _color(name: str, number: int, by: str) -> str:
    if name == "unknown":
        return palette.REST
    if by == "status":
        return palette.STATUS.get(name.lower(), palette.REST)
    return palette.SERIES[number]


def names(counts: Counts) -> list[str]:
    """Return what stands beside the bars, top down: each stack's name and its number of rows."""
    found = []
    for stack in reversed(counts.stacks):
        total = f"  {stack.total:,}"
        found.append(card.fit_middle(stack.name, NAME_ROOM - card.width(total)) + total)
    return found


def draw(counts: Counts, view: View) -> Figure:
    """Return the picture of counted rows."""
    made = stage.stage(view, [panel(counts, HEIGHT)], names(counts))
    draw_in(made, *made.panels[0], counts)
    return made.card.figure


def panel(counts: Counts, height: float) -> stage.Panel:
    """Return the panel that counted rows need."""
    scale = units.scale(0, counts.height, units.Unit(), whole=True)
    return stage.Panel(counts.caption, scale, height)


def draw_in(made: Stage, axes: Axes, room: Room, counts: Counts, *, named: bool = True) -> None:
    """Draw counted rows into a panel, their names beside it unless they stand elsewhere."""
    left = (
        counts.first - made.view.span.start + counts.size * np.arange(counts.stacks[0].counts.size)
    )
    foot = np.zeros(left.size)
    for stack in counts.stacks:
        some = stack.counts > 0
        axes.bar(
            left[some], stack.counts[some], width=counts.size, bottom=foot[some], align="edge",
            color=stack.color, edgecolor=card.FACE, linewidth=0.4, zorder=3,
        )  # fmt: skip
        foot += stack.counts
    colors = [stack.color for stack in reversed(counts.stacks)]
    if named:
        legend(made, room, list(zip(colors, names(counts), strict=True)))


def legend(made: Stage, room: Room, entries: Sequence[tuple[str, str]], marks: str = "") -> None:
    """Write colours and names beside a panel, from its top down; squares unless ``marks`` say."""
    for number, (color, name) in enumerate(entries):
        y = room.top - (number + 0.5) * card.LINE
        mark = marks[number] if marks else "s"
        made.card.rule([(room.right + 0.15, y)], color=color, marker=mark, markersize=6.5)
        made.card.write((room.right + stage.KEY, y), name)
