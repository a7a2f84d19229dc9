"""The process that SQL runs in, from this side: started, handed the rows, asked, ended in time.

The child (``sqlchild``) has no files, no network, no extensions, no environment and a time to live.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from postmortem_nb.datadog import duck, sqlchild
from postmortem_nb.datadog.sql import told
from postmortem_nb.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

_SAMPLE = 10_000  # rows that tell whether a text has few kinds
_FEW = 500

LONGEST = 20.0
"""Seconds that one SELECT may run before its process is ended."""


class Child:
    """The process, begun before its rows are there: it loads DuckDB while they are fetched.

    ``file`` has no name and lies in memory where the system can.
    """

    def __init__(self, *, on_disk: bool = False) -> None:
        memory = None if on_disk else _memory()
        self.file = tempfile.TemporaryFile(dir=memory)  # noqa: SIM115 - close does
        self.process: subprocess.Popen[bytes] | None = _spawned(self.file.fileno())
        self._memory = memory

    def has_room(self, size: int) -> bool:
        """Return whether rows of so many bytes may lie where the file does."""
        return self._memory is None or _free(self._memory) > 2 * size

    def running(self) -> tuple[subprocess.Popen[bytes], bool]:
        """Return the process, and whether it was started anew and does not know its rows."""
        is_new = self.process is None
        self.process = self.process or _spawned(self.file.fileno())
        return self.process, is_new

    def drop(self) -> None:
        """End the process; another may be started on the same rows."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    _close(pipe)

    def close(self) -> None:
        """End the process and give the memory back."""
        self.drop()
        self.file.close()


class Rows:
    """Log rows in a process of their own, where SELECTs run over them, one after the other.

    A context manager; the rows are handed over once, by memory that both processes map. Texts of
    few kinds, and those of the columns in ``distinct``, get a column of codes beside them;
    ``codes`` says which, for ``duck.written`` to make use of. ``child`` is a process that was begun
    before.
    """

    def __init__(
        self,
        table: pa.Table,
        view: str,
        *,
        distinct: Collection[str] = (),
        child: Child | None = None,
    ) -> None:
        table, self.codes = _coded(table, distinct)
        self.view = view.replace(" FROM rows", _beside(self.codes) + " FROM rows")
        self._child = _roomy(child or Child(), table.nbytes)
        self._knows = False
        _write(self._child.file, table)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def ask(self, query: str, *, limit: int) -> pa.Table:
        """Return the result of a SELECT, cut after ``limit`` rows.

        Raises QueryError when DuckDB refuses it, or when it takes too long or too much memory.
        """
        process = self._started()
        late = threading.Event()
        timer = threading.Timer(LONGEST, _end, (process, late))
        timer.daemon = True
        timer.start()
        try:
            return _answered(process, {"sql": query, "limit": limit})
        except (EOFError, OSError):
            self._child.drop()
            raise QueryError(_ended(late=late.is_set())) from None
        except KeyboardInterrupt:
            self._child.drop()
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process and give the memory back."""
        self._child.close()

    def _started(self) -> subprocess.Popen[bytes]:
        process, is_new = self._child.running()
        if is_new or not self._knows:
            try:
                _answered(process, {"view": self.view})
            except (EOFError, OSError):
                self._child.drop()
                raise QueryError("sql_query: the process that runs SQL did not start") from None
            self._knows = True
        return process


def _coded(table: pa.Table, distinct: Collection[str]) -> tuple[pa.Table, duck.Codes]:
    """Return a table with codes beside texts of few kinds, and beside those that are counted."""
    counted: set[str] = set()
    kinds: dict[str, list[str | None]] = {}
    for at, name in enumerate(table.column_names):
        column = table.column(at)
        if column.type not in (pa.string(), pa.large_string()) or len(column) < _SAMPLE:
            continue
        few = len(pc.unique(column.slice(0, _SAMPLE))) <= _FEW
        if not few and name not in distinct:
            continue
        encoded = column.combine_chunks().dictionary_encode()
        single = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
        table = table.append_column(name + duck.CODE, single.indices)
        if name in distinct:
            counted.add(name)
        if few and len(single.dictionary) <= _FEW:
            table = table.set_column(at, name, single)
            texts = single.dictionary.to_pylist()
            if all(text.isprintable() for text in texts):
                kinds[name] = texts
    return table, duck.Codes(frozenset(counted), kinds)


def _beside(codes: duck.Codes) -> str:
    names = sorted(codes.counted | codes.kinds.keys())
    return "".join(', "' + name.replace('"', '""') + duck.CODE + '"' for name in names)


def _roomy(child: Child, size: int) -> Child:
    """Return a child whose file has room for so many bytes: this one, or else one on disk."""
    if child.has_room(size):
        return child
    child.close()
    return Child(on_disk=True)


def _write(file: Any, table: pa.Table) -> None:
    with pa.ipc.new_file(pa.PythonFile(file, "w"), table.schema) as writer:
        writer.write_table(table)
    file.flush()


def _memory() -> Path | None:
    """Return the folder for files in memory, where the system has one."""
    memory = Path("/dev/shm")  # noqa: S108 - for a file without a name, seen by nobody else
    return memory if memory.is_dir() and os.access(memory, os.W_OK) else None


def _free(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


def _spawned(rows: int) -> subprocess.Popen[bytes]:
    """Return the child: no environment, no inherited files but the rows, its own session."""
    command = [sys.executable, "-I", sqlchild.__file__, str(rows)]
    return subprocess.Popen(  # noqa: S603 - this interpreter, this package's own file
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(rows,),
        env={"TZ": "UTC"},
        cwd="/",
        start_new_session=True,
    )


def _answered(process: subprocess.Popen[bytes], message: dict[str, Any]) -> Any:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise EOFError
    head = json.loads(line)
    if "error" in head:
        raise QueryError(f"sql_query: {told(head['error'])}")
    body = process.stdout.read(head["bytes"])
    if len(body) < head["bytes"]:
        raise EOFError
    return pa.ipc.open_stream(body).read_all() if body else None


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _ended(*, late: bool) -> str:
    if late:
        return f"sql_query: stopped after {LONGEST:g} seconds; make it smaller or narrow the filter"
    return "sql_query: stopped, it took more memory than it may; make it smaller"


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:
        return
