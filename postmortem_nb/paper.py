"""The document as Markdown in the template's layout, its pictures in files beside it.

The text is the template's own with the blanks filled (`document`); the author's cells stand where
the notebook has them. With empty blanks shown, a new incident is its template and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import quote

from postmortem_nb import (
    approvals,
    backtested,
    cellmarkdown,
    document,
    drawntimeline,
    figures,
    filling,
    headline,
    page,
    provenance,
    story,
    text,
)
from postmortem_nb.figures import Figures
from postmortem_nb.ipynb import TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postmortem_nb.figures import Figure
    from postmortem_nb.ipynb import Cell
    from postmortem_nb.masked import MaskedIncident
    from postmortem_nb.page import Style
    from postmortem_nb.parts import Query, Section
    from postmortem_nb.sources import Source
    from postmortem_nb.story import Block

    Told = Callable[[str | None], str]
    """Gives a section of the template as Markdown."""

SUFFIXES = {
    **{f"image/{kind}": kind for kind in ("png", "gif", "webp")},
    "image/jpeg": "jpg",
    "image/svg+xml": "svg",
}
TIMELINE = "timeline"


@dataclass(slots=True)
class Pictures:
    """The pictures of a document: kept as files in ``folder``, shown by a link to them."""

    folder: str
    files: dict[str, bytes] = field(default_factory=dict)

    def show(self, name: str, raw: bytes, alt: str) -> str:
        """Keep a picture under a name of ours and return the Markdown that shows it."""
        self.files[f"{self.folder}/{name}"] = raw
        return f"![{_said(alt)}]({quote(self.folder)}/{name})"

    def own(self, kind: str, raw: bytes, alt: str) -> str:
        """Keep a picture of the author's."""
        number = 1 + sum(name.rpartition("/")[2].startswith("cell-") for name in self.files)
        return self.show(f"cell-{number}.{SUFFIXES[kind]}", raw, alt)


def _said(alt: str) -> str:
    return text.markdown(" ".join(text.visible(alt).split()))


def write(source: Source, style: Style, stem: str) -> tuple[str, dict[str, bytes]]:
    """Return the Markdown of a source, and its pictures by path relative to the document."""
    pictures = Pictures(f"{stem}_files")
    if source.incident is None:
        made = _alone(source, style, pictures)
    else:
        made = _whole(source, source.incident, style, pictures)
    return made, pictures.files


def _whole(source: Source, incident: MaskedIncident, style: Style, pictures: Pictures) -> str:
    shown = Figures(incident, source.cells, source.cover)
    template = incident.template
    queries = frozenset(query.name for query in template.queries())
    if not style.blanks:
        queries |= filling.pictured(filling.gather(incident), template)
    blocks = story.blocks(template, source.cells, queries=queries)

    def figure(query: Query) -> str:
        found = shown.find(query.name, query.label)
        return _figure(found, pictures) if found else ""

    tried = backtested.chapter(incident, shown, public=style.audience == page.PUBLIC)

    def after(table: str) -> str:
        return tried.markdown(table, lambda figure: _figure(figure, pictures))

    def told(section: str | None = None) -> str:
        return document.markdown(
            incident,
            blanks=style.blanks,
            section=section,
            figure=figure,
            drawn=lambda query: query.name in shown.names,
            after=after,
        )

    if _as_template(blocks, template.sections):
        made = told()
    else:
        parts = [_block(block, told, shown, pictures, style) for block in blocks]
        made = "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
    made = _with_boxes(made, incident, shown, style)
    if style.blanks:
        return source.cover(made)
    made = _with_timeline(made, incident, pictures)
    content = page.digest(template.digest, filling.gather(incident), source.cells, shown)
    return f"{source.cover(made).rstrip()}\n\n*Content digest: sha256 {content}*\n"


def _as_template(blocks: Sequence[Block], sections: Sequence[Section]) -> bool:
    """Whether the document is the template's sections in their order and nothing else."""
    chapters = [block.section for block in blocks if isinstance(block, story.Chapter)]
    return len(chapters) == len(blocks) and chapters == list(sections)


