"""Peaks and troughs of the frozen metrics in sentences: “a peak of 1,340 at 06:48”.

Either the height or the minute must be that of a metric; then the other is compared. Charts, errors
or a latency that “peaked at 14:40”, without a height, are compared with the tops of all of them.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb.checks import bounds, derived, instants, ranges, spoken
from postmortem_nb.checks.reading import about, matches, passages, sentences
from postmortem_nb.checks.spoken import CLOCK, NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

    Way = Callable[[NDArray[np.float64]], np.intp]

_AT = r"\b(?:at|around|by|(?:in|during) the minute (?:of|from|after))\s"
_PEAK = re.compile(
    rf"\b(?:peak(?:ed|ing|s)?|max(?:imum)?|top(?:ped|s)?|height|highest|high)\s(?:\w+\s){{0,2}}?"
    rf"(?:of|at|out at|was|with|reached)?\s?{NUMBER}\s?(?P<unit>%|"
    rf"(?!(?:and|at|around|by)\b)[\w/]+)?(?P<between>(?:(?!\band\b)[^.;\n]){{0,40}}?)"
    rf"{_AT}{CLOCK}",
    re.IGNORECASE,
)
_TROUGH = re.compile(
    rf"\b(?:bottomed\s(?:out\s)?|(?:fell|dropped|sank|slid|plunged|dipped)\s(?:as\slow\sas|"
    rf"to(?:\sa\slow\sof)?)|"
    rf"(?:lowest|low|minimum|low point)\s(?:\w+\s)?(?:of|"
    rf"was)?)\s?(?:at\s)?{NUMBER}\s?(?P<unit>%|[\w/]+)?"
    rf"(?P<between>[^.;\n]{{0,40}}?){_AT}{CLOCK}",
    re.IGNORECASE,
)
_CHARTS = re.compile(
    rf"\b(?:charts?|graphs?|curves?|metrics|error rate|latency|errors|failures|"
    rf"rejections|refusals|timeouts|losses)\s(?:\w+\s){{0,3}}?"
    rf"peak(?:s|ed)?\b(?P<between>[^.;\d]{{0,40}}?){CLOCK}",
    re.IGNORECASE,
)
_FAILING = re.compile(r"error|failure|rejection|refusal|timeout|loss", re.IGNORECASE)
"""At the beginning of what peaked: it is what failed."""
_WORST = re.compile(
    rf"{NUMBER}\s?(?P<unit>%|[\w/]{{1,20}})?(?P<between>\s)(?:(?!\band\b)[^.;\n\d]){{0,30}}?"
    rf"\b(?:at|in|during)\s(?:the|its|their)\s(?:worst|highest|busiest)\s(?:minute|moment|point)"
    rf"(?:,?\s(?:at\s)?|\s?\(){CLOCK}",
    re.IGNORECASE,
)
_AT_ITS = re.compile(
    rf"\bat\s(?:the|its|their)\s(?:peak|height|worst|maximum),?\s(?:at\s|around\s)?{CLOCK},?"
    rf"(?P<between>\s)(?:(?:about|some|around|as many as)\s)?{NUMBER}\s?(?P<unit>%|[\w/]{{1,20}})?",
    re.IGNORECASE,
)
"""The clock first: “at the peak, at 07:33 UTC, 705 readings a minute”."""
_SUBJECT = re.compile(
    r"(?P<what>(?<![\w’' -])[a-z][\w’' -]{2,60}?)\s(?:peaked|(?:was|were)\s(?:at (?:its|their)\s)?"
    rf"(?:highest|peak))\s(?:at|around)\s{CLOCK}",
    re.IGNORECASE,
)
"""When something of its own name was highest."""
_MINUTE = re.compile(
    r"\b(?P<what>worst minute)\s(?:was|came|fell)\s(?:at\s)?"
    rf"{CLOCK}",
    re.IGNORECASE,
)
_MOST = re.compile(rf"\bmost\s(?P<what>[a-z]+\sfailed)\sat\s{CLOCK}", re.IGNORECASE)
"""When most failed."""
_NAMED = (_SUBJECT, _MINUTE, _MOST)
_FEW = 5
_OTHER = re.compile(r"\b(?:usual\w*|normal\w*|yesterday|day|week|not|never|again)\b", re.IGNORECASE)
"""In a text: it is of another time."""
_DAY = 1440
_EDGE = (dt.timedelta(minutes=1), 0.97), (dt.timedelta(minutes=3), 0.9)
"""How far around the worst minute, and around a height, which part of the top suffices."""
_ROUGH = 5
"""Minutes that the minute of a peak without its height may be off."""
_FAR = 5.0
"""How often as high a figure may be and still be meant for this metric."""


class _Peak(NamedTuple):
    """The highest, or lowest, point of a frozen metric."""

    label: str
    level: float
    at: dt.datetime


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield peaks of sentences whose height, or whose minute, is not that of the evidence."""
    curves: Sequence[Curve] | None = None
    for cell, text in passages(case):
        told: list[tuple[re.Match[str], Way | None]] = []
        told += [(each, way) for pattern, way in _WAYS for each in matches(pattern, text)]
        told += [(each, None) for each in matches(_CHARTS, text)]
        for match, way in told:
            if spoken.apart(match, 0) is None:
                continue
            if curves is None:
                drawn = derived.drawn(incident, case)
                curves = [each for each in drawn if len(each.levels)]
            truth = (
                _other_minute(match, curves, case) if way is None else _other(match, curves, way)
            )
            if truth:
                yield about(case, cell, f"“{match.group()}”, but {truth}.")
        for sentence in sentences(text) if any(matches(one, text) for one in _NAMED) else ():
            for match in (each for one in _NAMED for each in islice(one.finditer(sentence), _FEW)):
                drawn = derived.drawn(incident, case)
                curves = [each for each in drawn if len(each.levels)] if curves is None else curves
                truth = _other_time(match, curves, case, instants.beside(case, cell))
                if truth:
                    yield about(case, cell, f"“{match.group()}”, but {truth}.")


