"""Facts told in further words, and a few fields: held to the timeline, the list and the evidence.

From 14:02 to 16:09 (127 minutes); detected at 14:19, planned at 15:18, rolled back at 15:26.
"""

import pandas as pd
import pytest
import sound

from postmortem_nb import evidence

TIMES_TOLD = {
    "Acknowledgment": {"on_call": "Jonas Weber"},
    "Mitigation Deployed": {"action": "Rolled checkout back.", "responsible": "Dana Kim"},
    "Detection": {"detection_method": "Monitor Alert", "alert_link": "https://example.com/m/1"},
}


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    made = sound.create(tmp_path_factory.mktemp("worded"))
    sound.write(made, {"teams": ["Metering", "Shop"], "regions": "Bern, Graz, Linz"}, TIMES_TOLD)
    time, responders = sound.moment("14:40"), ["Dana Kim", "Omar Said"]
    values = {"escalated_to": "Dana Kim", "reason": "A pool.", "responders": responders}
    made.add("timeline", step="Escalation", time=time, **values)
    for name, day in (("INC-0", "2025-03-04"), ("INC-00", "2025-06-11")):
        made.add("similar", incident=name, date=day, similarity="A pool that was too small")
    events = {
        "timestamp": [pd.Timestamp(sound.moment(at)) for at in ("14:19", "16:12")],
        "title": ["[Triggered] share of failed checkouts", "[Recovered] share of failed checkouts"],
    }
    record = {"complete": True, "function": "search_datadog_events"}
    evidence.freeze(made.path / "evidence", "events", pd.DataFrame(events), record)
    return made


FALSE = """
Of the 137 minutes of impact, 84 passed before the rollback.
The incident took 60 % of the error budget.
The failures ate 60 % of our error budget.
We noticed it only after 40 minutes.
It took 18 minutes from plan to deployment.
It took 18 minutes from the plan to production.
We escalated to Omar Said at 14:40 UTC.
All four regions refused orders.
Omar Said was on call.
Orders in all four regions were refused.
Orders are accepted again since 15:09 UTC.
The shop wrote 4,600 warnings: 4,999 PoolTimeout, 959 PoolEmpty and 442 SlowQuery.
""".strip().splitlines()

TRUE = """
Of the 127 minutes of impact, 84 passed before the rollback.
The incident took 42 % of the error budget.
We noticed it only after 17 minutes.
It took 8 minutes from plan to deployment.
We escalated to Dana Kim at 14:40 UTC.
Jonas Weber was on call.
Omar Said was on call for payments.
Dana Kim paged Omar Said and called in Jonas Weber.
Three of the four regions refused orders.
In all four regions orders were taken.
All three regions refused orders.
In the 138 minutes before, from 11:44 to 14:02, 6 requests had failed.
Orders are accepted again since 16:09 UTC.
The shop wrote 6,400 warnings: 4,999 PoolTimeout, 959 PoolEmpty and 442 SlowQuery.
""".strip().splitlines()

CODES = ("prose", "order", "range", "sources")


@pytest.mark.parametrize("sentence", FALSE)
def test_what_is_false_in_further_words_is_doubted(incident, sentence):
    assert sound.doubted_with(incident, sentence, *CODES) - sound.doubted(incident, *CODES)


@pytest.mark.parametrize("sentence", TRUE)
def test_what_is_true_in_further_words_is_let_be(incident, sentence):
    assert sound.doubted_with(incident, sentence, *CODES) == sound.doubted(incident, *CODES)


@pytest.mark.parametrize(
    ("name", "value", "code", "told"),
    [
        (
            "what_happened",
            "On Friday morning, from 14:02 to 16:09 UTC, checkouts failed.",
            "prose",
            1,
        ),
        ("what_happened", "On Thursday, from 14:02 to 16:09 UTC, checkouts failed.", "prose", 0),
        ("what_happened", "Checkouts failed. On Friday we found why.", "prose", 0),
        ("patterns", "All three earlier incidents in this pool began so.", "prose", 1),
        ("patterns", "Both earlier incidents in this pool began so.", "prose", 0),
        ("patterns", "Four earlier incidents in the last year began so.", "prose", 0),
        ("architecture_link", "https://TODO", "link", 1),
        ("architecture_link", "https://tracker.example.com/browse/XXX", "link", 1),
        ("architecture_link", "https://todo.example.com/browse/XX-1", "link", 0),
        ("key_events", "monitor triggered at 14:19, monitor recovered at 16:03", "prose", 1),
        ("key_events", "monitor triggered at 14:19, monitor recovered at 16:12", "prose", 0),
    ],
)
def test_a_blank_is_held_to_what_else_is_known(incident, name, value, code, told):
    old, before = incident.value(name), sound.doubted(incident, code)
    incident.set(name, value)
    found = sound.doubted(incident, code) - before
    incident.set(name, old)
    assert bool(found) is bool(told)


@pytest.mark.parametrize(("owner", "told"), [("metering", True), ("Dana Kim", False)])
def test_a_team_of_the_incident_owns_no_action(incident, owner, told):
    row = incident.values("actions")[0]["row"]
    before = sound.doubted(incident, "owner")
    incident.set("owner", owner, table="actions", row=row)
    found = sound.doubted(incident, "owner") - before
    incident.set("owner", "Priya Raman", table="actions", row=row)
    assert bool(found) is told


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("2,940 late bills at 14.50 each in charges", False),
        ("2,940 late bills at 41.50 each in charges", True),
        ("late bills, at 14.50 on average", False),
        ("shop revenue of the Friday before ($61,400) minus that of the incident ($42,900)", False),
    ],
)
def test_a_price_without_a_currency_is_one_of_dollars(tmp_path, method, told):
    incident = sound.create(tmp_path)
    incident.set("revenue_loss", 42630)
    incident.set("revenue_method", method)
    found = sound.doubted(incident, "range")
    assert any("revenue loss: $42,630" in each for each in found) is told


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("Monitor on the counter of expired tickets.", False),
        ("Monitor the counter of expired tickets.", True),
    ],
)
def test_a_monitor_on_something_is_no_verb(tmp_path, way, told):
    incident = sound.create(tmp_path)
    before = sound.doubted(incident, "vague")
    incident.add("went_wrong", area="Detection", what="Nobody was paged", how_to_improve=way)
    assert bool(sound.doubted(incident, "vague") - before) is told


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("So 274,801 requests were answered in that time.", False),  # 312,301 less 37,500
        ("So 275,801 requests were answered in that time.", True),
    ],
)
def test_what_two_numbers_leave_is_borne_by_them(incident, sentence, told):
    old = incident.value("what_happened")
    text = "Of 312,301 requests to the shop 37,500 failed. Requests failed for 127 minutes."
    incident.set("what_happened", text)
    found = {each for each in sound.doubted_with(incident, sentence, "lone") if "requests" in each}
    incident.set("what_happened", old)
    assert bool(found) is told
