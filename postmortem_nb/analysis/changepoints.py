"""When did it begin and end? Change points of metrics, and of counts of logs, with intervals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from postmortem_nb import units
from postmortem_nb.analysis import found, impact
from postmortem_nb.captions import label
from postmortem_nb.charts import changes, clock
from postmortem_nb.charts.look import Look
from postmortem_nb.errors import BadValue, expected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from postmortem_nb.analysis.found import Found, Window
    from postmortem_nb.analysis.impact import Impact, Moment
    from postmortem_nb.incident import Incident

    Floats = NDArray[np.float64]

MOST_SERIES = 200
"""Series that are looked at, those with the most values first."""

LARGEST = 1e100
"""A value beyond is not one: its square would leave the range of a float."""

EMPTY = 0.05
"""Share of empty buckets outside the incident from which a count is one that often counts none."""

_COUNTS = re.compile(r"\.as_(?:count|rate)\(\s*\)")
_SCOPE = re.compile(r"\{[^{}]*\}")

BUCKETS = 300
"""Stretches, at most, in which rows without a value (logs, spans, events) are counted."""

SHOWN = ("query", "series", "edge", "timestamp", "earliest", "latest", "declared", "reason")
EDGES = ("impact start", "impact end")
NOTHING = (np.zeros(0), np.zeros(0))


@dataclass(frozen=True, slots=True)
class Series:
    """One series: query, name and unit, and its values over seconds since the epoch."""

    query: str
    name: str
    unit: str
    at: Floats
    y: Floats


def change_points(
    frame: pd.DataFrame,
    incident: Incident | None = None,
    *,
    baseline: pd.DataFrame | None = None,
    by: str = "",
) -> Found:
    """Return when the impact began and ended in each series, beside the declared times.

    Parameters
    ----------
    frame
        an answer of ``get_datadog_metric`` (or any frame with ``timestamp`` and ``value``); rows
        without a value, such as logs, are counted over time. It should reach beyond the incident
        on both sides: ``{{INCIDENT_START_MINUS_1H}}`` to ``{{INCIDENT_END_PLUS_1H}}``, or weeks.
    incident
        whose declared window says where to look; without one, or while it has no times, the whole
        frame is looked at, and its first fifth is the baseline (all of it from two days on)
    baseline
        an answer to the same question for a time before, joined by query and series
    by
        a column by which rows without a value are counted apart

    Returns
    -------
    DataFrame
        two rows a series, the most unusual first; shown as chart and table at the end of a cell.

        ``timestamp``
            the proposed time (UTC), missing where it is unknown
        ``edge``
            ``impact start`` or ``impact end``
        ``earliest``, ``latest``
            its 95 % interval, no narrower than the step of the series
        ``declared``
            what the timeline says, and ``minutes_apart``, proposed less declared
        ``query``, ``series``, ``unit``
            as in the frame
        ``before``, ``after``
            the level on each side, in the unit; the usual one is what is expected then
        ``shift``
            median deviation within the impact, in units of the baseline's noise
        ``baseline``
            what the usual level is: a median, or the same weekday or time of day; of a sudden
            change the values just before, or the running median; where the values before and after
        are on one way up or down (the flank of a day), a line or parabola through both
        ``reason``
            why a time is unknown, or what to know about it
        ``says``
            the row in words, for the timeline

    Raises BadValue for a frame without times, and for a baseline that is later than the frame.
    Each series is looked at alone, nothing is corrected for their number: of 200 without a shift,
    two hours of baseline, up to 4 get a start by chance, 14 where each value holds on to 0.7 of
    the one before.

    How: deviations from what is usual (``analysis.usual``) are cut into levels by ruptures'
    penalised least squares; a level is an impact where it stands out of noise, of the ties between
    neighbours, and of the baseline's own stretches (``analysis.breaks``). The start is the first
    departure from the usual, the end the return to it, however slow; where it comes and goes within
    the declared window, of the first and the last time. The interval is the set of moments whose
    likelihood ratio stays below 7.35 (Hansen 2000), whether the change came at once, as a line or
    as a parabola, widened by the step of the series: a point stands for all of it.
    Where no level stands out so, a sudden change is looked for (``analysis.sudden``): what goes
    farther from the values just before it, or from the running median, than anything in as long
    windows before did. One value alone is called a spike. Missing
    values are unknown and left out, never 0; but where a whole answer of a query that counts
    (``.as_count()``, ``.as_rate()``) has empty buckets in quiet times too, they are 0. Up to three
    other incidents in the baseline tell nothing of what is usual and are left out (``baseline``
    says so); what comes more often is what the series does, and what comes at this time of most
    days (three or more) or weeks is no impact, as the reason says.

    Measured on series that are not in this repository; in brackets what was found before sudden
    changes were looked for. Of the 49 labelled windows in the AWS and known-cause series of the
    Numenta Anomaly Benchmark 28 (22) got a proposed start, 26 (19) of them in the window, 17 (15)
    within two steps of the label; of 94 windows without a label 4 (3). Of 248 labelled stretches
    in Microsoft's Cloud Monitoring Dataset 142 (40) did, 117 (36) within two steps of the label;
    of 505 quiet windows 11 (2). Of 87 in the four series that come with Donut and Bagel (Xu et
    al. 2018) 30 (5); of 34 quiet windows none. ``tests/benchmarks/bench_changes.py`` repeats the
    first two; all these series were looked at while rules were made. Faults injected into two
    microservice systems for some four minutes (Nezha, 2023; metrics of the pod at hand, a day
    around): of 33 on a pod's CPU 30 (28) got a start, 29 of them within two minutes; of 99 quiet
    windows, 18 series each, 9 (2) did.
    Of 52 faults in a shop of microservices (PetShop, 2023; five values of 5 minutes, two days of
    baseline) 36 did, all of them within two steps of the label; of 494 quiet windows 9.
    Valves closed on a test rig (SKAB, 34 runs, readings each second): 31 got a start, 24 of
    them within a minute. Simulated, 100 runs each of steps and of ramps of 5 to 40 minutes in
    eleven kinds of noise (white, autoregressive, Poisson, counts of 0.1 and 0.15 a minute,
    shares of requests, lognormal latency, daily season, 5-minute steps): a shift was found in
    99 of 100 runs or more, and the intervals held the true start and the true end in 95 of 100
    or more, but for slow ramps of 0.15 a minute (86 to 92). A percentile says nothing until its
    share of requests is slow: of ramps of 15 minutes and more it held half or fewer. Without a
    shift 0 of 100 runs had a proposal, 1 in lognormal noise, 9 in t (2 d.f.), 11 where 2 % of
    the values were spikes, 8 where each value held on to 0.95 of the one before. Of 40 runs each
    on the steep flank of a day (a sine of 8 units of noise; one or two hours before, one after) 37
    or more had a start within five minutes of an impact of 4 units, up or down. Where the series
    drifts, an end is proposed only where an impact that is not over would look different: of 2,000
    on lines, flanks and bends of a day (2 to 8 units of noise, one to four hours before, half an
    hour to two after) that stayed to the last value 66 (before that rule: 458) got an end, of
    2,000 that were over 1,475 (1,491) did, 1,441 (1,449) of them within five minutes.
    """
    whole = found.timed(frame)
    declared = found.window(incident)
    span = _seconds(declared)
    past = _past(baseline, by, clock.seconds(whole["timestamp"]))
    looked = [
        (
            one,
            impact.find(*_counts(one, whole, span), span, past.get((one.query, one.name), NOTHING)),
        )
        for one in _series(whole, by)
    ]
    looked.sort(key=lambda pair: -np.nan_to_num(abs(pair[1].shift), nan=-1.0))
    rows = pd.DataFrame([row for pair in looked for row in _rows(*pair, declared)], columns=COLUMNS)
    rows = _typed(rows)
    shown = found.Shown(
        lambda: changes.draw(_panels(looked), _view(whole, declared)),
        _alt(rows),
        [name for name in SHOWN if name != "series" or (rows[name] != "*").any()],
        _line(looked),
    )
    return found.made(rows, shown, whole)


COLUMNS = (
    "timestamp", "edge", "earliest", "latest", "declared", "minutes_apart", "query", "series",
    "unit", "before", "after", "shift", "baseline", "reason", "says",
)  # fmt: skip


def _seconds(window: Window) -> tuple[float | None, float | None]:
    start, end = window
    return (clock.epoch(start) if start else None, clock.epoch(end) if end else None)


def _past(
    baseline: pd.DataFrame | None, by: str, at: Floats
) -> dict[tuple[str, str], tuple[Floats, Floats]]:
    """Return times and values of a baseline by query and series; BadValue where it is later."""
    if baseline is None:
        return {}
    whole = found.timed(baseline, "baseline")
    first = np.nanmin(clock.seconds(whole["timestamp"]), initial=np.inf)
    if np.isfinite(first) and first > np.nanmax(at, initial=-np.inf):
        raise BadValue(
            expected(
                "baseline", "an answer for a time before the frame's", example="the week before",
                came=clock.instant(first),
            )
        )  # fmt: skip
    return {(one.query, one.name): (one.at, one.y) for one in _series(whole, by)}


def _series(frame: pd.DataFrame, by: str) -> list[Series]:
    if "value" in frame.columns:
        every = sorted(_measured(frame), key=lambda one: -one.at.size)
    else:
        every = list(_counted(frame, by))
    return every[:MOST_SERIES]


def _measured(frame: pd.DataFrame) -> Iterator[Series]:
    texts = {
        name: frame[name].astype("string").fillna("").to_numpy(dtype=object)
        if name in frame.columns
        else np.full(len(frame), "", dtype=object)
        for name in ("query", "series", "unit")
    }
    at = clock.seconds(frame["timestamp"])
    y = pd.to_numeric(frame["value"], errors="coerce").to_numpy("float64", na_value=np.nan)
    y = np.where(np.abs(y) < LARGEST, y, np.nan)
    names = pd.MultiIndex.from_arrays([texts["query"], texts["series"]])
    codes, keys = pd.factorize(names)
    if not len(keys):
        return
    order = np.argsort(codes, kind="stable")
    for (query, name), here in zip(keys, np.split(order, _ends(codes)), strict=True):
        unit = next((one for one in texts["unit"][here] if one), "")
        yield Series(str(query), str(name), str(unit), at[here], y[here])


def _counts(one: Series, frame: pd.DataFrame, span: impact.Window) -> tuple[Floats, Floats]:
    """Return times and values of a series, of a count with zeros where nothing was counted.

    Datadog leaves empty buckets out. That is read as 0 where the query counts, the answer is whole
    and buckets are empty outside the incident too; else it is unknown.
    """
    facts = frame.attrs.get("evidence") or {}
    every = one.at
    moments = np.unique(every[np.isfinite(every) & np.isfinite(one.y)])
    if not _COUNTS.search(one.query) or "/" in _SCOPE.sub("", one.query) or moments.size < 3:
        return one.at, one.y
    step = float(np.diff(moments).min())
    extent = clock.extent(moments, facts if facts.get("complete") else {})
    first = moments[0] - np.floor((moments[0] - extent.start) / step) * step
    grid = np.arange(first, max(extent.end - step, moments[-1]) + step / 2, step)
    empty = grid[np.abs(moments[_nearest(moments, grid)] - grid) > step / 2]
    apart = [(each < (span[0] or np.inf)) | (each > (span[1] or np.inf)) for each in (empty, grid)]
    if not facts.get("complete") or apart[0].sum() < EMPTY * apart[1].sum():
        return one.at, one.y
    return np.concatenate([one.at, empty]), np.concatenate([one.y, np.zeros(empty.size)])


def _nearest(moments: Floats, grid: Floats) -> NDArray[np.intp]:
    """Return the place of the moment that is nearest to each of a grid."""
    after = np.clip(np.searchsorted(moments, grid), 1, moments.size - 1)
    before = after - 1
    return np.where(grid - moments[before] <= moments[after] - grid, before, after)


def _ends(codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return where each code but the last ends among the sorted ones."""
    return np.cumsum(np.bincount(codes))[:-1]


