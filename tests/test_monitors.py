"""Monitors read as Datadog writes them, and evaluated: every figure is worked by hand here."""

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import isnan, nan

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postmortem_nb.datadog import expression
from postmortem_nb.errors import QueryError
from postmortem_nb.monitors import evaluation, limits, reading

NOON = datetime(2025, 12, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
A = "avg:a{*}"


def at(clock):
    hours, minutes = map(int, clock.split(":"))
    return NOON.replace(hour=hours, minute=minutes)


def points(values, *, query=A, series="*", start=NOON, step=MINUTE, unit=None):
    """Return a frame of points, one each ``step``; None is a point that did not come."""
    rows = [
        {"timestamp": start + step * n, "query": query, "series": series, "value": value}
        for n, value in enumerate(values)
        if value is not None
    ]
    frame = pd.DataFrame(rows, columns=["timestamp", "query", "series", "value"])
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True).astype("datetime64[us, UTC]")
    frame["unit"] = pd.array([unit] * len(frame), dtype="string")
    return frame.astype({"value": "Float64", "query": "string", "series": "string"})


def tried(query, frame, start, end, *, threshold=None, step=MINUTE, missing=""):
    monitor = reading.read(query, threshold)
    limit, recovery = limits.own(monitor, frame)
    return evaluation.evaluate(
        monitor, frame, limit=limit, recovery=recovery, start=at(start), end=at(end), step=step,
        missing=missing,
    )  # fmt: skip


def alarms(found, start, end):
    return [
        (
            f"{alarm.start:%H:%M}",
            f"{alarm.end:%H:%M}",
            (alarm.end - alarm.start) / MINUTE,
            alarm.group,
        )
        for alarm in found.alarms(at(start), at(end))
    ]


# ---- reading


@pytest.mark.parametrize(
    ("query", "how", "minutes", "sign", "limit", "queries"),
    [
        (
            "avg(last_5m):sum:checkout.errors{env:prod} by {service}.as_rate() > 5",
            "avg", 5, ">", 5, ["sum:checkout.errors{env:prod} by {service}.as_rate()"],
        ),
        (
            "sum(last_1h): sum:e{a:b AND NOT c:d}.as_count() / sum:h{*}.as_count() >= 0.072",
            "sum", 60, ">=", 0.072, ["sum:e{a:b AND NOT c:d}.as_count()", "sum:h{*}.as_count()"],
        ),
        ("min(last_1d):\n  avg:disk{*}\n < -1.5e3", "min", 1440, "<", -1500, ["avg:disk{*}"]),
        ("MAX(last_4H) : p99.9:t{*} <= 3", "max", 240, "<=", 3, ["p99.9:t{*}"]),
        (
            "avg(last_5m):default_zero(sum:e{*}.as_rate()) * 100 / (sum:h{*}.as_rate() + 1) > 5",
            "avg", 5, ">", 5, ["default_zero(sum:e{*}.as_rate())", "sum:h{*}.as_rate()"],
        ),
        ("avg(last_5m):avg:a{*} - avg:a{*} > 5", "avg", 5, ">", 5, ["avg:a{*}"]),
        (
            "avg(last_5m):week_before(avg:a{*}) > 1", "avg", 5, ">", 1, ["week_before(avg:a{*})"],
        ),
        (
            "avg(last_5m):clamp_min(avg:a{*}, 0) > 1", "avg", 5, ">", 1, ["clamp_min(avg:a{*}, 0)"],
        ),
    ],
)  # fmt: skip
def test_a_whole_monitor_is_read(query, how, minutes, sign, limit, queries):  # noqa: PLR0917
    found = reading.read(query, "whatever the row's threshold says in words")
    assert (found.aggregation, found.window, found.sign) == (how, minutes * MINUTE, sign)
    assert found.limit == limit
    assert expression.queries(found.node) == queries


