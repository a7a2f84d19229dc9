"""Figures in the document: what stands beside them, the tables of their sources, the budget."""

import datetime as dt
import re

import pandas as pd
import pytest

from postmortem_nb import Incident, asides, document, drawing, editions, evidence, formtext, tallies
from postmortem_nb.datadog import steps
from postmortem_nb.formstate import Sheet
from postmortem_nb.importing.markdown import from_markdown

UTC = dt.UTC
START = dt.datetime(2025, 12, 7, 10, tzinfo=UTC)
END = START + dt.timedelta(minutes=90)
MINUTE = dt.timedelta(minutes=1)
HOSTILE = "<script>alert(1)</script>|`$x$`*b*"


def slo(name="Checkout", bad=37_500.0):
    """Return the answer of the worked example: 99.9 % over 30 days, 90 M requests."""
    near = [
        steps.row(START + n * MINUTE, START + (n + 1) * MINUTE, 150_000 / 90, bad / 90, lacks=False)
        for n in range(90)
    ]
    whole = steps.row(END - dt.timedelta(days=30), END, 90e6 - bad, bad, lacks=False)
    target = steps.Target(name, "metric", 99.9, dt.timedelta(days=30))
    return steps.frame({"window": [whole], "incident": near}, "requests", target, None)


def logs(region="eu", users=3):
    """Return logs of users of whom one in two met a failure."""
    rows = [(f"u-{n}", "error" if n % 2 else "info") for n in range(2 * users)]
    return pd.DataFrame(
        {
            "timestamp": pd.to_datetime([START + MINUTE] * len(rows), utc=True),
            "status": pd.array([row[1] for row in rows], dtype="string"),
            "usr.id": pd.array([row[0] for row in rows], dtype="string"),
            "region": pd.array([region] * len(rows), dtype="string"),
        }
    )


def freeze(incident, name, frame, function):
    record = {
        "function": function,
        "call": f"{function}()",
        "from": "2025-12-07T10:00:00Z",
        "to": "2025-12-07T11:30:00Z",
        "complete": True,
        "fetched_at": "2025-12-08T00:00:00Z",
        "site": "datadoghq.com",
    }
    evidence.freeze(incident.path / "evidence", name, frame, record)


@pytest.fixture
def incident(tmp_path):
    made = Incident.create("INC-9", tmp_path, start=START, end=END, title="Errors")
    times = {"Detection": 12, "Acknowledgment": 15, "Mitigation Deployed": 55}
    for step, minutes in times.items():
        made.add("timeline", step=step, time=START + minutes * MINUTE)
    return made


@pytest.fixture
def asked(incident):
    freeze(incident, "slo", slo(), "get_datadog_slo")
    freeze(incident, "users", logs(), "search_datadog_logs")
    return incident


def section(markdown, title):
    """Return the Markdown of a section by its title."""
    below = markdown.partition(f"# {title}\n")[2]
    return re.split(r"^#+ ", below, maxsplit=1, flags=re.MULTILINE)[0]


def test_the_worked_example_reaches_stats_and_document(asked):
    """41.67 % consumed, 58.33 % remaining, burn 200; 3 of 6 users are 50 %."""
    rows = asked.stats().set_index("measure")
    assert rows.loc["slo_impact", "value"] == pytest.approx(100 * 37_500 / 90_000)
    assert rows.loc["budget_remaining", "value"] == pytest.approx(58.333, abs=1e-3)
    assert rows.loc["burn_rate", "value"] == pytest.approx(200)
    assert rows.loc["affected_users", "value"] == 3
    assert "of 6 distinct usr.id" in rows.loc["affected_users", "definition"]
    text = asked.document()
    assert "| **SLO Impact** | 41.67 % |" in text
    assert "| **Affected Users** | 3 (50 %) |" in text
    business = section(text, "Business Impact")
    for line in ("- SLO target: 99.9 %", "- Error budget remaining: 58.33 %"):
        assert line in business
    assert "request-based SLO over 30 days" in business
    undetected = "> | Undetected | 10:00:00–10:12:00 UTC | 5,000 bad requests | 5.56 % |"
    assert undetected in business
    assert "> | eu | 3 |" in section(text, "User Impact")


def test_suggested_figures_are_never_typed(asked):
    asked.document()
    assert asked.value("slo_target") is None
    assert asked.value("affected_total") is None
    assert "slo_target" not in set(asked.history()["name"].dropna())


def test_a_stated_figure_keeps_the_computed_one_beside_it(asked):
    asked.set("slo_impact", 40)
    asked.set("affected_total", 3)
    text = asked.document()
    assert "| **SLO Impact** | 40 % *(computed 41.67 % from evidence slo)* |" in text
    assert "- Total affected users: 3\n" in text
    page = document.html(asked)
    assert "(computed 41.67 % from evidence slo)" in page
    asked.set("slo_impact", 41.67)
    assert "computed" not in section(asked.document(), "Quick Stats").partition(">")[0]


