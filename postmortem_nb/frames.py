"""The tables as DataFrames, and frames back as rows: the dataset's door to pandas.

Column kinds decide the dtypes (`kinds.KINDS`); missing is ``<NA>``, in times and dates ``NaT``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import changes, kinds
from postmortem_nb.errors import BadValue, expected, shown
from postmortem_nb.estimates import AT_LEAST
from postmortem_nb.tables import TIMELINE
from postmortem_nb.wholeframe import WholeFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from postmortem_nb.edits import Edit
    from postmortem_nb.metrics import Measure
    from postmortem_nb.schema import Column
    from postmortem_nb.tables import Tables

PROVENANCE = ("name", "call", "from", "to", "rows", "complete", "partial", "fetched_at", "sha256")
"""The columns of ``incident["evidence"]`` that are always there."""

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_PRINTED = re.compile(rf"\[(?:{_QUOTED.pattern})(?:, (?:{_QUOTED.pattern}))*\]")

_DONE = {
    "add": "row added",
    "remove": "row removed",
    "move": "row moved",
    "restore": "row restored",
}


def frame(columns: Iterable[Column], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a DataFrame, a column for each of the template's; the index is the row id."""
    index = pd.Index([row["row"] for row in rows], dtype="string", name="row")
    series = {
        column.name: _series(column.kind, [row.get(column.name) for row in rows], index)
        for column in columns
    }
    return pd.DataFrame(series, index=index)


def _series(kind: str, values: list[Any], index: pd.Index) -> pd.Series:
    """Return one column with the dtype of its kind."""
    dtype = kinds.KINDS[kind].dtype
    filled = (
        [pd.NA if value is None else value for value in values] if dtype == "object" else values
    )
    return pd.Series(filled, index=index, dtype=dtype)


