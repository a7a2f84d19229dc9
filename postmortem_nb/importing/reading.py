"""A filled document, line by line against its template: what stands in which blank, and where.

Each line is laid beside the lines that its section's template may still bring, and taken for the
one that shares most words with it and whose values fit. What no line of the template could have
brought is listed, never guessed at; text that goes on below a blank for prose belongs to it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from postmortem_nb import asides
from postmortem_nb.estimates import AT_LEAST
from postmortem_nb.importing import lines as documents
from postmortem_nb.importing import matching, shapes
from postmortem_nb.schema import GAP, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.importing.lines import Line
    from postmortem_nb.importing.matching import Match
    from postmortem_nb.importing.shapes import Place
    from postmortem_nb.parts import Blank, Rows
    from postmortem_nb.schema import Section, Template

FOOT = re.compile(r"\*Content digest: sha256 [0-9a-f]{64}\*")
"""The last line of an exported document: in one that has it, no value goes on after an
empty line: the notes of its author stand there."""

_OURS = re.compile(
    r">|!\[|\*Figure [0-9]+\. "
    r"|\*\*Back-test\*\*$|Each proposed monitor, tried on the incident|- Monitor [0-9]+: "
    r"|\| Monitor \| Fired \||\| [0-9]+\\\. |\|(?: --- \|){6}$"
)
"""How the lines begin that an export adds of its own: its boxes, pictures, captions, back-tests."""


_BESIDE = re.compile(r"\s\*\(computed\b(?:\\.|[^\\*])*\)\*")
"""What an export puts behind a figure; typed text would have its asterisks escaped."""

_LEAST = re.compile(rf"[\d,.]+(?=(?:\s?%| hours)?\s+\*\(computed: {AT_LEAST}\b)")
"""A lower bound that an export computed: nobody typed it, and typed it would be a whole figure."""


_TABLE = re.compile(rf"> \*\*(?:{'|'.join(map(re.escape, asides.TITLES))})\b.*\*\*")
"""How the quoted tables begin that stand beside a document's blanks."""


@dataclass(slots=True)
class Answer:
    """What stands in a blank, as it was typed, and on which line.

    ``shown`` says that it is what the template shows there anyway: a placeholder, or a default.
    """

    blank: Blank
    text: str
    line: int
    shown: bool = False


@dataclass(slots=True)
class Entry:
    """One row of a group: its answers by column, and the template's own values that stand in it."""

    group: Rows
    line: int
    answers: dict[str, Answer] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    head: int = 0
    """The line on which it begins: it stands even where nothing on it is answered."""


@dataclass(slots=True)
class Found:
    """Everything that a document says, in its order, and the lines that no blank could take.

    ``blanks`` says whether the document shows its empty blanks: then a default is no answer.
    """

    singles: list[Answer] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    unread: list[Line] = field(default_factory=list)
    sections: int = 0
    """How many headings of the template it has."""
    blanks: bool = False


def read(template: Template, document: str) -> Found:
    """Return what a document in the layout of a template says."""
    found = Found()
    whole = documents.split(document)
    body = [line for line in whole if not FOOT.fullmatch(line.text)]
    exported = len(body) < len(whole)
    body = [
        replace(line, text=_BESIDE.sub("", _LEAST.sub(GAP, line.text))) for line in _untabled(body)
    ]
    head = template.sections[0] if template.sections[0].level == 1 else None
    number = {id(section): n for n, section in enumerate(walk(template.sections))}
    laid = shapes.laid(template)
    for section, lines in documents.sections(template, body, head):
        if section is None:
            found.unread += [line for line in lines if not line.is_empty]
            continue
        found.sections += section is not head
        rest = _front(found, section, lines) if section is head else lines
        own, *others = laid[number[id(section)] :]
        places = [*own, *chain.from_iterable(map(shapes.ruled, others))]
        _Section(found, places, exported=exported).read(rest)
    found.blanks = _has_blanks(found)
    if exported:
        found.unread = [line for line in found.unread if not _OURS.match(line.text)]
    return found


