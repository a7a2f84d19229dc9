"""The public edition: what customers may read, without names, hosts, addresses or internal links.

Two steps, each enough for most of it. First an allow list: a blank that is not on it does not exist
in the public edition, whatever a team's template adds. Then every text that is left is read for
people that the incident names, in full or by one name, and for what points inside.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from postmortem_nb import inside
from postmortem_nb.folding import fold
from postmortem_nb.incident import Incident
from postmortem_nb.inside import Spot
from postmortem_nb.masked import MaskedIncident, covered
from postmortem_nb.parts import Query, Words
from postmortem_nb.people import people
from postmortem_nb.strangers import strangers
from postmortem_nb.tallies import Found

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from postmortem_nb.folding import Folded
    from postmortem_nb.metrics import Measure
    from postmortem_nb.parts import Part, Section
    from postmortem_nb.schema import Template
    from postmortem_nb.spellings import Names

PUBLIC: Mapping[str, frozenset[str]] = {
    "incident": frozenset(
        {
            *("title", "incident_id", "date", "severity", "services"),
            *("what_happened", "why_it_happened", "what_we_did", "what_we_will_do"),
            *("duration", "detection_time", "resolution_time"),
            *("affected_users", "affected_total", "affected_share", "failed_requests"),
            *("regions", "experience"),
        }
    ),
    "timeline": frozenset(
        {
            *("time", "phase", "step", "system_behavior", "first_indication", "finding"),
            *("root_cause", "plan", "action", "status", "improving", "remaining", "validation"),
            *("observation", "final_status"),
        }
    ),
    "actions": frozenset({"horizon", "title", "description", "due", "status"}),
    "takeaways": frozenset({"text"}),
}
"""Table → the columns of the public edition: summary, impact, timeline, what is done."""

UNKNOWN: Mapping[str, Any] = {"value": None, "parts": (), "missing": "not public"}
"""What a computed figure is in an edition that does not tell it."""

QUIET: Mapping[str, Any] = {"beside": "", "computed": None, "origin": "", "differs": False}
"""What the public edition says of a figure that several sources tell: nothing."""


class PublicIncident(MaskedIncident):
    """An incident as customers may read it; `removed` counts what was taken out."""

    def __init__(self, path: Path, template: Template) -> None:
        super().__init__(path, template)
        self.template = without_queries(template)

    def values(self, table: str) -> list[dict[str, Any]]:
        """Return a table's rows with nothing but public columns, their texts redacted."""
        allowed = PUBLIC.get(table, frozenset()) | {"row"}
        return [
            {name: self._public(table, name, value, allowed) for name, value in row.items()}
            for row in super().values(table)
        ]

    def value(self, name: str) -> Any:
        """Return a single fact where it is public, else None."""
        return self._public("incident", name, super().value(name), PUBLIC["incident"])

    def measures(self) -> dict[str, Measure]:
        """Return the computed figures; those that are not public are unknown in this edition."""
        return {
            name: replace(each, **QUIET, **_sources(each))
            if name in PUBLIC["incident"]
            else replace(each, **{**QUIET, **_sources(each), **UNKNOWN})
            for name, each in super().measures().items()
        }

    def found(self) -> Found:
        """Return nothing: which answers a figure comes from is not public."""
        return Found(silent=True)

    def cover(self, text: str, where: str = "") -> str:
        """Return a text of the document as customers may see it."""
        return self.redact(text, where)

    def redact(self, text: str, where: str = "") -> str:
        """Return a text without people and what points inside, counted at a place."""
        for kind, shown, start, end in reversed(list(found(text, self.people))):
            self.removed.note(kind, where, text[start:end])
            text = f"{text[:start]}{shown}{text[end:]}"
        return text

    def _public(self, table: str, name: str, value: Any, allowed: Iterable[str]) -> Any:
        if name not in allowed:
            if value not in (None, [], ""):
                self.removed.note("internal blank", table, f"{name} {value}")
            return None
        if name == "row":
            return value
        return covered(value, lambda text: self.redact(text, f"{table}.{name}"))

    @cached_property
    def people(self) -> Names | None:
        """The people whom this incident names; None for nobody."""
        return people(Incident.values(self, table) for table in self.template.tables)


def _sources(measure: Measure) -> dict[str, Any]:
    """Return definition and source of a figure without the answers it rests on."""
    stated = measure.source.startswith(("stated", "timeline"))
    return {
        "definition": _ORIGIN.sub("", measure.definition),
        "source": measure.source.partition(";")[0] if stated else "computed",
        "missing": measure.missing.partition(", and ")[0],
    }


_ORIGIN = re.compile(r" \(evidence: [^()]*\)")
"""Where a definition names an answer."""


def without_queries(template: Template) -> Template:
    """Return a template that asks Datadog nothing: queries and the lines that announce them go."""
    sections = tuple(_quiet(section) for section in template.sections)
    return replace(template, sections=sections)


def _quiet(section: Section) -> Section:
    parts: list[Part] = []
    for part in section.parts:
        if not isinstance(part, Query):
            parts.append(part)
        elif parts and isinstance(parts[-1], Words) and part.label:
            words = parts[-1].text
            start, found, _ = words.rpartition(part.label)
            parts[-1] = Words(start[: start.rfind("\n") + 1] if found else words)
    inner = tuple(_quiet(each) for each in section.sections)
    return replace(section, parts=tuple(parts), sections=inner)


def found(text: str, names: Names | None) -> list[Spot]:
    """Return what the public edition may not say of a text, in order, none overlapping another.

    It is looked for in the text as a reader recognises it (`folding`).
    """
    folded = fold(text)
    said = folded.text
    spots = inside.spots(said)
    spans = [*(names.spans(said) if names is not None else ()), *strangers(said)]
    spots += [Spot("name", "[person]", *span) for span in spans]
    return [spot._replace(start=start, end=end) for spot, start, end in _placed(spots, folded)]


def _placed(spots: list[Spot], folded: Folded) -> Iterator[tuple[Spot, int, int]]:
    """Yield spots where they stand in the text as it was written; those that overlap are one.

    The longest of them says what it is, so that no end of another is left standing.
    """
    spots.sort(key=lambda spot: spot.start)  # in the order of their kinds where they begin as one
    place = 0
    while place < len(spots):
        start, end, chosen = spots[place].start, spots[place].end, spots[place]
        while (place := place + 1) < len(spots) and spots[place].start < end:
            if spots[place].length > chosen.length:
                chosen = spots[place]
            end = max(end, spots[place].end)
        yield (chosen, *folded.span(start, end))
