"""Composite monitors: read, combined as Datadog documents it, back-tested, made.

Two metrics are 0 but for tens: ``a`` from 13:10 to 13:12 and 14:04 to 14:29, ``b`` from 13:12 to
13:14 and 14:10 to 14:49. A window of one minute sees a ten at the end of its minute, so monitor 11
(on ``a``) alarms from 13:11 to 13:13 and 14:05 to 14:30, monitor 22 (on ``b``) from 13:13 to 13:15
and 14:11 to 14:50. The impact began at 14:02, it was detected at 14:19:40.
"""

import ast
import base64
import itertools
import json
import random
import re
import time
from datetime import UTC, datetime, timedelta

import bundlekit
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lying import Lying, Say

from postmortem_nb import (
    Incident,
    backtest,
    candidates,
    cli,
    editions,
    evidence,
    proposals,
    refresh,
)
from postmortem_nb.errors import QueryError
from postmortem_nb.monitors import backtests, composites, results, statuses
from postmortem_nb.monitors.statuses import ALERT, NO_DATA, OK, WARN, Grouped
from postmortem_nb.sandbox.scenario import FACTS
from postmortem_nb.sandbox.server import Server

START = datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
END = datetime(2025, 12, 4, 16, 9, tzinfo=UTC)
A, B = "avg:a{env:prod}", "avg:b{env:prod}"


def clock(text):
    hours, minutes = map(int, text.split(":"))
    return hours * 60 + minutes


TENS = {
    "a": [("13:10", "13:13"), ("14:04", "14:30")],
    "b": [("13:12", "13:15"), ("14:10", "14:50")],
}


class Account:
    """A Datadog account with a few monitors and metrics, and what it was asked.

    ``monitors`` are definitions by id, ``points`` give a metric's value at a minute of the day
    (None: no point) for each group of its tags.
    """

    def __init__(self):
        self.monitors = {
            "11": monitor(11, "Errors", f"avg(last_1m):{A} > 5"),
            "22": monitor(22, "Queue", f"avg(last_1m):{B} > 5"),
        }
        self.points = {name: {"": tens(name)} for name in TENS}

    def __call__(self, heard):
        if found := re.match(r"/api/v1/monitor/(\d+)", heard.path):
            known = self.monitors.get(found[1], Say({"errors": ["Monitor not found"]}, status=404))
            return known if isinstance(known, Say) else Say(known)
        asked = heard.json["data"]["attributes"]
        moments = [*range(-(-asked["from"] // 60_000) * 60_000, asked["to"], 60_000)]
        series, rows = [], []
        for index, query in enumerate(asked["queries"]):
            name = re.search(r":(\w+)\{", query["query"])[1]
            for tags, value in self.points.get(name, {}).items():
                series.append({"group_tags": [t for t in tags.split(",") if t], "unit": None})
                series[-1]["query_index"] = index
                rows.append([value(of_day(ms)) for ms in moments])
        attributes = {"series": series, "times": moments, "values": rows}
        return Say({"data": {"id": "0", "type": "timeseries_response", "attributes": attributes}})


def of_day(ms):
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.hour * 60 + moment.minute if moment.day == 4 else -1


def tens(name, high=10.0):
    spans = [(clock(start), clock(end)) for start, end in TENS[name]]
    return lambda minute: high if any(a <= minute < b for a, b in spans) else 0.0


def monitor(number, name, query, **more):
    options = more.pop("options", {})
    return {
        "id": number, "name": name, "type": "query alert", "query": query,
        "modified": "2025-03-11T09:30:00.000000+00:00", "deleted": None,
        "creator": {"email": "someone@example.com"}, "message": "@pagerduty", "options": options,
    } | more  # fmt: skip


@pytest.fixture
def account():
    return Account()


@pytest.fixture
def server(account, monkeypatch):
    with Lying(account) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        yield started


@pytest.fixture
def incident(tmp_path):
    made = Incident.create("INC-7", tmp_path, start=START, end=END, title="Both")
    made.add("timeline", step="Detection", time="2025-12-04T14:19:40Z")
    return made


def only(incident, query, **words):
    """Return the row of a composite that is added last."""
    incident.add("monitors", name="Both", query=query)
    return backtest(incident, "2h", **words).frame.to_dict("records")[-1]


def alarms(incident, query):
    """Return first and last minute of each alarm of a composite, baseline included."""
    incident.add("monitors", name="Both", query=query)
    tried = [*backtest(incident, "2h")][-1].tried
    return [
        f"{alarm.start:%H:%M}–{alarm.end - timedelta(minutes=1):%H:%M}"
        for alarm in (*tried.false_alarms, *tried.alarms)
    ]


# ---- reading


@pytest.mark.parametrize(
    ("query", "canonical", "names"),
    [
        ("12345 && !67890 || 222", "(12345 && !67890) || 222", ["12345", "67890", "222"]),
        ("1||2&&3", "1 || (2 && 3)", ["1", "2", "3"]),
        ("(1 || 2) && 3", "(1 || 2) && 3", ["1", "2", "3"]),
        ("!(1 && 2)", "!(1 && 2)", ["1", "2"]),
        ("!!123", "!!123", ["123"]),
        ("  ((#1))\n&& #02 ", "#1 && #2", ["#1", "#2"]),
        ("12345", "12345", ["12345"]),
        ("#1", "#1", ["#1"]),
        ("1 && 1 && 1", "1 && 1 && 1", ["1"]),
        ("999999999999999999 && 1", "999999999999999999 && 1", ["999999999999999999", "1"]),
    ],
)
def test_an_expression_is_read_and_written_again(query, canonical, names):
    assert composites.is_one(query)
    found = composites.read(query)
    assert found.query() == canonical
    assert found.names == names
    assert composites.read(canonical).names == names


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("123 &&", "got 'the end'"),
        ("&& 123", "got '&& 123'"),
        ("(123 || 4", "got 'the end'"),
        ("123 || 4)", "got ')'"),
        ("123 4 && 5", "got '4 && 5'"),
        ("a && b", "a composite of monitors, for example 48210002 && !#1; got 'a && b'"),
        ("12 && queue", "got 'queue'"),
        ("12 & 34 || 5", "got '& 34 || 5'"),
        ("1.5 && 2", "got '1.5 && 2'"),
        ("1234567890123456789 && 2", "got '1234567890123456789 && 2'"),
        ("#12345 || 1", "got '#12345 || 1'"),
        ("0 && 1", "from 1 on"),
        ("#0 || 1", "from 1 on"),
        (" && ".join(map(str, range(1, 12))), "up to 10 monitors; got 11"),
        ("(" * 41 + "1" + ")" * 41 + " && 2", "up to 40 parentheses"),
        ("!" * 41 + "1 && 2", "up to 40 parentheses"),
    ],
)
def test_what_is_no_composite_says_why_on_one_line(query, says):
    assert composites.is_one(query)
    with pytest.raises(QueryError) as refused:
        backtests.read({"query": query})
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "query",
    [
        'logs("a && b").index("*").rollup("count").last("5m") > 1',
        'events("x || y").rollup("count").last("5m") > 1',
        "avg(last_5m):avg:a{*} > 5",
        "avg:a{*}", "5", "", "(((((", "5 > 3",
    ],
)  # fmt: skip
def test_other_queries_are_no_composites(query):
    assert not composites.is_one(query)


