"""From what is wished to what is written: checks a change as a whole, then lists its edits.

Nothing here writes. Each function takes the tables as they are and returns *changes*: edits that
still lack ``at`` and ``by``. It refuses with a `BadValue` before anything happened.
"""

from __future__ import annotations

import base64
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from postmortem_nb import kinds, tallies, times
from postmortem_nb import ordering as ordered
from postmortem_nb.errors import BadValue, expected, shown
from postmortem_nb.metrics import STEPS, Facts
from postmortem_nb.tables import SINGLE, TIMELINE, Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from postmortem_nb.schema import Column, Rows, Template
    from postmortem_nb.tables import Row

Change = dict[str, Any]
"""An edit without ``at`` and ``by``."""

START_STEP = STEPS["start"]
"""The step whose time is the incident's start: what ``+15m`` and ``14:02`` count from."""

END_STEP = STEPS["recovered"]


def beginning(
    template: Template, facts: Mapping[str, object], *, start: object, end: object
) -> list[Change]:
    """Return the edits that a new incident begins with: its facts, its first and its last step.

    ``incident_id`` and ``date`` (the day of ``start``) are left out where the template lacks them.
    """
    tables = Tables(template)
    found: list[Change] = []
    for name, step, moment in (("start", START_STEP, start), ("end", END_STEP, end)):
        if not kinds.is_missing(moment):
            _check_step(tables, name, step, moment)
            added = adding(tables, TIMELINE, {"step": step, "time": moment})
            tables.take({"at": "", "by": "", **change} for change in added)  # type: ignore[typeddict-item]
            found += added
    wished = dict(facts)
    began = begun(tables)
    if began is not None and wished.get("date") is None:
        wished["date"] = began.date()
    known = {column.name for column in template.tables.get(SINGLE, ())}
    for name, value in wished.items():
        if value is not None and (name in known or name not in ("incident_id", "date")):
            found += setting(tables, name, value, table=SINGLE, row=None)
    return found


def _check_step(tables: Tables, name: str, step: str, moment: object) -> None:
    """Refuse a moment by its own name: where the template has no such step, or it is no time."""
    columns = {column.name for column in tables.template.tables.get(TIMELINE, ())}
    if not {"step", "time"} <= columns:
        raise BadValue(f"{name}: this template has no {TIMELINE} with step and time; leave it out")
    steps = [dict(group.keys).get("step") for group in tables.template.groups(TIMELINE)]
    if step not in steps and None not in steps:
        raise BadValue(f"{name}: the timeline of this template has no step {step!r}; leave it out")
    began = begun(tables)
    ended = kinds.value("time", kinds.parse("time", moment, name=name, start=began))
    if step == END_STEP and began is not None and ended < began:
        what = f"a time after the start, {times.shown(began)}"
        raise BadValue(expected(name, what, example="+2h", came=moment))


def table_of(tables: Tables, table: object, *, grows: bool = False) -> str:
    """Return the name of a table, of one that can grow if asked; BadValue with the near ones."""
    names = [name for name in tables.template.tables if not grows or name != SINGLE]
    if isinstance(table, str) and table in names:
        return table
    raise kinds.none_of("table", names, came=table)


def column_of(tables: Tables, table: str, name: object, *, typed: bool = False) -> Column:
    """Return a column, with ``typed`` one to fill in; BadValue with the near ones, or its table."""
    columns = {column.name: column for column in tables.columns(table)}
    if isinstance(name, str) and name in columns:
        return columns[name]
    others = [other for other in tables.template.tables if _has(tables, other, name)]
    if others:
        raise _elsewhere(table, name, others)
    known = [column.name for column in columns.values() if not (typed and column.derived)]
    raise kinds.none_of(f"column of {table}", known, came=name)


def _has(tables: Tables, table: str, name: object) -> bool:
    """Return whether a table has a column; what is no text is never compared, and names none."""
    return isinstance(name, str) and name in {column.name for column in tables.columns(table)}


