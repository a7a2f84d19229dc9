"""Log patterns: templates, rates and their tests, the sandbox's bad release, hostile lines."""

import time
from math import comb

import hostile
import numpy as np
import pandas as pd
import pytest

from postmortem_nb import (
    Incident,
    change_points,
    evidence,
    log_patterns,
    over_represented,
    search_datadog_logs,
    session,
)
from postmortem_nb.analysis import significance, templates
from postmortem_nb.errors import BadValue

DAY = "2025-12-04"
START, END = pd.Timestamp(f"{DAY}T14:00Z"), pd.Timestamp(f"{DAY}T15:00Z")


@pytest.fixture
def incident(tmp_path):
    return Incident.create("INC-1", tmp_path, start=START, end=END)


def logs(*parts):
    """Return rows: each part is a message, how many, and from when to when (``14:00``)."""
    frames = []
    for message, count, begin, end in parts:
        first, last = (pd.Timestamp(f"{DAY}T{clock}Z") for clock in (begin, end))
        at = first + (last - first) / count * np.arange(count)
        texts = [message.replace("#", str(number)) for number in range(count)]
        frames.append(
            pd.DataFrame(
                {"timestamp": at, "message": pd.Series(texts, dtype=object), "status": "info"}
            )
        )
    frame = pd.concat(frames, ignore_index=True)
    frame["id"] = [f"L{number}" for number in range(len(frame))]
    return frame


def test_new_surging_falling_and_usual(incident):
    frame = logs(
        ("GET /cart # ms", 200, "13:00", "14:00"), ("GET /cart # ms", 210, "14:00", "15:00"),
        ("slow query # rows", 20, "13:00", "14:00"), ("slow query # rows", 300, "14:00", "15:00"),
        ("heartbeat # ok", 90, "13:00", "14:00"), ("heartbeat # ok", 3, "14:00", "15:00"),
        ("pool of 5 exhausted after # ms", 80, "14:10", "14:50"),
        ("once only", 1, "14:30", "14:31"),
    )  # fmt: skip
    found = log_patterns(frame, incident).set_index("pattern")
    assert found["change"].to_dict() == {
        "slow query <*> rows": "surging",
        "pool of <*> exhausted after <*> ms": "new",
        "once only": "usual",
        "GET /cart <*> ms": "usual",
        "heartbeat <*> ok": "falling",
    }
    slow = found.loc["slow query <*> rows"]
    assert (slow["count"], slow["baseline_count"]) == (300, 20)
    assert slow["rate"] == pytest.approx(300 / 60, rel=0.01)
    assert slow["baseline_rate"] == pytest.approx(20 / 60)
    assert slow["ratio"] == pytest.approx(15, rel=0.01)
    assert slow["ratio_low"] < 15 < slow["ratio_high"]
    new = found.loc["pool of <*> exhausted after <*> ms"]
    assert np.isinf(new["ratio"])
    assert new["first_seen"] == new["timestamp"] == pd.Timestamp(f"{DAY}T14:10Z")
    assert new["example"] == "pool of 5 exhausted after 0 ms"
    assert "never before" in new["says"]


def test_rows_without_a_message_are_named(incident):
    """A log of attributes alone: rows without a message surge like any other."""
    frame = logs(("served #", 90, "13:00", "15:00"), ("", 40, "14:10", "14:50"))
    frame.loc[frame.index[-20:], "message"] = [None] * 10 + [" "] * 10
    found = log_patterns(frame, incident)
    assert (found["pattern"].iloc[0], found["count"].iloc[0]) == ("(no message)", 40)
    assert found["says"].iloc[0] == "log pattern new: “(no message)”, 40 lines, never before"


def test_what_is_said_to_be_gone_is_fewer_than_chance(incident):
    frame = logs(("served #", 90, "13:00", "15:00"), ("once only", 1, "13:30", "13:31"),
                 ("beat #", 90, "13:00", "14:00"), ("just now", 1, "14:30", "14:31"))  # fmt: skip
    said = log_patterns(frame, incident).set_index("pattern")["says"]
    assert said["beat <*>"] == "log pattern gone: “beat <*>” (none, 90 before)"
    assert said["once only"] == "log pattern usual: “once only” (none, 1 before)"
    assert said["just now"] == "log pattern usual: “just now”, 1 line, never before"


