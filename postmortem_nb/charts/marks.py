"""Milestones over a time axis: names that never run into one another.

Names stand as flags on poles above the picture, the later ones lower, so that no pole crosses a
name. Where three rows of flags do not suffice, numbers stand there and a key below names them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb.charts import card

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 0.05  # inches between a pole and its name
APART = 0.1  # inches between two names
MOST_ROWS = 3
MOST_KEY_ROWS = 5


@dataclass(frozen=True, slots=True)
class Milestone:
    """A milestone at ``x`` inches: its name and its time of day."""

    x: float
    name: str
    clock: str


@dataclass(frozen=True, slots=True)
class Flag:
    """What stands above the picture: pole at ``x``, text from ``left`` on, in a row (0 lowest)."""

    x: float
    left: float
    row: int
    words: str


@dataclass(frozen=True, slots=True)
class Strip:
    """All flags, how many rows they take, whether they are numbers, and the key's lines then."""

    flags: tuple[Flag, ...] = ()
    rows: int = 0
    numbered: bool = False
    key: tuple[str, ...] = ()


def strip(milestones: Sequence[Milestone], right: float, key_width: float) -> Strip:
    """Return flags for milestones sorted by x, none beyond ``right`` inches."""
    timed = [f"{one.name} {one.clock}" for one in milestones]
    named = [one.name for one in milestones]
    for words, most in ((timed, 2), (named, MOST_ROWS)):
        flags = _flags(milestones, words, right)
        if flags is not None and max((flag.row for flag in flags), default=-1) < most:
            return Strip(flags, max((flag.row + 1 for flag in flags), default=0))
    flags = _numbers(milestones)
    numbered = [f"{number} {words}" for number, words in enumerate(timed, 1)]
    rows = max(flag.row for flag in flags) + 1
    return Strip(flags, rows, numbered=True, key=_wrapped(numbered, key_width))


def _flags(
    milestones: Sequence[Milestone], words: Sequence[str], right: float
) -> tuple[Flag, ...] | None:
    """Return a flag each, later ones lower; None where a pole would cross a name.

    A name that the right edge leaves no room for stands on the left of its own pole.
    """
    placed: list[tuple[Flag, float]] = []
    for one, text in sorted(zip(milestones, words, strict=True), key=lambda pair: -pair[0].x):
        wide = card.width(text, card.SMALL)
        left = one.x + GAP if one.x + GAP + wide <= right else one.x - GAP - wide
        row = 0
        for other, end in placed:
            if left < end + APART and other.left < left + wide + APART:
                if other.left < one.x - 0.01:
                    return None
                row = max(row, other.row + 1)
            elif left <= other.x <= left + wide:
                row = max(row, other.row + 1)
        placed.append((Flag(one.x, left, row, text), left + wide))
    return tuple(flag for flag, _ in reversed(placed))


def _numbers(milestones: Sequence[Milestone]) -> tuple[Flag, ...]:
    """Return a number each; where even they are too many, neighbours share one: "3–5"."""
    near = 0.01
    while True:
        flags = _stacked(_shared(milestones, near))
        if max(flag.row for flag in flags) < MOST_ROWS:
            return flags
        near *= 1.5


def _shared(milestones: Sequence[Milestone], near: float) -> list[tuple[float, str]]:
    groups: list[list[int]] = []
    for number, one in enumerate(milestones):
        if groups and one.x - milestones[groups[-1][0]].x <= near:
            groups[-1].append(number)
        else:
            groups.append([number])
    return [
        (milestones[group[0]].x, f"{group[0] + 1}" + (f"–{group[-1] + 1}" if group[1:] else ""))
        for group in groups
    ]


def _stacked(numbers: Sequence[tuple[float, str]]) -> tuple[Flag, ...]:
    ends: list[float] = []
    flags = []
    for x, words in numbers:
        wide = card.width(words, card.SMALL) + 0.1
        left = x - wide / 2
        row = next((row for row, end in enumerate(ends) if end + 0.02 <= left), len(ends))
        ends[row:] = [*([left + wide]), *ends[row + 1 :]]
        flags.append(Flag(x, left, row, words))
    return tuple(flags)


def _wrapped(entries: Sequence[str], room: float) -> tuple[str, ...]:
    """Return entries in lines of at most ``room`` inches."""
    lines: list[str] = []
    for number, entry in enumerate(entries):
        words = card.fit(entry, room - 0.5, card.SMALL)
        longer = f"{lines[-1]}    {words}" if lines else words
        if lines and card.width(longer, card.SMALL) <= room:
            lines[-1] = longer
        elif len(lines) == MOST_KEY_ROWS:
            lines[-1] = card.fit(f"{lines[-1]}", room - 1.0, card.SMALL)
            lines[-1] += f"    and {len(entries) - number} more"
            break
        else:
            lines.append(words)
    return tuple(lines)
