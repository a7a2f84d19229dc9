"""A template is read into one tree; a broken one is refused in one line: what and where."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from postmortem_nb import kinds, schema
from postmortem_nb.errors import BadTemplate, BadValue

SEED = Path(__file__).parent / "data" / "incident-postmortem-template.md"

OURS = """\
---
title: {line title = Outage}
team: Payments
---

# Outage

- Level: {choice level = Low / High}

## What broke

**Broken**: {what}

- Shown {{NAME}} and `{code}` and \\{brace\\}

### Since

Since {time since "Broken since" = _____} for {minutes length = _____} minutes

## Steps

<!-- rows steps (lane=Ours): 2 blank apart grows -->
{n}. {line step}
   - Level: {choice level = Low / High}
<!-- end -->

<!-- rows steps (lane=Theirs): step: Call them | Wait from 3 -->
{n}. {line step}
<!-- end -->

```datadog errors
search_datadog_logs(query="{{SERVICE}}", from="now-1h", to="now")
```

```
{not a blank}
```
"""


def test_the_shipped_template_has_all_of_the_users():
    template = schema.shipped()
    sections = [each for each in template.sections if each.level == 2]
    assert len(sections) == 14
    assert sum(len(section.sections) for section in sections) == 40
    assert sum(group.blanks for group in template.groups("timeline")) == 14
    assert [query.name for query in template.queries()] == [
        "impact",
        "logs",
        "spans",
        "metrics",
        "events",
    ]
    assert len(template.tables) == 17


def test_sections_are_those_of_the_users_template_in_order():
    lines = SEED.read_text("utf-8").split("\n")
    seed = [line.strip("# ") for line in lines if line.startswith(("## ", "### "))]
    below = [each for each in schema.walk(schema.shipped().sections) if each.level > 1]
    assert [each.title for each in below] == seed
    slugs = [each.slug for each in below]
    assert len(set(slugs)) == len(slugs) == 54


def test_every_kind_occurs_in_the_shipped_template():
    assert {blank.kind for blank in schema.shipped().blanks()} == set(kinds.KINDS)


def test_every_blank_has_a_label_a_known_kind_and_a_column():
    template = schema.shipped()
    for blank in template.blanks():
        column = template.column(blank.table, blank.name)
        assert column.kind == blank.kind
        assert column.options == blank.options
        assert blank.label == blank.label.strip(" *:_")
        assert blank.label[0].isupper() or not blank.label[0].isalpha()
        assert bool(blank.options) == (blank.kind == "choice")


def test_labels_units_choices_and_hints_come_from_the_words_around():
    template = schema.shipped()
    blanks = {(blank.table, blank.name): blank for blank in reversed(list(template.blanks()))}
    assert blanks["incident", "duration"].label == "Duration"
    assert blanks["incident", "revenue_at_risk"].label == "Potential revenue loss (if not resolved)"
    assert blanks["approvals", "date"].label == "Date"
    assert blanks["actions", "title"].label == "Action"
    assert blanks["similar", "incident"].label == "Incident ID"
    assert blanks["incident", "slo_target"].unit == "%"
    assert blanks["incident", "revenue_loss"].unit == "$"
    assert blanks["incident", "engineering_hours"].unit == "hours"
    assert blanks["incident", "mttd"].unit == "minutes"
    status = blanks["actions", "status"]
    assert status.options == ("Not Started", "In Progress", "Complete")
    assert status.marked("Complete") == "✅ Complete"
    assert template.column("incident", "key_traces").help == "Attach or link to trace IDs"
    assert template.column("incident", "follow_up").help == "30 days after incident"
    assert template.column("timeline", "data_source").help == ""


def test_the_same_name_is_the_same_fact_and_takes_its_choices_from_where_they_are_listed():
    states = [blank for blank in schema.shipped().blanks() if blank.name == "state"]
    assert [blank.shown for blank in states] == ["Draft", "🔴 Draft / 🟡 Review / 🟢 Approved"]
    assert {blank.options for blank in states} == {("Draft", "Review", "Approved")}
    assert [blank.marked("Review") for blank in states] == ["Review", "🟡 Review"]
    declared = schema.shipped().column("timeline", "severity_declared")
    assert declared.options == ("SEV-0", "SEV-1", "SEV-2", "SEV-3", "SEV-4")


def test_keys_and_presets_are_columns():
    template = schema.shipped()
    phase, step = template.tables["timeline"][:2]
    assert (phase.name, phase.kind, phase.options[0]) == ("phase", "choice", "Detection")
    assert (step.name, len(step.options)) == ("step", 13)
    assert template.column("updates", "channel").options == ("Internal", "Status page")
    assert template.column("actions", "priority").kind == "line"
    assert template.column("whys", "question").kind == "prose"


def test_missing_presets_are_a_difference_that_counts():
    (whys,) = schema.shipped().groups("whys")
    again = "Why did that happen?"
    assert whys.missing([]) == whys.presets
    assert whys.missing([again, "Other", again]) == (whys.presets[0], again, again)
    assert whys.missing([*whys.presets, again]) == ()


def test_a_teams_own_template_works_the_same_way():
    template = schema.read(OURS, "ours.md")
    assert template.facts == {"title": "Outage", "team": "Payments"}
    head, broke, steps = template.sections
    assert (head.level, head.title, head.front) == (1, "Outage", 3)
    assert [each.title for each in broke.sections] == ["Since"]
    assert [blank.name for blank in template.blanks()] == [
        *("title", "level", "what", "since", "length"),
        *("step", "level", "step"),
    ]
    ours, theirs = template.groups("steps")
    assert (ours.keys, ours.blanks, ours.apart, ours.grows) == ((("lane", "Ours"),), 2, True, True)
    assert (theirs.preset, theirs.presets, theirs.first) == ("step", ("Call them", "Wait"), 3)
    assert template.column("incident", "since").label == "Broken since"
    (query,) = template.queries()
    assert query.name == "errors"
    assert query.call.startswith("search_datadog_logs(")
    words = "".join(part.text for part in steps.parts if isinstance(part, schema.Words))
    assert "{not a blank}" in words


def test_reading_is_the_same_however_lines_end():
    marked = "\ufeff" + OURS.replace("\n", "\r\n")
    assert schema.read(marked, "ours.md").digest == schema.read(OURS, "ours.md").digest


def test_names_that_are_not_there_are_refused_with_near_ones():
    template = schema.shipped()
    with pytest.raises(BadValue, match=r"actions: column: .*for example owner.*'ownr'"):
        template.column("actions", "ownr")
    with pytest.raises(BadValue, match=r"table: .*for example actions.*'action'"):
        template.column("action", "owner")
    with pytest.raises(BadValue, match=r"section: .*Timeline of Events.*'Timeline of Event'"):
        template.section("Timeline of Event")


def test_a_section_is_found_by_title_or_slug():
    template = schema.shipped()
    for title in ("Root Cause Analysis (5 Whys)", "root-cause-analysis-5-whys"):
        assert template.section(title).title == "Root Cause Analysis (5 Whys)"
    assert template.section("Communication").level == 3
    assert template.section("Incident Postmortem").level == 1


def test_the_tree_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        schema.shipped().text = ""


CALL = 'search_datadog_logs(query="*", from="now-1h", to="now")'
BROKEN = {
    "unknown kind": ("{lne owner}", 3, "one of the kinds prose, line", "`line`", "lne"),
    "unclosed blank": ("**Owner**: {line owner = _____", 3, "a } that closes", "{line owner", ""),
    "blank in a blank": ("{line owner = {x}}", 3, "a } that closes", "", ""),
    "lone brace": ("{", 3, r"a blank (or \{ for a brace)", "`{line owner = _____}`", "'{'"),
    "too many words": ("{line owner name = x}", 3, "a blank", "", "{line owner name"),
    "bad name": ("{line 1st}", 3, "a name for the blank", "`owner`", "1st"),
    "keyword": ("{line from}", 3, "a name for the blank", "`owner`", "from"),
    "hidden name": ("{line __proto__}", 3, "a name for the blank", "`owner`", "__proto__"),
    "taken name": ("{line id}", 3, "another name", "`blank_id`", "'id'"),
    "taken order": ("{count order}", 3, "another name", "`blank_order`", "'order'"),
    "two kinds": ("{line a}\n{date a}", 4, "the line a of line 3, or another name", "", "date"),
    "derived twice": (
        "{= minutes mttr}\n{minutes mttr}",
        4,
        "the derived minutes mttr of line 3",
        "",
        "minutes",
    ),
    "nothing computes it": (
        "{= minutes durtion}",
        3,
        "a computed figure",
        "`{= minutes duration}`",
        "durtion",
    ),
    "computed otherwise": (
        "{= line duration}",
        3,
        "the kind that duration",
        "`{= minutes dur",
        "line",
    ),
    "computed in rows": (
        "<!-- rows a: 1 blank -->\n{= minutes mttr}\n<!-- end -->",
        4,
        "a computed figure outside of rows",
        "",
        "mttr",
    ),
    "a figure in words": (
        "{line revenue_loss}",
        3,
        "the kind money (revenue_loss",
        "`{money revenue_loss}`",
        "line",
    ),
    "a time in words": (
        "<!-- rows timeline: 1 blank -->\n{line time}\n<!-- end -->",
        4,
        "the kind time (time",
        "`{time time}`",
        "line",
    ),
    "severities": ("{names severity}", 3, "the kind choice", "`{choice severity}`", "names"),
    "choice twice": ("{choice a = b / c / b}", 3, "choices that differ", "Low / High", "b / c / b"),
    "empty choice": ("{choice a = b /  / c}", 3, "choices that differ", "Low / High", "b /  / c"),
    "key twice": (
        "<!-- rows a (b=c, b=d): 1 blank -->\n{line x}\n<!-- end -->",
        3,
        "each column once",
        "(horizon=Immediate)",
        "b=c, b=d",
    ),
    "preset key": (
        "<!-- rows a (r=c): r: A | B -->\n{line x}\n<!-- end -->",
        3,
        "a preset column that is not between",
        "`role: Author",
        "r: A | B",
    ),
    "wide letters": ("{line \uff41}", 3, "a name for the blank", "`owner`", "\uff41"),
    "the notebook's variable": (
        f"```datadog incident\n{CALL}\n```",
        3,
        "another name",
        "",
        "incident",
    ),
    "long query": (f"```datadog {'a' * 61}\n{CALL}\n```", 3, "up to 60 characters", "", "aaaa"),
    "two lists": ("{choice a = b / c}\n{choice a = b / d}", 4, "the same choices", "", "b / d"),
    "no choices": ("{choice a = b}", 3, "choices with / between them", "Low / High", "'b'"),
    "number outside": ("{n}. {line a}", 3, "{n} only between rows and end", "", "{n}"),
    "unclosed rows": (
        "<!-- rows steps: 1 blank -->\n{line a}",
        3,
        "<!-- end --> after the rows",
        "`<!-- end -->`",
        "steps",
    ),
    "unopened rows": ("{line a}\n<!-- end -->", 4, "rows before their <!-- end -->", "", "end"),
    "rows in rows": (
        "<!-- rows a: 1 blank -->\n{line x}\n<!-- rows b: 1 blank -->",
        5,
        "the end of the rows a of line 3",
        "",
        "rows b",
    ),
    "no count": ("<!-- rows a -->\n{line x}\n<!-- end -->", 3, "rows of a table", "2 blank", ""),
    "unknown option": (
        "<!-- rows a: 2 blank sideways -->\n{line x}\n<!-- end -->",
        3,
        "any of from N, apart, grows",
        "`2 blank apart`",
        "2 blank sideways",
    ),
    "endless rows": (
        "<!-- rows a: 101 blank -->\n{line x}\n<!-- end -->",
        3,
        "at most 100 empty rows",
        "",
        "101",
    ),
    "empty preset": ("<!-- rows a: x: b | -->\n{line x}\n<!-- end -->", 3, "N blank", "", ""),
    "rows of nothing": ("<!-- rows a: 1 blank -->\nx\n<!-- end -->", 5, "a blank in each", "", ""),
    "keys": ("<!-- rows a (b): 1 blank -->\n{line x}\n<!-- end -->", 3, "column=value", "", "'b'"),
    "taken table": (
        "<!-- rows incident: 1 blank -->\n{line x}\n<!-- end -->",
        3,
        "another name for the table",
        "",
        "incident",
    ),
    "same group": (
        "<!-- rows a: 1 blank -->\n{line x}\n<!-- end -->\n" * 2,
        6,
        "other values of the same columns as on line 3",
        "",
        "'a'",
    ),
    "other keys": (
        "{0} (b=c){1}{0} (d=e){1}".format("<!-- rows a", ": 1 blank -->\n{line x}\n<!-- end -->\n"),
        6,
        "other values of the same columns",
        "",
        "a (d=e)",
    ),
    "same query": (
        f"```datadog a\n{CALL}\n```\n```datadog a\n{CALL}\n```",
        6,
        "a name that the query",
        "",
        "a",
    ),
    "nameless query": ("```datadog\nx\n```", 3, "a name after datadog", "`datadog errors`", ""),
    "endless query": ("```datadog a\nx", 3, "a fence that ends the query", "", "datadog a"),
    "unclosed comment": ("<!-- note\n{line a}", 3, "a --> that closes", "", "<!-- note"),
    "heading blank": ("### {line a}", 3, "a heading without blanks", "", "{line a}"),
    "same heading": ("## Same\n\n## Same", 5, "a title that no other ## heading has", "", "Same"),
    "in an address": ("[x]({link a})", 3, "a blank outside of tags", "", "]("),
    "in a tag": ('<a href="{link a}">', 3, "a blank outside of tags", "", "<a href"),
    "in a reference": ("[x]: {link a}", 3, "a blank outside of tags", "", "[x]:"),
}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("", "one call and nothing else, for example search_datadog_logs("),
        ("x", "one call, for example search_datadog_logs("),
        ('search_datadog_logs(\n  query="a,\n)', "cannot be read (line 5): check quotes"),
        ("search_datadog_log()", "did you mean search_datadog_logs?"),
        ("search_datadog_logs(qery='*')", "did you mean query?"),
        ("search_datadog_logs(query=open('x'))", "query must be written out"),
    ],
)
def test_a_query_that_is_no_call_is_refused_when_the_template_is_read(call, said):
    with pytest.raises(BadTemplate) as refused:
        schema.read(f"## One\n\n```datadog logs\n{call}\n```\n", "ours.md")
    message = str(refused.value)
    assert message.startswith("ours.md:3: expected a query logs that can be asked; ")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_template_is_refused_in_one_line(case):
    source, line, what, example, came = BROKEN[case]
    with pytest.raises(BadTemplate) as refused:
        schema.read(f"## One\n\n{source}\n", "ours.md")
    message = str(refused.value)
    assert message.startswith(f"ours.md:{line}: expected ")
    assert "\n" not in message
    expected, _, rest = message.partition(", for example ")
    shown, _, got = rest.rpartition("; got ")
    assert what in expected
    assert example in shown
    assert came in got


def refusal(source):
    """Return the line that refuses a template, or nothing."""
    try:
        schema.read(source, "ours.md")
    except BadTemplate as refused:
        return str(refused)
    return ""


def test_a_template_without_a_section_is_refused():
    open_front = "---\ntitle: Ours\n\n## Facts\n\n---\n"
    with pytest.raises(BadTemplate, match=r"^ours.md:1: expected front matter that ends before"):
        schema.read(open_front, source="ours.md")
    with pytest.raises(BadTemplate, match=r"^ours.md:1: expected a ## heading"):
        schema.read("# Only a title\n\n{line a}\n", "ours.md")
    with pytest.raises(BadTemplate, match=r"; got '# Only a title'$"):
        schema.read("# Only a title\n\n{line a}\n", "ours.md")
    with pytest.raises(BadTemplate, match=r"; got '<!-- end -->'$"):
        schema.read("## Facts\n\n{line a}\n<!-- end -->\n\nx\n", "ours.md")
    with pytest.raises(BadTemplate, match=r"^ours.md:3: expected a ## heading before"):
        schema.read("# Title\n\n### Deep\n\n## Flat\n", "ours.md")


def test_a_file_is_read_or_refused(tmp_path):
    path = tmp_path / "ours.md"
    path.write_text(OURS, "utf-8")
    assert schema.load(path).source_name == "ours.md"
    path.write_bytes(b"## One\n\n{line a}\n\xff\n")
    with pytest.raises(BadTemplate, match=r"^ours.md:4: expected UTF-8 text"):
        schema.load(path)
    path.write_bytes(b"## One\n" + b"x" * 1_000_000)
    with pytest.raises(BadTemplate, match=r"^ours.md:1: expected a template of up to 1,000,000"):
        schema.load(path)
    with pytest.raises(
        BadTemplate, match=r"none.md': expected a template.*for example.*No such file"
    ):
        schema.load(tmp_path / "none.md")
    for path in (tmp_path, Path("a\0b"), Path("\ud800")):
        with pytest.raises(BadTemplate, match="expected a template file that can be read"):
            schema.load(path)


@pytest.mark.parametrize(
    "hostile", ["{" * 5000, "{{" * 5000, "`" * 5001, "<!--" * 5000, "**" * 9999, "a`" * 9999]
)
def test_a_hostile_template_is_read_or_refused_at_once(hostile):
    message = refusal(f"## One\n\n{hostile}\n")
    assert len(message) < 400
    assert "\n" not in message
