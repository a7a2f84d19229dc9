"""Proposed monitors against their own query, and that against the frozen metric."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb import times
from postmortem_nb.checks import derived, frozen, ranges, single, spoken, written
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.spoken import SPAN

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

_WINDOW = re.compile(r"\blast_(?P<count>\d+)(?P<unit>[mhdw])\b")
_DAY = 1440
_MINUTES = {"m": 1.0, "h": 60.0, "d": 1440.0, "w": 10_080.0}
_WITHIN = re.compile(
    rf"\b(?:in|within|over|for|during|per)\s(?:the last\s|a\s)?{SPAN}", re.IGNORECASE
)


def windows(case: Case) -> Iterator[Finding]:
    """Find a threshold that is told over another time than the query looks at."""
    for row in case.rows("monitors"):
        asked = _WINDOW.search(str(row.get("query") or ""))
        told = _WITHIN.search(str(row.get("threshold") or ""))
        if not asked or not told:
            continue
        length = float(asked["count"]) * _MINUTES[asked["unit"]]
        if not spoken.agrees(told, length):
            message = f"“{told.group()}”, but the query has {asked.group()}."
            yield single.about(
                case,
                Code.RANGE,
                "threshold",
                message=message,
                remedy="Correct one of the two.",
                severity=Severity.HINT,
                at=("monitors", row["row"]),
            )


_BOUND = re.compile(r"(?P<way>[<>]=?)\s*(?P<bound>-?\d+(?:\.\d+)?)\s*$")
_FIGURE = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?")
_DURING = re.compile(
    r"\b\d+\s(?:[a-z]+\s){0,2}(?:in a row|running)\b|\b\d+\sconsecutive\s|"
    r"\b(?:for|over|during|within|in|longer than)\s(?:(?:at least|more than|the|last|over)\s)*"
    r"\d[\d.,]*[\s-]?(?:s|secs?|seconds?|m|mins?|minutes?|h|hours?|days?)\b",
    re.IGNORECASE,
)
"""How long it must last: no level."""
_LEFT = re.compile(r"\s?(?:%|percent)\s(?:\w+\s)?(?:left|free|remain\w*|unused)\b", re.IGNORECASE)
"""Behind a share: what is told is the rest."""
_PART_OF = re.compile(r"(?P<share>\d+(?:\.\d+)?)\s?(?:%|percent)\sof\s(?P<whole>\d[\d,]*\d)")
_OF_WHOLE = re.compile(
    rf"(?P<part>{_FIGURE.pattern})\s(?:out\s)?of\s(?:the\s)?(?P<whole>{_FIGURE.pattern})\s"
    r"(?:\w+\s){0,2}?(?:left|free|remain\w*|unused)\b",
    re.IGNORECASE,
)
"""The same of a part: “at most 144,000 of the 480,000 left”."""
_RATED = re.compile(r"\b(?:a|per|each) minute\b|/\s?min", re.IGNORECASE)
_OVER = re.compile(
    rf"\b(?:over|within|in|for)\s(?P<n>{written.NUMERAL})\s?(?:minutes|min)\b", re.IGNORECASE
)
_SCALES = (1.0, 100.0, 0.01, 1000.0, 0.001, 1e6, 1e-6, 60.0, 1 / 60, 3600.0, 1 / 3600)
_SIZES = (1e9, 1e-9, 2.0**10, 2.0**-10, 2.0**20, 2.0**-20, 2.0**30, 2.0**-30)
_SECONDS = (1.0, 1e-3, 1e-6, 1e-9, 60.0)
"""Units that a metric of time has, in seconds."""
_TIMED = re.compile(r"\s?(?P<unit>ms|milliseconds?|s|secs?|seconds?|min|minutes?)\b", re.IGNORECASE)


def thresholds(case: Case) -> Iterator[Finding]:
    """Find a proposed monitor whose threshold in words is not the one of its query."""
    for row in case.rows("monitors"):
        query, told = str(row.get("query") or "").strip(), str(row.get("threshold") or "")
        match = _BOUND.search(query)
        levels = _DURING.sub(" ", told)
        figures = [
            (float(each.group().replace(",", "")), each) for each in _FIGURE.finditer(levels)
        ]
        if match is None or not figures:
            continue
        bound = abs(float(match["bound"]))
        rests = [
            (100 - figure, each) for figure, each in figures if _LEFT.match(levels, each.end())
        ]
        rests += [
            (written.numeral(each["whole"]) - written.numeral(each["part"]), each)
            for each in _OF_WHOLE.finditer(levels)
        ]
        products = [
            (float(each["share"]) / 100 * float(each["whole"].replace(",", "")), each)
            for each in _PART_OF.finditer(levels)
        ]
        window = _OVER.search(told)
        rated = figures if window and _RATED.search(told) else []
        products += [
            (figure * written.numeral(window["n"]), each) for figure, each in rated if window
        ]
        known = (*figures, *rests, *products)
        near = (_agrees(figure, bound, _unit(each)) for figure, each in known)
        one = 1.0 if (match["way"], bound) == (">", 0.0) else None  # “> 0” is one and more
        if not any(near) and one not in {figure for figure, _ in figures}:
            yield single.about(
                case,
                Code.RANGE,
                "threshold",
                message=f"Threshold {told.strip()!r}, but its query has {match['bound']}.",
                remedy="Correct the one that is wrong.",
                at=("monitors", row["row"]),
            )


def _unit(figure: re.Match[str]) -> str:
    """Return the unit of time behind a figure, as a word; empty for any other or none."""
    found = _TIMED.match(figure.string, figure.end())
    return found["unit"].lower() if found else ""


def _agrees(figure: float, bound: float, unit: str) -> bool:
    """Return whether a figure in words is a query's, whatever unit of time the metric has."""
    scales: tuple[float, ...] = _SCALES + _SIZES
    if unit:
        seconds = 0.001 if unit.startswith(("ms", "milli")) else 60.0 if unit[0] == "m" else 1.0
        scales = tuple(each / seconds for each in _SECONDS)
    return any(abs(figure - bound * scale) <= 0.02 * figure for scale in scales)


