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
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_SHIFT = 1.5
SURE = 5.0
"""A segment is unusual where its median is off by LEAST_SHIFT units of noise and by SURE standard
errors of a mean of so many values, and seven in ten of its values by a third of that median."""

SURE_OF_COUNTS = 9.0
"""Standard errors for counts that are mostly 0: a few ones side by side are no impact."""

STRONG_SHIFT = 3.0
"""Shift that is looked for where a weaker one had begun long before the incident."""

BRIDGED = 0.2
"""A usual stretch within the impact, up to this share of it, belongs to the impact."""

RARE, SLACK = 0.01, 1.3
"""Share of the baseline's own stretches of that length that may be as unusual as an impact, or
would be if they were so many times higher."""

GRADUAL, SEEN, LEAST_RAMP, ONSETS = 0.5, 6.0, 4, 120
"""A gradual change is looked at up to half of it, or up to so many units of noise, where there are
so many values before; moments that are tried for its beginning."""

BESIDE = 10
"""Values next to an edge that tell what a change in steps first leads to."""

THRESHOLD = 7.35
"""95 % point of the likelihood ratio of a break's place: (1 − e^(−x/2))² = 0.95 (Hansen,
"Sample splitting and threshold estimation", Econometrica 68, 2000, table 1)."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The first point on the far side of a break, and when it began: likeliest, first, last."""

    place: int
    at: float
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Part:
    """What an edge is looked for in, in order: usual points first, ``split`` of them by guess.

    ``x`` are times, ``y`` values, ``level`` what is usual; ``scale`` turns values into units of
    noise, ``ties`` is how much neighbours resemble each other; ``grows``: the variance of the noise
    is in proportion to the value, as that of counts is; ``jump`` is a difference of neighbours, in
    units of noise, as the baseline hardly has one.
    """

    x: Floats
    y: Floats
    level: Floats
    split: int
    ties: float
    grows: bool
    jump: float
    scale: Callable[[Floats], Floats]


def segments(deviation: Floats, ties: float, least: int = 2) -> list[tuple[int, int]]:
    """Return stretches of one level as (first, beyond the last), in order."""
    count = deviation.size
    if count < 2 * least:
        return [(0, count)]
    capped = np.clip(deviation, -CAP, CAP).reshape(-1, 1)
    engine = ruptures.KernelCPD(kernel="linear", min_size=least).fit(capped)
    ends = [int(end) for end in engine.predict(pen=3 * np.log(count) * ties)]
    return list(zip([0, *ends[:-1]], ends, strict=True))


@dataclass(frozen=True, slots=True)
class Wanted:
    """By how much a stretch must be off, in units of noise and in standard errors of a mean."""

    shift: float = LEAST_SHIFT
    sure: float = SURE


def unusual(
    deviation: Floats, found: list[tuple[int, int]], ties: float, wanted: Wanted
) -> list[tuple[int, int]]:
    """Return the stretches that are off by what is wanted, those close to each other as one."""
    merged: list[tuple[int, int]] = []
    for first, beyond in found:
        if not _is_off(deviation[first:beyond], ties, wanted):
            continue
        if merged and first - merged[-1][1] <= BRIDGED * (beyond - merged[-1][0]):
            merged[-1] = (merged[-1][0], beyond)
        else:
            merged.append((first, beyond))
    return merged


def _is_off(part: Floats, ties: float, wanted: Wanted) -> bool:
    middle = float(np.median(part))
    toward = np.sign(middle) * np.clip(part, -CAP, CAP)
    size = min(abs(middle), CAP)
    steady = float(np.quantile(toward, 0.3, method="lower")) >= size / 3
    return steady and size >= wanted.shift and size * np.sqrt(part.size / ties) >= wanted.sure


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
    return float(np.mean(SLACK * np.abs(sums[whole]) >= abs(float(own[first:beyond].mean()))))


def edge(part: Part) -> Edge:
    """Return where the usual ends and the far side begins, with the times that it may have been.

    Two ways of beginning are weighed in one likelihood, over the ties of the noise. At once: usual
    points have the density of the noise (Student's t with 4 degrees of freedom, so that a spike is
    no break), those beyond the level there or anything up to it. Gradually: from a moment on, a
    line or a parabola leads to what is clearly unusual. The interval holds all moments whose
    likelihood ratio stays below THRESHOLD: what begins so slowly that noise hides it may have
    begun before it is seen. Ties widen it, but for a jump: noise that resembles the value before
    makes no such step.
    """
    z = part.scale(part.y) - part.scale(part.level)
    far = _unusual_log(z, z[part.split :])
    after = np.append(np.cumsum(far[::-1])[::-1], 0.0)  # of the points from each on
    abrupt = np.append(0.0, np.cumsum(_usual_log(z))) + after
    place = int(abrupt.argmax())
    step = float(np.median(np.diff(part.x)))
    moments = np.append(part.x, part.x[-1] + step)
    wide = THRESHOLD * (1.0 if _jumps(z, place, part.jump) else part.ties)
    slow = [each for goal in _goals(part, z, place) for each in _gradual(part, goal, after)]
    onsets, gradual = np.array(slow).reshape(-1, 2).T
    best = max(float(abrupt.max()), float(gradual.max(initial=-np.inf)))
    near = np.flatnonzero(2 * (best - abrupt) <= wide)
    close = onsets[2 * (best - gradual) <= wide]
    at = moments[place] if near.size else onsets[int(gradual.argmax())]  # the simpler one that fits
    first = min([*moments[np.maximum(near - 1, 0)], *close])
    seen = moments[np.minimum(np.searchsorted(moments, close), moments.size - 1)]
    last = max([*moments[near], *seen]) + step  # a point stands for its whole interval
    return Edge(place, float(at), float(first), float(last))


