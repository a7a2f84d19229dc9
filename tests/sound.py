"""An incident in which there is nothing to find: every blank that a check needs, none at odds."""

import json

import pandas as pd

from postmortem_nb import Incident, evidence

DAY = "2025-12-04"
TIMES = {
    "Incident Start": "14:02",
    "Detection": "14:19",
    "Acknowledgment": "14:24",
    "Investigation Begins": "14:26",
    "Key Discovery": "14:47",
    "Root Cause Identified": "15:12",
    "Mitigation Plan Formed": "15:18",
    "Mitigation Deployed": "15:26",
    "Partial Recovery": "15:38",
    "Full Recovery": "16:09",
    "Monitoring": "16:10",
    "Incident Declared Resolved": "17:05",
}
FACTS = {
    "title": "Checkout errors after a deploy",
    "services": ["checkout", "payments"],
    "severity": "SEV-1",
    "author": "Priya Raman",
    "reviewers": ["Jonas Weber"],
    "what_happened": "31 % of checkouts failed from 14:02 UTC on; it lasted 127 minutes.",
    "why_it_happened": "A deploy shrank a connection pool, and retries without a pause followed.",
    "what_we_did": "Rolled checkout back to the version of the day before.",
    "what_we_will_do": "Reject deploys whose connection pool is smaller than the traffic needs.",
    "problem": "Checkouts failed after a deploy of checkout.",
    "technical_cause": "The connection pool held 5 connections where 50 were in use.",
    "organizational_cause": "Pool sizes belong to no service's review.",
    "process_cause": "The canary sees no traffic at 13:58.",
    "affected_total": 4200,
    "affected_share": 13.5,
    "failed_requests": 37500,
    "slo_target": 99.9,
    "slo_actual": 99.95,
    "budget_consumed": 41.7,
    "budget_remaining": 50.0,
    "review_date": "2025-12-11",
    "dashboard_link": "https://example.com/dashboard",
}


def moment(clock):
    return f"{DAY}T{clock}:00Z"


def create(folder):
    """Return the incident, made in a folder, approved."""
    incident = Incident.create("INC-1", folder)
    for step, clock in TIMES.items():
        incident.add("timeline", step=step, time=moment(clock))
    for name, value in FACTS.items():
        incident.set(name, value)
    incident.set("date", DAY)
    incident.add("whys", answer="The pool of connections to payments held 5 connections.")
    incident.add("whys", answer="No review looks at the size of a pool.")
    incident.add("factors", area="Technical", name="Small pool", description="5 connections")
    incident.add(
        "actions",
        horizon="Immediate",
        priority="P0",
        title="Fail the build when the pool of connections is smaller than 20",
        owner="Priya Raman",
        due="2025-12-10",
        status="Not Started",
        tracking="https://example.com/browse/SHOP-1",
    )
    incident.add("takeaways", text="A pool size is a limit on traffic.")
    signed = {
        "Author": "Priya Raman",
        "Technical Reviewer": "Jonas Weber",
        "Manager": "Ines Duarte",
        "On-call Lead": "Jonas Weber",
    }
    for role, name in signed.items():
        incident.add("approvals", role=role, name=name, date="2999-01-01", done=True)
    incident.set("state", "Approved")
    return _signed_in(incident, "2998-12-31T00:00:00Z")


def write(incident, facts, steps):
    """Give an incident further facts, and the rows of its timeline further values, by step."""
    for name, value in facts.items():
        incident.set(name, value)
    for step, values in steps.items():
        row = next(row["row"] for row in incident.values("timeline") if row["step"] == step)
        for name, value in values.items():
            incident.set(name, value, table="timeline", row=row)


def freeze_rate(incident, minutes, percent):
    """Freeze an error rate as evidence."""
    frame = pd.DataFrame({"timestamp": minutes, "value": percent})
    frame = frame.assign(query="avg:checkout.error_rate{*}", series="*", unit="percent")
    record = {"complete": True, "function": "get_datadog_metric"}
    evidence.freeze(incident.path / "evidence", "metrics", frame, record)


def doubted(incident, *codes):
    """Return the messages of the findings of these codes."""
    found = incident.check()
    return set(found["message"][found["code"].isin(codes)])


def doubted_with(incident, sentence, *codes):
    """Return them with one more takeaway."""
    row = incident.add("takeaways", text=sentence)
    found = doubted(incident, *codes)
    incident.remove("takeaways", row)
    return found


def _signed_in(incident, at):
    """Let the approvals be written down long after what a test edits, however slow it is."""
    log = incident.path / "incident.jsonl"
    edits = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    late = [edit | {"at": at} if edit.get("table") == "approvals" else edit for edit in edits]
    log.write_text("".join(f"{json.dumps(edit)}\n" for edit in late), encoding="utf-8")
    return Incident.open(incident.path)
