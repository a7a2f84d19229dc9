"""Parts of what failed in sentences, against the frozen evidence.

“Every seventh failed request came before anyone was told”, “a tenth of the failures were in one
region”, “three failed requests each”.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import groupby, islice, product
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import events, frozen, spoken, written
from postmortem_nb.checks.frozen import MICROSECOND
from postmortem_nb.checks.instants import on_day
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, passages, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.checks.written import Figure
    from postmortem_nb.estimates import Estimate
    from postmortem_nb.incident import Incident

MOST = 200
"""Findings of a kind at most: a text of nothing else must not slow a form."""
_BAD = r"(?:failed|failures?|errors?|lost|refus(?:ed|als?)|reject(?:ed|ions?)|timeouts?)"
OF_FAILED = re.compile(
    rf"\s(?:of\s)?(?:(?:all|the|our|those|these)\s){{0,2}}(?:that\s)?{_BAD}\b", re.IGNORECASE
)
"""Behind a share: it is one of what failed."""
_MAY = re.compile(rf"\s{_BAD}\b", re.IGNORECASE)
_FAILED = re.compile(rf"\s(?:(?:were|was|had|been|already)\s){{0,3}}{_BAD}\b", re.IGNORECASE)
"""Behind a number: it is that of what failed."""
_OF = re.compile(r"\bof\s(?:(?:the|all|our|these|those)\s){0,2}$", re.IGNORECASE)
"""Before a number: it is the whole, the part stands before it."""
_WHEN = re.compile(
    r"\b(?P<way>before|until|by the time|after|once|since)\s(?P<event>[^,;.()]{3,80})",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"\bbetween\s(?P<one>[^,;.()]{3,60}?)\sand\s(?P<other>[^,;.()]{3,60})", re.IGNORECASE
)
_HOUR = re.compile(rf"\bhour\s(?:from|after|that began at)\s{spoken.CLOCK}", re.IGNORECASE)
_FROM = re.compile(
    r"\b(?:from|between)\s(?P<since>\d\d:\d\d)\s(?:to|and|until|–)\s(?P<until>\d\d:\d\d)\b"
)
_ELSEWHERE = re.compile(r"\s(?!UTC\b|GMT\b)[A-Z]{2,4}T?\b|\slocal\b")
"""Behind a clock: it is not one of UTC."""
_JOINED = re.compile(r";\s|,\sthe rest\b|,?\sand\s|\bwhile\b|\bbut\b")
_LATER = {"after", "once", "since"}
_SLACK = dt.timedelta(minutes=1)
_POINTS, _LOOSE, _SURE = 1.5, 0.2, 0.1
"""Points of percent, and share of it, by which a part may be off; without a moment the latter."""
_SAME = 0.02
"""Share by which the failures of a metric may differ from those of the document."""

_EACH = re.compile(
    r"\s(?:each|apiece|on average|per (?:head|user|customer|person|account|client|member))\b",
    re.IGNORECASE,
)


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield parts of sentences that the evidence does not bear."""
    yield from islice(_timed(incident, case), MOST)
    yield from islice(_each(case), MOST)


