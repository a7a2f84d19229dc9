"""Change points: on series whose truth is known, on the sandbox, and where nothing can be said."""

import numpy as np
import pandas as pd
import pytest

from postmortem_nb import Incident, change_points, get_datadog_metric, search_datadog_logs
from postmortem_nb.analysis import breaks, impact, usual
from postmortem_nb.charts import changes, clock
from postmortem_nb.errors import BadValue

DAY = "2025-12-04"
STEP = pd.Timedelta("1min")


def metric(values, start=f"{DAY}T10:00Z", step=STEP, query="avg:q{*}", series="*"):
    times = pd.date_range(start, periods=len(values), freq=step).astype("datetime64[us, UTC]")
    facts = {"timestamp": times, "query": query, "series": series, "value": values}
    return pd.DataFrame({**facts, "unit": "second"})


@pytest.fixture
def incident(tmp_path):
    """Declared 15:10 to 16:50: the true shift of these tests is 15:20 to 16:40."""
    return Incident.create("INC-1", tmp_path, start=f"{DAY}T15:10Z", end=f"{DAY}T16:50Z")


def noise(kind, random, size=600):
    if kind == "white":
        return 50 + random.normal(size=size)
    if kind == "counts":
        return random.poisson(4, size).astype(float)
    if kind == "skewed":
        return np.exp(random.normal(size=size))
    values = np.zeros(size)  # each value holds on to 0.6 of the one before, variance 1
    for place in range(1, size):
        values[place] = 0.6 * values[place - 1] + 0.8 * random.normal()
    return 50 + values


def shifted(kind, random, by):
    """Return 600 values, those of 15:20 to 16:40 (places 320 to 400) higher by ``by`` σ."""
    values = noise(kind, random)
    values[320:400] += by * values[:300].std()
    return values


TRUE = {
    "impact start": pd.Timestamp(f"{DAY}T15:20Z"),
    "impact end": pd.Timestamp(f"{DAY}T16:40Z"),
}


@pytest.mark.parametrize("kind", ["white", "counts", "skewed", "tied"])
def test_the_intervals_hold_the_true_ends(incident, kind):
    random = np.random.default_rng(4821)
    held = dict.fromkeys(TRUE, 0)
    for _ in range(25):
        found = change_points(metric(shifted(kind, random, 5)), incident).set_index("edge")
        assert found["timestamp"].notna().all(), "a shift of 5 σ is seen"
        for edge, true in TRUE.items():
            held[edge] += found.loc[edge, "earliest"] <= true <= found.loc[edge, "latest"]
    # 95 % of 25 is 23.75; 22 or fewer would come up in less than one of eight runs
    assert min(held.values()) >= 23


@pytest.mark.parametrize("kind", ["white", "counts", "skewed", "tied"])
def test_noise_is_no_incident(incident, kind):
    random = np.random.default_rng(42)
    frames = [change_points(metric(noise(kind, random)), incident) for _ in range(25)]
    proposed = sum(bool(found["timestamp"].notna().any()) for found in frames)
    assert proposed <= 2
    assert "nothing near the incident" in frames[0]["reason"].iloc[0]


def test_a_clean_step_is_dated_to_the_minute(incident):
    values = np.full(600, 0.2) + np.tile([0.0, 0.01], 300)
    values[320:400] = 3.0
    start, end = change_points(metric(values), incident).to_dict("records")
    assert start["timestamp"] == TRUE["impact start"]
    assert start["latest"] - start["earliest"] < 2.5 * STEP
    assert end["timestamp"] == TRUE["impact end"], "the first value that is usual again"
    assert end["latest"] - end["earliest"] < 2.5 * STEP
    assert start["after"] == end["before"] == 3.0
    assert start["before"] == pytest.approx(0.2, abs=0.01)
    assert start["minutes_apart"] == 10, "proposed 15:20, declared 15:10"
    assert end["minutes_apart"] == -10


def test_a_fall_is_a_change_too(incident):
    values = 100 + np.random.default_rng(1).normal(size=600)
    values[320:400] = 20
    found = change_points(metric(values), incident)
    assert found["shift"].iloc[0] < -8
    assert found["timestamp"].tolist() == list(TRUE.values())


