"""A query as it is written in a cell or a template: one call with literal arguments, never run.

``from=`` is allowed although it is a word of Python. What the call asks is none of this module's
business; which functions there are is, so that a template is refused when it is read.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from postmortem_nb.errors import QueryError, shown

EXAMPLE = 'search_datadog_logs(query="status:error", from="now-1h", to="now")'

FUNCTIONS = {
    name: tuple(arguments.split())
    for name, arguments in (
        (
            "analyze_datadog_logs",
            "filter sql_query from_ to extra_columns indexes storage_tier limit",
        ),
        ("get_datadog_metric", "queries from_ to formulas interval"),
        ("get_datadog_revenue", "metric from_ to weeks deferred"),
        (
            "get_datadog_slo",
            (
                "slo_id from_ to total good bad uptime monitor slices "
                "target timeframe corrections apply_correction"
            ),
        ),
        ("search_datadog_events", "query from_ to sort limit"),
        (
            "search_datadog_logs",
            "query from_ to extra_fields sort indexes storage_tier limit",
        ),
        ("search_datadog_spans", "query from_ to custom_attributes sort limit"),
    )
}
"""The functions that a query may call, and their arguments in order."""

_QUOTED = re.compile(r"""(["'])(?:\\.|(?!\1).)*\1""", re.DOTALL)
_LONGEST = 100_000  # characters of a cell; longer ones are no question


@dataclass(frozen=True, slots=True)
class Call:
    """One call: which function, and its arguments by name (``from_`` for ``from``)."""

    function: str
    arguments: dict[str, Any]


def parse(source: str, *, line: int = 0) -> Call:
    """Return the call that a text holds; ``line`` is that of its file which stands before it.

    Raises QueryError, on one line, for anything but one call of a known function with literals.
    """
    tree = _tree(source, line)
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise QueryError(f"a query cell holds one call, for example {EXAMPLE}")
    function = tree.func.id
    names = FUNCTIONS.get(function)
    if names is None:
        raise QueryError(_unknown_function(function))
    if len(tree.args) > len(names):
        raise QueryError(f"{function} takes at most {len(names)} arguments; got {len(tree.args)}")
    pairs = list(zip(names, tree.args, strict=False))
    pairs += [(_keyword(keyword, function, names), keyword.value) for keyword in tree.keywords]
    arguments: dict[str, Any] = {}
    for name, node in pairs:
        if name in arguments:
            raise QueryError(f"{function}: {name.removesuffix('_')!r} was given twice")
        arguments[name] = _literal(node, function, name)
    return Call(function, arguments)


_MEANT = {"start": "from", "since": "from", "end": "to", "until": "to"}
"""What other tools call an argument that all functions have."""


def unknown_argument(function: str, name: str, known: tuple[str, ...]) -> str:
    """Return the line for an argument that a function does not have."""
    names = [other.removesuffix("_") for other in known]
    close = [_MEANT[name]] if _MEANT.get(name) in names else get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(names)}"
    return f"{function} has no argument {shown(name)}; {hint}"


def _tree(source: str, line: int) -> ast.expr:
    if len(source) > _LONGEST:
        raise QueryError(f"a query cell holds one call; this one has {len(source):,} characters")
    try:
        module = ast.parse(_renamed(source.strip()))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise QueryError(_unreadable(error, source, line)) from None
    if len(module.body) != 1 or not isinstance(module.body[0], ast.Expr):
        raise QueryError(f"a query cell holds one call and nothing else, for example {EXAMPLE}")
    return module.body[0].value


def _renamed(source: str) -> str:
    """Return the source with the keyword ``from`` of an argument as ``from_``."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    lines = source.splitlines(keepends=True)
    for token, after in reversed(list(pairwise(tokens))):
        if token.type == tokenize.NAME and token.string == "from" and after.string == "=":
            row, column = token.start
            line = lines[row - 1]
            lines[row - 1] = f"{line[:column]}from_{line[column + 4 :]}"
    return "".join(lines)


def _unreadable(error: Exception, source: str, before: int) -> str:
    if "{{" in _QUOTED.sub("", source) and isinstance(error, SyntaxError):
        hint = "placeholders stand inside quotes"
    elif "forgot a comma" in str(error):
        hint = "a comma seems to be missing"
    else:
        hint = "check quotes, commas and parentheses"
    line = error.lineno if isinstance(error, SyntaxError) else None
    before += source[: len(source) - len(source.lstrip())].count("\n")
    where = f" (line {before + line})" if line else ""
    return f"the call cannot be read{where}: {hint}; for example {EXAMPLE}"


def _keyword(keyword: ast.keyword, function: str, names: tuple[str, ...]) -> str:
    if keyword.arg is None:
        raise QueryError(f"{function}: write the arguments by name; ** is not read here")
    if keyword.arg not in names:
        raise QueryError(unknown_argument(function, keyword.arg, names))
    return keyword.arg


def _literal(node: ast.expr, function: str, name: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        label, came = name.removesuffix("_"), ast.unparse(node)[:100]
        hint = "; placeholders stand inside quotes" if came.startswith("{{") else ""
        raise QueryError(
            f"{function}: {label} must be written out as text, number or list; "
            f"got {shown(came)}{hint}"
        ) from None


def _unknown_function(function: str) -> str:
    close = get_close_matches(function, FUNCTIONS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(FUNCTIONS)}"
    return f"unknown function {shown(function)}; {hint}"
