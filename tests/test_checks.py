"""A sound postmortem passes; each contradiction planted in it is found, where it stands."""

import ast
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import sound
from sound import moment

from postmortem_nb import Incident, checks, evidence
from postmortem_nb.checks import Code, Severity, case, records, report, review, timeline


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """An incident in which there is nothing to find, made once."""
    return sound.create(tmp_path_factory.mktemp("example"))


@pytest.fixture
def incident(example, tmp_path):
    """A copy of the example that a test may spoil."""
    shutil.copytree(example.path, tmp_path / "INC-1")
    return Incident.open(tmp_path / "INC-1")


def found(incident, *, but=("evidence",)):
    frame = incident.check()
    return frame[~frame["code"].isin(list(but))]


def first(incident, table, **values):
    return next(
        row["row"]
        for row in incident.values(table)
        if all(row[name] == value for name, value in values.items())
    )


def step(incident, name):
    return first(incident, "timeline", step=name)


def action(incident):
    return first(incident, "actions", priority="P0")


@pytest.mark.parametrize("typed", ["Write the runbook", "P0Third action"])
def test_a_name_typed_as_the_priority_is_found(incident, typed):
    row = incident.add("actions", horizon="Short-term", priority=typed)
    told = found(incident)
    (message,) = told[(told["row"] == row) & (told["name"] == "priority")]["message"]
    assert message.startswith(f"[–] an action without a title: “{typed}” is no priority")


def test_a_sound_postmortem_gives_nothing_to_find(example):
    assert found(example).to_dict(orient="records") == []


@pytest.mark.parametrize(
    ("clock", "evidence", "told"),
    [("12:02", "events", False), ("12:01", "events", True), ("13:58", None, True)],
)
def test_evidence_of_the_two_hours_before_may_have_led_to_it(incident, clock, evidence, told):
    for name, value in (("time", moment(clock)), ("evidence", evidence)):
        incident.set(name, value, table="timeline", row=step(incident, "Key Discovery"))
    assert ("window" in set(found(incident)["code"])) is told


@pytest.mark.parametrize(("evidence", "told"), [("events (AZ1)", False), (None, True)])
def test_a_discovery_before_the_detection_needs_the_evidence_of_what_happened(
    incident, evidence, told
):
    for name, value in (("time", moment("14:05")), ("evidence", evidence)):
        incident.set(name, value, table="timeline", row=step(incident, "Key Discovery"))
    messages = found(incident)["message"]
    assert messages.str.contains("Key Discovery .*is before Detection").any() == told


def test_a_method_that_is_missing_is_to_be_filled_in_not_corrected(incident):
    incident.set("revenue_loss", 5000)
    incident.set("revenue_method", None)
    hits = found(incident)
    (remedy,) = hits.loc[hits["where"].str.contains("Calculation method"), "remedy"]
    assert remedy.startswith("Fill in the calculation method")


