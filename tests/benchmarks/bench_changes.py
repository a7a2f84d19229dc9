"""What changed: speed of the three analyses, and change points on a public set of labelled series.

``python tests/benchmarks/bench_changes.py`` prints the speed. With a folder of the Numenta Anomaly
Benchmark (its ``data`` and ``labels``), which is not part of this repository, it also looks at
every labelled window of the AWS and known-cause series as if an incident had been declared there,
and at as wide windows without a label.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from postmortem_nb import Incident, change_points, log_patterns, over_represented

ROWS = 50_000
GROUPS = ("realAWSCloudwatch", "realKnownCause")
START, END = "2025-12-04T14:00Z", "2025-12-04T16:00Z"


def logs(random, kinds):
    """Return logs of two hours before and two hours of an incident, of so many kinds."""
    words = np.array([f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(400)])
    texts = [" ".join(words[random.integers(0, 400, 10)]) for _ in range(kinds)]
    at = pd.date_range("2025-12-04T12:00Z", END, periods=ROWS)
    return pd.DataFrame({
        "timestamp": at,
        "message": [f"{texts[n % kinds]} in {n % 977} ms" for n in range(ROWS)],
        "status": random.choice(["info", "error"], ROWS, p=[0.9, 0.1]),
        "version": random.choice(["v1", "v2"], ROWS),
        "host": random.choice([f"h{n}" for n in range(40)], ROWS),
    })  # fmt: skip


def timed(name, call):
    call()
    spent = []
    for _ in range(3):
        begun = time.perf_counter()
        call()
        spent.append(time.perf_counter() - begun)
    print(f"{name:58} {sorted(spent)[1]:6.2f} s")


def speed():
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        incident = Incident.create("INC-1", folder, start=START, end=END)
        for kinds in (50, ROWS):
            frame = logs(random, kinds)
            timed(f"log_patterns, {ROWS:,} rows of {kinds:,} kinds",
                  lambda frame=frame: log_patterns(frame, incident))  # fmt: skip
        timed(f"over_represented, {ROWS:,} rows", lambda: over_represented(frame, incident))
        for count, step in ((240, "1min"), (20_000, "1min")):
            at = pd.date_range(end="2025-12-04T17:00Z", periods=count, freq=step)
            values = random.normal(size=count)
            values[-180:-60] += 9
            one = pd.DataFrame({"timestamp": at, "value": values, "query": "q", "series": "*"})
            timed(f"change_points, one series of {count:,} values",
                  lambda one=one: change_points(one, incident))  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MiB")


def labelled(root):
    """Print how many labelled windows got a proposal, where, and how many unlabelled ones."""
    windows = json.loads((root / "labels" / "combined_windows.json").read_text())
    labels = json.loads((root / "labels" / "combined_labels.json").read_text())
    seen, quiet = [], []
    for name, spans in windows.items():
        if not name.startswith(GROUPS):
            continue
        frame = pd.read_csv(root / "data" / name)
        frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True)
        stretches = [tuple(pd.Timestamp(one, tz="UTC") for one in span) for span in spans]
        step = frame["timestamp"].diff().median()
        moments = [pd.Timestamp(one, tz="UTC") for one in labels[name]]
        seen += [(proposal(frame, span), span, moments, step) for span in stretches]
        quiet += [proposal(frame, span)["timestamp"] for span in unlabelled(frame, stretches)]
    report(seen, quiet)


def unlabelled(frame, spans):
    """Yield windows as wide as the labelled ones, at least two widths from each, side by side."""
    first, last = frame["timestamp"].iloc[[0, -1]]
    width = spans[0][1] - spans[0][0] if spans else (last - first) / 20
    begin = first + (last - first) * 0.3
    while begin + width < last:
        apart = all(begin + 3 * width < one or begin - 2 * width > two for one, two in spans)
        if apart:
            yield begin, begin + width
        begin += 2 * width


def proposal(frame, span):
    with tempfile.TemporaryDirectory() as folder:
        incident = Incident.create("INC-1", folder, start=span[0], end=span[1])
        return change_points(frame, incident).iloc[0]


def report(seen, quiet):
    known = [one for one in seen if pd.notna(one[0]["timestamp"])]
    inside = [one for one in known if one[1][0] <= one[0]["timestamp"] <= one[1][1]]
    near = [
        found
        for found, _, moments, step in inside
        if any(found["earliest"] - 2 * step <= one <= found["latest"] + 2 * step for one in moments)
    ]
    false = sum(pd.notna(one) for one in quiet)
    print(
        f"{len(seen)} labelled windows: {len(known)} with a proposed start, {len(inside)} of them "
        f"in the window, {len(near)} with the label in the interval or two steps from it"
    )
    print(f"{len(quiet)} windows without a label: {false} with a proposal")


if __name__ == "__main__":
    speed()
    if len(sys.argv) > 1:
        labelled(Path(sys.argv[1]))
