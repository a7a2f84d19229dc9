"""Where a series leaves what is usual and comes back: segments, the impact among them, its edges.

    deviation ──segments──▶ stretches of one level ──impact──▶ the stretch that is not usual
                                                    └──edge──▶ where it begins and ends, and how
                                                               surely

Segments are ruptures' penalised least squares (`KernelCPD`, linear kernel: Killick et al. 2012;
Celisse et al. 2018) with a penalty of 3 · log n, times the ties of the noise. This module is the
one door to ruptures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import ruptures

from postmortem_nb.analysis.usual import CAP

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_SHIFT = 1.5
SURE = 5.0
"""A segment is unusual where its median is off by LEAST_SHIFT units of noise and by SURE standard
errors of a mean of so many values, and seven in ten of its values by a third of that median."""

STRONG_SHIFT = 3.0
"""Shift that is looked for where a weaker one had begun long before the incident."""

SPIKE = 1.5
"""How many times beyond the most unusual value of the baseline a lone value must be."""

BRIDGED = 0.2
"""A usual stretch within the impact, up to this share of it, belongs to the impact."""

RARE = 0.01
"""Share of the baseline's own stretches of that length that may be as unusual as an impact."""

GRADUAL, LEAST_RAMP = 0.5, 4
"""A change is gradual where so many values lie between the usual ones and half of it."""

THRESHOLD = 7.35
"""95 % point of the likelihood ratio of a break's place: (1 − e^(−x/2))² = 0.95 (Hansen,
"Sample splitting and threshold estimation", Econometrica 68, 2000, table 1)."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The first point on the far side of a break, and the first and last that it may be."""

    place: int
    first: int
    last: int


def segments(deviation: Floats, ties: float, least: int = 2) -> list[tuple[int, int]]:
    """Return stretches of one level as (first, beyond the last), in order."""
    count = deviation.size
    if count < 2 * least:
        return [(0, count)]
    capped = np.clip(deviation, -CAP, CAP).reshape(-1, 1)
    engine = ruptures.KernelCPD(kernel="linear", min_size=least).fit(capped)
    ends = [int(end) for end in engine.predict(pen=3 * np.log(count) * ties)]
    return list(zip([0, *ends[:-1]], ends, strict=True))


def unusual(
    deviation: Floats, found: list[tuple[int, int]], ties: float, shift: float = LEAST_SHIFT
) -> list[tuple[int, int]]:
    """Return the stretches off by ``shift`` or more, those close to each other as one."""
    merged: list[tuple[int, int]] = []
    for first, beyond in found:
        if not _is_off(deviation[first:beyond], ties, shift):
            continue
        if merged and first - merged[-1][1] <= BRIDGED * (beyond - merged[-1][0]):
            merged[-1] = (merged[-1][0], beyond)
        else:
            merged.append((first, beyond))
    return merged


def _is_off(part: Floats, ties: float, shift: float) -> bool:
    middle = float(np.median(part))
    toward = np.sign(middle) * np.clip(part, -CAP, CAP)
    size = min(abs(middle), CAP)
    steady = float(np.quantile(toward, 0.3, method="lower")) >= size / 3
    return steady and size >= shift and size * np.sqrt(part.size / ties) >= SURE


def spike(deviation: Floats, quiet: NDArray[np.bool_], inside: NDArray[np.bool_]) -> int | None:
    """Return the place of a lone value that is SPIKE times beyond all of the baseline's own.

    None where there is none, or where the baseline is not three times longer than the window.
    """
    if quiet.sum() < 3 * inside.sum() or not inside.any():
        return None
    size = np.abs(deviation)
    place = int(np.flatnonzero(inside)[size[inside].argmax()])
    enough = max(SPIKE * float(size[quiet].max(initial=0.0)), CAP)
    return place if size[place] >= enough else None


def rarity(deviation: Floats, quiet: NDArray[np.bool_], stretch: tuple[int, int]) -> float | None:
    """Return the share of the baseline's own stretches of this length that are as unusual.

    None where the baseline is shorter than four such stretches: nothing can be said from it.
    """
    first, beyond = stretch
    length = beyond - first
    own = np.clip(deviation, -CAP, CAP)
    if quiet.sum() < 4 * length:
        return None
    sums = np.convolve(own * quiet, np.ones(length), "valid") / length
    whole = np.convolve(quiet.astype(float), np.ones(length), "valid") > length - 0.5
    if not whole.any():
        return None
    return float(np.mean(np.abs(sums[whole]) >= abs(float(own[first:beyond].mean()))))


