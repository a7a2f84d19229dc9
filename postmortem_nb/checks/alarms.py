"""What a proposed monitor is said to do, against its back-test that is frozen beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import times
from postmortem_nb.checks import frozen, single, spoken, written
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.spoken import CLOCK, SPAN

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from postmortem_nb.checks.case import Case, Row
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

TABLE = "monitors"
_TOLD = ("purpose", "status", "threshold")
"""Columns in which people say what a monitor would have done."""
_FIRED = r"(?:fired|alerted|alarmed|paged|warned|triggered|gone off)"
AT = re.compile(
    rf"\bwould have {_FIRED}\s(?:us\s)?(?:at|by)\s(?:about\s|around\s)?{CLOCK}", re.IGNORECASE
)
_LEAD = re.compile(
    rf"\bwould have (?:{_FIRED}|found it|told us)\s(?:us\s)?(?:about\s|some\s)?{SPAN}\s"
    r"(?P<way>before|earlier|sooner|ahead|after|later)\b",
    re.IGNORECASE,
)
_SIDE = re.compile(
    rf"\b(?:comes|fires|alarms|alerts|pages|would have (?:{_FIRED}|come))\s"
    r"(?P<way>before|after|earlier than|later than)\s(?:the (?:one|monitor|alert|page|alarm)|"
    r"any(?:body|one)|we (?:knew|noticed)|(?:the )?detection|it was (?:found|detected))\b",
    re.IGNORECASE,
)
_FALSE = re.compile(
    rf"\b(?P<count>no|not one|{written.NUMERAL})\sfalse\s(?:alarms?|positives?|pages?|alerts?)\b",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\b(?:would not have|wouldn[’']t have|does not (?:fire|alert|alarm|page)|not taken|rejected|"
    r"dropped|declined|another|other (?:kind|incident)s?|next time|lower threshold|"
    r"too high)\b",
    re.IGNORECASE,
)
"""In a row: it is known that it stays silent, or is meant for another incident."""
_DAY = 1440
LATE = 3
"""Minutes by which a clock may be off."""
_BEFORE = frozenset({"before", "earlier", "sooner", "ahead", "earlier than"})


class Tried(NamedTuple):
    """What the back-test of a row says; None is unknown."""

    fired: bool | None
    first: dt.datetime | None
    lead: float | None
    false_alarms: int | None
    remark: str
    """Where it stayed silent: how near it came."""


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Find what is said of a proposed monitor that its frozen back-test does not say."""
    every = tried(incident, case)
    for row in case.rows(TABLE):
        known = every.get(row["row"])
        if known is None:
            continue
        if known.fired is False and not _OTHER.search(" ".join(_texts(row).values())):
            message = f"By its back-test it would not have alerted{known.remark}."
            yield _about(case, row, "query", message, severity=Severity.HINT)
        for name, text in _texts(row).items():
            for said, truth in _denied(text, known):
                message = f"“{said}”, but its back-test has {truth}."
                yield _about(case, row, name, message)


def tried(incident: Incident, case: Case) -> Mapping[str, Tried]:
    """Return what the frozen back-test of each proposed monitor says, by row."""
    asked = _asked(incident, case) if case.rows(TABLE) else None
    return _read(asked) if asked and asked.answers else {}


def _texts(row: Row) -> dict[str, str]:
    return {name: str(row[name]) for name in _TOLD if row.get(name)}


def _denied(text: str, known: Tried) -> Iterator[tuple[str, str]]:
    """Yield what a text says that the back-test denies, with what that has."""
    for match in AT.finditer(text):
        at = spoken.clocked(match)
        if known.first and at and at[1] == _DAY and _off(at[0], known.first) > LATE:
            yield match.group(), f"the first alarm at {known.first:%H:%M} UTC"
    for match in _LEAD.finditer(text):
        if known.lead is not None and not (
            _is_before(match) == (known.lead >= 0) and spoken.agrees(match, abs(known.lead))
        ):
            yield match.group(), _led(known.lead)
    for match in _SIDE.finditer(text):
        if known.lead and _is_before(match) != (known.lead > 0):
            yield match.group(), _led(known.lead)
    for match in _FALSE.finditer(text):
        word = match["count"].lower()
        count = 0.0 if word.startswith("no") else written.numeral(word)
        if known.false_alarms is not None and count != known.false_alarms:
            many = "1 false alarm" if known.false_alarms == 1 else f"{known.false_alarms} of them"
            yield match.group(), many


def _off(minute: float, first: dt.datetime) -> float:
    """Return how many minutes a clock is off, round midnight too."""
    off = abs(minute - 60 * first.hour - first.minute)
    return min(off, _DAY - off)


def _is_before(match: re.Match[str]) -> bool:
    return match["way"].lower() in _BEFORE


def _led(lead: float) -> str:
    way = "before" if lead > 0 else "after"
    return f"its first alarm {times.duration(abs(lead))} {way} the detection"


def _about(
    case: Case, row: Row, name: str, message: str, *, severity: Severity = Severity.WARNING
) -> Finding:
    return single.about(
        case,
        Code.RANGE,
        name,
        message=message,
        remedy="Correct it by the back-test, or say which other incident it is for.",
        severity=severity,
        at=(TABLE, row["row"]),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """An incident, and what its back-tests follow from: rows, moments, frozen answers."""

    incident: Incident = field(compare=False)
    place: Path
    rows: tuple[tuple[object, ...], ...]
    moments: tuple[dt.datetime | None, ...]
    answers: tuple[tuple[str, str], ...]
    """Name and digest of each frozen one."""


def _asked(incident: Incident, case: Case) -> _Asked:
    columns = ("row", "name", "query", "threshold")
    rows = tuple(tuple(each.get(name) for name in columns) for each in case.rows(TABLE))
    answers = tuple(
        (str(each.get("name")), str(each.get("sha256")))
        for each in frozen.listed(incident.path / "evidence", case)
        if str(each.get("name")).startswith("backtest")
    )
    moments = (case.moments.start, case.moments.recovered, case.moments.detected)
    return _Asked(incident, incident.path, rows, moments, answers)


@lru_cache(maxsize=4)
def _read(asked: _Asked) -> Mapping[str, Tried]:
    """Return what each frozen back-test says, by row; kept until what it follows from changes."""
    backtests = import_module(
        "postmortem_nb.monitors.backtests"
    )  # a floor above: asked as an incident asks it
    tried = ((each.row, each.tried) for each in backtests.frozen(asked.incident) if each.tried)
    return {
        row: Tried(
            one.fired,
            one.first,
            one.lead,
            len(one.false_alarms) if one.is_baseline_known else None,
            "".join(f": {said}" for said in one.remarks() if "value in the incident" in said),
        )
        for row, one in tried
    }
