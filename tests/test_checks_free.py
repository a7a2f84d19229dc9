"""Free sentences against an incident: figures that nothing bears, clauses, opposites, the story."""

import datetime as dt

import pandas as pd
import pytest
import sound

from postmortem_nb import Incident
from postmortem_nb.checks import case, events, records, spoken, written

# 14:02 start, 14:19 detection, 14:24 acknowledgment, 14:47 discovery, 15:12 cause, 15:26 rollback,
# 15:38 partial, 16:09 full recovery, 17:05 closed: 127 minutes of impact, 183 until it was closed.
STEPS = {
    "Detection": {
        "detection_method": "Monitor Alert",
        "detected_by": "Datadog monitor on checkout errors",
    },
    "Acknowledgment": {"on_call": "Dana Kim"},
    "Investigation Begins": {"hypothesis": "The payment provider is slow."},
    "Key Discovery": {"finding": "Each timeout is retried 25 times by the broker."},
    "Root Cause Identified": {"root_cause": "A pool of 5 connections in release v2.48.0."},
    "Mitigation Plan Formed": {"plan": "Restart all 36 proxies.", "approval": "Ines Duarte"},
    "Mitigation Deployed": {
        "action": "All 36 proxies restarted with the larger pool.",
        "responsible": "Luis Ortega",
    },
    "Partial Recovery": {
        "status": "eu-west sells again.",
        "remaining": "ap-south waits for capacity.",
    },
}
FACTS = {
    "why_it_happened": "Every timeout was retried 25 times. The cache node was drained, not "
    "deleted. Module proxy-rules 3.1.0 raised the default backoff.",
    "problem": "Three of our eight regions could not sell, and 9,600 baskets missed their slot.",
    "technical_cause": "Release v2.48.0 came with a small pool; the message brokers are healthy.",
    "organizational_cause": "Network owns the proxy module, Checkout owns the pool.",
    "regions": "eu-west, eu-central, ap-south",
    "teams": ["Network", "Checkout"],
    "executives_involved": False,
    "email_sent": True,
    "revenue_loss": 48000,
    "tickets": 120,
}
ROWS = (
    ("takeaways", {"text": "Restarting 36 proxies takes minutes; three regions waited for it."}),
    ("went_wrong", {"area": "Tooling", "impact": "310 carts were lost."}),
    ("similar", {"incident": "INC-0", "date": "2025-03-04", "similarity": "A pool too small."}),
)
DENIED = """\
Half an hour had gone by before the first of us looked at a screen.
The page was acknowledged 40 minutes after the alert fired.
By the time the page was answered, the cause was known.
The cause was found before the page was acknowledged.
The page was acknowledged only after the cause was known.
At 15:02 all proxies had been restarted with the larger pool.
More than a thousand tickets landed on the desk of support.
At its worst, two out of three checkouts failed.
We gave away some ninety thousand dollars that day.
Each timeout was retried 15 times.
All 24 proxies were restarted.
Two of our eight regions could not sell.
Half of our regions went dark.
What fixed it was the rollback of release v2.47.9.
Of the proxies 19 of the 50 held, or 48%, and the rest let go.
Some 1,900 merchants, 48% of our 5,000, saw nothing.
Nearly six thousand customers waited for their baskets.
At the same moment some 5,900 customers lost their baskets.
Baskets were gone for 21 % of our active base.
Of the 90,000 requests received, 57,300 failed.
It used up a quarter of the month's error budget.
The loss came close to $70,000.
The last cart was back: that makes 3 h 12 min.
We meet again on 14 December, 30 days after the incident.
The alert came twenty-six minutes in.
Most of the 340 tickets came in before that.
It ate more than half of our error budget for the month.
Ninety per cent of the month's error budget was spent in one afternoon.
That day 4,200 customers, 53 % of those active, waited.
That hour baskets were refused, some 74,000 in number.
13 of the 240 minutes went by before the page.
It took a customer to ring us after 41 minutes.
Nearly 70,000 dollars were lost that day.
Nearly half of our 31,000 customers were touched.
The outage lasted three and a quarter hours.
Five hours after the restart the service was healthy.
We look at it again on 14 January.
The impact ended after four hours.
More than half of our active customers noticed.
It ate four fifths of the four weeks' error budget.
The remedy took effect 55 minutes after the start.
The whole thing was over in less than an hour.
It was all over after nine hours.
From the alert to the bundle it took us 99 minutes.""".splitlines()
HELD = """\
Seventeen minutes had gone by before the first of us looked at a screen.
The page was acknowledged five minutes after the alert fired.
By the time the cause was known, the page had long been answered.
We restarted the proxies only after we knew the cause.
At 15:26 all proxies had been restarted with the larger pool.
About 120 tickets landed on the desk of support.
At its worst, a third of the checkouts failed.
We gave away some fifty thousand dollars that day.
The proxy gives up after a timeout of 42 minutes.
The drain polls every 15 seconds and gives each connection 120 seconds.
INC-0 in March lasted 51 minutes and cost 2,100 baskets.
Last year the same move took 24 proxies and 3 hours.
A run should take less than 12 minutes.
The other five of our eight regions sold as usual.
Twenty minutes after the fix the last cart was restored by hand.
Luis Ortega restarted the proxies with the larger pool at 15:26.
It was afternoon in Europe when it happened.
What fixed it was the restart of the proxies.
No carts were lost after 15:38.
ap-south came back last.
Of the proxies 19 of the 50 held, or 38%, and the rest let go.
The 120 tickets, 25% of our 480, took a day to answer.
Nearly five thousand customers waited for their baskets.
Of the 90,000 requests received, 37,500 failed.
It used up two fifths of the month's error budget.
It left us with 50 % of the month's error budget.
It was resolved after 94 minutes of stable sales.
There were 19 minutes of refused baskets nobody saw.
Between 15:02 and 17:09 CET baskets were lost.
More than 37,000 requests failed.
The last cart was back: that makes 2 h 7 min.
We meet again on 3 January, 30 days after the incident.
The alert came seventeen minutes in.
Most of the 120 tickets came in before that.
It ate more than a third of our error budget for the month.
It ate nearly half of our error budget for the month.
It burnt forty-two per cent of the month's error budget.
That day 4,200 customers, 13.5 % of those active, waited.
That hour baskets were refused, some 37,000 in number.
17 of the 127 minutes went by before the page.
It took a customer to ring us after 17 minutes.
Nearly 50,000 dollars were lost that day.
A tenth of our 31,000 customers were touched.
Forty-three minutes after the restart the service was healthy.
We look at it again on 3 January.
The impact ended after 127 minutes.
More than a tenth of our active customers noticed.
It ate two fifths of the four weeks' error budget.
The remedy took effect 84 minutes after the start.
The loss of $48,000 was not the largest.
Rollback to 4.7.1 started at 15:20 and was done at 15:26.
Three hours went by, and three minutes more.
Of our 96,000 requests, 37,500 failed.
With another release $126,000 would have been lost.
We had restarted all proxies at 16:26 Central European Time.
Each late basket cost us three dollars and fifty cents.
We e-mailed the customers concerned.
The rebuild of the index took nine hours.
A copy of the disk had taken eleven hours and a bit.
The contract costs $14,500 in a month and promised 99.5 %.
The vendor granted us 3 hours and 36 minutes of downtime in 30 days.
From 96,000 requests that came, 37,500 failed.
Out of 96,000 requests 37,500 failed.
Among 96,000 requests 37,500 failed.
About 12,500 requests were failing by then, a third of all.
About 9,400 requests, a quarter of the total, failed in the first hour.
About a third of the checkouts (31 %) failed.
From the alert to the bundle it took us 67 minutes, and another 43 until all was over.
Between the alert and the new pool 67 minutes went by.
From the acknowledgment to the bundle it took us 62 minutes.
From the start to the new pool we had needed 84 minutes.
From the page to the bundle 67 minutes went by.
Between the alert and the bundle lay 67 minutes.""".splitlines()


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    """The sound incident with texts that agree, and a frozen error rate of at most 31 %."""
    made = sound.create(tmp_path_factory.mktemp("free"))
    sound.write(made, FACTS, STEPS)
    for table, values in ROWS:
        made.add(table, **values)
    times = pd.date_range(sound.moment("13:02"), sound.moment("17:00"), freq="1min")
    rise = [31.0 if sound.moment("14:02") <= f"{at:%Y-%m-%dT%H:%M}:00Z" else 0.1 for at in times]
    sound.freeze_rate(made, times, rise)
    made.set("state", "Review")
    return made


