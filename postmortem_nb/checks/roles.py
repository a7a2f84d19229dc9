"""Who did what: names in sentences against those that the timeline gives to each part."""

from __future__ import annotations

import re
from collections import defaultdict
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

_ACTIVE: Mapping[str, str] = {
    "on_call": r"(?:(?:acknowledged|picked up|answered|took)\s(?:the\s|our\s)?"
    r"(?:page|alert|alarm|pager)"
    r"|was on it\b"
    r"|was\s(?:the\s)?(?:(?:primary\s)?on[- ]call|engineer on call)\b(?!\sfor\b))",
    "responsible": r"(?:(?:rolled out|deployed|shipped|applied|released|pushed|executed|ran|"
    rf"performed|started)\s(?:the\s|a\s)?{_FIX}\b(?!\s(?:drill|test|exercise|script|of\b|for\b))|"
    rf"rolled\s(?:[\w-]+\s){{1,3}}?back\b"
    r"|(?:was the one who\s)?(?:threw the switch|pulled the (?:plug|lever|trigger)|"
    r"pushed the button|"
    r"flipped the (?:switch|flag)|(?:switched|turned|flipped)\s(?:it|the\s(?:\w+\s)?(?:flag|feature"
    r"|toggle))\soff)\b)",
    "approval": r"(?:approved|signed off(?: on)?|gave (?:the |its |his |her )?"
    r"(?:approval|go-ahead|green light|ok|okay) (?:for|to))\s"
    rf"(?:(?:the\s)?(?:mitigation\s|rollback\s)?(?:plan|{_FIX})\b|rolling\s(?:it\s)?back|"
    r"(?:switching|turning)\s(?:it|the\s\w+)\soff)",
}
_PASSIVE: Mapping[str, str] = {
    "on_call": r"\backnowledged\sby\s(?:the\s)?",
    "responsible": rf"\b{_FIX}\s(?:was\s)?"
    r"(?:deployed|rolled out|applied|run|performed|shipped)\sby\s",
    "approval": rf"\b(?:plan|{_FIX})\s(?:was\s)?(?:approved|signed off)\sby\s",
}
PARTS: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    column: (
        re.compile(_DID + _ACTIVE[column], re.IGNORECASE),
        re.compile(f"(?:{_PASSIVE[column]})$", re.IGNORECASE),
    )
    for column in _ACTIVE
}
"""Column of the timeline → what follows, or precedes, the name of whoever stands there."""

_LABELS: Mapping[str, str] = {
    "on_call": "on call",
    "responsible": "responsible for the mitigation",
    "approval": "who approved it",
}
_AT = re.compile(
    rf"{_DID}(?:rolled|deployed|shipped|applied|released|pushed|reverted|"
    rf"restarted)\b[^.;]*?\bat\s{CLOCK}"
)
_AT_IT = re.compile(
    r"\b(?P<name>[A-Z][\w’'-]+(?:\s[A-Z][\w’'-]+)?)\s(?:is|am)\s(?:now\s)?(?:investigating|"
    r"on it|on call|looking (?:at|into) (?:it|this)|working on it|checking)\b"
)
_ESCALATED = re.compile(
    r"\b(?:we\s|was\s|it\s|were\s)escalated\s(?:it\s|this\s|the incident\s)?to\s(?:the\s|our\s)?"
    r"(?P<whom>[\w&/ -]{3,40}?)(?=[.,;]|\s(?:at|who|after|because|when|and|for)\b|$)",
    re.IGNORECASE,
)
_PLAIN = frozenset({"team", "teams", "the", "on-call", "group", "of", "and", "engineering", "our"})


def roles(case: Case) -> Iterator[Finding]:
    """Find people, or teams, that a sentence gives another part than the timeline does."""
    held = {column: _held(case, column) for column in PARTS}
    people = sorted((name for name in case.people() if " " in name), key=len, reverse=True)
    named = re.compile(rf"\b(?P<name>{'|'.join(map(re.escape, people))})\b") if people else None
    for cell, text in passages(case):
        if cell.column.kind == "line" and cell.column.name in PARTS:
            continue
        for sentence in sentences(text):
            for match in named.finditer(sentence) if named else ():
                for said, column in _given(case, sentence, match):
                    if held[column] and not _same(match["name"], held[column]):
                        who = ", ".join(sorted(held[column]))
                        yield about(case, cell, f"“{said}”, but {_LABELS[column]}: {who}.")
        yield from _escalated(case, cell, text)


def _given(case: Case, sentence: str, name: re.Match[str]) -> Iterator[tuple[str, str]]:
    """Yield the words that give a part to a name of the sentence, and its column."""
    for column, (active, passive) in PARTS.items():
        match = active.match(sentence, name.end())
        before = None if match else passive.search(sentence[: name.start()])
        if match:
            yield name["name"] + match.group(), column
        elif before:
            yield f"{before.group()}{name['name']}", column
    at, moment = _AT.match(sentence, name.end()), case.moments.mitigated
    gap = spoken.apart(at, 60 * moment.hour + moment.minute) if at and moment else None
    if at and gap is not None and gap <= 1:
        yield name["name"] + at.group(), "responsible"


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
_APPROVED = re.compile(r"\b(?:approv|go-ahead|green light|sign|decid|ok|okay)", re.IGNORECASE)
_ALONE = re.compile(CLOCK)
_PARTS = ("on_call", "responsible", "approval")
_WORDS = 0.9
_NUMBERS = re.compile(r"(?<![\d:.,])\d{2,}(?![\d:.,]\d)")


