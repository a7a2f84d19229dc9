"""The document as a Datadog notebook: one, whole, up to date, and nothing of others lost."""

import json
import shutil
import urllib.request
from datetime import datetime

import filled
import pytest
from lying import Lying, Say

from postmortem_nb import evidence, notebook, publish
from postmortem_nb.datadog import calls
from postmortem_nb.errors import DatadogError, PostmortemError
from postmortem_nb.incident import Incident
from postmortem_nb.sandbox.scenario import FACTS
from postmortem_nb.sandbox.server import Server

POST, PUT = ("POST", "/api/v1/notebooks"), "PUT"
KEY = "AKIAQ7" + "3MZXN4PLW6TBHD"  # shaped like an access key, parted so that no scanner reports it
IN_SANDBOX = "that is the sandbox, not a Datadog account: the page is there while the sandbox runs"
LINK = f"https://app.datadoghq.com/incidents/{FACTS.incident_uuid}"


@pytest.fixture
def server(monkeypatch):
    """Return a sandbox of this test's own."""
    started = Server()
    monkeypatch.setenv("POSTMORTEM_DATADOG_URL", started.url)
    yield started
    started.close()


@pytest.fixture
def incident(tmp_path):
    made = Incident.create(
        "INC-4821",
        tmp_path,
        title="Checkout failures",
        services=["checkout"],
        start="2025-12-04 14:02Z",
        end="2025-12-04 16:09Z",
    )
    made.set("problem", "Checkouts failed | with *pool* timeouts")
    return made


def freeze(incident, *names):
    """Ask the template's questions and freeze their answers."""
    for query in incident.template.queries():
        if query.name in names:
            frame = calls.ask(calls.fill(calls.parse(query.call), incident.variables()))
            record = frame.attrs["evidence"]
            evidence.freeze(incident.path / "evidence", query.name, frame, record)


def only(server):
    """Return the attributes of the one notebook there is."""
    (found,) = server.shelf.notebooks.values()
    return found["attributes"]


def texts(attributes):
    cells = [cell["attributes"]["definition"] for cell in attributes["cells"]]
    return "\n\n".join(cell["text"] for cell in cells if cell["type"] == "markdown")


def kinds(attributes):
    return [cell["attributes"]["definition"]["type"] for cell in attributes["cells"]]


def test_the_document_is_archived(server, incident):
    said = []
    freeze(incident, "metrics", "logs", "impact", "events")
    url = publish.publish(incident, told=said.append)
    (number,) = server.shelf.notebooks
    assert url == f"{server.url}/notebook/{number}"
    assert said == [f"made {url}", IN_SANDBOX]
    found = only(server)
    assert found["name"] == "INC-4821: Checkout failures"
    assert found["metadata"]["type"] == "postmortem"
    moments = [datetime.fromisoformat(found["time"][name]) for name in ("start", "end")]
    assert [f"{moment:%H:%M}" for moment in moments] == ["13:02", "17:09"]
    assert found["time"]["live"] is False
    assert "## Root Cause Analysis (5 Whys)" in texts(found)
    assert r"Checkouts failed \| with \*pool\* timeouts" in texts(found)
    assert "title: " not in texts(found)


def test_the_sandbox_s_address_answers_a_browser_with_the_text(server, incident):
    incident.set("title", "<b>Checkout</b>")
    incident.set("problem", "<script>alert(1)</script>")
    with urllib.request.urlopen(publish.publish(incident)) as answer:  # noqa: S310
        shown, kind = answer.read().decode(), answer.headers["Content-Type"]
    assert kind == "text/html; charset=utf-8"
    assert "<h1>INC-4821: &lt;b&gt;Checkout" in shown
    assert "## Root Cause Analysis (5 Whys)" in shown
    assert "The sandbox, not a Datadog account" in shown
    assert "<script" not in shown


