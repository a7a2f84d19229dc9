"""A value as HTML, by its kind: the one table of what each kind looks like on the page."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from postmortem_nb import filling, kinds, text, times
from postmortem_nb.parts import Blank

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_MEASURED = re.compile(
    r"(?<![\w.:])[$€£]?\d[\d.,]*(?::\d\d)*"
    r"(?: (?:%|‰|°C|[kMGT]i?B|B|[nµm]?s|min|h|[kM]?Hz|UTC|x|×)(?!\w))+"
)
_BREAKS = re.compile(r"(?<=[/?&=])(?=[^/?&=])|(?<=\w)(?=\.\w)")


def html(kind: str, value: object, blank: Blank | None = None) -> str:
    """Return a value as HTML, worded as its blank words it; empty for one that is missing."""
    if value is None:
        return ""
    return DRAWN[kind](filling.worded(blank or Blank(kind, ""), value))


def shown(kind: str, worded: str) -> str:
    """Return what a value reads as, already worded, as HTML in a line of text."""
    return _link(worded) if kind == "link" else _span(worded)


def unnamed(value: object) -> str:
    """Return a value of a column that nothing describes."""
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return _span(times.shown(value) if isinstance(value, datetime) else shown)


def _span(shown: str) -> str:
    return f'<span class="pm-value"{_direction(shown)}>{_together(shown)}</span>'


def _together(shown: str) -> str:
    """Return text as HTML in which a number and its unit stay on one line."""
    made, place = "", 0
    for match in _MEASURED.finditer(shown):
        made += f'{text.html(shown[place : match.start()])}<span class="pm-one">{match[0]}</span>'
        place = match.end()
    return made + text.html(shown[place:])


def _direction(shown: str) -> str:
    return ' dir="auto"' if text.is_bidirectional(shown) else ""


def _link(shown: str) -> str:
    """Return links that may be clicked, parted as they were typed; the rest stays text."""
    words = "".join(_address(word) for word in text.BETWEEN_LINKS.split(shown))
    return f'<span class="pm-value"{_direction(shown)}>{words}</span>'


def _address(word: str) -> str:
    href = text.href(word)
    if href is None:
        return text.html(word)
    shown = "<wbr>".join(map(text.html, _BREAKS.split(word)))
    return f'<a href="{text.html(href)}" rel="noopener noreferrer">{shown}</a>'


def _code(shown: str) -> str:
    return f"<pre><code>{text.html(shown)}</code></pre>"


DRAWN: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(kinds.KINDS, _span),
    "link": _link,
    "query": _code,
}
"""Kind → how its shown text becomes HTML."""


def plain(kind: str, value: object) -> str:
    """Return a value as one line of plain text, empty for one that is missing."""
    return "" if value is None else " ".join(filling.worded(Blank(kind, ""), value).split())
