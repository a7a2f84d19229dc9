"""Every way an answer can fail, against a server that lies: what came is kept, nothing hangs."""

import gzip
import json
import re
import socket
import threading
import time
from contextlib import suppress

import pytest
from lying import Lying, Say, log, page, pages

from postmortem_nb.datadog import (
    analyze_datadog_logs,
    client,
    get_datadog_metric,
    get_datadog_slo,
    pace,
    search_datadog_logs,
    wire,
)
from postmortem_nb.errors import DatadogError, QueryError

WINDOW = {"from_": "2025-12-04T14:00:00Z", "to": "2025-12-04T16:00:00Z"}
API_KEY = "0123456789abcdef0123456789abcdef"
APP_KEY = "fedcba9876543210fedcba9876543210fedcba98"


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Backoffs are short here; a wait that a server asks for is real."""
    monkeypatch.setattr(pace, "_FIRST_BACKOFF", 0.01)
    monkeypatch.setenv("DD_API_KEY", API_KEY)
    monkeypatch.setenv("DD_APP_KEY", APP_KEY)


@pytest.fixture
def lying(monkeypatch):
    """Return a function that starts a lying server and points the package at it."""
    started = []

    def start(script):
        client._connected.cache_clear()  # a port may come again, its limit used up for an hour
        server = Lying(script)
        started.append(server)
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        return server

    yield start
    for server in started:
        server.__exit__()


def ask(**settings):
    return search_datadog_logs("service:checkout", **WINDOW, **settings)


def evidence(frame):
    return frame.attrs["evidence"]


# ---- pages


def test_an_answer_that_says_it_is_a_part_is_partial(lying):
    """HTTP 206 without a cursor: the server has more, and nobody knows where."""
    lying([Say(page([log(0), log(1)]), status=206)])
    frame = ask()
    assert len(frame) == 2
    assert evidence(frame)["complete"] is False
    assert evidence(frame)["partial"] == "HTTP 206, a part of the answer"


def test_a_part_that_names_the_next_page_is_whole_with_it(lying):
    """As Datadog documents 206 for its search of experiments: more pages, and a cursor."""
    lying([Say(page([log(0)], "c1"), status=206), Say(page([log(1)]))])
    frame = ask()
    assert list(frame["id"]) == ["AQ000000", "AQ000001"]
    assert evidence(frame)["complete"] is True


def test_a_part_ends_a_pull_of_several_pages(lying):
    lying([Say(page([log(0)], "c1")), Say(page([log(1)]), status=206)])
    assert evidence(ask())["partial"] == "HTTP 206, a part of the answer"


@pytest.mark.parametrize("fields", [(), ("a",), ("*",)], ids=["core", "one field", "all"])
@pytest.mark.parametrize("errors", [["shard failed"], "shard failed", [{"title": "shard failed"}]])
def test_rows_with_an_error_beside_them_are_partial(lying, errors, fields):
    """In the first page and in a later one, whichever reader it is for."""
    lying([Say({**page([log(0)], "c1"), "errors": errors}), Say(page([log(1)]))])
    frame = ask(extra_fields=fields)
    assert len(frame) == 2
    assert evidence(frame)["complete"] is False
    assert evidence(frame)["partial"] == "an error beside the rows: shard failed"
    first, second = (page([log(n, attributes={"a": n})], f"c{n}") for n in (0, 1))
    lying([Say(first), Say(second), Say({**page([log(2)]), "errors": errors})])
    assert evidence(ask(extra_fields=fields))["complete"] is False


@pytest.mark.parametrize("errors", [None, [], ""])
def test_no_errors_are_none(lying, errors):
    lying([Say({**page([log(0)]), "errors": errors})])
    assert evidence(ask())["complete"] is True


def test_an_error_beside_no_rows_is_a_failure(lying):
    lying([Say({"data": [], "errors": ["shard failed"]})])
    with pytest.raises(DatadogError, match="an error in place of data\nIt said: shard failed"):
        ask()
    lying([*pages(2, last=Say({"data": [], "errors": ["shard failed"]}))])
    assert evidence(ask(limit=5000))["partial"] == "an error in place of data on page 3"


def test_an_error_beside_rows_never_repeats_a_key(lying):
    lying([Say({"data": [log(0)], "errors": [f"refused {API_KEY}"]})])
    assert API_KEY[:8] not in str(evidence(ask()))


def test_sql_over_counts_with_an_error_pulls_the_rows_and_says_so(lying):
    """A count of which a part failed would be too small, and nothing would say so."""

    def script(heard):
        if "ddsql" in heard.path:
            return Say({"errors": ["Forbidden"]}, 403)
        if "aggregate" in heard.path:
            buckets = [{"by": {}, "computes": {"c0": 7}}]
            return Say({"data": {"buckets": buckets}, "errors": ["shard failed"]})
        return Say({**page([log(0), log(1)]), "errors": ["shard failed"]})

    lying(script)
    frame = analyze_datadog_logs(sql_query="SELECT count(*) AS n FROM logs", **WINDOW)
    assert frame["n"].tolist() == [2]
    assert evidence(frame)["partial"] == "an error beside the rows: shard failed"


def metric(series, values, **more):
    attributes = {"series": series, "times": [1764856800000], "values": values}
    return Say({"data": {"attributes": attributes}, **more})


def test_metrics_with_an_error_beside_them_are_partial(lying):
    lying([metric([{"query_index": 0}], [[1.0]], errors=["shard failed"])])
    frame = get_datadog_metric("avg:a{*}", **WINDOW)
    assert frame["value"].tolist() == [1.0]
    assert evidence(frame)["partial"] == "an error beside the rows: shard failed"
    old = {"status": "error", "error": "shard failed"}
    points = [{"pointlist": [[1764856800000, 2.0]]}]
    lying([Say({}, 404), Say({**old, "series": points})])
    frame = get_datadog_metric("avg:a{*}", **WINDOW)
    assert frame["value"].tolist() == [2.0]
    assert evidence(frame)["complete"] is False
    for nothing in ({**old, "series": []}, {"status": "error", "series": points}):
        lying([Say({}, 404), Say(nothing)])
        with pytest.raises(DatadogError):
            get_datadog_metric("avg:a{*}", **WINDOW)


def test_an_slo_history_with_an_error_beside_it_is_partial(lying):
    history = {
        "type": "metric",
        "thresholds": {"7d": {"target": 99.0}},
        "series": {
            "interval": 3600,
            "times": [1764855000000.0],
            "numerator": {"values": [9.0]},
            "denominator": {"values": [10.0]},
        },
        "overall": {"sli_value": 90.0},
    }
    errors = [{"error_message": "no data for a group", "error_type": "x"}]
    lying([Say({"data": history, "errors": errors})])
    told = evidence(get_datadog_slo("0123456789abcdef0123456789abcdef", **WINDOW))
    assert told["partial"] == "an error beside the rows: no data for a group"


@pytest.mark.parametrize(("good", "valid"), [([9.0], [10.0, 10.0]), ([9.0, 9.0], [10.0])])
def test_an_slo_history_with_fewer_counts_than_times_is_partial(lying, good, valid):
    times = [1764855000000.0, 1764858600000.0]
    series = {"interval": 3600, "times": times}
    series |= {"numerator": {"values": good}, "denominator": {"values": valid}}
    history = {"type": "metric", "series": series, "overall": {"sli_value": 90.0}}
    lying([Say({"data": {**history, "thresholds": {"7d": {"target": 99.0}}}})])
    told = evidence(get_datadog_slo("0123456789abcdef0123456789abcdef", **WINDOW))
    assert told["partial"] == "the SLO's history has another number of counts than times"


def test_rows_that_are_none_make_an_answer_partial(lying):
    lying([Say({"data": [log(0), None, "x"]})])
    told = evidence(ask())
    assert told["complete"] is False
    assert told["partial"] == "2 rows were no objects and are left out"
    lying([Say({}, 404), Say({"status": "ok", "series": [None, {"pointlist": []}]})])
    told = evidence(get_datadog_metric("avg:a{*}", **WINDOW))
    assert (told["partial"], told["warnings"]) == ("1 series was no object and is left out", [])


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0], None])
def test_a_series_that_does_not_fit_its_times_makes_an_answer_partial(lying, values):
    attributes = {
        "series": [{"query_index": 0}, {"query_index": 1}],
        "times": [1764856800000, 1764856860000],
        "values": [[5.0, 6.0], values],
    }
    lying([Say({"data": {"attributes": attributes}})])
    frame = get_datadog_metric(["avg:a{*}", "avg:b{*}"], **WINDOW)
    assert frame["value"].tolist()[:2] == [5.0, 6.0]
    told = evidence(frame)
    assert told["complete"] is False
    assert told["partial"] == "1 series had another number of values than times"


def test_a_series_of_no_query_that_was_asked_is_not_given_to_another(lying):
    lying([metric([{"query_index": 7}, {"query_index": 1}, {}], [[1.0], [2.0], [3.0]])])
    frame = get_datadog_metric(["avg:a{*}", "avg:b{*}"], **WINDOW)
    assert frame["query"].tolist() == ["query 7", "avg:b{*}", "unknown query"]
    assert evidence(frame)["warnings"] == ["2 series name none of the queries that were asked"]


@pytest.mark.parametrize(
    "answer",
    [
        Say(b"no gzip", headers={"Content-Encoding": "gzip"}),
        Say(b'{"data":' + b"[" * 100_000),
        Say({"data": {"attributes": {"series": [{}], "times": [1], "values": []}}}),
        Say({"data": {"attributes": {"series": [{}], "times": ["x"], "values": [[1]]}}}),
    ],
    ids=["damaged", "nested", "misfit", "times"],
)
def test_every_failure_says_what_to_do(lying, answer):
    lying([answer])
    with pytest.raises(DatadogError, match="\nTo do: try again"):
        get_datadog_metric("avg:a{*}", **WINDOW)


def test_a_metric_of_which_a_part_came_is_partial_and_the_rest_is_asked(lying):
    """Two days by the minute are two slices or more; the first says that it is a part."""

    def script(heard):
        asked = heard.json["data"]["attributes"]
        series = [{"group_tags": [], "query_index": 0, "unit": None}]
        attributes = {"series": series, "times": [asked["from"]], "values": [[1.0]]}
        first = asked["from"] == 1764633600000  # 2025-12-02T00:00Z
        return Say({"data": {"attributes": attributes}}, status=206 if first else 200)

    server = lying(script)
    frame = get_datadog_metric(
        "avg:a{*}", "2025-12-02T00:00:00Z", "2025-12-04T00:00:00Z", interval="60s"
    )
    assert len(frame) == len(server.heard) > 1
    assert evidence(frame)["complete"] is False
    assert evidence(frame)["partial"] == "HTTP 206, a part of the answer"


def test_an_slo_history_of_which_a_part_came_is_partial(lying):
    history = {
        "type": "metric",
        "thresholds": {"7d": {"target": 99.0}},
        "slo": {"name": "x"},
        "series": {
            "interval": 3600,
            "times": [1764855000000.0],
            "numerator": {"values": [9.0], "sum": 9.0, "count": 1},
            "denominator": {"values": [10.0], "sum": 10.0, "count": 1},
        },
        "overall": {"sli_value": 90.0, "history": [[1764855000, 1]]},
    }
    lying([Say({"data": history, "errors": None}, status=206)])
    frame = get_datadog_slo("0123456789abcdef0123456789abcdef", **WINDOW)
    assert evidence(frame)["complete"] is False
    assert "HTTP 206" in evidence(frame)["partial"]


def test_sql_is_not_answered_from_a_part(lying):
    """DDSQL and the count of logs answer in part, so the logs themselves are pulled and counted."""

    def script(heard):
        if "ddsql" in heard.path:
            columns = [{"name": "n", "type": "BIGINT", "values": [1]}]
            done = {"state": "completed", "columns": columns, "warnings": []}
            return Say({"data": {"attributes": done}}, status=206)
        if "aggregate" in heard.path:
            buckets = [{"by": {}, "computes": {"c0": 1}}]
            return Say({"data": {"buckets": buckets}, "meta": {"status": "done"}}, status=206)
        return Say(page([log(n) for n in range(7)]))

    lying(script)
    frame = analyze_datadog_logs(sql_query="SELECT count(*) AS n FROM logs", **WINDOW)
    assert frame["n"].tolist() == [7]
    assert evidence(frame)["complete"] is True


@pytest.mark.parametrize("count", [1, 2, 5])
def test_pages_are_joined_with_no_request_more_than_needed(lying, count):
    server = lying(pages(count))
    frame = ask(limit=5000)
    assert list(frame["id"]) == [f"AQ{n:06d}" for n in range(3 * count)]
    assert len(server.heard) == count
    assert evidence(frame)["complete"] is True
    assert evidence(frame)["partial"] == ""


def test_the_cursor_of_each_page_is_sent_for_the_next(lying):
    server = lying(pages(3))
    ask(limit=5000)
    assert [heard.json["page"].get("cursor") for heard in server.heard] == [None, "c1", "c2"]
    windows = {(h.json["filter"]["from"], h.json["filter"]["to"]) for h in server.heard}
    assert windows == {("2025-12-04T14:00:00.000Z", "2025-12-04T16:00:00.000Z")}


def test_a_limit_asks_for_just_as_many_and_says_so(lying):
    rows = [log(n) for n in range(1500)]
    server = lying([Say(page(rows[:1000], "a")), Say(page(rows[1000:], "b"))])
    frame = ask(limit=1500)
    assert [heard.json["page"]["limit"] for heard in server.heard] == [1000, 500]
    assert len(frame) == 1500
    assert evidence(frame)["partial"] == "limit reached"
    assert evidence(frame)["complete"] is False


@pytest.mark.parametrize("cursor", ["a", None])
def test_a_server_that_sends_more_than_asked_is_cut_at_the_limit(lying, cursor):
    """Without a cursor it was called complete before, with five rows left out."""
    lying([Say(page([log(n) for n in range(9)], cursor))])
    frame = ask(limit=4)
    assert len(frame) == 4
    assert evidence(frame)["partial"] == "limit reached"


def test_an_empty_page_ends_it_even_with_a_cursor(lying):
    server = lying([*pages(2, last=Say(page([], "more")))])
    frame = ask(limit=5000)
    assert len(frame) == 6
    assert len(server.heard) == 3
    assert evidence(frame)["complete"] is True
    assert evidence(frame)["warnings"] == [
        "an empty page ended the pull, though it named a page after it"
    ]


def test_no_rows_at_all_keep_columns_and_types(lying):
    lying([Say({"data": []})])
    frame = ask()
    assert list(frame) == ["timestamp", "status", "service", "host", "message", "tags", "id"]
    assert len(frame) == 0
    assert str(frame["timestamp"].dtype) == "datetime64[us, UTC]"
    assert evidence(frame)["complete"] is True


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"]], ids=["same", "in turn"])
def test_a_repeated_cursor_ends_it_and_is_said(lying, cursors):
    answers = [Say(page([log(at)], cursor)) for at, cursor in enumerate(cursors)]
    server = lying(answers)
    frame = ask(limit=5000)
    assert evidence(frame)["partial"] == "repeated cursor"
    assert len(frame) == len(server.heard) == len(cursors)


@pytest.mark.parametrize("cursor", [7, True, ["c1"], {"c": 1}])
def test_a_cursor_that_cannot_be_read_is_said(lying, cursor):
    lying([Say(page([log(1)], cursor))])
    frame = ask(limit=5000)
    assert len(frame) == 1
    assert evidence(frame)["complete"] is False
    assert evidence(frame)["partial"] == "a cursor that cannot be read"


def test_a_row_repeated_by_the_next_page_is_kept_once(lying):
    lying([Say(page([log(1), log(2)], "a")), Say(page([log(2), log(3)]))])
    frame = ask(limit=5000)
    assert list(frame["id"]) == ["AQ000001", "AQ000002", "AQ000003"]
    assert evidence(frame)["warnings"] == ["1 row came twice and is kept once"]


def test_a_row_repeated_within_a_page_is_kept_once_and_rows_without_an_id_all(lying):
    nameless = {key: value for key, value in log(3).items() if key != "id"}
    other = log(1, message="of the same id, and another row")
    lying([Say(page([log(1), other, log(1), nameless, nameless, {**nameless, "id": ""}]))])
    frame = ask()
    assert frame["id"].fillna("none").tolist() == ["AQ000001", "AQ000001", "none", "none", ""]
    assert evidence(frame)["warnings"] == ["1 row came twice and is kept once"]


@pytest.mark.parametrize("odd", [[], ["a"], {"a": 1}, 5, True, 1.5])
def test_an_id_of_any_kind_is_an_id(lying, odd):
    rows = [{**log(1), "id": odd}, {**log(1), "id": odd}, log(3)]
    lying([Say(page(rows))])
    frame = ask()
    assert len(frame) == 2
    assert frame["id"][1] == "AQ000003"


def test_a_page_that_timed_out_is_partial_with_its_warning(lying):
    warning = {"code": "timeout", "title": "Query timed out", "detail": "results may be incomplete"}
    lying([Say(page([log(1)], status="timeout", warnings=[warning]))])
    frame = ask()
    assert len(frame) == 1
    assert evidence(frame)["partial"] == "timed out"
    assert evidence(frame)["warnings"] == ["Query timed out: results may be incomplete"]


# ---- failures, before and after rows


@pytest.mark.parametrize("odd", [True, 5, 1.5, "told", {"title": "told"}, ["told", 5, None]])
def test_warnings_of_any_kind_are_read(lying, odd):
    lying([Say(page([log(1)], warnings=odd))])
    frame = ask()
    assert len(frame) == 1
    assert len(evidence(frame)["warnings"]) == (3 if isinstance(odd, list) else 1)


@pytest.mark.parametrize("status", [500, 502, 503, 520, 529])
def test_a_failure_after_rows_keeps_them(lying, status):
    server = lying(pages(2, last=Say({"errors": ["no"]}, status=status)))
    frame = ask(limit=5000)
    assert len(frame) == 6
    assert evidence(frame)["complete"] is False
    assert evidence(frame)["partial"] == f"HTTP {status} on page 3"
    assert len(server.heard) == 2 + pace.TRIES


@pytest.mark.parametrize("cut", range(1, 7))
def test_a_cut_at_any_page_keeps_just_those_before(lying, cut):
    lying(pages(cut, last=Say(reset=True)))
    frame = ask(limit=5000)
    assert len(frame) == 3 * cut
    assert evidence(frame)["partial"] == f"connection broken on page {cut + 1}"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_told_once_with_what_to_do(lying, status):
    server = lying([Say({"errors": ["Datadog's own words"]}, status=status)])
    with pytest.raises(DatadogError) as caught:
        ask()
    lines = str(caught.value).splitlines()
    assert len(server.heard) == 1
    assert len(lines) <= 6
    assert f"HTTP {status}" in lines[0]
    assert "It said: Datadog's own words" in lines
    assert any("service:checkout" in line and "2025-12-04 14:00" in line for line in lines)
    assert lines[-1].startswith("To do: ")


ERRORS = {
    "texts": {"errors": ["Forbidden"]},
    "title and detail": {"errors": [{"title": "Generic Error", "detail": "Forbidden"}]},
    "detail": {"errors": [{"detail": "Forbidden"}]},
    "title": {"errors": [{"status": "403", "title": "Forbidden"}]},
    "code": {"error": {"code": "x", "message": "Forbidden", "details": []}},
    "stringified": {"errors": ["{'errors': [u\"Forbidden\"]}"]},
    "with source": {"errors": [{"detail": "Forbidden", "source": {"parameter": "page"}}]},
}


@pytest.mark.parametrize("shape", ERRORS)
def test_every_shape_of_error_body_is_read(lying, shape):
    lying([Say(ERRORS[shape], status=403, kind="text/plain")])
    with pytest.raises(DatadogError, match=r"It said: .*Forbidden"):
        ask()


def test_five_hundreds_are_asked_a_handful_of_times_and_may_recover(lying):
    server = lying([Say(b"", status=503), Say(b"oops", status=500), *pages(1)])
    assert len(ask()) == 3
    assert len(server.heard) == 3


def test_a_dropped_connection_is_asked_again(lying):
    server = lying([Say(reset=True), Say(page([log(1)]), cut=20), *pages(1)])
    assert evidence(ask())["complete"] is True
    assert len(server.heard) == 3


def test_nobody_listening_is_one_short_error(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("POSTMORTEM_DATADOG_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(DatadogError, match="no connection") as caught:
        ask()
    assert "To do: check the network" in str(caught.value)


# ---- rate limits


def limited(**headers):
    names = {"reset": "X-RateLimit-Reset", "after": "Retry-After"}
    return Say({"errors": ["Too many requests"]}, 429, {names[k]: v for k, v in headers.items()})


@pytest.mark.parametrize(
    ("answer", "least", "most"),
    [
        (limited(reset="1"), 1.0, 1.5),
        (limited(reset="0.4"), 0.4, 0.9),
        (limited(after="1"), 1.0, 1.5),
        (limited(), 0.0, 0.4),
        (limited(reset="soon"), 0.0, 0.4),
        (limited(reset="-5"), 0.0, 0.4),
        (limited(reset="nan"), 0.0, 0.4),
        (limited(reset="0"), 0.0, 0.4),
        (limited(reset="9" * 20), 0.0, 0.4),
        (limited(reset="1e308"), 0.0, 0.4),
    ],
    ids=[
        "whole",
        "fraction",
        "retry-after",
        "absent",
        "words",
        "negative",
        "nan",
        "zero",
        "huge",
        "larger",
    ],
)
def test_a_rate_limit_is_waited_out_as_announced(lying, answer, least, most):
    server = lying([answer, *pages(1)])
    begun = time.monotonic()
    assert len(ask()) == 3
    assert least <= time.monotonic() - begun <= most
    assert len(server.heard) == 2


def test_a_reset_as_a_moment_is_a_length_from_now(lying):
    lying([limited(reset=str(int(time.time()) + 2)), *pages(1)])
    begun = time.monotonic()
    assert len(ask()) == 3
    assert 0.9 <= time.monotonic() - begun <= 2.5


def test_a_long_reset_ends_at_once_with_the_time_to_come_back(lying):
    server = lying([limited(reset="3599")])
    begun = time.monotonic()
    with pytest.raises(DatadogError, match=r"59 minutes 59 seconds.*\n(.*\n)*.*run this again at"):
        ask()
    assert time.monotonic() - begun < 1
    assert len(server.heard) == 1


def test_a_long_reset_after_rows_keeps_them(lying):
    lying(pages(2, last=limited(reset="3599")))
    frame = ask(limit=5000)
    assert len(frame) == 6
    assert evidence(frame)["partial"] == "HTTP 429 on page 3"


def test_a_long_reset_says_the_status_and_what_datadog_said(lying):
    """Which limit it was is in Datadog's own detail; in one session the next question knows it."""
    lying([limited(reset="3600")])
    with pytest.raises(DatadogError) as refused:
        ask()
    assert str(refused.value).splitlines()[:2] == [
        "127.0.0.1: HTTP 429 (Too Many Requests)",
        "It said: Too many requests; the limit is free again in 1 hour",
    ]


