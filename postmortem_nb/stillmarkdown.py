"""The still parts of an HTML output as Markdown: its text by paragraph, its tables as tables.

What comes in has passed the strict list of `cells.still`; every text is escaped on the way out.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from postmortem_nb import text

_CELLS = frozenset({"td", "th"})
_BLOCKS = frozenset({"p", "div", "blockquote", "hr", "caption", "ul", "ol", "br"})


def write(still: str) -> str:
    """Return still HTML as Markdown; empty where it holds no text."""
    reader = _Reader()
    reader.feed(still)
    reader.close()
    return reader.written()


def table(rows: list[list[str]], numeric: frozenset[int] = frozenset()) -> str:
    """Return texts as a table, its first row the head; ``numeric`` columns hold figures."""
    width = max(map(len, rows), default=0)
    even = [[*row, *[""] * (width - len(row))] for row in rows]
    lines = [f"| {' | '.join(map(text.markdown, row))} |" for row in even]
    marks = " | ".join("---:" if place in numeric else "---" for place in range(width))
    return "\n".join([*lines[:1], f"| {marks} |", *lines[1:]])


class _Reader(HTMLParser):
    """Collects the blocks of HTML in their order."""

    def __init__(self) -> None:
        super().__init__()
        self._blocks: list[str] = []
        self._said = ""
        self._rows: list[list[str]] | None = None
        self._lead = ""
        self._across = 1
        self._down = 1
        self._held: dict[int, int] = {}
        """For how many rows yet a column is taken by a cell above."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block, a row or a cell."""
        if self._rows is None:
            self._begin(tag)
        elif tag == "tr":
            self._rows.append([])
        elif tag in _CELLS:
            self._said = ""
            spans = dict(attrs)
            self._across = min(int(spans.get("colspan") or 1), 100)
            self._down = int(spans.get("rowspan") or 1)
        elif tag == "br":
            self._said += "\n"

    def handle_endtag(self, tag: str) -> None:
        """End a block, a cell or a table."""
        if self._rows is None:
            if tag == "pre":
                self._pre()
            elif tag in _BLOCKS or tag == "li" or re.fullmatch("h[1-6]", tag):
                self._flush()
        elif tag in _CELLS and self._rows:
            self._cell(self._rows[-1])
        elif tag == "tr" and self._rows:
            self._below(self._rows[-1])
        elif tag == "table":
            rows = [row for row in self._rows if row]
            self._blocks += [table(rows)] if rows else []
            self._rows, self._said, self._held = None, "", {}

    def handle_data(self, data: str) -> None:
        """Collect words."""
        self._said += data

    def written(self) -> str:
        """Return what was read."""
        self._flush()
        return "\n\n".join(self._blocks)

    def _begin(self, tag: str) -> None:
        if tag == "table":
            self._flush()
            self._rows = []
        elif tag in _BLOCKS or tag == "pre":
            self._flush()
        elif tag == "li":
            self._flush()
            self._lead = "- "
        elif re.fullmatch("h[1-6]", tag):
            self._flush()
            self._lead = "#" * max(2, int(tag[1])) + " "

    def _cell(self, row: list[str]) -> None:
        self._below(row)
        lines = self._said.strip().split("\n")
        self._held |= dict.fromkeys(range(len(row), len(row) + self._across), self._down - 1)
        row += ["\n".join(" ".join(line.split()) for line in lines), *[""] * (self._across - 1)]
        self._said = ""

    def _below(self, row: list[str]) -> None:
        """Leave the places empty that cells of the rows above reach into."""
        while self._held.get(len(row), 0) > 0:
            self._held[len(row)] -= 1
            row.append("")

    def _pre(self) -> None:
        if self._said.strip():
            self._blocks.append(text.fence(self._said))
        self._said = ""

    def _flush(self) -> None:
        said = " ".join(self._said.split())
        if said:
            self._blocks.append(self._lead + text.markdown(said))
        self._said = self._lead = ""