def _jumps(z: Floats, place: int, jump: float) -> bool:
    """Return whether the values jump about a place, toward what is beyond it."""
    around = z[max(place - 2, 0) : place + 3]
    if around.size < 2 or place >= z.size:
        return False
    return float((np.sign(np.median(z[place:])) * np.diff(around)).max()) >= jump


@dataclass(frozen=True, slots=True)
class _Goal:
    """What a gradual change leads to: a height, and how many points there are up to it."""

    height: float
    until: int


def _goals(part: Part, z: Floats, place: int) -> Iterator[_Goal]:
    """Yield half of the change, and what is clearly unusual where that comes before."""
    change = part.y - part.level
    if place == z.size:
        return
    half = GRADUAL * float(np.median(change[place:]))
    top = float(np.median(z[place:]))
    soon = float(np.clip(GRADUAL * top, -SEEN, SEEN))
    for heights, wanted in ((change, half), (z, soon)):
        toward = np.sign(wanted) * np.pad(heights, 2, mode="edge")
        smooth = np.median(np.lib.stride_tricks.sliding_window_view(toward, 5), axis=1)
        begin = max(place - 2, 0)
        reached = np.flatnonzero(smooth[begin:] >= abs(wanted))
        until = begin + int(reached[0]) if wanted and reached.size else 0
        if until >= LEAST_RAMP:
            yield _Goal(float(np.median(change[until - 1 : until + 4])), until)


def _gradual(part: Part, goal: _Goal, after: Floats) -> Iterator[tuple[float, float]]:
    """Yield moments, and the log likelihood that a change to a goal began gradually at each.

    The points on the way have a noise of their own, of which the best curve says how much.
    """
    x, level = part.x[: goal.until], part.level[: goal.until]
    reached = part.x[min(goal.until, part.x.size - 1)]
    span = float(reached - x[0])
    onsets = reached - np.geomspace(float(reached - x[-1]), span, ONSETS)
    usual = part.scale(part.y[: goal.until])
    for power in (1, 2):
        way = np.clip((x - onsets[:, None]) / (reached - onsets[:, None]), 0, 1) ** power
        curve = level + goal.height * way
        spread = np.sqrt(np.maximum(curve / level, 1.0)) if part.grows else np.ones_like(way)
        miss = (usual - part.scale(curve)) / spread
        likely = _usual_log(miss) - np.log(spread)
        rise = way[int(likely.sum(axis=1).argmax())] > 0
        best = miss[int(likely.sum(axis=1).argmax()), rise]
        rough = max(1.0, float(np.mean(np.minimum(best**2, CAP**2)))) if rise.any() else 1.0
        own = _usual_log(miss / np.sqrt(rough)) - np.log(spread * np.sqrt(rough))
        whole = np.where(way > 0, own, likely).sum(axis=1) + after[goal.until]
        yield from zip(onsets.tolist(), whole.tolist(), strict=True)


def _usual_log(z: Floats) -> Floats:
    """Return the log density of Student's t, 4 degrees of freedom: 3/8 · (1 + z²/4)^(−5/2)."""
    return np.asarray(np.log(0.375) - 2.5 * np.log1p(z * z / 4))


def _unusual_log(z: Floats, after: Floats) -> Floats:
    """Return the log density of what is not usual, a third each.

    The far level's own spread; the spread of what is next to the edge, for a change in steps; and
    anything up to the far level.
    """
    middle = float(np.median(after))
    far = max(abs(middle) + 2 * _scatter(after), 3.0)
    toward = np.sign(middle) * z
    anything = np.where((toward > 0) & (toward < far), 1 / far, 0.02 / far)
    return np.asarray(np.log((_normal(z, after) + _normal(z, after[:BESIDE]) + anything) / 3))


def _normal(z: Floats, of: Floats) -> Floats:
    """Return the density of normal noise with the median and the spread of some values."""
    spread = _scatter(of)
    return np.asarray(
        np.exp(-(((z - np.median(of)) / spread) ** 2) / 2) / (spread * np.sqrt(2 * np.pi))
    )


def _scatter(values: Floats) -> float:
    return max(1.0, float(1.4826 * np.median(np.abs(values - np.median(values)))))
