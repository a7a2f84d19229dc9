"""Crash, crowd, full disk, read-only folder, damage: what was acknowledged is there afterwards.

The writers are real processes (`writers`), killed by SIGKILL, each by its own id.
"""

import contextlib
import errno
import json
import os
import random
import shutil
import subprocess
import sys
import time

import pytest
import writers

from postmortem_nb.errors import BundleError, NotSaved
from postmortem_nb.incident import Incident

KILLS = 200
FLIPS = 300
CUTS = 150
SEED = 4821


@pytest.fixture
def path(tmp_path):
    return Incident.create("INC-4821", tmp_path).path


def ever(incident):
    """Return every value that was ever set."""
    return set(incident.history()["new"].dropna())


def test_after_every_kill_each_acknowledged_edit_is_there(tmp_path):
    """200 writers, each killed at a random moment, often in the middle of a long write."""
    chance = random.Random(SEED)  # noqa: S311 - moments, not secrets
    acknowledged = lost = torn = 0
    for kill in range(KILLS):
        if kill % 10 == 0:
            path = Incident.create(f"INC-{kill}", tmp_path).path
        process, reports = writers.started(writers.endless, path, f"w{kill}")
        reported = [reports.recv()]
        time.sleep(chance.uniform(0, 0.03))
        process.kill()
        process.join()
        with contextlib.suppress(EOFError):
            while True:
                reported.append(reports.recv())
        incident = Incident.open(path)
        there = {text[:40] for text in ever(incident)}
        lost += sum(text not in there for text in reported)
        torn += bool(incident.problems)
        acknowledged += len(reported)
        incident.set("why_it_happened", f"after kill {kill}")
        assert Incident.open(path).value("why_it_happened") == f"after kill {kill}"
    print(f"{KILLS} kills, {acknowledged} acknowledged, {lost} lost, {torn} with a torn line")
    assert lost == 0
    assert acknowledged >= KILLS


def test_killed_at_every_call_into_the_system(tmp_path):
    """Before each call, and in the middle of the write: the edit is there or it is not."""
    reached = 0
    for step in range(1, 30):
        path = Incident.create(f"INC-{step}", tmp_path).path
        Incident.open(path).set("what_happened", "before")
        process, reports = writers.started(writers.killed_at, path, step, SEED + step)
        process.join()
        acknowledged = reports.poll() and process.exitcode == 0
        incident = Incident.open(path)
        assert incident.value("what_happened") in ("before", f"step {step}")
        incident.set("why_it_happened", "next")
        assert Incident.open(path).value("why_it_happened") == "next"
        if acknowledged:
            assert incident.value("what_happened") == f"step {step}"
            break
        reached += 1
    assert reached >= 8  # opens, locks, writes, syncs and closes were all cut


def test_two_programs_at_once_lose_nothing(path):
    count = 1_000
    begun = time.monotonic()
    both = [writers.started(writers.thousand, path, name, count) for name in ("a", "b")]
    for process, reports in both:
        reports.recv()
        process.join()
        assert process.exitcode == 0
    incident = Incident.open(path)
    wanted = {f"{name}:{n}" for name in "ab" for n in range(count)}
    assert wanted <= ever(incident)
    rows = incident.values("takeaways")
    assert len({row["row"] for row in rows}) == count
    assert {row["text"] for row in rows} == {
        f"{name}:{n}" for name in "ab" for n in range(1, count, 2)
    }
    assert incident.problems == []
    assert time.monotonic() - begun < 30


def test_two_kernels_see_each_others_edits_at_their_next_read(path):
    ours, theirs = Incident.open(path), Incident.open(path)
    heard = []
    ours.on_change(heard.extend)
    row = theirs.add("takeaways", text="from the other kernel")
    assert heard == []
    assert ours.values("takeaways") == [{"row": row, "text": "from the other kernel"}]
    assert [each["row"] for each in heard] == [row, row]
    assert ours.refresh() is False
    ours.set("text", "changed here", table="takeaways", row=row)
    assert theirs["takeaways"].loc[row, "text"] == "changed here"
    assert theirs.refresh() is False


def test_no_room_where_a_file_may_not_grow(path):
    process, reports = writers.started(writers.starved, path)
    refusal, done, left = reports.recv()
    assert "not saved: the file may not grow" in refusal
    assert "\n" not in refusal
    assert left.endswith(b"}\n")
    assert 1 <= done < 100
    assert reports.recv() == f"edit {done - 1} " + "x" * 40  # the last acknowledged one
    process.join()
    assert Incident.open(path).value("what_happened") == "room again"
    assert Incident.open(path).problems == []