def test_a_sandbox_that_ends_with_the_command_is_told_of(incident, monkeypatch):
    monkeypatch.delenv("POSTMORTEM_DATADOG_URL", raising=False)
    said = []
    publish.publish(incident, told=said.append)
    (line,) = [line for line in said if "sandbox" in line]
    for word in ("not a Datadog account", "gone when this process ends", "POSTMORTEM_DATADOG_URL="):
        assert word in line


def test_questions_are_cells_that_datadog_asks_itself(server, incident):
    freeze(incident, "metrics", "logs", "impact", "events")
    publish.publish(incident)
    cells = [cell["attributes"] for cell in only(server)["cells"]]
    native = {c["definition"]["type"]: c for c in cells if c["definition"]["type"] != "markdown"}
    assert kinds(only(server)).count("timeseries") == 1
    assert kinds(only(server)).count("log_stream") == 2
    queries = [request["q"] for request in native["timeseries"]["definition"]["requests"]]
    assert queries == [
        "avg:trace.checkout.request.duration{*}",
        "sum:trace.checkout.request.errors{*}.as_rate()",
    ]
    start = datetime.fromisoformat(native["timeseries"]["time"]["start"])
    assert f"{start:%Y-%m-%d %H:%M}" == "2025-12-04 13:02"
    assert native["log_stream"]["definition"]["query"] == 'service:"checkout" status:error'
    # each stands behind its question and before where it comes from
    place = kinds(only(server)).index("timeseries")
    assert "get_datadog_metric(" in cells[place - 1]["definition"]["text"]
    assert "rows" in cells[place + 1]["definition"]["text"]
    assert "the sandbox" in texts(only(server))
    assert "| timestamp | title |" in texts(only(server))


def test_a_question_that_is_not_frozen_is_a_live_cell_when_it_can_be_asked(server, incident):
    publish.publish(incident)
    assert "timeseries" in kinds(only(server))
    incident.set("services", None)
    publish.publish(incident)
    assert set(kinds(only(server))) == {"markdown"}


def test_a_second_time_updates_the_same_notebook(server, incident):
    first = publish.publish(incident)
    incident.set("problem", "Another text")
    said = []
    assert publish.publish(incident, told=said.append) == first
    assert said == [f"updated {first}", IN_SANDBOX]
    assert "Another text" in texts(only(server))
    assert "Checkouts failed" not in texts(only(server))
    assert server.asked.count(POST) == 1


def test_every_value_is_archived(server, incident):
    shown = filled.fill(incident)
    publish.publish(incident)
    said = texts(only(server))
    missing = [value for value in shown if value not in said and value[:40] not in said]
    assert not [value for value in missing if "title" not in value]


def test_an_author_s_own_cells_stand_in_their_places(server, incident):
    path = notebook.write(incident)
    stored = json.loads(path.read_text("utf-8"))
    own = {"cell_type": "markdown", "id": "own", "metadata": {}, "source": "My <b>own</b> words"}
    stored["cells"].insert(-2, own)
    path.write_text(json.dumps(stored), "utf-8")
    publish.publish(incident)
    assert "My &lt;b>own&lt;/b> words" in texts(only(server))


def test_secrets_are_masked_before_anything_is_sent(server, incident):
    said = []
    incident.set("title", f"Key {KEY} leaked")
    incident.set("problem", f"it was {KEY}")
    publish.publish(incident, told=said.append)
    sent = json.dumps(only(server))
    assert KEY not in sent
    assert "[masked:" in sent
    assert any(line.startswith("masked: ") for line in said)
    assert KEY not in "".join(said)
    assert KEY not in (incident.path / publish.FILE).read_text("utf-8")


@pytest.mark.parametrize("title", ["x" * 300, "🔥" * 100, "a\nb\tc\u202e", "", None])
def test_a_name_fits_whatever_the_title(server, incident, title):
    incident.set("title", title)
    publish.publish(incident)
    name = only(server)["name"]
    assert 0 < len(name) <= 80
    assert name.startswith("INC-4821: ")
    assert name.isprintable()