def test_an_exported_document_comes_back_without_what_stands_beside(asked, tmp_path):
    asked.set("slo_impact", 40)
    asked.set("revenue_loss", 1200)
    asked.set("what_happened", "It failed *(computed by hand)* and (computed 3 from x)")
    (written,) = (p for p in editions.export(asked.path, "markdown") if p.suffix == ".md")
    back, told = from_markdown(written, "INC-10", tmp_path)
    assert back.value("slo_impact") == 40
    assert back.value("revenue_loss") == 1200
    assert back.value("what_happened") == asked.value("what_happened")
    assert back.value("slo_target") == 99.9  # shown, so it is the document's word
    assert not [line for line in told if "computed" in line or "slo_impact" in line], told


def test_an_import_of_an_export_exports_the_same(incident, tmp_path):
    incident.set("failed_requests", 37_500)
    first = next(p for p in editions.export(incident.path, "markdown") if p.suffix == ".md")
    text = first.read_text("utf-8").replace("INC-9", "INC-11")
    (tmp_path / "copy.md").write_text(text, "utf-8")
    back, told = from_markdown(tmp_path / "copy.md", "INC-11", tmp_path)
    assert back.document() == incident.document().replace("INC-9", "INC-11")
    assert told == []


def test_a_large_figure_that_is_read_back_has_nothing_beside_it(tmp_path):
    (tmp_path / "back").mkdir()
    incident = Incident.create("INC-9", dir=tmp_path)
    incident.set("slo_target", 1)
    incident.set("slo_actual", 1_435_705)  # remaining 100 · 1,435,704 / 99 = 1,450,206.0606… %
    (tmp_path / "out.md").write_text(incident.document(), "utf-8")
    back, _ = from_markdown(tmp_path / "out.md", "INC-9", tmp_path / "back")
    assert "1,450,206.06 %" in back.document()
    assert back.document() == incident.document()


def test_a_document_with_tables_is_read_back_whether_exported_or_not(asked, tmp_path):
    asked.set("slo_impact", 40)
    asked.set("experience", "Degraded")
    (tmp_path / "other").mkdir()
    (tmp_path / "plain.md").write_text(asked.document(), "utf-8")
    back, told = from_markdown(tmp_path / "plain.md", dir=tmp_path / "other")
    assert told == []
    assert back.value("slo_impact") == 40
    assert back.value("experience") == "Degraded"


def test_what_was_asked_for_a_monitor_is_called_so_and_comes_last(incident):
    row = incident.add("monitors", name="Errors (p95, all)")
    query = "sum:trace.checkout.request.errors{*}.as_count()"
    points = pd.DataFrame(
        {
            "timestamp": pd.to_datetime([START + MINUTE], utc=True),
            "query": pd.array([query], dtype="string"),
            "series": pd.array(["*"], dtype="string"),
            "value": [7.0],
        }
    )
    for name in (f"backtest_{row}", "failures", "backtest_rgone_48210003"):
        freeze(incident, name, points, "get_datadog_metric")
    assert incident.measures()["failed_requests"].source == f"evidence: failures, {query}"
    shown = section(incident.document(), "User Impact")
    named = re.findall(r"\| 7 \| (evidence: [^|]*) \|", shown)
    assert named[0] == "evidence: failures"
    assert sorted(named[1:]) == [
        "evidence: back-test of a monitor that was removed",
        "evidence: back-test of monitor 1",
    ]
    assert "backtest_" not in incident.document()


def test_tables_under_a_form_are_read_from_the_left_but_for_figures(asked):
    lines = document.reading(asked, "Impact Analysis")
    shown = formtext._styled(document.both(asked, lines)[0])
    assert '<td style="text-align:left">evidence: users</td>' in shown
    assert '<td class="num">' in shown
    assert "<td>" not in shown


def test_two_sources_that_disagree_are_both_shown(asked):
    asked.set("affected_total", 30)
    shown = section(asked.document(), "User Impact")
    assert "> | Affected users | 30 | stated | as stated | no |" in shown
    assert re.search(r"> \| Affected users \| 3 \| evidence: users \| .* \| no \|", shown)
    assert "sources" in set(asked.check()["code"])


def test_an_empty_incident_has_no_tables(tmp_path):
    empty = Incident.create("INC-1", tmp_path)
    assert "computed" not in empty.document()
    assert not asides.of({}, empty.measures(), empty.found())


def test_blanks_are_the_templates_own_lines(asked):
    """With empty blanks shown, no table of ours stands in the template's layout."""
    assert "> |" not in asked.document(blanks=True)


