"""How long to wait before asking again, and when waiting is no use.

Datadog announces its rate limits in headers: ``X-RateLimit-Limit`` requests in
``X-RateLimit-Period`` seconds, ``X-RateLimit-Remaining`` of them left, ``X-RateLimit-Reset``
seconds until they are new (https://docs.datadoghq.com/api/latest/rate-limits/). Proxies send
``Retry-After``. Either may be absent, fractional, a moment instead of a length, or nonsense.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TRIES = 5
"""How often one request is asked at most."""
LONGEST_WAIT = 60.0
"""Seconds that one request waits in all for a limit or a recovery; longer ends at once."""

_FIRST_BACKOFF = 0.3
_EPOCH_FROM = 1e9  # a reset this large is a moment (epoch seconds), not a length
_EPOCH_MS_FROM = 1e12
_MARGIN = 0.05  # seconds past the announced end of a period, for the way there
_ON_ITS_WAY = 30.0  # seconds that one request lasts at most, and so may be counted late


class Progress(Protocol):
    """What a caller may pass to be told how a question gets on."""

    def __call__(self, *, rows: int = 0, waiting: str = "", rate: float = 0.0) -> None:
        """Take the rows so far, what is being waited for, and the rows a second."""


def silent(*, rows: int = 0, waiting: str = "", rate: float = 0.0) -> None:
    """Take progress and tell nobody."""


def clock(headers: Mapping[str, str]) -> float:
    """Return the time (epoch seconds) that an answer was sent at by its sender's clock.

    This machine's where it does not say; a moment in an answer is of the sender's clock.
    """
    try:
        return parsedate_to_datetime(headers.get("Date") or "").timestamp()
    except (ValueError, OverflowError):
        return time.time()


def reset_in(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait; None where it says nothing readable."""
    now = clock(headers)
    stated = _seconds(headers.get("X-RateLimit-Reset"), now)
    if stated is None:
        stated = _seconds(headers.get("Retry-After"), now)
    return stated if stated is not None else _until_date(headers.get("Retry-After"), now)


def backoff(tries: int) -> float:
    """Return the seconds before try number ``tries + 1``: doubling, with jitter."""
    jitter = random.uniform(0.5, 1.0)  # noqa: S311 - no secret
    return float(_FIRST_BACKOFF * 2 ** (tries - 1) * jitter)


def countdown(seconds: float, reason: str, progress: Callable[[str], None]) -> None:
    """Sleep, telling once a second what is waited for; Ctrl-C ends it."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        progress(f"{math.ceil(left)} s, {reason}")
        time.sleep(min(left, 1.0))
    progress("")


@dataclass
class Allowance:
    """The requests that one rate limit still allows: what was announced less what was sent.

    Answers may come in another order than they were counted in, and the end of a period is
    announced in whole seconds, rounded up: where in doubt, less is sent.
    """

    left: int | None = None
    limit: int | None = None
    period: float = 0.0
    until: float = 0.0
    earliest: float = 0.0
    in_flight: int = 0
    ended: deque[float] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> float:
        """Return 0 and count a request as sent, or the seconds until one is allowed."""
        now = time.monotonic()
        with self.lock:
            if self.left is not None and now >= self.until:
                self._renew(now)
            if self.left is not None:
                if self.left <= 0:
                    return self.until - now
                self.left -= 1
            self.in_flight += 1
            return 0.0

    def _renew(self, now: float) -> None:
        """Begin a period; what ended shortly before may count as of it on the other side.

        A request is counted there between its being sent and its end, which may be far apart. Of a
        period of an hour only its last moments are in doubt: the rest is as the server says.
        """
        doubtful = min(self.period, _ON_ITS_WAY)
        while self.ended and self.ended[0] <= now - doubtful - _MARGIN:
            self.ended.popleft()
        spent = len(self.ended) + self.in_flight
        self.left = None if self.limit is None else self.limit - spent
        begun = self.ended[0] if self.ended else now
        self.until = begun + self.period + _MARGIN
        self.earliest = begun + doubtful + _MARGIN

    def give(self, headers: Mapping[str, str] | None, *, refused: bool = False) -> None:
        """Count a request as ended and take over what its answer announces, if there was one.

        ``refused`` says that it was one too many: then the server's word on when is the last.
        """
        with self.lock:
            self.in_flight -= 1
            if headers is not None:
                self._announced(headers, refused=refused)
            if self.left is not None:
                self.ended.append(time.monotonic())

    def _announced(self, headers: Mapping[str, str], *, refused: bool) -> None:
        left, limit, period = (
            _seconds(headers.get(f"X-RateLimit-{name}"), 0.0)
            for name in ("Remaining", "Limit", "Period")
        )
        reset = _seconds(headers.get("X-RateLimit-Reset"), clock(headers))
        if left is None or reset is None:
            self.left = None
            return
        now = time.monotonic()
        self.limit, self.period = (int(limit), period) if limit and period else (None, 0.0)
        if self.left is not None and now < self.until and not refused:
            self.left = min(self.left, int(left))
            self.until = max(self.earliest, min(self.until, now + reset + _MARGIN))
            return
        # those under way may not be counted in what the server says is left
        self.left, self.until, self.earliest = (
            int(left) - self.in_flight,
            now + reset + _MARGIN,
            now,
        )


def _seconds(text: str | None, now: float) -> float | None:
    """Return a length of time from a header, from now on where it is a moment."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    if not math.isfinite(value) or value < 0:
        return None
    if value >= _EPOCH_FROM:
        moment = value / 1000 if value >= _EPOCH_MS_FROM else value
        value = max(0.0, moment - now)
    return value if value < _EPOCH_FROM else None  # decades from now is no limit


def _until_date(text: str | None, now: float) -> float | None:
    try:
        left = max(0.0, parsedate_to_datetime(text or "").timestamp() - now)
    except (ValueError, OverflowError):
        return None
    return left if left < _EPOCH_FROM else None