def test_without_times_the_notebook_shows_the_last_week(server, tmp_path):
    publish.publish(Incident.create("INC-1", tmp_path))
    assert only(server)["time"] == {"live_span": "1w"}


# -- one notebook, whatever happens ----------------------------------------------------------------


@pytest.mark.parametrize("fault", ["cut", "503", "html"])
def test_a_create_whose_answer_was_lost_is_found_again(server, incident, fault):
    sent = []

    def strike(line):
        sent.append(line)

    server.misbehave("none", fault)  # the search before it is answered
    url = publish.publish(incident, told=strike)
    assert len(server.shelf.notebooks) == 1
    assert server.asked.count(POST) == 1
    assert publish.publish(incident) == url
    assert len(server.shelf.notebooks) == 1


def test_a_create_is_sent_once_and_looked_for_before_another(incident, monkeypatch):
    made = []

    def answer(heard):
        if heard.method == "POST":
            made.append(heard.json)
            return Say(reset=True)
        return Say({"data": []})

    with Lying(answer) as lying:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", lying.url)
        with pytest.raises(DatadogError, match="whether a notebook was made is not known"):
            publish.publish(incident)
        assert len(made) == 1
        assert [heard.method for heard in lying.heard] == ["GET", "POST", "GET"]
    assert not (incident.path / publish.FILE).exists()


def test_a_bundle_checked_out_elsewhere_finds_its_notebook(server, incident):
    url = publish.publish(incident)
    (incident.path / publish.FILE).unlink()
    assert publish.publish(incident) == url
    assert server.asked.count(POST) == 1


def test_a_copy_for_another_incident_has_a_notebook_of_its_own(server, incident, tmp_path):
    publish.publish(incident)
    other = Incident.open(shutil.copytree(incident.path, tmp_path / "INC-2"))
    other.set("incident_id", "INC-2")
    publish.publish(other)
    assert len(server.shelf.notebooks) == 2


def test_a_notebook_that_was_deleted_is_made_anew(server, incident):
    publish.publish(incident)
    server.shelf.notebooks.clear()
    said = []
    publish.publish(incident, told=said.append)
    assert said[0].startswith("made anew")
    assert len(server.shelf.notebooks) == 1


def test_cells_that_people_added_stay(server, incident):
    publish.publish(incident)
    theirs = {"definition": {"type": "markdown", "text": "A comment of the team"}}
    added = {"type": "notebook_cells", "id": "theirs", "attributes": theirs}
    only(server)["cells"].insert(1, added)
    publish.publish(incident)
    publish.publish(incident)
    assert texts(only(server)).count("A comment of the team") == 1
    assert texts(only(server)).count("## Incident Overview") <= 1


def lying_notebook(cells, puts):
    """Return a server's script with one notebook of these cells; ``puts`` are answers to PUT."""
    answers = iter(puts)
    last = puts[-1]

    def answer(heard):
        if heard.method == "PUT":
            return next(answers, last)
        if heard.method == "POST":
            return Say({"data": {"type": "notebooks", "id": 7, "attributes": {"cells": cells}}})
        if heard.path.startswith("/api/v1/notebooks/"):
            return Say({"data": {"id": 7, "attributes": {"cells": cells}}})
        return Say({"data": []})

    return answer


UNKNOWN = {
    "type": "notebook_cells",
    "id": "later",
    "attributes": {"definition": {"type": "query_table", "requests": [{"x": None}]}},
}
DONE = Say({"data": {"id": 7, "attributes": {"cells": []}}})


def test_unknown_cells_go_back_as_they_came(incident, monkeypatch):
    with Lying(lying_notebook([UNKNOWN, "no cell"], [DONE])) as lying:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", lying.url)
        publish.publish(incident)
        kept = json.loads((incident.path / publish.FILE).read_text("utf-8"))
        (entry,) = kept["notebooks"].values()
        entry["cells"] = ["ours"]
        (incident.path / publish.FILE).write_text(json.dumps(kept), "utf-8")
        publish.publish(incident)
        sent = lying.heard[-1].json["data"]["attributes"]["cells"]
    assert sent[-1] == UNKNOWN


