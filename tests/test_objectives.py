"""The SLO and revenue questions, from raw answers to figures worked by hand."""

import datetime as dt
import json

import pandas as pd
import pytest
from lying import Lying, Say

from postmortem_nb import (
    Incident,
    asides,
    budget,
    evidence,
    get_datadog_metric,
    get_datadog_revenue,
    get_datadog_slo,
    losses,
)
from postmortem_nb.datadog import client, objectives, steps
from postmortem_nb.errors import BadValue, DatadogError, QueryError
from postmortem_nb.metrics import Facts
from postmortem_nb.sandbox.scenario import FACTS

UTC = dt.UTC
MINUTE = dt.timedelta(minutes=1)


def at(clock):
    hour, minute = map(int, clock.split(":"))
    return dt.datetime(2025, 12, 7, hour, minute, tzinfo=UTC)


START, END = at("10:00"), at("11:30")
MOMENTS = Facts(
    start=START,
    detected=at("10:12"),
    acknowledged=at("10:15"),
    mitigated=at("10:55"),
    recovered=END,
    impact=((START, END),),
)
MONTH = dt.timedelta(days=30)


def seconds(moment):
    return int(moment.timestamp())


class Told:
    """A connection that gives written answers of the SLO history, by where their window begins."""

    site = host = "datadoghq.com"
    sandbox = False
    lacks = frozenset()
    skew = 0.0

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def scrub(self, text):
        return text

    def ask(self, name, read, *, waiting=None, **arguments):
        del waiting
        self.asked.append((name, arguments))
        return read(json.dumps(self.answers.pop(0)).encode())


@pytest.fixture
def told(monkeypatch):
    def answers(*found):
        connection = Told(*found)
        monkeypatch.setattr(client, "connection", lambda: connection)
        return connection

    return answers


def by_requests(times, good, valid, interval, **overall):
    """Return an answer of a metric SLO as Datadog gives it."""
    series = {
        "interval": interval,
        "times": [1000.0 * seconds(moment) for moment in times],
        "numerator": {"values": good},
        "denominator": {"values": valid},
    }
    return {"data": {"type": "metric", "type_id": 1, "series": series, **described(overall)}}


def by_states(*marks, kind="monitor", type_id=0, **overall):
    history = [[float(seconds(moment)), state] for moment, state in marks]
    about = described({"history": history, **overall})
    return {"data": {"type": kind, "type_id": type_id, **about}}


def described(overall):
    return {
        "thresholds": {"30d": {"timeframe": "30d", "target": 99.9}},
        "slo": {"name": "Checkout", "timeframe": "30d"},
        "overall": {"sli_value": None, **overall},
    }


# -- the worked example: 99.9 %, 30 days, 90 M requests, 90 minutes, 37,500 of 187,500 failed ------

EACH = 187_500 / 90, 37_500 / 90  # requests and failures a minute
NEAR = by_requests(
    [START + n * MINUTE for n in range(90)],
    [EACH[0] - EACH[1]] * 90,
    [EACH[0]] * 90,
    60,
)
DAYS = [END - MONTH + n * dt.timedelta(days=1) for n in range(30)]
WHOLE = by_requests(DAYS, [(90e6 - 37_500) / 30] * 30, [3e6] * 30, 86_400)


def test_the_request_based_example(told):
    """37,500 ÷ (0.001 × 90 M) = 41.67 %; 0.2 ÷ 0.001 = 200; 100 − 41.67 = 58.33 % remaining."""
    connection = told(NEAR, WHOLE)
    frame = get_datadog_slo("abc123", START, END)
    objective = budget.read(frame)
    assert (objective.type, objective.target, objective.days) == ("request-based", 99.9, "30 days")
    taken = budget.consumed(objective, MOMENTS.impact)
    assert taken.budget == pytest.approx(90_000)
    assert taken.consumed == pytest.approx(41.6667, abs=1e-3)
    assert taken.burn == pytest.approx(200)
    assert budget.left(objective) == pytest.approx(58.3333, abs=1e-3)
    (_, near), (_, whole) = connection.asked
    assert (near["from_ts"], near["to_ts"]) == (seconds(START), seconds(END))
    assert (whole["from_ts"], whole["to_ts"]) == (seconds(END - MONTH), seconds(END))
    assert near["apply_correction"] is True


def test_its_budget_by_phase(told):
    """Even failures: 12, 3, 40 and 35 of 90 minutes; 41.67 % × 12/90 = 5.556 % and so on."""
    told(NEAR, WHOLE)
    found = budget.spending(budget.read(get_datadog_slo("abc123", START, END)), MOMENTS)
    shares = {phase.name: phase.consumed for phase in found.phases}
    whole = 100 * 37_500 / 90_000
    expected = {"undetected": 12, "unacknowledged": 3, "unmitigated": 40, "recovering": 35}
    assert shares == pytest.approx({name: whole * n / 90 for name, n in expected.items()})


def test_a_step_across_a_border_is_shared_between_its_phases(told):
    """One step of 90 minutes: 12/90 of it lie before detection."""
    told(by_requests([START], [150_000.0], [187_500.0], 5400), WHOLE)
    found = budget.spending(budget.read(get_datadog_slo("abc123", START, END)), MOMENTS)
    assert found.phases[0].bad == pytest.approx(37_500 * 12 / 90)
    assert sum(phase.bad for phase in found.phases) == pytest.approx(37_500)