def test_nothing_is_doubted_before(incident):
    assert sound.doubted(incident, "prose", "lone") == set()


@pytest.mark.parametrize("sentence", DENIED)
def test_what_the_rows_deny_is_doubted(incident, sentence):
    assert sound.doubted_with(incident, sentence, "prose", "lone")


@pytest.mark.parametrize("sentence", HELD)
def test_what_agrees_or_is_of_something_else_is_let_be(incident, sentence):
    assert sound.doubted_with(incident, sentence, "prose", "lone") == set()


def test_a_lone_figure_is_a_hint_that_names_what_is_known(incident):
    row = incident.add("takeaways", text="Nobody noticed for 42 minutes.")
    (hint,) = (each for each in incident.check().to_dict("records") if each["code"] == "lone")
    incident.remove("takeaways", row)
    # from the detection at 14:19, next to 53: the discovery at 15:12
    assert hint["message"] == "Nothing else here has “42 minutes” (nearest: 53 minutes)."
    assert (hint["severity"], hint["table"], hint["name"]) == ("hint", "takeaways", "text")


@pytest.mark.parametrize(
    ("said", "doubted"),
    [
        ("Ines Duarte, after 31 minutes without an error", True),  # nothing is told at 16:34
        ("Ines Duarte, after 56 minutes without an error", False),  # 16:09 to 17:05
        ("Ines Duarte, after 87 minutes of stable sales", False),  # 15:38 to 17:05
        ("Ines Duarte, after 40 minutes of stable sales", True),
        ("Ines Duarte, three hours after the first refusal", False),
        ("Ines Duarte, six and a half hours after the first refusal", True),
    ],
)
def test_a_length_in_the_last_row_is_one_from_another_row(tmp_path, said, doubted):
    made = sound.create(tmp_path)
    sound.write(made, {}, {"Incident Declared Resolved": {"confirmed": said}})
    assert any("no two entries" in each for each in sound.doubted(made, "lone")) == doubted


