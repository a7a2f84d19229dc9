"""The exporters of nbconvert: ``jupyter nbconvert --to postmortem``, Save and Export As in the lab.

The only door to nbconvert. They hand the notebook that nbconvert holds to `editions`, which finds
the bundle beside it; what a document looks like is decided there and is the same either way.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import Exporter
from nbformat import from_dict
from traitlets import Bool, Unicode, default
from traitlets.config import Application

from postmortem_nb import editions, ipynb, sources
from postmortem_nb.editions import export
from postmortem_nb.errors import ExportError, PostmortemError
from postmortem_nb.page import Style

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

__all__ = [
    "PostmortemExporter",
    "PostmortemMarkdownExporter",
    "PostmortemPDFExporter",
    "export",
]


COMMAND = "jupyter-nbconvert"
"""The name of the command line of nbconvert among the applications of Jupyter."""


@contextmanager
def _in_one_line() -> Iterator[None]:
    """End ``jupyter nbconvert`` with a refusal's own line; to any other caller it is an error."""
    try:
        yield
    except PostmortemError as error:
        if Application.initialized() and Application.instance().name == COMMAND:
            raise SystemExit(str(error)) from error
        raise


class PostmortemExporter(Exporter):
    """The finished document as one page of HTML."""

    export_from_notebook = "Postmortem (HTML)"
    output_mimetype = "text/html"
    form = "html"

    blanks = Bool(False, help="Show empty blanks.").tag(config=True)
    code = Bool(False, help="Show the code of cells and the questions to Datadog.").tag(config=True)
    audience = Unicode("internal", help="Who reads it: internal or public.").tag(config=True)

    @default("file_extension")
    def _file_extension(self) -> str:
        return editions.FORMATS[self.form].suffix

    @default("default_preprocessors")
    def _default_preprocessors(self) -> list[str]:
        # those that people switch on: --execute, and removing cells by tag or text
        names = ("TagRemovePreprocessor", "RegexRemovePreprocessor", "ExecutePreprocessor")
        return [f"nbconvert.preprocessors.{name}" for name in names]

    def from_file(  # type: ignore[override] # every exporter returns what it writes
        self, file_stream: TextIO, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str | bytes, dict[str, Any]]:
        """Convert a notebook that is read as it is: a damaged cell is no reason to refuse it."""
        name = str((resources or {}).get("metadata", {}).get("name") or "notebook")
        with _in_one_line():
            try:
                stored = json.loads(file_stream.read())
            except (ValueError, RecursionError) as error:
                raise ExportError(f"{name}: not a notebook: {ipynb.first_line(error)}") from error
            node = from_dict(ipynb.checked(stored, name))
        return self.from_notebook_node(node, resources, **kw)

    def from_notebook_node(  # type: ignore[override] # the same
        self, nb: Any, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str | bytes, dict[str, Any]]:
        """Convert a notebook that nbconvert holds, with the bundle in its folder.

        ``resources["metadata"]`` says where it lies (``path``) and what it is called (``name``).
        """
        del kw
        found = self._init_resources(resources)  # type: ignore[no-untyped-call]
        for preprocessor in self._preprocessors:
            nb, found = preprocessor(nb, found)
        folder = Path(found["metadata"]["path"] or ".")
        called = str(found["metadata"]["name"] or "notebook")
        name = f"{found['unique_key'] or called}{self.file_extension}"
        with _in_one_line():
            source = sources.of(nb, folder, called, editions.reader(self.audience))
            style = Style(blanks=self.blanks, code=self.code, audience=self.audience)
            files = editions.write(source, self.form, style, name)
        for line in source.removed.lines():
            self.log.info("removed from the document: %s", line)
        document = files.pop(name)
        # nbconvert takes them from the notebook's folder, the document from where --output says
        beside = Path(found["unique_key"] or ".").parent
        found["outputs"] = {str(beside / each): raw for each, raw in files.items()}
        return document if self.form == "pdf" else document.decode(), found


class PostmortemMarkdownExporter(PostmortemExporter):
    """The finished document as Markdown, its pictures beside it."""

    export_from_notebook = "Postmortem (Markdown)"
    output_mimetype = "text/markdown"
    form = "markdown"


class PostmortemPDFExporter(PostmortemExporter):
    """The finished document as PDF, printed without TeX."""

    export_from_notebook = "Postmortem (PDF)"
    output_mimetype = "application/pdf"
    form = "pdf"
