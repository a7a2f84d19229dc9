"""Failed requests from metrics: which queries count them, and how many in the impact.

A count is a sum over all series of what a metric counted in each step: ``sum:…errors{…}`` with
``.as_count()``, ``.as_rate()`` or ``.rollup(sum, …)``; without one of these a step holds the mean
of what came in it. Means, maxima, percentages, durations, and what went through a function or a
formula are no counts whatever they are called; why not is said.
https://docs.datadoghq.com/metrics/custom_metrics/type_modifiers/
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb import coverage, times, units
from postmortem_nb.errors import PostmortemError
from postmortem_nb.estimates import TOLERANCE, Estimate
from postmortem_nb.sqlcounts import REGIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from postmortem_nb.coverage import Windows

ERRORS = re.compile(
    r"(?<![a-z])(?:err(?:or)?s?|fail(?:ed|ures?)|(?<!\d)5xx)(?![a-z0-9])|"
    r"(?:status(?:_code)?|response_code):5(?:\d\d|\*)(?!\w)"
)
"""What a query has in it that may count failed requests: “http.errors”, “checkout.failed”,
“status_code:503”."""

_UNDONE = re.compile(
    r"(?<![a-z])(?:reject(?:ed|ions)|refus(?:ed|als)|dropped|lost|timeouts|timed_?out|unanswered|"
    r"undelivered)(?![a-z])"
)
"""What a metric's name has that counts what was not done, without a word of errors."""
_OF_THE_NET = re.compile(
    r"(?<![a-z])(?:packets?|frames?|conn(?:ection)?s?|tcp|udp|dns|sockets?|locks?|caches?|retry|"
    r"retries|pools?|threads?|spans?|traces?|logs?|metrics?|agents?)(?![a-z])"
)
"""In the name of such a metric: it counts no requests."""

COLUMNS = frozenset({"timestamp", "query", "series", "value"})
"""What the answer of a metric holds."""

_QUERY = re.compile(
    r"(?P<space>\w+)\s*:\s*(?P<metric>[\w.]+)\s*\{(?P<filter>[^{}]*)\}\s*"
    r"(?:by\s*\{[^{}]*\}\s*)?(?P<modifiers>(?:\.\s*\w+\s*\([^()]*\)\s*)*)"
)
_MODIFIER = re.compile(r"\.\s*(\w+)\s*\(([^()]*)\)")
_ZEROS = re.compile(r"default_zero\((.*)\)", re.DOTALL)
_FUNCTION = re.compile(r"(\w+)\s*\(")
_TERMS = re.compile(r",(?![^()]*\))|\bAND\b", re.IGNORECASE)
_REGION = "|".join(map(re.escape, REGIONS))
_OF_REGIONS = re.compile(rf"(?:[!(\s-]|NOT\b)*(?:{_REGION})(?:\s*:|\s)", re.IGNORECASE)
_OF_ONE = re.compile(rf"(?:{_REGION}):([^\s()*]+)", re.IGNORECASE)
_NEGATED = re.compile(r"^[!-]|\bNOT\b|:\s*(?:false|no|none|0)$", re.IGNORECASE)
_OR = re.compile(r"\bOR\b", re.IGNORECASE)
_KNOWN = frozenset({"as_count", "as_rate", "rollup", "fill"})
"""Modifiers under which a sum of points may still be a count."""

_OTHERWISE = re.compile(
    r"(?<![a-z])(?:rate|ratio|percent|percentage|pct|share|budget|latency|duration|time|seconds|ms|"
    r"bytes|size|users?|sessions?|customers?)(?![a-z])"
)
"""What a metric's name says behind its ``error`` where it counts no requests."""

_NO_REQUESTS = frozenset(
    {
        *("apdex", "hertz", "kilohertz", "megahertz", "gigahertz", "dollar", "cent", "euro"),
        *("pound", "user", "session", "customer"),
    }
)
"""Units of things that are no requests, beside lengths, bytes and percentages."""

