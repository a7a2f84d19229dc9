"""Fields against their own parts, and sentences of which strangers made the reviewer learn."""

import pytest
import sound

from postmortem_nb.checks import case, events, figures, mentions, order

REGIONS = "eu-west (2,700 users), eu-north (1,500 users)"
FACTS = {
    "what_happened": "4,200 of our 31,000 users saw blank pages from 14:02 UTC on.",
    "problem": "Pages for eu-west and eu-north were blank.",
    "regions": REGIONS,
    "affected_total": 4200,  # 2,700 + 1,500
    "affected_share": 13.5,  # 4,200 of 31,000 is 13.55 %
    "revenue_loss": 420,  # 60 · 7
    "revenue_method": "60 map-pack sales missed at $7 each; at risk: 16 hours at $300 per hour",
    "revenue_at_risk": 4800,  # 16 · 300
}
CODES = ("range", "sources", "prose", "lone")


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    """The sound incident with regions, shares and sums that agree."""
    made = sound.create(tmp_path_factory.mktemp("regions"))
    sound.write(made, FACTS, {"Acknowledgment": {"on_call": "Dana Kim"}})
    made.add(
        "timeline",
        step="Escalation",
        time=sound.moment("14:40"),
        escalated_to="Jonas Weber (Storage)",
        responders=["Luis Ortega"],
    )
    made.set("state", "Review")
    return made


def doubts(incident, name, value, **at):
    """Return what is found with another value, which is as it was afterwards."""
    before = next(row[name] for row in incident.values(at.get("table", "incident")) if row[name])
    incident.set(name, value, **at)
    found = sound.doubted(incident, *CODES)
    incident.set(name, before, **at)
    return found


def test_what_agrees_is_let_be(incident):
    assert sound.doubted(incident, *CODES) == set()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "regions",
            "us-east (2,700 users), eu-north (1,500 users)",
            (
                "'us-east (2,700 users), eu-north (1,500 users)', "
                "but the texts have eu-west, not us-east."
            ),
        ),
        (
            "regions",
            "eu-west (2,700 users), eu-north (1,600 users)",
            "'eu-west (2,700 users), eu-north (1,600 users)' is 4,300, but affected users: 4,200.",
        ),
        ("affected_share", 1.35, "1.35 %, but the text has “4,200 of our 31,000” for 4,200."),
        ("affected_share", 15, "15 %, but the text has “4,200 of our 31,000” for 4,200."),
        (
            "regions",
            "Western India 2,700 customers, southern India 1,570",
            (
                "'Western India 2,700 customers, southern India 1,570' is 4,270, "
                "but affected users: 4,200."
            ),
        ),
        (
            "revenue_loss",
            4200,
            "“60 map-pack sales missed at $7 each” is $420, but revenue loss: $4,200.",
        ),
        (
            "revenue_at_risk",
            8400,
            "“at risk: 16 hours at $300 per hour” is $4,800, but revenue at risk: $8,400.",
        ),
    ],
)
def test_a_field_is_compared_with_its_parts(incident, name, value, told):
    assert told in doubts(incident, name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("affected_share", 13.6),
        ("affected_share", 14),
        ("revenue_method", "60 sales missed at $7 each, less 10 % that came back"),
        ("revenue_method", "420 dollars by the shop's own books"),
        ("revenue_method", "about 60 carts of $7"),
        ("revenue_method", "the mean of the last four Saturdays is $41,400"),
        ("regions", "Europe"),
        ("regions", "eu-west (2,700 users at first), eu-north"),
    ],
)
def test_a_field_of_which_no_parts_are_known_is_let_be(incident, name, value):
    assert doubts(incident, name, value) == set()


