"""The columns that a template's names make up: one name of a table is one fact, everywhere.

Checks that a name has one kind and one list of choices, that what is computed can be, that no row
could stand in two groups and that no two queries share a name; then gives every choice its options,
wherever they are listed.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING

from postmortem_nb import labels, metrics, tallies
from postmortem_nb.notation import refuse
from postmortem_nb.parts import GAP, SINGLE, Blank, Column, Part, Query, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST_QUERY = 60
"""Characters of a query's name: it is a file's name too."""

MEANINGS = {
    (SINGLE, "date"): "date",
    ("timeline", "time"): "time",
    (SINGLE, "severity"): "choice",
    ("timeline", "severity_declared"): "choice",
    (SINGLE, "affected_total"): "count",
    (SINGLE, "affected_share"): "percent",
    (SINGLE, "failed_requests"): "count",
    (SINGLE, "revenue_loss"): "money",
    (SINGLE, "slo_impact"): "percent",
    (SINGLE, "slo_target"): "percent",
    (SINGLE, "slo_actual"): "percent",
    (SINGLE, "budget_consumed"): "percent",
    (SINGLE, "budget_remaining"): "percent",
}
"""The kind of a fact that is computed with: a number of any kind of number, a choice any text."""

ALIKE = (
    frozenset({"count", "percent", "money", "minutes"}),
    frozenset({"choice", "line", "prose"}),
)

_UNITS = {"minutes": "minutes", "$": "money", "%": "percent", "date": "date"}
COMPUTED = {
    name: _UNITS.get(figure.unit, "count")
    for name, figure in tallies.measures(metrics.Facts()).items()
}
"""What a template may ask to be computed, and its kind."""

Choices = dict[tuple[str, str], tuple[str, ...]]
"""Choices of each fact, by table and name."""


def blanks(found: Iterable[Part]) -> list[Blank]:
    """Return the blanks among parts, those of rows included."""
    inner = (part.parts if isinstance(part, Rows) else (part,) for part in found)
    return [part for part in chain.from_iterable(inner) if isinstance(part, Blank)]


def choices(source: str, found: Iterable[Part]) -> Choices:
    """Return the choices of each fact, after checking that the same name is the same fact.

    Raises BadTemplate for a name with two kinds, two lists of choices, or none at all.
    """
    first: dict[tuple[str, str], Blank] = {}
    options: Choices = {}
    for blank in blanks(found):
        fact = (blank.table, blank.name)
        before = first.setdefault(fact, blank)
        if (before.kind, before.derived) != (blank.kind, blank.derived):
            what = f"the {_how(before)} {blank.name} of line {before.line}, or another name"
            example = f"`{{{'= ' if before.derived else ''}{before.kind} {blank.name}}}`"
            raise refuse(source, blank.line, what, example=example, came=_how(blank))
        _check_options(source, blank)
        if blank.options and options.setdefault(fact, blank.options) != blank.options:
            what = f"the same choices as before ({' / '.join(options[fact])})"
            example = f"`{{choice {blank.name}}}`"
            raise refuse(source, blank.line, what, example=example, came=blank.shown)
    for fact, blank in first.items():
        if blank.kind == "choice" and fact not in options:
            options[fact] = _borrowed(source, blank, options.values())
    return options


def _check_options(source: str, blank: Blank) -> None:
    """Refuse a list of choices with an empty one, or one given twice."""
    if blank.options and (len(set(blank.options)) < len(blank.options) or "" in blank.options):
        example = f"`{{choice {blank.name} = Low / High}}`"
        raise refuse(source, blank.line, "choices that differ", example=example, came=blank.shown)


def check_meanings(source: str, found: Iterable[Part]) -> None:
    """Refuse a computed blank that nothing computes, and a figure's part that is no figure."""
    for blank in blanks(found):
        if blank.derived:
            _check_derived(source, blank)
            continue
        kind = MEANINGS.get((blank.table, blank.name), blank.kind)
        if blank.kind != kind and not any({blank.kind, kind} <= alike for alike in ALIKE):
            what = f"the kind {kind} ({blank.name} is computed with), or another name"
            example = f"`{{{kind} {blank.name}}}`"
            raise refuse(source, blank.line, what, example=example, came=blank.kind)


