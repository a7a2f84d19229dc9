"""The document of an incident: its template with the blanks filled, as Markdown or as HTML.

Both writers fill the same pieces (module `layout`). What people and logs wrote passes the text
door; in HTML it never meets a Markdown parser: the template's own Markdown is rendered with a token
in each value's place, and the values are put in afterwards, escaped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from postmortem_nb import asidehtml, filling, layout, text
from postmortem_nb.filling import Beside, Box, QuerySlot, Shown, Table, Value
from postmortem_nb.schema import Query, Words
from postmortem_nb.webmarkdown import inline, rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postmortem_nb.asides import Aside
    from postmortem_nb.filling import Piece
    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Blank, Rows
    from postmortem_nb.standing import Line

    Figure = Callable[[Query], str]
    """What a writer puts after a query: its chart and provenance; empty where there is none."""

    After = Callable[[str], str]
    """What a writer puts after the rows of a table; empty where there is nothing."""

_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9:/?#@!&'()+,;=%._~-]+")
_FENCED = re.compile(r"\n([ \t]*)(`{3,})")
_TOKEN = re.compile("\ue000([0-9]+)\ue001")
_LISTED = re.compile(r"[ \t]*(?:[-+*]|[0-9]+[.)])[ \t]")
_KEY = re.compile(r"([^:]*:[ \t]*)([\"']?)")
_PLAIN_SCALAR = re.compile(r"[A-Za-z][A-Za-z0-9 _/().-]*(?<! )")
_ACTING = re.compile(r"[<$]|(?<=\])\(")
_WORDS_OF_YAML = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def pieces(incident: Incident, section: str | None = None, *, blanks: bool = False) -> list[Piece]:
    """Return the pieces of a document, or of a section by its title, in reading order.

    Raises BadValue for a title that the template does not have.
    """
    made: list[Piece] = []
    for line in _lines(incident, section, blanks=blanks, figure=None):
        made += [*line.pieces, Words("\n")]
    return made


def markdown(  # noqa: PLR0913 - what is written and what it is given, each by name
    incident: Incident,
    *,
    blanks: bool = False,
    section: str | None = None,
    figure: Figure | None = None,
    drawn: Callable[[Query], bool] | None = None,
    after: After | None = None,
) -> str:
    """Return the document as Markdown; without ``blanks`` only what is filled in.

    Parameters
    ----------
    incident
        what to write
    blanks
        whether empty blanks show; of an empty incident that is the template itself
    section
        only the section with this title; BadValue when there is none
    figure
        gives the Markdown that follows a query: its chart and provenance
    drawn
        whether a query has a figure, where that can be told without making it
    after
        gives the Markdown that follows the rows of a table, by its name

    """
    figure = cache(figure) if figure is not None else None  # a chart is drawn once
    made = _lines(incident, section, blanks=blanks, figure=figure, drawn=drawn)
    last = {line.group.table: place for place, line in enumerate(made) if line.group}
    tables = {place: table for table, place in last.items() if after is not None}
    written = ""
    for place, line in enumerate(made):
        written += f"{_line(line, figure)}\n"
        shown = after(tables[place]) if after is not None and place in tables else ""
        written += f"\n{shown}\n" if shown else ""
    source = incident.template.text
    ends = section is not None or not blanks or source.endswith(("\n", "-->"))
    return written if ends else written.removesuffix("\n")


def html(
    incident: Incident,
    section: str | None = None,
    *,
    blanks: bool = False,
    figure: Figure | None = None,
) -> str:
    """Return the document, or a section by its title, as a fragment of HTML.

    Headings have ids, made from the template's titles alone. The front matter is left out but for
    a title, which is a paragraph of class ``pm-title``. Rows that are no items of a list stand in a
    ``div`` of class ``pm-row`` with their table's (``pm-timeline``). Values are spans of class
    ``pm-value``, whose newlines count. ``figure`` gives the HTML that follows a query.
    """
    figure = cache(figure) if figure is not None else None  # a chart is drawn once
    return _page(incident, _lines(incident, section, blanks=blanks, figure=figure), figure)


def reading(incident: Incident, section: str | None) -> list[Line]:
    """Return the filled lines of a section, or of all: equal ones make an equal text.

    A notebook has a section's title in the cell above; the title of the whole stays. Each question
    has a cell of its own too, with its answer.
    """
    lines = list(_unasked(_lines(incident, section, blanks=False, figure=None)))
    own = incident.template.section(section) if section else None
    if own is None or own.level == 1:
        return lines
    return [line for line in lines if line.section is not own]


def _unasked(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield lines without the queries and the line that announces each."""
    for line, after in zip_longest(lines, lines[1:]):
        slot = next(iter(after.pieces), None) if after else None
        label = slot.query.label if isinstance(slot, QuerySlot) else ""
        asks = any(isinstance(piece, QuerySlot) for piece in line.pieces)
        if not asks and not (label and line.words.strip("*: ") == label):
            yield line


