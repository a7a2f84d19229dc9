"""A finding: a DataFrame that shows its chart and its first rows as the last value of a cell."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from postmortem_nb import masking, text
from postmortem_nb.charts import card
from postmortem_nb.errors import BadValue, expected
from postmortem_nb.incident import Incident

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

Window = tuple["datetime | None", "datetime | None"]


@dataclass(frozen=True, slots=True)
class Shown:
    """How a finding is shown: its picture, that in words, the columns of its table, and a line."""

    draw: Callable[[], Figure]
    alt: str
    columns: Sequence[str]
    line: str


class Found(pd.DataFrame):
    """What an analysis found: a plain DataFrame to work with, shown with its chart.

    ``attrs["evidence"]`` is the record of the answer that it was computed from, so that
    ``incident.add_to_timeline(found, 0)`` names it. What is cut out of it is a plain DataFrame.
    """

    _internal_names = [*pd.DataFrame._internal_names, "_shown"]  # type: ignore[attr-defined] # noqa: RUF012, SLF001 - how pandas wants to be told
    _internal_names_set = set(_internal_names)  # noqa: RUF012 - the same
    _shown: Shown | None = None

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def chart(self) -> Figure:
        """Return the chart as a matplotlib figure."""
        if self._shown is None:
            raise BadValue("chart: a copy of a finding has none; call the analysis again")
        with card.style():
            return self._shown.draw()

    def _ipython_display_(self) -> None:
        """Show chart, first rows and what they were compared with: IPython's hook."""
        session = import_module("postmortem_nb.session")
        if self._shown is None:
            session.rows(self)
        else:
            session.finding(self, self._shown)


def made(rows: pd.DataFrame, shown: Shown, source: pd.DataFrame) -> Found:
    """Return rows as a finding about ``source``, whose evidence it names."""
    found = Found(rows)
    found.attrs = {"evidence": dict(source.attrs.get("evidence") or {})}
    found._shown = shown  # noqa: SLF001 - made here
    return found


def window(incident: object) -> Window:
    """Return the declared window of an incident; unknown for none. BadValue for anything else."""
    if incident is None:
        return None, None
    if not isinstance(incident, Incident):
        came = incident if isinstance(incident, str) else f"a {type(incident).__name__}"
        raise BadValue(
            expected("incident", "an incident", example="Incident.open('INC-4821')", came=came)
        )
    return incident.window()


def timed(frame: object, thing: str = "frame") -> pd.DataFrame:
    """Return a frame with a ``timestamp`` in UTC; BadValue for anything else."""
    if not isinstance(frame, pd.DataFrame) or "timestamp" not in frame.columns:
        came = list(frame.columns)[:8] if isinstance(frame, pd.DataFrame) else frame
        raise BadValue(
            expected(
                thing, "an answer with a timestamp column", example="search_datadog_logs(…)",
                came=came,
            )
        )  # fmt: skip
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise BadValue(expected(thing, "each column once", example="version", came=twice))
    moments = pd.to_datetime(frame["timestamp"], utc=True, errors="coerce")
    whole = frame.assign(timestamp=moments.astype("datetime64[us, UTC]"))
    whole.attrs = frame.attrs
    return whole


def texts(column: pd.Series[Any]) -> NDArray[np.object_]:
    """Return a column as texts that can be encoded; None where one is missing."""
    missing = column.isna().to_numpy(dtype=bool)
    pairs = zip(column, missing, strict=True)
    held = np.empty(len(column), dtype=object)
    held[:] = [None if gone else text.clean(value) for value, gone in pairs]
    return held


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dictionaries by column."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def covered(value: object) -> str:
    """Return a text for a picture, secrets masked."""
    return masking.mask(str(value))


def moments(seconds: Any) -> pd.Series[Any]:
    """Return seconds since the epoch as UTC times; NaN is missing."""
    return pd.Series(pd.to_datetime(seconds, unit="s", utc=True)).astype("datetime64[us, UTC]")
