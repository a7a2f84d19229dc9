"""The revenue question: the incident's hours, and the same hours of the weeks before.

Each week is a question of its own, so that its points are as fine as the incident's. Hours after
the incident, where asked for, tell how many deferred orders came later.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import losses, times
from postmortem_nb.datadog import timeseries
from postmortem_nb.errors import QueryError, expected

if TYPE_CHECKING:
    from datetime import datetime

    from postmortem_nb.datadog.asking import Arguments, Asking

NAME = "get_datadog_revenue"
MOST_WEEKS = 52
WEEK = timedelta(days=7)
_CURRENCY = re.compile(r"\bcurrency(?:_code)?:\s*\"?([a-z]{3})\b", re.IGNORECASE)


def answer(asked: Asking) -> pd.DataFrame:
    """Return the frame of a revenue question, a row a point, by week and part."""
    query, weeks, later = _checked(asked.arguments)
    parts = {"impact": (asked.start, asked.end)}
    if later:
        parts["after"] = (asked.end, asked.end + later)
    found, partial = [], ""
    for week in range(0, -weeks - 1, -1):
        for part, span in parts.items():
            frame, missing = _asked(asked, query, span, week)
            partial = partial or missing
            found.append(frame.assign(week=week, part=part))
    whole = pd.concat(found, ignore_index=True)
    columns = {"week": "Int64", "part": "string"}
    made = whole.astype(columns)[list(losses.COLUMNS)]
    asked.teller.came(len(made))
    return asked.record(made, partial=partial)


def _asked(
    asked: Asking, query: str, span: tuple[datetime, datetime], week: int
) -> tuple[pd.DataFrame, str]:
    since, until = (moment + week * WEEK for moment in span)
    frame, partial = timeseries.points(asked.over(since, until), [query])
    frame["unit"] = _money(frame, query)
    inside = (frame["timestamp"] >= since) & (frame["timestamp"] < until)
    return frame[inside], partial


def _money(frame: pd.DataFrame, query: str) -> pd.Series[str]:
    """Return the unit of each point; without one, the currency that its tags or the query name.

    Euros and dollars of one query are no amount together.
    """
    tagged = frame["series"].astype("string").str.extract(_CURRENCY, expand=False).str.lower()
    named = _CURRENCY.search(query)
    found = tagged if named is None else tagged.fillna(named[1].lower())
    unit = frame["unit"].astype("string")
    return unit.mask(unit.fillna("") == "", found)


def _checked(given: Arguments) -> tuple[str, int, timedelta]:
    """Return query, weeks and hours after; QueryError for what cannot be asked."""
    query, weeks, deferred = given["metric"], given["weeks"], given["deferred"]
    if not isinstance(query, str) or ".as_count()" not in query:
        what = "a query that adds up money"
        example = "sum:shop.revenue{*}.as_count()"
        raise QueryError(expected(f"{NAME}: metric", what, example=example, came=query))
    if isinstance(weeks, bool) or not isinstance(weeks, int) or not 1 <= weeks <= MOST_WEEKS:
        what = f"a number of weeks, 1 to {MOST_WEEKS}"
        raise QueryError(expected(f"{NAME}: weeks", what, example="4", came=weeks))
    return query, weeks, _length(deferred)


def _length(deferred: Any) -> timedelta:
    """Return how long after the incident deferred orders are looked for; nothing unless given."""
    if deferred in (None, ""):
        return timedelta()
    found = times.span(deferred, name=f"{NAME}: deferred")
    if found >= WEEK:
        what = "less than a week"
        raise QueryError(expected(f"{NAME}: deferred", what, example="6h", came=deferred))
    return found
