"""The SLO question: Datadog's SLO history, or metric queries: requests counted, or good time.

Two stretches are asked for: the SLO's own window, up to the end of the question's, for target,
achievement and budget; and the question's window, finer, for what the incident took of it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import slo, times
from postmortem_nb.datadog import answers, steps, timeseries, uptime
from postmortem_nb.datadog.failures import Failed
from postmortem_nb.errors import QueryError, expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postmortem_nb.datadog.asking import Arguments, Asking
    from postmortem_nb.slo import Interval

NAME = "get_datadog_slo"
UNKNOWN = "check slo_id, the end of the SLO's address in Datadog; DD_SITE, if it is of another site"
"""What to do where Datadog has no SLO of that id."""
TIMEFRAME = "30d"
"""The window of an SLO where nobody says another."""

TYPES = {0: "monitor", 1: "metric", 2: "time_slice"}
PRECISION = 0.01
"""Percent by which Datadog's status and its own series may differ; more is said."""

LONG = timedelta(days=2)
MINUTE = timedelta(minutes=1)

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_FRAME = re.compile(r"[1-9][0-9]{0,3}[dw]")
_LAST = 253_402_300_800  # the end of the year 9999, in seconds


def answer(asked: Asking) -> pd.DataFrame:
    """Return the frame of an SLO question: a row a step, of the SLO's window and the incident's."""
    asked_for = _checked(asked.arguments)
    corrections = _corrections(asked.arguments["corrections"])
    if asked_for["slo_id"]:
        return _from_history(asked, asked_for, corrections)
    if asked_for["uptime"] or asked_for["monitor"]:
        return _from_condition(asked, asked_for, corrections)
    return _from_metrics(asked, asked_for, corrections)


def _checked(given: Arguments) -> Arguments:
    """Return the arguments; QueryError, on one line, for those that ask for no SLO."""
    names = ("slo_id", "total", "good", "bad", "uptime", "monitor", "slices")
    ways = {name: given[name] for name in names}
    if not all(isinstance(words, str) for words in ways.values()):
        raise QueryError(expected(NAME, "texts", example="slo_id='0f2d6c5b…'", came=ways))
    by_metrics = bool(given["total"]) and bool(given["good"]) != bool(given["bad"])
    counts = bool(given["total"] or given["good"] or given["bad"])
    chosen = [bool(given[name]) for name in ("slo_id", "uptime", "monitor")]
    if [*chosen, counts].count(True) != 1 or counts != by_metrics:
        said = ", ".join(name for name in names[:-1] if given[name]) or "nothing"
        what = "slo_id, or total with either good or bad, or uptime, or monitor"
        raise QueryError(expected(NAME, what, example="slo_id='0f2d6c5b…'", came=said))
    if given["slo_id"] and not _ID.fullmatch(given["slo_id"]):
        what = "the id of an SLO, as in its link"
        example = "0f2d6c5b8e9a4c3db7a14821c4ec0a7e"
        raise QueryError(expected(f"{NAME}: slo_id", what, example=example, came=given["slo_id"]))
    for name in ("total", "good", "bad"):
        if given[name] and ".as_count()" not in given[name]:
            what = "a query that counts"
            example = "sum:trace.web.request.hits{*}.as_count()"
            raise QueryError(expected(f"{NAME}: {name}", what, example=example, came=given[name]))
    _window(given["timeframe"] or TIMEFRAME)
    return given | {"target": _target(given["target"], needed=not given["slo_id"])}


def _target(value: Any, *, needed: bool) -> float | None:
    """Return a target in percent, 100 too: it leaves no budget, which the figures say.

    No SLO aims at 1 % or less: such a number is a share, 0.999, and would be read as 0.999 %.
    """
    if value is None and not needed:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 1 < value <= 100:
        what = "a percentage above 1, up to 100"
        raise QueryError(expected(f"{NAME}: target", what, example="99.9", came=value))
    return float(value)


def _window(timeframe: Any) -> timedelta:
    """Return the length of a timeframe such as ``30d``."""
    if not isinstance(timeframe, str) or not _FRAME.fullmatch(timeframe):
        what = "a number of days or weeks"
        raise QueryError(expected(f"{NAME}: timeframe", what, example="30d", came=timeframe))
    return times.span(timeframe)


