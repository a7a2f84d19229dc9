"""Levels of the frozen metrics in sentences: “under 2 % by 15:38”, “a peak of 1,340 at 06:48”.

A sentence names a metric by what it measures (error rate, a percentile, latency), a level with its
unit, and a moment: an event, a clock, the row it stands in, or “at its worst”. It is doubted where
no frozen metric of that kind was at such a level then; without such a metric nothing is known.
Of a peak or a trough either the height or the minute must be that of a metric; then the other is
compared.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb import times
from postmortem_nb.checks import silence, spoken
from postmortem_nb.checks.reading import about, matches, passages, sentences
from postmortem_nb.checks.relations import moments, named
from postmortem_nb.checks.spoken import CLOCK, NUMBER
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.checks.silence import Curve
    from postmortem_nb.incident import Incident

_TOPICS: dict[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    name: (re.compile(said, re.IGNORECASE), re.compile(measured, re.IGNORECASE))
    for name, said, measured in (
        (
            "rate",
            r"\b(?:error|failure)[- ]rate\b|\brate of (?:errors|failures)\b",
            r"error[_.]rate",
        ),
        (
            "latency",
            r"\b(?:latency|response times?|(?P<p>p\d\d|\d\dth percentile))\b",
            r"duration|latency|response_time|^p\d\d:",
        ),
        ("cpu", r"\bCPU\b", r"\bcpu\b"),
    )
}
"""What a sentence can speak of → its words, and those of a query that measures it."""

_UNITS = {"%": 1.0, "percent": 1.0, "per cent": 1.0, "s": 1.0, "seconds": 1.0, "second": 1.0}
_UNITS |= {"ms": 0.001, "milliseconds": 0.001, "min": 60.0, "minutes": 60.0}
_LEVEL = re.compile(
    rf"{NUMBER}\s?(?P<unit>%|(?:percent|per cent|ms|milliseconds|seconds?|s|min|minutes)\b)"
)
_TOP = re.compile(
    r"\b(?:peak\w*|up to|as (?:high|much|long) as|at (?:its|the|their) (?:highest|worst|height|"
    r"peak)|max\w*|topped|rose|climb\w*|jump\w*|shot up|spik\w*|reach\w*|grew)\s"
    r"(?:(?!from\b)[\w-]+\s){0,2}?(?:from\s[\d.,]+\s?(?:%|ms|s)\s)?(?:to|at|of|with|about|around|"
    r"over|out at|"
    r"up to)?\s?$",
    re.IGNORECASE,
)
"""Before a level: it is the highest."""
_UNDER = re.compile(r"\b(?:under|below|less than|lower than|at most)\s$", re.IGNORECASE)
_OVER = re.compile(r"\b(?:over|above|more than|higher than|at least|exceed\w*)\s$", re.IGNORECASE)
_CLOCKED = re.compile(rf"\b(?:at|by|around|until)\s{CLOCK}", re.IGNORECASE)
_STATED = re.compile(
    r"\b(?:(?:was|is|stood|fell|dropped|went|sank|came|stayed|remained)\b[^.;]*|(?:still|only|"
    r"back)\s(?:at|under|below|over|above)\s)$"
    r"|^\W*$|\b(?:error|failure)[- ]rate\s(?:still\s)?(?:at|under|below|over|above)\s$",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\b(?:threshold|alerts?|monitors?|averages?|usual\w*|normal\w*|objective|SLO|target|would|"
    r"should|could|if|until|week|before|from|never|not|criteri\w*)\b",
    re.IGNORECASE,
)
"""In a sentence: its level may be no level of the incident at that moment."""

_AROUND = 180_000_000  # µs
_NEAR, _LOW, _HIGH = 0.05, 0.75, 1.3
_POINT = 1.0


class _Level(NamedTuple):
    """What a sentence says of a metric."""

    cell: Cell
    topic: re.Match[str]
    kind: str
    match: re.Match[str]
    moments: Sequence[dt.datetime]


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield levels of sentences that no frozen metric of their kind had."""
    known = moments(case)
    told = [each for cell, text in passages(case) for each in _told(case, cell, text, known)]
    if not told:
        return
    start, end = case.moments.start, case.moments.recovered
    curves = [*silence.curves(incident.path / "evidence")]
    curves += _rates(curves)
    for each in told:
        fit = [one for one in curves if _measures(one, each)]
        held = [
            _around(one, each.moments) if each.moments else _highest(one, start, end) for one in fit
        ]
        spans = [span for span in held if span]
        if not spans or any(_holds(each, low, high) for low, high in spans):
            continue
        low, high = spans[0]
        said = " ".join(each.match.string[_begin(each) : each.match.end()].split())
        yield about(case, each.cell, f"“{said}”, but {_truth(each, fit[0].label, low, high)}.")