def test_no_room_on_a_disk(tmp_path, monkeypatch):
    """A disk of 1 MB, filled up; where nobody may mount one, the same from the system's calls."""
    with small_disk(tmp_path / "disk", monkeypatch) as disk:
        incident = Incident.create("INC-1", disk.folder)
        incident.set("what_happened", "before")
        disk.fill()
        with pytest.raises(NotSaved, match="no space left on the disk; free some"):
            endlessly(incident)
        held = incident.value("what_happened")
        assert Incident.open(incident.path).value("what_happened") == held
        assert (incident.path / "incident.jsonl").read_bytes().endswith(b"}\n")
        with pytest.raises(NotSaved, match="INC-2"):
            Incident.create("INC-2", disk.folder)
        assert not (disk.folder / "INC-2").exists()
        disk.free()
        incident.set("what_happened", "room again")
        assert Incident.open(incident.path).value("what_happened") == "room again"
        disk.write_protect()
        with pytest.raises(NotSaved, match="the folder is read-only"):
            incident.set("what_happened", "refused")
        protected = Incident.open(incident.path)
        assert protected["incident"].loc["incident", "what_happened"] == "room again"
        assert protected.problems == []
        with pytest.raises(NotSaved, match="read-only"):
            Incident.create("INC-3", disk.folder)


def endlessly(incident):
    for n in range(2_000):
        incident.set("what_happened", f"{n}" + "x" * 2_000)


class Mounted:
    """A real disk of 1 MB, in memory."""

    def __init__(self, folder):
        self.folder = folder

    def fill(self):
        with (self.folder / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)

    def free(self):
        (self.folder / "filler").unlink()

    def write_protect(self):
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)


class Pretended:
    """Calls into the system that refuse as a full or read-only disk does."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.patch = folder, monkeypatch
        self.real = {name: getattr(os, name) for name in ("write", "open", "mkdir")}

    def fill(self):
        self.patch.setattr(os, "write", self._refuse("write", errno.ENOSPC))
        self.patch.setattr(os, "mkdir", self._refuse("mkdir", errno.ENOSPC))

    def free(self):
        for name, function in self.real.items():
            self.patch.setattr(os, name, function)

    def write_protect(self):
        self.patch.setattr(os, "open", self._reading)
        self.patch.setattr(os, "mkdir", self._refuse("mkdir", errno.EROFS))

    def _refuse(self, name, code):
        def call(*arguments, **_):
            if name == "write":
                self.real[name](arguments[0], bytes(arguments[1])[:9])
            raise OSError(code, os.strerror(code))

        return call

    def _reading(self, path, flags, *mode, **more):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return self.real["open"](path, flags, *mode, **more)


@contextlib.contextmanager
def small_disk(folder, monkeypatch):
    """Give a disk that can be filled: a mounted one where we may, else pretended calls."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "postmortem-test", folder]
    may = shutil.which("mount") and subprocess.run(mount, check=False, capture_output=True)
    if not may or may.returncode:
        yield Pretended(folder, monkeypatch)
        return
    try:
        yield Mounted(folder)
    finally:
        subprocess.run(["umount", folder], check=True)


def test_the_pretended_disk_refuses_as_the_real_one(tmp_path, monkeypatch):
    """The way that is taken without rights to mount is shown to work everywhere."""
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    test_no_room_on_a_disk(tmp_path, monkeypatch)


def test_a_folder_that_moved_away_keeps_what_is_known(path, tmp_path):
    incident = Incident.open(path)
    incident.set("title", "Checkout down")
    path.rename(tmp_path / "renamed")
    with pytest.raises(NotSaved, match="gone: moved or deleted; open the incident again"):
        incident.set("title", "lost")
    assert incident.value("title") == "Checkout down"
    assert "cannot be read" in incident.problems[0]
    moved = Incident.open(tmp_path / "renamed")
    assert moved.value("title") == "Checkout down"
    assert moved.id == "INC-4821"
    (tmp_path / "renamed").rename(path)
    incident.set("title", "back")
    assert incident.problems == []


