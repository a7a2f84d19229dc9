"""Figures of the SLO against stated figures and frozen answers."""

import pandas as pd
import pytest

from postmortem_nb import Incident, evidence

START, END = "2025-12-07T10:00Z", "2025-12-07T11:30Z"


def answer(bad, target=99.0, name="Checkout"):
    """Return an answer of one day by minutes, of which so many were bad in the incident."""
    rows = [("window", 1440.0, bad), ("incident", 90.0, bad)]
    frame = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(["2025-12-06T11:30Z", START], utc=True).as_unit("us"),
            "scope": pd.array([row[0] for row in rows], dtype="string"),
            "minutes": pd.array([row[1] for row in rows], dtype="Float64"),
            "good": pd.array([row[1] - row[2] for row in rows], dtype="Float64"),
            "bad": pd.array([row[2] for row in rows], dtype="Float64"),
            "valid": pd.array([row[1] for row in rows], dtype="Float64"),
            "no_data": pd.array([0.0, 0.0], dtype="Float64"),
            "corrected": pd.array([0.0, 0.0], dtype="Float64"),
            "unit": pd.array(["minutes"] * 2, dtype="string"),
            "slo": pd.array([name] * 2, dtype="string"),
            "type": pd.array(["time_slice"] * 2, dtype="string"),
            "target": pd.array([target] * 2, dtype="Float64"),
            "status": pd.array([100 - 100 * bad / 1440] * 2, dtype="Float64"),
            "window_days": pd.array([1.0] * 2, dtype="Float64"),
        }
    )
    record = {"function": "get_datadog_slo", "complete": True, "rows": 2, "from": START, "to": END}
    return frame, record


@pytest.fixture
def incident(tmp_path):
    return Incident.create("INC-1", tmp_path, start=START, end=END)


def freeze(incident, *bad):
    """Freeze answers: a budget of 14.4 minutes a day each."""
    for number, minutes in enumerate(bad):
        name = "slo" if not number else f"slo_{number}"
        frame, record = answer(minutes, name=name)
        evidence.freeze(incident.path / "evidence", name, frame, record)


def doubts(incident, words, blank="what_happened"):
    incident.set(blank, words)
    found = incident.check()
    return found[(found["code"] == "prose") & (found["name"] == blank)]["message"].tolist()


def test_what_is_left_follows_from_stated_figures(incident):
    for name, value in {"slo_target": 99.9, "slo_actual": 99.5, "budget_consumed": 500}.items():
        incident.set(name, value)
    (message,) = doubts(incident, "Error budget remaining: 40 %.")
    assert "-400" in message  # 100 · (99.5 − 99.9) ÷ 0.1


def test_what_remains_of_the_budget_is_compared(incident):
    """7.2 of 14.4 minutes: half remains."""
    freeze(incident, 7.2)
    (message,) = doubts(incident, "Error budget remaining: 80 %.")
    assert "80 %" in message
    assert doubts(incident, "Error budget left is 50 %.") == []


@pytest.mark.parametrize(
    ("name", "typed", "known"),
    [
        ("slo_target", 99.9, "99"),
        ("budget_consumed", 5, "50"),
        ("budget_remaining", 95, "50"),
    ],
)
def test_typed_figures_stand_beside_those_of_the_answer(incident, name, typed, known):
    freeze(incident, 7.2)
    incident.set(name, typed)
    found = incident.check()
    (message,) = found[(found["code"] == "sources") & (found["name"] == name)]["message"]
    assert f"{typed:g} % stated, {known}" in message
