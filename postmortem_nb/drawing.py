"""Which picture a chart is: the key of everything that its drawing depends on.

A cell that drew a chart notes the key in its output. An export that would draw the same picture
again takes the stored one where the key fits; where the timeline, the evidence or the way of
drawing has changed since, it draws anew. So a stored picture is never shown for other data.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postmortem_nb import times

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

VERSION = 1
"""To be raised when charts are drawn differently for the same data."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a chart is drawn: its kind, what it is grouped by, and the incident marked in it."""

    kind: str = ""
    by: str = ""
    window: tuple[datetime | None, datetime | None] = (None, None)
    milestones: tuple[tuple[str, datetime], ...] = ()


def key(record: Mapping[str, Any], way: Way) -> str:
    """Return the key (hexadecimal SHA-256) of the picture of an evidence drawn in a way."""
    facts = [
        VERSION,
        record.get("sha256"),
        record.get("function"),
        way.kind,
        way.by,
        [times.iso(moment) if moment else None for moment in way.window],
        [[name, times.iso(moment)] for name, moment in way.milestones],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def fits(facts: Mapping[str, Any], picture: bytes, drawn: str) -> bool:
    """Whether a stored picture is the one of this key, and unchanged since it was drawn."""
    return facts.get("drawn") == drawn and facts.get("sha256") == digest(picture)


def digest(picture: bytes) -> str:
    """Return the hexadecimal SHA-256 of a picture."""
    return hashlib.sha256(picture).hexdigest()
