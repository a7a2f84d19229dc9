"""What a sentence says was not, against what the document has."""

import pytest
import sound

STEPS = {
    "Detection": {"detection_method": "Monitor Alert", "detected_by": "Datadog monitor"},
    "Acknowledgment": {"on_call": "Dana Kim"},
    "Root Cause Identified": {"root_cause": "A pool of 5 connections in release v2.48.0."},
    "Mitigation Deployed": {"action": "Rolled checkout back.", "responsible": "Luis Ortega"},
}
FACTS = {
    "process_cause": "Two reviewers approved the release without seeing the canary.",
    "teams": ["Checkout", "Network"],
    "executives_involved": True,
    "email_sent": True,
    "customers_notified": 900,
    "revenue_loss": 48000,
    "revenue_method": "Refunds of 12 dollars each, and service credits",
    "tickets": 120,
    "complaints": 14,
    "mentions": 60,
}
DENIED = """\
No executive took any part in the response.
Nobody from management was told of it.
Not a single VP joined.
Senior leadership stayed out of it.
Not one merchant was informed.
None of our users has heard from us since.
Customers were left in the dark throughout.
No refund was ever due.
Nobody claimed a penny.
Nothing was paid or owed.
We did not have to issue any credits.
The outage did not cost us a cent.
All of it came at no cost to us.
Nobody outside of Checkout was asked.
We solved it alone.
We managed without any help.
The Network team was never involved.
Luis Ortega had the day off.
What caused it is still unknown.
Not one of our customers complained.
We handled the incident entirely on our own.
It was never escalated.
No other team had to be called.
Dana Kim was on leave that day and took no part.
Luis Ortega played no part in the incident.
Dana was not reachable.
We still do not know what caused it.
The root cause remains unclear.
No root cause was ever found.
Nobody knows why it happened.
It happened over the weekend.
The alert came on a quiet Sunday.
It was a Monday like any other.
We only learned of it the next morning.
The outage was only noticed the following day.
Nobody noticed until the following day.
Nobody complained.
Not one ticket was opened.
No one mentioned it on social media.
No error budget was spent.
The error budget is untouched.
No follow-ups came out of it.
There is nothing to change.
No action is needed.
There is still no runbook for it.
We have no runbook for the connection pool.
The change went out without any review.
Nobody had reviewed the release.
It had never happened to us before.
It had never bitten us before.
This was our first pool trouble ever.""".splitlines()
HELD = """\
No executive had to decide anything.
The leadership team was told early on.
For the first hour customers were left in the dark.
No merchant was told by telephone.
Had we paid refunds, it would have cost more.
No penalty was due.
Nobody outside of Checkout has access to the pool.
Nobody outside of Checkout, Network or support was asked.
It was not escalated to the payment provider.
It should have been escalated earlier.
Jonas Weber was on leave that day and took no part.
Dana Kim was not involved in the design of the pool.
We do not know why the second canary passed.
The cause was unknown at the time.
It happened on a Thursday.
The alert came on an ordinary working day.
The canary had run over the weekend.
We learned the next morning that 12 carts were lost.
Nobody complained after 16:09.
No ticket was opened before 14:19.
No one mentioned the retries in the review.
No more error budget was spent after the rollback.
No action is needed from customers.
No further follow-ups are complete.
There was no runbook for it.
There is no runbook for certificates.
A change without any review is rejected.
It had never been so quiet before.
We fixed it on our own side.
Payments was not involved.
There is nothing to change in the alert.
The error budget is intact for payments.""".splitlines()


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    """The sound incident, of a Thursday, with refunds, tickets, an escalation and a runbook."""
    made = sound.create(tmp_path_factory.mktemp("absent"))
    sound.write(made, FACTS, STEPS)
    made.add(
        "timeline",
        step="Escalation",
        time=sound.moment("14:38"),
        escalated_to="Network on-call",
        responders=["Luis Ortega"],
    )
    made.add("similar", incident="INC-0", date="2025-03-04", similarity="A pool too small.")
    made.add(
        "runbooks",
        name="Connection pool exhausted",
        location="https://example.com/runbooks/pool",
        owner="Priya Raman",
        status="Updated",
    )
    return made


def test_nothing_is_doubted_before(incident):
    assert sound.doubted(incident, "prose") == set()


@pytest.mark.parametrize("sentence", DENIED)
def test_what_was_is_not_denied(incident, sentence):
    assert sound.doubted_with(incident, sentence, "prose")


@pytest.mark.parametrize("sentence", HELD)
def test_what_was_not_or_not_yet_is_let_be(incident, sentence):
    assert sound.doubted_with(incident, sentence, "prose") == set()


def test_nothing_is_denied_where_nothing_is_known(tmp_path):
    """The sound incident tells of no loss, team, ticket, review or person of these sentences."""
    made = sound.create(tmp_path)
    unknown = [each for each in DENIED if each not in KNOWN]
    assert [each for each in unknown if sound.doubted_with(made, each, "prose")] == []


KNOWN = frozenset(
    {
        "It happened over the weekend.",
        "The alert came on a quiet Sunday.",
        "It was a Monday like any other.",
        "We only learned of it the next morning.",
        "The outage was only noticed the following day.",
        "Nobody noticed until the following day.",
        "No error budget was spent.",
        "The error budget is untouched.",
        "No follow-ups came out of it.",
        "There is nothing to change.",
        "No action is needed.",
    }
)
"""What the sound incident knows all the same: its day, clocks, budget and one action."""


def test_a_row_of_the_timeline_tells_of_its_moment_only(incident):
    row = next(row["row"] for row in incident.values("timeline") if row["step"] == "Key Discovery")
    incident.set("evidence", "No other team was asked.", table="timeline", row=row)
    assert sound.doubted(incident, "prose") == set()
    incident.set("evidence", None, table="timeline", row=row)
