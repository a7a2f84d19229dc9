"""The desk of an incident: all its open forms are brought up to date here, together.

An edit may come from a form, from a cell, or from another kernel; whoever makes it does not wait.
A moment later one thread a incident looks at what changed and asks each open form to follow.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Protocol

from postmortem_nb import candidates, checks, sections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postmortem_nb.incident import Incident

PAUSE = 0.15
"""Seconds that a desk waits for further edits before forms follow."""

SETTLE = 0.5
"""Seconds without a new form before the checks look at the incident for the first time."""

LOOK = 1.0
"""Seconds between two looks at the log for edits of other kernels."""

FORMS = 4
"""Open forms of one section: windows and cells that show it at the same time."""


class Follower(Protocol):
    """What follows the incident: a form."""

    def follow(self) -> None:
        """Show every window of this form the values as they are now."""

    def push(self) -> None:
        """Bring every window of this form up to date, with its text."""

    def is_open(self) -> bool:
        """Return whether anybody can still see this form."""

    def close(self) -> None:
        """End this form."""


class Desk:
    """The open forms of one incident; made by ``at``."""

    def __init__(self, incident: Incident) -> None:
        self.incident = weakref.ref(incident)
        self._joined: dict[str, list[weakref.ref[Follower]]] = {}
        self._news = threading.Event()
        self._thread: threading.Thread | None = None
        self._found: list[dict[str, Any]] = []
        self._kept: candidates.Kept = {}
        self._offered: list[candidates.Candidate] = []
        self._names: dict[str, list[str]] | None = None
        self._stale = True
        self._newest = -SETTLE
        incident.on_change(self.changed)

    def join(self, form: Follower, section: str) -> None:
        """Keep a form up to date until it is closed: by its owner, or as one of too many.

        A cell that is run again leaves its old form behind, which another window may still show.
        """
        self._joined.setdefault(section, []).append(weakref.ref(form))
        kept = self._joined[section]
        self._newest = time.monotonic()
        self._news.set()
        self._wake()
        while len(kept) > FORMS:
            if (old := kept.pop(0)()) is not None:
                old.close()

    def look(self) -> None:
        """Have another look at the open forms in a moment."""
        self._news.set()

    def changed(self, *_: object) -> None:
        """Hear that the incident changed; the forms follow in a moment."""
        self._stale, self._names = True, None
        self._news.set()
        if self._open():
            self._wake()

    def _wake(self) -> None:
        """Watch as long as a form is open."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._watch, name="postmortem-forms", daemon=True
            )
            self._thread.start()

    def findings(self) -> list[dict[str, Any]]:
        """Return what the checks said last; forms are drawn before they have said anything."""
        return self._found

    def completions(self, lists: Sequence[str]) -> dict[str, list[str]]:
        """Return what these lists of completions hold, as of the last edit."""
        incident = self.incident()
        if self._names is None and incident is not None:
            self._names = sections.completions(incident)
        known = self._names or {}
        return {name: known.get(name, []) for name in lists}

    def offered(self) -> list[candidates.Candidate]:
        """Return the steps that the evidence offers the timeline, as of the last look."""
        return self._offered

    def answers(self) -> list[str]:
        """Return the names of the frozen answers whose rows have a time, as of the last look."""
        return [name for (name, _), noted in self._kept.items() if noted is not None]

    def _check(self) -> None:
        """Let the checks look at the incident, once a change."""
        incident = self.incident()
        if self._stale and incident is not None:
            self._stale = False
            found = checks.findings(incident).to_dict("records")
            self._found = [{str(key): value for key, value in each.items()} for each in found]
            kept = dict(self._kept)  # others read the old one meanwhile
            self._offered, self._kept = candidates.offered(incident, kept), kept

    def _watch(self) -> None:
        """Redraw after edits and look for those of other kernels, until no form is open."""
        while self._open():
            if self._news.wait(LOOK):
                time.sleep(PAUSE)
                while time.monotonic() - self._newest < SETTLE:
                    time.sleep(PAUSE)  # a notebook is being run: first let its forms appear
                self._news.clear()
                for form in self._open():
                    form.follow()  # other windows first: looking at everything takes longer
                self._check()
                for form in self._open():
                    form.push()
            elif (incident := self.incident()) is not None:
                incident.refresh()
                if candidates.answers(incident) != list(self._kept):
                    self.changed()

    def _open(self) -> list[Follower]:
        joined = [each for kept in list(self._joined.values()) for each in list(kept)]
        return [form for each in joined if (form := each()) is not None and form.is_open()]


_DESKS: weakref.WeakKeyDictionary[Incident, Desk] = weakref.WeakKeyDictionary()
_GUARD = threading.Lock()


def at(incident: Incident) -> Desk:
    """Return the desk of an incident."""
    with _GUARD:
        if incident not in _DESKS:
            _DESKS[incident] = Desk(incident)
        return _DESKS[incident]
