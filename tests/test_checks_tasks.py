"""Actions in sentences against their rows: owner, state, due date, counts."""

import pytest
import sound

ACTIONS = (
    (
        "P0",
        "Immediate",
        "Check the TTL of DNS records in CI",
        "Nils Berg",
        "2025-12-09",
        "Complete",
    ),
    (
        "P1",
        "Short-term",
        "Cap the retry budget of clients",
        "Dana Kim",
        "2025-12-19",
        "In Progress",
    ),
    (
        "P2",
        "Long-term",
        "Rehearse the failover quarterly",
        "Luis Ortega",
        "2026-01-30",
        "Not Started",
    ),
)
DENIED = """\
Dana Kim builds the TTL check in CI.
The TTL check in CI is owned by Luis Ortega.
The retry budget sits with Nils.
Luis Ortega will write the cap of the retry budget.
The quarterly failover rehearsal is assigned to Dana Kim.
Nils Berg builds the TTL check, and Luis Ortega caps the retry budget.
The TTL check in CI has not been started.
Nobody has begun the TTL check in CI.
The TTL check in CI is still in review.
The cap of the retry budget is live.
The retry budget cap has shipped.
The failover rehearsal is done.
The quarterly failover rehearsal is in progress.
The TTL check in CI is due by 15 December.
The retry budget cap lands on 4 January.
The quarterly failover rehearsal comes by the end of February.
We now cap the retry budget of clients; that is live.
Since Monday the quarterly failover is in force.
The last of them is due on 15 January.
All of it is due by 2026-01-10.
Everything is ready in December.
Four action items, two of them done.
Of the four actions three are complete.
Four actions came out of it: two are done, one in progress, the rest not started.
Four action items came out of it, of which three are complete.
Four actions: one immediate, two short-term, one long-term.
Of these actions, half of them are complete.
Checking the TTL of records in CI is Luis's job.
Only one of the actions has not been started.
There are three P0s.""".splitlines()
HELD = """\
Nils Berg builds the TTL check in CI.
Dana Kim helps Nils Berg with the TTL check in CI.
Dana Kim reviews the TTL check in CI.
Dana Kim checked the TTL of the record in CI.
The retry budget sits with Dana.
Nils Berg builds the TTL check, and Dana Kim caps the retry budget.
The TTL check in CI is done.
The TTL check in CI had not been started before.
The cap of the retry budget is in progress.
Nobody has begun the failover rehearsal.
Alert when the TTL check in CI has not been started.
The TTL check in CI is due by 9 December.
The quarterly failover rehearsal comes by the end of January.
The last of them is due on 30 January.
All of it is due by 2026-01-30.
Everything is ready by the end of January.
We check the TTL of records in CI; that is live.
Clients are rate-limited in production.
The last of the dashboards is due on 15 January.
All of the immediate ones are due by 2025-12-12.
Luis Ortega rehearses the failover in January.
Four action items, one of them done.
Four actions came out of it: one is done, one in progress, the rest not started.
Four actions: two immediate, one short-term, one long-term.
The three P0 incidents of last year had other causes.
There are two P0s.
Dana Kim will present the TTL check in CI to the guild.
Two of the actions have not been started.
Of the four actions one is complete.""".splitlines()


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    """The sound incident with three actions more: four in all, one of them complete."""
    made = sound.create(tmp_path_factory.mktemp("tasks"))
    for priority, horizon, title, owner, due, status in ACTIONS:
        values = {"owner": owner, "due": due, "status": status, "horizon": horizon}
        link = "https://example.com/browse/SHOP-2"
        made.add("actions", priority=priority, title=title, tracking=link, **values)
    return made


def doubts_of_plan(incident, sentence):
    plan = incident.value("what_we_will_do")
    incident.set("what_we_will_do", f"{plan} {sentence}")
    found = sound.doubted(incident, "prose")
    incident.set("what_we_will_do", plan)
    return found


