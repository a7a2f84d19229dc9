"""An incident as the checks see it: plain values, measures, and where each blank stands.

A `Case` is taken once, so that a hundred rules read the same moment of an incident.
A place is written as a reader would find it: ``Action Items › Immediate › row 2 › Owner``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postmortem_nb import edits, kinds, metrics
from postmortem_nb.checks.numerals import in_digits
from postmortem_nb.errors import BadValue
from postmortem_nb.parts import Blank, Rows

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from postmortem_nb.edits import Edit
    from postmortem_nb.incident import Incident
    from postmortem_nb.parts import Column, Section
    from postmortem_nb.schema import Template

Row = dict[str, Any]
"""One row of a table: its id under ``row``, its values under their columns' names."""

BETWEEN = " › "
SINGLE = "incident"
"""The one-row table of single facts; its row has the same id."""

_THING = re.compile(r"\d|[“”\"]|\b(?:monitor|alert|alarm|dashboard|synthetic)\b", re.IGNORECASE)
"""In what detected an incident: it is no person."""
PEOPLE: tuple[tuple[str, str], ...] = (
    (SINGLE, "author"),
    (SINGLE, "reviewers"),
    ("timeline", "detected_by"),
    ("timeline", "on_call"),
    ("timeline", "responders"),
    ("timeline", "responsible"),
    ("approvals", "name"),
)
"""Columns that hold people; every column called ``owner`` does too."""


Place = tuple[list[str], object]
"""A part of the template, and the titles of the sections that it stands in."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One filled blank: where it is and what it holds."""

    table: str
    row: str
    column: Column
    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Facts, tables and measures of an incident at one moment."""

    template: Template
    facts: Mapping[str, Any]
    tables: Mapping[str, Sequence[Row]]
    measures: Mapping[str, metrics.Measure]
    moments: metrics.Facts
    typed: Mapping[str, Any]
    """Computed blanks that people typed all the same: name → the value they gave last."""
    edits: Sequence[Edit]
    """Every edit, in the order of the log."""
    places: Sequence[Place]
    """Every part of the template with the titles above it."""
    cells: Sequence[Cell]
    """Every filled cell, single facts first."""
    told: Sequence[tuple[Cell, str]] = ()
    """Texts to read instead of those of the cells: see `ellipsis`."""

    def rows(self, table: str) -> Sequence[Row]:
        """Return the rows of a table, none when the template has no such table."""
        return self.tables.get(table, ())

    def fact(self, name: str) -> Any:
        """Return a single fact, ``None`` when it is empty or the template has no such blank."""
        return self.facts.get(name)

    def has(self, table: str, name: str) -> bool:
        """Return whether the template has this blank: a team's own may lack any."""
        return any(column.name == name for column in self.template.tables.get(table, ()))

    def people(self) -> set[str]:
        """Return the names of people that the incident holds."""
        columns = set(PEOPLE)
        named = (
            cell.value
            for cell in self.cells
            if (cell.table, cell.column.name) in columns or cell.column.name == "owner"
        )
        names = (
            name for value in named for name in (value if isinstance(value, list) else [value])
        )
        return {said for name in names if (said := str(name).strip()) and not _THING.search(said)}

    def where(self, table: str, row: str = SINGLE, name: str = "") -> str:
        """Return the place of a blank, a row or a table, as a reader would find it."""
        if table == SINGLE:
            return BETWEEN.join([*_fact_path(self.places, name), self.label(table, name)])
        values = next((each for each in self.rows(table) if each["row"] == row), {})
        path = [*_group_path(self.places, table, values), *self._row(table, values)]
        return BETWEEN.join([*path, self.label(table, name)] if name else path)

    def label(self, table: str, name: str) -> str:
        """Return the label of a blank as the template words it."""
        columns = self.template.tables.get(table, ())
        return next((each.label for each in columns if each.name == name), "") or name

    def _row(self, table: str, values: Row) -> list[str]:
        """Return how a row is called: its milestone, its preset, or its number in its group."""
        group = _group(self.places, table, values)
        if group is None or not values:
            return []
        keys = [key for key, _ in group.keys]
        beside = [
            each["row"]
            for each in self.rows(table)
            if all(each.get(key) == values.get(key) for key in keys)
        ]
        number = beside.index(values["row"]) + 1
        if len(keys) > 1:
            step = str(values.get(keys[-1]))
            return [step if len(beside) == 1 else f"{step} {number}"]
        preset = values.get(group.preset) if group.preset else None
        every = [each for one in self.template.groups(table) for each in one.presets]
        distinct = preset in every and len(set(every)) == len(every)
        return [str(preset)] if distinct else [f"row {number}"]


