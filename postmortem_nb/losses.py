"""Lost revenue: what the same hours of other weeks usually bring, less what the incident brought.

The method is stated with every figure: the median of the weeks, its interval their least and most,
less the orders that came later instead. Of an answer only the hours of the impact count, whatever
window was asked for. Amounts are in dollars, as the document's are; other money is told, not taken.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from postmortem_nb import coverage, times
from postmortem_nb.errors import BadValue, expected
from postmortem_nb.estimates import Estimate, worded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postmortem_nb.coverage import Windows

FUNCTION = "get_datadog_revenue"
"""The function whose answers `from_weeks` reads."""

COLUMNS = ("timestamp", "week", "part", "query", "value", "unit")
"""A point of revenue: ``week`` 0 is the incident's, −1 the one before; ``part`` is ``impact``, or
``after`` for the hours in which deferred orders come."""

WEEK = dt.timedelta(days=7)
DOLLARS = {"": 1.0, "dollar": 1.0, "usd": 1.0, "cent": 0.01, "microdollar": 1e-6}
"""Units of a revenue metric in dollars; without a unit an amount is taken as it stands."""

Amount = float | pd.DataFrame
"""Money, or a metric answer whose values add up to it."""

GAPS = 0.25
"""A week that lacks such a share of the points of another one is told."""

UNASKED = "deferred orders not asked for"
"""What is said where no hours after the impact were compared: nothing is known of them."""


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
    several, loss = len(weeks) > 1, statistics.median(losses)
    said = f"{len(weeks)} other week{'s' * several}"
    interval = "the interval is its least and most" if several else "one week has no interval"
    more = "; below zero: these hours brought more than usual" if loss < 0 else ""
    return Estimate(
        name="revenue_loss",
        value=loss,
        unit="$",
        source=f"the same hours of {said}",
        definition=f"{'median of ' * several}(usual − actual − deferred) over {said}: "
        f"actual ${brought:,.0f}, deferred ${later:,.0f}; {interval}{more}",
        low=losses[0] if several else None,
        high=losses[-1] if several else None,
    )


def is_answer(frame: pd.DataFrame) -> bool:
    """Return whether a frame is an answer of ``get_datadog_revenue``."""
    return set(COLUMNS) <= set(frame.columns)


def from_weeks(frame: pd.DataFrame, window: Windows = (), *, name: str) -> Estimate | None:
    """Return the lost revenue that an answer of ``get_datadog_revenue`` gives, None without weeks.

    Without a ``window`` the impact is what was asked for. Deferred is what the hours after the
    impact brought above the median of the other weeks; never below nothing. A week without any
    point is not known and left out.
    """
    found = _lost(frame, window) if is_answer(frame) else None
    if found is None or other_money(frame) or _unfit(frame, window):
        return None
    part = coverage.unseen(_asked(frame), coverage.intervals(window))
    return replace(found, source=f"evidence: {name}").limited(part)


def unknown(frame: pd.DataFrame, window: Windows, *, name: str) -> str:
    """Return why an answer about revenue tells no loss in dollars; empty where it does."""
    if not is_answer(frame) or from_weeks(frame, window, name=name) is not None:
        return ""
    if why := _unfit(frame, window):
        return f"evidence {name} {why}"
    unit, found = other_money(frame), _lost(frame, window)
    if found is None:
        return f"evidence {name} has no points of the impact's hours, or none of other weeks"
    if len(units := frame["unit"].fillna("money without a unit").unique()) > 1:
        return f"evidence {name} holds {' and '.join(sorted(units))}, which have no sum"
    lost = worded(found.value, "")
    return f"evidence {name} tells it in {unit} ({lost} lost), the document counts in dollars"


def _unfit(frame: pd.DataFrame, window: Windows) -> str:
    """Return why the weeks of an answer cannot be compared over the impact; else empty."""
    if coverage.is_cut(frame):
        return "is partial, so its weeks cannot be compared"
    length = sum((until - since for since, until in coverage.intervals(window)), coverage.NOTHING)
    step = frame["timestamp"].drop_duplicates().sort_values().diff().min()
    if length and pd.notna(step) and step > length:
        apart = times.duration(step.total_seconds() / 60)
        return f"has points {apart} apart, and the impact is shorter; ask over the impact alone"
    return ""


def other_money(frame: pd.DataFrame) -> str:
    """Return the units of an answer that are no dollars; empty where it can be told in them."""
    if "unit" not in frame.columns:
        return ""
    named = dict.fromkeys(str(unit) for unit in frame["unit"].dropna().unique())
    return " and ".join(unit for unit in named if unit.partition("/")[0] not in DOLLARS)


def _lost(frame: pd.DataFrame, window: Windows) -> Estimate | None:
    """Return the lost revenue of an answer, None without the impact's week or another one."""
    known = _parted(frame, window).dropna(subset=["value"])
    if known.empty:
        return None
    sums = _dollars(known).groupby([known["part"], known["week"]], observed=True).sum()
    during = {
        int(week): float(sums["impact", week]) for part, week in sums.index if part == "impact"
    }
    after = {int(week): float(sums["after", week]) for part, week in sums.index if part == "after"}
    usual = [during[week] for week in sorted(during) if week < 0]
    if not usual or 0 not in during:
        return None
    before = [after[week] for week in sorted(after) if week < 0]
    later = max(0.0, after.get(0, 0.0) - statistics.median(before)) if before else 0.0
    lost = revenue(during[0], usual, deferred=later)
    said = lost.definition if before else lost.definition.replace("deferred $0", UNASKED)
    method, _, interval = said.rpartition("; ")
    return replace(lost, definition=f"{method}{_empty(known)}; {interval}")


