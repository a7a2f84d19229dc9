"""Lengths and clocks that nothing bears: between which events a sentence tells of 42 minutes.

A length is compared with what lies between the events that its sentence names; where it names one,
from the first steps to it, and from the steps beside it; where none, with the whole incident.
"""

from __future__ import annotations

import re
from itertools import combinations, product
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import events, spoken
from postmortem_nb.checks.borne import PARTIAL, clause, fits, value

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from postmortem_nb.checks.borne import Bears
    from postmortem_nb.checks.case import Case, Row
    from postmortem_nb.checks.written import Figure

_PIECES = re.compile(
    r"[,;:()]\s|\s[–—]\s|\b(?:before|after|until|till|by the time|once|from|to|between|and|when|"
    r"as soon as|since|but|while)\s",
    re.IGNORECASE,
)
_BROAD = (
    "duration",
    "detection_time",
    "time_to_acknowledge",
    "time_to_mitigate",
    "time_to_recover",
    "resolution_time",
)
_DAY = 1440.0


def length(case: Case, sentence: str, figure: Figure, *, whole: bool) -> str | None:
    """Return the nearest length, where one is none between the events that its sentence names."""
    if figure.high >= _DAY or figure.low < 1:
        return None
    own = clause(sentence, figure)
    ends = _FROM_TO.search(own) is not None
    if ends:  # what lies beside its clause is another length’s
        begin = figure.begin - sentence.index(own)
        sentence, figure = own, figure._replace(begin=begin, end=begin + figure.end - figure.begin)
    groups, unclear = _groups(case, sentence, figure)
    if not groups:
        told = whole and not PARTIAL.search(sentence)
        return _longer(case, sentence, figure) or (_unmeasured(case, figure) if told else None)
    alone = len(groups) == 1
    if unclear or (alone and _FROM_EVENT.match(sentence, figure.end)):
        return None
    if alone:
        if not {event.step for event in groups[0]} <= _ALONE or _is_measure(case, figure):
            return None
        groups += [(each,) for each in events.known(case)[0]]
    start = tuple(each for each in events.known(case)[0] if each.step == "Incident Start")
    if _nearest(figure, [(start, each) for each in groups]) is None:
        return None
    pairs = product(groups[:1], groups[1:]) if alone else combinations(groups, 2)
    return _nearest(figure, pairs)


def from_row(case: Case, row: str, figure: Figure) -> bool:
    """Return whether a length is one from another step to a row, or from it to another."""
    rows = {each["row"]: each for each in case.rows("timeline") if each.get("time")}
    at = rows[row]["time"] if row in rows else None
    gaps = [abs((each["time"] - at).total_seconds()) / 60 for each in rows.values() if at]
    return any(fits(figure, gap) for gap in gaps if gap)


OF_ROW = re.compile(
    r"\s(?:after the (?:first|start|onset|beginning)|without (?:any |an? )?(?:errors?|failures?|"
    r"alerts?|incidents?)|of (?:stable|normal|clean|quiet|error-free))\b",
    re.IGNORECASE,
)
"""Behind a length, in a row of the timeline: it is one from another entry to this."""
SINCE = re.compile(r"\s(?:after|from)\sthe\s(?:start|beginning|onset)\b")
"""Behind a length: it leads from the start to what its sentence tells."""
TELLING = frozenset({"what_happened", "what_we_did", "problem", "text", "impact", "contribution"})
"""Blanks whose sentences tell what was done and seen."""


def since_start(case: Case, bears: Bears, figure: Figure) -> str | None:
    """Return the nearest length from the start to anything told; None where one is it."""
    start = case.moments.start
    if start is None:
        return None
    first = 60 * start.hour + start.minute
    ends = [(each["time"] - start).total_seconds() / 60 for each in _told_at(case)]
    ends += [(each.low - first) % _DAY for each in bears.by.get("clock", ())]
    gaps = [gap for gap in ends if gap > 0]
    if not gaps or any(fits(figure, gap) for gap in gaps):
        return None
    middle = (figure.low + figure.high) / 2
    return f"nearest: {times.duration(min(gaps, key=lambda gap: abs(gap - middle)))}"


def _told_at(case: Case) -> list[Row]:
    rows = (*case.rows("timeline"), *case.rows("updates"))
    return [row for row in rows if row.get("time")]


_IN = re.compile(r"\s(?:in|into|later|after)\b", re.IGNORECASE)


def from_start(case: Case, bears: Bears, sentence: str, figure: Figure) -> bool:
    """Return whether a length leads from the start to a clock of a text: “19 minutes in”."""
    start = case.moments.start if _IN.match(sentence, figure.end) else None
    first = 60 * start.hour + start.minute if start else 0
    gaps = [(each.low - first) % _DAY for each in bears.by.get("clock", ()) if start]
    return any(fits(figure, gap) for gap in gaps if gap)


def _is_measure(case: Case, figure: Figure) -> bool:
    return any(fits(figure, known) for name in _BROAD if (known := value(case, name)))


def _nearest(
    figure: Figure, pairs: Iterable[tuple[Sequence[events.Event], Sequence[events.Event]]]
) -> str | None:
    """Return the length between two events that is nearest to one told; None where one is it."""
    gaps = [abs(gap) for a, b in pairs for gap in events.gaps(a, b)]
    if not gaps or any(fits(figure, gap) for gap in gaps):
        return None
    middle = (figure.low + figure.high) / 2
    return f"nearest: {times.duration(min(gaps, key=lambda gap: abs(gap - middle)))}"


