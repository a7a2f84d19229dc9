"""From evidence to timeline: by hand, and what is offered."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from postmortem_nb import (
    Incident,
    candidates,
    datadog,
    evidence,
    log_patterns,
    over_represented,
    sections,
)
from postmortem_nb.errors import BadValue, BundleError

WINDOW = {"start": "2025-12-04T14:02Z", "end": "2025-12-04T16:09Z"}


@pytest.fixture
def incident(tmp_path):
    return Incident.create("INC-1", tmp_path, services=["checkout"], **WINDOW)


def frozen(incident, name, frame):
    evidence.freeze(incident.path / "evidence", name, frame, frame.attrs["evidence"])
    return evidence.thaw(incident.path / "evidence", name)


@pytest.fixture
def events(incident):
    asked = datadog.search_datadog_events("service:checkout", "2025-12-04T12:02Z", WINDOW["end"])
    return frozen(incident, "events", asked)


def test_a_row_goes_into_the_timeline_with_its_evidence(incident):
    logs = frozen(
        incident, "logs", datadog.search_datadog_logs("status:error", *WINDOW.values(), limit=5)
    )
    row = candidates.add(incident, candidates.of(logs, 3))
    step = incident["timeline"].loc[row]
    assert step["step"] == "Key Discovery"
    assert step["time"].floor("us") == logs.loc[3, "timestamp"].floor("us")
    assert step["finding"] == logs.loc[3, "message"]
    assert step["evidence"] == f"logs ({logs.loc[3, 'id']})"
    assert step["data_source"] == "Datadog logs"


def test_the_peak_of_a_metric_is_its_highest_value(incident):
    frame = frozen(
        incident,
        "metrics",
        datadog.get_datadog_metric(
            ["sum:trace.checkout.request.errors{*}.as_rate()"], *WINDOW.values()
        ),
    )
    top = frame.sort_values("value").iloc[-1]
    found = candidates.peak(frame)
    assert found.time == top["timestamp"]
    assert f"{float(top['value']):,.4g}" in found.says


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (14222.0, "millisecond", "14.2 s"),
        (18600.0, "item", "18,600 items"),
        (1.0, "item", "1 item"),
        (12.5, "request/second", "12.5 requests per second"),
        (3.25, None, "3.25"),
    ],
)
def test_a_peak_is_said_in_the_units_of_its_chart(value, unit, said):
    frame = pd.DataFrame({"query": ["avg:x{*}"], "value": [value], "unit": [unit]})
    frame["timestamp"] = pd.to_datetime(["2025-12-04T15:00Z"])
    assert candidates.peak(frame).says == f"avg:x{{*}}: peak {said}"


def test_an_alert_is_offered_as_the_detection(incident, events):
    offered = candidates.offered(incident)
    alert = next(one for one in offered if one.step == "Detection")
    assert alert.time.isoformat() == "2025-12-04T14:19:40+00:00"
    assert alert.columns == {
        "detection_method": "Monitor Alert",
        "detected_by": "Monitor “Checkout error rate”",
    }
    deploys = [one.says for one in offered if "v2.48.0" in one.says]
    assert deploys, "what happened before impact start is offered too"
    assert [one.time for one in offered] == sorted(one.time for one in offered)


def test_a_rollback_is_offered_as_the_mitigation_once_it_is_done(incident, events):
    offered = [one for one in candidates.offered(incident) if "Rollback" in one.says]
    (done,) = offered
    assert (done.step, done.says) == (
        "Mitigation Deployed",
        "Rollback of checkout to v2.47.3 finished",
    )
    row = candidates.add(incident, done)
    assert incident["timeline"].loc[row, "action"] == done.says
    assert incident.measures()["time_to_mitigate"].value == 89
    assert not [one for one in candidates.offered(incident) if "Rollback" in one.says]


@pytest.mark.parametrize(
    ("title", "source", "status", "step"),
    [
        ("Rolled back checkout to v2", "github", "ok", "Mitigation Deployed"),
        ("Rollback of checkout started", "deployment", "info", "Key Discovery"),
        ("Rollback of checkout failed", "deployment", "info", "Key Discovery"),
        ("Rollback of checkout finished", "deployment", "error", "Key Discovery"),
        ("[Recovered] Database rollback rate", "alert", "ok", "Key Discovery"),
        ("Deploy of checkout finished", "deployment", "success", "Key Discovery"),
    ],
)
def test_only_a_rollback_that_was_done_mitigates(events, title, source, status, step):
    row = events.index[0]
    for name, value in (("title", title), ("source", source), ("status", status)):
        events[name] = events[name].astype("string")
        events.loc[row, name] = value
    assert candidates.of(events, row).step == step


def test_a_rollback_before_the_impact_mitigated_nothing(incident, events):
    incident.set("time", "2025-12-04T15:32Z", table="timeline", row=incident["timeline"].index[0])
    assert not [one for one in candidates.offered(incident) if "Rollback" in one.says]


def test_an_alert_links_to_its_view_in_datadog_where_there_is_one(incident, events):
    events.attrs["evidence"]["link"] = "https://app.datadoghq.com/event/explorer?query=x"
    row = events.index[events["title"] == "[Triggered] Checkout p95 latency"][0]
    events.loc[row, "title"] = "[Triggered on {host:a}] Checkout p95 latency"
    found = candidates.of(events, row)
    assert found.columns["alert_link"] == events.attrs["evidence"]["link"]
    assert found.columns["detected_by"] == "Monitor “Checkout p95 latency”"
    candidates.add(incident, found)
    assert "Checkout p95 latency" not in str(sections.completions(incident))


def test_what_the_timeline_has_is_not_offered_again(incident, events):
    first = candidates.offered(incident)
    candidates.add(incident, first[0])
    assert len(candidates.offered(incident)) == len(first) - 1


def test_events_outside_the_incident_are_not_offered(incident, events):
    incident.set("time", "2025-12-04T14:10Z", table="timeline", row=incident["timeline"].index[1])
    assert all(one.time.hour < 15 for one in candidates.offered(incident))


@pytest.mark.parametrize("row", [99, "nothing", None])
def test_a_row_that_is_not_there_is_refused(incident, events, row):
    with pytest.raises(BadValue, match="row: expected"):
        candidates.of(events, row)


def test_a_row_without_a_time_is_refused():
    with pytest.raises(BadValue, match=r"^frame: it has no rows, so there is none to put"):
        candidates.of(pd.DataFrame({"timestamp": []}), 0)
    with pytest.raises(BadValue, match=r"frame's index, for example r7; got 0$"):
        candidates.of(pd.DataFrame({"count": [3]}, index=["r7"]), 0)
    with pytest.raises(BadValue, match="no time"):
        candidates.of(pd.DataFrame({"count": [3]}), 0)


@pytest.fixture
def logs(incident):
    asked = datadog.search_datadog_logs("service:checkout status:error", *WINDOW.values())
    return frozen(incident, "logs", asked)


def test_any_row_is_found_by_its_words_and_its_time(incident, logs):
    searched = candidates.search(incident, "logs", "poolTIMEOUT 14:0")
    found = searched.steps
    clock = logs["timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S")
    lines = logs.drop(columns=["timestamp", "tags"]).astype(str).agg(" ".join, axis=1)
    wanted = logs.index[lines.str.lower().str.contains("pooltimeout") & clock.str.contains("14:0")]
    assert [one.row for one in found] == list(wanted[: candidates.FOUND])
    assert 0 < len(wanted) == searched.rows < len(logs)
    row = candidates.add(incident, found[2])
    assert incident["timeline"].loc[row, "evidence"] == f"logs ({logs.loc[found[2].row, 'id']})"


def test_a_row_is_found_by_its_tags(incident, logs):
    """The table shows them, so a row that holds them is one that holds these words."""
    found = candidates.search(incident, "logs", "pooltimeout region:eu-west-1")
    holds = pd.Series(["region:eu-west-1" in tags for tags in logs["tags"].tolist()])
    wanted = logs[holds & logs["message"].str.contains("PoolTimeout")]
    assert found.rows == len(wanted) > 0


@pytest.mark.parametrize("words", ["(*", "\\", "\0", "nobody wrote this"])
def test_words_are_words_not_a_pattern(incident, logs, words):
    assert candidates.search(incident, "logs", words) == candidates.Found([], 0)


def test_no_words_find_the_first_rows(incident, logs):
    found = candidates.search(incident, "logs", " ")
    assert [one.row for one in found.steps] == list(range(candidates.FOUND))
    assert found.rows == len(logs)


def test_a_time_is_looked_for_in_the_zone_it_is_shown_in(incident, logs):
    there = ZoneInfo("Europe/Berlin")
    at = logs["timestamp"].dt.tz_convert(there)
    minute = f"{at[7]:%Y-%m-%d %H:%M}"
    found = candidates.search(incident, "logs", minute, there)
    assert 7 in [one.row for one in found.steps]
    assert {f"{one.time.astimezone(there):%Y-%m-%d %H:%M}" for one in found.steps} == {minute}
    assert candidates.search(incident, "logs", minute) == candidates.Found([], 0)


def test_one_row_in_two_answers_is_offered_once_and_is_one_step(incident, logs):
    before = candidates.offered(incident)
    frozen(incident, "again", logs)
    once = candidates.offered(incident)
    assert [(one.time, one.says) for one in once] == [(one.time, one.says) for one in before]
    candidates.add(incident, once[0])
    assert candidates.offered(incident) == once[1:]
    (held,) = (
        one for one in candidates.search(incident, "logs", "").steps if one.row == before[0].row
    )
    assert held.ways & candidates.taken(incident)


def test_an_answer_of_a_back_test_is_called_after_its_monitor_and_stands_last(incident, logs):
    row = incident.add("monitors", name="Errors")
    name = f"backtest_{row}"
    frozen(incident, name, logs)
    assert candidates.named(incident, [name, "logs"]) == [
        ("logs", "logs"),
        (name, "back-test of monitor 1"),
    ]
    added = candidates.add(incident, candidates.search(incident, name, "").steps[0])
    told = incident["timeline"].loc[added, "evidence"]
    assert told == f"back-test of monitor 1 ({logs.loc[0, 'id']})"


def test_two_rows_of_one_moment_are_two_steps(incident, logs):
    rows = logs.iloc[:2].drop(columns="id").assign(timestamp=logs.loc[0, "timestamp"])
    rows["message"] = ["one thing", "another"]
    rows.attrs = logs.attrs
    frozen(incident, "counted", rows)
    one, other = candidates.search(incident, "counted", "").steps
    candidates.add(incident, one)
    held = candidates.taken(incident)
    assert (bool(one.ways & held), bool(other.ways & held)) == (True, False)


@pytest.mark.parametrize("answer", ["nothing", "../logs", ""])
def test_an_answer_that_is_not_there_is_refused(incident, logs, answer):
    with pytest.raises(BundleError):
        candidates.search(incident, answer, "")


def test_an_answer_without_times_has_no_steps(incident):
    counted = "SELECT count(*) FROM logs"
    asked = datadog.analyze_datadog_logs(
        filter="*", sql_query=counted, from_=WINDOW["start"], to=WINDOW["end"], limit=10
    )
    frozen(incident, "counted", asked)
    kept = {}
    assert candidates.search(incident, "counted", "").steps == []
    assert candidates.offered(incident, kept) == []
    assert list(kept.values()) == [None]


def test_a_column_that_is_only_called_timestamp_has_no_times(incident, events):
    frame = pd.DataFrame({"timestamp": ["soon"], "status": ["error"]})
    frame.attrs["evidence"] = events.attrs["evidence"]
    naive = events.assign(timestamp=events["timestamp"].dt.tz_localize(None))
    for name, odd in (("said", frame), ("naive", naive)):
        frozen(incident, name, odd)
        assert candidates.search(incident, name, "").steps == []
    kept = {}
    assert candidates.offered(incident, kept)
    assert [name for (name, _), noted in kept.items() if noted is not None] == ["events"]


def test_evidence_that_cannot_be_read_offers_nothing(incident, events):
    assert candidates.offered(incident)
    (incident.path / "evidence" / "events.parquet").write_bytes(b"PAR1 torn")
    assert candidates.offered(incident) == []


def test_an_answer_is_read_again_only_when_it_changed(incident, events, monkeypatch):
    kept = {}
    first = candidates.offered(incident, kept)
    monkeypatch.setattr(evidence, "thaw", lambda *_: pytest.fail("it was read again"))
    assert candidates.offered(incident, kept) == first
    monkeypatch.undo()
    frozen(incident, "events", events.iloc[:0])
    assert candidates.offered(incident, kept) == []


def test_a_template_without_that_step_is_offered_nothing(tmp_path, events):
    own = tmp_path / "own.md"
    own.write_text("# Ours\n\n## Weather\n\n- Sky: {line sky = _____}\n")
    other = Incident.create("INC-2", tmp_path, template=own)
    frozen(other, "events", events)
    assert candidates.offered(other) == []


def test_a_template_s_timeline_takes_the_columns_that_it_has(tmp_path, events):
    own = tmp_path / "own.md"
    own.write_text(
        "# Ours\n\n## Story\n\n<!-- rows timeline (step=Key Discovery): 1 blank grows -->\n"
        "- {time time = _____}: {line finding = _____}\n<!-- end -->\n"
    )
    other = Incident.create("INC-3", tmp_path, template=own)
    frozen(other, "events", events)
    offered = candidates.offered(other)
    assert {one.step for one in offered} == {"Key Discovery"}
    candidates.add(other, offered[0])
    assert other.values("timeline")[0]["finding"] == offered[0].says


def test_a_frame_without_values_has_no_peak():
    with pytest.raises(BadValue, match="a metric with values"):
        candidates.peak(pd.DataFrame({"timestamp": [], "query": [], "value": []}))


def test_the_incident_offers_it_in_one_call(incident, events):
    row = incident.add_to_timeline(events, events.index[0])
    assert incident["timeline"].loc[row, "evidence"].startswith("events (")
    # a notebook, and so the document, shows the step: an id says nothing to a reader
    assert row._repr_html_().startswith("<p>In the timeline: 2025-12-04 13:5")


def test_a_cell_that_is_run_again_adds_no_second_step(incident, events):
    """Forms tell to run all cells again when a kernel ended; what was corrected stays so."""
    row = incident.add_to_timeline(events, events.index[0])
    incident.set("finding", "Release 2 began", table="timeline", row=row)
    incident.set("time", "2025-12-04T14:00Z", table="timeline", row=row)
    assert incident.add_to_timeline(events, events.index[0]) == row
    other = incident.add_to_timeline(events, events.index[1])
    assert other != row
    assert len(incident["timeline"]) == 4
    incident.remove("timeline", row)
    assert incident.add_to_timeline(events, events.index[0]) not in (row, other)


def test_the_peak_of_a_metric_in_one_call(incident):
    query = ["sum:trace.checkout.request.errors{*}.as_rate()"]
    frame = datadog.get_datadog_metric(query, *WINDOW.values())
    row = incident.add_to_timeline(frozen(incident, "rate", frame))
    top = frame.sort_values("value").iloc[-1]
    assert incident["timeline"].loc[row, "time"] == top["timestamp"]
    assert incident["timeline"].loc[row, "evidence"] == f"rate ({query[0]})"


def test_the_peak_is_that_of_the_impact(incident):
    """Before: the busiest minute of the hour after it, which the check then called too late."""
    query = ["sum:trace.checkout.request.hits{*}.as_rate()"]
    frame = datadog.get_datadog_metric(query, "2025-12-04T13:02Z", "2025-12-04T17:09Z")
    row = incident.add_to_timeline(frozen(incident, "hits", frame))
    inside = frame[frame["timestamp"].between(*incident.window())]
    top = inside.loc[inside["value"].idxmax(), "timestamp"]
    assert incident["timeline"].loc[row, "time"] == top < incident.window()[1]
    before = frame[frame["timestamp"] < incident.window()[0]]
    assert candidates.peak(before, within=incident.window()) == candidates.peak(before)


def test_two_peaks_at_one_moment_are_two_steps(incident):
    queries = [
        "avg:trace.checkout.request.duration{*}",
        "sum:trace.checkout.request.errors{*}.as_rate()",
    ]
    frame = datadog.get_datadog_metric(queries, *WINDOW.values())
    peaks = [frame.loc[frame[frame["query"] == query]["value"].idxmax()] for query in queries]
    frozen(incident, "metrics", frame)
    first, second = candidates.offered(incident)
    assert (first.time == second.time) is (peaks[0]["timestamp"] == peaks[1]["timestamp"])
    candidates.add(incident, first)
    assert candidates.offered(incident) == [second]
    incident.add("timeline", step="Partial Recovery", time=second.time)
    assert candidates.offered(incident) == []


def test_what_is_said_of_answers_is_not_doubted_itself(incident):
    """Before: “ratio 17.5”, but “ratio 1.27”, of two facets; “504”, but “503”, of two patterns."""
    asked = ("service:checkout", "2025-12-04T13:02Z", WINDOW["end"])
    logs = frozen(incident, "logs", datadog.search_datadog_logs(*asked, limit=30_000))
    rows = [
        *(incident.add_to_timeline(over_represented(logs, incident), n) for n in range(3)),
        *(incident.add_to_timeline(log_patterns(logs, incident), n) for n in range(4)),
    ]
    found = incident.check()
    told = found[found["row"].isin(rows) & (found["code"] == "prose")]
    assert list(told["message"]) == []
