"""The official client reads every answer of the sandbox into its typed models, nothing left raw."""

import warnings

import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import ApiException
from datadog_api_client.v1.api.authentication_api import AuthenticationApi
from datadog_api_client.v1.api.metrics_api import MetricsApi as MetricsV1
from datadog_api_client.v1.api.monitors_api import MonitorsApi
from datadog_api_client.v1.api.notebooks_api import NotebooksApi
from datadog_api_client.v1.api.service_level_objectives_api import ServiceLevelObjectivesApi
from datadog_api_client.v2.api.events_api import EventsApi
from datadog_api_client.v2.api.incidents_api import IncidentsApi
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.api.metrics_api import MetricsApi
from datadog_api_client.v2.api.spans_api import SpansApi

from postmortem_nb import sandbox
from postmortem_nb.sandbox.scenario import FACTS

BEGIN, END = int(FACTS.start.timestamp()), int(FACTS.recovered.timestamp())
WINDOW = {"from": FACTS.start.isoformat(), "to": FACTS.recovered.isoformat()}
SEARCH = {"filter": {"query": "service:checkout", **WINDOW}, "page": {"limit": 25}}
UNSTABLE = ("list_incidents", "get_incident", "list_incident_todos", "list_incident_attachments")
UNSTABLE += ("create_incident_attachment",)
NOTEBOOK = {
    "data": {
        "type": "notebooks",
        "attributes": {
            "name": "INC-4821",
            "time": {"start": "2025-12-04T13:00:00Z", "end": "2025-12-04T17:00:00Z"},
            "cells": [
                {
                    "type": "notebook_cells",
                    "attributes": {"definition": {"type": "markdown", "text": "# What happened"}},
                }
            ],
        },
    }
}
METRIC = {"name": "a", "data_source": "metrics", "query": "sum:trace.checkout.request.hits{*}"}
ASKED = {"from": BEGIN * 1000, "to": END * 1000, "formulas": [{"formula": "a * 2"}]}


@pytest.fixture
def client():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "using unstable operation"
        made = Configuration(host=sandbox.running().url, api_key={"apiKeyAuth": "any"})
        made.api_key["appKeyAuth"] = "any"
        for name in UNSTABLE:
            made.unstable_operations[name] = True
        with ApiClient(made) as client:
            yield client


def unread(value):
    """Return the parts of a typed answer that the client could not read."""
    if isinstance(value, list):
        return [part for each in value for part in unread(each)]
    if not hasattr(value, "_data_store"):
        return []
    own = [type(value).__name__] if getattr(value, "_unparsed", False) else []
    return own + [part for each in value._data_store.values() for part in unread(each)]


def envelope(kind, attributes):
    return {"data": {"type": kind, "attributes": attributes}}


ASKS = {
    "logs": lambda c: LogsApi(c).list_logs(body=SEARCH),
    "logs by GET": lambda c: LogsApi(c).list_logs_get(
        filter_query="service:checkout", filter_from=FACTS.start, filter_to=FACTS.recovered
    ),
    "logs counted": lambda c: LogsApi(c).aggregate_logs(
        body={
            "filter": SEARCH["filter"],
            "compute": [
                {"aggregation": "count"},
                {"aggregation": "count", "type": "timeseries", "interval": "10m"},
            ],
            "group_by": [{"facet": "status"}],
        }
    ),
    "spans": lambda c: SpansApi(c).list_spans(body=envelope("search_request", SEARCH)),
    "spans by GET": lambda c: SpansApi(c).list_spans_get(
        filter_from=WINDOW["from"], filter_to=WINDOW["to"]
    ),
    "spans counted": lambda c: SpansApi(c).aggregate_spans(
        body=envelope(
            "aggregate_request",
            {"filter": SEARCH["filter"], "compute": [{"aggregation": "count", "type": "total"}]},
        )
    ),
    "events": lambda c: EventsApi(c).search_events(body=SEARCH),
    "events by GET": lambda c: EventsApi(c).list_events(
        filter_from=WINDOW["from"], filter_to=WINDOW["to"]
    ),
    "metrics v1": lambda c: MetricsV1(c).query_metrics(
        BEGIN, END, "avg:system.cpu.idle{*} by {host}, p95:trace.checkout.request{*}"
    ),
    "metrics v2": lambda c: MetricsApi(c).query_timeseries_data(
        body=envelope("timeseries_request", {**ASKED, "queries": [METRIC]})
    ),
    "scalars": lambda c: MetricsApi(c).query_scalar_data(
        body=envelope("scalar_request", {**ASKED, "queries": [{**METRIC, "aggregator": "sum"}]})
    ),
    "names of metrics": lambda c: MetricsApi(c).list_tag_configurations(),
    "one metric": lambda c: MetricsV1(c).get_metric_metadata("trace.checkout.request.hits"),
    "monitors": lambda c: MonitorsApi(c).list_monitors(),
    "one monitor": lambda c: MonitorsApi(c).get_monitor(FACTS.monitor_id, group_states="all"),
    "monitors found": lambda c: MonitorsApi(c).search_monitors(query="status:ok"),
    "a monitor checked": lambda c: MonitorsApi(c).validate_monitor(
        body={"type": "query alert", "query": "avg(last_5m):avg:system.cpu.user{*} > 90"}
    ),
    "objectives": lambda c: ServiceLevelObjectivesApi(c).list_slos(),
    "one objective": lambda c: ServiceLevelObjectivesApi(c).get_slo(FACTS.slo_id),
    "its history": lambda c: ServiceLevelObjectivesApi(c).get_slo_history(
        FACTS.slo_id, from_ts=BEGIN, to_ts=END, target=99.5
    ),
    "incidents": lambda c: IncidentsApi(c).list_incidents(),
    "one incident": lambda c: IncidentsApi(c).get_incident(FACTS.incident_uuid),
    "its impacts": lambda c: IncidentsApi(c).list_incident_impacts(FACTS.incident_uuid),
    "its follow-ups": lambda c: IncidentsApi(c).list_incident_todos(FACTS.incident_uuid),
    "its attachments": lambda c: IncidentsApi(c).list_incident_attachments(FACTS.incident_uuid),
    "a notebook made": lambda c: NotebooksApi(c).create_notebook(body=NOTEBOOK),
    "notebooks": lambda c: NotebooksApi(c).list_notebooks(),
    "any key": lambda c: AuthenticationApi(c).validate(),
}


@pytest.mark.parametrize("name", ASKS)
def test_the_official_client_reads_it(client, name):
    found = ASKS[name](client)
    assert found is not None
    assert unread(found) == []


def test_a_notebook_is_made_changed_and_deleted(client):
    api = NotebooksApi(client)
    made = api.create_notebook(body=NOTEBOOK)["data"]["id"]
    new = {"data": {**NOTEBOOK["data"], "attributes": {**NOTEBOOK["data"]["attributes"]}}}
    new["data"]["attributes"]["name"] = "INC-4821, approved"
    api.update_notebook(made, body=new)
    assert api.get_notebook(made)["data"]["attributes"]["name"] == "INC-4821, approved"
    api.delete_notebook(made)
    with pytest.raises(ApiException) as refused:
        api.get_notebook(made)
    assert refused.value.status == 404


def test_pages_of_the_client_are_all_rows_once(client):
    asked = {**SEARCH, "page": {"limit": 3}}
    ids = [event["id"] for event in EventsApi(client).search_events_with_pagination(body=asked)]
    assert len(ids) == len(set(ids)) == 7
