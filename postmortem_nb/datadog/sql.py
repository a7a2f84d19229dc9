"""SQL over log rows: read and checked before anything of it is run.

The user writes PostgreSQL's dialect, as DDSQL is: one SELECT over the table ``logs``. The text is
parsed, checked and written anew from its tree, so nothing that was not understood is ever run.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from postmortem_nb.datadog import duck
from postmortem_nb.errors import QueryError, expected, shown

CORE = ("timestamp", "host", "service", "env", "version", "status", "message")
"""Columns that the table ``logs`` always has: those of Datadog's own tool."""
KNOWN = (*CORE, "id", "source", "trace_id", "tags")

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # what it cannot read is refused here

_LONGEST_TEXT = 100_000
_TYPES = {
    "varchar": "VARCHAR",
    "text": "VARCHAR",
    "string": "VARCHAR",
    "json": "VARCHAR",
    "bigint": "BIGINT",
    "int64": "BIGINT",
    "int": "BIGINT",
    "integer": "BIGINT",
    "float64": "DOUBLE",
    "double": "DOUBLE",
    "decimal": "DOUBLE",
    "float": "DOUBLE",
    "bool": "BOOLEAN",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A SELECT that was understood: its tree, and the columns of ``logs`` that it reads."""

    tree: exp.Query
    core: tuple[str, ...]
    paths: tuple[str, ...]
    types: dict[str, str]

    @property
    def query(self) -> str:
        """The SELECT as DuckDB reads it."""
        return duck.written(self.tree)

    @property
    def untyped(self) -> bool:
        """Whether the answer depends on the type of an attribute that was not declared."""
        declared = {name for name, kind in self.types.items() if kind}
        return any(
            column.name.startswith("@")
            and column.name not in declared
            and not isinstance(column.parent, exp.Distinct)
            for column in self.tree.find_all(exp.Column)
        )

    @property
    def view(self) -> str:
        """The statement that makes ``logs`` of the rows, with the declared types."""
        names = [*(self.core or ("id",)), *(f"@{path}" for path in self.paths)]
        return view(names, self.types)


def view(names: list[str], types: dict[str, str]) -> str:
    """Return the statement that makes ``logs`` of the rows handed over, with declared types."""
    columns = [_cast(name, types.get(name)) for name in names]
    return f"CREATE VIEW logs AS SELECT {', '.join(columns)} FROM rows"


def plan(sql_query: object, extra_columns: object = ()) -> Plan:
    """Return the plan of one SELECT over ``logs``; QueryError for anything else."""
    several = extra_columns if isinstance(extra_columns, (list, tuple, set)) else [extra_columns]
    types = dict(_declared(column) for column in several if column is not None)
    tree = _parsed(sql_query)
    _only_logs(tree)
    _name_results(tree)
    for select in list(tree.find_all(exp.Select)):
        _spell_out(select)
    core, paths = _columns(tree, types)
    return Plan(tree, core, paths, types)


def _parsed(sql_query: object) -> exp.Query:
    if not isinstance(sql_query, str) or not sql_query.strip() or len(sql_query) > _LONGEST_TEXT:
        raise QueryError(
            expected("sql_query", "one SELECT", example="SELECT count(*) FROM logs", came=sql_query)
        )
    try:
        found = [tree for tree in sqlglot.parse(sql_query, read="postgres") if tree is not None]
    except (SqlglotError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else "nested too deep"
        raise QueryError(f"sql_query cannot be read: {bare(first)}") from None
    tree = found[0] if len(found) == 1 else None
    if not isinstance(tree, exp.Query) or isinstance(tree, exp.Table):
        raise QueryError(
            expected("sql_query", "one SELECT", example="SELECT count(*) FROM logs", came=sql_query)
        )
    return tree


def _only_logs(tree: exp.Query) -> None:
    """Refuse every table but ``logs`` and the query's own, and whatever writes or locks."""
    own = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        plain = isinstance(table.this, exp.Identifier) and not table.db and not table.catalog
        if not plain or table.name.lower() not in own | {"logs"}:
            came = table.sql("postgres")[:100]
            raise QueryError(f"sql_query: there is one table, logs; got {shown(came)}")
    for kind in (exp.Into, exp.Lock, exp.Command, exp.DML, exp.DDL, exp.Placeholder, exp.Parameter):
        if found := next(
            (node for node in tree.find_all(kind) if not isinstance(node, exp.Query)), None
        ):
            raise QueryError(
                f"sql_query: {shown(found.sql('postgres')[:60])} is no part of a SELECT here"
            )


def _columns(tree: exp.Query, types: dict[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the core columns and the attribute paths that a SELECT reads, and name them in it."""
    aliases = {"logs"} | {
        node.alias_or_name.lower() for node in tree.find_all(exp.Table, exp.Subquery, exp.CTE)
    }
    core: dict[str, None] = {}
    paths: dict[str, None] = {}
    for column in list(tree.find_all(exp.Column)):
        parts = [part.name for part in column.parts]
        if len(parts) > 1 and parts[0].lower() not in aliases:
            # error.kind without quotes: an attribute, as the templates of teams have it
            column.replace(exp.column(exp.to_identifier(f"@{'.'.join(parts)}", quoted=True)))
            parts = [f"@{'.'.join(parts)}"]
        elif (declared := f"@{parts[-1]}") in types and _is_of_logs(column):
            _replaced(column, declared)
            parts = [declared]
        name = parts[-1]
        if name.startswith("@"):
            paths[name.removeprefix("@")] = None
        elif name.lower() in KNOWN:
            core[name.lower()] = None
    if any(_selects_all(star) for star in tree.find_all(exp.Star)):
        core |= dict.fromkeys(CORE)
        paths |= dict.fromkeys(name.removeprefix("@") for name in types if name.startswith("@"))
    return tuple(core), tuple(paths)


def _is_of_logs(column: exp.Column) -> bool:
    """Return whether a column that is no core one can only be meant of the table ``logs``."""
    select, name = column.parent_select, column.name.lower()
    if not isinstance(select, exp.Select):
        return False
    tables = [table for table in select.find_all(exp.Table) if table.parent_select is select]
    own = _source_columns(select)
    if own is None or name in own or "logs" not in [table.name.lower() for table in tables]:
        return False
    ordered = column.find_ancestor(exp.Order, exp.Select)
    return not isinstance(ordered, exp.Order) or name not in {
        result.alias.lower() for result in select.expressions
    }


def _replaced(column: exp.Column, declared: str) -> None:
    """Read a column that was declared without ``@`` as the attribute; it keeps its name."""
    meant = exp.column(exp.to_identifier(declared, quoted=True), table=column.args.get("table"))
    result = isinstance(column.parent, exp.Select) and column.arg_key == "expressions"
    column.replace(exp.alias_(meant, column.name, quoted=True) if result else meant)


def _name_results(tree: exp.Query) -> None:
    """Give results without a name the text they were written as: ``count(*)``, ``error.kind``."""
    if not isinstance(tree, exp.Select):
        return
    for result in tree.expressions:
        column = isinstance(result, exp.Column) and len(result.parts) == 1
        if not (column or result.is_star or isinstance(result, (exp.Alias, exp.Aliases))):
            written = result.sql("postgres", normalize_functions="lower")[:200]
            result.replace(exp.alias_(result.copy(), written, quoted=True))


def _spell_out(select: exp.Select) -> None:
    """Write what the names and places of results stand for, as not every engine takes them.

    As in PostgreSQL, a column of the source goes before a result of its name, but where the rows
    are ordered by that name alone.
    """
    own = _source_columns(select)
    named: dict[str, exp.Expr] = {}
    for result in select.expressions:
        _put(result, named)  # a result may name those before it
        if isinstance(result, exp.Alias) and own is not None and result.alias.lower() not in own:
            named[result.alias.lower()] = result.this
    results = [result.unalias() for result in select.expressions]
    group, order = select.args.get("group"), select.args.get("order")
    for key in group.expressions if group is not None else ():
        if (meant := _placed(key, results)) is not None:
            key.replace(meant.copy())
    for key in order.expressions if order is not None and not select.args.get("distinct") else ():
        first = {r.alias.lower(): r.this for r in select.expressions if isinstance(r, exp.Alias)}
        if (meant := _placed(key.this, results) or _stands_for(key.this, first)) is not None:
            key.this.replace(meant.copy())
    for part in (select.args.get("where"), group, select.args.get("having")):
        if part is not None:
            _put(part, named)


def _put(part: exp.Expr, named: dict[str, exp.Expr]) -> None:
    """Put what they stand for in the place of names, but in a SELECT inside."""
    select = part.parent_select
    for column in list(part.find_all(exp.Column)) if named else ():
        meant = _stands_for(column, named) if column.parent_select is select else None
        if meant is not None:
            binary = isinstance(meant, exp.Binary) and not isinstance(column.parent, exp.Group)
            column.replace(exp.paren(meant.copy()) if binary else meant.copy())


def _placed(key: exp.Expr, results: list[exp.Expr]) -> exp.Expr | None:
    """Return the result that a number in GROUP BY or ORDER BY points at; None where it cannot."""
    if not isinstance(key, exp.Literal) or not key.is_int:
        return None
    place = int(key.name)
    known = 0 < place <= len(results) and not any(result.is_star for result in results[:place])
    # a constant stays a place: written out, it would itself be read as one
    return results[place - 1] if known and not isinstance(results[place - 1], exp.Literal) else None


def _stands_for(column: exp.Expr, named: dict[str, exp.Expr]) -> exp.Expr | None:
    plain = isinstance(column, exp.Column) and len(column.parts) == 1
    meant = named.get(column.name.lower()) if plain else None
    return None if isinstance(meant, exp.Literal) else meant


def _source_columns(select: exp.Select) -> set[str] | None:
    """Return the columns that a SELECT's sources bring; None where they are not all known."""
    found: set[str] = set()
    ctes = {cte.alias_or_name.lower(): cte.this for cte in select.root().find_all(exp.CTE)}
    for source in select.find_all(exp.Table, exp.Subquery):
        if source.parent_select is not select:
            continue
        inner = ctes.get(source.name.lower()) if isinstance(source, exp.Table) else source.this
        names = {name.lower() for name in inner.named_selects} if inner is not None else {*KNOWN}
        if "*" in names:
            return None
        found |= names
    return found


def _selects_all(star: exp.Star) -> bool:
    return not isinstance(star.parent, exp.Count)


def _declared(column: Any) -> tuple[str, str]:
    """Return the name and the DuckDB type of an extra column; a bare name is text."""
    if isinstance(column, str):
        return column if column.startswith("@") or column in KNOWN else f"@{column}", ""
    name = column.get("name") if isinstance(column, dict) else None
    if not isinstance(name, str) or not name:
        example = "{'name': '@http.status_code', 'type': 'bigint'}"
        raise QueryError(expected("extra_columns", "names and types", example=example, came=column))
    kind = str(column.get("type", "")).lower()
    if kind and kind not in _TYPES:
        raise QueryError(
            expected(
                f"extra_columns: type of {name}",
                "one of " + ", ".join(_TYPES),
                example="bigint",
                came=kind,
            )
        )
    return name if name.startswith("@") or name in KNOWN else f"@{name}", _TYPES.get(kind, "")


def _cast(name: str, kind: str | None) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"TRY_CAST({quoted} AS {kind}) AS {quoted}" if kind else quoted


_MISSING = re.compile(r'(?:Referenced column|have a column named) "(?P<name>(?:[^"]|"")*)"')


def told(message: str) -> str:
    """Return what DuckDB says against a SELECT; of a column that is not there, which there are."""
    words = bare(message)
    if found := _MISSING.search(words):
        name = found["name"].removeprefix("@")
        return (
            f"there is no column {shown(name)}; there are {', '.join(KNOWN)}; an attribute is "
            f'written with @ in quotes, for example "@{name}", and tags are in tags, for example '
            "list_contains(tags, 'team:web')"
        )
    return words


def bare(message: str) -> str:
    """Return a parser's message on one line, without colours and without the place markers."""
    line = " ".join(part for part in message.split() if not part.startswith("\x1b"))
    plain = "".join(char for char in line if char.isprintable())
    return plain.replace("[4m", "").replace("[0m", "")[:300]
