"""The spans that were kept: each failed request's trace, and a sample of those that went well.

A trace starts at checkout and goes on to its cache, its database, payments and the acquirer. Log
lines carry the same trace ids. As in Datadog, counts of spans are counts of what was kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from postmortem_nb.sandbox import texts
from postmortem_nb.sandbox.answers import opaque
from postmortem_nb.sandbox.fleet import CACHE, CHECKOUT, DATABASE, PAYMENT
from postmortem_nb.sandbox.logs import SPANS, status_codes
from postmortem_nb.sandbox.noise import salt, unit
from postmortem_nb.sandbox.table import Block, Column, Table, each, pointing, same
from postmortem_nb.sandbox.traffic import DATABASE as RACE
from postmortem_nb.sandbox.traffic import POOL, Batch, draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = dict[str, Column]
    Whole = NDArray[np.int64]

KEPT = ((SPANS[0], 1500), (SPANS[1], 8), (SPANS[2], 1500))
"""Of the requests that went well, one in so many left a trace, by span of time."""

OWN = (
    *("service", "env", "host", "operation_name", "resource_name", "resource_hash", "type"),
    *("status", "trace_id", "span_id", "parent_id", "single_span", "ingestion_reason"),
    "retained_by",
)
PLAIN = {name: name for name in OWN}
"""The reserved fields of spans; they stand on top of a span, all others in ``custom``."""


@dataclass(frozen=True)
class Part:
    """One kind of span of a trace: its name, service and type, and its place in the request."""

    operation: str
    service: str
    type: str
    parent: str
    begin: NDArray[np.float64]
    """Where in the request it begins, as a part of the request's time."""
    taken: Whole
    """Nanoseconds."""


def table(seed: int) -> Table:
    """Return all spans of a world."""
    blocks = []
    for span, every in KEPT:
        blocks += _traces(draw(seed, CHECKOUT, span, every=every))
        refused = draw(seed, PAYMENT, span, every=every * 4)
        blocks.append(_root(refused, texts.PAYMENTS_KINDS, texts.PAYMENTS_MESSAGES))
    return Table(blocks, PLAIN)


def _traces(batch: Batch) -> list[Block]:
    """Return the spans of each request of checkout, a block for each kind of span."""
    blocks = [_root(batch, texts.KINDS, texts.MESSAGES), _cached(batch)]
    reached = batch.pays & ~(batch.failed & (batch.causes == POOL))
    blocks.append(_stored(batch.take(reached)))
    blocks += _paid(batch.take(reached & ~(batch.failed & (batch.causes == RACE))))
    starved = batch.take(batch.failed & (batch.causes == POOL))
    return blocks + [_waited(starved, attempt) for attempt in range(4)]


def _root(batch: Batch, kinds: tuple[str, ...], said: tuple[str, ...]) -> Block:
    """Return the span that a trace begins with."""
    operation = batch.operation
    names = [resource.name for resource in operation.resources]
    whole = Part(operation.name, operation.service, "web", "", _zero(batch), batch.nanoseconds)
    causes = np.where(batch.failed, batch.causes, -1)
    columns = {
        "resource_name": pointing(batch.resources, names),
        "resource_hash": pointing(batch.resources, [opaque(name)[5:21] for name in names]),
        "@http.status_code": pointing(
            np.unique(status_codes(batch), return_inverse=True)[1],
            [str(code) for code in np.unique(status_codes(batch))],
        ),
        "@http.method": pointing(batch.resources, [name.split(" ")[0] for name in names]),
        "@http.route": pointing(batch.resources, [name.split(" ")[1] for name in names]),
        "@span.kind": same("server", len(batch)),
    }
    columns |= _errors(causes, kinds, said)
    if kinds is texts.KINDS:
        columns["@error.stack"] = pointing(causes, texts.STACKS)
    return _block(batch, whole, columns, failed=batch.failed)


def _cached(batch: Batch) -> Block:
    """Return the look-up of the cart."""
    taken = (400_000 + 2_600_000 * _luck(batch, "cache")).astype(np.int64)
    part = Part("redis.command", "cart-cache", "redis", "root", 0.002 + _zero(batch), taken)
    return _block(batch, part, _fixed(batch, "GET cart", CACHE) | _client(batch, "redis"))


def _stored(batch: Batch) -> Block:
    """Return the writing of the order; a lost race is an error here too."""
    taken = (2_000_000 + 9_000_000 * _luck(batch, "database")).astype(np.int64)
    part = Part("postgres.query", "orders-db", "sql", "root", 0.05 + _zero(batch), taken)
    lost = batch.failed & (batch.causes == RACE)
    columns = _fixed(batch, "INSERT INTO orders", DATABASE) | _client(batch, "postgres")
    columns |= _errors(np.where(lost, RACE, -1), texts.KINDS, texts.MESSAGES)
    columns["@db.row_count"] = pointing(np.where(lost, -1, 0), [1])
    return _block(batch, part, columns, failed=lost)


