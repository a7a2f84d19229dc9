"""Who writes an edit: a person, and where it came from a form the message that brought it.

A browser that never heard that its edit is on disk asks later, by the name of the message.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
from contextvars import ContextVar
from typing import TYPE_CHECKING

from postmortem_nb.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

_VIA: ContextVar[str] = ContextVar("via", default="")


@contextlib.contextmanager
def via(message: str) -> Iterator[None]:
    """Let the edits that this thread makes meanwhile be those of a message; empty is none."""
    before = _VIA.set(message)
    try:
        yield
    finally:
        _VIA.reset(before)


def signature() -> dict[str, str]:
    """Return what every edit says of its writer: ``by``, and ``via`` which message."""
    message = _VIA.get()
    return {"by": author()} | ({"via": message} if message else {})


def author() -> str:
    """Return who is writing: ``POSTMORTEM_AUTHOR``, else the login name, else unknown."""
    return clean(os.environ.get("POSTMORTEM_AUTHOR") or _login())


@functools.cache
def _login() -> str:
    """Return the name that this program's user has on the system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        return "unknown"
