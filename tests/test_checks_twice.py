"""One thing that a document tells two ways: each way is sound alone, together one is doubted."""

import pandas as pd
import pytest
import sound

TOLD = {
    "what_happened": "31 % of checkouts failed from 14:02 UTC on. The error rate peaked at 31% at "
    "14:40. 12 orders were lost and placed again by hand.",
    "why_it_happened": "Release v2.48.0 was deployed at 13:58. It cut the pool from 50 to 5. The "
    "flag fast-pay was switched on at 13:40. A pool of 5 was too small.",
    "what_we_did": "Dana Kim led the response. We rolled checkout back to v2.47.3 at 15:26 on 60 "
    "pods.",
    "technical_cause": "Release v2.48.0 came with a pool of 5. Browsing was not affected. Load "
    "tests run at a tenth of production traffic.",
    "process_cause": "Tests at a tenth of production traffic fit a pool of 5.",
    "regions": "eu-west-1, us-east-1",
    "teams": ["Checkout", "Payments"],
    "revenue_loss": 48000,
    "revenue_method": "carts that were not paid",
    "tickets": 120,
}
STEPS = {
    "Detection": {"detection_method": "Monitor Alert", "detected_by": "Datadog monitor"},
    "Acknowledgment": {"on_call": "Dana Kim"},
    "Mitigation Plan Formed": {"plan": "Roll back, eu-west first.", "approval": "Ines Duarte"},
    "Mitigation Deployed": {
        "action": "Rollback of checkout to v2.47.3 on 60 pods, finished at 15:31.",
        "responsible": "Luis Ortega",
    },
}
DENIED = """\
Version v2.48.0 was deployed at 14:58.
The flag fast-pay was switched on at 13:20.
We rolled checkout back at 15:46.
We rolled checkout back to v2.45.1.
The error rate peaked at 61%.
The error rate fell under 2% by 15:00.
By full recovery the error rate was still at 20%.
We had 12 calls and 30 mails, 50 messages in all.
A pool of 8 was too small.
We needed ten minutes from picking up the page to the root cause.
From the alert to the rollback it took half an hour.
Customers heard nothing from us until it was over.
The problem was fixed within 30 minutes.
By half past five it was all over.
Orders worth about seven thousand dollars were lost.
37 tickets reached support.
The evidence latency_by_host shows it.
""".splitlines()
HELD = """\
Version v2.48.0 was deployed at 13:58.
A second deploy of checkout ran at 17:30.
The flag fast-pay was switched on at 13:40.
The flag fast-pay was at 5% of visitors until 13:40.
The rollback of checkout was finished at 15:31.
Release v2.47.3 had been live for nine days.
Release v2.48.0 had been live for four minutes before the first errors.
The error rate peaked at 31%.
The error rate was under 2% by 16:09.
A monitor alerts when the error rate is above 5%.
No orders were lost after 15:31.
eu-west-1 was rolled back first.
Shoppers could still browse.
The canary takes 2% of the traffic.
The pool had been cut to a tenth of its size.
The pool was cut tenfold, from 50 to 5.
We had 12 calls and 30 mails, 42 messages in all.
The first error came at 15:02 CET (14:02 UTC).
The monitor was how we found out, not a customer's tweet.
Nobody outside the company took part.
We needed 48 minutes from picking up the page to the root cause.
From the alert to the rollback it took 67 minutes.
The first word on the status page came 33 minutes in.
By ten past four it was all over.
A five-figure sum was lost.
Luis Ortega pulled the plug.
Three pods were restarted first.
Orders worth about fifty thousand dollars were lost.
""".splitlines()


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    """The sound incident with texts that agree, and a frozen error rate."""
    made = sound.create(tmp_path_factory.mktemp("twice"))
    sound.write(made, TOLD, STEPS)
    made.add("updates", channel="Status page", time=sound.moment("14:35"), text="Checkout fails.")
    minutes = pd.date_range(sound.moment("13:02"), sound.moment("17:00"), freq="1min")
    after = (minutes - pd.Timestamp(sound.moment("14:02"))) / pd.Timedelta("1min")
    known = pd.Series([0, 0, 31, 20, 1, 0.1], [-60, 0, 38, 84, 100, 127])
    levels = known.reindex(known.index.union(after)).interpolate("index").ffill().loc[after]
    sound.freeze_rate(made, minutes, levels.to_numpy())
    made.set("state", "Review")
    return made


def test_nothing_is_told_two_ways_before(incident):
    assert sound.doubted(incident, "prose") == set()


@pytest.mark.parametrize("sentence", DENIED)
def test_what_another_place_denies_is_doubted(incident, sentence):
    assert sound.doubted_with(incident, sentence, "prose")


@pytest.mark.parametrize("sentence", HELD)
def test_what_agrees_is_let_be(incident, sentence):
    assert sound.doubted_with(incident, sentence, "prose") == set()


FIELDS = {
    "no customer was notified by an e-mail": (
        "range",
        lambda i: (i.set("email_sent", True), i.set("customers_notified", 0)),
    ),
    "a complete outage of a few": ("range", lambda i: i.set("experience", "Complete outage")),
    "services of which nothing is said": ("prose", lambda i: i.set("services", ["inventory"])),
    "a runbook updated and not begun": (
        "sources",
        lambda i: (
            i.add("runbooks", name="Pools", owner="Dana Kim", status="Not started"),
            i.add("sharing", task="Runbook updated", done=True),
        ),
    ),
    "a threshold that is not the query's": (
        "range",
        lambda i: i.add("monitors", name="P", query="avg(last_5m):avg:a{*} > 5", threshold="9 %"),
    ),
    "a factor that shares one common word": (
        "factor",
        lambda i: i.add(
            "factors", area="Process", name="Clocks drift", description="A traffic jam."
        ),
    ),
}


@pytest.mark.parametrize("plant", FIELDS)
def test_fields_that_deny_each_other_are_found(tmp_path, plant):
    code, change = FIELDS[plant]
    made = sound.create(tmp_path)
    made.set("why_it_happened", "A deploy of checkout shrank a pool. " * 40)
    before = set(made.check()["message"][made.check()["code"] == code])
    change(made)
    after = set(made.check()["message"][made.check()["code"] == code])
    assert after - before


def test_a_threshold_may_be_told_in_another_unit(tmp_path):
    made = sound.create(tmp_path)
    made.add(
        "monitors", name="P", query="avg(last_5m):avg:a{*} > 0.072", threshold="7.2 %", owner="A B"
    )
    assert not [row for row in made.check().itertuples() if row.table == "monitors"]


@pytest.mark.parametrize(
    ("sentence", "doubted"),
    [
        ("Both earlier incidents began with a change.", True),
        ("All three similar incidents began with a change.", True),
        ("One of the earlier incidents began with a change.", False),
        ("Two earlier incidents this year began with a change.", False),
    ],
)
def test_earlier_incidents_are_those_of_the_rows(incident, sentence, doubted):
    row = incident.add("similar", incident="INC-0", date="2025-03-04", similarity="A pool too.")
    told = sound.doubted_with(incident, sentence, "prose")
    incident.remove("similar", row)
    assert bool(told) is doubted
