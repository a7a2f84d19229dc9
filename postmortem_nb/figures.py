"""Evidence as figures: the chart, a few rows, and where every number comes from.

A picture is drawn from the frozen evidence, or taken from the notebook where the cell noted that it
drew this very picture (`drawing`). Figures are numbered as the document shows them.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from postmortem_nb import cells, drawing, evidence, masked, provenance, text, times
from postmortem_nb.errors import BadValue, PostmortemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from postmortem_nb.incident import Incident
    from postmortem_nb.ipynb import Cell

ROWS_OF_LOGS = 5
ROWS_OF_SQL = 20
COLUMNS = 6
LONGEST = 240
"""Characters of a value in a small table."""

SQL = "analyze_datadog_logs"
TOLD_IN_FULL = (SQL, "search_datadog_events")
"""Functions whose charts may name any text of their answer."""

LAST = ("id", "tags", "trace_id", "span_id", "parent_id")
"""Columns that are shown only where there is room after all others."""

CHARTS = ("line", "area", "bar", "table", "none")


@dataclass(frozen=True, slots=True)
class Figure:
    """One answer as the document shows it."""

    number: int
    name: str
    label: str
    record: Mapping[str, Any]
    alt: str
    picture: bytes | None
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int]
    """Places of the columns that hold figures."""

    @property
    def call(self) -> str:
        """The question as it was asked."""
        return str(self.record.get("call") or self.name)

    @property
    def sql(self) -> bool:
        """Whether it is the answer of an SQL question, which its rows tell best."""
        return self.record.get("function") == SQL


class Figures:
    """The figures of one document, made as it asks for them; ``shown`` holds them in order."""

    def __init__(
        self, incident: Incident | None, notebook: Iterable[Cell], cover: Callable[[str], str]
    ) -> None:
        self.shown: list[Figure] = []
        self._incident = incident
        self._folder: Path | None = incident.path / "evidence" if incident else None
        self._names = _listed(self._folder)
        self._cells = {cell.evidence: cell for cell in notebook if cell.evidence}
        self._cover = cover
        self._marked = (
            (incident.window(), tuple(incident.milestones())) if incident else ((None, None), ())
        )

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
        return [masked.covered(dict(record), self._cover) for record in self._names.values()]

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

    def _made(self, name: str, label: str) -> Figure:
        assert self._folder is not None  # noqa: S101 - find() looked
        try:
            frame = evidence.thaw(self._folder, name)
        except PostmortemError as error:
            return self._unreadable(name, label, str(error))
        stored = frame.attrs.pop("evidence")  # pandas would copy it at every step
        record = masked.covered(dict(stored), self._cover)
        told = record.get("function") in TOLD_IN_FULL
        covered = masked.labels(frame, self._cover, many=None if told else masked.MANY)
        picture, alt = self._drawn(name, record, covered, same=covered is frame)
        heads, rows, numeric = self._table(covered, record)
        return Figure(
            number=len(self.shown) + 1,
            name=name,
            label=self._cover(label) or name,
            record=record,
            alt=alt,
            picture=picture,
            heads=heads,
            rows=rows,
            numeric=numeric,
        )

    def _unreadable(self, name: str, label: str, why: str) -> Figure:
        record = {**self._names[name], "complete": False, "partial": why}
        return Figure(
            len(self.shown) + 1, name, label or name, record, "", None, (), (), frozenset()
        )

    def _drawn(
        self, name: str, record: Mapping[str, Any], frame: pd.DataFrame, *, same: bool
    ) -> tuple[bytes | None, str]:
        """Return the picture of an answer and its text alternative; no picture for a table.

        ``same`` says that nothing in the frame was covered, so that a stored picture may stand.
        """
        way = self._way(name)
        if way.kind in ("table", "none"):
            return None, ""
        sound = same and not record.get("changed")
        found = self._stored(name, drawing.key(record, way)) if sound else None
        if found is not None:
            return found
        # matplotlib is imported only where something has to be drawn
        charts = import_module("postmortem_nb.charts")
        frame.attrs["evidence"] = dict(record)
        words = {
            "kind": way.kind,
            "by": way.by or None,
            "window": way.window,
            "milestones": list(way.milestones),
        }
        try:
            figure = charts.draw(frame, **words)
        except BadValue:  # the cell's own words name a column that is not there any more
            words |= {"kind": "", "by": None}
            figure = charts.draw(frame, **words)
        if figure is None:
            return None, ""
        return charts.png(figure), self._cover(charts.describe(frame, **words))

    def _stored(self, name: str, key: str) -> tuple[bytes, str] | None:
        """Return the picture that the cell drew, where it is the one that would be drawn now."""
        cell = self._cells.get(name)
        for output in cell.outputs if cell else ():
            raw = cells.picture("image/png", output.data.get("image/png", ""))
            if raw is not None and drawing.fits(output.facts, raw, key):
                return raw, output.alt
        return None

    def _way(self, name: str) -> drawing.Way:
        cell = self._cells.get(name)
        return drawing.Way(*options(cell.source if cell else ""), *self._marked)

    def _table(
        self, frame: pd.DataFrame, record: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], frozenset[int]]:
        """Return the columns and first rows of an answer as text, and which hold figures."""
        sql = record.get("function") == SQL
        names = list(frame.columns) if sql else sorted(frame.columns, key=LAST.__contains__)
        shown = frame.head(ROWS_OF_SQL if sql else ROWS_OF_LOGS)[names[:COLUMNS]]
        rows = tuple(
            tuple(self._cover(_words(value)) for value in row)
            for row in shown.itertuples(index=False)
        )
        numeric = frozenset(
            place
            for place, dtype in enumerate(shown.dtypes)
            if dtype.kind in "iuf" or str(dtype) in NUMBERS
        )
        return tuple(self._cover(str(name)) for name in shown.columns), rows, numeric


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
        ("Integrity", "changed since it was frozen" if record.get("changed") else ""),
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
        return f"{value:,.6g}"
    if type(value).__name__ == "Timestamp":
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return _cut(str(value))


def _cut(shown: str) -> str:
    line = " ".join(text.visible(shown).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
