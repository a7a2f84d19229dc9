"""A section of the template as a form sees it: plain JSON, drawn by ``forms.js``.

A *part* is a sub-section, a block of *fields* (single facts that follow each other) or a group of
*rows*. Keys are short because every form carries them: ``n`` name, ``k`` kind, ``l`` label, ``o``
options as (value, shown), ``u`` unit behind and ``p`` before the input, ``s`` a hint, ``d`` if
derived, ``q`` the state that needs it, ``c`` list of completions. What is empty is left out.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

from postmortem_nb.checks.case import PEOPLE
from postmortem_nb.checks.review import NEEDS
from postmortem_nb.parts import Words
from postmortem_nb.schema import Blank, Rows, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Section, Template

Part = dict[str, Any]

SHORT = frozenset({"time", "date", "yesno", "choice", "line", "link", "names", "count"})
"""Kinds that fit a column of a table of rows."""

PEOPLE_SHOWN = 200
"""Completions that a form carries at most."""

COLUMNS = 4
"""Blanks of a row that still fit one line."""

_CAPTION = re.compile(r"\*\*([^*\n]+?):?\*\*:?[ \t]*\n\s*[^\n]*\Z")
"""A line in bold, and no more than one line (the label of a blank) behind it."""

OWN_LISTS = frozenset({"services", "teams"})
"""Columns of names that complete from what stands in them; other names are people's."""


SENTENCES = frozenset({("timeline", "detected_by")})
"""Columns for people that hold a monitor or a sentence as well: nobody to assign an action to."""


def describe(template: Template, section: Section) -> list[Part]:
    """Return the parts of a section; its groups of rows are numbered in reading order."""
    return _Describer(template).parts(section)


def groups(section: Section) -> list[Rows]:
    """Return the groups of rows of a section, in the order in which ``describe`` numbers them."""
    return [part for each in walk([section]) for part in each.parts if isinstance(part, Rows)]


def facts(section: Section) -> dict[str, Blank]:
    """Return the single facts of a section by name, each where it is named first."""
    named: dict[str, Blank] = {}
    for each in walk([section]):
        for part in each.parts:
            if isinstance(part, Blank):
                named.setdefault(part.name, part)
    return named


def fields(rows: Rows) -> list[Blank]:
    """Return the blanks of a row, each name once."""
    named: dict[str, Blank] = {}
    for part in rows.parts:
        if isinstance(part, Blank) and not part.derived:
            named.setdefault(part.name, part)
    return list(named.values())


def completed(table: str, name: str, kind: str) -> str:
    """Return the name of the list that a column completes from, or nothing."""
    if name in OWN_LISTS:
        return name
    people = (table, name) in {*PEOPLE} - SENTENCES or name == "owner" or kind == "names"
    return "people" if people else ""


def completions(incident: Incident) -> dict[str, list[str]]:
    """Return what inputs complete from, by list: the names that the incident holds anywhere."""
    found: dict[str, set[str]] = {}
    for table, columns in incident.template.tables.items():
        named = [(each.name, completed(table, each.name, each.kind)) for each in columns]
        named = [(column, name) for column, name in named if name]
        for row in incident.values(table) if named else ():
            for column, name in named:
                value = row[column]
                several = value if isinstance(value, list) else [value]
                held = found.setdefault(name, set())
                held.update(str(each) for each in several if each is not None)
    return {name: sorted(names)[:PEOPLE_SHOWN] for name, names in found.items()}


