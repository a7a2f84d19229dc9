"""The shop's monitors, in Datadog's shape, and the endpoints that list and check them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from postmortem_nb.errors import QueryError
from postmortem_nb.sandbox import metric
from postmortem_nb.sandbox.answers import Answer, Ask, Refused, listed, mapping, one_of, text
from postmortem_nb.sandbox.scenario import FACTS, ON_CALL, PAYMENTS, Person, at

if TYPE_CHECKING:
    from collections.abc import Iterable

_MADE = datetime(2025, 3, 11, 9, 30, tzinfo=UTC)
_ORG = 4821
_FIRST_MADE = 48_219_001


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitor: what it watches, who made it, when it last fired and was well again."""

    id: int
    name: str
    query: str
    service: str
    critical: float
    priority: int
    creator: Person
    fired: datetime | None = None
    cleared: datetime | None = None
    type: str = "query alert"

    @property
    def tags(self) -> list[str]:
        """Return the monitor's tags."""
        return ["env:prod", f"service:{self.service}", f"team:{self.service}"]

    @property
    def message(self) -> str:
        """Return what a notification says."""
        return (
            f"{self.name} is over {self.critical:g}. Runbook: see the wiki. @slack-{self.service}"
        )

    @property
    def metrics(self) -> list[str]:
        """Return the metrics in its query."""
        return list(dict.fromkeys(re.findall(r"[a-z0-9]+:([\w.]+)\{", self.query)))


MONITORS = (
    Monitor(
        FACTS.monitor_id,
        FACTS.monitor_name,
        "sum(last_15m):sum:trace.checkout.request.errors{env:prod}.as_count() / "
        "sum:trace.checkout.request.hits{env:prod}.as_count() * 100 > 5",
        "checkout",
        5.0,
        1,
        ON_CALL,
        FACTS.detected,
        at("15:42:00"),
    ),
    Monitor(
        48210002,
        "Checkout p95 latency",
        "avg(last_15m):p95:trace.checkout.request{env:prod} > 8",
        "checkout",
        8.0,
        2,
        ON_CALL,
        at("14:28:10"),
        at("15:33:10"),
    ),
    Monitor(
        48210003,
        "Payments queue depth",
        "avg(last_5m):max:payments.queue.depth{env:prod} > 800",
        "payments",
        800.0,
        2,
        PAYMENTS,
        at("14:34:40"),
        at("15:49:10"),
    ),
    Monitor(
        48210004,
        "orders-db connections",
        "avg(last_10m):max:postgresql.connections{host:orders-db-01} > 180",
        "orders-db",
        180.0,
        3,
        ON_CALL,
    ),
    Monitor(
        48210005,
        "Storefront error logs",
        'logs("service:web-storefront status:error").index("main").rollup("count").last("5m") > 50',
        "web-storefront",
        50.0,
        3,
        PAYMENTS,
        type="log alert",
    ),
)
"""All of them; the first is the one that found the incident, a quarter of an hour late."""

TYPES = (
    "composite", "query alert", "metric alert", "log alert", "event-v2 alert", "rum alert",
    "slo alert", "service check", "process alert", "trace-analytics alert", "audit alert",
    "error-tracking alert", "ci-pipelines alert", "ci-tests alert", "database-monitoring alert",
    "network-performance alert", "network-path alert",
)  # fmt: skip
_MOST_COMBINED, _LONGEST_COMPOSITE = 10, 1000
_LIMIT = r"\s*(?:>=|<=|>|<)\s*-?[\d.]+(?:e-?\d+)?"
_WINDOW = r"(?:avg|sum|min|max)\(last_\w+\)"
_CHANGE = rf"(?:pct_)?change\({_WINDOW},\s*(?:last_\w+|\d+[mhd]_ago)\)"
_AGAIN = re.compile(rf"(?:{_WINDOW}|{_CHANGE}):(.+?){_LIMIT}")
_COUNTED = re.compile(
    rf"[a-z][\w-]*\(([\"']).*\1\)\..*{_LIMIT}|\".+\"\.over\(.*\)\.count_by_status\(\)"
)


def by_id(number: str) -> Monitor:
    """Return a monitor; Refused with Datadog's 404 when there is none."""
    for monitor in MONITORS:
        if str(monitor.id) == number:
            return monitor
    raise Refused(404, "Monitor not found")


