"""Span search: rows of ``/api/v2/spans/events/search`` to one frame.

Real rows hold everything of the application under ``custom`` (the documented ``attributes`` is
absent), ids as decimal texts of 64 bits, and the exact length of a span in nanoseconds only as
``custom.duration``: start and end have milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb.datadog import arrays, fields

if TYPE_CHECKING:
    from postmortem_nb.datadog.arrays import Notes
    from postmortem_nb.datadog.fields import Wanted

TEXTS = {
    "service": ("service",),
    "resource_name": ("resource_name",),
    "operation_name": ("operation_name", "custom.operation_name"),
    "status": ("status", "custom.status"),
    "trace_id": ("trace_id",),
    "span_id": ("span_id",),
    "parent_id": ("parent_id",),
    "env": ("env", "custom.env"),
    "host": ("host", "custom.host"),
    "error.type": ("custom.error.type", "error.type"),
    "error.message": ("custom.error.message", "error.message"),
    "error.stack": ("custom.error.stack", "error.stack"),
    "type": ("type",),
}
"""Text columns and where their value lies, the first place that has one."""
ORDER = (
    "timestamp",
    "service",
    "resource_name",
    "operation_name",
    "status",
    "duration",
    "trace_id",
    "span_id",
    "parent_id",
    "env",
    "host",
    "error.type",
    "error.message",
    "error.stack",
    "type",
    "tags",
    "id",
)


def frame(rows: list[dict[str, Any]], wanted: Wanted, notes: Notes) -> pd.DataFrame:
    """Return the frame of span rows, one column per wanted attribute after the usual ones."""
    trees = [_attributes(row) for row in rows]
    columns: dict[str, Any] = {
        name: arrays.strings([_first(tree, places) for tree in trees], notes, name)
        for name, places in TEXTS.items()
    }
    columns["timestamp"] = arrays.moments([tree.get("start_timestamp") for tree in trees], notes)
    nanoseconds = [_first(tree, ("custom.duration", "duration")) for tree in trees]
    columns["duration"] = arrays.lengths(nanoseconds, notes)
    columns["tags"] = arrays.tags([tree.get("tags") for tree in trees], notes)
    columns["id"] = arrays.strings([row.get("id") for row in rows], notes, "id")
    found = {name: arrays.series([columns[name]], notes) for name in ORDER}
    for path, values in fields.columns([_custom(tree) for tree in trees], wanted, notes).items():
        if path not in found:
            found[path] = arrays.series([values], notes)
        elif path not in TEXTS:
            found[f"@{path}"] = arrays.series([values], notes)
    return pd.DataFrame(found, copy=False)


def _attributes(row: dict[str, Any]) -> dict[str, Any]:
    attributes = row.get("attributes")
    return attributes if isinstance(attributes, dict) else {}


def _custom(tree: dict[str, Any]) -> dict[str, Any]:
    """Return what a query may name with ``@``: the custom attributes over the span's own."""
    custom = tree.get("custom")
    inner = tree.get("attributes")
    return {
        **{name: value for name, value in tree.items() if name not in ("custom", "attributes")},
        **(inner if isinstance(inner, dict) else {}),
        **(custom if isinstance(custom, dict) else {}),
    }


def _first(tree: dict[str, Any], places: tuple[str, ...]) -> Any:
    return next((v for place in places if (v := fields.at(tree, place)) is not None), None)
