"""The questions to Datadog: five with the names and arguments of Datadog's own MCP tools, two more.

The two take several requests each: an SLO's history, and revenue beside that of the weeks before.

Each returns a DataFrame whose ``attrs["evidence"]`` says what was asked, of whom, when, and whether
the answer is whole. ``from`` is a word of Python: it is ``from_`` here, or ``**{"from": …}``.

All raise QueryError for what cannot be asked as written, BadValue for times that cannot be read,
and DatadogError when no row came; after rows have come they are returned, marked partial.
"""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

from postmortem_nb.datadog import (
    advice,
    analysis,
    asking,
    earnings,
    events,
    logs,
    objectives,
    pace,
    pages,
    placeholders,
    searches,
    spans,
    timeseries,
)
from postmortem_nb.datadog.asking import Asking
from postmortem_nb.datadog.failures import Failed
from postmortem_nb.datadog.fields import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd


def search_datadog_logs(  # noqa: PLR0913, PLR0917 - the arguments are Datadog's own
    query: str = "*",
    from_: Any = None,
    to: Any = None,
    extra_fields: Sequence[str] = (),
    sort: str = "timestamp",
    indexes: Sequence[str] = ("*",),
    storage_tier: str = "indexes",
    limit: int = 1000,
    **more: Any,
) -> pd.DataFrame:
    """Return the logs that match a search, one row each.

    Columns: ``timestamp`` (UTC), ``status``, ``service``, ``host``, ``message``, ``tags`` (lists),
    ``id``, and one per extra field.

    Parameters
    ----------
    query
        Datadog's log search (https://docs.datadoghq.com/logs/explorer/search_syntax/)
    from_, to
        the window: ``now-1h``, ISO 8601 with a zone, a datetime, epoch seconds or milliseconds
    extra_fields
        dotted paths of attributes, with or without ``@``; ``*`` is all, ``error.*`` a group
    sort
        ``timestamp`` or ``-timestamp``
    indexes, storage_tier
        where to look: index names; ``indexes``, ``online-archives`` or ``flex``
    limit
        most rows to return
    """
    asked = {
        "query": query,
        "from_": from_,
        "to": to,
        "extra_fields": extra_fields,
        "sort": sort,
        "indexes": indexes,
        "storage_tier": storage_tier,
        "limit": limit,
    }
    return _called("search_datadog_logs", asked, more)


def search_datadog_spans(  # noqa: PLR0913, PLR0917
    query: str = "*",
    from_: Any = None,
    to: Any = None,
    custom_attributes: Sequence[str] = (),
    sort: str = "timestamp",
    limit: int = 1000,
    **more: Any,
) -> pd.DataFrame:
    """Return the indexed spans that match a search, one row each.

    Columns: ``timestamp`` (UTC, the start), ``service``, ``resource_name``, ``operation_name``,
    ``status``, ``duration`` (exact to the nanosecond), ``trace_id``, ``span_id``, ``parent_id``
    (texts), ``env``, ``host``, ``error.type``, ``error.message``, ``error.stack``, ``type``,
    ``tags``, ``id``, and one per custom attribute. Spans are a sample of the traffic: count
    requests with trace metrics instead.
    """
    asked = {
        "query": query,
        "from_": from_,
        "to": to,
        "custom_attributes": custom_attributes,
        "sort": sort,
        "limit": limit,
    }
    return _called("search_datadog_spans", asked, more)


def search_datadog_events(
    query: str = "*",
    from_: Any = None,
    to: Any = None,
    sort: str = "timestamp",
    limit: int = 1000,
    **more: Any,
) -> pd.DataFrame:
    """Return the events (deploys, alerts, changes) that match a search, one row each.

    Columns: ``timestamp`` (UTC), ``title``, ``message``, ``source``, ``status``, ``service``,
    ``tags``, ``id``.
    """
    asked = {"query": query, "from_": from_, "to": to, "sort": sort, "limit": limit}
    return _called("search_datadog_events", asked, more)


