"""One monitor tried on one incident: when it would have alarmed, and what a reader has to know.

The *baseline* is the stretch before the impact began: every alarm in it is a false one. The
*incident* lasts from impact start to impact end and, since a window has to pass before an alarm
ends, the monitor's own window more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from postmortem_nb import provenance, times
from postmortem_nb.datadog import expression
from postmortem_nb.monitors import evaluation, limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import pandas as pd

    from postmortem_nb.monitors.evaluation import Alarm, Evaluated
    from postmortem_nb.monitors.reading import Monitor

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
STEP = MINUTE
"""The interval that is asked for; five times as long for a window of a day or more."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The moments that a back-test is about; ``detected`` may be unknown.

    While the incident is not over, ``end`` is the moment of asking.
    """

    start: datetime
    end: datetime
    detected: datetime | None
    is_over: bool


@dataclass(frozen=True)
class Tried:
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
    def baseline(self) -> datetime:
        """When the baseline begins: a window after the first answer."""
        return times.parse(self.record["from"]) + self.monitor.reach

    @property
    def end(self) -> datetime:
        """Until when an alarm is one of the incident's."""
        return min(self.spans.end + self.monitor.window, times.parse(self.record["to"]))

    @cached_property
    def evaluated(self) -> Evaluated:
        """The monitor's value and state at each evaluation."""
        return evaluation.evaluate(
            self.monitor,
            self.frame,
            limit=self.limit,
            recovery=self.limits[1],
            start=self.baseline,
            end=times.parse(self.record["to"]),
            step=step_of(self.monitor),
            empty_is_zero=self.monitor.search is not None and bool(self.record.get("complete")),
        )

    @cached_property
    def alarms(self) -> list[Alarm]:
        """The alarms in the incident."""
        return self.evaluated.alarms(self.spans.start, self.end)

    @cached_property
    def false_alarms(self) -> list[Alarm]:
        """The alarms in the baseline."""
        return self.evaluated.alarms(self.baseline, self.spans.start)

    @property
    def is_baseline_known(self) -> bool:
        """Whether there was any data in the baseline: else there are no false alarms to count."""
        length = (self.spans.start - self.baseline) // MINUTE
        return self.evaluated.unknown(self.baseline, self.spans.start) < length

    @property
    def first(self) -> datetime | None:
        """When it first alarmed in the incident."""
        return self.alarms[0].start if self.alarms else None

    @property
    def group(self) -> str:
        """The group that alarmed first; empty for a monitor without groups."""
        return self.alarms[0].group if self.alarms and self.alarms[0].group != "*" else ""

    @property
    def lead(self) -> float | None:
        """Minutes from the first alarm to the detection; negative where it came later."""
        if self.first is None or self.spans.detected is None:
            return None
        return (self.spans.detected - self.first) / MINUTE

    @property
    def fired(self) -> bool | None:
        """Whether it alarmed in the incident; None where that cannot be told."""
        return None if self.blind else bool(self.alarms)

    @property
    def blind(self) -> str:
        """Why it cannot be told whether it alarmed; empty where it can."""
        if self.alarms:
            return ""
        if not self.record.get("complete"):
            return f"the answer is {provenance.completeness(dict(self.record))}"
        if self.frame.empty:
            return "its search found no log" if self.monitor.search else "its queries had no data"
        length = (self.end - self.spans.start) // MINUTE
        if self.evaluated.unknown(self.spans.start, self.end) >= length:
            return "its queries had no data in the incident"
        return ""

    def notes(self) -> Iterator[str]:
        """Yield what a reader has to know, a plain line each."""
        if self.blind:
            yield self.blind
        if self.monitor.assumed:
            yield self.monitor.assumed
        yield from self._nearest()
        if self._under_way():
            yield "it was in alarm already when the impact began"
        if self.evaluated.step > step_of(self.monitor):
            length = times.duration(self.evaluated.step / MINUTE)
            yield f"Datadog gave a point every {length}: moments are exact to that"
        yield from self._gaps()
        if not self.spans.is_over:
            yield "the incident's end is not known: tried up to the moment of asking"
        if self.spans.detected is None:
            yield "the lead is unknown: the timeline has no time for 'Detection'"
        if self.alarms and not self.record.get("complete"):
            yield provenance.completeness(dict(self.record))
        if self.record.get("changed"):
            yield "its evidence was changed since it was frozen"

    def _nearest(self) -> Iterator[str]:
        """Yield how near the value came to the threshold, where it never got there."""
        if self.alarms:
            return
        rising = self.monitor.rising
        nearest = self.evaluated.extreme(self.spans.start, self.end, highest=rising)
        if nearest is not None:
            what = "highest" if rising else "lowest"
            yield f"{what} value in the incident {nearest:.4g}, threshold {self.limit:.4g}"

    def _under_way(self) -> bool:
        start, every = self.spans.start, self.evaluated.every
        before = self.evaluated.alarms(start - every, start)
        return bool(before and self.evaluated.alarms(start, start + every))

    def _gaps(self) -> Iterator[str]:
        """Yield how many minutes were without data, where there are any."""
        start = self.spans.start
        for what, since, until in (
            ("baseline", self.baseline, start),
            ("incident", start, self.end),
        ):
            minutes = self.evaluated.unknown(since, until)
            if minutes:
                whole = (until - since) / MINUTE
                yield f"{minutes:,.0f} of {whole:,.0f} minutes of the {what} had no data"


def step_of(monitor: Monitor) -> timedelta:
    """Return the interval of the points that a monitor is tried on."""
    rollup = next(leaf.rollup for leaf in expression.leaves(monitor.node))
    if rollup:
        return timedelta(seconds=rollup)
    return STEP if monitor.window < timedelta(days=1) else 5 * STEP
