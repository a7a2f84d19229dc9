"""A row under "Monitoring Improvements" as a monitor: its query and its threshold, read.

Two ways of writing one are known: a whole monitor query as Datadog has it
(``avg(last_5m):sum:x{*}.as_rate() > 5``), and a metric query with the condition in the row's
threshold (``> 800 ms for 10 min``). What cannot be tried is refused with the reason, never guessed.
Source: https://docs.datadoghq.com/monitors/types/metric/ and /api/latest/monitors/.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from postmortem_nb import units
from postmortem_nb.datadog import conditions, expression
from postmortem_nb.errors import QueryError, expected, shown
from postmortem_nb.monitors import logcount, nodata

if TYPE_CHECKING:
    from postmortem_nb.datadog.expression import Node

AGGREGATIONS = {
    "avg": "on average",
    "sum": "in total",
    "min": "at its lowest",
    "max": "at its highest",
}
"""How a window of points becomes one value, and how that is said."""

WINDOW = timedelta(minutes=5)
"""The window of a metric query whose threshold names none: Datadog's own default."""

LONGEST_WINDOW = timedelta(days=30)

LONGEST_MARK = 2
"""Letters up to which a unit that nobody knows is no name of things that are counted."""

CANNOT = logcount.CANNOT
REFUSED = (
    (r"^\s*formula\s*\(", "the queries of its formula stand elsewhere"),
    (r"^\s*((?:events|rum|spans)(?=\s*\()|(?!error_budget|burn_rate)[a-z][\w-]*(?=\s*\(\s*[\"']))",
     "it counts {0}, which has no metric to try it on"),
    (r"\b(anomalies|outliers|forecast)\s*\(", "{0}(…) learns from data of its own"),
    (r"^\s*(?:pct_)?change\s*\((?!\s*(?:avg|sum|min|max)\s*\(\s*last_\w+\s*\)\s*,\s*(?:last_|\d+[mhd]_ago))",
     "it compares with another window than one before (last_…)"),
    (r"^\s*(?:error_budget|burn_rate)\s*\(", "it watches an SLO, not a metric"),
    (r"\.over\(", "it watches the states of a check, not a metric"),
    (r"&&|\|\|", "it joins conditions: propose each as a monitor, and join them as #1 && #2"),
    (r"\((?:current|next)_", "its window is not one that ends now (last_…)"),
)  # fmt: skip
"""Kinds of monitor that cannot be tried on a metric: how they are known, and the reason."""

