"""Good and bad time by a condition on metrics, as Datadog's time-based SLOs count it.

``time_slice``: every slice (1 or 5 minutes) has one value and is good where the condition holds;
without data it is good too. ``monitor``: a minute is bad while the monitor's condition, over the
window that has just ended, holds; without data it is neither. With groups a slice is bad where it
is bad for any of them.
https://docs.datadoghq.com/service_level_objectives/time_slice/ (uptime calculations, missing data)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb import slo, times
from postmortem_nb.datadog import conditions, expression, steps, timeseries, windows
from postmortem_nb.errors import QueryError, expected

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from postmortem_nb.datadog.asking import Asking
    from postmortem_nb.datadog.conditions import Condition
    from postmortem_nb.slo import Interval

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SLICES = {"1m": MINUTE, "5m": 5 * MINUTE}
"""How long a time slice may be."""

LONGEST = timedelta(days=1)
"""The longest window of a monitor: one checked every minute."""

EXAMPLE = "p95:trace.web.request{env:prod} <= 2.5"


@dataclass(frozen=True, slots=True)
class Rule:
    """When time is good or bad; ``kind`` is the SLO's: ``time_slice`` or ``monitor``."""

    condition: Condition
    kind: str
    slice: timedelta

    @property
    def window(self) -> timedelta:
        """What one value is of."""
        return self.condition.window or self.slice

    @property
    def words(self) -> str:
        """The rule in words."""
        of, slices = self.condition, f"{self.slice // MINUTE} min"
        said = f"{of.source} {of.sign} {of.limit:.12g}"
        if self.kind == "time_slice":
            return f"slices of {slices} in which {said}"
        return f"not {of.aggregation} over {self.window // MINUTE} min: {said}"


@dataclass(frozen=True, slots=True)
class Counted:
    """The stretches of a span by state, why they are partial, and how many slices had no data."""

    rows: list[steps.Row]
    partial: str
    blank: int
    slices: int


def rule(uptime: str, monitor: str, slices: str) -> Rule:
    """Return the rule of an uptime condition, or of a monitor's query; QueryError for neither."""
    if uptime:
        found = conditions.read(uptime)
        if found.window is not None:
            what = "a condition without a window; one with a window is a monitor's (monitor=)"
            raise QueryError(expected("uptime", what, example=EXAMPLE, came=uptime))
        if slices not in SLICES:
            raise QueryError(expected("slices", "1m or 5m", example="5m", came=slices))
        return Rule(found, "time_slice", SLICES[slices])
    found = conditions.read(monitor)
    if found.window is None or not MINUTE <= found.window < LONGEST:
        what = "a metric monitor with a window from 1 minute to below a day"
        example = f"avg(last_5m):{expression.EXAMPLE} > 5"
        raise QueryError(expected("monitor", what, example=example, came=monitor))
    counted = any(leaf.counted for leaf in expression.leaves(found.node))
    if counted and found.aggregation != "sum":
        raise QueryError(
            f"monitor: Datadog takes only sum(last_…) with .as_count(); got {found.aggregation}"
        )
    return Rule(found, "monitor", MINUTE)


def count(asked: Asking, by: Rule, span: Interval) -> Counted:
    """Return the stretches of a span in which time is good, bad, or without data."""
    length = int(by.slice / SECOND)
    first = times.seconds(span[0]) // length * length
    beyond = -(-times.seconds(min(span[1], asked.now), up=True) // length) * length
    wide = int(by.window / by.slice)
    slots = max(0, (beyond - first) // length) + wide - 1
    origin = first - (wide - 1) * length
    over = asked.over(_moment(origin), _moment(beyond), interval=f"{length}s")
    frame, partial = timeseries.points(over, expression.queries(by.condition.node))
    place = windows.Slots(origin, length, slots, length)
    states = _states(by, frame, place, windows.Windows(wide, 1, slots - wide + 1))
    came = bool((states != slo.NO_DATA).any())  # a metric that nobody sends is no uptime
    up = by.kind == "time_slice" and came and not partial
    rows = [
        cut
        for step in _stretches(states, first, length, up=up)
        if (cut := steps.clipped(step, span, scale=True)) is not None
    ]
    return Counted(rows, partial, int((states == slo.NO_DATA).sum()), states.size)


def _states(
    by: Rule, frame: pd.DataFrame, place: windows.Slots, over: windows.Windows
) -> NDArray[np.int64]:
    """Return the state of each slice, over all groups."""
    states = np.full(over.count, slo.NO_DATA)
    parts = dict(tuple(frame.groupby(["series", "query"], sort=False)))
    texts = expression.queries(by.condition.node)
    for group in frame["series"].dropna().unique():
        known = {text: windows.placed(parts.get((group, text)), place) for text in texts}
        row = windows.values(by.condition.node, by.condition.aggregation, known, over)
        meets = conditions.holds(by.condition.sign, row, by.condition.limit)
        down = ~np.isnan(row) & (meets if by.kind == "monitor" else ~meets)
        states[~np.isnan(row) & (states == slo.NO_DATA)] = slo.UP
        states[down] = slo.DOWN
    return states


def _stretches(
    states: NDArray[np.int64], first: int, length: int, *, up: bool
) -> Iterator[steps.Row]:
    """Yield slices of one state side by side as one step; ``up``: no data counts as good."""
    edges = [*np.flatnonzero(np.diff(states, prepend=-1)).tolist(), states.size]
    for begin, end in pairwise(edges):
        since, until = (_moment(first + length * place) for place in (begin, end))
        minutes, state = (until - since) / MINUTE, states[begin]
        good = minutes if state == slo.UP or (up and state == slo.NO_DATA) else 0.0
        bad = minutes if state == slo.DOWN else 0.0
        yield steps.row(since, until, good, bad, lacks=state == slo.NO_DATA)


def _moment(seconds: int) -> datetime:
    return times.EPOCH + timedelta(seconds=seconds)