def test_regions_that_do_not_add_up_say_what_they_are_in_all(incident):
    """Two of the three users met failures in both regions: 3 + 2 are 3."""
    freeze(incident, "users", pd.concat([logs("eu"), logs("us", users=2)]), "search_datadog_logs")
    assert "> | eu | 3 |\n> | us | 2 |\n> | In all | 3 |" in incident.document()
    freeze(incident, "users", logs("eu"), "search_datadog_logs")
    again = Incident.open(incident.path).document()
    assert "> | eu | 3 |" in again
    assert "In all" not in again


def test_a_hostile_slo_and_region_stay_text(incident):
    freeze(incident, "slo", slo(name=HOSTILE), "get_datadog_slo")
    freeze(incident, "users", logs(region=HOSTILE), "search_datadog_logs")
    for written in editions.export(incident.path, "html"):
        page = written.read_text("utf-8")
        assert "<script" not in page
        assert "alert(1)" in page
    assert "<script" not in document.html(incident)
    assert "<script" not in incident.document()


def test_the_public_edition_tells_no_source(asked):
    asked.set("slo_impact", 40)
    asked.set("affected_total", 30)
    for written in editions.export(asked.path, "markdown", audience="public"):
        if written.suffix == ".md":
            text = written.read_text("utf-8")
            assert "evidence" not in text
            assert "41.67" not in text
            assert "computed" not in text
            assert "Total affected users: 30" in text


def test_several_slos_stand_side_by_side_and_the_one_called_slo_is_the_incidents(asked):
    freeze(asked, "another", slo(name="Other", bad=75_000.0), "get_datadog_slo")
    rows = asked.stats().set_index("measure")
    assert rows.loc["slo_impact", "value"] == pytest.approx(41.6667, abs=1e-3)
    business = section(asked.document(), "Business Impact")
    assert "“Checkout”" in business
    assert "“Other”" in business
    assert "sources" not in set(asked.check()["code"])  # two SLOs are no contradiction


def test_the_form_suggests_whole_hours_and_never_none_for_less(incident):
    def suggested():
        sheet = Sheet(incident, incident.template.section("Impact Analysis"))
        return sheet.measures()["engineering_hours"]

    incident.add("timeline", step="Escalation", time=START + 60 * MINUTE, responders=["Bob"])
    assert suggested()["value"] == ""
    incident.add("timeline", step="Acknowledgment", time=START + 15 * MINUTE, on_call="Ana")
    assert suggested()["value"] == "1"
    assert suggested()["text"].startswith("Computed: at least 1.7 hours")


def test_the_form_suggests_what_evidence_says(asked):
    sheet = Sheet(asked, asked.template.section("Impact Analysis"))
    said = sheet.measures()
    assert said["budget_consumed"]["value"] == "41.67"
    assert said["budget_consumed"]["text"] == "Computed: 41.67 % (evidence: slo)"
    asked.set("budget_consumed", 41.67)
    assert sheet.measures()["budget_consumed"]["text"] == ""
    asked.set("budget_consumed", 30)
    assert "41.67" in sheet.measures()["budget_consumed"]["text"]


def test_what_a_document_offers_is_rounded_and_never_beside_a_stated_figure(asked):
    measures = asked.measures()
    assert tallies.offered(measures["budget_consumed"]) == 41.67
    assert tallies.offered(measures["slo_actual"]) == 99.958
    asked.set("budget_consumed", 41.6)
    assert tallies.offered(asked.measures()["budget_consumed"]) is None


def test_a_relapse_is_counted_over_its_intervals_in_stats_table_and_chart(tmp_path):
    """Even failures, 10:00–10:30 and 11:00–11:30: 60 of 90 minutes, 2/3 of 41.67 % = 27.78 %."""
    incident = Incident.create("INC-2", tmp_path, start=START, end=START + 30 * MINUTE)
    incident.add("timeline", step="Incident Start", time=START + 60 * MINUTE)
    incident.add("timeline", step="Full Recovery", time=END)
    freeze(incident, "slo", slo(), "get_datadog_slo")
    rows = incident.stats().set_index("measure")
    assert rows.loc["budget_consumed", "value"] == pytest.approx(27.7778, abs=1e-3)
    assert rows.loc["impact_length", "value"] == 60
    assert rows.loc["duration", "value"] == 90
    assert "*(computed: 60 minutes without the gap)*" in incident.document()
    frame = evidence.thaw(incident.path / "evidence", "slo")
    way = drawing.Way("", "", incident.window(), (), tallies.gapped(incident.found()))
    assert "Whole incident: 27.8 % of the budget" in drawing.draw(frame, way).alt


@pytest.mark.parametrize(
    ("burn", "words"),
    [
        (200.04, "200"),
        (13.33, "13.3"),
        (0.2667, "0.27"),
        (0.04, "0.04"),
        (1e-5, "less than 0.01"),
        (0, "0"),
    ],
)
def test_a_slow_burn_rate_keeps_two_digits(burn, words):
    assert asides._rate(burn) == words
