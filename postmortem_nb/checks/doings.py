"""What was done, and when and with which version: “the flag was switched off at 20:20”.

An action with a clock is compared with the same action in the timeline, in the frozen events, and
in other sentences. Two clauses tell of one action where they share its verb and a noun, or a
version.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb import evidence, times
from postmortem_nb.checks import attributes, events, order, spoken
from postmortem_nb.checks.claims import EXACT_MINUTES, LOOSE_MINUTES
from postmortem_nb.checks.dates import ANOTHER
from postmortem_nb.checks.reading import TEXTS, about, matches, passages, sentences
from postmortem_nb.checks.spoken import CLOCK
from postmortem_nb.errors import BundleError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

_TURNED = r"(?:switch|turn|flip|toggl)\w*\s(?:[\w-]+\s){0,3}?"
_ACTS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for name, words in {
        "deploy": r"(?:re)?deploy\w*|roll(?:ed|ing)?[ -]?out|released|shipped|went live|gone live",
        "rollback": r"roll(?:ed|ing)?[ -]?(?:[\w-]+ )?back|rollback|revert(?:ed|ing)?",
        "on": rf"{_TURNED}on|enabled|activated",
        "off": rf"{_TURNED}off|disabled|deactivated|\w+ off(?! the)",
        "restart": r"restart\w*|reboot\w*",
        "expire": r"expired(?=\s(?:at|around|by))|ran out|lapsed",
        "failover": r"fail(?:ed|ing)?[ -]?(?:[\w-]+ )?over",
    }.items()
}
"""What can be done about a system → its words."""

_CLAUSE = re.compile(
    r"(?<!\d:\d\d):(?!\d)|[,;()·](?!\d)|\s[–—]\s|\b(?:and|but|while|before|after|until|when|where|which|so|then|"
    r"because)\b"
)
_TIMED = re.compile(rf"(?:\b(?:at|around|about|by|since)\s|^\s*){CLOCK}(?!\s?%)", re.IGNORECASE)
VERSION = re.compile(r"\bv\d+(?:\.\d+)+\b|\b\d+\.\d+\.\d+\b|\b[rvb]\d{2,}\b", re.IGNORECASE)
_NOUN = re.compile(r"[a-z]{4,}", re.IGNORECASE)
_PLAIN = frozenset(
    """after again already back been before began both completely could deploy deployed deployment
    disabled done down enabled error errors every everyone everywhere finally finished first flip
    flipped from fully half have hosts hour hours into itself just last later least live minute
    minutes more most only once over pods production quickly region regions release released
    rollback rolled rolling rollout second shipped since some started still switch switched take
    that then there this through time toggled traffic turn turned until users version visitors
    customers well went were when which while will with without""".split()  # noqa: SIM905 - words are read as words
)
"""Words that two actions may share and yet be two."""

_FIX = re.compile(
    r"\b(?:fix|hot-?fix|patch|mitigation|workaround|index|certificate)\b", re.IGNORECASE
)
_ROLES: Mapping[str, re.Pattern[str]] = {
    "to": re.compile(
        r"\b(?:back|revert(?:ed|ing)?|rollback(?:\sof\s[\w-]+)?)\s(?:[\w.-]+\s){0,3}?to\s"
        rf"(?:version\s|release\s)?(?P<version>{VERSION.pattern})",
        re.IGNORECASE,
    ),
    "release": re.compile(
        r"\b(?:release|version|deploy(?:ed|ing|ment)?(?:\sof)?(?:\s[\w-]+)?)\s"
        rf"(?P<version>{VERSION.pattern})",
        re.IGNORECASE,
    ),
}
"""The part that a version plays → how a sentence gives it."""
_BEHIND = re.compile(
    r"\b(?:after|since|before|until|without|following)\s(?:the|an?|our|its|that|this|each|every)\s"
    rf"(?:(?!we\b)[\w-]+\s){{0,2}}?(?:{'|'.join(each.pattern for each in _ACTS.values())})",
    re.IGNORECASE,
)
"""In a row: an action of another time than its own, “up again after the restart”."""
_DONE_THEN = (None, "", "Incident Start", "Mitigation Deployed")
"""Steps at whose time what they tell was done; others tell what was found or planned then."""
_OTHER = re.compile(
    r"\b(?:another|other|second|tr(?:y|ied)|drill|test\w*|rehears\w*|planned|would)\b|^\W*had\s",
    re.IGNORECASE,
)
"""In a sentence: what it tells was done another time, or was not (“had we rolled back at …”)."""
_EARLY = re.compile(r",\sbefore\s(?:the|its|our)\b", re.IGNORECASE)
"""In a sentence: what came after, on the same day."""
_BEGUN = re.compile(r"\b(?:start\w*|beg[aiu]n\w*|kick\w*|underway|under way)\b", re.IGNORECASE)
"""In a clause: a row has when it was done."""
_COLUMNS = ("timestamp", "title")
MOST = 200
"""Events of an answer, and clauses, that are looked at: a wide text must not slow a form."""


@dataclass(slots=True)
class _Doing:
    """An action that a text tells of, with its clocks, nouns and versions."""

    acts: set[str]
    nouns: set[str]
    versions: set[str]
    minutes: list[float] = field(default_factory=list)
    cell: Cell | None = None
    match: re.Match[str] | None = None
    said: str = ""
    at: str = ""


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield actions, and versions, that the document or its events have otherwise."""
    read = list(passages(case))
    told = [each for cell, text in read for each in _told(cell, text)][:MOST]
    known = [*_rows(case), *_events(incident)] if told else []
    for one in told:
        if one.match is None or one.cell is None:
            continue
        same = [each for each in known if _same(one, each)]
        if one.acts == {"deploy"} and events.is_before(case, one.match):
            same = [each for each in same if not each.at.startswith("the timeline")]
        others = [each for each in told if each.cell != one.cell and _same(one, each)]
        if not same and not others:
            continue
        if (
            order.told_elsewhere(case, one.cell, one.match, one.said)
            or events.is_end(case, one.match, one.said)
            or _agrees(one, [*same, *others])
            or (_FIX.search(one.said) and _mitigated(case, one))
        ):
            continue
        first = same[0] if same else others[0]
        if same or told.index(one) > told.index(first):
            yield about(case, one.cell, f"“{one.said}”, but {first.at}.")
    yield from _versions(case, read, attributes.versions(incident, case))


