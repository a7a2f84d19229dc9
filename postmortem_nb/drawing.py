"""The chart of an answer, drawn once: by the cell that asked, and taken from there by an export.

A cell notes in its output which picture it drew: the key of everything that the drawing depends on.
An export that would draw the same picture takes the stored one where key and digest fit; where the
timeline, the evidence or the way of drawing has changed since, it draws anew. So a stored picture
is never shown for other data, and no picture shows a secret in its labels.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from postmortem_nb import masking, times
from postmortem_nb.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import pandas as pd

VERSION = 6
"""To be raised when charts are drawn differently for the same data."""

MANY = 2_000
"""Different texts of a column up to which each is looked at; more are no labels of a chart."""

TOLD_IN_FULL = ("analyze_datadog_logs", "search_datadog_events")
"""Functions whose charts may name any text of their answer."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a chart is drawn: its kind, what it is grouped by, and the incident marked in it."""

    kind: str = ""
    by: str = ""
    window: tuple[datetime | None, datetime | None] = (None, None)
    milestones: tuple[tuple[str, datetime], ...] = ()
    impact: tuple[tuple[datetime, datetime], ...] = ()
    """The impact's intervals, where there are gaps between them."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture (PNG), its text alternative, and the facts that a cell notes in its output.

    The facts go to ``metadata["postmortem"]`` of the output.
    """

    png: bytes
    alt: str
    facts: dict[str, str]


def draw(frame: pd.DataFrame, way: Way, cover: Callable[[str], str] = masking.mask) -> Drawn | None:
    """Return the chart of an answer, its labels covered; None where a table says more.

    ``frame.attrs["evidence"]`` is its record. A grouping that the answer does not have is passed
    over. matplotlib is imported when something has to be drawn, and not before.
    """
    if way.kind in ("table", "none"):
        return None
    record = frame.attrs.get("evidence", {})
    charts = import_module("postmortem_nb.charts")
    covered = labels(frame, cover)
    words = {
        "kind": way.kind,
        "by": way.by or None,
        "window": way.window,
        "milestones": list(way.milestones),
        "impact": way.impact,
    }
    try:
        figure = charts.draw(covered, **words)
    except BadValue:
        words |= {"kind": "", "by": None}
        figure = charts.draw(covered, **words)
    if figure is None:
        return None
    png, alt = charts.png(figure), cover(charts.describe(covered, **words))
    facts = {"evidence": str(record.get("name") or ""), "alt": alt}
    return Drawn(png, alt, {**facts, "drawn": key(record, way), "sha256": digest(png)})


def key(record: Mapping[str, Any], way: Way) -> str:
    """Return the key (hexadecimal SHA-256) of the picture of an evidence drawn in a way."""
    return stamp(
        {name: value for name, value in record.items() if name != "changed"},
        way.kind,
        way.by,
        [times.iso(moment) if moment else None for moment in way.window],
        [[name, times.iso(moment)] for name, moment in way.milestones],
        *([[[times.iso(at) for at in each] for each in way.impact]] if way.impact else ()),
    )


def stamp(*facts: object) -> str:
    """Return the key (hexadecimal SHA-256) of a picture that depends on these facts alone."""
    written = json.dumps([VERSION, masking.edition(), *facts], sort_keys=True, default=str)
    return hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()


def fits(facts: Mapping[str, Any], picture: bytes, drawn: str) -> bool:
    """Whether a stored picture is the one of this key, and unchanged since it was drawn."""
    return facts.get("drawn") == drawn and facts.get("sha256") == digest(picture)


def digest(raw: bytes) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    return hashlib.sha256(raw).hexdigest()


def labels(frame: pd.DataFrame, cover: Callable[[str], str]) -> pd.DataFrame:
    """Return a frame whose possible labels are covered; the same one where nothing was.

    Labels are names of columns, and text columns of few different values; of an answer whose chart
    may name any text, all of them.
    """
    in_full = frame.attrs.get("evidence", {}).get("function") in TOLD_IN_FULL
    changed = {}
    for name in frame.columns:
        column = frame[name]
        known = column.dropna().unique() if _is_text(column) else ()
        if len(known) > MANY and not in_full:
            continue
        shown = {
            text: masking.in_column(str(name), text, cover)
            for text in known
            if isinstance(text, str)
        }
        new = {text: other for text, other in shown.items() if text != other}
        if new:
            changed[name] = column.astype("object").replace(new).astype("string")
    names = {name: cover(str(name)) for name in frame.columns if cover(str(name)) != name}
    found = frame.assign(**changed) if changed else frame
    return found.rename(columns=names) if names else found


def _is_text(column: pd.Series[Any]) -> bool:
    kind = str(column.dtype)
    if kind == "object":
        return bool(column.map(type).isin((str, type(None))).all())
    return kind.startswith(("str", "category"))
