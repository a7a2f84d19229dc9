"""Blameless language: which words of a text judge people, why, and what to write instead.

The rules are data (``language.toml``). Precision is what makes people keep a reviewer on, so a text
is read with care: quotes, code, addresses, headings and log lines are not the writer's words, and
most words are only about people when a person is their subject (`subject`).

A sentence marked ``(blameless: ok <reason>)`` is left alone; without a reason it is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from postmortem_nb import subjects
from postmortem_nb.subjects import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FILLER = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands for each character that is not read: offsets stay, and it is no word."""

NOT_READ = (
    re.compile(r"^(?P<f>```+|~~~+).*?(?:^(?P=f)[`~]*\s*$|\Z)", re.MULTILINE | re.DOTALL),
    re.compile(r"`[^`\n]+`"),
    re.compile(r"^[ \t]*>.*$", re.MULTILINE),
    re.compile(r"^[ \t]*#{1,6} .*$", re.MULTILINE),
    re.compile(r"^[ \t]*[-*]?[ \t]*\*\*[^*\n]{1,60}\*\*:?", re.MULTILINE),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s)>\]]+|\bwww\.[^\s)>\]]+", re.IGNORECASE),
    re.compile(
        r"(?<![\w\"])\"[^\"\n]{1,400}\"(?!\w)|“[^”\n]{1,400}”|«[^»\n]{1,400}»|„[^“”\n]{1,400}[“”]"
    ),
    re.compile(r"(?<!\w)['‘][^'’\n]{2,300}['’](?!\w)"),
    re.compile(
        r"^\s*(?:\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d\S*\s+)?.{0,40}?"
        r"\b(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|CRITICAL|TRACE|NOTICE)\b[\]:\s|].*$",
        re.MULTILINE,
    ),
    re.compile(r"^\s*(?:Traceback \(most recent|at [\w.$<>]+\(|File \").*$", re.MULTILINE),
    re.compile(r"^\s*[{\[].*[}\]],?\s*$", re.MULTILINE),
    re.compile(r"(?<!\S)[\w.@-]+=(?:\S+)"),
    re.compile(r"(?<!\S)(?:/[\w.@-]+){2,}/?"),
)
"""What is not the writer's own prose: fences, code, quotes, headings, labels, addresses, logs."""

MARK = re.compile(r"\(blameless:\s*ok\b[ :,–-]*(?P<reason>[^)\n]{0,200})\)", re.IGNORECASE)


class Setting(Enum):
    """What kind of text a blank holds: decides which rules read it."""

    NARRATIVE = "narrative"
    CAUSES = "causes"
    PLAIN = "plain"
    ACTIONS = "actions"
    OFF = "off"


FITS: dict[str, frozenset[Subject]] = {
    "anyone": frozenset(Subject),
    "person": frozenset({Subject.SELF, Subject.PERSON, Subject.NAMED}),
    "others": frozenset({Subject.PERSON, Subject.NAMED}),
    "named": frozenset({Subject.NAMED}),
    "exact": frozenset(Subject),
}
"""Key of a rule's patterns → the subjects of which they speak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: ``hint`` only asks for a second look; ``partial`` needs an incomplete outage."""

    id: str
    title: str
    reason: str
    instead: tuple[str, str]
    source: str
    settings: frozenset[Setting]
    patterns: tuple[tuple[re.Pattern[str], frozenset[Subject]], ...]
    hint: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """Words that a rule flags, with their offsets in the text as it was given."""

    rule: Rule
    start: int
    end: int
    words: str


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule of ``language.toml``, read once."""
    data = subjects.data()
    words = {f"<{name}>": f"(?:{'|'.join(ways)})" for name, ways in data["words"].items()}
    return tuple(_rule(entry, words) for entry in data["rules"])


def read(
    text: str,
    *,
    setting: Setting = Setting.NARRATIVE,
    people: Iterable[str] = (),
    complete: bool | None = None,
) -> list[Flag]:
    """Return what the rules flag, in the order of the text; one flag for words that several flag.

    Parameters
    ----------
    text
        Prose or Markdown, as written.
    setting
        What kind of text it is; in `Setting.OFF` nothing is flagged.
    people
        Names that the incident knows; a first or last name alone is known too.
    complete
        Whether the incident was a complete outage; ``None``: unknown, and nothing is overstated.

    """
    return list(_read(text, setting, subjects.names(people), complete))


@lru_cache(maxsize=4096)
def _read(
    text: str,
    setting: Setting,
    known: frozenset[str],
    complete: bool | None,  # noqa: FBT001 - a key
) -> tuple[Flag, ...]:
    """Return the flags of a text; remembered, as a form asks again after every edit."""
    prose = mask(text)
    flags = [
        flag
        for rule in rules()
        if setting in rule.settings and not (rule.partial and complete is not False)
        for flag in _flags(rule, prose, text, known)
    ]
    kept = _without(flags, _pardoned(text))
    return tuple(_apart(sorted(kept, key=lambda flag: (flag.start, flag.rule.hint, -flag.end))))


def mask(text: str) -> str:
    """Return the text at the same length, with what is not the writer's prose taken out."""
    for pattern in (*NOT_READ, MARK):
        text = pattern.sub(_fill, text)
    return text


