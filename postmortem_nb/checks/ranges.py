"""Between what a frozen metric was: at its height, usually, around the moments of a sentence."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb import times
from postmortem_nb.checks import frozen, metered, spoken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.derived import Gauge
    from postmortem_nb.checks.frozen import Curve

AROUND, _MINUTE = 180_000_000, 60_000_000  # µs
_NEAR_BY = dt.timedelta(microseconds=AROUND)
_EXACT = 0.011
"""How wide what a number may mean is at most where it is told to three digits."""
_LOW, _HIGH = 0.75, 1.3
_FIRM = 0.85
_SHAKY = frozenset({"rate", "latency", "failing"})
"""Kinds that go up and down within a minute; what waits is steadier."""
_POINT = 1.0
_DAILY = 2.5
"""How often as high, or as low, as its middle before the start the usual level may be told."""
_TENTH = 0.15
_FIVE = 5
_RARE = 0.02
"""Share of the points, at either end, that are no usual level."""
_SHARP = 3
"""Digits of a level that is told sharply."""
_SETTLED = re.compile(
    r"\b(?:back|settled|steady|stayed|remained|hovered)\s(?:[a-z]+\s)?(?:at|to|around|on)\s$",
    re.IGNORECASE,
)
"""Before a level: it is the middle of those that follow."""
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_POINTS = 30
"""Points before the start of which the middle is the usual level."""


class Level(NamedTuple):
    """What a sentence says of a metric: at its height, usually, or at moments."""

    cell: Cell
    sentence: str
    kind: str
    value: metered.Value
    which: str
    moments: Sequence[dt.datetime] = ()
    begin: int = 0
    end: int = 0
    percentile: str = ""
    group: str = ""
    gauge: Gauge | None = None
    clocked: bool = False
    """Whether it is the highest one, told with its clock."""
    stretch: tuple[dt.datetime, dt.datetime] | None = None
    """Between what moments it is the highest one, where that is not the whole incident."""

    @property
    def is_exact(self) -> bool:
        """Whether a level is told to three digits or more, and not loosely: as it was read off."""
        told = _NUMBER.search(self.sentence, self.value.begin, self.value.end)
        head = self.sentence[: self.value.begin]
        hedged = spoken.HEDGE.search(head) or _SETTLED.search(head)
        digits = re.sub(r"\D", "", told.group()).strip("0") if told else ""
        bounded = np.isfinite(self.value.low) and np.isfinite(self.value.high)
        return len(digits) >= _SHARP and not hedged and bool(bounded)

    @property
    def said(self) -> str:
        """What a finding doubts."""
        return " ".join(self.sentence[self.begin : self.end].split())


def _highest(
    curve: Curve, start: dt.datetime | None, end: dt.datetime | None
) -> tuple[float, float] | None:
    """Return the highest level within the incident, twice."""
    levels = within(curve, start, end)
    top = float(levels.max()) if len(levels) else None
    return None if top is None else (top, top)


def within(curve: Curve, start: dt.datetime | None, end: dt.datetime | None) -> NDArray[np.float64]:
    """Return the levels of a metric between two moments, or from or to one."""
    return curve.levels[inside(curve, start, end)]


def inside(curve: Curve, start: dt.datetime | None, end: dt.datetime | None) -> NDArray[np.bool_]:
    """Return which points of a metric lie between two moments, or from or to one."""
    own = np.ones(len(curve.moments), dtype=bool)
    if start:
        own &= curve.moments >= micros(start)
    if end:
        own &= curve.moments <= micros(end)
    return own


def micros(at: dt.datetime) -> int:
    """Return a moment as µs since the epoch, as curves have them."""
    return (at - times.EPOCH) // frozen.MICROSECOND


def around(curve: Curve, moments: Sequence[dt.datetime]) -> tuple[float, float] | None:
    """Return the lowest and highest level around moments."""
    near = np.zeros(len(curve.moments), dtype=bool)
    for at in moments:
        near |= np.abs(curve.moments - micros(at)) <= AROUND
    levels = curve.levels[near]
    return (float(levels.min()), float(levels.max())) if len(levels) else None


def spans(curve: Curve, each: Level, case: Case) -> Iterator[tuple[float, float]]:
    """Yield between what a metric was at the times that a level may be told of."""
    ways = [each.which]
    row = each.cell.table in {"timeline", "updates"} or each.stretch
    if each.which == metered.TOP and row and each.moments:
        ways = [metered.TOP, metered.AT]  # “jumps to 1.1 s” in the row of that minute
    if each.which == metered.ANY:
        ways = [metered.TOP, metered.USUAL, metered.AT if each.moments else metered.ANY]
    for way in ways:
        span = _held(curve, each._replace(which=way), case)
        if span:
            yield span
    if each.which == metered.ANY:
        yield from _quiet(curve, each, case)


def _quiet(curve: Curve, each: Level, case: Case) -> Iterator[tuple[float, float]]:
    """Yield between what a metric was in the hours before the start, and after the end."""
    start, end = case.moments.start, case.moments.recovered
    scale = factor(curve, each.kind)
    parts = [curve.levels[curve.moments < micros(start)]] if start else []
    parts += [curve.levels[curve.moments > micros(end)]] if end else []
    for part in parts:
        if len(part):
            low, high = np.quantile(part, (_RARE, 1 - _RARE))
            yield float(low) * scale, float(high) * scale


def _held(curve: Curve, each: Level, case: Case) -> tuple[float, float] | None:
    """Return between what a metric was: at its height, usually, or around moments."""
    start, end = case.moments.start, case.moments.recovered
    if each.which == metered.TOP and each.stretch:
        span = _highest(curve, each.stretch[0] - _NEAR_BY, each.stretch[1] + _NEAR_BY)
    elif each.which == metered.TOP:
        span = _highest(curve, start, end)
    elif each.which == metered.AT:
        span = around(curve, each.moments)
    elif each.which == metered.FOLD:
        return _fold(curve, start, end, short=each.cell.table in {"timeline", "updates"})
    elif each.which == metered.ANY:
        span = (float(curve.levels.min()), float(curve.levels.max())) if len(curve.levels) else None
    elif each.which == metered.EVER:
        span = (float("-inf"), float(curve.levels.max())) if len(curve.levels) else None
    elif each.which == metered.EARLIER:
        before = within(curve, None, start - dt.timedelta(minutes=1)) if start else ()
        span = (float(min(before)), float(max(before))) if len(before) >= _POINTS else None
    else:
        span = _middle(curve, start)
    scale = factor(curve, each.kind)
    return (span[0] * scale, span[1] * scale) if span else None


def factor(curve: Curve, kind: str) -> float:
    """Return by what a level is multiplied to be in seconds, or a minute's."""
    if kind == "latency":
        return metered.SECONDS.get(curve.unit, 1.0)
    if kind not in {"failing", "arriving"}:
        return 1.0
    steps = np.diff(curve.moments)
    minutes = float(np.median(steps)) / _MINUTE if len(steps) else 1.0
    return 60.0 if "as_rate" in curve.query else 1 / max(minutes, 1 / 60)


