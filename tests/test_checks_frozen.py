"""Sentences against frozen answers: levels, parts of the failures, logs, events, silences.

From 14:02 to 15:26 (84 minutes) 300 requests a minute fail in north and 100 in harbour, then 60 and
30 until 16:09 (43 minutes): 25,200 + 8,400 + 2,580 + 1,290 = 37,470, of 1,000 and 500 a minute.
"""

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest
import sound

from postmortem_nb import Incident, evidence
from postmortem_nb.checks import case, events, frozenrows, instants, levels, logged, reading, report

CODES = ("prose", "sources", "range")
MINUTES = pd.date_range("2025-12-04T12:00Z", "2025-12-04T17:59Z", freq="1min")


def by_phase(before, broken, mending):
    """Return a value for each minute: before the start, until the mitigation, until the end."""
    start, mended, end = (pd.Timestamp(sound.moment(each)) for each in ("14:02", "15:26", "16:09"))
    return [
        before if at < start or at >= end else broken if at < mended else mending for at in MINUTES
    ]


def metric(query, unit, **series):
    """Return the answer of a metric: its values by series."""
    frames = [
        pd.DataFrame(
            {"timestamp": MINUTES, "query": query, "series": name, "value": values, "unit": unit}
        )
        for name, values in series.items()
    ]
    return pd.concat(frames).replace({"series": {"all": "*"}})


def grouped(query, unit, north, harbour):
    groups = {"region:north": by_phase(*north), "region:harbour": by_phase(*harbour)}
    return metric(query, unit, **groups)


def logs():
    """Return a thousand logs, nine in ten of them a PoolTimeout, the first at 14:03."""
    start = pd.Timestamp(sound.moment("14:03"))
    at = [start + dt.timedelta(seconds=4 * each) for each in range(1000)]
    said = [
        "refused" if each % 10 == 5 else "PoolTimeout: no connection was free"
        for each in range(1000)
    ]
    return pd.DataFrame({"timestamp": at, "status": "error", "message": said})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    incident = sound.create(tmp_path_factory.mktemp("frozen"))
    counted = "sum:checkout.{}{{*}} by {{region}}.as_count()"
    answers = {
        "errors": grouped(counted.format("errors"), "error", (0, 300, 60), (0, 100, 30)),
        "requests": grouped(counted.format("requests"), "request", (1000,) * 3, (500,) * 3),
        "waiting": grouped("max:queue.depth{*} by {region}", "item", (40, 6000, 900), (25, 80, 25)),
        "wait": metric("p95:duration{*}", "millisecond", all=by_phase(400, 9600, 900)),
    }
    for name, frame in answers.items():
        record = {"complete": True, "function": "get_datadog_metric"}
        evidence.freeze(incident.path / "evidence", name, frame, record)
    record = {"complete": True, "function": "search_datadog_logs"}
    evidence.freeze(incident.path / "evidence", "lines", logs(), record)
    spans = {
        "timestamp": [pd.Timestamp(sound.moment("15:00"))] * 2,
        "duration": pd.to_timedelta([2_000, 10_500], unit="ms"),
    }
    record = {"complete": True, "function": "search_datadog_spans"}
    evidence.freeze(incident.path / "evidence", "spans", pd.DataFrame(spans), record)
    happened = {
        "timestamp": [pd.Timestamp(sound.moment("15:42"))],
        "title": ["[Recovered] error rate"],
    }
    record = {"complete": True, "function": "search_datadog_events"}
    evidence.freeze(incident.path / "evidence", "events", pd.DataFrame(happened), record)
    return incident


def doubts(incident, place, value):
    """Return what is doubted more with another value at a place: a fact, or a step and column."""
    codes = (*CODES, "lone") if place == "key_events" else CODES
    before = sound.doubted(incident, *codes)
    table, row, name = "incident", None, place
    if not isinstance(place, str):
        table, (step, name) = "timeline", place
        row = next(each["row"] for each in incident.values(table) if each["step"] == step)
    old = incident.value(name) if row is None else None
    incident.set(name, value, **({"table": table, "row": row} if row else {}))
    found = sound.doubted(incident, *codes) - before
    incident.set(name, old, **({"table": table, "row": row} if row else {}))
    return found


