"""Frozen questions asked again: every difference counted, nothing frozen lost."""

import shutil
from datetime import UTC, datetime, timedelta

import conftest
import pandas as pd
import pytest
from lying import Lying, Say

from postmortem_nb import evidence, refresh, retention
from postmortem_nb.datadog import calls
from postmortem_nb.errors import QueryError
from postmortem_nb.incident import Incident

QUESTIONS = {
    "counts": 'analyze_datadog_logs(filter="service:checkout status:error", sql_query="SELECT '
    'host, count(*) AS n FROM logs GROUP BY host ORDER BY host", from="{{INCIDENT_START}}", '
    'to="{{INCIDENT_START_PLUS_20M}}")',
    "deploys": 'search_datadog_events(query="service:checkout", from="{{INCIDENT_START_MINUS_2H}}",'
    ' to="{{INCIDENT_END}}")',
    "errors": 'get_datadog_metric(queries=["sum:trace.checkout.request.errors{*}.as_count()"], '
    'from="{{INCIDENT_START}}", to="{{INCIDENT_END}}")',
    "logs": 'search_datadog_logs(query="service:checkout status:error", '
    'from="{{INCIDENT_START}}", to="{{INCIDENT_START_PLUS_20M}}", limit=300)',
    "traces": 'search_datadog_spans(query="service:checkout status:error", '
    'from="{{INCIDENT_START}}", to="{{INCIDENT_START_PLUS_20M}}", limit=50)',
}