def _corrections(given: Any) -> list[Interval]:
    """Return the intervals that are left out, in order, none overlapping another."""
    pairs = given if isinstance(given, (list, tuple)) else None
    if pairs is None or any(not isinstance(e, (list, tuple)) or len(e) != 2 for e in pairs):
        example = "[['2025-12-01T02:00Z', '2025-12-01T03:00Z']]"
        what = "pairs of times"
        raise QueryError(expected(f"{NAME}: corrections", what, example=example, came=given))
    label = f"{NAME}: corrections"
    found = [tuple(times.parse(each, name=label) for each in pair) for pair in pairs]
    return slo.merged([(since, until) for since, until in found if since < until])


# -- Datadog's own history -------------------------------------------------------------------------


def _from_history(asked: Asking, given: Arguments, corrections: list[Interval]) -> pd.DataFrame:
    """Return the frame of an SLO that Datadog keeps."""
    near = _history(asked, given["slo_id"], asked.start, asked.end)
    objective = _objective(near, given)
    since = asked.end - objective.window
    whole = _history(asked, given["slo_id"], since, asked.end)
    basis = "minutes" if objective.kind != "metric" else "requests"
    scopes = {"window": (whole, since), "incident": (near, asked.start)}
    rows = {
        scope: list(_rows(history, (begin, asked.end), corrections, basis))
        for scope, (history, begin) in scopes.items()
    }
    status = _number((whole.get("overall") or {}).get("sli_value"))
    warnings = _warnings(whole, status, rows["window"], basis)
    frame = steps.frame(rows, basis, objective, None if corrections else status)
    applied = "its corrections applied" if given["apply_correction"] else "without its corrections"
    return _recorded(asked, frame, warnings, f"Datadog's SLO history, {applied}")


