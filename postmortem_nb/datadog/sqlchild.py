"""The process that runs SQL: started alone, with the rows, DuckDB and every door of it shut.

It is a script of its own so that it starts fast and imports nothing of the package. It reads one
JSON line a request and answers with one JSON line and, where that says so, bytes of Arrow.
"""

from __future__ import annotations

import json
import mmap
import sys
from itertools import chain
from typing import Any

MEMORY = "1GB"
"""What DuckDB may hold; beyond it a query ends with an error."""
THREADS = 4
"""More than two even on two cores: one that waits for memory leaves its core to another."""
ROOM = 3 << 30
"""Bytes of address space beside the rows; what DuckDB does not count ends here."""
LARGEST = 64 << 20
"""Bytes of one result."""
_BATCH = 10_000  # rows that are taken from a result at a time
SHUT = {
    "allow_community_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
}
"""DuckDB's settings that let it reach outside itself, all off, and then locked."""


def main() -> None:
    """Serve requests until the input ends; the rows are whole when the first one comes."""
    # imported here: the parent imports this module for its path, and must not load DuckDB
    import duckdb  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    first = sys.stdin.buffer.readline()
    if not first:
        return
    rows = mmap.mmap(int(sys.argv[1]), 0, access=mmap.ACCESS_READ)
    table = pa.ipc.open_file(pa.py_buffer(rows)).read_all()
    _confine(len(rows))
    settings: dict[str, Any] = {**SHUT, "memory_limit": MEMORY, "threads": str(THREADS)}
    connection = duckdb.connect(":memory:", config=settings)
    connection.register("rows", table)
    for line in chain((first,), sys.stdin.buffer):
        request = json.loads(line)
        try:
            body = _result(connection, request, pa)
        except (duckdb.Error, MemoryError, OverflowError, ValueError) as error:
            _say({"error": str(error)[:1000]})
        else:
            _say({"bytes": len(body)})
            sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()


def _result(connection: Any, request: dict[str, Any], pa: Any) -> bytes:
    """Return the bytes of a SELECT's result; for the view that is made first, none."""
    if "view" in request:
        connection.execute(request["view"])
        connection.execute("SET lock_configuration = true")
        return b""
    statements = connection.extract_statements(request["sql"])
    if len(statements) != 1 or statements[0].type.name != "SELECT":
        message = "one SELECT is run, nothing else"
        raise ValueError(message)
    found = connection.sql(request["sql"])
    read = getattr(found, "to_arrow_reader", None) or found.fetch_record_batch
    batches = read(_BATCH)
    sink = pa.BufferOutputStream()
    left = request["limit"]
    with pa.ipc.new_stream(sink, batches.schema) as stream:
        for batch in batches:
            if sink.tell() + batch.nbytes > LARGEST:
                message = f"the result is larger than {LARGEST >> 20} MB"
                raise ValueError(message)
            stream.write_batch(batch.slice(0, left))
            left -= batch.num_rows
            if left <= 0:
                break
    return bytes(sink.getvalue())


def _say(head: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n")


def _confine(rows: int) -> None:
    """Let this process write no file and take no more memory than the rows need, where it can."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (rows + ROOM, rows + ROOM))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
