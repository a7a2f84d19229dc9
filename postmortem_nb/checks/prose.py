"""Figures in prose that contradict the data: users, requests, money, durations, times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.report import Code, Finding, Severity

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from postmortem_nb.checks.case import Case, Cell

TOLD: frozenset[str] = frozenset(
    {
        "what_happened",
        "why_it_happened",
        "what_we_did",
        "problem",
        "technical_cause",
        "organizational_cause",
        "process_cause",
    }
)
"""Blanks whose prose speaks of the whole incident, so that a figure there is the incident's."""

MINUTES = frozenset({"duration", "detection_time"})
CLOSE = 1.0
"""Minutes that a duration to the minute may differ."""

NUMBER = (
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s?(?P<scale>k|m|million|thousand)?"
)
HEDGE = re.compile(
    r"(?:about|around|roughly|approximately|approx\.?|nearly|almost|some|circa|ca\.|~|≈|over|"
    r"more than|at least|up to|under|less than)\s*\$?$",
    re.IGNORECASE,
)
"""Before a number: it is meant loosely."""
LOOSE = 0.15
"""Share by which a hedged number may differ."""

SPAN = (
    r"(?P<span>\d+(?:\.\d+)?[\s-]?(?:h|hours?|hrs?|m|min(?:ute)?s?)\b"
    r"(?:,?\s(?:and\s)?\d+\s?(?:m|min(?:ute)?s?)\b)?)"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure in prose: how it reads, and the measure or fact it speaks of."""

    measure: str
    pattern: re.Pattern[str]
    label: str


def _claim(measure: str, pattern: str, label: str) -> Claim:
    """Return a claim with its pattern compiled."""
    return Claim(measure, re.compile(pattern, re.IGNORECASE), label)


CLAIMS: tuple[Claim, ...] = (
    _claim(
        "affected_users",
        rf"{NUMBER}\s(?:\w+\s){{0,2}}(?:users|customers|people|shoppers|accounts)\s"
        r"(?:\w+\s){0,2}(?:affected|impacted|unable|could not|couldn't|saw|received|lost)",
        "affected users",
    ),
    _claim(
        "affected_users",
        rf"(?:affect|impact)(?:ed|ing)\s(?:\w+\s){{0,2}}?{NUMBER}\s(?:\w+\s){{0,2}}"
        r"(?:users|customers|people|shoppers|accounts)",
        "affected users",
    ),
    _claim(
        "affected_share",
        r"(?P<number>\d+(?:\.\d+)?)(?P<scale>)\s?%\sof\s(?:all\s|our\s|the\s)*"
        r"(?:users|customers|user base|shoppers|accounts)",
        "share of users",
    ),
    _claim("failed_requests", rf"{NUMBER}\s(?:\w+\s)?failed\srequests", "failed requests"),
    _claim("failed_requests", rf"{NUMBER}\srequests\s(?:\w+\s)?failed", "failed requests"),
    _claim(
        "revenue_loss",
        rf"(?:los[st]\w*|losing|cost\w*|loss of|revenue)\s(?:\w+\s){{0,3}}?\$\s?{NUMBER}",
        "revenue loss",
    ),
    _claim(
        "revenue_loss", rf"\$\s?{NUMBER}\s(?:\w+\s){{0,3}}(?:lost|loss|revenue)", "revenue loss"
    ),
    _claim(
        "duration",
        rf"(?:lasted|lasting|ongoing for|down for|unavailable for|degraded for|impact(?:ed)? for|"
        rf"outage of|incident of|duration (?:of|was))\s(?:\w+\s){{0,2}}?{SPAN}",
        "duration",
    ),
    _claim(
        "duration",
        rf"{SPAN}[\s-](?:long\s)?(?:outage|incident|degradation|disruption)",
        "duration",
    ),
    _claim(
        "detection_time",
        rf"(?:detected|noticed|alerted|discovered|detection)\s(?:it\s)?(?:after|within|in|took)\s"
        rf"(?:\w+\s){{0,2}}?{SPAN}",
        "detection time",
    ),
)
"""What is read in prose. Only phrases that can mean nothing else: a missed contradiction costs less
than a reviewer who cries wolf."""

SEV = re.compile(r"\bSEV[-\s]?(\d)\b", re.IGNORECASE)
CLOCKS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(
        rf"\b(?:{verbs})\s(?:\w+\s){{0,2}}?at\s(?:about\s|around\s)?(?P<clock>\d{{1,2}}:\d{{2}})"
        r"(?::\d{2})?(?:\s?(?P<zone>(?:UTC|GMT|Z|[CEMP][DS]T|CES?T|BST|IST|JST|[ap]m)\b))?",
        re.IGNORECASE,
    )
    for name, verbs in {
        "start": "started|began|starting|beginning",
        "detected": "detected|alerted|paged",
        "acknowledged": "acknowledged",
        "recovered": "recovered|restored|back to normal",
        "resolved": "resolved",
    }.items()
}
"""Moment → how a clock time in prose speaks of it; only UTC is compared."""

LOOSE_MINUTES = 5
"""Minutes that a time in prose may differ: people round."""

SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}


def prose(case: Case) -> Iterator[Finding]:
    """Find figures in the summary and the causes that contradict the data."""
    for cell in case.cells():
        if cell.table != SINGLE or cell.column.name not in TOLD:
            continue
        for claim in CLAIMS:
            for match in claim.pattern.finditer(str(cell.value)):
                known = _known(case, claim.measure)
                if known is not None and not _agrees(match, known):
                    yield _about(
                        case,
                        cell,
                        f"“{match.group().strip()}”, but {claim.label}: "
                        f"{_readable(claim.measure, known)}.",
                    )
        yield from _severities(case, cell)
        yield from _clocks(case, cell)


RULES = (prose,)


def _clocks(case: Case, cell: Cell) -> Iterator[Finding]:
    """Find clock times in prose that are not those of the timeline."""
    for name, pattern in CLOCKS.items():
        moment: dt.datetime | None = getattr(case.moments, name)
        for match in pattern.finditer(str(cell.value)):
            utc = (match["zone"] or "UTC").upper() in {"UTC", "GMT", "Z"}
            if moment and utc and _apart(match["clock"], moment) > LOOSE_MINUTES:
                yield _about(
                    case,
                    cell,
                    f"“{match.group().strip()}”, but the timeline has {times.shown(moment)}.",
                )


def _apart(clock: str, moment: dt.datetime) -> int:
    """Return the minutes between a clock time and a moment's, around midnight too."""
    hours, minutes = (int(part) for part in clock.split(":"))
    gap = abs(60 * hours + minutes - (60 * moment.hour + moment.minute)) % 1440
    return min(gap, 1440 - gap)


def _known(case: Case, name: str) -> float | None:
    """Return what the data say: a computed measure, else a stated fact."""
    measure = case.measures.get(name)
    value = measure.value if measure else case.fact(name)
    return float(value) if isinstance(value, (int, float)) else None


def _agrees(match: re.Match[str], known: float) -> bool:
    """Return whether the figure is the known one, at the precision it is written with."""
    groups = match.groupdict()
    if groups.get("span"):
        value, step = _minutes(groups["span"])
        begin = match.start("span")
    else:
        value, step = _amount(groups["number"], groups.get("scale") or "")
        begin = match.start("number")
    loose = HEDGE.search(match.string[max(0, begin - 20) : begin])
    return abs(value - known) <= max(step, known * LOOSE if loose else 0)


def _amount(digits: str, scale: str) -> tuple[float, float]:
    """Return a number and the rounding it was written with: trailing zeros are loose by half."""
    factor = SCALES.get(scale.lower(), 1.0)
    plain = digits.replace(",", "")
    value = float(plain) * factor
    whole, _, decimals = plain.partition(".")
    zeros = 0 if decimals else len(whole) - len(whole.rstrip("0"))
    step = 0.5 * 10.0 ** (zeros - len(decimals)) * factor
    return value, step if zeros > 1 or decimals or factor > 1 else 0.0


def _minutes(written: str) -> tuple[float, float]:
    """Return a span in minutes and its rounding: whole hours are loose by half an hour."""
    found = re.findall(r"(\d+(?:\.\d+)?)[\s-]?([hm])", written, re.IGNORECASE)
    total = sum(float(number) * (60 if unit.lower() == "h" else 1) for number, unit in found)
    finest = found[-1]
    if finest[1].lower() == "h":
        return total, 30.0 if "." not in finest[0] else 6.0
    return total, 2.5 if total % 5 == 0 else CLOSE


def _severities(case: Case, cell: Cell) -> Iterator[Finding]:
    """Find a severity in prose that nobody declared."""
    final = case.fact("severity")
    declared = {final, *(row.get("severity_declared") for row in case.rows("timeline"))}
    for digit in SEV.findall(str(cell.value)):
        if final and f"SEV-{digit}" not in declared:
            yield _about(case, cell, f"“SEV-{digit}”, but the severity is {final}.")


def _readable(name: str, value: float) -> str:
    """Return a known figure for a sentence."""
    if name in MINUTES:
        return times.duration(value)
    return f"${value:,.0f}" if name == "revenue_loss" else f"{value:,g}"


def _about(case: Case, cell: Cell, message: str) -> Finding:
    """Return a finding about a sentence."""
    return Finding(
        code=Code.PROSE,
        severity=Severity.WARNING,
        where=case.where(cell.table, cell.row, cell.column.name),
        message=message,
        remedy="Correct the sentence or the figure; readers will find the other one.",
        table=cell.table,
        row=cell.row,
        name=cell.column.name,
    )
