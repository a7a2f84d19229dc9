"""Dates and days of the week in sentences: their arithmetic, and the day of the incident."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from postmortem_nb.checks.reading import LONG, about, matches, passages, told
from postmortem_nb.checks.spoken import COUNTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

_MONTHS = "january february march april may june july august september october november december"
MONTHS = {name[:3]: at for at, name in enumerate(_MONTHS.split(), 1)}
"""The first three letters of a month's name, and its number."""

_MONTH = rf"(?P<month{{0}}>{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS.split())})\.?"
_YEAR = r"(?:,?\s(?P<year{0}>20\d\d))?"


def _dated(first: int) -> str:
    """Return the pattern of a date whose groups are numbered from here."""
    month, other, year = _MONTH.format(first), _MONTH.format(first + 1), _YEAR.format(first)
    third = first + 2
    return (
        rf"(?P<day{first}>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?{month}{year}"
        rf"|{other}\s(?P<day{first + 1}>\d{{1,2}})(?:st|nd|rd|th)?\b{_YEAR.format(first + 1)}"
        rf"|(?P<year{third}>20\d\d)-(?P<month{third}>\d\d)-(?P<day{third}>\d\d)"
    )


DATE = _dated(1)
"""A date as people write it; `day_of` reads its groups."""

_FAILED_ON = re.compile(
    rf"(?:^|[.;\n]\s?)(?:early |late )?on\s(?:\w+day,?\s)?(?:the\s)?(?:{DATE}),?\s"
    r"(?:at\s[\d:]+\s?(?:UTC|GMT|Z)?,?\s|between\s[^,.;]{1,40},\s|from\s[^,.;]{1,40},\s)?"
    rf"(?:[^\s.;]+\s){{1,8}}?(?:failed|began to fail|started failing|went down|was down|were down|"
    r"was unavailable|were unavailable|could not|couldn[’']t|was degraded|were degraded|broke)\b",
    re.IGNORECASE,
)
"""A sentence that begins with the day on which something failed."""

