"""Stated against computed: which figure is shown, what stands beside it, and why one is unknown."""

import datetime as dt

import pytest

from postmortem_nb import Incident, evidence, frames, tallies
from postmortem_nb.estimates import Estimate, compare, same, worded
from postmortem_nb.metrics import Facts
from postmortem_nb.tallies import Found


def said(name, value, unit="", source="evidence: impact", **more):
    return Estimate(name=name, value=value, unit=unit, source=source, definition="counted", **more)


FAILED = Found([said("failed_requests", 36_912.0, "requests")])


def test_a_stated_figure_is_shown_with_the_computed_one_beside_it_where_they_differ():
    got = tallies.measures(Facts(failed_requests=37_500), FAILED)["failed_requests"]
    assert (got.value, got.computed, got.differs) == (37_500, 36_912, True)
    assert got.beside == "computed 36,912 from evidence impact"
    assert got.source == "stated: failed_requests; computed 36,912 from evidence impact"


def test_a_stated_figure_that_agrees_stands_alone_and_names_both_sources():
    got = tallies.measures(Facts(failed_requests=36_912), FAILED)["failed_requests"]
    assert (got.beside, got.differs) == ("", False)
    assert "evidence impact" in got.source


def test_without_a_stated_figure_the_computed_one_counts():
    got = tallies.measures(Facts(), FAILED)["failed_requests"]
    assert (got.value, got.source, got.missing) == (36_912, "evidence: impact", "")


def test_with_neither_the_figure_is_unknown_and_says_why():
    got = tallies.measures(Facts())
    for name in ("affected_users", "failed_requests", "revenue_loss", "slo_impact"):
        assert got[name].value is None
        assert got[name].missing.startswith("not stated, and ")
    because = Found((), {"budget_consumed": "the SLO has a target of 100 %"})
    assert "target of 100 %" in tallies.measures(Facts(), because)["slo_impact"].missing


def test_a_lower_bound_contradicts_only_what_is_smaller():
    least = Found([said("failed_requests", 1000.0, "requests", lower_bound=True)])
    assert tallies.measures(Facts(failed_requests=2188), least)["failed_requests"].beside == ""
    got = tallies.measures(Facts(failed_requests=900), least)["failed_requests"]
    assert got.differs
    assert "at least" in got.beside
    assert "at least" in tallies.measures(Facts(), least)["failed_requests"].beside


def test_a_whole_answer_counts_before_a_lower_bound():
    least = said("failed_requests", 5000.0, "requests", lower_bound=True)
    found = Found([least, *FAILED.estimates])
    assert tallies.measures(Facts(), found)["failed_requests"].value == 36_912


def test_affected_users_carry_their_share_and_its_denominator():
    """4,200 of 31,000 active users are 13.548 %: 13.5 %."""
    each = tallies.measures(Facts(affected_total=4200, affected_share=13.5))["affected_users"]
    assert (each.value, each.parts) == (4200, (4200, 13.5))
    assert "user base" in each.definition
    assert tallies.measures(Facts(affected_total=4200))["affected_users"].parts == (4200, None)
    found = Found(
        [
            said("affected_users", 4200.0, "users"),
            said("affected_share", 100 * 4200 / 31_000, "%"),
        ]
    )
    each = tallies.measures(Facts(), found)["affected_users"]
    assert each.parts == (4200, 13.5)
    assert each.definition.endswith("in brackets the share counted (evidence: impact)")


def test_a_share_of_another_number_of_users_stands_by_itself():
    """25 are stated, and 20 of 60 were counted: 33.3 % is not the share of the 25."""
    found = Found([said("affected_users", 20.0, "users"), said("affected_share", 100 / 3, "%")])
    each = tallies.measures(Facts(affected_total=25), found)
    assert each["affected_users"].parts == (25, None)
    assert "in brackets" not in each["affected_users"].definition
    assert each["affected_share"].value == pytest.approx(100 / 3)
    assert tallies.measures(Facts(affected_total=20), found)["affected_users"].parts == (20, 33.3)


