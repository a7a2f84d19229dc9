"""Verdicts on the SLO in sentences against stated figures and frozen answers."""

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


MET = (
    "The SLO was met throughout.",
    "Checkout stayed within the error budget.",
    "There was no SLO breach.",
    "We kept our availability SLO all month.",
    "The incident did not breach our SLO.",
)
MISSED = (
    "The outage breached the availability SLO.",
    "The error budget was exhausted by noon.",
    "Checkout overspent its monthly error budget.",
    "The SLO was violated.",
    "The errors exceeded our 30-day error budget and missed the SLO.",
)


@pytest.mark.parametrize("words", MET)
def test_a_claim_of_a_met_slo_is_doubted_where_it_was_missed(incident, words):
    """72 bad minutes of 1,440 are 95 %, below 99 %."""
    freeze(incident, 72)
    (message,) = doubts(incident, words)
    assert "95 % achieved misses the target of 99 %" in message


@pytest.mark.parametrize("words", MISSED)
def test_a_claim_of_a_missed_slo_is_doubted_where_it_was_met(incident, words):
    """7.2 bad minutes of 1,440 are 99.5 %, above 99 %."""
    freeze(incident, 7.2)
    assert "99.5 % achieved meets the target of 99 %" in doubts(incident, words)[0]


@pytest.mark.parametrize(("words", "bad"), [*((w, 7.2) for w in MET), *((w, 72) for w in MISSED)])
def test_a_true_verdict_is_left_alone(incident, words, bad):
    freeze(incident, bad)
    assert doubts(incident, words) == []


@pytest.mark.parametrize(
    "words",
    [
        "We were paged before the error budget was exhausted.",
        "It would have breached the availability SLO an hour later.",
        "We feared that the next hour might have overspent our error budget.",
        "The team tracks the availability SLO weekly.",
    ],
)
def test_what_is_no_verdict_is_left_alone(incident, words):
    freeze(incident, 7.2)
    assert doubts(incident, words) == []


def test_nothing_is_doubted_where_one_slo_was_met_and_another_missed(incident):
    freeze(incident, 7.2, 72)
    assert [doubts(incident, words) for words in (*MET, *MISSED)] == [[]] * 10


def test_stated_figures_are_enough(incident):
    for name, value in {"slo_target": 99.9, "slo_actual": 99.5, "budget_consumed": 500}.items():
        incident.set(name, value)
    assert "99.5 % achieved misses the target of 99.9 %" in doubts(incident, MET[0])[0]
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


@pytest.mark.parametrize(
    "words",
    [
        "The SLO of 99.0 % was missed this quarter.",
        "We did not meet our SLO.",
        "Availability came in under target.",
    ],
)
def test_a_missed_goal_is_heard_in_other_words(incident, words):
    """7.2 bad minutes of 1,440 meet 99 %; 72 miss it."""
    freeze(incident, 7.2)
    assert "meets the target" in doubts(incident, words)[0]
    freeze(incident, 72)
    assert doubts(incident, words) == []


@pytest.mark.parametrize(
    "words", ["The month ended above target.", "We made our SLO.", "The SLO of 99 % was hit."]
)
def test_a_goal_that_was_met_is_heard_in_other_words(incident, words):
    freeze(incident, 72)
    assert "misses the target" in doubts(incident, words)[0]
    freeze(incident, 7.2)
    assert doubts(incident, words) == []
