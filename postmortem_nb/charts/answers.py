"""Answers of SQL, whose columns nobody knows beforehand: one number, bars, or lines over time."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from postmortem_nb import units
from postmortem_nb.captions import label
from postmortem_nb.charts import card, clock, palette, stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from postmortem_nb.charts.stage import View
    from postmortem_nb.units import Unit

    Floats = NDArray[np.float64]

MOST_BARS = 15
MOST_ACROSS = 3
MOST_NUMBERS = 4
ROW = 0.25
NAMES = 2.6  # inches for the names of bars

# How the last word of a column's name tells its unit.
HINTS = {
    "ns": "nanosecond", "us": "microsecond", "ms": "millisecond", "s": "second", "sec": "second",
    "seconds": "second", "bytes": "byte", "pct": "percent", "percent": "percent",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of an answer by what they hold; a whole number may stand for a name."""

    times: tuple[str, ...]
    names: tuple[str, ...]
    numbers: tuple[str, ...]


def shape(frame: pd.DataFrame) -> Shape:
    """Return what the columns hold; columns of the same name count once."""
    moments = tuple(name for name in frame.columns if clock.holds_times(frame[name]))
    numbers = [name for name in frame.columns if name not in moments and _is_number(frame[name])]
    names = [name for name in frame.columns if name not in moments and name not in numbers]
    if (
        not names
        and not moments
        and len(numbers) > 1
        and len(frame) > 1
        and _whole(frame[numbers[0]])
    ):
        names, numbers = numbers[:1], numbers[1:]
    return Shape(moments, tuple(names), tuple(numbers))


