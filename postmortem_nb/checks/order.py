"""Clauses set against the timeline: “by the time the page was answered, Security was on the call”.

A sentence is read as events (see `events`) with what is between them: before, after, by the time,
a length, or a clock. It is doubted where no event that a clause may mean agrees.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import times
from postmortem_nb.checks import events, instants, spoken
from postmortem_nb.checks.claims import LOOSE_MINUTES
from postmortem_nb.checks.dates import WEEKDAYS
from postmortem_nb.checks.reading import TEXTS, about, passages, sentences, with_messages
from postmortem_nb.checks.relations import is_first_try
from postmortem_nb.checks.spoken import CLOCK, SPAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.events import Event
    from postmortem_nb.checks.report import Finding

LONGEST = 400
"""Characters of a sentence that is read: what is longer is a list."""

_LINK = re.compile(
    rf"(?:(?P<within>within)\s(?:[\w’'-]+\s){{0,2}}?(?P<limit>{SPAN.replace('?P<span>', '')})\s"
    rf"(?:of|after)|(?:(?P<length>{SPAN})\s(?:[\w’'-]+\s)?)?"
    r"\b(?P<way>before|after|by the time(?:\sthat)?|once|as soon as|until|till|prior to|ahead of|"
    r"following|later than))\s",
    re.IGNORECASE,
)
_EARLIER = frozenset({"before", "prior to", "ahead of", "by the time", "by the time that"})
_UNTIL = frozenset({"until", "till"})
_END = re.compile(r"[,;:()]\s|\s[–—]\s|\b(?:and|but|while|because|which|where|although)\b")
_LEAD = re.compile(
    r"^\W*(?:(?:only|just|even|well|long|right|shortly|soon|some|about|almost|nearly|it was|and|"
    r"but|then|more than|less than|over|not)\s)*$",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:not|never|nobody|no one|none|no|nothing|\w+n[’']t|without|only|hardly|barely)\b",
    re.IGNORECASE,
)
_ONLY = re.compile(r"\bonly\s*$", re.IGNORECASE)
"""Before a link: “only after” is after."""
OPEN = re.compile(
    r"\b(?:would|could(?!\snot?\b)|should|might|may|if|unless|must|will|can|cannot|usual\w*|normal(?:ly)?\s|"
    r"always|previous\w*|next|instead|whether|often|typical\w*|plan(?:ned|s)|had to|to be|"
    r"expected|drill|rehears\w*|tests?|another(?!\s(?:\d+|few|\w+)\s(?:minutes|hours|seconds)\b)|other|"
    r"similar|same(?!\s(?:moment|time|instant)\b)|(?<!every )second|third|again|as well|too|"
    r"false|no effect|in vain|without (?:any )?(?:effect|change|success)|at first|first tried)\b",
    re.IGNORECASE,
)
"""In a sentence: it is no plain statement of what came when."""
_STILL = re.compile(r"\b(?:still|not yet|yet to)\b", re.IGNORECASE)
_AT = re.compile(
    rf"(?:\b(?P<at>at|by|around|about|towards?|since|from)\s(?:about\s|around\s)?|^\W*){CLOCK}"
    r"(?!\s?%)",
    re.IGNORECASE,
)
_LOCAL = re.compile(
    r"\blocal(?:ly)?\b|\b(?-i:[ECMP][SD]T|CES?T|[BIJ]ST)\b|\b(?:Eastern|Central|Pacific|"
    r"Mountain)\b|(?-i:[A-Z][a-z]+) Time\b|\d\sin\s(?-i:[A-Z])",
    re.IGNORECASE,
)
"""In a clause: its clock is that of another zone."""
_ANY = re.compile(r"(?<![\d:])\d{1,2}:\d\d(?![\d:])|\b(?:noon|midnight)\b")
_CLAUSE = re.compile(
    r"(?<!\d:\d\d):(?!\d)|[,;()·](?!\d)|\s[–—]\s|\b(?:and|but|while|before|after|until|so|then|"
    r"because|once|(?<!knew )(?:when|where|which))\b"
)
OTHER_DAY = re.compile(
    r"\b(?:(?:next|following|previous) (?:day|morning|evening|night|week)|yesterday|tomorrow|"
    r"evening before|night before|day before|\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|"
    r"Nov|Dec)\w*|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{1,2}|"
    r"weeks?|months?|years?|cron|every (?:day|night|hour|week|month|morning)|daily|nightly)\b",
    re.IGNORECASE,
)
"""In a sentence: its clocks may be of another day."""
_DAY = re.compile(rf"\b(?:{'|'.join(WEEKDAYS)})\b", re.IGNORECASE)
_PAGED = re.compile(r"\b(?:pages?|paged|paging)\b", re.IGNORECASE)
_BEGUN = re.compile(r"\b(?:start\w*|beg[au]n|begins?|kicked off)\b", re.IGNORECASE)
_RANGED = re.compile(r"\b(?:between|from)\s[\d.,]+\s(?:and|to)\s$", re.IGNORECASE)
"""Before a length: it is one of two, between which others are."""
_AT_THEN = re.compile(rf"[^,;:()]*\bat\s{CLOCK},\s(?:\w+\s)?$", re.IGNORECASE)
"""Before a link: the clause with its clock, “updated at 09:52, |before the escalation”."""
_SURE = 1.2
_CERTAIN = 2.0
_LEADS = 0.7


_HAD = re.compile(r"\bhad\b", re.IGNORECASE)


class _Order(NamedTuple):
    """Two clauses of a sentence and what links them."""

    one: str
    other: str
    match: re.Match[str]
    said: str


class _Clock(NamedTuple):
    """A clause with one clock."""

    clause: str
    match: re.Match[str]


def order(case: Case) -> Iterator[Finding]:
    """Find clauses that set events in an order, at a distance or at a clock they had not."""
    if case.moments.start is None:
        return
    for cell, text in passages(case):
        linked, clocked = _read(text)
        for each in linked:
            truth = None if is_of_another_day(case, each.said) else _denied(case, cell, each)
            if truth:
                yield about(case, cell, f"“{each.said}”, but {truth}.")
        for clock in clocked:
            graphs = cell.column.name == "metric_graphs"  # which `levels` reads
            other = graphs or is_of_another_day(case, clock.clause)
            truth = None if other else _elsewhere(case, cell, clock)
            if truth:
                yield about(case, cell, f"“{clock.clause.strip()}”, but {truth}.")


def placed(case: Case) -> Iterator[tuple[str, dt.datetime]]:
    """Yield the steps that clauses put at a clock which the timeline does not have for them."""
    for _, text in with_messages(case):
        for clock in _read(text)[1]:
            match = clock.match
            bare = clock.clause[: match.start()] + clock.clause[match.end() :]
            meant = events.named(case, bare)
            told = [at for event in meant.events for at in event.times]
            said = spoken.clocked(match)
            if said and meant.by_cue and not any(_near(match, at, late=False) for at in told):
                at = instants.on_day(case, said[0])
                yield from ((event.step, at) for event in meant.events)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (order,)


@lru_cache(maxsize=TEXTS)
def _read(text: str) -> tuple[tuple[_Order, ...], tuple[_Clock, ...]]:
    """Return the linked clauses and those with a clock; kept until an edit."""
    linked: list[_Order] = []
    clocked: list[_Clock] = []
    for sentence in sentences(text):
        if len(sentence) > LONGEST or OPEN.search(sentence):
            continue
        linked += _linked(sentence)
        clocked += _clocked(sentence)
    return tuple(linked), tuple(clocked)


def is_of_another_day(case: Case, text: str) -> bool:
    """Return whether a text names a day of the week that is none of the incident's."""
    start, end = case.moments.start, case.moments.resolved or case.moments.recovered
    own = {WEEKDAYS[at.weekday()] for at in (start, end) if at}
    return any(each.lower() not in own for each in _DAY.findall(text))


