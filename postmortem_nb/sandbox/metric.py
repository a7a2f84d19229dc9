"""The language of metric queries and formulas: text as a tree of series, calls and arithmetic.

The grammar is ``metric.lark``. Every series names sources by a *scope* (which tags), may group
them *by* tag keys, and may be modified (``.as_count()``, ``.rollup(max, 60)``, ``.fill(zero)``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

from postmortem_nb.errors import QueryError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 8_192
"""Characters of a query."""

METHODS = ("avg", "sum", "min", "max", "count")
FILLS = ("linear", "last", "zero", "null")
LONGEST_GAP, USUAL_GAP = 600, 300
"""Seconds that ``fill`` may bridge, and those it bridges when nobody says."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A source has this tag; ``*`` in the value stands for anything."""

    key: str
    value: str

    def holds(self, tags: Mapping[str, str]) -> bool:
        """Return whether a source's tags have it."""
        if self.key not in tags:
            return False
        shape = ".*".join(re.escape(part) for part in self.value.split("*"))
        return re.fullmatch(shape, tags[self.key]) is not None


@dataclass(frozen=True, slots=True)
class Scope:
    """All, any or none of some conditions on tags."""

    kind: str
    parts: tuple[Scope | Tag, ...]

    def holds(self, tags: Mapping[str, str]) -> bool:
        """Return whether a source's tags fit."""
        found = (part.holds(tags) for part in self.parts)
        if self.kind == "none":
            return not any(found)
        return all(found) if self.kind == "all" else any(found)


ANY_SOURCE = Scope("all", ())


@dataclass(frozen=True, slots=True)
class Series:
    """One metric: how sources are joined, which ones, into which groups, over what time."""

    metric: str
    aggregator: str | None
    scope: Scope
    scope_text: str
    by: tuple[str, ...] = ()
    counted: str = ""
    """``count`` or ``rate`` after as_count or as_rate."""
    method: str | None = None
    interval: int | None = None
    """Seconds of a rollup; None leaves it to the window."""
    fill: str | None = None
    gap: int = USUAL_GAP

    @property
    def text(self) -> str:
        """Return the series as a query, without its modifiers of time."""
        by = f" by {{{','.join(self.by)}}}" if self.by else ""
        counted = f".as_{self.counted}()" if self.counted else ""
        head = f"{self.aggregator}:" if self.aggregator else ""
        return f"{head}{self.metric}{{{self.scope_text}}}{by}{counted}"


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a formula."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """A formula's word for one of its queries."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted argument of a function."""

    value: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of its arguments."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    """Two sides and one of ``+ - * /``."""

    sign: str
    left: Node
    right: Node


Node = Series | Number | Name | Text | Call | Binary


@lru_cache(maxsize=256)
def parse(query: str) -> tuple[Node, ...]:
    """Return the trees of the queries in a text, parted by commas; QueryError when unreadable."""
    if len(query) > LONGEST:
        raise QueryError(f"metric query: expected up to {LONGEST:,} characters; got {len(query):,}")
    try:
        tree = _grammar().parse(query)
        found: tuple[Node, ...] = _Nodes(query).transform(tree)
    except UnexpectedInput as error:
        raise _refused(query, error.pos_in_stream) from None
    except VisitError as error:
        raise error.orig_exc from None
    return found


def formula(text: str) -> Node:
    """Return the tree of one formula over named queries."""
    trees = parse(text)
    if len(trees) != 1:
        raise QueryError(f"formula: expected one expression; got {shown(text)}")
    return trees[0]


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = files("postmortem_nb.sandbox").joinpath("metric.lark").read_text("utf-8")
    return Lark(text, parser="lalr", maybe_placeholders=False, propagate_positions=True)


def _refused(query: str, place: int | None) -> QueryError:
    place = max(place or 0, 0)
    rest = query[place:] or "the end"
    return QueryError(
        f"metric query {shown(query)} cannot be evaluated by the sandbox at {shown(rest[:40])} "
        f"(character {place + 1}); expected, for example, "
        "sum:trace.checkout.request.errors{env:prod} by {host}.as_count()"
    )


class _Nodes(Transformer[Token, Any]):
    """Turns the grammar's tree into nodes, from the leaves up."""

    def __init__(self, query: str) -> None:
        super().__init__()
        self._query = query

    def start(self, items: list[Node]) -> tuple[Node, ...]:
        return tuple(items)

    def sums(self, items: list[Any]) -> Node:
        node = items[0]
        for sign, right in zip(items[1::2], items[2::2], strict=True):
            node = Binary(str(sign), node, right)
        return node  # type: ignore[no-any-return]

    product = sums

    def negative(self, items: list[Any]) -> Node:
        return Binary("*", Number(-1.0), items[-1])

    def number(self, items: list[Token]) -> Node:
        return Number(float(items[0]))

    def name(self, items: list[Token]) -> Node:
        return Name(str(items[0]))

    def string(self, items: list[Token]) -> Node:
        return Text(str(items[0])[1:-1])

    def call(self, items: list[Any]) -> Node:
        return Call(str(items[0]), tuple(items[1:]))

    def grouping(self, items: list[Token]) -> dict[str, Any]:
        return {"by": tuple(str(item) for item in items if item.type == "KEY")}

    def modifier(self, items: list[Token]) -> tuple[str, list[str]]:
        return str(items[0])[1:], [str(item) for item in items[1:]]

    def series(self, items: list[Any]) -> Node:
        *aggregator, metric = re.split(r"\s*:\s*", str(items[0]))
        scope, text = items[1]
        node = Series(metric, aggregator[0] if aggregator else None, scope, text)
        for item in items[2:]:
            node = replace(node, **item) if isinstance(item, dict) else _modified(node, *item)
        return node

    def scope(self, items: list[Any]) -> tuple[Scope, str]:
        texts = [text for _, text, _ in items]
        styles = {style for *_, style in items}
        if "mixed" in styles or (len(items) > 1 and "words" in styles):
            raise QueryError(
                f"metric scope {{{','.join(texts)}}}: expected either commas and ! or AND, OR, "
                "NOT and IN, not both"
            )
        return Scope("all", tuple(part for part, *_ in items)), ",".join(texts)

    def either(self, items: list[Any]) -> Any:
        return _joined("any", items)

    def both(self, items: list[Any]) -> Any:
        return _joined("all", items)

    def tag(self, items: list[Token]) -> Any:
        text = str(items[0])
        return (ANY_SOURCE if text == "*" else _tag(text)), text, "plain"

    def without(self, items: list[Token]) -> Any:
        return Scope("none", (_tag(str(items[1])),)), f"!{items[1]}", "sign"

    def unlike(self, items: list[Any]) -> Any:
        part, text, style = items[-1]
        mixed = style in ("sign", "mixed")
        return Scope("none", (part,)), f"NOT {text}", "mixed" if mixed else "words"

    def among(self, items: list[Token]) -> Any:
        key, values = str(items[0]), [str(item) for item in items[2:]]
        parts = tuple(Tag(key, value) for value in values)
        return Scope("any", parts), f"{key} IN ({','.join(values)})", "words"

    def not_among(self, items: list[Token]) -> Any:
        scope, text, style = self.among([items[0], *items[2:]])
        return Scope("none", (scope,)), text.replace(" IN ", " NOT IN ", 1), style


