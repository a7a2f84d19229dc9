"""Slips of the pen: one figure written twice, once with its digits turned, or with another unit.

“24 pods” and “42 pods”, 12,600 and “12,060 merchants”, 7 seconds and 7 minutes: nobody means both.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from postmortem_nb.checks import events, spoken
from postmortem_nb.checks.claims import PEOPLE
from postmortem_nb.checks.reading import LONG, about, matches, passages, sentences
from postmortem_nb.checks.report import Severity
from postmortem_nb.checks.spoken import COUNTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

_COUNTED = re.compile(
    r"(?<![\w.,:$€£/-])(?P<number>\d{1,3}(?:,\d{3})+|"
    r"\d{2,7})\s(?:[a-z-]+\s)?(?P<noun>[a-z]{3,}s)\b",
)
_UNITS = re.compile(r"(?:minute|hour|second|day|week|month|year|time|percent|mins|secs|hrs)s?$")
BARE = re.compile(r"(?<![\w.,:/#-])(?:\d{1,3}(?:,\d{3})+|\d{3,9})(?![\w%:/-]|[.,]\d)")
"""A number of three digits or more, whatever it is of."""
_OF_OTHERS = frozenset({"similar", "approvals", "sharing"})
"""Tables that tell of other incidents, or of people."""
_TOLD = 3
"""Digits before its zeros by which a number is known."""
_LINKED = re.compile(r"\b[A-Za-z]{2,}-\d{2,}\b")
_PORTIONS = 12
_OWN_LINKS = frozenset({"incident_channel", "slack_link", "datadog_link"})
"""Links to what is of this incident alone."""
NUMBERS = frozenset({"count", "money", "percent", "minutes"})
"""Kinds of blanks that hold a number, and say what it is of."""
_ID = re.compile(r"\b[A-Z][A-Z0-9]+-\d{2,}\b")


def slips(case: Case) -> Iterator[Finding]:
    """Find figures that differ from another of the document by turned digits, or by a count."""
    read = list(passages(case, plans=True))
    yield from _people(case, [*read, *_acted(case)])
    yield from _things(case)
    yield from _ids(case, read)
    yield from _often(case, read)


def _acted(case: Case) -> Iterator[tuple[Cell, str]]:
    """Yield what the actions say: whom they are for is told there too."""
    for cell in case.cells:
        if cell.table == "actions" and cell.column.kind in {"prose", "line"}:
            yield cell, str(cell.value)[:LONG]


def turned(one: str, other: str) -> bool:
    """Return whether two numbers have the same digits, two of them in each other's place."""
    if len(one) != len(other) or sorted(one) != sorted(other):
        return False
    return sum(a != b for a, b in zip(one, other, strict=True)) == 2


def one_off(one: str, other: str) -> bool:
    """Return whether two numbers of as many digits differ in one of them; round ones never do."""
    if len(one) != len(other) or min(len(each.rstrip("0")) for each in (one, other)) < _TOLD:
        return False
    return sum(a != b for a, b in zip(one, other, strict=True)) == 1


def portioned(one: float, other: float, *texts: str) -> bool:
    """Return whether one number is the other times what a text counts: “two batches of 14,000”."""
    low, high = sorted((one, other))
    for whole in range(2, _PORTIONS + 1):
        part = round(low * whole / high) if high else 0
        if 0 < part < whole and part * high == whole * low:
            named = [rf"\b(?:{'|'.join(_numeral(n))})\b" for n in {part, whole} - {1}]
            return any(all(re.search(n, text, re.IGNORECASE) for n in named) for text in texts)
    return False


def _numeral(count: int) -> list[str]:
    """Return how a small number is written."""
    return [str(count), *(word for word, value in COUNTS.items() if value == count)]


def _people(case: Case, read: list[tuple[Cell, str]]) -> Iterator[Finding]:
    """Find numbers of people that are a stated one with its digits turned."""
    names = ("affected_total", "customers_notified")
    known = {str(int(value)) for name in names if (value := case.fact(name))}
    people = re.compile(rf"{PEOPLE}$", re.IGNORECASE)
    for cell, text in read:
        for match in matches(_COUNTED, text):
            digits = match["number"].replace(",", "")
            near = [each for each in known if len(each) > 2 and sorted(each) == sorted(digits)]
            if people.match(match["noun"]) and digits not in known and near:
                yield about(case, cell, f"“{match.group()}”, but stated: {int(near[0]):,}.")


