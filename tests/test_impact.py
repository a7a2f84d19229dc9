"""Impact from evidence: counted by hand in small frames, told apart by source."""

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from postmortem_nb import Incident, document, estimates, evidence, impact
from postmortem_nb.errors import BadValue

START = dt.datetime(2025, 12, 4, 14, 2, tzinfo=dt.UTC)
END = dt.datetime(2025, 12, 4, 16, 9, tzinfo=dt.UTC)
WINDOW = (START, END)


def at(minutes):
    return START + dt.timedelta(minutes=minutes)


def logs(*rows, field="@usr.id", complete=True):
    """Return a frame of logs: (minute, status, who, region)."""
    frame = pd.DataFrame(
        {
            "timestamp": pd.to_datetime([at(row[0]) for row in rows], utc=True),
            "status": pd.array([row[1] for row in rows], dtype="string"),
            field: pd.array([row[2] for row in rows], dtype="string"),
            "region": pd.array([row[3] for row in rows], dtype="string"),
        }
    )
    frame.attrs["evidence"] = {"complete": complete}
    return frame


LOGS = logs(
    (-1, "error", "u-9", "eu"),  # before the window
    (0, "error", "u-1", "eu"),
    (1, "error", "u-1", "eu"),  # the same user again
    (2, "error", "u-2", "us"),
    (3, "critical", "u-3", "eu"),
    (4, "info", "u-4", "eu"),  # active, not affected
    (5, "error", None, "eu"),  # a guest
    (127, "error", "u-8", "eu"),  # the end itself
)


def points(*rows, query):
    """Return a metric answer: (minute, series, value)."""
    return pd.DataFrame(
        {
            "timestamp": pd.to_datetime([at(row[0]) for row in rows], utc=True),
            "query": query,
            "series": [row[1] for row in rows],
            "value": pd.array([row[2] for row in rows], dtype="Float64"),
        }
    )


# -- users -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["usr.id", "@usr.id", "customer_id"])
def test_affected_users_are_distinct_identities_with_a_failure_in_the_window(field):
    got = impact.users(LOGS.rename(columns={"@usr.id": field}), WINDOW, name="impact")
    assert got.value == 3
    assert got.parts == (("eu", 2.0), ("us", 1.0))
    assert "1 failure without" in got.definition
    assert got.source == "evidence: impact"


def test_a_partial_answer_gives_a_lower_bound():
    assert impact.users(logs((1, "error", "u", "eu"), complete=False), WINDOW, name="x").lower_bound
    assert not impact.users(LOGS, WINDOW, name="x").lower_bound


def test_the_best_identity_counts():
    frame = LOGS.assign(session_id=range(len(LOGS)))
    assert impact.users(frame, WINDOW, name="x").value == 3


def test_an_empty_identity_is_none():
    """u-1 fails, as do two visitors who are not logged in; u-2 and one more are fine."""
    frame = logs(
        (1, "error", "u-1", "eu"), (2, "error", "", "eu"), (3, "error", " ", "eu"),
        (4, "info", "u-2", "eu"), (5, "info", "", "eu"),
    )  # fmt: skip
    got = impact.users(frame, WINDOW, name="x")
    assert (got.value, got.parts) == (1, (("eu", 1.0),))
    assert "2 failures without usr.id are not counted" in got.definition
    assert impact.share(frame, WINDOW, name="x").value == 50


def test_an_identity_that_no_row_has_makes_place_for_the_next():
    frame = logs((1, "error", "", "eu"), (2, "info", "", "eu")).assign(session_id=["s-1", "s-2"])
    assert impact.users(frame, WINDOW, name="x").value == 1
    assert "session_id" in impact.users(frame, WINDOW, name="x").definition


def test_failures_that_all_lack_an_identity_tell_no_number_of_users(tmp_path):
    incident = Incident.create("INC-1", tmp_path, start=START, end=END)
    frame = logs((1, "error", "", "eu"), (2, "error", None, "eu"), (3, "info", "u-1", "eu"))
    evidence.freeze(incident.path / "evidence", "e", frame, {"complete": True})
    assert incident.measures()["affected_users"].missing == (
        "not stated, and none of the 2 failures of evidence e has a usr.id"
    )


def test_the_region_of_a_user_is_read_from_the_tags_where_no_column_has_it():
    frame = logs((1, "error", "u-1", ""), (2, "error", "u-2", ""), (3, "error", "u-3", ""))
    tags = [["env:prod", "region:eu"], ["region:eu"], ["region:us", "country:de"]]
    frame = frame.drop(columns="region").assign(tags=tags)
    assert impact.users(frame, WINDOW, name="x").parts == (("eu", 2.0), ("us", 1.0))
    untold = frame.assign(tags=[["env:prod"]] * 3)
    assert impact.users(untold, WINDOW, name="x").parts == ()