def test_a_slow_rise_reaches_back_to_where_it_began(incident):
    random = np.random.default_rng(7)
    values = 10 + random.normal(size=600) * 0.5
    values[320:380] += np.linspace(0, 20, 60)  # a third of a unit a minute: noise hides the first
    values[380:400] += 20
    start = change_points(metric(values), incident).iloc[0]
    assert start["earliest"] <= TRUE["impact start"] + STEP
    assert start["latest"] < TRUE["impact start"] + 15 * STEP


def ramped(kind, random, minutes):
    """Return 600 values that rise from 15:20 on and are usual again from 16:40 on."""
    at = np.arange(600) + 0.5
    part = np.clip(np.minimum(at - 320, 400 - at) / minutes, 0, 1)
    if kind == "rare":
        return random.poisson(0.15 + 3 * part).astype(float)
    if kind == "share":
        asked = random.poisson(50, 600)
        return random.binomial(asked, 0.004 + 0.4 * part) / np.maximum(asked, 1)
    if kind == "latency":
        return (0.5 + 8 * part) * np.exp(0.15 * random.normal(size=600))
    return 50 + random.normal(size=600) + 6 * part


@pytest.mark.parametrize("kind", ["rare", "share", "latency", "white"])
@pytest.mark.parametrize("minutes", [1, 15])
def test_the_intervals_hold_the_first_departure_and_the_return(incident, kind, minutes):
    random = np.random.default_rng(4821)
    held = dict.fromkeys(TRUE, 0)
    for _ in range(20):
        found = change_points(metric(ramped(kind, random, minutes)), incident).set_index("edge")
        for edge, true in TRUE.items():
            held[edge] += found.loc[edge, "earliest"] <= true <= found.loc[edge, "latest"]
    # where 95 of 100 hold, 16 or fewer of 20 would come up in less than one of sixty runs
    assert min(held.values()) >= 17


def test_a_few_ones_among_zeros_are_no_incident(incident):
    random = np.random.default_rng(11)
    frames = [change_points(metric(random.poisson(0.1, 600) * 1.0), incident) for _ in range(30)]
    assert sum(bool(found["timestamp"].notna().any()) for found in frames) <= 1


def counted(complete, query="sum:errors{*}.as_count()"):
    """Return counts as Datadog gives them: minutes without any are left out."""
    values = np.random.default_rng(5).poisson(0.1, 600).astype(float)
    values[320:400] += 4
    frame = metric(values, query=query)
    frame = frame[frame["value"] > 0].reset_index(drop=True)
    window = {"from": f"{DAY}T10:00:00Z", "to": f"{DAY}T20:00:00Z", "complete": complete}
    frame.attrs["evidence"] = window
    return frame


def test_empty_buckets_of_a_count_are_zero_where_the_answer_is_whole(incident):
    start, end = change_points(counted(complete=True), incident).to_dict("records")
    assert start["before"] < 0.2, "a count of 0.1 a minute, not the median of the ones that came"
    for edge, true in zip((start, end), TRUE.values(), strict=True):
        assert edge["earliest"] <= true <= edge["latest"]
    for other in (counted(complete=False), counted(complete=True, query="avg:depth{*}")):
        assert change_points(other, incident)["before"].iloc[0] >= 1.0


def test_spikes_around_it_move_nothing(incident):
    values = 50 + np.random.default_rng(3).normal(size=600)
    values[320:400] += 10
    values[[50, 200, 290, 310, 450]] += 40
    found = change_points(metric(values), incident)
    for edge, true in zip(found.to_dict("records"), TRUE.values(), strict=True):
        assert edge["earliest"] <= true <= edge["latest"]


def test_missing_values_are_unknown_and_never_zero(incident):
    values = 50 + np.random.default_rng(3).normal(size=600)
    values[320:400] += 10
    values[np.arange(600) % 3 == 0] = np.nan
    values[315:325] = np.nan  # nobody knows what happened then
    frame = metric(values)
    frame["value"] = frame["value"].astype("Float64")
    start = change_points(frame, incident).iloc[0]
    assert start["earliest"] <= TRUE["impact start"] <= start["latest"]
    assert start["earliest"] <= pd.Timestamp(f"{DAY}T15:15Z")
    assert start["before"] > 45


