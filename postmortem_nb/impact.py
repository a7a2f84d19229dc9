"""Impact from evidence: affected users, failed requests, revenue, hours, each with its source.

An `Estimate` is one figure from one source; several sources give several estimates, and `compare`
says where they disagree instead of choosing. Nothing is scaled up: what was cut off (a limit, a
sample, a partial answer) makes an estimate a lower bound, and it says so.

    from postmortem_nb import impact
    impact.table(incident)          # every figure, each source on its own line
    impact.by_region(incident)      # the same figures, a line for each region
    impact.revenue(actual, usual)   # lost revenue from numbers or frames
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import (
    affected,
    budget,
    coverage,
    errorcounts,
    evidence,
    losses,
    metrics,
    sqlcounts,
)
from postmortem_nb.affected import share, users
from postmortem_nb.errorcounts import is_lesser, may_count, requests
from postmortem_nb.errors import BundleError
from postmortem_nb.estimates import STATED, Estimate, agreeing, compare, least, stated
from postmortem_nb.losses import revenue
from postmortem_nb.strangers import words
from postmortem_nb.tallies import Found
from postmortem_nb.wholeframe import WholeFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from postmortem_nb.budget import Objective, Spending
    from postmortem_nb.coverage import Window, Windows
    from postmortem_nb.incident import Incident
    from postmortem_nb.metrics import Facts

__all__ = [
    "STATED",
    "Estimate",
    "by_region",
    "compare",
    "estimates",
    "hours",
    "requests",
    "revenue",
    "share",
    "stated",
    "table",
    "users",
]

SINGLE = "incident"
COLUMNS = (
    "figure", "value", "unit", "low", "high", "lower_bound", "source", "definition", "agrees",
)  # fmt: skip
NO_REGIONS = (
    "No frozen answer tells of regions: ask for logs with a region, or a metric by {region}."
)

NEED_WINDOW = ("affected_users", "affected_share", "failed_requests", "revenue_loss")
"""Figures that nothing can tell without the impact's times."""

ALERT = "Monitor Alert"
"""The detection method of which no person is named: a monitor is no participant."""

METRICS = "get_datadog_metric"
ROWS = ("search_datadog_logs", "search_datadog_spans")
"""Functions whose answers are single events, often cut by a limit."""


def table(incident: Incident) -> pd.DataFrame:
    """Return every estimate of an incident's impact, stated figures beside them.

    Columns: ``figure``, ``value``, ``unit``, ``low``, ``high``, ``lower_bound``, ``source``,
    ``definition``, ``agrees`` (``<NA>`` where there is nothing to compare with).
    """
    found = estimates(incident)
    rows = [
        {
            "figure": each.name,
            "value": each.value,
            "unit": each.unit,
            "low": each.low,
            "high": each.high,
            "lower_bound": each.lower_bound,
            "source": each.source,
            "definition": each.definition,
            "agrees": agrees,
        }
        for each, agrees in zip(found, agreeing(found), strict=True)
    ]
    dtypes = {"value": "Float64", "low": "Float64", "high": "Float64", "agrees": "boolean"}
    return WholeFrame(pd.DataFrame(rows, columns=list(COLUMNS)).astype(dtypes))


def by_region(incident: Incident) -> pd.DataFrame:
    """Return what evidence tells of each region: ``figure``, ``region``, ``value``, ``source``."""
    rows = [
        {"figure": each.name, "region": region, "value": value, "source": each.source}
        for each in estimates(incident)
        if each.split == "region"
        for region, value in each.parts
    ]
    columns = ["figure", "region", "value", "source"]
    found = WholeFrame(pd.DataFrame(rows, columns=columns).astype({"value": "Float64"}))
    found.attrs["empty"] = NO_REGIONS
    return found


SHIFT = 16.0
"""Hours that somebody works at a stretch at most."""
_NIGHTS = f"the timeline spans more than the {SHIFT:.0f} hours that anybody works at a stretch"


def estimates(incident: Incident) -> list[Estimate]:
    """Return the stated figures, and what timeline and frozen evidence say of them."""
    return [*stated(incident.values(SINGLE)[0]), *incident.found().estimates]