def _block(block: Block, told: Told, shown: Figures, pictures: Pictures, style: Style) -> str:
    if isinstance(block, story.Chapter):
        return told(block.section.title)
    if isinstance(block, story.Own):
        return _own(block.cell, pictures, style)
    found = shown.find(block.cell.evidence, block.cell.evidence)
    call = text.fence(found.call if found else block.cell.source)
    return f"{call}\n\n{_figure(found, pictures) if found else '*Not asked yet.*'}"


def _own(cell: Cell, pictures: Pictures, style: Style) -> str:
    if cell.kind == "markdown":
        return cellmarkdown.fragment(cell, pictures.own)
    return cellmarkdown.outputs(cell, pictures.own, code=style.code) if cell.kind == "code" else ""


def _figure(figure: Figure, pictures: Pictures) -> str:
    """Return a figure: its picture or its rows, and where it comes from."""
    shown = (
        pictures.show(f"{figure.name}.png", figure.picture, figure.alt)
        if figure.picture is not None
        else _table(figure)
    )
    said = (
        f"Figure {figure.number}. {figures.title(figure)}. {provenance.line(dict(figure.record))}"
    )
    link = text.href(str(figure.record.get("link") or ""))
    where = f" · <{link}>" if link and not set(link) & set("<>`\\ ") else ""
    return "\n\n".join(part for part in (shown, f"*{text.markdown(said)}*{where}") if part)


def _table(figure: Figure) -> str:
    """Return the first rows of an answer as a table."""
    table = figure.table
    made = cellmarkdown.table(table.heads, table.rows, table.numeric) if table.rows else ""
    return "\n\n".join(part for part in (made, table.more) if part)


def _with_boxes(made: str, incident: MaskedIncident, shown: Figures, style: Style) -> str:
    """Return the document with what a reader has to know first below its title."""
    internal = not style.blanks and style.audience != page.PUBLIC
    notices = []
    if internal:
        signed = approvals.given(incident.template, incident.edits())
        notices = [*map(headline.given, signed), headline.unfinished_line(incident)]
    notices += [headline.SANDBOX] if shown.sandbox else []
    quoted = "\n>\n".join(f"> {text.markdown(line)}" for line in notices if line)
    if not quoted:
        return made
    lines = made.split("\n")
    title = next((place for place, line in enumerate(lines) if line.startswith("# ")), None)
    if title is None:
        return f"{quoted}\n\n{made}"
    return "\n".join([*lines[: title + 1], "", *quoted.split("\n"), *lines[title + 1 :]])


def _with_timeline(made: str, incident: MaskedIncident, pictures: Pictures) -> str:
    """Return the document with the timeline drawn under the heading of the written one."""
    rows = incident.values(TIMELINE) if TIMELINE in incident.template.tables else []
    steps = drawntimeline.steps(rows)
    holder = next((each for each in incident.template.sections if _holds(each)), None)
    heading = f"\n{holder.heading.strip()}\n" if holder else ""
    if len(steps) < 2 or not heading.strip() or heading not in made:
        return made
    # matplotlib is imported only where something has to be drawn
    charts = import_module("postmortem_nb.charts")
    raw = charts.png(charts.timeline(rows, incident.window()))
    shown = pictures.show("drawn-timeline.png", raw, drawntimeline.told(steps))
    before, _, after = made.partition(heading)
    return f"{before}{heading}\n{shown}\n{after}"


def _holds(section: Section) -> bool:
    own = any(getattr(part, "table", "") == TIMELINE for part in section.parts)
    return own or any(_holds(inner) for inner in section.sections)


def _alone(source: Source, style: Style, pictures: Pictures) -> str:
    """Return the Markdown of a notebook without its bundle, from what its cells hold."""
    kept = [cell for cell in source.cells if cell.role not in TOOLS]
    parts = [f"# {text.markdown(source.stem)}", f"> {text.markdown(headline.ALONE)}"]
    parts += [part for cell in kept if (part := _own(cell, pictures, style))]
    return source.cover("\n\n".join(parts)) + "\n"
