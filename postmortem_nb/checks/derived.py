"""Curves made of the frozen ones: sums over groups, and which part of the requests failed."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb import times
from postmortem_nb.checks import frozen, metered
from postmortem_nb.checks.frozen import Curve

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case
    from postmortem_nb.incident import Incident

    _Window = tuple[dt.datetime, dt.datetime]

QUERY = re.compile(r"(?P<way>\w+):(?P<metric>[\w.]+)(?P<rest>\{.*)", re.DOTALL)
_BAD = re.compile(
    r"error|fail|refus|reject|timeout|timed_out|unresolved|lost|denied|declin|dropped|abort|5xx",
    re.IGNORECASE,
)
"""In a part of a metric's name: it counts what failed."""
_WHOLES = ("requests", "hits", "calls", "total", "count", "attempts")
"""How what the errors are a part of is called beside them, the likeliest first."""
_COUNTED = re.compile(r"as_count|as_rate|rollup\(sum")
_PART, _JOINED = re.compile(r"[;:]\s"), re.compile(r"[;:,]\s|\sand\s")
"""Before and behind a level: where the part of the sentence ends whose group is its own."""
_SHORT = 3
_STATES = frozenset({"waiting", "queued", "open", "free", "active", "idle"})
"""Words of a metric's name that say in which state the things are that it counts."""
_NO_THINGS = frozenset({"error", *metered.SECONDS, "minute", "hour", "byte"})
_GENERIC = frozenset(
    re.findall(
        r"\w+",
        "size depth count total used usage value current number process service system host hosts "
        "request requests error errors item duration latency time rate length waiting start http "
        "pool bytes memory cpu queue queues queued backlog open free active idle mean percent "
        "ratio",
    )
)
"""Words of a metric’s name by which nobody knows which one a sentence means."""
_BEHIND = re.compile(
    r"\s(?:[a-z]+\s){0,4}?(?:in|of|at|for|on|from)\s(?:that\s(?:of|in)\s|the\s)*[\w-]+"
)
"""Right behind a level: its group, whatever stands before it."""
_ITS = re.compile(r"\bits own\b", re.IGNORECASE)
_MINUTE = 60_000_000  # µs
_LONGEST = 2_000_000
"""Minutes of a curve: more than three years are no incident."""
_SAME = 0.02
"""Share by which the failures of a metric may differ from those of the document."""
_ABOVE = 0.02
"""Share of the minutes in which more may have failed than came: they are counted at other ends."""


def drawn(incident: Incident, case: Case) -> tuple[Curve, ...]:
    """Return the frozen curves, the sums of those that are counted by group, and error rates."""
    return _drawn(frozen.metrics(incident, case))


@lru_cache(maxsize=4)
def _drawn(answers: tuple[tuple[Path, str, str], ...]) -> tuple[Curve, ...]:
    held = list(chain.from_iterable(frozen.answered(*each) for each in answers))
    held += _totals(held)
    return (*held, *_rates(held))


def _totals(curves: Sequence[Curve]) -> list[Curve]:
    """Return the sums of what is counted by group, minute by minute."""
    by: dict[str, list[Curve]] = {}
    for each in curves:
        if each.series and each.query.startswith("sum:") and len(each.moments):
            by.setdefault(each.query, []).append(each)
    made = []
    for query, groups in by.items():
        moments, at = np.unique(
            np.concatenate([one.moments for one in groups]), return_inverse=True
        )
        levels = np.zeros(len(moments))
        np.add.at(levels, at, np.concatenate([one.levels for one in groups]))
        made.append(Curve(query, moments, levels, groups[0].unit, query))
    return made


def is_bad(query: str) -> bool:
    """Return whether a query counts what failed, by its metric's name."""
    match = QUERY.match(query)
    return bool(match and _BAD.search(match["metric"]) and is_counted(query))


def is_counted(query: str) -> bool:
    """Return whether a query counts what came in each of its steps."""
    return bool(_COUNTED.search(query))


def _rates(curves: Sequence[Curve]) -> Iterator[Curve]:
    """Yield the share of errors, minute by minute, where errors and requests are frozen."""
    counted = [each for each in curves if len(each.moments) and is_counted(each.query)]
    for errors in counted:
        if not is_bad(errors.query):
            continue
        for hits in _wholes(errors, counted):
            bins = _by_minute(errors, hits)
            if bins is None or np.mean(bins[0] > bins[1]) > _ABOVE:
                continue
            seen = np.flatnonzero(bins[1])
            begin = min(errors.moments[0], hits.moments[0])
            levels = 100.0 * bins[0][seen] / bins[1][seen]
            name = f"error_rate of {errors.label}"
            moments = begin + seen * _MINUTE
            yield Curve(name, moments, levels, "percent", name, errors.series)
            break


def failures(curves: Sequence[Curve], total: float, window: _Window) -> list[Curve]:
    """Return the curves of the metric of which the points are, together, a number of failures."""
    drawn = sorted((each for each in curves if is_bad(each.query)), key=lambda each: each.query)
    for _, grouped in groupby(drawn, key=lambda each: each.query):
        every = list(grouped)
        own = [each for each in every if each.series] or every
        if total and abs(sum(counted(each, *window) for each in own) - total) <= _SAME * total:
            return own
    return []


def beside(errors: Curve, curves: Sequence[Curve]) -> Curve | None:
    """Return the curve of all of which the errors are a part."""
    return next(iter(_wholes(errors, [each for each in curves if is_counted(each.query)])), None)


def whole(query: str, queries: Sequence[str]) -> str:
    """Return the query of all of which those of a query failed; empty where none is."""
    none = np.empty(0)
    curves = [Curve(each, none.astype(np.int64), none, query=each) for each in (query, *queries)]
    found = beside(curves[0], curves[1:]) if is_bad(query) else None
    return found.query if found else ""


