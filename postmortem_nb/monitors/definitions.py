"""Monitors that are in Datadog already: asked for by id, frozen, and read as ours are.

A definition is evidence like any answer: the document tells what was combined after the monitor is
changed or gone. What of it decides on its status is kept, no name of a person and no message.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from postmortem_nb import text, times
from postmortem_nb.datadog import answers, failures
from postmortem_nb.errors import PostmortemError, QueryError
from postmortem_nb.monitors import composites, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from postmortem_nb.monitors.reading import Monitor

FUNCTION = "get_datadog_monitor"
COLUMNS = ("id", "name", "type", "query", "modified", "options", "problem")

OPTIONS = (
    "thresholds", "evaluation_delay", "on_missing_data", "timeout_h", "scheduling_options",
    "groupby_simple_monitor",
)  # fmt: skip
"""What of a monitor's options decides on its status."""

LONGEST_DELAY = 86_400  # seconds
LONGEST_TITLE = 80
_ID = re.compile(r"[1-9]\d{0,17}")

PROBLEMS = {
    403: "these keys may not read it (HTTP 403; the application key needs monitors_read)",
    404: "there is none of this id in Datadog: it was deleted, or is another account's",
}
"""What the status of an answer says of a monitor."""


@dataclass(frozen=True, slots=True)
class Constituent:
    """One monitor of a composite: its name in the expression, and what is known of it.

    ``warning`` and its recovery are None where it has none; ``missing`` is what becomes of a
    window without data: ``no data``, ``ok``, ``zero``, or the ``last`` known status.
    """

    name: str
    title: str
    monitor: Monitor
    warning: float | None = None
    warning_recovery: float | None = None
    missing: str = "no data"
    is_single: bool = False
    """Whether it has one status for all of its groups, that of the worst."""
    notes: tuple[str, ...] = ()

    @property
    def by(self) -> tuple[str, ...]:
        """What its statuses are grouped by."""
        return () if self.is_single else self.monitor.by

    @property
    def label(self) -> str:
        """What people call it: ``48210002 (Checkout p95 latency)``."""
        return label(self.name, self.title)


def label(name: str, title: str) -> str:
    """Return a monitor's name in an expression, with what it is called."""
    line = " ".join(title.split())
    if len(line) > LONGEST_TITLE:
        line = f"{line[: LONGEST_TITLE - 1]}…"
    return f"{name} ({line})" if line else name


def ask(ids: Sequence[str], start: datetime, end: datetime) -> pd.DataFrame:
    """Return the definitions of monitors, a row each, with their record.

    One that there is not, or that may not be read, is a row that says so in ``problem``. Raises
    DatadogError where Datadog cannot be asked.
    """
    pandas = import_module("pandas")
    asking = import_module("postmortem_nb.datadog.asking")
    given = {"ids": list(ids), "from_": start, "to": end}
    asked = asking.Asking(FUNCTION, given, given)
    rows = [_row(asked.connection, each) for each in ids]
    frame = pandas.DataFrame(rows, columns=list(COLUMNS), dtype="string")
    frame["modified"] = pandas.to_datetime(frame["modified"], utc=True, format="ISO8601")
    lacking = [f"monitor {row['id']}: {row['problem']}" for row in rows if row.get("problem")]
    found: pd.DataFrame = asked.record(frame, partial="; ".join(lacking))
    return found


def again(record: Mapping[str, Any]) -> pd.DataFrame:
    """Return what a record of definitions asked for, asked anew."""
    asked = _mapping(record.get("arguments")).get("ids")
    ids = [each for each in asked if _ID.fullmatch(str(each))] if isinstance(asked, list) else []
    return ask(list(map(str, ids)), times.parse(record.get("from")), times.parse(record.get("to")))


def question(ids: Sequence[str], start: datetime, end: datetime) -> str:
    """Return the digest of a question for definitions, as their record holds it."""
    asking = import_module("postmortem_nb.datadog.asking")
    made: str = asking.question(FUNCTION, {"ids": list(ids), "from_": start, "to": end})
    return made


def constituents(frame: pd.DataFrame, began: datetime) -> dict[str, Constituent]:
    """Return the monitors of frozen definitions by id.

    Raises QueryError that names the first one that cannot be tried.
    """
    rows = zip(*(frame[name] for name in COLUMNS), strict=True)
    made = [_constituent(dict(zip(COLUMNS, row, strict=True)), began) for row in rows]
    return {each.name: each for each in made}


