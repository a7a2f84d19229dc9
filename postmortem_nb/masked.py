"""What a document shows instead of what is stored: the dataset and notebook, secrets masked.

A reader of the same bundle that never writes: the stored data stays as it is.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from postmortem_nb.incident import Incident
from postmortem_nb.ipynb import TOOLS
from postmortem_nb.masking import Known, Removed, in_column, mask
from postmortem_nb.parts import SINGLE
from postmortem_nb.tallies import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from postmortem_nb.budget import Spending
    from postmortem_nb.estimates import Estimate
    from postmortem_nb.ipynb import Cell, Output
    from postmortem_nb.metrics import Measure
    from postmortem_nb.schema import Template


_ROWS = re.compile(r"(?=<tr\b)", re.IGNORECASE)
_ESCAPED = re.compile(r"(?<![^>])[^<>]*&[^<>]*")
_DATA = re.compile(r"\bdata:[\w/+.-]{1,80};base64,[A-Za-z0-9+/=]{64,}")
"""A file inside of HTML: no element of a page that is kept can show it, so nobody reads it."""

_CELL = re.compile(r"(<(t[hd])\b[^<>]*>)([^<]*)(?=</\2\s*>)", re.IGNORECASE)


class MaskedIncident(Incident):
    """An incident whose texts are masked as they are read; `removed` counts what was."""

    def __init__(self, path: Path, template: Template) -> None:
        super().__init__(path, template)
        self.removed = Removed()
        """What was masked so far, by kind and place."""

    def cover(self, text: str, where: str = "") -> str:
        """Return a text of the document as its readers may see it, secrets aside."""
        del where
        return text

    def values(self, table: str) -> list[dict[str, Any]]:
        """Return a table's rows as `Incident.values` does, with secrets masked."""
        return [
            {name: self._shown(value, f"{table}.{name}") for name, value in row.items()}
            for row in super().values(table)
        ]

    def value(self, name: str) -> Any:
        """Return a single fact as `Incident.value` does, with secrets masked."""
        return self._shown(super().value(name), f"{SINGLE}.{name}")  # as `values` calls its place

    def measures(self) -> dict[str, Measure]:
        """Return the computed figures as `Incident.measures` does, their words masked."""
        return {
            name: replace(
                each,
                definition=self._shown(each.definition, name),
                source=self._shown(each.source, name),
                missing=self._shown(each.missing, name),
                beside=self._shown(each.beside, name),
                origin=self._shown(each.origin, name),
            )
            for name, each in super().measures().items()
        }

    def found(self) -> Found:
        """Return what evidence says as `Incident.found` does, its words masked."""
        found = super().found()
        return Found(
            [self._estimate(each) for each in found.estimates],
            {name: self._shown(why, name) for name, why in found.reasons.items()},
            [self._spending(each) for each in found.budgets],
            found.impact,
        )

    def _estimate(self, each: Estimate) -> Estimate:
        parts = tuple((self._shown(place, each.name), value) for place, value in each.parts)
        source, words = (self._shown(text, each.name) for text in (each.source, each.definition))
        return replace(each, parts=parts, source=source, definition=words)

    def _spending(self, each: Spending) -> Spending:
        called = replace(each.objective, name=self._shown(each.objective.name, each.name))
        return replace(each, objective=called, why=self._shown(each.why, each.name))

    def _shown(self, value: Any, where: str) -> Any:
        return covered(value, lambda text: mask(text, self.removed, where))


def findings(incident: Incident, found: pd.DataFrame) -> pd.DataFrame:
    """Return what a check found as it may be printed: a finding quotes what people wrote."""
    known = Known.of(_texts_of([incident.values(table) for table in incident.tables]))
    shown = found.map(lambda value: known.mask(value) if isinstance(value, str) else value)
    shown.attrs.update(found.attrs)
    return shown


