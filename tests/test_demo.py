"""The demo as a newcomer runs it: one command, a whole bundle, a document true to its data."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from postmortem_nb import Incident, cli, demo, evidence, impact, schema
from postmortem_nb.monitors import backtests


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the folder of the demo's bundle and what the command printed."""
    out = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "postmortem_nb", "demo", "--out", str(out)],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out / demo.ID, done.stdout.splitlines()


def test_it_prints_each_path_it_wrote_as_one_word(made):
    folder, printed = made
    assert all(Path(line).is_file() and " " not in line for line in printed)
    suffixes = {Path(line).suffix for line in printed}
    assert {".ipynb", ".html", ".md", ".jsonl"} <= suffixes
    assert all(folder in Path(line).parents for line in printed)


def test_a_folder_with_a_space_still_gives_one_word(tmp_path, monkeypatch, capsys):
    (tmp_path / "my work").mkdir()
    monkeypatch.chdir(tmp_path / "my work")
    monkeypatch.setattr(demo, "run", lambda out: [out.absolute() / "INC-4821" / "INC-4821.html"])
    assert cli.main(["demo"]) == 0
    assert capsys.readouterr().out == "demo/INC-4821/INC-4821.html\n"


def test_every_blank_of_the_template_is_filled(made):
    incident = Incident.open(made[0])
    empty = [
        column.name
        for column in incident.template.tables["incident"]
        if incident.value(column.name) in (None, "", [])
    ]
    assert empty == []
    for table in incident.tables:
        assert len(incident[table]), f"{table} has no rows"
    groups = schema.shipped().groups("timeline")
    assert len(incident["timeline"]) == 14
    assert sum(group.blanks for group in groups) == 14
    assert len(incident.milestones()) == 4


def test_its_check_doubts_no_sentence_and_finds_no_error(made):
    found = Incident.open(made[0]).check()
    assert "error" not in set(found["severity"])
    assert set(found["code"]) == {"evidence", "approval"}


def test_a_wrong_share_in_its_summary_is_found(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "INC-4821")
    incident = Incident.open(tmp_path / "INC-4821")
    summary = incident.value("what_happened")
    assert "11.7% of checkout requests failed" in summary
    incident.set("what_happened", summary.replace("11.7%", "17.1%"))
    found = incident.check()
    (doubt,) = found["message"][found["code"] == "prose"]
    assert doubt.startswith("“17.1%”, but 11.7 % of sum:trace.checkout.request.hits")


def test_its_figures_are_those_of_the_evidence(made):
    """The number of failed requests in the document is the sum of a metric asked another way."""
    incident = Incident.open(made[0])
    rate = demo.datadog.get_datadog_metric(
        queries=["sum:trace.checkout.request.errors{*}.as_rate().rollup(sum, 20)"],
        from_=demo.START,
        to=demo.END,
    )
    total = round(float((rate["value"].astype(float) * 20).sum()))
    assert incident.value("failed_requests") == total
    page = (made[0] / f"{demo.ID}.html").read_text("utf-8")
    assert f"{total:,}" in page


def test_its_figures_agree_with_their_evidence_and_say_so(made):
    """Every stated figure of the impact is within rounding of what the frozen answers tell."""
    incident = Incident.open(made[0])
    table = impact.table(incident)
    assert {"affected_users", "failed_requests", "revenue_loss"} <= set(table["figure"])
    assert table["agrees"].fillna(value=True).all()
    assert "sources" not in set(incident.check()["code"])
    regions = impact.by_region(incident)
    failed = regions[regions["figure"] == "failed_requests"]
    assert failed["value"].sum() == incident.value("failed_requests")
    page = (made[0] / f"{demo.ID}.html").read_text("utf-8")
    assert "request-based SLO over 30 days" in page
    assert "time-based SLO over 30 days" in page
    assert "Unacknowledged" in page


