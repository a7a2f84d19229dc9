"""Who did what, and whose team somebody is of: names in sentences against those of the rows."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from postmortem_nb.checks import events, single, spoken
from postmortem_nb.checks.reading import LONG, about, matches, passages, sentences
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.spoken import CLOCK

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

_FIX = r"(?:fix|hotfix|mitigation|roll-?back|revert|workaround|fail-?over)"
_DID = r"(?:,?\s(?:then|also|finally|quickly|later|had|has|who))?\s"
_MITIGATED = re.compile(
    rf"{_DID}(?:(?:rolled out|deployed|shipped|applied|released|pushed|executed|ran|performed|"
    rf"started)\s(?:the\s|a\s)?{_FIX}\b(?!\s(?:drill|test|exercise|script|of\b|for\b))|"
    r"rolled\s(?:[\w-]+\s){1,3}?back\b)",
    re.IGNORECASE,
)
"""What follows the name of whoever ended the incident."""
_RESPONSIBLE = "responsible for the mitigation"
_AT = re.compile(
    rf"{_DID}(?:rolled|deployed|shipped|applied|released|pushed|reverted|"
    rf"restarted)\b[^.;]*?\bat\s{CLOCK}"
)
_AT_IT = re.compile(
    r"\b(?P<name>[A-Z][\w’'-]+(?:\s[A-Z][\w’'-]+)?)\s(?:is|am)\s(?:now\s)?(?:investigating|"
    r"on it|on call|looking (?:at|into) (?:it|this)|working on it|checking)\b"
)


def roles(case: Case) -> Iterator[Finding]:
    """Find somebody who is said to have ended the incident, where the timeline has another."""
    held, named = _held(case, "responsible"), _names(case)
    for cell, text in passages(case) if held and named else ():
        if cell.column.kind == "line" and cell.column.name in _PARTS:
            continue
        for sentence in sentences(text):
            for match in named.finditer(sentence) if named else ():
                said = _mitigated(case, sentence, match)
                if said and not _same(match["name"], held):
                    who = ", ".join(sorted(held))
                    yield about(case, cell, f"“{said}”, but {_RESPONSIBLE}: {who}.")


def _names(case: Case) -> re.Pattern[str] | None:
    """Return the pattern of the whole names of people."""
    people = sorted((name for name in case.people() if " " in name), key=len, reverse=True)
    return re.compile(rf"\b(?P<name>{'|'.join(map(re.escape, people))})\b") if people else None


def _mitigated(case: Case, sentence: str, name: re.Match[str]) -> str | None:
    """Return the words by which a name of the sentence ended the incident."""
    if match := _MITIGATED.match(sentence, name.end()):
        return name["name"] + match.group()
    at, moment = _AT.match(sentence, name.end()), case.moments.mitigated
    gap = spoken.apart(at, 60 * moment.hour + moment.minute) if at and moment else None
    return name["name"] + at.group() if at and gap is not None and gap <= 1 else None


_ASIDE = re.compile(
    r"^,?\s(?:(?:then|also|finally|quickly|had|has|was|is|the one|who|that)\s)*(?P<verb>[a-z]+)\b"
)
_HELPED = re.compile(
    r"\b(?:help\w*|support\w*|ask\w*|suggest\w*|propos\w*|join\w*|watch\w*|explain\w*|"
    r"told|tell\w*|report\w*|confirm\w*|with|for|and|or|but|leads?|led|investigates?|writes?)\b"
)
_OPEN = re.compile(
    r"\b(?:would|could|should|might|may|if|will|usually|instead|drill|last (?:year|month|week)|"
    r"another|INC-\d+|had (?:he|she|they)|not|never)\b",
    re.IGNORECASE,
)
_ALONE = re.compile(CLOCK)
_PARTS = ("on_call", "responsible", "approval", "responders", "confirmed")
"""Blanks that hold names, not what those did."""
_WORDS = 0.9
_NUMBERS = re.compile(r"(?<![\d:.,])\d{2,}(?![\d:.,]\d)")


def deeds(case: Case) -> Iterator[Finding]:
    """Find somebody who is said to have done what a row of the timeline gives to another."""
    named = _names(case)
    rows = [row for row in case.rows("timeline") if row.get("responsible")]
    for cell, text in passages(case) if named and rows else ():
        if cell.column.name in _PARTS:
            continue
        for sentence in sentences(text) if named and named.search(text) else ():
            found = list(named.finditer(sentence)) if named else []
            if len(found) == 1 and not _OPEN.search(_clause(sentence, found[0])):
                truth = _another(case, rows, sentence, found[0])
                if truth:
                    yield about(case, cell, f"“{sentence.strip()}”, but {truth}.")


def _another(
    case: Case, rows: Sequence[Mapping[str, Any]], sentence: str, name: re.Match[str]
) -> str | None:
    """Return who did what a sentence gives to somebody who stands nowhere in that row."""
    verb = _ASIDE.match(sentence, name.end()) or _ASIDE.match(sentence[name.end() :])
    if not verb or _HELPED.search(verb["verb"]):
        return None
    clause = re.split(
        r"[,;]\s|\s(?:because|while|so that|and)\s", verb.string[verb.start("verb") :]
    )[0]
    meant, rows_ = events.named(case, clause), events.known(case)[0]
    for row in rows:
        event = next((each for each in rows_ if each.times[0] == row.get("time")), None)
        if event is None:
            continue
        words = " ".join(str(value) for value in row.values())
        said = events.stems(clause) & event.stems
        said |= {*_NUMBERS.findall(clause)} & {*_NUMBERS.findall(words)}
        alone = len({each.step for each in meant.events}) == 1 and event in meant.events
        sure = alone and (meant.by_cue or meant.sure >= _WORDS)
        clocked = _at_row(verb.string, row.get("time")) and len(said) > 1
        held = str(row["responsible"])
        if said and (sure or clocked) and name["name"] not in words and _is_person(case, held):
            return f"{_RESPONSIBLE}: {held}"
    return None


def _clause(sentence: str, name: re.Match[str]) -> str:
    """Return the clause of a sentence in which a name stands."""
    before = re.split(r"[,;]\s", sentence[: name.start()])[-1]
    return before + re.split(r"[,;]\s|\sso that\s", sentence[name.start() :])[0]


def _at_row(text: str, at: dt.datetime | None) -> bool:
    """Return whether a sentence has the clock of a row."""
    found = (
        (spoken.apart(each, 60 * at.hour + at.minute) for each in _ALONE.finditer(text))
        if at
        else ()
    )
    return any(gap is not None and gap <= 1 for gap in found)


def _is_person(case: Case, held: str) -> bool:
    return any(held.lower() == name.lower() and " " in name for name in case.people())


def called_in(case: Case) -> Iterator[Finding]:
    """Find an engineer on call who is said to have been called in later."""
    held = _held(case, "on_call")
    for row in case.rows("timeline"):
        called = [str(row.get("escalated_to") or ""), *(row.get("responders") or ())]
        both = [name for name in held if any(name.lower() in each.lower() for each in called)]
        if both:
            yield single.about(
                case,
                Code.SOURCES,
                "escalated_to",
                message=f"{both[0]} was called in, but was on call already.",
                remedy="Correct one of the two: whoever is on call need not be called in.",
                severity=Severity.HINT,
                at=("timeline", row["row"]),
            )


def at_it(case: Case) -> Iterator[Finding]:
    """Find somebody who looks into it before anybody was called in, and is not on call."""
    held = _held(case, "on_call")
    rows = [row["time"] for row in case.rows("timeline") if row.get("escalated_to") and row["time"]]
    called = min(rows, default=case.moments.mitigated)
    people = {name for name in case.people() if name.count(" ") == 1}
    for row in case.rows("updates") if held and called else ():
        text, sent = str(row.get("text") or "")[:LONG], row.get("time")
        for match in _AT_IT.finditer(text) if sent and sent < called else ():
            named = {name for name in people if match["name"] in {name, *name.split()}}
            if len(named) == 1 and not _same(named.pop(), held) and not _same(match["name"], held):
                yield single.about(
                    case,
                    Code.SOURCES,
                    "text",
                    message=f"“{match.group()}”, but on call: {', '.join(held)}.",
                    remedy="Correct one of the two, or say since when somebody else looks into it.",
                    severity=Severity.HINT,
                    at=("updates", row["row"]),
                )


_JOIN = re.compile(
    r"(?:,?\s(?:of|from)\s[^.;,]{2,40}?|\s\([^)]{2,40}\))?,?\s(?:then\s|also\s)?"
    r"(?:joined|dialled in|(?:was|were)\s(?:called|brought|pulled|paged)(?:\sin)?|came in)\b"
    r"[^.;]{0,30}?\b(?:escalat\w+|page|call)\b"
)


def joined(case: Case) -> Iterator[Finding]:
    """Find somebody who is said to have joined at the escalation, and is none of the responders."""
    rows = [row for row in case.rows("timeline") if row.get("responders")]
    listed = " ".join(str(value) for row in rows for value in row.values()).lower()
    named = _names(case) if rows else None
    for cell, text in passages(case) if named else ():
        for match in named.finditer(text) if named else ():
            said = _JOIN.match(text, match.end())
            if said and match["name"].lower() not in listed:
                who = ", ".join(str(each) for row in rows for each in row["responders"])
                doubt = f"“{match['name']}{said.group()}”, but responders: {who}."
                yield about(case, cell, doubt, severity=Severity.HINT)


_CALLED_TO = re.compile(r"\bescalat(?:ion|ed|es|ing)\b(?:\s\w+){0,3}?\sto\s$")


def escalated(case: Case) -> Iterator[Finding]:
    """Find an escalation to somebody, where its row has another name."""
    held = _held(case, "escalated_to")
    named = _names(case) if held else None
    for cell, text in passages(case) if named else ():
        for match in named.finditer(text) if named and cell.column.name != "escalated_to" else ():
            said = _CALLED_TO.search(text[: match.start()])
            if said and not _same(match["name"], held):
                who = ", ".join(sorted(held))
                yield about(
                    case, cell, f"“{said.group()}{match['name']}”, but escalated to: {who}."
                )


_TITLE = r"(?P<role>incident (?:commander|lead|manager)|communications? lead|scribe)"
FULL = r"(?P<name>[A-Z][\w’'-]+\s[A-Z][\w’'-]+)"
_TITLED = (
    re.compile(rf"\b{FULL}(?:,|\s\()\s?(?:our\s|the\s)?{_TITLE}\b"),
    re.compile(rf"\b{FULL}\s(?:is|was|acted as|took over as|led as)\s(?:our\s|the\s)?{_TITLE}\b"),
    re.compile(rf"(?i:\b{_TITLE})(?:\s(?:is|was)|:)?\s{FULL}\b"),
)


def titled(case: Case) -> Iterator[Finding]:
    """Find another name for a part that one person had: commander, scribe; not in a handover."""
    told: dict[str, list[tuple[Cell, str, str]]] = defaultdict(list)
    for cell in case.cells:
        if cell.column.kind in {"prose", "line"} and cell.table in {"timeline", "updates", *WELL}:
            text = str(cell.value)[:LONG]
            for match in (each for way in _TITLED for each in way.finditer(text)):
                told[match["role"].lower()].append((cell, match["name"], match.group()))
    for places in told.values() if not handed_over(case) else ():
        names = {name for _, name, _ in places}
        for cell, name, said in places:
            others = [each for each in places if each[1] != name]
            alone = sum(each[1] == name for each in places) == 1 and len(names) == 2
            if alone and others and (len(others) > 1 or cell is not places[0][0]):
                place = case.where(others[0][0].table, others[0][0].row, others[0][0].column.name)
                yield about(case, cell, f"“{said}”, but “{others[0][2]}” under {place}.")


def handed_over(case: Case) -> bool:
    """Return whether the document tells that one took over from another."""
    text = " ".join(str(each.value) for each in case.cells if each.column.kind == "prose")
    return bool(_HANDED.search(text))


_CALL = re.compile(r"\b(?P<name>[A-Z][\w-]+\s[A-Z][\w-]+)[’']s\s(?:phone\s|telephone\s)?call\b")
_PERSON = re.compile(r"(?P<name>[A-Z][\w-]+\s[A-Z][\w-]+)(?:,|$|\s\()")


def called(case: Case) -> Iterator[Finding]:
    """Find the call by which it became known given to somebody else than who made it."""
    first = next((str(r["detected_by"]) for r in case.rows("timeline") if r.get("detected_by")), "")
    caller = _PERSON.match(first)
    for cell, text in passages(case) if caller else ():
        for match in matches(_CALL, text):
            if caller and match["name"] != caller["name"]:
                yield about(case, cell, f"“{match.group()}”, but detected by: {first[:80]}.")


WELL = frozenset({"went_well", "went_wrong"})
_HANDED = re.compile(
    r"\b(?:hand(?:ed|s|ing)?[\s-]?over|took over|takes over|relieved|new (?:incident )?"
    r"(?:commander|lead)|shift change)\b",
    re.IGNORECASE,
)

_KINDS = frozenset({"prose", "line", "person"})
_JOINED = r"(?:,\s|\s\(|,?\s(?:of|from|lead of|head of|for)\s)(?:the\s)?"


def belonging(case: Case) -> Iterator[Finding]:
    """Find somebody whom one blank gives to another team of the incident than the others."""
    teams = tuple(sorted(str(each) for each in case.fact("teams") or () if len(str(each)) > 1))
    people = tuple(sorted(name for name in case.people() if " " in name))
    if len(teams) < 2 or not people:
        return
    told: dict[str, list[tuple[str, Cell, str]]] = defaultdict(list)
    for cell in case.cells:
        if cell.column.kind in _KINDS and cell.table != "approvals":
            for pattern in _ways(teams, people):
                for match in pattern.finditer(str(cell.value)[:LONG]):
                    told[match["name"]].append((match["team"], cell, match.group()))
    for pairs in told.values():
        yield from _doubted(case, pairs)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    roles,
    deeds,
    called_in,
    at_it,
    joined,
    titled,
    escalated,
    called,
    belonging,
)


@lru_cache(maxsize=8)
def _ways(teams: Sequence[str], people: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Return the ways in which a text gives somebody to a team."""
    team, name = (
        rf"(?P<{group}>{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})"
        for group, words in (("team", teams), ("name", people))
    )
    return (
        re.compile(rf"\b{team}(?:\steam)?\s\({name}\)"),
        re.compile(rf"\b{name}{_JOINED}{team}\b(?!\s(?!team\b)[A-Za-z])"),
    )


