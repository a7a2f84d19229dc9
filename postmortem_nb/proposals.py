"""Proposed monitors and a Datadog account: checked by Datadog, and made there on request.

Nothing here runs by itself. A monitor is made once: it carries a tag that is worked out from the
incident and the row, and one that carries it already is found before another is made. It is made
as a draft, which notifies nobody until a person publishes it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from postmortem_nb import incidentapi, masking, text
from postmortem_nb.datadog import answers, client
from postmortem_nb.datadog.client import Operation
from postmortem_nb.datadog.failures import Failed
from postmortem_nb.errors import BadValue, QueryError, expected
from postmortem_nb.monitors import backtests, definitions
from postmortem_nb.monitors.composites import Composite
from postmortem_nb.monitors.tried import Tried

if TYPE_CHECKING:
    from collections.abc import Callable

    from postmortem_nb.datadog.client import Connection
    from postmortem_nb.incident import Incident
    from postmortem_nb.monitors.backtests import BackTest

Json = dict[str, Any]

_MONITORS = ("v1.api.monitors_api", "MonitorsApi")

OPERATIONS = {
    "validate monitor": Operation(*_MONITORS, "validate_monitor", "monitors_read"),
    "tagged monitors": Operation(*_MONITORS, "list_monitors", "monitors_read"),
    "create monitor": Operation(*_MONITORS, "create_monitor", "monitors_write", create=True),
}
"""What is asked beside `client.OPERATIONS`, by our name for it."""

KINDS = (
    (r"\s*logs\s*\(", "log alert"),
    (r"\s*events\s*\(", "event-v2 alert"),
    (r"\s*rum\s*\(", "rum alert"),
    (r"\s*(?:error_budget|burn_rate)\s*\(", "slo alert"),
    (r"\s*trace-analytics\s*\(", "trace-analytics alert"),
    (r"\s*error-tracking(?:-\w+)?\s*\(", "error-tracking alert"),
    (r"\s*audits\s*\(", "audit alert"),
    (r"\s*ci-pipelines\s*\(", "ci-pipelines alert"),
    (r"\s*ci-tests\s*\(", "ci-tests alert"),
    (r"\s*database-monitoring\s*\(", "database-monitoring alert"),
    (r"\s*network-performance\s*\(", "network-performance alert"),
    (r"\s*network-path\s*\(", "network-path alert"),
    (r"\s*processes\s*\(", "process alert"),
    (r".*\.over\(", "service check"),
    (r"", "query alert"),
)
"""How a query begins, and the type of monitor it makes (Datadog's API reference, Monitors)."""

LONGEST_MESSAGE = 4_000
_PAGE, _REFUSED = 100, 400


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Datadog says of a proposed monitor; ``said`` is empty where it is valid."""

    number: int
    name: str
    said: str = ""


def validate(
    incident: Incident,
    row: str | int | None = None,
    *,
    told: Callable[[str], object] = lambda _: None,
) -> list[Verdict]:
    """Return Datadog's verdict on each proposed monitor, or on that of a row; nothing is made.

    Raises DatadogError where Datadog cannot be asked. ``told`` is given who answered.
    """
    listed = _proposed(incident) if row is None else [_chosen(incident, row)]
    found = _connection()
    made = []
    for each in listed:
        try:
            body = _body(incident, each, found)
            found.ask("validate monitor", answers.document, body=body)
            said = ""
        except QueryError as error:
            said = str(error)
        except Failed as failure:
            if failure.status != _REFUSED:
                raise incidentapi.failed(found, failure, "validate a monitor") from None
            said = failure.said or failure.fault
        made.append(Verdict(each.number, each.name, said))
    told(f"checked by {_who(found)}")
    return made


def create(
    incident: Incident, row: str | int, *, told: Callable[[str], object] = lambda _: None
) -> str:
    """Return the address of the monitor that was made from a row, or of the one made before.

    Parameters
    ----------
    incident
        whose proposed monitor it is
    row
        its number under "Monitoring Improvements", or the id of its row
    told
        is given one line on what was done

    Raises BadValue for a row that there is not, QueryError for one that cannot be made as it is
    written, and DatadogError where Datadog did not take it. It is sent once and never again.
    """
    each = _chosen(incident, row)
    found = _connection()
    try:
        body = _body(incident, each, found)
        number = _existing(found, _tag(incident, each.row))
        done = "there already, not made again"
        if number is None:
            number = _made(found, body)
            done = "made as a draft: it notifies nobody until it is published in Datadog"
    except Failed as failure:
        raise incidentapi.failed(found, failure, f"create monitor {each.number}") from None
    told(f"{done} ({_who(found)})")
    return f"{incidentapi.site(found)}/monitors/{number}"


def report(verdicts: list[Verdict]) -> str:
    """Return verdicts as text, a line each."""
    if not verdicts:
        return "No monitor is proposed under 'Monitoring Improvements' yet.\n"
    return "".join(
        f"{each.number}. {_line(each.name) or 'unnamed'}: "
        f"{_line(each.said) if each.said else 'valid'}\n"
        for each in verdicts
    )


def _connection() -> Connection:
    """Return the connection that the environment names, able to ask of monitors too."""
    found = client.connection()
    client.OPERATIONS.update(OPERATIONS)
    return found


def _proposed(incident: Incident) -> list[BackTest]:
    """Return the proposed monitors, with their back-tests where there are some."""
    tested = {each.row: each for each in backtests.frozen(incident)}
    return [
        tested.get(row["row"])
        or backtests.BackTest(number, str(row["row"]), str(row.get("name") or ""))
        for number, row in enumerate(backtests.rows(incident), 1)
    ]


def _chosen(incident: Incident, row: str | int) -> BackTest:
    """Return the proposed monitor of a number or a row's id."""
    listed = _proposed(incident)
    for each in listed:
        if str(row).strip() in (str(each.number), each.row):
            return each
    if not listed:
        raise BadValue("monitor: none is proposed under 'Monitoring Improvements' yet; add one")
    what = f"a number from 1 to {len(listed)}"
    raise BadValue(expected("monitor", what, example="1", came=str(row)))


def _body(incident: Incident, each: BackTest, found: Connection) -> Json:
    """Return what a monitor is made from. Raises QueryError where it cannot be."""
    row = next(row for row in backtests.rows(incident) if row["row"] == each.row)
    kind, query, thresholds = _condition(incident, each, row, found)
    name = _line(each.name) or f"Proposed in {_line(incident.id)}"
    body: Json = {
        "name": name,
        "type": kind,
        "query": query,
        "message": _message(incident, row),
        "tags": ["source:postmortem-nb", _tag(incident, each.row)],
        "draft_status": "draft",
    }
    options = {"thresholds": thresholds, "on_missing_data": "default"}  # as it was tried
    return body | ({"options": options} if thresholds else {})


def _condition(
    incident: Incident, each: BackTest, row: Json, found: Connection
) -> tuple[str, str, Json]:
    """Return type and query as Datadog writes them, and the thresholds where we read them.

    A whole query that is of another kind than ours goes as it stands: Datadog judges it.
    """
    words = " ".join(str(row.get("query") or "").split())
    try:
        monitor = backtests.read(row)
    except QueryError:
        if re.search(r"(?:[<>=]=?\s*[-\d.eE]+|\.count_by_status\(\))$", words) is None:
            raise
        return _kind(words), words, {}
    if isinstance(monitor, Composite):
        return "composite", monitor.query(_made_of(incident, monitor, found)), {}
    limit, recovery, warning = monitor.limit, monitor.recovery, monitor.warning
    if monitor.unit:
        if not isinstance(each.tried, Tried):
            raise QueryError(
                f"threshold: what {monitor.limit:g} {monitor.unit} is in the query's own unit is "
                "known after its back-test: run 'postmortem backtest' first"
            )
        (limit, recovery), warning = each.tried.limits, each.tried.warning
    asked = {"critical": limit, "critical_recovery": recovery, "warning": warning}
    query = monitor.query(limit)
    return _kind(query), query, {name: at for name, at in asked.items() if at is not None}


def _kind(query: str) -> str:
    return next(kind for start, kind in KINDS if re.match(start, query, re.DOTALL))


def _made_of(incident: Incident, composite: Composite, found: Connection) -> dict[str, str]:
    """Return the ids of a composite's monitors of the same table: made before, found by their tags.

    Raises QueryError that names the first one that is not in Datadog yet.
    """
    listed, known = backtests.rows(incident), {}
    for name in composite.names:
        if name in composite.ids:
            continue
        row = backtests.proposed(name, listed)
        number = _existing(found, _tag(incident, str(row["row"])))
        if number is None:
            title = definitions.label(name, str(row.get("name") or ""))
            raise QueryError(
                f"monitor {title} is not in Datadog yet: make it first, with 'postmortem monitor "
                f"create {incident.id} {name.removeprefix('#')}'"
            )
        known[name] = str(number)
    return known


def _message(incident: Incident, row: Json) -> str:
    """Return what a notification says: the purpose, who is told, where it comes from."""
    parts = [str(row.get("purpose") or ""), str(row.get("notification") or "")]
    parts.append(f"Proposed in the postmortem of {incident.id}.")
    said = "\n\n".join(text.visible(part).strip() for part in parts if part.strip())
    return masking.mask(said)[:LONGEST_MESSAGE]


def _tag(incident: Incident, row: str) -> str:
    """Return the tag that tells the monitor of a row: the same row of an incident, the same tag."""
    whole = f"{incident.id}\0{row}".encode("utf-8", "replace")
    return f"postmortem:{hashlib.sha256(whole).hexdigest()[:20]}"


def _existing(found: Connection, tag: str) -> int | None:
    """Return the number of the monitor that carries a tag, None where there is none."""
    there = found.ask("tagged monitors", _list, monitor_tags=tag, page=0, page_size=_PAGE)
    return next((int(each["id"]) for each in there if tag in (each.get("tags") or ())), None)


def _made(found: Connection, body: Json) -> int:
    """Return the number of a new monitor; one whose answer was lost is looked for, not repeated."""
    try:
        answer = found.ask("create monitor", answers.document, body=body)
    except Failed as failure:
        if 400 <= failure.status < 500 or failure.fault == "not asked":
            raise
        number = _existing(found, body["tags"][1])
        if number is not None:
            return number
        failure.remedy = (
            "whether it was made is not known; run this again in a minute: it is looked for before "
            "another is made"
        )
        raise
    number = answer.get("id")
    if not isinstance(number, int):
        raise Failed("an answer without a monitor", remedy="look for it in Datadog", status=200)
    return number


def _list(body: bytes) -> list[Json]:
    """Return the monitors of an answer, which is a bare list."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, list):
        raise Failed("an answer that is no list of monitors", status=200)
    return [each for each in found if isinstance(each, dict) and isinstance(each.get("id"), int)]


def _who(found: Connection) -> str:
    return "the sandbox, not a Datadog account" if found.sandbox else found.site


def _line(said: object) -> str:
    return " ".join(masking.mask(text.visible(said)).split())
