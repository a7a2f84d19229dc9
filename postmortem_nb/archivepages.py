"""What the commands over many incidents print: tables for a terminal, JSON for programs."""

from __future__ import annotations

import json
import math
import textwrap
from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import masked, tendencies, times
from postmortem_nb.distributions import FEW
from postmortem_nb.masking import mask
from postmortem_nb.terminal import UNKNOWN, cut, line, table, width
from postmortem_nb.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postmortem_nb.archive import Archive
    from postmortem_nb.tendencies import Trends


def incidents(frame: pd.DataFrame) -> str:
    """Return the list of incidents."""
    rows = [
        (
            name,
            _day(row["date"]),
            row["severity"],
            row["state"],
            length(row["duration"]),
            row["open_actions"],
            ", ".join(row["services"]),
            row["title"],
        )
        for name, row in _named(frame)
    ]
    heads = ("incident", "date", "severity", "state", "lasted", "todo", "services", "title")
    return (
        table(heads, rows, right="lasted todo", name="incident", about=True)
        + f"{_count(len(rows), 'incident')}\n"
    )


def _named(frame: pd.DataFrame) -> list[tuple[str, dict[Any, Any]]]:
    """Return each row with its incident's id, and the folder where two bundles have one id."""
    folders = frame.groupby("incident")["path"].nunique()
    twice = {str(name) for name in folders[folders > 1].index}
    return [
        (f"{row['incident']} ({row['path']})" if row["incident"] in twice else row["incident"], row)
        for row in frame.to_dict("records")
    ]


def actions(frame: pd.DataFrame) -> str:
    """Return the list of follow-up actions."""
    if frame.empty:
        return "No actions.\n"
    rows = [
        (
            row["standing"],
            _day(row["due"]),
            name,
            row["priority"],
            row["owner"],
            row["status"],
            row["title"],
        )
        for name, row in _named(frame)
    ]
    heads = ("standing", "due", "incident", "prio", "owner", "status", "action")
    late = int((frame["late_days"] > 0).sum())
    more = f", {late:,} overdue" if late else ""
    shown = table(heads, rows, name="incident", about=True)
    return f"{shown}{_count(len(rows), 'action')}{more}\n"


def similar(frame: pd.DataFrame) -> str:
    """Return the incidents most like one, each with why."""
    if frame.empty:
        return "No incident of the archive shares a word, a service or a factor with it.\n"
    wide = width()
    said = []
    for row in frame.to_dict("records"):
        head = f"{line(row['incident'])}  {_day(row['date'])}  {row['score']:.2f}"
        said.append(cut(f"{head}  {line(row['title'])}", wide))
        said.append(cut(f"    {line(row['similarity'])}", wide))
    return "\n".join(said) + "\n"


def trends(found: Trends) -> str:
    """Return what an archive says over time."""
    names = found.measures["measure"].unique()
    measures = (_measure(found.measures[found.measures["measure"] == name]) for name in names)
    parts = [_LEGEND, *measures, _few(found.few), _months(found), _work(found)]
    return "\n".join(part for part in parts if part)


_LEGEND = """\
Durations over incidents; [ ] are 95 % bootstrap intervals of what is before
them. What is unknown (no time, or an end before its beginning) is left out.
"""
_WIDE = 100
"""Columns of a terminal from which the mean's interval is shown too."""


def _measure(frame: pd.DataFrame) -> str:
    """Return one measure: its definition, then a row for all incidents and for each stratum."""
    rows = _rows(frame)
    title = f"{rows[0]['measure']}, {rows[0]['definition']}\n"
    if not rows[0]["n"]:
        return f"{title}unknown in {_count(rows[0]['unknown'], 'incident')}\n"
    figures = ["n", "unknown", "median", "[median]", "quartiles", "p90", "mean", "[mean]"]
    shown = figures if width() >= _WIDE else figures[:-1]
    cells = [(_stratum(row["by"], row["stratum"]), *_figures(row)[: len(shown)]) for row in rows]
    return title + table(("incidents", *shown), cells, right=" ".join(figures))


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _stratum(by: str, stratum: str) -> str:
    return f"{by} {UNKNOWN}" if stratum == tendencies.UNKNOWN else stratum


def _figures(row: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        row["n"],
        row["unknown"],
        length(row["median"]),
        _between(row["median_low"], row["median_high"], brackets="[]"),
        _between(row["q1"], row["q3"]),
        length(row["p90"]),
        length(row["mean"]),
        _between(row["mean_low"], row["mean_high"], brackets="[]"),
    )


