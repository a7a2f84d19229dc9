"""Asides as HTML: every text escaped; classes are our own words alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postmortem_nb import pageparts, text

if TYPE_CHECKING:
    from postmortem_nb.asides import Aside


def table(aside: Aside) -> str:
    """Return a table with its title, behind it where it is folded."""
    shown = pageparts.table(aside.heads, aside.rows, numbers=aside.numeric)
    title = text.html(aside.title)
    if aside.evidence:  # its picture above has the title
        return f'<div class="pm-basis">{shown}</div>'
    if aside.folded:
        return f'<details class="pm-defined pm-how"><summary>{title}</summary>{shown}</details>'
    return f'<div class="pm-basis"><p class="pm-note"><strong>{title}</strong></p>{shown}</div>'


def beside(words: str) -> str:
    """Return what stands in brackets behind a figure."""
    return f' <small class="pm-beside">({text.html(words)})</small>'
