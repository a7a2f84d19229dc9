"""Which messages are new, or surge? Log patterns in the incident window against a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from postmortem_nb.analysis import found, significance, templates
from postmortem_nb.captions import label
from postmortem_nb.charts import clock, surges
from postmortem_nb.charts.look import Look
from postmortem_nb.charts.stage import View
from postmortem_nb.errors import BadValue, expected
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from postmortem_nb.analysis.found import Found
    from postmortem_nb.charts.clock import Span
    from postmortem_nb.incident import Incident

    Floats = NDArray[np.float64]

SURGE = 2.0
"""A pattern surges where the lower bound of its ratio is above this, and q below 0.05."""

MOST = 1_000
"""Patterns that are returned; all are mined, tested and counted."""

SLOTS = (30, 10)
"""Slots of the baseline whose counts tell whether lines come in clumps, narrow or wide ones."""

LATE = 10
"""The last tenth of the baseline tells nothing of clumps: incidents are declared late."""

MINUTE = 60.0
SHOWN = ("change", "pattern", "count", "baseline_count", "ratio", "q_value", "first_seen", "status")
COLUMNS = (
    "timestamp", "pattern", "change", "count", "baseline_count", "rate", "baseline_rate", "ratio",
    "ratio_low", "ratio_high", "p_value", "q_value", "first_seen", "last_seen", "status",
    "service", "example", "id", "says",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows and the stretch of time that they cover."""

    rows: pd.DataFrame
    span: Span


def log_patterns(
    frame: pd.DataFrame,
    incident: Incident,
    *,
    baseline: pd.DataFrame | None = None,
    column: str = "message",
) -> Found:
    """Return the patterns of log messages, those new or surging in the incident first.

    Parameters
    ----------
    frame
        an answer of ``search_datadog_logs`` with ``timestamp`` and ``message``; it should begin
        before the incident, unless ``baseline`` is given
    incident
        whose declared window is compared; an open end is the end of the frame
    baseline
        logs of a time without incident, by the same query (the same hours a week before); without
        it, the rows of ``frame`` before the incident
    column
        the column with the text

    Returns
    -------
    DataFrame
        a row a pattern: those new or surging first, then the rest, each in order of surprise
        (Dunning's log-likelihood ratio, 1993); the first thousand of them.

        ``pattern``
            the message with ``<*>`` for what changes from line to line; rows without one are ``(no
            message)``
        ``change``
            ``new`` (never in the baseline), ``surging`` (the rate at least doubled: lower bound
            above 2), ``falling`` (it at least halved: upper bound below ½), each with q below
            0.05, else ``usual``
        ``count``, ``baseline_count``
            lines in the window and in the baseline
        ``rate``, ``baseline_rate``
            the same a minute
        ``ratio``, ``ratio_low``, ``ratio_high``
            rate over baseline rate with its 95 % interval; infinite where there was none before
        ``p_value``, ``q_value``
            binomial test of two rates, two-sided, counts weighed by how much they come in clumps
            (`significance.spread`); corrected for the number of patterns (Benjamini and Hochberg).
            Of one that the baseline lacks altogether nothing tells whether it comes in clumps
        ``first_seen``, ``last_seen``, ``timestamp``
            in the window (UTC); ``timestamp`` is the first
        ``status``, ``service``
            the most frequent ones of the pattern
        ``example``, ``id``
            the first line in the window as it came, and its id
        ``says``
            the row in words, for the timeline

    Raises BadValue where the window is unknown, or where there is nothing to compare it with.
    Texts are those of the logs: hostile until they have passed the text door, as the display does.
    """
    now, before, whole = _compared(frame, incident, baseline, column)
    both = pd.concat([before.rows, now.rows], ignore_index=True)
    texts = found.texts(both[column])
    messages = [one if one and not one.isspace() else f"(no {column})" for one in texts]
    codes, patterns = pd.factorize(pd.Series(templates.mine(messages), dtype=object))
    parts = codes[: len(before.rows)], codes[len(before.rows) :]
    rows = _rated(now, before, parts, patterns)
    risen = rows["change"].isin(["new", "surging"]).to_numpy()
    order = np.lexsort((-rows.pop("order").to_numpy(), ~risen))
    kinds = rows["change"].value_counts()
    rows = _told(rows.iloc[order[:MOST]], now.rows.assign(_code=parts[1]), column)
    view = _view(whole, incident, now, before)
    at = clock.seconds(now.rows["timestamp"]), clock.seconds(before.rows["timestamp"])
    top = [
        (rows.iloc[place], at[0][parts[1] == order[place]], at[1][parts[0] == order[place]])
        for place in range(min(surges.MOST, len(rows)))
        if rows["change"].iloc[place] in ("new", "surging")
    ]
    shown = found.Shown(
        lambda: surges.draw([_strip(*one) for one in top], view), _alt(rows), SHOWN,
        _line(kinds, now, before),
    )  # fmt: skip
    return found.made(rows, shown, whole)


