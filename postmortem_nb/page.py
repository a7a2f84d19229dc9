"""The document as one page of HTML: nothing runs in it, and it asks for nothing.

Every text passes the text door or, for the author's Markdown, a strict list; this module only puts
the pieces in order. The policy in the page's head would stop what all that missed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from postmortem_nb import (
    __version__,
    approvals,
    backtested,
    cells,
    figurehtml,
    filling,
    headline,
    pageparts,
    secondlook,
    story,
    text,
)
from postmortem_nb.chapters import Heading, Teller
from postmortem_nb.figures import Figures
from postmortem_nb.ipynb import TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from postmortem_nb.filling import Facts
    from postmortem_nb.ipynb import Cell
    from postmortem_nb.masked import MaskedIncident
    from postmortem_nb.parts import Query
    from postmortem_nb.sources import Source
    from postmortem_nb.story import Block

PUBLIC = "public"
"""The audience outside."""

_TAGS = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Style:
    """How a document is written: with empty blanks, with code, and for whom."""

    blanks: bool = False
    code: bool = False
    audience: str = "internal"


@dataclass(slots=True)
class Outline:
    """The headings of the page as they come, in levels that never skip one."""

    headings: list[Heading] = field(default_factory=list)
    level: int = 1
    own: int = 0

    def take(self, headings: Iterable[Heading]) -> None:
        """Note the headings of a chapter."""
        for heading in headings:
            self.headings.append(heading)
            self.level = heading.level

    def place(self, level: int, words_html: str) -> tuple[int, str]:
        """Return the level and id of a heading that the author wrote: numbered, never worded."""
        self.own += 1
        self.level = min(max(2, level), self.level + 1)
        found = Heading(self.level, f"own-{self.own}", _TAGS.sub("", words_html))
        self.headings.append(found)
        return found.level, found.name


def render(source: Source, style: Style | None = None) -> str:
    """Return the page of a source: the bundle's document, or the notebook's stored outputs."""
    chosen = style or Style()
    if source.incident is None:
        return _alone(source, chosen)
    return _whole(source, source.incident, chosen)


def _whole(source: Source, incident: MaskedIncident, style: Style) -> str:
    public = style.audience == PUBLIC
    figures = Figures(incident, source.cells, source.cover)
    outline = Outline()
    template, facts = incident.template, filling.gather(incident)
    tried = backtested.chapter(incident, figures, public=public)
    teller = Teller(
        template=template,
        facts=facts,
        window=incident.window(),
        figure=lambda query: _figure(figures, query, style),
        has_figure=lambda query: query.name in figures.names,
        after=lambda table: tried.html(table, code=style.code),
        blanks=style.blanks,
        code=style.code,
    )
    queries = frozenset(query.name for query in template.queries())
    if not style.blanks:
        queries |= filling.pictured(facts, template)
    blocks = story.blocks(template, source.cells, queries=queries)
    body = [part for block in blocks if (part := _block(block, teller, figures, outline, style))]
    if not public:
        figures.cite(incident.found().answers)
    notes = figurehtml.notes(figures.shown)
    if notes:
        outline.take([Heading(2, "evidence", "Evidence")])
    approved = [] if public else approvals.given(template, incident.edits())
    boxes = (
        headline.public_boxes(sandbox=figures.sandbox)
        if public
        else headline.boxes(
            incident,
            approved,
            sandbox=figures.sandbox,
            anchors=frozenset(heading.name for heading in outline.headings),
            evidence={each.name: f"evidence-{each.number}" for each in figures.shown},
        )
    )
    content = digest(template.digest, teller.facts, source.cells, figures)
    return _page(
        title=headline.document_title(incident),
        head="\n".join([headline.title(incident), *boxes]),
        outline=outline,
        body="\n".join([*body, notes]).strip() or cells.note("Nothing is filled in yet."),
        foot=_foot(
            content,
            0 if public else source.removed.total(),
            approvals.now(template, incident.edits()) if approved else "",
        ),
        cover=source.cover,
    )


def _block(block: Block, teller: Teller, figures: Figures, outline: Outline, style: Style) -> str:
    """Return one block of the story as HTML and note its headings."""
    if isinstance(block, story.Chapter):
        if block.section.level == 1 and not style.blanks:
            return ""  # its facts are the title block
        told = teller.tell(block.section)
        outline.take(told.headings)
        return told.html
    if isinstance(block, story.Asked):
        figure = figures.find(block.cell.evidence, block.cell.evidence)
        return (
            figurehtml.unasked(block.cell.source)
            if figure is None
            else figurehtml.draw(figure, style.code)
        )
    return _own(block.cell, outline, code=style.code)


def _figure(figures: Figures, query: Query, style: Style) -> str:
    """Return what stands in the place of a query of the template."""
    found = figures.find(query.name, query.label)
    return figurehtml.unasked(query.call) if found is None else figurehtml.draw(found, style.code)


def _own(cell: Cell, outline: Outline, *, code: bool) -> str:
    """Return a cell of the author's as HTML; nothing for one that shows nothing."""
    if cell.kind == "markdown":
        made = cells.fragment(cell.source, cell.attachments)
        return pageparts.tight(pageparts.headings(made, outline.place))
    made = cells.outputs(cell, code=code) if cell.kind == "code" else ""
    made = pageparts.tight(pageparts.headings(made, outline.place))
    return f'<div class="pm-own">{made}</div>' if made else ""