_MILESTONES = frozenset(
    {"Incident Start", "Detection", "Acknowledgment", "Mitigation Deployed", "Full Recovery"}
    | {"Incident Declared Resolved"}
)
WHOLE = frozenset({"title", "what_happened", "problem"})
"""Blanks that tell of the whole incident alone: a length there is one of its own."""
CLOSING = frozenset({"confirmed", "final_status", "closed"})
"""Blanks of the timeline that tell how it ended, often without a verb."""
SHORTEST = 10.0
"""Minutes of a length that is told as one of the incident's own."""


def _unmeasured(case: Case, figure: Figure) -> str | None:
    """Return the nearest length of the whole, where no two of the first and last steps have it."""
    ends = [each for each in events.known(case)[0] if each.step in _MILESTONES]
    if figure.low < SHORTEST:
        return None
    return _nearest(figure, (([a], [b]) for a, b in combinations(ends, 2)))


_FROM_TO = re.compile(
    r"\bfrom\s(?!\d)[^,;.]{1,60}\sto\s|\bbetween\s(?!\d)[^,;.]{1,60}\sand\s", re.IGNORECASE
)
"""In a sentence: its length leads to an event that it names in its own words."""
_FROM_EVENT = re.compile(
    r"\s(?:\w+\s)?(?:after|before|into|of|from|later|earlier|past)\b", re.IGNORECASE
)
"""Behind a length: it is told from an event to another, which the sentence then names."""
_ALONE = frozenset(
    {"Detection", "Acknowledgment", "Mitigation Deployed", "Full Recovery", "Partial Recovery"}
    | {"Incident Declared Resolved", events.TOLD, "Incident Start"}
)
"""Steps of which a length alone is told from the start, or from the step before."""
_EARLIER = re.compile(r"\s(?:\w+\s)?(?:before|earlier|ago|prior|previously)\b", re.IGNORECASE)


_OURS = re.compile(
    r"\b(?:incident|outage|degradation|disruption|downtime|interruption|impact|problem|trouble|"
    r"fail\w*|errors?|unavailable|unreachable|down|broken|affected|users?|customers?|people|"
    r"nobody|no one|we|us|our|it|all|everything|service|recover\w*|detect\w*|unnoticed|"
    r"undetected|lasted)\b",
    re.IGNORECASE,
)
"""In a clause: its length can be that of the incident, not of a rebuild."""


def _longer(case: Case, sentence: str, figure: Figure) -> str | None:
    """Return how long the incident took, where a length is longer than all of it."""
    if _EARLIER.match(sentence, figure.end) or not _OURS.search(clause(sentence, figure)):
        return None
    whole = value(case, "resolution_time") or value(case, "duration")
    if whole is None or figure.low <= 1.1 * whole or figure.low > 6 * whole:
        return None
    return f"the incident took {times.duration(whole)}"


def _groups(
    case: Case, sentence: str, figure: Figure
) -> tuple[list[tuple[events.Event, ...]], bool]:
    """Return the events that the pieces of a sentence name, and whether one names none."""
    rest = f"{sentence[: figure.begin]}, {sentence[figure.end :]}"
    groups: list[tuple[events.Event, ...]] = []
    open_ = False
    for piece in _PIECES.split(rest):
        meant = events.named(case, piece, phrase=True) if piece.strip() else None
        if meant and {each.step for each in meant.events} == {events.TOLD} and "first" not in rest:
            open_ = True
        elif meant and meant.by_cue:
            groups += [meant.events] if meant.events not in groups else []
        else:
            open_ = open_ or len(events.stems(piece)) > 1
    return groups, open_


_EXACT, _LOOSE = 2, 7  # minutes that a clock may differ
CLOCKED = frozenset({"title", "what_happened", "problem", "what_we_did", "key_events"})
"""Blanks of which each clock is one of the timeline; in the last messages too."""


def clock(case: Case, bears: Bears, sentence: str, figure: Figure) -> str | None:
    """Return the nearest clock, where one within the incident is none that anything has."""
    start, end = case.moments.start, case.moments.resolved or case.moments.recovered
    match = figure.match
    if start is None or end is None or match is None or not _within(match, start, end):
        return None
    moments = [at for event in events.known(case)[0] for at in event.times]
    moments += [row["time"] for row in case.rows("updates") if row.get("time")]
    moments += bears.peaks
    exact = re.search(r"\d:\d\d", match["clock"])
    hedged = spoken.HEDGE.search(sentence[: figure.begin].rstrip())
    apart = [(spoken.apart(match, 60 * at.hour + at.minute), at) for at in moments]
    known = [(gap, at) for gap, at in apart if gap is not None]
    if not known or min(known)[0] <= (_EXACT if exact and not hedged else _LOOSE):
        return None
    return f"nearest: {min(known)[1]:%H:%M}"


def _within(match: re.Match[str], start: dt.datetime, end: dt.datetime) -> bool:
    """Return whether a clock can lie in the incident; of a longer one nothing is known."""
    at, first = spoken.clocked(match), 60 * start.hour + start.minute
    length = (end - start).total_seconds() / 60
    return at is not None and length < at[1] and (at[0] - first) % at[1] <= length
