"""Rows that are added, placed, moved and removed; every refusal in one line."""

import itertools
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postmortem_nb import ordering
from postmortem_nb.errors import BadValue, PostmortemError
from postmortem_nb.incident import Incident

NAIVE = datetime(2025, 12, 4)  # noqa: DTZ001 - what must be refused
START = datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
END = datetime(2025, 12, 4, 16, 9, tzinfo=UTC)


@pytest.fixture
def incident(tmp_path):
    return Incident.create("INC-4821", tmp_path)


def lines(incident):
    return (incident.path / "incident.jsonl").read_bytes().count(b"\n")


def texts(incident, table="takeaways", name="text"):
    return [row[name] for row in incident.values(table)]


def test_a_step_says_its_phase_and_a_preset_its_group(incident):
    incident.add("timeline", step="full recovery")
    incident.add("actions", priority="P1", title="a")
    incident.add("actions", horizon="Long-term", title="b")
    assert [(r["phase"], r["step"]) for r in incident.values("timeline")] == [
        ("Mitigation", "Full Recovery")
    ]
    placed = [(row["horizon"], row["priority"]) for row in incident.values("actions")]
    assert placed == [("Short-term", "P1"), ("Long-term", "P2")]


def test_more_rows_have_the_preset_that_all_rows_of_the_group_have(incident):
    for horizon in ("Immediate", "Short-term", "Long-term"):
        rows = [incident.add("actions", horizon=horizon, title="one more") for _ in range(4)]
        held = [row["priority"] for row in incident.values("actions") if row["row"] in rows]
        assert (
            held
            == {
                "Immediate": ["P0"] * 4,
                "Short-term": ["P1", "P1", "P2", None],
                "Long-term": ["P2", "P3", None, None],
            }[horizon]
        )


def test_what_is_computed_is_not_offered_to_be_set(incident):
    with pytest.raises(BadValue) as refused:
        incident.set("nope", 1)
    assert "duration" not in str(refused.value)
    row = incident.add("timeline", step="Detection")
    with pytest.raises(BadValue, match=f"for example row='{row}' \\('Detection'\\); got None"):
        incident.set("on_call", "x", table="timeline")


def test_presets_are_used_up_in_the_templates_order(incident):
    for number in range(6):
        incident.add("whys", answer=f"because {number}")
    presets = ["Why did the incident occur?", *["Why did that happen?"] * 4, None]
    assert texts(incident, "whys", "question") == presets
    done = incident.add("sharing", task="Team briefing completed", done="[x]")
    rest = [incident.add("sharing", done=False) for _ in range(5)]
    tasks = dict(zip([done, *rest], texts(incident, "sharing", "task"), strict=True))
    assert sorted(tasks.values()) == sorted(incident.template.groups("sharing")[0].presets)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda i: i.set(None, 3), "column of incident: expected .*; got None"),
        (lambda i: i.set("severty", "SEV-1"), r"did you mean severity\?"),
        (lambda i: i.set("severity", object()), "severity: expected one of SEV-0"),
        (lambda i: i.set("severity", "SEV-9"), "did you mean SEV-"),
        (
            lambda i: i.set("duration", 5),
            r"duration: is computed and never typed \(recovered − start: length of the impact\)",
        ),
        (
            lambda i: i.set("on_call", "x"),
            r"is no column of incident but of timeline; write set\('on_call', …, table='timeline'",
        ),
        (lambda i: i.add("actions", severity="SEV-1"), "severity: is no column of actions but a s"),
        (lambda i: i.set("title", "x", row="r1"), "title: is a single fact and has no rows"),
        (lambda i: i.set("owner", "x", table="action", row="r1"), r"did you mean actions"),
        (lambda i: i.set("owner", "x", table=5, row="r1"), "table: expected one of"),
        (lambda i: i.set("owner", "x", table="actions"), "row of actions: expected .*; got None"),
        (
            lambda i: i.set("owner", "x", table="actions"),
            r"expected its id as row=, for example row='r.{7}' \('[^']+'\); got None",
        ),
        (lambda i: i.set("owner", "x", table="actions", row="nope"), "got 'nope'"),
        (lambda i: i.set("owner", "x", table="actions", row=["r"]), "row of actions: expected"),
        (lambda i: i.set("own", "x", table="actions", row="r1"), r"did you mean owner\?"),
        (lambda i: i.add("incident", title="x"), "table: expected one of timeline"),
        (
            lambda i: i.add("actions", foo=1, horizon="Immediate"),
            "column of actions: expected one of",
        ),
        (
            lambda i: i.add("actions", title="x"),
            "horizon: expected one of Immediate, Short-term, Long-term",
        ),
        (lambda i: i.add("actions", horizon="Soon"), "horizon: expected one of Immediate"),
        (lambda i: i.add("actions", horizon=None), "horizon: expected one of Immediate"),
        (
            lambda i: i.add("timeline", phase="Detection"),
            "step: expected one of Incident Start, Detection, Ack",
        ),
        (
            lambda i: i.add("timeline", phase="Detection", step="Escalation"),
            "step: expected one of Incident",
        ),
        (lambda i: i.add("actions", horizon="Immediate", due="soon"), "due: expected a date"),
        (lambda i: i.add(None), "table: expected"),
        (
            lambda i: i.add("timeline", step="Detection", time=NAIVE),
            "with its zone",
        ),
        (lambda i: i.remove("actions", "nope"), "row of actions: expected"),
        (
            lambda i: i.remove("whys", "nope"),
            r"row of whys: expected a row, for example one of add\(\)",
        ),
        (lambda i: i.restore("actions", "nope"), "row of actions: expected"),
        (lambda i: i.move("actions", "nope", 0), "row of actions: expected"),
        (lambda i: i["nope"], "table: expected"),
        (lambda i: i[5], "table: expected"),
        (lambda i: i.values("nope"), "table: expected"),
        (lambda i: i.value("nope"), "column of incident: expected"),
        (lambda i: i.replace("actions", [1]), "actions: expected a DataFrame"),
        (lambda i: i.replace("nope", pd.DataFrame()), "table: expected"),
        (lambda i: i.replace("actions", pd.DataFrame({"foo": [1]})), "column of actions: expected"),
        (lambda i: i.replace("actions", pd.DataFrame({5: [1]})), "column of actions: expected"),
        (
            lambda i: i.replace("actions", pd.DataFrame([[1, 2]], columns=["title", "title"])),
            "comes twice",
        ),
        (
            lambda i: i.replace("whys", pd.DataFrame({"answer": ["a", "b"]}, index=["x", "x"])),
            "comes twice",
        ),
        (lambda i: i.replace("incident", pd.DataFrame({"title": ["a", "b"]})), "expected one row"),
        (
            lambda i: i.replace("actions", pd.DataFrame({"title": ["a"]})),
            "horizon: expected one of",
        ),
    ],
)
def test_wrong_wishes_are_refused_in_one_line_and_change_nothing(incident, work, message):
    incident.add("actions", horizon="Immediate", title="there")
    before = lines(incident)
    with pytest.raises(PostmortemError, match=message) as refused:
        work(incident)
    assert isinstance(refused.value, ValueError)
    assert "\n" not in str(refused.value)
    assert lines(incident) == before