def test_an_older_version_that_is_checked_out_is_what_counts(path):
    incident = Incident.open(path)
    incident.add("takeaways", text="old")
    older = (path / "incident.jsonl").read_bytes()
    incident.add("takeaways", text="new")
    (path / "checkout").write_bytes(older)
    (path / "checkout").replace(path / "incident.jsonl")
    assert [row["text"] for row in incident.values("takeaways")] == ["old"]
    assert "new" not in ever(incident)
    incident.add("takeaways", text="newer")
    assert [row["text"] for row in Incident.open(path).values("takeaways")] == ["old", "newer"]


def damaged_log(path):
    """Return the log of an incident with many values, and each value's line."""
    incident = Incident.open(path)
    for n in range(20):
        incident.add("takeaways", text=f"takeaway {n:02}")
    for name in ("what_happened", "why_it_happened", "what_we_did"):
        incident.set(name, f"value of {name}")
    log = path / "incident.jsonl"
    return log, log.read_bytes()


def values_of(path):
    incident = Incident.open(path)
    texts = [row["text"] for row in incident.values("takeaways")]
    facts = [
        incident.value(n)
        for n in ("what_happened", "why_it_happened", "what_we_did", "incident_id")
    ]
    return texts, facts, incident.problems


def test_any_flipped_byte_is_reported_or_harmless(path):
    log, whole = damaged_log(path)
    texts, facts, problems = values_of(path)
    assert problems == []
    version = whole.index(b'"version":1') + len(
        b'"version":'
    )  # a newer version is refused: its own test
    chance = random.Random(SEED)  # noqa: S311
    reported = 0
    for _ in range(FLIPS):
        place = chance.choice([n for n in range(len(whole)) if n != version])
        flipped = bytes([whole[place] ^ 1 << chance.randrange(8)])
        log.write_bytes(whole[:place] + flipped + whole[place + 1 :])
        now_texts, now_facts, problems = values_of(path)
        hit = whole.count(b"\n", 0, place)
        assert problems or (now_texts, now_facts) == (texts, facts)
        lost = [text for text in texts if text not in now_texts and text is not None]
        assert len(lost) <= 2, hit  # a line end that is gone makes one line of two
        reported += bool(problems)
    assert reported >= FLIPS * 0.8  # the rest hit a checksum's name or spelling: nothing changed


def test_any_cut_keeps_every_line_before_it(path):
    log, whole = damaged_log(path)
    chance = random.Random(SEED)  # noqa: S311
    for _ in range(CUTS):
        cut = chance.randrange(len(whole))
        log.write_bytes(whole[:cut])
        incident = Incident.open(path)
        lines = whole[:cut].split(b"\n")[1:-1]
        kept = {json.loads(line).get("value") for line in lines} - {None}
        assert kept <= ever(incident)
        torn = whole[cut - 1 : cut] != b"\n" and whole[cut : cut + 1] != b"\n"
        assert bool(incident.problems) == (torn or cut == 0)
        incident.set("what_happened", f"edited after a cut at {cut}")
        assert Incident.open(path).value("what_happened") == f"edited after a cut at {cut}"


def test_pieces_of_other_files_do_not_stop_the_reading(path):
    log, whole = damaged_log(path)
    chance = random.Random(SEED)  # noqa: S311
    for _ in range(50):
        place, length = chance.randrange(len(whole)), chance.randrange(400)
        log.write_bytes(whole[:place] + chance.randbytes(length) + whole[place + length :])
        with contextlib.suppress(BundleError):  # the header may now name a newer version
            incident = Incident.open(path)
            assert all(len(line) < 500 and "\n" not in line for line in incident.problems)
            incident.set("what_happened", "still editable")


def test_opening_and_reading_write_nothing(path):
    before = {each: each.stat().st_mtime_ns for each in [path, *path.rglob("*")]}
    incident = Incident.open(path)
    incident.values("actions")
    incident.history()
    incident.stats()
    incident.refresh()
    assert {each: each.stat().st_mtime_ns for each in [path, *path.rglob("*")]} == before


FORKED = """
import os, sys, threading
from postmortem_nb import Incident
incident = Incident.open(sys.argv[1])
held, go = threading.Event(), threading.Event()
def hold():
    with incident.lock:
        held.set(); go.wait()
threading.Thread(target=hold).start()
held.wait()
child = os.fork()          # while another thread holds the incident's lock
if child == 0:
    incident.add("takeaways", text="child")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
go.set()
incident.add("takeaways", text="parent")
"""


def test_a_forked_child_edits_beside_its_parent(path):
    ran = subprocess.run(
        [sys.executable, "-c", FORKED, path],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert [row["text"] for row in Incident.open(path).values("takeaways")] == ["child", "parent"]
