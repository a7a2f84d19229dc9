"""What an evaluated monitor did: in the incident, and in the stretch before it.

The *baseline* is the stretch before the impact began: every alarm in it is a false one. The
*incident* lasts from impact start to impact end and, since a window has to pass before an alarm
ends, the monitor's own window more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from postmortem_nb import provenance, times

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from postmortem_nb.monitors.evaluation import Alarm, Evaluated

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Spans:
    """The moments that a back-test is about; ``detected`` may be unknown.

    While the incident is not over, ``end`` is the moment of asking.
    """

    start: datetime
    end: datetime
    detected: datetime | None
    is_over: bool


class Outcome(ABC):
    """A monitor evaluated over baseline and incident, and what follows from it."""

    spans: Spans

    @property
    @abstractmethod
    def record(self) -> Mapping[str, Any]:
        """The provenance of the answers."""

    @property
    @abstractmethod
    def evaluated(self) -> Evaluated:
        """The monitor's value and state at each evaluation."""

    @property
    @abstractmethod
    def baseline(self) -> datetime:
        """When the baseline begins."""

    @property
    @abstractmethod
    def end(self) -> datetime:
        """Until when an alarm is one of the incident's."""

    @property
    @abstractmethod
    def step(self) -> timedelta:
        """The interval of the points that were asked for."""

    @abstractmethod
    def query(self) -> str:
        """Return the monitor as Datadog writes it, thresholds in the query's own unit."""

    @abstractmethod
    def key(self) -> tuple[str, ...]:
        """Return all, beside the record, that its picture is drawn from."""

    @abstractmethod
    def empty(self) -> str:
        """Return why there was nothing to evaluate in the incident; empty where there was."""

    @abstractmethod
    def remarks(self) -> Iterator[str]:
        """Yield what a reader has to know of this kind of monitor."""

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
        return self.empty()

    def notes(self) -> Iterator[str]:
        """Yield what a reader has to know, a plain line each."""
        if self.blind:
            yield self.blind
        yield from self.remarks()
        if self._under_way():
            yield "it was in alarm already when the impact began"
        if self.evaluated.step > self.step:
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

    def is_unknown(self) -> bool:
        """Return whether no minute of the incident had a value."""
        length = (self.end - self.spans.start) // MINUTE
        return self.evaluated.unknown(self.spans.start, self.end) >= length

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
