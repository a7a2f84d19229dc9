"""How high and how low frozen metrics came, as sentences tell it.

“os-dub-3 never passed 95 %”, “the queue stayed below 1,000 messages”, “it reached 3,710 messages”:
held to the highest and lowest level within the incident, or the stretch that the sentence tells of.
A sentence means a metric by words of its name and its unit; each one that it can mean must deny it.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb import times
from postmortem_nb.checks import (
    attributes,
    derived,
    endpoints,
    events,
    instants,
    metered,
    portions,
    ranges,
    spoken,
    written,
)
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, passages, sentences
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.attributes import Answer
    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

    Window = tuple[dt.datetime | None, dt.datetime | None]

MOST = 100
"""Figures that are looked at in a document: a text of nothing else must not slow a form."""
_LEVEL = (
    rf"(?:(?:about|around|some|as much as|as many as|the)\s)?{spoken.NUMBER}"
    r"(?P<unit>%|percent\b|ms\b|milliseconds\b|s\b|seconds?\b)?(?![\w%]|[.,:]\d)"
    r"(?!\s?(?:minutes?|hours?|days?|times)\b)"
    r"(?P<minutely>\s?\b(?:[a-z]+\s){0,2}?(?:a|per|each|every)\sminute\b)?"
)
_LENGTH = (
    rf"(?P<span>{spoken.COUNT}\s(?:seconds?|minutes?)\b(?:\sand\sa\s(?:half|quarter)\b)?)"
    r"(?=\W*$|[.,;:)–—]|\s(?:throughout|at|in|on|during|for|until|from|after|before|between|all|even|"
    r"while|but|and|so|because)\b)"
)
"""The same in words: “half a second”; “a second peak” is none."""
_BOUND = re.compile(
    r"\b(?:(?P<over>above|over|past|beyond|more than|higher than|pass(?:ed)?|exceed(?:ed)?|topped|"
    rf"reach(?:ed)?)|(?P<under>below|under|less than|fewer than|lower than))\s"
    rf"(?:{_LEVEL}|{_LENGTH})",
    re.IGNORECASE,
)
_PEAK = re.compile(
    r"\b(?:(?P<peak>peaked|topped out|maxed out)\s(?:out\s)?(?:at|with)|"
    rf"(?P<reach>reached(?:\sa (?:peak|maximum|high) of)?))\s{_LEVEL}",
    re.IGNORECASE,
)
_CARRIED = re.compile(
    rf",?\sand\s(?P<what>[a-z][\w’' -]{{2,60}}?)\s(?:at|with|to)\s{_LEVEL}", re.IGNORECASE
)
"""Behind a peak: another one, whose verb is carried on."""
_NO = r"(?:\s(?!(?:and|but|or|that|which|who|was|were|because|only)\b)[\w’'-]+)"
_NEVER = re.compile(
    rf"\b(?:never|nowhere|not(?! only\b)|not once|at no (?:time|point|moment)|"
    rf"did(?:n[’']t))\b{_NO}{{0,6}}?\s$",
    re.IGNORECASE,
)
_NONE = re.compile(rf"\b(?:no|none)\b(?!\s(?:more|less|fewer)\b){_NO}{{1,8}}?\s$", re.IGNORECASE)
"""Before a bound: none of several passed it."""
_STAYED = re.compile(
    r"\b(?:stayed|remained|kept|hovered|(?:was|were) always)\b(?:\s(?!and\b|but\b)[\w-]+){0,3}?\s$",
    re.IGNORECASE,
)
_OPEN = re.compile(
    rf"\b(?:{metered.SETTING}|{metered.WATCHING}|can|cannot|must|need\w*|when|as long as|unless|"
    r"normal\w*|usual\w*|ordinar\w*|typical\w*|canary|tests?|tested|staging|budget|week|month|year|"
    r"yesterday|hardly|rarely|mostly|almost|nearly|again|nobody|longer)\b",
    re.IGNORECASE,
)
"""In a clause: it tells of a setting, of another time, or not surely."""
_BEFORE = re.compile(
    r"\bbefore (?:the|this|our) (?:incident|outage|start|release|deploy\w*|roll-?out)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[;:]\s|,\s(?!\d)|\s[–—]\s|[()]|\s(?:while|but|because|so)\s")
_HOSTS = re.compile(r"\b(?:nodes?|hosts?|brokers?|machines?|servers?|pods?)\b", re.IGNORECASE)
_HOST_KEYS = frozenset({"host", "node", "pod", "instance", "broker"})
_GENERIC = frozenset(
    "avg max min sum count total used usage pct percent value current rate time trace".split()  # noqa: SIM905
)
"""Words of a metric's name by which no sentence means it."""
_FAR = 120
"""Characters before a bound that are looked at."""
_OFF, _POINTS = 0.02, 0.5
"""Share of a bound, and points of percent, by which it may be missed."""
_AROUND, _MINUTE = dt.timedelta(minutes=3), dt.timedelta(minutes=1)
_RAMP = 0.25
"""Part of the points that may be below a lower bound: the way up, and down again."""
_SURELY = 0.9
"""Share of a host's rows that are of a place for it to stand there."""
_SHORT = 3


