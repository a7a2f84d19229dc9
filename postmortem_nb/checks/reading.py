"""What of a document tells of this incident, as sentences, and a finding about one of them."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import language, literals
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.report import Code, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from postmortem_nb.checks.case import Case, Cell

TOLD: frozenset[str] = frozenset(
    {
        "title",
        "what_happened",
        "why_it_happened",
        "what_we_did",
        "problem",
        "technical_cause",
        "organizational_cause",
        "process_cause",
    }
)
"""Blanks whose prose speaks of the whole incident, so that a figure there is the incident's."""

SHOWN: frozenset[str] = frozenset({"key_logs", "key_traces", "metric_graphs", "key_events"})
"""Blanks that tell what the evidence shows."""

PLANS: frozenset[str] = frozenset({"what_we_will_do"})
WISHES: frozenset[tuple[str, str]] = frozenset(
    {("went_wrong", "how_to_improve"), ("factors", "prevention")}
)
"""Table and name of the blanks beside what happened that say what should be done."""

TABLES: frozenset[str] = frozenset(
    {"timeline", "whys", "factors", "went_well", "went_wrong", "takeaways"}
)
"""Tables whose prose speaks of this incident: plans, messages of the day and older ones do not."""

REMEDY = "Correct the sentence or the figure; readers will find the other one."

_QUOTED = re.compile(r"“(.*?)”, but ", re.DOTALL)
_END = re.compile(r"(?<=[.;!?])\s+|\n+")


def told(cell: Cell) -> bool:
    """Return whether a blank speaks of the whole incident."""
    return (cell.table == SINGLE and cell.column.name in TOLD) or cell.table == "takeaways"


def is_read(cell: Cell) -> bool:
    """Return whether the sentences of a blank speak of this incident."""
    prose = cell.table in TABLES and cell.column.kind in {"prose", "line"}
    return told(cell) or (prose and not _is_wish(cell))


def is_shown(cell: Cell) -> bool:
    """Return whether a blank tells what the evidence shows."""
    return cell.table == SINGLE and cell.column.name in SHOWN


def is_plan(cell: Cell) -> bool:
    """Return whether a blank tells what will be done."""
    return cell.table == SINGLE and cell.column.name in PLANS


def _is_wish(cell: Cell) -> bool:
    return (cell.table, cell.column.name) in WISHES


def final(case: Case) -> frozenset[str]:
    """Return the rows of messages sent when all was over: what they tell was known by then."""
    end = case.moments.recovered
    late = (each for each in case.rows("updates") if end and each.get("time"))
    return frozenset(each["row"] for each in late if each["time"] >= end)


_Place = tuple[str, str, str, str]
"""Table, row and name of a blank, and the digits of one of its figures."""


class Attested(NamedTuple):
    """Figures that the frozen evidence has; ``surely``: with what their sentence says of them."""

    known: set[_Place]
    surely: set[_Place]


_CLOCK = r"\d{1,2}:\d\d(?!\d)"
_NUMBER = rf"{_CLOCK}|\d[\d,]*(?:\.\d+)?"
_DIGITS = re.compile(_NUMBER)
_FREE = re.compile(rf"(?<![\w-])(?:{_NUMBER})")
"""A number that is no part of a name: not that of “worker-3”."""
_DOUBTED = re.compile(
    rf"(?:Nothing else here has )?“[^”\d]*(?P<number>{_NUMBER})(?!.*; nor “)"
    rf"(?:[^”]*”, but “[^”\d]*(?P<other>{_NUMBER}))?"
)
"""What a hint doubts, by its first number, and that of the sentence which it is held against."""


def attest(attested: Attested, cell: Cell, said: str, *, surely: bool = False) -> None:
    """Note that the evidence has the first number of what a blank says."""
    digits = _DIGITS.search(said)
    if digits:
        place = (cell.table, cell.row, cell.column.name, digits.group())
        attested.known.add(place)
        attested.surely.update({place} if surely else ())


def unattested(findings: Iterable[Finding], attested: Attested) -> Iterator[Finding]:
    """Yield findings but those about a figure of a sentence that the evidence has.

    A hint, where it has it; a warning, where it surely has. One that is held against another figure
    is left out where the evidence has both.
    """
    every = {digits for *_, digits in attested.known}
    for each in findings:
        doubt = each.code in {Code.PROSE, Code.LONE}
        sure = each.severity is not Severity.HINT
        borne = _surely(each, attested) if sure else _is_borne(each, attested, every)
        if not (doubt and borne):
            yield each


def _is_borne(hint: Finding, attested: Attested, every: set[str]) -> bool:
    """Return whether the evidence has the figure of a hint, and the one it is held against."""
    said = _DOUBTED.match(hint.message)
    if said is None:
        return False
    place = (hint.table, hint.row, hint.name, said["number"])
    other = said["other"] is None or said["other"] in every
    return place in attested.surely or (other and place in attested.known)