def test_users_of_whom_nothing_tells_a_region_are_a_part_of_their_own():
    """u-1 is known in eu though one of its failures tells nothing; of u-2 and u-3 none tells."""
    frame = logs(
        (1, "error", "u-1", "eu"), (2, "error", "u-1", None),
        (3, "error", "u-2", None), (4, "error", "u-3", ""),
    )  # fmt: skip
    assert impact.users(frame, WINDOW, name="x").parts == (("eu", 1.0), ("unknown", 2.0))


@pytest.mark.parametrize(
    ("ids", "count"),
    [
        ([7, "7", 7.0], 1),
        ([["a"], ["a"], "b"], 2),
        ([{"k": 1}, {"k": 1}, "b"], 2),
        (["null", "undefined", "u-1"], 1),
    ],
)
def test_an_identity_of_any_kind_is_read_as_it_is_written(ids, count):
    rows = logs((1, "error", "", "eu"), (2, "error", "", "eu"), (3, "error", "", "eu"))
    frame = rows.assign(**{"@usr.id": pd.Series(ids, dtype="object")})
    assert impact.users(frame, WINDOW, name="x").value == count


def test_users_are_one_identity_however_services_spell_it():
    rows = [(1, "error", "u-1", "eu"), (2, "error", "u-2", "eu"), (3, "error", None, "eu")]
    frame = logs(*rows, (4, "error", None, "eu"), (5, "info", "u-9", "eu"))
    frame = frame.assign(user_id=pd.array([None, "x", "u-2", "u-3", None], dtype="string"))
    got = impact.users(frame, WINDOW, name="x")
    assert (got.value, got.definition.partition(" with")[0]) == (3, "distinct usr.id or user_id")
    assert impact.share(frame, WINDOW, name="x").value == 75


def test_a_failure_is_told_by_its_http_status_where_logs_are_written_as_info():
    frame = logs((1, "info", "u-1", "eu"), (2, "info", "u-2", "eu"), (3, "info", "u-3", "eu"))
    frame = frame.assign(**{"@http.status_code": pd.array(["503", "404", None], dtype="string")})
    assert impact.users(frame, WINDOW, name="x").value == 1
    assert impact.share(frame, WINDOW, name="x").value == pytest.approx(100 / 3)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("service:shop @http.status_code:500", 2),
        ("service:shop @http.status_code:[500 TO 599]", 2),
        ("service:shop -@http.status_code:500", 0),
        ("service:shop (@http.status_code:500 OR @http.status_code:200)", 0),
    ],
)
def test_a_search_for_failures_alone_finds_nothing_else(query, count):
    frame = logs((1, "info", "u-1", "eu"), (2, "info", "u-2", "eu"))
    frame.attrs["evidence"] = {"complete": True, "arguments": {"query": query}}
    assert impact.users(frame, WINDOW, name="x").value == count
    assert (impact.share(frame, WINDOW, name="x") is None) == bool(count)


def test_an_answer_without_identities_says_nothing_of_users():
    assert impact.users(LOGS.drop(columns="@usr.id"), WINDOW, name="x") is None
    assert impact.share(LOGS.drop(columns="@usr.id"), WINDOW, name="x") is None


def test_a_share_is_of_the_identities_active_in_the_same_window():
    got = impact.share(LOGS, WINDOW, name="x")
    assert got.value == pytest.approx(100 * 3 / 4)
    assert "of 4 distinct usr.id" in got.definition


def test_there_is_no_share_of_failures_alone():
    assert impact.share(logs((1, "error", "u-1", "eu")), WINDOW, name="x") is None
    warned = logs((1, "error", "u-1", "eu"), (2, "warn", "u-2", "eu"))
    assert impact.share(warned, WINDOW, name="x") is None


def test_the_share_of_a_list_of_failures_contradicts_no_smaller_one():
    """Of 100 users 5 met a failure; a list of failures with one success among them tells 5 of 6."""
    failures = [(minute, "error", f"u-{minute}", "eu") for minute in range(1, 6)]
    of_failures = impact.share(logs(*failures, (9, "info", "u-9", "eu")), WINDOW, name="x")
    others = [(minute, "info", f"u-{minute}", "eu") for minute in range(6, 101)]
    of_all = impact.share(logs(*failures, *others), WINDOW, name="y")
    assert (round(of_failures.value, 1), of_all.value) == (83.3, 5)
    assert not estimates.compare([of_failures, of_all])
    assert estimates.compare([of_all, replace(of_all, value=of_all.value + 1)])
    assert estimates.compare([of_failures, replace(of_failures, value=90, upper_bound=False)])