_SIGNS = {
    "≥": ">=", "at least": ">=", "≤": "<=", "at most": "<=", "above": ">", "over": ">",
    "more than": ">", "greater than": ">", "exceeds": ">", "below": "<", "under": "<",
    "less than": "<",
}  # fmt: skip
_SIGN = rf"(?:>=|<=|>|<|{'|'.join(_SIGNS)})"
_LIMIT = r"[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\d.,]*\d)"
_SCALES = {
    "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "thousand": 1e3, "million": 1e6,
    "mn": 1e6, "mln": 1e6, "mio": 1e6, "billion": 1e9, "bn": 1e9,
}  # fmt: skip
"""What may stand behind a number, as charts shorten it; ``m`` are minutes, ``B`` bytes."""
_SCALE = rf"(?P<scale>(?:(?-i:[kKMGT])|{'|'.join(w for w in _SCALES if len(w) > 1)})(?!\w))?"
_UNIT = (
    r"(?:%|percent|(?!(?:for|over|in|within|during|on|at|no|recover\w*|warn\w*)\b)[A-Za-zµ][\w/]*)?"
)
_WRITTEN = re.compile(
    rf"\s*(?:critical\b\s*:?)?\s*(?P<sign>{_SIGN})?\s*(?P<limit>{_LIMIT})\s*{_SCALE}\s*"
    rf"(?P<unit>{_UNIT})\s*(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_RECOVERY = re.compile(
    rf"[,;(]?\s*(?:and\s+)?recover(?:s|y|ed)?\b\s*(?:threshold|when|once|at|to|if)?\s*:?\s*"
    rf"{_SIGN}?\s*(?P<limit>{_LIMIT})\s*{_SCALE}\s*(?P<unit>{_UNIT})\s*\)?",
    re.IGNORECASE,
)
_WARNING = re.compile(
    rf"[,;(]?\s*(?:and\s+)?\bwarn(?:s|ing)?\b\s*(?:threshold|when|at|from|if)?\s*:?\s*"
    rf"{_SIGN}?\s*(?P<limit>{_LIMIT})\s*{_SCALE}\s*(?P<unit>{_UNIT})\s*\)?",
    re.IGNORECASE,
)
_SPAN = re.compile(
    r"\b(?P<word>for|over|in|within|during)\s+(?:the\s+|at\s+least\s+)?(?:last\s+|past\s+)?(?P<count>\d{1,5})?\s*"
    r"(?P<unit>seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\b",
    re.IGNORECASE,
)
_WORDS = (
    (r"\b(?:on\s+average|in\s+average|averaged?|avg|mean)\b", "avg"),
    (r"\b(?:in\s+total|total|summed)\b", "sum"),
    (r"\b(?:at\s+least\s+once|once|any\s+time|peak)\b", "once"),
    (r"\b(?:at\s+all\s+times|all\s+the\s+time|sustained|continuously|throughout)\b", "always"),
)
_OTHER_WINDOW = re.compile(r"\s*(?:avg|sum|min|max)\s*\(([^():]*)\)\s*:", re.IGNORECASE)
_UNREAD = re.compile(r"[^\s,.;()]+")


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitor on metrics, or on a count of logs.

    ``limit`` is in ``unit`` where one was written, else in the query's own; ``recovery`` as well:
    an alarm ends when the value is back beyond it, or beyond ``limit`` where there is none.
    """

    node: Node
    source: str
    aggregation: str
    window: timedelta
    sign: str
    limit: float
    unit: str = ""
    recovery: float | None = None
    warning: float | None = None
    assumed: str = ""
    search: logcount.Search | None = None
    """The logs that are counted, where it is no monitor on metrics."""
    change: str = ""
    """``change`` or ``pct_change``: the difference from the value of ``shift`` before is compared.

    https://docs.datadoghq.com/monitors/types/change-alert/
    """
    shift: timedelta = timedelta()
    delay: timedelta = timedelta()
    """How long before an evaluation its window ends."""

    @property
    def reach(self) -> timedelta:
        """How far back one evaluation looks."""
        return self.window + self.shift + self.delay

    @property
    def by(self) -> tuple[str, ...]:
        """What it is grouped by: each group alarms alone."""
        if self.search is not None:
            return self.search.by
        return next(leaf.by for leaf in expression.leaves(self.node))

    @property
    def counts_first(self) -> bool:
        """Whether the window is summed up before the arithmetic (as_count) or after it.

        https://docs.datadoghq.com/monitors/guide/as-count-in-monitor-evaluations/
        """
        return any(leaf.counted for leaf in expression.leaves(self.node))

    @property
    def missing(self) -> str:
        """What becomes of a window without data by Datadog's default, which it is made with.

        A change from a window that there is not is no count.
        https://docs.datadoghq.com/monitors/guide/on_missing_data/ (``default``)
        """
        is_count = (self.counts_first or self.search is not None) and not self.change
        return "zero" if is_count else "last"

    @property
    def every(self) -> timedelta:
        """How often it is evaluated, by the length of its window.

        https://docs.datadoghq.com/monitors/configuration/ (evaluation frequency)
        """
        if self.window < timedelta(days=1):
            return timedelta(minutes=1)
        return timedelta(minutes=10 if self.window < timedelta(days=2) else 30)

    @property
    def rising(self) -> bool:
        """Whether it alarms on large values."""
        return self.sign in (">", ">=")

    def query(self, limit: float | None = None) -> str:
        """Return it as Datadog writes it, ``limit`` in the query's own unit."""
        number = self.limit if limit is None else limit
        if self.search is not None:
            window = written(self.window)
            return f'{self.search.written()}.last("{window}") {self.sign} {number:.12g}'
        head = f"{self.aggregation}(last_{written(self.window)})"
        if self.change:
            head = f"{self.change}({head},last_{written(self.shift)})"
        return f"{head}:{self.source} {self.sign} {number:.12g}"

    def condition(self) -> str:
        """Return the condition in words: ``> 800 ms at its lowest over 10m``."""
        limit = f"{self.limit:.12g}{'' if self.unit in ('', '%') else ' '}{self.unit}"
        over = f"{AGGREGATIONS[self.aggregation]} over {written(self.window)}"
        back = "" if self.recovery is None else f", until it is back at {self.recovery:.12g}"
        return f"{self.sign} {limit} {over}{back}"


