"""Tables that stand beside the template's own blanks: how figures are made, and from what.

An `Aside` belongs to the section that holds its blank and stands at its end. It is plain texts;
whoever shows it passes them through the text door. No aside stands where nothing is to be told, so
an empty document is its template.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from postmortem_nb import coverage, slo, times
from postmortem_nb.estimates import AT_LEAST, Estimate, agreeing, same, stated, worded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from postmortem_nb.budget import Spending
    from postmortem_nb.metrics import Measure
    from postmortem_nb.slo import Phase
    from postmortem_nb.tallies import Found

PLACES: Mapping[str, str] = {
    "failed_requests": "definitions",
    "affected_total": "sources",
    "slo_target": "budget",
}
"""The blank that an aside belongs to → which aside it is."""

TITLES = (
    "How these figures are defined",
    "Where the figures of the impact come from",
    "By region",
    "Error budget of",
)
"""How the titles of the tables begin: a document that is read back is known by them."""

DASH = "–"
DAY = dt.timedelta(days=1)
FIGURES: Mapping[str, str] = {
    "affected_users": "Affected users",
    "affected_share": "Share of users",
    "failed_requests": "Failed requests",
    "revenue_loss": "Lost revenue",
    "engineering_hours": "Engineering hours",
}
"""Figures of the table of sources, as it names them; the SLO's have a table of their own."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A table below a section: ``folded`` behind its title, or open.

    ``numeric`` are the places of columns of figures; ``evidence`` names the answer whose picture
    stands above it, if any.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    folded: bool = False
    evidence: str = ""


def of(
    single: Mapping[str, object], measures: Mapping[str, Measure], found: Found
) -> dict[str, tuple[Aside, ...]]:
    """Return the asides by the blank that they belong to; one with nothing to say is left out.

    Parameters
    ----------
    single
        the stated facts
    measures
        every figure of the incident
    found
        what timeline and evidence say
    """
    if found.silent:
        return {}
    known = any(measures[name].value is not None for name in QUICK if name in measures)
    made = {
        "definitions": [definitions(measures)] if known else [],
        "sources": [each for each in (sources(single, found), regions(found)) if each],
        "budget": [budget(each) for each in found.budgets],
    }
    return {blank: tuple(made[kind]) for blank, kind in PLACES.items() if made[kind]}


QUICK = (
    "duration",
    "detection_time",
    "resolution_time",
    "mttd",
    "mttr",
    "affected_users",
    "failed_requests",
    "revenue_loss",
    "slo_impact",
)
"""The measures of Quick Stats."""


def definitions(measures: Mapping[str, Measure]) -> Aside:
    """Return how each figure of Quick Stats is made, or why it is unknown."""
    rows = []
    for name in QUICK:
        measure = measures.get(name)
        if measure is not None:
            said = f"unknown: {measure.missing}" if measure.value is None else value(measure)
            how = measure.definition.removeprefix(f"{AT_LEAST}: ")  # the value says so
            rows.append((measure.label, said, how, measure.source or DASH))
    heads = ("Figure", "Value", "Definition", "From")
    return Aside(TITLES[0], heads, tuple(rows), folded=True)


def value(measure: Measure) -> str:
    """Return a measure's value in words."""
    if measure.unit.startswith("minute") and isinstance(measure.value, (int, float)):
        return times.duration(measure.value)
    if isinstance(measure.value, (int, float)):
        least = f"{AT_LEAST} " * (measure.lower_bound and not measure.source.startswith("stated"))
        return f"{least}{worded(float(measure.value), measure.unit)}"
    return str(measure.value)


def sources(single: Mapping[str, object], found: Found) -> Aside | None:
    """Return every source of the impact's figures, those that disagree marked; None without any."""
    computed = [each for each in found.estimates if each.name in FIGURES]
    if not any(each.source.startswith("evidence") for each in computed):
        return None
    every = [*(each for each in stated(single) if each.name in FIGURES), *computed]
    every.sort(key=lambda each: list(FIGURES).index(each.name))
    rows = tuple(
        (FIGURES[each.name], _counted(each), _short(each), _how(each), _agrees(agrees))
        for each, agrees in zip(every, agreeing(every), strict=True)
    )
    heads = ("Figure", "Value", "Source", "How it was counted", "Agrees")
    return Aside(TITLES[1], heads, rows, frozenset({1}))


def _counted(each: Estimate) -> str:
    """Return a value without the unit that its figure already names."""
    return each.words if each.unit in {"$", "%"} else replace(each, unit="").words


def _how(each: Estimate) -> str:
    """Return how an estimate was counted, and by which query of its answer."""
    query = each.source.partition(", ")[2]
    return f"{each.definition}: {query}" if query else each.definition


def _agrees(agrees: bool | None) -> str:  # noqa: FBT001 - a value, not a switch
    """Return whether a source agrees with the others, in a word."""
    return DASH if agrees is None else "yes" if agrees else "no"


