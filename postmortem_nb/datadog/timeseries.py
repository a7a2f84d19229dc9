"""The metric question: asked of ``/api/v2/query/timeseries``, or of v1 where there is no v2.

Each query is named ``query0``, ``query1`` … and returned by a formula of its own unless formulas
are given, so that an answer's index always says which it belongs to.

Datadog enlarges an interval that gives too many points. So that the one asked for is kept, a long
window is asked in slices that begin where buckets do.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from postmortem_nb import times
from postmortem_nb.datadog import asking, metrics
from postmortem_nb.datadog.failures import Failed
from postmortem_nb.errors import QueryError, expected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import pandas as pd

    from postmortem_nb.datadog.asking import Asking

BUCKETS = 1440
"""Buckets of a slice: a day of minutes. Datadog gives up to 1,500 points a series."""

MOST_SLICES = 200


class Slice(NamedTuple):
    """A part of the window that is asked for at once."""

    start: datetime
    end: datetime


def answer(asked: Asking) -> pd.DataFrame:
    """Return the tidy frame of a metric question."""
    name, arguments = asked.function, asked.arguments
    queries = asking.texts(name, "queries", arguments["queries"])
    formulas = asking.texts(name, "formulas", arguments.get("formulas", []))
    if not queries or not all(query.strip() for query in queries):
        raise QueryError(
            expected(
                f"{name}: queries",
                "metric queries",
                example="['avg:system.load.1{*}']",
                came=queries,
            )
        )
    found, partial = _lines(asked, queries, formulas)
    frame = metrics.frame(found)
    asked.teller.came(len(frame))
    return asked.record(frame, partial=partial)


def points(asked: Asking, queries: list[str]) -> tuple[pd.DataFrame, str]:
    """Return the tidy frame of some queries over a question's window, and why it is partial."""
    found, partial = _lines(asked, queries, [])
    return metrics.frame(found), partial


def _lines(
    asked: Asking, queries: list[str], formulas: list[str]
) -> tuple[list[metrics.Series], str]:
    """Return the series of a question, and what is missing where a slice did not come."""
    step = _interval(asked.function, asked.arguments.get("interval"))
    slices = list(_slices(asked, step))
    found: list[list[metrics.Series]] = []
    for part in slices:
        try:
            lines, partial = _slice(asked, part, step, queries, formulas)
        except Failed as failed:
            if not any(found):
                raise
            partial, lines = failed.fault, []
        found.append(lines)
        if partial:
            since = f" from {times.shown(part.start)} on" if len(slices) > 1 else ""
            return metrics.joined(found), f"{partial}{since}"
    return metrics.joined(found), metrics.lost(asked.notes)


def _slices(asked: Asking, step: int | None) -> Iterator[Slice]:
    """Yield the slices of a window that keep an interval of ``step`` ms; the whole without one."""
    start, length = asked.start, asked.end - asked.start
    if step is None or step * BUCKETS >= length / timedelta(milliseconds=1):
        yield Slice(start, asked.end)
        return
    size = timedelta(milliseconds=step * BUCKETS)
    if length / size > MOST_SLICES:
        least = math.ceil(length / timedelta(seconds=BUCKETS * MOST_SLICES))
        raise QueryError(
            f"{asked.function}: interval: expected at most {BUCKETS * MOST_SLICES:,} points a "
            f"series, for example '{least}s' for this window; got {step / 1000:g} s"
        )
    while asked.end - start > size:
        begun = start - (start - times.EPOCH) % size
        yield Slice(start, begun + size)
        start = begun + size
    if start < asked.end:
        yield Slice(start, asked.end)


def _slice(
    asked: Asking, part: Slice, step: int | None, queries: list[str], formulas: list[str]
) -> tuple[list[metrics.Series], str]:
    """Return the series of a slice from v2, or from v1 where there is no v2."""
    connection = asked.connection
    if "metrics" not in connection.lacks:
        try:
            body = _timeseries(part, step, queries, formulas)
            answer = asked.ask("metrics", metrics.read, body=body)
            return metrics.lines(answer, formulas or queries, asked.notes), ""
        except Failed as failed:
            if failed.status not in (404, 405, 501) or formulas:
                raise
            connection.lacks.add("metrics")
    found: list[metrics.Series] = []
    for query in queries:
        try:
            answer = asked.ask(
                "metrics v1",
                metrics.read,
                _from=times.seconds(part.start),
                to=times.seconds(part.end, up=True),
                query=query,
            )
        except Failed as failed:
            if not found:
                raise
            return found, f"{failed.fault} on query {query[:80]}"
        found += metrics.lines(answer, [query], asked.notes)
    return found, ""


def _timeseries(
    part: Slice, step: int | None, queries: list[str], formulas: list[str]
) -> dict[str, Any]:
    named = [
        {"name": f"query{at}", "data_source": "metrics", "query": query}
        for at, query in enumerate(queries)
    ]
    attributes: dict[str, Any] = {
        "from": times.ms(part.start),
        "to": times.ms(part.end, up=True),
        "queries": named,
        "formulas": [{"formula": words} for words in formulas or [q["name"] for q in named]],
    }
    if step is not None:
        attributes["interval"] = step
    return {"data": {"type": "timeseries_request", "attributes": attributes}}


def _interval(function: str, value: Any) -> int | None:
    """Return a bucket's length in milliseconds, from milliseconds or from ``5m``."""
    if value is None:
        return None
    label = f"{function}: interval"
    if isinstance(value, str) and not value.strip().isdigit():
        return round(times.span(value, name=label).total_seconds() * 1000)
    given = float(value) if isinstance(value, (str, int, float)) else math.nan
    number = int(given) if math.isfinite(given) else 0
    if number < 1000:
        raise QueryError(expected(label, "milliseconds, 1000 or more", example="'20s'", came=value))
    return number
