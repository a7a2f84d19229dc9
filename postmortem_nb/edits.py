"""The append-only log of edits: one JSON line each, acknowledged when it is on disk.

The first line is the header: format, version, SHA-256 of the template. Every other line is an
*edit*: a value (``name``, ``value``) or an operation on a row (``op``). Nothing is ever rewritten,
so history, audit and merges are what they look like in a diff.

Edits count in the order of their *moments* (`moment`), those of one moment in the order of their
lines. So a merge of two branches says the same whichever side's lines it puts first, and the newest
edit wins. An edit is never older than one that its writer knew: where the clock is behind, the line
says so (``after``).

Words used here: a line is *torn* when a crash cut it, *garbled* when it is no edit, *altered* when
its own checksum says that it was changed after it was written. A torn or garbled line is reported
and left where it is; an altered one is reported and used as it now stands.
"""

from __future__ import annotations

import contextlib
import errno
import os
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import orjson

from postmortem_nb import lock
from postmortem_nb.errors import BundleError, NewerFormat, NotSaved
from postmortem_nb.writers import signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

FORMAT = "postmortem-nb"
VERSION = 1
LOCK = ".incident.lock"
OPERATIONS = frozenset({"add", "remove", "move", "restore"})
BEGINNING = datetime.min.replace(tzinfo=UTC)
"""The moment before all others."""
_MARK = 64  # bytes before our place in the file; when they differ, the file was replaced
_SUM = b',"crc32":"%08x"}'
_SUM_LENGTH = len(_SUM % 0)
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would write \r\n
_REASONS = {
    errno.ENOSPC: "no space left on the disk; free some, then edit on",
    errno.EDQUOT: "the disk quota is used up; free some space, then edit on",
    errno.EFBIG: "the file may not grow any further here",
    errno.EROFS: "the folder is read-only; copy the incident to where you may write",
    errno.EACCES: "the folder is read-only for you; copy the incident to where you may write",
    errno.EPERM: "the folder is read-only for you; copy the incident to where you may write",
    errno.ENOENT: "it is gone: moved or deleted; open the incident again where it is now",
    errno.EIO: "the disk reports an error",
}


class Edit(TypedDict):
    """One line of the log; keys that a later version adds are kept in the file."""

    at: str
    by: str
    table: str
    row: str
    name: NotRequired[str]
    value: NotRequired[Any]
    after: NotRequired[str]
    via: NotRequired[str]
    op: NotRequired[str]
    order: NotRequired[float]


