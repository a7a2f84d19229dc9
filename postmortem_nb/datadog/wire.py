"""One HTTP exchange: a deadline over all of it, a limit of size, no redirect followed.

A read timeout does not end a server that drips a byte a second, so a watch shuts the socket when
the deadline comes. Bodies are unpacked here, with a cap: a small answer may unpack to gigabytes.
"""

from __future__ import annotations

import http.client
import re
import socket
import threading
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
    TimeoutError,  # noqa: A004 - urllib3's own, and only its own is meant here
)

from postmortem_nb.datadog.failures import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE = 30.0
"""Seconds for one exchange, from the connection to the last byte."""
LARGEST = 256 << 20
"""Bytes of an answer, unpacked."""
CONNECTIONS = 8
"""Connections that are kept open to the one host."""

_CHUNK = 1 << 18
_ZIPPED = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # encoding to zlib's window bits
_PIECES = 16  # that one body may be packed in, one after the other: each copies what follows it
_OBJECT = re.compile(r"<?[\w.]*Connection(?:Pool)?(?:\([^()]*\))?(?: object)?(?: at 0x\w+>)?: ")
_current = threading.local()


@dataclass(frozen=True, slots=True)
class Request:
    """A finished request; its ``repr`` leaves out the headers, which hold the keys."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url.partition('?')[0]}>"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came: status, headers, and the unpacked bytes."""

    status: int
    headers: Any
    body: bytes


def watch(pool: urllib3.PoolManager) -> None:
    """Make a pool's connections end at the deadline and keep enough of them open."""
    pool.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    pool.connection_pool_kw["maxsize"] = CONNECTIONS


def exchange(pool: urllib3.PoolManager, request: Request, *, scrub: Callable[[str], str]) -> Answer:
    """Return the answer to one request; Failed where none came whole and in time."""
    with _deadline(DEADLINE) as clock:
        try:
            with _open(pool, request) as response:
                packed = _received(response)
                encoding = _encoding(response.headers.get("Content-Encoding", ""))
                if clock.expired:  # a head that was cut short by the watch reads as an empty answer
                    raise _late()
                body = _unpacked(packed, encoding)
                return Answer(response.status, response.headers, body)
        except (HTTPError, HTTPException, OSError, ValueError, AttributeError) as error:
            if clock.expired:
                raise _late() from None
            raise _broken(error, scrub) from None


@contextmanager
def _open(pool: urllib3.PoolManager, request: Request) -> Iterator[urllib3.BaseHTTPResponse]:
    response = pool.urlopen(
        request.method,
        request.url,
        body=request.body,
        headers=request.headers,
        redirect=False,
        retries=False,
        preload_content=False,
        timeout=urllib3.Timeout(connect=min(10.0, DEADLINE), read=DEADLINE),
    )
    try:
        yield response
        response.release_conn()
    finally:
        if not getattr(response, "closed", True):
            response.close()


def _received(response: urllib3.BaseHTTPResponse) -> bytes:
    """Return a body as it came over the line, packed or not."""
    parts: list[bytes] = []
    size = 0
    for part in response.stream(_CHUNK, decode_content=False):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise _too_large()
    return b"".join(parts)


def _encoding(header: str) -> str:
    """Return how a body is packed, without what packs nothing."""
    named = (name.strip().lower() for name in header.split(","))
    return ", ".join(name for name in named if name not in ("", "identity"))


def _unpacked(packed: bytes, encoding: str) -> bytes:
    if not encoding or not packed:
        return packed
    if encoding not in _ZIPPED:
        raise Failed(
            f"an answer packed as {encoding[:20]!r}, which was not asked for",
            remedy="what stands before Datadog packs anew: check HTTPS_PROXY and the URL",
        )
    out: list[bytes] = []
    room = LARGEST
    while packed:
        if len(out) == _PIECES:
            raise Failed("a damaged answer", said=f"it is packed in more than {_PIECES} pieces")
        unpacker = zlib.decompressobj(_ZIPPED[encoding])
        try:
            out.append(unpacker.decompress(packed, room + 1))
        except zlib.error:
            raise Failed("a damaged answer", said="it does not unpack", again=3) from None
        room -= len(out[-1])
        if room < 0:
            raise _too_large()
        if not unpacker.eof:
            raise Failed("answer cut off", said=f"after {len(packed):,} packed bytes", again=3)
        packed = unpacker.unused_data
    return out[0] if len(out) == 1 else b"".join(out)


