"""The demo: the sandbox's incident, recorded, asked for, charted and written up, end to end.

The words are ``templates/demo.toml``; every figure in them is computed here from what the sandbox
answers to the same five functions that a user calls.
"""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from dataclasses import asdict, dataclass
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from postmortem_nb import budget, datadog, editions, losses, notebook, sandbox, times
from postmortem_nb.datadog import asking
from postmortem_nb.errors import BundleError, shown
from postmortem_nb.incident import Incident
from postmortem_nb.monitors import backtests
from postmortem_nb.sandbox.scenario import FACTS

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pandas as pd

ID = "INC-4821"
START = times.parse("2025-12-04T14:02:00Z")
DETECTED = times.parse("2025-12-04T14:19:40Z")
END = times.parse("2025-12-04T16:09:00Z")
WEEK = timedelta(days=7)
REVENUE = "sum:checkout.orders.value{*}.as_count()"
REGIONS = "sum:trace.checkout.request.errors{*} by {region}.as_count()"
URL = "POSTMORTEM_DATADOG_URL"
ACCOUNT = ("DD_API_KEY", "DD_APP_KEY", "DD_SITE", URL)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the demo's prose says in numbers; shares in %, latencies in seconds, money in $."""

    errors: int
    error_share: float
    error_base: float
    error_peak: float
    error_peak_at: str
    before_alert: float
    detect_minutes: float
    users: int
    users_share: float
    regions: str
    first_error_at: str
    p95_peak: float
    p95_base: float
    payments_ratio: float
    revenue_loss: float
    revenue_at_risk: float
    slo_target: float
    slo_actual: float
    slo_consumed: float
    slo_remaining: float


QUESTIONS = (
    (
        "users",
        "Users with and without failures",
        "search_datadog_logs",
        {
            "query": "service:checkout @usr.id:*",
            "extra_fields": ["usr.id", "region"],
            "limit": 100_000,
        },
    ),
    ("failures", "Failed requests by region", "get_datadog_metric", {"queries": [REGIONS]}),
    (
        "revenue",
        "Revenue beside the same hours of four other weeks",
        "get_datadog_revenue",
        {"metric": REVENUE, "weeks": 4, "deferred": "6h"},
    ),
    ("slo", "The SLO by requests", "get_datadog_slo", {"slo_id": FACTS.slo_id}),
    ("slo_minutes", "The SLO by minutes", "get_datadog_slo", {"slo_id": FACTS.minutes_slo_id}),
)
"""What the demo asks for its impact, beyond the template's own questions: name, label, call."""


def run(out: Path) -> list[Path]:
    """Make the demo below ``out`` and return what was written, notebook first.

    The bundle of an earlier demo is refused, never overwritten; of one that is stopped nothing
    stays. Raises BundleError.
    """
    if _made_before(out):
        raise BundleError(
            f"{out / ID}: expected no bundle there yet, for example 'postmortem demo --out "
            f"{out}-2'; got an existing folder (remove it to make the demo again)"
        )
    # the demo never asks a real account, whatever the shell holds
    kept = {name: os.environ.pop(name) for name in ACCOUNT if name in os.environ}
    try:
        return _run(out)
    except BaseException:  # Ctrl-C too: half a demo would stand in the way of the next
        shutil.rmtree(out / ID, ignore_errors=True)
        raise
    finally:
        os.environ.update(kept)


def _made_before(out: Path) -> bool:
    """Return whether a demo is there; the folder around it is made. BundleError says why not."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        return (out / ID).exists()
    except (FileExistsError, NotADirectoryError):
        why = "a file is in the way"
    except OSError as failed:
        why = failed.strerror or type(failed).__name__
    except ValueError:
        why = "no path that a folder can have"
    raise BundleError(f"{shown(str(out))}: the demo cannot be made there: {why}")


def _run(out: Path) -> list[Path]:
    _say("asking the sandbox")
    incident = Incident.create(ID, out)
    fill(incident, figures())
    backtests.run(incident, told=_say)
    path = notebook.write(incident, more={"impact": [_cell(*each) for each in QUESTIONS]})
    os.environ[URL] = sandbox.running().url  # the kernel asks ours and need not make its own
    try:
        notebook.execute(path, told=lambda run, total: _say(f"running cell {run} of {total}"))
    finally:
        del os.environ[URL]
    _say("writing the document")
    written = [path, incident.path / "incident.jsonl"]
    for form in ("html", "markdown"):
        written += editions.export(incident.path, form)
    _say("")
    return written


def _cell(name: str, label: str, function: str, arguments: dict[str, Any]) -> tuple[str, str, str]:
    """Return the name, heading and text of a query cell over the incident's window."""
    window = {"from_": "{{INCIDENT_START}}", "to": "{{INCIDENT_END}}"}
    return name, label, asking.spelled(function, arguments | window)


