"""The shop's one incident in Datadog: its facts, impact, follow-ups and attachments."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from postmortem_nb.sandbox.answers import JSON_API, Answer, Ask, Refused, mapping, one_of, text
from postmortem_nb.sandbox.scenario import (
    COMMANDER,
    FACTS,
    ON_CALL,
    PAYMENTS,
    PEOPLE,
    Person,
    at,
)

SUMMARY = (
    "Release v2.48.0 of checkout shrank the connection pool to payments from 50 to 5 and retried "
    "failed calls four times without backoff. Checkouts failed until it was rolled back."
)
CAUSE = "Connection pool to payments sized 5 instead of 50; retries without backoff."
SCOPE = "Customers in Europe and North America could not complete a purchase, or only slowly."

_TODOS = (
    (ON_CALL, "Restore the pool size and cover it by a configuration test", at("17:40"), True),
    (
        ON_CALL,
        "Retry with exponential backoff and a budget",
        datetime(2025, 12, 12, tzinfo=UTC),
        False,
    ),
    (COMMANDER, "Alert on the error rate over 5 minutes", datetime(2025, 12, 9, tzinfo=UTC), False),
    (PAYMENTS, "Shed load before the queue is full", datetime(2025, 12, 19, tzinfo=UTC), False),
)


def ident(*names: object) -> str:
    """Return the UUID of something in the made-up organisation."""
    return str(uuid.uuid5(uuid.UUID(FACTS.incident_uuid), "/".join(map(str, names))))


def user(person: Person) -> dict[str, Any]:
    """Return a person as incidents include them."""
    number = ident("user", person.handle)
    attributes = {
        "uuid": number,
        "handle": person.email,
        "email": person.email,
        "name": person.name,
        "icon": "https://larkspur-home.example/icon.png",
    }
    return {"type": "users", "id": number, "attributes": attributes}


def _link(person: Person) -> dict[str, Any]:
    return {"data": {"type": "users", "id": ident("user", person.handle)}}


def stamp(moment: datetime) -> str:
    """Return a moment as incidents write it: microseconds and an offset."""
    return moment.isoformat(timespec="microseconds")


def zulu(moment: datetime) -> str:
    """Return a moment as impacts and attachments write it: Z."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _between(first: datetime, last: datetime) -> int:
    return int((last - first).total_seconds())


def incident() -> dict[str, Any]:
    """Return the incident. Datadog's own measures are in seconds."""
    facts = FACTS
    created = facts.acknowledged
    attributes = {
        "public_id": int(facts.incident_id.split("-")[1]),
        "incident_type_uuid": ident("type"),
        "title": facts.title,
        "resolved": stamp(facts.resolved),
        "customer_impact_scope": SCOPE,
        "customer_impact_start": stamp(facts.start),
        "customer_impact_end": stamp(facts.recovered),
        "customer_impacted": True,
        "notification_handles": None,
        "last_modified_by_uuid": ident("user", COMMANDER.handle),
        "created": stamp(created),
        "modified": stamp(facts.resolved + timedelta(minutes=2)),
        "detected": stamp(facts.detected),
        "created_by_uuid": ident("user", ON_CALL.handle),
        "creation_idempotency_key": None,
        "customer_impact_duration": _between(facts.start, facts.recovered),
        "time_to_detect": _between(facts.start, facts.detected),
        "time_to_repair": _between(facts.detected, facts.recovered),
        "time_to_internal_response": _between(facts.detected, created),
        "time_to_resolve": _between(created, facts.resolved),
        "archived": None,
        "is_test": False,
        "declared": stamp(created),
        "declared_by_uuid": ident("user", ON_CALL.handle),
        "fields": _fields(),
        "field_analytics": None,
        "severity": facts.severity,
        "state": "resolved",
        "non_datadog_creator": None,
        "visibility": "organization",
        "case_id": None,
    }
    number = facts.incident_uuid
    related = _relationships()
    return {"type": "incidents", "id": number, "attributes": attributes, "relationships": related}


def _fields() -> dict[str, Any]:
    return {
        "teams": {"type": "autocomplete", "value": ["checkout", "payments"]},
        "severity": {"type": "dropdown", "value": FACTS.severity},
        "state": {"type": "dropdown", "value": "resolved"},
        "detection_method": {"type": "dropdown", "value": "monitor"},
        "root_cause": {"type": "textbox", "value": CAUSE},
        "summary": {"type": "textbox", "value": SUMMARY},
        "services": {"type": "autocomplete", "value": list(FACTS.services)},
        "slug": {"type": "textbox", "value": "IR-4821"},
    }