@pytest.mark.parametrize(
    "query",
    ["(" * 100_000, "!" * 100_000 + "1", "1&&" * 33_000 + "1", "(1||" * 25_000, "1" * 100_000,
     "(" * 8_000 + "&&", "1&&" * 2_700 + "1", "!" * 8_000 + "#1", '"' * 8_000 + "&&" + "(" * 100],
)  # fmt: skip
def test_hostile_input_is_answered_at_once(query):
    began = time.perf_counter()
    try:
        made = backtests.read({"query": query})
    except QueryError as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - one line is the promise
        assert len(str(refused)) < 500  # noqa: PT017
    else:
        assert made.names == ["1"]
    assert time.perf_counter() - began < 1  # some milliseconds; a busy machine takes longer


@given(st.text(alphabet="12#&|!() \n٣²", max_size=40))
def test_any_expression_is_read_or_refused(query):
    try:
        found = backtests.read({"query": query})
    except QueryError as refused:
        assert "\n" not in str(refused)  # noqa: PT017
    else:
        assert composites.read(found.query()).query() == found.query()


# ---- combining


@pytest.mark.parametrize(
    ("a", "b", "both", "either"),
    [  # the table of docs.datadoghq.com/monitors/types/composite
        (ALERT, WARN, WARN, ALERT),
        (ALERT, OK, OK, ALERT),
        (WARN, OK, OK, WARN),
        (NO_DATA, WARN, NO_DATA, WARN),
        (NO_DATA, OK, OK, NO_DATA),
        (NO_DATA, NO_DATA, NO_DATA, NO_DATA),
    ],
)
def test_statuses_combine_as_datadog_documents_them(a, b, both, either):
    for first, second in ((a, b), (b, a)):
        known = {"1": np.array([[first]], np.int8), "2": np.array([[second]], np.int8)}
        for sign, expected in (("&&", both), ("||", either)):
            node = composites.read(f"1 {sign} 2").node
            assert statuses.combined(node, known).tolist() == [[expected]]


@pytest.mark.parametrize(
    ("status", "turned"), [(ALERT, OK), (WARN, OK), (OK, ALERT), (NO_DATA, NO_DATA)]
)
def test_a_negation_turns_a_status_as_datadog_documents_it(status, turned):
    node, known = composites.read("!123").node, {"123": np.array([[status]], np.int8)}
    assert statuses.combined(node, known).tolist() == [[turned]]


def test_the_last_known_status_stays_where_there_is_no_data():
    rows = [[NO_DATA, NO_DATA, ALERT, NO_DATA, OK, NO_DATA, NO_DATA, WARN]]
    assert statuses.kept(np.array(rows, np.int8)).tolist() == [
        [NO_DATA, NO_DATA, ALERT, ALERT, OK, OK, OK, WARN]
    ]


