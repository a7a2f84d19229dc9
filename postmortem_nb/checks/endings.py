"""Kinds that a sentence means by their last word: “a fifth of the errors were timeouts”.

That is UpstreamTimeout where no other kind that the frozen rows have holds the word.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb.checks import attributes
from postmortem_nb.checks.attributes import Named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from postmortem_nb.checks.attributes import Answer

_WERE = re.compile(
    r"(?:\b(?:errors|failures|rejections|refusals|lines|logs|of (?:them|these|those))|%|"
    r"\bpercent)\s(?:were|are|was|is)\s(?:(?:an?|the|about|due|to|of|by|caused|such|all|only|just|"
    r"mere)\s){0,3}?(?P<word>[a-z]{4,}?)(?:e?s)?\b(?=\W*$|[,;:.()]|\s(?:and|but|while|in|on|from|at|of)\b)",
    re.IGNORECASE,
)
"""What errors are told to be, by one word."""
_LAST = re.compile(r"[A-Z]?[a-z]+$")


def named(sentence: str, held: Sequence[Answer]) -> tuple[Named, ...]:
    """Return the values that a sentence names, and the kinds that it means by their last word."""
    names = attributes.named(sentence, held)
    taken = {at for one in names for at in range(one.begin, one.end)}
    kinds = _kinds(tuple(held))
    also = [
        Named(key, value, match.start("word"), match.end())
        for match in _WERE.finditer(sentence)
        if match.start("word") not in taken
        for key, value in kinds.get(match["word"].lower(), ())
    ]
    return (*names, *also)


@lru_cache(maxsize=4)
def _kinds(held: tuple[Answer, ...]) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return the kinds by their last word, where it is that of one alone: its keys, and itself."""
    pairs = {
        (key, value)
        for each in held
        for key, one in each.keys.items()
        if attributes.KIND.search(key) and len(one.values) > 1
        for value in one.values
    }
    found: dict[str, list[tuple[str, str]]] = {}
    for key, value in sorted(pairs):
        last = _LAST.search(value)
        if last and last.start():
            found.setdefault(last.group().lower(), []).append((key, value))
    return {
        word: own
        for word, own in found.items()
        if len({value for _, value in pairs if word in value.lower()}) == 1
    }
