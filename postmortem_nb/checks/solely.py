"""Which rows all have a value: “all error lines came from Dublin”.

“The 172 lines of 3.17.2 all came from Oregon”, “only os-dub-3 logged errors”, “All carry 5.2.4”:
held to the complete answers of logs, those with the other values of the sentence, or of the ones
before it that tell of which logs.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import attributes, derived, instants
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, passages, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from postmortem_nb.checks.attributes import Answer, Chosen, Named
    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 100
"""Findings at most: a text of nothing else must not slow a form."""
_ROWS = r"(?:logs?|lines?|entries|entry|errors?|failures?|exceptions?|timeouts?)"
_FROM = (
    r"(?:carr(?:y|ies|ied)\s(?:the\s)?(?:version\s)?$|(?:came|come|comes|is|are|was|were)\s(?:all\s)?(?:written\s|logged\s)?"
    r"(?:from|by|on|in|of|at|with)\s(?:the\s)?(?:(?:hosts?|nodes?|pods?|versions?|regions?)\s"
    r"(?:(?:on|in|of)\s)?)?$)"
)
_VERSION = re.compile(r"(?<![\w.-])v?\d+\.\d+\.\d+(?![\w.]*\d)")
_COUNT = r"(?:(?P<count>\d[\d,]*)\s)?"
_EVERY = re.compile(
    r"\b(?P<loose>(?:nearly|almost|practically|virtually)\s)?(?:all|every(?:\ssingle)?)\s(?:of\s)?"
    rf"(?:(?:the|our|its|these|those)\s)?{_COUNT}(?:[\w.-]+\s){{0,2}}?{_ROWS}\b"
    rf"(?P<of>[^.;:]{{0,60}}?)\s{_FROM}",
    re.IGNORECASE,
)
_ALL = re.compile(
    rf"\b(?:the|those|these)\s{_COUNT}(?P<of>[^;:]{{0,80}}?)\s(?P<loose>(?:nearly|almost)\s)?all\s{_FROM}",
    re.IGNORECASE,
)
"""Before a value: all rows of those told of have it."""
_ONLY = re.compile(r"\bonly\s(?:the\s)?(?:(?:host|node|pod|version)\s)?$", re.IGNORECASE)
_WROTE = re.compile(
    r"\s(?:wrote|logged|threw|had|saw|reported)\s(?:any\s)?(?:error\s)?(?:logs|lines|errors|"
    r"failures|entries)\b",
    re.IGNORECASE,
)
_NONE = re.compile(
    rf"\b(?:no|not (?:one|a single))\s(?:[\w-]+\s){{0,2}}?{_ROWS}\s{_FROM}", re.IGNORECASE
)
THEY = re.compile(
    r"^\W*(?:they all|all(?:\sof\s(?:them|these|those))?|(?:every(?:\ssingle)?|each)\sone|each)"
    r"(?:\sof\s(?:them|these|those))?\s(?:carr(?:y|ies|ied)|ha(?:ve|s|d)|bears?|bore|shows?|showed|"
    r"names?|says?|said|are|is|were|was|c[ao]mes?)\s(?:(?!no\b|not\b|never\b)[a-z]+\s){0,4}?$",
    re.IGNORECASE,
)
"""Before a value: all rows of the sentence before have it."""
_NOW = re.compile(r"\b(?:now|again|today|still|meanwhile)\b", re.IGNORECASE)
_BACK = 2
"""Sentences before that are looked at for the rows that are meant."""
_ROW = re.compile(rf"\b{_ROWS}\b", re.IGNORECASE)
_MAY = re.compile(r"\b(?:all|every|each|only|no|not (?:one|a single))\b", re.IGNORECASE)
_WORDS = re.compile(
    rf"\b(?:of|from|in|on|by|with|the|and|error|log|{_ROWS}|hosts?|nodes?|pods?|versions?|regions?)\b",
    re.IGNORECASE,
)
"""Words that do not say by themselves which rows a sentence tells of."""
_ERRORS = re.compile(r"\b(?:errors?|failures?|failed|exceptions?|timeouts?)\b", re.IGNORECASE)
_OPEN = re.compile(
    r"\b(?:before|after|until|since|then|from \d\d:\d\d|between|should|would|could|if|"
    r"not all|not every|except|apart|but|other than|else|later|any more|minute|hour|seconds?)\b",
    re.IGNORECASE,
)
"""In a sentence: it is of a part of the time, or does not say so plainly."""
_MORE = re.compile(r",?\s(?:and|or|as well as|on behalf|while)\b", re.IGNORECASE)
"""Behind the last value: others may have it too."""
_FAR = 160
_STRICT, _LOOSELY = 0.97, 0.75
"""Part of the rows that all of them are, and nearly all."""
_SOME, _PART = 3, 0.01
"""Rows, and the part of all, from which on there are some."""
_FEWEST, _OFF = 20, 0.02
"""Rows from which on a part of them is known; share by which their number may be off."""


class _Told(NamedTuple):
    """A value that a sentence names, all of them, and what stands before it."""

    cell: Cell
    sentence: str
    names: Sequence[Named]
    each: Named
    before: str

    def said(self, match: re.Match[str], end: int) -> str:
        """Return what a finding doubts, up to a place."""
        return self.sentence[self.since(match) : end]

    def since(self, match: re.Match[str]) -> int:
        """Return where in the sentence something before the value begins."""
        return self.each.begin - len(self.before) + match.start()


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield values that not all rows have, where a sentence says so."""
    held = [one for one in attributes.answers(incident, case) if one.whole]
    yield from islice(_found(case, held), MOST if held else 0)