def _surely(warning: Finding, attested: Attested) -> bool:
    """Return whether the evidence surely has the one figure of a warning, or all of its clocks.

    What several numbers make together may be wrong all the same, but for parts of a whole of which
    there are others. One that holds no figure against the sentence doubts something else of it.
    """
    said, _, truth = warning.message.partition("”")
    told = _FREE.findall(said) if _DIGITS.search(truth) else []
    alone = len(told) == 1 or all(":" in each for each in told)
    places = {(warning.table, warning.row, warning.name, each) for each in told}
    summed = "that makes" in warning.message and "%" not in warning.message
    return bool(places) and places <= (
        attested.surely if alone else attested.known if summed else set()
    )


TEXTS = 2048
"""Pieces of text of which it is kept what was found in them."""

LONG = 4_000
"""Characters of a piece: what is longer is read in pieces, so that no pattern walks through all."""


def matches(pattern: re.Pattern[str], text: str) -> tuple[re.Match[str], ...]:
    """Return where a pattern of this package is found in a text; an edit leaves most texts alone.

    It is looked for only where the text holds what every match must hold.
    """
    lowered, found = _held(text)
    key = pattern.pattern, pattern.flags
    if key not in found:
        needs = _needs(pattern.pattern)
        fits = not needs or any(each in lowered for each in needs)
        found[key] = tuple(pattern.finditer(text)) if fits else ()
    return found[key]


@lru_cache(maxsize=TEXTS)
def _held(text: str) -> tuple[str, dict[tuple[str, int], tuple[re.Match[str], ...]]]:
    """Return a text with its letters lowered, and what was found in it."""
    return text.lower(), {}


@cache
def _needs(pattern: str) -> frozenset[str]:
    return literals.needed(pattern, {})


@lru_cache(maxsize=TEXTS)
def _masked(text: str) -> str:
    return language.mask(text)


@lru_cache(maxsize=4)
def passages(case: Case, *, plans: bool = False) -> tuple[tuple[Cell, str], ...]:
    """Return each text that tells of this incident, the last messages too, quotes taken out."""
    return tuple(case.told or _passages(case, plans=plans))


def with_messages(case: Case) -> tuple[tuple[Cell, str], ...]:
    """Return the texts that tell of this incident, and every message of the day."""
    if case.told:
        return tuple(case.told)
    sent = (cell for cell in case.cells if cell.table == "updates" and cell.column.name == "text")
    return (*passages(case), *((cell, str(cell.value)) for cell in sent))


def texts(case: Case) -> Iterator[tuple[Cell, str]]:
    """Yield what is written of this incident: its prose, its messages, what the evidence shows."""
    yield from passages(case, plans=True)
    for cell in case.cells:
        other = cell.table == "updates" or cell.column.name in {"revenue_method", "regions"}
        if other and cell.column.kind in {"prose", "line"}:
            yield cell, str(cell.value)[: 2 * LONG]


def _passages(case: Case, *, plans: bool) -> Iterator[tuple[Cell, str]]:
    last = final(case)
    for cell in case.cells:
        message = cell.table == "updates" and cell.row in last and cell.column.kind == "line"
        plan = plans and (is_plan(cell) or _is_wish(cell))
        if is_read(cell) or is_shown(cell) or message or plan:
            for piece in _pieces(str(cell.value)):
                yield cell, _masked(piece)


def _pieces(text: str) -> Iterator[str]:
    """Yield a text, one that is long in pieces that end with a line, a sentence or a word."""
    while len(text) > LONG:
        ends = (text.rfind(end, LONG // 2, LONG) for end in ("\n", ". ", " "))
        cut = next((end + 1 for end in ends if end >= 0), LONG)
        yield text[:cut]
        text = text[cut:]
    yield text


def sentences(text: str) -> list[str]:
    """Return the sentences of a text; a point within a number or a name ends none."""
    return [each for each in _END.split(text) if each.strip()]


def once(found: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings, of two on the same words of a sentence only the first."""
    seen: dict[tuple[str, str, str], list[str]] = {}
    for each in found:
        if each.code is Code.PROSE:
            said = _QUOTED.match(each.message)
            words = said.group(1) if said else each.message
            before = seen.setdefault((each.table, each.row, each.name), [])
            if any(words in other or other in words for other in before):
                continue
            before.append(words)
        yield each


def about(
    case: Case,
    cell: Cell,
    message: str,
    remedy: str = REMEDY,
    severity: Severity = Severity.WARNING,
) -> Finding:
    """Return a finding about a sentence: a hint where the rule is wrong as often as right."""
    return Finding(
        code=Code.PROSE,
        severity=severity,
        where=case.where(cell.table, cell.row, cell.column.name),
        message=message,
        remedy=remedy,
        table=cell.table,
        row=cell.row,
        name=cell.column.name,
    )