def _alone(source: Source, style: Style) -> str:
    """Return the page of a notebook without its bundle: what its cells hold and left."""
    outline = Outline()
    kept = [cell for cell in source.cells if cell.role not in TOOLS]
    body = "\n".join(part for cell in kept if (part := _own(cell, outline, code=style.code)))
    note = pageparts.box("told", f"<p>{text.html(headline.ALONE)}</p>")
    content = approvals.sha256([[cell.kind, cell.source] for cell in source.cells])
    return _page(
        title=source.stem,
        head=pageparts.title("Incident Postmortem", source.stem, [], []) + note,
        outline=outline,
        body=body,
        foot=_foot(content, source.removed.total(), origin="the notebook alone"),
        cover=source.cover,
    )


def digest(template: str, facts: Facts, notebook: Sequence[Cell], figures: Figures) -> str:
    """Return the SHA-256 of everything the document says; ``template`` is its digest."""
    own = [[cell.kind, cell.source] for cell in notebook if cell.own]
    return approvals.sha256(
        [template, *_said([facts.single, _unnamed(facts.tables)]), figures.digests(), own]
    )


def _said(value: Any) -> Any:
    """Return values with every text as the document shows it."""
    if isinstance(value, str):
        return text.visible(value)
    if isinstance(value, dict):
        return {name: _said(inner) for name, inner in value.items()}
    return [_said(inner) for inner in value] if isinstance(value, list) else value


def _unnamed(tables: object) -> object:
    """Return tables without the ids of their rows, which say nothing."""
    if not isinstance(tables, dict):
        return tables
    return {
        table: [{name: value for name, value in row.items() if name != "row"} for row in rows]
        for table, rows in tables.items()
    }


def _foot(
    content: str,
    removed: int,
    approvable: str = "",
    origin: str = "the dataset and frozen evidence",
) -> str:
    """Return the foot: digests of all that is said and of what approvals are bound to."""
    masked = f"{removed} {'secret was' if removed == 1 else 'secrets were'} masked in this edition."
    lines = (
        f'Content digest: <span class="pm-digest">sha256 {content}</span>',
        f'Approvals are bound to the text: <span class="pm-digest">sha256 {approvable}</span>'
        if approvable
        else "",
        masked if removed else "",
        f"Made by postmortem-nb {text.html(__version__)} from {origin}.",
    )
    return "".join(f"<p>{line}</p>" for line in lines if line)


def _page(  # noqa: PLR0913 - the places of the skeleton, each by name
    *, title: str, head: str, outline: Outline, body: str, foot: str, cover: Callable[[str], str]
) -> str:
    """Return the whole page around its parts, after a second look at what ``cover`` covers."""
    style = _style()
    whole = _skeleton().substitute(
        title=text.html(title),
        style=style,
        style_hash=_hash(style),
        head=f'<header class="pm-head">\n{head}\n</header>',
        contents="".join(_contents(outline.headings)),
        body=body,
        foot=foot,
    )
    return secondlook.page(whole, cover)


def _contents(headings: Sequence[Heading]) -> Iterator[str]:
    """Yield the list of contents: the sections, few enough to stay in view."""
    yield "<ol>"
    for heading in headings:
        if heading.level == 2:
            yield f'<li><a href="#{heading.name}">{heading.words_html}</a></li>'
    yield "</ol>"


def _hash(style: str) -> str:
    """Return the name that the policy knows the style by."""
    found = hashlib.sha256(style.encode()).digest()
    return f"sha256-{base64.b64encode(found).decode('ascii')}"


@cache
def _style() -> str:
    """Return the style sheet, without its comments."""
    source = _shipped("page.css")
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)).strip()


@cache
def _skeleton() -> Template:
    return Template(_shipped("page.html"))


def _shipped(name: str) -> str:
    folder = resources.files("postmortem_nb") / "templates" / "html"
    return (folder / name).read_text("utf-8")
