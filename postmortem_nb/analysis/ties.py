"""How much a value resembles the one before: fewer independent values than there are points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST = 8
"""Values of which a correlation is told."""


def ties(rest: Floats) -> float:
    """Return (1 + r) / (1 − r) for the correlation r of neighbours, between 1 and 12.

    So many times fewer independent values are there than points (Bartlett, 1946, first order).
    """
    middle = np.clip(rest - np.median(rest), *np.quantile(rest - np.median(rest), (0.02, 0.98)))
    power = float(middle @ middle)
    if middle.size < LEAST or power <= 0:
        return 1.0
    r = float(middle[1:] @ middle[:-1]) / power
    return float(np.clip((1 + r) / max(1 - r, 1e-9), 1.0, 12.0))