def test_rates_are_of_the_time_and_not_of_the_rows(incident):
    """Two hours before, one hour in the incident: as many lines are twice the rate."""
    frame = logs(("tick #", 240, "12:00", "14:00"), ("tick #", 240, "14:00", "15:00"))
    row = log_patterns(frame, incident).iloc[0]
    assert row["ratio"] == pytest.approx(2, rel=0.01)
    assert row["change"] == "usual", "its lower bound is below 2"


def test_the_p_value_is_the_binomial_tail():
    """7 in the window, 2 in a baseline of the same length: P(X ≥ 7), X of 9 with ½, by hand."""
    tail = sum(comb(9, k) for k in range(7, 10)) / 2**9
    one = np.ones(1)
    assert significance.rates(7 * one, 2 * one, 0.5, one)[0] == pytest.approx(tail)
    burst = significance.rates(7 * one, 2 * one, 0.5, 3 * one)[0]
    assert burst > tail, "events in bursts of three weigh less"
    assert significance.rates(0 * one, 2 * one, 0.5, one)[0] == 1


def test_what_comes_in_clumps_is_counted_by_clumps():
    """30 slots before with three clumps of 4, 30 in the window: by hand.

    Mean 0.4, squares 3 · 3.6² + 27 · 0.4² = 43.2, so variance over mean is 43.2 / 29 / 0.4 = 3.724.
    With clumps of 40 in the window (squares 4,320, mean 4) both have 4,363.2 / (29 · 4.4) = 34.2:
    more than 1.5 times the largest slot before, 6. Steady lines before, none of it: 1.
    """
    clumps, steady = np.zeros((1, 30)), np.ones((1, 30))
    clumps[0, [3, 12, 25]] = 4
    assert significance.spread(clumps, clumps)[0] == pytest.approx(3.724, abs=0.001)
    assert significance.spread(clumps, 10 * clumps)[0] == 6
    assert significance.spread(steady, 10 * clumps)[0] == 1


def test_clumps_of_all_sizes_are_no_surge(incident):
    """60 times nothing happened: a clump every five minutes, most of a few lines, some of 100."""
    surged = 0
    for seed in range(60):
        random, at, texts = np.random.default_rng(900 + seed), [], []
        for kind in ("retry of a", "lost b", "slow c", "late d"):
            for begin in random.uniform(0, 120, random.poisson(24)):
                many = int(1 + 5 * random.pareto(1.2)) % 400
                at += list(np.minimum(begin + random.exponential(0.5, many), 119.9))
                texts += [f"{kind} {number}" for number in range(many)]
        frame = pd.DataFrame({
            "timestamp": START + pd.to_timedelta(np.array(at) - 60, "min"), "message": texts,
            "status": "info",
        })  # fmt: skip
        surged += bool((log_patterns(frame, incident)["change"] == "surging").any())
    assert surged <= 6  # 5 % of 60 are 3, and 7 or more come up in one of thirty runs


def test_a_burst_of_what_was_steady_surges(incident):
    frame = logs(("tick #", 6, "13:00", "14:00"), ("tick #", 300, "14:10", "14:20"))
    assert log_patterns(frame, incident)["change"].iloc[0] == "surging"


def test_what_begins_shortly_before_the_declared_start_is_no_clump(incident):
    """Declared late: 6 lines of its first two minutes stand in the baseline, 44 in the window."""
    frame = logs(("boom #", 6, "13:58", "14:00"), ("boom #", 44, "14:00", "15:00"),
                 ("tick #", 90, "13:00", "15:00"))  # fmt: skip
    assert log_patterns(frame, incident)["change"].iloc[0] == "surging"


