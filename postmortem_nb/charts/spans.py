"""Spans: each one's duration as a dot, errors apart from the rest; below, how many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from postmortem_nb import units
from postmortem_nb.charts import clock, counts, palette, stage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from postmortem_nb.charts.counts import Counts
    from postmortem_nb.charts.stage import View

    Floats = NDArray[np.float64]

SECOND = units.read("second")
HEIGHTS = 1.6, 0.85
MANY = 3000
"""Dots from which on they are thinned, small and see-through."""
GRID = 1200, 320
"""Cells that dots are thinned to; of those in one cell, one is drawn."""
WIDE = 50.0
"""From this ratio of the longest to a usual duration on, the scale is logarithmic."""


def durations(frame: pd.DataFrame) -> Floats:
    """Return the spans' durations in seconds; missing is NaN."""
    column = frame["duration"]
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return np.asarray(column.dt.total_seconds(), dtype=np.float64)
    counted = pd.to_numeric(column, errors="coerce").astype("Float64")
    return np.asarray(counted.to_numpy(dtype="float64", na_value=np.nan), dtype=np.float64) / 1e9


def errors(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which spans failed."""
    if "status" not in frame:
        return np.zeros(len(frame), dtype=bool)
    return (
        frame["status"].astype("string").str.lower().eq("error").fillna(False).to_numpy(dtype=bool)
    )


def draw(frame: pd.DataFrame, counted: Counts, view: View) -> Figure:
    """Return the picture of spans: durations above, numbers below."""
    long = durations(frame)
    scale = _scale(long[np.isfinite(long)])
    panels = [
        stage.Panel("Duration of each span", scale, HEIGHTS[0]),
        counts.panel(counted, HEIGHTS[1]),
    ]
    failed = errors(frame)
    dots = [
        (palette.STATUS["ok"], f"ok  {np.count_nonzero(~failed):,}"),
        (palette.STATUS["error"], f"error  {np.count_nonzero(failed):,}"),
    ]
    same = {stack.name.lower() for stack in counted.stacks} <= {"ok", "error"}
    made = stage.stage(view, panels, [*counts.names(counted), *(name for _, name in dots)])
    axes, room = made.panels[0]
    x = clock.seconds(frame["timestamp"]) - view.span.start
    y = np.maximum(long, scale.low) if scale.log else long
    _scatter(axes, (x[~failed], y[~failed]), dots[0][0], "o")
    _scatter(axes, (x[failed], y[failed]), dots[1][0], "X")
    counts.legend(made, room, dots, "oX")
    counts.draw_in(made, *made.panels[1], counted, named=not same)
    return made.card.figure


def _scale(long: Floats) -> units.Scale:
    if not long.size:
        return units.scale(0, 1, SECOND)
    positive = long[long > 0]
    if positive.size and positive.max() > WIDE * np.median(positive):
        return units.decades(
            float(max(positive.min(), positive.max() / 1e7)), float(positive.max()), SECOND
        )
    return units.scale(0, float(long.max()), SECOND)


def _scatter(axes: Axes, points: tuple[Floats, Floats], color: str, marker: str) -> None:
    x, y = _thinned(axes, *points)
    large = (3.2 if marker == "o" else 4.6) * (1 if x.size <= MANY else 0.6)
    axes.plot(
        x, y, marker, color=color, markersize=large, alpha=0.75 if x.size <= MANY else 0.45,
        markeredgewidth=0.3 if x.size <= MANY else 0, markeredgecolor="#ffffff",
        zorder=3 if marker == "o" else 4,
    )  # fmt: skip


def _thinned(axes: Axes, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    there = np.isfinite(x) & np.isfinite(y)
    x, y = x[there], y[there]
    if x.size <= MANY:
        return x, y
    spots = axes.transAxes.inverted().transform(axes.transData.transform(np.column_stack((x, y))))
    cells = np.floor(spots * GRID)
    _, kept = np.unique(cells, axis=0, return_index=True)
    return x[kept], y[kept]
