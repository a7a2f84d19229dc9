"""``analyze_datadog_logs``: one SELECT over the logs of a window, by whoever can answer it exactly.

Datadog's own SQL where the organisation has it; else its counts, where counts are all it takes;
else the rows are pulled, only the columns that the SELECT reads, and DuckDB runs it over them.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from postmortem_nb.datadog import (
    arrays,
    asking,
    counted,
    ddsql,
    duck,
    logs,
    pages,
    searches,
    sql,
    sqlrows,
)
from postmortem_nb.datadog.fields import Wanted
from postmortem_nb.errors import QueryError

if TYPE_CHECKING:
    from postmortem_nb.datadog.arrays import Values
    from postmortem_nb.datadog.asking import Asking

MOST_ROWS = 1_000_000
"""Log rows that are pulled for one SELECT; beyond it the answer is marked partial."""

_DAY = 86_400_000_000_000  # nanoseconds
_A_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_CALENDAR = (-62_135_596_800, 253_402_300_800)  # years 1 to 9999, as Python has them, in seconds
_OF_TAGS = ("env", "version", "source")  # columns that only tags tell


def analyze(asked: Asking) -> pd.DataFrame:
    """Return the result of the question's SELECT."""
    arguments = asked.arguments
    plan = sql.plan(arguments["sql_query"], arguments.get("extra_columns"))
    limit = asking.count(asked.function, arguments["limit"])
    searches.logs(asked, "filter", limit=limit)  # what no way could ask is refused before any
    found = ddsql.answer(asked, plan, limit)
    if found is not None:
        cut = len(found) > limit or len(found) == ddsql.MOST_ROWS
        frame = asked.record(framed(found[:limit]), partial="limit reached" if cut else "")
        frame.attrs["evidence"]["path"] = "Datadog's own SQL (DDSQL)"
        return frame
    wanted = counted.counting(plan)
    with closing(sqlrows.Child()) as child:  # it starts while Datadog answers
        counts = counted.counts(asked, wanted) if wanted is not None else None
        if wanted is not None and counts is not None:
            return _counted(asked, wanted, (counts, child), limit)
        return _locally(asked, plan, child, limit)


def _counted(
    asked: Asking, wanted: counted.Counting, made: tuple[pa.Table, sqlrows.Child], limit: int
) -> pd.DataFrame:
    """Return the result over counts that Datadog made."""
    counts, child = made
    with sqlrows.Rows(counts, wanted.view, child=child) as rows:
        result = rows.ask(duck.written(wanted.tree), limit=limit + 1)
    partial = "limit reached" if len(result) > limit else ""
    frame = asked.record(framed(result[:limit]), partial=partial, warnings=_absent(counts))
    total = pc.sum(counts[counted.COUNT]).as_py() or 0
    frame.attrs["evidence"]["path"] = f"Datadog counted all {total:,} logs that match"
    return frame


def _locally(asked: Asking, plan: sql.Plan, child: sqlrows.Child, limit: int) -> pd.DataFrame:
    """Return the result over rows that are pulled here."""
    wanted = Wanted([*plan.paths, *(("dd.trace_id",) if "trace_id" in plan.core else ())])
    search = searches.logs(asked, "filter", limit=MOST_ROWS)
    reader = logs.Reader(wanted, asked.notes, core=_read(plan))
    pulled = pages.pull(asked.connection, search.reading(reader), asked.teller)
    table = _table(pulled.pages, plan, wanted)
    asked.teller.waits("DuckDB")
    plain = {name for name in duck.distinct(plan.tree) if not plan.types.get(name)}
    with sqlrows.Rows(table, plan.view, distinct=plain, child=child) as rows:
        result = rows.ask(duck.written(plan.tree, rows.codes), limit=limit + 1)
    asked.teller.waits("")
    partial = pulled.partial or ("limit reached" if len(result) > limit else "")
    frame = asked.record(
        framed(result[:limit]), partial=partial, warnings=[*pulled.told(), *_absent(table)]
    )
    whole = "not all" if pulled.partial else "all"
    frame.attrs["evidence"]["path"] = (
        f"DuckDB over {pulled.rows:,} log rows, {whole} that match, "
        f"pulled in {arrays.counted(pulled.requests, 'requests')}"
    )
    return frame


def _absent(rows: pa.Table) -> list[str]:
    """Return a warning for each attribute that no row has: a tag, or a slip of the pen."""
    names = [name for name in rows.column_names if name.startswith("@") and rows.num_rows]
    return [
        f"no log that matches has {name}; tags are in the column tags"
        for name in names
        if rows[name].null_count == rows.num_rows
    ]


def framed(result: pa.Table) -> pd.DataFrame:
    """Return a result of SQL as a frame of nullable types; moments are in UTC."""
    names = _distinct(result.column_names)
    columns = [arrays.from_arrow(_plain(column)) for column in result.columns]
    return pd.DataFrame(dict(zip(names, columns, strict=True)), copy=False)


def _read(plan: sql.Plan) -> tuple[str, ...]:
    """Return the columns of the log rows that a SELECT needs."""
    tagged = {"tags"} if set(_OF_TAGS) & set(plan.core) else set()
    return tuple(name for name in logs.CORE if name in {*plan.core, *tagged, "id"})