def test_a_share_is_doubted_without_any_frozen_rate(tmp_path):
    made = sound.create(tmp_path)  # 13.5 % of the users, and no evidence
    said = sound.doubted_with(made, "For half of our customers it failed.", "lone")
    assert said == {"Nothing else here has “half” (known: 13.5 %)."}


@pytest.mark.parametrize(
    ("sentence", "doubt"),
    [
        ("Some 5,100 bakeries waited.", "“5,100 bakeries” (people: 4,200)"),
        ("Seven requests in ten failed at once.", "“Seven requests in ten” (elsewhere: 31 %)"),
        ("70 % of the requests failed.", "“70 %”"),
        ("One in three of 900,000 requests failed.", ""),
        ("Some 4,300 bakeries waited.", ""),
        ("Three requests in ten failed at once.", ""),
        ("At its peak seven requests in ten failed.", ""),
        ("In each of all five markets sales went on.", ""),
    ],
)
def test_nouns_and_shares_are_those_of_the_document(tmp_path, sentence, doubt):
    """Those affected are bakeries there, and what failed are 31 % of the requests."""
    made = sound.create(tmp_path)
    told = "31 % of all requests failed, for 4,200 bakeries in two of our five markets."
    made.set("what_happened", told)
    made.add("went_wrong", area="Tooling", impact="Two markets were closed.")
    said = sound.doubted_with(made, sentence, "prose", "lone")
    assert any(doubt in each for each in said) if doubt else not said


@pytest.mark.parametrize(
    ("text", "kind", "low", "high"),
    [
        ("one request in ten failed", "share", 100 / 10.75, 100 / 9.25),
        ("two thirds of the users", "share", 58, 75),
        ("every third user", "share", 26.3, 40.3),
        ("$1.2 million", "money", 1.15e6, 1.25e6),
        ("some fifty thousand dollars", "money", 40_000, 60_000),
        ("some fifty-two thousand dollars", "money", 46_800, 57_200),
        ("close to $50,000", "money", 40_000, 51_000),
        ("close to $52,000", "money", 46_800, 52_520),
        ("nearly 40 minutes", "span", 32, 40.8),
        ("under $50,000", "money", 31_250, 51_000),
        ("7 July four customers in ten", "share", 100 * 4 / 10.75, 100 * 4 / 9.25),
        ("twenty-one minutes", "span", 20, 22),
        ("about 40 minutes", "span", 32, 48),
        ("half past seven", "clock", 450, 450),
        ("36 old load balancers", "count", 36, 36),
        ("more than five hundred tickets", "count", 495, 800),
        ("a dozen engineers", "count", 10, 14),
    ],
)
def test_a_figure_has_the_bounds_of_its_words(text, kind, low, high):
    (figure,) = written.figures(text)
    assert (figure.kind, figure.low, figure.high) == (
        kind,
        pytest.approx(low),
        pytest.approx(high),
    )