def counted(curve: Curve, since: dt.datetime, until: dt.datetime) -> float:
    """Return how many a curve counts from one moment to another."""
    begin, end = ((each - times.EPOCH) // frozen.MICROSECOND for each in (since, until))
    return float(curve.levels[(curve.moments >= begin) & (curve.moments < end)].sum())


def _wholes(errors: Curve, counted: Sequence[Curve]) -> list[Curve]:
    """Return what the errors can be a part of: asked in the same way, the likeliest first."""
    own = _asked(errors)
    found = []
    for each in counted:
        other = _asked(each)
        if not own or not other or own[0] != other[0] or is_bad(each.query):
            continue
        apart = [pair for pair in zip(own[1], other[1], strict=False) if pair[0] != pair[1]]
        if own[1][:-1] == other[1] and _BAD.search(own[1][-1]):  # “orders” and “orders.failed”
            found.append((0, "", each))
        elif len(own[1]) == len(other[1]) and len(apart) == 1 and _BAD.search(apart[0][0]):
            name = apart[0][1]
            found.append((_WHOLES.index(name) if name in _WHOLES else len(_WHOLES), name, each))
    return [each for *_, each in sorted(found, key=lambda one: one[:2])]


def _asked(curve: Curve) -> tuple[tuple[str, ...], list[str]] | None:
    """Return how a metric was asked for, and the parts of its name."""
    match = QUERY.match(curve.query)
    return (
        ((match["way"], match["rest"], curve.series), match["metric"].split(".")) if match else None
    )


def _by_minute(one: Curve, other: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the sums of two curves, minute by minute from the first moment of both."""
    begin = min(one.moments[0], other.moments[0])
    bins = [(each.moments - begin) // _MINUTE for each in (one, other)]
    size = int(max(each[-1] for each in bins)) + 1
    if size > _LONGEST:
        return None
    first, second = (
        np.bincount(each, weights=curve.levels, minlength=size).astype(np.float64)
        for each, curve in zip(bins, (one, other), strict=True)
    )
    return first, second


def is_named(curve: Curve, text: str) -> bool:
    """Return whether a text, in small letters, names what a curve is of."""
    name = group(curve)
    if name.isdigit():  # “7 a minute” is not line 7
        key = curve.series.rpartition(":")[0].rpartition(",")[2].lower()
        return bool(re.search(rf"\b{re.escape(key)}s?\s(?:\d+(?:,\s|\sand\s))*{name}\b", text))
    return bool(name and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text))


def group(curve: Curve) -> str:
    """Return the value that a curve is of: “north” of region:north."""
    return curve.series.rpartition(":")[2].lower()


class Gauge(NamedTuple):
    """The words of a gauge: of its name, of what it stands in, of what it counts.

    One in percent is that of one group alone: “use of vol-b”.
    """

    names: frozenset[str]
    places: frozenset[str]
    things: frozenset[str]
    groups: frozenset[str] = frozenset()


def _words(said: str) -> frozenset[str]:
    """Return the words of a part of a metric’s name by which a sentence can mean it."""
    return frozenset(each for each in re.split(r"[._]", said) if len(each) > _SHORT) - _GENERIC


def gauge(curve: Curve) -> Gauge | None:
    """Return the words of a gauge: “pending”, “outbox”, “ticket”; None for another metric."""
    match = QUERY.match(curve.query)
    if match is None or is_counted(curve.query) or curve.unit in _NO_THINGS:
        return None
    metric: str = match["metric"].lower()
    head, _, name = metric.rpartition(".")
    names, places, things = map(_words, (name, head.rpartition(".")[2], curve.unit.lower()))
    if curve.unit == "percent":
        own = group(curve)
        used = len(own) > 2 and not measures(curve, "cpu") and not measures(curve, "rate")
        return Gauge(names, places, frozenset(), frozenset({own})) if used else None
    if not names and things:  # “connections waiting”: neither word would do alone
        names = _STATES & frozenset(re.split(r"[._]", name))
    return Gauge(names, places, things) if names or (places and things) else None


def measures(curve: Curve, kind: str, percentile: str = "") -> bool:
    """Return whether a metric is of a kind, a percentile and the unit of that kind."""
    if kind == "failing" and is_bad(curve.query):
        return curve.unit != "percent"
    if not metered.TOPICS[kind][1].search(curve.label):
        return False
    digits = re.sub(r"\D", "", percentile)
    if digits and f"p{digits}" not in curve.label:
        return False
    if kind in {"failing", "arriving"}:
        return curve.unit != "percent" and is_counted(curve.query)
    if kind == "queue":
        return curve.unit not in {"percent", "second"} and "duration" not in curve.label
    return curve.unit in (metered.SECONDS if kind == "latency" else {"percent"})


def own(fit: Sequence[Curve], sentence: str, end: int, beside: str) -> Sequence[Curve]:
    """Return the curves of the group that a sentence names around a place.

    Where it names none, all of them; where what stands ``beside`` it, its row, names none either,
    only those of all groups together.
    """
    before, after = _PART.split(sentence[:end])[-1], _JOINED.split(sentence[end:])[0]
    behind = _BEHIND.match(after.lower())
    for text in (behind.group() if behind else "", before, after):
        named = [one for one in fit if is_named(one, text.lower())]
        if named:
            return named if len({one.series for one in named}) == 1 else fit
    named = [one for one in fit if is_named(one, sentence[:end].lower())]
    if _ITS.search(before) and len({one.series for one in named}) == 1:
        return named
    whole = [one for one in fit if not one.series]
    return fit if not whole or any(is_named(one, beside) for one in fit) else whole
