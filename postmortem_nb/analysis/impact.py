"""The impact in one series: when it begins and ends, with an interval, or why it is unknown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.analysis import breaks, doubts, drift, recurring
from postmortem_nb.analysis.sudden import sudden
from postmortem_nb.analysis.usual import CAP, DAY, LEAST, Usual, usual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

Window = tuple[float | None, float | None]

MOST = 6_000
"""Points of a window that are looked at one by one; of a longer one means of neighbours are."""

AROUND = 1_000
"""Points on each side of the window that are cut into segments."""

CLOSE = 0.75
"""How far outside the window, in its lengths, an impact may begin."""

LIKE = 0.5
"""How far a stretch within the window goes, against the most unusual one, to be a part of it."""

BEGUN = "what is unusual may have begun long before the incident"

STAYS = "the series drifts, and would look the same were it not over: pull a longer time after"

LEAST_POINTS = 2
"""Points of a level: one alone is a spike."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A proposed time with its 95 % interval, in seconds since the epoch; NaN is unknown."""

    at: float = np.nan
    earliest: float = np.nan
    latest: float = np.nan
    before: float = np.nan
    after: float = np.nan
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Impact:
    """What was found in a series: its two ends, how unusual it was, and what was expected."""

    start: Moment
    end: Moment
    shift: float = np.nan
    """Median deviation within the impact, in units of the baseline's noise."""
    baseline: str = ""
    at: Floats = field(default_factory=lambda: np.zeros(0))
    y: Floats = field(default_factory=lambda: np.zeros(0))
    level: Floats = field(default_factory=lambda: np.zeros(0))


def find(at: Floats, y: Floats, window: Window, past: tuple[Floats, Floats]) -> Impact:
    """Return the impact in the values ``y`` at the times ``at``, near a declared ``window``.

    Missing values are unknown and left out, never 0. ``past`` holds times and values of a baseline
    that was pulled apart.
    """
    at, y = _known(np.concatenate([past[0], at]), np.concatenate([past[1], y]))
    at, y = _thinned(at, y, window)
    if at.size < LEAST + LEAST_POINTS:
        return _unknown(at, y, f"only {_values(at.size)}; {LEAST + LEAST_POINTS} are needed")
    if np.ptp(y) <= 1e-12 * max(abs(float(y[0])), 1e-12):
        return _unknown(at, y, "the series is flat: it has one value throughout")
    near, known = _near(at, window), _baseline(at, window)
    if known.sum() < LEAST:
        came = _values(int(known.sum()))
        return _unknown(at, y, f"only {came} outside the incident; {LEAST} are needed")
    if rises := doubts.counter(at, y, known, window):
        return _unknown(at, y, rises)
    beside = drift.beside(at, window, length := _length(at, window))
    return _found(at, y, near, usual(at, y, known, length, beside), window)


