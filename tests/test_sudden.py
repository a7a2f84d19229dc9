"""A sudden change is told from what the series did before, not from a distribution."""

import numpy as np
import pandas as pd
import pytest

from postmortem_nb import Incident, change_points
from postmortem_nb.analysis.sudden import sudden

DAY = "2025-12-04"


def asked(tmp_path, values, start="15:00", end="16:00"):
    """Return the proposed start and end in a day of minutes."""
    incident = Incident.create("INC-1", tmp_path, start=f"{DAY}T{start}Z", end=f"{DAY}T{end}Z")
    at = pd.date_range(DAY, periods=len(values), freq="1min", tz="UTC")
    frame = pd.DataFrame({"timestamp": at, "value": values, "query": "q", "series": "*"})
    return change_points(frame, incident).to_dict("records")


def minute(text):
    return pd.Timestamp(f"{DAY}T{text}Z")


def curve(random):
    """Return a day of minutes on one wave of ±40 about 100, with noise of 1."""
    return 100 + 40 * np.sin(np.arange(1440) * 2 * np.pi / 1440) + random.normal(size=1440)


@pytest.mark.parametrize("length", [3, 5, 12])
def test_what_is_short_stands_out_of_a_slow_curve(tmp_path, length):
    values = curve(np.random.default_rng(3))
    first = 15 * 60 + 20
    values[first : first + length] += 12  # far within ±40, far from the values beside it
    start, end = asked(tmp_path, values)
    assert start["timestamp"] == minute("15:20")
    assert end["timestamp"] == minute(f"15:{20 + length}")
    assert start["earliest"] >= minute("15:15")
    assert start["baseline"] == "the running median"
    assert 9 <= start["after"] - start["before"] <= 15, "+12 on the curve as it was then"


def test_a_drop_of_an_hour_stands_out_of_a_series_that_wanders(tmp_path):
    random = np.random.default_rng(8)
    values = 1_000 + np.cumsum(random.normal(size=1440) * 4)
    before = values[15 * 60 + 9]
    values[15 * 60 + 10 : 15 * 60 + 50] -= 0.6 * before
    start, end = asked(tmp_path, values)
    assert start["timestamp"] == minute("15:10")
    assert start["baseline"] == "the 8 values just before"
    assert end["timestamp"] == minute("15:50")


@pytest.mark.parametrize("seed", range(20))
def test_a_slow_curve_alone_is_no_change(tmp_path, seed):
    start, end = asked(tmp_path, curve(np.random.default_rng(seed)))
    assert pd.isna(start["timestamp"])
    assert pd.isna(end["timestamp"])


def windows(count, *, alike):
    """Return deviations of so many windows of 20 and one more with a step, and the places."""
    z = np.random.default_rng(5).normal(size=20 * (count + 1)) * 0.3
    for place in alike:
        z[place : place + 4] += 9
    z[-10:-6] += 9.5
    inside = np.arange(z.size) >= 20 * count
    return z, ~inside, (inside, inside)


def test_its_like_in_the_baseline_makes_it_usual():
    assert sudden(*windows(29, alike=[])) is not None
    assert sudden(*windows(29, alike=[205])) is None, "1 of 29 windows"


def test_one_of_thirty_windows_may_have_its_like():
    found = sudden(*windows(34, alike=[205]))
    assert found is not None
    assert (found.first, found.beyond) == (34 * 20 + 10, 34 * 20 + 14)
    assert sudden(*windows(34, alike=[205, 405])) is None, "2 of 34 windows"


def test_two_windows_of_baseline_tell_nothing():
    assert sudden(*windows(2, alike=[])) is None


def test_a_few_ones_side_by_side_are_no_change_of_counts():
    random = np.random.default_rng(11)
    z = np.array([random.poisson(0.2, 320) / 0.2**0.5 - 0.2**0.5 for _ in range(400)])
    inside = np.arange(320) >= 310
    told = [sudden(each, ~inside, (inside, inside), counts=True) for each in z]
    assert sum(one is not None for one in told) <= 4
    more = [sudden(each, ~inside, (inside, inside)) for each in z]
    assert sum(one is not None for one in more) >= 5, "as other values they would be one"


def test_a_short_answer_is_held_against_a_baseline_of_its_own(tmp_path):
    """Five values, as of an alert that has just come: fewer than tell the level before it."""
    incident = Incident.create("INC-1", tmp_path, start=f"{DAY}T15:10Z", end=f"{DAY}T15:20Z")
    at = pd.date_range(f"{DAY}T15:00Z", periods=5, freq="5min")
    usual = 85 + np.random.default_rng(1).normal(size=590) * 3
    before = at[0] + pd.Timedelta("5min") * np.arange(-590, 0)
    ask = {"query": "q", "series": "*"}
    frame = pd.DataFrame({"timestamp": at, "value": [85.0, 90.0, 150.0, 140.0, 84.0], **ask})
    earlier = pd.DataFrame({"timestamp": before, "value": usual, **ask})
    start = change_points(frame, incident, baseline=earlier).iloc[0]
    assert start["timestamp"] == minute("15:10")
