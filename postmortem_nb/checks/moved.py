"""How a frozen metric moved, as sentences tell it: “fell by a third”, “grows by 60 a minute”.

A sentence names a metric by what it measures, which way it went, and by what share or how fast; its
stretch lies between two clocks or events, is as long as it says, or lies around its row. It is
doubted where no frozen metric of that kind moved so; without such a metric nothing is known.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb import times
from postmortem_nb.checks import derived, frozen, instants, metered, spoken, written
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, passages, sentences
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

    _Stretch = tuple[dt.datetime, dt.datetime]

MOST = 100
"""Movements that are looked at in a document: a text of nothing else must not slow a form."""
_DOWN = (
    r"(?:f[ae]ll(?:s|ing|en)?|drop(?:s|ped|ping)?|sank|sinks?|sinking|shr[aiu]nk\w*|"
    r"declin(?:es?|ed|ing)|decreas(?:es?|ed|ing)|eas(?:es|ed|ing)|drain(?:s|ed|ing)?|"
    r"(?:went|gone|came|come|goes|going|coming|is|are|was|were) down)"
)
_UP = (
    r"(?:r[oi]s(?:e|es|en|ing)|gr[eo]w(?:s|n|ing)?|climb(?:s|ed|ing)?|increas(?:es?|ed|ing)|"
    r"jump(?:s|ed)?|swell(?:s|ed|ing)?|(?:built|builds|building|went|gone|goes|going|is|are|was|"
    r"were) up|"
    r"pil(?:es?|ed|ing) up)"
)
_MAY = re.compile(rf"\b(?:{_DOWN}|{_UP})\b", re.IGNORECASE)
_HEDGES = (
    r"(?:(?:about|around|some|roughly|nearly|almost|barely|hardly|just|only|well|over|under|"
    r"more than|less than|at least|up to|a little|close to)\s)*"
)
_BY = re.compile(
    rf"\b(?:(?P<down>{_DOWN})|(?P<up>{_UP}))\s(?:(?!by\b|to\b|from\b)[\w-]+\s){{0,3}}?"
    rf"(?:by|at|with)\s{_HEDGES}$",
    re.IGNORECASE,
)
"""Before a figure: by so much it moved, or so fast."""
_RATE = re.compile(
    rf"(?P<number>\d{{1,3}}(?:,\d{{3}})+|\d+(?:\.\d+)?|\b(?:{'|'.join(spoken.WORDS)})\b)\s"
    r"(?:(?!to\b|and\b)[a-z]+\s){0,3}?(?:a|per|each|every)\s(?P<unit>second|minute|hour)\b",
    re.IGNORECASE,
)
_PART = re.compile(
    rf"\b(?:{'|'.join(sorted(written.FRACTIONS, key=len, reverse=True))})(?!\s(?:an?\b|of\b))",
    re.IGNORECASE,
)
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("queue", re.compile(r"\b(?:queue[sd]?|backlog|waiting)\b|\bdrain", re.IGNORECASE)),
    ("rate", re.compile(r"\b(?:error|failure)[- ]rate\b", re.IGNORECASE)),
    ("latency", re.compile(r"\b(?:latency|p\d\d|response times?)\b", re.IGNORECASE)),
    ("cpu", re.compile(r"\bCPU\b")),
    ("failing", re.compile(metered.BAD, re.IGNORECASE)),
)
"""What moved → its words; the first that a sentence has."""
_PAIR = re.compile(
    r"\b(?:between|from)\s(?P<one>[^,;.()]{3,60}?)\s(?:and|to|until)\s(?P<other>[^,;.()]{3,60})",
    re.IGNORECASE,
)
_WITHIN = re.compile(
    rf"\b(?:in|within|over|inside)\s(?:the\s)?(?:(?:first|next|last)\s)?"
    rf"(?:about\s|some\s|barely\s|just\s)?{spoken.SPAN}",
    re.IGNORECASE,
)
_SINCE = re.compile(r"\bsince\s(?P<event>[^,;.()]{3,60})", re.IGNORECASE)
_OPEN = re.compile(
    rf"\b(?:{metered.SETTING}|might|may|unless|never|not|usually|normally|"
    r"every (?:day|night|week|evening|morning)|week|month|year|budget|than|again)\b",
    re.IGNORECASE,
)
"""In a sentence: it is no plain statement of how a metric moved in the incident."""
_NEAR = 2
"""Minutes around a moment within which its level lies: clocks are told to the minute."""
_LAGS = (5, 10, 15, 20, 30)
"""Minutes of a stretch around a row that says none."""
_POINTS, _OFF = 6.0, 0.25
"""Points of percent, and share of a speed, that may be off."""
_FEWEST = 5.0
"""Level from which on a share of it is known: of three failures a third is one."""
_FEWEST_POINTS = 10
_MINUTE, _STEP = dt.timedelta(minutes=1), dt.timedelta(minutes=2)
_BESIDE = dt.timedelta(hours=3)
"""How far before the start, and after the end, a movement may lie."""
_LONGEST = 10_000
"""Minutes that are looked at: a week is no incident."""
_UNITS = {"second": 60.0, "minute": 1.0, "hour": 1 / 60}


class _Moved(NamedTuple):
    """What a sentence says of a metric: by what percent, or how fast a minute, and when."""

    cell: Cell
    sentence: str
    kind: str
    low: float
    high: float
    is_share: bool
    down: bool
    said: str
    end: int
    unit: str
    stretches: Sequence[_Stretch]


class _Grid(NamedTuple):
    """A metric minute by minute: what it was around each, in the middle, at least and at most."""

    begin: dt.datetime
    mean: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield movements that no frozen metric of their kind made."""
    curves: Sequence[Curve] | None = None
    for each in islice(_told(case), MOST):
        curves = derived.drawn(incident, case) if curves is None else curves
        fit = [one for one in curves if derived.measures(one, each.kind)]
        own = derived.own(fit, each.sentence, each.end, instants.beside(case, each.cell))
        spans = [(one.label, *span) for one in own if (span := _span(one, each, case))]
        if spans and not any(_fits(each, *ends) for _, *ends in spans):
            yield about(case, each.cell, f"“{each.said}”, but {_truth(each, spans)}.")


