"""Failed requests from metrics: what is a count, what is none and why."""

import datetime as dt

import pandas as pd
import pytest

from postmortem_nb import Incident, asides, errorcounts, evidence, impact

START = dt.datetime(2026, 3, 10, 10, tzinfo=dt.UTC)
END = START + dt.timedelta(hours=1)
WINDOW = (START, END)
COUNT = "sum:web.errors{*}.as_count()"


def answer(query, *values, step=5, unit=None, since=START, series="*", **record):
    """Return a metric answer of one query: a value each ``step`` minutes."""
    moments = [since + dt.timedelta(minutes=step * at) for at in range(len(values))]
    frame = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(moments, utc=True),
            "query": pd.array([query] * len(values), dtype="string"),
            "series": series,
            "value": pd.array(values, dtype="Float64"),
            "unit": pd.array([unit] * len(values), dtype="string"),
        }
    )
    frame.attrs["evidence"] = record
    return frame


def told(frame, window=WINDOW):
    return [each.value for each in errorcounts.requests(frame, window, name="e")]


@pytest.mark.parametrize(
    "query",
    [
        COUNT,
        "sum:web.errors{service:web,env:prod} by {host}.as_count()",
        "sum:web.errors{*}.as_count().rollup(sum, 300)",
        "sum:web.errors{*}.as_count().rollup(300)",
        "sum:web.errors{*}.rollup(sum, 300)",
        "sum:web.errors{*}.as_count().fill(zero)",
        "default_zero(sum:web.errors{*}.as_count())",
        "sum:web.requests{status:error}.as_count()",
        "sum:web.requests{service:web AND error:true}.as_count()",
        "sum:trace.http.request.hits{http.status_class:5xx}.as_count()",
        "sum:aws.applicationelb.httpcode_elb_5xx{*}.as_count()",
        "sum:rx.checkout.failed{*} by {region}.as_count()",
        "sum:orders.failures{*}.as_count()",
        "sum:http_errors_total{*}.as_count()",
        "sum:orders.placed{outcome:failed}.as_count()",
        "sum:haproxy.frontend.err{*}.as_count()",
        "sum:trace.http.request.hits{http.status_code:503}.as_count()",
        "sum:istio.mesh.request.count{response_code:5*,env:prod}.as_count()",
        "sum:meter.reading.rejected{service:validator} by {region}.as_count()",
        "sum:orders.lost{*}.as_count()",
        "sum:http_requests_timed_out_total{*}.as_count()",
    ],
)
def test_a_sum_of_what_was_counted_is_a_count(query):
    assert told(answer(query, 10, 20, unit="error")) == [30]
    assert errorcounts.unknown(answer(query, 10, 20), WINDOW, name="e") == ""


@pytest.mark.parametrize(
    "query",
    [
        "sum:db.failover{*}.as_count()",
        "sum:web.terrors{*}.as_count()",
        "sum:log.stderr{*}.as_count()",
        "sum:web.requests{status_code:404}.as_count()",
        "sum:web.requests{status_code:5}.as_count()",
        "sum:tcp.connections.refused{*}.as_count()",
        "sum:net.packets.dropped{*}.as_count()",
        "sum:web.requests{status:rejected}.as_count()",
        "sum:orders.lostfound{*}.as_count()",
    ],
)
def test_a_name_that_only_begins_or_ends_like_one_of_failures_is_none(query):
    assert told(answer(query, 10, 20)) == []
    assert errorcounts.unknown(answer(query, 10, 20), WINDOW, name="e") == ""