# What is planted → the code, the severity and a part of the place under which it must be found.
PLANTS = {
    "detection before the start": (
        lambda i: i.set("time", moment("13:50"), table="timeline", row=step(i, "Detection")),
        ("order", "error", "Detection Phase › Detection › Time"),
    ),
    "recovery before the start": (
        lambda i: i.set("time", moment("13:00"), table="timeline", row=step(i, "Full Recovery")),
        ("order", "error", "Mitigation Phase › Full Recovery"),
    ),
    "plan after its deployment": (
        lambda i: i.set(
            "time", moment("15:40"), table="timeline", row=step(i, "Mitigation Plan Formed")
        ),
        ("order", "hint", "Mitigation Deployed"),
    ),
    "discovery before the start": (
        lambda i: i.set("time", moment("11:47"), table="timeline", row=step(i, "Key Discovery")),
        ("window", "warning", "Key Discovery"),
    ),
    "discovery after the end": (
        lambda i: i.set("time", moment("19:00"), table="timeline", row=step(i, "Key Discovery")),
        ("window", "warning", "Key Discovery"),
    ),
    "a phase without an event": (
        lambda i: [
            i.remove("timeline", step(i, name))
            for name in ("Investigation Begins", "Key Discovery", "Root Cause Identified")
        ],
        ("phase", "warning", "Investigation Phase"),
    ),
    "an hour of silence": (
        lambda i: [
            i.remove("timeline", step(i, name))
            for name in ("Key Discovery", "Root Cause Identified", "Mitigation Plan Formed")
        ],
        ("silence", "hint", "Timeline of Events"),
    ),
    "no summary": (
        lambda i: i.set("what_happened", None),
        ("blank", "error", "Executive Summary › What happened"),
    ),
    "no severity": (lambda i: i.set("severity", None), ("blank", "error", "Severity")),
    "no detection": (
        lambda i: i.remove("timeline", step(i, "Detection")),
        ("blank", "error", "Detection › Time"),
    ),
    "no cause": (
        lambda i: i.set("technical_cause", None),
        ("blank", "error", "Root Cause Summary › Technical Root Cause"),
    ),
    "no action": (lambda i: i.remove("actions", action(i)), ("blank", "error", "Action Items")),
    "an approval without a name": (
        lambda i: i.set("name", None, table="approvals", row=first(i, "approvals", role="Manager")),
        ("approval", "error", "Approvals › Manager"),
    ),
    "a role that did not sign": (
        lambda i: i.remove("approvals", first(i, "approvals", role="Manager")),
        ("approval", "error", "Approvals"),
    ),
    "an approval before the incident": (
        lambda i: i.set(
            "date", "2025-12-01", table="approvals", row=first(i, "approvals", role="Manager")
        ),
        ("approval", "error", "Approvals › Manager"),
    ),
    "a link without its scheme": (
        lambda i: i.set("dashboard_link", "www.example.com/dash"),
        ("link", "warning", "References › Dashboard"),
    ),
    "a link that is a script": (
        lambda i: i.set("dashboard_link", "javascript:alert(1)"),
        ("link", "warning", "References › Dashboard"),
    ),
    "a link that is only words": (
        lambda i: i.set("dashboard_link", "the big dashboard"),
        ("link", "hint", "References › Dashboard"),
    ),
    "an action without an owner": (
        lambda i: i.set("owner", None, table="actions", row=action(i)),
        ("owner", "error", "Action Items › Immediate › row 1 › Owner"),
    ),
    "an action of a team": (
        lambda i: i.set("owner", "The payments team", table="actions", row=action(i)),
        ("owner", "warning", "Owner"),
    ),
    "an action without a date": (
        lambda i: i.set("due", None, table="actions", row=action(i)),
        ("due", "error", "Due Date"),
    ),
    "a P0 in a fortnight": (
        lambda i: i.set("due", "2025-12-18", table="actions", row=action(i)),
        ("due", "error", "Due Date"),
    ),
    "an action due before the incident": (
        lambda i: i.set("due", "2025-12-01", table="actions", row=action(i)),
        ("due", "error", "Due Date"),
    ),
    "an action without a tracker": (
        lambda i: i.set("tracking", None, table="actions", row=action(i)),
        ("tracking", "warning", "Tracking"),
    ),
    "a P3 without an owner is a lesser matter": (
        lambda i: i.add(
            "actions", horizon="Long-term", priority="P3", title="Delete the old pool settings"
        ),
        ("owner", "warning", "Action Items › Long-term"),
    ),
    "a vague action": (
        lambda i: i.set("title", "Improve the pool", table="actions", row=action(i)),
        ("vague", "warning", "Action Items"),
    ),
    "an exhortation": (
        lambda i: i.set(
            "description", "Everybody has to be more careful.", table="actions", row=action(i)
        ),
        ("exhorts", "warning", "Description"),
    ),
    "a factor without an action": (
        lambda i: i.add("factors", area="Process", name="Alert averaging over fifteen minutes"),
        ("factor", "warning", "Contributing Factors › Process Factors"),
    ),
    "a target of 100 %": (
        lambda i: i.set("slo_target", 100),
        ("slo", "error", "SLO target"),
    ),
    "a remaining budget that does not follow": (
        lambda i: i.set("budget_remaining", 90),
        ("slo", "warning", "Error budget remaining"),
    ),
    "more than all users": (
        lambda i: i.set("affected_share", 130),
        ("range", "warning", "Percentage of user base"),
    ),
    "a severity that was declared otherwise": (
        lambda i: i.set(
            "severity_declared", "SEV-3", table="timeline", row=step(i, "Acknowledgment")
        ),
        ("severity", "hint", "Severity declared"),
    ),
    "a duration in prose": (
        lambda i: i.set("what_happened", "The degradation lasted 3 hours."),
        ("prose", "warning", "What happened"),
    ),
    "a start in prose": (
        lambda i: i.set("what_happened", "Errors began at 13:12 UTC and grew."),
        ("prose", "warning", "What happened"),
    ),
    "users in prose": (
        lambda i: i.set("what_happened", "9,000 customers were affected."),
        ("prose", "warning", "What happened"),
    ),
    "requests in prose": (
        lambda i: i.set("problem", "In all 12,000 requests failed."),
        ("prose", "warning", "Problem Statement"),
    ),
    "a length that nothing else has": (
        lambda i: i.set("problem", "Checkouts failed. Nobody noticed for 42 minutes."),
        ("lone", "hint", "Problem Statement"),
    ),
    "a severity in prose": (
        lambda i: i.set("what_happened", "This was a SEV-3 at first."),
        ("prose", "warning", "What happened"),
    ),
    "a review before the incident": (
        lambda i: i.set("review_date", "2025-11-11"),
        ("date", "warning", "Review Date"),
    ),
    "a date of another week": (
        lambda i: i.set("date", "2025-12-14"),
        ("date", "warning", "Date"),
    ),
    "blame in the timeline": (
        lambda i: i.set(
            "assessment",
            "The engineer should have checked the pool.",
            table="timeline",
            row=step(i, "Acknowledgment"),
        ),
        ("blame", "warning", "Acknowledgment › Initial assessment"),
    ),
    "a name that the incident knows": (
        lambda i: i.set("why_it_happened", "Jonas broke the pool."),
        ("blame", "warning", "Why it happened"),
    ),
    "a name on a neutral change": (
        lambda i: i.set("why_it_happened", "Jonas pushed the small pool."),
        ("blame", "hint", "Why it happened"),
    ),
    "a chain that ends at a person": (
        lambda i: i.add("whys", answer="Because of the reviewer of that day."),
        ("blame", "warning", "5 Whys Analysis › row 3"),
    ),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_planted_is_found(incident, plant):
    spoil, (code, severity, place) = PLANTS[plant]
    spoil(incident)
    hits = [
        row
        for row in found(incident).to_dict(orient="records")
        if row["code"] == code and row["severity"] == severity and place in row["where"]
    ]
    assert hits, f"{plant}\n{checks.as_text(found(incident))}"
    assert all(row["message"] and row["remedy"] for row in hits)


def test_every_kind_of_finding_is_planted_somewhere():
    elsewhere = {Code.FIGURE, Code.FOLLOW_UP, Code.EVIDENCE, Code.LOG, Code.SOURCES, Code.TEMPLATE}
    assert {spec[0] for _, spec in PLANTS.values()} == set(Code) - elsewhere


def test_a_finding_names_its_blank(incident):
    row = action(incident)
    incident.set("owner", None, table="actions", row=row)
    (hit,) = found(incident).to_dict(orient="records")
    assert (hit["table"], hit["row"], hit["name"]) == ("actions", row, "owner")


# -- states ----------------------------------------------------------------------------------------


def test_an_empty_draft_is_told_what_review_needs_and_passes(tmp_path):
    frame = Incident.create("INC-2", tmp_path).check()
    assert set(frame.loc[frame["code"] == "blank", "severity"]) == {"warning"}
    assert not checks.errors(frame)


@pytest.mark.parametrize("state", ["Review", "Approved"])
def test_an_empty_postmortem_passes_neither_review_nor_approval(tmp_path, state):
    incident = Incident.create("INC-2", tmp_path)
    incident.set("state", state)
    assert checks.errors(incident.check())


@pytest.mark.parametrize("need", review.NEEDS, ids=lambda need: f"{need.name}-{need.value}")
def test_each_need_is_a_blank_of_the_template(example, need):
    column = example.template.column(need.table, need.name)
    assert column.name == need.name
    if need.column:
        keys = [dict(group.keys) for group in example.template.groups(need.table)]
        assert any(group.get(need.column) == need.value for group in keys)


def test_steps_that_follow_are_steps_of_the_template(example):
    steps = {dict(group.keys).get("step") for group in example.template.groups("timeline")}
    named = set(timeline.FOLLOWS) | {one for others in timeline.FOLLOWS.values() for one in others}
    assert named <= steps


# -- typed figures ---------------------------------------------------------------------------------


def written(incident, at, **edit):
    """Write an edit of another day into the log, as another program would."""
    log = incident.path / "incident.jsonl"
    line = {"at": at, "by": "another", "table": "incident", "row": "incident", **edit}
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return Incident.open(incident.path)


def typed(incident, name, value):
    """Write a value into a computed blank, as an import would."""
    return written(incident, "2000-01-01T00:00:00Z", name=name, value=value)


def test_a_typed_duration_is_compared_with_the_computed_one(incident):
    frame = found(typed(incident, "duration", 180.0))
    (hit,) = frame[frame["code"] == "figure"].to_dict(orient="records")
    assert "3 hours" in hit["message"]
    assert "2 hours 7 minutes" in hit["message"]
    assert found(typed(incident, "duration", 127.0)).empty


def test_a_typed_follow_up_is_thirty_days_after_the_incident(incident):
    frame = found(typed(incident, "follow_up", "2025-12-20"))
    (hit,) = frame[frame["code"] == "follow-up"].to_dict(orient="records")
    assert "2026-01-03" in hit["message"]
    assert found(typed(incident, "follow_up", "2026-01-03")).empty


# -- prose that agrees -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence",
    [
        "It lasted 2 hours 7 minutes.",
        "It lasted 127 minutes.",
        "It lasted about 2 hours.",
        "It lasted 2 hours.",
        "A two-hour outage of 127 minutes.",
        "4,200 customers were affected.",
        "About 4,000 customers were affected.",
        "4.2k users were affected.",
        "13.5 % of users saw an error.",
        "37,500 requests failed.",
        "Errors began at 14:02 UTC.",
        "Errors began at around 14:00.",
        "Errors began at 15:02 CET.",
        "Service was restored at 16:09 UTC.",
        "The canary started at 10 % of hosts.",
        "5,000 customers use the new checkout.",
        "A SEV-1 since 14:24.",
        "The retry waits 3 hours.",
    ],
)
def test_prose_that_agrees_is_left_alone(incident, sentence):
    incident.set("what_happened", sentence)
    frame = incident.check()
    assert frame[frame["code"] == "prose"].empty


