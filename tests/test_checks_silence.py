"""Silent stretches of a timeline: asked about when long, or when a metric moved meanwhile."""

import numpy as np
import pandas as pd
import pytest
import sound

from postmortem_nb import evidence

MINUTES = pd.date_range("2025-12-04T13:02Z", "2025-12-04T17:09Z", freq="1min")


def at(clock):
    return pd.Timestamp(sound.moment(clock))


def steady(seed=7):
    """Return 20 ± 2 a minute: a metric that nobody would call moving."""
    return 20 + np.random.default_rng(seed).uniform(-2, 2, len(MINUTES))


def rising():
    """Return a metric that goes from 20 to 400 between 14:50 and 15:05, and back after 15:26."""
    climbed = np.clip((MINUTES - at("14:50")) / pd.Timedelta("15min"), 0, 1)
    fallen = np.clip((MINUTES - at("15:26")) / pd.Timedelta("10min"), 0, 1)
    return steady() + 380 * (np.asarray(climbed, float) - np.asarray(fallen, float))


@pytest.fixture
def incident(tmp_path):
    """The sound incident, silent from 14:26 to 15:12: 46 minutes; nothing in between."""
    made = sound.create(tmp_path)
    row = next(row["row"] for row in made.values("timeline") if row["step"] == "Key Discovery")
    made.remove("timeline", row)
    return made


def freeze(incident, values, name="errors", series="*", function="get_datadog_metric"):
    frame = pd.DataFrame(
        {"timestamp": MINUTES, "query": "sum:errors{*}", "series": series, "value": values}
    )
    evidence.freeze(
        incident.path / "evidence", name, frame, {"complete": True, "function": function}
    )


def silent(incident):
    found = incident.check()
    return found[found["code"] == "silence"].to_dict("records")


def test_a_long_silence_without_evidence_is_a_hint(incident):
    (hit,) = silent(incident)
    assert hit["severity"] == "hint"
    assert "46 minutes while the incident was open" in hit["message"]


def test_a_silence_in_which_a_metric_moved_is_a_warning_that_names_it(incident):
    freeze(incident, rising())
    (hit,) = silent(incident)
    assert hit["severity"] == "warning"
    assert "46 minutes while 'sum:errors{*}' went from" in hit["message"]
    assert "2025-12-04 14:26 UTC to 2025-12-04 15:12 UTC" in hit["message"]


def test_a_metric_within_its_noise_did_not_move(incident):
    freeze(incident, steady())
    assert [hit["severity"] for hit in silent(incident)] == ["hint"]


def test_a_silence_of_half_an_hour_is_asked_about_only_while_a_metric_moves(incident):
    row = next(r["row"] for r in incident.values("timeline") if r["step"] == "Investigation Begins")
    incident.set("time", sound.moment("14:40"), table="timeline", row=row)
    assert silent(incident) == []  # 32 minutes, 14:40 to 15:12
    freeze(incident, rising())
    (hit,) = silent(incident)
    assert "32 minutes" in hit["message"]


def test_an_entry_in_between_breaks_the_silence(incident):
    freeze(incident, rising())
    row = incident.add("timeline", step="Key Discovery", time=sound.moment("14:50"))
    assert silent(incident) == []
    incident.remove("timeline", row)
    assert [hit["severity"] for hit in silent(incident)] == ["warning"]


def test_updates_in_between_make_it_a_hint_while_a_metric_moves(incident):
    incident.add("updates", channel="Internal", time=sound.moment("14:50"), text="Pool looks full")
    assert silent(incident) == []  # 46 minutes, 14:26 to 15:12: it was told of meanwhile
    freeze(incident, rising())
    (hit,) = silent(incident)
    assert hit["severity"] == "hint"
    assert "46 minutes while 'sum:errors{*}' went from" in hit["message"]


def test_after_the_mitigation_a_metric_is_expected_to_move(tmp_path):
    made = sound.create(tmp_path)
    freeze(made, rising())
    assert silent(made) == []  # 15:38 to 16:09 are 31 minutes of recovery