@pytest.mark.parametrize(
    ("method", "loss"),
    [
        ("3,200 candidates were granted a refund of their $45 examination fee", 144_000),
        ("2,450 lost orders x $62 average order value", 151_900),
        ("9,600 conversions with an average difference of $3.25, which we refunded", 31_200),
        ("$300 of fees lost per minute over 95 minutes", 28_500),
        ("it would have been 97 minutes at $2,250 a minute", 218_250),
    ],
)
def test_a_loss_is_a_number_of_things_at_a_price(incident, method, loss):
    [(low, high)] = figures._products(method)
    assert low <= loss <= high < 1.01 * low


def test_a_sum_beside_a_price_in_cents_is_no_price():
    assert figures._products("the other $16,800 are 4.2 million minutes at 0.4 cents each") == []


@pytest.mark.parametrize("name", ["Jonas Weber", "Luis Ortega"])
def test_who_is_on_call_is_not_called_in(incident, name):
    row = next(row["row"] for row in incident.values("timeline") if row["on_call"])
    found = doubts(incident, "on_call", name, table="timeline", row=row)
    assert f"{name} was called in, but was on call already." in found


@pytest.mark.parametrize(
    ("query", "threshold", "doubted"),
    [
        ("sum(last_1m):sum:a{*} > 0", "1 line in 1 minute", False),
        ("sum(last_1m):sum:a{*} >= 5", "5 lines", False),
        ("max(last_3m):sum:a{*} > 2", "3 failures in 3 minutes", False),
        ("max(last_3m):sum:a{*} > 2", "At least 3 lines", False),
        ("max(last_3m):sum:a{*} > 2", "No fewer than 3 lines", False),
        ("max(last_3m):sum:a{*} >= 3", "More than 2 lines", False),
        ("min(last_3m):sum:a{*} < 3", "2 nodes or fewer", False),
        ("min(last_3m):sum:a{*} <= 2", "Fewer than 3 nodes", False),
        ("max(last_3m):sum:a{*} > 2", "More than 3 lines", True),
        ("max(last_3m):sum:a{*} > 2", "1 line", True),
        ("min(last_3m):sum:a{*} < 3", "4 nodes", True),
        ("max(last_3m):sum:a{*} > 2", "3 % of calls", True),
        ("sum(last_1m):sum:a{*} > 5", "9 lines", True),
        ("sum(last_1m):sum:a{*} > 5", "6 %", True),
        ("sum(last_1m):sum:a{*} >= 5", "4 lines", True),
        ("max(last_5m):max:disk{*} > 90", "Pages at 10 % left", False),
        ("max(last_5m):max:disk{*} > 90", "Pages at 20 % left", True),
        ("max(last_5m):max:stamps{*} > 336000", "At most 144,000 of the 480,000 left", False),
        ("max(last_5m):max:stamps{*} > 336000", "At most 120,000 of the 480,000 left", True),
    ],
)
def test_more_than_none_is_one(tmp_path, query, threshold, doubted):
    incident = sound.create(tmp_path)
    incident.add("monitors", name="P", query=query, threshold=threshold, owner="A B")
    assert any(each.startswith("Threshold") for each in sound.doubted(incident, "range")) is doubted


@pytest.mark.parametrize(
    ("title", "doubted"),
    [
        ("Fix the unit of the skew correction", False),  # other work of the same owner
        ("Use duration types for times", True),
    ],
)
def test_a_change_is_that_of_an_action_whose_title_tells_of_it(tmp_path, title, doubted):
    incident = sound.create(tmp_path)
    made = {"owner": "Dana Kim", "due": "2025-12-10", "description": "Use a duration type."}
    incident.add("actions", horizon="Immediate", priority="P0", title=title, **made)
    change = {"name": "Duration types", "target": "Times are durations with a unit"}
    incident.add("technical_changes", owner="Dana Kim", due="2026-01-15", **change)
    assert any("but the action" in each for each in sound.doubted(incident, "date")) is doubted


