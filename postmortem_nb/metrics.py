"""The figures of one incident: pure functions from plain facts to measures.

Words used here, all zone-aware moments, each the time of one step of the timeline (`STEPS`):
``start`` impact start · ``detected`` · ``acknowledged`` · ``declared`` · ``mitigated`` ·
``recovered`` impact end · ``resolved``.

A `Measure` always carries its definition and where its value comes from. A moment that is not known
makes the measure *unknown* and says which step lacks a time; it is never 0. An end before its
beginning is a contradiction: a reason, no value, and a finding in `checks`.

Every derived blank of the template (``{= minutes duration = …}``) is a name that `derive` returns.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STEPS: Mapping[str, str] = {
    "start": "Incident Start",
    "detected": "Detection",
    "acknowledged": "Acknowledgment",
    "mitigated": "Mitigation Deployed",
    "recovered": "Full Recovery",
    "resolved": "Incident Declared Resolved",
}
"""Moment → the timeline step whose time it is. ``declared`` is no step of its own: it is the
acknowledgement that names a severity."""

DISCOVERY = "Key Discovery"
"""The step that a row of an answer becomes."""

LAST_COUNTS = frozenset({"recovered", "resolved"})
"""Moments taken from the last row of their step: a relapse moves the end. Else the first counts."""

LEAD = dt.timedelta(hours=2)
"""How long before impact start an event, a deployment say, may have to do with it."""

FOLLOW_UP_DAYS = 30
"""Days from the incident's date to its follow-up, as the template says."""

MINUTE = dt.timedelta(minutes=1)

Interval = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the figures are computed from; ``None`` is unknown.

    Moments are zone-aware; percentages are 0 to 100; money is in the template's currency.
    ``impact`` is the union of the impact's intervals, in order, none touching the next: a timeline
    may tell of a relapse with a second Incident Start and Full Recovery.
    """

    start: dt.datetime | None = None
    detected: dt.datetime | None = None
    acknowledged: dt.datetime | None = None
    declared: dt.datetime | None = None
    mitigated: dt.datetime | None = None
    recovered: dt.datetime | None = None
    resolved: dt.datetime | None = None
    impact: tuple[Interval, ...] = ()
    date: dt.date | None = None
    affected_total: int | None = None
    affected_share: float | None = None
    failed_requests: int | None = None
    revenue_loss: float | None = None
    revenue_method: str | None = None
    slo_impact: float | None = None
    slo_target: float | None = None
    slo_actual: float | None = None
    budget_consumed: float | None = None
    budget_remaining: float | None = None
    engineering_hours: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure with everything a reader needs to judge it.

    ``value`` is ``None`` when unknown, and ``missing`` then says why. ``parts`` are the numbers
    that fill a blank of several parts (``_____ hours _____ minutes``), in order; a part may be
    unknown. ``contradiction``: the facts exclude each other (an end before its beginning).
    ``beside`` is what a reader sees in brackets behind the value, such as what was computed where
    another figure is stated: then it ``differs``. ``computed``, ``counted`` and ``origin`` are what
    evidence or timeline say, how and which; a ``lower_bound`` where its source saw only a part.
    """

    name: str
    label: str
    unit: str
    definition: str
    source: str
    value: float | int | dt.date | None = None
    missing: str = ""
    contradiction: bool = False
    parts: tuple[float | None, ...] = ()
    beside: str = ""
    computed: float | None = None
    counted: str = ""
    origin: str = ""
    differs: bool = False
    lower_bound: bool = False


class Span(NamedTuple):
    """A duration by definition: from one moment to another."""

    name: str
    label: str
    since: str
    until: str
    meaning: str


ALONE = "of this incident alone (n = 1); a mean needs many incidents"

SPANS: tuple[Span, ...] = (
    Span("duration", "Duration", "start", "recovered", "length of the impact"),
    Span("detection_time", "Detection Time", "start", "detected", "time to detect"),
    Span("resolution_time", "Time to Resolution", "start", "resolved", "time to resolve"),
    Span("mttd", "MTTD", "start", "detected", f"time to detect {ALONE}"),
    Span("mttr", "MTTR", "start", "recovered", f"time to recover {ALONE}"),
    Span("time_to_detect", "Time to detect", "start", "detected", "impact start to detection"),
    Span(
        "time_to_acknowledge",
        "Time to acknowledge",
        "detected",
        "acknowledged",
        "detection to a person at work on it",
    ),
    Span(
        "time_to_mitigate",
        "Time to mitigate",
        "start",
        "mitigated",
        "impact start to the mitigation deployed; partial recovery is a mark of its own",
    ),
    Span("time_to_recover", "Time to recover", "start", "recovered", "impact start to impact end"),
    Span(
        "time_to_resolve",
        "Time to resolve",
        "start",
        "resolved",
        "impact start to declared resolved",
    ),
)
"""Our definitions, one row each."""