def _check_derived(source: str, blank: Blank) -> None:
    kind = COMPUTED.get(blank.name)
    if kind is None or blank.table != SINGLE:
        near = [*get_close_matches(blank.name, COMPUTED, n=1), "duration"][0]
        what = f"a computed figure outside of rows (one of {', '.join(COMPUTED)})"
        example = f"`{{= {COMPUTED[near]} {near}}}`"
        raise refuse(source, blank.line, what, example=example, came=blank.name)
    if blank.kind != kind:
        what = f"the kind that {blank.name} is computed in"
        example = f"`{{= {kind} {blank.name}}}`"
        raise refuse(source, blank.line, what, example=example, came=blank.kind)


def _how(blank: Blank) -> str:
    return f"derived {blank.kind}" if blank.derived else blank.kind


def _borrowed(source: str, blank: Blank, others: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the choices of another fact that begin as this blank does (``SEV-_____``)."""
    start = blank.shown.partition(GAP)[0].strip() if GAP in blank.shown else ""
    for options in list(others):
        fitting = tuple(option for option in options if option.startswith(start))
        if start and fitting:
            return fitting
    what = "choices with / between them"
    example = f"`{{choice {blank.name} = Low / High}}`"
    raise refuse(source, blank.line, what, example=example, came=blank.shown)


def resolved(found: Iterable[Part], options: Choices) -> list[Part]:
    """Return parts in which every choice knows its options, wherever they are listed."""
    made: list[Part] = []
    for part in found:
        if isinstance(part, Rows):
            made.append(replace(part, parts=tuple(resolved(part.parts, options))))
        elif isinstance(part, Blank) and part.kind == "choice":
            made.append(replace(part, options=options[part.table, part.name]))
        else:
            made.append(part)
    return made


def check_groups(source: str, found: Iterable[Part]) -> None:
    """Refuse groups of one table that a row could belong to twice."""
    groups = [part for part in found if isinstance(part, Rows)]
    first: dict[str, Rows] = {}
    seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    for group in groups:
        before = first.setdefault(group.table, group)
        same = [key for key, _ in before.keys] == [key for key, _ in group.keys]
        if not same or (group.table, group.keys) in seen:
            what = f"other values of the same columns as on line {before.line}"
            example = f"`<!-- rows {group.table} (area=Other): 1 blank -->`"
            raise refuse(source, group.line, what, example=example, came=_shown_keys(group))
        seen.add((group.table, group.keys))


def _shown_keys(group: Rows) -> str:
    keys = ", ".join(f"{column}={value}" for column, value in group.keys)
    return f"{group.table} ({keys})" if keys else group.table


def check_queries(source: str, found: Iterable[Part]) -> None:
    """Refuse a query's name given twice: it is a variable and a file."""
    seen: dict[str, int] = {}
    for part in found:
        if isinstance(part, Query):
            if part.name == SINGLE or len(part.name) > LONGEST_QUERY:
                what = f"another name of up to {LONGEST_QUERY} characters"
                raise refuse(source, part.line, what, example="`datadog errors`", came=part.name)
            if part.name in seen:
                what = f"a name that the query of line {seen[part.name]} does not have"
                example = f"`datadog {part.name}_2`"
                raise refuse(source, part.line, what, example=example, came=part.name)
            seen[part.name] = part.line


def tables(found: Sequence[Part]) -> dict[str, tuple[Column, ...]]:
    """Return the columns of each table, in reading order: keys, the preset one, then blanks."""
    groups = [part for part in found if isinstance(part, Rows)]
    made: dict[str, dict[str, Column]] = {SINGLE: {}}
    values: dict[tuple[str, str], list[str]] = {}
    for group in groups:
        for key, value in group.keys:
            values.setdefault((group.table, key), []).append(value)
    for (table, key), several in values.items():
        column = Column(
            table, key, "choice", labels.spaced(key).capitalize(), tuple(dict.fromkeys(several))
        )
        made.setdefault(table, {})[key] = column
    for group in groups:
        named = {part.name for part in group.parts if isinstance(part, Blank)}
        if group.preset and group.preset not in named:
            column = Column(
                group.table, group.preset, "line", labels.spaced(group.preset).capitalize()
            )
            made.setdefault(group.table, {}).setdefault(group.preset, column)
    for blank in blanks(found):
        made.setdefault(blank.table, {}).setdefault(blank.name, _column(blank))
    return {table: tuple(columns.values()) for table, columns in made.items()}


def _column(blank: Blank) -> Column:
    """Return the column of a blank, as the first place that names it words it."""
    return Column(
        table=blank.table,
        name=blank.name,
        kind=blank.kind,
        label=blank.label,
        options=blank.options,
        derived=blank.derived,
        help=labels.hint(blank),
    )
