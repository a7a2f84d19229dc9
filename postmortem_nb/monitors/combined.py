"""A composite monitor tried: the statuses of its monitors, minute by minute, and what they give.

Each of its monitors is evaluated as if it stood alone; what is combined is its status at its
latest evaluation. A warning counts as an alert does. It is proposed without a notification of
missing data, so where it would be No Data its last known status stays.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from postmortem_nb import provenance, times
from postmortem_nb.errors import QueryError
from postmortem_nb.monitors import evaluation, statuses
from postmortem_nb.monitors.evaluation import Evaluated
from postmortem_nb.monitors.outcome import MINUTE, SECOND, Outcome, Spans, until
from postmortem_nb.times import EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from numpy.typing import NDArray

    from postmortem_nb.monitors.composites import Composite
    from postmortem_nb.monitors.definitions import Constituent
    from postmortem_nb.monitors.tried import Tried

    Statuses = NDArray[np.int8]

LONGEST_RECORD = 12
"""Digits of an answer's digest that a composite's own record repeats."""


class Lane(NamedTuple):
    """The statuses of one monitor, of the group that is told of, at each evaluation."""

    label: str
    statuses: Statuses


class Combination(NamedTuple):
    """The groups of a composite, a row each: its statuses, and those of each of its monitors."""

    groups: tuple[str, ...]
    seconds: NDArray[np.int64]
    statuses: Statuses
    parts: Mapping[str, Statuses]


@dataclass(frozen=True)
class Combined(Outcome):
    """A composite, the incident, and its monitors, each tried alone.

    ``name`` is that of its evidence and of its picture; a composite of the table's monitors alone
    has a picture only, and stands on their evidence.
    """

    name: str
    composite: Composite
    spans: Spans
    parts: tuple[tuple[Constituent, Tried], ...]
    definitions: Mapping[str, Any] | None = None
    """The record of the definitions, where some of its monitors are in Datadog."""

    def checked(self) -> Combined:
        """Return it evaluated. Raises QueryError where its monitors have no group in common."""
        if not self.combination.groups and not self._silent():
            grouped = [part for part, _ in self.parts if part.by]
            said = " and ".join(f"{each.name} by {', '.join(each.by)}" for each in grouped)
            raise QueryError(
                f"its monitors have no group in common ({said}), so Datadog gives it no status"
            )
        return self

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """The provenance of what it stands on: one record for all of its answers."""
        answers = [tried.record for _, tried in self.parts]
        records = [*([self.definitions] if self.definitions else []), *answers]
        lacking = [
            f"{part.name}: {tried.record.get('partial') or 'no reason was recorded'}"
            for part, tried in self.parts
            if not tried.record.get("complete")
        ]
        told = [each["warnings"] for each in records if isinstance(each.get("warnings"), list)]
        rows = [each["rows"] for each in answers if isinstance(each.get("rows"), int)]
        return {
            **records[0],
            "name": self.name,
            "call": self.composite.query(),
            "from": times.iso(self.baseline),
            "to": times.iso(self._until),
            "fetched_at": max(str(each.get("fetched_at") or "") for each in records),
            "rows": sum(rows),
            "sandbox": any(each.get("sandbox") for each in records),
            "complete": not lacking,
            "partial": "; ".join(lacking),
            "warnings": list(dict.fromkeys(str(line) for lines in told for line in lines)),
            "changed": any(each.get("changed") for each in records),
            "sha256": _digest(records),
            "path": f"combined from {', '.join(map(_named, records))}",
        }

    @property
    def baseline(self) -> datetime:
        """When the baseline begins: where that of each of its monitors has begun."""
        return max(tried.baseline for _, tried in self.parts)

    @property
    def end(self) -> datetime:
        """Until when an alarm is one of the incident's: the longest window more."""
        return min(self.spans.end + self.window, self._until)

    @property
    def window(self) -> timedelta:
        """How long what was before can keep it in alarm: the longest of its monitors' windows."""
        return max(part.monitor.window + part.monitor.delay for part, _ in self.parts)

    @property
    def step(self) -> timedelta:
        """The interval of the points that were asked for: the coarsest of its monitors'."""
        return max(tried.step for _, tried in self.parts)

    @property
    def _until(self) -> datetime:
        return min(until(tried.record) for _, tried in self.parts)

    @cached_property
    def combination(self) -> Combination:
        """Its groups, and the statuses of each at each minute."""
        first, last = (_minute(moment) for moment in (self.baseline, self._until))
        seconds = 60 * np.arange(first, max(first, last), dtype=np.int64)
        grouped = [statuses.Grouped(part.by, tried.evaluated.groups) for part, tried in self.parts]
        found = statuses.common(grouped)
        parts = {
            part.name: _status(part, tried, seconds)[[each.places[place] for each in found]]
            for place, (part, tried) in enumerate(self.parts)
        }
        names = tuple(each.name for each in found)
        made = statuses.combined(self.composite.node, parts)
        return Combination(names, seconds, made, parts)

    @cached_property
    def evaluated(self) -> Evaluated:
        """Its status as a number, unknown where it is No Data, and whether it alarms."""
        found = self.combination
        known = np.where(found.statuses == statuses.NO_DATA, np.nan, found.statuses)
        alarming = statuses.kept(found.statuses) >= statuses.WARN
        step = max(tried.evaluated.step for _, tried in self.parts)
        return Evaluated(found.groups, found.seconds, known, alarming, step, MINUTE)

    def lanes(self) -> list[Lane]:
        """Return what its picture shows: each of its monitors, and last itself."""
        found = self.combination
        chief = found.groups.index(self.group) if self.group in found.groups else 0
        made = [Lane(part.label, found.parts[part.name][chief]) for part, _ in self.parts]
        return [*made, Lane("the composite", statuses.kept(found.statuses)[chief])]

    def query(self) -> str:
        """Return it as Datadog writes it."""
        return self.composite.query()

    def key(self) -> tuple[str, ...]:
        """Return all, beside the record, that its picture is drawn from."""
        parts = [f"{part!r} {tried.record.get('sha256')}" for part, tried in self.parts]
        return (repr(self.composite), repr(self.spans), *parts)

    def empty(self) -> str:
        """Return why there was nothing to evaluate in the incident; empty where there was."""
        silent = self._silent()
        if silent and not self.combination.groups:
            return f"{', '.join(silent)} had no data, so there is no group to tell of"
        return f"{', '.join(silent)} had no data in the incident" if self.is_unknown() else ""

    def remarks(self) -> Iterator[str]:
        """Yield what it combines, when each would have alarmed alone, and what is not tried."""
        yield f"combines {', '.join(part.label for part, _ in self.parts)}"
        if self.combination.groups:
            yield "alone: " + ", ".join(self._alone())
        for part, _ in self.parts:
            yield from part.notes
            if part.monitor.assumed:
                yield f"{part.name}: {part.monitor.assumed}"
        if self._warns():
            yield "it first alarms as a warning, of which Datadog notifies as well"
        if (self.combination.statuses == statuses.NO_DATA).any():
            yield "where it would be No Data, its last known status stays"

    def _alone(self) -> Iterator[str]:
        """Yield when each of its monitors first was alert-worthy in the incident."""
        for part, tried in self.parts:
            rows = self.combination.parts[part.name] >= statuses.WARN
            inside = self._inside() & rows.any(axis=0)
            if inside.any():
                first = EPOCH + int(self.combination.seconds[inside.argmax()]) * SECOND
                yield f"{part.name} alarms from {times.shown(first)}"
            elif tried.is_unknown():
                yield f"{part.name} had no data"
            else:
                yield f"{part.name} does not alarm"

    def _inside(self) -> NDArray[np.bool_]:
        """Return which evaluations are the incident's."""
        seconds = self.combination.seconds
        start, end = ((moment - EPOCH) / SECOND for moment in (self.spans.start, self.end))
        return (seconds >= start) & (seconds < end)

    def _warns(self) -> bool:
        """Return whether its first alarm in the incident is a warning."""
        if self.first is None:
            return False
        at = self.combination.seconds == (self.first - EPOCH) // SECOND
        return bool(statuses.kept(self.combination.statuses)[:, at].max() == statuses.WARN)

    def _silent(self) -> list[str]:
        """Return its monitors without any data."""
        return [part.name for part, tried in self.parts if tried.is_unknown()]


