"""One quantity of the document with two values: “24 pods” and “36 pods”, “a pool of 5” and “of 8”.

Two clauses tell of one quantity where they count the same thing and share other words. Of two
values the one that fewer blanks hold is doubted. Time, people, requests and money have checks of
their own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb.checks import spoken
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.claims import PEOPLE
from postmortem_nb.checks.reading import TEXTS, about, passages, sentences
from postmortem_nb.checks.spoken import COUNTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

_WORDS = "|".join(sorted((each for each in COUNTS if each.isalpha()), key=len, reverse=True))
_N = (
    r"(?<![\w.,:$€£/+×<>=-])(?P<number>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?|"
    rf"\b(?:{_WORDS})\b)(?![\w:/]|[.,]\d)"
)
_SCALE = r"(?:\s(?P<scale>million|thousand|hundred|k)\b)?"
_COUNTED = re.compile(
    rf"{_N}{_SCALE}(?:(?P<percent>\s?%|\spercent)\sof\s(?:the\s|our\s|their\s|its\s|all\s)*"
    r"(?P<whole>[a-z-]+(?:\s[a-z]+)?)"
    r"|\s(?:(?P<adjective>[a-z-]+)\s)?(?P<noun>[a-z]{3,}s)\b)",
    re.IGNORECASE,
)
_SIZED = re.compile(
    rf"\b(?P<noun>[a-z]{{4,}})\sof\s{_N}{_SCALE}(?!\s?%|\s(?!was\b|is\b|has\b)[a-z]+s\b)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[;()]|:(?!\d)|,\s|\s[–—]\s|\b(?:but|while|because|where|which|when|so that)\b"
)
_PART = re.compile(
    r"\b(?:of\s(?:the|our|these|those|them|\d)(?!\s(?:traffic|load))|others?|another|more|less|fewer|"
    r"additional|first|last|each\s(?=of)|per|instead|than|least|most|only|half|not|still|up)\b"
    r"|\b(?:from|to)\s*$",
    re.IGNORECASE,
)
"""Beside a count: it may be of a part."""
_PART_AFTER = re.compile(
    r"\b(?:of\s(?:the|our|these|those|them|\d)|others?|more|less|each|per|instead)\b"
)
_OPEN = re.compile(
    r"\b(?:would|should|will|next|previous\w*|until|usual\w*|normal\w*|today|earlier|if)\b",
    re.IGNORECASE,
)
"""In a clause: its count may be of another time."""
_NEAR = 20
_UNITS = re.compile(
    rf"(?:second|minute|hour|day|week|month|year|mins|secs|hrs|ms|percent|request|{PEOPLE}|ticket|"
    r"complaint|mention|error|action|factor|region|team|update|dollar|thing|way|point|step|follow)"
    r"[\w-]*",
    re.IGNORECASE,
)
_STEM = re.compile(r"[^\W\d_]{4,}")
_PLAIN = frozenset(
    """about after also because each once takes been before being both
    could during ever every from have into just
    made make many much number only over same some such than that their them then there these they
    this those under until were what when where which while will with without would your""".split()  # noqa: SIM905 - words are read as words
)
_MASSES = frozenset({"traffic", "load", "capacity", "memory", "budget", "time"})
SOURCES = frozenset({("technical_changes", "current"), ("process_changes", "current")})
"""Blanks beside the text that tell how things were: counted with it, never doubted."""
_ENOUGH = 0.6
MOST = 200
"""Counts of one thing that are compared: a text of nothing else must not slow a form."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A quantity in one clause: what is counted, how much, and the other words."""

    head: str
    value: float
    step: float
    stems: frozenset[str]
    said: str
    partial: bool


def quantities(case: Case) -> Iterator[Finding]:
    """Find quantities that another blank has otherwise."""
    names = frozenset(
        word[:6].lower()
        for each in (*case.people(), *(case.fact("services") or ()))
        for word in _STEM.findall(str(each))
    )
    by: dict[str, list[tuple[Cell, _Told]]] = defaultdict(list)
    for cell, text in (*passages(case), *_beside(case)):
        for each in _told(text):
            by[each.head].append((cell, each))
    for every in by.values():
        told = every[:MOST]
        if len({each.value for _, each in told}) < 2:
            continue
        for cell, each in told:
            rival = (
                None
                if (cell.table, cell.column.name) in SOURCES
                else _rival(cell, each, told, names)
            )
            if rival:
                other, words = rival
                place = case.where(other.table, other.row, other.column.name)
                yield about(case, cell, f"“{each.said}”, but “{words.said}” under {place}.")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (quantities,)