class Claim(NamedTuple):
    """What a sentence says of how high, or low, a metric came: between what, and in which unit."""

    cell: Cell
    sentence: str
    text: str
    """The clause by whose words a metric is meant, up to the figure, and a little behind it."""
    said: str
    low: float
    high: float
    family: str
    minutely: bool
    end: int
    none: bool = False
    """Whether it is told of each of several."""
    clocked: Sequence[dt.datetime] = ()


def found(incident: Incident, case: Case, others: Sequence[Finding]) -> Iterator[Finding]:
    """Yield bounds and heights that the metrics which they can mean deny.

    Nothing about a figure that ``others`` are about.
    """
    held = attributes.answers(incident, case)
    curves = [one for one in derived.drawn(incident, case) if len(one.levels)]
    for each in islice(_told(case), MOST if curves else 0):
        fit = _own(case, each, [one for one in curves if _is_meant(one, each)], held)
        windows = _windows(case, each)
        denied = [
            [_denied(one, each, window) for one in fit if _has(one, window)] for window in windows
        ]
        ways = any if each.none else all
        if fit and denied and all(one and ways(one) for one in denied):
            truth = next(one for one in denied[0] if one)
            place = (each.cell.table, each.cell.row, each.cell.column.name)
            doubted = (one for one in others if (one.table, one.row, one.name) == place)
            if not any(_number(each.said) in one.message for one in doubted):
                yield about(case, each.cell, f"“{each.said}”, but {truth}.")


def _number(said: str) -> str:
    return next(iter(re.findall(r"\d[\d,.]*\d|\d", said)), said)


def _told(case: Case) -> Iterator[Claim]:
    for cell, text in passages(case):
        row = cell.table in {"timeline", "updates"}  # which tell of their own moment
        for sentence in sentences(text):
            if len(sentence) <= LONGEST and not (row and instants.is_timely(sentence)):
                yield from _bounds(cell, sentence, row=row) if matches(_BOUND, text) else ()
            if len(sentence) <= LONGEST and not row:
                yield from _peaks(case, cell, sentence) if matches(_PEAK, text) else ()


def _bounds(cell: Cell, sentence: str, *, row: bool) -> Iterator[Claim]:
    """Yield the bounds that a sentence says a metric kept; in a row, up to then: never."""
    for match in _BOUND.finditer(sentence):
        bound = is_bound(sentence, match.start())
        if bound == "never" if row else bound:
            value = _value(match)
            upper = bool(match["over"]) == (bound != "stayed")
            low, high = (float("-inf"), value) if upper else (value, float("inf"))
            claim = _claim(cell, sentence, match, low, high)
            yield from [claim._replace(none=bound == "none")] if claim else []


def is_bound(sentence: str, begin: int) -> str:
    """Return how the words before a place make what stands there a bound; empty where they do not.

    “Never”, “none” of several, or “stayed”.
    """
    before = sentence[max(0, begin - _FAR) : begin]
    head = _CLAUSE.split(before)[-1]
    ways = ("never", _NEVER), ("none", _NONE), ("stayed", _STAYED)
    found_ = [name for name, pattern in ways if pattern.search(head)]
    return "" if "stayed" in found_ and len(found_) > 1 else next(iter(found_), "")


