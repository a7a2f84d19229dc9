"""Many rows held by column: each distinct value once, each row a small number that points to it.

A *path* names a column: a reserved field (``service``), or an attribute (``@http.status_code``).
``tags`` is a column whose values are lists. A row without a value points to nothing (-1).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.int32]
    Show = Callable[[Any], Any] | None


class Words:
    """The distinct values of a column, made into JSON values only when someone reads them."""

    def __init__(self, parts: Sequence[tuple[Sequence[Any] | NDArray[Any], Show]]) -> None:
        self.parts = parts
        lengths = [len(values) for values, _ in parts]
        self._begins = [0, *np.cumsum(lengths).tolist()]

    def __len__(self) -> int:
        return int(self._begins[-1])

    def one(self, code: int) -> Any:
        """Return the value that a code stands for."""
        part = bisect_right(self._begins, code) - 1
        values, show = self.parts[part]
        return _plain(values[code - self._begins[part]], show)

    @cached_property
    def all(self) -> list[Any]:
        """Return every value in the order of the codes; kept, for a search reads all of them."""
        return [_plain(value, show) for values, show in self.parts for value in values]


def _plain(value: Any, show: Show) -> Any:
    """Return a value as JSON has it."""
    if show is not None:
        return show(value)
    return value.item() if isinstance(value, np.generic) else value


@dataclass(frozen=True)
class Column:
    """One path's values: ``codes`` a row, ``words`` for the codes."""

    codes: Codes
    words: Words

    def value(self, row: int) -> Any:
        """Return a row's value, or None when it has none (no value is ever null here)."""
        code = int(self.codes[row])
        return None if code < 0 else self.words.one(code)

    def where(self, test: Callable[[Any], bool]) -> NDArray[np.bool_]:
        """Return which rows have a value that passes the test; each value is tested once."""
        passes = np.fromiter(map(test, self.words.all), dtype=bool, count=len(self.words))
        return np.concatenate((passes, [False]))[self.codes]  # code -1 points to the last: False

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Return which rows have a value."""
        return self.codes >= 0


def pointing(codes: NDArray[Any], values: Sequence[Any]) -> Column:
    """Return a column of codes into a list of values; -1 is no value."""
    return Column(codes.astype(np.int32), Words([(values, None)]))


def each(
    values: NDArray[Any], show: Show = None, *, where: NDArray[np.bool_] | None = None
) -> Column:
    """Return a column in which every row has its own value; none where ``where`` is False."""
    codes = np.arange(len(values), dtype=np.int32)
    return Column(codes if where is None else np.where(where, codes, -1), Words([(values, show)]))


def same(value: Any, count: int) -> Column:
    """Return a column of one value."""
    return Column(np.zeros(count, dtype=np.int32), Words([([value], None)]))


@dataclass(frozen=True)
class Block:
    """Rows of one make, to be stacked with others: their moments and their columns."""

    milliseconds: NDArray[np.int64]
    columns: Mapping[str, Column]


def written(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> Block:
    """Return a block of rows that were written one by one: epoch ms, and values by path."""
    columns = {}
    for path in dict.fromkeys(path for _, row in rows for path in row):
        have = [n for n, (_, row) in enumerate(rows) if path in row]
        codes = np.full(len(rows), -1)
        codes[have] = np.arange(len(have))
        columns[path] = pointing(codes, [rows[n][1][path] for n in have])
    return Block(np.array([moment for moment, _ in rows], dtype=np.int64), columns)


class Table:
    """Rows in the order of time; equal moments keep the order in which they were stacked."""

    def __init__(
        self, blocks: Sequence[Block], plain: Mapping[str, str], texts: tuple[str, ...] = ()
    ) -> None:
        """Stack blocks.

        ``plain`` says which path each reserved field stands for, ``texts`` which paths a word
        without a field is searched in.
        """
        moments = np.concatenate([block.milliseconds for block in blocks])
        order = np.argsort(moments, kind="stable")
        self.plain = plain
        self.texts = texts
        self.milliseconds: NDArray[np.int64] = moments[order]
        paths = dict.fromkeys(path for block in blocks for path in block.columns)
        self.columns = {path: _stacked(path, blocks, order) for path in paths}

    def __len__(self) -> int:
        return len(self.milliseconds)

    def within(self, begin: int, end: int) -> NDArray[np.bool_]:
        """Return which rows lie in a span of epoch milliseconds, both ends included."""
        return (self.milliseconds >= begin) & (self.milliseconds <= end)

    def row(self, number: int) -> dict[str, Any]:
        """Return a row's values by path, only those it has."""
        found = ((path, column.value(number)) for path, column in self.columns.items())
        return {path: value for path, value in found if value is not None}

    def attributes(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes of a row, nested as JSON has them."""
        nested: dict[str, Any] = {}
        for path, value in row.items():
            if path[0] != "@":
                continue
            *outer, name = path[1:].split(".")
            inner = nested
            for key in outer:
                inner = inner.setdefault(key, {})
            inner[name] = value
        return nested


def _stacked(path: str, blocks: Iterable[Block], order: NDArray[np.intp]) -> Column:
    """Return one path of all blocks; its codes are moved behind those of the blocks before."""
    codes: list[NDArray[Any]] = []
    parts: list[tuple[Any, Show]] = []
    used = 0
    for block in blocks:
        column = block.columns.get(path)
        if column is None:
            codes.append(np.full(len(block.milliseconds), -1, dtype=np.int32))
            continue
        codes.append(np.where(column.codes < 0, -1, column.codes + used))
        parts += column.words.parts
        used += len(column.words)
    return Column(np.concatenate(codes)[order].astype(np.int32), Words(parts))
