"""Odds ratios with their intervals, a row each, on a logarithmic axis: a forest plot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb.captions import label
from postmortem_nb.charts import card, palette

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure

MOST = 12
ROW = 0.27
HEAD = 0.74
NAMES = 3.0  # inches for names, at most
SHARES = 1.55  # inches for the shares at the right
AXIS = 0.5
LEAST, MOST_RATIO = 1e-3, 1e5


@dataclass(frozen=True, slots=True)
class Mark:
    """One row: its name, ratio and interval, the shares in words, and whether it is significant."""

    name: str
    ratio: float
    low: float
    high: float
    shares: str
    sure: bool


def draw(title: str, marks: Sequence[Mark], note: str = "", tested: int = 0) -> Figure:
    """Return the picture of the first twelve rows of those tested, blue those that are significant.

    What grey means is said below, where there is any.
    """
    if not marks:
        return card.note(title, "No value of a facet has enough rows to be tested")
    shown = marks[:MOST]
    names = card.fit_apart([label(one.name) for one in shown], NAMES)
    left = card.EDGE + max(card.width(name) for name in names) + 0.15
    right = card.WIDTH - card.EDGE - SHARES
    is_grey = not all(one.sure for one in shown)
    made = card.Card(round(HEAD + ROW * len(shown) + AXIS + is_grey * card.LINE, 3))
    _heads(made, title, note, (left, right))
    low, high = _ends(shown)
    top = made.height - HEAD

    def x(ratio: float) -> float:
        ratio = min(max(ratio, low), high)
        return left + math.log(ratio / low) / math.log(high / low) * (right - left)

    _axis(made, x, (low, high), top, top - ROW * len(shown))
    for row, (one, name) in enumerate(zip(shown, names, strict=True)):
        y = top - (row + 0.5) * ROW
        color = palette.SERIES[0] if one.sure else palette.REST
        made.write((left - 0.15, y), name, align="right", color=card.INK if one.sure else card.GREY)
        made.rule([(x(one.low), y), (x(one.high), y)], color=color, linewidth=2.0)
        if one.ratio <= high:
            made.dot((x(one.ratio), y), 0.11, color)
        if one.high > high:  # what goes on beyond the axis is not drawn as if it ended there
            made.write((x(high) + 0.04, y), "→", color=color)
        made.write((card.WIDTH - card.EDGE, y), one.shares, align="right", color=card.GREY)
    if is_grey:
        words = f"Grey: not more often than by chance, of {tested or len(marks):,} values tested"
        made.write((card.EDGE, 0.5 * card.LINE), words, size=card.SMALL)
    return made.figure


def _heads(made: card.Card, title: str, note: str, ends: tuple[float, float]) -> None:
    left, right = ends
    y = made.height - card.EDGE - 0.09
    said = label(note)
    room = card.WIDTH - 2 * card.EDGE - card.width(said, card.SMALL) - 0.2
    made.write(
        (card.EDGE, y),
        card.fit(label(title), room, card.TITLE, bold=True),
        size=card.TITLE,
        bold=True,
    )
    made.write((card.WIDTH - card.EDGE, y), said, size=card.SMALL, color=card.GREY, align="right")
    made.write((left, y - 0.34), card.fit("Odds ratio, 95 % interval", right - left))
    made.write((card.WIDTH - card.EDGE, y - 0.34), "of errors / others", align="right")


def _ends(marks: Sequence[Mark]) -> tuple[float, float]:
    """Return the powers of ten around all intervals and 1."""
    low = max(min(1.0, *(one.low for one in marks)), LEAST)
    high = min(max(1.0, *(one.high for one in marks)), MOST_RATIO)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return 10.0**first, 10.0 ** max(last, first + 1)


def _axis(
    made: card.Card,
    x: Callable[[float], float],
    ends: tuple[float, float],
    top: float,
    bottom: float,
) -> None:
    first, last = (round(math.log10(end)) for end in ends)
    for power in range(first, last + 1):
        at, one = x(10.0**power), power == 0
        color = card.GREY if one else card.FAINT
        made.rule([(at, top), (at, bottom - 0.04)], color=color, zorder=0.5)
        words = f"{10.0**power:,.10g}"
        made.write((at, bottom - 0.16), words, size=card.SMALL, color=card.GREY, align="center")
    middle = x(1.0)
    if middle - x(ends[0]) > 1.4:
        made.write(
            (middle - 0.1, bottom - 0.34), "← less often", size=card.SMALL, color=card.GREY,
            align="right",
        )  # fmt: skip
    made.write(
        (middle + 0.1, bottom - 0.34), "errors more often →", size=card.SMALL, color=card.GREY
    )
