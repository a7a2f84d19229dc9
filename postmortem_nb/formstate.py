"""What a form shows of an incident, and how an edit from a form becomes an edit of the dataset.

Nothing here knows of widgets: a `Sheet` reads one section's values as JSON (texts as a person would
type them, times in the zone that the person chose) and writes single changes, given as the
messages that ``forms.js`` sends. Everything that came from a browser is checked by ``Incident``.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from postmortem_nb import candidates, evidence, kinds, tallies, text, times
from postmortem_nb.errors import BadValue, BundleError, expected
from postmortem_nb.schema import SINGLE
from postmortem_nb.sections import completed, describe, facts, fields, groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

    from postmortem_nb.incident import Incident
    from postmortem_nb.metrics import Measure
    from postmortem_nb.schema import Blank, Rows, Section

_LONGEST_PLACE = 40  # characters; no zone's place has more

Message = dict[str, Any]
Cell = Any
"""What one input shows: text, a list of names, ``{"v": text, "e": echo}`` of a time, or None."""


class Sheet:
    """One section of an incident, as its form reads and writes it."""

    def __init__(self, incident: Incident, section: Section) -> None:
        self.incident = incident
        self.section = section
        self.zone: tzinfo = UTC
        self.groups = groups(section)
        self.tables = sorted({group.table for group in self.groups})
        self.facts = facts(section)
        named = [*self.facts.values(), *_blanks(self.groups)]
        self.lists = sorted({completed(each.table, each.name, each.kind) for each in named} - {""})
        """The lists of completions that its inputs ask for."""
        self.slots: dict[str, str] = {}
        """Rows that were blank when somebody began to write in them → the id they got."""

    # -- reading ---------------------------------------------------------------------------------

    def description(self) -> Message:
        """Return what never changes while the form is open."""
        timed = [*self.facts.values(), *_blanks(self.groups)]
        began = next((edit["at"] for edit in self.incident.edits()), "")
        return {
            "title": self.section.title,
            # what a browser keeps is of this bundle: another may lie here one day, of the same id
            "key": f"{self.incident.path}|{began}|{self.section.slug}",
            "parts": describe(self.incident.template, self.section),
            "timed": any(blank.kind == "time" for blank in timed),
        }

    def values(self) -> dict[str, Any]:
        """Return what may change: facts, and the rows of each group."""
        with self.incident.lock:
            known = self.incident.values(SINGLE)[0]
            held = {table: self.incident.values(table) for table in self.tables}
            return {
                "facts": {
                    name: self.cell(blank.kind, known[name])
                    for name, blank in self.facts.items()
                    if not blank.derived
                },
                "groups": {place: self._rows(place, held) for place in range(len(self.groups))},
                "zone": str(self.zone),
            }

    def rows(self, place: int) -> list[tuple[str, dict[str, Cell]]]:
        """Return the rows of one group: id, and what is filled."""
        table = self.groups[place].table
        return self._rows(place, {table: self.incident.values(table)})

    def _rows(self, place: int, held: Mapping[str, list[Message]]) -> list[tuple[str, Any]]:
        """Return the rows of one group from those of its table."""
        group = self.groups[place]
        columns = {column.name: column for column in self.incident.template.tables[group.table]}
        found = []
        for row in held[group.table]:
            if group.holds(row):
                told = {
                    each.name: self.cell(each.kind, row.get(each.name)) for each in fields(group)
                }
                cells = {name: cell for name, cell in told.items() if cell is not None}
                _due(cells, row, columns["status"].options if "status" in columns else ())
                found.append((row["row"], cells))
        return found

    def cell(self, kind: str, value: Any) -> Cell:
        """Return what an input shows for a value; None when it is missing."""
        if value is None:
            return None
        if kind == "time":
            return {"v": self._local(value), "e": self._echo(value)}
        if kind == "names":
            return list(value)
        if kind == "date":
            return {"v": value.isoformat(), "e": ""}
        return kinds.show(kind, value)

    def measures(self) -> dict[str, Message]:
        """Return each derived fact of this section in words, with its definition.

        Of a blank that is typed, what evidence says of it where that is not what stands there: it
        is suggested and never typed by us.
        """
        suggested = tallies.SHOWN & self.facts.keys()
        derived = [name for name, blank in self.facts.items() if blank.derived]
        if not (derived or suggested):
            return {}
        known = self.incident.measures()
        return {name: _measure(known.get(name)) for name in derived} | {
            name: _suggested(self.facts[name], known[name]) for name in sorted(suggested)
        }

    # -- evidence --------------------------------------------------------------------------------

    def takes_evidence(self) -> bool:
        """Return whether rows of answers become steps in this section."""
        timeline = any(group.table == "timeline" for group in self.groups)
        return timeline and candidates.fits(self.incident.template)

    def step(self, found: candidates.Candidate) -> Message:
        """Return a step that could be taken, in words."""
        return {
            "answer": found.answer,
            "row": int(found.row),
            "time": self._local(found.time.replace(microsecond=0)),
            "says": text.visible(found.says),
            "step": found.step,
            "from": evidence.shown(found.answer, candidates.monitors(self.incident)),
            "ways": sorted(found.ways),
        }

    def search(self, message: Message) -> Message:
        """Return the rows of an answer that hold some words: what ``take`` can take."""
        try:
            answer, words = str(message["answer"]), str(message["words"])
            found = candidates.search(self.incident, answer, words, self.zone)
        except BundleError as error:
            return {"t": "found", "steps": [], "of": 0, "message": str(error)}
        steps = [self.step(each) for each in found.steps]
        return {"t": "found", "steps": steps, "of": found.rows, "zone": str(self.zone)}

    def take(self, message: Message) -> Message:
        """Put a row of an answer into the timeline."""
        try:
            frame = evidence.thaw(self.incident.path / "evidence", str(message["answer"]))
        except BundleError as error:
            raise BadValue(str(error)) from None  # nothing was typed that could be sent again
        found = candidates.of(frame, message["row"])
        if found.ways & candidates.taken(self.incident):
            raise BadValue(f"The timeline has this step already: {text.visible(found.says)}")
        candidates.add(self.incident, found)
        return {}

    # -- writing ---------------------------------------------------------------------------------

    def set(self, message: Message) -> Message:
        """Write one cell and return its answer: the row's id, and what the cell shows now.

        Raises
        ------
        PostmortemError
            the value does not fit, the row is gone, or the disk refused
        """
        table, name, slot = message["table"], message["name"], message.get("slot")
        with self.incident.lock:
            row = message.get("row") or self.slots.get(slot or "")
            value = self.typed(table, name, message["value"])
            if table == SINGLE:
                self.incident.set(name, value)
            elif row:
                self.incident.set(name, value, table=table, row=row)
            elif value not in (None, "", []):
                row = self._add(message, value)
            place = {"row": row, "slot": slot, "group": message.get("group")}
            return place | {"cell": self.now(table, row, name)}

    def remove(self, message: Message) -> Message:
        """Remove a row; ``restore`` brings it back. Each of these answers with the group's rows."""
        self.incident.remove(message["table"], message["row"])
        return self._regrouped(message)

    def restore(self, message: Message) -> Message:
        """Bring a removed row back with all its values."""
        self.incident.restore(message["table"], message["row"])
        return self._regrouped(message)

    def duplicate(self, message: Message) -> Message:
        """Add a copy of a row behind it."""
        table = message["table"]
        rows = self.incident.values(table)
        place = _place(rows, message["row"])
        held = {key: value for key, value in rows[place].items() if value is not None}
        del held["row"]
        self.incident.move(table, self.incident.add(table, **held), place + 1)
        return self._regrouped(message)

    def move(self, message: Message) -> Message:
        """Move a row to place ``to`` among the rows of its group."""
        table, group = message["table"], self.groups[message["group"]]
        rows = self.incident.values(table)
        _place(rows, message["row"])  # a row that is gone is refused before anything else
        mates = [row["row"] for row in rows if group.holds(row)]
        to = max(0, min(int(message["to"]), len(mates) - 1))
        self.incident.move(table, message["row"], _place(rows, mates[to]))
        return self._regrouped(message)

    def _regrouped(self, message: Message) -> Message:
        place = message["group"]
        return {"group": place, "rows": self.rows(place)}

    def choose(self, name: str) -> None:
        """Take the zone in which times are typed and shown here; BadValue when it is none."""
        try:
            self.zone = UTC if name.upper() == "UTC" else ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            what = f"the name of a time zone (times stay in {self.zone})"
            example = _zone_near(name) or "Europe/Berlin"
            raise BadValue(expected("zone", what, example=example, came=name)) from None

    def _add(self, message: Message, value: Any) -> str:
        """Add the row that was only a blank on the page, with its keys and its preset."""
        group = self.groups[message["group"]]
        values = dict(group.keys)
        if group.preset and message.get("preset"):
            values[group.preset] = message["preset"]
        row = self.incident.add(group.table, **(values | {message["name"]: value}))
        if first := self._begun(group, message, row):
            self.incident.set(message["name"], value, table=group.table, row=first)
            self.incident.remove(group.table, row)
            row = first
        rows = [each["row"] for each in self.incident.values(group.table)]
        if not first and message.get("before") in rows:  # it stands above that one on the page
            self.incident.move(group.table, row, rows.index(message["before"]))
        if message.get("slot"):
            self.slots[message["slot"]] = row
        return row

    def _begun(self, group: Rows, message: Message, row: str) -> str:
        """Return the row that another window wrote before this one; empty where there is none.

        The log says who was first, once both are in it. In cards, rows of one preset may differ.
        """
        name, preset = group.preset, message.get("preset")
        if group.apart or name in {None, message["name"]} or group.presets.count(preset) != 1:
            return ""
        rows = filter(group.holds, self.incident.values(group.table))
        mates = {each["row"] for each in rows if each[name] == preset} - {row}
        written = self.incident.edits() if mates else []
        first = next((each["row"] for each in written if each["row"] in {row, *mates}), row)
        return "" if first == row else first

    def typed(self, table: str, name: str, value: Any) -> Any:
        """Return a typed value; times are read in the zone of this form, here and now."""
        column = self.incident.template.column(table, name)
        if column.kind != "time" or not isinstance(value, str) or not value.strip():
            return value
        start, _ = self.incident.window()
        return kinds.parse("time", value, name=name, start=start, zone=self.zone)

    def now(self, table: str, row: str | None, name: str) -> Cell:
        """Return what a cell shows after an edit."""
        kind = self.incident.template.column(table, name).kind
        if table == SINGLE:
            return self.cell(kind, self.incident.value(name))
        rows = self.incident.values(table)
        return self.cell(kind, next((each.get(name) for each in rows if each["row"] == row), None))

    def _local(self, moment: datetime) -> str:
        """Return a moment as it would be typed here: without a zone, in this form's zone."""
        text = moment.astimezone(self.zone).replace(tzinfo=None).isoformat(sep=" ")
        text = text.rstrip("0") if "." in text else text
        return text.removesuffix(":00") if text.count(":") == 2 else text

    def _echo(self, moment: datetime) -> str:
        """Return the moment in UTC, in the chosen zone, and counted from the incident's start."""
        said = [f"{moment:%a} {times.shown(moment)[11:]}"]
        if self.zone is not UTC:
            said.append(f"{moment.astimezone(self.zone):%H:%M %Z}")
        start, _ = self.incident.window()
        if start is not None and start != moment:
            said.append(
                f"{_brief(abs(moment - start))} {'after' if moment > start else 'before'} start"
            )
        return " · ".join(said)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs between two states of a form, one level into facts, groups and lists."""
    differing: dict[str, Any] = {}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            inner = {
                name: each
                for name, each in value.items()
                if name not in before or before[name] != each
            }
            if inner:
                differing[key] = inner
        elif value != before:
            differing[key] = value
    return differing


def size(message: Message) -> int:
    """Return the bytes of a message as JSON."""
    return len(json.dumps(message, ensure_ascii=False).encode("utf-8", "replace"))


def _zone_near(name: str) -> str:
    """Return the zone whose place is called so, or nearly: ``kolkata`` is Asia/Kolkata."""
    places = {zone.rpartition("/")[2].lower(): zone for zone in sorted(available_timezones())}
    wanted = name[:_LONGEST_PLACE].strip().rpartition("/")[2].lower().replace(" ", "_")
    near = get_close_matches(wanted, places, n=1, cutoff=0.8)
    return places[near[0]] if near else ""


def _blanks(rows: Iterable[Rows]) -> list[Blank]:
    """Return the blanks of groups of rows."""
    return [blank for group in rows for blank in fields(group)]


def _place(rows: list[Message], row: str) -> int:
    """Return where a row stands in its table; BadValue when it was removed elsewhere."""
    ids = [each["row"] for each in rows]
    if row not in ids:
        raise BadValue("This row is not there any more; it was removed elsewhere")
    return ids.index(row)


def _brief(length: timedelta) -> str:
    """Return a length as it is read at a glance: ``1 h 3 min``, ``40 s``, ``2 d 4 h``."""
    seconds = round(length.total_seconds())
    counts = (
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    )
    return " ".join(f"{n} {unit}" for n, unit in counts if n) or "0 s"


def _due(cells: dict[str, Cell], row: Mapping[str, Any], options: Sequence[str]) -> None:
    """Say in words how far off an open item's due date is; its last status closes it."""
    day, closed = row.get("due"), row.get("status") in options[-1:]
    if "due" not in cells or not isinstance(day, date) or not options or closed:
        return
    days = (day - datetime.now(UTC).date()).days
    far = f"{abs(days)} day{'s' * (abs(days) != 1)}"
    said = f"in {far}" if days > 0 else "today" if days == 0 else f"overdue by {far}"
    cells["due"]["e"] = said


