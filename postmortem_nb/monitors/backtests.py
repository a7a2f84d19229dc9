"""Back-tests: each proposed monitor's queries asked over incident and baseline, frozen, thawed.

The answers are frozen beside the notebook as ``backtest_<row>``, so that a document tells the same
without asking anybody. A threshold may be changed and tried again on the same answers; a changed
query has to be asked.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from postmortem_nb import bundle, evidence, text, times
from postmortem_nb.datadog import expression
from postmortem_nb.errors import BadValue, BundleError, PostmortemError, expected
from postmortem_nb.incident import Incident
from postmortem_nb.monitors import logcount, reading
from postmortem_nb.monitors.tried import MINUTE, SECOND, Spans, Tried, step_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import pandas as pd

    from postmortem_nb.monitors.reading import Monitor

    Row = Mapping[str, Any]
    Answers = Callable[[Row, Monitor, Spans], pd.DataFrame]

TABLE = "monitors"
BASELINE = "7d"
LONGEST = timedelta(days=90)
AFTER = timedelta(minutes=30)
"""What is pulled after the impact's end at least, so that a chart shows the recovery."""

METRICS, LOGS = "get_datadog_metric", "analyze_datadog_logs"
"""What is asked for a monitor on metrics, and for one that counts logs."""


@dataclass(frozen=True, slots=True)
class BackTest:
    """One proposed monitor and its back-test; ``reason`` says why there is none."""

    number: int
    row: str
    name: str
    monitor: Monitor | None = None
    tried: Tried | None = None
    reason: str = ""


def evidence_name(row: str) -> str:
    """Return the name of the evidence of a row."""
    return f"backtest_{re.sub(r'[^A-Za-z0-9]', '_', row)}"[:100]


def rows(incident: Incident) -> list[dict[str, Any]]:
    """Return the proposed monitors that say anything, as stored, in their order."""
    if TABLE not in incident.template.tables:
        return []
    found = Incident.values(incident, TABLE)  # unmasked: a query is compared with what was asked
    return [row for row in found if any(v is not None for name, v in row.items() if name != "row")]


def run(
    incident: Incident,
    baseline: object = None,
    *,
    refresh: bool = False,
    told: Callable[[str], object] = lambda _: None,
) -> list[BackTest]:
    """Return the back-test of each proposed monitor, what is not frozen yet asked and frozen.

    ``baseline`` None is the one that was asked for before, `BASELINE` the first time. Raises
    BadValue for a baseline that is no length of time.
    """
    length = _remembered(incident) if baseline is None else _length(baseline)

    def answers(row: Row, monitor: Monitor, spans: Spans) -> pd.DataFrame:
        told(f"asking for the metrics of {text.visible(row.get('name') or monitor.source)}")
        return _asked(incident, row, monitor, _question(monitor, spans, length), refresh=refresh)

    return [*_tested(incident, rows(incident), answers)]


def frozen(incident: Incident) -> list[BackTest]:
    """Return the back-tests from frozen answers alone.

    Where nothing was back-tested, those that cannot be: why is told in any case.
    """
    listed = rows(incident)
    is_tried = any(_frozen(incident, row).is_file() for row in listed)

    def answers(row: Row, monitor: Monitor, spans: Spans) -> pd.DataFrame:
        return _thawed(incident, row, monitor, spans)

    found = [*_tested(incident, listed, answers)]
    return found if is_tried else [each for each in found if reading.CANNOT in each.reason]


def spans_of(incident: Incident) -> Spans:
    """Return the moments of an incident. Raises BadValue while its start is not known."""
    start, end = Incident.window(incident)
    if start is None:
        raise BadValue(
            "the timeline has no time for 'Incident Start' yet: there is no incident to try it on"
        )
    detected = dict(Incident.milestones(incident)).get("detected")
    if end is not None and end > start:
        return Spans(start, end, detected, is_over=True)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return Spans(start, max(now, start + MINUTE), detected, is_over=False)


def _tested(incident: Incident, listed: Iterable[Row], answers: Answers) -> Iterable[BackTest]:
    """Yield a back-test for each row; one that cannot be made says why."""
    for number, row in enumerate(listed, 1):
        monitor, tried, reason = None, None, ""
        try:
            monitor = reading.read(row.get("query"), row.get("threshold"))
            spans = spans_of(incident)
            tried = Tried(monitor, spans, answers(row, monitor, spans)).checked()
        except PostmortemError as error:
            reason = " · ".join(str(error).split("\n"))
        yield BackTest(number, str(row["row"]), str(row.get("name") or ""), monitor, tried, reason)


