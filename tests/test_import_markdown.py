"""Export and import are each other's way back: for every kind, any text, any number of rows."""

import itertools
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import filled
import hostile
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postmortem_nb import document, schema
from postmortem_nb.editions import export
from postmortem_nb.errors import BadValue, BundleError
from postmortem_nb.importing.markdown import from_markdown
from postmortem_nb.incident import Incident
from postmortem_nb.parts import Blank
from postmortem_nb.times import EPOCH

SEED = Path(__file__).parent / "data" / "incident-postmortem-template.md"
SHARED = Path(__file__).parents[1].parent / "shared" / "seed" / SEED.name
NUMBERS = itertools.count()

ACTS = ("a - b", " (Date: x)", ": ", " | ", "\n", "\n\n", "## Timeline of Events", "Answer: no")
PLACEHOLDERS = ("---", "_____", "[Link]", "{{TIME}}", "- **Owner**: Eve", "🔥 é")
TOKENS = st.sampled_from([*hostile.OWN.values(), *ACTS, *PLACEHOLDERS])
WORDS = st.one_of(st.text(min_size=1, max_size=30), st.lists(TOKENS, min_size=1).map("".join))
# a text of nothing but spaces says nothing: the document shows nothing of it either
TEXTS = WORDS.filter(lambda text: text.strip())
NAMES = st.lists(TEXTS, min_size=1, max_size=3)
MOMENTS = st.integers(0, 4 * 10**15).map(lambda n: EPOCH + timedelta(microseconds=n))
LARGE = st.floats(-1e12, 1e12)
VALUES = {
    "prose": TEXTS,
    "line": TEXTS,
    "query": TEXTS,
    "link": st.one_of(TEXTS, st.just("https://e.example/?a=1&lt;b, <https://x.example> and\tmore")),
    "names": NAMES,
    "count": st.integers(0, 10**15),
    "percent": LARGE,
    "money": LARGE,
    "minutes": st.floats(0, 1e6),
    "date": st.dates(date(1, 1, 1)),
    "time": MOMENTS,
    "yesno": st.booleans(),
}


def value(blank):
    """Return what may fill a blank."""
    return st.sampled_from(blank.options) if blank.kind == "choice" else VALUES[blank.kind]


def row(group):
    """Return what may stand in a row of a group: some of what any group of its table asks."""
    blanks = {b.name: b for b in group.parts if isinstance(b, Blank)}
    given = {name: st.none() | value(blank) for name, blank in blanks.items()}
    if group.preset:
        own = st.sampled_from(group.presets) if group.presets else st.none()
        # a date beside it fills the first gap of a text, and is then a part of that text
        given[group.preset] = own | TEXTS.filter(lambda text: "_____" not in text)
    return st.fixed_dictionaries(given)


@st.composite
def fillings(draw, template):
    """Return single facts and rows, some of all that the template asks."""
    singles = {b.name: b for b in template.blanks() if b.table == "incident" and not b.derived}
    for column in template.tables["incident"]:
        if column.name in singles and column.options:
            singles[column.name] = next(b for b in template.blanks() if b.options == column.options)
    chosen = draw(st.lists(st.sampled_from([*singles]), unique=True, max_size=12))
    facts = {name: draw(value(singles[name])) for name in chosen if name != "incident_id"}
    groups = [group for table in template.tables for group in template.groups(table)]
    rows = [
        (number, draw(row(groups[number])))
        for number in draw(st.lists(st.integers(0, len(groups) - 1), max_size=8))
        for _ in range(draw(st.integers(1, 3)))
    ]
    return facts, rows


def made(folder, template, facts, rows):
    """Return an incident that holds this."""
    incident = Incident.create(f"INC-{next(NUMBERS)}", folder, template=template)
    for name, given_value in facts.items():
        incident.set(name, given_value)
    groups = [group for table in template.tables for group in template.groups(table)]
    for number, columns in rows:
        group = groups[number]
        incident.add(group.table, **dict(group.keys), **columns)
    return incident


def again(incident, *, blanks=False, template=None):
    """Return what an export is, the incident imported from it, its export, and the notes."""
    written = document.markdown(incident, blanks=blanks)
    folder = incident.path.parent / f"again-{next(NUMBERS)}"
    folder.mkdir()
    path = folder / "document.md"
    path.write_text(written, "utf-8", newline="")
    imported, notes = from_markdown(path, dir=folder, template=template)
    return written, imported, document.markdown(imported, blanks=blanks), notes


