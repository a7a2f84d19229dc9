"""What is sent to the search endpoints: one body a page, the same window and sort throughout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postmortem_nb.datadog import answers, asking, pages
from postmortem_nb.datadog import logs as log_rows
from postmortem_nb.errors import QueryError, expected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postmortem_nb.datadog.asking import Asking

SORTS = ("timestamp", "-timestamp")
TIERS = ("indexes", "online-archives", "flex")


def logs(asked: Asking, words: str, *, limit: int) -> pages.Search:
    """Return the log search of a question whose query is the argument ``words``."""
    arguments, name = asked.arguments, asked.function
    query = _query(asked, words)
    sort = asking.chosen(name, "sort", arguments.get("sort", "timestamp"), SORTS)
    tier = asking.chosen(name, "storage_tier", arguments["storage_tier"], TIERS)
    indexes = asking.texts(name, "indexes", arguments["indexes"])

    def body(size: int, cursor: str, window: tuple[str, str]) -> dict[str, Any]:
        where: dict[str, Any] = {"query": query, "from": window[0], "to": window[1]}
        where |= {"indexes": indexes, "storage_tier": tier}
        return {"filter": where, "sort": sort, "page": _page(size, cursor)}

    return pages.Search(
        "logs",
        body,
        answers.rows,
        log_rows.keep,
        (asked.start, asked.end),
        limit,
        sort.startswith("-"),
        log_rows.reached,
    )


def spans(asked: Asking) -> pages.Search:
    """Return the span search of a question; its body has the envelope that this endpoint wants."""

    def wrapped(inner: dict[str, Any]) -> dict[str, Any]:
        return {"data": {"type": "search_request", "attributes": inner}}

    return _search(asked, "spans", wrapped)


def events(asked: Asking) -> pages.Search:
    """Return the event search of a question."""
    return _search(asked, "events", dict)


def _search(
    asked: Asking, operation: str, wrap: Callable[[dict[str, Any]], dict[str, Any]]
) -> pages.Search:
    query = _query(asked, "query")
    sort = asking.chosen(asked.function, "sort", asked.arguments["sort"], SORTS)

    def body(size: int, cursor: str, window: tuple[str, str]) -> dict[str, Any]:
        where = {"query": query, "from": window[0], "to": window[1]}
        return wrap({"filter": where, "sort": sort, "page": _page(size, cursor)})

    limit = asking.count(asked.function, asked.arguments["limit"])
    return pages.Search(operation, body, answers.rows, _kept, (asked.start, asked.end), limit)


def _query(asked: Asking, name: str) -> str:
    query = asked.arguments[name]
    if not isinstance(query, str):
        label = f"{asked.function}: {name}"
        raise QueryError(expected(label, "a search", example="'status:error'", came=query))
    return query.strip() or "*"


def _page(size: int, cursor: str) -> dict[str, Any]:
    return {"limit": size, "cursor": cursor} if cursor else {"limit": size}


def _kept(rows: list[Any], places: Sequence[int]) -> list[Any]:
    return [rows[place] for place in places]
