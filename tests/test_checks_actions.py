"""Actions in sentences against their rows: done, counted; ticks against theirs."""

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
The cap of the retry budget is live.
The retry budget cap has shipped.
The failover rehearsal is done.
We now cap the retry budget of clients; that is live.
Since Monday the quarterly failover is in force.
Four action items, two of them done.
Of the four actions three are complete.
Four actions came out of it: two are done, one in progress, the rest not started.
Four action items came out of it, of which three are complete.
Four actions: one immediate, two short-term, one long-term.
Of these actions, half of them are complete.
Only one of the actions has not been started.
There are three P0s.""".splitlines()
HELD = """\
The TTL check in CI is done.
The TTL check in CI had not been started before.
The cap of the retry budget is in progress.
Alert when the failover rehearsal is done.
The failover rehearsal is done by January.
We check the TTL of records in CI; that is live.
Clients are rate-limited in production.
Four action items, one of them done.
Four actions came out of it: one is done, one in progress, the rest not started.
Four actions: two immediate, one short-term, one long-term.
The three P0 incidents of last year had other causes.
There are two P0s.
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


PARTLY = (
    "Half done",
    "Not done yet",
    "Partly updated",
    "Almost complete",
    "To be updated by Friday",
    "80 % done",
    "Done for 2 of 5 steps",
    "Published once the review is over",
)
"""How a runbook is said not to be done, with a word for what is."""


@pytest.mark.parametrize(
    ("ticked", "status", "doubted"),
    [
        (False, "Updated", True),
        (True, "Draft", True),
        (True, "Not started", True),
        (True, "Updated", False),
        (False, "Draft", False),
        (False, "", False),
        (False, "Updated 16 November", True),
        (False, "100 % done", True),
        *((False, each, False) for each in PARTLY),
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


def of_action(made, code):
    found = made.check()
    return set(found["message"][(found["code"] == code) & (found["table"] == "actions")])


@pytest.mark.parametrize(
    ("signed", "status", "is_told"),
    [
        ("2025-12-12", "Not Started", True),
        ("2025-12-12", "In Progress", True),
        ("2025-12-12", "Complete", False),
        ("2025-12-10", "Not Started", False),  # the day itself
        ("2026-11-12", "Not Started", False),  # long after any review
    ],
)
def test_an_open_action_is_overdue_on_the_day_of_the_last_approval(
    tmp_path, signed, status, is_told
):
    made = sound.create(tmp_path)
    for row in made.values("approvals"):
        made.set("date", signed, table="approvals", row=row["row"])
    made.set("status", status, table="actions", row=made.values("actions")[0]["row"])
    late = f"due on 2025-12-10, and {status} on {signed}."
    assert any(each.endswith(late) for each in of_action(made, "due")) is is_told


@pytest.mark.parametrize(
    ("title", "is_told"),
    [
        ("Improve monitoring", True),
        ("Update the runbooks", True),
        ("Update the runbooks of checkout", False),
        ("Monitor pool waiters", False),
    ],
)
def test_a_title_that_would_fit_any_incident_is_told(tmp_path, title, is_told):
    made = sound.create(tmp_path)
    row = made.values("actions")[0]["row"]
    made.set("description", "The build fails under 20 connections.", table="actions", row=row)
    made.set("title", title, table="actions", row=row)
    assert any("would fit any incident" in each for each in of_action(made, "vague")) is is_told
