"""A release and its rollback, told once the other way round: versions, regions, lengths, fields."""

import datetime as dt

import pandas as pd
import pytest
import sound

from postmortem_nb import evidence
from postmortem_nb.checks import doings, gaps, sums, versions

START = pd.Timestamp(sound.moment("14:02"))


def at(clock):
    return pd.Timestamp(sound.moment(clock))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    incident = sound.create(tmp_path_factory.mktemp("turned"))
    told = {
        "13:51": "Deployed checkout 7.18.0 to north and south",
        "15:26": "Rolled back checkout to 7.17.4 in north and south",
    }
    events = pd.DataFrame({"timestamp": [*map(at, told)], "title": [*told.values()]})
    lines = [START + dt.timedelta(seconds=60 * each) for each in range(80)]
    logs = pd.DataFrame({"timestamp": lines, "status": "error", "version": "7.18.0"})
    logs["region"] = ["north", "south", "harbour", "north"] * 20
    frozen = {"search_datadog_events": events, "search_datadog_logs": logs}
    for name, frame in frozen.items():
        record = {"complete": True, "function": name}
        evidence.freeze(incident.path / "evidence", name, frame, record)
    sound.write(
        incident,
        {
            "title": "Checkout errors after release 7.18.0",
            "what_we_did": "We rolled checkout back to 7.17.4 at 15:26.",
            "engineering_hours": 21,
            "why_it_happened": "7.18.0 held a lock while it called the bank.",
        },
        {
            "Detection": {"detection_method": "Monitor Alert"},
            "Acknowledgment": {"on_call": "Jonas Weber"},
            "Mitigation Plan Formed": {
                "approval": "Ines Duarte",
                "risk": "Low: 7.17.4 ran for nine days.",
            },
            "Monitoring": {"observation": "Failures were watched for 45 minutes."},
            "Mitigation Deployed": {"action": "Rolled checkout-api back from 7.18.0 to 7.17.4."},
        },
    )
    incident.add("technical_changes", name="Call outside the lock", plan="Release 7.18.1",
                 owner="Priya Raman")  # fmt: skip
    factor = incident.values("factors")[-1]["row"]
    incident.set("sufficient_alone", False, table="factors", row=factor)
    incident.set("prevention", "Refuse small pools.", table="factors", row=factor)
    return incident


def doubts(incident, place, value):
    """Return what is found more with another value: of a fact, or of the last row of a table."""
    table, name = place if isinstance(place, tuple) else ("incident", place)
    row = incident.values(table)[-1]["row"] if table != "incident" else None
    where = {"table": table, "row": row} if row else {}
    old = incident.values(table)[-1].get(name) if row else incident.value(name)
    before = set(incident.check()["message"])
    incident.set(name, value, **where)
    found = {each for each in incident.check()["message"] if "came later" not in each} - before
    incident.set(name, old, **where)
    return found


