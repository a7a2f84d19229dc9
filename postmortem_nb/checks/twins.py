"""One thing told in two places: what was lost, who led, what was spared.

Of two sentences of which only one can be true, the one with less beside it is doubted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb import language
from postmortem_nb.checks.reading import about, matches, passages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

Read = list[tuple["Cell", str]]

_DONE = (
    r"(?P<verb>lost|charged|refunded|dropped|corrupted|deleted|duplicated|cancelled|canceled|"
    r"leaked|"
    r"exposed|delayed|rejected|paid twice|charged twice|double-charged)"
)
_BE = r"(?:was|were|has been|have been|had been|got)"
_NONE = re.compile(
    rf"\b(?:no|not (?:a single|one))\s(?:[a-z]+\s)?(?P<noun>[a-z]+)\s{_BE}\s(?:ever\s)?{_DONE}\b"
    r"(?!\s(?:in|from|on|that|which|who|whose|before|until|after|by|for|to)\b)"
    r"|\b(?:lost no|without losing (?:any|a single)|(?:did not|didn[’']t|never) lose any)\s"
    r"(?:[a-z]+\s)?(?P<kept>[a-z]+)\b",
    re.IGNORECASE,
)
_SOME = re.compile(
    r"(?<![\w.,])(?P<number>\d[\d,]*|(?:two|three|four|five|six|seven|eight|nine|ten|some|several|"
    r"dozens of|hundreds of|thousands of))\s(?:[a-z-]+\s){0,2}?(?P<noun>[a-z]+)\s"
    rf"(?:{_BE}\s|had to be\s)(?:\w+ly\s)?{_DONE}\b|\blost\s(?P<many>\d[\d,]*)\s(?:[a-z-]+\s)?"
    r"(?P<gone>[a-z]+)\b",
    re.IGNORECASE,
)
_DATA = frozenset({"data", "record", "row", "entry", "entrie", "write", "event", "message"})
"""What is lost when data is."""

_NAME = r"[A-Z][\w’'-]+\s(?:(?:van|de|der|von|da|di)\s)?[A-Z][\w’'-]+"
_LED = re.compile(
    rf"(?P<name>{_NAME})\s(?:then\s)?(?:leads\b|is leading|led\s(?:the\s|our\s)?(?:response|"
    rf"incident|"
    r"call|bridge|team|effort)|(?:was|is|acted as|served as|acts as)\s(?:the\s|our\s)?"
    r"(?:incident (?:commander|lead|manager|coordinator)|IC)\b|took command|was in (?:command|"
    r"charge|the lead)|took charge)"
    rf"|\b(?:[Ii]ncident (?:commander|lead|manager|coordinator)|[Cc]ommander|IC)(?:\s(?:was|is)|"
    rf":)\s"
    rf"(?P<other>{_NAME})"
)
_HANDED = re.compile(
    r"\b(?:hand(?:ed|s)?[- ]?over|hand-?off|took over|takes over|reliev\w+)", re.IGNORECASE
)

_SPARED = re.compile(
    r"\b(?P<one>[a-z][\w-]{3,})(?:\sand\s(?P<two>[a-z][\w-]{3,}))?\s(?:was|were|stayed|remained|is|"
    r"are)\s(?:not\s(?:affected|impacted|hit)|unaffected|spared)\b"
    r"(?!\s(?:by|in|until|before|at first)\b)",
    re.IGNORECASE,
)


def twins(case: Case) -> Iterator[Finding]:
    """Find sentences that another sentence of the document denies."""
    read = list(passages(case))
    yield from _lost(case, read)
    yield from _spared(case, read)
    yield from _led(case)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (twins,)


def _lost(case: Case, read: Read) -> Iterator[Finding]:
    """Find “no bookings were lost” where others count how many were."""
    some: dict[tuple[str, str], tuple[Cell, str]] = {}
    for cell, text in read:
        for match in matches(_SOME, text):
            key = _thing(match["noun"] or match["gone"]), (match["verb"] or "lost").lower()
            if (match["number"] or match["many"]) != "0":
                some.setdefault(key, (cell, match.group()))
    for cell, text in read if some else ():
        for match in matches(_NONE, text):
            key = _thing(match["noun"] or match["kept"]), (match["verb"] or "lost").lower()
            if key in some:
                yield about(case, cell, f"“{match.group()}”, but {_stands(case, some[key])}.")


def _thing(noun: str) -> str:
    """Return a noun as one of a kind: its singular, or “data” for what data are."""
    one = noun.lower().rstrip("s")
    return "data" if one in _DATA else one


def _stands(case: Case, told: tuple[Cell, str]) -> str:
    cell, said = told
    return f"“{said}” under {case.where(cell.table, cell.row, cell.column.name)}"


def _led(case: Case) -> Iterator[Finding]:
    """Find two people who led the incident, where none handed over to the other."""
    given: list[tuple[Cell, re.Match[str]]] = []
    for cell in case.cells:
        if cell.column.kind not in {"prose", "line"} or cell.table in {"actions", "similar"}:
            continue
        text = str(cell.value)
        if matches(_HANDED, text):
            return
        if matches(_LED, text):
            given += [(cell, match) for match in matches(_LED, language.mask(text))]
    names = {match["name"] or match["other"] for _, match in given}
    if len(names) < 2:
        return
    day = [(cell, match) for cell, match in given if cell.table == "updates"]
    cell, first = (day or given)[0]
    leader = first["name"] or first["other"]
    for other, match in given:
        if (match["name"] or match["other"]) != leader:
            yield about(
                case, other, f"“{match.group()}”, but {_stands(case, (cell, first.group()))}."
            )


def _spared(case: Case, read: Read) -> Iterator[Finding]:
    """Find what is said to be spared where the fields list it as affected."""
    listed = [str(each) for each in case.fact("services") or ()]
    listed += re.split(r",|;|\band\b", str(case.fact("regions") or ""))
    hit = {each.strip().lower() for each in listed if each.strip()}
    for cell, text in read if hit else ():
        for match in matches(_SPARED, text):
            for word in (match["one"], match["two"]):
                if word and word.lower() in hit:
                    yield about(case, cell, f"“{match.group()}”, but {word} is listed as affected.")