def _status(part: Constituent, tried: Tried, seconds: NDArray[np.int64]) -> Statuses:
    """Return the statuses of a monitor at some moments, a row a group.

    One without groups has one row, No Data where there was no answer at all.
    """
    done = tried.evaluated
    rows = done.measured if len(done.groups) or part.by else _blank(len(done.seconds))
    missing = part.missing if tried.record.get("complete") else "no data"
    if missing == "zero":
        rows = np.where(np.isnan(rows), 0.0, rows)
    made = np.where(np.isnan(rows), statuses.NO_DATA, statuses.OK).astype(np.int8)
    warned = part.warning_recovery
    for severity, limit, recovery in (
        (statuses.WARN, tried.warning if part.warning is None else part.warning, warned),
        (statuses.ALERT, *tried.limits),
    ):
        for at, row in enumerate(rows if limit is not None else ()):
            flags = evaluation.alarming(
                part.monitor.sign, row, limit or 0.0, recovery, keeps=missing == "last"
            )
            made[at][flags] = severity
    if missing == "ok":
        made[made == statuses.NO_DATA] = statuses.OK
    made = statuses.kept(made) if missing == "last" else made
    made = made.max(axis=0, keepdims=True) if part.is_single else made
    before = np.full((len(made), 1), statuses.NO_DATA, dtype=np.int8)
    latest = np.searchsorted(done.seconds, seconds, side="right")
    return np.hstack([before, made])[:, latest]


def _blank(count: int) -> NDArray[np.float64]:
    return np.full((1, count), np.nan)


def _minute(moment: datetime) -> int:
    """Return the first whole minute from a moment on, counted since the epoch."""
    return int(-((EPOCH - moment) // MINUTE))


def _digest(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest of several answers: that of their digests, one after the other."""
    whole = "".join(str(each.get("sha256") or "") for each in records)
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()


def _named(record: Mapping[str, Any]) -> str:
    """Return an answer by its name and the beginning of its digest."""
    digest = str(record.get("sha256") or "")[:LONGEST_RECORD]
    whole = "" if record.get("complete") else f", {provenance.completeness(dict(record))}"
    return f"{record.get('name')} (sha256 {digest}{whole})"
