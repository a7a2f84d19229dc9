"""What a series usually does: the value to expect at each time, and how far noise goes from it.

Times are seconds since the epoch, UTC. Non-negative series are looked at as square roots, which
makes the noise of counts and rates alike at every height (Anscombe, 1948, for Poisson counts).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.analysis import drift
from postmortem_nb.analysis.ties import ties

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Sides = tuple[Flags, Flags]

DAY, WEEK = 86_400.0, 604_800.0
LEAST = 8
"""Known values that a baseline needs."""

CYCLES = ((WEEK, 3, "the same weekday and time"), (DAY, 3, "the same time of day"))
"""Rhythms that are looked for: length in seconds, how often it must have been seen, its words."""

BETTER = 0.85
"""A rhythm is believed where it leaves at most this share of the noise, foretelling each cycle
from the others."""

CAP = 8.0
"""Deviations beyond so many units of noise count as that: one spike does not make a level."""

SPARSE = 0.3
"""Share of values that are one and the same from which a series is looked at by means."""

OTHER, OTHER_LEAST, OTHER_MANY, OTHER_MOST = 3.0, 3, 3, 0.2
"""Another incident within the baseline: so many values in a row off by so many units of noise to
one side. More than so many, or than this share of the baseline, are what it usually does."""

JUMP = 1.5
"""A difference of neighbours so many times that of one in a hundred is a jump."""

DRIFTS = "a curve through the values before and after: the series drifts"

RECENT = 6.0
"""A level without rhythm is taken from so many incident lengths before the incident."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual: expected value and deviation in units of noise at each time, and in words.

    ``level`` and ``deviation`` belong to the same points; ``ties`` is how much a value of the
    noise resembles the one before: 1 for independent values, more where fewer of them count.
    """

    level: Floats
    deviation: Floats
    ties: float
    says: str
    noise: float
    root: bool
    """Whether values are looked at as square roots."""
    grows: bool
    """Whether the noise grows with the value: of counts that are mostly 0."""
    jump: float
    """A difference of neighbours, in units of noise, as the baseline hardly has one."""
    others: Flags
    """Which points belong to the one other incident before; where there are more, none: what
    comes again and again is what the series does."""

    def scaled(self, values: Floats) -> Floats:
        """Return values in units of noise."""
        seen = np.sqrt(np.maximum(values, 0.0)) if self.root else values
        return np.asarray(seen / self.noise)

    def about(self, level: Floats, noise: float, says: str) -> Usual:
        """Return the same about a level and with a noise of their own, both in units of noise."""
        seen = (np.sqrt(self.level) if self.root else self.level) + level * self.noise
        shifted = np.maximum(seen, 0.0) ** 2 if self.root else seen
        return replace(
            self,
            level=shifted,
            deviation=(self.deviation - level) / noise,
            ties=1.0,
            says=says,
            noise=self.noise * noise,
            jump=self.jump / noise,
            grows=self.grows and bool(shifted.min() > 0),
        )


def usual(at: Floats, y: Floats, known: Flags, length: float, beside: Sides | None = None) -> Usual:
    """Return what is usual at the times ``at``, learnt from the points that ``known`` marks.

    ``length`` is that of the incident in seconds; the points ``beside`` it, before and after, tell
    whether the series is on its way up or down. Other incidents among the known points tell
    nothing of what is usual: they are left out.
    """
    found = _usual(at, y, known, length, beside)
    others = _others(found.deviation, known)
    if not others:
        return found
    apart = np.zeros(at.size, bool)
    for each in others:
        apart[each] = True
    words = "stretch" if len(others) == 1 else "stretches"
    sides = None if beside is None else (beside[0] & ~apart, beside[1])
    steady = _usual(at, y, known & ~apart, length, sides)
    says = f"{steady.says}, without {len(others)} unusual {words}"
    return replace(steady, says=says, others=known & apart & (len(others) == 1))


def _others(deviation: Floats, known: Flags) -> list[slice]:
    """Return the stretches of the known points that are other incidents; none, where many are."""
    side = np.where(known & (np.abs(deviation) >= OTHER), np.sign(deviation), 0.0)
    edges = np.flatnonzero(np.diff(side, prepend=0.0, append=0.0))
    found = [
        slice(max(0, int(first) - 1), int(beyond) + 1)
        for first, beyond in pairwise(edges)
        if side[first] and beyond - first >= OTHER_LEAST
    ]
    many = sum(each.stop - each.start for each in found)
    few = len(found) <= OTHER_MANY and many <= min(OTHER_MOST * known.sum(), known.sum() - LEAST)
    return found if few else []


def _usual(at: Floats, y: Floats, known: Flags, length: float, beside: Sides | None) -> Usual:
    """Return the same, learnt from all of the known points."""
    sparse = _is_sparse(y[known])
    root = bool((y >= 0).all()) and not sparse
    seen = np.sqrt(y) if root else y
    level, says = (
        _mean(at, seen, known, length) if sparse else _level(at, seen, known, length, beside)
    )
    rest = seen - level
    grows = sparse and bool((y >= 0).all() and level[0] > 0)
    noise = (float(_kept(rest[known]).std()) if sparse else 0.0) or _noise(rest[known], seen)
    power = float(np.var(np.clip(rest[known] / noise, -CAP, CAP)))
    held = ties(rest[known]) * max(power, 1.0)
    none = np.zeros(at.size, bool)
    jump = JUMP * float(np.quantile(np.abs(np.diff(rest[known] / noise)), 0.99))
    level = level**2 if root else level
    return Usual(level, rest / noise, held, says, noise, root, grows, jump, none)


def _is_sparse(y: Floats) -> bool:
    """Return whether so many values are one and the same that medians say nothing of the others.

    As those of counts and rates that are mostly 0.
    """
    return SPARSE <= float(np.mean(y == np.median(y))) < 1


def _mean(at: Floats, y: Floats, known: Flags, length: float) -> tuple[Floats, str]:
    near = _recent(at, known, length)
    words = f"the mean of {int(near.sum()):,} values before, most of them the same"
    return np.full(y.size, float(_kept(y[near]).mean())), words


def _kept(values: Floats) -> Floats:
    """Return values with the most extreme in a hundred on both sides cut to the next."""
    return np.asarray(np.clip(values, *np.quantile(values, (0.01, 0.99))))


def _level(
    at: Floats, y: Floats, known: Flags, length: float, beside: Sides | None
) -> tuple[Floats, str]:
    near = _recent(at, known, length)
    flat = float(np.median(y[near]))
    best, found = np.full(y.size, flat), f"the median of {int(near.sum()):,} values before"
    noise = _spread(y[near] - flat)
    way = None if beside is None else drift.curve(at, y, *beside, length)
    if way is not None:
        best, found, noise = way, DRIFTS, _spread((y - way)[near])
    for cycle, least, words in CYCLES:
        rhythm = _rhythm(at, y, known, cycle, least)
        if rhythm is not None and rhythm[1] < BETTER * noise:
            shift = float(np.median((y - rhythm[0])[near]))
            best, noise = rhythm[0] + shift, rhythm[1]
            found = f"{words}, over {int(np.ptp(at[known]) / DAY)} days"
    return best, found


def _recent(at: Floats, known: Flags, length: float) -> Flags:
    """Return the known points not long before the incident; all, where those are few."""
    last = at[known].max()
    first = last - max(RECENT * length, DAY / 4)
    near: Flags = known & (at >= first)
    return near if near.sum() >= 4 * LEAST else known


def _rhythm(
    at: Floats, y: Floats, known: Flags, cycle: float, least: int
) -> tuple[Floats, float] | None:
    """Return the median of each time of a cycle, and the noise it leaves in cycles left out."""
    if np.ptp(at[known]) < least * cycle * 0.9:
        return None
    step = float(np.median(np.diff(at)))
    bins = int(min(max(cycle / max(step, 900.0), 1), cycle / 900.0))
    # by the clock, not by where the series begins: what happens daily does so at full hours
    turn = (at // cycle - at[0] // cycle).astype(np.intp)
    place = (at % cycle / cycle * bins).astype(np.intp)
    table = _table(turn[known], place[known], y[known], (int(turn.max()) + 1, bins))
    left_out = [_medians(np.delete(table, row, axis=0)) for row in range(len(table))]
    foretold = np.array(left_out)[turn[known], place[known]]
    rest = y[known] - foretold
    rest = rest[np.isfinite(rest)]
    medians = _medians(table)[place]
    if rest.size < LEAST or not np.isfinite(medians).all():
        return None
    return medians, _spread(rest - np.median(rest))


def _table(
    turn: NDArray[np.intp], place: NDArray[np.intp], y: Floats, shape: tuple[int, int]
) -> Floats:
    """Return the mean of each place in each cycle; NaN where nothing is known."""
    where = turn * shape[1] + place
    size = shape[0] * shape[1]
    count = np.bincount(where, minlength=size)
    total = np.bincount(where, weights=y, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / count, np.nan).reshape(shape)


def _medians(table: Floats) -> Floats:
    """Return each column's median over its neighbours too; NaN where a column has none."""
    wide = np.concatenate([np.roll(table, 1, axis=1), table, np.roll(table, -1, axis=1)])
    ordered = np.sort(wide, axis=0)  # NaN come last
    count = np.isfinite(wide).sum(axis=0)
    column = np.arange(wide.shape[1])
    low = ordered[np.maximum(count - 1, 0) // 2, column]
    high = ordered[np.minimum(count // 2, len(wide) - 1), column]
    return np.where(count > 0, (low + high) / 2, np.nan)


def _spread(rest: Floats) -> float:
    """Return the standard deviation of normal noise with this median absolute deviation."""
    return float(1.4826 * np.median(np.abs(rest - np.median(rest))))


def _noise(rest: Floats, y: Floats) -> float:
    """Return the noise of the baseline; never 0: no finer than the values themselves are."""
    steps = np.abs(np.diff(np.unique(y)))
    finest = float(steps.min()) if steps.size else 1.0
    return max(_spread(rest), 0.25 * float(rest.std()), min(finest, float(np.ptp(y)) / 10), 1e-12)