def test_a_computed_figure_keeps_its_definition_beside_a_stated_one():
    found = Found([said("revenue_loss", 12_000.0, "$", low=9_500.0, high=14_000.0)])
    both = tallies.measures(Facts(revenue_loss=20_000.0), found)["revenue_loss"]
    assert both.counted == "counted: $9,500 to $14,000"
    rows = frames.stats([both]).set_index("measure")
    assert rows.loc["revenue_loss_computed", "definition"] == (
        "computed, where another figure is stated: counted: $9,500 to $14,000"
    )


def test_revenue_is_defined_by_its_stated_method_and_shows_its_interval():
    each = tallies.measures(Facts(revenue_loss=12500.0, revenue_method="orders lost × basket"))
    assert each["revenue_loss"].definition == "orders lost × basket"
    found = Found([said("revenue_loss", 12_000.0, "$", low=9_500.0, high=14_000.0)])
    assert tallies.measures(Facts(), found)["revenue_loss"].beside == "computed: $9,500 to $14,000"
    both = tallies.measures(Facts(revenue_loss=20_000.0), found)["revenue_loss"]
    assert both.beside == "computed $12,000, $9,500 to $14,000, from evidence impact"


def test_slo_impact_falls_back_to_the_consumed_budget_and_says_so():
    own = tallies.measures(Facts(slo_impact=40.0, budget_consumed=41.67))["slo_impact"]
    other = tallies.measures(Facts(budget_consumed=41.67))["slo_impact"]
    assert (own.value, own.source) == (40.0, "stated: slo_impact")
    assert (other.value, other.source) == (41.67, "stated: budget_consumed")


def test_the_remaining_budget_follows_from_a_stated_target_and_achievement():
    """100·(99.95 − 99.9)/(100 − 99.9) = 50 %."""
    got = tallies.measures(Facts(slo_target=99.9, slo_actual=99.95))["budget_remaining"]
    assert got.value == pytest.approx(50.0)
    whole = tallies.measures(Facts(slo_target=100.0, slo_actual=99.95))["budget_remaining"]
    assert whole.value is None


def test_quick_stats_come_first_in_the_order_of_the_template():
    assert list(tallies.measures(Facts()))[:9] == [
        *("duration", "detection_time", "resolution_time", "mttd", "mttr"),
        *("affected_users", "failed_requests", "revenue_loss", "slo_impact"),
    ]


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (36_912.0, "requests", "36,912 requests"),
        (1.0, "users", "1 user"),
        (1.0, "bad minutes", "1 bad minute"),
        (29_400.4, "$", "$29,400"),
        (-120.0, "$", "−$120"),
        (99.632, "%", "99.632 %"),
        (47.13, "%", "47.13 %"),
        (-108.3, "%", "−108.3 %"),
        (0.0, "users", "0 users"),
        (100.0, "%", "100 %"),
    ],
)
def test_a_value_reads_as_a_person_writes_it(value, unit, words):
    assert worded(value, unit) == words


def test_rounding_is_no_difference():
    assert same(47.1, 47.1234)
    assert same(2188, 2188.0)
    assert not same(47.2, 47.1234)


def test_targets_near_100_percent_disagree_by_what_they_allow():
    """99.9 and 99.95 % differ by 0.05 % of 100, but allow twice as much."""
    stated = said("slo_target", 99.9, "%", source="stated: slo_target")
    assert compare([stated, said("slo_target", 99.95, "%")])
    assert not compare([stated, said("slo_target", 99.9, "%")])


def test_figures_of_two_slos_are_not_compared():
    assert not compare([said("slo_target", 99.9), said("slo_target", 95.0, of="other")])