FACTOR = ("factors", "contribution")
TICKET, OWNER = ("actions", "tracking"), ("technical_changes", "owner")
SAID, WHY, PLAN = ("takeaways", "text"), ("whys", "answer"), ("technical_changes", "plan")
TURNED = (
    (WHY, "7.17.4 held the lock while it called the bank.", "what was gone back to"),
    ("why_it_happened", "checkout 7.17.4 held a lock too long.", "what was gone back to"),
    ("title", "Checkout errors after release 7.17.0", "the evidence has 7.17.4, 7.18.0"),
    ("title", "Checkout errors after release 7.19.0", "the evidence has 7.17.4, 7.18.0"),
    (SAID, "7.19.0 was released at 13:51, before the busiest hour.", "is frozen at"),
    (SAID, "7.18.0 was released at 13:15, before the busiest hour.", "is of 13:51"),
    ("what_we_did", "We rolled checkout forward to 7.18.1 at 15:26.", "is frozen at"),
    (SAID, "7.16.4 ran for nine days.", "elsewhere the document has 7.17.4"),
    (SAID, "7.81.0 brought the fault.", "elsewhere the document has 7.18.0"),
    (PLAN, "Release 7.17.1", "the evidence has 7.17.4 already"),
    (SAID, "Passengers on the phone told us of the failures before any monitor.", "Monitor Alert"),
    (SAID, "The incident spent more than the whole error budget.", "consumed: 41.7 %"),
    (SAID, "All P0 actions are complete.", "is Not Started"),
    (FACTOR, "It was the sole cause.", "No, but"),
    (FACTOR, "It would have sufficed alone.", "No, but"),
    ("engineering_hours", 210, "for about"),
    (TICKET, "https://shop.example.com/browse/", "leads to no ticket"),
    (TICKET, "https://shop.example.com", "leads to no ticket"),
    (OWNER, "?", "has no owner"),
    ("runbook_link", "https://wiki.example.com/runbooks/{{SERVICE}}", "a reader can follow"),
    (SAID, "7.18.0 was deployed to all three regions.", "its frozen event has north, south"),
    (SAID, "We rolled back to 7.17.4 in harbour.", "its frozen event has north, south"),
    (SAID, "No rollback was needed.", "but the mitigation is"),
    ("what_we_did", "We failed the ledger over at 15:26.", "but the mitigation is"),
    ("what_we_did", "We rolled payments back to 7.17.4.", "Rolled back checkout to 7.17.4"),
    (SAID, "Jonas Weber approved the rollback.", "approval: Ines Duarte"),
    (SAID, "It started the response 34 minutes after the impact began.", "is 17 minutes after"),
    (SAID, "The rollback was planned 36 minutes after the acknowledgment.", "is 54 minutes after"),
    (
        SAID,
        "From 14:02 to 15:38 many failed, a third of all in those 127 minutes.",
        "that is 1 hour",
    ),
)
TRUE = (
    (WHY, "7.18.0 reads the map for each call; 7.17.4 read it at the start."),
    (WHY, "7.17.4 had not held the lock."),
    (WHY, "7.17.4 did not hold the lock."),
    ("title", "Checkout errors after 7.18.0"),
    (SAID, "7.18.1 was released at 18:40 with the fix."),
    (SAID, "7.18.1 has the fix."),
    (SAID, "7.17.3 ran for nine days."),
    (SAID, "At 15:26 the relay 2.4.1 was restarted, too."),
    (PLAN, "Release 7.17.5"),
    (PLAN, "Release 7.19.0 in January"),
    (SAID, "The incident took less than the whole error budget."),
    (SAID, "All P0 actions are open."),
    (FACTOR, "It was not the sole cause."),
    (FACTOR, "It would not have sufficed alone."),
    ("engineering_hours", 38),
    (SAID, "Had we rolled back at 14:38, 48 minutes of failures would be spared."),
    (TICKET, "https://shop.example.com/browse/SHOP-2"),
    (TICKET, "https://github.com/shop/checkout/issues/12/"),
    ("runbook_link", "https://wiki.example.com/runbooks/checkout"),
    (SAID, "7.18.0 was deployed to north and south."),
    (SAID, "7.18.0 was deployed to north, and the rest should have had it to all regions."),
    (SAID, "7.18.0 was to go to all regions the day after."),
    (SAID, "No rollback of the ledger was needed."),
    ("what_we_did", "We rolled back and restarted the ledger."),
    ("what_we_did", "We took checkout back to 7.17.4."),
    (SAID, "Ines Duarte approved the rollback."),
    (SAID, "It started the response 22 minutes after the impact began."),
    (SAID, "The rollback was planned 54 minutes after the acknowledgment."),
    (SAID, "From 14:02 to 16:09 many failed, a third of all in those 127 minutes."),
)


@pytest.mark.parametrize(("place", "said", "why"), TURNED)
def test_what_is_turned_is_doubted(made, place, said, why):
    assert any(why in each for each in doubts(made, place, said))


