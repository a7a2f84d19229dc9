"""The metric question: asked of ``/api/v2/query/timeseries``, or of v1 where there is no v2.

Each query is named ``query0``, ``query1`` … and returned by a formula of its own unless formulas
are given, so that an answer's index always says which it belongs to.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from postmortem_nb import times
from postmortem_nb.datadog import asking, metrics
from postmortem_nb.datadog.failures import Failed
from postmortem_nb.errors import QueryError, expected

if TYPE_CHECKING:
    import pandas as pd

    from postmortem_nb.datadog.asking import Asking


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


def _lines(
    asked: Asking, queries: list[str], formulas: list[str]
) -> tuple[list[metrics.Series], str]:
    """Return the series of a question from v2, or from v1 where there is no v2."""
    connection = asked.connection
    if "metrics" not in connection.lacks:
        try:
            body = _timeseries(asked, queries, formulas)
            answer = connection.ask("metrics", metrics.read, waiting=asked.teller.waits, body=body)
            return metrics.lines(answer, formulas or queries, asked.notes), ""
        except Failed as failed:
            if failed.status not in (404, 405, 501) or formulas:
                raise
            connection.lacks.add("metrics")
    found: list[metrics.Series] = []
    for query in queries:
        try:
            answer = connection.ask(
                "metrics v1",
                metrics.read,
                waiting=asked.teller.waits,
                _from=times.seconds(asked.start),
                to=times.seconds(asked.end, up=True),
                query=query,
            )
        except Failed as failed:
            if not found:
                raise
            return found, f"{failed.fault} on query {query[:80]}"
        found += metrics.lines(answer, [query], asked.notes)
    return found, ""


def _timeseries(asked: Asking, queries: list[str], formulas: list[str]) -> dict[str, Any]:
    named = [
        {"name": f"query{at}", "data_source": "metrics", "query": query}
        for at, query in enumerate(queries)
    ]
    attributes: dict[str, Any] = {
        "from": times.ms(asked.start),
        "to": times.ms(asked.end, up=True),
        "queries": named,
        "formulas": [{"formula": words} for words in formulas or [q["name"] for q in named]],
    }
    interval = asked.arguments.get("interval")
    if interval is not None:
        attributes["interval"] = _interval(asked.function, interval)
    return {"data": {"type": "timeseries_request", "attributes": attributes}}


def _interval(function: str, value: Any) -> int:
    """Return a bucket's length in milliseconds, from milliseconds or from ``5m``."""
    label = f"{function}: interval"
    if isinstance(value, str) and not value.strip().isdigit():
        return round(times.span(value, name=label).total_seconds() * 1000)
    given = float(value) if isinstance(value, (str, int, float)) else math.nan
    number = int(given) if math.isfinite(given) else 0
    if number < 1000:
        raise QueryError(expected(label, "milliseconds, 1000 or more", example="'20s'", came=value))
    return number
