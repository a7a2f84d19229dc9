"""The notebook of a bundle: built from the template, run with a kernel of its own.

About 40 cells: a guide, a set-up cell, for each section of the template a heading and a form, a
query cell wherever the template has a query, and a check at the end. Each cell says in its
metadata what it is (``metadata.postmortem.role``), so that an export can replace the tools by
their text and keep what an author added.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from postmortem_nb import onestep, text
from postmortem_nb.errors import BundleError
from postmortem_nb.masking import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Query, Section, Template

Cell = dict[str, Any]

GUIDE = """\
# Postmortem notebook

**Run ▸ Run All Cells**, then fill the forms: every edit is saved to `incident.jsonl` beside this \
notebook before you make the next. Query cells ask Datadog, or the built-in sandbox where no \
account is set, and freeze the answer under `evidence/`. Add cells of your own wherever you like: \
the finished document keeps them. `incident.form()` in one of them shows all sections as one form.

Write the document with `%postmortem export --to html` in a cell, or \
`postmortem export .` in a terminal."""

UNTAKEN = """\
## What the import did not take

By line of the imported document. Add what matters by the forms, then delete this cell; no export \
shows it."""

SETUP = """\
%load_ext postmortem_nb
from postmortem_nb import Incident

incident = Incident.open(".")"""

MONITORS = "monitors"
"""The table of proposed monitors."""

BACKTEST = "### Back-test of the proposed monitors"
TRY = """\
from postmortem_nb import backtest

backtest(incident)"""

ASKS = ("query", "backtest")
"""Roles of cells that ask somebody else, who may refuse."""

GOES_ON = "raises-exception"
"""Jupyter's tag of a cell after whose error Run All goes on: the forms below are there."""

SECONDS_A_CELL = 300
"""How long one cell may run when a whole notebook is executed."""


Asked = tuple[str, str, str]
"""A query cell that the template does not have: name, heading, call."""


def build(
    template: Template,
    more: Mapping[str, Sequence[Asked]] | None = None,
    untaken: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the notebook (nbformat 4.5) of a template, not yet run.

    ``more`` are further query cells, by the name of the template's query that they follow;
    ``untaken`` is what an import says of all that it could not take.
    """
    cells = [_text("guide", GUIDE, role="guide"), _code("setup", SETUP, role="setup")]
    if untaken:
        said = text.fence("\n".join(map(mask, untaken)))
        cells.insert(1, _text("import", f"{UNTAKEN}\n\n{said}", role="guide"))
    for section in template.sections:
        cells.extend(_section(section, more or {}))
    cells.append(_text("check-heading", "## Before you share it", role="guide"))
    cells.append(_code("check", "%postmortem check", role="check"))
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def write(
    incident: Incident,
    more: Mapping[str, Sequence[Asked]] | None = None,
    untaken: Sequence[str] = (),
) -> Path:
    """Write the bundle's notebook, ``<folder>/<folder's name>.ipynb``, where there is none yet.

    ``more`` and ``untaken`` are as ``build`` takes them.
    """
    path = incident.path / f"{incident.path.name}.ipynb"
    if not path.exists():
        save(path, build(incident.template, more, untaken))
    return path


def save(path: Path, notebook: dict[str, Any]) -> None:
    """Write a notebook in one step: the old file stands until the new one is whole."""
    content = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
    try:
        onestep.write(path, content.encode())
    except OSError as error:
        raise BundleError(f"{path.name}: it could not be written: {error.strerror}") from error


def execute(path: Path, *, told: Callable[[int, int], None] | None = None) -> None:
    """Run every cell of a notebook in a kernel of its own and save it with its outputs.

    ``told`` is called with (cells run, cells). Raises BundleError with the first failing cell.
    """
    # nbclient costs a second to import and only this function runs kernels
    from nbclient import NotebookClient  # noqa: PLC0415
    from nbclient.exceptions import CellExecutionError  # noqa: PLC0415
    from nbformat import from_dict  # noqa: PLC0415

    notebook = from_dict(json.loads(path.read_text("utf-8")))
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    run = iter(range(1, total + 1))

    def after(**_: Any) -> None:
        if told is not None:
            told(next(run, total), total)

    client = NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_executed=after,
        store_widget_state=False,  # a form's state is the dataset, never the notebook
        coalesce_streams=True,
        extra_arguments=["--Application.log_level=40"],  # its advice on transports is not for users
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise BundleError(f"{path.name}: a cell failed: {error.ename}: {error.evalue}") from error
    finally:
        save(path, notebook)
    failed = (
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "error"
    )
    for output in failed:
        raise BundleError(f"{path.name}: a cell failed: {output.ename}: {output.evalue}")


def _section(section: Section, more: Mapping[str, Sequence[Asked]]) -> Iterator[Cell]:
    """Yield the cells of one section: its heading, its form, its queries."""
    if section.level > 1:
        yield _text(
            f"heading-{section.slug}",
            f"## {section.title}",
            role="heading",
            section=section.title,
        )
    source = f"incident.form({json.dumps(section.title, ensure_ascii=False)})"
    yield _code(f"form-{section.slug}", source, role="form", section=section.title)
    if _holds(section, MONITORS):
        yield _text("heading-backtest", BACKTEST, role="heading", section=section.title)
        yield _code("backtest", TRY, role="backtest", section=section.title)
    for place, query in _queries(section):
        yield _text(
            f"heading-query-{query.name}",
            f"### {place.title}: {query.label}" if query.label else f"### {place.title}",
            role="heading",
            section=section.title,
        )
        yield _code(
            f"query-{query.name}",
            f"%%datadog {query.name}\n{query.call.rstrip()}",
            role="query",
            section=section.title,
            evidence=query.name,
        )
        for name, label, call in more.get(query.name, ()):
            facts = {"section": section.title, "evidence": name}
            title = f"### {label}"
            yield _text(f"heading-query-{name}", title, role="heading", section=section.title)
            yield _code(f"query-{name}", f"%%datadog {name}\n{call}", role="query", **facts)


def _queries(section: Section) -> Iterator[tuple[Section, Query]]:
    """Yield each query of a section with the sub-section that it stands in."""
    for part in section.parts:
        if type(part).__name__ == "Query":
            yield section, part  # type: ignore[misc]
    for inner in section.sections:
        yield from _queries(inner)


def _holds(section: Section, table: str) -> bool:
    """Return whether a section has rows of a table, at whatever depth."""
    own = any(getattr(part, "table", "") == table for part in section.parts)
    return own or any(_holds(inner, table) for inner in section.sections)


def _text(name: str, source: str, **facts: str) -> Cell:
    return {"cell_type": "markdown", **_common(name, source, facts)}


def _code(name: str, source: str, **facts: str) -> Cell:
    common = _common(name, source, facts)
    return {"cell_type": "code", "execution_count": None, "outputs": [], **common}


def _common(name: str, source: str, facts: dict[str, str]) -> Cell:
    """Return what every cell has; the id is made from the template's own names, ≤ 64 long."""
    tidy = "".join(char if char.isascii() and char.isalnum() else "-" for char in name)
    tags = {"tags": [GOES_ON]} if facts["role"] in ASKS else {}
    return {"id": tidy[:64], "metadata": {"postmortem": facts, **tags}, "source": source}