def _counted(frame: pd.DataFrame, by: str) -> Iterator[Series]:
    """Yield rows counted in round stretches of what was pulled; what was not pulled is unknown."""
    if by and by not in frame.columns:
        raise BadValue(f"by: expected a column of the frame, for example status; got '{by}'")
    at = clock.seconds(frame["timestamp"])
    facts = frame.attrs.get("evidence") or {}
    span = clock.extent(at, facts if facts.get("complete") else {})
    size = clock.bucket(span, BUCKETS)
    edges = np.arange(np.ceil(span.start / size), np.floor(span.end / size) + 1) * size
    if edges.size < 2:
        return
    parts = {"": at}
    if by:
        kinds = frame[by].astype("string").fillna("unknown").astype(object).to_numpy()
        parts = {str(kind): at[kinds == kind] for kind in pd.unique(kinds)}
    for name, moments in parts.items():
        counts = np.histogram(moments[np.isfinite(moments)], edges)[0]
        words = f"rows per {clock.spoken(size)}"
        yield Series(words, name, "", edges[:-1], counts.astype(np.float64))


def _rows(one: Series, known: Impact, declared: Window) -> Iterator[dict[str, Any]]:
    for edge, moment, stated in zip(EDGES, (known.start, known.end), declared, strict=True):
        apart = (moment.at - clock.epoch(stated)) / 60 if stated is not None else np.nan
        yield {
            "timestamp": np.round(moment.at), "edge": edge, "earliest": np.floor(moment.earliest),
            "latest": np.ceil(moment.latest), "declared": stated, "minutes_apart": apart,
            "query": one.query, "series": one.name, "unit": one.unit, "before": moment.before,
            "after": moment.after, "shift": known.shift, "baseline": known.baseline,
            "reason": moment.reason, "says": _says(one, edge, moment),
        }  # fmt: skip


