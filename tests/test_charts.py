"""Pictures: nothing written over anything, nothing cut off, the same bytes each time."""

import hashlib
import io
import json
import re
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import chart_frames as frames
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from postmortem_nb import charts
from postmortem_nb.charts import card, palette
from postmortem_nb.errors import BadValue

MARKED = {"window": frames.WINDOW, "milestones": frames.MILESTONES}
MANY = {"window": frames.WINDOW, "milestones": [(step, time) for _, step, time in frames.STEPS]}
HOSTILE = [
    "$\\frac{a}{b}$", "line\nbreak\rand\ttab", "x" * 5000, "עברית וטקסט", "🔥🧯 fire", "nul\0nul",
    "\ud800 lone", "\u202eevil\u202c", "<script>alert(1)</script>-->", "Z\u0300" + "\u0301" * 90,
    "", " ", "日本語のサービス名", "﷽﷽﷽", "%s {0} \\", "a,b:c,:,", "\u2028\u2029\x85\x1b[31m",
]  # fmt: skip
SHARED = Path(__file__).parents[1].parent / "shared" / "hostile" / "payloads.json"

COUNT = range(40)
PICTURES = {
    "1 series": lambda: charts.draw(frames.metric(1), **MARKED),
    "2 series": lambda: charts.draw(frames.metric(2), **MARKED, title="How long it took"),
    "7 series": lambda: charts.draw(frames.metric(7), **MARKED),
    "40 series": lambda: charts.draw(frames.metric(40), **MARKED),
    "40 counts": lambda: charts.draw(hits(40), **MARKED),
    "40 counts with gaps": lambda: charts.draw(hits(40, gap=True), **MARKED),
    "3 panels": lambda: charts.draw(panels(), **MARKED),
    "14 milestones": lambda: charts.draw(frames.metric(2), **MANY),
    "logs": lambda: charts.draw(frames.logs(), **MARKED),
    "logs by service": lambda: charts.draw(frames.logs(), by="service", **MANY),
    "part of the logs": lambda: charts.draw(part(), **MARKED),
    "spans": lambda: charts.draw(frames.spans(), **MARKED),
    "6 events": lambda: charts.draw(frames.events([f"deploy {n}" for n in range(6)]), **MARKED),
    "60 events": lambda: charts.draw(frames.events([f"deploy {n}" * 9 for n in range(60)])),
    "a number": lambda: charts.draw(frames.sql(count=[18442])),
    "4 numbers": lambda: charts.draw(frames.sql(a=[1], b_ms=[2.5], c_pct=[3], d=[4e9]), title="t"),
    "bars": lambda: charts.draw(frames.sql(service=list("abc"), n=[3, -1, 2], p95_ms=[1, 2, 3e6])),
    "40 bars": lambda: charts.draw(frames.sql(s=[f"s{n}" * 30 for n in COUNT], n=COUNT)),
    "nothing": lambda: charts.draw(frames.logs(1).iloc[:0], title="Errors"),
    "timeline": lambda: charts.timeline(frames.ROWS, frames.WINDOW, title="What happened when"),
}  # fmt: skip
OVER_DATA = {"6 events", "60 events", "timeline"}  # rows of names beside their own marks


def hits(count, *, gap=False):
    frame = frames.metric(count, "sum:trace.hits{*} by {host}.as_count()", "request")
    frame["value"] = (frame["value"] * 1000).round()
    return frame if gap else frame.assign(value=frame["value"].fillna(0))


def panels():
    parts = [frames.metric(2), hits(3), frames.metric(1, "avg:system.mem.used{*}", "byte")]
    parts[2]["value"] = parts[2]["value"] * 1e10
    return pd.concat(parts, ignore_index=True)


def part():
    frame = frames.logs(900, complete=False, partial="limit reached").iloc[:300]
    frame.attrs["evidence"]["complete"] = False
    return frame


def texts(figure):
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


def said(figure):
    return " | ".join(text.get_text() for text in texts(figure))


