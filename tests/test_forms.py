"""What a form describes, shows and writes, without a browser."""

import json
import re
import shutil
import threading
import time
from datetime import UTC, datetime
from functools import partial
from importlib import resources

import answers
import pytest
from IPython.core.events import EventManager, available_events

from postmortem_nb import (
    datadog,
    document,
    evidence,
    formdesk,
    forms,
    formtext,
    kinds,
    notebook,
    schema,
    sections,
)
from postmortem_nb.errors import BadValue
from postmortem_nb.formstate import Sheet, changes
from postmortem_nb.incident import Incident


@pytest.fixture
def incident(tmp_path):
    return Incident.create("INC-1", tmp_path)


@pytest.fixture
def form(incident):
    """Return the form of the action items, with what it says to windows in ``form.said``."""
    return listening(incident.form("Action Items"))


def listening(form):
    form.said = []
    form.send = form.said.append
    return form


def say(form, **message):
    """Let a window say something; returns the answer."""
    form._hear(form, {"s": 0, "c": "w1", **message}, [])
    return [said for said in form.said if said.get("c") == "w1"][-1]


def put(form, name, value, *, n=1, slot="w1.1", group=0, **more):
    message = {"table": "actions", "slot": slot, "group": group, "name": name, "value": value}
    return say(form, t="set", n=n, **(message | more))


