"""True statements of published style that were doubted, each beside its false neighbour.

From 14:02 to 16:09; detected at 14:19, acknowledged at 14:24, Dana Kim was called in at 14:40.
"""

import pandas as pd
import pytest
import sound

from postmortem_nb import evidence

FAILED = {"north": 300, "south": 200, "west": 0}
"""Failures by region, all between 14:10 and 16:00."""


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    made = sound.create(tmp_path_factory.mktemp("said"))
    made.set("tickets", 2310)
    time = sound.moment("14:40")
    made.add("timeline", step="Escalation", time=time, escalated_to="Dana Kim", reason="A pool.")
    rows = [
        (pd.Timestamp(sound.moment("14:10")) + pd.Timedelta(seconds=13 * at), name, "error")
        for name, count in FAILED.items()
        for at in range(count)
    ]
    rows += [(pd.Timestamp(sound.moment("14:20")), "west", "info")]
    frame = pd.DataFrame(rows, columns=["timestamp", "region", "status"])
    frame["tags"] = [[f"region:{each}"] for each in frame["region"]]
    frame = frame.drop(columns="region").assign(service="checkout", message="pool is empty")
    record = {"complete": True, "function": "search_datadog_logs"}
    evidence.freeze(made.path / "evidence", "logs", frame, record)
    depth = pd.DataFrame(
        {
            "timestamp": pd.date_range(sound.moment("13:00"), sound.moment("16:30"), freq="min"),
            "query": "max:order.queue.depth{service:checkout}",
            "series": "*",
            "value": [2.0] * 62 + [3000.0] * 149,
            "unit": None,
        }
    )
    record = {"complete": True, "function": "get_datadog_metric"}
    evidence.freeze(made.path / "evidence", "depth", depth, record)
    return made


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("Failures peaked at 2,314 a minute.", False),  # a rate is no number of tickets
        ("Support opened 2,314 tickets.", True),
        ("We were on the bridge five minutes after detection.", False),  # acknowledged at 14:24
        ("Dana Kim joined five minutes after detection.", True),  # called in at 14:40
        ("Failures in north and south, west fine.", False),
        ("Failures in north and south, west was unaffected.", False),
        ("Failures in west and south, north was unaffected.", True),
        ("The backlog drained at roughly three times normal speed.", False),
        ("The backlog was three times its usual level.", True),  # 3,000 where 2 are usual
    ],
)
def test_a_sentence_is_held_to_what_it_speaks_of(incident, sentence, told):
    codes = ("prose", "range", "order")
    found = sound.doubted_with(incident, sentence, *codes) - sound.doubted(incident, *codes)
    assert bool(found) is told


@pytest.mark.parametrize(
    ("contribution", "told"),
    [
        ("Stale handles went unseen for 22 minutes.", False),  # from 13:40 to 14:02
        ("Stale handles went unseen for 23 minutes.", True),
    ],
)
def test_what_came_before_the_start_was_unseen_for_longer(tmp_path, contribution, told):
    made = sound.create(tmp_path)
    made.add("whys", answer="Its handle went stale when the filer failed over at 13:40.")
    made.add("factors", area="Technical", name="Stale handles", contribution=contribution)
    assert any("unseen" in each for each in sound.doubted(made, "prose")) is told


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("Nobody told the author what a wildcard costs, because no page has a word on it.", False),
        ("No page has a word on it, because the author forgot.", True),
        ("Because the author forgot.", True),
    ],
)
def test_a_chain_ends_behind_its_because(tmp_path, answer, told):
    made = sound.create(tmp_path)
    made.add("whys", answer=answer)
    assert any("ends at a person" in each for each in sound.doubted(made, "blame")) is told


@pytest.mark.parametrize(
    ("title", "told"),
    [("Review by Delivery is obligatory", False), ("Review the delivery process", True)],
)
def test_a_review_by_somebody_is_no_verb(tmp_path, title, told):
    made = sound.create(tmp_path)
    before = sound.doubted(made, "vague")
    values = {"owner": "Dana Kim", "due": "2025-12-09", "tracking": "https://example.com/T-1"}
    made.add("actions", horizon="Immediate", priority="P0", title=title, **values)
    assert bool(sound.doubted(made, "vague") - before) is told


