"""Answers to frames: rows as they came, exact, of the promised types; recorded and made-up ones."""

import itertools
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lying import Lying, Say, log, page

from postmortem_nb.datadog import (
    arrays,
    asking,
    calls,
    fields,
    get_datadog_metric,
    logs,
    metrics,
    pace,
    queries,
    search_datadog_events,
    search_datadog_logs,
    search_datadog_spans,
)
from postmortem_nb.errors import BadValue, DatadogError, PostmortemError, QueryError

WINDOW = {"from_": "2025-12-04T14:00:00Z", "to": "2025-12-04T16:00:00Z"}
RECORDED = Path(__file__).parents[1].parent / "shared" / "datadog-recordings"


@pytest.fixture
def say(monkeypatch):
    """Return a function that makes the next answers these, and the server that gives them."""
    started = []

    def start(*bodies):
        server = Lying([body if isinstance(body, Say) else Say(body) for body in bodies])
        started.append(server)
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        return server

    yield start
    for server in started:
        server.__exit__()


def warnings(frame):
    return frame.attrs["evidence"]["warnings"]


# ---- logs


def test_a_log_frame_has_its_columns_and_types(say):
    say(page([log(1)]))
    frame = search_datadog_logs("*", **WINDOW)
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "timestamp": "datetime64[us, UTC]",
        "status": "string",
        "service": "string",
        "host": "string",
        "message": "string",
        "tags": "list<item: string>[pyarrow]",
        "id": "string",
    }
    assert frame["timestamp"][0] == pd.Timestamp("2025-12-04T14:00:01.001Z")


def test_tags_keep_order_and_duplicates(say):
    say(page([log(1)]))
    assert search_datadog_logs("*", **WINDOW)["tags"][0] == ["env:prod", "env:prod", "team:shop"]


def test_null_and_absent_are_both_missing(say):
    bare = {"id": "x", "type": "log", "attributes": {"timestamp": "2025-12-04T14:00:00Z"}}
    say(page([bare, log(2, service=None, message=None, tags=None), {"id": "y"}]))
    frame = search_datadog_logs("*", **WINDOW)
    assert frame["service"].isna().all()
    assert frame["message"].isna().all()
    assert frame["service"][0] is pd.NA
    assert frame["timestamp"].isna().tolist() == [False, False, True]


FIELDS = {
    "http": {"status_code": 500, "ratio": 0.25, "ok": False, "url": "2024-01-01"},
    "usr": {"id": "12345678901234567890", "big": 9007199254740993},
    "list": ["a", "b"],
    "mixed": "text",
}


@pytest.mark.parametrize("path", ["error.message", "a.b.c"])
@pytest.mark.parametrize("pages", [1, 2])
def test_keys_that_hold_dots_are_found_beside_nested_ones(say, path, pages):
    """Before: a flat key was missing where another row was nested, one deeper always."""
    *groups, leaf = path.split(".")
    nested = {leaf: 1}
    for group in reversed(groups):
        nested = {group: nested}
    flat = [{path: 2}, {groups[0]: {path.partition(".")[2]: 3}}, {groups[0]: {"x": 0}, path: 4}]
    first, *rest = [log(n, attributes=tree) for n, tree in enumerate([nested, *flat, {}])]
    if pages == 1:
        say(page([first, *rest]))
    else:
        say(page([first], "a"), page(rest))
    frame = search_datadog_logs("*", **WINDOW, extra_fields=[path], limit=5000)
    assert frame[path].tolist() == [1, 2, 3, 4, pd.NA]


@pytest.mark.parametrize(
    ("what", "one", "three"),
    [
        (
            "rows were no objects and are left out",
            "1 row was no object and is left out",
            "3 rows were",
        ),
        (
            "values were no finite numbers and are missing",
            "1 value was no finite number",
            "3 values",
        ),
        ("series name none of the queries", "1 series names none of the queries", "3 series name"),
        ("points share their time", "1 point shares their time", "3 points share"),
        ("requests", "1 request", "3 requests"),
    ],
)
def test_one_of_something_is_said_as_one(what, one, three):
    """Before: 1 rows, 1 values, in the line below a cell."""
    assert arrays.counted(1, what).startswith(one)
    assert arrays.counted(3, what).startswith(three)
    assert arrays.counted(1, "requests") == "1 request"


