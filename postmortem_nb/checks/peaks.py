"""Peaks and troughs of the frozen metrics in sentences: “a peak of 1,340 at 06:48”.

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
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

_PEAK = re.compile(
    rf"\b(?:peak(?:ed|ing|s)?|max(?:imum)?|top(?:ped|s)?|height|highest|high)\s(?:\w+\s){{0,2}}?"
    rf"(?:of|at|out at|was|with|reached)?\s?{NUMBER}\s?(?P<unit>%|"
    rf"(?!and\b)[\w/]+)?(?P<between>(?:(?!\band\b)[^.;\n]){{0,40}}?)"
    rf"\b(?:at|around|by)\s{CLOCK}",
    re.IGNORECASE,
)
_TROUGH = re.compile(
    rf"\b(?:bottomed\s(?:out\s)?|(?:fell|dropped|sank|slid|plunged|dipped)\s(?:as\slow\sas|"
    rf"to(?:\sa\slow\sof)?)|"
    rf"(?:lowest|low|minimum|low point)\s(?:\w+\s)?(?:of|"
    rf"was)?)\s?(?:at\s)?{NUMBER}\s?(?P<unit>%|[\w/]+)?"
    rf"(?P<between>[^.;\n]{{0,40}}?)\b(?:at|around|by)\s{CLOCK}",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    r"(?<![\w.,:/#$€£-])(?P<number>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?![\w:/-]|[.,]\d)"
    r"(?!\s?(?:ms|s|min|sec|GB|MB|KB|TB|hours?|minutes?|seconds?|days?|UTC)\b)"
)
_DRAWN = "metric_graphs"
_ABOVE, _ROUNDED = 1.05, 0.5

FAR = 5.0
"""How often as high a figure may be and still be meant for this metric."""


class _Peak(NamedTuple):
    """The highest, or lowest, point of a frozen metric."""

    label: str
    level: float
    at: dt.datetime


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield peaks of sentences whose height, or whose minute, is not that of the evidence."""
    told = [
        (cell, match, way)
        for cell, text in passages(case)
        for pattern, way in ((_PEAK, np.argmax), (_TROUGH, np.argmin))
        for match in matches(pattern, text)
        if spoken.apart(match, 0) is not None
    ]
    for cell, match, way in told:
        peaks = list(_peaks(incident, way))
        heights = [each for each in peaks if _height(match, each)]
        low = way is np.argmin
        minutes = [each for each in peaks if _minute(match, each, share=low)]
        if any(_then(match, each) for each in heights):
            continue
        if heights:
            shown = f"{heights[0].label} has it at {heights[0].at:%H:%M} UTC"
        elif minutes:
            shown = f"{minutes[0].label} is {minutes[0].level:,g} then"
        else:
            continue
        yield about(case, cell, f"“{match.group()}”, but {shown}.")

    yield from _beyond(incident, case)


def _beyond(incident: Incident, case: Case) -> Iterator[Finding]:
    """Find a figure told of the graphs that no frozen metric ever reaches, beside ones that do."""
    for cell, text in passages(case):
        figures = list(matches(_PLAIN, text)) if cell.column.name == _DRAWN else []
        values = [(match, float(match["number"].replace(",", ""))) for match in figures]
        tops = list(_peaks(incident, np.argmax)) if len(figures) > 1 else []
        highest = max((each.level for each in tops), default=0.0)
        curves = silence.curves(incident.path / "evidence") if tops else ()
        theirs = any(
            np.any(np.abs(curve.levels - value) <= _ROUNDED)
            for curve in curves
            for _, value in values
        )
        for match, value in values if theirs else ():
            if value > _ABOVE * highest + _ROUNDED:
                top = next(each for each in tops if each.level == highest)
                yield about(
                    case, cell, f"“{match.group()}”, but the highest is {highest:,g} ({top.label})."
                )


def _peaks(incident: Incident, way: Callable[[NDArray[np.float64]], np.intp]) -> Iterator[_Peak]:
    for curve in silence.curves(incident.path / "evidence"):
        if len(curve.levels):
            top = int(way(curve.levels))
            at = dt.datetime.fromtimestamp(int(curve.moments[top]) / 1e6, tz=dt.UTC)
            yield _Peak(curve.label, float(curve.levels[top]), at)


def _height(match: re.Match[str], peak: _Peak) -> bool:
    """Return whether a number is the height: exactly, or rounded to what it is written with."""
    value, step = spoken.amount(match["number"], match["scale"] or "")
    return abs(value - peak.level) <= max(step, 0.5, 0.005 * peak.level)


def _then(match: re.Match[str], peak: _Peak) -> bool:
    gap = spoken.apart(match, 60 * peak.at.hour + peak.at.minute)
    return gap is not None and gap <= 2


def _minute(match: re.Match[str], peak: _Peak, *, share: bool) -> bool:
    value, _ = spoken.amount(match["number"], match["scale"] or "")
    near = peak.level / FAR <= value <= peak.level * FAR
    return _then(match, peak) and near and (share or match["unit"] != "%")
