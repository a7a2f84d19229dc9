"""The dataset: values that are kept as given, listeners that hear, threads that lose nothing."""

import contextlib
import itertools
import json
import re
import threading
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postmortem_nb import kinds
from postmortem_nb.errors import BadValue, PostmortemError
from postmortem_nb.incident import Incident

START = datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
LARGER = Path(__file__).parents[1].parent / "shared" / "hostile" / "payloads.json"
TEXTS = [
    "a\x00b", "👩🏽‍🚀", "مرحبا שלום", "\u202eevil", "ok\r\nforged", "{{SERVICE}}", "<script>",
    "=1+1",
    "%s%n{0}", "\ufeff", "x" * 1_000_000, "null", "NaN", "|*_`#", " ", "\x1b[31m", "../../etc",
]  # fmt: skip


@pytest.fixture
def incident(tmp_path):
    return Incident.create("INC-4821", tmp_path)


def lines(incident):
    return (incident.path / "incident.jsonl").read_bytes().count(b"\n")


def texts(incident, table="takeaways", name="text"):
    return [row[name] for row in incident.values(table)]


def example(column):
    """Return a value that a column takes."""
    return (
        column.options[0] if column.options else kinds.KINDS[column.kind].example.split(" or ")[0]
    )


def test_every_single_fact_can_be_set_read_cleared_and_set_again(incident):
    columns = [each for each in incident.template.tables["incident"] if not each.derived]
    for column in columns:
        before = incident.value(column.name)
        incident.set(column.name, example(column))
        assert incident.value(column.name) is not None, column.name
        incident.set(column.name, None)
        assert incident.value(column.name) is None
        incident.set(column.name, before if before is not None else example(column))
    assert len(columns) >= 50
    assert Incident.open(incident.path).values("incident") == incident.values("incident")


def test_every_table_grows_by_every_group_and_column(incident):
    made = 0
    for table, columns in incident.template.tables.items():
        for group in incident.template.groups(table):
            keys = dict(group.keys)
            given = {c.name: example(c) for c in columns if c.name not in keys and not c.derived}
            row = incident.add(table, **keys, **given)
            made += 1
            found = next(each for each in incident.values(table) if each["row"] == row)
            assert None not in found.values()
            assert keys.items() <= found.items()
            assert row in incident[table].index
    assert made >= 35
    fresh = Incident.open(incident.path)
    assert {t: fresh.values(t) for t in fresh.tables} == {
        t: incident.values(t) for t in incident.tables
    }
    assert fresh.problems == []


def test_a_refused_value_leaves_the_old_one(incident):
    incident.set("failed_requests", 7)
    before = lines(incident)
    with pytest.raises(
        BadValue, match=re.escape("failed_requests: expected a whole number from 0 on")
    ):
        incident.set("failed_requests", "many")
    assert incident.value("failed_requests") == 7
    assert lines(incident) == before


def test_hostile_text_is_kept_exactly_in_every_column_of_text(incident):
    corpus = list(TEXTS)
    if LARGER.exists():
        larger = [p["payload"] for p in json.loads(LARGER.read_text())]
        corpus += [text for text in larger if not re.search("[\ud800-\udfff]", text) and text]
    columns = [
        c for c in incident.template.tables["incident"] if c.kind in ("prose", "line", "query")
    ]
    for text, column in zip(corpus, itertools.cycle(columns), strict=False):
        incident.set(column.name, text)
        assert incident.value(column.name) == text
        assert incident["incident"].loc["incident", column.name] == text
    for column, text in zip(columns, itertools.cycle(TEXTS), strict=False):
        incident.set(column.name, text)
        incident.set("text", text, table="takeaways", row=incident.add("takeaways", text="x"))
    fresh = Incident.open(incident.path)
    assert fresh.values("incident") == incident.values("incident")
    assert texts(fresh) == texts(incident)
    assert set(corpus) <= set(fresh.history()["new"].dropna())
    assert fresh.problems == []


@given(text=st.text(min_size=1))
@settings(max_examples=60, deadline=None)
def test_valid_text_comes_back_from_disk_as_it_was(tmp_path_factory, text):
    incident = Incident.create("INC-1", tmp_path_factory.mktemp("text"))
    incident.set("what_happened", text)
    assert Incident.open(incident.path).value("what_happened") == text


def test_half_characters_become_the_replacement_character(incident):
    incident.set("what_happened", "a\ud800b\udfff")
    assert Incident.open(incident.path).value("what_happened") == "a\ufffdb\ufffd"


def test_the_same_value_again_is_no_edit(incident):
    incident.set("title", "Checkout down")
    before = lines(incident)
    incident.set("title", "Checkout down")
    incident.set("author", None)
    incident.set("author", "")
    assert lines(incident) == before


def test_times_of_day_count_from_the_start_of_the_incident(incident):
    with pytest.raises(BadValue, match="while the incident has no start"):
        incident.add("timeline", step="Detection", time="14:19:40")
    incident.add("timeline", step="Incident Start", time="2025-12-04 14:02")
    row = incident.add("timeline", step="Detection", time="14:19:40")
    later = incident.add("timeline", step="Acknowledgment", time="+22m")
    found = {each["row"]: each["time"] for each in incident.values("timeline")}
    assert found[row] == datetime(2025, 12, 4, 14, 19, 40, tzinfo=UTC)
    assert found[later] == datetime(2025, 12, 4, 14, 24, tzinfo=UTC)


