"""How many of all failed, as sentences tell it: “3,445 of 13,000 requests to print a tag failed”.

Both numbers are held, together, to the frozen metric of failures and that of all requests beside
it: of all groups or of those that the sentence names, in the whole incident and in the stretches
that it may tell of. One is doubted only where the other is that of the same group and stretch;
where neither is, the sentence tells of other requests. Without these metrics the first one is held
to the number of failed requests, where its blank tells of the whole incident.
"""

from __future__ import annotations

import re
from itertools import combinations, islice, product
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import attributes, borne, derived, events, instants, portions, spoken
from postmortem_nb.checks.claims import WHO
from postmortem_nb.checks.order import LONGEST, is_of_another_day
from postmortem_nb.checks.reading import about, attest, sentences, told, with_messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.instants import Window
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 100
"""Sentences that are looked at in a document: a text of nothing else must not slow a form."""
_NUMBER = r"(?<![\w.,:/#$€£-])(?:\d{1,3}(?:,\d{3})+|\d+)(?![\w%/-]|[.,:]\d|\s?%)"
_FAILED = (
    r"(?:(?:had|have|has)\s)?(?:(?P<bad>failed|errored|timed out|went (?:nowhere|unanswered)|"
    r"ended in (?:an )?errors?|(?:was|were|had been|been)\s(?:\w+ly\s)?(?:lost|refused|rejected|"
    r"dropped|declined)|got no (?:answer|reply|response))|"
    r"(?P<good>succeeded|worked|went through|got through|came through|were (?:answered|served)))\b"
)
_WORD = r"\s(?!(?:and|or|but)\b|of\s\d)[a-z][\w’'-]*"
_THINGS = (
    rf"(?P<things>(?:{_WORD}(?<!s)){{0,2}}{_WORD}(?<=s))(?:{_WORD}){{0,8}}?"
    r"(?:\s(?:of|in)\s(?:those|these|the)\s\d+\sminutes)?"
)
_BEHIND = re.compile(
    rf"(?P<part>{_NUMBER})\s(?:out\s)?of\s(?:(?:the|our|all|its|those)\s){{0,2}}"
    rf"(?P<whole>{_NUMBER}){_THINGS}\s{_FAILED}"
)
_BEFORE = re.compile(
    rf"\b[Oo]f\s(?:(?:the|our|all|its|those|these)\s){{0,2}}(?P<whole>{_NUMBER}){_THINGS}"
    rf",?\s(?:(?:about|some|only)\s)?"
    rf"(?P<part>{_NUMBER})\s{_FAILED}"
)
_ENDS = re.compile(
    r"\s?(?:$|[.,;:()–—]|(?:and|or|while|which|but|that is|between|from|during|within|until|before|"
    r"after|by|since|over|at|in (?:that|this|the|those|these|all|total|both)|overall|then)\b)"
)
"""Behind what is told: nothing says of which kind they were."""
_OTHER = re.compile(
    r"\b(?:sampl\w+|canary|tests?|tested|retr\w+|first tr\w+|each|every|per|would|could|should|if|"
    r"usual\w*|normal\w*|week|month|yesterday|day|hourly|on average)\b",
    re.IGNORECASE,
)
"""In a sentence: its numbers may be of other requests."""
_OFF, _EXACT = 0.01, 0.002
"""Share by which a number may be off; one of failures, where the document has the metric's own."""
_MOST_GROUPS = 5


class _Told(NamedTuple):
    cell: Cell
    sentence: str
    match: re.Match[str]
    clause: str

    def near(self, name: str, count: float, off: float) -> bool:
        """Return whether one of the two numbers is so many."""
        begin = self.match.start(name)
        value, step = spoken.amount(self.match[name], "")
        hedged = spoken.HEDGE.search(self.sentence[max(0, begin - 24) : begin])
        slack = max(1.0, spoken.LOOSE * value if hedged else max(step, off * count))
        return abs(value - count) <= slack


def found(
    incident: Incident, case: Case, others: Sequence[Finding], attested: Attested
) -> Iterator[Finding]:
    """Yield numbers of what failed of how many, of which the evidence has one and not the other."""
    total = borne.value(case, "failed_requests")
    if not total:
        return
    known = borne.known(incident, case)
    failed = portions.failures(incident, case)
    drawn = derived.drawn(incident, case)
    pairs = [(one, whole) for one in failed if (whole := derived.beside(one, drawn))]
    pairs = pairs if len(pairs) == len(failed) else []
    held = attributes.answers(incident, case)
    places = {
        (each.table, each.row, each.name, digits)
        for each in others
        for digits in re.findall(r"\d[\d,]*", each.message.partition("”, but ")[0])
    }
    for each in islice(_told(case), MOST):
        place = each.cell.table, each.cell.row, each.cell.column.name
        if WHO.search(each.match["things"]):
            continue
        noun = events.stem(each.match["things"].split()[-1].lower())
        ours = noun in known.requests and noun not in known.people
        off = _EXACT if pairs and _is_own(case, pairs, total) else _OFF
        name, truth = _other(case, each, pairs, off) if pairs else _stated(each, total)
        if not name and pairs and truth:
            for one in ("part", "whole"):
                attest(attested, each.cell, each.match[one], surely=True)
            continue
        sure = name and _is_plain(each, pairs, held) and (ours or name == "part")
        if sure and (*place, each.match[name]) not in places:
            yield about(case, each.cell, f"“{each.match[name]}”, but {truth}.")