def test_a_long_recovery_is_no_rate_limit(lying):
    lying([Say({"errors": ["Down"]}, 503, {"Retry-After": "3600"})])
    with pytest.raises(DatadogError, match=r"HTTP 503(.*\n)*.*free again in 1 hour"):
        ask()


def test_an_announced_limit_is_not_overrun(lying):
    """Two requests a second are announced; the server never hears a third within it."""
    budget = {"left": 2, "until": time.monotonic() + 1}

    def script(heard):
        now = time.monotonic()
        if now >= budget["until"]:
            budget.update(left=2, until=now + 1)
        budget["left"] -= 1
        assert budget["left"] >= 0
        cursor = heard.json["page"].get("cursor")
        number = int(cursor or 0)
        headers = {
            "X-RateLimit-Limit": 2,
            "X-RateLimit-Period": 1,
            "X-RateLimit-Remaining": budget["left"],
            "X-RateLimit-Reset": f"{budget['until'] - now:.3f}",
        }
        return Say(page([log(number)], str(number + 1) if number < 4 else None), headers=headers)

    lying(script)
    frame = ask(limit=5000)
    assert len(frame) == 5
    assert evidence(frame)["complete"] is True


def test_progress_tells_rows_rate_and_waits(lying):
    from postmortem_nb.datadog import calls  # noqa: PLC0415

    lying([pages(2)[0], limited(reset="1"), Say(page([log(9)]))])
    told = []
    words = 'search_datadog_logs(query="*", from="2025-12-04T14:00Z", to="now", limit=5000)'
    calls.ask(calls.parse(words), progress=lambda **facts: told.append(facts))
    assert {"rows", "waiting", "rate"} == set(told[0])
    assert [fact["rows"] for fact in told if not fact["waiting"]][-1] == 4
    assert any("HTTP 429" in fact["waiting"] for fact in told)