def _paid(batch: Batch) -> list[Block]:
    """Return the call that payments answered, and the one it made to the acquirer."""
    answered = (batch.nanoseconds * (0.55 + 0.25 * _luck(batch, "payments"))).astype(np.int64)
    part = Part("payments.request", "payments", "web", "root", 0.1 + _zero(batch), answered)
    hosts = [host.name for host in PAYMENT.hosts[:4]]
    columns = _fixed(batch, "POST /v1/authorize", "")
    columns["host"] = pointing(batch.choice("payments host", 4), hosts)
    columns["@http.status_code"] = same("200", len(batch))
    columns["@span.kind"] = same("server", len(batch))
    onward = (answered * (0.3 + 0.4 * _luck(batch, "acquirer"))).astype(np.int64)
    gate = Part("http.request", "acquirer-gateway", "http", "payments.request", part.begin, onward)
    asked = _fixed(batch, "POST /authorizations", "") | {"host": columns["host"]}
    return [_block(batch, part, columns), _block(batch, gate, asked | _client(batch, "http"))]


def _waited(batch: Batch, attempt: int) -> Block:
    """Return one of the waits for a free connection that ended without one."""
    taken = (2_000_000_000 + 4_000_000 * _luck(batch, f"wait {attempt}")).astype(np.int64)
    begin = attempt * taken / batch.nanoseconds
    name = f"pool.acquire {attempt + 1}"
    part = Part("pool.acquire", "checkout", "custom", "root", begin, taken)
    columns = _fixed(batch, "payments.pool", "") | _errors(
        np.full(len(batch), POOL), texts.KINDS, texts.MESSAGES
    )
    columns["host"] = pointing(batch.hosts, [host.name for host in CHECKOUT.hosts])
    columns["@attempt"] = same(attempt + 1, len(batch))
    return _block(batch, part, columns, failed=np.ones(len(batch), dtype=bool), name=name)


def _block(
    batch: Batch,
    part: Part,
    columns: Columns,
    *,
    failed: NDArray[np.bool_] | None = None,
    name: str = "",
) -> Block:
    """Return one kind of span of every request of the batch."""
    is_root = not part.parent
    root = batch.operation.name
    parent = root if part.parent == "root" else part.parent
    own = {
        "service": same(part.service, len(batch)),
        "env": same("prod", len(batch)),
        "host": pointing(batch.hosts, [host.name for host in batch.operation.hosts]),
        "operation_name": same(part.operation, len(batch)),
        "type": same(part.type, len(batch)),
        "status": pointing(np.zeros(len(batch)) if failed is None else failed, ["ok", "error"]),
        "trace_id": each(batch.traces, str),
        "span_id": each(batch.span_ids(name or part.operation), str),
        "parent_id": same("0", len(batch)) if is_root else each(batch.span_ids(parent), str),
        "single_span": same(value=False, count=len(batch)),
        "ingestion_reason": same("auto", len(batch)),
        "retained_by": pointing(batch.failed, ["diversity_sampling", "retention_filter"]),
        "tags": pointing(batch.hosts, _tags(batch, part.service)),
        "@duration": each(part.taken),
        "@env": same("prod", len(batch)),
        "@language": same("python", len(batch)),
    }
    ended = batch.milliseconds
    begun = ended - batch.nanoseconds // 1_000_000
    start = begun + (part.begin * batch.nanoseconds / 1e6).astype(np.int64)
    return Block(start, own | _version(batch, part) | columns)


def _version(batch: Batch, part: Part) -> Columns:
    """Return the release, on spans of the operation's own service."""
    if part.service != batch.operation.service:
        return {}
    widest = max(len(host.releases) for host in batch.operation.hosts)
    versions = [
        host.releases[min(n, len(host.releases) - 1)][1]
        for host in batch.operation.hosts
        for n in range(widest)
    ]
    return {"@version": pointing(batch.hosts * widest + batch.versions, versions)}


def _tags(batch: Batch, service: str) -> list[list[str]]:
    """Return the tags of a service's spans, one list a host of the request."""
    return [
        ["source:apm", "env:prod", f"service:{service}", f"region:{host.region}", "larkspur"]
        for host in batch.operation.hosts
    ]


def _fixed(batch: Batch, resource: str, host: str) -> Columns:
    """Return resource and host where they are always the same."""
    columns = {
        "resource_name": same(resource, len(batch)),
        "resource_hash": same(opaque(resource)[5:21], len(batch)),
    }
    return columns | ({"host": same(host, len(batch))} if host else {})


def _client(batch: Batch, component: str) -> Columns:
    return {"@span.kind": same("client", len(batch)), "@component": same(component, len(batch))}


def _errors(causes: NDArray[Any], kinds: tuple[str, ...], said: tuple[str, ...]) -> Columns:
    """Return what went wrong; -1 is nothing."""
    return {"@error.type": pointing(causes, kinds), "@error.message": pointing(causes, said)}


def _luck(batch: Batch, what: str) -> NDArray[np.float64]:
    return unit(salt(batch.seed, "span", what), batch.keys)


def _zero(batch: Batch) -> NDArray[np.float64]:
    return np.zeros(len(batch))
