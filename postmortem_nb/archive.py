"""Many incidents: a folder of bundles, read as one set of tables.

    archive = Archive("postmortems")
    archive.incidents()   archive.actions()   archive.trends()   archive.similar("INC-4821")

Reads only. A bundle that cannot be read is told in `Archive.broken`, a copy of another one in
`Archive.copies`; neither hides another. Times are UTC; missing is ``<NA>``, never 0.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import bundle, copies, likeness, tendencies
from postmortem_nb.errors import BadValue, BundleError, PostmortemError, expected, shown
from postmortem_nb.incident import Incident
from postmortem_nb.tables import SINGLE, TIMELINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from postmortem_nb.metrics import Measure

DEEPEST = 3
"""Folders below the archive in which a bundle is looked for: ``2025/12/INC-4821``."""

_PASSED_OVER = frozenset({"node_modules", "__pycache__", "evidence", "venv"})
_DONE = re.compile(
    r"\b(?:complete[d]?|done|closed|resolved|finished|cancell?ed|won.t do)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Record:
    """One incident as the archive holds it: facts, tables and measures, read once."""

    path: Path
    id: str
    facts: Mapping[str, Any]
    tables: Mapping[str, list[dict[str, Any]]]
    measures: Mapping[str, Measure]
    origin: copies.Origin

    def fact(self, name: str) -> Any:
        """Return a single fact; None where it is missing or the template has none such."""
        return self.facts.get(name)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return a table's rows, none where the template has no such table."""
        return self.tables.get(table, [])

    @property
    def start(self) -> datetime | None:
        """Impact start in UTC."""
        return self._time("Incident Start")

    @property
    def day(self) -> date | None:
        """The incident's date; the UTC day of its start where none is stated."""
        stated = self.fact("date")
        if isinstance(stated, date):
            return stated
        return self.start.date() if self.start is not None else None

    @property
    def services(self) -> list[str]:
        """The services affected."""
        return _several(self.fact("services"))

    @property
    def detection(self) -> str | None:
        """How it was detected, as the first detection of the timeline says."""
        found = (row.get("detection_method") for row in self.rows(TIMELINE))
        return next((str(method) for method in found if method), None)

    def _time(self, step: str) -> datetime | None:
        times = (row.get("time") for row in self.rows(TIMELINE) if row.get("step") == step)
        known = [time for time in times if isinstance(time, datetime)]
        return min(known, default=None)


