"""Durations, against worked examples computed by hand."""

import dataclasses
import datetime as dt

import pytest

from postmortem_nb import metrics
from postmortem_nb.metrics import Facts

UTC = dt.UTC


def at(clock, day=7):
    hour, minute = clock.split(":")
    return dt.datetime(2025, 12, day, int(hour), int(minute), tzinfo=UTC)


# The worked example: 10:00 start, 10:12 detected, 10:15 acknowledged, 10:20 declared,
# 10:55 mitigated, 11:30 recovered, 11:45 resolved.
WORKED = Facts(
    start=at("10:00"),
    detected=at("10:12"),
    acknowledged=at("10:15"),
    declared=at("10:20"),
    mitigated=at("10:55"),
    recovered=at("11:30"),
    resolved=at("11:45"),
    impact=((at("10:00"), at("11:30")),),
)


@pytest.mark.parametrize(
    ("name", "minutes"),
    [
        ("duration", 90),
        ("detection_time", 12),
        ("resolution_time", 105),
        ("mttd", 12),
        ("mttr", 90),
        ("time_to_detect", 12),
        ("time_to_acknowledge", 3),
        ("time_to_mitigate", 55),
        ("time_to_recover", 90),
        ("time_to_resolve", 105),
    ],
)
def test_our_definitions_give_the_worked_figures(name, minutes):
    each = metrics.derive(WORKED)[name]
    assert each.value == minutes
    assert each.unit == "minutes"
    assert each.definition
    assert not each.missing


@pytest.mark.parametrize(
    ("name", "minutes"),
    [
        ("datadog_time_to_repair", 78),
        ("datadog_time_to_resolve", 85),
        ("firehydrant_mtta", 15),
        ("firehydrant_mttr", 105),
    ],
)
def test_other_tools_definitions_explain_other_figures(name, minutes):
    assert metrics.elsewhere(WORKED)[name].value == minutes


def test_every_span_is_the_difference_of_two_fields_of_the_facts():
    fields = {each.name for each in dataclasses.fields(Facts)}
    for span in metrics.SPANS + metrics.ELSEWHERE:
        assert {span.since, span.until} <= fields


def test_a_missing_moment_makes_exactly_its_measures_unknown_with_the_reason():
    got = metrics.derive(dataclasses.replace(WORKED, detected=None))
    unknown = {name for name, each in got.items() if each.value is None and each.unit == "minutes"}
    assert unknown == {"detection_time", "mttd", "time_to_detect", "time_to_acknowledge"}
    assert got["mttd"].missing == "no time for Detection in the timeline"
    assert not got["mttd"].contradiction


def test_nothing_known_gives_no_figure_and_never_zero():
    got = metrics.derive(Facts())
    assert all(each.value is None and each.missing for each in got.values())


def test_an_end_before_its_beginning_is_a_contradiction_without_a_value():
    got = metrics.derive(dataclasses.replace(WORKED, detected=at("09:50")))
    assert got["detection_time"].value is None
    assert got["detection_time"].contradiction
    assert got["detection_time"].missing == "Detection is before Incident Start"
    assert got["time_to_acknowledge"].value == 25


def test_detection_at_the_very_start_is_zero_not_unknown():
    each = metrics.derive(dataclasses.replace(WORKED, detected=at("10:00")))["detection_time"]
    assert each.value == 0
    assert not each.missing


def test_moments_of_two_zones_are_compared_as_moments():
    berlin = dt.timezone(dt.timedelta(hours=1))
    detected = dt.datetime(2025, 12, 7, 11, 12, tzinfo=berlin)
    assert metrics.derive(dataclasses.replace(WORKED, detected=detected))["mttd"].value == 12


def test_a_mean_of_one_says_so():
    got = metrics.derive(WORKED)
    assert "n = 1" in got["mttd"].definition
    assert "n = 1" in got["mttr"].definition


