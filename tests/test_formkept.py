"""What became of the edits that a browser kept, as the kernel tells the next form."""

import json
import shutil
import time

import pytest

from postmortem_nb import writers
from postmortem_nb.formkept import judged
from postmortem_nb.formstate import Sheet
from postmortem_nb.incident import Incident


@pytest.fixture
def incident(tmp_path):
    return Incident.create("INC-1", tmp_path)


def sheet(incident, title="Incident Overview"):
    return Sheet(incident, incident.template.section(title))


def kept(value, name="failed_requests", *, table="incident", row="incident", **more):
    return {"id": "", "table": table, "row": row, "name": name, "value": value, **more}


def written(incident, value, *, via="w1.1"):
    with writers.via(via):
        incident.set("failed_requests", value)


def test_an_edit_that_reached_the_log_is_done_whatever_was_written_since(incident):
    written(incident, 1111)
    incident.set("failed_requests", 3333)
    edit = kept("1111", id="w1.1")
    assert judged(sheet(incident), [edit]) == [{"done": True, "row": "incident"}]
    again = Incident.open(incident.path)  # another kernel, long after
    assert judged(sheet(again), [edit]) == [{"done": True, "row": "incident"}]


def test_the_log_names_the_message_only_where_there_was_one(incident):
    written(incident, 1111, via="w1.7")
    incident.set("failed_requests", 3333)
    *_, first, last = map(json.loads, (incident.path / "incident.jsonl").read_text().splitlines())
    assert first["via"] == "w1.7"
    assert "via" not in last
    assert not [problem for problem in incident.problems if "line" in problem]


@pytest.mark.parametrize(
    ("name", "typed", "stands"),
    [
        ("failed_requests", "1111", 1111),
        ("failed_requests", "12.5k", 12500),
        ("services", ["a", "b"], ["a", "b"]),
        ("what_happened", "The pool ran dry. ", "The pool ran dry. "),
    ],
)
def test_an_edit_whose_value_stands_is_done_however_it_was_typed(incident, name, typed, stands):
    incident.set(name, stands)
    (found,) = judged(sheet(incident), [kept(typed, name)])
    assert found["done"]


def test_of_another_edit_is_told_what_stands_now_and_since_when(incident):
    before = time.time() * 1000
    incident.set("failed_requests", 3333)
    (found,) = judged(sheet(incident), [kept("777", id="w1.9")])
    assert found["now"] == "3,333"
    assert before - 1 <= found["since"] <= time.time() * 1000
    (never,) = judged(sheet(incident), [kept("What?", "what_happened")])
    assert (never["now"], never["since"]) == (None, None)


def test_what_would_be_refused_is_not_done(incident):
    (found,) = judged(sheet(incident), [kept("many")])
    assert "done" not in found


def test_a_blank_row_that_was_begun_is_the_row_of_all_that_was_typed_in_it(incident):
    with writers.via("w1.1"):
        row = incident.add("actions", title="Write the runbook", horizon="Immediate")
    edits = [
        kept("Write the runbook", "title", table="actions", row=None, slot="w1.1", id="w1.1"),
        kept("Dana", "owner", table="actions", row=None, slot="w1.1", id="w1.2"),
        kept("Lee", "owner", table="actions", row=None, slot="w1.2", id="w1.3"),
    ]
    first, second, third = judged(sheet(incident, "Action Items"), edits)
    assert first == {"done": True, "row": row}
    assert second == {"row": row, "now": None, "since": None}
    assert third == {"row": None, "now": None, "since": None}


def test_rows_that_are_gone_and_acts_that_are_done(incident):
    row = incident.add("actions", title="Write the runbook", horizon="Immediate")
    there = sheet(incident, "Action Items")
    edit = kept("Dana", "owner", table="actions", row=row)
    act = {"id": "w1.1", "table": "actions", "row": row}
    removal, return_ = {**act, "t": "remove"}, {**act, "t": "restore"}
    told = [each.get("done") for each in judged(there, [removal, return_, {**act, "t": "move"}])]
    assert told == [False, True, False]
    incident.remove("actions", row)
    told = judged(there, [edit, removal, return_])
    assert told[0] == {"row": row, "gone": True}
    assert [each["done"] for each in told[1:]] == [True, False]


@pytest.mark.parametrize(
    "edit",
    [
        {},
        kept("x", "no_such_fact"),
        kept("x", "title", table="no_such_table", row="r1"),
        {"t": "take", "answer": "logs", "row": 3},
    ],
)
def test_what_nobody_understands_is_not_done(incident, edit):
    (found,) = judged(sheet(incident), [edit])
    assert not found.get("done")


def test_an_answer_comes_to_the_window_that_asked(incident):
    form = incident.form("Incident Overview")
    said = []
    form.send = said.append
    message = {"t": "set", "table": "incident", "row": "incident", "name": "failed_requests"}
    form._hear(form, {**message, "s": 0, "c": "w1", "n": 4, "value": "1111"}, [])
    form._hear(
        form, {"t": "kept", "s": 0, "c": "w2", "q": 1, "kept": [kept("1111", id="w1.4")]}, []
    )
    answer = said[-1]
    assert (answer["c"], answer["q"]) == ("w2", 1)
    assert [each["done"] for each in answer["kept"]] == [True]
    form.close()


def test_what_a_browser_keeps_is_of_this_bundle_not_of_another_at_its_place(tmp_path):
    first = Incident.create("INC-1", tmp_path, title="One")
    key = sheet(first).description()["key"]
    first.set("incident_id", "INC-2")
    assert sheet(Incident.open(first.path)).description()["key"] == key
    shutil.rmtree(first.path)
    second = Incident.create("INC-1", tmp_path, title="One")
    assert sheet(second).description()["key"] != key