class Archive:
    """The incidents in a folder, as they were when it was read.

    ``folder`` holds bundles, up to `DEEPEST` folders down; given a bundle, the folder around it is
    meant. ``told`` is called with (read, all) while reading. Raises BundleError where there is no
    folder; one without an incident is an empty archive.
    """

    def __init__(
        self, folder: str | Path = ".", *, told: Callable[[int, int], object] | None = None
    ) -> None:
        self.folder = _folder(folder)
        self.records: list[Record] = []
        """The incidents, the newest first; those without a date last."""
        self.broken: dict[str, str] = {}
        """Bundles that cannot be read: folder → why, one line."""
        self.damaged: dict[str, str] = {}
        """Bundles of which lines of the log cannot be read: folder → how many, one line."""
        places = list(find(self.folder))
        for number, path in enumerate(places, 1):
            self._read(path)
            if told is not None:
                told(number, len(places))
        begun = ((self._relative(each.path), each.origin) for each in self.records)
        self.copies: dict[str, str] = dict(copies.older(begun))
        """Bundles that are left out as copies: folder → that of the one with the newest edit."""
        self.records = [e for e in self.records if self._relative(e.path) not in self.copies]
        self.records.sort(key=lambda each: (each.day or date.min, each.id), reverse=True)

    def __repr__(self) -> str:
        return f"<Archive {self.folder}: {len(self.records)} incidents, {len(self.broken)} broken>"

    def __len__(self) -> int:
        """Return the number of incidents that could be read."""
        return len(self.records)

    def incidents(self) -> pd.DataFrame:
        """Return a row for each incident, the newest first.

        Columns: ``incident`` (id), ``title``, ``date`` (datetime64[s]), ``severity``, ``state``,
        ``services`` (list), ``detection`` (how), ``start`` (UTC), ``time_to_detect``,
        ``time_to_acknowledge``, ``time_to_mitigate``, ``duration`` (minutes, Float64),
        ``open_actions``, ``actions`` (Int64), ``path`` (the folder, relative to the archive).
        """
        rows = [self._listed(record) for record in self.records]
        frame = pd.DataFrame(rows, columns=list(_INCIDENTS))
        return frame.astype(_INCIDENTS)

    def actions(self, *, today: date | None = None) -> pd.DataFrame:
        """Return every follow-up action of every incident, the most overdue first.

        Columns: ``incident``, ``row``, ``horizon``, ``priority``, ``title``, ``owner``, ``due``
        (datetime64[s]), ``status`` (as stated), ``done`` (boolean), ``late_days`` (Int64: days
        after the due date, negative before it, ``<NA>`` when done or without a date),
        ``standing`` (in words: "12 days overdue", "due today", "due in 3 days", "no due date",
        "done"), ``tracking``, ``path``. ``today`` is the UTC day unless given.
        """
        day = today or datetime.now(UTC).date()
        rows = [
            self._action(record, row, day)
            for record in self.records
            for row in record.rows("actions")
            if _is_meant(row)
        ]
        rows.sort(key=lambda row: (row["done"], row["late_days"] is None, -(row["late_days"] or 0)))
        frame = pd.DataFrame(rows, columns=list(_ACTIONS))
        return frame.astype(_ACTIONS)

    def trends(self, *, today: date | None = None) -> tendencies.Trends:
        """Return durations over the archive with their spread, incidents a month, actions done."""
        return tendencies.of(self.incidents(), self.actions(today=today), self._factors())

    def similar(self, path: str | Path | Incident, *, limit: int = 5) -> pd.DataFrame:
        """Return the incidents most like one, which may lie outside the archive; best first.

        Columns: ``incident``, ``date``, ``similarity`` (in words: what they share), ``score`` (0 to
        1), ``shared_services``, ``shared_factors``, ``shared_words`` (lists), ``title``, ``path``.
        The first three fit the template's table ``similar``. Those that share nothing are left
        out. The method is described in `likeness`. ``path`` may be an id or a folder of the
        archive too. Raises BundleError and BadValue.
        """
        if type(limit) is not int or limit < 1:
            raise BadValue(expected("limit", "a whole number from 1 on", example="5", came=limit))
        asked = path if isinstance(path, Incident) else self._opened(path)
        one = _record(asked, asked.path)
        others = [each for each in self.records if not _is_one(each, one)]
        found = likeness.rank(_said(one), [_said(each) for each in others])[:limit]
        rows = [
            {
                "incident": others[n].id,
                "date": others[n].day,
                "similarity": like.words(),
                "score": like.score,
                "shared_services": like.services,
                "shared_factors": like.factors,
                "shared_words": like.terms,
                "title": words(others[n].fact("title")),
                "path": self._relative(others[n].path),
            }
            for n, like in found
        ]
        return pd.DataFrame(rows, columns=list(_SIMILAR)).astype(_SIMILAR)

    def _opened(self, path: str | Path) -> Incident:
        """Open an incident that is named by its path, or by its id or folder in the archive."""
        try:
            return Incident.open(path)
        except BundleError:
            known = (e.path for e in self.records if str(path) in (e.id, self._relative(e.path)))
            place = next(known, None)
            if place is None:
                raise
            return Incident.open(place)

    def _read(self, path: Path) -> None:
        try:
            incident = Incident.open(path)
            self.records.append(_record(incident, path))
            if unread := sum(said.startswith("line ") for said in incident.problems):
                lines = "1 line" if unread == 1 else f"{unread:,} lines"
                self.damaged[self._relative(path)] = f"{lines} of its log cannot be read"
        except PostmortemError as failed:
            self.broken[self._relative(path)] = " ".join(str(failed).split())

    def _relative(self, path: Path) -> str:
        """Return a bundle's folder as seen from the archive."""
        return os.path.relpath(path, self.folder)

    def _listed(self, record: Record) -> dict[str, Any]:
        actions = [row for row in record.rows("actions") if _is_meant(row)]
        spans = ("time_to_detect", "time_to_acknowledge", "time_to_mitigate", "duration")
        return {
            "incident": record.id,
            **{name: words(record.fact(name)) for name in ("title", "severity", "state")},
            "date": record.day,
            "services": record.services,
            "detection": record.detection,
            "start": record.start,
            **{name: _minutes(record.measures[name]) for name in spans},
            "open_actions": sum(not _is_done(row.get("status")) for row in actions),
            "actions": len(actions),
            "path": self._relative(record.path),
        }

    def _action(self, record: Record, row: Mapping[str, Any], today: date) -> dict[str, Any]:
        done, stated = _is_done(row.get("status")), row.get("due")
        due = stated if isinstance(stated, date) else None
        late = (today - due).days if due is not None and not done else None
        said = words(stated) if due is None and not done else None
        taken = ("row", "horizon", "priority", "title", "owner", "status", "tracking")
        return {name: words(row.get(name)) for name in taken} | {
            "incident": record.id,
            "due": due,
            "done": done,
            "late_days": late,
            "standing": f"due {said}" if said else standing(late, done=done),
            "path": self._relative(record.path),
        }

    def _factors(self) -> list[tuple[str, list[str]]]:
        """Return the contributing factors of each incident, the oldest first."""
        return [
            (record.id, [str(row["name"]) for row in record.rows("factors") if row.get("name")])
            for record in reversed(self.records)
        ]


