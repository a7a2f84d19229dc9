"""A document as lines: which of them are code, and which section each stands in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb.schema import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.schema import Section, Template

_HEADING = re.compile(r"(#{2,6})[ \t]+(.*?)[ \t]*#*[ \t]*")
_FENCE = re.compile(r"[ \t]*(`{3,}(?=[^`]*$)|~{3,})")

_ASIDE = re.compile(r"[ \t]*\([^()]*\)[*_ \t]*$")
"""What a heading says in brackets at its end: “(3-4 sentences)”."""
_NUMBERED = re.compile(r"[0-9]+(?:\.[0-9]+)*[.)][ \t]+|[0-9]+(?:\.[0-9]+)+[ \t]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line; ``code`` says that it stands in a code block or is one of its fences."""

    number: int
    text: str
    code: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands on it."""
        return not self.text.strip()


def split(document: str) -> list[Line]:
    """Return the lines of a document, those of code blocks marked; one left open is no block."""
    lines = document.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    made: list[Line] = []
    while len(made) < len(lines):
        at = len(made)
        end = _closing(lines, at)
        if end > at:
            made += [Line(n + 1, lines[n], code=True) for n in range(at, end)]
        else:
            made.append(Line(at + 1, lines[at].rstrip(" \t")))
    return made


def _closing(lines: Sequence[str], at: int) -> int:
    """Return the place after the code block that a line opens; its own where it opens none."""
    opening = _FENCE.match(lines[at])
    if opening is None:
        return at
    ticks = opening[1]
    closing = re.compile(rf"[ \t]*{ticks}{ticks[0]}*[ \t]*")
    return next((n + 1 for n in range(at + 1, len(lines)) if closing.fullmatch(lines[n])), at)


def block(lines: Sequence[Line], at: int) -> Sequence[Line]:
    """Return the code block that begins at a place, or the one line there."""
    length = _closing([line.text for line in lines[at:]], 0) if lines[at].code else 0
    return lines[at : at + max(1, length)]


def dedented(lines: Sequence[str]) -> list[str]:
    """Return lines without the indentation that all of them share."""
    shared = min((indent(line) for line in lines if line.strip()), default=0)
    return [line[shared:].rstrip() for line in lines]


def indent(line: str) -> int:
    """Return how far in a line begins."""
    return len(line) - len(line.lstrip(" \t"))


def sections(
    template: Template, body: Sequence[Line], head: Section | None
) -> Iterator[tuple[Section | None, list[Line]]]:
    """Yield the lines under each heading with the section they belong to.

    Under a heading that the template does not have, or not there, that is None, and the heading
    is the first of the lines.
    """
    section, upper = head, None
    lines: list[Line] = []
    for line in body:
        heading = None if line.code else _HEADING.fullmatch(line.text)
        if heading is None:
            lines.append(line)
            continue
        yield section, lines
        level = len(heading[1])
        inside = template.sections if level == 2 else (upper.sections if upper else ())
        known = [each for each in walk(inside) if each.level == level]
        section = _named(known, heading[2])
        upper = section if level == 2 else upper
        lines = [] if section is not None else [line]
    yield section, lines


def _named(known: Sequence[Section], heading: str) -> Section | None:
    """Return the section of a heading; what stands in brackets behind either need not agree."""
    exact = (each for each in known if _plain(each.title) == _plain(heading))
    bare = _plain(_ASIDE.sub("", heading))
    near = (each for each in known if bare and _plain(_ASIDE.sub("", each.title)) == bare)
    return next(exact, None) or next(near, None)


def _plain(heading: str) -> list[str]:
    """Return the words of a heading, however it is numbered, set in bold or quoted."""
    words = _NUMBERED.sub("", heading.strip("*_ \t"))
    return words.casefold().replace("’", "'").split()
