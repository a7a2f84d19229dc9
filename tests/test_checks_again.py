"""What stands twice, and what denies itself: rows, steps, names, links, statuses, monitors."""

import pandas as pd
import pytest
import sound

from postmortem_nb import evidence
from postmortem_nb.checks import case, monitored


@pytest.fixture
def incident(tmp_path):
    """The sound incident with a row of most tables."""
    made = sound.create(tmp_path)
    made.add("went_well", area="Detection", what="The alert fired early.")
    made.add("went_wrong", area="Detection", what="The alert fired late.")
    made.add("similar", incident="INC-1893", date="2025-03-04", similarity="A pool too small")
    made.add("process_changes", name="Canary", current="No canary", new="A canary", owner="Mei Tan")
    made.add("updates", channel="Internal", time=sound.moment("14:30"), text="Looking into it.")
    made.add("monitors", name="Pool", query="avg(last_5m):avg:pool.used{*} > 80", owner="Mei Tan")
    return made


def row_of(incident, table, step=None):
    rows = [each for each in incident.values(table) if step in {None, each.get("step")}]
    return {"table": table, "row": rows[0]["row"]}


def new(incident, change):
    """Return what is found after a change and was not before."""
    before = set(incident.check()["message"])
    change(incident)
    return {each for each in incident.check()["message"] if each not in before}


TWICE = {
    "a row": (lambda i: i.add("similar", incident="inc-1893", date="2024-03-04"), "told twice"),
    "a message": (
        lambda i: i.add(
            "updates", channel="Internal", time=sound.moment("14:50"), text="Looking into it"
        ),
        "told twice",
    ),
    "a start": (
        lambda i: i.add("timeline", step="Incident Start", time=sound.moment("14:10")),
        "Incident Start is told twice: 2025-12-04 14:02 UTC and 2025-12-04 14:10 UTC.",
    ),
    "a reviewer": (
        lambda i: i.set("reviewers", ["Jonas Weber", "jonas weber"]),
        "'Jonas Weber' stands twice",
    ),
    "what is, and shall be": (
        lambda i: i.set("new", "no canary.", **row_of(i, "process_changes")),
        "The same text as under Current process.",
    ),
    "a cause": (
        lambda i: i.set("process_cause", i.value("technical_cause")),
        "The same text as under Technical Root Cause.",
    ),
    "well and wrong": (
        lambda i: i.set("what", "The alert fired early", **row_of(i, "went_wrong")),
        "The same text under What Went Well.",
    ),
}
ONCE = {
    "another discovery": lambda i: i.add(
        "timeline", step="Key Discovery", time=sound.moment("14:59"), finding="Pools were full."
    ),
    "a message elsewhere": lambda i: i.add(
        "updates", channel="Status page", time=sound.moment("14:30"), text="Looking into it."
    ),
    "empty rows": lambda i: [i.add("factors", area="Process") for _ in range(2)],
}


@pytest.mark.parametrize("name", TWICE)
def test_what_stands_twice_is_told_once(incident, name):
    change, told = TWICE[name]
    found = [each for each in new(incident, change) if "twice" in each or "same text" in each]
    assert len(found) == 1
    assert told in found[0]


@pytest.mark.parametrize("name", ONCE)
def test_what_is_like_another_is_let_be(incident, name):
    found = new(incident, ONCE[name])
    assert not [each for each in found if "twice" in each or "same text" in each]


@pytest.mark.parametrize(
    ("links", "told"),
    [
        ({"related_links": "https://wiki.example.com/INC-1893"}, ""),
        ({"related_links": "https://wiki.example.com/INC-4711"}, ""),  # one that is not listed
        (
            {"related_links": "https://wiki.example.com/INC-1983"},
            "INC-1983, but INC-1893 is the one that is listed.",
        ),
        (
            {"related_links": "https://app.datadoghq.eu/incidents/1983"},
            "INC-1983, but INC-1893 is the one that is listed.",
        ),
        ({"related_links": "https://wiki.example.com/INC-1"}, "leads to this incident, 'INC-1'."),
        (
            {
                "incident_channel": "https://x.slack.com/archives/C05INC2207",
                "slack_link": "https://x.slack.com/archives/C05INC2270/p17",
            },
            "A thread of C05INC2270, but the channel is C05INC2207.",
        ),
        (
            {
                "incident_channel": "https://x.slack.com/archives/C05INC2207",
                "slack_link": "https://x.slack.com/archives/C0PAYMENTS/p17",
            },
            "",
        ),
        ({"dashboard_link": "http://localhost:8888/lab"}, "Not a link that a reader can follow"),
        (
            {
                "datadog_link": "https://app.datadoghq.com/incidents/48113",
                "dashboard_link": "https://app.datadoghq.eu/dashboard/a",
                "related_links": "https://app.datadoghq.eu/incidents/77",
            },
            "A link to datadoghq.com, but all others lead to datadoghq.eu.",
        ),
    ],
)
def test_links_lead_to_what_is_told(incident, links, told):
    found = new(incident, lambda made: [made.set(*each) for each in links.items()])
    assert len(found) == bool(told)
    assert all(told in each for each in found)


