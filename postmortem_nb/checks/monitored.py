"""Proposed monitors against their own query, and that against the frozen metric."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb import times
from postmortem_nb.checks import alarms, derived, frozen, ranges, single, spoken, written
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.spoken import SPAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case, Row
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


_OPENING = {")": "(", "}": "{", "]": "["}


def brackets(case: Case) -> Iterator[Finding]:
    """Find a query whose brackets do not fit together: Datadog refuses it."""
    for row in case.rows("monitors"):
        query = str(row.get("query") or "")
        opened: list[str] = []
        odd = ""
        for char in _QUOTED.sub("", query):
            if char in _OPENING.values():
                opened.append(char)
            elif char in _OPENING and (not opened or opened.pop() != _OPENING[char]):
                odd = odd or char
        odd = odd or "".join(opened[-1:])
        if odd:
            yield single.about(
                case,
                Code.RANGE,
                "query",
                message=f"A bracket “{odd}” has no other one: Datadog would refuse the query.",
                remedy="Close it, as in avg(last_5m):sum:metric{service:checkout} > 5.",
                at=("monitors", row["row"]),
            )


_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"")
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
_BEYOND = re.compile(
    r"(?:(?<!no )(?<!not )\b(?:more|fewer|less|greater|lower|higher) than|"
    r"\b(?:over|above|below|under|exceed\w*|beyond)|[<>])\s?$",
    re.IGNORECASE,
)
"""Before a count: it is itself not enough."""
_PER = re.compile(r"\s?(?:%|percent|ms|s|seconds?|minutes?|min|h|hours?)(?!\w)", re.IGNORECASE)
"""Behind a figure: it is no count."""
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
        next_ = (_is_next(each, match["way"], bound) for _, each in figures)
        if not any(near) and not any(next_):
            yield single.about(
                case,
                Code.RANGE,
                "threshold",
                message=f"Threshold {told.strip()!r}, but its query has {match['bound']}.",
                remedy="Correct the one that is wrong.",
                at=("monitors", row["row"]),
            )


_OVER_WORDS = re.compile(
    r">|\b(?:above|over|more than|greater than|exceed\w*|at least)\b", re.IGNORECASE
)
_UNDER_WORDS = re.compile(
    r"<|\b(?:below|under|less than|fewer than|lower than|at most)\b", re.IGNORECASE
)


def sides(case: Case) -> Iterator[Finding]:
    """Find a threshold told on the other side than the query has it."""
    for row in case.rows("monitors"):
        match = _BOUND.search(str(row.get("query") or "").strip())
        told = _DURING.sub(" ", str(row.get("threshold") or ""))
        over, under = _OVER_WORDS.search(told), _UNDER_WORDS.search(told)
        plain = bool(over) != bool(under) and not _REST.search(told)
        if match and plain and match["way"].startswith(">") != bool(over):
            said = row["threshold"].strip()
            yield single.about(
                case,
                Code.RANGE,
                "threshold",
                message=f"Threshold {said!r}, but its query has {match.group().strip()}.",
                remedy="Correct the one that is wrong.",
                at=("monitors", row["row"]),
            )


_REST = re.compile(r"\b(?:left|free|remain\w*|unused|not|no|without|available)\b", re.IGNORECASE)
_TAG = re.compile(r"(?<![\w.@-])(?:service|env):(?P<name>[a-z][\w.-]*\w)", re.IGNORECASE)


def foreign(incident: Incident, case: Case) -> Iterator[Finding]:
    """Find a proposed monitor on a service or environment of which nothing else tells."""
    told = " ".join(
        str(cell.value).lower() for cell in case.cells if (cell.table, cell.column.name) != _ASKED
    )
    asked = " ".join(
        str(each.get("arguments")) for each in frozen.listed(incident.path / "evidence", case)
    )
    for row in case.rows("monitors") if _TAG.search(asked) else ():
        for match in _TAG.finditer(str(row.get("query") or "")):
            kind = match.group().partition(":")[0]
            beside = f"{kind}:" in asked.lower()
            if beside and match["name"].lower() not in f"{told} {asked.lower()}":
                yield single.about(
                    case,
                    Code.SOURCES,
                    "query",
                    message=f"{match.group()} is told nowhere else, and no frozen answer is of it.",
                    remedy="Correct the query, or say what it has to do with the incident.",
                    severity=Severity.HINT,
                    at=("monitors", row["row"]),
                )


_ASKED = ("monitors", "query")


def _is_next(figure: re.Match[str], way: str, bound: float) -> bool:
    """Return whether a count is the first beyond a query's bound: “3 failures” is “> 2”.

    The other way round too: “more than 2” is “>= 3”.
    """
    count, strict = (
        written.numeral(figure.group()),
        _BEYOND.search(figure.string, 0, figure.start()),
    )
    if _PER.match(figure.string, figure.end()) or count % 1 or bound % 1:
        return False
    step = (1 if way.startswith(">") else -1) * (-1 if "=" in way else 1)
    return bool(strict) == ("=" in way) and count == bound + step


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

    Only where just that query is frozen; a hint, as a monitor may be meant for another incident.
    """
    for row, match, (moments, levels) in _evaluated(incident, case):
        over, bound = match["compared"] == ">", float(match["bound"])
        if len(moments) and not _beyond(match, levels).any():
            most = float(levels.max() if over else levels.min())
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


