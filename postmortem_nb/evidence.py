"""Evidence: answers kept with the document, as Parquet beside a record of where they came from.

``<name>.parquet`` holds the rows, ``<name>.json`` the *record*: question, window, time of pull,
rows, completeness, and the digest of the Parquet file. A changed file is shown as changed, never
hidden.
Both are written whole or not at all: to a temporary file first, which then takes the name; one
writer at a time, so that two kernels leave no rows under the record of others.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from postmortem_nb import lock, onestep, provenance, text
from postmortem_nb.edits import LOCK
from postmortem_nb.errors import BundleError, NotSaved, expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

Record = dict[str, Any]

MOST_BYTES = 1 << 30
"""Bytes that an evidence file may unpack to; a larger one is refused before it is read."""

BACKTEST = "backtest_"
"""How the names of the answers of back-tests begin; the row of their monitor follows."""

_BACKTEST = re.compile(rf"\b{BACKTEST}(?P<row>[A-Za-z0-9]+)(?:_[0-9]+)?\b")
_NAME = re.compile(r"[^\W\d]\w{0,99}")
_VERSION = 1
_RUN = 16  # a column that begins with so many equal texts is one of labels
_NULLABLE = {
    "string": lambda: pd.StringDtype("pyarrow"),
    "Int64": pd.Int64Dtype,
    "UInt64": pd.UInt64Dtype,
    "Float64": pd.Float64Dtype,
    "boolean": pd.BooleanDtype,
}


def freeze(folder: Path, name: str, frame: pd.DataFrame, told: Record) -> Record:
    """Keep a frame under ``name`` and return its record, digest included.

    Raises BadValue for a name that is no identifier and NotSaved when the disk does not take it;
    the evidence of that name from before is then still whole.
    """
    _checked(name)
    table, kinds, replaced = tabled(frame)
    record = {**told, "format": _VERSION, "name": name, "rows": len(frame), "dtypes": kinds}
    if replaced:
        texts = "text" if replaced == 1 else "texts"
        note = f"{replaced:,} {texts} held broken characters, shown as \N{REPLACEMENT CHARACTER}"
        record["warnings"] = [*record.get("warnings", []), note]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        packed = _packed(table)
        record["sha256"] = hashlib.sha256(packed).hexdigest()
        words = json.dumps(record, ensure_ascii=False, indent=1, default=str)
        with lock.held(str(folder / LOCK)):
            # the rows first: a record without its rows is reported, rows without a record are not
            onestep.write(folder / f"{name}.parquet", packed, sync=True)
            onestep.write(folder / f"{name}.json", text.clean(words).encode(), sync=True)
    except TimeoutError:
        raise NotSaved(f"evidence '{name}' is not saved: another program is writing") from None
    except OSError as error:
        raise NotSaved(f"evidence '{name}' is not saved: {error.strerror or error}") from None
    return record


def thaw(folder: Path, name: str) -> pd.DataFrame:
    """Return the frame kept under ``name``, its record in ``attrs["evidence"]``.

    ``attrs["evidence"]["changed"]`` is True where the file is not the one that was frozen.
    Raises BundleError where there is none or where it cannot be read.
    """
    record, packed = _pair(folder, _checked(name))
    if record.get("changed") and (folder / LOCK).exists():
        with suppress(OSError), lock.held(str(folder / LOCK)):  # another kernel may be half way
            record, packed = _pair(folder, name)
    with _read(name):
        frame = _frame(_unpacked(packed, name), record.get("dtypes") or {})
    frame.attrs["evidence"] = record
    return frame


def _pair(folder: Path, name: str) -> tuple[Record, bytes]:
    """Return the record of an answer, ``changed`` where its rows are others, and those rows."""
    record = _record(folder / f"{name}.json")
    with _read(name):
        packed = (folder / f"{name}.parquet").read_bytes()
    if hashlib.sha256(packed).hexdigest() != record.get("sha256"):
        record["changed"] = True
    return record, packed


def columns(
    folder: Path, name: str, wanted: Sequence[str], also: Sequence[str] = ()
) -> pa.Table | None:
    """Return columns of the frame kept under ``name`` as Arrow; None where it has not all of them.

    Of ``also`` those that it has. For who needs no frame, which costs ten times as much to make:
    each text is kept once, as a dictionary. Raises BundleError as `thaw` does.
    """
    with _read(name):
        packed = (folder / f"{_checked(name)}.parquet").read_bytes()
        schema = pq.read_schema(pa.BufferReader(packed))
        if not set(wanted) <= set(schema.names):
            return None
        known = [*wanted, *(each for each in also if each in schema.names)]
        flat = [each for each in known if not pa.types.is_nested(schema.field(each).type)]
        source = pq.ParquetFile(pa.BufferReader(packed), read_dictionary=flat)
        _bounded(source, name)
        return source.read(columns=known, use_threads=False)


def holds(folder: Path, name: str, *, question: str) -> bool:
    """Return whether the answer to this very question is kept under ``name``, with its window."""
    if not _NAME.fullmatch(name) or not (folder / f"{name}.parquet").is_file():
        return False
    try:
        record = _record(folder / f"{name}.json")
    except BundleError:
        return False
    return record.get("question") == question and {"from", "to"} <= record.keys()


def listing(folder: Path) -> list[Record]:
    """Return the records of a folder, by name; one that cannot be read says so in ``problem``."""
    return list(_records(folder)) if folder.is_dir() else []


def unrecorded(folder: Path) -> list[str]:
    """Return the answers of a folder that have no record: nobody knows what was asked, or when."""
    answers = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    return [path.stem for path in answers if not path.with_suffix(".json").exists()]


def shown(said: str, monitors: Iterable[Mapping[str, Any]]) -> str:
    """Return a text in which the answers of back-tests are called by their monitor's number."""
    numbers = {str(row["row"]): number for number, row in enumerate(monitors, 1)}
    return _BACKTEST.sub(lambda match: f"back-test of {_monitor(numbers, match['row'])}", said)


