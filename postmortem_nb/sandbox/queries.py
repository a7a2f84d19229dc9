"""The endpoints that evaluate metric queries: v1 query, v2 timeseries and scalar."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from postmortem_nb.errors import QueryError, shown
from postmortem_nb.sandbox import catalogue, evaluate, functions, metric
from postmortem_nb.sandbox.answers import (
    JSON_API,
    Answer,
    Ask,
    listed,
    mapping,
    one_of,
    text,
    whole,
)
from postmortem_nb.sandbox.evaluate import Grid, Line, grid
from postmortem_nb.sandbox.functions import Evaluation
from postmortem_nb.sandbox.metric import Binary, Call, Node, Number, Series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FINEST, USUAL_MOST = 1, 1500
"""Seconds of the shortest interval, and points of a series before the interval is enlarged."""

_EPOCHS = (0, 10**11)
_MILLISECONDS = (0, 10**14)


def first_version(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/query``: times in seconds, points in milliseconds."""
    span = (ask.number("from", -1, _EPOCHS), ask.number("to", -1, _EPOCHS))
    query = ask.params.get("query", "")
    found = []
    for index, node in enumerate(metric.parse(query)):
        over = grid(span, functions.interval([node]))
        found += [_v1_line(node, line, over, index) for line in _lines(ask, node, over, {})]
    by = dict.fromkeys(key for each in metric.parse(query) for key in _keys(each))
    return Answer(
        {
            "status": "ok",
            "res_type": "time_series",
            "resp_version": 1,
            "query": query,
            "from_date": span[0] * 1000,
            "to_date": span[1] * 1000,
            "series": found,
            "values": [],
            "times": [],
            "message": "",
            "group_by": list(by),
        }
    )


def _keys(node: Node) -> list[str]:
    return [key for series in functions.each_series(node) for key in series.by]


def _v1_line(node: Node, line: Line, over: Grid, index: int) -> dict[str, Any]:
    known = np.flatnonzero(~np.isnan(line.values))
    moments = (over.seconds[known] * 1000).tolist()
    points = [
        [when, value] for when, value in zip(moments, line.values[known].tolist(), strict=True)
    ]
    return {
        "unit": _unit(line),
        "query_index": index,
        "aggr": node.aggregator if isinstance(node, Series) else None,
        "metric": node.metric if isinstance(node, Series) else written(node),
        "display_name": node.metric if isinstance(node, Series) else written(node),
        "expression": written(node),
        "scope": ",".join(line.tags) or (node.scope_text if isinstance(node, Series) else "*"),
        "tag_set": list(line.tags),
        "interval": over.interval,
        "length": len(points),
        "start": moments[0] if moments else over.first * 1000,
        "end": (moments[-1] if moments else over.first * 1000) + over.interval * 1000 - 1,
        "pointlist": points,
        "attributes": {},
    }


def timeseries(ask: Ask) -> Answer:
    """Answer ``POST /api/v2/query/timeseries``: columns of values that share sparse times."""
    asked = _attributes(ask, "timeseries_request")
    span, named = _span(asked), _named(asked)
    step = _asked_interval(asked, span)
    told = []
    for index, (node, _) in enumerate(_formulas(asked, named)):
        own = functions.interval([node, *_used(node, named)])
        over = grid(span, own or step)
        told += [(index, line, over) for line in _lines(ask, node, over, named)]
    points = [
        dict(zip(over.seconds.tolist(), line.values.tolist(), strict=True))
        for _, line, over in told
    ]
    times = sorted({t for row in points for t, value in row.items() if not math.isnan(value)})
    return Answer(
        {
            "data": {
                "id": "0",
                "type": "timeseries_response",
                "attributes": {
                    "series": [
                        {"group_tags": list(line.tags), "query_index": index, "unit": _unit(line)}
                        for index, line, _ in told
                    ],
                    "times": [moment * 1000 for moment in times],
                    "values": [[_number(row.get(moment)) for moment in times] for row in points],
                },
            }
        },
        kind=JSON_API,
    )


