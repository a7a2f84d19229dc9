"""Rows of a table as people read them: a timeline, a chain of whys, cards, a table of actions.

A look covers every blank of its rows, whatever a team's template adds to them. Tables that are not
named here look as the template writes them.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from postmortem_nb import metrics, pageparts, text, values
from postmortem_nb.pageparts import Action, Badge, Entry, Fact
from postmortem_nb.parts import Blank, Number, Rows, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from postmortem_nb.filling import Facts

Row = dict[str, Any]

KEY_STEPS = frozenset(metrics.STEPS.values())

PRIORITIES = {"P0": "red", "P1": "orange", "P2": "yellow"}

ACTION_COLUMNS = ("owner", "due", "status", "tracking")
"""Blanks of an action that have a column of their own; the rest stand below its title."""

CARDS = (
    *("factors", "went_well", "went_wrong", "monitors", "dashboards"),
    *("process_changes", "technical_changes", "runbooks"),
)

_MARKS = re.compile(r"^\s*(?:[-*+]|\d+\.)?\s*|[*_`\[\]]|[:\s]+$")


def draw(groups: Mapping[Rows, Sequence[int]], facts: Facts) -> str:
    """Return the rows of groups of one table that follow each other.

    ``groups`` are in the template's order, each with the numbers of its rows that say anything.
    """
    table = next(iter(groups)).table
    known = facts.tables.get(table, ())
    rows = [
        (group, number, row)
        for group, numbers in groups.items()
        for number, row in zip(numbers, _saying(group, known), strict=True)
    ]
    return LOOKS[table](rows, facts)


def _saying(group: Rows, known: Sequence[Row]) -> list[Row]:
    """Return the rows of a group that hold anything but what says where they belong."""
    keys = {"row", *(column for column, _ in group.keys)}
    return [
        row
        for row in known
        if group.holds(row)
        and any(value is not None for name, value in row.items() if name not in keys)
    ]


Numbered = tuple[Rows, int, Row]


def _timeline(rows: Sequence[Numbered], facts: Facts) -> str:
    ordered = sorted(rows, key=lambda each: (each[2].get("time") is None, each[2].get("time") or 0))
    return pageparts.timeline(_moments(ordered, facts.days))


def _moments(rows: Sequence[Numbered], new_days: frozenset[str]) -> Iterator[Entry]:
    """Yield the steps; one that comes twice has its number, as in the drawing."""
    times = Counter(group.line for group, _, _ in rows)
    for group, number, row in rows:
        moment = row.get("time")
        counted = any(isinstance(part, Number) for part in group.parts) or times[group.line] > 1
        numbered = f" {number}" if counted else ""
        yield Entry(
            title_html=text.html(f"{row.get('step') or ''}{numbered}"),
            facts=_facts(group, row, without=("time", "step")),
            when=_clock(moment),
            day=f"{moment:%Y-%m-%d}" if moment else "",
            new=row["row"] in new_days,
            key=row.get("step") in KEY_STEPS,
        )


def _clock(moment: Any) -> str:
    if moment is None:
        return ""
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"


def _whys(rows: Sequence[Numbered], facts: Facts) -> str:
    del facts
    return pageparts.whys(
        Entry(
            title_html=f"{number}. {text.html(row.get('question') or 'Why?')}",
            facts=_facts(group, row, without=("question",)),
        )
        for group, number, row in rows
    )


def _cards(rows: Sequence[Numbered], facts: Facts) -> str:
    del facts
    return pageparts.cards(_card(*each) for each in rows)


def _card(group: Rows, number: int, row: Row) -> Entry:
    first = next((part for part in group.parts if isinstance(part, Blank)), None)
    name = first.name if first else ""
    kicker = f"<small>{text.html(_kicker(group, number))}</small>"
    title = values.html(first.kind, row.get(name)) if first else ""
    return Entry(title_html=kicker + title, facts=_facts(group, row, without=(name,)))


def _kicker(group: Rows, number: int) -> str:
    """Return how the template introduces a row, without its marks: ``Factor 1``."""
    said = ""
    for part in group.parts:
        if isinstance(part, Blank):
            break
        said += part.text if isinstance(part, Words) else str(number)
    return _MARKS.sub("", re.sub(r"^\s*\d+\.\s*", "", said)).strip(" :*") or group.label


def _actions(rows: Sequence[Numbered], facts: Facts) -> str:
    group = rows[0][0]
    blanks = {part.name: part for part in group.parts if isinstance(part, Blank)}
    if not {"title", "priority", *ACTION_COLUMNS} <= set(blanks):
        return _cards(rows, facts)
    columns = [name for name in ACTION_COLUMNS if any(row[2].get(name) is not None for row in rows)]
    heads = ["Priority", "Action", *(blanks[name].label for name in columns)]
    reviewed = facts.single.get("review_date")
    return pageparts.actions(heads, [_action(blanks, each, columns, reviewed) for each in rows])


def _action(
    blanks: Mapping[str, Blank], numbered: Numbered, columns: Sequence[str], reviewed: date | None
) -> Action:
    group, _, row = numbered
    priority = str(row.get("priority") or "")
    return Action(
        priority=priority,
        tone=PRIORITIES.get(priority, "grey"),
        title_html=values.html("line", row.get("title")) or "–",
        about=_facts(group, row, without=("priority", "title", *ACTION_COLUMNS)),
        cells_html=tuple(_cell(blanks[name], row, blanks["status"], reviewed) for name in columns),
    )


def _cell(blank: Blank, row: Row, status: Blank, reviewed: date | None) -> str:
    """Return a column of an action: its state as a badge, what is overdue in words."""
    value = row.get(blank.name)
    if blank.name == "status" and value:
        return pageparts.badge(Badge(value, stage(blank.options, value)))
    shown = values.html(blank.kind, value)
    done = row.get("status") == status.options[-1]
    if blank.name == "due" and value and reviewed and value < reviewed and not done:
        return f'{shown} <span class="pm-note">overdue at the review of {reviewed}</span>'
    return shown


def stage(options: Sequence[str], chosen: str) -> str:
    """Return the tone of a choice among stages: grey to begin with, green at the end."""
    if chosen not in options or chosen == options[0]:
        return "grey"
    return "green" if chosen == options[-1] else "yellow"


def _facts(group: Rows, row: Row, *, without: Sequence[str]) -> tuple[Fact, ...]:
    """Return what a row holds, label by label: the group's own blanks, then any other column."""
    blanks = {part.name: part for part in group.parts if isinstance(part, Blank)}
    given = {"row", *without, *(column for column, _ in group.keys)}
    names = [*blanks, *(name for name in row if name not in blanks)]
    return tuple(
        Fact(*_labelled(blanks.get(name), name, row[name]))
        for name in names
        if name not in given and row.get(name) is not None
    )


def _labelled(blank: Blank | None, name: str, value: Any) -> tuple[str, str]:
    """Return a value with its label; a column that the group does not ask for is named plainly."""
    if blank is None:
        return name.replace("_", " ").capitalize(), values.unnamed(value)
    unit = f" {text.html(blank.unit)}" if blank.unit else ""
    return blank.label or name, values.html(blank.kind, value, blank) + unit


LOOKS: Mapping[str, Callable[[Sequence[Numbered], Facts], str]] = {
    "timeline": _timeline,
    "whys": _whys,
    "actions": _actions,
    **dict.fromkeys(CARDS, _cards),
}
"""Table → how its rows look."""
