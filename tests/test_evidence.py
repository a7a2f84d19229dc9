"""Evidence: what was frozen comes back as it was, and a changed file says so."""

import hashlib
import json
import os
import random
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postmortem_nb import edits, evidence, onestep, provenance
from postmortem_nb.errors import BundleError, NotSaved

ODD = "a\0b \N{DUCK} \N{RIGHT-TO-LEFT OVERRIDE}"
WINDOW = {"from": "2025-12-04T14:02:00Z", "to": "2025-12-04T16:09:00Z"}
RECORD = WINDOW | {
    "function": "search_datadog_logs",
    "question": "q1",
    "complete": True,
    "warnings": [],
}


def arrow_list(values):
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(values)])))


def frame():
    """Return a frame with every kind of column that an answer can have."""
    return pd.DataFrame(
        {
            "timestamp": pd.to_datetime(["2025-12-04T14:02:00.123456Z", None], utc=True).as_unit(
                "us"
            ),
            "text": pd.Series([ODD, pd.NA], dtype=pd.StringDtype("pyarrow")),
            "whole": pd.Series([2**60 + 1, pd.NA], dtype="Int64"),
            "unsigned": pd.Series([2**64 - 1, pd.NA], dtype="UInt64"),
            "number": pd.Series([0.1 + 0.2, pd.NA], dtype="Float64"),
            "yes": pd.Series([True, pd.NA], dtype="boolean"),
            "duration": pd.Series(np.array([514697, "NaT"], dtype="timedelta64[ns]")),
            "tags": arrow_list([["a", "a", None], None]),
            "kind": pd.Series(["x", "y"], dtype="category"),
            "mixed": pd.Series([{"a": [1, "b", None]}, pd.NA], dtype="object"),
            "plain": [1, 2],
        }
    )


def test_every_kind_of_column_comes_back_as_it_was(tmp_path):
    evidence.freeze(tmp_path, "errors", frame(), RECORD)
    back = evidence.thaw(tmp_path, "errors")
    pd.testing.assert_frame_equal(back, frame())
    assert back.dtypes.to_dict() == frame().dtypes.to_dict()
    assert back["tags"][0] == ["a", "a", None]
    assert back["mixed"][0] == {"a": [1, "b", None]}


def test_the_record_comes_back_with_name_rows_and_digest(tmp_path):
    record = evidence.freeze(tmp_path, "errors", frame(), RECORD)
    packed = (tmp_path / "errors.parquet").read_bytes()
    assert record["sha256"] == hashlib.sha256(packed).hexdigest()
    assert record["rows"] == 2
    back = evidence.thaw(tmp_path, "errors").attrs["evidence"]
    assert back == record
    assert "changed" not in back
    assert evidence.listing(tmp_path) == [record]


def test_the_same_rows_give_the_same_bytes(tmp_path):
    first = evidence.freeze(tmp_path / "a", "x", frame(), RECORD)
    second = evidence.freeze(tmp_path / "b", "x", frame(), RECORD)
    assert first["sha256"] == second["sha256"]


def test_the_digest_of_rows_does_not_depend_on_how_they_came():
    rows = frame()[["timestamp", "text", "whole"]]
    halves = pd.concat([rows.iloc[:1], rows.iloc[1:]], ignore_index=True)
    assert evidence.digest(rows) == evidence.digest(halves)
    assert evidence.digest(rows) != evidence.digest(rows.iloc[:1])
    assert evidence.digest(rows) != evidence.digest(rows.rename(columns={"text": "words"}))


def test_an_empty_frame_is_evidence_of_absence(tmp_path):
    evidence.freeze(tmp_path, "none", frame().iloc[:0], RECORD)
    back = evidence.thaw(tmp_path, "none")
    assert len(back) == 0
    typed = [name for name in frame() if name not in ("mixed", "kind")]
    assert back.dtypes[typed].to_dict() == frame().dtypes[typed].to_dict()


def test_halves_of_characters_are_replaced_and_counted(tmp_path):
    broken = pd.DataFrame({"t": pd.Series(["\ud800x", "fine"], dtype="object")})
    record = evidence.freeze(tmp_path, "broken", broken, RECORD)
    assert evidence.thaw(tmp_path, "broken")["t"].tolist() == ["\ufffdx", "fine"]
    assert record["warnings"] == ["1 text held broken characters, shown as \ufffd"]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | texts, min_size=1, max_size=6))
