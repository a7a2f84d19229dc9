"""Functions and arithmetic over the lines of metric queries, and whole queries put together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from postmortem_nb.errors import QueryError, shown
from postmortem_nb.sandbox import evaluate
from postmortem_nb.sandbox.evaluate import Grid, Line, across
from postmortem_nb.sandbox.metric import Binary, Call, Name, Node, Number, Series, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Value = float | list[Line]

HOUR, DAY, WEEK = 3600, 86_400, 604_800
BEFORE = {"hour_before": HOUR, "day_before": DAY, "week_before": WEEK, "month_before": 4 * WEEK}
"""Functions that look back, and how many seconds."""

PER = {"per_second": 1, "per_minute": 60, "per_hour": HOUR}
TOPS = (5, 10, 25, 50, 100)
TOP_METHODS = ("max", "mean", "min", "sum", "last", "l2norm", "area")
ROLLING = ("avg", "sum", "min", "max", "count")


@dataclass(frozen=True)
class Evaluation:
    """What a tree is evaluated in: the world, the buckets, and what the names stand for."""

    seed: int
    over: Grid
    named: Mapping[str, Node | list[Line]]

    def value(self, node: Node) -> Value:
        """Return a tree's value: a number, or lines; QueryError for what is not known."""
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Series):
            return self._series(node)
        if isinstance(node, Binary):
            return binary(node.sign, self.value(node.left), self.value(node.right))
        if isinstance(node, Name):
            if node.name not in self.named:
                known = ", ".join(self.named) or "none"
                raise QueryError(f"formula: no query is called {node.name!r}; there are: {known}")
            found = self.named[node.name]
            return found if isinstance(found, list) else replace(self, named={}).value(found)
        if isinstance(node, Text):
            raise QueryError(f"metric query: expected a query or a number; got {shown(node.value)}")
        return self._call(node)

    def _series(self, node: Series) -> list[Line]:
        if node.interval and node.interval != self.over.interval:
            raise QueryError(
                f"metric query: the sandbox evaluates one rollup interval a formula; got "
                f"{self.over.interval} and {node.interval} seconds"
            )
        return evaluate.lines(self.seed, node, self.over)

    def _call(self, node: Call) -> Value:
        first, *rest = node.arguments or (Number(0.0),)
        if node.name in BEFORE and not rest:
            return self._earlier(first, -BEFORE[node.name])
        if node.name == "timeshift" and len(rest) == 1:
            shift = self.value(rest[0])
            if isinstance(shift, float) and shift.is_integer() and shift < 0:
                return self._earlier(first, int(shift))
            raise QueryError("timeshift: expected whole negative seconds, for example -3600")
        made = FUNCTIONS.get(node.name)
        if made is None:
            known = ", ".join(sorted((*FUNCTIONS, *BEFORE, "timeshift")))
            raise QueryError(
                f"metric query: the sandbox cannot evaluate {shown(node.name)}; it knows {known}"
            )
        settings = [each.value if isinstance(each, Text) else self.value(each) for each in rest]
        return made(self._lines(first, node.name), self.over, settings)

    def _earlier(self, node: Node, seconds: int) -> Value:
        """Return the value that a tree had so many seconds before, at today's buckets."""
        return replace(self, over=self.over.shifted(seconds)).value(node)

    def _lines(self, node: Node, name: str) -> list[Line]:
        found = self.value(node)
        if isinstance(found, float):
            raise QueryError(f"{name}: expected a query first; got the number {found:g}")
        return found


def interval(nodes: list[Node]) -> int | None:
    """Return the rollup that series of some trees name, in seconds; QueryError for two."""
    found = {series.interval for node in nodes for series in each_series(node)} - {None}
    if len(found) > 1:
        raise QueryError(
            "metric query: the sandbox evaluates one rollup interval a formula; got "
            + " and ".join(f"{seconds} s" for seconds in sorted(filter(None, found)))
        )
    return found.pop() if found else None


def each_series(node: Node) -> list[Series]:
    """Return every series in a tree."""
    if isinstance(node, Series):
        return [node]
    if isinstance(node, Binary):
        return each_series(node.left) + each_series(node.right)
    return (
        [s for part in node.arguments for s in each_series(part)] if isinstance(node, Call) else []
    )


