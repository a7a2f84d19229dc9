"""Rules of the timeline: order, window, phases."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from postmortem_nb import hindsight, metrics, times
from postmortem_nb.checks import spoken
from postmortem_nb.checks.reading import about as prose
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.review import REVIEW, reached
from postmortem_nb.checks.single import about
from postmortem_nb.checks.spoken import CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from postmortem_nb.checks.case import Case, Row

TABLE = "timeline"

START = metrics.STEPS["start"]

FOLLOWS: Mapping[str, tuple[str, ...]] = {
    "Detection": (START,),
    "Acknowledgment": (START, "Detection"),
    "Investigation Begins": (START, "Detection"),
    "Escalation": (START, "Detection"),
    "Root Cause Identified": (START, "Detection", "Investigation Begins"),
    "Mitigation Plan Formed": (START, "Detection"),
    "Mitigation Deployed": (START, "Detection", "Acknowledgment"),
    "Partial Recovery": (START,),
    "Monitoring": (START, "Detection"),
    "Full Recovery": (START, "Detection", "Mitigation Deployed", "Partial Recovery"),
    "Incident Declared Resolved": (START, "Detection", "Acknowledgment", "Full Recovery"),
}
"""Step → the steps that come before it. Pairs that are not here have no fixed order: a rollback
often comes before anyone knows why it helps."""

MEASURED: frozenset[tuple[str, str]] = frozenset(
    (metrics.STEPS[span.since], metrics.STEPS[span.until]) for span in metrics.SPANS
)
"""Pairs whose order a measure needs: their contradiction is an error, any other a warning."""

PHASES: tuple[str, ...] = ("Detection", "Investigation", "Mitigation", "Post-Incident")


def order(case: Case) -> Iterator[Finding]:
    """Find steps that come before a step they follow."""
    for later, befores in FOLLOWS.items():
        row = _one(case, later)
        for earlier in befores if row else ():
            before = _one(case, earlier)
            if row and before and row["time"] < before["time"]:
                yield Finding(
                    code=Code.ORDER,
                    severity=Severity.ERROR if (earlier, later) in MEASURED else Severity.WARNING,
                    where=case.where(TABLE, row["row"], "time"),
                    message=f"{later} ({times.shown(row['time'])}) is before {earlier} "
                    f"({times.shown(before['time'])}).",
                    remedy="Correct one of the two times; a duration between them is unknown "
                    "until then.",
                    table=TABLE,
                    row=row["row"],
                    name="time",
                )


def window(case: Case) -> Iterator[Finding]:
    """Find entries before the incident began or after it was closed, unless `order` tells it.

    A deployment found in the evidence shortly before the start is no contradiction.
    """
    told = {each.row for each in order(case)}
    for row in _timed(case):
        side = "" if row["row"] in told else _side(case, row)
        if side:
            yield about(
                case,
                Code.WINDOW,
                "time",
                message=f"{row.get('step') or 'An entry'} ({times.shown(row['time'])}) is {side}.",
                remedy="Correct the time (zone? day?), or move the start or end of the incident.",
                at=(TABLE, row["row"]),
            )


def untimed(case: Case) -> Iterator[Finding]:
    """Find entries that tell something but not when: nobody can place them."""
    beside = {"row", "phase", "step", "time"}
    for row in case.rows(TABLE):
        tells = [value for name, value in row.items() if name not in beside and value]
        if tells and row.get("time") is None:
            yield about(
                case,
                Code.BLANK,
                "time",
                message=f"{row.get('step') or 'An entry'} is told without its time.",
                remedy="Give the time, or about when (logs, chat, the pager know it).",
                at=(TABLE, row["row"]),
            )


def phases(case: Case) -> Iterator[Finding]:
    """Find phases without any event, once a timeline has been begun; in a Draft those it skips."""
    told = {row.get("phase") for row in case.rows(TABLE)}
    known = {row.get("phase") for row in _timed(case)}
    last = max((at for at, phase in enumerate(PHASES) if phase in known), default=0)
    for phase in PHASES if reached(case, REVIEW) else PHASES[:last]:
        if known and phase not in known:
            yield Finding(
                code=Code.PHASE,
                severity=Severity.WARNING,
                where=f"{case.where(TABLE)} › {phase} Phase",
                message=f"The {phase} phase has "
                f"{'entries without a time' if phase in told else 'no event'}.",
                remedy="Add what happened and when, or say in the phase before it why there is "
                "nothing to tell.",
                table=TABLE,
            )


_LINES = re.IGNORECASE | re.DOTALL
_DAY, _HALF = 24 * 60, dt.timedelta(hours=12)
_CAUSE, _BEGUN = "Root Cause Identified", "Investigation Begins"
_ACKNOWLEDGED = metrics.STEPS["acknowledged"]
_RESOLVED = metrics.STEPS["resolved"]
_PLAN, _DEPLOYED = "Mitigation Plan Formed", "Mitigation Deployed"


def hints(case: Case) -> Iterator[Finding]:
    """Find steps in an order that can be, but seldom is: told as a hint.

    A discovery that was added from the evidence has the time at which that happened, not at which
    it was found.
    """
    people = [row for row in _timed(case) if not _happened(row)]
    found = sorted(row["time"] for row in people if row.get("step") == metrics.DISCOVERY)
    known = {
        step: row["time"]
        for step in (_CAUSE, _BEGUN, _PLAN, _ACKNOWLEDGED)
        if (row := _one(case, step))
    }
    pairs = (
        (_CAUSE, metrics.DISCOVERY, found[-1] if found else None),
        (_PLAN, _CAUSE, known.get(_CAUSE)),
        (_DEPLOYED, _CAUSE, known.get(_CAUSE)),
        (_DEPLOYED, _PLAN, known.get(_PLAN)),
        (metrics.DISCOVERY, _BEGUN, known.get(_BEGUN)),
        ("Escalation", _BEGUN, known.get(_BEGUN)),
        (_BEGUN, _ACKNOWLEDGED, known.get(_ACKNOWLEDGED)),
        ("Partial Recovery", _DEPLOYED, case.moments.mitigated),
        ("Monitoring", "Full Recovery", case.moments.recovered),
    )
    last = False
    for later, earlier, since in pairs:
        row = _first(people, later)
        if row and since and row["time"] < since and not (last and earlier == _CAUSE):
            last = earlier == _CAUSE  # found after plan and mitigation alike: once is enough
            yield about(
                case,
                Code.ORDER,
                "time",
                message=f"{later} ({times.shown(row['time'])}) is before {earlier} "
                f"({times.shown(since)}).",
                remedy="Correct one of the two times, or say in the text how that came.",
                severity=Severity.HINT,
                at=(TABLE, row["row"]),
            )


def foregone(case: Case) -> Iterator[Finding]:
    """Find discoveries before anybody knew of the incident, unless the evidence gave their time.

    What lies before its start is told by `window`.
    """
    rows = case.rows(TABLE)
    start, detected = case.moments.start, case.moments.detected
    for row, early in zip(rows, hindsight.foregone(rows), strict=True):
        if not early or not start or not detected or row.get("evidence") or row["time"] < start:
            continue
        yield about(
            case,
            Code.ORDER,
            "time",
            message=f"{metrics.DISCOVERY} ({times.shown(row['time'])}) is before Detection "
            f"({times.shown(detected)}).",
            remedy="Give the time at which somebody found it, or name the evidence of what "
            "happened then.",
            severity=Severity.HINT,
            at=(TABLE, row["row"]),
        )


_READ = re.compile(
    r"\b(?:read|taken|seen|measured|queried|checked|counted|looked up|recorded)\s(?:again\s)?at\s"
    rf"{CLOCK}",
    re.IGNORECASE,
)
_GIVEN = re.compile(rf"\b(?:at|by)\s{CLOCK}", re.IGNORECASE)


def belated(case: Case) -> Iterator[Finding]:
    """Find evidence that was read after what it led to, and an approval after the mitigation."""
    for row in _timed(case):
        plan = row.get("step") == _PLAN
        until = case.moments.mitigated if plan else row["time"]
        name, way = ("approval", _GIVEN) if plan else ("evidence", _READ)
        for match in way.finditer(str(row.get(name) or "")):
            gap = spoken.clocked(match)
            ended = 60 * until.hour + until.minute if until else 0
            if until and gap and gap[1] == _DAY and 0 < (gap[0] - ended) % _DAY < _DAY // 2:
                step = _DEPLOYED if plan else row.get("step")
                yield prose(
                    case,
                    next(
                        each
                        for each in case.cells
                        if (each.row, each.column.name) == (row["row"], name)
                    ),
                    f"“{match.group()}”, but {step} was before, at {times.shown(until)}.",
                )


_CLOSED_AT = re.compile(
    rf"(?:^\W*(?:at\s)?|\b(?:closed|declared over|declared resolved)\s(?:[\w’'-]+\s){{0,5}}?at\s)"
    rf"{CLOCK}",
    re.IGNORECASE,
)


def closed(case: Case) -> Iterator[Finding]:
    """Find a clock of the closing that lies outside of recovery and declared resolution."""
    since, until = case.moments.recovered, case.moments.resolved
    cells = (cell for cell in case.cells if (cell.table, cell.column.name) == (TABLE, "closed"))
    for cell in cells if since and until and since < until < since + _HALF else ():
        for match in _CLOSED_AT.finditer(str(cell.value)):
            gap = spoken.clocked(match)
            if since and until and gap and gap[1] == _DAY:
                late = _behind(gap[0], until)
                if late > 1 or _behind(gap[0], since) < -1:
                    step, at = ("Full Recovery", since) if late <= 1 else (_RESOLVED, until)
                    side = "after" if late > 1 else "before"
                    said = match.group().strip()
                    yield prose(case, cell, f"“{said}” is {side} {step} ({times.shown(at)}).")


STATED: Mapping[str, tuple[str, re.Pattern[str]]] = {
    "Partial Recovery": (
        "status",
        re.compile(r"(?:now )?fully (?:resolved|recovered)\W*", re.IGNORECASE),
    ),
    "Full Recovery": (
        "status",
        re.compile(
            r"(?:only )?(?:part\w*|not (?:yet )?(?:fully|resolved)|mostly|degraded)\b.*", _LINES
        ),
    ),
    _RESOLVED: (
        "final_status",
        re.compile(
            r"(?:still (?:open|ongoing)|not (?:yet )?resolved|unresolved|open|ongoing)\b.*", _LINES
        ),
    ),
}
"""Step → its blank, and how that begins where it denies the step."""


def stated(case: Case) -> Iterator[Finding]:
    """Find a status that denies the step under which it stands."""
    for row in case.rows(TABLE):
        name, way = STATED.get(str(row.get("step")), ("", None))
        said = str(row.get(name) or "").strip()
        if way and way.fullmatch(said):
            yield about(
                case,
                Code.SOURCES,
                name,
                message=f"“{said[:80]}” under {row['step']}.",
                remedy="Correct the status, or tell it under its own step.",
                at=(TABLE, row["row"]),
            )


def _behind(minute: float, at: dt.datetime) -> float:
    """Return how many minutes a clock lies behind a moment, before it below zero."""
    return (minute - 60 * at.hour - at.minute + _DAY / 2) % _DAY - _DAY / 2


_ADDED = re.compile(r"[\w.-]+ \(\S.*\)")
"""How `candidates` names a row of an answer: “events (AwAAAZ…)”."""
RULES = (order, hints, foregone, belated, closed, stated, window, untimed, phases)


def _happened(row: Row) -> bool:
    """Return whether an entry is a discovery that was added from an answer, which it names."""
    added = _ADDED.fullmatch(str(row.get("evidence") or ""))
    return row.get("step") == metrics.DISCOVERY and bool(added)


def _one(case: Case, step: str) -> Row | None:
    """Return the row that counts for a step: the first, for ends the last."""
    return _first(_timed(case), step)


def _first(timed: list[Row], step: str) -> Row | None:
    """Return the same among some rows."""
    rows = sorted((row for row in timed if row.get("step") == step), key=lambda row: row["time"])
    ends = {metrics.STEPS[name] for name in metrics.LAST_COUNTS}
    return rows[-1 if step in ends else 0] if rows else None


def _timed(case: Case) -> list[Row]:
    """Return the rows that have a time."""
    return [row for row in case.rows(TABLE) if row.get("time") is not None]


def _led_to(row: Row, start: dt.datetime) -> bool:
    """Return whether an entry tells, with its evidence, what may have led to the incident."""
    return bool(row.get("evidence")) and row["time"] >= start - metrics.LEAD


def _side(case: Case, row: Row) -> str:
    """Return on which side of the incident an entry lies, or nothing."""
    start, resolved = case.moments.start, case.moments.resolved
    end = resolved or case.moments.recovered
    if start and row["time"] < start and not _led_to(row, start):
        return f"before {START} ({times.shown(start)})"
    if end and row["time"] > end and row.get("phase") != PHASES[-1]:
        step = metrics.STEPS["resolved" if resolved else "recovered"]
        return f"after {step} ({times.shown(end)})"
    return ""
