"""One line that says where an answer came from: what the record of an evidence says, in words."""

from __future__ import annotations

from typing import Any

from postmortem_nb import times

Record = dict[str, Any]


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


def window(record: Record) -> str:
    """Return the window asked for, in UTC, the day once where it is the same."""
    start, end = (_moment(record.get(key)) for key in ("from", "to"))
    if not start or not end:
        return ""
    same_day = start[:10] == end[:10]
    return f"{start.removesuffix(' UTC')}–{end[11:] if same_day else end}"


def _parts(record: Record) -> list[str]:
    rows = int(record.get("rows") or 0)
    return [
        f"{rows:,} {'row' if rows == 1 else 'rows'}",
        window(record),
        f"asked {_moment(record.get('fetched_at'))}" if record.get("fetched_at") else "",
        f"from {source(record)}",
        completeness(record),
        *(f"warning: {warning}" for warning in record.get("warnings") or ()),
        "changed since it was frozen" if record.get("changed") else "",
        f"sha256 {str(record['sha256'])[:12]}" if record.get("sha256") else "",
    ]


def _moment(value: object) -> str:
    return times.shown(times.parse(value)) if value else ""