def found(folder: Path, moments: Facts, timeline: Iterable[Mapping[str, Any]]) -> Found:
    """Return what timeline and frozen evidence say of the impact of an incident.

    Parameters
    ----------
    folder
        where evidence is frozen
    moments
        of the incident; without impact intervals no answer can be read
    timeline
        rows with ``time`` and who they name
    """
    rows = list(timeline)
    told = list(hours(rows, end=moments.recovered))
    reasons = {} if told or not _spent(rows, moments.recovered) else {"engineering_hours": _NIGHTS}
    moments = metrics.moments(moments)
    if not moments.impact:
        why = "the timeline does not say when the impact began and ended"
        reasons |= dict.fromkeys(NEED_WINDOW, why)
    budgets: list[Spending] = []
    others = False  # whether an SLO came before
    records = [record for record in evidence.listing(folder) if not record.get("problem")]
    for record in sorted(records, key=_standing):
        key = (str(record.get("name")), str(record.get("sha256")))
        if record.get("function") == METRICS and not _counts_errors(folder, *key):
            continue
        said = _frozen(folder, *key, coverage.asked(record), moments=moments)
        if not others or record.get("function") != budget.FUNCTION:
            reasons = {**said.reasons, **reasons}
        if record.get("function") == budget.FUNCTION:
            told += [replace(each, of=key[0] if others else "") for each in said.estimates]
            budgets += said.budgets
            others = others or bool(said.budgets)
        else:
            told += said.estimates
    return Found(tuple(_foremost(told)), reasons, tuple(budgets), moments.impact)


def _foremost(told: Sequence[Estimate]) -> list[Estimate]:
    """Return estimates without failed requests by lesser metrics where another one counts them."""
    lesser = [
        each
        for each in told
        if each.name == "failed_requests" and is_lesser(each.source.partition(", ")[2])
    ]
    counted = sum(each.name == "failed_requests" for each in told)
    return [each for each in told if each not in lesser or counted == len(lesser)]


def _standing(record: Mapping[str, Any]) -> tuple[bool, bool, bool, str]:
    """Return where an answer stands: whole before partial, counts before single events.

    Of several SLOs the one that is kept as ``slo`` is the incident's, else the first by name.
    """
    name = str(record.get("name"))  # a back-test's answer was asked for another purpose
    single = record.get("function") in ROWS or name.startswith(evidence.BACKTEST)
    return not record.get("complete", True), single, name != "slo", name


def from_frame(frame: pd.DataFrame, window: Windows, *, name: str) -> list[Estimate]:
    """Return what an answer says: of users where it has identities, of requests if a metric."""
    found = [
        *_counted(frame, window, name=name)[0],
        share(frame, window, name=name),
        losses.from_weeks(frame, window, name=name),
    ]
    return [*(each for each in found if each is not None), *requests(frame, window, name=name)]


def _counted(
    frame: pd.DataFrame, window: Windows, *, name: str
) -> tuple[list[Estimate], dict[str, str]]:
    """Return what an answer counts of users and requests, and which figures it does not and why.

    An answer without rows, or a lone count of nothing, may be one that could not find anything.
    """
    lone = sqlcounts.from_sql(frame, coverage.intervals(window), name=name)
    single = users(frame, window, name=name)
    found = [*([] if single is None else [single]), *lone]
    asked = found if frame.empty or lone else []
    reasons = {each.name: sqlcounts.unproved(each, coverage.record(frame)) for each in asked}
    return [each for each in found if not reasons.get(each.name)], {
        figure: why for figure, why in reasons.items() if why
    }


def hours(
    timeline: Iterable[Mapping[str, Any]], *, end: dt.datetime | None = None
) -> list[Estimate]:
    """Return engineering hours: each participant from where the timeline first names them.

    A lower bound, rounded down: who worked without being named is not in it, nor is the time after
    the end. A name in capitals or without is the same person, a team is none: who of it worked is
    not known. Nothing follows from a timeline of nights and days, through which nobody works.
    """
    spent = _spent(timeline, end)
    if not spent or max(spent.values()) > SHIFT:
        return []
    return [
        Estimate(
            name="engineering_hours",
            value=least(sum(spent.values())),
            unit="hours",
            source="timeline: who is named when",
            definition=f"{len(spent)} participant{'s, each' if len(spent) != 1 else ','} from "
            "their first entry to the last entry",
            lower_bound=True,
            parts=tuple((name, least(each)) for name, each in spent.items()),
            split="participant",
        )
    ]