def test_a_gap_alone_is_no_change(incident):
    values = 50 + np.random.default_rng(3).normal(size=600)
    values[320:400] = np.nan
    assert change_points(metric(values), incident)["timestamp"].isna().all()


@pytest.mark.parametrize("until", [400, 600])
def test_what_fell_silent_early_in_the_incident_is_said(incident, until):
    """An agent that dies at 15:15, five minutes in: nothing departs, for nothing is known."""
    values = 50 + np.random.default_rng(3).normal(size=600)
    values[315:until] = np.nan
    found = change_points(metric(values), incident)
    assert found["timestamp"].isna().all()
    last = "16:40" if until == 400 else "16:50"
    reason = f"no value is known from 15:15 to {last}, most of the incident"
    assert found["reason"].tolist() == [reason] * 2


def test_few_values_an_hour_are_no_silence(incident):
    values = 50 + np.random.default_rng(3).normal(size=24)
    found = change_points(metric(values, f"{DAY}T00:00Z", pd.Timedelta("1h")), incident)
    assert found["reason"].iloc[0] == "nothing near the incident departs from the baseline"


@pytest.mark.parametrize(
    ("resets", "again"),
    [
        ((), ""),
        ((200, 330), ", and begins again at 15:30"),
        ((330, 350, 360, 370, 380), ", and begins again at 15:30, 15:50, 16:00 and 2 times more"),
    ],
)
def test_a_counter_that_only_rises_is_asked_for_its_rate(incident, resets, again):
    """Before, the restart of a process was an impact, somewhere on the way up again."""
    values = np.random.default_rng(3).poisson(50, 600).cumsum() * 1.0
    for place in resets:
        values[place:] -= values[place] - 20
    found = change_points(metric(values), incident)
    assert found["timestamp"].isna().all()
    assert found["reason"].iloc[0] == (
        f"the series only rises, as a counter does{again}: ask for its rate, for example "
        "per_second(…)"
    )


def test_a_queue_that_fills_in_the_incident_is_no_counter(incident):
    values = np.zeros(600)
    values[320:560] = 10.0 * np.arange(240)
    start = change_points(metric(values), incident)["timestamp"].iloc[0]
    assert abs(start - TRUE["impact start"]) <= 5 * STEP


