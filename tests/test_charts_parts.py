"""What pictures are made of: units, axes, thinned lines, flags, colours, and the words for all."""

import math
import re
from dataclasses import replace
from datetime import timedelta
from importlib import resources
from itertools import combinations, pairwise

import chart_frames as frames
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from postmortem_nb import captions, charts, units
from postmortem_nb.charts import alarms, card, clock, lines, marks, palette, series, thin, weeks

# ---- units and scales


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.25, "second", "250 ms"),
        (2.4, "second", "2.4 s"),
        (250_000_000, "nanosecond", "250 ms"),
        (3.2e-5, "seconds", "32 µs"),
        (420, "second", "7 min"),
        (2_516_582.4, "byte", "2.4 MiB"),
        (1.5, "mebibyte", "1.5 MiB"),
        (12_500, "request/second", "12.5k req/s"),
        (3.5, "request per second", "3.5 req/s"),
        (1_234, "request", "1,234"),
        (0.0651, "fraction", "6.51 %"),
        (99.95, "percent", "100 %"),
        (1024, "byte/second", "1 KiB/s"),
        (-3, "", "−3"),
        (0, "second", "0"),
    ],
)
def test_values_are_shown_in_the_unit_that_fits(value, unit, words):
    assert units.shown(value, units.read(unit)) == words


@pytest.mark.parametrize(
    ("number", "digits", "words"),
    [
        (37 / 3, 6, "12.3333"),
        (0.3375, 6, "0.3375"),
        (99.9871, 6, "99.9871"),
        (1_234_567.0, 6, "1,234,567"),
        (12_345.0, 4, "12,345"),
        (-1057.4100000000035, 6, "-1,057.41"),
        (999.9999, 3, "1,000"),
        (4.0, 6, "4"),
        (0.0, 6, "0"),
        (2e-07, 6, "2e-07"),
        (float("inf"), 6, "inf"),
        (float("nan"), 6, "nan"),
    ],
)
def test_numbers_are_written_without_powers_of_ten(number, digits, words):
    assert units.numeral(number, digits) == words


def test_units_as_headings():
    assert units.read("request/second").words == "requests per second"
    assert units.read("query").words == "queries"
    assert units.read("second").words == ""
    assert units.read("nonsense\n$x$").words == "nonsense $x$s"


FINITE = st.floats(-1e289, 1e289)


@given(FINITE, FINITE, st.sampled_from(["", "second", "byte", "percent", "ns"]), st.booleans())
def test_a_scale_holds_its_data_and_has_few_ticks(one, other, unit, zero):
    low, high = sorted((one, other))
    scale = units.scale(low, high, units.read(unit), zero=zero)
    assert scale.low <= low <= high <= scale.high
    assert scale.low < scale.high
    assert len(scale.ticks) <= 7
    assert all(scale.low <= value <= scale.high for value, _ in scale.ticks)
    assert not zero or scale.low <= 0 <= scale.high
    assert all(len(words) < 20 for _, words in scale.ticks)


@given(st.floats(1e-9, 1e6), st.floats(1, 1e6))
def test_decades_hold_their_data(low, ratio):
    scale = units.decades(low, low * ratio, units.read("second"))
    assert scale.low <= low * (1 + 1e-9)
    assert scale.high >= low * ratio * (1 - 1e-9)
    assert len(scale.ticks) >= 2


def test_ticks_read_apart():
    """No two ticks of a scale have the same words, small ranges included."""
    for low, high in ((0, 1), (0, 0.02), (10, 10.03), (0, 7), (999, 1001), (0, 1e9), (0.1, 0.13)):
        words = [words for _, words in units.scale(low, high, units.Unit(), zero=low == 0).ticks]
        assert len(set(words)) == len(words) >= 2


@pytest.mark.parametrize(
    ("high", "words"),
    [
        (966, ["0", "250", "500", "750", "1,000"]),
        (4377, ["0", "1,000", "2,000", "3,000", "4,000"]),
        (9000, ["0", "2,000", "4,000", "6,000", "8,000"]),
        (42_000, ["0", "10k", "20k", "30k", "40k"]),
    ],
)
def test_an_axis_counts_in_full_as_far_as_figures_do(high, words):
    assert [shown for _, shown in units.scale(0, high, units.Unit()).ticks] == words


# ---- time