def both(incident: Incident, lines: Sequence[Line]) -> tuple[str, str]:
    """Return lines as HTML and as Markdown."""
    return _page(incident, lines, None), "".join(f"{_line(line, None)}\n" for line in lines)


def _page(incident: Incident, made: Sequence[Line], figure: Figure | None) -> str:
    """Return lines as a fragment of HTML."""
    head = incident.template.sections[0]
    page = _Page(figure, head.slug if head.level == 1 else "")
    blocks = [page.title(line) for line in made if line.front]
    body = [line for line in made if not line.front]
    for (_, wrap), run in groupby(body, _block):
        blocks.append(page.block(list(run), wrap))
    return "\n".join(block for block in blocks if block)


def _lines(
    incident: Incident,
    section: str | None,
    *,
    blanks: bool,
    figure: Figure | None,
    drawn: Callable[[Query], bool] | None = None,
) -> list[Line]:
    """Return the lines to write; a query that has a figure stands in any case."""
    chosen = incident.template.section(section) if section is not None else None
    return layout.lines(
        incident.template,
        filling.gather(incident),
        section=chosen,
        blanks=blanks,
        drawn=drawn or (lambda query: figure is not None and bool(figure(query))),
    )


# -- Markdown --------------------------------------------------------------------------------------


def _line(line: Line, figure: Figure | None) -> str:
    """Return one line of Markdown, without its newline."""
    if line.front:
        return _front(line.pieces)
    written = "".join(_written(piece, figure) for piece in line.pieces)
    last = line.pieces[-1] if line.pieces else None
    ends = isinstance(last, Value) and last.text.endswith(":") and written.endswith(":")
    return f"{written[:-1]}{text.COLON}" if ends else written


def _written(piece: Piece, figure: Figure | None) -> str:
    """Return a piece as Markdown."""
    if isinstance(piece, Value):
        return _value(piece)
    if isinstance(piece, QuerySlot):
        shown = figure(piece.query) if figure is not None else ""
        fence = f"```\n{piece.query.call}```"
        return f"{fence}\n\n{shown.strip()}\n" if shown else fence
    if isinstance(piece, Beside):
        return f" *({text.markdown(piece.text, inside=True)})*"
    if isinstance(piece, Table):
        return _table(piece.aside, figure)
    return piece.text if isinstance(piece, Words | Shown | Box) else ""


def _table(aside: Aside, figure: Figure | None) -> str:
    """Return an aside as a quoted table, so that an import knows it for ours; its picture above."""
    drawn = figure(Query(aside.evidence, "", aside.title, 0)) if figure and aside.evidence else ""
    marks = ("---:" if place in aside.numeric else "---" for place in range(len(aside.heads)))
    rows = [aside.heads, tuple(marks), *aside.rows]
    lines = [] if drawn else [f"**{text.markdown(aside.title, inside=True)}**", ""]
    for number, row in enumerate(rows):
        cells = row if number == 1 else [text.markdown(cell) for cell in row]
        lines.append(f"| {' | '.join(cells)} |")
    quoted = "\n".join(f"> {line}".rstrip() for line in lines)
    return f"{drawn.strip()}\n\n{quoted}" if drawn else quoted


def _value(value: Value) -> str:
    """Return a value as Markdown that reads as typed where its blank stands."""
    fenced = _FENCED.match(value.blank.shown)
    if fenced is not None:
        block = text.fence(value.text)
        return "".join(f"\n{fenced[1]}{line}" for line in block.split("\n"))
    if _may_link(value.blank):
        parts = text.BETWEEN_LINKS.split(value.text)
        if any(map(_address, parts)):
            written = (_address(part) or text.markdown(part, inside=True) for part in parts)
            return text.wide("".join(written))
    return text.markdown(value.text)


def _may_link(blank: Blank) -> bool:
    return blank.kind == "link"


def _address(part: str) -> str:
    """Return an address that any renderer makes a link of, empty where it may not be one."""
    plain = _PLAIN_ADDRESS.fullmatch(part) is not None and text.href(part) is not None
    return f"<{part}>" if plain else ""


def _front(line: Sequence[Piece]) -> str:
    """Return a line of the front matter; a value is a scalar of YAML, whatever is in it."""
    if not any(isinstance(piece, Value) for piece in line):
        return "".join(piece.text for piece in line if isinstance(piece, Words | Shown))
    whole = "".join(getattr(piece, "text", "") for piece in line)
    start = _KEY.match(line[0].text if isinstance(line[0], Words) else "")
    key, quote = (start[1], start[2]) if start else ("", "")
    return f"{key}{_scalar(whole[len(key) + len(quote) :].removesuffix(quote))}"


