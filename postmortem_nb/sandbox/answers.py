"""What the sandbox is asked and what it answers, before and after HTTP.

A *refusal* is an answer in Datadog's shape for errors; what the sandbox cannot do is always one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from postmortem_nb import times
from postmortem_nb.errors import QueryError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"
JSON_API = "application/vnd.api+json"


@dataclass
class Shelf:
    """What people wrote to one server: kept while it runs."""

    notebooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    monitors: dict[int, dict[str, Any]] = field(default_factory=dict)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    made: int = 0
    """Notebooks that were ever made: an id is never given twice."""


@dataclass(frozen=True)
class Ask:
    """One request: the world it is asked of, its path's parts, parameters and body."""

    seed: int
    path: str
    parts: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    base: str = "http://127.0.0.1"
    shelf: Shelf = field(default_factory=Shelf)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def moment(self, value: object, name: str, default: str) -> datetime:
        """Return an instant that was asked for; BadValue when it is none."""
        missing = value is None or value == ""
        return times.parse(default if missing else value, name=name, now=self.now)

    def number(self, name: str, default: int, span: tuple[int, int]) -> int:
        """Return a whole number among the parameters; Refused outside of its span."""
        return whole(self.params.get(name, default), name, span)


@dataclass(frozen=True)
class Answer:
    """What goes back: a JSON value, None for an empty body, the status, the content type."""

    body: Any
    status: int = 200
    kind: str = JSON


class Refused(Exception):
    """An answer with a status other than 200, on its way out."""

    def __init__(self, status: int, *errors: Any, kind: str = JSON) -> None:
        super().__init__(*errors)
        self.answer = Answer({"errors": list(errors)}, status, kind)


def whole(value: object, name: str, span: tuple[int, int]) -> int:
    """Return a whole number within a span, both ends included; Refused otherwise."""
    low, high = span
    text = str(value)
    if isinstance(value, bool) or not text.lstrip("-").isdecimal() or not low <= int(text) <= high:
        said = f"{name}: expected a whole number from {low} to {high}; got {shown(value)}"
        raise QueryError(said)
    return int(text)


def mapping(value: object, name: str) -> Mapping[str, Any]:
    """Return an object of a JSON body, {} when it is missing; QueryError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise QueryError(f"{name}: expected a JSON object; got {shown(value)}")
    return value


def listed(value: object, name: str) -> list[Any]:
    """Return a list of a JSON body, [] when it is missing; QueryError for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise QueryError(f"{name}: expected a JSON list; got {shown(value)}")
    return value


def text(value: object, name: str, default: str = "") -> str:
    """Return a text of a JSON body; QueryError for anything else."""
    if value is None:
        return default
    if not isinstance(value, str):
        raise QueryError(f"{name}: expected a text; got {shown(value)}")
    return value


def one_of(value: object, name: str, choices: tuple[str, ...]) -> str:
    """Return one of a few words, the first when it is missing; QueryError for anything else."""
    if value is None:
        return choices[0]
    if value not in choices:
        raise QueryError(f"{name}: expected one of {', '.join(choices)}; got {shown(value)}")
    return str(value)


def iso(milliseconds: int) -> str:
    """Return a moment as the list endpoints write it: ISO 8601, milliseconds, Z."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def opaque(*parts: object, length: int = 44) -> str:
    """Return an id that looks like Datadog's and says nothing: the same for the same parts."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=32).hexdigest()
    return f"pddv1{digest}"[:length]
