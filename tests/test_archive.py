"""Many incidents: lists, follow-up work, trends worked by hand, likeness, hostile text."""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from postmortem_nb import Archive, Incident, archivepages, cli, terminal, times
from postmortem_nb.errors import BadValue, BundleError

TODAY = date(2025, 12, 10)
ESCAPE = "\x1b[2J\x1b]0;owned\x07\u202eevil\r\nforged"

# id, start, minutes to detect, to recover (None: unknown), severity, how it was detected
STORY = (
    ("INC-1", "2025-10-03T10:00Z", 5, 12, "SEV-1", "Monitor Alert"),
    ("INC-2", "2025-10-20T10:00Z", 10, 18, "SEV-2", "Monitor Alert"),
    ("INC-3", "2025-12-01T10:00Z", 15, 22, "SEV-2", "User Report"),
    ("INC-4", "2025-12-02T10:00Z", 20, 25, "SEV-2", "Monitor Alert"),
    ("INC-5", "2025-12-03T10:00Z", 30, 31, "SEV-2", "User Report"),
    ("INC-6", "2025-12-04T10:00Z", None, 40, "SEV-2", None),
    ("INC-7", "2025-12-05T10:00Z", 40, None, None, "Monitor Alert"),
)


def begun(folder, told):
    name, start, detect, recover, severity, detected_by = told
    began = times.parse(start)
    end = None if recover is None else began + timedelta(minutes=recover)
    incident = Incident.create(
        name, folder, title=f"Title of {name}", severity=severity, start=began, end=end
    )
    if detect is not None:
        at = began + timedelta(minutes=detect)
        incident.add("timeline", step="Detection", time=at, detection_method=detected_by)
    return incident


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """Return the folder of seven incidents; the first three with actions and factors."""
    folder = tmp_path_factory.mktemp("archive")
    made = {row[0]: begun(folder, row) for row in STORY}
    first, second, third = (made[name] for name in ("INC-1", "INC-2", "INC-3"))
    first.set("services", ["checkout", "payments"])
    first.set("why_it_happened", "The connection pool of the ledger was exhausted by retries.")
    third.set("services", ["checkout"])
    third.set("why_it_happened", "Retries exhausted the connection pool.")
    for owner, due, status, title in (
        ("Dana", "2025-11-28", "Not Started", "Pin the pool"),
        ("Bo", "2025-12-10", "In Progress", "Alert on pool use"),
        ("Dana", "2025-12-12", None, "Write the runbook"),
        ("Dana", "2025-11-01", "Complete", "Roll back"),
        (None, None, "Not Started", "Canary"),
    ):
        first.add("actions", horizon="Immediate", title=title, owner=owner, due=due, status=status)
    third.add("actions", horizon="Short-term", title="Limit retries", owner="Bo", due="2025-12-09")
    for incident, name in ((first, "Retry storm"), (second, "No canary"), (third, "retry  STORM!")):
        incident.add("factors", **dict(incident.template.groups("factors")[0].keys), name=name)
    return folder


@pytest.fixture(scope="module")
def archive(story):
    return Archive(story)


def test_every_incident_is_listed_the_newest_first(archive):
    frame = archive.incidents()
    assert frame["incident"].tolist() == [f"INC-{n}" for n in range(7, 0, -1)]
    first = frame.set_index("incident").loc["INC-1"]
    assert (first["title"], first["severity"], first["state"]) == ("Title of INC-1", "SEV-1", pd.NA)
    assert first["date"] == pd.Timestamp("2025-10-03")
    assert (first["time_to_detect"], first["duration"]) == (5, 12)
    assert (first["actions"], first["open_actions"]) == (5, 4)
    assert first["services"] == ["checkout", "payments"]
    last = frame.set_index("incident").loc["INC-7"]
    assert pd.isna(last["duration"])
    assert pd.isna(last["severity"])
    assert str(frame["start"].dtype) == "datetime64[us, UTC]"
    assert str(frame["date"].dtype) == "datetime64[s]"


def test_actions_stand_by_how_late_they_are(archive):
    frame = archive.actions(today=TODAY)
    said = list(zip(frame["title"], frame["standing"], strict=True))
    assert said == [
        ("Pin the pool", "12 days overdue"),
        ("Limit retries", "1 day overdue"),
        ("Alert on pool use", "due today"),
        ("Write the runbook", "due in 2 days"),
        ("Canary", "no due date"),
        ("Roll back", "done"),
    ]
    late = frame["late_days"].tolist()
    assert late[:4] == [12, 1, 0, -2]
    assert late[4:] == [pd.NA, pd.NA]