def test_its_back_test_is_that_of_the_frozen_metric(made):
    """By pandas' own rolling mean: five minutes over 600 ms, seen when the last of them is over."""
    minute = pd.Timedelta("1min")
    row = Incident.open(made[0]).values("monitors")[1]
    frame = evidence.thaw(made[0] / "evidence", backtests.evidence_name(row["row"]))
    points = frame.set_index("timestamp")["value"].astype(float)
    over = points.rolling(5).mean() > 0.6
    over.index += minute
    first = over[over & (over.index >= demo.START)].index[0]
    before = over[(over.index >= demo.START - demo.WEEK) & (over.index < demo.START)]
    alarms = (before & ~before.shift(fill_value=False)).sum()
    page = (made[0] / f"{demo.ID}.html").read_text("utf-8")
    line = re.search(r"<td>2\. Checkout waits for connections</td>.*?</tr>", page)[0]
    assert f"<td>yes</td><td>{first:%Y-%m-%d %H:%M} UTC</td>" in line
    assert f"<td>{alarms} alarms, {before.sum()} minutes in 7 days</td>" in line
    assert page.count("Back-test: ") >= 2


def test_its_composite_is_that_of_two_frozen_metrics(made):
    """Monitor 2 and the queue in Datadog, each by pandas' rolling mean, both at the same minute."""
    rows = Incident.open(made[0]).values("monitors")
    names = ((rows[1]["row"],), (rows[2]["row"], "48210003"))
    latency, queue = (
        evidence.thaw(made[0] / "evidence", backtests.evidence_name(*name)).set_index("timestamp")
        for name in names
    )
    both = pd.concat([latency["value"], queue["value"]], axis=1).astype(float).rolling(5).mean()
    over = (both.iloc[:, 0] > 0.6) & (both.iloc[:, 1] > 800)
    over.index += pd.Timedelta("1min")
    assert not over[over.index < demo.START].any()
    page = (made[0] / f"{demo.ID}.html").read_text("utf-8")
    line = re.search(r"<td>3\. Customers wait while payments queues</td>.*?</tr>", page)[0]
    assert f"<td>yes</td><td>{over.idxmax():%Y-%m-%d %H:%M} UTC</td>" in line
    assert "<td>none in 7 days</td>" in line
    assert "48210003 (Payments queue depth)" in page


def test_nothing_of_the_story_is_left_to_fill(made):
    markdown = (made[0] / f"{demo.ID}.md").read_text("utf-8")
    assert "_____" not in markdown
    names = "|".join(field.name for field in dataclasses.fields(demo.Figures))
    assert not re.search(rf"\{{(?:{names})(?:[:!][^}}]*)?\}}", markdown)


def test_tables_of_the_impact_are_no_part_of_the_list_of_contents(made):
    page = (made[0] / f"{demo.ID}.html").read_text("utf-8")
    assert page.count('class="pm-aside"') == 1  # hidden in print and on a phone
    assert page.count('class="pm-basis"') == 4  # sources, regions, and an SLO of each type


def test_the_notebook_ran_and_keeps_no_widget_state(made):
    notebook = json.loads((made[0] / f"{demo.ID}.ipynb").read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    assert "widgets" not in notebook["metadata"]
    pictures = sum(
        "image/png" in output.get("data", {}) for cell in code for output in cell["outputs"]
    )
    tried = len(Incident.open(made[0]).values("monitors"))
    assert tried == 3
    assert pictures == 5 + len(demo.QUESTIONS) + tried


def test_an_earlier_demo_is_never_overwritten(made, capsys):
    assert cli.main(["demo", "--out", str(made[0].parent)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("how", [KeyboardInterrupt, RuntimeError])
def test_a_demo_that_was_stopped_leaves_nothing_in_the_way(tmp_path, monkeypatch, how):
    """Before: half a bundle, which the next demo refused and `make lab` opened."""

    def stop(*_, **__):
        raise how

    monkeypatch.setattr(backtests, "run", stop)
    with pytest.raises(how):
        demo.run(tmp_path)
    assert list(tmp_path.iterdir()) == []