TRUE = (
    "5,620 errors, 15 % of all, hit shops that sold nothing that day.",  # 0.15 × 37,470
    "The diff has 1,140 lines, of which 12 are of the pool.",
    "Of its 127,000 requests north lost 27,780.",
    "At the peak, at 15:00 UTC, 400 requests a minute failed.",
    "Between 14:02 and 16:12 UTC the queue of north reached 6,000, from about 40 before.",
    "A few thousand requests a minute come in, of which most were refused.",
    "At 16:30 checkout still refused late vouchers.",
    "From 15:15 to 15:26 the p95 latency rose by 20 ms to 9,600 ms.",
    "Between 14:02 and 16:12 UTC the queue of north rose from about 40 to 6,000.",
    "From 14:02 to 16:09 the p95 latency went up from 400 ms to 9,600 ms.",
    "Between 15:30 and 16:05 UTC the p95 latency rose to 900 ms.",
    "At 15:00 a few hundred requests a minute were refused.",
    "An alert on a few thousand failures a minute is too late.",
    "At 16:05 requests were still being refused.",
    "Requests still failed at 16:00 in harbour.",
    "At 16:30 the build of the docs still failed.",
    "At 16:30 requests no longer failed.",
    "The p95 latency stayed under ten seconds throughout.",
    "The p95 latency never exceeded a quarter of an hour, nor half a minute.",
    "The p95 latency was always below a minute.",
    "The p95 latency never reached a second peak.",
    "Before the rollout the p95 latency was about 400 ms.",
    "The p95 latency was 400 ms before the incident.",
    "At its worst the p95 latency was more than twenty times the usual 400 ms.",
    "In the first half hour 12,000 requests failed.",  # 400 a minute
    "In the first ten minutes 3,000 requests failed in north.",
    "At 14:32, 400 requests failed in that minute.",
    "At 14:32 alone 400 requests failed.",
    "Had we rolled back at 14:40, most requests would have gone through.",
    "30 % of the requests in north failed until the rollback.",
    "Fewer than a fifth of the failed requests came before the alert fired.",  # 6,800 of 37,470
    "A tenth of the failures came after the rollback.",  # 3,870
    "61 % of the failures fall into the hour from 14:30.",  # 22,760
    "61 % of the failures lie from 14:30 to 15:30.",
    "82 % of the failures lie between detection and the full recovery.",
    "Three quarters of the failures were in north.",  # 27,780
    "Nine in ten were a PoolTimeout, the first at 14:03 UTC.",
    "The p95 latency rose from 0.4 to 9.6 seconds.",
    "The p95 latency was up to 9,600 ms.",
    "The p95 latency was up to ten seconds.",
    "The p95 latency never exceeded ten seconds.",
    "The p95 latency never fell below 800 ms until the recovery.",
    "The queue in harbour never held more than 80 items.",
    "Before the incident the queue never held more than 40 items.",
    "The alert fires when the queue stays below 20 items.",
    "The p95 latency should never exceed 2 seconds.",
    "After 16:30 the p95 latency stayed below 500 ms.",
    "Failures in harbour never exceeded 100 a minute.",
    "The queue reached 6,000 items.",
    "The p95 latency rose from 400 ms to 9.6 seconds.",
    "The p95 latency rose from about half a second to 9.6 seconds.",
    "The queue in north was highest at 15:00.",
    "The worst minute was 14:30.",
    "The queue had reached 4,230 items by then.",
    "Of the 37,500 failed requests, 18 % came before the alert fired.",
    "Some 6,800 requests had failed before the alert fired.",
    "There was a PoolTimeout, the last at 15:40 UTC.",  # an answer may be cut off
    "The error rate was at 30% at 15:00 in north.",
    "The error rate was under 10% fifteen minutes after the rollback.",
    "At the worst minute, 27% of the requests failed.",
    "The queue of north stood at 6,000 at 15:00.",
    "Our charts peaked at 14:03.",
    "The queue peaked at 6,000 in the minute of 14:03.",
    "400 requests a minute were refused at 15:00.",
    "Errors fell to 90 a minute by 15:40.",
    "The error rate rose, and stood at 25%.",
    "The p95 latency rose to 24 times its usual level.",  # 9,600 of 400 ms
    "The p95 latency doubled again and again.",
    "The p95 latency doubled after the first restart.",
    "The queue tripled, the p95 latency was up to ten seconds.",  # which of them tripled?
    "One request in four failed at 15:00.",  # 400 of 1,500
    "The logs hold 900 PoolTimeout.",
    "There are 900 logs of a PoolTimeout.",
    "The two traces we kept show the wait.",
    "Errors fell from 400 a minute at 15:00 to 90 a minute at 15:40.",
    "37,511 of 191,513 requests (19.6 %) failed.",
    "At 15:00 there were 400 failures in that minute.",
    "The queue in north went from 6,000 at 15:00 to 900 at 15:40.",
    "For two hours and a quarter requests were refused.",  # of 2 hours 7 minutes
    "Rolled the pods back one by one, beginning at 15:26.",
    "None of the spans took longer than 11 s.",
    "The slowest span took 10.5 s.",
    "At 15:00 there were 300 failures a minute in north and 100 in harbour.",
    "At 15:00 there were 400 failures a minute, three quarters of them in north.",
    "At 15:00 the queue of north was at 6,000 and that of harbour at 80.",
    "At 15:00 some 6,100 requests were queued, 80 of them in harbour.",
    "In the worst hour 1,500 requests a minute came in.",
    "Of the load test, 4,000 requests a minute are the target.",
    "The p95 latency, 400 ms before the release, was at 9,600 ms at 15:00.",
    "Two requests in five, 300 of 750, about two fifths, were slow.",
    "The p95 latency rose from 0.4 to 9.6 seconds at 15:00.",
    "12 more minutes, 1,080 failures.",  # 15:26 to 15:38
    "That long wait alone took 1,080 failures.",
    "In the meantime 27,880 failures came in.",  # 14:19 to 15:38
    "Until somebody called, there were 34,680 failures.",  # 14:02 to 15:38
    "Nobody looked for a while: 25,880 failures.",  # 14:24 to 15:38
    "We learned of more than 6,500 failures from a customer.",  # 6,800 at 14:19
    "The p95 latency rose from 400 ms to more than 5,000 ms at 15:00.",
    "The p95 latency jumped from 400 ms to over 4,000 ms at 15:00.",
    "The p95 latency went from 0.4 to at least 5 seconds at 15:00.",
    "The p95 latency went up to above 5 seconds, from 0.4, at 15:00.",
    "Failures fell from 400 a minute at 15:20 to 90 a minute at 15:30.",
    "6,800 requests had failed by the time it fired.",  # 17 minutes of 400
    "3,870 requests still failed from the rollback on.",  # 43 minutes of 90
    "153,030 requests went through the incident without a failure.",  # 127 × 1,500 − 37,470
    "53,810 requests of harbour went through.",  # 127 × 500 − 100 × 84 − 30 × 43
    "The last 164 failures were of another kind.",
    "Its p95 went from about 400 ms to 9,600 ms at 14:30.",
    "A quarter of them (25 of 100 in the minute) failed.",
    "19.7% of checkout requests failed, 27% at the worst minute (15:00 UTC).",  # of 190,500
    "Between 14:02 and 16:09 UTC, a fifth of the requests failed.",
    "Customers waited (usually 0.4 s), and 19.7% of their requests failed.",
    "80% of our requests went through.",
    "Page somebody when more than 2% of the checkout requests failed.",
    "We want an alert once 5% of all checkout requests failed.",
    "26.7% of checkout requests failed in every minute up to the rollback.",  # 400 of 1,500
    "16% of the failures came through partners.",
    "The queue of north grew to 6,000 and kept us slow for 14 minutes after the rollback.",
    "harbour got off lightly: 9,690 failures in the incident against 27,780 in north.",
)
FALSE = {
    "At the peak, at 14:02 UTC, 700 requests a minute failed.": "is 400 then",
    "From 15:30 to 16:09 the queue of north rose to 6,000.": "highest level at 900",
    "Between 15:30 and 16:05 UTC the p95 latency rose to 9,600 ms.": "highest level at 900",
    "Between 14:02 and 16:09 UTC the queue of north rose from 40 to 9,000.": "6,000",
    "At 15:00 a few dozen requests a minute were refused.": "400 to 400",
    "A few thousand requests failed each minute.": "never was above 400",
    "Failures peaked at a few thousand a minute.": "highest level at 400",
    "At 16:30 requests were still being refused.": "0 failed from 16:27 to 16:33 UTC",
    "Requests still failed at 16:40 in harbour.": "0 failed from 16:37 to 16:43 UTC",
    "At 17:10 checkout kept refusing requests.": "0 failed from 17:07 to 17:13 UTC",
    "The p95 latency stayed under a second throughout.": "up to 9.6 s",
    "The p95 latency never went above a second and a half.": "up to 9.6 s",
    "The p95 latency was always below half a second.": "up to 9.6 s",
    "Before the rollout the p95 latency was 640 ms.": "was 400 ms before the start",
    "The p95 latency was 640 ms before the incident.": "was 400 ms before the start",
    "In the first half hour 2,000 requests failed.": "then",
    "At 14:32, 900 requests failed in that minute.": "has 400 then",
    "60 % of the requests in north failed.": "with north failed",
    "The last request failed at 17:40.": "but that was at",
    "Every second failed request came before the alert fired.": "18.1",
    "Half of the failures came after the rollback.": "10.3",
    "94 % of the failures fall into the hour from 14:30.": "60.7",
    "94 % of the failures lie from 14:30 to 15:30.": "60.7",
    "A fifth of the failures lie between detection and the full recovery.": "81.9",
    "A quarter of the failures were in north.": "74.1",
    "Half were a PoolTimeout.": "90 % of the frozen logs",
    "There was a PoolTimeout, the first at 14:23 UTC.": "14:03",
    "There was a PoolTimeout, the last at 14:40 UTC.": "15:09",
    "The p95 latency rose from 0.4 to 41 seconds.": "9.6 seconds",
    "The p95 latency was up to 12,400 ms.": "9,600 ms",
    "The p95 latency was up to fourteen seconds.": "9.6 seconds",
    "The average duration rose from about 0.4 to 2 seconds at its peak.": "9.6 seconds",
    "Some 900 requests had failed before the alert fired.": "6,800",
    "A PoolTimeout, the earliest line is of 14:23 UTC.": "14:03",
    "The error rate was at 60% at 15:00 in north.": "region:north",
    "The error rate was under 2% twelve minutes after detection.": "26.7 %",
    "The error rate left its usual 3%.": "was 0 % before the start",
    "At the worst minute, well over a third of the requests failed.": "highest level at 26.7 %",
    "The queue of north stood at 400 at 15:00.": "6,000",
    "Our charts peaked at 17:10.": "has its highest level at",
    "The queue peaked at 6,000 in the minute of 15:40.": "has it at 14:02",
    "40 requests a minute were refused at 15:00.": "400 to 400",
    "Errors fell to 9 a minute by 15:40.": "90 to 90",
    "The error rate rose, and stood at 75%.": "never was above 26.7 %",
    "The p95 latency rose to sixty times its usual level.": "up to 24 times its usual level",
    "The p95 latency doubled.": "up to 24 times its usual level",
    "One request in twelve failed at 15:00.": "26.7 to 26.7 %",
    "The logs hold 700 PoolTimeout.": "900 times",
    "There are 1,200 logs of a PoolTimeout.": "900 times",
    "Errors fell from 150 a minute at 15:00 to 90 a minute at 15:40.": "400 to 400",
    "37,511 of 191,513 requests (19.1 %) failed.": "is 19.6 %",
    "We knew 41 minutes in.": "detection time",
    "At 15:00 there were 80 failures in that minute.": "400 to 400",
    "The queue in north went from 6,000 at 15:00 to 80 at 15:40.": "900 to 900",
    "For three quarters of an hour a fifth of the requests were refused.": "duration: 2 hours 7",
    "1,000 lines were logged. 900 of them name the pool; the remaining 130 do not.": "makes 1,030",
    "None of the spans took longer than 6 s.": "the longest frozen one is 10.5 s",
    "The slowest span took 14 s.": "the longest frozen one is 10.5 s",
    "At 15:00 there were 300 failures a minute in north and 260 in harbour.": "harbour is 100 to",
    "At 15:00 the queue of north was at 6,000 and that of harbour at 800.": "harbour is 80 to",
    "In the worst hour 4,000 requests a minute came in.": "never was above 1,500",
    "The queue of north was 6,000 at 15:00, that of harbour 250 at 15:40.": "25 to 25 at",
    "37,511 of 191,513 requests failed, about two thirds.": "that is 19.6 %",
    "The p95 latency rose from 0.4 to 9.6 seconds at 15:40.": "is 0.9 to 0.9 seconds",
    "The p95 latency was at 9,234 ms at 15:00.": "is 9,600 to 9,600 ms",
    "Failures fell from 200 a minute at 15:20 to 90 a minute at 15:30.": "400 to 400",
    "8,600 requests had failed by the time it fired.": "has 6,800 then",
    "5,870 requests still failed from the rollback on.": "has 3,870 then",
    "103,030 requests went through the incident without a failure.": "has 153,030 then",
    "29,000 requests could not be answered.": "has 37,470 then",
    "Its p95 went from about 1,600 ms to 9,600 ms at 14:30.": "the nearest of p95",
    "A quarter of them (52 of 100 in the minute) failed.": "that is 52 %",
    "The p95 latency never exceeded 5 seconds.": "up to 9.6 s",
    "The p95 latency stayed below 2,000 ms.": "up to 9.6 s",
    "The queue in north never held more than 1,000 items.": "up to 6,000",
    "Failures never exceeded 200 a minute.": "up to 400",
    "The queue in north never fell below 3,000 items.": "down to 900",
    "The queue in north reached 4,230 items.": "up to 6,000",
    "The p95 latency rose from about 800 ms to 9.6 seconds.": "400 before the start",
    "The queue in north was highest at 15:45.": "highest level at 14:02",
    "The worst minute was 15:45.": "highest level at 14:02",
    "17.1% of checkout requests failed, 27% at the worst minute (15:00 UTC).": "19.7 % of",
    "Between 14:02 and 16:09 UTC, 14% of the requests failed.": "19.7 % of",
    "Customers waited (usually 0.4 s), and 26.7% of their requests failed.": "19.7 % of",
}


