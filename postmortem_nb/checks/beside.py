"""The values that stand with a figure of a sentence: “2,340 of 3,900 lines are LockTimeout”.

They stand right behind it, else before it in its clause; those behind a whole are of its part.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from postmortem_nb.checks import borne, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postmortem_nb.checks.attributes import Named
    from postmortem_nb.checks.written import Figure

_OF_THOSE = re.compile(r"\sof\s(?:those|these|them)\b")
"""Behind a share: its value follows somewhere, “38 % of those in the hour, are timeouts”."""
_BEHIND = re.compile(r"[^,;.\d]{0,40}?")
_JOINED = re.compile(r"\b(?:and|against|while|but)\b", re.IGNORECASE)
_LISTED = re.compile(r"(?:,?\s(?:and|or)\s|,\s|\s[a-z]{0,5}\s?){1,2}")
_COLON = re.compile(r":\s(?:\w+\s)?")  # “nearly all are a PoolTimeout: 412”
_WITH = re.compile(r"\s(?:with|had|wrote|logged)\s(?:about\s|only\s|some\s)?")
"""Between a value and its figure: “planner-05 with 189 lines to planner-08 with 213”."""
_PAUSE = re.compile(r"[;:(]\s?|\s[–—]\s")
_PART_OF = re.compile(r"\s(?:out\s)?of\s(?:(?:the|our|all|those|these)\s){0,2}")
_ARE = re.compile(
    r"\s(?:[\w-]+\s){0,2}?(?:are|were|is|was|have|had|carr\w+|c[ao]me from|show\w*|name\w*)\s"
    r"(?:an?\s|the\s)?"
)
"""Between a part and its whole, and behind that: the values that follow are those of the part."""


def values(
    sentence: str, counted: Sequence[Figure], each: Figure, names: Sequence[Named]
) -> tuple[Named, ...]:
    """Return the values among ``names`` that stand with one of the figures ``counted``."""
    for one, whole in pairwise(counted):
        if one.kind == "share" or not _PART_OF.fullmatch(sentence, one.end, whole.begin):
            continue
        are = any(_ARE.fullmatch(sentence, whole.end, name.begin) for name in names)
        if are and each is whole:
            return ()
        if are and each is one:
            rest = [other for other in counted if other is not whole]
            return _standing(sentence, rest, one._replace(end=whole.end), names)
    return _standing(sentence, counted, each, names)


def is_whole(sentence: str, each: Figure, names: Sequence[Named]) -> bool:
    """Return whether a figure is the whole of a part, and all values are those of the part."""
    of = written.WHOLE_OF.search(sentence[: each.begin]) and any(
        _ARE.fullmatch(sentence, each.end, name.begin) for name in names
    )
    return bool(of) and all(name.begin > each.end for name in names)


def _standing(
    sentence: str, counted: Sequence[Figure], each: Figure, names: Sequence[Named]
) -> tuple[Named, ...]:
    """Return the values that stand with a figure: right behind it, else before it."""
    since = max((one.end for one in counted if one.end <= each.begin), default=0)
    until = min((one.begin for one in counted if one.begin >= each.end), default=len(sentence))
    held = tuple(one for one in names if _WITH.fullmatch(sentence, one.end, each.begin))
    if held:
        return held
    for match in sorted(names, key=lambda one: one.begin):
        gap = sentence[each.end : match.begin]
        near = match.begin < each.end or (_BEHIND.fullmatch(gap) and not _JOINED.search(gap))
        if each.begin <= match.begin < until and near:
            return _listed(sentence, match, names, until)
    told = tuple(one for one in names if _COLON.fullmatch(sentence, one.end, each.begin))
    head = max((match.end() for match in _PAUSE.finditer(sentence, 0, each.begin)), default=0)
    before = tuple(one for one in names if max(head, since) <= one.begin < each.begin)
    clause = borne.clause(sentence, each)
    begin = sentence.rfind(clause, 0, each.end + len(clause))
    within = (
        before
        or told
        or tuple(one for one in names if begin <= one.begin < _reach(sentence, each, until))
    )
    lone = len(names) == len(counted) == 1 and _OF_THOSE.match(sentence, each.end)
    return within or tuple(one for one in names if lone and one.begin > each.end)


def _reach(sentence: str, each: Figure, until: int) -> int:
    """Return up to where values stand in the clause of a figure, and with no other figure."""
    clause = borne.clause(sentence, each)
    end = sentence.rfind(clause, 0, each.end + len(clause)) + len(clause)
    other = _JOINED.search(sentence, each.end)
    return min(end, until, other.start() if other else end)


def _listed(sentence: str, first: Named, names: Sequence[Named], until: int) -> tuple[Named, ...]:
    """Return a value and those that stand behind it in one list: “in north, south and west”."""
    kept, end = [first], first.end
    for each in sorted(names, key=lambda one: one.begin):
        gap = sentence[end : each.begin]
        if end <= each.begin < until and _LISTED.fullmatch(gap):
            kept.append(each)
            end = each.end
    return tuple(kept)
