"""The chain of whys: links that are missing, and one that is told twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postmortem_nb.checks import single
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.review import APPROVED, REVIEW, grave, reached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postmortem_nb.checks.case import Case, Row

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


RULES = (links, repeated, short)