EXPRESSIONS = st.recursive(
    st.sampled_from("123"),
    lambda inner: st.one_of(
        inner.map(lambda words: f"!({words})"),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(" ".join),
        inner.map(lambda words: f"({words})"),
    ),
    max_leaves=12,
)


def worked(words, known):
    """Return a status by the documented sentences, the expression read by Python's own grammar."""
    python = words.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    return _status(ast.parse(f"({python})", mode="eval").body, known)


def _status(node, known):
    if isinstance(node, ast.Constant):
        return known[str(node.value)]
    if isinstance(node, ast.UnaryOp):
        inner = _status(node.operand, known)
        return {NO_DATA: NO_DATA, OK: ALERT}.get(inner, OK)
    found = [_status(each, known) for each in node.values]  # noqa: PD011 - of Python's grammar
    worthy = [each for each in found if each != OK]
    if isinstance(node.op, ast.And):
        return min(worthy) if len(worthy) == len(found) else OK
    return max(worthy) if worthy else OK


@given(EXPRESSIONS)
def test_any_expression_gives_what_the_documented_rules_give(words):
    table = [*itertools.product((OK, NO_DATA, WARN, ALERT), repeat=3)]
    columns = np.array(table, np.int8).T
    known = {name: columns[[at]] for at, name in enumerate("123")}
    expected = [worked(words, dict(zip("123", row, strict=True))) for row in table]
    assert statuses.combined(composites.read(words).node, known).tolist() == [expected]


HOSTS = {n: f"host:web{n:02}" for n in range(1, 10)}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        # the documented examples: common reporting sources by the values of tags
        (
            [
                (("host",), [HOSTS[n] for n in range(1, 6)]),
                (("host",), [HOSTS[n] for n in range(4, 10)]),
            ],
            [("host:web04", (3, 0)), ("host:web05", (4, 1))],
        ),
        (
            [(("host",), [HOSTS[4], HOSTS[5]]), (("service",), ["service:web04"])],
            [("host:web04", (0, 0))],
        ),
        (
            [
                (("host",), ["host:a", "host:b"]),
                (("device", "host"), ["device:x,host:a", "device:y,host:c"]),
            ],
            [("device:x,host:a", (0, 0))],
        ),
        ([(("device", "host"), ["device:x,host:a"]), (("host", "url"), ["host:a,url:u"])], []),
        # one without groups goes with every group; none has groups: there is one status
        (
            [((), ["*"]), (("host",), ["host:a", "host:b"])],
            [("host:a", (0, 0)), ("host:b", (0, 1))],
        ),
        ([((), ["*"]), ((), [])], [("*", (0, 0))]),
        # values that hold a comma or a colon, as a facet of logs may
        ([(("@p", "q"), ["@p:a,b:c,q:d"]), (("q",), ["q:d"])], [("@p:a,b:c,q:d", (0, 0))]),
    ],
)
def test_groups_are_common_by_the_values_of_their_tags(parts, expected):
    found = statuses.common([Grouped(by, tuple(groups)) for by, groups in parts])
    assert [tuple(each) for each in found] == expected


# ---- on an incident


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("11 && 22", ["13:13–13:13", "14:11–14:30"]),
        ("11 || 22", ["13:11–13:15", "14:05–14:50"]),
        ("11 && !22", ["13:11–13:12", "14:05–14:10"]),
        ("!11 && 22", ["13:14–13:15", "14:31–14:50"]),
        ("11 && !22 || 22 && !11", ["13:11–13:12", "13:14–13:15", "14:05–14:10", "14:31–14:50"]),
        ("11 && (!22 || 22) && !11", []),
    ],
)
def test_alarms_are_those_counted_by_hand(server, incident, query, expected):
    assert alarms(incident, query) == expected


def test_the_table_tells_firing_lead_and_false_alarms(server, incident):
    found = only(incident, "11 && 22")
    assert found["fired"] is True
    assert found["first"] == pd.Timestamp("2025-12-04T14:11Z")
    assert found["lead_minutes"] == pytest.approx(8 + 40 / 60)
    assert (found["alarms"], found["alarm_minutes"]) == (1, 20)
    assert (found["false_alarms"], found["false_minutes"]) == (1, 1)
    assert found["baseline_from"] == pd.Timestamp("2025-12-04T12:02Z")
    assert found["condition"] == "11 && 22"
    assert found["note"] == (
        "combines 11 (Errors), 22 (Queue); alone: 11 alarms from 2025-12-04 14:05 UTC, "
        "22 alarms from 2025-12-04 14:11 UTC"
    )


def test_monitors_of_the_same_table_go_by_their_number(server, incident):
    incident.add("monitors", name="Own", query=A, threshold="> 5 over 1 min")
    assert alarms(incident, "#1 && 22") == ["13:13–13:13", "14:11–14:30"]
    assert alarms(incident, "!#1 && 22") == ["13:14–13:15", "14:31–14:50"]
    asked = [heard.json for heard in server.heard if heard.method == "POST"]
    own = [each for each in asked if each["data"]["attributes"]["queries"][0]["query"] == A]
    assert len(own) == 1  # it is asked for once, as the row's own evidence
    assert [each.tried.fired for each in backtests.frozen(incident)] == [True, True, True]


