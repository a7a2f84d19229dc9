"""Which rows of a table a search query finds: one test a distinct value, not one a row."""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from postmortem_nb.errors import QueryError
from postmortem_nb.sandbox.search import (
    Condition,
    Everything,
    Joined,
    Lies,
    Matches,
    Negated,
    Pattern,
    Says,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from postmortem_nb.sandbox.table import Column, Table

    Mask = NDArray[np.bool_]

MEASURES = frozenset({"@duration", "@db.duration", "duration"})
"""Fields in nanoseconds: only these are compared with ``20ms``."""


def mask(condition: Condition, table: Table) -> Mask:
    """Return which rows the condition is true of; QueryError when it cannot be evaluated."""
    if isinstance(condition, Everything):
        return np.ones(len(table), dtype=bool)
    if isinstance(condition, Negated):
        return ~mask(condition.inner, table)
    if isinstance(condition, Joined):
        parts = (mask(part, table) for part in condition.parts)
        return reduce(np.logical_and if condition.every else np.logical_or, parts)
    if isinstance(condition, Says):
        return _says(condition, table)
    if isinstance(condition, Lies):
        return _lies(condition, table)
    return _matches(condition, table)


def column(table: Table, key: str) -> Column | None:
    """Return the column that a key names, or None for tags and for what no row has."""
    if key.startswith("@"):
        return table.columns.get(key) or table.columns.get(table.plain.get(key[1:], ""))
    return table.columns.get(table.plain[key]) if key in table.plain else None


def tagged(table: Table, key: str) -> Column | None:
    """Return the column of tag lists when a key is looked up in tags."""
    return None if key.startswith("@") or key in table.plain else table.columns.get("tags")


def tag_values(tags: list[str], key: str) -> list[str]:
    """Return the values that a list of tags holds for a key."""
    prefix = f"{key}:"
    return [tag[len(prefix) :] for tag in tags if tag.startswith(prefix)]


def like(pattern: Pattern) -> Callable[[Any], bool]:
    """Return a test of values: exact with case, numbers by amount, any element of a list."""
    if pattern.anything:
        return lambda _: True
    literal = pattern.literal
    if literal is None:
        shape = re.compile(_whole(pattern), re.DOTALL)
        return lambda value: any(shape.fullmatch(text) for text in texts(value))
    number = _parsed(literal)
    return lambda value: literal in texts(value) or (number is not None and number == _real(value))


def _matches(condition: Matches, table: Table) -> Mask:
    tags, test = tagged(table, condition.key), like(condition.pattern)
    if tags is not None and condition.key == "tags":
        return tags.where(lambda values: any(map(test, values)))
    if tags is not None:
        return tags.where(lambda values: any(map(test, tag_values(values, condition.key))))
    found = column(table, condition.key)
    if found is not None:
        return found.present if condition.pattern.anything else found.where(test)
    nothing = np.zeros(len(table), dtype=bool)
    if not condition.pattern.anything:
        return nothing
    inner = [col for path, col in table.columns.items() if path.startswith(f"{condition.key}.")]
    return reduce(np.logical_or, (col.present for col in inner), nothing)


def _lies(condition: Lies, table: Table) -> Mask:
    if condition.unit and condition.key not in MEASURES:
        raise QueryError(
            f"search query: {condition.key} is not measured in time; expected a plain number, "
            f"for example {condition.key}:>20"
        )

    def test(value: Any) -> bool:
        values = value if isinstance(value, list) else [value]
        return any(_between(amount(each), condition) for each in values)

    tags = tagged(table, condition.key)
    if tags is not None:
        return tags.where(lambda values: test(tag_values(values, condition.key)))
    found = column(table, condition.key)
    return np.zeros(len(table), dtype=bool) if found is None else found.where(test)


def _between(number: float | None, bounds: Lies) -> bool:
    if number is None:
        return False
    above = bounds.low is None or number > bounds.low or (number == bounds.low and not bounds.open)
    return above and (
        bounds.high is None or number < bounds.high or (number == bounds.high and not bounds.open)
    )


def _says(condition: Says, table: Table) -> Mask:
    """Return where the text holds the words; case does not count, word borders do."""
    if not condition.everywhere and not table.texts:
        raise QueryError(
            "search query: the sandbox has no free text over spans; name a field, for example "
            'resource_name:"POST /api/checkout"'
        )
    shape = re.compile(rf"(?<!\w){_words(condition.pattern)}(?!\w)", re.IGNORECASE)

    def test(value: Any) -> bool:
        return any(shape.search(text) for text in texts(value))

    own = [path for path in table.texts if path in table.columns]
    every = [path for path in table.columns if path.startswith("@")] if condition.everywhere else []
    found = (table.columns[path].where(test) for path in dict.fromkeys(own + every))
    return reduce(np.logical_or, found, np.zeros(len(table), dtype=bool))


def _words(pattern: Pattern) -> str:
    """Return an expression for words in a row; signs cannot be searched, they only part words."""
    parts = [
        (r"\w*" if text == "*" else r"\w") if wild else re.sub(r"\W+", r"\\W+", text)
        for wild, text in pattern.pieces
    ]
    words = "".join(parts).removeprefix(r"\W+").removesuffix(r"\W+")
    if not words:
        raise QueryError(
            "search query: expected a word; special characters of messages cannot be searched"
        )
    return words


def _whole(pattern: Pattern) -> str:
    """Return an expression for a whole value."""
    return "".join(
        (".*" if text == "*" else ".") if wild else re.escape(text) for wild, text in pattern.pieces
    )


def texts(value: Any) -> list[str]:
    """Return how a value may be written in a query; a list may be any of its elements."""
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, float) and value.is_integer():
        return [str(int(value)), str(value)]
    return [str(value)]


def _real(value: Any) -> float | None:
    """Return a number's amount; None for texts, which are compared as written."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None


def amount(value: Any) -> float | None:
    """Return a value's amount, or None; a text counts when it is written as a number."""
    return _parsed(value) if isinstance(value, str) else _real(value)


def _parsed(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
