"""The document: empty it is the user's template, filled it reads well, hostile it stays text."""

import re
from pathlib import Path

import filled
import hostile
import mistune
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postmortem_nb import document, filling, kinds, schema, text, values
from postmortem_nb.errors import BadValue
from postmortem_nb.importing.markdown import from_markdown
from postmortem_nb.incident import Incident

SEED = Path(__file__).parent / "data" / "incident-postmortem-template.md"
ORIGINAL = Path(__file__).parents[1].parent / "shared" / "seed" / SEED.name
RENDER = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "task_lists"])

OURS = """\
---
title: {line title = Outage}
owner: "{line owner}"
team: Payments
---

# Outage

<!-- Written for whoever was on call. -->

- Level: {choice level = Low / High}
- [ ] Not a blank

## What broke

An outage, in short.

**Broken**:

- Broken part: {line part}
- Broken how: {what}

Groups:
- First:
  - One: {line one}
- Second:
  - Two: {line two}

### Numbers

| What | Much |
|------|------|
| Users | {count users = _____} |
| Lost | ${money lost = _____} |

## Steps

<!-- rows steps (lane=Ours): 2 blank apart grows -->
{n}. **{line step}** at {time at = {{TIME}}} - {line who}
   - Note: {note}
<!-- end -->

<!-- rows steps (lane=Theirs): step: Call (on _____) | Wait from 3 apart -->
{n}. {line step}{date when}
<!-- end -->

## Policy

We always write one of these.

## End

- {yesno done = [ ]} Reviewed

---

For authors: delete nothing.
"""


@pytest.fixture
def empty(tmp_path):
    """An incident of the shipped template in which nothing at all is filled in."""
    incident = Incident.create("INC-1", tmp_path)
    incident.set("incident_id", None)
    return incident


@pytest.fixture
def ours(tmp_path):
    """An incident of a team's own template."""
    path = tmp_path / "ours.md"
    path.write_text(OURS, "utf-8")
    return Incident.create("OUT-1", tmp_path, template=path)


def test_the_empty_document_is_the_users_template_byte_for_byte(empty):
    assert document.markdown(empty, blanks=True).encode() == SEED.read_bytes()


def test_our_copy_is_the_users_template():
    held = SEED.read_bytes()
    assert len(held) == 11_624
    assert not ORIGINAL.exists() or ORIGINAL.read_bytes() == held


def test_an_empty_document_without_blanks_says_nothing(empty):
    assert document.markdown(empty).split("---\n")[2] == "\n# Incident Postmortem\n"
    assert document.html(empty) == '<h1 id="incident-postmortem">Incident Postmortem</h1>'
    assert document.html(empty, "Timeline of Events") == ""
    assert document.markdown(empty, section="Action Items") == ""


def test_every_filled_value_stands_in_every_document(empty):
    shown = filled.fill(empty)
    assert len(shown) > 250
    written = [document.markdown(empty), document.markdown(empty, blanks=True)]
    for read in (*map(text.unmarkdown, written), hostile.spoken(document.html(empty))):
        for each in shown:
            assert each in read


def test_a_full_document_shows_no_blank_and_every_section(empty):
    filled.fill(empty)
    written = document.markdown(empty)
    headings = [line for line in SEED.read_text("utf-8").split("\n") if line.startswith("##")]
    assert [line for line in written.split("\n") if line.startswith("##")] == headings
    assert "_____" not in written
    assert "[Link" not in written
    assert "Template Usage Notes" not in written
    assert "Remember" not in written


