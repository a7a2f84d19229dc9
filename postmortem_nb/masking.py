"""Secrets found by their shape and masked: keys, tokens, passwords, cookies, card numbers.

Every edition of a document passes here, the internal one too; the stored data never changes.
Rules are data (`secrets.toml`): words that gate a rule and the pattern that finds the secret. What
only looks like one stays: trace ids, UUIDs, digests, timestamps, addresses of hosts.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from importlib import resources
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

SHORTEST = 6
"""Characters of the shortest text that can hold a secret with what gives it away."""

HEAD = 3
"""Characters by which the words that gate a rule are looked up."""

SHORT = ""
"""Where words that are shorter stand; they are looked for in every text."""

REMEMBERED = 2_000
"""Characters of a text up to which what was found in it is remembered."""

CARD = "card number"
ACCOUNT = "bank account number"
BROKEN = "token over two lines"

_BETWEEN = "[ .\u00a0\u2007\u2009\u202f-]"
_DIGITS = re.compile(rf"(?<![\w.+/-])\d(?:{_BETWEEN}?\d){{12,18}}(?![\w/=-]|\.\d)")
_GROUPS = re.compile(
    rf"\d{{4}}({_BETWEEN})\d{{4}}\1\d{{4}}\1\d{{1,7}}|\d{{4}}({_BETWEEN})\d{{6}}\2\d{{4,5}}"
)
_CARD = re.compile(
    r"(?<![A-Za-z])(?:[a-z]{1,9}_)?(?:card|pan|cc|credit|debit|visa|amex|mastercard)s?"
    r"[\w\"' .:=#\\-]{0,16}$",
    re.IGNORECASE,
)
"""What says that a number is a card's."""

_NUMBERED = re.compile(
    r"(?:(?<![A-Za-z])(?i:ids?|trace|span|ts|time|timestamp|offset|seq|sequence|order|nanos|number"
    r"|count|bytes|size|length|total|sum|limit|max|min|hash|seed|version|build|duration|ns|us|ms"
    r"|invoice|tracking|ref|reference|commit|revision|checksum|cursor|epoch|now|since|until|from|to"
    r"|(?:trace|span|parent|order|request|event|session|message|msg|transaction)id)"
    r"|(?<=[a-z])(?:Ids?|IDs?|Time|Timestamp|Offset|Seq|Number|Count|Bytes|Nanos|Ns|Us|Ms))"
    r"[\"'\\]{0,3}\s{0,2}[:=#]?\s{0,2}[\"'\\\[]{0,3}$"
)
"""What says that a number is another's: an id, a moment, a count."""

_ISSUERS = re.compile(
    r"4\d{15}$|5[1-5]\d{14}$|2(?:2[2-9]|[3-6]\d|7[01])\d{13}$|2720\d{12}$"
    r"|3[47]\d{13}$|6(?:011|5\d\d)\d{12}$|6(?:4[4-9]\d)\d{12}$|3(?:0[0-5]|[68]\d)\d{11}$"
    r"|35(?:2[89]|[3-8]\d)\d{12}$"
)
"""First digits and lengths that card issuers use: Visa, Mastercard, American Express, Discover,
Diners Club, JCB."""

