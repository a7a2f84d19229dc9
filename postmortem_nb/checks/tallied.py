"""How many failed, or did not, as sentences tell it: “456 had failed by the time the alert fired”.

A number of what came is held to the frozen metric whose points are, together, the failed requests,
and to that of all requests beside it: within the whole incident and until, since and between the
moments of its sentence, of all groups or of those that it names.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import combinations, islice
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import (
    borne,
    breakdown,
    derived,
    events,
    instants,
    metered,
    portions,
    spoken,
    written,
)
from postmortem_nb.checks.claims import WHO
from postmortem_nb.checks.order import LONGEST, is_of_another_day
from postmortem_nb.checks.reading import about, attest, sentences, with_messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.borne import Bears
    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

    _Window = tuple[dt.datetime, dt.datetime]

MOST = 100
"""Numbers that are looked at in a document: a text of nothing else must not slow a form."""
_BAD = re.compile(
    r"\b(?:fail\w*|could not|couldn[’']t|cannot|refus\w+|reject\w+|lost|unresolved|timed out|"
    r"errors?|went nowhere|were dropped|in vain)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?<![\w.,:/#$€£-])(?P<number>\d{1,3}(?:,\d{3})+|\d+|"
    rf"\b(?:{'|'.join(spoken.WORDS)})\b)(?!\s?[%:/]|[.,]\d|[\w-])"
    r"(?!\s(?:a|per|each|every)\s(?:second|minute|hour)\b)(?:\s(?P<scale>thousand|hundred)\b)?"
    r"\s(?P<adjectives>(?:(?!(?:of|and|or|in|to|at|for|from|with|by|minutes?|hours?|seconds?|ms|s|the)\b)"
    r"[a-z][\w-]+\s){0,2}?)(?:(?P<noun>[a-z]{3,}s)\b|(?=(?:had|have|were)\s(?:already\s)?"
    r"(?:failed|refused|rejected|lost)\b))",
    re.IGNORECASE,
)
_OTHER = re.compile(
    rf"\b(?:{metered.SETTING}|minute|second|hour|day|week|month|year|earlier|previous\w*|usual\w*|normal\w*|estimate\w*|"
    r"sampl\w+|budget|pods?|hosts?|each|every|per|retr\w+|of them|of these|of those|of which|"
    r"more than\s\w+ as|times|first tr\w+|canary|test\w*)\b",
    re.IGNORECASE,
)
"""In a sentence: its number may be of something else, or of another time."""
_WORST = re.compile(
    r"\b(?:worst|an?|per|each|every|one)\s(?:minute|second|hour|day)\b", re.IGNORECASE
)
_SOME = re.compile(
    r"\b(?:first|last|another|further|other|more|remaining|after|when(?:\s\w+){0,2})\s$",
    re.IGNORECASE,
)
"""Before a number: it is of a part, and only its moments say of which."""
_ALREADY = re.compile(r"\b(?:already|by then|so far|at first|until then)\b", re.IGNORECASE)
_PART_OF = re.compile(
    r"\s(?:out\s)?of\s(?:the\s|our\s|all\s)?\d|\s(?:in|at)\s\d\d:\d\d"
    r"|\s(?:(?:came|were|are|was)\s)?(?:from|by|with|for|on|of)\s(?!the\s(?:start|roll|first|alert)|then\b|"
    r"\d\d:\d\d)"
    r"[\w.-]*\d"
)
"""Behind a number: it is a part, or that of a version."""
_WHOLE = re.compile(r"\bof\s(?:(?:the|all|our|these|those)\s){0,2}$", re.IGNORECASE)
"""Before a number: it is the whole, of which the sentence tells a part."""
_WHOLE_UNTIL = re.compile(r"\s(?:up to|until|by|before|since)\s", re.IGNORECASE)
"""Behind such a number: the whole is that of a stretch."""
_THERE = re.compile(
    r"\b(?:those|these|both|others?|there(?!\s(?:were|was|are|had))|elsewhere|alone|only|"
    r"(?:two|three|four) regions)\b",
    re.IGNORECASE,
)
"""In a sentence: its number may be of some groups."""
_FEWEST = 20
"""A smaller number is as often one of something else."""
_MOST_GROUPS = 5
_PART = 0.02
"""Share of the failures below which a number without a moment is one of some of them."""
_FAR = 2.0
"""How far from the number of failures one may be that stands by a noun of its own."""
_OFF = 0.01
"""Share by which a number may be off: failures are counted at two ends."""
_SURE = 1_000
"""From here on a number that is exactly that of a stretch is no other one by chance."""
_BOUND = 1.5
"""How far its ends are apart where a number is but a bound: “more than 40,000”."""
_MINUTE = dt.timedelta(minutes=1)


class _Told(NamedTuple):
    """A number of a sentence: of what failed, or of what did not."""

    cell: Cell
    sentence: str
    said: str
    low: float
    high: float
    good: bool
    part: bool = False
    clause: str = ""


class _Tally(NamedTuple):
    """What failed, and all that came, of one group."""

    failed: Curve
    whole: Curve | None

    def within(self, window: _Window, *, good: bool) -> float | None:
        """Return how many failed within two moments, or how many did not."""
        bad = derived.counted(self.failed, *window)
        if not good:
            return bad
        return None if self.whole is None else derived.counted(self.whole, *window) - bad


def found(incident: Incident, case: Case, attested: Attested) -> Iterator[Finding]:
    """Yield numbers of what failed, or did not, that the frozen metrics do not count."""
    start, end = case.moments.start, case.moments.recovered
    held = portions.failures(incident, case) if start and end else ()
    if not held or start is None or end is None:
        return
    drawn = derived.drawn(incident, case)
    tallies = [_Tally(each, derived.beside(each, drawn)) for each in held]
    known = borne.known(incident, case)
    total = borne.value(case, "failed_requests") or 0.0
    for each in islice(_told(case, known), MOST):
        windows = _windows(case, each) or [(start, end)] * (not each.part)
        small = each.high < _PART * total
        if small and not portions.stretches(case, each.cell, each.sentence):
            continue  # of a client, of a kind: a sentence tells it in many ways
        own = _own(tallies, each, instants.beside(case, each.cell))
        counts = [n for some in own for window in windows for n in _counts(some, window, each)]
        if any(_near(each, count) for count in counts):
            attest(attested, each.cell, each.said)
        elif counts and not _is_between(case, own, each):
            doubt = f"“{each.said}”, but {held[0].query} has {counts[0]:,.0f} then."
            yield about(case, each.cell, doubt)


def _told(case: Case, known: Bears) -> Iterator[_Told]:
    total = borne.value(case, "failed_requests") or 0.0
    for cell, text in with_messages(case):
        for sentence in sentences(text) if _NUMBER.search(text) else ():
            other = _WORST.search(portions.timeless(sentence)) or breakdown.BUDGET.search(sentence)
            another = is_of_another_day(case, sentence)
            told = not (other or another or instants.IT.search(sentence))
            if len(sentence) <= LONGEST and told:
                yield from _numbers(cell, sentence, known, total)


def _numbers(cell: Cell, sentence: str, known: Bears, total: float) -> Iterator[_Told]:
    """Yield the numbers of a sentence that are of what failed, or of what did not."""
    timeless = portions.timeless(sentence)
    for match in _NUMBER.finditer(sentence):
        clause = borne.clause(timeless, written.Figure("count", 0, 0, *match.span()))
        bad = bool(_BAD.search(portions.without_others(clause, match.group())))
        good = bool(portions.GOOD.search(clause))
        value, step = spoken.amount(match["number"].lower(), match["scale"] or "")
        far = not bad or not total / _FAR <= value <= total * _FAR
        if value < _FEWEST or not (bad or good) or _OTHER.search(clause):
            continue
        if not _is_ours(match["noun"] or "", known, far=far) or _is_other(sentence, match):
            continue
        before = sentence[max(0, match.start() - written.NEAR) : match.start()]
        low, high = written.bounds(value, step, before, fine=True)
        part = bool(
            _SOME.search(before) or _ALREADY.search(clause) or portions.THEN.search(sentence)
        )
        yield _Told(cell, sentence, match.group(), low, high, good, part, clause)


def _is_ours(noun: str, known: Bears, *, far: bool) -> bool:
    """Return whether a noun is of requests; any but people where the number is not ``far`` off."""
    stem = events.stem(noun.lower())
    if stem in known.people:
        return False
    own = not noun or stem in known.requests or bool(_BAD.fullmatch(noun))
    return own or not (far or WHO.match(noun))


def _is_other(sentence: str, match: re.Match[str]) -> bool:
    """Return whether a number is a part of another one, of a version, or such a whole."""
    head = sentence[: match.start()]
    whole = _WHOLE.search(head) and not _WHOLE_UNTIL.match(sentence, match.end())
    part = _PART_OF.match(sentence, match.end()) or portions.OF_TOTAL.match(sentence, match.end())
    part = part or written.WHOLE_OF.search(head)
    return bool(whole or part)


def _windows(case: Case, each: _Told) -> list[_Window]:
    """Return the stretches that a number may be of: its sentence’s, else any by its moments."""
    made = portions.stretches(case, each.cell, each.sentence)
    start, end = case.moments.start, case.moments.recovered
    clocks = (one for one in written.figures(each.sentence) if one.kind == "clock")
    moments = [instants.on_day(case, int(one.low)) for one in clocks]
    moments += [] if portions.THEN.search(each.sentence) else instants.row(case, each.cell)
    if made or not moments or start is None or end is None:
        return made
    made.append((start, end))
    for at in moments:
        for off in (-_MINUTE, dt.timedelta(), _MINUTE):
            made += [(start, at + off), (at + off, end)]
    made += [(min(pair), max(pair)) for pair in combinations(moments, 2)]
    return made


def _own(tallies: Sequence[_Tally], each: _Told, beside: str) -> list[Sequence[_Tally]]:
    """Return the groups, together, that a number may be of."""
    own = [one for one in tallies if derived.is_named(one.failed, each.clause.lower())]
    if len(own) == 1 and not _THERE.search(each.sentence):
        return [own]
    text = each.sentence.lower()
    named = any(derived.is_named(one.failed, text) for one in tallies)
    if (named or _THERE.search(each.sentence)) and len(tallies) <= _MOST_GROUPS:
        sizes = range(1, len(tallies) + 1)
        return [group for size in sizes for group in combinations(tallies, size)]
    some = [one for one in tallies if named or derived.is_named(one.failed, beside)]
    return [tallies, *([one] for one in some)]


def _is_between(case: Case, own: Sequence[Sequence[_Tally]], each: _Told) -> bool:
    """Return whether a number is that of a stretch between two steps, which it does not name.

    An exact one, to the unit: of no other stretch by chance. A bound: from the start to a step.
    """
    start, end = case.moments.start, case.moments.recovered
    rows = sorted({row["time"] for row in case.rows("timeline") if row.get("time")})
    steps = [at for at in rows if start and end and start <= at <= end]
    exact = each.high - each.low < 1 and each.low >= _SURE
    bound = each.high > _BOUND * each.low
    pairs = combinations(steps, 2) if exact else ((start, at) for at in steps if start and bound)
    counts = (n for pair in pairs for some in own for n in _counts(some, pair, each))
    return any(each.low - 1 <= count <= each.high + 1 for count in counts)


def _counts(some: Sequence[_Tally], window: _Window, each: _Told) -> Iterator[float]:
    """Yield how many of some groups together failed within a stretch, or did not, or came."""
    bad = [one.within(window, good=False) for one in some]
    good = [one.within(window, good=True) for one in some]
    if not each.good:
        yield sum(count or 0.0 for count in bad)
    elif None not in good:
        yield sum(count or 0.0 for count in good)
        yield sum(count or 0.0 for count in good) + sum(count or 0.0 for count in bad)


def _near(each: _Told, count: float) -> bool:
    slack = max(1.0, _OFF * count)
    return each.low - slack <= count <= each.high + slack
