"""One monitor tried on one incident: its answers, its limits, and how near it came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from postmortem_nb import times
from postmortem_nb.datadog import expression
from postmortem_nb.monitors import evaluation, limits
from postmortem_nb.monitors.outcome import MINUTE, Outcome, Spans, until
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import pandas as pd

    from postmortem_nb.monitors.evaluation import Evaluated
    from postmortem_nb.monitors.reading import Monitor

MISSING = {
    "last": "where a window has no data its last known status stays, Datadog's default",
    "zero": "a window without data counts as 0, Datadog's default for counts",
}
"""What is said of missing data."""

STEP = MINUTE
"""The interval that is asked for; five times as long for a window of a day or more."""


@dataclass(frozen=True)
class Tried(Outcome):
    """A monitor, the incident, and the answers to its queries, which say the rest."""

    monitor: Monitor
    spans: Spans
    frame: pd.DataFrame

    def checked(self) -> Tried:
        """Return it evaluated. Raises QueryError for a unit that does not fit, or too many groups.

        What follows is then known and raises nothing.
        """
        assert self.evaluated.groups is not None  # noqa: S101 - it is computed here
        return self

    @property
    def record(self) -> Mapping[str, Any]:
        """The provenance of the answers."""
        found: Mapping[str, Any] = self.frame.attrs["evidence"]
        return found

    @cached_property
    def limits(self) -> tuple[float, float | None]:
        """Threshold and recovery in the query's own unit."""
        return limits.own(self.monitor, self.frame)

    @property
    def limit(self) -> float:
        """The threshold in the query's own unit."""
        return self.limits[0]

    @property
    def warning(self) -> float | None:
        """The warning threshold in the query's own unit; what warns is no alarm."""
        return limits.warning(self.monitor, self.frame)

    @property
    def baseline(self) -> datetime:
        """When the baseline begins: a window after the first answer."""
        return times.parse(self.record["from"]) + self.monitor.reach

    @property
    def end(self) -> datetime:
        """Until when an alarm is one of the incident's."""
        return min(self.spans.end + self.window, until(self.record))

    @property
    def window(self) -> timedelta:
        """How long what was before can keep it in alarm."""
        return self.monitor.window

    @property
    def step(self) -> timedelta:
        """The interval of the points that were asked for."""
        return step_of(self.monitor)

    @cached_property
    def evaluated(self) -> Evaluated:
        """The monitor's value and state at each evaluation."""
        return evaluation.evaluate(
            self.monitor,
            self.frame,
            limit=self.limit,
            recovery=self.limits[1],
            start=self.baseline,
            end=until(self.record),
            step=self.step,
            empty_is_zero=self.monitor.search is not None and bool(self.record.get("complete")),
            missing=self._missing,
        )

    @property
    def _missing(self) -> str:
        """What a window without data is taken as; what was not answered is unknown."""
        return self.monitor.missing if self.record.get("complete") else ""

    def query(self) -> str:
        """Return the monitor as Datadog writes it, its threshold in the query's own unit."""
        return self.monitor.query(self.limit)

    def key(self) -> tuple[str, ...]:
        """Return all, beside the record, that its picture is drawn from."""
        return (repr(self.monitor), repr(self.spans))

    def empty(self) -> str:
        """Return why there was nothing to evaluate in the incident; empty where there was."""
        if self.frame.empty:
            return "its search found no log" if self.monitor.search else "its queries had no data"
        return "its queries had no data in the incident" if self.is_unknown() else ""

    def remarks(self) -> Iterator[str]:
        """Yield what was assumed, and how near the value came where it never got there."""
        if self.monitor.assumed:
            yield self.monitor.assumed
        done = self.evaluated
        if self._missing and (done.unknown(self.baseline, self.end) or done.is_held):
            yield MISSING[self._missing]
        if self.alarms or self.under_way:
            return
        rising = self.monitor.rising
        nearest = self.evaluated.extreme(self.spans.start, self.end, highest=rising)
        if nearest is not None:
            what = "highest" if rising else "lowest"
            met, limit = numeral(nearest, 4), numeral(self.limit, 4)
            yield f"{what} value in the incident {met}, threshold {limit}"


def step_of(monitor: Monitor) -> timedelta:
    """Return the interval of the points that a monitor is tried on."""
    rollup = next(leaf.rollup for leaf in expression.leaves(monitor.node))
    if rollup:
        return timedelta(seconds=rollup)
    return STEP if monitor.window < timedelta(days=1) else 5 * STEP