# -- silencing and formats -------------------------------------------------------------------------


def test_codes_and_rules_can_be_silenced(incident):
    incident.set("dashboard_link", "www.example.com")
    incident.set("why_it_happened", "The engineer failed to look.")
    assert set(found(incident)["code"]) == {"link", "blame"}
    assert set(checks.findings(incident, ignore=["link", "evidence"])["rule"]) == {"CF3"}
    assert checks.findings(incident, ignore=["link", "CF3", "evidence"]).empty


def test_a_team_silences_codes_in_its_template(tmp_path, example):
    source = example.template.text
    own = tmp_path / "ours.md"
    head, rest = source.split("---\n", 2)[1:]
    own.write_text(f"---\n{head}checks-ignore: blank, evidence\n---\n{rest}", encoding="utf-8")
    incident = Incident.create("INC-9", tmp_path, template=own)
    assert incident.check().empty


def test_a_code_that_there_is_not_is_told(tmp_path):
    own = tmp_path / "ours.md"
    ignore = "checks-ignore: silense, RC1, EM, blank"
    own.write_text(f"---\ntype: ours\n{ignore}\n---\n\n## Story\n\n{{told}}\n", "utf-8")
    rows = Incident.create("INC-9", tmp_path, template=own).check().to_dict("records")
    assert [(row["code"], row["remedy"]) for row in rows] == [("template", "Did you mean silence?")]


