"""Figures of sentences that no frozen rows bear: counts and parts by attribute and stretch.

A figure is borne where so many rows have some of the values that its sentence names, or such a part
of others, within a stretch that it may tell of; where no rows have, it is doubted.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from itertools import chain, combinations, islice, pairwise, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postmortem_nb.checks import attributes, borne, breakdown, derived, instants, portions
from postmortem_nb.checks.reading import TEXTS, about, attest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.attributes import Answer, Chosen, Named
    from postmortem_nb.checks.breakdown import Told
    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.instants import Window
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

    _Counts = Mapping[frozenset[Chosen], Sequence[float]]

MOST = 100
"""Figures that are looked at in a document: a text of nothing else must not slow a form."""
_MOST_WAYS = 100
"""Choices of values that are tried for a figure."""
_FEW = 4
"""Values of a key of which each choice is tried."""
_STATUS = (
    (re.compile("error|fail", re.IGNORECASE), "error"),
    (re.compile(r"\bwarn", re.IGNORECASE), "warn"),
    (re.compile(r"\bwarn", re.IGNORECASE), "warning"),
    (re.compile(r"\binfo\b", re.IGNORECASE), "info"),
)
"""How sentences name the status of rows; that of errors need not be named."""
_NO_ERROR, _OTHERS = (
    re.compile(
        r"\b(?:no(?:t|ne)?|without|other than)\s(?:an?\s|any\s)?(?:errors?|failures?)\b|"
        r"\berrors?\b[^;.]{0,80}\b(?:are|were)\s(?:none|not)\b",
        re.IGNORECASE,
    ),
    "",
)
"""How a sentence tells of the rows that are none, and what stands for their status."""
_OFF, _SURE = 0.01, 0.002
"""Share by which a count may be off, and by which it is still surely the one that is told."""
_POINTS, _WIDE = 1.0, 8.0
"""Points by which a share may be off, and one of some logs only."""
_ROUND = 0.25
"""Share of a number that its rounding may be, for it to be held to a count at all."""
_FAR = 6.0
"""How often as many a number without a noun may be, to be meant for rows."""
_ROWS = 50
"""Rows of which a share is known."""
_MINUTE, _MINUTES = dt.timedelta(minutes=1), 600
"""A step, and how many, in which a part of what came is looked at."""
_OTHER = re.compile(r"\b(?:an)?other\s(?:kind|sort|type|error|reason)s?\b", re.IGNORECASE)
"""In a sentence: a count far from the rows of its kind may be of those without it."""


def found(
    incident: Incident, case: Case, others: Sequence[Finding], attested: Attested
) -> Iterator[Finding]:
    """Yield figures by attribute that no frozen rows have.

    Nothing about a figure that ``others`` are about.
    """
    every = attributes.answers(incident, case)
    pairs = attributes.failing(every)
    failing = any(one.kind == attributes.POINTS and derived.is_bad(one.label) for one in every)
    figures = breakdown.told(case, every, borne.known(incident, case)) if every else ()
    for each in islice(figures, MOST):
        held = [one for one in every if _is_of(each, one)]
        if each.is_request and not (failing or each.is_share):
            held = [one for one in held if one.kind != attributes.LOGS]  # one need not write one
        windows = _windows(case, each)
        every_: list[Window | None] = [*(windows or instants.whole(case))]
        every_ += [] if each.is_overall else [None]  # whatever else is frozen
        if _nearest(each, held, pairs, every_) is not None:
            told = _stretches(case, each) or every_
            off = _nearest(each, held, pairs, told) if each.is_sure else None
            attest(attested, each.cell, each.said, surely=off is not None and off <= _SURE)
        elif each.alone and (_is_unread(case, each) or _is_of_one(each, every, windows)):
            continue
        elif windows and not _doubted(others, each):
            if _is_at_once(case, each) and not _is_above(case, each, pairs):
                continue
            rated = each.is_rate
            truth = _rate(each, pairs, windows[0]) if rated else _truth(each, held, windows[0])
            if truth:
                yield about(case, each.cell, f"“{each.said}”, but {truth}.")


def _windows(case: Case, each: Told) -> list[Window]:
    """Return the stretches that a figure may be of."""
    if each.is_overall:
        told = (each.sentence[: each.figure.begin], each.clause)
        stretch = next((two for one in told if (two := instants.between(case, one))), None)
        return [stretch] if stretch else instants.whole(case)
    windows = instants.windows(case, each.cell, each.sentence)
    return windows or (instants.whole(case) if each.is_of_all else [])


def _is_at_once(case: Case, each: Told) -> bool:
    """Return whether a part of what came is told in a row, of no stretch but its moment."""
    row = each.is_rate and each.cell.table in {"timeline", "updates"}
    return row and instants.between(case, each.sentence) is None


def _is_above(case: Case, each: Told, pairs: Sequence[tuple[Answer, Answer]]) -> bool:
    """Return whether a part of what came is more than failed of it in any minute."""
    (start, end), tops = instants.whole(case)[0], [0.0]
    size = min(_MINUTES, int((end - start) / _MINUTE))
    minutes = [start + at * _MINUTE for at in range(size + 1)]
    for failed, whole in pairs:
        chosen = [(key, values) for key, values in _chosen(each, failed) if key in whole.keys]
        bad, all_ = (
            one.counts(one.holding(chosen), [one.within(two) for two in pairwise(minutes)])
            for one in (failed, whole)
        )
        tops += [100 * part / many for part, many in zip(bad, all_, strict=True) if many]
    return not each.is_good and each.figure.low > max(tops) + _POINTS


def _is_unread(case: Case, each: Told) -> bool:
    """Return whether a number is of a stretch that no moment is known of."""
    then = portions.THEN.search(each.sentence)
    return bool(then) and not portions.stretches(case, each.cell, each.sentence)


def _is_of_one(each: Told, every: Sequence[Answer], windows: Sequence[Window]) -> bool:
    """Return whether a number is that of one value of whatever attribute: nobody says of which."""
    for answer in every:
        spans = answer.kind == attributes.SPANS  # which a sentence tells of as they were kept
        for window in (*windows, None) if spans else windows:
            part = answer.within(window)
            for key in answer.keys.values():
                own = key.codes[part]
                weights = None if answer.weights is None else answer.weights[part][own >= 0]
                counts = np.bincount(own[own >= 0], weights=weights)
                if _least(each, counts.tolist()) is not None:
                    return True
    return False


def _stretches(case: Case, each: Told) -> list[Window | None]:
    """Return the stretches that the words around a figure surely tell of; its clause goes first."""
    clause = each.clause
    if not instants.is_timely(clause):
        return []
    whole = portions.stretches(case, each.cell, clause)
    if instants.IT.search(clause) or instants.has_length(clause) or not whole:
        return [*whole, *instants.windows(case, each.cell, clause)]
    return list(whole)


def _nearest(
    each: Told,
    held: Sequence[Answer],
    pairs: Sequence[tuple[Answer, Answer]],
    windows: Sequence[Window | None],
) -> float | None:
    """Return how far off a figure is from the nearest that rows bear; None where none do."""
    offs = (
        *(_off(each, one, windows) for one in held),
        *(_apart(each, *pair, windows) for pair in pairs),
    )
    return min((off for off in offs if off is not None), default=None)


def _doubted(others: Sequence[Finding], each: Told) -> bool:
    place = (each.cell.table, each.cell.row, each.cell.column.name)
    digits = re.compile(rf"(?<![\d:.,]){re.escape(each.said.split(maxsplit=1)[0])}(?![\d:])")
    here = (one for one in others if (one.table, one.row, one.name) == place)
    return any(digits.search(one.message) for one in here)


def _is_of(each: Told, answer: Answer) -> bool:
    """Return whether a figure may be of the rows of an answer: one of failures only of those."""
    if answer.kind != attributes.POINTS:
        return each.is_of(answer.kind) and not (each.is_request and not each.own)
    good = not derived.is_bad(answer.label)
    of_failed = portions.OF_FAILED.match(each.sentence, each.figure.end)
    bad = of_failed if each.is_share else each.is_bad
    return each.is_of(answer.kind) and not (good and bad)


def _off(each: Told, answer: Answer, windows: Sequence[Window | None]) -> float | None:
    """Return how far off a figure is from what rows of an answer bear; None where none does."""
    if each.is_rate:
        return None
    counts = _counts(each, answer, windows)
    slack = _POINTS if answer.whole else _WIDE
    values = _shares(counts) if each.is_share else chain.from_iterable(counts.values())
    return _least(each, values, slack)


def _least(each: Told, values: Iterable[float], slack: float = _POINTS) -> float | None:
    """Return how far off a figure is from the nearest value, as a share of it; a share by points.

    None where that is too far.
    """
    figure = each.figure
    offs = ((max(figure.low - one, one - figure.high, 0.0), one) for one in values)
    off, value = min(offs, default=(np.inf, 0.0))
    if off > (slack if each.is_share else max(1.0, _OFF * value)):
        return None
    return 0.0 if each.is_share or off <= 1.0 else off / value


def _apart(
    each: Told, failed: Answer, whole: Answer, windows: Sequence[Window | None]
) -> float | None:
    """Return how far off a figure is from such a part of what came that failed, or did not."""
    kind = any(attributes.KIND.search(one.key) for one in each.own)
    of_failed = kind and portions.OF_FAILED.match(each.sentence, each.figure.end)
    if of_failed or (each.is_bad and not each.is_share):
        return None
    one, other = (_counts(each, answer, windows) for answer in (failed, whole))
    own = _told_of(each, failed)
    pairs = [
        pair
        for chosen in one.keys() & other.keys()
        for pair in zip(one[chosen], other[chosen], strict=True)
        if not (each.is_of_all and chosen and not own)
        and (chosen or not each.is_rate or not own or each.apposed)
    ]
    if each.is_share:
        rates = [100 * part / all_ for part, all_ in pairs if all_ >= _ROWS]
        return _least(each, [100 - rate for rate in rates] if each.is_good else rates)
    return _least(each, (all_ - part for part, all_ in pairs))


def _told_of(each: Told, answer: Answer) -> list[Named]:
    """Return the values that stand with a figure, but those that name the metric itself.

    “11.7 % of checkout requests”, of trace.checkout.request.hits.
    """
    return [one for one in each.own if one.key in answer.keys or one.value not in answer.label]


def _counts(each: Told, answer: Answer, windows: Sequence[Window | None]) -> _Counts:
    """Return how many rows, or people, have some of the values, within each stretch."""
    said = tuple(value for word, value in _STATUS if value == "error" or word.search(each.sentence))
    said += (_OTHERS,) if _NO_ERROR.search(each.sentence) else ()
    asked = _Asked(each.own, each.names, said, each.has_rest, each.people)
    return _counted(answer, asked, tuple(windows))


class _Asked(NamedTuple):
    """What of a sentence its rows are chosen by."""

    own: tuple[Named, ...]
    names: tuple[Named, ...]
    status: tuple[str, ...]
    rest: bool
    people: bool


@lru_cache(maxsize=TEXTS)
def _counted(answer: Answer, asked: _Asked, windows: tuple[Window | None, ...]) -> _Counts:
    """Return these counts; an edit leaves most sentences as they are."""
    ways = _ways(answer, asked)
    parts = [answer.within(window) for window in windows]
    counts: dict[frozenset[Chosen], list[float]] = {}
    for picked in islice(product(*ways), _MOST_WAYS):
        chosen = frozenset(one for one in picked if one)
        held = answer.holding(chosen)
        if asked.people and answer.people is not None:
            counts[chosen] = [float(answer.persons(held, part)) for part in parts]
        elif not asked.people:
            counts[chosen] = answer.counts(held, parts)
    return counts


def _ways(answer: Answer, asked: _Asked) -> list[list[Chosen | None]]:
    """Return for each key that is named in an answer what may be chosen of it: some, or nothing."""
    by: dict[str, dict[str, None]] = {}
    told = {one.key for one in asked.own}
    for name in (*asked.own, *(one for one in asked.names if one.key not in told)):
        if name.key in answer.keys and name.value in answer.keys[name.key].values:
            by.setdefault(name.key, {})[name.value] = None
    made: dict[str, list[Chosen | None]] = {}
    for key, named in by.items():
        sizes = range(1, len(named) + 1) if len(named) <= _FEW else (1, len(named))
        some = [frozenset(group) for size in sizes for group in combinations(named, size)]
        if asked.rest:
            some += [frozenset(answer.keys[key].values) - one for one in some]
        made[key] = [None, *((key, one) for one in some)]
    status = answer.keys.get("status")
    for value in asked.status:
        if status and value == _OTHERS:
            rest = frozenset(status.values) - {"error"}
            made.setdefault("status", [None]).append(("status", rest))
        elif status and value in status.values:
            made.setdefault("status", [None]).append(("status", frozenset({value})))
    return list(made.values())


def _shares(counts: _Counts) -> Iterator[float]:
    """Yield the percent that rows are of those with fewer of the values."""
    for chosen, own in counts.items():
        for whole in counts:
            if whole < chosen:
                pairs = zip(own, counts[whole], strict=True)
                yield from (100 * part / all_ for part, all_ in pairs if all_ >= _ROWS)


def _rate(each: Told, pairs: Sequence[tuple[Answer, Answer]], window: Window) -> str:
    """Return which part of what came failed, or did not, where a share is one of all that came."""
    if not (each.is_of_all or each.is_of_own):
        return ""
    for failed, whole in pairs:
        chosen = [(key, values) for key, values in _chosen(each, failed) if key in whole.keys]
        if len(chosen) < len({one.key for one in _told_of(each, failed)}):
            continue
        [bad], [all_] = (
            answer.counts(answer.holding(chosen), [answer.within(window)])
            for answer in (failed, whole)
        )
        if all_ >= _ROWS:
            part, went = (all_ - bad, "did not fail") if each.is_good else (bad, "failed")
            return f"{100 * part / all_:.3g} % of {whole.label}{_named(each, chosen)} {went}"
    return ""


def _is_wide_off(each: Told, count: float) -> bool:
    """Return whether a rounded number is off by far more than its rounding: “1,500” of 820."""
    low, high = each.figure.low, each.figure.high
    exact = bool(each.own) and high - low <= _ROUND * high
    return exact and not low / (1 + _ROUND) <= count <= high * (1 + _ROUND)


def _named(each: Told, chosen: Sequence[Chosen]) -> str:
    """Return how a finding tells which values rows have."""
    return f" with {', '.join(sorted(one.value for one in each.own))}" if chosen else ""


def _chosen(each: Told, answer: Answer) -> list[Chosen]:
    """Return the values that stand with a figure, of the keys that an answer has."""
    keys = dict.fromkeys(one.key for one in each.own if one.key in answer.keys)
    return [(key, frozenset(one.value for one in each.own if one.key == key)) for key in keys]


def _truth(each: Told, held: Sequence[Answer], window: Window) -> str:
    """Return what the rows with the values of a figure are, where they tell; else nothing.

    Of a figure without any values, only where it is exact, and of all that came.
    """
    bad, far = each.is_bad, ""
    for answer in sorted(held, key=lambda one: derived.is_bad(one.label) != bad):
        chosen = _chosen(each, answer)
        known = answer.whole and not (each.people and answer.people is None)
        known = known and (each.is_exact or not each.people)
        if not known or not (chosen or each.alone):
            continue
        own = answer.holding(chosen)
        part = answer.within(window)
        [count], [whole] = answer.counts(own, [part]), answer.counts(answer.holding(()), [part])
        named = _named(each, chosen)
        if each.people:
            return f"{answer.label} has {answer.persons(own, part):,}{named}"
        near = each.figure.noun or count / _FAR <= each.figure.high <= count * _FAR
        if count and near and not each.is_share and (each.is_exact or _is_wide_off(each, count)):
            return f"{answer.label} has {count:,.0f}{named}"
        if 0 < count < whole and each.is_share:
            return f"{100 * count / whole:.3g} % of {answer.label} are{named}"
        other = _OTHER.search(each.sentence) or not each.is_exact
        if count and not other and any(attributes.KIND.search(key) for key, _ in chosen):
            far = far or f"{answer.label} has {count:,.0f}{named}"
    return far
