"""What the words around a blank say of it: its label, its unit, a hint.

A template names its blanks as a person reads them: in bold or with a colon before the blank, in the
first cell of its table row, or in brackets inside it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postmortem_nb.parts import Blank

_BOLD = re.compile(r"\*\*([^*\n]+)\*\*:?[ \t]*[$(\[]?$")
_COLON = re.compile(r"([^:|\n]+):[ \t]*\$?$")
_UNIT = re.compile(r"[ \t]*(%|[^\W\d_]+)[ \t]*(?:\||$)")
_BRACKETED = re.compile(r"\[([^\[\]/]+)\]")
_LIST_MARK = re.compile(r"^[\s>#]*(?:(?:[-+*]|\d+[.)])\s+)?")
_NUMERIC = ("count", "percent", "money", "minutes")


def label(source: str, at: int) -> str:
    """Return what the words before a blank on its line call it; empty if they do not."""
    line = source[source.rfind("\n", 0, at) + 1 : at]
    if line.startswith("|"):
        return _tidy(line.split("|")[1])
    beside = line.replace("{n}", "").rpartition("}")[2]
    if bold := _BOLD.search(beside):
        return _tidy(bold[1])
    if colon := _COLON.search(beside):
        inner = colon[1].count("(") > colon[1].count(")")
        return _tidy(colon[1].rpartition("(")[2] if inner else colon[1])
    return ""


def label_above(source: str, at: int) -> str:
    """Return the line above a place when it is worded as a label: it ends with a colon."""
    above = source[:at].rstrip().rpartition("\n")[2].strip()
    return _tidy(above) if above.rstrip("*").endswith(":") else ""


def _tidy(words: str) -> str:
    """Return words without the marks of a list, of emphasis and of a label."""
    return _LIST_MARK.sub("", words, count=1).strip(" \t*_`:[]")


def spaced(name: str) -> str:
    """Return a name as words: ``how_it_helped`` is `how it helped`."""
    return name.replace("_", " ").strip()


def bracketed(shown: str) -> str:
    """Return ``[Incident ID]`` without its brackets; other words are no label."""
    match = _BRACKETED.fullmatch(shown.strip())
    return match[1].strip() if match else ""


def unit(source: str, kind: str, at: int, after: int) -> str:
    """Return the unit beside a number: ``$`` before it; ``%`` or the line's last word after it."""
    if kind not in _NUMERIC:
        return ""
    if source[at - 1 : at] == "$":
        return "$"
    match = _UNIT.match(source[after:].split("\n", maxsplit=1)[0])
    return match[1] if match else ""


def hint(blank: Blank) -> str:
    """Return what a template says in a blank beyond its label and choices."""
    if blank.kind in ("choice", "yesno", "query"):
        return ""
    words = re.sub(r"\{\{.*?\}\}|_{3,}", "", blank.shown)
    hint = words.strip().strip("[]()").strip(" %$[]()")
    return "" if hint == blank.label or hint in ("Link", "Links", "hours  minutes") else hint
