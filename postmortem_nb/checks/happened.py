"""Clocks of sentences and the evidence: an event at that minute, a first or last log.

“The monitor recovered at 08:31” is no recovery of the incident where a frozen event tells of it;
“06:14 restart of worker-3” is doubted where the frozen event of it is of another minute.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import (
    attributes,
    borne,
    events,
    frozenrows,
    instants,
    order,
    single,
    spoken,
    written,
)
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, attest, matches, sentences, with_messages
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.roles import FULL, handed_over
from postmortem_nb.checks.spoken import CLOCK, SPAN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from postmortem_nb.checks.attributes import Answer
    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.frozenrows import Happened
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

_NEAR = dt.timedelta(minutes=1)
MOST = 100
"""Key events that are looked at: a text of nothing else must not slow a form."""
_ENTRIES = re.compile(r"\s?[·;•|\n]\s?|(?<=[a-z.])\.\s|,\s(?=\d\d:\d\d)")
_MONITOR = r"\b(?:monitor|alert|alarm)\b.{0,40}?\b"
_CHANGES = tuple(
    (re.compile(rf"{_MONITOR}(?:{said})\b", re.IGNORECASE), re.compile(title))
    for said, title in (
        (r"recover(?:ed|s)|cleared|resolved", r"\[Recovered"),
        (r"triggered|fired|went off", r"\[(?:Re-)?(?:Triggered|Alert|Warn)"),
    )
)
"""How an entry tells that a monitor changed, and how Datadog's event does."""
_CLEARED = re.compile(
    rf"\b(?:monitor|alert|alarm)\s(?:had\s|has\s)?(?:recovered|cleared|resolved)\s(?:at|by)\s{CLOCK}",
    re.IGNORECASE,
)
"""How a sentence tells that a monitor recovered."""
_PARTS = re.compile(r"[,;·•|\n]\s?|(?<=[a-z])\.\s")
_DAY = 24 * 60
_AGREEING = 2
"""Blanks that have the clock of an event, for the row of the step to be the one that is off."""
_ENOUGH = 2
"""Words that an entry shares with the event that it tells of."""
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_PHASED = re.compile(
    rf"\b(?:(?P<begun>started|began|begun)|(?P<ended>finished|completed|done|ended|over))\s"
    rf"(?:at|by)\s{CLOCK}",
    re.IGNORECASE,
)
_COMMANDER = re.compile(rf"\b(?:[Ii]ncident )?(?:[Cc]ommander|[Ll]ead|IC):\s{FULL}")
_LEADS = re.compile(
    rf"\b{FULL}\s(?:is in (?:the )?(?:lead|command)|(?:leads|led|coordinates|coordinated)"
    r"(?=[.,;]|$|\s(?:the\s)?(?:incident|response|call|channel)\b))"
)
_ROLLED: Mapping[str, re.Pattern[str]] = {
    "back": re.compile(r"\b(?:roll-?back|revert)", re.IGNORECASE),
    "out": re.compile(r"\b(?:deploy\w*|release|roll-?out)\b(?!.*\broll-?back)", re.IGNORECASE),
}
_TOOK = re.compile(
    r"\b(?P<what>release|deploy(?:ment)?|roll-?out|roll-?back|revert)\s(?:(?:of|to)\s[\w.-]+\s)?"
    r"(?:(?:reached|went to|was on)\s(?:every|all|each)\b[^.;,]{0,40}?\s(?P<way>within|in)|"
    r"(?:was\s)?(?:finished|done|through|completed?)\s(?P<done>within|in)|took)\s"
    rf"(?:only\s|just\s|about\s)?{SPAN}",
    re.IGNORECASE,
)
_TIGHT = 2.0
"""How often as long “within” may be."""
_ABOVE = re.compile(
    r"\b(?:above|over|below|under|exceeds?|more than|less than)\s"
    r"(?P<level>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)"
)
_TRIGGERED = re.compile(r"\[(?:Triggered|Warn|Alert)[^\]]*\]\s(?P<name>\S.{4,80})")
_PHASES: Mapping[str, re.Pattern[str]] = {
    "begun": re.compile(r"\b(?:started|began|begun)\b", re.IGNORECASE),
    "ended": re.compile(r"\b(?:finished|completed|done|ended|succeeded)\b", re.IGNORECASE),
}
"""Which end of it an event tells of → how its title says so."""
_WARNED = re.compile(r"\bwarn", re.IGNORECASE)


