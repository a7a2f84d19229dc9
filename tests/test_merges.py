"""Two branches of one log, merged by git's union: the newest edit wins."""

import itertools
import json
from datetime import UTC, datetime

import pytest

from postmortem_nb import approvals, edits
from postmortem_nb.incident import Incident

LOG = "incident.jsonl"


@pytest.fixture
def incident(tmp_path):
    return Incident.create("INC-4821", tmp_path)


@pytest.fixture
def clock(monkeypatch):
    """Return a function that sets the clock of this machine to a time of one day."""

    def show(text):
        now = datetime.fromisoformat(f"2099-12-04T{text}").replace(tzinfo=UTC)

        class Stopped(datetime):
            @classmethod
            def now(cls, _zone=None):
                return now

        monkeypatch.setattr(edits, "datetime", Stopped)

    return show


def merged(incident, *branches):
    """Return the incident after each branch was written from the same state, in both orders."""
    log = incident.path / LOG
    base = log.read_bytes()
    grown = []
    for work in branches:
        log.write_bytes(base)
        work(Incident.open(incident.path))
        grown.append(log.read_bytes().removeprefix(base))
    for order in itertools.permutations(grown):
        log.write_bytes(base + b"".join(order))
        yield Incident.open(incident.path)


def setting(clock, at, name, value, **where):
    """Return the work of one branch: one edit at a time."""

    def work(incident):
        clock(at)
        incident.set(name, value, **where)

    return work


def test_the_newest_edit_wins_whichever_side_stands_last(incident, clock):
    older = setting(clock, "14:40", "what_happened", "OLD")
    newer = setting(clock, "14:42", "what_happened", "NEW")
    for each in merged(incident, newer, older):
        assert each.value("what_happened") == "NEW"
        history = each.history()
        assert history["at"].is_monotonic_increasing
        told = history[history["name"] == "what_happened"]
        assert told["new"].tolist() == ["OLD", "NEW"]
        assert told["old"].fillna("").tolist() == ["", "OLD"]
        assert each.problems == []


def test_a_row_is_there_or_not_as_the_newest_edit_says(incident, clock):
    clock("14:00")
    row = incident.add("takeaways", text="first")

    def remove(each):
        clock("14:40")
        each.remove("takeaways", row)

    def restore(each):
        clock("14:30")
        each.remove("takeaways", row)
        clock("14:42")
        each.restore("takeaways", row)

    for each in merged(incident, restore, remove):
        assert [found["text"] for found in each.values("takeaways")] == ["first"]


def test_rows_of_both_sides_stand_in_one_order(incident, clock):
    def adding(at, text):
        def work(each):
            clock(at)
            each.add("takeaways", text=text)

        return work

    for each in merged(incident, adding("14:42", "later"), adding("14:40", "sooner")):
        assert [row["text"] for row in each.values("takeaways")] == ["sooner", "later"]


def test_an_open_incident_sees_older_edits_that_come_later(incident, clock):
    """`git merge` may add lines to the file while a kernel has it open."""
    heard = []
    incident.on_change(heard.extend)
    clock("14:42")
    incident.set("what_happened", "NEW")
    incident.set("why_it_happened", "full")
    line = {"at": "2099-12-04T14:40:00Z", "by": "x", "table": "incident", "row": "incident"}
    with (incident.path / LOG).open("a", encoding="utf-8") as file:
        for name in ("what_happened", "title"):
            file.write(json.dumps(line | {"name": name, "value": "OLD"}) + "\n")
    assert incident.value("what_happened") == "NEW"
    assert incident.value("why_it_happened") == "full"
    assert incident.value("title") == "OLD"
    assert [each["value"] for each in heard] == ["NEW", "full", "OLD", "OLD"]
    incident.set("what_happened", "NEWER")
    assert Incident.open(incident.path).value("what_happened") == "NEWER"


def test_edits_of_one_moment_count_in_the_order_of_their_lines(incident, clock):
    def both(each):
        clock("14:40")
        each.set("what_happened", "first")
        each.set("what_happened", "second")

    for each in merged(incident, both, setting(clock, "14:39", "what_happened", "OLD")):
        assert each.value("what_happened") == "second"


