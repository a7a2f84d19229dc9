"""Of whom something is said: a person, a thing, or the writer, as far as a sentence tells.

No grammar of English, but enough of one to keep quiet about “the check failed to connect” and
to hear “the engineer, under pressure, ignored the page”. The words are data (``language.toml``).
"""

from __future__ import annotations

import re
import tomllib
from enum import Enum
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

SENTENCE = re.compile(r"(?<=[.!?])[\"”’)]*\s+(?=[\"“(]?[A-Z0-9@])|\n+")
"""Ends a sentence; a line ends one too."""

JOINT = re.compile(
    r"[,;:()—–/\n.!?]|(?<=\s)-(?=\s)|\b(?:in case|and|but|or|because|that|which|when|while|so|"
    r"as|if|then|where|since|although|though|until|before|after|whereas|than|once|unless|whether|how|what|why)\b",
    re.IGNORECASE,
)
"""Ends a clause: what stands before it belongs to another subject."""

CARRIES = frozenset({"and", "but", "or", "then"})
"""Joins two verbs of one subject: “she saw the page and ignored it”."""

CONDITIONS = frozenset({"if", "unless", "whether", "in case"})
"""Begins what did not happen or is not known to: “if the team missed it, the second page comes”."""

DENIALS = frozenset({"no", "nothing", "none", "neither", "not"})
"""Say that it was not: “no step was skipped”."""

LEADS = (["lead", "to"], ["leads", "to"])
"""A verb, and nobody who leads: “which lead to the |failure to start”."""

PROSPECTS = re.compile(
    r"prevent(?:s|ing)?|avoid(?:s|ing)?|hard(?:er)?|easy|easier|difficult|(?:im)?possible"
)
"""Say what may be or is to be, not what was: “harder to change it |by mistake”."""

NOT = frozenset({"n't", "n’t"})

ANY = frozenset({"any", "anything", "every", "everything", "whatever", "whichever"})
"""Begins what is said of no one thing: “any step we skipped”."""

UNTOLD = re.compile(
    r"\b(?:(?:correctly|rightly|wisely|sensibly)\)?|"
    r"(?:may|might|could|would)(?: \w+ly)? have)\s+\Z",
    re.IGNORECASE,
)
"""Before a verb: right to (“(correctly) |ignored them”), or perhaps (“might have |ignored it”)."""

BUG = re.compile(
    r"\b(?:due to|because of) an? (?:[\w-]+ )?(?:bug|defect|race|glitch)\b", re.IGNORECASE
)
"""Names what did it, where nobody did: “due to a bug, the rows |were deleted”."""

STOP = re.compile(r"[.!?](?=[\s\"”’)*_]|\Z)|\n")
"""Where a sentence stops, and with what."""

RELATIVE = frozenset({"which", "that", "whether", "how", "what", "why", "where", "when", "than"})
"""Begins a clause whose subject is no person: “the page, which failed to load”."""

ADJECTIVE = re.compile(
    r"(?:missed|skipped|ignored|dropped)\s+(?!(?:the|an?|th(?:is|at|ese|ose)|it|its|them|his|her|our|"
    r"their|one|two|several|all|any|some|both|every|each)\b)",
    re.IGNORECASE,
)
"""“… and missed heartbeats”: no verb of the clause before."""

PRONOUNS = frozenset({"he", "she", "they"})
"""Stand for somebody who is named before: “Dan was on call. He did not open the laptop.”"""

BRACKETED = re.compile(r"[(\[<][^)\]>]*[)\]>]?")
"""What stands beside a name in its column: “Ana Souza (payments)”."""

WORD = re.compile(r"@?\w[\w’'.-]*\w|@?\w")
FARTHEST = 400
"""Characters before the words in which their subject is looked for: a sentence is seldom longer."""

LONGEST_PHRASE = 5
"""Words of a prepositional phrase at most: “of the new checkout service”."""


