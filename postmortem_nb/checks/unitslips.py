"""One number told with two units of a kind: 7 seconds for 7 minutes, 1,200 MB for 1,200 GB."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import events, spoken
from postmortem_nb.checks.reading import about, matches, passages, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

_NUMBERED = re.compile(
    r"(?<![\w.,:])(?P<number>\d{1,3}(?:,\d{3})+|\d{1,7}|"
    rf"(?i:{'|'.join(spoken.WORDS)}))\s?(?P<unit>[KMGT]B|ms|(?i:seconds?|minutes?|min|hours?|days?)|[sh])\b"
)
_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_MINUTES = {"second": 1 / 60, "minute": 1.0, "hour": 60.0, "day": 1440.0}
_AFTER = re.compile(r"\s(?:after|before|later|to (?:detect|notice|page))\b", re.IGNORECASE)
"""Behind a length: it is that between two events."""
_MEASURES = ("duration", "detection_time", "time_to_acknowledge", "time_to_mitigate")
_KNOWN = 100
"""From here on a number says by itself what it is of."""
_LEAST, _BLANKS, _WORDS = 3, 3, 2
"""The smallest number that is compared; blanks and shared words that make a smaller one known."""


class _Told(NamedTuple):
    """A number with its unit, its blank and the words of its sentence."""

    cell: Cell
    said: str
    number: float
    unit: str
    stems: frozenset[str]
    measuring: bool


def unit_slips(case: Case) -> Iterator[Finding]:
    """Find a number whose unit stands once, where others have it with another unit."""
    told: dict[float, list[_Told]] = defaultdict(list)
    for cell, text in passages(case, plans=True):
        for sentence in sentences(text):
            for match in matches(_NUMBERED, sentence):
                one = _read(cell, sentence, match)
                told[one.number].append(one)
    for places in told.values() if told else ():
        often = Counter(each.unit for each in places)
        for at, one in enumerate(places):
            if often[one.unit] > 1:
                continue
            rivals = [each for each in places if _is_other(one, each)]
            if not rivals:
                continue
            firm = len(rivals) > 1 or any(each in rivals for each in places[:at])
            if _is_measure(case, one, rivals[0]) or (firm and _is_slip(one, rivals)):
                yield about(case, one.cell, f"“{one.said}”, but elsewhere “{rivals[0].said}”.")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (unit_slips,)


def _read(cell: Cell, sentence: str, match: re.Match[str]) -> _Told:
    said, unit = match["number"].lower(), match["unit"]
    number = spoken.COUNTS.get(said) or float(said.replace(",", ""))
    sized = unit == "ms" or unit[-1] == "B"
    return _Told(
        cell,
        match.group(),
        number,
        unit if sized else _UNITS[unit[0].lower()],
        events.stems(sentence),
        bool(_AFTER.match(sentence, match.end())),
    )


def _is_other(one: _Told, other: _Told) -> bool:
    """Return whether two units are different ones of a kind."""
    sized = one.unit[-1] == "B", other.unit[-1] == "B"
    fine = "ms" in {one.unit, other.unit} and {one.unit, other.unit} - {"ms", "second"}
    return one.unit != other.unit and sized[0] == sized[1] and not fine


def _is_measure(case: Case, one: _Told, rival: _Told) -> bool:
    """Return whether a length between two events is a measure of the incident in another unit."""
    minutes = one.number * _MINUTES.get(rival.unit, 0.0)
    known = (case.measures[name].value for name in _MEASURES if name in case.measures)
    return one.measuring and one.number >= _LEAST and minutes in known


def _is_slip(one: _Told, rivals: Sequence[_Told]) -> bool:
    """Return whether a number is known: by its size, or by what it is told with."""
    if one.unit not in _MINUTES or rivals[0].unit not in _MINUTES:
        return one.number >= _KNOWN
    if one.number < _LEAST or (one.number % 5 == 0 and one.number < _KNOWN):
        return False  # ten seconds and ten minutes are both often told
    blanks = {(each.cell.table, each.cell.row, each.cell.column.name) for each in rivals}
    known = one.number >= _KNOWN  # by its size: fewer words and blanks must say the same
    shared = any(len(one.stems & each.stems) >= _WORDS - known for each in rivals)
    return len(blanks) >= _BLANKS - known and shared
