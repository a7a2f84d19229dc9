"""What departs from the values just before it, by more than anything did before: a sudden change.

A series that wanders, or that has spikes of its own, is measured by itself: windows of its
baseline, as long as that of the incident, are asked the same as the incident. No distribution of
the noise is assumed; how rare a change is follows from how many windows have its like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

JUST = 8
"""Values just before a window that tell the level which a sudden change leaves."""

WINDOWS, LIKE = 3, 30
"""Windows that the baseline must hold; from so many on, one of them may hold the like."""

BEYOND = 1.3
"""How many times farther a change must go than all of the baseline's own."""

LONE, SEVERAL, FEW = 6.0, 4.0, 8.0
"""Units of the noise just after a level, by which one value must be off, the mean of more, and
either where the baseline holds fewer than five windows."""

SHARE = 0.25
"""The noise is at least such a share of the standard deviation, which spikes blow up."""

MEANS = (1, 2, 4, 8, 16, 32)
"""Values whose means are looked at: a spike stands out alone, a weak shift in a mean."""


@dataclass(frozen=True, slots=True)
class Sudden:
    """A stretch, the level at each time that it leaves, and the noise about that level."""

    first: int
    beyond: int
    level: Floats
    noise: float
    says: str
    """What the level is, in words."""


def sudden(
    deviation: Floats, quiet: Flags, places: tuple[Flags, Flags], *, counts: bool = False
) -> Sudden | None:
    """Return the stretch near the incident that departs suddenly; None where nothing does.

    Two levels are tried: that just before the window, and the running median, which follows a
    slow curve and passes by what is short. ``quiet`` marks the baseline, ``places`` the window
    itself and the window with what is near it, of which the first that holds one counts.
    Of ``counts``, which are mostly 0, a few ones side by side are nothing: there the units are
    whole standard deviations.
    """
    own = np.flatnonzero(quiet)
    for place in places:
        there = np.flatnonzero(place)
        if not there.size or there[0] < JUST or own.size < max(WINDOWS * there.size, 3 * JUST):
            continue
        starts = _starts(own, there, deviation.size)
        least = (LONE, SEVERAL) if np.ptp(starts) >= 4 * there.size else (FEW, FEW)
        if counts:
            least = (FEW / SHARE, FEW / SHARE)
        curve = _running(deviation, max(2 * there.size, 2 * JUST) + 1)
        for level in (None, curve):
            found = _departing(deviation, level, (starts, there), least)
            if found is not None:
                return found
    return None


def _starts(own: NDArray[np.intp], there: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return where windows of the baseline begin that are as long as that of the incident."""
    size = there.size
    last = min(int(min(own[-1] + 1, there[0])) - size, count - JUST)  # its noise is that of JUST
    return np.arange(own[0] + JUST, last + 1, max(1, size // 4))


def _running(values: Floats, width: int) -> Floats:
    middle = pd.Series(values).rolling(width, center=True, min_periods=JUST).median()
    return np.asarray(middle, dtype=float)


def _departing(
    deviation: Floats,
    curve: Floats | None,
    places: tuple[NDArray[np.intp], NDArray[np.intp]],
    least: tuple[float, float],
) -> Sudden | None:
    """Return what departs from the curve; without one, from the level just before each window."""
    before, there = places
    size = there.size
    starts = np.append(before, there[0])
    z = deviation if curve is None else deviation - curve
    levels = np.zeros(starts.size)
    if curve is None:
        levels = np.median(z[starts[:, None] - np.arange(1, JUST + 1)], axis=1)
    noise = _noise(z, before, levels[:-1])
    several = before[-1] - before[0] >= (LIKE - 1) * size
    apart = size // max(1, size // 4) if several else 0
    ratio, middle, top = 1.0, 0, 0.0
    for many in [each for each in MEANS if each <= max(size // 2, 1)]:
        means = np.convolve(z, np.ones(many) / many, "valid")
        off = means[starts[:, None] + np.arange(size - many + 1)] - levels[:, None]
        tops = np.abs(off).max(axis=1)
        here, usual = float(tops[-1]), max(_most(tops[:-1], apart), noise)
        if here >= noise * least[many > 1] and here >= BEYOND * usual * ratio:
            ratio, place = here / (BEYOND * usual), int(np.abs(off[-1]).argmax())
            middle, top = int(there[0]) + place + many // 2, float(off[-1][place])
    if not top:
        return None
    first, beyond = _stretch(z - levels[-1], middle, top, noise)
    level = np.full(z.size, levels[-1]) if curve is None else curve
    says = f"the {JUST} values just before" if curve is None else "the running median"
    return Sudden(first, beyond, level, noise, says)


def _noise(deviation: Floats, starts: NDArray[np.intp], levels: Floats) -> float:
    """Return how far the values after a level usually are from it; never 0."""
    after = deviation[starts[:, None] + np.arange(JUST)] - levels[:, None]
    return max(float(1.4826 * np.median(np.abs(after))), SHARE * float(after.std()), 0.05)


def _most(tops: Floats, apart: int) -> float:
    """Return the largest; with ``apart``, the largest that does not overlap the largest of all."""
    if apart:
        place = int(tops.argmax())
        tops = np.delete(tops, np.arange(max(place - apart, 0), min(place + apart + 1, tops.size)))
    return float(tops.max(initial=0.0))


def _stretch(off: Floats, place: int, top: float, noise: float) -> tuple[int, int]:
    """Return the values about a place that are a third as far off, single ones between bridged."""
    far = np.sign(top) * off >= max(abs(top) / 3, 2 * noise)
    first, beyond = place, place + 1
    while first > 0 and far[max(first - 2, 0) : first].any():
        first -= 1
    while beyond < far.size and far[beyond : beyond + 2].any():
        beyond += 1
    return first, beyond