@pytest.mark.parametrize("text", ["INC-4821", "v2.48.0", "p95", "5xx", "https://example.com/12/34"])
def test_what_is_no_figure_is_none(text):
    assert written.figures(text) == ()


def test_numbers_up_to_ninety_nine_are_read_in_words():
    assert spoken.COUNTS["thirteen"] == 13
    assert spoken.COUNTS["fifty-seven"] == spoken.COUNTS["fifty seven"] == 57
    assert spoken.minutes("thirty-eight minutes") == (38, 1.0)


@pytest.mark.parametrize(
    ("clause", "steps"),
    [
        ("the pager rang", {"Detection"}),
        ("somebody picked up the page", {"Acknowledgment"}),
        ("the culprit was known", {"Root Cause Identified", "Key Discovery"}),
        ("all proxies restarted with the larger pool", {"Mitigation Deployed"}),
        ("the weather was fine", set()),
    ],
)
def test_a_clause_names_steps_by_their_usual_words_or_their_own(incident, clause, steps):
    named = events.named(case.take(incident), clause)
    assert {event.step for event in named.events} == steps


def test_the_first_status_page_update_is_an_event(tmp_path):
    incident = Incident.create("INC-2", tmp_path)
    for clock in ("14:50", "14:31"):
        incident.add("updates", channel="Status page", time=sound.moment(clock), text="Down.")
    (event,) = events.known(case.take(incident))[0]
    assert event == events.Event(
        events.TOLD, (dt.datetime(2025, 12, 4, 14, 31, tzinfo=dt.UTC),), frozenset()
    )


@pytest.mark.parametrize(
    ("step", "clock", "told"),
    [
        ("Root Cause Identified", "14:40", "Root Cause Identified"),
        ("Partial Recovery", "15:20", "Partial Recovery"),
    ],
)
def test_an_order_that_seldom_is_is_a_hint(tmp_path, step, clock, told):
    incident = sound.create(tmp_path)
    row = next(row["row"] for row in incident.values("timeline") if row["step"] == step)
    incident.set("time", sound.moment(clock), table="timeline", row=row)
    found = incident.check()
    hints = found[(found["code"] == "order") & (found["severity"] == "hint")]
    assert [message.split(" (")[0] for message in hints["message"]] == [told]


@pytest.mark.parametrize(
    ("named", "told"), [("events (AgAA)", 0), ("events by version", 1), (None, 1)]
)
def test_what_the_evidence_gave_its_time_may_come_before_the_investigation(tmp_path, named, told):
    """The form offers it as a discovery: its time is when it happened, and right."""
    incident = Incident.create("INC-2", tmp_path, start=sound.moment("14:02"))
    begun, early = sound.moment("14:31"), sound.moment("14:20")
    incident.add("timeline", step="Investigation Begins", time=begun)
    columns = {"finding": "Release 2 began", "evidence": named}
    incident.add("timeline", step="Key Discovery", time=early, **columns)
    found = incident.check()
    order = found[found["code"] == "order"]["message"]
    assert order.str.startswith("Key Discovery (").sum() == told


def test_a_method_of_detection_is_compared_with_its_row(tmp_path):
    incident = sound.create(tmp_path)
    row = next(row["row"] for row in incident.values("timeline") if row["step"] == "Detection")
    values = {"detection_method": "User Report", "detected_by": "Monitor on errors, paging Edge"}
    for name, value in values.items():
        incident.set(name, value, table="timeline", row=row)
    assert "sources" in set(incident.check()["code"])
    incident.set("detection_method", "Monitor Alert", table="timeline", row=row)
    assert "sources" not in set(incident.check()["code"])


NOTICED = {
    "User Report": (
        "Our error monitor paged us.",
        "Our error monitor would have paged us.",
    ),
    "Internal Discovery": (
        "We learned of it from a monitor.",
        "We learned of it from a colleague.",
    ),
    "Monitor Alert": (
        "We learned of it from a customer.",
        "We would have learned of it from a customer.",
    ),
}


