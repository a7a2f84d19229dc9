"""The search syntax of logs, spans and events: a query's text as a tree of conditions.

The grammar is ``search.lark``. What the sandbox cannot evaluate is refused with what it is and
where it stands, never guessed: a wrong answer would look like an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

from postmortem_nb.errors import QueryError, shown

LONGEST = 8_192
"""Characters of a query."""

UNITS = {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 6e10, "h": 3.6e12, "d": 8.64e13}
"""Nanoseconds of the units that a measure may be written in."""

_LITERAL = re.compile(r'\\.|"(?:\\.|[^"\\])*"', re.DOTALL)
_UNKNOWN = re.compile(r"&&|\|\||(?:^|[\s(-])#\w")  # other languages' operators, calculated fields
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NUMBER = re.compile(r"(-?[0-9.]+)(\D*)")


@dataclass(frozen=True, slots=True)
class Everything:
    """True of every row."""


@dataclass(frozen=True, slots=True)
class Negated:
    """True where the inner condition is not."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class Joined:
    """All of the conditions, or any of them."""

    every: bool
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a value must look like: literal text with wildcards ``*`` and ``?`` between."""

    pieces: tuple[tuple[bool, str], ...]

    @property
    def anything(self) -> bool:
        """Return whether this is a lone ``*``: any value will do."""
        return self.pieces == ((True, "*"),)

    @property
    def literal(self) -> str | None:
        """Return the text when there is no wildcard in it."""
        return None if any(wild for wild, _ in self.pieces) else "".join(t for _, t in self.pieces)


@dataclass(frozen=True, slots=True)
class Matches:
    """A field has a value like the pattern."""

    key: str
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Lies:
    """A field has a number between two bounds; None is no bound, ``open`` leaves it out."""

    key: str
    low: float | None
    high: float | None
    open: bool
    unit: bool
    """Whether a bound was written with a unit of time; then the bounds are nanoseconds."""


@dataclass(frozen=True, slots=True)
class Says:
    """The text of a row holds these words side by side; ``everywhere`` looks in attributes too."""

    pattern: Pattern
    everywhere: bool = False


Condition = Everything | Negated | Joined | Matches | Lies | Says


@lru_cache(maxsize=256)
def parse(query: str) -> Condition:
    """Return the tree of a query; QueryError for what cannot be read or evaluated."""
    if len(query) > LONGEST:
        raise QueryError(f"search query: expected up to {LONGEST:,} characters; got {len(query):,}")
    bare = _LITERAL.sub(lambda found: "_" * len(found[0]), query)
    if found := _UNKNOWN.search(bare):
        raise _refused(query, found.start())
    try:
        tree: Condition = _Conditions().transform(_grammar().parse(query))
    except UnexpectedInput as error:
        raise _refused(query, error.pos_in_stream) from None
    except VisitError as error:
        raise error.orig_exc from None
    return tree


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = files("postmortem_nb.sandbox").joinpath("search.lark").read_text("utf-8")
    return Lark(text, parser="lalr", maybe_placeholders=False)


def _refused(query: str, place: int | None) -> QueryError:
    place = max(place or 0, 0)
    rest = query[place:] or "the end"
    return QueryError(
        f"search query {shown(query)} cannot be evaluated by the sandbox at {shown(rest[:40])} "
        f"(character {place + 1}); it knows AND OR NOT - ( ), key:value, key:(a OR b), "
        'quotes, * and ?, < <= > >=, [1 TO 9], *:word; escape special characters with "\\"'
    )


class _Conditions(Transformer[Token, Condition]):
    """Turns the grammar's tree into conditions, from the leaves up."""

    def start(self, items: list[Condition]) -> Condition:
        return items[0] if items else Everything()

    def either(self, items: list[Any]) -> Any:
        return _joined(items, every=False)

    def both(self, items: list[Any]) -> Any:
        return _joined(items, every=True)

    value_either = either
    value_both = both

    def negated(self, items: list[Any]) -> Any:
        return Negated(items[-1])

    def word(self, items: list[Token]) -> Condition:
        pattern = _pattern(items[0])
        return Everything() if pattern.anything else Says(pattern)

    def phrase(self, items: list[Token]) -> Condition:
        return Says(_pattern(items[0]))

    def value(self, items: list[Token]) -> Any:
        return _pattern(items[0])

    def comparison(self, items: list[Token]) -> Any:
        sign, (number, unit) = str(items[0]), _number(items[1])
        low, high = (number, None) if sign[0] == ">" else (None, number)
        return Lies("", low, high, open=len(sign) == 1, unit=unit)

    def range(self, items: list[Token]) -> Any:
        ends = [_number(item) for item in items if item.type != "TO"]
        (low, first), (high, second) = ends
        return Lies("", low, high, open=False, unit=first or second)

    def term(self, items: list[Any]) -> Condition:
        key = _unescaped(str(items[0])[:-1])
        value = items[1] if not isinstance(items[1], Token) else _pattern(items[1])
        return _keyed(key, value)


def _joined(items: list[Any], *, every: bool) -> Any:
    parts = tuple(item for item in items if not isinstance(item, Token))
    return parts[0] if len(parts) == 1 else Joined(every, parts)


def _keyed(key: str, value: Any) -> Condition:
    """Return the condition that a field's value, or each value of a group, stands for."""
    if isinstance(value, Negated):
        return Negated(_keyed(key, value.inner))
    if isinstance(value, Joined):
        return Joined(value.every, tuple(_keyed(key, part) for part in value.parts))
    if key == "timestamp":
        raise QueryError("search query: the sandbox finds times by from and to, not by timestamp:")
    if isinstance(value, Lies):
        if key == "*":
            raise QueryError("search query: *: searches words; a comparison needs a field")
        return Lies(key, value.low, value.high, open=value.open, unit=value.unit)
    if key in ("*", "message") and not value.anything:
        return Says(value, everywhere=key == "*")
    return Everything() if key == "*" else Matches(key, value)


def _pattern(token: Token) -> Pattern:
    """Return the pattern of a value; wildcards count only where they are bare."""
    text = str(token)
    if token.type == "PHRASE":
        return Pattern(((False, _unescaped(text[1:-1])),))
    if len(text) > 2 and text[0] == text[-1] == "/":
        raise QueryError(
            f"search query: regular expressions such as {shown(text)} cannot be evaluated by the "
            "sandbox; put the text in quotes to search for the slashes themselves"
        )
    pieces = re.findall(r"\\.|[*?]|[^*?\\]+", text, re.DOTALL)
    return Pattern(tuple((piece in ("*", "?"), _unescaped(piece)) for piece in pieces))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _number(token: Token) -> tuple[float | None, bool]:
    """Return a bound, in nanoseconds when it has a unit, and whether it has one."""
    if token.type == "STAR":
        return None, False
    found = _NUMBER.fullmatch(str(token))
    if found is None:
        raise QueryError(f"search query: expected a number, for example 20ms; got {shown(token)}")
    number, unit = float(found[1]), found[2]
    return number * UNITS.get(unit, 1), bool(unit)
