"""The finished text under a form: an output of its own that any page can show.

It stands in the saved notebook, so GitHub, nbviewer and a page without a kernel show the document.
A text is a part of its cell's run, written after all forms of the cell: whoever saves or exports
the notebook when the cell has ended has it.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from IPython import get_ipython
from IPython.display import display

from postmortem_nb import document, formdesk
from postmortem_nb.wholeframe import at_left

if TYPE_CHECKING:
    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Section
    from postmortem_nb.standing import Line

PATIENCE = 0.4
"""Seconds for which the texts of many sections wait until the forms above them are drawn."""

Shown = tuple[dict[str, str], dict[str, Any]]
"""An output: its data by type, and its metadata with the text's digest."""

HINT = '<p class="pm-hint"><em>Run all cells to fill in {}.</em></p>'
EMPTY = "<p>Nothing is filled in yet.</p>"

# JupyterLab reads all headings of all outputs anew for its contents list whenever an output
# changes; the notebook's own heading above the form is in that list already.
_HEADING = re.compile(r"<h([1-6])")
_UNLISTED = r'<h\1 class="jp-toc-ignore"'

# Pages without our style sheet keep the lines of prose apart too. A style sheet in each text would
# have JupyterLab compute the styles of the whole notebook anew, once a text.
_VALUE = re.compile(r' class="pm-value"(?P<turns> dir="auto")?')
_TITLE = '<p class="pm-title"'
_ABOVE = f'{_TITLE} style="font-size:1.3em;margin:0"'  # a line over the heading, as on a cover


class Finished:
    """The text under one form: of a section, or without one of the whole postmortem.

    ``digest`` tells texts apart; it is empty until somebody sees one.
    """

    def __init__(self, incident: Incident, section: Section | None) -> None:
        self.incident = incident
        self.title = section.title if section else None
        self.id = uuid.uuid4().hex
        self.digest = ""
        self.drawn = threading.Event()
        """Set when a window has drawn the form above it."""
        self._lines: list[Line] = []

    def output(self) -> Shown:
        """Return the text as it is now, as the export prints it, with its mark."""
        with self.incident.lock:
            return self._written(document.reading(self.incident, self.title))

    def renew(self) -> None:
        """Bring the output up to date where it differs; most edits are of another section."""
        with self.incident.lock:
            before, lines = self.digest, document.reading(self.incident, self.title)
            if not before or lines == self._lines:
                return
            data, metadata = self._written(lines)
        if self.digest != before:
            show(data, metadata=metadata, display_id=self.id, update=True)

    def _written(self, lines: list[Line]) -> Shown:
        made, plain = document.both(self.incident, lines)
        body = _styled(made) if made else EMPTY
        hint = HINT.format("this section" if self.title else "the postmortem")
        html = f'<div class="pm-text tex2jax_ignore mathjax_ignore">{hint}{body}</div>'
        self._lines = lines
        self.digest = hashlib.sha256(made.encode("utf-8", "replace")).hexdigest()[:12]
        data = {"text/html": html, "text/plain": plain.strip() or "Nothing is filled in yet."}
        return data, {"postmortem": {"section": self.title or "", "text": self.digest}}


def _styled(made: str) -> str:
    """Return a text whose values keep their lines, each in its own direction, below its title."""
    kept = _VALUE.sub(_kept_apart, _HEADING.sub(_UNLISTED, made))
    return at_left(kept.replace(_TITLE, _ABOVE))


def _kept_apart(value: re.Match[str]) -> str:
    turns = ";unicode-bidi:plaintext" if value["turns"] else ""
    return f'{value[0]} style="white-space:pre-wrap{turns}"'


# -- when it is shown ------------------------------------------------------------------------------


_UNTOLD: dict[str, list[Finished]] = {}
"""Texts whose forms stand on the page before them, by the request that runs their cell.

A window's message is handled beside the running cell, on a thread of its own, and its end is told
like the end of a cell. A text that was sent there is no output of the cell: the page drops it.
"""

_UNHEARD = threading.Event()
"""Set when the texts of a cell waited in vain."""


def below(finished: Finished) -> None:
    """Show the text under a form: when the cell ends that shows the form, else at once."""
    if not (request := _request()):
        _tell([finished])
        return
    _tell_when_a_cell_ends()
    untold = _UNTOLD.setdefault(request, [])
    if finished not in untold:
        untold.append(finished)


def show(data: dict[str, Any], **more: Any) -> None:
    """Show or renew an output; outside of IPython there is nobody to show it to."""
    if get_ipython() is not None:
        display(data, raw=True, **more)


def _request() -> str:
    """Return the id of the request that runs a cell on this thread; empty where none does."""
    parent = getattr(get_ipython(), "parent_header", {})
    header = parent.get("header", parent)
    return str(header["msg_id"]) if header.get("msg_type") == "execute_request" else ""


def _tell_when_a_cell_ends() -> None:
    told = get_ipython().events
    if _tell_all not in told.callbacks["post_execute"]:
        told.register("post_execute", _tell_all)


def _tell_all() -> None:
    """Show the texts of the cell that ends, as a part of it."""
    untold = _UNTOLD.pop(_request(), [])
    _let_forms_be_drawn(untold)
    _tell(untold)


def _let_forms_be_drawn(above: list[Finished]) -> None:
    """Wait a moment where there is much to write: the inputs come first, and both need the page.

    Where once nobody said that a form is drawn, no page shows this kernel, or its messages wait
    for the cell to end: nobody is waited for again.
    """
    large = len(above) > 1 or any(each.title is None for each in above)
    if large and not _UNHEARD.is_set():
        until = time.monotonic() + PATIENCE
        drawn = [each.drawn.wait(max(0.0, until - time.monotonic())) for each in above]
        if not all(drawn):
            _UNHEARD.set()


def _tell(untold: list[Finished]) -> None:
    """Show texts: all are written before the first is sent to be drawn."""
    for each, (data, metadata) in [(each, each.output()) for each in untold]:
        show(data, metadata=metadata, display_id=each.id)
    for each in untold:
        formdesk.at(each.incident).look()  # an edit came perhaps before there was a text to renew
