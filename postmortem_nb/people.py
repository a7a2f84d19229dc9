"""Who the people of an incident are: whom the dataset names in a column of people.

The public edition names nobody. What people write around a name is no part of it: signs and marks,
pronouns, a role, an address, a description. Teams, roles, monitors and services stand in those
columns too and are nobody. How a name is found in prose is in `spellings`; somebody whom no column
names is found by what only people do or are (`strangers`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from postmortem_nb.checks.case import PEOPLE
from postmortem_nb.folding import plain_signs
from postmortem_nb.spellings import Name, Names
from postmortem_nb.strangers import DID, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SENTENCES = frozenset({"detected_by", "approval", "escalated_to", "confirmed"})
"""Columns of people in which they write sentences, so that a name is what is written as one."""

COLUMNS = frozenset({name for _, name in PEOPLE} | {"owner"} | SENTENCES)
"""Columns that name people, whatever table they are in."""

SHORT = 5
"""Words of the longest text that is a name with what stands beside it; a longer one tells of it."""

LIST = 12
"""Words of the longest text that may hold names in small letters."""

OF_THINGS = frozenset({"owner", "area"})
"""Columns beside which ``name`` is a thing's: a monitor has an owner, a factor an area."""

_LINK = re.compile(
    r"\b(?:[a-z][a-z+.-]*://|(?=(?:[\w-]+\.)+(?:com|org|net|io|dev)/))([^\s<>()\[\]|\"]*)",
    re.IGNORECASE,
)
_PROFILE = re.compile(
    r"(?:^(?:www\.)?(?:github|gitlab)\.com/|/(?:in|users?|people|profiles?)/|/[~@])([\w.-]+)/?$"
)
"""The address of somebody's page, and how they are called there."""

_AT = re.compile(r"\s?[(\[]at[)\]]\s?", re.IGNORECASE)
_EMOJI = re.compile(r":[a-z][a-z0-9_+-]*:")
_ADDRESS = re.compile(r"([^\s@<>()\[\]|:;,/]+)@[\w.-]+|(?<![\w@])@([\w.-]+)")
_TITLE = re.compile(r"[\"“„«](?=[^\"“”„«»]*\s)[^\"“”„«»]*[\"”“»]")
"""Several words in quotation marks: beside a tool, what a monitor or a dashboard is called."""

_TOOL = re.compile(
    r"\b(?:monitor|alert|alarm|check|test|dashboard|panel|page|slo|synthetic|rule|query)s?\b",
    re.IGNORECASE,
)
_APART = re.compile(
    r"[,;/&\n()\[\]{}:|–—=+~<>…!?→⇒➜]|\s-\s|\s#\S*|(?<=\w{3})\.\s+(?=\w{3})|\s(?:and|or|then|with)\s"
)
_SINGLE = re.compile(r"[._]|(?<=[a-z]{3})(?=[A-Z][a-z]{2})")
_HANDLE = re.compile(r"[._+-]|(?<=[a-z]{3})(?=[A-Z][a-z]{2})")
_OF = frozenset({"from", "of", "at", "in", "on", "for", "who"})
_DID = re.compile(DID)


def people(tables: Iterable[Iterable[Mapping[str, object]]]) -> Names | None:
    """Return the people that rows name in a column of people; None for nobody."""
    rows = [row for table in tables for row in table]
    services = {str(name).lower() for row in rows for name in _several(row.get("services"))}
    found = {
        name
        for row in rows
        for column in _columns(row)
        for name in _named(row[column], sentence=column in SENTENCES)
        if len(name.parts) > 1 or name.parts[0].lower() not in services
    }
    return Names(found) if found else None


def _columns(row: Mapping[str, object]) -> frozenset[str]:
    """Return the columns of a row that name people."""
    found = COLUMNS & set(row)
    return found - {"name"} if OF_THINGS & set(row) else found


def _named(value: object, *, sentence: bool) -> Iterator[Name]:
    """Yield each person's name in a value of a column of people."""
    for each in _several(value):
        said = _EMOJI.sub(" ", _AT.sub("@", plain_signs(str(each))))
        handles = [
            match[1] for link in _LINK.finditer(said) for match in _PROFILE.finditer(link[1])
        ]
        said = _LINK.sub(" , ", said).replace("mailto:", " ")
        handles += [match[1] or match[2] for match in _ADDRESS.finditer(said)]
        said = _ADDRESS.sub(" , ", said)
        said = _TITLE.sub(" ", said) if _TOOL.search(said) else said
        small = not sentence and len(said.split()) <= LIST
        found = [name for piece in _APART.split(said) for name in _of_piece(piece, small=small)]
        yield from (name for name in [*found, *map(_of_handle, handles)] if name.parts)


def _several(value: object) -> list[object]:
    return value if isinstance(value, list) else [value or ""]


