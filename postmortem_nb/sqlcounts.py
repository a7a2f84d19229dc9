"""What a count over logs says of the impact: failed requests, or distinct users, by SQL's words.

Read only where the answer is plainly that: counts, failures alone, the impact window itself.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pandas as pd

from postmortem_nb import coverage, times
from postmortem_nb.errors import PostmortemError
from postmortem_nb.estimates import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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

NOWHERE = "unknown"
"""The region of what tells none."""

NEAR = dt.timedelta(minutes=1)
"""How far the window of a count may be from the impact's: people round."""

_FAILURES = re.compile(
    r"(?<![-!\w@])@?(?:status:\(?\"?(?:error|critical)|"
    r"http\.status_code:(?:>=?\s*500|5\d\d\b|5\*|\[500 TO 599\]))"
)
_WIDER = re.compile(r"\bNOT\b|\bOR\b", re.IGNORECASE)
_COUNT = re.compile(
    r"\bcount\s*\(\s*(?P<what>\*|1|distinct\s+\"?@?(?P<field>[\w.]+)\"?)\s*\)", re.IGNORECASE
)
_ANY = re.compile(r"\b(?:count|sum|avg|min|max|percentile\w*|approx\w*)\s*\(", re.IGNORECASE)
_ELSE = re.compile(r"\b(?:where|having|limit|join|union|case|filter)\b", re.IGNORECASE)
_MET = re.compile(
    rf"each part matches |nothing matches ['\"]{_FAILURES.pattern}.*['\"] in this window$"
)
"""Advice on a search of which all but the failures matches (``datadog.advice``)."""

_GROUPED = re.compile(r"\bgroup\s+by\s+(?P<keys>[^;]+?)(?:\border\s+by\b|;|$)", re.IGNORECASE)


def from_sql(
    frame: pd.DataFrame, impact: Sequence[tuple[dt.datetime, dt.datetime]], *, name: str
) -> list[Estimate]:
    """Return the figures that counts over error logs state, none where it is anything else."""
    record = frame.attrs.get("evidence") or {}
    arguments = record.get("arguments")
    if record.get("function") != "analyze_datadog_logs" or not isinstance(arguments, dict):
        return []
    sql, search = str(arguments.get("sql_query")), str(arguments.get("filter"))
    counted = _COUNT.findall(sql)
    numbers = [at for at, kind in enumerate(frame.dtypes) if pd.api.types.is_numeric_dtype(kind)]
    plain = 0 < len(counted) == len(_ANY.findall(sql)) and not _ELSE.search(sql)
    fits = plain and len(numbers) == len(counted) and _covers(record, impact)
    if not (fits and only_failures(search)):
        return []
    keys = [at for at in range(len(frame.columns)) if at not in numbers]
    made = (
        _estimate(frame.iloc[:, [*keys, at]], sql, name, "" if what in {"*", "1"} else field)
        for (what, field), at in zip(counted, numbers, strict=True)
    )
    part = coverage.limits(frame, tuple(impact))
    return [each.limited(part) for each in made if each is not None]


def only_failures(search: str) -> bool:
    """Return whether a search finds nothing but failures, by its words."""
    return bool(_FAILURES.search(search)) and not _WIDER.search(search)


def unproved(found: Estimate, record: Mapping[str, object]) -> str:
    """Return why a count of nothing is no figure; empty where it is one.

    A search whose service or window has no logs at all counts nothing too, whatever failed. Nothing
    failed only where its other parts match, which the advice of the answer tells.
    """
    if found.value:
        return ""
    advice = record.get("advice")
    said = [str(line) for line in advice] if isinstance(advice, list) else []
    doubts = [line for line in said if not _MET.match(line)]
    if said and not doubts:
        return ""
    why = doubts[0] if doubts else "whether logs of this search were kept is not known"
    return f"{found.source} counted nothing: {why}".replace("evidence: ", "evidence ", 1)


def _estimate(frame: pd.DataFrame, sql: str, name: str, field: str) -> Estimate | None:
    """Return the estimate of a count: of users by ``field``, else of failed requests."""
    numbers = [column for column in frame.columns if pd.api.types.is_numeric_dtype(frame[column])]
    grouped = _GROUPED.search(sql)
    if len(numbers) != 1 or (field and field not in IDENTITIES) or frame.empty:
        return None
    values = frame[numbers[0]].astype("Float64")
    parts = _parts(frame, values, grouped["keys"]) if grouped else ()
    if values.isna().any() or (not grouped and len(frame) > 1):
        return None
    if grouped and (field or not parts):
        return None  # distinct users of several groups do not add up
    return Estimate(
        name="affected_users" if field else "failed_requests",
        value=float(values.sum()),
        unit="users" if field else "requests",
        source=f"evidence: {name}",
        definition=f"distinct {field} of the error logs of the impact window"
        if field
        else "error logs of the impact window, one for each failed request where the service "
        "logs each once",
        parts=parts,
        split="region" if parts else "",
    )


def _parts(
    frame: pd.DataFrame, values: pd.Series[float], keys: str
) -> tuple[tuple[str, float], ...]:
    """Return the counts by region, where the regions are what is grouped by; else nothing."""
    key = keys.strip().strip('"').removeprefix("@").strip('";')
    named = [c for c in frame.columns if str(c).strip('"').removeprefix("@") in REGIONS]
    if len(named) != 1 or (key not in REGIONS and not key.isdigit()):
        return ()
    pairs = zip(frame[named[0]], values, strict=True)
    return tuple((_place(place), float(value)) for place, value in pairs)


def _place(place: object) -> str:
    return NOWHERE if pd.isna(place) else str(place)  # type: ignore[call-overload]


def _covers(
    record: Mapping[str, object], impact: Sequence[tuple[dt.datetime, dt.datetime]]
) -> bool:
    """Return whether an answer counts over the impact and nothing else."""
    if len(impact) != 1:
        return False
    try:
        since, until = times.parse(record.get("from")), times.parse(record.get("to"))
    except PostmortemError:
        return False
    start, end = impact[0]
    return abs(since - start) <= NEAR and abs(until - end) <= NEAR