def _has_blanks(found: Found) -> bool:
    """Return whether a placeholder stands anywhere, once text below labels has found its own."""
    answers = [*found.singles, *(a for entry in found.entries for a in entry.answers.values())]
    return any(answer.shown and not shapes.is_default(answer.blank) for answer in answers)


def _untabled(body: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines without the quoted tables that a document of ours puts beside its blanks."""
    within = False
    for line in body:
        begins = not line.code and _TABLE.fullmatch(line.text) is not None
        within = begins or (within and line.text.startswith(">"))
        if not within:
            yield line


def _front(found: Found, head: Section, lines: Sequence[Line]) -> Sequence[Line]:
    """Read the front matter and return the lines after it."""
    ends = [number for number, line in enumerate(lines) if line.text.strip() == "---"]
    if not head.front or len(ends) < 2 or ends[0] != 0:
        return lines
    places = shapes.front(head.parts[: head.front])
    for line in lines[1 : ends[1]]:
        answers = _stated(places, line)
        if answers is None:
            found.unread.append(line)
        else:
            found.singles += answers
    return lines[ends[1] + 1 :]


def _stated(places: Sequence[Place], line: Line) -> list[Answer] | None:
    """Return what a line of the front matter answers; what follows its colon is YAML's."""
    key, _, scalar = line.text.partition(":")
    for written in (line.text, f"{key}: {_unquoted(scalar.strip())}"):
        match = next(filter(None, (matching.match(place, written) for place in places)), None)
        if match is not None:
            pairs = zip(match.shape.holes, match.values, strict=True)
            return [Answer(blank, _unquoted(value), line.number) for blank, value in pairs]
    return None


def _unquoted(value: str) -> str:
    """Return a scalar of YAML as text; one that is not quoted as it is."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value


@dataclass(slots=True)
class _Section:
    """One section under way.

    ``at`` is the place of the last line that was taken; ``entry`` the row under way; ``open`` is
    the answer that text below may still belong to, ``below`` that all of it stands below its
    label; ``held`` is text after an empty line, whose owner only the next line decides; ``code``
    is the blank whose value the next code block is.
    """

    found: Found
    places: Sequence[Place]
    exported: bool
    at: int = -1
    entry: Entry | None = None
    open: Answer | None = None
    below: bool = False
    held: list[Line] = field(default_factory=list)
    code: Blank | None = None

    def read(self, lines: Sequence[Line]) -> None:
        """Take every line of the section."""
        at = 0
        while at < len(lines):
            block = documents.block(lines, at)
            at += len(block)
            if block[0].code:
                self._block(block)
            elif block[0].is_empty:
                self._empty(block[0])
            else:
                self._line(block[0])
        self._settle(more=self.below)

    def _empty(self, line: Line) -> None:
        """Keep an empty line; an export has notes of its author's between, which are no values."""
        if self.exported and not self.below:
            self.open = None
        self.held += [line] if self.open is not None else ()

    def _line(self, line: Line) -> None:
        """Take a line for the template's line that it fits best, or for text that goes on."""
        self.code = None
        best = self._best(line.text)
        if best is None:
            self._stray([line])
            return
        self._settle(more=True)
        self._take(line, *best)

    def _best(self, written: str) -> tuple[int, Match] | None:
        """Return the place that a line is taken for: ahead or a new row, else one passed over."""
        group = self.places[self.at].group if self.at >= 0 else None
        done = range(self.at + 1)
        again = [n for n in done if self.places[n].group is group is not None]
        passed = [n for n in done if self.places[n].group is None]
        for places in ([*range(self.at + 1, len(self.places)), *again], passed):
            found = [
                (match.fits, match.shape.words, -abs(n - self.at), n, match)
                for n in places
                if (match := matching.match(self.places[n], written)) is not None
            ]
            if found:
                *_, place, match = max(found, key=lambda each: each[:3])
                return place, match
        return None

    def _take(self, line: Line, place: int, match: Match) -> None:
        """Take a line for a line of the template."""
        group, shape = self.places[place].group, match.shape
        if group is None:
            self.entry = None
        elif self.entry is None or self.entry.group is not group or place <= self.at:
            self.entry = Entry(group, line.number)
            self.found.entries.append(self.entry)
        self.at = place if group is not None else max(place, self.at)
        self.found.sections += line.text.startswith("# ")
        if self.entry is not None:
            self.entry.given |= dict(shape.given)
            self.entry.head = line.number if self.places[place].head else self.entry.head
        self.code = shape.code
        answers = [Answer(blank, blank.shown, line.number, shown=True) for blank in shape.shown]
        for blank, written in zip(shape.holes, match.values, strict=True):
            said = written if shapes.is_box(blank) else matching.said(blank, written)
            answers.append(Answer(blank, said, line.number))
        for answer in answers:
            self._answer(answer)
        ends = shape.last is not None and shape.last.kind in matching.TEXTS
        self.open = next((a for a in answers if ends and a.blank is shape.last), None)
        self.below = self.open is not None and self.open.shown

    def _answer(self, answer: Answer) -> None:
        """Keep an answer, of the row under way or of none."""
        if self.entry is None:
            self.found.singles.append(answer)
        else:
            self.entry.answers[answer.blank.name] = answer

    def _block(self, block: Sequence[Line]) -> None:
        """Take a code block: a value, a question of the template, its own words, or more text."""
        inner = [line.text for line in block[1:-1]]
        if self.code is not None:
            self._coded(self.code, block)
            return
        ahead = range(self.at + 1, len(self.places))
        asked = next((n for n in ahead if self.places[n].query is not None), None)
        if asked is None or (self.open is not None and self.open.shown):
            if not self._is_words(block):
                self._stray(block)
            return
        self._settle(more=True)
        self.at, self.entry, self.open = asked, None, None
        query = self.places[asked].query
        if query is not None and "\n".join(inner).strip() != query.call.strip():
            self.found.unread += block

    def _coded(self, blank: Blank, block: Sequence[Line]) -> None:
        """Take a code block for the value of the blank above it."""
        depth = documents.indent(block[0].text)
        inner = [line.text[min(depth, documents.indent(line.text)) :] for line in block[1:-1]]
        said = "\n".join(inner)
        shown = said.split() == " ".join(blank.shown.split("\n")[2:-1]).split()
        self.code = None
        # an empty block was written for a value of nothing but line ends
        self._answer(Answer(blank, said or "\n", block[0].number, shown=shown))

    def _is_words(self, block: Sequence[Line]) -> bool:
        """Take a code block that the template itself has; returns whether it is one."""
        for line in block:
            best = self._best(line.text) if not line.is_empty else None
            if best is not None and not best[1].shape.holes:
                self._take(line, *best)
            elif not line.is_empty:
                return False
        return True

    def _stray(self, lines: Sequence[Line]) -> None:
        """Take lines that no line of the template could be: text that goes on, or nothing."""
        if self.open is None or (self.held and self.open.blank.kind != "prose"):
            self.found.unread += [line for line in lines if not line.is_empty]
            return
        self.held += lines
        if self.below or not self.held[0].is_empty:
            self._settle(more=True)

    def _settle(self, *, more: bool) -> None:
        """Give what is held to the answer that it follows; at a section's end to nobody."""
        held, self.held = self.held, []
        while held and held[-1].is_empty:
            held.pop()
        if not held or self.open is None:
            return
        if not more:
            self.found.unread += [line for line in held if not line.is_empty]
            return
        before = [] if self.open.shown else [self.open.text]
        while held[0].is_empty and not before:
            held.pop(0)
        join = "\n" if self.open.blank.kind == "prose" else " "
        said = documents.dedented([line.text for line in held])
        self.open.text, self.open.shown = join.join([*before, *said]), False
