"""A checked SELECT as DuckDB runs it best: the same answer, written for its engine.

Several percentiles of one column are asked at once, for each would collect the column anew. Where
the rows were handed over with codes for a column's texts (``sqlrows``), distinct texts are counted
by code, and groups are made by code and named afterwards. Functions of DDSQL that estimate become
exact ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

CODE = "#"
"""What stands after a column's name in the name of its codes."""

_RENAMED = {"approx_percentile": "quantile_cont", "percentile": "quantile_cont"}
_QUANTILES = {exp.PercentileCont: "quantile_cont", exp.PercentileDisc: "quantile_disc"}


@dataclass(frozen=True, slots=True)
class Codes:
    """Which columns of the rows have a column of codes beside them.

    ``counted`` may be counted by code; ``kinds`` are those of few kinds, with what each code means.
    """

    counted: frozenset[str] = frozenset()
    kinds: Mapping[str, list[str | None]] = field(default_factory=dict)


NO_CODES = Codes()


def written(tree: exp.Expr, codes: Codes = NO_CODES) -> str:
    """Return a checked tree as the text that DuckDB runs over rows with these codes."""
    own = tree.transform(_renamed)
    for like in list(own.find_all(exp.Like, exp.ILike)):
        _escape(like)
    for select in list(own.find_all(exp.Select)):
        _fuse(select)
        if _of_logs(select):
            _count_by_code(select, codes.counted)
            _group_by_code(select, codes.kinds)
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


def _escape(like: exp.Expr) -> None:
    """Say that a backslash makes a wildcard plain, as PostgreSQL has it unless told otherwise."""
    plain = isinstance(like.expression, exp.Literal) and "\\" not in like.expression.name
    if not plain and not isinstance(like.parent, exp.Escape):
        like.replace(exp.Escape(this=like.copy(), expression=exp.Literal.string("\\")))


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
            at = exp.Literal.number(shares.index(call.this.this.name) + 1)
            call.replace(exp.Anonymous(this="list_extract", expressions=[whole, at]))


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


def _count_by_code(select: exp.Select, counted: Collection[str]) -> None:
    for column in _counted(select):
        if column.name in counted:
            column.replace(_code(column.name))


def _group_by_code(select: exp.Select, kinds: Mapping[str, list[str | None]]) -> None:
    """Group by codes where a key is a plain column of few kinds, and write its texts afterwards."""
    group = select.args.get("group")
    if group is None or set(group.args) - {"expressions"} or select.find(exp.Window):
        return
    names = set()
    for key in group.expressions:
        column = _keyed(select, key)
        if column is not None and column.name in kinds:
            names.add(column.name)
            key.replace(_code(column.name))
    if names:
        _name_groups(select, {name: kinds[name] for name in names})


def _keyed(select: exp.Select, key: exp.Expr) -> exp.Column | None:
    """Return the column that a key of GROUP BY is, by its name or by the place of a result."""
    if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.name) <= len(select.expressions):
        key = select.expressions[int(key.name) - 1].unalias()
    return key if isinstance(key, exp.Column) else None


def _name_groups(select: exp.Select, kinds: Mapping[str, list[str | None]]) -> None:
    """Write the texts of codes wherever a grouped column stands outside an aggregate."""
    clauses = [select.args[name] for name in ("having", "order") if select.args.get(name)]
    for part in [*select.expressions, *clauses]:
        for column in list(part.find_all(exp.Column)):
            if column.name not in kinds or column.find_ancestor(exp.AggFunc, exp.WithinGroup):
                continue
            texts = [
                exp.Literal.string(text) if text is not None else exp.Null()
                for text in kinds[column.name]
            ]
            place = exp.Add(this=_code(column.name), expression=exp.Literal.number(1))
            listed = exp.Array(expressions=texts)
            named = exp.Anonymous(this="list_extract", expressions=[listed, place])
            bare = column.parent is select and column in select.expressions
            column.replace(exp.alias_(named, column.name, quoted=True) if bare else named)


def _code(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name + CODE, quoted=True))