@pytest.mark.parametrize(
    ("threshold", "condition"),
    [
        ("> 5", "avg(last_5m):avg:a{*} > 5"),
        ("5", "avg(last_5m):avg:a{*} > 5"),
        ("≥ 1,500", "avg(last_5m):avg:a{*} >= 1500"),
        ("below 3 over 15 minutes", "avg(last_15m):avg:a{*} < 3"),
        ("> 5 for 10 min", "min(last_10m):avg:a{*} > 5"),
        ("< 5 for 1 hour", "max(last_1h):avg:a{*} < 5"),
        ("> 5 at least once in the last 4h", "max(last_4h):avg:a{*} > 5"),
        ("at least 5 at all times over 10m", "min(last_10m):avg:a{*} >= 5"),
        ("above 100 in total over 5 min", "sum(last_5m):avg:a{*} > 100"),
        ("> 100 errors in 5m", "avg(last_5m):avg:a{*} > 100"),
        ("> 5 on average for 10 min.", "avg(last_10m):avg:a{*} > 5"),
        ("> 2k over 5m", "avg(last_5m):avg:a{*} > 2000"),
        ("> 0.08 K", "avg(last_5m):avg:a{*} > 80"),
        ("> 1M for 10 min", "min(last_10m):avg:a{*} > 1000000"),
        ("> 1.5 million errors in 5m", "avg(last_5m):avg:a{*} > 1500000"),
        ("< 2bn", "avg(last_5m):avg:a{*} < 2000000000"),
        ("> 3 Mio", "avg(last_5m):avg:a{*} > 3000000"),
    ],
)
def test_a_metric_query_takes_its_condition_from_the_threshold(threshold, condition):
    assert reading.read(A, threshold).query() == condition


def test_what_a_threshold_leaves_out_is_assumed_and_said():
    assert reading.read(A, "80").assumed == (
        "no window is named: 5m taken; no comparison is named: > taken"
    )
    assert reading.read(A, "> 80 over 5m").assumed == ""


def test_a_query_without_a_unit_is_said_to_have_none():
    monitor = reading.read(A, "> 800 ms")
    with pytest.raises(QueryError, match="Datadog names no unit for its query; write the number"):
        limits.own(monitor, points([1.0]))


def test_a_count_is_taken_in_total_unless_said_otherwise():
    assert reading.read("sum:e{*}.as_count()", "> 9 in 10m").query() == (
        "sum(last_10m):sum:e{*}.as_count() > 9"
    )


@pytest.mark.parametrize(
    ("query", "threshold", "recovery"),
    [
        ("avg(last_5m):avg:a{*} > 5", "> 5, recovers below 3", 3),
        ("avg(last_5m):avg:a{*} > 5", "7 % (the budget)", None),
        (A, "> 5 for 10 min, recovery threshold: 4.5", 4.5),
        (A, "< 5, recovers at 6", 6),
        (A, "> 2k, recovers below 1.5k", 1500),
        ("avg(last_5m):avg:a{*} > 2000", "> 2k, recovers below 1.5k", 1500),
    ],
)
def test_a_recovery_threshold_is_read(query, threshold, recovery):
    assert reading.read(query, threshold).recovery == recovery


@pytest.mark.parametrize("query", ["avg(last_5m):avg:a{*} > 20", A])
@pytest.mark.parametrize(
    ("threshold", "known"),
    [
        ("> 20, warning 15", (15, None)),
        ("> 20 warn > 15, recovers at 12", (15, 12)),
        ("critical: 20, warning: 15, recovery: 12", (15, 12)),
        ("> 20 (warns at 15)", (15, None)),
    ],
)
def test_a_warning_threshold_is_read(query, threshold, known):
    found = reading.read(query, threshold)
    assert (found.warning, found.recovery) == known
    assert found.limit == 20


def test_an_alert_for_no_data_is_told_as_not_tried():
    found = reading.read("avg(last_5m):avg:a{*} > 20", "> 20; notify if no data for 10 minutes")
    assert found.assumed == "an alert for no data is not tried"


