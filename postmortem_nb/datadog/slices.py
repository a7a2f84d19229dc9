"""A long pull, side by side: the rest of a window cut into slices that are pulled at once.

Pages follow each other by cursor, so one pull waits for every answer. Once a few full pages have
come and many more are wanted, Datadog is asked once how many logs lie in each stretch of the rest;
slices of about the same number of rows are then pulled by a few threads, within the announced rate
limit. Slices share their bounds, for whether an end is included is nowhere said: rows are known by
their id, and are put together in the order that one pull would have given.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any

from postmortem_nb import times
from postmortem_nb.datadog import answers
from postmortem_nb.datadog.answers import PAGE_SIZE
from postmortem_nb.datadog.failures import Failed
from postmortem_nb.errors import BadValue

if TYPE_CHECKING:
    from datetime import datetime

    from postmortem_nb.datadog.answers import Page
    from postmortem_nb.datadog.client import Connection
    from postmortem_nb.datadog.pages import Search, Teller

    Window = tuple[datetime, datetime]
    Wanted = tuple[int, set[Any]]

WORKERS = 8
"""Slices that are pulled at the same time."""

_STRETCHES = 400  # what the rest of a window is counted in


@dataclass(slots=True)
class Gathered:
    """The pages of all slices in their order, and what ended it early."""

    pages: list[Page] = field(default_factory=list)
    fault: str = ""
    skipped: bool = False


def plan(
    connection: Connection, search: Search, rest: Window, *, wanted: int, teller: Teller
) -> list[Window]:
    """Return the slices of the rest of a window, in the search's order; none where uncountable.

    Slices that should already hold ``wanted`` rows come first; what lies beyond is the last one.
    """
    counts = _counts(connection, search, rest, teller)
    if counts is None:
        return []
    target = PAGE_SIZE * max(2, min(wanted, sum(counts.values())) // (2 * WORKERS * PAGE_SIZE))
    step, here, total = _step(rest), 0, 0
    edges = [rest[1] if search.descending else rest[0]]
    for moment in sorted(counts, reverse=search.descending):
        if here and (here + counts[moment] > target or total >= wanted):
            edges.append(moment + step if search.descending else moment)
            here = 0
        here += counts[moment]
        if total >= wanted:
            break
        total += counts[moment]
    edges.append(rest[0] if search.descending else rest[1])
    inside = [edge for edge in edges if rest[0] <= edge <= rest[1]]
    return [(min(pair), max(pair)) for pair in pairwise(dict.fromkeys(inside))]


def gather(
    connection: Connection, search: Search, windows: list[Window], *, wanted: Wanted, teller: Teller
) -> Gathered:
    """Return the pages of all slices; a failure or Ctrl-C ends it, with what has come.

    ``wanted`` is how many rows, and the ids that are known already. Slices are begun in their
    order, and none once the whole ones from the first on hold that many others.
    """
    work = _Work(connection, search, deque(enumerate(windows)), wanted[0])
    for _ in range(min(WORKERS, len(windows))):
        threading.Thread(target=work.run, daemon=True).start()
    found: dict[int, list[Page]] = {at: [] for at in range(len(windows))}
    gathered = Gathered()
    left, whole = len(windows), set[int]()
    try:
        while left:
            at, news = work.news.get()
            if isinstance(news, str):
                teller.waits(news)
            elif isinstance(news, answers.Page):
                found[at].append(news)
                teller.came(len(news.ids))
            else:
                left -= 1
                whole.add(at)
                if isinstance(news, Failed):
                    gathered.fault = gathered.fault or news.fault
                if gathered.fault or _enough(found, whole, wanted):
                    gathered.skipped = gathered.skipped or left > 0
                    work.stop.set()
    except KeyboardInterrupt:
        work.stop.set()
        gathered.fault = "interrupted"
    gathered.pages = [page for at in sorted(found) for page in found[at]]
    return gathered


def _enough(found: dict[int, list[Page]], whole: set[int], wanted: Wanted) -> bool:
    """Return whether the slices that are whole from the first on hold what is wanted."""
    first = takewhile(whole.__contains__, sorted(found))
    fresh = {key for at in first for page in found[at] for key in page.ids} - wanted[1]
    return len(fresh) >= wanted[0]


@dataclass
class _Work:
    """What the threads share: the slices left, the news for the main thread, the word to stop."""

    connection: Connection
    search: Search
    left: deque[tuple[int, Window]]
    most: int
    news: queue.Queue[tuple[int, Any]] = field(default_factory=queue.Queue)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Pull one slice after the other until none is left."""
        while True:
            try:
                at, window = self.left.popleft()
            except IndexError:
                return
            end: Failed | None = Failed("a thread that ended")
            try:
                self._slice(at, window)
                end = None
            except Failed as failed:
                end = failed
            finally:  # whatever happens here, the main thread hears of it
                self.news.put((at, end))

    def _slice(self, at: int, window: Window) -> None:
        cursor, cursors, rows = "", set[str](), 0
        bounds = (stamp(window[0]), stamp(window[1], up=True))
        while not self.stop.is_set() and rows < self.most:
            page: Page = self.connection.ask(
                self.search.operation,
                answers.paged(self.search.read),
                waiting=lambda reason: self.news.put((at, reason)),
                body=self.search.body(PAGE_SIZE, cursor, bounds),
            )
            self.news.put((at, page))
            rows += len(page.ids)
            cursor = page.cursor
            if not page.ids or not cursor:
                if page.part:
                    raise Failed(answers.PART)
                return
            if cursor in cursors:
                raise Failed("repeated cursor")
            cursors.add(cursor)


def stamp(moment: datetime, *, up: bool = False) -> str:
    """Return a bound of a window as ISO 8601 with milliseconds, an end rounded up."""
    whole = times.EPOCH + timedelta(milliseconds=times.ms(moment, up=up))
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{whole.microsecond // 1000:03d}Z"


def _step(rest: Window) -> timedelta:
    """Return the length of a stretch: whole seconds, about ``_STRETCHES`` of them."""
    return timedelta(seconds=max(1, int((rest[1] - rest[0]).total_seconds()) // _STRETCHES))


def _counts(
    connection: Connection, search: Search, rest: Window, teller: Teller
) -> dict[datetime, int] | None:
    """Return how many logs lie in each stretch of a window; None where nobody counts them."""
    bounds = (stamp(rest[0]), stamp(rest[1], up=True))
    interval = f"{int(_step(rest).total_seconds())}s"
    compute = [{"aggregation": "count", "type": "timeseries", "interval": interval}]
    body = {"filter": search.body(1, "", bounds)["filter"], "compute": compute}
    try:
        found = connection.ask("logs count", answers.whole, waiting=teller.waits, body=body)
        points = found["data"]["buckets"][0]["computes"]["c0"]
        return {times.parse(point["time"]): int(point["value"]) for point in points}
    except (Failed, BadValue, LookupError, TypeError, ValueError, OverflowError):
        return None