def _joined(kind: str, items: list[Any]) -> Any:
    """Return conditions joined by AND or OR with their text; a lone one stays as it is."""
    parts = [item for item in items if not isinstance(item, Token)]
    if len(parts) == 1:
        return parts[0]
    word = " AND " if kind == "all" else " OR "
    whole = Scope(kind, tuple(part for part, *_ in parts))
    mixed = {"sign", "mixed"} & {style for *_, style in parts}
    text = f"({word.join(text for _, text, _ in parts)})"
    return whole, text, "mixed" if mixed else "words"


def _tag(text: str) -> Tag:
    if text.startswith("$"):
        said = f"metric scope: expected the value of template variable {shown(text)}"
        raise QueryError(f"{said}, for example env:prod; got its name")
    key, _, value = text.partition(":")
    return Tag(key, value)


def _modified(series: Series, name: str, settings: list[str]) -> Series:
    """Return a series with one more modifier; QueryError for one that is not known."""
    made: dict[str, Any] | None = None
    if name in ("as_count", "as_rate") and not settings:
        made = {"counted": name[3:]}
    elif name == "rollup" and 1 <= len(settings) <= 2:
        made = _rollup(settings)
    elif name == "fill" and 1 <= len(settings) <= 2 and settings[0] in FILLS:
        gap = int(settings[1]) if settings[1:] and settings[1].isdecimal() else USUAL_GAP
        made = {"fill": settings[0], "gap": min(gap, LONGEST_GAP)}
    if made is None:
        raise QueryError(
            f"metric query: the sandbox cannot evaluate .{name}({', '.join(settings)}); it knows "
            ".as_count() .as_rate() .rollup(avg, 60) .fill(linear, 300)"
        )
    return replace(series, **made)


def _rollup(settings: list[str]) -> dict[str, Any] | None:
    """Return method and interval of ``rollup(method[, seconds])`` or ``rollup(seconds)``."""
    method = None if settings[0].isdecimal() else settings[0]
    seconds = settings[-1] if settings[-1].isdecimal() else None
    if (method is not None and method not in METHODS) or seconds == "0":
        return None
    if method is None and len(settings) == 2:
        return None
    if len(settings) == 2 and seconds is None:
        return None
    return {"method": method, "interval": int(seconds) if seconds else None}