def test_a_team_lets_words_stand_in_its_template(tmp_path):
    own = tmp_path / "ours.md"
    own.write_text(
        "---\ntype: ours\nblameless-allow: careless, bad decision\n---\n\n## Story\n\n{told}\n",
        encoding="utf-8",
    )
    incident = Incident.create("INC-9", tmp_path, template=own)
    incident.set("told", "The careless change was negligent, and a bad\ndecision.")
    assert [row["message"][:12] for row in incident.check().to_dict("records")] == ["“negligent”:"]


def test_a_team_switches_off_a_rule_and_keeps_words_of_actions(tmp_path, example):
    head, rest = example.template.text.split("---\n", 2)[1:]
    own = tmp_path / "ours.md"
    keys = (
        "checks-ignore: CF3, blank, evidence, owner, due, tracking\nblameless-allow: double-check\n"
    )
    own.write_text(f"---\n{head}{keys}---\n{rest}", encoding="utf-8")
    incident = Incident.create("INC-9", tmp_path, template=own)
    incident.set("why_it_happened", "The engineer failed to look, and she was careless.")
    incident.add("actions", priority="P0", title="A robot does the double-check of 2 limits")
    assert list(incident.check()["rule"]) == ["NM1"]


def test_the_frame_has_its_columns_even_when_nothing_is_found(example):
    frame = checks.findings(example, ignore=["evidence"])
    assert list(frame.columns) == list(report.COLUMNS)
    assert not checks.errors(frame)
    assert checks.as_json(frame) == "[]\n"
    assert checks.as_github(frame) == ""
    assert checks.as_text(frame) == "0 errors, 0 warnings, 0 hints\n"


