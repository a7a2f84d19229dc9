"""Log search: pages of ``/api/v2/logs/events/search`` to one frame.

A page goes through Arrow's JSON reader straight into columns, with the types that the pages before
had. A page that does not fit them, or is odd in any other way, is read again value by value, and
its types are learned. Both give the same frame.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
from pyarrow import json as arrow_json

from postmortem_nb.datadog import answers, arrays, fields
from postmortem_nb.datadog.answers import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postmortem_nb.datadog.arrays import Notes, Values
    from postmortem_nb.datadog.fields import Wanted

Columns = dict[str, "Values"]

CORE = ("timestamp", "status", "service", "host", "message", "tags", "id")
"""The columns that every log frame has, in this order."""

_TEXTS = ("status", "service", "host", "message")
_READABLE = frozenset((pa.string(), pa.int64(), pa.uint64(), pa.float64(), pa.bool_(), arrays.TAGS))


class Reader:
    """Reads pages of logs into columns; one reader serves one question."""

    def __init__(self, wanted: Wanted, notes: Notes, *, core: tuple[str, ...] = CORE) -> None:
        self.wanted, self.notes = wanted, notes
        self.core = core
        self.texts = [name for name in _TEXTS if name in core]
        self.types: dict[str, pa.DataType | None] = {}
        self.envelope: pa.DataType | None = None
        self.schema: tuple[arrow_json.ParseOptions, tuple[str, ...]] | None = None
        self.dotted = fields.dotted(wanted.paths)
        self.learning = threading.Lock()
        if not wanted.paths and not wanted.patterns:
            self._settle()

    def __call__(self, body: bytes) -> Page:
        """Return a page whose rows are columns."""
        schema = self.schema
        if schema is not None and _one_object(body) and not any(key in body for key in self.dotted):
            try:
                return self._fast(body, *schema)
            except (pa.ArrowException, UnicodeError, KeyError):
                pass  # not as the pages before: read value by value below
        with self.learning:  # pages may be read by several threads
            return self._careful(body)

    def _fast(self, body: bytes, options: arrow_json.ParseOptions, paths: tuple[str, ...]) -> Page:
        block = arrow_json.ReadOptions(use_threads=False, block_size=len(body) + 1)
        table = arrow_json.read_json(pa.BufferReader(body), block, options)
        data = table.column("data")
        if len(table) != 1 or data.null_count:
            raise pa.ArrowInvalid("not one document with data")
        rows = data.chunk(0).flatten()
        if rows.null_count:
            raise pa.ArrowInvalid("a row that is no object")
        ids, attributes = rows.field("id"), rows.field("attributes")
        columns: Columns = {name: attributes.field(name) for name in self.texts}
        if "tags" in self.core:
            columns["tags"] = attributes.field("tags")
        if "timestamp" in self.core:
            columns["timestamp"] = arrays.moments(attributes.field("timestamp"), self.notes)
        columns["id"] = ids
        extra = attributes.field("attributes") if paths else None
        for path in paths:
            columns[f"@{path}"] = _nested(extra, path)
        page = Page(columns, ids.to_pylist())
        answers.envelope(page, table.column("meta")[0].as_py())
        return page

    def _careful(self, body: bytes) -> Page:
        page = answers.rows(body)
        outer = [row.get("attributes") for row in page.rows]
        attributes = [row if isinstance(row, dict) else {} for row in outer]
        columns: Columns = {
            name: arrays.strings([row.get(name) for row in attributes], self.notes, name)
            for name in self.texts
        }
        if "tags" in self.core:
            columns["tags"] = arrays.tags([row.get("tags") for row in attributes], self.notes)
        if "timestamp" in self.core:
            moments = [row.get("timestamp") for row in attributes]
            columns["timestamp"] = arrays.moments(moments, self.notes)
        columns["id"] = arrays.strings([row.get("id") for row in page.rows], self.notes, "id")
        trees = [row.get("attributes") for row in attributes]
        for path, values in fields.columns(trees, self.wanted, self.notes).items():
            columns[f"@{path}"] = arrays.fitting(values, self.notes)
        page.rows = columns
        self._learn(columns, body)
        return page

    def _learn(self, columns: Columns, body: bytes) -> None:
        """Take over the types of a page, so that the next may be read at once."""
        for name, values in columns.items():
            if not name.startswith("@"):
                continue
            path = name[1:]
            kind = values.type if isinstance(values, pa.Array) else None
            empty = kind is not None and values.null_count == len(values)
            if path not in self.types or (not empty and self.types[path] != kind):
                both = {self.types.get(path, kind), kind}
                mixed = both == {pa.int64(), pa.float64()}
                self.types[path] = pa.float64() if mixed else kind
        try:
            if self._wholly():
                self._learn_envelope(body)
            self._settle()
        except (pa.ArrowException, UnicodeError, OverflowError, TypeError):
            self.schema = None  # names or values that no schema can have: value by value it stays

    def _learn_envelope(self, body: bytes) -> None:
        found = answers.document(body)
        outside = {name: value for name, value in found.items() if name not in _READ_APART}
        self.envelope = pa.array([outside]).type if outside else None

    def _wholly(self) -> bool:
        """Return whether every field of a row matters, so that a new one must be noticed."""
        groups = any(
            path.startswith(f"{group}.") for group in self.wanted.paths for path in self.types
        )
        return bool(self.wanted.patterns) or groups

    def _settle(self) -> None:
        """Make the schema that the next page is tried with, where there can be one."""
        self.schema = None
        if any(kind not in _READABLE for kind in self.types.values()):
            return
        extra = _tree(self.types)
        if extra is None:
            return
        wholly = self._wholly()
        behaviour = "error" if wholly else "ignore"
        read = (*self.core, "timestamp", *_TEXTS, "tags") if wholly else self.core
        schema = _schema(read, extra, self.envelope if wholly else None)
        options = arrow_json.ParseOptions(schema, unexpected_field_behavior=behaviour)
        self.schema = (options, tuple(self.types))


def _one_object(body: bytes) -> bool:
    """Return whether a body is text that begins and ends as one object.

    Arrow's reader takes invalid UTF-8 into its columns, and dies of a bare ``null``.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return body[:1] == b"{" and body.rstrip()[-1:] == b"}"