def row(trends, measure, by="all", stratum="all"):
    frame = trends.measures
    found = frame[
        (frame["measure"] == measure) & (frame["by"] == by) & (frame["stratum"] == stratum)
    ]
    return found.to_dict("records")[0]


def test_trends_count_what_they_stand_on(archive):
    trends = archive.trends(today=TODAY)
    mttr = row(trends, "MTTR")  # 12 18 22 25 31 40
    assert (mttr["n"], mttr["unknown"]) == (6, 1)
    assert mttr["mean"] == pytest.approx(148 / 6)
    assert mttr["median"] == 23.5
    assert mttr["q1"] == pytest.approx(19)  # place 0.25·5 = 1.25
    assert mttr["q3"] == pytest.approx(29.5)  # place 3.75
    assert mttr["p90"] == pytest.approx(35.5)  # place 4.5
    assert 12 <= mttr["median_low"] < 23.5 < mttr["median_high"] <= 40
    mttd = row(trends, "MTTD")  # 5 10 15 20 30 40
    assert (mttd["n"], mttd["unknown"], mttd["mean"], mttd["median"]) == (6, 1, 20, 17.5)
    assert "recovered − start" in mttr["definition"]


@pytest.mark.parametrize("columns", ["80", "120"])
def test_two_bundles_of_one_id_are_told_apart(tmp_path, monkeypatch, columns):
    """What tells them apart is cut last, in the narrowest terminal too."""
    monkeypatch.setenv("COLUMNS", columns)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        begun(tmp_path / folder, STORY[0]).add("actions", title="Pin it", horizon="Immediate")
    begun(tmp_path, STORY[1]).add("actions", title="Watch it", horizon="Immediate")
    archive = Archive(tmp_path)
    for shown in (
        archivepages.incidents(archive.incidents()),
        archivepages.actions(archive.actions()),
    ):
        assert "INC-1 (a/INC-1) " in shown
        assert "INC-1 (b/INC-1) " in shown
        assert "INC-2  " in shown


def test_one_incident_is_no_mean_and_a_few_are_listed(archive):
    trends = archive.trends(today=TODAY)
    assert repr(trends) == archivepages.trends(trends).rstrip()  # what a notebook shows of it
    alone = row(trends, "MTTR", "severity", "SEV-1")
    assert alone["n"] == 1
    assert pd.isna(alone["mean"])
    assert pd.isna(alone["median_low"])
    few = row(trends, "MTTD", "detection", "User Report")  # 15 and 30
    assert (few["n"], few["mean"], few["median"]) == (2, 22.5, 22.5)
    assert pd.isna(few["p90"])
    listed = trends.few[trends.few["stratum"] == "User Report"]
    assert set(listed[listed["measure"] == "MTTD"]["incident"]) == {"INC-3", "INC-5"}
    assert row(trends, "MTTR", "severity", "unknown")["unknown"] == 1


def test_months_without_an_incident_count(archive):
    trends = archive.trends(today=TODAY)
    months = dict(zip(trends.months["month"], trends.months["incidents"], strict=True))
    assert months == {"2025-10": 2, "2025-11": 0, "2025-12": 5}
    assert (trends.rate["incidents"], trends.rate["months"]) == (7, 3)
    assert trends.rate["a_month"] == pytest.approx(7 / 3)
    # Garwood's interval of 7: 2.814 to 14.423
    assert trends.rate["low"] == pytest.approx(2.814 / 3, abs=1e-3)
    assert trends.rate["high"] == pytest.approx(14.423 / 3, abs=1e-3)


def test_work_done_and_factors_that_come_back(archive):
    trends = archive.trends(today=TODAY)
    assert trends.actions == {
        "actions": 6, "done": 1, "open": 5, "overdue": 2, "undated": 1, "unowned": 1,
        "done_percent": pytest.approx(100 / 6),
    }  # fmt: skip
    assert trends.repeats == {"incidents": 3, "repeated": 1, "percent": pytest.approx(100 / 3)}
    assert trends.factors.to_dict("records") == [
        {"factor": "Retry storm", "incidents": ["INC-1", "INC-3"]}
    ]