def well_formed(written):
    """Hold what a finished document never has."""
    body = re.sub(r"^```.*?^```$", "code", written, flags=re.DOTALL | re.MULTILINE)
    assert "\n\n\n" not in body
    assert not body.startswith("\n")
    assert body.endswith("\n")
    assert not body.endswith(("\n\n", "---\n"))
    assert "____" not in body
    lines = body.split("\n")
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        assert line == line.rstrip() or line.endswith("  |"), line
        assert not re.fullmatch(r"\s*(?:[-*]|\d+\.)\s*", line), "an empty item"
        if re.fullmatch(r"\*\*[^*\d][^*]*\*\*:?|[^|]*:", line):
            assert after.strip(), f"nothing under {line}"
        if line.startswith("|--"):
            assert after.startswith("|"), "an empty table"
        assert "()" not in line
        assert "****" not in line


FACTS = sorted(column.name for column in schema.shipped().tables["incident"] if not column.derived)


def one_of_everything():
    """Yield what can be filled alone: a single fact, or one column of a row of a group."""
    template = schema.shipped()
    yield from (("incident", (), name) for name in FACTS)
    for table in list(template.tables)[1:]:
        for group in template.groups(table):
            for part in group.parts:
                if isinstance(part, schema.Blank):
                    yield table, group.keys, part.name


@pytest.mark.parametrize("place", list(one_of_everything()), ids=str)
def test_a_document_of_a_single_value_reads_well(empty, place):
    table, keys, name = place
    column = schema.shipped().column(table, name)
    typed, shown = filled.value(column, 7)
    if table == "incident":
        empty.set(name, typed)
    else:
        empty.add(table, **dict(keys), **{name: typed})
    written = document.markdown(empty)
    well_formed(written)
    assert shown in text.unmarkdown(written)
    assert shown in hostile.spoken(document.html(empty))
    sections = len(re.findall(r"^## ", written, re.MULTILINE))
    twice = ("state", "severity", "revenue_loss", "affected_total", "date", "budget_consumed")
    assert sections <= 1 or name in twice
    again = document.markdown(empty, blanks=True)
    assert len(again.split("\n")) >= len(SEED.read_text("utf-8").split("\n"))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_document_of_some_values_reads_well(tmp_path_factory, data):
    incident = Incident.create("INC-1", tmp_path_factory.mktemp("some"))
    template = incident.template
    shown = []
    for name in data.draw(st.sets(st.sampled_from(FACTS), max_size=12)):
        typed, seen = filled.value(template.column("incident", name), len(shown))
        incident.set(name, typed)
        shown.append(seen)
    groups = [part for part in template.parts() if isinstance(part, schema.Rows)]
    for group in data.draw(st.lists(st.sampled_from(groups), max_size=8)):
        names = [part.name for part in group.parts if isinstance(part, schema.Blank)]
        row = {}
        for name in data.draw(st.sets(st.sampled_from(names))):
            typed, seen = filled.value(template.column(group.table, name), len(shown))
            row[name] = typed
            shown.append(seen)
        incident.add(group.table, **dict(group.keys), **row)
    written = document.markdown(incident)
    well_formed(written)
    for each in shown:
        assert each in text.unmarkdown(written)


def test_what_a_row_holds_beyond_what_its_group_asks_stands_too(empty):
    empty.add("timeline", step="Detection", time="2025-12-04T14:19:40Z", finding="A late alert.")
    empty.add("factors", area="Process", name="Reviews", sufficient_alone=False)
    written = document.markdown(empty)
    assert "**2025-12-04 14:19:40 UTC** - **Detection**\n- Finding: A late alert.\n" in written
    assert (
        "1. **Factor 1**: Reviews\n   - Could it have caused the incident alone?: ❌ No" in written
    )


