"""The dataset as one JSON document, for programs: facts, tables, measures, evidence, digest.

Its shape is published as a JSON Schema beside the template (``dataset.schema.json``). What is
missing is null; times are ISO 8601 in UTC, dates ISO 8601, money and percent numbers.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from postmortem_nb import filling, masked, page, text, times
from postmortem_nb.figures import Figures
from postmortem_nb.masking import mask

if TYPE_CHECKING:
    from postmortem_nb.masked import MaskedIncident
    from postmortem_nb.metrics import Measure
    from postmortem_nb.sources import Source

FORMAT = "postmortem-nb dataset"
VERSION = 1


def write(source: Source, incident: MaskedIncident) -> str:
    """Return the dataset of an incident as JSON text, secrets masked."""
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
    whole = masked.covered(whole, mask)  # the second look: nothing that was made above is left out
    return json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


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