@pytest.mark.parametrize(("place", "said"), TRUE)
def test_what_is_true_is_not(made, place, said):
    assert not doubts(made, place, said)


@pytest.mark.parametrize(
    ("title", "described", "is_doubted"),
    [
        ("Look into the load test", "Answer calls after 5 s in one of ten cases.", True),
        ("Look into the load test", "Find out what is missing.", False),  # told by its language
        ("Fix the alert", "It names the last release.", True),
        ("Add a slow bank to the load test", "Answer calls after 5 s in one of ten cases.", False),
        ("Look into the load test until it fails in 5 s", "In one of ten cases.", False),
    ],
)
def test_a_title_says_what_will_be_there(made, title, described, is_doubted):
    row = made.add("actions", horizon="Short-term", title=title, description=described)
    found = [each for each in made.check()["message"] if f"{title}: the title" in each]
    made.remove("actions", row)
    assert bool(found) is is_doubted


def test_what_an_approved_document_leaves_out_is_asked_for(tmp_path):
    whole = sound.create(tmp_path)
    asked = ("The only why", "Nothing of the SLO")
    assert not [each for each in whole.check()["message"] if each.startswith(asked)]
    whole.remove("whys", whole.values("whys")[-1]["row"])
    for name in ("slo_target", "slo_actual", "budget_consumed", "budget_remaining"):
        whole.set(name, None)
    assert len([each for each in whole.check()["message"] if each.startswith(asked)]) == len(asked)
    whole.set("process_cause", "The canary sees no traffic; the service has no SLO.")
    whole.set("state", "Review")
    assert not [each for each in whole.check()["message"] if each.startswith(asked)]


@pytest.mark.parametrize(
    ("said", "is_doubted"),
    [
        ("A passenger on the phone", True),
        ("The on-call member of Payments", False),
        ("The monitor, before a passenger called", False),
        ("Jonas Weber", False),
    ],
)
def test_who_detected_it_is_no_customer_where_a_monitor_did(made, said, is_doubted):
    row = next(each for each in made.values("timeline") if each["step"] == "Detection")["row"]
    made.set("detected_by", said, table="timeline", row=row)
    found = [each for each in made.check()["message"] if "but detected by" in each]
    made.set("detected_by", None, table="timeline", row=row)
    assert bool(found) is is_doubted


@pytest.mark.parametrize(
    ("said", "is_doubted"),
    [
        ("Failures were watched for 90 minutes.", True),
        ("Failures were watched for another two hours.", True),
        ("Failures were watched for 55 minutes.", False),
        ("Failures were watched for 24 hours.", False),
        ("Failures will be watched for two hours.", False),
    ],
)
def test_nothing_was_watched_for_longer_than_until_it_was_declared_over(made, said, is_doubted):
    row = next(each for each in made.values("timeline") if each["step"] == "Monitoring")["row"]
    old = made.values("timeline")[-2]["observation"]
    made.set("observation", said, table="timeline", row=row)
    found = [each for each in made.check()["message"] if "declared resolved" in each]
    made.set("observation", old, table="timeline", row=row)
    assert bool(found) is is_doubted


@pytest.mark.parametrize(
    "text",
    [
        "a-" * 9_000 + " 7.17.4",
        "7.17.4 " * 3_000,
        "release " * 3_000,
        "7.1" * 6_000,
        "watched " * 2_500,
        "from 14:02 to 15:26 in " * 900,
    ],
)
def test_odd_texts_are_read_at_once(text):
    started = dt.datetime.now(dt.UTC)
    for pattern in (
        versions._AT_FAULT,
        versions._TO_COME,
        versions._PUT_IN,
        doings._EARLY,
        gaps._WATCHED,
        sums._OF_THOSE,
    ):
        assert len(list(pattern.finditer(text))) < 4_000
    assert dt.datetime.now(dt.UTC) - started < dt.timedelta(seconds=2)
