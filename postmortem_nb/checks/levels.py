"""Levels of the frozen metrics in sentences: “under 2 % by 15:38”, “a peak of 1,340 at 06:48”.

A sentence names a metric by what it measures (error rate, a percentile, latency), a level with its
unit, and a moment: an event, a clock, the row it stands in, or “at its worst”. It is doubted where
no frozen metric of that kind was at such a level then; without such a metric nothing is known.
“Usual” is the middle of what it was before the start.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb import times
from postmortem_nb.checks import derived, frozen, instants, metered, paired, written
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, attest, matches, passages, sentences
from postmortem_nb.checks.relations import moments, named
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.derived import Gauge
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 200
"""Levels that are looked at in a document: a text of nothing else must not slow a form."""
_SAID = re.compile(r"(?:Nothing else here has )?“(?P<number>\d[\d,.]*)\s(?!.*; nor “)")
"""What a finding doubts, where it begins with a number."""
_KNOWN, _SAME = 100, 0.98
"""From here on a number says by itself what it is of; how near to it a level lies."""
_AROUND, _MINUTE = 180_000_000, 60_000_000  # µs
_EXACT = 0.011
"""How wide what a number may mean is at most where it is told to three digits."""
_NAME = 3
"""Letters that the name of a group has at least."""
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
_POINTS = 30
"""Points before the start of which the middle is the usual level."""


class _Level(NamedTuple):
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

    @property
    def said(self) -> str:
        """What a finding doubts."""
        return " ".join(self.sentence[self.begin : self.end].split())


def found(incident: Incident, case: Case, attested: Attested) -> Iterator[Finding]:
    """Yield levels of sentences that no frozen metric of their kind had."""
    known = moments(case)
    sent = [(cell, str(cell.value)) for cell in case.cells if cell.table == "updates"]
    texts = [*passages(case), *((cell, text) for cell, text in sent if cell.column.name == "text")]
    curves = derived.drawn(incident, case)
    groups = frozenset(derived.group(one) for one in curves if len(derived.group(one)) >= _NAME)
    every = (each for cell, text in texts for each in _told(case, cell, text, known))
    pairs = (each for cell, text in texts for each in _paired(case, cell, text, groups))
    gauges = {kind for one in curves if (kind := derived.gauge(one))}
    others = (each for cell, text in texts for each in _gauged(case, cell, text, gauges))
    for each in (*islice(every, MOST), *islice(pairs, MOST), *islice(others, MOST)):
        fit = _own(case, each, [one for one in curves if _measures(one, each)])
        held = [(one, span) for one in fit for span in _spans(one, each, case)]
        minute = each._replace(which=metered.AT) if each.clocked else each
        then = [(one, span) for one in fit for span in _spans(one, minute, case)]
        if any(_holds(each, *span) for _, span in held):
            if each.clocked and then and not any(_holds(minute, *span) for _, span in then):
                one, span = min(then, key=lambda pair: bool(pair[0].series))
                truth = _truth(minute, one.label, *span)
                yield about(case, each.cell, f"“{each.said}”, but {truth}.")
                continue
            if any(_exactly(each, one, case) for one in fit):
                attest(attested, each.cell, each.sentence[each.value.begin : each.value.end])
            continue
        if not held:
            continue
        near = each.which == metered.ANY  # else all rather than a group
        curve, span = min(
            held, key=lambda one: _gap(each, *one[1]) if near else bool(one[0].series)
        )
        yield about(case, each.cell, f"“{each.said}”, but {_truth(each, curve.label, *span)}.")


def _measures(curve: Curve, each: _Level) -> bool:
    """Return whether a metric is the gauge, or of the kind, that a level is told of."""
    if each.gauge:
        return derived.gauge(curve) == each.gauge
    return derived.measures(curve, each.kind, each.percentile)


def _gap(each: _Level, low: float, high: float) -> float:
    """Return how far the level of a sentence is from what a metric was."""
    return max(low - each.value.high, each.value.low - high)


def unborne(incident: Incident, case: Case, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings but the hints about a figure that a metric had at the moment it is told of."""
    known = moments(case)
    places = {(cell.table, cell.row, cell.column.name): cell for cell in case.cells}
    for each in findings:
        cell = places.get((each.table, each.row, each.name))
        said = _SAID.match(each.message)
        doubt = each.code in {Code.PROSE, Code.LONE} and each.severity is Severity.HINT
        if not (doubt and cell and said and _bears(incident, case, cell, said, known)):
            yield each