class Log:
    """The file of one incident's edits, read from where it was last read, appended under a lock.

    Not thread-safe by itself: ``Incident`` holds its own lock around every call. No file stays
    open between calls, so neither a fork nor a moved folder makes two programs share a position.
    """

    def __init__(self, path: Path, template: str = "") -> None:
        self.path = path
        self.template = template
        """SHA-256 of the template: as given, then as the header says."""
        self.generation = 0
        """Grows when the file turns out to be another one; all of it is then read anew."""
        self._lock = str(path.with_name(LOCK))
        self._forget()

    def _forget(self) -> None:
        """Know nothing of the file."""
        self._problems: list[str] = []
        self._news: list[Edit] = []
        self._identity: tuple[int, int] | None = None  # device and inode
        self._changed = -1  # time of the last change, ns
        self._size = 0  # bytes known
        self._mark = b""  # the last of them
        self._tail = b""  # the torn last line, as long as nobody mended it
        self._unended = False  # the last line is whole but has no line end
        self._moment = self._latest = self._first = BEGINNING  # of the last, newest, first edit
        self._line = 0  # lines known

    @classmethod
    def create(cls, path: Path, template: str) -> Log:
        """Return the log of a new incident, its header on disk; ``template`` is a SHA-256.

        Raises
        ------
        BundleError
            there is a log already
        NotSaved
            the disk is full, read-only or gone
        """
        log = cls(path, template)
        with _saving(path):
            fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, 0o666)
            try:
                _write(fd, _header(template))
                os.fsync(fd)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            finally:
                os.close(fd)
            sync_folder(path.parent)
        log.read()
        return log

    @property
    def problems(self) -> list[str]:
        """What is wrong in the file, one line each."""
        torn = [_torn(self._line + 1)] if self._tail else []
        empty = ["line 1: the header is missing"] if not self._size else []
        return [*empty, *self._problems, *torn]

    def read(self) -> list[Edit]:
        """Return the edits since the last read, ours and other programs', in the file's order.

        Needs no lock and writes nothing.

        Raises
        ------
        NewerFormat
            a newer postmortem-nb wrote the file
        BundleError
            the file is gone or cannot be read
        """
        try:
            fd = os.open(self.path, os.O_RDONLY | _BINARY)
            try:
                self._catch_up(fd)
            finally:
                os.close(fd)
        except OSError as failed:
            raise BundleError(
                f"{self.path}: cannot be read: {reason(failed, reading=True)}"
            ) from None
        return self.news()

    def news(self) -> list[Edit]:
        """Return what `append` and `read` found and nobody has taken yet; touches no file."""
        news, self._news = self._news, []
        return news

    def append(self, changes: Sequence[Mapping[str, Any]]) -> None:
        """Put changes on disk as edits; when this returns they survive a crash of the machine.

        They, and what other programs wrote before them, are then in `news`; they are newer than
        anything else in the file.

        Raises
        ------
        NotSaved
            nothing was added: no room, read-only, vanished, or locked for too long
        NewerFormat
            a newer postmortem-nb replaced the file
        """
        with _saving(self.path), lock.held(self._lock):
            fd = os.open(self.path, os.O_RDWR | os.O_APPEND | _BINARY)
            try:
                self._catch_up(fd)
                lines = b"".join(_line(edit) for edit in stamped(changes, self._latest))
                self._put(fd, self._opening() + lines)
            finally:
                os.close(fd)

    def _opening(self) -> bytes:
        """Return what must come first: a header in an empty file, a line end after a torn line."""
        if not self._size:
            return _header(self.template)
        return b"\n" if self._tail or self._unended else b""

    def _put(self, fd: int, data: bytes) -> None:
        """Write and sync all of it, or leave the file as it was."""
        try:
            _write(fd, data)
            os.fsync(fd)
        except BaseException:
            with contextlib.suppress(OSError):  # a half line that stays is mended by the next edit
                os.ftruncate(fd, self._size)
            raise
        self._take(data)
        with contextlib.suppress(OSError):  # unknown is fine: the next reader compares the mark
            self._changed = os.fstat(fd).st_mtime_ns

    def _catch_up(self, fd: int) -> None:
        """Read what was appended since; all of it when the file is another one."""
        now = os.fstat(fd)
        identity = (now.st_dev, now.st_ino)
        if (identity, now.st_size, now.st_mtime_ns) == (self._identity, self._size, self._changed):
            return
        grown = identity == self._identity and now.st_size >= self._size
        if not grown or _read(fd, self._size - len(self._mark), len(self._mark)) != self._mark:
            self.generation += self._identity is not None
            self._forget()
        self._identity, self._changed = identity, now.st_mtime_ns
        self._take(_read(fd, self._size, None))

    def _take(self, data: bytes) -> None:
        """Understand what follows the known part of the file."""
        self._size += len(data)
        self._mark = (self._mark + data)[-_MARK:]
        data = self._tail + (data.removeprefix(b"\n") if self._unended else data)
        self._unended = self._unended and not data
        *lines, self._tail = data.split(b"\n")
        for line in lines:
            self._line += 1
            self._understand(line)
        if self._tail and _loaded(self._tail) is not None:  # whole: only its line end is missing
            self._line += 1
            self._understand(self._tail)
            self._tail, self._unended = b"", True

    def _understand(self, line: bytes) -> None:
        """Keep the edit of one line, or say what is wrong with it."""
        loaded = _loaded(line)
        if self._line == 1 and not _is_edit(loaded):
            self._read_header(loaded)
        elif _is_edit(loaded):
            self._news.append(loaded)  # type: ignore[arg-type]
            self._moment = moment(loaded, self._moment, self._first)  # type: ignore[arg-type]
            self._latest = max(self._latest, self._moment)
            self._first = self._latest if self._first == BEGINNING else self._first
            if _is_altered(line.rstrip()):
                self._problems.append(f"line {self._line} was altered since it was written")
        elif line.strip():
            self._problems.append(f"line {self._line} is no edit: left out ({_glimpse(line)})")

    def _read_header(self, loaded: dict[str, Any] | None) -> None:
        """Check format and version; a header that cannot be read is reported, not fatal."""
        header = loaded or {}
        version = header.get("version")
        if isinstance(version, int) and version > VERSION:
            self._forget()
            raise NewerFormat(
                f"{self.path}: expected format {VERSION}; got format {version}, which a newer "
                f"postmortem-nb wrote: upgrade with `pip install --upgrade {FORMAT}`"
            )
        if header.get("format") != FORMAT or version != VERSION:
            self._problems.append("line 1 is no header of this format: read as format 1")
        self.template = str(header.get("template", self.template))