def test_the_same_incident_by_time(told):
    """90 ÷ 43.2 minutes = 208.33 %; 43,110 of 43,200 minutes good: −108.33 % remaining."""
    status = 100 * (43_200 - 90) / 43_200
    told(
        by_states((START, 1)),
        by_states((END - MONTH, 0), (START, 1), sli_value=status),
    )
    objective = budget.read(get_datadog_slo("abc123", START, END))
    assert objective.type == "time-based"
    assert budget.consumed(objective, MOMENTS.impact).consumed == pytest.approx(208.333, abs=1e-3)
    assert budget.left(objective) == pytest.approx(-108.333, abs=1e-3)
    phases = budget.spending(objective, MOMENTS).phases
    assert [phase.bad for phase in phases] == pytest.approx([12, 3, 40, 35])


def test_one_bad_minute_is_one(told):
    told(*(by_states((s, 0), (START, 1), (at("10:01"), 0)) for s in (START, END - MONTH)))
    spent = budget.spending(budget.read(get_datadog_slo("abc123", START, END)), MOMENTS)
    rows = [row[2] for row in asides.budget(spent).rows]
    assert rows[1].startswith("1 bad minute of a budget of 43.2,")
    assert rows[2:4] == ["1 bad minute", "0 bad minutes"]


def test_several_impact_intervals_count_as_their_union(told):
    """Bad all 90 minutes, but impact is 10:00–10:30 and 11:00–11:30: 60 ÷ 43.2 = 138.9 %."""
    told(by_states((START, 1)), by_states((END - MONTH, 0), (START, 1)))
    objective = budget.read(get_datadog_slo("abc123", START, END))
    impact = ((START, at("10:30")), (at("11:00"), END))
    assert budget.consumed(objective, impact).consumed == pytest.approx(100 * 60 / 43.2)


@pytest.mark.parametrize("way", ["states", "requests"])
def test_an_incident_longer_than_the_window_counts_what_the_window_holds(told, tmp_path, way):
    """Ten days down, a window of seven: 10,080 ÷ 100.8 minutes; half of all requests failed."""
    long = END - dt.timedelta(days=10)
    days = [long + n * dt.timedelta(days=1) for n in range(10)]
    near, whole = (
        [by_states((since, 1)) for since in (long, END - dt.timedelta(days=7))]
        if way == "states"
        else [by_requests(found, [500.0] * 10, [1000.0] * 10, 86_400) for found in (days, days[3:])]
    )
    connection = told(near, whole)
    frame = get_datadog_slo("abc123", long, END, target=99, timeframe="7d")
    assert connection.asked[1][1]["from_ts"] == seconds(END - dt.timedelta(days=7))
    moments = Facts(
        start=long, detected=long + dt.timedelta(days=1), mitigated=END - dt.timedelta(days=1),
        recovered=END, impact=((long, END),),
    )  # fmt: skip
    spent = budget.spending(budget.read(frame), moments)
    share = 100 if way == "states" else 50
    assert spent.taken.consumed == pytest.approx(share / 0.01)
    assert budget.left(spent.objective) == pytest.approx(100 - share / 0.01)
    assert [(phase.name, phase.since, phase.consumed) for phase in spent.phases] == [
        ("unacknowledged, unmitigated", days[3], pytest.approx(share / 0.01 * 6 / 7)),
        ("recovering", days[9], pytest.approx(share / 0.01 / 7)),
    ]
    incident = Incident.create("INC-1", tmp_path, start=long, end=END)
    evidence.freeze(incident.path / "evidence", "slo", frame, frame.attrs["evidence"])
    said = incident.stats().set_index("measure").loc["budget_consumed", "definition"]
    assert "of the impact what the window from 2025-11-30 11:30 UTC on holds" in said
    assert "| impact from 2025-11-30 11:30 UTC on |" in incident.document()
    assert "| 2025-11-30 11:30–2025-12-07 11:30 UTC |" in incident.document()


def test_an_answer_that_counts_more_bad_than_there_was_is_a_reason_and_no_error(told):
    told(by_states((START, 1)), by_states((END - MONTH, 0), (START, 1)))
    frame = get_datadog_slo("abc123", START, END)
    frame["bad"] = 2 * frame["bad"]
    spent = budget.spending(budget.read(frame), MOMENTS)
    assert "180 bad minutes of 90 in the impact, which cannot be" in spent.why


# -- corrections, no data, 100 % -------------------------------------------------------------------


def test_corrected_time_is_left_out(told):
    """30 of the 90 bad minutes are corrected, and no time of the window: 60 ÷ 43.17 = 139.0 %."""
    told(by_states((START, 1)), by_states((END - MONTH, 0), (START, 1), sli_value=99.0))
    pair = ["2025-12-07T10:00Z", "2025-12-07T10:30Z"]
    frame = get_datadog_slo("abc123", START, END, corrections=[pair])
    objective = budget.read(frame)
    assert objective.corrected == pytest.approx(30)
    taken = budget.consumed(objective, MOMENTS.impact)
    assert (taken.bad, taken.consumed) == pytest.approx((60, 100 * 60 / 43.17))
    assert objective.status == pytest.approx(100 * (43_170 - 60) / 43_170)  # not Datadog's 99.0