def test_a_warning_is_as_good_as_an_alert(server, account, incident):
    """Threes of ``a`` are over 2 and not over 5: from 14:05 on a warning, no alert."""
    account.monitors["11"]["options"] = {"thresholds": {"critical": 5, "warning": 2}}
    account.points["a"] = {"": tens("a", 3.0)}
    found = only(incident, "11 && 22")
    assert (found["first"], found["alarm_minutes"]) == (pd.Timestamp("2025-12-04T14:11Z"), 20)
    assert "first alarms as a warning" in found["note"]
    assert alarms(incident, "!11 && 22") == ["13:14–13:15", "14:31–14:50"]


def test_a_warning_that_a_row_names_is_one_too(server, account, incident):
    account.points["a"] = {"": tens("a", 3.0)}
    incident.add("monitors", name="Own", query=A, threshold="> 5 over 1 min, warning 2")
    assert alarms(incident, "#1 && 22") == ["13:13–13:13", "14:11–14:30"]


def test_a_recovery_threshold_and_a_delay_of_the_definition_count(server, account, incident):
    """After 14:30 ``a`` is 4 up to 14:40: over the recovery of 3. A delay of 2 minutes shifts."""

    def lingering(minute):
        return 4.0 if clock("14:30") <= minute < clock("14:40") else tens("a")(minute)

    account.points["a"] = {"": lingering}
    account.monitors["11"]["options"] = {"thresholds": {"critical": 5, "critical_recovery": 3}}
    assert alarms(incident, "11 && 22") == ["13:13–13:13", "14:11–14:40"]
    account.monitors["11"]["options"]["evaluation_delay"] = 120
    # the alarms of 11 come two minutes later: 13:13 to 13:15, 14:07 to 14:42
    assert alarms(incident, "11 && 22") == ["13:13–13:15", "14:11–14:42"]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (None, ["13:13–13:13", "14:11–14:50"]),  # No Data: the composite's last known one stays
        ("show_no_data", ["13:13–13:13", "14:11–14:50"]),
        ("resolve", ["13:13–13:13", "14:11–14:20"]),
        ("default", ["13:13–13:13", "14:11–14:50"]),  # the last known status of 11 stays
    ],
)
def test_missing_data_are_taken_as_the_definition_says(
    server, account, incident, missing, expected
):
    """``a`` has no points from 14:20 on: 11 is No Data from 14:21 on, while 22 lasts to 14:50."""
    account.points["a"] = {
        "": lambda minute: None if minute >= clock("14:20") else tens("a")(minute)
    }
    account.monitors["11"]["options"] = {"on_missing_data": missing}
    assert alarms(incident, "11 && 22") == expected


def test_without_data_a_composite_keeps_its_status_and_says_so(server, account, incident):
    account.points["a"] = {"": lambda minute: None if minute >= clock("14:20") else 0.0}
    found = only(incident, "11 || 22")  # 22 alone alarms to 14:50; then No Data: the alert stays
    assert found["first"] == pd.Timestamp("2025-12-04T14:11Z")
    assert found["alarm_minutes"] == (END + timedelta(minutes=1) - START) / timedelta(minutes=1) - 9
    assert "its last known status stays" in found["note"]
    assert re.search(r"\d+ of 128 minutes of the incident had no data", found["note"])


def test_one_of_its_monitors_without_any_data(server, account, incident):
    account.points["a"] = {}
    found = only(incident, "11 && 22")
    assert found["fired"] is False  # No Data && OK is OK, and No Data && Alert its last known one
    assert "11 had no data" in found["note"]
    found = only(incident, "11 || 22")  # at 13:13 an alert; then No Data || OK: the alert stays
    assert found["first"] == pd.Timestamp("2025-12-04T13:13Z")
    assert (found["alarms"], found["false_alarms"]) == (1, 0)
    assert "already when the impact began: since 2025-12-04 13:13 UTC" in found["note"]


def test_a_count_without_points_is_zero_where_the_definition_says_so(server, account, incident):
    """No point of ``a`` at all: the count is 0 < 1, so 11 alerts at every minute."""
    account.monitors["11"]["query"] = "sum(last_1m):sum:a{env:prod}.as_count() < 1"
    account.monitors["11"]["options"] = {"on_missing_data": "default"}
    account.points["a"] = {"": lambda _: None}
    assert alarms(incident, "11 && 22") == ["13:13–13:15", "14:11–14:50"]