@pytest.mark.parametrize("method", NOTICED)
def test_who_noticed_it_first_is_compared_with_the_method_of_detection(tmp_path, method):
    incident = sound.create(tmp_path)
    sound.write(incident, {}, {"Detection": {"detection_method": method}})
    other, same = NOTICED[method]
    doubts = sound.doubted_with(incident, other, "prose")
    assert [each.rpartition(", but ")[2] for each in doubts] == [
        f"the detection method is {method}."
    ]
    assert sound.doubted_with(incident, same, "prose") == set()


@pytest.mark.parametrize(
    ("closed", "told"),
    [
        ("17:05 UTC", ""),
        ("16:20, in the channel", ""),  # between recovery and the end
        ("Closed by Priya at 18:05 UTC", "“Closed by Priya at 18:05 UTC” is after"),
        ("15:40", "“15:40” is before Full Recovery"),
        ("The last error was at 15:59", ""),
    ],
)
def test_the_incident_is_closed_between_recovery_and_end(tmp_path, closed, told):
    incident = sound.create(tmp_path)
    sound.write(incident, {}, {"Full Recovery": {"closed": closed}})
    found = [
        each
        for each in sound.doubted(incident, "prose")
        if " is after " in each or " is before " in each
    ]
    assert len(found) == bool(told)
    assert all(each.startswith(told) for each in found)


@pytest.mark.parametrize(
    ("notified", "text", "told"),
    [
        (4200, "All affected customers were told by e-mail.", ""),
        (420, "All affected customers were told by e-mail.", "but 420 of 4,200 were notified"),
        (420, "Customers whose payment failed were told by e-mail.", ""),
        (42000, "All affected customers were told by e-mail.", "42,000 customers were notified"),
        (42000, "We wrote to all 42,000 customers.", ""),
    ],
)
def test_as_many_are_notified_as_were_affected(tmp_path, notified, text, told):
    incident = sound.create(tmp_path)
    incident.set("email_sent", True)
    incident.set("customers_notified", notified)
    found = sound.doubted_with(incident, text, "prose", "range")
    assert bool(found) is bool(told)
    assert all(told in each for each in found)


@pytest.mark.parametrize(("due", "doubted"), [("2025-12-10", False), ("2025-12-19", True)])
def test_a_change_is_due_with_the_action_that_makes_it(tmp_path, due, doubted):
    incident = sound.create(tmp_path)
    incident.add(
        "technical_changes",
        name="Pool of connections",
        target="The build fails when the pool is smaller than 20",
        owner="Priya Raman",
        due=due,
    )
    found = incident.check()
    assert any("but the action" in message for message in found["message"]) is doubted


@pytest.mark.parametrize("text", ["42 minutes passed. ", "24 pods were slow. 36 pods were not. "])
def test_a_text_of_nothing_but_figures_is_checked_all_the_same(tmp_path, text):
    incident = sound.create(tmp_path)
    incident.set("why_it_happened", (text * 10_000)[:100_000])
    assert not incident.check().empty


@pytest.mark.parametrize(("clock", "is_told"), [("14:21", True), ("14:27", False)])
def test_an_escalation_before_the_investigation_is_a_hint(tmp_path, clock, is_told):
    incident = sound.create(tmp_path)
    incident.add("timeline", step="Escalation", time=sound.moment(clock))
    told = [each for each in sound.doubted(incident, "order") if each.startswith("Escalation (")]
    assert bool(told) is is_told


@pytest.mark.parametrize(
    ("link", "is_told"),
    [
        ("https://tracker.example.com/CHK 1933", True),
        ("https://app.datadoghq.eu/dashboard/abc 123", True),
        ("https://app.datadoghq.eu/monitors/55120 55121", False),
        ("https://app.datadoghq.eu/dash board", True),
        ("https://app.datadoghq.eu/dashboard/ bag", True),
        ("https://app.datadoghq.eu/dashboard/abc dashboard", False),
        ("https://app.datadoghq.eu/dashboard/abc (bag tags)", False),
        ("https://tracker.example.com/CHK-1933", False),
        ("https://tracker.example.com/CHK-1933, CHK-1934", False),
        ("https://dog.example.com/logs?query=service:web status:error", True),
        ("https://dog.example.com/a dashboard of mine?from_ts=1&to_ts=2", True),
        ("https://dog.example.com/logs?query=a&cols=host,service&live=true", False),
        ("https://dog.example.com/logs?query=a (of the last hour)", False),
        ("https://dog.example.com/a?b=1 https://dog.example.com/c?d=2", False),
    ],
)
def test_what_a_space_cuts_off_a_link_is_told(tmp_path, link, is_told):
    incident = sound.create(tmp_path)
    incident.set("dashboard_link", link)
    assert bool(sound.doubted(incident, "link")) is is_told


