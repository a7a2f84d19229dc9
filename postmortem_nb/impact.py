"""Impact from evidence: affected users, failed requests, revenue, hours, each with its source.

An `Estimate` is one figure from one source; several sources give several estimates, and `compare`
says where they disagree instead of choosing. Nothing is scaled up: what was cut off (a limit, a
sample, a partial answer) makes an estimate a lower bound, and it says so.
"""

from __future__ import annotations

import datetime as dt
import statistics
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import evidence
from postmortem_nb.errors import BadValue, BundleError, expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from postmortem_nb.incident import Incident

SINGLE = "incident"
TIMELINE = "timeline"
Window = tuple[dt.datetime, dt.datetime]

IDENTITIES: tuple[str, ...] = (
    "usr.id",
    "user.id",
    "user_id",
    "userId",
    "usr.email",
    "customer.id",
    "customer_id",
    "account.id",
    "account_id",
    "session.id",
    "session_id",
)
"""Fields that tell who asked, the best first. Sessions are no users: one may have several."""

REGIONS: tuple[str, ...] = ("region", "geo.country", "network.client.geoip.country.name", "country")
BAD: frozenset[str] = frozenset({"error", "critical", "alert", "emergency", "emerg", "fatal"})
"""Log and span statuses of a failure."""

TOLERANCE = 0.05
"""Share of the larger by which two sources may differ and still agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One figure from one source. ``low`` and ``high`` are its interval where it has one.

    ``lower_bound``: the source saw only a part. ``parts`` split the value, for example by region.
    """

    name: str
    value: float
    unit: str
    source: str
    definition: str
    low: float | None = None
    high: float | None = None
    lower_bound: bool = False
    parts: tuple[tuple[str, float], ...] = ()


COLUMNS = (
    "figure",
    "value",
    "unit",
    "low",
    "high",
    "lower_bound",
    "source",
    "definition",
    "agrees",
)

STATED: Mapping[str, tuple[str, str]] = {
    "affected_total": ("affected_users", "users"),
    "affected_share": ("affected_share", "%"),
    "failed_requests": ("failed_requests", "requests"),
    "revenue_loss": ("revenue_loss", "$"),
    "engineering_hours": ("engineering_hours", "hours"),
}
"""Blank that people fill → the figure it states, and its unit."""


def table(incident: Incident) -> pd.DataFrame:
    """Return every estimate of an incident's impact, stated figures beside them.

    Columns: ``figure``, ``value``, ``unit``, ``low``, ``high``, ``lower_bound``, ``source``,
    ``definition``, ``agrees`` (``<NA>`` where there is nothing to compare with).
    """
    found = estimates(incident)
    apart = {id(each) for pair in compare(found) for each in pair}
    names = [each.name for each in found]
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
            "agrees": id(each) not in apart if names.count(each.name) > 1 else None,
        }
        for each in found
    ]
    dtypes = {"value": "Float64", "low": "Float64", "high": "Float64", "agrees": "boolean"}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dtypes)


def estimates(incident: Incident) -> list[Estimate]:
    """Return the stated figures, and what timeline and frozen evidence say of them."""
    facts = incident.values(SINGLE)[0]
    start, end = incident.window()
    timeline = incident.values(TIMELINE) if TIMELINE in incident.tables else []
    found = [*stated(facts), *hours(timeline, end=end)]
    if start is None or end is None or end <= start:
        return found
    folder = incident.path / "evidence"
    for record in evidence.listing(folder):
        key = (str(record.get("name")), str(record.get("sha256")))
        found += _frozen(folder, *key, window=(start, end))
    return found


def stated(facts: Mapping[str, Any]) -> Iterator[Estimate]:
    """Yield the figures that people stated."""
    for blank, (name, unit) in STATED.items():
        value = facts.get(blank)
        if value is not None:
            yield Estimate(
                name=name,
                value=float(value),
                unit=unit,
                source=f"stated: {blank}",
                definition=str(facts.get("revenue_method") or "") if unit == "$" else "as stated",
            )


def from_frame(frame: pd.DataFrame, window: Window, *, name: str) -> list[Estimate]:
    """Return what an answer says: of users where it has identities, of requests if a metric."""
    found = [users(frame, window, name=name), share(frame, window, name=name)]
    return [*(each for each in found if each is not None), *requests(frame, window, name=name)]


def users(frame: pd.DataFrame, window: Window, *, name: str) -> Estimate | None:
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
        definition=f"distinct {identity} with at least one failure in the impact window; "
        f"{unknown:,} failures without {identity} are not counted",
        lower_bound=_cut(frame),
        parts=_parts(known, identity),
    )


