"""Evidence as figures: the chart, a few rows, and where every number comes from.

A picture is drawn from the frozen evidence, or taken from the notebook where the cell noted that it
drew this very picture (`drawing`). Figures are numbered as the document shows them.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from postmortem_nb import (
    cells,
    drawing,
    evidence,
    masked,
    masking,
    provenance,
    tallies,
    text,
    times,
)
from postmortem_nb.errors import PostmortemError
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from postmortem_nb.incident import Incident
    from postmortem_nb.ipynb import Cell, Output

ROWS = 20
"""Rows of an answer that a document shows where no chart does."""

COLUMNS = 6
LONGEST = 240
"""Characters of a value in a small table."""

SQL = "analyze_datadog_logs"
LAST = ("id", "tags", "trace_id", "span_id", "parent_id")
"""Columns that are shown only where there is room after all others."""

CHARTS = ("line", "area", "bar", "table", "none")


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of an answer as text; ``numeric`` are the places of columns of figures."""

    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numeric: frozenset[int] = frozenset()
    left_out: int = 0

    @property
    def more(self) -> str:
        """What is said of the rows that are not shown."""
        return f"… and {self.left_out:,} more rows" if self.left_out else ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One answer as the document shows it: its picture, or where there is none its rows."""

    number: int
    name: str
    label: str
    record: Mapping[str, Any]
    alt: str
    picture: bytes | None
    table: Table = Table()

    @property
    def call(self) -> str:
        """The question as it was asked."""
        return str(self.record.get("call") or self.name)


class Figures:
    """The figures of one document, made as it asks for them; ``shown`` holds them in order."""

    def __init__(
        self, incident: Incident | None, notebook: Iterable[Cell], cover: Callable[[str], str]
    ) -> None:
        self.shown: list[Figure] = []
        self._incident = incident
        self._folder: Path | None = incident.path / "evidence" if incident else None
        self._names = _listed(self._folder)
        self._cells: dict[str, Cell] = {}
        self._pictures: dict[str, list[Output]] = {}
        for cell in notebook:
            self._note(cell)
        self.cover = cover
        self._marked: tuple[Any, ...] = ()
        if incident is not None:
            gaps = tallies.gapped(incident.found())
            self._marked = (incident.window(), tuple(incident.milestones()), gaps)

    @property
    def names(self) -> frozenset[str]:
        """Names of the evidence that there is."""
        return frozenset(self._names)

    @property
    def sandbox(self) -> bool:
        """Whether any evidence came from the sandbox."""
        return any(record.get("sandbox") for record in self._names.values())

    def records(self) -> list[dict[str, Any]]:
        """Return the provenance of each evidence, by name, secrets masked."""
        return [masked.covered(dict(record), self.cover) for record in self._names.values()]

    def digests(self) -> dict[str, str]:
        """Return the digest of each evidence by name."""
        return {name: str(record.get("sha256")) for name, record in self._names.items()}

    def find(self, name: str, label: str) -> Figure | None:
        """Return the figure of an evidence, numbered; None where nothing was asked yet."""
        if self._folder is None or name not in self._names:
            return None
        made = next((figure for figure in self.shown if figure.name == name), None)
        if made is None:
            made = self._made(name, label)
            self.shown.append(made)
        return made

    def cite(self, names: Iterable[str]) -> None:
        """Take answers that only figures in words stand on into the notes, without a picture."""
        for name in names:
            if name in self._names and all(name != figure.name for figure in self.shown):
                self.shown.append(self._figure(name, self._names[name], None, ""))

    def keep(self, label: str, record: Mapping[str, Any], picture: bytes, alt: str) -> Figure:
        """Return a figure whose picture was drawn elsewhere, numbered."""
        made = self._figure(label, record, picture, alt)
        self.shown.append(made)
        return made

    def _made(self, name: str, label: str) -> Figure:
        assert self._folder is not None  # noqa: S101 - find() looked
        way = self._way(name)
        stored = self.stored(name, drawing.key(self._names[name], way))
        if stored is not None:
            return self._figure(label, self._names[name], *stored)
        try:
            frame = evidence.thaw(self._folder, name)
        except PostmortemError as error:
            unread = {**self._names[name], "complete": False, "partial": str(error)}
            return self._figure(label, unread, None, "")
        record = frame.attrs["evidence"]
        drawn = drawing.draw(frame, way, self.cover)
        if drawn is not None:
            return self._figure(label, record, drawn.png, drawn.alt)
        if way.kind == "none":  # nothing was asked to be seen of it, as in the notebook
            return self._figure(label, record, None, "")
        frame.attrs = {}  # pandas would copy it at every step
        return replace(self._figure(label, record, None, ""), table=self._table(frame, record))

    def _figure(
        self, label: str, record: Mapping[str, Any], picture: bytes | None, alt: str
    ) -> Figure:
        return Figure(
            number=len(self.shown) + 1,
            name=str(record["name"]),
            label=self.cover(label) or str(record["name"]),
            record=masked.covered(dict(record), self.cover),
            alt=alt,
            picture=picture,
        )

    def _note(self, cell: Cell) -> None:
        """Note which question a cell asks, and the pictures that it drew, by their evidence."""
        if cell.evidence:
            self._cells[cell.evidence] = cell
        for output in cell.outputs:
            name = cell.evidence or str(output.facts.get("evidence") or "")
            if name and "image/png" in output.data:
                self._pictures.setdefault(name, []).append(output)

    def stored(self, name: str, key: str) -> tuple[bytes, str] | None:
        """Return the picture that a cell drew, where it is the one that would be drawn now."""
        pictures = self._pictures.get(name, ())
        if not pictures or not self._is_sound(name):
            return None
        for output in pictures:
            raw = cells.picture("image/png", output.data["image/png"])
            if raw is not None and drawing.fits(output.facts, raw, key):
                return raw, output.alt
        return None

    def _is_sound(self, name: str) -> bool:
        """Whether the rows of an evidence are those that were frozen, where it has any of its own.

        A composite of proposed monitors stands on their evidence, which its back-test looked at.
        """
        assert self._folder is not None  # noqa: S101 - find() looked
        if name not in self._names:
            return True
        try:
            raw = (self._folder / f"{name}.parquet").read_bytes()
        except OSError:
            return False
        return drawing.digest(raw) == self._names.get(name, {}).get("sha256")

    def _way(self, name: str) -> drawing.Way:
        cell = self._cells.get(name)
        return drawing.Way(*options(cell.source if cell else ""), *self._marked)

    def _table(self, frame: pd.DataFrame, record: Mapping[str, Any]) -> Table:
        """Return the columns and first rows of an answer as text."""
        sql = record.get("function") == SQL
        names = list(frame.columns) if sql else sorted(frame.columns, key=LAST.__contains__)
        shown = frame.head(ROWS)[names[:COLUMNS]]
        rows = tuple(
            tuple(
                masking.in_column(str(name), _words(value), self.cover)
                for name, value in zip(shown.columns, row, strict=True)
            )
            for row in shown.itertuples(index=False)
        )
        numeric = frozenset(
            place
            for place, dtype in enumerate(shown.dtypes)
            if dtype.kind in "iuf" or str(dtype) in NUMBERS
        )
        heads = tuple(self.cover(str(name)) for name in shown.columns)
        return Table(heads, rows, numeric, len(frame) - len(rows))


NUMBERS = ("Int64", "Float64")


def options(source: str) -> tuple[str, str]:
    """Return the chart and grouping that the first line of a ``%%datadog`` cell asks for."""
    try:
        words = shlex.split(source.split("\n", 1)[0])
    except ValueError:
        words = []
    kind = _option(words, "--chart")
    return kind if kind in CHARTS else "", _option(words, "--by")


def _option(words: Sequence[str], name: str) -> str:
    for place, word in enumerate(words):
        if word == name:
            return words[place + 1] if place + 1 < len(words) else ""
        if word.startswith(f"{name}="):
            return word.removeprefix(f"{name}=")
    return ""


def title(figure: Figure) -> str:
    """Return what a figure shows, as its caption begins: the template's label without ``Query``."""
    shown = figure.label.removeprefix("Query ").strip() or figure.name
    return shown[:1].upper() + shown[1:]


def facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the provenance of an answer, label by label, as text."""
    found = [
        ("Window", provenance.window(dict(record))),
        ("Asked", _moment(record.get("fetched_at"))),
        ("Answered by", provenance.source(dict(record))),
        ("Rows", f"{int(record.get('rows') or 0):,}"),
        ("Answer", provenance.completeness(dict(record))),
        ("How", str(record.get("path") or "")),
        ("Warnings", "; ".join(map(str, record.get("warnings") or ()))),
        ("Integrity", provenance.integrity(dict(record))),
        ("SHA-256", str(record.get("sha256") or "")),
    ]
    return [(label, value) for label, value in found if value]


def _moment(stored: object) -> str:
    return times.shown(times.parse(stored)) if stored else ""


def _listed(folder: Path | None) -> dict[str, Mapping[str, Any]]:
    """Return the provenance of each evidence by name; nothing where there is no folder."""
    if folder is None or not folder.is_dir():
        return {}
    return {str(record["name"]): record for record in evidence.listing(folder)}


def _words(value: object) -> str:
    """Return a value on one line as a person writes it; missing is a dash."""
    if isinstance(value, (list, tuple)) or type(value).__name__ == "ndarray":
        return _cut(", ".join(str(item) for item in value))  # type: ignore[attr-defined]
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:  # noqa: PLR0124
        return "–"
    if isinstance(value, float):
        return numeral(value)
    if type(value).__name__ == "Timestamp":
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return _cut(str(value))


def _cut(shown: str) -> str:
    line = " ".join(text.visible(shown).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
