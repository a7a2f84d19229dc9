"""What a pattern cannot match without: texts of which one stands in everything that it matches.

A text that holds none of them needs neither the pattern nor its compilation, and a file of rules
has hundreds. Only what is plain is read; of anything else nothing is claimed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

SHORTEST = 2
"""Characters of the shortest text that is worth looking for."""

Texts = frozenset[str]
UNKNOWN: Texts = frozenset()

_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\\\]])*\]|\(\?[a-z]+\)|\((?:\?(?:<?[=!]|P<\w+>|[a-z-]*:))?|<[A-Z]+>"
    r"|[|)?*+^$.]|\{[\d,]+\}|[^\\\[\](){}|?*+^$.<]+|[\]{}<]",
    re.DOTALL,
)
_ABSENT = ("?", "*", "{")
"""What may make the part before it absent."""


@dataclass(slots=True)
class _Group:
    """A group that is being read: its ways so far, and of this way the best part and the run."""

    opened: str = ""
    ways: list[Texts] = field(default_factory=list)
    parts: list[Texts] = field(default_factory=list)
    run: str = ""

    def end_run(self) -> None:
        """Note a run of plain characters, which ends here."""
        if self.run:
            self.parts.append(frozenset((self.run,)))
            self.run = ""

    def end_way(self) -> None:
        """Note what the way that ends here needs: the best that any of its parts does."""
        self.end_run()
        self.ways.append(max(self.parts, key=_worth, default=UNKNOWN))
        self.parts = []

    def needs(self) -> Texts:
        """Return what the whole group needs; looking around claims nothing."""
        if self.opened.endswith(("=", "!")) or not all(map(_worth, self.ways)):
            return UNKNOWN
        return frozenset().union(*self.ways)


def needed(pattern: str, words: dict[str, Texts]) -> Texts:
    """Return texts of which any match holds one, letters lowered; none where that is not known.

    ``words`` are names that stand in the pattern for a part, and what that part needs. The pattern
    has no flag that lets white space or comments stand in it.
    """
    groups = [_Group()]
    for part, behind in pairwise([*_TOKEN.findall(pattern), ""]):
        here, absent = groups[-1], behind.startswith(_ABSENT)
        if part.startswith("(") and not part.endswith(")"):
            here.end_run()
            groups.append(_Group(part))
        elif part == ")":
            here.end_way()
            groups.pop()
            groups[-1].parts.append(UNKNOWN if absent else here.needs())
        elif part == "|":
            here.end_way()
        elif part in words:
            here.end_run()
            here.parts.append(UNKNOWN if absent else words[part])
        elif _is_plain(part):
            here.run += (part[:-1] if absent else part).lower()
            if absent:
                here.end_run()
        else:
            here.end_run()
    groups[0].end_way()
    return groups[0].needs()


def _is_plain(part: str) -> bool:
    return part[0] not in "\\[(){}|?*+^$."


def _worth(texts: Texts) -> int:
    """Return the length of the shortest text; nothing for one that is not worth looking for."""
    shortest = min(map(len, texts), default=0)
    return shortest if shortest >= SHORTEST else 0