def _compared(
    frame: pd.DataFrame, incident: Incident, baseline: pd.DataFrame | None, column: str
) -> tuple[Stretch, Stretch, pd.DataFrame]:
    """Return the rows of the window, those of the baseline, and the frame."""
    whole = _texts(frame, "frame", column)
    start, end = found.window(incident)
    if start is None:
        raise BadValue(
            "incident: expected a time of the step 'Incident Start', for example "
            "incident.add('timeline', step='Incident Start', time='14:02'); got none"
        )
    at = clock.seconds(whole["timestamp"])
    span = _span(whole, at)
    first = clock.epoch(start)
    last = min(clock.epoch(end) if end is not None else span.end, span.end)
    now = Stretch(whole[(at >= first) & (at <= last)], clock.Span(max(first, span.start), last))
    if baseline is None:
        before = Stretch(whole[at < first], clock.Span(span.start, min(first, span.end)))
    else:
        past = _texts(baseline, "baseline", column)
        past_at = clock.seconds(past["timestamp"])
        away = past[~((past_at >= first) & (past_at <= last))]
        before = Stretch(away, _span(past, past_at))
    if now.span.length <= 0 or not len(now.rows):
        raise BadValue(f"frame: expected rows in the incident, {_spell(first, end)}; got none")
    if before.span.length <= 0 or not len(before.rows):
        raise BadValue(
            "baseline: expected rows before the incident to compare with, for example "
            "from='{{INCIDENT_START_MINUS_2H}}' or baseline=search_datadog_logs(…); got none"
        )
    return now, before, whole


def _texts(frame: object, thing: str, column: str) -> pd.DataFrame:
    whole = found.timed(frame, thing)
    if column not in whole.columns:
        raise BadValue(
            expected(
                thing, f"a column '{column}' with the texts of logs, or column= that names it",
                example="search_datadog_logs(…)", came=[str(name) for name in whole.columns][:8],
            )
        )  # fmt: skip
    return whole


def _spell(first: float, end: datetime | None) -> str:
    return clock.spell(clock.Span(first, clock.epoch(end) if end is not None else first))


def _span(frame: pd.DataFrame, at: Floats) -> Span:
    """Return the stretch that was pulled: what was asked where it is complete, else the rows'."""
    facts = frame.attrs.get("evidence") or {}
    return clock.extent(at, facts if facts.get("complete") else {})


def _rated(
    now: Stretch,
    before: Stretch,
    codes: tuple[NDArray[np.intp], NDArray[np.intp]],
    patterns: pd.Index,
) -> pd.DataFrame:
    count, base = (
        np.bincount(part, minlength=len(patterns)).astype(np.float64) for part in codes[::-1]
    )
    share = now.span.length / (now.span.length + before.span.length)
    spread = _spread(now, before, codes, len(patterns))
    ratio = significance.rate_ratio(count, base, share, spread)
    p = np.minimum(
        1.0,
        2 * np.minimum(
            significance.rates(count, base, share, spread),
            significance.rates(base, count, 1 - share, spread),
        ),
    )  # fmt: skip
    q = significance.adjusted(p)
    return pd.DataFrame({
        "pattern": patterns, "change": _changes(count, base, ratio, q),
        "count": count.astype(np.int64), "baseline_count": base.astype(np.int64),
        "rate": count / now.span.length * MINUTE,
        "baseline_rate": base / before.span.length * MINUTE,
        "ratio": ratio.ratio, "ratio_low": ratio.low, "ratio_high": ratio.high,
        "p_value": p, "q_value": q, "order": significance.surprise(count, base, share),
    })  # fmt: skip


