"""A template as a tree: the one declaration that forms, frames, checks and documents loop over.

`read` turns the text of a template into a `Template`: sections that hold parts (words, blanks,
numbers, queries, rows), and the tables that its names make up. The same table and name is the same
fact, wherever it stands; its choices are read from whichever place lists them. Names are columns on
disk, so they are checked here once and for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from postmortem_nb import columns
from postmortem_nb.errors import BadTemplate, BadValue, expected, shown
from postmortem_nb.notation import Heading, Source, parts, refuse
from postmortem_nb.parts import (
    GAP,
    SINGLE,
    Blank,
    Column,
    Number,
    Part,
    Query,
    Rows,
    Section,
    Words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = [
    "GAP",
    "SINGLE",
    "Blank",
    "Column",
    "Number",
    "Part",
    "Query",
    "Rows",
    "Section",
    "Template",
    "Words",
    "load",
    "read",
    "shipped",
]

LARGEST = 1_000_000
"""Bytes of a template file; a longer one is no template."""

_TITLE = re.compile(r"^#[ \t]+([^\n]+)", re.MULTILINE)
_FACT = re.compile(r"^([^\s:#-][^:\n]*):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_FRONT = re.compile(r"---[ \t]*\n(.*?\n)?---[ \t]*(?:\n|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read: its text, its sections, and the tables its names make up.

    ``digest`` is the SHA-256 of the text; ``facts`` is the front matter as written; ``tables``
    holds the single facts as ``incident`` and each table of rows with its columns.
    """

    source_name: str
    text: str
    digest: str
    facts: dict[str, str]
    sections: tuple[Section, ...]
    tables: dict[str, tuple[Column, ...]]
    _groups: dict[str, list[Rows]] = field(init=False, repr=False, compare=False)
    _columns: dict[str, dict[str, Column]] = field(init=False, repr=False, compare=False)
    _marked: dict[tuple[str, str], Blank] = field(init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        """Return one for its text: what is made of a template is kept for the next use."""
        return hash(self.digest)

    def __post_init__(self) -> None:
        """Sort groups, columns and marks by their names: they are asked for hundreds of times."""
        found: dict[str, list[Rows]] = {}
        for part in self.parts():
            if isinstance(part, Rows):
                found.setdefault(part.table, []).append(part)
        object.__setattr__(self, "_groups", found)
        named = {
            table: {column.name: column for column in columns}
            for table, columns in self.tables.items()
        }
        object.__setattr__(self, "_columns", named)
        marked: dict[tuple[str, str], Blank] = {}
        for blank in self.blanks():
            if blank.marks:
                marked.setdefault((blank.table, blank.name), blank)
        object.__setattr__(self, "_marked", marked)

    def blanks(self) -> Iterator[Blank]:
        """Yield every blank in reading order; one of rows once a group."""
        for part in self.parts():
            if isinstance(part, Rows):
                yield from (inner for inner in part.parts if isinstance(inner, Blank))
            elif isinstance(part, Blank):
                yield part

    def parts(self) -> Iterator[Part]:
        """Yield the parts of every section in reading order."""
        for section in walk(self.sections):
            yield from section.parts

    def groups(self, table: str) -> tuple[Rows, ...]:
        """Return the groups of rows of a table, in reading order."""
        return tuple(self._groups.get(table, ()))

    def queries(self) -> tuple[Query, ...]:
        """Return the queries, in reading order."""
        return tuple(part for part in self.parts() if isinstance(part, Query))

    def column(self, table: str, name: str) -> Column:
        """Return a column; BadValue with near misses when the template names no such one."""
        known = self._columns.get(table)
        if not known:
            raise _unknown("table", table, self.tables)
        if name not in known:
            raise _unknown(f"{table}: column", name, known)
        return known[name]

    def marked(self, blank: Blank) -> Blank:
        """Return the blank of the same column that says how its choices are marked, else this."""
        return self._marked.get((blank.table, blank.name), blank)

    def section(self, title: str) -> Section:
        """Return a section by title or slug, the least deep of that name.

        Case and punctuation do not count. Raises BadValue with near misses.
        """
        wanted = _slug(title)
        found = [each for each in walk(self.sections) if wanted in (_slug(each.title), each.slug)]
        if not found:
            raise _unknown("section", title, [each.title for each in walk(self.sections)])
        return min(found, key=lambda section: section.level)


def walk(sections: Iterable[Section]) -> Iterator[Section]:
    """Yield sections with those inside them, in reading order."""
    for section in sections:
        yield section
        yield from walk(section.sections)


def read(text: str, source: str = "template.md") -> Template:
    """Return the template that a text declares.

    Parameters
    ----------
    text
        Markdown in the notation (module `notation`)
    source
        what errors call it, usually the file's name

    Raises
    ------
    BadTemplate
        ``source:line: expected …, for example …; got …``

    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    whole = Source(source, text)
    front = _FRONT.match(text)
    start = front.end() if front else 0
    ahead = _only_parts(parts(whole, 0, start, headings=False))
    found = parts(whole, start, len(text), headings=True)
    facts = dict(_FACT.findall("".join(_worded(part) for part in ahead)))
    lead, headed = _split(found)
    if not any(heading.level == 2 for heading, _ in headed):
        came = text.strip().partition("\n")[0]
        if front and "\n## " in front[0]:
            what = "front matter that ends before the first heading"
            raise refuse(source, 1, what, example="a line `---` above it", came=came)
        raise refuse(source, 1, "a ## heading", example="`## Timeline of Events`", came=came)
    _check_order(source, headed)
    everything = [*ahead, *_only_parts(found)]
    options = columns.choices(source, everything)
    columns.check_meanings(source, everything)
    columns.check_groups(source, everything)
    columns.check_queries(source, everything)
    sections = (
        *_head(facts, columns.resolved(ahead, options), columns.resolved(lead, options)),
        *_nest([(line, columns.resolved(inner, options)) for line, inner in headed], slugs={}),
    )
    tables = columns.tables([part for section in walk(sections) for part in section.parts])
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Template(source, text, digest, facts, sections, tables)


def load(path: Path) -> Template:
    """Return the template of a file.

    Raises BadTemplate when it cannot be read, is not UTF-8, or is too large.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # a path with NUL, or that no file system can spell
        reason = getattr(error, "strerror", None) or "no path that can be read"
        what = "a template file that can be read"
        raise BadTemplate(
            f"{shown(str(path))}: expected {what}, for example ours.md; got {reason}"
        ) from error
    if len(raw) > LARGEST:
        what = f"a template of up to {LARGEST:,} bytes"
        raise refuse(path.name, 1, what, example="30,000", came="a larger file")
    try:
        return read(raw.decode("utf-8"), path.name)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        came = repr(raw[error.start : error.end])
        raise refuse(path.name, line, "UTF-8 text", example="`## Timeline`", came=came) from None


@cache
def shipped() -> Template:
    """Return the template that comes with this package."""
    folder = files("postmortem_nb") / "templates"
    return read((folder / "postmortem.md").read_text("utf-8"), "postmortem.md")


def _unknown(thing: str, came: str, known: Iterable[str]) -> BadValue:
    """Return the error of a name that the template does not have, with near misses."""
    names = list(known)
    near = get_close_matches(str(came), names, n=3, cutoff=0.5) or names[:3]
    return BadValue(expected(thing, "a name of the template", example=" or ".join(near), came=came))


def _only_parts(found: Iterable[Part | Heading]) -> list[Part]:
    return [part for part in found if not isinstance(part, Heading)]


def _worded(part: Part) -> str:
    """Return what stands in the front matter while nothing is filled in."""
    if isinstance(part, Words):
        return part.text
    return part.shown if isinstance(part, Blank) else ""


def _split(found: Iterable[Part | Heading]) -> tuple[list[Part], list[tuple[Heading, list[Part]]]]:
    """Return what stands before the first heading, and each heading with what follows it."""
    lead: list[Part] = []
    headed: list[tuple[Heading, list[Part]]] = []
    for part in found:
        if isinstance(part, Heading):
            headed.append((part, []))
        else:
            (headed[-1][1] if headed else lead).append(part)
    return lead, headed


def _check_order(source: str, headed: list[tuple[Heading, list[Part]]]) -> None:
    """Refuse a deeper heading before the first section, and a section's title given twice."""
    titles: dict[str, int] = {}
    for heading, _ in headed:
        if not titles and heading.level > 2:
            what = "a ## heading before the first deeper one"
            raise refuse(source, heading.line, what, example="`## Timeline`", came=heading.text)
        if heading.level == 2:
            if heading.title in titles or not heading.title:
                what = "a title that no other ## heading has"
                raise refuse(
                    source, heading.line, what, example="`## Timeline`", came=heading.title
                )
            titles[heading.title] = heading.line


def _head(facts: Mapping[str, str], front: list[Part], lead: list[Part]) -> Iterator[Section]:
    """Yield the head of the document, when anything stands before the first section."""
    words = "".join(part.text for part in lead if isinstance(part, Words))
    match = _TITLE.search(words)
    title = match[1].strip() if match else facts.get("title") or "Document"
    if front or words.strip() or len(lead) > 1:
        yield Section(1, title, _slug(title), (*front, *lead), front=len(front))


def _nest(
    headed: list[tuple[Heading, list[Part]]], *, slugs: dict[str, int]
) -> tuple[Section, ...]:
    """Return sections, each with the deeper ones that follow it."""
    found, at = [], 0
    while at < len(headed):
        heading, inner = headed[at]
        after = at + 1
        while after < len(headed) and headed[after][0].level > heading.level:
            after += 1
        slug = _slug(heading.title)
        slugs[slug] = slugs.get(slug, 0) + 1
        slug = slug if slugs[slug] == 1 else f"{slug}-{slugs[slug]}"
        below = _nest(headed[at + 1 : after], slugs=slugs)
        found.append(
            Section(
                heading.level,
                heading.title,
                slug,
                tuple(inner),
                below,
                heading=heading.text,
                line=heading.line,
            )
        )
        at = after
    return tuple(found)


def _slug(title: str) -> str:
    """Return a title as an identifier of a heading: letters and digits with ``-`` between."""
    return re.sub(r"[\W_]+", "-", title.casefold()).strip("-") or "section"
