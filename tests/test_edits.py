"""The log: what a line is, what happens to bad ones, and when an edit counts as saved."""

import errno
import json
import os
import threading
import zlib

import pytest

from postmortem_nb import edits, lock, writers
from postmortem_nb.edits import Log
from postmortem_nb.errors import BundleError, NewerFormat, NotSaved

DIGEST = "a" * 64


def edit(value, name="what_happened", **more):
    at = "2025-12-04T14:02:00.000000Z"
    return {
        "at": at,
        "by": "t",
        "table": "incident",
        "row": "incident",
        "name": name,
        "value": value,
    } | more


@pytest.fixture
def log(tmp_path):
    return Log.create(tmp_path / "incident.jsonl", DIGEST)


def again(log):
    """Return the values that a fresh reader finds, and its report."""
    fresh = Log(log.path)
    return [each.get("value") for each in fresh.read()], fresh.problems


def saved(log, *values):
    log.append([edit(value) for value in values])


def test_the_first_line_is_the_header(log):
    header = json.loads(log.path.read_text())
    assert header == {"format": "postmortem-nb", "version": 1, "template": DIGEST}
    assert log.template == DIGEST
    assert log.problems == []


def test_an_edit_is_one_line_of_json_closed_by_its_checksum(log):
    saved(log, "Pool exhausted")
    line = log.path.read_bytes().splitlines()[1]
    kept = json.loads(line)
    body = line[: line.index(b',"crc32"')]
    assert kept.pop("crc32") == f"{zlib.crc32(body):08x}"
    assert kept == edit("Pool exhausted")


def test_a_log_is_never_made_over_another(log):
    with pytest.raises(BundleError, match="there is an incident here already"):
        Log.create(log.path, DIGEST)


def test_each_reader_gets_each_edit_once_in_order(log):
    other = Log(log.path)
    saved(log, 1, 2)
    assert [each["value"] for each in other.read()] == [1, 2]
    saved(other, 3)
    saved(log, 4)
    assert [each["value"] for each in log.news()] == [1, 2, 3, 4]
    assert [each["value"] for each in other.read()] == [3, 4]
    assert other.read() == []


def test_a_torn_last_line_is_reported_and_never_swallows_the_next_edit(tmp_path):
    """Cut the file at every byte of its last line, edit on, and read: the edit is there."""
    whole = Log.create(tmp_path / "whole.jsonl", DIGEST)
    saved(whole, "kept", "torn")
    text = whole.path.read_bytes()
    begin = text[:-1].rindex(b"\n") + 1
    for cut in range(begin + 1, len(text)):
        log = Log(tmp_path / f"{cut}.jsonl")
        log.path.write_bytes(text[:cut])
        read = [each["value"] for each in log.read()]
        complete = cut == len(text) - 1  # only the line end is missing: nothing is torn
        assert read == (["kept", "torn"] if complete else ["kept"])
        assert log.problems == ([] if complete else ["line 3 is torn, as after a crash: left out"])
        saved(log, "next")
        values, problems = again(log)
        assert values == [*read, "next"]
        assert len(problems) == (not complete)
        assert log.path.read_bytes().startswith(text[:cut])  # what was torn stays for whoever asks


def test_a_header_may_be_torn_too(tmp_path):
    log = Log(tmp_path / "incident.jsonl", DIGEST)
    for cut in (0, 1, 50):
        log.path.write_bytes(edits._header(DIGEST)[:cut])
        log.read()
        assert len(log.problems) == 1
        saved(log, cut)
        assert again(log)[0] == [cut]


def test_an_empty_file_gets_its_header_back(tmp_path):
    log = Log(tmp_path / "incident.jsonl", DIGEST)
    log.path.touch()
    assert log.read() == []
    assert log.problems == ["line 1: the header is missing"]
    saved(log, "first")
    assert json.loads(log.path.read_bytes().splitlines()[0])["template"] == DIGEST
    assert again(log) == (["first"], [])