def analyze_datadog_logs(  # noqa: PLR0913, PLR0917
    filter: str = "*",  # noqa: A002 - Datadog's own name
    sql_query: str = "",
    from_: Any = None,
    to: Any = None,
    extra_columns: Sequence[dict[str, str] | str] = (),
    indexes: Sequence[str] = ("*",),
    storage_tier: str = "indexes",
    limit: int = 10_000,
    **more: Any,
) -> pd.DataFrame:
    """Return the result of one SELECT over the table ``logs``; its columns are the SQL's.

    The table holds the logs that match ``filter`` in the window, nothing else: ``timestamp``,
    ``host``, ``service``, ``env``, ``version``, ``status``, ``message``, and any attribute by its
    quoted path (``"@usr.id"``). ``attrs["evidence"]["path"]`` says who computed the answer.

    Parameters
    ----------
    filter
        Datadog's log search
    sql_query
        one SELECT in PostgreSQL's dialect
    from_, to
        the window, as for ``search_datadog_logs``
    extra_columns
        types of attributes: ``{"name": "@http.status_code", "type": "bigint"}``
    indexes, storage_tier
        where to look, as for ``search_datadog_logs``
    limit
        most rows of the result
    """
    asked = {
        "filter": filter,
        "sql_query": sql_query,
        "from_": from_,
        "to": to,
        "extra_columns": extra_columns,
        "indexes": indexes,
        "storage_tier": storage_tier,
        "limit": limit,
    }
    return _called("analyze_datadog_logs", asked, more)


def get_datadog_metric(
    queries: Sequence[str] | str = (),
    from_: Any = None,
    to: Any = None,
    formulas: Sequence[str] = (),
    interval: Any = None,
    **more: Any,
) -> pd.DataFrame:
    """Return metrics over time, one row a point, as they were recorded: nothing is filled.

    Columns: ``timestamp`` (UTC, start of the interval), ``query``, ``series`` (its tags joined by
    commas, ``*`` when ungrouped), ``value`` (Float64), ``unit``.

    Parameters
    ----------
    queries
        metric queries, for example ``sum:trace.http.request.errors{service:web}.as_count()``
    from_, to
        the window, its end excluded
    formulas
        over ``query0``, ``query1`` … in the order of ``queries``; given ones are returned instead
    interval
        length of a bucket: milliseconds, or ``20s``, ``5m``; Datadog chooses unless given
    """
    asked = {
        "queries": queries,
        "from_": from_,
        "to": to,
        "formulas": formulas,
        "interval": interval,
    }
    return _called("get_datadog_metric", asked, more)


def get_datadog_slo(  # noqa: PLR0913
    slo_id: str = "",
    from_: Any = None,
    to: Any = None,
    *,
    total: str = "",
    good: str = "",
    bad: str = "",
    uptime: str = "",
    monitor: str = "",
    slices: str = "1m",
    target: float | None = None,
    timeframe: str = "",
    corrections: Sequence[Sequence[Any]] = (),
    apply_correction: bool = True,
    **more: Any,
) -> pd.DataFrame:
    """Return what an SLO counted: its own window up to ``to``, and finer the incident's.

    From Datadog's SLO history (``GET /api/v1/slo/{id}/history``) by ``slo_id``, or from metrics
    with a ``target``: requests by ``total`` with ``good`` or ``bad``, time by ``uptime`` or
    ``monitor``. Frozen as evidence (``%%datadog slo``) it
    gives an incident target, achievement, budget consumed and remaining, burn rate, and the budget
    by phase; see `budget` for reading it.

    Columns: ``timestamp`` (UTC, start of a step), ``scope`` (``window`` or ``incident``),
    ``minutes`` (length of the step), ``good``, ``bad``, ``valid`` (requests, or minutes of a
    time-based SLO, as ``unit`` says), ``no_data`` and ``corrected`` (minutes), ``unit``; the same
    in every row: ``slo`` (its name), ``type``, ``target`` and ``status`` (%), ``window_days``.

    Parameters
    ----------
    slo_id
        of Datadog's SLO, as in its link
    from_, to
        the incident's window
    total, good, bad
        metric queries that count (``.as_count()``): all valid events, and the good or the bad ones
    uptime
        the condition under which a time slice is good: ``p95:trace.web.request{*} <= 2.5``; as in
        Datadog, a slice without data is good, and one that is bad for any group is bad
    monitor
        a metric monitor's query, ``avg(last_5m):… > 5``: a minute is bad while it holds; without
        data it is neither good nor bad
    slices
        length of a time slice: ``1m`` or ``5m``
    target
        in percent; the SLO's own unless given
    timeframe
        the SLO's window, ``30d``; the SLO's own unless given
    corrections
        pairs of times that are left out; good time where the SLO is by time slices
    apply_correction
        whether Datadog leaves out its own corrections
    """
    asked = {
        "slo_id": slo_id,
        "from_": from_,
        "to": to,
        "total": total,
        "good": good,
        "bad": bad,
        "uptime": uptime,
        "monitor": monitor,
        "slices": slices,
        "target": target,
        "timeframe": timeframe,
        "corrections": corrections,
        "apply_correction": apply_correction,
    }
    return _called("get_datadog_slo", asked, more)


