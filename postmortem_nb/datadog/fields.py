"""Fields of rows by their dotted path: which ones were asked for, and where their values lie."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from postmortem_nb.errors import QueryError
from postmortem_nb.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from postmortem_nb.datadog.arrays import Notes

DEEPEST = 12
"""Levels of nested attributes that are taken apart; what lies deeper stays one value."""


MOST = 2_000
"""Columns that patterns may find; a field more is left out, and told."""


class Wanted:
    """The extra fields of a question: plain paths, and patterns (``*``, ``error.*``)."""

    def __init__(self, asked: Iterable[str]) -> None:
        paths = list(dict.fromkeys(clean(name).removeprefix("@") for name in asked))
        if not all(path.strip() for path in paths):
            raise QueryError("a field has a name, for example error.message or @usr.id")
        self.paths = [path for path in paths if "*" not in path]
        self.patterns = [path for path in paths if "*" in path]
        self.found: set[str] = set()

    def covers(self, path: str) -> bool:
        """Return whether a leaf was asked for by a pattern, or as part of a group's path."""
        if "*" in self.patterns:
            return True
        return any(fnmatchcase(path, pattern) for pattern in self.patterns) or any(
            path.startswith(f"{group}.") for group in self.paths
        )

    def takes(self, path: str) -> bool:
        """Return whether a covered leaf becomes a column: there is room, or it is one already."""
        if path not in self.found and len(self.found) < MOST:
            self.found.add(path)
        return path in self.found


def at(tree: Any, path: str) -> Any:
    """Return the value at a dotted path, None where there is none."""
    value = tree
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def anywhere(tree: Any, path: str) -> Any:
    """Return the value at a dotted path whose keys may hold dots themselves: ``{"a.b": …}``."""
    found = at(tree, path)
    return _dotted(tree, path.split(".")) if found is None and "." in path else found


def _dotted(tree: Any, keys: list[str]) -> Any:
    if not isinstance(tree, dict):
        return None
    for count in range(1, len(keys)):
        inner = tree.get(".".join(keys[:count]))
        if isinstance(inner, dict) and (found := _dotted(inner, keys[count:])) is not None:
            return found
    return tree.get(".".join(keys))


def dotted(paths: Iterable[str]) -> tuple[bytes, ...]:
    """Return, as they stand in JSON, the keys with dots in which the values may lie."""
    split = [path.split(".") for path in paths]
    runs = {
        ".".join(keys[start:end])
        for keys in split
        for start in range(len(keys))
        for end in range(start + 2, len(keys) + 1)
    }
    return tuple(json.dumps(run, ensure_ascii=False).encode(errors="replace") for run in runs)


def leaves(tree: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every leaf of nested attributes with its dotted path."""
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < DEEPEST:
            yield from leaves(value, f"{path}.", depth + 1)
        else:
            yield path, value


def columns(trees: list[Any], wanted: Wanted, notes: Notes) -> dict[str, list[Any]]:
    """Return the asked fields of all rows as columns, in the order asked, groups taken apart."""
    found: dict[str, list[Any]] = {
        path: [anywhere(tree, path) for tree in trees] for path in wanted.paths
    }
    groups = {
        path for path, values in found.items() if any(isinstance(v, dict) and v for v in values)
    }
    if not groups and not wanted.patterns:
        return found
    beyond = 0
    for place, tree in enumerate(trees):
        for path, value in leaves(tree) if isinstance(tree, dict) else ():
            if not wanted.covers(path):
                continue
            if wanted.takes(path):
                found.setdefault(path, [None] * len(trees))[place] = value
            else:
                beyond += 1
    notes[f"values of fields beyond the first {MOST:,} are left out; name yours"] += beyond
    for path in groups:
        if all(value is None or isinstance(value, dict) for value in found[path]):
            del found[path]
    return found
