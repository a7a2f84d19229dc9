"""Events of the timeline as sentences name them: by the usual words for a step, or by its row's.

A clause names a row by a cue of its step (“answered the page”), by words that the row itself holds
(“the new certificate was on every pod”), or both. Several rows may fit; who compares doubts a
sentence only where none of them agrees.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import spoken
from postmortem_nb.checks.claims import FAILED_OVER, LOOSE_MINUTES, PERSON, SOME
from postmortem_nb.checks.dates import DATE, WEEKDAYS
from postmortem_nb.checks.reading import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case

_TROUBLE = (
    r"(?:incident|outage|impact|errors?|failures?|degradation|disruption|trouble|problems?|"
    r"symptoms?|slowdown|it(?:\sall)?|things)"
)
_US = (
    r"(?:we|us|any(?:one|body)|some(?:one|body)|nobody|no one|engineers?|on-call|team|"
    r"first of us|one of us|any of us)"
)
_ALERT = r"(?:alerts?|alarms?|monitors?|pagers?|pages?|paging)"
_FIX = (
    r"(?:fix|hot-?fix|patch|mitigation|workaround|roll-?back|revert|fail-?over|remedy|"
    r"change that helped)"
)
_ALL = r"(?:everything|everyone|service|all(?:\sof\s\w+)?|things|it|traffic|users|customers)"

TOLD = "told"
"""The event that is no step: the first update of the status page."""

_CUES: Mapping[str, tuple[str, str]] = {
    "Incident Start": (
        (
            rf"first\s(?:[\w-]+\s){{0,2}}?(?:errors?|failures?|fail\w*|timeouts?|symptoms?|impact|"
            r"rejections?|rejected\s\w+|refusals?)"
            rf"|{_TROUBLE}\s(?:had\s|first\s|all\s|was\s)*(?:began|begun|started|set in|struck|hit|"
            r"broke out|appeared|surfaced|went wrong)"
            r"|onset|outset|(?:the|impact|incident)\s(?:start|beginning)(?!\sof\s(?:the\s|our\s)?"
            r"(?!(?:outage|incident|impact|trouble|errors)\b))"
        ),
        r"impact|first\s(?:[\w-]+\s)?(?:error|failure|timeout)s?",
    ),
    "Detection": (
        (
            rf"{_ALERT}\s(?:[\w’'-]+\s){{0,3}}?(?:fired|fire|went off|rang|sounded|came|tripped|"
            r"triggered|woke|caught|reached|arrived|spoke|buzz\w*|beep\w*|lit up|blared)"
            r"|\bit\s(?:had\s|finally\s)?(?:fired|rang|went off|paged)"
            r"|(?:phone|mobile)\s(?:\w+\s)?(?:buzz\w*|rang|beep\w*|lit up)"
            r"|(?:to|we)\s(?:find out|notice|realise|realize|spot|see)\s(?:that\s)?"
            r"(?:it|this|anything|something)\b"
            rf"|{_US}\s(?:[\w’'-]+\s){{0,3}}?(?:noticed|"
            r"knew(?!\s(?:the|wh\w+|it was|that|how|all|enough|more))|paged|alerted|aware|"
            r"was told|were told|looked at|heard|spotted|found out|realised|realized|saw it)"
            r"|detect(?:ed|ion|ing)|(?<!un)noticed|spotted|time\sto\sdetect"
            r"|first\s(?:\w+\s)?(?:calls?|callers?|tickets?|complaints?|reports?)"
            rf"|{PERSON}s\s(?:had\s|first\s)?(?:told us|wrote in|let us know)"
        ),
        rf"{_ALERT}|first\s(?:\w+\s)?(?:call|report|ticket)s?|detection|noticing",
    ),
    "Acknowledgment": (
        (
            r"acknowledg\w+|acked"
            rf"|{_ALERT}\s(?:[\w’'-]+\s){{0,3}}?(?:answered|picked up|taken)"
            r"|(?:was|were|got|jumped)\s(?:already\s|straight\s|right\s)?on it\b"
            rf"|(?:answer|pick|respond|react|took|take)\w*\s(?:up\s|to\s)?(?:the\s|our\s|that\s)?"
            rf"(?:{_ALERT}|call\b)"
        ),
        r"acknowledg\w+|picking up",
    ),
    "Investigation Begins": (
        (
            r"investigat\w+\s(?:had\s)?(?:began|begun|started|was under ?way)"
            r"|(?:began|started|set about|went|begun)\s(?:\w+\s)?(?:investigat\w+|looking|digging|"
            r"debugging|diagnos\w+|troubleshooting)|first look|time\sto\sinvestigate"
        ),
        r"investigat\w+|first look|looking into",
    ),
    "Escalation": (
        (
            r"escalat\w+|(?:call|brought|bring|pull|loop|drag|rop|page|summon)\w*\s"
            r"(?:[\w’'-]+\s){0,4}?"
            r"in\b|joined|joining|came "
            r"to help|(?<!we were )(?:on|onto|in|into)\sthe\s(?:call|bridge|line|war room)"
        ),
        r"escalat\w+|calling in",
    ),
    "Key Discovery": (
        r"key (?:finding|discovery)|discover(?:ed|y)|(?:first|real|decisive)\s(?:clue|lead|hint)",
        r"discovery|finding",
    ),
    "Root Cause Identified": (
        (
            r"(?:cause|culprit|reason|diagnosis)\s(?:[\w’'-]+\s){0,3}?(?:known|found|"
            r"identified|clear|"
            r"understood|confirmed|pinned down|established|pinpointed|stood)"
            r"|(?:knew|know|found|find|finding|identif\w+|understood|understand|confirmed|"
            r"pinpoint\w*|pinned down|establish\w*|nailed)\s(?:down\s)?(?:the\s|what\s|why\s|its\s)"
            r"(?:(?:root|real|actual|true)\s)?(?:cause\w*|culprit|reason|was wrong|had)"
        ),
        r"(?:root\s)?cause|diagnosis",
    ),
    "Mitigation Plan Formed": (
        (
            r"decision|decid(?:ed|ing)|(?:a|the)\s(?:mitigation\s)?plan\s(?:was|stood|had)|"
            r"agreed\s(?:on|to)|"
            r"chose\s|"
            r"settled on|go-ahead|green light|approv\w+|signed off"
        ),
        r"decision|plan|deciding|go-ahead",
    ),
    "Mitigation Deployed": (
        (
            r"mitigat(?:ed|ion(?!\splan))|"
            rf"{_FIX}\s(?:[\w’'-]+\s){{0,2}}?(?:out|live|deployed|in place|shipped|"
            r"applied|released|done|landed|began|started|ran|reached|complete|through)"
            r"|roll(?:ed|ing)\s(?:[\w-]+\s){0,2}?back|revert(?:ed|ing)|failing\s(?:\w+\s)?over|"
            rf"{FAILED_OVER}"
        ),
        rf"{_FIX}",
    ),
    "Partial Recovery": (
        (
            r"partial(?:ly)?\srecover\w*|(?:half|some|most|part|first)\s(?:of\s)?(?:[\w’'-]+\s"
            r"){0,4}?"
            r"(?:back|again|recovered|worked)"
        ),
        r"partial recovery",
    ),
    "Full Recovery": (
        (
            r"(?<!rate )(?<!latency )(?<!alert )(?<!monitor )(?<!percentile )"
            r"recover(?:ed|y|ing)|back to normal|back on (?:its|their|our) feet|(?:was|were) over|"
            rf"{_TROUBLE}\s(?:had\s|was\s|were\s)?(?:ended|stopped|ceased|over|gone|died down)"
            rf"|{_ALL}\s(?:[\w’'-]+\s){{0,2}}?(?:back|fine|normal|working|worked|restored|healthy)"
            r"|last\s(?:of the\s)?(?:[\w-]+\s){0,2}?(?:error|failure)s?|restored"
        ),
        r"recovery|full recovery|the end|normal",
    ),
    "Incident Declared Resolved": (
        (
            r"(?:declared|marked|called)\s(?:it\s)?(?:resolved|over|closed)|all[- ]clear(?! since)|"
            r"stood down|"
            r"incident\s(?:was\s)?(?:closed|resolved)|resolved"
        ),
        r"all[- ]clear|closure|closing|resolution",
    ),
    TOLD: (
        (
            r"status page|public\s(?:note|notice|post|message|statement|banner)|"
            r"(?:customers|users|merchants|clients|visitors|shoppers|tenants|public)\s"
            r"(?:[\w’'-]+\s){0,2}?(?:told|informed|notified|heard)|first (?:public )?(?:word|"
            r"notice)"
        ),
        r"status page(?:\s\w+)?|first (?:public )?(?:word|notice|update)",
    ),
}
"""Step → what a clause says of it, and the bare names that a phrase behind “after” may have."""


def _compiled(which: int) -> Mapping[str, re.Pattern[str]]:
    return {
        step: re.compile(rf"\b(?:{ways[which]})\b", re.IGNORECASE) for step, ways in _CUES.items()
    }


_SAID, _NAMED = _compiled(0), _compiled(1)

_WORD = re.compile(r"[^\W\d_][\w-]{2,}")
_PLAIN = frozenset(
    """about after again already also because been before began being both came could done during
    each even ever every from have having into just last later like made many more most much near
    none only other over same second seconds minute minutes hour hours since some still such than
    that the their them then there these they this those through time until very was well went were
    what when where which while whole will with within without would your and for had has not our
    out who why its are but did does first page took take takes once how all any one two three
    half long team teams incident full datadog""".split()  # noqa: SIM905 - words are read as words
)
"""Words that a clause may share with a row and yet speak of something else."""

ROLES = frozenset({"row", "phase", "step", "time", "alert_link", "data_source", "tools"})
"""Columns of the timeline that tell nothing of what a row is about."""
SHORT = 8
"""Words of a phrase at most where a bare name is enough: “after the alert”."""
_ENOUGH = 1.25
_NEAR = 0.6


_DEPLOYED, _FAILOVER = "Mitigation Deployed", re.compile(r"\bfail-?overs?\b", re.IGNORECASE)
_LIKE: Mapping[str, str] = {"Key Discovery": "Root Cause Identified"}
"""Step → another whose words it may bear too."""


ENTRY = re.compile(
    r"(?:^|[·;,\n•|]|\.\s)\s*(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)\b"
    r"(?P<text>(?:(?!\.\s(?:[A-Z]\w+,?\s){0,2}(?:[01]\d|2[0-3]):[0-5]\d)"
    r"(?:[^·;,\n•|]|,(?=\d{3}))){3,200})"
)
"""One of the key events: “16:44 waiting room paused”."""
_ON_DAY = re.compile(rf"\b(?:{DATE}|{'|'.join(WEEKDAYS)}|yesterday|day before)\W*$", re.IGNORECASE)
"""Before an entry: its day, “Friday 20 November, 15:10”."""
_HEAD = 30
"""Characters before an entry in which its day is looked for."""
_NOTED = 4_000
_HALF_DAY, _HOURS = dt.timedelta(hours=12), 180


class Reading(NamedTuple):
    """What a clause says: cues of steps, and stems of its words."""

    cues: frozenset[str]
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Event:
    """Something of the timeline: its step, its times (a row may tell of several), its words."""

    step: str
    times: tuple[dt.datetime, ...]
    stems: frozenset[str]
    people: frozenset[str] = frozenset()


class Named(NamedTuple):
    """Events that a clause may mean, and how surely."""

    events: tuple[Event, ...]
    sure: float
    by_cue: bool


@lru_cache(maxsize=TEXTS)
def stems(text: str) -> frozenset[str]:
    """Return the beginnings of the words that tell something."""
    words = (word.lower() for word in _WORD.findall(text))
    return frozenset(stem(word) for word in words if word not in _PLAIN)


def stem(word: str) -> str:
    """Return the beginning of a word, without the ending that it may have."""
    short = re.sub(r"(?:ing|ed|es|s|e)$", "", word[:7]) if len(word) > 4 else word.rstrip("s")
    return short[:-1] + "i" if short.endswith("y") else short


@lru_cache(maxsize=TEXTS)
def read(clause: str, *, phrase: bool = False) -> Reading:
    """Return what a clause says; a phrase behind “after” may name an event by its noun."""
    cues = {step for step, pattern in _SAID.items() if pattern.search(clause)}
    if phrase and clause.count(" ") < SHORT:
        cues |= {step for step, pattern in _NAMED.items() if pattern.search(clause)}
    if SOME.search(clause):  # they may have been told later than the first
        cues.discard(TOLD)
    return Reading(frozenset(cues), stems(clause))


@lru_cache(maxsize=4)
def known(case: Case) -> tuple[tuple[Event, ...], Mapping[str, float]]:
    """Return the events of a case, and how much each of their words tells of one of them."""
    events = [event for row in case.rows("timeline") if (event := _event(row))]
    often = Counter(stem for event in events for stem in event.stems)
    events += _noted(case, tuple(events))
    sent = [row["time"] for row in case.rows("updates") if row.get("time") and _public(row)]
    if sent:
        events.append(Event(TOLD, (min(sent),), frozenset()))
    words = {stem for event in events for stem in event.stems}
    return tuple(events), {stem: 1 / max(1, often[stem]) for stem in words}


_CLOCKS = 30
"""Clocks that are read in a row: each is set against those of the others."""


def _public(row: Mapping[str, object]) -> bool:
    return "status" in str(row.get("channel") or "").lower()


def _event(row: Mapping[str, object]) -> Event | None:
    at = row.get("time")
    if at is None:
        return None
    told = [value for name, value in row.items() if name not in ROLES and value]
    words = [each for value in told for each in (value if isinstance(value, list) else [value])]
    text = "; ".join(each for each in words if isinstance(each, str))
    times = [at, *_clocks(text, at)]  # type: ignore[arg-type]  # a column of times
    return Event(str(row.get("step") or ""), tuple(times), stems(text))  # type: ignore[arg-type]


def _noted(case: Case, rows: Sequence[Event]) -> Iterator[Event]:
    """Yield the key events that the evidence shows and no row has: neither its time nor its words.

    One with the words of a row and another time is the row's, told wrongly.
    """
    start, end = case.moments.start, case.moments.resolved or case.moments.recovered
    if start is None:
        return
    for match in ENTRY.finditer(str(case.fact("key_events") or "")[:_NOTED]):
        at = start.replace(hour=int(match["hour"]), minute=int(match["minute"]), second=0)
        head = match.string[max(0, match.start() - _HEAD) : match.start()]
        day = _ON_DAY.search(head)
        own = (f"{start:%A}", f"{start.day} {start:%B}", f"{start:%B} {start.day}")
        if day and not any(each in day.group() for each in own):
            continue
        if at < start - _HALF_DAY:
            at += 2 * _HALF_DAY
        elif end and at > end + _HALF_DAY:
            at -= 2 * _HALF_DAY
        said = stems(match["text"])
        shared = [len(said & row.stems) for row in rows]
        same = (each > 1 and 2 * each > len(said) for each in shared)
        if not any(same) and not any(at in row.times for row in rows):
            yield Event(f"“{match['text'].strip(' .')}”", (at,), said)


def _clocks(text: str, near: dt.datetime) -> list[dt.datetime]:
    """Return the clocks that a row tells of beside its own, as moments of its day, each once."""
    every = re.findall(r"(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?![\d:])", text)
    found = list(dict.fromkeys(every))[:_CLOCKS]
    return [near.replace(hour=int(hour), minute=int(minute)) for hour, minute in found]


def named(case: Case, clause: str, *, phrase: bool = False) -> Named:
    """Return the events that a clause may mean, the nearest ones."""
    said = read(clause, phrase=phrase)
    events, weights = known(case)
    if _DEPLOYED in said.cues and not _is_mitigated(clause, events):
        said = said._replace(cues=said.cues - {_DEPLOYED})
    itself = "root cause" in clause.lower() and any(
        each.step == _LIKE["Key Discovery"] for each in events
    )
    scored = []
    for event in events:
        shared = said.stems & event.stems
        words = sum(weights[each] for each in shared)
        cued = event.step in said.cues or (not itself and _LIKE.get(event.step) in said.cues)
        whole = phrase and len(shared) > 1 and shared == said.stems
        if cued or whole or (words >= _ENOUGH and len(shared) > 2):
            scored.append((words + (1.0 if cued else 0.0), cued, event))
    best = max((score for score, _, _ in scored), default=0.0)
    near = [each for each in scored if each[0] >= best - _NEAR]
    return Named(tuple(event for _, _, event in near), best, any(cued for _, cued, _ in near))


def _is_mitigated(clause: str, events: Sequence[Event]) -> bool:
    """Return whether a clause tells of the mitigation, and not of a failover that began it all."""
    rest = _FAILOVER.sub(" ", clause)
    named_ = _SAID[_DEPLOYED].search(rest) or _NAMED[_DEPLOYED].search(rest)
    rows = (each for each in events if each.step == _DEPLOYED)
    return bool(named_) or any(stem("failover") in each.stems for each in rows)


def score(case: Case, clause: str, event: Event) -> float:
    """Return how well a clause fits an event."""
    said = read(clause)
    _, weights = known(case)
    words = sum(weights[each] for each in said.stems & event.stems)
    return words + (1.0 if event.step in said.cues else 0.0)


def gaps(ones: Sequence[Event], others: Sequence[Event]) -> list[float]:
    """Return the minutes from each time of one event to each of another, earlier ones negative."""
    return [
        (b - a).total_seconds() / 60
        for one in ones
        for other in others
        if one is not other
        for a in one.times
        for b in other.times
    ]


_COMPLETE = re.compile(r"\b(?:completed?|finished|done|ended|over|last)\b", re.IGNORECASE)


def is_end(case: Case, match: re.Match[str], said: str) -> bool:
    """Return whether words tell of an end at the recovery: a rollback lasts from its own row on."""
    ended = case.moments.recovered
    gap = spoken.apart(match, 60 * ended.hour + ended.minute) if ended else None
    return gap is not None and gap <= LOOSE_MINUTES and bool(_COMPLETE.search(said))


def is_before(case: Case, match: re.Match[str]) -> bool:
    """Return whether a clock lies in the hours before the start: what was then need be no row."""
    start, said = case.moments.start, spoken.clocked(match)
    if start is None or said is None:
        return False
    return 0 < (60 * start.hour + start.minute - said[0]) % said[1] < _HOURS
