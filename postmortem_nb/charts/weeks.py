"""Answers of several weeks, or of an SLO's steps, as the columns of a metric: lines over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import times

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

WEEK, NOTHING = pd.Timedelta(days=7), pd.Timedelta(0)
OWN, OTHERS = "this week", "other week"
EPOCH = pd.Timestamp(0, tz="UTC")


def side_by_side(frame: pd.DataFrame) -> pd.DataFrame:
    """Return revenue by week as lines over the incident's own hours, the incident's first.

    The hours after the incident may come in wider buckets than the incident's own: each is a
    question of its own. So that the lines do not jump where the width changes, they are a rate per
    minute in buckets of one width, the widest; a bucket that the end of the question cuts short is
    left out, its rate is not known. Where no width is known the values stay.
    """
    weeks = frame["week"].astype("Int64").fillna(0).astype("int64")
    even = pd.DataFrame(
        {
            "timestamp": frame["timestamp"] - weeks * WEEK,
            "query": frame["query"].astype("string"),
            "week": -weeks,
            "value": frame["value"].astype("Float64"),
            "unit": frame["unit"].astype("string"),
        }
    )
    width = _widths(even, frame["part"])
    if not width.isna().all():
        width = width.fillna(width.max())
        end = frame["part"].map(_ends(frame.attrs.get("evidence", {})))
        whole = ~(even["timestamp"] + width > pd.to_datetime(end, utc=True))
        even = _rates(even[whole], width[whole])
    return even.assign(series=even["week"].map(_name).astype("string")).drop(columns="week")


def _name(week: int) -> str:
    return f"{week} week{'s' * (week != 1)} before" if week else OWN


def _ends(facts: Mapping[str, Any]) -> dict[str, datetime]:
    """Return when each part of a question ends, as far as its record says."""
    to, arguments = facts.get("to"), facts.get("arguments", {})
    if not isinstance(to, str):
        return {}
    end, later = times.parse(to), arguments.get("deferred")
    after = {"after": end + times.span(later, name="deferred")} if later else {}
    return {"impact": end, **after}


def _widths(even: pd.DataFrame, part: pd.Series) -> pd.Series:
    """Return how wide each row's bucket is: the least step of its week and part."""
    parts = even.assign(part=part).sort_values("timestamp").groupby(["week", "part"], dropna=False)
    steps = parts["timestamp"].diff()
    keys = [even["week"], part]
    least = steps.where(steps > NOTHING).groupby(keys, dropna=False).transform("min")
    return least.reindex(even.index)


def _rates(even: pd.DataFrame, width: pd.Series) -> pd.DataFrame:
    """Return values per minute: of each bucket of the widest width, over the time that it knows."""
    there = even["value"].notna()
    start = even["timestamp"] - (even["timestamp"] - EPOCH) % width.max()
    known = even.assign(timestamp=start, minutes=width.dt.total_seconds() / 60)[there]
    keys = ["week", "timestamp", "query", "unit"]
    sums = known.groupby(keys, dropna=False, sort=True)[["value", "minutes"]].sum().reset_index()
    unit = (sums["unit"].fillna("") + "/minute").astype("string")
    rate = sums["value"] / sums["minutes"].astype("Float64")
    return sums.assign(value=rate, unit=unit).drop(columns="minutes")


def bad(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what was bad in each step of an SLO's answer near the incident, as one line."""
    near = frame[frame["scope"] == "incident"]
    return pd.DataFrame(
        {
            "timestamp": near["timestamp"],
            "query": "bad " + near["unit"].astype("string"),
            "series": pd.Series("*", index=near.index, dtype="string"),
            "value": near["bad"].astype("Float64"),
            "unit": pd.Series(pd.NA, index=near.index, dtype="string"),
        }
    )