def scalar(ask: Ask) -> Answer:
    """Answer ``POST /api/v2/query/scalar``: one number a group and formula, in columns."""
    asked = _attributes(ask, "scalar_request")
    span, named = _span(asked), _named(asked)
    once = Grid(span[0], span[1] - span[0], 1, *span)
    reduced = {
        name: _reduced(ask, node, query, span)
        for (name, node), query in zip(named.items(), asked["queries"], strict=True)
    }
    columns = []
    for node, spec in _formulas(asked, named):
        found = Evaluation(ask.seed, once, reduced).value(node)
        if isinstance(found, float):
            found = [Line((), np.array([found]))]
        columns.append((written(node), found, mapping(spec.get("limit"), "limit")))
    return Answer({"data": {"type": "scalar_response", "attributes": {"columns": _table(columns)}}})


def _reduced(ask: Ask, node: Node, query: Mapping[str, Any], span: tuple[int, int]) -> list[Line]:
    """Return a query's lines, each with one value: the window's."""
    known = ("avg", "min", "max", "sum", "last", "mean", "percentile", "l2norm", "area")
    method = one_of(query.get("aggregator"), "aggregator", known)
    if method == "percentile":
        if not (isinstance(node, Series) and (node.aggregator or "").startswith("p")):
            raise QueryError("aggregator percentile: expected a query such as p95:trace.x{*}")
        return _lines(ask, node, Grid(span[0], span[1] - span[0], 1, *span), {})
    over = grid(span, functions.interval([node]), partial=True)
    found = _lines(ask, node, over, {})
    return [_once(line, method, over) for line in found]


def _once(line: Line, method: str, over: Grid) -> Line:
    known = line.values[~np.isnan(line.values)]
    if not len(known):
        return Line(line.tags, np.array([np.nan]), line.unit, line.counted)
    made = {
        "min": known.min(),
        "max": known.max(),
        "sum": known.sum(),
        "last": known[-1],
        "l2norm": np.sqrt((known**2).sum()),
        "area": known.sum() * over.interval,
    }.get(method, known.mean())
    return Line(line.tags, np.array([made]), line.unit, line.counted)