def test_the_same_weekday_and_time_is_usual_when_weeks_are_there(tmp_path):
    """A busy afternoon is no incident; the same height at night is."""
    random = np.random.default_rng(11)
    hours = np.arange(28 * 24)  # four weeks before, in hours from Thursday 2025-11-06 00:00
    weekend = np.isin((hours // 24 + 3) % 7, (5, 6))
    usual = 100 + np.where(weekend, 0, 80) * (hours % 24 >= 8) * (hours % 24 < 20)
    times = {"start": "2025-11-06T00:00Z", "step": pd.Timedelta("1h")}
    values = usual + random.normal(size=hours.size) * 3
    quiet = Incident.create("Q", tmp_path, start="2025-12-02T07:00Z", end="2025-12-02T21:00Z")
    assert change_points(metric(values, **times), quiet)["timestamp"].isna().all()
    night = values.copy()
    place = 26 * 24 + 1  # 2025-12-02 01:00
    night[place : place + 5] = 180
    broken = Incident.create("B", tmp_path, start="2025-12-02T00:00Z", end="2025-12-02T07:00Z")
    start, end = change_points(metric(night, **times), broken).to_dict("records")
    assert start["timestamp"] == pd.Timestamp("2025-12-02T01:00Z")
    assert end["timestamp"] == pd.Timestamp("2025-12-02T06:00Z")
    assert "the same" in start["baseline"]


def daily(begin, days, job, minutes, high):
    """Return days of noise about 100 in which a job lifts the values at the same time each day."""
    times = pd.date_range(begin, periods=days * 288, freq="5min")
    since = (times.hour * 60 + times.minute - job) % 1440
    noisy = np.random.default_rng(7).normal(0, 1, len(times))
    return times, 100 + noisy + high * (since < minutes)


def lasting(tmp_path, name, start, end):
    return Incident.create(name, tmp_path, start=f"{DAY}T{start}Z", end=f"{DAY}T{end}Z")


@pytest.mark.parametrize(("minutes", "high"), [(10, 40), (25, 10)])
def test_what_comes_at_this_time_every_day_is_no_impact(tmp_path, minutes, high):
    times, values = daily("2025-11-27T05:00Z", 7, 3 * 60 + 20, minutes, high)
    frame = metric(values, start=times[0], step=times[1] - times[0])
    found = change_points(frame, lasting(tmp_path, "INC-2", "02:40", "04:30"))
    assert found["timestamp"].isna().all()
    assert "it comes at this time of the day: in 6 of the 6 days before" in found["reason"][0]


def test_a_job_hides_no_impact_that_is_beside_it_or_goes_farther(tmp_path):
    times, values = daily("2025-11-27T05:00Z", 7, 3 * 60 + 20, 10, 40)
    incident = lasting(tmp_path, "INC-2", "02:40", "04:30")
    for begins, lifted in (("03:50", 20), ("03:20", 100)):
        on = (times >= f"{DAY}T{begins}Z") & (times < f"{DAY}T04:20Z")
        frame = metric(values + lifted * on, start=times[0], step=times[1] - times[0])
        start = change_points(frame, incident)["timestamp"][0]
        assert abs(start - pd.Timestamp(f"{DAY}T{begins}Z")) <= pd.Timedelta("10min")


def test_a_series_that_repeats_each_day_departs_from_nothing():
    times, values = daily("2025-11-26T11:10Z", 8, 9 * 60, 540, 60)
    at = clock.seconds(pd.Series(times))
    known = np.ones(at.size, bool)
    found = usual.usual(at, values, known, 7200)
    assert found.says.startswith("the same time of day")
    assert np.abs(found.deviation).max() < 6, "full hours begin no place of the day half way"


def test_a_drift_is_no_break(incident):
    values = np.linspace(10, 40, 600) + np.random.default_rng(3).normal(size=600)
    found = change_points(metric(values), incident)
    assert found["timestamp"].isna().all()


def test_without_times_the_whole_frame_is_looked_at(tmp_path):
    bare = Incident.create("INC-2", tmp_path)
    values = 50 + np.random.default_rng(3).normal(size=600)
    values[320:400] += 10
    for known in (bare, None):
        found = change_points(metric(values), known)
        assert found["timestamp"].tolist() == list(TRUE.values())
        assert found["declared"].isna().all()


def test_what_has_not_come_back_has_no_end(incident):
    values = 50 + np.random.default_rng(3).normal(size=600)
    values[320:] += 10
    start, end = change_points(metric(values), incident).to_dict("records")
    assert start["timestamp"] == TRUE["impact start"]
    assert pd.isna(end["timestamp"])
    assert "not come back" in end["reason"]


def test_a_lone_value_far_beyond_a_long_baseline_is_called_a_spike(incident):
    values = 50 + np.random.default_rng(3).normal(size=1000)
    values[750] = 120
    start, end = change_points(metric(values, start=f"{DAY}T03:20Z"), incident).to_dict("records")
    assert start["timestamp"] == pd.Timestamp(f"{DAY}T15:50Z")
    assert end["timestamp"] == pd.Timestamp(f"{DAY}T15:51Z")
    assert start["reason"] == "one value alone: a spike"
    short = change_points(metric(values[400:]), incident)
    assert short["timestamp"].isna().all(), "six hours do not tell that it is rare"


def test_a_spike_right_behind_another_unusual_stretch_has_an_edge_of_its_own():
    y = np.full(40, 50.0)
    y[10:20], y[20] = 47.0, 300.0  # usual reaches to 10 and begins again at 21
    at = np.arange(40) * 60.0
    known = usual.usual(at, y, at < 600, 60.0)
    found = impact._edge(at, y, known, (20, 21), 20)
    assert (found.at, found.reason) == (1200.0, "one value alone: a spike")  # 20 · 60 s
    assert found.earliest < found.at < found.latest <= 1200.0 + 2 * 60


def test_one_other_incident_before_hides_nothing_and_is_told(incident):
    values = 50 + np.random.default_rng(3).normal(size=600)
    values[[*range(320, 324), *range(250, 254)]] += 60  # four minutes each
    short = Incident.create(
        "INC-2", incident.path.parent, start=f"{DAY}T15:20Z", end=f"{DAY}T15:24Z"
    )
    start, end = change_points(metric(values), short).to_dict("records")
    assert start["timestamp"] == TRUE["impact start"]
    assert end["timestamp"] == pd.Timestamp(f"{DAY}T15:24Z")
    assert start["baseline"].endswith("without 1 unusual stretch")


def test_what_comes_again_and_again_is_usual(incident):
    values = 50 + np.random.default_rng(3).normal(size=600)
    for begin in range(20, 600, 60):  # a job of every hour, at 10:20, 11:20 … 15:20
        values[begin : begin + 4] += 60
    assert change_points(metric(values), incident)["timestamp"].isna().all()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([5.0] * 600, "flat"),
        ([1.0], "only 1 known value;"),
        ([1.0, 2.0, 3.0], "only 3 known values"),
        ([np.nan] * 600, "only 0 known values"),
        ([np.inf] * 600, "only 0 known values"),
        ([1e300, -1e300] * 300, "only 0 known values"),
        ([1e99, -1e99] * 300, "nothing near"),
        ([4.0, 5.0] * 155 + [np.nan] * 100 + [4.0, 5.0] * 95, "no value is known within"),
    ],
)
def test_what_cannot_be_said_is_unknown_with_the_reason(incident, values, reason):
    found = change_points(metric(values), incident)
    assert found["timestamp"].isna().all()
    assert reason in found["reason"].iloc[0]
    assert found["timestamp"].dtype == "datetime64[us, UTC]"
    assert found.chart() is not None


