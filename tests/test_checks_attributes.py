"""Sentences against the attributes of frozen rows: kinds, hosts, versions, groups, stretches.

From 14:02 worker-1 (3.1.0, north) logs 4 PoolTimeout a minute until the rollback at 15:26, 84
minutes: 336; worker-2 (3.0.9, harbour) one LeaseLost a minute until 16:09, 127 minutes: 127. The
metrics have the same 463 failures, of 20 and 10 requests a minute: 2,540 and 1,270, 3,810 in all.
"""

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest
import sound

from postmortem_nb import evidence
from postmortem_nb.checks import attributes, case

START = pd.Timestamp(sound.moment("14:02"))
BROKEN, ALL = 84, 127
CODES = ("prose", "range", "lone", "approval", "tracking")


def minutes(count, *, start=START):
    return [start + dt.timedelta(minutes=each) for each in range(count)]


def rows(at, kind, host, version, region, **more):
    frame = {"timestamp": at, "status": "error", "error.kind": kind, "host": host}
    tags = [[f"region:{region}", "env:prod"]] * len(at)
    frame |= {"version": version, "message": f"{kind}: failed", "tags": tags}
    return pd.DataFrame({**frame, **more})


def logs():
    before = START - dt.timedelta(minutes=20)
    parts = [
        *(rows(minutes(BROKEN), "PoolTimeout", "worker-1", "3.1.0", "north") for _ in range(4)),
        rows(minutes(ALL), "LeaseLost", "worker-2", "3.0.9", "harbour"),
        rows(
            minutes(10, start=before), None, "worker-1", "3.1.0", "north",
            status="warn", message="pool nearly full",
        ),
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def metric(query, unit, **series):
    at = minutes(ALL + 60, start=START - dt.timedelta(minutes=30))
    parts = [
        pd.DataFrame({"timestamp": at, "query": query, "series": f"region:{name}",
                      "value": [value(each) for each in at], "unit": unit})
        for name, value in series.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def within(each, count):
    return START <= each < START + dt.timedelta(minutes=count)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    incident = sound.create(tmp_path_factory.mktemp("attributes"))
    counted = "sum:checkout.{}{{*}} by {{region}}.as_count()"
    answers = {
        "failed": metric(
            counted.format("errors"), "error",
            north=lambda at: 4.0 * within(at, BROKEN), harbour=lambda at: 1.0 * within(at, ALL),
        ),
        "requests": metric(
            counted.format("requests"), "request", north=lambda _: 20.0, harbour=lambda _: 10.0
        ),
    }  # fmt: skip
    spans = {
        "timestamp": minutes(20),
        "duration": pd.to_timedelta([5_000 - 100 * each for each in range(20)], unit="ms"),
        "trace_id": [f"ab12cd34ef{each:02}" for each in range(20)],
        "host": ["worker-1"] * 10 + ["worker-2"] * 10,
        "status": ["error"] * 5 + ["ok"] * 15,
    }
    events = {
        "timestamp": [pd.Timestamp(sound.moment(at)) for at in ("13:40", "15:41", "15:05")],
        "title": ["Deployment of 3.1.0", "[Recovered] share of errors", "Restart of worker-2"],
    }
    frozen = {
        **{name: ("get_datadog_metric", frame) for name, frame in answers.items()},
        "lines": ("search_datadog_logs", logs()),
        "spans": ("search_datadog_spans", pd.DataFrame(spans)),
        "events": ("search_datadog_events", pd.DataFrame(events)),
    }
    for name, (function, frame) in frozen.items():
        record = {"complete": True, "function": function}
        evidence.freeze(incident.path / "evidence", name, frame, record)
    incident.set("failed_requests", 463)
    incident.set("what_happened", "Some checkouts failed from 14:02 UTC on; it lasted 127 minutes.")
    return incident


def doubts(incident, name, value):
    """Return what is doubted more with another value of a fact."""
    before, old = sound.doubted(incident, *CODES), incident.value(name)
    incident.set(name, value)
    found = sound.doubted(incident, *CODES) - before
    incident.set(name, old)
    return found


TRUE = (
    ("problem", "north and harbour had the most failures."),
    ("key_logs", "127 error lines were written by worker-2. All are LeaseLost."),
    ("key_traces", "The slowest trace, ab12cd34ef00, took 5.00 s at 14:02:00 UTC."),
    ("key_traces", "The slowest of 20 spans began at 14:02:01 UTC."),
    ("key_traces", "At 14:07:03 UTC one took 4.50 s."),
    ("key_traces", "The slowest trace took 5 s; the rollback was out at 15:26:00 UTC."),
    ("problem", "About three quarters of the errors were timeouts."),
    ("problem", "27 % of the errors were about lost leases."),
    ("problem", "Of the errors 72.6 % are timeouts, and a fifth of the day went into them."),
    ("key_traces", "5 of the 20 traces we kept are errors."),
    ("key_traces", "Of the 20 spans that were frozen, 15 had no error."),
    ("key_logs", "336 error lines say PoolTimeout. All carry version 3.1.0."),
    ("key_logs", "463 error lines were logged until 16:09. All of them are of 3.1.0 or 3.0.9."),
    ("key_logs", "We had both hosts in the logs. All carry 3.1.0 now."),
    ("key_logs", "Errors came until the rollback, at 15:26. Most carry version 3.1.0."),
    ("key_logs", "Most errors came from worker-1."),
    ("key_logs", "worker-2 wrote fewer errors than any other host."),
    (
        "problem",
        "Most PoolTimeout errors were in north, and the most common error was PoolTimeout.",
    ),
    ("problem", "Most errors after 15:26 came from worker-2."),
    ("problem", "No other region had as many failed checkouts as north."),
    ("problem", "336 of the errors were a PoolTimeout and 127 a LeaseLost."),
    ("problem", "worker-1 logged 336 errors, worker-2 another 127."),
    ("problem", "Almost three quarters of the failures were a PoolTimeout, all on 3.1.0."),
    ("problem", "In harbour 10 % of its requests failed."),  # 127 of 1,270
    ("problem", "In the half hour before the rollback 150 requests failed."),  # 30 of 5 a minute
    ("problem", "All but 127 of the 463 failures were on worker-1."),
    ("problem", "463 of 3,810 requests failed."),
    ("problem", "12 % of all checkouts in that time failed."),
    ("problem", "In north and harbour checkouts were slow. 12 % of all checkouts failed."),
    ("problem", "A sixth of all checkouts failed in the worst minute."),  # of another moment
    ("problem", "About three quarters of the failures were in north."),  # 72.6 %
    ("key_logs", "Most of the errors, 73 % of those during the impact, are a PoolTimeout."),
    ("key_logs", "10 warnings from worker-1 stand before the first PoolTimeout, at 14:02."),
    ("key_logs", "worker-2 wrote 127 lines, not a single one of them a PoolTimeout."),
    ("key_logs", "PoolTimeout stopped at 15:26, while of those worker-2 had none."),
    ("key_logs", "Neither worker-2 nor harbour logged a single PoolTimeout."),
    ("problem", "Requests waited on worker-1; worker-2 had none."),  # none of what?
    ("key_logs", "The logs of worker-1 on 3.1.0 show no additional errors."),
    ("key_logs", "The last PoolTimeout came from worker-1 at 15:25."),
    ("key_traces", "Of the 20 spans that we kept, the slowest on worker-2 took 4.0 s."),
    ("key_traces", "Trace ab12cd34ef07 is one of the slow ones."),
    ("key_logs", "LeaseLost is logged with a 71 MB buffer after 14:02."),
    ("key_logs", "The LeaseLost names a batch of 210 KiB each time."),
    ("key_logs", "LeaseLost: the link of 550 Mbit was refused."),
    ("key_logs", "LeaseLost comes with 512 bytes, or 71 KB."),
    ("problem", "About seven in ten failures (72.6 %) were a PoolTimeout."),
    ("problem", "Nearly three in four failures, exactly 72.6 %, were a PoolTimeout."),
    ("problem", "Some seven in ten error lines are a PoolTimeout: 72.6 % of them."),
    ("key_traces", "5 of the 20 spans ended in an error."),
    ("key_traces", "Of the 20 spans 15 took longer than 3.5 seconds."),
    ("problem", "More than a fifth of the spans ended in an error."),
    ("problem", "The median span took 4.0 s, on worker-2 3.6 s."),
    ("problem", "Two spans of one trace ended in an error."),
    ("key_traces", "ab12cd34ef10 is the slowest span of worker-2: 4.0 s."),
    ("problem", "One in eight requests failed."),
    ("problem", "17 % of the requests failed between 14:02 and 15:26."),
    ("problem", "One in three requests took longer than usual."),
    ("problem", "No request failed after 16:09."),
    ("problem", "No request failed in north after 15:26."),
    ("problem", "After the rollback hardly any request failed."),
    ("problem", "No deployment failed after the rollback."),
    ("problem", "No more requests failed after the rollback than before."),
    ("problem", "Nothing failed on worker-1 after 15:26."),
    ("key_logs", "The 127 error lines of worker-2 all came from harbour."),
    ("key_logs", "All error lines came from worker-1 and worker-2."),
    ("key_logs", "All lines that we read by hand came from worker-1."),
    ("key_logs", "All error lines of the old cluster are from worker-1."),
    ("key_logs", "All errors of north came from worker-1, which wrote 336 of them."),
    ("key_logs", "The last error line came from worker-2."),
    ("key_logs", "No error line of worker-2 came from north."),
    ("problem", "Spans that took longer than 3 seconds ended in an error."),
    ("what_we_did", "The monitor recovered at 15:41."),  # a frozen event; the impact went on
    ("key_events", "13:40 deployment of 3.1.0 · 15:05 restart of worker-2"),
    ("key_events", "Deployment of 3.1.0 at 13:40, restart of worker-2 (on 3.0.9) at 15:05."),
    ("key_logs", "463 error lines were kept. 336 came from worker-1 and 127 from worker-2."),
    ("key_logs", "worker-1 wrote the most, 336."),
    ("problem", "In north 336 requests failed, in harbour 127."),
    ("problem", "336 requests failed in north before the rollback and 43 in harbour after it."),
    ("problem", "Failures in north rose to 4 a minute, in harbour to 1 a minute."),
    (
        "problem",
        "336 of the errors came from worker-1 (3.1.0) and none before 14:02 from worker-2.",
    ),
    ("problem", "worker-1 has 336 GB of memory and worker-2 512."),
    ("problem", "463 of 3,810 requests that customers made failed (12.2 %)."),
    ("problem", "336 of 2,540 requests in north failed, 13.2 %."),
    ("problem", "By 15:26, 420 of 2,520 requests had failed."),
    ("problem", "127 of 3,810 requests failed with a LeaseLost."),
    ("problem", "Of the 463 failed requests 336 were in north."),
    ("problem", "Of the 3,810 requests that came in, 3,347 went through."),
    ("problem", "About 450 of 3,800 requests failed."),
    ("problem", "12.2 % of the requests failed, in north and harbour alike."),
    ("problem", "13 % of the requests in north failed and 10 % in harbour."),
    ("problem", "72.6 % of the failures were in north."),
    ("what_we_did", "Had we rolled back at 14:40, most errors would not have come."),
    ("problem", "The last request failed at 16:08."),
    ("what_we_did", "It took us until 14:47 to see it."),  # what was discovered then
)
FALSE = (
    ("key_traces", "The slowest trace, ab12cd34ef00, took 5.00 s at 14:07:00 UTC.", "14:02:00 UTC"),
    ("key_traces", "The slowest of 20 spans began at 14:02:31 UTC.", "ran at 14:02:00 UTC"),
    ("problem", "At 14:12:05 UTC one trace took 4.50 s.", "ran at 14:07:00 UTC"),
    ("problem", "A fifth of the errors were timeouts.", "72.6 % of lines are with PoolTimeout"),
    ("problem", "A tenth of the failures were timeouts.", "72.6 % of lines are with PoolTimeout"),
    ("key_logs", "Of the errors 41 % are timeouts.", "72.6 % of lines are with PoolTimeout"),
    ("key_traces", "12 of the 20 traces we kept are errors.", "but 5 frozen spans"),
    ("problem", "11 of the 20 spans that we froze have status error.", "but 5 frozen spans"),
    ("problem", "Of the 20 spans, 9 were errors.", "but 5 frozen spans"),
    ("key_logs", "463 error lines were logged. All carry version 3.1.0.", "336 of 463"),
    ("key_logs", "336 error lines say PoolTimeout. Every one came from worker-2.", "127 of"),
    ("problem", "We looked at the errors of north. They all have version 3.0.9.", "127 of 463"),
    ("key_logs", "Most errors came from worker-2.", "worker-1 has 336, worker-2 127"),
    ("key_logs", "worker-2 wrote more errors than any other host.", "worker-1 has 336"),
    ("key_logs", "The fewest errors were logged by worker-1.", "worker-2 has 127"),
    ("problem", "The most common error was LeaseLost.", "PoolTimeout has 336"),
    ("problem", "No other region had as many failed checkouts as harbour.", "north has 336"),
    ("problem", "The region with the most failures was harbour.", "north has 336"),
    ("problem", "363 of the errors were a PoolTimeout and 127 a LeaseLost.", "has 336"),
    ("problem", "worker-1 logged 336 errors, worker-2 another 172.", "has 127"),
    ("problem", "Hardly half of the failures were a PoolTimeout, all on 3.1.0.", "72.6 %"),
    ("problem", "In harbour 26 % of its requests failed.", "“26 %”"),
    ("problem", "463 of 8,310 requests failed.", "has 3,810"),
    ("problem", "22 % of all checkouts in that time failed.", "12.2 % of"),
    ("problem", "In north and harbour all was slow. 10 % of all checkouts failed.", "12.2 %"),
    ("problem", "Three fifths of the failures were in north.", "72.6 %"),
    ("key_logs", "Most errors, 37 % of those during the impact, are a PoolTimeout.", "72.6"),
    ("key_logs", "20 warnings came from worker-1.", "“20"),
    ("key_logs", "The first LeaseLost was written by worker-2 at 14:20.", "14:02 UTC"),
    ("key_logs", "worker-2 wrote 127 lines; of the PoolTimeout errors worker-1 had none.", "336"),
    ("key_logs", "Neither worker-1 nor harbour logged a single PoolTimeout.", "336 errors"),
    ("key_traces", "The slowest on worker-2 took 4.6 s.", "is 4 s"),
    ("key_traces", "Trace ab12cd34ef70 is one of the slow ones.", "no frozen span"),
    ("key_traces", "12 of the 20 spans ended in an error.", "but 5 frozen spans"),
    ("problem", "Of the 20 spans 9 took longer than 3.5 seconds.", "but 15 frozen"),
    ("problem", "More than half of the spans ended in an error.", "25 % of the frozen"),
    ("problem", "The median span took 1.2 s.", "is 4.05 s"),
    ("problem", "Trace ab12cd34ef03 is the slowest one.", "another took 5 s"),
    ("problem", "Trace ab12cd34ef00 is the slowest one: 8.5 s.", "its spans took 5 s"),
    ("problem", "One in three requests failed.", "never was above 16.7 %"),
    ("problem", "Every fifth request failed.", "12.2 % of"),
    ("problem", "One request in four failed.", "12.2 % of"),
    ("problem", "No request failed after 14:30.", "failed then"),
    ("problem", "Nothing failed any more from 15:00 on.", "failed then"),
    ("problem", "Before 14:30 not one request failed.", "failed then"),
    ("key_logs", "All error lines came from worker-1.", "336 of 463"),
    ("key_logs", "Every error line was written by worker-1.", "336 of 463"),
    ("key_logs", "The 127 error lines of worker-2 all came from north.", "0 of 127"),
    ("key_logs", "Only worker-1 logged errors.", "336 of 463"),
    ("key_logs", "No error line came from harbour.", "127 of 463"),
    ("key_logs", "PoolTimeout and LeaseLost came up. worker-1 alone wrote 363 of them.", "has 336"),
    ("key_events", "13:40 deployment of 3.1.0 · 15:35 restart of worker-2", "15:05 UTC"),
    ("key_events", "Deployment of 3.1.2 at 13:40, restart of worker-2 at 15:05.", "13:40 UTC"),
    ("key_logs", "463 error lines. 3,360 came from worker-1 and 172 from worker-2.", "“172 from"),
    ("key_logs", "463 error lines, 336 of them PoolTimeout and 172 LeaseLost.", "has 127"),
    ("key_logs", "worker-2 wrote the most, 336.", "“worker-2 wrote the most, 336”, but lines"),
    ("problem", "Failures in north rose to 4 a minute, in harbour to 9 a minute.", "harbour to 9"),
    ("key_logs", "worker-2 wrote 1,500 lines.", "“1,500 lines”, but lines has 127"),
    ("problem", "66 % of the failures were in north.", "72.6 %"),
    ("problem", "26 % of the requests in harbour failed.", "10 % of"),
    ("problem", "The last request failed at 16:40.", "but that was at 16:08"),
    ("what_we_did", "We rolled back at 14:40.", "15:26"),
    ("problem", "634 of 3,810 requests that customers made failed.", "“634”"),
    ("problem", "463 of 8,310 requests that customers made were refused.", "has 3,810"),
    ("problem", "Of the 3,810 requests that came in, 436 failed.", "436"),
    ("problem", "In harbour 172 of 1,270 requests of customers failed.", "172"),
    ("problem", "463 of 3,810 requests that customers made failed (21.2 %).", "is 12.2 %"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "sentence"), TRUE)
def test_what_rows_with_these_values_bear_is_let_be(made, name, sentence):
    assert doubts(made, name, sentence) == set()


@pytest.mark.parametrize(("name", "sentence", "known"), FALSE)
def test_what_no_rows_with_these_values_bear_is_doubted(made, name, sentence, known):
    told = doubts(made, name, sentence)
    assert any(known in each for each in told), told


@pytest.mark.parametrize(
    ("sentence", "doubted"),
    [
        ("Most errors say PoolTimeout, and 95 of the 245 lines are no errors.", False),
        ("Most errors say PoolTimeout; 95 lines are not errors.", False),
        ("119 lines say PoolTimeout and 95 lines are no errors.", False),
        ("150 lines are errors, 119 of them PoolTimeout, and 95 are none.", False),
        ("Besides PoolTimeout there are 95 lines without an error.", False),
        ("Most errors say PoolTimeout, and 75 of the 245 lines are no errors.", True),
        ("95 lines say PoolTimeout.", True),
    ],
)
def test_lines_that_are_no_errors_are_those_of_another_status(tmp_path, sentence, doubted):
    incident = sound.create(tmp_path)
    kinds = {60: "PoolTimeout", 59: "PoolTimeout", 31: "LeaseLost", 95: None}
    parts = [rows(minutes(n), each, "w-1", "3.1.0", "north") for n, each in kinds.items()]
    frame = pd.concat(parts, ignore_index=True)
    frame.loc[frame["error.kind"].isna(), "status"] = "info"
    record = {"complete": True, "function": "search_datadog_logs"}
    evidence.freeze(incident.path / "evidence", "lines", frame, record)
    incident.set("key_logs", sentence)
    assert any("PoolTimeout" in each for each in sound.doubted(incident, *CODES)) is doubted


def test_a_sentence_names_values_in_words_and_by_their_end(made):
    held = attributes.answers(made, case.take(made))
    told = "Pool timeouts of worker 1, on 3.1.0 and in North; the pool was full, 31 times."
    found = {(each.key, each.value) for each in attributes.named(told, held)}
    assert found == {
        ("error.kind", "PoolTimeout"), ("host", "worker-1"),
        ("version", "3.1.0"), ("region", "north"),
    }  # fmt: skip


def test_rows_without_a_time_and_tags_that_are_no_list_are_let_be(tmp_path):
    incident = sound.create(tmp_path)
    at = [*minutes(3), None]
    frame = rows(at, "PoolTimeout", ["worker-1", "worker-2"] * 2, "3.1.0", "north")
    frame["tags"] = ["not a list", '["region:north", "region"]', '{"a": 1}', None]
    record = {"complete": True, "function": "search_datadog_logs"}
    evidence.freeze(incident.path / "evidence", "lines", frame, record)
    (answer,) = attributes.answers(incident, case.take(incident))
    assert len(answer.moments) == 3
    assert answer.keys["region"].codes.tolist() == [-1, 0, -1]


@pytest.mark.parametrize(
    "tags",
    [
        ['["\\ud800:\\udfff", "region:north"]'] * 3,
        [[{"key": "region"}], [], None],
        pd.array([[1, 2], [], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        pd.array([[{"a": 1}]] * 3, dtype=pd.ArrowDtype(pa.list_(pa.struct([("a", pa.int64())])))),
        pd.array([{"a": 1}] * 3, dtype=pd.ArrowDtype(pa.struct([("a", pa.int64())]))),
        pd.array([["region:north"]] * 3, dtype=pd.ArrowDtype(pa.list_(pa.string()))),
        [1.5, 2.5, None],
    ],
)
@pytest.mark.parametrize("count", [3, 0])
def test_columns_of_any_type_are_read_or_let_be(tmp_path, tags, count):
    incident = sound.create(tmp_path)
    frame = rows(minutes(3), "PoolTimeout", "worker-1", "3.1.0", "north")
    frame["tags"] = tags
    frame["usr.id"] = tags
    frame["odd"] = tags
    record = {"complete": True, "function": "search_datadog_logs"}
    evidence.freeze(incident.path / "evidence", "lines", frame.iloc[:count], record)
    (answer,) = attributes.answers(incident, case.take(incident))
    assert len(answer.moments) == count
    incident.set("problem", "412 users in north had a PoolTimeout, the last at 14:03.")
    assert not incident.check().empty


# -- what needs no evidence ------------------------------------------------------------------------


def test_two_actions_in_one_ticket_are_found(made):
    ticket = made.values("actions")[0]["tracking"]
    row = made.add(
        "actions", horizon="Short-term", priority="P2", title="Add an alert", tracking=ticket
    )
    told = sound.doubted(made, "tracking")
    made.remove("actions", row)
    assert any("tracked in the ticket of “Fail the build" in each for each in told)


def test_a_technical_reviewer_is_one_of_the_reviewers(made):
    row = next(r["row"] for r in made.values("approvals") if r["role"] == "Technical Reviewer")
    made.set("name", "Jonas Webber", table="approvals", row=row)
    told = sound.doubted(made, "approval")
    made.set("name", "Jonas Weber", table="approvals", row=row)
    assert "'Jonas Webber' is none of the reviewers (Jonas Weber)." in told


@pytest.mark.parametrize(
    ("sentence", "doubted"),
    [
        ("The 52 hours went to Checkout (21), Apps (22) and Support (9).", False),
        ("The 52 hours went to Checkout (21), Apps (16) and Support (9).", True),
    ],
)
def test_parts_in_brackets_are_summed(made, sentence, doubted):
    assert any("46" in each for each in sound.doubted_with(made, sentence, "prose")) is doubted


def test_a_source_of_data_is_an_answer_of_the_bundle(made):
    row = next(r["row"] for r in made.values("timeline") if r["step"] == "Incident Start")
    other = next(r["row"] for r in made.values("timeline") if r["step"] == "Key Discovery")
    made.set("data_source", "worker_lines", table="timeline", row=other)
    assert not any("worker_lines" in each for each in sound.doubted(made, "prose"))
    made.set("data_source", "spans and failed, of the_spans", table="timeline", row=row)
    told = sound.doubted(made, "prose")
    made.set("data_source", None, table="timeline", row=row)
    made.set("data_source", None, table="timeline", row=other)
    assert not any("the_spans" in each for each in told)


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("136 of the spans are captures, and 19 of these failed.", False),
        ("136 of the 400 spans are captures.", False),
        ("Of the spans 136 are captures.", False),
        ("136 spans are captures.", False),
        ("150 of these spans are short.", False),
        ("We kept 350 spans.", True),
        ("350 spans tell of it.", True),
    ],
)
def test_a_part_of_the_spans_is_no_count_of_all_of_them(tmp_path, text, doubted):
    incident = sound.create(tmp_path)
    spans = {
        "timestamp": minutes(400, start=START - dt.timedelta(minutes=100)),
        "duration": pd.to_timedelta([5_000] * 400, unit="ms"),
        "trace_id": [f"ab12cd34ef{each:03}" for each in range(400)],
        "resource_name": ["capture"] * 136 + ["authorize"] * 264,
    }
    record = {"complete": True, "function": "search_datadog_spans"}
    evidence.freeze(incident.path / "evidence", "spans", pd.DataFrame(spans), record)
    incident.set("key_traces", text)
    assert bool(sound.doubted(incident, "prose")) is doubted


@pytest.mark.parametrize(
    ("clock", "texts", "is_doubted"),
    [
        ("15:31", 2, True),  # both blanks and the frozen event have 15:41
        ("15:31", 1, False),  # one blank may tell of another step
        ("15:41", 2, False),
    ],
)
def test_a_step_is_off_where_the_texts_and_a_frozen_event_agree(tmp_path, clock, texts, is_doubted):
    incident = sound.create(tmp_path)
    frame = {
        "timestamp": [pd.Timestamp(sound.moment("15:41"))],
        "title": ["Deployed checkout 3.0.9 to all regions"],
    }
    record = {"complete": True, "function": "search_datadog_events"}
    evidence.freeze(incident.path / "evidence", "events", pd.DataFrame(frame), record)
    for name in ("what_we_did", "why_it_happened")[:texts]:
        incident.set(name, "We rolled back at 15:41.")
    step = next(row for row in incident.values("timeline") if row["step"] == "Mitigation Deployed")
    incident.set("time", sound.moment(clock), table="timeline", row=step["row"])
    told = [each for each in sound.doubted(incident, "order") if "is frozen at" in each]
    assert bool(told) is is_doubted
