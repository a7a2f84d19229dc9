"""A monitor evaluated over the answers to its queries, minute by minute, as Datadog does it.

At each evaluation the window that has just ended becomes one value for every group, and the value
is compared with the threshold. A point counts from the end of its interval on, when all of it is
known: nothing is seen before it happened. A window without any point is *unknown*, and the minutes
are told; whether it alarms is what Datadog makes of missing data. Each group alarms on its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.datadog import conditions, expression, windows
from postmortem_nb.errors import QueryError
from postmortem_nb.times import EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from postmortem_nb.monitors.reading import Monitor

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

MOST_GROUPS = 500
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ENOUGH = 30
"""Points from which their distance says how long an interval is."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A stretch in which a group was in alarm, its end excluded."""

    start: datetime
    end: datetime
    group: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A monitor's value at each evaluation, a row a group; NaN where it is unknown.

    ``seconds`` are the moments since the epoch, ``alarming`` whether a group is in alarm then.
    """

    groups: tuple[str, ...]
    seconds: NDArray[np.int64]
    measured: Floats
    alarming: Flags
    step: timedelta
    """The interval of the points."""
    every: timedelta
    """From one evaluation to the next."""

    def alarms(self, start: datetime, end: datetime) -> list[Alarm]:
        """Return the alarms from a moment up to another, in the order in which they began.

        Each group has its own, and Datadog notifies of each: two at once are two.
        https://docs.datadoghq.com/monitors/configuration/ (multi alert)
        """
        inside = (self.seconds >= _at(start)) & (self.seconds < _at(end))
        moments, every = self.seconds[inside], int(self.every / SECOND)
        found = [
            (int(moments[first]), int(moments[last]) + every, name)
            for name, row in zip(self.groups, self.alarming[:, inside], strict=True)
            for first, last in _runs(row)
        ]
        return [Alarm(_moment(first), _moment(last), name) for first, last, name in sorted(found)]

    def unknown(self, start: datetime, end: datetime) -> float:
        """Return for how many minutes no group had a value."""
        inside = (self.seconds >= _at(start)) & (self.seconds < _at(end))
        blank = np.isnan(self.measured[:, inside]).all(axis=0)
        return float(blank.sum() * (self.every / MINUTE))

    @property
    def is_held(self) -> bool:
        """Whether any group is in alarm at a moment without data of its own."""
        return bool((self.alarming & np.isnan(self.measured)).any())

    def extreme(self, start: datetime, end: datetime, *, highest: bool) -> float | None:
        """Return the value of any group that came nearest to an alarm; None where none is known."""
        inside = (self.seconds >= _at(start)) & (self.seconds < _at(end))
        known = self.measured[:, inside]
        known = known[~np.isnan(known)]
        if not known.size:
            return None
        return float(known.max() if highest else known.min())


def evaluate(  # noqa: PLR0913 - the monitor, its points, its limits and its span, each by name
    monitor: Monitor,
    frame: pd.DataFrame,
    *,
    limit: float,
    recovery: float | None,
    start: datetime,
    end: datetime,
    step: timedelta,
    empty_is_zero: bool = False,
    missing: str = "",
) -> Evaluated:
    """Return a monitor evaluated from ``start`` up to ``end``.

    Parameters
    ----------
    monitor
        what is evaluated
    frame
        points of its queries: ``timestamp``, ``query``, ``series``, ``value``; the window before
        ``start`` included
    limit, recovery
        its thresholds in the query's own unit
    start, end
        the first evaluation, and the end of them
    step
        the interval that was asked for; a coarser one is seen from the points
    empty_is_zero
        whether an interval without a point is 0, as in a count of logs
    missing
        what a window without a point is compared as: ``zero``, or its ``last`` known status stays;
        empty: it is no alarm

    Raises QueryError where there are more groups than can be evaluated.
    """
    step = step if empty_is_zero else interval(frame, step)
    slot = math.gcd(60, int(step / SECOND))
    every = int(monitor.every / SECOND)
    first = -(-_at(start) // every) * every
    count = max(0, -((first - _at(end)) // every))
    wide = int(monitor.window / SECOND) // slot
    back = int(monitor.shift / SECOND) // slot
    origin = first - int(monitor.delay / SECOND) - (wide + back) * slot
    slots = back + wide + max(count - 1, 0) * (every // slot)
    groups, queries = _groups(frame), expression.queries(monitor.node)
    parts = dict(tuple(frame.groupby(["series", "query"], sort=False)))
    place = windows.Slots(origin, slot, slots, int(step / SECOND))
    over = windows.Windows(wide, every // slot, count)
    values = np.full((len(groups), count), np.nan)
    for number, name in enumerate(groups):
        known = {text: windows.placed(parts.get((name, text)), place) for text in queries}
        if empty_is_zero:
            known = {text: np.nan_to_num(row) for text, row in known.items()}
        values[number] = _compared(monitor, known, over, back)
    rows = map(_zeroed, values) if missing == "zero" else values
    keeps = missing == "last"
    alarms = [alarming(monitor.sign, row, limit, recovery, keeps=keeps) for row in rows]
    seconds = first + every * np.arange(count, dtype=np.int64)
    shape = (len(groups), count)
    flags = np.array(alarms, dtype=bool).reshape(shape)
    return Evaluated(tuple(groups), seconds, values, flags, step, timedelta(seconds=every))


def interval(frame: pd.DataFrame, asked: timedelta) -> timedelta:
    """Return the interval of points: coarser than asked where all stand on a coarser grid."""
    if len(frame) < ENOUGH:
        return asked
    moments = np.unique(windows.seconds(frame))
    apart = np.diff(moments)
    found = int(np.gcd.reduce(apart)) if apart.size >= ENOUGH // 2 else 0
    return max(asked, timedelta(seconds=found))


def _groups(frame: pd.DataFrame) -> list[str]:
    names = sorted({str(name) for name in frame["series"].dropna().unique()})
    if len(names) > MOST_GROUPS:
        raise QueryError(
            f"it has {len(names):,} groups; expected up to {MOST_GROUPS}: narrow its scope"
        )
    return names


def _compared(
    monitor: Monitor, known: dict[str, Floats], over: windows.Windows, back: int
) -> Floats:
    """Return each window's value, or by how much it differs from that of ``back`` slots before.

    A change in percent from nothing is unknown.
    """
    now, before = (
        windows.values(monitor.node, monitor.aggregation, part, over)
        for part in (
            {text: row[back:] for text, row in known.items()},
            {text: row[: row.size - back] for text, row in known.items()},
        )
    )
    if not monitor.change:
        return now
    if monitor.change == "change":
        return now - before
    with np.errstate(all="ignore"):
        made = 100 * (now - before) / np.abs(before)
    return np.where(np.isfinite(made), made, np.nan)


def alarming(
    sign: str, row: Floats, limit: float, recovery: float | None, *, keeps: bool = False
) -> Flags:
    """Return when a group alarms: from the threshold on, until it is back beyond the recovery.

    ``keeps``: an alarm goes on where nothing is known.
    """
    fires = conditions.holds(sign, row, limit)
    if recovery is None and not keeps:
        return fires
    stays = fires if recovery is None else conditions.holds(sign, row, recovery)
    stays = stays | np.isnan(row) if keeps else stays
    made = np.zeros(len(row), dtype=bool)
    under_way = False
    for at in range(len(row)):
        under_way = bool(fires[at] or (under_way and stays[at]))
        made[at] = under_way
    return made


def _zeroed(row: Floats) -> Floats:
    """Return a group's values with 0 where nothing is known, from its first known one on."""
    known = ~np.isnan(row)
    return np.where(~known & np.maximum.accumulate(known), 0.0, row)


def _runs(alarming: Flags) -> Iterable[tuple[int, int]]:
    """Yield the first and the last place of each stretch of alarm."""
    edges = np.diff(np.concatenate(([0], alarming.astype(np.int8), [0])))
    return zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1, strict=True)


def _at(moment: datetime) -> int:
    return math.ceil((moment - EPOCH) / SECOND)


def _moment(seconds: int) -> datetime:
    return EPOCH + timedelta(seconds=seconds)
