"""The folder of an incident: made whole or not at all, found again, and never outside its place."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postmortem_nb import schema
from postmortem_nb.bundle import checked_id
from postmortem_nb.errors import BadValue, BundleError
from postmortem_nb.incident import Incident

START = datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
END = datetime(2025, 12, 4, 16, 9, tzinfo=UTC)
LARGER = Path(__file__).parents[1].parent / "shared" / "hostile" / "payloads.json"
HOSTILE_IDS = [
    "", ".", "..", "../x", "a/b", "a\\b", "/etc", "~/pwn", "~x", ".hidden", "-rf", "INC-1\x00.html",
    "CON", "con", "nul.txt", "COM1", "LPT9.md", "INC-1:stream", "INC-1. ",
    "INC-1.", " INC-1", "INC-1\t",
    "INC\n1", "A" * 101, "é" * 101, "\ud800", "INC\u202e1", "INC\u200b1",
    "a*b", "a?b", 'a"b', "<b>", "a|b",
    None, 5, b"INC-1", ["INC-1"], Path("INC-1"),
]  # fmt: skip


@pytest.fixture
def incident(tmp_path):
    return Incident.create("INC-4821", tmp_path)


def test_an_id_is_all_that_is_needed(tmp_path):
    incident = Incident.create("INC-1", tmp_path)
    assert incident.path == tmp_path / "INC-1"
    assert sorted(each.name for each in incident.path.iterdir() if each.name[0] != ".") == [
        "evidence",
        "incident.jsonl",
        "template.md",
    ]
    assert (incident.path / "template.md").read_text("utf-8") == schema.shipped().text
    assert incident.id == "INC-1"
    assert incident.variables() == {"INCIDENT_ID": "INC-1"}
    assert incident.problems == []
    assert all(incident[table].empty for table in incident.tables if table != "incident")


def test_what_is_known_at_the_beginning_is_there(tmp_path):
    incident = Incident.create(
        "INC-4821",
        tmp_path,
        title="Checkout down",
        services=["checkout", "payments"],
        severity="sev1",
        start="2025-12-04 14:02",
        end="+127m",
        author=None,
    )
    assert incident.window() == (START, END)
    assert incident.variables() == {
        "SERVICE": "checkout",
        "SERVICES": ["checkout", "payments"],
        "SEVERITY": "SEV-1",
        "INCIDENT_ID": "INC-4821",
        "TITLE": "Checkout down",
        "DATE": date(2025, 12, 4),
        "INCIDENT_START": START,
        "INCIDENT_END": END,
    }
    steps = [(row["phase"], row["step"], row["time"]) for row in incident.values("timeline")]
    assert steps == [("Detection", "Incident Start", START), ("Mitigation", "Full Recovery", END)]
    assert Incident.open(incident.path).variables() == incident.variables()


@pytest.mark.parametrize(
    "facts", [{"severity": "SEV-9"}, {"titel": "x"}, {"start": "soon"}, {"duration": 5}]
)
def test_nothing_is_made_of_a_wish_that_is_refused(tmp_path, facts):
    with pytest.raises(BadValue, match=r"expected|computed"):
        Incident.create("INC-1", tmp_path, **facts)
    assert list(tmp_path.iterdir()) == []


def test_an_incident_is_never_made_over_another(incident):
    with pytest.raises(BundleError, match="there is an incident here already; open it instead"):
        Incident.create("INC-4821", incident.path.parent)
    assert Incident.open(incident.path).id == "INC-4821"


def test_a_folder_with_other_files_is_taken_and_kept(tmp_path):
    (tmp_path / "INC-1").mkdir()
    (tmp_path / "INC-1" / "notes.txt").write_text("mine")
    Incident.create("INC-1", tmp_path)
    assert (tmp_path / "INC-1" / "notes.txt").read_text() == "mine"


def test_hostile_ids_are_refused_and_leave_nothing(tmp_path):
    wrong = list(HOSTILE_IDS)
    if LARGER.exists():
        wrong += [
            p["payload"] for p in json.loads(LARGER.read_text()) if p["id"].startswith("path-")
        ]
        wrong = [each for each in wrong if each != "INC-e\u0301"]  # a good name, see below
    inner = tmp_path / "inner"
    inner.mkdir()
    for each in wrong:
        with pytest.raises(BadValue, match=r"^incident id: expected .*; got ") as refused:
            Incident.create(each, inner)
        assert "\n" not in str(refused.value)
    assert [*tmp_path.rglob("*")] == [inner]
    assert len(wrong) >= 38


def test_a_start_without_its_step_is_refused_by_its_name(tmp_path):
    row = "**{time time = TIME}** - **Detection**"
    rows = f"<!-- rows timeline (phase=All, step=Detection): 1 blank -->\n{row}\n<!-- end -->\n"
    own = tmp_path / "ours.md"
    own.write_text(f"# Ours\n\n## Timeline\n\n{rows}", "utf-8")
    with pytest.raises(BadValue, match=r"^start: the timeline .* no step 'Incident Start'"):
        Incident.create("INC-1", tmp_path, start="2025-12-04T14:02Z", template=own)


def test_an_id_of_too_many_bytes_is_refused_as_that():
    with pytest.raises(BadValue, match="up to 200 bytes"):
        checked_id("漢" * 100)


def test_two_spellings_of_one_name_are_one_incident(tmp_path):
    assert Incident.create("INC-e\u0301", tmp_path).path.name == "INC-\u00e9"
    with pytest.raises(BundleError, match="already"):
        Incident.create("INC-\u00e9", tmp_path)


@given(name=st.text(max_size=120))
@settings(max_examples=300, deadline=None)
def test_an_id_is_refused_or_is_one_visible_name(name):
    try:
        kept = checked_id(name)
    except BadValue as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - most are refused, some are kept
    else:
        assert Path(kept).name == kept
        assert kept.isprintable()
        assert kept == kept.strip(" .")


def test_an_incident_is_found_by_its_folder_or_any_file_in_it(incident, monkeypatch):
    (incident.path / "INC-4821.ipynb").write_text("{}")
    monkeypatch.chdir(incident.path.parent)
    for path in (incident.path, str(incident.path), "INC-4821", Path("INC-4821/INC-4821.ipynb"),
                 "INC-4821/incident.jsonl"):  # fmt: skip
        assert Incident.open(path).path == incident.path
    monkeypatch.chdir(incident.path)
    assert Incident.open(".").id == "INC-4821"


@pytest.mark.parametrize("path", ["nowhere", ".", "a\x00b", "x" * 5_000, 5, None, b"x", "\ud800"])
def test_what_is_no_incident_is_refused_in_one_line(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        BundleError, match="expected the folder of an incident or its notebook"
    ) as refused:
        Incident.open(path)
    assert "\n" not in str(refused.value)


def test_a_bundle_without_its_template_is_refused(incident):
    (incident.path / "template.md").unlink()
    with pytest.raises(BundleError, match=r"template\.md: it is missing; a bundle keeps"):
        Incident.open(incident.path)


def test_a_template_that_changed_is_reported(incident):
    file = incident.path / "template.md"
    file.write_text(file.read_text("utf-8").replace("Executive Summary", "Summary"), "utf-8")
    assert Incident.open(incident.path).problems == [
        "template.md was changed after the incident was begun"
    ]


OURS = """# Ours

## What

Reference: {line reference}

<!-- rows steps: 1 blank grows -->
- {time at}: {text}
<!-- end -->
"""


def test_a_team_may_bring_its_own_template(tmp_path):
    (tmp_path / "ours.md").write_text(OURS, "utf-8")
    incident = Incident.create("X-1", tmp_path, template=tmp_path / "ours.md", reference="r")
    row = incident.add("steps", text="found", at="2025-12-04T14:02:00Z")
    again = Incident.open(incident.path)
    assert again.tables == ("incident", "steps")
    assert again.values("steps") == [{"row": row, "at": START, "text": "found"}]
    assert (again.id, again.window(), again.milestones()) == ("X-1", (None, None), [])
    assert again.log().empty
    with pytest.raises(BadValue, match="start: this template has no timeline"):
        Incident.create("X-2", tmp_path, template=tmp_path / "ours.md", start=START)


def test_a_bundle_can_be_renamed(incident):
    incident.set("title", "moved")
    moved = incident.path.rename(incident.path.with_name("elsewhere"))
    assert Incident.open(moved).id == "INC-4821"
    assert Incident.open(moved).value("title") == "moved"
