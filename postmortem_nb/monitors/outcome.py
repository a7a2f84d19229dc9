"""What an evaluated monitor did: in the incident, and in the stretch before it.

The *baseline* is the stretch before the impact began, the *incident* lasts from impact start to
impact end and, since a window has to pass before an alarm ends, the monitor's own window more.

Each alarm counts once, where it began: one in the baseline is a false one. Only one that began
shortly before the impact and lasted into it, longer than a window takes to pass, foretold it, and
is the incident's. What had alarmed for longer would have alarmed without it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from postmortem_nb import provenance, slo, times
from postmortem_nb.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from postmortem_nb.monitors.evaluation import Alarm, Evaluated

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)

FORETELLS = timedelta(hours=4)
"""How long before the impact an alarm that lasts into it may have begun to be the incident's."""

MOST_TOLD = 3
"""Alarms under way that are named."""


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
    def window(self) -> timedelta:
        """How long what was before can keep it in alarm."""

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
    def _all(self) -> list[Alarm]:
        return self.evaluated.alarms(self.baseline, self.end)

    @cached_property
    def alarms(self) -> list[Alarm]:
        """The incident's alarms, each of a group: those that began in it, or foretold it."""
        return [alarm for alarm in self._all if self._is_of_incident(alarm)]

    @cached_property
    def false_alarms(self) -> list[Alarm]:
        """The alarms that began in the baseline and did not foretell the incident."""
        return [alarm for alarm in self._all if not self._is_of_incident(alarm)]

    @property
    def under_way(self) -> list[Alarm]:
        """The alarms that were under way when the impact began."""
        start = self.spans.start
        return [alarm for alarm in self._all if alarm.start < start < alarm.end]

    @property
    def minutes(self) -> float:
        """For how long of the incident any of its alarms lasted."""
        return _together(self.alarms, self.spans.start, self.end)

    @property
    def false_minutes(self) -> float:
        """For how long of the baseline any false alarm lasted."""
        return _together(self.false_alarms, self.baseline, self.spans.start)

    def _is_of_incident(self, alarm: Alarm) -> bool:
        """Return whether an alarm began in the incident or foretold it.

        When one began that lasted through all of the baseline is not known.
        """
        start = self.spans.start
        if alarm.start >= start:
            return True
        begun = max(self._first, start - FORETELLS)
        return alarm.start > begun and alarm.end > start + self.window

    @cached_property
    def _first(self) -> datetime:
        """When it was evaluated first."""
        every = self.evaluated.every / SECOND
        return (
            times.EPOCH + math.ceil((self.baseline - times.EPOCH) / SECOND / every) * every * SECOND
        )

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
        if self.under_way:
            yield f"it was in alarm already when the impact began: {self._since()}"
        if self.evaluated.step > self.step:
            length = times.duration(self.evaluated.step / MINUTE)
            yield f"Datadog gave a point every {length}: moments are exact to that"
        yield from self._gaps()
        if not self.spans.is_over:
            yield "the incident's end is not known: tried up to the moment of asking"
        elif _asked(self.record) < self.spans.end + self.window:
            yield f"tried up to the moment of asking, {times.shown(self.end)}"
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

    def _since(self) -> str:
        """Return since when the alarms under way had lasted, and of which groups."""
        said = []
        for alarm in self.under_way[:MOST_TOLD]:
            group = "" if alarm.group == "*" else f"{alarm.group} "
            begun = alarm.start > self._first
            before = "" if begun else "before "
            said.append(f"{group}since {before}{times.shown(alarm.start)}")
        more = len(self.under_way) - MOST_TOLD
        return ", ".join([*said, *([f"and {more:,} more"] if more > 0 else [])])

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


def until(record: Mapping[str, Any]) -> datetime:
    """Return until when an answer tells: what came after the moment of asking it cannot."""
    return min(times.parse(record["to"]), _asked(record))


def _asked(record: Mapping[str, Any]) -> datetime:
    """Return the minute in which an answer was asked for; the latest of all where unknown."""
    try:
        return times.parse(record.get("fetched_at")).replace(second=0, microsecond=0)
    except BadValue:
        return datetime.max.replace(tzinfo=UTC)


def stretches(alarms: Iterable[Alarm]) -> list[slo.Interval]:
    """Return when any of some alarms lasted, those that overlap or touch as one."""
    return slo.merged([(alarm.start, alarm.end) for alarm in alarms])


def _together(alarms: Iterable[Alarm], since: datetime, until: datetime) -> float:
    """Return for how many minutes of a stretch any of some alarms lasted."""
    cut = ((max(first, since), min(last, until)) for first, last in stretches(alarms))
    return sum(max(timedelta(), last - first) / MINUTE for first, last in cut)