def test_times_are_utc_whatever_their_zone():
    aware = pd.Series(pd.to_datetime(["2025-12-04T14:02:00Z", None], utc=True))
    naive = pd.Series(pd.to_datetime(["2025-12-04T14:02:00", None]))
    elsewhere = aware.dt.tz_convert("Asia/Tokyo")
    for column in (aware, naive, elsewhere):
        found = clock.seconds(column)
        assert found[0] == frames.at(14, 2).timestamp()
        assert math.isnan(found[1])


@given(st.floats(1, 4e9), st.floats(1e-3, 4e9))
def test_ticks_lie_in_the_span(start, length):
    span = clock.Span(start, start + length)
    found = clock.ticks(span, 9)
    assert len(found) <= 30
    assert all(span.start <= tick.at <= span.end for tick in found)


def test_days_are_named_where_they_change():
    span = clock.Span(frames.at(20).timestamp(), frames.at(20).timestamp() + 10 * 3600)
    assert [tick.day for tick in clock.ticks(span, 9) if tick.day] == ["5 Dec"]


@pytest.mark.parametrize(
    ("length", "words"),
    [(60, "second"), (900, "10 seconds"), (3600, "minute"), (86400, "30 minutes")],
)
def test_buckets_are_round(length, words):
    assert clock.spoken(clock.bucket(clock.Span(0, length))) == words


# ---- thinned lines


def noisy(count, seed=3):
    return np.arange(count, dtype=float), np.random.default_rng(seed).standard_normal(
        count
    ).cumsum()


def test_a_thinned_line_keeps_each_columns_extremes():
    """Against a second method: pandas groups by the same columns."""
    x, y = noisy(200_000)
    y[1234], y[150_000] = 9e3, -9e3
    few_x, few_y = thin.thin(x, y, 800)
    assert few_x.size <= 4 * 800 + 4
    column = (x - x[0]) * (800 / (x[-1] - x[0])) // 1
    whole = pd.Series(y).groupby(column).agg(["min", "max", "first", "last"])
    few = pd.Series(few_y).groupby((few_x - x[0]) * (800 / (x[-1] - x[0])) // 1)
    pd.testing.assert_frame_equal(few.agg(["min", "max", "first", "last"]), whole)


def test_a_thinned_line_is_the_same_picture():
    x, y = noisy(60_000)
    y[20_000:26_000] = np.nan
    whole, few = (picture(*line) for line in ((x, y), thin.thin(x, y, 1600)))
    for one, other in ((whole, few), (few, whole)):
        near = one.copy()
        for axis in (0, 1):
            for shift in (-1, 1):
                near |= np.roll(one, shift, axis=axis)
        assert not (other & ~near).any(), "a pixel more than one away from the other picture"
    assert (whole ^ few).mean() < 0.005


def picture(x, y):
    figure = Figure(figsize=(9, 3), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 60_000), ylim=(np.nanmin(y), np.nanmax(y)))
    axes.set_axis_off()
    axes.plot(x, y, color="k", linewidth=1)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., 0] < 128


def test_gaps_survive_thinning_and_pauses_become_gaps():
    x, y = noisy(100_000)
    y[40_000:45_000] = np.nan
    few_x, few_y = thin.thin(x, y, 500)
    assert np.isnan(few_y).sum() == 1
    assert not ((few_x > 40_000) & (few_x < 44_999) & np.isfinite(few_y)).any()
    steady = np.array([0, 60, 120, 180, 240, 3600, 3660.0])
    assert np.isnan(thin.thin(steady, np.ones(7))[1]).sum() == 1
    irregular = np.array([0, 10, 300, 310, 900, 2000, 2001.0])
    assert not np.isnan(thin.thin(irregular, np.ones(7))[1]).any()


def test_a_point_between_two_gaps_is_a_dot():
    x, y = thin.thin(np.arange(5.0), np.array([1, np.nan, 2, np.nan, 3.0]))
    assert thin.alone(x, y)[1].tolist() == [1, 2, 3]


# ---- flags of milestones