def fill(incident: Incident, found: Figures) -> None:
    """Write the demo's story into an empty incident, with the figures in place."""
    story = tomllib.loads((files("postmortem_nb") / "templates" / "demo.toml").read_text("utf-8"))
    numbers = asdict(found)
    for name, value in story.pop("incident").items():
        incident.set(name, _worded(value, numbers))
    for table, rows in story.items():
        for row in rows:
            incident.add(table, **{name: _worded(value, numbers) for name, value in row.items()})


def _worded(value: Any, numbers: dict[str, Any]) -> Any:
    return value.format(**numbers) if isinstance(value, str) else value


def figures() -> Figures:
    """Ask the sandbox and compute every figure of the story."""
    hits, errors = (
        _counts(f"trace.checkout.request.{kind}", START, END) for kind in ("hits", "errors")
    )
    before = _counts("trace.checkout.request.errors", START, DETECTED)
    share = errors * 100 / hits
    base_errors, base_hits = (
        _counts(f"trace.checkout.request.{kind}", START - WEEK, END - WEEK).sum()
        for kind in ("errors", "hits")
    )
    logs = _users()
    objective = budget.read(datadog.get_datadog_slo(FACTS.slo_id, START, END))
    lost = losses.from_weeks(
        datadog.get_datadog_revenue(REVENUE, START, END, weeks=4, deferred="6h"), name="revenue"
    )
    assert objective is not None  # noqa: S101 - the sandbox has both
    assert lost is not None  # noqa: S101
    hours = (END - START).total_seconds() / 3600
    return Figures(
        errors=int(errors.sum()),
        error_share=float(errors.sum() / hits.sum() * 100),
        error_base=float(base_errors / base_hits * 100),
        error_peak=float(share.max()),
        error_peak_at=f"{share.idxmax():%H:%M}",
        before_alert=float(before.sum() / errors.sum() * 100),
        detect_minutes=(DETECTED - START).total_seconds() / 60,
        users=logs["users"],
        users_share=round(logs["users"] / logs["active"] * 100, 1),
        regions=logs["regions"],
        first_error_at=logs["first"],
        p95_peak=_p95(START, END),
        p95_base=_p95(START - WEEK, END - WEEK),
        payments_ratio=_payments_ratio(),
        revenue_loss=round(lost.value, -2),
        revenue_at_risk=round(lost.value * 24 / hours, -3),
        slo_target=objective.target or 0.0,
        slo_actual=round(objective.status or 0.0, 3),
        slo_consumed=round(budget.consumed(objective, [(START, END)]).consumed, 1),
        slo_remaining=round(budget.left(objective), 1),
    )


def _counts(metric: str, start: datetime, end: datetime) -> pd.Series[float]:
    """Return a count metric by minute, indexed by time."""
    frame = datadog.get_datadog_metric(
        queries=[f"sum:{metric}{{*}}.as_count().rollup(sum, 60)"], from_=start, to=end
    )
    return frame.set_index("timestamp")["value"].astype(float)


def _p95(start: datetime, end: datetime) -> float:
    """Return the highest 95th percentile of checkout's latency by minute, in seconds."""
    frame = datadog.get_datadog_metric(
        queries=["p95:trace.checkout.request{*}.rollup(60)"], from_=start, to=end
    )
    return float(frame["value"].max())


def _payments_ratio() -> float:
    """Return calls to payments from detection to the rollback over those of a week earlier."""
    window = (times.parse("2025-12-04T14:30:00Z"), times.parse("2025-12-04T15:20:00Z"))
    now, usual = (
        _counts("trace.payments.request.hits", *(moment - back for moment in window)).sum()
        for back in (timedelta(0), WEEK)
    )
    return float(now / usual)


def _users() -> dict[str, Any]:
    """Return users with an error, users active, regions, and when the first error was."""
    failed = datadog.search_datadog_logs(
        "service:checkout status:error",
        START,
        END,
        extra_fields=["usr.id", "region", "error.kind"],
        limit=100_000,
    )
    seen = datadog.search_datadog_logs(
        "service:checkout @usr.id:*",
        START,
        END,
        extra_fields=["usr.id"],
        limit=100_000,
    )
    users = set(failed["usr.id"].dropna())
    starved = failed[failed["error.kind"] == "PoolTimeout"]
    return {
        "users": len(users),
        "active": int(seen["usr.id"].nunique()),
        "regions": ", ".join(sorted(starved["region"].dropna().astype(str).unique())),
        "first": f"{starved['timestamp'].min():%H:%M:%S}",
    }


def _say(line: str) -> None:
    """Tell a person at a terminal what goes on, on one line that is written over."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{line}")
        sys.stderr.flush()