def edge(before: Floats, after: Floats, ties: float) -> Edge:
    """Return where ``before``, which is usual, becomes ``after``, which is not.

    Both in units of noise, in order of time; places count from the beginning of ``before``. The
    point on the usual side has the density of the noise (Student's t with 4 degrees of freedom, so
    that a spike is no break); on the far side it is the level there or anything up to it, so that a
    slow rise belongs to the impact. The place is the likeliest; the interval holds all places whose
    likelihood ratio, over the ties of the noise, stays below THRESHOLD.
    """
    both = np.concatenate([before, after])
    gain = np.cumsum(_usual_log(both) - _unusual_log(both, after)) / ties
    likely = np.concatenate([[0.0], gain])  # likely[k]: the first k points are usual
    place = int(likely.argmax())
    near = np.flatnonzero(2 * (likely[place] - likely) <= THRESHOLD)
    return Edge(place, int(near.min()), int(near.max()))


@dataclass(frozen=True, slots=True)
class Ramp:
    """When a slow change began: the likeliest time and the earliest."""

    place: float
    first: float


@dataclass(frozen=True, slots=True)
class RampFrom:
    """What a slow change is looked for with: usual points, the whole change, ties of the noise."""

    usual: int
    top: float
    ties: float


def ramp(
    x: Floats, y: Floats, level: Floats, scale: Callable[[Floats], Floats], found: RampFrom
) -> Ramp | None:
    """Return where the straight line that a change follows left the baseline; None if abrupt.

    ``x`` are times, ``y`` values and ``level`` what is usual, in order, the usual ones first;
    ``scale`` turns values into units of noise. The line is fitted to what lies before half
    of the change, which has a noise of its own. The interval holds the onsets whose squared error,
    in units of noise, is within 3.84 of the least, times ties: the 95 % point of the likelihood
    ratio of a kink (χ², 1 degree of freedom; Feder, Annals of Statistics 3, 1975); and as much
    before as the line needs to leave the noise, for what begins slower than a line is not seen
    earlier. A change that a step tells about as well is abrupt.
    """
    change = y - level
    toward = np.sign(found.top) * change
    smooth = np.median(np.stack([np.roll(toward, k) for k in (-1, 0, 1)]), axis=0)
    reached = np.flatnonzero(smooth[found.usual :] >= GRADUAL * abs(found.top))
    until = found.usual + (int(reached[0]) + 1 if reached.size else y.size - found.usual)
    if until - found.usual < LEAST_RAMP or found.usual < LEAST_RAMP:
        return None
    part, rise = slice(0, until), slice(found.usual, until)
    onsets = np.linspace(x[0], x[until - 2], 300)
    reach = np.clip(x[part] - onsets[:, None], 0, None)
    slope = (reach @ change[part]) / np.maximum((reach**2).sum(axis=1), 1e-12)
    miss = scale(y[part]) - scale(level[part] + slope[:, None] * reach)
    error = np.minimum(miss**2, CAP**2)
    step = scale(y[rise]) - scale(level[rise] + found.top)
    rough = max(1.0, float(error[error.sum(axis=1).argmin(), rise].mean()))
    error[:, rise] /= rough
    total = error.sum(axis=1)
    best = int(total.argmin())
    if float((step**2).sum()) / rough < float(error[best, rise].sum()) + 4 * found.ties:
        return None
    near = np.flatnonzero(total - total[best] <= 3.84 * found.ties)
    hidden = _hidden(float(slope[best]), float(level[found.usual]), scale, found.ties, x)
    return Ramp(float(onsets[best]), max(float(x[0]), float(onsets[near[0]]) - hidden))


def _hidden(
    slope: float, level: float, scale: Callable[[Floats], Floats], ties: float, x: Floats
) -> float:
    """Return how long a line of this slope stays within two standard errors of the level."""
    after = np.linspace(0, float(x[-1] - x[0]), 500)
    out = np.abs(scale(level + slope * after) - scale(np.full(500, level)))
    seen = np.flatnonzero(out >= 2 * np.sqrt(ties))
    return float(after[seen[0]]) if seen.size else 0.0


def _usual_log(z: Floats) -> Floats:
    """Return the log density of Student's t, 4 degrees of freedom: 3/8 · (1 + z²/4)^(−5/2)."""
    return np.asarray(np.log(0.375) - 2.5 * np.log1p(z * z / 4))


def _unusual_log(z: Floats, after: Floats) -> Floats:
    """Return the log density of half the far level's own spread, half anything up to it."""
    middle = float(np.median(after))
    spread = max(1.0, float(1.4826 * np.median(np.abs(after - middle))))
    far = max(abs(middle) + 2 * spread, 3.0)
    toward = np.sign(middle) * z
    anything = np.where((toward > 0) & (toward < far), 1 / far, 0.02 / far)
    level = np.exp(-(((z - middle) / spread) ** 2) / 2) / (spread * np.sqrt(2 * np.pi))
    return np.asarray(np.log(0.5 * level + 0.5 * anything))
