"""What comes at this time every day, or every week: a nightly job, the opening of a market.

Such a change stands out of its day however often it has come, because it is short: too small a
share of the baseline to be usual, and gone from one quarter of an hour to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.analysis.usual import DAY, WEEK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CYCLES = ((DAY, "day", "days"), (WEEK, "weekday", "weeks"))
AROUND, LEAST_AROUND = 3, 24
"""So many of its lengths on both sides, and so many values at least, tell what a change leaves."""

FAR = 1.0
"""Units of noise from which a stretch is looked at."""

AS_FAR = 0.7
"""A change has come before where it went so far of the way."""

LEAST, MOSTLY = 3, 0.7
"""So many times, and so often of the days or weeks before: five of seven are working days."""

LATE = 2
"""Steps of the series by which it may come earlier or later."""


def often(at: Floats, deviation: Floats, stretch: tuple[int, int]) -> str:
    """Return that a stretch comes at this time again and again, and how often; else nothing."""
    own = _rise(deviation, stretch, at.size)
    if abs(own) < FAR:
        return ""
    for cycle, time, many in CYCLES:
        before = list(_before(at, deviation, stretch, cycle))
        came = sum(bool(np.max(np.sign(own) * rises) >= AS_FAR * abs(own)) for rises in before)
        if came >= LEAST and came >= MOSTLY * len(before):
            return (
                f"it comes at this time of the {time}: in {came} of the {len(before)} {many} before"
            )
    return ""


def _rise(deviation: Floats, stretch: tuple[int, int], beyond: int) -> float:
    """Return how far a stretch is from what is around it, as far as ``beyond``."""
    first, last = stretch
    wide = max(AROUND * (last - first), LEAST_AROUND)
    around = deviation[max(first - wide, 0) : min(last + wide, beyond)]
    return float(deviation[first:last].mean() - np.median(around))


def _before(
    at: Floats, deviation: Floats, stretch: tuple[int, int], cycle: float
) -> Iterator[Floats]:
    """Yield for each cycle before what the same stretch did then, a little earlier and later.

    What is around it reaches as far as the series does now: it may end soon after the incident.
    """
    first, beyond = stretch
    length, size = float(at[beyond - 1] - at[first]), beyond - first
    half = float(np.median(np.diff(at))) / 2
    for many in range(1, int((at[first] - at[0]) / cycle) + 1 if length < cycle else 1):
        edges = at[first] - half, at[first] + length + half, at[-1] + half
        begin, end, last = (int(np.searchsorted(at, edge - many * cycle)) for edge in edges)
        if begin >= LATE and 2 * (end - begin) >= size:  # known then
            lates = range(-LATE, LATE + 1)
            yield np.array([_rise(deviation, (begin + n, end + n), last + n) for n in lates])