def _found(case: Case, held: Sequence[Answer]) -> Iterator[Finding]:
    for cell, text in passages(case):
        every = sentences(text) if matches(_MAY, text) else []
        for at, sentence in enumerate(every):
            if len(sentence) > LONGEST or _OPEN.search(sentence):
                continue
            names = attributes.named(sentence, held)
            before = " ".join(each for each in every[max(0, at - _BACK) : at])
            yield from (
                _they(case, _Told(cell, sentence, names, names[0], before), held) if names else ()
            )
            yield from _unknown(case, cell, sentence, held)
            for each in names:
                before = sentence[max(0, each.begin - _FAR) : each.begin]
                told = _Told(cell, sentence, names, each, before)
                yield from _all(case, told, held)


def _unknown(case: Case, cell: Cell, sentence: str, held: Sequence[Answer]) -> Iterator[Finding]:
    """Yield a version that all rows are told to have, and none has."""
    for match in _VERSION.finditer(sentence):
        before = sentence[max(0, match.start() - _FAR) : match.start()]
        every = _EVERY.search(before)
        known = [
            one.keys["version"].values
            for one in held
            if one.kind == attributes.LOGS and "version" in one.keys
        ]
        if (
            every
            and known
            and not any(match.group().lstrip("v") in x.lstrip("v") for v in known for x in v)
        ):
            said = before[every.start() :] + match.group()
            truth = f"the frozen rows have {', '.join(sorted(known[0])[:_SOME])}"
            yield about(case, cell, f"“{said}”, but {truth}.")


def _all(case: Case, told: _Told, held: Sequence[Answer]) -> Iterator[Finding]:
    """Yield a value that not all rows have, or that some have, where a sentence says otherwise."""
    sentence, names, each = told.sentence, told.names, told.each
    only = _ONLY.search(told.before) if _WROTE.match(sentence, each.end) else None
    every = _EVERY.search(told.before) or _ALL.search(told.before)
    match = every or only or _NONE.search(told.before)
    if match is None:
        return
    since = told.since(match)
    alike = [one for one in names if one.key == each.key and one.begin >= since]
    rest = [one for one in names if one.key != each.key]
    if alike[0] is not each or any(one.begin >= each.begin for one in rest):
        return  # it is not plain which rows have which value
    if _MORE.match(sentence, alike[-1].end):
        return
    given = [one for one in rest if since <= one.begin]
    if every and not _is_read(every, told, given):
        return
    values = frozenset(one.value for one in alike)
    stretches = (*instants.whole(case), None)
    parts = _parts(stretches, held, (each.key, values), given, sentence[since:])
    own = list(_counted(parts, every["count"] if every else None))
    if every or only:
        least = _LOOSELY if every and every["loose"] else _STRICT
        denied = all(part < least * all_ for part, all_ in own)
    else:
        denied = all(part >= max(_SOME, _PART * all_) for part, all_ in own)
    if own and denied:
        part, all_ = own[0]
        truth = f"{part:,.0f} of {all_:,.0f} have {' or '.join(sorted(values))}"
        said = told.said(match, alike[-1].end)
        said = said[said.rfind("all ") :] if match.re is _ALL else said  # its number may be right
        yield about(case, told.cell, f"“{said}”, but {truth}.")