def _told(rows: pd.DataFrame, window: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows, numbered from 0, with what is known of their lines in the window."""
    told = rows.join(_facts(window[window["_code"].isin(rows.index)], column))
    told["timestamp"] = told["first_seen"]
    told["says"] = [_says(row) for row in found.records(told)]
    texts = ("pattern", "change", "status", "service", "example", "id", "says")
    return told.reset_index(drop=True)[[*COLUMNS]].astype(dict.fromkeys(texts, "string"))


def _spread(
    now: Stretch,
    before: Stretch,
    codes: tuple[NDArray[np.intp], NDArray[np.intp]],
    kinds: int,
) -> Floats:
    """Return variance over mean of each pattern's counts a slot: of 30 in the baseline, or 10."""
    found = np.ones(kinds)
    for slots in SLOTS:
        size = max(before.span.length / slots, 1e-9)
        whole = max(int(now.span.length // size), 1)
        base = _slotted(before, codes[0], (kinds, slots), size)[:, : -(slots // LATE)]
        window = _slotted(now, codes[1], (kinds, whole), now.span.length / whole)
        found = np.maximum(found, significance.spread(base, window))
    return found


def _slotted(
    stretch: Stretch, codes: NDArray[np.intp], shape: tuple[int, int], size: float
) -> Floats:
    """Return how many rows of each pattern came in each slot of so many seconds."""
    kinds, slots = shape
    at = clock.seconds(stretch.rows["timestamp"])
    place = np.clip((at - stretch.span.start) // size, 0, slots - 1)
    there = np.isfinite(place)
    where = codes[there] * slots + place[there].astype(np.intp)
    return np.bincount(where, minlength=kinds * slots).reshape(shape).astype(np.float64)


def _changes(
    count: Floats, base: Floats, ratio: significance.Effect, q: Floats
) -> NDArray[np.object_]:
    sure = q < significance.SIGNIFICANT
    kinds = [
        sure & (base == 0) & (count > 0),
        sure & (ratio.low > SURGE),
        sure & (ratio.high < 1 / SURGE),
    ]
    return np.select(kinds, ["new", "surging", "falling"], "usual").astype(object)


def _facts(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return by ``_code`` what is known of the rows of each pattern."""
    ordered = rows.sort_values("timestamp", kind="stable")
    first = ordered.drop_duplicates("_code").set_index("_code")
    last = ordered.drop_duplicates("_code", keep="last").set_index("_code")
    facts = pd.DataFrame({"first_seen": first["timestamp"], "last_seen": last["timestamp"]})
    for name in ("status", "service"):
        facts[name] = _most(ordered, name)
    facts["example"] = pd.Series(found.texts(first[column]), index=first.index, dtype="string")
    facts["id"] = first["id"].astype("string") if "id" in first else pd.NA
    return facts


def _most(rows: pd.DataFrame, name: str) -> Any:
    if name not in rows.columns:
        return pd.NA
    counts = rows.dropna(subset=[name]).groupby(["_code", name], observed=True).size()
    top = counts.sort_values(ascending=False, kind="stable").reset_index()
    return top.drop_duplicates("_code").set_index("_code")[name].astype("string")


def _says(row: dict[str, Any]) -> str:
    """Return a pattern in words, quoted: its figures are the log's, not of who tells of it."""
    shown = f"“{label(row['pattern'], 160)}”"
    if not row["count"]:
        kind = "gone" if row["change"] == "falling" else row["change"]
        return f"log pattern {kind}: {shown} (none, {row['baseline_count']:,} before)"
    times = (
        "never before"
        if not row["baseline_count"]
        else f"{numeral(row['ratio'], 3)} × the usual rate"
    )
    return f"log pattern {row['change']}: {shown}, {_lines(row['count'])}, {times}"


def _lines(count: int) -> str:
    return f"{count:,} line{'' if count == 1 else 's'}"


def _view(frame: pd.DataFrame, incident: Incident, now: Stretch, before: Stretch) -> View:
    facts = {
        key: value
        for key, value in (frame.attrs.get("evidence") or {}).items()
        if key not in ("from", "to")
    }
    gap = now.span.start - before.span.end
    start = before.span.start if abs(gap) < before.span.length else now.span.start
    span = clock.Span(min(start, now.span.start), now.span.end)
    return View(Look(title="Log patterns: new and surging", window=incident.window()), span, facts)


def _strip(row: pd.Series, now: Floats, before: Floats) -> surges.Strip:
    low, high = numeral(row["ratio_low"], 2), numeral(row["ratio_high"], 2)
    ratio = f"{numeral(row['ratio'], 3)} × ({low} to {high})"
    times = ratio if row["baseline_count"] else "none before"
    head = f"{row['change']}, {_lines(row['count'])}, {times}"
    return surges.Strip(head, found.covered(row["pattern"]), np.concatenate([before, now]))


def _alt(rows: pd.DataFrame) -> str:
    risen = rows[rows["change"].isin(["new", "surging"])]
    said = "; ".join(found.covered(one) for one in risen["says"][:5])
    return f"Bars over time for each log pattern that is new or surges. {said or 'None.'}"


def _line(kinds: pd.Series, now: Stretch, before: Stretch) -> str:
    said = ", ".join(
        f"{int(kinds.get(kind, 0)):,} {kind}" for kind in ("new", "surging", "falling")
    )
    return (
        f"{int(kinds.sum()):,} patterns: {said} · {len(now.rows):,} rows {clock.spell(now.span)} · "
        f"baseline {len(before.rows):,} rows {clock.spell(before.span)}"
    )