@pytest.mark.parametrize(
    "garbled",
    [
        b"\x00" * 512,
        b"\xff\xfe garbage",
        b"<<<<<<< HEAD",
        b"[1, 2]",
        b"{}",
        b'{"table":"incident","row":"incident"}',
        b'{"table":"incident","row":5,"name":"a","value":1}',
        b'{"table":"incident","row":"incident","op":"explode"}',
        b'{"table":"actions","row":"r1","op":"add","order":"x"}',
        b'{"table":"incident","row":"incident","name":"a","value":"\\ud800"}',
        b"{" * 100_000,
    ],
)
def test_a_garbled_line_is_reported_and_nothing_else_is_lost(log, garbled):
    saved(log, "before")
    with log.path.open("ab") as file:
        file.write(garbled + b"\n")
    saved(log, "after")
    values, problems = again(log)
    assert values == ["before", "after"]
    assert len(problems) == 1
    assert problems[0].startswith("line 3 is no edit: left out")
    assert log.problems == problems
    assert garbled in log.path.read_bytes()


def test_both_sides_of_a_merge_conflict_are_there(log):
    saved(log, "base")
    with log.path.open("ab") as file:
        for line in (b"<<<<<<< HEAD", edits._line(edit("ours"))[:-1], b"=======",
                     edits._line(edit("theirs"))[:-1], b">>>>>>> branch"):  # fmt: skip
            file.write(line + b"\n")
    values, problems = again(log)
    assert values == ["base", "ours", "theirs"]
    assert len(problems) == 3


def test_a_value_changed_by_hand_is_used_and_reported(log):
    saved(log, "colour", "size")
    log.path.write_bytes(log.path.read_bytes().replace(b"colour", b"color"))
    assert again(log) == (["color", "size"], ["line 2 was altered since it was written"])


def test_lines_of_other_tools_need_no_checksum_and_may_end_as_on_windows(log):
    with log.path.open("ab") as file:
        file.write(
            json.dumps(edit("by hand")).encode()
            + b"\r\n\r\n"
            + edits._line(edit("ours"))[:-1]
            + b"\r\n"
        )
    assert again(log) == (["by hand", "ours"], [])


def test_keys_of_a_later_version_are_kept(log):
    with log.path.open("ab") as file:
        file.write(json.dumps(edit("new", reviewed_by="Ana")).encode() + b"\n")
    saved(log, "own")
    assert Log(log.path).read()[0]["reviewed_by"] == "Ana"
    assert b"reviewed_by" in log.path.read_bytes()


def test_a_newer_format_is_refused_in_one_line_every_time(log):
    log.path.write_bytes(log.path.read_bytes().replace(b'"version":1', b'"version":22'))
    for work in (Log(log.path).read, log.read, log.read, lambda: saved(log, "lost?")):
        with pytest.raises(
            NewerFormat, match="got format 22, which a newer postmortem-nb"
        ) as refused:
            work()
        assert "\n" not in str(refused.value)
    assert b"lost?" not in log.path.read_bytes()


@pytest.mark.parametrize(
    "header", [b'{"format":"other","version":1}', b'{"version":0}', b"garbage", b"[]"]
)
def test_a_foreign_header_is_reported_and_the_edits_are_read(log, header):
    saved(log, "kept")
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(header + b"\n" + lines[1])
    values, problems = again(log)
    assert values == ["kept"]
    assert problems == ["line 1 is no header of this format: read as format 1"]


def test_another_file_in_the_same_place_is_read_from_its_beginning(log):
    saved(log, "a", "b", "c")
    log.news()
    older = log.path.with_name("older")
    older.write_bytes(edits._header(DIGEST) + edits._line(edit("checked out")))
    older.replace(log.path)
    generation = log.generation
    assert [each["value"] for each in log.read()] == ["checked out"]
    assert log.generation == generation + 1
    log.path.write_bytes(edits._header(DIGEST) + b"".join(edits._line(edit(n)) for n in range(9)))
    assert [each["value"] for each in log.read()] == list(range(9))


def test_an_edit_is_acknowledged_after_write_and_sync(log, monkeypatch):
    calls = []
    for name in ("write", "fsync", "ftruncate"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *a, name=name, real=real: (calls.append(name), real(*a))[1]
        )
    saved(log, "x")
    assert calls == ["write", "fsync"]


def test_short_writes_are_continued(log, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:7]))
    saved(log, "long enough to need many writes")
    monkeypatch.undo()
    assert again(log) == (["long enough to need many writes"], [])