def test_corrections_that_an_answer_lists_are_left_out(told):
    listed = [{"start": seconds(START), "end": seconds(at("10:30"))}]
    told(
        by_states((START, 1), corrections=listed),
        by_states((END - MONTH, 0), (START, 1), corrections=listed),
    )
    objective = budget.read(get_datadog_slo("abc123", START, END))
    assert budget.consumed(objective, MOMENTS.impact).bad == pytest.approx(60)


@pytest.mark.parametrize("given", [True, False])
def test_a_figure_says_how_much_of_the_impact_was_corrected(told, tmp_path, given):
    """10 of 100 requests a minute fail for 90 minutes, 30 of which Datadog took out: 600 bad."""
    kept = [START + n * MINUTE for n in range(90) if given is False or not 30 <= n < 60]
    listed = [{"start": seconds(at("10:30")), "end": seconds(at("11:00"))}]
    near, whole = (
        by_requests(times, [good] * len(times), [100.0] * len(times), 60, corrections=listed)
        for times, good in ((kept, 90.0), ([END - n * 24 * 60 * MINUTE for n in range(30)], 100.0))
    )
    told(near, whole)
    frame = get_datadog_slo("abc123", START, END, apply_correction=given)
    objective = budget.read(frame)
    assert objective.corrected == (30 if given else 0)
    found = {e.name: e for e in budget.estimates(objective, MOMENTS, source="slo")}
    said = "30 corrected minutes of the impact left out"
    assert (said in found["budget_consumed"].definition) == given
    assert budget.consumed(objective, MOMENTS.impact).bad == (600 if given else 900)
    incident = Incident.create("INC-1", tmp_path, start=START, end=END)
    evidence.freeze(incident.path / "evidence", "slo", frame, frame.attrs["evidence"])
    assert (said in incident.document()) == given


@pytest.mark.parametrize(("kind", "type_id", "valid"), [("monitor", 0, 60), ("time_slice", 2, 90)])
def test_no_data_is_up_for_time_slices_and_neither_for_monitors(told, kind, type_id, valid):
    """Up 30 minutes, no data 30, down 30."""
    marks = ((START, 0), (at("10:30"), 2), (at("11:00"), 1))
    told(
        by_states(*marks, kind=kind, type_id=type_id), by_states(*marks, kind=kind, type_id=type_id)
    )
    frame = get_datadog_slo("abc123", START, END)
    near = frame[frame["scope"] == "incident"]
    assert near["valid"].sum() == pytest.approx(valid)
    assert near["bad"].sum() == pytest.approx(30)
    assert near["no_data"].sum() == pytest.approx(30)


def test_a_monitor_without_data_for_most_of_its_window_leaves_what_it_consumed(told):
    """27 of 30 days without data: 50 ÷ (0.001 × 4,320) = 1,157.4 % consumed, −1,057.4 % left."""
    since, bad = END - dt.timedelta(days=3), ((at("10:05"), 1), (at("10:55"), 0))
    told(by_states((START, 0), *bad), by_states((END - MONTH, 2), (since, 0), *bad))
    objective = budget.read(get_datadog_slo("abc123", START, END))
    taken = budget.consumed(objective, MOMENTS.impact)
    assert (taken.budget, taken.consumed) == pytest.approx((4.32, 100 * 50 / 4.32))
    assert budget.left(objective) == pytest.approx(100 - taken.consumed)
    told = {one.name: one for one in budget.estimates(objective, MOMENTS, source="slo")}
    assert "38,880 minutes of the window without data left out" in (
        told["budget_consumed"].definition
    )


def test_a_target_of_100_percent_has_no_budget_and_says_so(told, tmp_path):
    told(NEAR, WHOLE)
    frame = get_datadog_slo("abc123", START, END, target=100)
    spent = budget.spending(budget.read(frame), MOMENTS)
    assert spent.taken is None
    assert "100 %" in spent.why
    incident = Incident.create("INC-1", tmp_path, start=START, end=END)
    evidence.freeze(incident.path / "evidence", "slo", frame, frame.attrs["evidence"])
    rows = incident.stats().set_index("measure")
    assert pd.isna(rows.loc["slo_impact", "value"])
    assert "no error budget" in rows.loc["slo_impact", "missing"]
    assert rows.loc["slo_target", "value"] == 100


def test_a_target_of_0_percent_has_no_budget_either(told, tmp_path):
    told(NEAR, WHOLE)
    frame = get_datadog_slo("abc123", START, END).assign(target=0.0)
    incident = Incident.create("INC-1", tmp_path, start=START, end=END)
    evidence.freeze(incident.path / "evidence", "slo", frame, frame.attrs["evidence"])
    rows = incident.stats().set_index("measure")
    assert "has a target of 0 %, which nothing can miss" in rows.loc["slo_impact", "missing"]
    assert "unknown: the SLO “Checkout” has a target of 0 %" in incident.document()


