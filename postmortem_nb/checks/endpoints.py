"""From where to where a frozen metric moved: “dropped from 60 to 6 at 09:14”, “up from 1,242”.

A sentence means a metric by words of its name. Where one of the two ends is a level that it had,
and the other is none that it came to behind, or had before, that one is doubted.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb.checks import derived, events, instants, metered, ranges, spoken, written
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, sentences, with_messages
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 100
"""Movements that are looked at in a document: a text of nothing else must not slow a form."""
_HEDGES = (
    r"(?:(?:about|around|some|roughly|nearly|almost|just|only|well|over|under|up|"
    r"more than|less than|at least|close to|as many as|a mere|its usual)\s)*"
)
_UNIT = r"\s?(?P<{0}>%|percent\b|ms\b|s\b|seconds?\b|milliseconds\b)?"
_HELD = spoken.NUMBER.replace("number", "held").replace("scale", "many")
_MOVED = re.compile(
    rf"\bfrom\s{_HEDGES}{spoken.NUMBER}{_UNIT.format('unit')}"
    r"(?:\s(?!to\b|from\b)[a-z]+){0,3}?(?:\s(?:at|before)\s\d\d:\d\d)?"
    rf"\s(?:to|up to|down to)\s{_HEDGES}{_HELD}"
    rf"{_UNIT.format('units')}(?![\w%]|[.,:]\d)",
    re.IGNORECASE,
)
_REVERSED = re.compile(
    rf"\b(?:down|up|back)\sto\s{_HEDGES}{_HELD}{_UNIT.format('units')}"
    rf"(?:\s(?:a|per)\s[a-z]+)?,?\sfrom\s{_HEDGES}{spoken.NUMBER}{_UNIT.format('unit')}"
    r"(?![\w%]|[.,:]\d)",
    re.IGNORECASE,
)
"""The same, its end first: “down to 15 a minute, from 80”."""
_NONE = re.compile(r"\bfrom\s(?:none|nothing|zero)(?=\sto\s)", re.IGNORECASE)
_PEAK = re.compile(
    rf"\b(?:its|their)\s(?:peak|maximum|highest level)\s(?:was|came to|stood at|of)\s{_HEDGES}"
    rf"{spoken.NUMBER}{_UNIT.format('unit')}(?!\s?(?:[\w%]+\s)?(?:a|per)\s|[\w:]|[.,]\d)",
    re.IGNORECASE,
)
_OPEN = re.compile(
    rf"\b(?:{metered.SETTING}|canary|tests?|staging|raised|lowered|set|configured|changed|budget|"
    r"week|month|year|yesterday)\b",
    re.IGNORECASE,
)
"""In a sentence: it tells of a setting, or of another time."""
_MORE = re.compile(
    r"\b(?:over|more than|at least|above|beyond|upwards of)\s(?:an?\s)?$", re.IGNORECASE
)
_FAR = 3.0
"""How far above a bound a level may be that is told by it."""
_AROUND = 180_000_000
"""µs around a clock within which a metric is there: clocks are told to the minute."""
_EXACT, _LOOSE = 0.02, 0.12
"""Share by which a level may be off: to be the metric's own, and to be let be."""
_DAILY, _FEWEST, _MINUTE = 1.35, 20, dt.timedelta(minutes=1)
"""How often as high as ever before the start a level may be told, and of how many points."""
_ROSE = re.compile(
    r"\b(?:r[oi]se[ns]?|climb\w*|jump\w*|went|gr[eo]w\w*|increas\w*|up)\s(?:[\w-]+\s){0,2}?$",
    re.IGNORECASE,
)
_STEPS = 12
"""Levels of a metric that moves in steps: a number of connections, of hosts."""
_FEW = 2
_NAME = 3


class _Move(NamedTuple):
    """A movement of a sentence: its two ends, each with its bounds, and its clock."""

    cell: Cell
    sentence: str
    said: str
    ends: tuple[tuple[float, float], tuple[float, float]]
    unit: str
    at: Sequence[dt.datetime]


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield movements of which a frozen metric has but one end."""
    told = islice(_told(case), MOST)
    curves = derived.drawn(incident, case)
    for each in told:
        fit = [one for one in curves if len(one.levels) and _is_meant(one, each)]
        beside = instants.beside(case, each.cell)
        fit = list(derived.own(fit, each.sentence, len(each.sentence), beside))
        truths = [_denied(one, each) for one in fit]
        sure = [truth for truth in truths if truth]
        early = [truth for one in fit if (truth := _early(one, each, case)) is not None]
        if early and all(early) and len(early) == len(fit):
            yield about(case, each.cell, f"“{each.said}”, but {early[0]}.")
        elif sure and None not in truths:
            yield about(case, each.cell, f"“{each.said}”, but {sure[0]}.")
    yield from islice(_peaks(incident, case), MOST)


def _peaks(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield peaks without a clock that no metric of the sentence's words had."""
    start, end = case.moments.start, case.moments.recovered
    curves = derived.drawn(incident, case)
    for each in islice(_topped(case), MOST if start and end else 0):
        low, high = each.ends[0]
        fit = [one for one in curves if _is_meant(one, each)]
        tops = {
            one.label: float(levels.max()) * metered.SECONDS.get(one.unit, 1.0)
            for one in fit
            if len(levels := ranges.within(one, start, end))
        }
        near = (low * (1 - _LOOSE) <= top <= high * (1 + _LOOSE) for top in tops.values())
        if tops and not any(near):
            label = min(tops, key=lambda one: abs(tops[one] - high))
            truth = f"{label} came to {numeral(tops[label], 3)}"
            yield about(case, each.cell, f"“{each.said}”, but {truth}.")