@pytest.mark.parametrize("sentence", TRUE)
def test_what_the_evidence_bears_is_let_be(made, sentence):
    assert doubts(made, "problem", sentence) == set()


def test_a_level_of_another_time_is_of_no_moment(made):
    """At 15:38 the p95 latency was 0.9 s; before, it was 9.6 s at most."""
    place = ("Partial Recovery", "improving")
    assert doubts(made, place, "Latency is at 0.9 s instead of 8 s.") == set()
    assert doubts(made, place, "Latency is at 8 s.") != set()


@pytest.mark.parametrize("sentence", FALSE)
def test_what_the_evidence_does_not_bear_is_doubted(made, sentence):
    told = doubts(made, "problem", sentence)
    assert any(FALSE[sentence] in each for each in told), told


@pytest.mark.parametrize(
    ("place", "value", "known"),
    [
        (("Partial Recovery", "status"), "Error rate still around one in four.", "6 to 6 %"),
        (("Partial Recovery", "status"), "Error rate still around one in seventeen.", ""),
        (("Partial Recovery", "status"), "More than half of all requests failed.", "19.7 % of"),
        (("Partial Recovery", "status"), "A quarter of all requests failed.", ""),
        (("Partial Recovery", "status"), "Failures down to a few thousand a minute.", "90 to 90"),
        (("Partial Recovery", "status"), "Failures fell to a few dozen a minute.", ""),
        (("Partial Recovery", "status"), "From a few hundred failures a minute to 90.", ""),
        (("Partial Recovery", "remaining"), "The last 100 or so queued requests wait.", "25"),
        (("Partial Recovery", "remaining"), "Some 900 queued requests wait.", ""),
        (("Partial Recovery", "remaining"), "At first 100 calls were still queued.", "25"),
        (("Partial Recovery", "status"), "Error rate down to roughly 12%.", "6 to 6 %"),
        ("regions", "Half of the failures in harbour, the rest in north", "25.9 %"),
        ("regions", "north; harbour, though behind a proxy, had half of the failures", "25.9 %"),
        ("regions", "north; harbour, though behind a proxy, had a quarter of the failures", ""),
        ("key_events", "14:19 the alert · 15:42 error rate recovered", ""),
    ],
)
def test_rows_regions_and_events_are_held_to_the_evidence(made, place, value, known):
    told = doubts(made, place, value)
    assert any(known in each for each in told) if known else not told, told


