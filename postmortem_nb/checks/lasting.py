"""How long the frozen spans took, and how they ended, in sentences.

“84 of the 640 spans took longer than 5 seconds”, “300 spans ended in an error”, “the median span
took 1.2 s”: held to each complete answer of spans, in the incident and in all, with the values that
the sentence names or without.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.checks import attributes, instants, spoken, written
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, attest, matches, passages, sentences
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.checks.attributes import Answer
    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.instants import Window
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 100
"""Findings at most: a text of nothing else must not slow a form."""
_TIME = r"(?P<time>\d[\d,]*(?:\.\d+)?)\s?(?P<unit>ms|milliseconds|s|seconds?)\b"
_ENDED = re.compile(
    r"\b(?:(?P<error>(?:ended|finished|came back|returned)\s(?:in|with)\s(?:an?\s)?errors?\b|"
    r"failed\b|errored\b|(?:are|were)\s(?:in\s)?errors?\b|"
    r"(?:ha(?:ve|s|d)|carry|carried|show(?:ed)?)\s(?:an?\s|the\s)?(?:status\s(?:of\s)?)?errors?\b)|"
    r"(?P<ok>succeeded\b|went through\b)|"
    r"(?:took|lasted|ran(?: for)?|needed|were|was)\s(?:(?P<longer>longer than|more than|over|above|"
    rf"slower than)|(?P<shorter>less than|under|shorter than|faster than))\s{_TIME})",
    re.IGNORECASE,
)
_KEPT = r"(?:(?:sampled|frozen|kept|stored)\s)?"
_NOUN = re.compile(rf"\s{_KEPT}(?P<noun>[a-z]+s)\b", re.IGNORECASE)
_SPANS = re.compile(r"(?:spans|traces)", re.IGNORECASE)
_OF = re.compile(
    r"\s(?:out\s)?of\s(?:(?:the|our|all|these|those)\s){0,2}(?:(?P<whole>\d[\d,]*)\s)?"
    rf"{_KEPT}(?P<noun>[a-z]+s)\b",
    re.IGNORECASE,
)
"""Behind a number: the whole that it is a part of."""
_OF_THEM = re.compile(
    rf"\bof\s(?:(?:the|our|all|these|those)\s){{0,2}}(?P<whole>\d[\d,]*)\s{_KEPT}"
    r"(?P<noun>[a-z]+s)(?:\s(?!(?:and|but|or|of|in|on|from)\b)[a-z]+){0,3}?,?\s(?:only\s|about\s)?$",
    re.IGNORECASE,
)
"""Before a number: the same."""
_GAP = re.compile(
    r"\s(?:(?!(?:that|which|who|and|but|then)\b|\d+\s)[\w./-]+\s){0,4}?|\s", re.IGNORECASE
)
"""Between what is counted and how it ended."""
_KEPT_BY = re.compile(
    r"^\s(?:(?:that|which)\s)?(?:we|were|was)\s(?:have\s|had\s)?"
    r"(?:kept|keep|froze|frozen|sampled|stored|saved|fetched|pulled|looked at)(?=\s)",
    re.IGNORECASE,
)
"""Behind what is counted: those that the answers hold."""
_NUMBER = re.compile(
    rf"(?<![\w.,:/#-])(?P<number>\d{{1,3}}(?:,\d{{3}})+|\d+|\b(?:{'|'.join(spoken.WORDS)}))"
    r"(?![\w%:-]|[.,]\d|\s?(?:%|percent\b))",
    re.IGNORECASE,
)
_MEDIAN = re.compile(
    r"\bmedian\b[^.;:]{0,60}?\b(?:took|is|was|of|at|lasted)\s"
    rf"(?:about\s|around\s|roughly\s|some\s)?{_TIME}",
    re.IGNORECASE,
)
_OURS = re.compile(r"\b(?:spans?|traces?)\b|\bmedian of the (?:\w+\s)?ones\b", re.IGNORECASE)
_FAILED = re.compile(r"\b(?:fail\w*|errors?|errored)\b", re.IGNORECASE)
_WELL = re.compile(r"\b(?:success\w*|succeed\w*|ok|others?|rest|healthy)\b", re.IGNORECASE)
_OPEN = re.compile(
    r"\b(?:should|would|could|if|when|usual\w*|normal\w*|timeout of)\b", re.IGNORECASE
)
_SLACK, _POINTS, _NEAR = 0.01, 2.0, 0.03
"""Share of a count, points of percent, and share of a time that may be off."""
_DAY = dt.timedelta(days=1)
_FEWEST = 10
"""Spans of an answer from which on it is told of."""


def found(incident: Incident, case: Case, attested: Attested) -> Iterator[Finding]:
    """Yield how many spans, and their median, where no frozen spans bear it."""
    every = attributes.answers(incident, case)
    held = [one for one in every if one.kind == attributes.SPANS and one.whole]
    held = [one for one in held if len(one.moments) >= _FEWEST]
    yield from islice(_found(case, held, attested), MOST if held else 0)


def _found(case: Case, held: Sequence[Answer], attested: Attested) -> Iterator[Finding]:
    for cell, text in passages(case):
        ended, median = (matches(each, text) for each in (_ENDED, _MEDIAN))
        for sentence in sentences(text) if ended or median else ():
            if len(sentence) > LONGEST or _OPEN.search(sentence):
                continue
            yield from _counted(case, cell, sentence, held, attested)
            yield from _middle(case, cell, sentence, held)


def _counted(
    case: Case, cell: Cell, sentence: str, held: Sequence[Answer], attested: Attested
) -> Iterator[Finding]:
    """Yield numbers, and shares, of the spans that ended so, where no answer has so many."""
    for match in _ENDED.finditer(sentence):
        told = _told(cell, sentence, match, held)
        if told is None:
            continue
        share, low, high, begin = told
        known = [
            (100 * part / whole if share else part)
            for one in held
            for part, whole in _parts(case, cell, sentence, match, one)
            if whole
        ]
        slack = _POINTS if share else max(known, default=0) * _SLACK
        said = sentence[begin : match.end()]
        if any(low - slack <= each <= high + slack for each in known):
            attest(attested, cell, said, surely=not share)
        elif known:
            truth = f"{numeral(known[0], 3)} % of the frozen spans" if share else f"{known[0]:,.0f}"
            yield about(case, cell, f"“{said}”, but {truth}{'' if share else ' frozen spans'} did.")


def _told(
    cell: Cell, sentence: str, match: re.Match[str], held: Sequence[Answer]
) -> tuple[bool, float, float, int] | None:
    """Return what ended so: whether a share, between what, and where it begins.

    None where no number right before it counts spans.
    """
    sizes = {len(one.moments) for one in held}
    for share, low, high, begin, end in _numbers(sentence, match.start()):
        if written.WHOLE_OF.search(sentence[max(0, begin - written.NEAR) : begin]):
            continue  # “54 of the 640”
        of, head = _OF.match(sentence, end), _OF_THEM.search(sentence[:begin])
        noun = None if share else _NOUN.match(sentence, end)
        known = of or head or noun
        if known is None:
            continue
        whole = known.groupdict().get("whole")
        ours = bool(whole) and int((whole or "").replace(",", "")) in sizes
        spans = _SPANS.fullmatch(known["noun"]) or (cell.column.name == "key_traces" and not whole)
        gap = sentence[of.end() if of else end if head else known.end() : match.start()]
        gap = _KEPT_BY.sub("", gap)
        plain = not gap.strip() or attributes.named(gap, held)
        if (ours or (spans and not whole)) and plain and _GAP.fullmatch(gap):
            return share, low, high, (head.start() if head and not of else begin)
        return None
    return None


def _numbers(sentence: str, end: int) -> list[tuple[bool, float, float, int, int]]:
    """Return the shares and the numbers before a place, the nearest first."""
    found_ = [
        (True, each.low, each.high, each.begin, each.end)
        for each in written.figures(sentence[:end])
        if each.kind == "share"
    ]
    taken = [(begin, stop) for *_, begin, stop in found_]
    for one in _NUMBER.finditer(sentence, 0, end):
        before = sentence[max(0, one.start() - written.NEAR) : one.start()]
        low, high = written.bounds(written.numeral(one["number"]), 0.0, before, fine=True)
        if not any(begin <= one.start() < stop for begin, stop in taken):
            found_.append((False, low, high, *one.span()))
    return sorted(found_, key=lambda one: -one[3])


def _parts(
    case: Case, cell: Cell, sentence: str, match: re.Match[str], answer: Answer
) -> Iterator[tuple[int, int]]:
    """Yield how many spans ended so, of how many, by each stretch and choice of values."""
    rows = _ending(match, answer)
    if rows is None or answer.seconds is None:
        return
    for mask, part in _choices(case, cell, sentence, answer):
        own = mask[part]
        yield int(np.count_nonzero(own & rows[part])), int(np.count_nonzero(own))


def _ending(match: re.Match[str], answer: Answer) -> NDArray[np.bool_] | None:
    """Return which spans ended so."""
    if match["time"]:
        seconds = _seconds(match["time"], match["unit"])
        longer = np.greater(np.asarray(answer.seconds), seconds)
        return np.asarray(longer if match["longer"] else ~longer, dtype=bool)
    status = answer.keys.get("status")
    if status is None or "error" not in status.values:
        return None
    bad = answer.having(("status", frozenset({"error"})))
    return bad if match["error"] else ~bad


def _choices(
    case: Case, cell: Cell, sentence: str, answer: Answer
) -> Iterator[tuple[NDArray[np.bool_], slice]]:
    """Yield which spans a sentence may be of: those with its values or all, in each stretch."""
    by: dict[str, set[str]] = {}
    for each in attributes.named(sentence, [answer]):
        by.setdefault(each.key, set()).add(each.value)
    masks = [answer.holding(())]
    masks += [answer.holding((key, frozenset(own)) for key, own in by.items())] if by else []
    masks += [answer.having((key, frozenset({one}))) for key, own in by.items() for one in own]
    windows: list[Window | None] = [None, *instants.whole(case)]
    windows += instants.windows(case, cell, sentence)
    windows += [window for start, end in instants.whole(case) for window in _beside(start, end)]
    for mask, window in product(masks, dict.fromkeys(windows)):
        yield mask, answer.within(window)


def _beside(start: dt.datetime, end: dt.datetime) -> tuple[Window, Window]:
    """Return the days before, and after, the incident."""
    return (start - _DAY, start), (end, end + _DAY)


def _middle(case: Case, cell: Cell, sentence: str, held: Sequence[Answer]) -> Iterator[Finding]:
    """Yield a median of spans that none of them have, in any stretch."""
    for match in _MEDIAN.finditer(sentence) if _OURS.search(sentence) else ():
        told = _seconds(match["time"], match["unit"])
        _, _, decimals = match["time"].partition(".")
        step = 0.5 * 10.0 ** -len(decimals) * _seconds("1", match["unit"])
        known = []
        for one in held:
            for mask, part in _choices(case, cell, sentence, one):
                for rows in _by_status(sentence, one):
                    own = one.seconds[part][(mask & rows)[part]]  # type: ignore[index]  # spans
                    known += [float(np.median(own))] if len(own) else []
        if known and not any(abs(each - told) <= step + _NEAR * each for each in known):
            truth = f"the median of the frozen spans is {numeral(known[0], 3)} s"
            yield about(case, cell, f"“{match.group()}”, but {truth}.")


def _by_status(sentence: str, answer: Answer) -> Iterator[NDArray[np.bool_]]:
    """Yield all spans, and those of each outcome where a sentence speaks of one."""
    yield answer.holding(())
    status = answer.keys.get("status")
    if status and "error" in status.values and (_FAILED.search(sentence) or _WELL.search(sentence)):
        bad = answer.having(("status", frozenset({"error"})))
        yield from (bad, ~bad)


def _seconds(number: str, unit: str) -> float:
    told = float(number.replace(",", ""))
    return told / 1000 if unit.lower().startswith("m") else told
