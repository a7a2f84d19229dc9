"""The document as cells of a Datadog notebook: text as Markdown, questions as live graphs.

Metric queries become timeseries and log searches log streams, each over the window that was asked.
What Datadog has no cell for stands as a table. Every text has its secrets masked.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from postmortem_nb import (
    backtested,
    bundle,
    callsyntax,
    cellmarkdown,
    document,
    evidence,
    masked,
    provenance,
    sources,
    story,
    text,
    times,
)
from postmortem_nb.datadog import calls
from postmortem_nb.errors import BadValue, BundleError, PostmortemError, QueryError
from postmortem_nb.figures import Figures
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from postmortem_nb.incident import Incident
    from postmortem_nb.ipynb import Cell
    from postmortem_nb.parts import Query
    from postmortem_nb.sources import Source
    from postmortem_nb.story import Block

Json = dict[str, Any]

ROWS = 20
COLUMNS = 6
LONGEST = 200
"""Characters of a value in a table."""

_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def cells(incident: Incident) -> tuple[list[Json], list[str]]:
    """Return the cells of an incident's document, and a line for each kind of secret masked.

    Raises BundleError where the bundle cannot be read.
    """
    source = sources.find(incident.path)
    if source.incident is None:
        raise BundleError(f"{incident.path}: there is no incident any more")
    made = _Cells(source, source.incident)
    queries = frozenset(query.name for query in made.incident.template.queries())
    for block in story.blocks(made.incident.template, source.cells, queries=queries):
        made.add(block)
    return made.made, source.removed.lines()


def markdown(words: str) -> Json:
    """Return a Markdown cell."""
    return _cell({"definition": {"type": "markdown", "text": text.clean(words)}})


def _cell(attributes: Json) -> Json:
    return {"type": "notebook_cells", "attributes": attributes}


class _Cells:
    """The cells of one document under way."""

    def __init__(self, source: Source, incident: masked.MaskedIncident) -> None:
        self.made: list[Json] = []
        self.incident = incident
        self._source = source
        self._folder = source.folder / bundle.EVIDENCE
        self._records = {str(record["name"]): record for record in evidence.listing(self._folder)}
        figures = Figures(incident, (), source.cover)
        self._tried = backtested.chapter(incident, figures, public=False)
        self._mark = secrets.token_hex(8)  # no text can hold it: it is drawn now

    def add(self, block: Block) -> None:
        """Add the cells of a block of the document."""
        if isinstance(block, story.Chapter):
            self._chapter(block.section.title)
        elif isinstance(block, story.Own):
            self._say(self._own(block.cell))
        else:
            self._say(text.fence(self._source.cover(block.cell.source.strip())))
            self.made += self._answer(block.cell.evidence, block.cell.source)

    def _chapter(self, title: str) -> None:
        """Add a section: its text, and after each question its answer."""
        calls_of = {query.name: query.call for query in self.incident.template.queries()}
        words = document.markdown(
            self.incident, section=title, figure=self._marked, after=self._tried.markdown
        )
        mark = re.compile(rf"^{self._mark}-(\w+)\n", re.MULTILINE)
        parts = mark.split(_FRONT.sub("", words))
        for number, part in enumerate(parts):
            if number % 2:
                self.made += self._answer(part, calls_of.get(part, ""))
            else:
                self._say(part)

    def _marked(self, query: Query) -> str:
        """Return the line that stands for the answer to a question; none where it was not asked."""
        known = query.name in self._records or self._filled(query.call) is not None
        return f"{self._mark}-{query.name}" if known else ""

    def _say(self, words: str) -> None:
        if words.strip():
            self.made.append(markdown(words.strip("\n")))

    def _own(self, cell: Cell) -> str:
        """Return a cell of the author's as Markdown; pictures stay in the bundle."""
        if cell.kind == "markdown":
            return cellmarkdown.fragment(cell, _picture)
        return cellmarkdown.outputs(cell, _picture) if cell.kind == "code" else ""

    def _answer(self, name: str, call: str) -> Iterator[Json]:
        """Yield the cells of an answer: a live graph, or its rows; then where it comes from."""
        record = self._records.get(name)
        if record is None or "problem" in record:
            asked = self._filled(call)
            if asked is not None:
                yield from _native(asked.function, self._covered(asked.arguments))
            return
        record = self._covered(record)
        arguments = record.get("arguments")
        window = {"from_": record.get("from"), "to": record.get("to")}
        known = arguments if isinstance(arguments, dict) else {}
        native = list(_native(str(record.get("function")), {**known, **window}))
        yield from native
        table = (
            "" if native and record.get("function") != "analyze_datadog_logs" else self._rows(name)
        )
        yield markdown("\n\n".join(part for part in (table, _where(record)) if part))

    def _covered(self, found: Mapping[str, Any]) -> Json:
        covered: Json = masked.covered(dict(found), self._source.cover)
        return covered

    def _filled(self, call: str) -> callsyntax.Call | None:
        """Return a call with what the incident knows, None while it cannot be asked."""
        try:
            asked = calls.parse(call.partition("\n")[2] if call.startswith("%%") else call)
            variables = self.incident.variables()
            return None if calls.unknown(asked, variables) else calls.fill(asked, variables)
        except (BadValue, QueryError):
            return None

    def _rows(self, name: str) -> str:
        """Return the first rows of an answer as a table of Markdown; empty where there are none."""
        try:
            frame = evidence.thaw(self._folder, name)
        except PostmortemError:
            return ""
        shown = frame.iloc[:ROWS, :COLUMNS]
        if shown.empty:
            return ""
        lines = [[self._word(value) for value in row] for row in shown.itertuples(index=False)]
        heads = [self._word(name) for name in shown.columns]
        more = f"\n\n… and {len(frame) - ROWS:,} more rows" if len(frame) > ROWS else ""
        return "\n".join(_line(each) for each in (heads, ["---"] * len(heads), *lines)) + more

    def _word(self, value: Any) -> str:
        """Return a value of a table on one line, masked; missing is a dash."""
        if type(value).__name__ in ("NAType", "NaTType", "NoneType") or value != value:  # noqa: PLR0124
            return "–"
        if isinstance(value, (list, tuple)) or type(value).__name__ == "ndarray":
            value = ", ".join(map(str, value))
        said = numeral(value) if isinstance(value, float) else str(value)
        line = " ".join(self._source.cover(text.visible(said)).split())
        return text.markdown(line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…")


def _line(cells_of: list[str]) -> str:
    return f"| {' | '.join(cells_of)} |"


def _picture(kind: str, raw: bytes, alt: str) -> str:
    """Return the words for a picture: Datadog's notebooks take no files."""
    del raw
    return f"*{text.markdown(f'[Picture ({kind}) in the notebook of the bundle: {alt}]')}*"


def _where(record: Json) -> str:
    """Return where an answer comes from, with the link to the same view."""
    link = text.href(str(record.get("link") or ""))
    seen = f" · <{link}>" if link and not set(link) & set("<>`\\ ") else ""
    return f"*{text.markdown(provenance.line(record))}*{seen}"


def _native(function: str, arguments: Mapping[str, Any]) -> Iterator[Json]:
    """Yield the cell in which Datadog asks a question itself; none for what it has no cell for."""
    definition = _DEFINITIONS.get(function, _none)(arguments)
    if definition is None:
        return
    attributes: Json = {"definition": definition, "graph_size": "m"}
    attributes["split_by"] = {"keys": [], "tags": []}
    try:
        moments = (times.parse(arguments.get(name), name=name) for name in ("from_", "to"))
        start, end = (times.iso(moment) for moment in moments)
        attributes["time"] = {"start": start, "end": end, "live": False}
    except BadValue:
        attributes["time"] = None  # the notebook's own
    yield _cell(attributes)


def _none(arguments: Mapping[str, Any]) -> Json | None:
    del arguments
    return None


def _timeseries(arguments: Mapping[str, Any]) -> Json | None:
    """Return a graph of metric queries, or of formulas over them."""
    queries = _texts(arguments.get("queries"))
    formulas = _texts(arguments.get("formulas"))
    if not queries:
        return None
    requests: list[Json] = [{"q": query, "display_type": "line"} for query in queries]
    if formulas:
        named = [
            {"data_source": "metrics", "name": f"query{n}", "query": query}
            for n, query in enumerate(queries)
        ]
        words = [{"formula": formula} for formula in formulas]
        requests = [{"formulas": words, "queries": named, "response_format": "timeseries"}]
        requests[0]["display_type"] = "line"
    return {"type": "timeseries", "requests": requests, "show_legend": True}


def _log_stream(arguments: Mapping[str, Any]) -> Json:
    """Return the list of logs that a search finds."""
    query = arguments.get("query") or arguments.get("filter") or "*"
    found: Json = {"type": "log_stream", "query": str(query), "columns": ["host", "service"]}
    indexes = [name for name in _texts(arguments.get("indexes")) if name != "*"]
    return {**found, "indexes": indexes, "show_date_column": True, "show_message_column": True}


_DEFINITIONS = {
    "get_datadog_metric": _timeseries,
    "search_datadog_logs": _log_stream,
    "analyze_datadog_logs": _log_stream,
}


def _texts(value: object) -> list[str]:
    """Return one text or several as a list; what is no text is left out."""
    several = [value] if isinstance(value, str) else value
    listed = several if isinstance(several, (list, tuple)) else []
    return [each for each in listed if isinstance(each, str) and each.strip()]
