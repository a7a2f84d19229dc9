r"""The notation of a template: Markdown with typed blanks, read into a run of parts.

Two constructs, no third:

- a *blank*: ``{name}``, ``{kind name}``, ``{kind name = shown while empty}``, ``{= kind name}``
  when it is derived and never typed; a quoted label may follow the name: ``{line title "Action"}``;
- *rows* of a table: ``<!-- rows TABLE (column=value, …): N blank -->`` … ``<!-- end -->``, where
  instead of ``N blank`` a column may be preset: ``role: Author | Manager``. Words that may follow:
  ``from N`` (number of the first row), ``apart`` (an empty line between rows), ``grows``.

A fence marked ``datadog NAME`` is a *query*: one call of a function that asks Datadog. ``{n}``
between ``rows`` and ``end`` is the row's number. Everything else is the team's own words: code,
comments, ``{{NAME}}`` and ``\{`` too.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from difflib import get_close_matches
from keyword import iskeyword
from typing import TYPE_CHECKING

from postmortem_nb import callsyntax, labels
from postmortem_nb.errors import BadTemplate, QueryError, expected
from postmortem_nb.kinds import KINDS
from postmortem_nb.parts import SINGLE, Blank, Number, Part, Query, Rows, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

RESERVED = frozenset({"id", "n", "order", "row", "table"})
"""Names that nothing in a template can have: they are the dataset's own."""

MOST_ROWS = 100
"""Empty rows that a group of a template may show."""

A_BLANK = r"`{line owner = _____}`"
SOME_ROWS = "`<!-- rows actions (horizon=Immediate): 2 blank -->`"