def plain(incident):
    """Return all that an incident holds, without the ids of rows."""
    return {
        table: [{k: v for k, v in r.items() if k != "row"} for r in incident.values(table)]
        for table in incident.tables
    }


@given(data=st.data(), blanks=st.booleans())
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_export_import_export_is_the_same_document(data, blanks):
    template = schema.shipped()
    with tempfile.TemporaryDirectory() as folder:
        incident = made(folder, template, *data.draw(fillings(template)))
        first, _, second, notes = again(incident, blanks=blanks)
        assert second == first
        assert not notes


def test_the_whole_export_is_the_same_file_whatever_control_characters_it_held(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    incident = Incident.create("INC-1", tmp_path / "a")
    incident.set("what_happened", "one\rtwo\r\nthree\u2028four \x7f \u202e five")
    incident.set("revenue_loss", 12.5)
    written = tmp_path / "a" / "out.md"
    export(incident.path, "markdown", out=str(written))
    imported, notes = from_markdown(written, "INC-1", dir=tmp_path / "b")
    assert not notes
    again = tmp_path / "b" / "out.md"
    export(imported.path, "markdown", out=str(again))
    assert "Content digest" in written.read_text("utf-8")
    assert again.read_bytes() == written.read_bytes()


OWN_TEMPLATE = """\
---
title: Report {line title = of nothing}
---

# Ours

{summary}

## Facts

<!-- told to the author only -->
Spent {minutes spent = about _____} and ${money cost = _____}; {yesno told = [ ]} told
- Risk: {choice risk = 🔴 High / 🟢 Low_ish*} / {percent share = _____} %

```
static code
```

### Steps

<!-- rows steps (kind=First): 0 blank -->
{n}. {line name}: {date when}
   note: {note}
<!-- end -->

<!-- rows steps (kind=Second): what: Look | Act (on: _____) grows -->
* {line what = _____}{date when} **{yesno good = ✅ Yes / ❌ No}**
  - Who: {names who = by _____ (all)}
<!-- end -->

```datadog logs
search_datadog_logs(query="*", from="now-1h", to="now")
```

End: {query code =
```
some code
```}
"""


@given(data=st.data(), blanks=st.booleans())
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_a_template_of_a_teams_own_too(data, blanks):
    template = schema.read(OWN_TEMPLATE, "ours.md")
    with tempfile.TemporaryDirectory() as folder:
        incident = made(folder, template, *data.draw(fillings(template)))
        written = document.markdown(incident, blanks=blanks)
        path = Path(folder) / "document.md"
        path.write_text(written, "utf-8", newline="")
        imported, notes = from_markdown(path, "COPY", folder, template=template)
        assert document.markdown(imported, blanks=blanks) == written
        assert not notes


@pytest.mark.parametrize("name", [":", "a:", "::", ":a", "a: b:"])
def test_a_colon_that_ends_a_value_is_none_of_the_templates(tmp_path, name):
    """Its line goes on with a colon and a date, which is empty."""
    template = schema.read(OWN_TEMPLATE, "ours.md")
    incident = made(tmp_path, template, {}, [(0, {"name": name, "when": None, "note": None})])
    path = tmp_path / "document.md"
    path.write_text(document.markdown(incident), "utf-8", newline="")
    imported, _ = from_markdown(path, "COPY", tmp_path, template=template)
    assert [row["name"] for row in imported.values("steps")] == [name]


@pytest.mark.parametrize("blanks", [True, False])
def test_every_value_comes_back_as_it_was(tmp_path, blanks):
    incident = Incident.create("INC-4821", tmp_path, start="2025-12-04 14:02Z")
    filled.fill(incident)
    _, imported, _, notes = again(incident, blanks=blanks)
    assert plain(imported) == plain(incident)
    assert not notes


NAMED = ["Doe, Jane", "Ana", "Jane; Doe", '"Al" Lee', '"', 'a", "b', "one\ntwo", "x@e.example,y"]


@pytest.mark.parametrize("blanks", [True, False])
def test_names_with_commas_and_quotes_stay_the_names_they_are(tmp_path, blanks):
    incident = Incident.create("INC-4821", tmp_path, services=NAMED[:1])
    incident.set("reviewers", NAMED)
    written, imported, second, notes = again(incident, blanks=blanks)
    assert '"Doe, Jane", Ana' in written
    assert plain(imported) == plain(incident)
    assert imported.values("incident")[0]["reviewers"] == NAMED
    assert second == written
    assert not notes


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("[Link](https://e.example/1)", "https://e.example/1"),
        ("[INC-4821](https://e.example/a_(b)?c=1)", "INC-4821 https://e.example/a_(b)?c=1"),
        ("[https://e.example/1](https://e.example/1)", "https://e.example/1"),
        ("[A \\[b\\]](<https://e.example/1>), [C](https://e.example/2 'title')",
         "A [b] https://e.example/1, C https://e.example/2"),
        (r"\[no\](https://e.example/1)", "[no](https://e.example/1)"),
        ("[no](javascript:alert)", "[no](javascript:alert)"),
        ("[no](https://user@e.example)", "[no](https://user@e.example)"),
    ],
)  # fmt: skip
def test_a_link_of_markdown_is_one(tmp_path, written, stored):
    """The template asks for a “[Link]”, so people write one; a reader then has to follow it."""
    path = tmp_path / "hand.md"
    blank = "**Incident Datadog Link**: [Link]"
    document = SEED.read_text("utf-8")
    assert document.count(blank) == 1
    path.write_text(document.replace(blank, blank.replace("[Link]", written)), "utf-8")
    imported, _ = from_markdown(path, "INC-4821", tmp_path)
    assert imported.value("datadog_link") == stored


