"""What all pictures over time share: heading, incident, milestones, panels and the UTC axis.

From top to bottom: title; caption of the first panel, and on its right the swatch of the incident;
a note where the evidence is incomplete; flags of the milestones; the panels; the axis; the key.
Names of series stand in a column of their own to the right, so nothing is written over data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from postmortem_nb.captions import label
from postmortem_nb.charts import card, clock, marks, palette

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from postmortem_nb.charts.clock import Span
    from postmortem_nb.charts.look import Look
    from postmortem_nb.units import Scale

COLUMN_MOST = 2.1  # inches for names of series
KEY = 0.26  # inches of line or swatch before such a name
SWATCH = 0.24  # inches of the box of the incident before its words
AXIS = 0.42  # inches below the panels: times and days
CAPTION = 0.22
BETWEEN = 0.4  # inches from one panel to the next, the caption in it


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: how, which stretch of time, and what the evidence says of itself."""

    look: Look
    span: Span
    facts: Mapping[str, object] = field(default_factory=dict)
    known: Span | None = None
    """The stretch that the rows cover, where the evidence is incomplete; the rest is unknown."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes: what it shows, its upright scale (None: nothing to read off), inches."""

    caption: str
    scale: Scale | None
    height: float


@dataclass(frozen=True, slots=True)
class Room:
    """A panel's place in inches."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The panel's right edge."""
        return self.left + self.width

    @property
    def top(self) -> float:
        """The panel's upper edge."""
        return self.bottom + self.height


@dataclass(frozen=True, slots=True)
class Stage:
    """The card with its empty panels; x in them counts seconds from the span's start."""

    card: card.Card
    view: View
    panels: tuple[tuple[Axes, Room], ...]
    upright: bool = True
    """Whether there is a scale to read; without one the panel holds names, and lines are faint."""

    def x(self, at: float) -> float:
        """Return where a moment stands, in inches."""
        room, span = self.panels[0][1], self.view.span
        return room.left + (at - span.start) / span.length * room.width


def stage(
    view: View, panels: Sequence[Panel], names: Sequence[str] = (), *, remark: str = ""
) -> Stage:
    """Return a card for these panels, with room to their right for ``names``; ``remark`` below."""
    left = _left(panels)
    right = card.WIDTH - card.EDGE - max(_column(names), 0.3)
    plot = Room(left, 0.0, right - left, 0.0)
    flags = marks.strip(_milestones(view, plot), card.WIDTH - card.EDGE, right - left)
    caption = _folded(view, panels[0].caption)
    heads = _heads(view, flags) + (len(caption) - 1) * card.LINE
    body = sum(panel.height for panel in panels) + BETWEEN * (len(panels) - 1)
    below = [
        *flags.key,
        *([card.fit(remark, card.WIDTH - 2 * card.EDGE, card.SMALL)] if remark else []),
    ]
    foot = AXIS + len(below) * card.LINE + (0.06 if below else 0)
    made = card.Card(round(heads + body + foot + 0.06, 3))
    rooms = _rooms(panels, plot, made.height - heads)
    drawn = tuple(
        (_axes(made, view, panel, room), room) for panel, room in zip(panels, rooms, strict=True)
    )
    found = Stage(made, view, drawn, upright=panels[0].scale is not None)
    _heading(found, caption)
    for panel, room in list(zip(panels, rooms, strict=True))[1:]:
        _caption(made, panel.caption, room.top + 0.13, card.WIDTH - 2 * card.EDGE)
    _time_axis(found)
    _draw_flags(found, flags)
    for number, words in enumerate(below):
        y = rooms[-1].bottom - AXIS - (number + 0.5) * card.LINE
        made.write((left if number < len(flags.key) else card.EDGE, y), words, size=card.SMALL)
    return found


def _left(panels: Sequence[Panel]) -> float:
    words = [words for panel in panels if panel.scale for _, words in panel.scale.ticks]
    widest = max((card.width(text, card.SMALL) for text in words), default=0.0)
    return card.EDGE + max(widest + 0.08, 0.2)


def _column(names: Sequence[str]) -> float:
    widest = max((card.width(name) for name in names), default=-KEY)
    return min(widest + KEY + 0.05, COLUMN_MOST)


def _named(name: str) -> str:
    """Return a milestone's name as it begins a line."""
    return name[:1].upper() + name[1:]


def _milestones(view: View, plot: Room) -> list[marks.Milestone]:
    span = view.span
    placed = [(clock.epoch(when), label(_named(name), 40)) for name, when in view.look.milestones]
    return [
        marks.Milestone(
            plot.left + (at - span.start) / span.length * plot.width, name, clock.clock(at)
        )
        for at, name in sorted(placed)
        if span.start <= at <= span.end
    ]