class _Describer:
    """One walk over a section; it numbers the groups and draws a fact only once."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.numbers = count()
        self.drawn: set[str] = set()

    def parts(self, section: Section) -> list[Part]:
        """Return the parts of a section and of those inside it."""
        own = list(self._own(section))
        inner = [(each.title, self.parts(each)) for each in section.sections]
        return own + [
            {"t": "part", "title": title, "parts": parts} for title, parts in inner if parts
        ]

    def _own(self, section: Section) -> Iterator[Part]:
        """Yield the blocks of fields and the groups of rows of one section."""
        kept = [part for part in section.parts if isinstance(part, Blank | Rows)]
        for caption, run in _runs(section):
            if isinstance(run, Rows):
                yield self._group(run, alone=len(kept) == 1)
            elif drawn := [field for blank in run if (field := self._once(blank))]:
                yield _tidy({"t": "fields", "caption": caption, "fields": drawn})

    def _once(self, blank: Blank) -> Part | None:
        """Return a single fact where it is first named in the section."""
        if blank.name in self.drawn:
            return None
        self.drawn.add(blank.name)
        return self._field(blank, {})

    def _group(self, rows: Rows, *, alone: bool) -> Part:
        """Return a group; ``alone`` where its sub-heading already says what it is."""
        drawn = [self._field(blank, dict(rows.keys)) for blank in fields(rows)]
        table = _fits_lines(rows, drawn)
        return _tidy(
            {
                "t": "rows",
                "g": next(self.numbers),
                "table": rows.table,
                "title": _called(rows, lines=table),
                "caption": "" if alone or not table else rows.label,
                "layout": "table" if table else "card",
                "fields": drawn,
                "blanks": rows.blanks,
                "preset": rows.preset,
                "presets": list(rows.presets),
                "first": rows.first,
                "single": rows.blanks <= 1 and not rows.grows and not rows.preset,
                "sorted": rows.table == "timeline",
            }
        )

    def _field(self, blank: Blank, keys: dict[str, str]) -> Part:
        column = self.template.column(blank.table, blank.name)
        before = blank.unit == "$"
        return _tidy(
            {
                "n": blank.name,
                "k": blank.kind,
                "l": blank.label or column.label or blank.name.replace("_", " ").capitalize(),
                "o": self._options(blank),
                "u": "" if before else blank.unit,
                "p": "$" if before else "",
                "s": _example(blank, column.help),
                "d": blank.derived,
                "q": _needed(blank, keys),
                "c": completed(blank.table, blank.name, blank.kind),
            }
        )

    def _options(self, blank: Blank) -> list[tuple[str, str]] | None:
        """Return each choice as it is stored and as the template shows it; None of a tick box."""
        if blank.kind == "yesno" and "[" not in blank.shown:
            yes, no = blank.marks if len(blank.marks) == 2 else ("Yes", "No")
            return [("Yes", yes), ("No", no)]
        if blank.kind != "choice":
            return None
        listed = self.template.marked(blank)
        options = self.template.column(blank.table, blank.name).options
        return [(option, listed.marked(option)) for option in options]


def _runs(section: Section) -> Iterator[tuple[str, list[Blank] | Rows]]:
    """Yield the groups of rows of a section, and its blanks by the caption they stand under."""
    caption, run = "", list[Blank]()
    before = ""
    for part in section.parts:
        below = _captioned(before)
        before = part.text if isinstance(part, Words) else ""
        if run and (below or isinstance(part, Rows)):
            yield caption, run
            run = []
        if isinstance(part, Rows):
            yield "", part
        elif isinstance(part, Blank):
            caption = caption if run else below
            run.append(part)
    if run:
        yield caption, run


def _captioned(words: str) -> str:
    """Return the caption that a template's words put over the blank behind them, or nothing."""
    found = _CAPTION.search(words)
    return found[1].strip() if found else ""


def _fits_lines(rows: Rows, drawn: list[Part]) -> bool:
    """Return whether the rows are drawn as lines under heads: several, of few short blanks."""
    several = rows.blanks > 1 or bool(rows.presets)
    short = len(drawn) <= COLUMNS and all(field["k"] in SHORT for field in drawn)
    return several and rows.table != "timeline" and (short or len(drawn) == 1)


def _called(rows: Rows, *, lines: bool = False) -> str:
    """Return what one row is called: its milestone, else what its first words are.

    Of ``lines`` the template names each: such a row is its role, not the name of who signs.
    """
    if len(rows.keys) > 1:
        return rows.label or rows.keys[-1][1]
    named = [blank.label for blank in fields(rows) if lines and blank.name == rows.preset]
    if named and named[0]:
        return named[0]
    wordy = [blank for blank in fields(rows) if blank.kind in ("line", "prose")]
    own = [blank for blank in wordy if blank.name != rows.preset or blank.kind == "prose"]
    return next((blank.label for blank in own), "") or rows.label or rows.table


def _needed(blank: Blank, keys: dict[str, str]) -> str:
    """Return the state that needs this blank filled, or nothing."""
    for need in NEEDS:
        here = need.table == blank.table and need.name == blank.name
        if here and (not need.column or keys.get(need.column) == need.value):
            return need.state
    return ""


def _example(blank: Blank, hint: str) -> str:
    """Return the template's hint where an empty input can show it."""
    return hint if blank.kind in ("prose", "line", "link", "query") else ""


def _tidy(part: Part) -> Part:
    """Return a part without what is empty; 0 stays."""
    empty: tuple[Any, ...] = (None, "", [])
    return {key: value for key, value in part.items() if value is not False and value not in empty}