def _told(cell: Cell, text: str) -> Iterator[_Doing]:
    """Yield the actions of a text that have a clock of their own, one a clause."""
    for said, clock, doing in _clauses(text):
        at = f"“{said}” stands elsewhere"
        yield replace(doing, cell=cell, match=clock, said=said, at=at)


@lru_cache(maxsize=TEXTS)
def _clauses(text: str) -> tuple[tuple[str, re.Match[str], _Doing], ...]:
    """Return the clauses of a text with one clock and an action; kept until it is edited."""
    if not any(_found(pattern, text) for pattern in _ACTS.values()):
        return ()
    told = []
    for sentence in sentences(text):
        other = ANOTHER.search(_EARLY.sub("", sentence)) or _OTHER.search(sentence)
        for clause in _CLAUSE.split(sentence) if not other else ():
            clocks = [each for each in _TIMED.finditer(clause) if spoken.apart(each, 0) is not None]
            begun = _BEGUN.search(clause)
            doing = _doing(clause) if len(clocks) == 1 and not begun else None
            if doing:
                told.append((clause.strip(), clocks[0], doing))
    return tuple(told)


def _found(pattern: re.Pattern[str], text: str) -> bool:
    return bool(matches(pattern, text))


def _doing(text: str) -> _Doing | None:
    """Return the action of a text, None where it names none of `_ACTS`."""
    acts = {name for name, pattern in _ACTS.items() if pattern.search(text)}
    versions = {each.lstrip("vV") for each in VERSION.findall(text)}
    plain = VERSION.sub(" ", text).lower()
    for name in acts:
        plain = _ACTS[name].sub(" ", plain)
    nouns = {word for word in _NOUN.findall(plain) if word not in _PLAIN}
    return _Doing(acts, nouns, versions) if acts else None


def _rows(case: Case) -> Iterator[_Doing]:
    """Yield the actions of the timeline, each with its row's time and the clocks in it."""
    for row in case.rows("timeline"):
        told = [value for name, value in row.items() if name not in {"row", "step", "phase"}]
        text = "; ".join(value for value in told if isinstance(value, str))
        doing, at = _doing(_BEHIND.sub(" ", text)), row.get("time")
        own = row.get("step") in _DONE_THEN
        if doing and at and (own or any(_clocks(text))):
            doing.minutes = [*([60 * at.hour + at.minute] if own else []), *_clocks(text)]
            doing.at = f"the timeline has {times.shown(at)}"
            yield doing


