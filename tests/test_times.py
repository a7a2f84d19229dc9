"""Times as typed, read into UTC: each expected instant is written out as its own datetime."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postmortem_nb import times
from postmortem_nb.errors import BadValue

START = datetime(2025, 12, 7, 14, 2, tzinfo=UTC)
NOW = datetime(2025, 12, 7, 16, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = st.datetimes(timezones=st.just(UTC))


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2025-12-07T14:02:00Z", at(2025, 12, 7, 14, 2)),
        ("2025-12-07 14:02 UTC", at(2025, 12, 7, 14, 2)),
        ("2025-12-07 9:05 utc", at(2025, 12, 7, 9, 5)),
        ("2025-12-07T14:02:00+05:30", at(2025, 12, 7, 8, 32)),
        ("2025-12-07T14:02:00-0800", at(2025, 12, 7, 22, 2)),
        ("2025-12-07T14:02:00.123456789Z", at(2025, 12, 7, 14, 2, 0, 123456)),
        ("1969-12-31T23:59:59Z", at(1969, 12, 31, 23, 59, 59)),
        ("9999-12-31T23:59:59Z", at(9999, 12, 31, 23, 59, 59)),
        ("1765116120", at(2025, 12, 7, 14, 2)),
        ("1765116120250", at(2025, 12, 7, 14, 2, 0, 250000)),
        (1765116120, at(2025, 12, 7, 14, 2)),
        (1765116120.5, at(2025, 12, 7, 14, 2, 0, 500000)),
        (1765116120001, at(2025, 12, 7, 14, 2, 0, 1000)),
        (0, at(1970, 1, 1)),
        (-1, at(1969, 12, 31, 23, 59, 59)),
        ("now", NOW),
        ("now-15m", at(2025, 12, 7, 15, 45)),
        ("now+2h", at(2025, 12, 7, 18, 0)),
        ("NOW - 1h30m", at(2025, 12, 7, 14, 30)),
        ("now-1w", at(2025, 11, 30, 16, 0)),
        ("now-1d", at(2025, 12, 6, 16, 0)),
        ("now-90s", at(2025, 12, 7, 15, 58, 30)),
        ("+15m", at(2025, 12, 7, 14, 17)),
        ("-5m", at(2025, 12, 7, 13, 57)),
        ("14:40", at(2025, 12, 7, 14, 40)),
        ("9:05:30", at(2025, 12, 7, 9, 5, 30)),
        ("15:40 +01:00", at(2025, 12, 7, 14, 40)),
        ("2:02pm", START),
        ("2 PM", at(2025, 12, 7, 14)),
        ("12:05 am", at(2025, 12, 8, 0, 5)),
        ("12:05 pm", at(2025, 12, 7, 12, 5)),
        ("3:02:30 PM +01:00", at(2025, 12, 7, 14, 2, 30)),
        ("Dec 7, 2025, 2:02:30.250 pm", at(2025, 12, 7, 14, 2, 30, 250000)),
        ("7 December 2025 14:02 UTC", START),
        ("07 Dec. 2025 14:02", START),
        ("2025-12-7 14:02", START),
        (datetime(2025, 12, 7, 15, 2, tzinfo=timezone(timedelta(hours=1))), START),
        (pd.Timestamp("2025-12-07T14:02:00.000000001Z"), START),
    ],
)
def test_what_is_typed_is_the_moment_meant(typed, meant):
    read = times.parse(typed, now=NOW, start=START, zone=UTC)
    assert read == meant
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "soon",
        "2025-12-07",
        "14:02 PST",
        "2025-02-30 14:02 UTC",
        "2025-12-07 24:01 UTC",
        "2016-12-31T23:59:60Z",
        "0001-01-01T00:00+05:00",
        "now-999999999w",
        "now-",
        "+15",
        "+15y",
        "20251207",
        "99999999999999999999",
        "٢٠٢٥-١٢-٠٧ ١٤:٠٢ UTC",
        "\ud800",
        "\x00",
        "9" * 100_000,
        10**14,
        -(10**14),
        10**400,
        float("nan"),
        float("inf"),
        True,
        None,
        date(2025, 12, 7),
        pd.NaT,
        b"2025-12-07T14:02:00Z",
        object(),
    ],
)
def test_what_is_no_time_is_refused_in_one_line(typed):
    with pytest.raises(BadValue, match=r"^Start: expected .*, for example .*; got ") as refused:
        times.parse(typed, name="Start", now=NOW, start=START, zone=UTC)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("typed", ["2025-12-07 14:02", "14:02", datetime(2025, 12, 7, 14, 2)])  # noqa: DTZ001
def test_a_time_without_a_zone_needs_a_declared_one(typed):
    with pytest.raises(BadValue, match="with its zone, for example 2025-12-07 14:02 UTC"):
        times.parse(typed, start=START)
    assert times.parse(typed, start=START, zone=BERLIN) == at(2025, 12, 7, 13, 2)


@pytest.mark.parametrize("typed", ["+15m", "14:02"])
def test_relative_times_need_a_start(typed):
    with pytest.raises(BadValue, match="expected day and time while the incident has no start"):
        times.parse(typed, zone=UTC)
    with pytest.raises(BadValue, match="expected day and time with the zone, for example"):
        times.parse(typed)


def test_the_day_of_a_clock_time_is_the_day_in_its_zone():
    """21:30 UTC on the 7th is 06:30 on the 8th in Tokyo: 07:00 there is half an hour later."""
    late = at(2025, 12, 7, 21, 30)
    assert times.parse("07:00", start=late, zone=ZoneInfo("Asia/Tokyo")) == at(2025, 12, 7, 22, 0)


@pytest.mark.parametrize(
    ("began", "typed", "moment"),
    [
        (at(2026, 11, 23, 22, 10), "00:10", at(2026, 11, 24, 0, 10)),
        (at(2026, 11, 23, 22, 10), "10:09:59", at(2026, 11, 24, 10, 9, 59)),
        (at(2026, 11, 23, 22, 10), "10:10", at(2026, 11, 23, 10, 10)),
        (at(2026, 11, 23, 22, 10), "21:58", at(2026, 11, 23, 21, 58)),
        (at(2026, 11, 23, 9, 0), "22:30", at(2026, 11, 23, 22, 30)),
        (at(2026, 11, 23, 2, 0), "00:10", at(2026, 11, 23, 0, 10)),
        (at(2026, 11, 23, 22, 10), "01:10 +01:00", at(2026, 11, 24, 0, 10)),
        (datetime.max.replace(tzinfo=UTC), "00:10", None),
    ],
)
def test_a_clock_time_past_midnight_is_of_the_next_day(began, typed, moment):
    if moment is None:
        with pytest.raises(BadValue):
            times.parse(typed, start=began, zone=UTC)
    else:
        assert times.parse(typed, start=began, zone=UTC) == moment


def test_the_night_is_the_one_of_the_zone_even_where_an_hour_is_skipped():
    """22:10 in Berlin on the day whose 02:30 was skipped: 02:30 is the next day's."""
    began = at(2025, 3, 30, 20, 10)
    assert times.parse("02:30", start=began, zone=BERLIN) == at(2025, 3, 31, 0, 30)