def _other_time(match: re.Match[str], curves: Sequence[Curve], case: Case, beside: str) -> str:
    """Return when what a text names was highest, where it was far lower around its clock."""
    start, end, what = case.moments.start, case.moments.recovered, match["what"]
    if start is None or end is None or _OTHER.search(match.string):
        return ""
    if match.re is _SUBJECT:
        fit = [each for each in curves if bounds.is_of(each, what)]
        fit = list(derived.own(fit, match.string, match.end(), beside))
    else:
        fit = [each for each in curves if derived.is_bad(each.query)]
        fit = [each for each in fit if not each.series or each.series == "*"] or fit
    truth = ""
    for each in fit:
        top = _top_within(each, start, end)
        at = spoken.clocked(match)
        if top is None or at is None or at[1] != _DAY:
            return ""
        moment, off = instants.on_day(case, at[0]), _EDGE[match.re is _SUBJECT]
        near = ranges.within(each, moment - off[0], moment + off[0])
        if not len(near) or float(near.max()) >= off[1] * top.level:
            return ""
        truth = truth or f"{each.label} has its highest level at {top.at:%H:%M} UTC"
    return truth


def _top_within(curve: Curve, start: dt.datetime, end: dt.datetime) -> _Peak | None:
    own = ranges.inside(curve, start, end)
    if not own.any():
        return None
    moments, levels = curve.moments[own], curve.levels[own]
    at = int(np.argmax(levels))
    return _Peak(
        curve.label,
        float(levels[at]),
        dt.datetime.fromtimestamp(int(moments[at]) / 1e6, tz=dt.UTC),
    )


def _other(match: re.Match[str], curves: Sequence[Curve], way: Way) -> str:
    """Return what a metric has at the minute, or with the height, of a peak; nothing if it fits."""
    tops = [_top(each, way) for each in curves]
    heights = [each for each in tops if _height(match, each)]
    minutes = [each for each in tops if _minute(match, each, share=way is np.argmin)]
    high = (one for one, top in zip(curves, tops, strict=True) if _height(match, top))
    again = any(_then(match, each) for one in high for each in _again(one, way))
    if again or (match.re is _WORST and not heights):
        return ""  # “44 of 157 requests in the worst minute” is no height
    if heights:
        return f"{heights[0].label} has it at {heights[0].at:%H:%M} UTC"
    if match.re is _AT_ITS:  # a number of things is no latency
        minutes.sort(key=lambda each: (not each.label.startswith("sum:"), len(each.label)))
    return f"{minutes[0].label} is {minutes[0].level:,g} then" if minutes else ""


def _other_minute(match: re.Match[str], curves: Sequence[Curve], case: Case) -> str:
    """Return when the metrics of the incident had their tops, where none had it at that minute."""
    since, until = case.moments.start, case.moments.resolved or case.moments.recovered
    whole = [each for each in curves if not each.series] or curves
    latency = "latency" in match.group().lower()
    bad = _FAILING.match(match.group())
    own = [
        each
        for each in whole
        if (bad and (derived.is_bad(each.query) or derived.measures(each, "rate")))
        or (latency and derived.measures(each, "latency"))
    ]
    tops = [_top(each, np.argmax) for each in own or whole]
    tops = [each for each in tops if since and until and since <= each.at <= until]
    gaps = [spoken.apart(match, 60 * each.at.hour + each.at.minute) for each in tops]
    if not tops or any(gap is None or gap <= _ROUGH for gap in gaps):
        return ""
    return f"{tops[0].label} has its highest level at {tops[0].at:%H:%M} UTC"


def _top(curve: Curve, way: Way) -> _Peak:
    top = int(way(curve.levels))
    at = dt.datetime.fromtimestamp(int(curve.moments[top]) / 1e6, tz=dt.UTC)
    return _Peak(curve.label, float(curve.levels[top]), at)


def _again(curve: Curve, way: Way) -> Iterator[_Peak]:
    """Yield the points of a metric that are as high, or as low, as its top."""
    top = curve.levels[int(way(curve.levels))]
    for moment in curve.moments[curve.levels == top].tolist():
        at = dt.datetime.fromtimestamp(moment / 1e6, tz=dt.UTC)
        yield _Peak(curve.label, float(top), at)


_WAYS: tuple[tuple[re.Pattern[str], Way], ...] = (
    (_PEAK, np.argmax),
    (_WORST, np.argmax),
    (_AT_ITS, np.argmax),
    (_TROUGH, np.argmin),
)


def _height(match: re.Match[str], peak: _Peak) -> bool:
    """Return whether a number is the height: exactly, or rounded to what it is written with."""
    value, step = spoken.amount(match["number"], match["scale"] or "")
    return abs(value - peak.level) <= max(step, 0.5, 0.005 * peak.level)


def _then(match: re.Match[str], peak: _Peak) -> bool:
    gap = spoken.apart(match, 60 * peak.at.hour + peak.at.minute)
    return gap is not None and gap <= 2


def _minute(match: re.Match[str], peak: _Peak, *, share: bool) -> bool:
    value, _ = spoken.amount(match["number"], match["scale"] or "")
    near = peak.level / _FAR <= value <= peak.level * _FAR
    return _then(match, peak) and near and (share or match["unit"] != "%")