_HALF = 0.5
"""Share of the gaps between points that have to be one step for it to be known."""


@dataclass(frozen=True, slots=True)
class _Query:
    """A query as far as it matters here. ``why`` it is no count; empty where it is one.

    ``rollup`` is the step that it asks for, in seconds.
    """

    text: str
    why: str = ""
    metric: str = ""
    terms: frozenset[str] = frozenset()
    rated: bool = False
    rollup: float | None = None


def may_count(query: str) -> bool:
    """Return whether a query may count failed requests, by its names: “reading.rejected” too."""
    return bool(ERRORS.search(query)) or is_lesser(query)


def is_lesser(query: str) -> bool:
    """Return whether a query counts by its name what was rejected or lost, but no errors.

    It counts failed requests only where nothing else does: a part of the errors, or more.
    """
    metric = query.partition("{")[0]
    undone = _UNDONE.search(metric) and not _OF_THE_NET.search(metric)
    return bool(undone) and not ERRORS.search(query)


def requests(frame: pd.DataFrame, window: Windows, *, name: str) -> list[Estimate]:
    """Return the failed requests that each error query of a metric answer counted in the window.

    A point stands for the step that begins at it, and counts by the part of it that is inside;
    rates are multiplied by their step. Two queries
    may count the same requests, so they are never added up; of the same metric with filters that
    leave each other out, each saw only a part. A query grouped by region is split by it, one of a
    region alone tells of that region.
    """
    return [each for each in _told(frame, window, name) if isinstance(each, Estimate)]


def unknown(frame: pd.DataFrame, window: Windows, *, name: str) -> str:
    """Return why an answer that asks of errors counts no failed requests; empty where it does."""
    told = list(_told(frame, window, name))
    counted = any(isinstance(each, Estimate) for each in told)
    return "" if counted else next((str(each) for each in told), "")


def _told(frame: pd.DataFrame, window: Windows, name: str) -> Iterator[Estimate | str]:
    """Yield what each error query counted, or why it counted nothing."""
    if not set(frame.columns) >= COLUMNS:
        return
    texts = frame["query"].astype("string").dropna().unique()
    queries = [_read(text, _unit(frame, text)) for text in texts if may_count(text)]
    for each in queries:
        step = _step(frame, each)
        inside = _inside(frame, each, window, step)
        why = each.why or _unread(each, inside, step, window)
        if why:
            yield f"“{each.text}” (evidence {name}) counts none: {why}"
            continue
        found = _estimate(each, inside, step, source=f"evidence: {name}, {each.text}")
        yield found.limited(_alone(each, queries), coverage.limits(frame, window))


def _alone(query: _Query, queries: list[_Query]) -> str:
    """Return which part of the requests a query counts alone; empty where it may be all of them.

    A region is a part of them, and so is a filter beside one that it does not hold.
    """
    regions = sorted(term for term in query.terms if _OF_REGIONS.match(term))
    if regions:
        return f"of {', '.join(regions)} alone"
    others = [each.terms for each in queries if not each.why and each.metric == query.metric]
    if all(query.terms <= terms for terms in others):
        return ""
    return f"of {', '.join(sorted(query.terms))} alone"


def _estimate(query: _Query, points: pd.DataFrame, step: float | None, source: str) -> Estimate:
    """Return what the points of a query count."""
    scale = step if query.rated and step else 1.0
    whole = points["value"].astype("float64") * scale
    values = whole * points["part"]
    least, most = float(whole[points["part"] >= 1].sum()), float(whole.sum())
    coarse = most - least > TOLERANCE * most
    times_step = f" × their step of {step:g} s" if query.rated else ""
    edges = "that begin in the impact window"
    if (points["part"] < 1).any():
        edges = "in the impact window, of those across its edges the part inside"
        edges += "; the interval is without these and with all of them" * coarse
    return Estimate(
        name="failed_requests",
        value=round(float(values.sum())),
        unit="requests",
        source=source,
        definition=f"sum of the points{times_step} {edges}",
        low=round(least) if coarse else None,
        high=round(most) if coarse else None,
        parts=tuple(_regions(points, values)) or _one_region(query, values),
        split="region",
    )