def _told(case: Case) -> Iterator[_Told]:
    for cell, text in with_messages(case):
        for sentence in sentences(text) if " of " in text or "Of " in text else ():
            fits = len(sentence) <= LONGEST and not _OTHER.search(sentence)
            if fits and not is_of_another_day(case, sentence):
                for pattern in (_BEHIND, _BEFORE):
                    for match in pattern.finditer(sentence):
                        tail = re.split(r"[;.,(]\s?", sentence[match.end() :])[0]
                        head = re.split(r"[;]\s", sentence[: match.start()])[-1]
                        clause = _whole(case, f"{head}{match.group()}{tail}")
                        yield _Told(cell, sentence, match, clause)


def _whole(case: Case, clause: str) -> str:
    """Return a clause without the words that name the whole incident by its length."""
    start, end = case.moments.start, case.moments.recovered
    length = f"{(end - start).total_seconds() / 60:.0f}" if start and end else ""
    return re.sub(rf"\s(?:of|in)\s(?:those|these|the)\s{length}\sminutes\b", "", clause)


def _is_own(case: Case, pairs: Sequence[tuple[Curve, Curve]], total: float) -> bool:
    """Return whether the document has the very number of failures that the metric has."""
    counts = (sum(derived.counted(one, *at) for one, _ in pairs) for at in instants.whole(case))
    return any(abs(count - total) <= 1 for count in counts)


def _is_plain(
    each: _Told, pairs: Sequence[tuple[Curve, Curve]], held: Sequence[attributes.Answer]
) -> bool:
    """Return whether a sentence says nothing of which requests, but of which group."""
    groups = {derived.group(one) for one, _ in pairs}
    named = [one for one in attributes.named(each.clause, held) if one.value.lower() not in groups]
    rest = each.sentence[each.match.end() :]
    grouped = any(
        re.match(rf"(?i)\sin\s(?:the\s)?{re.escape(one)}\b", rest) for one in groups if one
    )
    own = [one for one in named if not any(one.value in whole.query for _, whole in pairs)]
    return not own and bool(grouped or _ENDS.match(rest))


def _other(
    case: Case, each: _Told, pairs: Sequence[tuple[Curve, Curve]], off: float
) -> tuple[str, str]:
    """Return which of the numbers is not the evidence's where the other is, and what it has.

    No name, but a truth, where both are.
    """
    text = each.clause.lower()
    named = [pair for pair in pairs if derived.is_named(pair[0], text)]
    some: list[Sequence[tuple[Curve, Curve]]] = [pairs]
    if named and len(pairs) <= _MOST_GROUPS:
        some = [
            named,
            *(own for size in range(1, len(pairs) + 1) for own in combinations(pairs, size)),
        ]
    whole = instants.whole(case)
    windows: list[Window] = list(portions.stretches(case, each.cell, each.sentence))
    windows = windows or (whole if not instants.is_timely(each.clause) else [])
    windows += instants.windows(case, each.cell, each.sentence)
    found_: tuple[str, str] = "", ""
    for own, window in product(some, [*windows, *whole]):
        bad, all_ = (sum(derived.counted(one[at], *window) for one in own) for at in (0, 1))
        part = all_ - bad if each.match["good"] else bad
        near = each.near("part", part, off), each.near("whole", all_, _OFF)
        if all(near) or each.near("whole", bad, _OFF):
            return "", "both"
        if any(near) and not found_[0] and window in whole:
            name, count = ("part", part) if near[1] else ("whole", all_)
            label = own[0][0 if near[1] else 1].query
            found_ = name, f"{label} has {count:,.0f}"
    timely = instants.is_timely(each.clause) and not instants.between(case, each.clause)
    return ("", "") if timely else found_


def _stated(each: _Told, total: float) -> tuple[str, str]:
    """Return the same of what the document itself states: the number of failed requests."""
    whole = told(each.cell) and not borne.PARTIAL.search(each.clause)
    if not whole or each.match["good"] or instants.is_timely(each.sentence):
        return "", ""
    same = each.near("part", total, _OFF) or each.near("whole", total, _OFF)
    return ("", "") if same else ("part", f"failed requests: {total:,.0f}")