def regions(found: Found) -> Aside | None:
    """Return the figures by region, a column a figure and source; None where nothing tells it.

    A question that was asked of one region after the other is one column. Where regions are not
    what they come to, as those of a user who was seen in two, a row says what it is in all.
    """
    columns: dict[str, tuple[str, dict[str, float]]] = {}
    whole: dict[str, float] = {}
    for each in found.estimates:
        if each.split != "region" or not each.parts:
            continue
        head = f"{FIGURES.get(each.name, each.name)} ({_short(each)})"
        alone = each.parts[0][0] if len(each.parts) == 1 else ""
        question = f"{head}, {each.source.replace(f':{alone}', ':') if alone else each.source}"
        columns.setdefault(question, (head, {}))[1].update(each.parts)
        if not alone:
            whole[question] = each.value
    kept = list(columns.values())[:4]
    if not kept:
        return None
    parts = [held for _, held in kept]
    names = list(dict.fromkeys(place for held in parts for place in held))
    rows = tuple(
        (name, *(worded(each[name], "") if name in each else DASH for each in parts))
        for name in names
    )
    heads = ("Region", *(head for head, _ in kept))
    every = [whole.get(question) for question in list(columns)[:4]]
    summed = zip(every, (sum(held.values()) for held in parts), strict=True)
    if any(value is not None and not same(value, total) for value, total in summed):
        told = (DASH if value is None else worded(value, "") for value in every)
        rows = (*rows, ("In all", *told))
    return Aside(TITLES[2], heads, rows, frozenset(range(1, len(heads))))


def _short(estimate: Estimate) -> str:
    """Return the source of an estimate without its question, and without the blank's name."""
    if estimate.is_stated:
        return "stated"
    return estimate.source.split(", ", 1)[0]


def budget(spent: Spending) -> Aside:
    """Return an error budget by phase, its SLO's type, target and achievement in the first rows."""
    of = spent.objective
    head = f"{TITLES[3]} “{of.name}”: {of.type} SLO over {of.days}"
    rows = list(_objective(spent))
    rows += [
        (
            f"{phase.name[:1].upper()}{phase.name[1:]}",
            _between(phase),
            _seen(spent, worded(phase.bad, f"bad {of.basis}"), phase),
            _seen(spent, worded(phase.consumed, "%"), phase),
        )
        for phase in spent.phases
    ]
    heads = ("What", "When", "Counted", "Share of the budget")
    return Aside(head, heads, tuple(rows), frozenset({3}), evidence=spent.name)


def _between(phase: Phase) -> str:
    """Return when a phase was, with its days where it is longer than one."""
    if phase.until - phase.since < DAY:
        return f"{phase.since:%H:%M:%S}–{phase.until:%H:%M:%S} UTC"
    return f"{phase.since:%Y-%m-%d %H:%M}–{phase.until:%Y-%m-%d %H:%M} UTC"


def _seen(spent: Spending, words: str, *phases: Phase) -> str:
    """Return a figure of some phases, as far as the answer tells of their time."""
    spans = [(phase.since, phase.until) for phase in phases]
    return coverage.told(words, spent.asked, *spans)


def _ends(spent: Spending) -> str:
    """Return where the SLO's window ends: with the question, mostly the incident's end."""
    end = spent.asked[1] if spent.asked else None
    same = end is None or (spent.phases and end == spent.phases[-1].until)
    return "the incident's end" if end is None or same else times.shown(end)


def _objective(spent: Spending) -> Iterator[tuple[str, ...]]:
    """Yield the rows of an SLO as a whole."""
    of, taken = spent.objective, spent.taken
    window = f"{of.days} to {_ends(spent)}"
    target = DASH if of.target is None else f"target {worded(of.target, '%')}"
    status = "no data" if of.status is None else f"{worded(of.status, '%')} achieved, {target}"
    rest = [f"{worded(of.no_data, 'minutes')} without data"] if of.no_data else []
    rest += [f"{worded(of.corrected, 'minutes')} corrected"] if of.corrected else []
    yield ("Whole window", window, ", ".join([status, *rest]), _left(spent))
    if taken is None:
        yield ("This incident", DASH, f"unknown: {spent.why}", DASH)
        return
    whole = _seen(spent, "", *spent.phases) == ""
    size = _seen(spent, worded(taken.bad, f"bad {of.basis}"), *spent.phases)
    burn = "" if taken.burn is None or not whole else f", burn rate {_rate(taken.burn)}"
    share = _seen(spent, f"{worded(taken.consumed, '%')} consumed", *spent.phases)
    counted = f"{size} of a budget of {worded(taken.budget, '')}{burn}"
    counted += f", {spent.excused}" if spent.excused else ""
    when = "impact" if spent.cut is None else f"impact from {times.shown(spent.cut)} on"
    yield ("This incident", when, counted, share)
    if taken.excess is not None and whole:
        said = "less what fails at the error ratio of the rest of the SLO's window"
        yield ("Above the usual", when, said, f"{worded(taken.excess, '%')} consumed")


def _rate(burn: float) -> str:
    """Return a burn rate; a slow one by two digits, for 0.3 and 0.26 are not the same."""
    if burn >= 1 or not burn:
        return worded(burn, "")
    return "less than 0.01" if burn < 0.01 else f"{burn:.2f}"


def _left(spent: Spending) -> str:
    of = spent.objective
    if of.status is None or of.target is None or not 0 < of.target < 100:
        return DASH
    return f"{worded(slo.remaining(of.status, of.target), '%')} left"
