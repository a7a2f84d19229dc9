"""Events: each a mark with its title; of many, the most severe are named and all are marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.captions import label
from postmortem_nb.charts import clock, palette, steps

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from postmortem_nb.charts.stage import View

MOST = 14


def moments(frame: pd.DataFrame) -> list[steps.Moment]:
    """Return all events in order of time, named by title and source, coloured by status."""
    at = clock.seconds(frame["timestamp"])
    columns = [frame.get(name) for name in ("title", "source", "status")]
    found = []
    for place in np.argsort(at, kind="stable"):
        title, source, status = (_text(column, int(place)) for column in columns)
        name = " · ".join(part for part in (title or "(no title)", source) if part)
        found.append(steps.Moment(float(at[place]), name, palette.STATUS.get(status, palette.REST)))
    return [moment for moment in found if np.isfinite(moment.at)]


def _text(column: pd.Series | None, place: int) -> str:
    if column is None or column.isna().iloc[place]:
        return ""
    return label(column.iloc[place], 160)


def named(every: list[steps.Moment], view: View) -> list[steps.Moment]:
    """Return the events to name: worst status first, then nearest to the incident's start."""
    start = view.look.window[0]
    near = clock.epoch(start) if start else view.span.start
    order = list(dict.fromkeys([*palette.STATUS.values(), palette.REST]))
    chosen = sorted(every, key=lambda one: (order.index(one.color), abs(one.at - near)))[:MOST]
    return sorted(chosen, key=lambda one: one.at)


def draw(frame: pd.DataFrame, view: View) -> Figure:
    """Return the picture of events, one below the other."""
    every = [one for one in moments(frame) if view.span.start <= one.at <= view.span.end]
    chosen = named(every, view)
    few = len(chosen) == len(every)
    caption = f"{len(every):,} events" if len(every) != 1 else "1 event"
    if not few:
        caption += f", the {len(chosen)} most severe named"
    phase = steps.Phase("", palette.REST, tuple(chosen))
    return steps.draw([phase], view, caption, rug=() if few else every)