_TOKEN = re.compile(
    r"""
      (?P<fence>^[ \t]*(?P<ticks>`{3,}(?=[^`\n]*$)|~{3,})[^\n]*(?:\n|\Z))
    | (?P<code>(?<!`)(?P<tick>`+)(?!`)[^\n]*?(?<!`)(?P=tick)(?!`))
    | (?P<rows>^[ \t]*<!--[ \t]*rows\b[^\n]*\n?)
    | (?P<end>^[ \t]*<!--[ \t]*end[ \t]*-->[ \t]*\n?)
    | (?P<comment><!--)
    | (?P<heading>^\#{2,6}[ \t]+[^\n]*\n?)
    | (?P<kept>\\[{}]|\{\{[^{}\n]*\}\})
    | (?P<number>\{n\})
    | (?P<blank>\{)
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_HEAD = re.compile(
    r"\{(?P<derived>=)?[ \t]*(?:(?P<kind>[^\s={}\"]+)[ \t]+)?(?P<name>[^\s={}\"]+)"
    r"(?:[ \t]+\"(?P<label>[^\"\n{}]*)\")?[ \t]*(?P<rest>=[ \t]*|(?=\}))"
)
_BRACE = re.compile(r"\{\{[^{}\n]*\}\}|[{}]|<!--")
_ROWS = re.compile(
    r"[ \t]*<!--[ \t]*rows[ \t]+(?P<table>[^\s(:]+)[ \t]*(?:\((?P<keys>.*?)\)[ \t]*)?"
    r":[ \t]*(?P<rest>.*?)[ \t]*-->[ \t]*\n?"
)
_BETWEEN_KEYS = re.compile(r",\s*(?=[^\s=,]+\s*=)")
_OPTION = re.compile(r"[ \t]+(?:(apart)|(grows)|from[ \t]+([0-9]{1,6}))$")
_COUNT = re.compile(r"([0-9]{1,6})[ \t]+blanks?")
_PRESET = re.compile(r"([^\s:|]+):[ \t]*(\S.*)")
_MARK = re.compile(r"[^\w\s]+[ \t]+(\w.*)")
_ADDRESS = re.compile(r"<[A-Za-z/!][^<>]*$|\]\([^()]*$|^\s*\[[^\]]+\]:\s*<?$")


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of two or more ``#``, which opens a section; ``text`` is the whole line."""

    level: int
    title: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Source:
    """A template's text and the name that errors call it by."""

    name: str
    text: str

    def line(self, at: int) -> int:
        """Return the number of the line of a place in the text, from 1."""
        return self.text.count("\n", 0, at) + 1

    def refuse(self, at: int, what: str, *, example: str, came: object) -> BadTemplate:
        """Return the error: file, line, what was expected, an example, what came."""
        return refuse(self.name, self.line(at), what, example=example, came=came)


def refuse(name: str, line: int, what: str, *, example: str, came: object) -> BadTemplate:
    """Return the error ``name:line: expected what, for example example; got came``."""
    bare = came.strip() if isinstance(came, str) else came
    return BadTemplate(expected(f"{name}:{line}", what, example=example, came=bare))


def parts(source: Source, start: int, end: int, *, headings: bool) -> list[Part | Heading]:
    """Return what stands between two places of a source, in order, rows as one part each.

    Raises BadTemplate with file and line.
    """
    found: list[Part | Heading] = []
    outer: list[Part | Heading] = found
    group, at = None, start
    while (match := _TOKEN.search(source.text, at, end)) is not None:
        _add(found, source.text[at : match.start()])
        at = match.end()
        if match["rows"]:
            if group is not None:
                what = f"the end of the rows {group.table} of line {group.line} first"
                raise source.refuse(match.start(), what, example="`<!-- end -->`", came=match[0])
            group, outer, found = _rows(source, match), found, []
        elif match["end"]:
            outer.append(_closed(source, group, found, match))
            group, found = None, outer
        elif match["heading"] and headings and group is None:
            found.append(_heading(source, match))
        else:
            part, at = _inline(source, match, end, group)
            _add(found, part)
    if group is not None:
        what = "<!-- end --> after the rows"
        raise refuse(source.name, group.line, what, example="`<!-- end -->`", came=group.table)
    _add(found, source.text[at:end])
    return found


def _inline(source: Source, match: re.Match[str], end: int, group: Rows | None) -> tuple[Part, int]:
    """Return what stands inside a line or a code block, and the place after it."""
    if match["blank"]:
        return _blank(source, match.start(), end, group)
    if match["fence"]:
        return _fence(source, match, end, group)
    if match["number"]:
        return _number(source, match, group), match.end()
    after = _comment(source, match, end) if match["comment"] else match.end()
    return Words(source.text[match.start() : after]), after


def _add(found: list[Part | Heading], part: Part | str) -> None:
    """Append a part; words join the words before them."""
    if not isinstance(part, str | Words):
        found.append(part)
        return
    words = part if isinstance(part, str) else part.text
    if found and isinstance(found[-1], Words):
        words = found.pop().text + words  # type: ignore[union-attr]
    if words:
        found.append(Words(words))


def _name(source: Source, at: int, name: str, what: str) -> str:
    """Return a name fit to be a column, a table or a variable for ever; else raise."""
    plain = unicodedata.normalize("NFKC", name) == name  # else Python would call it by another
    if not name.isidentifier() or iskeyword(name) or name.startswith("_") or not plain:
        fit = f"a name for the {what} of letters, digits and _"
        raise source.refuse(at, fit, example="`owner`", came=name)
    if name in RESERVED:
        free = f"another name for the {what} ({', '.join(sorted(RESERVED))} are taken)"
        raise source.refuse(at, free, example=f"`{what}_{name}`", came=name)
    return name


def _heading(source: Source, match: re.Match[str]) -> Heading:
    """Return a heading; its words name a section, so nothing in it is filled in."""
    marks, _, title = match[0].strip().partition(" ")
    if re.search(r"(?<![\\{])\{(?!\{)", match[0]):
        what = "a heading without blanks"
        raise source.refuse(match.start(), what, example="`## Timeline`", came=match[0].strip())
    title = title.strip().rstrip("#").strip()
    return Heading(len(marks), title, match[0], source.line(match.start()))


def _number(source: Source, match: re.Match[str], group: Rows | None) -> Number:
    if group is None:
        what = "{n} only between rows and end"
        raise source.refuse(match.start(), what, example=SOME_ROWS, came=match[0])
    return Number()


def _comment(source: Source, match: re.Match[str], end: int) -> int:
    """Return the place after a comment."""
    close = source.text.find("-->", match.end(), end)
    if close < 0:
        came = source.text[match.start() : match.start() + 60].split("\n")[0]
        what = "a --> that closes the comment"
        raise source.refuse(match.start(), what, example="`<!-- for the author -->`", came=came)
    return close + 3


def _fence(
    source: Source, match: re.Match[str], end: int, group: Rows | None
) -> tuple[Words | Query, int]:
    """Return a code block as words, or as a query when it is marked ``datadog NAME``."""
    at, came, ticks = match.start(), match[0].strip(), match["ticks"]
    close = re.compile(rf"^[ \t]*{ticks[0]}{{{len(ticks)},}}[ \t]*(?:\n|\Z)", re.MULTILINE)
    closing = close.search(source.text, match.end(), end)
    info = came.lstrip("`~").split()
    if info[:1] != ["datadog"]:
        after = closing.end() if closing else end
        return Words(source.text[at:after]), after
    if len(info) != 2 or group is not None:
        what = "a name after datadog" if group is None else "a query outside of rows"
        raise source.refuse(at, what, example="`datadog errors`", came=came)
    if closing is None:
        raise source.refuse(at, "a fence that ends the query", example="` ``` `", came=came)
    name = _name(source, at, info[1], "query")
    call = source.text[match.end() : closing.start()]
    try:
        callsyntax.parse(call, line=source.line(at))
    except QueryError as error:
        where = f"{source.name}:{source.line(at)}"
        raise BadTemplate(f"{where}: expected a query {name} that can be asked; {error}") from None
    return Query(name, call, labels.label_above(source.text, at), source.line(at)), closing.end()


def _blank(source: Source, at: int, end: int, group: Rows | None) -> tuple[Blank, int]:
    """Return the blank that opens at a place, and the place after it."""
    head = _HEAD.match(source.text, at, end)
    if head is None:
        came = source.text[at : at + 60].split("\n")[0]
        raise source.refuse(at, r"a blank (or \{ for a brace)", example=A_BLANK, came=came)
    close = _closing(source, at, head.end(), end)
    _check_place(source, at)
    kind = head["kind"] or "prose"
    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1) or ["line"]
        what = f"one of the kinds {', '.join(KINDS)}"
        raise source.refuse(at, what, example=f"`{near[0]}`", came=kind)
    shown = source.text[head.end() : close] if head["rest"] else ""
    options, marks = _choices(kind, shown)
    label = (
        head["label"]
        or labels.label(source.text, at)
        or labels.bracketed(shown)
        or labels.spaced(head["name"])
    )
    blank = Blank(
        kind=kind,
        name=_name(source, at, head["name"], "blank"),
        shown=shown,
        derived=bool(head["derived"]),
        label=label[:1].upper() + label[1:],
        options=options,
        marks=marks,
        unit=labels.unit(source.text, kind, at, close + 1),
        table=group.table if group else SINGLE,
        line=source.line(at),
    )
    return blank, close + 1


