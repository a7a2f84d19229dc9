"""Whatever it is asked, the sandbox answers: rows, or a refusal in Datadog's shape."""

import copy

import orjson
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from postmortem_nb.sandbox.answers import Ask
from postmortem_nb.sandbox.routes import answered
from postmortem_nb.sandbox.scenario import FACTS, SEED

WINDOW = {"from": "2025-12-04T14:30:00Z", "to": "2025-12-04T14:31:00Z"}
TIMES = {"from": 1764858600000, "to": 1764858660000}
LISTED = {"filter": {"query": "status:error", **WINDOW}, "sort": "timestamp", "page": {"limit": 2}}
COUNTED = {
    "filter": {"query": "*", **WINDOW},
    "compute": [
        {"aggregation": "avg", "metric": "@duration", "type": "timeseries", "interval": "1m"}
    ],
    "group_by": [
        {
            "facet": "service",
            "limit": 3,
            "sort": {"type": "measure", "aggregation": "count", "order": "asc"},
            "missing": "none",
            "total": True,
        },
        {"facet": "@duration", "histogram": {"min": 0, "max": 10, "interval": 1}},
    ],
    "page": {},
}
SERIES = {
    "name": "a",
    "data_source": "metrics",
    "query": "sum:trace.checkout.request.hits{*} by {host}.as_count()",
    "aggregator": "sum",
}
APM = {
    "name": "b",
    "data_source": "apm_metrics",
    "service": "checkout",
    "stat": "hits",
    "resource_name": "GET /api/cart",
    "operation_name": "checkout.request",
    "group_by": ["host"],
}
ASKED = {
    **TIMES,
    "interval": 10_000,
    "queries": [SERIES, APM],
    "formulas": [{"formula": "a + b", "limit": {"count": 3, "order": "desc"}}],
}
CELL = {"attributes": {"definition": {"type": "markdown", "text": "a"}}}
NOTEBOOK = {"name": "a", "time": {"live_span": "1h"}, "cells": [CELL], "metadata": {"type": None}}
LINK = {"attachment_type": "link", "attachment": {"title": "a", "documentUrl": "b"}}


def wrapped(kind, attributes):
    return {"data": {"type": kind, "attributes": attributes}}


QUESTIONS = (
    ("/api/v2/logs/events/search", LISTED),
    ("/api/v2/events/search", LISTED),
    ("/api/v2/spans/events/search", wrapped("search_request", LISTED)),
    ("/api/v2/logs/analytics/aggregate", COUNTED),
    ("/api/v2/spans/analytics/aggregate", wrapped("aggregate_request", COUNTED)),
    ("/api/v2/query/timeseries", wrapped("timeseries_request", ASKED)),
    ("/api/v2/query/scalar", wrapped("scalar_request", ASKED)),
    ("/api/v1/notebooks", wrapped("notebooks", NOTEBOOK)),
    (f"/api/v2/incidents/{FACTS.incident_uuid}/attachments", wrapped("incident_attachments", LINK)),
    ("/api/v1/monitor/validate", {"type": "query alert", "query": "avg(last_5m):avg:a{*} > 1"}),
)
PARAMS = {
    "/api/v1/query": {"from": "1764858600", "to": "1764858660", "query": "avg:system.cpu.user{*}"},
    "/api/v2/logs/events": {
        "filter[query]": "*",
        "filter[from]": WINDOW["from"],
        "filter[to]": WINDOW["to"],
        "page[limit]": "3",
        "page[cursor]": "",
        "sort": "timestamp",
        "filter[indexes]": "main",
    },
    "/api/v2/metrics": {"page[size]": "3", "page[cursor]": "1"},
    "/api/v1/monitor": {"page": "0", "page_size": "2", "name": "a", "monitor_tags": "env:prod"},
    "/api/v1/monitor/search": {"query": "status:ok", "page": "0", "per_page": "2"},
    "/api/v1/slo": {"ids": FACTS.slo_id, "query": "c", "tags_query": "env:prod"},
    f"/api/v1/slo/{FACTS.slo_id}/history": {
        "from_ts": "1764858600",
        "to_ts": "1764858660",
        "target": "99.9",
    },
    "/api/v2/incidents": {"page[size]": "1", "page[offset]": "0", "include": "users"},
    "/api/v1/notebooks": {"start": "0", "count": "2", "query": "a", "type": "postmortem"},
}
SYNTAX = st.text(alphabet="abAND ORT@:*?-()[]{}\"\\<>=!.,/'0159sm_é\u202e\x00\n", max_size=30)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | SYNTAX | st.text(max_size=20)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)
OFTEN = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def places(value, path=()):
    """Return the path of every value inside a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path]
    for key, each in inner if isinstance(value, dict | list) else ():
        found += places(each, (*path, key)) if isinstance(each, dict | list) else [(*path, key)]
    return found


def changed(body, path, value):
    """Return a body with another value at a path."""
    if not path:
        return value
    made = copy.deepcopy(body)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return made


def check(answer):
    assert answer.status in (200, 201, 204, 400, 404, 422)
    if answer.status >= 400:
        assert list(answer.body) == ["errors"]
    if answer.body is not None:
        orjson.dumps(answer.body)


@OFTEN
@given(st.data())
def test_any_value_anywhere_in_a_body(data):
    path, body = data.draw(st.sampled_from(QUESTIONS))
    place = data.draw(st.sampled_from(places(body)))
    check(answered("POST", Ask(SEED, path, body=changed(body, place, data.draw(ANYTHING)))))


@OFTEN
@given(st.data())
def test_any_text_in_a_parameter(data):
    path = data.draw(st.sampled_from(sorted(PARAMS)))
    name = data.draw(st.sampled_from(sorted(PARAMS[path])))
    params = PARAMS[path] | {name: data.draw(SYNTAX | st.text(max_size=20))}
    check(answered("GET", Ask(SEED, path, params=params)))


@OFTEN
@example("a" * 3000 + "*")
@example("(" * 2000)
@example("@a:(" * 500)
@given(SYNTAX)
def test_any_search_query(query):
    body = changed(LISTED, ("filter", "query"), query)
    check(answered("POST", Ask(SEED, "/api/v2/events/search", body=body)))


@OFTEN
@example("abs(" * 2000)
@example("1+" * 3000 + "1")
@given(SYNTAX)
def test_any_metric_query(query):
    params = PARAMS["/api/v1/query"] | {"query": query}
    check(answered("GET", Ask(SEED, "/api/v1/query", params=params)))


def test_the_questions_themselves_are_answered():
    """So that the tests above change questions that work."""
    for path, body in QUESTIONS:
        assert answered("POST", Ask(SEED, path, body=body)).status in (200, 201), path
    for path, params in PARAMS.items():
        assert answered("GET", Ask(SEED, path, params=params)).status == 200, path
