"""A filled document in the template's layout becomes an incident: export, the other way round.

Nothing is guessed: a value that does not fit its kind stays missing, a line that belongs to no
blank is left out, and both are told with their line. Exporting the incident again gives the same
document.
"""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from postmortem_nb import bundle, filling, kinds, layout
from postmortem_nb.changes import START_STEP
from postmortem_nb.errors import BadValue, expected, shown
from postmortem_nb.importing import matching, reading, shapes
from postmortem_nb.incident import Incident
from postmortem_nb.tables import TIMELINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.importing.lines import Line
    from postmortem_nb.importing.reading import Answer, Entry, Found
    from postmortem_nb.parts import Rows
    from postmortem_nb.schema import Template

LARGEST = 10_000_000
"""Bytes of a document; a longer one is no postmortem."""

Row = dict[str, Any]


def from_markdown(
    path: str | Path,
    id: str | None = None,  # noqa: A002 - what people call it
    dir: str | Path = ".",  # noqa: A002 - the same
    *,
    template: str | Path | Template | None = None,
) -> tuple[Incident, list[str]]:
    """Return a new incident with what a document says, and a line for all that could not be read.

    Parameters
    ----------
    path
        Markdown in the layout of ``template``: what an export wrote, or a copy filled by hand
    id
        the folder's name; the document's own Incident ID unless given
    dir
        where the folder is made
    template
        a team's own template file; the shipped one unless given

    Raises
    ------
    BadValue
        no such file, no text, no document in this layout, no id, or a hostile one
    BundleError
        there is an incident of this id already, or the disk refuses; nothing was made
    """
    source = Path(path)
    layout_of = bundle.template_for(template)
    found = reading.read(layout_of, _text(source))
    if not found.sections and not found.singles:
        heading = next(each for each in layout_of.sections if each.level > 1).heading.strip()
        what = "a document in the template's layout"
        raise BadValue(expected(source.name, what, example=heading, came="none of its headings"))
    said = _Said(source.name, layout_of, found)
    facts, rows = said.facts(), said.rows()
    stated = str(facts.get("incident_id") or "")
    if id is None and not stated:
        raise BadValue(f"{source.name}: it has no Incident ID; give one with --id, as INC-4821")
    incident = Incident.create(id or stated, dir, template=layout_of)
    try:
        _write(incident, facts, rows)
    except BaseException:
        shutil.rmtree(incident.path, ignore_errors=True)  # all of it or nothing
        raise
    said.check_computed(incident)
    renamed = f"{source.name}: it says Incident ID {shown(stated)}; the folder is {id}"
    return incident, [*([renamed] if stated not in ("", incident.path.name) else []), *said.told()]