def test_a_part_of_all_is_not_one_of_what_failed(made):
    row = made.add("takeaways", text="27,780 of the 37,470 failed requests were in north.")
    told = doubts(made, "problem", "About a fifth of all requests failed.")
    made.remove("takeaways", row)
    assert told == set()


def test_an_answer_without_its_record_is_told(made):
    stray = made.path / "evidence" / "stray.parquet"
    stray.write_bytes((made.path / "evidence" / "wait.parquet").read_bytes())
    found = [each for each in made.check().itertuples() if each.where == "Evidence › stray"]
    stray.unlink()
    assert [each.message for each in found] == [
        "Its record is missing: what was asked, of whom, when, and its digest."
    ]


@pytest.mark.parametrize(
    ("minute", "clock"),
    [(23 * 60, "2025-12-04T23:00"), (30, "2025-12-05T00:30"), (12 * 60, "2025-12-04T12:00")],
)
def test_a_clock_after_midnight_is_of_the_next_day(tmp_path, minute, clock):
    times = {"start": "2025-12-04 22:30Z", "end": "2025-12-05 01:30Z"}
    incident = Incident.create("INC-9", tmp_path, **times)
    at = instants.on_day(case.take(incident), minute)
    assert at == dt.datetime.fromisoformat(f"{clock}:00+00:00")