@pytest.mark.parametrize(
    "threshold",
    [
        "> 20 items for 10 min; no data after 15 min",
        "> 20 items for 10 min, notify on no-data for 15 minutes",
        "> 20 items for 10 min (no data: alert)",
    ],
)
def test_an_alert_for_no_data_beside_a_condition_is_told_too(threshold):
    """Before: "expected a condition, for example '> 5 % for 10 min'", which it was."""
    found = reading.read(A, threshold)
    assert found.query() == reading.read(A, "> 20 items for 10 min").query()
    assert found.assumed == "an alert for no data is not tried"


@pytest.mark.parametrize(
    "more",
    [
        "; alert after 5 minutes without data",
        ", notify after 10 min of no data",
        ", notify_no_data: true, no_data_timeframe: 10",
        "; on_missing_data: show_and_notify_no_data",
        ", alert if data is missing",
        "; missing data for 10 min",
        ", alert when data stops",
        ", absent for 5 min",
    ],
)
@pytest.mark.parametrize("query", [A, "min(last_10m):avg:a{*} > 20"])
def test_an_alert_for_no_data_in_other_words_is_told(query, more):
    """Before: no condition, of a metric; of a whole monitor nothing was said of it."""
    found = reading.read(query, f"> 20 items for 10 min{more}")
    assert found.query() == reading.read(A, "> 20 items for 10 min").query()
    assert found.assumed == "an alert for no data is not tried"


def test_options_of_missing_data_that_alarm_nobody_are_no_alert():
    found = reading.read(A, "> 20 items for 10 min, notify_no_data: false")
    assert not found.assumed
    found = reading.read(A, "> 20 items for 10 min; on_missing_data: resolve")
    assert found.assumed == "what becomes of missing data is tried by Datadog's default alone"


@pytest.mark.parametrize("only", ["alert after 5 minutes without data", "no data for 10m"])
def test_a_monitor_for_no_data_alone_is_known_as_one(only):
    """Before: "expected a condition", as if it had none."""
    with pytest.raises(QueryError, match="it alarms where no data come"):
        reading.read(A, only)


def test_for_at_least_so_long_is_for_so_long():
    found = reading.read(A, "above 20 for at least 10 minutes")
    assert found.query() == reading.read(A, "> 20 for 10 min").query()