def _heads(view: View, flags: marks.Strip) -> float:
    """Return how many inches stand above the first panel."""
    title = 0.26 if view.look.title else 0.0
    note = card.LINE if note_of(view.facts) else 0.0
    return card.EDGE + title + CAPTION + note + flags.rows * card.LINE + 0.04


def _rooms(panels: Sequence[Panel], plot: Room, top: float) -> list[Room]:
    rooms = []
    for panel in panels:
        rooms.append(Room(plot.left, top - panel.height, plot.width, panel.height))
        top -= panel.height + BETWEEN
    return rooms


def _axes(made: card.Card, view: View, panel: Panel, room: Room) -> Axes:
    axes = made.panel(room.left, room.bottom, room.width, room.height)
    axes.set_xlim(0.0, view.span.length)
    if panel.scale:
        _scale(made, axes, panel.scale, room)
    _shade(axes, view)
    axes.plot(
        [0, 1], [0, 0], color=card.GREY, linewidth=0.8, transform=axes.transAxes, zorder=2.5,
        clip_on=False,
    )  # fmt: skip
    return axes


def _scale(made: card.Card, axes: Axes, scale: Scale, room: Room) -> None:
    if scale.log:
        axes.set_yscale("log")
        axes.minorticks_off()
        axes.set_yticks([])
    axes.set_ylim(scale.low, scale.high)
    for value, words in scale.ticks:
        y = room.bottom + height_of(scale, value) * room.height
        made.write((room.left - 0.08, y), words, size=card.SMALL, color=card.GREY, align="right")
        axes.axhline(value, color=card.FAINT, linewidth=0.8, zorder=0.6)


def height_of(scale: Scale, value: float) -> float:
    """Return where a value stands on its scale, 0 at the bottom and 1 at the top."""
    if scale.log:
        return math.log(value / scale.low) / math.log(scale.high / scale.low)
    return (value - scale.low) / (scale.high - scale.low)


def _shade(axes: Axes, view: View) -> None:
    """Shade the incident, and hatch what was not pulled."""
    found = incident(view)
    if found is not None:
        start, end = found.start - view.span.start, found.end - view.span.start
        axes.axvspan(start, end, color=palette.SHADE, linewidth=0, zorder=0.2)
        axes.plot(
            [start, end], [1, 1], color=palette.SHADE_EDGE, linewidth=2.2, solid_capstyle="butt",
            transform=axes.get_xaxis_transform(), zorder=3.5, clip_on=False,
        )  # fmt: skip
    if view.known is not None:
        for start, end in ((view.span.start, view.known.start), (view.known.end, view.span.end)):
            if end - start > view.span.length / 200:
                axes.axvspan(
                    start - view.span.start, end - view.span.start, facecolor="none",
                    edgecolor=palette.UNKNOWN, hatch="////", linewidth=0, zorder=0.4,
                )  # fmt: skip


def incident(view: View) -> Span | None:
    """Return the part of the incident that is in view; its open end reaches to the edge."""
    start, end = view.look.window
    if start is None:
        return None
    first = max(clock.epoch(start), view.span.start)
    last = min(clock.epoch(end) if end else view.span.end, view.span.end)
    return clock.Span(first, last) if last > first else None


def note_of(facts: Mapping[str, object]) -> str:
    """Return what a reader must know of incomplete evidence, else nothing."""
    if facts.get("complete", True):
        return ""
    why = label(facts.get("partial") or "not all rows came", 100)
    return f"Incomplete: {why}"


def origin(facts: Mapping[str, object]) -> str:
    """Return what a picture says of where its data come from: nothing of an account's own."""
    return "sandbox data" if facts.get("sandbox") else ""


def mark_origin(made: card.Card, y: float, facts: Mapping[str, object]) -> float:
    """Write at the right where the data come from; return the inches it took."""
    words = origin(facts)
    made.write((card.WIDTH - card.EDGE, y), words, size=card.SMALL, color=card.GREY, align="right")
    return card.width(words, card.SMALL) + 0.2 if words else 0.0


def _folded(view: View, caption: str) -> list[str]:
    """Return the first caption as it stands beside the swatch: on one line, or on two."""
    return card.fold(caption, card.WIDTH - 2 * card.EDGE - _swatch_words(view)[1] - 0.2)