def _elsewhere(table: str, name: object, others: Sequence[str]) -> BadValue:
    """Return the refusal of a column that other tables have: it says how to set it there."""
    if SINGLE in others:
        return BadValue(f"{name}: is no column of {table} but a single fact; leave out table=")
    first = f"set({name!r}, …, table={others[0]!r}, row=…)"
    return BadValue(f"{name}: is no column of {table} but of {', '.join(others)}; write {first}")


def typed_column(tables: Tables, table: str, name: object) -> Column:
    """Return a column that is filled by hand; BadValue for one that is computed."""
    column = column_of(tables, table, name, typed=True)
    if column.derived:
        how = tallies.measures(Facts())[column.name].definition
        raise BadValue(f"{name}: is computed and never typed ({how}); change what it comes from")
    return column


def row_of(tables: Tables, table: str, row: object, *, removed: bool = False) -> Row:
    """Return a row that is there (or was, with ``removed``); BadValue with the near ones."""
    found = tables.row(table, row) if isinstance(row, str) else None
    if found is not None and (removed or not found.removed):
        return found
    if found is not None:
        raise BadValue(f"row of {table}: {shown(row)} was removed; restore it first")
    there = [each.id for each in (tables.every if removed else tables.live)(table)]
    if not there:
        raise BadValue(expected(f"row of {table}", "a row", example="one of add()", came=row))
    if row is None:
        example = f"row={there[-1]!r}{_called(tables, table, there[-1])}"
        raise BadValue(expected(f"row of {table}", "its id as row=", example=example, came=row))
    raise kinds.none_of(f"row of {table}", there, came=row)


def _called(tables: Tables, table: str, row: str) -> str:
    """Return what a row says of itself, in brackets: its step, else the first line it holds."""
    found = tables.row(table, row)
    lines = [column.name for column in tables.columns(table) if column.kind == "line"]
    names = ("step", *lines) if found is not None else ()
    said = (found.values.get(name) for name in names if found is not None)
    return next((f" ({shown(each)})" for each in said if each), "")


def setting(
    tables: Tables, name: object, value: object, *, table: object, row: object
) -> list[Change]:
    """Return the edits that give one cell a value; none when it has it already."""
    table = table_of(tables, table)
    column = column_of(tables, table, name, typed=True)
    if value is not None:  # what was quoted of a figure may be cleared
        column = typed_column(tables, table, name)
    if table != SINGLE:
        old = row_of(tables, table, row)
        new = _placed(tables, table, {column.name: _stored(tables, column, value)}, old.values)
        return _differing(table, old.id, old.values, new)
    if row not in (None, SINGLE):
        raise BadValue(f"{column.name}: is a single fact and has no rows; leave out row=")
    return stating(tables, {column.name: _stored(tables, column, value)})


def quoting(tables: Tables, name: object, value: object) -> list[Change]:
    """Return the edits that keep what a document says of a computed figure."""
    column = column_of(tables, SINGLE, name)
    if not column.derived:
        raise BadValue(f"{column.name}: is no computed figure; set it")
    return stating(tables, {column.name: _stored(tables, column, value)})


def stating(tables: Tables, values: Mapping[str, Any]) -> list[Change]:
    """Return the edits that give single facts their stored values."""
    held = {name: tables.fact(name) for name in values}
    return _differing(SINGLE, SINGLE, held, values)


def adding(tables: Tables, table: object, columns: Mapping[str, object]) -> list[Change]:
    """Return the edits that add a row at the end; the first of them names its new id."""
    table = table_of(tables, table, grows=True)
    return _added(tables, table, stored(tables, table, columns), last(tables, table) + 1)


def removing(tables: Tables, table: object, row: object) -> list[Change]:
    """Return the edit that removes a row."""
    table = table_of(tables, table, grows=True)
    return [{"table": table, "row": row_of(tables, table, row).id, "op": "remove"}]


def restoring(tables: Tables, table: object, row: object) -> list[Change]:
    """Return the edit that brings a removed row back with all its values; none when it is there."""
    table = table_of(tables, table, grows=True)
    old = row_of(tables, table, row, removed=True)
    return [{"table": table, "row": old.id, "op": "restore"}] if old.removed else []