def _scalar(value: str) -> str:
    """Return text as a scalar of YAML: plain where nothing could mistake it, else quoted."""
    plain = _PLAIN_SCALAR.fullmatch(value) and value.lower() not in _WORDS_OF_YAML
    if plain:
        return value
    quoted = json.dumps(text.visible(value), ensure_ascii=False)
    # a renderer that knows no front matter reads it as Markdown: no element, link or formula
    return _ACTING.sub(lambda sign: f"\\u{ord(sign[0]):04x}", quoted)


# -- HTML ------------------------------------------------------------------------------------------


def _block(line: Line) -> tuple[object, Rows | None]:
    """Return what lines must share to be rendered in one go, and the group that wraps them."""
    if line.section is not None or (line.pieces and isinstance(line.pieces[0], QuerySlot | Table)):
        return id(line), None
    group = line.group
    if group is None or _is_listed(group):
        return "text", None
    return (group.line, line.row), group


def _is_listed(group: Rows) -> bool:
    """Return whether the rows of a group are items of a list."""
    first = group.parts[0]
    return not isinstance(first, Words) or _LISTED.match(first.text) is not None


@dataclass(slots=True)
class _Page:
    """One fragment under way: the values of a block, whose tokens the renderer carries through."""

    figure: Figure | None
    slug: str
    values: list[str] = field(default_factory=list)

    def title(self, line: Line) -> str:
        """Return what of the front matter the fragment shows: a title that was given."""
        shown = (
            f'<p class="pm-title"><strong>{_span(piece)}</strong></p>'
            for piece in line.pieces
            if isinstance(piece, Value) and piece.blank.name == "title"
        )
        return "".join(shown)

    def block(self, run: Sequence[Line], group: Rows | None) -> str:
        """Return a heading, a query, or the Markdown of some lines as HTML."""
        section, first = run[0].section, next(iter(run[0].pieces), None)
        if section is not None:
            level = min(section.level, 6)
            return f'<h{level} id="{text.html(section.slug)}">{inline(section.title)}</h{level}>'
        if isinstance(first, QuerySlot):
            shown = self.figure(first.query) if self.figure is not None else ""
            call = f'<pre class="pm-query"><code>{text.html(first.query.call)}</code></pre>'
            return f"{call}\n{shown}" if shown else call
        if isinstance(first, Table):
            return asidehtml.table(first.aside)
        self.values.clear()  # equal lines have equal tokens, whatever their values
        source = "".join(f"{self._tokens(line)}\n" for line in run)
        made = _TOKEN.sub(self._put, rendered(source, slug=self.slug)).strip()
        if group is None or not made:
            return made
        return f'<div class="pm-row pm-{_class(group.table)}">\n{made}\n</div>'

    def _tokens(self, line: Line) -> str:
        """Return a line as Markdown with a token for each value."""
        return "".join(self._token(piece) for piece in line.pieces)

    def _token(self, piece: Piece) -> str:
        if isinstance(piece, Beside):
            self.values.append(asidehtml.beside(piece.text))
            return f"\ue000{len(self.values) - 1}\ue001"
        if not isinstance(piece, Value):
            words = piece.text if isinstance(piece, Words | Shown | Box) else ""
            return re.sub("[\ue000\ue001]", "\N{REPLACEMENT CHARACTER}", words)
        self.values.append(_span(piece))
        token = f"\ue000{len(self.values) - 1}\ue001"
        fenced = _FENCED.match(piece.blank.shown)
        return (
            "".join(f"\n{fenced[1]}{line}" for line in ("```", token, "```")) if fenced else token
        )

    def _put(self, token: re.Match[str]) -> str:
        number = int(token[1])
        return self.values[number] if number < len(self.values) else ""


def _span(value: Value) -> str:
    """Return a value as a span: escaped, its addresses clickable where a link is asked for."""
    shown = text.html(value.text)
    if _may_link(value.blank):
        shown = "".join(_anchor(part) for part in text.BETWEEN_LINKS.split(value.text))
    direction = ' dir="auto"' if text.is_bidirectional(value.text) else ""
    return f'<span class="pm-value"{direction}>{shown}</span>'


def _anchor(part: str) -> str:
    """Return an address as a link, anything else as text."""
    href = text.href(part)
    if href is None:
        return text.html(part)
    return f'<a href="{text.html(href)}" rel="noopener noreferrer">{text.html(part)}</a>'


def _class(table: str) -> str:
    """Return a table's name, the template's own, as a word of CSS."""
    return re.sub(r"[^a-z0-9]+", "-", table.lower()).strip("-") or "row"