def _bears(
    incident: Incident,
    case: Case,
    cell: Cell,
    said: re.Match[str],
    known: dict[str, list[dt.datetime]],
) -> bool:
    """Return whether a metric had a number at the moments of its sentence."""
    value = float(said["number"].replace(",", ""))
    told = (each for each in sentences(str(cell.value)) if said["number"] in each)
    sentence = next((each for each in told if len(each) <= LONGEST), "")
    at = instants.told(case, cell, sentence, known) if sentence and value >= _KNOWN else []
    spans = (_around(one, at) for one in derived.drawn(incident, case)) if at else ()
    return any(span and span[0] * _SAME <= value <= span[1] / _SAME for span in spans)


def _truth(each: _Level, label: str, low: float, high: float) -> str:
    unit, scale = each.value.unit, each.value.scale
    shown = f"{numeral(high / scale, 3)} {unit}".strip()
    if each.which == metered.TOP:
        return f"{label} has its highest level at {shown}"
    if each.which == metered.USUAL:
        return f"{label} was {shown} before the start"
    if each.which == metered.FOLD:
        return f"{label} was up to {numeral(high, 2)} times its usual level"
    if each.which == metered.ANY:
        return f"the nearest of {label} is {numeral(low / scale, 3)} to {shown}"
    if each.which == metered.EVER:
        return f"{label} never was above {shown}"
    return f"{label} is {numeral(low / scale, 3)} to {shown} at {times.shown(each.moments[0])}"


def _told(
    case: Case, cell: Cell, text: str, known: dict[str, list[dt.datetime]]
) -> Iterator[_Level]:
    """Yield the levels of a text: one topic a sentence, and of one level its moment."""
    for name, (said, _) in metered.TOPICS.items():
        for sentence in sentences(text) if matches(said, text) else ():
            topic = said.search(sentence) if len(sentence) <= LONGEST else None
            if topic is None:
                continue
            values = list(metered.values(name, sentence))
            for value in values:
                which = metered.which(name, sentence, value)
                at: Sequence[dt.datetime] = instants.behind(case, sentence, value.end)
                surely = bool(at) and not metered.PLANNED.search(sentence)
                if not which and (surely or metered.is_moment(topic, sentence, value, name)):
                    at = instants.told(case, cell, sentence, known) if len(values) == 1 else at
                    which = metered.AT if at else metered.EVER
                if not which and metered.is_level(name, sentence, value):
                    at, which = _every(case, cell, sentence), metered.ANY
                clocked = which == metered.TOP and bool(at)
                if which == metered.TOP and not at:
                    at = instants.row(case, cell)
                if which:
                    begin, end = min(topic.start(), value.begin), max(topic.end(), value.end)
                    percentile = topic.groupdict().get("p") or ""
                    level = _Level(cell, sentence, name, value, which, at, begin, end, percentile)
                    yield level._replace(clocked=clocked)


def _gauged(case: Case, cell: Cell, text: str, gauges: Collection[Gauge]) -> Iterator[_Level]:
    """Yield the levels of a text that it tells of gauges by the words of their names."""
    lowered = text.lower()
    for gauge in gauges:
        if not any(name in lowered for name in gauge.names | gauge.places):
            continue
        for sentence in sentences(text):
            for value in metered.gauged(sentence, *gauge) if len(sentence) <= LONGEST else ():
                at: Sequence[dt.datetime] = instants.behind(case, sentence, value.end)
                which = metered.AT if at else metered.ANY
                at = at or _every(case, cell, sentence)
                yield _Level(
                    cell, sentence, "queue", value, which, at, value.begin, value.end, gauge=gauge
                )


def _every(case: Case, cell: Cell, sentence: str) -> list[dt.datetime]:
    """Return every moment that a sentence may tell of: its clocks, its events, its row."""
    clocks = (each for each in written.figures(sentence) if each.kind == "clock")
    known = moments(case)
    named_ = [at for each in named(sentence) for at in known.get(each.name, ())]
    return [
        *(instants.on_day(case, int(each.low)) for each in clocks),
        *named_,
        *instants.row(case, cell),
    ]


def _paired(case: Case, cell: Cell, text: str, groups: Collection[str]) -> Iterator[_Level]:
    """Yield the levels of a text that stand with a group, at their clock or in their row."""
    lowered = text.lower()
    own = [each for each in groups if each in lowered]
    for sentence in sentences(text) if own else ():
        if len(sentence) > LONGEST:
            continue
        clocks = [each for each in written.figures(sentence) if each.kind == "clock"]
        for kind, value, group in paired.values(sentence, own):
            behind = instants.behind(case, sentence, value.end)
            near = [each for each in clocks if each.begin < value.begin]
            if clocks and not near and not behind:
                continue
            before = (
                [instants.on_day(case, int(near[-1].low))] if near else instants.row(case, cell)
            )
            moments = behind or before
            if moments:
                yield _Level(
                    cell,
                    sentence,
                    kind,
                    value,
                    metered.AT,
                    moments,
                    value.begin,
                    value.end,
                    group=group,
                )


