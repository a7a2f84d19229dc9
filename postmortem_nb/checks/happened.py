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
    spoken,
    written,
)
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, attest, matches, sentences, with_messages
from postmortem_nb.checks.roles import handed_over
from postmortem_nb.checks.spoken import CLOCK

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
_DAY = 24 * 60
_ENOUGH = 2
"""Words that an entry shares with the event that it tells of."""
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_PHASED = re.compile(
    rf"\b(?:(?P<begun>started|began|begun)|(?P<ended>finished|completed|done|ended|over))\s"
    rf"(?:at|by)\s{CLOCK}",
    re.IGNORECASE,
)
_FULL = r"(?P<name>[A-Z][\w’'-]+\s[A-Z][\w’'-]+)"
_COMMANDER = re.compile(rf"\b(?:[Ii]ncident )?(?:[Cc]ommander|[Ll]ead|IC):\s{_FULL}")
_LEADS = re.compile(
    rf"\b{_FULL}\s(?:is in (?:the )?(?:lead|command)|(?:leads|led|coordinates|coordinated)"
    r"(?=[.,;]|$|\s(?:the\s)?(?:incident|response|call|channel)\b))"
)
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
    yield from islice(_phased(case, happened), MOST if happened else 0)
    yield from islice(_leading(case, happened), MOST if happened else 0)


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
