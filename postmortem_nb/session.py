"""A query cell, from its text to its frame: read, fill, ask once, freeze, show.

An answer that was frozen for the same question is shown again without asking anybody; a changed
question or ``refresh`` asks anew. Everything shown passes the text door.
"""

from __future__ import annotations

import keyword
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.display import DisplayHandle, display

from postmortem_nb import (
    asidehtml,
    asides,
    callsyntax,
    charts,
    drawing,
    evidence,
    formdesk,
    kinds,
    masking,
    provenance,
    tallies,
    text,
    units,
)
from postmortem_nb.datadog import calls
from postmortem_nb.errors import NotSaved, QueryError, expected
from postmortem_nb.incident import Incident
from postmortem_nb.monitors import results
from postmortem_nb.wholeframe import at_left

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from postmortem_nb.analysis.found import Shown
    from postmortem_nb.monitors.results import BackTests

ROWS_SHOWN = 5
FOUND_SHOWN = 8
COLUMNS_SHOWN = 8
LONGEST_CELL = 160
REDRAWN = 0.2
"""Seconds between two drawings of how a pull gets on."""
BELOW_CHART = "pm-below-chart "
"""Class of what follows a chart; a picture itself gets none from JupyterLab."""
CHARTS = ("line", "area", "bar", "table", "none")


@dataclass(frozen=True, slots=True)
class Options:
    """How a query cell is asked and shown: chart kind, grouping column, asked anew or not."""

    chart: str = ""
    by: str = ""
    refresh: bool = False


def find(names: Mapping[str, Any]) -> Incident | None:
    """Return the notebook's incident: the variable ``incident``, else the bundle it lies in."""
    found = names.get("incident")
    if isinstance(found, Incident):
        return found
    folder = Path.cwd()
    return Incident.open(folder) if (folder / "incident.jsonl").is_file() else None


def query(
    source: str, name: str, *, incident: Incident | None, options: Options
) -> pd.DataFrame | None:
    """Ask one question, show its answer and return its frame.

    None where the question names a time or service that the incident does not know yet: that is
    said instead, so that a new notebook runs from top to bottom.
    Raises QueryError for a call that cannot be read and DatadogError for an answer that failed.
    """
    check_name(name)
    call = calls.parse(source)
    known = incident.variables() if incident is not None else {}
    unknown = calls.unknown(call, known)
    if unknown and incident is not None:
        say(f"Not asked yet: {_missing(unknown)}")
        return None
    call = calls.fill(call, known)
    folder = incident.path / "evidence" if incident is not None else None
    frame = None if options.refresh else _frozen(folder, name, call)
    if frame is None:
        frame = _asked(folder, name, call)
        if incident is not None:
            formdesk.at(incident).changed()  # forms suggest what the answer says
    show(frame, incident=incident, options=options)
    return frame


def check_name(name: str) -> None:
    """Refuse a name that cannot be both a variable and a file."""
    if name == "incident" or keyword.iskeyword(name):
        taken = "the incident itself" if name == "incident" else "a word of Python"
        raise QueryError(
            f"%%datadog: {name} is {taken}; give the answer another name, for example: "
            "%%datadog errors"
        )
    if not name.isidentifier() or len(name) > 60:
        raise QueryError(
            expected("%%datadog", "a name for the variable", example="%%datadog errors", came=name)
        )


def show(frame: pd.DataFrame, *, incident: Incident | None, options: Options) -> None:
    """Show a frame: its chart with the incident marked, a short table, its provenance."""
    record = frame.attrs.get("evidence", {})
    is_drawn = options.chart not in ("table", "none") and _chart(frame, incident, options)
    if options.chart != "none":
        shown, plain = _said(frame, incident)
        _html(shown, plain=plain, below=BELOW_CHART if is_drawn else "")
    if is_drawn and (words := charts.otherwise(frame, kind=options.chart, by=options.by)):
        say(f"--chart {options.chart}: {words}")
    _small(provenance.line(record), _link(record))
    _boxed()
    if record and not record.get("complete"):
        _small(f"{provenance.more(record)}.")
    if record.get("sandbox") and calls.has_account():
        say("This answer is the sandbox's, made up. Run the cell with --refresh to ask Datadog.")
    advice = record.get("advice")
    for words in advice if isinstance(advice, list) else []:
        say(f"Found nothing: {words}")


def finding(frame: pd.DataFrame, shown: Shown) -> None:
    """Show what an analysis found: its chart, a table of its main columns, and a line about it."""
    with charts.card.style():
        png = charts.png(shown.draw())
    alt = masking.mask(shown.alt)
    display(
        {"image/png": png, "text/plain": alt},
        metadata={"image/png": {"alt": alt, "width": charts.WIDTH}, "postmortem": {"alt": alt}},
        raw=True,
    )
    main = frame[[name for name in shown.columns if name in frame.columns]].head(FOUND_SHOWN)
    rounded = main.apply(lambda column: column.map(_rounded))
    plain = rounded.to_string(max_colwidth=60)
    said = table(rounded, FOUND_SHOWN) + _more(frame[main.columns], FOUND_SHOWN)
    _html(said, plain=plain, below=BELOW_CHART)
    _small(shown.line)
    _boxed()


