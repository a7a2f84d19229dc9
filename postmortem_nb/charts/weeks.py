"""Answers of several weeks, or of an SLO's steps, as the columns of a metric: lines over time."""

from __future__ import annotations

import pandas as pd

WEEK = pd.Timedelta(days=7)


def side_by_side(frame: pd.DataFrame) -> pd.DataFrame:
    """Return revenue by week as lines over the incident's own hours, the incident's first."""
    weeks = frame["week"].astype("Int64")
    names = {
        week: "this week" if week == 0 else f"{-week} week{'s' * (week != -1)} before"
        for week in sorted({int(week) for week in weeks.dropna()}, reverse=True)
    }
    return pd.DataFrame(
        {
            "timestamp": frame["timestamp"] - weeks.fillna(0).astype("int64") * WEEK,
            "query": frame["query"].astype("string"),
            "series": weeks.map(names).astype("string"),
            "value": frame["value"].astype("Float64"),
            "unit": frame["unit"].astype("string"),
        }
    )


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