def _is_number(column: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(column.dtype):
        return False
    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_timedelta64_dtype(
        column.dtype
    ):
        return not pd.api.types.is_complex_dtype(column.dtype)
    there = column.dropna()
    return (
        column.dtype == object and len(there) > 0 and all(isinstance(one, Decimal) for one in there)
    )


def _whole(column: pd.Series) -> bool:
    return pd.api.types.is_integer_dtype(column.dtype)


def numbers(column: pd.Series) -> Floats:
    """Return a number column as floats; a duration as seconds; what cannot be drawn is NaN."""
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        column = column.dt.total_seconds()
    found = pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64", na_value=np.nan).copy()
    found[~(np.abs(found) < units.HUGE)] = np.nan
    return found


def unit(column: pd.Series, given: str = "") -> Unit:
    """Return the unit that is given, or that the column's type or name tells."""
    if given:
        return units.read(given)
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return units.read("second")
    last = str(column.name).lower().rstrip(")").replace(" ", "_").rpartition("_")[2]
    return units.read(HINTS.get(last, ""))


def tidy(frame: pd.DataFrame, found: Shape) -> pd.DataFrame:
    """Return an answer over time in the columns of a metric: a query for each number."""
    names = joined(frame, found.names) if found.names else pd.Series("*", index=frame.index)
    parts = [
        pd.DataFrame({
            "timestamp": frame[found.times[0]], "query": label(name), "series": names,
            "value": numbers(frame[name]), "unit": unit(frame[name]).name,
        })
        for name in found.numbers
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def joined(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return the values of some columns as one name a row."""
    parts = [frame[name].map(_word).astype(object) for name in columns]
    found = parts[0]
    for part in parts[1:]:
        found = found + " · " + part
    return found


def _word(value: object) -> str:
    if (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and np.isnan(value))
    ):
        return "unknown"
    return label(value, 120) or "(empty)"


def draw_numbers(frame: pd.DataFrame, found: Shape, view: View) -> Figure:
    """Return a card with the one row's numbers, large."""
    chosen = found.numbers[:MOST_NUMBERS]
    top = 0.3 if view.look.title else 0.0
    made = card.Card(1.0 + top)
    _title(made, view)
    stage.mark_origin(made, made.height - card.EDGE - 0.06, view.facts)
    room = (card.WIDTH - 2 * card.EDGE) / len(chosen)
    for place, name in enumerate(chosen):
        left = card.EDGE + place * room
        value = numbers(frame[name])[0]
        words = "–" if np.isnan(value) else value_words(value, unit(frame[name], view.look.unit))
        made.write(
            (left, 0.62), card.fit(words, room - 0.2, card.BIG, bold=True), size=card.BIG, bold=True
        )
        caption = card.fit(label(name, 80), room - 0.2)
        made.write((left, 0.26), caption, color=card.GREY)
    return made.figure


def value_words(value: float, measured: Unit) -> str:
    """Return a number as exactly as a reader wants it: whole ones in full."""
    if measured.family == "things" and value == round(value) and abs(value) < 1e12:
        return f"{value:,.0f}".replace("-", "−")
    return units.shown(value, measured)


def draw_bars(frame: pd.DataFrame, found: Shape, view: View) -> Figure:
    """Return horizontal bars, longest first, a panel for each of at most three numbers."""
    columns = found.numbers[:MOST_ACROSS]
    order = np.argsort(-np.nan_to_num(numbers(frame[columns[0]]), nan=-np.inf), kind="stable")
    shown = frame.iloc[order[:MOST_BARS]]
    names = card.fit_apart(list(joined(shown, found.names)), NAMES)
    left = card.EDGE + max(card.width(name) for name in names) + 0.12
    more = f"and {len(frame) - len(shown):,} more" if len(frame) > len(shown) else ""
    title = 0.3 if view.look.title else 0.0
    foot = card.EDGE + (0.22 if more else 0.0)
    made = card.Card(round(card.EDGE + title + 0.28 + ROW * len(shown) + foot, 3))
    _title(made, view)
    top = made.height - card.EDGE - title - 0.28
    taken = stage.mark_origin(made, top + 0.14, view.facts)
    for row, name in enumerate(names):
        made.write((left - 0.12, top - (row + 0.5) * ROW), name, align="right")
    room = (card.WIDTH - card.EDGE - left) / len(columns)
    for place, name in enumerate(columns):
        wide = room - 0.25
        head = wide - (taken if place == len(columns) - 1 else 0.0)
        made.write(
            (left + place * room, top + 0.14), card.fit(label(name, 60), head), color=card.GREY
        )
        _column(made, shown[name], (left + place * room, top, wide), view)
    made.write((left, card.EDGE + 0.06), more, size=card.SMALL, color=card.GREY)
    return made.figure


def _column(
    made: card.Card, column: pd.Series, place: tuple[float, float, float], view: View
) -> None:
    """Draw one number's bars from ``place`` (left, top, width), their values at their ends."""
    left, top, room = place
    values, measured = numbers(column), unit(column, view.look.unit)
    words = ["–" if np.isnan(value) else value_words(value, measured) for value in values]
    free = room - max(card.width(text) for text in words) - 0.08
    low, high = (
        min(0.0, float(np.nanmin(values, initial=0))),
        max(0.0, float(np.nanmax(values, initial=0))),
    )
    inch = free / ((high - low) or 1.0)
    zero = left - low * inch
    for row, (value, text) in enumerate(zip(np.nan_to_num(values), words, strict=True)):
        y = top - (row + 0.5) * ROW
        made.box(
            (zero + min(value, 0) * inch, y - 0.08),
            (abs(value) * inch, 0.16),
            facecolor=palette.SERIES[0],
        )
        made.write((zero + max(value, 0) * inch + 0.06, y), text)
    made.rule([(zero, top), (zero, top - ROW * len(words))], color=card.GREY)


def _title(made: card.Card, view: View) -> None:
    if view.look.title:
        words = card.fit(label(view.look.title), card.WIDTH - 2 * card.EDGE, card.TITLE, bold=True)
        made.write((card.EDGE, made.height - card.EDGE - 0.09), words, size=card.TITLE, bold=True)
