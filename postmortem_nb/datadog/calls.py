"""The call in a query cell: read as data, never run; its placeholders filled; then asked.

A cell holds one call of one of the functions with literal arguments, as the template has them:
``from=`` is allowed although it is a word of Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postmortem_nb import callsyntax
from postmortem_nb.callsyntax import Call
from postmortem_nb.datadog import asking, client, pace, placeholders, queries
from postmortem_nb.errors import QueryError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd


def parse(source: str) -> Call:
    """Return the call that a cell holds.

    Raises QueryError, on one line, for anything but one call of a known function with literals,
    and for placeholders that there are none of.
    """
    call = callsyntax.parse(source)
    for words in _texts(call.arguments):
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


def has_account() -> bool:
    """Return whether a question goes to an account, and no longer to the sandbox."""
    return client.named()


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
