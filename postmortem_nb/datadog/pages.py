"""Page after page, until enough has come or something ends it: then what came is kept.

A window may lose rows between pages when it moves, so it is fixed before the first. A page may
repeat the last row of the one before, so rows are known by their id.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from postmortem_nb.datadog.answers import PAGE_SIZE, Page
from postmortem_nb.datadog.failures import Failed

if TYPE_CHECKING:
    from postmortem_nb.datadog import pace
    from collections.abc import Callable

    from postmortem_nb.datadog.client import Connection


class Keep(Protocol):
    """Says how a reader's rows are cut: the rows at these places of a page, in order."""

    def __call__(self, rows: Any, places: list[int]) -> Any:
        """Return the rows at ``places``."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search over one endpoint: how to ask for a page and how to read it."""

    operation: str
    body: Callable[[int, str, tuple[str, str]], dict[str, Any]]
    read: Callable[[bytes], Page]
    keep: Keep
    window: tuple[str, str]
    limit: int

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
    seen: set[Any] = field(default_factory=set)

    def add(self, page: Page, search: Search) -> int:
        """Keep the rows of a page that are new and within the limit; return how many."""
        room = search.limit - self.rows
        places = [
            place for place, key in enumerate(page.ids) if key is None or key not in self.seen
        ]
        self.repeated += len(page.ids) - len(places)
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

    def told(self) -> list[str]:
        """Return the warnings, and that rows came twice where they did."""
        twice = f"{self.repeated:,} rows came twice and are kept once"
        return [*self.warnings, twice] if self.repeated else self.warnings

    def note(self, page: Page) -> None:
        """Take over what a page says about itself."""
        if page.timed_out:
            self.partial = self.partial or "timed out"
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
    """Return the rows of a search, page by page.

    Raises Failed, or KeyboardInterrupt, when nothing came before; afterwards both end the pull and
    leave their reason in ``partial``.
    """
    pulled = Pulled()
    cursor, cursors = "", set[str]()
    while True:
        try:
            page = _page(connection, search, (search.limit - pulled.rows, cursor), teller)
        except (Failed, KeyboardInterrupt) as stop:
            if not pulled.requests:
                raise
            pulled.partial = _reason(stop, pulled.requests + 1)
            return pulled
        pulled.requests += 1
        teller.came(pulled.add(page, search))
        cursor = page.cursor
        if not page.ids or not cursor:
            return pulled
        if cursor in cursors:
            pulled.partial = "repeated cursor"
            return pulled
        cursors.add(cursor)
        if pulled.rows >= search.limit:
            pulled.partial = pulled.partial or "limit reached"
            return pulled


def _page(connection: Connection, search: Search, turn: tuple[int, str], teller: Teller) -> Page:
    room, cursor = turn
    body = search.body(min(PAGE_SIZE, room), cursor, search.window)
    return connection.ask(search.operation, search.read, waiting=teller.waits, body=body)


def _reason(stop: BaseException, page: int) -> str:
    if isinstance(stop, Failed):
        return f"{stop.fault} on page {page}"
    return f"interrupted on page {page}"