def test_any_text_comes_back(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("evidence")
    column = pd.Series([pd.NA if v is None else v for v in values], dtype=pd.StringDtype("pyarrow"))
    evidence.freeze(folder, "t", pd.DataFrame({"t": column}), RECORD)
    back = evidence.thaw(folder, "t")["t"]
    assert [None if v is pd.NA else v for v in back] == values


def test_a_question_is_held_only_by_its_own_answer(tmp_path):
    evidence.freeze(tmp_path, "errors", frame(), RECORD)
    assert evidence.holds(tmp_path, "errors", question="q1")
    assert not evidence.holds(tmp_path, "errors", question="q2")
    assert not evidence.holds(tmp_path, "other", question="q1")
    assert not evidence.holds(tmp_path, "../errors", question="q1")


# ---- changed, damaged, missing


def test_rows_changed_by_another_tool_are_shown_as_changed(tmp_path):
    evidence.freeze(tmp_path, "errors", frame(), RECORD)
    path = tmp_path / "errors.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, 1), path)
    back = evidence.thaw(tmp_path, "errors")
    assert back.attrs["evidence"]["changed"] is True
    assert len(back) == 1


def test_any_flipped_byte_is_told_and_never_a_traceback(tmp_path):
    evidence.freeze(tmp_path, "errors", frame(), RECORD)
    path = tmp_path / "errors.parquet"
    whole = path.read_bytes()
    chance = random.Random(5)  # noqa: S311 - a fixed seed, no secret
    told = 0
    for _ in range(300):
        at = chance.randrange(len(whole))
        flipped = bytes([whole[at] ^ (1 << chance.randrange(8))])
        path.write_bytes(whole[:at] + flipped + whole[at + 1 :])
        try:
            told += evidence.thaw(tmp_path, "errors").attrs["evidence"]["changed"] is True
        except BundleError as error:
            told += "cannot be read" in str(error) or "unpack" in str(error)
    assert told == 300


@pytest.mark.parametrize("length", [0, 1, 4, 100, -1, -9])
def test_a_cut_file_is_told(tmp_path, length):
    evidence.freeze(tmp_path, "errors", frame(), RECORD)
    path = tmp_path / "errors.parquet"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BundleError, match="cannot be read"):
        evidence.thaw(tmp_path, "errors")


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"dtypes": 5}',
        b'{"dtypes": {"text": []}}',
    ],
)
def test_a_damaged_record_is_told(tmp_path, record):
    evidence.freeze(tmp_path, "errors", frame(), RECORD)
    (tmp_path / "errors.json").write_bytes(record)
    try:
        changed = evidence.thaw(tmp_path, "errors").attrs["evidence"].get("changed")
    except BundleError as error:
        changed = "\n" not in str(error)
    assert changed
    assert evidence.listing(tmp_path)[0]["name"] == "errors"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("rows", "many", "rows: expected a whole number; got 'many'"),
        ("rows", True, "rows: expected a whole number; got True"),
        ("rows", 1.5, "rows: expected a whole number; got 1.5"),
        ("warnings", 5, "warnings: expected a list; got 5"),
        ("warnings", "late", "warnings: expected a list; got 'late'"),
        ("complete", "no", "complete: expected true or false; got 'no'"),
        ("from", "soon", "from: expected a time; got 'soon'"),
        ("fetched_at", 5, "fetched_at: expected text; got 5"),
        ("arguments", [], "arguments: expected an object; got []"),
        ("call", 7, "call: expected text; got 7"),
        ("site", ["<script>"], "site: expected text; got ['<script>']"),
    ],
)
def test_a_field_that_cannot_be_is_left_out_and_told(tmp_path, field, value, said):
    whole = evidence.freeze(tmp_path, "errors", frame(), RECORD)
    path = tmp_path / "errors.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {field: value}))
    (told,) = evidence.listing(tmp_path)
    assert told == {name: each for name, each in whole.items() if name != field} | {"damaged": said}
    assert evidence.thaw(tmp_path, "errors").attrs["evidence"] == told
    path.write_text(json.dumps(told | {field: whole.get(field)}))  # mended by hand
    assert evidence.listing(tmp_path) == [whole]


def test_half_a_character_is_told(tmp_path):
    evidence.freeze(tmp_path, "errors", frame(), RECORD)
    (tmp_path / "errors.json").write_text(json.dumps(RECORD | {"link": "\ud800"}))
    (told,) = evidence.listing(tmp_path)
    assert "surrogates not allowed" in told["problem"]


def test_what_a_record_does_not_know_is_missing(tmp_path):
    """Null as well as absent; the name is that of the file, which cells and charts ask for."""
    evidence.freeze(tmp_path, "errors", frame(), RECORD)
    (tmp_path / "errors.json").write_text('{"name": "other", "arguments": null}')
    assert evidence.listing(tmp_path) == [{"name": "errors"}]
    assert evidence.thaw(tmp_path, "errors").attrs["evidence"]["name"] == "errors"


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(BundleError, match="there is no evidence 'errors'"):
        evidence.thaw(tmp_path, "errors")
    evidence.freeze(tmp_path, "errors", frame(), RECORD)
    (tmp_path / "errors.parquet").unlink()
    with pytest.raises(BundleError, match="are missing"):
        evidence.thaw(tmp_path, "errors")
    assert evidence.listing(tmp_path / "nowhere") == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", "a.b", "1a", "x" * 200, "a\0"])
