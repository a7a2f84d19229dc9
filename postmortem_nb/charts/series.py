"""Metrics as series: read from a tidy frame, grouped into panels, and told which of them add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from postmortem_nb import units
from postmortem_nb.captions import label
from postmortem_nb.charts import clock
from postmortem_nb.errors import BadValue, expected, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.units import Unit

    Floats = NDArray[np.float64]

UNLIKE = 20.0
"""Queries of one unit share a panel unless one is this many times larger than the other."""


@dataclass(frozen=True, slots=True)
class Line:
    """A series: its name, its points in order of time, and the area under it."""

    name: str
    x: Floats
    y: Floats
    area: float


@dataclass(frozen=True, slots=True)
class Group:
    """What shares a panel: the queries' text, unit, lines by size, and whether they add up."""

    caption: str
    unit: Unit
    lines: tuple[Line, ...]
    adds_up: bool
    counts: bool = False
    """Whether a value that is not there counted nothing, as of ``as_count()``."""
    others: str = ""
    """What all lines but the first are called, where they are only what it is seen against."""


def groups(frame: pd.DataFrame, unit: str = "", by: str | None = None) -> tuple[Group, ...]:
    """Return the panels of a tidy metric frame, queries in the order they came."""
    panels: list[list[Group]] = []
    for _, part in _queries(frame):
        one = _group(part, unit, by)
        shared = next((panel for panel in panels if _alike(panel, one)), None)
        if shared is None:
            panels.append([one])
        else:
            shared.append(one)
    return tuple(_together(panel) if panel[1:] else panel[0] for panel in panels)


