"""Long pulls side by side: the same rows in the same order, no request above the announced rate."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from lying import Lying, Say

from postmortem_nb.datadog import pace, pages, search_datadog_logs, slices

BEGUN = datetime(2025, 12, 4, 14, 0, tzinfo=UTC)
WORTH = pages.WORTH_SLICING
WINDOW = {"from_": "2025-12-04T14:00:00Z", "to": "2025-12-04T16:00:00Z"}


def stamp(ms):
    return (BEGUN + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def read(text):
    return round((datetime.fromisoformat(text) - BEGUN).total_seconds() * 1000)


class Store:
    """A log store that answers windows: ``times`` in ms, pages by cursor, counts by interval.

    Each answer takes ``delay`` seconds. ``rate`` is a limit of requests a period, which it
    announces and holds the client to; ``inclusive`` says whether the end of a window is in it, and
    ``part`` whether the last page of a slice says that it is a part.
    """

    def __init__(self, times, *, delay=0.0, rate=None, inclusive=True):
        self.times, self.delay, self.rate, self.inclusive = sorted(times), delay, rate, inclusive
        self.lock = threading.Lock()
        self.used, self.period = 0, time.monotonic()
        self.over = self.searches = 0
        self.fail_after = None
        self.countable = True
        self.part = False

    def __call__(self, heard):
        headers = self._headers()
        if headers is None:
            return Say({"errors": ["Too many requests"]}, 429, {"X-RateLimit-Reset": "1"})
        time.sleep(self.delay)
        if "aggregate" in heard.path:
            if not self.countable:
                return Say({"errors": ["no"]}, 403)
            return Say(self._counts(heard.json), headers=headers)
        self.searches += 1
        if self.fail_after is not None and self.searches > self.fail_after:
            return Say({"errors": ["no"]}, 422)
        body = self._page(heard.json)
        part = self.part and self.searches > pages.BEFORE_SLICES and not body["meta"]
        return Say(body, 206 if part else 200, headers)

    def _headers(self):
        if not self.rate:
            return {}
        limit, seconds = self.rate
        with self.lock:
            now = time.monotonic()
            if now - self.period >= seconds:
                self.used, self.period = 0, now
            if self.used >= limit:
                self.over += 1
                return None
            self.used += 1
            left = seconds - (now - self.period)
            names = {"Limit": limit, "Period": seconds, "Remaining": limit - self.used}
            return {f"X-RateLimit-{k}": v for k, v in names.items()} | {
                "X-RateLimit-Reset": max(1, round(left + 0.5))
            }

    def _within(self, where):
        start, end = read(where["from"]), read(where["to"])
        return [
            (at, ms)
            for at, ms in enumerate(self.times)
            if start <= ms and (ms <= end if self.inclusive else ms < end)
        ]

    def _page(self, body):
        found = self._within(body["filter"])
        if body["sort"].startswith("-"):
            found.reverse()
        begin, size = int(body["page"].get("cursor") or 0), body["page"]["limit"]
        rows = [
            {"id": f"L{at:06d}", "attributes": {"timestamp": stamp(ms), "message": "m"}}
            for at, ms in found[begin : begin + size]
        ]
        more = begin + size < len(found)
        return {"data": rows, "meta": {"page": {"after": str(begin + size)}} if more else {}}

    def _counts(self, body):
        step = int(body["compute"][0]["interval"].removesuffix("s")) * 1000
        counts = {}
        for _, ms in self._within(body["filter"]):
            counts[ms // step] = counts.get(ms // step, 0) + 1
        points = [{"time": stamp(at * step), "value": n} for at, n in sorted(counts.items())]
        return {"data": {"buckets": [{"by": {}, "computes": {"c0": points}}]}}


@pytest.fixture
def ask(monkeypatch):
    """Return a function that pulls from a store, at once side by side or never."""
    servers = []

    def pull(store, *, side_by_side=True, **settings):
        server = Lying(store)
        servers.append(server)
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        monkeypatch.setattr(pages, "WORTH_SLICING", WORTH if side_by_side else 1e9)
        return search_datadog_logs("*", **WINDOW, **settings)

    yield pull
    for server in servers:
        server.__exit__()


def even(count):
    return [at * 7_200_000 // count for at in range(count)]


def burst(count):
    """Most rows within one second in the middle of the window."""
    return [3_600_000 + at % 1000 for at in range(count - 500)] + [at * 14_000 for at in range(500)]


def one_moment(count):
    return [3_600_000] * count


@pytest.mark.parametrize("shape", [even, burst, one_moment])
@pytest.mark.parametrize("sort", ["timestamp", "-timestamp"])
@pytest.mark.parametrize("inclusive", [True, False], ids=["to included", "to excluded"])
def test_slices_give_what_one_pull_gives(ask, shape, sort, inclusive):
    times = shape(16_000)
    one = ask(Store(times, inclusive=inclusive), side_by_side=False, limit=50_000, sort=sort)
    many = ask(Store(times, inclusive=inclusive), limit=50_000, sort=sort)
    assert len(one) == 16_000
    assert many["id"].tolist() == one["id"].tolist()
    assert many.attrs["evidence"]["complete"] is True
    assert many.attrs["evidence"]["warnings"] == []


@pytest.mark.parametrize("sort", ["timestamp", "-timestamp"])
@pytest.mark.parametrize("limit", [13_000, 15_999, 16_000])
def test_a_limit_keeps_the_first_rows_of_the_order(ask, sort, limit):
    times = even(16_000)
    one = ask(Store(times), side_by_side=False, limit=limit, sort=sort)
    many = ask(Store(times), limit=limit, sort=sort)
    assert many["id"].tolist() == one["id"].tolist()
    assert many.attrs["evidence"]["partial"] == one.attrs["evidence"]["partial"]


@pytest.mark.parametrize(("limit", "many"), [(11_999, False), (12_000, True)])
def test_few_rows_still_wanted_are_not_cut_up(ask, monkeypatch, limit, many):
    """Four full pages have come then: 8,000 rows more are worth a count of where they lie."""
    store = Store(even(16_000), delay=0.02)
    with Lying(store) as server:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        assert len(search_datadog_logs("*", **WINDOW, limit=limit)) == limit
        assert (server.most_at_once > 1) is many  # the time it saves: benchmarks/bench_datadog.py
        assert server.most_at_once <= slices.WORKERS


def test_requests_long_on_their_way_count_from_their_end(monkeypatch):
    """The other side begins its period when the first arrives: here at 1.6, until 2.6 s."""
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    allowance = pace.Allowance()

    def ended(left):
        told = {"Limit": "2", "Period": "1", "Remaining": str(left), "Reset": "1"}
        allowance.give({f"X-RateLimit-{name}": value for name, value in told.items()})

    for sent, counted in ((0.0, 0.0), (1.1, 1.6)):
        now[0] = sent
        assert [allowance.take(), allowance.take()] == [0.0, 0.0]
        now[0] = counted
        ended(1)
        ended(0)
    now[0] = 2.3
    assert 0.3 <= allowance.take() <= 0.4
    now[0] = 2.7
    assert allowance.take() == 0.0


def announcing(allowance, *, left, reset, refused=False):
    told = {"Limit": "300", "Period": "3600", "Remaining": str(left), "Reset": str(reset)}
    headers = {f"X-RateLimit-{name}": value for name, value in told.items()}
    allowance.give(headers, refused=refused)


def test_a_second_refusal_waits_as_long_as_the_server_says(monkeypatch):
    """An hour's limit whose end was announced a moment too early: again in 2 s, not in 1 h."""
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    allowance = pace.Allowance()
    for _ in range(3):
        assert allowance.take() == 0.0
        announcing(allowance, left=0, reset=2, refused=True)
        assert 1.9 < allowance.take() < 2.1
        now[0] += 2.1


