"""Datadog notebooks that were made on this server: kept in memory, gone when it ends."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from postmortem_nb.errors import QueryError, shown
from postmortem_nb.sandbox.answers import Answer, Ask, Refused, listed, mapping, opaque, text
from postmortem_nb.sandbox.incidents import ident, stamp
from postmortem_nb.sandbox.scenario import ON_CALL

if TYPE_CHECKING:
    from collections.abc import Mapping

HTML = "text/html; charset=utf-8"
FIRST = 48_210_001
LONGEST_NAME = 80
CELLS = ("markdown", "timeseries", "toplist", "heatmap", "distribution", "log_stream")
"""The kinds of cell that may be written."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title>
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'">
<style>body {{ font: 15px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; border-top: 1px solid #ccc }}</style></head>
<body><h1>{name}</h1>
<p>The sandbox, not a Datadog account: the cells of the notebook, as Datadog is given them.</p>
{cells}</body></html>
"""

_METADATA = {"take_snapshots": False, "is_template": False, "is_favorite": False, "type": None}


def create(ask: Ask) -> Answer:
    """Answer ``POST /api/v1/notebooks``."""
    number = FIRST + ask.shelf.made
    ask.shelf.made += 1
    ask.shelf.notebooks[number] = _written(ask, number, stamp(ask.now))
    return Answer({"data": ask.shelf.notebooks[number]})


def replace(ask: Ask) -> Answer:
    """Answer ``PUT /api/v1/notebooks/{id}``: all cells anew."""
    old = _kept(ask)
    number = int(old["id"])
    ask.shelf.notebooks[number] = _written(ask, number, old["attributes"]["created"])
    return Answer({"data": ask.shelf.notebooks[number]})


def one(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/notebooks/{id}``."""
    return Answer({"data": _kept(ask)})


def page(ask: Ask) -> Answer:
    """Answer ``GET /notebook/{id}``, the address for people: every cell as text."""
    found = _kept(ask)["attributes"]
    definitions = [cell["attributes"]["definition"] for cell in found["cells"]]
    texts = [each.get("text") or json.dumps(each, indent=1) for each in definitions]
    cells = "".join(f"<pre>{escape(str(each))}</pre>\n" for each in texts)
    return Answer(_PAGE.format(name=escape(found["name"]), cells=cells), 200, HTML)


def delete(ask: Ask) -> Answer:
    """Answer ``DELETE /api/v1/notebooks/{id}``: 204 and nothing."""
    del ask.shelf.notebooks[int(_kept(ask)["id"])]
    return Answer(None, 204, HTML)


def every(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/notebooks``, newest first, by a word of the name and by type."""
    query, kind = ask.params.get("query", "").lower(), ask.params.get("type")
    found = [
        notebook
        for notebook in reversed(ask.shelf.notebooks.values())
        if query in notebook["attributes"]["name"].lower()
        and kind in (None, notebook["attributes"]["metadata"]["type"])
    ]
    first = ask.number("start", 0, (0, 10**6))
    chosen = found[first : first + ask.number("count", 100, (1, 1000))]
    page = {"total_count": len(found), "total_filtered_count": len(chosen)}
    return Answer({"data": chosen, "meta": {"page": page}})


def _kept(ask: Ask) -> dict[str, Any]:
    found = ask.shelf.notebooks.get(int(ask.parts["id"]))
    if found is None:
        raise Refused(404, "Notebook not found")
    return found


def _written(ask: Ask, number: int, created: str) -> dict[str, Any]:
    """Return the notebook that a body describes; QueryError for what may not be written."""
    data = mapping(mapping(ask.body, "body").get("data"), "data")
    asked = mapping(data.get("attributes"), "data.attributes")
    name = text(asked.get("name"), "name")
    if data.get("type") != "notebooks" or not 0 < len(name) <= LONGEST_NAME:
        said = f"expected type notebooks and a name of 1 to {LONGEST_NAME} characters"
        raise QueryError(f"notebook: {said}; got {shown(data.get('type'))}, {shown(name)}")
    when = mapping(asked.get("time"), "time")
    if not (when.get("live_span") or (when.get("start") and when.get("end"))):
        raise QueryError("time: expected live_span, or start and end")
    cells = [
        _cell(mapping(cell, f"cells[{n}]"), number, n)
        for n, cell in enumerate(listed(asked.get("cells"), "cells"))
    ]
    moment = stamp(ask.now)
    return {
        "type": "notebooks",
        "id": number,
        "attributes": {
            "name": name,
            "cells": cells,
            "time": dict(when),
            "metadata": _METADATA | dict(mapping(asked.get("metadata"), "metadata")),
            "template_variables": listed(asked.get("template_variables"), "template_variables"),
            "status": "published",
            "modified": moment,
            "created": created,
            "deleted": None,
            "tags": None,
            "author": _author(),
        },
    }


def _cell(cell: Mapping[str, Any], number: int, place: int) -> dict[str, Any]:
    """Return a cell as it is kept: with an id, and null for the time of its own."""
    attributes = dict(mapping(cell.get("attributes"), f"cells[{place}].attributes"))
    kind = mapping(attributes.get("definition"), f"cells[{place}].definition").get("type")
    if kind not in CELLS:
        raise QueryError(
            f"cells[{place}]: expected a definition of type {', '.join(CELLS)}; got {shown(kind)}"
        )
    own = opaque(number, place)[5:13]
    return {"type": "notebook_cells", "id": str(cell.get("id") or own), "attributes": attributes}


def _author() -> dict[str, Any]:
    return {
        "name": ON_CALL.name,
        "handle": ident("user", ON_CALL.handle),
        "created_at": "2024-02-01T09:00:00.000000+00:00",
        "email": ON_CALL.email,
        "icon": "https://larkspur-home.example/icon.png",
        "title": None,
        "verified": True,
        "disabled": False,
        "status": "Active",
    }
