"""Levels of the frozen metrics in sentences: “under 2 % by 15:38”, “a peak of 1,340 at 06:48”.

A sentence names a metric by what it measures (error rate, a percentile, latency), a level with its
unit, and a moment: an event, a clock, the row it stands in, or “at its worst”. It is doubted where
no frozen metric of that kind was at such a level then; without such a metric nothing is known.
“Usual” is the middle of what it was before the start.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb import times
from postmortem_nb.checks import events, frozen, spoken, written
from postmortem_nb.checks.reading import about, matches, passages, sentences
from postmortem_nb.checks.relations import moments, named
from postmortem_nb.checks.spoken import CLOCK, NUMBER, SPAN
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

_WHOLE = (
    r"\b(?P<whole>(?:requests|calls|attempts|checkouts|transactions)\s(?:\w+\s)?failed|"
    r"worst (?:minute|moment)|at (?:the|its) worst)\b"
)
_TOPICS: dict[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    name: (re.compile(said, re.IGNORECASE), re.compile(measured, re.IGNORECASE))
    for name, said, measured in (
        (
            "rate",
            rf"\b(?:error|failure)[- ]rate\b|\brate of (?:errors|failures)\b|{_WHOLE}",
            r"error[_.]rate",
        ),
        (
            "latency",
            r"\b(?:latency|response times?|(?P<p>p\d\d|\d\dth percentile))\b",
            r"duration|latency|response_time|^p\d\d:",
        ),
        ("cpu", r"\bCPU\b", r"\bcpu\b"),
        ("queue", r"\bqueue[sd]?\b|\bbacklog\b|\bwait(?:ed)? in\b", r"queue|backlog"),
    )
}
"""What a sentence can speak of → its words, and those of a query that measures it."""

_SECONDS = {"nanosecond": 1e-9, "microsecond": 1e-6, "millisecond": 1e-3, "second": 1.0}
"""Unit of a metric → seconds."""
_UNITS = {"s": 1.0, "seconds": 1.0, "second": 1.0}
_UNITS |= {"ms": 0.001, "milliseconds": 0.001, "min": 60.0, "minutes": 60.0}
_TIMED = re.compile(rf"{NUMBER}\s?(?P<unit>(?:ms|milliseconds|seconds?|s|min|minutes)\b)")
_QUEUED = re.compile(
    rf"{NUMBER}(?:\sor\sso)?\s(?:(?:[a-z]+\s)?(?:queued|wait(?:ing|ed)?)\b|deep\b|"
    r"in the (?:queue|backlog)\b)"
    rf"|\b(?:queue|backlog)(?:\sdepth)?\s(?:of\s(?!\d)[\w-]+\s)?(?:[\w,]+\s){{0,4}}?"
    r"(?:was|is|stood|stays|stayed|of|at|still|held|had|to)\s(?:(?:at|about|around|to)\s)?"
    rf"{NUMBER.replace('number', 'held').replace('scale', 'many')}"
    r"(?!\s?(?:%|ms\b|s\b|min|sec|hour))",
    re.IGNORECASE,
)
_TOP = re.compile(
    r"\b(?:peak\w*|up to|as (?:high|much|long) as|at (?:its|the|their) (?:highest|worst|height|"
    r"peak)|max\w*|topped|rose|climb\w*|jump\w*|shot up|spik\w*|reach\w*|grew)\s"
    r"(?:(?!from\b)[\w-]+\s){0,2}?(?:from\s[\d.,]+\s?(?:(?:%|ms|s)\s)?)?(?:to|at|of|with|about|around|"
    r"over|out at|"
    r"up to)?\s?$",
    re.IGNORECASE,
)
"""Before a level: it is the highest."""
_WORST = re.compile(
    r"\s(?:of\s[\w\s]{1,30}?\s)?(?:at|in|during)\s(?:the|its|their)\s(?:worst|peak|height)\b",
    re.IGNORECASE,
)
"""Behind a level: the same."""
_MINUTE = re.compile(
    r"\b(?:worst (?:minute|moment)|at (?:the|its) worst)\b[^.;]{0,60}$", re.IGNORECASE
)
_USUAL = re.compile(
    r"\b(?:usual(?:ly)?|normal(?:ly)?|typical(?:ly)?)\s(?:(?:at|of|about|around|level|is|was)\s)*$",
    re.IGNORECASE,
)
_UP_TO = re.compile(r"\bup to\s$", re.IGNORECASE)
_UNDER = re.compile(r"\b(?:under|below|less than|lower than|at most)\s$", re.IGNORECASE)
_OVER = re.compile(r"\b(?:over|above|more than|higher than|at least|exceed\w*)\s$", re.IGNORECASE)
_CLOCKED = re.compile(rf"\b(?:at|by|around|until)\s{CLOCK}", re.IGNORECASE)
_LAG = re.compile(
    rf"{SPAN}\s(?P<way>after|before|into|later)\b\s?(?P<event>[^,;.()]{{0,60}})", re.IGNORECASE
)
_STATED = re.compile(
    r"\b(?:(?:was|is|stood|fell|dropped|went|sank|came|stayed|remained)\b[^.;]*|(?:still|only|"
    r"back)\s(?:at|under|below|over|above)\s)$"
    r"|^\W*$|\b(?:error|failure)[- ]rate\s(?:still\s)?(?:(?:at|under|below|over|above|around|"
    r"about)\s)?$",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\b(?:threshold|alerts?|monitors?|averages?|usual\w*|normal\w*|objective|SLO|target|would|"
    r"should|could|if|until|week|before|from|never|not|criteri\w*|limit|capacity|holds?)\b",
    re.IGNORECASE,
)
"""In a sentence: its level may be no level of the incident at that moment."""

_PART = re.compile(r"[;,:]\s|\sand\s")
_AROUND = 180_000_000  # µs
_NEAR, _LOW, _HIGH = 0.05, 0.75, 1.3
_POINT = 1.0
_DAILY = 2.5
"""How often as high, or as low, as its middle before the start the usual level may be told."""
_TENTH = 0.15
_POINTS = 30
"""Points before the start of which the middle is the usual level."""
_TOP_OF, _USUAL_OF, _AT = "top", "usual", "at"


class _Value(NamedTuple):
    """A level that a sentence tells, in the metric's own unit."""

    low: float
    high: float
    begin: int
    end: int
    unit: str
    scale: float = 1.0