def test_spaces_around_the_words_beside_an_address_come_back(tmp_path):
    incident = Incident.create("INC-4821", tmp_path)
    incident.set("slack_link", "see https://example.com/a  two   three ")
    written, imported, second, notes = again(incident, blanks=False)
    assert "<https://example.com/a>" in written
    assert imported.value("slack_link") == incident.value("slack_link")
    assert second == written
    assert not notes


def test_a_name_with_an_odd_letter_is_written_alike_again(tmp_path):
    incident = Incident.create("INC-4821", tmp_path)
    incident.set("reviewers", ["a\rb", "Ana"])
    written, imported, second, notes = again(incident, blanks=False)
    assert "Reviewers: a␍b, Ana" in written  # as it is shown: no page has the letter itself
    assert second == written
    assert imported.value("reviewers") == ["a␍b", "Ana"]
    assert not notes


def test_an_empty_template_is_an_incident_that_says_nothing(tmp_path):
    with pytest.raises(BadValue, match="no Incident ID; give one with --id"):
        from_markdown(SEED, dir=tmp_path)
    incident, notes = from_markdown(SEED, "INC-1", tmp_path)
    assert not notes
    facts = {k: v for k, v in incident.values("incident")[0].items() if v is not None}
    assert facts == {"row": "incident", "incident_id": "INC-1"}
    assert all(not incident.values(table) for table in incident.tables if table != "incident")


def test_the_seed_is_the_same_file_where_it_is_at_hand():
    assert not SHARED.exists() or SHARED.read_bytes() == SEED.read_bytes()


BY_HAND = {
    "- Incident ID: {{INCIDENT_ID}}": "- Incident ID: INC-77",
    "- Services Affected: {{SERVICES}}": "- Services Affected: checkout,payments",
    "**Severity**: SEV-0 / SEV-1 / SEV-2 / SEV-3 / SEV-4": "**Severity**: sev1",
    "**What happened**:": "**What happened**: The pool ran dry\nin five minutes.\n\nTwice.",
    "**Why it happened**:": "**Why it happened**:\n\nThe deploy cut it.\n\n- 50 before\n- 5 after",
    "| **Revenue Impact** | $_____  |": "| **Revenue Impact** | $12.5k |",
    "- Direct revenue loss: $_____": "- Direct revenue loss: $13,000",
    "| **Duration** | _____ hours _____ minutes |": "| **Duration** | 2 hours 7 minutes |",
    "**{{TIME}}** - **Incident Start**": "**2025-12-04 14:02** - **Incident Start**",
    "**{{TIME}}** - **Detection**": "**14:19** - **Detection**",
    "**{{TIME}}** - **Acknowledgment**": "**soon after** - **Acknowledgment**",
    "- Executive involvement: ✅ Yes / ❌ No": "- Executive involvement: yes",
    "- [ ] Team briefing completed": "- [x] Team briefing completed",
    "   [Datadog monitor query]": "   avg(last_5m):x > 5\n     and more",
    "- Severity declared: SEV-_____": "- Severity declared: SEV-1",
    "**Process Root Cause**:": "**Process Root Cause**: No review.\n\n### Notes\n\nours",
    "- Total affected users: _____": "- Total affected users: about a thousand",
}