# ---- time and size


@pytest.mark.parametrize("drip", ["head", "body"])
def test_a_drip_ends_at_the_deadline(lying, monkeypatch, drip):
    monkeypatch.setattr(wire, "DEADLINE", 0.6)
    say = Say(page([log(1)]), drip=0.01) if drip == "head" else Say(b"[" + b" " * 500, drip=0.005)
    server = lying([say])
    begun = time.monotonic()
    with pytest.raises(DatadogError, match="timed out"):
        ask()
    assert 0.5 <= time.monotonic() - begun < 1.6
    assert len(server.heard) == 1


def test_silence_ends_at_the_deadline_and_keeps_what_came(lying, monkeypatch):
    monkeypatch.setattr(wire, "DEADLINE", 0.6)
    lying(pages(1, last=Say(wait=5)))
    frame = ask(limit=5000)
    assert len(frame) == 3
    assert evidence(frame)["partial"] == "timed out on page 2"


def test_a_gzip_bomb_is_stopped_at_the_cap(lying, monkeypatch):
    monkeypatch.setattr(wire, "LARGEST", 1 << 20)
    lying([Say(b'{"data":["' + b"x" * (30 << 20), packed=True)])
    begun = time.monotonic()
    with pytest.raises(DatadogError, match="answer too large"):
        ask()
    assert time.monotonic() - begun < 2