def _few(few: pd.DataFrame) -> str:
    """Return the incidents behind the rows that have too few for a spread."""
    listed = [
        f"  {measure} of {line(_stratum(by, stratum))}, n = {len(several)}: "
        + ", ".join(f"{line(incident)} {length(minutes)}" for incident, minutes in several)
        for (measure, by, stratum), several in tendencies.stretches(few)
    ]
    if not listed:
        return ""
    head = f"Fewer than {FEW} incidents have no interval, and one has no mean:"
    wrapped = (textwrap.fill(each, width(), subsequent_indent="    ") for each in listed)
    return "\n".join((head, *wrapped)) + "\n"


def _months(found: Trends) -> str:
    rate = found.rate
    rows = [
        (row["month"], row["incidents"], f"[{row['low']:.1f}, {row['high']:.1f}]")
        for row in found.months.tail(_MONTHS).to_dict("records")
    ]
    if not rows:
        return "Incidents a month: no incident has a date.\n"
    said = (
        f"{rate['a_month']:.2f} incidents a month [{rate['low']:.2f}, {rate['high']:.2f}] over "
        f"{_count(rate['months'], 'calendar month')} (UTC);\n"
        "[ ] are exact 95 % Poisson intervals.\n"
    )
    undated = f"{_count(rate['undated'], 'incident')} without a date left out.\n"
    heads = ("month", "incidents", "interval")
    return said + (undated if rate["undated"] else "") + table(heads, rows, right="incidents")


_MONTHS = 24


def _work(found: Trends) -> str:
    work, again = found.actions, found.repeats
    said = ["Follow-up actions: none."]
    if work["actions"]:
        share = f"{work['done']:,} of {work['actions']:,} done ({work['done_percent']:.0f} %)"
        left = f"{work['undated']:,} without a due date, {work['unowned']:,} without an owner"
        said = [
            f"Follow-up actions: {share}.",
            f"Of {work['open']:,} open: {work['overdue']:,} overdue, {left}.",
        ]
    if again["incidents"]:
        share = f"{again['repeated']:,} of {again['incidents']:,} ({again['percent']:.0f} %)"
        said.append(f"Incidents that share a named factor with an earlier one: {share}.")
    shared = found.factors.head(_FACTORS).to_dict("records")
    said += [f"  {line(row['factor'])}: {line(', '.join(row['incidents']))}" for row in shared]
    return "\n".join(cut(each, width()) for each in said) + "\n"


_FACTORS = 10


def length(minutes: object) -> str:
    """Return minutes as a person reads a duration: ``45s``, ``17m40s``, ``2h07m``, ``3d4h``."""
    if not isinstance(minutes, int | float) or math.isnan(minutes):
        return UNKNOWN
    seconds = round(float(minutes) * 60)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m" + (f"{seconds % 60:02}s" if seconds % 60 else "")
    whole = round(seconds / 60)
    if whole < 60 * 24:
        return f"{whole // 60}h{whole % 60:02}m"
    return f"{whole // 1440}d{whole % 1440 // 60}h"


def _between(low: object, high: object, *, brackets: str = "") -> str:
    if length(low) == UNKNOWN:
        return UNKNOWN
    return f"{brackets[:1]}{length(low)}–{length(high)}{brackets[1:]}"


def _day(value: object) -> str:
    known = isinstance(value, pd.Timestamp) and not pd.isna(value)
    return f"{value:%Y-%m-%d}" if known else UNKNOWN


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def as_json(archive: Archive, **parts: Any) -> str:
    """Return one JSON document: the parts by name, and the bundles that were left out.

    A frame is a list of objects; missing is null; times are ISO 8601 in UTC, durations minutes.
    """
    whole = {name: plain(part) for name, part in parts.items()}
    whole["broken"] = [{"path": path, "why": why} for path, why in archive.broken.items()]
    whole["copies"] = [{"path": path, "of": newest} for path, newest in archive.copies.items()]
    covered = masked.covered(whole, mask)
    return json.dumps(covered, ensure_ascii=True, indent=2, allow_nan=False) + "\n"


def of_trends(found: Trends) -> dict[str, Any]:
    """Return the parts of trends by name."""
    names = ("measures", "few", "months", "rate", "actions", "repeats", "factors")
    return {name: getattr(found, name) for name in names}


def plain(value: Any) -> Any:
    """Return a frame, a mapping or a value as JSON has it."""
    if isinstance(value, pd.DataFrame):
        return [plain(row) for row in value.to_dict("records")]
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return clean(value) if isinstance(value, str) else _number(value)


def _number(value: Any) -> Any:
    """Return a time as text, a number as it is; missing is None."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        return times.iso(value.to_pydatetime()) if value.tzinfo else f"{value:%Y-%m-%d}"
    return None if isinstance(value, float) and not math.isfinite(value) else value