@pytest.mark.parametrize(
    ("query", "threshold", "says"),
    [
        (None, None, "no query yet"),
        (
            'logs("x").index("*").rollup("cardinality", "@u").last("5m") > 1',
            "",
            "the cardinality",
        ),
        (
            'logs("x").rollup("cardinality", "@usr.id").last("5m") > 1',
            "",
            "the cardinality of logs",
        ),
        ('logs("x").rollup("count").last("5m")', "", "a count of logs"),
        ('rum("x").rollup("count").last("5m") > 1', "", "counts rum"),
        (
            'error-tracking-rum("x").rollup("count").by("@issue.id").last("1h") >= 1',
            "",
            "counts error-tracking-rum",
        ),
        ('audits("x").rollup("count").last("5m") > 1', "", "counts audits"),
        ("processes('x').over('*').rollup('count').last('5m') < 1", "", "counts processes"),
        ('formula("a / b * 100").last("5m") > 5', "", "its formula stand elsewhere"),
        ("avg(last_7x):avg:a{*} > 5", "", "a window as Datadog writes it"),
        ("avg(last_4h):anomalies(avg:a{*}, 'basic', 2) >= 1", "", "anomalies(…) learns"),
        ("max(next_1w):forecast(avg:a{*}, 'linear', 1) >= 1", "", "forecast(…) learns"),
        ("pct_change(avg(last_5m),current_1d):avg:a{*} > 5", "", "another window"),
        ("change(avg(last_5m),last_90d):avg:a{*} > 5", "", "1 minute to 30 days"),
        ("avg(last_5m):avg:a{*} > 5 && avg(last_5m):avg:b{*} > 5", "", "join them as #1 && #2"),
        (
            '"http.can_connect".over("*").by("host").last(2).count_by_status()',
            "",
            "states of a check",
        ),
        ('error_budget("abc").over("7d") > 75', "", "SLO"),
        ("sum(current_1mo):sum:a{*}.as_count() > 5", "", "window"),
        ("avg(last_5m):cumsum(avg:a{*}) > 5", "", "cumsum(…)"),
        ("avg(last_5m):avg:a{*} by {x} / avg:b{*} > 5", "", "grouped differently"),
        ("avg(last_5m):avg:a{*}.rollup(60) / avg:b{*} > 5", "", "rolled up differently"),
        ("avg(last_5m):sum:e{*}.as_count() > 5", "", "only sum(last_…)"),
        ("avg(last_5m):avg:a{*}", "", "a condition at its end"),
        ("avg(last_5m):avg:a{*} == 5", "", "expected >, >=, < or <="),
        ("avg(last_0m):avg:a{*} > 5", "", "from 1 minute to 30 days"),
        ("avg(last_5m):5 > 3", "", "a metric"),
        ("avg(last_5m):avg:a{*} > 1e999", "", "a finite number"),
        ("avg(last_5m):avg:a{*}.rollup(max, 3600) > 5", "", "rollup of 3,600 seconds"),
        ("avg(last_5m):avg:a{* > 3", "", "a metric"),
        (A, "high", "> 5 % for 10 min"),
        (A, None, "> 5 % for 10 min"),
        (A, "> 5 unless it rains", "> 5 % for 10 min"),
        (A, "> 5, recovers below 7", "other side"),
        ("avg(last_5m):avg:a{*} > 5", "> 5, warning 7", "expected warning on the other side"),
        (A, "> 5 Mi", "expected a unit, for example 'ms', or what is counted; got 'Mi'"),
        (A, "> 5 m", "got 'm'"),
        (A, "> 20/min", "no unit begins with a slash; got '> 20/min'"),
        ("avg(last_5m):avg:a{*} > 2.5s", "", "in the query's own unit, without naming it"),
        (A, "> 1,5 %", "> 5 % for 10 min"),
        ("(" * 900 + A, "> 5", "within one another"),
        ("a" * 9000, "> 5", "8,192 characters"),
    ],
)
def test_what_cannot_be_tried_says_why_on_one_line(query, threshold, says):
    with pytest.raises(QueryError) as refused:
        reading.read(query, threshold)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=60), st.text(max_size=30))
def test_any_text_is_read_or_refused(query, threshold):
    for words in (query, f"avg(last_5m):{query} > 5", f"avg:a{{*}} {query}"):
        try:
            found = reading.read(words, threshold)
        except QueryError as refused:
            assert "\n" not in str(refused)  # noqa: PT017 - one line is the promise
        else:
            assert list(expression.leaves(found.node))


@pytest.mark.parametrize(
    ("query", "search", "indexes", "canonical"),
    [
        (
            'logs("service:x status:error").index("main, web").rollup("count").last("5m") > 100',
            "service:x status:error", ("main", "web"),
            'logs("service:x status:error").index("main,web").rollup("count").last("5m") > 100',
        ),
        (
            'logs("@k:\\"a b\\" c").rollup("count").last("1h")>=2.5',
            '@k:"a b" c', ("*",),
            'logs("@k:\\"a b\\" c").index("*").rollup("count").last("1h") >= 2.5',
        ),
    ],
)  # fmt: skip
def test_a_count_of_logs_is_read_and_written_again(query, search, indexes, canonical):
    found = reading.read(query, "recovers at 1")
    assert found.search.text == search
    assert found.search.indexes == indexes
    assert found.query() == canonical
    assert reading.read(found.query()).query() == canonical
    assert found.recovery == 1


# ---- units