@given(
    st.lists(st.tuples(st.floats(1, 8), st.text("abcdefgh ", max_size=40)), min_size=1, max_size=40)
)
def test_flags_never_meet_and_no_pole_crosses_a_name(points):
    stones = [marks.Milestone(x, name, "14:02") for x, name in sorted(points)]
    strip = marks.strip(stones, 8.9, 6.0)
    assert strip.rows <= marks.MOST_ROWS
    assert len(strip.key) <= marks.MOST_KEY_ROWS
    ends = [flag.left + card.width(flag.words, card.SMALL) for flag in strip.flags]
    for (one, end), (other, other_end) in combinations(zip(strip.flags, ends, strict=True), 2):
        if one.row == other.row:
            assert end <= other.left or other_end <= one.left
    if strip.numbered:
        return
    assert len(strip.flags) == len(stones)
    for flag, end in zip(strip.flags, ends, strict=True):
        crossing = [one for one in strip.flags if one.row >= flag.row and flag.left < one.x < end]
        assert not [one for one in crossing if one.x > flag.left + 0.01]
        assert end <= 8.9 + 1e-9


def test_a_name_near_the_right_edge_stands_beside_its_own_pole():
    (flag,) = marks.strip([marks.Milestone(8.8, "Recovered", "16:09")], 8.88, 6.0).flags
    assert flag.left + card.width(flag.words, card.SMALL) < 8.8


# ---- series


def test_names_lose_the_keys_they_share():
    assert series.short_names(["host:a", "host:b"]) == ["a", "b"]
    assert series.short_names(["host:a:1,env:x", "host:b,env:x"]) == ["a:1, x", "b, x"]
    assert series.short_names(["host:a", "env:b"]) == ["host:a", "env:b"]
    assert series.short_names(["host:a,env:x", "host:b,env:x"], "host") == ["a", "b"]
    assert series.short_names(["host:a,env:x", "host:a,env:y"], "host") == [
        "host:a,env:x",
        "host:a,env:y",
    ]


PODS = [f"checkout-api-7d4f9b6c8-{end}" for end in ("x2x9k", "8zq4m", "m4n5b")]
PATHS = [f"/api/v2/tenants/_tenant/{verb}" for verb in ("confirm", "start")]


@pytest.mark.parametrize(
    "names",
    [
        [f"{pod}, prod-eu-west-1" for pod in PODS],
        [f"prod-eu-west-1, {pod}, checkout-api-gateway" for pod in PODS],
        [f"{verb}_{path}, checkout-gateway-prod" for verb in ("get", "post") for path in PATHS],
        [f"pod_name:{pod},kube_cluster_name:prod-eu-west-1" for pod in [*PODS, "other"]],
        [f"checkout/api/v2/tenants/{n}/of/the/largest/customers/orders" for n in range(7)],
        ["checkout", "payments"],
    ],
)
def test_names_that_are_cut_are_still_told_apart(names):
    room = card.width("checkout-api-7…6c8-x2x9k")
    shown = card.fit_apart(names, room)
    assert len(set(shown)) == len(names), shown
    assert all(card.width(name) <= room for name in shown)
    for name, short in zip(names, shown, strict=True):
        assert all(part in name for part in short.split("…")), (name, short)


def test_what_no_font_draws_is_told_once(monkeypatch):
    monkeypatch.setattr(card, "_BOXED", set())
    monkeypatch.setattr(card, "_TOLD", set())
    assert card.drawable("plain") == "plain"
    assert card.undrawn() == ""
    assert card.drawable("a \U00012000 b") == "a □ b"
    assert "draws \U00012000: charts show boxes; install one" in card.undrawn()
    card.drawable("\U00012000")
    assert card.undrawn() == ""


def test_a_font_that_was_installed_since_matplotlib_looked_is_found(monkeypatch):
    other = next(entry for entry in card.fontManager.ttflist if entry.name == "STIXGeneral")
    monkeypatch.setattr(card, "OTHERS", ("STIXGeneral",))
    known = [entry for entry in card.fontManager.ttflist if entry.name != "STIXGeneral"]
    monkeypatch.setattr(card.fontManager, "ttflist", known)
    monkeypatch.setattr(card, "findSystemFonts", lambda: [other.fname, __file__])
    assert card._installed.__wrapped__() == ("STIXGeneral",)


def test_names_that_fit_stay_as_they_are():
    assert card.fit_apart(["a, eu", "b, eu", "a, eu"], 2.0) == ["a, eu", "b, eu", "a, eu"]
    assert card.fit_apart([], 2.0) == []


