"""The document archived as a Datadog notebook: made once, then kept up to date.

A notebook of ours holds a *key*, worked out from the bundle, in its last Markdown cell. Before one
is made, Datadog is asked for a notebook with this key, so an answer that was lost on the way, or a
bundle checked out elsewhere, never makes a second one. Cells that people added in Datadog stay.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from postmortem_nb import bundle, incidentapi, masking, notebookcells, onestep, text, times
from postmortem_nb.datadog.failures import Failed
from postmortem_nb.errors import NotSaved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from postmortem_nb.datadog.client import Connection
    from postmortem_nb.incident import Incident

Json = dict[str, Any]

FILE = "published.json"
"""Beside the bundle: which notebook it is in, for each Datadog site."""

LONGEST_NAME = 80
"""Characters of a notebook's name that Datadog takes."""

MARGIN = timedelta(hours=1)
"""What the notebook's fixed time shows before and after the incident."""

_PAGE, _MOST_PAGES = 100, 20
_PART = 60  # characters of an id that are surely in the name
_CONFLICT, _MISSING = 409, 404


def publish(incident: Incident, *, told: Callable[[str], object] | None = None) -> str:
    """Return the address of the Datadog notebook that the document was written to.

    The first time makes it, later ones replace its text. Secrets are masked, the time is fixed to
    the incident, and it is attached to the Datadog incident that the fact ``datadog_link`` names.

    Parameters
    ----------
    incident
        what to archive
    told
        is given one line for each thing done, and for each that could not be

    Raises
    ------
    DatadogError
        Datadog did not take it; nothing was lost, and it may be run again
    QueryError
        the environment names no Datadog that can be asked
    NotSaved
        it was written, but which notebook it is could not be kept beside the bundle
    """
    say = told or (lambda _: None)
    found = incidentapi.connection()
    cells, masked = notebookcells.cells(incident)
    for line in masked:
        say(f"masked: {line}")
    work = _Work(found, incident, _key(incident), cells)
    try:
        number, done = work.write()
    except Failed as failure:
        raise incidentapi.failed(found, failure, f"publish {incident.id}") from None
    url = f"{incidentapi.site(found)}/notebook/{number}"
    say(f"{done} {url}")
    if found.sandbox:
        say(_made_up())
    work.keep(number, url)
    for line in _attached(found, incident, work.name, url):
        say(line)
    return url


def _made_up() -> str:
    """Return what is to be known of a notebook in the sandbox: whose it is, and for how long."""
    said = "that is the sandbox, not a Datadog account"
    if os.environ.get("POSTMORTEM_DATADOG_URL", "").strip():
        return f"{said}: the page is there while the sandbox runs"
    return (
        f"{said}: the page is gone when this process ends; to look at it, leave 'postmortem "
        "sandbox --port 8126' running and publish with POSTMORTEM_DATADOG_URL=http://127.0.0.1:8126"
    )