def _told(case: Case) -> Iterator[_Moved]:
    """Yield what the sentences of a document tell of movements."""
    for cell, text in passages(case):
        if not matches(_MAY, text):
            continue
        for sentence in sentences(text):
            if len(sentence) <= LONGEST and not _OPEN.search(sentence):
                yield from _moves(case, cell, sentence)


def _moves(case: Case, cell: Cell, sentence: str) -> Iterator[_Moved]:
    kind = next((name for name, said in _KINDS if said.search(sentence)), "")
    figures = [
        (each.low, each.high, each.begin, each.end, "")
        for each in written.figures(sentence)
        if each.kind == "share" and not re.match(r"\s?points?\b", sentence[each.end :])
    ]
    for match in _PART.finditer(sentence):
        low, high = written.FRACTIONS[match.group().lower()]
        figures.append((low, high, *match.span(), ""))
    for match in _RATE.finditer(sentence):
        said = match["number"].lower()
        value = spoken.COUNTS.get(said) or float(said.replace(",", ""))
        figures.append((value, value, match.start(), match.end(), match["unit"].lower()))
    for low, high, begin, end, unit in figures if kind else ():
        way = _BY.search(sentence[:begin])
        if way is None or (unit and kind not in {"queue", "failing"}):
            continue
        if unit and kind == "failing" and not way.group().rstrip().endswith("by"):
            continue
        stretches = _stretches(case, cell, sentence)
        factor = _UNITS.get(unit, 1.0)
        if stretches:
            said = sentence[way.start() : end]
            down = bool(way["down"])
            yield _Moved(
                cell,
                sentence,
                kind,
                low * factor,
                high * factor,
                not unit,
                down,
                said,
                end,
                unit,
                stretches,
            )


def _stretches(case: Case, cell: Cell, sentence: str) -> list[_Stretch]:
    """Return between what moments a sentence tells of a movement: any of them will do."""
    row = instants.row(case, cell)
    pair, since, within = (each.search(sentence) for each in (_PAIR, _SINCE, _WITHIN))
    clocks = [int(each.low) for each in written.figures(sentence) if each.kind == "clock"]
    if len(clocks) == 2:
        one, other = (instants.on_day(case, each) for each in clocks)
        return [(one, other)] if one < other else []
    if pair and not clocks:
        ends = [instants.of_event(case, pair["one"]), instants.of_event(case, pair["other"])]
        return [(a, b) for a in ends[0] for b in ends[1] if a < b]
    if since and row:
        begin = [instants.on_day(case, at) for at in clocks] if len(clocks) == 1 else []
        begin = begin or instants.of_event(case, since["event"])
        return [(a, row[0]) for a in begin if a < row[0]]
    if within:
        return _long(case, row, dt.timedelta(minutes=spoken.minutes(within["span"])[0]))
    if clocks or not row:
        return []
    near = [dt.timedelta(minutes=each) for each in _LAGS]
    return [
        (row[0] - part * each, row[0] + (1 - part) * each)
        for each in near
        for part in (0.0, 0.5, 1.0)
    ]