class Subject(Enum):
    """Of whom something is said."""

    SELF = "self"
    PERSON = "person"
    NAMED = "named"
    THING = "thing"


@cache
def data() -> dict[str, Any]:
    """Return ``language.toml``, read once."""
    return tomllib.loads(files("postmortem_nb").joinpath("language.toml").read_text("utf-8"))


def of(prose: str, at: int, people: frozenset[str] = frozenset()) -> Subject:
    """Return the subject of the words at an offset.

    The head of the nearest clause decides: its last word, once adverbs, auxiliaries and
    prepositional phrases are left out. A clause without a subject takes that of the clause it is
    joined to; what stands between commas or in brackets is passed over. Behind a preposition no
    verb stands: “looking for |misconfigured devices” is of things.
    """
    words = prose[at : at + 60]
    *before, (joint, tokens) = _clauses(_told(prose, at))
    beside = bool(tokens) and tokens[-1].lower() in _words("prepositions")
    if beside or joint in CONDITIONS or _generic(joint, tokens):
        return Subject.THING
    related = tokens[:1] in (["who"], ["Who"])
    heads = [] if related else _antecedent(tokens) or _strip(tokens)
    if heads and heads[-1].lower() in PRONOUNS:
        return _meant(heads[-1].lower(), prose, at, people)
    if heads:
        return _kind(heads, words, people)
    if joint in RELATIVE:
        return Subject.THING
    return _joined(before, words, people, carried=related or joint in CARRIES)


def _generic(joint: str, tokens: list[str]) -> bool:
    """Return whether a clause only says which: “what you missed”, “anyone who liked it”.

    “You” is a person where it is told of: “you skipped it”, not “a sign you skipped it”.
    """
    words = [token.lower() for token in _strip(tokens)]
    if {"anyone", "anybody"} & {*words[-1:], *_antecedent(words)[-1:]}:
        return True
    if words[-1:] == ["you"]:
        return len(words) > 1 or joint in RELATIVE
    return bool(words[-1:]) and words[-1] in _words("selves") and bool(ANY & {*words[-3:-1]})


def _joined(
    before: list[tuple[str, list[str]]], words: str, people: frozenset[str], *, carried: bool
) -> Subject:
    """Return the subject that a clause without one takes from those before it."""
    for earlier, others in reversed(before):
        if earlier == "(" or _aside(others):
            carried = True
        elif carried and earlier not in CONDITIONS and not ADJECTIVE.match(words):
            return _first(others, words, people)
        else:
            return Subject.THING
    return Subject.THING


def doer(prose: str, at: int, people: frozenset[str] = frozenset()) -> Subject:
    """Return who did what the words at an offset say how: “the lead signed off |without a look”.

    A clause's first noun phrase, if a verb follows it; its object may stand before the words.
    """
    joint, tokens = _clauses(_told(prose, at))[-1]
    if joint in CONDITIONS:
        return Subject.THING
    for place, verb in enumerate(tokens[1 : LONGEST_PHRASE + 1]):
        kind = _kind(tokens[: place + 1], verb, people)
        if kind is not Subject.THING and _past().fullmatch(verb):
            return kind
    return Subject.THING


def told(prose: str, start: int, end: int) -> bool:
    """Return whether words tell what happened: neither asked, nor on a condition, nor denied."""
    *before, (joint, tokens) = _clauses(_told(prose, start))
    while joint == "or" and before:
        *before, (joint, earlier) = before
        tokens = earlier + tokens
    denied = any(token.lower() in DENIALS or token[-3:] in NOT for token in tokens)
    stop = STOP.search(prose, end, end + FARTHEST)
    asked = stop is not None and stop.group().startswith("?")
    return not (joint in CONDITIONS or denied or asked)


def prospective(prose: str, at: int) -> bool:
    """Return whether a clause tells what may be or is to be: “harder to change it |by mistake”."""
    _, tokens = _clauses(_told(prose, at))[-1]
    return any(PROSPECTS.fullmatch(token.lower()) for token in tokens)