def eventually(holds):
    """Wait until something holds: the desk looks at the incident on a thread of its own."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def described(title):
    template = schema.shipped()
    return sections.describe(template, template.section(title))


def flat(parts):
    for part in parts:
        if part["t"] == "part":
            yield from flat(part["parts"])
        else:
            yield part


# -- what a form describes -------------------------------------------------------------------------


def test_every_kind_has_an_input_and_no_input_lacks_a_kind():
    source = resources.files("postmortem_nb").joinpath("forms_inputs.js").read_text("utf-8")
    table = re.search(r"const CONTROLS = \{(.*?)\n\};", source, re.DOTALL)[1]
    assert set(re.findall(r"^  (\w+):", table, re.MULTILINE)) == set(kinds.KINDS)


def test_every_blank_of_the_template_is_in_exactly_one_place_of_its_form():
    template = schema.shipped()
    drawn = set()
    for section in template.sections:
        seen = []
        for part in flat(sections.describe(template, section)):
            table = part.get("table", "incident")
            seen += [(part.get("g"), table, field["n"]) for field in part["fields"]]
        assert len(seen) == len(set(seen)), section.title
        drawn |= {(table, name) for _, table, name in seen}
    assert drawn == {(blank.table, blank.name) for blank in template.blanks()}


def test_choices_are_stored_bare_and_shown_as_the_template_words_them():
    part = next(part for part in flat(described("Action Items")) if part["t"] == "rows")
    status = next(field for field in part["fields"] if field["n"] == "status")
    assert status["o"] == [
        ("Not Started", "⚪ Not Started"),
        ("In Progress", "🟡 In Progress"),
        ("Complete", "✅ Complete"),
    ]


def test_units_required_marks_and_derived_facts_are_said():
    fields = {f["n"]: f for p in flat(described("Incident Overview")) for f in p["fields"]}
    assert fields["slo_impact"]["u"] == "%"
    assert fields["revenue_loss"]["p"] == "$"
    assert fields["what_happened"]["q"] == "Review"
    assert "q" not in fields["failed_requests"]
    assert fields["duration"]["d"] is True


def test_only_the_steps_that_a_state_needs_are_marked():
    needed = {
        part["title"]: {field["n"] for field in part["fields"] if "q" in field}
        for part in flat(described("Timeline of Events"))
    }
    assert needed["Full Recovery"] == {"time"}
    assert needed["Escalation"] == set()


def test_a_team_s_own_template_gets_forms_without_code(tmp_path):
    own = tmp_path / "own.md"
    own.write_text(
        "# Ours\n\n## Weather\n\n- Sky: {choice sky = [Clear / Grey]}\n"
        "- Rain: {minutes rain = _____} minutes\n\n"
        "<!-- rows drops (size=big): 2 blank -->\n- {time time = _____}: {line what = _____}\n"
        "<!-- end -->\n"
    )
    incident = Incident.create("INC-2", tmp_path, template=own)
    form = listening(incident.form("Weather"))
    facts, rows = form.get_state()["state"]["sections"][0]["parts"]
    assert [(field["n"], field["k"]) for field in facts["fields"]] == [
        ("sky", "choice"),
        ("rain", "minutes"),
    ]
    assert rows["layout"] == "table"
    answer = put(form, "what", "one", table="drops")
    assert answer["t"] == "ack"
    (row,) = incident.values("drops")
    assert (row["size"], row["what"]) == ("big", "one")


def test_an_unknown_section_is_refused_in_one_line_with_near_ones(incident):
    with pytest.raises(BadValue, match="Timeline of Events") as caught:
        incident.form("Timeline of Evnts")
    assert "\n" not in str(caught.value)


# -- what a form writes ----------------------------------------------------------------------------


def test_a_blank_row_becomes_real_with_its_keys_and_its_preset(form, incident):
    answer = put(form, "title", "Write the runbook", group=1, preset="P2")
    (row,) = incident.values("actions")
    assert answer["t"] == "ack"
    assert answer["row"] == row["row"]
    assert (row["horizon"], row["priority"], row["title"]) == (
        "Short-term",
        "P2",
        "Write the runbook",
    )


@pytest.mark.parametrize(
    ("title", "table", "sent", "rows"),
    [
        ("Approvals", "approvals", [("Manager", "name", "Jo"), ("Manager", "date", "2026-3-9")], 1),
        ("Approvals", "approvals", [("Manager", "name", "Jo"), ("Manager", "role", "CTO")], 2),
        ("Approvals", "approvals", [(None, "name", "Jo"), (None, "name", "Al")], 2),
        ("Action Items", "actions", [("P2", "title", "Stop"), ("P2", "title", "Start")], 2),
    ],
)
def test_windows_that_sign_before_either_is_answered_write_one_row(
    title, table, sent, rows, incident
):
    """Before: “Manager” twice; what is no signature stays apart."""
    form = listening(incident.form(title))
    group = 1 if table == "actions" else 0
    for window, (preset, name, value) in enumerate(sent):
        where = {"group": group, "slot": f"w{window}.1", "preset": preset}
        assert put(form, name, value, n=window, table=table, **where)["t"] == "ack"
    assert len(incident.values(table)) == rows


def test_a_blank_row_above_one_that_is_filled_stays_above_it(incident):
    """Before: behind it, so the two changed places on the page, and “Manager” came first."""
    form = listening(incident.form("Approvals"))
    sent = {"table": "approvals", "preset": "Manager", "slot": "w1.3", "before": None}
    first = put(form, "name", "Lena", n=1, **sent)["row"]
    put(form, "name", "Jo", n=2, **sent | {"preset": "Author", "slot": "w1.1", "before": first})
    put(form, "name", "Al", n=3, **sent | {"preset": "On-call Lead", "slot": "w1.4", "before": "x"})
    rows = incident.values("approvals")
    assert [row["role"] for row in rows] == ["Author", "Manager", "On-call Lead"]


def test_two_quick_edits_of_a_blank_row_make_one_row(form, incident):
    put(form, "title", "one", n=1)
    put(form, "owner", "Ada", n=2)
    (row,) = incident.values("actions")
    assert (row["title"], row["owner"]) == ("one", "Ada")


def test_clearing_a_blank_row_makes_none(form, incident):
    assert put(form, "title", "")["t"] == "ack"
    assert incident.values("actions") == []


def test_an_edit_is_on_disk_when_it_is_acknowledged(form, incident):
    assert put(form, "title", "on disk")["t"] == "ack"
    assert Incident.open(incident.path).values("actions")[0]["title"] == "on disk"


def test_a_message_sent_twice_is_done_once(form, incident):
    first = put(form, "title", "one", slot="w1.1")
    again = put(form, "title", "one", slot="w1.9")
    assert again == first
    assert len(incident.values("actions")) == 1


def test_what_is_normalised_comes_back_with_the_acknowledgement(incident):
    form = listening(incident.form("Impact Analysis"))
    fact = {"table": "incident", "row": "incident"}
    assert say(form, t="set", n=1, name="revenue_loss", value="12.5k", **fact)["cell"] == "12,500"
    assert say(form, t="set", n=2, name="teams", value=["a", "b"], **fact)["cell"] == ["a", "b"]
    assert say(form, t="set", n=3, name="executives_involved", value="Yes", **fact)["cell"] == "Yes"


def test_a_value_that_does_not_fit_is_refused_and_the_old_one_stays(form, incident):
    put(form, "due", "2025-12-19")
    answer = put(form, "due", "soonish", n=2)
    assert answer["t"] == "refused"
    assert answer["message"] == "Expected a date, for example 2025-12-19 or now+7d; got 'soonish'"
    assert f"{incident.values('actions')[0]['due']}" == "2025-12-19"


def test_a_date_may_count_from_the_incident_and_comes_back_as_a_day(form, incident):
    incident.add("timeline", step="Incident Start", time="2025-12-07T10:00Z")
    told = put(form, "due", "+7d")["cell"]
    assert told["v"] == "2025-12-14"


def test_what_the_disk_refuses_is_said_to_be_unsaved_and_can_be_sent_again(form, incident):
    away = incident.path.with_name("elsewhere")
    shutil.move(incident.path, away)
    assert put(form, "title", "kept in the browser")["t"] == "unsaved"
    shutil.move(away, incident.path)
    assert put(form, "title", "kept in the browser", n=2)["t"] == "ack"
    assert incident.values("actions")[0]["title"] == "kept in the browser"


def test_rows_are_copied_moved_removed_and_restored(form, incident):
    for n, title in enumerate(("one", "two", "three")):
        put(form, "title", title, n=n, slot=f"w1.{n}")
    ids = [row["row"] for row in incident.values("actions")]

    def act(kind, row, n, **more):
        answer = say(form, t=kind, n=n, table="actions", row=row, group=0, **more)
        return [cells["title"] for _, cells in answer["rows"]]

    assert act("move", ids[2], 10, to=0) == ["three", "one", "two"]
    assert act("duplicate", ids[2], 11) == ["three", "three", "one", "two"]
    assert act("remove", ids[0], 12) == ["three", "three", "two"]
    assert act("restore", ids[0], 13) == ["three", "three", "one", "two"]


def test_a_row_removed_elsewhere_is_refused_not_a_traceback(form, incident):
    row = put(form, "title", "one")["row"]
    Incident.open(incident.path).remove("actions", row)
    answer = put(form, "title", "two", n=2, row=row)
    assert answer["t"] == "refused"
    for kind in ("duplicate", "move", "remove"):
        again = say(form, t=kind, n=3, table="actions", row=row, group=0, to=0)
        assert again["t"] == "refused"
        form.parts[0]._answers.clear()


def test_messages_nobody_knows_are_ignored(form):
    for message in (
        {"s": 0, "t": "nonsense"},
        {"s": 0},
        {"s": 1, "t": "hello"},
        {"t": "hello"},
        {},
    ):
        form._hear(form, message, [])
    assert form.said == []


# -- what a form shows -----------------------------------------------------------------------------


def test_the_title_stands_over_the_heading_as_one(incident):
    incident.set("title", "Checkout <errors>")
    page = incident.form("Incident Postmortem").finished.output()[0]["text/html"]
    title = re.search(
        r'<p class="pm-title" style="font-size:[^"]+"><strong>(.*?)</strong></p>', page
    )
    assert "Checkout &lt;errors&gt;" in title[1]
    assert title.end() < page.index("Incident Postmortem")


def test_times_are_shown_in_the_chosen_zone_and_echoed_in_utc(incident):
    incident.add("timeline", step="Incident Start", time="2025-12-04T14:02:00Z")
    row = incident.add("timeline", step="Detection", time="2025-12-04T14:19:40Z")
    sheet = Sheet(incident, incident.template.section("Timeline of Events"))
    sheet.choose("Europe/Warsaw")
    ((found, cells),) = sheet.rows(1)
    assert found == row
    assert cells["time"] == {
        "v": "2025-12-04 15:19:40",
        "e": "Thu 14:19:40 UTC · 15:19 CET · 17 min 40 s after start",
    }


def time_of(incident, form, row, value, n):
    """Type a time of a step into a form; returns the answer and what is stored."""
    place = {"table": "timeline", "row": row, "group": 0, "name": "time"}
    answer = say(form, t="set", n=n, value=value, **place)
    return answer, next(each["time"] for each in incident.values("timeline") if each["row"] == row)


def test_times_of_a_night_as_somebody_copies_them_from_a_clock(incident):
    incident.add("timeline", step="Incident Start", time="2026-11-23 22:10")
    row = incident.add("timeline", step="Detection")
    form = listening(incident.form("Timeline of Events"))
    answer, moment = time_of(incident, form, row, "00:10", 1)
    assert moment == datetime(2026, 11, 24, 0, 10, tzinfo=UTC)
    assert answer["cell"]["e"] == "Tue 00:10 UTC · 2 h after start"
    form.parts[0].sheet.choose("Asia/Kolkata")
    _, moment = time_of(incident, form, row, "04:10", 2)
    assert moment == datetime(2026, 11, 23, 22, 40, tzinfo=UTC)
    _, moment = time_of(incident, form, row, "now", 3)
    assert moment.microsecond == 0
    answer, _ = time_of(incident, form, row, "tea time", 4)
    assert answer["message"].startswith(
        "Expected a time (14:02, +15m, 2025-12-07 14:02, ISO 8601, "
    )


@pytest.mark.parametrize("zone", ["Nowhere/Town", "../../etc/passwd", "", "a\0b", "x" * 5000])
def test_an_unknown_zone_is_refused(incident, zone):
    sheet = Sheet(incident, incident.template.section("Timeline of Events"))
    with pytest.raises(BadValue, match="Europe/Berlin"):
        sheet.choose(zone)


def test_a_refused_zone_offers_the_one_that_is_called_so(incident):
    form = listening(incident.form("Timeline of Events"))
    asked = {"kolkata": "Asia/Kolkata", "new york": "America/New_York"}
    asked |= dict.fromkeys(("ist", "+02:00", "Mars/X", "<b>"), "Europe/Berlin")
    for n, (typed, near) in enumerate(asked.items()):
        assert say(form, t="zone", n=n, zone=typed)["message"] == (
            "Expected the name of a time zone (times stay in UTC), "
            f"for example {near}; got '{typed}'"
        )


def test_due_dates_say_in_words_how_far_off_they_are(incident):
    incident.add("actions", horizon="Immediate", title="one", due="2001-01-01")
    incident.add("actions", horizon="Immediate", title="two", due="2001-01-01", status="Complete")
    sheet = Sheet(incident, incident.template.section("Action Items"))
    (_, late), (_, done) = sheet.rows(0)
    assert re.fullmatch(r"overdue by \d+ days", late["due"]["e"])
    assert done["due"]["e"] == ""


def test_people_complete_from_wherever_the_incident_names_them(incident):
    incident.set("author", "Ada")
    incident.add("timeline", step="Acknowledgment", on_call="Grace")
    incident.set("services", ["checkout"])
    actions = incident.form("Action Items")
    assert actions.parts[0].values()["lists"] == {"people": ["Ada", "Grace"]}
    head = incident.form(incident.template.sections[0].title)
    assert head.parts[0].values()["lists"]["services"] == ["checkout"]
    incident.set("services", ["checkout", "cart"])
    assert head.parts[0].values()["lists"]["services"] == ["cart", "checkout"]


def test_derived_facts_have_a_definition_and_unknown_ones_a_reason(incident):
    sheet = Sheet(incident, incident.template.section("Incident Overview"))
    assert sheet.measures()["duration"]["value"] == "unknown"
    assert "no time for" in sheet.measures()["duration"]["help"]
    incident.add("timeline", step="Incident Start", time="2025-12-04T14:02:00Z")
    incident.add("timeline", step="Full Recovery", time="2025-12-04T16:09:00Z")
    assert sheet.measures()["duration"]["value"] == "2 hours 7 minutes"
    assert "first Incident Start, last Full Recovery" in sheet.measures()["duration"]["help"]


def test_only_what_changed_is_sent():
    old = {"facts": {"a": 1, "b": 2}, "groups": {0: [], 1: []}, "needed": "x"}
    new = {"facts": {"a": 1, "b": 3}, "groups": {0: [], 1: ["r"]}, "needed": "x"}
    assert changes(old, new) == {"facts": {"b": 3}, "groups": {1: ["r"]}}
    assert changes(new, new) == {}


def test_findings_stand_beside_their_blank_and_needs_in_one_line(incident):
    form = listening(incident.form("Incident Overview"))

    def told(name):
        """Return what the windows were told last of this, once the desk has looked."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            news = [said["values"][name] for said in form.said if name in said.get("values", {})]
            if news:
                form.said.clear()
                return news[-1]
            time.sleep(0.02)
        raise AssertionError(form.said)

    assert told("needed").startswith("needed for Review: Severity, What happened")
    assert form.parts[0].values()["findings"] == []
    incident.set("state", "Review")
    places = [each["at"] for each in told("findings")]
    form.close()
    assert ("incident", "incident", "what_happened") in places
    assert ("actions", "", "title") not in places


