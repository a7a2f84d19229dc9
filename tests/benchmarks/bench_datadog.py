"""Pulling from Datadog: ours against the official client's documented way, and against the bytes.

Every side runs in a process of its own, over the same pages from a loopback server, in turn,
several rounds; printed are medians of wall and CPU time, growth of memory, and their ratios.

    python tests/benchmarks/bench_datadog.py [--logs 100000] [--rounds 3] [--full]

The documented way takes a minute for 100,000 logs; without ``--full`` it pulls a tenth of them and
its time is multiplied by ten (said beside the figure; its memory is not).
"""

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
WINDOW = {"from_": "2025-12-04T14:00:00Z", "to": "2025-12-04T16:00:00Z"}
GOALS = {  # what the project promises: ratio, and whether it is a least or a most
    "documented way / ours": (30, "at least"),
    "ours / bytes + orjson.loads": (1.2, "at most"),
    "ours, 100 ms a page / one page after the other": (1 / 3, "at most"),
    "typed client / ours, metrics v1": (45, "at least"),
    "typed client / ours, metrics v2": (20, "at least"),
}


def documented(limit):
    """Pull as the official client's examples do: typed pages, dictionaries, json_normalize."""
    import pandas as pd  # noqa: PLC0415
    from datadog_api_client import ApiClient, Configuration  # noqa: PLC0415
    from datadog_api_client.v2.api.logs_api import LogsApi  # noqa: PLC0415
    from datadog_api_client.v2.model.logs_list_request import LogsListRequest  # noqa: PLC0415
    from datadog_api_client.v2.model.logs_list_request_page import (  # noqa: PLC0415
        LogsListRequestPage,
    )
    from datadog_api_client.v2.model.logs_query_filter import LogsQueryFilter  # noqa: PLC0415

    where = LogsQueryFilter(query="*", _from=WINDOW["from_"], to=WINDOW["to"])
    body = LogsListRequest(filter=where, page=LogsListRequestPage(limit=1000))
    rows = []
    with ApiClient(Configuration(host=os.environ["POSTMORTEM_DATADOG_URL"])) as client:
        for log in LogsApi(client).list_logs_with_pagination(body=body):
            rows.append(log.to_dict())
            if len(rows) >= limit:
                break
    return len(pd.json_normalize(rows))


def plain(limit):
    """Return how many rows orjson reads of the same pages; nothing is kept."""
    import orjson  # noqa: PLC0415
    import urllib3  # noqa: PLC0415

    pool, rows, cursor = urllib3.PoolManager(), 0, None
    while rows < limit:
        page = {"limit": 1000} | ({"cursor": cursor} if cursor else {})
        where = {"query": "*", "from": WINDOW["from_"], "to": WINDOW["to"]}
        answer = pool.request(
            "POST",
            os.environ["POSTMORTEM_DATADOG_URL"] + "/api/v2/logs/events/search",
            body=orjson.dumps({"filter": where, "page": page, "sort": "timestamp"}),
            headers={"Accept-Encoding": "gzip", "Content-Type": "application/json"},
        )
        found = orjson.loads(answer.data)
        rows += len(found["data"])
        cursor = found["meta"].get("page", {}).get("after")
        if not cursor:
            break
    return rows


def ours(limit, **settings):
    """Pull with this package: a frame, its record and digest included."""
    from postmortem_nb import search_datadog_logs  # noqa: PLC0415

    return len(search_datadog_logs("*", **WINDOW, limit=limit, **settings))


def in_turn(limit):
    """Pull with this package, never side by side."""
    from postmortem_nb.datadog import pages  # noqa: PLC0415

    pages.WORTH_SLICING = float("inf")
    return ours(limit)


def typed_metrics(version):
    """Return how many rows the typed client's answer makes as the same tidy frame."""
    import pandas as pd  # noqa: PLC0415
    from datadog_api_client import ApiClient, Configuration  # noqa: PLC0415
    from datadog_api_client.v1.api.metrics_api import MetricsApi as First  # noqa: PLC0415
    from datadog_api_client.v2.api.metrics_api import MetricsApi as Second  # noqa: PLC0415

    asked = "avg:m{*} by {host}"
    with ApiClient(Configuration(host=os.environ["POSTMORTEM_DATADOG_URL"])) as client:
        if version == 1:
            found = First(client).query_metrics(_from=1764856800, to=1764864000, query=asked)
            points = [
                (point.value[0], asked, ",".join(series.tag_set), point.value[1], "second")
                for series in found.series
                for point in series.pointlist
            ]
        else:
            query = {"name": "a", "data_source": "metrics", "query": asked}
            inner = {"from": 1764856800000, "to": 1764864000000, "queries": [query]}
            body = {"data": {"type": "timeseries_request", "attributes": inner}}
            found = Second(client).query_timeseries_data(body=body).data.attributes
            lists = zip(found.series.value, found["values"].value, strict=True)
            points = [
                (at, asked, ",".join(series.group_tags.value), value, "second")
                for series, row in lists
                for at, value in zip(found.times.value, row.value, strict=True)
            ]
    frame = pd.DataFrame(points, columns=["timestamp", "query", "series", "value", "unit"])
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms", utc=True)
    return len(frame)