class _Level(NamedTuple):
    """What a sentence says of a metric: at its height, usually, or at moments."""

    cell: Cell
    topic: re.Match[str]
    kind: str
    value: _Value
    which: str
    moments: Sequence[dt.datetime] = ()


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield levels of sentences that no frozen metric of their kind had."""
    known = moments(case)
    sent = [(cell, str(cell.value)) for cell in case.cells if cell.table == "updates"]
    texts = [*passages(case), *((cell, text) for cell, text in sent if cell.column.name == "text")]
    told = [each for cell, text in texts for each in _told(case, cell, text, known)]
    if not told:
        return
    curves = frozen.drawn(incident, case)
    for each in told:
        fit = _own(each, [one for one in curves if _measures(one, each)])
        held = [(one, span) for one in fit if (span := _held(one, each, case))]
        if not held or any(_holds(each, *span) for _, span in held):
            continue
        curve, span = min(held, key=lambda one: bool(one[0].series))  # all rather than a group
        sentence = each.topic.string
        begin = min(each.topic.start(), each.value.begin)
        said = " ".join(sentence[begin : max(each.value.end, each.topic.end())].split())
        yield about(case, each.cell, f"“{said}”, but {_truth(each, curve.label, *span)}.")


def _truth(each: _Level, label: str, low: float, high: float) -> str:
    unit, scale = each.value.unit, each.value.scale
    shown = f"{numeral(high / scale, 3)} {unit}".strip()
    if each.which == _TOP_OF:
        return f"{label} has its highest level at {shown}"
    if each.which == _USUAL_OF:
        return f"{label} was {shown} before the start"
    return f"{label} is {numeral(low / scale, 3)} to {shown} at {times.shown(each.moments[0])}"


def _told(
    case: Case, cell: Cell, text: str, known: dict[str, list[dt.datetime]]
) -> Iterator[_Level]:
    """Yield the levels of a text: one topic and one level a sentence."""
    for name, (said, _) in _TOPICS.items():
        for sentence in sentences(text) if matches(said, text) else ():
            topic = said.search(sentence)
            values = list(_values(name, sentence)) if topic else []
            for value in values if topic else ():
                which = _which(sentence, value)
                if topic and which:
                    yield _Level(cell, topic, name, value, which)
                elif (
                    topic
                    and len(values) == 1
                    and _is_moment(topic, sentence, value, queued=name == "queue")
                ):
                    at = _moments(case, cell, sentence, known)
                    if at:
                        yield _Level(cell, topic, name, value, _AT, at)


def _values(kind: str, sentence: str) -> Iterator[_Value]:
    """Yield the levels of a sentence that can be of a kind of metric."""
    if kind in {"rate", "cpu"}:
        for each in written.figures(sentence):
            if each.kind == "share":
                yield _bounded(sentence, _Value(each.low, each.high, each.begin, each.end, "%"))
        return
    for match in (_TIMED if kind == "latency" else _QUEUED).finditer(sentence):
        groups = match.groupdict()
        digits, many = (
            groups.get(one) or groups.get(other) or ""
            for one, other in (("number", "held"), ("scale", "many"))
        )
        unit = groups.get("unit") or ""
        scale = _UNITS[unit.lower()] if unit else 1.0
        value, step = spoken.amount(digits, many)
        low, high = written.bounds(value, step, sentence[: match.start()], fine=True)
        found = _Value(low * scale, high * scale, match.start(), match.end(), unit, scale)
        yield _bounded(sentence, found)


def _bounded(sentence: str, value: _Value) -> _Value:
    """Return a level that is open on the side that its words leave open."""
    before = sentence[: value.begin]
    if _UP_TO.search(before):
        return value._replace(low=(1 - _NEAR) * value.high)
    if _UNDER.search(before):
        return value._replace(low=float("-inf"))
    return value._replace(high=float("inf")) if _OVER.search(before) else value


def _which(sentence: str, value: _Value) -> str:
    """Return whether a level is told as the highest or the usual one."""
    before = sentence[: value.begin]
    if _TOP.search(before) or _MINUTE.search(before) or _WORST.match(sentence, value.end):
        return _TOP_OF
    return _USUAL_OF if _USUAL.search(before) else ""


def _is_moment(topic: re.Match[str], sentence: str, value: _Value, *, queued: bool) -> bool:
    """Return whether a level is told as that of a moment."""
    if topic.groupdict().get("whole"):
        return False  # “12 % of requests failed” is of the whole incident
    before = sentence[: value.begin]
    if queued:
        return not _OTHER.search(_PART.split(before)[-1] + _PART.split(sentence[value.end :])[0])
    hedged = spoken.HEDGE.sub("", before)
    return not _OTHER.search(sentence) and bool(_STATED.search(hedged) or _UNDER.search(before))


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
    lag = _LAG.search(sentence)
    if lag:
        return _lagged(case, lag)
    told = {each.name for each in named(sentence)}
    if len(told) == 1:
        return list(known.get(told.pop(), ()))
    if cell.table in {"timeline", "updates"} and not told:
        rows = [row for row in case.rows(cell.table) if row["row"] == cell.row]
        return [row["time"] for row in rows if row.get("time")]
    return []


def _lagged(case: Case, lag: re.Match[str]) -> list[dt.datetime]:
    """Return the moments that a length behind, or before, an event leads to."""
    event = events.named(case, lag["event"], phrase=True)
    if not event.by_cue or len(event.events) != 1:
        return []
    minutes = spoken.minutes(lag["span"])[0] * (-1 if lag["way"].lower() == "before" else 1)
    return [at + dt.timedelta(minutes=minutes) for at in event.events[0].times]


def _measures(curve: Curve, each: _Level) -> bool:
    """Return whether a metric is of the kind, the percentile and the unit of a sentence."""
    if not _TOPICS[each.kind][1].search(curve.label):
        return False
    percentile = re.sub(r"\D", "", each.topic.groupdict().get("p") or "")
    if percentile and f"p{percentile}" not in curve.label:
        return False
    if each.kind == "queue":
        return curve.unit not in {"percent", "second"} and "duration" not in curve.label
    return curve.unit in (_SECONDS if each.kind == "latency" else {"percent"})


def _own(each: _Level, fit: Sequence[Curve]) -> Sequence[Curve]:
    """Return the curves of the groups that a sentence names, all where it names none."""
    said = each.topic.string.lower()
    named = [one for one in fit if _group(one) and re.search(rf"\b{_group(one)}\b", said)]
    return named or fit


def _group(curve: Curve) -> str:
    """Return the value that a curve is of: “north” of region:north."""
    return re.escape(curve.series.rpartition(":")[2].lower())


def _highest(
    curve: Curve, start: dt.datetime | None, end: dt.datetime | None
) -> tuple[float, float] | None:
    """Return the highest level within the incident, twice."""
    within = np.ones(len(curve.moments), dtype=bool)
    if start:
        within &= curve.moments >= (start - times.EPOCH) // frozen.MICROSECOND
    if end:
        within &= curve.moments <= (end - times.EPOCH) // frozen.MICROSECOND
    top = float(curve.levels[within].max()) if within.any() else None
    return None if top is None else (top, top)


def _around(curve: Curve, moments: Sequence[dt.datetime]) -> tuple[float, float] | None:
    """Return the lowest and highest level around moments."""
    near = np.zeros(len(curve.moments), dtype=bool)
    for at in moments:
        micros = (at - times.EPOCH) // frozen.MICROSECOND
        near |= np.abs(curve.moments - micros) <= _AROUND
    levels = curve.levels[near]
    return (float(levels.min()), float(levels.max())) if len(levels) else None


def _held(curve: Curve, each: _Level, case: Case) -> tuple[float, float] | None:
    """Return between what a metric was: at its height, usually, or around moments."""
    start, end = case.moments.start, case.moments.recovered
    if each.which == _TOP_OF:
        span = _highest(curve, start, end)
    elif each.which == _AT:
        span = _around(curve, each.moments)
    else:
        span = _middle(curve, start)
    scale = _SECONDS.get(curve.unit, 1.0) if each.kind == "latency" else 1.0
    return (span[0] * scale, span[1] * scale) if span else None


def _middle(curve: Curve, start: dt.datetime | None) -> tuple[float, float] | None:
    """Return the middle of a metric before the start, twice."""
    if start is None:
        return None
    before = curve.levels[curve.moments < (start - times.EPOCH) // frozen.MICROSECOND]
    middle = float(np.median(before)) if len(before) >= _POINTS else None
    return None if middle is None else (middle, middle)


def _holds(each: _Level, low: float, high: float) -> bool:
    """Return whether the level of a sentence is within what a metric had."""
    share = each.value.unit == "%"
    if each.which == _USUAL_OF:
        slack = _TENTH if share else 0.0
        low, high = low / _DAILY - slack, high * _DAILY + slack
    elif each.which == _TOP_OF:
        slack = max(_POINT if share else 0.0, _NEAR * high)
        low, high = low - slack, high + slack
    else:
        slack = _POINT if share else 0.0
        low, high = low * _LOW - slack, high * _HIGH + slack
    return each.value.low <= high and low <= each.value.high
