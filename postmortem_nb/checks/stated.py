"""Plain statements of a text, each with a question to the data: what denies it, or nothing."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks.late import late
from postmortem_nb.checks.reading import TEXTS, about, is_plan, passages, sentences, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding


class Statement(NamedTuple):
    """How a sentence says it, and what denies it; ``whole``: where the whole incident is told."""

    pattern: re.Pattern[str]
    denial: Callable[[Case, re.Match[str]], str | None]
    whole: bool = False


def say(
    denial: Callable[[Case, re.Match[str]], str | None], *patterns: str, whole: bool = False
) -> list[Statement]:
    """Return the statements that one question to the data denies."""
    return [Statement(late(way, re.IGNORECASE), denial, whole) for way in patterns]


OPEN = re.compile(
    r"\b(?:would|could|should|might|may|if|unless|until|before|will|when|once|that evening|"
    r"at first|"
    r"next|previous\w*|not all|not every|nearly|almost|last year|in the past)\b",
    re.IGNORECASE,
)
"""In a sentence: it states nothing plainly."""


Said = tuple[tuple[Statement, re.Match[str]], ...]
"""What a sentence states plainly, with where."""


def reader(
    statements: Sequence[Statement], still: re.Pattern[str] = OPEN
) -> Callable[[str], tuple[Said, ...]]:
    """Return what reads the statements of a text, a sentence each; kept until it is edited.

    ``still`` is what a sentence must not hold to be plain.
    """

    @lru_cache(maxsize=TEXTS)
    def read(text: str) -> tuple[Said, ...]:
        plain = (sentence for sentence in sentences(text) if not still.search(sentence))
        found = (((each, each.pattern.search(said)) for each in statements) for said in plain)
        stated = (tuple((each, match) for each, match in said if match) for said in found)
        return tuple(said for said in stated if said)

    return read


def denied(case: Case, read: Callable[[str], tuple[Said, ...]]) -> Iterator[Finding]:
    """Find the statements that the document denies."""
    for cell, text in passages(case, plans=True):
        whole = told(cell) or is_plan(cell)
        for sentence in read(text):
            for each, match in sentence:
                truth = None if each.whole and not whole else each.denial(case, match)
                if truth:
                    yield about(case, cell, f"“{match.group().strip()}”, but {truth}.")
                    break