def _they(case: Case, told: _Told, held: Sequence[Answer]) -> Iterator[Finding]:
    """Yield a value that not all rows have of which the sentences before tell.

    Whichever of them those mean: of which values, and in which stretch.
    """
    sentence, each = told.sentence, told.each
    own = THEY.search(sentence[: each.begin]) and not _NOW.search(sentence)
    if not own or any(one.key != each.key for one in told.names if one.begin != each.begin):
        return
    if len(told.before) > _BACK * LONGEST or not _ROW.search(told.before):
        return
    values = frozenset(one.value for one in told.names if one.key == each.key)
    given = attributes.named(told.before, held)
    ways = [[], given, *([one] for one in given)]
    stretches = [*instants.windows(case, told.cell, told.before), *instants.whole(case), None]
    parts = [
        part
        for way in ways
        for part in _parts(stretches, held, (each.key, values), way, told.before)
        if part[1] >= _FEWEST
    ]
    if parts and all(part < _STRICT * all_ for part, all_ in parts):
        part, all_ = parts[0]
        truth = f"{part:,.0f} of {all_:,.0f} have {' or '.join(sorted(values))}"
        yield about(case, told.cell, f"“{sentence[: told.names[-1].end]}”, but {truth}.")


def _is_read(every: re.Match[str], told: _Told, given: Sequence[Named]) -> bool:
    """Return whether nothing but values says which rows a sentence tells of."""
    of = every["of"]
    for one in given:
        of = of.replace(told.sentence[one.begin : one.end], " ")
    return not _WORDS.sub(" ", of).strip(" ,’'")


def _counted(
    parts: Iterator[tuple[float, float]], count: str | None
) -> Iterator[tuple[float, float]]:
    """Yield the parts of as many rows as are told of; of enough where no number is told."""
    for part, all_ in parts:
        number = float(count.replace(",", "")) if count else all_
        if abs(all_ - number) <= _OFF * number and (count or all_ >= _FEWEST):
            yield part, all_


def _parts(
    stretches: Sequence[instants.Window | None],
    held: Sequence[Answer],
    chosen: Chosen,
    given: Sequence[Named],
    said: str,
) -> Iterator[tuple[float, float]]:
    """Yield how many rows, of how many with the other values, have some, in each stretch."""
    for answer, rows in _rows(held, chosen[0], given, said):
        own = rows & answer.having(chosen)
        for window in stretches:
            part = [answer.within(window)]
            yield answer.counts(own, part)[0], answer.counts(rows, part)[0]


def _rows(
    held: Sequence[Answer], key: str, given: Sequence[Named], said: str
) -> Iterator[tuple[Answer, NDArray[np.bool_]]]:
    """Yield which rows of each answer a sentence tells of: errors, or all of them."""
    for answer in held:
        keys = {key, *(one.key for one in given)}
        bad = derived.is_bad(answer.label) and bool(_ERRORS.search(said))
        other = answer.kind == attributes.SPANS or (answer.kind == attributes.POINTS and not bad)
        if other or not keys <= answer.keys.keys():
            continue
        by = {one.key: frozenset(x.value for x in given if x.key == one.key) for one in given}
        rows = answer.holding(by.items()) & (answer.keys[key].codes >= 0)
        status = answer.keys.get("status")
        if status and "error" in status.values:
            yield answer, rows & answer.having(("status", frozenset({"error"})))
        if not (status and _ERRORS.search(said)):
            yield answer, rows
