"""A series that is on its way up or down all the time: the curve on which it would have gone on.

An hour of a morning tells no rhythm, but that it rises. The curve goes through the values before
the incident and those after it, or there is none: what only one side tells is no more than a guess.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from postmortem_nb.analysis.ties import ties

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

LEAST = 12
"""Values on each side that a curve needs."""

SURE, FITS = 3.0, 2.5
"""Standard errors by which the values before must rise or fall, and by which neither side may
still do so about the curve."""

BESIDE = 0.1
"""How far from the incident, in its lengths, values tell where the series was on its way to."""

WANDERS = 8.0
"""Ties about the curve from which a series wanders: it is on its way nowhere."""

REACH = 10_800.0
"""A curve is fitted to three hours on each side, or twice the incident's length."""

CLEARLY = 9.0
"""Twice the log likelihood by which an end must tell the values better than a later one, or none:
the likelihood ratio of three standard errors."""

PARTS, TRIED = (1, 4, 12), 60
"""Parts of an impact, each with a height of its own; later ends that are tried."""

SPIKE = 3.0
"""Units of noise that a value may be off the median of five."""

LEAST_BREAK = 2
"""Values before a break."""


def beside(
    at: Floats, window: tuple[float | None, float | None], length: float
) -> tuple[Flags, Flags] | None:
    """Return the points before and after an incident, some way off: it may have lasted longer."""
    start, end = window
    if start is None or end is None:
        return None
    return at < start - BESIDE * length, at > end + BESIDE * length


def curve(at: Floats, y: Floats, before: Flags, after: Flags, length: float) -> Floats | None:
    """Return the level at each time; None where the values before the incident stand still.

    A line, or a parabola where it is clearly better; farther from the incident the running median.
    """
    if min(before.sum(), after.sum()) < LEAST:
        return None
    reach = max(2 * length, REACH)
    first, last = at[before].max() - reach, at[after].min() + reach
    sides = [before & (at >= first), after & (at <= last)]
    if min(each.sum() for each in sides) < LEAST:
        return None
    if abs(_trend(at[sides[0]], y[sides[0]], 1)) < SURE:
        return None
    both = sides[0] | sides[1]
    middle = float(at[both].mean())
    x = (at - middle) / reach
    degree = 2 if abs(_trend(at[both], y[both], 2)) >= SURE else 1
    found = np.polyval(np.polyfit(x[both], y[both], degree), x)
    rest = y - found
    if any(abs(_trend(at[each], rest[each], 1)) >= FITS for each in sides):
        return None
    if max(ties(rest[each]) for each in sides) >= WANDERS:
        return None
    far = (at < at[both].min()) | (at > at[both].max())
    width = max(2 * int(sides[0].sum()) // 4 + 1, 2 * LEAST + 1)
    running = pd.Series(y).rolling(width, center=True, min_periods=1).median()
    return np.where(far, running.to_numpy(dtype=np.float64), found)


def _trend(at: Floats, y: Floats, degree: int) -> float:
    """Return the highest coefficient of a polynomial in its standard errors, ties reckoned in."""
    x = (at - at.mean()) / max(float(np.ptp(at)), 1e-9)
    powers = np.vander(x, degree + 1)
    factors = np.linalg.lstsq(powers, y, rcond=None)[0]
    rest = y - powers @ factors
    variance = float(rest @ rest) / max(at.size - degree - 1, 1) * ties(rest)
    error = np.sqrt(variance * np.linalg.pinv(powers.T @ powers)[0, 0])
    return float(factors[0] / max(error, 1e-12 * max(float(np.abs(y).max()), 1e-12)))


def goes_on(at: Floats, y: Floats, found: tuple[float, float, float], ties: float) -> bool:
    """Return whether a drift and an impact that lasts longer tell the values as well.

    ``found`` is when the impact began, when it is said to have ended, and the latest time for that;
    ``y`` is in units of noise. Where a series is on its way up or down, that it reaches the level
    of before may be its way alone: what tells an end is that the impact falls away from that way.
    """
    start, end, latest = found
    reach = max(2 * (end - start), REACH)
    near = (at >= start - reach) & (at <= end + reach)
    x, values = at[near], _unspiked(y[near])
    before = x < start
    if before.sum() < LEAST or abs(_trend(x[before], values[before], 1)) < SURE:
        return False
    later = x[x > latest]
    ends = [*later[:: max(1, later.size // TRIED)], np.inf]

    def gain(parts: int) -> float:
        borders = np.linspace(start, end, parts + 1)
        longer = max(_likely(x, values, borders, until) for until in ends)
        return _likely(x, values, borders, end) - longer

    return all(gain(parts) < CLEARLY * ties for parts in PARTS)


def _unspiked(y: Floats) -> Floats:
    """Return values with those far from their neighbours brought nearer."""
    middle = pd.Series(y).rolling(5, center=True, min_periods=1).median().to_numpy(np.float64)
    return np.asarray(np.clip(y, middle - SPIKE, middle + SPIKE))


def _likely(x: Floats, y: Floats, borders: Floats, until: float) -> float:
    """Return twice the log likelihood of an impact on a parabola: free within its borders.

    From the last of them until a time it stays at its mean.
    """
    parts = np.column_stack([(x >= one) & (x < two) for one, two in pairwise(borders)])
    stays = ((x >= borders[-1]) & (x < until)) / parts.shape[1]
    way = (x - x.mean()) / max(float(np.ptp(x)), 1e-9)
    columns = np.column_stack([np.vander(way, 3), parts + stays[:, None]])
    rest = y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
    return -x.size * float(np.log(max(float(rest @ rest), 1e-12)))


def is_all(at: Floats, y: Floats, stretch: tuple[int, int]) -> bool:
    """Return whether one straight line tells the series up to there as well as one break does."""
    first, beyond = stretch
    begin = max(0, first - (beyond - first))
    if first - begin < LEAST_BREAK:
        return False
    x, part = at[begin:beyond] - at[begin], y[begin:beyond]
    line = part - np.polyval(np.polyfit(x, part, 1), x)
    step = np.concatenate([each - each.mean() for each in np.split(part, [first - begin])])
    return float(line @ line) <= float(step @ step)
