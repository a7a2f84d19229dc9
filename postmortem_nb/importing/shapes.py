r"""How each line of a template reads once it is filled: the way back from a line to its values.

A *shape* is one way in which a line may stand: some of its blanks filled, the others showing their
placeholder or gone. Shapes are made by the very code that writes documents (`filling`): the line is
filled with marks, and where those come out the values stand. So what export writes, import reads,
for every template, with no word of any blank in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from itertools import product
from typing import TYPE_CHECKING, Any

from postmortem_nb import filling, kinds
from postmortem_nb.errors import BadValue
from postmortem_nb.filling import Box, Shown, Value
from postmortem_nb.parts import Blank, Number, Query, Rows, Words
from postmortem_nb.schema import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from postmortem_nb.filling import Piece
    from postmortem_nb.parts import Part
    from postmortem_nb.schema import Template

NOTHING = object()
"""What a blank that is left empty holds while shapes are made."""

_A_NUMBER = "\0"  # stands for the number of a row: no template holds it
_MARK = "\x02"
_SAMPLES: Mapping[str, Any] = {
    **dict.fromkeys(kinds.KINDS, _MARK),
    **dict.fromkeys(("count", "percent", "money", "minutes"), 1),
    "names": [_MARK],
    "date": date(2000, 1, 1),
    "time": datetime(2000, 1, 1, tzinfo=UTC),
    "yesno": True,
}
"""A value of each kind that fills a blank while shapes are made."""

_DIGITS = r"-?[0-9][0-9,]*(?:\.[0-9]+)?"
_STRICT: Mapping[str, str] = {
    **dict.fromkeys(kinds.KINDS, ".+?"),
    **dict.fromkeys(("count", "percent", "money"), _DIGITS),
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "time": r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)? UTC",
}
"""What a document of ours writes for a kind; what people write may be anything."""

_DASH = "[-–—]"
_BULLET = "[-*+•–—]"
_ALIKE: Mapping[str, str] = {
    "**:": "[*_:]{3}",
    "**": "[*_]{2}",
    "'": "['’]",
    '"': '["“”]',
}
"""What editors write for each other: words of a template → the pattern of what may stand there."""

_REWRITTEN = re.compile("|".join(map(re.escape, _ALIKE)))
_COMMENT = re.compile(r"[ \t]*<!--.*?-->[ \t]*", re.DOTALL)
_PLACEHOLDER = re.compile(r"_{3}|\{\{|\[|^$")
_FENCE = re.compile(r"\n[ \t]*(?:`{3,}|~{3,})")


@dataclass(frozen=True, slots=True)
class Shape:
    """One way in which a line may stand.

    ``holes`` are the blanks of the pattern's groups; ``given`` are the template's own values that
    stand in it by column; ``shown`` are the blanks whose placeholder stands; ``code`` is the blank
    whose value stands in the code block that follows; ``last`` is the blank that ends the line.
    """

    strict: re.Pattern[str]
    loose: re.Pattern[str]
    exact: str
    holes: tuple[Blank, ...]
    given: tuple[tuple[str, str], ...]
    shown: tuple[Blank, ...]
    code: Blank | None
    last: Blank | None
    words: int
    """Characters of the template's words in it: the more, the surer the line is meant."""
    weight: int
    """The same with the placeholders that stand in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a section's template: the shapes it may take, and the rows it belongs to."""

    shapes: tuple[Shape, ...]
    group: Rows | None = None
    head: bool = False
    """Whether it stands even when all its blanks are empty."""
    query: Query | None = None


def is_box(blank: Blank) -> bool:
    """Return whether a blank is a box to tick."""
    return blank.kind == "yesno" and blank.shown.startswith("[")


def is_default(blank: Blank) -> bool:
    """Return whether what an empty blank shows could be a value: ``Draft``, not ``_____``."""
    if _PLACEHOLDER.search(blank.shown) or is_fenced(blank):
        return False
    try:
        kinds.parse(blank.kind, blank.shown, name=blank.name, options=blank.options)
    except BadValue:
        return False
    return True


def is_fenced(blank: Blank) -> bool:
    """Return whether the value of a blank stands in a code block below its line."""
    return _FENCE.match(blank.shown) is not None


