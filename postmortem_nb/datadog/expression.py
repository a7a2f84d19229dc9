"""What a monitor measures: metric queries, numbers, arithmetic and a few functions, as a tree.

A *leaf* is the text of one metric query as Datadog evaluates it alone. Arithmetic over leaves is
done here, since a monitor may aggregate over time before it (``as_count``) or after.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from postmortem_nb.errors import QueryError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LONGEST = 8_192
"""Characters of a query."""

DEEPEST = 40
"""Parentheses and functions within one another."""

ALONE = frozenset(
    {
        *("abs", "log2", "log10", "default_zero", "per_second", "per_minute", "per_hour"),
        *("clamp_min", "clamp_max", "cutoff_min", "cutoff_max", "exclude_null"),
        *("count_nonzero", "count_not_null", "timeshift", "calendar_shift"),
        *("hour_before", "day_before", "week_before", "month_before"),
    }
)
"""Functions of one query whose value at a moment does not depend on the window asked for."""

OVER: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "default_zero": np.nan_to_num,
}
"""Functions of arithmetic, done here."""

_SERIES = re.compile(
    r"(?:(?:avg|sum|min|max|count|p\d{1,3}(?:\.\d{1,2})?)\s*:\s*)?"
    r"[A-Za-z][\w.]*\s*\{[^{}]*\}"
    r"(?:\s*by\s*\{\s*(?P<by>[\w./@-]+(?:\s*,\s*[\w./@-]+)*)\s*\})?"
    r"(?P<modifiers>(?:\s*\.\s*[a-z_]+\([^()]*\))*)"
)
_ROLLUP = re.compile(r"\.\s*rollup\(\s*(?:[a-z]+\s*,\s*)?(\d+)\s*\)")
_COUNTED = re.compile(r"\.\s*as_count\(\s*\)")
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One metric query: its text, its groups, whether it counts, the seconds of its rollup."""

    text: str
    by: tuple[str, ...] = ()
    counted: bool = False
    rollup: int | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two sides and one of ``+ - * /``."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function of arithmetic."""

    name: str
    inner: Node


Node = Leaf | Number | Arithmetic | Call


def parse(text: str) -> tuple[Node, int]:
    """Return the tree at the beginning of a text, and where what follows it begins.

    Raises QueryError, in one line, for what cannot be read or not be tried.
    """
    if len(text) > LONGEST:
        raise QueryError(f"query: expected up to {LONGEST:,} characters; got {len(text):,}")
    reader = _Reader(text)
    node = reader.sums(0)
    found = list(leaves(node))
    if not found:
        raise QueryError(f"query: expected a metric, for example {EXAMPLE}; got {shown(text)}")
    for what, values in (
        ("grouped", {tuple(sorted(leaf.by)) for leaf in found}),
        ("rolled up", {leaf.rollup for leaf in found}),
    ):
        if len(values) > 1:
            raise QueryError(f"its queries are {what} differently, so they cannot be combined here")
    return node, reader.at


EXAMPLE = "sum:trace.checkout.request.errors{env:prod}.as_count()"


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield the metric queries of a tree, from the left."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Arithmetic):
        yield from leaves(node.left)
        yield from leaves(node.right)
    elif isinstance(node, Call):
        yield from leaves(node.inner)


def queries(node: Node) -> list[str]:
    """Return the text of each metric query once, in order."""
    return list(dict.fromkeys(leaf.text for leaf in leaves(node)))


def value(node: Node, known: Mapping[str, Floats]) -> Floats | float:
    """Return a tree's value, ``known`` giving that of each query; NaN is unknown.

    A division by zero is unknown, as in Datadog.
    """
    if isinstance(node, Leaf):
        return known[node.text]
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Call):
        return OVER[node.name](value(node.inner, known))  # type: ignore[no-any-return]
    left, right = value(node.left, known), value(node.right, known)
    with np.errstate(all="ignore"):
        made: Any = _SIGNS[node.sign](left, right)
    return np.where(np.isfinite(made), made, np.nan)


_SIGNS = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}


def factors(node: Node) -> Iterator[Node]:
    """Yield what a product or a quotient is made of, where the tree is one."""
    if isinstance(node, Arithmetic) and node.sign in "*/":
        yield from factors(node.left)
        yield from factors(node.right)
    else:
        yield node


class _Reader:
    """Reads a text from the left; ``at`` is how far it got."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._skip()

    def sums(self, depth: int) -> Node:
        """Return the sum that begins here."""
        node = self._product(depth)
        while sign := self._sign("+-"):
            node = Arithmetic(sign, node, self._product(depth))
        return node

    def _product(self, depth: int) -> Node:
        node = self._one(depth)
        while sign := self._sign("*/"):
            node = Arithmetic(sign, node, self._one(depth))
        return node

    def _one(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise QueryError(f"query: expected up to {DEEPEST} parentheses within one another")
        if self._sign("-"):
            return Arithmetic("*", Number(-1.0), self._one(depth + 1))
        if self._sign("("):
            node = self.sums(depth + 1)
            self._close()
            return node
        if (found := self._take(_SERIES)) is not None:
            return _leaf(found)
        if (found := self._take(_CALL)) is not None:
            return self._call(found, depth)
        if (found := self._take(_NUMBER)) is not None:
            return Number(float(found[0]))
        raise self._unread()

    def _call(self, found: re.Match[str], depth: int) -> Node:
        """Return a function: a query of its own where it is one of a query."""
        name = found[1].lower()
        if name not in ALONE:
            raise QueryError(
                f"it uses {name}(…), whose value depends on the whole window asked for, so it "
                "cannot be tried minute by minute"
            )
        inner = self.sums(depth + 1)
        while self._sign(","):
            if self._take(_TEXT) is None and not isinstance(
                self.sums(depth + 1), Number | Arithmetic
            ):
                raise self._unread()
        self._close()
        if isinstance(inner, Leaf):
            text = " ".join(self.text[found.start() : self.at].split())
            return Leaf(text, inner.by, inner.counted, inner.rollup)
        if name not in OVER:
            raise QueryError(f"it uses {name}(…) of arithmetic, which cannot be tried here")
        return Call(name, inner)

    def _close(self) -> None:
        if not self._sign(")"):
            raise self._unread()

    def _sign(self, signs: str) -> str:
        sign = self.text[self.at : self.at + 1]
        if not sign or sign not in signs:
            return ""
        self.at += 1
        self._skip()
        return sign

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            self._skip()
        return found

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _unread(self) -> QueryError:
        rest = self.text[self.at :] or "the end"
        return QueryError(f"query: expected a metric, for example {EXAMPLE}; got {shown(rest)}")


def _leaf(found: re.Match[str]) -> Leaf:
    by = tuple(key.strip() for key in (found["by"] or "").split(",") if key.strip())
    rollup = _ROLLUP.search(found["modifiers"])
    seconds = int(rollup[1]) if rollup else None
    text = " ".join(found[0].split())
    return Leaf(text, by, _COUNTED.search(found["modifiers"]) is not None, seconds)
