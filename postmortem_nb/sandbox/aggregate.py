"""Logs and spans counted: groups by facet, computes a group, over the whole window or by time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from postmortem_nb import times
from postmortem_nb.errors import QueryError, shown
from postmortem_nb.sandbox import match, pages, world
from postmortem_nb.sandbox.answers import (
    Answer,
    Ask,
    iso,
    listed,
    mapping,
    one_of,
    opaque,
    text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from postmortem_nb.sandbox.table import Table

    Rows = NDArray[np.intp]

RANKS = {"pc75": 75, "pc90": 90, "pc95": 95, "pc98": 98, "pc99": 99, "median": 50}
COMPUTES = ("count", "cardinality", "sum", "min", "max", "avg", *RANKS)
MOST = 10_000
"""Groups of one facet, and of all facets together."""

TOTAL = "$facet_total"
AIMED = 150
"""Points of a timeseries when nobody says its interval."""

_LADDER = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400)


@dataclass(frozen=True)
class Compute:
    """One number asked of each group: which, of what, and by how many milliseconds of time."""

    aggregation: str
    metric: str
    interval: int | None


@dataclass(frozen=True)
class Facet:
    """One field to group by: how many groups, in which order, and what stands for none."""

    name: str
    limit: int
    skip: int
    order: Mapping[str, Any]
    missing: Any
    total: Any
    histogram: Mapping[str, Any]


@dataclass(frozen=True)
class Counting:
    """A table and the computes asked of it."""

    table: Table
    span: tuple[int, int]
    computes: tuple[Compute, ...]

    def numbers(self, rows: Rows) -> dict[str, Any]:
        """Return what was asked of some rows, named c0, c1… in the order of the question."""
        made = {f"c{n}": self.one(compute, rows) for n, compute in enumerate(self.computes)}
        return {name: value for name, value in made.items() if value is not None}

    def one(self, compute: Compute, rows: Rows) -> Any:
        """Return one number of some rows, or its course over time; None when there is none."""
        if compute.interval is None:
            return self._number(compute, rows)
        buckets = self.table.milliseconds[rows] // compute.interval
        points = [
            {
                "time": iso(int(b) * compute.interval),
                "value": self._number(compute, rows[buckets == b]),
            }
            for b in np.unique(buckets)
        ]
        return [point for point in points if point["value"] is not None]

    def _number(self, compute: Compute, rows: Rows) -> Any:
        if compute.aggregation == "count":
            return len(rows)
        texts = values(self.table, compute.metric, rows)
        if compute.aggregation == "cardinality":
            return len({each for row in texts for each in row})
        found = (match.amount(each) for row in texts for each in row)
        numbers = np.array([each for each in found if each is not None])
        return _summary(compute.aggregation, numbers) if len(numbers) else None


def answer(ask: Ask, kind: str) -> Answer:
    """Answer ``POST …/analytics/aggregate`` of logs or spans, each in its own shape."""
    body = mapping(ask.body, "body")
    if kind == "spans":
        data = mapping(body.get("data"), "data")
        one_of(data.get("type"), "data.type", ("aggregate_request",))
        body = mapping(data.get("attributes"), "data.attributes")
    window = pages.window(ask, kind, mapping(body.get("filter"), "filter"))
    rows = world.found(ask.seed, kind, window.query, window.span)
    counting = Counting(world.table(ask.seed, kind), window.span, _computes(body, window.span))
    facets = [
        _facet(mapping(each, "group_by")) for each in listed(body.get("group_by"), "group_by")
    ]
    paging = mapping(body.get("page"), "page")
    if np.prod([facet.limit for facet in facets] or [1]) > MOST:
        raise QueryError(f"group_by: expected limits whose product is up to {MOST:,}")
    cursor = text(paging.get("cursor"), "page.cursor")
    mark = pages.mark(kind, window.query, facets)
    groups, after = _page(cursor, mark, (counting, rows, facets))
    found = [(by, numbers) for by, group in groups if (numbers := counting.numbers(group))]
    meta: dict[str, Any] = {
        "elapsed": 12 + len(found),
        "request_id": opaque(kind, body),
        "status": "done",
    }
    if after:
        meta["page"] = {"after": after}
    if kind == "spans":
        buckets = [
            {"type": "bucket", "id": opaque(by), "attributes": {"by": by, "compute": numbers}}
            for by, numbers in found
        ]
        return Answer({"data": buckets, "meta": meta})
    named = [{"by": by, "computes": numbers} for by, numbers in found]
    return Answer({"meta": meta, "data": {"buckets": named}})


def values(table: Table, name: str, rows: Rows) -> list[list[Any]]:
    """Return the values of a field in some rows: none, one, or each of a list."""
    if (tags := match.tagged(table, name)) is not None:
        return [match.tag_values(tags.value(row) or [], name) for row in rows.tolist()]
    found = match.column(table, name)
    if found is None:
        return [[] for _ in rows]
    column = (found.value(row) for row in rows.tolist())
    return [each if isinstance(each, list) else [] if each is None else [each] for each in column]


def _computes(body: Mapping[str, Any], span: tuple[int, int]) -> tuple[Compute, ...]:
    asked = listed(body.get("compute"), "compute") or [{"aggregation": "count"}]
    return tuple(_compute(mapping(each, "compute"), span) for each in asked)


def _compute(asked: Mapping[str, Any], span: tuple[int, int]) -> Compute:
    """Return one compute; QueryError when it is not known or misses its metric."""
    name = one_of(asked.get("aggregation"), "compute.aggregation", COMPUTES)
    field = text(asked.get("metric"), "compute.metric")
    if name != "count" and not field:
        raise QueryError(f"compute.metric: expected a field for {name}, for example @duration")
    if one_of(asked.get("type"), "compute.type", ("total", "timeseries")) == "total":
        return Compute(name, field, None)
    if asked.get("interval") is None:
        long = (span[1] - span[0]) / 1000
        step = next((s for s in _LADDER if long / s <= AIMED), _LADDER[-1])
        return Compute(name, field, step * 1000)
    step_ms = round(times.span(asked["interval"], name="compute.interval").total_seconds() * 1000)
    if step_ms < 1 or (span[1] - span[0]) / step_ms > MOST:
        raise QueryError(f"compute.interval: expected up to {MOST:,} points in the window")
    return Compute(name, field, step_ms)


def _facet(asked: Mapping[str, Any]) -> Facet:
    name = text(asked.get("facet"), "group_by.facet")
    if not name or name in ("message", "tags", "timestamp"):
        said = "group_by.facet: expected a field with few values, for example service"
        raise QueryError(f"{said}; got {shown(name)}")
    limit = whole(asked.get("limit", 10), "group_by.limit", (1, MOST))
    order, bars = (mapping(asked.get(key), f"group_by.{key}") for key in ("sort", "histogram"))
    return Facet(name, limit, 0, order, asked.get("missing"), asked.get("total"), bars)


def _page(
    cursor: str, mark: str, asked: tuple[Counting, Rows, list[Facet]]
) -> tuple[list[tuple[dict[str, Any], Rows]], str]:
    """Return a page of groups and the cursor of the next, "" when there is none.

    Groups of one facet are paged, ``limit`` at a time; those of several come all at once.
    """
    counting, rows, facets = asked
    pageable = len(facets) == 1 and facets[0].total in (None, False) and not facets[0].histogram
    if not pageable:
        if cursor:
            raise QueryError("page.cursor: the sandbox pages groups of one facet, without totals")
        return _groups(counting, rows, facets), ""
    skip = pages.place(cursor, mark, "groups")[1] if cursor else 0
    facet = facets[0]
    found = _groups(counting, rows, [replace(facet, skip=skip, limit=facet.limit + 1)])
    more = len(found) > facet.limit
    return found[: facet.limit], pages.packed((0, skip + facet.limit), mark) if more else ""


def _groups(
    counting: Counting, rows: Rows, facets: list[Facet]
) -> list[tuple[dict[str, Any], Rows]]:
    """Return the largest groups of the first facet, and within each those of the next."""
    if not facets:
        return [({}, rows)]
    facet, *rest = facets
    found = _limited(counting, _parted(counting.table, rows, facet), facet)
    if facet.total not in (None, False):
        found.append((TOTAL if facet.total is True else facet.total, rows))
    return [
        ({facet.name: value, **by}, inner)
        for value, group in found
        for by, inner in _groups(counting, group, rest)
    ]


def _parted(table: Table, rows: Rows, facet: Facet) -> dict[Any, Rows]:
    """Return the rows of each value of a facet; a row with a list is in several."""
    parts: dict[Any, list[int]] = {}
    for row, found in zip(rows.tolist(), values(table, facet.name, rows), strict=True):
        for value in dict.fromkeys(found):
            key = _bar(value, facet.histogram) if facet.histogram else match.texts(value)[0]
            if key is not None:
                parts.setdefault(key, []).append(row)
        if not found and facet.missing is not None:
            parts.setdefault(facet.missing, []).append(row)
    return {value: np.array(group, dtype=np.intp) for value, group in parts.items()}


def _bar(value: Any, histogram: Mapping[str, Any]) -> float | None:
    """Return where a value's bar begins; None outside of the histogram or for no number."""
    try:
        low, high, step = (float(histogram[key]) for key in ("min", "max", "interval"))
    except (KeyError, TypeError, ValueError):
        low = high = step = 0.0
    if not (step > 0 and low < high and (high - low) / step <= 100):
        raise QueryError("group_by.histogram: expected min, max and interval with up to 100 bars")
    number = match.amount(value)
    if number is None or not low <= number < high:
        return None
    return low + (number - low) // step * step


