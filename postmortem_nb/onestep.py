"""A file written in one step: what stood there stands until the new one is whole.

The new file may be read by whom the old one might be; a first one by whom the umask says.
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import get_ident
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)
_ONLY_OURS = 0o600


def write(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Write a file under a temporary name, then give it its own; ``sync`` brings it to the disk.

    Raises OSError, and then nothing changed.
    """
    spare = path.with_name(f".{path.name[:60]}.{os.getpid()}.{get_ident()}.tmp")
    mode = _mode(path)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY
        handle = os.open(spare, flags, 0o666 if mode is None else _ONLY_OURS)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if mode is not None:
            with suppress(OSError):  # not every file system has modes
                spare.chmod(mode)
        spare.replace(path)
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            spare.unlink(missing_ok=True)
        raise
    if sync:
        _sync(path.parent)


def _mode(path: Path) -> int | None:
    """Return the mode of the file that stands at a path; None where there is none."""
    try:
        return path.stat().st_mode & 0o777
    except (OSError, ValueError):
        return None


def _sync(folder: Path) -> None:
    """Bring a rename to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