def share(frame: pd.DataFrame, window: Window, *, name: str) -> Estimate | None:
    """Return the share of identities active in the window that met a failure, in percent.

    The frame has to hold successes too: ``None`` when it holds nothing but failures, because
    their share would be 100 % of whatever was asked for.
    """
    frame = frame.rename(columns=lambda column: str(column).removeprefix("@"))
    identity = next((field for field in IDENTITIES if field in frame.columns), None)
    if identity is None or not {"timestamp", "status"} <= set(frame.columns):
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


def requests(frame: pd.DataFrame, window: Window, *, name: str) -> list[Estimate]:
    """Return the failed requests that each error query of a metric answer counted in the window.

    Rates (``.as_rate()``) are multiplied by the step between their points. A point stands for the
    step that begins at it. Ratios (``errors / hits``) are no counts and left out. Two queries may
    count the same requests, so they are never added up.
    """
    if not {"timestamp", "query", "series", "value"} <= set(frame.columns):
        return []
    asked = frame["query"].astype("string")
    counts = frame[asked.str.contains(r"\berrors?\b", regex=True) & ~asked.str.contains("/")]
    inside = _within(counts, window).dropna(subset=["value"])
    return [
        Estimate(
            name="failed_requests",
            value=round(
                float(points["value"].astype("float64").sum()) * _scale(str(query), counts)
            ),
            unit="requests",
            source=f"evidence: {name}, {query}",
            definition="sum of the points that begin in the impact window",
            lower_bound=_cut(frame),
        )
        for query, points in inside.groupby("query", observed=True)
    ]


def revenue(actual: float, usual: Sequence[float], *, deferred: float = 0.0) -> Estimate:
    """Return lost revenue: what the same window usually brings, less what it brought.

    Parameters
    ----------
    actual
        revenue in the impact window
    usual
        revenue in the same hours of other weeks, one number a week
    deferred
        orders that came later instead: what the hours after brought above their usual

    Raises
    ------
    BadValue
        when there is no usual week to compare with

    """
    if not usual:
        what = "revenue of the same hours in at least one other week"
        raise BadValue(expected("usual revenue", what, example="[52000, 49500]", came=usual))
    losses = sorted(week - actual - deferred for week in usual)
    weeks = f"{len(usual)} other week{'s' * (len(usual) != 1)}"
    return Estimate(
        name="revenue_loss",
        value=statistics.median(losses),
        unit="$",
        source=f"the same hours of {weeks}",
        definition="median of (usual − actual − deferred); the interval is its least and most",
        low=losses[0],
        high=losses[-1],
    )


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
            source="timeline: who is named, and when first",
            definition=f"{len(spent)} participants, each from their first entry to the last entry",
            lower_bound=True,
            parts=tuple((name, round(each, 1)) for name, each in spent.items()),
        )
    ]


def compare(found: Sequence[Estimate]) -> list[tuple[Estimate, Estimate]]:
    """Return the pairs of one figure that disagree by more than 5 % of the larger.

    A lower bound disagrees only with what is smaller than it.
    """
    pairs = ((a, b) for a, b in combinations(found, 2) if a.name == b.name)
    return [(a, b) for a, b in pairs if _apart(a, b)]


def _apart(one: Estimate, other: Estimate) -> bool:
    """Return whether two estimates cannot both hold."""
    if abs(one.value - other.value) <= TOLERANCE * max(abs(one.value), abs(other.value)):
        return False
    smaller = one if one.value < other.value else other
    return not smaller.lower_bound


def _within(frame: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Return the rows of the window, its end left out."""
    start, end = window
    return frame[(frame["timestamp"] >= start) & (frame["timestamp"] < end)]


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


def _scale(query: str, frame: pd.DataFrame) -> float:
    """Return what makes counts of a query's points: for rates the seconds between them.

    The least gap counts: steps without data are left out of an answer.
    """
    if ".as_rate()" not in query:
        return 1.0
    times = frame.loc[frame["query"] == query, "timestamp"].drop_duplicates().sort_values()
    gaps = times.diff().dropna()
    return float(gaps.min().total_seconds()) if len(gaps) else 1.0


@lru_cache(maxsize=64)
def _frozen(folder: Path, name: str, digest: str, *, window: Window) -> tuple[Estimate, ...]:
    """Return what one frozen answer says; remembered by its digest, as checks ask often."""
    del digest  # a part of the key
    try:
        frame = evidence.thaw(folder, name)
    except BundleError:
        return ()  # the checks tell why
    return tuple(from_frame(frame, window, name=name))


def _people(row: Mapping[str, Any]) -> list[str]:
    """Return who an entry of the timeline names."""
    single = (row.get(name) for name in ("detected_by", "on_call", "responsible", "escalated_to"))
    named = [str(name).strip() for name in (*single, *(row.get("responders") or ())) if name]
    return [name for name in named if name]