def test_an_answer_that_is_large_on_the_line_is_stopped_too(lying, monkeypatch):
    monkeypatch.setattr(wire, "LARGEST", 1 << 16)
    lying([Say(b" " * (1 << 20))])
    with pytest.raises(DatadogError, match="answer too large"):
        ask()


def test_gzip_is_read(lying):
    server = lying([Say(page([log(1)]), packed=True)])
    assert len(ask()) == 1
    assert server.heard[0].headers["accept-encoding"] == "gzip"


# ---- 200 and yet no answer

NO_ANSWERS = {
    "html": (b"<html><body>Please log in</body></html>", "a web page in place of data"),
    "empty": (b"", "an empty answer"),
    "null": (b"null", "an answer without data"),
    "list": (b"[]", "an answer without data"),
    "no data": (b"{}", "an answer without data"),
    "data null": (b'{"data": null}', "an answer without data"),
    "errors": (b'{"errors": ["query too long"]}', "an error in place of data"),
    "half": (b'{"data": [{"id": "a", "attrib', "answer cut off"),
    "words": (b'{"data": oops}', "an answer that is not JSON"),
    "deep": (b'{"data":' + b"[" * 200_000, "nested too deep|cut off"),
}


@pytest.mark.parametrize("case", NO_ANSWERS)
def test_a_200_that_is_no_answer_is_an_error(lying, case):
    body, fault = NO_ANSWERS[case]
    lying([Say(body)])
    with pytest.raises(DatadogError, match=fault):
        ask()


