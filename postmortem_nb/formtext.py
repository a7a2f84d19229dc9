"""The finished text under a form: an output of its own that any page can show.

It stands in the saved notebook, so GitHub, nbviewer and a page without a kernel show the document.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from postmortem_nb import document

if TYPE_CHECKING:
    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Section

Shown = tuple[dict[str, str], dict[str, Any]]
"""An output: its data by type, and its metadata with the text's digest."""

# Only where the notebook is trusted: hide what JupyterLab says in place of a form without a
# kernel, and keep the lines of prose, rows and questions apart.
QUIET = (
    "<style>.pm-text .pm-value{white-space:pre-wrap}"
    ".pm-text li>p{margin:0}.pm-text ol>li,.pm-text pre{margin:.4em 0 .8em}"
    ".jp-OutputArea-child:has(> .jp-OutputArea-output.jupyter-widgets)"
    ":has(~ .jp-OutputArea-child .pm-text){display:none}</style>"
)
HINT = '<p class="pm-hint"><em>Run this cell (Shift+Enter) to fill in this section.</em></p>'
EMPTY = "<p>Nothing is filled in yet.</p>"

# JupyterLab reads all headings of all outputs anew for its contents list whenever an output
# changes; the notebook's own heading above the form is in that list already.
_HEADING = re.compile(r"<h([1-6])")
_UNLISTED = r'<h\1 class="jp-toc-ignore"'


def written(incident: Incident, section: Section) -> Shown:
    """Return a section's finished text, as the export prints it, with its mark."""
    with incident.lock:
        made, plain = document.both(incident, section.title)
    body = _HEADING.sub(_UNLISTED, made) if made else EMPTY
    html = f'<div class="pm-text tex2jax_ignore mathjax_ignore">{QUIET}{HINT}{body}</div>'
    data = {"text/html": html, "text/plain": plain.strip() or "Nothing is filled in yet."}
    digest = hashlib.sha256(made.encode("utf-8", "replace")).hexdigest()[:12]
    return data, {"postmortem": {"section": section.title, "text": digest}}