def _texts_of(value: Any) -> Iterator[str]:
    """Yield each text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts_of(item)


def covered(value: Any, cover: Callable[[str], str]) -> Any:
    """Return a value with ``cover`` applied to each text in it, however deep."""
    if isinstance(value, str):
        return cover(value)
    if isinstance(value, (list, tuple)):
        return [covered(item, cover) for item in value]
    if isinstance(value, dict):
        return {covered(key, cover): covered(item, cover) for key, item in value.items()}
    return value


def cells(
    stored: Iterable[Cell], cover: Callable[[str, str], str], *, in_bundle: bool
) -> list[Cell]:
    """Return cells whose source and printed outputs are covered; ``cover`` takes text and place.

    A document of a bundle writes its text from the dataset and shows of cells that are not the
    author's own at most the pictures, so these alone are kept of them.
    """
    return [_cell(cell, number, cover, in_bundle) for number, cell in enumerate(stored, 1)]


def _cell(
    cell: Cell,
    number: int,
    cover: Callable[[str, str], str],
    in_bundle: bool,  # noqa: FBT001
) -> Cell:
    where = f"cell {number}"
    if cell.role in TOOLS or (in_bundle and not cell.own):
        pictures = tuple(_pictures(cell.outputs, lambda text: cover(text, where)))
        return replace(cell, source=cover(cell.source, where), outputs=pictures)
    outputs = tuple(
        replace(output, data=_texts(output.data, cover, where), alt=cover(output.alt, where))
        for output in cell.outputs
    )
    return replace(cell, source=cover(cell.source, where), outputs=outputs)


def _pictures(outputs: Iterable[Output], cover: Callable[[str], str]) -> Iterator[Output]:
    """Yield the outputs that hold a picture, and of each nothing else."""
    for output in outputs:
        data = {kind: value for kind, value in output.data.items() if kind == "image/png"}
        if data:
            yield replace(output, data=data, alt=cover(output.alt))


def _texts(data: Mapping[str, str], cover: Callable[[str, str], str], where: str) -> dict[str, str]:
    """Return a bundle with its texts covered; a picture is bytes in disguise, not text."""

    def texts(text: str) -> str:
        return cover(text, where)

    found = {}
    for kind, stored in data.items():
        if kind.startswith("image/") and "svg" not in kind:
            found[kind] = stored
        else:
            words = _DATA.sub("data:,", stored) if kind == "text/html" else stored
            found[kind] = texts(written(words, texts) if kind in MARKED_UP else words)
    if "text/html" in found:
        found["text/html"] = in_columns(found["text/html"], texts)
    return found


MARKED_UP = ("text/html", "image/svg+xml")
"""MIME types in which a quotation mark may stand as an entity."""


def written(made: str, cover: Callable[[str], str]) -> str:
    """Return HTML whose words are covered as they are read, not as they are escaped."""

    def words(match: re.Match[str]) -> str:
        plain = html.unescape(match[0])
        shown = cover(plain)
        return match[0] if shown == plain else html.escape(shown)

    return _ESCAPED.sub(words, made)


def in_columns(made: str, cover: Callable[[str], str]) -> str:
    """Return HTML in which the cells of a table are covered as the head of their column has it."""
    heads: list[str] = []
    rows = _ROWS.split(made)
    for place, row in enumerate(rows):
        cells = list(_CELL.finditer(row))
        if not cells or all(cell[2].lower() == "th" for cell in cells):
            heads = [html.unescape(cell[3]).strip() for cell in cells] or heads
        elif len(heads) == len(cells):
            columns = iter(heads)
            rows[place] = _CELL.sub(
                lambda cell, columns=columns: cell[1] + _under(next(columns), cell[3], cover), row
            )
    return "".join(rows)


def _under(head: str, written: str, cover: Callable[[str], str]) -> str:
    """Return the text of a cell as its head has it; as it was written where nothing is covered."""
    plain = html.unescape(written)
    shown = in_column(head, plain, cover) if head and plain.strip() else plain
    return written if shown == plain else html.escape(shown)
