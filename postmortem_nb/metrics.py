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
from typing import TYPE_CHECKING, NamedTuple

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

LAST_COUNTS = frozenset({"recovered", "resolved"})
"""Moments taken from the last row of their step: a relapse moves the end. Else the first counts."""

FOLLOW_UP_DAYS = 30
"""Days from the incident's date to its follow-up, as the template says."""

MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the figures are computed from; ``None`` is unknown.

    Moments are zone-aware; percentages are 0 to 100; money is in the template's currency.
    """

    start: dt.datetime | None = None
    detected: dt.datetime | None = None
    acknowledged: dt.datetime | None = None
    declared: dt.datetime | None = None
    mitigated: dt.datetime | None = None
    recovered: dt.datetime | None = None
    resolved: dt.datetime | None = None
    date: dt.date | None = None
    affected_total: int | None = None
    affected_share: float | None = None
    failed_requests: int | None = None
    revenue_loss: float | None = None
    revenue_method: str | None = None
    slo_impact: float | None = None
    budget_consumed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure with everything a reader needs to judge it.

    ``value`` is ``None`` when unknown, and ``missing`` then says why. ``parts`` are the numbers
    that fill a blank of several parts (``_____ hours _____ minutes``), in order; a part may be
    unknown. ``contradiction``: the facts exclude each other (an end before its beginning).
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
    moments = {name: _moment(rows, name) for name in STEPS}
    named = [row for row in rows if row.get("severity_declared")]
    date = facts.get("date")
    return Facts(
        **moments,
        declared=_first(named, STEPS["acknowledged"]),
        date=date if isinstance(date, dt.date) else None,
        affected_total=_whole(facts.get("affected_total")),
        affected_share=_number(facts.get("affected_share")),
        failed_requests=_whole(facts.get("failed_requests")),
        revenue_loss=_number(facts.get("revenue_loss")),
        revenue_method=str(facts.get("revenue_method") or "") or None,
        slo_impact=_number(facts.get("slo_impact")),
        budget_consumed=_number(facts.get("budget_consumed")),
    )


def derive(facts: Facts) -> dict[str, Measure]:
    """Return every measure by name, the template's Quick Stats first, in their order."""
    spans = {span.name: measure(span, facts) for span in SPANS}
    quick = ("duration", "detection_time", "resolution_time", "mttd", "mttr")
    stated = (
        affected_users(facts),
        failed_requests(facts),
        revenue_loss(facts),
        slo_impact(facts),
        follow_up(facts),
    )
    return (
        {name: spans[name] for name in quick}
        | {each.name: each for each in stated}
        | {name: each for name, each in spans.items() if name not in quick}
    )


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
        source=f"timeline: {_step(span.since)}, {_step(span.until)}",
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


def affected_users(facts: Facts) -> Measure:
    """Return the number of affected users; its second part is the share of the user base."""
    return Measure(
        name="affected_users",
        label="Affected Users",
        value=facts.affected_total,
        unit="users",
        definition="distinct users with at least one failed event in the impact window; "
        "the share is of the user base, as stated",
        source="stated: affected_total, affected_share",
        missing=_unless(facts.affected_total, "the total of affected users is not stated"),
        parts=() if facts.affected_total is None else (facts.affected_total, facts.affected_share),
    )


def failed_requests(facts: Facts) -> Measure:
    """Return the requests that failed in the impact window, as stated."""
    return Measure(
        name="failed_requests",
        label="Failed Requests",
        value=facts.failed_requests,
        unit="requests",
        definition="requests that ended in an error between impact start and impact end",
        source="stated: failed_requests",
        missing=_unless(facts.failed_requests, "failed requests are not stated"),
    )


def revenue_loss(facts: Facts) -> Measure:
    """Return the direct loss of revenue; its definition is the stated method."""
    return Measure(
        name="revenue_loss",
        label="Revenue Impact",
        value=facts.revenue_loss,
        unit="$",
        definition=facts.revenue_method or "direct revenue loss; no calculation method is stated",
        source="stated: revenue_loss, revenue_method",
        missing=_unless(facts.revenue_loss, "the loss of revenue is not stated"),
    )


def slo_impact(facts: Facts) -> Measure:
    """Return the share of the error budget that this incident consumed, in percent."""
    own = facts.slo_impact is not None
    value = facts.slo_impact if own else facts.budget_consumed
    return Measure(
        name="slo_impact",
        label="SLO Impact",
        value=value,
        unit="%",
        definition="share of the SLO window's error budget consumed by this incident",
        source=f"stated: {'slo_impact' if own else 'budget_consumed'}",
        missing=_unless(value, "neither SLO impact nor consumed error budget is stated"),
    )


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
        source="stated: date" if facts.date else f"timeline: {STEPS['start']}",
        missing=missing if day else f"neither the date nor a time for {STEPS['start']} is known",
    )


def _unless(value: object, reason: str) -> str:
    """Return why a figure is unknown, or nothing when it is known."""
    return reason if value is None else ""


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