def finding(**changed):
    parts = {
        "code": Code.OWNER,
        "severity": Severity.ERROR,
        "where": "Action Items",
        "message": "No owner.",
        "remedy": "Name one.",
    }
    return report.Finding(**{**parts, **changed})


def test_the_gravest_comes_first():
    frame = report.frame(
        [finding(severity=Severity.HINT), finding(severity=Severity.ERROR), finding()]
    )
    assert list(frame["severity"]) == ["error", "error", "hint"]
    assert report.tally(frame) == "2 errors, 0 warnings, 1 hint"


def test_annotations_cannot_be_broken_out_of():
    hostile = "100 %\r\n::error::owned\x1b[31m, a:b"
    frame = report.frame([finding(where=hostile, message=hostile)], path="a,b:c%.jsonl")
    text = checks.as_github(frame)
    assert text.count("\n") == 1
    assert text.startswith("::error file=a%2Cb%3Ac%25.jsonl,title=[owner] 100 %25 %3A%3Aerror")
    assert "\x1b" not in text
    assert text.index("::100 %25") > text.index("title=")


def test_an_annotation_stands_on_the_line_that_wrote_what_it_is_about(incident):
    """Before: on none, so a review showed all of them at the head of the log."""
    row = action(incident)
    incident.set("owner", None, table="actions", row=row)
    incident.set("dashboard_link", "www.example.com")
    incident.set("author", "Dana")
    log = incident.path / "incident.jsonl"
    with log.open("ab") as damaged:
        damaged.write(b"[1]\n<<<<<<<\n")
    lines = log.read_text("utf-8").splitlines()
    noted = {
        each.partition("title=[")[2].partition("]")[0]: int(at[1])
        for each in checks.as_github(found(incident), str(log)).splitlines()
        if (at := re.search(r",line=(\d+),", each))
    }
    assert '"name":"owner","value":null' in lines[noted["owner"] - 1]
    assert row in lines[noted["owner"] - 1]
    assert '"www.example.com"' in lines[noted["link"] - 1]
    assert "log" not in noted


@pytest.mark.parametrize(
    ("severity", "command"), [("error", "error"), ("warning", "warning"), ("hint", "notice")]
)
def test_each_severity_has_its_workflow_command(severity, command):
    frame = report.frame([finding(severity=Severity(severity))])
    assert checks.as_github(frame, "x").startswith(f"::{command} file=x,")


def test_text_for_a_terminal_cannot_steer_it():
    text = checks.as_text(report.frame([finding(message="a\x1b]0;owned\x07\nb")]))
    assert "\x1b" not in text
    assert text.splitlines()[1].strip().startswith("a")


def test_json_is_the_frame(incident):
    incident.set("dashboard_link", "www.example.com")
    frame = found(incident)
    assert json.loads(checks.as_json(frame)) == frame.to_dict(orient="records")


def test_every_code_says_what_it_means():
    assert all(code.meaning for code in Code)
    assert len({code.meaning for code in Code}) == len(Code)


def test_a_check_changes_nothing_and_says_the_same_again(incident):
    before = (incident.path / "incident.jsonl").read_bytes()
    incident.set("owner", None, table="actions", row=action(incident))
    one, two = incident.check(), incident.check()
    pd.testing.assert_frame_equal(one, two)
    assert (incident.path / "incident.jsonl").read_bytes().startswith(before)