def _clocks(text: str) -> Iterator[float]:
    for match in re.finditer(r"\b(\d{1,2}):(\d{2})\b", text):
        yield 60 * int(match[1]) + int(match[2])


def _events(incident: Incident) -> Iterator[_Doing]:
    """Yield the actions of the frozen events, by their titles."""
    folder = incident.path / "evidence"
    for record in evidence.listing(folder):
        if record.get("function") == "search_datadog_events" and record.get("sha256"):
            yield from _frozen(folder, str(record["name"]), str(record["sha256"]))


@lru_cache(maxsize=16)
def _frozen(folder: Path, name: str, digest: str) -> tuple[_Doing, ...]:
    """Return the actions of one answer; remembered by its digest."""
    del digest  # a part of the key
    try:
        table = evidence.columns(folder, name, _COLUMNS)
    except BundleError:
        return ()  # another rule tells why
    told = []
    for each in table.slice(0, MOST).to_pylist() if table is not None else ():
        doing, at = _doing(str(each["title"] or "")), each["timestamp"]
        if doing and at is not None:
            doing.minutes = [60 * at.hour + at.minute]
            doing.at = f"the event {shown(each['title'])} is of {at:%H:%M} UTC"
            told.append(doing)
    return tuple(told)


def _same(one: _Doing, other: _Doing) -> bool:
    """Return whether two texts tell of one action."""
    if not one.acts & other.acts:
        return False
    if one.versions and other.versions:
        return bool(one.versions & other.versions)
    bare = not one.nouns and not one.versions
    return bool(one.nouns & other.nouns) or (bare and other.match is None)


def _agrees(one: _Doing, others: Iterable[_Doing]) -> bool:
    """Return whether any of the others is at the clock of one."""
    match = one.match
    if match is None:
        return True
    exact = re.search(r":\d[1-46-9]$", match["clock"]) and not spoken.HEDGE.search(
        match.string[: match.start("clock")]
    )
    most = EXACT_MINUTES if exact else LOOSE_MINUTES
    for other in others:
        if other.match is None:
            gaps = [spoken.apart(match, int(each)) for each in other.minutes]
        else:
            gaps = [spoken.apart(match, minute) for minute in _minutes(other.match)]
        if any(gap is None or gap <= most for gap in gaps):
            return True
    return False


def _minutes(match: re.Match[str]) -> list[int]:
    """Return the minute of the UTC day of a clock in a text, both where it is one of two."""
    at = spoken.clocked(match)
    return [minute % 1440 for minute in range(at[0], at[0] + 1440, at[1])] if at else []


def _mitigated(case: Case, one: _Doing) -> bool:
    """Return whether a fix has the clock of the mitigation."""
    rows = [row for row in case.rows("timeline") if row.get("step") == "Mitigation Deployed"]
    moments = [60 * row["time"].hour + row["time"].minute for row in rows if row.get("time")]
    return _agrees(one, [_Doing(set(), set(), set(), [float(each) for each in moments])])


_ADDED = re.compile(
    r"\b(?:added|introduced|new)\b(?:\s(?!in\b)[\w-]+){0,5}\s(?:in|with|since)\s(?:version\s)?$",
    re.IGNORECASE,
)
"""Before a release: it is the one that brought something, long ago."""


def _versions(
    case: Case, read: Sequence[tuple[Cell, str]], frozen: frozenset[str]
) -> Iterator[Finding]:
    """Find a version that stands once, where the document gives its part to another."""
    stands: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for each in case.cells:
        text = str(each.value)
        for version in VERSION.findall(text) if "." in text else ():
            stands[version.lower()].add((each.table, each.row, each.column.name))
    if len(stands) < 2:
        return
    for role, pattern in _ROLES.items():
        given = [(cell, match) for cell, text in read for match in matches(pattern, text)][:MOST]
        for cell, match in given:
            version = match["version"].lower()
            others = {m["version"].lower() for c, m in given if c != cell} - {version}
            rival = max(sorted(others), key=lambda each: len(stands[each]), default="")
            alone = (
                len(stands[version]) == 1
                and version not in frozen
                and version.lstrip("v") not in frozen
            )
            needed = 1 if role == "to" else 2
            other = ANOTHER.search(match.string) or _ADDED.search(match.string, 0, match.start())
            if alone and len(stands[rival]) >= needed and not other:
                yield about(
                    case, cell, f"“{match.group()}”, but elsewhere the document has {rival}."
                )