@pytest.mark.parametrize(
    ("query", "threshold", "unit", "limit"),
    [
        (A, "> 800 ms", "second", 0.8),
        (A, "> 2 min", "second", 120),
        (A, "> 800 ms", "nanosecond", 8e8),
        (A, "> 1 GiB", "byte", 2**30),
        (A, "> 5 %", "percent", 5),
        (A, "> 5 %", "fraction", 0.05),
        (A, "> 100 errors", None, 100),
        (A, "> 100 errors", "request", 100),
        ("sum:e{*}.as_rate() / sum:h{*}.as_rate()", "> 5 %", None, 0.05),
        ("sum:e{*}.as_rate() / sum:h{*}.as_rate() * 100", "> 5 %", None, 5),
        ("100 * (sum:e{*}.as_rate() / sum:h{*}.as_rate())", "> 5 %", None, 5),
    ],
)
def test_a_threshold_is_brought_to_the_querys_own_unit(query, threshold, unit, limit):
    frame = points([1], query=query, unit=unit)
    assert limits.own(reading.read(query, threshold), frame) == (pytest.approx(limit), None)


@pytest.mark.parametrize(
    ("query", "threshold", "unit"),
    [
        (A, "> 800 ms", None),
        (A, "> 800 ms", "byte"),
        (A, "> 5 %", None),
        (A, "> 5 requests/min", "request/second"),
        (A, "> 800 requests", "second"),
        (A, "> 100 errors", "byte"),
        ("avg:a{*} + avg:b{*}", "> 5 %", "percent"),
        ("avg:a{*} / 2", "> 5 %", "percent"),
    ],
)
def test_a_unit_that_does_not_fit_is_refused_not_guessed(query, threshold, unit):
    with pytest.raises(QueryError, match="own unit"):
        limits.own(reading.read(query, threshold), points([1], query=query, unit=unit))


# ---- evaluation

# Two hours of minutes from 12:00: 0, but 30 at 12:30, 24 at 12:45, and 10 from 13:00 to 13:29.
STEPPED = [0.0] * 120
STEPPED[30], STEPPED[45], STEPPED[60:90] = 30.0, 24.0, [10.0] * 30


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # 30 / 5 = 6 > 5 at 12:31 to 12:35; 24 / 5 = 4.8 is not; from 13:01 on 2, 4, 6 > 5 at 13:03;
        # after 13:29 8 at 13:31, 6 at 13:32, 4 at 13:33
        ("avg(last_5m):avg:a{*} > 5", [("12:31", "12:36"), ("13:03", "13:33")]),
        # any of five: 12:30 is in the windows that end 12:31 to 12:35, 13:29 until 13:34
        ("max(last_5m):avg:a{*} > 5", [("12:31", "12:36"), ("12:46", "12:51"), ("13:01", "13:35")]),
        # all of five: 13:00 to 13:04 at 13:05, until 13:30 is in at 13:31
        ("min(last_5m):avg:a{*} > 5", [("13:05", "13:31")]),
        # 40 > 30 from the fourth ten on; 30 itself is not over 30
        ("sum(last_5m):avg:a{*} > 30", [("13:04", "13:32")]),
        ("sum(last_5m):avg:a{*} >= 30", [("12:31", "12:36"), ("13:03", "13:33")]),
        ("avg(last_1m):avg:a{*} > 25", [("12:31", "12:32")]),
        # below: everything but the ten's own windows
        ("max(last_5m):avg:a{*} < 5", [("12:05", "12:31"), ("12:36", "12:46"), ("12:51", "13:01"),
                                       ("13:35", "14:00")]),
    ],
)  # fmt: skip
def test_the_minute_of_firing_is_that_of_the_window(query, expected):
    found = tried(query, points(STEPPED), "12:05", "14:00")
    assert [alarm[:2] for alarm in alarms(found, "12:05", "14:00")] == expected


def test_alarms_are_cut_at_the_ends_of_the_stretch_that_is_asked_for():
    found = tried("avg(last_5m):avg:a{*} > 5", points(STEPPED), "12:05", "14:00")
    assert alarms(found, "12:05", "13:00") == [("12:31", "12:36", 5, "*")]
    assert alarms(found, "13:10", "13:20") == [("13:10", "13:20", 10, "*")]


def test_with_a_recovery_threshold_an_alarm_lasts_until_it_is_crossed():
    # over 5 from 13:03; 4 at 13:33 is not back at 2, 2 at 13:34 is
    query = "avg(last_5m):avg:a{*} > 5"
    found = tried(query, points(STEPPED), "12:40", "14:00", threshold="> 5, recovers at 2")
    assert alarms(found, "12:40", "14:00") == [("13:03", "13:34", 31, "*")]