ANOTHER = re.compile(
    r"\b(?:similar\w*|same|earlier|previous\w*|already|again|before)\b", re.IGNORECASE
)
"""What says that a sentence tells of another incident."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = rf"(?P<weekday>{'|'.join(WEEKDAYS)})"
_NAMED = re.compile(rf"\b{_WEEKDAY},?\s(?:the\s)?(?:{DATE})", re.IGNORECASE)
"""A date with its day of the week."""

_HAPPENED = (
    r"(?:it|this|that|incident|outage|disruption|degradation|failure|impact|trouble)\s(?:all\s)?"
    r"(?:happened|occurred|began|started|took place|hit(?:\sus)?|struck|was)\s(?:\w+\s)?"
)
_THAT_DAY = re.compile(
    rf"\b{_HAPPENED}(?:on\s)?(?:an?\s|the\s)?(?:(?!on\b)[\w-]+\s){{0,2}}?{_WEEKDAY}\b",
    re.IGNORECASE,
)
_THAT_MORNING = re.compile(
    rf"(?:^|[.;]\s)On\s(?:the\s)?{_WEEKDAY}(?:\s(?:early\s)?(?:morning|afternoon|evening|night|noon))?"
    r"(?=,?\s(?:from|between|at|around|shortly)\s(?:(?:about|before|after)\s)?\d)",
    re.IGNORECASE,
)
"""Where the sentence tells of the incident itself: in the summary."""
_THAT_DATE = re.compile(rf"\b{_HAPPENED}on\s(?:\w+day,?\s)?(?:the\s)?(?:{DATE})", re.IGNORECASE)
_CLOCKED = re.compile(
    rf"\bbetween\s\d\d:\d\d\sand\s\d\d:\d\d(?:\sUTC)?,?\son\s(?:\w+day,?\s)?(?:the\s)?(?:{DATE})",
    re.IGNORECASE,
)
_OF_DATE = re.compile(
    rf"(?:\b(?:of|on)\s|[,(:–-]\s?)(?:\w+day,?\s)?(?:the\s)?(?:{DATE})", re.IGNORECASE
)
_CAUSED = re.compile(
    r"\b(?:failed|failing|broke|began|started|made|changed|deployed|merged|released|expired|"
    rf"ran out|introduced|enabled|disabled|created|removed)\s(?:quietly\s)?(?:since\s)?(?:on\s)?"
    rf"(?:\d{{1,2}},\s)*(?:\d{{1,2}}\sand\s)?(?:the\s)?(?:{DATE})",
    re.IGNORECASE,
)
_TRIED = re.compile(
    r"\b(?:tests?|trials?|reviews?|release|rollout|deploy(?:ment)?|change|upgrade|migration|merge)"
    rf"\s(?:of|on)\s(?:the\s)?(?:{DATE})",
    re.IGNORECASE,
)
_AGO = re.compile(
    rf"(?:{DATE}),?\s(?:i\.e\.\s|that is,?\s|about\s|some\s)?"
    rf"(?P<count>\d+|{'|'.join(sorted(COUNTS, key=len, reverse=True))})\s(?P<unit>days?|weeks?)\s"
    r"(?:earlier|before|ago|after\s(?:the\s|this\s)?(?:incident|outage))\b",
    re.IGNORECASE,
)
_FOLLOW_UP = re.compile(
    rf"\bfollow-?\s?up\b(?!\s(?:actions?|items?|tasks?|work|tickets?))[^.;\n]{{0,40}}?\b(?:on|is|"
    rf"for|of)\s(?:\w+day,?\s)?(?:the\s)?(?:{DATE})"
    rf"|(?:on|until)\s(?:{_dated(4)})"
    r"[^.;\n]{0,30}?\bfollow-?\s?up\b(?!\s(?:actions?|items?|tasks?|work|ticket))",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"\b(?:we|team|everyone)\s(?:shall\s|will\s)?(?:look|meet|come back|check|gather)"
    rf"(?:\s\w+){{0,5}}?\sagain\son\s(?:\w+day,?\s)?(?:the\s)?(?:{DATE})",
    re.IGNORECASE,
)
_PLANNED = frozenset({"what_we_will_do", "patterns", "text"})
"""Blanks that tell when all of it is looked at again."""
_ELSEWHERE = re.compile(r"\b(?:local|[A-Z]{2,3}T|time zone|a\.?m|p\.?m|night|evening)\b")
_HALF_A_DAY = dt.timedelta(hours=12)  # a place whose day is another than that of UTC


def dates(case: Case) -> Iterator[Finding]:
    """Find dates and days of the week that contradict the calendar or the timeline."""
    for cell, text in passages(case, plans=True):
        yield from _weekdays(case, cell, text)
        yield from _before(case, cell, text)
        if told(cell):
            yield from _days(case, cell, text)
            yield from _happened(case, cell, text)
    yield from _follow_up(case)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (dates,)


def _weekdays(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find a day of the week that its date is not."""
    near = case.moments.start
    for match in matches(_NAMED, text) if near else ():
        day = day_of(match, near.date()) if near else None
        if day and WEEKDAYS[day.weekday()] != match["weekday"].lower():
            yield about(
                case, cell, f"“{match.group()}”, but {day:%Y-%m-%d} is a {day:%A}.", CALENDAR
            )


CALENDAR = "Correct the day or the date."