def _frozen(incident: Incident, row: Row) -> Path:
    """Return where the record of a row's frozen answer is, if there is one."""
    return incident.path / bundle.EVIDENCE / f"{evidence_name(str(row['row']))}.json"


def _remembered(incident: Incident) -> timedelta:
    """Return the longest baseline of the frozen answers, so that a rerun asks nobody."""
    start, folder = Incident.window(incident)[0], incident.path / bundle.EVIDENCE
    known = []
    for row in rows(incident):
        if start is None or not _frozen(incident, row).is_file():
            continue
        with suppress(PostmortemError):
            monitor = reading.read(row.get("query"), row.get("threshold"))
            record = evidence.thaw(folder, evidence_name(str(row["row"]))).attrs["evidence"]
            known.append(start - times.parse(record["from"]) - monitor.reach)
    fits = [length for length in known if MINUTE <= length <= LONGEST]
    return max(fits, default=_length(BASELINE))


def _length(baseline: object) -> timedelta:
    length = baseline if isinstance(baseline, timedelta) else times.span(baseline, name="baseline")
    if not MINUTE <= length <= LONGEST:
        raise BadValue(expected("baseline", "1 minute to 90 days", example="7d", came=baseline))
    return length


def _question(monitor: Monitor, spans: Spans, length: timedelta) -> dict[str, Any]:
    """Return what is asked: the queries from a window before the baseline to after the end."""
    after = max(monitor.window, AFTER) if spans.is_over else timedelta()
    end = _floor(spans.end + after) + MINUTE
    if monitor.search is not None:
        most = logcount.ROWS * MINUTE - (end - spans.start) - monitor.window - MINUTE
        length = min(length, max(most - most % timedelta(days=1), MINUTE))
    window = {"from_": _floor(spans.start - length - monitor.reach), "to": end}
    if monitor.search is not None:
        return monitor.search.arguments() | window
    queries = expression.queries(monitor.node)
    return {"queries": queries, "interval": f"{step_of(monitor) // SECOND}s", **window}


def _asked(
    incident: Incident, row: Row, monitor: Monitor, asked: dict[str, Any], *, refresh: bool
) -> pd.DataFrame:
    """Return the answers to a monitor's queries, frozen; those of the same question are kept."""
    folder, name = incident.path / bundle.EVIDENCE, evidence_name(str(row["row"]))
    function = METRICS if monitor.search is None else LOGS
    queries = import_module("postmortem_nb.datadog.queries")
    given = queries.given(function, asked)
    question = import_module("postmortem_nb.datadog.asking").question(function, given)
    if refresh or not evidence.holds(folder, name, question=question):
        frame = queries.run(function, asked)
        evidence.freeze(folder, name, frame, frame.attrs["evidence"])
    return _points(monitor, evidence.thaw(folder, name))


def _points(monitor: Monitor, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the points of an answer, of a count of logs too."""
    if monitor.search is None:
        return frame
    return logcount.points(frame, expression.queries(monitor.node)[0], monitor.search.by)


def _thawed(incident: Incident, row: Row, monitor: Monitor, spans: Spans) -> pd.DataFrame:
    """Return the frozen answers of a row. Raises BundleError where they answer something else."""
    folder, name = incident.path / bundle.EVIDENCE, evidence_name(str(row["row"]))
    if not _frozen(incident, row).is_file():
        raise BundleError("not back-tested yet: run 'postmortem backtest'")
    frame = evidence.thaw(folder, name)
    record = frame.attrs["evidence"]
    begun, ended = times.parse(record.get("from")), times.parse(record.get("to"))
    fits = _answers(record, monitor)
    reaches = ended >= spans.end or not spans.is_over
    if not (fits and begun + monitor.reach < spans.start < ended and reaches):
        raise BundleError("changed since it was back-tested: run 'postmortem backtest' again")
    return _points(monitor, frame)


def _answers(record: Mapping[str, Any], monitor: Monitor) -> bool:
    """Return whether a frozen answer is one to a monitor's questions."""
    arguments = record.get("arguments")
    known = arguments if isinstance(arguments, dict) else {}
    if monitor.search is not None:
        asked = monitor.search.arguments()
        return all(known.get(name) == value for name, value in asked.items())
    queries = known.get("queries")
    return isinstance(queries, list) and set(expression.queries(monitor.node)) <= set(queries)


def _floor(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
