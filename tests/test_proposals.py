"""Proposed monitors and an account: checked without being made, made once and only when told to."""

import json

import pytest
from lying import Lying, Say

from postmortem_nb import Incident, backtest, cli, proposals
from postmortem_nb.errors import BadValue, DatadogError, QueryError
from postmortem_nb.sandbox.server import Server

WHOLE = "avg(last_5m):max:payments.queue.depth{env:prod} > 100"
POST, PATH = "POST", "/api/v1/monitor"


@pytest.fixture
def server(monkeypatch):
    """Return a sandbox of this test's own."""
    started = Server()
    monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
    yield started
    started.close()


@pytest.fixture
def incident(tmp_path):
    made = Incident.create(
        "INC-7", tmp_path, start="2025-12-04T14:02Z", end="2025-12-04T16:09Z", title="Queue"
    )
    made.add("monitors", name="Depth", query=WHOLE, purpose="See it", notification="@slack-pay")
    return made


def only(server):
    (found,) = server.shelf.monitors.values()
    return found


def test_validate_gives_a_verdict_on_each_and_makes_nothing(server, incident):
    incident.add("monitors", name="Logs", query='logs("x").index("*").rollup("count").last("5m")>1')
    incident.add("monitors", name="Odd", query="avg(last_5m):avg:x{*} by {y > 5")
    incident.add("monitors", name="Blank")
    told = []
    found = proposals.validate(incident, told=told.append)
    assert [each.number for each in found] == [1, 2, 3, 4]
    assert [bool(each.said) for each in found] == [False, False, True, True]
    assert found[2].said.startswith("The value provided for parameter 'query' is invalid")
    assert found[3].said == "it has no query yet"
    assert told == ["checked by the sandbox, not a Datadog account"]
    assert server.shelf.monitors == {}


def test_validate_may_be_asked_of_one(server, incident, capsys):
    incident.add("monitors", name="Odd", query="avg(last_5m):avg:x{*} by {y > 5")
    assert cli.main(["monitor", "validate", str(incident.path), "1"]) == 0
    assert capsys.readouterr().out == "1. Depth: valid\n"
    with pytest.raises(BadValue, match="from 1 to 2"):
        proposals.validate(incident, 3)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ('error-tracking-rum("x").rollup("count").by("@issue.id").last("1h") >= 1',
         "error-tracking alert"),
        ('error-tracking("x").source("all").new().rollup("count").last("1h") > 0',
         "error-tracking alert"),
        ('trace-analytics("service:x").rollup("count").last("5m") > 5', "trace-analytics alert"),
        ('audits("x").rollup("count").last("5m") > 5', "audit alert"),
        ('ci-pipelines("x").rollup("count").last("5m") > 5', "ci-pipelines alert"),
        ('"http.can_connect".over("*").by("host").last(2).count_by_status()', "service check"),
        ("processes('x').over('a:b').rollup('count').last('10m') > 5", "process alert"),
        ('database-monitoring("x").rollup("count").last("5m") > 5', "database-monitoring alert"),
    ],
)  # fmt: skip
def test_a_monitor_is_sent_as_what_datadog_calls_it(incident, monkeypatch, query, kind):
    """The pairs of query and type are those of Datadog's API reference, "Create a monitor"."""
    row = incident.add("monitors", name="Other", query=query)
    with Lying([Say({})]) as server:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        (found,) = proposals.validate(incident, row)
    assert found.said == ""
    assert (server.heard[0].json["type"], server.heard[0].json["query"]) == (kind, query)
    monkeypatch.delenv("POSTMORTEM_DATADOG_URL")
    assert proposals.validate(incident)[-1].said == "", "the sandbox takes it too"


def test_the_sandbox_takes_a_change(server, incident):
    for shift in ("last_1h", "1h_ago"):
        query = f"change(avg(last_5m),{shift}):avg:payments.queue.depth{{*}} > 5"
        row = incident.add("monitors", name="Change", query=query)
        assert proposals.validate(incident, row)[0].said == ""


def test_what_datadog_refuses_is_said_in_its_words(incident, monkeypatch):
    refusal = "The value provided for parameter 'query' is invalid: no such metric"
    with Lying([Say({"errors": [refusal]}, status=400)]) as server:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        (found,) = proposals.validate(incident)
    assert refusal in found.said
    assert proposals.report([found]).startswith("1. Depth: The value provided")


def test_a_key_that_may_not_ask_is_an_error_not_a_verdict(incident, monkeypatch):
    with Lying([Say({"errors": ["Forbidden"]}, status=403)]) as server:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        with pytest.raises(DatadogError, match="monitors_read"):
            proposals.validate(incident)


