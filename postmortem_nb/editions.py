"""From a bundle or a notebook to a finished file: ``export`` is the whole way, in order.

    find the notebook and its bundle ─▶ mask ─▶ page · Markdown · PDF · JSON ─▶ write in one step

Needs no nbconvert: its exporters (`export`) stand on this module, and the command line calls it
directly, which saves the seconds that nbconvert takes to import.
"""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from postmortem_nb import bundle, dataset, onestep, page, paper, pdf, sources
from postmortem_nb.errors import ExportError, expected
from postmortem_nb.masked import MaskedIncident
from postmortem_nb.page import Style
from postmortem_nb.redaction import PublicIncident

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postmortem_nb.sources import Source

AUDIENCES: Mapping[str, type[MaskedIncident]] = {
    "internal": MaskedIncident,
    page.PUBLIC: PublicIncident,
}
"""Who reads a document, and how the incident is read for them."""

Files = dict[str, bytes]
"""What an edition is: file names relative to the place of the first, and their bytes."""


@dataclass(frozen=True, slots=True)
class Format:
    """A form a document can be exported to: its file's suffix, and what writes it."""

    suffix: str
    write: Callable[[Source, Style, str], Files]


def export(  # noqa: PLR0913 - the words of the command line, each by name
    path: str | Path,
    to: str,
    *,
    out: str | Path | None = None,
    audience: str = "internal",
    blanks: bool = False,
    code: bool = False,
    told: Callable[[str], object] | None = None,
) -> list[Path]:
    """Write the finished document and return the paths that were written, the document first.

    Parameters
    ----------
    path
        a bundle's folder, or a notebook
    to
        ``html``, ``markdown``, ``pdf`` or ``json``
    out
        exactly this file; beside the notebook, with its name, unless given
    audience
        ``internal``, or ``public``: a statement for customers, without names, hosts, addresses,
        internal links and cells (``blanks`` and ``code`` mean nothing there). Secrets are masked
        in both.
    blanks
        whether empty blanks show
    code
        whether the code of cells and the questions to Datadog show
    told
        called with one line for each kind of thing that was removed, and where, below one that
        says so

    Raises
    ------
    ExportError, BundleError
        unknown words, nothing to export, or the disk refuses; nothing was written

    """
    chosen = _format(to)
    style = Style(blanks=blanks, code=code, audience=audience)
    source = sources.find(Path(path), reader(audience))
    suffix = f".{audience}{chosen.suffix}" if audience == page.PUBLIC else chosen.suffix
    target = _target(source.folder / f"{source.stem}{suffix}" if out is None else out)
    files = write(source, to, style, target.name)
    tell = told or (lambda _: None)
    if _is_stream(target) and len(files) > 1:
        tell(f"{target}: {len(files) - 1} pictures have no place beside it and were left out")
        files = {target.name: files[target.name]}
    written = [_written(target.parent / name, content) for name, content in files.items()]
    removed = source.removed.lines()
    public = audience == page.PUBLIC
    of_what = "taken out of the public edition:" if public else "masked in this document:"
    for line in [of_what, *removed] if removed else ():
        tell(line)
    card = sys.modules.get("postmortem_nb.charts.card")  # not there where nothing was drawn
    if card is not None and (boxed := card.undrawn()):
        tell(boxed)
    return written


def write(source: Source, to: str, style: Style, name: str) -> Files:
    """Return an edition of a source: the document under its name, then its pictures.

    Raises ExportError for an unknown form or audience, or where nothing here can make it.
    """
    chosen = _format(to)
    if style.audience != page.PUBLIC:
        return chosen.write(source, style, name)
    if not isinstance(source.incident, PublicIncident):
        raise ExportError(
            f"{source.stem}: a notebook without its bundle has no public edition: "
            "what its cells say cannot be redacted for sure"
        )
    # cells are no part of this edition: of them only that they were left out is told
    source.removed.seen = {each for each in source.removed.seen if not each[0].startswith("cell ")}
    for number, cell in enumerate(source.cells, 1):
        if cell.own:
            source.removed.note("cell of the author’s own", f"cell {number}", cell.source)
    source.cells = ()
    return chosen.write(source, replace(style, blanks=False, code=False), name)


def reader(audience: str) -> type[MaskedIncident]:
    """Return how an incident is read for an audience. Raises ExportError for an unknown one."""
    if audience not in AUDIENCES:
        what = f"one of {', '.join(AUDIENCES)}"
        raise ExportError(expected("export --audience", what, example="internal", came=audience))
    return AUDIENCES[audience]


