"""Blanks filled: what an incident holds, worded as a document shows it, in pieces.

A piece is the template's own words (trusted), a `Value` that somebody wrote or that was computed
(never trusted), what a blank shows while empty (`Shown`), or nothing at all (`Gap`), around which
`closed` takes the words away that only made sense with it: brackets, dashes, units.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from postmortem_nb import asides, evidence, kinds, times
from postmortem_nb.schema import GAP, SINGLE, Blank, Number, Query, Rows, Words, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from postmortem_nb.asides import Aside
    from postmortem_nb.estimates import Estimate
    from postmortem_nb.incident import Incident
    from postmortem_nb.metrics import Measure
    from postmortem_nb.schema import Part, Template

TIMELINE = "timeline"
Told = TypeVar("Told", "Estimate", "Measure")
_ONE = re.compile(r"(?<![\d.,])(1 (?:day|hour|minute|second))s\b")
"""In a length, where the template counts several: “1 hours”."""
Row = dict[str, Any]
"""One row of a table: its values by column; one that is not there is empty."""


@dataclass(frozen=True, slots=True)
class Value:
    """What fills a blank, as plain text; from people or logs, so it is hostile."""

    blank: Blank
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a blank shows while it is empty; the template's own Markdown."""

    blank: Blank
    text: str


@dataclass(frozen=True, slots=True)
class Gap:
    """An empty blank of which nothing shows."""

    blank: Blank


@dataclass(frozen=True, slots=True)
class Box:
    """A box to tick: the blank's yes or no, None while it is empty."""

    blank: Blank
    ticked: bool | None

    @property
    def text(self) -> str:
        """The box as a task list of Markdown has it."""
        return "[x]" if self.ticked else "[ ]"


@dataclass(frozen=True, slots=True)
class QuerySlot:
    """The place of a query: its call, and what a writer puts after it."""

    query: Query


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands in brackets behind a figure, such as the computed one; as hostile as a value."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the document that no blank asks for."""

    aside: Aside


Piece = Words | Value | Shown | Gap | Box | QuerySlot | Beside | Table


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything an incident holds at one moment: single facts, rows, computed figures."""

    single: Row
    tables: Mapping[str, Sequence[Row]]
    measures: Mapping[str, Measure]
    asides: Mapping[str, tuple[Aside, ...]] = field(default_factory=dict)
    days: frozenset[str] = frozenset()
    """The rows of the timeline that begin another day than the row before, as they are shown."""


def gather(incident: Incident) -> Facts:
    """Return what an incident holds, read once under its lock."""
    with incident.lock:
        tables = {table: incident.values(table) for table in incident.template.tables}
        measures, found = incident.measures(), incident.found()
    single = (tables.pop(SINGLE, None) or [{}])[0]
    found = replace(found, estimates=[_worded(each, tables) for each in found.estimates])
    measures = {name: _worded(each, tables) for name, each in measures.items()}
    days = frozenset(_new_days(incident.template, tables.get(TIMELINE, ())))
    return Facts(single, tables, measures, asides.of(single, measures, found), days)


def _new_days(template: Template, rows: Sequence[Row]) -> Iterator[str]:
    """Yield the rows before which another day is shown: section by section, in each by time."""
    before = None
    for section in walk(template.sections):
        groups = [each for each in section.parts if isinstance(each, Rows)]
        mine = [each for each in groups if each.table == TIMELINE]
        held = [row for row in rows if row.get("time") and any(each.holds(row) for each in mine)]
        for row in sorted(held, key=lambda row: row["time"]):
            if row["time"].date() != before:
                yield row["row"]
            before = row["time"].date()


def _worded(told: Told, tables: Mapping[str, Sequence[Row]]) -> Told:
    """Return a figure whose source is called as readers know it."""
    return replace(told, source=evidence.shown(told.source, tables.get("monitors", ())))


def pictured(facts: Facts, template: Template) -> frozenset[str]:
    """Return the evidence whose pictures stand with a table of a template's section."""
    blanks = {blank.name for blank in template.blanks() if blank.table == SINGLE}
    tables = (aside for name in blanks for aside in facts.asides.get(name, ()))
    return frozenset(aside.evidence for aside in tables if aside.evidence)


