"""The document of an incident before it is Markdown or HTML: lines of pieces, in reading order.

Writers of every format fill the same lines, so they show and leave out the same:

- with blanks, every line stands, and each group of rows is padded to what the template shows;
- without, a line whose blanks are all empty goes, then a label, a list or a table with nothing
  under it, rows and sections with nothing filled, and the closing notes to the author. What was
  written always stands, and a section that asks for nothing is the team's own text and stands too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from postmortem_nb import filling, standing, tallies
from postmortem_nb.filling import Box, Piece, QuerySlot, Shown, Table, Value
from postmortem_nb.schema import SINGLE, Blank, Number, Query, Rows, Words, walk
from postmortem_nb.standing import Item, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from postmortem_nb.asides import Aside
    from postmortem_nb.filling import Facts, Row
    from postmortem_nb.metrics import Measure
    from postmortem_nb.schema import Part, Section, Template

_COMMENT = re.compile(r"[ \t]*<!--.*?-->[ \t]*", re.DOTALL)


@dataclass(slots=True)
class _Pass:
    """One pass over a template.

    ``shift`` is how many rows more or less than the template shows stand in a section's groups so
    far: a group that goes on counting where another ended starts so much later.
    """

    template: Template
    facts: Facts
    blanks: bool
    drawn: Callable[[Query], bool]
    last: Section
    shift: int = field(default=0)


def lines(
    template: Template,
    facts: Facts,
    *,
    section: Section | None = None,
    blanks: bool = False,
    drawn: Callable[[Query], bool] = lambda _: False,
) -> list[Line]:
    """Return the lines of a document, or of one section with the sections in it.

    Parameters
    ----------
    template, facts
        what is asked, and what is filled in
    section
        only this one
    blanks
        whether empty blanks show
    drawn
        whether there is evidence for a query: then it stands though nothing else does

    """
    last = list(walk(template.sections))[-1]
    under_way = _Pass(template, facts, blanks, drawn, last)
    chosen = template.sections if section is None else (section,)
    made = [line for each in chosen for line in _section(under_way, each)]
    return made if blanks else standing.smoothed(made)


def _section(under_way: _Pass, section: Section) -> list[Line]:
    """Return the lines of a section and of those in it."""
    under_way.shift = 0
    front = _front(under_way, section.parts[: section.front])
    items = _items(under_way, section.parts[section.front :])
    inner = [line for each in section.sections for line in _section(under_way, each)]
    title = [Line((Words(section.heading.rstrip("\n")),), section=section)]
    heading = title if section.heading else []
    if under_way.blanks:
        return [*heading, *front, *(line for item in items for line in item.lines), *inner]
    alive = any(item.filled for item in items)
    for item in items:
        item.filled = item.filled or (item.query and alive)
    if not (alive or inner or _is_static(section) or section.level == 1):
        return front
    opening, *others = standing.segments(items)
    opens = bool(inner) or _is_static(section) or section.level == 1
    first = standing.kept(opening) if opens or any(item.filled for item in opening) else []
    closing = standing.closing(others) if section is under_way.last else len(others)
    body = [line for segment in others[:closing] for line in standing.ruled(segment)]
    return [*(heading if first or opens else []), *front, *first, *body, *inner]


def _is_static(section: Section) -> bool:
    """Return whether a section asks for nothing: it is the team's own text."""
    below = walk((section,))
    return all(isinstance(part, Words) for each in below for part in each.parts)


def _front(under_way: _Pass, parts: Sequence[Part]) -> list[Line]:
    """Return the front matter; while its blanks are empty, what they show is their default."""
    made = []
    for line in _source_lines(parts):
        pieces = filling.fill(line, partial(_look, under_way.facts, None), blanks=True)
        empty = [piece.text for piece in pieces if isinstance(piece, Shown)]
        if under_way.blanks or not any(re.search(r"_{3}|\{\{|\[|^$", text) for text in empty):
            made.append(Line(tuple(pieces), front=True))
    return made


