"""What an approval was given to: the digest of the text, then and now.

A digest stands for the content: every fact and row but those that go on changing after an approval
(approvals, sharing, states, tracking). It is computed from the log, so the text as it was when
somebody approved can be computed too; an edit that was taken back is no change.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postmortem_nb.tables import SINGLE, Tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from postmortem_nb.edits import Edit
    from postmortem_nb.schema import Template

TABLE = "approvals"

LATER_TABLES = frozenset({TABLE, "sharing"})
LATER_NAMES = frozenset({"state", "status", "tracking", "review_date"})
"""What goes on changing after an approval, and changes nothing that was approved."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval that was given: who, as what, when, and whether the text is still the same."""

    role: str
    name: str
    date: str
    digest: str
    unchanged: bool


def given(template: Template, log: Sequence[Edit]) -> list[Approval]:
    """Return the approvals that stand, in order, each bound to what it was given to."""
    if TABLE not in template.tables:
        return []
    tables = _fold(template, log)
    now = digest(tables)
    found = []
    for row in tables.values(TABLE):
        signed = tables.newest(TABLE, row["row"], "done") if row.get("done") else None
        if signed is None:
            continue
        then = digest(_fold(template, tables.seen(signed)))
        found.append(
            Approval(
                role=str(row.get("role") or ""),
                name=str(row.get("name") or ""),
                date=str(row.get("date") or ""),
                digest=then,
                unchanged=then == now,
            )
        )
    return found


def now(template: Template, log: Sequence[Edit]) -> str:
    """Return the digest of the content as it is, which an approval given now would be bound to."""
    return digest(_fold(template, log))


def digest(tables: Tables) -> str:
    """Return the SHA-256 (hexadecimal) of the content of an incident's tables."""
    kept = {
        name: [_content(row) for row in tables.values(name)]
        for name in tables.template.tables
        if name not in LATER_TABLES and name != SINGLE
    }
    return sha256([tables.template.digest, _content(tables.facts()), kept])


def sha256(facts: object) -> str:
    """Return the SHA-256 (hexadecimal) of plain facts, the same whatever the order of keys."""
    written = json.dumps(facts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()


def _content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row says: no ids, nothing that is missing, nothing that changes later."""
    return {
        name: value
        for name, value in row.items()
        if name != "row" and name not in LATER_NAMES and value is not None
    }


def _fold(template: Template, log: Iterable[Edit]) -> Tables:
    tables = Tables(template)
    tables.take(log)
    return tables
