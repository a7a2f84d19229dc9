"""Contradictions planted in a sound postmortem, in the ways people make them: each is found."""

import shutil

import pytest
import sound

from postmortem_nb import Incident


def row(incident, table, **values):
    rows = incident.values(table)
    return next(r["row"] for r in rows if all(r.get(k) == v for k, v in values.items()))


def step(name, **values):
    """Return what changes blanks of one step of the timeline."""

    def change(incident):
        place = row(incident, "timeline", step=name)
        for key, value in values.items():
            incident.set(key, value, table="timeline", row=place)

    return change


def moved(name, clock):
    return step(name, time=sound.moment(clock))


def action(**values):
    def change(incident):
        place = row(incident, "actions", priority="P0")
        for key, value in values.items():
            incident.set(key, value, table="actions", row=place)

    return change


def approval(role, **values):
    def change(incident):
        place = row(incident, "approvals", role=role)
        for key, value in values.items():
            incident.set(key, value, table="approvals", row=place)

    return change


def facts(**values):
    return lambda incident: [incident.set(key, value) for key, value in values.items()]


def added(table, **values):
    return lambda incident: incident.add(table, **values)


def work(**values):
    """Return what adds an action that lacks nothing but what it is given."""
    sound_ones = {
        "horizon": "Immediate",
        "priority": "P0",
        "title": "Alert when 2 % of checkouts fail for 2 minutes",
        "owner": "Dana Kim",
        "due": "2025-12-09",
        "tracking": "https://example.com/browse/SHOP-2",
    }
    return added("actions", **(sound_ones | values))


def closed_early(incident):
    for name in ("Monitoring", "Incident Declared Resolved"):
        incident.remove("timeline", row(incident, "timeline", step=name))


# What is planted: code → how.
PLANTS = {
    "acknowledged before detected": ("order", moved("Acknowledgment", "14:10")),
    "resolved before recovered": ("order", moved("Incident Declared Resolved", "16:00")),
    "mitigated before the start": ("order", moved("Mitigation Deployed", "13:00")),
    "escalated before detected": (
        "order",
        added("timeline", step="Escalation", time=sound.moment("14:05")),
    ),
    "watched before detected": ("order", moved("Monitoring", "14:10")),
    "another day": ("order", step("Partial Recovery", time="2025-12-05T15:38:00Z")),
    "discovered before looked into": ("order", moved("Investigation Begins", "14:50")),
    "a cause after its remedy": ("order", moved("Root Cause Identified", "15:30")),
    "all well too early": (
        "order",
        added(
            "updates",
            channel="Status page",
            time=sound.moment("15:40"),
            text="Sales are back to normal. Thank you for waiting.",
        ),
    ),
    "another day of follow-up": (
        "prose",
        lambda incident: incident.set(
            "patterns", "The second this year; we look again at the follow-up on 16 January."
        ),
    ),
    "a follow-up that is held late": (
        "follow-up",
        added("sharing", task="Follow-up, 30 days after the incident", when="2026-01-13"),
    ),
    "watched before it was over": ("order", moved("Monitoring", "15:50")),
    "a link that a space cuts": ("link", facts(dashboard_link="https://docs.example .com/d/1")),
    "a closer eye": ("exhorts", action(title="Keep a closer eye on the pool")),
    "what everyone should": ("exhorts", action(title="Everyone should look at the pool")),
    "done by nobody": ("owner", action(owner=None, status="Complete")),
    "told but not when": ("blank", step("Key Discovery", finding="the pool is full", time=None)),
    "a message before the start": (
        "window",
        added("updates", channel="Status page", time=sound.moment("12:00"), text="We look at it"),
    ),
    "a phase without an event": ("phase", closed_early),
    "a P0 next month": ("due", action(due="2026-01-09")),
    "a P1 in March": ("due", work(priority="P1", horizon="Short-term", due="2026-03-01")),
    "a P2 after the quarter": ("due", work(priority="P2", horizon="Long-term", due="2026-05-01")),
    "a P3 next year": ("due", work(priority="P3", horizon="Long-term", due="2026-12-01")),
    "a P0 of the quarter": ("due", work(horizon="Long-term")),
    "a priority of its own": ("due", work(priority="High")),
    "nobody yet": ("owner", action(owner="TBD")),
    "a discipline": ("owner", action(owner="SRE")),
    "two owners": ("owner", action(owner="Dana and Luis")),
    "no title": ("vague", action(title=None)),
    "the same twice": (
        "vague",
        work(title="Fail the build when the pool of connections is smaller than 20"),
    ),
    "better something": ("vague", action(title="Better monitoring")),
    "to be considered": ("vague", action(title="Consider autoscaling")),
    "to be looked at": ("vague", action(title="Look at pool settings")),
    "to be reviewed": ("vague", action(title="Review the alerting")),
    "described in general": (
        "vague",
        action(description="Improve our alerting in general so that this does not happen again."),
    ),
    "described where possible": (
        "vague",
        action(description="Look into our communication and improve it wherever possible."),
    ),
    "more resilient": ("vague", action(title="Make checkout more resilient")),
    "careful": ("exhorts", action(title="Engineers must be careful with pools")),
    "checked twice": ("exhorts", action(title="Always double check limits")),
    "attention as a process": (
        "exhorts",
        added("process_changes", name="Deploys", new="Everyone pays more attention", owner="Dana"),
    ),
    "a tracker's word": ("link", action(tracking="SHOP-17")),
    "a tracker's typo": ("link", action(tracking="htp:/jira/1")),
    "a monitor of nobody": ("owner", added("monitors", name="Pool usage", threshold="80 %")),
    "a change before the incident": (
        "due",
        added("technical_changes", name="Pool 2", owner="Dana", due="2025-11-01"),
    ),
    "a factor without an answer": (
        "factor",
        added("factors", area="Human", name="Hand-over at night without notes"),
    ),
    "approved before the review": ("approval", approval("Manager", date="2025-12-05")),
    "another author": ("approval", approval("Author", name="Jonas Weber")),
    "a review of one's own": ("approval", approval("Technical Reviewer", name="Priya  raman")),
    "the author for reviewer": ("approval", facts(reviewers=["Priya Raman"])),
    "no tick": ("approval", approval("Manager", done=False)),
    "no date": ("approval", approval("Manager", date=None)),
    "a summary to be done": ("blank", facts(what_happened="TBD")),
    "a cause to be done": ("blank", facts(technical_cause="A small pool. TODO: add why.")),
    "a name to be filled in": ("blank", facts(process_cause="See {{INCIDENT_ID}}")),
    "a blank's own words in brackets": ("blank", facts(process_cause="[Process cause]")),
    "a problem in doubt": ("blank", facts(problem="???")),
    "reviewers to be found": ("blank", facts(reviewers=["tbd"])),
    "users without impact": ("range", facts(severity="SEV-4")),
    "complete but intermittent": ("range", facts(severity="SEV-0", experience="Intermittent")),
    "complete but minor": ("range", facts(severity="SEV-3", experience="Complete outage")),
    "all users but a few": ("range", facts(severity="SEV-0")),
    "users of nothing": ("range", facts(affected_share=0)),
    "a share of nobody": ("range", facts(affected_total=0)),
    "notified without a mail": ("range", facts(email_sent=False, customers_notified=300)),
    "less at risk than lost": (
        "range",
        facts(revenue_loss=5000, revenue_method="unpaid carts", revenue_at_risk=100),
    ),
    "a loss without a method": ("range", facts(revenue_loss=5000)),
    "two shares of one budget": ("slo", facts(slo_impact=10)),
    "more than the budget": ("slo", facts(budget_consumed=80)),
    "a budget that does not follow": ("slo", facts(budget_remaining=10)),
    "a previous incident to come": ("date", added("similar", incident="INC-0", date="2026-02-01")),
    "told before it happened": (
        "date",
        added("sharing", task="Team briefing completed", when="2025-12-01", done=True),
    ),
    "off by a day": ("date", facts(date="2025-12-05")),
    "off by a year": ("date", facts(date="2024-12-04")),
    "a review too late": ("date", facts(review_date="2026-03-03")),
    "a link in a sentence": ("link", facts(technical_cause="See [graph](www.example.com/x).")),
    "a link to nowhere": ("link", facts(technical_cause="See [graph]().")),
    "a link to a file": ("link", facts(runbook_link="file:///srv/runbook")),
    "a link with one slash": ("link", facts(runbook_link="https:/example.com/a")),
    "half a link": ("link", facts(runbook_link="https://")),
    "a chain that ends at a name": ("blame", added("whys", answer="Because Jonas was tired.")),
    "human error": ("blame", added("whys", answer="It was human error.")),
    "a title that names": ("blame", facts(title="Priya broke checkout")),
    "an outage that was none": (
        "blame",
        facts(experience="Degraded", what_happened="The outage hit checkout."),
    ),
}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return sound.create(tmp_path_factory.mktemp("example"))


