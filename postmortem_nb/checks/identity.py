"""What names the incident: its number in links and beside others, its services, its people.

Names and numbers that are told in fields alone, each held to those that the bundle has besides.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import attributes, single, slips
from postmortem_nb.checks.frozen import curves
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.signed import made
from postmortem_nb.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case
    from postmortem_nb.incident import Incident

_NUMBER = re.compile(r"/incidents?/(?P<number>\d{3,})\b")
"""An incident's number in an address of Datadog."""
_NAME = re.compile(r"[^\W\d_][\w’'-]+(?:\s[^\W\d_][\w’'.-]+){1,3}")
_INCIDENT = re.compile(r"\b[A-Z]{2,8}-\d{3,}(?![\w-])", re.IGNORECASE)
_RELATED = frozenset({"related_links", "recurring", "patterns"})
"""Blanks that tell of earlier incidents."""
_ARCHIVE = re.compile(r"slack\.com/archives/(?P<id>\w+)")
_MONITOR = re.compile(r"\bmonitor\s(?:no\.?\s|#)?(?P<id>\d{3,})\b", re.IGNORECASE)
_MONITORS = re.compile(r"/monitors/(?P<id>\d{3,})\b")
_SITE = re.compile(
    r"https?://app\.(?P<site>(?:datadoghq\.(?:com|eu)|ddog-gov\.com))|"
    r"https?://(?P<other>(?:us3|us5|ap1|ap2)\.datadoghq\.com)",
    re.IGNORECASE,
)
_LONG, _TWO = 2, 2
_MOST = 200
"""Names that are compared: a table of nothing else must not slow a form."""
_NEARLY_ALL = 0.9
_ROWS = 20
_DAY = dt.timedelta(days=1)
CORRECT = "Correct the one that is wrong."


def itself(case: Case) -> Iterator[Finding]:
    """Find the incident among those that are like it, and another number in its own link."""
    own = str(case.fact("incident_id") or "").strip()
    for row in case.rows("similar") if own else ():
        if str(row.get("incident") or "").strip().lower() == own.lower():
            yield single.about(
                case,
                Code.RANGE,
                "incident",
                message=f"{shown(own)} is this incident itself.",
                remedy="Name the incident that was like it.",
                at=("similar", row["row"]),
            )
    digits = re.sub(r"\D", "", own)
    for match in _NUMBER.finditer(str(case.fact("datadog_link") or "")):
        if slips.turned(digits, match["number"]) or slips.one_off(digits, match["number"]):
            message = f"“{match.group()}”, but this incident is {own}."
            yield single.about(case, Code.RANGE, "datadog_link", message=message, remedy=CORRECT)


def linked(case: Case) -> Iterator[Finding]:
    """Find links whose number is another one than that of what they lead to, and one to itself."""
    own = str(case.fact("incident_id") or "").strip().lower()
    related = str(case.fact("related_links") or "")
    listed = [str(row["incident"]) for row in case.rows("similar") if row.get("incident")]
    numbers = {match["number"] for match in _NUMBER.finditer(related)}
    itself_ = re.search(rf"/{re.escape(own)}(?![\w-])", related.lower())
    if own and (itself_ or re.sub(r"\D", "", own) in numbers):
        message = f"The link leads to this incident, {shown(case.fact('incident_id'))}."
        yield single.about(case, Code.RANGE, "related_links", message=message, remedy=CORRECT)
    stem = re.sub(r"\d.*", "", listed[0]) if listed else ""
    for cell in case.cells if listed else ():
        if cell.column.name in _RELATED:
            text = _NUMBER.sub(lambda each: f"/{stem}{each['number']}", str(cell.value))
            for name in sorted({each.upper() for each in _INCIDENT.findall(text)}):
                near = [each for each in listed if _is_off(name, each.upper())]
                if near and name not in {each.upper() for each in listed}:
                    message = f"{name}, but {near[0]} is the one that is listed."
                    at = (cell.table, cell.row)
                    yield single.about(
                        case, Code.RANGE, cell.column.name, message=message, remedy=CORRECT, at=at
                    )
    channel, thread = (
        _ARCHIVE.search(str(case.fact(name) or "")) for name in ("incident_channel", "slack_link")
    )
    if channel and thread and _is_off(channel["id"], thread["id"]):
        message = f"A thread of {thread['id']}, but the channel is {channel['id']}."
        yield single.about(case, Code.RANGE, "slack_link", message=message, remedy=CORRECT)
    for row in case.rows("timeline"):
        said = _MONITOR.search(str(row.get("detected_by") or ""))
        link = _MONITORS.search(str(row.get("alert_link") or ""))
        if said and link and said["id"] != link["id"]:
            message = f"“{link.group()}”, but detected by monitor {said['id']}."
            at = ("timeline", row["row"])
            yield single.about(
                case, Code.RANGE, "alert_link", message=message, remedy=CORRECT, at=at
            )


def _is_off(one: str, other: str) -> bool:
    """Return whether two names are one but for two digits that are turned, or for one digit."""
    ours, theirs = (re.sub(r"\D", "", each) for each in (one, other))
    words = (re.sub(r"\d+", "#", each) for each in (one, other))
    slip = slips.turned(ours, theirs) or slips.one_off(ours, theirs)
    return next(words) == next(words) and len(ours) > _LONG and slip