def _linked(sentence: str) -> Iterator[_Order]:
    """Yield the pairs of clauses of a sentence that a word of order links."""
    links = list(_LINK.finditer(sentence))
    for at, match in enumerate(links):
        stop = links[at + 1].start() if at + 1 < len(links) else len(sentence)
        other = _END.split(sentence[match.end() : stop])[0]
        rest = sentence[match.end() + len(other) : stop]
        before = _END.split(sentence[: match.start()])[-1]
        if _LEAD.match(before) and match["length"] and not rest.startswith(","):
            clauses = [each for each in _END.split(sentence[: match.start()]) if each.strip()]
            one = next((each for each in reversed(clauses) if not _LEAD.match(each)), "")
            said = sentence[: match.end()] + other
            if _LINK.search(one):  # two lengths of one event, not of each other
                continue
        elif _LEAD.match(before) and rest.startswith(","):
            one = _END.split(rest[1:].lstrip())[0]
            said = sentence[match.start() : stop]
        elif _LEAD.match(before):
            clause = _AT_THEN.search(sentence[: match.start()])
            one = clause.group() if clause else ""
            said = one + sentence[match.start() : match.end()] + other
        else:
            one, said = before, before + sentence[match.start() : match.end()] + other
        ranged = match["length"] and _RANGED.search(sentence[: match.start()])
        if one.strip() and other.strip() and not ranged:
            yield _Order(one, other, match, " ".join(said.split()).strip(" ,.;"))