DOCUMENTED = [1, 2, 3, 4, 5], [10, 10, 10, 10, 10]


@pytest.mark.parametrize(
    ("kind", "expected"), [("as_rate", 1.5), ("as_count", 0.3)], ids=["after", "before"]
)
def test_counts_are_summed_before_the_division_as_datadog_documents_it(kind, expected):
    """The example of docs.datadoghq.com/monitors/guide/as-count-in-monitor-evaluations."""
    errors, total = f"sum:e{{*}}.{kind}()", f"sum:t{{*}}.{kind}()"
    frame = pd.concat(
        [points(DOCUMENTED[0], query=errors), points(DOCUMENTED[1], query=total)],
        ignore_index=True,
    )
    found = tried(f"sum(last_5m):{errors} / {total} > 1", frame, "12:05", "12:06")
    assert found.measured.tolist() == [[pytest.approx(expected)]]


def test_a_count_that_is_missing_beside_another_is_zero_and_alone_it_is_unknown():
    errors, total = "sum:e{*}.as_count()", "sum:t{*}.as_count()"
    frame = pd.concat(
        [
            points([4, *[None] * 11], query=errors),
            points([*[10] * 6, *[None] * 6], query=total),
        ],
        ignore_index=True,
    )
    found = tried(f"sum(last_2m):{errors} / {total} > 0.1", frame, "12:02", "12:12")
    # 4/20 at 12:02, then no errors: 0/20 until 12:06, 0/10 at 12:07, nothing at all after
    assert [None if isnan(v) else v for v in found.measured[0]] == [0.2, *[0.0] * 5, *[None] * 4]
    assert alarms(found, "12:02", "12:12") == [("12:02", "12:03", 1, "*")]
    assert found.unknown(at("12:02"), at("12:12")) == 4


def test_a_window_without_points_is_unknown_and_no_alarm():
    values = [9.0] * 10 + [None] * 10 + [9.0] * 10
    found = tried("avg(last_5m):avg:a{*} > 5", points(values), "12:05", "12:30")
    # the last nine, at 12:09, is in the windows up to 12:14; the next is seen at 12:21
    assert alarms(found, "12:05", "12:30") == [
        ("12:05", "12:15", 10, "*"), ("12:21", "12:30", 9, "*"),
    ]  # fmt: skip
    assert found.unknown(at("12:05"), at("12:30")) == 6


def test_without_data_a_gauge_keeps_its_status_and_an_empty_count_is_zero():
    gaps = [None, None, 9, None, None, None, 1, None, None, 9, None, None]
    gauge = points(gaps, query=A)
    found = tried(f"max(last_1m):{A} > 5", gauge, "12:01", "12:13", missing="last")
    assert [alarm[:3] for alarm in alarms(found, "12:01", "12:13")] == [
        ("12:03", "12:07", 4), ("12:10", "12:13", 3),
    ]  # fmt: skip
    assert found.unknown(at("12:01"), at("12:13")) == 9
    # until it is back at 2, whatever is missing in between
    back = {"threshold": "> 5, recovers at 2", "missing": "last"}
    found = tried(f"max(last_1m):{A} > 5", gauge, "12:01", "12:13", **back)
    assert [alarm[0] for alarm in alarms(found, "12:01", "12:13")] == ["12:03", "12:10"]
    count = "sum:e{*}.as_count()"
    found = tried(
        f"sum(last_1m):{count} < 5", points(gaps, query=count), "12:01", "12:13", missing="zero"
    )
    # nothing is known before 12:03; 9 then and at 12:10, and nothing or 1 in between
    assert [alarm[:2] for alarm in alarms(found, "12:01", "12:13")] == [
        ("12:04", "12:10"), ("12:11", "12:13"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("avg(last_5m):avg:a{*} > 5", "last"),
        ("avg(last_5m):sum:a{*}.as_rate() > 5", "last"),
        ("sum(last_5m):sum:a{*}.as_count() > 5", "zero"),
        ("change(sum(last_5m),last_1h):sum:a{*}.as_count() > 5", "last"),
        ('logs("x").rollup("count").last("5m") > 3', "zero"),
    ],
)
def test_what_becomes_of_missing_data_follows_from_the_query(query, missing):
    assert reading.read(query).missing == missing