def test_an_action_is_not_named_again_in_its_own_row_and_more_findings_are_counted(incident):
    row = incident.add("actions", horizon="Immediate", priority="P0", title="Be careful: look")
    incident.set("what_happened", "We should have checked. Ben carelessly deployed it.")
    told = {}
    for title in ("Action Items", "Incident Overview"):
        form = listening(incident.form(title))
        eventually(form.parts[0].desk.findings)
        told |= {each["at"]: each["message"] for each in form.parts[0].values()["findings"]}
        form.close()
    assert told["actions", row, "owner"].startswith("No owner. Name one person")
    assert told["incident", "incident", "what_happened"].endswith(" (1 more behind it)")


def test_other_kernels_edits_reach_the_windows(form, incident):
    say(form, t="hello")
    Incident.open(incident.path).add("actions", horizon="Immediate", title="from elsewhere")
    eventually(lambda: "from elsewhere" in str(form.said))
    form.close()


def test_edits_from_many_threads_are_all_there(form, incident):
    def type_some(window):
        for n in range(20):
            message = {"s": 0, "t": "set", "n": n, "c": window, "table": "actions", "group": 0}
            form._hear(form, {**message, "slot": window, "name": "title", "value": f"{n}"}, [])

    threads = [threading.Thread(target=type_some, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row["title"] for row in incident.values("actions")] == ["19"] * 8
    assert len([answer for answer in form.said if answer["t"] == "ack"]) == 160


def test_at_most_a_few_forms_of_a_section_stay_open(incident):
    made = [incident.form("Approvals") for _ in range(formdesk.FORMS + 2)]
    assert [form.is_open() for form in made] == [False] * 2 + [True] * formdesk.FORMS


def test_the_front_end_travels_once_and_forms_stay_small(incident):
    answers.fill(incident)
    made = [incident.form(section.title) for section in incident.template.sections]
    assert len({form.front for form in made}) == 1
    joined = forms._joined()
    assert re.findall(r"^(?:import|export) .*", joined, re.MULTILINE) == [
        "export default { initialize };"
    ]
    assert "innerHTML" not in joined
    assert max(len(form._esm) for form in made) < 1000
    sent = sum(len(json.dumps(form.get_state()["state"])) for form in made)
    assert sent + len(joined) + len(forms._style()) < 126_000


def test_the_text_is_an_output_of_its_own_without_the_form(incident):
    finished = incident.form("Incident Overview").finished
    data, metadata = finished.output()
    assert "Nothing is filled in yet." in data["text/html"]
    incident.set("what_happened", "a <b> & $5 and $6\nsecond line")
    data, again = finished.output()
    assert "a &lt;b&gt; &amp; $5 and $6" in data["text/html"]
    assert "tex2jax_ignore mathjax_ignore" in data["text/html"]
    assert "What happened" in data["text/plain"]
    assert metadata["postmortem"]["text"] != again["postmortem"]["text"]


@pytest.mark.parametrize(
    ("title", "called"), [("Approvals", ["Role"]), ("Lessons Learned", ["Takeaway", "Step"])]
)
def test_a_row_that_the_template_names_is_called_by_that_name(incident, title, called):
    """Before: “Add another: Name”, for an approval."""
    (state,) = incident.form(title).get_state()["state"]["sections"]
    found = re.findall(r'"t": "rows".*?"title": "(.*?)"', json.dumps(state))
    assert set(called) <= set(found), found


@pytest.mark.parametrize("title", ["Impact Analysis", "Supporting Data", None])
def test_the_text_leaves_questions_to_their_own_cells(incident, title):
    """Before: each stood in it too, with ``{{SERVICE}}`` as if it were unfilled."""
    incident.set("affected_total", 12)
    incident.set("key_logs", "pool exhausted")
    data, _ = incident.form(title).finished.output()
    for shown in data.values():
        assert "{{" not in shown
        assert "Query " not in shown
    assert "pool exhausted" in data["text/html"] or title == "Impact Analysis"


@pytest.fixture
def outputs(monkeypatch):
    """Return what is shown and renewed."""
    shown = []
    monkeypatch.setattr(formtext, "show", lambda data, **more: shown.append((data, more)))
    return shown


class Kernel:
    """An IPython of which a test says what it handles: a cell, or a message beside it."""

    def __init__(self):
        self.events = EventManager(self, available_events)
        self.parent_header = {}

    def handle(self, request, act=lambda: None, *, kind="execute_request"):
        """Handle one request on this thread, as ipykernel does, and tell its end."""
        around, self.parent_header = self.parent_header, {"header": _header(request, kind)}
        act()
        self.events.trigger("post_execute")
        self.parent_header = around


def _header(request, kind):
    return {"msg_id": request, "msg_type": kind}


@pytest.fixture
def kernel(monkeypatch):
    """Return the kernel in which forms are shown."""
    made = Kernel()
    monkeypatch.setattr(formtext, "get_ipython", lambda: made)
    return made


def test_a_window_s_message_beside_the_cell_leaves_the_text_to_the_cell(
    incident, kernel, monkeypatch
):
    told = []
    monkeypatch.setattr(
        formtext,
        "show",
        lambda _data, *, metadata, **_: told.append((kernel.parent_header, metadata["postmortem"])),
    )

    def cell():
        incident.form("Approvals")._ipython_display_()
        kernel.handle("heard", kind="comm_msg")  # on a subshell's thread, until the cell ends

    kernel.handle("cell", cell)
    parents = [(parent["header"]["msg_id"], "text" in facts) for parent, facts in told]
    assert parents == [("cell", False), ("cell", True)]
    kernel.handle("heard again", kind="comm_msg")
    kernel.handle("next cell")
    assert len(told) == 2


def test_two_cells_that_run_beside_each_other_hold_each_its_own_text(incident, kernel, outputs):
    def outer():
        incident.form("Approvals")._ipython_display_()
        kernel.handle("other", incident.form("Action Items")._ipython_display_)

    kernel.handle("cell", outer)
    shown = [more["metadata"]["postmortem"] for _, more in outputs]
    assert [facts["section"] for facts in shown if "text" in facts] == ["Action Items", "Approvals"]


def test_the_text_of_all_sections_waits_until_the_form_is_drawn(
    incident, kernel, outputs, monkeypatch
):
    monkeypatch.setattr(formtext, "_UNHEARD", threading.Event())
    form = incident.form()
    seen = []

    def draw():
        seen.append(len(outputs))
        form._hear(form, {"t": "drawn"}, None)

    threading.Timer(0.05, draw).start()
    kernel.handle("cell", lambda: formtext.below(form.finished))
    assert seen == [0]  # nothing was shown before
    assert ["INC-1" in data["text/plain"] for data, _ in outputs] == [True]
    assert not formtext._UNHEARD.is_set()


def test_nobody_is_waited_for_twice_and_never_for_one_section(
    incident, kernel, outputs, monkeypatch
):
    monkeypatch.setattr(formtext, "_UNHEARD", threading.Event())
    monkeypatch.setattr(formtext, "PATIENCE", 0.01)
    asked = []

    class Never:
        def wait(self, timeout):
            asked.append((title, timeout))
            return False

    for title in ("Approvals", None, None):
        finished = incident.form(title).finished
        finished.drawn = Never()
        kernel.handle("cell", partial(formtext.below, finished))
    ((title, timeout),) = asked
    assert title is None
    assert 0 < timeout <= 0.01
    assert len(outputs) == 3


def test_an_edit_of_another_section_renders_no_text_anew(incident, monkeypatch, outputs):
    form = incident.form("Incident Overview")
    form._ipython_display_()
    assert len(outputs) == 2
    rendered = []
    both = document.both
    monkeypatch.setattr(document, "both", lambda *a: rendered.append(a) or both(*a))
    incident.set("technical_cause", "The pool was too small.")
    form.push()
    assert rendered == []
    incident.set("what_happened", "The pool ran dry.")
    form.push()
    assert len(rendered) >= 1
    assert "The pool ran dry." in outputs[-1][0]["text/plain"]


def test_a_cell_shows_its_forms_first_and_holds_their_texts_when_it_has_ended(incident):
    incident.set("what_happened", "The pool ran dry.")
    code = (
        f"from postmortem_nb import Incident\nincident = Incident.open({str(incident.path)!r})\n"
        "display(incident.form('Incident Overview'))\n"
        "incident.set('what_happened', 'The pool ran dry again.')\n"
        "incident.form('Approvals')"
    )
    again = "incident.form('Approvals')"
    path = incident.path / "two.ipynb"
    cells = [
        {"cell_type": "code", "id": name, "metadata": {}, "source": source, "outputs": []}
        | {"execution_count": None}
        for name, source in (("a", code), ("b", again))
    ]
    notebook.save(path, {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    notebook.execute(path)
    first, second = (cell["outputs"] for cell in json.loads(path.read_text())["cells"])
    told = [each["metadata"].get("postmortem", {}).get("section") for each in first]
    assert told == [None, None, "Incident Overview", "Approvals"]
    assert [forms.VIEW in each["data"] for each in first] == [True, True, False, False]
    assert "The pool ran dry again." in "".join(first[2]["data"]["text/html"])
    assert [forms.VIEW in each["data"] for each in second] == [True, False]


# -- one form of all sections ----------------------------------------------------------------------


def test_one_form_shows_all_sections_and_says_which_one_a_message_is_of(incident):
    form = listening(incident.form())
    titles = [section.title for section in incident.template.sections]
    assert [part["title"] for part in form.get_state()["state"]["sections"]] == titles
    place = titles.index("Action Items")
    put(form, "title", "Write the runbook", s=place)
    (answer,) = [said for said in form.said if said["t"] == "ack"]
    assert answer["s"] == place
    assert [row["title"] for row in incident.values("actions")] == ["Write the runbook"]
    incident.set("what_happened", "The pool ran dry.")
    form.follow()
    news = [said["s"] for said in form.said if "what_happened" in str(said.get("values"))]
    assert news == [titles.index("Incident Overview")]
    form.close()


def test_its_text_is_the_whole_document_under_its_titles(incident, outputs):
    incident.set("what_happened", "The pool ran dry.")
    form = incident.form()
    form._ipython_display_()
    (_, shown), (data, more) = outputs
    assert shown["metadata"]["postmortem"] == {"form": ""}
    assert data["text/plain"] == incident.document().strip()
    assert "<h2" in data["text/html"]
    assert data["text/html"].count("pm-hint") == 1
    assert more["metadata"]["postmortem"]["section"] == ""
    incident.set("technical_cause", "The pool was too small.")
    form.push()
    assert "The pool was too small." in outputs[-1][0]["text/plain"]
    assert outputs[-1][1]["display_id"] == more["display_id"]


def test_a_window_is_told_that_the_text_changed_and_gets_it_when_it_asks(incident, outputs):
    form = listening(incident.form())
    form._ipython_display_()
    incident.set("technical_cause", "The pool was too small.")
    form.push()
    told = [said["text"] for said in form.said if said["t"] == "text"]
    assert told == [outputs[-1][1]["metadata"]["postmortem"]["text"]]
    form._hear(form, {"t": "text", "c": "w2"}, [])
    answer = form.said[-1]
    assert (answer["c"], answer["data"]) == ("w2", outputs[-1][0])


# -- steps from the evidence -----------------------------------------------------------------------


@pytest.fixture
def timeline(tmp_path):
    """Return the timeline's form of an incident that has an alert and a deployment frozen."""
    start, end = "2025-12-04T14:02Z", "2025-12-04T16:09Z"
    incident = Incident.create("INC-1", tmp_path, services=["checkout"], start=start, end=end)
    asked = datadog.search_datadog_events("service:checkout", "2025-12-04T12:02Z", end)
    evidence.freeze(incident.path / "evidence", "events", asked, asked.attrs["evidence"])
    form = listening(incident.form("Timeline of Events"))
    eventually(form.parts[0].desk.answers)
    yield form
    form.close()


def test_the_timeline_s_form_offers_what_the_evidence_holds(timeline):
    values = timeline.parts[0].values()
    assert values["answers"] == [("events", "events")]
    told = {(step["step"], step["says"]) for step in values["steps"]}
    assert ("Key Discovery", "Deploy of checkout v2.48.0 finished") in told
    assert any(step == "Detection" and says.startswith("[Triggered]") for step, says in told)
    assert "steps" not in timeline.incident.form("Action Items").parts[0].values()


def test_an_offered_step_is_taken_with_its_evidence_and_offered_no_more(timeline):
    wanted = next(
        step for step in timeline.parts[0].values()["steps"] if "finished" in step["says"]
    )
    answer = say(timeline, t="take", n=1, answer=wanted["answer"], row=wanted["row"])
    assert answer["t"] == "ack"
    rows = timeline.incident.values("timeline")
    (row,) = [each for each in rows if each["step"] == "Key Discovery"]
    assert row["finding"] == wanted["says"]
    assert row["evidence"].startswith("events (")
    eventually(lambda: wanted not in timeline.parts[0].values()["steps"])


def test_rows_are_found_by_their_words(timeline):
    told = say(timeline, t="search", answer="events", words="rollback 15:3")
    assert told["t"] == "found"
    assert [step["says"] for step in told["steps"]] == ["Rollback of checkout to v2.47.3 finished"]
    assert (told["of"], told["zone"]) == (1, "UTC")
    missing = say(timeline, t="search", answer="../../etc/passwd", words="")
    assert (missing["steps"], len(missing["message"].splitlines())) == ([], 1)


def test_rows_are_found_at_the_times_that_the_form_shows(timeline):
    say(timeline, t="zone", zone="Europe/Berlin")
    told = say(timeline, t="search", answer="events", words="15:19")
    assert told["zone"] == "Europe/Berlin"
    assert {step["time"][11:16] for step in told["steps"]} == {"15:19"}


def test_a_row_that_the_timeline_has_is_not_added_twice(timeline):
    told = say(timeline, t="search", answer="events", words="rollback 15:3")
    (step,) = told["steps"]
    assert say(timeline, t="take", n=1, answer="events", row=step["row"])["t"] == "ack"
    again = say(timeline, t="take", n=2, answer="events", row=step["row"])
    assert (again["t"], "already" in again["message"]) == ("refused", True)
    assert set(step["ways"]) & set(timeline.parts[0].values()["held"])


@pytest.mark.parametrize(("answer", "row"), [("events", 9999), ("nothing", 0), ("../x", 0)])
def test_a_row_that_is_gone_is_refused_and_nothing_is_written(timeline, answer, row):
    before = timeline.incident.values("timeline")
    assert say(timeline, t="take", n=1, answer=answer, row=row)["t"] == "refused"
    assert timeline.incident.values("timeline") == before


def test_an_answer_frozen_later_is_offered_a_moment_later(timeline):
    events = evidence.thaw(timeline.incident.path / "evidence", "events")
    evidence.freeze(timeline.incident.path / "evidence", "more", events, events.attrs["evidence"])
    eventually(lambda: timeline.parts[0].desk.answers() == ["events", "more"])


def test_blanks_stand_under_the_captions_of_the_template():
    def captions(title):
        parts = flat(described(title))
        return {
            part["caption"]: part["fields"][0]["n"]
            for part in parts
            if part["t"] == "fields" and "caption" in part
        }

    assert captions("Impact Analysis") == {
        "Metrics": "affected_total",
        "Revenue": "revenue_loss",
        "SLO Impact": "slo_target",
        "Customer Satisfaction": "tickets",
    }
    assert captions("Communication Log") == {"Customer Communication": "email_sent"}
    assert captions("Incident Overview") == {}


def test_what_is_needed_is_called_by_its_row_or_else_by_its_blank(incident):
    form = incident.form("Action Items")
    eventually(form.parts[0].desk.findings)
    assert form.parts[0].values()["needed"] == "needed for Review: Action"
    first = incident.form("Incident Postmortem").parts[0].values()["needed"]
    assert first == (
        "needed for Review: Date, Author, Severity and 1 more · in other sections: "
        "Incident Overview 4, Timeline of Events 5, Root Cause Analysis 3, "
        "Contributing Factors 1, Action Items 1"
    )
    timeline = incident.form("Timeline of Events")
    assert (
        timeline.parts[0]
        .values()["needed"]
        .startswith("needed for Review: Incident Start, Detection")
    )


def test_a_template_without_a_step_does_not_need_it(tmp_path):
    own = tmp_path / "own.md"
    own.write_text(
        "# Ours\n\n## Story\n\n<!-- rows timeline (step=Detection): 1 blank grows -->\n"
        "- {time time = _____}: {line finding = _____}\n<!-- end -->\n"
    )
    incident = Incident.create("INC-2", tmp_path, template=own)
    needed = set(incident.check().query("code == 'blank'")["where"])
    assert needed == {"Story › Detection › Time"}
