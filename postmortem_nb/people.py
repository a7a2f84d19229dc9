"""Who the people of an incident are, and how their names stand in prose.

The public edition names nobody. People are whom the dataset names in a column of people: a whole
name in any writing, each part of it, its possessive, initials with the last name, an address or a
handle made of it. Teams, roles, monitors and services stand in those columns too and are nobody.
Somebody whom no column names is found by what only people do or are: “Jo Doe was paged”.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from postmortem_nb.checks.case import PEOPLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

COLUMNS = frozenset({name for _, name in PEOPLE} | {"owner", "approval", "resolution_confirmed"})
"""Columns that name people, whatever table they are in."""

SENTENCES = frozenset({"detected_by", "approval", "resolution_confirmed"})
"""Those of them in which people write sentences, so that a name is only what is written as one."""

_APART = re.compile(r"[,;/&\n()\[\]:|–—]| - | (?:and|with) ")
_ADDRESS = re.compile(r"([^\s@<>]+)@[\w.-]+|(?<![\w@])@([\w.-]+)")
_TOKEN = re.compile(r"[^\W\d_](?:[\w.'’-]*[\w.])?")
_NO_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


_CAPITAL = "[A-ZÀ-ÖØ-Þ]"
_NAME = (
    rf"(?P<{{0}}>{_CAPITAL}[a-zà-ÿ'’][\w'’-]*(?:\s(?:{_CAPITAL}\.|de|da|dos|van|von|der|den|di|al|el|bin|la))*"
    rf"\s{_CAPITAL}[\w'’-]*[a-zà-ÿ])"
)
_DID = (
    r"(?:noticed|spotted|acknowledged|joined|escalated|investigated|realised|realized|suggested"
    r"|asked|merged|pushed|reverted|typed|wrote|messaged|woke|logged in|decided to"
    r"|rolled (?:it |this |that |the \w+ )?back"
    r"|was (?:paged|asked|called|on[- ]call|the (?:incident commander|on-call))"
    r"|had (?:merged|pushed|deployed|written|reviewed|approved|run))\b"
)
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
    rf"\b{_NAME.format('actor')}(?=(?:\s\([^()\n]{{1,40}}\)|,[^,.\n]{{1,40}},)?\s(?:then\s|also\s)?{_DID})"
    rf"|\b(?:{_BY}|{_ROLE})\s{_NAME.format('named')}\b|\b{_NAME.format('titled')}(?={_IS})"
)
"""Somebody in prose: first and last name beside what only people do or are."""


def strangers(text: str) -> Iterator[tuple[int, int]]:
    """Yield where prose names people whom no column may name: first and last name, by context."""
    for match in _STRANGER.finditer(text):
        group = next(name for name, value in match.groupdict().items() if value)
        parts = match[group].lower().split()
        if not _words("teams").intersection(parts) and parts[0] not in _words("openings"):
            yield match.span(group)


@cache
def _words(kind: str) -> frozenset[str]:
    """Return a list of `people.toml`: titles, teams, words, particles."""
    shipped = resources.files("postmortem_nb").joinpath("people.toml").read_text("utf-8")
    return frozenset(tomllib.loads(shipped)[kind].split())


def people(tables: Iterable[Iterable[Mapping[str, object]]]) -> re.Pattern[str] | None:
    """Return a pattern of the people that rows name in a column of people, longest name first."""
    rows = [row for table in tables for row in table]
    services = {str(name).lower() for row in rows for name in _several(row.get("services"))}
    written = {
        pattern
        for row in rows
        for column in COLUMNS & set(row)
        for name in _named(row[column], sentence=column in SENTENCES)
        if len(name) > 1 or name[0].lower() not in services
        for pattern in _writings(name)
    }
    if not written:
        return None
    either = "|".join(sorted(written, key=lambda each: (-len(each), each)))
    return re.compile(f"(?:{either})(?:['’]s?(?!\\w))?")


def _named(value: object, *, sentence: bool) -> Iterator[list[str]]:
    """Yield the parts of each person's name in a value of a column of people."""
    for each in _several(value):
        said = str(each)
        addresses = (match[1] or match[2] for match in _ADDRESS.finditer(said))
        names = [_parts(address, r"[._+-]") for address in addresses]
        names += [
            _person(piece, sentence=sentence) for piece in _APART.split(_ADDRESS.sub(" ", said))
        ]
        yield from filter(None, names)


def _several(value: object) -> list[object]:
    return value if isinstance(value, list) else [value or ""]


def _parts(said: str, between: str) -> list[str]:
    return [part for part in re.split(between, said) if len(part) > 1]


def _person(piece: str, *, sentence: bool) -> list[str]:
    """Return the parts of the name in a piece of text; nothing where it names a team or a tool."""
    tokens = [token for token in piece.split() if token.lower().strip(".") not in _words("titles")]
    if not tokens or len(tokens) > 5 or not all(map(_TOKEN.fullmatch, tokens)):
        return []
    known = [token for token in tokens if token.lower() not in _words("teams")]
    small = [token for token in known if token[0].islower()]
    names = [token for token in known if token not in small or token in _words("particles")]
    if len(names) < len(tokens) and (names or len(tokens) != len(known)):
        # "Ana Souza support" is somebody; "Checkout support", "Seen in the shop" are not
        return names if len(names) >= 2 else []
    if sentence and (small == known or (len(known) == 1 and not known[0][0].isupper())):
        return []
    return _parts(known[0], r"[._]") if len(known) == 1 else known[:2] if small == known else known


def _writings(parts: list[str]) -> Iterator[str]:
    """Yield patterns of the ways in which a name is written."""
    whole = r"[\s._-]{0,3}".join(map(_folded, parts))
    if len(parts) > 1:
        yield _bounded(f"(?i:{whole})", parts)
        first, last = parts[0], parts[-1]
        turned = rf"(?i:{_folded(last)},?[\s._-]{{1,2}}{_folded(first)})"
        yield _bounded(turned, parts)
        if len(last) >= 4 and last.lower() not in _words("words"):
            yield _bounded(f"(?i:{re.escape(first[0])}[._-]?{_folded(last)})", parts)
    pieces = [piece for part in parts for piece in {part, *part.split("-")}]
    for piece in pieces:
        bare = piece.strip(".'’")
        if (len(bare) >= 3 and bare.lower() not in _words("particles")) or _NO_SPACES.search(bare):
            yield _bounded(_alone(bare), [bare])


def _alone(name: str) -> str:
    """Return a pattern of one name: in any letters, or as names are written where it is a word."""
    if name.lower() in _words("words") or name.lower() in _words("teams"):
        return _folded(name[0].upper() + name[1:])
    return f"(?i:{_folded(name)})"


def _folded(name: str) -> str:
    """Return a pattern of a name with its accents, without, and with any apostrophe."""
    made = ""
    for char in unicodedata.normalize("NFC", name):
        plain = unicodedata.normalize("NFD", char)
        if len(plain) > 1 and plain[0].isalpha():
            also = "e?" if plain[1] == "\u0308" else ""
            made += f"(?:{re.escape(char)}|{re.escape(plain[0])}[\u0300-\u036f]*{also})"
        else:
            made += "['’ʼ`]?" if char in "'’ʼ`" else re.escape(char)
    return made


def _bounded(pattern: str, parts: list[str]) -> str:
    """Return a pattern that begins and ends with a word, in scripts that part words."""
    if any(map(_NO_SPACES.search, parts)):
        return pattern
    return rf"(?<![^\W_]){pattern}(?![^\W_])"
