"""The moment that a sentence tells of: its clock, its event, or the row that it stands in."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import events, spoken, written
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.relations import named
from postmortem_nb.checks.spoken import CLOCK, SPAN

if TYPE_CHECKING:
    from postmortem_nb.checks.case import Case, Cell

_CLOCKED = re.compile(rf"\b(?:at|by|around|until)\s{CLOCK}", re.IGNORECASE)
_LAG = re.compile(
    rf"{SPAN}\s(?P<way>after|before|into|later)\b\s?(?P<event>[^,;.()]{{0,60}})", re.IGNORECASE
)
_SAME_PART = re.compile(r"(?:(?!\band\b|\bbefore\b|\bsince\b|\bafter\b|\bto\b)[^,;:.\d])*")
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


def on_day(case: Case, minute: int) -> dt.datetime:
    """Return the moment of a minute of the UTC day: of the next one where the incident lasts so."""
    start = case.moments.start or times.EPOCH
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
