"""Lost revenue: what the same hours of other weeks usually bring, less what the incident brought.

The method is stated with every figure: the median of the weeks, its interval their least and most,
less the orders that came later instead.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

import pandas as pd

from postmortem_nb.errors import BadValue, expected
from postmortem_nb.estimates import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

FUNCTION = "get_datadog_revenue"
"""The function whose answers `from_weeks` reads."""

COLUMNS = ("timestamp", "week", "part", "query", "value", "unit")
"""A point of revenue: ``week`` 0 is the incident's, −1 the one before; ``part`` is ``impact``, or
``after`` for the hours in which deferred orders come."""

Amount = float | pd.DataFrame
"""Money, or a metric answer whose values add up to it."""


def revenue(actual: Amount, usual: Sequence[Amount], *, deferred: Amount = 0.0) -> Estimate:
    """Return lost revenue: what the same window usually brings, less what it brought.

    Parameters
    ----------
    actual
        revenue in the impact window: a number, or a metric answer (its values are added up)
    usual
        revenue in the same hours of other weeks, one number or answer a week
    deferred
        orders that came later instead: what the hours after brought above their usual

    Raises
    ------
    BadValue
        when there is no usual week to compare with, or an amount is no number

    """
    if not isinstance(usual, (list, tuple)) or not usual:
        what = "revenue of the same hours in at least one other week, a list"
        raise BadValue(expected("usual revenue", what, example="[52000, 49500]", came=usual))
    brought, later = _amount("actual revenue", actual), _amount("deferred revenue", deferred)
    weeks = [_amount("usual revenue", week) for week in usual]
    losses = sorted(week - brought - later for week in weeks)
    said = f"{len(weeks)} other week{'s' * (len(weeks) != 1)}"
    return Estimate(
        name="revenue_loss",
        value=statistics.median(losses),
        unit="$",
        source=f"the same hours of {said}",
        definition=f"median of (usual − actual − deferred) over {said}: actual ${brought:,.0f}, "
        f"deferred ${later:,.0f}; the interval is its least and most",
        low=losses[0],
        high=losses[-1],
    )


def is_answer(frame: pd.DataFrame) -> bool:
    """Return whether a frame is an answer of ``get_datadog_revenue``."""
    return set(COLUMNS) <= set(frame.columns)


def from_weeks(frame: pd.DataFrame, *, name: str) -> Estimate | None:
    """Return the lost revenue that an answer of ``get_datadog_revenue`` gives, None without weeks.

    Deferred is what the hours after the incident brought above the median of the other weeks;
    never below nothing. A week without any point is not known and left out.
    """
    if not is_answer(frame) or frame["value"].isna().all():
        return None
    sums = frame.dropna(subset=["value"]).groupby(["part", "week"], observed=True)["value"].sum()
    during = {
        int(week): float(sums["impact", week]) for part, week in sums.index if part == "impact"
    }
    after = {int(week): float(sums["after", week]) for part, week in sums.index if part == "after"}
    usual = [during[week] for week in sorted(during) if week < 0]
    if not usual or 0 not in during:
        return None
    before = [after[week] for week in sorted(after) if week < 0]
    later = max(0.0, after.get(0, 0.0) - statistics.median(before)) if before else 0.0
    found = revenue(during[0], usual, deferred=later)
    return Estimate(
        name=found.name,
        value=found.value,
        unit=found.unit,
        source=f"evidence: {name}",
        definition=found.definition,
        low=found.low,
        high=found.high,
    )


def _amount(label: str, given: object) -> float:
    """Return money as a number; BadValue for what is none."""
    if isinstance(given, pd.DataFrame):
        if "value" not in given.columns or given["value"].isna().all():
            what = "a number, or an answer with values"
            came = f"a frame with {', '.join(map(str, given.columns)) or 'no columns'}"
            raise BadValue(expected(label, what, example="52000", came=came))
        return float(given["value"].astype("Float64").sum())
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        raise BadValue(expected(label, "an amount", example="52000", came=given))
    return float(given)
