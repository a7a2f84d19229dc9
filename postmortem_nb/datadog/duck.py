"""A checked SELECT as DuckDB runs it best: the same answer, written for its engine.

Several percentiles of one column are asked at once, for each would collect the column anew.
Distinct texts are counted by their codes, where the rows were handed over with codes (``sqlrows``).
Functions of DDSQL that estimate become exact ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Collection

CODE = "#"
"""What stands after a column's name in the name of its codes."""

_RENAMED = {"approx_percentile": "quantile_cont", "percentile": "quantile_cont"}
_QUANTILES = {exp.PercentileCont: "quantile_cont", exp.PercentileDisc: "quantile_disc"}


def written(tree: exp.Expr, coded: Collection[str] = ()) -> str:
    """Return a checked tree as the text that DuckDB runs; ``coded`` are columns with codes."""
    own = tree.transform(_renamed)
    for select in list(own.find_all(exp.Select)):
        _fuse(select)
        if coded and _of_logs(select):
            _by_code(select, coded)
    return own.sql("duckdb", identify=True)


def distinct(tree: exp.Expr) -> set[str]:
    """Return the columns of ``logs`` whose distinct values a SELECT counts."""
    selects = [select for select in tree.find_all(exp.Select) if _of_logs(select)]
    return {column.name for select in selects for column in _counted(select)}


def _renamed(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Anonymous) and node.name.lower() in _RENAMED:
        return exp.Anonymous(this=_RENAMED[node.name.lower()], expressions=node.expressions)
    if isinstance(node, exp.ApproxDistinct):
        return exp.Count(this=exp.Distinct(expressions=[node.this]))
    return node


def _fuse(select: exp.Select) -> None:
    """Ask the percentiles of one column in one list, and take each from it."""
    groups: dict[str, list[exp.WithinGroup]] = {}
    for call in select.find_all(exp.WithinGroup):
        if call.parent_select is select and _plain(call):
            words = f"{type(call.this).__name__} {_operand(call).sql()}"
            groups.setdefault(words, []).append(call)
    for calls in groups.values():
        shares = list(dict.fromkeys(call.this.this.name for call in calls))
        if len(shares) < 2:
            continue
        name = _QUANTILES[type(calls[0].this)]
        listed = exp.Array(expressions=[exp.Literal.number(share) for share in shares])
        for call in calls:
            whole = exp.Anonymous(this=name, expressions=[_operand(call).copy(), listed.copy()])
            at = exp.Literal.number(shares.index(call.this.this.name))
            call.replace(exp.Bracket(this=whole, expressions=[at]))


def _plain(call: exp.WithinGroup) -> bool:
    """Return whether a percentile is a stated share of one rising order, without a filter."""
    order = call.expression.expressions if isinstance(call.expression, exp.Order) else []
    rising = len(order) == 1 and not order[0].args.get("desc")
    stated = type(call.this) in _QUANTILES and isinstance(call.this.this, exp.Literal)
    return rising and stated and not isinstance(call.parent, (exp.Filter, exp.Window))


def _operand(call: exp.WithinGroup) -> exp.Expr:
    ordered: exp.Expr = call.expression.expressions[0].this
    return ordered


def _of_logs(select: exp.Select) -> bool:
    """Return whether a SELECT reads the table ``logs`` itself, and it alone."""
    tables = [source for source in select.find_all(exp.Table) if source.parent_select is select]
    inner = select.find(exp.Join, exp.Subquery, exp.CTE)
    return len(tables) == 1 and tables[0].name.lower() == "logs" and inner is None


def _counted(select: exp.Select) -> list[exp.Column]:
    """Return the columns in ``count(DISTINCT column)``."""
    return [
        call.this.expressions[0]
        for call in select.find_all(exp.Count)
        if isinstance(call.this, exp.Distinct)
        and len(call.this.expressions) == 1
        and isinstance(call.this.expressions[0], exp.Column)
    ]


def _by_code(select: exp.Select, coded: Collection[str]) -> None:
    for column in _counted(select):
        if column.name in coded:
            column.set("this", exp.to_identifier(column.name + CODE, quoted=True))