def test_the_curve_that_moved_most_is_named(incident):
    freeze(incident, steady(), name="calm", series="region:eu")
    freeze(incident, rising(), name="errors", series="region:us")
    (hit,) = silent(incident)
    assert "region:us" in hit["message"]


@pytest.mark.parametrize(
    "values",
    [
        np.full(len(MINUTES), np.nan),
        np.full(len(MINUTES), 3.0),
        np.where(np.arange(len(MINUTES)) == 100, 1e9, 20.0),
    ],
    ids=["missing", "constant", "one odd point"],
)
def test_what_is_no_movement_is_no_movement(incident, values):
    freeze(incident, values)
    assert [hit["severity"] for hit in silent(incident)] == ["hint"]


def test_answers_of_other_kinds_and_lost_files_are_no_metrics(incident):
    freeze(incident, rising(), name="logs", function="search_datadog_logs")
    freeze(incident, rising(), name="lost")
    (incident.path / "evidence" / "lost.parquet").unlink()
    assert [hit["severity"] for hit in silent(incident)] == ["hint"]


def late(incident, *, worse):
    """Let the mitigation be at 14:50, and a metric get worse, or better, in 42 silent minutes."""
    for row in incident.values("timeline"):
        moved = {"Mitigation Plan Formed": "14:45", "Mitigation Deployed": "14:50"}
        if row["step"] in moved:
            incident.set("time", sound.moment(moved[row["step"]]), table="timeline", row=row["row"])
        if row["step"] in {"Root Cause Identified", "Partial Recovery"}:
            incident.remove("timeline", row["row"])
    incident.add("timeline", step="Partial Recovery", time=sound.moment("15:32"))
    gone = np.clip((MINUTES - at("15:00")) / pd.Timedelta("20min"), 0, 1)
    begun, over = (np.asarray(at(clock) <= MINUTES, float) for clock in ("14:02", "16:09"))
    level = np.asarray(gone if worse else 1 - gone, float)
    freeze(incident, steady() + 400 * level * (begun - over))


@pytest.mark.parametrize(("worse", "severity"), [(True, "warning"), (False, "hint")])
def test_a_mitigation_after_which_it_gets_worse_asks_for_more_than_one_that_helps(
    incident, worse, severity
):
    late(incident, worse=worse)
    (hit,) = [each for each in silent(incident) if "14:50 UTC" in each["message"]]
    assert hit["severity"] == severity
    assert "42 minutes while 'sum:errors{*}' went from" in hit["message"]


@pytest.mark.parametrize(
    ("height", "sent", "told"),
    [
        (400, (), True),
        (400, ("14:34",), True),  # 38 of the 46 minutes remain
        (400, ("14:49",), False),
        (5, (), False),  # within its noise
    ],
)
def test_a_silence_in_which_a_metric_stood_at_its_height_is_a_hint(incident, height, sent, told):
    inside = np.asarray((at("14:02") <= MINUTES) & (at("16:09") > MINUTES), float)
    freeze(incident, steady() + height * inside)
    for clock in sent:
        incident.add("updates", channel="Internal", time=sound.moment(clock), text="Looking.")
    stood = [
        each for each in silent(incident) if "'sum:errors{*}' stood at about 420" in each["message"]
    ]
    assert [each["severity"] for each in stood] == (["hint"] if told else [])


@pytest.mark.parametrize(("end", "told"), [("16:09", True), ("15:40", False)])
def test_so_is_one_after_the_mitigation(tmp_path, end, told):
    made = sound.create(tmp_path)
    row = next(row["row"] for row in made.values("timeline") if row["step"] == "Partial Recovery")
    made.remove("timeline", row)
    freeze(made, steady() + 400 * np.asarray((at("14:02") <= MINUTES) & (at(end) > MINUTES), float))
    found = [each for each in silent(made) if "from 2025-12-04 15:26" in each["message"]]
    assert any("stood at about 420" in each["message"] for each in found) is told