def stamped(changes: Iterable[Mapping[str, Any]], latest: datetime = BEGINNING) -> list[Edit]:
    """Return changes as edits: who makes them, and when, in UTC to the microsecond.

    ``latest`` is the newest moment of the log. A clock that is behind it is not believed for the
    order of edits, though it stays in the line: whoever edits now has seen what is there.
    """
    now = datetime.now(UTC)
    made = {"at": _iso(now), **signature()} | ({"after": _iso(latest)} if now < latest else {})
    return [{**made, **change} for change in changes]  # type: ignore[typeddict-item]


def _iso(when: datetime) -> str:
    """Return a time in UTC as the log writes it."""
    return when.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def moment(edit: Edit, before: datetime, first: datetime) -> datetime:
    """Return when an edit counts: its time, or that of the newer edit that its writer knew.

    One of no time, or older than the ``first`` (which branches share), counts with that ``before``.
    """
    try:
        said = datetime.fromisoformat(edit.get("after") or edit["at"])
        found = (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return before
    return found if found >= first else before


def by_time(edits: Sequence[Edit]) -> list[Edit]:
    """Return edits in the order of their moments; those of one moment stay in that of the log."""
    moments: list[datetime] = []
    for edit in edits:
        before, first = (moments[-1], moments[0]) if moments else (BEGINNING, BEGINNING)
        moments.append(moment(edit, before, first))
    return [edits[place] for place in sorted(range(len(edits)), key=moments.__getitem__)]


def sync_folder(folder: Path) -> None:
    """Make new names in a folder survive a crash of the machine, where the system can."""
    if os.name == "posix":
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _header(template: str) -> bytes:
    """Return the first line of a log."""
    return orjson.dumps({"format": FORMAT, "version": VERSION, "template": template}) + b"\n"


def _line(edit: Edit) -> bytes:
    """Return an edit as its line, closed by its checksum."""
    body = orjson.dumps(edit)[:-1]
    return body + _SUM % zlib.crc32(body) + b"\n"


def _loaded(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a line, or None."""
    try:
        loaded = orjson.loads(line)
    except ValueError:
        return None
    return loaded if isinstance(loaded, dict) else None


def _is_edit(loaded: dict[str, Any] | None) -> bool:
    """Return whether a line says what to do with which row."""
    if loaded is None or type(loaded.get("table")) is not str or type(loaded.get("row")) is not str:
        return False
    if "op" in loaded:
        order = loaded.get("order", 0)
        return loaded["op"] in OPERATIONS and isinstance(order, int | float)
    return type(loaded.get("name")) is str and "value" in loaded


def _is_altered(line: bytes) -> bool:
    """Return whether a line contradicts its checksum; a line without one says nothing."""
    end = line[-_SUM_LENGTH:]
    return end[:10] == _SUM[:10] and end != _SUM % zlib.crc32(line[:-_SUM_LENGTH])


def _torn(line: int) -> str:
    """Return the report of a line that a crash cut."""
    return f"line {line} is torn, as after a crash: left out"


def _glimpse(line: bytes) -> str:
    """Return the beginning of a bad line, printable."""
    return repr(line[:40].decode("utf-8", "replace"))


def _read(fd: int, start: int, length: int | None) -> bytes:
    """Return bytes from a place on: up to ``length``, or to the end."""
    os.lseek(fd, start, os.SEEK_SET)
    parts = []
    while length is None or length > 0:
        part = os.read(fd, 1 << 20 if length is None else length)
        if not part:
            break
        parts.append(part)
        length = None if length is None else length - len(part)
    return b"".join(parts)


def _write(fd: int, data: bytes) -> None:
    """Write all of it: one call may take only a part."""
    rest = memoryview(data)
    while rest:
        written = os.write(fd, rest)
        if not written:
            raise OSError(errno.EIO, "nothing was written")
        rest = rest[written:]


def reason(failed: OSError, *, reading: bool = False) -> str:
    """Return why the system refused, and what to do, without its own jargon where known."""
    if reading and isinstance(failed, PermissionError):
        return "you may not read it; ask who owns it"
    return _REASONS.get(failed.errno or 0, failed.strerror or type(failed).__name__)


@contextlib.contextmanager
def _saving(path: Path) -> Iterator[None]:
    """Turn the system's refusals into one line for the user."""
    try:
        yield
    except TimeoutError:
        wait = f"another program has held its lock for {lock.PATIENCE:.0f} seconds"
        raise NotSaved(f"{path}: not saved: {wait}") from None
    except FileExistsError:
        raise BundleError(f"{path}: there is an incident here already; open it instead") from None
    except OSError as failed:
        raise NotSaved(f"{path}: not saved: {reason(failed)}") from None