def html(source: Source, style: Style, name: str) -> Files:
    """Return the page."""
    return {name: page.render(source, style).encode()}


def print_out(source: Source, style: Style, name: str) -> Files:
    """Return the PDF of the page."""
    return {name: pdf.render(page.render(source, style))}


def markdown(source: Source, style: Style, name: str) -> Files:
    """Return the Markdown, then its pictures."""
    written, pictures = paper.write(source, style, Path(name).stem)
    return {name: written.encode(), **pictures}


def data(source: Source, style: Style, name: str) -> Files:
    """Return the dataset as JSON."""
    del style
    if source.incident is None:
        raise ExportError(f"{source.stem}: a notebook without its bundle has no dataset to export")
    return {name: dataset.write(source, source.incident).encode()}


FORMATS: Mapping[str, Format] = {
    "html": Format(".html", html),
    "markdown": Format(".md", markdown),
    "pdf": Format(".pdf", print_out),
    "json": Format(".json", data),
}


_ALSO = {"md": "markdown", "htm": "html"}
"""What people call a form, or end its file in, beside its name."""


def form(to: str | None, out: str | None) -> str:
    """Return the form that is meant: the one that was named, else the file's suffix, else ``html``.

    Raises ExportError where the two say different things, for nobody wants a page named ``.pdf``,
    and for a suffix that says nothing: a page named ``.txt`` is no text.
    """
    suffix = Path(out or "").suffix.lower()
    meant = _called(suffix[1:])
    if to is None:
        if suffix and meant is None:
            what = f"a name that ends as its form does, or --to {' | '.join(FORMATS)}"
            raise ExportError(expected("export -o", what, example="INC-4821.html", came=out))
        return meant or "html"
    to = _called(to) or to
    wanted = _format(to).suffix
    if meant not in (None, to):
        what = f"a file of --to {to}, or --to {meant}"
        example = Path(out or "").with_suffix(wanted).name
        raise ExportError(expected("export -o", what, example=example, came=out))
    return to


def _called(word: str) -> str | None:
    """Return the form that a word or a suffix stands for, or None."""
    return word if word in FORMATS else _ALSO.get(word)


def _format(to: str) -> Format:
    if to in FORMATS:
        return FORMATS[to]
    near = difflib.get_close_matches(str(to), FORMATS, n=1, cutoff=0.4)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise ExportError(
        expected("export --to", f"one of {', '.join(FORMATS)}", example="html", came=to) + hint
    )


def _target(out: str | Path) -> Path:
    """Return the file that was asked for; one that an incident lives by is never written over."""
    path = Path(out)
    example = "INC-4821.html"
    held = os.path.isdir(path)  # noqa: PTH112 - below a folder that may not be entered, is_dir raises
    is_folder = held or str(out).endswith(("/", os.sep))
    if not path.name or "\0" in str(path) or is_folder:
        what = "a file, not a folder" if is_folder else "a file"
        raise ExportError(expected("export -o", what, example=example, came=str(out)))
    if bundle.is_own(path) or (path.suffix == ".ipynb" and os.path.lexists(path)):
        what = "a file of its own, not one that the incident lives by"
        raise ExportError(expected("export -o", what, example=example, came=str(out)))
    return path


def _is_stream(path: Path) -> bool:
    """Whether a path is a pipe, a terminal or another device: nothing has a place beside it.

    The path itself is asked: where ``/dev/stdout`` is a pipe, its target has no name.
    """
    try:
        known = path.exists() and not path.is_dir()
        return known and (not path.is_file() or path.parent.as_posix() in _OPEN_FILES)
    except (OSError, ValueError):
        return False


_OPEN_FILES = ("/dev", "/dev/fd", "/proc/self/fd")
"""Where the files that a program holds have names: they are written on, never replaced."""


def _written(path: Path, content: bytes) -> Path:
    """Write a file in one step; a link is followed, so that it stays one."""
    try:
        if _is_stream(path):
            with path.open("ab") as stream:
                stream.write(content)
        else:
            real = Path(os.path.realpath(path))
            real.parent.mkdir(parents=True, exist_ok=True)
            onestep.write(real, content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ExportError(f"{path}: it could not be written: {reason}") from error
    return path