_EVEN = 0.9
"""Share of the points that come at even steps."""
_BY = re.compile(r"\s*\bby\s*\{[^}]*\}")


def fired(incident: Incident, case: Case) -> Iterator[Finding]:
    """Find the clock at which a monitor would have alerted, where its metric passed at another.

    It may be told by the first window beyond the threshold, or by a whole one later.
    """
    for row, match, (moments, levels) in _evaluated(incident, case):
        said = alarms.AT.search(str(row.get("purpose") or ""))
        told = spoken.clocked(said) if said else None
        beyond = _beyond(match, levels)
        if said is None or told is None or told[1] != _DAY or not beyond.any():
            continue
        first = times.EPOCH + int(moments[beyond][0]) * frozen.MICROSECOND
        late = (told[0] - 60 * first.hour - first.minute + _DAY / 2) % _DAY - _DAY / 2
        if not -alarms.LATE <= late <= _length(match) + alarms.LATE:
            yield single.about(
                case,
                Code.RANGE,
                "purpose",
                message=f"“{said.group()}”, but its metric first passed {match['bound']} at "
                f"{first:%H:%M} UTC.",
                remedy="Correct the clock, or the query.",
                at=("monitors", row["row"]),
            )


def _evaluated(
    incident: Incident, case: Case
) -> Iterator[tuple[Row, re.Match[str], tuple[NDArray[np.int64], NDArray[np.float64]]]]:
    """Yield the proposed monitors whose metric is frozen, with the values of their windows.

    Those that end within the incident, by moment, of all groups. Not those that were back-tested:
    `alarms` has what they would have done.
    """
    start, end = case.moments.start, case.moments.recovered
    asked = ((row, _QUERY.fullmatch(str(row.get("query") or ""))) for row in case.rows("monitors"))
    tried = alarms.tried(incident, case)
    for row, match in asked if start and end else ():
        if match is None or row["row"] in tried or start is None or end is None:
            continue
        own = _own(derived.drawn(incident, case), match["metric"])
        made = [each for one in own if (each := _windowed(one, match)) is not None]
        if not made or len(made) < len(own):
            continue
        moments, levels = (np.concatenate(each) for each in zip(*made, strict=True))
        inside = (moments >= ranges.micros(start)) & (moments <= ranges.micros(end))
        order = np.argsort(moments[inside], kind="stable")
        yield row, match, (moments[inside][order], levels[inside][order])


def _windowed(
    curve: Curve, match: re.Match[str]
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Return the values of a monitor’s windows by their ends; None where points are missing."""
    steps = np.diff(curve.moments)
    step = float(np.median(steps)) if len(steps) else 0.0
    if not step or np.mean(steps == step) < _EVEN or "as_rate" in curve.query:
        return None
    many = max(1, round(_length(match) * 60e6 / step))
    if many > len(curve.levels):
        return None
    spans = np.lib.stride_tricks.sliding_window_view(curve.levels, many)
    return curve.moments[many - 1 :], _WAYS[match["way"]](spans)


_WAYS: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "sum": lambda spans: spans.sum(axis=1),
    "avg": lambda spans: spans.mean(axis=1),
    "min": lambda spans: spans.min(axis=1),
    "max": lambda spans: spans.max(axis=1),
}
"""How a monitor reads its window."""


def _length(match: re.Match[str]) -> float:
    """Return the minutes of a monitor’s window."""
    return float(match["count"]) * _MINUTES[match["unit"]]


def _beyond(match: re.Match[str], levels: NDArray[np.float64]) -> NDArray[np.bool_]:
    bound = float(match["bound"])
    found: NDArray[np.bool_] = levels > bound if match["compared"] == ">" else levels < bound
    return found


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


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (thresholds, sides, windows, brackets)