def _begin(each: _Level) -> int:
    return min(each.topic.start(), each.match.start())


def _truth(each: _Level, label: str, low: float, high: float) -> str:
    scale = _UNITS[each.match["unit"].lower()]
    if not each.moments:
        return f"{label} has its highest level at {numeral(high / scale, 3)} {each.match['unit']}"
    level = f"{numeral(low / scale, 3)} to {numeral(high / scale, 3)} {each.match['unit']}"
    return f"{label} is {level} at {times.shown(each.moments[0])}"


def _told(
    case: Case, cell: Cell, text: str, known: dict[str, list[dt.datetime]]
) -> Iterator[_Level]:
    """Yield the levels of a text: one topic and one level a sentence."""
    for name, (said, _) in _TOPICS.items():
        if not matches(said, text):
            continue
        for sentence in sentences(text):
            topic = said.search(sentence)
            for match in _LEVEL.finditer(sentence) if topic else ():
                before = sentence[: match.start()]
                if topic is None or not _fits(name, match):
                    continue
                if _TOP.search(before):
                    yield _Level(cell, topic, name, match, ())
                elif not _OTHER.search(sentence) and len(_LEVEL.findall(sentence)) == 1:
                    at = _moments(case, cell, sentence, known)
                    if at and (_STATED.search(before) or _UNDER.search(before)):
                        yield _Level(cell, topic, name, match, at)


def _fits(kind: str, match: re.Match[str]) -> bool:
    share = match["unit"].lower() in {"%", "percent", "per cent"}
    return share == (kind != "latency")


def _moments(
    case: Case, cell: Cell, sentence: str, known: dict[str, list[dt.datetime]]
) -> list[dt.datetime]:
    """Return the moment of which a sentence tells: its clock, its event, or its row."""
    day = case.moments.start
    clocks = _CLOCKED.findall(sentence)
    clock = _CLOCKED.search(sentence)
    if clock and day:
        at = spoken.clocked(clock) if len(clocks) == 1 else None
        first = day.replace(hour=0, minute=0, second=0, microsecond=0)
        return [first + dt.timedelta(minutes=at[0])] if at and at[1] == 1440 else []
    told = {each.name for each in named(sentence)}
    if len(told) == 1:
        return list(known.get(told.pop(), ()))
    if cell.table == "timeline" and not told:
        rows = [row for row in case.rows("timeline") if row["row"] == cell.row]
        return [row["time"] for row in rows if row.get("time")]
    return []


def _measures(curve: Curve, each: _Level) -> bool:
    """Return whether a metric is of the kind, the percentile and the unit of a sentence."""
    if not _TOPICS[each.kind][1].search(curve.label):
        return False
    percentile = re.sub(r"\D", "", each.topic.groupdict().get("p") or "")
    if percentile and f"p{percentile}" not in curve.label:
        return False
    wanted = {"second"} if each.kind == "latency" else {"percent"}
    return curve.unit in wanted


