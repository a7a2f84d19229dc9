"""What became of the edits that a browser kept: on disk, or never heard of.

A page that is closed does not hear any more that its last edits are saved: it keeps them, and the
next form asks. An edit is *done* when the log has one that came with its message, or when its blank
holds its value. Of any other the form hears what stands there now, and since when: whoever typed it
decides. In doubt an edit is not done: nothing that was typed is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from postmortem_nb import kinds
from postmortem_nb.errors import BadValue
from postmortem_nb.schema import SINGLE

if TYPE_CHECKING:
    from postmortem_nb.edits import Edit
    from postmortem_nb.formstate import Message, Sheet


def judged(sheet: Sheet, kept: list[Message]) -> list[Message]:
    """Return what became of each: ``done``, or what stands ``now`` and ``since`` when (ms).

    ``row`` says which row it belongs to, ``gone`` that this row was removed.
    """
    with sheet.incident.lock:
        log = sheet.incident.edits()
        written = {via: edit for edit in log if isinstance(via := edit.get("via"), str)}
        begun = {
            each["slot"]: written[each["id"]]["row"]
            for each in kept
            if each.get("slot") and each.get("id") in written
        }
        rows = [each.get("row") or begun.get(each.get("slot")) for each in kept]
        return [
            {"done": True, "row": row}
            if each.get("id") in written
            else {"row": row, **_found(sheet, log, {**each, "row": row})}
            for each, row in zip(kept, rows, strict=True)
        ]


def _found(sheet: Sheet, log: list[Edit], edit: Message) -> Message:
    """Return what became of an edit that the log does not name."""
    table, row, name = str(edit.get("table")), edit.get("row"), edit.get("name")
    try:
        there = table == SINGLE or any(each["row"] == row for each in sheet.incident.values(table))
        if not name:
            return {"done": edit.get("t") == ("restore" if there else "remove")}
        if row and not there:
            return {"gone": True}
        if _holds(sheet, table, row, edit):
            return {"done": True}
        return {"now": sheet.now(table, row, name), "since": _since(log, (table, row, name))}
    except BadValue:
        return {}  # its blank is not there any more, or was of another template


def _holds(sheet: Sheet, table: str, row: str | None, edit: Message) -> bool:
    """Return whether a blank holds what an edit would write; BadValue for one of no blank."""
    column = sheet.incident.template.column(table, edit["name"])
    held = next((each for each in sheet.incident.values(table) if each["row"] == row), {})
    try:
        typed = sheet.typed(table, column.name, edit.get("value"))
        stored = kinds.parse(column.kind, typed, name=column.name, options=column.options)
    except BadValue:
        return False
    return bool(kinds.value(column.kind, stored) == held.get(column.name))


def _since(log: list[Edit], cell: tuple[str, Any, str]) -> int | None:
    """Return when a cell was last written, in milliseconds as browsers count; None is never."""
    own = [edit["at"] for edit in log if (edit["table"], edit["row"], edit.get("name")) == cell]
    try:
        at = datetime.fromisoformat(max(own))
    except (TypeError, ValueError):
        return None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
