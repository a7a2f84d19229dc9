"""Secrets found by their shape and masked: keys, tokens, passwords, cookies, card numbers.

Every edition of a document passes here, the internal one too; the stored data never changes.
Rules are data (`secrets.toml`): words that gate a rule and the pattern that finds the secret. What
only looks like one stays: trace ids, UUIDs, digests, timestamps, addresses of hosts.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = 6
"""Characters of the shortest text that can hold a secret with what gives it away."""

REMEMBERED = 2_000
"""Characters of a text up to which what was found in it is remembered."""

CARD = "card number"
ACCOUNT = "bank account number"

_DIGITS = re.compile(r"(?<![\w.+/=-])\d(?:[ -]?\d){12,18}(?![\w/=-]|\.\d)")
_GROUPS = re.compile(r"\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5}")
_NUMBERED = re.compile(
    r"(?:id|ids|trace|span|ts|time|timestamp|offset|seq|sequence|order|nanos|number|count|bytes"
    r"|version|build|duration|ns|us|ms)[\"'\\]{0,3}\s{0,2}[:=#]?\s{0,2}[\"'\\\[]{0,3}$",
    re.IGNORECASE,
)
_ISSUERS = re.compile(
    r"4\d{15}$|5[1-5]\d{14}$|2(?:2[2-9]|[3-6]\d|7[01])\d{13}$|2720\d{12}$"
    r"|3[47]\d{13}$|6(?:011|5\d\d)\d{12}$|6(?:4[4-9]\d)\d{12}$|3(?:0[0-5]|[68]\d)\d{11}$"
    r"|35(?:2[89]|[3-8]\d)\d{12}$"
)
"""First digits and lengths that card issuers use: Visa, Mastercard, American Express, Discover,
Diners Club, JCB."""

_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of secret: words of which one must be in the text, and the pattern."""

    kind: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Found:
    """A secret in a text: what kind, and from where to where."""

    kind: str
    start: int
    end: int


@dataclass(slots=True)
class Removed:
    """What was taken out of a document, by kind and place; a text read twice counts once."""

    seen: set[tuple[str, str, str]] = field(default_factory=set)

    def note(self, kind: str, where: str, what: str) -> None:
        """Note one removal; of what was removed only a digest is kept."""
        digest = hashlib.sha256(what.encode("utf-8", "replace")).hexdigest()
        self.seen.add((where, kind, digest))

    def total(self) -> int:
        """Return how many removals there were."""
        return len(self.seen)

    def lines(self) -> list[str]:
        """Return one line for each place and kind, in their order of names; never the secret."""
        counts = Counter((where, kind) for where, kind, _ in self.seen)
        return [
            f"{where}: {count} × {kind}" if where else f"{count} × {kind}"
            for (where, kind), count in sorted(counts.items())
        ]


@cache
def _stored() -> str:
    return resources.files("postmortem_nb").joinpath("secrets.toml").read_text("utf-8")


@cache
def edition() -> str:
    """Return what names this state of the rules: with other rules, other things are masked."""
    return hashlib.sha256(_stored().encode()).hexdigest()


@cache
def rules() -> tuple[Rule, ...]:
    """Return the shipped rules; read and compiled once."""
    return tuple(
        Rule(each["kind"], tuple(each["words"]), re.compile(each["pattern"]))
        for each in tomllib.loads(_stored())["rule"]
    )


def mask(text: str, removed: Removed | None = None, where: str = "") -> str:
    """Return a text with each secret replaced by ``[masked: its kind]``."""
    parts: list[str] = []
    place = 0
    for found in find(text):
        parts += [text[place : found.start], f"[masked: {found.kind}]"]
        place = found.end
        if removed is not None:
            removed.note(found.kind, where, text[found.start : found.end])
    return "".join((*parts, text[place:])) if parts else text


def find(text: str) -> list[Found]:
    """Return the secrets of a text in order, none overlapping another."""
    if len(text) < SHORTEST:
        return []
    return list(_found_again(text)) if len(text) < REMEMBERED else _found(text)


@lru_cache(maxsize=8192)
def _found_again(text: str) -> tuple[Found, ...]:
    """Return the secrets of a short text; a document reads the same one many times."""
    return tuple(_found(text))


def _found(text: str) -> list[Found]:
    lowered = text.lower()
    found = [
        each
        for rule in rules()
        if any(word in lowered for word in rule.words)
        for each in _matches(rule, text)
    ]
    found += _cards(text)
    found += _accounts(text)
    marks = [match.span() for match in _marks().finditer(text)] if "[masked: " in text else []
    return _apart([each for each in found if not _touches(each, marks)])


@cache
def _marks() -> re.Pattern[str]:
    """Return what our own marks look like: only the kinds that there are."""
    kinds = {rule.kind for rule in rules()} | {CARD, ACCOUNT}
    return re.compile(rf"\[masked: (?:{'|'.join(map(re.escape, sorted(kinds)))})\]")


def _touches(found: Found, marks: list[tuple[int, int]]) -> bool:
    return any(found.start < end and start < found.end for start, end in marks)


def _matches(rule: Rule, text: str) -> Iterator[Found]:
    for match in rule.pattern.finditer(text):
        groups = [name for name, value in match.groupdict().items() if value]
        for name in groups or (0,):
            start, end = match.span(name)
            yield Found(rule.kind, start, end)


def _apart(found: list[Found]) -> list[Found]:
    """Return found secrets sorted; where two overlap they are one, named after the first rule."""
    kept: list[Found] = []
    for each in sorted(found, key=lambda item: item.start):
        if kept and each.start < kept[-1].end:
            last = kept[-1]
            kept[-1] = Found(last.kind, last.start, max(last.end, each.end))
        else:
            kept.append(each)
    return kept


def _cards(text: str) -> Iterator[Found]:
    """Yield card numbers: an issuer's prefix, a true check digit, and no name of a number before.

    One in 18 trace ids has a true check digit; hardly any has the issuer's prefix and length too.
    """
    for match in _DIGITS.finditer(text):
        shown = match[0]
        digits = shown.replace(" ", "").replace("-", "")
        grouped = digits != shown
        if grouped and not _GROUPS.fullmatch(shown):
            continue
        if not _ISSUERS.match(digits) or not luhn(digits):
            continue
        if grouped or not _NUMBERED.search(text, max(0, match.start() - 24), match.start()):
            yield Found(CARD, match.start(), match.end())


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    total = sum(map(int, digits[-1::-2])) + sum(each - 9 if each > 9 else each for each in doubled)
    return total % 10 == 0


def _accounts(text: str) -> Iterator[Found]:
    """Yield IBANs whose check digits are true (ISO 13616, remainder 1 by 97)."""
    for match in _IBAN.finditer(text):
        plain = match[0].replace(" ", "")
        if 15 <= len(plain) <= 34:
            turned = plain[4:] + plain[:4]
            if int("".join(str(int(char, 36)) for char in turned)) % 97 == 1:
                yield Found(ACCOUNT, match.start(), match.end())