@pytest.mark.parametrize(
    ("waiting", "severity", "is_told"),
    [("900", "hint", False), ("870", "hint", True), ("900", "warning", True)],
)
def test_a_figure_that_a_metric_had_at_its_moment_is_no_echo(made, waiting, severity, is_told):
    """The queue of north holds 900 after the mitigation; a surer doubt stands all the same."""
    made.set("problem", f"At 15:40 the queue in north held {waiting} parcels.")
    seen = case.take(made)
    cell = next(each for each in seen.cells if each.column.name == "problem")
    message = f"“{waiting} parcels”, but “6,000 parcels” under Key events."
    doubt = reading.about(seen, cell, message, severity=report.Severity(severity))
    kept = list(levels.unborne(made, seen, [doubt]))
    made.set("problem", sound.FACTS["problem"])
    assert kept == ([doubt] if is_told else [])


def test_only_so_many_names_are_looked_for_in_the_logs(made, monkeypatch):
    """Each is a search through all of them: a text of nothing but names must not slow a form."""
    looked = []

    def nothing(*given):
        looked.append(given[-1])
        return iter(())

    monkeypatch.setattr(frozenrows, "logs", nothing)
    letters = "abcdefghij"
    names = [f"Wait{one.upper()}{other}x" for one in letters for other in letters]
    made.set("problem", " ".join(f"There were 12 {each} then." for each in names))
    made.check()
    made.set("problem", sound.FACTS["problem"])
    assert len(set(looked)) == logged.NAMES


