"""SQL that only counts: Datadog's aggregate endpoint counts, and the SELECT runs over its counts.

A SELECT whose aggregates are ``count(*)`` and ``count(DISTINCT facet)`` needs no rows, only how
many there are of each kind. They are asked for by the facets that the SELECT names, and by time
where it truncates ``timestamp``; then ``count(*)`` becomes the sum of those counts. They must add
up to the total that Datadog states, or nothing is made of them: the rows are pulled instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp

from postmortem_nb import times
from postmortem_nb.datadog import answers, searches, sql
from postmortem_nb.datadog.failures import Failed
from postmortem_nb.errors import BadValue

if TYPE_CHECKING:
    from postmortem_nb.datadog.asking import Asking
    from postmortem_nb.datadog.sql import Plan

FACETS = ("service", "status", "host", "source", "env", "version")
"""Columns of ``logs`` that are facets by the same name; attributes are where a type is declared."""
COUNT = "__count"

_MOST_GROUPS = 10_000  # of all facets together, as the endpoint allows
_MOST_FACETS = 3
_INTERVALS = {"SECOND": "1s", "MINUTE": "1m", "HOUR": "1h", "DAY": "1d"}


@dataclass(frozen=True, slots=True)
class Counting:
    """What to have counted: by which facets, and by which interval of time."""

    facets: tuple[str, ...]
    interval: str | None
    tree: exp.Expr
    types: dict[str, str]

    @property
    def most(self) -> int:
        """How many values of one facet may be asked for."""
        return int(_MOST_GROUPS ** (1 / max(1, len(self.facets))) + 1e-9)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the counts, without the count itself."""
        return (*self.facets, *(("timestamp",) if self.interval else ()))

    @property
    def view(self) -> str:
        """The statement that makes ``logs`` of the counts."""
        return sql.view([*self.columns, COUNT], self.types)


def counting(plan: Plan) -> Counting | None:
    """Return what answers a plan by counting alone; None where it needs the rows."""
    tree = plan.tree
    if not isinstance(tree, exp.Select) or not _only_counts(tree):
        return None
    declared = [f"@{path}" for path in plan.paths]
    if any(name not in plan.types or not plan.types[name] for name in declared):
        return None
    facets = (*(name for name in plan.core if name != "timestamp"), *declared)
    if len(facets) > _MOST_FACETS or any(
        name not in FACETS for name in plan.core if name != "timestamp"
    ):
        return None
    units = _truncated(tree)
    if units is None:
        return None
    finest = next((_INTERVALS[unit] for unit in _INTERVALS if unit in units), None)
    return Counting(facets, finest, tree.transform(_summed), plan.types)


def counts(asked: Asking, wanted: Counting) -> pa.Table | None:
    """Return the counts as a table; None where they are not to be had or do not add up."""
    try:
        total = _total(asked)
        if not wanted.facets and wanted.interval is None:
            return pa.table({COUNT: pa.array([total], pa.int64())})
        rows = _rows(_asked(asked, wanted), wanted)
    except (Failed, BadValue, LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    columns = wanted.columns
    lacking = total - sum(row[-1] for row in rows)
    if lacking:
        alone = len(columns) == 1 and columns[0] != "timestamp" and len(rows) < wanted.most
        if not alone or lacking < 0:
            return None
        rows.append((None, lacking))  # those without the facet, which no bucket counts
    kinds = [pa.timestamp("us") if name == "timestamp" else pa.string() for name in columns]
    values = list(zip(*rows, strict=True)) or [() for _ in [*columns, COUNT]]
    return pa.table(
        [pa.array(column, kind) for column, kind in zip(values, [*kinds, pa.int64()], strict=True)],
        names=[*columns, COUNT],
    )


def _only_counts(tree: exp.Select) -> bool:
    """Return whether a SELECT is one over ``logs`` alone whose aggregates only count."""
    if len(list(tree.find_all(exp.Table))) != 1 or len(list(tree.find_all(exp.Select))) != 1:
        return False
    if any(tree.find(kind) for kind in (exp.Window, exp.Anonymous, exp.Join, exp.Unnest)):
        return False
    found = list(tree.find_all(exp.AggFunc))
    return any(_counts_rows(call) for call in found) and all(
        _counts_rows(call) or _counts_values(call) for call in found
    )


def _counts_rows(call: exp.Expr) -> bool:
    return isinstance(call, exp.Count) and isinstance(call.this, exp.Star)


def _counts_values(call: exp.Expr) -> bool:
    return isinstance(call, exp.Count) and isinstance(call.this, exp.Distinct)


def _truncated(tree: exp.Select) -> set[str] | None:
    """Return the units that ``timestamp`` is truncated to; None where it is used otherwise."""
    units = set()
    for column in tree.find_all(exp.Column):
        if column.name.lower() != "timestamp":
            continue
        call = column.parent
        unit = str(call.args.get("unit") or "").upper().strip("'") if call else ""
        if not isinstance(call, (exp.TimestampTrunc, exp.DateTrunc)) or unit not in _INTERVALS:
            return None
        units.add(unit)
    return units


def _summed(node: exp.Expr) -> exp.Expr:
    """Return ``count(*)``, filtered or not, as the sum of the counts; anything else as it is."""
    some = isinstance(node, exp.Filter)
    if not _counts_rows(node.this if some else node):
        return node
    total: exp.Expr = exp.Sum(this=exp.column(COUNT))
    if some:
        total = exp.Filter(this=total, expression=node.expression.copy())
    whole = exp.cast(total, "BIGINT")
    return exp.Coalesce(this=whole, expressions=[exp.Literal.number(0)])


def _total(asked: Asking) -> int:
    buckets = _buckets(asked, {"compute": [{"aggregation": "count", "type": "total"}]})
    return int(buckets[0]["computes"]["c0"]) if buckets else 0


def _asked(asked: Asking, wanted: Counting) -> list[dict[str, Any]]:
    compute: dict[str, Any] = {"aggregation": "count", "type": "total"}
    if wanted.interval:
        compute |= {"type": "timeseries", "interval": wanted.interval}
    body: dict[str, Any] = {"compute": [compute]}
    if wanted.facets:
        body["group_by"] = [{"facet": name, "limit": wanted.most} for name in wanted.facets]
    return _buckets(asked, body)


def _buckets(asked: Asking, body: dict[str, Any]) -> list[dict[str, Any]]:
    search = searches.logs(asked, "filter", limit=1)
    where = search.body(1, "", search.bounds)["filter"]
    found = asked.ask("logs count", answers.whole, body={"filter": where, **body})
    if (found.get("meta") or {}).get("status") == "timeout":
        raise Failed("timed out")
    buckets: list[dict[str, Any]] = found["data"]["buckets"]
    return buckets


def _rows(buckets: list[dict[str, Any]], wanted: Counting) -> list[tuple[Any, ...]]:
    """Return a row a group, and a moment where time is counted: its values, then its count."""
    rows: list[tuple[Any, ...]] = []
    for bucket in buckets:
        group = tuple(str(bucket["by"][name]) for name in wanted.facets)
        found = bucket["computes"]["c0"]
        if not wanted.interval:
            rows.append((*group, int(found)))
            continue
        for point in found:
            moment = times.parse(point["time"]).replace(tzinfo=None)
            rows.append((*group, moment, int(point["value"])))
    return rows