def _source_lines(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Yield the parts of each line; rows and queries stand alone."""
    line: list[Part] = []
    for part in parts:
        if isinstance(part, Rows | Query):
            yield [part]
        elif isinstance(part, Words):
            first, *others = part.text.split("\n")
            line += [Words(first)] if first else []
            for words in others:
                yield line
                line = [Words(words)] if words else []
        else:
            line.append(part)
    if line:
        yield line


def _items(under_way: _Pass, parts: Iterable[Part]) -> list[Item]:
    """Return the items of a section, in order, each table behind the lines that its blank is in."""
    made: list[Item] = []
    due: list[Aside] = []
    for line in _source_lines(_spoken(parts, blanks=under_way.blanks)):
        part = line[0] if line else Words("")
        if not line:
            made += _tables(due)
            due = []
        if isinstance(part, Rows):
            made.append(_group(under_way, part))
        elif isinstance(part, Query):
            slot = Line((QuerySlot(part),))
            made.append(Item([slot], asks=True, filled=under_way.drawn(part), query=True))
        else:
            look = partial(_look, under_way.facts, None)
            notes = _notes(under_way.facts, line)
            made.append(_item(filling.fill(line, look, blanks=under_way.blanks), notes=notes))
            due += [] if under_way.blanks else _asides(under_way.facts, line)
    return [*made, *_tables(due)]


def _asides(facts: Facts, line: Sequence[Part]) -> list[Aside]:
    """Return the tables that belong to the blanks of a line."""
    names = [part.name for part in line if isinstance(part, Blank)]
    return [aside for name in names for aside in facts.asides.get(name, ())]


def _tables(due: Iterable[Aside]) -> Iterator[Item]:
    """Yield tables that no blank asks for, each after an empty line."""
    for aside in due:
        yield Item([Line()])
        yield Item([Line((Table(aside),))], asks=True, filled=True)


def _spoken(parts: Iterable[Part], *, blanks: bool) -> Iterator[Part]:
    """Yield parts without the team's comments: they speak to the author, not to readers."""
    for part in parts:
        if isinstance(part, Words) and not blanks and "<!--" in part.text:
            yield Words(_COMMENT.sub("", part.text))
        else:
            yield part


def _item(pieces: Sequence[Piece], *, head: bool = False, notes: Sequence[str] = ()) -> Item:
    """Return the item of one line; ``head`` stands whatever is empty in it."""
    asks = any(not isinstance(piece, Words) for piece in pieces)
    filled = head or any(isinstance(piece, Value) or _is_ticked(piece) for piece in pieces)
    line = filling.noted(filling.closed(pieces), notes)
    return Item([Line(tuple(line))], asks=asks, filled=filled)


def _notes(facts: Facts, line: Sequence[Part]) -> list[str]:
    """Return what stands beside the figures of a line."""
    names = [part.name for part in line if isinstance(part, Blank) and part.table == SINGLE]
    return [facts.measures[name].beside for name in names if name in facts.measures]


def _is_ticked(piece: Piece) -> bool:
    """Return whether a piece is a box that somebody answered."""
    return isinstance(piece, Box) and piece.ticked is not None


def _look(facts: Facts, row: Row | None, blank: Blank) -> tuple[Any, Measure | None]:
    """Return the value of a blank and the figure that it is computed as."""
    if row is not None and blank.table != SINGLE:
        return row.get(blank.name), None
    measure = facts.measures.get(blank.name)
    if measure is not None and blank.derived:
        return measure.value, measure
    value = facts.single.get(blank.name)
    if value is None and measure is not None and blank.name in tallies.SHOWN:
        value = tallies.offered(measure)  # nobody stated it, but evidence tells
    return value, None


def _group(under_way: _Pass, group: Rows) -> Item:
    """Return the rows of a group as one item."""
    rows = arranged(group, under_way.facts.tables.get(group.table, ()), blanks=under_way.blanks)
    if not under_way.blanks:
        rows = [row for row in rows if _says(group, row)]
    first = group.first + under_way.shift if group.first > 1 else 1
    under_way.shift += len(rows) - group.blanks
    made: list[Line] = []
    for number, row in enumerate(rows, start=first):
        made += [Line()] if made and group.apart else []
        made += _row(under_way, group, row, number)
    return Item(made, asks=True, filled=bool(rows))


def _says(group: Rows, row: Row) -> bool:
    """Return whether a row holds anything but what says where it belongs."""
    keys = {"row", *(column for column, _ in group.keys)}
    return any(value is not None for name, value in row.items() if name not in keys)


def arranged(group: Rows, rows: Iterable[Row], *, blanks: bool = False) -> list[Row]:
    """Return a group's rows in order; with ``blanks``, empty ones too, up to what it shows.

    A preset that no row holds yet stands behind the one before it in the template.
    """
    made = [row for row in rows if group.holds(row)]
    if not blanks:
        return made
    if group.preset is None:
        return [*made, *({} for _ in range(group.blanks - len(made)))]
    column, at = group.preset, 0
    missing = list(group.missing(row.get(column) for row in made))
    left = list(made)
    for preset in group.presets:
        found = next((row for row in left if row.get(column) == preset), None)
        if found is not None:
            left = [row for row in left if row is not found]
            at = next(number for number, row in enumerate(made, 1) if row is found)
        elif preset in missing:
            missing.remove(preset)
            made.insert(at, {column: preset})
            at += 1
    return made


def _row(under_way: _Pass, group: Rows, row: Row, number: int) -> list[Line]:
    """Return the lines of one row."""
    look = partial(_look, under_way.facts, row)
    fill = partial(
        filling.fill,
        look=look,
        number=number,
        blanks=under_way.blanks,
        presets=group.presets,
    )
    parts = [*group.parts, *_strays(under_way.template, group, row)]
    items: list[Item] = []
    begun = False
    for line in _source_lines(_spoken(parts, blanks=under_way.blanks)):
        head = not begun and any(isinstance(part, Blank) for part in line)
        begun = begun or head
        items.append(_item(fill(line), head=head))
    made = (
        [line for item in items for line in item.lines]
        if under_way.blanks
        else standing.kept(items)
    )
    while made and made[-1].is_empty:
        made.pop()
    wider = len(str(number)) - 1 if isinstance(group.parts[0], Number) else 0
    return [
        replace(line if place == 0 else _indented(line, wider), group=group, row=number)
        for place, line in enumerate(made)
    ]


def _indented(line: Line, by: int) -> Line:
    """Return a line of a list item further in, for a number of more than one digit."""
    first = line.pieces[0] if line.pieces else None
    if by and isinstance(first, Words) and first.text.startswith(" "):
        return replace(line, pieces=(Words(" " * by + first.text), *line.pieces[1:]))
    return line


def _strays(template: Template, group: Rows, row: Row) -> list[Part]:
    """Return lines for what a row holds although its group does not ask for it.

    They are worded as another group of the table words them: what was written always stands.
    """
    asked = {part.name for part in group.parts if isinstance(part, Blank)}
    asked |= {"row", group.preset or "row", *(column for column, _ in group.keys)}
    names = [name for name, value in row.items() if value is not None and name not in asked]
    if not names:
        return []
    found: dict[str, list[Part]] = {}
    for other in template.groups(group.table):
        for line in _source_lines(other.parts):
            blanks = [part for part in line if isinstance(part, Blank)]
            if len(blanks) == 1 and not any(isinstance(part, Number) for part in line):
                found.setdefault(blanks[0].name, [*line, Words("\n")])
    return [part for name in names for part in found.get(name, [])]
