"""One question on its way: its window, what it is told to, and the record of how it was answered.

Relative times are resolved once, before the first request, so that no page of an answer belongs to
another window than the rest.
"""

from __future__ import annotations

import hashlib
import json
import re
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from numbers import Integral
from operator import index
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from postmortem_nb import callsyntax, evidence, times
from postmortem_nb.datadog import client, pace
from postmortem_nb.datadog.answers import PART, Part
from postmortem_nb.datadog.arrays import Notes, counted
from postmortem_nb.datadog.failures import Failed, beside, told
from postmortem_nb.datadog.pages import Teller
from postmortem_nb.errors import DatadogError, QueryError, expected, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from postmortem_nb.datadog.client import Connection

Arguments = dict[str, Any]
Read = TypeVar("Read")

SKEW = 60.0
"""Seconds that a clock may differ from Datadog's before it is said."""

_ROUNDED = timedelta(seconds=1)  # more than the bounds of a window are ever rounded by

_PAGES = {  # where the web application shows the same question: page, window, fixed or live
    "search_datadog_logs": ("logs", "from_ts", "to_ts", {"live": "false"}),
    "analyze_datadog_logs": ("logs", "from_ts", "to_ts", {"live": "false"}),
    "search_datadog_spans": ("apm/traces", "start", "end", {"paused": "true"}),
    "search_datadog_events": ("event/explorer", "from_ts", "to_ts", {"live": "false"}),
    "get_datadog_metric": ("metric/explorer", "start", "end", {"paused": "true"}),
    "get_datadog_revenue": ("metric/explorer", "start", "end", {"paused": "true"}),
    "get_datadog_slo": ("slo/manage", "from_ts", "to_ts", {}),
}
_BY_METRIC = ("get_datadog_metric", "get_datadog_revenue", "get_datadog_slo")
_ASKS = (
    "sql_query",
    "query",
    "queries",
    "filter",
    "slo_id",
    "total",
    "uptime",
    "monitor",
    "metric",
)
"""Arguments that say what is asked; the first that is given does."""
_METRIC = re.compile(
    r"(?:(?P<exp_agg>\w+):)?(?P<exp_metric>[a-zA-Z][\w.]*)\{(?P<exp_scope>[^{}]*)\}"
    r"(?:\s*by\s*\{(?P<exp_group>[^{}]*)\})?"
)


@dataclass
class Asking:
    """One question while it is asked.

    ``given`` are the arguments as the user wrote them, ``arguments`` those with the defaults;
    ``start`` and ``end`` are the window they resolve to.
    """

    function: str
    given: Arguments
    arguments: Arguments
    progress: pace.Progress = pace.silent
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    notes: Notes = field(default_factory=Notes)
    parts: list[str] = field(default_factory=list)
    """Why the answer is partial by what single answers said of themselves."""

    def __post_init__(self) -> None:
        self.start = self._moment("from_")
        self.end = self._moment("to")
        if self.start >= self.end:
            raise QueryError(
                f"{self.function}: 'from' must be before 'to'; got "
                f"{times.shown(self.start)} and {times.shown(self.end)}"
            )
        self.teller = Teller(self.progress)
        self.connection: Connection = client.connection()

    def over(self, start: datetime, end: datetime, *, interval: str | None = None) -> Asking:
        """Return the same question over another window: one of several requests of an answer."""
        other = copy(self)
        other.start, other.end = start, end
        other.arguments = {**self.arguments, "interval": interval}
        return other

    def ask(self, name: str, read: Callable[[bytes], Read], **arguments: Any) -> Read:
        """Return what ``read`` makes of one answer; one that is a part makes the whole partial.

        So does one that states an error beside what it holds.
        """

        def reading(body: bytes) -> Read:
            found = read(body)
            self.parts += [PART] if isinstance(body, Part) else []
            self.parts += [said] if isinstance(found, dict) and (said := beside(found)) else []
            return found

        return self.connection.ask(name, reading, waiting=self.teller.waits, **arguments)

    def failed(self, failed: Failed) -> DatadogError:
        """Return the error that tells the user of a failure before any row came."""
        window = f"{times.shown(self.start)} to {times.shown(self.end)}"
        question = f"{self.function} {shown(self._words())}, {window}"
        connection = self.connection
        return told(failed, question=question, site=connection.host, scrub=connection.scrub)

    def record(
        self, frame: pd.DataFrame, *, partial: str = "", warnings: list[str] | None = None
    ) -> pd.DataFrame:
        """Return the frame with the record of its provenance in ``attrs["evidence"]``."""
        connection = self.connection
        partial = connection.scrub(partial or next(iter(self.parts), ""))
        lines = [*(warnings or []), *self.notes.lines(), *self._outside(frame), *self._skewed()]
        told_of = [connection.scrub(line) for line in lines]
        frame.attrs["evidence"] = {
            "function": self.function,
            "call": spelled(self.function, self.given),
            "arguments": plain(self.arguments),
            "question": question(self.function, self.given),
            "from": times.iso(self.start),
            "to": times.iso(self.end),
            "site": "sandbox" if connection.sandbox else connection.site,
            "sandbox": connection.sandbox,
            "fetched_at": times.iso(datetime.now(UTC).replace(microsecond=0)),
            "rows": len(frame),
            "complete": not partial,
            "partial": partial,
            "warnings": told_of,
            "path": "",
            "sha256": evidence.digest(frame),
            "link": self._link(),
        }
        return frame

    def _outside(self, frame: pd.DataFrame) -> list[str]:
        """Return the warning of rows that were not asked for; they stay, as all that came."""
        searched = self.function in ("search_datadog_logs", "search_datadog_events")
        if not searched or "timestamp" not in frame:
            return []
        early, late = self.start - _ROUNDED, self.end + _ROUNDED
        count = int(((frame["timestamp"] < early) | (frame["timestamp"] > late)).sum())
        return [counted(count, "rows are of a time outside the window")] if count else []

    def _skewed(self) -> list[str]:
        """Return the warning of a clock that is wrong: ``now`` was read from it."""
        skew = self.connection.skew
        if abs(skew) < SKEW:
            return []
        way = "ahead of" if skew > 0 else "behind"
        length = times.duration(abs(skew) / 60)
        return [f"this machine's clock is {length} {way} Datadog's: 'now' is meant by this one"]

    def _moment(self, name: str) -> datetime:
        value = self.arguments.get(name)
        label = name.rstrip("_")
        if value is None:
            raise QueryError(
                expected(f"{self.function}: {label}", "a time", example="'now-1h'", came="nothing")
            )
        return times.parse(value, name=f"{self.function}: {label}", now=self.now)

    def _words(self) -> str:
        for name in _ASKS:
            if words := self.arguments.get(name):
                return words if isinstance(words, str) else "; ".join(map(str, words))
        return "*"

    def _link(self) -> str:
        """Return where Datadog shows the same question; nothing for the sandbox or a proxy."""
        site = self.connection.site
        counted = self.function == "get_datadog_slo" and not self.arguments.get("slo_id")
        shown_by = _PAGES.get("get_datadog_metric" if counted else self.function)
        if shown_by is None or site not in client.SITES or self.connection.sandbox:
            return ""
        host = site if site.count(".") > 1 else f"app.{site}"
        page, start, end, fixed = shown_by
        window = {start: times.ms(self.start), end: times.ms(self.end, up=True)}
        return f"https://{host}/{page}?{urlencode({**self._view(), **window, **fixed})}"

    def _view(self) -> dict[str, str]:
        """Return the question as the web application's address has it; of metrics the first."""
        if self.arguments.get("slo_id"):
            return {"slo_id": str(self.arguments["slo_id"])}
        if self.function not in _BY_METRIC:
            return {"query": self.arguments.get("filter") or self._words()}
        found = _METRIC.search(self._words())
        return {name: part for name, part in found.groupdict().items() if part} if found else {}