def _timed(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield shares of the failures before, after or between events that the metric has not."""
    failures: Sequence[Curve] | None = None
    for cell, text in passages(case):
        for sentence in _short(text) if matches(_MAY, text) else ():
            share = _share(sentence)
            figure = share or _number(sentence)
            spans = _spans(case, sentence) if figure else []
            if figure is None or not spans:
                continue
            failures = _failures(incident, case) if failures is None else failures
            parts = [_part(failures, *span, case) for span in spans] if failures else []
            if share is None:
                parts = [each * _whole(failures, case) / 100 for each in parts]
            if parts and not _near(figure, min(parts), max(parts)):
                said = sentence[figure.begin : figure.end]
                known = f"{parts[0]:.3g} %" if share else f"{parts[0]:,.0f}"
                yield about(case, cell, f"“{said}”, but {failures[0].query} has {known} then.")


def _short(text: str) -> list[str]:
    return [each for each in sentences(text) if len(each) <= LONGEST]


def _share(sentence: str) -> Figure | None:
    """Return the share of a sentence that is one of what failed, where it tells one."""
    shares = [each for each in written.figures(sentence) if each.kind == "share"]
    of = [each for each in shares if OF_FAILED.match(sentence, each.end)]
    return of[0] if len(of) == 1 else None


def _number(sentence: str) -> Figure | None:
    """Return the number of a sentence that is one of what failed, where it tells one."""
    counts = [each for each in written.figures(sentence) if each.kind == "count"]
    failed = [
        each
        for each in counts
        if not _OF.search(sentence[: each.begin])
        if _FAILED.match(sentence, each.end) or re.search(_BAD, sentence[each.begin : each.end])
    ]
    return failed[0] if len(failed) == 1 else None


def _near(figure: Figure, low: float, high: float, loose: float = _LOOSE) -> bool:
    slack = max(_POINTS, loose * high)
    return figure.low <= high + slack and low - slack <= figure.high


def _spans(case: Case, sentence: str) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return between what moments the part of a sentence lies, each event by all its times."""
    start, end = case.moments.start, case.moments.recovered
    if start is None or end is None:
        return []
    between, when = _BETWEEN.search(sentence), _WHEN.search(sentence)
    clocks = _clocks(case, sentence)
    pairs: Iterable[tuple[dt.datetime, dt.datetime]]
    if clocks:
        pairs = [clocks]
    elif between:
        pairs = product(_times(case, between["one"]), _times(case, between["other"]))
    elif when and when["way"].lower() in _LATER:
        pairs = product(_times(case, when["event"]), [end])
    elif when:
        pairs = product([start], _times(case, when["event"]))
    else:
        return []
    near = (dt.timedelta(), -_SLACK, _SLACK)
    return [(a + one, b + other) for a, b in pairs for one, other in product(near, near) if a < b]


def _clocks(case: Case, sentence: str) -> tuple[dt.datetime, dt.datetime] | None:
    """Return the moments of a stretch that a sentence gives by its clocks, UTC."""
    hour, both = _HOUR.search(sentence), _FROM.search(sentence)
    at = spoken.clocked(hour) if hour else None
    if at:
        since = on_day(case, at[0])
        return since, since + dt.timedelta(hours=1)
    if not both or _ELSEWHERE.match(sentence, both.end()):
        return None
    since, until = (
        on_day(case, 60 * int(clock[:2]) + int(clock[3:]))
        for clock in (both["since"], both["until"])
    )
    return since, until


def _times(case: Case, phrase: str) -> list[dt.datetime]:
    """Return the moments of the one event that a phrase names by the words of its step."""
    named = events.named(case, phrase, phrase=True)
    return list(named.events[0].times) if named.by_cue and len(named.events) == 1 else []


def _failures(incident: Incident, case: Case) -> Sequence[Curve]:
    """Return the curves of the metric whose points are, together, the failed requests."""
    measure = case.measures.get("failed_requests")
    total = measure.value if measure else None
    drawn = sorted(frozen.curves(incident, case), key=lambda each: each.query)
    for _, curves in groupby(drawn, key=lambda each: each.query):
        kept = list(curves)
        if isinstance(total, (int, float)) and total and "error" in kept[0].query:
            counted = sum(_within(each, *_window(case)) for each in kept)
            if abs(counted - total) <= _SAME * total:
                return kept
    return ()


def _window(case: Case) -> tuple[dt.datetime, dt.datetime]:
    start, end = case.moments.start, case.moments.recovered
    return start or times.EPOCH, end or times.EPOCH


def _within(curve: Curve, since: dt.datetime, until: dt.datetime) -> float:
    begin, end = ((each - times.EPOCH) // MICROSECOND for each in (since, until))
    return float(curve.levels[(curve.moments >= begin) & (curve.moments < end)].sum())


def _part(curves: Sequence[Curve], since: dt.datetime, until: dt.datetime, case: Case) -> float:
    """Return the percent of the failures between two moments."""
    start, end = _window(case)
    part = sum(_within(each, max(since, start), min(until, end)) for each in curves)
    return 100 * part / _whole(curves, case)


def _whole(curves: Sequence[Curve], case: Case) -> float:
    return sum(_within(each, *_window(case)) for each in curves)


def by_region(case: Case, split: Sequence[Estimate]) -> Iterator[Finding]:
    """Yield shares of what failed that a sentence gives a region, and no source does."""
    names = [name for name, _ in split[0].parts]
    regions = [cell for cell in case.cells if cell.column.name == "regions"]
    told = [*passages(case), *((cell, str(cell.value)) for cell in regions)]
    for cell, text in told:
        for sentence in _short(text) if matches(OF_FAILED, text) else ():
            figure = _share(sentence)
            part = _clause(sentence, figure) if figure else ""
            own = [each for each in names if re.search(rf"(?i)\b{re.escape(each)}\b", part)]
            if figure is None or len(own) != 1 or _WHEN.search(sentence):
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


def _each(case: Case) -> Iterator[Finding]:
    """Yield what failed for each of those affected, where it is not the one by the other."""
    failed, people = (case.measures.get(name) for name in ("failed_requests", "affected_users"))
    values = [each.value if each else None for each in (failed, people)]
    if not all(isinstance(each, (int, float)) and each for each in values):
        return
    ratio = float(values[0]) / float(values[1])  # type: ignore[arg-type]  # both are numbers
    for cell, text in passages(case):
        for sentence in _short(text) if matches(_EACH, text) else ():
            for figure in written.figures(sentence):
                bad = re.search(_BAD, sentence[figure.begin : figure.end], re.IGNORECASE)
                if figure.kind != "count" or not bad or not _EACH.match(sentence, figure.end):
                    continue
                slack = max(0.5, _LOOSE * ratio)
                if not figure.low - slack <= ratio <= figure.high + slack:
                    said = sentence[figure.begin : _EACH.match(sentence, figure.end).end()]  # type: ignore[union-attr]
                    yield about(case, cell, f"“{said}”, but it is {ratio:.2g} for each affected.")