def our_metrics(_version):
    from postmortem_nb import get_datadog_metric  # noqa: PLC0415

    return len(get_datadog_metric("avg:m{*} by {host}", **WINDOW))


SIDES = {
    "documented": documented,
    "plain": plain,
    "ours": ours,
    "all fields": lambda limit: ours(limit, extra_fields=["*"]),
    "in turn": in_turn,
    "typed metrics": typed_metrics,
    "our metrics": our_metrics,
}


def side(name, amount, repeats):
    """Run one side in this process and print what it took: memory of the first, time of the rest.

    The documented way is run once and both are taken from that run.
    """
    run = SIDES[name]
    run(1)
    before = peak()
    walls, cpus = [], []
    for number in range(repeats + 1):
        cpu, wall = time.process_time(), time.perf_counter()
        rows = run(amount)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        if number == 0:
            growth = peak() - before
        if name == "documented":
            break
    figures = {"rows": rows, "growth": growth}
    figures |= {"wall": statistics.median(walls[1:] or walls)}
    figures |= {"cpu": statistics.median(cpus[1:] or cpus)}
    print(json.dumps(figures))


def peak():
    """Return the most memory this process has held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextlib.contextmanager
def server(*options):
    command = [sys.executable, str(HERE / "loopback.py"), *map(str, options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        yield run.stdout.readline().strip()
        run.stdin.close()


def measured(url, name, amount, repeats=2):
    settings = {**os.environ, "POSTMORTEM_DATADOG_URL": url, "DD_API_KEY": "k", "DD_APP_KEY": "k"}
    command = [sys.executable, __file__, "--side", name, str(amount), str(repeats)]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def medians(rounds):
    return {key: statistics.median(figures[key] for figures in rounds) for key in rounds[0]}


def show(label, figures, note=""):
    print(
        f"  {label:<46} {figures['wall']:8.3f} s wall {figures['cpu']:8.3f} s CPU "
        f"{figures['growth']:7.0f} MiB {figures['rows']:>9,.0f} rows {note}"
    )


def judge(label, ratio):
    goal, way = GOALS[label]
    met = ratio >= goal if way == "at least" else ratio <= goal
    print(f"  {label}: {ratio:.2f} ({way} {goal:.2f}: {'met' if met else 'MISSED'})")


def logs(options):
    print(f"\n{options.logs:,} logs of about 1 KB, 1,000 a page, gzip, no latency, to a DataFrame")
    share = 1 if options.full else 10
    with server("--logs", options.logs) as url:
        warm = measured(url, "plain", options.logs)
        rounds = {name: [] for name in ("documented", "plain", "ours", "all fields")}
        for number in range(options.rounds):
            for name, found in rounds.items():
                if name == "documented" and number and options.full:
                    continue
                amount = options.logs // share if name == "documented" else options.logs
                found.append(measured(url, name, amount))
    by = {name: medians(found) for name, found in rounds.items()}
    assert by["ours"]["rows"] == warm["rows"] == options.logs
    by["documented"]["wall"] *= share
    by["documented"]["cpu"] *= share
    show("documented way", by["documented"], "" if share == 1 else "(a tenth, time × 10)")
    show("bytes + orjson.loads, nothing kept", by["plain"])
    show("ours", by["ours"])
    show("ours, every field (extra_fields=['*'])", by["all fields"])
    judge("documented way / ours", by["documented"]["wall"] / by["ours"]["wall"])
    judge("ours / bytes + orjson.loads", by["ours"]["wall"] / by["plain"]["wall"])
    met = by["ours"]["growth"] <= 300
    print(f"  growth of ours: {by['ours']['growth']:.0f} MiB (at most 300: {met and 'met'})")


def latency(options):
    print(f"\n{options.logs:,} logs, 100 ms a page")
    with server("--logs", options.logs, "--latency-ms", 100) as url:
        rounds = {"in turn": [], "ours": []}
        for _ in range(max(2, options.rounds - 1)):
            for name, found in rounds.items():
                found.append(measured(url, name, options.logs, 1))
    by = {name: medians(found) for name, found in rounds.items()}
    show("one page after the other", by["in turn"])
    show("ours", by["ours"])
    judge(
        "ours, 100 ms a page / one page after the other",
        by["ours"]["wall"] / by["in turn"]["wall"],
    )


def metrics(options):
    for version in (1, 2):
        print(f"\nmetrics v{version}, 100 series × 300 points, to a tidy frame")
        with server("--logs", 1, *(["--no-v2"] if version == 1 else [])) as url:
            rounds = {"typed metrics": [], "our metrics": []}
            for _ in range(options.rounds):
                rounds["typed metrics"].append(measured(url, "typed metrics", version, 3))
                rounds["our metrics"].append(measured(url, "our metrics", version, 20))
        by = {name: medians(found) for name, found in rounds.items()}
        show("typed client", by["typed metrics"])
        show("ours", by["our metrics"])
        judge(
            f"typed client / ours, metrics v{version}",
            by["typed metrics"]["cpu"] / by["our metrics"]["cpu"],
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--side", nargs=3)
    options = parser.parse_args()
    if options.side:
        name, amount, repeats = options.side
        side(name, int(amount), int(repeats))
        return
    for job in (logs, latency, metrics):
        job(options)


if __name__ == "__main__":
    main()