def take(incident: Incident) -> Case:
    """Return the case of an incident, read once under its lock."""
    with incident.lock:
        template = incident.template
        tables = {
            name: _in_digits(incident.values(name), columns)
            for name, columns in template.tables.items()
            if name != SINGLE
        }
        (single,) = incident.values(SINGLE) if SINGLE in template.tables else ({},)
        measures = incident.measures()
        log = incident.edits()
    columns = _facts(template)
    (facts,) = _in_digits([{each.name: single[each.name] for each in columns}], columns)
    moments = metrics.gather(facts, tables.get("timeline", ()))
    typed, places = _typed(template, log), tuple(_walk(template))
    cells = tuple(_cells(template, facts, tables))
    return Case(template, facts, tables, measures, moments, typed, log, places, cells)


def _in_digits(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """Return rows with the numbers that prose writes out in digits; names stay."""
    prose = {each.name for each in columns if each.kind in {"prose", "line"} and not _names(each)}
    return [
        {
            name: in_digits(value) if name in prose and isinstance(value, str) else value
            for name, value in row.items()
        }
        for row in rows
    ]


def _names(column: Column) -> bool:
    """Return whether a column holds people."""
    return column.name == "owner" or any(column.name == name for _, name in PEOPLE)


def _cells(
    template: Template, facts: Mapping[str, Any], tables: Mapping[str, Sequence[Row]]
) -> Iterator[Cell]:
    """Yield every filled cell, single facts first."""
    for column in template.tables.get(SINGLE, ()):
        if facts.get(column.name) is not None:
            yield Cell(SINGLE, SINGLE, column, facts[column.name])
    for table, rows in tables.items():
        for row in rows:
            for column in template.tables[table]:
                if row.get(column.name) is not None:
                    yield Cell(table, row["row"], column, row[column.name])


def _typed(template: Template, log: Sequence[Edit]) -> dict[str, Any]:
    """Return what was typed into computed blanks, by hand or by an import, and stands."""
    derived = {column.name: column for column in _facts(template) if column.derived}
    if not any(_gives(edit, derived) for edit in log):
        return {}
    given = [edit for edit in edits.by_time(log) if _gives(edit, derived)]
    last = {edit["name"]: edit["value"] for edit in given}
    read = {name: _read(derived[name], stored) for name, stored in last.items()}
    return {name: value for name, value in read.items() if value is not None}


def _gives(edit: Edit, names: Container[str]) -> bool:
    """Return whether an edit gives one of these single facts a value."""
    return edit["table"] == SINGLE and "op" not in edit and edit["name"] in names


def _read(column: Column, stored: object) -> Any:
    """Return a stored value as Python knows it; None when it is missing or damaged."""
    try:
        return None if stored is None else kinds.value(column.kind, stored)
    except BadValue:
        return None


def _facts(template: Template) -> Sequence[Column]:
    """Return the columns of the single facts."""
    return template.tables.get(SINGLE, ())


def _fact_path(places: Sequence[Place], name: str) -> list[str]:
    """Return the titles of the sections above a single fact, the deepest place of it."""
    found = [
        path
        for path, part in places
        if isinstance(part, Blank) and part.name == name and part.table == SINGLE
    ]
    return max(found, key=len, default=["Metadata"])


def _group_path(places: Sequence[Place], table: str, values: Row) -> list[str]:
    """Return the titles of the sections above a group of rows; of the table without a row."""
    groups = [(path, part) for path, part in places if _is_group(part, table)]
    group = _group(places, table, values)
    if values and group is not None:
        return next(path for path, part in groups if part is group)
    paths = [path for path, _ in groups] or [[table]]
    return paths[0] if len(paths) == 1 else paths[0][:1]


def _group(places: Sequence[Place], table: str, values: Row) -> Rows | None:
    """Return the group that a row belongs to."""
    fits = (
        each
        for _, each in places
        if isinstance(each, Rows)
        and each.table == table
        and all(values.get(key) == value for key, value in each.keys)
    )
    return next(fits, None)


def _is_group(part: object, table: str) -> bool:
    """Return whether a part of the template is a group of this table."""
    return isinstance(part, Rows) and part.table == table


def _walk(template: Template) -> Iterator[Place]:
    """Yield every part with the titles above it."""

    def down(section: Section, above: list[str]) -> Iterator[Place]:
        path = [*above, _title(section)]
        for part in section.parts:
            yield path, part
        for each in section.sections:
            yield from down(each, path)

    for section in template.sections:
        yield from down(section, [])


def _title(section: Section) -> str:
    """Return a title without its aside: ``Immediate (This Week)`` is ``Immediate``."""
    if section.level <= 1:
        return "Metadata"
    return re.sub(r"\s*\([^)]*\)\s*$", "", section.title) or section.title


def listed(written: str) -> list[str]:
    """Return the names of a list in front matter: ``a, b`` or ``[a, "b"]``."""
    return [name for name in re.split(r"[\s,\[\]\"']+", written) if name]