@pytest.mark.parametrize(
    ("end", "parts"),
    [("10:00", (0, 0)), ("10:59", (0, 59)), ("11:00", (1, 0)), ("12:07", (2, 7))],
)
def test_duration_fills_hours_and_minutes_part_by_part(end, parts):
    assert metrics.derive(dataclasses.replace(WORKED, recovered=at(end)))["duration"].parts == parts


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        (["10:00"], ["11:30"], [("10:00", "11:30")]),
        # a relapse: two intervals, the gap between them is no impact
        (["10:00", "12:00"], ["10:30", "12:45"], [("10:00", "10:30"), ("12:00", "12:45")]),
        # a second start inside an impact that goes on begins nothing new
        (["10:00", "10:10"], ["11:00"], [("10:00", "11:00")]),
        # a second recovery without a start of its own moves the first
        (["10:00"], ["10:30", "11:00"], [("10:00", "11:00")]),
        (["10:00", "12:00"], ["10:30"], [("10:00", "10:30")]),  # the second is not over
        ([], ["10:30"], []),
        (["11:00"], ["10:30"], []),
        (["10:00"], ["10:00"], []),
    ],
)
def test_impact_is_the_union_of_its_intervals(starts, ends, expected):
    got = metrics.union(map(at, starts), map(at, ends))
    assert got == tuple((at(start), at(end)) for start, end in expected)


def test_the_length_of_the_impact_leaves_the_gaps_out_and_duration_says_so():
    """10:00-10:30 and 12:00-12:45: 165 minutes from first to last, 30 + 45 = 75 of impact."""
    rows = [
        {"step": "Incident Start", "time": at("10:00")},
        {"step": "Full Recovery", "time": at("10:30")},
        {"step": "Incident Start", "time": at("12:00")},
        {"step": "Full Recovery", "time": at("12:45")},
    ]
    got = metrics.derive(metrics.gather({}, rows))
    assert got["duration"].value == 165
    assert got["impact_length"].value == 75
    assert got["duration"].beside == "computed: 75 minutes without the gap"
    assert metrics.derive(WORKED)["duration"].beside == ""


def test_the_length_of_the_impact_is_unknown_without_its_ends():
    assert metrics.derive(Facts())["impact_length"].missing
    assert metrics.derive(Facts())["impact_length"].value is None


def test_follow_up_is_thirty_days_after_the_incident():
    by_date = metrics.derive(Facts(date=dt.date(2025, 12, 7)))["follow_up"]
    by_start = metrics.derive(WORKED)["follow_up"]
    assert by_date.value == by_start.value == dt.date(2026, 1, 6)
    leap = metrics.derive(Facts(date=dt.date(2028, 2, 1)))["follow_up"]
    assert leap.value == dt.date(2028, 3, 2)


@pytest.mark.parametrize("day", [dt.date.max, dt.date.max - dt.timedelta(days=29)])
def test_a_date_at_the_end_of_the_calendar_has_no_follow_up_and_breaks_nothing(day):
    each = metrics.derive(Facts(date=day))["follow_up"]
    assert (each.value, bool(each.missing)) == (None, True)
    last = metrics.derive(Facts(date=dt.date.max - dt.timedelta(days=30)))["follow_up"]
    assert last.value == dt.date.max


def test_gather_reads_each_moment_from_its_step():
    rows = [{"step": step, "time": getattr(WORKED, name)} for name, step in metrics.STEPS.items()]
    got = metrics.gather({"date": dt.date(2025, 12, 7), "affected_total": 4200}, rows)
    expected = dataclasses.replace(
        WORKED, declared=None, date=dt.date(2025, 12, 7), affected_total=4200
    )
    assert got == expected


def test_gather_takes_the_first_detection_and_the_last_recovery():
    rows = [
        {"step": "Detection", "time": at("10:20")},
        {"step": "Detection", "time": at("10:12")},
        {"step": "Full Recovery", "time": at("11:00")},
        {"step": "Full Recovery", "time": at("11:30")},
        {"step": "Full Recovery", "time": None},
        {"step": "Key Discovery", "time": at("09:00")},
    ]
    got = metrics.gather({}, rows)
    assert (got.detected, got.recovered, got.start) == (at("10:12"), at("11:30"), None)
    told = {name: each.source for name, each in metrics.derive(got).items()}
    assert told["mttd"] == "timeline: first Incident Start, first Detection"
    assert told["mttr"] == "timeline: first Incident Start, last Full Recovery"


def test_declared_is_the_acknowledgement_that_names_a_severity():
    plain = {"step": "Acknowledgment", "time": at("10:15")}
    assert metrics.gather({}, [plain]).declared is None
    named = {"step": "Acknowledgment", "time": at("10:20"), "severity_declared": "SEV-1"}
    assert metrics.gather({}, [plain, named]).declared == at("10:20")


@pytest.mark.parametrize("value", [None, float("nan"), True, "many"])
def test_gather_takes_only_numbers_for_numbers(value):
    assert metrics.gather({"affected_total": value, "revenue_loss": value}, []) == Facts()
