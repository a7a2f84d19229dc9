"""Blameless language: which words of a text judge people, why, and what to write instead.

The rules are data (``language.toml``). Precision is what makes people keep a reviewer on, so a text
is read with care: quotes, code, addresses, headings and log lines are not the writer's words, and
most words are only about people when a person is their subject (`subject`).

A sentence marked ``(blameless: ok <reason>)`` is left alone; without a reason it is not.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any, NamedTuple

from postmortem_nb import literals, subjects
from postmortem_nb.subjects import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FILLER = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands for each character that is not read: offsets stay, and it is no word."""

NOT_READ = (
    re.compile(r"^(?P<f>```+|~~~+).*?(?:^(?P=f)[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL),
    re.compile(r"`[^`\n]+`"),
    re.compile(r"^[ \t]*>.*$", re.MULTILINE),
    re.compile(r"^[ \t]*#{1,6} .*$", re.MULTILINE),
    re.compile(r"^[ \t]*(?:[-*][ \t]*)?\*\*[^*\n]{1,60}\*\*:?", re.MULTILINE),
    re.compile(r"<!--(?:(?!<!--).)*?-->", re.DOTALL),
    re.compile(
        r"<(?P<t>blockquote|pre|code)(?:\s[^<>]{0,200})?>(?:(?!<(?:blockquote|pre|code)\b).)*?</(?P=t)>",
        re.DOTALL | re.IGNORECASE,
    ),
    re.compile(
        r"!\[[^\]\n]{0,400}\](?:\([^)\n]{0,400}\))?|(?<=\])\([^()\s]{1,400}(?:\s\"[^\"\n]*\")?\)"
    ),
    re.compile(r"\b[a-z][a-z0-9+.-]{0,20}://[^\s)>\]]+|\bwww\.[^\s)>\]]+", re.IGNORECASE),
    re.compile(
        r"(?<![\w\"])\"[^\"\n]{1,400}\"(?!\w)|“[^”\n]{1,400}”|«[^»\n]{1,400}»|„[^“”\n]{1,400}[“”]"
    ),
    re.compile(r"(?<!\w)['‘][^'’\n]{2,300}['’](?!\w)"),
    re.compile(
        r"^[ \t]*(?:\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d\S*[ \t]+)?.{0,40}?"
        r"\b(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|CRITICAL|TRACE|NOTICE)\b[\]:\s|].*$",
        re.MULTILINE,
    ),
    re.compile(r"^[ \t]*(?:Traceback \(most recent|at [\w.$<>]+\(|File \").*$", re.MULTILINE),
    re.compile(r"^[ \t]*[{\[].*[}\]],?[ \t]*$", re.MULTILINE),
    re.compile(r"(?<!\S)[\w.@-]+=(?:\S+)"),
    re.compile(r"(?<!\S)(?:/[\w.@-]+){2,}/?"),
)
"""What is not the writer's own prose: fences, code, quotes, headings, pictures, addresses, logs."""

SOFT = re.compile(r"(?<=[\w,;’'\")]) ?\n(?=[ \t]*[a-z0-9(“\"])(?![ \t]*\d+[.)] )")
"""The end of a line inside a sentence: Markdown that was wrapped by hand."""

BLANKS = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")
"""Several blanks between two words, as where a wrapped line of a list is indented."""

WHO = r"(?P<who>@?\w[\w.-]{0,40}\w)"
"""Where a pattern has a name behind its words: ``caused by <WHO>``."""

LOWERED = str.maketrans(f"{ascii_uppercase}\N{MODIFIER LETTER APOSTROPHE}", f"{ascii_lowercase}’")
"""Lowers without a change of length: offsets stay. Two apostrophes become one."""

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
    "told": frozenset(Subject),
    "happened": frozenset(Subject),
    "person": frozenset({Subject.SELF, Subject.PERSON, Subject.NAMED}),
    "others": frozenset({Subject.PERSON, Subject.NAMED}),
    "named": frozenset({Subject.NAMED}),
    "doer": frozenset({Subject.PERSON, Subject.NAMED}),
    "exact": frozenset(Subject),
}
"""Key of a rule's patterns → the subjects of which they speak."""


class Way(NamedTuple):
    """One way of saying it, and of whom.

    ``key`` is the rule's key of its patterns, as `FITS` knows it. ``needs`` are texts of which
    every match holds one; empty where that is not known. ``excused``: silent where the sentence
    says what in the system explains it.
    """

    written: str
    of: frozenset[Subject]
    key: str
    needs: frozenset[str]
    excused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    ``hint`` only asks for a second look, and so it does of the subjects in ``softly``; ``once``
    flags the first place of a text only; ``partial`` needs an incomplete outage.
    """

    id: str
    title: str
    reason: str
    instead: tuple[str, str]
    source: str
    settings: frozenset[Setting]
    patterns: tuple[Way, ...]
    hint: bool = False
    softly: frozenset[Subject] = frozenset()
    once: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """Words that a rule flags, with their offsets in the text as it was given."""

    rule: Rule
    start: int
    end: int
    words: str
    hint: bool


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule of ``language.toml``, read once."""
    data = subjects.data()
    words = {f"<{name}>": f"(?:{'|'.join(ways)})" for name, ways in data["words"].items()}
    words["<WHO>"] = WHO
    needs = {name: literals.needed(pattern, {}) for name, pattern in words.items()}
    return tuple(_rule(entry, words, needs) for entry in data["rules"])


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
    prose, gaps = _squeezed(mask(text))
    lowered = prose.translate(LOWERED)
    flags = [
        _flag(rule, text, _back(start, gaps), _back(end, gaps), hint=hint)
        for rule in rules()
        if setting in rule.settings and not (rule.partial and complete is not False)
        for start, end, hint in _found(rule, prose, lowered, known)
    ]
    kept = _without(flags, _pardoned(text))
    return tuple(_apart(kept))


