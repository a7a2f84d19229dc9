"""Is it more than chance? Exact tests, effect sizes with intervals, and many tests at once.

Every function takes arrays, one test each, and does all at once. This is the one door to scipy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SIGNIFICANT = 0.05
"""False discovery rate below which a finding is called one."""
CLUMPED, WIDER, LARGER = 0.01, 5.0, 1.5
"""Chance below which counts come in clumps; how many times more they may do so than a few of them
tell, and how many times the largest count of a slot: one line is no reason to overlook hundreds."""
Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Ratios with their 95 % intervals."""

    ratio: Floats
    low: Floats
    high: Floats


def rates(count: Floats, base: Floats, share: float, spread: Floats) -> Floats:
    """Return p that a rate is as high as this by chance, for counts in two stretches of time.

    ``share`` is the window's share of the time of both; given the sum, the window's count is
    binomial (Przyborowski and Wilenski, Biometrika 31, 1940). ``spread`` is variance over mean of
    the counts (1 for Poisson): both counts are divided by it, since events in bursts weigh less.
    """
    k, n = count / spread, (count + base) / spread
    with np.errstate(invalid="ignore"):
        found = special.betainc(np.maximum(k, 1e-9), n - k + 1, share)
    return np.asarray(np.where(k > 0, found, 1.0))


def spread(base: Floats, window: Floats) -> Floats:
    """Return variance over mean of counts a slot, one row a test: 1 where they are Poisson.

    A baseline whose counts vary no more than chance lets them (Fisher's index of dispersion) has
    1. Where lines come in clumps it holds few of these, and of clumps of all
    sizes mostly small ones: there the window has a say, Pearson's ratio of both, up to the upper
    limit of the baseline's (chi-squared, of as many as there are clumps).
    """
    mean, other = base.mean(axis=1), window.mean(axis=1)
    free, more = base.shape[1] - 1, window.shape[1] - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.nan_to_num(base.var(axis=1, ddof=1) / mean)
        rest = ((base.T - mean) ** 2).sum(axis=0) + ((window.T - other) ** 2).sum(axis=0)
        both = np.nan_to_num(rest / (free * mean + more * other))
    clumped = stats.chi2.sf(free * own, free) < CLUMPED
    own = np.maximum(own, 1.0)
    clumps = np.maximum(base.sum(axis=1) / own, 1.0)
    most = own * np.minimum(clumps / stats.chi2.ppf(SIGNIFICANT, clumps), WIDER)
    most = np.minimum(most, np.maximum(own, LARGER * base.max(axis=1)))
    return np.asarray(np.where(clumped, np.clip(both, own, most), 1.0))


def rate_ratio(count: Floats, base: Floats, share: float, spread: Floats) -> Effect:
    """Return the ratio of the rates, with the interval that the same binomial gives.

    Bounds are Clopper and Pearson's (Biometrika 26, 1934) for the window's part of the sum. With
    nothing in the baseline the ratio is infinite, and its lower bound says what is known.
    """
    k, n = count / spread, (count + base) / spread
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(k > 0, special.betaincinv(np.maximum(k, 1e-9), n - k + 1, 0.025), 0.0)
        high = np.where(base > 0, special.betaincinv(k + 1, np.maximum(n - k, 1e-9), 0.975), 1.0)
        odds = share / (1 - share)
        ratio = np.where(base > 0, count / base / odds, np.inf)
        return Effect(ratio, low / (1 - low) / odds, high / (1 - high) / odds)


def surprise(count: Floats, base: Floats, share: float) -> Floats:
    """Return Dunning's log-likelihood ratio (1993) of counts against the shares of time, signed."""
    both = count + base
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = special.xlogy(count, count / (both * share)) + special.xlogy(
            base, base / (both * (1 - share))
        )
    return np.asarray(np.where(count >= both * share, 2.0, -2.0) * np.nan_to_num(parts))


def overrepresented(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """Return Fisher's exact p, one-sided: ``a`` of a+c cases and ``b`` of b+d others have it."""
    return np.asarray(stats.hypergeom.sf(a - 1, a + b + c + d, a + b, a + c), dtype=np.float64)


def odds_ratio(a: Floats, b: Floats, c: Floats, d: Floats) -> Effect:
    """Return ad / bc with Woolf's interval (1955); with an empty cell ½ is added to all four.

    (Haldane 1956, Anscombe 1956.)
    """
    a, b, c, d = _filled(a, b, c, d)
    return _around(a * d / (b * c), np.sqrt(1 / a + 1 / b + 1 / c + 1 / d))


def risk_ratio(a: Floats, b: Floats, c: Floats, d: Floats) -> Effect:
    """Return a/(a+b) over c/(c+d) with Katz' interval (1978); empty cells as for odds."""
    a, b, c, d = _filled(a, b, c, d)
    error = np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    return _around(a / (a + b) / (c / (c + d)), error)


def adjusted(p: Floats) -> Floats:
    """Return p-values corrected for their number: Benjamini and Hochberg's false discovery rate."""
    above = np.maximum(p, np.finfo(np.float64).tiny)  # a p too small for a float is not 0
    return np.asarray(stats.false_discovery_control(above)) if p.size else p


def _filled(*cells: Floats) -> tuple[Floats, ...]:
    empty = np.any([cell == 0 for cell in cells], axis=0)
    return tuple(cell + 0.5 * empty for cell in cells)


def _around(ratio: Floats, error: Floats) -> Effect:
    return Effect(ratio, ratio * np.exp(-Z * error), ratio * np.exp(Z * error))
