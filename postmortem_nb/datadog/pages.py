"""Page after page, until enough has come or something ends it: then what came is kept.

A window may lose rows between pages when it moves, so it is fixed before the first. A page may
repeat the last row of the one before, so rows are known by their id.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from postmortem_nb.datadog import slices
from postmortem_nb.datadog.answers import PAGE_SIZE, PART, paged
from postmortem_nb.datadog.arrays import counted
from postmortem_nb.datadog.failures import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from postmortem_nb.datadog import pace
    from postmortem_nb.datadog.answers import Page
    from postmortem_nb.datadog.client import Connection


BEFORE_SLICES = 4
"""Full pages that come one after the other before the rest may be cut into slices."""
WORTH_SLICING = 8 * PAGE_SIZE
"""Rows still wanted, from which cutting up the rest pays for counting it first."""


MOST_STALE = 3
"""Pages in a row that bring nothing new, after which no more are asked for."""

EMPTY = "an empty page ended the pull, though it named a page after it"
"""What is said of a page without rows that has a cursor all the same."""

_TICK = timedelta(milliseconds=1)


class Keep(Protocol):
    """Says how a reader's rows are cut: the rows at these places of a page, in order."""

    def __call__(self, rows: Any, places: Sequence[int]) -> Any:
        """Return the rows at ``places``."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search over one endpoint: how to ask for a page and how to read it.

    ``reached`` returns the time of a page's last row; without it a search is never cut into slices.
    """

    operation: str
    body: Callable[[int, str, tuple[str, str]], dict[str, Any]]
    read: Callable[[bytes], Page]
    keep: Keep
    window: tuple[datetime, datetime]
    limit: int
    descending: bool = False
    reached: Callable[[Any], datetime | None] | None = None

    @property
    def bounds(self) -> tuple[str, str]:
        """The window as the endpoints take it: ISO 8601 with milliseconds, the end rounded up."""
        return slices.stamp(self.window[0]), slices.stamp(self.window[1], up=True)

    def reading(self, read: Callable[[bytes], Page]) -> Search:
        """Return this search with another reader."""
        return replace(self, read=read)


@dataclass(slots=True)
class Pulled:
    """The pages that came, why they are not all (``partial``), and what Datadog warned of."""

    pages: list[Any] = field(default_factory=list)
    rows: int = 0
    requests: int = 0
    partial: str = ""
    warnings: list[str] = field(default_factory=list)
    repeated: int = 0
    cut: bool = False
    seen: set[Any] = field(default_factory=set)

    def add(self, page: Page, search: Search) -> int:
        """Keep the rows of a page that are new and within the limit; return how many."""
        room = search.limit - self.rows
        places: Sequence[int] = range(len(page.ids))
        fresh = set(page.ids)
        if len(places) > room or len(fresh) < len(places) or not self.seen.isdisjoint(fresh):
            places = self._fresh(page, search.keep)
        self.repeated += len(page.ids) - len(places)
        self.cut = self.cut or len(places) > room
        if len(places[:room]) == len(page.ids):
            kept = page.rows
        else:
            kept = search.keep(page.rows, places[:room])
        self.seen.update(page.ids)
        self.seen.discard(None)
        if places[:room]:
            self.pages.append(kept)
        self.rows += len(places[:room])
        self.note(page)
        return len(places[:room])

    def _fresh(self, page: Page, keep: Keep) -> list[int]:
        """Return the places of rows that were not there before; one without an id never was.

        Within a page, rows of one id are one only where they say the same.
        """
        first: dict[Any, int] = {}
        found = []
        for place, key in enumerate(page.ids):
            before = first.setdefault(key, place)
            repeats = key in self.seen or (
                before != place and keep(page.rows, [place]) == keep(page.rows, [before])
            )
            if key is None or not repeats:
                found.append(place)
        return found

    def told(self) -> list[str]:
        """Return the warnings, and that rows came twice where they did."""
        twice = counted(self.repeated, "rows came twice and are kept once")
        return [*self.warnings, twice] if self.repeated else self.warnings

    def note(self, page: Page) -> None:
        """Take over what a page says about itself."""
        if page.timed_out:
            self.partial = self.partial or "timed out"
        self.partial = self.partial or page.fault
        self.warnings += [line for line in page.warnings if line not in self.warnings]