def binary(sign: str, left: Value, right: Value) -> Value:
    """Return the arithmetic of two sides; groups are matched by their tags."""
    if isinstance(left, float) and isinstance(right, float):
        made = _sum(sign, np.array([left]), np.array([right]))
        if np.isnan(made[0]):
            raise QueryError("metric query: a number is divided by zero")
        return float(made[0])
    if isinstance(right, float):
        return [
            _with(line, sign, line.values, np.full_like(line.values, right)) for line in _l(left)
        ]
    if isinstance(left, float):
        return [_with(line, sign, np.full_like(line.values, left), line.values) for line in right]
    return [_pair(sign, one, two) for one, two in _matched(left, right)]


def _l(value: Value) -> list[Line]:
    return value if isinstance(value, list) else []


def _with(line: Line, sign: str, left: Floats, right: Floats) -> Line:
    """Return a line after arithmetic with a number; a scaled count is still a count."""
    scaled = sign in "*/"
    unit = ("", "") if scaled else line.unit
    return replace(line, values=_sum(sign, left, right), unit=unit, counted=line.counted and scaled)


def _matched(left: list[Line], right: list[Line]) -> list[tuple[Line | None, Line | None]]:
    """Return pairs of the same group; one line without a group goes with every other."""
    if len(left) == 1 and not left[0].tags:
        return [(left[0], line) for line in right] or [(left[0], None)]
    if len(right) == 1 and not right[0].tags:
        return [(line, right[0]) for line in left] or [(None, right[0])]
    ours, theirs = ({line.tags: line for line in side} for side in (left, right))
    keys = {tuple(tag.split(":")[0] for tag in tags) for tags in (*ours, *theirs)}
    if len(keys) > 1:
        raise QueryError("metric query: both sides of a sum must be grouped by the same tags")
    return [(ours.get(tags), theirs.get(tags)) for tags in dict.fromkeys((*ours, *theirs))]


def _pair(sign: str, left: Line | None, right: Line | None) -> Line:
    """Return two lines as one; of counts, a missing one is zero beside the other."""
    known = next(line for line in (left, right) if line is not None)
    missing = np.full_like(known.values, np.nan)
    one, two = (missing if line is None else line.values for line in (left, right))
    counted = all(line is None or line.counted for line in (left, right))
    if counted:
        anything = ~(np.isnan(one) & np.isnan(two))
        one, two = (np.where(anything & np.isnan(side), 0.0, side) for side in (one, two))
    tags = max((line.tags for line in (left, right) if line is not None), key=len)
    same = left is not None and right is not None and left.unit == right.unit
    unit = known.unit if same and sign in "+-" else ("", "")
    return Line(tags, _sum(sign, one, two), unit, counted and sign in "+-")


def _sum(sign: str, left: Floats, right: Floats) -> Floats:
    """Return bucket by bucket arithmetic; a division by zero is nothing, never infinite."""
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    if sign == "*":
        return left * right
    divisible = right != 0
    return np.where(divisible, left / np.where(divisible, right, 1.0), np.nan)


def _each(change: Callable[[Floats], Floats], *, keeps: bool = True) -> Callable[..., Value]:
    """Return a function of lines that changes each line's values alone."""

    def made(lines: list[Line], _over: Grid, settings: list[Any]) -> Value:
        _none(settings)
        return [
            replace(line, values=change(line.values), unit=line.unit if keeps else ("", ""))
            for line in lines
        ]

    return made


def _none(settings: list[Any]) -> None:
    if settings:
        raise QueryError(f"metric query: expected one argument; got also {settings}")


def _default_zero(lines: list[Line], over: Grid, settings: list[Any]) -> Value:
    """Return lines with zero where nothing was reported."""
    _none(settings)
    lines = lines or [Line((), np.full(over.count, np.nan))]
    return [replace(line, values=np.nan_to_num(line.values)) for line in lines]


def _per(seconds: int) -> Callable[..., Value]:
    """Return the change since the bucket before, by so many seconds."""

    def made(lines: list[Line], over: Grid, settings: list[Any]) -> Value:
        _none(settings)
        rate = seconds / over.interval
        return [replace(line, values=_differences(line.values) * rate) for line in lines]

    return made


