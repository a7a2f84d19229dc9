"""Log patterns that surge: a strip of bars over time for each, what it is above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb import units
from postmortem_nb.captions import label
from postmortem_nb.charts import card, clock, palette, stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from postmortem_nb.charts.stage import View

MOST = 6
HEIGHT = 0.55


@dataclass(frozen=True, slots=True)
class Strip:
    """One pattern: what is said of it, its text, and when its lines came (epoch seconds)."""

    head: str
    pattern: str
    at: NDArray[np.float64]


def draw(strips: Sequence[Strip], view: View) -> Figure:
    """Return the picture of the first six patterns."""
    if not strips:
        return card.note(view.look.title, "No pattern is new or surges in the incident")
    size = clock.bucket(view.span)
    first = np.floor(view.span.start / size) * size
    edges = first + size * np.arange(int(np.ceil((view.span.end - first) / size)) + 1)
    counted = [np.histogram(one.at, edges)[0] for one in strips[:MOST]]
    panels = [
        stage.Panel(_caption(one), _scale(counts), HEIGHT)
        for one, counts in zip(strips, counted, strict=False)
    ]
    made = stage.stage(view, panels, remark=f"Lines per {clock.spoken(size)}")
    for (axes, _), counts in zip(made.panels, counted, strict=True):
        some = counts > 0
        axes.bar(
            (edges[:-1] - view.span.start)[some], counts[some], width=size, align="edge",
            color=palette.SERIES[0], edgecolor=card.FACE, linewidth=0.4, zorder=3,
        )  # fmt: skip
    return made.card.figure


def _caption(one: Strip) -> str:
    return f"{label(one.head, 70)}  ·  {label(one.pattern)}"


def _scale(counts: NDArray[np.int64]) -> units.Scale:
    """Return an axis from 0 to the fullest bar, which is its one tick."""
    top = int(counts.max(initial=1)) or 1
    return units.Scale(0.0, top * 1.08, ((0.0, "0"), (float(top), f"{top:,}")))