def test_an_incident_without_a_baseline_is_unknown(incident):
    values = 50 + np.random.default_rng(3).normal(size=100)
    found = change_points(metric(values, start=f"{DAY}T15:10Z"), incident)
    assert "outside the incident" in found["reason"].iloc[0]
    past = metric(50 + np.random.default_rng(4).normal(size=100), start="2025-11-27T15:10Z")
    values[20:60] += 20
    found = change_points(metric(values, start=f"{DAY}T15:10Z"), incident, baseline=past)
    assert found["timestamp"].iloc[0] == pd.Timestamp(f"{DAY}T15:30Z")


def test_the_most_unusual_of_many_series_comes_first(incident):
    random = np.random.default_rng(3)
    parts = [metric(50 + random.normal(size=600), series=f"host:{n}") for n in range(60)]
    parts[59].loc[320:399, "value"] += 12
    found = change_points(pd.concat(parts).sample(frac=1, random_state=2), incident)
    assert found["series"].head(2).tolist() == ["host:59"] * 2
    assert found["timestamp"].head(2).tolist() == list(TRUE.values())
    assert found["timestamp"].iloc[2:].isna().all()


def test_of_many_series_it_is_said_in_how_many_something_was_found(incident, monkeypatch):
    """Each is looked at alone: one of sixty may be chance, fifty of sixty are not."""
    random = np.random.default_rng(3)
    parts = [metric(50 + random.normal(size=600), series=f"host:{n}") for n in range(60)]
    parts[59].loc[320:399, "value"] += 12
    line = change_points(pd.concat(parts), incident)._shown.line
    assert line.startswith("60 series, an impact in 1 · usual is the median of ")
    alone = change_points(parts[59], incident)._shown.line
    assert alone.startswith("1 series · usual is")


def test_an_empty_frame_gives_no_rows(incident):
    found = change_points(metric([]), incident)
    assert list(found.columns[:4]) == ["timestamp", "edge", "earliest", "latest"]
    assert len(found) == 0
    assert found.chart() is not None


def test_a_frame_without_times_is_refused(incident):
    with pytest.raises(BadValue, match="frame: expected an answer with a timestamp"):
        change_points(pd.DataFrame({"value": [1]}), incident)
    with pytest.raises(BadValue, match="frame: expected an answer"):
        change_points([1, 2], incident)


def test_a_frame_is_left_as_it_was(incident):
    frame = metric(50 + np.random.default_rng(3).normal(size=600)).sample(frac=1, random_state=1)
    before = frame.copy()
    change_points(frame, incident)
    pd.testing.assert_frame_equal(frame, before)


