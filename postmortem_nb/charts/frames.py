"""What a frame holds, found from its evidence or columns, made ready to draw and to tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.captions import label
from postmortem_nb.charts import answers, clock, counts, series, stage, waterfall, weeks
from postmortem_nb.charts.answers import Shape
from postmortem_nb.charts.counts import Counts
from postmortem_nb.errors import BadValue, expected

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from postmortem_nb.budget import Spending
    from postmortem_nb.charts.look import Look
    from postmortem_nb.charts.series import Group
    from postmortem_nb.charts.stage import View

BY_FUNCTION = {
    "search_datadog_logs": "logs",
    "search_datadog_spans": "spans",
    "search_datadog_events": "events",
    "get_datadog_metric": "metric",
    "analyze_datadog_logs": "sql",
    "get_datadog_slo": "slo",
    "get_datadog_revenue": "revenue",
}
# In this order, for frames without evidence: the columns that give a frame away.
BY_COLUMNS = (
    ("slo", {"timestamp", "scope", "bad", "valid", "slo", "target"}),
    ("revenue", {"timestamp", "week", "part", "value"}),
    ("metric", {"timestamp", "query", "series", "value"}),
    ("spans", {"timestamp", "duration", "trace_id"}),
    ("events", {"timestamp", "title", "source"}),
    ("logs", {"timestamp", "status", "message"}),
)


NO_SHAPE = Shape((), (), ())
NO_COUNTS = Counts("", "", 1.0, 0.0, ())


@dataclass(frozen=True, slots=True)
class Answer:
    """A frame, how to look at it, and what it holds.

    ``holds`` is one of nothing, lines, counts, spans, events, number, bars, budget, table; the
    part of that name is filled.
    """

    frame: pd.DataFrame
    view: View
    holds: str
    groups: tuple[Group, ...] = ()
    counts: Counts = NO_COUNTS
    shape: Shape = NO_SHAPE
    budget: Spending | None = None


def read(frame: pd.DataFrame, look: Look) -> Answer:
    """Return what a frame holds; raises BadValue where ``look.by`` names nothing in it."""
    facts = _facts(frame)
    kind = _kind(frame, facts)
    if kind == "sql":
        return _sql(frame, look, facts)
    if kind in ("slo", "revenue"):
        return _business(frame, look, facts, kind)
    view = _view(frame, look, facts, rows=kind != "metric")
    if not len(frame) or not np.isfinite(clock.seconds(frame["timestamp"])).any():
        return Answer(frame, view, "nothing")
    if kind == "metric":
        return _metric(frame, view)
    if kind == "events" and not look.by and look.kind != "bar":
        return Answer(frame, view, "events")
    counted = counts.count(frame, view, kind.capitalize(), look.by or _split(frame))
    plain = kind == "spans" and look.kind != "bar"
    return Answer(frame, view, "spans" if plain else "counts", counts=counted)


def _facts(frame: pd.DataFrame) -> Mapping[str, object]:
    facts = frame.attrs.get("evidence")
    return facts if isinstance(facts, dict) else {}


def _kind(frame: pd.DataFrame, facts: Mapping[str, object]) -> str:
    columns = set(frame.columns)
    told = BY_FUNCTION.get(str(facts.get("function", "")))
    needed = dict(BY_COLUMNS)
    if told is not None and needed.get(told, set()) <= columns | {"message", "trace_id", "source"}:
        return told
    return next((kind for kind, names in BY_COLUMNS if names <= columns), "sql")


def _view(frame: pd.DataFrame, look: Look, facts: Mapping[str, object], *, rows: bool) -> View:
    at = clock.seconds(frame["timestamp"])
    span = clock.extent(at, facts)
    there = at[np.isfinite(at)]
    known = None
    if rows and there.size and not facts.get("complete", True):
        known = _known(clock.Span(float(there.min()), float(there.max())), span, facts)
    return stage.View(look, span, facts, known)


def _known(rows: clock.Span, span: clock.Span, facts: Mapping[str, object]) -> clock.Span:
    """Return the stretch that an incomplete answer covers.

    Where rows came in order of time until there were enough, all before the last is known.
    """
    asked = facts.get("arguments")
    order = asked.get("sort") if isinstance(asked, dict) else None
    if facts.get("partial") != "limit reached" or facts.get("warnings"):
        return rows
    if order == "timestamp":
        return clock.Span(min(span.start, rows.start), rows.end)
    return clock.Span(rows.start, max(span.end, rows.end)) if order == "-timestamp" else rows


def _split(frame: pd.DataFrame) -> str:
    """Return the column that rows are told apart by: the first of these that is there."""
    return next((name for name in ("status", "service", "source") if name in frame), "timestamp")


def _metric(frame: pd.DataFrame, view: View) -> Answer:
    if view.look.by:
        series.refuse(frame["series"].unique(), view.look.by)
    found = series.groups(frame, view.look.unit, view.look.by)
    some = any(np.isfinite(line.y).any() for group in found for line in group.lines)
    return Answer(frame, view, "lines" if some else "nothing", groups=found)


def _business(frame: pd.DataFrame, look: Look, facts: Mapping[str, object], kind: str) -> Answer:
    """Return the budget by phase, or what was bad or earned over time, as lines."""
    spent = waterfall.read(frame, look) if kind == "slo" else None
    even = weeks.bad(frame) if kind == "slo" else weeks.side_by_side(frame)
    view = _view(even, look, facts, rows=False)
    if not len(even):
        return Answer(frame, view, "nothing")
    if spent:
        return Answer(frame, view, "budget", budget=spent)
    found = _metric(even, view)
    seen = [series.against(group, weeks.OWN, weeks.OTHERS) for group in found.groups]
    return replace(found, groups=tuple(seen))


def _grouped(frame: pd.DataFrame, look: Look) -> Look:
    """Return how to look at an answer of SQL, which groups by its own columns; else BadValue."""
    if look.by not in frame.columns:
        columns = [label(name, 30) for name in frame.columns[:12]]
        known = f"a column of the answer ({', '.join(columns)})"
        raise BadValue(expected("by", known, example=columns[0], came=look.by))
    return replace(look, by=None)


def _sql(frame: pd.DataFrame, look: Look, facts: Mapping[str, object]) -> Answer:
    found = answers.shape(frame)
    if look.by:
        look = _grouped(frame, look)
    view = stage.View(look, clock.extent(np.zeros(0), facts), facts)
    if not len(frame):
        return Answer(frame, view, "nothing")
    if not found.numbers or (found.names and len(frame) < 2 and found.times):
        return Answer(frame, view, "table", shape=found)
    if found.times and len(frame) > 1:
        even = answers.tidy(frame, found)
        return _metric(even, _view(even, look, facts, rows=False))
    if found.names:
        return Answer(frame, view, "bars", shape=found)
    return Answer(frame, view, "number" if len(frame) == 1 else "table", shape=found)