def is_kept(sentence: str, place: int) -> bool:
    """Return whether the number at a place is a bound that something kept."""
    bound = (each for each in _BOUND.finditer(sentence) if each.start() <= place < each.end())
    return any(is_bound(sentence, each.start()) for each in bound)


def _peaks(case: Case, cell: Cell, sentence: str) -> Iterator[Claim]:
    """Yield the heights that a sentence tells, those too whose verb is carried on."""
    peaks = list(_PEAK.finditer(sentence))
    carried = _CARRIED.finditer(sentence, peaks[0].end()) if peaks else ()
    for match in (*peaks, *carried):
        value, step = spoken.amount(match["number"], match["scale"] or "")
        near = instants.behind(case, sentence, match.end())
        reached = match.groupdict().get("reach") == "reached"
        exact = len(match["number"].replace(",", "").replace(".", "").strip("0")) >= _SHORT
        if reached and not (exact and (near or not instants.is_timely(sentence))):
            continue  # it went on from there
        before = sentence[max(0, match.start("number") - written.NEAR) : match.start("number")]
        low, high = written.bounds(value, step, before, fine=True)
        hedged = spoken.HEDGE.search(before)
        factor, off = _factor(match["unit"]), _OFF if exact and not hedged else metered.NEAR
        low, high = low * factor * (1 - off), high * factor * (1 + off)
        claim = _claim(cell, sentence, match, low, high)
        if claim and "what" in match.groupdict():
            claim = claim._replace(text=match.group(), said=match.group().lstrip(", "))
        yield from [claim._replace(clocked=near)] if claim else []


def _claim(
    cell: Cell, sentence: str, match: re.Match[str], low: float, high: float
) -> Claim | None:
    """Return a claim, where its clause is a plain statement of the incident."""
    head = _CLAUSE.split(sentence[: match.start()])[-1]
    tail = _CLAUSE.split(sentence[match.end() :])[0]
    text = f"{head}{match.group()}{tail}"
    if _OPEN.search(text) or (not _CLAUSE.split(head)[-1].strip() and not tail):
        return None
    said = f"{head}{match.group()}".strip()
    family = "second" if _span(match) else endpoints.family((match["unit"] or "").lower())
    minutely = bool(match["minutely"])
    return Claim(cell, sentence, text, said, low, high, family, minutely, match.end())


def _span(match: re.Match[str]) -> str:
    """Return a bound that is told as a length in words; empty for a number."""
    return (match.groupdict().get("span") or "").lower()


def _value(match: re.Match[str]) -> float:
    if _span(match):
        return spoken.minutes(_span(match))[0] * 60
    return spoken.amount(match["number"], match["scale"] or "")[0] * _factor(match["unit"])


def _factor(unit: str | None) -> float:
    return 0.001 if unit and unit.lower().startswith("m") else 1.0


def _is_meant(curve: Curve, each: Claim) -> bool:
    """Return whether a sentence can mean a metric: by its unit, and by its words."""
    timed = curve.unit in metered.SECONDS
    own = "percent" if curve.unit == "percent" else "second" if timed else ""
    counted = derived.is_counted(curve.query)
    if own != each.family or (not own and counted != each.minutely):
        return False
    bad = bool(re.search(metered.BAD, each.sentence, re.IGNORECASE))
    match = derived.QUERY.match(curve.query)
    if match is None:  # a share of errors
        return bad or bool(metered.TOPICS["rate"][0].search(each.sentence))
    if counted and (bad or derived.is_bad(curve.query)):
        return bad and derived.is_bad(curve.query)
    kinds = [name for name in ("latency", "cpu", "queue") if derived.measures(curve, name)]
    if any(metered.TOPICS[name][0].search(each.sentence) for name in kinds):
        return not timed or derived.measures(curve, "latency", _percentile(each.sentence))
    if timed:
        return False
    shared = is_of(curve, each.sentence)
    hosted = bool(_HOSTS.search(each.text)) and _key(curve) in _HOST_KEYS
    named = derived.is_named(curve, each.text.lower())
    return shared or (bool(own) and (hosted or named))


def is_of(curve: Curve, text: str) -> bool:
    """Return whether a text has a word of a metric's name, or of what it measures."""
    match = derived.QUERY.match(curve.query)
    words = re.split(r"[._]", match["metric"].lower()) if match else []
    told = {each for each in words if len(each) >= _SHORT} - _GENERIC
    kinds = (name for name in ("latency", "cpu", "queue") if derived.measures(curve, name))
    said = any(metered.TOPICS[name][0].search(text) for name in kinds)
    return said or bool(events.stems(" ".join(told)) & events.stems(text))