def test_create_makes_a_draft_with_query_threshold_and_where_it_comes_from(server, incident):
    told = []
    url = proposals.create(incident, 1, told=told.append)
    made = only(server)
    assert url == f"{server.url}/monitors/{made['id']}"
    assert made["query"] == WHOLE
    assert made["type"] == "query alert"
    assert made["options"] == {"thresholds": {"critical": 100}, "on_missing_data": "default"}
    assert made["draft_status"] == "draft"
    assert made["message"] == "See it\n\n@slack-pay\n\nProposed in the postmortem of INC-7."
    assert "draft" in told[0]


def test_a_count_of_logs_is_a_log_monitor(server, incident):
    query = 'logs("service:x \\"a b\\"").index("*").rollup("count").last("5m") > 100'
    incident.add("monitors", name="Logs", query=query)
    proposals.create(incident, 2)
    assert only(server)["type"] == "log alert"
    assert only(server)["query"] == query


def test_a_second_create_finds_the_first(server, incident):
    first = proposals.create(incident, "1")
    told = []
    row = incident.values("monitors")[0]["row"]
    assert proposals.create(incident, row, told=told.append) == first
    assert len(server.shelf.monitors) == 1
    assert told[0].startswith("there already")


@pytest.mark.parametrize("failing", [Say(b"", reset=True), Say({"errors": ["busy"]}, status=503)])
def test_create_is_never_sent_twice(incident, monkeypatch, failing):
    with Lying([Say([]), failing, Say([])]) as server:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        with pytest.raises(DatadogError, match="whether it was made is not known"):
            proposals.create(incident, 1)
        sent = [(heard.method, heard.path.split("?")[0]) for heard in server.heard]
    assert sent.count((POST, PATH)) == 1
    assert sent[-1] == ("GET", PATH)  # looked for, not repeated


def test_one_that_was_made_though_its_answer_was_lost_is_found(incident, monkeypatch):
    def script(heard):
        if heard.method == POST:
            made.append(heard.json["tags"])
            return Say(b"", reset=True)
        return Say([{"id": 5, "name": "Depth", "tags": made[0]}] if made else [])

    made = []
    with Lying(script) as server:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        assert proposals.create(incident, 1) == f"{server.url}/monitors/5"
    assert len(made) == 1


@pytest.mark.parametrize("row", [0, 2, "rno", "", None])
def test_a_row_that_there_is_not_is_refused(incident, row):
    with pytest.raises(BadValue, match="a number from 1 to 1"):
        proposals.create(incident, row)


def test_what_is_no_monitor_is_not_sent(server, incident):
    incident.add("monitors", name="Odd", query="avg:x", threshold="> 5")
    with pytest.raises(QueryError, match="a metric"):
        proposals.create(incident, 2)
    assert server.shelf.monitors == {}


def test_a_threshold_with_a_unit_is_made_in_the_metrics_own(server, incident):
    latency = "p95:trace.checkout.request{service:checkout}"
    incident.add(
        "monitors",
        name="Slow",
        query=latency,
        threshold="> 600 ms, warning 580 ms, recovers at 550 ms",
    )
    with pytest.raises(QueryError, match="after its back-test"):
        proposals.create(incident, 2)
    backtest(incident, "1h")
    proposals.create(incident, 2)
    made = only(server)
    assert made["query"] == f"avg(last_5m):{latency} > 0.6"
    thresholds = made["options"]["thresholds"]
    expected = {"critical": 0.6, "critical_recovery": 0.55, "warning": 0.58}
    assert thresholds == pytest.approx(expected)


def test_secrets_are_masked_in_what_people_read(server, incident):
    secret = "AKIAQ7" + "3MZXN4PLW6TBHD"
    incident.add("monitors", name=f"Key {secret}", query=WHOLE, purpose=secret)
    proposals.create(incident, 2)
    assert secret not in json.dumps(only(server))


def test_the_commands(server, incident, capsys):
    path = str(incident.path)
    assert cli.main(["backtest", path, "--baseline", "1h"]) == 0
    out, err = capsys.readouterr()
    assert "first alarm: 2025-12-04 14:11 UTC" in out
    assert err == "asking for the metrics of Depth\n"
    assert cli.main(["monitor", "validate", path]) == 0
    assert capsys.readouterr().out == "1. Depth: valid\n"
    assert cli.main(["monitor", "create", path]) == 2
    assert "expected the number of a proposed monitor" in capsys.readouterr().err
    assert server.shelf.monitors == {}
    assert cli.main(["monitor", "create", path, "1"]) == 0
    assert capsys.readouterr().out.strip() == f"{server.url}/monitors/{only(server)['id']}"
    incident.set("query", "", table="monitors", row=incident.values("monitors")[0]["row"])
    assert cli.main(["monitor", "validate", path]) == 1


def test_in_a_notebook_the_path_takes_its_place():
    assert cli.with_path("monitor", ["create", "1"], "X") == ["create", "X", "1"]
    assert cli.with_path("backtest", ["--refresh"], "X") == ["X", "--refresh"]
    assert cli.with_path("sandbox", ["--port", "1"], "X") == ["--port", "1"]