def by_hand(tmp_path):
    """Return the seed as a person fills it, and its lines."""
    written = SEED.read_text("utf-8")
    for old, new in BY_HAND.items():
        assert old in written
        written = written.replace(old, new, 1)
    path = tmp_path / "by-hand.md"
    path.write_text(written.replace("\n", "\r\n"), "utf-8", newline="")
    return path, written.split("\n")


def test_a_copy_filled_by_hand_is_read(tmp_path):
    path, _ = by_hand(tmp_path)
    incident, _ = from_markdown(path, dir=tmp_path)
    assert incident.id == "INC-77"
    assert incident.value("services") == ["checkout", "payments"]
    assert incident.value("severity") == "SEV-1"
    facts = incident.values("incident")[0]
    assert "The pool ran dry\nin five minutes.\n\nTwice." in facts.values()
    assert "The deploy cut it.\n\n- 50 before\n- 5 after" in facts.values()
    assert incident.value("revenue_loss") == 12500.0
    assert incident.value("executives_involved") is True
    assert incident.value("affected_total") is None
    assert incident.value("state") is None
    steps = {row["step"]: row["time"] for row in incident.values("timeline")}
    assert steps["Incident Start"] == datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
    assert steps["Detection"] == datetime(2025, 12, 4, 14, 19, tzinfo=UTC)
    assert steps["Acknowledgment"] is None
    assert [row["done"] for row in incident.values("sharing")] == [True]
    assert incident.values("monitors")[0]["query"] == "avg(last_5m):x > 5\n  and more"


def test_what_a_heading_says_in_brackets_need_not_agree(tmp_path):
    written = SEED.read_text("utf-8").replace("{{INCIDENT_ID}}", "INC-77")
    filled = {
        "### Executive Summary (3-4 sentences)": "### Executive Summary",
        "**What happened**:": "**What happened**: The pool ran dry.",
        "## Root Cause Analysis (5 Whys)": "## Root Cause Analysis",
        "**The incident**: _____": "**The incident**: Carts failed.",
        "### Immediate (This Week)": "### Immediate (by Friday)",
        "1. **[P0]** _____": "1. **[P0]** Pin the pool size",
    }
    for old, new in filled.items():
        assert old in written
        written = written.replace(old, new, 1)
    (tmp_path / "old.md").write_text(written, "utf-8")
    incident, notes = from_markdown(tmp_path / "old.md", dir=tmp_path)
    assert notes == []
    assert incident.value("what_happened") == "The pool ran dry."
    assert incident.value("problem") == "Carts failed."
    (action,) = incident.values("actions")
    assert (action["title"], action["horizon"]) == ("Pin the pool size", "Immediate")


def test_what_cannot_be_read_is_told_with_its_line(tmp_path):
    path, lines = by_hand(tmp_path)
    _, notes = from_markdown(path, dir=tmp_path)
    numbers = {
        text: next(n for n, line in enumerate(lines, 1) if text in line)
        for text in ("2 hours 7 minutes", "soon after", "about a thousand", "$13,000", "### Notes")
    }
    said = {int(note.split(":")[1]): note for note in notes}
    assert sorted(said) == sorted(numbers.values())
    assert all("\n" not in note and note.startswith("by-hand.md:") for note in notes)
    assert "expected a time" in said[numbers["soon after"]]
    assert "expected a whole number" in said[numbers["about a thousand"]]
    assert "another value stands above, which is kept" in said[numbers["$13,000"]]
    assert "is unknown" in said[numbers["2 hours 7 minutes"]]
    assert "'### Notes' and 1 more lines" in said[numbers["### Notes"]]


