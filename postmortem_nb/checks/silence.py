"""Stretches of the timeline in which nothing is told, and whether a metric moved meanwhile.

A metric moved when its smoothed values in the stretch span more than a third of all that it did in
the evidence, and more than three times its usual spread outside of the incident. It stood at its
height when all of them are more than half as far from the usual as any of the incident is.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb import metrics, times
from postmortem_nb.checks import review
from postmortem_nb.checks.frozen import MICROSECOND, curves
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.errors import shown
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.incident import Incident

QUIET = dt.timedelta(minutes=45)
"""Longest stretch without an entry while the incident is open that asks no question."""

MOVING = dt.timedelta(minutes=30)
"""The same while a metric moves; once it is mitigated, while one gets worse again."""

EASING = dt.timedelta(minutes=40)
"""The same while a metric gets better, as after the mitigation it should: a hint."""

STANDING = dt.timedelta(minutes=35)
"""The same while one stands at its height, or still does after the mitigation: a hint."""

MOSTLY = 0.75
"""Share of a stretch without an update from which on it is as silent as without any."""

HEIGHT = 0.5
"""Share of the farthest from the usual from which on a metric stands at its height."""

POINTS = 5
"""Values that a stretch needs before anything is said of them."""

PART, SPREAD = 1 / 3, 3.0

PROMPT = "Ask who was at work: what were you seeing, what did you try, what did you wait for?"


class _Movement(NamedTuple):
    """Which share of its range a curve crossed, from what to what, and if away from the usual."""

    share: float
    begin: float
    end: float
    worse: bool


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield silent stretches: a hint when long, a warning when a metric moved meanwhile.

    One that is only long counts once the timeline has its steps. Status updates tell something
    too: between them it is a hint, where a metric moved.
    """
    written = review.has_steps(case)  # until then each row that comes next moves the stretch
    stretches = [each for each in gaps(case) if not _unknown(case, *each)]
    drawn = list(curves(incident, case)) if stretches else []
    mitigated = case.moments.mitigated
    for since, until in stretches:
        calm = mitigated is not None and since >= mitigated
        moved, worse = _most_moved(drawn, case, since, until)
        updated = _longest(case, since, until) <= MOVING
        if calm and not worse and (updated or until - since <= EASING):
            moved = ""
        silent = until - since >= STANDING and _longest(case, since, until) >= MOSTLY * (
            until - since
        )
        stood = _stood(drawn, case, since, until) if silent and not moved else ""
        if moved or stood or (written and until - since > QUIET and not updated):
            lasted = times.duration((until - since) / metrics.MINUTE)
            sure = moved and not updated
            meanwhile = f"while {moved or stood or 'the incident was open'}"
            yield Finding(
                code=Code.SILENCE,
                severity=Severity.WARNING if sure and (worse or not calm) else Severity.HINT,
                where=case.where("timeline"),
                message=f"Nothing is told for {lasted} {meanwhile}: from {times.shown(since)} "
                f"to {times.shown(until)}.",
                remedy=PROMPT,
                table="timeline",
                row=_last_told(case, since),
                name="time",
            )


def gaps(case: Case) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Yield the stretches without an entry between start and recovery that are worth a look."""
    told = _told(case, "timeline")
    yield from ((one, other) for one, other in pairwise(told) if other - one > MOVING)


def _told(case: Case, table: str) -> list[dt.datetime]:
    """Return the times of the rows of a table between start and recovery, in order."""
    start, end = case.moments.start, case.moments.recovered
    return sorted(
        row["time"]
        for row in case.rows(table)
        if row.get("time") is not None
        and (start is None or row["time"] >= start)
        and (end is None or row["time"] <= end)
    )


def _unknown(case: Case, since: dt.datetime, until: dt.datetime) -> bool:
    """Return whether nobody knew of the incident yet: nobody was at work who could be asked."""
    return since == case.moments.start and until == case.moments.detected


def _last_told(case: Case, at: dt.datetime) -> str:
    """Return the row after which nothing is told."""
    rows = [row for row in case.rows("timeline") if row.get("time") == at]
    return str(rows[-1]["row"]) if rows else ""


def _longest(case: Case, since: dt.datetime, until: dt.datetime) -> dt.timedelta:
    """Return the longest time without an update in a stretch; all of it where there is none."""
    sent = [each for each in _told(case, "updates") if since < each < until]
    return max(other - one for one, other in pairwise([since, *sent, until]))


def _most_moved(
    curves: Sequence[Curve], case: Case, since: dt.datetime, until: dt.datetime
) -> tuple[str, bool]:
    """Return how the curve that moved most did so in a stretch, and whether any got worse."""
    window = (case.moments.start or since, case.moments.recovered or until)
    moved = [(each, curve) for curve in curves if (each := _movement(curve, window, since, until))]
    if not moved:
        return "", False
    best, curve = max(moved, key=lambda each: each[0].share)
    told = f"{shown(curve.label)} went from {numeral(best.begin, 4)} to {numeral(best.end, 4)}"
    return told, any(each.worse for each, _ in moved)


def _stood(curves: Sequence[Curve], case: Case, since: dt.datetime, until: dt.datetime) -> str:
    """Return which curve stood at its height in all of a stretch, and at what; else nothing."""
    window = (case.moments.start or since, case.moments.recovered or until)
    for curve in curves:
        inside, during = _within(curve, since, until), _within(curve, *window)
        usual = curve.levels[~during]
        if inside.sum() < POINTS or len(usual) < POINTS:
            continue
        middle = float(np.median(usual))
        far, most = (np.abs(_smoothed(curve.levels[at]) - middle) for at in (inside, during))
        noise = float(np.subtract(*np.percentile(usual, (95, 5))))
        if far.min() > max(HEIGHT * most.max(), SPREAD * noise):
            level = float(np.median(curve.levels[inside]))
            return f"{shown(curve.label)} stood at about {numeral(level, 3)}"
    return ""


def _movement(
    curve: Curve, window: tuple[dt.datetime, dt.datetime], since: dt.datetime, until: dt.datetime
) -> _Movement | None:
    """Return how a curve moved in a stretch; None where it stayed within its noise."""
    inside = _within(curve, since, until)
    if inside.sum() < POINTS:
        return None
    smooth = _smoothed(curve.levels[inside])
    usual = curve.levels[~_within(curve, *window)]
    known = len(usual) >= POINTS
    noise = float(np.subtract(*np.percentile(usual, (95, 5)))) if known else 0.0
    low, high = int(smooth.argmin()), int(smooth.argmax())
    crossed = float(smooth[high] - smooth[low])
    whole = float(np.ptp(curve.levels))
    if crossed <= max(PART * whole, SPREAD * noise):
        return None
    first, last = (float(smooth[at]) for at in sorted((low, high)))
    middle = float(np.median(usual)) if known else first
    return _Movement(
        crossed / whole, first, last, known and abs(last - middle) > abs(first - middle)
    )


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return medians of three neighbours: one odd point is no movement."""
    smooth: NDArray[np.float64] = np.median([values[:-2], values[1:-1], values[2:]], axis=0)
    return smooth


def _within(curve: Curve, since: dt.datetime, until: dt.datetime) -> NDArray[np.bool_]:
    """Return which points of a curve lie in a stretch."""
    begin, end = ((moment - times.EPOCH) // MICROSECOND for moment in (since, until))
    within: NDArray[np.bool_] = (curve.moments >= begin) & (curve.moments <= end)
    return within