def _beside(case: Case) -> Iterator[tuple[Cell, str]]:
    """Yield the blanks of `SOURCES`, each with the name of its row."""
    for cell in case.cells:
        if (cell.table, cell.column.name) in SOURCES and cell.table != SINGLE:
            row = next(each for each in case.rows(cell.table) if each["row"] == cell.row)
            yield cell, f"{row.get('name') or ''} {cell.value}"


def _rival(
    cell: Cell, one: _Told, told: Sequence[tuple[Cell, _Told]], names: frozenset[str]
) -> tuple[Cell, _Told] | None:
    """Return where the quantity has another value that stands firmer; None where it has not."""
    own = {id(other) for other, each in told if each.value == one.value}
    best: tuple[Cell, _Told] | None = None
    for other, each in told:
        if other == cell or each.partial or one.partial:
            continue
        shared = (one.stems & each.stems) - names
        words = one.stems - names
        close = abs(one.value - each.value) <= max(one.step, each.step)
        if close and shared:
            return None
        held = {id(there) for there, same in told if same.value == each.value}
        firm = len(held) > 1 and len(held) > len(own)
        near = len(shared) > 1 and len(shared) >= _ENOUGH * len(words)
        sized = one.head.startswith("of ") and bool(shared)
        if (near or (firm and (len(shared) > 1 or sized))) and (
            len(held) > len(own) or (len(held) == len(own) and _later(cell, other, told))
        ):
            best = best or (other, each)
    return best


def _later(cell: Cell, other: Cell, told: Sequence[tuple[Cell, _Told]]) -> bool:
    """Return whether of two blanks this one is to be doubted: the later, or that beside a fact."""
    if (other.table, other.column.name) in SOURCES:
        return True
    cells = [each for each, _ in told]
    return cells.index(cell) > cells.index(other)


@lru_cache(maxsize=TEXTS)
def _told(text: str) -> tuple[_Told, ...]:
    """Return the quantities of a text; kept until it is edited."""
    found = []
    for sentence in sentences(text):
        for clause in _CLAUSE.split(sentence):
            for pattern in (_COUNTED, _SIZED):
                for match in pattern.finditer(clause):
                    each = _one(clause, match)
                    if each:
                        found.append(each)
    return tuple(found)


def _counted(whole: str) -> str:
    """Return what a percentage is of: “requests” of “checkout requests”, but “failed requests”."""
    words = whole.split(" ")
    if len(words) < 2 or words[0].endswith("s") or words[0] in _MASSES:
        return words[0]
    return whole if words[0].endswith("ed") else words[1]


def _said(match: re.Match[str]) -> str:
    """Return the words of a quantity, without one behind a percentage's noun."""
    whole = match.groupdict().get("whole") or ""
    return (
        match.group().removesuffix(whole).strip() + f" {_counted(whole)}"
        if whole
        else match.group()
    )


def _one(clause: str, match: re.Match[str]) -> _Told | None:
    """Return the quantity of a match, None where other checks read it."""
    groups = match.groupdict()
    whole = (groups.get("whole") or "").lower()
    noun = (groups.get("noun") or _counted(whole)).lower()
    people = groups.get("percent") and re.match(PEOPLE, noun)
    if people or (not groups.get("percent") and _UNITS.fullmatch(noun)):
        return None
    word = match["number"].lower()
    if word in {"a", "an", "one", "half"}:
        return None
    value, step = (
        (COUNTS[word], 0.0) if word in COUNTS else spoken.amount(word, match["scale"] or "")
    )
    if word in COUNTS and match["scale"]:
        value *= spoken.SCALES[match["scale"].lower()]
    hedged = spoken.HEDGE.search(clause[: match.start("number")])
    step = max(step, spoken.LOOSE * value) if hedged else step
    kind = "% " if groups.get("percent") else "of " if match.re is _SIZED else ""
    head = f"{kind}{noun.rstrip('s')}"
    words = {each[:6].lower() for each in _STEM.findall(clause) if each.lower() not in _PLAIN}
    counted = {noun[:6]} if not kind else set()
    near = clause[max(0, match.start() - _NEAR) : match.start()].partition(" ")[2]
    beside = f"{near} {groups.get('adjective') or ''}"
    after = clause[match.end() : match.end() + _NEAR]
    return _Told(
        head,
        value,
        step,
        frozenset(words - counted - {word[:6]}),
        _said(match),
        bool(_OPEN.search(clause) or _PART.search(beside) or _PART_AFTER.search(after)),
    )
