"""When a span ran that a sentence means by its trace, by how long it took, or as the slowest one.

“The slowest trace, 5be1f00c9a7742d1, took 9.84 s at 07:21:13 UTC”: its clock, with nothing between
that tells of something else, is doubted where no frozen span that is meant so ran then.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb import times
from postmortem_nb.checks import attributes, frozen, frozenrows, instants
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, passages, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.attributes import Answer
    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 100
"""Clocks that are looked at in a document: a text of nothing else must not slow a form."""
_CLOCK = re.compile(
    r"(?<![\d:])(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d{1,6})?)?(?![\d:])"
    r"(?!\s(?!UTC\b|GMT\b)[A-Z]{2,4}T?\b|\slocal\b)(?:\s(?:UTC|GMT)\b)?"
)
_SPAN = re.compile(
    r"\b(?:spans?|traces?)\b|\b(?:slowest|longest) (?:request|call)\b", re.IGNORECASE
)
_TOOK = re.compile(
    r"(?<![\w.,])(?P<number>\d[\d,]{0,8}(?:\.\d{1,3})?)\s?(?P<unit>ms|milliseconds|s|seconds?)\b"
)
_ID = re.compile(r"\b(?=[0-9a-f]{0,31}\d)[0-9a-f]{8,32}\b", re.IGNORECASE)
_SLOWEST = re.compile(r"\b(?:slowest|longest)\b", re.IGNORECASE)
_OTHER = re.compile(r"\b(?:request|call)s?\b", re.IGNORECASE)
"""In a sentence: its slowest one need not be frozen."""
_FEW_OF = re.compile(r"\s(?:of|in|on|before|after|among)\s(?!all\b|these\b|\d)", re.IGNORECASE)
"""Behind “slowest”: of a part of them."""
_BETWEEN = re.compile(
    r"(?:[\s,()–—]|\b(?:took|takes|lasted|lasts|ran|run|for|began|begins|started|starts|came|was|is|it|"
    r"seen|logged|recorded|at|on|of|with|all|the|an?|one|our|trace|span|request|call|id|slowest|"
    r"longest|single|failed|we|kept|\d{1,6}\s(?:spans|traces)|spans|traces)\b)*",
    re.IGNORECASE,
)
"""Between a span and its clock: nothing that tells of something else."""
_DIGITS = 3
_EXACT = dt.timedelta(seconds=2)
_MINUTE = dt.timedelta(seconds=90)
"""How far off a clock may be that is told to the second, and to the minute."""


class _Ran(NamedTuple):
    begin: dt.datetime
    end: dt.datetime


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield clocks at which none of the frozen spans ran that a sentence means."""
    every = attributes.answers(incident, case)
    held = [one for one in every if one.kind == attributes.SPANS and one.whole]
    yield from islice(_found(incident, case, held), MOST if held else 0)


def _found(incident: Incident, case: Case, held: Sequence[Answer]) -> Iterator[Finding]:
    for cell, text in passages(case):
        for sentence in sentences(text) if matches(_CLOCK, text) else ():
            own = cell.column.name == "key_traces" or _SPAN.search(sentence)
            clocks = list(_CLOCK.finditer(sentence)) if len(sentence) <= LONGEST else []
            if not own or len(clocks) != 1:
                continue
            ran = _meant(incident, case, sentence, clocks[0], held)
            at, near = _moment(case, clocks[0]), _EXACT if clocks[0]["second"] else _MINUTE
            if ran and at and not any(one.begin - near <= at <= one.end + near for one in ran):
                truth = " or ".join(dict.fromkeys(f"{one.begin:%H:%M:%S}" for one in ran[:3]))
                said = " ".join(sentence.split()).strip(" .")
                yield about(case, cell, f"“{said}”, but it ran at {truth} UTC.")


def _moment(case: Case, clock: re.Match[str]) -> dt.datetime | None:
    hour, minute, second = (int(clock[name] or 0) for name in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 59:
        return None
    return instants.on_day(case, 60 * hour + minute) + dt.timedelta(seconds=second)


def _meant(
    incident: Incident, case: Case, sentence: str, clock: re.Match[str], held: Sequence[Answer]
) -> list[_Ran]:
    """Return when the spans ran that the clock of a sentence is told of, by the surest sign."""
    known = frozenrows.traces(incident, case)
    for sign in _ID.finditer(sentence):
        trace = known.get(sign.group().lower())
        if trace and _goes_with(sentence, sign, clock):
            return [_Ran(trace.at, trace.at + dt.timedelta(seconds=max(trace.lasted)))]
    for sign in _TOOK.finditer(sentence):
        number = sign["number"].replace(",", "")
        digits = (number if "." in number else number.rstrip("0")).replace(".", "").lstrip("0")
        if len(digits) >= _DIGITS and _goes_with(sentence, sign, clock):
            return _lasting(sign, held)
    slowest = _SLOWEST.search(sentence)
    told = slowest and not attributes.named(sentence, held) and _goes_with(sentence, slowest, clock)
    told = told and not _OTHER.search(sentence)
    part = slowest and _FEW_OF.search(sentence, slowest.end(), max(slowest.end(), clock.start()))
    return [each for one in held for each in _longest(one)] if told and not part else []


def _goes_with(sentence: str, sign: re.Match[str], clock: re.Match[str]) -> bool:
    """Return whether nothing between a sign of a span and a clock tells of something else."""
    first, then = sorted((sign, clock), key=lambda one: one.start())
    gap = _ID.sub(" ", _TOOK.sub(" ", sentence[first.end() : then.start()]))
    return bool(_BETWEEN.fullmatch(gap))


def _lasting(took: re.Match[str], held: Sequence[Answer]) -> list[_Ran]:
    """Return when the spans ran that took so long, as exactly as it is told."""
    scale = 1000.0 if took["unit"].startswith("m") else 1.0
    _, _, decimals = took["number"].partition(".")
    seconds = float(took["number"].replace(",", "")) / scale
    step = 0.51 * 10.0 ** -len(decimals) / scale
    return [
        each
        for one in held
        for each in _rows(one, np.flatnonzero(np.abs(np.asarray(one.seconds) - seconds) <= step))
    ]


def _longest(answer: Answer) -> Iterator[_Ran]:
    seconds = np.asarray(answer.seconds)
    if len(seconds):
        yield from _rows(answer, np.flatnonzero(seconds >= seconds.max()))


def _rows(answer: Answer, rows: Sequence[int] | np.ndarray) -> Iterator[_Ran]:
    for at in rows:
        begin = times.EPOCH + int(answer.moments[at]) * frozen.MICROSECOND
        yield _Ran(begin, begin + dt.timedelta(seconds=float(np.asarray(answer.seconds)[at])))
