"""The timeline drawn to scale in the page itself: phases as bars, each step a mark on its own line.

An SVG of a few kilobytes whose colours follow the page, light or dark, and whose words can be
selected and read aloud. (`charts.timeline` draws the same as a picture, for Markdown.)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from postmortem_nb import text, times
from postmortem_nb.hindsight import BEFORE, foregone, saying

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

WIDTH = 860
LEFT, RIGHT = 14, 846
TOP = 34
LINE = 25
BAR = 17
LETTER = 7.1
"""Width of a letter, in the units of the drawing; labels that would not fit move to the left."""

MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = (
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(HOUR * n for n in (1, 2, 3, 6, 12)),
    *(DAY * n for n in (1, 2, 7, 14, 28, 91)),
)
"""Distances between marks of the axis, in seconds."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Spelled here, for a document is the same whatever the machine's language."""

LONGEST = 70
"""Letters of a step's name that are drawn; the written timeline has all of it."""

MOST_MARKS = 8
TONES = 4
"""Colours of phases; the fifth phase begins again."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the timeline: when, its phase, its name."""

    time: datetime
    phase: str
    name: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a moment stands from left to right."""

    start: datetime
    end: datetime

    def x(self, moment: datetime) -> float:
        """Return the place of a moment, in the units of the drawing."""
        share = (moment - self.start) / (self.end - self.start)
        return round(LEFT + share * (RIGHT - LEFT), 1)


def steps(rows: Iterable[Mapping[str, Any]]) -> list[Step]:
    """Return the rows of a timeline that have a time, numbered where a step comes twice."""
    timed = [row for row in rows if row.get("time") is not None]
    names = [str(row.get("step") or "") for row in timed]
    seen: Counter[str] = Counter()
    found = []
    for row, name, early in zip(timed, names, foregone(timed), strict=True):
        seen[name] += 1
        number = f" {seen[name]}" if names.count(name) > 1 else ""
        phase = BEFORE if early else str(row.get("phase") or "")
        told = saying(row) if early else ""
        found.append(Step(row["time"], phase, f"{name[:LONGEST]}{number}{told}"))
    return found


def draw(steps: Sequence[Step], window: tuple[datetime | None, datetime | None]) -> str:
    """Return the SVG of steps in their order of time, the incident's window shaded.

    Nothing for fewer than two moments: there is no scale.
    """
    moments = [step.time for step in steps] + [moment for moment in window if moment]
    if len(set(moments)) < 2:
        return ""
    scale = _scale(min(moments), max(moments))
    lines, height = _lines(steps, scale)
    parts = [*_ground(scale, window, height), *_axis(scale, height), *lines]
    return (
        f'<svg class="pm-svg" viewBox="0 0 {WIDTH} {height + 44}" role="img"'
        f' aria-label="{text.html(told(steps))}">{"".join(parts)}</svg>'
    )


def told(steps: Sequence[Step]) -> str:
    """Return in words what a drawn timeline shows."""
    said = "; ".join(f"{_clock(step.time)} {step.name}" for step in steps)
    return f"Timeline to scale: {said}. All times are UTC."


def _scale(first: datetime, last: datetime) -> Scale:
    """Return a scale with a little room on both sides."""
    room = max((last - first) * 0.02, timedelta(seconds=1))
    return Scale(first - room, last + room)


def _lines(steps: Sequence[Step], scale: Scale) -> tuple[list[str], int]:
    """Return the bars and marks, each on its own line, and the height they take."""
    parts: list[str] = []
    height = TOP
    phases = _phases(steps)
    tones = iter(f"pm-phase-{number % TONES}" for number in range(len(phases)))
    for phase, members in phases:
        tone = "pm-before" if phase == BEFORE else next(tones)
        parts += _bar(phase, members, scale, (height, tone))
        height += LINE + 4
        for step in members:
            x, y = scale.x(step.time), height + 10
            parts.append(f'<circle class="{tone}" cx="{x}" cy="{y}" r="5"/>')
            parts.append(_label(f"{_clock(step.time)}  {step.name}", x, (x + 11, x - 11), y + 4.5))
            height += LINE - 3
        height += 8
    return parts, height


def _phases(steps: Sequence[Step]) -> list[tuple[str, list[Step]]]:
    """Return steps gathered by phase, phases in the order they began; what came before, first."""
    found: dict[str, list[Step]] = {}
    for step in sorted(steps, key=lambda each: each.time):
        found.setdefault(step.phase, []).append(step)
    return sorted(found.items(), key=lambda phase: phase[0] != BEFORE)


def _bar(
    phase: str, members: Sequence[Step], scale: Scale, place: tuple[int, str]
) -> Iterator[str]:
    y, tone = place
    start, end = members[0].time, members[-1].time
    x, until = scale.x(start), scale.x(end)
    if phase == BEFORE:
        yield _label(phase, x, (x - 5, x + 5), y + 13, strong=True)
        return
    minutes = (end - start).total_seconds() / MINUTE
    width = round(max(until - x, 3), 1)
    yield f'<rect class="{tone}" x="{x}" y="{y}" width="{width}" height="{BAR}" rx="2"/>'
    shown = f"{phase} · {times.duration(minutes)}" if minutes else phase
    after, room = max(until, x + 3) + 9, _width(shown, strong=True)
    if after + room > RIGHT and room + 18 <= width:
        yield f'<text class="pm-svg-inside" x="{x + 9:.1f}" y="{y + 13}">{text.html(shown)}</text>'
    else:
        yield _label(shown, x, (after, x - 9), y + 13, strong=True)


def _label(
    shown: str, x: float, sides: tuple[float, float], y: float, *, strong: bool = False
) -> str:
    """Return a label to the right of its mark, or to the left where the right has no room.

    What has room on neither side is cut: the written timeline has all of it.
    """
    after, before = sides
    left = after + _width(shown, strong=strong) > RIGHT and x > WIDTH / 2
    room = before if left else RIGHT - after
    if _width(shown, strong=strong) > room:
        shown = f"{shown[: int(room / _width('x', strong=strong)) - 1]}…"
    place = f'x="{before:.1f}" text-anchor="end"' if left else f'x="{after:.1f}"'
    style = "pm-svg-strong" if strong else "pm-svg-text"
    return f'<text class="{style}" {place} y="{y}">{text.html(shown)}</text>'


def _width(shown: str, *, strong: bool = False) -> float:
    """Return about how wide a label is drawn."""
    return len(shown) * LETTER * (1.08 if strong else 1)


def _ground(
    scale: Scale, window: tuple[datetime | None, datetime | None], height: int
) -> Iterator[str]:
    """Yield the incident's window as a shade with its times."""
    start, end = window
    if start is None or end is None or end <= start:
        return
    x, y = scale.x(start), TOP - 12
    size = f'width="{scale.x(end) - x:.1f}" height="{height - y}"'
    yield f'<rect class="pm-svg-window" x="{x}" y="{y}" {size}/>'
    lasted = times.duration((end - start).total_seconds() / MINUTE)
    days = [f"{_day(moment)} " if start.date() != end.date() else "" for moment in (start, end)]
    between = f"{days[0]}{_clock(start)}–{days[1]}{_clock(end)}"
    yield _soft(f"Impact {between}, {lasted}", x, y - 6)


