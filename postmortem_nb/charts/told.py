"""A picture in words, for those who do not see it: its alt text, computed from the same figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb import units
from postmortem_nb.captions import cut, label
from postmortem_nb.charts import answers, clock, events, lines, spans, stage, waterfall

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from postmortem_nb.charts.frames import Answer
    from postmortem_nb.charts.series import Group

ALONE = (
    "series stand on one another only where they add up (counts, rates, sums), at the same times "
    "and none below 0"
)
_COUNTED = "rows are counted; a line needs a metric, or SQL that counts over time"
UNLIKE = {
    "counts": ("bars", _COUNTED),
    "spans": ("dots and bars", _COUNTED),
    "events": ("marks", _COUNTED),
    "bars": ("bars", "the answer has no column of times"),
}
"""How what is not over time in numbers is drawn though a line was asked for, and why."""

LONGEST = 900
"""Characters of an alt text; a screen reader reads it in one breath."""


def tell(answer: Answer) -> str:
    """Return what a picture shows: what, unit, extremes with their times, how many series."""
    body = TELLERS[answer.holds](answer)
    title = label(answer.view.look.title)
    parts = [
        f"{title}." if title else "",
        stage.note_of(answer.view.facts),
        body,
        _incident(answer),
    ]
    if answer.view.facts.get("sandbox"):
        parts.append("Sandbox data.")
    said = " ".join(part if part.endswith((".", "…")) else f"{part}." for part in parts if part)
    return cut(said, LONGEST)


def otherwise(answer: Answer) -> str:
    """Return how a picture is drawn, and why, where it is not of the kind asked for; else ""."""
    asked = answer.view.look.kind
    if answer.holds == "lines":
        how = lines.drawn(answer.groups, answer.view)
        plural = " and ".join(f"{kind}s" for kind in how.split(" and "))
        return f"drawn as {plural}: {ALONE}" if asked and how != asked else ""
    way = UNLIKE.get(answer.holds, ("", ""))
    return f"drawn as {way[0]}: {way[1]}" if asked in ("line", "area") and way[0] else ""


def nothing(answer: Answer) -> str:
    """Return what an answer without rows, or without values, says; also in its picture."""
    asked = answer.view.facts.get("from") is not None
    said = "No values in the window" if len(answer.frame) else "No rows in the window"
    return f"{said} {clock.spell(answer.view.span)}" if asked else said


def _lines(answer: Answer) -> str:
    charts = " ".join(_group(group) for group in answer.groups)
    how = lines.drawn(answer.groups, answer.view).capitalize()
    return f"{how} chart, {clock.spell(answer.view.span)}. {charts}"


def _group(group: Group) -> str:
    count = f"{len(group.lines):,} series" if len(group.lines) > 1 else "one series"
    words = f" in {group.unit.words}" if group.unit.words else ""
    low, high = _extreme(group, np.nanargmin, min), _extreme(group, np.nanargmax, max)
    if not low:
        return f"{group.caption}{words}, {count}, no values."
    return f"{group.caption}{words}, {count}: lowest {low}, highest {high}."


def _extreme(
    group: Group,
    where: Callable[[NDArray[np.float64]], np.intp],
    best: Callable[..., tuple[float, float, str]],
) -> str:
    found = [
        (float(line.y[place]), float(line.x[place]), line.name)
        for line in group.lines
        if np.isfinite(line.y).any()
        for place in [int(where(line.y))]
    ]
    if not found:
        return ""
    value, at, name = best(found, key=lambda one: one[0])
    of = f" ({name})" if len(group.lines) > 1 else ""
    return f"{units.shown(value, group.unit)}{of} at {clock.instant(at)}"


def _counts(answer: Answer) -> str:
    counted = answer.counts
    total = sum(stack.total for stack in counted.stacks)
    each = np.sum([stack.counts for stack in counted.stacks], axis=0)
    fullest = counted.first + counted.size * int(each.argmax())
    split = ", ".join(f"{stack.name} {stack.total:,}" for stack in reversed(counted.stacks))
    return (
        f"Bars, {counted.caption}, {clock.spell(answer.view.span)}: {total:,} in all ({split}); "
        f"most {int(each.max()):,} from {clock.instant(fullest)}."
    )


def _spans(answer: Answer) -> str:
    long, failed = spans.durations(answer.frame), spans.errors(answer.frame)
    there = np.isfinite(long)
    if not there.any():
        return f"{len(long):,} spans, {np.count_nonzero(failed):,} with errors, no durations."
    at = clock.seconds(answer.frame["timestamp"])
    place = int(np.nanargmax(long))
    return (
        f"Durations of {len(long):,} spans, {clock.spell(answer.view.span)}, "
        f"{np.count_nonzero(failed):,} with errors: shortest {_span(np.nanmin(long))}, "
        f"median {_span(np.nanmedian(long))}, longest {_span(long[place])} "
        f"at {clock.instant(float(at[place]))}."
    )


def _span(seconds: float) -> str:
    return units.shown(float(seconds), spans.SECOND)


def _events(answer: Answer) -> str:
    every = events.moments(answer.frame)
    chosen = events.named(every, answer.view)[:8]
    listed = "; ".join(f"{clock.clock(one.at)} {cut(one.name, 60)}" for one in chosen)
    return f"{len(every):,} events, {clock.spell(answer.view.span)}, among them {listed}."


def _number(answer: Answer) -> str:
    frame = answer.frame
    said = []
    for name in answer.shape.numbers[: answers.MOST_NUMBERS]:
        value = answers.numbers(frame[name])[0]
        measured = answers.unit(frame[name], answer.view.look.unit)
        words = "unknown" if np.isnan(value) else answers.value_words(float(value), measured)
        said.append(f"{label(name, 60)}: {words}")
    return f"{'; '.join(said)}."


def _bars(answer: Answer) -> str:
    frame, name = answer.frame, answer.shape.numbers[0]
    values, names = answers.numbers(frame[name]), answers.joined(frame, answer.shape.names)
    head = f"Horizontal bars, {label(name, 60)} of {len(frame):,} rows"
    if not np.isfinite(values).any():
        return f"{head}, no values."
    measured = answers.unit(frame[name], answer.view.look.unit)
    high, low = (
        f"{answers.value_words(float(values[place]), measured)} ({cut(names.iloc[place], 60)})"
        for place in (int(np.nanargmax(values)), int(np.nanargmin(values)))
    )
    return f"{head}: highest {high}, lowest {low}."


def _table(answer: Answer) -> str:
    columns = ", ".join(label(name, 40) for name in list(answer.frame.columns)[:12])
    return f"A table of {len(answer.frame):,} rows: {columns}."


def _incident(answer: Answer) -> str:
    if answer.holds in ("number", "bars", "budget", "table", "nothing"):
        return ""
    found = stage.incident(answer.view)
    start, end = answer.view.look.window
    parts = []
    if found is not None and start is not None:
        until = f" to {clock.clock(clock.epoch(end))}" if end else ""
        parts.append(f"The incident is shaded: {clock.instant(clock.epoch(start))}{until}.")
    marked = sorted(
        (clock.epoch(when), label(name, 40)) for name, when in answer.view.look.milestones
    )
    shown = [
        f"{name} {clock.clock(at)}"
        for at, name in marked
        if answer.view.span.start <= at <= answer.view.span.end
    ]
    if shown:
        parts.append(f"Marked: {', '.join(shown)}.")
    return " ".join(parts)


TELLERS = {
    "nothing": nothing,
    "lines": _lines,
    "counts": _counts,
    "spans": _spans,
    "events": _events,
    "number": _number,
    "bars": _bars,
    "budget": lambda answer: waterfall.told(answer.budget) if answer.budget else "",
    "table": _table,
}
