"""Tables for a terminal: aligned, cut to its width, with nothing in them that could steer it.

Every text passes `line`: control characters become visible symbols, so no escape sequence of a
title or a log reaches the terminal; secrets are masked as in every edition.
"""

from __future__ import annotations

import shutil
import sys
import unicodedata
from typing import TYPE_CHECKING

from postmortem_nb import text
from postmortem_nb.masking import mask

if TYPE_CHECKING:
    from collections.abc import Sequence

NARROWEST, WIDEST = 80, 120
GAP = "  "
_LEAST = 10  # columns: a date is read whole or not at all
_ROOM = 30
"""Columns in which most titles are read."""

UNKNOWN = "–"


def width() -> int:
    """Return how wide a table may be: the terminal's width, within reason; 100 in a notebook.

    A pipe or a file loses nothing, unless COLUMNS says how much it shows.
    """
    out = sys.stdout  # a notebook's is its own
    piped = out is sys.__stdout__ and out is not None and not out.isatty()
    found = shutil.get_terminal_size((sys.maxsize if piped else 100, 24)).columns
    return found if found == sys.maxsize else max(NARROWEST, min(WIDEST, found))


def line(value: object) -> str:
    """Return a value as one line that is safe to print; missing is a dash."""
    if value is None or value != value or str(type(value)).endswith("NAType'>"):  # noqa: PLR0124
        return UNKNOWN
    return " ".join(mask(text.visible(value)).split()) or UNKNOWN


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: str = "",
    name: str = "",
    about: bool = False,
) -> str:
    """Return rows below their heads, as wide as the terminal at most.

    Parameters
    ----------
    heads, rows
        the columns' names, and a value for each column in each row
    right
        the heads, with spaces between, of columns of figures: aligned right and never cut
    name
        the head of the column that tells rows apart: cut only where nothing else can be
    about
        whether the last column says what a row is about: below the rest where it has no room

    """
    wide = width()
    cells = [list(heads), *([line(value) for value in row] for row in rows)]
    figures = right.split()
    sizes = [max(_columns(row[n]) for row in cells) for n in range(len(heads))]
    texts = [n for n, head in enumerate(heads) if head not in figures]
    longest = sizes[-1]
    _fit(sizes, [n for n in texts if heads[n] != name], wide)
    _fit(sizes, texts, wide)
    if about and sizes[-1] < min(longest, _ROOM):
        beside = table(heads[:-1], [row[:-1] for row in rows], right=right, name=name)
        below = (f"    {cut(row[-1], wide - 4)}\n" if row[-1] != UNKNOWN else "" for row in cells)
        return "".join(map("".join, zip(beside.splitlines(keepends=True), below, strict=True)))
    return "".join(f"{_row(row, sizes, heads, figures)}\n" for row in cells)


def _fit(sizes: list[int], free: Sequence[int], wide: int) -> None:
    """Take from the widest of the columns that may be cut until the table fits."""
    while free and sum(sizes) + len(GAP) * (len(sizes) - 1) > wide:
        widest = max(free, key=lambda n: sizes[n])
        if sizes[widest] <= _LEAST:
            return
        sizes[widest] -= 1


def _row(
    row: Sequence[str], sizes: Sequence[int], heads: Sequence[str], figures: Sequence[str]
) -> str:
    padded = []
    for value, size, head in zip(row, sizes, heads, strict=True):
        shown = cut(value, size)
        space = " " * (size - _columns(shown))
        padded.append(space + shown if head in figures else shown + space)
    return GAP.join(padded).rstrip()


def cut(shown: str, size: int) -> str:
    """Return a text that takes no more than so many columns, with ``…`` where it was cut."""
    if _columns(shown) <= size:
        return shown
    kept, taken = [], 1
    for char in shown:
        taken += _columns(char)
        if taken > size:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def _columns(shown: str) -> int:
    """Return how many columns a text takes."""
    return sum(_column(char) for char in shown)


def _column(char: str) -> int:
    if char < "\x7f":
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