def test_an_slo_without_data_is_unknown_and_never_zero(told):
    nothing = by_requests([START], [0.0], [0.0], 3600, errors=[{"error_message": "zero"}])
    told(nothing, nothing)
    frame = get_datadog_slo("abc123", START, END)
    objective = budget.read(frame)
    assert objective.status is None
    assert "no data" in budget.reason(objective, MOMENTS.impact)
    assert frame.attrs["evidence"]["warnings"] == ["zero"]
    with pytest.raises(BadValue):
        budget.left(objective)


def test_a_status_that_the_series_contradict_is_told(told):
    whole = by_requests(DAYS, [2.9e6] * 30, [3e6] * 30, 86_400, sli_value=99.5)
    told(NEAR, whole)
    frame = get_datadog_slo("abc123", START, END)
    assert "99.5 %" in frame.attrs["evidence"]["warnings"][0]
    assert budget.read(frame).status == 99.5


# -- the recorded answer, and what is refused ------------------------------------------------------


def test_an_answer_as_it_was_recorded_is_read(told):
    """A recorded day: the first bucket begins before the window and is shorter than the others."""
    times = [1704235800000.0, *(1704240000000.0 + 7_200_000 * n for n in range(12))]
    side = {"values": [0.0] * 13, "sum": 0.0, "count": 13}
    fault = {"error_message": "The denominator is zero valued", "error_type": "ZERO"}
    data = {
        "thresholds": {"7d": {"timeframe": "7d", "target": 95.0}},
        "type": "metric",
        "type_id": 1,
        "slo": {"name": "Recorded", "timeframe": "7d", "target_threshold": 95.0},
        "series": {"interval": 7200, "times": times, "numerator": side, "denominator": side},
        "overall": {"errors": [fault], "sli_value": None, "corrections": [], "state": "no_data"},
    }
    told({"data": data, "errors": None}, {"data": data, "errors": None})
    frame = get_datadog_slo("627a3ccd24af50beb8eacbd36c5962f9", 1704236088, 1704322488)
    objective = budget.read(frame)
    assert (objective.target, objective.window) == (95.0, dt.timedelta(days=7))
    assert objective.status is None
    assert "zero valued" in frame.attrs["evidence"]["warnings"][0]
    near = frame[frame["scope"] == "incident"]
    assert near["minutes"].sum() == pytest.approx(24 * 60)
    assert near["no_data"].sum() == pytest.approx(24 * 60)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "slo_id, or total"),
        ({"slo_id": "x", "total": "sum:a{*}.as_count()"}, "slo_id, or total"),
        ({"total": "sum:a{*}.as_count()", "target": 99}, "slo_id, or total"),
        ({"slo_id": "../../v2/users"}, "slo_id"),
        ({"slo_id": 7}, "texts"),
        ({"slo_id": "abc", "target": 0}, "target"),
        ({"slo_id": "abc", "target": 0.999}, "percentage above 1"),
        ({"slo_id": "abc", "target": 1}, "percentage above 1"),
        ({"slo_id": "abc", "target": 101}, "target"),
        ({"slo_id": "abc", "target": float("nan")}, "target"),
        ({"slo_id": "abc", "timeframe": "a month"}, "timeframe"),
        ({"slo_id": "abc", "corrections": ["2025-12-07"]}, "corrections"),
        ({"total": "avg:a{*}", "bad": "avg:b{*}", "target": 99}, "total"),
        ({"total": "sum:a{*}.as_count()", "bad": "sum:b{*}.as_count()"}, "target"),
        ({"uptime": "avg:a{*} < 1"}, "target"),
        ({"uptime": "avg:a{*}", "target": 99}, "a condition at its end"),
        ({"uptime": "avg:a{*} <= 2.5s", "target": 99}, "in the query's own unit"),
        ({"uptime": "avg:a{*} == 1", "target": 99}, "expected >, >=, < or <="),
        ({"uptime": "avg(last_5m):avg:a{*} < 1", "target": 99}, "without a window"),
        ({"uptime": "avg:a{*} < 1", "target": 99, "slices": "10m"}, "1m or 5m"),
        ({"uptime": "avg:a{*} < 1", "target": 99, "slo_id": "x"}, "slo_id, or total"),
        ({"uptime": "up", "target": 99}, "a metric"),
        ({"monitor": "avg:a{*} > 1", "target": 99}, "monitor"),
        ({"monitor": "avg(last_2d):avg:a{*} > 1", "target": 99}, "below a day"),
        ({"monitor": "avg(last_5m):sum:a{*}.as_count() > 1", "target": 99}, "only sum"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(arguments, named):
    with pytest.raises(QueryError, match=named) as refused:
        get_datadog_slo(from_=START, to=END, **arguments)
    assert "\n" not in str(refused.value)


def test_an_id_that_no_slo_has_is_what_to_check():
    window = (FACTS.start, FACTS.recovered)
    with pytest.raises(DatadogError, match="To do: check slo_id"):
        get_datadog_slo("0f2d0000000000000000000000000000", *window)


@pytest.mark.parametrize("body", [{"data": None, "errors": ["no"]}, {"data": {}}, [], {"data": []}])
def test_an_answer_that_is_no_history_is_a_failure(told, body):
    told(body)
    with pytest.raises(DatadogError):
        get_datadog_slo("abc123", START, END)


@pytest.mark.parametrize(
    "damage",
    [
        {"series": {"times": [None, "x"], "numerator": None, "denominator": {"values": [1]}}},
        {"series": {"times": [1e30], "numerator": {"values": [1]}, "denominator": {"values": [2]}}},
        {"overall": {"history": [None, [1], ["x", 1], [1e30, 0]]}, "series": {}},
        {"overall": None, "thresholds": None, "slo": None, "series": []},
    ],
)
def test_a_damaged_history_is_survived(told, damage):
    body = {"data": {"type": "metric", **damage}}
    told(body, body)
    frame = get_datadog_slo("abc123", START, END)
    assert frame.empty
    assert budget.read(frame) is None


def test_a_history_without_a_name_is_called_by_its_id():
    given = {"timeframe": "", "target": None, "slo_id": "abc"}
    found = objectives._objective({"overall": {}, "thresholds": {}}, given)
    assert (found.name, found.target, found.window) == ("abc", None, MONTH)


# -- metrics, and the sandbox ----------------------------------------------------------------------


def test_history_and_metrics_tell_the_same_of_the_sandbox():
    """Two ways to the same counts: Datadog's history, and hits with errors."""
    window = (FACTS.start, FACTS.recovered)
    moments = Facts(start=FACTS.start, recovered=FACTS.recovered, impact=(window,))
    name = "sum:trace.checkout.request.{}{{env:prod}}.as_count()"
    by_history = budget.read(get_datadog_slo(FACTS.slo_id, *window))
    by_metrics = budget.read(
        get_datadog_slo(
            total=name.format("hits"), bad=name.format("errors"), target=99.5,
            from_=window[0], to=window[1],
        )
    )  # fmt: skip
    one, other = (budget.consumed(each, moments.impact) for each in (by_history, by_metrics))
    assert one.bad == other.bad == 2188
    assert other.consumed == pytest.approx(one.consumed, rel=0.005)
    assert other.burn == pytest.approx(one.burn)


def test_queries_that_count_more_bad_than_there_was_are_told():
    """The one counts requests, the other something else: hits stand for what is bad of errors."""
    name = "sum:trace.checkout.request.{}{{env:prod}}.as_count()"
    total, bad = name.format("errors"), name.format("hits")
    window = {"from_": FACTS.start, "to": FACTS.recovered}
    frame = get_datadog_slo(total=total, bad=bad, target=99.5, timeframe="7d", **window)
    (said,) = frame.attrs["evidence"]["warnings"]
    assert "steps count more bad than total: the queries do not fit" in said
    frame = get_datadog_slo(total=bad, bad=total, target=99.5, timeframe="7d", **window)
    assert not frame.attrs["evidence"]["warnings"]


@pytest.mark.parametrize("lacks", ["total", "good", "bad"])
def test_a_query_that_had_no_data_counts_nothing(lacks):
    """A misspelt total: every bad request would be all there was, 1000 times the budget.

    A misspelt bad: none in 7 days, 100 % achieved and nothing of the budget taken.
    """
    name = "sum:trace.checkout.request.{}{{env:prod}}.as_count()"
    queries = {"total": name.format("hits"), lacks: name.format("hits")}
    if lacks == "total":
        queries = {"total": "", "bad": name.format("errors")}
    queries[lacks] = name.format("hitz")
    frame = get_datadog_slo(
        **queries, target=99.5, timeframe="7d", from_=FACTS.start, to=FACTS.recovered
    )
    assert (frame["valid"] == 0).all()
    (said,) = frame.attrs["evidence"]["warnings"]
    assert said.startswith(f"{name.format('hitz')} had no data in the SLO's window")
    assert said.endswith("; or count what was good" if lacks == "bad" else "check its name")
    why = budget.reason(budget.read(frame), [(FACTS.start, FACTS.recovered)])
    assert why.endswith("has no data in its window")


def test_the_sandbox_has_an_slo_by_minutes():
    """A minute is bad where more than 5 % failed, counted here from the metrics themselves."""
    window = (FACTS.start, FACTS.recovered)
    objective = budget.read(get_datadog_slo(FACTS.minutes_slo_id, *window))
    taken = budget.consumed(objective, [window])
    hits, errors = (
        get_datadog_metric(
            [f"sum:trace.checkout.request.{kind}{{env:prod}}.as_count().rollup(sum, 60)"], *window
        ).set_index("timestamp")["value"]
        for kind in ("hits", "errors")
    )
    bad = int((errors.reindex(hits.index).fillna(0) / hits > 0.05).sum())
    assert (objective.type, taken.bad) == ("time-based", bad)
    assert taken.consumed == pytest.approx(100 * bad / (0.01 * 43_200))


# -- time slices and monitors from metrics ---------------------------------------------------------


def by_minutes(heard):
    """Answer ten minutes from 10:00 of two zones; what a query is called says what it gives.

    Zone a: 1 1 9 9 – – 1 1 1 1; zone b: 1 1 1 9 9 – – 1 1 1 (– came not at all).
    """
    values = {
        "a": [1, 1, 9, 9, None, None, 1, 1, 1, 1],
        "b": [1, 1, 1, 9, 9, None, None, 1, 1, 1],
    }
    asked = heard.json["data"]["attributes"]
    times = [1000 * seconds(START + n * MINUTE) for n in range(10)]
    near = [n for n, ms in enumerate(times) if asked["from"] <= ms < asked["to"]]
    series, found = [], []
    for index, query in enumerate(asked["queries"]):
        zones = [] if "nobody" in query["query"] else ["a", "b"]
        zones = zones if "by {zone}" in query["query"] else zones[:1]
        for zone in zones:
            tags = [f"zone:{zone}"] if "by {zone}" in query["query"] else []
            series.append({"group_tags": tags, "query_index": index, "unit": None})
            found.append([values[zone][n] for n in near])
    attributes = {"series": series, "times": [times[n] for n in near], "values": found}
    return Say({"data": {"id": "0", "type": "timeseries_response", "attributes": attributes}})


@pytest.fixture
def zones(monkeypatch):
    with Lying(by_minutes) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        yield started


def ten_minutes(**words):
    """Return the SLO of the ten minutes alone: its window of a day begins 23:50 h before."""
    words = {"target": 99.0, "timeframe": "1d"} | words
    frame = get_datadog_slo(from_=START, to=at("10:10"), **words)
    return frame, budget.read(frame)


def near_sums(frame):
    near = frame[frame["scope"] == "incident"]
    return tuple(near[name].sum() for name in ("good", "bad", "valid", "no_data"))


@pytest.mark.parametrize(
    ("words", "good", "bad", "valid", "no_data"),
    [
        # bad at 10:02 and 10:03; 10:04 and 10:05 are without data, which is good
        ({"uptime": "avg:a{*} <= 5"}, 8, 2, 10, 2),
        ({"uptime": "avg:a{*} * 2 < 18"}, 8, 2, 10, 2),
        # one zone bad is bad: 10:02, 10:03, 10:04; without data in both: 10:05
        ({"uptime": "avg:a{*} by {zone} <= 5"}, 7, 3, 10, 1),
        # slices of five minutes have one point each here, that of their first minute
        ({"uptime": "avg:a{*} <= 0", "slices": "5m"}, 5, 5, 10, 5),
        # a monitor sees a minute at its end: sums over two minutes are 10 (10:02), 18, 9, –, 1 …
        ({"monitor": "sum(last_2m):avg:a{*} > 9"}, 7, 2, 9, 1),
        ({"monitor": "sum(last_2m):avg:a{*} > 8"}, 6, 3, 9, 1),
        ({"monitor": "max(last_1m):avg:a{*} by {zone} >= 9"}, 6, 3, 9, 1),
    ],
)
def test_slices_of_a_metric_are_those_counted_by_hand(zones, words, good, bad, valid, no_data):  # noqa: PLR0917
    frame, _ = ten_minutes(**words)
    assert near_sums(frame) == pytest.approx((good, bad, valid, no_data))


def test_the_budget_of_slices_by_hand(zones):
    """2 bad minutes of a day with a target of 99 %: 2 ÷ 14.4 = 13.9 %, 86.1 % left, 20 × burn."""
    frame, objective = ten_minutes(uptime="avg:a{*} <= 5")
    taken = budget.consumed(objective, [(START, at("10:10"))])
    assert taken.consumed == pytest.approx(100 * 2 / 14.4)
    assert taken.burn == pytest.approx((2 / 10) / 0.01)
    assert budget.left(objective) == pytest.approx(100 - 100 * 2 / 14.4)
    assert (objective.type, objective.kind, objective.no_data) == ("time-based", "time_slice", 1432)
    assert "1,432 of 1,440 slices had no data and count as good" in str(frame.attrs["evidence"])
    moments = Facts(
        start=START, detected=at("10:03"), mitigated=at("10:06"), recovered=at("10:10"),
        impact=((START, at("10:10")),),
    )  # fmt: skip
    phases = budget.spending(objective, moments).phases
    assert [(phase.name, phase.bad) for phase in phases] == [
        ("undetected", 1), ("unacknowledged, unmitigated", 1), ("recovering", 0),
    ]  # fmt: skip
    told = {one.name: one for one in budget.estimates(objective, moments, source="slo")}
    assert "2 minutes of the impact without data counted as good" in (
        told["budget_consumed"].definition
    )


def test_a_metric_that_nobody_sends_is_no_uptime(zones):
    _, objective = ten_minutes(uptime="avg:nobody{*} <= 5")
    assert (objective.status, objective.valid) == (None, 0)
    assert "no data" in budget.reason(objective, [(START, at("10:10"))])


def test_what_did_not_come_is_no_uptime(monkeypatch):
    """The second day of two fails: what it would have said is neither good nor bad."""
    served = []

    def once(heard):
        served.append(heard)
        return by_minutes(heard) if len(served) == 1 else Say(b"no", status=400)

    with Lying(once) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        frame = get_datadog_slo(
            uptime="avg:a{*} <= 5", target=99, timeframe="1d", from_=START,
            to=START + dt.timedelta(days=2),
        )  # fmt: skip
    record = frame.attrs["evidence"]
    assert not record["complete"]
    assert "count neither as good nor as bad" in record["warnings"][0]
    assert near_sums(frame)[:3] == pytest.approx((6, 2, 8))


def test_corrected_slices_are_good_and_a_monitors_leave_no_time(told):
    """Datadog's example: a day of a 7-day SLO corrected, an hour down: 60 ÷ 8,640, not ÷ 10,080."""
    week = dt.timedelta(days=7)
    pair = [END - week, END - dt.timedelta(days=6)]
    found = {}
    for kind, number in (("monitor", 0), ("time_slice", 2)):
        answers = [
            by_states((since, 0), (at("10:30"), 1), kind=kind, type_id=number)
            for since in (START, END - week)
        ]
        told(*answers)
        frame = get_datadog_slo("abc123", START, END, target=99, timeframe="7d", corrections=[pair])
        objective = budget.read(frame)
        found[kind] = objective.status, budget.consumed(objective, MOMENTS.impact).consumed
    assert found["monitor"] == pytest.approx((100 - 100 * 60 / 8_640, 100 * 60 / 86.4))
    assert found["time_slice"] == pytest.approx((100 - 100 * 60 / 10_080, 100 * 60 / 100.8))


@pytest.mark.parametrize("kind", ["monitor", "time_slice", "uptime="])
def test_a_correction_takes_its_own_minutes_and_no_others(told, zones, kind):
    """Bad 10:05–10:55, corrected 10:30–10:50; of the impact until 10:30 nothing is: 25 minutes.

    By metrics: bad at 10:02 and 10:03, of which the second is corrected.
    """
    if kind == "uptime=":
        pair, detected, over = [at("10:03"), at("10:04")], at("10:02"), at("10:10")
        frame, _ = ten_minutes(uptime="avg:a{*} <= 5", corrections=[pair])
        figures, phases = (1, 1, 9, 10), [("undetected", 0), ("after", 1)]
    else:
        pair, detected, over = [at("10:30"), at("10:50")], at("10:10"), at("10:30")
        bad, number = ((at("10:05"), 1), (at("10:55"), 0)), 2 if kind == "time_slice" else 0
        told(*(by_states((s, 0), *bad, kind=kind, type_id=number) for s in (START, END - MONTH)))
        frame = get_datadog_slo("abc123", START, END, corrections=[pair])
        valid = 90 if kind == "time_slice" else 70
        figures, phases = (20, 30, valid - 30, valid), [("undetected", 5), ("after", 20)]
    near = frame[frame["scope"] == "incident"]
    assert [near[n].sum() for n in ("corrected", "bad", "good", "valid")] == pytest.approx(figures)
    moments = Facts(start=START, detected=detected, recovered=over, impact=((START, over),))
    spent = budget.spending(budget.read(frame), moments)
    assert [each.bad for each in spent.phases] == pytest.approx([minutes for _, minutes in phases])
    assert spent.taken.bad == pytest.approx(sum(minutes for _, minutes in phases))


def test_slices_of_the_sandbox_are_those_of_its_own_history():
    """Two ways to the same minutes: Datadog's history of the SLO, and its condition on metrics."""
    window = (FACTS.start, FACTS.recovered)
    name = "sum:trace.checkout.request.{}{{env:prod}}.as_count()"
    own = budget.read(get_datadog_slo(FACTS.minutes_slo_id, *window))
    made = budget.read(
        get_datadog_slo(
            uptime=f"{name.format('errors')} / {name.format('hits')} <= 0.05",
            target=99, from_=window[0], to=window[1],
        )
    )  # fmt: skip
    assert (made.status, made.bad, made.valid) == (own.status, own.bad, own.valid)
    moments = Facts(start=window[0], detected=FACTS.detected, recovered=window[1], impact=(window,))
    ours, theirs = (budget.spending(each, moments) for each in (made, own))
    assert (ours.taken, ours.phases) == (theirs.taken, theirs.phases)


# -- revenue ---------------------------------------------------------------------------------------


def weeks(*rows):
    """Return a revenue answer: (week, part, value)."""
    return pd.DataFrame(
        {
            "timestamp": pd.to_datetime(["2025-12-07T10:00Z"] * len(rows), utc=True),
            "week": pd.array([row[0] for row in rows], dtype="Int64"),
            "part": pd.array([row[1] for row in rows], dtype="string"),
            "query": "q",
            "value": pd.array([row[2] for row in rows], dtype="Float64"),
            "unit": "dollar",
        }
    )


def test_lost_revenue_is_the_median_of_the_weeks_less_what_came_later():
    """Usual 100, 120, 130; actual 60; after: 55 against a usual 50 → deferred 5: 35, 55, 65."""
    frame = weeks(
        (0, "impact", 60), (-1, "impact", 100), (-2, "impact", 70), (-2, "impact", 50),
        (-3, "impact", 130), (0, "after", 55), (-1, "after", 50), (-2, "after", 40),
        (-3, "after", 60),
    )  # fmt: skip
    found = losses.from_weeks(frame, name="revenue")
    assert (found.value, found.low, found.high) == (55, 35, 65)
    assert found.source == "evidence: revenue"
    assert "deferred $5" in found.definition


def test_weeks_that_lack_points_are_told():
    """Nothing sold or nothing measured: the loss is as if nothing had been sold."""

    def week(number, count, value):
        times = pd.date_range("2025-12-07T10:00Z", periods=count, freq="1min")
        return weeks(*[(number, "impact", value)] * count).assign(timestamp=times)

    frame = pd.concat([week(0, 60, 20), week(-1, 120, 100), week(-2, 40, 100), week(-3, 110, 100)])
    found = losses.from_weeks(frame, name="revenue")
    assert found.value == 11_000 - 1200
    assert found.definition.endswith(
        "; points that are missing count as nothing: 60 of 120 in the incident's week, 80 of 120 "
        "in the one 2 weeks before; the interval is its least and most"
    )
    whole = pd.concat([week(0, 120, 20), week(-1, 120, 100), week(-2, 95, 100)])
    assert "missing" not in losses.from_weeks(whole, name="revenue").definition


def test_fewer_orders_after_are_no_deferred_ones():
    frame = weeks((0, "impact", 60), (-1, "impact", 100), (0, "after", 10), (-1, "after", 50))
    assert losses.from_weeks(frame, name="r").value == 40


def test_without_another_week_or_without_points_nothing_is_lost_or_known():
    assert losses.from_weeks(weeks((0, "impact", 60)), name="r") is None
    assert losses.from_weeks(weeks((-1, "impact", 60)), name="r") is None
    assert losses.from_weeks(weeks((0, "impact", pd.NA)), name="r") is None


def test_frames_and_numbers_mix():
    """Usual 50 and 2 × 30 in a frame, actual 20: losses 30 and 40, the median 35."""
    frame = pd.DataFrame({"value": pd.array([30.0, 30.0, pd.NA], dtype="Float64")})
    found = losses.revenue(20, [50, frame])
    assert (found.value, found.low, found.high) == (35, 30, 40)


@pytest.mark.parametrize(
    ("actual", "usual"),
    [(1, []), (1, 5), (1, "abc"), ("x", [1]), (float("nan"), [1]), (1, [pd.DataFrame()])],
)
def test_amounts_that_are_none_are_refused(actual, usual):
    with pytest.raises(BadValue, match="revenue"):
        losses.revenue(actual, usual)


def test_revenue_of_the_sandbox_is_that_of_a_plain_metric():
    """The incident's part is the same metric asked by itself."""
    window = (FACTS.start, FACTS.recovered)
    query = "sum:checkout.orders.value{*}.as_count()"
    frame = get_datadog_revenue(query, *window, weeks=1)
    plain = get_datadog_metric([query], *window)["value"].sum()
    week = get_datadog_metric([query], *(m - dt.timedelta(days=7) for m in window))["value"].sum()
    assert frame.loc[frame["week"] == 0, "value"].sum() == pytest.approx(plain)
    found = losses.from_weeks(frame, name="revenue")
    assert found.value == pytest.approx(week - plain)


@pytest.mark.parametrize(
    ("query", "tags", "why"),
    [
        (
            "sum:shop.revenue{*} by {currency}.as_count()",
            ["eur", "usd"],
            "holds eur and usd, which",
        ),
        ("sum:shop.revenue{*} by {currency}.as_count()", ["eur"], "tells it in eur (60 lost)"),
        ("sum:shop.revenue{currency:eur}.as_count()", [], "tells it in eur (60 lost)"),
        ("sum:shop.revenue{currency:usd}.as_count()", [], ""),
    ],
)
def test_euros_are_no_dollars_where_a_tag_tells_them(monkeypatch, query, tags, why):
    """Usual 100 an hour of each currency, 40 in the incident: 60 of each are lost, not 120."""

    def script(heard):
        since = heard.json["data"]["attributes"]["from"]
        value = 40.0 if since >= seconds(START) * 1000 else 100.0
        many = max(1, len(tags))
        groups = [{"group_tags": [f"currency:{tag}"], "query_index": 0} for tag in tags]
        attributes = {
            "series": groups or [{"group_tags": [], "query_index": 0}],
            "times": [since],
            "values": [[value]] * many,
        }
        return Say({"data": {"id": "0", "type": "timeseries_response", "attributes": attributes}})

    with Lying(script) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        frame = get_datadog_revenue(query, START, START + dt.timedelta(hours=1), weeks=1)
    assert why in losses.unknown(frame, (), name="rv")
    if not why:
        assert losses.from_weeks(frame, name="rv").value == 60


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"metric": ""}, "metric"),
        ({"metric": "avg:x{*}"}, "metric"),
        ({"metric": "sum:x{*}.as_count()", "weeks": 0}, "weeks"),
        ({"metric": "sum:x{*}.as_count()", "weeks": True}, "weeks"),
        ({"metric": "sum:x{*}.as_count()", "deferred": "8d"}, "deferred"),
    ],
)
def test_revenue_that_cannot_be_asked_is_refused(arguments, named):
    with pytest.raises(QueryError, match=named):
        get_datadog_revenue(from_=START, to=END, **arguments)


def test_steps_are_cut_to_their_span_and_counts_stay():
    step = steps.row(START, END, 8.0, 2.0, lacks=False)
    cut = steps.clipped(step, (at("10:45"), END), scale=False)
    assert (cut["since"], cut["bad"]) == (at("10:45"), 2.0)
    assert steps.clipped(step, (at("10:45"), END), scale=True)["bad"] == pytest.approx(1.0)
    assert steps.clipped(step, (END, END + MINUTE), scale=True) is None