@pytest.mark.parametrize("case", ["html", "half", "empty"])
def test_it_may_have_been_a_moment_and_is_asked_again(lying, case):
    lying([Say(NO_ANSWERS[case][0]), *pages(1)])
    assert evidence(ask())["complete"] is True


def test_a_damaged_gzip_is_asked_again_and_then_told(lying):
    say = Say(page([log(1)]), packed=True)
    whole = say.bytes()
    bad = Say(whole[:30] + b"\xff" * 12 + whole[42:], headers={"Content-Encoding": "gzip"})
    cut = Say(whole[:-9], headers={"Content-Encoding": "gzip"})
    lying([bad, cut, say])
    assert len(ask()) == 1
    lying([bad])
    with pytest.raises(DatadogError, match="damaged answer"):
        ask()


# ---- keys


def test_a_redirect_is_refused_by_name_and_takes_no_key_along(lying):
    with Lying([Say(page([]))]) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            target = elsewhere.url.replace("127.0.0.1", "localhost") + "/x"
            lying([Say(b"", status=status, headers={"Location": target})])
            with pytest.raises(DatadogError, match=f"HTTP {status}.*\n.*localhost"):
                ask()
        assert elsewhere.heard == []


def test_keys_go_to_the_configured_host_in_headers_only(lying):
    server = lying(pages(1))
    ask()
    heard = server.heard[0]
    assert heard.headers["dd-api-key"] == API_KEY
    assert heard.headers["dd-application-key"] == APP_KEY
    assert API_KEY.encode() not in heard.body
    assert API_KEY not in heard.path


