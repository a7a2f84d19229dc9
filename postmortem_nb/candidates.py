"""From evidence to timeline: a row of an answer becomes a step, with the evidence named.

Any row can be taken by hand (``incident.add_to_timeline(errors, 3)``). What nobody should have to
look for is *offered*: alerts, deployments and other events around the incident, the first failure
in logs and spans, and the peak of each metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from postmortem_nb import evidence, kinds, times
from postmortem_nb.errors import BadValue, expected

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from postmortem_nb.incident import Incident

DISCOVERY = "Key Discovery"
DETECTION = "Detection"
BEFORE = timedelta(hours=2)
"""How long before impact start an event may have to do with it."""

MOST = 12
"""Candidates offered for one answer; the rest are in its frame."""

_SOURCES = {
    "search_datadog_logs": "Datadog logs",
    "search_datadog_spans": "Datadog traces",
    "search_datadog_events": "Datadog events",
    "get_datadog_metric": "Datadog metrics",
    "analyze_datadog_logs": "Datadog logs, by SQL",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A step that the timeline could have: when, which step, its columns, and a line about it."""

    time: datetime
    step: str
    says: str
    columns: dict[str, str]


def of(frame: pd.DataFrame, row: object) -> Candidate:
    """Return the step that one row of an answer makes; ``row`` is a label of its index.

    Raises BadValue where there is no such row, or none with a time.
    """
    if row not in frame.index:
        raise BadValue(expected("row", "a label of the frame's index", example="0", came=row))
    place: Any = row
    values = frame.loc[place]
    if "timestamp" not in frame.columns or kinds.is_missing(values["timestamp"]):
        raise BadValue("row: it has no time; add it by hand with incident.add('timeline', …)")
    return _candidate(values.to_dict(), frame.attrs.get("evidence", {}))


def peak(frame: pd.DataFrame, query: str | None = None) -> Candidate:
    """Return the step of the highest value of a metric, of one query or of all.

    Raises BadValue for a frame that holds no value.
    """
    chosen = frame if query is None else frame[frame["query"] == query]
    values = chosen["value"].dropna() if "value" in chosen.columns else chosen.iloc[:0, 0]
    if values.empty:
        raise BadValue(
            expected("frame", "a metric with values", example="get_datadog_metric(…)", came="none")
        )
    return of(frame, values.idxmax())


def offered(incident: Incident) -> list[Candidate]:
    """Return what the frozen evidence offers and the timeline lacks, in order of time."""
    taken = {(row["time"], row.get("evidence")) for row in incident.values("timeline")}
    found: list[Candidate] = []
    for record in evidence.listing(incident.path / "evidence"):
        frame = evidence.thaw(incident.path / "evidence", str(record["name"]))
        found += _around(incident, _noted(frame))[:MOST]
    times_taken = {time for time, _ in taken}
    return sorted(
        (one for one in found if one.time not in times_taken), key=lambda one: (one.time, one.says)
    )


def add(incident: Incident, found: Candidate) -> str:
    """Put a candidate into the timeline and return the new row's id."""
    return incident.add("timeline", step=found.step, time=found.time, **found.columns)


def _noted(frame: pd.DataFrame) -> list[Candidate]:
    """Return what is worth noting in an answer, by what it holds."""
    function = frame.attrs.get("evidence", {}).get("function", "")
    if frame.empty or "timestamp" not in frame.columns:
        return []
    if function == "get_datadog_metric":
        names = [str(name) for name in frame["query"].unique()]
        held = [name for name in names if frame.loc[frame["query"] == name, "value"].notna().any()]
        return [peak(frame, name) for name in held]
    timed = frame.dropna(subset=["timestamp"])
    if function == "search_datadog_events":
        return [of(timed, row) for row in timed.index]
    failed = timed[timed["status"] == "error"] if "status" in timed.columns else timed.iloc[:0]
    return [of(failed, failed["timestamp"].idxmin())] if len(failed) else []


def _around(incident: Incident, found: list[Candidate]) -> list[Candidate]:
    """Return the candidates from two hours before impact start to impact end."""
    start, end = incident.window()
    return [
        one
        for one in found
        if (start is None or one.time >= start - BEFORE) and (end is None or one.time <= end)
    ]


def _candidate(values: dict[str, Any], record: dict[str, Any]) -> Candidate:
    time = times.parse(values["timestamp"].to_pydatetime())
    says = _says(values)
    if _is_alert(values):
        columns = {"detection_method": "Monitor Alert", "detected_by": says}
        return Candidate(time, DETECTION, says, columns)
    source = _SOURCES.get(str(record.get("function")), "Datadog")
    columns = {"finding": says, "evidence": _reference(values, record), "data_source": source}
    return Candidate(time, DISCOVERY, says, columns)


def _is_alert(values: dict[str, Any]) -> bool:
    """Return whether an event tells that a monitor fired; its title begins so in Datadog."""
    return values.get("source") == "alert" and str(values.get("title", "")).startswith("[Triggered")


def _reference(values: dict[str, Any], record: dict[str, Any]) -> str:
    """Return where to find the row again: the evidence's name and the row's own id."""
    name = str(record.get("name") or "")
    ids = [str(values[key]) for key in ("id", "series") if not kinds.is_missing(values.get(key))]
    return " ".join(part for part in (name, *(f"({one})" for one in ids[:1])) if part)


def _says(values: dict[str, Any]) -> str:
    """Return the row in words: an analysis' own, a title, a message, or a metric's value."""
    if "value" in values and "query" in values and "says" not in values:
        unit = values.get("unit")
        amount = f"{float(values['value']):,.4g}"
        return f"{values['query']}: peak {amount}" + ("" if kinds.is_missing(unit) else f" {unit}")
    for name in ("says", "title", "message", "error.message", "resource_name"):
        if not kinds.is_missing(values.get(name)):
            return str(values[name]).strip().splitlines()[0][:300]
    return ", ".join(f"{name} {value}" for name, value in values.items() if name != "timestamp")
