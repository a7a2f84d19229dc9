"""Places of rows as numbers: the fewest new ones that bring rows into a wished order.

A row keeps its number unless it must move, and a moved row gets a number between its neighbours.
So two people who reorder different rows do not undo each other.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def orders(ids: Sequence[str], places: Mapping[str, tuple[float, int]]) -> dict[str, float]:
    """Return new orders for the rows that must get one; ids without a place are new rows.

    Parameters
    ----------
    ids
        every row, as wished
    places
        of the old rows: order, and what decides between equal orders
    """
    staying = longest_rising([row for row in ids if row in places], places)
    found = _fitted(ids, {row: places[row][0] for row in staying})
    if found is None:  # no number fits between two neighbours any more: count anew
        found = {row: float(number) for number, row in enumerate(ids, start=1)}
    return found


def longest_rising(ids: Sequence[str], places: Mapping[str, tuple[float, int]]) -> list[str]:
    """Return a longest run of rows that stand in rising places: these need not move."""
    ends: list[tuple[float, int]] = []  # smallest last place of a run of each length
    runs: list[tuple[str, int]] = []  # each row with the length of the run that it ends
    for row in ids:
        length = bisect_left(ends, places[row])
        ends[length : length + 1] = [places[row]]
        runs.append((row, length))
    wanted = len(ends) - 1
    found: list[str] = []
    for row, length in reversed(runs):
        if length == wanted and (not found or places[row] < places[found[-1]]):
            found.append(row)
            wanted -= 1
    return found[::-1]


def _fitted(ids: Sequence[str], fixed: Mapping[str, float]) -> dict[str, float] | None:
    """Return orders for the rows that are not fixed, evenly between those that are, or None."""
    orders: dict[str, float] = {}
    run: list[str] = []
    low: float | None = None
    for row in [*ids, None]:
        if row is not None and row not in fixed:
            run.append(row)
            continue
        high = fixed[row] if row is not None else None
        spread = _spread(len(run), low, high)
        if any(after <= before for before, after in pairwise(_known(low, *spread, high))):
            return None
        orders |= zip(run, spread, strict=True)
        run, low = [], high
    return orders


def _known(*numbers: float | None) -> list[float]:
    return [number for number in numbers if number is not None]


def _spread(count: int, low: float | None, high: float | None) -> list[float]:
    """Return that many numbers between two ends, either of which may be open."""
    if low is None:
        low = high - count - 1 if high is not None else 0.0
    step = 1.0 if high is None else (high - low) / (count + 1)
    return [low + step * number for number in range(1, count + 1)]
