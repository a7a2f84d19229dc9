"""Tables as DataFrames, and edited frames back as their few differences."""

from datetime import UTC, date, datetime

import pandas as pd
import pytest

from postmortem_nb import evidence, impact, kinds
from postmortem_nb.errors import BadValue
from postmortem_nb.incident import Incident
from postmortem_nb.wholeframe import WholeFrame

START = datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
END = datetime(2025, 12, 4, 16, 9, tzinfo=UTC)


@pytest.fixture
def incident(tmp_path):
    return Incident.create("INC-4821", tmp_path)


def lines(incident):
    return (incident.path / "incident.jsonl").read_bytes().count(b"\n")


def texts(incident, table="takeaways", name="text"):
    return [row[name] for row in incident.values(table)]


def test_dtypes_are_those_of_the_kinds(incident):
    for table, columns in incident.template.tables.items():
        for frame in (incident[table], Incident.open(incident.path)[table]):
            found = {name: str(dtype) for name, dtype in frame.dtypes.items()}
            assert found == {c.name: kinds.KINDS[c.kind].dtype for c in columns}
            assert frame.index.name == "row"
    assert str(incident["timeline"]["time"].dtype) == "datetime64[us, UTC]"
    assert str(incident["actions"]["due"].dtype) == "datetime64[s]"
    assert incident["incident"]["failed_requests"].tolist() == [pd.NA]


def test_a_frame_is_a_copy(incident):
    incident.set("failed_requests", "1,234")
    frame = incident["incident"]
    frame.loc["incident", "failed_requests"] = 5
    assert incident.value("failed_requests") == 1234
    incident.set("services", ["a", "b"])
    incident.value("services").append("c")
    incident["incident"].loc["incident", "services"].append("d")
    assert incident.value("services") == ["a", "b"]


def test_history_holds_every_value_ever_set_as_text(incident):
    incident.set("severity", "SEV-1")
    incident.set("severity", "SEV-2")
    incident.set("failed_requests", 12_500)
    incident.set("revenue_loss", 12_500.5)
    incident.set("services", ["a", "b"])
    incident.set("executives_involved", True)
    incident.set("severity", None)
    row = incident.add("takeaways", text="t")
    incident.remove("takeaways", row)
    history = incident.history()
    assert list(history.columns) == ["at", "by", "table", "row", "name", "old", "new"]
    assert str(history["at"].dtype) == "datetime64[us, UTC]"
    assert (history["by"] == "tester").all()
    assert history["at"].is_monotonic_increasing
    severity = history[history["name"] == "severity"]
    assert severity["new"].fillna("").tolist() == ["SEV-1", "SEV-2", ""]
    assert severity["old"].fillna("").tolist() == ["", "SEV-1", "SEV-2"]
    assert {"12500", "12500.5", "a, b", "Yes", "row added", "t", "row removed"} <= set(
        history["new"]
    )
    assert history[["by", "new"]].equals(Incident.open(incident.path).history()[["by", "new"]])


def test_stats_show_figures_as_people_write_them(tmp_path):
    """The value keeps every digit; only what is shown of it is rounded."""
    incident = Incident.create("INC-1", tmp_path, start=START, end=END)
    incident.add("timeline", step="Detection", time="14:19:40")
    incident.set("revenue_loss", "2841337.5")
    stats = incident.stats()
    assert stats.set_index("measure").loc["detection_time", "value"] == 17 + 40 / 60
    shown = stats._repr_html_()
    assert ">17.6667<" in shown
    assert ">2,841,338<" in shown
    assert "17.666667" not in shown
    assert "&lt;NA&gt;" in shown