def _text(path: Path) -> str:
    """Return the text of a document; BadValue where it has none."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no such path"
        what = "a filled document that can be read, for example INC-4821.md"
        raise BadValue(f"{shown(str(path))}: expected {what}; got {why}") from None
    if len(raw) > LARGEST:
        raise BadValue(f"{path.name}: expected a document of up to {LARGEST:,} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadValue(f"{path.name}:{line}: expected UTF-8 text") from None


def _write(incident: Incident, facts: Row, rows: Sequence[tuple[Rows, Row]]) -> None:
    for name, value in facts.items():
        incident.set(name, value)
    for group, row in rows:
        incident.add(group.table, **dict(group.keys), **row)


def _figure(said: str) -> str:
    """Return the number of a figure with its share: “4,350 (11.6 %)”; another text as it is."""
    return re.sub(r"\s*\([^()]*\)$", "", said.strip())


def _is_clock(incident: Incident, answer: Answer) -> bool:
    """Return whether a document says when it was detected, where the template asks how long."""
    detected = dict(incident.milestones()).get("detected")
    asked = answer.blank.name == "detection_time" and detected is not None
    return asked and answer.text.removesuffix("UTC").strip() == f"{detected:%H:%M}"


class _Said:
    """What a document said, as values; every refusal is noted with its line."""

    def __init__(self, name: str, template: Template, found: Found) -> None:
        self._name, self._template, self._found = name, template, found
        self._notes: list[tuple[int, str]] = []
        self._start = self._begun()

    def told(self) -> list[str]:
        """Return the notes in the order of their lines."""
        return [line for _, line in sorted([*self._notes, *self._unread()])]

    def facts(self) -> Row:
        """Return the single facts; one that stands in several places is taken from the first."""
        answers: dict[str, list[Answer]] = defaultdict(list)
        for answer in self._found.singles:
            if not answer.blank.derived and self._counts(answer):
                answers[answer.blank.name].append(answer)
        found = {name: self._agreed(several) for name, several in answers.items()}
        return {name: value for name, value in found.items() if value is not None}

    def rows(self) -> list[tuple[Rows, Row]]:
        """Return the rows of all groups in the order of the document."""
        groups: dict[int, list[Entry]] = defaultdict(list)
        for entry in self._found.entries:
            groups[entry.group.line].append(entry)
        return [(e[0].group, row) for e in groups.values() for row in self._group(e)]

    def check_computed(self, incident: Incident) -> None:
        """Note where a computed figure is another than the document stated, and keep that one."""
        measures = filling.gather(incident).measures
        for answer in self._found.singles:
            measure = measures.get(answer.blank.name)
            blank = not answer.text.strip("_ ")
            if not answer.blank.derived or answer.shown or blank or measure is None:
                continue
            known = measure.value is not None
            computed = filling.worded(answer.blank, measure.value, measure) if known else ""
            if computed.split() != answer.text.split() and not _is_clock(incident, answer):
                why = f"is computed as {computed}" if computed else f"is unknown: {measure.missing}"
                line = f"{measure.label} {why}; the document said {shown(answer.text)}"
                self._note(answer.line, line)
                with suppress(BadValue):  # told in any case
                    incident.quote(answer.blank.name, _figure(answer.text))

    def _counts(self, answer: Answer) -> bool:
        """Return whether an answer is one: a default is where no empty blank would show."""
        default = shapes.is_default(answer.blank) and not self._found.blanks
        return default if answer.shown else True

    def _agreed(self, answers: Sequence[Answer]) -> Any:
        """Return the one value of a fact; another one elsewhere is noted and left out."""
        kept: Any = None
        for answer in answers:
            value = self._value(answer)
            if kept is None:
                kept = value
            elif value is not None and value != kept:
                line = f"{answer.blank.name}: another value stands above, which is kept; left out"
                self._note(answer.line, f"{line}: {shown(answer.text)}")
        return kept

    def _value(self, answer: Answer, *, ticks: bool = True) -> Any:
        """Return what is stored for an answer; None where it says nothing or does not fit.

        An empty box says no only in a document that leaves out what is empty (``ticks``).
        """
        if shapes.is_box(answer.blank):
            ticked = bool(answer.text.strip())
            return ticked if ticked or (ticks and not self._found.blanks) else None
        try:
            start = self._start or self._day(answer)
            return matching.value(answer.blank, answer.text, start=start)
        except BadValue as refused:
            self._note(answer.line, str(refused))
            return None

    def _group(self, entries: Sequence[Entry]) -> Iterator[Row]:
        """Yield the rows of a group: those that say something, and those that keep their places."""
        group = entries[0].group
        rows = [self._row(entry) for entry in entries]
        full = [row for row in rows if _says(group, row)]
        if self._found.blanks:
            keys = dict(group.keys)
            again = layout.arranged(group, [{**keys, **row} for row in full], blanks=True)
            if len(rows) >= len(again) and _look(group, rows) != _look(group, again):
                full = rows
        else:
            full = [row for row in rows if _says(group, row) or any(map(_given, row.values()))]
        for row in full:
            yield {name: v for name, v in row.items() if v is not None or name == group.preset}

    def _row(self, entry: Entry) -> Row:
        """Return the values of a row by column."""
        row: Row = {entry.group.preset: None} if entry.group.preset else {}
        boxes: list[Answer] = []
        for name, answer in entry.answers.items():
            if not self._counts(answer):
                continue
            on_head = answer.line == entry.head
            row[name] = self._value(answer, ticks=not on_head)
            boxes += [answer] if shapes.is_box(answer.blank) and on_head else []
        row |= entry.given
        if not any(map(_given, row.values())):
            # an empty box alone would not stand: somebody said no
            row |= {box.blank.name: self._value(box) for box in boxes}
        return row

    def _begun(self) -> datetime | None:
        """Return the start of the incident: what times of day in the document count from."""
        for entry in self._found.entries:
            answer = entry.answers.get("time")
            is_start = (
                entry.group.table == TIMELINE and START_STEP in dict(entry.group.keys).values()
            )
            if is_start and answer is not None and not answer.shown:
                try:
                    stored = matching.value(answer.blank, answer.text, start=self._day(answer))
                except BadValue:
                    continue  # noted where its row is read
                moment: datetime | None = kinds.value("time", stored)
                return moment
        return None

    def _day(self, answer: Answer) -> datetime | None:
        """Return the day that a time of day is of while no start stands: the document's date."""
        if not answer.text[:1].isdigit():
            return None  # `+15m` counts from a start, and a day is none
        dates = (each for each in self._found.singles if each.blank.name == "date")
        stated = next((each for each in dates if not each.shown), None)
        try:
            stored = matching.value(stated.blank, stated.text, start=None) if stated else None
        except BadValue:
            return None  # noted where it is read
        return datetime.combine(kinds.value("date", stored), time(), UTC) if stored else None

    def _note(self, line: int, said: str) -> None:
        self._notes.append((line, f"{self._name}:{line}: {said}"))

    def _unread(self) -> Iterator[tuple[int, str]]:
        """Yield a note for each run of lines that no blank of the template could take."""
        runs: list[list[Line]] = []
        for line in sorted(self._found.unread, key=lambda line: line.number):
            if runs and line.number <= runs[-1][-1].number + 2:
                runs[-1].append(line)
            else:
                runs.append([line])
        for run in runs:
            more = f" and {len(run) - 1} more lines" if len(run) > 1 else ""
            what = f"expected a line of the template; left out: {shown(run[0].text.strip())}{more}"
            yield run[0].number, f"{self._name}:{run[0].number}: {what}"


def _given(value: object) -> bool:
    return value is not None


def _says(group: Rows, row: Row) -> bool:
    """Return whether a row holds anything but the template's own preset."""
    own = (group.preset, *(column for column, _ in group.keys))
    said = any(value is not None for name, value in row.items() if name not in own)
    return said or (
        group.preset is not None and row.get(group.preset) not in (None, *group.presets)
    )


def _look(group: Rows, rows: Sequence[Row]) -> list[object]:
    """Return how rows stand: each by what it says, an empty one by its preset."""
    keys = [column for column, _ in group.keys]
    preset = group.preset or ""
    return [
        {name: v for name, v in row.items() if v is not None and name not in keys}
        if _says(group, row)
        else row.get(preset)
        for row in rows
    ]