def test_a_name_is_an_identifier(tmp_path, name):
    with pytest.raises(BundleError, match="evidence name"):
        evidence.freeze(tmp_path, name, frame(), RECORD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("nested", [False, True], ids=["texts", "lists"])
def test_a_file_that_unpacks_to_gigabytes_is_refused_unread(tmp_path, nested):
    """A few kilobytes of Parquet: one text of 8 KB, in three hundred thousand rows, or in lists."""
    evidence.freeze(tmp_path, "bomb", frame(), RECORD)
    column = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(300_000, "i1")), pa.array(["x" * 8192])
    )
    if nested:
        column = pa.ListArray.from_arrays(pa.array([0, 300_000], pa.int32()), column)
    pq.write_table(pa.table({"x": column}), tmp_path / "bomb.parquet", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 10_000
    with pytest.raises(BundleError, match="more than 1024 MB"):
        evidence.thaw(tmp_path, "bomb")


# ---- written whole or not at all


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("after", [0, 1])
def test_a_disk_that_refuses_leaves_the_old_evidence_whole(tmp_path, monkeypatch, call, after):
    evidence.freeze(tmp_path, "errors", frame(), RECORD)
    old = evidence.thaw(tmp_path, "errors")
    real = {"fsync": os.fsync, "replace": os.replace, "write": os.fdopen}
    times = {"left": after * (2 if call == "fsync" else 1)}

    def refuse(*arguments, **settings):
        if times["left"] == 0:
            raise OSError(28, "No space left on device")
        times["left"] -= 1
        return real[call](*arguments, **settings)

    name = {"fsync": "os.fsync", "replace": "pathlib.os.replace", "write": "os.fdopen"}[call]
    monkeypatch.setattr(name, refuse)
    with pytest.raises(NotSaved, match="No space left on device"):
        evidence.freeze(tmp_path, "errors", frame().iloc[:1], RECORD)
    monkeypatch.undo()
    back = evidence.thaw(tmp_path, "errors")
    if after == 0:
        pd.testing.assert_frame_equal(back, old)
    else:  # the rows are new and their record is not: that is said
        assert back.attrs["evidence"]["changed"] is True
    kept = [path.name for path in sorted(tmp_path.iterdir())]
    assert kept == [edits.LOCK, "errors.json", "errors.parquet"]


def test_records_are_plain_json(tmp_path):
    evidence.freeze(tmp_path, "errors", frame(), {**RECORD, "note": ODD + "\ud800"})
    found = json.loads((tmp_path / "errors.json").read_text("utf-8"))
    assert found["name"] == "errors"
    assert found["note"].endswith("\ufffd")


def test_a_window_says_how_long_after_it_the_answer_reaches():
    record = {"from": "2025-12-04T14:02:00Z", "to": "2025-12-04T16:09:00Z"}
    said = "2025-12-04 14:02–16:09 UTC"
    assert provenance.window(record) == said
    assert (
        provenance.window(record | {"arguments": {"deferred": "6h"}})
        == f"{said} and 6 hours after it"
    )
    for damaged in ({"deferred": None}, {"deferred": ["6h"]}, {"deferred": "soon"}, "6h"):
        assert provenance.window(record | {"arguments": damaged}) == said


def test_columns_that_an_answer_has_are_read_in_one_go(tmp_path):
    evidence.freeze(tmp_path, "e", pd.DataFrame({"a": ["x", "y"], "b.c": ["p", "q"]}), {})
    assert evidence.columns(tmp_path, "e", ("a",), ("b.c", "d")).column_names == ["a", "b.c"]
    assert evidence.columns(tmp_path, "e", ("a", "d")) is None


def half_way(monkeypatch, then):
    """Call ``then`` once in a thread of its own, when rows are written and their record is not."""
    write, begun = onestep.write, []

    def writing(path, *rest, **how):
        write(path, *rest, **how)
        if path.suffix == ".parquet" and not begun:
            begun.append(threading.Thread(target=then))
            begun[0].start()
            begun[0].join(0.3)

    monkeypatch.setattr(onestep, "write", writing)
    return begun


def test_who_reads_while_another_kernel_writes_gets_what_belongs_together(tmp_path, monkeypatch):
    """Before: new rows under the old record, "its evidence was changed since it was frozen"."""
    evidence.freeze(tmp_path, "a", pd.DataFrame({"n": [1]}), {})
    seen = []
    begun = half_way(monkeypatch, lambda: seen.append(evidence.thaw(tmp_path, "a")))
    evidence.freeze(tmp_path, "a", pd.DataFrame({"n": [1, 2]}), {})
    begun[0].join()
    assert "changed" not in seen[0].attrs["evidence"]
    assert (seen[0].attrs["evidence"]["rows"], len(seen[0])) == (2, 2)


def test_two_kernels_that_write_one_name_leave_what_belongs_together(tmp_path, monkeypatch):
    """Before, for good: the rows of one under the record of the other."""
    other = pd.DataFrame({"n": [1, 2, 3]})
    begun = half_way(monkeypatch, lambda: evidence.freeze(tmp_path, "a", other, {}))
    evidence.freeze(tmp_path, "a", pd.DataFrame({"n": [1, 2]}), {})
    begun[0].join()
    found = evidence.thaw(tmp_path, "a")
    assert "changed" not in found.attrs["evidence"]
    assert len(found) == found.attrs["evidence"]["rows"] == 3