class _Clock:
    """Shuts the connection under way when its time is up."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self.connection: HTTPConnection | None = None
        self.socket: socket.socket | None = None
        self.timer = threading.Timer(seconds, self.expire)
        self.timer.daemon = True

    def expire(self) -> None:
        self.expired = True
        for line in (self.socket, getattr(self.connection, "sock", None)):
            if isinstance(line, socket.socket):
                with suppress(OSError):
                    # the plain socket's own method: TLS would first drop its state under a reader
                    socket.socket.shutdown(line, socket.SHUT_RDWR)


@contextmanager
def _deadline(seconds: float) -> Iterator[_Clock]:
    clock = _Clock(seconds)
    _current.clock = clock
    clock.timer.start()
    try:
        yield clock
    finally:
        clock.timer.cancel()
        _current.clock = None


class _Watched:
    """A connection that shows itself to the clock of its thread."""

    sock: Any

    def connect(self) -> None:
        """Connect, watched from the first packet on."""
        if clock := getattr(_current, "clock", None):
            clock.connection = self
        super().connect()  # type: ignore[misc]

    def request(self, *args: Any, **settings: Any) -> None:
        """Send a request; a kept-alive connection shows itself here."""
        clock = getattr(_current, "clock", None)
        if clock:
            clock.connection, clock.socket = self, self.sock
        super().request(*args, **settings)  # type: ignore[misc]
        if clock:
            clock.socket = self.sock


class _Response(http.client.HTTPResponse):
    """A response of its own after any hints that came before it; the library knows one, 100."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 < status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _HTTPConnection(_Watched, HTTPConnection):
    response_class = _Response


class _HTTPSConnection(_Watched, HTTPSConnection):
    response_class = _Response


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


def _late() -> Failed:
    return Failed(
        "timed out",
        said=f"no whole answer within {DEADLINE:g} seconds",
        remedy="ask for a shorter window, or try again",
    )


def _too_large() -> Failed:
    return Failed(
        "answer too large",
        said=f"more than {LARGEST >> 20} MB",
        remedy="ask for a shorter window, fewer series or a smaller limit",
    )


_NETWORK = "check the network, DD_SITE, POSTMORTEM_DATADOG_URL and HTTPS_PROXY"
_FAULTS: tuple[tuple[type[Exception], tuple[str, str, int]], ...] = (
    (ProxyError, ("proxy refused", "check HTTPS_PROXY", 0)),
    (NameResolutionError, ("host not found", _NETWORK, 0)),
    (SSLError, ("no trusted connection", "check SSL_CERT_FILE and the proxy", 0)),
    (NewConnectionError, ("no connection", _NETWORK, 2)),
)
"""An error of the line: its fault, what to do, and how often it is worth asking again."""


def _broken(error: Exception, scrub: Callable[[str], str]) -> Failed:
    """Return the failure that an error of the line stands for."""
    fits = next((rest for kind, rest in _FAULTS if isinstance(error, kind)), None)
    if isinstance(error, SSLError) and "EOF occurred" in str(error):
        fits = None  # cut off while the keys were agreed on: no question of trust
    if fits is None and isinstance(error, TimeoutError):
        return _late()
    fault, remedy, again = fits or ("connection broken", "try again", 9)
    return Failed(fault, said=_words(error, scrub), remedy=remedy, again=again)


def _words(error: Exception, scrub: Callable[[str], str]) -> str:
    """Return an error of the line in plain words, without the object names urllib3 puts before."""
    first, *more = error.args or ("",)
    text = str(error if not isinstance(first, str) else first)
    if more and isinstance(more[0], Exception) and str(more[0]) not in text:
        text = f"{text.rstrip('.')}: {more[0]}"
    return scrub(" ".join(_OBJECT.sub("", text).split())[:200])