_QUERY = re.compile(
    r"\s*(?P<way>avg|max|min|sum)\(last_(?P<count>\d+)(?P<unit>[mhd])\):(?P<metric>[a-z]+:.+?)\s*"
    r"(?P<compared>[<>])=?\s*(?P<bound>-?\d+(?:\.\d+)?)\s*"
)


def unreached(incident: Incident, case: Case) -> Iterator[Finding]:
    """Find a proposed monitor whose metric never passed its threshold in the whole incident.

    Only where just that query is frozen, and no row says that it is for another cause: it is a
    hint, as a monitor may be meant for the next incident.
    """
    start, end = case.moments.start, case.moments.recovered
    rows = [(row, match) for row in case.rows("monitors")
            if (match := _QUERY.fullmatch(str(row.get("query") or "")))]  # fmt: skip
    curves = derived.drawn(incident, case) if rows and start and end else ()
    for row, match in rows:
        own = _own(curves, match["metric"])
        levels = [ranges.within(each, start, end) for each in own if start and end]
        over, bound = match["compared"] == ">", float(match["bound"])
        tops = [_top(each, match, over=over) for each in levels if len(each)]
        if not tops or any(top > bound if over else top < bound for top in tops):
            continue
        most = max(tops) if over else min(tops)
        yield single.about(
            case,
            Code.RANGE,
            "query",
            message=f"{match['compared']} {bound:,g}, but in the incident the metric came to "
            f"{most:,.6g}: it would not have alerted.",
            remedy="Correct the threshold, or say which other incident it is for.",
            severity=Severity.HINT,
            at=("monitors", row["row"]),
        )


_FIRED = re.compile(
    r"\bwould have (?:fired|alerted|paged|warned|triggered)\s(?:us\s)?(?:at|by)\s"
    rf"(?:about\s|around\s)?{spoken.CLOCK}",
    re.IGNORECASE,
)
_LATE = 3
_BY = re.compile(r"\s*\bby\s*\{[^}]*\}")


def fired(incident: Incident, case: Case) -> Iterator[Finding]:
    """Find the clock at which a monitor would have alerted, where its metric passed at another.

    It may be told by the first point beyond the threshold, or by the end of a window of such.
    """
    start, end = case.moments.start, case.moments.recovered
    rows = [
        (row, match, said)
        for row in case.rows("monitors")
        if (match := _QUERY.fullmatch(str(row.get("query") or "")))
        and (said := _FIRED.search(str(row.get("purpose") or "")))
    ]
    curves = derived.drawn(incident, case) if rows and start and end else ()
    for row, match, said in rows:
        own = _own(curves, match["metric"])
        firsts = [at for each in own if start and end and (at := _first(each, match, start, end))]
        if not firsts:
            continue
        first = min(firsts)
        length = float(match["count"]) * _MINUTES[match["unit"]]
        told = spoken.clocked(said)
        late = (told[0] - 60 * first.hour - first.minute) if told else 0
        if (
            told
            and told[1] == _DAY
            and not -_LATE <= (late + _DAY / 2) % _DAY - _DAY / 2 <= length + _LATE
        ):
            yield single.about(
                case,
                Code.RANGE,
                "purpose",
                message=f"“{said.group()}”, but its metric first passed {match['bound']} at "
                f"{first:%H:%M} UTC.",
                remedy="Correct the clock, or the query.",
                at=("monitors", row["row"]),
            )


def _first(
    curve: Curve, match: re.Match[str], start: dt.datetime, end: dt.datetime
) -> dt.datetime | None:
    """Return when a metric was first beyond the threshold of a monitor in the incident."""
    levels = curve.levels
    if match["way"] == "sum":
        many = max(1, round(float(match["count"]) * _MINUTES[match["unit"]]))
        levels = np.convolve(levels, np.ones(many))[: len(levels)]
    beyond = (
        levels > float(match["bound"])
        if match["compared"] == ">"
        else levels < float(match["bound"])
    )
    own = beyond & (curve.moments >= ranges.micros(start)) & (curve.moments <= ranges.micros(end))
    at = np.flatnonzero(own)
    return times.EPOCH + int(curve.moments[at[0]]) * frozen.MICROSECOND if len(at) else None


def _own(curves: Sequence[Curve], metric: str) -> list[Curve]:
    """Return the curves of just a metric; of one that is frozen by group its sum."""
    asked = _plain(metric)
    return [
        each
        for each in curves
        if _plain(each.query) == asked
        or (not each.series and _plain(_BY.sub("", each.query)) == asked)
    ]


def _plain(query: str) -> str:
    return "".join(query.split())


def _top(levels: NDArray[np.float64], match: re.Match[str], *, over: bool) -> float:
    """Return the highest, or lowest, value that a window of a monitor can have of some points."""
    if match["way"] == "sum":
        many = max(1, round(float(match["count"]) * _MINUTES[match["unit"]]))
        levels = np.convolve(levels, np.ones(min(many, len(levels))), "valid")
    return float(levels.max() if over else levels.min())


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (thresholds, windows)
