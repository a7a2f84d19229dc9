"""What a series cannot tell: where it was silent, and what a counter does that only rises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.charts import clock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

SILENT = "no value is known within the incident"
MOST, SEVERAL = 0.5, 3.0
"""A gap of this share of the incident, and of so many steps of the series, is told."""

BEFORE = 0.1
"""How long before the declared start, in lengths of the incident, it may have begun unnoticed."""

NAMED = 3
RISING, RESET = 0.8, 0.1
"""A counter rises in this share of the steps outside the incident, and falls only when it begins
again: to at most this share of what it was."""


def silence(at: Floats, start: float, end: float) -> str:
    """Return that most of an incident has no value between two known ones; else nothing."""
    inside = at[(at >= start) & (at < end)]
    if not inside.size:
        return SILENT
    step = float(np.median(np.diff(at)))
    edges = np.concatenate([[start], inside + step, [end]])
    gaps = np.append(inside, end) - edges[:-1]
    widest = int(gaps.argmax())
    if gaps[widest] <= max(MOST * (end - start), SEVERAL * step):
        return ""
    first, last = clock.clock(edges[widest]), clock.clock(edges[widest] + gaps[widest])
    return f"no value is known from {first} to {last}, most of the incident"


def begins(at: Floats, start: float, length: float, least: int) -> str:
    """Return that hardly a value is from before an incident; else nothing.

    As of a version that is deployed in it: its values are the news, and depart from nothing.
    """
    if int((at < start - BEFORE * length).sum()) >= least:
        return ""
    return (
        f"the series begins at {clock.instant(float(at[0]))}: nothing before the incident tells "
        "what is usual"
    )


def counter(at: Floats, y: Floats, known: Flags, window: tuple[float | None, float | None]) -> str:
    """Return that values only add up, before the incident too, and when they begin again in it.

    Nothing for a queue that fills during the incident, and for what noise moves.
    """
    steps = np.diff(y)
    quiet = known[1:] & known[:-1]
    falls = steps < 0
    begins_again = y[1:] <= RESET * y[:-1]
    if y.min() < 0 or not quiet.any() or (falls & ~begins_again).any():
        return ""
    if float((steps[quiet] > 0).mean()) < RISING:
        return ""
    start, end = (
        edge if edge is not None else other for edge, other in zip(window, at[[0, -1]], strict=True)
    )
    fresh = at[1:][falls & (at[1:] >= start) & (at[1:] <= end)]
    times = ", ".join(clock.clock(each) for each in fresh[:NAMED])
    more = f" and {fresh.size - NAMED:,} times more" if fresh.size > NAMED else ""
    again = f", and begins again at {times}{more}" if fresh.size else ""
    return (
        f"the series only rises, as a counter does{again}: ask for its rate, for example "
        "per_second(…)"
    )