def region_of(at):
    """Return which region the nth log is of: two of three of north."""
    return "harbour" if at % 3 == 2 else "north"


@pytest.fixture(scope="module")
def ramped(tmp_path_factory):
    """A queue that grows by 60 a minute, refusals of 300 in 900, seven spans, logs of 90 users.

    Two of three of the first 60 logs are of north: 40 users there, 20 in harbour.
    """
    incident = sound.create(tmp_path_factory.mktemp("ramped"))
    incident.set("affected_total", 60)
    incident.set("failed_requests", 25_200)  # 84 minutes of 300
    start, mended = (pd.Timestamp(sound.moment(each)) for each in ("14:02", "15:26"))
    waiting = [
        40 + 60 * max(0, (min(at, mended) - start).seconds // 60) * (at >= start) for at in MINUTES
    ]
    counted = "sum:gate.{}{{*}}.as_count()"
    answers = {
        "waiting": metric("sum:gate.backlog{*}", "item", all=waiting),
        "refused": metric(counted.format("refused"), "error", all=by_phase(0, 300, 0)),
        "asked": metric(counted.format("asked"), "request", all=(900.0,) * len(MINUTES)),
        "pending": grouped(
            "sum:gate.outbox.pending{*} by {region}", "ticket", (3, 722, 90), (2, 478, 60)
        ),
        "disk": metric(
            "avg:disk.used_pct{*} by {volume}",
            "percent",
            **{"volume:vol-b": by_phase(40, 98.1, 52.5)},
        ),
    }
    for name, frame in answers.items():
        record = {"complete": True, "function": "get_datadog_metric"}
        evidence.freeze(incident.path / "evidence", name, frame, record)
    spans = {
        "timestamp": [pd.Timestamp(sound.moment("15:00"))] * 7,
        "duration": pd.to_timedelta([2_000] * 6 + [9_011], unit="ms"),
        "trace_id": [f"7be02c41d9a360b{at}" for at in range(7)],
        "tags": pd.array(
            [["env:prod", f"region:{region_of(at)}"] for at in range(7)],
            dtype=pd.ArrowDtype(pa.list_(pa.string())),
        ),
    }
    record = {"complete": True, "function": "search_datadog_spans"}
    evidence.freeze(incident.path / "evidence", "spans", pd.DataFrame(spans), record)
    lines = {
        "timestamp": [start + dt.timedelta(seconds=4 * each) for each in range(60)],
        "status": "error",
        "message": "refused",
        "usr.id": [f"u{at}" for at in range(60)],
        "region": [region_of(at) for at in range(60)],
    }
    record = {"complete": True, "function": "search_datadog_logs"}
    evidence.freeze(incident.path / "evidence", "lines", pd.DataFrame(lines), record)
    return incident


@pytest.mark.parametrize(
    ("place", "value", "known"),
    [
        (("Key Discovery", "finding"), "One request in three is refused.", ""),
        (("Key Discovery", "finding"), "One request in eight is refused.", "33.3 to 33.3 %"),
        ("problem", "At 15:00 the error rate stood at 33%.", ""),
        # 45 minutes of 300 from 14:02 to the discovery, 39 from then to the mitigation
        (("Key Discovery", "finding"), "13,500 requests were refused since the start.", ""),
        (
            ("Key Discovery", "finding"),
            "25,200 requests were refused since the start.",
            "has 13,500",
        ),
        ("problem", "11,700 more requests were refused from 14:47 on.", ""),
        ("problem", "19,700 more requests were refused from 14:47 on.", "has 11,700"),
        ("problem", "At 15:00 the error rate stood at 12%.", "error_rate of sum:gate.refused"),
        (
            "problem",
            "At 15:00 722 tickets wait in the outbox of north, and 478 in that of harbour.",
            "",
        ),
        (
            "problem",
            "At 15:00 478 tickets wait in the outbox of north.",
            "of region:north is 722 to 722",
        ),
        ("problem", "At 15:00 the use of vol-b was at 98.1%.", ""),
        ("problem", "At 15:00 the use of vol-b was at 89.1%.", "of volume:vol-b is 98.1 to 98.1 %"),
        ("key_traces", "7be02c41d9a360b6 (15:00) took 9,011 ms.", ""),
        ("key_traces", "7be02c41d9a360b6 (15:00) is one. Calls are cut off after 9.5 s.", ""),
        ("key_traces", "7be02c41d9a360b6 (15:00) took 6,011 ms.", "its spans took 9.01 s"),
        ("key_traces", "7be02c41d9a360b6 (15:40) took 9,011 ms.", "it is of 15:00 UTC"),
        ("key_logs", "20 PoolExhausted, the first at 14:31; of harbour, the last at 14:50.", ""),
        ("problem", "We wrote to the 40 users in north.", ""),
        ("problem", "We wrote to the 14 users in north.", "has 40"),
        ("regions", "north (40 users), harbour (20 users)", ""),
        ("regions", "north (20 users), harbour (40 users)", "has 40"),
    ],
)
def test_movements_rates_spans_and_regions_are_held_to_the_evidence(ramped, place, value, known):
    told = doubts(ramped, place, value)
    assert any(known in each for each in told) if known else not told, told


def test_what_went_on_for_minutes_at_a_later_start_is_no_length_of_the_whole(ramped):
    place = ("Key Discovery", "finding")
    said = "Harbour followed when requests of north had been failing for seven minutes."
    assert doubts(ramped, place, said) == set()


def test_a_share_that_the_error_rate_had_is_borne(ramped):
    ramped.set("process_cause", "The canary saw one in five requests fail.")
    told = [each for each in ramped.check()["message"] if "one in five" in each]
    ramped.set("process_cause", sound.FACTS["process_cause"])
    assert told == []


@pytest.mark.parametrize(
    ("said", "is_told"),
    [
        (
            "At 15:00 722 tickets wait in the outbox of north, 478 tickets in that of harbour.",
            False,
        ),
        ("At 15:00 722 tickets wait in the outbox of north, 487 tickets in that of harbour.", True),
    ],
)
def test_a_hint_is_left_out_only_where_the_evidence_has_both_figures(ramped, said, is_told):
    seen = case.take(ramped)
    cell = next(each for each in seen.cells if each.column.name == "problem")
    doubt = reading.about(
        seen,
        cell,
        "“722 tickets”, but “478 tickets” under Key logs.",
        severity=report.Severity.HINT,
    )
    other = reading.about(
        seen,
        cell,
        "“722 tickets”, but “487 tickets” under Key logs.",
        severity=report.Severity.HINT,
    )
    attested = reading.Attested(set(), set())
    ramped.set("problem", said)
    list(levels.found(ramped, case.take(ramped), attested))
    ramped.set("problem", sound.FACTS["problem"])
    told = other if is_told else doubt
    assert list(reading.unattested([told], attested)) == ([told] if is_told else [])


def test_a_row_full_of_clocks_does_not_hold_up_a_check(tmp_path):
    """Each clock of a row is set against those of others: six rows of hundreds took minutes."""
    incident = sound.create(tmp_path)
    minutes = [f"{at // 60:02}:{at % 60:02}" for at in range(0, 24 * 60, 4)]
    row = next(each for each in incident.values("timeline") if each["step"] == "Key Discovery")
    incident.set("finding", " and ".join(minutes), table="timeline", row=row["row"])
    every, _ = events.known(case.take(incident))
    found = [len(each.times) for each in every if each.step == "Key Discovery"]
    assert found == [31]  # its own, and thirty that it tells of
