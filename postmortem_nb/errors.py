"""Every error this package raises on purpose, and how its one line is written.

    PostmortemError                 anything below; its text is for the user's eyes
    ├── BadValue (ValueError)       a value that does not fit its kind; the old one stays
    ├── BadTemplate (ValueError)    a template that cannot be read: file, line, what was expected
    ├── BundleError                 a bundle that cannot be opened or written
    │   ├── NewerFormat             it was written by a newer postmortem-nb
    │   └── NotSaved                no room, read-only, vanished: the edit is not on disk
    ├── QueryError (ValueError)     a call, a query or SQL that cannot be asked as written
    ├── DatadogError                Datadog, or what stands between, answered with a failure
    └── ExportError                 a notebook that cannot be exported

A line names the thing, what was expected with an example, and what came.
In a notebook these show as that line, without traceback; our own bugs keep theirs.
"""

from __future__ import annotations

LONGEST_SHOWN = 120
"""Characters of a refused value that are shown back."""


class PostmortemError(Exception):
    """Something the user can act on; ``str()`` is the whole message."""

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: the line alone, no traceback, no local variables."""
        return [str(self)]


class BadValue(PostmortemError, ValueError):
    """A value that does not fit; nothing was changed."""


class BadTemplate(PostmortemError, ValueError):
    """A template that cannot be read."""


class BundleError(PostmortemError):
    """A bundle that cannot be opened or written."""


class NewerFormat(BundleError):
    """A bundle written by a newer version of this package."""


class NotSaved(BundleError):
    """An edit that is not on disk; it may be tried again in the same session."""


class QueryError(PostmortemError, ValueError):
    """A question that cannot be asked as it is written."""


class DatadogError(PostmortemError):
    """A failure of Datadog or of the way there: status, question and what to do."""


class ExportError(PostmortemError):
    """A notebook that cannot be exported."""


def expected(thing: str, what: str, *, example: str, came: object) -> str:
    """Return the one line of a refusal: thing, what was expected, an example, what came."""
    return f"{thing}: expected {what}, for example {example}; got {shown(came)}"


def shown(value: object) -> str:
    """Return a value for an error line: quoted, on one line, cut, with no control characters."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception as error:  # noqa: BLE001 - a stranger's object may fail to show itself
        text = f"{type(value).__name__} ({type(error).__name__} when shown)"
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    cut = line if len(line) <= LONGEST_SHOWN else line[: LONGEST_SHOWN - 1] + "…"
    return f"'{cut}'" if isinstance(value, str) else cut
