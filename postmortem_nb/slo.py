"""Error budgets: what one incident consumed, by requests or by time, and how fast.

Words: the *target* is in percent (99.9); the *budget* is what may go wrong in the SLO's window:
``(1 − target) × valid events`` when request-based, ``(1 − target) × valid time`` when time-based.
One incident consumes very different shares of the two, so every figure says which it is.
A target of 100 % has no budget and is refused; no data is never good and never bad, but told.

Definitions: Google's SRE workbook, ch. 5; Datadog's service level objectives (burn rate, history).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.errors import BadValue, expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postmortem_nb.metrics import Facts

MONTH = dt.timedelta(days=30)
UP, DOWN, NO_DATA = 0, 1, 2
"""States of Datadog's SLO history of monitor and time-slice SLOs."""

Interval = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumption:
    """What an incident took from an error budget; percentages of the whole budget.

    ``remaining`` is what this incident alone would leave, and negative when it overspent.
    ``excess`` leaves out the errors that are always there; ``None`` without a baseline.
    ``burn`` is the speed: 1 uses the budget up exactly in its window; ``None`` without traffic.
    ``exhaustion`` is how long the whole budget lasts at that speed.
    """

    basis: str
    target: float
    budget: float
    bad: float
    consumed: float
    remaining: float
    burn: float | None
    exhaustion: dt.timedelta | None
    excess: float | None = None
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of an incident: how long it took and what share of the budget went into it."""

    name: str
    since: dt.datetime
    until: dt.datetime
    bad: float
    consumed: float


class Requests(NamedTuple):
    """Requests in the impact window, bad and in all, and valid ones in the whole SLO window."""

    bad: float
    total: float
    valid: float


def by_requests(
    target: float,
    counts: Requests,
    *,
    baseline: float | None = None,
    window: dt.timedelta = MONTH,
) -> Consumption:
    """Return what the failed requests of an incident take from a request-based budget.

    Parameters
    ----------
    target
        in percent, above 0 and below 100
    counts
        bad and total of the impact window, valid of the SLO's window
    baseline
        share of errors in a quiet period, 0 to 1; gives ``excess``
    window
        of the SLO

    Raises
    ------
    BadValue
        a target without a budget, no valid requests, or counts that cannot be

    """
    share = _share(target)
    bad, total, valid = counts
    if not 0 <= bad <= total or valid < total or valid <= 0:
        what = "0 ≤ bad ≤ total ≤ valid, and some valid requests"
        came = f"bad {bad:g}, total {total:g}, valid {valid:g}"
        raise BadValue(expected("requests", what, example="37500, 187500, 90000000", came=came))
    budget = share * valid
    consumed = 100 * bad / budget
    speed = burn(bad / total, target) if total else None
    return Consumption(
        basis="requests",
        target=target,
        budget=budget,
        bad=bad,
        consumed=consumed,
        remaining=100 - consumed,
        burn=speed,
        exhaustion=window / speed if speed else None,
        excess=None if baseline is None else 100 * (bad - baseline * total) / budget,
        definition="request-based: bad ÷ ((1 − target) × valid requests of the SLO's window)",
    )


def by_time(
    target: float, *, bad: dt.timedelta, window: dt.timedelta = MONTH, ratio: float | None = 1.0
) -> Consumption:
    """Return what a stretch of bad time takes from a time-based budget, in minutes.

    ``ratio`` is the share of the incident that was bad, 0 to 1, from which its burn rate follows.
    Raises BadValue for a target without a budget, or a stretch below zero or beyond the window.
    """
    share = _share(target)
    if not dt.timedelta() <= bad <= window or not window:
        what = f"between nothing and the window of the SLO ({window})"
        raise BadValue(expected("bad time", what, example="1:30:00", came=str(bad)))
    budget, minutes = share * _minutes(window), _minutes(bad)
    consumed = 100 * minutes / budget
    speed = burn(ratio if bad else 0.0, target) if ratio is not None else None
    return Consumption(
        basis="minutes",
        target=target,
        budget=budget,
        bad=minutes,
        consumed=consumed,
        remaining=100 - consumed,
        burn=speed,
        exhaustion=window / speed if speed else None,
        definition="time-based: bad minutes ÷ ((1 − target) × minutes of the SLO's window); "
        "a minute is bad by the SLO's own rule",
    )


def remaining(status: float, target: float) -> float:
    """Return the remaining budget as Datadog shows it: 100·(status − target)/(100 − target)."""
    _share(target)
    return 100 * (status - target) / (100 - target)


def burn(error_ratio: float, target: float) -> float:
    """Return the burn rate: error ratio ÷ (1 − target); at most 1 ÷ (1 − target)."""
    return error_ratio / _share(target)


def used(rate: float, lasted: dt.timedelta, window: dt.timedelta = MONTH) -> float:
    """Return the percentage of the budget that a burn rate uses while it lasts.

    Exact for time-based SLOs; for request-based ones as far as traffic is even.
    """
    return 100 * rate * (lasted / window)


def fires_after(
    error_ratio: float, target: float, *, threshold: float, alert_window: dt.timedelta
) -> dt.timedelta | None:
    """Return when a burn-rate alert fires after errors begin; ``None``: never at this ratio.

    ``(1 − target) ÷ error ratio × alert window × threshold`` (SRE workbook, ch. 5).
    """
    speed = burn(error_ratio, target)
    return None if speed < threshold else alert_window * (threshold / speed)


PHASES: tuple[tuple[str, str, str], ...] = (
    ("undetected", "start", "detected"),
    ("unacknowledged", "detected", "acknowledged"),
    ("unmitigated", "acknowledged", "mitigated"),
    ("recovering", "mitigated", "recovered"),
)
"""Name of a phase, and the moments it lies between."""

MOMENTS = ("start", "detected", "acknowledged", "mitigated", "recovered")
"""The moments that phases lie between, in order."""


def waterfall(
    moments: Facts, points: Iterable[tuple[dt.datetime, float]], *, budget: float
) -> list[Phase]:
    """Return the budget that went into each phase of an incident, in order.

    Parameters
    ----------
    moments
        start, detected, acknowledged, mitigated, recovered; a moment that is not known, or not in
        order, joins its phases: ``undetected, unacknowledged``
    points
        (begin of an interval, bad requests or bad minutes in it); those outside are left out
    budget
        the whole budget in the same unit

    """
    if budget <= 0:
        raise BadValue(expected("budget", "more than nothing", example="90000", came=budget))
    borders = _borders(moments)
    points = list(points)
    phases = []
    for (since, names), (until, _) in pairwise(borders):
        bad = sum(value for time, value in points if since <= time < until)
        phases.append(Phase(", ".join(names), since, until, bad, 100 * bad / budget))
    return phases


def _borders(moments: Facts) -> list[tuple[dt.datetime, list[str]]]:
    """Return the known borders of phases in order, each with the names of what follows it."""
    if moments.start is None or moments.recovered is None or moments.recovered < moments.start:
        return []
    borders: list[tuple[dt.datetime, list[str]]] = [(moments.start, [])]
    for name, since, _ in PHASES:
        moment: dt.datetime | None = getattr(moments, since)
        if moment is not None and borders[-1][0] < moment <= moments.recovered:
            borders.append((moment, []))
        elif moment == borders[-1][0]:
            borders[-1] = (moment, [])  # the phase before took no time
        borders[-1][1].append(name)
    return [*borders, (moments.recovered, [])]


def _share(target: float) -> float:
    """Return the share that may go wrong; BadValue where a target leaves none, or is none."""
    if not 0 < target < 100:
        what = "a percentage above 0 and below 100 (100 % has no error budget)"
        raise BadValue(expected("SLO target", what, example="99.9", came=target))
    return (100 - target) / 100


def _minutes(span: dt.timedelta) -> float:
    """Return a stretch of time in minutes."""
    return span / dt.timedelta(minutes=1)


def merged(intervals: Sequence[Interval]) -> list[Interval]:
    """Return the intervals in order, those that touch as one: no minute is left out twice."""
    found: list[Interval] = []
    for since, until in sorted(intervals):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(until, found[-1][1]))
        else:
            found.append((since, until))
    return found
