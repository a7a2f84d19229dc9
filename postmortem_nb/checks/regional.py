"""Regions: those that the document names against those in which the evidence counted failures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb.checks import single
from postmortem_nb.checks.reading import about, matches, passages
from postmortem_nb.checks.report import Code, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.case import Case
    from postmortem_nb.estimates import Estimate

MUCH = 0.1
"""Share of the failures that makes a region one that was hit."""

REGION = re.compile(r"\b[a-z]{2,3}(?:-[a-z]+){1,3}-?\d[a-z]?\b", re.IGNORECASE)
_MOST = re.compile(
    rf"\b(?P<name>{REGION.pattern})\s(?:was\s)?(?:saw|suffered|had|took|counted|showed|hit)\s"
    r"(?:by far\s)?(?:the\s)?(?P<which>most|hardest|worst|fewest|least)\b",
    re.IGNORECASE,
)


def found(case: Case, estimates: Sequence[Estimate]) -> Iterator[Finding]:
    """Yield regions that the document leaves out, or ranks otherwise than the evidence."""
    split = [each for each in estimates if each.split == "region" and len(each.parts) > 1]
    if not split:
        return
    stated = str(case.fact("regions") or "")
    whole = sum(value for _, value in split[0].parts)
    hit = [(name, value) for name, value in split[0].parts if whole and value / whole >= MUCH]
    left_out = [(name, value) for name, value in hit if name.lower() not in stated.lower()]
    if left_out and REGION.search(stated):
        name, value = left_out[0]
        yield single.about(
            case,
            Code.SOURCES,
            "regions",
            message=f"{stated!r} leaves out {name}: {value:,.0f} of {whole:,.0f} by "
            f"{split[0].source}.",
            remedy="Name every region that was hit, or say in the text why it does not count.",
        )
    for cell, text in passages(case):
        for match in matches(_MOST, text):
            best = match["which"].lower() in {"most", "hardest", "worst"}
            ends = {(max if best else min)(each.parts, key=_counted)[0].lower() for each in split}
            if match["name"].lower() not in ends:
                yield about(case, cell, f"“{match.group()}”, but it was {', '.join(sorted(ends))}.")


def _counted(part: tuple[str, float]) -> float:
    return part[1]