@pytest.mark.parametrize(
    ("query", "unit", "why"),
    [
        ("avg:web.error.rate{*}", "percent", "avg: is no sum of the series"),
        ("sum:web.error.rate{*}.as_count()", "percent", "its unit is percent"),
        ("sum:web.errors.latency{*}.as_count()", "millisecond", "its unit is millisecond"),
        ("sum:web.errors.latency{*}.as_count()", None, "its name says that it is a latency"),
        ("sum:web.errors{*}.as_count()", "dollar", "its unit is dollar"),
        ("sum:web.errors{*}.as_count()", "user", "its unit is user"),
        ("avg:web.errors{*}.as_count()", None, "avg: is no sum of the series"),
        ("max:web.errors{*}.as_count()", None, "max: is no sum of the series"),
        ("sum:web.errors{*}", None, "its points are means"),
        ("sum:web.errors{*}.as_count().rollup(avg,600)", None, ".rollup(avg, …) is no sum"),
        ("sum:web.errors{*}.as_rate().rollup(max,600)", None, "it is no plain rate"),
        ("sum:web.errors{*}.as_count().fill(last)", None, ".fill(last) adds what nobody counted"),
        ("cumsum(sum:web.errors{*}.as_count())", None, "cumsum(…) changes what was counted"),
        ("week_before(sum:web.errors{*}.as_count())", None, "week_before(…) changes"),
        ("per_minute(sum:web.errors{*}.as_count())", None, "per_minute(…) changes"),
        ("count_nonzero(sum:web.errors{*}.as_count())", None, "count_nonzero(…) changes"),
        ("ewma_5(sum:web.errors{*}.as_count())", None, "ewma_5(…) changes"),
        ("sum:a.errors{*}.as_count() / sum:a.hits{*}.as_count()", None, "it is a formula"),
        ("100 * sum:a.errors{*}.as_count()", None, "it is a formula"),
        ("sum:web.requests{!status:error}.as_count()", None, "it does not count errors alone"),
        ("sum:web.requests{!status_code:500}.as_count()", None, "it does not count errors alone"),
        ("sum:web.requests{error:false}.as_count()", None, "it does not count errors alone"),
        ("sum:orders.placed{failed:false}.as_count()", None, "it does not count errors alone"),
        ("sum:orders.failure_rate{*}.as_count()", None, "its name says that it is a rate"),
        ("sum:web.requests{status:error OR status:ok}.as_count()", None, "errors alone"),
        ("sum:web.requests{*} by {error}.as_count()", None, "it does not count errors alone"),
    ],
)
def test_what_is_no_count_gives_no_figure_and_says_why(query, unit, why):
    frame = answer(query, 10, 20, unit=unit)
    assert told(frame) == []
    said = errorcounts.unknown(frame, WINDOW, name="e")
    assert why in said
    assert query in said


def test_the_reason_stands_where_the_figure_is_unknown(tmp_path):
    incident = Incident.create("INC-1", tmp_path, start=START, end=END)
    frame = answer("avg:web.error.rate{*}", 2.5, 2.5, unit="percent")
    record = {"function": "get_datadog_metric", "complete": True}
    evidence.freeze(incident.path / "evidence", "e", frame, record)
    measure = incident.measures()["failed_requests"]
    assert measure.value is None
    assert measure.missing == (
        "not stated, and “avg:web.error.rate{*}” (evidence e) counts none: avg: is no sum of the "
        "series"
    )
    evidence.freeze(incident.path / "evidence", "whole", answer(COUNT, 10, 20), record)
    assert incident.measures()["failed_requests"].value == 30


def test_what_was_rejected_counts_only_where_no_errors_are_counted(tmp_path):
    incident = Incident.create("INC-1", tmp_path, start=START, end=END)
    record = {"function": "get_datadog_metric", "complete": True}
    rejected = answer("sum:reading.rejected{*}.as_count()", 7, 8)
    evidence.freeze(incident.path / "evidence", "a", rejected, record)
    assert incident.measures()["failed_requests"].value == 15
    evidence.freeze(incident.path / "evidence", "e", answer(COUNT, 10, 20), record)
    assert incident.measures()["failed_requests"].value == 30
    assert list(impact.table(incident)["source"]) == [f"evidence: e, {COUNT}"]


US, EU = (f"sum:web.errors{{{scope}}}.as_count()" for scope in ("region:us", "region:eu"))


@pytest.mark.parametrize(
    ("queries", "parts"),
    [
        ((COUNT,), [""]),
        ((US,), ["of region:us alone"]),
        (("sum:a.errors{region IN (eu,us)}.as_count()",), ["of region IN (eu,us) alone"]),
        (("sum:a.errors{env:prod,region:us-*}.as_count()",), ["of region:us-* alone"]),
        (("sum:a.errors{region:*}.as_count()",), [""]),
        ((COUNT, US), ["", "of region:us alone"]),
        ((US, EU), ["of region:us alone", "of region:eu alone"]),
        (("sum:a.errors{env:prod}.as_count()", "sum:b.errors{host:x}.as_count()"), ["", ""]),
        (
            ("sum:a.errors{env:prod}.as_count()", "sum:a.errors{env:prod,host:x}.as_count()"),
            ["", "of env:prod, host:x alone"],
        ),
        (
            ("sum:a.errors{host:x}.as_count()", "sum:a.errors{host:y}.as_count()"),
            ["of host:x alone", "of host:y alone"],
        ),
    ],
)
def test_a_query_of_a_part_of_the_requests_is_a_lower_bound(queries, parts):
    frame = pd.concat([answer(query, 10) for query in queries])
    found = errorcounts.requests(frame, WINDOW, name="e")
    assert [each.lower_bound for each in found] == [bool(part) for part in parts]
    assert all(each.definition.endswith(part) for each, part in zip(found, parts, strict=True))


