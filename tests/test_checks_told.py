"""Lengths in rows, parts and what remains, earlier incidents, first messages; each true way beside.

The timeline is that of `sound`: start 14:02, detection 14:19, mitigation 15:26, partial recovery
15:38 (12 minutes after it, 96 after the start).
"""

import pytest
import sound

CODES = ("range", "sources", "prose")
REGIONS = "Ghent and Bruges {} accounts (60 %), Lyon 1,050 (25 %), Porto 630 (15 %)"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The sound incident with rows for each table that is told of here."""
    incident = sound.create(tmp_path_factory.mktemp("told"))
    sound.write(
        incident,
        {
            "executives_involved": False,
            "regions": REGIONS.format("2,520"),  # 2,520 + 1,050 + 630 = 4,200
            "revenue_method": "410,000 impressions not served x $28 per thousand = $11,480",
        },
        {"Mitigation Deployed": {"action": "Rolled back to 2.16.4 on all nodes."}},
    )
    rows = {row["step"]: row["row"] for row in incident.values("timeline")}
    for text in ("Back on 2.16.4 everywhere.", "2.16.4 had no such limit.", "2.16.4 stays."):
        rows["takeaways"] = incident.add("takeaways", text=text)
    rows["similar"] = incident.add(
        "similar", incident="INC-0", date="2024-06-11", similarity="Pool"
    )
    rows["updates"] = incident.add(
        "updates", channel="Status page", time=sound.moment("14:41"), text="Checkout is slow."
    )
    rows["actions"] = incident.values("actions")[0]["row"]
    return incident, rows


def doubts(made, place, value):
    """Return what is found with another value of a blank, which is as it was afterwards."""
    incident, rows = made
    table, name = place
    if table == "incident":
        at, before = {}, incident.values("incident")[0][name]
    else:
        at = {"table": table if table in incident.template.tables else "timeline"}
        at["row"] = rows[table]
        row = next(each for each in incident.values(at["table"]) if each["row"] == at["row"])
        before = row[name]
    incident.set(name, value, **at)
    told = sound.doubted(incident, *CODES)
    incident.set(name, before, **at)
    return told


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (
            ("Partial Recovery", "status"),
            "Failures down to 6 %, 20 minutes after the rollback",
            "“20 minutes after the rollback”, but it is 12 minutes after it.",
        ),
        (
            ("Detection", "detected_by"),
            "The shop in Ghent, by telephone, 27 minutes after the start; no monitor had fired",
            "“27 minutes after the start”, but it is 17 minutes after it.",
        ),
        (("incident", "regions"), REGIONS.format("2,250"), "is 3,930, but affected users: 4,200."),
        (
            ("incident", "what_we_will_do"),
            "A limit, a test. Eight actions in all, two of them P1.",
            "“Eight actions”, but actions: 1.",
        ),
        (
            ("takeaways", "text"),
            "A failed call took 9.1 ms in all, 8.7 s of it waiting.",
            "“9.1 ms in all, 8.7 s of it”, but 8.7 s is longer than that.",
        ),
        (
            ("takeaways", "text"),
            "836 of 1,140 gateways run the old one; the other 340 run the new one.",
            "but the others are 304.",  # 1,140 - 836
        ),
        (
            ("incident", "patterns"),
            "Both earlier incidents began with a pool.",
            "“Both earlier incidents”, but listed: 1.",
        ),
        (
            ("takeaways", "text"),
            "Helena Marsh, our Chief Operating Officer, was informed at 14:50 UTC.",
            "“our Chief Operating Officer, was informed”, but no executive was involved.",
        ),
        (
            ("incident", "revenue_method"),
            "308 free nights at an average rate of $154: $44,660",
            "is $47,432.",  # 308 x 154
        ),
        (
            ("incident", "revenue_method"),
            "410,000 impressions not served x $82 per thousand = $11,480",
            "is $33,620.",  # 410 x 82
        ),
        (
            ("updates", "text"),
            "Preparing the rollback to 2.16.2.",
            "“2.16.2”, but elsewhere the document has 2.16.4.",
        ),
        (
            ("takeaways", "text"),
            "It lasted 137 minutes, from 15:02 to 17:09 CET.",
            "but that is 2 hours 7 minutes.",
        ),
    ],
)
def test_what_is_told_otherwise_is_doubted(made, place, value, told):
    found = doubts(made, place, value)
    assert any(told in each for each in found), found


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("incident", "regions"), REGIONS.format("2,520")),
        (("Partial Recovery", "status"), "Failures down to 6 %, 12 minutes after the rollback"),
        (("Partial Recovery", "status"), "Still rising 96 minutes after the start"),
        (
            ("Partial Recovery", "status"),
            "Down to 6 %. It had been 20 minutes after the rollback of",
        ),
        (("incident", "what_happened"), "Shops got 503s for 127 minutes, from 14:02 to 16:09 UTC."),
        (("takeaways", "text"), "It lasted 127 minutes, from 15:02 to 17:09 CET."),
        (("actions", "description"), "On 4 December it would have fired at 14:03 UTC."),
        (
            ("takeaways", "text"),
            "9.1 s in all, 8,700 ms of it waiting; 836 of 1,140, the other 304.",
        ),
        (
            ("takeaways", "text"),
            "836 of 1,140 shops were open by then, the other 27 % from the next day on.",
        ),
        (("incident", "recurring"), "Yes, such a step was missing in June 2024 as well."),
        (("takeaways", "text"), "The first message to all shops went out at 14:41 UTC."),
    ],
)
def test_what_is_told_truly_is_let_be(made, place, value):
    assert doubts(made, place, value) == set()


def test_an_incident_that_went_unnoticed_for_longer_than_it_lasted_is_doubted(made):
    told = doubts(made, ("incident", "problem"), "Checkouts failed, unnoticed for five hours.")
    assert any("unnoticed for five hours" in each for each in told), told


def test_levels_of_two_rows_are_each_of_their_moment(made):
    """140 of 200 connections at 15:38 and 45 of 200 at 16:10 are no contradiction."""
    incident, rows = made
    for step, name, value in (
        ("Partial Recovery", "improving", "140 of 200 connections in use"),
        ("Monitoring", "observation", "45 of 200 connections in use"),
        ("Key Discovery", "finding", "All connections were in use at 14:31, said the graph."),
    ):
        incident.set(name, value, table="timeline", row=rows[step])
    told = sound.doubted(incident, *CODES)
    for step, name in (("Partial Recovery", "improving"), ("Monitoring", "observation")):
        incident.set(name, None, table="timeline", row=rows[step])
    incident.set("finding", None, table="timeline", row=rows["Key Discovery"])
    assert told == set()


def test_a_version_that_was_gone_back_to_stands_beside_the_one_that_failed(made):
    incident, rows = made
    action = {"table": "timeline", "row": rows["Mitigation Deployed"]}
    incident.set(
        "action", "cache 2.16.4 on all 24 west nodes, the rollback took 6 minutes", **action
    )
    incident.set("key_events", "13:50 all 24 west nodes on cache 2.17.0")
    told = sound.doubted(incident, *CODES)
    incident.set("action", "Rolled back to 2.16.4 on all nodes.", **action)
    incident.set("key_events", None)
    assert told == set()


@pytest.mark.parametrize(("left", "fits"), [("Three quarters", True), ("A third", False)])
def test_what_remains_is_the_rest_of_what_is_done(made, left, fits):
    """770 of 3,080 is a quarter."""
    incident, rows = made
    place = {"table": "timeline", "row": rows["Partial Recovery"]}
    incident.set("status", "770 of 3,080 keys are reissued", **place)
    told = doubts(
        made, ("Partial Recovery", "remaining"), f"{left} of the keys are to be reissued."
    )
    incident.set("status", None, **place)
    assert any("of the keys" in each for each in told) == (not fits), told


def test_two_rows_of_a_log_are_no_contradiction(made):
    incident, _ = made
    rows = [
        incident.add(
            "timeline",
            step="Key Discovery",
            time=sound.moment(clock),
            finding=f"POST /api/checkout 503 in {took} ms: PoolTimeout",
            evidence=f"logs (AwAAA{took})",
        )
        for clock, took in (("14:21", 8385), ("14:23", 9736))
    ]
    told = sound.doubted(incident, *CODES)
    for row in rows:
        incident.remove("timeline", row)
    assert told == set()


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (
            ("incident", "problem"),
            "For 78 minutes on 4 December, 4,200 shoppers failed to pay at least once.",
            "but duration: 2 hours 7 minutes.",
        ),
        (
            ("incident", "process_cause"),
            "The new value passed the load test of 5 December without a trace.",
            "“test of 5 December”, but the incident ended on 2025-12-04.",
        ),
        (
            ("takeaways", "text"),
            "1,440 lots had to be withdrawn; 1,100 of them were sold later and 240 were lost.",
            "but that makes 1,340.",  # 1,100 + 240
        ),
        (
            ("incident", "revenue_method"),
            "Commission of 12 % on the 240 discarded lots at an average price of $200",
            "is $5,760, but revenue loss: $11,480.",  # 0.12 x 240 x 200
        ),
        (("monitors", "threshold"), "More than 50 seconds for 10 minutes", "its query has 0.05."),
    ],
)
def test_what_a_second_reader_would_see(made, place, value, told):
    incident, rows = made
    incident.set("revenue_loss", 11480)
    incident.set("key_events", "Change CHG-7718 at 13:50")
    incident.set("organizational_cause", "CHG-7718 had one reviewer.")
    rows["monitors"] = incident.add("monitors", name="offset", query="avg(last_10m):x{*} > 0.05")
    rows["factors"] = incident.values("factors")[0]["row"]
    found = doubts(made, place, value)
    incident.remove("monitors", rows["monitors"])
    for name in ("revenue_loss", "key_events"):
        incident.set(name, None)
    assert any(told in each for each in found), found


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("incident", "problem"), "For 127 minutes on 4 December, 4,200 shoppers failed to pay."),
        (
            ("incident", "technical_cause"),
            "Unnoticed for twelve and a half hours, a port was shut.",
        ),
        (("incident", "process_cause"), "The new value passed the load test of 3 December."),
        (
            ("takeaways", "text"),
            "1,440 lots were withdrawn; 1,200 of them were sold, and 240 lost.",
        ),
        (("takeaways", "text"), "2.15.0 came before it, 2.16.0 after."),
    ],
)
def test_what_a_second_reader_would_let_be(made, place, value):
    assert doubts(made, place, value) == set()


def test_the_regions_of_a_list_with_large_numbers_are_counted_by_their_names(made):
    incident, _ = made
    incident.set("regions", "EU West 1,600, US East 1,400, Asia Southeast 1,200 accounts")
    told = doubts(made, ("incident", "what_happened"), "In all, three regions were hit.")
    incident.set("regions", REGIONS.format("2,520"))
    assert told == set()


def test_a_level_of_a_row_is_no_rival_of_another_moments_update(made):
    incident, rows = made
    update = {"table": "updates", "row": rows["updates"]}
    incident.set("text", "Matchmaking failing, EU West at 52 % success.", **update)
    told = doubts(made, ("Partial Recovery", "status"), "EU West matchmaking at 88 % success.")
    incident.set("text", "Checkout is slow.", **update)
    assert told == set()


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (
            ("takeaways", "text"),
            "74 of our 80 shops were hit; the 16 shops on the old stack were fine.",
            "but the others are 6.",
        ),
        (
            ("Incident Declared Resolved", "final_status"),
            "Resolved. 183 minutes after the start, 36 minutes after recovery.",
            "“36 minutes after recovery”, but it is 56 minutes after it.",  # 16:09 to 17:05
        ),
    ],
)
def test_what_the_third_judge_planted(made, place, value, told):
    found = doubts(made, place, value)
    assert any(told in each for each in found), found


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (
            ("Incident Declared Resolved", "confirmed"),
            "Priya Raman, after support saw no new tickets for 30 minutes",
        ),
        (
            ("takeaways", "text"),
            "Rollback done at 14:35, the ratio did not move: it was ruled out.",
        ),
        (
            ("Incident Declared Resolved", "final_status"),
            "Resolved. 183 minutes after the start, 56 minutes after recovery.",
        ),
        (("takeaways", "text"), "Cut the window to 3 minutes between 05:00 and 22:00 UTC."),
        (
            ("takeaways", "text"),
            "64 of our 80 shops were hit; the 16 shops on the old stack were fine.",
        ),
        (("takeaways", "text"), "A first notice 31 minutes after the start came too late."),
        (("takeaways", "text"), "17 minutes of lost tickets before anybody knew."),
        (("takeaways", "text"), "Restaurants were in the dark for 36 minutes."),
        (("takeaways", "text"), "Recovery took 27 minutes from the cancellation."),
        (("takeaways", "text"), "Everything works again since 10:09 Central."),
        (("incident", "process_cause"), "A shift of five hours passed the review of the move."),
    ],
)
def test_true_words_of_the_third_judge_are_let_be(made, place, value):
    incident, rows = made
    action = {"table": "timeline", "row": rows["Mitigation Deployed"]}
    incident.set("tickets", 214)
    incident.set("action", "A larger limit, 2.16.4 untouched", **action)
    told = doubts(made, place, value)
    incident.set("tickets", None)
    incident.set("action", "Rolled back to 2.16.4 on all nodes.", **action)
    assert told == set()


def test_a_release_is_no_verb_and_a_thousand_may_be_rounded(made):
    incident, _ = made
    incident.set("why_it_happened", "A configuration lock of the night had not been released.")
    incident.set("key_logs", "The store holds 41,300 confirmations of the night.")
    told = doubts(made, ("takeaways", "text"), "The release was blocked by a configuration lock.")
    told |= doubts(made, ("Monitoring", "observation"), "All 41,000 confirmations of the night.")
    incident.set("why_it_happened", sound.FACTS["why_it_happened"])
    incident.set("key_logs", None)
    assert told == set()


@pytest.mark.parametrize(
    ("threshold", "fits"),
    [
        ("80% of 62,500", True),
        ("10,000 a minute over five minutes", True),
        ("10,000 a minute over six minutes", False),
        ("70% of 62,500", False),
    ],
)
def test_a_threshold_may_be_a_part_or_a_rate(made, threshold, fits):
    incident, _ = made
    row = incident.add("monitors", name="m", query="sum(last_5m):x{*} > 50000")
    incident.set("threshold", threshold, table="monitors", row=row)
    told = sound.doubted(incident, *CODES)
    incident.remove("monitors", row)
    assert any("its query has" in each for each in told) == (not fits)


@pytest.mark.parametrize(
    ("threshold", "fits"),
    [("more than 5.5 GB for 5 minutes", True), ("more than 6.5 GB for 5 minutes", False)],
)
def test_a_threshold_in_gigabytes_is_one_of_bytes(made, threshold, fits):
    incident, _ = made
    row = incident.add("monitors", name="m", query="avg(last_5m):x{*} > 5500000000")
    incident.set("threshold", threshold, table="monitors", row=row)
    told = sound.doubted(incident, *CODES)
    incident.remove("monitors", row)
    assert any("its query has" in each for each in told) == (not fits)


def test_what_ought_to_be_denies_nothing_and_a_test_claim_was_no_customers(made):
    incident, rows = made
    row = incident.add(
        "factors",
        area="Technical",
        name="Keepalive longer than the idle timeout",
        description="Set",
    )
    step = {"table": "timeline", "row": rows["Full Recovery"]}
    incident.set("validation", "Ten test claims with photographs from each of two states", **step)
    said = "The keepalive must be shorter than the idle timeout of everything in between."
    told = doubts(made, ("takeaways", "text"), said)
    told |= doubts(made, ("takeaways", "text"), "No claim and no photograph was lost.")
    incident.remove("factors", row)
    incident.set("validation", None, **step)
    assert told == set()


@pytest.mark.parametrize("action", [None, "Rolled back to 2.16.4 on all nodes."])
def test_a_rollback_at_another_clock_is_doubted_where_nothing_else_helped(made, action):
    incident, rows = made
    place = {"table": "timeline", "row": rows["Mitigation Deployed"]}
    incident.set("action", action, **place)
    told = doubts(made, ("takeaways", "text"), "Rollback done at 14:35, all was well after it.")
    incident.set("action", "Rolled back to 2.16.4 on all nodes.", **place)
    assert any("14:35" in each and "15:26" in each for each in told), told
