"""The incident's own number, services and people in fields, one of them wrong at a time."""

import datetime as dt

import pandas as pd
import pytest
import sound

from postmortem_nb import evidence
from postmortem_nb.checks import identity


@pytest.fixture
def incident(tmp_path):
    made = sound.create(tmp_path)
    made.set("datadog_link", "https://app.datadoghq.eu/incidents/1")
    return made


def frozen(incident, services):
    """Freeze one line of logs a second, of each service in turn."""
    at = [pd.Timestamp(sound.moment("14:02")) + dt.timedelta(seconds=n) for n in range(40)]
    named = [services[n % len(services)] for n in range(40)]
    rows = {"timestamp": at, "status": "error", "service": named, "message": "failed"}
    record = {"complete": True, "function": "search_datadog_logs"}
    evidence.freeze(incident.path / "evidence", "lines", pd.DataFrame(rows), record)


def told(incident):
    return set(incident.check()["message"])


def test_the_incident_is_not_like_itself(incident):
    for other, found in (("INC-0", False), ("inc-1", True)):
        incident.add("similar", incident=other, date="2025-11-04", similarity="A pool too.")
        assert ("'INC-1' is this incident itself." in told(incident)) is found


@pytest.mark.parametrize(
    ("own", "link", "found"),
    [
        ("INC-2217", "https://app.datadoghq.eu/incidents/2217", False),
        ("INC-2217", "https://app.datadoghq.eu/incidents/2271", True),
        ("INC-2217", "https://app.datadoghq.eu/incidents/2219", True),
        ("INC-2217", "https://app.datadoghq.eu/incidents/48113", False),  # Datadog counts its own
        ("2025-12-04-checkout", "https://app.datadoghq.eu/incidents/2271", False),
    ],
)
def test_another_number_in_its_own_link(incident, own, link, found):
    incident.set("incident_id", own)
    incident.set("datadog_link", link)
    assert any(f"this incident is {own}" in each for each in told(incident)) is found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Priya Ramann", True),
        ("Pryia Raman", True),
        ("Priya Ramen", True),
        ("Priya Raman", False),
        ("Priya Castellanos", False),
        ("Priya", False),
        ("Priya Ramanova", False),
        ("Payments on-call", False),
    ],
)
def test_a_name_that_is_one_misspelt(incident, name, found):
    incident.add("actions", horizon="Immediate", title="Test it", owner="Priya Raman")
    incident.add("actions", horizon="Immediate", title="Alert on it", owner=name)
    assert any(each.startswith(f"{name!r}, but elsewhere") for each in told(incident)) is found


def test_two_words_are_near_by_a_letter_or_an_exchange():
    near = [("weber", "webber"), ("weber", "webre"), ("weber", "wober"), ("ozols", "ozola")]
    far = [("weber", "weberin"), ("weber", "weaver"), ("ana", "ann"), ("weber", "bewer")]
    assert [identity.near_to(*each) for each in (*near, *far)] == [True] * 4 + [False] * 4
    assert all(identity.near_to(b, a) for a, b in near)


def test_a_time_that_had_not_come_when_it_was_written(incident):
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=20)
    row = next(r for r in incident.values("timeline") if r["step"] == "Incident Declared Resolved")
    for at, found in ((later, True), (sound.moment("17:05"), False)):
        incident.set("time", at, table="timeline", row=row["row"])
        assert any("had not come when it was written" in each for each in told(incident)) is found


def test_an_incident_of_days_to_come_is_an_exercise(incident):
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(days=20)
    for row in incident.values("timeline"):
        incident.set("time", ahead, table="timeline", row=row["row"])
    assert not any("had not come" in each for each in told(incident))


@pytest.mark.parametrize(
    ("services", "rows", "found"),
    [
        (["payments"], ["checkout"], True),
        (["payments", "checkout"], ["checkout"], False),
        (["checkout-api"], ["checkout"], False),
        (["payments"], ["checkout", "payments"], False),
        ([], ["checkout"], False),
    ],
)
def test_the_service_of_the_frozen_rows_is_told(incident, services, rows, found):
    frozen(incident, rows)
    incident.set("services", services)
    said = "frozen rows are of 'checkout'"
    assert any(said in each for each in told(incident)) is found


@pytest.mark.parametrize(
    ("task", "done", "days", "found"),
    [
        ("Team briefing completed", True, 20, True),
        ("Team briefing completed", True, -2, False),
        ("Team briefing completed", False, 20, False),
        ("Postmortem review meeting scheduled", True, 20, False),
    ],
)
def test_what_is_ticked_has_come(incident, task, done, days, found):
    at = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)
    incident.add("sharing", task=task, done=done, when=at)
    assert any("is ticked for" in each for each in told(incident)) is found