def moving(tables: Tables, table: object, row: object, *, index: object) -> list[Change]:
    """Return the edits that bring a row to a place, counted from 0 or, negative, from the end."""
    table = table_of(tables, table, grows=True)
    old = row_of(tables, table, row)
    if not isinstance(index, int) or isinstance(index, bool):
        raise BadValue(expected("index", "a whole number", example="0", came=index))
    rest = [each.id for each in tables.ordered(table) if each is not old]
    place = max(0, index if index >= 0 else len(rest) + 1 + index)
    return ordering(tables, table, [*rest[:place], old.id, *rest[place:]])


def stored(tables: Tables, table: str, columns: Mapping[str, object]) -> dict[str, Any]:
    """Return values as they are stored, every one checked; missing ones as None."""
    return {
        name: _stored(tables, typed_column(tables, table, name), value)
        for name, value in columns.items()
    }


def last(tables: Tables, table: str) -> float:
    """Return the order of the last row; removed ones count, they may come back."""
    return max((row.order for row in tables.every(table)), default=0)


def replacing(
    tables: Tables, table: str, rows: Sequence[tuple[str | None, dict[str, Any]]]
) -> list[Change]:
    """Return the fewest edits that make a table hold these rows, in this order.

    Parameters
    ----------
    tables, table
        what there is, and the table to change
    rows
        id and stored values of each row; no id, or one that never was, is a new row; columns
        that are not named keep their values
    """
    ids: list[str] = []
    found: list[Change] = []
    for row, values in rows:
        old = tables.row(table, row) if row is not None else None
        if old is None:
            found += _added(tables, table, values, last(tables, table) + 1 + len(ids))
        else:
            found += restoring(tables, table, old.id)
            new = _placed(tables, table, values, old.values)
            found += _differing(table, old.id, old.values, new)
        ids.append(old.id if old is not None else _last_added(found))
    gone = (row.id for row in tables.live(table) if row.id not in set(ids))
    removed = [{"table": table, "row": row, "op": "remove"} for row in gone]
    return _reordered(tables, table, ids, [*removed, *found])


def _last_added(found: Sequence[Change]) -> str:
    """Return the id of the row that was added last."""
    return next(str(change["row"]) for change in reversed(found) if change.get("op") == "add")


def ordering(tables: Tables, table: str, ids: Sequence[str]) -> list[Change]:
    """Return the fewest moves after which rows stand in this order; ids may be new ones."""
    wanted = set(ids)
    places = {row.id: row.place for row in tables.live(table) if row.id in wanted}
    orders = ordered.orders(ids, places)
    return [{"table": table, "row": row, "op": "move", "order": n} for row, n in orders.items()]


def _reordered(tables: Tables, table: str, ids: list[str], changes: list[Change]) -> list[Change]:
    """Return the changes, with the moves that old rows need and the order of new rows set."""
    adds = {change["row"]: change for change in changes if change.get("op") == "add"}
    before = [row.id for row in tables.ordered(table) if row.id in set(ids)]
    if ids == [*before, *adds]:
        return changes  # the old rows as they stood, new ones behind them
    moves = ordering(tables, table, ids)
    for move in moves:
        if move["row"] in adds:
            adds[move["row"]]["order"] = move["order"]
    return [*changes, *(move for move in moves if move["row"] not in adds)]


def _added(tables: Tables, table: str, values: dict[str, Any], order: float) -> list[Change]:
    """Return the edits of a new row: itself, then its group, its preset and its values."""
    row = _new_id(tables, table)
    given = {name: value for name, value in values.items() if value is not None}
    placed = _placed(tables, table, given, {})
    group = next(iter(_candidates(tables, table, placed)), None)
    if group is not None and group.preset and group.preset not in values:
        placed |= _next_preset(tables, group)
    add: Change = {"table": table, "row": row, "op": "add", "order": order}
    return [add, *_differing(table, row, {}, placed)]