def _denied(case: Case, cell: Cell, each: _Order) -> str | None:
    """Return what the timeline says of two events, where it is another order or length.

    A row may tell of itself: “declared over, 178 minutes after the start”.
    """
    match = each.match
    way = (match["way"] or "after").lower()
    ones = _at_clock(case, each.one) or events.named(case, each.one)
    others = events.named(case, each.other, phrase=True)
    if (not ones.by_cue and ones.sure < _CERTAIN) or (not others.by_cue and others.sure < _CERTAIN):
        return None
    here = instants.row(case, cell)
    itself = not ones.by_cue and any(at in one.times for one in ones.events for at in here)
    if (itself and _HAD.search(each.one)) or _is_unclear(case, each, ones, others):
        return None  # what a row tells to have been before its own time is no row
    between = events.gaps(ones.events, others.events)
    if match["length"] and between:
        own = (events.Event("", (at,), frozenset()) for at in here)
        between += events.gaps(tuple(own), others.events)
    negated = bool(_NOT.search(_ONLY.sub("", each.one)))
    if not between or (_STILL.search(each.one) and way not in _UNTIL):
        return None
    if way in _UNTIL and not negated:
        return None
    early = (way in _EARLIER) != (negated and not match["length"])
    if way in _UNTIL:
        early = False
    if not any(_holds(match, gap, early=early) for gap in between):
        return _truth(ones.events[0], others.events[0])
    return None


def _is_unclear(case: Case, each: _Order, ones: events.Named, others: events.Named) -> bool:
    """Return whether both clauses may mean one event, or what is no row.

    Those who are called in are paged too; what was found out tells of what was before.
    """
    found = {event.step for event in others.events} & {"Key Discovery", "Root Cause Identified"}
    if _by_people(case, f"{each.one} {each.other}") or (found and not others.by_cue):
        return True
    steps = {one.step for one in ones.events}
    if each.match["length"] and "Mitigation Deployed" in steps and _BEGUN.search(each.one):
        return True  # a row tells of when it was done
    paged = "Escalation" in steps and _PAGED.search(each.other)
    return bool(paged or steps & {other.step for other in others.events})


def _at_clock(case: Case, clause: str) -> events.Named | None:
    """Return what a clause tells of as an event at the clock that it has."""
    found = [at for each in _AT.finditer(clause) if (at := spoken.clocked(each))]
    start = case.moments.start
    if len(found) != 1 or start is None or OTHER_DAY.search(clause) or _LOCAL.search(clause):
        return None
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (midnight + dt.timedelta(minutes=found[0][0], days=day) for day in (-1, 0, 1))
    moment = min(days, key=lambda each: abs(each - start))
    event = events.Event(f"“{clause.strip()}”", (moment,), frozenset())
    return events.Named((event,), _CERTAIN, by_cue=False)


def _holds(match: re.Match[str], until: float, *, early: bool) -> bool:
    """Return whether the first event can be so many minutes before the other."""
    if match["within"]:
        limit, step = spoken.minutes(match["limit"].lower())
        return -until <= limit + max(step, 2.0)
    if match["length"]:
        return spoken.agrees(match, until if early else -until)
    return until >= -1.0 if early else until <= 1.0


def _truth(one: Event, other: Event) -> str:
    """Return the words for when two events were."""
    a, b = one.times[0], other.times[0]
    gap = (a - b).total_seconds() / 60
    order = f"{times.duration(abs(gap))} {'after' if gap > 0 else 'before'}" if gap else "at"
    return f"{_name(one)} ({a:%H:%M}) is {order} {_name(other)} ({b:%H:%M} UTC)"


def _name(event: Event) -> str:
    return "the first status page update" if event.step == events.TOLD else event.step


def _clocked(sentence: str) -> Iterator[_Clock]:
    """Yield the clauses of a sentence that have one clock."""
    if OTHER_DAY.search(sentence) or _LOCAL.search(sentence):
        return
    before = ""
    for clause in _CLAUSE.split(sentence):
        watched = _WATCHED.match(clause) and _MONITOR.search(before)
        before = clause
        if watched or _WHO.match(clause):
            continue  # “triggered at 06:45 and recovered at 07:54”, “who joined at 18:00”
        found = [each for each in _AT.finditer(clause) if spoken.clocked(each)]
        one = len(found) == 1 and len(_ANY.findall(clause)) < 2
        if one and not _NOT.search(clause):
            yield _Clock(clause, found[0])


