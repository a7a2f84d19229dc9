"""Who ended it, who is on call and who joined: names in sentences against those of the rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb.checks import single, spoken
from postmortem_nb.checks.reading import LONG, about, passages, sentences
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.spoken import CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case
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


_PARTS = ("on_call", "responsible", "approval", "responders", "confirmed")
"""Blanks that hold names, not what those did."""


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


def _mitigated(case: Case, sentence: str, name: re.Match[str]) -> str | None:
    """Return the words by which a name of the sentence ended the incident."""
    if match := _MITIGATED.match(sentence, name.end()):
        return name["name"] + match.group()
    at, moment = _AT.match(sentence, name.end()), case.moments.mitigated
    gap = spoken.apart(at, 60 * moment.hour + moment.minute) if at and moment else None
    return name["name"] + at.group() if at and gap is not None and gap <= 1 else None


_APPROVED = re.compile(
    rf"{_DID}(?:approved|authori[sz]ed|signed off(?:\son)?)\s(?:the|a|our)\s(?:{_FIX}|"
    r"(?:mitigation\s)?plan)\b"
)


def approved(case: Case) -> Iterator[Finding]:
    """Find somebody who is said to have approved the mitigation, where the timeline has another."""
    held = _held(case, "approval")
    named = _names(case) if held else None
    for cell, text in passages(case) if named else ():
        for match in named.finditer(text) if named else ():
            said = _APPROVED.match(text, match.end())
            if said and not _same(match["name"], held):
                doubt = f"“{match['name']}{said.group()}”, but approval: {', '.join(sorted(held))}."
                yield about(case, cell, doubt)


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


_ESCALATED = re.compile(
    r"\b(?:escalated (?:it |this )?to|paged|called in)\s(?:(?!and\b)[a-z-]+\s){0,2}$", re.IGNORECASE
)


def escalated(case: Case) -> Iterator[Finding]:
    """Find somebody to whom it is said to have been escalated, and whom no row names so."""
    rows = [row for row in case.rows("timeline") if row.get("escalated_to")]
    held = " ".join(str(row["escalated_to"]) for row in rows)
    others = _held(case, "on_call") | {str(one) for row in rows for one in row["responders"] or ()}
    named = _names(case) if any(name in held for name in case.people() if " " in name) else None
    for cell, text in passages(case) if named else ():
        for match in named.finditer(text) if named else ():
            way = _ESCALATED.search(text[max(0, match.start() - 60) : match.start()])
            paged = way and not way.group().lower().startswith("escalated")
            if way and not _same(match["name"], {held, *(others if paged else ())}):
                said = f"{way.group()}{match['name']}"
                yield about(case, cell, f"“{said}”, but escalated to: {held}.")


_ON_CALL = re.compile(
    r"\s(?:was|is|were) (?:the )?(?:engineer )?on[- ]call\b(?!\s(?:for|at|until|till|from|since|"
    r"when|before|the day|engineer|lead))"
)


_ACKED = re.compile(
    r",?\s(?:who\s)?(?:had\s)?(?:acknowledged|picked up|answered)\sthe\s(?:first\s)?"
    r"(?:alert|page|alarm)\b"
)


def on_call(case: Case) -> Iterator[Finding]:
    """Find somebody who is said to have been on call, or to have acknowledged, at odds with it."""
    held = _held(case, "on_call")
    named = _names(case) if held and not handed_over(case) else None
    for cell, text in passages(case) if named else ():
        for match in named.finditer(text) if named else ():
            said = _ON_CALL.match(text, match.end()) or _ACKED.match(text, match.end())
            if said and not _same(match["name"], held):
                doubt = f"“{match['name']}{said.group()}”, but on call: {', '.join(sorted(held))}."
                yield about(case, cell, doubt, severity=Severity.HINT)


FULL = r"(?P<name>[A-Z][\w’'-]+\s[A-Z][\w’'-]+)"
"""A first and a last name."""


def handed_over(case: Case) -> bool:
    """Return whether the document tells that one took over from another."""
    text = " ".join(str(each.value) for each in case.cells if each.column.kind == "prose")
    return bool(_HANDED.search(text))


_HANDED = re.compile(
    r"\b(?:hand(?:ed|s|ing)?[\s-]?over|took over|takes over|relieved|new (?:incident )?"
    r"(?:commander|lead)|shift change)\b",
    re.IGNORECASE,
)

RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    roles,
    approved,
    called_in,
    at_it,
    joined,
    escalated,
    on_call,
)


def _names(case: Case) -> re.Pattern[str] | None:
    """Return the pattern of the whole names of people."""
    people = sorted((name for name in case.people() if " " in name), key=len, reverse=True)
    return re.compile(rf"\b(?P<name>{'|'.join(map(re.escape, people))})\b") if people else None


def _held(case: Case, column: str) -> set[str]:
    """Return who stands in a column of the timeline; none where it is empty or nobody's name."""
    people = {name.lower() for name in case.people()}
    held = {str(row[column]) for row in case.rows("timeline") if row.get(column)}
    return held if any(_same(name, {each.lower() for each in held}) for name in people) else set()


def _same(name: str, held: set[str]) -> bool:
    """Return whether a name is one of those held, or a part of one."""
    first = name.lower()
    return any(first in each.lower() or each.lower() in first for each in held)
