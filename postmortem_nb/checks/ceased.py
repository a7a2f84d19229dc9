"""Stretches in which nothing is told to have failed, and moments at which something still did.

“No search failed after 10:51”, “at 11:10 searches were still failing”: held to the metric whose
points are, together, the failed requests. The first is doubted where many more failed in every
stretch that the sentence may tell of than failed in as long a time before the start, the second
where no more did around its clock.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice
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
    ranges,
    spoken,
    written,
)
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, passages, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.borne import Bears
    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 100
"""Findings at most: a text of nothing else must not slow a form."""
_BAD = r"(?:failed|failing|refused|rejected|lost|declined|timed out)"
_NONE = re.compile(
    rf"\b(?:(?:no(?: more| further)?|not (?:a single|one|any)|nothing)\s"
    rf"(?P<noun>(?:(?!(?:and|or|one|but)\b)[a-z]+\s){{0,3}}?)"
    rf"(?:(?:is|was|were|has|had|been|still)\s)*(?:{_BAD}\b(?!\s(?:to|over|because)\b)"
    r"(?:\s(?P<what>[a-z]+))?|(?P<bare>(?:errors?|failures?))\b"
    r"(?=\s?(?:[.,;]|$)|\s(?:any|after|since|until|before|from|between|as)\b)))",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:hardly|almost|nearly|practically|than|would|should|could|can|if|must|might|why|"
    r"whether|knew|beyond|except|apart|yesterday|"
    r"weeks?|(?:January|February|March|April|May|June|July|August|September|October|November|"
    r"December)\b)\b",
    re.IGNORECASE,
)
"""In a sentence: it does not say plainly that nothing failed."""
_PLAIN = re.compile(r"any|more|again|single|at|in|on|after|since|until|before|from|between|as")
"""Right behind “failed”: no noun."""
_PLACED = {"on", "in", "at", "with", "for", "of", "beyond"}
"""Right behind “nothing failed”: it is told of some part."""
_SLACK = dt.timedelta(minutes=1)
_SOME, _PART, _TIMES = 3, 0.005, 3.0
"""Failures, and the part of all, from which on there were some; and how often as many as usual."""
_POINTS = 10
_STILL = re.compile(
    r"\b(?:still\s(?:being\s)?(?:[a-z]{1,20}ly\s)?|(?:went on|kept)\s(?:being\s)?)"
    rf"(?:{_BAD}|rejecting|refusing|losing|declining|timing out)\b"
    r"(?P<what>(?:\s[a-z]{1,20}){0,3})",
    re.IGNORECASE,
)
_AT = re.compile(rf"\b(?:at|around|by|until|till)\s{spoken.CLOCK}", re.IGNORECASE)
_UNSURE = re.compile(
    r"\b(?:no|not|none|never|nobody|nothing|without|longer|stopped|retr\w+|canary|tests?|staging|"
    r"build|monitor|alert|page)\b",
    re.IGNORECASE,
)
"""In a sentence: it denies, or is of something else than what came."""
_BARE = re.compile(
    r"\s(?:at|in|on|for|by|with|to|from|until|till|because|after|when|while|and|as|then|there|too|UTC)\b"
)
"""Behind what still failed: no noun of it."""
_WENT_ON = re.compile(
    r"\b(?:went on|continued|persisted|kept (?:coming|failing|rising))\s(?:for\s)?"
    rf"(?:another\s)?(?:about\s|some\s)?{spoken.SPAN}\s(?:after|behind|past)\s(?:the|our|this)\s"
    r"(?:roll-?back|fix|hotfix|mitigation|revert|restart)\b",
    re.IGNORECASE,
)
"""How long something still failed behind the mitigation."""
_LATER = 3.0
"""Minutes by which that may be off."""
_AROUND, _DAY, _NEAR = dt.timedelta(minutes=3), 1440, 40


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield sentences that nothing, or something still, failed, where it is not so."""
    yield from islice(_found(incident, case), MOST)
    yield from islice(_still(incident, case), MOST)
    yield from islice(_went_on(incident, case), MOST)


def _found(incident: Incident, case: Case) -> Iterator[Finding]:
    for cell, text in passages(case):
        for sentence in sentences(text) if matches(_NONE, text) else ():
            if len(sentence) > LONGEST or _OPEN.search(sentence):
                continue
            curves = portions.failures(incident, case)
            known = borne.known(incident, case) if curves else None
            told = (each for each in _NONE.finditer(sentence) if known and _is_meant(each, known))
            for match in islice(told, 1):
                own = _own(incident, case, sentence, curves)
                end = match.start("what") if match["what"] else match.end()
                rest = f"{sentence[: match.start()]}, {sentence[end:]}"
                yield from _denied(case, cell, sentence, own, portions.stretches(case, cell, rest))