def places(template: Template, parts: Iterable[Part]) -> list[Place]:
    """Return the lines of a section's parts, those of a group of rows once a group."""
    made: list[Place] = []
    for line in _lines(parts):
        part = line[0] if line else Words("")
        if isinstance(part, Rows):
            made += _rows(template, part)
        elif isinstance(part, Query):
            made.append(Place((), query=part))
        elif shapes := _shapes(line):
            made.append(Place(shapes))
    return made


@lru_cache(maxsize=4)
def laid(template: Template) -> tuple[Sequence[Place], ...]:
    """Return the lines of each section, in reading order: they take longer than a document."""
    order = walk(template.sections)
    return tuple(places(template, section.parts[section.front :]) for section in order)


def ruled(made: Sequence[Place]) -> Sequence[Place]:
    """Return the lines of a section that a rule across the page parts off.

    They stand in a document even where the section's heading does not.
    """
    rules = (n for n, place in enumerate(made) if any(map(_is_rule, place.shapes)))
    return made[next(rules, len(made)) :]


def _is_rule(shape: Shape) -> bool:
    return not shape.holes and not shape.shown and shape.strict.fullmatch("---") is not None


def front(parts: Iterable[Part]) -> list[Place]:
    """Return the lines of the front matter; YAML's quotes keep spaces, so there they count."""
    found = [Place(shapes) for line in _lines(parts) if (shapes := _shapes(line))]
    return [Place(tuple(map(_exact, place.shapes))) for place in found]


def _exact(shape: Shape) -> Shape:
    return replace(shape, strict=re.compile(shape.exact, re.DOTALL))


def _rows(template: Template, group: Rows) -> Iterator[Place]:
    """Yield the lines of a group's rows, then those that rows of other groups may lend it."""
    begun = False
    for line in [*_lines(group.parts), *_lent(template, group)]:
        head = not begun and any(isinstance(part, Blank) for part in line)
        begun = begun or head
        if shapes := _shapes(line, group):
            yield Place(shapes, group, head=head)


def _lent(template: Template, group: Rows) -> Iterator[list[Part]]:
    """Yield the lines for columns that a group does not ask for, as other groups word them."""
    asked = {part.name for part in group.parts if isinstance(part, Blank)}
    asked |= {group.preset or "", *(column for column, _ in group.keys)}
    for column in template.tables[group.table]:
        lines = (line for other in template.groups(group.table) for line in _lines(other.parts))
        found = (line for line in lines if column.name not in asked and _asks(line, column.name))
        line = next(found, None)
        if line is not None:
            yield line


def _asks(line: Sequence[Part], name: str) -> bool:
    """Return whether a line asks for one column and nothing else."""
    names = [part.name for part in line if isinstance(part, Blank)]
    return names == [name] and not any(isinstance(part, Number) for part in line)


def _lines(parts: Iterable[Part]) -> Iterator[list[Part]]:
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


def _shapes(line: Sequence[Part], group: Rows | None = None) -> tuple[Shape, ...]:
    """Return every shape of a line; none of a line without words or blanks."""
    blanks = [part for part in line if isinstance(part, Blank) and not is_box(part)]
    if not any(isinstance(part, Blank) or _says(part) for part in line):
        return ()
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Shape] = {}
    for states in product(*(_states(blank, group) for blank in blanks)):
        held = {id(blank): state for blank, state in zip(blanks, states, strict=True)}
        for shown in (True, False):
            for shape in _shape(line, held, group, shown=shown):
                found.setdefault((shape.strict.pattern, shape.given), shape)
    return tuple(found.values())


def _says(part: Part) -> bool:
    return isinstance(part, Words) and bool(part.text.strip())


def _states(blank: Blank, group: Rows | None) -> Sequence[object]:
    """Return what a blank may hold: nothing, anything, one of the template's own values."""
    own = group.presets if group is not None and blank.name == group.preset else ()
    return (NOTHING, _SAMPLES[blank.kind], *dict.fromkeys(own))


