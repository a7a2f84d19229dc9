"""First and last rows of a kind in sentences, and kinds that had none.

“The first PoolTimeout was written by worker-2 at 14:03”, “7.9 had none of them”: held to the frozen
logs and spans with the values that the sentence names. “The last print failed at 07:22”: held to
the metric of failures, of which none came then.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb import times
from postmortem_nb.checks import (
    attributes,
    borne,
    derived,
    events,
    instants,
    portions,
    spoken,
    written,
)
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, sentences, with_messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.attributes import Answer, Named
    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.checks.written import Figure
    from postmortem_nb.incident import Incident

MOST = 100
"""Findings at most: a text of nothing else must not slow a form."""
_END = re.compile(
    r"\b(?:first|earliest|last|latest|shows? up|showed up|appear(?:s|ed)?|turn(?:s|ed) up)\b",
    re.IGNORECASE,
)
"""In a clause with a clock: the first or last rows of a kind are told of."""
_OTHER = re.compile(
    r"\b(?:than|above|below|over|under|until|alert\w*|monitor\w*|deploy\w*|rolled|restart\w*|"
    r"rollback|event|page[ds]?|time (?:above|below|over|under))\b",
    re.IGNORECASE,
)
"""In a clause: something else happened at its clock."""
_FAILED_AT = re.compile(
    r"\b(?P<which>first|last)\s(?:[a-z]+\s)??(?P<noun>[a-z]{3,})\s(?:failed|was\s(?:refused|rejected|"
    rf"lost|declined))\s(?:only\s)?at\s{spoken.CLOCK}",
    re.IGNORECASE,
)
_NONE = re.compile(
    r"\b(?:never|not once)\s(?:failed|logged|saw|wrote|errored|timed out)\b"
    r"|\b(?:had|has|have|saw|logged|wrote|shows?|showed|with)\s(?:none|no\s(?:errors?|failures?))\b"
    r"|\bnot (?:a single|one) (?:one|of (?:these|those|them))\b"
    r"|\bneither\b[^.;]*\b(?:logged|had|saw|wrote)\b|\b(?:none|not one) of (?:these|those|them)\b",
    re.IGNORECASE,
)
_BUT = re.compile(
    r"\b(?:until|before|after|since|than|except|but|again|longer|any more)\b", re.IGNORECASE
)
"""In a clause with none: it is of a part of the time, or not of none."""
_THOSE = ("these", "those", "them")
_ROWS = re.compile(r"\b(?:logs?|lines?|errors?|spans?|traces?|warnings?)\b", re.IGNORECASE)
_FAILED = re.compile(r"\b(?:errors?|failures?|failed|errored|timed out)\b", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[;.]\s|,\s(?:and|but)\s")
_MOST_WAYS = 64
"""Choices of values that are tried for a sentence."""
_SLACK = 2.0
"""Minutes that a first or last moment may be off."""
_SHOWN = {"key_logs": attributes.LOGS, "key_traces": attributes.SPANS}
"""Blank → the rows that it tells of."""
_FEW = 3
"""Rows from which on there are some."""


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield first and last moments, and kinds without any rows, that the frozen rows deny."""
    held = [one for one in attributes.answers(incident, case) if one.kind != attributes.POINTS]
    yield from islice(_found(case, held), MOST if held else 0)
    yield from islice(_failed_at(incident, case), MOST)