def test_an_edit_counts_though_the_clock_went_back(incident, clock):
    """The clock is put right, or another machine's is behind: who edits has seen what is there."""
    clock("14:42")
    incident.set("what_happened", "seen")
    clock("14:02")
    Incident.open(incident.path).set("what_happened", "decided")
    incident.set("why_it_happened", "then")
    fresh = Incident.open(incident.path)
    for each in (incident, fresh):
        assert each.value("what_happened") == "decided"
        assert each.history()["new"].tolist()[-3:] == ["seen", "decided", "then"]
    lines = [json.loads(line) for line in (incident.path / LOG).read_text().splitlines()]
    assert lines[-2]["at"] == "2099-12-04T14:02:00.000000Z"  # what the clock said stays
    assert lines[-2]["after"] == "2099-12-04T14:42:00.000000Z"
    assert "after" not in lines[-3]
    for merge in merged(incident, setting(clock, "14:41", "what_happened", "OLD")):
        assert merge.value("what_happened") == "OLD"  # made on this state: newer than it


@pytest.mark.parametrize(
    "at",
    [
        None,
        7,
        {},
        "",
        "yesterday",
        "9999-12-31T23:59:59.999999-14:00",
        "0001-01-01T00:00:00+14:00",
        "2099-12-04T14:42:00.000000x",
    ],
)
def test_a_line_without_a_readable_time_counts_with_the_line_before_it(incident, clock, at):
    clock("14:40")
    incident.set("what_happened", "before")
    line = {"by": at, "table": "incident", "row": "incident", "name": "what_happened"}
    line |= {"value": "by hand"} | ({} if at is None else {"at": at})
    with (incident.path / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    assert incident.value("what_happened") == "by hand"
    assert len(incident.history()) == len(Incident.open(incident.path).history())
    clock("14:41")
    incident.set("what_happened", "after")
    assert Incident.open(incident.path).value("what_happened") == "after"


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"])
def test_no_time_stops_further_edits(incident, at):
    line = {"at": at, "by": "x", "table": "incident", "row": "incident", "name": "title"}
    with (incident.path / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line | {"value": "odd"}) + "\n")
    assert incident.value("title") == "odd"
    incident.set("title", "mended")
    assert Incident.open(incident.path).value("title") == "mended"


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("2099-12-04T14:02:00.5Z", "2099-12-04T14:02:00Z"),
        ("2099-12-04T14:02:00Z", "2099-12-04T15:01:00+01:00"),
        ("2099-12-04 14:02:00", "2099-12-04T14:01:59.999999Z"),
    ],
)
def test_times_of_other_tools_are_compared_as_times(incident, newer, older):
    line = {"by": "x", "table": "incident", "row": "incident", "name": "title"}
    with (incident.path / LOG).open("a", encoding="utf-8") as file:
        for at in (newer, older):
            file.write(json.dumps(line | {"at": at, "value": at}) + "\n")
    assert incident.value("title") == newer


@pytest.mark.parametrize("at", ["14:40", "14:44"])
def test_an_approval_is_not_of_a_branch_that_was_merged_in_behind_it(incident, clock, at):
    """Its edits may be older: who approved has not seen them."""
    clock("14:00")
    incident.set("what_happened", "The pool was exhausted")

    def approve(each):
        clock("14:42")
        each.add("approvals", role="Author", name="Ana", date="2099-12-04", done=True)

    branch = setting(clock, at, "why_it_happened", "Nobody knows")
    both = [
        approvals.given(each.template, each._tables.edits)[0].unchanged
        for each in merged(incident, approve, branch)
    ]
    assert both[0] is False
    assert both[1] is (at == "14:40")  # this looks like a log in which the approver saw it


def test_a_line_whose_time_is_before_the_log_itself_counts_where_it_stands(incident):
    """Another tool wrote it: no branch of this log is older than the edit that all share."""
    incident.set("title", "first")
    line = {"at": "2001-01-01T00:00:00.000000Z", "by": "tool", "table": "incident"}
    line |= {"row": "incident", "name": "title", "value": "last"}
    with (incident.path / LOG).open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
    assert incident.value("title") == "last"
    assert Incident.open(incident.path).value("title") == "last"
    incident.set("title", "again")
    assert Incident.open(incident.path).value("title") == "again"