@pytest.mark.parametrize(
    ("advice", "known"),
    [
        (["nothing matches 'service:\"checkot\"': services there are 'checkout'"], False),
        (["there are no logs at all in this window: check the window"], False),
        (["nothing matches 'status:error' in this window", "'usr.id' looks like …"], False),
        ([], False),
        (None, False),
        (["nothing matches 'status:error' in this window"], True),
        (["each part matches logs of this window, all of them together none"], True),
    ],
)
@pytest.mark.parametrize(
    ("counted", "figure"),
    [("count(*)", "failed_requests"), ("count(DISTINCT @usr.id)", "affected_users")],
)
def test_a_count_of_nothing_is_a_figure_only_where_the_search_could_find(
    tmp_path, advice, known, counted, figure
):
    """A mistyped service, or logs that have expired, would say that no request failed."""
    start = dt.datetime(2025, 12, 7, 10, tzinfo=dt.UTC)
    incident = Incident.create("INC-1", tmp_path, start=start, end=start + dt.timedelta(hours=1))
    record = {
        "function": "analyze_datadog_logs",
        "arguments": {"sql_query": f"SELECT {counted} FROM logs", "filter": "status:error"},
        "from": "2025-12-07T10:00:00Z",
        "to": "2025-12-07T11:00:00Z",
        "complete": True,
        "advice": advice,
    }
    frame = evidence.pd.DataFrame({"n": evidence.pd.array([0], dtype="Int64")})
    evidence.freeze(incident.path / "evidence", "impact", frame, record)
    row = incident.stats().set_index("measure").loc[figure]
    if known:
        assert row["value"] == 0
    else:
        assert evidence.pd.isna(row["value"])
        why = advice[-1] if advice else "whether logs of this search were kept is not known"
        assert row["missing"] == f"not stated, and evidence impact counted nothing: {why}"


@pytest.mark.parametrize(
    ("grouped", "rows", "figures"),
    [
        (False, [(90, 30)], {"failed_requests": 90, "affected_users": 30}),
        (True, [("eu", 60, 20), (None, 30, 15)], {"failed_requests": 90, "affected_users": None}),
    ],
)
def test_several_counts_of_one_question_are_read_each(tmp_path, grouped, rows, figures):
    """Distinct users of two regions do not add up: some may have failed in both."""
    start = dt.datetime(2025, 12, 7, 10, tzinfo=dt.UTC)
    incident = Incident.create("INC-1", tmp_path, start=start, end=start + dt.timedelta(hours=1))
    counts = 'count(*) AS n, count(DISTINCT "@usr.id") AS users FROM logs'
    words = f'SELECT "@region" AS region, {counts} GROUP BY 1' if grouped else f"SELECT {counts}"
    names = [*(["region"] if grouped else []), "n", "users"]
    frame = evidence.pd.DataFrame(rows, columns=names).astype({"n": "Int64", "users": "Int64"})
    record = {
        "function": "analyze_datadog_logs",
        "arguments": {"sql_query": words, "filter": "status:error"},
        "from": "2025-12-07T10:00:00Z",
        "to": "2025-12-07T11:00:00Z",
        "complete": True,
    }
    evidence.freeze(incident.path / "evidence", "impact", frame, record)
    found = incident.measures()
    assert {name: found[name].value for name in figures} == figures


def test_stats_hold_the_computed_figure_in_a_row_of_its_own(tmp_path):
    """The evidence counts 3 failed requests, 4 are stated: both are in the frame."""
    start = dt.datetime(2025, 12, 7, 10, tzinfo=dt.UTC)
    incident = Incident.create("INC-1", tmp_path, start=start, end=start + dt.timedelta(hours=1))
    frame = evidence.pd.DataFrame({"count(*)": evidence.pd.array([3], dtype="Int64")})
    record = {
        "function": "analyze_datadog_logs",
        "arguments": {"sql_query": "SELECT count(*) FROM logs", "filter": "status:error"},
        "from": "2025-12-07T10:00:00Z",
        "to": "2025-12-07T11:00:00Z",
        "complete": True,
    }
    evidence.freeze(incident.path / "evidence", "impact", frame, record)
    before = incident.stats()
    assert list(before.columns) == ["measure", "value", "unit", "definition", "from", "missing"]
    rows = before.set_index("measure")
    assert rows.loc["failed_requests", "value"] == 3
    assert rows.loc["failed_requests", "from"] == "evidence: impact"
    assert "failed_requests_computed" not in rows.index
    incident.set("failed_requests", 4)
    rows = incident.stats().set_index("measure")
    assert rows.loc["failed_requests", "value"] == 4
    assert rows.loc["failed_requests_computed", "value"] == 3
    assert incident.value("failed_requests") == 4