ELSEWHERE: tuple[Span, ...] = (
    Span(
        "datadog_time_to_repair",
        "Time to repair (Datadog)",
        "detected",
        "recovered",
        "Datadog's incident analytics: from detection, not from impact start",
    ),
    Span(
        "datadog_time_to_resolve",
        "Time to resolve (Datadog)",
        "declared",
        "resolved",
        "Datadog's incident analytics: from declaration",
    ),
    Span(
        "firehydrant_mtta",
        "MTTA (FireHydrant)",
        "start",
        "acknowledged",
        "FireHydrant counts from impact start, not from the alert",
    ),
    Span(
        "firehydrant_mttr",
        "MTTR (FireHydrant)",
        "start",
        "resolved",
        "FireHydrant counts to the declared resolution",
    ),
)
"""What other tools call by the same names, so two figures of one incident can be explained."""


def gather(facts: Mapping[str, object], timeline: Iterable[Mapping[str, object]]) -> Facts:
    """Return the `Facts` of an incident's single facts and its timeline rows.

    Parameters
    ----------
    facts
        Name → value of the one-row table ``incident``; unknown names are ignored.
    timeline
        Rows with ``step``, ``time`` (aware datetime or missing) and ``severity_declared``.

    """
    rows = [row for row in timeline if isinstance(row.get("time"), dt.datetime)]
    moments: dict[str, Any] = {name: _moment(rows, name) for name in STEPS}
    numbers: dict[str, Any] = {name: _number(facts.get(name)) for name in NUMBERS}
    named = [row for row in rows if row.get("severity_declared")]
    date = facts.get("date")
    return Facts(
        **moments,
        declared=_first(named, STEPS["acknowledged"]),
        impact=union(_times(rows, STEPS["start"]), _times(rows, STEPS["recovered"])),
        date=date if isinstance(date, dt.date) else None,
        affected_total=_whole(facts.get("affected_total")),
        failed_requests=_whole(facts.get("failed_requests")),
        revenue_method=str(facts.get("revenue_method") or "") or None,
        **numbers,
    )


NUMBERS = (
    "affected_share",
    "revenue_loss",
    "slo_impact",
    "slo_target",
    "slo_actual",
    "budget_consumed",
    "budget_remaining",
    "engineering_hours",
)
"""Facts that are numbers as they are stated."""


def moments(facts: Facts) -> Facts:
    """Return the moments and intervals alone: what answers are read by, whatever is stated."""
    kept: dict[str, Any] = {name: getattr(facts, name) for name in STEPS}
    return Facts(impact=facts.impact, **kept)


def union(starts: Iterable[dt.datetime], ends: Iterable[dt.datetime]) -> tuple[Interval, ...]:
    """Return the intervals of impact: each from a start to the next end, gaps between them.

    An end without a start of its own moves the end before it: what lies between is not known to
    have been free of impact. A start without an end makes no interval.
    """
    marks = sorted([*((start, 0) for start in starts), *((end, 1) for end in ends)])
    found: list[Interval] = []
    began: dt.datetime | None = None
    for moment, is_end in marks:
        if not is_end:
            began = began or moment
        elif began is not None:
            found.append((began, moment))
            began = None
        elif found:
            found[-1] = (found[-1][0], moment)
    return tuple(each for each in found if each[0] < each[1])


def derive(facts: Facts) -> dict[str, Measure]:
    """Return the durations and the follow-up date by name; `tallies` adds the other figures."""
    spans = {span.name: measure(span, facts) for span in SPANS}
    gaps = impact_length(facts)
    if len(facts.impact) > 1 and spans["duration"].value is not None:
        spans["duration"] = replace(spans["duration"], beside=gaps.beside)
    return spans | {gaps.name: gaps, "follow_up": follow_up(facts)}