@pytest.fixture
def incident(example, tmp_path):
    shutil.copytree(example.path, tmp_path / "INC-1")
    return Incident.open(tmp_path / "INC-1")


def codes(incident):
    found = incident.check()
    return set(found["code"]) - {"evidence"}


def test_there_is_nothing_to_find_before(example):
    assert codes(example) == set()


@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_planted_is_found(incident, plant):
    code, spoil = PLANTS[plant]
    spoil(incident)
    assert code in codes(incident)


@pytest.mark.parametrize(
    "change",
    [
        action(due=None, status="Complete"),
        work(),
        work(priority="P1", horizon="Short-term", due="2025-12-20"),
        work(priority="P3", horizon="Long-term", due="2026-02-28", owner="Ana Núñez-Ortega"),
        added("similar", incident="INC-0", date="2025-02-01", similarity="the same pool"),
        added("sharing", task="Team briefing completed", when="2025-12-12", done=True),
        added("updates", channel="Internal", time=sound.moment("14:30"), text="Errors since 14:02"),
        added("sharing", task="Follow-up, 30 days after the incident", when="2026-01-03"),
        facts(dashboard_link="https://example.com/d/1, https://example.com/d/2"),
        facts(dashboard_link="https://example.com/d/1 and https://example.com/d/2"),
        added("sharing", task="Follow-up actions reviewed", when="2026-01-13"),
        added("runbooks", name="Pools", updates="Add the two limits", owner="Dana"),
        facts(technical_cause="See [graph](https://example.com/x) and [this](#causes)."),
        facts(nps="n/a", regions="none"),
        facts(severity="SEV-0", experience="Complete outage", affected_share=100),
        facts(revenue_loss=5000, revenue_method="unpaid carts", revenue_at_risk=9000),
        facts(email_sent=True, customers_notified=300),
        facts(slo_impact=41.7),
        facts(reviewers=["Priya Raman", "Jonas Weber"]),
    ],
)
def test_what_is_sound_stays_so(incident, change):
    change(incident)
    assert codes(incident) == set()