@pytest.mark.parametrize("index", ["0", None, 1.0, True])
def test_a_place_is_a_whole_number(incident, index):
    row = incident.add("takeaways", text="a")
    with pytest.raises(BadValue, match="index: expected a whole number"):
        incident.move("takeaways", row, index)


def test_removed_rows_come_back_with_their_values_and_place(incident):
    rows = [incident.add("takeaways", text=text) for text in "abc"]
    incident.remove("takeaways", rows[1])
    assert texts(incident) == ["a", "c"]
    with pytest.raises(BadValue, match="was removed; restore it first"):
        incident.set("text", "x", table="takeaways", row=rows[1])
    with pytest.raises(BadValue, match="was removed"):
        incident.remove("takeaways", rows[1])
    incident.restore("takeaways", rows[1])
    incident.restore("takeaways", rows[1])
    assert texts(incident) == texts(Incident.open(incident.path)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("row", "index", "order"),
    [
        ("c", 0, "cab"),
        ("a", 2, "bca"),
        ("a", -1, "bca"),
        ("a", 99, "bca"),
        ("c", -3, "cab"),
        ("b", 1, "abc"),
    ],
)
def test_a_moved_row_stands_where_it_was_put(incident, row, index, order):
    rows = {text: incident.add("takeaways", text=text) for text in "abc"}
    incident.move("takeaways", rows[row], index)
    assert "".join(texts(incident)) == "".join(texts(Incident.open(incident.path))) == order


def test_moving_for_ever_never_runs_out_of_places(incident):
    """The last to the second place, 200 times: halves of halves end, places are counted anew."""
    rows = [incident.add("takeaways", text=f"{n}") for n in range(3)]
    expected = ["0", "1", "2"]
    for _ in range(200):
        incident.move(
            "takeaways", next(r for r in rows if texts_of(incident, r) == expected[-1]), 1
        )
        expected = [expected[0], expected[-1], *expected[1:-1]]
        assert texts(incident) == expected


def texts_of(incident, row):
    return next(each["text"] for each in incident.values("takeaways") if each["row"] == row)


def test_the_timeline_is_in_the_order_of_its_times(incident):
    for step, time in (("Full Recovery", END), ("Detection", None), ("Incident Start", START),
                       ("Escalation", "15:00"), ("Monitoring", None)):  # fmt: skip
        incident.add("timeline", step=step, time=time)
    steps = ["Incident Start", "Escalation", "Full Recovery", "Detection", "Monitoring"]
    assert texts(incident, "timeline", "step") == incident.log()["step"].tolist() == steps
    incident.move("timeline", incident.values("timeline")[4]["row"], 3)
    assert texts(incident, "timeline", "step") == [*steps[:3], "Monitoring", "Detection"]


@given(st.lists(st.integers(0, 30), unique=True, max_size=8), st.data())
@settings(max_examples=80, deadline=None)
def test_any_order_is_reached_with_the_fewest_moves(before, data):
    """Fewest = all rows but those of a longest rising run, found here by trying every run."""
    names = [f"r{n}" for n in before]
    after = data.draw(st.permutations(names))
    places = {name: (float(n), n) for n, name in enumerate(names)}
    moved = ordering.orders(after, places)
    orders = {name: place[0] for name, place in places.items()} | moved
    assert sorted(names, key=orders.__getitem__) == list(after)
    longest = max(
        len(run)
        for size in range(len(after) + 1)
        for run in itertools.combinations(after, size)
        if all(places[a] < places[b] for a, b in itertools.pairwise(run))
    )
    assert len(moved) == len(after) - longest
