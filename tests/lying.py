"""A loopback server that says what a test tells it to, byte by byte, and remembers what it heard.

It shares nothing with the package: plain sockets, so that an answer may be cut, dripped,
mislabelled or broken in any way. A script is a list of answers, one a request (the last one again
and again), or a function from the request heard to an answer.
"""

import gzip
import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass
class Heard:
    """One request as it came."""

    method: str
    path: str
    headers: dict
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Say:
    """One answer: status, headers, body, and how it is sent.

    ``drip`` is seconds between single bytes, ``cut`` the bytes of the body that are sent before the
    connection is closed, ``reset`` closes it without a word, ``wait`` is seconds before the answer,
    ``length`` a false Content-Length, ``packed`` gzips the body.
    """

    body: object = b""
    status: int = 200
    headers: dict = field(default_factory=dict)
    packed: bool = False
    drip: float = 0.0
    cut: int | None = None
    reset: bool = False
    wait: float = 0.0
    length: int | None = None
    kind: str = "application/json"

    def bytes(self):
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return gzip.compress(body) if self.packed else body


class Lying:
    """The server; a context manager with ``url`` and ``heard``."""

    def __init__(self, script):
        self.script = script
        self.heard = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open = set()
        self.most_at_once = self.at_once = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for line in list(self.open):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _accept(self):
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            self.open.add(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line):
        with suppress(OSError, ValueError), line.makefile("rb") as stream:
            while (heard := self._hear(stream)) is not None:
                with self.lock:
                    number = len(self.heard)
                    self.heard.append(heard)
                    self.at_once += 1
                    self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    again = self._say(line, self._answer(heard, number))
                finally:
                    with self.lock:
                        self.at_once -= 1
                if not again:
                    break
        self.open.discard(line)
        line.close()

    def _answer(self, heard, number):
        if callable(self.script):
            return self.script(heard)
        return self.script[min(number, len(self.script) - 1)]

    @staticmethod
    def _hear(stream):
        first = stream.readline().decode()
        if not first.strip():
            return None
        method, path, _ = first.split()
        headers = {}
        while name := stream.readline().decode().strip():
            key, _, value = name.partition(":")
            headers[key.lower()] = value.strip()
        return Heard(method, path, headers, stream.read(int(headers.get("content-length", 0))))

    @staticmethod
    def _say(line, say):
        if say.wait:
            time.sleep(say.wait)
        if say.reset:
            line.shutdown(socket.SHUT_RDWR)
            return False
        body = say.bytes()
        headers = {"Content-Type": say.kind, "Content-Length": say.length or len(body)}
        if say.packed:
            headers["Content-Encoding"] = "gzip"
        headers |= say.headers
        head = f"HTTP/1.1 {say.status} X\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value != "")
        whole = head.encode() + b"\r\n" + body[: len(body) if say.cut is None else say.cut]
        if not say.drip:
            line.sendall(whole)
        for at in range(len(whole) if say.drip else 0):
            line.sendall(whole[at : at + 1])
            time.sleep(say.drip)
        if say.cut is not None:
            line.shutdown(socket.SHUT_RDWR)
        return say.cut is None and say.length is None


def log(number, **attributes):
    """Return one log row as the v2 API writes it."""
    stamp = f"2025-12-04T14:{number // 60 % 60:02d}:{number % 60:02d}.{number % 1000:03d}Z"
    base = {
        "timestamp": stamp,
        "status": "error",
        "service": "checkout",
        "host": "i-1",
        "message": f"message {number}",
        "tags": ["env:prod", "env:prod", "team:shop"],
    }
    return {"id": f"AQ{number:06d}", "type": "log", "attributes": base | attributes}


def page(rows, cursor=None, **meta):
    """Return a page of rows; ``cursor`` leads to the next."""
    if cursor:
        meta["page"] = {"after": cursor}
    return {"meta": {"status": "done", "elapsed": 3, **meta}, "data": list(rows)}


def pages(count, size=3, *, last=None):
    """Return the answers of ``count`` pages of ``size`` logs each, then ``last``."""
    answers = []
    for at in range(count):
        rows = [log(at * size + place) for place in range(size)]
        answers.append(Say(page(rows, cursor=f"c{at + 1}" if at + 1 < count or last else None)))
    return [*answers, last] if last else answers