def test_the_ratio_interval_is_clopper_and_pearsons():
    """Nothing in the baseline, 10 in the window: the bound p₀ solves p₀^10 = 0.025."""
    ten = np.array([10.0])
    found = significance.rate_ratio(ten, 0 * ten, 0.5, np.ones(1))
    bound = 0.025 ** (1 / 10)
    assert found.low[0] == pytest.approx(bound / (1 - bound))
    assert np.isinf(found.high[0])


def test_benjamini_and_hochberg_by_hand():
    p = np.array([0.01, 0.04, 0.03, 0.5])
    # sorted 0.01 0.03 0.04 0.5, times 4/rank: 0.04 0.06 0.0533 0.5; then the least from the right
    assert significance.adjusted(p) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])


def test_many_quiet_patterns_give_no_finding(incident):
    """300 kinds of lines at their usual, different rates: hardly one is called new or surging."""
    random = np.random.default_rng(1)
    parts = []
    for kind in range(300):
        rate = random.integers(1, 30)
        for begin, end in (("13:00", "14:00"), ("14:00", "15:00")):
            parts.append((f"kind{kind} event #", max(1, random.poisson(rate)), begin, end))
    words = "abcdefghij"
    parts = [
        (text.replace("kind", "").translate(str.maketrans("0123456789", words)), *rest)
        for text, *rest in parts
    ]
    found = log_patterns(logs(*parts), incident)
    assert len(found) == 300
    assert found["change"].isin(["new", "surging"]).sum() <= 3


def test_a_baseline_pulled_apart(incident):
    week = logs(("GET /cart # ms", 100, "13:00", "14:00"))
    week["timestamp"] -= pd.Timedelta("7D")
    frame = logs(("GET /cart # ms", 100, "14:00", "15:00"), ("boom #", 50, "14:00", "15:00"))
    found = log_patterns(frame, incident, baseline=week).set_index("pattern")
    assert found.loc["boom <*>", "change"] == "new"
    assert found.loc["GET /cart <*> ms", "change"] == "usual"


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("GET /api/cart 200 in 45 ms", "GET /api/cart 200 in <*> ms"),
        ("POST /pay/17 -> 503 (812 ms)", "POST /pay/<*> -> 503 (<*> ms)"),
        ('[GIN] | 502 | 1.2ms | 10.0.0.1 | GET "/x"', '[GIN] | 502 | <*> | <*> | GET "/x"'),
        (
            "Completed 500 Internal Server Error in 31ms",
            "Completed 500 Internal Server Error in <*>",
        ),
        ("request done, responded with 503 in 12 ms", "request done, responded with 503 in <*> ms"),
        (
            "GET /x read 120 rows, wrote 300 | 120 of 300",
            "GET /x read <*> rows, wrote <*> | <*> of <*>",
        ),
        ("pool size 120 -> 140, reads with 300", "pool size <*> -> <*>, reads with <*>"),
        ("took 12ms, 3.5s or 40%", "took <*>, <*> or <*>%"),
        ("from 10.0.0.1:443 at 0xDEADBEEF", "from <*> at <*>"),
        ("user 5c1f0a52-7d0e-5b7e-9a3c-48214821c0de left", "user <*> left"),
        ("deploy v2.48.0 started", "deploy <*> started"),
        ("commit deadbeef12 by a", "commit <*> by a"),
        ("first line\nsecond 2", "first line second <*>"),
        ("", ""),
        ("decade facade", "decade facade"),
        ("size 12.5 KB, free 512 B now", "size <*>, free <*> now"),
        ("block blk_-16 blk_7 blk_9 gone", "block blk_<*> gone"),
        ("boot = -12, left", "boot = <*>, left"),
        ("no route to db-1.prod.example.com:5432", "no route to <*>"),
        ("mail to dana@mail.example.org bounced", "mail to <*> bounced"),
        ("java.io.IOException in com.example.Cart", "java.io.IOException in com.example.Cart"),
        ("Jul 14 15:16:01 web sshd[19939]: closed", "<*> web sshd[<*>]: closed"),
        ("at Sun Jul 17 08:06:12 2005", "at <*>"),
        ("wifi joined 00:0a:95:9d:68:16", "wifi joined <*>"),
        ("pod cart-7d9f8b6c5-x2k9q up", "pod cart-<*>-<*> up"),
        ("utf8mb4 on x86_64", "utf<*>mb<*> on x<*>_<*>"),
        ('"GET /cart HTTP/1.1" 503 1234', '"GET /cart HTTP/<*>" 503 <*>'),
        ("status=503 after 503 ms", "status=503 after <*> ms"),
        ('{"status":504,"count":12}', '{"status":504,"count":<*>}'),
    ],
)
def test_what_changes_from_line_to_line(message, pattern):
    assert templates.masked(message) == pattern


