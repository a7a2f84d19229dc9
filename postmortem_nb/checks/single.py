"""A finding about a single fact: placed where the template asks for it."""

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
) -> Finding:
    """Return a finding about a single fact."""
    return Finding(
        code=code,
        severity=severity,
        where=case.where(SINGLE, SINGLE, name),
        message=message,
        remedy=remedy,
        table=SINGLE,
        row=SINGLE,
        name=name,
    )
