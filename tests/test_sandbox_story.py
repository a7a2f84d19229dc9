"""The story that the demo tells holds in the sandbox's data: when it broke, where, how it ended."""

import tracemalloc
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from postmortem_nb.sandbox import evaluate, functions, listing, logs, metric, world
from postmortem_nb.sandbox.monitors import MONITORS
from postmortem_nb.sandbox.scenario import FACTS, PEOPLE, SEED, at, epoch

HITS = "sum:trace.checkout.request.hits{*}.as_count()"
ERRORS = "default_zero(sum:trace.checkout.request.errors{*}.as_count())"
SEEDS = (SEED, 1, 2)


def values(query, begin, end, interval, seed=SEED):
    over = evaluate.grid((epoch(begin), epoch(end)), interval)
    (line,) = functions.Evaluation(seed, over, {}).value(metric.formula(query))
    return line.values


def share(begin, end, seed=SEED):
    """Return the percentage of checkout requests that failed in a span."""
    minutes = (values(query, begin, end, 60, seed).sum() for query in (ERRORS, HITS))
    errors, hits = minutes
    return 100 * errors / hits


def found(query, begin=FACTS.baseline_start, end=FACTS.baseline_end, kind="logs"):
    """Return the rows that a search finds, as the API writes them."""
    span = (epoch(begin) * 1000, epoch(end) * 1000 - 1)
    table = world.table(SEED, kind)
    rows = world.found(SEED, kind, query, span)
    return [listing.WRITERS[kind](table, row)["attributes"] for row in rows.tolist()]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_error_rate_rises_after_two_and_falls_after_the_rollback(seed):
    assert share(at("13:02"), at("14:02"), seed) < 0.5
    assert share(at("14:30"), at("14:35"), seed) > 8
    assert share(at("15:40"), at("15:45"), seed) < 2
    assert share(at("16:09"), at("18:00"), seed) < 0.5
    for day in range(-7, 7):
        if day:
            begin = FACTS.start + timedelta(days=day)
            assert 0.05 < share(begin, begin + timedelta(hours=8), seed) < 0.35


@pytest.mark.parametrize("seed", SEEDS)
def test_every_minute_of_the_peak_is_bad(seed):
    window = (at("14:30"), at("15:25"), 60, seed)
    assert (values(ERRORS, *window) / values(HITS, *window) > 0.08).all()


def test_the_alert_comes_when_a_quarter_of_an_hour_averages_over_five_percent():
    late = FACTS.detected
    assert share(late - timedelta(minutes=15), late) > 5
    for minutes in range(1, 15):
        earlier = late - timedelta(minutes=minutes)
        assert share(earlier - timedelta(minutes=15), earlier) < 5
    cleared = MONITORS[0].cleared
    assert share(cleared - timedelta(minutes=15), cleared) < 5
    assert share(cleared - timedelta(minutes=17), cleared - timedelta(minutes=2)) > 5