def impact_length(facts: Facts) -> Measure:
    """Return the minutes of impact: the union of its intervals, without the gaps between them."""
    found = Measure(
        name="impact_length",
        label="Length of the impact",
        unit="minutes",
        definition="sum of the union of the impact's intervals, each from an Incident Start to the "
        "Full Recovery after it; the gaps between them are left out",
        source=f"timeline: {STEPS['start']}, {STEPS['recovered']}",
    )
    if not facts.impact:
        known = facts.start is not None and facts.recovered is not None
        why = f"no {STEPS['recovered']} after an {STEPS['start']}"
        return replace(
            found,
            missing=why if known else "the timeline does not say when the impact began and ended",
        )
    minutes = sum((end - start) / MINUTE for start, end in facts.impact)
    gaps = len(facts.impact) - 1
    words = f"computed: {minutes:g} minutes without the {'gap' if gaps == 1 else f'{gaps} gaps'}"
    return replace(found, value=minutes, beside=words if gaps else "")


def elsewhere(facts: Facts) -> dict[str, Measure]:
    """Return the same incident by the definitions of other tools, by name."""
    return {span.name: measure(span, facts) for span in ELSEWHERE}


def measure(span: Span, facts: Facts) -> Measure:
    """Return one duration in minutes, or unknown with the reason."""
    since, until = getattr(facts, span.since), getattr(facts, span.until)
    blank = Measure(
        name=span.name,
        label=span.label,
        unit="minutes",
        definition=f"{span.until} − {span.since}: {span.meaning}",
        source=f"timeline: {_counting(span.since)}, {_counting(span.until)}",
    )
    unknown = [name for name in (span.since, span.until) if getattr(facts, name) is None]
    if unknown:
        steps = " and ".join(_step(name) for name in unknown)
        return replace(blank, missing=f"no time for {steps} in the timeline")
    if until < since:
        reason = f"{_step(span.until)} is before {_step(span.since)}"
        return replace(blank, missing=reason, contradiction=True)
    minutes = (until - since) / MINUTE
    hours = int(minutes // 60)
    return replace(blank, value=minutes, parts=(hours, round(minutes - 60 * hours, 1)))


def follow_up(facts: Facts) -> Measure:
    """Return the follow-up date: 30 days after the incident's date, or after the day it began."""
    began = facts.start.astimezone(dt.UTC).date() if facts.start else None
    day = facts.date or began
    late = day is not None and day > dt.date.max - dt.timedelta(days=FOLLOW_UP_DAYS)
    missing = "the incident's date is in the last days that a calendar has" if late else ""
    return Measure(
        name="follow_up",
        label="Follow-up Date",
        value=None if day is None or late else day + dt.timedelta(days=FOLLOW_UP_DAYS),
        unit="date",
        definition=f"{FOLLOW_UP_DAYS} days after the incident's date (UTC day of its start)",
        source="stated: date" if facts.date else f"timeline: {_counting('start')}",
        missing=missing if day else f"neither the date nor a time for {STEPS['start']} is known",
    )


def _moment(rows: Iterable[Mapping[str, object]], name: str) -> dt.datetime | None:
    """Return the time of a moment's step: its first row's, for ends its last row's."""
    times = _times(rows, STEPS[name])
    if not times:
        return None
    return max(times) if name in LAST_COUNTS else min(times)


def _first(rows: Iterable[Mapping[str, object]], step: str) -> dt.datetime | None:
    """Return the earliest time of a step, or nothing."""
    return min(_times(rows, step), default=None)


def _times(rows: Iterable[Mapping[str, object]], step: str) -> list[dt.datetime]:
    """Return the times of a step's rows."""
    times = (row["time"] for row in rows if row.get("step") == step)
    return [time for time in times if isinstance(time, dt.datetime)]


def _counting(moment: str) -> str:
    """Return the row of a moment: of several of its step the first counts, of ends the last."""
    return f"{'last' if moment in LAST_COUNTS else 'first'} {_step(moment)}"


def _step(moment: str) -> str:
    """Return the step of a moment for a sentence."""
    return STEPS.get(moment, f"{STEPS['acknowledged']} with a severity")


def _number(value: object) -> float | None:
    """Return a number as it is, anything else as unknown."""
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if known and value == value else None  # type: ignore[arg-type] # noqa: PLR0124 - NaN is unknown


def _whole(value: object) -> int | None:
    """Return a whole number, anything else as unknown."""
    number = _number(value)
    return None if number is None else int(number)