def _happened(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find another day of the week, or date, on which the incident is said to have been."""
    start, end = case.moments.start, case.moments.recovered or case.moments.start
    if start is None or end is None:
        return
    half = _HALF_A_DAY if _ELSEWHERE.search(text) else dt.timedelta(0)
    first, last = (start - half).date(), (end + half).date()
    within = [first + dt.timedelta(days=each) for each in range((last - first).days + 1)]
    days = [_THAT_DAY, *([_THAT_MORNING] if cell.column.name == "what_happened" else [])]
    for match in (each for way in days for each in matches(way, text)):
        if match["weekday"].lower() not in {WEEKDAYS[day.weekday()] for day in within}:
            yield about(case, cell, f"“{match.group()}”, but {start:%Y-%m-%d} is a {start:%A}.")
    ways = (_OF_DATE,) if cell.column.name == "title" else (_THAT_DATE, _CLOCKED)
    for match in (each for way in ways for each in matches(way, text)):
        day = day_of(match, start.date())
        if day and day not in within and not ANOTHER.search(text):
            yield about(
                case, cell, f"“{match.group()}”, but the incident began on {start:%Y-%m-%d}."
            )


def _before(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find what led to the incident after it, and days before it that are miscounted."""
    start, end = case.moments.start, case.moments.recovered or case.moments.start
    if start is None or end is None or cell.column.name == "what_we_will_do":
        return
    late = (end + _HALF_A_DAY).date()
    for match, last in (
        *((each, late) for each in matches(_CAUSED, text)),
        *((each, end.date()) for each in matches(_TRIED, text)),
    ):
        day = day_of(match, start.date())
        if day and day > last and cell.column.name in CAUSES:
            yield about(case, cell, f"“{match.group()}”, but the incident ended on {end:%Y-%m-%d}.")
    for match in matches(_AGO, text):
        day, word = day_of(match, start.date()), match["count"].lower()
        count = COUNTS.get(word) or float(match["count"])
        unit, loose = (7, 3) if match["unit"].lower().startswith("week") else (1, 1)
        gap = abs((start.date() - day).days) if day else None
        if gap is not None and abs(gap - count * unit) > loose:
            yield about(case, cell, f"“{match.group()}”, but {start:%Y-%m-%d} is {gap} days after.")


CAUSES = frozenset(
    {"why_it_happened", "technical_cause", "organizational_cause", "process_cause", "answer"}
    | {"root_cause", "key_events", "description", "contribution", "evidence", "finding"}
)
"""Blanks that tell what led to the incident, or was seen while it went on."""


def _follow_up(case: Case) -> Iterator[Finding]:
    """Find another day for the follow-up than 30 days after the incident."""
    due = case.measures["follow_up"].value if "follow_up" in case.measures else None
    if not isinstance(due, dt.date):
        return
    for cell in case.cells:
        prose = cell.column.kind in {"prose", "line"} and cell.table != "similar"
        text = str(cell.value)[:LONG] if prose else ""
        again = matches(_AGAIN, text) if cell.column.name in _PLANNED else ()
        for match in (*matches(_FOLLOW_UP, text), *again):
            day = day_of(match, due)
            if day and day != due:
                yield about(case, cell, f"“{match.group()}”, but the follow-up is on {due}.")


def _days(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find sentences that begin with the day of the failure, where it was on no such day."""
    start, end = case.moments.start, case.moments.recovered or case.moments.start
    if start is None or end is None:
        return
    for match in matches(_FAILED_ON, text):
        slack = dt.timedelta(days=0 if re.search(r"\d\sUTC\b", match.group()) else 1)  # zones
        near = start.date() - slack, end.date() + slack
        said = day_of(match, start.date())
        sentence = re.split(r"[.;\n](?:\s|$)", text[match.end() :])[0]
        if ANOTHER.search(match.group() + sentence):
            continue
        if said is not None and not near[0] <= said <= near[1]:
            words = " ".join(match.group().strip(" .;\n").split())
            yield about(case, cell, f"“{words}”, but the incident began on {start:%Y-%m-%d}.")


def day_of(match: re.Match[str], near: dt.date) -> dt.date | None:
    """Return the day that a date in prose means; without a year, the nearest such day."""
    side = next(side for side in "123456" if match.groupdict().get(f"day{side}"))
    month = match[f"month{side}"].lower()
    number = int(month) if month.isdigit() else MONTHS[month[:3]]
    stated = match[f"year{side}"]
    years = [int(stated)] if stated else [near.year - 1, near.year, near.year + 1]
    found = []
    for year in years:
        with suppress(ValueError):
            found.append(dt.date(year, number, int(match[f"day{side}"])))
    return min(found, key=lambda day: abs(day - near), default=None)
