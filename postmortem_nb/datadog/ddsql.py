"""SQL by Datadog itself, where the organisation has it: the DDSQL endpoint over ``dd.logs``.

Telemetry tables in DDSQL are a preview that many organisations lack
(https://docs.datadoghq.com/ddsql_reference/). Whatever it refuses is answered in another way; that
it is not there is remembered for the connection.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp
from sqlglot.dialects.postgres import Postgres

from postmortem_nb import times
from postmortem_nb.datadog import answers, arrays, asking
from postmortem_nb.datadog.failures import Failed

if TYPE_CHECKING:
    from postmortem_nb.datadog.asking import Asking
    from postmortem_nb.datadog.sql import Plan

MOST_ROWS = 10_000
"""Rows that DDSQL returns at most; it says nothing when there are more."""
LONGEST = 30.0
"""Seconds that a running query is asked for its result."""

_TYPES = {"BIGINT": "BIGINT", "DOUBLE": "DECIMAL", "BOOLEAN": "BOOLEAN", "TIMESTAMP": "TIMESTAMP"}
_ARROW = {"BIGINT": pa.int64(), "DECIMAL": pa.float64(), "BOOLEAN": pa.bool_()}
_TIERS = {"indexes": "hot", "flex": "flex_tier"}
_OF_TAGS = frozenset(("tags", "env", "version"))  # its reference names no such columns of logs
_MARK = "logs_go_here"
_LACKING = ("preview", "not enabled", "non-existent dataset", "feature", "not available")


def answer(asked: Asking, plan: Plan, limit: int) -> pa.Table | None:
    """Return the result as a table of at most ``limit + 1`` rows; None where DDSQL has none."""
    connection = asked.connection
    indexes = asking.texts(asked.function, "indexes", asked.arguments["indexes"])
    tier = _TIERS.get(str(asked.arguments["storage_tier"]))
    if "sql" in connection.lacks or tier is None or indexes != ["*"] or _unsure(plan):
        return None
    try:
        found = asked.ask("sql", _read, body=_body(asked, plan, limit))
        return _table(_finished(asked, found), plan)
    except Failed as failed:
        said = failed.said.lower()
        if failed.status in (401, 403, 404, 405, 501) or any(word in said for word in _LACKING):
            connection.lacks.add("sql")
        return None


def written(plan: Plan, words: str, tier: str) -> str:
    """Return the SELECT over ``dd.logs``: the columns it reads by safe names, the filter quoted."""
    names = [*(plan.core or ("timestamp",)), *(f"@{path}" for path in plan.paths)]
    columns = ", ".join(_literal(name) for name in names)
    types = ", ".join(f"c{at} {_type(name, plan)}" for at, name in enumerate(names))
    inner = ", ".join(f'c{at} AS "{_escaped(name)}"' for at, name in enumerate(names))
    source = (
        f"(SELECT {inner} FROM dd.logs(columns => ARRAY[{columns}], "
        f"filter => {_literal(words)}, storage => {_literal(tier)}) AS ({types}))"
    )
    tree = plan.tree.copy()
    for node in reversed(list(tree.walk())):  # what stands inside first
        adapted = _adapted(node)
        if adapted is not node:
            node.replace(adapted)
    return tree.sql(_Dialect).replace(_MARK, source)


class _Dialect(Postgres):
    """PostgreSQL's, but for nulls in a falling order: where they stand is always said."""

    NULL_ORDERING = "nulls_are_last"


def _unsure(plan: Plan) -> bool:
    """Return whether DDSQL may answer something else than the other ways do."""
    tagged = not _OF_TAGS.isdisjoint(plan.core)
    return plan.untyped or tagged or any(map(_differs, plan.tree.walk()))


def _differs(node: exp.Expr) -> bool:
    """Return whether DDSQL reads something otherwise, or may: days of the week, results by place.

    Its ``dow`` runs from Monday, 1, to Sunday, 7.
    """
    if isinstance(node, exp.Extract):
        return "DAYOFWEEK" in node.name.upper() or "DOW" in node.name.upper()
    keys = node.expressions if isinstance(node, (exp.Group, exp.Order)) else ()
    places = (getattr(key, "this", key) if isinstance(key, exp.Ordered) else key for key in keys)
    outermost = not isinstance(node.parent, exp.Window)
    return outermost and any(isinstance(place, exp.Literal) for place in places)


