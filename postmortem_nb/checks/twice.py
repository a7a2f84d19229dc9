"""What stands twice: rows, steps that come once, names of a list, one text for two opposites."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from postmortem_nb import metrics, times
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.single import about
from postmortem_nb.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding

NAMED: Mapping[str, tuple[str, ...]] = {
    "timeline": ("time", "step", "finding", "action", "status", "root_cause"),
    "factors": ("name",),
    "went_well": ("what",),
    "went_wrong": ("what",),
    "monitors": ("name",),
    "dashboards": ("name",),
    "process_changes": ("name",),
    "technical_changes": ("name",),
    "runbooks": ("name", "location"),
    "updates": ("channel", "text"),
    "takeaways": ("text",),
    "similar": ("incident",),
    "approvals": ("role",),
}
"""Table → the blanks by which its rows are told from each other, the last of them a must."""

ONCE = (
    *(metrics.STEPS[name] for name in ("start", "detected", "acknowledged", "resolved")),
    "Root Cause Identified",
)
"""Steps that an incident has once."""

LISTS = ((SINGLE, "services"), (SINGLE, "reviewers"), (SINGLE, "teams"), ("timeline", "responders"))

OPPOSED = (
    ("process_changes", "current", "new"),
    ("technical_changes", "current", "target"),
    (SINGLE, "technical_cause", "organizational_cause"),
    (SINGLE, "technical_cause", "process_cause"),
    (SINGLE, "organizational_cause", "process_cause"),
)
"""Table and two of its blanks that never hold one text."""


def rows(case: Case) -> Iterator[Finding]:
    """Find a row that is another one once more."""
    for table, names in NAMED.items():
        seen: set[tuple[str, ...]] = set()
        for row in case.rows(table):
            key = tuple(_plain(row.get(name)) for name in names)
            if key in seen and any(key[len(key) > 1 :]):
                name = next(each for each in reversed(names) if row.get(each))
                yield _said(case, (table, row["row"]), name, f"{shown(row[name])} is told twice.")
            seen.add(key)


def steps(case: Case) -> Iterator[Finding]:
    """Find a second time for a step that an incident has once."""
    for step in ONCE:
        timed = [r for r in case.rows("timeline") if r.get("step") == step and r.get("time")]
        if len({row["time"] for row in timed}) > 1:
            first, second = sorted(timed, key=lambda row: row["time"])[:2]
            message = f"{step} is told twice: {times.shown(first['time'])} and "
            message += f"{times.shown(second['time'])}."
            yield _said(case, ("timeline", second["row"]), "time", message)


def names(case: Case) -> Iterator[Finding]:
    """Find a name that stands twice in a list."""
    for cell in case.cells:
        if (cell.table, cell.column.name) in LISTS and isinstance(cell.value, list):
            counts = Counter(map(_plain, cell.value))
            for name in cell.value:
                if counts.pop(_plain(name), 0) > 1:
                    message = f"{shown(name)} stands twice in the list."
                    yield _said(case, (cell.table, cell.row), cell.column.name, message)


def opposed(case: Case) -> Iterator[Finding]:
    """Find one text for what was and what shall be, for two causes, for good and for bad."""
    for table, one, other in OPPOSED:
        for row in [{**case.facts, "row": SINGLE}] if table == SINGLE else case.rows(table):
            if _plain(row.get(one)) and _plain(row.get(one)) == _plain(row.get(other)):
                message = f"The same text as under {case.label(table, one)}."
                yield _said(case, (table, row["row"]), other, message)
    well = {_plain(row.get("what")) for row in case.rows("went_well")}
    for row in case.rows("went_wrong"):
        if _plain(row.get("what")) and _plain(row["what"]) in well:
            message = "The same text under What Went Well."
            yield _said(case, ("went_wrong", row["row"]), "what", message)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (rows, steps, names, opposed)


def _plain(value: object) -> str:
    return " ".join(str("" if value is None else value).lower().split()).rstrip(".")


def _said(case: Case, at: tuple[str, str], name: str, message: str) -> Finding:
    return about(
        case,
        Code.RANGE,
        name,
        message=message,
        remedy="Take one of the two away, or say how they differ.",
        severity=Severity.HINT,
        at=at,
    )
