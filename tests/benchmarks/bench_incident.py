"""What an edit and an opening cost, beside the least that they could: one fsync, one parse.

Both sides alternate in one run; printed are medians and their ratio. Exit 1 where a goal is missed.
"""

import json
import os
import statistics
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

from postmortem_nb.incident import Incident

EDITS = 5_000
ROUNDS = 300
OPENINGS = 15


def seconds(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def both(left, right, rounds):
    """Return the median seconds of two ways, taken in turns."""
    pairs = [(seconds(left), seconds(right)) for _ in range(rounds)]
    return [statistics.median(side) for side in zip(*pairs, strict=True)]


def line(job, against, *, ours, theirs, goal):
    ratio = ours / theirs
    print(
        f"{job}: {ours * 1e3:.3f} ms, {against}: {theirs * 1e3:.3f} ms, {ratio:.2f}× (goal {goal}×)"
    )
    return ratio <= goal


def edit_against_fsync(folder):
    """One acknowledged edit against a write of as many bytes and one fsync."""
    incident = Incident.create("INC-EDIT", folder)
    numbers = iter(range(10 * ROUNDS))
    bare = os.open(folder / "bare", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    written = b"x" * 190 + b"\n"

    def synced():
        os.write(bare, written)
        os.fsync(bare)

    def edit():
        incident.set("what_happened", f"Requests failed in wave {next(numbers)}")

    edit()
    ours, theirs = both(edit, synced, ROUNDS)
    os.close(bare)
    return line("one edit acknowledged", "one fsync", ours=ours, theirs=theirs, goal=2)


def opening_against_parsing(folder):
    """A bundle of 5,000 edits opened against json.loads of its lines."""
    incident = Incident.create("INC-OPEN", folder)
    log = incident.path / "incident.jsonl"
    rows = [incident.add("actions", horizon="Immediate", title=f"Action {n}") for n in range(20)]
    made = len(incident.history())
    with log.open("a", encoding="utf-8") as file:
        for n in range(EDITS - made):
            edit = {"at": "2025-12-04T14:02:00.000000Z", "by": "bench", "table": "actions"}
            text = f"Raise the pool's limit and say why: attempt {n}"
            edit |= {"row": rows[n % 20], "name": "description", "value": text}
            print(json.dumps(edit, separators=(",", ":")), file=file)

    def parsed():
        text = log.read_text(encoding="utf-8")
        return [json.loads(each) for each in text.splitlines()]

    def opened():
        return Incident.open(incident.path)

    assert len(opened().history()) == EDITS
    ours, theirs = both(opened, parsed, OPENINGS)
    frame = statistics.median(seconds(lambda: opened()["actions"]) for _ in range(OPENINGS))
    tracemalloc.start()
    opened()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    good = line(f"open {EDITS:,} edits", "json.loads", ours=ours, theirs=theirs, goal=4)
    print(f"  {log.stat().st_size / 1e3:,.0f} kB, peak {peak / 1e6:.1f} MB", end="")
    print(f", with the first DataFrame {frame * 1e3:.1f} ms; open ≤ 100 ms: {ours <= 0.1}")
    return good and ours <= 0.1


def main():
    # beside the repository, not in /tmp: that may be memory, where a sync costs nothing
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:
        return all([edit_against_fsync(Path(folder)), opening_against_parsing(Path(folder))])


if __name__ == "__main__":
    sys.exit(not main())
