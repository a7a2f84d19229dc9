"""Rules of the records: the frozen evidence, the log of edits, approvals older than the text."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from postmortem_nb import evidence, impact, provenance, times
from postmortem_nb.checks import reading, regional
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.review import APPROVED, REVIEW, grave, reached
from postmortem_nb.errors import PostmortemError, shown
from postmortem_nb.estimates import STATED, compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from postmortem_nb.checks.case import Case, Row
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.edits import Edit
    from postmortem_nb.estimates import Estimate
    from postmortem_nb.incident import Incident

FOLDER = "evidence"
KEPT_DAYS = 15
"""Days that logs and spans are kept unless a plan says otherwise
(https://docs.datadoghq.com/data_security/data_retention_periods/)."""

VANISH = frozenset({"search_datadog_logs", "analyze_datadog_logs", "search_datadog_spans"})
ROUGH: frozenset[str] = frozenset({"engineering_hours"})
"""Figures of which a source knows little: who is named first need not have worked till the end."""
LATER: frozenset[str] = frozenset({"approvals", "sharing"})
"""Tables that go on changing after an approval."""
TOGETHER = dt.timedelta(minutes=1)
"""Edits this near to each other were made as one."""
LATER_NAMES: frozenset[str] = frozenset({"state", "status", "tracking", "review_date"})
"""Blanks that go on changing after an approval."""


def found(incident: Incident, case: Case, attested: Attested) -> Iterator[Finding]:
    """Yield what is wrong with the records of a bundle."""
    folder = incident.path / FOLDER
    listed = [_looked_at(folder, record) for record in evidence.listing(folder)]
    names = {str(record.get("name")) for record in listed}
    yield from missing(case, names)
    yield from cited(case, names)
    yield from made_up(case, listed)
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
    yield from stale(case)


def missing(case: Case, names: set[str]) -> Iterator[Finding]:
    """Find questions of the template that were never asked."""
    severity = Severity.WARNING if reached(case, REVIEW) else Severity.HINT
    asked = case.template.queries()
    unasked = [query for query in asked if query.name not in names]
    if len(unasked) == len(asked) > 1:  # who has no such data, or has not come so far yet
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


def _expired(case: Case) -> str:
    """Return what is left of the data by the newest edit: logs and spans are kept `KEPT_DAYS`."""
    until = case.moments.recovered or case.moments.start
    made = [at for edit in case.edits if (at := _made(edit))]
    newest = max(made, default=until)
    if until is None or newest is None or (newest - until).days < KEPT_DAYS:
        return f"Logs and spans are kept for {KEPT_DAYS} days. "
    return (
        f"By {newest:%Y-%m-%d} its logs and spans had expired ({KEPT_DAYS} days, unless yours are "
        "kept longer): say in the text what is left, or from where it was taken. "
    )


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


_RESTORE = "Restore the file from the history of the bundle, or ask again with --refresh."


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


def covers(case: Case, record: Mapping[str, Any]) -> Iterator[Finding]:
    """Find evidence whose window leaves out a part of the incident: its times changed since."""
    start, end = case.moments.start, case.moments.recovered
    since, until = _moment(record.get("from")), _moment(record.get("to"))
    if start is None or end is None or since is None or until is None or start > end:
        return
    if since > start or until < end:
        yield _evidence(
            str(record.get("name")),
            f"It covers {times.shown(since)} to {times.shown(until)}, not the whole incident "
            f"({times.shown(start)} to {times.shown(end)}).",
            "Ask again with --refresh: the times of the incident were changed, or the window is "
            "too small.",
        )


def disagreements(case: Case, found: Sequence[Estimate]) -> Iterator[Finding]:
    """Find figures of the impact on which two sources disagree; both are named.

    Where a figure is stated, all others are laid beside it; else one pair is told.
    """
    blanks = {figure: blank for blank, (figure, _) in STATED.items()}
    told: set[str] = set()
    for one, other in compare(found):
        blank = blanks.get(one.name, "")
        if not case.has(SINGLE, blank) or (one.name in told and not one.is_stated):
            continue
        told.add(one.name)
        yield Finding(
            code=Code.SOURCES,
            severity=Severity.WARNING if one.is_stated and one.name not in ROUGH else Severity.HINT,
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


class _Change(NamedTuple):
    """An edit of the content: when, and whether it changes something that stood there."""

    at: dt.datetime
    replaces: bool


def stale(case: Case) -> Iterator[Finding]:
    """Find approvals of a text that was changed after they were given."""
    signed = [row for row in case.rows("approvals") if row.get("date") and row.get("name")]
    changes = list(_changes(case.edits)) if signed else []
    for row in signed:
        later = _since(case, changes, row)
        if later:
            yield Finding(
                code=Code.APPROVAL,
                severity=Severity.WARNING if reached(case, APPROVED) else Severity.HINT,
                where=case.where("approvals", row["row"]),
                message=f"{shown(row['name'])} approved on {row['date']}; {later}.",
                remedy="Show the approver what changed (incident.history()) and renew the date.",
                table="approvals",
                row=row["row"],
                name="date",
            )


def _changes(log: Sequence[Edit]) -> Iterator[_Change]:
    """Yield the edits of what is approved, but those without a time: another program's."""
    filled: set[tuple[str, str, str]] = set()
    for edit in log:
        place = (edit["table"], edit["row"], str(edit.get("name")))
        if edit["table"] not in LATER and edit.get("name") not in LATER_NAMES and _made(edit):
            yield _Change(_made(edit) or times.EPOCH, "op" in edit or place in filled)
        if edit.get("value") is not None:
            filled.add(place)


def _made(edit: Edit) -> dt.datetime | None:
    """Return when an edit was made in UTC, None where another program wrote no such time."""
    try:
        said = dt.datetime.fromisoformat(edit["at"])
        return (said if said.tzinfo else said.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _since(case: Case, changes: Sequence[_Change], row: Row) -> str:
    """Return, in words, how many edits of the content are later than an approval.

    Later than the moment it was written down, else than its day. What was filled for the first
    time within the same minute came with it: an import writes approvals and text together.
    """
    here = ("approvals", row["row"])
    own = (_made(edit) for edit in case.edits if (edit["table"], edit["row"]) == here)
    signed = max((at for at in own if at), default=None)
    dated = [each.at for each in changes if each.at.date() > row["date"]]
    if signed is not None:
        later = [
            e.at for e in changes if e.at > signed and (e.replaces or e.at > signed + TOGETHER)
        ]
        if later:
            return f"{_edits(later)} came later"
        dated = [at for at in dated if at < signed - TOGETHER]
    return f"{_edits(dated)} came later than that day" if dated else ""


def _edits(made: Sequence[dt.datetime]) -> str:
    return "1 edit" if len(made) == 1 else f"{len(made):,} edits"


def _looked_at(folder: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with what its file is today: ``changed``, or why it cannot be read."""
    path = folder / f"{record.get('name')}.parquet"
    try:
        now = path.stat()
        digest = _digest(path, now.st_size, now.st_mtime_ns)
    except OSError as error:
        return {"problem": f"its rows cannot be read: {error.strerror}", **record}
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