def _name(one: Series) -> str:
    name = " ".join(part for part in (one.query, one.name) if part not in ("", "*"))
    return name or "the series"


def _caption(one: Series) -> str:
    """Return the name of a series with its tags first: where room lacks, the query is cut."""
    return "  ·  ".join(part for part in (one.name, one.query) if part not in ("", "*"))


def _says(one: Series, edge: str, moment: Moment) -> str:
    name = _name(one)
    if not np.isfinite(moment.at):
        return f"{name}: {edge} unknown: {moment.reason}"
    unit = units.read(one.unit)
    low, high = (units.shown(value, unit) for value in (moment.before, moment.after))
    return (
        f"{name}: {edge} at {clock.instant(round(moment.at))} "
        f"(95 % interval {clock.clock(round(moment.earliest))} to "
        f"{clock.clock(round(moment.latest))}), from {low} to {high}"
    )


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    for name in ("timestamp", "earliest", "latest"):
        rows[name] = found.moments(rows[name].astype(float))
    rows["declared"] = pd.to_datetime(rows["declared"], utc=True).astype("datetime64[us, UTC]")
    texts = ("edge", "query", "series", "unit", "baseline", "reason", "says")
    return rows.astype(dict.fromkeys(texts, "string"))


def _panels(looked: list[tuple[Series, Impact]]) -> list[changes.Panel]:
    return [
        changes.Panel(
            found.covered(_caption(one)),
            units.read(one.unit), known.at, known.y, known.level,
            tuple(
                changes.Mark(moment.at, moment.earliest, moment.latest)
                for moment in (known.start, known.end)
                if np.isfinite(moment.at)
            ),
        )
        for one, known in looked
    ]  # fmt: skip


def _view(frame: pd.DataFrame, declared: Window) -> changes.View:
    facts = frame.attrs.get("evidence") or {}
    span = clock.extent(clock.seconds(frame["timestamp"]), facts)
    return changes.View(Look(title="Change points", window=declared), span, facts)


def _alt(rows: pd.DataFrame) -> str:
    said = "; ".join(found.covered(label(one, 160)) for one in rows["says"][:6])
    return f"Line chart with proposed times of the impact. {said or 'No series.'}"


def _line(looked: list[tuple[Series, Impact]]) -> str:
    usual = [known.baseline for _, known in looked if known.baseline]
    quiet = [known.start.reason for _, known in looked if known.start.reason]
    moved = sum(bool(np.isfinite([known.start.at, known.end.at]).any()) for _, known in looked)
    many = f", an impact in {moved:,}" if len(looked) > 1 else ""
    said = f"{len(looked):,} series{many}" + (f" · usual is {usual[0]}" if usual else "")
    return said + (f" · unknown: {quiet[0]}" if quiet and len(quiet) == len(looked) else "")