def _read(text: str, unit: str) -> _Query:
    """Return a query that counts failed requests, or why it does not."""
    bare = text.strip()
    zeros = _ZEROS.fullmatch(bare)
    found = _QUERY.fullmatch(zeros[1].strip() if zeros else bare)
    if found is None:
        function = _FUNCTION.match(bare)
        said = f"{function[1]}(…) changes what was counted" if function else "it is a formula"
        return _Query(text, said)
    modifiers = [(name, given.strip()) for name, given in _MODIFIER.findall(found["modifiers"])]
    why = (
        _not_summed(found["space"], modifiers)
        or _not_of_errors(found["metric"], found["filter"])
        or _of_no_requests(found["metric"], unit)
    )
    names = [name for name, _ in modifiers]
    rollups = [given for name, given in modifiers if name == "rollup"]
    return _Query(
        text,
        why,
        found["metric"],
        frozenset(term for term in _terms(found["filter"]) if not term.endswith(":*")),
        "as_rate" in names,
        _seconds(rollups[-1]) if rollups else None,
    )


def _not_summed(space: str, modifiers: list[tuple[str, str]]) -> str:
    """Return why the points of a query do not add up to a count."""
    names = {name for name, _ in modifiers}
    methods = {_first(given) for name, given in modifiers if name == "rollup"}
    methods = {method for method in methods if not method.isdigit()}
    filled = {_first(given) for name, given in modifiers if name == "fill"} - {"zero", "null"}
    counts = {"as_count", "as_rate"} & names
    faults = (
        (space != "sum", f"{space}: is no sum of the series"),
        (names - _KNOWN, f".{min(names - _KNOWN, default='')}(…) changes what was counted"),
        ("as_rate" in counts and (methods or len(counts) > 1), "it is no plain rate"),
        (methods - {"sum"}, f".rollup({min(methods, default='')}, …) is no sum of a step"),
        (not methods and not counts, "its points are means; .as_count() makes them counts"),
        (filled, f".fill({min(filled, default='')}) adds what nobody counted"),
    )
    return next((words for fault, words in faults if fault), "")


def _first(given: str) -> str:
    """Return the first setting of a modifier."""
    return given.partition(",")[0].strip()


def _not_of_errors(metric: str, written: str) -> str:
    """Return why a query is not about errors alone: they stand only in a filter that leaves out."""
    if may_count(metric):
        return ""
    telling = [term for term in _terms(written) if ERRORS.search(term)]
    if not telling or _OR.search(written) or all(_NEGATED.search(term) for term in telling):
        return "it does not count errors alone"
    return ""


def _of_no_requests(metric: str, unit: str) -> str:
    """Return why a metric counts something else, by its unit or its name."""
    read = units.read(unit)
    if unit and (read.family != "things" or read.name in _NO_REQUESTS):
        return f"its unit is {unit}"
    told = ERRORS if ERRORS.search(metric) else _UNDONE
    last = [match.end() for match in told.finditer(metric)]
    behind = metric[last[-1] :] if last else metric.rpartition(".")[2]
    said = _OTHERWISE.search(behind)
    return f"its name says that it is a {said[0]}" if said else ""


def _terms(written: str) -> list[str]:
    return [term.strip() for term in _TERMS.split(written) if term.strip() not in {"", "*"}]


def _seconds(given: str) -> float | None:
    """Return the length of a rollup's step, None where it names only how."""
    number = given.rpartition(",")[2].strip()
    return float(number) if number.isdigit() and int(number) else None