def sites(case: Case) -> Iterator[Finding]:
    """Find one link to another site of Datadog than all others."""
    found = [
        (cell, (match["site"] or match["other"]).lower())
        for cell in case.cells
        if cell.column.kind == "link"
        for match in _SITE.finditer(str(cell.value))
    ]
    counts = Counter(site for _, site in found)
    for cell, site in found:
        others = [each for each in counts if each != site]
        if len(counts) == _TWO and counts[site] == 1 and counts[others[0]] > 1:
            message = f"A link to {site}, but all others lead to {others[0]}."
            yield single.about(
                case,
                Code.LINK,
                cell.column.name,
                message=message,
                remedy=CORRECT,
                severity=Severity.HINT,
                at=(cell.table, cell.row),
            )


def misspelt(case: Case) -> Iterator[Finding]:
    """Find a name that stands once and is, but for a letter or two, one that stands often."""
    people = case.people()
    places: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for cell in case.cells:
        values = cell.value if isinstance(cell.value, list) else [cell.value]
        for name in map(str, values):
            if name in people and _NAME.fullmatch(name):
                places[name].append((cell.table, cell.row, cell.column.name))
    for name, (place, *more) in islice(places.items(), _MOST):
        others = [one for one in places if len(places[one]) > 1 and _is_slip(name, one)]
        if others and not more:
            yield single.about(
                case,
                Code.OWNER,
                place[2],
                message=f"{shown(name)}, but elsewhere {shown(others[0])}.",
                remedy=CORRECT,
                severity=Severity.HINT,
                at=place[:2],
            )


def _is_slip(one: str, other: str) -> bool:
    """Return whether two names differ in one of their words, by a letter or by two in a place."""
    ours, theirs = one.split(), other.split()
    if len(ours) != len(theirs):
        return False
    apart = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
    return len(apart) == 1 and near_to(*apart[0])


def near_to(one: str, other: str) -> bool:
    """Return whether two words are one letter apart, or have two letters exchanged."""
    if min(len(one), len(other)) < len("Anna") or abs(len(one) - len(other)) > 1:
        return False
    head = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    rest, others = one[head:], other[head:]
    if len(one) == len(other):
        swapped = rest[:2] == others[:2][::-1] and rest[2:] == others[2:]
        return rest[1:] == others[1:] or swapped
    longer, shorter = (rest, others) if len(rest) > len(others) else (others, rest)
    return longer[1:] == shorter


def later(case: Case) -> Iterator[Finding]:
    """Find a time that had not come when it was written, in an incident that had."""
    start = case.moments.start
    written = {
        (edit["table"], edit["row"]): at
        for edit in case.edits
        if edit.get("name") == "time" and "op" not in edit and (at := made(edit))
    }
    for table in ("timeline", "updates") if start else ():
        for row in case.rows(table):
            at, edited = row.get("time"), written.get((table, row["row"]))
            if at and edited and start and start <= edited and at > edited + _DAY:
                yield single.about(
                    case,
                    Code.WINDOW,
                    "time",
                    message=f"{times.shown(at)} had not come when it was written "
                    f"({times.shown(edited)}).",
                    remedy="Correct the date.",
                    at=(table, row["row"]),
                )


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (itself, linked, sites, misspelt, later)


def metrics(incident: Incident, case: Case) -> Iterator[Finding]:
    """Find the metric of a proposed monitor that is, but for a letter, one that is frozen."""
    frozen_ = {each for curve in curves(incident, case) for each in _METRIC.findall(curve.query)}
    for row in case.rows("monitors") if frozen_ else ():
        for metric in sorted(set(_METRIC.findall(str(row.get("query") or ""))) - frozen_):
            near = sorted(each for each in frozen_ if near_to(metric, each))
            if near:
                yield single.about(
                    case,
                    Code.SOURCES,
                    "query",
                    message=f"{metric}, but the frozen metric is {near[0]}.",
                    remedy=CORRECT,
                    severity=Severity.HINT,
                    at=("monitors", row["row"]),
                )


_METRIC = re.compile(r"(?<=:)[a-z]\w*(?:\.\w+)+(?=\s*[{(])")


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Find the service of nearly all frozen rows among none of those that were hit."""
    yield from metrics(incident, case)
    told = [str(each).lower() for each in case.fact("services") or ()]
    counts: Counter[str] = Counter()
    for answer in attributes.answers(incident, case) if told else ():
        key = answer.keys.get("service") if answer.kind != attributes.POINTS else None
        for code, value in enumerate(key.values if key else ()):
            counts[value] += int((key.codes == code).sum()) if key else 0
    for service, count in counts.most_common(1):
        known = any(service.lower() in each or each in service.lower() for each in told)
        if not known and count >= max(_ROWS, _NEARLY_ALL * counts.total()):
            yield single.about(
                case,
                Code.SOURCES,
                "services",
                message=f"{', '.join(told)} are told, but {count:,} of {counts.total():,} frozen "
                f"rows are of {shown(service)}.",
                remedy="Name the service too, or correct the list.",
                severity=Severity.HINT,
            )