def test_failed_requests_of_an_access_log_are_a_pattern_of_their_own(incident):
    """morgan's and Express' line: the status stands behind the path, without a word before it."""
    frame = logs(("GET /api/orders/# 200 12.5 ms - 51", 400, "13:00", "15:00"),
                 ("GET /api/orders/# 503 3.1 ms - 19", 60, "14:10", "14:50"))  # fmt: skip
    found = log_patterns(frame, incident)
    assert found["says"].iloc[0] == (
        "log pattern new: “GET /api/orders/<*> 503 <*> ms - <*>”, 60 lines, never before"
    )


def test_kinds_stay_and_names_do_not():
    kinds = [f"call failed: {kind}" for kind in ("PoolTimeout", "QueueFull", "KeyError")] * 10
    assert set(templates.mine(kinds)) == set(kinds)
    users = [f"session of {name} closed" for name in map("user{}".format, "abcdefghijklmnopqrst")]
    assert set(templates.mine(users)) == {"session of <*> closed"}


def test_what_stands_before_every_message_makes_no_two_alike():
    """Time, level and logger are the same in all lines; before, they were half of the words."""
    head = "2026-07-12T10:00:01Z INFO shop.Cart trace 4f5e6d7c8b9a0f1e"
    lines = [
        " ".join(
            [head, *(f"{chr(97 + kind)}{chr(97 + place)}{chr(97 + many)}" for place in range(many))]
        )
        for many in range(1, 7)
        for kind in range(15)
    ]
    assert len(set(templates.mine(lines))) == len(lines)


def test_words_of_few_kinds_are_few_patterns_together():
    lines = [f"{a} moved from {b} to {c}" for a in "abc" for b in "defg" for c in "hijk"]
    assert set(templates.mine([f"job {line}" for line in lines])) == {
        f"job {a} moved from {b} to <*>" for a in "abc" for b in "defg"
    }


def test_the_order_of_rows_changes_nothing():
    lines = [f"job {name} of {count} done" for name in "abcdefghijklmno" for count in range(3)]
    there = dict(zip(lines, templates.mine(lines), strict=True))
    back = dict(zip(lines[::-1], templates.mine(lines[::-1]), strict=True))
    assert there == back


def test_hostile_lines_are_mined_and_shown_as_text(incident, tmp_path):
    lines = [payload.replace("#", "") for payload in hostile.TEXTS.values()]
    frame = logs(*[(line, 6, "14:00", "15:00") for line in lines], ("calm #", 9, "13:00", "14:00"))
    found = log_patterns(frame, incident)
    assert len(found) >= 2
    assert found.chart() is not None
    assert not any("\ud800" <= char <= "\udfff" for text in found["pattern"] for char in text)


