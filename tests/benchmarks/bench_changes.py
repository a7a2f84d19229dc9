"""What changed: speed of the three analyses, and change points on a public set of labelled series.

``python tests/benchmarks/bench_changes.py`` prints the speed. With a folder of the Numenta Anomaly
Benchmark (its ``data`` and ``labels``), which is not part of this repository, it looks at every
labelled window of the AWS and known-cause series as if an incident had been declared there, and at
as wide windows without a label. A folder of Microsoft's Cloud Monitoring Dataset (its ``data``) is
asked likewise, the declared times off by a few steps as people's are. ``--simulated`` draws series
whose true start and end are known, and counts how many of the 95 % intervals hold them.
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


def monitored(root):
    """Print the same for the Cloud Monitoring Dataset: labels up to three steps apart are one."""
    random, found, quiet = np.random.default_rng(5), [], []
    for path in sorted((root / "data").glob("*/*.csv")):
        frame = pd.read_csv(path).rename(columns=str.lower)
        frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True)
        frame = frame.sort_values("timestamp", ignore_index=True)
        on = frame["label"].fillna(0).to_numpy(float) > 0
        places = np.flatnonzero(on)
        runs = np.split(places, np.flatnonzero(np.diff(places) > 3) + 1) if places.size else []
        step = frame["timestamp"].diff().median()
        found += [near_label(frame, run, step, random) for run in runs if run[0] >= LEARNT]
        wide = 60 if step < pd.Timedelta("5min") else 6
        for first in range(max(LEARNT, len(frame) // 5), len(frame) - 4 * wide, len(frame) // 12):
            if not on[max(0, first - 3 * wide) : first + 4 * wide].any():
                begin = frame["timestamp"][first]
                quiet.append(proposed(frame, begin, begin + wide * step, 2 * wide * step))
    known = [each for each in found if pd.notna(each)]
    near = sum(abs(each) <= 2 for each in known)
    print(f"{len(found)} labelled stretches: {len(known)} with a start, {near} within two steps")
    print(f"{len(quiet)} quiet windows: {sum(pd.notna(each) for each in quiet)} with a proposal")


LEARNT = 72
"""Values that must stand before a window."""


def near_label(frame, run, step, random):
    """Return how many steps after the label the proposed start is; NaT where it is unknown."""
    begin, end = frame["timestamp"][run[0]], frame["timestamp"][run[-1]] + step
    off = random.uniform(-1, 1, 2) * max(1.5, 0.15 * ((end - begin) / step))
    one, two = begin + off[0] * step, end + off[1] * step
    if two <= one + step:
        one, two = begin, end
    return (proposed(frame, one, two, 2 * (end - begin) + 6 * step) - begin) / step


def proposed(frame, begin, end, after):
    """Return the proposed start, learnt from eight days before and some time after."""
    at = frame["timestamp"]
    part = frame[(at >= begin - pd.Timedelta(days=8)) & (at <= end + after)]
    return proposal(part.assign(query="q", series="*"), (begin, end))["timestamp"]


SHAPES = {
    "latency, sudden": lambda random, on: random.normal(200, 15, len(on)) + 90 * (on > 0),
    "latency, ten minutes' ramp": lambda random, on: random.normal(200, 15, len(on)) + 120 * on,
    "requests a minute, halved": lambda random, on: random.poisson(np.where(on > 0, 150, 300)),
    "errors a minute, many": lambda random, on: random.poisson(np.where(on > 0, 60, 20)),
    "errors a minute, few": lambda random, on: random.poisson(np.where(on > 0, 4, 0.3)),
    "95th percentile, skewed": lambda random, on: random.lognormal(np.where(on > 0, 0.9, 0), 0.3),
}
"""Shape → values a minute; ``on`` is 0 outside of the impact, rises to 1 in it."""


def simulated(runs=100):
    """Print, by shape, how many edges were proposed and how many intervals hold the true one."""
    random = np.random.default_rng(7)
    at = pd.date_range("2025-12-04T10:00Z", periods=480, freq="1min")
    for name, shape in SHAPES.items():
        frames, truth = [], {}
        for run in range(runs):
            start, end = int(random.integers(225, 256)), int(random.integers(330, 391))
            ramp = 10 if "ramp" in name else 0
            on = np.clip((np.arange(480) - start + 1) / max(1, ramp), 0, 1)
            on[end:] = 0
            truth[f"run:{run}"] = (at[start], at[end])
            values = shape(random, on).astype(float)
            frames.append(pd.DataFrame({"timestamp": at, "value": values, "series": f"run:{run}"}))
        judged(name, pd.concat(frames).assign(query="q"), truth)


def judged(name, frame, truth):
    """Print one shape; the incident is declared from 14:00 to 16:00, minutes off from each run."""
    with tempfile.TemporaryDirectory() as folder:
        found = change_points(frame, Incident.create("INC-1", folder, start=START, end=END))
    for place, edge in enumerate(("impact start", "impact end")):
        mine = found[(found["edge"] == edge) & found["timestamp"].notna()]
        true = [truth[series][place] for series in mine["series"]]
        held = [a <= t <= b for a, b, t in zip(mine["earliest"], mine["latest"], true, strict=True)]
        width = ((mine["latest"] - mine["earliest"]).dt.total_seconds() / 60).median()
        print(
            f"{name:28} {edge:13} {len(mine):4} of {len(truth)} proposed, "
            f"{sum(held):4} hold the truth, median width {width:.0f} min"
        )


if __name__ == "__main__":
    if "--simulated" in sys.argv:
        simulated()
    elif len(sys.argv) > 1 and (Path(sys.argv[1]) / "labels").is_dir():
        labelled(Path(sys.argv[1]))
    elif len(sys.argv) > 1:
        monitored(Path(sys.argv[1]))
    else:
        speed()