# -- requests --------------------------------------------------------------------------------------


def test_failed_requests_are_the_sum_of_the_error_series_in_the_window():
    query = "sum:trace.checkout.request.errors{*}.as_count()"
    frame = points(
        (-1, "a", 999), (0, "a", 10), (1, "a", 20), (1, "b", 5), (127, "a", 99), query=query
    )
    (got,) = impact.requests(frame, WINDOW, name="metrics")
    assert got.value == 35
    assert query in got.source


def test_rates_are_multiplied_by_their_step():
    query = "sum:trace.checkout.request.errors{*}.as_rate()"
    frame = points((0, "*", 0.5), (1, "*", 1.0), (4, "*", None), query=query)
    (got,) = impact.requests(frame, WINDOW, name="metrics")
    assert got.value == 90  # (0.5 + 1.0) a second × 60 s


def test_a_value_that_overflowed_counts_nothing():
    query = "sum:trace.checkout.request.errors{*}.as_count()"
    frame = points((0, "*", 10.0), (1, "*", float("inf")), (2, "*", 5.0), query=query)
    (got,) = impact.requests(frame, WINDOW, name="metrics")
    assert got.value == 15


def test_two_error_queries_are_never_added_up():
    frame = pd.concat(
        [
            points((0, "*", 10), query="sum:trace.checkout.request.errors{*}.as_count()"),
            points((0, "*", 7), query="sum:trace.web.request.errors{*}.as_count()"),
            points((0, "*", 70), query="sum:trace.web.request.hits{*}.as_count()"),
            points((0, "*", 0.1), query="sum:a.errors{*} / sum:a.hits{*}"),
        ]
    )
    assert [each.value for each in impact.requests(frame, WINDOW, name="m")] == [10, 7]


def test_logs_are_no_metric_answer():
    assert impact.requests(LOGS, WINDOW, name="x") == []


# -- revenue and hours -----------------------------------------------------------------------------


def test_lost_revenue_is_usual_less_actual_less_deferred_with_its_interval():
    got = impact.revenue(30_000, [50_000, 42_000, 45_000], deferred=2_000)
    assert (got.value, got.low, got.high) == (13_000, 10_000, 18_000)
    assert "3 other weeks" in got.source


def test_lost_revenue_needs_a_week_to_compare_with():
    with pytest.raises(BadValue, match="usual revenue: expected"):
        impact.revenue(30_000, [])


def test_engineering_hours_run_from_the_first_entry_that_names_somebody():
    rows = [
        {"time": at(22), "on_call": "Priya"},
        {"time": at(52), "responders": ["Tomasz", "Priya"]},
        {"time": None, "on_call": "Nobody"},
        {"time": at(142), "step": "Monitoring"},
    ]
    (got,) = impact.hours(rows, end=at(127))
    assert dict(got.parts) == {"Priya": 2.0, "Tomasz": 1.5}
    assert (got.value, got.lower_bound) == (3.5, True)
    assert impact.hours([{"time": at(1)}]) == []


def test_a_team_that_was_called_in_is_no_participant():
    """Those of it who worked are named as responders, or not known."""
    called = {"escalated_to": "Payments team", "responders": ["Bo Berg (Payments)", "Cy Dahl"]}
    rows = [{"time": at(30), **called}, {"time": at(40), "responsible": "SRE on-call"}]
    (got,) = impact.hours(rows, end=at(90))
    assert [name for name, _ in got.parts] == ["Bo Berg (Payments)", "Cy Dahl"]
    assert got.value == 2


def test_hours_are_rounded_down_and_a_person_counts_once_however_written():
    """Bob is there for 45 minutes: 0.7 hours at least, not 0.8, and not again as bob."""
    rows = [{"time": at(82), "on_call": "Bob"}, {"time": at(97), "responders": ["bob"]}]
    (got,) = impact.hours(rows, end=at(127))
    assert (got.value, got.parts) == (0.7, (("Bob", 0.7),))
    assert got.definition == "1 participant, from their first entry to the last entry"


def test_hours_that_nobody_stated_reach_the_document_as_the_least(incident):
    incident.add("timeline", step="Acknowledgment", time=at(82), on_call="Bob")
    line = "- Engineering hours spent: 0.7 hours *(computed: at least,"
    assert line in document.markdown(incident)
    incident.set("engineering_hours", 5)
    assert "- Engineering hours spent: 5 hours\n" in document.markdown(incident)