def _boxed() -> None:
    """Say once of each character that pictures lack it."""
    if words := charts.card.undrawn():
        say(words)


def trials(found: BackTests) -> None:
    """Show back-tests: the table, and each picture as an export takes it, with its evidence."""
    _html(found._repr_html_(), plain=str(found))
    for tested in found:
        drawn = results.drawn(tested)
        if drawn:
            _picture(drawn)
            _small(results.line(tested), below=BELOW_CHART)


def _rounded(value: object) -> object:
    """Return a figure to three digits, what is smaller than its reader cares for as that."""
    if not isinstance(value, float) or math.isnan(value):
        return value
    if math.isinf(value):
        return "∞"
    return "< 0.0001" if 0 < value < 1e-4 else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def rows(frame: pd.DataFrame) -> None:
    """Show the first rows of a frame as a table in which every text is escaped."""
    _html(table(frame), plain=frame.head(ROWS_SHOWN).to_string(max_colwidth=60))


def _small(line: str, link: str = "", *, below: str = "") -> None:
    """Show a line about what stands above it; ``link`` is HTML."""
    _html(
        f'<p style="font-size:90%;opacity:.8;margin:.3em 0">{text.html(line)}{link}</p>',
        plain=text.visible(line),
        below=below,
    )


def _said(frame: pd.DataFrame, incident: Incident | None) -> tuple[str, str]:
    """Return as HTML and as plain text what an answer holds, and what it says of the impact."""
    plain = frame.head(ROWS_SHOWN).to_string(max_colwidth=60)
    name = str(frame.attrs.get("evidence", {}).get("name") or "")
    if incident is None or not name:
        return table(frame), plain
    found = incident.found()
    spent = next((each for each in found.budgets if each.name == name), None)
    if spent is not None:
        aside = asides.budget(spent)
        return at_left(asidehtml.table(aside)), "\n".join(" | ".join(row) for row in aside.rows)
    lines = [f"{each.label}: {each.words}" for each in found.estimates if each.is_from(name)]
    shown = "".join(f"<li>{text.html(line)}</li>" for line in lines)
    said = f"<p>This answer says of the impact:</p><ul>{shown}</ul>" if lines else ""
    return table(frame) + said, "\n".join([plain, *map(text.visible, lines)])


def table(frame: pd.DataFrame, most: int = ROWS_SHOWN) -> str:
    """Return the first rows as an HTML table in which every text is escaped."""
    shown = frame.iloc[:most, :COLUMNS_SHOWN]
    head = "".join(f'<th style="text-align:left">{_cell(name)}</th>' for name in shown.columns)
    rows = "".join(
        "<tr>"
        + "".join(f'<td style="text-align:left">{_cell(value)}</td>' for value in row)
        + "</tr>"
        for row in shown.itertuples(index=False)
    )
    more = _more(frame, most)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"


def _link(record: Mapping[str, Any]) -> str:
    """Return the link to the same view in Datadog; nothing where there is none."""
    address = text.href(record.get("link"))
    if not address:
        return ""
    rest = 'target="_blank" rel="noopener noreferrer"'
    return f' · <a href="{text.html(address)}" {rest}>in Datadog</a>'


def _more(frame: pd.DataFrame, most: int) -> str:
    rows, columns = len(frame) - most, frame.shape[1] - COLUMNS_SHOWN
    counts = ((rows, "row"), (columns, "column"))
    said = [f"{count:,} more {what}{'s' * (count != 1)}" for count, what in counts if count > 0]
    return f"<p>… and {' and '.join(said)}</p>" if said else ""


def _cell(value: object) -> str:
    line = " ".join(text.visible(_words(value)).split())
    return text.html(line if len(line) <= LONGEST_CELL else line[: LONGEST_CELL - 1] + "…")


