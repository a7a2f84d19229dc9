"""The sandbox over HTTP: a server on the loopback that answers like Datadog's API.

It listens on 127.0.0.1 only, takes any keys, and says ``X-Postmortem-Sandbox: 1`` on every answer.
"""

from __future__ import annotations

import asyncio
import atexit
import errno
import gzip
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

import orjson
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from postmortem_nb.errors import BadValue, expected
from postmortem_nb.sandbox.answers import JSON, Answer, Ask, Shelf
from postmortem_nb.sandbox.routes import answered, limit_of
from postmortem_nb.sandbox.scenario import SEED

HOST = "127.0.0.1"
LIMIT, PERIOD = 6000, 60
"""Requests that are answered within a minute, and that minute; beyond there is a 429."""

_SMALL = 512  # bytes; shorter answers are not worth compressing
_LARGEST = 16 * 2**20  # bytes of a request


@dataclass(frozen=True, slots=True)
class Fault:
    """What a test asks of one answer: a status, or ``cut``, ``html``, ``slow``, ``timeout``."""

    kind: str
    seconds: float = 0.0
    """How long ``slow`` waits, and what ``X-RateLimit-Reset`` says."""


class Server:
    """One running sandbox; ``url`` is where, ``close`` ends it."""

    def __init__(self, seed: int = SEED, port: int = 0) -> None:
        """Listen on a port of the loopback, 0 for any; BadValue when it is taken."""
        if not 0 <= port <= 65_535:
            raise BadValue(expected("port", "a number from 0 to 65535", example="8126", came=port))
        try:
            self._socket = socket.create_server((HOST, port), backlog=128)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "another program listens there" if taken else os.strerror(error.errno or 0)
            said = expected("port", "one that is free", example="0, any", came=port)
            raise BadValue(f"{said}: {why}") from None
        self.seed = seed
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self.shelf = Shelf()
        self.asked: list[tuple[str, str]] = []
        """Method and path of each request, for tests."""
        self._faults: deque[Fault] = deque()
        self._used: Counter[tuple[str, int]] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="postmortem-sandbox", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        """Serve until the loop is stopped; runs in the server's own thread."""
        asyncio.set_event_loop(self._loop)
        application = Application([(".*", _Handler, {"server": self})], log_function=lambda _: None)
        http = HTTPServer(application, max_body_size=_LARGEST)
        self._loop.call_soon(http.add_socket, self._socket)
        self._loop.run_forever()
        self._loop.run_until_complete(_ended(http))
        self._loop.close()

    def close(self) -> None:
        """Stop listening and end; a second time nothing happens."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)

    @property
    def open(self) -> bool:
        """Return whether it still answers."""
        return self._thread.is_alive()

    def misbehave(self, *kinds: str, seconds: float = 1.0) -> None:
        """Let the next answers fail, one each: ``429``, ``503``, ``cut``, ``html``, ``slow``."""
        self._faults.extend(Fault(kind, seconds) for kind in kinds)

    def fault(self) -> Fault | None:
        """Return what is to go wrong with this answer, if anything."""
        return self._faults.popleft() if self._faults else None

    def used(self, name: str, now: float) -> int:
        """Return how many requests a limit has seen in this period, this one included."""
        period = int(now // PERIOD)
        self._used[name, period] += 1
        return self._used[name, period]

    def abandon(self) -> None:
        """Close the socket that a fork left here; the thread stayed with the parent."""
        self._socket.close()


async def _ended(http: HTTPServer) -> None:
    """Close the listening sockets and every connection."""
    http.stop()
    await http.close_all_connections()


class _Handler(RequestHandler):
    """Takes any request, asks ``routes`` and writes what it says."""

    def initialize(self, server: Server) -> None:
        self.server = server

    def set_default_headers(self) -> None:
        self.set_header("Server", "postmortem-sandbox")
        self.set_header("X-Postmortem-Sandbox", "1")

    async def get(self) -> None:
        await self._answer()

    post = put = patch = delete = head = options = get

    async def _answer(self) -> None:
        self.server.asked.append((str(self.request.method), self.request.path))
        over = self._limits()
        fault = self.server.fault() or (Fault("429", self._reset()) if over else None)
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        answer = self._made()
        self._send(answer, fault)

    def _made(self) -> Answer:
        """Return the answer to what is asked, before anything goes wrong with it."""
        request = self.request
        try:
            body = orjson.loads(request.body) if request.body else None
        except orjson.JSONDecodeError:
            return Answer({"errors": ["Bad Request: the body is not JSON"]}, 400)
        params = {
            name: self.get_query_argument(name, strip=False) for name in request.query_arguments
        }
        ask = Ask(
            seed=self.server.seed,
            path=request.path,
            params=params,
            body=body,
            base=self.server.url,
            shelf=self.server.shelf,
        )
        return answered(str(request.method), ask)

    def _limits(self) -> bool:
        """Write the headers of the rate limit; return whether it is used up."""
        name = limit_of(self.request.path)
        left = LIMIT - self.server.used(name, time.time())
        self.set_header("X-RateLimit-Limit", str(LIMIT))
        self.set_header("X-RateLimit-Period", str(PERIOD))
        self.set_header("X-RateLimit-Remaining", str(max(left, 0)))
        self.set_header("X-RateLimit-Reset", str(int(self._reset())))
        self.set_header("X-RateLimit-Name", name)
        return left < 0

    def _reset(self) -> float:
        """Return the whole seconds to the next period."""
        return PERIOD - int(time.time()) % PERIOD

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        """Write an answer, compressed where it is asked for; or what a fault makes of it."""
        if fault is not None:
            answer = self._spoilt(answer, fault)
        self.set_status(answer.status)
        self.set_header("Content-Type", answer.kind)
        if answer.body is None:
            self.finish()
            return
        text = isinstance(answer.body, str)
        data = answer.body.encode() if text else orjson.dumps(answer.body)
        if len(data) > _SMALL and "gzip" in self.request.headers.get("Accept-Encoding", ""):
            data = gzip.compress(data, 4, mtime=0)
            self.set_header("Content-Encoding", "gzip")
        if fault is not None and fault.kind == "cut":
            self._cut(data)
        else:
            self.finish(data)

    def _spoilt(self, answer: Answer, fault: Fault) -> Answer:
        """Return what a fault makes of an answer."""
        if fault.kind == "429":
            self.set_header("X-RateLimit-Remaining", "0")
            self.set_header("X-RateLimit-Reset", f"{fault.seconds:g}")
            return Answer({"errors": ["Rate limit of the endpoint reached"]}, 429)
        if fault.kind.isdecimal():
            return Answer({"errors": [f"made to fail with {fault.kind}"]}, int(fault.kind))
        if fault.kind == "html":
            return Answer("<html><body>Please log in to the proxy</body></html>", 200, "text/html")
        if fault.kind == "timeout" and isinstance(answer.body, dict):
            meta: dict[str, Any] = {**answer.body.get("meta", {}), "status": "timeout"}
            return Answer({**answer.body, "meta": meta}, answer.status, answer.kind)
        return answer

    def _cut(self, data: bytes) -> None:
        """Promise all of an answer, send half and hang up."""
        lines = [f"{name}: {value}" for name, value in self._headers.get_all()]
        head = "\r\n".join(["HTTP/1.1 200 OK", *lines, f"Content-Length: {len(data)}", "", ""])
        stream = self.detach()
        stream.write(head.encode() + data[: len(data) // 2])
        stream.close()

    def write_error(self, status_code: int, **_kwargs: Any) -> None:
        """Write a fault of the sandbox itself, in Datadog's shape."""
        self.set_header("Content-Type", JSON)
        self.finish(orjson.dumps({"errors": [f"The sandbox failed with status {status_code}"]}))


_running: dict[int, Server] = {}
_lock = threading.Lock()


def running(seed: int = SEED) -> Server:
    """Return the server of a world; it is started when first asked for, once a process."""
    with _lock:
        known = _running.get(seed)
        if known is None or not known.open:
            known = _running[seed] = Server(seed)
        return known


@atexit.register
def _end() -> None:
    """Close every server before the interpreter ends."""
    for server in _running.values():
        server.close()


def _forked() -> None:
    """Forget the parent's servers in a child: their threads are not here."""
    global _lock  # noqa: PLW0603 - another thread of the parent may hold the old one for ever
    _lock = threading.Lock()
    for server in _running.values():
        server.abandon()
    _running.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def serve(port: int = 0, seed: int = SEED) -> None:
    """Serve until Ctrl-C and say where; BadValue when the port is taken."""
    server = Server(seed, port)
    # started in the background by a shell, it has Ctrl-C ignored; `kill -INT` must end it too
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.stdout.write(f"{server.url}\n")  # whoever reads it may end this before it is written
        sys.stdout.flush()
        threading.Event().wait()
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    finally:
        server.close()
