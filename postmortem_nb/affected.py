"""Who was affected: distinct users with a failure in the impact, and their share of the active.

An answer of logs, spans or RUM tells it where it has an identity of who asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import coverage
from postmortem_nb.estimates import Estimate
from postmortem_nb.sqlcounts import IDENTITIES, NOWHERE, REGIONS, only_failures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postmortem_nb.coverage import Windows

BAD: frozenset[str] = frozenset({"error", "critical", "alert", "emergency", "emerg", "fatal"})
"""Log and span statuses of a failure."""

WARNED: frozenset[str] = frozenset({"warn", "warning"})
"""Statuses of what is neither a failure nor a success."""

HTTP = "http.status_code"
"""The field that tells a failure where the status does not: access logs are written as info."""

USER = ("usr.id", "user.id", "user_id", "userId")
"""Names of one thing, the best first."""

NOBODY = frozenset({"", "-", "null", "none", "nan", "undefined", "anonymous"})
"""What is written where nobody is known: an empty text, or a missing value made one."""


def users(frame: pd.DataFrame, window: Windows, *, name: str) -> Estimate | None:
    """Return the distinct identities with a failure in the window, split by region where known.

    The frame is an answer of logs, spans or RUM with ``timestamp``, ``status`` and an identity
    (`IDENTITIES`, with or without ``@``). ``None`` when it has none, or none of the failures has.
    Rows without an identity (guests, machines; an empty one is none) are not counted, and the
    definition says how many there were.
    """
    rows, identity = _identified(frame)
    if not identity:
        return None
    bad = _failures(coverage.within(rows, window))
    known = bad[bad[identity].notna()]
    unknown = len(bad) - len(known)
    if unknown and known.empty:
        return None
    others = f"{unknown:,} failure{'s' * (unknown != 1)} without {identity}"
    written = " (as it is written)" if "email" in identity else ""
    found = Estimate(
        name="affected_users",
        value=float(known[identity].nunique()),
        unit="users",
        source=f"evidence: {name}",
        definition=f"distinct {identity}{written} with at least one failure in the impact window"
        + (f"; {others} {'is' if unknown == 1 else 'are'} not counted" if unknown else ""),
        parts=_parts(known, identity),
        split="region",
    )
    return found.limited(coverage.limits(frame, window))


def share(frame: pd.DataFrame, window: Windows, *, name: str) -> Estimate | None:
    """Return the share of identities active in the window that met a failure, in percent.

    The frame has to hold successes with an identity too: ``None`` when it has none, because the
    share would be 100 % of whatever was asked for, and when it holds only a part. A warning is no
    success. Where it has more failures than successes it lists failures more than what came, and
    the share is an upper bound.
    """
    rows, identity = _identified(frame)
    if not identity or coverage.limits(frame, window):
        return None
    failed, succeeded = _sides(rows, identity)
    rows = coverage.within(rows, window)
    active, (bad, good) = int(rows[identity].nunique()), _sides(rows, identity)
    if not active or good.empty:
        return None
    most = len(failed) > len(succeeded)
    why = "; at most that, for the answer lists more failures than successes" if most else ""
    return Estimate(
        name="affected_share",
        value=100 * int(bad[identity].nunique()) / active,
        unit="%",
        source=f"evidence: {name}",
        definition=f"of {active:,} distinct {identity} active in the same window{why}",
        upper_bound=most,
    )


def _sides(rows: pd.DataFrame, identity: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the failures and the successes of an answer that have an identity."""
    bad = _failures(rows)
    rest = rows.drop(bad.index)
    good = rest[~rest["status"].astype("string").str.lower().isin(WARNED).fillna(value=False)]
    return bad[bad[identity].notna()], good[good[identity].notna()]


def _identified(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return an answer with plain names and its identity: the best that any row has.

    Names that all mean the user are one identity: services spell it differently.
    """
    frame = frame.rename(columns=lambda column: str(column).removeprefix("@"))
    if not {"timestamp", "status"} <= set(frame.columns):
        return frame, ""
    ids = {field: _ids(frame[field]) for field in IDENTITIES if field in frame.columns}
    if not ids:
        return frame, ""
    best = next((field for field in ids if ids[field].notna().any()), next(iter(ids)))
    found, words = ids[best], best
    for field in (each for each in USER if best in USER and each in ids and each != best):
        if (found.isna() & ids[field].notna()).any():
            found, words = found.fillna(ids[field]), f"{words} or {field}"
    return frame.assign(**{words: found}), words


def _ids(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return identities as texts, so that 7 and "7" are one and a list is one; `NOBODY` is none."""
    texts = values.map(_text, na_action="ignore").astype("string").str.strip()
    return texts.mask(texts.str.casefold().isin(NOBODY).fillna(value=False))


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _failures(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that tell of a failure: by their status, by HTTP's, or all by the search."""
    arguments = coverage.record(rows).get("arguments")
    search = arguments.get("query") if isinstance(arguments, dict) else None
    if only_failures(str(search or "")):
        return rows
    bad = rows["status"].astype("string").str.lower().isin(BAD)
    if HTTP in rows.columns:
        bad |= pd.to_numeric(rows[HTTP].astype("string"), errors="coerce").between(500, 599)
    return rows[bad.fillna(value=False)]


def unknown(frame: pd.DataFrame, window: Windows, *, name: str) -> Iterator[tuple[str, str]]:
    """Yield the figures of users that an answer seems to tell and does not, and why."""
    rows, identity = _identified(frame)
    bad = _failures(coverage.within(rows, window)) if identity else rows[:0]
    if len(bad) and bad[identity].isna().all():
        why = f"none of the {len(bad):,} failures of evidence {name} has a {identity}"
        yield from ((figure, why) for figure in ("affected_users", "affected_share"))
    elif identity and (part := coverage.limits(frame, window)):
        yield "affected_share", f"evidence {name} cannot tell it: {part}"


def _parts(known: pd.DataFrame, identity: str) -> tuple[tuple[str, float], ...]:
    """Return identities by region, the most first, where a column or the tags tell regions.

    Those of whom no failure tells a region are a part of their own, the last.
    """
    region = pd.Series(pd.NA, index=known.index, dtype="string")
    column = next((field for field in REGIONS if field in known.columns), None)
    if column is not None:
        named = known[column].astype("string").str.strip()
        region = named.mask(named == "")
    if "tags" in known.columns:
        places = [_tagged(tags) for tags in known["tags"].tolist()]
        region = region.fillna(pd.Series(places, index=known.index, dtype="string"))
    if region.isna().all():
        return ()
    counts = known.groupby(region)[identity].nunique().sort_values(ascending=False, kind="stable")
    found = [(str(place), float(count)) for place, count in counts.items()]
    ids = known[identity]
    others = ids[~ids.isin(ids[region.notna()])].nunique()
    return (*found, *([(NOWHERE, float(others))] if others else []))


def _tagged(tags: object) -> str | None:
    """Return the region that the tags of a row name, the best first."""
    listed = [str(tag).partition(":") for tag in tags] if isinstance(tags, list | tuple) else []
    found = {key: value for key, _, value in reversed(listed) if value}
    return next((found[key] for key in REGIONS if key in found), None)