def _rates(curves: Sequence[Curve]) -> list[Curve]:
    """Return the share of errors, minute by minute, where errors and hits are frozen."""
    by = {each.label: each for each in curves}
    made = []
    for label, errors in by.items():
        hits = by.get(re.sub(r"\berrors\b", "hits", label))
        if "errors" not in label or "as_count" not in label or hits is None or hits is errors:
            continue
        begin = min(errors.moments[0], hits.moments[0])
        bins = [((each.moments - begin) // 60_000_000) for each in (errors, hits)]
        size = int(max(each[-1] for each in bins)) + 1
        sums = [
            np.bincount(each, weights=one.levels, minlength=size)
            for each, one in zip(bins, (errors, hits), strict=True)
        ]
        seen = np.flatnonzero(sums[1])
        levels = 100.0 * sums[0][seen] / sums[1][seen]
        made.append(
            silence.Curve(f"error_rate of {label}", begin + seen * 60_000_000, levels, "percent")
        )
    return made


def _highest(
    curve: Curve, start: dt.datetime | None, end: dt.datetime | None
) -> tuple[float, float] | None:
    """Return the highest level within the incident, twice."""
    within = np.ones(len(curve.moments), dtype=bool)
    if start:
        within &= curve.moments >= (start - times.EPOCH) // silence.MICROSECOND
    if end:
        within &= curve.moments <= (end - times.EPOCH) // silence.MICROSECOND
    top = float(curve.levels[within].max()) if within.any() else None
    return None if top is None else (top, top)


def _around(curve: Curve, moments: Sequence[dt.datetime]) -> tuple[float, float] | None:
    """Return the lowest and highest level around moments."""
    near = np.zeros(len(curve.moments), dtype=bool)
    for at in moments:
        micros = (at - times.EPOCH) // silence.MICROSECOND
        near |= np.abs(curve.moments - micros) <= _AROUND
    levels = curve.levels[near]
    return (float(levels.min()), float(levels.max())) if len(levels) else None


def _holds(each: _Level, low: float, high: float) -> bool:
    """Return whether the level of a sentence is within what a metric had."""
    scale = _UNITS[each.match["unit"].lower()]
    value, step = spoken.amount(each.match["number"], each.match["scale"] or "")
    value, step = value * scale, step * scale
    slack = _POINT if each.kind != "latency" else 0.0
    before = each.match.string[: each.match.start()]
    if _UNDER.search(before):
        return low <= value * _HIGH + slack
    if _OVER.search(before):
        return high >= value * _LOW - slack
    if not each.moments:
        loose = spoken.LOOSE if spoken.HEDGE.search(before) else _NEAR
        return abs(value - high) <= max(step, loose * high, slack)
    return low * _LOW - slack - step <= value <= high * _HIGH + slack + step


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
_FAR = 5.0
"""How often as high a figure may be and still be meant for this metric."""


class _Peak(NamedTuple):
    """The highest, or lowest, point of a frozen metric."""

    label: str
    level: float
    at: dt.datetime


def peaks(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield peaks of sentences whose height, or whose minute, is not that of the evidence."""
    told = [
        (cell, match, way)
        for cell, text in passages(case)
        for pattern, way in ((_PEAK, np.argmax), (_TROUGH, np.argmin))
        for match in matches(pattern, text)
        if spoken.apart(match, 0) is not None
    ]
    for cell, match, way in told:
        tops = list(_peaks(incident, way))
        heights = [each for each in tops if _height(match, each)]
        low = way is np.argmin
        minutes = [each for each in tops if _minute(match, each, share=low)]
        if any(_then(match, each) for each in heights):
            continue
        if heights:
            shown = f"{heights[0].label} has it at {heights[0].at:%H:%M} UTC"
        elif minutes:
            shown = f"{minutes[0].label} is {minutes[0].level:,g} then"
        else:
            continue
        yield about(case, cell, f"“{match.group()}”, but {shown}.")


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
    near = peak.level / _FAR <= value <= peak.level * _FAR
    return _then(match, peak) and near and (share or match["unit"] != "%")
