"""Placeholders of a query cell, such as ``{{SERVICE}}`` or ``{{INCIDENT_START_MINUS_1H}}``.

A call is parsed before any value is known. A value then enters at a known place of a known
grammar, written so that it can only be a value there: quoted in a search, from a strict list of
characters in a metric query, as a literal in SQL, as a moment where a time is asked for. Values are
never looked through for further placeholders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from postmortem_nb import times
from postmortem_nb.errors import QueryError, shown
from postmortem_nb.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMES = (
    "SERVICE",
    "SERVICES",
    "SEVERITY",
    "INCIDENT_ID",
    "INCIDENT_START",
    "INCIDENT_END",
    "TITLE",
    "AUTHOR",
    "DATE",
)
"""What may stand between double braces; the times also with ``_MINUS_1H`` or ``_PLUS_30M``."""
TIMES = ("INCIDENT_START", "INCIDENT_END")
_TIMES_SAID = "{{INCIDENT_START}} and {{INCIDENT_END}}, also as {{INCIDENT_START_MINUS_1H}}"

PATTERN = re.compile(r"\{\{([^{}]*)\}\}")
_SHIFTED = re.compile(r"(?P<base>[A-Z_]+?)_(?P<sign>MINUS|PLUS)_(?P<span>[0-9]{1,6}[SMHDW])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SPECIAL = re.compile(r"([^\w./])")
_METRIC_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}")
_TAG_VALUE = re.compile(r"[\w][\w\-:./]{0,199}")
_REFUSED_IN_TAG = re.compile(r"""[{}()\[\],!*?'"\s\\]""")
_SCOPE = re.compile(r"\{([^{}]*)\}")
_WORDS = frozenset(("and", "or", "not", "in"))


@dataclass(frozen=True, slots=True)
class Slot:
    """One placeholder: its base name, how far it is shifted, and where it stands in its text."""

    name: str
    shift: timedelta
    start: int
    end: int

    def value(self, variables: Mapping[str, Any]) -> Any:
        """Return its value; QueryError where the incident does not know it yet."""
        found = variables.get(self.name)
        if found is None or found in ([], ""):
            raise QueryError(f"{{{{{self.name}}}}} is not known yet: fill it in the incident first")
        return found + self.shift if isinstance(found, datetime) else found


def slots(words: str) -> list[Slot]:
    """Return the placeholders of a text, in order; QueryError for one that does not exist."""
    return list(_slots(words))


def refuse(function: str, arguments: Mapping[str, Any]) -> None:
    """Refuse placeholders where nothing fills them; QueryError says what to write instead.

    Other words in double braces are let be: a log may hold a template that nobody filled.
    """
    for name, value in arguments.items():
        for words in value if isinstance(value, (list, tuple)) else [value]:
            for match in PATTERN.finditer(words) if isinstance(words, str) else ():
                if _exists(slot := _slot(match)):
                    raise QueryError(
                        f"{function}: {name.removesuffix('_')}: {match[0]} has a value in a "
                        "%%datadog cell only; here, take it from the incident, for example "
                        f'incident.variables()["{slot.name}"]'
                    )


def moment(words: str, variables: Mapping[str, Any]) -> datetime | str:
    """Return the moment that a time argument's placeholder stands for, or the text as it is."""
    found = slots(words)
    if not found:
        return words
    slot = found[0]
    if slot.name not in TIMES:
        raise QueryError(_misplaced(words, slot, f"no time; there are {_TIMES_SAID}"))
    if len(found) > 1 or words[: slot.start].strip():
        raise QueryError(_misplaced(words, slot, "a time, with nothing before it and no other"))
    value = slot.value(variables)
    rest = words[slot.end :].strip()
    if not isinstance(value, datetime):
        raise QueryError(_misplaced(words, slot, "a time"))
    return times.parse(rest, name=shown(words), start=value) if rest else value


def in_search(words: str, variables: Mapping[str, Any]) -> str:
    """Return a search with values in place: quoted, several as ``("a" OR "b")``."""
    return _filled(words, lambda slot, value: _search_value(words, slot, value), variables)


def in_metric(words: str, variables: Mapping[str, Any]) -> str:
    """Return a metric query with values in place, normalised as Datadog does, or refused."""
    filled = _filled(words, lambda slot, value: _metric_value(words, slot, value), variables)
    return _SCOPE.sub(_one_style, filled) if filled != words else words


def in_sql(words: str, variables: Mapping[str, Any]) -> str:
    """Return SQL with values in place, as literals."""
    return _filled(words, lambda slot, value: _sql_value(words, slot, value), variables)


def plain(value: Any) -> str:
    """Return a value as text: a moment as ISO 8601; QueryError for what no text can hold."""
    if isinstance(value, datetime):
        return times.iso(value)
    found = clean(value.isoformat() if isinstance(value, date) else value)
    if not found or _CONTROL.search(found):
        raise QueryError(
            f"{shown(found)} cannot be asked for: it is empty or holds control characters"
        )
    return found


def _slots(words: str) -> Iterator[Slot]:
    for match in PATTERN.finditer(words):
        slot = _slot(match)
        if not _exists(slot):
            raise QueryError(_unknown(match[0], slot.name))
        yield slot


def _slot(match: re.Match[str]) -> Slot:
    """Return what stands in double braces, be it one of ours or not."""
    written = match[1].strip()
    name, shift = written, timedelta()
    if shifted := _SHIFTED.fullmatch(written):
        name = shifted["base"]
        length = times.span(shifted["span"], name=shown(match[0]))
        shift = -length if shifted["sign"] == "MINUS" else length
    return Slot(name, shift, match.start(), match.end())


def _exists(slot: Slot) -> bool:
    return slot.name in NAMES and (not slot.shift or slot.name in TIMES)


def _filled(words: str, write: Any, variables: Mapping[str, Any]) -> str:
    """Return a text with every placeholder written once, from left to right."""
    out: list[str] = []
    at = 0
    for slot in slots(words):
        out += [words[at : slot.start], write(slot, slot.value(variables))]
        at = slot.end
    return "".join([*out, words[at:]])


def _search_value(words: str, slot: Slot, value: Any) -> str:
    values = [plain(item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    before, after = words[: slot.start], words[slot.end :]
    if _open_quote(before):
        if len(values) > 1:
            raise QueryError(_misplaced(words, slot, "several values, and stands inside quotes"))
        return _inside_quotes(values[0])
    if after.lstrip().startswith(":") or re.search(r"[@#]$", before):
        raise QueryError(_misplaced(words, slot, "a value, and stands where a name is expected"))
    if _glued(before, after):
        if len(values) > 1:
            raise QueryError(_misplaced(words, slot, "several values, and is part of a word"))
        return _SPECIAL.sub(r"\\\1", values[0])
    quoted = [f'"{_inside_quotes(item)}"' for item in values]
    return quoted[0] if len(quoted) == 1 else f"({' OR '.join(quoted)})"


def _inside_quotes(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _glued(before: str, after: str) -> bool:
    """Return whether a placeholder is only part of a term: ``web-{{SERVICE}}*``."""
    begins = re.search(r"""(?:^|[\s:(">=<\[]|(?:^|[\s(])-)$""", before)
    ends = re.match(r"""(?:$|[\s)"\]])""", after)
    return not (begins and ends)


def _open_quote(before: str) -> bool:
    """Return whether a search text ends inside a quoted phrase."""
    inside = False
    escaped = False
    for char in before:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            inside = not inside
    return inside


def _metric_value(words: str, slot: Slot, value: Any) -> str:
    before, after = words[: slot.start], words[slot.end :]
    values = value if isinstance(value, (list, tuple)) else [value]
    if slot.name in TIMES:
        raise QueryError(_misplaced(words, slot, "a time, and a metric query has none"))
    if before.count("{") <= before.count("}"):
        if len(values) > 1:
            raise QueryError(
                _misplaced(words, slot, "several values, and stands in a metric's name")
            )
        return _metric_name(plain(values[0]))
    key = re.search(r"(?:^|[{,(\s!])(?P<key>[\w.\-/]+):$", before)
    if len(values) == 1:
        return _tag_value(plain(values[0]))
    if key is None or after[:1] not in ("}", ",", " ", ")"):
        raise QueryError(
            _misplaced(words, slot, "several values; write it as service:{{SERVICES}}")
        )
    # the key is written already, so the first value follows it and the others repeat it
    return f" OR {key['key']}:".join(_tag_value(plain(item)) for item in values)


def _one_style(match: re.Match[str]) -> str:
    """Return a scope in words where it mixes commas with OR: Datadog takes one style at a time."""
    scope = match[1]
    if " OR " not in scope or "(" in scope:
        return match[0]
    parts = [part.strip() for part in scope.split(",")]
    words = [f"NOT {part[1:]}" if part.startswith("!") else part for part in parts if part != "*"]
    grouped = [f"({part})" if " OR " in part and len(words) > 1 else part for part in words]
    return f"{{{' AND '.join(grouped)}}}"


def _metric_name(value: str) -> str:
    """Return a service as it stands in a metric's name; other characters become ``_`` there."""
    if _REFUSED_IN_TAG.search(value):
        raise QueryError(f"{shown(value)} cannot be part of a metric's name")
    name = re.sub(r"[^A-Za-z0-9_.]", "_", value)
    if not _METRIC_NAME.fullmatch(name):
        raise QueryError(f"{shown(value)} cannot be part of a metric's name")
    return name


def _tag_value(value: str) -> str:
    """Return a tag value as Datadog keeps it: lower case, other characters as ``_``."""
    if _REFUSED_IN_TAG.search(value) or value.lower() in _WORDS:
        raise QueryError(f"{shown(value)} cannot be the value of a tag in a metric query")
    tag = re.sub(r"[^\w\-:./]", "_", value.lower())
    if not _TAG_VALUE.fullmatch(tag) or tag.endswith(":"):
        raise QueryError(f"{shown(value)} cannot be the value of a tag in a metric query")
    return tag


def _sql_value(words: str, slot: Slot, value: Any) -> str:
    before = words[: slot.start]
    where = _sql_place(before)
    values = [plain(item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    values = [_unpatterned(before, where, item) for item in values]
    if where == "text":
        if len(values) > 1:
            raise QueryError(_misplaced(words, slot, "several values, and stands inside quotes"))
        return values[0].replace("'", "''")
    if where != "code":
        raise QueryError(_misplaced(words, slot, f"a value, and stands in {where}"))
    literals = [f"'{item.replace(chr(39), chr(39) * 2)}'" for item in values]
    if isinstance(value, datetime):
        return f"TIMESTAMP {literals[0]}"
    joined = ", ".join(literals)
    listed = before.rstrip().endswith("(") and words[slot.end :].lstrip().startswith(")")
    return joined if listed or len(literals) == 1 else f"({joined})"


_TEXT = r"(?:'(?:[^']|'')*'|\{\{[^{}]*\}\})"
_PATTERN_OF = re.compile(
    rf"""
    (?: (?P<like> \bI?LIKE\b)
      | (?P<regex> ~\*? | \bSIMILAR\s+TO\b | \bregexp_\w+\s*\([^(),']*,)
    )
    (?: [\s(] | \b(?:ANY|ALL|ARRAY)\b | {_TEXT}\s*\|\|
      | (?:\bconcat\s*\(|\[) \s* (?:{_TEXT}\s*,\s*)*
    )*
    \Z
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What a text of SQL follows where it is a pattern, up to the text's own beginning."""


def _unpatterned(before: str, where: str, value: str) -> str:
    """Return a value that is to stand in a pattern so that none of its characters is a wildcard."""
    if where == "text":
        before = before[: [match.start() for match in _SQL_TOKENS.finditer(before)][-1]]
    found = _PATTERN_OF.search(before)
    if found is None:
        return value
    return re.sub(r"([\\%_])" if found["like"] else r"([^\w\s])", r"\\\1", value)


_SQL_TOKENS = re.compile(
    r"""
      (?P<comment>--[^\n]*\n? | /\*.*?(?:\*/|\Z))
    | (?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*'?)
    | (?P<text>'(?:[^']|'')*(?P<text_end>')?)
    | (?P<name>"(?:[^"]|"")*(?P<name_end>")?)
    | (?P<dollar>\$(\w*)\$.*?(?:\$\8\$|\Z))
    """,
    re.VERBOSE | re.DOTALL,
)


def _sql_place(before: str) -> str:
    """Return what a place of SQL lies in: ``code``, ``text``, or something no value may be in."""
    last = None
    for match in _SQL_TOKENS.finditer(before):
        last = match
    if last is None or last.end() < len(before):
        return "code"
    kind = last.lastgroup or ""
    if last["comment"]:
        closed = last["comment"].endswith("\n" if last["comment"].startswith("--") else "*/")
        return "code" if closed else "a comment"
    if last["escaped"]:
        return (
            "code" if re.fullmatch(r"[eE]'(?:[^'\\]|\\.|'')*'", last["escaped"]) else "an E'' text"
        )
    if last["text"]:
        return "code" if last["text_end"] else "text"
    if last["name"]:
        return "code" if last["name_end"] else "a quoted name"
    return "a dollar-quoted text" if kind else "code"


def _misplaced(words: str, slot: Slot, what: str) -> str:
    return f"{shown(words)}: {words[slot.start : slot.end]} is {what}"


def _unknown(written: str, name: str) -> str:
    close = get_close_matches(name.upper(), NAMES, n=1)
    shifted = f"{TIMES[0]}_MINUS_1H and {TIMES[1]}_PLUS_30M (S, M, H, D or W)"
    known = f"there are {', '.join(NAMES)}; of the times also {shifted}"
    hint = f"did you mean {{{{{close[0]}}}}}?" if close else known
    return f"unknown placeholder {shown(written)}; {hint}"