def test_a_conflict_is_read_again_and_tried_once_more(incident, monkeypatch):
    conflict = Say({"errors": ["Conflict"]}, 409)
    with Lying(lying_notebook([], [conflict, DONE])) as lying:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", lying.url)
        publish.publish(incident)
        publish.publish(incident)
        methods = [heard.method for heard in lying.heard]
    assert methods == ["GET", "POST", "GET", "PUT", "GET", "PUT"]


def test_a_conflict_that_stays_is_said(incident, monkeypatch):
    conflict = Say({"errors": ["Conflict"]}, 409)
    with Lying(lying_notebook([], [conflict])) as lying:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", lying.url)
        publish.publish(incident)
        with pytest.raises(DatadogError, match="somebody is editing this notebook"):
            publish.publish(incident)


# -- the Datadog incident --------------------------------------------------------------------------


def test_it_is_attached_once_to_the_linked_incident(server, incident):
    incident.set("datadog_link", LINK)
    said = []
    url = publish.publish(incident, told=said.append)
    publish.publish(incident, told=said.append)
    (attached,) = server.shelf.attachments
    assert attached["attributes"]["attachment"] == {
        "title": "INC-4821: Checkout failures",
        "documentUrl": url,
    }
    assert attached["attributes"]["attachment_type"] == "postmortem"
    assert [line for line in said if "attached" in line] == [
        f"attached to the Datadog incident {FACTS.incident_uuid}",
        f"attached to the Datadog incident {FACTS.incident_uuid} already",
    ]


@pytest.mark.parametrize(
    "link", ["https://app.datadoghq.com/incidents/99", LINK.replace("5c", "6c")]
)
def test_an_incident_that_cannot_be_attached_to_is_a_warning(server, incident, link):
    incident.set("datadog_link", link)
    said = []
    publish.publish(incident, told=said.append)
    assert said[-1].startswith("not attached to the Datadog incident")
    assert "HTTP 404" in said[-1] or "none has the number 99" in said[-1]
    assert len(server.shelf.notebooks) == 1


@pytest.mark.parametrize("link", ["see the wiki", "https://example.com/x", "javascript:alert(1)"])
def test_a_link_to_something_else_attaches_nothing(server, incident, link):
    incident.set("datadog_link", link)
    publish.publish(incident)
    assert not server.shelf.attachments


# -- failures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "said"), [(401, "revoked"), (403, "notebooks_read")])
def test_a_refusal_names_what_to_do_and_no_key(incident, monkeypatch, status, said):
    monkeypatch.setenv("DD_API_KEY", "0123456789abcdef" * 2)
    monkeypatch.setenv("DD_APP_KEY", "fedcba9876543210" * 2)
    with Lying([Say({"errors": ["key 0123456789abcdef0123456789abcdef"]}, status)]) as lying:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", lying.url)
        with pytest.raises(DatadogError, match=said) as refused:
            publish.publish(incident)
    assert "0123456789abcdef" not in str(refused.value)
    assert "INC-4821" in str(refused.value)


@pytest.mark.parametrize("broken", ["{", "[]", '{"notebooks": []}', '{"notebooks": {"x": 1}}'])
def test_a_damaged_file_beside_the_bundle_is_no_obstacle(server, incident, broken):
    url = publish.publish(incident)
    (incident.path / publish.FILE).write_text(broken, "utf-8")
    assert publish.publish(incident) == url


def test_a_full_disk_is_one_line_and_no_second_notebook(server, incident, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.replace", full)
        with pytest.raises(PostmortemError, match="No space left") as refused:
            publish.publish(incident)
    assert "\n" not in str(refused.value)
    publish.publish(incident)
    assert len(server.shelf.notebooks) == 1
