"""An error budget by phase of the incident: bars that begin where the one before ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from postmortem_nb import budget, coverage, times
from postmortem_nb.captions import label
from postmortem_nb.charts import card, stage
from postmortem_nb.metrics import Facts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from postmortem_nb.budget import Spending
    from postmortem_nb.charts.look import Look
    from postmortem_nb.charts.stage import View
    from postmortem_nb.metrics import Interval

COLORS = ("#D55E00", "#CC79A7", "#0072B2", "#009E73")
"""One for each phase, told apart by colour-blind readers too; see `palette`."""
WHOLE = "#59636E"
END = "#9A3B00"
ROW = 0.34
BAR = 0.2
GAP = 0.07  # inches from a bar to its words
NAMES = 2.3  # inches for the names of phases at most
LEAST_NAME = 0.8  # inches for the SLO's name
SAID = 0.2  # inches for what is said of the budget's end


def caption(spent: Spending, room: float | None = None) -> str:
    """Return what the bars are shares of; in so much room, of the SLO's name what fits."""
    of, taken = spent.objective, spent.taken
    size = taken.budget if taken else 0.0
    what = f"{size:,.{0 if size >= 1000 else 1}f} {of.basis}"
    kind = f"{of.type.capitalize()} SLO “"
    rest = f"”, target {of.target:g} % over {of.days}: the budget is {what}"
    name = label(of.name, 60)
    if room is not None:
        name = card.fit(name, max(room - card.width(kind + rest), LEAST_NAME))
    return f"{kind}{name}{rest}"


def bars(spent: Spending) -> list[tuple[str, float, float, str]]:
    """Return each bar's name, begin and end in percent of the budget, and words; the whole last."""
    found, at = [], 0.0
    for phase in spent.phases:
        minutes = (phase.until - phase.since).total_seconds() / 60
        name = f"{phase.name[:1].upper()}{phase.name[1:]}, {times.duration(round(minutes))}"
        words = coverage.told(percent(phase.consumed), spent.asked, (phase.since, phase.until))
        found.append((name, at, at + phase.consumed, words))
        at += phase.consumed
    words = coverage.told(f"{percent(at)} of the budget", spent.asked, *_spans(spent))
    return [*found, ("Whole incident", 0.0, at, words)]


def _spans(spent: Spending) -> list[Interval]:
    return [(phase.since, phase.until) for phase in spent.phases]


def percent(value: float) -> str:
    """Return a percentage to a tenth, one below it as such."""
    if 0 < value < 0.05:
        return "< 0.1 %"
    return f"{value:,.1f} %".replace("-", "−")


def read(frame: pd.DataFrame, look: Look) -> Spending | None:
    """Return the budget by phase of an SLO's answer, None where window or budget are not known."""
    objective = budget.read(frame)
    start, end = look.window
    if objective is None or start is None or end is None or end <= start:
        return None
    known = dict(look.milestones)
    moments = Facts(
        start=start,
        detected=known.get("detected"),
        acknowledged=known.get("acknowledged"),
        mitigated=known.get("mitigated"),
        recovered=end,
        impact=tuple(look.impact) or ((start, end),),
    )
    asked = coverage.asked(coverage.record(frame))
    found = replace(budget.spending(objective, moments), asked=asked)
    return found if found.taken else None


def draw(spent: Spending, view: View) -> Figure:
    """Return the waterfall."""
    rows = bars(spent)
    title = 0.3 if view.look.title else 0.0
    most = max(end for _, _, end, _ in rows) or 1.0
    below = 0.26 + (SAID if most > 100 else 0.0)
    made = card.Card(round(2 * card.EDGE + title + 0.34 + ROW * len(rows) + below, 3))
    if view.look.title:
        words = card.fit(label(view.look.title), card.WIDTH - 2 * card.EDGE, card.TITLE, bold=True)
        made.write((card.EDGE, made.height - card.EDGE - 0.09), words, size=card.TITLE, bold=True)
    top = made.height - card.EDGE - title
    room = card.WIDTH - 2 * card.EDGE
    taken = stage.mark_origin(made, top - 0.09, view.facts)
    made.write((card.EDGE, top - 0.09), caption(spent, room - taken), color=card.GREY)
    top -= 0.34
    names = [card.fit(name, NAMES) for name, *_ in rows]
    left = card.EDGE + max(card.width(name) for name in names) + 0.14
    widest = max(card.width(words, bold=True) for *_, words in rows)
    inch = (card.WIDTH - card.EDGE - left - widest - 0.1) / most
    foot = top - ROW * len(rows)
    if most > 100:
        said = [(left + end * inch + GAP, card.width(words)) for _, _, end, words in rows]
        _line(made, left + 100 * inch, (top, foot), said)
    for number, ((_, begin, end, words), name) in enumerate(zip(rows, names, strict=True)):
        whole = number == len(rows) - 1
        y = top - (number + 0.5) * ROW
        color = WHOLE if whole else COLORS[number % len(COLORS)]
        made.write((left - 0.14, y), name, align="right", bold=whole and card.width(name) < NAMES)
        size = max((end - begin) * inch, 0.015)
        made.box((left + begin * inch, y - BAR / 2), (size, BAR), facecolor=color)
        made.write((left + begin * inch + size + GAP, y), words, bold=whole)
        if number + 2 < len(rows):
            x = left + end * inch
            made.rule([(x, y - BAR / 2), (x, y - ROW + BAR / 2)], color=card.GREY)
    made.rule([(left, top), (left, foot)], color=card.GREY)
    partial = stage.note_of(view.facts)
    words = f"{partial}  ·  {_foot(spent)}" if partial else _foot(spent)
    made.write((card.EDGE, card.EDGE + 0.06), card.fit(words, room), size=card.SMALL)
    return made.figure


def _line(
    made: card.Card, x: float, ends: tuple[float, float], said: list[tuple[float, float]]
) -> None:
    """Draw where the budget ends, but not through the words of a bar, and say so below."""
    top, foot = ends
    for number, (begin, wide) in enumerate(said):
        upper = top - number * ROW
        if not begin - GAP / 2 < x < begin + wide + GAP / 2:
            made.rule([(x, upper), (x, upper - ROW)], color=END, linestyle=(0, (4, 2)))
    words = "100 %: the budget is used up"
    made.write((x, foot - 0.11), words, size=card.SMALL, color=END, align="center")


def _foot(spent: Spending) -> str:
    """Return the speed, and what the whole window achieved, in words."""
    of, said = spent.objective, []
    whole = not coverage.told("", spent.asked, *_spans(spent))
    if spent.taken is not None and spent.taken.burn is not None and whole:
        burn = spent.taken.burn
        said.append(f"Burn rate {burn:,.{1 if burn >= 1 or not burn else 2}f}")
    if of.status is not None and of.target is not None:
        left = budget.left(of)
        said.append(f"{of.status:.3f} % achieved over {of.days}, {percent(left)} of budget left")
    return "  ·  ".join(said)


def told(spent: Spending) -> str:
    """Return the picture in words."""
    steps = ", ".join(f"{name}: {words}" for name, _, _, words in bars(spent))
    return f"Error budget by phase. {caption(spent)}. {steps}. {_foot(spent)}."
