"""What Datadog gives of one incident: itself, its impacts, follow-ups, attachments and people.

Only the incident itself must come; what else is refused is noted, and the rest is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from postmortem_nb import incidentapi, text
from postmortem_nb.datadog.failures import Failed, beside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postmortem_nb.datadog.client import Connection
    from postmortem_nb.incidentapi import Json


@dataclass(slots=True)
class Pulled:
    """What Datadog gave of one incident; ``missing`` is a line for each thing it did not."""

    found: Connection
    number: str
    facts: Json = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    """Names by user id, and by handle and address too."""
    lists: dict[str, list[Json]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def incident(self) -> None:
        """Ask for the incident itself; Failed where Datadog does not give it."""
        self.number = incidentapi.uuid(self.found, self.number)
        answer = incidentapi.ask(self.found, "incident", incident_id=self.number, include=["users"])
        data = answer.get("data")
        self.facts = incidentapi.attributes(data)
        known = data.get("type", "incidents") if isinstance(data, dict) else ""
        if not self.facts or known != "incidents":
            raise Failed("an answer without an incident", remedy="check the id", status=200)
        self.number = str(data.get("id") or self.number) if isinstance(data, dict) else self.number
        self._doubt("incident", answer)
        self._meet(answer)

    def rest(self) -> None:
        """Ask for what belongs to it; what is not given is noted."""
        for name in ("impacts", "todos", "attachments", "responders"):
            try:
                answer = incidentapi.ask(self.found, name, incident_id=self.number)
            except Failed as failure:
                why = f"{failure.fault}{f': {failure.said}' if failure.said else ''}"
                self.missing.append(f"{name}: not given by Datadog ({why})")
                continue
            self._doubt(name, answer)
            self._meet(answer)
            self.lists[name] = incidentapi.rows(answer)

    def _doubt(self, name: str, answer: Json) -> None:
        """Note that Datadog reports an error though it answers: something may be missing."""
        if error := beside(answer):
            self.missing.append(f"{name}: Datadog reports {self.found.scrub(error)}")

    def field(self, name: str) -> Any:
        """Return the value of one of the incident's own fields, None where there is none."""
        fields = self.facts.get("fields")
        found = fields.get(name) if isinstance(fields, dict) else None
        return found.get("value") if isinstance(found, dict) else None

    def person(self, handle: object) -> str:
        """Return the name of a person by handle, address or id; the handle where it is unknown."""
        plain = said(handle).lstrip("@")
        return self.people.get(plain, plain)

    def _meet(self, answer: Json) -> None:
        """Note the people that an answer includes."""
        included = answer.get("included")
        users = [*(included if isinstance(included, list) else []), *self._named()]
        for user in users:
            known = incidentapi.attributes(user)
            name = said(known.get("name"))
            keys = (known.get("handle"), known.get("email"), known.get("uuid"))
            ids = [user.get("id")] if isinstance(user, dict) else []
            self.people |= {said(key): name for key in (*keys, *ids) if key and name}

    def _named(self) -> Iterator[object]:
        """Yield the people that the incident itself names."""
        for key in ("commander", "created_by", "declared_by", "last_modified_by"):
            found = self.facts.get(key)
            if isinstance(found, dict):
                yield found.get("data")


def said(value: object) -> str:
    """Return a text or a number as text, anything else as nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return text.clean(value).strip()
