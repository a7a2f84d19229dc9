"""Charts of evidence and of the timeline, made to be read in a document 900 pixels wide.

    frame ──frames──▶ what it holds ──▶ lines · counts · spans · events · answers ──▶ a figure
                                   └──▶ told (the same in words: the picture's alt text)

One picture serves light and dark pages, screens and paper: a white card, the incident shaded, its
milestones named, units on the upright axis and UTC on the other. ``card`` alone knows matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postmortem_nb.charts import (
    alarms,
    answers,
    card,
    counts,
    events,
    lanes,
    lines,
    phases,
    spans,
    told,
    waterfall,
)
from postmortem_nb.charts.card import png, svg
from postmortem_nb.charts.frames import Answer, read
from postmortem_nb.charts.look import Look, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from typing import Any, Unpack

    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["WIDTH", "describe", "draw", "otherwise", "png", "svg", "timeline", "trial"]

WIDTH = 900
"""CSS pixels at which a picture is shown; its PNG has twice as many."""

_DRAWN: dict[str, Callable[[Answer], Figure | None]] = {
    "nothing": lambda answer: card.note(answer.view.look.title, told.nothing(answer)),
    "lines": lambda answer: lines.draw(answer.groups, answer.view),
    "counts": lambda answer: counts.draw(answer.counts, answer.view),
    "spans": lambda answer: spans.draw(answer.frame, answer.counts, answer.view),
    "events": lambda answer: events.draw(answer.frame, answer.view),
    "number": lambda answer: answers.draw_numbers(answer.frame, answer.shape, answer.view),
    "bars": lambda answer: answers.draw_bars(answer.frame, answer.shape, answer.view),
    "budget": lambda answer: waterfall.draw(answer.budget, answer.view) if answer.budget else None,
    "table": lambda _: None,
}


def draw(frame: pd.DataFrame, **words: Unpack[Words]) -> Figure | None:
    """Return the picture of an answer of any of the five functions, None where a table says more.

    Logs and events are shown over time, spans by duration, metrics as lines, SQL as numbers, bars
    or lines. The keyword arguments are those of ``look.Words``. A frame without rows gives a small
    picture that says so. Raises BadValue for an unknown ``kind`` or ``by``.
    """
    look = Look(**words)
    if look.kind in ("table", "none"):
        return None
    answer = read(frame, look)
    with card.style():
        return _DRAWN[answer.holds](answer)


def describe(frame: pd.DataFrame, **words: Unpack[Words]) -> str:
    """Return in words what ``draw`` shows for the same arguments: the picture's alt text."""
    return told.tell(read(frame, Look(**words)))


def otherwise(frame: pd.DataFrame, **words: Unpack[Words]) -> str:
    """Return how ``draw`` draws what cannot be of the ``kind`` asked for, and why; else ""."""
    return told.otherwise(read(frame, Look(**words)))


def trial(made: alarms.Trial | lanes.Lanes) -> bytes:
    """Return the picture (PNG) of a back-test: the incident, and below it the days before."""
    with card.style():
        return png(*(lanes.draw(made) if isinstance(made, lanes.Lanes) else alarms.draw(made)))


def timeline(
    rows: pd.DataFrame | Iterable[Mapping[str, Any]],
    window: tuple[datetime | None, datetime | None] = (None, None),
    *,
    title: str = "",
) -> Figure:
    """Return the incident's timeline to scale: phases as bars, each milestone on its own line.

    ``rows`` have ``time`` (aware, or missing), ``phase`` and ``step``, as ``incident.log()`` and
    ``incident.values("timeline")`` give them. Steps without a time are named below the picture.
    """
    with card.style():
        return phases.draw(rows, window, title)