# -- other templates -------------------------------------------------------------------------------


def test_a_template_without_our_blanks_is_checked_for_what_it_has(tmp_path):
    own = tmp_path / "ours.md"
    own.write_text("# Ours\n\n## Story\n\n**Told**: {told}\n", encoding="utf-8")
    incident = Incident.create("INC-9", tmp_path, template=own)
    incident.set("told", "The engineer was careless.")
    assert set(incident.check()["code"]) <= {"blame"}
    assert list(incident.check()["name"]) == ["told"]


@pytest.mark.parametrize("module", ["actions", "figures", "prose", "records", "review", "timeline"])
def test_no_rule_asks_the_clock(module):
    source = (Path(checks.__file__).parent / f"{module}.py").read_text("utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    assert not {"now", "today", "utcnow", "time_ns"} & {call.attr for call in calls}


# -- records ---------------------------------------------------------------------------------------

RECORD = {
    "name": "errors",
    "complete": True,
    "partial": "",
    "rows": 12,
    "sandbox": False,
    "from": "2025-12-04T13:02:00Z",
    "to": "2025-12-04T17:09:00Z",
}


@pytest.mark.parametrize(
    ("change", "severity", "words"),
    [
        ({"changed": True}, "error", "digest differs"),
        ({"complete": False, "partial": "HTTP 503 on page 3"}, "warning", "HTTP 503 on page 3"),
        ({"rows": 0}, "hint", "found nothing"),
        ({"from": "2025-12-04T14:30:00Z"}, "warning", "not the whole incident"),
        ({"to": "2025-12-04T15:00:00Z"}, "warning", "not the whole incident"),
        ({"fetched_at": "2025-12-04T15:00:00Z"}, "warning", "before the recovery"),
        (
            {"rows": 0, "function": "search_datadog_logs", "fetched_at": "2025-12-30T09:00:00Z"},
            "warning",
            "Expired: empty, and asked 25 days after",
        ),
        (
            {"rows": 0, "function": "get_datadog_metric", "fetched_at": "2025-12-30T09:00:00Z"},
            "hint",
            "found nothing",
        ),
    ],
)
def test_unsound_evidence_is_found(example, change, severity, words):
    seen = case.take(example)
    record = RECORD | change
    rules = (records.unsound, records.covers, records.early)
    hits = [hit for rule in rules for hit in rule(seen, record)]
    assert [(str(hit.severity), hit.where) for hit in hits] == [(severity, "Evidence › errors")]
    assert words in hits[0].message


@pytest.mark.parametrize(("name", "told"), [("errors_last_week", False), ("errors", True)])
def test_a_baseline_asked_on_purpose_need_not_cover_the_incident(example, name, told):
    week = {"from": "2025-11-27T13:02:00Z", "to": "2025-11-27T17:09:00Z", "name": name}
    assert bool([*records.covers(case.take(example), RECORD | week)]) is told


def test_evidence_from_the_sandbox_is_said_once(example):
    seen = case.take(example)
    all_of_it = [RECORD | {"name": name, "sandbox": True} for name in ("spans", "logs")]
    (hit,) = records.made_up(seen, all_of_it)
    assert (str(hit.severity), hit.where) == ("warning", "Evidence")
    assert hit.message == "All of it is from the sandbox: made-up data."
    (hit,) = records.made_up(seen, [*all_of_it, RECORD])
    assert hit.message == "logs, spans: from the sandbox: made-up data."
    assert [*records.made_up(seen, [RECORD])] == []


def test_what_a_partial_answer_needs_is_what_would_help(example):
    seen = case.take(example)
    cut = {"complete": False, "partial": "limit reached", "arguments": {"limit": 1000}}
    for change, remedy in (
        (cut, "a higher limit= (it was 1,000) or a narrower query, or say"),
        (cut | {"arguments": "damaged"}, "a higher limit= or a narrower"),
        (cut | {"partial": "timed out"}, "Ask again with --refresh"),
    ):
        (hit,) = records.unsound(seen, RECORD | change)
        assert remedy in hit.remedy


def test_sound_evidence_is_left_alone(example):
    seen = case.take(example)
    assert [*records.unsound(seen, RECORD), *records.covers(seen, RECORD)] == []


def test_questions_that_were_never_asked_are_found(example):
    names = [query.name for query in example.template.queries()]
    seen = case.take(example)
    (none,) = records.missing(seen, set())
    assert none.message.endswith(f"{', '.join(names)} have no answer.")
    others = records.missing(seen, {names[0]})
    assert [each.where for each in others] == [f"Evidence › {name}" for name in names[1:]]
    assert list(records.missing(seen, set(names))) == []


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("None. Tracing is off at the edge for cost reasons.", False),
        ("We have no tracing for the identity provider.", False),
        ("n/a – no APM", False),
        ("There are no spans: APM is not installed.", False),
        ("Not instrumented.", False),
        ("Tracing was switched off in May.", False),
        ("No traces", False),
        ("No span took longer than 6 s.", True),
        ("None of the 400 spans failed.", True),
        ("The slowest span took 6 s.", True),
    ],
)
def test_a_question_need_not_be_asked_where_there_is_nothing_to_find(example, text, asked):
    before = example.value("key_traces")
    example.set("key_traces", text)
    others = {each.name for each in example.template.queries()} - {"spans"}
    assert bool(list(records.missing(case.take(example), others))) is asked
    example.set("key_traces", before)