@pytest.mark.parametrize(
    ("about", "ways"),
    [
        ({}, "a time with its zone (ISO 8601, epoch seconds or ms, now, now-15m)"),
        ({"start": START}, "a time with its zone (+15m, ISO 8601, "),
        ({"zone": UTC}, "a time (2025-12-07 14:02, ISO 8601, "),
        ({"zone": BERLIN, "start": START}, "a time (14:02, +15m, 2025-12-07 14:02, ISO 8601, "),
    ],
)
def test_a_refusal_names_the_ways_that_are_open(about, ways):
    with pytest.raises(BadValue, match=re.escape(f"time: expected {ways}")):
        times.parse("noonish", **about)


def test_an_hour_that_comes_twice_is_refused_with_both_readings():
    with pytest.raises(BadValue, match="occurs twice in Europe/Berlin") as refused:
        times.parse("2025-10-26 02:30", zone=BERLIN)
    assert "write 2025-10-26 00:30 UTC or 2025-10-26 01:30 UTC" in str(refused.value)


def test_an_hour_that_is_skipped_is_refused_with_both_readings():
    with pytest.raises(BadValue, match="does not occur in Europe/Berlin") as refused:
        times.parse("2025-03-30 02:30", zone=BERLIN)
    assert "write 2025-03-30 00:30 UTC or 2025-03-30 01:30 UTC" in str(refused.value)