def _spent(timeline: Iterable[Mapping[str, Any]], end: dt.datetime | None) -> dict[str, float]:
    """Return the hours from where a timeline first names each participant to its end."""
    rows = [row for row in timeline if isinstance(row.get("time"), dt.datetime)]
    last = max((row["time"] for row in rows), default=None)
    until = last if end is None or (last and last > end) else end
    joined: dict[str, tuple[str, dt.datetime]] = {}
    for row in sorted(rows, key=lambda row: row["time"]):
        for person in _people(row):
            joined.setdefault(" ".join(person.casefold().split()), (person, row["time"]))
    if until is None:
        return {}
    return {
        name: max(0.0, (until - since).total_seconds() / 3600) for name, since in joined.values()
    }


_BRACKETED = re.compile(r"\([^()]*\)")


@lru_cache(maxsize=256)
def _counts_errors(folder: Path, name: str, digest: str) -> bool:
    """Return whether a query of a metric's answer counts errors: of others nothing is told."""
    del digest  # a part of the key
    try:
        asked = evidence.columns(folder, name, ("query",))
    except BundleError:
        return False  # the checks tell why
    return asked is not None and any(
        may_count(str(query)) for query in asked["query"].unique().to_pylist()
    )


@lru_cache(maxsize=256)
def _frozen(folder: Path, name: str, digest: str, asked: Window | None, *, moments: Facts) -> Found:
    """Return what one frozen answer says; remembered by its digest, as checks ask often."""
    del digest  # a part of the key
    try:
        frame = evidence.thaw(folder, name)
    except BundleError:
        return Found()  # the checks tell why
    objective = budget.read(frame)
    if objective is not None:
        return _budgeted(objective, moments, name, asked)
    if budget.is_answer(frame):
        return Found((), dict.fromkeys(BUDGET, f"evidence {name} holds no data of the SLO"))
    if not moments.impact:
        return Found()
    found = from_frame(frame, moments.impact, name=name)
    return Found(tuple(found), dict(_reasons(frame, moments.impact, name=name)))


def _budgeted(objective: Objective, moments: Facts, name: str, asked: Window | None) -> Found:
    """Return what an SLO's answer says; of an impact that it saw in part only the least."""
    told = list(budget.estimates(objective, moments, source=f"evidence: {name}"))
    spent = replace(budget.spending(objective, moments, name=name), asked=asked)
    reasons = dict.fromkeys(BUDGET, spent.why) if spent.why else {}
    part = coverage.unseen(asked, moments.impact)
    if part and not spent.why:
        reasons["burn_rate"] = part
        told = [each for each in told if each.name != "burn_rate"]
        told = [each.limited(part) if each.name == "budget_consumed" else each for each in told]
    return Found(tuple(told), reasons, (spent,))


def _reasons(frame: pd.DataFrame, window: Windows, *, name: str) -> Iterator[tuple[str, str]]:
    """Yield the figures that an answer seems to tell and does not, and why."""
    yield from _counted(frame, window, name=name)[1].items()
    for figure, reader in (("failed_requests", errorcounts), ("revenue_loss", losses)):
        why = reader.unknown(frame, window, name=name)
        if why:
            yield figure, why
    yield from affected.unknown(frame, window, name=name)


BUDGET = ("slo_target", "slo_actual", "budget_consumed", "budget_remaining", "burn_rate")
"""Figures of an SLO: the reason why its budget is not known is theirs where they are not known."""


def _people(row: Mapping[str, Any]) -> list[str]:
    """Return who an entry of the timeline names."""
    names = ["on_call", "responsible", "escalated_to"]
    names += [] if row.get("detection_method") == ALERT else ["detected_by"]
    single = (row.get(name) for name in names)
    named = [str(name).strip() for name in (*single, *(row.get("responders") or ())) if name]
    return [name for name in named if name and not _is_team(name)]


def _is_team(name: str) -> bool:
    """Return whether a name is of a team, a role or a tool: “Payments team”, “SRE on-call”."""
    parts = [part for part in re.split(r"[\s,;/]+", _BRACKETED.sub("", name)) if part]
    own = [part for part in parts if part.casefold().strip(".") not in words("teams")]
    return len(own) < len(parts) and len(own) < 2
