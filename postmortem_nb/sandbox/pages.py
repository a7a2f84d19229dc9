"""Lists a page at a time: logs, spans and events that a search finds in a window.

A cursor names the last row shown, so pages neither repeat nor skip rows. After a page with rows
there is always a cursor; the page after the last is ``{"data": []}``, as Datadog answers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from postmortem_nb import times
from postmortem_nb.errors import QueryError
from postmortem_nb.sandbox import world
from postmortem_nb.sandbox.answers import JSON_API, Refused, listed, mapping, one_of, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from postmortem_nb.sandbox.answers import Ask

MOST = 1000
"""Rows of a page; 10 when nobody says."""

INDEXES = ("*", "main")
_TURNED = "'from' should be anterior to 'to'"


@dataclass(frozen=True)
class Window:
    """What is searched: a query, and the span of epoch milliseconds, ends included."""

    query: str
    span: tuple[int, int]


@dataclass(frozen=True)
class Page:
    """Which rows to show: the window, the order, how many, and after which row."""

    window: Window
    newest_first: bool
    limit: int
    after: tuple[int, int] | None


def window(ask: Ask, kind: str, asked: Mapping[str, Any]) -> Window:
    """Return the window of a ``filter``; QueryError or Refused when it cannot be searched."""
    begin = times.ms(ask.moment(asked.get("from"), "filter.from", "now-15m"))
    end = times.ms(ask.moment(asked.get("to"), "filter.to", "now"))
    if begin > end:
        said = f"Field 'filter.from,to' is invalid: {_TURNED}"
        if kind == "spans":
            fault = {"title": "Generic Error", "detail": f"invalid_argument({said})"}
            raise Refused(422, fault, kind=JSON_API)
        raise Refused(400, f"input_validation_error({said})")
    if unknown := [name for name in _names(asked.get("indexes")) if name not in INDEXES]:
        raise QueryError(f"filter.indexes: the sandbox has one index, 'main'; got {unknown}")
    one_of(asked.get("storage_tier"), "filter.storage_tier", ("indexes",))
    return Window(text(asked.get("query"), "filter.query", "*"), (begin, end))


def _names(value: object) -> list[Any]:
    return value.split(",") if isinstance(value, str) else listed(value, "filter.indexes")


def page(ask: Ask, kind: str, asked: Mapping[str, Any]) -> Page:
    """Return the page that a body with ``filter``, ``sort`` and ``page`` asks for."""
    searched = window(ask, kind, mapping(asked.get("filter"), "filter"))
    sort = one_of(asked.get("sort"), "sort", ("-timestamp", "timestamp"))
    paging = mapping(asked.get("page"), "page")
    limit = whole(paging.get("limit", 10), "page.limit", (1, MOST))
    cursor = text(paging.get("cursor"), "page.cursor")
    newest = sort == "-timestamp"
    after = place(cursor, mark(kind, searched.query, newest), kind) if cursor else None
    return Page(searched, newest, limit, after)


def rows(seed: int, kind: str, asked: Page) -> NDArray[Any]:
    """Return the numbers of the rows of a page, in its order."""
    numbers = world.found(seed, kind, asked.window.query, asked.window.span)
    if asked.after is not None:
        last = asked.after[1]
        numbers = numbers[numbers < last] if asked.newest_first else numbers[numbers > last]
    return numbers[::-1][: asked.limit] if asked.newest_first else numbers[: asked.limit]


def envelope(ask: Ask, kind: str, asked: Page, shown: list[Any], last: int) -> dict[str, Any]:
    """Return the rows with cursor and link to the next page; nothing but ``data`` at the end."""
    if not shown:
        return {"data": []}
    own = mark(kind, asked.window.query, asked.newest_first)
    cursor = packed((asked.window.span[0], last), own)
    begin, end = asked.window.span
    link = {
        "filter[query]": asked.window.query,
        "filter[from]": begin,
        "filter[to]": end,
        "sort": "-timestamp" if asked.newest_first else "timestamp",
        "page[cursor]": cursor,
        "page[limit]": asked.limit,
    }
    path = f"/api/v2/{kind}" if kind == "events" else f"/api/v2/{kind}/events"
    return {
        "meta": {"page": {"after": cursor}},
        "data": shown,
        "links": {"next": f"{ask.base}{path}?{urlencode(link)}"},
    }


def mark(kind: str, query: str, newest_first: object) -> str:
    """Return what ties a cursor to its question."""
    said = f"{kind}\x1f{query}\x1f{newest_first}"
    return hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=6).hexdigest()


def packed(after: tuple[int, int], own: str) -> str:
    """Return a cursor: a place, and the mark of the question that it belongs to."""
    return base64.urlsafe_b64encode(orjson.dumps({"after": after, "of": own})).decode().rstrip("=")


def place(cursor: str, own: str, kind: str) -> tuple[int, int]:
    """Return the place that a cursor names; Refused when it is not of this question."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if found["of"] == own:
            begin, last = found["after"]
            return int(begin), int(last)
    except (binascii.Error, ValueError, TypeError, KeyError):
        pass
    said = "input_validation_error(Field 'page' is invalid: invalid cursor)"
    if kind == "events":  # the real one wraps a Python dict in a text
        said = str({"errors": [said]})
    raise Refused(400, said)