@pytest.mark.parametrize(("monitor", "is_told"), [("55120", False), ("55210", True)])
def test_the_alert_is_of_the_monitor_that_detected_it(incident, monitor, is_told):
    where = row_of(incident, "timeline", "Detection")
    incident.set("detected_by", "Datadog monitor 55120", **where)
    link = f"https://app.datadoghq.eu/monitors/{monitor}"
    found = new(incident, lambda made: made.set("alert_link", link, **where))
    assert any("but detected by monitor 55120" in each for each in found) is is_told


@pytest.mark.parametrize(
    ("step", "name", "status", "is_told"),
    [
        ("Full Recovery", "status", "Partly resolved", True),
        ("Full Recovery", "status", "Fully resolved", False),
        ("Partial Recovery", "status", "Fully resolved", True),
        ("Partial Recovery", "status", "Fully resolved in eu-west", False),
        ("Incident Declared Resolved", "final_status", "Still open", True),
        ("Incident Declared Resolved", "final_status", "Resolved; one ticket is open", False),
    ],
)
def test_a_status_does_not_deny_its_step(incident, step, name, status, is_told):
    where = row_of(incident, "timeline", step)
    found = new(incident, lambda made: made.set(name, status, **where))
    assert (f"“{status}” under {step}." in found) is is_told


@pytest.mark.parametrize(
    ("threshold", "query", "is_told"),
    [
        ("more than 80 %", "> 80", False),
        ("below 80 %", "> 80", True),
        ("> 80", "< 80", True),
        ("20 % left, below that", "> 80", False),
        ("80 %", "< 80", False),
    ],
)
def test_a_threshold_is_on_the_side_of_its_query(incident, threshold, query, is_told):
    where = row_of(incident, "monitors")
    incident.set("query", f"avg(last_5m):avg:pool.used{{*}} {query}", **where)
    incident.set("threshold", threshold, **where)
    told = [each.message for each in monitored.sides(case.take(incident))]
    assert bool(told) is is_told


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("checkout.pool.used{service:checkout}", ""),
        ("checkout.pool.usd{service:checkout}", "but the frozen metric is checkout.pool.used."),
        ("checkout.orders.lost{service:checkout}", ""),
        ("checkout.pool.used{service:playback}", "service:playback is told nowhere else"),
    ],
)
def test_a_monitor_is_on_what_was_frozen(incident, metric, told):
    frame = pd.DataFrame(
        {
            "timestamp": pd.date_range(sound.moment("14:00"), periods=30, freq="1min"),
            "query": "avg:checkout.pool.used{service:checkout}",
            "series": "*",
            "value": 50.0,
        }
    )
    record = {
        "complete": True,
        "function": "get_datadog_metric",
        "arguments": {"queries": ["avg:checkout.pool.used{service:checkout}"]},
    }
    evidence.freeze(incident.path / "evidence", "pool", frame, record)
    where = row_of(incident, "monitors")
    incident.set("query", f"avg(last_5m):avg:{metric} > 80", **where)
    found = [
        each
        for each in sound.doubted(incident, "sources")
        if "checkout" in each or "playback" in each
    ]
    assert len(found) == bool(told)
    assert all(told in each for each in found)


def test_a_draft_that_all_have_signed_is_no_draft(incident):
    told = "Still a Draft, but all 4 have signed."
    assert told in new(incident, lambda made: made.set("state", "Draft"))
    unsigned = {"table": "approvals", "row": incident.values("approvals")[0]["row"]}
    incident.set("done", False, **unsigned)
    assert told not in set(incident.check()["message"])


def test_an_approved_postmortem_had_its_review(incident):
    task = "Postmortem review meeting scheduled (Date: _____)"
    found = new(incident, lambda made: made.add("sharing", task=task, done=False))
    assert any("is not ticked, but the postmortem is Approved." in each for each in found)


def test_a_manager_does_not_approve_a_text_of_their_own(incident):
    rows = {each["role"]: each["row"] for each in incident.values("approvals")}
    where = {"table": "approvals", "row": rows["Manager"]}
    found = new(incident, lambda made: made.set("name", "Priya Raman", **where))
    assert any("approved a text of their own" in each for each in found)


def test_the_review_is_not_after_the_follow_up(incident):
    found = new(incident, lambda made: made.set("review_date", "2026-01-05"))
    assert "The review (2026-01-05) is after the follow-up (2026-01-03)." in found


def test_a_loss_of_nothing_is_held_to_its_method(incident):
    incident.set("revenue_loss", 18_600)
    incident.set("revenue_method", "2,480 users × $7.50 credit")
    found = new(incident, lambda made: made.set("revenue_loss", 0))
    assert any("is $18,600, but revenue loss: $0." in each for each in found)


def test_a_variable_that_was_called_so_told_no_customer(incident):
    incident.set("technical_cause", "The variable was called pool_size.")
    found = new(
        incident,
        lambda made: [made.set("email_sent", False), made.set("customers_notified", 4200)],
    )
    assert "No e-mail was sent, but 4,200 customers were notified." in found


def test_work_begins_after_the_page_is_taken(incident):
    where = row_of(incident, "timeline", "Investigation Begins")
    found = new(incident, lambda made: made.set("time", sound.moment("14:21"), **where))
    assert any(each.startswith("Investigation Begins (2025-12-04 14:21 UTC)") for each in found)