@pytest.mark.parametrize("state", ["Approved", "Review"])
def test_an_approval_older_than_the_text_is_found(incident, state):
    incident.set("state", state)
    later = written(incident, "2999-02-01T00:00:00Z", name="problem", value="Another problem.")
    frame = found(later)
    hits = frame[frame["code"] == "approval"]
    assert list(hits["where"]) == [
        f"Approvals › {role}"
        for role in ("Author", "Technical Reviewer", "Manager", "On-call Lead")
    ]
    assert set(hits["severity"]) == {"warning" if state == "Approved" else "hint"}
    assert "1 edit came later" in hits["message"].iloc[0]


def test_an_approval_of_an_earlier_day_is_found_though_it_was_written_down_later(incident):
    row = incident.values("approvals")[0]["row"]
    incident.set("date", "2025-12-20", table="approvals", row=row)
    frame = found(incident)
    (message,) = (each for each in frame["message"] if "came later" in each)
    assert message.startswith("'Priya Raman' approved on 2025-12-20; ")


def test_a_broken_chain_of_whys_and_one_told_twice_are_found(incident):
    rows = [incident.values("whys")[1]["row"], incident.add("whys"), incident.add("whys")]
    assert set(found(incident)["table"]) & {"whys"} == set()
    incident.set("answer", "Nobody owns the size of the pool.", table="whys", row=rows[2])
    (hit,) = found(incident)[found(incident)["table"] == "whys"].to_dict("records")
    assert (hit["code"], hit["severity"], hit["row"]) == ("blank", "error", rows[1])
    incident.set("answer", "nobody owns the  size of the pool.", table="whys", row=rows[1])
    (hit,) = found(incident)[found(incident)["table"] == "whys"].to_dict("records")
    assert hit["message"].startswith("The answer of why 3 once more")
    incident.set("answer", "No size was agreed on.", table="whys", row=rows[1])
    assert set(found(incident)["table"]) & {"whys"} == set()


@pytest.mark.parametrize(
    ("priority", "horizon", "odd"),
    [
        ("P3", "Short-term", True),
        ("P2", "Immediate", True),
        ("P1", "Immediate", False),  # done in the first week, though it could wait
        ("P2", "Short-term", False),
        ("P3", "Long-term", False),
    ],
)
def test_what_can_wait_does_not_stand_with_what_cannot(incident, priority, horizon, odd):
    row = incident.values("actions")[0]["row"]
    for name, value in {"priority": priority, "horizon": horizon}.items():
        incident.set(name, value, table="actions", row=row)
    said = [each for each in found(incident)["message"] if f"but only {priority}" in each]
    assert len(said) == odd


def test_an_approval_of_a_day_to_come_is_found(tmp_path):
    incident = Incident.create("INC-1", tmp_path)
    today = pd.Timestamp(str(incident.edits()[0]["at"])[:10])
    for days, odd in ((0, False), (1, False), (2, True), (365, True)):
        day = str((today + pd.Timedelta(days=days)).date())
        row = incident.add("approvals", role="Manager", name="Ann", date=day, done=True)
        said = [each for each in found(incident)["message"] if "but that was written down" in each]
        assert len(said) == odd
        incident.remove("approvals", row)