def _things(case: Case) -> Iterator[Finding]:
    """Find numbers of things that stand with two digits turned elsewhere, plans too."""
    read = [
        (cell, str(cell.value)[:LONG])
        for cell in case.cells
        if cell.column.kind in {"prose", "line"} and cell.table not in _OF_OTHERS
    ]
    where: dict[str, dict[str, list[tuple[Cell, str]]]] = defaultdict(lambda: defaultdict(list))
    for cell, text in read:
        for match in matches(_COUNTED, text):
            noun = match["noun"]
            if not _UNITS.match(noun) and not re.match(PEOPLE, noun):
                digits = match["number"].replace(",", "")
                where[noun][digits].append((cell, match.group()))
    for numbers in where.values():
        for digits, places in numbers.items():
            others = [each for each in numbers if turned(each, digits)]
            rarer = [o for o in others if (len(numbers[o]), o) > (len(places), digits)]
            rarer = [o for o in rarer if str(abs(int(o) - int(digits))) not in numbers]  # a part
            own = {id(cell) for cell, _ in places}  # who tells both in one blank knows them apart
            rarer = [o for o in rarer if not own & {id(cell) for cell, _ in numbers[o]}]
            if rarer:
                cell, said = places[0]
                other, there = numbers[rarer[0]][0]
                place = case.where(other.table, other.row, other.column.name)
                yield about(case, cell, f"“{said}”, but “{there}” under {place}.")


_MEASURED = re.compile(r"\s?(?:ms|s|seconds?|minutes?|min|%|percent|[KMGT]i?B)(?!\w)")
"""Behind a number: it is of another kind than a count."""


def _often(case: Case, read: list[tuple[Cell, str]]) -> Iterator[Finding]:
    """Find a number told once that is one told three times or more with its digits turned."""
    told = [
        (cell, match.group())
        for cell, text in read
        for match in matches(BARE, text)
        if not _MEASURED.match(text, match.end())
    ]
    often = Counter(number.replace(",", "") for _, number in told)
    held = {f"{cell.value:.0f}" for cell in case.cells if cell.column.kind in NUMBERS}
    firm = [number for number, count in often.items() if count > 2]
    for cell, number in told if firm else ():
        plain = number.replace(",", "")
        rival = next((each for each in firm if turned(each, plain)), None)
        if often[plain] == 1 and rival and plain not in held:
            yield about(
                case, cell, f"“{number}”, but {int(rival):,} elsewhere, {often[rival]} times."
            )


def _ids(case: Case, read: list[tuple[Cell, str]]) -> Iterator[Finding]:
    """Find the incident's own id with its digits turned."""
    own = str(case.fact("incident_id") or "")
    listed = {str(row.get("incident")) for row in case.rows("similar")}
    links = str(case.fact("related_links") or "")
    for cell, text in read:
        for match in matches(_ID, text):
            said = match.group()
            if turned(own, said) and said not in listed and said not in links:
                yield about(case, cell, f"“{said}”, but this incident is {own}.")
    for cell in case.cells:
        if cell.column.name in _OWN_LINKS:
            for match in matches(_LINKED, str(cell.value)):
                if turned(own.lower(), match.group().lower()):
                    yield about(case, cell, f"“{match.group()}”, but this incident is {own}.")


_FOLD = re.compile(
    rf"(?<![\w.,])(?P<times>\d+(?:\.\d+)?|{'|'.join(spoken.WORDS)})\stimes\s(?:as\s|the\s|its\s|their\s)?"
    r"(?:usual|normal|ordinary)\b",
    re.IGNORECASE,
)


def folds(case: Case) -> Iterator[Finding]:
    """Find how many times the usual it was, where two other blanks have another number."""
    told = [
        (cell, match, events.stems(_FOLD.sub(" ", sentence)), COUNTS.get(said) or float(said))
        for cell, text in passages(case)
        for sentence in sentences(text)
        for match in (_FOLD.finditer(sentence) if matches(_FOLD, text) else ())
        if (said := match["times"].lower())
    ]
    for cell, match, words, value in told:
        others = [each for each in told if each[0] is not cell and len(each[2] & words) >= _ALIKE]
        known = {round(each[3]) for each in others}
        if len(others) > 1 and len(known) == 1 and round(value) not in known:
            doubt = f"“{match.group()}”, but elsewhere “{others[0][1].group()}”."
            yield about(case, cell, doubt, severity=Severity.HINT)


_ALIKE = 2
"""Words that sentences of one measure share."""
RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (slips, folds)
