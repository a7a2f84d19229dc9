"""How long Datadog keeps what a postmortem asks for: a warning while it can still be frozen.

Logs and spans vanish first, often before the review. Periods are Datadog's published ones; a plan
may keep logs shorter or longer, so theirs can be declared.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from postmortem_nb import bundle, evidence, provenance, times
from postmortem_nb.datadog import calls
from postmortem_nb.errors import BadValue, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Query

LOG_DAYS = 15
"""Days that logs are kept where a plan does not say otherwise (3, 7, 15 and 30 are usual)."""

DAYS = {
    "search_datadog_logs": LOG_DAYS,
    "analyze_datadog_logs": LOG_DAYS,
    "search_datadog_spans": 15,
    "search_datadog_events": 456,
    "get_datadog_metric": 456,
    "get_datadog_revenue": 456,
    "get_datadog_slo": 456,
}
"""Function → days that its data are kept; 456 are the 15 months of metrics and events
(https://docs.datadoghq.com/data_security/data_retention_periods/)."""

SOON = timedelta(days=30)
"""How long before its data expire a question that is not frozen is worth a warning."""

_LOGS = ("search_datadog_logs", "analyze_datadog_logs")


def expiring(
    incident: Incident, now: datetime | None = None, *, log_days: float = LOG_DAYS
) -> list[str]:
    """Return one line for each question of the template whose data expire before it is frozen.

    Parameters
    ----------
    incident
        its template's questions are looked at, filled with what it knows; those that cannot be
        asked yet are left out
    now
        the moment to judge by; the clock's unless given
    log_days
        days that this organisation keeps logs

    """
    now = now or datetime.now(UTC)
    records = {
        str(record["name"]): record
        for record in evidence.listing(incident.path / bundle.EVIDENCE)
        if not record.get("problem")
    }
    return [
        line
        for query in incident.template.queries()
        if not (record := records.get(query.name, {})).get("complete")
        for line in _hints(incident, query, record, now=now, log_days=log_days)
    ]


def _hints(
    incident: Incident,
    query: Query,
    record: Mapping[str, Any],
    *,
    now: datetime,
    log_days: float,
) -> Iterator[str]:
    """Yield the line for one question, none while there is time; ``record`` is of what it has."""
    variables = incident.variables()
    try:
        call = calls.parse(query.call)
        if calls.unknown(call, variables):
            return
        asked = calls.fill(call, variables).arguments
        start, end = (times.parse(asked.get(name), name=name, now=now) for name in ("from_", "to"))
    except (BadValue, QueryError):
        return  # what is wrong with it is said where it is asked
    days = log_days if call.function in _LOGS else DAYS[call.function]
    first, last = start + timedelta(days=days), end + timedelta(days=days)
    kept = f"such data are kept {days:g} days" + (
        " unless your plan says otherwise" if call.function in _LOGS else ""
    )
    held, todo = f"{query.name}: not frozen", "run its cell"
    if record:
        held = f"{query.name}: frozen only in part ({record.get('partial') or 'unknown why'})"
        todo = provenance.more(record)[0].lower() + provenance.more(record)[1:]
    if now >= last:
        yield f"{held}, and its data are gone since {last:%Y-%m-%d}: {kept}"
    elif now >= first:
        until = f"the last of them on {last:%Y-%m-%d}"
        yield f"{held}, and its data are vanishing, {until}: {kept}; {todo}"
    elif first - now <= SOON:
        left = max(1, (first - now).days)
        when = f"on {first:%Y-%m-%d}, in {left} {'day' if left == 1 else 'days'}"
        yield f"{held}; its data begin to vanish {when}: {kept}; {todo}"