def test_stats_are_computed_by_their_definitions(tmp_path):
    incident = Incident.create("INC-1", tmp_path, start=START, end=END)
    incident.add("timeline", step="Detection", time="14:19:40")
    stats = incident.stats()
    assert list(stats.columns) == ["measure", "value", "unit", "definition", "from", "missing"]
    found = stats.set_index("measure")
    assert found.loc["duration", "value"] == (END - START).total_seconds() / 60 == 127
    assert found.loc["detection_time", "value"] == pytest.approx(17 + 40 / 60)
    assert found.loc["resolution_time", "value"] is pd.NA
    assert "Incident Declared Resolved" in found.loc["resolution_time", "missing"]
    assert found.loc["follow_up", "value"] == date(2026, 1, 3)  # 30 days after 4 December
    assert incident.value("duration") == 127
    assert incident["incident"].loc["incident", "duration"] == 127
    assert incident.milestones() == [
        ("detected", START.replace(minute=19, second=40)),
        ("recovered", END),
    ]


def test_the_log_tells_the_timeline(incident):
    incident.add(
        "timeline", step="Incident Start", time=START, system_behavior="5xx", data_source="logs"
    )
    log = incident.log()
    assert list(log.columns) == ["time", "phase", "step", "text"]
    assert log["text"].tolist() == ["System behavior: 5xx; Data source: logs"]
    assert log["time"].tolist() == [pd.Timestamp(START)]


def test_an_edited_frame_is_written_as_its_few_differences(incident):
    rows = [incident.add("actions", horizon="Immediate", title=text) for text in "abcd"]
    before = lines(incident)
    frame = incident["actions"]
    frame.loc[rows[1], "owner"] = "Dana"
    frame.loc[rows[1], "due"] = pd.Timestamp("2025-12-19")
    frame = frame.drop(rows[2])
    incident.replace("actions", frame)
    assert lines(incident) - before == 3  # one removed, two values
    assert incident["actions"].loc[rows[1], ["owner", "title"]].tolist() == ["Dana", "b"]
    assert incident.values("actions")[1]["due"] == date(2025, 12, 19)
    incident.replace("actions", incident["actions"])
    assert lines(incident) - before == 3


def test_a_column_that_became_the_index_keeps_its_values(incident):
    for text in "ab":
        incident.add("actions", horizon="Immediate", title=text, owner="Dana")
    ids = incident["actions"].index.tolist()
    incident.replace("actions", incident["actions"].set_index("title", append=True))
    assert incident["actions"].index.tolist() == ids
    for columns in ("title", ["owner", "title"]):
        incident.replace("actions", incident["actions"].set_index(columns))
        assert texts(incident, "actions", "title") == ["a", "b"]
        assert texts(incident, "actions", "owner") == ["Dana", "Dana"]


def test_a_frame_of_several_levels_is_refused(incident):
    for frame in (
        pd.DataFrame({("text", "a"): ["x"]}),
        pd.DataFrame({"text": ["x"]}, index=pd.MultiIndex.from_tuples([("a", "b")])),
    ):
        with pytest.raises(BadValue, match=r"takeaways: expected a DataFrame with one level"):
            incident.replace("takeaways", frame)


def test_names_come_back_from_a_csv(incident, tmp_path):
    people = ["Doe, Jane", "O'Hara", "Ana"]
    incident.add("timeline", step="Escalation", time=START, responders=people)
    incident["timeline"].to_csv(tmp_path / "timeline.csv")
    before = lines(incident)
    incident.replace("timeline", pd.read_csv(tmp_path / "timeline.csv", index_col=0))
    assert texts(incident, "timeline", "responders") == [people]
    assert lines(incident) == before


def test_new_rows_of_a_frame_stand_where_they_stood(incident):
    rows = [incident.add("takeaways", text=text) for text in "ab"]
    frame = pd.DataFrame(
        {"text": ["new", "b", "newer", "a", "last"]}, index=["n1", rows[1], "n2", rows[0], None]
    )
    incident.replace("takeaways", frame)
    assert texts(incident) == ["new", "b", "newer", "a", "last"]
    assert incident["takeaways"].index[[1, 3]].tolist() == [rows[1], rows[0]]
    assert texts(Incident.open(incident.path)) == texts(incident)


