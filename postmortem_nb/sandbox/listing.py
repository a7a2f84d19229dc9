"""Rows as Datadog writes them: a log, a span, an event, in the JSON of the list endpoints."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from postmortem_nb.sandbox import pages, world
from postmortem_nb.sandbox.answers import JSON, JSON_API, Answer, Ask, iso, mapping, opaque

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postmortem_nb.sandbox.table import Table

KINDS = {"logs": 1, "spans": 2, "events": 3}
"""The lists there are; the number begins their rows' ids."""

GROUPED = {
    name.replace(".", "[", 1) + "]": name
    for name in (
        *("filter.query", "filter.from", "filter.to", "filter.indexes", "filter.storage_tier"),
        *("page.limit", "page.cursor"),
    )
}


def search(ask: Ask, kind: str) -> Answer:
    """Answer ``POST …/search``; spans come in a JSON:API envelope, the others bare."""
    body = mapping(ask.body, "body")
    if kind == "spans":
        body = mapping(mapping(body.get("data"), "data").get("attributes"), "data.attributes")
    return _answered(ask, kind, body, timed=True)


def browse(ask: Ask, kind: str) -> Answer:
    """Answer the same question asked by ``GET`` with parameters like ``filter[query]``."""
    body: dict[str, Any] = {"sort": ask.params.get("sort")}
    for param, name in GROUPED.items():
        if param in ask.params:
            group, key = name.split(".")
            body.setdefault(group, {})[key] = ask.params[param]
    return _answered(ask, kind, body, timed=kind == "spans")


def _answered(ask: Ask, kind: str, body: Mapping[str, Any], *, timed: bool) -> Answer:
    asked = pages.page(ask, kind, body)
    numbers = pages.rows(ask.seed, kind, asked).tolist()
    table, write = world.table(ask.seed, kind), WRITERS[kind]
    shown = [write(table, number) for number in numbers]
    envelope = pages.envelope(ask, kind, asked, shown, numbers[-1] if numbers else -1)
    if timed and shown:
        request = opaque(ask.seed, kind, body)
        envelope["meta"] |= {"elapsed": 20 + len(shown) // 8, "request_id": request}
        envelope["meta"]["status"] = "done"
    return Answer(envelope, kind=JSON_API if kind == "spans" else JSON)


def row_id(kind: str, milliseconds: int, number: int) -> str:
    """Return an id that is a row's own and says nothing to a reader."""
    packed = bytes([KINDS[kind], 0]) + milliseconds.to_bytes(8, "big") + number.to_bytes(8, "big")
    return base64.urlsafe_b64encode(packed).decode()


def log(table: Table, number: int) -> dict[str, Any]:
    """Return one log."""
    moment, row = int(table.milliseconds[number]), table.row(number)
    plain = {key: row[key] for key in ("service", "status", "host", "message", "tags")}
    attributes: dict[str, Any] = {"timestamp": iso(moment)} | plain
    if nested := table.attributes(row):  # lines without attributes have no such key
        attributes["attributes"] = nested
    return {"id": row_id("logs", moment, number), "type": "log", "attributes": attributes}


def span(table: Table, number: int) -> dict[str, Any]:
    """Return one span: its own fields on top, everything else in ``custom``."""
    begun, row = int(table.milliseconds[number]), table.row(number)
    attributes = {path: value for path, value in row.items() if path[0] != "@"}
    attributes["start_timestamp"] = iso(begun)
    attributes["end_timestamp"] = iso(begun + row["@duration"] // 1_000_000)
    attributes["custom"] = table.attributes(row)
    return {"id": row_id("spans", begun, number), "type": "spans", "attributes": attributes}


def event(table: Table, number: int) -> dict[str, Any]:
    """Return one event; its inner attributes repeat the moment in milliseconds."""
    moment, row = int(table.milliseconds[number]), table.row(number)
    inner = table.attributes(row) | {"timestamp": moment}
    attributes = {
        "timestamp": iso(moment).replace(".000Z", "Z"),
        "message": row["message"],
        "tags": row["tags"],
        "attributes": inner,
    }
    return {"id": row_id("events", moment, number), "type": "event", "attributes": attributes}


WRITERS: dict[str, Callable[[Table, int], dict[str, Any]]] = {
    "logs": log,
    "spans": span,
    "events": event,
}
"""What writes a row of each kind."""