def _table(found: list[dict[str, Values]], plan: sql.Plan, wanted: Wanted) -> pa.Table:
    """Return the rows as the table that the SELECT's view is made of."""
    stretches = logs.joined(found, wanted, core=_read(plan))
    columns: dict[str, pa.ChunkedArray] = {}
    for name in plan.core or ("id",):
        if name in _OF_TAGS:
            columns[name] = _tagged(stretches["tags"], f"{name}:")
        elif name == "trace_id":
            columns[name] = _joined(stretches["@dd.trace_id"])
        else:
            columns[name] = _joined(stretches[name])
    for path in plan.paths:
        if f"@{path}" not in stretches:
            inner = [name for name in stretches if name.startswith(f"@{path}.")]
            raise QueryError(f'sql_query: "@{path}" is a group of attributes: {", ".join(inner)}')
        columns[f"@{path}"] = _joined(stretches[f"@{path}"])
    if "timestamp" in columns:
        # without a zone: DuckDB then needs no extension to truncate it, and all of it is UTC
        columns["timestamp"] = columns["timestamp"].cast(pa.timestamp("us"))
    return pa.table(columns)


def _joined(stretches: list[Values]) -> pa.ChunkedArray:
    """Return the stretches of a column as one; values of several kinds become text."""
    if all(isinstance(stretch, pa.Array) for stretch in stretches):
        kinds = {stretch.type for stretch in stretches if stretch.null_count < len(stretch)}
        kind = kinds.pop() if len(kinds) == 1 else None
        if kind is not None or not kinds:
            kind = kind or (stretches[0].type if stretches else pa.string())
            alike = [s if s.type == kind else pa.nulls(len(s), kind) for s in stretches]
            return pa.chunked_array(alike, kind)
        if kinds <= {pa.int64(), pa.float64()}:
            return pa.chunked_array([stretch.cast(pa.float64()) for stretch in stretches])
    values = [
        value
        for stretch in stretches
        for value in (stretch.to_pylist() if isinstance(stretch, pa.Array) else stretch)
    ]
    return pa.chunked_array([pa.array([_word(value) for value in values], pa.string())])


def _word(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _tagged(stretches: list[Values], prefix: str) -> pa.ChunkedArray:
    """Return what the first tag with a prefix says, a row each."""
    return pa.chunked_array([_first_tag(s, prefix) for s in stretches], pa.string())


def _first_tag(tags: pa.ListArray, prefix: str) -> pa.Array:
    places = pc.list_parent_indices(tags)
    flat = pc.list_flatten(tags)
    fits = pc.fill_null(pc.starts_with(flat, prefix), fill_value=False)
    rows, first = np.unique(places.filter(fits).to_numpy(), return_index=True)
    values = pc.utf8_slice_codeunits(flat.filter(fits), len(prefix))
    order = np.full(len(tags), -1)
    order[rows] = first
    picks = pa.array(order, mask=order < 0)
    return values.take(picks)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of DuckDB's in a type that a frame has."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _utc(column)
    if kind == pa.month_day_nano_interval():
        return _lengths(column)
    if pa.types.is_decimal(kind):
        return _whole_or_float(column)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        whole = pa.uint64() if kind == pa.uint64() else pa.int64()
        return column.cast(whole if pa.types.is_integer(kind) else pa.float64())
    simple = pa.types.is_duration(kind) or pa.types.is_boolean(kind) or pa.types.is_list(kind)
    if simple or kind in (pa.string(), pa.large_string()):
        return column
    words = [None if value is None else str(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(words, pa.string())])


def _utc(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return moments and days in UTC, where the SQL ran; those outside the calendar as missing."""
    kind = column.type
    stamped = pa.types.is_timestamp(kind)
    each = _A_SECOND[kind.unit] if stamped else 1
    first, last = (edge * each if stamped else edge // 86_400 for edge in _CALENDAR)
    numbers = column.cast(pa.int64() if stamped else pa.int32())
    inside = pc.and_(pc.greater_equal(numbers, first), pc.less(numbers, last))
    known = pc.if_else(inside, column, pa.scalar(None, kind))
    zone = kind.tz if stamped else None
    moments = known.cast(pa.timestamp("us", zone))
    return moments.cast(arrays.TIME) if zone else pc.assume_timezone(moments, "UTC")


def _lengths(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the distances between moments as durations; months, which have no length, as text."""
    values = column.to_pylist()
    if any(value is not None and value.months for value in values):
        return pa.chunked_array([[None if v is None else _spelled(v) for v in values]])
    lengths = [None if v is None else v.days * _DAY + v.nanoseconds for v in values]
    return pa.chunked_array([pa.array(lengths, pa.duration("ns"))])


def _spelled(length: Any) -> str:
    seconds = length.nanoseconds / 1e9
    return f"{length.months} months {length.days} days {seconds:g} seconds"


def _whole_or_float(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return decimals as integers where they are whole by type and fit, else as floats."""
    if column.type.scale == 0:
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:
            pass  # a sum beyond 64 bits: as a float below
    return column.cast(pa.float64())


def _distinct(names: list[str]) -> list[str]:
    """Return column names, the second of a kind with a number."""
    out: list[str] = []
    for name in names:
        fresh, number = name, 2
        while fresh in out:
            fresh, number = f"{name}_{number}", number + 1
        out.append(fresh)
    return out