def mask(text: str) -> str:
    """Return the text at the same length, with what is not the writer's prose taken out."""
    for pattern in (*NOT_READ, MARK):
        text = pattern.sub(_fill, text)
    return SOFT.sub(lambda match: " " * len(match.group()), text)


def _squeezed(prose: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a text with one blank for several; from where on how many characters are gone."""
    gaps: list[tuple[int, int]] = []
    gone = 0
    for blanks in BLANKS.finditer(prose):
        gone += len(blanks.group()) - 1
        gaps.append((blanks.end() - gone, gone))
    return BLANKS.sub(" ", prose), gaps


def _back(at: int, gaps: list[tuple[int, int]]) -> int:
    """Return where an offset of a squeezed text is in the text as it was given."""
    place = bisect_right(gaps, at, key=lambda gap: gap[0]) - 1
    return at + gaps[place][1] if place >= 0 else at


def _rule(entry: dict[str, Any], words: dict[str, str], needs: dict[str, frozenset[str]]) -> Rule:
    """Return one rule; a pattern is compiled when a text first holds what it needs."""
    patterns = [
        Way(
            _filled(way, words, exact=key == "exact"),
            of,
            key,
            literals.needed(way, needs),
            "<EXPLAINED>" in way,
        )
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
        softly=frozenset(Subject(name) for name in entry.get("softly", ())),
        once=entry.get("once", False),
        partial=entry.get("partial", False),
    )


def _filled(way: str, words: dict[str, str], *, exact: bool) -> str:
    """Return a way of saying it as a pattern, its word lists filled in."""
    for name, ways in words.items():
        way = way.replace(name, ways)
    return way if exact else rf"(?:{way})(?![\w-])"


@cache
def _compiled(written: str) -> re.Pattern[str]:
    return re.compile(written)


def _found(
    rule: Rule, prose: str, lowered: str, people: frozenset[str]
) -> Iterator[tuple[int, int, bool]]:
    """Yield the spans that one rule flags, and whether each is but a hint."""
    for way in rule.patterns:
        if way.needs and not any(each in lowered for each in way.needs):
            continue
        exact = way.key == "exact"
        for match in _compiled(way.written).finditer(prose if exact else lowered):
            start, end = match.span()
            if (exact or _begins(prose, start)) and _speaks(match, prose, way, people):
                soft = way.key == "person" and subjects.of(prose, start, people) in rule.softly
                yield start, end, rule.hint or soft
                if rule.once:
                    return


def _flag(rule: Rule, text: str, start: int, end: int, *, hint: bool) -> Flag:
    return Flag(rule, start, end, text[start:end], hint)


def _begins(prose: str, at: int) -> bool:
    """Return whether a word may begin here; asked afterwards, as a pattern is faster without."""
    return not at or not (prose[at - 1].isalnum() or prose[at - 1] in "_-")


def _speaks(match: re.Match[str], prose: str, way: Way, people: frozenset[str]) -> bool:
    """Return whether the words speak of somebody whom the rule is about."""
    if "who" in match.re.groupindex:
        return subjects.named(prose[slice(*match.span("who"))], people)
    if subjects.untold(prose, match.start()):
        return False
    if way.excused and subjects.explained(prose, match.start()):
        return False
    if way.key in {"told", "happened"}:
        may = way.key == "happened" and subjects.prospective(prose, match.start())
        return not may and subjects.told(prose, *match.span())
    whose = subjects.doer if way.key == "doer" else subjects.of
    return len(way.of) == len(Subject) or whose(prose, match.start(), people) in way.of


def _fill(match: re.Match[str]) -> str:
    """Return filler of the same length, lines kept."""
    return re.sub(r"[^\n]", FILLER, match.group())


def _pardoned(text: str) -> list[tuple[int, int]]:
    """Return the spans of sentences that carry a mark with a reason, within or right behind."""
    marks = list(MARK.finditer(text))
    if not marks:
        return []
    ends = (match.end() for match in (*subjects.SENTENCE.finditer(text), *marks))
    cuts = sorted({0, len(text), *ends})
    spans = list(pairwise(cuts))
    pardoned = []
    for mark in (mark for mark in marks if mark["reason"].strip()):
        place = bisect_right(cuts, mark.start()) - 1
        behind = not text[spans[place][0] : mark.start()].strip()
        pardoned += spans[max(0, place - behind) : place + 1]
    return pardoned


def _without(flags: list[Flag], spans: list[tuple[int, int]]) -> list[Flag]:
    """Return the flags outside of the spans, which are in order."""
    starts = [start for start, _ in spans]
    places = ((flag, bisect_right(starts, flag.start) - 1) for flag in flags)
    return [flag for flag, place in places if place < 0 or flag.start >= spans[place][1]]


def _apart(flags: list[Flag]) -> list[Flag]:
    """Return one remark a place: a warning hides the hints in its words, the first the others."""
    kept: list[Flag] = []
    for flag in sorted(flags, key=lambda flag: (flag.hint, flag.start, -flag.end)):
        place = bisect_right(kept, flag.start, key=lambda other: other.start)
        clear_before = not place or kept[place - 1].end <= flag.start
        if clear_before and (place == len(kept) or flag.end <= kept[place].start):
            kept.insert(place, flag)
    return kept