ECHOES = {
    "plain": "bad key {}",
    "part": "bad key {0:.13}…",
    "in a list": "['{}', 1]",
}


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("key", [API_KEY, APP_KEY], ids=["api", "app"])
def test_a_key_that_the_server_repeats_is_not_shown(lying, echo, key):
    lying([Say({"errors": [ECHOES[echo].format(key)]}, status=403)])
    with pytest.raises(DatadogError) as caught:
        ask()
    shown = str(caught.value) + repr(caught.value) + repr(caught.value.__dict__)
    assert not any(key[at : at + 12] in shown for at in range(len(key) - 11))
    assert "[key]" in shown


@pytest.mark.parametrize("encode", ["base64", "hex", "upper", "url"])
def test_nor_is_it_in_another_writing(lying, encode):
    import base64  # noqa: PLC0415

    form = {
        "base64": base64.b64encode(f"x{API_KEY}".encode()).decode(),
        "hex": API_KEY.encode().hex(),
        "upper": API_KEY.upper(),
        "url": "".join(f"%{ord(c):02x}" for c in API_KEY),
    }[encode]
    lying([Say({"errors": [f"no: {form}"]}, status=403)])
    with pytest.raises(DatadogError) as caught:
        ask()
    middle = form[12:-12]
    assert middle[:24] not in str(caught.value)


