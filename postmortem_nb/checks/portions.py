"""Parts of what failed in sentences, against the frozen evidence.

“Every seventh failed request came before anyone was told”, “a tenth of the failures were in one
region”, “three failed requests each”.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice, product
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import derived, instants, spoken, written
from postmortem_nb.checks.instants import on_day
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, passages, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.checks.written import Figure
    from postmortem_nb.estimates import Estimate
    from postmortem_nb.incident import Incident

MOST = 200
"""Findings of a kind at most: a text of nothing else must not slow a form."""
_BAD = r"(?:fail(?:s|ed|ing|ures?)?|errors?|lost|refus(?:ed|als?)|reject(?:ed|ions?)|timeouts?)"
BAD = re.compile(rf"\b{_BAD}\b", re.IGNORECASE)
_FAILED = re.compile(
    r"(?<![\d:.,])\d[\d,]{0,12}\s(?:(?!(?:minutes?|hours?|seconds?|days?)\s)[\w-]+\s){0,2}?"
    rf"{_BAD}\b",
    re.IGNORECASE,
)
"""A number of what failed: it says nothing of another one beside it."""
GOOD = re.compile(
    r"\bwithout (?:an?|one|any|a single) (?:\w+\s)?(?:failure|error|fault)|"
    r"\b(?:went|got|came) through\b|\bsucceed\w*\b|\bworked\b",
    re.IGNORECASE,
)
"""In a clause: its number is of what did not fail."""
OF_FAILED = re.compile(
    rf"\s(?:of\s)?(?:(?:all|the|our|those|these)\s){{0,2}}(?:that\s)?{_BAD}\b", re.IGNORECASE
)
"""Behind a share: it is one of what failed."""
OF_TOTAL = re.compile(
    r"[^.;:\d]{0,30}?(?:\d[\d.]{0,6}\s?(?:%|percent)\s)?of\s(?:(?:the|all|our|its)\s)+(?:[a-z]+\s)?"
    r"(?:total|whole|sum|damage|loss(?:es)?|errors|failures)\b|"
    r"[^.;:\d]{0,30}?\d[\d.]{0,6}\s?(?:%|percent)\sof\sall(?=[.,;)]|$)",
    re.IGNORECASE,
)
"""Behind a number: it is a part, “74,159 errors, 85 % of the total”."""
THEN = re.compile(
    r"\b(?:before|after|until|till|since|when|while|once|by the time|up to|meanwhile|"
    r"(?:in|during|over) (?:that|this|those) (?:\w+ )?(?:time|stretch|period|minutes?|hours?))\b",
    re.IGNORECASE,
)
"""In a sentence: it tells of a stretch, which may be one that no moment is known of."""
_MAY = re.compile(rf"\s{_BAD}\b", re.IGNORECASE)
_WHEN = re.compile(
    r"\b(?P<way>before|until|up to|by the time|after|once|since|from|as of)\s"
    r"(?P<event>[^,;.()]{3,80})",
    re.IGNORECASE,
)
_SO_FAR = re.compile(
    r"\b(?:by (?:then|now)|so far|up to (?:then|now)|(?P<minute>in (?:this|that|the same) minute|"
    r"fall in (?:this|that) minute|in its first minute))\b",
    re.IGNORECASE,
)
"""In a row: until it, or in its minute."""
_CLOCK = re.compile(rf"(?:the\s)?(?:[\w-]+\s){{0,4}}?(?:at\s)?{spoken.CLOCK}", re.IGNORECASE)
_DAY = 1440
_BETWEEN = re.compile(
    r"\bbetween\s(?P<one>[^,;.()]{3,60}?)\sand\s(?P<other>[^,;.()]{3,60})", re.IGNORECASE
)
_FIRST = re.compile(
    rf"\b(?:in|during|within|over)\s(?:the|its)\s(?P<way>first|last)\s"
    rf"(?:{spoken.SPAN}|(?P<hour>half[ -](?:an[ -])?hour|quarter of an hour|hour|minute)\b)"
    r"(?!\s(?:before|after|of (?!the (?:incident|outage)|it\b)))",
    re.IGNORECASE,
)
"""A stretch from the start on, or up to the end."""
_UNITS = re.compile(r"\b(?:minutes?|hours?)\b", re.IGNORECASE)
_LENGTHS = {"hour": 60.0, "minute": 1.0, "quarter of an hour": 15.0}
_IN_MINUTE = re.compile(
    rf"\bat\s{spoken.CLOCK}(?:\salone\b|,?\s[^.;:]{{0,80}}?\bin\s"
    r"(?:that|this|one|the same|a single)\sminute\b|,\s(?:in\s)?the\sworst\sminute\b)",
    re.IGNORECASE,
)
"""The one minute of a clock."""
_HOUR = re.compile(rf"\bhour\s(?:from|after|that began at)\s{spoken.CLOCK}", re.IGNORECASE)
_JOINED = re.compile(r";\s|,\sthe rest\b|,?\sand\s|\bwhile\b|\bbut\b")
_LATER = {"after", "once", "since", "from", "as of"}
_SLACK = dt.timedelta(minutes=1)
_POINTS, _LOOSE, _SURE = 1.5, 0.2, 0.1
"""Points of percent, and share of it, by which a part may be off; without a moment the latter."""


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield parts of sentences that the evidence does not bear."""
    yield from islice(_timed(incident, case), MOST)