@given(MOMENTS)
@settings(deadline=None)
def test_written_and_read_again_is_the_same_moment(moment):
    assert times.parse(times.iso(moment)) == moment


@given(MOMENTS)
@settings(deadline=None)
def test_what_is_shown_can_be_typed(moment):
    assert times.parse(times.shown(moment)) == moment


def test_seconds_are_shown_only_where_they_say_something():
    assert times.shown(START) == "2025-12-07 14:02 UTC"
    assert times.shown(at(2025, 12, 7, 14, 0, 30)) == "2025-12-07 14:00:30 UTC"
    assert times.shown(at(2025, 12, 7, 0, 0)) == "2025-12-07 00:00 UTC"
    assert times.iso(at(2025, 12, 7, 14, 2, 0, 250000)) == "2025-12-07T14:02:00.25Z"


@given(st.text())
@settings(deadline=None)
def test_no_text_gives_anything_but_a_moment_or_a_refusal(text):
    try:
        assert times.parse(text, now=NOW, start=START, zone=BERLIN).tzinfo is UTC
    except BadValue as refused:
        assert str(refused)  # noqa: PT017 - most texts are refused, a few are times


def test_windows_are_rounded_outwards():
    moment = at(2025, 12, 7, 14, 2, 0, 1500)  # 1.5 ms past the full second
    assert (times.ms(moment), times.ms(moment, up=True)) == (1765116120001, 1765116120002)
    assert (times.seconds(moment), times.seconds(moment, up=True)) == (1765116120, 1765116121)
    assert times.seconds(START, up=True) == times.seconds(START) == 1765116120
    assert times.ms(at(1969, 12, 31, 23, 59, 59, 999500)) == -1


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("15m", timedelta(minutes=15)),
        ("1h30m", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("1.5 H", timedelta(minutes=90)),
        ("1w", timedelta(days=7)),
    ],
)
def test_lengths(text, length):
    assert times.span(text) == length


@pytest.mark.parametrize("text", ["", "15", "m", "-15m", "99999999999w", "1m" * 100, None, 15])
def test_what_is_no_length_is_refused(text):
    with pytest.raises(BadValue, match="expected a number and s, m, h, d or w"):
        times.span(text)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (127, "2 hours 7 minutes"),
        (60, "1 hour"),
        (61, "1 hour 1 minute"),
        (0, "0 minutes"),
        (0.5, "30 seconds"),
        (17 + 40 / 60, "17 minutes 40 seconds"),
        (-5, "-5 minutes"),
        (60_000, "1,000 hours"),
        (-0.001, "0 minutes"),
    ],
)
def test_lengths_in_words(minutes, words):
    assert times.duration(minutes) == words


def test_no_length_in_words_of_what_is_not_finite():
    with pytest.raises(BadValue, match="expected a number of minutes"):
        times.duration(float("nan"))


@pytest.mark.parametrize(
    "typed",
    ["14:02-14:05", "14:02 - 14:30", "09:02-09:30 ", "08:58-9:07", "02:10-02:20", "14:02+14:05"],
)
def test_two_times_of_day_are_no_time_with_a_zone(typed):
    """Before: 14:02-14:05 was 04:07 of the next day, for a zone that no place on earth has."""
    start = datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
    with pytest.raises(BadValue, match="expected a time"):
        times.parse(typed, start=start, zone=UTC)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("14:02-0330", "17:32"),
        ("14:02 -08:00", "22:02"),
        ("14:02+05:45", "08:17"),
        ("14:02 (UTC)", "14:02"),
        ("2025-12-04 2:24 PM (utc)", "14:24"),
    ],
)
def test_a_zone_that_there_is_may_stand_beside_a_time_of_day(typed, shown):
    start = datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
    assert times.shown(times.parse(typed, start=start, zone=UTC)) == f"2025-12-04 {shown} UTC"