def test_groups_are_matched_and_the_first_to_alarm_is_named(server, account, incident):
    """Only web2 has both: 11 by host on web1 and web2, 22 by service on web2 and web3."""
    account.monitors["11"]["query"] = "avg(last_1m):avg:a{*} by {host} > 5"
    account.monitors["22"]["query"] = "avg(last_1m):avg:b{*} by {service} > 5"
    account.points = {
        "a": {"host:web1": lambda _: 10.0, "host:web2": tens("a")},
        "b": {"service:web2": tens("b"), "service:web3": lambda _: 10.0},
    }
    assert alarms(incident, "11 && 22") == ["13:13–13:13", "14:11–14:30"]
    (one,) = backtest(incident)
    assert results.cells(one)[2] == "2025-12-04 14:11 UTC (host:web2)"
    account.points["b"] = {"service:web3": tens("b")}
    assert only(incident, "11 && 22 && 11")["note"] == (
        "its monitors have no group in common (11 by host and 22 by service), so Datadog gives it "
        "no status"
    )


def test_groups_may_have_one_status(server, account, incident):
    """Of two hosts one alarms as ``a`` does; without the option each has a status of its own."""
    account.monitors["11"]["query"] = "avg(last_1m):avg:a{*} by {host} > 5"
    account.monitors["11"]["options"] = {"groupby_simple_monitor": True}
    account.points["a"] = {"host:web1": tens("a"), "host:web2": lambda _: 0.0}
    assert alarms(incident, "!11 && 22") == ["13:14–13:15", "14:31–14:50"]
    del account.monitors["11"]["options"]["groupby_simple_monitor"]
    own = ["13:13–13:15", "13:14–13:15", "14:11–14:50", "14:31–14:50"]  # web2, web1 and again
    assert alarms(incident, "!11 && 22") == own


def test_a_long_window_is_seen_when_it_is_evaluated(server, account, incident):
    """A day's window is evaluated every ten minutes.

    All 29 tens are in it at 14:30: 290 / 1,440 = 0.2014 > 0.2. The 19 of 14:20 are not enough, and
    the 28 of 14:29 would be 0.194.
    """
    account.monitors["11"]["query"] = f"avg(last_1d):{A}.rollup(avg, 60) > 0.2"
    assert alarms(incident, "11 && 22") == ["14:30–14:50"]


def test_a_picture_shows_warnings_and_missing_data(server, account, incident):
    account.monitors["11"]["query"] = f"avg(last_1m):{A} > 50"
    account.monitors["11"]["options"] = {"thresholds": {"critical": 50, "warning": 5}}
    account.points["b"] = {
        "": lambda minute: None if minute >= clock("14:30") else tens("b")(minute)
    }
    incident.add("monitors", name="Both", query="11 || 22")
    (one,) = backtest(incident, "2h")
    warned, silent, own = (set(lane.statuses.tolist()) for lane in one.tried.lanes())
    assert (warned, silent, own) == ({OK, WARN}, {OK, NO_DATA, ALERT}, {OK, WARN, ALERT})
    assert results.picture(one).startswith(b"\x89PNG")


def test_it_agrees_with_every_minute_worked_out_alone(server, account, incident):
    """A second method: values, gaps and warnings at random, each minute by the documented rules."""
    chance = random.Random(6)  # noqa: S311 - made-up values
    drawn = {
        name: [chance.choice([None, 0.0, 0.0, 3.0, 10.0, 10.0]) for _ in range(24 * 60)]
        for name in "abc"
    }
    for number, name in (("11", "a"), ("22", "b"), ("33", "c")):
        account.monitors[number] = monitor(
            int(number), name, f"avg(last_1m):avg:{name}{{*}} > 5",
            options={"thresholds": {"critical": 5, "warning": 2}},
        )  # fmt: skip
        account.points[name] = {"": lambda minute, row=drawn[name]: row[minute]}
    incident.add("monitors", name="Odd", query="(11 || !22) && 33 || !(33 && 11) && 22")
    (one,) = backtest(incident, "2h")
    tried, begun = one.tried, clock("12:02")
    last, expected = NO_DATA, []
    for minute in range(begun, clock("16:40")):
        seen = {
            digit: _seen(drawn[name][minute - 1]) for digit, name in zip("123", "abc", strict=True)
        }
        found = worked("(1 || !2) && 3 || !(3 && 1) && 2", seen)
        last = last if found == NO_DATA else found
        expected.append(last >= WARN)
    got = tried.evaluated.alarming[0].tolist()
    assert got[: len(expected)] == expected
    assert 0 < sum(expected) < len(expected)
    inside = expected[clock("14:02") - begun :][: clock("16:10") - clock("14:02")]
    cut = tried.evaluated.alarms(tried.spans.start, tried.end)
    assert sum((alarm.end - alarm.start) / timedelta(minutes=1) for alarm in cut) == sum(inside)


def _seen(value):
    return NO_DATA if value is None else ALERT if value > 5 else WARN if value > 2 else OK


# ---- what cannot be tried