def _adapted(node: exp.Expr) -> exp.Expr:
    """Return a part of a SELECT in the words that the reference of DDSQL has.

    The table ``logs`` gets a name that is then replaced, and the alias it had. A quotient is made
    of decimals: of whole numbers, as everywhere here, it keeps its fraction.
    """
    if isinstance(node, exp.Ordered) and isinstance(node.this, exp.Count):
        node.set("nulls_first", False)  # a count is never null
    if isinstance(node, exp.Div) and not isinstance(node.this, exp.Cast):
        return exp.Div(this=exp.cast(node.this, "DECIMAL"), expression=node.expression)
    if isinstance(node, exp.RegexpLike):
        return exp.Anonymous(this="REGEXP_LIKE", expressions=[node.this, node.expression])
    if isinstance(node, exp.TimestampTrunc):
        unit = exp.Literal.string(str(node.args["unit"]).strip("'").lower())
        return exp.Anonymous(this="DATE_TRUNC", expressions=[unit, node.this])
    if isinstance(node, exp.Table) and node.name.lower() == "logs":
        return exp.alias_(exp.to_table(_MARK), node.alias or "logs", table=True)
    return node


def _body(asked: Asking, plan: Plan, limit: int) -> dict[str, Any]:
    words = str(asked.arguments["filter"]).strip() or "*"
    tier = _TIERS[asked.arguments["storage_tier"]]
    window = {
        "from_timestamp": times.ms(asked.start),
        "to_timestamp": times.ms(asked.end, up=True),
    }
    attributes = {
        "query": written(plan, words, tier),
        "row_limit": min(limit + 1, MOST_ROWS),
        "time": window,
    }
    return {"data": {"type": "ddsql_query_request", "attributes": attributes}}


def _read(body: bytes) -> dict[str, Any]:
    found = answers.whole(body)
    data = found.get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    if not isinstance(attributes, dict):
        raise answers.unusable(found)
    return attributes


def _finished(asked: Asking, found: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of the finished query, asked for until it is."""
    end = time.monotonic() + LONGEST
    while found.get("state") == "running":
        if time.monotonic() > end:
            raise Failed("timed out")
        time.sleep(0.5)
        asked.teller.waits("DDSQL")
        attributes = {"query_id": found.get("query_id")}
        body = {"data": {"type": "ddsql_query_fetch_request", "attributes": attributes}}
        found = asked.ask("sql fetch", _read, body=body)
    return found


def _table(found: dict[str, Any], plan: Plan) -> pa.Table:
    """Return the columns of an answer, in the order and by the names of the SELECT."""
    columns = found.get("columns")
    if not isinstance(columns, list) or found.get("warnings") or found.get("state") != "completed":
        raise Failed("an answer without columns")
    try:
        made = [_column(column["type"], column["values"]) for column in columns]
        names = [column["name"] for column in columns]
        stated = plan.tree.named_selects
        same = len(stated) == len(names) and "*" not in stated
        return pa.table(made, names=list(stated) if same else names)
    except (pa.ArrowException, LookupError, TypeError, ValueError, OverflowError):
        raise Failed("an answer that does not fit itself") from None


def _column(kind: str, values: list[Any]) -> pa.Array:
    """Return a column, every value of the type that it is said to have."""
    if kind in ("TIMESTAMP", "DATE"):
        return pa.array(values, pa.int64()).cast(pa.timestamp("ms", "UTC")).cast(arrays.TIME)
    if kind in ("JSON", "VARCHAR"):
        return pa.array(values, pa.string())
    if kind in _ARROW:
        return pa.array(values, _ARROW[kind])
    notes = arrays.Notes()
    fitted = arrays.fitting(values, notes)
    return fitted if isinstance(fitted, pa.Array) else arrays.strings(values, notes, kind)


def _type(name: str, plan: Plan) -> str:
    if name == "timestamp":
        return "TIMESTAMP"
    return _TYPES.get(plan.types.get(name, ""), "VARCHAR")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(name: str) -> str:
    return name.replace('"', '""')