def get_datadog_revenue(
    metric: str = "",
    from_: Any = None,
    to: Any = None,
    *,
    weeks: int = 4,
    deferred: str | None = None,
    **more: Any,
) -> pd.DataFrame:
    """Return revenue of the incident and of the same hours of the weeks before, one row a point.

    Frozen as evidence (``%%datadog revenue``) it gives an incident its lost revenue: the median of
    usual − actual − deferred over the weeks, its interval their least and most (`losses`).

    Columns: ``timestamp`` (UTC), ``week`` (0 is the incident's, −1 the one before), ``part``
    (``impact``, ``after``), ``query``, ``value`` (Float64), ``unit``.

    Parameters
    ----------
    metric
        a query that adds up money, for example ``sum:shop.revenue{*}.as_count()``
    from_, to
        the incident's window
    weeks
        how many weeks before to compare with, 1 to 52
    deferred
        how long after ``to`` to look for orders that came later: ``6h``; not at all unless given
    """
    asked = {"metric": metric, "from_": from_, "to": to, "weeks": weeks, "deferred": deferred}
    return _called("get_datadog_revenue", asked, more)


def _called(function: str, arguments: dict[str, Any], more: dict[str, Any]) -> pd.DataFrame:
    """Return the answer to a call in Python, which knows no incident."""
    arguments = asking.merged(function, tuple(PARAMETERS[function]), arguments, more)
    placeholders.refuse(function, arguments)
    return run(function, arguments)


def run(
    function: str,
    arguments: dict[str, Any],
    *,
    progress: pace.Progress = pace.silent,
    thorough: bool = False,
) -> pd.DataFrame:
    """Return the answer of one of these functions; ``progress`` is told how it gets on.

    An answer without rows has lines of advice in its record; a ``thorough`` asker has them looked
    up, which takes a few requests more.
    """
    defaults = PARAMETERS[function]
    kept = given(function, arguments)
    asked = Asking(function, kept, {**defaults, **kept}, progress)
    try:
        frame = _RUN[function](asked)
    except Failed as failed:
        raise asked.failed(failed) from None
    if advice.finds_nothing(frame):
        found = [*(advice.looked_up(asked) if thorough else []), *advice.hints(asked)]
        frame.attrs["evidence"]["advice"] = [asked.connection.scrub(line) for line in found]
    return frame


def given(function: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that differ from their defaults: what makes one question another."""
    defaults = PARAMETERS[function]
    same = {
        name
        for name, value in arguments.items()
        if name in defaults and _alike(asking.plain(value), asking.plain(defaults[name]))
    }
    return {name: value for name, value in arguments.items() if name not in same}


def _alike(value: Any, default: Any) -> bool:
    """Return whether a plain value is the default: values of other kinds may not be compared."""
    return type(value) is type(default) and bool(value == default)


def _logs(asked: Asking) -> pd.DataFrame:
    fields = asked.arguments["extra_fields"]
    wanted = Wanted(asking.texts(asked.function, "extra_fields", fields))
    search = searches.logs(
        asked, "query", limit=asking.count(asked.function, asked.arguments["limit"])
    )
    reader = logs.Reader(wanted, asked.notes)
    pulled = pages.pull(asked.connection, search.reading(reader), asked.teller)
    frame = logs.frame(pulled.pages, wanted, asked.notes)
    return asked.record(frame, partial=pulled.partial, warnings=pulled.told())


_RUN: dict[str, Callable[[Asking], pd.DataFrame]] = {
    "search_datadog_logs": _logs,
    "search_datadog_spans": spans.answer,
    "search_datadog_events": events.answer,
    "get_datadog_metric": timeseries.answer,
    "analyze_datadog_logs": analysis.analyze,
    "get_datadog_slo": objectives.answer,
    "get_datadog_revenue": earnings.answer,
}
PARAMETERS: dict[str, dict[str, Any]] = {
    function.__name__: {
        name: parameter.default
        for name, parameter in signature(function).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    }
    for function in (
        analyze_datadog_logs,
        get_datadog_metric,
        get_datadog_revenue,
        get_datadog_slo,
        search_datadog_events,
        search_datadog_logs,
        search_datadog_spans,
    )
}
"""The arguments of each function with their defaults."""