def _empty(known: pd.DataFrame) -> str:
    """Return in words which weeks lack many of the points that another one has.

    They add nothing to their week: no order came, or what came was not measured.
    """
    inside = known[known["part"] == "impact"]
    points = inside.groupby(inside["week"].astype(int))["timestamp"].nunique()
    most = int(points.max())
    few = points[points < (1 - GAPS) * most].sort_index(ascending=False)
    counted = zip(few.index.tolist(), few.tolist(), strict=True)
    weeks = [f"{most - count:,} of {most:,} in {_week(week)}" for week, count in counted]
    return f"; points that are missing count as nothing: {', '.join(weeks)}" if weeks else ""


def _parted(frame: pd.DataFrame, window: Windows) -> pd.DataFrame:
    """Return the points of the impact's hours and, where asked for, of those after its end.

    The question's window is often another: the times of the incident are corrected later.
    """
    if not window:
        return frame
    own = frame.assign(
        timestamp=frame["timestamp"] - frame["week"].fillna(0).astype("int64") * WEEK
    )
    inside = own.index.isin(coverage.within(own, window).index)
    end = max(until for _, until in coverage.intervals(window))
    later = (own["timestamp"] >= end) & bool((frame["part"] == "after").any())
    parts = pd.Series(pd.NA, index=frame.index, dtype="string")
    return frame.assign(part=parts.mask(later, "after").mask(inside, "impact"))


def _week(week: int) -> str:
    if week == 0:
        return "the incident's week"
    return f"the one {-week} weeks before" if week < -1 else "the week before"


def _asked(frame: pd.DataFrame) -> coverage.Window | None:
    """Return the time that an answer tells of, the hours for deferred orders with it."""
    told = coverage.record(frame)
    arguments = told.get("arguments")
    deferred = arguments.get("deferred") if isinstance(arguments, dict) else None
    try:
        further = times.span(deferred) if deferred else coverage.NOTHING
    except BadValue:  # a record that somebody else wrote
        further = coverage.NOTHING
    return coverage.asked(told, further=further)


def _dollars(frame: pd.DataFrame) -> pd.Series[float]:
    """Return the values of an answer in dollars."""
    values = frame["value"].astype("Float64")
    if "unit" not in frame.columns:
        return values
    names = frame["unit"].astype("string").fillna("").str.partition("/")[0]
    return values * names.map(DOLLARS).fillna(1.0).astype("Float64")


def _amount(label: str, given: object) -> float:
    """Return money as a number; BadValue for what is none."""
    if isinstance(given, pd.DataFrame):
        if "value" not in given.columns or given["value"].isna().all():
            what = "a number, or an answer with values"
            came = f"a frame with {', '.join(map(str, given.columns)) or 'no columns'}"
            raise BadValue(expected(label, what, example="52000", came=came))
        if unit := other_money(given):
            raise BadValue(expected(label, "an amount in dollars", example="52000", came=unit))
        return float(_dollars(given).sum())
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        raise BadValue(expected(label, "an amount", example="52000", came=given))
    return float(given)
