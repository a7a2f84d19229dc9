"""Log messages as patterns: what changes from line to line becomes ``<*>``, the rest stays.

Drain's idea (He, Zhu, Zheng and Lyu, "Drain: an online log parsing approach with fixed depth
tree", ICWS 2017): messages of as many words and the same first word are compared word by word, and
join the pattern that they share most with. Unlike Drain, different messages are looked at once
each, the frequent ones first, so that the order of rows changes nothing. (The usual library,
drain3, has had no release since 2022 and pins a pickling library.)
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ANY = "<*>"
LONGEST = 400
"""Characters of a message that are looked at, and MOST_WORDS words."""
MOST_WORDS = 40
ALIKE = 0.5
"""Share of words in the same places that makes two messages one pattern."""
FEW = 12
"""Different words in one place up to which each is a pattern of its own."""
MOST_IN_GROUP = 100
"""Patterns of one group that are told apart; what comes after joins the nearest."""

_VARIABLE = re.compile(
    r"""(?<![A-Za-z0-9])(?:
        [0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}
      | 0x[0-9a-fA-F]+
      | (?=[0-9a-fA-F]*[0-9])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{6,64}
      | v?[0-9]+(?:[.:,/][0-9]+)*(?:[a-zA-Zµ%]{1,2}\b)?
    )(?![A-Za-z0-9])|[0-9]+""",
    re.VERBOSE,
)
_RUN = re.compile(r"<\*>(?:<\*>)+")


class _Group:
    """Patterns of as many words and the same first word; words are numbers, 0 stands for ANY."""

    def __init__(self, width: int) -> None:
        self.words = np.zeros((MOST_IN_GROUP, width), np.int32)
        self.members: list[list[list[str]]] = []

    def join(self, words: list[str], numbers: list[int]) -> None:
        """Put a message to the pattern that shares the most words, or make a new one of it."""
        count = len(self.members)
        row = np.array(numbers, np.int32)
        if count:
            same = (self.words[:count] == row).sum(axis=1)
            best = int(same.argmax())
            if same[best] >= ALIKE * len(words) or count == MOST_IN_GROUP:
                self.words[best] *= self.words[best] == row
                self.members[best].append(words)
                return
        self.words[count] = row
        self.members.append([words])


def mine(messages: Sequence[str]) -> list[str]:
    """Return the pattern of each message, in order."""
    masks = {message: masked(message) for message in set(messages)}
    counts: Counter[str] = Counter(masks[message] for message in messages)
    patterns = _joined(sorted(counts, key=lambda one: (-counts[one], one)))
    return [patterns[masks[message]] for message in messages]


def masked(message: str) -> str:
    """Return a message on one line with numbers, ids and addresses as ``<*>``."""
    words = message[:LONGEST].split()[:MOST_WORDS]
    return _RUN.sub(ANY, _VARIABLE.sub(ANY, " ".join(words)))


def _joined(ordered: Iterable[str]) -> dict[str, str]:
    """Return the pattern of each masked message."""
    groups: dict[tuple[int, str], _Group] = {}
    numbers = {ANY: 0}
    for mask in ordered:
        words = mask.split()
        first = words[0] if words else ""
        key = (len(words), ANY if ANY in first else first)
        if key not in groups:
            groups[key] = _Group(len(words))
        groups[key].join(words, [numbers.setdefault(word, len(numbers)) for word in words])
    return {
        mask: pattern
        for group in groups.values()
        for members in group.members
        for mask, pattern in _named(members)
    }


def _named(members: list[list[str]]) -> Iterator[tuple[str, str]]:
    """Yield masked messages and their pattern: a word of few kinds stays, as error kinds do."""
    vary = [len(set(column)) > FEW for column in zip(*members, strict=True)]
    for words in members:
        kept = (ANY if many else word for word, many in zip(words, vary, strict=True))
        yield " ".join(words), _RUN.sub(ANY, " ".join(kept))