def test_a_minute_without_logs_counts_zero():
    monitor = reading.read('logs("x").rollup("count").last("2m") > 3')
    frame = points([None, 2, 2, None, None, None, 4], query="x")
    found = evaluation.evaluate(
        monitor, frame, limit=3, recovery=None, start=at("12:02"), end=at("12:09"), step=MINUTE,
        empty_is_zero=True,
    )  # fmt: skip
    assert found.measured[0].tolist() == [2, 4, 2, 0, 0, 4, 4]
    assert alarms(found, "12:02", "12:09") == [
        ("12:03", "12:04", 1, "*"), ("12:07", "12:09", 2, "*"),
    ]  # fmt: skip


def test_a_division_by_zero_is_unknown():
    frame = pd.concat([points([1] * 5, query="avg:e{*}"), points([0] * 5, query="avg:t{*}")])
    found = tried("avg(last_5m):avg:e{*} / avg:t{*} > 5", frame, "12:05", "12:06")
    assert isnan(found.measured[0][0])


def test_each_group_alarms_alone_though_they_overlap():
    query = "avg:a{*} by {host}"
    frame = pd.concat(
        [
            points([0] * 10 + [8] * 5 + [0] * 15, query=query, series="host:b"),
            points([0] * 12 + [9] * 8 + [0] * 10, query=query, series="host:a"),
        ],
        ignore_index=True,
    )
    found = tried(f"avg(last_2m):{query} > 5", frame, "12:02", "12:30")
    # b: 4 at 12:11, 8 from 12:12 to 12:15, 4 at 12:16; a: 9 from 12:14 to 12:20
    # (4.5 is not over 5): Datadog notifies of both.
    assert alarms(found, "12:02", "12:30") == [
        ("12:12", "12:16", 4, "host:b"), ("12:14", "12:21", 7, "host:a"),
    ]  # fmt: skip
    assert found.groups == ("host:a", "host:b")


def test_nothing_is_seen_before_its_interval_is_over():
    """Points of five minutes: the 10 of 12:30 to 12:35 is known at 12:35, not at 12:31."""
    step = 5 * MINUTE
    values = [0.0] * 6 + [10.0] + [0.0] * 30
    found = tried("max(last_5m):avg:a{*} > 5", points(values, step=step), "12:10", "13:30")
    assert found.step == step  # a minute was asked for
    assert alarms(found, "12:10", "13:30") == [("12:35", "12:40", 5, "*")]


def test_ten_second_points_count_as_they_are():
    query = "avg:a{*}.rollup(max, 10)"
    values = [0.0] * 60 + [7.0] + [0.0] * 60
    step = timedelta(seconds=10)
    found = tried(f"max(last_1m):{query} > 5", points(values, query=query, step=step),
                  "12:01", "12:20", step=step)  # fmt: skip
    assert alarms(found, "12:01", "12:20") == [("12:11", "12:12", 1, "*")]


def test_a_window_of_a_day_is_evaluated_every_ten_minutes():
    start = NOON - timedelta(days=1)
    values = [0.0] * 288 + [288.0] * 3 + [0.0] * 30
    frame = points(values, start=start, step=5 * MINUTE)
    found = tried("avg(last_1d):avg:a{*} > 1.5", frame, "12:00", "14:00", step=5 * MINUTE)
    # the average is 1 at 12:05, 2 at 12:10, 3 from 12:15 on
    assert found.every == 10 * MINUTE
    assert found.measured[0][:3].tolist() == [0.0, 2.0, 3.0]
    assert alarms(found, "12:00", "14:00")[0][0] == "12:10"


