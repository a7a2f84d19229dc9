"""The sandbox over HTTP: pages, errors, headers, faults, one server a process, the command."""

import gzip
import http.client
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from urllib.parse import urlencode, urlsplit

import numpy as np
import orjson
import pytest

from postmortem_nb import sandbox
from postmortem_nb.errors import PostmortemError
from postmortem_nb.sandbox import answers, routes, server
from postmortem_nb.sandbox.scenario import FACTS

WINDOW = {"from": FACTS.start.isoformat(), "to": FACTS.recovered.isoformat()}
BEGIN, END = (int(moment.timestamp()) for moment in (FACTS.start, FACTS.recovered))
LOGS = "/api/v2/logs/events/search"
COUNT = "/api/v2/logs/analytics/aggregate"


@pytest.fixture(scope="module")
def box():
    made = server.Server()
    yield made
    made.close()


def ask(box, method, path, body=None, **headers):
    """Return status, headers and raw body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=30)
    sent = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
    with closing(connection):
        connection.request(method, path, sent, headers)
        with connection.getresponse() as answer:
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


def get(box, path, **params):
    status, _, body = ask(box, "GET", f"{path}?{urlencode(params)}" if params else path)
    return status, orjson.loads(body)


def post(box, path, body):
    status, _, answer = ask(box, "POST", path, body)
    return status, orjson.loads(answer)


def search(query="*", *, limit=10, sort="timestamp", cursor=None, **window):
    page = {"limit": limit} | ({"cursor": cursor} if cursor else {})
    return {"filter": {"query": query, **(window or WINDOW)}, "sort": sort, "page": page}


def pages(box, path, query, *, limit, sort="timestamp"):
    """Return every row of a list, followed by its cursors to the empty page."""
    rows, cursor, turns = [], None, 0
    while True:
        body = search(query, limit=limit, sort=sort, cursor=cursor)
        if "spans" in path:
            body = {"data": {"type": "search_request", "attributes": body}}
        status, answer = post(box, path, body)
        assert status == 200
        if not answer["data"]:
            assert answer == {"data": []}
            return rows, turns
        rows += answer["data"]
        cursor, turns = answer["meta"]["page"]["after"], turns + 1


@pytest.mark.parametrize("kind", ["logs", "spans", "events"])
@pytest.mark.parametrize("sort", ["timestamp", "-timestamp"])
def test_pages_show_every_row_once_and_in_order(box, kind, sort):
    path = LOGS.replace(
        "logs/events", {"spans": "spans/events", "events": "events"}.get(kind, "logs/events")
    )
    query = "service:checkout status:error" if kind != "events" else "*"
    limit = 3 if kind == "events" else 400
    rows, turns = pages(box, path, query, limit=limit, sort=sort)
    whole, _ = pages(box, path, query, limit=1000)
    ids = [row["id"] for row in rows]
    assert turns > 2
    assert len(set(ids)) == len(ids) == len(whole)
    assert ids == [row["id"] for row in (whole if sort == "timestamp" else whole[::-1])]
    field = "start_timestamp" if kind == "spans" else "timestamp"
    moments = [row["attributes"][field] for row in rows]
    assert moments == sorted(moments, reverse=sort != "timestamp")


def test_the_link_to_the_next_page_works_by_get(box):
    first = get(box, "/api/v2/logs/events", **{
        "filter[query]": "status:error", "filter[from]": WINDOW["from"],
        "filter[to]": WINDOW["to"], "page[limit]": "5", "sort": "timestamp"})[1]  # fmt: skip
    link = urlsplit(first["links"]["next"])
    status, second = get(box, f"{link.path}?{link.query}")
    assert status == 200
    both = post(box, LOGS, search("status:error"))[1]["data"]
    assert first["data"] + second["data"] == both


def test_times_may_be_written_in_every_way(box):
    begin = BEGIN * 1000
    ways = [
        {"from": str(begin), "to": str(begin + 60_000)},
        {"from": "2025-12-04T14:02:00Z", "to": "2025-12-04T14:03:00Z"},
        {"from": "2025-12-04T15:02:00+01:00", "to": "2025-12-04T09:03:00-05:00"},
    ]
    found = [post(box, LOGS, search(limit=1000, **way))[1]["data"] for way in ways]
    assert found[0] == found[1] == found[2] != []
    assert post(box, LOGS, {})[1] == {"data": []}, "the last quarter of an hour is long after"


def test_both_ends_of_a_window_are_inside(box):
    row = post(box, LOGS, search("service:checkout", limit=1))[1]["data"][0]
    moment = row["attributes"]["timestamp"]
    found = post(box, LOGS, search("service:checkout", **{"from": moment, "to": moment}))[1]
    assert row in found["data"]


TWINS = [{"name": "a", "data_source": "metrics", "query": "avg:a{*}"}] * 2
LONG_NAME = {"data": {"type": "notebooks", "attributes": {"name": "x" * 81}}}
REFUSED = (
    ("POST", LOGS, b"{not json", 400),
    ("POST", LOGS, [1], 400),
    ("POST", LOGS, {"filter": "service:a"}, 400),
    ("POST", LOGS, {"filter": {"query": 3}}, 400),
    ("POST", LOGS, search(limit=1001), 400),
    ("POST", LOGS, search(limit=0), 400),
    ("POST", LOGS, search(limit="many"), 400),
    ("POST", LOGS, search(sort="newest"), 400),
    ("POST", LOGS, search(cursor="eyJhZnRlciI6WzEsMl0sIm9mIjoieCJ9"), 400),
    ("POST", LOGS, search(cursor="***"), 400),
    ("POST", LOGS, search("service:("), 400),
    ("POST", LOGS, search("-" * 5000 + "a"), 400),
    ("POST", LOGS, search(**{"from": "yesterday", "to": "now"}), 400),
    ("POST", LOGS, search(**{"from": "2025-12-04T14:02:00", "to": "now"}), 400),
    ("POST", LOGS, search(**{"from": WINDOW["to"], "to": WINDOW["from"]}), 400),
    ("POST", LOGS, {"filter": {**WINDOW, "indexes": ["audit"]}}, 400),
    ("POST", LOGS, {"filter": {**WINDOW, "storage_tier": "flex"}}, 400),
    ("POST", "/api/v2/events/search", search(cursor="abc"), 400),
    ("GET", "/api/v2/spans/events?filter[from]=now&filter[to]=now-1m", None, 422),
    ("POST", COUNT, {"compute": [{"aggregation": "variance", "metric": "@duration"}]}, 400),
    ("POST", COUNT, {"compute": [{"aggregation": "avg"}]}, 400),
    ("POST", COUNT, {"group_by": [{"facet": "message"}]}, 400),
    ("POST", COUNT, {"group_by": [{"facet": "service", "limit": 10001}]}, 400),
    ("POST", COUNT, {"group_by": [{"facet": facet, "limit": 200} for facet in "ab"]}, 400),
    ("POST", COUNT, {"compute": [{"type": "timeseries", "interval": "soon"}]}, 400),
    ("GET", "/api/v1/query?from=a&to=2&query=avg:a{*}", None, 400),
    ("GET", "/api/v1/query?from=1&to=2&query=avg:a{", None, 400),
    ("POST", "/api/v2/query/timeseries", {"data": {"type": "scalar_request"}}, 400),
    ("POST", "/api/v2/query/timeseries", {"data": {"attributes": {"from": 1, "to": 2}}}, 400),
    ("POST", "/api/v2/query/scalar",
     {"data": {"attributes": {"from": 1, "to": 2, "queries": TWINS}}}, 400),
    ("GET", "/api/v1/metrics/no.such.metric", None, 404),
    ("GET", "/api/v1/monitor/12345", None, 404),
    ("GET", "/api/v1/monitor/search?query=status:notastatus", None, 400),
    ("POST", "/api/v1/monitor/validate", {"type": "query alert", "query": "nonsense"}, 400),
    ("GET", "/api/v1/slo/none", None, 404),
    ("GET", f"/api/v1/slo/{FACTS.slo_id}/history?from_ts=1&to_ts=2&target=100", None, 400),
    ("GET", "/api/v2/incidents/none", None, 404),
    ("GET", "/api/v1/notebooks/1", None, 404),
    ("POST", "/api/v1/notebooks", LONG_NAME, 400),
    ("POST", "/api/v2/ddsql/query/tabular", {}, 400),
    ("GET", "/api/v2/no/such/thing", None, 404),
    ("DELETE", "/api/v2/metrics", None, 404),
)  # fmt: skip


NAMES = [f"{method} {path[-45:]} {str(body)[:45]}" for method, path, body, _ in REFUSED]


@pytest.mark.parametrize(("method", "path", "body", "status"), REFUSED, ids=NAMES)
def test_refusals_have_datadogs_shape(box, method, path, body, status):
    got, headers, raw = ask(box, method, path, body)
    answer = orjson.loads(raw)
    assert got == status
    assert set(answer) == {"errors"}
    assert all(isinstance(fault, str | dict) for fault in answer["errors"])
    assert headers["x-postmortem-sandbox"] == "1"


def test_a_refused_cursor_of_events_is_wrapped_as_datadog_wraps_it(box):
    _, answer = post(box, "/api/v2/events/search", search(cursor="abc"))
    assert "'errors'" in answer["errors"][0]
    assert "invalid cursor" in answer["errors"][0]


def test_every_answer_says_that_it_is_the_sandbox_and_what_the_limits_are(box):
    for path in ("/api/v1/validate", "/api/v2/metrics", "/nowhere"):
        _, headers, _ = ask(box, "GET", path)
        assert headers["x-postmortem-sandbox"] == "1"
        limit, left, reset, period = (
            int(headers[f"x-ratelimit-{name}"])
            for name in ("limit", "remaining", "reset", "period")
        )
        assert 0 <= left < limit
        assert 0 < reset <= period
        assert headers["x-ratelimit-name"]


def test_a_used_up_limit_is_a_429(monkeypatch):
    monkeypatch.setattr(server, "LIMIT", 2)
    with_limit = server.Server()
    monkeypatch.setattr(server, "PERIOD", 10**9)  # no new period while this runs
    found = [ask(with_limit, "GET", "/api/v1/validate")[0] for _ in range(4)]
    with_limit.close()
    assert found == [200, 200, 429, 429]


def test_answers_are_compressed_when_that_is_asked_for(box):
    body = search(limit=100)
    _, plain_headers, plain = ask(box, "POST", LOGS, body)
    _, headers, packed = ask(box, "POST", LOGS, body, **{"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain_headers
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 4


def test_any_key_is_accepted_and_none_comes_back(box):
    keys = {"DD-API-KEY": "secret-one", "DD-APPLICATION-KEY": "secret-two"}
    status, headers, body = ask(box, "GET", "/api/v1/validate", **keys)
    assert (status, body) == (200, b'{"valid":true}')
    assert b"secret" not in body
    assert "secret" not in str(headers)


def rows_of(box, query):
    return pages(box, LOGS, query, limit=1000)[0]


def test_counting_is_what_the_rows_say(box):
    rows = rows_of(box, "service:checkout status:error")
    body = {
        "filter": {"query": "service:checkout status:error", **WINDOW},
        "compute": [
            {"aggregation": "count"},
            {"aggregation": "cardinality", "metric": "@usr.id"},
            {"aggregation": "sum", "metric": "@cart.total"},
            {"aggregation": "pc95", "metric": "@duration"},
            {"aggregation": "max", "metric": "@cart.items"},
        ],
        "group_by": [{"facet": "@error.kind"}, {"facet": "region", "limit": 2}],
    }
    buckets = post(box, COUNT, body)[1]["data"]["buckets"]
    inner = [row["attributes"]["attributes"] for row in rows]
    groups = Counter((each["error"]["kind"], each["region"]) for each in inner)
    kinds = [kind for kind, _ in Counter(each["error"]["kind"] for each in inner).most_common()]
    assert list(dict.fromkeys(b["by"]["@error.kind"] for b in buckets)) == kinds
    for bucket in buckets:
        key = (bucket["by"]["@error.kind"], bucket["by"]["region"])
        own = [each for each in inner if (each["error"]["kind"], each["region"]) == key]
        numbers = bucket["computes"]
        assert numbers["c0"] == groups[key] == len(own)
        assert numbers["c1"] == len({e["usr"]["id"] for e in own if "usr" in e})
        assert numbers["c2"] == pytest.approx(sum(e["cart"]["total"] for e in own))
        assert numbers["c3"] == pytest.approx(np.percentile([e["duration"] for e in own], 95))
        assert numbers["c4"] == max(e["cart"]["items"] for e in own)
    for kind in kinds:
        shown = [b["by"]["region"] for b in buckets if b["by"]["@error.kind"] == kind]
        sizes = sorted((n for (k, _), n in groups.items() if k == kind), reverse=True)
        assert [groups[kind, region] for region in shown] == sizes[:2]


def test_counting_by_time_in_order_and_with_what_is_missing(box):
    rows = rows_of(box, "service:web-storefront")
    body = {
        "filter": {"query": "service:web-storefront", **WINDOW},
        "compute": [{"aggregation": "count", "type": "timeseries", "interval": "30m"}],
        "group_by": [{"facet": "@error.kind", "missing": "none", "total": True},
                     {"facet": "status", "sort": {"type": "alphabetical", "order": "desc"}}],
    }  # fmt: skip
    buckets = post(box, COUNT, body)[1]["data"]["buckets"]
    found = {(b["by"]["@error.kind"], b["by"]["status"]): b["computes"]["c0"] for b in buckets}
    halves = Counter()
    for row in rows:
        day, minute = row["attributes"]["timestamp"][:14], row["attributes"]["timestamp"][14:16]
        halves[row["attributes"]["status"], f"{day}{int(minute) // 30 * 30:02d}"] += 1
    for status in ("info", "error"):
        points = found["$facet_total", status]
        assert [halves[status, point["time"][:16]] for point in points] == [
            point["value"] for point in points
        ]
    assert found["none", "info"] == found["$facet_total", "info"]
    order = [b["by"]["status"] for b in buckets if b["by"]["@error.kind"] == "$facet_total"]
    assert order == ["info", "error"]


def test_groups_of_one_facet_come_in_pages(box):
    body = {"filter": {"query": "service:payments", **WINDOW}, "group_by": [{"facet": "host"}]}
    whole = post(box, COUNT, body)[1]["data"]["buckets"]
    body["group_by"][0]["limit"] = 4
    pages, cursor = [], None
    while cursor != "":
        body["page"] = {"cursor": cursor} if cursor else {}
        answer = post(box, COUNT, body)[1]
        pages.append(answer["data"]["buckets"])
        cursor = answer["meta"].get("page", {}).get("after", "")
    assert [len(page) for page in pages] == [4, 3]
    assert [bucket for page in pages for bucket in page] == whole
    body["filter"]["query"] = "service:checkout"
    body["page"] = {"cursor": "eyJhIjoxfQ"}
    assert post(box, COUNT, body)[0] == 400


def test_a_histogram_and_groups_by_measure(box):
    query = {"query": "service:checkout @duration:*", **WINDOW}
    durations = [r["attributes"]["attributes"]["duration"] for r in rows_of(box, query["query"])]
    bars = {"min": 0, "max": 1e10, "interval": 1e9}
    asked = {"filter": query, "group_by": [{"facet": "@duration", "histogram": bars}]}
    buckets = post(box, COUNT, asked)[1]["data"]["buckets"]
    expected = np.histogram(durations, bins=10, range=(0, 1e10))[0]
    assert [b["computes"]["c0"] for b in buckets] == [n for n in expected.tolist() if n]
    slowest = {"type": "measure", "aggregation": "avg", "metric": "@duration", "order": "desc"}
    asked = {"filter": query, "group_by": [{"facet": "version", "sort": slowest, "limit": 1}]}
    assert post(box, COUNT, asked)[1]["data"]["buckets"][0]["by"] == {"version": "v2.48.0"}


def test_spans_are_counted_in_their_own_shape(box):
    attributes = {"filter": {"query": "status:error", **WINDOW}, "group_by": [{"facet": "service"}]}
    body = {"data": {"type": "aggregate_request", "attributes": attributes}}
    data = post(box, "/api/v2/spans/analytics/aggregate", body)[1]["data"]
    rows, _ = pages(box, "/api/v2/spans/events/search", "status:error", limit=1000)
    sizes = Counter(row["attributes"]["service"] for row in rows)
    assert {
        b["attributes"]["by"]["service"]: b["attributes"]["compute"]["c0"] for b in data
    } == sizes


def timeseries(box, **attributes):
    asked = {"from": BEGIN * 1000, "to": END * 1000, **attributes}
    body = {"data": {"type": "timeseries_request", "attributes": asked}}
    return post(box, "/api/v2/query/timeseries", body)


def metrics(**queries):
    return [{"name": n, "data_source": "metrics", "query": q} for n, q in queries.items()]


def test_v1_and_v2_agree(box):
    query = "sum:trace.checkout.request.hits{*} by {host}.as_count().rollup(sum, 60)"
    _, first = get(box, "/api/v1/query", **{"from": BEGIN, "to": END, "query": query})
    _, second = timeseries(box, queries=metrics(a=query))
    found = second["data"]["attributes"]
    columns = {
        series["group_tags"][0]: dict(zip(found["times"], values, strict=True))
        for series, values in zip(found["series"], found["values"], strict=True)
    }
    for series in first["series"]:
        assert dict(map(tuple, series["pointlist"])) == columns[series["scope"]]
        assert series["interval"] == 60
    assert len(first["series"]) == len(columns) == 8


def test_formulas_of_named_queries_and_sparse_times(box):
    queries = metrics(
        errors="sum:trace.checkout.request.errors{*}.as_count()",
        hits="sum:trace.checkout.request.hits{*}.as_count()",
    )
    formulas = [{"formula": "errors/hits*100"}, {"formula": "errors"}]
    _, answer = timeseries(box, queries=queries, interval=60_000, formulas=formulas)
    found = answer["data"]["attributes"]
    share, errors = found["values"]
    assert [s["query_index"] for s in found["series"]] == [0, 1]
    assert 15 < max(share) < 35
    assert sum(filter(None, errors)) > 2000
    _, sparse = timeseries(box, queries=metrics(a="max:payments.queue.depth{*}"), interval=10_000)
    assert set(np.diff(sparse["data"]["attributes"]["times"])) == {30_000}


def test_apm_metrics_are_the_same_numbers(box):
    apm = {"name": "a", "data_source": "apm_metrics", "service": "checkout", "stat": "latency_p95",
           "group_by": ["version"]}  # fmt: skip
    _, first = timeseries(box, queries=[apm], interval=60_000)
    same = metrics(a="p95:trace.checkout.request{service:checkout} by {version}")
    _, second = timeseries(box, queries=same, interval=60_000)
    assert first == second
    assert len(first["data"]["attributes"]["series"]) == 2


def test_scalars_are_of_the_whole_window(box):
    def scalar(*formulas, **queries):
        asked = [{"name": n, "data_source": "metrics", "query": q, "aggregator": a}
                 for n, (q, a) in queries.items()]  # fmt: skip
        attributes = {"from": BEGIN * 1000, "to": END * 1000, "queries": asked,
                      "formulas": [{"formula": f} for f in formulas]}  # fmt: skip
        body = {"data": {"type": "scalar_request", "attributes": attributes}}
        return post(box, "/api/v2/query/scalar", body)[1]["data"]["attributes"]["columns"]

    by = " by {region}.as_count()"
    columns = scalar(
        "e", "e/h*100",
        e=("sum:trace.checkout.request.errors{*}" + by, "sum"),
        h=("sum:trace.checkout.request.hits{*}" + by, "sum"),
    )  # fmt: skip
    rows = rows_of(box, "service:checkout @http.status_code:*")
    requests = Counter(row["attributes"]["attributes"]["region"] for row in rows)
    failed = Counter(row["attributes"]["attributes"]["region"] for row in rows
                     if row["attributes"]["status"] == "error")  # fmt: skip
    regions = [value[0] for value in columns[0]["values"]]
    assert columns[1]["values"] == [failed[region] for region in regions]
    assert columns[2]["values"] == pytest.approx(
        [100 * failed[region] / requests[region] for region in regions]
    )
    durations = [row["attributes"]["attributes"]["duration"] / 1e9 for row in rows]
    (column,) = scalar("p", p=("p99:trace.checkout.request{*}", "percentile"))
    assert column["values"] == pytest.approx([np.percentile(durations, 99)])


def test_the_objective_counts_what_the_metrics_count(box):
    begin = END - 30 * 86_400
    path = f"/api/v1/slo/{FACTS.slo_id}/history"
    _, answer = get(box, path, from_ts=begin, to_ts=END)
    data = answer["data"]
    good, valid = (data["series"][side]["sum"] for side in ("numerator", "denominator"))
    status = 100 * good / valid
    assert answer["errors"] is None
    assert data["overall"]["sli_value"] == pytest.approx(status)
    # definition: what is left of the allowed 0.5 %
    budget = 100 * (status - 99.5) / 0.5
    assert data["overall"]["error_budget_remaining"]["30d"] == pytest.approx(budget)
    _, during = get(box, path, from_ts=BEGIN, to_ts=END, target=99.5)
    bad = (
        during["data"]["series"]["denominator"]["sum"]
        - during["data"]["series"]["numerator"]["sum"]
    )
    assert bad == len(rows_of(box, "service:checkout status:error @http.status_code:*"))
    assert during["data"]["overall"]["state"] == "breached"
    assert during["data"]["overall"]["error_budget_remaining"]["custom"] < -1000


def test_an_attachment_stays_with_its_server(box):
    path = f"/api/v2/incidents/{FACTS.incident_uuid}/attachments"
    link = {"title": "Postmortem", "documentUrl": "https://example.com/1"}
    asked = {"attachment_type": "postmortem", "attachment": link}
    body = {"data": {"type": "incident_attachments", "attributes": asked}}
    status, made = post(box, path, body)
    assert status == 201
    assert get(box, path)[1]["data"] == [made["data"]]
    assert get(box, path, **{"filter[attachment_type]": "2"})[1]["data"] == []


@pytest.mark.parametrize("kind", ["429", "503", "html", "slow", "timeout", "cut"])
def test_it_misbehaves_once_when_told(box, kind):
    box.misbehave(kind, seconds=0.2)
    if kind == "cut":
        with pytest.raises(http.client.IncompleteRead):
            ask(box, "GET", "/api/v2/metrics")
    else:
        status, headers, body = ask(box, "POST", LOGS, search())
        assert status == (int(kind) if kind.isdecimal() else 200)
        assert headers["x-postmortem-sandbox"] == "1"
        if kind == "429":
            assert headers["x-ratelimit-reset"] == "0.2"
        if kind == "timeout":
            assert orjson.loads(body)["meta"]["status"] == "timeout"
        if kind == "html":
            assert body.startswith(b"<html>")
    assert post(box, LOGS, search())[1]["meta"]["status"] == "done"


def test_one_server_a_process_and_world():
    assert sandbox.running() is sandbox.running()
    assert sandbox.running().url.startswith("http://127.0.0.1:")


def test_a_closed_server_is_replaced():
    first = sandbox.running(seed=99)
    first.close()
    first.close()
    second = sandbox.running(seed=99)
    assert second is not first
    assert get(second, "/api/v1/validate") == (200, {"valid": True})
    second.close()


def test_a_forked_child_starts_its_own():
    """In a process of its own: a fork of a program with threads must not fork this one's."""
    code = """
import os, urllib.request, warnings
warnings.simplefilter("ignore")
from postmortem_nb import sandbox
def works(): return urllib.request.urlopen(sandbox.running().url + "/api/v1/validate").read()
parent = sandbox.running().url
assert works()
child = os.fork()
if child == 0:
    ok = sandbox.running().url != parent and works() == b'{"valid":true}'
    os._exit(0 if ok else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert sandbox.running().url == parent and works()
print("both")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("both\n", 0), done.stderr


def test_a_taken_port_is_said_in_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PostmortemError, match=f"port: expected .* got {port}") as refused:
            sandbox.serve(port)
    assert "\n" not in str(refused.value)
    with pytest.raises(PostmortemError, match="from 0 to 65535"):
        sandbox.serve(70_000)


def test_the_command_prints_its_url_and_ends_on_ctrl_c():
    code = "from postmortem_nb import sandbox; sandbox.serve(0)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        ends_anyhow = threading.Timer(20, process.kill)
        ends_anyhow.start()
        line = process.stdout.readline()
        url = re.fullmatch(r"(http://127\.0\.0\.1:([0-9]+))\n", line)
        assert url
        connection = http.client.HTTPConnection("127.0.0.1", int(url[2]), timeout=10)
        connection.request("GET", "/api/v1/validate")
        assert connection.getresponse().status == 200
        connection.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        ends_anyhow.cancel()


def test_ctrl_c_ends_it_while_it_still_prints_its_url(monkeypatch):
    class Reader:
        said = ""

        def write(self, words):
            self.said += words
            if words.startswith("http"):  # read, and ended before the printing is over
                raise KeyboardInterrupt

    reader = Reader()
    monkeypatch.setattr(sys, "stdout", reader)
    sandbox.serve(0)
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+\n\n", reader.said)


def test_it_listens_on_the_loopback_only(box):
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    for address in others - {"127.0.0.1", "::1"}:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.settimeout(1)
            assert probe.connect_ex((address, box.port)) != 0
    assert box._socket.getsockname()[0] == "127.0.0.1"


def test_every_route_has_an_answer_in_its_docstring():
    for method, path, answer, _ in routes._ROUTES:
        said = (getattr(answer, "func", answer).__doc__ or "").strip()
        assert said.startswith("Answer"), f"{method} {path}"


def test_whole_numbers_are_checked():
    for value in (True, "1.5", "", None, -1, 11, "x"):
        with pytest.raises(PostmortemError):
            answers.whole(value, "n", (0, 10))
    assert [answers.whole(value, "n", (0, 10)) for value in ("7", 0, 10)] == [7, 0, 10]
