"""Chance that repeats: numbers from a counter and a seed, the same in every run and any order.

Any window of the made-up world can be computed alone, because the number that belongs to a
moment comes from the moment itself (splitmix64 of its counter), never from the one before.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP = 0x9E3779B97F4A7C15
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_UNIT = 2.0**-53


def salt(seed: int, *names: object) -> int:
    """Return the 64-bit start of one stream of numbers: a seed and what the numbers are for."""
    text = "\x1f".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def mixed(start: int, counters: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return one well-mixed 64-bit number a counter (splitmix64)."""
    bits = counters.astype(np.uint64) * np.uint64(_STEP) + np.uint64(start)
    for shift, factor in _MIX:
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return bits ^ (bits >> np.uint64(31))


def unit(start: int, counters: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return one number in [0, 1) a counter."""
    return np.asarray((mixed(start, counters) >> np.uint64(11)) * _UNIT, dtype=np.float64)


def normal(start: int, counters: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return one nearly normal number a counter: mean 0, deviation 1, never beyond 3.5."""
    bits = mixed(start, counters)
    parts = sum(((bits >> np.uint64(16 * n)) & np.uint64(0xFFFF)) / 65536.0 for n in range(4))
    return np.asarray((parts - 2.0) * np.sqrt(3.0), dtype=np.float64)
