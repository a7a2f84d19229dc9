"""Error budgets: the worked figures of both kinds, refusals, the waterfall."""

import dataclasses
import datetime as dt

import pytest

from postmortem_nb import slo
from postmortem_nb.errors import BadValue
from postmortem_nb.metrics import Facts

HOUR = dt.timedelta(hours=1)
START = dt.datetime(2025, 12, 7, 10, tzinfo=dt.UTC)


def at(minutes):
    return START + dt.timedelta(minutes=minutes)


def each_minute(moments):
    """Return every minute of an impact as a point that was wholly bad."""
    return (
        [(at(minute), 1.0) for minute in range(90)] if moments.start and moments.recovered else []
    )


# The worked example: 99.9 % over 30 days, 90 M valid requests, impact of 90 minutes with 187,500
# requests of which 37,500 failed, 0.05 % errors in quiet times.
WORKED = slo.Requests(bad=37_500, total=187_500, valid=90_000_000)


def test_the_request_based_example():
    got = slo.by_requests(99.9, WORKED, baseline=0.0005)
    assert got.budget == pytest.approx(90_000)
    assert got.consumed == pytest.approx(41.67, abs=0.005)
    assert got.excess == pytest.approx(41.56, abs=0.005)
    assert got.remaining == pytest.approx(58.33, abs=0.005)
    assert got.burn == pytest.approx(200)
    assert got.exhaustion == pytest.approx(dt.timedelta(hours=3.6), abs=dt.timedelta(seconds=1))
    assert "request-based" in got.definition


def test_the_same_incident_by_time():
    got = slo.by_time(99.9, bad=1.5 * HOUR)
    assert got.budget == pytest.approx(43.2)
    assert got.consumed == pytest.approx(208.33, abs=0.005)
    assert got.remaining == pytest.approx(-108.33, abs=0.005)
    assert "time-based" in got.definition


def test_burn_times_its_length_is_the_consumption_of_the_example():
    assert slo.used(slo.burn(0.2, 99.9), 1.5 * HOUR) == pytest.approx(41.67, abs=0.005)
    assert slo.used(slo.burn(1.0, 99.9), 1.5 * HOUR) == pytest.approx(208.33, abs=0.005)


@pytest.mark.parametrize(
    ("rate", "hours", "percent"), [(14.4, 1, 2), (6, 6, 5), (3, 24, 10)], ids=str
)
def test_the_multiwindow_table_of_the_workbook(rate, hours, percent):
    assert slo.used(rate, hours * HOUR) == pytest.approx(percent)


def test_burn_is_at_most_one_over_the_budget():
    assert slo.burn(1.0, 99.9) == pytest.approx(1000)
    assert slo.burn(0.001, 99.9) == pytest.approx(1)


def test_a_burn_rate_alert_fires_sooner_the_worse_it_is():
    # 100 % errors, 99.9 %, threshold 14.4, window 1 h: 0.001 / 1 × 60 min × 14.4 = 51.84 s
    worst = slo.fires_after(1.0, 99.9, threshold=14.4, alert_window=HOUR)
    assert worst.total_seconds() == pytest.approx(51.84)
    assert slo.fires_after(0.0144, 99.9, threshold=14.4, alert_window=HOUR) == HOUR
    assert slo.fires_after(0.01, 99.9, threshold=14.4, alert_window=HOUR) is None


@pytest.mark.parametrize(
    ("status", "target", "percent"),
    [(99.95, 99.9, 50), (99.9, 99.9, 0), (100, 99.9, 100), (99.8, 99.9, -100)],
)
def test_remaining_is_datadogs(status, target, percent):
    assert slo.remaining(status, target) == pytest.approx(percent)


@pytest.mark.parametrize("target", [100, 100.0, 101, 0, -1, float("nan")])
def test_a_target_without_a_budget_is_refused(target):
    for refused in (
        lambda: slo.remaining(99, target),
        lambda: slo.burn(0.1, target),
        lambda: slo.by_requests(target, WORKED),
        lambda: slo.by_time(target, bad=HOUR),
    ):
        with pytest.raises(BadValue, match=r"SLO target: expected .* 100"):
            refused()


@pytest.mark.parametrize("counts", [(2, 1, 10), (-1, 1, 10), (1, 20, 10), (0, 0, 0)], ids=str)
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(BadValue, match="requests: expected"):
        slo.by_requests(99.9, slo.Requests(*counts))


def test_no_traffic_in_the_incident_has_no_burn():
    got = slo.by_requests(99.9, slo.Requests(0, 0, 1000))
    assert (got.consumed, got.burn, got.exhaustion) == (0, None, None)


@pytest.mark.parametrize("bad", [-HOUR, 31 * 24 * HOUR])
def test_bad_time_beyond_the_window_is_refused(bad):
    with pytest.raises(BadValue, match="bad time"):
        slo.by_time(99.9, bad=bad)


# -- the waterfall ---------------------------------------------------------------------------------

MOMENTS = Facts(
    start=at(0), detected=at(12), acknowledged=at(15), mitigated=at(55), recovered=at(90)
)


def test_a_waterfall_by_minutes_is_the_length_of_each_phase():
    phases = slo.waterfall(MOMENTS, each_minute(MOMENTS), budget=43.2)
    assert [(phase.name, phase.bad) for phase in phases] == [
        ("undetected", 12),
        ("unacknowledged", 3),
        ("unmitigated", 40),
        ("recovering", 35),
    ]
    whole = slo.by_time(99.9, bad=1.5 * HOUR).consumed
    assert sum(phase.consumed for phase in phases) == pytest.approx(whole)


def test_a_waterfall_by_requests_takes_each_point_once():
    points = [(at(-5), 1000.0), (at(0), 10.0), (at(12), 20.0), (at(54), 30.0), (at(90), 1000.0)]
    phases = slo.waterfall(MOMENTS, points, budget=100)
    assert [phase.bad for phase in phases] == [10, 20, 30, 0]


def test_an_unknown_moment_joins_its_phases():
    moments = dataclasses.replace(MOMENTS, acknowledged=None)
    phases = slo.waterfall(moments, each_minute(moments), budget=43.2)
    assert [(phase.name, phase.bad) for phase in phases] == [
        ("undetected", 12),
        ("unacknowledged, unmitigated", 43),
        ("recovering", 35),
    ]


def test_a_phase_that_took_no_time_is_left_out():
    moments = dataclasses.replace(MOMENTS, detected=at(0))
    phases = slo.waterfall(moments, each_minute(moments), budget=43.2)
    assert [(phase.name, phase.bad) for phase in phases] == [
        ("unacknowledged", 15),
        ("unmitigated", 40),
        ("recovering", 35),
    ]


@pytest.mark.parametrize("missing", ["start", "recovered"])
def test_no_waterfall_without_both_ends(missing):
    moments = dataclasses.replace(MOMENTS, **{missing: None})
    assert slo.waterfall(moments, [(at(1), 1.0)], budget=1) == []
    assert each_minute(moments) == []
