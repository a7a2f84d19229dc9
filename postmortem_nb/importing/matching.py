"""One line of a document beside one line of the template: how well it fits, and what it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from postmortem_nb import kinds, text
from postmortem_nb.errors import BadValue
from postmortem_nb.importing import shapes
from postmortem_nb.parts import GAP

if TYPE_CHECKING:
    from postmortem_nb.importing.shapes import Place, Shape
    from postmortem_nb.parts import Blank

TEXTS = ("prose", "line")
"""Kinds that take any text, so that it says little when one fits."""

_NUMBERS = ("count", "percent", "money")
_DIGITS = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})*(?:\.[0-9]+)?")
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3})")
_LONG = 60  # characters: longer numbers are no typing, but a float written out may have them
_LINK = re.compile(r"<([A-Za-z]+:[^<>\s]+)>")
_MARKED = re.compile(
    r"(?<!\\)\[((?:\\.|[^\\\[\]])*)\]"
    r"\(<?((?:[^\s()<>]|\([^\s()<>]*\))+)>?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\)"
)
"""A link of Markdown: its words, and the address behind them."""
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Match:
    """A line taken for a line of the template: the shape, and what stands in its holes."""

    shape: Shape
    values: tuple[str, ...]
    fits: bool
    typed: int

    @property
    def rank(self) -> tuple[bool, int, int]:
        """What decides between the shapes of one line of the template."""
        return self.fits, self.shape.weight, self.typed


def match(place: Place, written: str) -> Match | None:
    """Return the best way to take a line for a line of the template, or None."""
    found = (_taken(shape, written) for shape in place.shapes)
    return max(filter(None, found), key=lambda each: each.rank, default=None)


def _taken(shape: Shape, written: str) -> Match | None:
    found = shape.strict.fullmatch(written) or shape.loose.fullmatch(written)
    if found is None:
        return None
    pairs = list(zip(shape.holes, found.groups(), strict=True))
    fits = all(_fits(blank, value) for blank, value in pairs)
    typed = sum(blank.kind not in TEXTS for blank, _ in pairs)
    return Match(shape, found.groups(), fits, typed)


def _fits(blank: Blank, written: str) -> bool:
    """Return whether what stands in a blank is of its kind."""
    if blank.derived or shapes.is_box(blank):
        return True
    try:
        value(blank, said(blank, written), start=_ANY_DAY)
    except BadValue:
        return False
    return True


def said(blank: Blank, written: str) -> str:
    """Return the text that was typed into a blank, from how it stands in Markdown."""
    written = written.strip(" \t")
    if blank.kind == "link":
        marked = _MARKED.sub(lambda found: _addressed(blank, found), written)
        parts = enumerate(_LINK.split(marked))
        plain = "".join(part if n % 2 else text.unmarkdown(part) for n, part in parts)
    else:
        plain = text.unmarkdown(written)
    inner = _inside(blank, plain) if blank.kind in (*TEXTS, "names", "link") else None
    return plain if inner is None else inner


def _addressed(blank: Blank, link: re.Match[str]) -> str:
    """Return a link of Markdown as one is typed: its words, if they say more, and the address."""
    words, address = link.groups()
    if text.href(address) is None:
        return link[0]
    says = text.unmarkdown(words) not in ("", address, blank.shown.strip("[]"))
    return f"{words} <{address}>" if says else f"<{address}>"


def value(blank: Blank, typed: str, *, start: datetime | None) -> object:
    """Return what is stored for the text in a blank; BadValue where it does not fit."""
    about: kinds.About = {"name": blank.name, "options": blank.options, "start": start}
    try:
        return kinds.parse(blank.kind, _given(blank.kind, typed), **about)
    except BadValue:
        inner = _inside(blank, typed)
        if inner is None:
            raise
        return kinds.parse(blank.kind, _given(blank.kind, inner), **about)


def _given(kind: str, typed: str) -> object:
    """Return a text as its kind reads it, where a document writes more than people type."""
    if kind == "minutes":
        return _THOUSANDS.sub("", typed)
    if kind in _NUMBERS and len(typed) > _LONG and _DIGITS.fullmatch(typed):
        return Decimal(typed.replace(",", ""))
    return typed


def _inside(blank: Blank, plain: str) -> str | None:
    """Return what stands in the one gap of a blank's own words, None where it has no words."""
    before, gap, after = blank.shown.partition(GAP)
    before, after = before.lstrip(), after.rstrip()
    if not gap or not (before or after) or GAP in after:
        return None
    fits = plain.startswith(before) and plain.endswith(after)
    return plain[len(before) : len(plain) - len(after)] if fits else None
