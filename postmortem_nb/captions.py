"""Any text as one short, harmless line of a picture.

Log messages, tags and titles are written by others: they may hold line breaks, control
characters, marks that reverse the reading order, or a megabyte. A picture has no markup to
break out of, but it has a size, a reading order and a font.
"""

from __future__ import annotations

import unicodedata

from postmortem_nb import text

LONGEST = 200
"""Characters of a label that are looked at; the picture's room then shortens it further."""


def label(value: object, most: int = LONGEST) -> str:
    """Return ``value`` on one line, without invisible characters, at most ``most`` long."""
    words = value if isinstance(value, str) else str(value)
    shown = text.visible(words[: 4 * most])
    line = " ".join(unicodedata.normalize("NFC", shown).split())
    kept = "".join(_calm(line))
    return cut(kept, most)


def cut(line: str, most: int) -> str:
    """Return ``line``, its end replaced by … where it is longer than ``most``."""
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def middle(line: str, most: int) -> str:
    """Return ``line`` with its middle replaced by …: names of series often differ at the end."""
    if len(line) <= most:
        return line
    tail = (most - 1) * 2 // 5
    return f"{line[: most - 1 - tail]}…{line[len(line) - tail :]}"


def _calm(line: str) -> list[str]:
    """Return the characters that take room: no format characters, at most two marks on a base."""
    kept: list[str] = []
    marks = 0
    for char in line:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if kind not in ("Cf", "Cc", "Cn", "Co") and marks <= 2:
            kept.append(char)
    return kept