def _table(columns: Sequence[tuple[str, list[Line], Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return columns of groups, then one of numbers a formula, all in one order of rows."""
    rows = list(dict.fromkeys(line.tags for _, lines, _ in columns for line in lines))
    values = [{line.tags: line for line in lines} for _, lines, _ in columns]
    for found, (_, _, limit) in zip(values, columns, strict=True):
        if limit:
            rows = [tags for tags in rows if tags in found]
            order = one_of(limit.get("order"), "limit.order", ("desc", "asc"))
            rows.sort(key=lambda tags: found[tags].values[0], reverse=order == "desc")
            rows = rows[: whole(limit.get("count", len(rows)), "limit.count", (0, 10**6))]
    keys = [tag.split(":", 1)[0] for tag in max(rows, key=len, default=())]
    table: list[dict[str, Any]] = [
        {
            "type": "group",
            "name": key,
            "values": [[tags[n].split(":", 1)[1]] if n < len(tags) else [] for tags in rows],
        }
        for n, key in enumerate(keys)
    ]
    for found, (name, lines, _) in zip(values, columns, strict=True):
        unit = _unit(lines[0]) if lines else None
        numbers = [_number(found[tags].values[0]) if tags in found else None for tags in rows]
        table.append({"type": "number", "name": name, "values": numbers, "meta": {"unit": unit}})
    return table


def _attributes(ask: Ask, kind: str) -> Mapping[str, Any]:
    """Return what stands in the JSON:API envelope; QueryError when it is another question."""
    data = mapping(mapping(ask.body, "body").get("data"), "data")
    one_of(data.get("type"), "data.type", (kind,))
    return mapping(data.get("attributes"), "data.attributes")


def _span(asked: Mapping[str, Any]) -> tuple[int, int]:
    """Return the half-open span in epoch seconds that a window in milliseconds covers."""
    low = whole(asked.get("from"), "from", _MILLISECONDS)
    high = whole(asked.get("to"), "to", _MILLISECONDS)
    return low // 1000, -(-high // 1000)


def _asked_interval(asked: Mapping[str, Any], span: tuple[int, int]) -> int | None:
    """Return the interval in seconds that was asked for, enlarged when it gives too many points."""
    if asked.get("interval") is None:
        return None
    step = max(-(-whole(asked["interval"], "interval", (1, 10**11)) // 1000), FINEST)
    if (span[1] - span[0]) / step <= USUAL_MOST:
        return step
    return next((s for s in evaluate.LADDER if (span[1] - span[0]) / s <= USUAL_MOST), 86_400)


def _named(asked: Mapping[str, Any]) -> dict[str, Node]:
    """Return the tree of each query by its name."""
    named = {}
    for number, query in enumerate(listed(asked.get("queries"), "queries")):
        found = mapping(query, f"queries[{number}]")
        name = text(found.get("name"), "name") or f"query{number}"
        if name in named:
            raise QueryError(f"queries: expected a name of its own for each; got {name!r} twice")
        if found.get("data_source") == "apm_metrics":
            named[name] = metric.formula(catalogue.apm(found))
        elif found.get("data_source") == "metrics":
            named[name] = metric.formula(text(found.get("query"), "query"))
        else:
            source = shown(found.get("data_source"))
            raise QueryError(f"data_source: the sandbox has metrics and apm_metrics; got {source}")
    if not named:
        raise QueryError("queries: expected at least one query; got none")
    return named


def _formulas(
    asked: Mapping[str, Any], named: Mapping[str, Node]
) -> list[tuple[Node, Mapping[str, Any]]]:
    """Return the tree of each formula with what stands beside it; the queries when none is."""
    specs = [mapping(spec, "formulas") for spec in listed(asked.get("formulas"), "formulas")]
    if not specs:
        return [(metric.Name(name), {}) for name in named]
    return [(metric.formula(text(spec.get("formula"), "formula")), spec) for spec in specs]


def _used(node: Node, named: Mapping[str, Node]) -> list[Node]:
    """Return the queries that a formula names."""
    if isinstance(node, metric.Name):
        return [named[node.name]] if node.name in named else []
    if isinstance(node, Binary):
        return _used(node.left, named) + _used(node.right, named)
    if isinstance(node, Call):
        return [found for part in node.arguments for found in _used(part, named)]
    return []


def _lines(ask: Ask, node: Node, over: Grid, named: Mapping[str, Node]) -> list[Line]:
    """Return a tree's lines; a lone number is a line of its own."""
    found = Evaluation(ask.seed, over, dict(named)).value(node)
    return [Line((), np.full(over.count, found))] if isinstance(found, float) else found


def written(node: Node) -> str:
    """Return a tree as text."""
    if isinstance(node, Series):
        return node.text
    if isinstance(node, Number):
        return f"{node.value:g}"
    if isinstance(node, Binary):
        return f"{_inner(node.left, node.sign)} {node.sign} {_inner(node.right, node.sign)}"
    if isinstance(node, Call):
        return f"{node.name}({', '.join(map(written, node.arguments))})"
    return node.name if isinstance(node, metric.Name) else f"'{node.value}'"


def _inner(node: Node, outer: str) -> str:
    weak = isinstance(node, Binary) and node.sign in "+-" and outer in "*/"
    return f"({written(node)})" if weak else written(node)


def _unit(line: Line) -> list[Any] | None:
    return evaluate.unit(line, catalogue.UNITS)


def _number(value: float | None) -> float | None:
    """Return a number as JSON has it: null for nothing, whole numbers without a fraction."""
    if value is None or math.isnan(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)
