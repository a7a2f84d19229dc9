"""Messages of the day against the timeline: sent too early, or telling of what came after them."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from postmortem_nb import metrics, times
from postmortem_nb.checks import spoken
from postmortem_nb.checks.reading import LONG, matches, sentences
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.single import about
from postmortem_nb.checks.spoken import CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case, Row

TABLE = "updates"

START = metrics.STEPS["start"]
DAY = 24 * 60

_OVER = re.compile(
    r"\b(?:(?:is|are|was|has been|have been|now) (?:fully )?(?:resolved|restored|closed)|"
    r"work(?:s|ing)? again|back to normal|fully recovered|(?:has|have|monitor) recovered|is over|"
    r"all clear)\b|^(?:resolved|recovered)\b",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r"(?i:\b(?:not|no|will|until|till|once|when|if|expect\w*|some|most|part\w*|many|first|half|"
    r"hope|except|but|still|soon|should|would|begin\w*|start\w*)\b)|%|\bin [A-Z]",
)
"""In a sentence: it tells that not all is over."""
_OTHERS = re.compile(
    r"\b(?:others?|the rest|the remaining \w+)\s(?:will\s)?(?:follow|come|take)\w*\b", re.IGNORECASE
)
"""In a message: what is over is a part, and it says which."""
_GOING_ON = re.compile(
    r"\b(?:(?:are|is|am|[’']re|now)\s(?:\w+ly\s|still\s|now\s)?(?:restor|roll|investigat|look|fix|"
    r"revert|fail|deploy)ing|^(?:rolling|investigating|restoring|deploying|looking into)|"
    r"(?:fails?|failing|down)\s(?:at the moment|right now|now|everywhere|currently|at present))\b",
    re.IGNORECASE,
)
_CAUSE = (
    r"\bcause (?:is |was |has been |now )*(?:found|known|identified|confirmed|clear)\b"
    r"|\b(?:found|identified|know|confirmed) (?:(?:what|that) )?(?:is )?the (?:root )?cause\b"
)
_FIX = (
    r"\bfix (?:is |was |has been |have been |now )*(?:in place|out|live|deployed|applied|"
    r"rolled out)\b"
    r"|\bput a fix in place\b|\b(?:the |a )?roll-?back (?:to \S+ )?(?:has |is |was )?"
    r"(?:finished|done|complete[d]?)\b|^(?:rolled back|reverted|mitigated)\b"
)
REPORTS: Mapping[str, re.Pattern[str]] = {
    "Root Cause Identified": re.compile(_CAUSE, re.IGNORECASE),
    "Mitigation Deployed": re.compile(_FIX, re.IGNORECASE),
}
"""Step → how a message reports that it is done."""
_MIDWAY = re.compile(
    rf"{_CAUSE}|{_FIX}|\b(?:(?:has|have|was|were) (?:begun|started)|began|is running)\b"
    r"|\b(?:is|are) (?:slowly |now )?(?:recovering|falling|dropping|preparing)\b",
    re.IGNORECASE,
)
"""What a message tells while the incident lasts, and no longer when it is long closed."""
_UNSURE = re.compile(
    r"\b(?:suspect\w*|likely|probabl[ey]|possibl[ey]|perhaps|maybe|may|might|believe|think|if|until|"
    r"once|when|not|no|another|part\w*|first)\b",
    re.IGNORECASE,
)
"""In a sentence: what it reports is not sure, or not all."""
_SLACK, _LONG_AFTER, _NEWS = (
    dt.timedelta(minutes=10),
    dt.timedelta(hours=1),
    dt.timedelta(hours=12),
)
"""By how much the row of a step may be later than its report; from when an end is long past, and
from when that it came is no news."""
_AFTERWARDS = re.compile(
    r"\b(?:backlog|refund\w*|credit\w*|report|review|postmortem|prevent\w*|permanent\w*|lasting|"
    r"long-term|why|how|remain\w*|rest)\b",
    re.IGNORECASE,
)
"""In a sentence: it tells of work that goes on when all is over."""
_CLOCK = re.compile(r"\d:\d\d|\byesterday\b|\bon [A-Z]|-\d\d-\d\d")
"""In a message: it says when that was, of which it tells."""
_SINCE = re.compile(
    r"\b(?:since|as of|(?:filled|done|complete|restored|fixed|back|resolved|recovered|deployed|"
    rf"rolled (?:out|back)|started|began|ended|stopped|over)\sat)\s{CLOCK}",
    re.IGNORECASE,
)


def sent(case: Case) -> Iterator[Finding]:
    """Find messages sent before the incident began."""
    start = case.moments.start
    for row in _timed(case):
        if start and row["time"] < start:
            yield about(
                case,
                Code.WINDOW,
                "time",
                message=f"A message of {times.shown(row['time'])} is before {START} "
                f"({times.shown(start)}).",
                remedy="Correct the time (zone? day?), or move the start of the incident.",
                at=(TABLE, row["row"]),
            )


def early(case: Case) -> Iterator[Finding]:
    """Find messages that say that all is over before the full recovery."""
    end = case.moments.recovered
    if end is None:
        return
    for row in _timed(case):
        for said in sentences(_text(row)) if row["time"] < end else ():
            over = _OVER.search(said)
            if over and not (_NOT_YET.search(said) or _OTHERS.search(_text(row))):
                yield about(
                    case,
                    Code.ORDER,
                    "time",
                    message=f"“{over.group()}” was told at {times.shown(row['time'])}, before the "
                    f"full recovery ({times.shown(end)}).",
                    remedy="Correct the time of the message or of the recovery, or say of which "
                    "part it tells.",
                    severity=Severity.HINT,
                    at=(TABLE, row["row"]),
                )


def late(case: Case) -> Iterator[Finding]:
    """Find messages that tell of trouble, or of its repair, after the incident was closed."""
    end = case.moments.resolved or case.moments.recovered
    for row in _timed(case):
        if end and row["time"] > end:
            ways = [_GOING_ON, *([_MIDWAY] if row["time"] > end + _LONG_AFTER else [])]
            going = _first(row, ways, _AFTERWARDS)
            if row["time"] > end + _NEWS and not _CLOCK.search(_text(row)):
                going = going or _first(row, [_OVER], _AFTERWARDS)
            if going:
                yield about(
                    case,
                    Code.WINDOW,
                    "time",
                    message=f"“{going}” was told at {times.shown(row['time'])}, after the "
                    f"end ({times.shown(end)}).",
                    remedy="Correct the time of the message (zone? day?), or the end.",
                    severity=Severity.HINT,
                    at=(TABLE, row["row"]),
                )


def foretold(case: Case) -> Iterator[Finding]:
    """Find messages that report a step as done well before its row."""
    for step, pattern in REPORTS.items():
        rows = (each for each in case.rows("timeline") if each.get("step") == step)
        at = min((each["time"] for each in rows if each.get("time")), default=None)
        for row in _timed(case):
            early = at is not None and row["time"] < at - _SLACK
            done = _first(row, [pattern], _UNSURE) if early else ""
            if done and at:
                yield about(
                    case,
                    Code.ORDER,
                    "time",
                    message=f"“{done}” was told at {times.shown(row['time'])}, but {step} is at "
                    f"{times.shown(at)}.",
                    remedy="Correct the time of the message or of the step.",
                    severity=Severity.HINT,
                    at=(TABLE, row["row"]),
                )


def ahead(case: Case) -> Iterator[Finding]:
    """Find messages that tell of a moment after they were sent."""
    for row in _timed(case):
        at = row["time"]
        minute = 60 * at.hour + at.minute
        for match in matches(_SINCE, _text(row)):
            said, gap = spoken.clocked(match), spoken.apart(match, minute)
            later = said is not None and (said[0] - minute) % DAY < DAY / 2
            if gap is not None and gap > 1 and later:
                yield about(
                    case,
                    Code.DATE,
                    "text",
                    message=f"“{match.group().strip()}”, but the message was sent at "
                    f"{times.shown(at)}.",
                    remedy="Correct the time of the message, or the one that it tells.",
                    at=(TABLE, row["row"]),
                )


RULES = (sent, early, late, foretold, ahead)


def _timed(case: Case) -> list[Row]:
    """Return the messages that have a time."""
    return [row for row in case.rows(TABLE) if row.get("time") is not None]


def _first(row: Row, ways: Sequence[re.Pattern[str]], spared: re.Pattern[str]) -> str:
    """Return the first words of a message that are told in such a way, but of spared sentences."""
    said = (each for each in sentences(_text(row)) if not spared.search(each))
    found = (match for each in said for way in ways if (match := way.search(each)))
    return next((match.group() for match in found), "")


def _text(row: Row) -> str:
    return str(row.get("text") or "")[:LONG]