def _still(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield sentences that something still failed at a clock, where no more did than usual."""
    for cell, text in passages(case):
        for sentence in sentences(text) if matches(_STILL, text) else ():
            match, clocks = _STILL.search(sentence), list(_AT.finditer(sentence))
            every = sum(each.kind == "clock" for each in written.figures(sentence))
            open_ = len(sentence) > LONGEST or _OPEN.search(sentence) or _UNSURE.search(sentence)
            at = spoken.clocked(clocks[0]) if len(clocks) == every == 1 else None
            if open_ or match is None or at is None or at[1] != _DAY:
                continue
            curves = portions.failures(incident, case)
            if not curves or not _came(case, match, borne.known(incident, case)):
                continue
            own = _own(incident, case, sentence, curves)
            moment = instants.on_day(case, at[0])
            since, until = moment - _AROUND, moment + _AROUND
            ends = [ranges.micros(each) for each in (since, until)]
            if any(one.moments[0] <= ends[0] and ends[1] <= one.moments[-1] for one in own):
                count = sum(derived.counted(each, since, until) for each in own)
                usual = sum(_usual(each, case.moments.start) for each in own)
                if count <= usual * ((until - since) / _SLACK):
                    truth = f"{count:,.0f} failed from {since:%H:%M} to {until:%H:%M} UTC"
                    yield about(case, cell, f"“{sentence.strip(' .')}”, but {truth}.")


def _went_on(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield how long something failed after the mitigation, where it ended far from then."""
    since, end = case.moments.mitigated, case.moments.recovered
    if since is None or end is None:
        return
    for cell, text in passages(case):
        for sentence in sentences(text) if matches(_WENT_ON, text) else ():
            match = _WENT_ON.search(sentence)
            open_ = len(sentence) > LONGEST or _OPEN.search(sentence) or _UNSURE.search(sentence)
            if open_ or match is None or not portions.BAD.search(sentence):
                continue
            curves = portions.failures(incident, case)
            own = _own(incident, case, sentence, curves) if curves else []
            lasts = [last for each in own if (last := _last(each, case))]
            gaps = [(at - since).total_seconds() / 60 for at in (*lasts, end)]
            said = spoken.minutes(match["span"])[0]
            if lasts and not any(spoken.agrees(match, g) or abs(said - g) <= _LATER for g in gaps):
                truth = f"the last failed at {max(lasts):%H:%M} UTC"
                yield about(case, cell, f"“{match.group()}”, but {truth}.")


def _last(curve: Curve, case: Case) -> dt.datetime | None:
    """Return the last moment of the incident at which more failed than usual."""
    start, end = case.moments.start, case.moments.resolved or case.moments.recovered
    inside = ranges.inside(curve, start, end)
    bad = curve.levels * ranges.factor(curve, "failing") > _TIMES * _usual(curve, start)
    moments = curve.moments[inside & bad]
    return times.EPOCH + int(moments[-1]) * attributes.MICROSECOND if len(moments) else None


def _came(case: Case, match: re.Match[str], known: Bears) -> bool:
    """Return whether what still failed is what came, or the service that it came to."""
    services = (str(each).lower().rpartition("-")[2] for each in case.fact("services") or ())
    before = re.split(r"[,;:]", match.string[max(0, match.start() - _NEAR) : match.start()])[-1]
    what = _BARE.split(match["what"])[0]
    told, ours = f"{before} {match['what']}", known.requests | set(map(events.stem, services))
    if what.strip():
        told, ours = what, known.requests
    return not ours.isdisjoint(map(events.stem, re.findall(r"[a-z]+", told.lower())))


def _is_meant(match: re.Match[str], known: Bears) -> bool:
    """Return whether what is told not to have failed is what came."""
    noun = match["noun"].split()
    if match["bare"]:
        return not noun
    behind = match["what"] if match["what"] and not _PLAIN.fullmatch(match["what"]) else ""
    if match.group().lower().startswith("nothing"):
        return not noun and (match["what"] or "") not in _PLACED
    named = noun[-1] if noun else behind
    return bool(named) and events.stem(named.lower()) in known.requests


def _own(incident: Incident, case: Case, sentence: str, curves: Sequence[Curve]) -> Sequence[Curve]:
    """Return the curves of the groups that a sentence names; none of a name that none has."""
    names = attributes.named(sentence, attributes.answers(incident, case))
    own = [each for each in curves if derived.is_named(each, sentence.lower())]
    groups = {derived.group(each) for each in curves}
    if any(each.value.lower() not in groups for each in names):
        return []
    return own or curves


def _denied(
    case: Case, cell: Cell, sentence: str, curves: Sequence[Curve], spans: Sequence[instants.Window]
) -> Iterator[Finding]:
    """Yield that many failed in every stretch that a sentence may tell of."""
    start = case.moments.start
    whole = sum(
        derived.counted(each, *window) for each in curves for window in instants.whole(case)
    )
    counts = [
        sum(derived.counted(each, since + _SLACK, until - _SLACK) for each in curves)
        for since, until in spans
    ]
    usual = [
        sum(_usual(each, start) for each in curves) * (until - since) / _SLACK
        for since, until in spans
    ]
    least = max(_SOME, _PART * whole)
    if counts and all(
        count >= max(least, _TIMES * often) for count, often in zip(counts, usual, strict=True)
    ):
        yield about(case, cell, f"“{sentence.strip(' .')}”, but {max(counts):,.0f} failed then.")


def _usual(curve: Curve, start: dt.datetime | None) -> float:
    """Return how many failed in a minute before the start."""
    before = ranges.within(curve, None, start - _SLACK) if start else np.empty(0)
    if len(before) < _POINTS:
        return 0.0
    return float(before.mean()) * ranges.factor(curve, "failing")