class Teller:
    """Tells a caller's ``progress`` the rows so far and their rate, or what is waited for."""

    def __init__(self, progress: pace.Progress) -> None:
        self.progress, self.rows, self.begun = progress, 0, time.monotonic()

    def came(self, rows: int) -> None:
        """Tell that ``rows`` more have come."""
        self.rows += rows
        passed = max(time.monotonic() - self.begun, 1e-6)
        self.progress(rows=self.rows, waiting="", rate=self.rows / passed)

    def waits(self, reason: str) -> None:
        """Tell what is being waited for; an empty text when that is over."""
        self.progress(rows=self.rows, waiting=reason, rate=0.0)


def pull(connection: Connection, search: Search, teller: Teller) -> Pulled:
    """Return the rows of a search, page by page; a long one side by side once that pays.

    Raises Failed, or KeyboardInterrupt, when nothing came before; afterwards both end the pull and
    leave their reason in ``partial``.
    """
    pulled = Pulled()
    cursor, cursors, stale = "", set[str](), 0
    while True:
        try:
            page = _page(connection, search, (search.limit - pulled.rows, cursor), teller)
            added = pulled.add(page, search)
            pulled.requests += 1
            teller.came(added)
        except (Failed, KeyboardInterrupt) as stop:
            if not pulled.requests:
                raise
            pulled.partial = _reason(stop, pulled.requests + 1)
            return pulled
        cursor = page.cursor
        if not page.ids or not cursor:
            pulled.warnings += [EMPTY] if cursor else []
            cut = "limit reached" if pulled.cut else ""
            pulled.partial = pulled.partial or (PART if page.part else cut)
            return pulled
        stale = 0 if added else stale + 1
        if cursor in cursors or stale == MOST_STALE:
            pulled.partial = "repeated cursor" if cursor in cursors else "repeated rows"
            return pulled
        cursors.add(cursor)
        if pulled.rows >= search.limit:
            pulled.partial = pulled.partial or "limit reached"
            return pulled
        if _pays(pulled, search) and _side_by_side(connection, search, pulled, teller):
            return pulled


def _pays(pulled: Pulled, search: Search) -> bool:
    """Return whether the rest is worth cutting up: full pages so far, and many more wanted."""
    full = pulled.rows == pulled.requests * PAGE_SIZE == BEFORE_SLICES * PAGE_SIZE
    many = search.limit - pulled.rows >= WORTH_SLICING
    return full and many and search.reached is not None


def _side_by_side(connection: Connection, search: Search, pulled: Pulled, teller: Teller) -> bool:
    """Pull the rest in slices; False, with nothing done, where it cannot be counted."""
    reached = search.reached(pulled.pages[-1]) if search.reached else None
    start, end = search.window
    if reached is None or not start < reached < end:
        return False
    # an end may be excluded, and more rows of that very millisecond may be to come
    rest = (start, reached + _TICK) if search.descending else (reached, end)
    wanted = search.limit - pulled.rows
    windows = slices.plan(connection, search, rest, wanted=wanted, teller=teller)
    pulled.requests += 1
    if len(windows) < 2:
        return False
    gathered = slices.gather(
        connection, search, windows, wanted=(wanted, pulled.seen), teller=teller
    )
    repeated = pulled.repeated
    for page in gathered.pages:
        pulled.requests += 1
        pulled.add(page, search)
    pulled.repeated = repeated  # rows on the bounds of two slices are no fault of the server
    if gathered.fault:
        pulled.partial = f"{gathered.fault} on page {pulled.requests}"
    elif pulled.cut or gathered.skipped:
        pulled.partial = pulled.partial or "limit reached"
    return True


def _page(connection: Connection, search: Search, turn: tuple[int, str], teller: Teller) -> Page:
    room, cursor = turn
    body = search.body(min(PAGE_SIZE, room), cursor, search.bounds)
    return connection.ask(search.operation, paged(search.read), waiting=teller.waits, body=body)


def _reason(stop: BaseException, page: int) -> str:
    if isinstance(stop, Failed):
        return f"{stop.fault} on page {page}"
    return f"interrupted on page {page}"