def assert_legible(figure, *, over_data=False):
    """No two texts meet, none leaves the card, and none stands over data."""
    with card.style():
        renderer = figure.canvas.get_renderer()
        boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts(figure)]
    assert boxes
    for words, box in boxes:
        inside = 0 <= box.x0 < box.x1 <= figure.bbox.x1 and 0 <= box.y0 < box.y1 <= figure.bbox.y1
        assert inside, f"cut off: {words!r}"
    for place, (words, box) in enumerate(boxes):
        for others, other in boxes[place + 1 :]:
            assert not touching(box, other), f"{words!r} meets {others!r}"
    if not over_data:
        for axes in figure.axes:
            over = [words for words, box in boxes if touching(box, axes.bbox)]
            assert not over, f"over data: {over}"


def touching(one, other):
    return (
        one.x0 < other.x1 - 1
        and other.x0 < one.x1 - 1
        and one.y0 < other.y1 - 1
        and other.y0 < one.y1 - 1
    )


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_written_over_anything(name):
    figure = PICTURES[name]()
    assert_legible(figure, over_data=name in OVER_DATA)
    assert figure.get_size_inches()[0] == 9
    assert figure.dpi == 200


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_question_gives_the_same_bytes(name):
    first, second = PICTURES[name](), PICTURES[name]()
    assert charts.png(first) == charts.png(second)
    assert charts.svg(first) == charts.svg(second)


@pytest.mark.parametrize("name", PICTURES)
def test_few_colours_look_like_all(name):
    """Paper and ink exactly, what lies between them nearly; a picture of nothing too."""
    figure = PICTURES[name]()
    found = Image.open(io.BytesIO(charts.png(figure)))
    canvas = FigureCanvasAgg(figure)
    with charts.card.style():
        canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[:, :, :3]
    shown = np.asarray(found.convert("RGB"))
    assert found.mode == "P"
    assert found.size == drawn.shape[1::-1]
    assert (shown == drawn)[(drawn == drawn[0, 0]).all(axis=2)].all()
    assert np.abs(shown.astype(int) - drawn).mean() < 1.5  # of 255


def test_a_rare_colour_stays_itself():
    """Before: of seven series with few points two pairs had one colour, and none its own."""
    values = [[3 if (at + 9 * each) % 60 == 0 else None for at in range(240)] for each in range(7)]
    figure = charts.draw(sparse(values, [f"h:{each}" for each in range(7)]), kind="line")
    shown = np.asarray(Image.open(io.BytesIO(charts.png(figure))).convert("RGB"))
    there = {"#" + bytes(colour).hex() for colour in np.unique(shown.reshape(-1, 3), axis=0)}
    assert there >= {color.lower() for color in palette.SERIES}


def test_a_value_alone_is_seen_whole_at_the_edge():
    """Before: half a dot of two pixels."""
    dots = [
        line
        for line in charts.draw(sparse([[4]])).axes[0].lines
        if line.get_marker() == "." and len(line.get_xdata())
    ]
    assert [(line.get_clip_on(), line.get_markersize() >= 8) for line in dots] == [(False, True)]


def test_a_picture_of_bare_paper_is_one():
    assert Image.open(io.BytesIO(charts.png(Figure((2, 1), dpi=200)))).size == (400, 200)