def test_similar_says_why_and_fits_the_template(archive, story):
    frame = archive.similar(story / "INC-3")
    best = frame.iloc[0]
    assert best["incident"] == "INC-1"
    assert best["shared_services"] == ["checkout"]
    assert {"connection", "pool", "exhausted"} <= set(best["shared_words"])
    assert "INC-3" not in set(frame["incident"])
    assert frame["score"].is_monotonic_decreasing
    incident = Incident.open(story / "INC-3")
    added = incident.add("similar", **best[["incident", "date", "similarity"]])
    assert incident["similar"].loc[added, "similarity"].startswith("service: checkout")
    incident.remove("similar", added)
    assert len(archive.similar(story / "INC-3", limit=1)) == 1
    with pytest.raises(BadValue, match="limit"):
        archive.similar(story / "INC-3", limit=0)


OURS = """\
## A

{line title} {prose severity} {line services}

<!-- rows actions: 1 blank -->
- {line title} {line status} {line due} {names owner}
<!-- end -->
<!-- rows factors: 1 blank -->
- {line why}
<!-- end -->
"""


def test_a_teams_own_template_is_read_as_far_as_it_goes(tmp_path):
    (tmp_path / "ours.md").write_text(OURS, "utf-8")
    incident = Incident.create("OURS-1", tmp_path, template=tmp_path / "ours.md")
    incident.set("services", "cart, search")
    incident.set("severity", "S1")
    incident.add("actions", title="Pin it", due="soon", owner=["Dana", "Bo"])
    incident.add("factors", why="haste")
    archive = Archive(tmp_path)
    listed = archive.incidents().iloc[0]
    assert (listed["severity"], listed["services"]) == ("S1", ["cart", "search"])
    action = archive.actions(today=TODAY).iloc[0]
    assert (action["standing"], action["owner"]) == ("due soon", "Dana, Bo")
    assert pd.isna(action["due"])
    trends = archive.trends()
    assert row(trends, "MTTR")["unknown"] == 1
    assert trends.rate == {
        "incidents": 0, "months": 0, "a_month": None, "low": None, "high": None, "undated": 1,
    }  # fmt: skip
    assert trends.months.empty
    assert "no incident has a date" in archivepages.trends(trends)
    assert archive.similar(incident).empty


