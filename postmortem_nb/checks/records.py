"""Rules of the records: the frozen evidence, and the log of edits."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from postmortem_nb import evidence, impact, provenance, times
from postmortem_nb.checks import reading, regional, signed, single
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.review import REVIEW, grave, reached
from postmortem_nb.errors import PostmortemError
from postmortem_nb.estimates import STATED, compare, same

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.estimates import Estimate
    from postmortem_nb.incident import Incident
    from postmortem_nb.parts import Query

FOLDER = "evidence"
KEPT_DAYS = 15
"""Days that logs and spans are kept unless a plan says otherwise
(https://docs.datadoghq.com/data_security/data_retention_periods/)."""

VANISH = frozenset({"search_datadog_logs", "analyze_datadog_logs", "search_datadog_spans"})
ROUGH: frozenset[str] = frozenset({"engineering_hours"})
"""Figures of which a source knows little: who is named first need not have worked till the end."""


def found(incident: Incident, case: Case, attested: Attested) -> Iterator[Finding]:
    """Yield what is wrong with the records of a bundle."""
    folder = incident.path / FOLDER
    listed = [_looked_at(folder, record) for record in evidence.listing(folder)]
    names = {str(record.get("name")) for record in listed}
    yield from missing(case, names)
    yield from cited(case, names)
    yield from made_up(case, listed)
    yield from elsewhere(case, listed)
    yield from after(case, listed)
    for record in listed:
        yield from unsound(case, record)
        yield from covers(case, record)
        yield from early(case, record)
    for name in evidence.unrecorded(folder):
        told = "Its record is missing: what was asked, of whom, when, and its digest."
        yield _evidence(name, told, _RESTORE, severity=grave(case, REVIEW))
    estimates = impact.estimates(incident)
    yield from disagreements(case, estimates)
    yield from regional.found(case, estimates, attested)
    yield from damage(incident.problems)


def missing(case: Case, names: set[str]) -> Iterator[Finding]:
    """Find questions of the template that were never asked."""
    severity = Severity.WARNING if reached(case, REVIEW) else Severity.HINT
    asked = case.template.queries()
    unasked = [query for query in asked if query.name not in names and not _is_none(case, query)]
    if len(unasked) > 1 and not any(
        query.name in names for query in asked
    ):  # who has no such data, or has not come so far yet
        yield Finding(
            code=Code.EVIDENCE,
            severity=severity,
            where="Evidence",
            message="None of the queries was run: "
            f"{', '.join(query.name for query in unasked)} have no answer.",
            remedy=f"{_expired(case)}Run their cells; the answers are frozen in the bundle.",
        )
        return
    for query in unasked:
        yield Finding(
            code=Code.EVIDENCE,
            severity=severity,
            where=f"Evidence › {query.name}",
            message=f"“{query.label or query.name}” has no answer: its query was not run.",
            remedy=f"{_expired(case)}Run its cell; the answer is frozen in the bundle.",
        )


_TOLD_BY = {
    "search_datadog_logs": "key_logs",
    "search_datadog_spans": "key_traces",
    "get_datadog_metric": "metric_graphs",
    "search_datadog_events": "key_events",
}
"""What a query asks by → the blank that tells what came."""
_DATA = r"(?:traces?|tracing|spans?|logs?|logging|metrics?|graphs?|events?|APM|data)"
_NONE = re.compile(
    r"(?:none\b(?!\sof)|n/?a\b|nothing\b|not (?:instrumented|traced|collected|kept|recorded|"
    r"available|enabled|applicable)\b|we do not (?:trace|collect|keep|record|have|use)\b|"
    rf"{_DATA}\s(?:is|was|are|were)\s(?:switched |turned )?(?:off|not|disabled)\b|"
    r"(?:(?:there (?:is|are|was|were)|we (?:have|had|keep|kept|use|collect))\s)?no\s(?:\w+\s)?"
    rf"{_DATA}(?=\s*(?:[.,;:(–—-]|$|(?:for|here|at|are|is|was|were|because|as|since|exist)\b)))",
    re.IGNORECASE,
)
"""How a blank begins that tells that there are no such data."""


def _is_none(case: Case, query: Query) -> bool:
    """Return whether the document says that there is nothing for a query to find."""
    blank = _TOLD_BY.get(query.call.partition("(")[0].strip(), "")
    return bool(_NONE.match(str(case.fact(blank) or "")))


def _expired(case: Case) -> str:
    """Return what is left of the data by the newest edit: logs and spans are kept `KEPT_DAYS`."""
    until = case.moments.recovered or case.moments.start
    made = [at for edit in case.edits if (at := signed.made(edit))]
    newest = max(made, default=until)
    if until is None or newest is None or (newest - until).days < KEPT_DAYS:
        return f"Logs and spans are kept for {KEPT_DAYS} days. "
    return (
        f"By {newest:%Y-%m-%d} its logs and spans had expired ({KEPT_DAYS} days, unless yours are "
        "kept longer): say in the text what is left, or from where it was taken. "
    )


def after(case: Case, listed: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Find evidence of a day after all approvals and edits: who signed has not seen it."""
    days = [row["date"] for row in case.rows("approvals") if row.get("done") and row.get("date")]
    if not days:
        return
    last = max(*days, *(at.date() for edit in case.edits if (at := signed.made(edit))))
    asked = {str(each.get("name")): _moment(each.get("fetched_at")) for each in listed}
    later = {name: at.date() for name, at in asked.items() if at and (at.date() - last).days > 1}
    if later:
        names = ", ".join(sorted(later))
        yield _evidence(
            names,
            f"Asked on {max(later.values())}, after the last approval or edit ({last}).",
            "Show the approvers what changed and renew the approvals, or correct the record.",
        )


_SERVICE = re.compile(r"(?<![\w.@-])service:(?P<name>[a-z][\w.-]*\w)", re.IGNORECASE)
"""In a question: of which service it asks."""


def elsewhere(case: Case, listed: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Find services affected of which no frozen answer was asked, though others were."""
    stated = [str(each) for each in case.fact("services") or ()]
    asked = {
        match["name"] for each in listed for match in _SERVICE.finditer(str(each.get("arguments")))
    }
    known = {part for name in asked for part in _named(name)}
    if stated and asked and not any(_named(name) & known for name in stated):
        yield single.about(
            case,
            Code.SOURCES,
            "services",
            message=f"{', '.join(stated)}, but the frozen answers were asked of "
            f"{', '.join(sorted(asked)[:_MOST_NAMED])}.",
            remedy="Correct the services affected, or ask for theirs.",
        )


_MOST_NAMED = 5
"""Services that a finding names."""


def _named(service: str) -> frozenset[str]:
    """Return the parts of a service's name: “checkout-api” and “Checkout” share one."""
    return frozenset(re.findall(r"[^\W_]{3,}", service.lower()))


_CITED = re.compile(
    r"\bevidence:?\s[“\"`‘]?(?P<name>[a-z][a-z0-9]*(?:_[a-z0-9]+)+)\b(?![(.]\w)", re.IGNORECASE
)
"""An answer of the bundle named in a text, by the name of its file."""


_SOURCE = re.compile(r"\b(?P<name>[a-z][a-z0-9]*(?:_[a-z0-9]+)+)\b(?![(.:]\w)")
"""The same in a list of sources, where others are named too."""


def cited(case: Case, names: set[str]) -> Iterator[Finding]:
    """Find evidence that a text names and the bundle does not hold."""
    held = {name.lower() for name in names}
    sources = [str(cell.value) for cell in case.cells if cell.column.name == "data_source"]
    listed = any(match["name"] in held for each in sources for match in _SOURCE.finditer(each))
    for cell in case.cells if held else ():
        text = str(cell.value) if cell.column.kind in {"prose", "line"} else ""
        source = listed and cell.column.name == "data_source"
        for match in reading.matches(_SOURCE if source else _CITED, text):
            if match["name"].lower() not in held:
                yield reading.about(
                    case,
                    cell,
                    f"“{match.group()}”, but the bundle holds no such answer.",
                    "Freeze it, or name one of: " + ", ".join(sorted(names)) + ".",
                )


_RESTORE = (
    "Restore the file from the history of the bundle, or ask again: --refresh in its cell, "
    "`postmortem refresh --accept` for all."
)


def unsound(case: Case, record: Mapping[str, Any]) -> Iterator[Finding]:
    """Find evidence that changed, is partial or empty."""
    name = str(record.get("name"))
    if record.get("problem"):
        yield _evidence(
            name,
            f"{str(record['problem']).rstrip('.')}.",
            _RESTORE,
            severity=grave(case, REVIEW),
        )
        return
    if record.get("changed"):
        yield _evidence(
            name,
            "The file is not the one that was frozen: its digest differs.",
            _RESTORE,
            severity=grave(case, REVIEW),
        )
    if record.get("damaged"):
        yield _evidence(
            name,
            f"Its record is damaged: {record['damaged']}.",
            _RESTORE,
            severity=grave(case, REVIEW),
        )
    if not record.get("complete", True):
        yield _evidence(
            name,
            f"Partial: {record.get('partial') or 'no reason was recorded'}.",
            f"{provenance.more(record)}, or say in the text that figures from it are lower bounds.",
        )
    if record.get("rows") == 0:
        late = _late(record)
        yield _evidence(
            name,
            f"Expired: empty, and asked {late} days after its window; Datadog keeps logs and "
            f"spans {KEPT_DAYS} days unless a plan says otherwise."
            if late
            else "Empty: the query found nothing.",
            "Look for an archive to rehydrate, or say in the text that the data are gone."
            if late
            else "Check service, window and spelling; if nothing is the finding, say so.",
            severity=Severity.WARNING if late else Severity.HINT,
        )


def made_up(case: Case, listed: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Find evidence that is from the sandbox: said once, for one remedy helps all of it."""
    names = sorted(str(record.get("name")) for record in listed if record.get("sandbox"))
    if not names or not reached(case, REVIEW):
        return
    which = "All of it is" if len(names) == len(listed) else f"{', '.join(names)}:"
    yield Finding(
        code=Code.EVIDENCE,
        severity=Severity.WARNING,
        where="Evidence",
        message=f"{which} from the sandbox: made-up data.",
        remedy="Ask a Datadog account before anybody decides by it.",
    )


def early(case: Case, record: Mapping[str, Any]) -> Iterator[Finding]:
    """Find evidence that was asked for while the incident went on: its end is not in it."""
    asked, end = _moment(record.get("fetched_at")), case.moments.recovered
    if asked and end and asked < end and not record.get("sandbox"):
        yield _evidence(
            str(record.get("name")),
            f"Asked at {times.shown(asked)}, before the recovery ({times.shown(end)}): what came "
            "later is not in it.",
            "Ask again with --refresh.",
        )


_BASELINE = re.compile(r"last|before|baseline|usual|normal|previous|prior|earlier", re.IGNORECASE)
"""In the name of an answer from before the incident: it was asked of that time on purpose."""


def covers(case: Case, record: Mapping[str, Any]) -> Iterator[Finding]:
    """Find evidence whose window leaves out a part of the incident: its times changed since."""
    start, end = case.moments.start, case.moments.recovered
    since, until = _moment(record.get("from")), _moment(record.get("to"))
    if start is None or end is None or since is None or until is None or start > end:
        return
    baseline = until <= start and _BASELINE.search(str(record.get("name")))
    if not baseline and (since > start or until < end):
        yield _evidence(
            str(record.get("name")),
            f"It covers {times.shown(since)} to {times.shown(until)}, not the whole incident "
            f"({times.shown(start)} to {times.shown(end)}).",
            "Ask again with --refresh: the times of the incident were changed, or the window is "
            "too small.",
        )


def disagreements(case: Case, found: Sequence[Estimate]) -> Iterator[Finding]:
    """Find figures of the impact on which two sources disagree; both are named.

    Where a figure is stated, all others are laid beside it; else one pair is told. It is a hint
    where a source has the stated figure.
    """
    blanks = {figure: blank for blank, (figure, _) in STATED.items()}
    told: set[str] = set()
    for one, other in compare(found):
        blank = blanks.get(one.name, "")
        if not case.has(SINGLE, blank) or (one.name in told and not one.is_stated):
            continue
        told.add(one.name)
        borne = any(
            each.name == one.name and not each.is_stated and same(each.value, one.value)
            for each in found
        )
        grave = one.is_stated and one.name not in ROUGH and not borne
        yield Finding(
            code=Code.SOURCES,
            severity=Severity.WARNING if grave else Severity.HINT,
            where=case.where(SINGLE, SINGLE, blank),
            message=f"{one.value:,g} {one.unit} "
            f"{'stated' if one.is_stated else f'by {one.source}'}, {other.value:,g} by "
            f"{other.source} ({other.definition}).",
            remedy="Say in the text which one holds and why, or correct the stated figure.",
            table=SINGLE,
            row=SINGLE,
            name=blank,
        )


def damage(problems: list[str]) -> Iterator[Finding]:
    """Tell what the log of edits could not read."""
    for problem in problems:
        yield Finding(
            code=Code.LOG,
            severity=Severity.WARNING,
            where="incident.jsonl",
            message=f"{problem.rstrip('.')}.",
            remedy="Compare with the history of the bundle; all other edits are in place.",
        )


def _looked_at(folder: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with what its file is today: ``changed``, or why it cannot be read."""
    path = folder / f"{record.get('name')}.parquet"
    try:
        now = path.stat()
        digest = _digest(path, now.st_size, now.st_mtime_ns)
    except FileNotFoundError:
        return {"problem": f"Its rows ({path.name}) are missing", **record}
    except OSError as error:
        return {"problem": f"Its rows cannot be read: {error.strerror}", **record}
    return {**record, "changed": digest != record.get("sha256")}


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, written: int) -> str:
    """Return the SHA-256 of a file, read again when its size or time of writing changed."""
    del size, written  # a part of the key
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _late(record: Mapping[str, Any]) -> int:
    """Return how many days after its window an answer was asked for, 0 where data still stood."""
    asked, until = _moment(record.get("fetched_at")), _moment(record.get("to"))
    if record.get("function") not in VANISH or asked is None or until is None:
        return 0
    days = (asked - until).days
    return days if days >= KEPT_DAYS else 0


def _moment(value: object) -> dt.datetime | None:
    """Return a recorded time, nothing where it is unreadable."""
    try:
        return times.parse(value) if value else None
    except PostmortemError:
        return None


def _evidence(
    name: str, message: str, remedy: str, *, severity: Severity = Severity.WARNING
) -> Finding:
    """Return a finding about one answer."""
    return Finding(
        code=Code.EVIDENCE,
        severity=severity,
        where=f"Evidence › {name}",
        message=message,
        remedy=remedy,
    )
