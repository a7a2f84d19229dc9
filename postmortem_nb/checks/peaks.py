"""Peaks of the frozen metrics in sentences: “a peak of 1,340 at 06:48”.

The height or the minute must be that of a metric of the evidence; then the other is compared. A
sentence in which neither is may speak of a metric that was not frozen.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb.checks import silence, spoken
from postmortem_nb.checks.reading import about, matches, passages
from postmortem_nb.checks.spoken import CLOCK, NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

_PEAK = re.compile(
    rf"\b(?:peak(?:ed|ing|s)?|max(?:imum)?|top(?:ped|s)?|height|highest|high)\s(?:\w+\s){{0,2}}?"
    rf"(?:of|at|out at|was|with|reached)?\s?{NUMBER}\s?(?P<unit>%|"
    rf"[\w/]+)?(?P<between>[^.;\n]{{0,40}}?)"
    rf"\b(?:at|around|by)\s{CLOCK}",
    re.IGNORECASE,
)


FAR = 5.0
"""How often as high a figure may be and still be meant for this metric."""


class _Peak(NamedTuple):
    """The highest point of a frozen metric."""

    label: str
    level: float
    at: dt.datetime


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield peaks of sentences whose height, or whose minute, is not that of the evidence."""
    told = [
        (cell, match)
        for cell, text in passages(case)
        for match in matches(_PEAK, text)
        if spoken.apart(match, 0) is not None
    ]
    peaks = list(_peaks(incident)) if told else []
    for cell, match in told:
        heights = [each for each in peaks if _height(match, each)]
        minutes = [each for each in peaks if _minute(match, each)]
        if any(_then(match, each) for each in heights):
            continue
        if heights:
            shown = f"{heights[0].label} has it at {heights[0].at:%H:%M} UTC"
        elif minutes:
            shown = f"{minutes[0].label} is {minutes[0].level:,g} then"
        else:
            continue
        yield about(case, cell, f"“{match.group()}”, but {shown}.")


def _peaks(incident: Incident) -> Iterator[_Peak]:
    for curve in silence.curves(incident.path / "evidence"):
        if len(curve.levels):
            top = int(np.argmax(curve.levels))
            at = dt.datetime.fromtimestamp(int(curve.moments[top]) / 1e6, tz=dt.UTC)
            yield _Peak(curve.label, float(curve.levels[top]), at)


def _height(match: re.Match[str], peak: _Peak) -> bool:
    """Return whether a number is the height: exactly, or rounded to what it is written with."""
    value, step = spoken.amount(match["number"], match["scale"] or "")
    return abs(value - peak.level) <= max(step, 0.5, 0.005 * peak.level)


def _then(match: re.Match[str], peak: _Peak) -> bool:
    gap = spoken.apart(match, 60 * peak.at.hour + peak.at.minute)
    return gap is not None and gap <= 2


def _minute(match: re.Match[str], peak: _Peak) -> bool:
    value, _ = spoken.amount(match["number"], match["scale"] or "")
    near = peak.level / FAR <= value <= peak.level * FAR
    return _then(match, peak) and near and match["unit"] != "%"