@pytest.mark.parametrize(("minutes", "is_told"), [(17, False), (28, True)])
def test_a_monitor_that_reported_the_errors_detected_them(tmp_path, minutes, is_told):
    """14:02 to 14:19."""
    incident = sound.create(tmp_path)
    said = f"The monitor averages, so it reported the errors {minutes} minutes after they began."
    assert bool(sound.doubted_with(incident, said, "prose")) is is_told


@pytest.mark.parametrize(("north", "is_told"), [("30,000", False), ("20,000", True)])
def test_regions_can_be_told_by_their_failed_requests(tmp_path, north, is_told):
    """37,500 failed requests, 4,200 users."""
    incident = sound.create(tmp_path)
    incident.set("regions", f"north ({north} failed requests) and harbour (7,500)")
    assert bool(sound.doubted(incident, "sources")) is is_told


@pytest.mark.parametrize(
    ("logs", "is_told"),
    [
        ("17,100 PoolTimeouts of the first 18,200 error logs", False),
    ],
)
def test_a_part_of_the_logs_is_not_added_to_its_whole(tmp_path, logs, is_told):
    incident = sound.create(tmp_path)
    incident.set("key_logs", logs)
    assert bool(sound.doubted(incident, "range")) is is_told


def test_what_fell_between_two_events_is_a_part(tmp_path):
    incident = sound.create(tmp_path)
    said = "18,570 requests, a half of all that failed, fell between acknowledgment and rollback."
    assert sound.doubted_with(incident, said, "lone") == set()
    assert sound.doubted_with(incident, "18,570 requests failed.", "lone", "prose")


@pytest.mark.parametrize(
    ("said", "is_told"),
    [
        ("Several thousand customers were affected.", False),
        ("Thousands of customers were affected.", False),
        ("Several hundred customers were affected.", True),
        ("Tens of thousands of customers were affected.", True),
        ("Hundreds of thousands of requests failed.", True),
        ("Tens of thousands of requests failed.", False),
    ],
)
def test_a_number_told_by_its_size_alone_is_held_to_it(tmp_path, said, is_told):
    """4,200 customers, 37,500 failed requests."""
    incident = sound.create(tmp_path)
    assert bool(sound.doubted_with(incident, said, "lone", "prose")) is is_told


@pytest.mark.parametrize(
    ("metric", "is_told"),
    [
        ("checkout.pool.waiters", False),
        ("checkout.pool.waiting", True),
        ("checkout.orders.failed", False),  # another one altogether
    ],
)
def test_a_monitor_is_on_the_metric_that_its_action_names(tmp_path, metric, is_told):
    incident = sound.create(tmp_path)
    title = "Page when checkouts wait for the pool"
    text = "Monitor on checkout.pool.waiters."
    incident.add(
        "actions",
        horizon="Immediate",
        priority="P0",
        title=title,
        description=text,
        owner="Mei Tan",
    )
    query = f"avg(last_5m):avg:{metric}{{*}} > 5"
    incident.add("monitors", name="Checkouts that wait for the pool", query=query, owner="Mei Tan")
    told = sound.doubted(incident, "sources")
    assert any(each.startswith(f"{metric}, but the action") for each in told) is is_told


@pytest.mark.parametrize(
    ("asked", "is_told"), [("2998-12-06", False), ("2999-01-02", False), ("2999-01-20", True)]
)
def test_evidence_is_not_asked_after_all_approvals(tmp_path, asked, is_told):
    seen = case.take(sound.create(tmp_path))  # approved on 2999-01-01
    record = {"name": "logs", "fetched_at": f"{asked}T09:00:00Z"}
    told = [each.message for each in records.after(seen, [record])]
    assert told == ([f"Asked on {asked}, after the last approval or edit (2999-01-01)."] * is_told)
