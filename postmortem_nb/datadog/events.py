"""Event search: rows of ``/api/v2/events/search`` to one frame.

Title, status and service lie in the inner attributes; the source is named there or only as a tag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb.datadog import arrays, pages, searches

if TYPE_CHECKING:
    from postmortem_nb.datadog.arrays import Notes
    from postmortem_nb.datadog.asking import Asking

ORDER = ("timestamp", "title", "message", "source", "status", "service", "tags", "id")


def answer(asked: Asking) -> pd.DataFrame:
    """Return the frame of an event question."""
    pulled = pages.pull(asked.connection, searches.events(asked), asked.teller)
    made = frame([row for page in pulled.pages for row in page], asked.notes)
    return asked.record(made, partial=pulled.partial, warnings=pulled.told())


def frame(rows: list[dict[str, Any]], notes: Notes) -> pd.DataFrame:
    """Return the frame of event rows."""
    outer = [_dict(row.get("attributes")) for row in rows]
    inner = [_dict(attributes.get("attributes")) for attributes in outer]
    both = list(zip(outer, inner, strict=True))
    texts = {
        "title": [_of(pair, "title") for pair in both],
        "message": [_of(pair, "message") for pair in both],
        "source": [_source(pair) for pair in both],
        "status": [_of(pair, "status") for pair in both],
        "service": [_of(pair, "service") for pair in both],
        "id": [row.get("id") for row in rows],
    }
    columns = {name: arrays.strings(values, notes, name) for name, values in texts.items()}
    columns["timestamp"] = arrays.moments([_of(pair, "timestamp") for pair in both], notes)
    columns["tags"] = arrays.tags([attributes.get("tags") for attributes in outer], notes)
    return pd.DataFrame({name: arrays.series([columns[name]], notes) for name in ORDER}, copy=False)


def _of(pair: tuple[dict[str, Any], dict[str, Any]], name: str) -> Any:
    """Return a value of an event: the outer one, else the inner."""
    outer, inner = pair
    value = outer.get(name)
    return inner.get(name) if value is None else value


def _source(pair: tuple[dict[str, Any], dict[str, Any]]) -> Any:
    stated = _of(pair, "source_type_name") or _of(pair, "source")
    if stated is not None:
        return stated
    tags = pair[0].get("tags")
    named = (tag for tag in (tags if isinstance(tags, list) else ()) if isinstance(tag, str))
    return next((tag.removeprefix("source:") for tag in named if tag.startswith("source:")), None)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