def _new_id(tables: Tables, table: str) -> str:
    """Return an id that no row of the table ever had, nor one on another branch, most likely."""
    while True:
        row = "r" + base64.b32encode(os.urandom(5)).decode().lower()[:7]
        if tables.row(table, row) is None:
            return row


def _next_preset(tables: Tables, group: Rows) -> dict[str, str]:
    """Return the preset of the template that no row of the group has yet, or none.

    Where it gives all rows of the group the same one (``P0`` to what is immediate), so do more.
    """
    keys = dict(group.keys)
    mates = (
        row.values.get(group.preset or "")
        for row in tables.live(group.table)
        if keys.items() <= row.values.items()
    )
    used = Counter(value for value in mates if isinstance(value, str))
    for preset in group.presets:
        if not used[preset]:
            return {str(group.preset): preset}
        used[preset] -= 1
    alike = len(group.presets) > 1 and len(set(group.presets)) == 1
    return {str(group.preset): group.presets[0]} if alike else {}


def _candidates(tables: Tables, table: str, values: Mapping[str, Any]) -> list[Rows]:
    """Return the groups that a row with these values may stand in."""
    groups = tables.template.groups(table)
    return [g for g in groups if all(values.get(key, value) == value for key, value in g.keys)]


def _placed(
    tables: Tables, table: str, new: dict[str, Any], held: Mapping[str, Any]
) -> dict[str, Any]:
    """Return new values with the columns that name their group, where those can be inferred."""
    keys = dict.fromkeys(key for group in tables.template.groups(table) for key, _ in group.keys)
    if not keys or (held and not keys.keys() & new.keys()):
        return new
    found = _candidates(tables, table, new)
    for group_is_meant in (_has_preset(new), _stays(new, held)):
        found = [group for group in found if group_is_meant(group)] or found
    if len(found) == 1:
        return dict(found[0].keys) | new
    raise _no_group(tables.template.groups(table), list(keys), new)


def _has_preset(new: Mapping[str, Any]) -> Callable[[Rows], bool]:
    """Return whether a group is where the template itself puts such a row: `P1`, Short-term."""
    return lambda group: bool(group.preset) and new.get(str(group.preset)) in group.presets


def _stays(new: Mapping[str, Any], held: Mapping[str, Any]) -> Callable[[Rows], bool]:
    """Return whether a group keeps what the row already says of its place."""
    return lambda group: all(held.get(key) == value for key, value in group.keys if key not in new)


def _no_group(groups: Sequence[Rows], keys: Sequence[str], new: Mapping[str, Any]) -> BadValue:
    """Return the refusal of a row that stands in no group, or in several: which key is missing."""
    key, options = keys[0], [""]
    for key in keys:
        options = list(dict.fromkeys(v for group in groups for k, v in group.keys if k == key))
        groups = [group for group in groups if (key, new.get(key)) in group.keys]
        if not groups:
            break
    return kinds.none_of(key, options, came=new.get(key))


def _stored(tables: Tables, column: Column, value: object) -> Any:
    """Return a typed value as it is stored; a column that names the row's group stays filled."""
    start = begun(tables) if column.kind in {"time", "date"} else None
    name, options = column.name, column.options
    kept = kinds.parse(column.kind, value, name=name, options=options, start=start)
    groups = tables.template.groups(column.table) if kept is None else ()
    if any(name == key for group in groups for key, _ in group.keys):
        raise kinds.none_of(name, options, came=value)
    return kept


def begun(tables: Tables) -> datetime | None:
    """Return the start of the incident: what times of day, `+15m` and `+7d` count from."""
    rows = tables.values(TIMELINE) if TIMELINE in tables.template.tables else []
    moments = (row["time"] for row in rows if row.get("step") == START_STEP)
    return min((moment for moment in moments if moment is not None), default=None)


def _differing(
    table: str, row: str, held: Mapping[str, Any], new: Mapping[str, Any]
) -> list[Change]:
    """Return the edits of the values that are not yet as wished."""
    wished = ((name, value) for name, value in new.items() if held.get(name) != value)
    return [{"table": table, "row": row, "name": name, "value": value} for name, value in wished]