def test_other_processes_threads_and_settings_give_the_same_bytes():
    """A reader's own style, another hash seed, four threads at once: the picture is the same."""
    code = (
        "import chart_frames as f, hashlib; from postmortem_nb import charts;"
        "print(hashlib.sha256(charts.png(charts.draw(f.metric(7), window=f.WINDOW,"
        "milestones=f.MILESTONES))).hexdigest())"
    )
    root = Path(__file__).parents[1]
    env = {"PYTHONPATH": f"{root}:{root / 'tests'}", "PYTHONHASHSEED": "7", "MPLBACKEND": "svg"}
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True
    )

    def digest():
        return hashlib.sha256(charts.png(PICTURES["7 series"]())).hexdigest()

    found = [digest()]
    loud = {
        "font.family": "serif",
        "lines.linewidth": 9,
        "axes.facecolor": "k",
        "text.parse_math": True,
    }
    with mpl.rc_context(loud):
        found.append(digest())
        assert mpl.rcParams["lines.linewidth"] == 9
    threads = [threading.Thread(target=lambda: found.append(digest())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {other.stdout.strip()}
    assert len(found) == 6


def test_no_pyplot():
    code = (
        "import sys, chart_frames as f; from postmortem_nb import charts;"
        "charts.png(charts.draw(f.logs())); print('matplotlib.pyplot' in sys.modules)"
    )
    root = Path(__file__).parents[1]
    env = {"PYTHONPATH": f"{root}:{root / 'tests'}"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True
    )
    assert done.stdout.strip() == "False"


def test_drawing_changes_no_frame():
    for make in (lambda: frames.metric(3), frames.logs, frames.spans, panels):
        frame, copy = make(), make()
        charts.draw(frame, **MARKED)
        charts.describe(frame, **MARKED)
        pd.testing.assert_frame_equal(frame, copy)
        assert frame.attrs == copy.attrs


def test_svg_is_one_plain_element():
    drawn = charts.svg(charts.draw(frames.metric(3), title="<script>x</script> -- & ]]>", **MARKED))
    root = ET.fromstring(drawn)  # noqa: S314 - our own text
    assert root.tag.endswith("}svg")
    for banned in ("<!--", "<style", "<script", "<metadata", "<text", "foreignObject", '<g id="'):
        assert banned not in drawn


# ---- what is in the picture


def test_the_incident_its_milestones_the_units_and_utc_are_there():
    figure = charts.draw(frames.metric(2), **MARKED)
    words = said(figure)
    for expected in (
        "incident 14:02–16:09",
        "4 Dec 2025, UTC",
        "14:30",
        "200 ms",
        "Detected 14:19:40",
    ):
        assert expected in words
    for name, _ in frames.MILESTONES:
        assert name in words


def test_many_milestones_are_numbered_and_all_named_in_a_key():
    words = said(charts.draw(frames.metric(2), **MANY))
    for number, (_, step, _) in enumerate(frames.STEPS, 1):
        assert f"{number} {step}" in words


def test_counts_begin_at_zero_and_a_narrow_line_need_not():
    assert charts.draw(frames.logs()).axes[0].get_ylim()[0] == 0
    assert charts.draw(hits(2)).axes[0].get_ylim()[0] == 0
    narrow = frames.metric(1)
    narrow["value"] = 10 + narrow["value"]
    assert charts.draw(narrow).axes[0].get_ylim()[0] > 9


def test_a_gap_stays_a_gap():
    """The first series misses 15 minutes: its line has a break there and no point inside."""
    axes = charts.draw(frames.metric(1)).axes[0]
    line = max(axes.get_lines(), key=lambda line: len(line.get_xdata()))
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    inside = (x > 59 * 60) & (x < 75 * 60)
    assert np.isnan(y[(x >= 59 * 60) & (x <= 75 * 60)]).any()
    assert not np.isfinite(y[inside]).any()


def test_averages_are_never_summed_and_counts_are():
    words = said(charts.draw(frames.metric(40)))
    assert "and 33 more" in words
    assert "other" not in words
    words = said(charts.draw(hits(40)))
    assert "other (33)" in words
    assert "more" not in words


def test_parts_of_a_sum_reach_its_height():
    """The stack of 40 series is as high as the sum that pandas gives."""
    frame = hits(40)
    total = frame.groupby("timestamp")["value"].sum().max()
    low, high = charts.draw(frame).axes[0].get_ylim()
    assert low == 0
    assert high == pytest.approx(total * 1.06)


def filled(figure):
    """Return the rectangles (left, right, top) that a panel of bars is filled with, by colour."""
    return [
        [
            (xy[:, 0].min(), xy[:, 0].max(), xy[:, 1].max())
            for path in made.get_paths()
            if (xy := path.vertices)[:, 1].max() > xy[:, 1].min()
        ]
        for made in figure.axes[0].collections
        if made.get_zorder() == 3
    ]


def sparse(values, names=("*",)):
    minutes = pd.date_range(frames.at(14), periods=len(values[0]), freq="min")
    parts = [
        pd.DataFrame({
            "timestamp": minutes, "query": "sum:x{*} by {h}.as_count()", "series": name,
            "value": pd.array(each, "Float64"), "unit": "request",
        })
        for name, each in zip(names, values, strict=True)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def test_a_value_that_stands_alone_has_its_bar_and_so_has_the_last():
    """Before: bars reached to the next value, so one before a gap, or at the end, had none."""
    none = [None] * 4
    frame = sparse([[3, *none, 5, 6, *none, 2]])
    [bars] = filled(charts.draw(frame, kind="bar"))
    assert [top for *_, top in bars] == [3, 6, 2]
    assert [round(right - left) for left, right, _ in bars] == [60, 120, 60]
    away = frame[frame["value"].notna()]  # nobody says how long a value lasts: slivers
    assert [top for *_, top in filled(charts.draw(away, kind="bar"))[0]] == [3, 5, 6, 2]
    area = charts.draw(frame, kind="area").axes[0]
    dots = [y for line in area.lines if line.get_marker() == "." for y in line.get_ydata()]
    assert dots == [3, 2]


def test_counts_stand_on_one_another_where_one_has_no_value():
    """Before: lines, without a word, as soon as one region had a minute without an error."""
    frame = sparse([[4, 5, None, 2], [None, 1, 1, None]], ("h:a", "h:b"))
    shuffled = frame.dropna().sample(frac=1, random_state=1)
    for each in (frame, shuffled):
        low, high = filled(charts.draw(each, kind="bar"))
        assert max(top for *_, top in low) == 5
        assert max(top for *_, top in high) == 6
        assert charts.describe(each, kind="bar").startswith("Bar chart")
        assert charts.otherwise(each, kind="bar") == ""


def test_an_area_of_counts_is_at_zero_where_none_has_a_value():
    frame = sparse([[4, None, None, None, 2], [None, 1, None, None, None]], ("h:a", "h:b"))
    low = charts.draw(frame.dropna(), kind="area").axes[0].collections[0]
    corners = {tuple(xy) for path in low.get_paths() for xy in path.vertices}
    assert {(0, 4), (240, 2), (120, 0), (180, 0)} <= corners
    assert max(y for x, y in corners if 60 <= x <= 180) == 0


def test_a_kind_that_cannot_be_drawn_is_said():
    """Before: --chart bar of averages and --chart line of logs were passed over in silence."""
    said = charts.otherwise(frames.metric(3), kind="area")
    assert said.startswith("drawn as lines: series stand on one another only where they add up")
    assert charts.otherwise(frames.logs(9), kind="line").startswith("drawn as bars: rows")
    assert charts.otherwise(frames.spans(9), kind="area").startswith("drawn as dots and bars")
    assert charts.otherwise(frames.events(["a"]), kind="line").startswith("drawn as marks")
    assert "no column of times" in charts.otherwise(frames.sql(a=list("ab"), n=[1, 2]), kind="line")
    for frame, kind in ((frames.metric(3), "line"), (frames.logs(9), "bar"), (frames.logs(9), "")):
        assert charts.otherwise(frame, kind=kind) == ""


def test_every_log_is_in_a_bar():
    frame = frames.logs(900)
    axes = charts.draw(frame).axes[0]
    tops = sum(patch.get_height() for patch in axes.patches if patch.get_zorder() == 3)
    assert tops == len(frame)
    words = said(charts.draw(frame))
    for status, count in frame["status"].value_counts().items():
        assert f"{status}  {count}" in words


def test_logs_by_a_tag_and_by_nothing_known():
    assert "2.0  450" in said(charts.draw(frames.logs(900), by="version"))
    with pytest.raises(BadValue, match="service"):
        charts.draw(frames.logs(), by="no such column")


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (frames.metric(3), "a tag of the answer (host), for example host; got 'nosuch'"),
        (frames.metric(1), "the answer has no tags to group by; got 'nosuch'"),
        (frames.sql(region=["a", "b"], n=[3, 1]), "a column of the answer (region, n)"),
    ],
)
def test_a_grouping_that_the_answer_does_not_have_is_refused_with_those_it_has(frame, says):
    with pytest.raises(BadValue, match=re.escape(says)):
        charts.draw(frame, by="nosuch")


def test_sql_is_grouped_by_its_own_column():
    times = pd.date_range("2025-12-04 14:00", periods=2, freq="60s").repeat(2)
    frame = frames.sql(minute=times, region=["a", "b"] * 2, n=[1, 2, 3, 4])
    assert {"a", "b"} <= set(said(charts.draw(frame, by="region")).split(" | "))


def test_incomplete_evidence_says_so_and_hatches_what_is_unknown():
    figure = charts.draw(part())
    assert "Incomplete: limit reached" in said(figure)
    assert any(patch.get_hatch() for patch in figure.axes[0].patches)
    assert not any(patch.get_hatch() for patch in charts.draw(frames.logs()).axes[0].patches)


def hatched(frame):
    return [patch for patch in charts.draw(frame).axes[0].patches if patch.get_hatch()]


@pytest.mark.parametrize(
    ("facts", "sides"),
    [({"sort": "timestamp"}, 1), ({"sort": "-timestamp"}, 1), ({}, 2)],
)
def test_what_lies_before_rows_in_order_of_time_is_known(facts, sides):
    """Before: the minutes before the first of 1,000 logs were hatched as unknown."""
    frame = frames.logs(900, complete=False, partial="limit reached").iloc[300:600]
    frame.attrs["evidence"]["arguments"] = facts
    assert len(hatched(frame)) == sides
    frame.attrs["evidence"]["partial"] = "timed out"
    assert len(hatched(frame)) == 2


def test_sandbox_data_says_so():
    frame = frames.logs(50, sandbox=True)
    assert "sandbox data" in said(charts.draw(frame))
    assert "Sandbox data" in charts.describe(frame)


@pytest.mark.parametrize(
    "answer",
    [
        {"version": ["v2.48.0", "v2.47.3"], "a_count_with_a_rather_long_name" * 3: [374, 19]},
        {"n": [374]},
    ],
)
def test_bars_and_numbers_of_sandbox_data_say_so(answer):
    frame = frames.sql(**answer)
    frame.attrs["evidence"]["sandbox"] = True
    figure = charts.draw(frame)
    assert "sandbox data" in said(figure)
    assert_legible(figure)


def test_bars_are_sorted_and_their_values_whole():
    words = said(charts.draw(frames.sql(service=["a", "b", None], n=[3, 1200, 2])))
    assert "1,200" in words
    assert "unknown" in words
    order = [word for word in words.split(" | ") if word in ("a", "b", "unknown")]
    assert order == ["b", "a", "unknown"]


def test_sql_over_time_is_lines_and_free_text_a_table():
    times = pd.date_range("2025-12-04 14:00", periods=30, freq="60s")  # SQL knows no zone: UTC
    figure = charts.draw(frames.sql(minute=times, errors=range(30), p95_ms=np.arange(30) * 90.0))
    assert len(figure.axes) == 2
    assert "4 Dec 2025, UTC" in said(figure)
    assert charts.draw(frames.sql(message=["a", "b"])) is None


@pytest.mark.parametrize("kind", ["table", "none"])
def test_no_picture_where_none_is_wanted(kind):
    assert charts.draw(frames.logs(), kind=kind) is None


@pytest.mark.parametrize("kind", ["line", "area", "bar"])
def test_each_kind_is_drawn(kind):
    for frame in (hits(3), frames.metric(3), frames.logs(), frames.spans(), frames.events(["x"])):
        assert_legible(charts.draw(frame, kind=kind, **MARKED), over_data="title" in frame)


def test_an_unknown_kind_is_refused():
    with pytest.raises(BadValue, match="line, area, bar"):
        charts.draw(frames.logs(), kind="pie")


@pytest.mark.parametrize(
    "frame",
    [frames.metric(), frames.logs(), frames.spans(), frames.events(["x"]), frames.sql(n=[1])],
)
def test_an_empty_answer_says_so(frame):
    empty = frame.iloc[:0]
    assert "No rows in the window" in said(charts.draw(empty, **MARKED))
    assert charts.describe(empty).startswith("No rows in the window 2025-12-04 13:02 to 17:09 UTC")


def test_rows_without_any_value_or_time():
    frame = frames.metric()
    frame["value"] = frame["value"].mask(frame["value"] > 0)
    assert "No values in the window" in said(charts.draw(frame))
    assert charts.draw(frames.logs(5).assign(timestamp=pd.NaT), **MARKED) is not None


# ---- the timeline


def test_the_first_day_of_the_axis_is_that_of_its_first_mark():
    """The room at the left begins the day before; 00:00 is still the 4th."""
    rows = [
        {"phase": "Detection", "step": "Incident Start", "time": frames.at(0)},
        {"phase": "Mitigation", "step": "Full Recovery", "time": frames.at(0) + timedelta(days=2)},
    ]
    figure = charts.timeline(rows, (rows[0]["time"], rows[1]["time"]))
    words = said(figure)
    assert "4 Dec 2025, UTC" in words
    assert "3 Dec" not in words
    assert "2025-12-04 00:00 to 2025-12-06 00:00 UTC" in words
    assert "incident 4 Dec 00:00–6 Dec 00:00" in words
    assert_legible(figure, over_data=True)


def test_the_timeline_names_every_step_and_phase():
    words = said(charts.timeline(frames.ROWS, frames.WINDOW))
    for phase, step, _ in frames.STEPS:
        assert phase in words
        assert step in words
    assert "Key Discovery 2" in words
    assert "51 minutes" in words  # Mitigation: 15:18 to 16:09


def test_what_happened_before_the_detection_begins_no_investigation():
    early = {"phase": "Investigation", "step": "Key Discovery", "time": frames.at(13, 58, 30)}
    rows = [*frames.ROWS, early | {"finding": "Deploy of checkout v2.48.0 finished"}]
    figure = charts.timeline(rows, frames.WINDOW)
    assert_legible(figure, over_data=True)
    words = said(figure)
    assert "Before the detection" in words
    assert "Key Discovery 3: Deploy of checkout v2.48.0 finished" in words
    assert "46 minutes" in words  # Investigation: 14:26 to 15:12, as without it


def test_the_timeline_takes_a_frame_and_rows_without_time():
    rows = [*frames.ROWS, {"phase": "Post-Incident", "step": "Review", "time": None}]
    figure = charts.timeline(pd.DataFrame(rows), (frames.WINDOW[0], None))
    assert_legible(figure, over_data=True)
    assert "No time yet: Review" in said(figure)
    assert "incident since 14:02" in said(figure)
    assert_legible(charts.timeline([], (None, None)))


# ---- hostile text


def mean_frames(words):
    metric = frames.metric(len(words))
    each = len(metric) // len(words)
    metric["series"] = pd.Series([word for word in words for _ in range(each)], dtype=object)
    metric["query"] = pd.Series([words[0]] * len(metric), dtype=object)
    metric["unit"] = pd.Series([words[-1]] * len(metric), dtype=object)
    logs = frames.logs(60)
    logs["status"] = pd.Series([words[n % len(words)] for n in range(60)], dtype=object)
    rows = frames.sql(name=pd.Series([*words], dtype=object), n=range(len(words)))
    return [(metric, False), (logs, False), (frames.events(words), True), (rows, False)]


def assert_harmless(words):
    stones = [(word, frames.at(14, minute)) for minute, word in enumerate(words)]
    for frame, over_data in mean_frames(words):
        figure = charts.draw(frame, title=words[0], window=frames.WINDOW, milestones=stones)
        assert_legible(figure, over_data=over_data)
        charts.png(figure)
        told = charts.describe(frame, title=words[0], milestones=stones)
        assert told.encode()
        assert len(told) <= 900
        assert "\n" not in told
    rows = [{"phase": word, "step": word, "time": time} for word, time in stones]
    assert_legible(charts.timeline(rows, title=words[-1]), over_data=True)


def test_hostile_text_stays_text():
    for start in range(0, len(HOSTILE), 6):
        assert_harmless(HOSTILE[start : start + 6])


def test_dollar_signs_are_no_mathematics():
    figure = charts.draw(frames.metric(1), title="$12,000 and $50,000")
    assert "$12,000 and $50,000" in said(figure)
    assert not any(text.get_parse_math() for text in texts(figure))


def test_hostile_payloads_of_the_workplace_where_they_are_present():
    """The larger corpus when it lies beside the repository; our own list above always runs."""
    if not SHARED.is_file():
        assert len(HOSTILE) >= 15
        return
    words = [payload["payload"] for payload in json.loads(SHARED.read_text("utf-8"))]
    words = [word for word in words if isinstance(word, str)]
    for start in range(0, len(words), 14):
        figure = charts.draw(frames.events(words[start : start + 14]))
        assert_legible(figure, over_data=True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(st.characters(codec=None), max_size=60), min_size=1, max_size=9))
def test_any_text_is_harmless(words):
    assert_harmless(words)
