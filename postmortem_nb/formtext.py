"""The finished text under a form: an output of its own that any page can show.

It stands in the saved notebook, so GitHub, nbviewer and a page without a kernel show the document.
A text is a part of its cell's run, written after all forms of the cell: whoever saves or exports
the notebook when the cell has ended has it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Protocol

from IPython import get_ipython
from IPython.display import display

from postmortem_nb import document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Section
    from postmortem_nb.standing import Line

Shown = tuple[dict[str, str], dict[str, Any]]
"""An output: its data by type, and its metadata with the text's digest."""

HINT = '<p class="pm-hint"><em>Run this cell (Shift+Enter) to fill in this section.</em></p>'
EMPTY = "<p>Nothing is filled in yet.</p>"

# JupyterLab reads all headings of all outputs anew for its contents list whenever an output
# changes; the notebook's own heading above the form is in that list already.
_HEADING = re.compile(r"<h([1-6])")
_UNLISTED = r'<h\1 class="jp-toc-ignore"'

# Pages without our style sheet keep the lines of prose apart too. A style sheet in each text would
# have JupyterLab compute the styles of the whole notebook anew, once a text.
_VALUE = ' class="pm-value"'
_LINES = f'{_VALUE} style="white-space:pre-wrap"'


def written(incident: Incident, section: Section, lines: Sequence[Line]) -> Shown:
    """Return a section's finished text, as the export prints it, with its mark."""
    made, plain = document.both(incident, lines)
    body = _HEADING.sub(_UNLISTED, made).replace(_VALUE, _LINES) if made else EMPTY
    digest = hashlib.sha256(made.encode("utf-8", "replace")).hexdigest()[:12]
    html = f'<div class="pm-text tex2jax_ignore mathjax_ignore">{HINT}{body}</div>'
    data = {"text/html": html, "text/plain": plain.strip() or "Nothing is filled in yet."}
    return data, {"postmortem": {"section": section.title, "text": digest}}


# -- when it is shown ------------------------------------------------------------------------------


class Form(Protocol):
    """What has a text under it."""

    text_id: str

    def say(self) -> Shown:
        """Return the output under the form, its text."""

    def look(self) -> None:
        """See in a moment whether the text is still right."""


_UNTOLD: list[Form] = []
"""Forms of the running cell that stand on the page before their texts."""


def below(form: Form) -> None:
    """Show the output under a form: when the cell ends that shows the form, else at once."""
    if not _cell_runs():
        _tell([form])
    elif form not in _UNTOLD:
        _UNTOLD.append(form)


def show(data: dict[str, Any], **more: Any) -> None:
    """Show or renew an output; outside of IPython there is nobody to show it to."""
    if get_ipython() is not None:
        display(data, raw=True, **more)


def _cell_runs() -> bool:
    """Return whether a cell runs that can still show something when it has ended."""
    shell = get_ipython()
    parent = getattr(shell, "parent_header", {})
    if parent.get("header", parent).get("msg_type") != "execute_request":
        return False
    if _tell_all not in shell.events.callbacks["post_execute"]:
        shell.events.register("post_execute", _tell_all)
    return True


def _tell_all() -> None:
    """Show the outputs under the forms of the cell that ends, as a part of it."""
    untold = _UNTOLD[:]
    _UNTOLD.clear()
    _tell(untold)


def _tell(shown: list[Form]) -> None:
    """Show the outputs under forms: all are written before the first is sent to be drawn."""
    for each, (data, metadata) in [(each, each.say()) for each in shown]:
        show(data, metadata=metadata, display_id=each.text_id)
    for each in shown:
        each.look()  # an edit came perhaps before there was a text to renew
