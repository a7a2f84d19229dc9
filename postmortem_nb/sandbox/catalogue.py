"""What metrics there are: names, types and units, and the statistics that APM makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postmortem_nb.errors import QueryError
from postmortem_nb.sandbox.answers import Answer, Ask, Refused, listed, text
from postmortem_nb.sandbox.fleet import OPERATIONS
from postmortem_nb.sandbox.meters import METERS, tag_value

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS = (  # name, family, plural, short name
    ("second", "time", "seconds", "s"),
    ("millisecond", "time", "milliseconds", "ms"),
    ("percent", "percentage", "percent", "%"),
    ("request", "network", "requests", "req"),
    ("connection", "network", "connections", "conn"),
    ("error", "general", "errors", "err"),
    ("transaction", "db", "transactions", "txn"),
    ("dollar", "money", "dollars", "$"),
)
UNITS: dict[str, dict[str, Any]] = {
    name: {
        "family": family,
        "scale_factor": 0.001 if name == "millisecond" else 1.0,
        "name": name,
        "short_name": short,
        "plural": plural,
        "id": 11 + number,
    }
    for number, (name, family, plural, short) in enumerate(_UNITS)
}
"""Units as they stand in answers."""

STATS = {
    "hits": "sum:trace.{name}.hits{{{scope}}}{by}.as_count()",
    "hits_per_second": "sum:trace.{name}.hits{{{scope}}}{by}.as_rate()",
    "errors": "sum:trace.{name}.errors{{{scope}}}{by}.as_count()",
    "errors_per_second": "sum:trace.{name}.errors{{{scope}}}{by}.as_rate()",
    "latency_avg": "avg:trace.{name}{{{scope}}}{by}",
    "latency_max": "max:trace.{name}{{{scope}}}{by}",
    "latency_p50": "p50:trace.{name}{{{scope}}}{by}",
    "latency_p75": "p75:trace.{name}{{{scope}}}{by}",
    "latency_p90": "p90:trace.{name}{{{scope}}}{by}",
    "latency_p95": "p95:trace.{name}{{{scope}}}{by}",
    "latency_p99": "p99:trace.{name}{{{scope}}}{by}",
    "latency_p999": "p99.9:trace.{name}{{{scope}}}{by}",
    "total_time": "sum:trace.{name}{{{scope}}}{by}",
}
"""What the ``apm_metrics`` source's statistics are as metric queries."""


def apm(query: Mapping[str, Any]) -> str:
    """Return the metric query of an ``apm_metrics`` query."""
    stat, service = text(query.get("stat"), "stat"), text(query.get("service"), "service")
    if stat not in STATS or query.get("query_filter") or query.get("span_kind"):
        known = ", ".join(STATS)
        raise QueryError(f"apm_metrics: the sandbox has, without filters, {known}; got {stat!r}")
    usual = next((op.name for op in OPERATIONS if op.service == service), service)
    scope = [f"service:{tag_value(service)}"] if service else []
    if resource := text(query.get("resource_name"), "resource_name"):
        scope.append(f"resource_name:{tag_value(resource)}")
    by = ",".join(text(key, "group_by") for key in listed(query.get("group_by"), "group_by"))
    name = text(query.get("operation_name"), "operation_name") or usual
    grouping = f" by {{{by}}}" if by else ""
    return STATS[stat].format(name=name, scope=",".join(scope) or "*", by=grouping)


def metrics(ask: Ask) -> Answer:
    """Answer ``GET /api/v2/metrics``: names, a page at a time."""
    for param in ask.params:
        if param.startswith("filter["):
            raise QueryError(f"{param}: the sandbox lists all metrics, without filters")
    size = ask.number("page[size]", 10_000, (1, 10_000))
    first = ask.number("page[cursor]", 0, (0, len(METERS)))
    names = sorted(METERS)[first : first + size]
    after = str(first + size) if first + size < len(METERS) else None
    page = {"type": "cursor_limit", "cursor": ask.params.get("page[cursor]"), "limit": size}
    return Answer(
        {
            "data": [{"type": "metrics", "id": name} for name in names],
            "meta": {"pagination": page | {"next_cursor": after, "next_limit": size}},
        }
    )


def metadata(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/metrics/{name}``: type, unit, description."""
    meter = METERS.get(ask.parts["name"])
    if meter is None:
        raise Refused(404, f"Metric {ask.parts['name']} not found")
    return Answer(
        {
            "type": meter.type,
            "description": meter.about,
            "short_name": meter.name.split(".")[-1],
            "unit": meter.unit or None,
            "per_unit": meter.per or None,
            "statsd_interval": meter.every,
            "integration": None,
        }
    )