# -- disagreement ----------------------------------------------------------------------------------


def estimate(value, *, name="affected_users", lower_bound=False):
    return impact.Estimate(
        name=name, value=value, unit="", source="s", definition="d", lower_bound=lower_bound
    )


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (estimate(100), estimate(104), False),
        (estimate(100), estimate(120), True),
        (estimate(100), estimate(300, name="failed_requests"), False),
        (estimate(100), estimate(50, lower_bound=True), False),
        (estimate(100), estimate(200, lower_bound=True), True),
        (estimate(0), estimate(0), False),
    ],
    ids=["rounding", "apart", "other figure", "bound below", "bound above", "nothing"],
)
def test_sources_disagree_when_both_cannot_hold(one, other, apart):
    assert bool(impact.compare([one, other])) is apart
    assert bool(impact.compare([other, one])) is apart


@pytest.fixture
def incident(tmp_path):
    incident = Incident.create("INC-1", tmp_path, start=START, end=END)
    evidence.freeze(incident.path / "evidence", "impact", LOGS, {"complete": True})
    return incident


def test_stated_and_counted_stand_side_by_side(incident):
    incident.set("affected_total", 4200)
    table = impact.table(incident).set_index(["figure", "source"])
    assert table.loc[("affected_users", "stated: affected_total"), "value"] == 4200
    assert table.loc[("affected_users", "evidence: impact"), "value"] == 3
    assert not table.loc["affected_users", "agrees"].any()
    assert pd.isna(table.loc[("affected_share", "evidence: impact"), "agrees"])


def test_a_figure_that_another_answer_contradicts_says_so_where_it_stands(incident):
    """The first of the answers is no truer than the second."""
    failed = LOGS[LOGS["status"] != "info"]
    more = pd.concat([LOGS, failed.assign(**{"@usr.id": failed["@usr.id"] + "-app"})])
    evidence.freeze(incident.path / "evidence", "rum", more, {"complete": True})
    stats = incident.stats().set_index("measure")
    said = "; another source: 6 users (evidence: rum)"
    assert stats.loc["affected_total", "value"] == 3
    assert stats.loc["affected_total", "definition"].endswith(said)
    told = stats.loc["affected_users", "definition"]
    assert "share of 4 distinct usr.id active in the same window; at most that" in told
    written = document.markdown(incident)
    assert "- Total affected users: 3 *(another source: 6 users)*" in written
    assert "| **Affected Users** | 3 (" in written
    row = next(line for line in written.splitlines() if line.startswith("| **Affected Users**"))
    assert row.endswith("*(another source: 6 users)* |")
    incident.set("affected_total", 6)
    assert "users: 6 *(computed 3 from evidence impact)*\n" in document.markdown(incident)


def test_a_disagreement_is_a_finding_at_the_stated_figure(incident):
    incident.set("affected_total", 4200)
    frame = incident.check()
    (hit,) = frame[frame["code"] == "sources"].to_dict(orient="records")
    assert hit["name"] == "affected_total"
    assert "4,200 users stated, 3 by evidence: impact" in hit["message"]
    incident.set("affected_total", 3)
    assert "sources" not in set(incident.check()["code"])


def test_evidence_that_cannot_be_read_is_left_to_the_checks(incident):
    (incident.path / "evidence" / "impact.parquet").write_bytes(b"no parquet")
    (incident.path / "evidence" / "impact.json").write_text('{"sha256": "other"}', encoding="utf-8")
    assert impact.table(incident).empty
    assert "evidence" in set(incident.check()["code"])


def test_without_a_window_only_what_is_stated_is_told(tmp_path):
    incident = Incident.create("INC-2", tmp_path)
    incident.set("failed_requests", 12)
    assert list(impact.table(incident)["source"]) == ["stated: failed_requests"]


@pytest.mark.parametrize(
    ("advice", "value"),
    [
        ("nothing matches 'service:checkot': services there are 'checkout'", None),
        ("each part matches logs of this window, all of them together none", 0),
    ],
)
def test_an_answer_without_rows_counts_nobody_only_where_it_could_find_somebody(advice, value):
    """A mistyped service would say that no user was affected."""
    frame = LOGS[:0].copy()
    frame.attrs["evidence"] = {"complete": True, "advice": [advice]}
    told = {each.name: each.value for each in impact.from_frame(frame, WINDOW, name="logs")}
    assert told.get("affected_users") == value
