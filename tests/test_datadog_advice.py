"""What is said where a question found nothing: by the question alone, and by asking on."""

import pandas as pd
import pytest
from lying import Lying, Say, log, page

from postmortem_nb import get_datadog_metric, search_datadog_logs, search_datadog_spans
from postmortem_nb.datadog import advice, calls

WINDOW = 'from="2025-12-04T14:00Z", to="2025-12-04T16:00Z"'
TIMES = {"from_": "2025-12-04T14:00Z", "to": "2025-12-04T16:00Z"}


@pytest.fixture
def account(monkeypatch):
    """Return a function that starts a server and points the package at it."""
    started = []
    monkeypatch.setenv("DD_API_KEY", "0123456789abcdef0123456789abcdef")
    monkeypatch.setenv("DD_APP_KEY", "fedcba9876543210fedcba9876543210fedcba98")

    def start(script):
        server = Lying(script)
        started.append(server)
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        return server

    yield start
    for server in started:
        server.__exit__()


def in_cell(call):
    return calls.ask(calls.parse(call)).attrs["evidence"].get("advice")


def matching(rows):
    """Return a script that finds the rows which hold every word of a query, by its own means."""

    def script(heard):
        words = heard.json["filter"]["query"]
        terms = [] if words == "*" else words.split()
        return Say(page([row for row in rows if all(_holds(row, term) for term in terms)]))

    return script


def _holds(row, term):
    key, _, value = term.partition(":")
    attributes = row["attributes"]
    if key.startswith("@"):
        return str(attributes.get("attributes", {}).get(key[1:])) == value
    return attributes.get(key) == value


ROWS = [log(1), log(2, service="payments", attributes={"code": 500}), log(3, status="info")]


def test_a_service_that_is_not_there_is_named_with_those_that_are(account):
    account(matching(ROWS))
    said = in_cell(f'search_datadog_logs(query="service:chekout status:error", {WINDOW})')
    assert said == [
        "nothing matches 'service:chekout': services there are 'checkout', 'payments'",
    ]


def test_a_facet_without_its_sign_is_found_with_it(account):
    account(matching(ROWS))
    said = in_cell(f'search_datadog_logs(query="service:payments code:500", {WINDOW})')
    assert said == ["nothing matches 'code:500', but '@code:500' does: attributes need @"]


def test_parts_that_match_alone_are_said(account):
    account(matching(ROWS))
    said = in_cell(f'search_datadog_logs(query="service:payments status:info", {WINDOW})')
    assert said == ["each part matches logs of this window, all of them together none"]


def test_an_empty_window_is_said(account):
    account(matching([]))
    (said,) = in_cell(f'search_datadog_logs(query="service:checkout", {WINDOW})')
    assert said.startswith("there are no logs at all in this window")


@pytest.mark.parametrize(
    "call",
    [
        'search_datadog_logs(query="service:auth-dns", {})',
        'get_datadog_metric(queries=["avg:trace.auth_dns.request.duration{{*}}"], {})',
    ],
)
def test_of_another_day_the_sandbox_says_what_it_plays(call):
    # whoever has no account begins with an incident of their own: no key, no window is at fault
    (said,) = in_cell(call.format('from="2026-11-28T09:12Z", to="2026-11-28T11:47Z"'))
    assert (
        "the sandbox plays one made-up incident, 2025-12-04 14:02 UTC to 2025-12-04 16:09" in said
    )
    assert "checkout and payments: set DD_API_KEY and DD_APP_KEY" in said


def test_on_its_own_day_the_sandbox_is_asked_on():
    (said,) = in_cell(f'search_datadog_logs(query="service:auth-dns", {WINDOW})')
    assert said.startswith("nothing matches 'service:auth-dns': services there are")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("http.status_code:500", "'http.status_code' looks like an attribute"),
        ("a and b", "'and' is searched for as a word: operators are upper case"),
    ],
)
def test_the_question_alone_is_enough_and_asks_nothing_more(account, query, said):
    server = account([Say(page([]))])
    frame = search_datadog_logs(query, **TIMES)
    assert said in frame.attrs["evidence"]["advice"][0]
    assert len(server.heard) == 1


def test_an_answer_with_rows_has_none(account):
    account(matching(ROWS))
    frame = search_datadog_logs("service:checkout", **TIMES)
    assert "advice" not in frame.attrs["evidence"]


def spans(heard):
    """Answer span questions: none matches, one operation is counted."""
    if "aggregate" in heard.path:
        by = {"operation_name": "http.request"}
        return Say({"data": [{"type": "bucket", "attributes": {"by": by, "compute": {"c0": 9}}}]})
    return metric(heard) if "metric" in heard.path or "query" in heard.path else Say(page([]))