def named(name: str, title: str, read: Callable[[], Monitor]) -> Monitor:
    """Return what ``read`` does; its refusal names the monitor."""
    try:
        return read()
    except PostmortemError as error:
        raise QueryError(f"monitor {label(name, title)}: {error}") from None


def nested() -> QueryError:
    """Return the refusal of a composite within a composite, itself included."""
    return QueryError("it is a composite itself, and Datadog combines none of those")


def _row(connection: Any, number: str) -> dict[str, Any]:
    """Return the definition of one monitor, or why there is none."""
    try:
        found = connection.ask("monitor", answers.whole, monitor_id=int(number))
    except failures.Failed as failed:
        if failed.status in PROBLEMS:
            return {"id": number, "problem": PROBLEMS[failed.status]}
        asked = f"the definition of monitor {number}"
        raise failures.told(
            failed, question=asked, site=connection.host, scrub=connection.scrub
        ) from None
    if not isinstance(found.get("query"), str) or str(found.get("id")) != number:
        return {"id": number, "problem": "Datadog's answer holds no definition of it"}
    if found.get("deleted"):
        return {"id": number, "problem": "it was deleted in Datadog"}
    options = _mapping(found.get("options"))
    kept = {key: options[key] for key in OPTIONS if options.get(key) is not None}
    return {
        "id": number,
        "name": text.clean(str(found.get("name") or "")),
        "type": text.clean(str(found.get("type") or "")),
        "query": text.clean(found["query"]),
        "modified": _moment(found.get("modified")),
        "options": text.clean(json.dumps(kept, sort_keys=True)),
    }


def _constituent(row: Mapping[str, Any], began: datetime) -> Constituent:
    number, title, query = (_text(row[name]) for name in ("id", "name", "query"))
    if problem := _text(row["problem"]):
        raise QueryError(f"monitor {number}: {problem}")
    options = _options(_text(row["options"]))
    thresholds = _mapping(options.get("thresholds"))

    def read() -> Monitor:
        if _text(row["type"]) == "composite" or composites.is_one(query):
            raise nested()
        recovery = _number(thresholds.get("critical_recovery"))
        found = reading.read(query)
        return reading.checked(replace(found, recovery=recovery, delay=_delay(options)))

    monitor = named(number, title, read)
    return Constituent(
        number, title, monitor,
        warning=_number(thresholds.get("warning")),
        warning_recovery=_number(thresholds.get("warning_recovery")),
        missing=_missing(options, monitor),
        is_single=options.get("groupby_simple_monitor") is True,
        notes=tuple(f"monitor {number} {said}" for said in _told(row, options, began)),
    )  # fmt: skip


def _missing(options: Mapping[str, Any], monitor: Monitor) -> str:
    """Return what becomes of a window without data.

    https://docs.datadoghq.com/monitors/configuration/ (no data)
    """
    chosen = options.get("on_missing_data")
    if chosen == "default":
        return monitor.missing
    return "ok" if chosen == "resolve" else "no data"


def _told(row: Mapping[str, Any], options: Mapping[str, Any], began: datetime) -> list[str]:
    """Return what a reader has to know of a definition."""
    said = []
    modified = row["modified"]
    aware = isinstance(modified, datetime) and modified.tzinfo is not None  # NaT has no zone
    if aware and modified > began:
        when = times.shown(modified.to_pydatetime().replace(microsecond=0))
        said.append(f"was changed after the incident began ({when}): tried as it is now")
    if options.get("timeout_h"):
        said.append("resolves by itself without data, which is not tried")
    if options.get("scheduling_options"):
        said.append("is evaluated on a schedule of its own, which is not tried")
    return said


def _delay(options: Mapping[str, Any]) -> timedelta:
    """Return how long before an evaluation its window ends. Raises QueryError past a day."""
    seconds = _number(options.get("evaluation_delay")) or 0.0
    if not 0 <= seconds <= LONGEST_DELAY:
        raise QueryError(f"its evaluation delay is {seconds:g} seconds; expected up to a day")
    return timedelta(seconds=int(seconds))


def _number(value: object) -> float | None:
    """Return a number as a definition has it; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None


def _moment(value: object) -> str | None:
    try:
        return times.iso(times.parse(value)) if value else None
    except PostmortemError:
        return None


def _options(words: str) -> Mapping[str, Any]:
    """Return options as they were frozen; none where a stranger wrote them."""
    try:
        return _mapping(json.loads(words))
    except (ValueError, RecursionError):
        return {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