def _closing(source: Source, at: int, start: int, end: int) -> int:
    """Return the place of the brace that closes a blank; ``{{…}}`` may stand inside it."""
    for brace in _BRACE.finditer(source.text, start, end):
        if brace[0] == "}":
            return brace.start()
        if not brace[0].startswith("{{"):
            break
    came = source.text[at : at + 60].split("\n")[0]
    raise source.refuse(at, "a } that closes the blank", example=A_BLANK, came=came)


def _check_place(source: Source, at: int) -> None:
    """Refuse a blank in a link's address or an HTML tag: what is filled in stays text."""
    line = source.text[source.text.rfind("\n", 0, at) + 1 : at]
    if _ADDRESS.search(line):
        what = "a blank outside of tags and link addresses (a {link …} can be clicked as it is)"
        raise source.refuse(at, what, example="`Dashboard: {link dashboard}`", came=line.strip())


def _choices(kind: str, shown: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the choices that are listed with `` / `` between, bare, and as they are worded."""
    if kind not in ("choice", "yesno") or " / " not in shown:
        return (), ()
    marks = tuple(word.strip() for word in shown.strip().strip("[]").split(" / "))
    bare = tuple(match[1] if (match := _MARK.fullmatch(mark)) else mark for mark in marks)
    return bare if kind == "choice" else (), marks


def _rows(source: Source, match: re.Match[str]) -> Rows:
    """Return the rows that a comment opens, still without parts."""
    at, came = match.start(), match[0].strip()
    whole = _ROWS.fullmatch(match[0])
    if whole is None:
        raise source.refuse(at, "rows of a table", example=SOME_ROWS, came=came)
    table = _name(source, at, whole["table"], "table")
    if table in (SINGLE, "evidence"):
        raise source.refuse(at, "another name for the table", example="`actions`", came=table)
    rest, options = whole["rest"], dict[str, int]()
    while (option := _OPTION.search(rest)) is not None:
        options[option[1] or option[2] or "from"] = int(option[3] or 0)
        rest = rest[: option.start()]
    keys = _keys(source, at, whole["keys"])
    group = Rows(
        table=table,
        keys=keys,
        parts=(),
        first=options.get("from", 1),
        apart="apart" in options,
        grows="grows" in options,
        label=labels.label_above(source.text, at)
        or (keys[-1][1] if keys else labels.spaced(table).capitalize()),
        line=source.line(at),
    )
    return _counted(source, at, group, rest)


def _keys(source: Source, at: int, written: str | None) -> tuple[tuple[str, str], ...]:
    """Return column and value of each key of a group."""
    if written is None:
        return ()
    pairs = []
    for pair in _BETWEEN_KEYS.split(written):
        column, equals, value = (word.strip() for word in pair.partition("="))
        if not equals or not value:
            what = "column=value between the brackets"
            raise source.refuse(at, what, example="`(horizon=Immediate)`", came=written)
        pairs.append((_name(source, at, column, "column"), value))
    if len({column for column, _ in pairs}) < len(pairs):
        what = "each column once between the brackets"
        raise source.refuse(at, what, example="`(horizon=Immediate)`", came=written)
    return tuple(pairs)


def _counted(source: Source, at: int, group: Rows, rest: str) -> Rows:
    """Return a group with its number of empty rows, or with its presets."""
    if count := _COUNT.fullmatch(rest):
        if int(count[1]) > MOST_ROWS:
            what = f"at most {MOST_ROWS} empty rows"
            raise source.refuse(at, what, example="`2 blank`", came=rest)
        return replace(group, blanks=int(count[1]))
    preset = _PRESET.fullmatch(rest)
    values = [value.strip() for value in preset[2].split("|")] if preset else []
    if preset is None or not all(values) or len(values) > MOST_ROWS:
        what = "N blank, or a column and its values, then any of from N, apart, grows"
        raise source.refuse(
            at, what, example="`2 blank apart` or `role: Author | Manager`", came=rest
        )
    column = _name(source, at, preset[1], "column")
    if column in dict(group.keys):
        what = "a preset column that is not between the brackets too"
        raise source.refuse(at, what, example="`role: Author | Manager`", came=rest)
    return replace(group, preset=column, presets=tuple(values), blanks=len(values))


def _closed(
    source: Source, group: Rows | None, found: Sequence[Part | Heading], match: re.Match[str]
) -> Rows:
    """Return a group with what stands between its two comments."""
    if group is None:
        what = "rows before their <!-- end -->"
        raise source.refuse(match.start(), what, example=SOME_ROWS, came=match[0])
    if not any(isinstance(part, Blank) for part in found):
        what = f"a blank in each row of {group.table}"
        raise source.refuse(match.start(), what, example=A_BLANK, came=match[0])
    return replace(group, parts=tuple(part for part in found if not isinstance(part, Heading)))
