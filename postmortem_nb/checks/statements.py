"""Plain statements, without a figure, that a field of the document denies: “no e-mail was sent”.

Each is a sentence that means one thing: a mail to customers, word to the support team, an executive
who took part; and a severity in a message of the day. What no field holds is unknown and
contradicts nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import language
from postmortem_nb.checks import single
from postmortem_nb.checks.claims import PEOPLE, PERSON, SEV
from postmortem_nb.checks.late import late
from postmortem_nb.checks.reading import TEXTS, about, final, matches, passages, sentences
from postmortem_nb.checks.report import Code, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding


class Statement(NamedTuple):
    """How a sentence says it, and the fact that denies it, with the value and the words."""

    pattern: re.Pattern[str]
    fact: str
    denies: bool
    truth: str


def _say(fact: str, truth: str, *patterns: str, denies: bool) -> list[Statement]:
    return [Statement(late(way, re.IGNORECASE), fact, denies, truth) for way in patterns]


_OPEN = re.compile(
    r"\b(?:would|could|should|might|may|if|unless|until|before|will|when|once|that evening|"
    r"at first|next|previous\w*|not all|not every|nearly|almost|last year|in the past)\b",
    re.IGNORECASE,
)
"""In a sentence: it states nothing plainly."""
_ALL = r"(?:any\s|all\s|every\s|our\s|the\s|affected\s)*"
_THROUGHOUT = (
    r"(?=\s*(?:[.;!]|$|at all\b|throughout\b|during\b|all the (?:while|time)|the (?:whole|"
    r"entire)\b|(?:for|while) (?:the (?:whole|entire)|it lasted|all)\b|by us\b))"
)
_SUPPORT = r"\b(?:support|customer (?:care|service)|(?:help|service)\s?desk)(?: team| staff)?\s"
_CHIEFS = r"(?:C[EITOF]O|CISO|Chief \w+ Officer|executives?|VPs?|C-level|leadership team|board)"

STATEMENTS: tuple[Statement, ...] = (
    *_say(
        "email_sent",
        "Communication Log says that an e-mail was sent",
        r"\bno e-?mails?\s(?:was|were|has been|went out)\s?(?:sent\s)?(?:out\s)?to\s"
        rf"{_ALL}{PEOPLE}",
        r"\b(?:did not|didn[’']t|never)\s(?:send|sent)\s(?:an\s|any\s)?e-?mails?\sto\s"
        rf"{_ALL}{PEOPLE}",
        rf"\b{PEOPLE}\s(?:got|received|were sent)\sno\se-?mails?\b",
        denies=True,
    ),
    *_say(
        "email_sent",
        "Communication Log says that no e-mail was sent",
        rf"\b(?:we\s|support\s)e-?mailed\s{_ALL}(?:{PEOPLE}|{PERSON})",
        rf"\b(?:the|an|our)\s(?:e-?)?mail\s(?:to\s{_ALL}(?:{PEOPLE}|{PERSON})\s)(?:went out|"
        r"was sent|had|told|came|arrived)\b",
        r"\b(?:informed|told|notified|contacted|reached)\s(?:\w+\s){1,4}?by\se-?mail\b",
        r"\b(?:apolog\w+|message|notice|update|explanation|word)s?\s(?:\w+\s){0,3}?by\se-?mail\b",
        rf"\b(?:sent|wrote)\s(?:an?\s)?e-?mails?\sto\s{_ALL}(?:{PEOPLE}|{PERSON})",
        denies=False,
    ),
    *_say(
        "support_notified",
        "Communication Log says that support was notified",
        rf"{_SUPPORT}(?:was|were)\s(?:never|not)\s(?:told|informed|notified){_THROUGHOUT}",
        denies=True,
    ),
    *_say(
        "support_notified",
        "the support team was not notified",
        rf"{_SUPPORT}(?:knew (?:early|at once|first)|(?:was|were|had been)\s(?!not\b|never\b)"
        r"(?:\w+\s)?(?:told|informed|notified|briefed|warned))\b",
        denies=False,
    ),
    *_say(
        "executives_involved",
        "executives were involved",
        rf"\bno\s{_CHIEFS}\s(?:was|were)\s(?:involved|called|needed|told)\b",
        denies=True,
    ),
    *_say(
        "executives_involved",
        "no executive was involved",
        rf"\b(?:the|our|an?)\s{_CHIEFS},?\s(?:\w+\s)?(?:joined|took part|led|ran|was on the call|"
        r"(?:was|were)\s(?:involved|informed|consulted|paged|called in))\b",
        denies=False,
    ),
)
"""Each statement with what denies it."""


_LEVEL = re.compile(
    r"\b(?:declared|handled|treated|classified|classed|rated|raised|upgraded|filed)\s(?:\w+\s)?"
    r"(?:as\s|to\s)?(?:an?\s)?[PS](?P<digit>[0-4])\b",
    re.IGNORECASE,
)


def statements(case: Case) -> Iterator[Finding]:
    """Find plain statements that a field denies."""
    for cell, text in passages(case, plans=True):
        for said in _read(text):
            for each, match in said:
                if case.fact(each.fact) is each.denies:
                    yield about(case, cell, f"“{match.group().strip()}”, but {each.truth}.")
                    break


@lru_cache(maxsize=TEXTS)
def _read(text: str) -> tuple[tuple[tuple[Statement, re.Match[str]], ...], ...]:
    """Return what each sentence of a text states plainly, with where; kept until it is edited."""
    plain = (sentence for sentence in sentences(text) if not _OPEN.search(sentence))
    found = (((each, each.pattern.search(said)) for each in STATEMENTS) for said in plain)
    return tuple(tuple((each, match) for each, match in said if match) for said in found)


def declared(case: Case) -> Iterator[Finding]:
    """Find a severity in a message of the day that nobody declared."""
    severity, last = case.fact("severity"), final(case)
    levels = {severity, *(row.get("severity_declared") for row in case.rows("timeline"))}
    for cell in case.cells if severity else ():
        early = cell.table == "updates" and cell.column.kind == "line" and cell.row not in last
        text = language.mask(str(cell.value)) if early else ""
        for pattern in (_LEVEL, SEV):
            match = pattern.search(text)
            if match and f"SEV-{match['digit']}" not in levels:
                said = match.group().strip()
                yield about(case, cell, f"“{said}”, but the severity is {severity}.")


_EVERYONE = re.compile(
    rf"\b(?:all|every|each)(?:\sof\sthe|\sthe|\sof\sour)?\s(?:affected|these|those)\s(?:[a-z]+\s)?"
    rf"{PEOPLE}(?:,\s[^,.;]{{1,40}},)?\s(?:was|were|has been|have been|got|received)\s(?:an?\s)?"
    r"(?:also\s|then\s|all\s)?(?:told|informed|notified|e-?mailed|mailed|sent|e-?mails?|"
    r"contacted|written to)\b",
    re.IGNORECASE,
)
"""Everybody who was affected is said to have been told."""
_MOST, _MORE = 0.9, 1.1
"""Shares of those affected: fewer than all of them, and more, were told."""


def told(case: Case) -> Iterator[Finding]:
    """Find how many were notified at odds with how many were affected, where nothing tells why.

    Many are told who were not hit: a text says so, or has their number.
    """
    total, notified = case.fact("affected_total"), case.fact("customers_notified")
    if not total or not notified:
        return
    for cell, text in passages(case, plans=True):
        for match in matches(_EVERYONE, text) if notified < _MOST * total else ():
            truth = f"{notified:,} of {total:,} were notified"
            yield about(case, cell, f"“{match.group()}”, but {truth}.")
    texts = " ".join(str(cell.value) for cell in case.cells if cell.column.kind in _WORDS)
    if notified > _MORE * total and not re.search(rf"\b(?:{notified:,}|{notified})\b", texts):
        yield single.about(
            case,
            Code.RANGE,
            "customers_notified",
            message=f"{notified:,} customers were notified, but {total:,} were affected.",
            remedy="Correct one of the two, or say in the text who else was told.",
            severity=Severity.HINT,
        )


_WORDS = frozenset({"prose", "line"})
RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (statements, declared, told)
