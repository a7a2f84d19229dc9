"""The chain of whys: links that are missing, one that is told twice, another thing as the cause."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from postmortem_nb.checks import single
from postmortem_nb.checks.late import late
from postmortem_nb.checks.reading import LONG, about, matches
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.review import APPROVED, REVIEW, grave, reached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postmortem_nb.checks.case import Case, Cell, Row

TABLE = "whys"
_LONG = 4
"""Words from which on two answers that are the same are no chance: “No review.” may come twice."""


def links(case: Case) -> Iterator[Finding]:
    """Find a why without an answer before one that has one: the next has nothing to ask about."""
    rows = case.rows(TABLE)
    last = max((at for at, row in enumerate(rows) if row.get("answer")), default=-1)
    for row in rows[: last + 1] if reached(case, REVIEW) else ():
        if not row.get("answer"):
            message = "Empty, though a later why is answered: the chain is broken here."
            remedy = "Answer it, or move the later answers up."
            yield _about(case, row, Code.BLANK, message, remedy, severity=grave(case, APPROVED))


def repeated(case: Case) -> Iterator[Finding]:
    """Find a why with the answer of another one: it explains nothing further."""
    seen: dict[str, int] = {}
    for number, row in enumerate(case.rows(TABLE), 1):
        answer = " ".join(str(row.get("answer") or "").lower().split())
        if len(answer.split()) < _LONG:
            continue
        first = seen.setdefault(answer, number)
        if first != number:
            message = f"The answer of why {first} once more: it explains nothing further."
            yield _about(case, row, Code.VAGUE, message, "Ask why that was so, or end the chain.")


def _about(  # noqa: PLR0913, PLR0917 - a finding's parts
    case: Case,
    row: Row,
    code: Code,
    message: str,
    remedy: str,
    severity: Severity = Severity.WARNING,
) -> Finding:
    at = (TABLE, str(row["row"]))
    return single.about(
        case, code, "answer", message=message, remedy=remedy, severity=severity, at=at
    )


def short(case: Case) -> Iterator[Finding]:
    """Find an approved chain of one why: what it gives as the cause nobody asked about."""
    rows = [row for row in case.rows(TABLE) if row.get("answer")]
    if len(rows) == 1 and reached(case, APPROVED):
        message = "The only why that is answered: nobody asked why that was so."
        remedy = "Ask on, until the answer is something that an action can change."
        yield _about(case, rows[0], Code.BLANK, message, remedy, severity=Severity.HINT)


_CAUSES = frozenset({"why_it_happened", "technical_cause", "root_cause", "answer"})
_PART = late(
    r"(?<![\w-])(?P<which>[A-Za-z][\w-]+)\s(?P<part>gateway|provider|pool|cache|queue|database|cluster|broker|"
    r"certificate|index|table|balancer|proxy|store|relay|registry|parser|scheduler|bus)s?\b",
    re.IGNORECASE,
)
"""A part of a system, and which one it is."""
_WHICH = re.compile(
    r"(?:the|an?|its?|our|their|this|that|each|every|any|some|which|whose|other|same|new|old|first|last|"
    r"no|of|in|on|to|by|as|for|and|or|all|both|few|large|small|full|empty|slow|busy|dead|main|own|"
    r"\w*(?:ed|ing|ful|ous|ive|[ai]ble|less|[ae]st|n?al|ary|ern|ream|ote))",
    re.IGNORECASE,
)
"""A word before it that tells how it is, and not which."""
_OFTEN = 4


def another(case: Case) -> Iterator[Finding]:
    """Find a part of the system in a cause that nothing else has, where all else has another."""
    stands: dict[str, dict[str, set[tuple[str, str, str]]]] = defaultdict(lambda: defaultdict(set))
    causes: list[tuple[Cell, str, str]] = []
    written: dict[str, str] = {}
    for cell in case.cells:
        for match in matches(_PART, str(cell.value)[:LONG]):
            which, part = match["which"].lower(), match["part"].lower()
            written.setdefault(which, match["which"])
            if not _WHICH.fullmatch(which):
                stands[part][which].add((cell.table, cell.row, cell.column.name))
                causes += [(cell, part, which)] if cell.column.name in _CAUSES else []
    for cell, part, which in causes:
        known = max(stands[part], key=lambda each: len(stands[part][each]))
        own = (cell.table, cell.row, cell.column.name)
        others = stands[part][known]
        cause = any(name in _CAUSES for *_, name in others)
        if len(stands[part][which]) == 1 and own not in others and len(others) >= _OFTEN and cause:
            said, other = f"{written[which]} {part}", f"{written[known]} {part}"
            doubt = f"“{said}”, but elsewhere the document has the {other}."
            yield about(case, cell, doubt, severity=Severity.HINT)


RULES = (links, repeated, short, another)