def test_a_key_in_a_warning_is_masked_in_the_record(lying):
    warning = {"title": f"key {API_KEY}", "detail": ""}
    lying([Say(page([log(1)], warnings=[warning]))])
    assert API_KEY not in repr(ask().attrs)


def test_a_connection_shows_no_key_and_is_not_pickled(lying):
    import pickle  # noqa: PLC0415

    from postmortem_nb.datadog import client  # noqa: PLC0415

    lying(pages(1))
    connection = client.connection()
    assert API_KEY not in repr(connection)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(connection)


def test_a_question_that_no_request_can_hold_is_not_asked(lying):
    server = lying(pages(1))
    with pytest.raises(DatadogError, match="not asked"):
        search_datadog_logs("half a character: \ud800", **WINDOW)
    assert server.heard == []


# ---- proxies


@pytest.fixture
def outside(monkeypatch):
    """Return a function that makes a lying server the proxy for a host that is not this machine."""
    started = []
    for name in ("DD_API_KEY", "DD_APP_KEY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("POSTMORTEM_DATADOG_URL", "http://datadog.example.test")

    def start(script, login=""):
        server = Lying(script)
        started.append(server)
        monkeypatch.setenv("http_proxy", server.url.replace("//", f"//{login}"))
        return server

    yield start
    for server in started:
        server.__exit__()


def test_a_proxy_of_the_environment_is_used_with_and_without_a_login(outside):
    server = outside(pages(1))
    assert len(ask()) == 3
    assert server.heard[0].path == "http://datadog.example.test/api/v2/logs/events/search"
    assert "proxy-authorization" not in server.heard[0].headers
    another = outside(pages(1), login="me:a-long-secret@")
    assert len(ask()) == 3
    assert another.heard[0].headers["proxy-authorization"].startswith("Basic ")
    assert len(server.heard) == 1  # a proxy that was changed is no longer asked


def test_a_proxys_password_is_not_shown(outside):
    outside([Say({"errors": ["login me:a-long-secret refused"]}, 403)], login="me:a-long-secret@")
    with pytest.raises(DatadogError) as caught:
        ask()
    assert "a-long-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1", "nonsense://", "http://:80", "http://x:y"]
)
def test_a_proxy_that_is_none_is_one_line(outside, monkeypatch, proxy):
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(QueryError, match="HTTP_PROXY: expected the address of an HTTP proxy"):
        ask()


def test_a_proxy_that_is_not_there_is_said_in_plain_words(outside, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(DatadogError) as caught:
        ask()
    said = str(caught.value).splitlines()
    assert said[0] == "datadog.example.test: proxy refused"
    assert "Connection refused" in said[1]
    assert "(" not in said[1].replace("[Errno 111]", "")


# ---- interruption


def test_an_interrupted_pull_keeps_what_came(lying):
    def script(heard):
        number = int(heard.json["page"].get("cursor") or 0)
        return Say(page([log(number)], str(number + 1)))

    lying(script)
    from postmortem_nb.datadog import calls  # noqa: PLC0415

    def impatient(*, rows, waiting, rate):
        assert rate >= 0
        if rows >= 3 and not waiting:
            raise KeyboardInterrupt

    words = 'search_datadog_logs(query="*", from="2025-12-04T14:00Z", to="now", limit=5000)'
    frame = calls.ask(calls.parse(words), progress=impatient)
    assert len(frame) == 3
    assert evidence(frame)["partial"] == "interrupted on page 4"


# ---- settings


def test_one_key_alone_is_told_before_anything_is_asked(lying, monkeypatch):
    server = lying(pages(1))
    monkeypatch.delenv("DD_APP_KEY")
    with pytest.raises(QueryError, match="DD_APP_KEY is not set"):
        ask()
    assert server.heard == []


@pytest.mark.parametrize(
    "site", ["evil.example", "datadoghq.com.evil.example", "https://datadoghq.com"]
)
def test_only_datadogs_sites_are_sites(monkeypatch, site):
    monkeypatch.setenv("DD_SITE", site)
    with pytest.raises(QueryError, match="DD_SITE: expected a Datadog site"):
        ask()


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "http://", "127.0.0.1:80", "https://u:p@x", "https://x?a=1", "http://far.example"],
)
def test_a_base_url_that_keys_cannot_travel_to_is_refused(monkeypatch, url):
    monkeypatch.setenv("POSTMORTEM_DATADOG_URL", url)
    with pytest.raises(QueryError, match="POSTMORTEM_DATADOG_URL"):
        ask()


