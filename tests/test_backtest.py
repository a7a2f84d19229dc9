"""The back-test of an incident's monitors: asked once, frozen, told the same in every document.

The metric below is 0 but for ten a minute from 13:10 to 13:12 and from 14:04 to 15:29. An average
of five minutes is over 5 with three tens in its window: from 13:13 to 13:15 (three minutes, a false
alarm), and from 14:07 to 15:32. It was detected at 14:19:40, 12 minutes 40 seconds after 14:07.
"""

import base64
import json
import re
from datetime import UTC, datetime, timedelta

import bundlekit
import pandas as pd
import pytest
from lying import Lying, Say

from postmortem_nb import (
    Incident,
    backtest,
    editions,
    evidence,
    notebookcells,
    refresh,
    search_datadog_logs,
    session,
)
from postmortem_nb.errors import BadValue
from postmortem_nb.importing import markdown
from postmortem_nb.monitors import backtests, results
from postmortem_nb.sandbox.scenario import FACTS

QUERY = "avg:queue.depth{env:prod}"
MONITOR = f"avg(last_5m):{QUERY} > 5"
START = datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
TENS = ((13 * 60 + 10, 13 * 60 + 13), (14 * 60 + 4, 15 * 60 + 30))  # minutes of the day
UNIT = [{"family": "system", "name": "item"}, None]


def value(ms):
    minute = datetime.fromtimestamp(ms / 1000, UTC)
    of_day = minute.hour * 60 + minute.minute
    return 10.0 if minute.day == 4 and any(a <= of_day < b for a, b in TENS) else 0.0


