"""What many durations, and a count of incidents, say: figures with how sure they are.

Durations of incidents are few and skewed: a mean alone misleads, so it never stands without the
median, the spread and an interval, and too few values have none (`FEW`). Nothing here is compared
or called better: what an interval leaves open stays open.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FEW = 5
"""Fewer values than this have no quartiles and no interval: the incidents are listed instead."""

RESAMPLES = 4_000
SEED = 4821
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Several values of one measure, in its unit; None where there are too few to say.

    ``mean`` and ``median`` need two values, the rest needs `FEW`. ``q1``, ``q3`` and ``p90`` are
    percentiles with linear interpolation (Hyndman and Fan's type 7, as numpy and pandas have it).
    The intervals are percentile bootstraps of 95 % (Efron 1979), the same for the same values.
    """

    n: int
    mean: float | None = None
    median: float | None = None
    q1: float | None = None
    q3: float | None = None
    p90: float | None = None
    mean_low: float | None = None
    mean_high: float | None = None
    median_low: float | None = None
    median_high: float | None = None


def spread(values: Sequence[float]) -> Spread:
    """Return what several values say, in any order; one value is no spread."""
    known = np.sort(np.asarray(values, dtype=float))
    if len(known) < 2:
        return Spread(n=len(known))
    if len(known) < FEW:
        return Spread(n=len(known), mean=float(known.mean()), median=float(np.median(known)))
    q1, q3, p90 = (float(value) for value in np.percentile(known, (25, 75, 90)))
    drawn = _resampled(known)
    tails = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))
    mean_low, mean_high = np.percentile(drawn.mean(axis=1), tails)
    median_low, median_high = np.percentile(np.median(drawn, axis=1), tails)
    return Spread(
        n=len(known),
        mean=float(known.mean()),
        median=float(np.median(known)),
        q1=q1,
        q3=q3,
        p90=p90,
        mean_low=float(mean_low),
        mean_high=float(mean_high),
        median_low=float(median_low),
        median_high=float(median_high),
    )


def _resampled(values: np.ndarray) -> np.ndarray:
    """Return resamples with replacement, one a row."""
    chance = np.random.default_rng(SEED)
    return values[chance.integers(0, len(values), size=(RESAMPLES, len(values)))]


def poisson(count: int) -> tuple[float, float]:
    """Return the exact 95 % interval of the mean of which a count was seen (Garwood 1936)."""
    tail = (1 - CONFIDENCE) / 2
    high = _crossing(lambda mean: _at_most(count, mean) - tail, count)
    low = _crossing(lambda mean: tail - 1 + _at_most(count - 1, mean), count) if count else 0.0
    return low, high


def _at_most(count: int, mean: float) -> float:
    """Return the chance of so many events or fewer, where ``mean`` are expected."""
    if mean == 0:
        return 1.0
    terms = (k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(count + 1))
    return math.fsum(math.exp(term) for term in terms)


def _crossing(falling: Callable[[float], float], count: int) -> float:
    """Return where a function falls (or rises) through zero, by halving."""
    low, high = 0.0, count + 10 * math.sqrt(count + 1) + 10
    sign = 1 if falling(low) > 0 else -1
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if sign * falling(middle) > 0 else (low, middle)
    return (low + high) / 2
