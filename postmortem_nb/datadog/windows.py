"""Points of metrics as values of windows: each point in its slot, and each window as one value.

A point counts from the end of its interval on, when all of it is known: nothing is seen before it
happened. NaN is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.datadog import expression

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from postmortem_nb.datadog.expression import Node

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots of time: seconds of the first one's beginning, length, number; a point's interval."""

    origin: int
    length: int
    count: int
    step: int


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows over slots: how many slots each is wide, how many apart, and how many there are."""

    wide: int
    every: int
    count: int


def placed(rows: pd.DataFrame | None, slots: Slots) -> Floats:
    """Return the points of one group and query, each in the slot in which its interval ends."""
    made = np.full(slots.count, np.nan)
    if rows is not None:
        ends = seconds(rows) + slots.step
        at = -(-(ends - slots.origin) // slots.length) - 1
        inside = (at >= 0) & (at < slots.count)
        made[at[inside]] = rows["value"].to_numpy("float64", na_value=np.nan)[inside]
    return made


def values(node: Node, aggregation: str, known: dict[str, Floats], over: Windows) -> Floats:
    """Return the value of each window: counts are summed before the arithmetic, others after.

    https://docs.datadoghq.com/monitors/guide/as-count-in-monitor-evaluations/
    """
    if not over.count:
        return np.empty(0)
    if not any(leaf.counted for leaf in expression.leaves(node)):
        size = over.wide + (over.count - 1) * over.every
        whole = np.broadcast_to(expression.value(node, known), (size,))
        return _rolled(whole, aggregation, over)
    sums = {text: _rolled(row, "sum", over) for text, row in known.items()}
    there = ~np.isnan(np.array(list(sums.values()))).all(axis=0)
    filled = {text: np.where(there & np.isnan(row), 0.0, row) for text, row in sums.items()}
    made: Floats = np.where(there, expression.value(node, filled), np.nan)
    return made


def seconds(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return the moments of points in seconds since the epoch."""
    moments = frame["timestamp"].dt.tz_convert("UTC").dt.tz_localize(None)
    found: NDArray[np.int64] = moments.to_numpy("datetime64[s]").astype(np.int64)
    return found


def _rolled(row: Floats, how: str, over: Windows) -> Floats:
    """Return one value a window of a row, of the points that there are; NaN for none."""
    windows = np.lib.stride_tricks.sliding_window_view(row, over.wide)[:: over.every]
    there = ~np.isnan(windows)
    amounts = there.sum(axis=1)
    if how in ("min", "max"):
        empty = np.inf if how == "min" else -np.inf
        made = (np.min if how == "min" else np.max)(np.where(there, windows, empty), axis=1)
    else:
        made = np.where(there, windows, 0.0).sum(axis=1)
        made = made / np.maximum(amounts, 1) if how == "avg" else made
    return np.where(amounts > 0, made, np.nan)