def explained(prose: str, at: int) -> bool:
    """Return whether the sentence says which things it follows from: “it hung, so nobody |saw”."""
    sentence = _told(prose, at)
    if BUG.search(sentence):
        return True
    *before, (joint, _) = _clauses(sentence)
    earlier = [tokens for _, tokens in before if tokens]
    people = any(_first(tokens, "", frozenset()) is not Subject.THING for tokens in earlier)
    return joint == "so" and bool(earlier) and not people


def untold(prose: str, at: int) -> bool:
    """Return whether the words before say that what follows was right, or only may have been."""
    return UNTOLD.search(prose, max(0, at - 40), at) is not None


def _told(prose: str, at: int, *, before: int = 0) -> str:
    """Return a sentence up to an offset, with so many sentences before it."""
    told = prose[max(0, at - FARTHEST) : at]
    starts = [0, *(match.end() for match in SENTENCE.finditer(told))]
    return told[starts[max(0, len(starts) - 1 - before)] :]


def _meant(pronoun: str, prose: str, at: int, people: frozenset[str]) -> Subject:
    """Return for whom a pronoun stands, as its sentence and the one before tell.

    “They” are people where those begin with people and hold no plural of things: not in “Priya
    restarted the brokers. They failed.”
    """
    words, told = prose[at : at + 60], _told(prose, at, before=1)
    if pronoun != "they":
        known = any(named(token.strip(".'’"), people) for token in WORD.findall(told))
        return Subject.NAMED if known else Subject.PERSON
    plain = _kind([pronoun], words, people)
    if plain is not Subject.THING or _machines().match(words):
        return plain
    clauses = [tokens for _, tokens in _clauses(told[: told.lower().rindex(pronoun)]) if tokens]
    begun = _first(clauses[0], "", people) if clauses else Subject.THING
    things = any(_plural(token.lower()) for tokens in clauses for token in tokens)
    return Subject.PERSON if begun in {Subject.PERSON, Subject.NAMED} and not things else plain


def _plural(word: str) -> bool:
    """Return whether a word may stand for several things."""
    plural = len(word) > 3 and word.endswith("s") and word[-2] not in "sui'’"
    return plural and word not in _words("roles")


@cache
def _words(name: str) -> frozenset[str]:
    """Return one list of words."""
    return frozenset(data()["subjects"][name])


@cache
def _minds() -> re.Pattern[str]:
    """Return what only people do."""
    return re.compile(rf"\b(?:{data()['subjects']['minds']})", re.IGNORECASE)


@cache
def _machines() -> re.Pattern[str]:
    """Return what only programs do."""
    return re.compile(rf"(?:\w+ ){{0,3}}(?:{data()['subjects']['machines']})", re.IGNORECASE)


@cache
def _past() -> re.Pattern[str]:
    """Return the verbs that make who stands before them the one who did it."""
    return re.compile(data()["subjects"]["past"], re.IGNORECASE)


def _clauses(before: str) -> list[tuple[str, list[str]]]:
    """Return the clauses of a sentence up to here, each with what joins it to the one before."""
    joints = list(JOINT.finditer(before))
    starts = [0, *(joint.end() for joint in joints)]
    ends = [*(joint.start() for joint in joints), len(before)]
    marks = ["", *(joint.group().lower() for joint in joints)]
    return [
        (mark, WORD.findall(before[start:end]))
        for mark, start, end in zip(marks, starts, ends, strict=True)
    ]


def _aside(tokens: list[str]) -> bool:
    """Return whether a clause only comments: adverbs, a prepositional phrase, a relative clause."""
    passing = _words("prepositions") | {"who", "whose"}
    return (bool(tokens) and tokens[0].lower() in passing) or not _strip(tokens)


