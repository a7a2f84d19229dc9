"""A loopback server for benchmarks: logs of about 1 KB, gzip, by window and cursor; metric answers.

Started as a process of its own, so that its work is not counted; it prints its URL. Pages are kept
once made, so that a second round measures the client.
"""

import argparse
import gzip
import json
import random
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BEGUN = datetime(2025, 12, 4, 14, 0, tzinfo=UTC)
WINDOW_MS = 7_200_000
PARTS = 2_000  # different texts; ids and times differ in every row


def stamp(ms):
    return (BEGUN + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def read(text):
    return round((datetime.fromisoformat(text) - BEGUN).total_seconds() * 1000)


@lru_cache(PARTS)
def attributes(number):
    """Return one log's attributes but its time: 55 fields in all kinds of logs together."""
    chance = random.Random(number)  # noqa: S311 - no secret
    service = chance.choice(["checkout", "payments", "cart", "search", "shipping"])
    env, region = chance.choice(["prod", "staging"]), chance.choice(["us-east-1", "eu-west-1"])
    inner = {
        "dd": {"trace_id": str(chance.getrandbits(63)), "span_id": str(chance.getrandbits(63))},
        "logger": {"name": f"com.example.{service}", "thread": f"exec-{number % 64}"},
        "duration": int(chance.lognormvariate(17, 1)),
        "usr": {"id": f"u-{chance.randrange(200_000)}", "plan": chance.choice(["free", "pro"])},
    }
    if number % 3:
        path = f"/api/v1/cart/{chance.randrange(10**7)}/items"
        inner["http"] = {
            "method": chance.choice(["GET", "POST"]),
            "status_code": chance.choice([200, 200, 200, 404, 500]),
            "url": f"https://shop.example.com{path}",
            "version": "1.1",
            "useragent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131",
            "request_id": f"{chance.getrandbits(128):032x}",
            "url_details": {
                "host": "shop.example.com",
                "path": path,
                "scheme": "https",
                "port": 443,
            },
            "useragent_details": {
                "os": {"family": "Windows"},
                "browser": {"family": "Chrome"},
                "device": {"family": "Other"},
            },
        }
        place = {"country": {"name": "France", "iso_code": "FR"}, "city": {"name": "Lyon"}}
        inner["network"] = {
            "client": {"ip": f"203.0.113.{number % 256}", "geoip": place},
            "bytes_read": chance.randrange(5000),
            "bytes_written": chance.randrange(200_000),
        }
    elif number % 2:
        kind = "java.net.SocketTimeoutException"
        stack = "\tat com.example.Pool.borrow(Pool.java:214)\n" * chance.randrange(8, 26)
        inner["error"] = {"kind": kind, "message": "Read timed out", "stack": f"{kind}\n{stack}"}
        inner["order"] = {"id": number, "amount": 49.9, "currency": "EUR"}
        inner["retry"] = {"attempt": chance.randrange(1, 6), "exhausted": False}
    else:
        inner["job"] = {"name": "sync-stock", "run": number, "items": 5, "ratio": 0.25}
        inner["pool"] = {"active": 50, "idle": 3, "waiting": chance.randrange(500)}
        inner["sql"] = {"statement": f"SELECT * FROM orders WHERE id = {number}", "rows": 1}
    tags = [f"env:{env}", f"service:{service}", f"region:{region}", "team:orders", "datacenter:aws"]
    tags += [f"kube_namespace:{service}", f"kube_cluster_name:{env}-{region}", "source:java"]
    tags += [f"pod_name:{service}-{chance.getrandbits(36):09x}", f"version:2025.{number % 9}"]
    return {
        "service": service,
        "host": f"i-{chance.getrandbits(68):017x}",
        "status": chance.choice(["info", "info", "warn", "error"]),
        "message": f'203.0.113.{number % 256} - - "GET /api/v1/cart HTTP/1.1" 200 {number * 7919}',
        "tags": tags,
        "attributes": inner,
    }


class Store:
    """The logs of a window, evenly spread, and the pages made of them so far."""

    def __init__(self, count):
        self.times = [at * WINDOW_MS // count for at in range(count)]
        self.lock = threading.Lock()
        self.made = {}

    def page(self, body):
        found = body["filter"]
        start, end = read(found["from"]), read(found["to"])
        rows = [at for at, ms in enumerate(self.times) if start <= ms <= end]
        begin, size = int(body["page"].get("cursor") or 0), body["page"]["limit"]
        key = (rows[0] if rows else 0, len(rows), begin, size)
        if key not in self.made:
            more = begin + size < len(rows)
            meta = {"status": "done"} | ({"page": {"after": str(begin + size)}} if more else {})
            data = [self.row(at) for at in rows[begin : begin + size]]
            plain = json.dumps({"data": data, "meta": meta}, separators=(",", ":")).encode()
            self.made[key] = gzip.compress(plain, 6, mtime=0)
        return self.made[key]

    def row(self, at):
        inner = attributes(at * 7919 % PARTS)
        return {
            "id": f"AQAAAY{at:012d}AAAABBWUFaZGJ",
            "type": "log",
            "attributes": {"timestamp": stamp(self.times[at]), **inner},
        }

    def counts(self, body):
        step = int(body["compute"][0]["interval"].removesuffix("s")) * 1000
        start, end = read(body["filter"]["from"]), read(body["filter"]["to"])
        counts = {}
        for ms in self.times:
            if start <= ms <= end:
                counts[ms // step] = counts.get(ms // step, 0) + 1
        points = [{"time": stamp(at * step), "value": n} for at, n in counts.items()]
        found = {"data": {"buckets": [{"by": {}, "computes": {"c0": points}}]}}
        return gzip.compress(json.dumps(found).encode())


@lru_cache
def metric(version, series, points):
    """Return a metric answer of one of the two versions."""
    chance = random.Random(1)  # noqa: S311 - no secret
    times = [1764856800000 + 20_000 * at for at in range(points)]
    values = [[chance.random() * 100 for _ in times] for _ in range(series)]
    unit = [{"family": "time", "id": 11, "name": "second", "plural": "seconds"}, None]
    if version == 2:
        described = [
            {"group_tags": [f"host:i-{n}"], "query_index": 0, "unit": unit} for n in range(series)
        ]
        inner = {"series": described, "times": times, "values": values}
        return json.dumps({"data": {"type": "timeseries_response", "attributes": inner}}).encode()
    listed = [
        {
            "metric": "m",
            "display_name": "m",
            "expression": "avg:m{*}",
            "scope": f"host:i-{n}",
            "tag_set": [f"host:i-{n}"],
            "query_index": 0,
            "interval": 20,
            "length": points,
            "unit": unit,
            "pointlist": [list(point) for point in zip(map(float, times), values[n], strict=True)],
        }
        for n in range(series)
    ]
    return json.dumps({"status": "ok", "res_type": "time_series", "series": listed}).encode()


def handler(store, options):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 16

        def log_message(self, *_):
            pass

        def say(self, body, *, packed=True):
            time.sleep(options.latency_ms / 1000)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if packed:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.endswith("/logs/events/search"):
                self.say(store.page(body))
            elif self.path.endswith("/aggregate"):
                self.say(store.counts(body))
            elif options.no_v2:
                self.say(b"", packed=False)
            else:
                self.say(metric(2, 100, 300), packed=False)

        def do_GET(self):
            self.say(metric(1, 100, 300), packed=False)

    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=int, default=100_000)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--no-v2", action="store_true")
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), handler(Store(options.logs), options))
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