def worded(blank: Blank, value: Any, measure: Measure | None = None) -> str:
    """Return a value as this blank words it: its marks, its several parts, its words around.

    Minutes are written out where the template names no unit.
    """
    if blank.kind == "yesno":
        yes, no = blank.marks if len(blank.marks) == 2 else ("Yes", "No")
        return yes if value else no
    plain = _plain(blank.kind, value)
    if blank.kind == "choice":
        return blank.marked(plain)
    several = _several(blank, value, measure)
    if blank.kind == "minutes" and not blank.unit and not several:
        plain = times.duration(value)
    said = _fitted(blank.shown, several or [plain]) if GAP in blank.shown else plain
    return _ONE.sub(r"\1", said) if blank.kind == "minutes" else said


def _plain(kind: str, value: Any) -> str:
    """Return a value of Python as the kind shows it."""
    if isinstance(value, datetime):
        return times.shown(value)
    return kinds.show(kind, value.isoformat() if isinstance(value, date) else value)


def _several(blank: Blank, value: Any, measure: Measure | None) -> list[str | None]:
    """Return the parts of a blank that asks for several, such as hours and minutes."""
    if blank.shown.count(GAP) < 2:
        return []
    numbers: Sequence[float | None] = measure.parts if measure is not None else ()
    if not numbers and blank.kind == "minutes":
        numbers = (value // 60, value % 60)
    return [None if number is None else kinds.show("percent", number) for number in numbers]


def _fitted(shown: str, parts: Iterable[str | None]) -> str:
    """Return the words of a blank with its gaps filled; a gap without a part goes, brackets too."""
    left = iter(parts)
    made = []
    for number, words in enumerate(re.split(rf"(\s*\([^()]*{GAP}[^()]*\)|{GAP})", shown)):
        part = next(left, None) if number % 2 else None
        made.append(
            words if number % 2 == 0 else "" if part is None else words.replace(GAP, part, 1)
        )
    made[0], made[-1] = made[0].lstrip(), made[-1].rstrip()  # these are words, never values
    return "".join(made)


def fill(
    parts: Iterable[Part],
    look: Callable[[Blank], tuple[Any, Measure | None]],
    *,
    number: int = 0,
    blanks: bool = False,
    presets: Sequence[str] = (),
) -> list[Piece]:
    """Return the pieces of one line.

    Parameters
    ----------
    parts
        the line's parts
    look
        gives the value of a blank, None while empty, and the figure it is computed as
    number
        of the row
    blanks
        whether an empty blank shows what the template shows
    presets
        the template's own values: they are words, not values

    """
    made: list[Piece] = []
    glued: Blank | None = None  # the blank that the one at hand stands right behind
    for part in parts:
        if isinstance(part, Blank):
            piece = _piece(part, *look(part), blanks=blanks, presets=presets)
            made = [*made[:-1], *_joined(made[-1], piece)] if glued and made else [*made, piece]
            glued = part
            continue
        glued = None
        if isinstance(part, Query):
            made.append(QuerySlot(part))
        elif isinstance(part, Number):
            made.append(Words(str(number)))
        elif isinstance(part, Words):
            made.append(part)
    made = _trimmed(made)
    return made if blanks else [_without_gap(piece, presets) for piece in made]


def _piece(
    blank: Blank, value: Any, measure: Measure | None, *, blanks: bool, presets: Sequence[str]
) -> Piece:
    """Return the piece of one blank."""
    if blank.kind == "yesno" and blank.shown.startswith("["):
        return Box(blank, value)
    if value is None:
        return Shown(blank, blank.shown) if blanks else Gap(blank)
    text = worded(blank, value, measure)
    return Words(text) if text in presets else Value(blank, text)


def _joined(before: Piece, piece: Piece) -> list[Piece]:
    """Return a piece put into the first gap of the one before it, else behind it in brackets."""
    if isinstance(piece, Gap) or (isinstance(piece, Shown) and not piece.text):
        return [before]
    if isinstance(before, Words | Value) and GAP in before.text:
        start, _, end = before.text.partition(GAP)
        around = [replace(before, text=start), piece, replace(before, text=end)]
        return [each for each in around if getattr(each, "text", "")]
    return [before, Words(" ("), piece, Words(")")]


def _without_gap(piece: Piece, presets: Sequence[str]) -> Piece:
    """Return the template's own preset without what is still to be filled in it."""
    if isinstance(piece, Words) and piece.text in presets:
        return Words(_fitted(piece.text, ()))
    return piece


def _trimmed(made: list[Piece]) -> list[Piece]:
    """Return pieces without the space before a blank that shows nothing at the line's end."""
    return [
        Words(piece.text.rstrip(" \t"))
        if isinstance(piece, Words) and _hangs(made, place + 1)
        else piece
        for place, piece in enumerate(made)
    ]


def _hangs(made: Sequence[Piece], place: int) -> bool:
    """Return whether the piece at a place shows nothing on the rest of the line."""
    piece = made[place] if place < len(made) else None
    if not isinstance(piece, Shown | Value):
        return False
    below = piece.blank.shown.startswith("\n")
    return below or (not piece.text and place == len(made) - 1)


def noted(pieces: Sequence[Piece], notes: Iterable[str]) -> list[Piece]:
    """Return a line with what stands beside its figures, before the bar that ends a table's row."""
    kept, behind = list(pieces), [Beside(note) for note in notes if note]
    last = kept[-1] if kept else None
    if not behind or not isinstance(last, Words):
        return [*kept, *behind]
    words = last.text.rstrip().removesuffix("|").rstrip()
    return [*kept[:-1], Words(words), *behind, Words(last.text[len(words) :])]


_FIRST, _GAP = 0xE000, "\uf8ff"
_FILLED = "\ue000-\uf8fe"
_CLOSINGS = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (rf"\s*\([^(){_FILLED}]*{_GAP}[^(){_FILLED}]*\)", ""),  # (Date: …)
        (rf"\*\*[\[(]?{_GAP}[\])]?\*\*|\[{_GAP}\]", _GAP),
        (rf"\$?{_GAP}(?:\s*%)?", _GAP),
        (rf"{_GAP}\s+[-–—]\s+", ""),
        (rf"(?<=\S)\s+[-–—]\s+{_GAP}", ""),
        (rf"{_GAP}\s*:\s*", ""),
        (rf"\s*:\s*{_GAP}", ""),
        (rf"\s?{_GAP}", ""),
        (r"\*\*([^*]*?)\s+\*\*", r"**\1**"),
    )
)


def closed(pieces: Sequence[Piece]) -> list[Piece]:
    """Return a line's pieces without its gaps and the words that only made sense with them."""
    if not any(isinstance(piece, Gap) for piece in pieces):
        return list(pieces)
    kept = [piece for piece in pieces if not isinstance(piece, Words | Gap)]
    numbered = iter(range(_FIRST, _FIRST + len(kept)))
    line = "".join(
        _GAP
        if isinstance(piece, Gap)
        else re.sub("[\ue000-\uf8ff]", "\N{REPLACEMENT CHARACTER}", piece.text)
        if isinstance(piece, Words)
        else chr(next(numbered))
        for piece in pieces
    )
    for pattern, by in _CLOSINGS:
        line = pattern.sub(by, line)
    parts = re.split(f"([{_FILLED}])", line.rstrip())
    made = [
        kept[ord(part) - _FIRST] if number % 2 else Words(part) for number, part in enumerate(parts)
    ]
    return [piece for piece in made if not isinstance(piece, Words) or piece.text]