def listing(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the provenance of each frozen query result as a row, `PROVENANCE` first."""
    more = dict.fromkeys(key for record in records for key in record if key not in PROVENANCE)
    return pd.DataFrame(records, columns=[*PROVENANCE, *more])


def read(tables: Tables, table: str, frame: object) -> list[tuple[str | None, dict[str, Any]]]:
    """Return a frame's rows as ids and stored values, every value checked.

    A text index holds row ids; any other index means new rows. Computed columns are passed over.

    Raises
    ------
    BadValue
        no DataFrame, unknown or repeated columns, repeated ids, or a value that does not fit
    """
    if not isinstance(frame, pd.DataFrame):
        raise BadValue(expected(table, "a DataFrame", example=f'incident["{table}"]', came=frame))
    frame = _unindexed(frame, {column.name for column in tables.columns(table)})
    if frame.columns.nlevels > 1 or frame.index.nlevels > 1:
        what = "a DataFrame with one level of columns and rows"
        raise BadValue(expected(table, what, example=f'incident["{table}"]', came="several"))
    if "row" in frame.columns and frame.index.name != "row":
        frame = frame.set_index("row")
    for what, labels in (("column", frame.columns), ("row", frame.index)):
        if twice := labels[labels.duplicated() & labels.notna()].tolist():
            raise BadValue(f"{table}: {what} {shown(twice[0])} comes twice")
    derived = {column.name for column in tables.columns(table) if column.derived}
    columns = {name: frame[name].tolist() for name in frame.columns if name not in derived}
    for name in (c.name for c in tables.columns(table) if c.kind == "names" and c.name in columns):
        columns[name] = [_unprinted(cell) for cell in columns[name]]
    return [
        (
            row if isinstance(row, str) else None,
            changes.stored(tables, table, {name: cells[n] for name, cells in columns.items()}),
        )
        for n, row in enumerate(frame.index)
    ]


def _unprinted(cell: object) -> object:
    """Return the names of a cell that came through a CSV, where a list stands as it is printed."""
    if not isinstance(cell, str) or _PRINTED.fullmatch(cell) is None:
        return cell
    return [one[1:-1] for one in _QUOTED.findall(cell)]


def _unindexed(frame: pd.DataFrame, columns: set[str]) -> pd.DataFrame:
    """Return a frame with the columns back that ``set_index`` made its index: they are values."""
    known = {"row", *columns}.difference(frame.columns if frame.columns.nlevels == 1 else ())
    names = [name for name in frame.index.names if name in known]
    return frame.reset_index(level=names) if set(names) - {"row"} else frame


def log(tables: Tables) -> pd.DataFrame:
    """Return the timeline in order: time, phase, step, text (what is filled, with its labels)."""
    known = tables.template.tables.get(TIMELINE, ())
    heads = {"time": "time", "phase": "line", "step": "line"}
    told = [column for column in known if column.name not in heads]
    rows = tables.values(TIMELINE) if known else []
    index = pd.Index([row["row"] for row in rows], dtype="string", name="row")
    series = {
        name: _series(kind, [row.get(name) for row in rows], index) for name, kind in heads.items()
    }
    texts = [_told(told, row) for row in rows]
    return pd.DataFrame({**series, "text": _series("prose", texts, index)})


def _told(columns: Iterable[Column], row: Mapping[str, Any]) -> str | None:
    """Return what a row of the timeline says, label by label."""
    filled = ((c.label or c.name, c.kind, row[c.name]) for c in columns if row[c.name] is not None)
    return "; ".join(f"{label}: {kinds.show(kind, value)}" for label, kind, value in filled) or None


def stats(measures: Iterable[Measure]) -> pd.DataFrame:
    """Return every measure: measure, value, unit, definition, from, missing (why it is unknown).

    One that differs from what was computed is followed by a row ``…_computed`` with that figure.
    """
    rows = [row for each in measures for row in _stated(each)]
    names = ("measure", "value", "unit", "definition", "from", "missing")
    return WholeFrame(
        {
            name: pd.Series(
                [row[place] for row in rows], dtype="object" if name == "value" else "string"
            )
            for place, name in enumerate(names)
        }
    )


def _stated(each: Measure) -> Iterator[tuple[Any, ...]]:
    """Yield the row of a measure, and one for the computed figure where another one is stated."""
    value = pd.NA if each.value is None else each.value
    source = each.source
    yield each.name, value, each.unit, each.definition, source, each.missing or None
    if each.computed is not None and each.differs:
        least = f"{AT_LEAST}: " * each.lower_bound
        said = f"{least}computed, where another figure is stated: {each.counted}"
        yield f"{each.name}_computed", each.computed, each.unit, said, each.origin, None


def history(tables: Tables) -> pd.DataFrame:
    """Return every edit, oldest first: at, by, table, row, name, old, new, values as text."""
    seen: dict[tuple[str, str, str], Any] = {}
    edits = tables.folded()
    rows = [_happened(edit, seen) for edit in edits]
    names = ("by", "table", "row", "name", "old", "new")
    said = [_text(edit.get("at")) or "" for edit in edits]  # another tool may have written anything
    at = pd.to_datetime(said, errors="coerce", utc=True, format="ISO8601")
    texts = {
        name: pd.Series([row[place] for row in rows], dtype="string")
        for place, name in enumerate(names)
    }
    return pd.DataFrame({"at": at.as_unit("us"), **texts})


def _happened(edit: Edit, seen: dict[tuple[str, str, str], Any]) -> tuple[str | None, ...]:
    """Return one line of the history, and remember its value as the next one's old."""
    who, table, row = _text(edit.get("by")), edit["table"], edit["row"]
    if "op" in edit:
        return who, table, row, None, None, _DONE[edit["op"]]
    place = (table, row, edit["name"])
    old, seen[place] = seen.get(place), edit["value"]
    return who, table, row, edit["name"], _text(old), _text(edit["value"])


def _text(stored: object) -> str | None:
    """Return a stored value as text, numbers plain: history is searched, not printed."""
    if stored is None or isinstance(stored, str):
        return stored
    if isinstance(stored, bool):
        return kinds.show("yesno", stored)
    if isinstance(stored, list):
        return ", ".join(str(name) for name in stored)
    return f"{stored:.15g}" if isinstance(stored, float) else str(stored)
