"""A document that an editor has rewritten in equal Markdown says what it said before."""

import re

import pytest

from postmortem_nb import Incident
from postmortem_nb.importing.markdown import from_markdown

DOCUMENT = """# Incident Postmortem

**Metadata**
- Incident ID: INC-77
- Date: 2025-12-04

## Incident Overview

### Executive Summary (3-4 sentences)

**What happened**: The pool ran dry.

**What we're doing to prevent it**: A wider pool.

## Timeline of Events

### Detection Phase

**2025-12-04 14:02 UTC** - **Incident Start**
- System behavior: Slow

**2025-12-04 14:19 UTC** - **Detection**
- Who detected: Ana

### Mitigation Phase

**2025-12-04 16:09 UTC** - **Full Recovery**
- Status: Fully resolved

## Action Items

### Immediate (This Week)

1. **[P0]** Pin the pool
   - **Description**: In code
   - **Owner**: Dana

## Prevention Measures

### Monitoring Improvements

1. **New Monitor**: Waits
   - **Query**:
   ```
   avg(last_5m):x > 5
   ```
   - **Owner**: Lee
"""

REWRITTEN = {
    "bullets": (r"(?m)^(\s*)- ", r"\1* "),
    "plus": (r"(?m)^(\s*)- ", r"\1+ "),
    "colon inside": (r"\*\*([^*\n]+)\*\*:", r"**\1:**"),
    "underscores": (r"\*\*([^*\n]+)\*\*", r"__\1__"),
    "parentheses": (r"(?m)^(\d+)\. ", r"\1) "),
    "dashes": (r" UTC\*\* - ", " UTC** – "),
    "apostrophe": ("we're", "we’re"),
    "numbered": (r"(?m)^## ", "## 1. "),
    "bold headings": (r"(?m)^(#+) (.*)$", r"\1 **\2**"),
    "hard breaks": (r"(?m)(?<! > 5)$", "  "),
    "below": (r"(\*\*What happened\*\*:) ", r"\1\n\n"),
    "clock": (r"2025-12-04 (\d\d:\d\d) UTC", r"\1 UTC"),
}


def said(written, folder):
    """Return what an import keeps, without the ids of rows, and what it tells."""
    folder.mkdir()
    path = folder / "document.md"
    path.write_text(written, "utf-8")
    incident, notes = from_markdown(path, dir=folder)
    tables = {
        table: [{k: v for k, v in row.items() if k != "row"} for row in incident.values(table)]
        for table in incident.tables
    }
    return tables, notes


@pytest.mark.parametrize("way", REWRITTEN)
def test_a_document_in_equal_markdown_is_the_same_incident(tmp_path, way):
    rewritten = re.sub(*REWRITTEN[way], DOCUMENT)
    assert rewritten != DOCUMENT
    before, after = said(DOCUMENT, tmp_path / "a"), said(rewritten, tmp_path / "b")
    assert after[0] == before[0]
    assert [note for note in after[1] if "# **Incident" not in note] == before[1] == []


def test_text_typed_into_an_export_is_read_where_it_belongs(tmp_path):
    foot = f"\n*Content digest: sha256 {'0' * 64}*\n"
    typed = DOCUMENT.replace("ran dry.", "ran dry\nin five minutes.\n\nA note of its author.")
    typed = typed.replace("prevent it**: ", "prevent it**:\n\n")
    tables, notes = said(typed + foot, tmp_path / "a")
    assert tables["incident"][0]["what_happened"] == "The pool ran dry\nin five minutes."
    assert tables["incident"][0]["what_we_will_do"] == "A wider pool."
    assert ["A note of its author." in note for note in notes] == [True]
    assert tables["timeline"][2]["status"] == "Fully resolved"


def test_a_time_of_day_is_of_no_day_where_the_document_has_none(tmp_path):
    undated = re.sub(r"2025-12-04 (\d\d:\d\d) UTC", r"\1 UTC", DOCUMENT)
    undated = undated.replace("- Date: 2025-12-04\n", "- Date: soon\n")
    tables, notes = said(undated, tmp_path / "a")
    assert tables["timeline"][0]["time"] is None
    assert sum("expected day and time" in note for note in notes) == 3
    assert Incident.open(tmp_path / "a" / "INC-77").value("date") is None
