"""How much of the impact an answer saw: its rows inside, and whether it is only a part.

The *impact* is one interval or several. An answer that was cut off by a limit, or whose question
leaves out some of the impact, saw only a part: what is counted in it is a lower bound.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pandas as pd

from postmortem_nb import times
from postmortem_nb.errors import PostmortemError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Window = tuple[dt.datetime, dt.datetime]
Windows = Window | tuple[Window, ...]
"""The impact: from start to end, or several such intervals."""

NOTHING = dt.timedelta()
NOT_ASKED = "not asked"
"""What is said of a time that an answer does not tell of."""


def intervals(window: Windows) -> tuple[Window, ...]:
    """Return the impact as intervals, however it was given."""
    if not window:
        return ()
    single = isinstance(window[0], dt.datetime)
    return (window,) if single else tuple(window)  # type: ignore[return-value,arg-type]


def within(frame: pd.DataFrame, window: Windows) -> pd.DataFrame:
    """Return the rows of the impact, the end of each interval left out."""
    inside = pd.Series(data=False, index=frame.index)
    for start, end in intervals(window):
        inside |= ((frame["timestamp"] >= start) & (frame["timestamp"] < end)).fillna(value=False)
    return frame[inside]


def record(frame: pd.DataFrame) -> Mapping[str, object]:
    """Return where an answer comes from; empty for a frame that nobody froze."""
    return frame.attrs.get("evidence") or {}


def is_cut(frame: pd.DataFrame) -> bool:
    """Return whether an answer is known to hold only a part of what was asked for."""
    return not record(frame).get("complete", True)


def asked(told: Mapping[str, object], *, further: dt.timedelta = NOTHING) -> Window | None:
    """Return the time that an answer tells of, None where its record does not say.

    What was asked for before its window was over ends there. ``further`` is what was asked beyond.
    """
    since, until, fetched = (_moment(told.get(name)) for name in ("from", "to", "fetched_at"))
    if since is None or until is None:
        return None
    until += further
    if fetched is not None and not told.get("sandbox"):
        until = min(until, fetched)
    return since, max(since, until)


def unseen(window: Window | None, impact: Sequence[Window]) -> str:
    """Return in words what an answer tells of where that is not the whole impact; else empty."""
    if window is None or all(window[0] <= start and end <= window[1] for start, end in impact):
        return ""
    since, until = (times.shown(moment) for moment in window)
    return f"the answer covers {since} to {until} only, not the whole impact"


def limits(frame: pd.DataFrame, window: Windows) -> str:
    """Return in words why an answer saw only a part of the impact; empty where it saw all."""
    cut = "the answer is partial" if is_cut(frame) else ""
    return unseen(asked(record(frame)), intervals(window)) or cut or _full(frame)


def _full(frame: pd.DataFrame) -> str:
    """Return in words that a search found as many rows as it may: it would have found more."""
    told = record(frame)
    arguments = told.get("arguments")
    limit = arguments.get("limit") if isinstance(arguments, dict) else None
    searched = str(told.get("function")).startswith("search_")
    full = searched and isinstance(limit, int) and 0 < limit <= len(frame)
    return f"the answer has all of the {limit:,} rows that its limit allows" if full else ""


def told(words: str, window: Window | None, *spans: Window) -> str:
    """Return a figure of some stretches of time as an answer of a window can tell it.

    As it stands where the window holds all of them, as a lower bound where it holds a part.
    """
    if window is None or all(window[0] <= start and end <= window[1] for start, end in spans):
        return words
    outside = all(end <= window[0] or window[1] <= start for start, end in spans)
    return NOT_ASKED if outside else f"at least {words}"


def _moment(value: object) -> dt.datetime | None:
    """Return a recorded time, nothing where it is unreadable."""
    try:
        return times.parse(value) if value else None
    except PostmortemError:
        return None
