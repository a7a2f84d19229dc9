"""A notebook file, read for export: plain JSON in, a few frozen dataclasses out.

Read without nbformat, whose import costs more than the whole export, and without trust: a
notebook is somebody's file. Whatever is not of the expected shape becomes empty, never an error;
only a file that is no notebook at all is refused.

Words: a *cell* is Markdown, code or raw; an *output* is text printed, data shown, or an error.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from postmortem_nb import text
from postmortem_nb.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LARGEST = 512 * 1024 * 1024
"""Bytes of the largest notebook that is read; JupyterLab itself gives up long before."""

TOOLS = frozenset({"guide", "setup", "check", "backtest"})
"""Roles of cells that work on the document and are no part of it."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a code cell left: ``kind`` is ``text``, ``data`` or ``error``.

    ``data`` maps MIME types to what was stored; printed text and errors are ``text/plain``.
    """

    kind: str
    data: Mapping[str, str]
    name: str = ""
    alt: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its ``role`` in a postmortem notebook, empty for a cell that its author added."""

    kind: str
    source: str
    role: str = ""
    section: str = ""
    evidence: str = ""
    outputs: tuple[Output, ...] = ()
    attachments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def own(self) -> bool:
        """Whether the author wrote it, so that the document keeps it."""
        return self.role in ("", "text") and self.evidence == ""


def load(path: Path) -> dict[str, Any]:
    """Return the notebook at ``path`` as it is stored. Raises ExportError in one line."""
    try:
        if path.stat().st_size > LARGEST:
            raise ExportError(f"{path.name}: larger than {LARGEST >> 20} MiB")
        stored = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ExportError(f"{path.name}: it could not be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{path.name}: not a notebook: {first_line(error)}") from error
    return checked(stored, path.name)


def checked(stored: object, name: str) -> dict[str, Any]:
    """Return a stored notebook that has cells. Raises ExportError with what it is instead."""
    if isinstance(stored, dict) and isinstance(stored.get("cells"), list):
        return stored
    if isinstance(stored, dict) and "worksheets" in stored:
        raise ExportError(
            f"{name}: notebook format 3 or older; open it in JupyterLab and save it once"
        )
    raise ExportError(f"{name}: not a notebook: expected a JSON object with a list of cells")


_FORMS = frozenset({"form", "text"})
"""Facts by which an output is known as a form or its text."""

_MATTER = re.compile(r"---\n(?P<facts>.*?)\n---\n", re.DOTALL)
_TITLE = re.compile(r"^title: *\"?(.+?)\"?$", re.MULTILINE)


def cells(notebook: Mapping[str, Any], *, alone: bool = False) -> list[Cell]:
    """Return the cells of a notebook, those marked ``remove-cell`` left out.

    Of a form nothing is kept: chapters say the same, as it is now. A notebook without its bundle
    (``alone``) has no chapters, so there the text of each form is kept, as it was last saved.
    """
    told: set[str] = set()
    return [_without_forms(cell, told if alone else None) for cell in _cells(notebook.get("cells"))]


def _without_forms(cell: Cell, told: set[str] | None) -> Cell:
    """Return a cell without its forms; their texts stay, each once, where ``told`` is a set."""
    kept = [output for output in map(partial(_unformed, told=told), cell.outputs) if output]
    return replace(cell, outputs=tuple(kept))


def _unformed(output: Output, told: set[str] | None) -> Output | None:
    """Return an output, or what is kept of a form's: its text as Markdown, or None."""
    if not _FORMS & output.facts.keys():
        return output
    section = _word(output.facts.get("section"))
    if told is None or "text" not in output.facts or section in told:
        return None
    told.add(section)
    return replace(output, data={"text/markdown": _untitled(output.data.get("text/plain", ""))})


def _untitled(said: str) -> str:
    """Return a form's text with the title of its front matter as its first line."""
    matter = _MATTER.match(said)
    if matter is None:
        return said
    title = _TITLE.search(matter["facts"])
    return (f"**{text.markdown(title[1])}**\n\n" if title else "") + said[matter.end() :]


def _cells(stored: object) -> Iterator[Cell]:
    for raw in stored if isinstance(stored, list) else []:
        if not isinstance(raw, dict):
            continue
        metadata = _mapping(raw.get("metadata"))
        if "remove-cell" not in _strings(metadata.get("tags")):
            yield _cell(raw, metadata)


def _cell(raw: Mapping[str, Any], metadata: Mapping[str, Any]) -> Cell:
    facts = _mapping(metadata.get("postmortem"))
    source = _text(raw.get("source"))
    kind = raw.get("cell_type")
    return Cell(
        kind=kind if kind in ("markdown", "code") else "raw",
        source=source,
        role=_word(facts.get("role")),
        section=_word(facts.get("section")),
        evidence=_word(facts.get("evidence")) or _asked(kind, source),
        outputs=tuple(_outputs(raw.get("outputs"))),
        attachments={
            name: _bundle(bundle) for name, bundle in _mapping(raw.get("attachments")).items()
        },
    )


def _asked(kind: object, source: str) -> str:
    """Return the name in the first line of a ``%%datadog`` cell that somebody typed."""
    words = source.split("\n", 1)[0].split()
    if kind != "code" or words[:1] != ["%%datadog"]:
        return ""
    return next((word for word in words[1:2] if word.isidentifier()), "answer")


def _outputs(stored: object) -> Iterator[Output]:
    for raw in stored if isinstance(stored, list) else []:
        if isinstance(raw, dict):
            yield _output(raw)


def _output(raw: Mapping[str, Any]) -> Output:
    kind = raw.get("output_type")
    if kind == "stream":
        printed = {"text/plain": _text(raw.get("text"))}
        return Output("text", printed, name=_word(raw.get("name")))
    if kind == "error":
        said = f"{_word(raw.get('ename'))}: {_word(raw.get('evalue'))}"
        trace = "\n".join(_strings(raw.get("traceback")))
        return Output("error", {"text/plain": said, "traceback": trace})
    metadata = _mapping(raw.get("metadata"))
    facts = _mapping(metadata.get("postmortem"))
    alt = _word(facts.get("alt")) or _word(metadata.get("alt")) or _alt(metadata)
    return Output("data", _bundle(raw.get("data")), alt=alt, facts=facts)


def _alt(metadata: Mapping[str, Any]) -> str:
    """Return the text alternative where it stands under the MIME type of a picture."""
    pictures = (_mapping(value) for key, value in metadata.items() if key.startswith("image/"))
    return next((_word(facts.get("alt")) for facts in pictures if facts.get("alt")), "")


def _bundle(stored: object) -> dict[str, str]:
    """Return a MIME bundle as text; the JSON of an interactive chart is never shown."""
    return {
        kind: "{}" if isinstance(value, dict) else _text(value)
        for kind, value in _mapping(stored).items()
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _text(value: object) -> str:
    """Return multi-line text, which notebooks store as a string or as a list of lines."""
    if isinstance(value, str):
        return value
    return "".join(_strings(value))


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def first_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:200]