def _axis(scale: Scale, height: int) -> Iterator[str]:
    """Yield the axis: a line, its marks, and the day where it begins or changes."""
    yield f'<line class="pm-svg-axis" x1="{LEFT}" y1="{height}" x2="{RIGHT}" y2="{height}"/>'
    last = None
    for moment in _marks(scale):
        x = scale.x(moment)
        yield f'<line class="pm-svg-grid" x1="{x}" y1="{TOP - 12}" x2="{x}" y2="{height + 4}"/>'
        yield _soft(f"{moment:%H:%M}", max(x - 17, 0), height + 19)
        if moment.date() != last:
            zone = " UTC" if last is None else ""
            yield _soft(f"{_day(moment)} {moment.year}{zone}", max(x - 17, 0), height + 36)
        last = moment.date()


def _soft(shown: str, x: float, y: float) -> str:
    return f'<text class="pm-svg-soft" x="{round(x, 1)}" y="{y}">{text.html(shown)}</text>'


def _marks(scale: Scale) -> Iterator[datetime]:
    """Yield round moments at the smallest distance that leaves room for their labels."""
    length = (scale.end - scale.start).total_seconds()
    step = next((each for each in STEPS if length / each <= MOST_MARKS), STEPS[-1])
    first = -(-scale.start.timestamp() // step) * step
    for number in range(int(length // step) + 1):
        moment = datetime.fromtimestamp(first + number * step, scale.start.tzinfo)
        if moment <= scale.end:
            yield moment


def _day(moment: datetime) -> str:
    return f"{moment.day} {MONTHS[moment.month - 1]}"


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
