"""Back-tests in a document: a table, what to know of each, and a figure with its evidence.

They stand behind the proposed monitors, recomputed from frozen answers, and only where a monitor
was back-tested.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from postmortem_nb import cellmarkdown, figurehtml, pageparts, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postmortem_nb.figures import Figure, Figures
    from postmortem_nb.incident import Incident
    from postmortem_nb.monitors.backtests import BackTest
    from postmortem_nb.monitors.outcome import Outcome

TABLE = "monitors"
TITLE = "Back-test"


@dataclass(slots=True)
class Chapter:
    """The back-tests of one document, told once, behind the rows of their table."""

    figures: Figures
    found: Sequence[BackTest]
    told: bool = field(default=False)

    def html(self, table: str, *, code: bool = False) -> str:
        """Return what follows a table's rows as HTML; nothing for any other table."""
        if not self._is_due(table):
            return ""
        results = import_module("postmortem_nb.monitors.results")
        rows = [results.cells(each, self.figures.cover) for each in self.found]
        parts = [
            f"<h4>{TITLE}</h4>",
            f'<p class="pm-note">{text.html(results.about(self.found))}</p>',
            pageparts.table(results.HEADS, rows, numbers=frozenset()),
            "".join(f'<p class="pm-note">{text.html(line)}</p>' for line in self._notes()),
            *(figurehtml.draw(figure, code) for figure in self._figures()),
        ]
        return f'<div class="pm-backtest">{"".join(parts)}</div>'

    def markdown(self, table: str, figure: Callable[[Figure], str] | None = None) -> str:
        """Return what follows a table's rows as Markdown; nothing for any other table.

        ``figure`` writes a figure; without it there are none.
        """
        if not self._is_due(table):
            return ""
        results = import_module("postmortem_nb.monitors.results")
        rows = [results.cells(each, self.figures.cover) for each in self.found]
        notes = "\n".join(f"- {text.markdown(line)}" for line in self._notes())
        parts = [
            f"**{TITLE}**",
            text.markdown(results.about(self.found)),
            cellmarkdown.table(results.HEADS, rows),
            notes,
            *(map(figure, self._figures()) if figure else ()),
        ]
        return "\n\n".join(part for part in parts if part)

    def _is_due(self, table: str) -> bool:
        due = table == TABLE and bool(self.found) and not self.told
        self.told = self.told or due
        return due

    def _notes(self) -> list[str]:
        """Return what a reader has to know of each monitor, by its number."""
        notes = import_module("postmortem_nb.monitors.results").notes
        return [
            f"Monitor {each.number}: {self.figures.cover(notes(each))}."
            for each in self.found
            if notes(each)
        ]

    def _figures(self) -> list[Figure]:
        found = (
            self._figure(each, each.tried)
            for each in self.found
            if each.tried is not None and each.tried.evaluated.groups
        )
        return list(found)

    def _figure(self, each: BackTest, tried: Outcome) -> Figure:
        """Return the figure of a back-test: its cell's picture where that still fits."""
        results = import_module("postmortem_nb.monitors.results")
        cover = self.figures.cover
        known = self.figures.stored(str(tried.record.get("name")), results.key(each, tried))
        stored = None if tried.record.get("changed") else known
        return self.figures.keep(
            f"{TITLE}: {each.name or 'unnamed monitor'}",
            tried.record,
            stored[0] if stored else results.picture(each, cover),
            cover(results.sentence(each, cover)),
        )


def chapter(incident: Incident, figures: Figures, *, public: bool) -> Chapter:
    """Return the back-tests of a document; none in the public edition, nor where none is proposed.

    A monitor that cannot be back-tested says why even where none was.
    """
    is_proposed = TABLE in incident.template.tables and len(incident[TABLE]) > 0
    if public or not is_proposed:
        return Chapter(figures, ())
    return Chapter(figures, import_module("postmortem_nb.monitors.backtests").frozen(incident))