def test_too_many_groups_are_refused():
    frame = pd.concat([points([1], series=f"host:{n}") for n in range(501)], ignore_index=True)
    with pytest.raises(QueryError, match="501 groups"):
        tried("avg(last_5m):avg:a{*} by {host} > 5", frame, "12:05", "12:06")


def test_an_answer_without_rows_is_unknown_throughout():
    found = tried("avg(last_5m):avg:a{*} > 5", points([]), "12:05", "12:30")
    assert alarms(found, "12:05", "12:30") == []
    assert found.unknown(at("12:05"), at("12:30")) == 25


HOW = {
    "avg": lambda known: sum(known) / len(known),
    "sum": sum,
    "min": min,
    "max": max,
}


@pytest.mark.parametrize("how", sorted(HOW))
@pytest.mark.parametrize("seed", range(3))
def test_a_second_way_of_computing_gives_the_same(how, seed):
    """Exact fractions, a window at a time, straight from the definition."""
    roll = random.Random(f"{seed}{how}")  # noqa: S311 - made-up values
    values = [roll.choice([None, *range(20)]) for _ in range(180)]
    window, limit = roll.choice([1, 3, 7, 15]), roll.choice([5, 9, 40])
    found = tried(f"{how}(last_{window}m):avg:a{{*}} > {limit}", points(values), "12:20", "15:00")
    expected, firing = [], []
    for now in range(20, 180):
        known = [Fraction(v) for v in values[now - window : now] if v is not None]
        expected.append(float(HOW[how](known)) if known else nan)
        firing.append(bool(known) and HOW[how](known) > limit)
    assert found.measured[0].tolist() == pytest.approx(expected, nan_ok=True)
    assert found.alarming[0].tolist() == firing
    assert sum(a[2] for a in alarms(found, "12:20", "15:00")) == sum(firing)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # averages of two minutes are 2 at 12:11, 3.5 at 12:12, then 4; ten minutes before 1 to
        # 12:20, 2 at 12:21: the difference is 3 from 12:13 to 12:20
        ("change(avg(last_2m),last_10m):avg:a{*} >= 3", [("12:13", "12:21", 8, "*")]),
        ("pct_change(avg(last_2m),last_10m):avg:a{*} > 100", [("12:12", "12:21", 9, "*")]),
        # the last minute is more than that of ten before from 12:11 to 12:21, when it is 4 after 3
        ("change(max(last_1m),last_10m):avg:a{*} > 0", [("12:11", "12:22", 11, "*")]),
        ("change(avg(last_2m),last_10m):avg:a{*} < 0", []),
    ],
)
def test_a_change_is_the_difference_from_the_window_before(query, expected):
    """One a minute from 11:58 to 12:09, then 3 at 12:10 and 4 from 12:11 on."""
    values = [1.0] * 12 + [3.0] + [4.0] * 18
    frame = points(values, start=NOON - 2 * MINUTE)
    found = tried(query, frame, "12:10", "12:28")
    assert alarms(found, "12:10", "12:28") == expected
    assert reading.read(query).query() == query


def test_a_shift_may_be_written_as_the_api_reference_has_it():
    """``change_aggr(time_aggr(time_window),timeshift)``, the timeshift being ``#h_ago``."""
    found = reading.read("pct_change(avg(last_5m),1h_ago):avg:a{*} > 5")
    assert found == reading.read("pct_change(avg(last_5m),last_1h):avg:a{*} > 5")


@pytest.mark.parametrize("by", ['"host,@http.route"', '"host", "@http.route"'])
def test_logs_are_grouped_by_several_facets_as_datadog_writes_it(by):
    query = 'logs("x").index("*").rollup("count").by({}).last("5m") > 3'
    found = reading.read(query.format(by))
    assert found.by == ("host", "@http.route")
    assert found.query() == query.format('"host,@http.route"')


def test_a_change_in_percent_from_nothing_is_unknown():
    frame = points([0.0] * 10 + [5.0] * 10)
    found = tried("pct_change(avg(last_1m),last_5m):avg:a{*} > 1", frame, "12:12", "12:14")
    assert isnan(found.measured[0][0])
    assert alarms(found, "12:12", "12:14") == []