def _heading(found: Stage, caption: Sequence[str]) -> None:
    made, view = found.card, found.view
    y = made.height - card.EDGE
    room = card.WIDTH - 2 * card.EDGE
    if view.look.title:
        title = card.fit(label(view.look.title), room, card.TITLE, bold=True)
        made.write((card.EDGE, y - 0.09), title, size=card.TITLE, bold=True)
        y -= 0.26
    _swatch(found, y - 0.09)
    for line in caption:
        _caption(made, line, y - 0.09, room)
        y -= card.LINE
    y += card.LINE
    note = note_of(view.facts)
    if note:
        words = card.fit(note, room, card.SMALL)
        made.write((card.EDGE, y - CAPTION - 0.06), words, size=card.SMALL, color=palette.WARNING)


def _caption(made: card.Card, caption: str, y: float, room: float) -> None:
    made.write((card.EDGE, y), card.fit(caption, room), color=card.INK)


def _swatch_words(view: View) -> tuple[str, float]:
    """Return what the shaded stretch is, in words, and the inches that they take with its box."""
    words = "    ".join(filter(None, (_incident_words(view), origin(view.facts))))
    return words, card.width(words, card.SMALL) + (SWATCH if incident(view) else 0.0)


def _swatch(found: Stage, y: float) -> None:
    """Write at the right what the shaded stretch is."""
    words, _ = _swatch_words(found.view)
    left = card.WIDTH - card.EDGE - card.width(words, card.SMALL)
    found.card.write((left, y), words, size=card.SMALL, color=card.GREY)
    if not incident(found.view):
        return
    found.card.box(
        (left - SWATCH, y - 0.055), (0.17, 0.11), facecolor=palette.SHADE,
        edgecolor=palette.SHADE_EDGE, linewidth=0.6,
    )  # fmt: skip


def _incident_words(view: View) -> str:
    start, end = view.look.window
    if start is None or incident(view) is None:
        return ""
    begun = clock.clock(clock.epoch(start))
    if end is None:
        return f"incident since {begun}"
    if start.date() == end.date():
        return f"incident {begun}–{clock.clock(clock.epoch(end))}"
    days = [clock.day(clock.epoch(moment)).rpartition(" ")[0] for moment in (start, end)]
    return f"incident {days[0]} {begun}–{days[1]} {clock.clock(clock.epoch(end))}"


def _time_axis(found: Stage) -> None:
    room, span = found.panels[-1][1], found.view.span
    ticks = clock.ticks(span, max(2, int(room.width / 0.7)))
    taken = _first_day(found, room, ticks[0].at if ticks else span.start)
    for tick in ticks:
        x = found.x(tick.at)
        found.card.write(
            (x, room.bottom - 0.14), tick.clock, size=card.SMALL, color=card.GREY, align="center"
        )
        found.card.rule([(x, room.bottom), (x, room.bottom - 0.04)], color=card.GREY)
        wide = card.width(tick.day, card.SMALL)
        if tick.day and x - wide / 2 > taken + 0.1 and x + wide / 2 < card.WIDTH:
            found.card.write(
                (x, room.bottom - 0.32), tick.day, size=card.SMALL, color=card.GREY, align="center"
            )
            taken = x + wide / 2


def _first_day(found: Stage, room: Room, first: float) -> float:
    """Write the day of the first tick, under it where the span begins the day before."""
    words = f"{clock.day(first)}, UTC"
    same = clock.day(first) == clock.day(found.view.span.start)
    x = room.left if same else max(room.left, found.x(first) - 0.2)
    found.card.write((x, room.bottom - 0.32), words, size=card.SMALL, color=card.GREY)
    return x + card.width(words, card.SMALL)


def _pole(found: Stage, x: float, top: float) -> None:
    """Draw a milestone's line through every panel, and up to its flag."""
    for axes, room in found.panels:
        at = (x - room.left) / room.width * found.view.span.length
        color = card.GREY if found.upright else palette.UNKNOWN
        axes.axvline(at, color=color, linestyle=(0, (2, 1.6)), linewidth=0.8, zorder=3.6)
    found.card.rule([(x, found.panels[0][1].top), (x, top)], color=card.GREY)


def _draw_flags(found: Stage, flags: marks.Strip) -> None:
    base = found.panels[0][1].top + 0.04
    for flag in flags.flags:
        y = base + (flag.row + 0.5) * card.LINE
        _pole(found, flag.x, y + 0.06)
        if flags.numbered:
            found.card.box(
                (flag.left, y - 0.075),
                (2 * (flag.x - flag.left), 0.15),
                facecolor=card.GREY,
                zorder=5,
            )
            found.card.write(
                (flag.x, y), flag.words, size=card.SMALL, color=card.FACE, align="center"
            )
        else:
            found.card.write((flag.left, y), flag.words, size=card.SMALL)
