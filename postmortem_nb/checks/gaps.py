"""Lengths between two events told freely: “ten minutes from the page to the escalation”."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import events, instants, spoken
from postmortem_nb.checks.late import late
from postmortem_nb.checks.reading import about, matches, passages, sentences, with_messages
from postmortem_nb.checks.relations import WORDS, moments
from postmortem_nb.checks.spoken import SPAN

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding

_POINTS: Mapping[str, re.Pattern[str]] = {
    name: late(words, re.IGNORECASE)
    for name, words in {
        "acknowledged": r"acknowledg|(?:pick|took|taking|answer)\w*\s(?:up\s)?(?:the\s)?"
        r"(?:page|alert|call)",
        "escalated": r"escalat|(?:call|bring|pull|brought)\w*\sin\b|(?:team|on-call)\sjoin",
        "told": r"\bstatus page\b|(?:telling|informing)\s(?:our\s|the\s)?(?:customers|users)",
        "found": r"\b(?:root\s)?cause\b|\bdiagnosis\b",
        "planned": r"\b(?:decision|deciding|decided|plan)\b"
        r"(?!\s(?:was|were|had been|is)\s(?:\w+\s)?(?:carried out|executed|done|through))",
        "mitigated": r"\b(?:rollback|roll-back|fix|hotfix|mitigation|workaround|failover)\b|"
        r"rolling back|"
        r"(?:switch|turn|flipp)\w*\s(?:\w+\s){0,3}?off|\bflag\s(?:was\s|being\s)?off\b",
        "resolved": r"\b(?:all[- ]clear|closing|closure|declared)\b",
        "recovered": r"recover|back to normal|\bnormal\b|everything work",
        "investigated": r"investigat|looking into",
        "start": r"\b(?:start|onset|beginning)\b|^(?:the\s)?(?:failure|error|fault)s?$|"
        r"\bfirst\s(?:\w+\s)?(?:error|failure|timeout)|"
        r"\bimpact\b",
        "detected": r"\b(?:alert|alarm|page|detection|detecting|noticing|monitor|"
        r"first (?:call|report))\b",
    }.items()
}
"""Event → what a phrase that means it holds; the first that fits."""

_FROM = re.compile(
    rf"{SPAN}\s(?:(?!from\b)[\w’'-]+\s){{0,4}}?from\s(?P<first>[^.;,]{{3,60}}?)\s(?:to|until|"
    rf"till)\s"
    r"(?P<last>[^.;,]{3,60})",
    re.IGNORECASE,
)
_FROM_FIRST = re.compile(
    r"\bfrom\s(?P<first>[^.;,]{3,60}?)\s(?:to|until|till)\s(?P<last>[^.;,]{3,60}?)\s(?:it\s)?"
    rf"(?:took|were|was|passed|needed|went by)\s(?:us\s)?(?:[\w’'-]+\s){{0,3}}?{SPAN}",
    re.IGNORECASE,
)
_SHIPPED = re.compile(r"(?:the\s)?(?:deploy(?:ment)?|rollout|production)\b", re.IGNORECASE)
"""Where a plan led to; without it the same words tell of what broke."""
_OPEN = re.compile(
    r"\b(?:would|could|should|might|may|if|will|usually|next|previous\w*|last)\b", re.IGNORECASE
)


def gaps(case: Case) -> Iterator[Finding]:
    """Find lengths between two events that the timeline denies."""
    known = moments(case)
    for cell, text in passages(case):
        for pattern in (_FROM, _FROM_FIRST):
            for match in matches(pattern, text):
                one, other = _point(match["first"]), _point(match["last"])
                other = "mitigated" if one == "planned" and _SHIPPED.match(match["last"]) else other
                ones = known.get(one, []) if one else _rows(case, match["first"])
                others = known.get(other, []) if other else _rows(case, match["last"])
                lengths = _between(ones, others)
                said = match.group().strip()
                if (one != other or not one) and lengths and not _fits(match, lengths):
                    both = f"{WORDS[one]} and {WORDS[other]}" if one and other else "those"
                    truth = f"{both} are {times.duration(lengths[0])} apart"
                    yield about(case, cell, f"“{said}”, but {truth}.")


def _rows(case: Case, phrase: str) -> list[dt.datetime]:
    """Return the times of the rows that a phrase means."""
    meant = events.named(case, phrase, phrase=True)
    return [at for each in meant.events for at in each.times] if meant.sure >= 1 else []


_LOOSE, _NEAR = 1.0, 180
"""Minutes that a length may differ; seconds that the end of the whole may."""


_TO_EVENT = re.compile(
    r"\b(?:at|by|until|since)\s(?:about\s|around\s)?(?P<hour>\d\d):(?P<minute>\d\d)(?:\sUTC)?,?\s"
    rf"(?:only\s|some\s)?{SPAN}"
    r"\s(?P<way>after|before)\s(?P<event>(?:the|our|an?)\s[^.;,()]{3,60})",
    re.IGNORECASE,
)
_AFTER_ALL = re.compile(
    rf"\b(?:since|at)\s(?P<hour>\d\d):(?P<minute>\d\d)(?:\sUTC)?,\safter\s{SPAN}(?=[.;,)]|$)",
    re.IGNORECASE,
)
_WHOLE = frozenset({"what_happened", "problem"})


def reached(case: Case) -> Iterator[Finding]:
    """Find “by 14:25, nine minutes before the monitor did” where it did at no such moment."""
    meant_ = (each for each in case.cells if each.column.name == "purpose")
    told = (*passages(case, plans=True), *((cell, str(cell.value)) for cell in meant_))
    for cell, text in told:
        for match in matches(_TO_EVENT, text):
            meant = events.named(case, match["event"], phrase=True)
            at, sign = instants.on_day(case, _minute(match)), -1 if match["way"] == "before" else 1
            lengths = [
                sign * (at - each).total_seconds() / 60
                for event in meant.events
                for each in event.times
            ]
            if lengths and meant.by_cue and not _agree(match, lengths):
                said = " ".join(match.group().split())
                near = min(lengths, key=lambda each: abs(each - _length(match)))
                truth = f"{match['hour']}:{match['minute']} is {times.duration(abs(near))}"
                yield about(case, cell, f"“{said}”, but {truth} {_side(near, sign)} it.")


def _side(length: float, sign: int) -> str:
    return "after" if length * sign > 0 else "before"


def lasted(case: Case) -> Iterator[Finding]:
    """Find “since 15:04, after 94 minutes” where nothing was so long before that clock."""
    start = case.moments.start
    moments_ = [row["time"] for row in case.rows("timeline") if row.get("time")]
    for cell, text in with_messages(case) if start else ():
        for match in matches(_AFTER_ALL, text):
            at = instants.on_day(case, _minute(match))
            lengths = [(at - each).total_seconds() / 60 for each in moments_ if each < at]
            if start and lengths and start < at and not _agree(match, lengths):
                whole = times.duration((at - start).total_seconds() / 60)
                said = match.group().strip()
                yield about(case, cell, f"“{said}”, but that is {whole} after the start.")


def whole(case: Case) -> Iterator[Finding]:
    """Find “from 14:02 to 16:40” told of the whole incident, which ended at no such moment."""
    start, end = case.moments.start, case.moments.recovered
    ends = [row["time"] for row in case.rows("timeline") if row.get("time")]
    for cell, text in passages(case) if start and end else ():
        told = sentences(text)[:1] if cell.column.name in _WHOLE else ()
        stretch = next((found for each in told if (found := instants.between(case, each))), None)
        if stretch is None or start is None or end is None:
            continue
        near = [abs((each - stretch[1]).total_seconds()) <= _NEAR for each in ends]
        if abs((stretch[0] - start).total_seconds()) <= _NEAR and not any(near):
            said = f"from {stretch[0]:%H:%M} to {stretch[1]:%H:%M}"
            yield about(case, cell, f"“{said}”, but the impact ended at {times.shown(end)}.")


_WATCHED = late(
    rf"\b(?:watch|monitor|observ)\w*\s(?:[\w’'-]+\s){{0,3}}?for\s(?:another\s|a\sfurther\s)?{SPAN}",
    re.IGNORECASE,
)
_HOURS = 6 * 60
"""Minutes from which on it was watched after the incident was declared over, too."""


def watched(case: Case) -> Iterator[Finding]:
    """Find how long all was watched in the row of it, where the incident was over sooner."""
    rows = {row["row"]: row["time"] for row in case.rows("timeline") if _is_watch(row)}
    over, recovered = case.moments.resolved, case.moments.recovered
    for cell in case.cells if over else ():
        since = [at for at in (rows.get(cell.row), recovered) if at]
        mine = over and cell.table == "timeline" and cell.row in rows
        for match in matches(_WATCHED, str(cell.value)) if mine else ():
            most = max((over - each).total_seconds() / 60 for each in since) if over else 0.0
            said, step = spoken.minutes(match["span"].lower())
            if most + max(step, _LOOSE) < said < _HOURS and not _OPEN.search(str(cell.value)):
                doubt = (
                    f"“{match.group()}”, but it was declared resolved {times.duration(most)} later."
                )
                yield about(case, cell, doubt)


def _is_watch(row: Mapping[str, object]) -> bool:
    return row.get("step") == "Monitoring" and bool(row.get("time"))


def _minute(match: re.Match[str]) -> int:
    return 60 * int(match["hour"]) + int(match["minute"])


def _length(match: re.Match[str]) -> float:
    return spoken.minutes(match["span"].lower())[0]


def _agree(match: re.Match[str], lengths: Sequence[float]) -> bool:
    """Return whether any length is the one told, by a minute more or less."""
    told = _length(match)
    return any(spoken.agrees(match, each) or abs(each - told) <= _LOOSE for each in lengths)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (gaps, reached, lasted, whole, watched)


def _point(phrase: str) -> str:
    """Return the event that a phrase means, empty for none."""
    return next((name for name, pattern in _POINTS.items() if pattern.search(phrase)), "")


def _between(ones: Sequence[dt.datetime], others: Sequence[dt.datetime]) -> list[float]:
    return [abs((b - a).total_seconds()) / 60 for a in ones for b in others if a != b]


def _fits(match: re.Match[str], lengths: Sequence[float]) -> bool:
    """Return whether any length is the one told; what is open in time may be any."""
    before = match.string[max(0, match.start() - 60) : match.start()]
    if _OPEN.search(match.group()) or _OPEN.search(re.split(r"[.;]", before)[-1]):
        return True
    return any(spoken.agrees(match, each) for each in lengths)