def state(monitor: Monitor, now: datetime) -> str:
    """Return the state at a moment; the sandbox's year ends before most clocks' present."""
    if monitor.fired and monitor.cleared and monitor.fired <= now < monitor.cleared:
        return "Alert"
    return "OK"


def detail(monitor: Monitor, now: datetime) -> dict[str, Any]:
    """Return a monitor as ``GET /api/v1/monitor/{id}`` has it."""
    return {
        "id": monitor.id,
        "name": monitor.name,
        "type": monitor.type,
        "query": monitor.query,
        "message": monitor.message,
        "tags": monitor.tags,
        "priority": monitor.priority,
        "created": _micro(_MADE),
        "modified": _micro(_MADE),
        "deleted": None,
        "multi": False,
        "org_id": _ORG,
        "creator": {
            "id": _number(monitor.creator),
            "name": monitor.creator.name,
            "email": monitor.creator.email,
            "handle": monitor.creator.email,
        },
        "overall_state": state(monitor, now),
        "overall_state_modified": _micro(monitor.cleared or _MADE),
        "restricted_roles": None,
        "options": {
            "thresholds": {"critical": monitor.critical},
            "notify_no_data": False,
            "include_tags": True,
            "silenced": {},
        },
    }


def one(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/monitor/{id}``; ``group_states`` adds the state with its moments."""
    made = ask.shelf.monitors.get(int(ask.parts["id"])) if ask.parts["id"].isdecimal() else None
    if made is not None:
        return Answer(made)
    monitor = by_id(ask.parts["id"])
    shown = detail(monitor, ask.now)
    if ask.params.get("group_states"):
        shown["state"] = {"groups": {"*": _group(monitor, ask.now)} if monitor.fired else {}}
    return Answer(shown)


def _group(monitor: Monitor, now: datetime) -> dict[str, Any]:
    fired, cleared = (int(m.timestamp()) if m else None for m in (monitor.fired, monitor.cleared))
    return {
        "name": "*",
        "status": state(monitor, now),
        "last_triggered_ts": fired,
        "last_notified_ts": cleared,
        "last_resolved_ts": cleared,
        "last_nodata_ts": None,
    }


def every(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/monitor``: a bare list, by name and tags, a page at a time."""
    tags = [tag for tag in ask.params.get("monitor_tags", "").split(",") if tag]
    name = ask.params.get("name", "").lower()
    known = [*(detail(monitor, ask.now) for monitor in MONITORS), *ask.shelf.monitors.values()]
    found = [m for m in known if name in m["name"].lower() and set(tags) <= set(m["tags"])]
    size = ask.number("page_size", 100, (1, 1000))
    first = ask.number("page", 0, (0, 10**6)) * size
    return Answer(found[first : first + size])


def search(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/monitor/search``: ``type: status: tag:`` terms and words of names."""
    found = [m for m in MONITORS if _fits(m, ask.params.get("query", ""), ask.now)]
    size, page = ask.number("per_page", 30, (1, 1000)), ask.number("page", 0, (0, 10**6))
    return Answer(
        {
            "counts": {
                "status": _counted(state(m, ask.now) for m in found),
                "muted": _counted(False for _ in found),
                "tag": _counted(tag for m in found for tag in m.tags),
                "type": _counted(_kind(m) for m in found),
            },
            "metadata": {
                "page": page,
                "page_count": -(-len(found) // size),
                "per_page": size,
                "total_count": len(found),
            },
            "monitors": [_brief(m, ask.now) for m in found[page * size : (page + 1) * size]],
        }
    )


def _brief(monitor: Monitor, now: datetime) -> dict[str, Any]:
    person = monitor.creator
    fired = monitor.fired
    return {
        "id": monitor.id,
        "name": monitor.name,
        "status": state(monitor, now),
        "type": monitor.type,
        "classification": _kind(monitor),
        "query": monitor.query,
        "last_triggered_ts": int(fired.timestamp()) if fired else None,
        "metrics": monitor.metrics,
        "scopes": ["env:prod"] if monitor.metrics else [],
        "tags": monitor.tags,
        "notifications": [{"handle": f"slack-{monitor.service}", "name": monitor.service}],
        "muted_until_ts": None,
        "overall_state_modified": int((monitor.cleared or _MADE).timestamp()),
        "creator": {"id": _number(person), "name": person.name, "handle": person.email},
        "org_id": _ORG,
        "priority": monitor.priority,
        "restricted_roles": [],
    }


def validate(ask: Ask) -> Answer:
    """Answer ``POST /api/v1/monitor/validate``: {} when type and query look right."""
    body = mapping(ask.body, "body")
    kind, query = text(body.get("type"), "type"), text(body.get("query"), "query")
    if kind not in TYPES:
        raise Refused(400, f"The value provided for parameter 'type' is invalid: {kind!r}")
    if kind == "composite":
        return _composite(ask, kind, query)
    again, said = _AGAIN.fullmatch(query), "The value provided for parameter 'query' is invalid"
    if not (again or _COUNTED.fullmatch(query)):
        raise Refused(400, f"{said}: expected aggregation, window, query and threshold")
    try:
        metric.parse(again[1] if again else "0")
    except QueryError as error:
        raise Refused(400, f"{said}: {error}") from None
    return Answer({})


def _composite(ask: Ask, kind: str, query: str) -> Answer:
    """Answer whether a composite is one: ids of monitors that there are, joined."""
    said = "The value provided for parameter 'query' is invalid"
    made = (number for number, each in ask.shelf.monitors.items() if each["type"] != kind)
    single = {str(number) for number in (*(monitor.id for monitor in MONITORS), *made)}
    ids = set(re.findall(r"\d+", query))
    if wrong := sorted(ids - single):
        raise Refused(400, f"{said}: {wrong[0]} is no monitor that can be combined")
    if len(ids) > _MOST_COMBINED or len(query) > _LONGEST_COMPOSITE or not _is_joined(query):
        raise Refused(400, f"{said}: expected ids joined by && and ||")
    return Answer({})


def _is_joined(query: str) -> bool:
    """Return whether an expression comes down to one id when its parts are joined, from inside."""
    left = re.sub(r"\s+", "", re.sub(r"\d+", "1", query))
    before = ""
    while left != before:
        before, left = left, re.sub(r"!1|\(1\)|1(?:&&|\|\|)1", "1", left)
    return left == "1"


def create(ask: Ask) -> Answer:
    """Answer ``POST /api/v1/monitor``: a monitor that is kept while the server runs."""
    validate(ask)
    body = mapping(ask.body, "body")
    number = _FIRST_MADE + len(ask.shelf.monitors)
    tags = [text(tag, "tags") for tag in listed(body.get("tags"), "tags")]
    ask.shelf.monitors[number] = {
        "id": number,
        "name": text(body.get("name"), "name"),
        "type": text(body.get("type"), "type"),
        "query": text(body.get("query"), "query"),
        "message": text(body.get("message"), "message"),
        "tags": tags,
        "options": mapping(body.get("options"), "options"),
        "draft_status": one_of(body.get("draft_status"), "draft_status", ("published", "draft")),
        "priority": None,
        "multi": " by {" in text(body.get("query"), "query"),
        "created": _micro(ask.now),
        "modified": _micro(ask.now),
        "overall_state": "No Data",
        "org_id": _ORG,
    }
    return Answer(ask.shelf.monitors[number])


def _fits(monitor: Monitor, query: str, now: datetime) -> bool:
    """Return whether a monitor fits every term; QueryError for a term that is not known."""
    known = {
        "type": {_kind(monitor)},
        "status": {state(monitor, now).lower()},
        "tag": {tag.lower() for tag in monitor.tags},
        "id": {str(monitor.id)},
    }
    for term, key, value in re.findall(r'((?:(\w+):)?("[^"]*"|\S+))', query):
        bare = value.strip('"').lower()
        if key == "status" and bare not in ("alert", "ok", "warn", "no data"):
            raise QueryError(f"Query parsing error: '{bare}' is not a valid monitor status")
        if key and key not in known:
            raise QueryError(f"Query parsing error: the sandbox does not know the term {term!r}")
        if not (bare in known[key] if key else bare in monitor.name.lower()):
            return False
    return True


def _kind(monitor: Monitor) -> str:
    return "log" if monitor.type == "log alert" else "metric"


def _counted(values: Iterable[Any]) -> list[dict[str, Any]]:
    return [{"count": count, "name": name} for name, count in Counter(values).most_common()]


def _number(person: Person) -> int:
    return 1000 + sum(map(ord, person.handle))


def _micro(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