def _words(value: object) -> str:
    """Return a value as a person writes it; missing is a dash, a list is joined by commas."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(str(item) for item in value)
    if kinds.is_missing(value):
        return "–"
    if isinstance(value, datetime):
        exact = value.isoformat(" ", "milliseconds" if value.microsecond else "seconds")
        return exact.replace("+00:00", " UTC")
    if isinstance(value, timedelta):
        return units.shown(value.total_seconds(), units.read("second"))
    return units.numeral(value) if isinstance(value, float) else str(value)


def _frozen(folder: Path | None, name: str, call: callsyntax.Call) -> pd.DataFrame | None:
    """Return the frozen answer to this very question, or None."""
    if folder is None or not evidence.holds(folder, name, question=calls.question(call)):
        return None
    return evidence.thaw(folder, name)


def _asked(folder: Path | None, name: str, call: callsyntax.Call) -> pd.DataFrame:
    """Ask Datadog, with a line of progress, and freeze what came."""
    handle = DisplayHandle()
    handle.display(_bundle("Asking …"), raw=True)

    told = _Told(handle, calls.most(call))
    try:
        frame = calls.ask(call, progress=told)
    finally:
        handle.update({"text/plain": ""}, raw=True)
    if folder is None:
        return frame
    kept = _whole(folder, name, call, frame.attrs["evidence"])
    if kept is not None:
        return kept
    try:
        evidence.freeze(folder, name, frame, frame.attrs["evidence"])
    except NotSaved as refused:  # it was waited for, and can be worked with
        say(
            f"Not frozen: {refused}. The answer is in the variable {name} alone: no document shows "
            "it. Make room or copy the incident to where you may write, then run this cell again."
        )
        return frame
    return evidence.thaw(folder, name)


def _whole(
    folder: Path, name: str, call: callsyntax.Call, record: dict[str, Any]
) -> pd.DataFrame | None:
    """Return the whole answer that a part of it must not take the place of, saying so; or None."""
    frozen = None if record.get("complete") else _frozen(folder, name, call)
    if frozen is None:
        return None
    before = frozen.attrs["evidence"]
    if not before.get("complete") or provenance.source(before) != provenance.source(record):
        return None
    say(
        f"Only a part came this time: {record.get('rows'):,} rows, {record.get('partial')}. The "
        "whole answer of before stays frozen and is shown; run this cell again to ask again."
    )
    return frozen


class _Told:
    """Draws how a pull gets on: a bar, rows, rate and what it waits for; a few times a second."""

    def __init__(self, handle: DisplayHandle, most: int) -> None:
        self._handle, self._most = handle, most
        self._drawn = 0.0

    def __call__(self, *, rows: int = 0, rate: float = 0.0, waiting: str = "") -> None:
        """Draw the latest; one that comes too soon after another is left out, but never a wait."""
        now = time.monotonic()
        if not waiting and now - self._drawn < REDRAWN:
            return
        self._drawn = now
        pace = f", {rate:,.0f} a second" if rate else ""
        line = f"{rows:,} row{'s' * (rows != 1)}{pace}" + (
            f" – waiting: {waiting}" if waiting else ""
        )
        self._handle.update(_bundle(line, before=self._bar(rows)), raw=True)

    def _bar(self, rows: int) -> str:
        """Return the bar as HTML; one that only moves where nobody knows how much is to come."""
        done = f' max="{self._most}" value="{min(rows, self._most)}"' if self._most and rows else ""
        return f'<progress aria-label="Rows so far"{done}></progress> '


def _chart(frame: pd.DataFrame, incident: Incident | None, options: Options) -> bool:
    """Show the chart as an export would draw it, so that an export need not draw it again.

    Returns whether there is one: some answers are only a table.
    """
    if options.by:
        charts.describe(frame, by=options.by)  # a wrong one is refused here
    window: tuple[datetime | None, datetime | None] = (None, None)
    moments: tuple[tuple[str, datetime], ...] = ()
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    if incident is not None:
        window, moments = incident.window(), tuple(incident.milestones())
        gaps = tallies.gapped(incident.found())
    drawn = drawing.draw(frame, drawing.Way(options.chart, options.by, window, moments, gaps))
    if drawn:
        _picture(drawn)
    return drawn is not None


def _picture(drawn: drawing.Drawn) -> None:
    display(
        {"image/png": drawn.png, "text/plain": drawn.alt},
        metadata={
            "image/png": {"alt": drawn.alt, "width": charts.WIDTH},
            "postmortem": drawn.facts,
        },
        raw=True,
    )


_FILLED = {
    "SERVICE": "the services in the first form",
    "SEVERITY": "the severity in the first form",
    "INCIDENT_START": "the time of 'Incident Start' in the timeline",
    "INCIDENT_END": "the time of 'Full Recovery' in the timeline",
}
"""Where what a placeholder stands for is filled in."""


def _missing(unknown: list[str]) -> str:
    names = ", ".join(unknown)
    where = [words for begin, words in _FILLED.items() if f"{{{{{begin}" in names]
    return (
        f"{names} {'is' if len(unknown) == 1 else 'are'} not known. Fill "
        f"{' and '.join(where) or 'it in the incident'}, then run this cell again."
    )


def say(line: str) -> None:
    """Show one line of plain text in the notebook."""
    display(_bundle(line), raw=True)


def _html(fragment: str, *, plain: str, below: str = "") -> None:
    """Show a fragment; ``below`` names what was shown just before, for the style sheet to find."""
    wrapped = f'<div class="{below}tex2jax_ignore mathjax_ignore">{fragment}</div>'
    display({"text/html": wrapped, "text/plain": plain}, raw=True)


def _bundle(line: str, *, before: str = "") -> dict[str, str]:
    wrapped = f'<p class="tex2jax_ignore mathjax_ignore">{before}{text.html(line)}</p>'
    return {"text/html": wrapped, "text/plain": text.visible(line)}