def _topped(case: Case) -> Iterator[_Move]:
    """Yield the peaks that sentences tell without a clock, as movements that end there."""
    for cell, text in with_messages(case):
        for sentence in sentences(text) if matches(_PEAK, text) else ():
            match = _PEAK.search(sentence)
            if match and len(sentence) <= LONGEST and not _OPEN.search(sentence):
                unit, begin = (match["unit"] or "").lower(), match.start("number")
                ends = _bounds(sentence, begin, match["number"], match["scale"], unit)
                yield _Move(cell, sentence, match.group(), (ends, ends), family(unit), ())


def _told(case: Case) -> Iterator[_Move]:
    for cell, text in with_messages(case):
        told = _NONE.sub("from 0", text)
        may = any(matches(each, told) for each in (_MOVED, _REVERSED))
        for sentence in sentences(told) if may else ():
            if len(sentence) <= LONGEST and not _OPEN.search(sentence):
                yield from _moves(case, cell, sentence)


def _moves(case: Case, cell: Cell, sentence: str) -> Iterator[_Move]:
    own = instants.row(case, cell)
    for match in (*_MOVED.finditer(sentence), *_REVERSED.finditer(sentence)):
        unit = (match["units"] or match["unit"] or "").lower()
        begin, other = match.start("number"), match.start("held")
        one = _bounds(sentence, begin, match["number"], match["scale"], match["unit"] or unit)
        two = _bounds(sentence, other, match["held"], match["many"], unit)
        behind = instants.behind(case, sentence, match.end()) if match.re is _MOVED else []
        at = behind or own  # “down to 64, from 236 at 07:47”
        yield _Move(cell, sentence, match.group(), (one, two), family(unit), at)


def _bounds(
    sentence: str, begin: int, digits: str, scale: str | None, unit: str
) -> tuple[float, float]:
    """Return between what an end may lie, in seconds where it has such a unit."""
    value, step = spoken.amount(digits, scale or "")
    before = sentence[max(0, begin - written.NEAR) : begin]
    low, high = written.bounds(value, step, before, fine=True)
    if _MORE.search(before):
        high = value * _FAR  # “to more than a thousand” is passed by twice as many
    factor = 0.001 if unit.lower().startswith("m") else 1.0
    return low * factor, high * factor


def family(unit: str) -> str:
    """Return what a unit is of: shares, times, or empty for a plain number."""
    if unit in {"%", "percent"}:
        return "percent"
    return "second" if unit else ""


def _is_meant(curve: Curve, each: _Move) -> bool:
    """Return whether a sentence means a metric: by its unit and its words."""
    kinds = [
        name
        for name, (said, _) in metered.TOPICS.items()
        if said.search(each.sentence) and derived.measures(curve, name)
    ]
    timed = curve.unit in metered.SECONDS
    own = "percent" if curve.unit == "percent" else "second" if timed else ""
    if own != each.unit:
        return False
    words = [word for word in re.split(r"[^a-z]+", curve.label.lower()) if len(word) > _NAME]
    shared = events.stems(" ".join(words)) & events.stems(each.sentence)
    return bool(kinds) or len(shared) >= _FEW


def _denied(curve: Curve, each: _Move) -> str | None:
    """Return what a metric was where it has but one end of a movement; None where it has both.

    Empty where it has neither: another metric is meant.
    """
    scale = metered.SECONDS.get(curve.unit, 1.0)
    levels = curve.levels * scale
    first, then = (_where(levels, *end, _LOOSE) for end in each.ends)
    if each.at:
        near = np.abs(curve.moments - ranges.micros(each.at[0])) <= _AROUND
        then = then & near
    steps = len(np.unique(levels)) <= _STEPS
    sharp = [_where(levels, *end, _EXACT).any() for end in each.ends]
    if first.any() and then.any() and np.flatnonzero(first)[0] <= np.flatnonzero(then)[-1]:
        return None
    if not (steps or each.at) or not (sharp[0] or (sharp[1] and then.any())):
        return ""
    if each.at and not near.any():
        return ""
    own = levels[near] if each.at else np.unique(levels)
    span = " to ".join(
        dict.fromkeys(numeral(float(end) / scale, 3) for end in (own.min(), own.max()))
    )
    return f"{curve.label} was {span} {'then' if each.at else 'at any time'}"


def _early(curve: Curve, each: _Move, case: Case) -> str | None:
    """Return what a metric was before the start, where it rose from none of it.

    Empty where it did, and where its sentence tells of another time; None of another metric.
    """
    start, scale = case.moments.start, metered.SECONDS.get(curve.unit, 1.0)
    (_, first), (low, _) = each.ends
    told = each.sentence.partition(each.said)[0]
    plain = not (each.at or instants.is_timely(each.sentence)) and _ROSE.search(told)
    if start is None or not plain or first * 2 > low:
        return ""
    before = ranges.within(curve, None, start - _MINUTE) * scale
    top = ranges.within(curve, start, case.moments.recovered) * scale
    if len(before) < _FEWEST or not len(top) or top.max() * (1 + _LOOSE) < low:
        return None
    (least, most), levels = each.ends[0], (float(before.min()), float(before.max()))
    if levels[0] / _DAILY <= most and least <= levels[1] * _DAILY:
        return ""
    ends = " to ".join(numeral(level / scale, 3) for level in levels)
    return f"{curve.label} was {ends} before the start"


def _where(levels: NDArray[np.float64], low: float, high: float, off: float) -> NDArray[np.bool_]:
    """Return where a metric was at an end, but for a share of it."""
    found: NDArray[np.bool_] = (levels >= low * (1 - off)) & (levels <= high * (1 + off))
    return found
