"""A finding about one blank: placed where the template asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.report import Code, Finding, Severity

if TYPE_CHECKING:
    from postmortem_nb.checks.case import Case


def about(  # noqa: PLR0913 - a finding's parts, each by name
    case: Case,
    code: Code,
    name: str,
    *,
    message: str,
    remedy: str,
    severity: Severity = Severity.WARNING,
    at: tuple[str, str] = (SINGLE, SINGLE),
) -> Finding:
    """Return a finding about a single fact, or about a blank of the row ``at``: table and row."""
    table, row = at
    return Finding(
        code=code,
        severity=severity,
        where=case.where(table, row, name),
        message=message,
        remedy=remedy,
        table=table,
        row=row,
        name=name,
    )