def _of_handle(handle: str) -> Name:
    """Return the name that an address or a handle is made of; none for a team's."""
    parts = [_ends(part) for part in _HANDLE.split(handle) if len(part) > 1]
    known = [part for part in parts if not _is_plain(part)]
    return Name(tuple(known) if len(known) == len(parts) or len(known) > 1 else ())


def _ends(token: str) -> str:
    """Return a word without the signs around it, the possessive and a number at its end."""
    bare = re.sub(r"'s?$", "", token.strip("-'._"))
    return re.sub(r"(?<=[^\W\d_]{3})\d+$|^\d+(?=[^\W\d_]{3})", "", bare)


def _tokens(piece: str) -> list[str]:
    """Return the words of a piece of text, without the signs around and between them."""
    plain = "".join(char if _is_letter(char) else " " for char in piece)
    return [token for token in map(_ends, plain.split()) if any(map(str.isalpha, token))]


def _is_letter(char: str) -> bool:
    category = unicodedata.category(char)
    return char in "-'._" or category[0] in "LM" or category == "Nd"


def _of_piece(piece: str, *, small: bool) -> Iterator[Name]:
    """Yield the names in a piece of text: one in a short one, those told of in a sentence.

    ``small`` says that a name may be written in small letters.
    """
    tokens = _tokens(piece)
    tokens = _before(tokens) if small else tokens
    whole = all(token[0].isupper() or token in words("particles") for token in tokens)
    parts = _person(tokens, small=small) if whole or len(tokens) <= SHORT else []
    if parts:
        yield Name(tuple(parts))
    elif small and len(tokens) <= SHORT:
        yield Name(tuple(_one(tokens)), sure=False)
    else:
        yield from _told_of(tokens)


def _one(tokens: list[str]) -> list[str]:
    """Return the one name among small words: “ask Dana”, “dana Hill”; none beside a team's."""
    if any(map(_is_team, tokens)):
        return []
    names = [token for token in tokens if token[0].isupper() and not _is_plain(token)]
    if len(names) != 1:
        return []
    return tokens if len(tokens) == 2 and not any(map(_is_plain, tokens)) else names


def _before(tokens: list[str]) -> list[str]:
    """Return the words before those that say from where or of what somebody is: “Dana from …”."""
    place = next((place for place, token in enumerate(tokens) if token in _OF and place), 0)
    if not place or (place == 1 and tokens[0][0].islower()):
        return tokens
    return tokens[:place]


def _person(tokens: list[str], *, small: bool) -> list[str]:
    """Return the parts of the name in a few words; nothing where they name a team or a tool."""
    tokens = [token for token in tokens if token.lower() not in words("titles")]
    known = [
        token for token in tokens if not _is_team(token) and token.lower() not in words("plain")
    ]
    lower = [token for token in known if token[0].islower()]
    names = [token for token in known if token not in lower or token in words("particles")]
    if len(names) < len(tokens) and (names or len(tokens) != len(known)):
        # "Ana Souza support" is somebody; "Checkout support", "Seen in the shop" are not
        return names if len(names) >= 2 and (small or not _opens(names)) else []
    if not small and (lower == known or _opens(names)):
        return []
    if lower == known and len(known) > 3:
        return []
    return _split(known[0]) if len(known) == 1 else known[:2] if lower == known else known


def _opens(names: list[str]) -> bool:
    """Whether words with capitals begin a sentence or are a day: “A customer”, “Black Friday”."""
    openings = words("openings") - words("words")
    return any(len(name) == 1 or name.lower() in openings for name in (names[0], names[-1]))


def _is_team(token: str) -> bool:
    """Whether a word is of a team's name or a tool's; of several joined ones, whether one is."""
    return any(piece.lower() in words("teams") for piece in {token, *token.split("-")})


def _split(said: str) -> list[str]:
    return [part for part in _SINGLE.split(said) if len(part) > 1]


def _told_of(tokens: list[str]) -> Iterator[Name]:
    """Yield the names that a sentence tells of: words with capitals side by side, or who did it."""
    run: list[str] = []
    for place, token in enumerate([*tokens, ""]):
        if (token[:1].isupper() and not _is_plain(token)) or (run and token in words("particles")):
            run.append(token)
            continue
        before = tokens[place - len(run) - 1].lower() if place > len(run) else ""
        did = _DID.match(" ".join(tokens[place:])) or token in ("from", "who")
        if len(run) > 1 or (run and (did or before == "by")):
            yield Name(tuple(run), sure=False)
        run = []


def _is_plain(token: str) -> bool:
    """Whether a word with a capital is nobody's name: a team's, a title, how a sentence begins."""
    lowered = token.lower()
    return _is_team(token) or any(
        lowered in words(kind) for kind in ("titles", "openings", "plain")
    )
