"""One line that says where an answer came from: what the record of an evidence says, in words.

Records are files, which a hand or a tool may have changed: `faults` says what of one cannot be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postmortem_nb import times
from postmortem_nb.errors import BadValue, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

Record = dict[str, Any]

_TEXTS = ("function", "call", "question", "site", "partial", "path", "link", "sha256")
_MOMENTS = ("from", "to", "fetched_at")
_TYPES = {
    **dict.fromkeys((*_TEXTS, *_MOMENTS), (str, "text")),
    **dict.fromkeys(("arguments", "dtypes"), (dict, "an object")),
    **dict.fromkeys(("sandbox", "complete", "changed"), (bool, "true or false")),
    "rows": (int, "a whole number"),
    "warnings": (list, "a list"),
}


def faults(record: Record) -> dict[str, str]:
    """Return the fields of a record that are not what they must be, each with what came instead.

    A field that is missing or null is not known, which is no fault.
    """
    found = {}
    for name, (kind, wanted) in _TYPES.items():
        value = record.get(name)
        if value is None:
            continue
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            found[name] = f"{name}: expected {wanted}; got {shown(value)}"
        elif name in _MOMENTS and value and not _is_moment(value):
            found[name] = f"{name}: expected a time; got {shown(value)}"
    return found


def _is_moment(value: object) -> bool:
    try:
        times.parse(value)
    except BadValue:
        return False
    return True


def line(record: Record) -> str:
    """Return rows, window, time of pull, source, completeness and digest on one line."""
    return " · ".join(part for part in _parts(record) if part)


def source(record: Record) -> str:
    """Return who answered: the sandbox, said plainly, or the Datadog site."""
    if record.get("sandbox"):
        return "the sandbox, not a Datadog account"
    return str(record.get("site") or "Datadog")


def completeness(record: Record) -> str:
    """Return ``complete``, or ``partial`` with the reason."""
    if record.get("complete", False):
        return "complete"
    return f"partial: {record.get('partial') or 'no reason was recorded'}"


def more(record: Mapping[str, Any]) -> str:
    """Return what brings the rest of a partial answer: the same question again, or a larger one."""
    if record.get("partial") != "limit reached":
        return "Ask again with --refresh"
    arguments = record.get("arguments")
    limit = arguments.get("limit") if isinstance(arguments, dict) else None
    was = f" (it was {limit:,})" if isinstance(limit, int) else ""
    return f"Ask with a higher limit={was} or a narrower query"


def integrity(record: Record) -> str:
    """Return what of an answer is not as it was frozen; empty where nothing is known of it."""
    changed = "changed since it was frozen" if record.get("changed") else ""
    damaged = f"damaged record: {record['damaged']}" if record.get("damaged") else ""
    return "; ".join(filter(None, (changed, damaged)))


def window(record: Record) -> str:
    """Return the window asked for, in UTC, the day once where it is the same."""
    start, end = (_moment(record.get(key)) for key in ("from", "to"))
    if not start or not end:
        return ""
    same_day = start[:10] == end[:10]
    return f"{start.removesuffix(' UTC')}–{end[11:] if same_day else end}{_later(record)}"


def _later(record: Record) -> str:
    """Return how long after its window an answer reaches too: revenue, for what came later."""
    arguments = record.get("arguments")
    later = arguments.get("deferred") if isinstance(arguments, dict) else None
    try:
        return f" and {times.duration(times.span(later).total_seconds() / 60)} after it"
    except BadValue:
        return ""


def _parts(record: Record) -> list[str]:
    rows = int(record.get("rows") or 0)
    return [
        f"{rows:,} {'row' if rows == 1 else 'rows'}",
        window(record),
        f"asked {_moment(record.get('fetched_at'))}" if record.get("fetched_at") else "",
        f"from {source(record)}",
        completeness(record),
        *(f"warning: {warning}" for warning in record.get("warnings") or ()),
        integrity(record),
        f"sha256 {str(record['sha256'])[:12]}" if record.get("sha256") else "",
    ]


def _moment(value: object) -> str:
    return times.shown(times.parse(value)) if value else ""
