"""What an SLO's answer says of an incident: the budget it took, how fast, and in which phase.

The answer of ``get_datadog_slo`` has a row for each step of two stretches (``scope``): the SLO's
own ``window``, which ends with the question's, and the ``incident``, finer. A step holds what was
good, bad and valid in it, in requests or in minutes (``unit``). All arithmetic is in `slo`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from postmortem_nb import slo, times
from postmortem_nb.errors import BadValue
from postmortem_nb.estimates import Estimate
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from postmortem_nb.metrics import Facts
    from postmortem_nb.slo import Consumption, Interval, Phase

FUNCTION = "get_datadog_slo"
"""The function whose answers are read here."""

COLUMNS = ("timestamp", "scope", "minutes", "good", "bad", "valid", "no_data", "corrected", "unit")
"""What each step says; the columns behind them name the SLO and are the same in every row."""

BASES = {"requests": "request-based", "minutes": "time-based"}
MINUTE = dt.timedelta(minutes=1)


class Step(NamedTuple):
    """What was bad and valid between two moments, and minutes without data and corrected."""

    since: dt.datetime
    until: dt.datetime
    bad: float
    valid: float
    no_data: float
    corrected: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """An SLO as its answer tells it; ``target`` and ``status`` are in percent, None unknown."""

    name: str
    basis: str
    kind: str
    target: float | None
    status: float | None
    window: dt.timedelta
    valid: float
    bad: float
    no_data: float
    corrected: float
    steps: tuple[Step, ...] = field(repr=False)
    since: dt.datetime | None = None
    """When its window begins: it ends with the question's."""

    @property
    def type(self) -> str:
        """How it counts: ``request-based`` or ``time-based``."""
        return BASES.get(self.basis, self.basis)

    @property
    def days(self) -> str:
        """Its window in words: ``30 days``."""
        days = self.window / dt.timedelta(days=1)
        return f"{days:g} day{'s' * (days != 1)}"


@dataclass(frozen=True, slots=True)
class Spending:
    """What an incident took of an SLO's budget: in all, and by phase in order.

    ``taken`` is None and ``why`` says so where there is no budget, or no data. ``asked`` is the
    time that the answer tells of: what lies outside was not free of errors, but not asked.
    """

    name: str
    objective: Objective
    taken: Consumption | None
    phases: tuple[Phase, ...] = ()
    asked: Interval | None = None
    why: str = ""
    cut: dt.datetime | None = None
    """When the SLO's window begins, where that is after the impact did."""
    excused: str = ""
    """How much of the impact corrections take out, in words."""


def is_answer(frame: pd.DataFrame) -> bool:
    """Return whether a frame is the answer of an SLO."""
    return {*COLUMNS, "slo", "type", "target", "status", "window_days"} <= set(frame.columns)


def read(frame: pd.DataFrame) -> Objective | None:
    """Return the SLO of an answer, None where the answer holds nothing."""
    if not is_answer(frame) or frame.empty:
        return None
    head = frame.iloc[0]
    whole = frame[frame["scope"] == "window"]
    good, bad, valid = (_sum(whole, name) for name in ("good", "bad", "valid"))
    told = _number(head["status"])
    return Objective(
        name=str(head["slo"]),
        basis=str(head["unit"]),
        kind=str(head["type"]),
        target=_number(head["target"]),
        status=told if told is not None else 100 * good / valid if valid else None,
        window=dt.timedelta(days=float(head["window_days"])),
        valid=valid,
        bad=bad,
        no_data=_sum(whole, "no_data"),
        corrected=_sum(whole, "corrected"),
        steps=tuple(_steps(frame[frame["scope"] == "incident"])),
        since=_begin(whole, dt.timedelta(days=float(head["window_days"]))),
    )


def spending(objective: Objective, moments: Facts, *, name: str = "") -> Spending:
    """Return what an incident took of a budget; ``name`` is of the evidence."""
    why = reason(objective, moments.impact)
    if why:
        return Spending(name, objective, None, why=why)
    taken, begin = consumed(objective, moments.impact), objective.since
    seen = replace(moments, impact=_counting(objective, moments.impact))
    found = slo.waterfall(moments, _points(objective.steps, seen), budget=taken.budget)
    if begin is not None:
        found = [
            replace(each, since=max(each.since, begin)) for each in found if each.until > begin
        ]
    cut = begin if seen.impact != moments.impact else None
    words = excused(objective, moments.impact)
    return Spending(name, objective, taken, tuple(found), cut=cut, excused=words)


