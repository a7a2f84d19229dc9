"""An answer that tells of a part of the impact: what it counts is the least there was."""

import datetime as dt
from itertools import combinations

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.lines import Line2D

from postmortem_nb import Incident, affected, coverage, document, evidence, impact
from postmortem_nb.charts import clock, stage, waterfall
from postmortem_nb.charts.look import Look
from postmortem_nb.datadog import steps
from postmortem_nb.redaction import PublicIncident

START = dt.datetime(2026, 3, 10, 10, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
END = START + 60 * MINUTE
WHOLE, HALF = (START, END), (START + 30 * MINUTE, END)
ONLY = "the answer covers 2026-03-10 10:30 UTC to 2026-03-10 11:00 UTC only, not the whole impact"


def record(function, window, **more):
    return {
        "function": function,
        "from": window[0].isoformat(),
        "to": window[1].isoformat(),
        "complete": True,
        "fetched_at": "2026-03-11T00:00:00Z",
        **more,
    }


def minutes(window):
    return [window[0] + n * MINUTE for n in range((window[1] - window[0]) // MINUTE)]


def errors(window):
    moments = pd.to_datetime(minutes(window), utc=True)
    query = "sum:web.errors{*}.as_count()"
    return pd.DataFrame({"timestamp": moments, "query": query, "series": "*", "value": 10.0})


def logs(window):
    """Return a log a minute of another user, one in two failed."""
    moments = pd.to_datetime(minutes(window), utc=True)
    status = ["error" if n % 2 else "info" for n in range(len(moments))]
    ids = [f"u-{moment:%M}" for moment in moments]
    return pd.DataFrame({"timestamp": moments, "status": status, "usr.id": ids})


def slo(window):
    near = [steps.row(at, at + MINUTE, 1600.0, 400.0, lacks=False) for at in minutes(window)]
    whole = steps.row(window[1] - dt.timedelta(days=30), window[1], 86.4e6, 24e3, lacks=False)
    target = steps.Target("api", "metric", 99.9, dt.timedelta(days=30))
    return steps.frame({"window": [whole], "incident": near}, "requests", target, None)


ASKED = {
    "metrics": (errors, "get_datadog_metric"),
    "users": (logs, "search_datadog_logs"),
    "slo": (slo, "get_datadog_slo"),
}


@pytest.fixture
def incident(tmp_path):
    made = Incident.create("INC-1", tmp_path, start=START, end=END)
    for step, after in {"Detection": 10, "Mitigation Deployed": 40}.items():
        made.add("timeline", step=step, time=START + after * MINUTE)
    return made


def ask(incident, window, **more):
    for name, (frame, function) in ASKED.items():
        told = record(function, window, **more)
        evidence.freeze(incident.path / "evidence", name, frame(window), told)
    return {each.name: each for each in incident.found().estimates}


BOUND = ("failed_requests", "affected_users", "budget_consumed")


def test_an_answer_of_the_whole_impact_is_none(incident):
    found = ask(incident, (START - MINUTE, END + MINUTE))
    assert not any(found[name].lower_bound for name in (*BOUND, "burn_rate", "affected_share"))


def test_of_a_part_each_figure_is_the_least_and_names_the_window(incident):
    found = ask(incident, HALF)
    assert [found[name].value for name in BOUND[:2]] == [300, 15]
    for name in BOUND:
        assert found[name].lower_bound
        assert found[name].definition.endswith(ONLY)
    assert impact.table(incident).set_index("figure").loc["failed_requests", "lower_bound"]


def test_wherever_the_least_is_told_it_is_said_to_be_one(incident):
    ask(incident, HALF)
    row = incident.stats().set_index("measure").loc["failed_requests"]
    assert row["definition"].startswith("at least: sum of the points")
    rows = document.markdown(incident).splitlines()
    assert any("| Failed Requests | at least 300 requests | sum of" in row for row in rows)
    assert any("**Failed Requests** | 300 *(computed: at least," in row for row in rows)
    incident.set("failed_requests", 200)
    computed = incident.stats().set_index("measure").loc["failed_requests_computed"]
    assert computed["definition"].startswith("at least: computed")
    assert not any(
        "| Failed Requests | at least" in row for row in document.markdown(incident).splitlines()
    )


def test_the_public_edition_says_at_least_and_names_no_answer(incident):
    ask(incident, HALF)
    public = PublicIncident.open(incident.path)
    measure = public.measures()["failed_requests"]
    assert (measure.value, measure.source) == (300, "computed")
    assert measure.definition.startswith("at least: ")
    secret = errors(WHOLE).assign(query="avg:secret.errors{*}")
    told = record("get_datadog_metric", WHOLE)
    evidence.freeze(incident.path / "evidence", "metrics", secret, told)
    assert "secret" in incident.measures()["failed_requests"].missing
    measure = PublicIncident.open(incident.path).measures()["failed_requests"]
    assert (measure.value, measure.missing) == (None, "not stated")


def test_a_share_of_a_part_is_unknown(incident):
    """What share of users met a failure in half an hour says nothing of the hour."""
    found = ask(incident, HALF)
    assert not {"affected_share", "burn_rate"} & set(found)
    measures = incident.measures()
    assert ONLY in measures["affected_share"].missing
    assert ONLY in measures["burn_rate"].missing


def test_what_was_asked_before_the_end_saw_only_a_part(incident):
    early = (START + 30 * MINUTE).isoformat()
    assert all(ask(incident, WHOLE, fetched_at=early)[name].lower_bound for name in BOUND)
    sandbox = ask(incident, WHOLE, fetched_at=early, sandbox=True)
    assert not any(sandbox[name].lower_bound for name in BOUND)


def test_two_windows_of_the_same_rows_are_told_apart(incident):
    """The rows are the same where nothing came outside; what is known is not."""
    frame, folder = errors(HALF), incident.path / "evidence"
    evidence.freeze(folder, "m", frame, record("get_datadog_metric", HALF))
    assert incident.found().estimates[0].lower_bound
    evidence.freeze(folder, "m", frame, record("get_datadog_metric", WHOLE))
    assert not Incident.open(incident.path).found().estimates[0].lower_bound


def test_the_budget_by_phase_says_what_was_not_asked(incident):
    ask(incident, HALF)
    written = document.markdown(incident)
    rows = [line for line in written.splitlines() if line.startswith("> | ")]
    undetected, worked, after = (
        next(row for row in rows if row.startswith(f"> | {name}"))
        for name in ("Undetected", "Unacknowledged, unmitigated", "Recovering")
    )
    assert undetected.count("not asked") == 2
    assert "at least 4,000 bad requests" in worked
    assert "| 8,000 bad requests" in after
    incidents = next(row for row in rows if row.startswith("> | This incident"))
    assert "at least 12,000 bad requests" in incidents
    assert "burn rate" not in incidents
    assert not any(row.startswith("> | Above the usual") for row in rows)


@pytest.mark.parametrize(("limit", "least"), [(60, True), (61, False), (None, False)])
def test_an_answer_with_as_many_rows_as_its_limit_allows_is_a_lower_bound(limit, least):
    """Before: “30 users” of 60 logs that were asked for with `limit=60`."""
    frame = logs(WHOLE)
    frame.attrs["evidence"] = record("search_datadog_logs", WHOLE, arguments={"limit": limit})
    found = affected.users(frame, WHOLE, name="logs")
    assert found.value == 30
    assert found.lower_bound == least
    assert ("all of the 60 rows that its limit allows" in found.definition) == least
    assert (affected.share(frame, WHOLE, name="logs") is None) == least


def test_the_picture_of_the_budget_says_what_was_not_asked():
    frame = slo(HALF)
    frame.attrs["evidence"] = record("get_datadog_slo", HALF)
    marks = {"detected": START + 10 * MINUTE, "mitigated": START + 40 * MINUTE}
    spent = waterfall.read(frame, Look(window=WHOLE, milestones=tuple(marks.items())))
    words = [bar[3] for bar in waterfall.bars(spent)]
    assert words[0] == "not asked"
    assert words[1].startswith("at least")
    assert words[2] == "9.3 %"
    assert words[-1].startswith("at least 13.9 % of the budget")
    assert "Burn rate" not in waterfall.told(spent)


def test_the_window_of_an_slo_ends_where_its_question_did(incident):
    ask(incident, (START, END + 60 * MINUTE))
    assert "30 days to 2026-03-10 12:00 UTC" in document.markdown(incident)
    ask(incident, WHOLE)
    assert "30 days to the incident's end" in document.markdown(incident)


def test_an_slo_that_was_asked_and_held_nothing_is_no_missing_one(incident):
    empty = slo(WHOLE).iloc[:0]
    told = record("get_datadog_slo", WHOLE)
    evidence.freeze(incident.path / "evidence", "slo", empty, told)
    for name in ("slo_actual", "slo_target", "budget_consumed"):
        assert incident.measures()[name].missing.endswith("evidence slo holds no data of the SLO")
    none = slo(WHOLE)
    none[["good", "bad", "valid"]] = 0.0
    evidence.freeze(incident.path / "evidence", "slo", none, told)
    assert "has no data in its window" in incident.measures()["slo_actual"].missing


def test_without_a_record_nothing_is_known_to_be_left_out():
    assert coverage.limits(errors(HALF), WHOLE) == ""
    assert coverage.asked({"from": "soon", "to": "later"}) is None
    assert coverage.told("5 %", None, WHOLE) == "5 %"


def test_nothing_of_the_budgets_picture_is_cut_or_crossed():
    """The second phase's words stand where the budget ends; the SLO has a long name."""
    frame = slo(WHOLE)
    long = "total − bad of sum:web.requests{*}.as_count(): sum:web.errors{*}.as_count()"
    frame["slo"], frame["target"] = long, 99.99
    marks = {"detected": START + 20 * MINUTE, "acknowledged": START + 21 * MINUTE}
    spent = waterfall.read(frame, Look(window=WHOLE, milestones=tuple(marks.items())))
    figure = waterfall.draw(spent, stage.View(Look(window=WHOLE), clock.Span(0, 1)))
    texts = [each for each in figure.texts if each.get_text()]
    pen = FigureCanvasAgg(figure).get_renderer()
    boxes = [each.get_window_extent(pen) for each in texts]
    caption = next(each.get_text() for each in texts if "target" in each.get_text())
    assert caption.endswith("the budget is 8,642 requests")
    assert not any(one.overlaps(two) for one, two in combinations(boxes, 2))
    ends = [each for each in figure.findobj(Line2D) if each.get_color() == "#9A3B00"]
    drawn = [each.get_window_extent(pen) for each in ends]
    assert drawn
    assert not any(line.overlaps(box) for line in drawn for box in boxes)
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
