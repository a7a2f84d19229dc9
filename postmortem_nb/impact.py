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
import math
import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import budget, evidence, losses, metrics, sqlcounts
from postmortem_nb.errors import BundleError
from postmortem_nb.estimates import STATED, Estimate, agreeing, compare, stated
from postmortem_nb.losses import revenue
from postmortem_nb.sqlcounts import IDENTITIES, REGIONS
from postmortem_nb.tallies import Found
from postmortem_nb.wholeframe import WholeFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from postmortem_nb.budget import Spending
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
Window = tuple[dt.datetime, dt.datetime]
Windows = Window | tuple[Window, ...]
"""The impact: from start to end, or several such intervals."""

BAD: frozenset[str] = frozenset({"error", "critical", "alert", "emergency", "emerg", "fatal"})
"""Log and span statuses of a failure."""

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
ERRORS = re.compile(r"\berrors?\b")
"""What a query has in its name that counts failed requests."""

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
    told = list(hours(timeline, end=moments.recovered))
    moments = metrics.moments(moments)
    reasons: dict[str, str] = {}
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
        said = _frozen(folder, *key, moments=moments)
        if record.get("function") == budget.FUNCTION:
            told += [replace(each, of=key[0] if others else "") for each in said.estimates]
            reasons = {**said.reasons, **reasons} if not others else reasons
            budgets += said.budgets
            others = others or bool(said.budgets)
        else:
            told += said.estimates
    return Found(tuple(told), reasons, tuple(budgets), moments.impact)


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
        users(frame, window, name=name),
        share(frame, window, name=name),
        sqlcounts.from_sql(frame, _intervals(window), name=name),
        losses.from_weeks(frame, name=name),
    ]
    return [*(each for each in found if each is not None), *requests(frame, window, name=name)]


def users(frame: pd.DataFrame, window: Windows, *, name: str) -> Estimate | None:
    """Return the distinct identities with a failure in the window, split by region where known.

    The frame is an answer of logs, spans or RUM with ``timestamp``, ``status`` and an identity
    (`IDENTITIES`, with or without ``@``). ``None`` when it has none. Rows without an identity
    (guests, machines) are not counted, and the definition says how many there were.
    """
    frame = frame.rename(columns=lambda column: str(column).removeprefix("@"))
    identity = next((field for field in IDENTITIES if field in frame.columns), None)
    if identity is None or not {"timestamp", "status"} <= set(frame.columns):
        return None
    bad = _within(frame, window)
    bad = bad[bad["status"].astype("string").str.lower().isin(BAD)]
    known = bad[bad[identity].notna()]
    unknown = len(bad) - len(known)
    return Estimate(
        name="affected_users",
        value=float(known[identity].nunique()),
        unit="users",
        source=f"evidence: {name}",
        definition=f"distinct {identity} with at least one failure in the impact window"
        + (f"; {unknown:,} failures without {identity} are not counted" if unknown else ""),
        lower_bound=_cut(frame),
        parts=_parts(known, identity),
        split="region",
    )


def share(frame: pd.DataFrame, window: Windows, *, name: str) -> Estimate | None:
    """Return the share of identities active in the window that met a failure, in percent.

    The frame has to hold successes too: ``None`` when it holds nothing but failures, because
    their share would be 100 % of whatever was asked for, and when it holds only a part.
    """
    frame = frame.rename(columns=lambda column: str(column).removeprefix("@"))
    identity = next((field for field in IDENTITIES if field in frame.columns), None)
    if identity is None or not {"timestamp", "status"} <= set(frame.columns) or _cut(frame):
        return None
    rows = _within(frame, window)
    bad = rows["status"].astype("string").str.lower().isin(BAD)
    active = int(rows[identity].nunique())
    if bad.all() or not active:
        return None
    return Estimate(
        name="affected_share",
        value=100 * int(rows.loc[bad, identity].nunique()) / active,
        unit="%",
        source=f"evidence: {name}",
        definition=f"of {active:,} distinct {identity} active in the same window",
    )


def requests(frame: pd.DataFrame, window: Windows, *, name: str) -> list[Estimate]:
    """Return the failed requests that each error query of a metric answer counted in the window.

    Rates (``.as_rate()``) are multiplied by the step between their points. A point stands for the
    step that begins at it. Ratios (``errors / hits``) are no counts and left out. Two queries may
    count the same requests, so they are never added up. A query grouped by region is split by it.
    """
    if not {"timestamp", "query", "series", "value"} <= set(frame.columns):
        return []
    asked = frame["query"].astype("string")
    counts = frame[asked.str.contains(ERRORS.pattern, regex=True) & ~asked.str.contains("/")]
    inside = _within(counts, window).dropna(subset=["value"])
    inside = inside[inside["value"].astype("float64").abs() < math.inf]
    return [
        Estimate(
            name="failed_requests",
            value=round(_total(points) * _scale(str(query), counts)),
            unit="requests",
            source=f"evidence: {name}, {query}",
            definition="sum of the points that begin in the impact window",
            lower_bound=_cut(frame),
            parts=tuple(_regions(points, _scale(str(query), counts))),
            split="region",
        )
        for query, points in inside.groupby("query", observed=True)
    ]