def answered(heard):
    """Answer a metric question by the minute, for every query that names a queue."""
    asked = heard.json["data"]["attributes"]
    moments = [*range(-(-asked["from"] // 60_000) * 60_000, asked["to"], 60_000)]
    series, values = [], []
    for index, query in enumerate(asked["queries"]):
        if "queue" in query["query"]:
            series.append({"group_tags": [], "query_index": index, "unit": UNIT})
            values.append([value(ms) for ms in moments])
    attributes = {"series": series, "times": moments if series else [], "values": values}
    return Say({"data": {"id": "0", "type": "timeseries_response", "attributes": attributes}})


@pytest.fixture
def server(monkeypatch):
    with Lying(answered) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        yield started


@pytest.fixture
def incident(tmp_path):
    made = Incident.create("INC-7", tmp_path, start=START, end="2025-12-04T16:09Z", title="Queue")
    made.add("timeline", step="Detection", time="2025-12-04T14:19:40Z")
    return made


def only(incident, **words):
    (row,) = backtest(incident, "2h", **words).frame.to_dict("records")
    return row


def moment(clock):
    return pd.Timestamp(f"2025-12-04T{clock}Z")


def test_firing_lead_and_false_alarms_are_those_counted_by_hand(server, incident):
    incident.add("monitors", name="Depth", query=MONITOR)
    found = only(incident)
    assert found["fired"] is True
    assert found["first"] == moment("14:07")
    assert found["lead_minutes"] == pytest.approx(12 + 40 / 60)
    assert (found["alarms"], found["alarm_minutes"]) == (1, 86)  # 14:07 up to 15:33
    assert (found["false_alarms"], found["false_minutes"]) == (1, 3)
    assert found["baseline_from"] == moment("12:02")
    assert found["resolution_seconds"] == 60
    assert found["condition"] == MONITOR
    assert pd.isna(found["note"])


@pytest.mark.parametrize(
    ("query", "threshold", "fired", "first", "lead", "false"),
    [
        (QUERY, "> 5 for 5 min", True, "14:09", 10 + 40 / 60, 0),  # five tens at 14:09
        (QUERY, "> 5 at least once in 5 min", True, "14:05", 14 + 40 / 60, 1),
        (f"avg(last_30m):{QUERY} > 9", None, True, "14:32", -(12 + 20 / 60), 0),  # 28 of 30
        (f"sum(last_5m):{QUERY} > 50", None, False, None, None, 0),  # five tens are not over 50
        (QUERY, "> 5 items", True, "14:07", 12 + 40 / 60, 1),
    ],
)
def test_other_conditions_on_the_same_metric(  # noqa: PLR0917
    server, incident, query, threshold, fired, first, lead, false
):
    incident.add("monitors", name="Depth", query=query, threshold=threshold or "")
    found = only(incident)
    assert found["fired"] is fired
    assert found["first"] == moment(first) if first else pd.isna(found["first"])
    assert found["lead_minutes"] == pytest.approx(lead) if lead else pd.isna(found["lead_minutes"])
    assert found["false_alarms"] == false


def test_one_that_stays_silent_says_how_near_it_came(server, incident):
    incident.add("monitors", name="Depth", query=f"avg(last_5m):{QUERY} > 11")
    assert only(incident)["note"] == "highest value in the incident 10, threshold 11"


def doubted(incident):
    found = incident.check()
    return list(found["message"][(found["code"] == "range") & (found["table"] == "monitors")])


def test_a_check_says_of_a_monitor_that_it_stays_silent(server, incident):
    incident.add("monitors", name="Depth", query=f"avg(last_5m):{QUERY} > 11")
    assert doubted(incident) == []
    backtest(incident, "2h")
    how = "highest value in the incident 10, threshold 11"
    assert doubted(incident) == [f"By its back-test it would not have alerted: {how}."]
    incident.set(
        "status",
        "Rejected: it does not fire",
        table="monitors",
        row=incident.values("monitors")[0]["row"],
    )
    assert doubted(incident) == []


@pytest.mark.parametrize(
    ("said", "truth"),
    [  # the first alarm 14:07, the detection 14:19:40, one false alarm: counted by hand above
        ("It would have fired at 14:07 UTC.", ""),
        ("It would have fired at 14:17 UTC.", "the first alarm at 14:07 UTC"),
        ("It would have paged us 13 minutes earlier.", ""),
        ("It would have paged us about a quarter of an hour earlier, and had 1 false alarm.", ""),
        ("It would have paged us 30 minutes before.", "12 minutes 40 seconds before the detection"),
        ("It would have alerted 13 minutes after the alert.", "12 minutes 40 seconds before"),
        ("It comes before the one that found the incident.", ""),
        ("It comes after the one that found the incident.", "12 minutes 40 seconds before"),
        ("No false alarms in the two hours before.", "1 false alarm"),
        ("It had three false alarms.", "1 false alarm"),
    ],
)
def test_what_is_said_of_a_monitor_is_held_against_its_back_test(server, incident, said, truth):
    incident.add("monitors", name="Depth", query=MONITOR, status=said)
    backtest(incident, "2h")
    found = doubted(incident)
    assert len(found) == bool(truth)
    assert all(truth in each for each in found)


def test_a_monitor_changed_after_its_back_test_is_tried_again(server, incident):
    row = incident.add("monitors", name="Depth", query=MONITOR, status="Would have fired at 14:07.")
    backtest(incident, "2h")
    assert doubted(incident) == []
    incident.set("threshold", "> 11", table="monitors", row=row)
    incident.set("query", QUERY, table="monitors", row=row)
    assert any("would not have alerted" in each for each in doubted(incident))


def test_an_alarm_under_way_when_the_impact_began_is_told(server, incident):
    incident.add("monitors", name="Always", query=f"avg(last_5m):{QUERY} >= 0")
    found = only(incident)
    assert (found["fired"], found["first"]) == (False, pd.NaT)
    assert (found["alarms"], found["false_alarms"], found["false_minutes"]) == (0, 1, 120)
    assert found["note"] == (
        "it was in alarm already when the impact began: since before 2025-12-04 12:02 UTC"
    )


@pytest.mark.parametrize(
    ("begun", "figures"),
    [
        # the values are ten from then to 14:20, over 5 on average of five minutes from the third on
        ("13:55", ("13:58", 21 + 2 / 3, 1, 21, 0, 0)),
        ("10:30", ("10:33", 226 + 2 / 3, 1, 21, 0, 0)),
        ("09:30", (None, None, 0, 0, 1, 269)),  # more than four hours before: no warning of it
    ],
)
def test_an_alarm_that_began_before_the_impact_counts_once(incident, monkeypatch, begun, figures):
    since = datetime.fromisoformat(f"2025-12-04T{begun}Z").timestamp() * 1000
    until = datetime(2025, 12, 4, 14, 20, tzinfo=UTC).timestamp() * 1000

    def script(heard):
        said = answered(heard)
        attributes = said.body["data"]["attributes"]
        moments = attributes["times"]
        attributes["values"] = [[10.0 if since <= ms < until else 0.0 for ms in moments]]
        return said

    incident.add("monitors", name="Depth", query=MONITOR)
    with Lying(script) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        (found,) = backtest(incident, "6h").frame.to_dict("records")
    names = ("alarms", "alarm_minutes", "false_alarms", "false_minutes")
    first = None if pd.isna(found["first"]) else f"{found['first']:%H:%M}"
    lead = None if pd.isna(found["lead_minutes"]) else pytest.approx(found["lead_minutes"])
    assert (first, lead, *(found[name] for name in names)) == figures
    assert "it was in alarm already when the impact began: since 2025-12-04" in found["note"]


def test_each_group_counts_its_own_alarms_and_one_that_ends_is_not_the_first(incident, monkeypatch):
    """Host b alarms with the queue, 13:13–13:16 and 14:07–15:33; a from 13:13 to 14:04."""

    def script(heard):
        said = answered(heard)
        attributes = said.body["data"]["attributes"]
        (low,) = attributes["values"]
        day = [datetime.fromtimestamp(ms / 1000, UTC) for ms in attributes["times"]]
        before = [10.0 if (13, 10) <= (m.hour, m.minute) < (14, 2) else 0.0 for m in day]
        tags = [{"group_tags": [f"host:{h}"], "query_index": 0, "unit": UNIT} for h in "ab"]
        attributes |= {"series": tags, "values": [before, low]}
        return said

    incident.add("monitors", name="Depth", query="avg(last_5m):avg:queue.depth{*} by {host} > 5")
    with Lying(script) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        (one,) = backtest(incident, "2h")
    assert results.cells(one)[1:] == (
        "yes", "2025-12-04 14:07 UTC (host:b)", "12 minutes 40 seconds earlier",
        "1 alarm, 1 hour 26 minutes", "2 alarms, 49 minutes in 2 hours",
    )  # fmt: skip
    assert "already when the impact began: host:a since 2025-12-04 13:13 UTC" in results.notes(one)
    assert results.picture(one).startswith(b"\x89PNG")


def test_an_alarm_lasts_through_minutes_without_data(incident, monkeypatch):
    """A point every five minutes, seen at its end: ten at 13:10, and from 14:05 to 15:25."""

    def script(heard):
        said = answered(heard)
        attributes = said.body["data"]["attributes"]
        kept = [n for n, ms in enumerate(attributes["times"]) if ms % 300_000 == 0]
        attributes["times"] = [attributes["times"][n] for n in kept]
        attributes["values"] = [[row[n] for n in kept] for row in attributes["values"]]
        return said

    incident.add("monitors", name="Depth", query=f"max(last_1m):{QUERY} > 5")
    with Lying(script) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        found = only(incident)
    assert found["first"] == moment("14:10")
    assert (found["alarms"], found["alarm_minutes"]) == (1, 85)
    assert (found["false_alarms"], found["false_minutes"]) == (1, 5)
    assert "where a window has no data its last known status stays" in found["note"]


def test_an_alarm_of_one_group_through_minutes_without_data_is_told(incident, monkeypatch):
    """host:a alarms and falls silent, host:b goes on quietly: that a's alarm stays is no data."""

    def script(heard):
        asked = heard.json["data"]["attributes"]
        moments = [*range(-(-asked["from"] // 60_000) * 60_000, asked["to"], 60_000)]
        gone = moment("14:30").value // 1_000_000
        rows = [[value(ms) if ms < gone else None for ms in moments], [0.0] * len(moments)]
        series = [{"group_tags": [f"host:{h}"], "query_index": 0, "unit": UNIT} for h in "ab"]
        attributes = {"series": series, "times": moments, "values": rows}
        return Say({"data": {"id": "0", "type": "timeseries_response", "attributes": attributes}})

    incident.add("monitors", name="Depth", query=f"avg(last_5m):{QUERY} by {{host}} > 5")
    with Lying(script) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        found = only(incident)
    assert (found["alarms"], found["alarm_minutes"]) == (1, 127)  # 14:07 up to 16:14
    assert (
        found["note"] == "where a window has no data its last known status stays, Datadog's default"
    )


def test_what_cannot_be_tried_says_why_and_the_others_go_on(server, incident):
    incident.add("monitors", name="Clicks", query='rum("x").rollup("count").last("5m") > 1')
    incident.add("monitors", name="Nothing")
    incident.add("monitors", name="Gone", query="avg(last_5m):avg:no.such{*} > 5")
    incident.add("monitors", name="Depth", query=MONITOR)
    frame = backtest(incident, "2h").frame
    assert frame["fired"].isna().tolist() == [True, True, True, False]
    assert "counts rum" in frame["note"][0]
    assert frame["note"][1] == "it has no query yet"
    assert "had no data" in frame["note"][2]
    assert frame["fired"][3]
    page = written(incident, "html")[0]
    cells = ["3. Gone", "unknown", "–", "–", "unknown", "unknown"]
    assert "".join(f"<td>{cell}</td>" for cell in cells) in page
    assert "Figure 1. Back-test: Depth" in page  # there is nothing to draw of Gone
    assert frame["alarms"].isna().tolist() == [True, True, True, False]
    assert frame["false_alarms"].isna().tolist() == [True, True, True, False]


def test_without_a_start_or_a_detection_that_is_said(server, tmp_path):
    made = Incident.create("INC-8", tmp_path)
    assert str(backtest(made)) == results.NONE
    made.add("monitors", name="Depth", query=MONITOR)
    assert "no time for 'Incident Start'" in backtest(made).frame["note"][0]
    made.add("timeline", step="Incident Start", time=START)
    made.add("timeline", step="Full Recovery", time="2025-12-04T16:09Z")
    found = backtest(made, "2h").frame
    assert found["fired"][0]
    assert "lead is unknown" in found["note"][0]
    assert pd.isna(found["lead_minutes"][0])


def test_an_incident_that_is_open_for_months_lacks_its_end(server, tmp_path):
    made = Incident.create("INC-8", tmp_path, start="2025-01-04T14:02Z")
    made.add("monitors", name="Depth", query=MONITOR)
    note = only(made)["note"]
    assert "has no time for 'Full Recovery' after 'Incident Start'" in note
    assert not server.heard


def test_nothing_fires_after_the_moment_of_asking(monkeypatch, tmp_path):
    """A window of a week ends in days to come, when there are fewer and fewer known points."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    start, end = now - timedelta(minutes=40), now - timedelta(minutes=20)
    high = range(int(start.timestamp()) * 1000, int(end.timestamp()) * 1000)
    made = Incident.create("INC-8", tmp_path, start=start, end=end)
    made.add("monitors", name="Week", query=f"avg(last_1w):{QUERY} > 1")
    made.add("monitors", name="Both", query="#1 || #3")
    made.add("monitors", name="Hour", query=f"avg(last_1h):{QUERY} > 2")
    limit = int(now.timestamp()) * 1000

    def known(heard):
        said = answered(heard)
        attributes = said.body["data"]["attributes"]
        moments = [ms for ms in attributes["times"] if ms < limit]
        attributes["times"] = moments
        attributes["values"] = [[10.0 if ms in high else 0.0 for ms in moments]]
        return said

    with Lying(known) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        found = backtest(made, "1d").frame
    assert found["fired"].tolist() == [False, True, True]
    assert found["alarm_minutes"][2] <= 28, "from 13 minutes after the start up to now"
    assert "up to the moment of asking" in found["note"][2]


@pytest.mark.parametrize("baseline", ["soon", "0m", "400d", 7])
def test_a_baseline_that_is_no_length_is_refused(incident, baseline):
    with pytest.raises(BadValue, match="baseline"):
        backtest(incident, baseline)


def test_it_is_asked_once_and_again_only_when_told_to(server, incident):
    incident.add("monitors", name="Depth", query=MONITOR)
    first = only(incident)
    asked = len(server.heard)
    assert only(incident) == first
    assert len(server.heard) == asked
    only(incident, refresh=True)
    assert len(server.heard) == 2 * asked


def test_a_week_is_asked_by_the_minute_in_slices(server, incident):
    incident.add("monitors", name="Depth", query=MONITOR)
    (found,) = backtest(incident).frame.to_dict("records")
    assert found["resolution_seconds"] == 60
    assert found["false_alarms"] == 1
    sent = [heard.json["data"]["attributes"] for heard in server.heard]
    assert {each["interval"] for each in sent} == {60_000}
    assert max(each["to"] - each["from"] for each in sent) == 1440 * 60_000


def test_a_slice_that_failed_leaves_it_unknown_where_it_did_not_fire(incident, monkeypatch):
    def script(heard):
        late = heard.json["data"]["attributes"]["from"] >= 1764806400000  # from 4 December on
        return Say({"errors": ["no"]}, status=403) if late else answered(heard)

    incident.add("monitors", name="Depth", query=MONITOR)
    with Lying(script) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        (found,) = backtest(incident).frame.to_dict("records")
    assert pd.isna(found["fired"])
    assert "partial" in found["note"]


def test_a_count_of_logs_is_the_one_counted_by_hand(incident, monkeypatch):
    """Over the sandbox: every log pulled and counted here, a window at a time."""
    monkeypatch.delenv("POSTMORTEM_DATADOG_URL", raising=False)
    search, limit, five = "service:checkout status:error", 10, timedelta(minutes=5)
    incident.add(
        "monitors", name="Errors", query=f'logs("{search}").rollup("count").last("5m") > {limit}'
    )
    (found,) = backtest(incident, "1h").frame.to_dict("records")
    since, until = START - timedelta(hours=1), datetime(2025, 12, 4, 16, 9, tzinfo=UTC) + five
    logs = search_datadog_logs(search, since - five, until, limit=100_000)["timestamp"]
    firing = [
        now
        for now in pd.date_range(since, until, freq="min", inclusive="left")
        if ((logs >= now - five) & (logs < now)).sum() > limit
    ]
    inside = [now for now in firing if now >= START]
    assert found["first"] == inside[0]
    assert found["alarm_minutes"] == len(inside) > 60
    assert found["false_minutes"] == len(firing) - len(inside)
    assert [each.tried.fired for each in backtests.frozen(incident)] == [True]


# ---- documents


def written(incident, form, **words):
    paths = editions.export(incident.path, form, **words)
    return paths[0].read_text("utf-8"), paths


def test_the_document_tells_it_from_frozen_answers_alone(server, incident, monkeypatch):
    incident.add("monitors", name="Depth", query=MONITOR)
    incident.add("dashboards", name="Board")
    backtest(incident, "2h")
    monkeypatch.setenv("POSTMORTEM_DATADOG_URL", "http://127.0.0.1:9")  # nobody answers there
    page, _ = written(incident, "html")
    paper, paths = written(incident, "markdown")
    row = ["1. Depth", "yes", "2025-12-04 14:07 UTC", "12 minutes 40 seconds earlier"]
    row += ["1 alarm, 1 hour 26 minutes", "1 alarm, 3 minutes in 2 hours"]
    assert "".join(f"<td>{cell}</td>" for cell in row) in page
    assert f"| 1\\. Depth | {' | '.join(row[1:])} |" in paper
    card = page.rindex("Board")  # findings at the top of the page name it too
    assert page.index("<td>1. Depth</td>") < card  # behind the monitors
    assert paper.index("**Back-test**") < paper.index("Enhanced Dashboard")
    for said in (page, paper):
        assert said.count("Figure 1. Back-test: Depth") == 1
        assert "Fired in the incident: yes, first at 2025-12-04 14:07 UTC" in said
    assert 'href="#evidence-1"' in page
    pictures = [path for path in paths if path.suffix == ".png"]
    assert any("backtest" in path.name for path in pictures)


def test_figures_are_numbered_in_the_order_they_stand(server, incident):
    row = incident.add("monitors", name="Depth", query=MONITOR)
    backtest(incident, "2h")
    folder = incident.path / "evidence"
    frame = evidence.thaw(folder, backtests.evidence_name(row))
    for name in ("impact", "logs"):  # one before the monitors, one behind them
        evidence.freeze(folder, name, frame, dict(frame.attrs["evidence"]))
    page, paper = written(incident, "html")[0], written(incident, "markdown")[0]
    numbered = re.findall(r"Figure (\d)\. (\w+)", paper)
    assert [number for number, _ in numbered] == ["1", "2", "3"]
    assert numbered[1][1] == "Back"
    assert re.findall(r"Figure (\d)\. (\w+)", page) == numbered


def test_the_archived_notebook_tells_it_as_a_table(server, incident):
    incident.add("monitors", name="Depth", query=MONITOR)
    backtest(incident, "2h")
    made, _ = notebookcells.cells(incident)
    texts = [cell["attributes"]["definition"].get("text", "") for cell in made]
    (found,) = (each for each in texts if "**Back-test**" in each)
    assert "| 1\\. Depth | yes | 2025-12-04 14:07 UTC |" in found
    assert "![" not in found


def test_a_changed_threshold_is_tried_on_the_same_answers(server, incident):
    row = incident.add("monitors", name="Depth", query=MONITOR)
    backtest(incident, "2h")
    asked = len(server.heard)
    incident.set("query", f"avg(last_5m):{QUERY} > 11", table="monitors", row=row)
    assert "<td>1. Depth</td><td>no</td>" in written(incident, "html")[0]
    assert len(server.heard) == asked


def test_a_changed_query_is_not_told_from_old_answers(server, incident):
    row = incident.add("monitors", name="Depth", query=MONITOR)
    backtest(incident, "2h")
    incident.set("query", "avg(last_5m):avg:other.queue{*} > 5", table="monitors", row=row)
    page, _ = written(incident, "html")
    assert "<td>1. Depth</td><td>unknown</td>" in page
    assert "changed since it was back-tested" in page


def test_without_a_back_test_and_in_public_nothing_of_it_shows(server, incident):
    incident.add("monitors", name="Depth", query=MONITOR)
    assert "Back-test" not in written(incident, "html")[0]
    assert "Back-test" not in written(incident, "markdown")[0]
    backtest(incident, "2h")
    assert "Back-test" not in written(incident, "html", audience="public")[0]
    assert "Back-test" not in written(incident, "markdown", audience="public")[0]
    assert "Back-test" in written(incident, "html", blanks=True)[0]


def test_a_document_takes_the_picture_that_the_cell_drew_while_it_fits(
    server, incident, monkeypatch
):
    row = incident.add("monitors", name="Depth", query=MONITOR)
    (tested,) = backtest(incident, "2h")
    drawn = results.drawn(tested)
    kept = bundlekit.data(
        {"image/png": base64.b64encode(drawn.png).decode()}, postmortem=drawn.facts
    )
    html = bundlekit.data({"text/html": "<p>a tool's own table</p>"})
    cell = bundlekit.code_cell("backtest(incident)", html, kept, postmortem={"role": "backtest"})
    path = incident.path / "INC-7.ipynb"
    path.write_text(
        json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    asked = []
    drawing = results.picture
    monkeypatch.setattr(results, "picture", lambda *words: asked.append(words) or drawing(*words))
    page, _ = written(incident, "html")
    assert not asked
    assert base64.b64encode(drawn.png).decode() in page
    assert "a tool's own table" not in page
    incident.set("query", f"avg(last_5m):{QUERY} > 6", table="monitors", row=row)
    page, _ = written(incident, "html")
    assert len(asked) == 1  # another threshold is another picture
    assert base64.b64encode(drawn.png).decode() not in page


def test_a_cell_shows_the_table_and_each_picture(server, incident, monkeypatch):
    incident.add("monitors", name="Depth", query=MONITOR)
    incident.add("monitors", name="Clicks", query='rum("x").rollup("count").last("5m") > 1')
    shown = []
    monkeypatch.setattr(session, "display", lambda data, **words: shown.append((data, words)))
    backtest(incident, "2h")._ipython_display_()
    table, picture, line = shown
    assert '<td style="text-align:left">1. Depth</td>' in table[0]["text/html"]
    assert picture[0]["image/png"].startswith(b"\x89PNG")
    assert "Fired in the incident: yes" in picture[1]["metadata"]["image/png"]["alt"]
    assert "complete" in line[0]["text/plain"]


def test_a_document_with_back_tests_is_read_back_without_a_word_of_them(server, incident, tmp_path):
    incident.add("monitors", name="Depth", query=MONITOR)
    incident.add("monitors", name="Clicks", query='rum("x").rollup("count").last("5m") > 1')
    backtest(incident, "2h")
    path = written(incident, "markdown")[1][0]
    again, unread = markdown.from_markdown(path, "INC-7", tmp_path / "again")
    assert unread == []
    assert [row["name"] for row in again.values("monitors")] == ["Depth", "Clicks"]


def test_hostile_names_and_queries_stay_text(server, incident):
    name = '<img src=x onerror=alert(1)> | **b** "q"'
    incident.add("monitors", name=name, query=f"avg(last_5m):{QUERY} > 5 <script>")
    incident.add("monitors", name=name, query=MONITOR)
    shown = backtest(incident, "2h")._repr_html_()
    page, paper = written(incident, "html")[0], written(incident, "markdown")[0]
    for said in (shown, page):
        assert "<img src=x" not in said
        assert "<script>" not in said
        assert "&lt;img src=x onerror=alert(1)&gt;" in said
    line = next(line for line in paper.splitlines() if line.startswith("| 2\\. "))
    assert len(re.findall(r"(?<!\\)\|", line)) == 7  # six cells
    assert "\\*\\*b\\*\\*" in line


def test_a_secret_in_a_query_is_masked_but_asked_for_as_it_is(server, incident):
    secret = "AKIAQ7" + "3MZXN4PLW6TBHD"
    query = f"avg:queue.depth{{key:{secret}}}"
    incident.add("monitors", name="Depth", query=f"avg(last_5m):{query} > 5")
    backtest(incident, "2h")
    assert secret in server.heard[0].body.decode()
    page = written(incident, "html")[0]
    assert secret not in page
    assert "<td>1. Depth</td><td>yes</td>" in page
    assert secret not in written(incident, "markdown")[0]


def test_its_evidence_can_be_asked_again_and_stays_one_of_a_back_test(server, incident):
    row = incident.add("monitors", name="Depth", query=MONITOR)
    backtest(incident)
    (again,) = refresh.refresh(incident, accept=True).to_dict("records")
    assert again["name"] == backtests.evidence_name(row)
    assert (again["added"], again["removed"], again["changed"]) == (0, 0, 0)
    assert [each.tried.fired for each in backtests.frozen(incident)] == [True]


def test_a_changed_evidence_is_told(server, incident):
    row = incident.add("monitors", name="Depth", query=MONITOR)
    backtest(incident, "2h")
    name = backtests.evidence_name(row)
    folder = incident.path / "evidence"
    record = evidence.listing(folder)[0]
    frame = evidence.thaw(folder, name)
    frame["value"] += 1
    evidence.freeze(folder, "other", frame, record)
    (folder / "other.parquet").replace(folder / f"{name}.parquet")
    assert "changed since it was frozen" in results.notes(backtests.frozen(incident)[0])


@pytest.mark.parametrize("damage", [{"from": None}, {"to": "soon"}])
def test_an_answer_of_an_unknown_window_is_asked_for_anew(server, incident, damage):
    row = incident.add("monitors", name="Depth", query=MONITOR)
    first = backtest(incident, "2h").frame
    path = incident.path / "evidence" / f"{backtests.evidence_name(row)}.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | damage))
    assert [each.tried for each in backtests.frozen(incident)] == [None]
    pd.testing.assert_frame_equal(backtest(incident, "2h").frame, first)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | damage))
    assert len(backtest(incident).frame) == 1
    assert [each.tried is None for each in backtests.frozen(incident)] == [False]


def test_groups_are_drawn_and_named(incident, monkeypatch):
    def script(heard):
        said = answered(heard)
        attributes = said.body["data"]["attributes"]
        (low,) = attributes["values"]
        tags = [{"group_tags": [f"host:{h}"], "query_index": 0, "unit": UNIT} for h in "ab"]
        attributes |= {"series": tags, "values": [[v / 3 for v in low], low]}
        return said

    query = "avg:queue.depth{*} by {host}"
    incident.add("monitors", name="Depth", query=f"avg(last_5m):{query} > 5")
    with Lying(script) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        found = backtest(incident, "2h")
    (one,) = found
    assert results.cells(one)[2] == "2025-12-04 14:07 UTC (host:b)"
    assert results.picture(one).startswith(b"\x89PNG")
    assert results.picture(one) == results.picture(one)


def test_a_length_that_is_no_whole_day_is_said_in_hours(server, incident):
    incident.add("monitors", name="Depth", query=MONITOR)
    assert results.cells(next(iter(backtest(incident, timedelta(hours=30)))))[5] == (
        "1 alarm, 3 minutes in 30 hours"
    )
    assert "7 days" in str(backtest(incident, "7d"))


def test_a_rerun_keeps_the_baseline_and_asks_nobody(server, incident):
    incident.add("monitors", name="Depth", query=MONITOR)
    first = backtest(incident, "2h").frame
    asked = len(server.heard)
    pd.testing.assert_frame_equal(backtest(incident).frame, first)
    assert len(server.heard) == asked
    incident.add("monitors", name="More", query=f"avg(last_10m):{QUERY} > 5")
    assert set(backtest(incident).frame["baseline_from"]) == {moment("12:02")}


def test_a_change_monitor_needs_the_window_before_its_baseline(server, incident):
    """Five minutes' average against an hour before: 10 − 0 > 5 from 14:07 on, as without change."""
    incident.add("monitors", name="Jump", query=f"change(avg(last_5m),last_1h):{QUERY} > 5")
    found = only(incident)
    assert found["first"] == moment("14:07")
    assert found["baseline_from"] == moment("12:02")
    # 13:13 to 13:15 as before; at 14:13 to 14:15 the hour before was as high: a gap of the alarm
    assert (found["false_alarms"], found["false_minutes"]) == (1, 3)


def test_one_that_cannot_be_tried_says_so_in_a_document_without_any_back_test(tmp_path):
    made = Incident.create("INC-8", tmp_path, start=START, end="2025-12-04T16:09Z", title="Queue")
    made.add("monitors", name="Odd", query="avg(last_4h):anomalies(avg:a{*}, 'basic', 2) >= 1")
    made.add("monitors", name="Fine", query=MONITOR)
    (found,) = backtests.frozen(made)
    assert (found.number, "anomalies(…) learns from data of its own" in found.reason) == (1, True)
    page = editions.export(made.path, "markdown")[0].read_text("utf-8")
    assert "learns from data of its own" in page


def test_logs_counted_by_group_alarm_each_alone(tmp_path):
    """A second way to the first alarm: the logs of each service themselves, by the minute."""
    query = 'logs("status:error").index("*").rollup("count").by("service").last("5m") > 40'
    made = Incident.create("INC-9", tmp_path, start=FACTS.start, end=FACTS.recovered)
    made.add("monitors", name="By service", query=query)
    (found,) = backtest(made, "2h")
    logs = search_datadog_logs(
        "status:error", FACTS.start - timedelta(hours=3), FACTS.recovered, limit=50_000
    )
    counts = logs.groupby("service").resample("1min", on="timestamp").size()
    firsts = [
        (over.index[over > 40][0] + pd.Timedelta("1min"), f"service:{name}")
        for name, part in counts.groupby(level=0)
        if (over := part.droplevel(0).rolling(5, min_periods=1).sum()).max() > 40
    ]
    assert (found.tried.first, found.tried.group) == min(firsts)
