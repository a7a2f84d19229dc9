"""The dataset as one JSON document, for programs: facts, tables, measures, evidence, digest.

Its shape is published as a JSON Schema beside the template (``dataset.schema.json``). What is
missing is null; times are ISO 8601 in UTC, dates ISO 8601, money and percent numbers. What is
not public is not in the public edition at all: it names its ``audience`` and holds no evidence.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from postmortem_nb import filling, masked, page, text, times
from postmortem_nb.figures import Figures
from postmortem_nb.masking import mask
from postmortem_nb.parts import SINGLE
from postmortem_nb.redaction import PUBLIC, PublicIncident

if TYPE_CHECKING:
    from collections.abc import Callable

    from postmortem_nb.masked import MaskedIncident
    from postmortem_nb.metrics import Measure
    from postmortem_nb.sources import Source

FORMAT = "postmortem-nb dataset"
VERSION = 1


def write(source: Source, incident: MaskedIncident) -> str:
    """Return the dataset of an incident as JSON text, as its audience may read it."""
    shown = Figures(incident, source.cells, source.cover)
    facts = filling.gather(incident)
    single = {name: value for name, value in facts.single.items() if name != "row"}
    whole = {
        "format": FORMAT,
        "version": VERSION,
        "id": source.cover(incident.id),
        "template": incident.template.digest,
        "facts": _plain(single),
        "tables": {name: _plain(rows) for name, rows in facts.tables.items()},
        "measures": {name: _measure(measure) for name, measure in facts.measures.items()},
        "evidence": [_plain(record) for record in shown.records()],
        "digest": page.digest(incident.template.digest, facts, source.cells, shown),
    }
    if isinstance(incident, PublicIncident):
        whole = _public(whole, incident) | ({"sandbox": True} if shown.sandbox else {})
    whole = masked.covered(whole, mask)  # the second look: nothing that was made above is left out
    return json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _public(whole: dict[str, Any], incident: PublicIncident) -> dict[str, Any]:
    """Return the document with nothing but what is public, its texts looked at a second time."""
    single = PUBLIC[SINGLE]
    parts = {
        "facts": _of(whole["facts"], single),
        "tables": {
            name: [_of(row, PUBLIC[name] | {"row"}) for row in rows]
            for name, rows in whole["tables"].items()
            if name in PUBLIC
        },
        "measures": _of(whole["measures"], single),
        "evidence": [],
    }
    return {**whole, "audience": page.PUBLIC, **_redacted(parts, incident.redact)}


def _of(row: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in names}


def _redacted(value: Any, cover: Callable[[str], str]) -> Any:
    """Return a value with its texts covered, but for names of columns and ids of rows."""
    if isinstance(value, dict):
        return {
            name: item if name == "row" else _redacted(item, cover) for name, item in value.items()
        }
    if isinstance(value, list):
        return [_redacted(item, cover) for item in value]
    return cover(value) if isinstance(value, str) else value


def _measure(measure: Measure) -> dict[str, Any]:
    return {
        "label": measure.label,
        "value": _plain(measure.value),
        "unit": measure.unit,
        "definition": measure.definition,
        "from": measure.source,
        "missing": measure.missing or None,
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, datetime):
        return times.iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return text.clean(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