@pytest.mark.parametrize("name", ["", "@", " "])
def test_a_field_without_a_name_is_refused(say, name):
    with pytest.raises(QueryError, match="a field has a name"):
        search_datadog_logs("*", **WINDOW, extra_fields=[name])


@pytest.mark.parametrize("at", ["", "@"])
def test_extra_fields_keep_their_values_and_kinds(say, at):
    say(page([log(1, attributes=FIELDS), log(2)]))
    paths = ["http.status_code", "http.ratio", "http.ok", "http.url", "usr.id", "usr.big", "list"]
    frame = search_datadog_logs("*", **WINDOW, extra_fields=[at + path for path in paths])
    assert list(frame.columns[7:]) == paths
    first = frame.iloc[0]
    assert first["http.status_code"] == 500
    assert str(frame["http.status_code"].dtype) == "Int64"
    assert first["http.ratio"] == 0.25
    assert first["http.ok"] is np.False_ or first["http.ok"] is False
    assert first["http.url"] == "2024-01-01"
    assert first["usr.id"] == "12345678901234567890"
    assert first["usr.big"] == 9007199254740993
    assert first["list"] == ["a", "b"]
    assert frame.iloc[1][paths].isna().all()


def test_a_field_of_several_kinds_keeps_each_value(say):
    rows = [log(n, attributes={"x": value}) for n, value in enumerate(["5", 5, 5.5, None, True])]
    say(page(rows))
    frame = search_datadog_logs("*", **WINDOW, extra_fields=["x"])
    assert frame["x"].tolist()[:3] == ["5", 5, 5.5]
    assert frame["x"][3] is pd.NA
    assert frame["x"][4] is True


def test_a_pattern_and_a_group_bring_their_leaves(say):
    say(page([log(1, attributes={"error": {"kind": "A", "at": {"line": 3}}, "other": 1})]))
    expected = ["error.kind", "error.at.line"]
    assert list(search_datadog_logs("*", **WINDOW, extra_fields=["error.*"]))[7:] == expected
    assert list(search_datadog_logs("*", **WINDOW, extra_fields=["error"]))[7:] == expected
    every = search_datadog_logs("*", **WINDOW, extra_fields=["*"])
    assert list(every)[7:] == [*expected, "other"]


def test_an_attribute_named_like_a_column_keeps_its_at(say):
    say(page([log(1, attributes={"status": 200, "service": "inner"})]))
    frame = search_datadog_logs("*", **WINDOW, extra_fields=["@status"])
    assert frame["status"][0] == "error"
    assert frame["@status"][0] == 200


def test_a_field_that_appears_later_or_changes_kind_is_whole(say):
    def row(n, **more):
        return log(n, attributes=more)

    say(
        page([row(1, a=1)], "x"),
        page([row(2, a=2, b="new")], "y"),
        page([row(3, a=2.5)], "z"),
        page([row(4, a="word")], "w"),
        page([row(5)]),
    )
    frame = search_datadog_logs("*", **WINDOW, extra_fields=["*"], limit=5000)
    assert frame["a"].tolist()[:4] == [1, 2, 2.5, "word"]
    assert frame["b"].fillna("-").tolist() == ["-", "new", "-", "-", "-"]


def test_wrong_kinds_in_the_usual_columns_are_kept_as_text_and_counted(say):
    odd = log(1, message=5, service=["a"], host={"n": 1}, tags="env:prod")
    say(page([{**odd, "id": 12345678901234567890}, log(2, tags=["a", 5, None])]))
    frame = search_datadog_logs("*", **WINDOW)
    assert frame["message"][0] == "5"
    assert frame["service"][0] == '["a"]'
    assert frame["id"][0] == "12345678901234567890"
    assert frame["tags"].isna().tolist() == [True, False]
    assert frame["tags"][1] == ["a", "5", None]
    assert "1 value of message was not text" in warnings(frame)


