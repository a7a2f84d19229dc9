"""``%%datadog`` and ``%postmortem``: read the line, call the session or the command."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from contextlib import redirect_stderr, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from postmortem_nb import cli
from postmortem_nb.errors import PostmortemError, QueryError, expected


class _Line(argparse.ArgumentParser):
    """The words after ``%%datadog``; a wrong one is one plain line."""

    def error(self, message: str) -> NoReturn:
        raise QueryError(
            f"%%datadog: {message}; for example: %%datadog errors --chart bar --refresh"
        )


def _session() -> Any:
    """Return the session: what it draws with takes a second to import, and forms come first."""
    return import_module("postmortem_nb.session")


def _words(line: str, example: str) -> list[str]:
    """Return the words of a magic's line, split as a shell does."""
    try:
        return shlex.split(line)
    except ValueError:
        magic, what = example.split(maxsplit=1)[0], "words with every quote closed"
        raise QueryError(expected(magic, what, example=example, came=line)) from None


def _line_parser() -> argparse.ArgumentParser:
    parser = _Line(prog="%%datadog", add_help=False)
    parser.add_argument("name", nargs="?", default="answer")
    parser.add_argument("--chart", choices=_session().CHARTS, default="")
    parser.add_argument("--by", default="")
    parser.add_argument("--refresh", action="store_true")
    return parser


_DOCUMENTS = frozenset({"export", "publish"})
"""The commands that write the notebook's cells too."""


@magics_class
class PostmortemMagics(Magics):
    """The two magics of a postmortem notebook."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._askers: dict[str, tuple[str, object]] = {}

    @cell_magic
    def datadog(self, line: str, cell: str) -> None:
        """Ask Datadog the call in the cell; the answer lands in the variable named on the line."""
        asked = _line_parser().parse_args(_words(line, '%%datadog errors --by "service"'))
        session = _session()
        options = session.Options(chart=asked.chart, by=asked.by, refresh=asked.refresh)
        names = self._names()
        incident = session.find(names)
        frame = session.query(cell, asked.name, incident=incident, options=options)
        if frame is None:
            return
        names[asked.name] = frame
        if self._is_shared(asked.name, frame.attrs.get("evidence", {}).get("question")):
            session.say(
                f"Another cell asks something else under the name {asked.name}: only the later "
                "answer is frozen, and the document shows it for both. Give this one another "
                "name, then run the other cell again."
            )

    @line_magic
    def postmortem(self, line: str) -> None:
        """Run a ``postmortem`` command on this notebook's bundle: ``%postmortem check``."""
        command, *rest = _words(line, '%postmortem export -o "INC 1.html"') or ["--help"]
        incident = _session().find(self._names())
        if incident is not None:
            rest = cli.with_path(command, rest, str(incident.path))
        # help ends a process, a cell just ends; what goes beside a result would be red in it
        with suppress(SystemExit), redirect_stderr(sys.stdout):
            cli.run([command, *rest])
        if incident is not None and command in _DOCUMENTS and _is_unsaved(incident.path):
            _session().say(
                "This notebook was changed since it was saved, and the document has its cells as "
                "they were saved: save it (Ctrl+S), then run this cell again."
            )

    def _is_shared(self, name: str, question: object) -> bool:
        """Return whether another cell asked another question under this name since the first cell.

        JupyterLab says which cell is run; without its word nobody can tell one that was edited.
        """
        parent: dict[str, Any] = getattr(self.shell, "get_parent", dict)()
        cell = str(parent.get("metadata", {}).get("cellId") or "")
        other, before = self._askers.get(name, (cell, question))
        self._askers[name] = cell, question
        return bool(cell and other and cell != other and before != question)

    def _names(self) -> dict[str, Any]:
        """Return the notebook's variables."""
        shell: Any = self.shell
        names: dict[str, Any] = shell.user_ns
        return names


_RAN: dict[str, str] = {}
"""The cells of this kernel as they were run, the newest last."""


def _note(told: Any) -> None:
    """Remember a cell that is run."""
    cell = str(getattr(told, "cell_id", None))  # not in every IPython
    _RAN.pop(cell, None)
    _RAN[cell] = told.raw_cell


def _is_unsaved(folder: Path) -> bool:
    """Return whether the bundle's notebook lacks this cell on disk, or has another as it was.

    The server says which file a kernel's notebook is; without its word nobody can tell.
    """
    path = Path(os.environ.get("JPY_SESSION_NAME", ""))
    try:
        if path.parent.resolve() != folder.resolve():
            return False
        cells = json.loads(path.read_bytes())["cells"]
        saved = {cell["id"]: "".join(cell["source"]) for cell in cells}
    except (OSError, ValueError, LookupError, TypeError):
        return False
    changed = any(saved.get(cell, source) != source for cell, source in _RAN.items())
    return changed or next(reversed(_RAN), "") not in saved


def _table(frame: Any) -> str | None:
    """Return a frame as HTML without formulas: “$5 and $6” in a log are two amounts."""
    with import_module("pandas").option_context("display.html.use_mathjax", False):
        shown: str | None = frame._repr_html_()
    return shown


def register(ipython: Any) -> None:
    """Register the magics with a running IPython; again where the notebook is run again.

    IPython would print into the first cell, and so into a committed notebook, that the extension is
    already loaded: it forgets that it is when the cell ends.
    """
    ipython.register_magics(PostmortemMagics)
    ipython.events.register("pre_run_cell", _note)
    shows = ipython.display_formatter.formatters["text/html"]
    for module in ("pandas", "pandas.core.frame"):  # where pandas 3 and 2 say that it is
        shows.for_type_by_name(module, "DataFrame", _table)

    def forget(*_: object) -> None:
        ipython.extension_manager.loaded.discard("postmortem_nb")
        ipython.events.unregister("post_run_cell", forget)

    ipython.events.register("post_run_cell", forget)
    for line in expiring(ipython.user_ns):
        _session().say(line)


def expiring(names: dict[str, Any]) -> list[str]:
    """Return what the notebook's bundle has not frozen before its data expire; none without keys.

    The sandbox's data never expire; a bundle that cannot be opened says so where it is opened.
    """
    if not os.environ.get("DD_API_KEY"):
        return []
    try:
        incident = _session().find(names)
    except PostmortemError:
        return []
    if incident is None:
        return []
    found: list[str] = import_module("postmortem_nb.retention").expiring(incident)
    return found
