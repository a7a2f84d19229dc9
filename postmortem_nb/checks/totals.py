"""A total that a sentence tells with its parts: one way to read every sum that is written out.

The parts stand before “in all” or “together” (“12 calls and 30 mails, 42 messages in all”), behind
“Of 1,120 failures” or “12 of the 90 minutes”, or behind a colon (“64 hours: 28 in Payroll, 20 in
Tax and 16 in Support”). In the row of a partial recovery: what is done and what is left.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import events, mentions, spoken, written
from postmortem_nb.checks.reading import about, passages, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

_AMOUNT = re.compile(
    r"(?<![\w.,:$€£/#-])(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:\s(?P<scale>million|thousand))?(?![\w:/%-]|[.,]\d)"
    r"(?:\s?(?P<unit>%|percent\b|ms\b|s\b|seconds?\b|minutes?\b|days?\b))?"
)
"""A number of things; hours are things too: work is counted in them."""
_BEFORE = re.compile(r"\b(?:in all|in total|a total of|altogether|all told|together|total)[,:]?\s$")
_BEHIND = re.compile(r"\s(?:[a-z-]+\s){0,2}?(?:in all|in total|altogether|all told|together)\b")
"""What makes the number beside it a total."""
_JOINT = re.compile(r"[\w\s’'.()-]{0,45}(?:,|;|\sand|\splus)(?:\sand)?\s[\w\s’'.-]{0,30}")
"""Between two parts of a list."""
_JOINED = re.compile(r"[\w\s’'.()-]{0,45}(?:[,;:(–—]\s?)?(?:[\w’'-]+[,:]?\s){0,4}")
"""Between the last part and the total."""
_OF = re.compile(r"(?:^|[\s(])Of\s(?:the\s|our\s|these\s|those\s)?$")
_OF_THE = re.compile(r"\sof\s(?:the|our|these|those)\s")
_DIGITS = re.compile(r"\d[\d,.:]*")
_EQUAL, _NEARLY, _SURELY, _ANY = 0.005, 0.15, 0.25, 0.5
"""By how much of it a sum may be off; by how much it is the sum all the same; of three or more;
where it says so."""
_SURE = 3
"""Parts that are surely those of what stands before them."""


class _Amount(NamedTuple):
    value: float
    step: float
    unit: str
    begin: int
    end: int


class _Sum(NamedTuple):
    total: _Amount
    parts: Sequence[_Amount]
    most: float
    """By how much the parts may be off, and still be meant to be those of the total."""
    exactly: bool = False


def totals(case: Case) -> Iterator[Finding]:
    """Find a total that is not the sum of the parts that its sentence lists."""
    for cell, text in passages(case, plans=True):
        if not written.MAY.search(text):
            continue
        for sentence in sentences(text):
            amounts = _amounts(sentence)
            for each in _sums(sentence, amounts) if len(amounts) > 2 else ():
                truth = sum(part.value for part in each.parts)
                rounded = sum(part.step for part in (each.total, *each.parts) if not each.exactly)
                off = abs(truth - each.total.value)
                if max(rounded / 2, _EQUAL * each.total.value) < off <= each.most:
                    begin = min(each.total.begin, each.parts[0].begin)
                    said = sentence[begin : max(each.total.end, each.parts[-1].end)]
                    yield about(case, cell, f"“{said}”, but that makes {truth:,.6g}.")


_PART = re.compile(
    rf"\b(?P<part>{written.NUMERAL})\sof\s(?:(?:the|our|all|its)\s)*(?P<whole>{written.NUMERAL})\s"
    r"(?:[a-z-]+\s)??(?P<noun>[a-z]{3,}s)\b",
    re.IGNORECASE,
)
_NUMERAL = re.compile(rf"\b(?:one|{written.NUMERAL})\b", re.IGNORECASE)


def left(case: Case) -> Iterator[Finding]:
    """Find a rest that is not what the part leaves of its whole: “six of the nine”, “five left”."""
    rows: dict[str, dict[str, Cell]] = {}
    for cell in case.cells:
        if cell.table == "timeline" and cell.column.name in {"status", "remaining"}:
            rows.setdefault(cell.row, {})[cell.column.name] = cell
    for by in rows.values():
        if len(by) < 2:
            continue
        part, rest = _PART.search(str(by["status"].value)), str(by["remaining"].value)
        counts = [each for each in mentions.read(rest) if each.kind == "count"]
        same = part and len(counts) == 1 and counts[0].noun == events.stem(part["noun"].lower())
        if part and same and len(_NUMERAL.findall(rest)) == 1:
            whole, done = written.numeral(part["whole"]), written.numeral(part["part"])
            if whole != done + counts[0].value:
                doubt = f"“{counts[0].said}”, but “{part.group()}” leaves {whole - done:g}."
                yield about(case, by["remaining"], doubt)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (totals, left)


def _amounts(sentence: str) -> list[_Amount]:
    return [
        _Amount(
            *spoken.amount(match["number"], match["scale"] or ""),
            (match["unit"] or "").lower(),
            match.start(),
            match.end(),
        )
        for match in _AMOUNT.finditer(sentence)
    ]


def _sums(sentence: str, amounts: Sequence[_Amount]) -> Iterator[_Sum]:
    for at, each in enumerate(amounts):
        head, parts, most = sentence[: each.begin], [], _SURELY
        if _BEFORE.search(head[-16:]) or _BEHIND.match(sentence, each.end):
            parts, most = _listed(sentence, amounts[:at], each), _ANY
        elif _OF.search(head[-12:]):
            parts = [other for other in amounts[at + 1 :] if other.unit == each.unit]
        elif at and _OF_THE.fullmatch(sentence[amounts[at - 1].end : each.begin]):
            others = (*amounts[at - 1 : at], *amounts[at + 1 :])
            parts = [other for other in others if other.unit in ("", each.unit)]
        enough = len(parts) >= (_SURE if most == _SURELY else 2)
        if enough and all(part.value != each.value for part in parts):
            yield _Sum(each, parts, most * each.value, _exact(sentence, each, *parts))
    yield from _behind_colon(sentence, amounts)


def _behind_colon(sentence: str, amounts: Sequence[_Amount]) -> Iterator[_Sum]:
    colon = sentence.find(": ")
    total = next((each for each in reversed(amounts) if each.end <= colon), None)
    parts = [each for each in amounts if each.begin > colon >= 0]
    every = len(parts) == len(_DIGITS.findall(sentence[colon:]))
    if total and every and len(parts) > 1 and {each.unit for each in parts} == {total.unit}:
        most = _SURELY if len(parts) >= _SURE else _NEARLY
        yield _Sum(total, parts, most * total.value)


def _exact(sentence: str, *amounts: _Amount) -> bool:
    """Return whether all are whole numbers: their zeros are meant where a sum is."""
    return all(sentence[each.begin : each.end].replace(",", "").isdigit() for each in amounts)


def _listed(sentence: str, before: Sequence[_Amount], total: _Amount) -> list[_Amount]:
    """Return the numbers of the list that ends with a total."""
    parts: list[_Amount] = []
    follower = total
    for each in reversed(before):
        between = sentence[each.end : follower.begin]
        joint = _JOINT if parts else _JOINED
        if each.unit != total.unit or not joint.fullmatch(between):
            break
        parts.insert(0, each)
        follower = each
    return parts