def test_values_are_worded_for_people(empty):
    empty.set("severity", "SEV-1")
    empty.set("state", "Approved")
    empty.set("services", ["checkout", "payments"])
    empty.set("revenue_loss", 12500)
    empty.set("revenue_at_risk", 0.5)
    empty.set("affected_total", 45210)
    empty.set("affected_share", 3.2)
    empty.set("executives_involved", False)
    empty.set("date", "2025-12-04")
    empty.set("engineering_hours", 40)
    for step, time in {
        "Incident Start": "14:02",
        "Detection": "14:19:40",
        "Full Recovery": "16:09",
    }.items():
        empty.add("timeline", step=step, time=f"2025-12-04 {time}")
    lines = document.markdown(empty).split("\n")
    for line in (
        "- Date: 2025-12-04",
        "- Status: Approved",
        "- Services Affected: checkout, payments",
        "**Severity**: SEV-1",
        "| **Duration** | 2 hours 7 minutes |",
        "| **Detection Time** | 17 minutes 40 seconds |",
        "| **MTTR** | 127 minutes |",
        "| **Affected Users** | 45,210 (3.2 %) |",
        "| **Revenue Impact** | $12,500  |",
        "- Direct revenue loss: $12,500",
        "- Potential revenue loss (if not resolved): $0.50",
        "- Percentage of user base: 3.2%",
        "- Engineering hours spent: 40 hours",
        "- Executive involvement: ❌ No",
        "**2025-12-04 14:19:40 UTC** - **Detection**",
        "**Postmortem Status**: 🟢 Approved",
        "**Follow-up Date**: 2026-01-03 (30 days after incident)",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("15:54", "1 hour 52 minutes"),
        ("15:03", "1 hour 1 minute"),
        ("16:03", "2 hours 1 minute"),
        ("14:03", "0 hours 1 minute"),
        ("2025-12-05 01:13", "11 hours 11 minutes"),
    ],
)
def test_one_hour_is_no_several(tmp_path, end, said):
    incident = Incident.create("INC-1", tmp_path, start="2025-12-04 14:02", end=end)
    written = document.markdown(incident)
    assert f"| **Duration** | {said} |" in written.split("\n")
    path = tmp_path / "written.md"
    path.write_text(written, "utf-8")
    (tmp_path / "again").mkdir()
    read, _ = from_markdown(path, dir=tmp_path / "again")
    assert document.markdown(read) == written


def test_a_figure_of_several_parts_leaves_out_the_unknown_ones(empty):
    empty.set("affected_total", 7)
    assert "| **Affected Users** | 7 |" in document.markdown(empty).split("\n")


def test_rows_grow_are_numbered_and_stay_one_list(empty):
    for number in range(11):
        empty.add("went_well", area="Detection", what=f"W{number}", why_it_worked=f"Y{number}")
    written = document.markdown(empty)
    assert "10. **What worked**: W9\n    - Why it worked: Y9\n\n11. " in written
    made = hostile.elements(RENDER(written))
    assert [len(each.findall("li")) for each in made if each.tag == "ol"] == [11]


def test_a_group_goes_on_counting_where_the_one_before_it_ended(empty):
    empty.add("dashboards", name="Errors by pool")
    assert "1. **Enhanced Dashboard**: Errors by pool" in document.markdown(empty)
    assert "2. **Enhanced Dashboard**: Errors by pool" in document.markdown(empty, blanks=True)
    empty.add("monitors", name="Pool")
    empty.add("monitors", name="Queue")
    assert "3. **Enhanced Dashboard**: Errors by pool" in document.markdown(empty)


def test_presets_keep_their_place_and_are_padded(empty):
    empty.add("approvals", role="Manager", name="Dana", done=True, date="2025-12-10")
    empty.add("approvals", role="Auditor", name="Kim")
    shown = document.markdown(empty, section="Approvals", blanks=True).split("\n")[2:]
    assert (
        shown
        == [
            "- [ ] **Author**: _____ (Date: _____)",
            "- [ ] **Technical Reviewer**: _____ (Date: _____)",
            "- [x] **Manager**: Dana (Date: 2025-12-10)",
            "- [ ] **On-call Lead**: _____ (Date: _____)",
            "- [ ] **Auditor**: Kim (Date: _____)",
            "",
            "",
        ][:5]
        + shown[5:]
    )
    assert document.markdown(empty, section="Approvals") == (
        "## Approvals\n\n- [x] **Manager**: Dana (Date: 2025-12-10)\n- [ ] **Auditor**: Kim\n"
    )