@pytest.mark.parametrize(
    ("definition", "says"),
    [
        (None, "monitor 33: there is none of this id in Datadog"),
        (Say({"errors": ["Forbidden"]}, status=403), "monitor 33: these keys may not read it"),
        (monitor(33, "Old", "x", deleted="2025-01-01T00:00:00Z"), "monitor 33: it was deleted"),
        (Say({"id": 33}), "monitor 33: Datadog's answer holds no definition"),
        (
            monitor(33, "Odd one", "avg(last_4h):anomalies(avg:a{*}, 'basic', 2) >= 1"),
            "monitor 33 (Odd one): it cannot be back-tested: anomalies(…) learns",
        ),
        (
            monitor(33, "Pair", "11 && 22", type="composite"),
            "monitor 33 (Pair): it is a composite itself, and Datadog combines none",
        ),
        (
            monitor(33, "Self", "33 && 22", type="composite"),
            "monitor 33 (Self): it is a composite itself",
        ),
        (
            monitor(33, "Up", '"http.can_connect".over("*").by("host").last(2).count_by_status()'),
            "monitor 33 (Up): it cannot be back-tested: it watches the states of a check",
        ),
        (
            monitor(33, "Late", f"avg(last_5m):{A} > 5", options={"evaluation_delay": 1e9}),
            "monitor 33 (Late): its evaluation delay is 1e+09 seconds",
        ),
        (
            monitor(33, "Back", f"avg(last_5m):{A} > 5",
                    options={"thresholds": {"critical_recovery": 9}}),
            "monitor 33 (Back): threshold: expected recovery on the other side",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_names_the_monitor_on_one_line(
    server, account, incident, definition, says
):
    if definition is not None:
        account.monitors["33"] = definition
    found = only(incident, "11 && 33")
    assert says in found["note"]
    assert "\n" not in found["note"]
    assert pd.isna(found["fired"])
    assert results.cells([*backtests.frozen(incident)][-1])[1] == "unknown"
    page = editions.export(incident.path, "markdown")[0].read_text("utf-8")
    assert "monitor 33" in page


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("#1 && 11", "monitor #1 (Both): it is a composite itself"),  # itself
        ("#2 && 11", "got '#2'"),
        ("#9 && 11", "the number of a proposed monitor, up to 1, for example #1; got '#9'"),
    ],
)
def test_a_composite_of_itself_or_of_no_row_is_refused(server, incident, query, says):
    assert says in only(incident, query)["note"]
    assert not server.heard


def test_two_composites_of_each_other_are_refused(server, incident):
    incident.add("monitors", name="One", query="#2 && 11")
    incident.add("monitors", name="Two", query="#1 && 11")
    notes = backtest(incident, "2h").frame["note"].tolist()
    assert "monitor #2 (Two): it is a composite itself" in notes[0]
    assert "monitor #1 (One): it is a composite itself" in notes[1]


def test_a_row_that_cannot_be_read_is_named(server, incident):
    incident.add("monitors", name="Blank")
    assert only(incident, "#1 && 11")["note"] == "monitor #1 (Blank): it has no query yet"


def test_a_server_that_fails_is_told_with_the_monitor(server, account, incident, monkeypatch):
    monkeypatch.setattr("postmortem_nb.datadog.pace.TRIES", 1)
    account.monitors["22"] = Say({"errors": ["busy"]}, status=500)
    note = only(incident, "11 && 22")["note"]
    assert "HTTP 500" in note
    assert "the definition of monitor 22" in note


# ---- evidence and documents


def test_it_is_asked_once_and_outlives_the_account(server, account, incident, monkeypatch):
    first = only(incident, "11 && 22")
    asked = len(server.heard)
    assert backtest(incident).frame.to_dict("records")[0] == first
    assert len(server.heard) == asked
    account.monitors.clear()
    monkeypatch.setenv("POSTMORTEM_DATADOG_URL", "http://127.0.0.1:9")  # nobody answers there
    page = editions.export(incident.path, "html")[0].read_text("utf-8")
    paper = editions.export(incident.path, "markdown")[0].read_text("utf-8")
    row = ["1. Both", "yes", "2025-12-04 14:11 UTC", "8 minutes 40 seconds earlier"]
    row += ["1 alarm, 20 minutes", "1 alarm, 1 minute in 2 hours"]
    assert "".join(f"<td>{cell}</td>" for cell in row) in page
    assert f"| 1\\. Both | {' | '.join(row[1:])} |" in paper
    for said in (page, paper):
        assert "Figure 1. Back-test: Both" in said
        assert "combines 11" in said
    assert "combined from backtest_" in page
    exported = json.loads(editions.export(incident.path, "json")[0].read_text("utf-8"))
    assert "11 && 22" in json.dumps(exported)


def test_what_is_frozen_of_a_monitor_names_no_person(server, incident):
    only(incident, "11 && 22")
    row = incident.values("monitors")[0]["row"]
    frame = evidence.thaw(incident.path / "evidence", backtests.evidence_name(row))
    assert frame["id"].tolist() == ["11", "22"]
    assert frame["query"].tolist() == [f"avg(last_1m):{A} > 5", f"avg(last_1m):{B} > 5"]
    assert "example.com" not in frame.to_csv()
    assert "pagerduty" not in frame.to_csv()
    assert frame.attrs["evidence"]["function"] == "get_datadog_monitor"
    assert frame.attrs["evidence"]["complete"] is True
    assert candidates.offered(incident) is not None  # what has no time is no candidate


def test_one_that_was_missing_is_asked_for_again(server, account, incident):
    assert "none of this id" in only(incident, "11 && 33")["note"]
    account.monitors["33"] = monitor(33, "Late", f"avg(last_1m):{B} > 5")
    assert backtest(incident).frame["fired"].tolist() == [True]


def test_other_signs_are_tried_on_the_same_answers_other_monitors_are_not(server, incident):
    only(incident, "11 && 22")
    asked, row = len(server.heard), incident.values("monitors")[0]["row"]
    incident.set("query", "11 || !22", table="monitors", row=row)
    assert [each.tried.fired for each in backtests.frozen(incident)] == [True]
    assert len(server.heard) == asked
    incident.set("query", "11 && 33", table="monitors", row=row)
    (found,) = backtests.frozen(incident)
    assert "changed since it was back-tested" in found.reason


def test_a_definition_that_changed_after_the_incident_is_told(server, account, incident):
    account.monitors["22"]["modified"] = "2025-12-05T10:00:00.123456+00:00"
    account.monitors["11"]["options"] = {"timeout_h": 4, "scheduling_options": {"x": 1}}
    note = only(incident, "11 && 22")["note"]
    assert "monitor 22 was changed after the incident began (2025-12-05 10:00 UTC)" in note
    assert "monitor 11 resolves by itself without data, which is not tried" in note
    assert "monitor 11 is evaluated on a schedule of its own" in note


def test_its_definitions_can_be_asked_again(server, account, incident):
    only(incident, "11 && 22")
    found = refresh.refresh(incident)
    assert found["changed"].tolist() == [0, 0, 0]
    account.monitors["22"]["query"] = f"avg(last_1m):{B} > 7"
    found = refresh.refresh(incident, accept=True)
    assert found["changed"].tolist() == [1, 0, 0]
    assert [each.tried.fired for each in backtests.frozen(incident)] == [True]


def test_an_answer_that_is_partial_leaves_it_unknown_where_it_did_not_fire(
    account, incident, monkeypatch
):
    def script(heard):
        late = heard.method == "POST" and heard.json["data"]["attributes"]["from"] >= 1764806400000
        return Say({"errors": ["no"]}, status=403) if late else account(heard)

    incident.add("monitors", name="Both", query="11 && 22")
    with Lying(script) as started:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
        (found,) = backtest(incident, "7d").frame.to_dict("records")
    assert pd.isna(found["fired"])
    assert "partial: 11: HTTP 403" in found["note"]


def test_its_picture_is_drawn_from_all_of_its_answers(server, account, incident):
    only(incident, "11 && 22")
    (one,) = backtest(incident)
    assert results.picture(one).startswith(b"\x89PNG")
    assert results.picture(one) == results.picture(one)
    before = results.key(one, one.tried)
    account.points["b"] = {"": lambda _: 1.0}
    (again,) = backtest(incident, refresh=True)
    assert results.key(again, again.tried) != before
    lanes = again.tried.lanes()
    assert [lane.label for lane in lanes] == ["11 (Errors)", "22 (Queue)", "the composite"]
    assert set(lanes[1].statuses.tolist()) == {OK}


def test_composites_of_the_same_monitors_have_pictures_of_their_own(server, incident, monkeypatch):
    for name, query in (("A", f"avg(last_1m):{A} > 5"), ("B", f"avg(last_1m):{B} > 5"),
                        ("Both", "#1 && #2"), ("Either", "#1 || #2")):  # fmt: skip
        incident.add("monitors", name=name, query=query)
    tested = [*backtest(incident, "2h")]
    paths = editions.export(incident.path, "markdown")
    drawn = {path.name: path.read_bytes() for path in paths if "backtest" in path.name}
    assert len(set(drawn.values())) == len(drawn) == 4
    paper = paths[0].read_text("utf-8")
    assert len(set(re.findall(r"\]\((INC-7_files/backtest[^)]*)\)", paper))) == 4
    cell = bundlekit.code_cell(
        "backtest(incident)",
        *(
            bundlekit.data(
                {"image/png": base64.b64encode(each.png).decode()}, postmortem=each.facts
            )
            for each in map(results.drawn, tested)
        ),
        postmortem={"role": "backtest"},
    )
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (incident.path / "INC-7.ipynb").write_text(json.dumps(notebook))
    again, drawing = [], results.picture
    monkeypatch.setattr(results, "picture", lambda *words: again.append(words) or drawing(*words))
    editions.export(incident.path, "html")
    assert not again  # each is the one that the cell drew
    folder = incident.path / "evidence"
    name = backtests.evidence_name(incident.values("monitors")[1]["row"])
    frame = evidence.thaw(folder, name)
    frame["value"] += 1
    evidence.freeze(folder, "other", frame, frame.attrs["evidence"])
    (folder / "other.parquet").replace(folder / f"{name}.parquet")
    page = editions.export(incident.path, "html")[0].read_text("utf-8")
    assert len(again) == 3  # of changed rows none is taken: B, and the two that stand on it
    assert page.count("its evidence was changed since it was frozen") >= 3


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("options", "{", "yes"), ("options", "[" * 50_000, "yes"), ("options", None, "yes"),
        ("options", '{"thresholds": 5, "evaluation_delay": "x"}', "yes"),
        ("query", None, "unknown"), ("type", None, "yes"), ("name", None, "yes"),
        ("modified", "soon", "yes"),
        ("problem", "it <b>never</b> was", "unknown"), ("id", "x", "unknown"),
        ("id", None, "unknown"),
    ],
)  # fmt: skip
def test_definitions_that_a_stranger_wrote_never_break_a_document(
    server, incident, column, value, says
):
    only(incident, "11 && 22")
    folder = incident.path / "evidence"
    name = backtests.evidence_name(incident.values("monitors")[0]["row"])
    frame = evidence.thaw(folder, name)
    record = frame.attrs["evidence"] | {"warnings": 5, "rows": "many"}
    changed = frame.astype("object")
    changed[column] = value
    if column == "id" and value:
        changed = changed.drop(columns="name")
    evidence.freeze(folder, name, changed.astype("string"), record)
    page = editions.export(incident.path, "html")[0].read_text("utf-8")
    assert f"<td>1. Both</td><td>{says}</td>" in page
    assert "<b>never</b>" not in page


