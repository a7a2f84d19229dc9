"""How the two weeks unfold, as smooth functions of time: traffic, failing, retrying, queueing.

A *step* is ten seconds, the grain in which agents report. Curves are drawn through points of the
story (straight lines between) and know nothing of chance; that is added in ``traffic``.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.sandbox.scenario import at, epoch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEP = 10
"""Seconds of a step."""

QUIET, PEAK = 55.0, 115.0  # requests a minute at night, and what the busiest hour adds
_BUSIEST, _WIDTH = 17.0, 4.2  # hours UTC
_WEEK = (1.0, 1.0, 1.02, 1.0, 1.04, 0.93, 0.97)  # Thursday first, as the epoch does
FAILING_AT_FULL = 0.495  # the part of requests that call payments from a host with the release

# Percent of all checkout requests that fail while every reached host runs the release.
_FAILED = (
    ("14:02", 0.0),
    ("14:05", 1.0),
    ("14:12", 5.4),
    ("14:19", 9.4),
    ("14:24", 12.5),
    ("14:30", 16.0),
    ("14:45", 20.0),
    ("15:05", 22.0),
    ("15:31", 21.0),
    ("15:32", 0.0),
)
# Percent that still fails on hosts that are well again, while the queue of payments drains.
_LINGERING = (
    ("15:26", 0.0),
    ("15:29", 4.0),
    ("15:33", 2.6),
    ("15:38", 1.1),
    ("15:50", 0.8),
    ("16:04", 0.35),
    ("16:09", 0.0),
)
# Calls to payments for each that was needed.
_RETRIES = (
    ("14:02", 1.0),
    ("14:06", 1.4),
    ("14:12", 2.3),
    ("14:20", 3.3),
    ("14:28", 4.0),
    ("15:26", 4.1),
    ("15:32", 1.9),
    ("15:38", 1.35),
    ("15:55", 1.05),
    ("16:05", 1.0),
)
_QUEUE = (
    ("14:02", 4.0),
    ("14:12", 160.0),
    ("14:30", 720.0),
    ("15:05", 1650.0),
    ("15:27", 1900.0),
    ("15:38", 1150.0),
    ("15:55", 260.0),
    ("16:07", 4.0),
)


class Steps:
    """A run of moments and the curves over them; each curve is computed once, when asked."""

    def __init__(self, numbers: NDArray[np.int64]) -> None:
        self.numbers = numbers
        """Steps since the epoch."""

    @cached_property
    def seconds(self) -> NDArray[np.int64]:
        """Return the beginning of each step in epoch seconds."""
        return self.numbers * STEP

    @cached_property
    def level(self) -> Floats:
        """Return the checkout's requests a minute: quiet nights, an afternoon peak, weekends."""
        hour = self.seconds % 86400 / 3600.0
        away = np.minimum(np.abs(hour - _BUSIEST), 24 - np.abs(hour - _BUSIEST))
        day = np.array(_WEEK)[self.seconds // 86400 % 7]
        return np.asarray((QUIET + PEAK * np.exp(-((away / _WIDTH) ** 2))) * day)

    @cached_property
    def failing(self) -> Floats:
        """Return the chance that a call to payments fails on a host with the release."""
        return self._through(_FAILED) / (100.0 * FAILING_AT_FULL)

    @cached_property
    def lingering(self) -> Floats:
        """Return the chance that a call to payments fails on any other host."""
        return self._through(_LINGERING) / (100.0 * FAILING_AT_FULL)

    @cached_property
    def retries(self) -> Floats:
        """Return the calls to payments for each that was needed."""
        return self._through(_RETRIES)

    @cached_property
    def queue(self) -> Floats:
        """Return the requests that wait in payments."""
        return self._through(_QUEUE)

    @cached_property
    def strain(self) -> Floats:
        """Return how saturated payments is, from 0 to 1."""
        return np.asarray((self.queue - _QUEUE[0][1]) / 1900.0)

    def _through(self, points: tuple[tuple[str, float], ...]) -> Floats:
        """Return straight lines through points of the day; flat before the first and after."""
        moments = [epoch(at(clock)) for clock, _ in points]
        return np.asarray(np.interp(self.seconds, moments, [value for _, value in points]))


def between(begin: int, end: int) -> Steps:
    """Return the steps that begin in the half-open span of epoch seconds."""
    return Steps(np.arange(-(-begin // STEP), -(-end // STEP), dtype=np.int64))
