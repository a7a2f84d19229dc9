"""A chart of a million points, ours against matplotlib as it is: time, memory, and the picture.

Both sides end as PNG of the same resolution. Run: python tests/benchmarks/bench_charts.py
"""

import io
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1]))

import chart_frames as frames

from postmortem_nb import charts
from postmortem_nb.charts import thin

POINTS = 1_000_000
ROUNDS = 5
GOAL = 10.0


def million(series):
    """Return a tidy metric frame of a million points, in ``series`` series."""
    each = POINTS // series
    times = pd.date_range(frames.FROM, frames.TO, periods=each).as_unit("us")
    noise = np.random.default_rng(5).standard_normal(POINTS)
    frame = pd.DataFrame(
        {
            "timestamp": np.tile(times.tz_convert(None), series),
            "query": pd.array(["avg:latency{*} by {host}"] * POINTS, dtype="string"),
            "series": pd.array(
                np.repeat([f"host:{n}" for n in range(series)], each), dtype="string"
            ),
            "value": pd.array(0.2 + 0.02 * noise, dtype="Float64"),
            "unit": pd.array(["second"] * POINTS, dtype="string"),
        }
    )
    frame["timestamp"] = frame["timestamp"].dt.tz_localize("UTC")
    frame.loc[[1234, POINTS // 2], "value"] = [9.0, -3.0]
    frame.attrs["evidence"] = frames.evidence("get_datadog_metric")
    return frame


def ours(frame):
    return charts.png(charts.draw(frame, window=frames.WINDOW, milestones=frames.MILESTONES))


def as_is(frame):
    """Draw the same with matplotlib alone: one ``plot`` a series, its own axis of dates."""
    figure = Figure(figsize=(9, 3.6), dpi=200)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, part in frame.groupby("series", sort=False):
        axes.plot(part["timestamp"], part["value"], label=name)
    axes.legend(loc="upper right")  # looking for the best place would cost seconds more
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def measured(draw, frame):
    """Return the median seconds of some rounds, and the bytes of the picture."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        drawn = draw(frame)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[ROUNDS // 2], drawn


def peak(draw, frame):
    """Return the most memory held while drawing, in MiB, in a round of its own."""
    tracemalloc.start()
    draw(frame)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found / 2**20


def extremes_kept(frame):
    """Return whether each series' lowest and highest value are among its drawn points."""
    for _, part in frame.groupby("series"):
        y = part["value"].to_numpy(dtype=float)
        _, few = thin.thin(part["timestamp"].to_numpy("datetime64[us]").astype(float), y)
        if (np.nanmin(few), np.nanmax(few)) != (y.min(), y.max()):
            return False
    return True


def main():
    for draw in (ours, as_is):  # fonts and modules are loaded before the clock runs
        draw(frames.metric())
    slow = False
    for series in (1, 8, 40):
        frame = million(series)
        (our, drawn), (their, theirs) = measured(ours, frame), measured(as_is, frame)
        slow |= their / our < GOAL
        print(f"{POINTS:,} points in {series} series")
        for name, seconds, memory, size in (
            ("  ours            ", our, peak(ours, frame), len(drawn)),
            ("  matplotlib as is", their, peak(as_is, frame), len(theirs)),
        ):
            print(f"{name} {seconds * 1e3:8,.0f} ms {memory:6,.0f} MiB {size / 1024:6,.0f} KiB")
        print(f"  {their / our:.1f} times (goal {GOAL:g}); extremes kept: {extremes_kept(frame)}")
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
