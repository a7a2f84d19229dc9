"""The sections of the template as HTML: each line as the template words it, rows in their looks.

A *told* chapter is its HTML and the headings in it. With blanks shown, everything looks as the
template writes it; without, rows, the summary and the quick figures get the look people read best.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from postmortem_nb import asidehtml, drawntimeline, layout, looks, pageparts, text, values
from postmortem_nb.filling import Beside, Gap, QuerySlot, Table, Value
from postmortem_nb.pageparts import Fact
from postmortem_nb.parts import SINGLE, Query, Words
from postmortem_nb.webmarkdown import rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from postmortem_nb.filling import Facts, Piece
    from postmortem_nb.parts import Rows, Section
    from postmortem_nb.schema import Template
    from postmortem_nb.standing import Line

    Figure = Callable[[Query], str]
    """What stands in the place of a query: its figure, or that it was not asked."""

TIMELINE = "timeline"
LONG = 500
"""Characters of a text of the summary beside which another would leave half a page empty."""

_HINT = re.compile(r"\s*\((?:\d[^)]*sentences?|if applicable)\)$")
_LABEL = re.compile(r"\s*(?:[-*+]\s+)?\*\*(?P<label>[^*]+)\*\*:?\s*")
_TOKEN = re.compile("\ue000([0-9]+)\ue001")
_EMPHASIS = re.compile(r"\*\*|__")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the document: level, id, and its words as HTML."""

    level: int
    name: str
    words_html: str


@dataclass(frozen=True, slots=True)
class Told:
    """A chapter as HTML, with the headings that it holds."""

    html: str
    headings: tuple[Heading, ...]


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells the sections of a template from the facts of an incident."""

    template: Template
    facts: Facts
    window: tuple[datetime | None, datetime | None]
    figure: Figure
    has_figure: Callable[[Query], bool]
    after: Callable[[str], str] = lambda _: ""
    """Gives what follows the rows of a table, by its name."""
    blanks: bool = False
    code: bool = False

    def tell(self, section: Section) -> Told:
        """Return a section with those inside it; nothing where nothing is to be shown."""
        lines = layout.lines(
            self.template, self.facts, section=section, blanks=self.blanks, drawn=self.has_figure
        )
        if not (self.blanks or self.code):
            lines = list(_without_labels(lines))
        blocks = [block for block in _blocks(lines) if block.heading or block.lines]
        told = [(block, self._block(block)) for block in blocks]
        if not self.blanks:
            told = _first_things_first(told)
        headings = tuple(_heading(block.heading) for block, _ in told if block.heading)
        body = "\n".join(html for _, html in told if html)
        return Told(f"<section>\n{body}\n</section>" if body else "", headings)

    def _block(self, block: Block) -> str:
        """Return a heading and what stands under it up to the next."""
        head = ""
        if block.heading is not None:
            heading = _heading(block.heading)
            head = (
                f'<h{heading.level} id="{heading.name}">{heading.words_html}</h{heading.level}>\n'
            )
        if not self.blanks:
            special = _summary(block.lines) or _stats(block.lines)
            if special:
                tables = [self._table(line) for line in block.lines if _is_table(line)]
                return "\n".join([head + special, *(tables or [self._defined(block.lines)])])
        return head + self._drawn(block) + "\n".join(filter(None, self._runs(block.lines)))

    def _defined(self, lines: Sequence[Line]) -> str:
        """Return how the computed figures of a block are defined; nothing where none is."""
        shown = (piece for line in lines for piece in line.pieces if isinstance(piece, Value))
        names = dict.fromkeys(piece.blank.name for piece in shown if piece.blank.derived)
        known = [self.facts.measures[name] for name in names if name in self.facts.measures]
        told = [Fact(each.label, text.html(each.definition)) for each in known if each.definition]
        return pageparts.defined(told)

    def _table(self, line: Line) -> str:
        """Return a table that no blank asks for, the picture of its evidence above it."""
        piece = line.pieces[0]
        assert isinstance(piece, Table)  # noqa: S101 - for the type checker
        aside = piece.aside
        shown = asidehtml.table(aside)
        if not aside.evidence:
            return shown
        return self.figure(Query(aside.evidence, "", aside.title, 0)) + shown

    def _drawn(self, block: Block) -> str:
        """Return the drawn timeline under the heading of the section that holds the written one."""
        section = block.heading
        if self.blanks or section is None or section.level != 2 or not _holds(section, TIMELINE):
            return ""
        rows = self.facts.tables.get(TIMELINE, ())
        svg = drawntimeline.draw(drawntimeline.steps(rows), self.window)
        note = '<p class="pm-note">All times are UTC.</p>'
        frame = '<div role="group" aria-label="Drawn timeline" tabindex="0">'
        return f'<figure class="pm-drawn">{frame}{svg}</div></figure>\n' if svg else f"{note}\n"

    def _runs(self, lines: Sequence[Line]) -> Iterator[str]:
        """Yield the lines that belong together, each run as HTML."""
        for (kind, _), run in groupby(lines, self._kind):
            members = list(run)
            if kind == "look":
                yield looks.draw(_groups(members), self.facts)
            elif kind == "query":
                yield from (self.figure(slot.query) for slot in _slots(members))
            elif kind == "table":
                yield from map(self._table, members)
            else:
                yield _written(members)
            for table in dict.fromkeys(line.group.table for line in members if line.group):
                yield self.after(table)

    def _kind(self, line: Line) -> tuple[str, object]:
        """Return how a line is told, and what it must share with others to be told with them."""
        if line.pieces and isinstance(line.pieces[0], QuerySlot):
            return "query", id(line)
        if _is_table(line):
            return "table", id(line)
        if line.group is not None and line.group.table in looks.LOOKS and not self.blanks:
            return "look", line.group.table
        if line.group is not None and not _is_listed(line.group):
            return "row", (line.group.line, line.row)
        return "text", None


@dataclass(slots=True)
class Block:
    """A heading, if any, and the lines under it."""

    heading: Section | None
    lines: list[Line] = field(default_factory=list)


def _blocks(lines: Iterable[Line]) -> list[Block]:
    """Return lines parted by their headings; empty ones between rows of a look join them."""
    found = [Block(None)]
    for line in lines:
        if line.section is not None:
            found.append(Block(line.section))
        elif not line.front:
            found[-1].lines.append(line)
    for block in found:
        block.lines = _joined(block.lines)
        while block.lines and block.lines[-1].is_empty:
            block.lines.pop()
        while block.lines and block.lines[0].is_empty:
            block.lines.pop(0)
    return found


def _without_labels(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield lines without those that only announce a query, whose figure has a caption."""
    for place, line in enumerate(lines):
        after = lines[place + 1].pieces if place + 1 < len(lines) else ()
        slot = after[0] if after else None
        labels = slot.query.label if isinstance(slot, QuerySlot) else ""
        if not labels or _EMPHASIS.sub("", line.words).strip().rstrip(":") != labels:
            yield line