FAULTS = [
    errno.ENOSPC,
    errno.EIO,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EFBIG,
    "short",
    "none",
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("torn", [False, True])
def test_whatever_call_fails_the_log_is_as_before_or_has_the_edit(
    tmp_path, monkeypatch, fault, torn
):
    """Every call into the system fails once, in turn; the same session then edits on."""
    failed = 0
    for step in range(1, 12):
        log = Log.create(tmp_path / f"{step}.jsonl", DIGEST)
        saved(log, "old")
        if torn:
            with log.path.open("ab") as file:
                file.write(b'{"at":"20')
        log.read()
        before = log.path.read_bytes()
        with monkeypatch.context() as patched:
            count = fail_at(patched, step, fault)
            try:
                saved(log, "new")
                acknowledged = True
            except NotSaved as refused:
                acknowledged, refusal = False, str(refused)
                failed += 1
        values, problems = again(log)
        assert values == ["old", "new"] if acknowledged else values == ["old"]
        assert len(problems) == torn
        if not acknowledged:
            assert log.path.read_bytes() == before
            assert "not saved: " in refusal
            assert "\n" not in refusal
        saved(log, "room again")
        assert again(log)[0] == [*values, "room again"]
        if count() < step:
            break
    else:
        pytest.fail("more calls than swept")
    assert failed >= (0 if fault in ("short", "none") else 5)


def fail_at(patched, step, fault):
    """Let the n-th call of this thread fail; return how many there were."""
    calls, own = [], threading.get_ident()

    def wrapped(name, real):
        def call(*arguments):
            if threading.get_ident() != own:  # what another test left running
                return real(*arguments)
            calls.append(name)
            if len(calls) != step:
                return real(*arguments)
            if fault == "short" and name == "write":
                return real(arguments[0], bytes(arguments[1])[:3])
            if fault == "none" and name == "write":
                return 0
            if isinstance(fault, int):
                if name == "write":
                    real(arguments[0], bytes(arguments[1])[:5])  # some of it went through
                raise OSError(fault, os.strerror(fault))
            return real(*arguments)

        return call

    for name in ("open", "fstat", "lseek", "read", "write", "fsync"):
        patched.setattr(os, name, wrapped(name, getattr(os, name)))
    return lambda: len(calls)


def test_where_nothing_can_be_undone_the_half_line_is_mended_later(log, monkeypatch):
    real = os.write
    saved(log, "old")

    def half(fd, data):
        real(fd, bytes(data)[:20])
        raise OSError(errno.EIO, "gone")

    def stuck(*_):
        raise OSError(errno.EIO, "gone")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        patched.setattr(os, "ftruncate", stuck)
        with pytest.raises(NotSaved, match="the disk reports an error"):
            saved(log, "lost")
    saved(log, "next")
    values, problems = again(log)
    assert values == ["old", "next"]
    assert len(problems) == 1


def test_a_log_that_is_gone_says_so(log):
    log.path.unlink()
    with pytest.raises(NotSaved, match="it is gone: moved or deleted"):
        saved(log, "x")
    with pytest.raises(BundleError, match="cannot be read: it is gone"):
        log.read()
    assert not log.path.exists()


def test_a_lock_that_is_never_given_back_is_said_so(log, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE", 0.05)
    with (
        lock.held(str(log.path.with_name(edits.LOCK))),
        pytest.raises(NotSaved, match="held its lock"),
    ):
        saved(log, "x")
    saved(log, "y")
    assert again(log) == (["y"], [])


def test_a_reader_needs_no_right_to_write(log, monkeypatch):
    saved(log, "x")
    real = os.open

    def reading(path, flags, *mode):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, "read-only")
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", reading)
    assert again(log) == (["x"], [])
    with pytest.raises(NotSaved, match="the folder is read-only"):
        saved(log, "y")


def test_who_writes(monkeypatch):
    monkeypatch.setenv("POSTMORTEM_AUTHOR", "Priya \udcff")
    assert writers.author() == "Priya \N{REPLACEMENT CHARACTER}"
    monkeypatch.delenv("POSTMORTEM_AUTHOR")
    assert writers.author()
    stamp = edits.stamped([{"table": "t"}])[0]
    assert len(stamp["at"]) == len("2025-12-04T14:02:00.000000Z")
    assert stamp["at"].endswith("Z")
