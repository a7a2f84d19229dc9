"""Events of a sentence set against one another: “the fix went out an hour after the first error”.

A sentence names two events and what lies between them: an order (before, after), a length, or both.
Each event has its times in the timeline; a sentence is doubted where no pair of them agrees.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import times
from postmortem_nb.checks import spoken
from postmortem_nb.checks.claims import LOOSE_MINUTES, is_some
from postmortem_nb.checks.late import late
from postmortem_nb.checks.reading import about, matches, passages, sentences
from postmortem_nb.checks.spoken import CLOCK, SPAN

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding

TROUBLE = r"(?:incident|outage|impact|errors?|failures?|degradation|disruption|trouble|problems?)"
_ANYONE = r"(?:we|anybody|anyone|any of us|somebody|someone|nobody|no one|engineers?|our side|us)"
_FIX = (
    r"(?:fix|hotfix|rollback|mitigation|patch|revert|workaround|failover|fail-over|"
    r"(?:new|renewed|replacement)\s\w+)"
)
_CAUSE = r"(?:(?:root|actual|real)\s)?cause"
_WENT = r"(?:is|was|went|were|had been|has been|came)\s(?:\w+ly\s)?"

EVENTS: Mapping[str, re.Pattern[str]] = {
    name: late(rf"\b(?:{pattern})\b", re.IGNORECASE)
    for name, pattern in {
        "start": r"(?:the\s)?first\s(?:failed|refused|broken|lost|rejected)\s\w+"
        rf"|(?:the\s)?first\s(?:\w+\s)?(?:errors?|failures?|impact|timeouts?)"
        rf"|(?:the\s)?(?:{TROUBLE}|it)\s(?:had\s)?(?:began|begun|started)"
        rf"|(?:the\s)?(?:start|beginning|onset)\sof\s(?:the\s)?{TROUBLE}"
        r"|(?:the|its|incident|impact)\s(?:start|beginning|onset)(?!\sof)",
        "detected": rf"(?:alerts?|alarm|monitor|page|pager)\s(?:\w+\s){{0,3}}?"
        r"(?:fired|went off|triggered|rang)"
        rf"|{_ANYONE}\s(?:\w+\s)?(?:noticed|knew(?!\s(?:the|what|why|how|that))|paged|was paged|"
        r"was alerted|was aware|became aware|(?:had|got) (?:a|the) page|were paged|were alerted|"
        r"(?:anyone|anybody|someone) reported it)|"
        r"(?:first|any|one) of us\s(?:\w+\s){0,4}?(?:looked|noticed|knew|saw)|"
        r"detection",
        "acknowledged": r"(?:acknowledged|acknowledgement|acknowledgment)"
        r"|(?:picked|taken) up|picked (?:it|the page) up",
        "investigated": r"(?:start of the\s)?investigation(?:\s(?:began|started))?"
        r"|(?:went|started|began)\s(?:\w+\s)?looking\s(?:for|into)(?:\sthe\scause)?",
        "responded": r"(?:(?:it|that|this|which)\s)?(?:started|began|begun)\s(?:the|our)\sresponse"
        r"|(?:the\s|our\s)?response\s(?:had\s)?(?:started|began|begun)",
        "planned": r"(?:mitigation\s)?plan\s(?:was|had been)\s(?:\w+ly\s)?"
        r"(?:formed|made|agreed|ready)"
        r"|(?:roll-?back|mitigation|revert|fail-?over|workaround)\s(?:was|had been)\s(?:\w+ly\s)?"
        r"(?:planned|decided(?:\son)?|agreed(?:\son)?)",
        "escalated": r"escalat(?:ed|ion)"
        r"|(?:team|engineers?|on-call|experts?)\s(?:was|were)\s(?:\w+\s)?(?:called|brought|pulled|"
        r"paged)\sin",
        "reported": r"first\s(?:call(?:er)?s?|tickets?|complaints?)"
        r"(?:\s(?:came|rang|called|arrived))?",
        "off": r"(?:flag|feature|toggle)\s(?:was\s|is\s|had been\s|went\s)?"
        r"(?:switched\s|turned\s|flipped\s)?off",
        "rolled": r"roll-?back",
        "found": rf"{_CAUSE}\s{_WENT}(?:known|found|identified|clear|understood|confirmed)"
        rf"|(?:knew|found|identified|understood|confirmed)\s(?:the\s)?{_CAUSE}"
        r"|key (?:finding|discovery)",
        "mitigated": rf"{_FIX}\s(?:{_WENT})?(?:out|live|deployed|in place|shipped|rolled out|"
        r"applied|released|done)|mitigation(?!\splan)(?:\swas)?(?:\sdeployed)?|mitigated",
        "recovered": r"(?:full\s)?recovery|(?:fully\s)?recovered|back to normal",
        "resolved": r"(?:declared\s)?resolved|all[- ]clear",
        "told": r"(?:first\s)?status page\s(?:was updated|updates?|posts?|messages?|notices?)"
        r"|(?:customers|users|merchants|clients|tenants)\s(?:were|had been)\s"
        r"(?:told|informed|notified)|told\s(?:our\s)?(?:customers|users|merchants)",
    }.items()
}
"""Event → how sentences name it; its times are those of `_MOMENTS`."""

_STEPS: Mapping[str, tuple[str, ...]] = {
    "investigated": ("Investigation Begins",),
    "escalated": ("Escalation",),
    "found": ("Root Cause Identified", "Key Discovery"),
    "planned": ("Mitigation Plan Formed",),
    "mitigated": ("Mitigation Deployed",),
    "recovered": ("Full Recovery", "Partial Recovery"),
}
_WAYS_OUT = {
    "off": re.compile(r"\boff\b"),
    "rolled": re.compile(r"(?i)roll\w*[ -]?(?:[\w-]+ )?back"),
}
"""Event that is the mitigation where its action says so."""
_ROLLED = re.compile(r"\broll\w*[\s-]?(?:[\w-]+\s)?back", re.IGNORECASE)

_AMOUNT = rf"(?:[\w’'-]+\s){{0,3}}?(?P<length>{SPAN})\s"
_BETWEEN = re.compile(
    rf"[\s,]*(?:[\w’'-]+\s){{0,3}}?(?:(?P<within>within\s(?P<most>{SPAN.replace('span', 'limit')})"
    rf"\s(?:of|after))|(?:{_AMOUNT})?(?P<way>before|after|later than|earlier than))\s"
    r"(?:(?:the|we|our|an?|any(?:one|body))\s)?(?:(?:page|alert|incident)\s(?=was))?"
    r"(?:(?:had|have|was|were)\s)?",
    re.IGNORECASE,
)
_FRONTED = re.compile(
    rf"(?:^|,\s)(?:(?P<within>within\s(?P<most>{SPAN.replace('span', 'limit')})\s(?:of|after))|"
    rf"(?:(?:only|just|about|some)\s)?(?:(?P<length>{SPAN})\s)?(?P<way>before|after))\s(?:the\s)?$",
    re.IGNORECASE,
)
"""What stands before two events of which the second comes first: “an hour after the start, we”."""
_BEFORE = re.compile(r"\b(?:after|before|since|into)\s(?:the\s)?$", re.IGNORECASE)
_THEN = re.compile(r",?\s(?:the\s|we\s|our\s|an?\s)?(?:had\s|were\s)?", re.IGNORECASE)

_OPEN = re.compile(
    r"\b(?:not|never|would|could|should|might|may|if|unless|must|will|can|usually|normally|always|"
    r"until|next|previous\w*|earlier|last|\w+n[’']t)\b",
    re.IGNORECASE,
)
"""In a sentence: it is no plain statement of what came when."""

_INTO = re.compile(
    rf"{CLOCK},?\s(?:i\.e\.\s|that is,?\s|or\s)?{_AMOUNT}(?:into|after)\s(?:the\s)?"
    rf"(?:first\s(?:\w+\s)?(?:error|failure)|start|beginning|onset|{TROUBLE}(?:\s(?:began|"
    rf"started))?)",
    re.IGNORECASE,
)
_ROW = re.compile(
    rf"(?:^|[,;(]\s)(?:only\s|just\s|about\s|some\s)?{SPAN}\s(?:after|into)\s(?:the\s)?"
    rf"(?:(?P<start>start|first\s(?:error|failure)|(?:{TROUBLE}\s)?beg[ai]n\w*|incident)"
    r"|(?P<mitigated>rollback|fix|hotfix|mitigation|restart|failover)|(?P<detected>alert|alarm|page|detection)"
    r"|(?P<recovered>(?:full\s)?recovery))"
    r"(?=[.;,)]|$|\sand\s(?!\w+\s(?:was|were|had)\b))",
    re.IGNORECASE,
)
_GAP = re.compile(
    rf"{SPAN}\s(?:passed|went by|elapsed|lay|were lost|lie|of\s\w+\s)?\s?between\s(?P<both>[^.;]+)",
    re.IGNORECASE,
)
_SINCE = re.compile(
    rf"{SPAN}\s(?:had\s)?(?:passed|went by|gone by|elapsed|were lost)\s(?:before|"
    rf"until)\s(?P<what>[^.;,]+)"
    rf"|(?:for|in)\s(?:the\s)?first\s{SPAN.replace('span', 'early')},?\s(?P<blind>(?:nobody|no one|"
    r"none of us|we did not|we didn[’']t)\s[^.;,]*(?:knew|know|notice\w*|aware|saw|see))",
    re.IGNORECASE,
)
_CLOCKED = re.compile(rf"\s(?:[\w’'-]+\s){{0,2}}?(?:at|around|by)\s{CLOCK}", re.IGNORECASE)
_BY_CLOCK = frozenset({"investigated", "escalated", "found", "told", "mitigated"})
"""Events whose clock times no other rule compares."""


class _Told(NamedTuple):
    """An event that a sentence names, and where."""

    name: str
    begin: int
    end: int


def relations(case: Case) -> Iterator[Finding]:
    """Find sentences that set events in an order, or at a distance, that the timeline denies."""
    known = moments(case)
    if not known.get("start"):
        return
    for cell, text in passages(case):
        for sentence in sentences(text):
            for said, truth in (each for way in _WAYS for each in way(sentence, known)):
                if not is_first_try(case, said):
                    yield about(case, cell, f"“{said.strip(' ,.;')}”, but {truth}.")
    yield from _rows(case, known)


def is_first_try(case: Case, clause: str) -> bool:
    """Return whether a clause tells of a rollback where something else is told to have helped."""
    rows = [row for row in case.rows("timeline") if row.get("step") == "Mitigation Deployed"]
    actions = [str(row["action"]) for row in rows if row.get("action")]
    helped = any(_WAYS_OUT["rolled"].search(each) for each in actions)
    return bool(actions) and not helped and bool(_ROLLED.search(clause))


def _rows(case: Case, known: Mapping[str, Sequence[dt.datetime]]) -> Iterator[Finding]:
    """Find rows that say how long after an event they are, and are not."""
    at = {row["row"]: row["time"] for row in case.rows("timeline") if row.get("time")}
    for cell in case.cells:
        timed = cell.table == "timeline" and cell.row in at
        if not timed or cell.column.kind not in {"prose", "line", "person"}:
            continue
        for match in matches(_ROW, str(cell.value)):
            events = known.get(str(match.lastgroup), [])
            lengths = [(at[cell.row] - each).total_seconds() / 60 for each in events]
            after = [each for each in lengths if each >= 0]
            if after and not any(spoken.agrees(match, each) for each in after):
                told = spoken.minutes(match["span"])[0]
                apart = times.duration(min(after, key=lambda each: abs(each - told)))
                said = match.group().strip(" ,.;(")
                yield about(case, cell, f"“{said}”, but it is {apart} after it.")


def moments(case: Case) -> dict[str, list[dt.datetime]]:
    """Return the times that each event of `EVENTS` has in this incident; none is unknown."""
    rows = [row for row in case.rows("timeline") if row.get("time")]
    known = {
        name: [row["time"] for row in rows if row.get("step") in steps]
        for name, steps in _STEPS.items()
    }
    for name in ("start", "detected", "acknowledged", "resolved"):
        moment = getattr(case.moments, name)
        known[name] = [moment] if moment else []
    known["responded"] = [
        at for name in ("detected", "acknowledged", "investigated") for at in known[name]
    ]
    for name, way in _WAYS_OUT.items():
        told = (row for row in rows if row.get("step") == "Mitigation Deployed")
        known[name] = [row["time"] for row in told if way.search(str(row.get("action") or ""))]
    method = next((row["detection_method"] for row in rows if row.get("detection_method")), None)
    known["reported"] = known["detected"] if method == "User Report" else []
    sent = [row["time"] for row in case.rows("updates") if row.get("time") and _public(row)]
    known["told"] = [min(sent)] if sent else []
    return {name: found for name, found in known.items() if found}


def _public(row: Mapping[str, object]) -> bool:
    return "status" in str(row.get("channel") or "").lower()


def named(sentence: str) -> list[_Told]:
    """Return the events that a sentence names, in order, none within another."""
    found = sorted(
        (
            _Told(name, match.start(), match.end())
            for name, pattern in EVENTS.items()
            for match in matches(pattern, sentence)
            if not (name == "told" and is_some(match))
        ),
        key=lambda each: (each.begin, -each.end),
    )
    kept: list[_Told] = []
    for each in found:
        if not kept or each.begin >= kept[-1].end:
            kept.append(each)
    return kept


def _against(sentence: str, known: Mapping[str, list[dt.datetime]]) -> Iterator[tuple[str, str]]:
    """Yield what a sentence says of two events, and what the timeline says."""
    for first, second in pairwise(named(sentence)):
        own = _BEFORE.search(sentence[: first.begin])  # “150 minutes after |the start|, 52 …”
        match = None if own else _BETWEEN.fullmatch(sentence, first.end, second.begin)
        fronted = _FRONTED.search(sentence[: first.begin])
        if not match and fronted and _THEN.fullmatch(sentence, first.end, second.begin):
            match, one, other = fronted, second, first
        else:
            one, other = first, second
        pairs = [(a, b) for a in known.get(one.name, ()) for b in known.get(other.name, ())]
        if not match or not pairs or one.name == other.name or _OPEN.search(sentence):
            continue
        if not any(_holds(match, minutes(a, b) or 0.0) for a, b in pairs):
            ends = (first.begin, second.begin, first.end, second.end, match.start(), match.end())
            yield sentence[min(ends) : max(ends)], _truth(one, other, *pairs[0])


def _clocked(sentence: str, known: Mapping[str, list[dt.datetime]]) -> Iterator[tuple[str, str]]:
    """Yield an event with a clock that it has not, and what the timeline has."""
    for each in named(sentence):
        read = each.name in _BY_CLOCK and sentence[each.begin : each.end].lower() != "mitigated"
        clock = _CLOCKED.match(sentence, each.end) if read else None
        days = known.get(each.name, [])
        gaps = [spoken.apart(clock, 60 * at.hour + at.minute) for at in days] if clock else []
        later = each.name == "told" and not re.match(
            r"first", sentence[each.begin :], re.IGNORECASE
        )
        if (
            clock
            and gaps
            and not later
            and all(gap is not None and gap > LOOSE_MINUTES for gap in gaps)
        ):
            said = sentence[each.begin : clock.end()]
            yield said, f"the timeline has {times.shown(days[0])}"


def _holds(match: re.Match[str], after: float) -> bool:
    """Return whether the words between two events fit: the first is so many minutes after."""
    if match["within"]:
        limit, step = spoken.minutes(match["limit"])
        return after <= limit + step
    late = match["way"].lower() in {"after", "later than"}
    if match["length"]:
        return spoken.agrees(match, after if late else -after)
    return after >= -1.0 if late else after <= 1.0


def _truth(first: _Told, second: _Told, a: dt.datetime, b: dt.datetime) -> str:
    """Return what the timeline says of two events."""
    gap = (a - b).total_seconds() / 60
    order = f"{times.duration(abs(gap))} {'after' if gap >= 0 else 'before'}" if gap else "at"
    return f"{WORDS[first.name]} ({a:%H:%M}) is {order} {WORDS[second.name]} ({b:%H:%M} UTC)"


WORDS: Mapping[str, str] = {
    "start": "the start",
    "detected": "the detection",
    "acknowledged": "the acknowledgment",
    "investigated": "the investigation",
    "responded": "the response",
    "escalated": "the escalation",
    "found": "the finding of the cause",
    "planned": "the plan",
    "mitigated": "the mitigation",
    "recovered": "the recovery",
    "resolved": "the end",
    "told": "the first status page update",
    "reported": "the first report",
    "off": "the mitigation",
    "rolled": "the mitigation",
}


def _from_start(sentence: str, known: Mapping[str, list[dt.datetime]]) -> Iterator[tuple[str, str]]:
    """Yield how long after the start a clock is said to be, and is not."""
    start = known["start"][0]
    for match in matches(_INTO, sentence):
        gap = spoken.apart(match, 60 * start.hour + start.minute)
        if gap is not None and not spoken.agrees(match, gap):
            yield match.group(), f"{match['clock']} is {times.duration(gap)} after the start"


def _lengths(sentence: str, known: Mapping[str, list[dt.datetime]]) -> Iterator[tuple[str, str]]:
    """Yield lengths that passed between two events, or before one, that did not."""
    start = known["start"][0]
    for match in matches(_GAP, sentence):
        told = named(match["both"])[:2]
        gaps = _gaps(*(known.get(each.name, []) for each in told)) if len(told) == 2 else []
        if gaps and not any(spoken.agrees(match, gap) for gap in gaps):
            yield match.group(), f"it was {times.duration(gaps[0])}"
    for match in matches(_SINCE, sentence):
        told = named(match["what"])[:1] if match["what"] else [_Told("detected", 0, 0)]
        ends = [at for each in told for at in known.get(each.name, ())]
        after = _gaps(ends, [start, *known.get("detected", ())] if match["span"] else [start])
        if after and not any(_said(match, each) for each in after):
            yield match.group(), f"it was {times.duration(after[0])}"


def _gaps(ones: Sequence[dt.datetime], others: Sequence[dt.datetime]) -> list[float]:
    """Return the minutes between each two moments that are not the same."""
    return [abs((a - b).total_seconds()) / 60 for a in ones for b in others if a != b]


def _said(match: re.Match[str], known: float) -> bool:
    """Return whether the length of a match is the known one."""
    if match["span"]:
        return spoken.agrees(match, known)
    value, step = spoken.minutes(match["early"])
    return abs(value - known) <= step


def minutes(later: dt.datetime | None, earlier: dt.datetime) -> float | None:
    """Return the minutes from one moment to a later one; None where that is not known."""
    return (later - earlier).total_seconds() / 60 if later else None


_WAYS = (_against, _clocked, _from_start, _lengths)
RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (relations,)