def test_each_of_many_queries_on_one_axis_is_known_by_its_own_words():
    queries = [
        "p95:a.request{*}",
        "avg:a.request{*}",
        "p95:b.request{env:prod}",
        "max:b.request{*}",
    ]
    columns = {"timestamp": "2025-12-04T14:00Z", "series": "*", "value": 1.0, "unit": "second"}
    frame = pd.DataFrame([{**columns, "query": query} for query in queries])
    frame["timestamp"] = pd.to_datetime(frame["timestamp"])
    (group,) = series.groups(frame)
    assert group.caption == ";  ".join(queries)
    assert [line.name for line in group.lines] == [
        "p95:a.request",
        "avg:a.request",
        "p95:b.request{env:prod}",
        "max:b.request",
    ]


@pytest.mark.parametrize(
    ("query", "unit", "adds"),
    [
        ("sum:trace.hits{*} by {host}.as_count()", "request", True),
        ("sum:aws.elb.bytes{*}", "byte", True),
        ("avg:trace.duration{*} by {host}", "second", False),
        ("p95:trace.duration{*}", "second", False),
        ("sum:trace.duration{*}", "second", False),
        ("max:queue.size{*}", "item", False),
        ("sum:cpu{*}", "percent", False),
    ],
)
def test_only_counts_and_sums_add_up(query, unit, adds):
    assert series.adds_up(query, units.read(unit)) is adds


def test_the_sum_of_the_rest_is_pandas_sum():
    frame = frames.metric(40, "sum:hits{*} by {host}", "request")
    (group,) = series.groups(frame)
    chosen = series.choose(group, 7)
    rest = {line.name for line in chosen.rest}
    names = frame["series"].str.removeprefix("host:")
    expected = frame[names.isin(rest)].groupby("timestamp")["value"].sum(min_count=1)
    np.testing.assert_allclose(chosen.other.y, expected.astype(float))
    assert len(rest) == 33


def test_units_part_panels_and_like_queries_share_one():
    parts = [
        frames.metric(2, "avg:a{*}"),
        frames.metric(2, "avg:b{*}"),
        frames.metric(1, "c", "byte"),
    ]
    found = series.groups(pd.concat(parts, ignore_index=True))
    assert [len(group.lines) for group in found] == [4, 1]


@given(st.lists(st.floats(0, 3), max_size=9))
def test_names_at_line_ends_are_moved_apart(wanted):
    placed = lines.spread(sorted(wanted, reverse=True), 0.175, 0, 3)
    assert all(upper - lower >= 0.175 - 1e-9 for upper, lower in pairwise(placed))
    assert all(-1e-9 <= y <= 3 + 1e-9 for y in placed)


# ---- labels


def test_labels_are_one_short_line():
    assert captions.label("a\n\tb   c") == "a b c"
    assert captions.label("x" * 500, 10) == "x" * 9 + "…"
    assert captions.label("Z" + "\u0301" * 50).count("\u0301") <= 2
    assert captions.middle("abcdefghij", 7) == "abcd…ij"
    assert captions.label("\u200babc\u200d") == "abc"
    assert "\u202e" not in captions.label("\u202eabc")


# ---- colours