@pytest.mark.parametrize(
    ("plan", "told"), [("After the linter is there", False), ("In one step", True)]
)
def test_a_change_that_waits_for_an_action_is_another_work(tmp_path, plan, told):
    made = sound.create(tmp_path)
    title = "Linter against wildcards in the cache key"
    values = {"owner": "Dana Kim", "tracking": "https://example.com/T-1"}
    made.add(
        "actions", horizon="Short-term", priority="P1", title=title, due="2025-12-18", **values
    )
    change = {"name": "Cache key", "target": "Two values", "owner": "Dana Kim"}
    made.add("technical_changes", due="2025-12-20", plan=plan, **change)
    assert any("Linter" in each for each in sound.doubted(made, "date")) is told


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("At the worst moment 43 of 100 requests failed.", False),
        ("In all 43 of 100 requests came through.", True),
    ],
)
def test_a_part_that_failed_is_no_part_that_came_through(tmp_path, sentence, told):
    made = sound.create(tmp_path)
    made.set("why_it_happened", "Two thirds of the requests came through to the origin.")
    found = {each for each in sound.doubted_with(made, sentence, "prose") if "Two thirds" in each}
    assert bool(found) is told


@pytest.mark.parametrize(
    ("sentence", "told"),
    [("It hangs there since the outage of 2025.", False), ("It ended the outage.", True)],
)
def test_the_outage_of_a_year_is_another_one(tmp_path, sentence, told):
    made = sound.create(tmp_path)
    made.set("severity", "SEV-2")
    found = sound.doubted_with(made, sentence, "blame") - sound.doubted(made, "blame")
    assert any("outage" in each for each in found) is told


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Return an incident with all of its counts frozen.

    3,000 orders in each of the 127 minutes of north and south together, of which 420 fail in north
    and 180 in south, until 16:09; 600 mails a minute before, 60 in it; connections that wait on
    db-1 (up to 96) and db-2 (up to 60); 400 error lines of 4.2.0 with 250 users.
    """
    made = sound.create(tmp_path_factory.mktemp("counted"))
    values = {"failed_requests": 76_200, "regions": "north, south", "services": ["shop"]}
    what = "From 14:02 to 16:09 UTC 76,200 orders failed in north and south, 20 % of all orders."
    sound.write(made, {**values, "what_happened": what, "slo_actual": 99.93}, {})
    made.set("key_logs", "300 of 400 lines are PoolTimeout.")
    minutes = pd.date_range(sound.moment("13:00"), sound.moment("16:59"), freq="min")
    bad = (minutes >= sound.moment("14:02")) & (minutes < sound.moment("16:09"))

    def metric(name, query, unit, **series):
        frames = [
            pd.DataFrame({"series": key, "value": values, "timestamp": minutes})
            for key, values in series.items()
        ]
        frame = pd.concat(frames).assign(query=query, unit=unit)
        frame["series"] = frame["series"].str.replace("_", ":", n=1).str.replace("_", "-")
        record = {"complete": True, "function": "get_datadog_metric"}
        evidence.freeze(made.path / "evidence", name, frame, record)

    failed = {"region_north": 420.0 * bad, "region_south": 180.0 * bad}
    came = {"region_north": 1800.0, "region_south": 1200.0}
    metric("failed", "sum:shop.orders.failed{*} by {region}.as_count()", "order", **failed)
    metric("orders", "sum:shop.orders{*} by {region}.as_count()", "order", **came)
    mails = {"*": 600.0 - 540.0 * bad}
    metric("mails", "sum:mailer.mails.sent{*}.as_count()", "message", **mails)
    waits = {"host_db_1": 1.0 + 95.0 * bad, "host_db_2": 1.0 + 59.0 * bad}
    metric("waits", "max:shop.db.waiting{*} by {host}", "connection", **waits)
    rows = [
        {
            "timestamp": pd.Timestamp(sound.moment("14:03")) + pd.Timedelta(seconds=15 * at),
            "status": "error",
            "service": "shop",
            "message": "no connection",
            "error.kind": "PoolTimeout" if at % 4 else "PoolEmpty",
            "usr.id": f"u{at % 250}",
            "version": "4.2.0",
            "tags": ["version:4.2.0"],
        }
        for at in range(400)
    ]
    record = {"complete": True, "function": "search_datadog_logs"}
    evidence.freeze(made.path / "evidence", "logs", pd.DataFrame(rows), record)
    titles = ["[Triggered] share of failed orders", "[Recovered] share of failed orders"]
    at = [pd.Timestamp(sound.moment(clock)) for clock in ("14:19", "16:09")]
    events = pd.DataFrame({"timestamp": at, "title": titles})
    record = {"complete": True, "function": "search_datadog_events"}
    evidence.freeze(made.path / "evidence", "events", events, record)
    return made


PAIRS = """
Of the 381,000 orders of those 127 minutes 76,200 failed.
Of the 318,000 orders of those 127 minutes 76,200 failed.
All 400 log lines carry version 4.2.0.
All 400 log lines carry version 4.1.9.
All error lines were written by version 4.2.0.
All error lines were written by version 4.1.9.
250 distinct users appear in the error logs.
150 distinct users appear in the error logs.
PoolTimeout was the most frequent kind of error.
PoolEmpty was the most frequent kind of error.
On db-2 up to 60 connections waited.
On db-2 up to 96 connections waited.
db-2 had 60 connections waiting at the worst.
db-2 had 30 connections waiting at the worst.
Before the incident about 600 mails a minute were sent.
Before the incident about 900 mails a minute were sent.
Mails fell to 60 a minute.
Mails fell to 200 a minute.
The mailer takes 900 mails a minute at most.
The mailer sent 900 mails a minute.
Failures in north went on for 43 minutes after the rollback.
Failures in north went on for 20 minutes after the rollback.
Failures in north went on for 127 minutes after the failover.
Failures in north went on for 20 minutes after the fix.
The monitor recovered at 16:09.
The monitor recovered at 15:40.
Over 30 days 99.93 % of the requests succeeded.
Over 30 days 99.39 % of the requests succeeded.
The budget of 30 days allows 90,000 failed requests.
The incident cost 90,000 failed requests.
The mitigation plan was formed 54 minutes after the acknowledgment.
The mitigation plan was formed 45 minutes after the acknowledgment.
Over the whole incident the failure rate was 20 %.
Over the whole incident the failure rate was 30 %.
The root cause was identified at 15:12.
The root cause was identified at 14:47.
""".strip().splitlines()
"""A true sentence and, in the next line, its false neighbour."""


@pytest.mark.parametrize(("true", "false"), list(zip(PAIRS[::2], PAIRS[1::2], strict=True)))
def test_of_two_sentences_the_false_one_is_doubted(counted, true, false):
    codes = ("prose", "order", "range")
    before = sound.doubted(counted, *codes)
    good, wrong = (sound.doubted_with(counted, each, *codes) - before for each in (true, false))
    assert (good, bool(wrong)) == (set(), True)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("what_happened", "20 % of", "30 % of"), ("key_logs", "300 of", "200 of")],
)
def test_a_figure_of_a_blank_is_held_to_what_is_frozen(counted, name, old, new):
    value, before = counted.value(name), sound.doubted(counted, "prose")
    counted.set(name, value.replace(old, new))
    found = sound.doubted(counted, "prose") - before
    counted.set(name, value)
    assert found
    assert not any(old[:3] in each.partition("”")[0] for each in before)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2,340 of 3,900 lines are PoolTimeout.", False),
        ("2,340 of 48,000 users saw an error.", True),
    ],
)
def test_a_number_of_lines_is_no_number_of_users(tmp_path, text, told):
    made = sound.create(tmp_path)
    made.set("affected_total", 2640)
    made.set("what_happened", "Checkouts failed from 14:02 UTC on.")
    made.set("key_logs", text)
    assert any(each.startswith("2,640, but") for each in sound.doubted(made, "range")) is told


@pytest.fixture(scope="module")
def failed_over(tmp_path_factory):
    """Return an incident that a failover began; north and south failed, and 4.2.0 alone."""
    made = sound.create(tmp_path_factory.mktemp("over"))
    steps = {
        "Incident Start": {"system_behavior": "After the failover of the database orders failed."},
        "Acknowledgment": {"on_call": "Jonas Weber"},
        "Mitigation Deployed": {"action": "Restarted the cache.", "responsible": "Dana Kim"},
    }
    sound.write(made, {"regions": "north, south", "failed_requests": 500}, steps)
    rows = [
        {
            "timestamp": pd.Timestamp(sound.moment("14:03")) + pd.Timedelta(seconds=14 * at),
            "status": "error",
            "service": "shop",
            "message": "fare is stale",
            "version": "4.2.0" if at % 5 else "4.1.9",
            "tags": [f"region:{'south' if at % 5 == 0 else 'north'}"],
        }
        for at in range(500)
    ]
    record = {"complete": True, "function": "search_datadog_logs"}
    evidence.freeze(made.path / "evidence", "logs", pd.DataFrame(rows), record)
    minutes = pd.date_range(sound.moment("13:30"), sound.moment("16:30"), freq="min")
    for name, query, unit, value in (
        ("failed", "sum:shop.orders.failed{*} by {region}.as_count()", "order", 4.0),
        ("p95", "p95:trace.shop.request{*} by {region}", "second", 2.5),
    ):
        bad = (minutes >= sound.moment("14:02")) & (minutes < sound.moment("16:09"))
        frames = [
            pd.DataFrame({"timestamp": minutes, "series": f"region:{each}", "value": value * bad})
            for each in ("north", "south")
        ]
        frame = pd.concat(frames).assign(query=query, unit=unit)
        record = {"complete": True, "function": "get_datadog_metric"}
        evidence.freeze(made.path / "evidence", name, frame, record)
    return made


OVER = """
The first order failed two minutes after the failover.
The alert fired 17 minutes after the failover.
Dana Kim compared 4.1.9 with 4.2.0 and saw the missing call.
Jonas Weber, who acknowledged the alert, had a laptop at hand.
""".strip().splitlines()


@pytest.mark.parametrize("sentence", OVER)
def test_what_a_failover_began_is_let_be(failed_over, sentence):
    codes = ("prose", "order", "range")
    assert sound.doubted_with(failed_over, sentence, *codes) == sound.doubted(failed_over, *codes)


def test_who_acknowledged_is_who_was_on_call(failed_over):
    said = "Dana Kim, who acknowledged the alert, had a laptop at hand."
    found = sound.doubted_with(failed_over, said, "prose") - sound.doubted(failed_over, "prose")
    assert found == {"“Dana Kim, who acknowledged the alert”, but on call: Jonas Weber."}


@pytest.mark.parametrize(("regions", "told"), [("all but south", True), ("all but west", False)])
def test_all_regions_but_one_leaves_that_one_out(failed_over, regions, told):
    old = failed_over.value("regions")
    failed_over.set("regions", regions)
    found = sound.doubted(failed_over, "sources")
    failed_over.set("regions", old)
    assert any("leaves out south" in each for each in found) is told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("In north the p95 never went above 500 ms.", True),
        ("In north the p95 never went above 3 seconds.", False),
        ("Since then the p95 in north never went above 500 ms.", False),
    ],
)
def test_a_row_tells_what_never_was_up_to_then(failed_over, text, told):
    rows = failed_over.values("timeline")
    row = next(each for each in rows if each["step"] == "Partial Recovery")["row"]
    failed_over.set("remaining", text, table="timeline", row=row)
    found = sound.doubted(failed_over, "prose")
    failed_over.set("remaining", None, table="timeline", row=row)
    assert any("never went" in each for each in found) is told


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("2,060 bookings that were not made again, at 20.00 a booking", False),
        ("2,600 bookings that were not made again, at 20.00 a booking", True),
    ],
)
def test_a_price_of_one_thing_needs_no_currency(tmp_path, method, told):
    made = sound.create(tmp_path)
    made.set("revenue_loss", 41200)
    made.set("revenue_method", method)
    found = sound.doubted(made, "range")
    assert any("revenue loss: $41,200" in each for each in found) is told


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("Improve resilience of the fare cache", True),
        ("Improve the fare cache's hit rate to 90 %", False),
    ],
)
def test_a_title_that_improves_a_quality_of_something_is_vague(tmp_path, title, told):
    made = sound.create(tmp_path)
    before = sound.doubted(made, "vague")
    values = {"owner": "Dana Kim", "due": "2025-12-09", "tracking": "https://example.com/T-1"}
    described = "Reopens its subscription within 30 s of a change of the primary."
    text = {"title": title, "description": described}
    made.add("actions", horizon="Immediate", priority="P0", **text, **values)
    assert bool(sound.doubted(made, "vague") - before) is told


OF_PARTS = """
Errors grew from 4.1.9 with 100 lines to 4.2.0 with 400.
Errors grew from 4.1.9 with 200 lines to 4.2.0 with 400.
The detection took 17 of 84 minutes.
The detection took 27 minutes.
Key generation began at 14:55 UTC.
The failures began at 14:55 UTC.
The cache of fares in release 4.2.0 reads a field that was added in release 3.9.0.
The cache of fares went to release 3.9.0.
""".strip().splitlines()
"""A true sentence and, in the next line, its false neighbour."""


@pytest.mark.parametrize(("true", "false"), list(zip(OF_PARTS[::2], OF_PARTS[1::2], strict=True)))
def test_of_two_sentences_on_parts_the_false_one_is_doubted(failed_over, true, false):
    codes = ("prose", "order", "range")
    for blank in ("why_it_happened", "technical_cause", "process_cause"):
        failed_over.set(blank, "The cache of fares went to release 4.2.0.")
    before = sound.doubted(failed_over, *codes)
    good, wrong = (sound.doubted_with(failed_over, each, *codes) - before for each in (true, false))
    assert (good, bool(wrong)) == (set(), True)


@pytest.mark.parametrize(
    ("text", "told"),
    [("Mail works again. Others follow.", False), ("Mail works again.", True)],
)
def test_a_message_that_says_of_which_part_it_tells_is_not_early(tmp_path, text, told):
    made = sound.create(tmp_path)
    made.add("updates", channel="Status page", time=sound.moment("15:40"), text=text)
    assert any("works again" in each for each in sound.doubted(made, "order")) is told


def test_what_a_runbook_shall_say_is_no_vague_action(tmp_path):
    made = sound.create(tmp_path)
    text = "Look at pg_stat_statements first; fail over last."
    made.add("runbooks", name="Slow database", updates=text)
    assert not any("Look at" in each for each in sound.doubted(made, "vague"))


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("16:09 last large service provider refreshed", False),
        ("15:55 first large service providers refreshed", True),
    ],
)
def test_a_key_event_of_the_last_of_them_is_the_recovery(tmp_path, entry, told):
    made = sound.create(tmp_path)
    improving = "The first two large service providers were refreshed."
    sound.write(made, {}, {"Partial Recovery": {"improving": improving}})
    made.set("key_events", f"14:02 orders failed; {entry}.")
    assert any("refreshed" in each for each in sound.doubted(made, "prose", "order")) is told


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("One host added about 5 % to the CPU of the primary.", False),
        ("At 15:00 the CPU of the primary was at 5 %.", True),
    ],
)
def test_what_is_added_to_a_level_is_no_level(tmp_path, sentence, told):
    made = sound.create(tmp_path)
    minutes = pd.date_range(sound.moment("13:30"), sound.moment("16:30"), freq="min")
    frame = pd.DataFrame({"timestamp": minutes, "series": "*", "value": 80.0, "unit": "percent"})
    frame["query"] = "avg:system.cpu.percent{host:primary}"
    record = {"complete": True, "function": "get_datadog_metric"}
    evidence.freeze(made.path / "evidence", "cpu", frame, record)
    assert bool(sound.doubted_with(made, sentence, "prose")) is told