def _rule(entry: dict[str, Any], words: dict[str, str]) -> Rule:
    """Return one rule with its patterns compiled."""
    patterns = [
        (_compiled(way, words, exact=key == "exact"), of)
        for key, of in FITS.items()
        for way in entry.get(key, ())
    ]
    return Rule(
        id=entry["id"],
        title=entry["title"],
        reason=entry["reason"],
        instead=tuple(entry["instead"]),
        source=entry["source"],
        settings=frozenset(Setting(name) for name in entry["settings"]),
        patterns=tuple(patterns),
        hint=entry.get("hint", False),
        partial=entry.get("partial", False),
    )


def _compiled(way: str, words: dict[str, str], *, exact: bool) -> re.Pattern[str]:
    """Return a way of saying it as a pattern, its word lists filled in."""
    for name, ways in words.items():
        way = way.replace(name, ways)
    if exact:
        return re.compile(way)
    return re.compile(rf"(?<![\w-])(?:{way})(?![\w-])", re.IGNORECASE)


def _flags(rule: Rule, prose: str, text: str, people: frozenset[str]) -> Iterator[Flag]:
    """Yield what one rule flags."""
    for pattern, of in rule.patterns:
        for match in pattern.finditer(prose):
            if len(of) == len(Subject) or subjects.of(prose, match.start(), people) in of:
                yield Flag(rule, match.start(), match.end(), text[match.start() : match.end()])


def _fill(match: re.Match[str]) -> str:
    """Return filler of the same length, lines kept."""
    return re.sub(r"[^\n]", FILLER, match.group())


def _pardoned(text: str) -> list[tuple[int, int]]:
    """Return the spans of sentences that carry a mark with a reason, within or right behind."""
    marks = list(MARK.finditer(text))
    ends = (match.end() for match in (*subjects.SENTENCE.finditer(text), *marks))
    cuts = sorted({0, len(text), *ends})
    spans = list(pairwise(cuts))
    pardoned = []
    for mark in (mark for mark in marks if mark["reason"].strip()):
        place = next(place for place, (_, end) in enumerate(spans) if mark.start() < end)
        behind = not text[spans[place][0] : mark.start()].strip()
        pardoned += spans[max(0, place - behind) : place + 1]
    return pardoned


def _without(flags: list[Flag], spans: list[tuple[int, int]]) -> list[Flag]:
    """Return the flags outside of the spans."""
    return [flag for flag in flags if not any(a <= flag.start < b for a, b in spans)]


def _apart(flags: list[Flag]) -> list[Flag]:
    """Return the flags without those that lie in another's words: one remark a place."""
    kept: list[Flag] = []
    for flag in flags:
        if not kept or flag.start >= kept[-1].end:
            kept.append(flag)
    return kept