LINEAR = {  # Machado, Oliveira and Fernandes 2009, severity 1
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(color):
    rgb = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    scaled = xyz @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(color, behind="#ffffff"):
    light, dark = sorted(
        (linear(c) @ [0.2126, 0.7152, 0.0722] for c in (color, behind)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("eyes", LINEAR)
@pytest.mark.parametrize("colors", [palette.SERIES, tuple(set(palette.STATUS.values()))])
def test_colours_stay_apart_for_all_eyes(eyes, colors):
    seen = [lab(np.asarray(LINEAR[eyes]) @ linear(color)) for color in colors]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 9


TURN = np.array([[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]])
"""CSS: ``hue-rotate(180deg)``."""


def at_night(color):
    """Return a colour as a dark theme of JupyterLab shows it, by the filter of our style sheet."""
    sheet = (resources.files("postmortem_nb") / "forms.css").read_text()
    part = float(re.search(r"filter: invert\(([0-9.]+)\) hue-rotate\(180deg\);", sheet)[1])
    shown = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    turned = np.clip(TURN @ (shown * (1 - part) + (1 - shown) * part), 0, 1)
    return "#" + "".join(f"{round(value * 255):02x}" for value in turned)


def test_colours_stand_out_in_a_dark_theme():
    paper, shade = at_night("#ffffff"), at_night(palette.SHADE)
    lines = (*palette.SERIES, *palette.EVENTS, *palette.STATUS.values(), palette.REST)
    assert all(contrast(at_night(color), paper) >= 3 for color in lines)
    words = (card.INK, card.GREY, palette.WARNING)
    assert all(contrast(at_night(color), paper) >= 4.5 for color in words)
    assert all(contrast(at_night(color), shade) >= 4.5 for color in (card.INK, card.GREY))
    assert all(contrast(at_night(color), paper) >= 4.5 for color in palette.PHASES.values())
    assert contrast(paper, "#111111") < 1.05  # no block in the page


def test_colours_stand_out():
    assert all(contrast(color) >= 3 for color in palette.SERIES)
    assert all(contrast(color) >= 4.5 for color in (card.INK, card.GREY, palette.WARNING))
    assert all(contrast(color) >= 4.5 for color in palette.PHASES.values())  # white names on them
    assert all(contrast(color, palette.SHADE) >= 4.5 for color in (card.INK, card.GREY))
    assert len(set(zip(palette.SERIES, map(str, palette.DASHES), strict=True))) == 7


# ---- words


def test_a_metric_is_told_by_its_own_figures():
    frame = frames.metric(3)
    there = frame.dropna(subset=["value"])
    low, high = there.loc[there["value"].idxmin()], there.loc[there["value"].idxmax()]
    words = charts.describe(frame, window=frames.WINDOW, milestones=frames.MILESTONES)
    for row in (low, high):
        name = row["series"].removeprefix("host:")
        when = row["timestamp"].strftime("%Y-%m-%d %H:%M UTC")
        value = f"{float(row['value']) * 1000:.3g} ms"
        assert f"{value} ({name}) at {when}" in words
    assert "3 series" in words
    assert "2025-12-04 14:02 UTC to 16:09" in words
    assert "Detected 14:19:40" in words


@pytest.mark.parametrize("kind", ["line", "area", "bar"])
def test_a_picture_is_told_as_it_is_drawn(kind):
    frame = frames.metric(1)
    assert f"{kind.capitalize()} chart, 2025-12-04" in charts.describe(frame, kind=kind)


def test_a_name_that_is_too_wide_takes_a_second_line():
    words = "sum(last_5m):sum:trace.checkout.request.errors{*}.as_count() / sum:other{*} > 0.072"
    assert card.fold(words, 100.0) == [words]
    first, second = card.fold(words, 4.0)
    assert f"{first} {second}" == words
    assert max(card.width(first), card.width(second)) <= 4.0
    assert card.fold("48210003 (Payments queue depth)", 1.6)[0] == "48210003 (Payments"
    first, second = card.fold("x" * 400, 2.0)
    assert second.endswith("…")
    assert max(card.width(first), card.width(second)) <= 2.0


def test_rows_are_told_by_their_own_figures():
    frame = frames.logs(900)
    words = charts.describe(frame)
    counts = frame["status"].value_counts()
    fullest = frame.set_index("timestamp").resample("5min").size()
    assert "900 in all" in words
    assert all(f"{status} {count}" in words for status, count in counts.items())
    assert f"most {fullest.max()} from {fullest.idxmax():%Y-%m-%d %H:%M UTC}" in words


def test_spans_events_and_sql_are_told():
    spans = frames.spans(300)
    longest = spans.loc[spans["duration"].idxmax()]
    words = charts.describe(spans)
    assert f"{(spans['status'] == 'error').sum()} with errors" in words
    assert f"longest {longest['duration'] / timedelta(seconds=1):.3g} s" in words
    assert "2 events" in charts.describe(frames.events(["deploy", "rollback"]))
    assert charts.describe(frames.sql(count=[18442])) == "count: 18,442."
    words = charts.describe(frames.sql(service=["a", "b"], n=[3, 9]))
    assert "highest 9 (b), lowest 3 (a)" in words
    assert charts.describe(frames.sql(message=["a", "b"])) == "A table of 2 rows: message."
    assert "Incomplete: HTTP 503 on page 3" in charts.describe(
        frames.logs(9, complete=False, partial="HTTP 503 on page 3")
    )


# ---- revenue by week


def test_of_the_weeks_the_incident_s_own_stands_out():
    """Before: a dotted line behind four others as strong, in the order of their last values."""
    frame = _revenue(impact=60, after=60)
    frame.loc[frame["week"] == 0, "value"] /= 2
    for kind in ("", "area", "bar"):
        (axes,) = (axes for axes in charts.draw(frame, kind=kind).axes if axes.lines)
        named = [text.get_text() for text in axes.figure.texts]
        assert [name for name in named if "week" in name] == ["1 other week", "this week"]
        wide = {
            float(line.get_ydata()[0]): line.get_linewidth()
            for line in axes.lines
            if len(line.get_ydata()) > 9
        }
        assert wide[30] > wide[60]


def _revenue(**parts):
    """Return $60 a minute in this week and the one before, in buckets of these seconds a part."""
    ends = {"impact": ("14:02", "16:09"), "after": ("16:09", "18:09")}
    rows = [
        (moment - pd.Timedelta(days=7 * -week), week, part, float(size))
        for week in (0, -1)
        for part, size in parts.items()
        for moment in pd.date_range(
            *(f"2025-12-04T{clock}Z" for clock in ends[part]), freq=f"{size}s", inclusive="left"
        ).ceil(f"{size}s")
    ]
    frame = pd.DataFrame(rows, columns=["timestamp", "week", "part", "value"])
    frame = frame.assign(query="sum:shop.revenue{*}.as_count()", unit="dollar")
    asked = {"from": "2025-12-04T14:02:00Z", "to": "2025-12-04T16:09:00Z"}
    frame.attrs["evidence"] = {**asked, "arguments": {"deferred": "2h"}}
    return frame


def test_revenue_does_not_jump_where_its_buckets_change_their_width():
    """Before: 30 s of the impact beside 2 min after it, and a recovery of four times the sales."""
    frame = _revenue(impact=30, after=120)
    frame.loc[frame.index[-1], "value"] = 60.0  # cut short by the end of the question
    drawn = weeks.side_by_side(frame)
    assert drawn["value"].tolist() == pytest.approx([60.0] * len(drawn))
    assert {*drawn["unit"]} == {"dollar/minute"}
    assert {*drawn["series"]} == {"this week", "1 week before"}
    steps = drawn[drawn["series"] == "this week"]["timestamp"].diff().dropna()
    assert {*steps} == {pd.Timedelta(minutes=2)}


def test_a_single_amount_of_revenue_stays_an_amount():
    frame = _revenue(impact=60).groupby(["week"], as_index=False).head(1)
    assert weeks.side_by_side(frame)["value"].tolist() == [60.0, 60.0]
    assert {*weeks.side_by_side(frame)["unit"]} == {"dollar"}


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        (">", "alarms above 6"), (">=", "alarms at or above 6"),
        ("<", "alarms below 6"), ("<=", "alarms at or below 6"),
    ],
)  # fmt: skip
def test_a_threshold_says_whether_it_is_itself_an_alarm(sign, words):
    span, nothing = clock.Span(0, 600), np.empty((0, 0))
    made = alarms.Trial("", "", "", "", 6, sign, np.empty(0, np.int64), nothing, 0, (), span, span)
    for figure in alarms.draw(made):
        assert words in {text.get_text() for text in figure.findobj(Text)}


@pytest.mark.parametrize(("sign", "flip", "said"), [
    ("<", 1, "Cut off above: up to 12k."), (">", -1, "Cut off below: down to −12k."),
])  # fmt: skip
def test_what_is_far_on_the_side_that_never_alarms_leaves_room_for_the_threshold(sign, flip, said):
    """A fall by 90 % alarms; 12,000 % after it are a return to what was."""
    seconds = np.arange(0, 6000, 60)
    values = np.where(seconds > 5500, 12_000.0, np.where(seconds > 3000, -90.0, 2.0))
    span = clock.Span(0, 6000)
    made = alarms.Trial(
        "", "", "", "", -50 * flip, sign, seconds, flip * values[None, :], 0, (), span, span
    )
    for figure in alarms.draw(made):
        low, high = figure.axes[0].get_ylim()
        assert high - low < 1000
        assert said in {text.get_text() for text in figure.findobj(Text)}
    plain = replace(made, values=flip * np.minimum(values, 200)[None, :])
    for figure in alarms.draw(plain):
        assert not any("Cut off" in text.get_text() for text in figure.findobj(Text))