def test_a_time_that_cannot_be_read_loses_no_row(say):
    say(page([log(1, timestamp="yesterday"), log(2)]))
    frame = search_datadog_logs("*", **WINDOW)
    assert frame["timestamp"].isna().tolist() == [True, False]
    assert warnings(frame) == ["1 timestamp could not be read"]


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("2022-04-11T16:29:47.401Z", "2022-04-11T16:29:47.401Z"),
        ("2022-04-11T16:29:47.66Z", "2022-04-11T16:29:47.660Z"),
        ("2022-04-11T16:29:47+02:00", "2022-04-11T14:29:47Z"),
        ("2022-04-11T16:29:47.123456+00:00", "2022-04-11T16:29:47.123456Z"),
        (1649694587401, "2022-04-11T16:29:47.401Z"),
    ],
)
def test_every_way_of_writing_a_time_is_read(say, stamp, moment):
    say(page([log(1, timestamp=stamp)]))
    assert search_datadog_logs("*", **WINDOW)["timestamp"][0] == pd.Timestamp(moment)


BROKEN = {
    "half a character": (b'"\\ud800x"', "\ufffdx"),
    "bad bytes": (b'"\xffx"', "\ufffdx"),
    "a whole emoji": (b'"\\ud83e\\udd86"', "\N{DUCK}"),
    "a nul": (b'"a\\u0000b"', "a\0b"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_one_bad_character_loses_no_row(say, case):
    written, read = BROKEN[case]
    body = orjson.dumps(page([log(1), log(2, message="PLACE")])).replace(b'"PLACE"', written)
    say(body)
    frame = search_datadog_logs("*", **WINDOW)
    assert frame["message"].tolist() == ["message 1", read]


NUMBERS = [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5000]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: n[:9].decode())
def test_a_number_that_is_none_loses_no_row(say, number):
    body = orjson.dumps(page([log(1, attributes={"n": 777})])).replace(b"777", number)
    say(body)
    frame = search_datadog_logs("*", **WINDOW, extra_fields=["n"])
    assert len(frame) == 1
    assert frame["n"].isna().all()


def test_a_byte_order_mark_and_blanks_are_skipped(say):
    say(b"\xef\xbb\xbf \n" + orjson.dumps(page([log(1)])) + b"\n")
    assert len(search_datadog_logs("*", **WINDOW)) == 1


def test_duplicate_keys_and_unknown_ones_are_taken(say):
    body = orjson.dumps(page([log(1)])).replace(
        b'"type":"log"', b'"type":"log","type":"x","new":[1]'
    )
    say(body)
    assert len(search_datadog_logs("*", **WINDOW)) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
attribute_sets = st.dictionaries(
    st.sampled_from(["a", "b", "c.d", "tags"]), json_values, max_size=4
)


@settings(max_examples=150, deadline=None)
@given(st.lists(attribute_sets, min_size=1, max_size=4), st.sampled_from([["*"], ["a", "@b"], []]))
def test_the_fast_way_and_the_careful_way_give_the_same(rows, asked):
    """A page read after pages of its own kind is what it is when read value by value."""
    body = json.dumps(page([log(n, attributes=inner) for n, inner in enumerate(rows)])).encode()
    wanted = fields.Wanted(asked)
    quick, careful = logs.Reader(wanted, arrays.Notes()), logs.Reader(wanted, arrays.Notes())
    quick(body)
    fast = logs.frame([quick(body).rows], wanted, arrays.Notes())
    slow = logs.frame([careful._careful(body).rows], wanted, arrays.Notes())
    pd.testing.assert_frame_equal(fast, slow[list(fast)], check_like=True)


# ---- spans


def span(**more):
    attributes = {
        "service": "checkout",
        "env": "prod",
        "host": "i-1",
        "resource_name": "GET /cart",
        "operation_name": "checkout.request",
        "start_timestamp": "2025-12-04T14:00:00.164Z",
        "end_timestamp": "2025-12-04T14:00:00.164Z",
        "trace_id": "7817822160947910556",
        "span_id": "3601830290946202752",
        "parent_id": "0",
        "tags": ["a:b", "a:b"],
        "custom": {"duration": 514697, "error": {"type": "PoolTimeout", "message": "no slot"}},
    }
    return {"id": "s1", "type": "spans", "attributes": attributes | more}


def test_a_span_is_exact_to_the_nanosecond_and_its_ids_are_texts(say):
    server = say({"data": [span()]})
    frame = search_datadog_spans("service:checkout", **WINDOW, custom_attributes=["@error.type"])
    row = frame.iloc[0]
    assert row["duration"] == pd.Timedelta(514697, "ns")
    assert (row["trace_id"], row["span_id"], row["parent_id"]) == (
        "7817822160947910556",
        "3601830290946202752",
        "0",
    )
    assert row["timestamp"] == pd.Timestamp("2025-12-04T14:00:00.164Z")
    assert (row["error.type"], row["error.message"]) == ("PoolTimeout", "no slot")
    assert row["tags"] == ["a:b", "a:b"]
    assert pd.isna(row["status"])
    sent = server.heard[0].json["data"]
    assert sent["type"] == "search_request"
    assert sent["attributes"]["page"] == {"limit": 1000}


def test_an_id_that_came_as_a_number_is_exact_too(say):
    say({"data": [span(trace_id=2**127 + 1)]})
    assert search_datadog_spans("*", **WINDOW)["trace_id"][0] == str(2**127 + 1)


def test_a_span_without_a_duration_has_none(say):
    found = [{}, {"duration": "x"}, {"duration": 10**400}, {"duration": 2.0}]
    say({"data": [span(custom=custom) for custom in found]})
    frame = search_datadog_spans("*", **WINDOW)
    assert frame["duration"].isna().tolist() == [True, True, True, False]


def test_custom_attributes_come_as_columns(say):
    say({"data": [span(custom={"duration": 1, "http": {"status_code": "200"}, "n": 3})]})
    frame = search_datadog_spans("*", **WINDOW, custom_attributes=["http.*", "@n"])
    assert frame["http.status_code"][0] == "200"
    assert frame["n"][0] == 3


# ---- events


def test_an_event_and_its_source(say):
    inner = {
        "title": "Deploy",
        "status": "info",
        "service": "undefined",
        "timestamp": 1764857312000,
    }
    outer = {
        "timestamp": "2025-12-04T14:08:32Z",
        "message": "v2",
        "tags": ["source:my_apps", "source:my_apps"],
    }
    server = say(
        {"data": [{"id": "e", "type": "event", "attributes": outer | {"attributes": inner}}]}
    )
    frame = search_datadog_events("source:deploy", **WINDOW)
    order = ["timestamp", "title", "message", "source", "status", "service", "tags", "id"]
    assert list(frame) == order
    assert frame.drop(columns=["timestamp", "tags"]).iloc[0].tolist() == [
        "Deploy",
        "v2",
        "my_apps",
        "info",
        "undefined",
        "e",
    ]
    assert server.heard[0].json["filter"]["from"] == "2025-12-04T14:00:00.000Z"


# ---- metrics

UNIT = [{"family": "time", "name": "second", "short_name": "s"}, None]
RATE = [{"name": "hit"}, {"name": "second"}]


def v2(series, times, values):
    attributes = {"series": series, "times": times, "values": values}
    return {"data": {"id": "0", "type": "timeseries_response", "attributes": attributes}}


def test_v2_is_tidy_sparse_and_names_query_series_and_unit(say):
    series = [
        {"group_tags": ["host:a", "zone:x"], "query_index": 0, "unit": UNIT},
        {"group_tags": [], "query_index": 1, "unit": RATE},
    ]
    server = say(v2(series, [1764856800000, 1764856920000], [[1.5, None], [2, 3]]))
    frame = get_datadog_metric(["avg:a{*} by {host,zone}", "sum:b{*}"], **WINDOW)
    assert list(frame) == ["timestamp", "query", "series", "value", "unit"]
    assert frame["series"].tolist() == ["host:a,zone:x"] * 2 + ["*"] * 2
    assert frame["query"].tolist() == ["avg:a{*} by {host,zone}"] * 2 + ["sum:b{*}"] * 2
    assert frame["unit"].tolist() == ["second"] * 2 + ["hit/second"] * 2
    assert frame["value"].isna().tolist() == [False, True, False, False]
    assert str(frame["value"].dtype) == "Float64"
    assert frame["timestamp"].iloc[1] - frame["timestamp"].iloc[0] == pd.Timedelta("2min")
    sent = server.heard[0].json["data"]["attributes"]
    assert sent["from"] == 1764856800000
    assert sent["formulas"] == [{"formula": "query0"}, {"formula": "query1"}]
    assert "interval" not in sent


def test_formulas_are_returned_in_place_of_their_queries(say):
    server = say(v2([{"group_tags": [], "query_index": 0, "unit": None}], [1], [[7]]))
    frame = get_datadog_metric(
        ["sum:e{*}", "sum:h{*}"], **WINDOW, formulas=["query0 / query1 * 100"], interval="5m"
    )
    assert frame["query"].tolist() == ["query0 / query1 * 100"]
    assert frame["unit"].isna().all()
    sent = server.heard[0].json["data"]["attributes"]
    assert sent["interval"] == 300_000
    assert [query["name"] for query in sent["queries"]] == ["query0", "query1"]


MINUTE = 60_000
DAY = 1440 * MINUTE
NOON = 1764763200000  # 2025-12-03 12:00 UTC


def test_an_interval_is_kept_over_a_long_window_in_slices_that_begin_at_midnight(say):
    """Three days of minutes from noon to noon are four parts, none over 1,440 buckets."""
    midnights = [1764806400000, 1764892800000, 1764979200000]
    edges = [NOON, *midnights, NOON + 3 * DAY]
    one = {"group_tags": ["host:a"], "query_index": 0, "unit": UNIT}
    two = {"group_tags": ["host:b"], "query_index": 0, "unit": None}
    answers = [
        v2([one], [edges[0]], [[1]]),
        v2([two], [edges[1]], [[5]]),
        v2([], [], []),
        v2([one, two], [edges[3]], [[2], [6]]),
    ]
    server = say(*answers)
    frame = get_datadog_metric("sum:a{*} by {host}", edges[0], edges[-1], interval="60s")
    sent = [heard.json["data"]["attributes"] for heard in server.heard]
    assert [(each["from"], each["to"]) for each in sent] == list(itertools.pairwise(edges))
    assert {each["interval"] for each in sent} == {MINUTE}
    assert frame["series"].tolist() == ["host:a", "host:a", "host:b", "host:b"]
    assert frame["value"].tolist() == [1, 2, 5, 6]
    assert [moment.hour for moment in frame["timestamp"]] == [12, 0, 0, 0]
    assert frame.attrs["evidence"]["complete"]


def test_a_slice_that_does_not_come_is_said_with_its_beginning(say):
    series = [{"group_tags": [], "query_index": 0, "unit": None}]
    say(v2(series, [NOON], [[1]]), Say({"errors": ["no"]}, status=403))
    frame = get_datadog_metric("sum:a{*}", NOON, NOON + 2 * DAY, interval="60s")
    assert len(frame) == 1
    partial = frame.attrs["evidence"]["partial"]
    assert not frame.attrs["evidence"]["complete"]
    assert partial.endswith("from 2025-12-04 00:00 UTC on")


def test_an_interval_far_too_fine_for_its_window_is_refused_before_it_is_asked(say):
    server = say(v2([], [], []))
    with pytest.raises(QueryError, match="interval: expected at most 288,000 points") as refused:
        get_datadog_metric("sum:a{*}", NOON, NOON + 30 * DAY, interval="1s")
    assert "for example '9s'" in str(refused.value)  # 30 days / 288,000 = 9 s
    assert not server.heard


def v1(points, **more):
    series = {"metric": "m", "scope": "host:a,env:b", "tag_set": ["host:a", "env:b"], "unit": UNIT}
    series |= {"query_index": 0, "interval": 300, "expression": "avg:m{*}", "pointlist": points}
    return {"status": "ok", "series": [series | more], "message": ""}


def test_where_there_is_no_v2_the_first_version_is_asked(say):
    missing = Say({"errors": ["Not found"]}, status=404)
    server = say(missing, v1([[1764856800000, 1.5], [1764857100000, None]]), v1([]))
    frame = get_datadog_metric(["avg:m{*} by {host,env}", "avg:n{*}"], **WINDOW)
    assert frame["series"].tolist() == ["host:a,env:b"] * 2
    assert frame["value"].isna().tolist() == [False, True]
    assert frame["unit"].tolist() == ["second"] * 2
    assert "/api/v1/query?" in server.heard[1].path
    assert "from=1764856800&to=1764864000" in server.heard[1].path
    assert frame.attrs["evidence"]["complete"] is True


def test_a_first_version_answer_with_an_error_is_an_error(say):
    say({"status": "error", "error": "Unknown metric function", "series": []})
    with pytest.raises(DatadogError, match="Unknown metric function"):
        get_datadog_metric("avg:x{*}", **WINDOW)


@pytest.mark.parametrize("odd", [True, 5, 1.5, "x", {}])
def test_series_that_are_no_list_are_refused(say, odd):
    for body in ({"data": {"attributes": {"series": odd}}}, {"status": "ok", "series": odd}):
        say(body)
        with pytest.raises(DatadogError, match="an answer without data"):
            get_datadog_metric("avg:x{*}", **WINDOW)


def test_an_answer_to_something_else_is_no_empty_metric(say):
    say({"data": {"type": "dashboard", "attributes": {"title": "x"}}})
    with pytest.raises(DatadogError, match="an answer without data"):
        get_datadog_metric("avg:x{*}", **WINDOW)


def test_no_data_is_an_empty_frame_of_the_same_types(say):
    say(v2([], [], []))
    frame = get_datadog_metric("avg:x{*}", **WINDOW)
    assert len(frame) == 0
    assert str(frame["timestamp"].dtype) == "datetime64[us, UTC]"
    assert str(frame["value"].dtype) == "Float64"


@given(
    st.lists(
        st.none()
        | st.floats()
        | st.integers(-(10**400), 10**400)
        | st.text(max_size=3)
        | st.booleans(),
        max_size=30,
    )
)
def test_values_are_those_that_came_to_the_last_bit(values):
    """Compared with a slow oracle: a float where there was a finite one, missing elsewhere."""
    notes = arrays.Notes()
    body = json.dumps(v2([{"query_index": 0}], list(range(len(values))), [values])).encode()
    frame = metrics.frame(metrics.lines(metrics.read(body), ["q"], notes))
    assert len(frame) == len(values)
    for came, kept in zip(values, frame["value"], strict=True):
        if number(came) is None:
            assert kept is pd.NA
        else:
            assert kept == number(came)


def number(value):
    """Return the finite float that a JSON value is, None where it is none; true is 1."""
    try:
        found = float(value) if isinstance(value, (int, float)) else math.nan
    except OverflowError:
        found = math.inf
    return found if math.isfinite(found) else None


def test_points_out_of_order_are_sorted_and_doubles_kept(say):
    times = [1764856920000, 1764856800000, 1764856800000]
    say(v2([{"query_index": 0}], times, [[3, 1, 2]]))
    frame = get_datadog_metric("avg:x{*}", **WINDOW)
    assert frame["value"].tolist() == [1, 2, 3]
    assert warnings(frame) == [
        "1 series came out of order and was sorted by time",
        "1 point shares their time with another of the same series",
    ]


def test_points_that_are_no_pairs_are_left_out_and_counted(say):
    say(Say({"errors": []}, status=404), v1([[1, 2], [3], None, [1, 2, 3], ["x", 1]]))
    frame = get_datadog_metric("avg:m{*}", **WINDOW)
    assert len(frame) == 1
    assert frame.attrs["evidence"]["partial"] == "4 points were no pair of time and value"


# ---- arguments


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sort": "time"}, "sort: expected one of timestamp, -timestamp"),
        ({"storage_tier": "cold"}, "storage_tier"),
        ({"limit": 0}, "limit: expected a number of rows"),
        ({"limit": True}, "limit"),
        ({"limit": "10"}, "limit"),
        ({"extra_fields": 5}, "extra_fields: expected a list of texts"),
        ({"extra_feilds": []}, "did you mean extra_fields"),
        ({"from": "now"}, "'from' was given twice"),
        ({"query": 5}, "query: expected a search"),
    ],
)
def test_a_wrong_argument_is_one_line(settings, says):
    with pytest.raises(QueryError, match=says):
        search_datadog_logs(**WINDOW, **settings)


