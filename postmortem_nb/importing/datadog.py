"""A Datadog incident becomes a postmortem: what it knows is filled in, the rest is told.

Nothing is guessed: an unknown severity stays missing, a moment goes to the one step that means it,
and what the template has no place for, or the API does not give, is a line of its own. There is no
public endpoint for an incident's timeline.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from postmortem_nb import bundle, incidentapi, text, times
from postmortem_nb.datadog.failures import Failed
from postmortem_nb.errors import BadValue, expected, shown
from postmortem_nb.importing.pulled import Pulled, said
from postmortem_nb.incident import Incident

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from postmortem_nb.incidentapi import Json

STEPS = {
    "Incident Start": "customer_impact_start",
    "Detection": "detected",
    "Full Recovery": "customer_impact_end",
    "Incident Declared Resolved": "resolved",
}
"""Step of the timeline → the moment of Datadog's that it is."""

METHODS = {
    "monitor": "Monitor Alert",
    "customer": "User Report",
    "employee": "Internal Discovery",
}
"""Datadog's detection methods → the template's; others are told."""

HORIZONS = ((7, "Immediate"), (31, "Short-term"))
"""Days after the incident by which a task is due → its horizon; later ones are Long-term."""

_LATER = "Long-term"
_LINKS = (
    ("slack.com", "", "slack_link"),
    ("atlassian.net", "", "ticket_links"),
    ("", "/dashboard/", "dashboard_link"),
)
"""Host's end, part of the path → the fact that a link of an incident is."""


def from_datadog(
    uuid: str,
    id: str,  # noqa: A002 - what people call it
    dir: str | Path = ".",  # noqa: A002 - the same
) -> tuple[Incident, list[str]]:
    """Return a new incident with what Datadog knows of one, and a line for what it does not.

    Parameters
    ----------
    uuid
        the incident in Datadog: its UUID, its public number, or its address
    id
        the folder's name
    dir
        where the folder is made

    Raises
    ------
    BadValue
        no such way of naming an incident, or a hostile id
    BundleError
        there is an incident of this id already, or the disk refuses; nothing was made
    DatadogError, QueryError
        Datadog does not give the incident; nothing was made
    """
    name = bundle.checked_id(id)
    number = incidentapi.incident_id(f"/incidents/{uuid}")
    if not number:
        what = "the UUID, number or address of a Datadog incident"
        example = "5c1f0a52-7d0e-5b7e-9a3c-48214821c0de"
        raise BadValue(expected("datadog incident", what, example=example, came=uuid))
    found = incidentapi.connection()
    pulled = Pulled(found, number)
    try:
        pulled.incident()
    except Failed as failure:
        raise incidentapi.failed(found, failure, f"Datadog incident {number}") from None
    pulled.rest()
    incident = Incident.create(name, dir)
    with _all_or_nothing(incident):
        return incident, [*_Filling(incident, pulled).fill(), *pulled.missing]


@contextmanager
def _all_or_nothing(incident: Incident) -> Iterator[None]:
    """Remove the new folder when filling it fails."""
    try:
        yield
    except BaseException:
        shutil.rmtree(incident.path, ignore_errors=True)
        raise