def test_a_date_inside_a_task_is_filled_there(empty):
    task = empty.template.groups("sharing")[0].presets[0]
    empty.add("sharing", task=task, when="2025-12-12", done=True)
    empty.add("sharing", task="Team briefing completed", when="2025-12-13")
    empty.add("sharing", task="Blog _____ post", when="2025-12-14")
    empty.add("sharing", task="Slides __ 5_____5")
    written = document.markdown(empty, section="Knowledge Sharing")
    assert text.unmarkdown(written).split("\n")[2:] == [
        "- [x] Postmortem review meeting scheduled (Date: 2025-12-12)",
        "- [ ] Team briefing completed (2025-12-13)",
        "- [ ] Blog 2025-12-14 post",
        "- [ ] Slides __ 5_____5",
        "",
    ]


def test_a_task_without_its_date_shows_no_gap(empty):
    task = empty.template.groups("sharing")[0].presets[0]
    empty.add("sharing", task=task, done=False)
    assert document.markdown(empty, section="Knowledge Sharing").endswith(
        "\n- [ ] Postmortem review meeting scheduled\n"
    )


def test_queries_stand_with_their_section_or_with_evidence(empty):
    def figure(query):
        return f"![{query.name}](x.png)\n" if query.name == "spans" else ""

    written = document.markdown(empty, figure=figure)
    assert "search_datadog_spans(" in written
    assert '  to="{{INCIDENT_END}}"\n)\n```\n\n![spans](x.png)\n' in written
    assert "search_datadog_logs(" not in written
    empty.set("key_logs", "None were kept.")
    assert "search_datadog_logs(" in document.markdown(empty)
    page = document.html(empty, figure=lambda query: f"<figure>{query.name}</figure>")
    assert page.count("<figure>") == page.count('<pre class="pm-query">') == 5


def test_a_figure_is_drawn_once(empty):
    drawn = []
    document.html(empty, figure=lambda query: drawn.append(query.name) or "<p>x</p>")
    assert sorted(drawn) == sorted({query.name for query in empty.template.queries()})


def test_a_monitor_query_stays_a_code_block_in_its_item(empty):
    empty.add("monitors", name="Pool", query="avg:x{*} > 3\n```\n<b>", threshold="3")
    written = document.markdown(empty)
    assert (
        "   - **Query**:\n   ````\n   avg:x{*} > 3\n   ```\n   <b>\n   ````\n   - **Threshold**"
        in written
    )
    page = document.html(empty)
    assert '<code><span class="pm-value">avg:x{*} &gt; 3\n```\n&lt;b&gt;</span>\n</code>' in page


def test_the_front_matter_holds_values_as_scalars(ours):
    def front():
        return document.markdown(ours).split("---\n")[1]

    assert front() == "title: Outage\nteam: Payments\n"
    ours.set("title", "Checkout down")
    ours.set("owner", 'Ana "A" O\'Neil')
    assert front() == 'title: Checkout down\nowner: "Ana \\"A\\" O\'Neil"\nteam: Payments\n'
    for typed, scalar in {
        "no": '"no"',
        "12": '"12"',
        "a: b # c": '"a: b # c"',
        "---\nx: y": '"---\\nx: y"',
        "[a": '"[a"',
        "a\u2028b": '"a\\nb"',
    }.items():
        ours.set("title", typed)
        assert front().startswith(f"title: {scalar}\nowner: ")


def test_a_teams_own_template_empty_is_itself(ours):
    bare = re.sub(r"<!-- (?:rows|end).*?-->\n", "", OURS)
    shown = document.markdown(ours, blanks=True)
    assert shown.startswith('---\ntitle: Outage\nowner: ""\nteam: Payments\n---\n')
    assert "1. **** at {{TIME}} -\n   - Note:\n\n2. ****" in shown
    assert "3. Call (on _____)\n\n4. Wait\n" in shown
    assert [line for line in shown.split("\n") if line.startswith("#")] == [
        line for line in bare.split("\n") if line.startswith("#")
    ]


