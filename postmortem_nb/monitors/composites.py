"""Composite monitors: other monitors joined by ``&&``, ``||``, ``!`` and parentheses.

``48210002 && !(48210003 || #1)``: a number is the id of a monitor in Datadog, ``#1`` the first
monitor proposed in the same table. ``!`` binds closest, then ``&&``, then ``||``.
Source: https://docs.datadoghq.com/monitors/types/composite/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from postmortem_nb.datadog import conditions, expression
from postmortem_nb.errors import QueryError, expected, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST = 10
"""Monitors that Datadog combines at most."""

EXAMPLE = "48210002 && !#1"
"""An id in Datadog, and the first monitor of the same table."""

_TOKEN = re.compile(r"\s*(?P<token>&&|\|\||[!()]|#\d{1,4}(?!\d)|\d{1,18}(?![\d.]))\s*")
_BARE = re.compile(r"[\s()!&|#\d]*(?:#\d|\d{3}|&&|\|\|)[\s()!&|#\d]*")
_QUOTED = re.compile(r'"[^"]*"')
_CALLED = re.compile(r"\s*[A-Za-z][\w-]*\s*\(")


@dataclass(frozen=True, slots=True)
class Name:
    """One monitor: its id in Datadog, or ``#`` and its number in the table."""

    name: str


@dataclass(frozen=True, slots=True)
class Negation:
    """What is not to alarm."""

    inner: Node


@dataclass(frozen=True, slots=True)
class Combination:
    """Two parts or more joined by ``&&`` or by ``||``."""

    sign: str
    parts: tuple[Node, ...]


Node = Name | Negation | Combination


@dataclass(frozen=True, slots=True)
class Composite:
    """A composite monitor as it is written."""

    node: Node

    @property
    def names(self) -> list[str]:
        """The monitors that it combines, each once, from the left."""
        return list(dict.fromkeys(_names(self.node)))

    @property
    def ids(self) -> list[str]:
        """The ids of those that are in Datadog."""
        return [name for name in self.names if not name.startswith("#")]

    @property
    def reach(self) -> timedelta:
        """How far back it looks itself: its monitors do, each for its own window."""
        return timedelta()

    def query(self, known: Mapping[str, str] | None = None) -> str:
        """Return it as Datadog writes it, names that are ``known`` by what is known of them."""
        return _written(self.node, known or {})


def is_one(words: str) -> bool:
    """Return whether a query is meant as a composite of monitors."""
    if len(words) > expression.LONGEST:
        return False
    if _BARE.fullmatch(words):
        return True
    joined = re.search(r"&&|\|\|", _QUOTED.sub("", words)) is not None
    return joined and not _CALLED.match(words) and not conditions.has_window(words)


def read(words: str) -> Composite:
    """Return a composite. Raises QueryError, in one line, for what is none."""
    reader = _Reader(words)
    made = Composite(reader.either(0))
    if reader.sign:
        raise reader.unread()
    if len(made.names) > MOST:
        raise QueryError(f"query: expected up to {MOST} monitors; got {len(made.names)}")
    return made


def _names(node: Node) -> Iterator[str]:
    if isinstance(node, Name):
        yield node.name
    elif isinstance(node, Negation):
        yield from _names(node.inner)
    else:
        for part in node.parts:
            yield from _names(part)


def _written(node: Node, known: Mapping[str, str]) -> str:
    if isinstance(node, Name):
        return known.get(node.name, node.name)
    if isinstance(node, Negation):
        return f"!{_enclosed(node.inner, known)}"
    return f" {node.sign} ".join(_enclosed(part, known) for part in node.parts)


def _enclosed(node: Node, known: Mapping[str, str]) -> str:
    words = _written(node, known)
    return f"({words})" if isinstance(node, Combination) else words


class _Reader:
    """Reads an expression from the left; ``sign`` is what comes next, empty at the end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.begun = self.at = 0
        self.sign = ""
        self._next()

    def either(self, depth: int) -> Node:
        """Return what begins here, up to a parenthesis that closes it or the end."""
        return self._joined("||", depth)

    def unread(self) -> QueryError:
        """Return the refusal of what comes next."""
        rest = self.text[self.begun :] or "the end"
        what = "ids of monitors, or numbers of this table (#1), joined by && and ||"
        return QueryError(expected("query", what, example=EXAMPLE, came=rest))

    def _joined(self, by: str, depth: int) -> Node:
        """Return parts joined by a sign; those of ``||`` are such of ``&&``."""
        parts = [self._part(by, depth)]
        while self.sign == by:
            self._next()
            parts.append(self._part(by, depth))
        return parts[0] if len(parts) == 1 else Combination(by, tuple(parts))

    def _part(self, by: str, depth: int) -> Node:
        return self._joined("&&", depth) if by == "||" else self._one(depth)

    def _one(self, depth: int) -> Node:
        if depth > expression.DEEPEST:
            deepest = expression.DEEPEST
            raise QueryError(f"query: expected up to {deepest} parentheses within one another")
        if self.sign == "!":
            self._next()
            return Negation(self._one(depth + 1))
        if self.sign == "(":
            self._next()
            node = self.either(depth + 1)
            if self.sign != ")":
                raise self.unread()
            self._next()
            return node
        if not self.sign or self.sign[-1] not in "0123456789":
            raise self.unread()
        node = Name(_plain(self.sign))
        self._next()
        return node

    def _next(self) -> None:
        """Read one token on."""
        found = _TOKEN.match(self.text, self.at)
        if found is None and self.text[self.at :].strip():
            raise QueryError(
                expected(
                    "query", "a composite of monitors", example=EXAMPLE, came=self.text[self.at :]
                )
            )
        self.begun = found.start("token") if found else len(self.text)
        self.at = found.end() if found else len(self.text)
        self.sign = found["token"] if found else ""


def _plain(token: str) -> str:
    """Return a name as it is known: without leading zeros, of which no id has any."""
    mark, digits = token[: len(token) - len(token.lstrip("#"))], token.lstrip("#").lstrip("0")
    if not digits:
        raise QueryError(f"query: expected ids or numbers from 1 on; got {shown(token)}")
    return f"{mark}{digits}"