def written(window: timedelta) -> str:
    """Return a window as Datadog writes it: ``5m``, ``4h``, ``2d``."""
    minutes = round(window / timedelta(minutes=1))
    for unit, length in (("d", 1440), ("h", 60)):
        if minutes % length == 0:
            return f"{minutes // length}{unit}"
    return f"{minutes}m"


def read(query: object, threshold: object = None) -> Monitor:
    """Return the monitor of a row: what its query and its threshold say.

    Raises QueryError with one plain reason for one that cannot be read or not be tried.
    """
    words = str(query or "").strip()
    if not words:
        raise QueryError("it has no query yet")
    if len(words) > expression.LONGEST:
        raise QueryError(f"query: expected up to {expression.LONGEST:,} characters")
    if logcount.is_one(words):
        return checked(_recovering(_logs(words), str(threshold or "")))
    for pattern, reason in REFUSED:
        if found := re.search(pattern, words):
            kind = (found[1] if found.groups() else found[0]).strip(" (") or ""
            raise QueryError(f"{CANNOT}: {reason.format(kind)}")
    if conditions.has_window(words):
        return checked(_recovering(_whole(words), str(threshold or "")))
    if found := _OTHER_WINDOW.match(words):
        raise QueryError(
            expected("query", "a window as Datadog writes it", example="last_5m", came=found[1])
        )
    return checked(_bare(words, str(threshold or "")))


def _logs(words: str) -> Monitor:
    """Return a monitor that counts logs."""
    search, span, sign, limit = logcount.read(words)
    leaf = expression.Leaf(search.text, counted=True)
    return Monitor(leaf, search.text, "sum", conditions.span(span), sign, limit, search=search)


def _whole(words: str) -> Monitor:
    """Return a monitor that is written as Datadog has it."""
    found = conditions.read(words)
    window = WINDOW if found.window is None else found.window
    return Monitor(
        found.node, found.source, found.aggregation, window, found.sign, found.limit,
        change=found.change, shift=found.shift,
    )  # fmt: skip


def _bare(words: str, threshold: str) -> Monitor:
    """Return a metric query with the condition of its row's threshold."""
    node, end = expression.parse(words)
    if words[end:].strip():
        raise QueryError(
            expected("query", "a metric query and nothing behind it, or a whole monitor",
                     example=f"avg(last_5m):{expression.EXAMPLE} > 5", came=words[end:])
        )  # fmt: skip
    rest, silence = nodata.told_apart(threshold)
    if silence and not _UNREAD.search(rest):
        raise QueryError(f"{CANNOT}: {nodata.ALONE}")
    found = _WRITTEN.fullmatch(rest)
    if found is None:
        raise _unclear(threshold)
    sign = _signed(found["sign"])
    if found["rest"].startswith("/"):
        raise QueryError(
            f"threshold: no unit begins with a slash; got {shown(threshold.strip())}: write the "
            "number in the query's own unit, for example '> 5'"
        )
    rest, recovery, unit = _beside(_RECOVERY, found["rest"], _unit(found["unit"]))
    rest, warning, unit = _beside(_WARNING, rest, unit)
    rest, window, held = _window(rest)
    rest, how = _aggregation(rest)
    if _UNREAD.search(rest):
        raise _unclear(threshold)
    counted = any(leaf.counted for leaf in expression.leaves(node))
    chosen = _chosen(how, sign, held=held, counted=counted)
    taken = [f"no window is named: {written(WINDOW)} taken"] if window is None else []
    taken += [] if found["sign"] else ["no comparison is named: > taken"]
    taken += [silence] if silence else []
    return Monitor(
        node, " ".join(words[:end].split()), chosen, window or WINDOW, sign,
        _number(found), unit, recovery, warning, "; ".join(taken),
    )  # fmt: skip


def _chosen(how: str, sign: str, *, held: bool, counted: bool) -> str:
    """Return the aggregation that words mean: "for 10 min" is at all times, a count in total."""
    rising = sign in (">", ">=")
    if how == "always" or (not how and held):
        return "min" if rising else "max"
    if how == "once":
        return "max" if rising else "min"
    return how or ("sum" if counted else "avg")