def test_the_95_point_of_the_likelihood_ratio():
    """Hansen's distribution: (1 − e^(−x/2))² = 0.95, solved here by hand."""
    assert pytest.approx(-2 * np.log(1 - np.sqrt(0.95)), abs=0.005) == breaks.THRESHOLD


class TestSandbox:
    """The made-up incident: errors rise from 14:02 and are gone at 16:09."""

    START, END = pd.Timestamp(f"{DAY}T14:02Z"), pd.Timestamp(f"{DAY}T16:09Z")

    @pytest.fixture
    def incident(self, tmp_path):
        return Incident.create("INC-4821", tmp_path, start=self.START, end=self.END)

    def test_metrics(self, incident):
        frame = get_datadog_metric(
            ["sum:trace.checkout.request.errors{*}.as_rate()", "p95:trace.checkout.request{*}"],
            f"{DAY}T13:02Z",
            f"{DAY}T17:09Z",
        )
        found = change_points(frame, incident)
        assert len(found) == 4
        assert found["minutes_apart"].abs().max() <= 12
        true = found["edge"].map({"impact start": self.START, "impact end": self.END})
        assert ((found["earliest"] <= true) & (true <= found["latest"])).all()
        row = incident.add_to_timeline(found, 0)
        step = incident["timeline"].loc[row]
        assert "impact start at 2025-12-04 14:0" in step["finding"]
        assert step["data_source"] == "Datadog metrics"

    def test_counts_of_logs(self, incident):
        frame = search_datadog_logs(
            "service:checkout status:error", f"{DAY}T13:02Z", f"{DAY}T17:09Z", limit=50_000
        )
        start, end = change_points(frame, incident).to_dict("records")
        assert start["query"] == "rows per minute"
        assert start["earliest"] <= self.START <= start["latest"]
        assert end["earliest"] <= self.END <= end["latest"]


def test_each_panel_names_its_series_before_a_long_query(incident):
    """Before: “… by {host}.as_rate() host:checkout-u…”, cut where the legend begins."""
    query = "sum:trace.checkout.request.errors{env:prod,service:checkout} by {host}.as_rate()"
    random = np.random.default_rng(7)
    hosts = [f"host:checkout-us-0{number}" for number in (4, 5)]
    lines = [metric(random.poisson(4, 600) + 0.0, query=query, series=host) for host in hosts]
    figure = change_points(pd.concat(lines, ignore_index=True), incident).chart()
    written = [each.get_text() for each in figure.texts]
    assert all(any(host in words for words in written) for host in hosts)


def test_of_weeks_the_picture_shows_the_incident_and_what_is_around_it(incident, monkeypatch):
    """Before, 100 minutes of 28 days were one upright line, and its interval could not be seen."""
    spans, staged = [], changes.stage.stage

    def seen(view, *panels, **words):
        spans.append((view.span, words["remark"]))
        return staged(view, *panels, **words)

    monkeypatch.setattr(changes.stage, "stage", seen)
    values = 50 + np.random.default_rng(3).normal(size=28 * 288)
    values[27 * 288 + 184 : 27 * 288 + 200] += 10  # 15:20 to 16:40
    weeks = metric(values, start="2025-11-07T00:00Z", step=pd.Timedelta("5min"))
    change_points(weeks, incident).chart()
    change_points(metric(values[-288:], f"{DAY}T00:00Z", pd.Timedelta("5min")), incident).chart()
    (near, said), (whole, nothing) = spans
    assert clock.spell(near) == "2025-12-04 07:45 to 23:55 UTC"
    assert said == "Drawn: 2025-12-04 07:45 to 23:55 UTC, of 28 days"
    assert (whole.length, nothing) == (287 * 300, "")


def test_a_baseline_is_of_a_time_before(incident):
    """In one of the quiet week after, the series would come back to its baseline then."""
    values = 50 + np.random.default_rng(3).normal(size=600)
    after = metric(values, start="2025-12-11T10:00Z")
    with pytest.raises(BadValue, match=r"baseline: expected .* before .*2025-12-11"):
        change_points(metric(values), incident, baseline=after)


