"""One writer at a time: the operating system's lock on a file of its own.

A killed program's lock ends with it, so a lock file that is left behind means nothing. Among the
threads of one program an object's own lock does the same; a forked child gets new ones.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 10.0
"""Seconds to wait for another program's lock; one edit holds it for about one fsync."""

_POLL = 0.001  # seconds between tries for a lock that another program holds


if sys.platform == "win32":
    import filelock

    @contextlib.contextmanager
    def held(path: str) -> Iterator[None]:
        """Hold the lock of ``path``; TimeoutError when another program keeps it, else OSError."""
        with filelock.FileLock(path, timeout=PATIENCE):
            yield

else:
    # The very lock that filelock takes, without its bookkeeping: that costs as much as the fsync
    # which the lock protects (0.09 ms beside 0.11 ms).
    import fcntl

    @contextlib.contextmanager
    def held(path: str) -> Iterator[None]:
        """Hold the lock of ``path``; TimeoutError when another program keeps it, else OSError."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _wait_for(fd)
            try:
                yield
            finally:
                fcntl.flock(fd, fcntl.LOCK_UN)  # not left to close: a forked child may have a copy
        finally:
            os.close(fd)

    def _wait_for(fd: int) -> None:
        """Take the lock of an open file, trying again as long as our patience lasts."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise TimeoutError from None
                time.sleep(_POLL)
            else:
                return


class Locked(Protocol):
    """What threads share: an object with a lock of its own."""

    lock: Any


_LOCKED: weakref.WeakSet[Any] = weakref.WeakSet()


def own_after_fork(holder: Locked) -> None:
    """Give a holder a new lock in a forked child: a thread that it lacks may hold the old one."""
    _LOCKED.add(holder)


def _renew() -> None:
    for holder in tuple(_LOCKED):
        holder.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