_INCIDENTS = {
    **dict.fromkeys(("incident", "title"), "string"),
    "date": "datetime64[s]",
    **dict.fromkeys(("severity", "state"), "string"),
    "services": "object",
    "detection": "string",
    "start": "datetime64[us, UTC]",
    **dict.fromkeys(
        ("time_to_detect", "time_to_acknowledge", "time_to_mitigate", "duration"), "Float64"
    ),
    **dict.fromkeys(("open_actions", "actions"), "Int64"),
    "path": "string",
}
_ACTIONS = {
    **dict.fromkeys(("incident", "row", "horizon", "priority", "title", "owner"), "string"),
    "due": "datetime64[s]",
    "status": "string",
    "done": "boolean",
    "late_days": "Int64",
    **dict.fromkeys(("standing", "tracking", "path"), "string"),
}
_SIMILAR = {
    "incident": "string",
    "date": "datetime64[s]",
    "similarity": "string",
    "score": "Float64",
    **dict.fromkeys(("shared_services", "shared_factors", "shared_words"), "object"),
    **dict.fromkeys(("title", "path"), "string"),
}


def find(folder: Path, depth: int = DEEPEST) -> Iterator[Path]:
    """Yield the bundles below a folder, by name; hidden folders and links to folders are not."""
    try:
        below = sorted(
            each.path for each in os.scandir(folder) if each.is_dir(follow_symlinks=False)
        )
    except OSError:
        yield folder  # it may not be read: the archive says so
        return
    for path in map(Path, below):
        if path.name.startswith(".") or path.name in _PASSED_OVER:
            continue
        if os.path.lexists(path / bundle.LOG):
            yield path
        elif depth > 1:
            yield from find(path, depth - 1)


def standing(late: int | None, *, done: bool) -> str:
    """Return how an action stands, in words."""
    if done:
        return "done"
    if late is None:
        return "no due date"
    if late == 0:
        return "due today"
    days = f"{abs(late):,} day{'s' if abs(late) != 1 else ''}"
    return f"{days} overdue" if late > 0 else f"due in {days}"


def _folder(given: object) -> Path:
    """Return the folder of an archive; of a bundle the one around it."""
    if not isinstance(given, str | Path) or given == "":
        raise BundleError(expected("archive", "a folder", example="postmortems", came=given))
    try:
        folder = Path(given).absolute()
        if not folder.is_dir():
            came = "nothing there" if not folder.exists() else "a file"
            raise BundleError(
                expected(
                    shown(str(given)), "a folder of incidents", example="postmortems", came=came
                )
            )
        return folder.resolve().parent if (folder / bundle.LOG).is_file() else folder
    except (OSError, ValueError):
        raise BundleError(
            expected("archive", "a folder that can be read", example="postmortems", came=given)
        ) from None


def _record(incident: Incident, path: Path) -> Record:
    """Return what the archive keeps of an incident."""
    wanted = (TIMELINE, "actions", "factors", "whys")
    tables = {name: incident.values(name) for name in wanted if name in incident.tables}
    facts = incident.values(SINGLE)[0]
    begun = copies.origin(incident.id, incident.edits())
    return Record(path, incident.id, facts, tables, incident.measures(), begun)


def _said(record: Record) -> likeness.Said:
    """Return what an incident says of itself, for comparison."""
    facts = [value for name, value in record.facts.items() if name in _TELLING]
    whys = [row.get("answer") for row in record.rows("whys")]
    factors = [row.get("name") for row in record.rows("factors")]
    described = [row.get("description") for row in record.rows("factors")]
    return likeness.Said(
        services=tuple(record.services),
        factors=tuple(str(name) for name in factors if name),
        text="\n".join(str(each) for each in (*facts, *whys, *described) if each),
    )


_TELLING = frozenset(
    {
        *("title", "what_happened", "why_it_happened", "what_we_did", "problem"),
        *("technical_cause", "organizational_cause", "process_cause", "patterns", "recurring"),
    }
)
"""The facts whose words say what an incident was."""


def words(value: object) -> str | None:
    """Return a value as text, whatever kind a team's template gave it; None is missing."""
    if value is None or isinstance(value, str):
        return value
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _is_one(one: Record, other: Record) -> bool:
    """Return whether two bundles are the same incident: one folder, or a copy of it."""
    copy = one.origin.first and one.origin.first == other.origin.first
    return bool(copy) or os.path.realpath(one.path) == os.path.realpath(other.path)


def _several(value: object) -> list[str]:
    """Return names as a list, whatever kind the template gave them."""
    if isinstance(value, str):
        return [name for part in value.split(",") if (name := part.strip())]
    return [str(name) for name in value] if isinstance(value, list) else []


def _minutes(measure: Measure) -> float | None:
    return float(measure.value) if isinstance(measure.value, int | float) else None


def _is_meant(row: Mapping[str, Any]) -> bool:
    """Return whether somebody wrote an action there: a row with nothing but its place is none."""
    return any(row.get(name) for name in ("title", "description", "owner", "due", "tracking"))


def _is_done(status: object) -> bool:
    """Return whether an action needs nothing more; an unknown status is open."""
    return bool(_DONE.search(str(status))) if status else False