def _antecedent(tokens: list[str]) -> list[str]:
    """Return the words before “who”: of them the clause speaks, whatever it tells in between."""
    places = [place for place, token in enumerate(tokens) if token.lower() == "who" and place]
    return tokens[: places[-1]] if places else []


def _strip(tokens: list[str]) -> list[str]:
    """Return a clause's words up to the head of its last noun phrase."""
    left = list(tokens)
    while left:
        if _adverb(left[-1].lower()):
            left.pop()
            continue
        places = [
            place for place, token in enumerate(left) if token.lower() in _words("prepositions")
        ]
        place = places[-1] if places else 0
        part = (
            place
            and left[place].lower() == "of"
            and left[place - 1].lower() in _words("quantities")
        )
        leads = place and [token.lower() for token in left[place - 1 : place + 1]] in LEADS
        if not place or part or leads or len(left) - place > LONGEST_PHRASE:
            return left
        left = left[:place]
    return left


def _adverb(word: str) -> bool:
    """Return whether a word stands beside a verb and heads nothing."""
    adverb = word.endswith("ly") and len(word) > 4 and word not in _words("nouns_in_ly")
    return adverb or word in _words("auxiliaries")


def _first(tokens: list[str], words: str, people: frozenset[str]) -> Subject:
    """Return what the first noun phrase of a clause is about: its words before a preposition."""
    for place, token in enumerate(tokens[:LONGEST_PHRASE]):
        if token.lower() in _words("prepositions"):
            break
        kind = _kind(tokens[: place + 1], words, people)
        if kind is not Subject.THING:
            return kind
    return Subject.THING


def _kind(tokens: list[str], words: str, people: frozenset[str]) -> Subject:
    """Return what the last of these words stands for."""
    token = tokens[-1].strip(".'’")
    lower, beside = token.lower(), tokens[-2].lower() if len(tokens) > 1 else ""
    if named(token, people):
        return Subject.NAMED
    if lower in _words("selves"):
        return Subject.SELF
    sure = lower in _words("pronouns") | _words("roles") or (lower, beside) == ("one", "no")
    program = _machines().match(words)
    perhaps = lower in _words("perhaps") and _minds().search(words[:40]) and not program
    doubtful = lower in _words("doubtful") and (not beside or beside in _words("beside"))
    likely = doubtful and not program
    return Subject.PERSON if sure or perhaps or likely else Subject.THING


def named(word: str, people: frozenset[str]) -> bool:
    """Return whether a word is an @handle or one of the names that the incident knows."""
    return word.startswith("@") or word in people


def names(people: Iterable[str]) -> frozenset[str]:
    """Return the names of people, and each of their parts, as they are written.

    Columns of people hold teams and roles too (“Payments team”): those are nobody's name, or
    every “team” and every “Payments” in the text would be somebody.
    """
    return _names(tuple(people))


@lru_cache(maxsize=64)
def _names(people: tuple[str, ...]) -> frozenset[str]:
    return frozenset(part for name in people for part in _parts(name.strip()))


def _parts(name: str) -> list[str]:
    """Return a name and its parts; nothing of the name of a team or a role."""
    whole = BRACKETED.sub("", name).strip()
    parts = [part for part in re.split(r"[\s,;/]+", whole) if part]
    nobody = _nobody()
    known = [part for part in parts if part.lower().strip(".") not in nobody]
    if len(known) < len(parts) and len(known) < 2:
        return []
    small = whole == whole.lower()
    own = [part for part in known if small or not part[0].islower()]
    return [name, *(part for part in own if len(part) > 2 or not part.isascii())] if name else []


@cache
def _nobody() -> frozenset[str]:
    """Return the words of teams, tools, titles and roles, which are no part of a name."""
    shipped = files("postmortem_nb").joinpath("people.toml").read_text("utf-8")
    lists = tomllib.loads(shipped)
    return frozenset(f"{lists['titles']} {lists['teams']}".split()) | _words("roles")