def test_what_was_asked_half_an_hour_ago_is_not_counted_in_a_new_hour(monkeypatch):
    """The server's hour is over, its new one has all 300: the 290 of before are its, not ours."""
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    allowance = pace.Allowance()
    for sent in range(290):
        assert allowance.take() == 0.0
        announcing(allowance, left=299 - sent, reset=1800)
    now[0] = 1801.0
    for sent in range(100):
        assert allowance.take() == 0.0
        announcing(allowance, left=299 - sent, reset=3600)


@pytest.mark.parametrize("rate", [(10, 1), (30, 2)])
def test_the_announced_rate_is_never_passed(ask, rate):
    store = Store(even(24_000), rate=rate, delay=0.01)
    frame = ask(store, limit=50_000)
    assert len(frame) == 24_000
    assert store.over == 0


def test_what_nobody_counts_is_pulled_in_turn(ask):
    store = Store(even(16_000))
    store.countable = False
    frame = ask(store, limit=50_000)
    assert len(frame) == 16_000
    assert frame.attrs["evidence"]["complete"] is True


def test_a_failure_keeps_what_came_and_says_so(ask):
    store = Store(even(24_000))
    store.fail_after = 12
    frame = ask(store, limit=50_000)
    assert 12_000 - slices.WORKERS * 1000 <= len(frame) <= 12_000
    assert frame["id"].is_monotonic_increasing
    assert frame.attrs["evidence"]["partial"].startswith("HTTP 422 on page ")


def test_a_slice_that_says_it_is_a_part_leaves_the_whole_partial(ask):
    store = Store(even(16_000))
    store.part = True
    frame = ask(store, limit=50_000)
    assert frame.attrs["evidence"]["complete"] is False
    assert frame.attrs["evidence"]["partial"].startswith("HTTP 206, a part of the answer on page ")


def test_an_interruption_keeps_what_came(ask, monkeypatch):
    store = Store(even(24_000), delay=0.02)
    monkeypatch.setattr(pages.Teller, "came", interrupting(pages.Teller.came, at=9_000))
    frame = ask(store, limit=50_000)
    assert 4_000 < len(frame) < 24_000
    assert frame.attrs["evidence"]["partial"].startswith("interrupted on page ")


def interrupting(came, at):
    def told(self, rows):
        came(self, rows)
        if self.rows >= at:
            raise KeyboardInterrupt

    return told
