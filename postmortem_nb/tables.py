"""The tables of one incident in memory: the fold of its edits, the newest one wins.

Values stay as they are stored until somebody asks for them, so opening a long log is cheap. What
does not fit the template (a damaged value, a column of a later version) is kept in the log, left
out of the tables, and reported.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from postmortem_nb import kinds
from postmortem_nb.edits import BEGINNING, moment
from postmortem_nb.errors import BadValue, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from postmortem_nb.edits import Edit
    from postmortem_nb.schema import Column, Rows, Template

SINGLE = "incident"
"""The table of single facts, and the id of its one row."""

TIMELINE = "timeline"
"""The one table that is ordered by time; rows without a time come last."""


_NEVER = (BEGINNING, BEGINNING)


@dataclass(slots=True)
class Row:
    """One row: its values as stored, its place, and whether it was removed."""

    id: str
    order: float
    number: int
    """Of its first edit; decides between equal orders."""
    removed: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    known: dict[str, Any] | None = None
    """The values as Python knows them, kept until the next edit."""

    @property
    def place(self) -> tuple[float, int]:
        """What rows are sorted by."""
        return self.order, self.number


class Tables:
    """Every row of every table, as of the last edit taken."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.clear()

    def clear(self) -> None:
        """Forget every edit."""
        self.edits: list[Edit] = []
        """In the order of the log."""
        self._moments: list[datetime] = []  # of each of them: by these they are folded
        self._latest = BEGINNING
        self._rows: defaultdict[str, dict[str, Row]] = defaultdict(dict)

    def take(self, edits: Iterable[Edit]) -> None:
        """Fold further edits in; all of them anew where one is older than what is there."""
        known = len(self.edits)
        for edit in edits:
            before, first = (self._moments[-1], self._moments[0]) if self._moments else _NEVER
            self._moments.append(moment(edit, before, first))
            self.edits.append(edit)
        new = self._moments[known:]
        if all(map(operator.le, [self._latest, *new], new)):
            self._fold(self.edits[known:])
        else:
            self._rows.clear()
            self._fold(self.folded())
        self._latest = max(self._latest, *new, BEGINNING)

    def folded(self) -> list[Edit]:
        """Return every edit, oldest first; those of one moment in the order of the log."""
        places = sorted(range(len(self.edits)), key=self._moments.__getitem__)
        return [self.edits[place] for place in places]

    def seen(self, place: int) -> list[Edit]:
        """Return what whoever made an edit can have seen: nothing that is newer or stands behind.

        A branch that was merged in later stands behind it, though its edits may be older.
        """
        moments = self._moments[: place + 1]
        lines = zip(self.edits, moments, strict=False)
        return [edit for edit, when in lines if when <= moments[-1]]

    def newest(self, table: str, row: str, name: str) -> int | None:
        """Return the place in the log of the edit that gave a cell its value, or None."""
        cell = (table, row, name)
        places = (
            (when, place)
            for place, (edit, when) in enumerate(zip(self.edits, self._moments, strict=True))
            if (edit["table"], edit["row"], edit.get("name")) == cell
        )
        return max(places, default=(None, None))[1]

    def _fold(self, edits: Iterable[Edit]) -> None:
        """Let each edit do its work, in this order."""
        for edit in edits:
            rows = self._rows[edit["table"]]
            row = rows.get(edit["row"])
            if row is None:
                row = rows[edit["row"]] = Row(edit["row"], len(rows) + 1, len(rows))
            op = edit.get("op")
            if op is None:
                row.values[edit["name"]] = edit["value"]
                row.known = None
            elif op != "move":
                row.removed = op == "remove"
            if "order" in edit:
                row.order = edit["order"]

    def fact(self, name: str) -> Any:
        """Return a single fact as stored, or None."""
        row = self._rows[SINGLE].get(SINGLE)
        return None if row is None else row.values.get(name)

    def known(self, column: Column) -> Any:
        """Return a single fact as Python knows it, or None."""
        return _value(column, self.fact(column.name))

    def facts(self) -> dict[str, Any]:
        """Return every single fact of the template as Python knows it, derived ones as None."""
        row = self._rows[SINGLE].get(SINGLE) or Row(SINGLE, 0, 0)
        return _known(row, self.columns(SINGLE))

    def row(self, table: str, row: str) -> Row | None:
        """Return a row, removed or not, or None."""
        return self._rows[table].get(row)

    def every(self, table: str) -> list[Row]:
        """Return all rows of a table, removed ones too, by place."""
        return sorted(self._rows[table].values(), key=lambda row: row.place)

    def live(self, table: str) -> list[Row]:
        """Return the rows that are there, by place."""
        return [row for row in self.every(table) if not row.removed]

    def ordered(self, table: str) -> list[Row]:
        """Return the rows that are there as they are shown: the timeline by time."""
        rows = self.live(table)
        return sorted(rows, key=_moment) if table == TIMELINE else rows

    def values(self, table: str) -> list[dict[str, Any]]:
        """Return the shown rows, each with its id as ``row`` and every column; None is missing."""
        columns = self.columns(table)
        return [{"row": row.id, **_known(row, columns)} for row in self.ordered(table)]

    def columns(self, table: str) -> tuple[Column, ...]:
        """Return the columns of a table."""
        return self.template.tables[table]

    def group(self, table: str, row: Row) -> Rows | None:
        """Return the group of the template in which a row stands, or None when it fits in none."""
        for group in self.template.groups(table):
            if all(row.values.get(key) == value for key, value in group.keys):
                return group
        return None

    def problems(self) -> Iterator[str]:
        """Yield what the log holds and this template has no place for, one line each."""
        for table, rows in self._rows.items():
            if table not in self.template.tables:
                yield f"the template has no table {shown(table)}: {len(rows)} of its rows left out"
                continue
            columns = {column.name: column.kind for column in self.columns(table)}
            for row in rows.values():
                yield from _misfits(table, row, columns)
                if table != SINGLE and not row.removed and self.group(table, row) is None:
                    yield f"{table} {shown(row.id)}: its values name no group of the template"


