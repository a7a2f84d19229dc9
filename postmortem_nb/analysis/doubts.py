"""What a series cannot tell: where it was silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.charts import clock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SILENT = "no value is known within the incident"

MOST, SEVERAL = 0.5, 3.0
"""A gap of this share of the incident, and of so many steps of the series, is told."""


def silence(at: Floats, start: float, end: float) -> str:
    """Return that most of an incident has no value between two known ones; else nothing."""
    inside = at[(at >= start) & (at < end)]
    if not inside.size:
        return SILENT
    step = float(np.median(np.diff(at)))
    edges = np.concatenate([[start], inside + step, [end]])
    gaps = np.append(inside, end) - edges[:-1]
    widest = int(gaps.argmax())
    if gaps[widest] <= max(MOST * (end - start), SEVERAL * step):
        return ""
    first, last = clock.clock(edges[widest]), clock.clock(edges[widest] + gaps[widest])
    return f"no value is known from {first} to {last}, most of the incident"