@pytest.mark.parametrize(("due", "doubted"), [("2026-01-29", False), ("2025-12-29", True)])
def test_a_change_and_its_action_share_the_name_of_a_component(tmp_path, due, doubted):
    incident = sound.create(tmp_path)
    made = {"owner": "Dana Kim", "tracking": "https://example.com/browse/NET-6"}
    title = "Move the root into cert-manager"
    incident.add("actions", horizon="Long-term", title=title, due="2026-01-29", **made)
    target = "Issued and renewed by cert-manager"
    incident.add("technical_changes", name="Managed root", target=target, owner="Dana Kim", due=due)
    assert any("but the action" in each for each in sound.doubted(incident, "date")) is doubted


TOLD = {
    "system_behavior": "Maps of roads unaffected. 1.28 million requests failed.",
    "plan": "A rolling restart of the cache, two pods at a time.",
    "status": "340 sidecars are back.",
    "finding": "The timestamp parser does not accept milliseconds. 14 of the pairs were stale.",
    "improving": "The rate of accepted uploads had risen to 1,200 a minute.",
    "detection_method": "Internal Discovery",
    "action": "We rolled checkout back to 5.11.3 and grew the disk to 750 GB.",
    "responsible": "Luis Ortega",
    "evidence": "The refill was of three batches of 14,000 keys, 42,000 keys in all.",
}
STEPS = {
    "Incident Start": "system_behavior",
    "Mitigation Plan Formed": "plan",
    "Full Recovery": "status",
    "Key Discovery": "finding",
    "Partial Recovery": "improving",
    "Detection": "detection_method",
    "Mitigation Deployed": "action",
}
FIELDS = {
    "failed_requests": 1_280_000,
    "problem": "Checkouts failed after a deploy of checkout, 31 % of them at the worst, 14:30.",
    "why_it_happened": "Nothing compares the table of staging with production. The heap of the "
    "cache grew by 96 MB per hour, up to 8,000 MB. Eleven of 24 hosts had the wrong time.",
    "technical_cause": "Module proxy-rules 3.2.1 raised the backoff of the proxies. The heap of "
    "the cache grew by 96 MB per hour.",
    "key_logs": "proxy-rules 3.2.1 loaded: the backoff of the proxies is 30.",
    "process_cause": "The pipeline does not compare the table in staging with production.",
    "key_events": "14:30 peak of the errors: 31 % · 15:26 rollback to 5.11.3",
    "email_sent": False,
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The sound incident, 14:02 to 16:09, with a few words in its rows."""
    made = sound.create(tmp_path_factory.mktemp("told"))
    sound.write(made, FIELDS, {step: {name: TOLD[name]} for step, name in STEPS.items()})
    sound.write(made, {}, {"Mitigation Deployed": {"responsible": TOLD["responsible"]}})
    sound.write(made, {}, {"Root Cause Identified": {"evidence": TOLD["evidence"]}})
    row = made.values("actions")[0]["row"]
    made.set("owner", "Dana Kim", table="actions", row=row)
    return made


DENIED = """\
Module proxy-rules 3.1.8 raised the backoff of the proxies.
The heap of the cache grew by 69 MB per hour.
5 % of our 31,000 users saw blank pages.
4,200 readers in Wales, 5 % of our 31,000 users, saw blank pages.
None of our 31,000 users were affected.
Some 14,000 calls failed a minute on average.
Dana Kim rolled checkout back at 15:26, so that no cart could be lost.
The failure-ratio monitor paged us at once.
The email to customers went out with a typo.
Each customer got an apology by email.
We rolled checkout back from 5.12.0 to 5.11.2.
1.28 million requests failed: 800,000 from the web and 580,000 from the phone app.
For 160 minutes, between 14:02 UTC on 4 December and 16:09 UTC on 4 December, nothing was sold.
Checkouts have been back to normal since 15:26 UTC.
The fault was unknown for 59 minutes.""".splitlines()
LET_BE = """\
The lease is shorter than that of the timestamp parser, which is no longer used.
The support desk learned of it from callers.
A threshold of 30 % does not see the failure of a quarter of the hosts.
The hosts were changed in three groups of three hosts.
13 of 24 hosts had the right time.
At 16:26 CET we rolled checkout back.
Only 9 % of the checkouts still failed then.
At 96 MB per hour, 2,304 MB per day, memory is full after a while.
The worst came 28 minutes in.
13.5 % of our 31,000 users saw blank pages.
Some 10,000 calls failed a minute on average.
Luis Ortega rolled checkout back at 15:26, so that no cart could be lost.
Resolved, at 18:05 local time, 56 minutes after the full recovery.
Two of the three batches were loaded, that is, 28,000 keys.
The worst of it was at 14:30, when 31 % of the checkouts failed.
The release had gone out 12 hours and 20 minutes before.
It had gone out a bit over 12 hours earlier.
We rolled checkout back from 5.12.0 to 5.11.3.
We grew the disk by 250 GB.
Jonas Weber compared the table in staging with production.
The rollout of checkout 5.12.0 was completed at 13:30.
1.28 million requests failed: 800,000 from the web and 480,000 from the phone app.
Requests failed in three places: 800 of the web, 400 of the phone app.
For 127 minutes, between 14:02 UTC on 4 December and 16:09 UTC on 4 December, nothing was sold.
Checkouts have been back to normal since 16:09 UTC.
The fault was unknown for 17 minutes.
Half of the waves (170 sidecars) were done by then.
One quarter of our 56 pairs were stale.
It was closed after all pairs were fresh.
Close to 4,300 users saw it.
We knew it was everywhere at 14:47.
The rate of accepted uploads fell from 1,900 a minute to nothing.
Migration 0417 created 410 million rows.
The new timestamp parser accepts only whole seconds.""".splitlines()


@pytest.mark.parametrize("sentence", DENIED)
def test_a_sentence_that_the_rows_deny_is_doubted(told, sentence):
    assert sound.doubted_with(told, sentence, "prose")


@pytest.mark.parametrize("sentence", LET_BE)
def test_a_sentence_of_something_else_is_let_be(told, sentence):
    assert sound.doubted_with(told, sentence, "prose", "lone") == set()


@pytest.mark.parametrize(
    ("name", "text", "doubted"),
    [
        ("problem", "For 2 hours 35 minutes checkouts failed.", True),
        ("problem", "Checkouts were read-only for most of 220 minutes.", True),
        ("problem", "For 2 hours 7 minutes checkouts failed.", False),
        ("problem", "For 84 minutes, up to the rollback, checkouts failed.", False),  # 14:02-15:26
        ("problem", "Checkouts failed, and nobody was paged for 30 minutes.", False),
        ("key_logs", "655,200 timeouts, and 624,800 answers with 503.", False),  # 1,280,000
        ("key_logs", "655,200 timeouts, and 90,000 answers with 503.", False),  # others too
    ],
)
def test_a_field_tells_of_the_whole(told, name, text, doubted):
    before = told.value(name)
    told.set(name, text)
    found = [each for each in sound.doubted(told, "prose", "range") if "but" in each]
    told.set(name, before)
    assert bool(found) is doubted


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("affected_share", 18, "18 %, but the text has “8 % of the 1.2 million” for 96,000."),
        ("affected_share", 8, ""),
        ("failed_requests", 114_000, "114,000, but the text has “141,000 authorizations”."),
        ("failed_requests", 141_000, ""),
        (
            "teams",
            ["Checkout", "Data"],
            (
                "Escalated to 'Jonas Weber, Network Services', "
                "but the teams involved are Checkout, Data."
            ),
        ),
        ("teams", ["Checkout", "Network Services"], ""),
        (
            "key_events",
            "13:50 warm-up. 15:39: rolled checkout back. 16:09: all is well.",
            "“15:39: rolled checkout back.”, but the timeline has 2025-12-04 15:26 UTC.",
        ),
        ("key_events", "13:50 warm-up. 15:26: rolled checkout back. 16:09: all is well.", ""),
        ("key_events", "13:20 rule 214 activated under CHG-7718. 15:26 rule 213 restored.", ""),
    ],
)
def test_a_field_has_what_the_texts_have(tmp_path, name, value, told):
    incident = sound.create(tmp_path)
    facts = {
        "what_happened": "96,000 members, or 8 % of the 1.2 million active ones, were affected. "
        "141,000 authorizations were declined.",
        "problem": "141,000 authorizations came to nothing.",
        "affected_total": 96_000,
        "affected_share": 8,
        "failed_requests": 141_000,
    }
    steps = {
        "Mitigation Deployed": {"action": "Rolled checkout back; rule 213 activated again."},
        "Root Cause Identified": {"evidence": "CHG-7718 was carried out at 13:20, on rule 214."},
    }
    sound.write(incident, facts | {name: value}, steps)
    incident.add(
        "timeline",
        step="Escalation",
        time=sound.moment("14:40"),
        escalated_to="Jonas Weber, Network Services",
    )
    codes = ("range", "sources", "prose")
    assert {told} - {""} <= sound.doubted(incident, *codes)
    if not told:
        assert not [each for each in sound.doubted(incident, *codes) if "but" in each]


@pytest.mark.parametrize(
    ("clock", "doubted"), [("15:24", True), ("15:42", False), ("15:26", False)]
)
def test_what_works_since_a_turned_clock_of_the_recovery_is_doubted(tmp_path, clock, doubted):
    incident = sound.create(tmp_path)  # rolled back at 15:26
    row = next(r["row"] for r in incident.values("timeline") if r["step"] == "Full Recovery")
    incident.set("time", sound.moment("15:42"), table="timeline", row=row)
    text = f"Uploads work again since {clock} UTC."
    incident.add("updates", channel="Status page", time=sound.moment("16:12"), text=text)
    told = [each for each in sound.doubted(incident, "prose") if f"since {clock}" in each]
    assert bool(told) is doubted


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("Since 19:40 Nairobi time all shops can sell.", False),
        ("Since 18:40 in Bern all shops can sell.", False),
    ],
)
def test_a_clock_of_a_place_is_no_clock_of_ours(tmp_path, text, doubted):
    incident = sound.create(tmp_path)
    incident.add("updates", channel="Internal", time=sound.moment("16:41"), text=text)
    assert bool(sound.doubted(incident, "date")) is doubted
    incident.set("key_events", "13:50 upgrade finished. 15:26 rollback (17:31 in Utrecht).")
    assert not any("17:31" in each for each in sound.doubted(incident, "lone"))


def test_key_events_of_one_line_end_with_the_next():
    text = "02:00 upgrade of the broker finished. 04:30 daily reconnect. 06:30 all well."
    found = [(m["hour"], m["text"].strip(" .")) for m in events.ENTRY.finditer(text)]
    told = ["upgrade of the broker finished", "daily reconnect", "all well"]
    assert found == list(zip(["02", "04", "06"], told, strict=True))


@pytest.mark.parametrize(("failed", "doubted"), [(183_000, True), (138_000, False)])
def test_a_long_number_with_its_digits_turned_is_one_whatever_it_counts(tmp_path, failed, doubted):
    incident = sound.create(tmp_path)
    sound.write(incident, {"problem": "138,000 opening commands were lost."}, {})
    incident.set("failed_requests", failed)
    assert any("but the text" in each for each in sound.doubted(incident, "range")) is doubted


@pytest.mark.parametrize(
    ("text", "doubted"),
    [("Called it SEV-2.", True), ("SEV-1.", False), ("From SEV-2 to SEV-1 at 14:40.", False)],
)
def test_a_row_has_the_severity_that_it_declares(tmp_path, text, doubted):
    incident = sound.create(tmp_path)
    values = {"assessment": text, "severity_declared": "SEV-1"}
    sound.write(incident, {}, {"Acknowledgment": values})
    incident.set("severity", "SEV-1")
    told = sound.doubted(incident, "prose")
    assert (told == {"“SEV-2”, but it declares SEV-1."}) is doubted


@pytest.mark.parametrize(
    ("how", "doubted"),
    [
        ("We texted all of them.", False),
        ("The site showed a banner.", False),
        ("We met all of them.", True),
        ("The Black Friday banner went live.", True),
    ],
)
def test_customers_may_be_told_in_another_way_than_by_mail(tmp_path, how, doubted):
    incident = sound.create(tmp_path)
    sound.write(incident, {"email_sent": False, "customers_notified": 480}, {})
    incident.add("went_well", area="Communication", what=how)
    assert any("No e-mail" in each for each in sound.doubted(incident, "range")) is doubted


@pytest.mark.parametrize(
    ("clock", "who", "doubted"),
    [
        ("14:30", "Luis", True),
        ("14:30", "Luis Ortega", True),
        ("14:30", "Dana", False),
        ("14:30", "The team", False),
        ("14:50", "Luis", False),  # called in at 14:40
    ],
)
def test_who_looks_into_it_first_is_on_call(tmp_path, clock, who, doubted):
    incident = sound.create(tmp_path)
    sound.write(incident, {}, {"Acknowledgment": {"on_call": "Dana Kim"}})
    incident.add("timeline", step="Escalation", time=sound.moment("14:40"),
                 escalated_to="Data", responders=["Luis Ortega"])  # fmt: skip
    text = f"SEV-1. {who} is investigating."
    incident.add("updates", channel="Internal", time=sound.moment(clock), text=text)
    told = f"“{who} is investigating”, but on call: Dana Kim."
    assert (told in sound.doubted(incident, "sources")) is doubted


@pytest.mark.parametrize(
    ("who", "doubted"),
    [("An engineer, and not one of our alerts", False), ("One of our alerts", True)],
)
def test_what_did_not_detect_it_is_no_detector(tmp_path, who, doubted):
    incident = sound.create(tmp_path)
    values = {"detection_method": "Internal Discovery", "detected_by": who}
    sound.write(incident, {}, {"Detection": values})
    assert bool(sound.doubted(incident, "sources")) is doubted


@pytest.mark.parametrize(
    ("method", "link", "doubted"),
    [
        ("User Report", "https://app.datadoghq.eu/monitors/5512", True),
        ("User Report", "https://example.com/tickets/5512", False),
        ("Monitor Alert", "https://app.datadoghq.eu/monitors/5512", False),
        ("User Report", "", False),
    ],
)
def test_an_alert_that_is_linked_detected_it(tmp_path, method, link, doubted):
    incident = sound.create(tmp_path)
    values = {"detection_method": method, "detected_by": "Jonas Weber", "alert_link": link or None}
    sound.write(incident, {}, {"Detection": values})
    assert bool(sound.doubted(incident, "sources")) is doubted


@pytest.mark.parametrize(
    ("change", "action", "doubted"),
    [
        ({"name": "Quota", "target": "256 cores"}, "Raise the quota of the region", False),
        ({"name": "Quota of cores", "target": "256"}, "Alert at 80 % of the quota of cores", False),
        ({"name": "Payments per minute", "target": "300"}, "Test a payment each minute", False),
        ({"name": "Quota of cores", "target": "256"}, "Raise the quota of cores", True),
    ],
)
def test_a_change_is_made_by_the_action_that_names_it(tmp_path, change, action, doubted):
    incident = sound.create(tmp_path)
    incident.add("technical_changes", owner="Jun Sato", due="2025-12-20", **change)
    incident.add("actions", horizon="Short-term", priority="P1", owner="Jun Sato", title=action,
                 due="2025-12-18")  # fmt: skip
    assert bool(sound.doubted(incident, "date")) is doubted


@pytest.mark.parametrize(
    ("name", "said", "doubted"),
    [
        (
            "key_logs",
            "102 are a PullTimeout (51 %), 56 a DiskFull (28 %), 42 a Lease (21 %).",
            False,
        ),
        ("key_logs", "200 lines: PullTimeout (102), DiskFull (56), Lease (52).", True),
        ("key_events", "All clear since 16:09.", False),
        ("key_events", "All clear at 16:09.", True),
        ("key_events", "Incident resolved at 16:09.", True),
    ],
)
def test_shares_are_no_parts_of_a_count_and_a_state_is_no_step(tmp_path, name, said, doubted):
    incident = sound.create(tmp_path)
    sound.write(incident, {name: said}, {})
    assert bool(sound.doubted(incident, "prose")) is doubted


def test_codes_of_http_are_no_counts_of_lines(tmp_path):
    incident = sound.create(tmp_path)
    logs = "Of the failed calls 25,344 were time-outs (504) and 6,336 refused with a 503."
    sound.write(incident, {"failed_requests": 31_680, "key_logs": logs}, {})
    assert not any(" is " in each for each in sound.doubted(incident, "range"))


def test_a_potential_loss_is_held_against_the_one_at_risk(tmp_path):
    incident = sound.create(tmp_path)
    method = "60 carts at $7 each; the potential loss is 10 hours at $60 per minute"
    sound.write(incident, {"revenue_loss": 420, "revenue_method": method}, {})
    for risk, doubted in ((36_000, False), (63_000, True)):  # 10 · 60 · 60
        incident.set("revenue_at_risk", risk)
        assert any("$36,000" in each for each in sound.doubted(incident, "range")) is doubted


@pytest.mark.parametrize(
    ("method", "loss"),
    [
        ("1,210 orders fewer than on the four Wednesdays before, at $38.50 an order", 46_585),
        ("8,400 sales, 58 % of them never repeated, at an average fee of $0.50", 2_436),
        ("8,400 sales at an average fee of $0.50, less 10 % that came back", 3_780),
    ],
)
def test_a_method_of_a_part_or_with_a_smaller_number_is_worked_out(tmp_path, method, loss):
    incident = sound.create(tmp_path)  # 1,210 · 38.50; 8,400 · 0.58 · 0.50; 8,400 · 0.90 · 0.50
    sound.write(incident, {"revenue_method": method}, {})
    for stated, doubted in ((loss, False), (round(1.4 * loss), True)):
        incident.set("revenue_loss", stated)
        told = [each for each in sound.doubted(incident, "range") if method in each]
        assert bool(told) is doubted


def test_a_threshold_of_misses_in_a_row_is_no_level(tmp_path):
    incident = sound.create(tmp_path)
    query, told = "max(last_2m):sum:probe.ok{*} < 1", "2 missed writes in a row"
    incident.add("monitors", name="P", query=query, threshold=told, owner="A B")
    assert not any(each.startswith("Threshold") for each in sound.doubted(incident, "range"))


def test_a_length_of_a_row_may_be_told_from_another(told):
    row = next(
        r["row"] for r in told.values("timeline") if r["step"] == "Incident Declared Resolved"
    )
    # 17:05 is 56 minutes after recovery, 183 after the start
    told.set("final_status", "Closed, not quite three hours and ten minutes after it all started.",
             table="timeline", row=row)  # fmt: skip
    found = sound.doubted(told, "prose", "lone")
    told.set("final_status", None, table="timeline", row=row)
    assert found == set()


def test_what_should_be_done_is_no_order_of_events(tmp_path):
    incident = sound.create(tmp_path)
    advice = "Escalate after fifteen minutes without a cause."
    incident.add("timeline", step="Escalation", time=sound.moment("14:40"), escalated_to="Storage")
    incident.add("went_wrong", area="Response", what="It came late.", how_to_improve=advice)
    assert [*order.order(case.take(incident))] == []


def test_a_number_with_a_leading_zero_counts_nothing():
    assert mentions.read("Migration 0417 created the index.") == ()
