"""Which path is answered by what; everything else is 404, in Datadog's shape."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from postmortem_nb.errors import PostmortemError
from postmortem_nb.sandbox import (
    aggregate,
    catalogue,
    incidents,
    listing,
    monitors,
    notebooks,
    queries,
    slo,
)
from postmortem_nb.sandbox.answers import Answer, Ask, Refused

if TYPE_CHECKING:
    from collections.abc import Callable


def validate(_ask: Ask) -> Answer:
    """Answer ``GET /api/v1/validate``: any key is as good as another."""
    return Answer({"valid": True})


def ddsql(_ask: Ask) -> Answer:
    """Answer ``POST /api/v2/ddsql/query/tabular``: a preview that this organisation lacks."""
    fault = {
        "status": "400",
        "title": "Bad Request",
        "detail": "Querying logs and metrics through DDSQL is in Preview and is not enabled for "
        "this organization",
    }
    raise Refused(400, fault)


count_logs = partial(aggregate.answer, kind="logs")
count_spans = partial(aggregate.answer, kind="spans")

# Method, path ({name} is one part of it), what answers, and the name of its rate limit.
_ROUTES: tuple[tuple[str, str, Callable[[Ask], Answer], str], ...] = (
    ("POST", "/api/v2/logs/events/search", partial(listing.search, kind="logs"), "logs_query"),
    ("GET", "/api/v2/logs/events", partial(listing.browse, kind="logs"), "logs_query"),
    ("POST", "/api/v2/logs/analytics/aggregate", count_logs, "logs_query"),
    ("POST", "/api/v2/spans/events/search", partial(listing.search, kind="spans"), "spans_query"),
    ("GET", "/api/v2/spans/events", partial(listing.browse, kind="spans"), "spans_query"),
    ("POST", "/api/v2/spans/analytics/aggregate", count_spans, "spans_query"),
    ("POST", "/api/v2/events/search", partial(listing.search, kind="events"), "events_query"),
    ("GET", "/api/v2/events", partial(listing.browse, kind="events"), "events_query"),
    ("GET", "/api/v1/query", queries.first_version, "query_timeseries"),
    ("POST", "/api/v2/query/timeseries", queries.timeseries, "query_timeseries"),
    ("POST", "/api/v2/query/scalar", queries.scalar, "query_timeseries"),
    ("GET", "/api/v2/metrics", catalogue.metrics, "metrics"),
    ("GET", "/api/v1/metrics/{name}", catalogue.metadata, "metrics"),
    ("GET", "/api/v1/monitor", monitors.every, "monitors"),
    ("POST", "/api/v1/monitor", monitors.create, "monitors"),
    ("GET", "/api/v1/monitor/search", monitors.search, "monitors"),
    ("POST", "/api/v1/monitor/validate", monitors.validate, "monitors"),
    ("GET", "/api/v1/monitor/{id}", monitors.one, "monitors"),
    ("GET", "/api/v1/slo", slo.every, "slos"),
    ("GET", "/api/v1/slo/{id}", slo.one, "slos"),
    ("GET", "/api/v1/slo/{id}/history", slo.history, "slos"),
    ("GET", "/api/v2/incidents", incidents.every, "incidents"),
    ("GET", "/api/v2/incidents/{id}", incidents.one, "incidents"),
    ("GET", "/api/v2/incidents/{id}/impacts", incidents.impacts, "incidents"),
    ("GET", "/api/v2/incidents/{id}/relationships/todos", incidents.todos, "incidents"),
    ("GET", "/api/v2/incidents/{id}/attachments", incidents.attachments, "incidents"),
    ("POST", "/api/v2/incidents/{id}/attachments", incidents.attach, "incidents"),
    ("GET", "/api/v1/notebooks", notebooks.every, "notebooks"),
    ("POST", "/api/v1/notebooks", notebooks.create, "notebooks"),
    ("GET", "/api/v1/notebooks/{id}", notebooks.one, "notebooks"),
    ("PUT", "/api/v1/notebooks/{id}", notebooks.replace, "notebooks"),
    ("DELETE", "/api/v1/notebooks/{id}", notebooks.delete, "notebooks"),
    ("GET", "/notebook/{id}", notebooks.page, "pages"),
    ("POST", "/api/v2/ddsql/query/tabular", ddsql, "ddsql"),
    ("POST", "/api/v2/ddsql/query/tabular/fetch", ddsql, "ddsql"),
    ("GET", "/api/v1/validate", validate, "validate"),
)  # fmt: skip


def _shape(path: str) -> re.Pattern[str]:
    """Return an expression for a path; ids of notebooks are numbers."""
    part = r"(?P<\1>[0-9]{1,18})" if "/notebook" in path else r"(?P<\1>[^/]+)"
    return re.compile(re.sub(r"\{(\w+)\}", part, path))


ROUTES = tuple((method, _shape(path), answer, limit) for method, path, answer, limit in _ROUTES)


def limit_of(path: str) -> str:
    """Return the name of the rate limit that a path counts against."""
    return next((limit for _, shape, _, limit in ROUTES if shape.fullmatch(path)), "other")


def answered(method: str, ask: Ask) -> Answer:
    """Return the answer to a request; every refusal is one, in Datadog's shape."""
    try:
        for known, shape, answer, _ in ROUTES:
            if known == method and (found := shape.fullmatch(ask.path)):
                return answer(replace(ask, parts=found.groupdict()))
    except Refused as refused:
        return refused.answer
    except PostmortemError as error:
        return Answer({"errors": [str(error)]}, 400)
    except RecursionError:
        return Answer({"errors": ["the question is nested too deeply for the sandbox"]}, 400)
    return Answer({"errors": ["Not Found"]}, 404)