def test_a_key_with_control_characters_is_refused_unseen(monkeypatch):
    monkeypatch.setenv("DD_API_KEY", "abc\x07def-secret")
    with pytest.raises(QueryError, match="DD_API_KEY") as caught:
        ask()
    assert "secret" not in str(caught.value)


# ---- what else may stand between


def framed(body, head="", status="200 OK"):
    """Return a whole answer as bytes, with lines of its own in its head."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    length = f"Content-Length: {len(content)}\r\n"
    return f"HTTP/1.1 {status}\r\n{length}{head}\r\n".encode() + content


@pytest.fixture
def raw(monkeypatch):
    """Return a function that makes every connection end in these bytes, and counts them."""
    listeners = []

    def start(said, scheme="http"):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        heard = []

        def serve():
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                with line:
                    heard.append(line.recv(65_536))
                    with suppress(OSError):
                        line.sendall(said)
                        line.shutdown(socket.SHUT_WR)
                        while line.recv(65_536):  # what is not read would reset the line
                            pass

        threading.Thread(target=serve, daemon=True).start()
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", url)
        return heard

    yield start
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize("hint", ["100 Continue", "103 Early Hints", "199 Odd"])
def test_hints_before_an_answer_are_passed_over(raw, hint):
    raw(f"HTTP/1.1 {hint}\r\nLink: </a>\r\n\r\n".encode() * 3 + framed(page([log(1)])))
    assert len(ask()) == 1


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("Location: http://[::1/x\r\n", "an address that is none"),
        ("Location: http://127.0.0.1:9/x\r\n", "sends requests on to 127.0.0.1:9;"),
        ("Location: //you:me@b.example/\r\n", "sends requests on to b.example;"),
        ("", "neither answers nor says where else to ask"),
    ],
)
def test_an_odd_redirect_is_one_error_too(raw, location, said):
    heard = raw(framed(b"", location, "302 Found"))
    with pytest.raises(DatadogError, match=re.escape(said)):
        ask()
    assert len(heard) == 1


def test_a_body_of_a_great_many_packed_pieces_is_refused_at_once(raw):
    raw(framed(gzip.compress(b" ") * 50_000, "Content-Encoding: gzip\r\n"))
    with pytest.raises(DatadogError, match="packed in more than 16 pieces"):
        ask()


def test_an_encoding_that_packs_nothing_beside_one_that_does(raw):
    packed = gzip.compress(json.dumps(page([log(1)])).encode())
    raw(framed(packed, "Content-Encoding: identity, GZIP\r\n"))
    assert len(ask()) == 1


def test_a_line_cut_off_while_keys_are_agreed_on_is_asked_again(raw):
    heard = raw(b"", scheme="https")
    with pytest.raises(DatadogError, match="connection broken"):
        ask()
    assert len(heard) == 5


def test_new_cursors_for_ever_over_the_same_rows_end(lying):
    server = lying(lambda _: Say(page([log(1)], cursor=f"c{time.monotonic_ns()}")))
    frame = ask(limit=5000)
    assert evidence(frame)["partial"] == "repeated rows"
    assert frame["id"].tolist() == [log(1)["id"]]
    assert len(server.heard) == 4


def test_rows_of_another_time_than_asked_for_are_kept_and_told(lying):
    early = log(2, timestamp="1999-12-04T14:00:00Z")
    lying([Say(page([log(1), early, log(3)]))])
    frame = ask()
    assert len(frame) == 3
    assert evidence(frame)["warnings"] == ["1 row is of a time outside the window"]


def test_a_recovery_that_is_ages_away_by_a_clock_that_is_wrong_is_no_time(lying):
    headers = {
        "Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT",
        "Date": "Sat, 01 Jan 2000 00:00:00 GMT",
    }
    lying([Say({}, status=429, headers=headers), *pages(1)])
    assert len(ask()) == 3


def test_a_row_of_very_many_fields_keeps_the_first_and_says_so(lying):
    fields = {f"k{at}": at for at in range(5_000)}
    lying([Say(page([log(1, attributes=fields), log(2, attributes={"k1": 7, "new": 1})]))])
    frame = ask(extra_fields=["*"])
    assert frame.shape == (2, 7 + 2_000)
    assert frame["k1"].tolist() == [1, 7]
    assert evidence(frame)["warnings"] == [
        "3,001 values of fields beyond the first 2,000 are left out; name yours"
    ]