def _history(asked: Asking, slo_id: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Return the data of one answer of ``GET /api/v1/slo/{id}/history``."""
    try:
        found = asked.ask(
            "slo history",
            _read,
            slo_id=slo_id,
            from_ts=times.seconds(since),
            to_ts=times.seconds(until, up=True),
            apply_correction=bool(asked.arguments["apply_correction"]),
        )
    except Failed as failed:
        if failed.status == HTTPStatus.NOT_FOUND:
            failed.remedy = UNKNOWN
        raise
    data: dict[str, Any] = found["data"]
    if not asked.arguments["apply_correction"]:
        _dict(data.get("overall")).pop("corrections", None)  # listed, and not applied
    series = _dict(data.get("series"))
    counts = [_values(series.get(name)) for name in ("numerator", "denominator")]
    if any(counts) and {*map(len, counts)} != {len(series.get("times") or ())}:
        asked.parts.append("the SLO's history has another number of counts than times")
    return data


def _read(body: bytes) -> dict[str, Any]:
    """Return an answer whose data hold a history; Failed for anything else."""
    found = answers.document(body)
    data = found.get("data")
    if not isinstance(data, dict) or not {"series", "overall"} & data.keys():
        raise answers.unusable(found)
    return found


def _objective(history: dict[str, Any], given: Arguments) -> steps.Target:
    """Return the target of an answer, of the timeframe that was asked for or is the SLO's own."""
    described = _dict(history.get("slo"))
    thresholds = {str(k): _dict(v) for k, v in _dict(history.get("thresholds")).items()}
    wished = given["timeframe"] or str(described.get("timeframe") or "")
    frames = [frame for frame in thresholds if _FRAME.fullmatch(frame)]
    chosen = wished if _FRAME.fullmatch(wished) else max(frames, key=_window, default=TIMEFRAME)
    if given["timeframe"] and frames and chosen not in frames and given["target"] is None:
        example = frames[0]
        what = f"one of the SLO's own ({', '.join(frames)}), or a target too"
        raise QueryError(expected(f"{NAME}: timeframe", what, example=example, came=chosen))
    target = given["target"]
    if target is None:
        target = _number(_dict(thresholds.get(chosen)).get("target"))
    overall = _dict(history.get("overall"))
    name = described.get("name") or overall.get("name") or given["slo_id"]
    kind = history.get("type") or TYPES.get(history.get("type_id", -1), "")
    kind = str(kind) if kind in TYPES.values() else "metric" if history.get("series") else "monitor"
    return steps.Target(str(name), kind, target, _window(chosen))


def _rows(
    history: dict[str, Any], span: Interval, corrections: Sequence[Interval], basis: str
) -> Iterable[steps.Row]:
    """Yield the steps of an answer inside a span, corrections left out."""
    own = slo.merged(_own_corrections(_dict(history.get("overall"))))
    timed, up = basis == "minutes", _is_sliced(history)
    found = _states(history, span[1]) if timed else _counted(_dict(history.get("series")))
    cuts = [cut for row in found if (cut := steps.clipped(row, span, scale=timed)) is not None]
    if timed:
        both = slo.merged([*corrections, *own])
        yield from (part for cut in cuts for part in steps.parted(cut, both, up=up))
        return
    held = [(max(a, span[0]), min(b, span[1])) for a, b in own if a < span[1] and b > span[0]]
    for cut in steps.noted(cuts, held):  # Datadog counts nothing in its own
        yield steps.corrected(cut, corrections)


def _counted(series: dict[str, Any]) -> Iterable[steps.Row]:
    """Yield the steps of a metric SLO; a denominator of zero is no data, not 100 %."""
    good, valid = (_values(series.get(name)) for name in ("numerator", "denominator"))
    moments = [_at(_number(each), 1000) for each in series.get("times") or ()]
    length = timedelta(seconds=_number(series.get("interval")) or 60.0)
    after = [*moments[1:], None]  # the first bucket ends where the second begins
    for moment, following, well, all_ in zip(moments, after, good, valid, strict=False):
        if moment is None:
            continue
        until = moment + length
        if following is not None and moment < following < until:
            until = following
        valid_here, good_here = all_ or 0.0, min(well or 0.0, all_ or 0.0)
        yield steps.row(moment, until, good_here, valid_here - good_here, lacks=not all_)


def _states(history: dict[str, Any], end: datetime) -> Iterable[steps.Row]:
    """Yield the stretches of a monitor or time-slice SLO between its changes of state.

    Without data a time-slice SLO counts as up; of a monitor SLO that depends on the monitor, so it
    is neither here, as Datadog's own status leaves it.
    """
    up = _is_sliced(history)
    marks = []
    for pair in _dict(history.get("overall")).get("history") or ():
        moment = _at(_number(pair[0]), 1) if isinstance(pair, list) and len(pair) == 2 else None
        if moment is not None:
            marks.append((moment, pair[1]))
    marks.sort(key=lambda mark: mark[0])
    ends = [moment for moment, _ in marks[1:]] + [end]
    for (since, state), until in zip(marks, ends, strict=True):
        minutes = max(0.0, (until - since) / MINUTE)
        lacks = state not in (slo.UP, slo.DOWN)
        good = minutes if state == slo.UP or (lacks and up) else 0.0
        bad = minutes if state == slo.DOWN else 0.0
        yield steps.row(since, until, good, bad, lacks=lacks)


def _is_sliced(history: dict[str, Any]) -> bool:
    """Return whether an SLO is one by time slices: no data and corrections count as good."""
    return history.get("type") == "time_slice" or history.get("type_id") == 2


def _own_corrections(overall: dict[str, Any]) -> list[Interval]:
    """Return the corrections that an answer lists."""
    found = []
    for each in overall.get("corrections") or ():
        pair = [_at(_number(_dict(each).get(name)), 1) for name in ("start", "end")]
        if pair[0] is not None and pair[1] is not None and pair[0] < pair[1]:
            found.append((pair[0], pair[1]))
    return found


def _warnings(
    history: dict[str, Any], status: float | None, rows: Sequence[steps.Row], basis: str
) -> list[str]:
    """Return what a reader must know of an answer: its own errors, a status that is another."""
    errors = _dict(history.get("overall")).get("errors") or ()
    said = [str(_dict(each).get("error_message") or each)[:200] for each in errors]
    good, valid = (sum(row[name] for row in rows) for name in ("good", "valid"))
    if status is not None and valid and abs(100 * good / valid - status) > PRECISION:
        said.append(
            f"Datadog states {status:g} %, its {basis} give {100 * good / valid:.3f} %: "
            "corrections or late data"
        )
    return said


# -- a condition on metrics ------------------------------------------------------------------------


def _from_condition(asked: Asking, given: Arguments, corrections: list[Interval]) -> pd.DataFrame:
    """Return the frame of an SLO by time slices, or by a monitor's query, from its metrics."""
    by = uptime.rule(given["uptime"], given["monitor"], given["slices"] or "1m")
    window = _window(given["timeframe"] or TIMEFRAME)
    since = asked.end - window
    counted = uptime.count(asked, by, (min(since, asked.start), asked.end))
    up = by.kind == "time_slice"
    rows = {}
    for scope, begin in (("window", since), ("incident", asked.start)):
        cut = (steps.clipped(row, (begin, asked.end), scale=True) for row in counted.rows)
        kept = (row for row in cut if row is not None)
        rows[scope] = [part for row in kept for part in steps.parted(row, corrections, up=up)]
    objective = steps.Target(by.words[:200], by.kind, given["target"], window)
    frame = steps.frame(rows, "minutes", objective, None)
    return _recorded(
        asked, frame, _blank(counted, up=up), "slices of metric queries", partial=counted.partial
    )


def _blank(counted: uptime.Counted, *, up: bool) -> list[str]:
    """Return what a reader must know of slices without data."""
    if not counted.blank or counted.blank == counted.slices:
        return []
    means = "count as good" if up and not counted.partial else "count neither as good nor as bad"
    return [f"{counted.blank:,} of {counted.slices:,} slices had no data and {means}"]


# -- metric queries --------------------------------------------------------------------------------


def _from_metrics(asked: Asking, given: Arguments, corrections: list[Interval]) -> pd.DataFrame:
    """Return the frame of an SLO that is counted by queries: total, and good or bad."""
    window = _window(given["timeframe"] or TIMEFRAME)
    since = asked.end - window
    rows, partial, silent, said = {}, "", "", list[str]()
    for scope, begin in (("window", since), ("incident", asked.start)):
        found, missing, odd, empty = _points(asked, given, (begin, asked.end))
        silent = empty if scope == "window" else silent  # in an incident none good is an outage
        if silent:
            then = "check its name" + "; or count what was good" * (silent == given["bad"])
            found = [steps.unknown(row) for row in found]
            odd = [f"{silent} had no data in the SLO's window: nothing is counted; {then}"]
        partial, said = partial or missing, [*said, *odd][:1]
        cut = (steps.clipped(row, (begin, asked.end), scale=False) for row in found)
        rows[scope] = [steps.corrected(row, corrections) for row in cut if row is not None]
    counted = given["good"] or given["bad"]
    name = f"{'good' if given['good'] else 'total − bad'} of {given['total']}: {counted}"
    objective = steps.Target(name[:200], "metric", given["target"], window)
    frame = steps.frame(rows, "requests", objective, None)
    return _recorded(asked, frame, said, "counted by metric queries", partial=partial)


def _points(
    asked: Asking, given: Arguments, span: Interval
) -> tuple[list[steps.Row], str, list[str], str]:
    """Return the steps of a span, why partial, warnings, and which query had no data at all."""
    queries = [given["total"], given["good"] or given["bad"]]
    long = span[1] - span[0] > LONG  # Datadog's own choice would be hours, cut at the beginning
    over = asked.over(*span, interval="1h" if long else None)
    found, partial = timeseries.points(over, queries)
    totals, others = (_by_time(found, query) for query in queries)
    moments = sorted(totals.keys() | others.keys())
    gaps = [b - a for a, b in pairwise(moments)]
    length = timedelta(milliseconds=min(gaps)) if gaps else span[1] - span[0]
    rows = []
    for moment in moments:
        all_, other = totals.get(moment, 0.0), others.get(moment, 0.0)
        valid = max(all_, other) if given["bad"] else all_
        bad = other if given["bad"] else max(0.0, valid - other)
        since = _at(moment, 1000)
        if since is not None:
            rows.append(steps.row(since, since + length, valid - bad, bad, lacks=not valid))
    odd = sum(others.get(each, 0.0) > totals.get(each, 0.0) for each in moments)
    name = "good" if given["good"] else "bad"
    words = (
        f"{odd:,} of {len(moments):,} steps count more {name} than total: the queries do not fit"
    )
    empty = queries[0] if not totals else queries[1] if not others else ""
    return rows, partial, [words] if odd else [], empty


def _by_time(frame: pd.DataFrame, query: str) -> dict[float, float]:
    """Return the sum of a query's series at each moment (epoch ms)."""
    own = frame[(frame["query"] == query) & frame["value"].notna()]
    sums = own.groupby("timestamp")["value"].sum()
    moments = (moment.timestamp() * 1000 for moment in pd.DatetimeIndex(sums.index))
    return dict(zip(moments, map(float, sums), strict=True))


def _recorded(
    asked: Asking, frame: pd.DataFrame, warnings: list[str], path: str, *, partial: str = ""
) -> pd.DataFrame:
    """Return a frame with its record, and by which way it was answered."""
    asked.teller.came(len(frame))
    made = asked.record(frame, partial=partial, warnings=warnings)
    made.attrs["evidence"]["path"] = path
    return made


def _values(side: Any) -> list[float | None]:
    return [_number(value) for value in _dict(side).get("values") or ()]


def _at(value: float | None, per_second: int) -> datetime | None:
    """Return an epoch time as a moment, None for what is none."""
    seconds = None if value is None else value / per_second
    if seconds is None or not 0 <= seconds < _LAST:
        return None
    return times.EPOCH + timedelta(seconds=seconds)


def _number(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if fits and abs(value) < float("inf") else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
