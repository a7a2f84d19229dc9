"""postmortem-nb: investigate an incident and write its blameless postmortem in one notebook.

Importing this package costs next to nothing; each name below is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from postmortem_nb.errors import PostmortemError

if TYPE_CHECKING:
    from postmortem_nb.analysis import change_points, log_patterns, over_represented
    from postmortem_nb.archive import Archive
    from postmortem_nb.datadog import (
        analyze_datadog_logs,
        get_datadog_metric,
        get_datadog_revenue,
        get_datadog_slo,
        search_datadog_events,
        search_datadog_logs,
        search_datadog_spans,
    )
    from postmortem_nb.incident import Incident
    from postmortem_nb.monitors.results import backtest

__all__ = [
    "Archive",
    "Incident",
    "PostmortemError",
    "analyze_datadog_logs",
    "backtest",
    "change_points",
    "get_datadog_metric",
    "get_datadog_revenue",
    "get_datadog_slo",
    "log_patterns",
    "over_represented",
    "search_datadog_events",
    "search_datadog_logs",
    "search_datadog_spans",
]
__version__ = "0.1.0"

_HOME = {
    "Archive": "postmortem_nb.archive",
    "Incident": "postmortem_nb.incident",
    "backtest": "postmortem_nb.monitors.results",
} | dict.fromkeys(
    (
        "analyze_datadog_logs",
        "get_datadog_metric",
        "get_datadog_revenue",
        "get_datadog_slo",
        "search_datadog_events",
        "search_datadog_logs",
        "search_datadog_spans",
    ),
    "postmortem_nb.datadog",
)
_HOME |= dict.fromkeys(
    ("change_points", "log_patterns", "over_represented"), "postmortem_nb.analysis"
)


def __getattr__(name: str) -> Any:
    """Return a public name, importing its module at first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'postmortem_nb' has no attribute '{name}'")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(ipython: Any) -> None:
    """Register ``%%datadog`` and ``%postmortem``: what ``%load_ext postmortem_nb`` calls."""
    import_module("postmortem_nb.magic").register(ipython)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Return where Jupyter's server finds the half of the "New postmortem" tile that is its own."""
    return [{"module": "postmortem_nb"}]


def _load_jupyter_server_extension(server: Any) -> None:
    import_module("postmortem_nb.launcher").load(server)