def _shape(
    line: Sequence[Part], held: Mapping[int, object], group: Rows | None, *, shown: bool
) -> Iterator[Shape]:
    """Yield the shapes of a line whose blanks hold this; none where nothing of it would stand."""
    presets = group.presets if group is not None else ()
    parts = [_spoken(part, blanks=shown) for part in line]

    def look(blank: Blank) -> tuple[Any, None]:
        value = held.get(id(blank), NOTHING)
        return (None if value is NOTHING else value), None

    pieces = filling.closed(filling.fill(parts, look, blanks=shown, presets=presets))
    blanks = [part for part in line if isinstance(part, Blank)]
    given = [
        (blank.name, str(held[id(blank)]))
        for blank in blanks
        if group is not None and held.get(id(blank)) in presets
    ]
    below = next((b for b in blanks if is_fenced(b)), None)
    if below is None:
        yield _patterned(pieces, tuple(given), None)
    elif held[id(below)] is not NOTHING:
        inline = [piece for piece in pieces if getattr(piece, "blank", None) is not below]
        yield _patterned(inline, tuple(given), below)
        yield _patterned(pieces, tuple(given), None)


def _spoken(part: Part, *, blanks: bool) -> Part:
    """Return a part as it is written: a number as its mark, comments only beside blanks."""
    if isinstance(part, Number):
        return Words(_A_NUMBER)
    if isinstance(part, Words) and not blanks:
        return Words(_COMMENT.sub("", part.text))
    return part


def _patterned(
    pieces: Sequence[Piece], given: tuple[tuple[str, str], ...], code: Blank | None
) -> Shape:
    """Return the shape of pieces."""
    holes = tuple(piece.blank for piece in pieces if isinstance(piece, Value | Box))
    shown = tuple(piece.blank for piece in pieces if isinstance(piece, Shown))
    end = next((piece for piece in reversed(pieces) if getattr(piece, "text", "x")), None)
    words = sum(len("".join(p.text.split())) for p in pieces if isinstance(p, Words))
    written = [piece for piece in pieces if isinstance(piece, Words | Shown | Value)]
    tail = pieces[-1] if pieces and isinstance(pieces[-1], Shown) else end
    return Shape(
        strict=_compiled(pieces, _STRICT),
        loose=_compiled(pieces, {}),
        exact="".join("(.+)" if isinstance(p, Value) else re.escape(p.text) for p in written),
        holes=holes,
        given=given,
        shown=shown,
        code=code,
        last=tail.blank if isinstance(tail, Value | Shown) else None,
        words=words,
        weight=words + sum(len(piece.text) for piece in pieces if isinstance(piece, Shown)),
    )


def _compiled(pieces: Sequence[Piece], kind: Mapping[str, str]) -> re.Pattern[str]:
    """Return the pattern of a line; spaces around values count for nothing."""
    made = "".join(map(partial(_pattern, kind=kind), pieces))
    made = made.removeprefix("[ \t]*").removeprefix("[ \t]+")
    if made.startswith(f"{_DASH}["):
        made = made.replace(_DASH, _BULLET, 1)
    return re.compile(f"[ \t]*{made}[ \t]*", re.DOTALL)


def _pattern(piece: Piece, kind: Mapping[str, str]) -> str:
    if isinstance(piece, Value):
        return f"({kind.get(piece.blank.kind, '.+?')})"
    if isinstance(piece, Box):
        return r"\[([ xX]?)\]"
    if not isinstance(piece, Words | Shown):
        return ""
    words = piece.text.split("\n")[0]
    core = "[ \t]+".join(map(re.escape if kind else _alike, words.split()))
    if not core:
        return "[ \t]+" if words else ""
    # `Owner:Ana` and `4.2%` are read too, but `2025-12` is no date with a dash between two values
    gap = "[ \t]*" if any(map(str.isalnum, words)) or words.strip()[0] in "%$" else "[ \t]+"
    before = gap if words[0].isspace() else ""
    after = gap if words[-1].isspace() else ""
    return before + core.replace(re.escape(_A_NUMBER), "[0-9]+") + after


def _alike(word: str) -> str:
    """Return the pattern of a word as an editor may have rewritten it."""
    if word == "-":
        return _DASH
    if word == ".":
        return "[.)]"  # what stands behind a row's number
    made, at = "", 0
    for found in _REWRITTEN.finditer(word):
        made += re.escape(word[at : found.start()]) + _ALIKE[found[0]]
        at = found.end()
    return made + re.escape(word[at:])
