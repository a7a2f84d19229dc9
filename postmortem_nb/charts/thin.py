"""A line as it is drawn: gaps stay gaps, and no more points than the picture has columns.

Of a long line the first, lowest, highest and last point in each column of pixels stay (the M4
reduction), so it covers the same pixels as the whole and keeps every extreme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COLUMNS = 1600
"""Columns that a line is reduced to: as many as the picture's widest panel has pixels."""


def thin(x: Floats, y: Floats, columns: int = COLUMNS) -> tuple[Floats, Floats]:
    """Return the line through ascending ``x`` with NaN where it is interrupted.

    It is interrupted at missing values, and where points that came in a steady rhythm stay away.
    A gap narrower than a column of pixels cannot be seen and is not kept.
    """
    there = np.flatnonzero(np.isfinite(y))
    if not there.size:
        return x[:0], y[:0]
    breaks = np.diff(there) > 1
    if there.size < x.size:
        x, y = x[there], y[there]
    breaks |= _pauses(x)
    if x.size <= 4 * columns:
        return _with_gaps(x, y, np.flatnonzero(breaks))
    return _reduced(x, y, breaks, columns)


def alone(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the points with a gap on both sides: no line reaches them, they are dots."""
    there = np.isfinite(y)
    edge = np.zeros(1, dtype=bool)
    lone = there & ~np.concatenate((edge, there[:-1])) & ~np.concatenate((there[1:], edge))
    return x[lone], y[lone]


def _pauses(x: Floats) -> NDArray[np.bool_]:
    """Return, between each two points, whether a steady rhythm was left out for a while."""
    steps = np.diff(x)
    if steps.size < 3:
        return np.zeros(steps.size, dtype=bool)
    usual = np.median(steps[:: max(1, steps.size // 20_000)])
    steady = np.count_nonzero(np.abs(steps - usual) <= 0.01 * usual) >= steps.size / 2
    return steps > 1.5 * usual if steady else np.zeros(steps.size, dtype=bool)


def _with_gaps(x: Floats, y: Floats, after: NDArray[np.intp]) -> tuple[Floats, Floats]:
    return np.insert(x, after + 1, x[after]), np.insert(y, after + 1, np.nan)


def _reduced(
    x: Floats, y: Floats, breaks: NDArray[np.bool_], columns: int
) -> tuple[Floats, Floats]:
    column = ((x - x[0]) * (columns / (x[-1] - x[0] or 1.0))).astype(np.int32)
    first = np.concatenate(([0], np.flatnonzero(np.diff(column)) + 1))
    last = np.concatenate((first[1:], [x.size])) - 1
    low, high = (_where(y, first, extreme) for extreme in (np.minimum, np.maximum))
    four = np.sort(np.stack((first, low, high, last), axis=1), axis=1)
    keep = np.ones(four.shape, dtype=bool)
    keep[:, 1:] = four[:, 1:] != four[:, :-1]
    kept = four[keep]
    gap_after = breaks[last[:-1]]
    after = np.searchsorted(kept, last[:-1][gap_after])
    return _with_gaps(x[kept], y[kept], after)


def _where(y: Floats, first: NDArray[np.intp], extreme: np.ufunc) -> NDArray[np.intp]:
    """Return where the lowest or highest point of each column stands."""
    sizes = np.diff(np.concatenate((first, [y.size])))
    hits = np.flatnonzero(y == np.repeat(extreme.reduceat(y, first), sizes))
    return hits[np.searchsorted(hits, first)]
