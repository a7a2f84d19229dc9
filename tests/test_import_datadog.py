"""A Datadog incident as a postmortem: what it knows, and a line for what it does not."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lying import Lying, Say

from postmortem_nb.errors import BadValue, BundleError, DatadogError
from postmortem_nb.importing.datadog import from_datadog
from postmortem_nb.incident import Incident
from postmortem_nb.sandbox.scenario import COMMANDER, FACTS, ON_CALL, PAYMENTS

RECORDED = Path(__file__).parents[1].parent / "shared" / "datadog-recordings"
UUID = "19c87e47-487a-5ce4-8841-61d23ea414d4"
SECRET = "0123456789abcdef" * 2


def row(kind, number, **attributes):
    return {"type": kind, "id": number, "attributes": attributes}


def recorded(**attributes):
    """Return an answer of the shape that Datadog gives: few facts known, the rest null or zero."""
    fields = {
        "severity": {"type": "dropdown", "value": "UNKNOWN"},
        "services": {"type": "autocomplete", "value": None},
        "teams": {"type": "autocomplete", "value": None},
        "detection_method": {"type": "dropdown", "value": "unknown"},
        "summary": {"type": "textbox", "value": None},
    }
    known = {
        "public_id": 338021,
        "title": "A drill",
        "severity": "UNKNOWN",
        "resolved": None,
        "customer_impact_start": None,
        "customer_impact_end": None,
        "created": "2026-02-23T14:06:46.306566+00:00",
        "declared": "2026-02-23T14:06:46.306566+00:00",
        "detected": "2026-02-23T14:06:46.292796+00:00",
        "customer_impact_duration": 0,
        "fields": fields,
        "commander": None,
    }
    return {"data": row("incidents", UUID, **(known | attributes))}


def script(answer, **others):
    """Return a server that gives an incident, and other lists by the last word of their path."""

    def say(heard):
        path = heard.path.partition("?")[0]
        if path.endswith(UUID):
            return Say(answer)
        found = others.get(path.rpartition("/")[2], {"data": []})
        return found if isinstance(found, Say) else Say(found)

    return say


def imported(tmp_path, monkeypatch, answer, **others):
    with Lying(script(answer, **others)) as server:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        return from_datadog(UUID, "INC-1", tmp_path)


def steps(incident):
    return {each["step"]: each for each in incident.values("timeline")}


def test_the_sandbox_s_incident_is_filled_in(tmp_path):
    incident, notes = from_datadog(FACTS.incident_uuid, "INC-4821", tmp_path)
    assert incident.path == tmp_path / "INC-4821"
    assert incident.value("title") == FACTS.title
    assert incident.value("severity") == "SEV-1"
    assert incident.value("services") == ["checkout", "payments"]
    assert incident.value("teams") == ["checkout", "payments"]
    assert incident.value("date") == date(2025, 12, 4)
    assert "v2.48.0" in incident.value("what_happened")
    assert "Connection pool" in incident.value("technical_cause")
    assert incident.value("datadog_link").endswith("/incidents/4821")
    found = steps(incident)
    assert {step: each["time"] for step, each in found.items()} == {
        "Incident Start": FACTS.start,
        "Detection": FACTS.detected,
        "Full Recovery": FACTS.recovered,
        "Incident Declared Resolved": FACTS.resolved,
    } | ({"Escalation": None} if "Escalation" in found else {})
    assert found["Detection"]["detection_method"] == "Monitor Alert"
    assert "Customers in Europe" in found["Incident Start"]["system_behavior"]
    assert any("no API has the rest" in line for line in notes)
    assert any(line.startswith("declared: 2025-12-04 14:24 UTC") for line in notes)


def test_follow_ups_are_actions(tmp_path):
    incident, _ = from_datadog(FACTS.incident_uuid, "INC-4821", tmp_path)
    actions = [
        (each["horizon"], each["owner"], each["due"], each["status"], each["priority"])
        for each in incident.values("actions")
    ]
    assert actions == [
        ("Immediate", ON_CALL.name, date(2025, 12, 4), "Complete", None),
        ("Short-term", ON_CALL.name, date(2025, 12, 12), "Not Started", None),
        ("Immediate", COMMANDER.name, date(2025, 12, 9), "Not Started", None),
        ("Short-term", PAYMENTS.name, date(2025, 12, 19), "Not Started", None),
    ]


def test_what_is_unknown_stays_missing(tmp_path, monkeypatch):
    incident, notes = imported(tmp_path, monkeypatch, recorded())
    assert incident.value("severity") is None
    assert incident.value("services") is None
    assert incident.value("title") == "A drill"
    assert incident.value("date") == date(2026, 2, 23)
    found = steps(incident)
    assert list(found) == ["Detection"]
    assert found["Detection"]["time"] == datetime(2026, 2, 23, 14, 6, 46, 292796, UTC)
    assert found["Detection"]["detection_method"] is None
    assert not incident.values("actions")
    assert "severity: unknown to Datadog; left missing" in notes


@pytest.mark.parametrize("severity", ["SEV-5", "CATASTROPHE", 3, ["SEV-1"], {"a": 1}, None])
def test_a_severity_of_another_scale_is_told_and_missing(tmp_path, monkeypatch, severity):
    incident, notes = imported(tmp_path, monkeypatch, recorded(severity=severity))
    assert incident.value("severity") is None
    assert any("severity" in line for line in notes)


def test_impacts_give_the_times_that_the_incident_lacks(tmp_path, monkeypatch):
    impacts = {
        "data": [
            row("incident_impacts", "b", start_at="2026-02-23T14:00:00Z", description="Slow"),
            row(
                "incident_impacts",
                "a",
                start_at="2026-02-23T13:00:00Z",
                end_at="2026-02-23T15:30:00Z",
                description="Down",
            ),
            "no impact",
        ]
    }
    incident, _ = imported(tmp_path, monkeypatch, recorded(), impacts=impacts)
    assert incident.window() == (
        datetime(2026, 2, 23, 13, tzinfo=UTC),
        datetime(2026, 2, 23, 15, 30, tzinfo=UTC),
    )
    assert steps(incident)["Incident Start"]["system_behavior"] == "Slow\nDown"


def test_links_go_where_their_address_says(tmp_path, monkeypatch):
    addresses = (
        "https://larkspur.slack.com/archives/C1",
        "https://larkspur.atlassian.net/browse/OPS-1",
        "https://app.datadoghq.eu/dashboard/abc/checkout",
        "https://evil-slack.com/x",
        "javascript:alert(1)//slack.com",
        "http://[broken",
        "https://larkspur.slack.com/archives/C2",
    )
    attachments = {
        "data": [
            row("incident_attachments", str(n), attachment={"documentUrl": link, "title": "t"})
            for n, link in enumerate(addresses)
        ]
    }
    incident, notes = imported(tmp_path, monkeypatch, recorded(), attachments=attachments)
    facts = incident.values("incident")[0]
    assert facts["slack_link"] == addresses[0]
    assert facts["ticket_links"] == addresses[1]
    assert facts["dashboard_link"] == addresses[2]
    assert sum(line.startswith("attachment: ") for line in notes) == 4


def test_responders_are_named_where_the_api_names_them(tmp_path, monkeypatch):
    user = {"type": "users", "id": "u1"}
    responders = {
        "data": [{"id": "r1", "relationships": {"user": {"data": user}}}, {"id": "r2"}],
        "included": [{**user, "attributes": {"name": "Ana <b>", "handle": "ana"}}],
    }
    incident, notes = imported(tmp_path, monkeypatch, recorded(), responders=responders)
    assert steps(incident)["Escalation"]["responders"] == ["Ana <b>"]
    assert any(line.startswith("responders: ") for line in notes)


def test_what_is_refused_is_told_and_the_rest_is_used(tmp_path, monkeypatch):
    refused = Say({"errors": [f"Forbidden {SECRET}\nto you"]}, 403)
    monkeypatch.setenv("DD_API_KEY", SECRET)
    monkeypatch.setenv("DD_APP_KEY", "fedcba9876543210" * 2)
    todos = {"data": [row("incident_todos", "t", content="Restore", due_date=None, assignees=None)]}
    incident, notes = imported(
        tmp_path, monkeypatch, recorded(), impacts=refused, attachments=refused, todos=todos
    )
    assert [each["title"] for each in incident.values("actions")] == ["Restore"]
    told = [line for line in notes if "not given by Datadog" in line]
    assert [line.split(":")[0] for line in told] == ["impacts", "attachments"]
    assert all("HTTP 403" in line for line in told)
    assert SECRET not in "".join(notes)
    assert not any("\n" in line for line in notes)


def test_errors_beside_what_is_given_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("DD_API_KEY", SECRET)
    monkeypatch.setenv("DD_APP_KEY", "fedcba9876543210" * 2)
    errors = {"errors": [f"shard {SECRET} failed"]}
    todos = {"data": [row("incident_todos", "t", content="Restore")], **errors}
    incident, notes = imported(tmp_path, monkeypatch, recorded() | errors, todos=todos)
    assert [each["title"] for each in incident.values("actions")] == ["Restore"]
    said = "Datadog reports an error beside the rows: shard [key] failed"
    assert {f"incident: {said}", f"todos: {said}"} <= set(notes)


HOSTILE = "<script>alert(1)</script>\n# x | \u202e [a](javascript:alert(1)) \ud800"


def test_hostile_texts_stay_texts(tmp_path, monkeypatch):
    todos = {
        "data": [
            row("incident_todos", "t", content=HOSTILE, assignees=[HOSTILE, {"name": HOSTILE}, 7]),
            row("incident_todos", "u", content=["no text"], due_date="never", completed=[]),
            {"attributes": None},
            None,
        ]
    }
    answer = recorded(title=HOSTILE, customer_impact_scope=HOSTILE, public_id=HOSTILE)
    answer["data"]["attributes"]["fields"]["services"]["value"] = [HOSTILE, None, 3]
    incident, notes = imported(tmp_path, monkeypatch, answer, todos=todos)
    assert "<script>" in incident.value("title")
    body = incident.document().split("---\n", 2)[2]  # what stands before it is quoted YAML
    assert "<script>" not in body
    assert not any("\n" in line or "\u202e" in line for line in notes)


@pytest.mark.parametrize("name", ["get_the_details_of_an_incident", "list_incident_attachments"])
def test_real_recordings_are_read(tmp_path, monkeypatch, name):
    """The recordings where they are at hand, and always the shape that they have."""
    stored = RECORDED / f"v2-{name}.json"
    known = json.loads(stored.read_text("utf-8")) if stored.is_file() else []
    answers = [each["response"]["body"] for each in known if each["response"]["body"]]
    whole = next((a for a in answers if _is_incident(a)), recorded())
    lists = next((a for a in answers if isinstance(a, dict) and isinstance(a["data"], list)), {})
    whole["data"]["id"] = UUID
    incident, _ = imported(
        tmp_path, monkeypatch, whole, attachments=lists or {"data": []}, todos={"data": []}
    )
    assert incident.value("title") == whole["data"]["attributes"]["title"]
    assert incident.value("severity") is None
    assert incident.value("services") is None
    detected = whole["data"]["attributes"]["detected"]
    assert steps(incident)["Detection"]["time"] == datetime.fromisoformat(detected)


def _is_incident(answer):
    data = answer.get("data") if isinstance(answer, dict) else None
    return isinstance(data, dict) and data.get("type") == "incidents"


@pytest.mark.parametrize("uuid", ["", "../../x", "INC 1", "abc", "5c1f0a52-7d0e", "1" * 40])
def test_what_names_no_incident_is_refused(tmp_path, uuid):
    with pytest.raises(BadValue, match="UUID, number or address") as refused:
        from_datadog(uuid, "INC-1", tmp_path)
    assert "\n" not in str(refused.value)


def test_a_public_number_names_an_incident_too(tmp_path):
    incident, _ = from_datadog("4821", "INC-1", tmp_path)
    assert incident.value("title") == FACTS.title
    with pytest.raises(DatadogError, match="none has the number 4822"):
        from_datadog("4822", "INC-2", tmp_path)


def test_an_address_names_an_incident_too(tmp_path):
    link = f"https://app.datadoghq.com/incidents/{FACTS.incident_uuid}?section=overview"
    incident, _ = from_datadog(link, "INC-1", tmp_path)
    assert incident.value("title") == FACTS.title


@pytest.mark.parametrize("answer", [{"data": None}, {"data": []}, {"errors": ["no"]}, [], "<html>"])
def test_no_incident_is_an_error_and_no_folder(tmp_path, monkeypatch, answer):
    with pytest.raises(DatadogError, match="Datadog incident"):
        imported(tmp_path, monkeypatch, answer)
    assert not list(tmp_path.iterdir())


def test_an_unknown_incident_is_an_error_and_no_folder(tmp_path):
    with pytest.raises(DatadogError, match="HTTP 404"):
        from_datadog(UUID, "INC-1", tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_incident_that_is_there_is_not_touched(tmp_path):
    Incident.create("INC-1", tmp_path, title="The first")
    with pytest.raises(BundleError, match="already"):
        from_datadog(FACTS.incident_uuid, "INC-1", tmp_path)
    assert Incident.open(tmp_path / "INC-1").value("title") == "The first"