@dataclass(slots=True)
class _Work:
    """One document on its way to its notebook."""

    found: Connection
    incident: Incident
    key: str
    cells: list[Json]
    ids: list[str] | None = None
    """Of our cells, as Datadog named them at the last write."""

    @property
    def name(self) -> str:
        """The notebook's name."""
        return _name(self.incident)

    def write(self) -> tuple[int, str]:
        """Return the number of the notebook that was made or updated, and what was done."""
        known = self._known()
        number = known if known is not None else self._search()
        if number is not None:
            try:
                return self._update(number), "updated"
            except Failed as failure:
                if failure.status != _MISSING:
                    raise
        return self._create(), "made" if number is None else "made anew, the old one is gone:"

    def keep(self, number: int, url: str) -> None:
        """Keep beside the bundle which notebook it is, whole or not at all."""
        path = self.incident.path / FILE
        kept = _kept(path)
        notebooks = kept.get("notebooks")
        entry = {"id": number, "url": url, "key": self.key, "cells": self.ids or []}
        entry["at"] = times.iso(datetime.now(UTC).replace(microsecond=0))
        known = notebooks if isinstance(notebooks, dict) else {}
        _save(path, {**kept, "format": 1, "notebooks": {**known, self.found.site: entry}})

    def _known(self) -> int | None:
        """Return the notebook that this bundle was written to before, by the file beside it."""
        notebooks = _kept(self.incident.path / FILE).get("notebooks")
        entry = notebooks.get(self.found.site) if isinstance(notebooks, dict) else None
        if not isinstance(entry, dict) or entry.get("key") != self.key:
            return None  # never, or the bundle was copied for another incident
        number, ids = entry.get("id"), entry.get("cells")
        self.ids = [str(each) for each in ids] if isinstance(ids, list) else None
        return number if isinstance(number, int) else None

    def _search(self) -> int | None:
        """Return the notebook in Datadog that holds our key, None where there is none."""
        asked = {"query": self.incident.id[:_PART], "count": _PAGE, "include_cells": True}
        for page in range(_MOST_PAGES):
            answer = incidentapi.ask(self.found, "notebooks", start=page * _PAGE, **asked)
            rows = incidentapi.rows(answer)
            for row in rows:
                if self._footer(_cells_of(row)) is not None and isinstance(row.get("id"), int):
                    return int(row["id"])
            if len(rows) < _PAGE:
                break
        return None

    def _create(self) -> int:
        """Return the number of a new notebook; one whose answer was lost is looked for."""
        try:
            answer = incidentapi.ask(self.found, "create notebook", body=self._body([]))
        except Failed as failure:
            if 400 <= failure.status < 500 or failure.fault == "not asked":
                raise
            return self._lost(failure)
        return self._written(answer)

    def _lost(self, failure: Failed) -> int:
        """Return the notebook that was made though its answer was lost, or say what is known."""
        number = self._search()
        if number is not None:
            return number
        failure.remedy = (
            "whether a notebook was made is not known; publish again in a minute: it is looked for "
            "before another is made"
        )
        raise failure

    def _update(self, number: int) -> int:
        """Replace our cells of a notebook, twice where somebody changed it meanwhile."""
        for last in (False, True):
            now = incidentapi.ask(self.found, "notebook", notebook_id=number)
            others = self._others(_cells_of(now.get("data")))
            try:
                body = self._body(others)
                return self._written(
                    incidentapi.ask(self.found, "update notebook", notebook_id=number, body=body)
                )
            except Failed as failure:
                if failure.status != _CONFLICT or last:
                    if failure.status == _CONFLICT:
                        failure.remedy = "somebody is editing this notebook; publish again later"
                    raise
        raise AssertionError  # pragma: no cover - the second round returns or raises

    def _written(self, answer: Json) -> int:
        """Return the number of the notebook that an answer describes, its cells' ids noted."""
        data = answer.get("data")
        number = data.get("id") if isinstance(data, dict) else None
        if not isinstance(number, int):
            raise Failed("an answer without a notebook", remedy="publish again", status=200)
        ids = [str(cell.get("id") or "") for cell in _cells_of(data)]
        self.ids = ids[: len(self._ours())]
        return number

    def _others(self, there: list[Json]) -> list[Json]:
        """Return the cells of a notebook that we did not write, as they are, of any kind."""
        if self.ids:
            return [cell for cell in there if str(cell.get("id")) not in self.ids]
        footer = self._footer(there)
        return there[footer + 1 :] if footer is not None else []

    def _footer(self, there: list[Json]) -> int | None:
        """Return the place of the cell that holds our key."""
        return next((n for n, cell in enumerate(there) if self.key in _text_of(cell)), None)

    def _ours(self) -> list[Json]:
        foot = f"*Archived by postmortem-nb from {text.markdown(_shown(self.incident.id))}.*"
        return [*self.cells, notebookcells.markdown(f"{foot}\n\n*Archive key: {self.key}*")]

    def _body(self, others: list[Json]) -> Json:
        """Return what a notebook is made or replaced with."""
        attributes = {
            "name": self.name,
            "cells": [*self._ours(), *others],
            "time": _window(self.incident),
            "metadata": {"type": "postmortem", "is_template": False, "take_snapshots": True},
            "status": "published",
        }
        return {"data": {"type": "notebooks", "attributes": attributes}}