def _measure(measure: Measure | None) -> Message:
    """Return a derived fact in words: value with unit, its definition; or unknown, and why."""
    if measure is None:
        return {"value": "unknown", "help": "This package computes no fact of this name."}
    if measure.value is None:
        return {
            "value": "unknown",
            "help": " · ".join(filter(None, (measure.missing, measure.definition))),
        }
    value = measure.value
    if measure.unit.startswith("minute") and isinstance(value, int | float):
        shown = times.duration(value)
    elif isinstance(value, date):
        shown = value.isoformat()
    else:
        shown = f"{value:,} {measure.unit}".strip()
    rows = measure.source if measure.source.startswith("timeline") else ""
    return {"value": shown, "help": " · ".join(filter(None, (measure.definition, rows)))}


def _suggested(blank: Blank, measure: Measure) -> Message:
    """Return what is suggested for a blank: its value as typed, in words, and where it is from."""
    open_ = measure.computed is not None and not measure.source.startswith("stated")
    found = tallies.rounded(measure)
    less = blank.kind == "count" and found is not None and 0 < found < 1  # a count is whole
    if found is None or less or not (open_ or measure.differs):
        return {"value": "", "text": "", "help": ""}
    value = kinds.show(blank.kind, math.floor(found) if blank.kind == "count" else found)
    words = f"Computed: {tallies.told(measure)} ({measure.origin})"
    return {"value": value, "text": words, "help": measure.counted}