def test_hostile_names_stay_text(server, account, incident):
    name = '<img src=x onerror=alert(1)> | **b**\n"q" \u202egnp'
    account.monitors["11"]["name"] = name
    shown = only(incident, "11 && 22")["note"]
    assert "\n" not in shown
    page = editions.export(incident.path, "html")[0].read_text("utf-8")
    paper = editions.export(incident.path, "markdown")[0].read_text("utf-8")
    assert "<img src=x" not in page + backtest(incident)._repr_html_()
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "\u202e" not in page + paper
    assert "\\*\\*b\\*\\*" in paper


# ---- Datadog's verdict, and making one


@pytest.fixture
def sandbox(monkeypatch):
    started = Server()
    monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
    yield started
    started.close()


def test_a_composite_of_ids_is_validated_and_made(sandbox, incident):
    incident.add("monitors", name="Both", query="48210002&&(48210003||!48210004)")
    incident.add("monitors", name="Gone", query="48210002 && 999")
    incident.add("monitors", name="Odd", query="48210002 && && 48210003")
    found = proposals.validate(incident)
    assert found[0].said == ""
    assert "999 is no monitor that can be combined" in found[1].said
    assert found[2].said.startswith("query: expected ids of monitors")
    proposals.create(incident, 1)
    (made,) = sandbox.shelf.monitors.values()
    assert made["type"] == "composite"
    assert made["query"] == "48210002 && (48210003 || !48210004)"
    assert made["options"] == {}


