"""The call in a query cell: read as data, never run; its placeholders filled; then asked.

A cell holds one call of one of the functions with literal arguments, as the template has them:
``from=`` is allowed although it is a word of Python.
"""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from postmortem_nb.datadog import asking, pace, placeholders, queries
from postmortem_nb.errors import QueryError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

EXAMPLE = 'search_datadog_logs(query="status:error", from="now-1h", to="now")'

_LONGEST = 100_000  # characters of a cell; longer ones are no question


@dataclass(frozen=True, slots=True)
class Call:
    """One call: which function, and its arguments by name (``from_`` for ``from``)."""

    function: str
    arguments: dict[str, Any]


def parse(source: str) -> Call:
    """Return the call that a cell holds.

    Raises QueryError, on one line, for anything but one call of a known function with literals.
    """
    tree = _tree(source)
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise QueryError(f"a query cell holds one call, for example {EXAMPLE}")
    function = tree.func.id
    known = queries.PARAMETERS.get(function)
    if known is None:
        raise QueryError(_unknown_function(function))
    names = tuple(known)
    if len(tree.args) > len(names):
        raise QueryError(f"{function} takes at most {len(names)} arguments; got {len(tree.args)}")
    pairs = list(zip(names, tree.args, strict=False))
    pairs += [(_keyword(keyword, function, names), keyword.value) for keyword in tree.keywords]
    arguments: dict[str, Any] = {}
    for name, node in pairs:
        if name in arguments:
            raise QueryError(f"{function}: {name.removesuffix('_')!r} was given twice")
        arguments[name] = _literal(node, function, name)
    call = Call(function, arguments)
    for words in _texts(arguments):
        placeholders.slots(words)
    return call


def unknown(call: Call, variables: Mapping[str, Any]) -> list[str]:
    """Return the placeholders of a call that ``variables`` has no value for, each once."""
    names = [slot.name for words in _texts(call.arguments) for slot in placeholders.slots(words)]
    missing = [name for name in names if variables.get(name) in (None, "", [])]
    return [f"{{{{{name}}}}}" for name in dict.fromkeys(missing)]


def fill(call: Call, variables: Mapping[str, Any]) -> Call:
    """Return the call with every placeholder's value in its place, as its grammar needs it.

    Raises QueryError for a value that is not known, or that cannot stand where it is asked for.
    """
    filled = {name: _filled(name, value, variables) for name, value in call.arguments.items()}
    return Call(call.function, filled)


def ask(call: Call, *, progress: pace.Progress | None = None) -> pd.DataFrame:
    """Return the answer to a filled call; ``progress`` is told rows, rate and waits.

    Where it found nothing, its record has the advice that a few requests more could bring.
    """
    told = progress or pace.silent
    return queries.run(call.function, dict(call.arguments), progress=told, thorough=True)


def most(call: Call) -> int:
    """Return how many rows a call pulls at most; 0 where that is not said by its arguments."""
    if call.function == "analyze_datadog_logs":
        return 0  # its limit is that of the result, not of the logs behind it
    stated = call.arguments.get("limit", queries.PARAMETERS[call.function].get("limit"))
    return stated if isinstance(stated, int) else 0


def text(call: Call) -> str:
    """Return a call as it is written in a cell, one argument a line."""
    return asking.spelled(call.function, call.arguments)


def question(call: Call) -> str:
    """Return the digest of a question: the same function and arguments, the same digest."""
    return asking.question(call.function, queries.given(call.function, call.arguments))


def _tree(source: str) -> ast.expr:
    if len(source) > _LONGEST:
        raise QueryError(f"a query cell holds one call; this one has {len(source):,} characters")
    try:
        module = ast.parse(_renamed(source.strip()))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise QueryError(_unreadable(error, source)) from None
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


def _unreadable(error: Exception, source: str) -> str:
    if "{{" in source and isinstance(error, SyntaxError):
        hint = "placeholders stand inside quotes"
    else:
        hint = "check quotes, commas and parentheses"
    line = error.lineno if isinstance(error, SyntaxError) else None
    where = f" (line {line})" if line else ""
    return f"the call cannot be read{where}: {hint}; for example {EXAMPLE}"


def _keyword(keyword: ast.keyword, function: str, names: tuple[str, ...]) -> str:
    if keyword.arg is None:
        raise QueryError(f"{function}: write the arguments by name; ** is not read here")
    if keyword.arg not in names:
        raise QueryError(asking.unknown_argument(function, keyword.arg, names))
    return keyword.arg


def _literal(node: ast.expr, function: str, name: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        label = name.removesuffix("_")
        raise QueryError(
            f"{function}: {label} must be written out as text, number or list; "
            f"got {shown(ast.unparse(node)[:100])}"
        ) from None


def _unknown_function(function: str) -> str:
    close = get_close_matches(function, queries.PARAMETERS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(queries.PARAMETERS)}"
    return f"unknown function {shown(function)}; {hint}"


def _texts(value: Any) -> list[str]:
    """Return every text in the arguments, however deep."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [words for inner in value.values() for words in _texts(inner)]
    if isinstance(value, (list, tuple, set)):
        return [words for inner in value for words in _texts(inner)]
    return []


_GRAMMARS: dict[str, Callable[[str, Mapping[str, Any]], Any]] = {
    "query": placeholders.in_search,
    "filter": placeholders.in_search,
    "queries": placeholders.in_metric,
    "formulas": placeholders.in_metric,
    "metric": placeholders.in_metric,
    "total": placeholders.in_metric,
    "good": placeholders.in_metric,
    "bad": placeholders.in_metric,
    "corrections": placeholders.moment,
    "sql_query": placeholders.in_sql,
    "from_": placeholders.moment,
    "to": placeholders.moment,
}


def _filled(name: str, value: Any, variables: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        fill_in = _GRAMMARS.get(name)
        if fill_in is not None:
            return fill_in(value, variables)
        if placeholders.slots(value):
            raise QueryError(f"{name}: a placeholder cannot stand here; got {shown(value)}")
        return value
    if isinstance(value, (list, tuple, set)):
        return [_filled(name, inner, variables) for inner in value]
    return value
