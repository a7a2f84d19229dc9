"""The event rows: releases, alerts, scaling, the incident's own steps, and quiet days' routine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from postmortem_nb.sandbox.answers import opaque
from postmortem_nb.sandbox.monitors import MONITORS, Monitor
from postmortem_nb.sandbox.noise import salt
from postmortem_nb.sandbox.scenario import COMMANDER, FACTS, ON_CALL, at, epoch
from postmortem_nb.sandbox.table import Table, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    Row = tuple[datetime, dict[str, Any]]

PLAIN = {
    "service": "@service",
    "status": "@status",
    "host": "@hostname",
    "priority": "@priority",
    "title": "@title",
    "message": "message",
}
"""The reserved fields of events and where they stand; source and env are tags."""

_NOTICES: tuple[tuple[datetime, str, str, str, str], ...] = (
    (
        FACTS.deploy_started,
        "deployment",
        "checkout",
        "info",
        "Deploy of checkout v2.48.0 started|6 of 8 hosts; ap-southeast-2 follows tomorrow.",
    ),
    (
        FACTS.deployed,
        "deployment",
        "checkout",
        "success",
        "Deploy of checkout v2.48.0 finished|6 of 8 hosts. Payments client: shared configuration.",
    ),
    (
        FACTS.acknowledged,
        "incidents",
        "checkout",
        "error",
        f"{FACTS.incident_id} declared as SEV-1|{FACTS.title}. Commander: {COMMANDER.name}.",
    ),
    (
        FACTS.scaled,
        "kubernetes",
        "payments",
        "info",
        "Autoscaler: payments from 4 to 6 replicas|Queue depth over 800.",
    ),
    (
        at("14:35"),
        "kubernetes",
        "payments",
        "success",
        "payments: 6 of 6 replicas ready|payments-eu-05 and payments-us-06 take traffic.",
    ),
    (
        FACTS.escalated,
        "oncall",
        "payments",
        "warning",
        f"Page: payments on-call|Sent by {ON_CALL.name} for {FACTS.incident_id}.",
    ),
    (
        FACTS.rollback_started,
        "deployment",
        "checkout",
        "info",
        "Rollback of checkout to v2.47.3 started|Started by hand for INC-4821.",
    ),
    (
        FACTS.rolled_back,
        "deployment",
        "checkout",
        "success",
        "Rollback of checkout to v2.47.3 finished|8 of 8 hosts run v2.47.3.",
    ),
    (
        FACTS.resolved,
        "incidents",
        "checkout",
        "success",
        f"{FACTS.incident_id} resolved|Customer impact from 14:02 to 16:09 UTC.",
    ),
    (
        at("17:30"),
        "kubernetes",
        "payments",
        "info",
        "Autoscaler: payments from 6 to 4 replicas|Queue depth under 50 for 60 minutes.",
    ),
    (
        datetime(2025, 12, 2, 10, 23, tzinfo=UTC),
        "deployment",
        "checkout",
        "success",
        "Deploy of checkout v2.47.3 finished|8 of 8 hosts run v2.47.3.",
    ),
    (
        datetime(2025, 12, 9, 9, 40, tzinfo=UTC),
        "deployment",
        "payments",
        "success",
        "Deploy of payments v5.13.0 finished|4 of 4 hosts run v5.13.0.",
    ),
)
"""When, source, service, status, and title|message of what was announced."""


def table(seed: int) -> Table:
    """Return all events of a world."""
    rows = [*_announced(), *_alerts(), *_routine()]
    rows.sort(key=lambda row: row[0])
    numbered = [
        (epoch(moment) * 1000, values | _identity(seed, n))
        for n, (moment, values) in enumerate(rows)
    ]
    return Table([written(numbered)], PLAIN, ("message", "@title"))


def _identity(seed: int, number: int) -> dict[str, Any]:
    """Return the event's own id; the real ones are long decimal texts too."""
    return {"@evt.id": str(salt(seed, "event", number) >> 1)}


def _announced() -> Iterator[Row]:
    for moment, source, service, status, said in _NOTICES:
        yield moment, _event(source, service, status, said)


def _routine() -> Iterator[Row]:
    """Return what happens every day: backups, certificates, small releases of the web shop."""
    day, number = FACTS.baseline_start, 0
    while day < FACTS.baseline_end:
        said = "Backup of orders-db finished|Took 41 minutes."
        yield day + timedelta(hours=2, minutes=41), _event("postgres", "orders-db", "success", said)
        if number % 2 == 0:
            said = f"Deploy of web-storefront v118.{number // 2}.0 finished|3 of 3 hosts."
            row = _event("deployment", "web-storefront", "success", said)
            yield day + timedelta(hours=8, minutes=15 + number), row
        day, number = day + timedelta(days=1), number + 1


def _alerts() -> Iterator[Row]:
    """Return each monitor's alert and recovery."""
    for monitor in MONITORS:
        if monitor.fired and monitor.cleared:
            said = f"[Triggered] {monitor.name}|{monitor.message}"
            yield monitor.fired, _alert(monitor, "error", said)
            said = f"[Recovered] {monitor.name}|{monitor.name} is back under {monitor.critical:g}."
            yield monitor.cleared, _alert(monitor, "success", said)


def _alert(monitor: Monitor, status: str, said: str) -> dict[str, Any]:
    return _event("alert", monitor.service, status, said) | {
        "@evt.type": "query_alert_monitor",
        "@evt.name": monitor.name,
        "@priority": "normal",
        "@monitor.id": monitor.id,
        "@monitor.name": monitor.name,
        "@monitor.query": monitor.query,
        "@monitor.type": monitor.type,
        "@monitor.tags": monitor.tags,
        "@monitor_id": monitor.id,
        "@monitor_groups": ["*"],
    }


def _event(source: str, service: str, status: str, said: str) -> dict[str, Any]:
    """Return an event's values; ``said`` is title and message with a bar between."""
    title, message = said.split("|")
    key = opaque(title)[5:21]
    return {
        "message": message,
        "tags": [f"source:{source}", "env:prod", f"service:{service}", f"source:{source}"],
        "@title": title,
        "@status": status,
        "@service": service,
        "@hostname": "",
        "@priority": "normal",
        "@aggregation_key": key,
        "@event_object": key,
        "@source_type_name": source,
        "@evt.type": source,
        "@evt.source_id": 100,
    }