def deeds(case: Case) -> Iterator[Finding]:
    """Find somebody who is said to have done what a row of the timeline gives to another."""
    people = sorted((name for name in case.people() if " " in name), key=len, reverse=True)
    rows = [row for row in case.rows("timeline") if any(row.get(each) for each in _PARTS)]
    if not people or not rows:
        return
    named = re.compile(rf"\b(?P<name>{'|'.join(map(re.escape, people))})\b")
    for cell, text in passages(case):
        if cell.column.name in (*_PARTS, "responders", "confirmed"):
            continue
        for sentence in sentences(text) if named.search(text) else ():
            found = list(named.finditer(sentence))
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
    )
    meant, rows_ = events.named(case, clause[0]), events.known(case)[0]
    for row in rows:
        clocked = _at_row(verb.string, row.get("time"))
        event = next((each for each in rows_ if each.times[0] == row.get("time")), None)
        own = next((each for each in _PARTS if row.get(each)), "")
        words = " ".join(str(value) for value in row.values())
        said = events.stems(clause[0]) & (event.stems if event else frozenset())
        said |= {*_NUMBERS.findall(clause[0])} & {*_NUMBERS.findall(words)}
        alone = len({each.step for each in meant.events}) == 1 and event in meant.events
        sure = alone and (meant.by_cue or meant.sure >= _WORDS)
        if event is None or not own or not (sure or (clocked and len(said) > 1)):
            continue
        if own == "approval" and not _APPROVED.search(clause[0]):
            continue
        if own != "on_call" and not said:
            continue
        held = str(row[own])
        if name["name"] not in words and _is_person(case, held):
            return f"{_LABELS[own]}: {held}"
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
                    message=f"“{match.group()}”, but {_LABELS['on_call']}: {', '.join(held)}.",
                    remedy="Correct one of the two, or say since when somebody else looks into it.",
                    severity=Severity.HINT,
                    at=("updates", row["row"]),
                )


_TITLE = r"(?P<role>incident (?:commander|lead|manager)|communications? lead|scribe)"
_FULL = r"(?P<name>[A-Z][\w’'-]+\s[A-Z][\w’'-]+)"
_TITLED = (
    re.compile(rf"\b{_FULL}(?:,|\s\()\s?(?:our\s|the\s)?{_TITLE}\b"),
    re.compile(rf"\b{_FULL}\s(?:is|was|acted as|took over as|led as)\s(?:our\s|the\s)?{_TITLE}\b"),
    re.compile(rf"(?i:\b{_TITLE})(?:\s(?:is|was)|:)?\s{_FULL}\b"),
)


def titled(case: Case) -> Iterator[Finding]:
    """Find another name for a part that one person had: commander, scribe; not in a handover."""
    told: dict[str, list[tuple[Cell, str, str]]] = defaultdict(list)
    for cell in case.cells:
        if cell.column.kind in {"prose", "line"} and cell.table in {"timeline", "updates", *WELL}:
            text = str(cell.value)[:LONG]
            for match in (each for way in _TITLED for each in way.finditer(text)):
                told[match["role"].lower()].append((cell, match["name"], match.group()))
    text = " ".join(str(each.value) for each in case.cells if each.column.kind == "prose")
    handed = _HANDED.search(text)
    for places in told.values() if not handed else ():
        names = {name for _, name, _ in places}
        for cell, name, said in places:
            others = [each for each in places if each[1] != name]
            alone = sum(each[1] == name for each in places) == 1 and len(names) == 2
            if alone and others and (len(others) > 1 or cell is not places[0][0]):
                place = case.where(others[0][0].table, others[0][0].row, others[0][0].column.name)
                yield about(case, cell, f"“{said}”, but “{others[0][2]}” under {place}.")


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

RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    roles,
    deeds,
    called_in,
    at_it,
    titled,
    called,
)


def _held(case: Case, column: str) -> set[str]:
    """Return who stands in a column of the timeline; none where it is empty or nobody's name."""
    people = {name.lower() for name in case.people()}
    held = {str(row[column]) for row in case.rows("timeline") if row.get(column)}
    return held if any(_same(name, {each.lower() for each in held}) for name in people) else set()


def _same(name: str, held: set[str]) -> bool:
    """Return whether a name is one of those held, or a part of one."""
    first = name.lower()
    return any(first in each.lower() or each.lower() in first for each in held)


def _escalated(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find an escalation to somebody of whom the timeline does not know."""
    rows = [row for row in case.rows("timeline") if row.get("escalated_to")]
    known = [*(row["escalated_to"] for row in rows), *(case.fact("teams") or ())]
    known += [name for row in rows for name in row.get("responders") or ()]
    words = {word for each in known for word in re.findall(r"[\w-]+", str(each).lower())} - _PLAIN
    for match in matches(_ESCALATED, text) if rows else ():
        said = set(re.findall(r"[\w-]+", match["whom"].lower())) - _PLAIN
        named = re.search(r"[A-Z]|\b(?:teams?|on-call|engineers?)\b", match["whom"])
        if said and named and not said & words:
            whom = ", ".join(str(row["escalated_to"]) for row in rows)
            yield about(case, cell, f"“{match.group()}”, but escalated to: {whom}.")