def _monitor(numbers: Mapping[str, int], row: str) -> str:
    return f"monitor {numbers[row]}" if row in numbers else "a monitor that was removed"


def digest(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a frame's columns, names, types and values: the same rows, the same."""
    table, _, _ = tabled(frame)
    running = hashlib.sha256()
    for field, column in zip(table.schema, table.columns, strict=True):
        array = _whole(column)
        batch = pa.record_batch([array], names=[field.name])
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        running.update(memoryview(sink.getvalue()))
    return running.hexdigest()


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, however it came; long runs of a text as runs."""
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        combined = combined.chunk(0) if combined.num_chunks else pa.array([], column.type)
    runs = pa.types.is_large_string(combined.type) or pa.types.is_string(combined.type)
    if runs and len(combined) >= _RUN and len(combined[:_RUN].unique()) == 1:
        return pc.run_end_encode(combined)
    return combined


def tabled(frame: pd.DataFrame) -> tuple[pa.Table, dict[str, str], int]:
    """Return a frame as Arrow, the dtypes to restore, and how many broken texts were replaced."""
    kinds: dict[str, str] = {}
    columns: list[pa.ChunkedArray | pa.Array] = []
    replaced = 0
    names = [text.clean(name) for name in frame.columns]
    for name, label in zip(names, frame.columns, strict=True):
        column, kinds[name], broken = _column(frame[label])
        columns.append(column)
        replaced += broken
    if len(set(names)) < len(names):
        raise BundleError(f"evidence: two columns have the same name, of {names}")
    return pa.table(columns, names=names), kinds, replaced


def _column(series: pd.Series[Any]) -> tuple[Any, str, int]:
    """Return one column as Arrow, the word that brings its dtype back, and the replaced texts."""
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        inner, _, broken = _column(series.astype("object"))
        return inner, "category", broken
    if not pd.api.types.is_object_dtype(dtype):
        array = pa.array(series.array, from_pandas=True) if not _arrow(dtype) else series.array
        column = array.__arrow_array__() if _arrow(dtype) else array
        kind = "arrow" if isinstance(dtype, pd.ArrowDtype) else str(dtype)
        return column, kind, 0
    values = [None if _missing(value) else value for value in series]
    if all(value is None or isinstance(value, str) for value in values):
        cleaned = [None if value is None else text.clean(value) for value in values]
        broken = sum(a != b for a, b in zip(values, cleaned, strict=True))
        return pa.array(cleaned, pa.string()), "object", broken
    words = [None if v is None else text.clean(json.dumps(v, default=str)) for v in values]
    return pa.array(words, pa.string()), "json", 0


def _arrow(dtype: Any) -> bool:
    return isinstance(dtype, pd.ArrowDtype)


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT


def _frame(table: pa.Table, kinds: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: _series(column, str(kinds.get(name, "")))
            for name, column in zip(table.column_names, table.columns, strict=True)
        },
        copy=False,
    )


def _series(column: pa.ChunkedArray, kind: str) -> pd.Series[Any]:
    if kind in _NULLABLE:
        return pd.Series(_NULLABLE[kind]().__from_arrow__(column))  # type: ignore[attr-defined]
    if kind == "arrow":
        return pd.Series(pd.arrays.ArrowExtensionArray(column))
    if kind == "json":
        values = [pd.NA if word is None else json.loads(word) for word in column.to_pylist()]
        return pd.Series(values, dtype="object")
    if kind == "object":
        values = [pd.NA if word is None else word for word in column.to_pylist()]
        return pd.Series(values, dtype="object")
    series: pd.Series[Any] = column.to_pandas()
    if kind == "category":
        return series.astype("category")
    return series


def _packed(table: pa.Table) -> bytes:
    """Return a table as Parquet bytes; the same table gives the same bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd", version="2.6")
    return bytes(sink.getvalue())


def _unpacked(packed: bytes, name: str) -> pa.Table:
    """Return the table of a Parquet file that does not unpack to more than this machine takes.

    A text that is written once may stand in a million rows, so texts are read as Parquet keeps
    them, each once, and counted before they are spread out.
    """
    source = pq.ParquetFile(pa.BufferReader(packed))
    schema = source.schema
    texts = [
        schema.column(at).path
        for at in range(len(schema))
        if schema.column(at).physical_type == "BYTE_ARRAY"
    ]
    _bounded(source, name)
    table = pq.ParquetFile(pa.BufferReader(packed), read_dictionary=texts).read(use_threads=False)
    columns = [_spread(column, name) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _bounded(source: pq.ParquetFile, name: str) -> None:
    """Raise BundleError for a file that says itself that it is too large."""
    groups = (source.metadata.row_group(at) for at in range(source.metadata.num_row_groups))
    cells = source.metadata.num_rows * max(1, source.metadata.num_columns)
    if sum(group.total_byte_size for group in groups) > MOST_BYTES or cells > MOST_BYTES // 4:
        raise _too_large(name)


def _spread(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Return a column with its texts written out, where they are not too many."""
    flat = column
    while pa.types.is_list(flat.type) or pa.types.is_large_list(flat.type):
        flat = pc.list_flatten(flat)
    if not pa.types.is_dictionary(flat.type):
        return column
    size = sum(_written_out(chunk) for chunk in flat.chunks)
    if size > MOST_BYTES:
        raise _too_large(name)
    kind = pa.string() if flat is column else pa.list_(pa.string())
    return column.cast(kind)


def _written_out(chunk: pa.DictionaryArray) -> int:
    lengths = pc.fill_null(pc.binary_length(chunk.dictionary), 0)
    found = pc.sum(lengths.take(chunk.indices.drop_null()).cast(pa.int64())).as_py()
    return int(found or 0)


def _too_large(name: str) -> BundleError:
    return BundleError(f"evidence '{name}' would unpack to more than {MOST_BYTES >> 20} MB")


@contextmanager
def _read(name: str) -> Iterator[None]:
    """Tell in one line what a file that cannot be read has."""
    try:
        yield
    except FileNotFoundError:
        raise BundleError(f"evidence '{name}': its rows ({name}.parquet) are missing") from None
    except (OSError, pa.ArrowException, ValueError, TypeError, KeyError) as error:
        raise BundleError(f"evidence '{name}' cannot be read: {_line(error)}") from None


def _record(path: Path) -> Record:
    try:
        found = json.loads(path.read_bytes())
        json.dumps(found, ensure_ascii=False).encode()  # half a character can be shown by nobody
    except FileNotFoundError:
        raise BundleError(f"there is no evidence '{path.stem}' in {path.parent.name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"evidence record {path.name} cannot be read: {_line(error)}") from None
    if not isinstance(found, dict):
        raise BundleError(f"evidence record {path.name} is no JSON object")
    return _known(found, path)


def _known(found: Record, path: Path) -> Record:
    """Return what a record says that it can say; ``damaged`` tells what else stood there."""
    faults = provenance.faults(found)
    if "dtypes" in faults:
        raise BundleError(f"evidence record {path.name} does not say the types of its columns")
    left_out = {"damaged", *faults, *(name for name, value in found.items() if value is None)}
    known = {name: value for name, value in found.items() if name not in left_out}
    damage = {"damaged": "; ".join(faults.values())} if faults else {}
    return {**known, **damage, "name": path.stem}  # cells and charts ask for the file's name


def _records(folder: Path) -> Iterator[Record]:
    for path in sorted(folder.glob("*.json")):
        try:
            yield _record(path)
        except BundleError as error:
            yield {"name": path.stem, "problem": str(error)}


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BundleError(expected("evidence name", "an identifier", example="errors", came=name))
    return name


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
