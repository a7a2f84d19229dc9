"""The steps of an SLO's answer: cut to a span, corrections left out, laid out as a frame."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from postmortem_nb.slo import Interval

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Target:
    """What an SLO is called, its target in percent, its window, and how it is made."""

    name: str
    kind: str
    target: float | None
    window: timedelta


Row = dict[str, Any]
"""A step: ``since`` and ``until``, good, bad, valid, minutes without data and corrected."""


def row(since: datetime, until: datetime, good: float, bad: float, *, lacks: bool) -> Row:
    """Return a step; ``lacks`` says that there were no data in it."""
    minutes = (until - since) / MINUTE
    return {
        "since": since,
        "until": until,
        "good": good,
        "bad": bad,
        "valid": good + bad,
        "no_data": minutes if lacks else 0.0,
        "corrected": 0.0,
    }


def unknown(step: Row) -> Row:
    """Return a step of which nothing is known: as one without data."""
    return row(step["since"], step["until"], 0.0, 0.0, lacks=True)


def clipped(step: Row, span: Interval, *, scale: bool) -> Row | None:
    """Return a step inside a span, None for one outside; minutes shrink with it, counts do not.

    A bucket may begin before the span, but Datadog counts in it only what the span holds.
    """
    since, until = max(step["since"], span[0]), min(step["until"], span[1])
    if since >= until:
        return None
    part = (until - since) / (step["until"] - step["since"])
    shrunk = {"no_data": step["no_data"] * part}
    if scale:
        shrunk |= {name: step[name] * part for name in ("good", "bad", "valid")}
    return step | {"since": since, "until": until} | shrunk


def parted(step: Row, corrections: Sequence[Interval], *, up: bool = False) -> Iterator[Row]:
    """Yield a stretch of time, cut where corrections begin and end, without what they leave out.

    What lies beside a correction stays where it was: in its phase, in the impact or out of it.
    """
    inner = {edge for each in corrections for edge in each if step["since"] < edge < step["until"]}
    for span in pairwise([step["since"], *sorted(inner), step["until"]]):
        cut = clipped(step, span, scale=True)
        if cut is not None:
            yield corrected(cut, corrections, up=up)


def corrected(step: Row, corrections: Sequence[Interval], *, up: bool = False) -> Row:
    """Return a step without what corrections leave out, evenly over the step.

    ``up``: corrected time counts as good, as in time slices, where all time stays valid.
    """
    length = step["until"] - step["since"]
    lost = sum(
        max(timedelta(), min(step["until"], until) - max(step["since"], since)) / length
        for since, until in corrections
    )
    if not lost:
        return step
    kept = {name: step[name] * (1 - lost) for name in ("good", "bad", "valid", "no_data")}
    if up:
        kept |= {"valid": step["valid"], "good": step["valid"] - kept["bad"]}
    return step | kept | {"corrected": step["corrected"] + lost * (length / MINUTE)}


def noted(rows: Sequence[Row], corrections: Sequence[Interval]) -> Iterator[Row]:
    """Yield steps of counts from which corrections were left out before, with their minutes.

    Where nothing is left of a stretch there may be no step: one without counts tells of it.
    """
    edges = sorted({edge for step in rows for edge in (step["since"], step["until"])})
    for step in rows:
        lost = sum(_shared(step["since"], step["until"], each) for each in corrections)
        yield step | {"corrected": lost, "no_data": max(0.0, step["no_data"] - lost)}
    for since, until in corrections:
        inner = [since, *(edge for edge in edges if since < edge < until), until]
        for span in pairwise(inner):
            if not any(_shared(step["since"], step["until"], span) for step in rows):
                lost = _shared(*span, span)
                yield row(*span, 0.0, 0.0, lacks=False) | {"corrected": lost}


def _shared(since: datetime, until: datetime, other: Interval) -> float:
    """Return the minutes that two stretches share."""
    return max(timedelta(), min(until, other[1]) - max(since, other[0])) / MINUTE


def frame(
    rows: dict[str, list[Row]], basis: str, objective: Target, status: float | None
) -> pd.DataFrame:
    """Return the steps of both scopes as a frame, the SLO's own facts in every row."""
    every = [{"scope": scope, **row} for scope, steps in rows.items() for row in steps]
    numbers: dict[str, list[float | None]] = {
        name: [row[name] for row in every]
        for name in ("good", "bad", "valid", "no_data", "corrected")
    }
    minutes = [(row["until"] - row["since"]) / MINUTE for row in every]
    same: dict[str, float | None] = {
        "target": objective.target,
        "status": status,
        "window_days": objective.window / timedelta(days=1),
    }
    texts = {"unit": basis, "slo": objective.name, "type": objective.kind}
    columns: dict[str, Any] = {
        "timestamp": pd.to_datetime([row["since"] for row in every], utc=True).as_unit("us"),
        "scope": pd.array([row["scope"] for row in every], dtype="string"),
        "minutes": pd.array(minutes, dtype="Float64"),
        **{name: pd.array(values, dtype="Float64") for name, values in numbers.items()},
        **{name: pd.array([words] * len(every), dtype="string") for name, words in texts.items()},
        **{name: pd.array([value] * len(every), dtype="Float64") for name, value in same.items()},
    }
    return pd.DataFrame(columns)