def keep(rows: Columns, places: Sequence[int]) -> Columns:
    """Return the columns of a page with only the rows at ``places``."""
    return {
        name: values.take(pa.array(places, pa.int64()))
        if isinstance(values, pa.Array)
        else [values[place] for place in places]
        for name, values in rows.items()
    }


def reached(rows: Columns) -> datetime | None:
    """Return the time of a page's last row, None where it has none."""
    moments = rows.get("timestamp")
    last = moments[-1].as_py() if moments is not None and len(moments) else None
    return last if isinstance(last, datetime) else None


def joined(
    pages: list[Columns], wanted: Wanted, *, core: tuple[str, ...] = CORE
) -> dict[str, list[Values]]:
    """Return the stretches of every column, a page without a field filled with nulls."""
    pages = pages or [{name: _EMPTY[name] for name in core}]
    asked = [f"@{path}" for path in wanted.paths]
    found = dict.fromkeys(name for page in pages for name in page if name.startswith("@"))
    grouped = [name for name in asked if any(other.startswith(f"{name}.") for other in found)]
    extra = [
        name
        for name in dict.fromkeys((*asked, *found))
        if name not in grouped or _used(pages, name)
    ]
    return {
        name: [page.get(name, pa.nulls(len(page["id"]), pa.string())) for page in pages]
        for name in (*core, *extra)
    }


def frame(pages: list[Columns], wanted: Wanted, notes: Notes) -> pd.DataFrame:
    """Return the frame of all pages: the core columns, then the fields that were asked for."""
    columns = joined(pages, wanted)
    return pd.DataFrame(
        {label(name): arrays.series(stretches, notes) for name, stretches in columns.items()},
        copy=False,
    )


def label(name: str) -> str:
    """Return a column's name: an extra field without its ``@``, unless a core column has it."""
    bare = name.removeprefix("@")
    return name if bare in CORE and name != bare else bare


def _used(pages: list[Columns], name: str) -> bool:
    chunks = [page[name] for page in pages if name in page]
    return any(not isinstance(chunk, pa.Array) or chunk.null_count < len(chunk) for chunk in chunks)


def _nested(extra: pa.StructArray, path: str) -> pa.Array:
    for key in path.split("."):
        extra = extra.field(key)
    return extra


def _tree(types: dict[str, Any]) -> pa.DataType | None:
    """Return the nested type of the attributes; None where a path is both leaf and group."""
    tree: dict[str, Any] = {}
    for path, kind in types.items():
        *groups, leaf = path.split(".")
        node = tree
        for group in groups:
            node = node.setdefault(group, {})
            if not isinstance(node, dict):
                return None
        if leaf in node:
            return None
        node[leaf] = kind
    return _struct(tree)


def _struct(tree: dict[str, Any]) -> pa.DataType:
    return pa.struct(
        [(name, _struct(kind) if isinstance(kind, dict) else kind) for name, kind in tree.items()]
    )


def _schema(core: tuple[str, ...], extra: pa.DataType, envelope: pa.DataType | None) -> pa.Schema:
    texts = [(name, pa.string()) for name in ("timestamp", *_TEXTS) if name in core]
    attributes = [*texts, *((("tags", arrays.TAGS),) if "tags" in core else ())]
    if extra.num_fields:
        attributes.append(("attributes", extra))
    row = [("id", pa.string()), ("type", pa.string()), ("attributes", pa.struct(attributes))]
    outside = list(_META if envelope is None else envelope)
    data = pa.field("data", pa.list_(pa.struct(row)))
    return pa.schema([data, *outside, *_NO_ERRORS])


_READ_APART = ("data", "errors", "error")
_NO_ERRORS = [pa.field(name, pa.null()) for name in ("errors", "error")]
"""A page that states an error beside its rows does not fit, and is read value by value."""
_META = pa.struct(
    [
        (
            "meta",
            pa.struct(
                [
                    ("page", pa.struct([("after", pa.string())])),
                    ("status", pa.string()),
                    (
                        "warnings",
                        pa.list_(
                            pa.struct([(name, pa.string()) for name in ("code", "title", "detail")])
                        ),
                    ),
                ]
            ),
        )
    ]
)
_EMPTY: Columns = {
    "timestamp": pa.array([], arrays.TIME),
    "tags": pa.array([], arrays.TAGS),
    **{name: pa.array([], pa.string()) for name in ("status", "service", "host", "message", "id")},
}
