"""Log messages as patterns: what changes from line to line becomes ``<*>``, the rest stays.

Drain's idea (He, Zhu, Zheng and Lyu, "Drain: an online log parsing approach with fixed depth
tree", ICWS 2017): messages of as many words and the same first word are compared word by word, and
join the pattern that they share most with. Unlike Drain, different messages are looked at once
each, the frequent ones first, so that the order of rows changes nothing. (The usual library,
drain3, has had no release since 2022 and pins a pickling library.) And unlike it, words that
messages of all lengths have, as time, level and logger, do not make two of them alike.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

ANY = "<*>"
LONGEST = 400
"""Characters of a message that are looked at, and MOST_WORDS words."""
MOST_WORDS = 40
ALIKE = 0.5
"""Share of words in the same places that makes two messages one pattern."""
FEW = 12
"""Different words in one place, and patterns of one group, up to which each stays itself."""
MOST_IN_GROUP = 500
"""Patterns of one group that are told apart; what comes after joins the nearest."""
COMMON = 0.4
"""Share of the lengths of messages (of LENGTHS at least) of which a word tells LITTLE."""
LENGTHS = 5
FULL, LITTLE = 20, 1

_ZONES = (
    "com|net|org|edu|gov|io|dev|app|cloud|local|internal|localdomain|svc|arpa|at|au|be|br|ca|ch|cn|cz"
    "|de|dk|es|eu|fi|fr|hk|hu|il|in|it|jp|kr|mx|nl|no|nz|pl|pt|ro|ru|se|sg|tr|tw|uk|us|za"
)
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_NO_STATUS = (
    r"(?!(?:(?<=[Ss]tatus[=:])|(?<=[Ss]tatus\"[=:])|(?<=[Cc]ode[=:])|(?<=[Cc]ode\"[=:]))"
    r"[1-5][0-9]{2}(?![0-9.]))"
)
_VARIABLE = re.compile(
    rf"""(?<![A-Za-z0-9]){_NO_STATUS}(?:
        [0-9a-fA-F]{{8}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{12}}
      | (?=[0-9a-fA-F:]*[0-9])[0-9a-fA-F]{{0,4}}(?::[0-9a-fA-F]{{0,4}}){{3,7}}
      | (?:[\w.+-]{{1,64}}@)?(?:[a-z0-9][a-z0-9_-]{{0,62}}\.){{1,8}}(?:{_ZONES})(?::[0-9]+)?
        (?![.\w-])
      | 0x[0-9a-fA-F]+
      | (?=[0-9a-fA-F]*[0-9])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{{6,64}}
      | [A-Za-z]*(?:[0-9]+[A-Za-z]+){{2,}}[0-9]*
      | [0-9]{{1,2}}/(?:{_MONTHS})/[0-9]{{4}}(?::[0-9:]+)?
      | [v+-]?[0-9]+(?:[.:,/][0-9]+)*(?:[a-zA-Zµ%]{{1,2}}\b)?
    )(?![A-Za-z0-9])|(?<![0-9]){_NO_STATUS}[0-9]+""",
    re.VERBOSE,
)
"""Ids, addresses, hosts, numbers: what a word has that the next line has otherwise."""

_STATUS = re.compile(r"[1-5][0-9]{2}\b[^0-9A-Za-z]{0,2}")
_BEFORE_STATUS = re.compile(
    r"(?:status|code|https?|response|returned|HTTP/\d(?:\.\d)?)[\"'=:]{0,3}", re.IGNORECASE
)
_ANSWERED = re.compile(
    r"(?:\S* )?completed|(?:complete|respond|fail|finish|answer|return)\w* with", re.IGNORECASE
)
"""An HTTP status tells what happened, as a word does: 503 is not 200."""
_METHOD = re.compile(r"[\"'\[(]?(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)[\"'\])]?")
_ARROWS = ("->", "=>", "→")
_RUN = re.compile(r"<\*>(?:<\*>)+")
_UNIT = re.compile(r"<\*> (?:[KMGTkmgt]i?[Bb]|B)(?![\w/])")
_DATE = re.compile(
    r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? )?"
    rf"(?:{_MONTHS})[a-z]{{0,6}} <\*>"
)
_LISTED = re.compile(r"(?<!\S)(\S*<\*>\S*)(?: \1)+(?!\S)")
"""As many things of one kind as there were: ``blk_<*> blk_<*> blk_<*>``."""


class _Group:
    """Patterns of as many words and the same first word; words are numbers, 0 stands for ANY."""

    def __init__(self, width: int) -> None:
        self.words = np.zeros((16, width), np.int32)
        self.members: list[list[list[str]]] = []

    def join(self, words: list[str], numbers: list[int], weights: NDArray[np.int32]) -> None:
        """Put a message to the pattern that shares the most words, or make a new one of it."""
        count = len(self.members)
        row = np.array(numbers, np.int32)
        if count:
            same = (self.words[:count] == row) @ weights[row]
            best = int(same.argmax())
            if same[best] >= ALIKE * weights[row].sum() or count == MOST_IN_GROUP:
                self.words[best] *= self.words[best] == row
                self.members[best].append(words)
                return
        if count == len(self.words):
            self.words = np.concatenate([self.words, np.zeros_like(self.words)])
        self.words[count] = row
        self.members.append([words])


def mine(messages: Sequence[str]) -> list[str]:
    """Return the pattern of each message, in order."""
    masks = {message: masked(message) for message in set(messages)}
    counts: Counter[str] = Counter(masks[message] for message in messages)
    patterns = _joined(sorted(counts, key=lambda one: (-counts[one], one)))
    return [patterns[masks[message]] for message in messages]


def masked(message: str) -> str:
    """Return a message on one line with numbers, ids, hosts and dates as ``<*>``."""
    words = message[:LONGEST].split()[:MOST_WORDS]
    shown = list(map(_masked, words))
    for place in range(1, len(words)):
        if (
            words[place][:3].isdecimal()
            and _STATUS.fullmatch(words[place])
            and _tells_status(words, place)
        ):
            shown[place] = words[place]
    line = " ".join(shown)
    if ANY not in line:
        return line
    return _LISTED.sub(r"\1", _DATE.sub(ANY, _UNIT.sub(ANY, line)))


def _tells_status(words: list[str], place: int) -> bool:
    """Return whether the word there is a status: by what stands before it, as access logs do.

    Behind the path of a request, or an arrow behind that; in a column of its own (gin).
    """
    before = words[place - 1]
    if _BEFORE_STATUS.search(before) or _ANSWERED.fullmatch(" ".join(words[:place][-2:])):
        return True
    if before == "|" and words[place + 1 : place + 2] == ["|"]:
        return any(map(_METHOD.fullmatch, words))
    path = place - 2 if before in _ARROWS else place - 1
    is_path = path > 0 and words[path].startswith(("/", "http://", "https://"))
    return is_path and _METHOD.fullmatch(words[path - 1]) is not None


@lru_cache(maxsize=65_536)
def _masked(word: str) -> str:
    return word if word.isalpha() else _RUN.sub(ANY, _VARIABLE.sub(ANY, word))


def _joined(ordered: Sequence[str]) -> dict[str, str]:
    """Return the pattern of each masked message."""
    split = [mask.split() for mask in ordered]
    numbers = {ANY: 0}
    for words in split:
        for word in words:
            numbers.setdefault(word, len(numbers))
    weights = _weights(split, numbers)
    groups: dict[tuple[int, str], _Group] = {}
    for words in split:
        first = words[0] if words else ""
        key = (len(words), ANY if ANY in first else first)
        if key not in groups:
            groups[key] = _Group(len(words))
        groups[key].join(words, [numbers[word] for word in words], weights)
    return {
        mask: pattern
        for group in groups.values()
        for members in group.members
        for mask, pattern in _named(members)
    }


def _weights(split: list[list[str]], numbers: dict[str, int]) -> NDArray[np.int32]:
    """Return how much each word tells: little where messages of most lengths have it.

    Level, logger and such stand before every message; two that share those only are not alike.
    """
    widths = {len(words) for words in split}
    weights = np.full(len(numbers), FULL, np.int32)
    if len(widths) >= LENGTHS:
        seen = Counter(
            word for _, word in {(len(words), word) for words in split for word in words}
        )
        for word, count in seen.items():
            if count > COMMON * len(widths):
                weights[numbers[word]] = LITTLE
    weights[0] = LITTLE
    return weights


def _named(members: list[list[str]]) -> Iterator[tuple[str, str]]:
    """Yield masked messages and their pattern: a word of few kinds stays, as error kinds do.

    As long as they are FEW patterns together; the places with the fewest kinds come first.
    """
    columns = list(zip(*members, strict=True))
    kinds = [len(set(column)) for column in columns]
    kept: dict[int, tuple[str, ...]] = {}
    for place in sorted(range(len(columns)), key=lambda place: kinds[place]):
        if len(set(zip(*kept.values(), columns[place], strict=True))) <= FEW:
            kept[place] = columns[place]
    for number, words in enumerate(members):
        shown = (kept[place][number] if place in kept else ANY for place in range(len(columns)))
        yield " ".join(words), _RUN.sub(ANY, " ".join(shown))