def metric(heard):
    names = ("trace.http.request", "trace.http.request.errors", "system.cpu.user")
    if heard.path.startswith("/api/v2/metrics"):
        return Say({"data": [{"type": "metrics", "id": name} for name in names]})
    return Say({"data": {"attributes": {"series": [], "times": [], "values": []}}})


def test_the_templates_metric_query_is_offered_as_it_has_to_be(account):
    account(spans)
    said = in_cell(
        "get_datadog_metric(queries=["
        '"avg:trace.checkout.request.duration{*}", '
        f'"sum:trace.checkout.request.errors{{env:prod}}.as_rate()"], {WINDOW})'
    )
    assert said[0].endswith("ask 'avg:trace.http.request{service:checkout}'")
    assert said[1].endswith(
        "ask 'sum:trace.http.request.errors{env:prod,service:checkout}.as_rate()'"
    )


def test_a_service_with_a_dash_is_offered_as_its_spans_name_it(account):
    # {{SERVICE}} in a metric's name is auth_dns; the tag keeps its dash
    def script(heard):
        if "aggregate" in heard.path and "auth_dns" in str(heard.json):
            return Say({"data": []})
        return spans(heard)

    account(script)
    query = "avg:trace.auth_dns.request.duration{*}"
    (said,) = in_cell(f'get_datadog_metric(queries=["{query}"], {WINDOW})')
    assert said.endswith("ask 'avg:trace.http.request{service:auth-dns}'")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("avg:system.cpu.user{host:a}", "exists; nothing of it matches 'host:a' here"),
        (
            "avg:system.cpu.usr{*}",
            "there is no metric 'system.cpu.usr'; there is 'system.cpu.user'",
        ),
    ],
)
def test_whether_a_metric_exists_is_said(account, query, said):
    account(metric)
    (found,) = in_cell(f'get_datadog_metric(queries=["{query}"], {WINDOW})')
    assert said in found


def test_help_that_is_refused_or_has_to_wait_is_none_and_the_answer_stands(account):
    empty = Say({"data": {"attributes": {"series": [], "times": [], "values": []}}})
    odd = [Say({"data": body}) for body in (None, 5, ["a", None, {"id": 5}], {"a": 1})]
    for refusal in (Say({"errors": ["Forbidden"]}, 403), Say({}, 429), Say({}, 503), *odd):
        account([empty, refusal])
        frame = calls.ask(calls.parse(f'get_datadog_metric(queries=["avg:a.b{{*}}"], {WINDOW})'))
        assert frame.empty
        assert frame.attrs["evidence"]["complete"] is True
        wanted = [] if refusal not in odd else ["there is no metric 'a.b'"]
        assert frame.attrs["evidence"]["advice"] == wanted


@pytest.mark.parametrize(
    ("columns", "nothing"),
    [
        ({"count": [0]}, True),
        ({"count": [1]}, False),
        ({"count": []}, True),
        ({"series": ["*"], "value": pd.array([None], "Float64")}, True),
        ({"series": ["*"], "value": pd.array([0.0], "Float64")}, False),
        ({"service": ["a"], "count": [0]}, False),
    ],
)
def test_what_counts_as_nothing(columns, nothing):
    assert advice.finds_nothing(pd.DataFrame(columns)) is nothing


def test_a_clock_that_is_wrong_is_said(account):
    account([Say(page([log(1)]), headers={"Date": "Thu, 04 Dec 2025 14:00:00 GMT"})])
    frame = search_datadog_logs("*", **TIMES)
    (said,) = frame.attrs["evidence"]["warnings"]
    assert said.startswith("this machine's clock is ")
    assert said.endswith("ahead of Datadog's: 'now' is meant by this one")


def test_a_moment_to_come_back_at_is_read_by_the_clock_of_whoever_set_it(account):
    stamp = {"Date": "Thu, 04 Dec 2025 14:00:00 GMT", "X-RateLimit-Reset": "1764856801"}
    account([Say({}, 429, headers=stamp), Say({"data": []})])
    assert search_datadog_spans("*", **TIMES).empty  # after one second, by that clock


def test_a_metric_of_nulls_has_advice(account):
    unknown = {"series": [{"group_tags": [], "query_index": 0}], "times": [1], "values": [[None]]}
    account([Say({"data": {"attributes": unknown}})])
    frame = get_datadog_metric("avg:a.b{*}", **TIMES)
    assert frame.attrs["evidence"]["advice"] == []


def test_a_revenue_question_is_told_whether_its_metric_exists(account):
    account(metric)
    query = "sum:system.cpu.usr{*}.as_count()"
    said = in_cell(f'get_datadog_revenue(metric="{query}", weeks=1, {WINDOW})')
    assert said == ["there is no metric 'system.cpu.usr'; there is 'system.cpu.user'"]
