"""Each step of a metric query, against plain Python over the points that sources reported."""

import math
from itertools import pairwise
from statistics import mean

import numpy as np
import pytest

from postmortem_nb.errors import QueryError
from postmortem_nb.sandbox import evaluate, functions, listing, match, metric, search, world
from postmortem_nb.sandbox.meters import METERS
from postmortem_nb.sandbox.scenario import SEED, at, epoch

HITS, ERRORS = "trace.checkout.request.hits", "trace.checkout.request.errors"
SPAN = (epoch(at("15:00")), epoch(at("15:30")))


def ask(query, *, span=SPAN, interval=None):
    """Return the lines of a query, its buckets first."""
    node = metric.formula(query)
    over = evaluate.grid(span, functions.interval([node]) or interval)
    return over, functions.Evaluation(SEED, over, {}).value(node)


def one(query, **asked):
    """Return the values of the one line of a query, NaN as None."""
    _, lines = ask(query, **asked)
    assert len(lines) == 1
    return listed(lines[0])


def listed(line):
    return [None if math.isnan(value) else value for value in line.values.tolist()]


def reported(name, span=SPAN, **tags):
    """Return what each source reported: a dict of moment and value each, in plain Python."""
    fits = tags.items()
    points = METERS[name].points(SEED, span, lambda own: all(own.get(k) == v for k, v in fits))
    found = []
    for source in points:
        inside = {}
        for moment, value in zip(source.seconds.tolist(), source.values.tolist(), strict=True):
            if span[0] <= moment < span[1]:
                inside.setdefault(moment, []).append(value)
        found.append((source.tags, inside))
    return found