def _middle(curve: Curve, start: dt.datetime | None) -> tuple[float, float] | None:
    """Return the middle of a metric before the start, twice."""
    if start is None:
        return None
    before = curve.levels[curve.moments < micros(start)]
    middle = float(np.median(before)) if len(before) >= _POINTS else None
    return None if middle is None else (middle, middle)


def _fold(
    curve: Curve, start: dt.datetime | None, end: dt.datetime | None, *, short: bool
) -> tuple[float, float] | None:
    """Return how many times its level before the start a metric had within the incident.

    The lower one is of five points together; ``short``: in the middle of it, it may be less.
    """
    smooth = curve
    if len(curve.levels) >= _FIVE:
        mean = np.convolve(curve.levels, np.ones(_FIVE) / _FIVE, "same")
        smooth = replace(curve, levels=mean)
    before = curve.levels[: np.searchsorted(curve.moments, micros(start))] if start else ()
    tops = [_highest(each, start, end) for each in (smooth, curve)]
    if len(before) < _POINTS or not all(tops):
        return None
    usual = [each for each in (float(np.median(before)), float(np.mean(before))) if each > 0]
    found = [top[0] / each for top in tops for each in usual if top]
    return (0.0 if short else min(found), max(found)) if found else None


def exactly(each: Level, curve: Curve, near_by: int = _MINUTE) -> bool:
    """Return whether a metric had the very level of a sentence around its moments."""
    near = np.zeros(len(curve.moments), dtype=bool)
    for at in each.moments:
        near |= np.abs(curve.moments - micros(at)) <= near_by
    return _is_among(each, curve.levels[near] * factor(curve, each.kind))


def is_height(each: Level, curve: Curve, case: Case) -> bool:
    """Return whether the very level of a sentence is the highest one of the incident."""
    tops = _highest(curve, case.moments.start, case.moments.recovered) or ()
    return _is_among(each, np.array(tops) * factor(curve, each.kind))


def _is_among(each: Level, levels: NDArray[np.float64]) -> bool:
    low, high = each.value.low * (1 - _EXACT), each.value.high * (1 + _EXACT)
    return bool(((levels >= low) & (levels <= high)).any())


def holds(each: Level, low: float, high: float) -> bool:
    """Return whether the level of a sentence is within what a metric had."""
    share = each.value.unit == "%"
    if each.which == metered.FOLD:
        low, high = low * _LOW, high * _HIGH
    elif each.which == metered.USUAL:
        slack = _TENTH if share else 0.0
        low, high = low / _DAILY - slack, high * _DAILY + slack
    elif each.which == metered.EARLIER:
        slack = _POINT if share else 0.0
        low, high = low * _FIRM - slack, high / _FIRM + slack
    elif each.which == metered.TOP:
        slack = max(_POINT if share else 0.0, metered.NEAR * high)
        low, high = low - slack, high + slack
    else:
        near, far = (_LOW, _HIGH) if each.kind in _SHAKY else (_FIRM, 1 / _FIRM)
        slack = _POINT if share else 0.0
        if each.value.high - each.value.low <= _EXACT * each.value.high:
            near, far = 1 - metered.NEAR, 1 + metered.NEAR
        low, high = low * near - slack, high * far + slack
    return each.value.low <= high and low <= each.value.high


def gap(each: Level, low: float, high: float) -> float:
    """Return how far the level of a sentence is from what a metric was."""
    return max(low - each.value.high, each.value.low - high)