def _known(row: Row, columns: Iterable[Column]) -> dict[str, Any]:
    """Return the values of a row as Python knows them; what does not fit is missing."""
    if row.known is None:
        row.known = {each.name: _value(each, row.values.get(each.name)) for each in columns}
    known = row.known.items()
    return {name: value[:] if isinstance(value, list) else value for name, value in known}


def _value(column: Column, stored: Any) -> Any:
    """Return one value as Python knows it; None when it is missing or does not fit its kind."""
    if stored is None:
        return None
    try:
        return kinds.value(column.kind, stored)
    except BadValue:
        return None


def _moment(row: Row) -> tuple[bool, Any]:
    """Return what the timeline is sorted by; equal times stay in their places."""
    try:
        moment = kinds.value("time", row.values.get("time"))
    except BadValue:
        moment = None
    return (moment is None, moment or 0)


def _misfits(table: str, row: Row, columns: dict[str, str]) -> Iterator[str]:
    """Yield the values of a row that no column can hold."""
    for name, stored in row.values.items():
        where = f"{table} {shown(row.id)}" if table != SINGLE else table
        if name not in columns:
            yield f"{where}: the template has no column {shown(name)}: left out"
            continue
        try:
            kinds.value(columns[name], stored)
        except BadValue as refused:
            yield f"{where}: {name}: left out: {refused}"


_PLACEHOLDERS = {
    "INCIDENT_ID": "incident_id",
    "TITLE": "title",
    "SEVERITY": "severity",
    "SERVICES": "services",
    "AUTHOR": "author",
    "DATE": "date",
}


def variables(facts: dict[str, Any], window: tuple[Any, Any]) -> dict[str, Any]:
    """Return what placeholders stand for, the known ones: single facts, start and end."""
    found = {name: facts.get(fact) for name, fact in _PLACEHOLDERS.items()}
    found |= {"SERVICE": next(iter(facts.get("services") or ()), None)}
    found |= dict(zip(("INCIDENT_START", "INCIDENT_END"), window, strict=True))
    return {name: value for name, value in found.items() if value is not None}