def _percentile(sentence: str) -> str:
    told = metered.TOPICS["latency"][0].search(sentence)
    return (told.groupdict().get("p") or "") if told else ""


def _key(curve: Curve) -> str:
    return curve.series.rpartition(":")[0].rpartition(",")[2]


def _own(case: Case, each: Claim, fit: list[Curve], held: Sequence[Answer]) -> Sequence[Curve]:
    """Return the curves of the groups that a claim is told of, by their names or their place."""
    text = each.text.lower()
    named = [one for one in fit if derived.is_named(one, text)]
    if named:
        return named
    places = attributes.named(each.text, held)
    for place in places:
        hosts = _standing(place.key, place.value, held)
        own = [one for one in fit if derived.group(one) in hosts]
        if own:
            return own
    grouped = any(one.series for one in fit)
    if places and grouped and not any(one.value in fit[0].query for one in places):
        return []  # of a group that no metric has
    if each.none and grouped:
        return [one for one in fit if one.series]
    return derived.own(fit, each.sentence, each.end, instants.beside(case, each.cell))


def _standing(key: str, value: str, held: Sequence[Answer]) -> frozenset[str]:
    """Return, in small letters, the hosts whose rows nearly all have a value: they stand there."""
    found_: set[str] = set()
    for answer in held:
        for own in _HOST_KEYS & answer.keys.keys() if key in answer.keys else ():
            there = answer.having((key, frozenset({value})))
            codes, names = answer.keys[own].codes, answer.keys[own].values
            every = np.bincount(codes[codes >= 0], minlength=len(names))
            some = np.bincount(codes[there & (codes >= 0)], minlength=len(names))
            sure = (every > 0) & (some >= _SURELY * every)
            found_ |= {names[at].lower() for at in np.flatnonzero(sure)}
    return frozenset(found_)


def _windows(case: Case, each: Claim) -> list[Window]:
    """Return the stretches that a claim may be of: each of them must deny it."""
    start = case.moments.start
    if rows := instants.row(case, each.cell):
        return [(start, rows[0])] if start and start < rows[0] else []
    if each.clocked:
        return [(at - _AROUND, at + _AROUND) for at in each.clocked]
    if _BEFORE.search(each.sentence):
        return [(None, start - _MINUTE)] if start else []
    own: list[Window] = list(portions.stretches(case, each.cell, each.sentence))
    if own or not instants.is_timely(each.sentence):
        return own or list(instants.whole(case))
    told = instants.windows(case, each.cell, each.sentence)
    ends = {at for window in told for at in window}
    return [*told, *((at, None) for at in ends), *((None, at - _MINUTE) for at in ends)]


def _has(curve: Curve, window: Window) -> bool:
    return len(ranges.within(curve, *window)) > 0


def _denied(curve: Curve, each: Claim, window: Window) -> str:
    """Return what a metric was where that denies a claim; else nothing."""
    scale = metered.SECONDS.get(curve.unit, 1.0) if each.family == "second" else 1.0
    scale = ranges.factor(curve, "failing") if each.minutely else scale
    own = ranges.inside(curve, *window)
    levels, moments = curve.levels[own] * scale, curve.moments[own]
    top, least = float(levels.max()), float(np.quantile(levels, _RAMP))
    slack = _POINTS if each.family == "percent" else 0.0
    height = np.isfinite(each.low) and np.isfinite(each.high)
    over = top > each.high * (1 + _OFF) + slack
    under = least < each.low * (1 - _OFF) - slack
    if height:
        lowest = float(levels.min()) if each.clocked else top
        over, under = lowest > each.high, top < each.low
    if not (over or under):
        return ""
    level = least if under and not height else top
    at = times.EPOCH + dt.timedelta(
        microseconds=int(moments[int(np.argmin(np.abs(levels - level)))])
    )
    unit = {"percent": " %", "second": " s"}.get(each.family, "")
    way = "down to" if under and not height else "up to"
    return f"{curve.label} was {way} {numeral(level, 3)}{unit} at {at:%H:%M} UTC"