def consumed(objective: Objective, impact: Sequence[Interval]) -> Consumption:
    """Return what an incident took from the budget, over the union of its impact intervals.

    A step that is only partly inside counts by the part that is; what of the impact lies before
    the SLO's window is in none of its figures, and is left out.
    Raises BadValue where there is no budget (a target of 100 or 0 %, none at all) or nothing valid.
    """
    target = objective.target if objective.target is not None else 100.0
    bad, total = _within(objective.steps, _counting(objective, impact))
    if objective.basis == "minutes":
        ratio, window = bad / total if total else None, _counted(objective, total)
        return slo.by_time(target, bad=min(bad * MINUTE, window), window=window, ratio=ratio)
    return slo.by_requests(
        target,
        slo.Requests(bad=bad, total=total, valid=max(objective.valid, total)),
        baseline=_quiet(objective, bad, total),
        window=objective.window,
    )


def _counting(objective: Objective, impact: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return what of an impact the SLO's window holds: a long incident may begin before it."""
    begin = objective.since
    if begin is None:
        return tuple(impact)
    return tuple((max(since, begin), until) for since, until in impact if until > begin)


def _counted(objective: Objective, total: float) -> dt.timedelta:
    """Return the time whose share is the budget: of a monitor's SLO the valid time of its window.

    Datadog's status, from which follows what is left, leaves out what was corrected and what had
    no data as well. By time slices both are good, and the budget is always the same.
    https://docs.datadoghq.com/service_level_objectives/time_slice/ (corrections, missing data)
    """
    if objective.kind == "monitor":
        return max(objective.valid, total) * MINUTE
    return objective.window


def left(objective: Objective) -> float:
    """Return the budget that is left of the whole window, as Datadog counts it, in percent."""
    if objective.status is None or objective.target is None:
        raise BadValue(f"“{objective.name}” has no status or no target: nothing says what is left")
    return slo.remaining(objective.status, objective.target)


def estimates(objective: Objective, moments: Facts, *, source: str) -> Iterator[Estimate]:
    """Yield target, achievement, budget consumed and remaining, and the burn rate."""
    about = f"{objective.type} SLO “{objective.name}”, {objective.days}"
    if objective.target is not None:
        yield _estimate("slo_target", objective.target, source, f"target of the {about}")
    if objective.status is not None:
        yield _estimate("slo_actual", objective.status, source, _achieved(objective, about))
    if objective.target is None or not 0 < objective.target < 100:
        return
    if objective.status is not None:
        words = f"100·(achieved − target) ÷ (100 − target), whole window of the {about}"
        yield _estimate("budget_remaining", left(objective), source, words)
    if reason(objective, moments.impact):
        return
    took = consumed(objective, moments.impact)
    words = f"{took.definition}{_limits(objective, moments.impact)}; {about}"
    yield _estimate("budget_consumed", took.consumed, source, words)
    if took.burn is not None:
        words = f"error ratio in the impact window ÷ (1 − target); {about}"
        yield _estimate("burn_rate", took.burn, source, words, unit="×")


def reason(objective: Objective, impact: Sequence[Interval]) -> str:
    """Return why an SLO gives no consumed budget; empty where it gives one."""
    if objective.target is None:
        return f"the SLO “{objective.name}” has no target for {objective.days}"
    if not 0 < objective.target < 100:
        said = "leaves no error budget" if objective.target >= 100 else "nothing can miss"
        return f"the SLO “{objective.name}” has a target of {objective.target:g} %, which {said}"
    if not objective.valid:
        return f"the SLO “{objective.name}” has no data in its window"
    if not impact:
        return "the timeline does not say when the impact began and ended"
    return _uncounted(objective, impact)


def _uncounted(objective: Objective, impact: Sequence[Interval]) -> str:
    """Return why the steps in the impact give no consumed budget; empty where they give one."""
    bad, total = _within(objective.steps, _counting(objective, impact))
    if not total:
        return f"the SLO “{objective.name}” has no data in the impact window"
    if not 0 <= bad <= total:
        told = f"{numeral(bad)} bad {objective.basis} of {numeral(total)} in the impact"
        return f"the answer of the SLO “{objective.name}” counts {told}, which cannot be"
    return ""


def _achieved(objective: Objective, about: str) -> str:
    noun = objective.basis
    left_out = [
        f"{minutes:,.0f} minutes {what}"
        for minutes, what in (
            (objective.no_data, "without data"),
            (objective.corrected, _corrected(objective)),
        )
        if minutes
    ]
    more = f"; {', '.join(left_out)}" if left_out else ""
    return f"good ÷ valid {noun}, whole window of the {about}{more}"


def _corrected(objective: Objective) -> str:
    sliced = objective.kind == "time_slice"
    return "of corrections counted as good" if sliced else "of corrections left out"


def _limits(objective: Objective, impact: Sequence[Interval]) -> str:
    """Return what the consumed budget does not see, as its definition goes on to say."""
    said, seen = "", _counting(objective, impact)
    if objective.since is not None and seen != tuple(impact):
        said = f", of the impact what the window from {times.shown(objective.since)} on holds"
    if objective.kind == "monitor" and objective.no_data:
        said += f", {objective.no_data:,.0f} minutes of the window without data left out"
    minutes = sum(step.no_data * _part(step, each) for step in objective.steps for each in seen)
    if minutes:
        means = "good" if objective.kind == "time_slice" else "neither good nor bad"
        said += f", {minutes:,.0f} minutes of the impact without data counted as {means}"
    return said + (f", {words}" if (words := excused(objective, impact)) else "")


def excused(objective: Objective, impact: Sequence[Interval]) -> str:
    """Return in words how much of the impact corrections take out; empty where none does."""
    seen = _counting(objective, impact)
    minutes = sum(step.corrected * _part(step, each) for step in objective.steps for each in seen)
    means = "counted as good" if objective.kind == "time_slice" else "left out"
    return f"{minutes:,.0f} corrected minutes of the impact {means}" if minutes else ""


def _estimate(
    name: str, value: float, source: str, definition: str, *, unit: str = "%"
) -> Estimate:
    return Estimate(name=name, value=value, unit=unit, source=source, definition=definition)


def _begin(whole: pd.DataFrame, window: dt.timedelta) -> dt.datetime | None:
    """Return when a window begins whose steps are known to their end."""
    ends = [step.until for step in _steps(whole)]
    return max(ends) - window if ends else None


def _steps(rows: pd.DataFrame) -> Iterator[Step]:
    since = [moment.to_pydatetime() for moment in rows["timestamp"]]
    names = ("minutes", "bad", "valid", "no_data", "corrected")
    values = [rows[name].astype("Float64").fillna(0.0).tolist() for name in names]
    for at, minutes, *counted in zip(since, *values, strict=True):
        yield Step(at, at + minutes * MINUTE, *counted)


def _within(steps: Iterable[Step], impact: Sequence[Interval]) -> tuple[float, float]:
    """Return the bad and the valid inside some intervals, a step by the part that is inside."""
    bad = valid = 0.0
    for step in steps:
        part = sum(_part(step, interval) for interval in impact)
        bad, valid = bad + step.bad * part, valid + step.valid * part
    return bad, valid


def _part(step: Step, interval: Interval) -> float:
    """Return the part of a step that an interval holds, 0 to 1."""
    length = step.until - step.since
    shared = min(step.until, interval[1]) - max(step.since, interval[0])
    return max(0.0, shared / length) if length else 0.0


def _points(steps: Iterable[Step], moments: Facts) -> Iterator[tuple[dt.datetime, float]]:
    """Yield what was bad as points, each step cut where a phase or an impact interval ends."""
    cuts = {moment for name in slo.MOMENTS if (moment := getattr(moments, name)) is not None}
    cuts |= {moment for interval in moments.impact for moment in interval}
    for step in steps:
        inner = sorted(cut for cut in cuts if step.since < cut < step.until)
        edges = [step.since, *inner, step.until]
        for since, until in pairwise(edges):
            inside = sum(_part(Step(since, until, 0, 0, 0), each) for each in moments.impact)
            yield since, step.bad * inside * ((until - since) / (step.until - step.since))


def _quiet(objective: Objective, bad: float, total: float) -> float | None:
    """Return the share of errors in the rest of the SLO's window: what is always there."""
    rest = objective.valid - total
    return max(0.0, objective.bad - bad) / rest if rest > 0 else None


def _sum(rows: pd.DataFrame, name: str) -> float:
    return float(rows[name].astype("Float64").sum())


def _number(value: object) -> float | None:
    return None if pd.isna(value) else float(value)  # type: ignore[arg-type,call-overload]
