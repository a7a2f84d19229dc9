"""What stands of a document when nothing empty is to show: the rules of leaving out.

A `Line` is one line of the document, an `Item` what stands or goes as one. A line whose blanks are
all empty goes; then a label, a list or a table with nothing under it; then what a rule across the
page parts off with nothing in it, and the closing notes to the author.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from postmortem_nb.schema import Rows, Section, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postmortem_nb.filling import Piece

_RULE = re.compile(r"\s*(?:-{3,}|\*{3,}|_{3,})\s*")
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})")
_LIST = re.compile(r"(\s*)(?:[-+*]|\d+[.)])\s")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the document."""

    pieces: tuple[Piece, ...] = ()
    group: Rows | None = None
    row: int = 0
    """The number of the row of ``group`` that it belongs to."""
    section: Section | None = None
    """The section that it is the heading of."""
    front: bool = False
    """Whether it belongs to the front matter."""

    @property
    def words(self) -> str:
        """The template's own words of the line."""
        return "".join(piece.text for piece in self.pieces if isinstance(piece, Words))

    @property
    def is_empty(self) -> bool:
        """Whether it shows nothing."""
        return self._only_words and not self.words.strip()

    @property
    def is_rule(self) -> bool:
        """Whether it is a rule across the page."""
        return self._only_words and _RULE.fullmatch(self.words) is not None

    @property
    def _only_words(self) -> bool:
        return all(isinstance(piece, Words) for piece in self.pieces)


@dataclass(slots=True)
class Item:
    """What stands or goes as one: a line, the rows of a group, a query.

    ``asks``: something in it is to be filled in; ``filled``: something is.
    """

    lines: list[Line]
    asks: bool = False
    filled: bool = False
    query: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it is empty lines of the template."""
        return not self.asks and all(line.is_empty for line in self.lines)

    @property
    def goes(self) -> bool:
        """Whether it asks and nobody answered."""
        return self.asks and not self.filled

    @property
    def depth(self) -> int:
        """How far in a list it stands: -1 outside of one; a query stands below any label."""
        if self.query:
            return 100
        match = _LIST.match(self.lines[0].words) if self.lines else None
        return len(match[1]) if match else (100 if self.asks and not self.lines else -1)

    @property
    def is_label(self) -> bool:
        """Whether it only names what follows it."""
        words = self.lines[-1].words.rstrip().rstrip("*_") if self.lines else ""
        return not self.asks and words.endswith(":")

    @property
    def is_static_entry(self) -> bool:
        """Whether it is an item of a list that asks for nothing and names nothing below it."""
        return not self.asks and self.depth >= 0 and not self.is_label


def segments(items: Sequence[Item]) -> list[list[Item]]:
    """Return items parted at each rule across the page; the rule opens its segment."""
    made: list[list[Item]] = [[]]
    for item in items:
        if not item.asks and any(line.is_rule for line in item.lines):
            made.append([])
        made[-1].append(item)
    return made


def closing(segments: Sequence[Sequence[Item]]) -> int:
    """Return how many segments stand before those that ask for nothing: notes to the author."""
    asking = [number for number, each in enumerate(segments, 1) if any(i.asks for i in each)]
    return max(asking, default=0)


def ruled(segment: Sequence[Item]) -> list[Line]:
    """Return the lines of a segment with its rule, none when nothing it asks for is filled in."""
    asks = any(item.asks for item in segment)
    return kept(segment) if not asks or any(item.filled for item in segment) else []


def kept(items: Sequence[Item]) -> list[Line]:
    """Return the lines that stand: no empty blank, no label without anything under it."""
    runs = [(empty, list(run)) for empty, run in groupby(items, lambda item: item.is_empty)]
    made: list[list[Line]] = []
    below_goes = False  # whether what the next label above names has gone
    for empty, run in reversed(runs):
        if empty:
            made.append([line for item in run for line in item.lines])
            continue
        if below_goes and len(run) == 1 and run[0].is_label:
            continue
        standing = _standing(run)
        made.append([line for item in standing for line in item.lines])
        below_goes = not standing
    return [line for block in reversed(made) for line in block]


def _standing(block: Sequence[Item]) -> list[Item]:
    """Return what stands of a block of lines without an empty one between them."""
    asks, filled = any(item.asks for item in block), any(item.filled for item in block)
    if asks and not (filled or any(item.is_static_entry for item in block)):
        return []
    left: list[Item] = []
    gone: list[int] = []  # depths of what went since the last line that stands
    for item in reversed(block):
        below = [depth for depth in gone if depth > item.depth]
        heads = bool(left) and left[-1].depth > item.depth
        if item.goes or (item.is_label and below and not heads):
            gone.append(item.depth)
            continue
        left.append(item)
        gone = []
    return left[::-1]


def smoothed(made: Sequence[Line]) -> list[Line]:
    """Return lines without two empty ones or two rules in a row, nor any at the ends."""
    kept: list[Line] = []
    fenced = False
    for line in made:
        idle = line.is_empty or line.is_rule
        fenced ^= _FENCE.match(line.words) is not None
        before = kept[-1] if kept else None
        if not fenced and not line.front and idle and (before is None or _idle_twice(kept, line)):
            continue
        kept.append(line)
    while kept and not kept[-1].front and (kept[-1].is_empty or kept[-1].is_rule):
        kept.pop()
    return kept


def _idle_twice(kept: Sequence[Line], line: Line) -> bool:
    """Return whether an empty line or a rule follows one of its own with nothing between."""
    if line.is_empty:
        return kept[-1].is_empty
    spoken = next((each for each in reversed(kept) if not each.is_empty), None)
    return spoken is None or (spoken.is_rule and not spoken.front)