def _recovering(monitor: Monitor, threshold: str) -> Monitor:
    """Return a whole monitor with the recovery and the warning that its row's threshold names."""
    recovery, warning = (
        _number(found) if (found := each.search(threshold)) and not found["unit"] else None
        for each in (_RECOVERY, _WARNING)
    )
    _, silence = nodata.told_apart(threshold)
    return replace(monitor, recovery=recovery, warning=warning, assumed=silence)


def checked(monitor: Monitor) -> Monitor:
    """Return a monitor that can be tried; QueryError with the reason for any other."""
    if monitor.counts_first and monitor.aggregation != "sum":
        raise QueryError(
            f"Datadog takes only sum(last_…) with .as_count(); got {monitor.aggregation}: write "
            f"sum(last_{written(monitor.window)}):… or .as_rate()"
        )
    if not timedelta(minutes=1) <= monitor.window <= LONGEST_WINDOW:
        raise QueryError("query: expected a window from 1 minute to 30 days, for example last_5m")
    if monitor.change and not timedelta(minutes=1) <= monitor.shift <= LONGEST_WINDOW:
        raise QueryError("query: expected a comparison with 1 minute to 30 days before: last_1h")
    beside = {"recovery": monitor.recovery, "warning": monitor.warning}
    known = {what: limit for what, limit in beside.items() if limit is not None}
    if not all(map(math.isfinite, (monitor.limit, *known.values()))):
        raise QueryError("threshold: expected a finite number, for example 5")
    rollup = next(leaf.rollup for leaf in expression.leaves(monitor.node))
    if rollup is not None and timedelta(seconds=rollup) > monitor.window:
        raise QueryError(
            f"its rollup of {rollup:,} seconds is longer than its window of "
            f"{written(monitor.window)}, so most windows hold no point"
        )
    for what, limit in known.items():
        if limit > monitor.limit if monitor.rising else limit < monitor.limit:
            raise QueryError(
                f"threshold: expected {what} on the other side of {monitor.limit:g}; got {limit:g}"
            )
    return monitor


def _unclear(threshold: str) -> QueryError:
    return QueryError(
        expected("threshold", "a condition", example="'> 5 % for 10 min'", came=threshold.strip())
    )


def _signed(words: str | None) -> str:
    found = (words or ">").lower()
    return _SIGNS.get(found, found)


def _unit(words: str | None) -> str:
    """Return a unit as it is written. Raises QueryError for a mark that may be one of size."""
    found = (words or "").strip()
    if (
        len(found) <= LONGEST_MARK
        and units.read(found).family == "things"
        and found not in ("", "%")
    ):
        raise QueryError(
            f"threshold: expected a unit, for example 'ms', or what is counted; got {shown(found)}"
        )
    return "%" if found.lower() == "percent" else found


def _number(found: re.Match[str]) -> float:
    """Return the number of a condition: ``1,500``, ``1.5k``, ``2 million``."""
    limit = float(found["limit"].replace(",", "").replace("−", "-"))
    scale = found["scale"]
    return limit * (_SCALES.get(scale) or _SCALES[scale.lower()]) if scale else limit


def _beside(pattern: re.Pattern[str], rest: str, unit: str) -> tuple[str, float | None, str]:
    """Return what is left of a condition, its recovery or its warning, and the unit of both."""
    found = pattern.search(rest)
    if found is None:
        return rest, None, unit
    own = _unit(found["unit"])
    if own and unit and own != unit:
        raise QueryError(f"threshold: expected one unit; got {shown(unit)} and {shown(own)}")
    return rest[: found.start()] + rest[found.end() :], _number(found), unit or own


def _window(rest: str) -> tuple[str, timedelta | None, bool]:
    """Return what is left of a condition, its window, and whether it holds for all of it."""
    found = _SPAN.search(rest)
    if found is None:
        return rest, None, False
    unit = found["unit"][0].lower()
    length = timedelta(**{_LENGTHS[unit]: int(found["count"] or 1)})
    left = rest[: found.start()] + rest[found.end() :]
    return left, length, found["word"].lower() == "for"


_LENGTHS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _aggregation(rest: str) -> tuple[str, str]:
    """Return what is left of a condition, and how its window becomes one value, if it says."""
    for pattern, how in _WORDS:
        if found := re.search(pattern, rest, re.IGNORECASE):
            return rest[: found.start()] + rest[found.end() :], how
    return rest, ""