def test_values_that_fit_no_more_are_reported_and_kept_in_the_file(incident):
    row = incident.add("takeaways", text="kept")
    extra = [
        {"table": "incident", "row": "incident", "name": "failed_requests", "value": "many"},
        {"table": "incident", "row": "incident", "name": "from_the_future", "value": 1},
        {"table": "moons", "row": "r1", "name": "x", "value": 1},
        {"table": "takeaways", "row": row, "name": "colour", "value": "red"},
        {"table": "actions", "row": "r1", "name": "title", "value": "its first line is lost"},
    ]
    with (incident.path / "incident.jsonl").open("a") as file:
        for each in extra:
            file.write(json.dumps({"at": "2025-12-04T14:02:00Z", "by": "x", **each}) + "\n")
    problems = incident.problems
    assert len(problems) == 5
    assert any(
        "failed_requests: left out: count: expected a whole number" in each for each in problems
    )
    assert any("no column 'from_the_future'" in each for each in problems)
    assert any("no table 'moons'" in each for each in problems)
    assert any("actions 'r1': its values name no group" in each for each in problems)
    assert incident.value("failed_requests") is None
    assert texts(incident) == ["kept"]
    assert texts(incident, "actions", "title") == ["its first line is lost"]
    incident.set("failed_requests", 7)
    assert Incident.open(incident.path).value("failed_requests") == 7


def test_edits_of_two_branches_merge_by_keeping_both(incident):
    """What git's union merge makes of two branches, as `.gitattributes` in the bundle asks for."""
    assert (incident.path / ".gitattributes").read_text() == "incident.jsonl merge=union -text\n"
    log = incident.path / "incident.jsonl"
    base = log.read_bytes()
    branches = []
    for name in ("ours", "theirs"):
        log.write_bytes(base)
        branch = Incident.open(incident.path)
        branch.add("takeaways", text=name)
        branches.append(log.read_bytes().removeprefix(base))
    log.write_bytes(base + b"".join(branches))
    merged = Incident.open(incident.path)
    assert texts(merged) == ["ours", "theirs"]
    assert merged.problems == []


def test_listeners_hear_every_change_once_and_can_stop(incident):
    heard = []
    stop = incident.on_change(lambda edits: heard.append([each.get("value") for each in edits]))
    incident.set("title", "a")
    incident.set("title", "a")
    incident.add("takeaways", text="b")
    Incident.open(incident.path).set("title", "c")
    assert incident.refresh()
    assert heard == [["a"], [None, "b"], ["c"]]
    stop()
    stop()
    incident.set("title", "d")
    assert len(heard) == 3


def test_many_threads_lose_nothing(incident):
    """Eight threads, two open copies of one bundle, rows and facts."""
    copies = [incident, Incident.open(incident.path)]

    def work(number):
        for n in range(40):
            copies[number % 2].add("takeaways", text=f"{number}:{n}")
            copies[number % 2].set("what_happened", f"{number}:{n}")
            copies[number % 2].values("takeaways")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = sorted(f"{number}:{n}" for number in range(8) for n in range(40))
    for each in (*copies, Incident.open(incident.path)):
        assert sorted(texts(each)) == wanted
    assert incident.problems == []


def test_facts_may_come_from_numpy(incident):
    incident.set("failed_requests", np.int64(5))
    incident.set("services", np.array(["a", "b"], dtype=object))
    incident.set("executives_involved", np.bool_(True))
    assert [incident.value(n) for n in ("failed_requests", "services", "executives_involved")] == [
        5,
        ["a", "b"],
        True,
    ]


def test_who_it_is_can_be_seen(incident):
    assert repr(incident) == f"<Incident INC-4821 in {incident.path}>"
    assert "tables" not in vars(incident)
    assert len(incident.tables) == 17


class Contrary:
    """A stranger's object that cannot even be compared."""

    __hash__ = None

    def __eq__(self, other):
        raise RuntimeError


@pytest.mark.parametrize(
    "odd",
    [
        Contrary(),
        pd.DataFrame({"a": [1]}),
        pd.Series([1, 2]),
        np.array([1, 2]),
        pd.NA,
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        "\ud800",
        10**400,
    ],
    ids=lambda odd: type(odd).__name__,
)
def test_an_odd_object_is_refused_or_taken_wherever_it_is_given(incident, odd):
    """Never a stray error: in a cell of every kind, as a name, a table, a row, a template."""
    columns = {column.kind: column for column in incident.template.tables["incident"]}
    calls = [lambda name=each.name: incident.set(name, odd) for each in columns.values()]
    calls += [
        lambda: incident.add("actions", horizon=odd),
        lambda: incident.set(odd, "x"),
        lambda: incident.add(odd),
        lambda: incident.remove("actions", odd),
        lambda: incident[odd],
        lambda: incident.values(odd),
        lambda: Incident.create("INC-1", incident.path, template=odd) if odd is not pd.NA else None,
        lambda: Incident.create("INC-2", incident.path, severity=odd),
        lambda: Incident.open(odd),
    ]
    for call in calls:
        with contextlib.suppress(PostmortemError):
            call()
        assert len(incident["incident"]) == 1
    assert len(Incident.open(incident.path)["incident"]) == 1


def test_the_last_day_of_the_calendar_does_not_lock_the_incident_up(incident):
    incident.set("date", "9999-12-31")
    assert incident.value("date") == date(9999, 12, 31)
    assert incident.value("follow_up") is None
    assert "calendar" in set(incident.stats()["missing"]).__str__()
    incident.set("date", "2025-12-04")
    assert incident.value("follow_up") == date(2026, 1, 3)