class _Filling:
    """An incident being filled from what Datadog gave; refusals become notes."""

    def __init__(self, incident: Incident, pulled: Pulled) -> None:
        self._incident, self._pulled = incident, pulled
        self._notes: list[str] = []

    def fill(self) -> list[str]:
        """Fill everything and return the notes."""
        self._facts()
        self._timeline()
        self._todos()
        self._links()
        self._notes.append("timeline: Datadog gives only its four moments; no API has the rest")
        return self._notes

    def _facts(self) -> None:
        pulled = self._pulled
        known = pulled.facts
        self._set("title", said(known.get("title")))
        self._set("services", _texts(pulled.field("services")))
        self._set("teams", _texts(pulled.field("teams")))
        severity = said(known.get("severity")) or said(pulled.field("severity"))
        if severity.upper() in ("", "UNKNOWN"):
            self._notes.append("severity: unknown to Datadog; left missing")
        else:
            self._set("severity", severity)
        self._set("what_happened", said(pulled.field("summary")))
        self._set("technical_cause", said(pulled.field("root_cause")))
        public = said(known.get("public_id"))
        site = incidentapi.site(pulled.found)
        self._set("datadog_link", f"{site}/incidents/{public or pulled.number}")
        moments = (self._moment(known, name) for name in (*STEPS.values(), "created"))
        self._set("date", next((moment.date() for moment in moments if moment), None))

    def _timeline(self) -> None:
        """Add the steps whose moments are known, with what is said of them."""
        known = dict(self._pulled.facts)
        impacts = [incidentapi.attributes(row) for row in self._pulled.lists.get("impacts", [])]
        for name, key, pick in (
            ("customer_impact_start", "start_at", min),
            ("customer_impact_end", "end_at", max),
        ):
            found = [moment for each in impacts if (moment := self._moment(each, key))]
            if found and not known.get(name):
                known[name] = times.iso(pick(found))
        stated = [known.get("customer_impact_scope"), *(i.get("description") for i in impacts)]
        told = dict.fromkeys(filter(None, map(said, stated)))
        columns: dict[str, dict[str, Any]] = {
            "Incident Start": {"system_behavior": "\n".join(told)},
            "Detection": {"detection_method": self._method()},
        }
        for step, name in STEPS.items():
            self._step(step, time=self._moment(known, name), **columns.get(step, {}))
        people = [self._responder(row) for row in self._pulled.lists.get("responders", [])]
        names = list(dict.fromkeys(filter(None, people)))
        if names:
            self._step("Escalation", responders=names)
            self._notes.append("responders: they stand under Escalation; it has no time yet")
        declared = self._moment(known, "declared")
        if declared:
            self._notes.append(
                f"declared: {times.shown(declared)}; no step of the template is that"
            )

    def _method(self) -> str | None:
        method = said(self._pulled.field("detection_method"))
        if method.lower() in METHODS:
            return METHODS[method.lower()]
        if method and method.lower() != "unknown":
            self._notes.append(f"detection method: {shown(method)} is none of the template's")
        return None

    def _responder(self, row: Json) -> str:
        """Return the name of a responder, from itself or from the user it points to."""
        own = incidentapi.attributes(row)
        if own.get("name"):
            return said(own["name"])
        related = row.get("relationships")
        user = related.get("user") if isinstance(related, dict) else None
        data = user.get("data") if isinstance(user, dict) else None
        return self._pulled.people.get(said(data.get("id")), "") if isinstance(data, dict) else ""

    def _step(self, step: str, **columns: Any) -> None:
        given = {name: value for name, value in columns.items() if value}
        if given:
            self._add("timeline", step=step, **given)

    def _todos(self) -> None:
        """Add the follow-ups as actions; the day they are due says how soon."""
        for row in self._pulled.lists.get("todos", []):
            todo = incidentapi.attributes(row)
            due = self._moment(todo, "due_date")
            people = todo.get("assignees")
            names = [self._assignee(each) for each in people] if isinstance(people, list) else []
            self._add(
                "actions",
                horizon=self._horizon(due.date() if due else None, said(todo.get("content"))),
                priority=None,
                title=said(todo.get("content")) or None,
                owner=", ".join(filter(None, names)) or None,
                due=due.date() if due else None,
                status="Complete" if todo.get("completed") else "Not Started",
            )

    def _assignee(self, found: object) -> str:
        if isinstance(found, dict):  # somebody outside of Datadog
            return said(found.get("name")) or said(found.get("id"))
        return self._pulled.person(found)

    def _horizon(self, due: date | None, title: str) -> str:
        """Return the group that a task stands in; the first one where it has no date."""
        ended = self._moment(self._pulled.facts, "resolved") or self._moment(
            self._pulled.facts, "created"
        )
        if due is None or ended is None:
            self._notes.append(f"action {shown(title)}: no due date; it stands under Immediate")
            return HORIZONS[0][1]
        days = (due - ended.date()).days
        return next((name for most, name in HORIZONS if days <= most), _LATER)

    def _links(self) -> None:
        """Fill the links that are known by their address; the others are told."""
        taken: set[str] = set()
        for row in self._pulled.lists.get("attachments", []):
            found = incidentapi.attributes(row).get("attachment")
            link = said(found.get("documentUrl")) if isinstance(found, dict) else ""
            fact = _fact_of(link)
            if fact and fact not in taken:
                taken.add(fact)
                self._set(fact, link)
            elif link:
                self._notes.append(f"attachment: {shown(link)} has no place of its own; left out")

    def _moment(self, found: Json, name: str) -> datetime | None:
        """Return a moment that Datadog states; None where it is none."""
        stated = found.get(name)
        if not stated:
            return None
        try:
            return times.parse(stated, name=name, zone=UTC)
        except BadValue as refused:
            self._note(str(refused))
            return None

    def _set(self, name: str, value: Any) -> None:
        """Set a fact; one that does not fit, or has no place, is told."""
        if not value:
            return
        try:
            self._incident.set(name, value)
        except BadValue as refused:
            self._note(str(refused))

    def _add(self, table: str, **columns: Any) -> None:
        """Add a row; a value that does not fit is told and left out."""
        try:
            self._incident.add(table, **columns)
        except BadValue as refused:
            self._note(f"{table}: {refused}")

    def _note(self, line: str) -> None:
        if line not in self._notes:
            self._notes.append(line)


def _fact_of(link: str) -> str:
    """Return the fact that a link is, by its host and path; empty where that says nothing."""
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return ""
    if text.href(link) is None:
        return ""
    for end, part, fact in _LINKS:
        if end and (host == end or host.endswith(f".{end}")):
            return fact
        if part and part in parts.path and "datadog" in host:
            return fact
    return ""


def _texts(value: object) -> list[str]:
    found: Iterable[object] = value if isinstance(value, list) else [value]
    return [each for each in map(said, found) if each]