def _differences(values: Floats) -> Floats:
    return np.concatenate(([np.nan], np.diff(values))) if len(values) else values


def _log(base: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    return lambda values: base(np.where(values > 0, values, np.nan))


def _running(values: Floats) -> Floats:
    """Return the sum so far; nothing stays nothing."""
    return np.where(np.isnan(values), np.nan, np.nancumsum(values))


def _top(lines: list[Line], _over: Grid, settings: list[Any]) -> Value:
    """Return the so many lines that are largest (or smallest) by a summary."""
    count, method, order = (*settings, *(10, "mean", "desc")[len(settings) :])[:3]
    if count not in TOPS or method not in TOP_METHODS or order not in ("asc", "desc"):
        raise QueryError(f"top: expected top(query, 10, 'mean', 'desc'); got {settings}")
    ranked = sorted(lines, key=lambda line: _summary(line.values, method), reverse=order == "desc")
    return ranked[: int(count)]


def _summary(values: Floats, method: str) -> float:
    known = values[~np.isnan(values)]
    made: dict[str, Callable[[Floats], Any]] = {
        "max": np.max,
        "min": np.min,
        "mean": np.mean,
        "last": lambda row: row[-1],
        "l2norm": lambda row: np.sqrt(np.sum(row**2)),
    }
    return float(made.get(method, np.sum)(known)) if len(known) else float("-inf")


def _clamp(lines: list[Line], settings: list[Any], bound: Callable[..., Any]) -> Value:
    if len(settings) != 1 or not isinstance(settings[0], float):
        raise QueryError(f"metric query: expected a query and a number; got {settings}")
    return [replace(line, values=bound(line.values, settings[0])) for line in lines]


def _moving(lines: list[Line], over: Grid, settings: list[Any]) -> Value:
    """Return, a bucket, an aggregate of the buckets that began in the so many seconds up to it."""
    seconds, method = (*settings, "avg")[:2] if settings else (0.0, "")
    if not isinstance(seconds, float) or seconds < over.interval or method not in ROLLING:
        raise QueryError(
            f"moving_rollup: expected a query, seconds from {over.interval} on and one of "
            f"{', '.join(ROLLING)}; got {settings}"
        )
    back = int(seconds // over.interval)
    return [replace(line, values=_windows(line.values, back, method)) for line in lines]


def _windows(values: Floats, back: int, method: str) -> Floats:
    back = min(back, max(len(values), 1))
    padded = np.concatenate((np.full(back - 1, np.nan), values))
    rows = np.lib.stride_tricks.sliding_window_view(padded, back).T
    if method == "count":
        return np.asarray((~np.isnan(rows)).sum(axis=0), dtype=np.float64)
    return across(np.asarray(rows), method)


def _exclude_null(lines: list[Line], _over: Grid, settings: list[Any]) -> Value:
    _none(settings)
    return [line for line in lines if not any(tag.endswith(":N/A") for tag in line.tags)]


def _counting(test: Callable[[Floats], Any]) -> Callable[..., Value]:
    """Return how many lines have a value, a bucket."""

    def made(lines: list[Line], _over: Grid, settings: list[Any]) -> Value:
        _none(settings)
        if not lines:
            return []
        return [Line((), reduce(np.add, [test(line.values).astype(float) for line in lines]))]

    return made


FUNCTIONS: dict[str, Callable[[list[Line], Grid, list[Any]], Value]] = {
    "abs": _each(np.abs),
    "log2": _each(_log(np.log2), keeps=False),
    "log10": _each(_log(np.log10), keeps=False),
    "cumsum": _each(_running),
    "diff": _each(_differences),
    "default_zero": _default_zero,
    "top": _top,
    "moving_rollup": _moving,
    "exclude_null": _exclude_null,
    "clamp_min": lambda lines, _over, settings: _clamp(lines, settings, np.maximum),
    "clamp_max": lambda lines, _over, settings: _clamp(lines, settings, np.minimum),
    "count_nonzero": _counting(lambda values: np.nan_to_num(values) != 0),
    "count_not_null": _counting(lambda values: ~np.isnan(values)),
    **{name: _per(seconds) for name, seconds in PER.items()},
}
"""Functions of a query's lines, by name; the rest are refused."""
