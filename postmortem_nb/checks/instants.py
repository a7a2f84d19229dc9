"""The moment that a sentence tells of: its clock, its event, or the row that it stands in."""

from __future__ import annotations

import datetime as dt
import re
from itertools import combinations
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import events, spoken, written
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.relations import moments, named
from postmortem_nb.checks.spoken import CLOCK, SPAN

if TYPE_CHECKING:
    from postmortem_nb.checks.case import Case, Cell

    Window = tuple[dt.datetime, dt.datetime]

_CLOCKED = re.compile(rf"\b(?:at|by|around|until)\s{CLOCK}", re.IGNORECASE)
_LAG = re.compile(
    rf"{SPAN}\s(?P<way>after|before|into|later)\b\s?(?P<event>[^,;.()]{{0,60}})", re.IGNORECASE
)
_SPAN = re.compile(SPAN, re.IGNORECASE)
_BESIDE = (
    (re.compile(r"\bhour\b", re.IGNORECASE), 60.0),
    (re.compile(r"\bhalf[ -](?:an[ -])?hour\b", re.IGNORECASE), 30.0),
    (re.compile(r"\bquarter of an hour\b", re.IGNORECASE), 15.0),
)
_TIMELY = re.compile(
    r"\b(?:before|after|by (?:then|now|the time)|until|till|since|from (?:then|when|that)|between|"
    r"(?:in|at) (?:that|this)|meanwhile|then|(?:that|this) (?:minute|hour)|so far|already|later|"
    r"earlier|minutes|hour|afterwards|when|while|once)\b",
    re.IGNORECASE,
)
"""In a sentence: it may tell of a stretch."""
_BETWEEN = re.compile(
    r"\b(?:[Ff]rom|[Bb]etween)\s(?P<since>\d\d:\d\d)\s(?:to|and|until|–)\s(?P<until>\d\d:\d\d)\b"
)
_ELSEWHERE = re.compile(r"\s(?!UTC\b|GMT\b)[A-Z]{2,4}T?\b|\slocal\b")
"""Behind a clock: it is not one of UTC."""
_NOUN = re.compile(
    r"\b(?:roll-?back|revert|alert|page|acknowledgment|escalation|mitigation|fix|recovery|detection|"
    r"restart)\b",
    re.IGNORECASE,
)
"""Events as a sentence names them in passing."""
_IN_MINUTE = re.compile(r"\b(?:in (?:the|the same)|that|this) minute\b", re.IGNORECASE)
_MOST = 6
"""Moments, and lengths, of a sentence that are looked at."""
_FAR = 600
"""Characters of a row that are looked at for moments."""
IT = re.compile(r"\b(?:before|after|until|when|since|once)\s(?:it|that|this)\b", re.IGNORECASE)
"""In a clause: its moment is that of an event told before."""
_MINUTE = dt.timedelta(minutes=1)
_SAME_PART = re.compile(r"(?:(?!\b(?:and|before|since|after|to|until|till)\b)[^,;:.\d])*")
"""Between a number and the clock behind it that it goes with."""


def told(
    case: Case, cell: Cell, sentence: str, known: dict[str, list[dt.datetime]]
) -> list[dt.datetime]:
    """Return the moment of which a sentence tells: its clock, its event, or its row."""
    own = row(case, cell)
    clocks = list(_CLOCKED.finditer(sentence))
    if clocks and case.moments.start:
        at = spoken.clocked(clocks[0]) if len(clocks) == 1 else None
        return [on_day(case, at[0]), *own] if at and at[1] == 1440 else []
    lag = _LAG.search(sentence)
    if lag:
        return _lagged(case, lag)
    names = {each.name for each in named(sentence)}
    return [*known.get(names.pop(), ()), *own] if len(names) == 1 else [] if names else own


def behind(case: Case, sentence: str, end: int) -> list[dt.datetime]:
    """Return the moment of the clock that stands right behind a level, where one does."""
    clocks = (each for each in written.figures(sentence) if each.kind == "clock")
    after = (each for each in clocks if each.begin >= end)
    own = [each for each in after if _SAME_PART.fullmatch(sentence, end, each.begin)]
    return [on_day(case, int(each.low)) for each in own[:1]]


def row(case: Case, cell: Cell) -> list[dt.datetime]:
    """Return the moment of the row in which a blank stands, where it has one."""
    rows = case.rows(cell.table) if cell.table in {"timeline", "updates"} else ()
    return [row["time"] for row in rows if row["row"] == cell.row and row.get("time")]


def beside(case: Case, cell: Cell) -> str:
    """Return, in small letters, what stands in the row of a blank; of a fact, itself."""
    own = (each for each in case.cells if (each.table, each.row) == (cell.table, cell.row))
    held = [cell] if cell.table == SINGLE else list(own)
    return " ".join(str(each.value) for each in held).lower()


def whole(case: Case) -> list[Window]:
    """Return the stretch of the incident, where it is known."""
    start, end = case.moments.start, case.moments.recovered
    return [(start, end)] if start and end else []