def test_a_frame_without_row_ids_is_all_new_rows(incident):
    old = incident.add("takeaways", text="old")
    incident.replace("takeaways", pd.DataFrame({"text": ["a", "b"]}))
    assert texts(incident) == ["a", "b"]
    assert old not in incident["takeaways"].index
    incident.replace("takeaways", incident["takeaways"].reset_index())  # ids as a column count too
    assert len(incident.history().query("new == 'row added'")) == 3


def test_a_removed_row_comes_back_with_its_frame(incident):
    rows = [incident.add("takeaways", text=text) for text in "ab"]
    frame = incident["takeaways"]
    incident.remove("takeaways", rows[0])
    incident.replace("takeaways", frame)
    assert incident["takeaways"].index.tolist() == rows
    incident.replace("takeaways", frame.iloc[:0])
    assert incident.values("takeaways") == []


def test_columns_that_a_frame_lacks_stay(incident):
    row = incident.add("actions", horizon="Immediate", title="t", owner="Ana")
    incident.replace("actions", incident["actions"][["title"]].assign(title="new"))
    found = incident.values("actions")[0]
    assert (found["row"], found["title"], found["owner"]) == (row, "new", "Ana")


def test_the_single_facts_are_a_frame_of_one_row(incident):
    incident.set("services", ["a"])
    frame = incident["incident"].assign(
        title="by frame", failed_requests=pd.array([5], dtype="Int64")
    )
    before = lines(incident)
    incident.replace("incident", frame)
    assert lines(incident) - before == 2
    assert (incident.value("title"), incident.value("failed_requests")) == ("by frame", 5)


def test_every_table_goes_through_a_frame_unchanged(incident):
    for table in incident.tables:
        for group in incident.template.groups(table):
            incident.add(table, **dict(group.keys))
    before = lines(incident)
    for table in incident.tables:
        incident.replace(table, incident[table])
        incident.replace(table, incident[table].astype(object))
    assert lines(incident) == before


def test_the_frozen_answers_are_listed(incident):
    empty = incident["evidence"]
    assert empty.empty
    assert empty.columns[0] == "name"
    frame = pd.DataFrame({"n": [1, 2]})
    evidence.freeze(incident.path / "evidence", "errors", frame, {"call": "f()", "complete": True})
    listed = incident["evidence"]
    assert listed["name"].tolist() == ["errors"]
    assert listed["rows"].tolist() == [2]
    assert list(listed.columns[: len(empty.columns)]) == list(empty.columns)


def test_an_incident_without_an_edit_has_empty_frames(tmp_path):
    (tmp_path / "ours.md").write_text("# Ours\n\n## What\n\nReference: {line reference}\n", "utf-8")
    bare = Incident.create("X-1", tmp_path, template=tmp_path / "ours.md")
    assert bare.history().empty
    assert str(bare.history()["at"].dtype) == "datetime64[us, UTC]"
    assert bare["incident"]["reference"].tolist() == [pd.NA]
    assert bare.log().empty


def test_figures_are_shown_whole_and_from_the_left(tmp_path):
    stats = Incident.create("INC-1", tmp_path).stats()
    shown = stats._repr_html_()
    longest = max(stats["missing"].dropna(), key=len)
    assert len(longest) > 50
    assert longest in shown
    assert "<td>" not in shown
    assert type(stats.head(1)) is pd.DataFrame


def test_a_frame_without_rows_says_what_would_give_some(tmp_path):
    regions = impact.by_region(Incident.create("INC-1", tmp_path))
    assert list(regions.columns) == ["figure", "region", "value", "source"]
    assert "ask for logs with a region" in regions._repr_html_()
    assert "definition" in impact.table(Incident.create("INC-2", tmp_path))._repr_html_()
    assert "&lt;b&gt;" in WholeFrame({"a": ["<b>"]})._repr_html_()