def test_what_came_and_went_begins_with_its_first_bout(incident):
    """Two bouts in the declared window, the second one longer; a smaller blip is no part of it."""
    values = noise("white", np.random.default_rng(5))
    values[312:314] += 2  # 15:12
    values[320:330] += 8  # 15:20 to 15:30
    values[370:400] += 8  # 16:10 to 16:40
    found = change_points(metric(values), incident).set_index("edge")
    for edge, true in TRUE.items():
        assert abs(found.loc[edge, "timestamp"] - true) <= STEP, edge
        assert found.loc[edge, "earliest"] <= true <= found.loc[edge, "latest"], edge


@pytest.mark.parametrize("shift", [-8, -4, 4, 8])
@pytest.mark.parametrize("way", [-0.15, 0.15])
def test_on_the_flank_of_a_day_the_ends_are_those_of_the_step(tmp_path, way, shift):
    """Two hours before, two of impact, one after; the day alone moves it by nine units of noise."""
    incident = Incident.create("INC-1", tmp_path, start=f"{DAY}T12:05Z", end=f"{DAY}T13:57Z")
    random, held = np.random.default_rng(4821), {"impact start": 0, "impact end": 0}
    true = {"impact start": "12:00", "impact end": "14:00"}
    for _ in range(10):
        values = 100 + way * np.arange(300) + 5 * random.normal(size=300)
        values[120:240] += 5 * shift
        found = change_points(metric(values), incident).set_index("edge")
        for edge, clock_time in true.items():
            row, at = found.loc[edge], pd.Timestamp(f"{DAY}T{clock_time}Z")
            held[edge] += bool(row["earliest"] <= at <= row["latest"])
    assert min(held.values()) >= 8


def impact_on_the_way_up(tmp_path, random, shape):
    """Return start and end found: 6 units of noise up in two hours, an impact of some shape."""
    incident = Incident.create("INC-1", tmp_path, start=f"{DAY}T12:05Z", end=f"{DAY}T13:57Z")
    way = 100 + 0.2 * np.arange(300) + 5 * random.normal(size=300)
    found = change_points(metric(way + shape), incident)
    return found["timestamp"], found["reason"].iloc[1]


def test_a_small_step_that_stays_on_a_drift_has_no_end(tmp_path):
    """Three units of noise from 12:00 to the last value, 15:00: no end is the right one."""
    random, stays = np.random.default_rng(4821), 15.0 * (np.arange(300) >= 120)
    found = [impact_on_the_way_up(tmp_path / str(n), random, stays) for n in range(20)]
    assert sum(bool(pd.notna(times.iloc[1])) for times, _ in found) == 0
    assert any("would look the same were it not over" in reason for _, reason in found)


def test_what_dies_away_on_a_drift_keeps_its_end(tmp_path):
    """From 12:00 on 48 above the way, falling to nothing at 14:00 in four steps of 12."""
    place = np.arange(300)
    shape = np.where((place >= 120) & (place < 240), 48 - 12.0 * ((place - 120) // 30), 0)
    random = np.random.default_rng(4821)
    found = [impact_on_the_way_up(tmp_path / str(n), random, shape)[0] for n in range(10)]
    ends = [times.iloc[1] for times in found]
    near = [abs(end - pd.Timestamp(f"{DAY}T14:00Z")) <= 10 * STEP for end in ends if pd.notna(end)]
    assert sum(near) >= 8


def test_a_step_that_stays_is_no_drift(incident):
    """It does not rise before: a line through both sides is not the way that it was on."""
    values = 100 + 5 * np.random.default_rng(1).normal(size=600)
    values[320:] += 20
    start, end = change_points(metric(values), incident).to_dict("records")
    assert abs(start["timestamp"] - TRUE["impact start"]) <= STEP
    assert end["reason"] == "the series has not come back to its baseline when it ends"


def test_a_series_that_begins_with_the_incident_is_said_to_begin(incident):
    """A version deployed eight minutes before the declared start departs from nothing."""
    values = np.random.default_rng(3).poisson(20, 98).astype(float)
    found = change_points(metric(values, start=f"{DAY}T15:02Z"), incident)
    assert set(found["reason"]) == {
        f"the series begins at {DAY} 15:02 UTC: nothing before the incident tells what is usual"
    }