def test_the_display_of_hostile_lines_holds_text_and_a_table(incident, monkeypatch):
    lines = list(hostile.TEXTS.values())
    frame = logs(*[(line, 9, "14:00", "15:00") for line in lines], ("calm #", 9, "13:00", "14:00"))
    shown = []
    monkeypatch.setattr(session, "display", lambda data, **_: shown.append(data))
    monkeypatch.setattr(session, "_boxed", lambda: None)  # it depends on this machine's fonts
    log_patterns(frame, incident)._ipython_display_()
    assert [next(iter(data)) for data in shown] == ["image/png", "text/html", "text/html"]
    html = "".join(data.get("text/html", "") for data in shown)
    allowed = {"div", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert {each.tag for each in hostile.elements(html)} == allowed


def test_fifty_thousand_different_lines_take_seconds(incident):
    random = np.random.default_rng(1)
    words = np.array([f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(400)])
    lines = [" ".join(words[random.integers(0, 400, 12)]) + f" {n}" for n in range(50_000)]
    at = pd.date_range(f"{DAY}T13:00Z", f"{DAY}T15:00Z", periods=50_000)
    begun = time.process_time()
    log_patterns(pd.DataFrame({"timestamp": at, "message": lines}), incident)
    assert time.process_time() - begun < 20, "nothing repeats: the worst there is"


def test_what_cannot_be_compared_is_refused_in_one_line(incident, tmp_path):
    inside = logs(("x #", 5, "14:00", "15:00"))
    with pytest.raises(BadValue, match="baseline: expected rows before the incident"):
        log_patterns(inside, incident)
    with pytest.raises(BadValue, match="frame: expected rows in the incident"):
        log_patterns(logs(("x #", 5, "12:00", "13:00")), incident)
    with pytest.raises(BadValue, match="frame: expected a column 'text'"):
        log_patterns(inside, incident, column="text")
    with pytest.raises(BadValue, match="incident: expected a time of the step 'Incident Start'"):
        log_patterns(inside, Incident.create("INC-2", tmp_path))


def test_a_frame_without_messages_is_told_what_it_has(incident):
    """Before: "expected a column of the frame, for example message; got 'message'"."""
    whole = logs(("x #", 5, "12:00", "15:00"))
    bare = whole.drop(columns="message")
    says = (
        "expected a column 'message' with the texts of logs, or column= that names it, for example "
        "search_datadog_logs(…); got ['timestamp', 'status', 'id']"
    )
    for frames, thing in (({}, "frame"), ({"baseline": bare}, "baseline")):
        with pytest.raises(BadValue) as refused:
            log_patterns(whole if frames else bare, incident, **frames)
        assert str(refused.value) == f"{thing}: {says}"


@pytest.mark.parametrize("given", ["INC-1", pd.DataFrame({"timestamp": []})])
@pytest.mark.parametrize("call", [change_points, log_patterns, over_represented])
def test_what_is_no_incident_is_refused_in_one_line(call, given):
    with pytest.raises(
        BadValue, match=r"^incident: expected an incident, for example Incident\.op"
    ):
        call(logs(("x #", 5, "12:00", "15:00")).assign(status="error"), given)


class TestSandbox:
    @pytest.fixture
    def incident(self, tmp_path):
        return Incident.create("INC-4821", tmp_path, start=f"{DAY}T14:02Z", end=f"{DAY}T16:09Z")

    @pytest.fixture
    def logs(self, incident):
        asked = search_datadog_logs(
            "service:checkout", f"{DAY}T13:02Z", f"{DAY}T16:09Z", limit=50_000
        )
        folder = incident.path / "evidence"
        evidence.freeze(folder, "checkout_logs", asked, asked.attrs["evidence"])
        return evidence.thaw(folder, "checkout_logs")

    def test_the_bad_release_comes_out_on_top(self, incident, logs):
        found = log_patterns(logs, incident)
        top = found.head(3)["pattern"].tolist()
        assert any("trying again at once" in pattern for pattern in top)
        assert sum("PoolTimeout" in pattern for pattern in top) == 2
        assert (found["change"].head(3) == "new").all()
        counted = logs["message"].str.contains("PoolTimeout").sum()
        pool = found[found["pattern"].str.contains("PoolTimeout")]
        assert pool[["count", "baseline_count"]].to_numpy().sum() == counted

    def test_a_pattern_goes_into_the_timeline_with_its_line(self, incident, logs):
        found = log_patterns(logs, incident)
        row = incident.add_to_timeline(found, 0)
        step = incident["timeline"].loc[row]
        line = logs[logs["id"] == found["id"].iloc[0]].iloc[0]
        assert step["time"].floor("us") == line["timestamp"].floor("us")
        assert step["evidence"] == f"checkout_logs ({line['id']})"
        assert step["finding"].startswith("log pattern new: ")