def test_nothing_is_doubted_before(incident):
    assert sound.doubted(incident, "prose") == set()


@pytest.mark.parametrize("sentence", DENIED)
def test_what_the_rows_deny_is_doubted(incident, sentence):
    assert doubts_of_plan(incident, sentence)


@pytest.mark.parametrize("sentence", HELD)
def test_what_agrees_is_let_be(incident, sentence):
    assert doubts_of_plan(incident, sentence) == set()


def test_the_finding_names_the_row(incident):
    (message,) = doubts_of_plan(incident, DENIED[0])
    assert message.endswith("but “Check the TTL of DNS records in CI” belongs to Nils Berg.")


def described(incident, title, text):
    """Return what is doubted with this description of the action of this title."""
    row = next(row["row"] for row in incident.values("actions") if row["title"] == title)
    incident.set("description", text, table="actions", row=row)
    found = sound.doubted(incident, "prose")
    incident.set("description", None, table="actions", row=row)
    return found


@pytest.mark.parametrize(
    ("number", "text", "doubted"),
    [
        (0, "Still stuck in review.", True),
        (0, "We have yet to try it.", True),
        (0, "Not begun.", True),
        (0, "No idea when it goes out.", True),
        (0, "Shipped last week.", False),
        (0, "Fails the build when a record has not been started.", False),
        (2, "Shipped last week.", True),
        (2, "Live since Monday.", True),
        (2, "Done on 8 December.", True),
        (2, "Not begun.", False),
    ],
)
def test_a_row_does_not_deny_its_own_status(incident, number, text, doubted):
    assert bool(described(incident, ACTIONS[number][2], text)) == doubted


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory):
    """The sound incident: its manager has not signed, its review meeting is not scheduled."""
    made = sound.create(tmp_path_factory.mktemp("unsigned"))
    row = next(row["row"] for row in made.values("approvals") if row["role"] == "Manager")
    made.set("done", False, table="approvals", row=row)
    made.add("sharing", task="Postmortem review meeting scheduled (Date: _____)", done=False)
    made.set("state", "Review")
    return made


@pytest.mark.parametrize(
    ("sentence", "doubted"),
    [
        ("Ines Duarte has approved this document.", True),
        ("The manager has already signed off.", True),
        ("The review meeting has taken place.", True),
        ("Jonas Weber has not signed yet.", True),
        ("The author has yet to sign.", True),
        ("Jonas Weber has approved this document.", False),
        ("Ines Duarte has approved the rollback.", False),
        ("The manager has not signed off.", False),
        ("The review meeting has not been scheduled.", False),
        ("When Ines Duarte has approved it, it is published.", False),
    ],
)
def test_signatures_and_meetings_are_those_of_the_rows(unsigned, sentence, doubted):
    assert bool(doubts_of_plan(unsigned, sentence)) == doubted


@pytest.mark.parametrize(
    ("ticked", "status", "doubted"),
    [
        (False, "Updated", True),
        (True, "Draft", True),
        (True, "Not started", True),
        (True, "Updated", False),
        (False, "Draft", False),
        (False, "", False),
    ],
)
def test_a_tick_agrees_with_the_runbooks(tmp_path, ticked, status, doubted):
    made = sound.create(tmp_path)
    made.add("runbooks", name="Pool exhausted", owner="Priya Raman", status=status or None)
    made.add("sharing", task="Runbook updated", done=ticked)
    assert bool(sound.doubted(made, "sources")) == doubted


def test_the_review_meeting_is_on_the_review_date(tmp_path):
    made = sound.create(tmp_path)  # to be reviewed on 2025-12-11
    task = "Postmortem review meeting scheduled (Date: _____)"
    row = made.add("sharing", task=task, done=True, when="2025-12-11")
    assert sound.doubted(made, "date") == set()
    made.set("when", "2025-12-12", table="sharing", row=row)
    assert sound.doubted(made, "date") == {"“2025-12-12”, but the review date is 2025-12-11."}