def _long(case: Case, row: Sequence[dt.datetime], length: dt.timedelta) -> list[_Stretch]:
    """Return the stretches of a length that begin or end at a row; all of the incident without."""
    start, end = case.moments.start, case.moments.resolved or case.moments.recovered
    if row:
        return [(row[0] - length, row[0]), (row[0], row[0] + length)]
    if start is None or end is None or not dt.timedelta(0) < length < end - start:
        return []
    count = min((end - start - length) // _STEP, _LONGEST) + 1
    return [(start + each * _STEP, start + each * _STEP + length) for each in range(count)]


def _grid(curve: Curve, case: Case) -> _Grid | None:
    """Return a metric minute by minute, from hours before the start to hours after the end."""
    start, end = case.moments.start, case.moments.resolved or case.moments.recovered
    if start is None or end is None or len(curve.moments) < _FEWEST_POINTS:
        return None
    begin = start - _BESIDE
    minutes = (curve.moments - (begin - times.EPOCH) // frozen.MICROSECOND) / 60e6
    every = np.arange(min((end - begin + _BESIDE) // _MINUTE, _LONGEST))
    step = max(float(np.median(np.diff(minutes))), 1 / 60)
    levels = curve.levels * (60.0 if "as_rate" in curve.query else 1.0)
    if derived.is_counted(curve.query) and step <= 1:
        held = np.zeros(len(every))
        inside = (minutes >= 0) & (minutes < len(every))
        np.add.at(held, minutes[inside].astype(np.int64), levels[inside])
    else:
        counted = "as_count" in curve.query
        held = np.interp(every, minutes, levels / step if counted else levels, np.nan, np.nan)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(held, _NEAR, "edge"), 2 * _NEAR + 1)
    return _Grid(begin, near.mean(axis=1), near.min(axis=1), near.max(axis=1))


def _span(curve: Curve, each: _Moved, case: Case) -> tuple[float, float] | None:
    """Return the least and the most that a metric moved in the stretches, as it is told."""
    grid = _grid(curve, case)
    if grid is None:
        return None
    ends = np.array([[(at - grid.begin) // _MINUTE for at in one] for one in each.stretches])
    ends = ends[(ends >= 0).all(axis=1) & (ends < len(grid.most)).all(axis=1)]
    if not len(ends):
        return None
    length = (ends[:, 1] - ends[:, 0]).clip(1)
    sign = -1.0 if each.down else 1.0
    since, until = ends.T
    if each.is_share:
        known = grid.least[since] >= (0 if curve.unit == "percent" else _FEWEST)
        first, then = ((grid.least[at[known]], grid.most[at[known]]) for at in (since, until))
        with np.errstate(divide="ignore", invalid="ignore"):
            moves = [100 * sign * (b - a) / a for a in first for b in then]
    else:
        moves = [sign * (grid.mean[until] - grid.mean[since]) / length]
    every = np.concatenate(moves)
    every = every[np.isfinite(every)]
    return (float(every.min()), float(every.max())) if len(every) else None


def _fits(each: _Moved, low: float, high: float) -> bool:
    """Return whether a metric moved as a sentence tells."""
    slack = _POINTS if each.is_share else _OFF * max(abs(low), abs(high))
    return each.low <= high + slack and low - slack <= each.high


def _truth(each: _Moved, spans: Sequence[tuple[str, float, float]]) -> str:
    """Return how the metric moved that is nearest to what is told."""
    label, low, high = min(spans, key=lambda span: max(span[1] - each.high, each.low - span[2]))
    down = each.down != (high <= 0)  # all of it the other way
    low, high = sorted((abs(low), abs(high))) if high <= 0 else (low, high)
    factor = 1.0 if each.is_share else _UNITS[each.unit]
    ends = dict.fromkeys(numeral(end / factor, 2) for end in (low, high))
    unit = " %" if each.is_share else f" a {each.unit}"
    return f"{label} {'fell' if down else 'rose'} by {' to '.join(ends)}{unit}"