def _doubted(case: Case, pairs: Sequence[tuple[str, Cell, str]]) -> Iterator[Finding]:
    """Yield the one blank, or the later of two, that has another team than the rest."""
    first = pairs[0][0]
    counts = {team: sum(each[0] == team for each in pairs) for team, _, _ in pairs}
    if len(counts) != 2:
        return
    rare = min(counts, key=lambda team: (counts[team], team == first))
    said = [each for each in pairs if each[0] == rare]
    other = next(each for each in pairs if each[0] != rare)
    if len(said) == 1 and said[0][1] is not other[1]:
        place = case.where(other[1].table, other[1].row, other[1].column.name)
        yield about(case, said[0][1], f"“{said[0][2]}”, but “{other[2]}” under {place}.")


def _held(case: Case, column: str) -> set[str]:
    """Return who stands in a column of the timeline; none where it is empty or nobody's name."""
    people = {name.lower() for name in case.people()}
    held = {str(row[column]) for row in case.rows("timeline") if row.get(column)}
    return held if any(_same(name, {each.lower() for each in held}) for name in people) else set()


def _same(name: str, held: set[str]) -> bool:
    """Return whether a name is one of those held, or a part of one."""
    first = name.lower()
    return any(first in each.lower() or each.lower() in first for each in held)