def test_of_two_parts_both_are_told_and_they_do_not_contradict_each_other(tmp_path):
    incident = Incident.create("INC-1", tmp_path, start=START, end=END)
    frame = pd.concat([answer(US, 200), answer(EU, 600)])
    record = {"function": "get_datadog_metric", "complete": True}
    evidence.freeze(incident.path / "evidence", "e", frame, record)
    measure = incident.measures()["failed_requests"]
    assert measure.value == 600
    assert measure.definition.startswith("at least: ")
    assert measure.definition.endswith("another part: at least 200 requests (evidence: e)")
    assert measure.beside.endswith("another part: at least 200 requests")
    assert impact.table(incident)["agrees"].all()


@pytest.mark.parametrize("together", [True, False])
def test_a_region_asked_of_alone_stands_among_the_regions(tmp_path, together):
    incident = Incident.create("INC-1", tmp_path, start=START, end=END)
    asked = [answer(US, 200), answer(EU, 600)]
    record = {"function": "get_datadog_metric", "complete": True}
    for n, frame in enumerate([pd.concat(asked)] if together else asked):
        evidence.freeze(incident.path / "evidence", f"e{n}", frame, record)
    regions = impact.by_region(incident)
    assert sorted(zip(regions["region"], regions["value"], strict=True)) == [
        ("eu", 600),
        ("us", 200),
    ]
    table = asides.regions(incident.found())
    assert len(table.heads) == (2 if together else 3)
    assert {row[0] for row in table.rows} == {"eu", "us"}


@pytest.mark.parametrize("scope", ["!region:us", "region:us OR region:eu", "region:us-*"])
def test_what_is_not_of_one_region_is_told_under_none(scope):
    found = errorcounts.requests(answer(f"sum:a.errors{{{scope}}}.as_count()", 9), WINDOW, name="e")
    assert [each.parts for each in found] == [()]


def test_a_rate_is_multiplied_by_its_step_and_says_so():
    query = "sum:web.errors{*}.as_rate()"
    (got,) = errorcounts.requests(answer(query, 0.5, 1.0, 0.5), WINDOW, name="e")
    assert got.value == 600
    assert got.definition == (
        "sum of the points × their step of 300 s that begin in the impact window"
    )


def test_the_step_of_a_rate_is_the_one_that_was_asked_for():
    """Steps without data are left out: ten minutes apart, each point still stands for a minute."""
    query = "sum:web.errors{*}.as_rate()"
    sparse = answer(query, 0.5, 0.5, step=10, arguments={"interval": "1m"})
    assert told(sparse) == [60]
    assert told(answer("sum:web.errors{*}.as_rate().rollup(60)", 0.5, 0.5, step=10)) == [60]


def test_a_rate_whose_step_cannot_be_told_counts_nothing():
    frame = answer("sum:web.errors{*}.as_rate()", 0.5)
    assert told(frame) == []
    assert "do not tell the step" in errorcounts.unknown(frame, WINDOW, name="e")


def test_points_longer_apart_than_the_impact_count_nothing_and_say_what_to_ask():
    frame = answer(COUNT, 600, 600, 600, step=60, since=START - dt.timedelta(hours=1))
    window = (START + dt.timedelta(minutes=10), START + dt.timedelta(minutes=50))
    assert told(frame, window) == []
    said = errorcounts.unknown(frame, window, name="e")
    assert "its points are 1 hour apart" in said
    assert 'interval="1m"' in said
    assert told(frame) == [600]


@pytest.mark.parametrize(
    ("minutes", "value", "interval"),
    [
        ((0, 60), 140, (None, None)),
        ((10, 50), 93, (0, 140)),  # 20 of 30 minutes of 60, and of 80
        ((10, 60), 120, (80, 140)),
        ((1, 60), 138, (80, 140)),
    ],
)
def test_a_point_across_an_edge_counts_by_its_part(minutes, value, interval):
    window = tuple(START + dt.timedelta(minutes=at) for at in minutes)
    (got,) = errorcounts.requests(answer(COUNT, 60, 80, 999, step=30), window, name="e")
    assert (got.value, (got.low, got.high)) == (value, interval)
    assert ("across its edges the part inside" in got.definition) == (minutes != (0, 60))


def test_a_fine_point_across_an_edge_needs_no_interval():
    window = (START + dt.timedelta(seconds=30), END)
    (got,) = errorcounts.requests(answer(COUNT, *[10] * 60, step=1), window, name="e")
    assert (got.value, got.low) == (595, None)


def test_what_was_not_asked_for_is_in_no_point():
    """The first point begins before the question, which is the impact: it is wholly inside."""
    since = START + dt.timedelta(minutes=20)
    asked = {"from": since.isoformat(), "to": END.isoformat()}
    (got,) = errorcounts.requests(answer(COUNT, 60, 80, step=30, **asked), (since, END), name="e")
    assert (got.value, got.low) == (140, None)