def test_broken_bundles_are_told_and_hide_no_other(story, tmp_path, capsys):
    shutil.copytree(story / "INC-1", tmp_path / "2025" / "INC-1")
    for name, log in {
        "garbled": b"\xff\x00",
        "newer": b'{"format":"postmortem-nb","version":9}\n',
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "incident.jsonl").write_bytes(log)
        shutil.copy(story / "INC-1" / "template.md", tmp_path / name)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "incident.jsonl").mkdir()
    (tmp_path / ".hidden" / "INC-9").mkdir(parents=True)
    archive = Archive(tmp_path)
    assert {record.path.name for record in archive.records} == {"INC-1", "garbled"}
    assert set(archive.broken) == {"bare", "newer"}
    assert cli.main(["list", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "INC-1" in out
    told = dict(line.split(": ", 1) for line in err.splitlines())
    assert sorted(told) == ["bare", "garbled", "newer"]
    assert told["garbled"] == "1 line of its log cannot be read; see `postmortem check`"


def test_a_copied_bundle_counts_once_and_the_one_with_the_newest_edit_stands(tmp_path, capsys):
    first, other = begun(tmp_path, STORY[0]), begun(tmp_path, STORY[1])
    for copy in ("a/INC-1", "z/INC-1"):
        shutil.copytree(first.path, tmp_path / copy)
    Incident.open(tmp_path / "a" / "INC-1").set("title", "As it went on in the copy")
    other.set("title", STORY[1][0])
    archive = Archive(tmp_path)
    assert archive.incidents()["path"].tolist() == ["INC-2", os.path.join("a", "INC-1")]  # noqa: PTH118
    newest = os.path.join("a", "INC-1")  # noqa: PTH118
    assert archive.copies == {"INC-1": newest, os.path.join("z", "INC-1"): newest}  # noqa: PTH118
    assert row(archive.trends(), "MTTR")["n"] == 2
    assert first.id not in archive.similar(first)["incident"].tolist()
    assert cli.main(["trends", str(tmp_path)]) == 0
    said = f"INC-1: left out: a copy of {newest}, which has the newer edits"
    assert said in capsys.readouterr().err.splitlines()
    assert cli.main(["list", str(tmp_path), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)["copies"]
    assert {each["path"] for each in told} == set(archive.copies)


def test_an_incident_that_was_begun_from_anothers_folder_is_one_of_its_own(tmp_path):
    first = begun(tmp_path, STORY[0])
    shutil.copytree(first.path, tmp_path / "INC-8")
    Incident.open(tmp_path / "INC-8").set("incident_id", "INC-8")
    assert len(Archive(tmp_path)) == 2


def test_an_incident_of_the_archive_is_named_by_its_id_too(story, in_empty, capsys):
    assert cli.main(["similar", "INC-1", str(story)]) == 0
    by_id = capsys.readouterr().out
    assert cli.main(["similar", str(story / "INC-1"), str(story)]) == 0
    assert capsys.readouterr().out == by_id
    assert by_id
    assert cli.main(["similar", "INC-99", str(story)]) == 2


def test_a_long_name_leaves_the_dates_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    begun(tmp_path, (f"INC-{'x' * 90}", *STORY[0][1:]))
    begun(tmp_path, STORY[1])
    archive = Archive(tmp_path)
    days = {str(record.day) for record in archive.records}
    assert all(day in archivepages.incidents(archive.incidents()) for day in days)


@pytest.mark.parametrize(("columns", "lines"), [("80", 4), ("120", 2)])
@pytest.mark.parametrize("shown", ["incidents", "actions"])
def test_what_it_is_about_is_read_in_a_narrow_terminal(
    tmp_path, monkeypatch, shown, columns, lines
):
    """Before: its first ten letters, behind “353 days o…”."""
    monkeypatch.setenv("COLUMNS", columns)
    said = "Automate the approval of changes to pool sizes"
    incident = begun(tmp_path, STORY[0])
    incident.set("title", said)
    incident.set("services", ["checkout", "payments"])
    action = {"owner": "Bartholomew Habsburg", "due": "2025-10-10", "status": "In Progress"}
    incident.add("actions", horizon="Immediate", title=said, **action)
    archive = Archive(tmp_path)
    printed = getattr(archivepages, shown)(getattr(archive, shown)()).splitlines()[:-1]
    assert len(printed) == lines
    if columns == "80":
        assert printed[3] == f"    {said}"
        assert "…" not in "".join(printed)


def test_a_folder_that_may_not_be_read_is_told(story, monkeypatch):
    scandir = os.scandir

    def shut(path):
        if str(path).endswith("INC-4"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", shut)
    monkeypatch.setattr(os.path, "lexists", lambda path: "INC-4" not in str(path))
    monkeypatch.setattr(Path, "is_file", _is_file)
    archive = Archive(story)
    assert len(archive) == 6
    assert "no path that can be read" in archive.broken["INC-4"]


def _is_file(path):
    if "INC-4" in path.parts:
        raise PermissionError(13, "Permission denied")
    return os.path.isfile(path)  # noqa: PTH113


def test_a_bundle_given_as_the_archive_means_the_folder_around_it(story):
    assert len(Archive(story / "INC-1")) == 7


@pytest.fixture
def in_empty(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def broken(in_empty, story):
    """Return an archive with one bundle that cannot be read."""
    folder = Path("broken")
    shutil.copytree(story / "INC-1", folder / "INC-1")
    (folder / "bare" / "incident.jsonl").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("given", ["nowhere", "a\0b", "", 7, None])
def test_no_archive_is_one_line(given, in_empty):
    with pytest.raises(BundleError, match=r"expected a folder") as refused:
        Archive(given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["list", "nowhere"], "nothing there"),
        (["trends", "--format", "xml"], "xml"),
        (["similar"], "PATH"),
        (["similar", "nowhere"], "nowhere"),
        (["similar", "{story}/INC-1", "{story}", "--limit", "many"], "many"),
        (["similar", "{story}/INC-1", "{story}", "--limit", "-1"], "limit"),
        (["similar", "{broken}/INC-1", "{broken}", "--limit", "0"], "limit"),
    ],
)
def test_wrong_use_is_one_line(argv, says, story, broken, capsys):
    assert cli.main([word.format(story=story, broken=broken) for word in argv]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert says in err


@pytest.mark.parametrize("command", [["list"], ["actions"], ["trends"], ["similar", "{one}"]])
def test_an_archive_may_be_empty_yet(command, story, in_empty, capsys):
    argv = [word.format(one=story / "INC-1") for word in command]
    assert cli.main([*argv, "."]) == 0
    assert capsys.readouterr().err == ".: no incident in it yet\n"
    assert cli.main([*argv, ".", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["broken"] == []
    assert err == ""


def test_that_no_action_is_such_is_not_said_as_if_there_were_none(story, capsys):
    for words, said in (
        (["--owner", "Zoe"], "None of 6 actions is open and owned by Zoe.\n"),
        (["--owner", "Zoe", "--all"], "None of 6 actions is owned by Zoe.\n"),
        (["--owner", "Zoe", "--overdue"], "None of 6 actions is overdue and owned by Zoe.\n"),
    ):
        assert cli.main(["actions", str(story), *words]) == 0
        assert capsys.readouterr().out == said


def test_actions_are_chosen_by_owner_and_standing(story, capsys):
    def titles(*words):
        assert cli.main(["actions", str(story), "--format", "json", *words]) == 0
        return {each["title"] for each in json.loads(capsys.readouterr().out)["actions"]}

    everything = {
        "Pin the pool",
        "Alert on pool use",
        "Write the runbook",
        "Canary",
        "Limit retries",
    }
    assert titles() == titles("--open") == everything
    assert titles("--all") == everything | {"Roll back"}
    assert titles("--owner", "dan") == {"Pin the pool", "Write the runbook"}
    assert "Canary" not in titles("--overdue")
    assert titles("--owner", "(") == set()


def test_a_pipe_loses_nothing_unless_it_says_how_wide_it_is(tmp_path):
    """Before: cut at 100 columns, as if it were a terminal."""
    title = "Checkout errors after the pool size of the payments database was changed " * 3
    Incident.create("INC-1", tmp_path, title=title, services=["checkout"])
    for columns, whole in (("", True), ("80", False)):
        done = subprocess.run(
            [sys.executable, "-m", "postmortem_nb", "list", tmp_path],
            capture_output=True,
            check=True,
            encoding="utf-8",
            env=os.environ | {"COLUMNS": columns, "PYTHONIOENCODING": "utf-8"},
        )
        assert (title.strip() in done.stdout) == whole


@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize("command", ["list", "actions", "trends", "similar"])
def test_hostile_text_is_shown_and_steers_nothing(command, columns, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    for number in range(6):
        incident = Incident.create(
            f"INC-{number}",
            tmp_path,
            title=ESCAPE * 9,
            services=[ESCAPE, "認証" * 30],
            start="now-1d",
        )
        incident.set("incident_id", ESCAPE)
        incident.add("actions", horizon="Immediate", title=ESCAPE, owner=ESCAPE)
        incident.add("factors", **dict(incident.template.groups("factors")[0].keys), name=ESCAPE)
    path = [str(tmp_path / "INC-0")] if command == "similar" else []
    assert cli.main([command, *path, str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(out)
    assert "␛" in out
    assert max(terminal._columns(line) for line in out.splitlines()) <= columns


def test_a_secret_in_a_title_is_masked(tmp_path, capsys):
    key = "AKIA" + "IOSFODNN7EXAMPLQ"
    Incident.create("INC-1", tmp_path, title=f"Key {key} leaked")
    for form in ("text", "json"):
        assert cli.main(["list", str(tmp_path), "--format", form]) == 0
        out = capsys.readouterr().out
        assert key not in out
        assert "masked" in out


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0.5, "30s"), (17 + 2 / 3, "17m40s"), (45, "45m"), (127, "2h07m"), (1440 * 3 + 240, "3d4h"),
     (59.999, "1h00m"), (None, "–"), (float("nan"), "–"), (0, "0s")],
)  # fmt: skip
def test_minutes_read_as_a_person_says_them(minutes, said):
    assert archivepages.length(minutes) == said


def test_five_hundred_bundles_take_seconds_of_work(story, tmp_path):
    for number in range(500):
        folder = tmp_path / f"INC-{number}"
        folder.mkdir()
        for name in ("incident.jsonl", "template.md"):
            shutil.copy(story / "INC-1" / name, folder)
        own = {"at": "2026-01-01T00:00:00Z", "by": "a", "table": "incident", "row": "incident"}
        with (folder / "incident.jsonl").open("a") as log:
            log.write(json.dumps({**own, "name": "incident_id", "value": f"INC-{number}"}) + "\n")
    before = time.process_time()
    heard = []
    archive = Archive(tmp_path, told=lambda read, every: heard.append((read, every)))
    assert len(archive.incidents()) == 500
    assert len(archive.trends().measures) > 0
    assert len(archive.similar(tmp_path / "INC-7", limit=10)) == 10
    assert time.process_time() - before < 20  # measured 2 to 4 s
    assert heard[-1] == (500, 500)