@pytest.mark.parametrize(
    ("blank", "said", "code"),
    [
        (
            "| **Duration** | _____ hours _____ minutes |",
            "| **Duration** | 1 hours 26 minutes |",
            "figure",
        ),
        ("| **MTTR** | _____ minutes |", "| **MTTR** | 154 minutes |", "figure"),
        (
            "**Follow-up Date**: _____ (30 days after incident)",
            "**Follow-up Date**: 2026-02-01",
            "follow-up",
        ),
    ],
)
def test_a_figure_that_a_document_states_is_kept_for_the_check(tmp_path, blank, said, code):
    """The computed one stands: 14:02 to 15:38 is 96 minutes, and 30 days after is 2026-01-03."""
    written = SEED.read_text("utf-8")
    filled = {
        "- Incident ID: {{INCIDENT_ID}}": "- Incident ID: INC-77",
        "**{{TIME}}** - **Incident Start**": "**2025-12-04 14:02** - **Incident Start**",
        "**{{TIME}}** - **Full Recovery**": "**2025-12-04 15:38** - **Full Recovery**",
        blank: said,
    }
    for old, new in filled.items():
        assert old in written
        written = written.replace(old, new, 1)
    path = tmp_path / "stated.md"
    path.write_text(written, "utf-8")
    incident, notes = from_markdown(path, dir=tmp_path)
    assert any("the document said" in note for note in notes)
    found = incident.check()
    hits = found[found["code"] == code]
    assert len(hits) == 1
    assert incident.measures()["duration"].value == 96
    name = hits["name"].iloc[0]
    assert f"incident.set('{name}', None)" in hits["remedy"].iloc[0]
    incident.set(name, None)
    assert code not in set(incident.check()["code"])
    with pytest.raises(BadValue, match="computed and never typed"):
        incident.set(name, 5)


def test_the_clock_of_the_detection_is_no_other_length(tmp_path):
    written = SEED.read_text("utf-8")
    for old, new in {
        "- Incident ID: {{INCIDENT_ID}}": "- Incident ID: INC-77",
        "**{{TIME}}** - **Incident Start**": "**2025-12-04 14:02** - **Incident Start**",
        "**{{TIME}}** - **Detection**": "**2025-12-04 14:19** - **Detection**",
        "| **Detection Time** | _____ |": "| **Detection Time** | 14:19 UTC |",
    }.items():
        assert old in written
        written = written.replace(old, new, 1)
    path = tmp_path / "clock.md"
    path.write_text(written, "utf-8")
    assert from_markdown(path, dir=tmp_path)[1] == []


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"", "layout"),
        (b"# Something else\n\nwords\n", "layout"),
        (b"## Incident Overview\n\xff\n", "document.md:2: expected UTF-8"),
        (b"```\n## Incident Overview\n```\n" * 2, "layout"),
    ],
)
def test_what_is_no_such_document_is_refused_in_one_line(tmp_path, written, said):
    path = tmp_path / "document.md"
    path.write_bytes(written)
    with pytest.raises(BadValue, match=said) as refused:
        from_markdown(path, "INC-1", tmp_path)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "INC-1").exists()


@pytest.mark.parametrize("path", ["missing.md", "", "\0", "x" * 5000])
def test_no_file_is_refused_in_one_line(tmp_path, path):
    with pytest.raises(BadValue, match="expected a filled document that can be read, for example"):
        from_markdown(path, "INC-1", tmp_path)


def test_an_incident_that_is_there_is_not_touched(tmp_path):
    there = Incident.create("INC-1", tmp_path, title="The first")
    with pytest.raises(BundleError, match="already"):
        from_markdown(SEED, "INC-1", tmp_path)
    assert Incident.open(there.path).value("title") == "The first"


def test_a_hostile_id_of_a_document_makes_no_folder(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    path = inside / "document.md"
    path.write_text(SEED.read_text("utf-8").replace("{{INCIDENT_ID}}", "../outside"), "utf-8")
    with pytest.raises(BadValue, match="a name, not a path"):
        from_markdown(path, dir=inside)
    assert [each.name for each in tmp_path.iterdir()] == ["inside"]


def test_the_folder_may_have_another_name_than_the_document_says(tmp_path):
    path, _ = by_hand(tmp_path)
    incident, notes = from_markdown(path, "COPY", tmp_path)
    assert incident.path.name == "COPY"
    assert incident.value("incident_id") == "INC-77"
    assert notes[0] == "by-hand.md: it says Incident ID 'INC-77'; the folder is COPY"
