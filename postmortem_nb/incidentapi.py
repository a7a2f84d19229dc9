"""Datadog's incidents and notebooks: what is read and written beside the questions.

Most incident operations are "unstable" in the official client; they are switched on quietly here.
"""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from postmortem_nb.datadog import answers, client
from postmortem_nb.datadog.client import Operation
from postmortem_nb.datadog.failures import Failed, told

if TYPE_CHECKING:
    from postmortem_nb.datadog.client import Connection
    from postmortem_nb.errors import DatadogError

_INCIDENTS = ("v2.api.incidents_api", "IncidentsApi")
_NOTEBOOKS = ("v1.api.notebooks_api", "NotebooksApi")

OPERATIONS = {
    "incidents": Operation(*_INCIDENTS, "list_incidents", "incident_read"),
    "impacts": Operation(*_INCIDENTS, "list_incident_impacts", "incident_read"),
    "todos": Operation(*_INCIDENTS, "list_incident_todos", "incident_read"),
    "attachments": Operation(*_INCIDENTS, "list_incident_attachments", "incident_read"),
    "responders": Operation(*_INCIDENTS, "list_incident_responders", "incident_read"),
    "attach": Operation(*_INCIDENTS, "create_incident_attachment", "incident_write", create=True),
    "notebooks": Operation(*_NOTEBOOKS, "list_notebooks", "notebooks_read"),
}
"""What is asked beside `client.OPERATIONS`, by our name for it."""

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ID = re.compile(rf"/incidents/({_UUID}|[0-9]{{1,18}})(?![\w-])")

Json = dict[str, Any]

_PAGE, _MOST_PAGES = 100, 20


def connection() -> Connection:
    """Return the connection that the environment names, able to ask of incidents too.

    Raises QueryError for a setting that cannot be used.
    """
    found = client.connection()
    client.OPERATIONS.update(OPERATIONS)
    switches = found._client.configuration.unstable_operations  # noqa: SLF001 - it offers no door
    for operation in OPERATIONS.values():
        with suppress(KeyError):  # one that is stable, or became so, has no switch
            switches[operation.method] = True
    return found


def ask(found: Connection, name: str, **arguments: Any) -> Json:
    """Return the JSON object that answers one operation; Failed where there is none."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using unstable operation")
        return found.ask(name, answers.document, **arguments)


def failed(found: Connection, failure: Failed, question: str) -> DatadogError:
    """Return the error for the user: status, detail, what was asked and what to do."""
    return told(failure, question=question, site=found.host, scrub=found.scrub)


def site(found: Connection) -> str:
    """Return where people see what this connection writes: the web application's address."""
    if found.site not in client.SITES:
        return found.url
    return f"https://{found.site if found.site.count('.') > 1 else f'app.{found.site}'}"


def incident_id(link: object) -> str:
    """Return the id in a link to a Datadog incident: a UUID or its public number; else empty."""
    match = _ID.search(str(link or ""))
    return match[1] if match else ""


def uuid(found: Connection, number: str) -> str:
    """Return the UUID of an incident; its public number is looked for among all, newest first.

    Raises Failed where Datadog lists none of this number.
    """
    if not number.isdigit():
        return number
    for page in range(_MOST_PAGES):
        answer = ask(found, "incidents", page_size=_PAGE, page_offset=page * _PAGE)
        there = rows(answer)
        for row in there:
            if str(attributes(row).get("public_id")) == number and row.get("id"):
                return str(row["id"])
        if len(there) < _PAGE:
            break
    raise Failed("no such incident", said=f"none has the number {number}", remedy="use its UUID")


def rows(answer: Json) -> list[Json]:
    """Return the objects under ``data`` of an answer; what is none is left out."""
    data = answer.get("data")
    return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []


def attributes(row: object) -> Json:
    """Return the attributes of an object of an answer, empty where there are none."""
    found = row.get("attributes") if isinstance(row, dict) else None
    return found if isinstance(found, dict) else {}