class Unsaid:
    """An object that cannot be shown."""

    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    "odd",
    [True, -1, math.nan, math.inf, 10**30, b"x", Unsaid(), pd.NA, pd.NaT, np.float64(2), {"a": 1}],
)
@pytest.mark.parametrize(
    ("function", "name"), [(f, n) for f in queries.PARAMETERS for n in queries.PARAMETERS[f]]
)
def test_an_argument_of_any_kind_is_taken_or_one_line(monkeypatch, function, name, odd):
    monkeypatch.setenv("POSTMORTEM_DATADOG_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(pace, "_FIRST_BACKOFF", 0.001)
    known = {"sql_query": "SELECT service FROM logs", "queries": ["avg:a{*}"]}
    arguments = {key: known[key] for key in known.keys() & queries.PARAMETERS[function].keys()}
    with pytest.raises(PostmortemError) as caught:  # refused, or nobody answers at that address
        queries.run(function, {**arguments, **WINDOW, name: odd})
    assert len(str(caught.value).splitlines()) <= 6


def test_a_limit_may_be_numpys(say):
    server = say(page([log(1)]))
    search_datadog_logs("*", **WINDOW, limit=np.int64(7))
    assert server.heard[0].json["page"] == {"limit": 7}


def test_from_may_be_given_by_its_own_name(say):
    say({"data": []})
    frame = search_datadog_logs("*", to="now", **{"from": "now-1h"})
    assert frame.attrs["evidence"]["call"].count("from=") == 1


def test_now_is_a_whole_second(say):
    """The window stands under every chart: nobody reads microseconds there."""
    say({"data": []})
    told = search_datadog_logs("*", from_="now-1h", to="now").attrs["evidence"]
    assert "." not in told["from"] + told["to"]


@pytest.mark.parametrize(
    "window",
    [
        {"from_": "2025-12-04T16:00Z", "to": "2025-12-04T14:00Z"},
        {"from_": "now", "to": "now"},
        {"to": "now"},
    ],
)
def test_a_window_that_is_none_is_refused(window):
    with pytest.raises(QueryError, match=r"before|expected a time"):
        search_datadog_logs("*", **window)


@pytest.mark.parametrize("start", ["yesterday", "2025-12-04T14:00", 10**20, object()])
def test_a_time_without_a_zone_or_sense_is_refused(start):
    with pytest.raises(BadValue, match="from"):
        search_datadog_logs("*", start, "now")


def test_the_record_says_what_was_asked_of_whom_and_when(say):
    server = say(page([log(1)]))
    frame = search_datadog_logs("status:error", **WINDOW)
    record = frame.attrs["evidence"]
    assert record["call"] == (
        'search_datadog_logs(\n  query="status:error",\n  from="2025-12-04T14:00:00Z",\n'
        '  to="2025-12-04T16:00:00Z"\n)'
    )
    assert (record["from"], record["to"]) == ("2025-12-04T14:00:00Z", "2025-12-04T16:00:00Z")
    assert record["site"] == server.url.removeprefix("http://")
    assert record["rows"] == 1
    assert record["sandbox"] is False
    assert (
        abs(datetime.fromisoformat(record["fetched_at"]) - datetime.now(UTC)).total_seconds() < 60
    )
    assert len(record["sha256"]) == 64
    json.dumps(record)


@pytest.mark.parametrize(
    ("call", "address"),
    [
        (
            "search_datadog_logs(query='service:a', ",
            "logs?query=service%3Aa&from_ts=START&to_ts=END&live=false",
        ),
        (
            "analyze_datadog_logs(filter='env:b', sql_query='SELECT 1 FROM logs', ",
            "logs?query=env%3Ab&from_ts=START&to_ts=END&live=false",
        ),
        (
            "search_datadog_spans(query='service:a', ",
            "apm/traces?query=service%3Aa&start=START&end=END&paused=true",
        ),
        (
            "search_datadog_events(query='source:ci', ",
            "event/explorer?query=source%3Aci&from_ts=START&to_ts=END&live=false",
        ),
        (
            "get_datadog_metric(queries=['p95:trace.web{a:b} by {host}'], ",
            "metric/explorer?exp_agg=p95&exp_metric=trace.web&exp_scope=a%3Ab&exp_group=host&WINDOW",
        ),
    ],
)
def test_every_answer_links_to_the_same_view(monkeypatch, call, address):
    monkeypatch.setenv("DD_SITE", "datadoghq.eu")
    monkeypatch.setenv("DD_API_KEY", "0123456789abcdef0123456789abcdef")
    monkeypatch.setenv("DD_APP_KEY", "fedcba9876543210fedcba9876543210fedcba98")
    found = calls.parse(f'{call}from="2025-12-04T14:00Z", to="2025-12-04T16:00Z")')
    arguments = {**queries.PARAMETERS[found.function], **found.arguments}
    asked = asking.Asking(found.function, found.arguments, arguments)
    window = "start=1764856800000&end=1764864000000&paused=true"
    address = address.replace("START", "1764856800000").replace("END", "1764864000000")
    link = asked.record(pd.DataFrame()).attrs["evidence"]["link"]
    assert link == f"https://app.datadoghq.eu/{address.replace('WINDOW', window)}"


def test_a_sandbox_says_that_it_is_one(say):
    say(Say(page([log(1)]), headers={"X-Postmortem-Sandbox": "1"}))
    assert search_datadog_logs("*", **WINDOW).attrs["evidence"]["sandbox"] is True


# ---- recorded answers of the real API


def recorded(name):
    """Return the recorded answers of one file, or our own small ones of the same shape."""
    path = RECORDED / f"{name}.json"
    if path.is_file():
        return [entry["response"]["body"] for entry in json.loads(path.read_text("utf-8"))]
    return OWN[name]


OWN = {
    "v2-get_a_list_of_logs_with_pagination": [
        page([log(1), log(2)], "a"),
        page([log(3, attributes={"http": {"status_code": 200}, "duration": 1800000.0})], "b"),
        {"data": []},
    ],
    "v2-get_a_list_of_spans": [{"data": [span()]}],
    "v2-timeseries_cross_product_query": [
        v2([{"group_tags": [], "query_index": 0, "unit": None}], [1711977645000], [[1]])
    ],
    "v1-query_timeseries_points": [v1([[1641344100000, 91.458]], tag_set=[], scope="*")],
}


def test_recorded_logs_come_as_they_were_recorded(say):
    bodies = recorded("v2-get_a_list_of_logs_with_pagination")
    say(*bodies)
    frame = search_datadog_logs("*", **WINDOW, limit=5000, extra_fields=["*"])
    rows = [row for body in bodies for row in body["data"]]
    assert frame["id"].tolist() == [row["id"] for row in rows]
    for at, row in enumerate(rows):
        assert frame["tags"][at] == row["attributes"]["tags"]
        assert frame["message"][at] == row["attributes"]["message"]
        assert frame["timestamp"][at] == pd.Timestamp(row["attributes"]["timestamp"])
    assert frame["http.status_code"].iloc[-1] == 200
    assert frame["duration"].iloc[-1] == 1800000.0


def test_recorded_spans_come_as_they_were_recorded(say):
    bodies = recorded("v2-get_a_list_of_spans")
    say(*bodies)
    frame = search_datadog_spans("*", **WINDOW)
    for at, row in enumerate(bodies[0]["data"]):
        attributes = row["attributes"]
        assert frame["duration"][at].value == attributes["custom"]["duration"]
        assert frame["trace_id"][at] == attributes["trace_id"]
        assert frame["tags"][at] == attributes["tags"]
        assert frame["timestamp"][at] == pd.Timestamp(attributes["start_timestamp"])


@pytest.mark.parametrize(
    "name", ["v2-timeseries_cross_product_query", "v1-query_timeseries_points"]
)
def test_recorded_metrics_come_as_they_were_recorded(say, name):
    (body,) = recorded(name)
    say(body)
    frame = get_datadog_metric("avg:x{*}", **WINDOW)
    if "series" in body:
        points = body["series"][0]["pointlist"]
    else:
        inner = body["data"]["attributes"]
        points = list(zip(inner["times"], inner["values"][0], strict=True))
    assert frame["value"].tolist() == [value for _, value in points]
    assert [moment.timestamp() * 1000 for moment in frame["timestamp"]] == [ms for ms, _ in points]
    assert frame["series"].unique().tolist() == ["*"]
