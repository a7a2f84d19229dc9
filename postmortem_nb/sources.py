"""What an export reads: a notebook and the bundle beside it, both with secrets masked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - a field of a dataclass
from typing import TYPE_CHECKING, Any

from postmortem_nb import bundle, edits, ipynb, masked
from postmortem_nb.errors import BundleError, ExportError, expected, shown
from postmortem_nb.masked import MaskedIncident
from postmortem_nb.masking import Removed, mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from postmortem_nb.ipynb import Cell

SUFFIX = ".ipynb"


@dataclass(slots=True)
class Source:
    """What a document is made from; ``incident`` is None for a notebook without its bundle.

    ``stem`` names the files that are written, ``folder`` is where they go.
    """

    stem: str
    folder: Path
    cells: Sequence[Cell]
    incident: MaskedIncident | None
    removed: Removed = field(default_factory=Removed)

    def cover(self, text: str, where: str = "") -> str:
        """Return a text as this edition may say it, what was taken out noted at a place."""
        shown = mask(text, self.removed, where)
        return self.incident.cover(shown, where) if self.incident is not None else shown


def find(path: Path, reader: type[MaskedIncident] = MaskedIncident) -> Source:
    """Return the source at a path: a bundle's folder, or a notebook with or without a bundle.

    ``reader`` is how the incident is read: `redaction.PublicIncident` for customers.

    Raises
    ------
    BundleError, ExportError
        there is nothing that can be exported, in one line
    """
    try:
        folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError):
        folder = is_file = False
    if folder:
        return _bundle(path, reader)
    if is_file and path.suffix == SUFFIX:
        return of(ipynb.load(path), path.parent, path.stem, reader)
    if is_file and (path.parent / bundle.LOG).is_file():
        return _bundle(path.parent, reader)
    what = "a bundle's folder or its notebook" if is_file else "a bundle or notebook that is there"
    raise ExportError(expected("export", what, example="INC-4821", came=str(path)))


def of(
    notebook: Mapping[str, Any],
    folder: Path,
    stem: str,
    reader: type[MaskedIncident] = MaskedIncident,
) -> Source:
    """Return the source of a notebook that was read, with the bundle of its folder if any."""
    found = Source(stem, folder, (), _incident(folder, reader))
    if found.incident is not None:
        found.removed = found.incident.removed
    alone = found.incident is None
    held = ipynb.cells(notebook, alone=alone)
    found.cells = masked.cells(held, found.cover, in_bundle=not alone)
    return found


def _bundle(folder: Path, reader: type[MaskedIncident]) -> Source:
    try:
        notebook, held = _notebook(folder), (folder / bundle.LOG).is_file()
    except OSError as failed:
        why = edits.reason(failed, reading=True)
        raise BundleError(f"{shown(str(folder))}: cannot be read: {why}") from None
    stored = ipynb.load(notebook) if notebook else {"cells": []}
    stem = notebook.stem if notebook else folder.absolute().name
    if not held:
        what = "the folder of an incident or a notebook, for example INC-4821"
        raise BundleError(f"{shown(str(folder))}: expected {what}; got neither there")
    return of(stored, folder, stem, reader)


def _notebook(folder: Path) -> Path | None:
    """Return a bundle's notebook: the one of its folder's name, else the first, else None."""
    named = folder / f"{folder.absolute().name}{SUFFIX}"
    if named.is_file():
        return named
    return next(iter(sorted(folder.glob(f"[!.]*{SUFFIX}"))), None)


def _incident(folder: Path, reader: type[MaskedIncident]) -> MaskedIncident | None:
    """Return the incident of a folder, None where there is none."""
    if not (folder / bundle.LOG).is_file():
        return None
    opened = reader.open(folder)
    assert isinstance(opened, MaskedIncident)  # noqa: S101 - open() makes what it is called on
    return opened