def hours(
    timeline: Iterable[Mapping[str, Any]], *, end: dt.datetime | None = None
) -> list[Estimate]:
    """Return engineering hours: each participant from where the timeline first names them.

    A lower bound: who worked without being named is not in it, nor is the time after the end.
    """
    rows = [row for row in timeline if isinstance(row.get("time"), dt.datetime)]
    last = max((row["time"] for row in rows), default=None)
    until = last if end is None or (last and last > end) else end
    joined: dict[str, dt.datetime] = {}
    for row in sorted(rows, key=lambda row: row["time"]):
        for person in _people(row):
            joined.setdefault(person, row["time"])
    if not joined or until is None:
        return []
    spent = {
        name: max(0.0, (until - since).total_seconds() / 3600) for name, since in joined.items()
    }
    return [
        Estimate(
            name="engineering_hours",
            value=round(sum(spent.values()), 1),
            unit="hours",
            source="timeline: who is named when",
            definition=f"{len(spent)} participants, each from their first entry to the last entry",
            lower_bound=True,
            parts=tuple((name, round(each, 1)) for name, each in spent.items()),
            split="participant",
        )
    ]


def _intervals(window: Windows) -> tuple[Window, ...]:
    """Return the impact as intervals, however it was given."""
    if not window:
        return ()
    single = isinstance(window[0], dt.datetime)
    return (window,) if single else tuple(window)  # type: ignore[return-value,arg-type]


def _within(frame: pd.DataFrame, window: Windows) -> pd.DataFrame:
    """Return the rows of the impact, the end of each interval left out."""
    inside = pd.Series(data=False, index=frame.index)
    for start, end in _intervals(window):
        inside |= ((frame["timestamp"] >= start) & (frame["timestamp"] < end)).fillna(value=False)
    return frame[inside]


def _cut(frame: pd.DataFrame) -> bool:
    """Return whether an answer is known to be a part of what there was."""
    record = frame.attrs.get("evidence") or {}
    return not record.get("complete", True)


def _parts(known: pd.DataFrame, identity: str) -> tuple[tuple[str, float], ...]:
    """Return identities by region, the most first, where the answer tells regions."""
    region = next((field for field in REGIONS if field in known.columns), None)
    if region is None:
        return ()
    counts = known.groupby(region, observed=True)[identity].nunique().sort_values(ascending=False)
    return tuple((str(place), float(count)) for place, count in counts.items())


def _regions(points: pd.DataFrame, scale: float) -> Iterator[tuple[str, float]]:
    """Yield the sums of a query's series by region, the most first, where it is grouped by one."""
    tags = points["series"].astype("string")
    pattern = rf"(?:^|,)(?:{'|'.join(name.replace('.', '[.]') for name in REGIONS)}):([^,]+)"
    region = tags.str.extract(pattern)[0]
    if region.isna().any() or not len(region):
        return
    sums = points["value"].astype("float64").groupby(region).sum().sort_values(ascending=False)
    yield from ((str(place), float(round(value * scale))) for place, value in sums.items())


def _total(points: pd.DataFrame) -> float:
    return float(points["value"].astype("float64").sum())


def _scale(query: str, frame: pd.DataFrame) -> float:
    """Return what makes counts of a query's points: for rates the seconds between them.

    The least gap counts: steps without data are left out of an answer.
    """
    if ".as_rate()" not in query:
        return 1.0
    times = frame.loc[frame["query"] == query, "timestamp"].drop_duplicates().sort_values()
    gaps = times.diff().dropna()
    return float(gaps.min().total_seconds()) if len(gaps) else 1.0


@lru_cache(maxsize=256)
def _counts_errors(folder: Path, name: str, digest: str) -> bool:
    """Return whether a query of a metric's answer counts errors: of others nothing is told."""
    del digest  # a part of the key
    try:
        asked = evidence.columns(folder, name, ("query",))
    except BundleError:
        return False  # the checks tell why
    return asked is not None and any(
        ERRORS.search(str(query)) for query in asked["query"].unique().to_pylist()
    )


@lru_cache(maxsize=256)
def _frozen(folder: Path, name: str, digest: str, *, moments: Facts) -> Found:
    """Return what one frozen answer says; remembered by its digest, as checks ask often."""
    del digest  # a part of the key
    try:
        frame = evidence.thaw(folder, name)
    except BundleError:
        return Found()  # the checks tell why
    objective = budget.read(frame)
    if objective is not None:
        told = budget.estimates(objective, moments, source=f"evidence: {name}")
        spent = budget.spending(objective, moments, name=name)
        reasons = dict.fromkeys(BUDGET, spent.why) if spent.why else {}
        return Found(tuple(told), reasons, (spent,))
    if not moments.impact:
        return Found()
    return Found(tuple(from_frame(frame, moments.impact, name=name)))


BUDGET = ("budget_consumed", "budget_remaining", "burn_rate")
"""Figures of an error budget."""


def _people(row: Mapping[str, Any]) -> list[str]:
    """Return who an entry of the timeline names."""
    names = ["on_call", "responsible", "escalated_to"]
    names += [] if row.get("detection_method") == ALERT else ["detected_by"]
    single = (row.get(name) for name in names)
    named = [str(name).strip() for name in (*single, *(row.get("responders") or ())) if name]
    return [name for name in named if name]
