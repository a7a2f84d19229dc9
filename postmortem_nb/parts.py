"""What a template is made of: words, blanks, numbers, queries and rows, in reading order.

They say what a blank *is*, never what a form, a frame or a page does with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

GAP = "_____"
"""What a template writes where something is to be filled in."""

SINGLE = "incident"
"""The one-row table of the single facts: blanks that stand between no rows."""


@dataclass(frozen=True, slots=True)
class Words:
    """The template's own Markdown, as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """``{n}``: the number of the row in its group."""


@dataclass(frozen=True, slots=True)
class Blank:
    """One place to fill in.

    ``options`` are the choices, bare; ``marks`` the same as this place words them (``🔴 Draft``),
    empty where it lists none. Of a ``yesno``, ``marks`` are how its yes and its no are worded.
    """

    kind: str
    name: str
    shown: str = ""
    derived: bool = False
    label: str = ""
    options: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    unit: str = ""
    table: str = SINGLE
    line: int = 0

    def marked(self, option: str) -> str:
        """Return a choice as this place words it, with its mark; one unknown to it as it is."""
        listed = len(self.options) == len(self.marks) and option in self.options
        return self.marks[self.options.index(option)] if listed else option


@dataclass(frozen=True, slots=True)
class Query:
    """A question to Datadog; its name is the variable and the evidence."""

    name: str
    call: str
    label: str
    line: int


@dataclass(frozen=True, slots=True)
class Rows:
    """A group of rows of a table: those whose key columns hold these values.

    ``blanks`` empty rows stand in the template, one for each of ``presets`` where the column
    ``preset`` begins with values. Rows are numbered from ``first``; ``apart`` puts an empty line
    between them. Every group can grow, whether or not ``grows`` invites to.
    """

    table: str
    keys: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    blanks: int = 0
    preset: str | None = None
    presets: tuple[str, ...] = ()
    first: int = 1
    apart: bool = False
    grows: bool = False
    label: str = ""
    line: int = 0

    def missing(self, present: Iterable[object]) -> tuple[str, ...]:
        """Return the presets that no row holds yet, in order; one that occurs twice counts twice.

        ``present`` are the values of the column ``preset`` in the group's rows.
        """
        held, left = list(present), []
        for preset in self.presets:
            if preset in held:
                held.remove(preset)
            else:
                left.append(preset)
        return tuple(left)

    def holds(self, row: dict[str, object]) -> bool:
        """Return whether a row of the table belongs to this group."""
        return all(row.get(column) == value for column, value in self.keys)


Part = Words | Blank | Number | Query | Rows


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: a name of the notation. ``help`` is the template's own hint."""

    table: str
    name: str
    kind: str
    label: str
    options: tuple[str, ...] = ()
    derived: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it; level 1 is the head of the document.

    ``heading`` is its line as written. Of the head, ``front`` is how many of its parts are the
    front matter, and its ``#`` line stands in its words.
    """

    level: int
    title: str
    slug: str
    parts: tuple[Part, ...]
    sections: tuple[Section, ...] = ()
    heading: str = ""
    front: int = 0
    line: int = 1