def spelled(function: str, arguments: Arguments) -> str:
    """Return a call as it is written in a cell, ``from`` without its underscore."""
    lines = [
        f"  {name.removesuffix('_')}={json.dumps(plain(value), ensure_ascii=False)}"
        for name, value in arguments.items()
    ]
    return f"{function}(\n" + ",\n".join(lines) + "\n)"


def question(function: str, arguments: Arguments) -> str:
    """Return the digest of a question: the same function and arguments, the same digest."""
    words = json.dumps([function, plain(arguments)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()


def plain(value: Any) -> Any:
    """Return arguments as JSON has them: moments as ISO 8601, tuples as lists."""
    if isinstance(value, datetime):
        return times.iso(value) if value.tzinfo else value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(inner) for inner in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else shown(value)


def chosen(function: str, name: str, value: Any, options: tuple[str, ...]) -> str:
    """Return an option as given; QueryError with the choices for any other."""
    if isinstance(value, str) and value in options:
        return value
    raise QueryError(
        expected(
            f"{function}: {name}", f"one of {', '.join(options)}", example=options[0], came=value
        )
    )


def texts(function: str, name: str, value: Any) -> list[str]:
    """Return one text or several as a list; QueryError for anything else."""
    found = [value] if isinstance(value, str) else list(value) if _listed(value) else None
    if found is None or not all(isinstance(item, str) for item in found):
        raise QueryError(
            expected(f"{function}: {name}", "a list of texts", example="['a']", came=value)
        )
    return found


def count(function: str, value: Any) -> int:
    """Return a limit of rows; QueryError for what is no positive whole number."""
    truth = isinstance(value, bool)
    whole = index(value) if isinstance(value, Integral) and not truth else 0
    if whole < 1:
        raise QueryError(
            expected(f"{function}: limit", "a number of rows", example="1000", came=value)
        )
    return whole


def merged(
    function: str, known: tuple[str, ...], arguments: Arguments, more: Arguments
) -> Arguments:
    """Return the arguments with ``from`` taken over as ``from_``; QueryError for unknown ones."""
    for name, value in more.items():
        if name != "from":
            raise QueryError(callsyntax.unknown_argument(function, name, known))
        if arguments.get("from_") is not None:
            raise QueryError(f"{function}: 'from' was given twice")
        arguments["from_"] = value
    return arguments


def _listed(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset))
