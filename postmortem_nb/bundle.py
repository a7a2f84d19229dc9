"""The folder of one incident: its name, its files, and how it is found again.

    INC-4821/
      INC-4821.ipynb      what people open
      incident.jsonl      the log of edits (`edits`)
      template.md         the template that this incident was begun with
      evidence/           frozen query results (`evidence`)

It can be renamed, moved, copied, zipped and committed; two hidden files serve git and the lock.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from postmortem_nb import edits, schema
from postmortem_nb.errors import BadValue, BundleError, NotSaved, expected, shown

if TYPE_CHECKING:
    from collections.abc import Callable

LOG = "incident.jsonl"
TEMPLATE = "template.md"
EVIDENCE = "evidence"
LONGEST_ID = 100
"""Characters of an id: with ``.ipynb`` it must be a file name everywhere."""

_LONGEST_BYTES = 200
_FORBIDDEN = frozenset('/\\:*?"<>|')
_RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³"}
)
_GIT = {
    # both sides of a merge keep their edits; line ends stay as they were written
    ".gitattributes": f"{LOG} merge=union -text\n",
    ".gitignore": f"{edits.LOCK}\n",
}


def checked_id(given: object) -> str:
    """Return an incident id that is a file name on every system, in composed Unicode.

    Raises
    ------
    BadValue
        a path, a reserved or hidden name, invisible characters, empty, or too long
    """
    fault = _fault(given) if isinstance(given, str) else "text"
    if fault:
        raise BadValue(expected("incident id", fault, example="INC-4821", came=given))
    return unicodedata.normalize("NFC", str(given))


def _fault(given: str) -> str:
    """Return what would be expected instead of an id, or nothing."""
    if not 0 < len(given) <= LONGEST_ID:
        return f"1 to {LONGEST_ID} characters"
    if len(given.encode("utf-8", "replace")) > _LONGEST_BYTES:
        return f"up to {_LONGEST_BYTES} bytes, of which these letters take several each"
    if _FORBIDDEN & set(given):
        return f"a name, not a path (none of {' '.join(sorted(_FORBIDDEN))})"
    if not given.isprintable():
        return "visible characters"
    if given[0] in ".-~ " or given[-1] in ". ":
        return "a name that begins with a letter or digit and does not end in a dot or space"
    first = given.split(".", 1)[0].strip().upper()
    return "a name that no system reserves" if first in _RESERVED else ""


def stamp(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Return what tells one state of a bundle's evidence from another: names, times and sizes."""
    try:
        with os.scandir(folder / EVIDENCE) as files:
            found = [(file.name, file.stat()) for file in files]
    except OSError:  # none yet, or one that goes at this moment: the next look tells
        return frozenset()
    return frozenset((name, about.st_mtime_ns, about.st_size) for name, about in found)


def make(folder: Path, template: schema.Template, fill: Callable[[edits.Log], None]) -> None:
    """Write a new bundle; ``fill`` appends its first edits. All of it, or nothing stays.

    Raises
    ------
    BundleError
        an incident is there already, or the folder's name is taken
    NotSaved
        the disk is full, read-only or gone
    """
    try:
        taken, new = (folder / LOG).exists(), not folder.exists()
    except OSError as failed:
        raise NotSaved(_not_created(folder, failed)) from None
    if taken:
        raise BundleError(f"{folder}: there is an incident here already; open it instead")
    try:
        (folder / EVIDENCE).mkdir(parents=True, exist_ok=True)
        for name, text in {TEMPLATE: template.text, **_GIT}.items():
            _write(folder / name, text)
        fill(edits.Log.create(folder / LOG, template.digest))
        edits.sync_folder(folder.parent)
    except BaseException as failed:
        with contextlib.suppress(OSError):
            (folder / LOG).unlink(missing_ok=True)
        if new:
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(failed, OSError):
            raise NotSaved(_not_created(folder, failed)) from None
        raise


def _not_created(folder: Path, failed: OSError) -> str:
    """Return the one line for a folder that cannot be made: there is no incident to copy yet."""
    closed = failed.errno in {errno.EACCES, errno.EPERM, errno.EROFS}
    why = "the folder is read-only for you; choose one where you may write"
    return f"{folder}: not created: {why if closed else edits.reason(failed)}"


def _write(path: Path, text: str) -> None:
    """Write a text as it is, on disk when this returns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def find(path: object) -> Path:
    """Return the folder of a bundle from itself or from any file in it, as the notebook.

    Raises
    ------
    BundleError
        there is nothing, or no incident; says which
    """
    if not isinstance(path, str | os.PathLike):
        raise BundleError(_no_bundle(path, repr(type(path).__name__)))
    try:
        folder = Path(path).absolute()
        if not folder.exists():
            raise BundleError(_no_bundle(path, "nothing there"))
        folder = folder if folder.is_dir() else folder.parent
        if not (folder / LOG).is_file():
            raise BundleError(_no_bundle(path, f"no {LOG} there"))
    except (OSError, ValueError):  # too long, a loop of links, NUL in the path
        raise BundleError(_no_bundle(path, "no path that can be read")) from None
    return folder


def _no_bundle(path: object, came: str) -> str:
    """Return the one line for a path that leads to no incident."""
    what = "the folder of an incident or its notebook, for example INC-4821"
    return f"{shown(str(path))}: expected {what}; got {came}"


def template_of(folder: Path) -> schema.Template:
    """Return the template that the bundle keeps; the shipped one is read once a session.

    Raises
    ------
    BundleError, BadTemplate
        it is missing, or cannot be read as a template
    """
    path = folder / TEMPLATE
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise BundleError(
            f"{path}: it is missing; a bundle keeps the template it was begun with: bring it back, "
            "from a copy of the bundle or the team's own file"
        ) from None
    except OSError as failed:
        raise BundleError(f"{path}: cannot be read: {edits.reason(failed, reading=True)}") from None
    shipped = schema.shipped()
    return shipped if digest == shipped.digest else schema.load(path)


def template_for(given: object) -> schema.Template:
    """Return the template of a new incident: a file's, or the shipped one; BadTemplate says why."""
    if given is None or isinstance(given, schema.Template):
        return given or schema.shipped()
    if not isinstance(given, str | Path):
        raise BadValue(expected("template", "a file", example="ours.md", came=given))
    return schema.load(Path(given))


def is_own(path: Path) -> bool:
    """Return whether a path is a file that a bundle lives by: nothing else may be written there.

    The log, the template, a notebook, evidence, and the two hidden files.
    """
    real = Path(os.path.realpath(path))
    folder = real.parent.parent if real.parent.name == EVIDENCE else real.parent
    if not os.path.isfile(folder / LOG):  # noqa: PTH113 - a folder that may not be read is no error
        return False
    kept = {LOG, TEMPLATE, EVIDENCE, edits.LOCK, *_GIT}
    return folder != real.parent or real.name in kept or real.suffix == ".ipynb"


def folder_for(given: object) -> Path:
    """Return the folder in which a new incident is made."""
    if isinstance(given, str | Path) and "\0" not in str(given):
        return Path(given).absolute()
    raise BadValue(expected("dir", "a folder", example="postmortems", came=given))