def _limited(counting: Counting, parts: dict[Any, Rows], facet: Facet) -> list[tuple[Any, Rows]]:
    """Return the first groups in the order asked for: largest first when nobody says."""
    order = facet.order
    if facet.histogram:
        return sorted(parts.items())
    if order and one_of(order.get("type"), "sort.type", ("alphabetical", "measure")) != "measure":
        falling = one_of(order.get("order"), "sort.order", ("asc", "desc")) == "desc"
        return sorted(parts.items(), key=lambda item: str(item[0]), reverse=falling)[facet.skip :][
            : facet.limit
        ]
    asked = {key: order[key] for key in ("aggregation", "metric") if key in order}
    measure = _compute(asked, counting.span)
    falling = one_of(order.get("order"), "sort.order", ("desc", "asc")) == "desc"

    def size(item: tuple[Any, Rows]) -> tuple[float, str]:
        number = counting.one(measure, item[1])
        amount = float("-inf") if number is None else float(number)
        return (-amount if falling else amount), str(item[0])

    return sorted(parts.items(), key=size)[facet.skip :][: facet.limit]


def _summary(aggregation: str, numbers: NDArray[np.float64]) -> float:
    if aggregation in RANKS:
        return float(np.percentile(numbers, RANKS[aggregation]))
    if aggregation in ("min", "max"):
        return float(numbers.min() if aggregation == "min" else numbers.max())
    return float(numbers.sum() if aggregation == "sum" else numbers.mean())
