"""Sums that a document works out, who and when told twice, and what strangers told truly.

The figures are worked in the rows: 31 % of 120,000 is 37,200; 1,400 + 900 + 700 = 3,000.
"""

import pytest
import sound

from postmortem_nb.checks.numerals import in_digits

FACTS = {
    "what_happened": "31 % of 120,968 checkout requests failed. Of the 31,111 people in the queue "
    "4,200 met a failure, between 14:02 and 16:09 UTC on 4 December 2025.",
    "failed_requests": 37500,  # 31 % of 120,968 is 37,500.08
    "affected_total": 4200,
    "affected_share": 13.5,  # 4,200 of 31,111
    "revenue_loss": 60200,
    "revenue_method": "1,240 accounts at $35 each ($43,400) plus 4,200,000 call minutes at $0.004 "
    "($16,800)",
    "budget_consumed": 41.7,
    "metric_graphs": "Failures by city: Ghent 1,400, Utrecht 900, Lyon 700, together 3,000.",
    "key_events": "13:55 canary passed · 15:26 rollback of 2.17.0 to 2.16.4 · 16:09 rollback done",
    "executives_involved": True,
    "support_notified": True,
}
ROWS = {
    "Detection": {"detection_method": "User Report", "detected_by": "Wanda Kruse, by telephone"},
    "Mitigation Plan Formed": {"approval": "Karim Haddad, incident commander"},
    "Mitigation Deployed": {"action": "Rolled back to 2.16.4 on all nodes."},
    "Full Recovery": {"status": "Back on 2.16.4."},
}
TABLES = {
    "monitors": {
        "name": "pool use",
        "query": "avg(last_5m):avg:pool.used{*} > 0.8",
        "threshold": "over 80 % in five minutes",
        "owner": "Jun Sato",
        "status": "Live since 2025-12-10 (OBS-310)",
    },
    "technical_changes": {
        "name": "Pool limit",
        "current": "All regions on 2.16.4",
        "target": "A limit of 50",
        "owner": "Mei Tan",
        "due": "2025-12-20",
    },
    "went_well": {
        "area": "Detection",
        "what": "Wanda Kruse's call woke us.",
        "how_it_helped": "Support knew early, 17 minutes after the first error.",
        "why_it_worked": "Karim Haddad is incident commander; back on 2.16.4.",
    },
    "went_wrong": {
        "area": "Detection",
        "what": "No monitor fired.",
        "impact": "Seventeen minutes passed until a person told us.",
        "why_it_failed": "It looks at hours.",
        "how_to_improve": "Look at minutes.",
    },
    "takeaways": {"text": "With 8.3% used before, 50% is left."},
}
CODES = ("range", "sources", "prose", "owner", "severity")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The sound incident with sums, people and monitors that agree; the rows that were added."""
    incident = sound.create(tmp_path_factory.mktemp("worked"))
    sound.write(incident, FACTS, ROWS)
    rows = {table: incident.add(table, **values) for table, values in TABLES.items()}
    rows["actions"] = incident.add(
        "actions",
        horizon="Immediate",
        priority="P1",
        title="Alert on the use of the pool",
        owner="Jun Sato",
        due="2025-12-10",
        status="Complete",
        tracking="https://example.com/browse/OBS-310",
    )
    for row in incident.values("timeline"):
        rows[row["step"]] = row["row"]
    return incident, rows


def doubts(made, table, name, value):
    """Return what is found with another value of a blank, which is as it was afterwards."""
    incident, rows = made
    place = table if table in incident.template.tables else "timeline"
    at = {} if table == "incident" else {"table": place, "row": rows[table]}
    found = [row for row in incident.values(place) if not at or row["row"] == at["row"]]
    before = found[0][name]
    incident.set(name, value, **at)
    told = sound.doubted(incident, *CODES)
    incident.set(name, before, **at)
    return told


def test_what_agrees_is_let_be(made):
    assert sound.doubted(made[0], *CODES) == set()


@pytest.mark.parametrize(
    ("table", "name", "value", "told"),
    [
        (
            "incident",
            "what_happened",
            "Refused between 14:02 and 16:09 UTC on 5 December 2025.",
            "but the incident began on 2025-12-04.",
        ),
        (
            "incident",
            "revenue_method",
            "1,240 accounts at $35 each ($43,400) plus 4,200,000 call minutes at $0.004 ($18,600)",
            "“plus 4,200,000 call minutes at $0.004 ($18,600)” is $16,800.",
        ),
        (
            "incident",
            "revenue_method",
            "1,240 accounts at $35 = $43,400, plus 318 vouchers at $50 = $15,900",
            "The items are $59,300, but revenue loss: $60,200.",
        ),
        (
            "incident",
            "metric_graphs",
            FACTS["metric_graphs"].replace("900", "800"),
            "that makes 2,900.",
        ),
        ("incident", "executives_involved", False, None),
        ("incident", "support_notified", False, "but the support team was not notified."),
        (
            "incident",
            "problem",
            "On that day orders were discarded instead of queued, for 110 minutes, in two cities.",
            "“for 110 minutes”, but duration: 2 hours 7 minutes.",
        ),
        (
            "incident",
            "regions",
            "Ghent 50 %, Utrecht 40 %, Lyon 20 % of the affected people",
            "of the affected people' is 110 %, not 100 %.",
        ),
        (
            "takeaways",
            "text",
            "Of the 214 support tickets 120 came from Ghent, 16 from Utrecht and 33 from Lyon.",
            "but that makes 169.",  # 120 + 16 + 33
        ),
        (
            "went_well",
            "how_it_helped",
            "Nine minutes from failure to alert.",
            "but the start and the detection are 17 minutes apart.",
        ),
        (
            "Root Cause Identified",
            "root_cause",
            "The default is 0 in 2.16.3 and was 2 hours before.",
            "“2.16.3”, but elsewhere the document has 2.16.4.",
        ),
        (
            "takeaways",
            "text",
            "70% of the authorisations failed (13,500 of 45,000).",
            "but 13,500 of 45,000 is 30 %.",
        ),
        (
            "takeaways",
            "text",
            "Version 2.4.16 did what it was built to do.",
            "“2.4.16”, but elsewhere the document has 2.16.4.",
        ),
        (
            "monitors",
            "status",
            "Planned (OBS-310)",
            "“Planned”, but the action “Alert on the use of the pool” is Complete.",
        ),
        (
            "Mitigation Deployed",
            "action",
            "Rolled back to 2.16.2 on all nodes.",
            "“2.16.2”, but elsewhere the document has 2.16.4.",
        ),
        (
            "technical_changes",
            "current",
            "All regions on 2.16.3",
            "“2.16.3”, but elsewhere the document has 2.16.4.",
        ),
        ("monitors", "threshold", "over 80 % in five hours", "but the query has last_5m."),
        (
            "monitors",
            "owner",
            "Mei Tan",
            "Owned by Mei Tan, but the action “Alert on the use of the pool”: Jun Sato.",
        ),
        ("actions", "status", "Not Started", "Not Started, but “Live since 2025-12-10 (OBS-310)”"),
    ],
)
def test_what_is_worked_out_otherwise_is_doubted(made, table, name, value, told):
    found = doubts(made, table, name, value)
    if told is None:
        assert found == set(), "nobody with a chief's title is named"
    else:
        assert any(told in each for each in found), found


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [
        ("takeaways", "text", "Eighty regions, 6% of them failing, so 94% were well."),
        ("went_well", "why_it_worked", "48 east nodes and 36 west nodes, 84 nodes in all."),
        ("went_wrong", "impact", "Seen at 6:19 a.m. PST (14:19 UTC)."),
        ("Partial Recovery", "status", "Failure rate 18 % and rising before it fell."),
        ("Partial Recovery", "improving", "Success rate at 66 %, after 99.97 % the day before."),
        (
            "takeaways",
            "text",
            "The job was switched off for the move; the job was not switched on after the move.",
        ),
        ("takeaways", "text", "For 104 minutes drivers could not pay."),
        ("incident", "problem", "Down between 15:02 and 17:09 local time on that Thursday."),
        ("takeaways", "text", "408,000 stamps of 480,000 stamps went to one job."),
    ],
)
def test_true_ways_to_tell_it_are_let_be(made, table, name, value):
    assert doubts(made, table, name, value) == set()


def test_a_severity_that_was_raised_is_no_contradiction(made):
    incident, rows = made
    at = {"table": "timeline", "row": rows["Acknowledgment"]}
    incident.set("severity_declared", "SEV-2", **at)
    truth = "Declared SEV-2, but the severity of the incident is SEV-1."
    assert truth in sound.doubted(incident, *CODES)
    assert (
        doubts(made, "Root Cause Identified", "evidence", "Severity was raised to SEV-1.") == set()
    )
    incident.set("severity_declared", "SEV-1", **at)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Four hundred and ten spaces", "410 spaces"),
        ("one thousand one hundred and fifty scans", "1,150 scans"),
        ("two hundred thousand users", "200,000 users"),
        ("forty-five minutes", "45 minutes"),
        ("Friday the twenty-sixth of June", "Friday 26 June"),
        ("four and a quarter hours", "4.25 hours"),
        ("3 and three quarter hours", "3.75 hours"),
        ("after an hour and a quarter", "after 1.25 hours"),
        ("a page and a quarter of the text", "a page and a quarter of the text"),
        ("Ninety per cent of the budget", "90 per cent of the budget"),
        ("two thousand users", "two thousand users"),  # a round number is meant roughly
        ("between two hundred and three hundred", "between two hundred and three hundred"),
        ("twenty-five to five", "twenty-five to five"),  # a clock
        ("the three hundred and eighty-fifth time", "the three hundred and eighty-fifth time"),
    ],
)
def test_numbers_that_are_written_out_are_read_in_digits(written, read):
    assert in_digits(written) == read


def test_a_number_in_words_is_compared_with_digits(made):
    told = doubts(made, "takeaways", "text", "Two people were told; 3,402 users were affected.")
    words = doubts(
        made,
        "takeaways",
        "text",
        "Two people were told; three thousand four hundred and two users were affected.",
    )
    assert told
    assert words == told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("due", "2025-12-20", "Due on 2025-12-20, but the action “Alert on the use of the pool”"),
        ("owner", "Mei Tan", "Owned by Mei Tan, but the action “Alert on the use of the pool”"),
        ("due", "2025-12-10", None),
        ("owner", "Jun Sato", None),
    ],
)
def test_a_change_that_names_a_ticket_is_held_against_its_action(made, name, value, told):
    incident, _ = made
    row = incident.add("technical_changes", name="Graph", plan="Two panels (OBS-310)")
    incident.set(name, value, table="technical_changes", row=row)
    found = {each for each in sound.doubted(incident, "date", "owner") if "the action" in each}
    incident.remove("technical_changes", row)
    assert [told in each for each in found] == ([True] if told else [])


@pytest.mark.parametrize(
    ("target", "doubted"), [("83 million rows", True), ("38 million rows", False)]
)
def test_digits_turned_in_a_plan_are_found(tmp_path, target, doubted):
    incident = sound.create(tmp_path)
    facts = {"process_cause": "The table, with 38 million rows, was closed to writers."}
    sound.write(incident, facts, {})
    incident.add("technical_changes", name="Staging", target=target, owner="Mei Tan")
    assert any("million rows" in each for each in sound.doubted(incident, "prose")) is doubted