def buckets(interval, span=SPAN):
    return range(-(-span[0] // interval) * interval, span[1], interval)


def inside(points, begin, interval):
    return [v for moment, vs in points.items() if begin <= moment < begin + interval for v in vs]


def by_hand(name, interval, *, time, space, span=SPAN, **tags):
    """Return time and then space aggregation, the slow way."""
    found = []
    for begin in buckets(interval, span):
        rolled = [
            time(values)
            for _, points in reported(name, span, **tags)
            if (values := inside(points, begin, interval))
        ]
        found.append(space(rolled) if rolled else None)
    return found


SPACE = {"sum": sum, "avg": mean, "min": min, "max": max}


@pytest.mark.parametrize("space", SPACE)
@pytest.mark.parametrize("time", ["sum", "avg", "min", "max", "count"])
def test_time_then_space(space, time):
    rolled = one(f"{space}:{HITS}{{*}}.rollup({time}, 60)")
    method = len if time == "count" else SPACE[time]
    assert rolled == pytest.approx(by_hand(HITS, 60, time=method, space=SPACE[space]))


def test_without_a_method_time_is_averaged_and_counts_are_summed():
    assert one(f"sum:{HITS}{{*}}.rollup(60)") == pytest.approx(
        by_hand(HITS, 60, time=mean, space=sum)
    )
    counted = by_hand(HITS, 60, time=sum, space=sum)
    assert one(f"sum:{HITS}{{*}}.as_count().rollup(60)") == pytest.approx(counted)
    rate = [value / 60 for value in counted]
    assert one(f"sum:{HITS}{{*}}.as_rate()", interval=60) == pytest.approx(rate)


def test_rollups_of_counts_add_up():
    fine = one(f"sum:{HITS}{{*}}.as_count().rollup(sum, 60)")
    coarse = one(f"sum:{HITS}{{*}}.as_count().rollup(sum, 600)")
    assert [sum(fine[n : n + 10]) for n in range(0, 30, 10)] == coarse


def test_groups_add_up_and_name_what_is_missing():
    _, lines = ask(f"sum:{HITS}{{*}} by {{host,version}}.as_count()", interval=300)
    whole = one(f"sum:{HITS}{{*}}.as_count()", interval=300)
    assert np.nansum([line.values for line in lines], axis=0).tolist() == whole
    assert ("host:checkout-eu-01", "version:v2.48.0") in [line.tags for line in lines]
    _, lines = ask(f"sum:{HITS}{{*}} by {{shard}}.as_count()", interval=300)
    assert [line.tags for line in lines] == [("shard:N/A",)]


def test_a_gauge_is_read_off_and_counting_it_changes_nothing():
    expected = by_hand("system.cpu.user", 60, time=mean, space=mean, service="payments")
    for modifier in ("", ".as_count()", ".as_rate()"):
        asked = f"avg:system.cpu.user{{service:payments}}{modifier}"
        assert one(asked, interval=60) == pytest.approx(expected)


def test_a_rate_counted_is_multiplied_by_time():
    commits = by_hand("postgresql.commits", 60, time=sum, space=sum)
    counted = [value * 10 for value in commits]  # a point each 10 s
    assert one("sum:postgresql.commits{*}.as_count()", interval=60) == pytest.approx(counted)
    per_second = [value / 60 for value in counted]
    assert one("sum:postgresql.commits{*}.as_rate()", interval=60) == pytest.approx(per_second)


def test_a_gauge_bridges_gaps_between_sources_only():
    """Queue depth comes each 30 s: at 10 s no source has a point between, so nothing is there."""
    assert one("max:payments.queue.depth{*}", interval=10)[:4] == [
        pytest.approx(by_hand("payments.queue.depth", 10, time=mean, space=max)[0]),
        None,
        None,
        pytest.approx(by_hand("payments.queue.depth", 10, time=mean, space=max)[3]),
    ]


def test_filled_bridges_as_it_is_told():
    row = np.array([np.nan, 2.0, np.nan, np.nan, 8.0, np.nan, np.nan, np.nan])

    def filled(how, gap):
        return [None if math.isnan(v) else v for v in evaluate.filled(row, how, gap, 60).tolist()]

    assert filled("null", 300) == [None, 2.0, None, None, 8.0, None, None, None]
    assert filled("linear", 300) == [None, 2.0, 4.0, 6.0, 8.0, None, None, None]
    assert filled("linear", 120) == [None, 2.0, None, None, 8.0, None, None, None]
    assert filled("last", 120) == [None, 2.0, 2.0, 2.0, 8.0, 8.0, 8.0, None]
    assert filled("zero", 60) == [None, 2.0, 0.0, None, 8.0, 0.0, None, None]


SCOPES = (
    ("*", lambda _: True),
    ("host:checkout-eu-01", lambda t: t["host"] == "checkout-eu-01"),
    ("version:v2.48.0,region:eu-west-1",
     lambda t: t["version"] == "v2.48.0" and t["region"] == "eu-west-1"),
    ("!region:eu-west-1", lambda t: t["region"] != "eu-west-1"),
    ("host:checkout-eu-*,!version:v2.48.0",
     lambda t: t["host"].startswith("checkout-eu-") and t["version"] != "v2.48.0"),
    ("host:*-07", lambda t: t["host"].endswith("-07")),
    ("region:eu-west-1 OR region:us-east-1",
     lambda t: t["region"] in ("eu-west-1", "us-east-1")),
    ("region:eu-west-1 AND NOT host:checkout-eu-01",
     lambda t: t["region"] == "eu-west-1" and t["host"] != "checkout-eu-01"),
    ("env:prod and (host:checkout-eu-01 or host:checkout-us-04)",
     lambda t: t["host"] in ("checkout-eu-01", "checkout-us-04")),
    ("region IN (eu-west-1, ap-southeast-2)",
     lambda t: t["region"] in ("eu-west-1", "ap-southeast-2")),
    ("region NOT IN (eu-west-1, ap-southeast-2) AND env:prod",
     lambda t: t["region"] == "us-east-1"),
    ("resource_name:post_/api/checkout*",
     lambda t: t["resource_name"] in ("post_/api/checkout", "post_/api/checkout/confirm")),
)  # fmt: skip


@pytest.mark.parametrize(("scope", "fits"), SCOPES, ids=[scope for scope, _ in SCOPES])
def test_scopes(scope, fits):
    found = one(f"sum:{HITS}{{{scope}}}.as_count().rollup(sum, 1800)")
    sources = [points for tags, points in reported(HITS) if fits(tags)]
    assert found == [sum(sum(inside(points, SPAN[0], 1800)) for points in sources)] != [0]


@pytest.mark.parametrize("rank", ["50", "75", "90", "95", "99", "99.9"])
def test_percentiles_are_those_of_the_requests(rank):
    """The same requests left logs with their duration: a second way to the same number."""
    table = world.table(SEED, "logs")
    kept = match.mask(search.parse("service:checkout @duration:*"), table)
    for begin in buckets(600):
        rows = np.flatnonzero(kept & table.within(begin * 1000, (begin + 600) * 1000 - 1))
        durations = [listing.log(table, int(row))["attributes"]["attributes"]["duration"]
                     for row in rows]  # fmt: skip
        ours = one(f"p{rank}:trace.checkout.request{{*}}", span=(begin, begin + 600), interval=600)
        assert ours == pytest.approx([np.percentile(durations, float(rank)) / 1e9], rel=1e-12)


def test_a_distribution_averages_values_not_averages():
    everything = [
        value
        for _, points in reported("trace.checkout.request")
        for values in points.values()
        for value in values
    ]
    assert one("avg:trace.checkout.request{*}.rollup(1800)") == pytest.approx([mean(everything)])
    assert one("count:trace.checkout.request{*}.rollup(1800)") == [len(everything)]
    assert one("max:trace.checkout.request{*}.rollup(1800)") == [max(everything)]
    assert one("count:trace.checkout.request{*}", interval=1800) == one(
        f"sum:{HITS}{{*}}.as_count()", interval=1800
    )


def test_arithmetic_of_counts_takes_nothing_for_zero():
    quiet = (epoch(at("03:00")), epoch(at("03:30")))
    errors = one(f"sum:{ERRORS}{{*}}.as_count()", span=quiet, interval=60)
    hits = one(f"sum:{HITS}{{*}}.as_count()", span=quiet, interval=60)
    assert None in errors, "a quiet minute without errors reports none"
    share = one(f"sum:{ERRORS}{{*}}.as_count()/sum:{HITS}{{*}}.as_count()*100",
                span=quiet, interval=60)  # fmt: skip
    assert share == pytest.approx([(e or 0) / h * 100 for e, h in zip(errors, hits, strict=True)])
    uncounted = one(f"sum:{ERRORS}{{*}}/sum:{HITS}{{*}}", span=quiet, interval=60)
    assert [value is None for value in uncounted] == [value is None for value in errors]


def test_division_by_zero_is_nothing():
    assert set(one(f"sum:{HITS}{{*}} / (sum:{HITS}{{*}} - sum:{HITS}{{*}})")) == {None}


def test_default_zero_fills_and_invents_a_line_where_there_is_none():
    quiet = (epoch(at("03:00")), epoch(at("03:30")))
    errors = one(f"sum:{ERRORS}{{*}}.as_count()", span=quiet, interval=60)
    filled = one(f"default_zero(sum:{ERRORS}{{*}}.as_count())", span=quiet, interval=60)
    assert filled == [value or 0 for value in errors]
    assert set(one("default_zero(avg:no.such.metric{*})")) == {0.0}


@pytest.mark.parametrize(
    ("function", "back"),
    [("hour_before", 3600), ("day_before", 86400), ("week_before", 604800),
     ("month_before", 2419200), ("timeshift", 5400)],
)  # fmt: skip
def test_looking_back(function, back):
    inner = f"sum:{HITS}{{*}}.as_count()"
    asked = f"timeshift({inner}, -{back})" if function == "timeshift" else f"{function}({inner})"
    earlier = (SPAN[0] - back, SPAN[1] - back)
    assert one(asked, interval=60) == one(inner, span=earlier, interval=60)


def test_functions_of_one_line():
    values = one(f"sum:{HITS}{{*}}.as_count()", interval=60)
    inner = f"sum:{HITS}{{*}}.as_count()"
    changes = [None, *(b - a for a, b in pairwise(values))]
    running = np.cumsum(values).tolist()
    moving = [mean(values[max(n - 4, 0) : n + 1]) for n in range(len(values))]
    assert one(f"abs({inner} - 1000)", interval=60) == [abs(v - 1000) for v in values]
    assert one(f"diff({inner})", interval=60) == changes
    assert one(f"per_minute({inner})", interval=60) == pytest.approx(changes)
    assert one(f"per_second({inner})", interval=60)[1:] == pytest.approx(
        [change / 60 for change in changes[1:]]
    )
    assert one(f"cumsum({inner})", interval=60) == running
    assert one(f"moving_rollup({inner}, 300, 'avg')", interval=60) == pytest.approx(moving)
    assert one(f"moving_rollup({inner}, 120, 'max')", interval=60)[1:] == [
        max(pair) for pair in pairwise(values)
    ]
    assert one(f"log2({inner})", interval=60) == pytest.approx([math.log2(v) for v in values])
    assert one(f"clamp_max({inner}, 120)", interval=60) == [min(v, 120) for v in values]
    assert one(f"-({inner}) + 2 * {inner}", interval=60) == values


def test_top_takes_the_largest_lines():
    _, every = ask(f"sum:{ERRORS}{{*}} by {{host}}.as_count()", interval=300)
    sums = {line.tags: np.nansum(line.values) for line in every}
    _, best = ask(f"top(sum:{ERRORS}{{*}} by {{host}}.as_count(), 5, 'sum', 'desc')", interval=300)
    assert [sums[line.tags] for line in best] == sorted(sums.values(), reverse=True)[:5]
    assert one(f"count_not_null(sum:{HITS}{{*}} by {{host}})", interval=300) == [8.0] * 6


def test_groups_are_matched_in_arithmetic():
    _, shares = ask(
        f"sum:{ERRORS}{{*}} by {{host}}.as_count() / sum:{HITS}{{*}} by {{host}}.as_count()",
        interval=1800,
    )
    for line in shares:
        host = line.tags[0].removeprefix("host:")
        errors, hits = (
            sum(sum(inside(points, SPAN[0], 1800)) for _, points in reported(name, host=host))
            for name in (ERRORS, HITS)
        )
        assert listed(line) == [errors / hits]
    assert len(shares) == 8


def test_the_ladder_of_intervals():
    """Documented: an hour by 20 s, four by 60 s, a day by 5 min; a week by half an hour."""
    for hours, interval in ((1, 20), (4, 60), (24, 300), (168, 1800)):
        assert evaluate.grid((0, hours * 3600), None).interval == interval


def test_buckets_begin_at_multiples_and_points_end_before_the_end():
    over = evaluate.grid((SPAN[0] + 7, SPAN[0] + 127), 60)
    assert over.seconds.tolist() == [SPAN[0] + 60, SPAN[0] + 120]
    assert one(f"sum:{HITS}{{*}}.as_count()", span=(SPAN[0], SPAN[0] + 90), interval=60) == [
        sum(sum(inside(points, SPAN[0] + at_, length)) for _, points in reported(HITS))
        for at_, length in ((0, 60), (60, 30))
    ]


def test_nothing_reported_is_no_line():
    assert ask("avg:no.such.metric{*}")[1] == []
    assert ask(f"sum:{HITS}{{host:nobody}}")[1] == []
    before = epoch(at("00:00")) - 90 * 86_400
    assert ask(f"sum:{HITS}{{*}}", span=(before, before + 3600))[1] == []


REFUSED = (
    f"p95:{HITS}{{*}}",
    "avg:trace.checkout.request{*}.as_count()",
    "p101:trace.checkout.request{*}",
    f"count:{HITS}{{*}}",
    f"sum:{HITS}{{*}}.weighted()",
    f"sum:{HITS}{{*}}.rollup(median, 60)",
    f"sum:{HITS}{{*}}.rollup(0)",
    f"sum:{HITS}{{*}}.fill(magic)",
    f"sum:{HITS}{{$env}}",
    f"sum:{HITS}{{a:b, c:d AND e:f}}",
    f"sum:{HITS}{{!a:b AND c:d}}",
    f"sum:{HITS}{{*",
    f"sum:{HITS}",
    f"anomalies(sum:{HITS}{{*}}, 'basic', 2)",
    f"timeshift(sum:{HITS}{{*}}, 3600)",
    f"timeshift(sum:{HITS}{{*}}, -1.5)",
    f"top(sum:{HITS}{{*}}, 7, 'mean', 'desc')",
    f"top(sum:{HITS}{{*}}, 5, 'best', 'desc')",
    f"moving_rollup(sum:{HITS}{{*}}, 1, 'avg')",
    f"abs(sum:{HITS}{{*}}, 3)",
    "abs(3)",
    "1/0",
    f"sum:{HITS}{{*}}.rollup(sum, 60) / sum:{HITS}{{*}}.rollup(sum, 300)",
    f"sum:{HITS}{{*}} by {{host}} / sum:{HITS}{{*}} by {{region}}",
    "nobody / 2",
    "count(v: v>=8):trace.checkout.request{*}",
    "",
    "x" * 9000,
)


@pytest.mark.parametrize("query", REFUSED, ids=lambda query: query[:50])
def test_refuses_what_it_cannot_evaluate(query):
    with pytest.raises(QueryError) as refused:
        ask(query)
    assert len(str(refused.value).splitlines()) == 1


def test_too_many_points_and_too_long_windows_are_refused():
    long = (SPAN[0] - 30 * 86_400, SPAN[1])
    with pytest.raises(QueryError, match=r"ask for a longer rollup"):
        ask(f"sum:{HITS}{{*}}.rollup(sum, 10)", span=long)
    with pytest.raises(QueryError, match="15 days"):
        ask("p95:trace.checkout.request{*}", span=long)
    with pytest.raises(QueryError, match="before"):
        ask(f"sum:{HITS}{{*}}", span=(SPAN[1], SPAN[0]))


@pytest.mark.parametrize("name", sorted(METERS))
def test_every_metric_reports(name):
    aggregator = "p95" if METERS[name].type == "distribution" else "avg"
    _, lines = ask(f"{aggregator}:{name}{{*}}", interval=60)
    assert lines
    assert not np.isnan(lines[0].values).all()