_WRAPS = re.compile(r"(?<=[\w+/=-])\\?\r?\n[ \t]{0,8}(?=[\w+/=-])")
_SELF_NAMED = (
    *("akia", "asia", "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "xox", "sk_live_"),
    *("rk_live_", "sk_test_", "aiza", "sg.", "npm_", "pypi-", "hvs.", "sk-", "shpat_", "dop_v1_"),
)
_SELF_NAMED_TOKEN = re.compile(
    r"\b(?:A[KS]IA[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"
    r"|glpat-[\w-]{20}|xox[a-z]-\d{8,}-\d{8,}-[A-Za-z0-9-]{24}|[sr]k_(?:live|test)_[A-Za-z0-9]{24}"
    r"|AIza[\w-]{35}|SG\.[\w-]{22}\.[\w-]{43}|npm_[A-Za-z0-9]{36}|pypi-AgEI[\w-]{60,}"
    r"|hvs\.[\w-]{24}|sk-(?:proj|ant)-[\w-]{40}|shpat_[0-9a-f]{32}|dop_v1_[0-9a-f]{64})"
)
"""Tokens known by how they begin, and how long they are."""

_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")


@dataclass(frozen=True)
class Rule:
    """A kind of secret: words of which one must be in the text, and the pattern as written."""

    kind: str
    words: tuple[str, ...]
    written: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled when a text first needs it: most texts need few."""
        return re.compile(self.written)


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
    """Return the shipped rules; read once."""
    return tuple(
        Rule(each["kind"], tuple(each["words"]), each["pattern"])
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


_CUT = re.compile(r"(\S{6,200})…")
"""A word that was cut."""


@dataclass(frozen=True, slots=True)
class Known:
    """Secrets that some texts hold, to be found again where only they are left of those texts."""

    kinds: Mapping[str, str]
    """Each secret and what kind it is, the longest first."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Known:
        """Return the secrets of texts; what is too short to be told from a word is left out."""
        held: dict[str, str] = {}
        for text in texts:
            for each in find(text):
                held.setdefault(text[each.start : each.end], each.kind)
        longest = sorted((secret for secret in held if len(secret) >= SHORTEST), key=len)
        return cls({secret: held[secret] for secret in reversed(longest)})

    def mask(self, text: str) -> str:
        """Return a text masked, the known secrets too, whole or cut with ``…``."""
        for secret, kind in self.kinds.items():
            text = text.replace(secret, f"[masked: {kind}]")
        return mask(_CUT.sub(self._cut, text) if self.kinds and "…" in text else text)

    def _cut(self, match: re.Match[str]) -> str:
        """Return what was cut with the beginning of a secret at its end masked."""
        said = match[1]
        for start in range(len(said) - SHORTEST + 1):
            for secret, kind in self.kinds.items():
                if secret.startswith(said[start:]):
                    return f"{said[:start]}[masked: {kind}]…"
        return match[0]


def in_column(name: str, value: str, cover: Callable[[str], str]) -> str:
    """Return a value of a table covered as its column's name has it: ``password`` tells what is.

    A value that is covered by itself stays as ``cover`` leaves it.
    """
    named = f"{name}="
    shown = cover(named + value)
    return shown.removeprefix(named) if shown.startswith(named) else cover(value)


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
    found = [each for rule in _gated(lowered) for each in _matches(rule, text)]
    found += _cards(text)
    found += _accounts(text)
    found += _wrapped(text, lowered, found)
    marks = [match.span() for match in _marks().finditer(text)] if "[masked: " in text else []
    return _apart([each for each in found if not _touches(each, marks)])


def _gated(lowered: str) -> list[Rule]:
    """Return the rules of which a word is in a text, in their order."""
    begin, opens = _gates()
    held = {lowered[at : at + HEAD] for at in range(len(lowered) - HEAD + 1)} | {SHORT}
    words = (word for head in begin.keys() & held for word in begin[head] if word in lowered)
    return [rules()[number] for number in sorted({n for word in words for n in opens[word]})]


@cache
def _gates() -> tuple[dict[str, list[str]], dict[str, list[int]]]:
    """Return how words begin → the words of all rules, and word → the numbers of its rules.

    Most texts hold few beginnings, so few words are looked for; and nothing has to be compiled,
    which for one short text costs more than reading it.
    """
    opens: dict[str, list[int]] = {}
    for number, rule in enumerate(rules()):
        for word in rule.words:
            opens.setdefault(word, []).append(number)
    begin: dict[str, list[str]] = {}
    for word in opens:
        begin.setdefault(word[:HEAD] if len(word) >= HEAD else SHORT, []).append(word)
    return begin, opens


@cache
def _marks() -> re.Pattern[str]:
    """Return what our own marks look like, in Markdown too: only the kinds that there are."""
    kinds = {rule.kind for rule in rules()} | {CARD, ACCOUNT, BROKEN}
    return re.compile(rf"\\?\[masked: (?:{'|'.join(map(re.escape, sorted(kinds)))})\\?\]")


def _touches(found: Found, marks: list[tuple[int, int]]) -> bool:
    return any(found.start < end and start < found.end for start, end in marks)


def _matches(rule: Rule, text: str) -> Iterator[Found]:
    for match in rule.pattern.finditer(text):
        groups = [name for name, value in match.groupdict().items() if value]
        for name in groups or (0,):
            start, end = match.span(name)
            yield Found(rule.kind, start, end)


def _wrapped(text: str, lowered: str, known: list[Found]) -> Iterator[Found]:
    """Yield tokens that carry their own name and were broken over lines, by a terminal or a mail.

    Only what no rule found as it stands; the rest of a line beside a whole token is no part of it.
    """
    breaks = [match.span() for match in _WRAPS.finditer(text)] if "\n" in text else []
    if not breaks or not any(word in lowered for word in _SELF_NAMED):
        return
    spans = [each for each in known if "\n" not in text[each.start : each.end]]
    kept = [0, *(end for _, end in breaks)]
    until = [*(start for start, _ in breaks), len(text)]
    joined = "".join(text[start:end] for start, end in zip(kept, until, strict=True))
    shifts = list(accumulate((end - start for start, end in breaks), initial=0))
    seams = [start - shift for (start, _), shift in zip(breaks, shifts, strict=False)]
    for match in _SELF_NAMED_TOKEN.finditer(joined):
        start = match.start() + shifts[bisect_right(seams, match.start())]
        end = match.end() + shifts[bisect_left(seams, match.end())]
        if not any(each.start < end and start < each.end for each in spans):
            yield Found(BROKEN, start, end)


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
        digits = re.sub(r"\D", "", shown)
        grouped = digits != shown
        if grouped and not _GROUPS.fullmatch(shown):
            continue
        if not _ISSUERS.match(digits) or not luhn(digits):
            continue
        start = match.start()
        before = text[max(0, start - 28) : start]
        if grouped or _CARD.search(before) or not _NUMBERED.search(before):
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