def test_the_other_alerts_come_when_their_averages_say_so():
    def mean(query, end, minutes):
        return values(query, end - timedelta(minutes=minutes), end, 10 if minutes == 5 else 60)

    for monitor, minutes in ((MONITORS[1], 15), (MONITORS[2], 5)):
        query = monitor.query.split(":", 1)[1].split(" > ")[0]
        for moment, over in ((monitor.fired, True), (monitor.cleared, False)):
            whole = moment.replace(second=moment.second // 30 * 30)
            whole = whole.replace(second=0) if minutes == 15 else whole
            before = whole - timedelta(minutes=1)
            assert (np.nanmean(mean(query, whole, minutes)) > monitor.critical) is np.bool_(over)
            assert (np.nanmean(mean(query, before, minutes)) > monitor.critical) is np.bool_(
                not over
            )
    assert min(m.fired for m in MONITORS if m.fired) == FACTS.detected


def test_events_tell_when():
    events = {row["attributes"]["title"]: row["timestamp"] for row in found("*", kind="events")}
    assert events["[Triggered] Checkout error rate"] == "2025-12-04T14:19:40Z"
    assert events["Deploy of checkout v2.48.0 finished"] == "2025-12-04T13:58:30Z"
    assert events["Autoscaler: payments from 4 to 6 replicas"] == "2025-12-04T14:33:00Z"
    assert events["Rollback of checkout to v2.47.3 finished"] == "2025-12-04T15:31:00Z"
    assert events["INC-4821 resolved"] == "2025-12-04T17:05:00Z"


def test_payments_is_asked_four_times_as_often_and_is_well_otherwise():
    hits = "sum:trace.payments.request.hits{*}.as_count()"
    window = (at("14:35"), at("15:25"))
    earlier = tuple(moment - timedelta(days=7) for moment in window)
    ratio = values(hits, *window, 60).sum() / values(hits, *earlier, 60).sum()
    assert 3.6 < ratio < 4.4
    failed = values("sum:trace.payments.request.errors{*}.as_count()", *window, 3000).sum()
    assert failed / values(hits, *window, 60).sum() < 0.015
    depth = "max:payments.queue.depth{*}"
    assert np.nanmax(values(depth, *window, 60)) > 1500
    assert np.nanmax(values(depth, at("16:10"), at("18:00"), 60)) < 20


def test_only_hosts_with_the_release_ran_out_of_connections():
    rows = found("@error.kind:PoolTimeout service:checkout status:error")
    assert len(rows) > 1500
    assert {tag for row in rows for tag in row["tags"] if tag.startswith("version:")} == {
        "version:v2.48.0"
    }
    assert {row["attributes"]["region"] for row in rows} == {"eu-west-1", "us-east-1"}
    assert all("PoolTimeout" in row["message"] for row in rows)
    assert rows[0]["timestamp"] >= "2025-12-04T14:02"
    assert rows[-1]["timestamp"] < "2025-12-04T15:31"


def test_releases_reach_hosts_one_after_the_other():
    query = "count_not_null(sum:trace.checkout.request.hits{version:v2.48.0} by {host})"
    assert np.nanmax(values(query, at("13:59"), at("15:26"), 60)) == 6
    series = "sum:trace.checkout.request.hits{version:v2.48.0}.as_count()"
    over = evaluate.grid((epoch(at("13:30")), epoch(at("16:00"))), 60)
    (line,) = functions.Evaluation(SEED, over, {}).value(metric.formula(series))
    ran = over.seconds[~np.isnan(line.values)]
    assert epoch(at("13:52")) <= ran[0] < epoch(FACTS.deployed)
    assert ran[-1] < epoch(at("15:31"))
    pool = "max:checkout.pool.size{region:eu-west-1}"
    assert set(values(pool, at("14:00"), at("15:25"), 60)) == {5.0}
    assert set(values(pool, at("15:32"), at("16:00"), 60)) == {50.0}


@pytest.mark.parametrize("service", ["checkout", "payments"])
def test_each_failed_request_left_one_error_log(service):
    """Metrics and logs tell of the same requests: minute by minute the counts agree."""
    begin, end = at("14:00"), at("16:15")
    rows = found(f"service:{service} status:error", begin, end)
    logged = Counter(row["timestamp"][11:16] for row in rows)
    query = f"default_zero(sum:trace.{service}.request.errors{{*}}.as_count())"
    counted = values(query, begin, end, 60)
    minutes = [(begin + timedelta(minutes=n)).strftime("%H:%M") for n in range(len(counted))]
    assert [logged[minute] for minute in minutes] == counted.tolist()
    assert sum(counted) > 100


def test_around_the_incident_every_request_of_checkout_left_a_log():
    begin, end = at("14:00"), at("16:15")
    rows = found("service:checkout @http.status_code:*", begin, end)
    assert len(rows) == values(HITS, begin, end, 60).sum()


def test_error_logs_lead_to_their_traces():
    rows = found("service:checkout status:error", FACTS.start, FACTS.recovered)
    ids = {row["attributes"]["dd"]["trace_id"] for row in rows}
    spans = found("operation_name:checkout.request status:error", kind="spans")
    roots = {span["trace_id"]: span for span in spans}
    assert ids <= set(roots)
    first = rows[0]["attributes"]
    assert roots[first["dd"]["trace_id"]]["span_id"] == first["dd"]["span_id"]
    assert roots[first["dd"]["trace_id"]]["custom"]["duration"] == first["duration"]


def test_spans_have_parents_and_fit_into_them():
    spans = found("*", at("14:40"), at("14:45"), kind="spans")
    by_id = {span["span_id"]: span for span in spans}
    assert len(by_id) == len(spans)
    chains = set()
    for span in spans:
        parent = by_id.get(span["parent_id"])
        if parent:
            chains.add((parent["operation_name"], span["operation_name"]))
            assert span["trace_id"] == parent["trace_id"]
            assert span["start_timestamp"] >= parent["start_timestamp"]
            assert span["custom"]["duration"] <= parent["custom"]["duration"]
    assert chains >= {
        ("checkout.request", "payments.request"),
        ("checkout.request", "postgres.query"),
        ("checkout.request", "redis.command"),
        ("checkout.request", "pool.acquire"),
        ("payments.request", "http.request"),
    }


def test_there_are_enough_rows_most_of_them_around_the_incident():
    table = world.table(SEED, "logs")
    assert len(table) >= 50_000
    near = table.within(logs.NEAR[0] * 1000, logs.NEAR[1] * 1000)
    assert near.mean() > 0.5
    assert len(world.table(SEED, "spans")) > 20_000
    assert len(world.table(SEED, "events")) > 30
    for kind in listing.KINDS:
        moments = world.table(SEED, kind).milliseconds
        assert (np.diff(moments) >= 0).all()


def test_the_seeds_five_questions_have_answers():
    window = (FACTS.start, FACTS.recovered)
    assert len(found("status:error service:checkout", *window)) > 1000
    row = found("service:checkout status:error", *window)[0]["attributes"]
    assert row["error"]["message"]
    assert row["error"]["stack"].startswith("Traceback")
    assert len(found("service:checkout status:error", *window, kind="spans")) > 1000
    assert len(found("service:checkout", at("12:02"), FACTS.recovered, kind="events")) > 5
    hour = timedelta(hours=1)
    for query in (
        "avg:trace.checkout.request.duration{*}",
        "sum:trace.checkout.request.errors{*}.as_rate()",
    ):
        assert np.nanmax(values(query, FACTS.start - hour, FACTS.recovered + hour, 60)) > 0


@pytest.mark.parametrize("kind", listing.KINDS)
def test_a_world_comes_from_its_seed_alone(kind):
    first, again, other = (world.MAKERS[kind](seed) for seed in (SEED, SEED, 7))
    write = listing.WRITERS[kind]
    rows = range(0, len(first), max(len(first) // 50, 1))
    assert [write(first, row) for row in rows] == [write(again, row) for row in rows]
    assert write(first, 3) != write(other, 3)


def test_a_world_is_small():
    """Tables are columns, and rows are made when they are read."""
    tracemalloc.start()
    table = logs.table(SEED)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / len(table) < 300, "bytes a log"


def test_everything_is_made_up():
    """Addresses are of the nets kept for examples, mail goes to a domain that cannot exist."""
    addresses = {row["attributes"]["network"]["client"]["ip"]
                 for row in found("@usr.id:*", at("14:00"), at("14:10"))}  # fmt: skip
    nets = ("192.0.2.", "198.51.100.", "203.0.113.")
    assert all(address.startswith(nets) for address in addresses)
    assert all(person.email.endswith(".example") for person in PEOPLE)