def _queries(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    codes, names = pd.factorize(frame["query"], use_na_sentinel=False)
    if len(names) == 1:
        yield str(names[0]), frame
        return
    for code, name in enumerate(names):
        yield str(name), frame[codes == code]


def _group(part: pd.DataFrame, unit: str, by: str | None) -> Group:
    query = label(part["query"].iloc[0])
    found = units.read(unit or _unit(part))
    lines = sorted(_lines(part, by), key=lambda line: -line.area)
    adds = adds_up(query, found)
    return Group(query, found, tuple(lines), adds, adds and _counted(query))


def _unit(part: pd.DataFrame) -> str:
    known = part["unit"].dropna() if "unit" in part else pd.Series(dtype="string")
    return str(known.iloc[0]) if len(known) else ""


def adds_up(query: str, unit: Unit) -> bool:
    """Return whether series of this query may be summed: counts and sums, not averages."""
    words = query.lower().replace(" ", "")
    summed = words.startswith(("sum:", "count:", "count(")) or _counted(query)
    return summed and unit.family in ("things", "bytes")


def _counted(query: str) -> bool:
    words = query.lower().replace(" ", "")
    return "as_count()" in words or "as_rate()" in words or words.startswith("count(*)")


def _lines(part: pd.DataFrame, by: str | None) -> Iterator[Line]:
    codes, names = pd.factorize(part["series"], use_na_sentinel=False)
    x, y = clock.seconds(part["timestamp"]), values(part["value"])
    keep = np.isfinite(x)
    if not keep.all():
        codes, x, y = codes[keep], x[keep], y[keep]
    shown = short_names([label(name) if isinstance(name, str) else "*" for name in names], by)
    order = np.argsort(codes, kind="stable") if len(names) > 1 else slice(None)
    codes, x, y = codes[order], x[order], y[order]
    edges = np.searchsorted(codes, np.arange(len(names) + 1)) if len(names) > 1 else (0, codes.size)
    for name, start, end in zip(shown, edges[:-1], edges[1:], strict=True):
        if end > start:
            yield _line(name, x[start:end], y[start:end])


def _line(name: str, x: Floats, y: Floats) -> Line:
    if x.size > 1 and not (x[1:] >= x[:-1]).all():
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    return Line(name, x, y, float(np.nansum(np.abs(y))))


def values(column: pd.Series) -> Floats:
    """Return a number column as floats; missing, infinite and beyond drawing is NaN."""
    found = column.to_numpy(dtype="float64", na_value=np.nan, copy=True)
    with np.errstate(invalid="ignore"):
        found[~(np.abs(found) < units.HUGE)] = np.nan
    return found


def refuse(names: Iterable[object], by: str) -> None:
    """Raise BadValue where no series has a tag of the key ``by``; it says which keys there are."""
    tags = [label(name).split(",") for name in names if isinstance(name, str)]
    keys = sorted({tag.partition(":")[0].strip() for each in tags for tag in each if ":" in tag})
    if by in keys:
        return
    if not keys:
        raise BadValue(f"by: the answer has no tags to group by; got {shown(by)}")
    known = f"a tag of the answer ({', '.join(keys[:12])})"
    raise BadValue(expected("by", known, example=keys[0], came=by))


def short_names(names: Sequence[str], by: str | None = None) -> list[str]:
    """Return "checkout" for "service:checkout" where all names have the same keys."""
    split = [[tag.partition(":") for tag in name.split(",")] for name in names]
    if by:
        chosen = [
            next((value for key, _, value in tags if key.strip() == by), "") for tags in split
        ]
        return chosen if all(chosen) and len(set(chosen)) == len(chosen) else list(names)
    keys = {tuple(key for key, colon, _ in tags if colon) for tags in split}
    if len(keys) > 1 or not all(colon for tags in split for _, colon, _ in tags):
        return list(names)
    short = [", ".join(value for _, _, value in tags) for tags in split]
    return short if all(short) and len(set(short)) == len(short) else list(names)


def _alike(panel: Sequence[Group], other: Group) -> bool:
    one = panel[0]
    if one.unit != other.unit or one.adds_up != other.adds_up:
        return False
    tops = [max((_top(line) for line in group.lines), default=0.0) for group in panel]
    low, high = sorted((max(tops), max((_top(line) for line in other.lines), default=0.0)))
    return high <= UNLIKE * low


def _top(line: Line) -> float:
    return float(np.nanmax(np.abs(line.y), initial=0.0))


def _together(panel: Sequence[Group]) -> Group:
    """Return one group of all; a lone series is then known by its query."""
    first = panel[0]
    lines = [line for group in panel for line in _by_query(group)]
    return Group(
        ";  ".join(group.caption for group in panel),
        first.unit,
        tuple(sorted(lines, key=lambda line: -line.area)),
        first.adds_up,
        all(group.counts for group in panel),
    )


def _by_query(group: Group) -> Iterator[Line]:
    """Yield a query's lines as they are named among those of others; all of it needs no ``{*}``."""
    query = group.caption.removesuffix("{*}")
    for line in group.lines:
        named = line.name if group.caption in line.name else f"{line.name} {query}"
        yield replace(line, name=query if line.name == "*" else named)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of a group is drawn: lines that stand out, the rest, and its sum if it has one."""

    lines: tuple[Line, ...]
    rest: tuple[Line, ...] = ()
    other: Line | None = None
    others: str = ""

    @property
    def all(self) -> tuple[Line, ...]:
        """The lines that stand out, and the sum of the rest."""
        return (*self.lines, self.other) if self.other else self.lines

    @property
    def more(self) -> str:
        """What is said of a rest that has no sum."""
        if self.others:
            return self.others
        return f"and {len(self.rest):,} more" if self.rest and not self.other else ""


def choose(group: Group, most: int) -> Chosen:
    """Return the ``most`` largest lines of a group, and the rest, summed where it adds up."""
    if group.others:
        return Chosen(group.lines[:1], group.lines[1:], others=group.others)
    lines, rest = group.lines[:most], group.lines[most:]
    if not rest or not group.adds_up:
        return Chosen(lines, rest)
    moments = np.unique(np.concatenate([line.x for line in rest])).size
    if moments > 1.5 * max(line.x.size for line in rest):
        return Chosen(lines, rest)  # taken at different times: a sum would jump about
    return Chosen(lines, rest, _summed(rest))


def against(group: Group, name: str, others: str) -> Group:
    """Return a group in which one line counts: the others stand behind it, each an ``others``."""
    lines = sorted(group.lines, key=lambda line: line.name != name)
    if len(lines) < 2 or lines[0].name != name:
        return group
    return replace(
        group, lines=tuple(lines), others=f"{len(lines) - 1} {others}{'s' * (len(lines) > 2)}"
    )


def _summed(rest: Sequence[Line]) -> Line:
    """Return the sum at each time, of those series that have a value then."""
    x, where = np.unique(np.concatenate([line.x for line in rest]), return_inverse=True)
    y = np.concatenate([line.y for line in rest])
    there = np.isfinite(y)
    total = np.bincount(where[there], weights=y[there], minlength=x.size).astype(np.float64)
    total[np.bincount(where[there], minlength=x.size) == 0] = np.nan
    return _line(f"other ({len(rest):,})", x, total)


def even(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return counts at all the times of any of them, 0 where one has no value, and in between."""
    x = np.unique(np.concatenate([line.x for line in lines]))
    steps = np.diff(x)
    least = steps.min(initial=np.inf)
    apart = steps > 1.5 * least
    x = np.unique(np.concatenate((x, x[:-1][apart] + least, x[1:][apart] - least)))
    found = []
    for line in lines:
        y = np.zeros(x.size)
        np.add.at(y, np.searchsorted(x, line.x), np.nan_to_num(line.y))
        found.append(replace(line, x=x, y=y))
    return tuple(found)


def stackable(lines: Sequence[Line]) -> bool:
    """Return whether lines can stand on one another: the same times, nothing missing, none below 0.

    A line alone always can.
    """
    first = lines[0]
    return len(lines) == 1 or all(
        line.x.size == first.x.size and bool((line.x == first.x).all() and (line.y >= 0).all())
        for line in lines
    )
