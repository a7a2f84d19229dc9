"""One incident: its tables, its log of edits, and who listens.

`Incident` is the middle of the package. ``set``, ``add``, ``remove``, ``restore``, ``move`` and
``replace`` are the only writers, and each returns when its edits are on disk. Everything else
reads: frames, values, the document, the findings. Times are UTC; one typed without a zone is UTC.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

from postmortem_nb import bundle, changes, frames, lock, metrics, tallies
from postmortem_nb.edits import Log
from postmortem_nb.errors import BadValue, BundleError
from postmortem_nb.tables import SINGLE, TIMELINE, Tables, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    import pandas as pd

    from postmortem_nb.changes import Change
    from postmortem_nb.edits import Edit
    from postmortem_nb.schema import Template
    from postmortem_nb.tallies import Found

EVIDENCE = "evidence"
"""The name under which ``incident[...]`` lists the frozen query results."""

MILESTONES = ("detected", "acknowledged", "mitigated", "recovered")
"""The moments that charts mark, as `metrics.STEPS` names them."""


class Incident:
    """A bundle that is open; made by ``Incident.create`` or ``Incident.open``.

    Safe to use from several threads. Other kernels' edits are seen at the next read.
    """

    def __init__(self, path: Path, template: Template) -> None:
        self.path = path
        self.template = template
        self.lock = threading.RLock()
        """Hold it to read or change several things as one."""
        self._log = Log(path / bundle.LOG, template.digest)
        self._tables = Tables(template)
        self._generation = 0
        self._unread = ""
        self._state: object = None
        self._made: dict[str, Any] = {}
        self._listeners: list[Callable[[list[Edit]], object]] = []
        lock.own_after_fork(self)

    # -- coming to life ----------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        id: str,  # noqa: A002 - what people call it
        dir: str | Path = ".",  # noqa: A002 - the same
        *,
        template: str | Path | Template | None = None,
        start: object = None,
        end: object = None,
        **facts: object,
    ) -> Incident:
        """Return a new incident, its folder on disk.

        Parameters
        ----------
        id
            a name, for example ``INC-4821``; the folder is called so
        dir
            where the folder is made
        template
            a team's own template file; the shipped one unless given
        start, end
            times of the steps Incident Start and Full Recovery
        **facts
            single facts: ``title``, ``services``, ``severity``, ``author``, ``date`` (the day of
            ``start`` unless given) …; those that are None stay missing

        Raises
        ------
        BadValue
            no id, an unknown fact, or a value that does not fit; nothing was made
        BundleError
            there is an incident of this id already, or the disk refuses
        """
        name = bundle.checked_id(id)
        chosen = bundle.template_for(template)
        made = cls(bundle.folder_for(dir) / name, chosen)
        wished = changes.beginning(chosen, {"incident_id": name, **facts}, start=start, end=end)
        bundle.make(made.path, chosen, lambda log: log.append(wished))
        made.refresh()
        return made

    @classmethod
    def open(cls, path: str | Path) -> Incident:
        """Return the incident in a folder, or in the folder of its notebook.

        A damaged log is no reason to refuse: see `problems`.

        Raises
        ------
        BundleError
            there is no incident, or its template is gone; `NewerFormat` for one of a later version
        """
        folder = bundle.find(path)
        opened = cls(folder, bundle.template_of(folder))
        opened._pull()
        return opened

    # -- what there is -----------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The incident's id; the folder's name where none is stored."""
        with self.lock:
            return str(self._tables.fact("incident_id") or self.path.name)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables, the single facts' first."""
        return tuple(self.template.tables)

    @property
    def problems(self) -> list[str]:
        """What is wrong in the bundle, one line each; none of it was lost or changed by us."""
        with self.lock:
            self.refresh()
            other = self._log.template not in ("", self.template.digest)
            changed = f"{bundle.TEMPLATE} was changed after the incident was begun" if other else ""
            said = filter(None, (self._unread, changed))
            return [*said, *self._log.problems, *self._tables.problems()]

    def __repr__(self) -> str:
        return f"<Incident {self.id} in {self.path}>"

    def __getitem__(self, table: object) -> pd.DataFrame:
        """Return a table as a DataFrame, a copy; the index is the row id. BadValue if unknown.

        ``incident["evidence"]`` lists the frozen query results, a row each.
        """
        if isinstance(table, str) and table == EVIDENCE:
            evidence = import_module("postmortem_nb.evidence")  # pyarrow, only when asked for
            return frames.listing(evidence.listing(self.path / bundle.EVIDENCE))
        with self.lock:
            name = changes.table_of(self._tables, table)
            return frames.frame(self._tables.columns(name), self.values(name))

    def values(self, table: str) -> list[dict[str, Any]]:
        """Return a table's rows in order, each with its id as ``row``; None is missing."""
        with self.lock:
            self.refresh()
            if changes.table_of(self._tables, table) == SINGLE:
                return [{"row": SINGLE, **self._facts()}]
            return self._tables.values(table)

    def value(self, name: str) -> Any:
        """Return a single fact as Python knows it, computed ones too; None is missing."""
        with self.lock:
            self.refresh()
            column = changes.column_of(self._tables, SINGLE, name)
            return self._facts()[name] if column.derived else self._tables.known(column)

    def measures(self) -> dict[str, metrics.Measure]:
        """Return every figure by name, its definition and source, or why it is unknown."""
        made = self._kept(
            "measures", lambda: tallies.measures(self._moments(), Incident.found(self))
        )
        return dict(made)

    def found(self) -> Found:
        """Return what timeline and frozen evidence say of the impact, each with its source."""
        impact = import_module("postmortem_nb.impact")  # pyarrow, only when asked for
        folder, moments = self.path / bundle.EVIDENCE, self._moments
        told: Found = self._kept("found", lambda: impact.found(folder, moments(), self._timeline()))
        return told

    def stats(self) -> pd.DataFrame:
        """Return the figures: measure, value, unit, definition, from, missing (why).

        Where a stated figure differs from the computed one, a row ``…_computed`` holds the latter.
        """
        return frames.stats(self.measures().values())

    def log(self) -> pd.DataFrame:
        """Return the timeline in order: time (UTC), phase, step, text; the index is the row id."""
        with self.lock:
            self.refresh()
            return frames.log(self._tables)

    def history(self) -> pd.DataFrame:
        """Return every edit ever made: at (UTC), by, table, row, name, old, new, values as text."""
        with self.lock:
            self.refresh()
            return frames.history(self._tables)

    def edits(self) -> list[Edit]:
        """Return every edit of the log, as stored."""
        with self.lock:
            self.refresh()
            return list(self._tables.edits)

    def window(self) -> tuple[datetime | None, datetime | None]:
        """Return impact start and impact end in UTC; None where the timeline has no time."""
        moments = self._moments()
        return moments.start, moments.recovered

    def milestones(self) -> list[tuple[str, datetime]]:
        """Return the known moments that charts mark, of `MILESTONES`, in UTC."""
        moments = self._moments()
        return [(name, at) for name in MILESTONES if (at := getattr(moments, name)) is not None]

    def variables(self) -> dict[str, Any]:
        """Return what placeholders stand for, the known ones.

        SERVICES is the list, SERVICE its first; INCIDENT_START and INCIDENT_END are aware times.
        """
        with self.lock:
            return variables(self._tables.facts(), self.window())

    # -- the only writers --------------------------------------------------------------------------

    def set(self, name: str, value: object, *, table: str = SINGLE, row: str | None = None) -> None:
        """Give a single fact, or with ``table`` and ``row`` one cell, a value; None clears it.

        Raises
        ------
        BadValue
            unknown name, table or row, or a value that does not fit; the old one stays
        NotSaved
            the disk refused; the old one stays, and it may be tried again
        """
        self._write(lambda: changes.setting(self._tables, name, value, table=table, row=row))

    def quote(self, name: str, value: object) -> None:
        """Keep what a document says of a computed figure, for `check` to compare; as ``set``."""
        self._write(lambda: changes.quoting(self._tables, name, value))

    def add(self, table: str, /, **columns: object) -> str:
        """Add a row and return its id.

        The columns that name its group are taken from what is given: a ``step`` says its phase.
        Where the template presets a column (a question, a task), the next unused one is taken.
        Raises BadValue and NotSaved as ``set`` does.
        """
        return str(self._write(lambda: changes.adding(self._tables, table, columns))[0]["row"])

    def remove(self, table: str, row: str) -> None:
        """Remove a row; ``restore`` brings it back. Raises as ``set`` does."""
        self._write(lambda: changes.removing(self._tables, table, row))

    def restore(self, table: str, row: str) -> None:
        """Bring a removed row back with its values. Raises as ``set`` does."""
        self._write(lambda: changes.restoring(self._tables, table, row))

    def move(self, table: str, row: str, index: int) -> None:
        """Move a row to a place among all rows of its table, 0 the first, -1 the last.

        The timeline stays in the order of its times. Raises BadValue and NotSaved as ``set`` does.
        """
        self._write(lambda: changes.moving(self._tables, table, row, index=index))

    def replace(self, table: str, frame: pd.DataFrame) -> None:
        """Make a table hold what a frame holds, with the fewest edits.

        A text index holds row ids: rows that are not in it are removed, and its order is taken
        over. Rows with another index, or with ids that never were, are new. Columns that the frame
        lacks keep their values. Raises BadValue and NotSaved as ``set`` does.
        """
        self._write(lambda: self._replacing(table, frame))

    # -- listening ---------------------------------------------------------------------------------

    def on_change(self, listener: Callable[[list[Edit]], object]) -> Callable[[], None]:
        """Call ``listener(edits)`` after every change, other kernels' too; returns how to stop it.

        It is called by the thread that wrote or read, after the edits are on disk, and may hold
        the incident's lock: it must be quick and not wait for another thread.
        """
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def refresh(self) -> bool:
        """Read what other kernels wrote since; returns whether there was anything.

        A bundle that cannot be read any more (moved, unmounted) keeps what is known; `problems`
        says so.
        """
        with self.lock:
            try:
                news = self._pull()
            except BundleError as failed:
                self._unread = str(failed)
                return False
            self._unread = ""
        self._tell(news)
        return bool(news)

    # -- the rest of the package, called by name: it is built on this module -----------------------

    def form(self, section: str | None = None) -> Any:
        """Return the form of a section, or of all; the last value of a cell shows it.

        BadValue if the template has no such section.
        """
        return import_module("postmortem_nb.forms").form(self, section)

    def document(self, *, blanks: bool = False) -> str:
        """Return the whole postmortem as Markdown; with ``blanks`` what is empty shows too."""
        return str(import_module("postmortem_nb.document").markdown(self, blanks=blanks))

    def add_to_timeline(self, frame: pd.DataFrame, row: object = None) -> str:
        """Put a row of an answer, or the peak of a metric, into the timeline; return its id."""
        candidates = import_module("postmortem_nb.candidates")
        found = candidates.chosen(self, frame, row)
        return candidates.add(self, found)  # type: ignore[no-any-return]

    def check(self) -> pd.DataFrame:
        """Return what is missing or contradictory: code, severity, where, message, remedy."""
        return import_module("postmortem_nb.checks").findings(self)  # type: ignore[no-any-return]

    # -- inside ------------------------------------------------------------------------------------

    def _write(self, plan: Callable[[], list[Change]]) -> Sequence[Change]:
        """Plan a change on the latest state, put it on disk, and fold it in."""
        with self.lock:
            self.refresh()
            wished = plan()
            if wished:
                self._log.append(wished)
                news = self._fold(self._log.news())
        if wished:
            self._tell(news)
        return wished

    def _replacing(self, table: str, frame: pd.DataFrame) -> list[Change]:
        """Return the changes that make a table, or the single facts, hold a frame."""
        rows = frames.read(self._tables, changes.table_of(self._tables, table), frame)
        if table != SINGLE:
            return changes.replacing(self._tables, table, rows)
        if len(rows) != 1:
            raise BadValue(f"{SINGLE}: expected one row, the single facts; got {len(rows)}")
        return changes.stating(self._tables, rows[0][1])

    def _pull(self) -> list[Edit]:
        """Read and fold in what is new in the log; return it."""
        return self._fold(self._log.read())

    def _fold(self, news: list[Edit]) -> list[Edit]:
        """Fold edits in; into nothing when the file became another one."""
        if self._log.generation != self._generation:
            self._generation = self._log.generation
            self._tables.clear()
        self._tables.take(news)
        return news

    def _tell(self, news: list[Edit]) -> None:
        """Call the listeners, where there is something to tell."""
        for listener in tuple(self._listeners) if news else ():
            listener(news)

    def _facts(self) -> dict[str, Any]:
        """Return every single fact as Python knows it, computed ones too."""
        known = {name: each.value for name, each in Incident.measures(self).items()}
        names = [column.name for column in self._tables.columns(SINGLE) if column.derived]
        return self._tables.facts() | {name: known[name] for name in names if name in known}

    def _timeline(self) -> list[dict[str, Any]]:
        """Return the rows of the timeline."""
        return self._tables.values(TIMELINE) if TIMELINE in self.template.tables else []

    def _moments(self) -> metrics.Facts:
        """Return what the figures are computed from."""
        told: metrics.Facts = self._kept(
            "moments", lambda: metrics.gather(self._tables.facts(), self._timeline())
        )
        return told

    def _kept(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what was made since edits or evidence last changed, else make it."""
        with self.lock:
            self.refresh()
            state = (self._generation, len(self._tables.edits), bundle.stamp(self.path))
            if state != self._state:
                self._state, self._made = state, {}
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]