@pytest.mark.parametrize(
    ("query", "odd"),
    [
        ("sum(last_5m):sum:orders.failed{env:prod} by {region}.as_count() > 5", ""),
        ("sum(last_5m):sum:orders.failed{env:prod by {region}.as_count() > 5", "{"),
        ("avg(last_5m):avg:orders.latency{env:prod}) > 5", ")"),
        ('logs("service:shop @message:\\"a ( b\\"").rollup("count").last("5m") > 5', ""),
    ],
)
def test_a_query_whose_brackets_do_not_fit_is_found(incident, query, odd):
    incident.add("monitors", name="Orders", query=query, owner="Ann")
    said = [each for each in found(incident)["message"] if each.startswith("A bracket ")]
    assert len(said) == bool(odd)
    assert all(f"“{odd}”" in each for each in said)


@pytest.mark.parametrize(
    ("asked", "odd"),
    [
        (("service:checkout env:prod",), False),
        (("service:checkout-api status:error",), False),
        (("service:search", "service:payments"), False),
        (("service:search status:error", "avg:load{service:mail-out}"), True),
        (("env:prod @service:search",), False),  # a facet of that name, of whatever
    ],
)
def test_services_of_which_nobody_asked_are_found(incident, asked, odd):
    """The incident is one of checkout and payments."""
    listed = [{"name": "a", "arguments": {"query": each}} for each in asked]
    hits = list(records.elsewhere(case.take(incident), listed))
    assert [each.name for each in hits] == ["services"] * odd
    assert all("mail-out, search" in each.message for each in hits)


def test_what_has_expired_by_the_last_edit_is_said(example, tmp_path):
    (none,) = records.missing(case.take(example), set())
    assert "had expired (15 days" in none.remedy  # the incident is of 2025-12-04
    start = pd.Timestamp.now("UTC").floor("min") - pd.Timedelta(days=2)
    fresh = Incident.create("INC-1", tmp_path, start=start, end=start + pd.Timedelta(hours=1))
    (none,) = records.missing(case.take(fresh), set())
    assert none.remedy.startswith("Logs and spans are kept for 15 days.")


def test_what_is_filled_for_the_first_time_beside_an_approval_came_with_it(tmp_path):
    incident = Incident.create("INC-1", tmp_path)
    day = str(incident.edits()[0]["at"])[:10]
    incident.add("approvals", role="Author", name="Ann", date=day, done=True)
    incident.set("problem", "What was written in the same minute.")
    assert not any("came later" in each for each in found(incident)["message"])
    incident.set("problem", "What was changed right after it.")
    assert any("1 edit came later" in each for each in found(incident)["message"])


@pytest.mark.parametrize(
    ("at", "edit"),
    [
        ("2999-02-01T00:00:00Z", {"name": "state", "value": "Review"}),
        ("2000-01-01T00:00:00Z", {"name": "nps", "value": "no change"}),
    ],
    ids=["its state", "an edit before"],
)
def test_what_goes_on_changing_makes_no_approval_stale(incident, at, edit):
    frame = found(written(incident, at, **edit))
    assert frame[frame["code"] == "approval"].empty


def test_evidence_is_looked_at_where_it_lies(incident):
    rows = pd.DataFrame({"value": [1, 2]})
    folder = incident.path / "evidence"
    for name in ("sound", "altered", "lost", "unread"):
        evidence.freeze(folder, name, rows, {"complete": True})
    (folder / "altered.parquet").write_bytes((folder / "sound.parquet").read_bytes() + b" ")
    (folder / "lost.parquet").unlink()
    (folder / "unread.json").write_text("{", encoding="utf-8")
    frame = incident.check()
    hits = frame[(frame["code"] == "evidence") & (frame["severity"] == "error")]
    assert sorted(hits["where"]) == [f"Evidence › {name}" for name in ("altered", "lost", "unread")]


def test_a_torn_line_of_the_log_is_told(incident):
    with (incident.path / "incident.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"at": "2025-12-12T00:00:00Z", "by": "x", "table": "inci')
    frame = found(Incident.open(incident.path))
    assert set(frame["code"]) == {"log"}