def between(case: Case, sentence: str) -> Window | None:
    """Return the stretch that a sentence gives by two clocks, UTC: “from 14:02 to 15:26”."""
    both = _BETWEEN.search(sentence)
    if not both or _ELSEWHERE.match(sentence, both.end()):
        return None
    since, until = (
        on_day(case, 60 * int(clock[:2]) + int(clock[3:]))
        for clock in (both["since"], both["until"])
    )
    return since, until


def windows(case: Case, cell: Cell, sentence: str) -> list[Window]:
    """Return the stretches that a sentence may tell of: between its moments, and beside them.

    Its moments are its clocks, its events and its row’s, else those of what stands in its row, the
    start and the end; beside them lie its lengths: “in the five minutes before it”. A sentence
    without a word of time tells of the whole incident; of one with such a word and no moment
    nothing is known.
    """
    start, end = case.moments.start, case.moments.recovered
    if start is None or end is None:
        return []
    if stretch := between(case, sentence):
        off = (dt.timedelta(), -_MINUTE, _MINUTE)
        return [(stretch[0] + one, stretch[1] + other) for one in off for other in off]
    own = _moments(case, sentence)
    if not own and not _TIMELY.search(sentence):
        return [(start, end)]
    beside_ = _row_text(case, cell)
    near = [*own, *row(case, cell)]
    if not near or _IN_MINUTE.search(sentence):
        near += _moments(case, beside_)
    told_ = list(dict.fromkeys(near))[:_MOST]
    if not told_:
        return []
    if _IN_MINUTE.search(sentence):
        return [(at, at + _MINUTE) for at in told_]
    every = sorted({start, end, *told_})
    made = [(start, end), *combinations(every, 2)]
    for length in _lengths(f"{sentence} {beside_}"):
        for at in every:
            made += [(at - length, at), (at, at + length)]
    made += [(at, at + _MINUTE) for at in told_]
    return list(dict.fromkeys(made))


def has_length(text: str) -> bool:
    """Return whether a text tells a length beside which its stretch lies."""
    return bool(_lengths(text))


def is_timely(text: str) -> bool:
    """Return whether a text has a word of time, or a clock."""
    clocks = (each for each in written.figures(text) if each.kind == "clock")
    return bool(_TIMELY.search(text)) or any(clocks)


def _row_text(case: Case, cell: Cell) -> str:
    """Return the prose that stands in the row of a blank; of a fact, itself."""
    if cell.table == SINGLE:
        return str(cell.value)[:_FAR]
    own = (each for each in case.cells if (each.table, each.row) == (cell.table, cell.row))
    return " ".join(str(each.value) for each in own if each.column.kind in {"prose", "line"})[:_FAR]


def before(case: Case, cell: Cell, sentence: str) -> list[dt.datetime]:
    """Return the moments that the row, or the blank, tells of before a sentence: “by then”."""
    head = _row_text(case, cell).partition(sentence)[0]
    return _moments(case, head)[:_MOST]


def _moments(case: Case, text: str) -> list[dt.datetime]:
    """Return the moments of the clocks and of the events that a text names."""
    clocks = (each for each in written.figures(text) if each.kind == "clock")
    known = moments(case)
    return [
        *(on_day(case, int(each.low)) for each in clocks),
        *(at for each in named(text) for at in known.get(each.name, ())),
        *(at for noun in dict.fromkeys(_NOUN.findall(text)) for at in of_event(case, noun)),
    ]


def _lengths(text: str) -> list[dt.timedelta]:
    """Return the lengths that a text tells: “five minutes”, “the hour before”."""
    found = [spoken.minutes(each.group().lower())[0] for each in _SPAN.finditer(text)]
    found += [minutes for said, minutes in _BESIDE if said.search(text)]
    return [dt.timedelta(minutes=each) for each in dict.fromkeys(found)][:_MOST]


def on_day(case: Case, minute: int) -> dt.datetime:
    """Return the moment of a minute of the UTC day: of the next one where the incident lasts so."""
    timed = [row["time"] for row in case.rows("timeline") if row.get("time")]
    start = case.moments.start or min(timed, default=times.EPOCH)
    end = case.moments.resolved or case.moments.recovered or start
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    at = first + dt.timedelta(minutes=minute)
    later = at + dt.timedelta(days=1)
    return later if at < start and later <= end else at


def of_event(case: Case, phrase: str) -> list[dt.datetime]:
    """Return the moments of the one event that a phrase names by the words of its step."""
    meant = events.named(case, phrase, phrase=True)
    return list(meant.events[0].times) if meant.by_cue and len(meant.events) == 1 else []


def _lagged(case: Case, lag: re.Match[str]) -> list[dt.datetime]:
    """Return the moments that a length behind, or before, an event leads to."""
    minutes = spoken.minutes(lag["span"])[0] * (-1 if lag["way"].lower() == "before" else 1)
    return [at + dt.timedelta(minutes=minutes) for at in of_event(case, lag["event"])]
