"""Frames as the five functions answer them, for tests and benchmarks of charts."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

FROM, TO = "2025-12-04T13:02:00Z", "2025-12-04T17:09:00Z"


def at(hour, minute=0, second=0):
    return datetime(2025, 12, 4, hour, minute, second, tzinfo=UTC)


WINDOW = (at(14, 2), at(16, 9))
MILESTONES = [
    ("Detected", at(14, 19, 40)),
    ("Acknowledged", at(14, 24)),
    ("Mitigated", at(15, 31)),
    ("Recovered", at(16, 9)),
]
STEPS = [
    ("Detection", "Incident Start", at(14, 2)),
    ("Detection", "Detection", at(14, 19, 40)),
    ("Detection", "Acknowledgment", at(14, 24)),
    ("Investigation", "Investigation Begins", at(14, 26)),
    ("Investigation", "Escalation", at(14, 38)),
    ("Investigation", "Key Discovery", at(14, 47)),
    ("Investigation", "Key Discovery", at(15, 5)),
    ("Investigation", "Root Cause Identified", at(15, 12)),
    ("Mitigation", "Mitigation Plan Formed", at(15, 18)),
    ("Mitigation", "Mitigation Deployed", at(15, 26)),
    ("Mitigation", "Partial Recovery", at(15, 38)),
    ("Mitigation", "Full Recovery", at(16, 9)),
    ("Post-Incident", "Monitoring", at(16, 10)),
    ("Post-Incident", "Incident Declared Resolved", at(17, 5)),
]
ROWS = [{"phase": phase, "step": step, "time": time} for phase, step, time in STEPS]


def evidence(function, **facts):
    return {"function": function, "from": FROM, "to": TO, "complete": True, "partial": ""} | facts


def metric(count=1, query="avg:trace.checkout.request.duration{*} by {host}", unit="second"):
    """Return ``count`` series of a value a minute, deterministic, with a gap in the first."""
    times = pd.date_range(FROM, TO, freq="60s").as_unit("us")
    wave = 0.2 + 0.1 * np.sin(np.arange(times.size) / 9)
    names = ["*"] if count == 1 else [f"host:ip-10-0-{n // 8}-{100 + 7 * n}" for n in range(count)]
    frame = pd.DataFrame(
        {
            "timestamp": np.tile(times, count),
            "query": query,
            "series": np.repeat(names, times.size),
            "value": np.concatenate([wave * (1 + n / 3) for n in range(count)]),
            "unit": unit,
        }
    ).astype({"query": "string", "series": "string", "value": "Float64", "unit": "string"})
    frame["timestamp"] = frame["timestamp"].astype("datetime64[us, UTC]")
    frame.loc[60:74, "value"] = pd.NA
    frame.attrs["evidence"] = evidence("get_datadog_metric")
    return frame


def logs(count=900, **facts):
    """Return logs spread evenly over the window: every fifth an error, every seventh a warning."""
    times = pd.date_range(FROM, TO, periods=count + 2).as_unit("us")[1:-1]
    number = np.arange(count)
    status = np.where(number % 5 == 0, "error", np.where(number % 7 == 0, "warn", "info"))
    frame = pd.DataFrame(
        {
            "timestamp": times,
            "status": pd.array(status, dtype="string"),
            "service": pd.array(np.where(number % 3, "checkout", "payments"), dtype="string"),
            "host": "h",
            "message": "PoolTimeout",
            "tags": [["env:prod", f"version:2.{n % 2}"] for n in number],
            "id": [f"id-{n}" for n in number],
        }
    )
    frame.attrs["evidence"] = evidence("search_datadog_logs", **facts)
    return frame


def spans(count=300):
    frame = logs(count)
    number = np.arange(count)
    failed = frame["status"].eq("error")
    frame = frame.assign(
        status=np.where(failed, "error", "ok"),
        duration=pd.to_timedelta((20 + number % 90) * np.where(failed, 20, 1), unit="ms"),
        trace_id=[str(n) for n in number],
        span_id=[str(n) for n in number],
    )
    frame.attrs["evidence"] = evidence("search_datadog_spans")
    return frame


def events(titles):
    times = pd.date_range(FROM, TO, periods=len(titles) + 2).as_unit("us")[1:-1]
    frame = pd.DataFrame(
        {
            "timestamp": times,
            "title": pd.Series(titles, dtype=object),
            "message": "",
            "source": "github",
            "status": ["error" if n % 6 == 1 else "info" for n in range(len(titles))],
        }
    )
    frame.attrs["evidence"] = evidence("search_datadog_events")
    return frame


def sql(**columns):
    frame = pd.DataFrame(columns)
    frame.attrs["evidence"] = evidence("analyze_datadog_logs")
    return frame