def _relationships() -> dict[str, Any]:
    responders = (COMMANDER, ON_CALL, PAYMENTS)
    return {
        "created_by_user": _link(ON_CALL),
        "last_modified_by_user": _link(COMMANDER),
        "commander_user": _link(COMMANDER),
        "declared_by_user": _link(ON_CALL),
        "user_defined_fields": {"data": [{"type": "user_defined_field", "id": ident("field")}]},
        "integrations": {"data": []},
        "attachments": {"data": []},
        "responders": {
            "data": [
                {"type": "incident_responders", "id": ident("responder", person.handle)}
                for person in responders
            ]
        },
        "impacts": {"data": [{"type": "incident_impacts", "id": ident("impact")}]},
    }


def every(ask: Ask) -> Answer:
    """Answer ``GET /api/v2/incidents``."""
    size, offset = ask.number("page[size]", 10, (1, 100)), ask.number("page[offset]", 0, (0, 10**6))
    found = [incident()][offset : offset + size]
    page = {"offset": offset, "next_offset": offset + len(found), "size": len(found)}
    body: dict[str, Any] = {"data": found, "meta": {"pagination": page}}
    return Answer(body | _included(ask) if found else body)


def one(ask: Ask) -> Answer:
    """Answer ``GET /api/v2/incidents/{id}``."""
    _known(ask)
    return Answer({"data": incident()} | _included(ask))


def _included(ask: Ask) -> dict[str, Any]:
    wanted = "users" in ask.params.get("include", "").split(",")
    return {"included": [user(person) for person in PEOPLE]} if wanted else {}


def _known(ask: Ask) -> None:
    if ask.parts["id"] != FACTS.incident_uuid:
        raise Refused(404, {"status": "404", "title": "Not Found"})


def impacts(ask: Ask) -> Answer:
    """Answer ``GET /api/v2/incidents/{id}/impacts``."""
    _known(ask)
    attributes = {
        "created": zulu(FACTS.acknowledged),
        "modified": zulu(FACTS.resolved),
        "description": SCOPE,
        "start_at": zulu(FACTS.start),
        "end_at": zulu(FACTS.recovered),
        "impact_type": "customer",
        "fields": None,
    }
    found = {"type": "incident_impacts", "id": ident("impact"), "attributes": attributes}
    people = {"created_by_user": _link(ON_CALL), "last_modified_by_user": _link(COMMANDER)}
    of = {"incident": {"data": {"type": "incidents", "id": FACTS.incident_uuid}}}
    return Answer({"data": [found | {"relationships": people | of}]})


def todos(ask: Ask) -> Answer:
    """Answer ``GET /api/v2/incidents/{id}/relationships/todos``."""
    _known(ask)
    found = [
        {
            "type": "incident_todos",
            "id": ident("todo", number),
            "attributes": {
                "incident_id": FACTS.incident_uuid,
                "content": content,
                "assignees": [f"@{person.email}"],
                "completed": stamp(due) if done else None,
                "due_date": stamp(due),
                "created": stamp(FACTS.resolved),
                "modified": stamp(FACTS.resolved),
            },
            "relationships": {
                "created_by_user": _link(COMMANDER),
                "last_modified_by_user": _link(COMMANDER),
            },
        }
        for number, (person, content, due, done) in enumerate(_TODOS)
    ]
    page = {"offset": 0, "next_offset": len(found), "size": len(found)}
    return Answer({"data": found, "meta": {"pagination": page}})


def attachments(ask: Ask) -> Answer:
    """Answer ``GET /api/v2/incidents/{id}/attachments``: what was attached to this server."""
    _known(ask)
    kinds = {"1": "postmortem", "2": "link"}
    wanted = ask.params.get("filter[attachment_type]")
    wanted = kinds.get(wanted or "", wanted)
    kept = [
        each
        for each in ask.shelf.attachments
        if wanted is None or each["attributes"]["attachment_type"] == wanted
    ]
    return Answer({"data": kept, "included": [user(ON_CALL)]}, kind=JSON_API)


def attach(ask: Ask) -> Answer:
    """Answer ``POST /api/v2/incidents/{id}/attachments``; kept as long as the server runs."""
    _known(ask)
    data = mapping(mapping(ask.body, "body").get("data"), "data")
    attributes = mapping(data.get("attributes"), "data.attributes")
    kind = one_of(attributes.get("attachment_type"), "attachment_type", ("postmortem", "link"))
    asked = mapping(attributes.get("attachment"), "attachment")
    made = {
        "id": ident("attachment", len(ask.shelf.attachments)),
        "type": "incident_attachments",
        "attributes": {
            "attachment": {
                "title": text(asked.get("title"), "title"),
                "documentUrl": text(asked.get("documentUrl"), "documentUrl"),
            },
            "attachment_type": kind,
            "modified": zulu(ask.now),
        },
        "relationships": {
            "incident": {"data": {"id": FACTS.incident_uuid, "type": "incidents"}},
            "last_modified_by_user": _link(ON_CALL),
        },
    }
    ask.shelf.attachments.append(made)
    return Answer({"data": made, "included": [user(ON_CALL)]}, 201, JSON_API)
