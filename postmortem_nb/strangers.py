"""Somebody whom no column of an incident names: a first and last name beside what only people do.

“Jo Doe was paged”, “merged by Jo Doe”. Texts come folded (`folding`). The lists of words that tell
people from teams, tools and plain words are in `people.toml`.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = (
    r"(?P<{0}>[A-Z][a-z'][\w'-]*(?:\s(?:[A-Z]\.|de|da|dos|van|von|der|den|di|al|el|bin|la))*"
    r"\s[A-Z][\w'-]*[a-z])"
)
DID = (
    r"(?:noticed|spotted|acknowledged|joined|escalated|investigated|realised|realized|suggested"
    r"|asked|merged|pushed|reverted|typed|wrote|messaged|woke|logged in|decided to"
    r"|rolled (?:it |this |that |the \w+ )?back"
    r"|was (?:paged|asked|called|on[- ]call|the (?:incident commander|on-call))"
    r"|had (?:merged|pushed|deployed|written|reviewed|approved|run))\b"
)
"""What only people do."""

_BY = (
    r"(?:acknowledged|noticed|spotted|reported|rolled back|reverted|merged|approved|reviewed"
    r"|written|declared|led|handled|deployed|pushed|paged|escalated|run|fixed|restarted)"
    r" (?:manually )?by"
)
_ROLE = (
    r"(?:engineers?|developers?|commander|on[- ]call|responders?|managers?|leads?|colleagues?"
    r"|SREs?|DBA|CTO|CEO|VP|administrator|admin|operator|author|thanks to|paged|pinged|messaged)"
)
_IS = r"(?:\s\((?:\w+ )?(?:SRE|IC|on-call|engineer|developer|DBA|lead|manager|they|she|he)\b|\s?<)"
_STRANGER = re.compile(
    rf"\b{_NAME.format('actor')}(?=(?:\s\([^()\n]{{1,40}}\)|,[^,.\n]{{1,40}},)?\s(?:then\s|also\s)?{DID})"
    rf"|\b(?:{_BY}|{_ROLE})\s{_NAME.format('named')}\b|\b{_NAME.format('titled')}(?={_IS})"
)
"""Somebody in prose: first and last name beside what only people do or are."""


def strangers(text: str) -> Iterator[tuple[int, int]]:
    """Yield where prose names people whom no column may name: first and last name, by context."""
    for match in _STRANGER.finditer(text):
        group = next(name for name, value in match.groupdict().items() if value)
        parts = match[group].lower().split()
        if not words("teams").intersection(parts) and parts[0] not in words("openings"):
            yield match.span(group)


@cache
def words(kind: str) -> frozenset[str]:
    """Return a list of `people.toml`: titles, teams, words, particles and so on."""
    return frozenset(_lists()[kind].split())


@cache
def _lists() -> dict[str, str]:
    return tomllib.loads(
        resources.files("postmortem_nb").joinpath("people.toml").read_text("utf-8")
    )