def _known(at: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the known values in order of time, one at each time."""
    there = np.isfinite(at) & np.isfinite(y)
    moments, where = np.unique(at[there], return_inverse=True)
    if not moments.size:
        return moments, moments
    return moments, np.bincount(where, weights=y[there]) / np.bincount(where)


def _thinned(at: Floats, y: Floats, window: Window) -> tuple[Floats, Floats]:
    """Return means of as many neighbours as leave at most MOST points in the window."""
    many = -(-int(_inside(at, window).sum()) // MOST) if at.size else 1
    if many <= 1:
        return at, y
    edges = np.arange(0, at.size, many)
    return at[edges], np.add.reduceat(y, edges) / np.diff([*edges, at.size])


def _unknown(at: Floats, y: Floats, reason: str) -> Impact:
    return Impact(Moment(reason=reason), Moment(reason=reason), at=at, y=y)


def _values(count: int) -> str:
    return f"{count} known value{'' if count == 1 else 's'}"


def _length(at: Floats, window: Window) -> float:
    start, end = window
    if start is None:
        return float(np.ptp(at)) / 8
    return max((end if end is not None else float(at[-1])) - start, _step(at))


def _step(at: Floats) -> float:
    return float(np.median(np.diff(at)))


def _near(at: Floats, window: Window) -> Flags:
    """Return the points where the impact is looked for: the window and some on each side."""
    start, end = window
    if start is None:
        return np.ones(at.size, bool)
    margin = max(_length(at, window) * CLOSE, 5 * _step(at))
    last = end if end is not None else float(at[-1])
    found: Flags = (at >= start - margin) & (at <= last + margin)
    return found


def _baseline(at: Floats, window: Window) -> Flags:
    """Return the points that tell what is usual: before the incident, where there are enough.

    Without a window all of them do: medians are not moved by an incident shorter than the rest.
    """
    start, end = window
    if start is None:
        long = np.ptp(at) >= 2 * DAY
        return np.ones(at.size, bool) if long else at <= at[0] + np.ptp(at) / 5
    length = _length(at, window)
    for margin in (1.0, 0.5, 0.25):
        apart: Flags = at < start - margin * length
        if apart.sum() >= 3 * LEAST:
            return apart
    before: Flags = at < start
    if before.sum() >= LEAST:
        return before
    return before | (at > end if end is not None else np.zeros(at.size, bool))


def _found(at: Floats, y: Floats, near: Flags, known: Usual, window: Window) -> Impact:
    """Return a level that is not usual, else what departs suddenly from the values just before."""
    inside = _inside(at, window)
    low, high = _looked_at(inside, near)
    cut = breaks.segments(known.deviation[low:high], known.ties)
    cut = [(first + low, beyond + low) for first, beyond in cut]
    cut, often = _fresh(at, known, cut, near)
    stretches, chosen = _looked_for(known, cut, (inside, near))
    quiet = _quiet(at, stretches, window)
    said = _doubt(at, y, known, chosen, quiet & ~known.others)
    said = often if chosen is None and often else said
    if chosen is None and window[0] is not None:
        end = at[-1] if window[1] is None else window[1]
        why = doubts.silence(at, window[0], float(end))
        said = why or doubts.begins(at, window[0], _length(at, window), LEAST) or said
    begun = at[near].min(initial=np.inf) if window[0] is not None else -np.inf
    found = Impact(Moment(reason=said), Moment(reason=said), baseline=known.says)
    if chosen is not None and not said:
        found = _placed(at, y, known, chosen, stretches)
        like = _like(known, stretches, chosen, (inside, near, quiet & ~known.others))
        bouts = [_placed(at, y, known, one, stretches) for one in like]
        found = _spanned(found, [one for one in bouts if not one.start.earliest < begun])
        if found.start.earliest < begun:
            found = Impact(Moment(reason=BEGUN), Moment(reason=BEGUN), baseline=known.says)
    edges = found.start.at, found.end.at, found.end.latest
    drifts = window[0] is not None and np.isfinite(edges).all()
    if drifts and drift.goes_on(at, known.scaled(y), edges, known.ties):
        found = replace(found, end=Moment(reason=STAYS))
    level = known.level
    if window[0] is not None and np.isnan(found.start.at):
        change = sudden(known.deviation, quiet, (inside, near), counts=known.grows)
        if change is not None:
            often = recurring.often(at, known.deviation, (change.first, change.beyond))
        if change is not None and often:
            found = Impact(Moment(reason=often), Moment(reason=often), baseline=known.says)
        elif change is not None:
            known = known.about(change.level, change.noise, change.says)
            local = _placed(at, y, known, (change.first, change.beyond), stretches)
            if local.start.at >= begun:
                found, level = local, known.level
    return replace(found, at=at, y=y, level=level)


def _placed(
    at: Floats, y: Floats, known: Usual, stretch: tuple[int, int], others: list[tuple[int, int]]
) -> Impact:
    """Return a stretch as an impact, its edges looked for up to other unusual stretches."""
    room = _room(stretch, others, at.size)
    start, end = _start(at, y, known, stretch, room), _end(at, y, known, stretch, room)
    shift = float(np.median(known.deviation[slice(*stretch)]))
    return Impact(start, end, shift, known.says)


def _like(
    known: Usual,
    stretches: list[tuple[int, int]],
    chosen: tuple[int, int],
    places: tuple[Flags, Flags, Flags],
) -> list[tuple[int, int]]:
    """Return the other stretches about the window that are like the chosen one."""
    inside, near, quiet = places
    if inside.all():
        return []
    begun = int(near.argmax())
    middle = float(np.median(known.deviation[slice(*chosen)]))

    def is_like(one: tuple[int, int]) -> bool:
        own = float(np.median(known.deviation[slice(*one)])) / middle
        rare = breaks.rarity(known.deviation, quiet, one) or 0.0
        there = one[0] >= begun and bool(inside[slice(*one)].any())
        return there and own >= LIKE and rare <= breaks.RARE

    return [one for one in stretches if one != chosen and is_like(one)]


def _spanned(chosen: Impact, bouts: list[Impact]) -> Impact:
    """Return what came and went: it begins with the first of the bouts and ends with the last."""
    every = sorted([chosen, *bouts], key=lambda one: np.nan_to_num(one.start.at, nan=-np.inf))
    return replace(chosen, start=every[0].start, end=every[-1].end)


def _fresh(
    at: Floats, known: Usual, cut: list[tuple[int, int]], near: Flags
) -> tuple[list[tuple[int, int]], str]:
    """Return the segments but those near the incident that come every day, and how often those."""
    often = {
        one: recurring.often(at, known.deviation, one) for one in cut if near[slice(*one)].any()
    }
    left = [one for one in cut if not often.get(one)]
    again = (often[one] for one in cut if one not in left)
    return left, next(again, "")


def _looked_for(
    known: Usual, cut: list[tuple[int, int]], places: tuple[Flags, Flags]
) -> tuple[list[tuple[int, int]], tuple[int, int] | None]:
    """Return the unusual stretches, and the one that is the impact; None for none."""
    stretches: list[tuple[int, int]] = []
    sure = breaks.SURE_OF_COUNTS if known.grows else breaks.SURE
    for shift in (breaks.LEAST_SHIFT, breaks.STRONG_SHIFT):
        wanted = breaks.Wanted(shift, sure)
        stretches = breaks.unusual(known.deviation, cut, known.ties, wanted)
        chosen = _chosen(known.deviation, stretches, places)
        if chosen is not None:
            return stretches, chosen
    return stretches, None


def _room(chosen: tuple[int, int], stretches: list[tuple[int, int]], size: int) -> tuple[int, int]:
    """Return how far the usual reaches on both sides: to the next unusual stretches."""
    low = max((beyond for _, beyond in stretches if beyond <= chosen[0]), default=0)
    high = min((first for first, _ in stretches if first >= chosen[1]), default=size)
    return low, high


def _doubt(
    at: Floats, y: Floats, known: Usual, chosen: tuple[int, int] | None, quiet: Flags
) -> str:
    """Return why a stretch is no impact; nothing where it is one."""
    if chosen is None:
        return "nothing near the incident departs from the baseline"
    rare = breaks.rarity(known.deviation, quiet, chosen)
    if rare is not None and rare > breaks.RARE:
        return f"as unusual stretches are {rare:.0%} of the baseline itself"
    if at.size - chosen[1] < LEAST_POINTS and drift.is_all(at, y, chosen):
        return "the series drifts slowly and does not come back: there is no break to date"
    return ""


def _inside(at: Floats, window: Window) -> Flags:
    start, end = window
    if start is None:
        return np.ones(at.size, bool)
    found: Flags = (at >= start) & (at <= (end if end is not None else at[-1]))
    return found


def _looked_at(inside: Flags, near: Flags) -> tuple[int, int]:
    """Return the stretch that is cut into segments: all around the window, MOST points at most."""
    there = np.flatnonzero(inside | near)
    if not there.size:
        return 0, min(inside.size, MOST)
    low = max(0, int(there[0]) - max(AROUND, there.size))
    return low, min(inside.size, low + max(MOST, int(there[-1]) + AROUND - low))


def _quiet(at: Floats, stretches: list[tuple[int, int]], window: Window) -> Flags:
    """Return the points that surely belong to no incident: long before, or in no stretch."""
    start = window[0]
    if start is not None:
        return at < start - _length(at, window) / 2
    found = np.ones(at.size, bool)
    for first, beyond in stretches:
        found[first:beyond] = False
    return found


def _chosen(
    z: Floats, stretches: list[tuple[int, int]], places: tuple[Flags, Flags]
) -> tuple[int, int] | None:
    """Return the most unusual stretch that overlaps the window, else one close to it.

    One that begins long before the window is no impact of it.
    """
    inside, near = places
    begun = int(near.argmax())
    for place in (inside, near):
        there = [one for one in stretches if place[slice(*one)].any() and one[0] >= begun]
        if there:
            return max(there, key=lambda one: _weight(z, one, place))
    return None


def _weight(z: Floats, stretch: tuple[int, int], place: Flags) -> float:
    part = np.clip(z[slice(*stretch)], -CAP, CAP)[place[slice(*stretch)]]
    return abs(float(part.mean())) * float(np.sqrt(part.size))


def _start(
    at: Floats, y: Floats, known: Usual, stretch: tuple[int, int], room: tuple[int, int]
) -> Moment:
    if stretch[0] < LEAST_POINTS:
        return Moment(reason="the series is unusual from its first value on")
    return _edge(at, y, known, stretch, room[0])


def _end(
    at: Floats, y: Floats, known: Usual, stretch: tuple[int, int], room: tuple[int, int]
) -> Moment:
    """Return the end: the start of the same series read backwards."""
    first, beyond = stretch
    if at.size - beyond < LEAST_POINTS:
        return Moment(reason="the series has not come back to its baseline when it ends")
    back = replace(known, level=known.level[::-1], deviation=known.deviation[::-1])
    found = _edge(-at[::-1], y[::-1], back, (at.size - beyond, at.size - first), at.size - room[1])
    step = _step(at)
    return Moment(
        # read backwards, the first unusual point is the last one: the end is one step later
        at=-found.at + step,
        earliest=-found.latest + step,
        latest=-found.earliest + step,
        before=found.after,
        after=found.before,
        reason=found.reason,
    )


def _edge(at: Floats, y: Floats, known: Usual, stretch: tuple[int, int], usual_from: int) -> Moment:
    """Return where the usual, which reaches back to a place, becomes the stretch."""
    first, beyond = stretch
    reach = max(beyond - first, 12)
    low, high = max(usual_from, first - reach), min(beyond, first + reach)
    if high - low < LEAST_POINTS:  # a spike right behind another unusual stretch
        low = first - LEAST_POINTS
        level = known.level.copy()
        level[low:first] = y[low:first]
        known = replace(known, level=level)
    part = slice(low, high)
    found = breaks.edge(
        breaks.Part(
            at[part],
            y[part],
            known.level[part],
            first - low,
            known.ties,
            known.grows,
            known.jump,
            known.scaled,
        )
    )
    place = min(low + found.place, at.size - 1)
    top = float(np.median((y - known.level)[place:beyond])) if beyond > place else 0.0
    return Moment(
        found.at, found.first, found.last,
        float(known.level[place]), float(known.level[place]) + top,
        "one value alone: a spike" if beyond - first == 1 else "",
    )  # fmt: skip