@pytest.fixture
def incident(asked, tmp_path):
    """Return a copy of its own for each test."""
    return Incident.open(shutil.copytree(asked, tmp_path / "INC-1"))


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Return the folder of an incident whose five questions the sandbox answered, all frozen."""
    times = {"start": "2025-12-04 14:02Z", "end": "2025-12-04 16:09Z"}
    folder = tmp_path_factory.mktemp("asked")
    made = Incident.create("INC-1", folder, services=["checkout"], **times)
    with pytest.MonkeyPatch.context() as shell:
        conftest.forget_account(shell)
        for name, call in QUESTIONS.items():
            frame = calls.ask(calls.fill(calls.parse(call), made.variables()))
            assert len(frame) > 3
            evidence.freeze(made.path / "evidence", name, frame, frame.attrs["evidence"])
    return made.path


def frozen(incident, name):
    return evidence.thaw(incident.path / "evidence", name)


def freeze(incident, name, frame, **facts):
    """Freeze another frame under a name, as if Datadog had answered so then."""
    record = frozen(incident, name).attrs["evidence"] | facts
    evidence.freeze(incident.path / "evidence", name, frame.reset_index(drop=True), record)


def row(frame, name):
    return frame.set_index("name").loc[name]


def numbers(frame, name):
    found = row(frame, name)
    return tuple(
        int(found[each]) for each in ("was_rows", "now_rows", "added", "removed", "changed")
    )


def files(incident):
    return {path.name: path.read_bytes() for path in (incident.path / "evidence").iterdir()}


def test_nothing_differs_where_nothing_happened(incident):
    before, said = files(incident), []
    frame = refresh.refresh(incident, told=said.append)
    assert list(frame.columns) == list(refresh.COLUMNS)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == refresh.COLUMNS
    assert list(frame["name"]) == sorted(QUESTIONS)
    for name in QUESTIONS:
        rows = len(frozen(incident, name))
        assert numbers(frame, name) == (rows, rows, 0, 0, 0)
    assert files(incident) == before
    assert len(said) == len(QUESTIONS)
    assert all(line.split("; ")[0].endswith(": the same") for line in said)
    assert refresh.report(frame) == "".join(f"{line}\n" for line in said)


@pytest.mark.parametrize("name", ["logs", "deploys", "traces", "errors"])
def test_rows_that_came_late_went_or_changed_are_counted(incident, name):
    there = frozen(incident, name)
    text = "value" if name == "errors" else "service"
    older = there.iloc[2:].copy()
    older.loc[older.index[0], text] = 0.5 if name == "errors" else "another"
    extra = there.iloc[:1].copy()
    for column in refresh.KEYS[there.attrs["evidence"]["function"]]:
        extra[column] = (
            extra[column] - timedelta(days=1) if column == "timestamp" else f"gone-{column}"
        )
    freeze(incident, name, pd.concat([older, extra]))
    found = refresh.refresh(incident)
    rows = len(there)
    assert numbers(found, name) == (rows - 1, rows, 2, 1, 1)
    assert "late" not in row(found, name)["note"]


def test_late_data_is_called_so(incident):
    freeze(incident, "logs", frozen(incident, "logs").iloc[3:])
    found = refresh.refresh(incident)
    assert numbers(found, "logs")[2:] == (3, 0, 0)
    assert "late data" in row(found, "logs")["note"]
    rows = len(frozen(incident, "logs")) + 3
    assert f"logs: {rows - 3} rows then, {rows} now: 3 added; late data" in refresh.report(found)


def test_a_result_of_sql_is_compared_as_a_whole(incident):
    there = frozen(incident, "counts")
    other = there.copy()
    other.loc[0, "n"] = other.loc[0, "n"] + 1
    freeze(incident, "counts", other)
    rows = len(there)
    assert numbers(refresh.refresh(incident), "counts") == (rows, rows, 1, 1, 0)


def test_another_roll_up_is_called_so(incident):
    there = frozen(incident, "errors")
    step = there["timestamp"].diff().min()
    freeze(incident, "errors", there.iloc[::2])
    note = row(refresh.refresh(incident), "errors")["note"]
    was, now = (f"{n * int(step.total_seconds()) // 60} minute" for n in (2, 1))
    assert "another roll-up: a point every" in note
    assert (now in note and was in note) or "seconds" in note


def test_a_file_that_was_changed_is_said_so(incident):
    path = incident.path / "evidence" / "logs.json"
    path.write_text(path.read_text("utf-8").replace('"sha256": "', '"sha256": "0'), "utf-8")
    assert "its file was changed" in row(refresh.refresh(incident), "logs")["note"]


def test_what_is_gone_after_retention_is_said_so(incident, monkeypatch):
    with Lying([Say({"data": [], "meta": {}}, headers={"X-Postmortem-Sandbox": "1"})]) as server:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        found = refresh.refresh(incident, accept=True)
    rows = len(frozen(incident, "logs"))
    assert numbers(found, "logs") == (rows, 0, 0, rows, 0)
    assert "gone after retention (15 days)" in row(found, "logs")["note"]
    assert "kept as frozen" in row(found, "logs")["note"]


def test_a_question_that_fails_is_a_note_and_the_others_are_asked(incident, monkeypatch):
    def answer(heard):
        return Say({"errors": ["Forbidden"]}, 403) if "logs" in heard.path else Say({"data": []})

    with Lying(answer) as server:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        found = refresh.refresh(incident)
    assert "HTTP 403" in row(found, "logs")["note"]
    assert "\n" not in row(found, "logs")["note"]
    assert pd.isna(row(found, "logs")["now_rows"])
    assert int(row(found, "deploys")["now_rows"]) == 0


def test_answers_of_another_place_are_not_compared_nor_accepted(incident):
    freeze(incident, "logs", frozen(incident, "logs").iloc[3:], sandbox=False, site="datadoghq.eu")
    before = files(incident)
    found = refresh.refresh(incident, accept=True)
    assert "not compared: frozen from datadoghq.eu" in row(found, "logs")["note"]
    assert pd.isna(row(found, "logs")["added"])
    assert files(incident) == before


def test_an_accepted_answer_replaces_the_frozen_one_and_names_it(incident):
    whole = frozen(incident, "logs")
    freeze(incident, "logs", whole.iloc[3:])
    old = frozen(incident, "logs").attrs["evidence"]
    found = refresh.refresh(incident, accept=True)
    assert row(found, "logs")["note"].endswith("accepted")
    new = frozen(incident, "logs")
    pd.testing.assert_frame_equal(new, whole)
    record = new.attrs["evidence"]
    assert record["before"] == {key: old[key] for key in ("fetched_at", "rows", "sha256")}
    assert [record[key] for key in ("call", "question")] == [
        old[key] for key in ("call", "question")
    ]
    assert refresh.refresh(incident)["added"].sum() == 0


@pytest.mark.parametrize("broken", ["{", "[]", '{"function": "eval", "arguments": {}}', "{}"])
def test_a_damaged_record_is_a_note(incident, broken):
    (incident.path / "evidence" / "logs.json").write_text(broken, "utf-8")
    found = refresh.refresh(incident)
    assert row(found, "logs")["note"]
    assert numbers(found, "deploys")[2:] == (0, 0, 0)


@pytest.mark.parametrize("lost", ["missing", "broken"])
def test_rows_that_are_lost_are_asked_for_and_accepted(incident, lost):
    """Before: “no answer now” though nobody had asked, and --accept brought nothing back."""
    whole, rows = frozen(incident, "deploys"), incident.path / "evidence" / "deploys.parquet"
    kept = files(incident)
    rows.unlink() if lost == "missing" else rows.write_bytes(b"PAR1")
    found = refresh.refresh(incident)
    asked = row(found, "deploys")
    assert (int(asked["was_rows"]), int(asked["now_rows"])) == (len(whole), len(whole))
    assert pd.isna(asked["added"])
    assert "not compared: evidence 'deploys'" in row(found, "deploys")["note"]
    assert row(found, "deploys")["note"].endswith("; --accept freezes this answer")
    assert files(incident)["deploys.json"] == kept["deploys.json"]

    note = row(refresh.refresh(incident, accept=True), "deploys")["note"]
    assert note.endswith("; accepted")
    pd.testing.assert_frame_equal(frozen(incident, "deploys"), whole)
    assert refresh.refresh(incident)["note"].tolist()[1] == ""


def test_lost_rows_of_a_part_are_replaced_by_as_partial_an_answer(incident):
    """An answer that reached its limit then reaches it now."""
    freeze(incident, "logs", frozen(incident, "logs"), complete=False, partial="limit reached")
    before = len(frozen(incident, "logs"))
    (incident.path / "evidence" / "logs.parquet").unlink()
    assert row(refresh.refresh(incident, accept=True), "logs")["note"].endswith("; accepted")
    assert len(frozen(incident, "logs")) == before


def test_no_evidence_is_no_work(tmp_path):
    found = refresh.refresh(Incident.create("INC-1", tmp_path))
    assert found.empty
    assert list(found.columns) == list(refresh.COLUMNS)
    assert "no evidence" in refresh.report(found)


def test_half_an_account_is_said_once_not_of_every_question(incident, monkeypatch):
    monkeypatch.setenv("DD_API_KEY", "a" * 32)
    said = []
    with pytest.raises(QueryError, match=r"^DD_APP_KEY is not set; ") as refused:
        refresh.refresh(incident, told=said.append)
    assert (said, "aaaa" in str(refused.value)) == ([], False)


# -- before it is too late -------------------------------------------------------------------------

START = datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
END = datetime(2025, 12, 4, 16, 9, tzinfo=UTC)


def hints(incident, now, **settings):
    return {line.split(":")[0]: line for line in retention.expiring(incident, now, **settings)}


@pytest.fixture
def fresh(tmp_path):
    return Incident.create("INC-9", tmp_path, services=["checkout"], start=START, end=END)


def test_nothing_is_known_of_an_incident_without_times(tmp_path):
    assert retention.expiring(Incident.create("INC-9", tmp_path)) == []


def test_logs_and_spans_are_warned_of_first(fresh):
    found = hints(fresh, START + timedelta(days=11))
    assert set(found) == {"impact", "logs", "spans"}
    assert "begin to vanish on 2025-12-19, in 4 days" in found["logs"]
    assert "15 days unless your plan says otherwise" in found["logs"]
    assert "15 days;" in found["spans"]


def test_a_declared_period_counts(fresh):
    found = hints(fresh, START + timedelta(days=2), log_days=3)
    assert "on 2025-12-07, in 1 day:" in found["logs"]


def test_what_is_vanishing_or_gone_is_said_so(fresh):
    found = hints(fresh, START + timedelta(days=15, hours=1))
    assert "are vanishing, the last of them on 2025-12-19" in found["logs"]
    found = hints(fresh, END + timedelta(days=15))
    assert "are gone since 2025-12-19" in found["logs"]


def test_metrics_and_events_last_fifteen_months(fresh):
    found = hints(fresh, START + timedelta(days=440))
    assert {name for name in found if "gone" not in found[name]} == {"metrics", "events"}


def test_what_is_frozen_whole_is_no_worry(fresh):
    frame = pd.DataFrame({"id": ["a"]})
    evidence.freeze(fresh.path / "evidence", "logs", frame, {"complete": True})
    evidence.freeze(fresh.path / "evidence", "spans", frame, {"complete": False})
    found = hints(fresh, START + timedelta(days=11))
    assert set(found) == {"impact", "spans"}
    assert found["spans"].startswith("spans: frozen only in part (unknown why); its data begin")
    assert found["spans"].endswith("; ask again with --refresh")


def test_what_reached_its_limit_is_not_told_to_be_run_again(fresh):
    """Its cell would show the same part: what brings the rest is a higher limit."""
    told = {"complete": False, "partial": "limit reached", "arguments": {"limit": 1000}}
    evidence.freeze(fresh.path / "evidence", "logs", pd.DataFrame({"id": ["a"]}), told)
    said = hints(fresh, START + timedelta(days=11))["logs"]
    assert said.startswith("logs: frozen only in part (limit reached); its data begin to vanish")
    assert said.endswith("; ask with a higher limit= (it was 1,000) or a narrower query")