def _own(case: Case, each: _Level, fit: Sequence[Curve]) -> Sequence[Curve]:
    """Return the curves of the groups that a level is told of."""
    if each.group:
        return [one for one in fit if derived.group(one) == each.group]
    return derived.own(fit, each.sentence, each.value.end, instants.beside(case, each.cell))


def _highest(
    curve: Curve, start: dt.datetime | None, end: dt.datetime | None
) -> tuple[float, float] | None:
    """Return the highest level within the incident, twice."""
    within = np.ones(len(curve.moments), dtype=bool)
    if start:
        within &= curve.moments >= _micros(start)
    if end:
        within &= curve.moments <= _micros(end)
    top = float(curve.levels[within].max()) if within.any() else None
    return None if top is None else (top, top)


def _micros(at: dt.datetime) -> int:
    return (at - times.EPOCH) // frozen.MICROSECOND


def _around(curve: Curve, moments: Sequence[dt.datetime]) -> tuple[float, float] | None:
    """Return the lowest and highest level around moments."""
    near = np.zeros(len(curve.moments), dtype=bool)
    for at in moments:
        near |= np.abs(curve.moments - _micros(at)) <= _AROUND
    levels = curve.levels[near]
    return (float(levels.min()), float(levels.max())) if len(levels) else None


def _spans(curve: Curve, each: _Level, case: Case) -> Iterator[tuple[float, float]]:
    """Yield between what a metric was at the times that a level may be told of."""
    ways = [each.which]
    row = each.cell.table in {"timeline", "updates"}
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


def _quiet(curve: Curve, each: _Level, case: Case) -> Iterator[tuple[float, float]]:
    """Yield between what a metric was in the hours before the start, and after the end."""
    start, end = case.moments.start, case.moments.recovered
    scale = _scale(curve, each.kind)
    parts = [curve.levels[curve.moments < _micros(start)]] if start else []
    parts += [curve.levels[curve.moments > _micros(end)]] if end else []
    for part in parts:
        if len(part):
            low, high = np.quantile(part, (_RARE, 1 - _RARE))
            yield float(low) * scale, float(high) * scale


def _held(curve: Curve, each: _Level, case: Case) -> tuple[float, float] | None:
    """Return between what a metric was: at its height, usually, or around moments."""
    start, end = case.moments.start, case.moments.recovered
    if each.which == metered.TOP:
        span = _highest(curve, start, end)
    elif each.which == metered.AT:
        span = _around(curve, each.moments)
    elif each.which == metered.FOLD:
        return _fold(curve, start, end, short=each.cell.table in {"timeline", "updates"})
    elif each.which == metered.ANY:
        span = (float(curve.levels.min()), float(curve.levels.max())) if len(curve.levels) else None
    elif each.which == metered.EVER:
        span = (float("-inf"), float(curve.levels.max())) if len(curve.levels) else None
    else:
        span = _middle(curve, start)
    scale = _scale(curve, each.kind)
    return (span[0] * scale, span[1] * scale) if span else None


def _scale(curve: Curve, kind: str) -> float:
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
    before = curve.levels[curve.moments < _micros(start)]
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
    before = curve.levels[: np.searchsorted(curve.moments, _micros(start))] if start else ()
    tops = [_highest(each, start, end) for each in (smooth, curve)]
    if len(before) < _POINTS or not all(tops):
        return None
    usual = [each for each in (float(np.median(before)), float(np.mean(before))) if each > 0]
    found = [top[0] / each for top in tops for each in usual if top]
    return (0.0 if short else min(found), max(found)) if found else None


def _exactly(each: _Level, curve: Curve, case: Case) -> bool:
    """Return whether a metric had the level of a sentence in that very minute, or at its height."""
    start, end = case.moments.start, case.moments.recovered
    near = np.zeros(len(curve.moments), dtype=bool)
    for at in each.moments:
        near |= np.abs(curve.moments - _micros(at)) <= _MINUTE
    tops = _highest(curve, start, end) or ()
    levels = np.array([*curve.levels[near], *tops]) * _scale(curve, each.kind)
    low, high = each.value.low * (1 - _EXACT), each.value.high * (1 + _EXACT)
    return bool(((levels >= low) & (levels <= high)).any())


def _holds(each: _Level, low: float, high: float) -> bool:
    """Return whether the level of a sentence is within what a metric had."""
    share = each.value.unit == "%"
    if each.which == metered.FOLD:
        low, high = low * _LOW, high * _HIGH
    elif each.which == metered.USUAL:
        slack = _TENTH if share else 0.0
        low, high = low / _DAILY - slack, high * _DAILY + slack
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