def _failed_at(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield clocks of the first or last failure at which nothing failed."""
    slack = dt.timedelta(minutes=_SLACK)
    for cell, text in with_messages(case):
        for match in matches(_FAILED_AT, text):
            curves, at = portions.failures(incident, case), spoken.clocked(match)
            known = borne.known(incident, case).requests if curves and at else frozenset()
            if at is None or events.stem(match["noun"].lower()) not in known:
                continue
            moment = instants.on_day(case, at[0])
            near = (derived.counted(one, moment - slack, moment + slack) for one in curves)
            bad = sorted(each for one in curves for each in one.moments[one.levels > 0].tolist())
            if bad and not any(near):
                end = times.EPOCH + bad[-1 if match["which"].lower() == "last" else 0] * (
                    attributes.MICROSECOND
                )
                yield about(case, cell, f"“{match.group()}”, but that was at {end:%H:%M} UTC.")


def _found(case: Case, held: Sequence[Answer]) -> Iterator[Finding]:
    for cell, text in with_messages(case):
        for sentence in sentences(text):
            ended, none = _END.search(sentence), _NONE.search(sentence)
            if len(sentence) > LONGEST or not (ended or none):
                continue
            names = attributes.named(sentence, held)
            rows = any(attributes.KIND.search(each.key) for each in names) or _ROWS.search(sentence)
            yield from _ends(case, cell, sentence, names, held) if ended and names and rows else ()
            yield from _denied(case, cell, sentence, names, held) if none and names else ()


def _ends(
    case: Case, cell: Cell, sentence: str, names: Sequence[Named], held: Sequence[Answer]
) -> Iterator[Finding]:
    """Yield clocks at which no rows with the values of the sentence begin or end."""
    for clock in (each for each in written.figures(sentence) if each.kind == "clock"):
        clause = _clause(sentence, clock)
        if not _END.search(clause) or _OTHER.search(clause):
            continue
        at = instants.on_day(case, int(clock.low))
        shown = [one for one in held if _SHOWN.get(cell.column.name, one.kind) == one.kind]
        known = {end for one in shown for end in _moments(case, one, names)}
        gaps = [abs((at - end).total_seconds()) / 60 for end in known]
        if gaps and min(gaps) > _SLACK:
            nearest = min(known, key=lambda end: abs(at - end))
            said = sentence[clock.begin : clock.end]
            named = ", ".join(dict.fromkeys(each.value for each in names))
            doubt = f"“{said}”, but the frozen rows with {named} begin and end at other times: the"
            yield about(case, cell, f"{doubt} nearest is {nearest:%H:%M} UTC.")


def _clause(sentence: str, clock: Figure) -> str:
    """Return the clause of a clock, and the one before it where that alone says of what it is."""
    clause = borne.clause(sentence, clock)
    begin = sentence.rfind(clause, 0, clock.end + len(clause))
    head = re.split(r"[;.]\s", sentence[:begin])[-1]
    return clause if _END.search(clause) else f"{head}{clause}"


def _moments(case: Case, answer: Answer, names: Sequence[Named]) -> Iterator[dt.datetime]:
    """Yield when rows begin and end: those of the kind, and with some of the other values.

    In all, and in the incident.
    """
    by: dict[str, set[str]] = {}
    for each in names:
        if each.key in answer.keys:
            by.setdefault(each.key, set()).add(each.value)
        elif attributes.KIND.search(each.key) and not _has(answer, each, names):
            return  # of rows that have no kind
    start, end = case.moments.start, case.moments.recovered
    windows = [None, (start, end)] if start and end else [None]
    ways = [[*([] if attributes.KIND.search(key) else [None]), *sorted(by[key])] for key in by]
    for picked in islice(product(*ways), _MOST_WAYS):
        chosen = [(key, frozenset({one})) for key, one in zip(by, picked, strict=True) if one]
        for window in windows if chosen else ():
            rows = answer.holding(chosen)
            own = answer.moments[answer.within(window)][rows[answer.within(window)]]
            for each in own[[0, -1]].tolist() if len(own) else ():
                yield times.EPOCH + each * attributes.MICROSECOND


def _has(answer: Answer, name: Named, names: Sequence[Named]) -> bool:
    """Return whether the words of a name are a value of another key of an answer."""
    return any(one.key in answer.keys and one.begin == name.begin for one in names)


def _denied(
    case: Case, cell: Cell, sentence: str, names: Sequence[Named], held: Sequence[Answer]
) -> Iterator[Finding]:
    """Yield that a sentence denies rows that there are, with the values of its clause.

    The kind of error that it named before is that of the clause too; where it speaks neither of a
    kind nor of errors, nobody knows of what there are none.
    """
    for match in _NONE.finditer(sentence):
        head = max(sentence.rfind(mark, 0, match.start()) for mark in ("; ", ", and ", ", but "))
        tail = _CLAUSE_END.search(sentence, match.end())
        those = match.group().endswith(_THOSE)
        begin, end = 0 if those else max(head, 0), tail.start() if tail else len(sentence)
        own = [each for each in names if begin <= each.begin < end]
        kinds = [each for each in names if attributes.KIND.search(each.key) and each.begin < end]
        own += [] if any(attributes.KIND.search(each.key) for each in own) else kinds[-1:]
        known = kinds or _ROWS.search(sentence, 0, end) or _FAILED.search(match.group())
        if not own or not known or _BUT.search(sentence, begin, end):
            continue
        neither = match.group().lower().startswith("neither")
        sought = [[each, *kinds[-1:]] for each in own if each not in kinds] if neither else [own]
        for answer, some in product(held, sought):
            count = _failed(case, answer, some)
            if count >= _FEW:
                named = ", ".join(dict.fromkeys(each.value for each in some))
                said = f"“{match.group()}”, but {answer.label} has {count:,} errors"
                yield about(case, cell, f"{said} with {named}.")
                break


def _failed(case: Case, answer: Answer, names: Sequence[Named]) -> int:
    """Return how many errors within the incident have all of the values, the most of any list."""
    keys = dict.fromkeys(each.key for each in names)
    status, start, end = answer.keys.get("status"), case.moments.start, case.moments.recovered
    if not all(key in answer.keys for key in keys) or not (start and end):
        return 0
    if status is None or "error" not in status.values:
        return 0
    part = answer.within((start, end))
    lists = [[each.value for each in names if each.key == key] for key in keys]
    counts = []
    for picked in islice(product(*lists), _MOST_WAYS):
        chosen = [(key, frozenset({one})) for key, one in zip(keys, picked, strict=True)]
        rows = answer.holding([*chosen, ("status", frozenset({"error"}))])
        counts.append(int(np.count_nonzero(rows[part])))
    return max(counts, default=0)
