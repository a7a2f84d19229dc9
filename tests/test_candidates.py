"""From evidence to timeline: by hand, and what is offered."""

import pandas as pd
import pytest

from postmortem_nb import Incident, candidates, datadog, evidence
from postmortem_nb.errors import BadValue

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


def test_an_alert_is_offered_as_the_detection(incident, events):
    offered = candidates.offered(incident)
    alert = next(one for one in offered if one.step == "Detection")
    assert alert.time.isoformat() == "2025-12-04T14:19:40+00:00"
    assert alert.columns["detection_method"] == "Monitor Alert"
    deploys = [one.says for one in offered if "v2.48.0" in one.says]
    assert deploys, "what happened before impact start is offered too"
    assert [one.time for one in offered] == sorted(one.time for one in offered)


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
    with pytest.raises(BadValue, match="no time"):
        candidates.of(pd.DataFrame({"count": [3]}), 0)


def test_a_frame_without_values_has_no_peak():
    with pytest.raises(BadValue, match="a metric with values"):
        candidates.peak(pd.DataFrame({"timestamp": [], "query": [], "value": []}))


def test_the_incident_offers_it_in_one_call(incident, events):
    row = incident.add_to_timeline(events, events.index[0])
    assert incident["timeline"].loc[row, "evidence"].startswith("events (")
