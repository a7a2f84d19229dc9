"""What names the incident: its number in links and beside others, its services, its people.

Names and numbers that are told in fields alone, each held to those that the bundle has besides.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import attributes, single, slips
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.signed import made
from postmortem_nb.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case
    from postmortem_nb.incident import Incident

_NUMBER = re.compile(r"/incidents?/(?P<number>\d{3,})\b")
"""An incident's number in an address of Datadog."""
_NAME = re.compile(r"[^\W\d_][\w’'-]+(?:\s[^\W\d_][\w’'.-]+){1,3}")
_MOST = 200
"""Names that are compared: a table of nothing else must not slow a form."""
_NEARLY_ALL = 0.9
_ROWS = 20
_DAY = dt.timedelta(days=1)
CORRECT = "Correct the one that is wrong."


def itself(case: Case) -> Iterator[Finding]:
    """Find the incident among those that are like it, and another number in its own link."""
    own = str(case.fact("incident_id") or "").strip()
    for row in case.rows("similar") if own else ():
        if str(row.get("incident") or "").strip().lower() == own.lower():
            yield single.about(
                case,
                Code.RANGE,
                "incident",
                message=f"{shown(own)} is this incident itself.",
                remedy="Name the incident that was like it.",
                at=("similar", row["row"]),
            )
    digits = re.sub(r"\D", "", own)
    for match in _NUMBER.finditer(str(case.fact("datadog_link") or "")):
        if slips.turned(digits, match["number"]) or slips.one_off(digits, match["number"]):
            message = f"“{match.group()}”, but this incident is {own}."
            yield single.about(case, Code.RANGE, "datadog_link", message=message, remedy=CORRECT)


def misspelt(case: Case) -> Iterator[Finding]:
    """Find a name that stands once and is, but for a letter or two, one that stands often."""
    people = case.people()
    places: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for cell in case.cells:
        values = cell.value if isinstance(cell.value, list) else [cell.value]
        for name in map(str, values):
            if name in people and _NAME.fullmatch(name):
                places[name].append((cell.table, cell.row, cell.column.name))
    for name, (place, *more) in islice(places.items(), _MOST):
        others = [one for one in places if len(places[one]) > 1 and _is_slip(name, one)]
        if others and not more:
            yield single.about(
                case,
                Code.OWNER,
                place[2],
                message=f"{shown(name)}, but elsewhere {shown(others[0])}.",
                remedy=CORRECT,
                severity=Severity.HINT,
                at=place[:2],
            )


def _is_slip(one: str, other: str) -> bool:
    """Return whether two names differ in one of their words, by a letter or by two in a place."""
    ours, theirs = one.split(), other.split()
    if len(ours) != len(theirs):
        return False
    apart = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
    return len(apart) == 1 and _near(*apart[0])


def _near(one: str, other: str) -> bool:
    """Return whether two words are one letter apart, or have two letters exchanged."""
    if min(len(one), len(other)) < len("Anna") or abs(len(one) - len(other)) > 1:
        return False
    head = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    rest, others = one[head:], other[head:]
    if len(one) == len(other):
        swapped = rest[:2] == others[:2][::-1] and rest[2:] == others[2:]
        return rest[1:] == others[1:] or swapped
    longer, shorter = (rest, others) if len(rest) > len(others) else (others, rest)
    return longer[1:] == shorter


def later(case: Case) -> Iterator[Finding]:
    """Find a time that had not come when it was written, in an incident that had."""
    start = case.moments.start
    written = {
        (edit["table"], edit["row"]): at
        for edit in case.edits
        if edit.get("name") == "time" and "op" not in edit and (at := made(edit))
    }
    for table in ("timeline", "updates") if start else ():
        for row in case.rows(table):
            at, edited = row.get("time"), written.get((table, row["row"]))
            if at and edited and start and start <= edited and at > edited + _DAY:
                yield single.about(
                    case,
                    Code.WINDOW,
                    "time",
                    message=f"{times.shown(at)} had not come when it was written "
                    f"({times.shown(edited)}).",
                    remedy="Correct the date.",
                    at=(table, row["row"]),
                )


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (itself, misspelt, later)


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Find the service of nearly all frozen rows among none of those that were hit."""
    told = [str(each).lower() for each in case.fact("services") or ()]
    counts: Counter[str] = Counter()
    for answer in attributes.answers(incident, case) if told else ():
        key = answer.keys.get("service") if answer.kind != attributes.POINTS else None
        for code, value in enumerate(key.values if key else ()):
            counts[value] += int((key.codes == code).sum()) if key else 0
    for service, count in counts.most_common(1):
        known = any(service.lower() in each or each in service.lower() for each in told)
        if not known and count >= max(_ROWS, _NEARLY_ALL * counts.total()):
            yield single.about(
                case,
                Code.SOURCES,
                "services",
                message=f"{', '.join(told)} are told, but {count:,} of {counts.total():,} frozen "
                f"rows are of {shown(service)}.",
                remedy="Name the service too, or correct the list.",
                severity=Severity.HINT,
            )