def _unit(frame: pd.DataFrame, text: str) -> str:
    """Return the unit of a query's series, empty where none is known."""
    if "unit" not in frame.columns:
        return ""
    known = frame.loc[frame["query"] == text, "unit"].dropna()
    return str(known.iloc[0]) if len(known) else ""


def _inside(
    frame: pd.DataFrame, query: _Query, window: Windows, step: float | None
) -> pd.DataFrame:
    """Return the points of a query in the impact, each with the ``part`` of its step inside.

    Without a step those that begin in it. What was not asked for is in no point: the first may
    begin before the question.
    """
    points = frame[frame["query"] == query.text].dropna(subset=["value"])
    points = points[points["value"].astype("float64").abs() < math.inf]
    if step is None:
        return coverage.within(points, window).assign(part=1.0)
    since = (points["timestamp"] - times.EPOCH).dt.total_seconds()
    until = since + step
    if (asked := coverage.asked(coverage.record(frame))) is not None:
        since, until = (
            since.clip(lower=asked[0].timestamp()),
            until.clip(upper=asked[1].timestamp()),
        )
    length, shared = until - since, 0.0 * since
    for start, end in coverage.intervals(window):
        both = until.clip(upper=end.timestamp()) - since.clip(lower=start.timestamp())
        shared += both.clip(lower=0)
    points = points.assign(part=(shared / length).where(length > 0, 0.0))
    return points[points["part"] > 0]


def _unread(query: _Query, inside: pd.DataFrame, step: float | None, window: Windows) -> str:
    """Return why nothing can be told from the points in the impact."""
    length = sum((end - start for start, end in coverage.intervals(window)), dt.timedelta())
    if step is not None and dt.timedelta(seconds=step) > length:
        apart = times.duration(step / 60)
        return f'its points are {apart} apart, the impact is shorter; interval="1m" asks for finer'
    if inside.empty:
        return "it has no points in the impact window"
    if query.rated and step is None:
        return "its points do not tell the step of its rate; interval=… sets it"
    return ""


def _step(frame: pd.DataFrame, query: _Query) -> float | None:
    """Return the seconds between points: as asked for, else the least gap of the answer.

    Steps without data are left out of an answer, so a gap that is seldom is not known to be one.
    """
    if query.rollup is not None:
        return query.rollup
    if (asked := _interval(frame)) is not None:
        return asked
    plain = frame[~frame["query"].astype("string").str.contains("rollup", na=False)]
    moments = plain["timestamp"].drop_duplicates().sort_values()
    gaps = moments.diff().dropna().dt.total_seconds()
    if gaps.empty or (gaps == gaps.min()).mean() < _HALF:
        return None
    return float(gaps.min())


def _interval(frame: pd.DataFrame) -> float | None:
    """Return the interval that a question asked for, in seconds."""
    arguments = coverage.record(frame).get("arguments")
    given = arguments.get("interval") if isinstance(arguments, dict) else None
    try:
        if isinstance(given, str) and not given.strip().isdigit():
            return times.span(given).total_seconds() or None
        return float(given) / 1000 if given else None
    except (PostmortemError, TypeError, ValueError):
        return None


def _regions(points: pd.DataFrame, values: pd.Series[float]) -> Iterator[tuple[str, float]]:
    """Yield the sums of a query's series by region, the most first, where it is grouped by one."""
    tags = points["series"].astype("string")
    region = tags.str.extract(rf"(?:^|,)(?:{_REGION}):([^,]+)")[0]
    if region.isna().any() or not len(region):
        return
    sums = values.groupby(region).sum().sort_values(ascending=False)
    yield from ((str(place), float(round(value))) for place, value in sums.items())


def _one_region(query: _Query, values: pd.Series[float]) -> tuple[tuple[str, float], ...]:
    """Return the sum of a query that asks of one region, under that region's name."""
    asked = {match[1] for term in query.terms if (match := _OF_ONE.fullmatch(term))}
    return tuple((place, float(round(values.sum()))) for place in asked) if len(asked) == 1 else ()