def test_a_composite_of_the_same_table_is_made_after_its_monitors(sandbox, incident, capsys):
    incident.add("monitors", name="Depth", query="avg(last_5m):max:payments.queue.depth{*} > 100")
    incident.add("monitors", name="Both", query="#1 && 48210002")
    path = str(incident.path)
    assert cli.main(["monitor", "validate", path]) == 1
    said = "monitor #1 (Depth) is not in Datadog yet: make it first, with"
    assert said in capsys.readouterr().out
    assert cli.main(["monitor", "create", path, "2"]) != 0
    assert said in capsys.readouterr().err
    assert sandbox.shelf.monitors == {}
    assert cli.main(["monitor", "create", path, "1"]) == 0
    assert cli.main(["monitor", "validate", path]) == 0
    assert cli.main(["monitor", "create", path, "2"]) == 0
    first, second = sandbox.shelf.monitors.values()
    assert second["type"] == "composite"
    assert second["query"] == f"{first['id']} && 48210002"


@pytest.mark.parametrize(
    "query",
    ["48210002 &&", "48210002 48210003", "(48210002", "48210002 | 48210003", "()", "1 && 2",
     "(" * 2000 + "48210002" + ")" * 2000],
)  # fmt: skip
def test_the_sandbox_refuses_what_is_no_composite(sandbox, query):
    body = {"name": "x", "type": "composite", "query": query, "message": "x"}
    found = proposals._connection()
    with pytest.raises(Exception, match="400"):
        found.ask("validate monitor", json.loads, body=body)


def test_the_sandbox_fires_a_composite_when_its_monitors_did(sandbox, tmp_path, capsys):
    """Its own monitors fired at 14:28:10 and 14:34:40: both at 14:35, the next whole minute."""
    made = Incident.create("INC-9", tmp_path, start=FACTS.start, end=FACTS.recovered)
    made.add("timeline", step="Detection", time=FACTS.detected)
    made.add("monitors", name="Both", query="48210002 && 48210003")
    made.add("monitors", name="First", query=f"{FACTS.monitor_id} || 48210002")
    assert cli.main(["backtest", str(made.path), "--baseline", "1h"]) == 0
    out, err = capsys.readouterr()
    assert "first alarm: 2025-12-04 14:35 UTC" in out
    assert "first alarm: 2025-12-04 14:20 UTC" in out  # the one that found the incident at 14:19:40
    assert "asking for the monitors of 48210002 && 48210003" in err