def test_a_teams_own_template_leaves_out_in_the_same_way(ours):
    assert document.markdown(ours).split("---\n")[2] == (
        "\n# Outage\n\n- [ ] Not a blank\n\n## Policy\n\nWe always write one of these.\n"
    )
    ours.set("two", "2")
    ours.set("lost", 5)
    ours.add("steps", lane="Ours", who="Ana", note="n")
    ours.add("steps", lane="Theirs", step="Call (on _____)", when="2025-12-04")
    ours.set("done", True)
    assert (
        document.markdown(ours).split("---\n")[2]
        == """
# Outage

- [ ] Not a blank

## What broke

An outage, in short.

Groups:
- Second:
  - Two: 2

### Numbers

| What | Much |
|------|------|
| Lost | $5 |

## Steps

1. at Ana
   - Note: n

2. Call (on 2025-12-04)

## Policy

We always write one of these.

## End

- [x] Reviewed
"""
    )


def stuffed(folder, value):
    """Return an incident with one text in fields of every kind that takes text."""
    incident = Incident.create("INC-1", folder)
    for column in ("title", "what_happened", "author", "regions", "patterns"):
        incident.set(column, value)
    incident.set("runbook_link", value[: kinds.LONGEST_LINK])
    incident.set("services", [value])
    incident.add("timeline", step="Detection", detected_by=value)
    incident.add("actions", horizon="Immediate", priority=value, title=value, description=value)
    incident.add("monitors", name=value, query=value)
    incident.add("takeaways", text=value)
    incident.add("similar", incident=value, similarity=value)
    incident.add("whys", question=value, answer=value)
    incident.add("sharing", task=value, done=True)
    return incident


