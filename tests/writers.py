"""Other programs that write a bundle: run in processes of their own, killed, starved of disk.

They are started from one fork server that has imported the package once: starting one takes
milliseconds, so hundreds can be killed in a test.
"""

import itertools
import multiprocessing
import os
import random
import resource
import signal
from pathlib import Path

from postmortem_nb.errors import NotSaved
from postmortem_nb.incident import Incident

LIMIT = 600
"""Bytes that a starved writer may add."""


def context():
    """Return the way to start writers."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["postmortem_nb.incident"])
    return found


def started(work, *arguments):
    """Start a writer; return its process and the end of the pipe on which it reports."""
    ours, theirs = context().Pipe(duplex=False)
    process = context().Process(target=work, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def endless(reports, path, name):
    """Edit for ever and report each edit once it is acknowledged; some are long."""
    incident = Incident.open(path)
    for number in itertools.count():
        text = f"{name}:{number}:" + "x" * (200_000 if number % 7 == 6 else number % 90)
        if number % 3:
            incident.set("what_happened", text)
        else:
            incident.add("takeaways", text=text)
        reports.send(text[:40])


def thousand(reports, path, name, count):
    """Make edits as fast as possible beside another writer."""
    incident = Incident.open(path)
    for number in range(count):
        if number % 2:
            incident.add("takeaways", text=f"{name}:{number}")
        else:
            incident.set("what_happened", f"{name}:{number}")
    reports.send(len(incident.history()))


def starved(reports, path):
    """Edit until the file may not grow any further, then with room again."""
    incident = Incident.open(path)
    log = Path(path) / "incident.jsonl"
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + LIMIT, resource.RLIM_INFINITY))
    done = 0
    try:
        for done in range(100):
            incident.set("what_happened", f"edit {done} " + "x" * 40)
    except NotSaved as refused:
        reports.send((str(refused), done, log.read_bytes()))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    reports.send(incident.value("what_happened"))
    incident.set("what_happened", "room again")


def killed_at(reports, path, step, seed):
    """Edit with a kill at one call into the system, in the middle of it where it writes."""
    incident = Incident.open(path)
    calls = itertools.count(1)
    real = {name: getattr(os, name) for name in ("open", "write", "fsync", "close")}

    def killing(name):
        def call(*arguments):
            if next(calls) == step:
                if name == "write":
                    cut = random.Random(seed).randrange(len(arguments[1]))  # noqa: S311
                    real["write"](arguments[0], bytes(arguments[1])[:cut])
                os.kill(os.getpid(), signal.SIGKILL)
            return real[name](*arguments)

        return call

    for name in real:
        setattr(os, name, killing(name))
    incident.set("what_happened", f"step {step}")
    for name, function in real.items():
        setattr(os, name, function)
    reports.send("acknowledged")
