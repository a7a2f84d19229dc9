"""What stands where in the document: the notebook's order of sections, the author's cells between.

Words: a *chapter* is the text of one section of the template, written fresh from the dataset; an
*own* block is a cell that the author added; an *asked* block is a query cell of the author's own.
The template's own queries are no blocks: they stand inside their chapter's text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb.ipynb import TOOLS, Cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postmortem_nb.schema import Section, Template


@dataclass(frozen=True, slots=True)
class Chapter:
    """The text of one section of the template."""

    section: Section


@dataclass(frozen=True, slots=True)
class Own:
    """A cell that the author added: its Markdown, or what its code left."""

    cell: Cell


@dataclass(frozen=True, slots=True)
class Asked:
    """A query cell that is not in the template: its chart and provenance."""

    cell: Cell


Block = Chapter | Own | Asked


def blocks(template: Template, cells: Sequence[Cell], *, queries: frozenset[str]) -> list[Block]:
    """Return the blocks of a document in the notebook's order.

    A section without a cell of its own comes after the section before it in the template, so that
    deleting a cell never deletes what people wrote. ``queries`` are the names that chapters show.
    """
    by_title = {section.title: section for section in template.sections}
    told: list[Block] = []
    begun: set[str] = set()
    for cell in cells:
        if cell.section in by_title and cell.section not in begun and cell.role != "text":
            begun.add(cell.section)
            told.append(Chapter(by_title[cell.section]))
        told.extend(_added(cell, queries))
    return _whole(template.sections, told, begun)


def _added(cell: Cell, queries: frozenset[str]) -> list[Block]:
    """Return the block of a cell that is not a tool and not told by a chapter."""
    if cell.role in TOOLS:
        return []
    if cell.kind == "code" and cell.evidence:
        return [] if cell.evidence in queries else [Asked(cell)]
    return [Own(cell)] if cell.own and cell.source.strip() else []


def _whole(sections: Sequence[Section], told: list[Block], begun: set[str]) -> list[Block]:
    """Return the blocks with every section of the template in its place."""
    before: Section | None = None
    for section in sections:
        if section.title not in begun:
            told.insert(_after(told, before), Chapter(section))
        before = section
    return told


def _after(told: list[Block], before: Section | None) -> int:
    """Return the place after a chapter and the cells that follow it; the first place for None."""
    if before is None:
        return 0
    own = next(
        place
        for place, block in enumerate(told)
        if isinstance(block, Chapter) and block.section is before
    )
    following = (place for place in range(own + 1, len(told)) if isinstance(told[place], Chapter))
    return next(following, len(told))