def body(incident):
    """Return the Markdown of an incident below its front matter, rendered with raw HTML on."""
    return RENDER(document.markdown(incident).split("\n---\n", 1)[1])


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The elements of both documents where the text is a word: HTML, and Markdown rendered."""
    incident = stuffed(tmp_path_factory.mktemp("calm"), "word")
    return shape(document.html(incident)), shape(body(incident))


@pytest.mark.parametrize("name", hostile.TEXTS)
def test_hostile_values_stay_text_in_both_documents(tmp_path, calm, name):
    incident = stuffed(tmp_path, hostile.TEXTS[name])
    page, rendered = document.html(incident), body(incident)
    assert (shape(page), shape(rendered)) == calm
    seen = hostile.plain(text.visible(kinds.parse("line", hostile.TEXTS[name])))
    assert hostile.spoken(page).count(seen) >= 14
    assert hostile.spoken(rendered).count(seen) >= 13


def shape(page):
    """Return the elements of a page without what its values may add: line breaks and links."""
    found = []
    for element in hostile.elements(page):
        if element.tag == "a":
            assert text.href(element.attrib["href"]) is not None
            assert set(element.attrib) <= {"href", "rel"}
        elif element.tag != "br":
            found.append((element.tag, {k: v for k, v in element.attrib.items() if k != "dir"}))
    return found


def test_html_is_semantic_and_names_only_ours(empty):
    filled.fill(empty, words="{} <b>مرحبا</b>")
    page = document.html(empty)
    found = hostile.elements(page)
    allowed = {"h1", "h2", "h3", "p", "ul", "ol", "li", "strong", "span", "div", "a", "hr", "pre"}
    allowed |= {"code", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}
    scrolls = {"role", "aria-label", "tabindex"}  # of the frame that a wide table scrolls in
    assert {element.tag for element in found} == allowed
    for element in found:
        assert set(element.attrib) - scrolls <= {"id", "class", "dir", "href", "rel"}
        assert all(name.startswith("pm-") for name in element.attrib.get("class", "").split())
    ids = [element.attrib["id"] for element in found if "id" in element.attrib]
    slugs = [each.slug for each in schema.walk(empty.template.sections)]
    assert ids == slugs
    rows = [each for each in found if each.attrib.get("class") == "pm-row pm-timeline"]
    assert len(rows) == 14
    assert all(row[0].tag == "p" and row[1].tag == "ul" for row in rows)
    assert "☑ " in page
    assert 'dir="auto"' in page


def test_only_addresses_of_links_can_be_clicked(empty):
    empty.set("dashboard_link", "https://example.com/a, javascript:alert(1) see mailto:a@b.c")
    empty.set("patterns", "https://example.com/prose")
    links = [each for each in hostile.elements(document.html(empty)) if each.tag == "a"]
    assert [link.attrib["href"] for link in links] == ["https://example.com/a", "mailto:a@b.c"]
    assert "<https://example.com/a>, javascript:alert(1) see <mailto:a@b.c>" in document.markdown(
        empty
    )


def test_a_comma_inside_an_address_is_a_part_of_it(empty):
    empty.set("dashboard_link", "https://a.example/?cols=host,x,https://b.example/c, d")
    shown = "<https://a.example/?cols=host,x>,<https://b.example/c>, d"
    assert shown in document.markdown(empty)
    for made in (document.html(empty), values.html("link", empty.value("dashboard_link"))):
        links = [each for each in hostile.elements(made) if each.tag == "a"]
        assert [link.attrib["href"] for link in links] == [
            "https://a.example/?cols=host,x",
            "https://b.example/c",
        ]


def test_pieces_are_what_both_writers_fill(empty):
    empty.set("author", "Ana")
    found = document.pieces(empty)
    values = [piece for piece in found if isinstance(piece, filling.Value)]
    assert [(value.blank.name, value.text) for value in values] == [("author", "Ana")]
    shown = [
        piece for piece in document.pieces(empty, blanks=True) if isinstance(piece, filling.Shown)
    ]
    assert len(shown) > 250
    with pytest.raises(BadValue, match="section"):
        document.pieces(empty, "Nowhere")


def test_every_kind_can_be_worded():
    for kind in kinds.KINDS:
        blank = schema.Blank(kind, "x", options=("A", "B") if kind == "choice" else ())
        typed, shown = filled.value(blank, 1) if kind != "minutes" else (17 + 2 / 3, "")
        stored = kinds.parse(kind, typed, options=blank.options)
        words = filling.worded(blank, kinds.value(kind, stored))
        assert words == ("17 minutes 40 seconds" if kind == "minutes" else shown or "Yes")


@pytest.mark.parametrize(
    ("table", "row", "line"),
    [
        ("similar", {"date": "2025-11-02"}, "- 2025-11-02"),
        ("similar", {"incident": "INC-7", "similarity": "same pool"}, "- INC-7 - same pool"),
        ("similar", {"similarity": "same pool"}, "- same pool"),
        ("updates", {"channel": "Internal", "text": "Looking."}, "- Looking."),
        (
            "updates",
            {"channel": "Internal", "time": "2025-12-04T14:05Z"},
            "- **2025-12-04 14:05 UTC**",
        ),
        (
            "approvals",
            {"role": "Manager", "date": "2025-12-10"},
            "- [ ] **Manager** (Date: 2025-12-10)",
        ),
        ("approvals", {"role": "Manager", "name": "Dana"}, "- [ ] **Manager**: Dana"),
        ("actions", {"horizon": "Long-term", "title": "Alert sooner"}, "1. **[P2]** Alert sooner"),
        ("factors", {"area": "Human", "gap": "No drill"}, "1. **Factor 1**"),
        ("timeline", {"step": "Escalation", "reason": "x"}, "**Escalation** (if applicable)"),
        ("whys", {"answer": "Because."}, "**1. Why did the incident occur?**"),
    ],
)
def test_what_is_empty_takes_its_words_with_it(empty, table, row, line):
    empty.add(table, **row)
    assert line in document.markdown(empty).split("\n")
