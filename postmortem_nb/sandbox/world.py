"""The tables of a world, made when first asked for and kept, and what a search found in them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.sandbox import events, logs, match, search, spans

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from postmortem_nb.sandbox.table import Table

MAKERS: dict[str, Callable[[int], Table]] = {
    "logs": logs.table,
    "spans": spans.table,
    "events": events.table,
}
"""What makes the table of each kind, from the seed of its world."""


@lru_cache(maxsize=6)
def table(seed: int, kind: str) -> Table:
    """Return all rows of a kind."""
    return MAKERS[kind](seed)


@lru_cache(maxsize=64)
def _found(seed: int, kind: str, query: str) -> NDArray[np.intp]:
    rows = table(seed, kind)
    return np.flatnonzero(match.mask(search.parse(query), rows))


def found(seed: int, kind: str, query: str, span: tuple[int, int]) -> NDArray[np.intp]:
    """Return the rows a query finds in a span of epoch ms (ends included), in order of time."""
    rows = _found(seed, kind, query)
    moments = table(seed, kind).milliseconds[rows]
    first = np.searchsorted(moments, span[0], side="left")
    return rows[first : np.searchsorted(moments, span[1], side="right")]