def _name(incident: Incident) -> str:
    """Return the notebook's name: id and title, masked, on one line, as long as Datadog takes."""
    title = incident.value("title") if _has(incident, "title") else None
    said = f"{incident.id}: {title}" if title else f"{incident.id}: postmortem"
    line = " ".join(_shown(said).split())
    return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1].rstrip()}…"


def _shown(said: str) -> str:
    return masking.mask(text.visible(said))


def _has(incident: Incident, fact: str) -> bool:
    return any(column.name == fact for column in incident.template.tables["incident"])


def _key(incident: Incident) -> str:
    """Return what tells the notebook of this bundle: its first edits, made once and never changed.

    A copy of the bundle for an incident of another id has another key.
    """
    with (incident.path / bundle.LOG).open("rb") as log:
        first = [log.readline(), log.readline()]
    whole = b"\0".join([*first, incident.id.encode("utf-8", "replace")])
    return hashlib.sha256(whole).hexdigest()[:32]


def _window(incident: Incident) -> Json:
    """Return the notebook's fixed time: the incident with a margin; the last week while unknown."""
    start, end = incident.window()
    moments = [moment for moment in (start, end) if moment is not None]
    if not moments:
        return {"live_span": "1w"}
    first, last = min(moments) - MARGIN, max(moments) + MARGIN
    return {"start": times.iso(first), "end": times.iso(last), "live": False}


def _cells_of(notebook: object) -> list[Json]:
    found = incidentapi.attributes(notebook).get("cells")
    return [cell for cell in found if isinstance(cell, dict)] if isinstance(found, list) else []


def _text_of(cell: Json) -> str:
    definition = incidentapi.attributes(cell).get("definition")
    return str(definition.get("text") or "") if isinstance(definition, dict) else ""


def _attached(found: Connection, incident: Incident, name: str, url: str) -> list[str]:
    """Attach the notebook to the linked Datadog incident; returns what to say of it."""
    link = incident.value("datadog_link") if _has(incident, "datadog_link") else None
    number = incidentapi.incident_id(link)
    if not number:
        return []
    try:
        return [_attach(found, number, name, url)]
    except Failed as failure:
        why = f"{failure.fault}{f': {failure.said}' if failure.said else ''}"
        return [f"not attached to the Datadog incident {number}: {why}"]


def _attach(found: Connection, number: str, name: str, url: str) -> str:
    """Attach an address to an incident once; returns what was done."""
    number = incidentapi.uuid(found, number)
    there = incidentapi.rows(incidentapi.ask(found, "attachments", incident_id=number))
    documents = (incidentapi.attributes(row).get("attachment") for row in there)
    if any(isinstance(each, dict) and each.get("documentUrl") == url for each in documents):
        return f"attached to the Datadog incident {number} already"
    attachment = {"title": name, "documentUrl": url}
    attributes = {"attachment_type": "postmortem", "attachment": attachment}
    body = {"data": {"type": "incident_attachments", "attributes": attributes}}
    incidentapi.ask(found, "attach", incident_id=number, body=body)
    return f"attached to the Datadog incident {number}"


def _kept(path: Path) -> Json:
    """Return what the file beside the bundle holds; nothing where it cannot be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _save(path: Path, content: Json) -> None:
    """Write the file beside the bundle in one step."""
    written = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    try:
        onestep.write(path, written.encode(), sync=True)
    except OSError as error:
        raise NotSaved(f"{path.name}: not saved: {error.strerror}; publish again") from None