def _is_table(line: Line) -> bool:
    """Return whether a line is a table that no blank asks for."""
    return bool(line.pieces) and isinstance(line.pieces[0], Table)


def _joined(lines: list[Line]) -> list[Line]:
    """Return lines without the empty ones between two rows of the same table in a look."""
    kept: list[Line] = []
    for place, line in enumerate(lines):
        before = next((each for each in reversed(kept) if not each.is_empty), None)
        after = next((each for each in lines[place:] if not each.is_empty), None)
        if not (line.is_empty and _table(before) and _table(before) == _table(after)):
            kept.append(line)
    return kept


def _table(line: Line | None) -> str:
    """Return the table of a line of a row that has a look, else nothing."""
    group = line.group if line else None
    return group.table if group is not None and group.table in looks.LOOKS else ""


def _heading(section: Section) -> Heading:
    words = _HINT.sub("", section.title)
    return Heading(section.level, text.html(section.slug), text.html(words))


def _first_things_first(told: list[tuple[Block, str]]) -> list[tuple[Block, str]]:
    """Return a section's blocks, the summary and the quick figures before the rest."""
    if len(told) < 3:
        return told
    first, *others = told
    ahead = [each for each in others if _summary(each[0].lines) or _stats(each[0].lines)]
    if not any(_stats(block.lines) for block, _ in ahead):
        return told
    return [first, *ahead, *(each for each in others if each not in ahead)]


def _summary(lines: Sequence[Line]) -> str:
    """Return labelled paragraphs as a summary, where a block is nothing else."""
    facts = [_labelled(line) for line in lines if not (line.is_empty or _is_table(line))]
    if len(facts) < 2 or None in facts:
        return ""
    shown = [fact for fact in facts if fact]
    long = any(len(fact.value_html) > LONG for fact in shown)
    return pageparts.definitions(shown, "pm-summary pm-column" if long else "pm-summary")