_LEVEL = re.compile(
    r"\b(?:was|were|is|are|had|has|held|stood|waited|waiting|reached|saw|counted|showed)\b[^;.]{0,60}?"
    r"(?<![\w.-])\d[\d,.]*(?![\w-])",
    re.IGNORECASE,
)
"""In a clause that no word puts with a row: it tells how high something was then."""
_FIRST = re.compile(r"\bfirst\b", re.IGNORECASE)
_SAW = re.compile(r"\b(?:see|saw|find|found|notice\w*|spot\w*|reali[sz]\w*)\b", re.IGNORECASE)
_FOUND = frozenset({"Key Discovery", "Root Cause Identified"})
"""Steps of which a clause may tell so: “it took until 05:56 to see it”."""
_WHO = re.compile(r"\s*who\b", re.IGNORECASE)
_WATCHED = re.compile(r"\s*(?:recovered|cleared|closed|resolved)\b", re.IGNORECASE)
_MONITOR = re.compile(r"\b(?:monitors?|alerts?|alarms?)\b", re.IGNORECASE)


def _elsewhere(case: Case, cell: Cell, clock: _Clock) -> str | None:
    """Return when the timeline has what a clause puts at another clock."""
    match = clock.match
    bare = clock.clause[: match.start()] + clock.clause[match.end() :]
    meant = events.named(case, bare)
    if not meant.events or (meant.sure < _SURE and not meant.by_cue):
        return None
    no_row = (not meant.by_cue and events.is_before(case, match)) or _by_people(case, bare)
    no_row = no_row or (not meant.by_cue and bool(_LEVEL.search(bare)))
    rows, _ = events.known(case)
    since = (match["at"] or "").lower() == "since"  # a state, and not the step that told of it
    no_row = no_row or (since and any(_near(match, at, late=False) for e in rows for at in e.times))
    if no_row or is_first_try(case, bare):
        return None  # what led to it is no row
    late = (match["at"] or "").lower() == "by"
    steps = {event.step for event in meant.events}
    moments = [at for event in meant.events for at in event.times]
    alike = [at for row in rows if row.step in steps for at in row.times]  # a second discovery
    if any(_near(match, at, late=late) for at in (*moments, *alike)):
        return None
    rivals = [row for row in rows if any(_near(match, at, late=False) for at in row.times)]
    led = any(events.score(case, bare, row) > meant.sure - _LEADS for row in rivals)
    led = led or (bool(_SAW.search(bare)) and any(row.step in _FOUND for row in rivals))
    both = _FIRST.search(clock.clause) and f"{moments[0]:%H:%M}" in str(cell.value)
    if led or both or events.is_end(case, match, bare):
        return None  # “first fell under it at 15:31, and stayed there from 15:38”
    if told_elsewhere(case, cell, match, bare):
        return None
    return f"the timeline has {times.shown(moments[0])} ({_name(meant.events[0])})"


def told_elsewhere(case: Case, cell: Cell, match: re.Match[str], clause: str) -> bool:
    """Return whether another blank, or a row by its own time, has the same clock for the like."""
    said = spoken.clocked(match)
    if said is None:
        return True
    own = events.stems(clause)
    clock = f"{said[0] // 60:02d}:{said[0] % 60:02d}"
    rows = (row for row in events.known(case)[0] if any(f"{at:%H:%M}" == clock for at in row.times))
    return any(len(own & row.stems) > 0 for row in rows) or any(
        clock in str(each.value) and len(own & events.stems(str(each.value))) > 0
        for each in case.cells
        if (each.table, each.row, each.column.name) != (cell.table, cell.row, cell.column.name)
        and each.column.kind in {"prose", "line"}
    )


_PEOPLE = re.compile(r"\b(?:tickets?|calls?|complaints?|tweets?|reports?)\b", re.IGNORECASE)


def _by_people(case: Case, clause: str) -> bool:
    """Return whether a clause tells of what people said, where a monitor detected it."""
    rows = case.rows("timeline")
    method = next((row["detection_method"] for row in rows if row.get("detection_method")), "")
    return method == "Monitor Alert" and bool(_PEOPLE.search(clause))


def _near(match: re.Match[str], at: dt.datetime, *, late: bool) -> bool:
    """Return whether a clock is near a moment; “by” it may be later than the moment."""
    gap = spoken.apart(match, 60 * at.hour + at.minute)
    if gap is None:
        return True
    if gap <= LOOSE_MINUTES:
        return True
    said = spoken.clocked(match)
    return late and said is not None and (said[0] - 60 * at.hour - at.minute) % 1440 < 720