def attest_clocks(incident: Incident, case: Case, attested: Attested) -> None:
    """Note the clocks of the document that the evidence bears."""
    happened = list(frozenrows.happened(incident, case))
    held = attributes.answers(incident, case)
    if not happened and not held:
        return
    for cell, text in with_messages(case):
        warned = bool(_WARNED.search(instants.beside(case, cell)))
        for sentence in sentences(text):
            clocks = [each for each in written.figures(sentence) if each.kind == "clock"]
            for each in clocks if len(sentence) <= LONGEST else ():
                at = instants.on_day(case, int(each.low))
                here = (one for one in happened if _is_at(one.at, at))
                clause = borne.clause(sentence, each)
                told = any(_words(clause) & _words(one.title) for one in here)
                if told or _is_end(sentence, held, at, warned=warned):
                    attest(attested, cell, sentence[each.begin : each.end], surely=True)


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield key events at another minute than the frozen event of the same words."""
    happened = list(frozenrows.happened(incident, case))
    common = _common(happened)
    told = [row["time"] for row in case.rows("timeline") if row.get("time")]
    cells = (each for each in case.cells if each.column.name == "key_events")
    entries = ((cell, entry) for cell in cells for entry in _ENTRIES.split(str(cell.value)))
    for cell, entry in islice(entries, MOST if happened else 0):
        clocks = [each for each in written.figures(entry) if each.kind == "clock"]
        if len(clocks) != 1:
            continue
        at, words = instants.on_day(case, int(clocks[0].low)), _words(entry) - common
        shared = {one: len(words & _words(one.title)) for one in happened}
        most = max(shared.values())
        best = [one for one, count in shared.items() if count == most >= _ENOUGH]
        near = any(_is_at(one.at, at) and shared[one] for one in happened)
        if best and not near and not any(_is_at(row, at) for row in told):
            one = min(best, key=lambda each: abs(each.at - at))
            truth = f"“{one.title}” is frozen at {times.shown(one.at)}"
            yield about(case, cell, f"“{entry.strip()}”, but {truth}.")
    yield from islice(_changed(case, happened), MOST if happened else 0)
    yield from islice(_versioned(case, happened), MOST if happened else 0)
    yield from islice(_phased(case, happened), MOST if happened else 0)
    yield from islice(_leading(case, happened), MOST if happened else 0)
    yield from islice(_lasting(case, happened), MOST if happened else 0)
    yield from islice(_alerted(case, happened), MOST if happened else 0)
    yield from _outvoted(case, happened if len(happened) <= MOST else ())


def _changed(case: Case, happened: Sequence[Happened]) -> Iterator[Finding]:
    """Yield events by which a monitor recovered, or triggered, when none did.

    Key events, and sentences by which one recovered.
    """
    cells = (each for each in case.cells if each.column.name == "key_events")
    parts = [(cell, part) for cell in cells for part in _PARTS.split(str(cell.value))]
    parts += [
        (cell, match.group())
        for cell, text in with_messages(case)
        for match in matches(_CLEARED, text)
        if cell.column.name != "key_events"
    ]
    for cell, part in parts[:MOST]:
        clocks = [each for each in written.figures(part) if each.kind == "clock"]
        for said, way in _CHANGES if len(clocks) == 1 else ():
            at = instants.on_day(case, int(clocks[0].low))
            own = [one for one in happened if way.match(one.title)]
            if own and said.search(part) and not any(_is_at(one.at, at) for one in own):
                one = min(own, key=lambda each: abs(each.at - at))
                truth = f"“{one.title}” is frozen at {times.shown(one.at)}"
                yield about(case, cell, f"“{part.strip()}”, but {truth}.")


def _versioned(case: Case, happened: Sequence[Happened]) -> Iterator[Finding]:
    """Yield key events with another version than the frozen events of their minute."""
    cells = (each for each in case.cells if each.column.name == "key_events")
    parts = ((cell, part) for cell in cells for part in _PARTS.split(str(cell.value)))
    for cell, part in islice(parts, MOST):
        clocks = [each for each in written.figures(part) if each.kind == "clock"]
        said = _VERSION.findall(part)
        if len(clocks) == len(said) == 1:
            at = instants.on_day(case, int(clocks[0].low))
            here = [one for one in happened if _is_at(one.at, at) and _VERSION.search(one.title)]
            if here and not any(said[0] in _VERSION.findall(one.title) for one in here):
                truth = f"“{here[0].title}” is frozen at {times.shown(here[0].at)}"
                yield about(case, cell, f"“{part.strip()}”, but {truth}.")


def _lasting(case: Case, happened: Sequence[Happened]) -> Iterator[Finding]:
    """Yield how long a rollout is told to have taken, where its two events lie otherwise apart."""
    begun, ended = (
        [one for one in happened if _PHASES[phase].search(one.title)]
        for phase in ("begun", "ended")
    )
    pairs = {
        kind: [
            (other.at - one.at).total_seconds() / 60
            for one in begun
            for other in ended
            if way.search(one.title) and _same(one, other) and one.at < other.at
        ]
        for kind, way in _ROLLED.items()
    }
    for cell, text in with_messages(case) if any(pairs.values()) else ():
        for match in matches(_TOOK, text):
            kind = "back" if _ROLLED["back"].search(match["what"]) else "out"
            gaps, said = pairs[kind], spoken.minutes(match["span"].lower())[0]
            within = "within" in {match["way"], match["done"]}
            fit = any(
                gap - 1 <= said <= _TIGHT * gap + 1 if within else spoken.agrees(match, gap)
                for gap in gaps
            )
            if gaps and not fit:
                truth = f"by the frozen events it took {times.duration(min(gaps))}"
                yield about(case, cell, f"“{match.group()}”, but {truth}.", severity=Severity.HINT)


def _same(one: Happened, other: Happened) -> bool:
    """Return whether two events tell of one thing, but for which end of it."""
    heads = [
        _PHASES[phase].sub("", each.title) for phase, each in (("begun", one), ("ended", other))
    ]
    return heads[0] == heads[1]


def _alerted(case: Case, happened: Sequence[Happened]) -> Iterator[Finding]:
    """Yield the threshold of the alert that another frozen event of the same monitor has."""
    for cell in (each for each in case.cells if each.column.name == "detected_by"):
        said = _ABOVE.search(str(cell.value))
        own = [
            one for one in happened if _monitor(one) and _monitor(one) in str(cell.value).lower()
        ]
        known = [match for one in own if (match := _ABOVE.search(one.text))]
        levels = {float(each["level"].replace(",", "")) for each in known}
        if said and levels and float(said["level"].replace(",", "")) not in levels:
            truth = f"“{known[0].group()}” by the event “{own[0].title}”"
            yield about(case, cell, f"“{said.group()}”, but {truth}.")


def _monitor(one: Happened) -> str:
    """Return the name of the monitor that an event tells of, in small letters."""
    name = _TRIGGERED.match(one.title)
    return name["name"].lower() if name else ""


def _leading(case: Case, happened: Sequence[Happened]) -> Iterator[Finding]:
    """Yield whoever is told to lead, where the frozen events name another commander."""
    leads = {match["name"] for one in happened for match in _COMMANDER.finditer(one.text)}
    for cell, text in with_messages(case) if leads and not handed_over(case) else ():
        for match in matches(_LEADS, text):
            if match["name"] not in leads:
                who = ", ".join(sorted(leads))
                yield about(case, cell, f"“{match.group()}”, but a frozen event has: {who}.")


def _phased(case: Case, happened: Sequence[Happened]) -> Iterator[Finding]:
    """Yield clocks at which something began or ended, where its event is of another minute.

    “Rollback of checkout, finished at 15:31”: the event says of the same that it finished.
    """
    for cell, text in with_messages(case):
        for sentence in sentences(text) if matches(_PHASED, text) else ():
            for match in _PHASED.finditer(sentence):
                clock = spoken.clocked(match)
                phase = _PHASES["begun" if match["begun"] else "ended"]
                words = _words(sentence[: match.start()])
                own = [
                    one
                    for one in happened
                    if phase.search(one.title) and len(words & _words(one.title)) >= _ENOUGH
                ]
                if clock is None or clock[1] != _DAY or not own:
                    continue
                at = instants.on_day(case, clock[0])
                if not any(_is_at(one.at, at) for one in own):
                    one = min(own, key=lambda each: abs(each.at - at))
                    truth = f"“{one.title}” is frozen at {times.shown(one.at)}"
                    yield about(case, cell, f"“{match.group()}”, but {truth}.")


def _outvoted(case: Case, happened: Sequence[Happened]) -> Iterator[Finding]:
    """Yield steps at a clock that nothing else has, where the texts and a frozen event agree.

    Each sentence alone may tell of when it began; the row, of when it was done.
    """
    rows = case.rows("timeline")
    cells = [each for each in case.cells if each.column.kind in {"prose", "line"}]

    def told(at: dt.datetime) -> int:
        own = (each for each in cells if f"{at:%H:%M}" in str(each.value))
        return len({(each.table, each.row, each.column.name) for each in own})

    for step, at in dict.fromkeys(order.placed(case)):
        own = [row for row in rows if row.get("step") == step and row.get("time")]
        one = next((each for each in happened if _is_at(each.at, at)), None)
        if len(own) != 1 or one is None or told(at) < _AGREEING:
            continue
        mine = own[0]["time"]
        others = (row["time"] for row in rows if row.get("time"))
        alone = not told(mine) and not any(_is_at(each.at, mine) for each in happened)
        if alone and not any(_is_at(each, at) for each in others):
            yield single.about(
                case,
                Code.ORDER,
                "time",
                message=f"{step} is at {times.shown(mine)}, but “{one.title}” is frozen at "
                f"{times.shown(one.at)}, as {told(at)} blanks have it.",
                remedy="Correct the time of the step, or tell what was done in between.",
                at=("timeline", own[0]["row"]),
            )


def _common(happened: Sequence[Happened]) -> frozenset[str]:
    """Return the words that most events have: names of the service and the like."""
    counts = Counter(word for one in happened for word in _words(one.title))
    return frozenset(word for word, count in counts.items() if 2 * count > len(happened))


def _words(text: str) -> frozenset[str]:
    """Return what a text and an event may share: words, and versions."""
    return events.stems(text) | frozenset(_VERSION.findall(text))


def _is_at(one: dt.datetime, at: dt.datetime) -> bool:
    """Return whether something happened in the minute of a clock, or at the next one."""
    return -_NEAR < one - at <= _NEAR


def _is_end(sentence: str, held: Sequence[Answer], at: dt.datetime, *, warned: bool) -> bool:
    """Return whether the rows with a value that is named begin or end at a moment.

    ``warned``: those that warn too.
    """
    warned = warned or bool(_WARNED.search(sentence))
    logs = (one for one in held if one.kind == attributes.LOGS)
    ends = (end for one in logs for end in _moments(sentence, one, warned=warned))
    return any(_is_at(end, at) for end in ends)


def _moments(sentence: str, answer: Answer, *, warned: bool) -> Iterator[dt.datetime]:
    chosen = [(each.key, frozenset({each.value})) for each in attributes.named(sentence, [answer])]
    if warned and "status" in answer.keys:
        chosen += [("status", frozenset({word})) for word in ("warn", "warning")]
    for each in chosen:
        yield from answer.ends(each)
