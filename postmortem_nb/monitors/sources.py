"""Where a back-test's answers come from: asked and frozen, or thawed as they were frozen.

Each proposed monitor's answers are ``backtest_<row>``. Of a composite that is the definitions of
the monitors that are in Datadog already, and ``backtest_<row>_<id>`` the answers to their queries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from postmortem_nb import bundle, evidence, text, times
from postmortem_nb.datadog import expression
from postmortem_nb.errors import BundleError, QueryError
from postmortem_nb.monitors import definitions, logcount
from postmortem_nb.monitors.outcome import MINUTE, SECOND, Spans
from postmortem_nb.monitors.tried import step_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from postmortem_nb.monitors.composites import Composite
    from postmortem_nb.monitors.reading import Monitor

AFTER = timedelta(minutes=30)
"""What is pulled after the impact's end at least, so that a chart shows the recovery."""

LONGEST_OPEN = timedelta(days=90)
"""For how long an incident is tried up to the moment of asking: after that its end is missing."""

METRICS, LOGS = "get_datadog_metric", "analyze_datadog_logs"
"""What is asked for a monitor on metrics, and for one that counts logs."""


class Source(Protocol):
    """Gives the answers that a back-test stands on, each under the name of its evidence."""

    def points(self, name: str, title: str, monitor: Monitor, spans: Spans) -> pd.DataFrame:
        """Return the points of a monitor's queries."""

    def definitions(self, name: str, composite: Composite, spans: Spans) -> pd.DataFrame:
        """Return the definitions of a composite's monitors that are in Datadog."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Answers that are asked for and frozen; those of the same question are kept."""

    folder: Path
    baseline: timedelta
    refresh: bool
    told: Callable[[str], object]
    done: set[str] = field(default_factory=set)
    """What was asked for already: a monitor of the table may be one of composites too."""

    def points(self, name: str, title: str, monitor: Monitor, spans: Spans) -> pd.DataFrame:
        """Return the points of a monitor's queries."""
        if name in self.done:
            return _points(monitor, evidence.thaw(self.folder, name))
        self.told(f"asking for the metrics of {text.visible(title or monitor.source)}")
        asked = _question(monitor, spans, self.baseline)
        function = METRICS if monitor.search is None else LOGS
        queries = import_module("postmortem_nb.datadog.queries")
        given = queries.given(function, asked)
        question = import_module("postmortem_nb.datadog.asking").question(function, given)
        if self.refresh or not evidence.holds(self.folder, name, question=question):
            frame = queries.run(function, asked)
            evidence.freeze(self.folder, name, frame, frame.attrs["evidence"])
        self.done.add(name)
        return _points(monitor, evidence.thaw(self.folder, name))

    def definitions(self, name: str, composite: Composite, spans: Spans) -> pd.DataFrame:
        """Return the definitions of a composite's monitors that are in Datadog."""
        self.told(f"asking for the monitors of {text.visible(composite.query())}")
        window = (_floor(spans.start - self.baseline), _until(spans, AFTER))
        question = definitions.question(composite.ids, *window)
        if self.refresh or not self._is_whole(name, question):
            frame = definitions.ask(composite.ids, *window)
            evidence.freeze(self.folder, name, frame, frame.attrs["evidence"])
        return evidence.thaw(self.folder, name)

    def _is_whole(self, name: str, question: str) -> bool:
        """Return whether the answer is there; one that lacks a monitor is asked for again."""
        if not evidence.holds(self.folder, name, question=question):
            return False
        return bool(evidence.thaw(self.folder, name).attrs["evidence"].get("complete"))


@dataclass(frozen=True, slots=True)
class Frozen:
    """Answers as they were frozen. Raises BundleError where they answer something else."""

    folder: Path

    def points(self, name: str, title: str, monitor: Monitor, spans: Spans) -> pd.DataFrame:  # noqa: ARG002 - as Source has it
        """Return the points of a monitor's queries."""
        frame = self._thawed(name)
        record = frame.attrs["evidence"]
        begun, ended = times.parse(record.get("from")), times.parse(record.get("to"))
        reaches = ended >= spans.end or not spans.is_over
        holds = begun + monitor.reach < spans.start < ended and reaches
        if not (holds and _answers(record, monitor)):
            raise _changed()
        return _points(monitor, frame)

    def definitions(self, name: str, composite: Composite, spans: Spans) -> pd.DataFrame:  # noqa: ARG002
        """Return the definitions of a composite's monitors that are in Datadog."""
        frame = self._thawed(name)
        whole = set(definitions.COLUMNS) <= set(frame.columns)
        if not whole or not set(composite.ids) <= {str(each) for each in frame["id"]}:
            raise _changed()
        return frame

    def _thawed(self, name: str) -> pd.DataFrame:
        if not record_path(self.folder, name).is_file():
            raise BundleError("not back-tested yet: run 'postmortem backtest'")
        return evidence.thaw(self.folder, name)


def folder(path: Path) -> Path:
    """Return where a bundle keeps its evidence."""
    return path / bundle.EVIDENCE


def record_path(where: Path, name: str) -> Path:
    """Return where the record of a frozen answer is, if there is one."""
    return where / f"{name}.json"


def evidence_name(row: str, constituent: str = "") -> str:
    """Return the name of the evidence of a row, or of one monitor of its composite."""
    whole = f"{row}_{constituent}" if constituent else row
    return evidence.BACKTEST + re.sub(r"[^A-Za-z0-9_]", "_", whole)[: 100 - len(evidence.BACKTEST)]


def _question(monitor: Monitor, spans: Spans, length: timedelta) -> dict[str, Any]:
    """Return what is asked: the queries from a window before the baseline to after the end.

    Raises QueryError for an incident that has been open for longer than `LONGEST_OPEN`.
    """
    if not spans.is_over and spans.end - spans.start > LONGEST_OPEN:
        days = (spans.end - spans.start) // timedelta(days=1)
        raise QueryError(
            "the timeline has no time for 'Full Recovery' after 'Incident Start', and up to now it "
            f"would be {days:,} days: say when it was over"
        )
    end = _until(spans, max(monitor.window, AFTER))
    if monitor.search is not None:
        most = logcount.ROWS * MINUTE - (end - spans.start) - monitor.window - MINUTE
        length = min(length, max(most - most % timedelta(days=1), MINUTE))
    window = {"from_": _floor(spans.start - length - monitor.reach), "to": end}
    if monitor.search is not None:
        return monitor.search.arguments() | window
    queries = expression.queries(monitor.node)
    return {"queries": queries, "interval": f"{step_of(monitor) // SECOND}s", **window}


def _until(spans: Spans, after: timedelta) -> datetime:
    """Return the end of what is asked for."""
    return _floor(spans.end + (after if spans.is_over else timedelta())) + MINUTE


def _points(monitor: Monitor, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the points of an answer, of a count of logs too."""
    if monitor.search is None:
        return frame
    return logcount.points(frame, expression.queries(monitor.node)[0], monitor.search.by)


def _answers(record: Mapping[str, Any], monitor: Monitor) -> bool:
    """Return whether a frozen answer is one to a monitor's questions."""
    arguments = record.get("arguments")
    known = arguments if isinstance(arguments, dict) else {}
    if monitor.search is not None:
        asked = monitor.search.arguments()
        return all(known.get(name) == value for name, value in asked.items())
    queries = known.get("queries")
    return isinstance(queries, list) and set(expression.queries(monitor.node)) <= set(queries)


def _changed() -> BundleError:
    return BundleError("changed since it was back-tested: run 'postmortem backtest' again")


def _floor(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