def _labelled(line: Line) -> Fact | None:
    """Return a line that is a bold label and a single fact in prose, else None."""
    filled = [piece for piece in line.pieces if isinstance(piece, Value)]
    label = _LABEL.fullmatch(line.words)
    if len(filled) != 1 or label is None or line.group is not None:
        return None
    blank = filled[0].blank
    if blank.kind != "prose" or blank.table != SINGLE:
        return None
    return Fact(label["label"].rstrip(":"), _span(filled[0]))


def _stats(lines: Sequence[Line]) -> str:
    """Return a table of two columns, label and figure, as tiles, where a block is nothing else."""
    rows = [line for line in lines if not (line.is_empty or _is_table(line))]
    if not rows or not all(line.words.lstrip().startswith("|") for line in rows):
        return ""
    filled = [line for line in rows if any(isinstance(piece, Value) for piece in line.pieces)]
    facts = [_tile(line) for line in filled]
    if not facts or None in facts:
        return ""
    return pageparts.definitions([fact for fact in facts if fact], "pm-stats")


def _tile(line: Line) -> Fact | None:
    """Return a row of a table as a tile: its first cell names it, its second holds the figure."""
    spans: list[str] = []
    source = "".join(_token(piece, spans) for piece in line.pieces)
    cells = [cell.strip() for cell in source.strip().strip("|").split("|")]
    if len(cells) != 2 or _TOKEN.search(cells[0]) or not _TOKEN.search(cells[1]):
        return None
    notes = [asidehtml.beside(piece.text) for piece in line.pieces if isinstance(piece, Beside)]
    ends = [match.end() for match in _TOKEN.finditer(cells[1])]
    last = ends[-1 - len(notes)]
    unit = _TOKEN.sub("", cells[1][last:]).strip()
    shown = _TOKEN.sub(lambda match: spans[int(match[1])], text.html(cells[1][:last]))
    behind = f" <small>{text.html(unit)}</small>" if unit else ""
    return Fact(_EMPHASIS.sub("", cells[0]), shown + behind + "".join(notes))


def _groups(lines: Iterable[Line]) -> dict[Rows, list[int]]:
    """Return the groups of a run of lines with the numbers of their rows, in order."""
    found: dict[Rows, list[int]] = {}
    for line in lines:
        if line.group is not None:
            numbers = found.setdefault(line.group, [])
            if line.row not in numbers:
                numbers.append(line.row)
    return found


def _slots(lines: Iterable[Line]) -> Iterator[QuerySlot]:
    for line in lines:
        yield from (piece for piece in line.pieces if isinstance(piece, QuerySlot))


def _holds(section: Section, table: str) -> bool:
    """Return whether a section has rows of a table, at whatever depth."""
    own = any(getattr(part, "table", "") == table for part in section.parts)
    return own or any(_holds(inner, table) for inner in section.sections)


def _is_listed(group: Rows) -> bool:
    """Return whether the rows of a group are items of a list."""
    first = group.parts[0]
    return (
        not isinstance(first, Words)
        or re.match(r"[ \t]*(?:[-+*]|\d+[.)])[ \t]", first.text) is not None
    )


def _written(lines: Sequence[Line]) -> str:
    """Return lines as the template words them, values put in after its Markdown is rendered."""
    spans: list[str] = []
    source = "".join(
        "".join(_token(piece, spans) for piece in line.pieces) + "\n"
        for line in lines
        if not line.words.startswith("# ")  # the document's own title stands above
    )
    made = _TOKEN.sub(lambda match: spans[int(match[1])], rendered(source)).strip()
    framed = made.replace("<table>", f"{pageparts.FRAME}<table>")
    return framed.replace("</table>", "</table></div>")


def _token(piece: Piece, spans: list[str]) -> str:
    """Return a piece as Markdown; of a value a token, its HTML is kept in ``spans``."""
    if isinstance(piece, Value):
        spans.append(_span(piece))
        token = f"\ue000{len(spans) - 1}\ue001"
        fenced = re.match(r"\n([ \t]*)`{3,}", piece.blank.shown)
        if fenced is None:
            return token
        return "".join(f"\n{fenced[1]}{line}" for line in ("```", token, "```"))
    if isinstance(piece, Beside):
        spans.append(asidehtml.beside(piece.text))
        return f"\ue000{len(spans) - 1}\ue001"
    if isinstance(piece, Gap | QuerySlot | Table):
        return ""
    return re.sub("[\ue000\ue001]", "\N{REPLACEMENT CHARACTER}", piece.text)


def _span(value: Value) -> str:
    return values.shown(value.blank.kind, value.text)
