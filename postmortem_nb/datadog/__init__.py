"""Questions to Datadog, or to the sandbox where no account is named."""

from postmortem_nb.datadog.queries import (
    analyze_datadog_logs,
    get_datadog_metric,
    get_datadog_revenue,
    get_datadog_slo,
    search_datadog_events,
    search_datadog_logs,
    search_datadog_spans,
)

__all__ = [
    "analyze_datadog_logs",
    "get_datadog_metric",
    "get_datadog_revenue",
    "get_datadog_slo",
    "search_datadog_events",
    "search_datadog_logs",
    "search_datadog_spans",
]