def _timed(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield shares of the failures before, after or between events that the metric has not."""
    held: Sequence[Curve] | None = None
    for cell, text in passages(case):
        for sentence in _short(text) if matches(_MAY, text) else ():
            figure = _share(sentence)
            spans = stretches(case, cell, sentence) if figure else []
            if figure is None or not spans:
                continue
            held = failures(incident, case) if held is None else held
            parts = [_part(held, *span, case) for span in spans] if held else []
            if parts and not _near(figure, min(parts), max(parts)):
                said = sentence[figure.begin : figure.end]
                yield about(case, cell, f"“{said}”, but {held[0].query} has {parts[0]:.3g} % then.")


def _short(text: str) -> list[str]:
    return [each for each in sentences(text) if len(each) <= LONGEST]


def _share(sentence: str) -> Figure | None:
    """Return the share of a sentence that is one of what failed, where it tells one."""
    shares = [each for each in written.figures(sentence) if each.kind == "share"]
    of = [each for each in shares if _is_of_failed(sentence, each)]
    return of[0] if len(of) == 1 else None


def _is_of_failed(sentence: str, figure: Figure) -> bool:
    """Return whether a share is one of what failed: “one play in five failed” is one that did."""
    match = OF_FAILED.match(sentence, figure.end)
    odd = re.search(r"\b(?:in|out of)\b", sentence[figure.begin : figure.end])
    return bool(match and (not odd or match.group().startswith(" of ")))


def _near(figure: Figure, low: float, high: float, loose: float = _LOOSE) -> bool:
    slack = max(_POINTS, loose * high)
    return figure.low <= high + slack and low - slack <= figure.high


def stretches(case: Case, cell: Cell, sentence: str) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return between what moments the part of a sentence lies, each event by all its times."""
    start, end = case.moments.start, case.moments.recovered
    if start is None or end is None:
        return []
    between, when = _BETWEEN.search(sentence), _WHEN.search(sentence)
    clocks, row = _clocks(case, sentence), instants.row(case, cell)
    so_far = _SO_FAR.search(sentence)
    pairs: Iterable[tuple[dt.datetime, dt.datetime]]
    if clocks:
        pairs = [clocks]
    elif so_far and not row and not so_far["minute"]:
        pairs = product([start], instants.before(case, cell, sentence))
    elif so_far and row:
        pairs = [(row[0], row[0] + _SLACK) if so_far["minute"] else (start, row[0])]
    elif between:
        ones, others = (instants.of_event(case, between[side]) for side in ("one", "other"))
        pairs = product(ones, others)
    elif when and when["way"].lower() in _LATER:
        until = row if row and when["way"].lower() == "since" else [end]
        pairs = product(_at(case, when["event"]), until)
    elif when:
        pairs = product([start], _at(case, when["event"]))
    else:
        return []
    near = (dt.timedelta(), -_SLACK, _SLACK)
    return [(a + one, b + other) for a, b in pairs for one, other in product(near, near) if a < b]


def _at(case: Case, phrase: str) -> list[dt.datetime]:
    """Return the moments of a phrase: its clock, UTC, or its event."""
    clock = _CLOCK.match(phrase)
    at = spoken.clocked(clock) if clock else None
    if at:
        return [on_day(case, at[0])] if at[1] == _DAY else []
    return instants.of_event(case, phrase)


def timeless(sentence: str) -> str:
    """Return a sentence without the units of such a stretch: they are none of its numbers."""
    timed = _FIRST.search(sentence) or _IN_MINUTE.search(sentence)
    return _UNITS.sub(lambda each: "_" * len(each.group()), sentence) if timed else sentence


def _clocks(case: Case, sentence: str) -> tuple[dt.datetime, dt.datetime] | None:
    """Return the moments of a stretch that a sentence gives by its clocks, UTC."""
    hour = _HOUR.search(sentence)
    at = spoken.clocked(hour) if hour else None
    if at:
        since = on_day(case, at[0])
        return since, since + dt.timedelta(hours=1)
    minute, first = _IN_MINUTE.search(sentence), _FIRST.search(sentence)
    at = spoken.clocked(minute) if minute else None
    if at and at[1] == _DAY:
        return on_day(case, at[0]), on_day(case, at[0]) + _SLACK
    start, end = _window(case)
    if first:
        said = (first["hour"] or "").lower()
        length = _LENGTHS.get(said, 30.0) if said else spoken.minutes(first["span"].lower())[0]
        lasted = dt.timedelta(minutes=length)
        return (start, start + lasted) if first["way"].lower() == "first" else (end - lasted, end)
    return instants.between(case, sentence)


def failures(incident: Incident, case: Case) -> Sequence[Curve]:
    """Return the curves of the metric whose points are, together, the failed requests."""
    measure = case.measures.get("failed_requests")
    total = measure.value if measure else None
    if not isinstance(total, (int, float)):
        return ()
    return derived.failures(derived.drawn(incident, case), total, _window(case))


def without_others(clause: str, said: str) -> str:
    """Return the clause of a number without the other numbers of what failed."""
    head, own, rest = clause.partition(said)
    return own.join(_FAILED.sub(" ", each) for each in (head, rest))


def _window(case: Case) -> tuple[dt.datetime, dt.datetime]:
    start, end = case.moments.start, case.moments.recovered
    return start or times.EPOCH, end or times.EPOCH


def _part(curves: Sequence[Curve], since: dt.datetime, until: dt.datetime, case: Case) -> float:
    """Return the percent of the failures between two moments."""
    start, end = _window(case)
    part = sum(derived.counted(each, max(since, start), min(until, end)) for each in curves)
    return 100 * part / _whole(curves, case)


def _whole(curves: Sequence[Curve], case: Case) -> float:
    return sum(derived.counted(each, *_window(case)) for each in curves)


_APART = re.compile(r"\b(?:outside|except|apart from|all but|beyond|other than)\b", re.IGNORECASE)
"""In a clause: its share is of the others."""


def by_region(case: Case, split: Sequence[Estimate]) -> Iterator[Finding]:
    """Yield shares of what failed that a sentence gives a region, and no source does."""
    split = [each for each in split if each.name == "failed_requests"] or split
    names = [name for name, _ in split[0].parts]
    regions = [cell for cell in case.cells if cell.column.name == "regions"]
    told = [*passages(case), *((cell, str(cell.value)) for cell in regions)]
    for cell, text in told:
        for sentence in _short(text) if matches(OF_FAILED, text) else ():
            figure = _share(sentence)
            part = _clause(sentence, figure) if figure else ""
            own = [each for each in names if re.search(rf"(?i)\b{re.escape(each)}\b", part)]
            if figure is None or len(own) != 1 or _WHEN.search(sentence) or _APART.search(part):
                continue
            parts = [_of_region(each, own[0]) for each in split]
            if not any(_near(figure, part, part, _SURE) for part in parts):
                said = sentence[figure.begin : figure.end]
                yield about(
                    case, cell, f"“{said}”, but {own[0]} has {parts[0]:.3g} % by {split[0].source}."
                )


def _clause(sentence: str, figure: Figure) -> str:
    """Return what a figure stands in, without what is joined to it; an aside in commas is left."""
    before = _JOINED.split(sentence[: figure.begin])[-1]
    after = _JOINED.split(sentence[figure.end :])[0]
    return f"{before}{sentence[figure.begin : figure.end]}{after}"


def _of_region(estimate: Estimate, name: str) -> float:
    whole = sum(value for _, value in estimate.parts)
    return 100 * dict(estimate.parts).get(name, 0.0) / whole if whole else 0.0
