"""Blameless language, by section: which rules read which blank, and what a flag becomes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb import language, subjects
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.review import REVIEW, reached
from postmortem_nb.language import Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.language import Flag

TABLES: Mapping[str, Setting] = {
    SINGLE: Setting.PLAIN,
    "timeline": Setting.NARRATIVE,
    "whys": Setting.CAUSES,
    "factors": Setting.CAUSES,
    "went_well": Setting.PLAIN,
    "went_wrong": Setting.PLAIN,
    "updates": Setting.PLAIN,
    "takeaways": Setting.PLAIN,
    "actions": Setting.ACTIONS,
    "approvals": Setting.OFF,
    "sharing": Setting.OFF,
    "similar": Setting.OFF,
    "monitors": Setting.OFF,
    "dashboards": Setting.OFF,
    "process_changes": Setting.ACTIONS,
    "technical_changes": Setting.ACTIONS,
    "runbooks": Setting.ACTIONS,
}
"""Table → how its text is read. A team's own table is read as plain text."""

BLANKS: Mapping[tuple[str, str], Setting] = {
    (SINGLE, "what_happened"): Setting.NARRATIVE,
    (SINGLE, "why_it_happened"): Setting.NARRATIVE,
    (SINGLE, "what_we_did"): Setting.NARRATIVE,
    (SINGLE, "what_we_will_do"): Setting.ACTIONS,
    (SINGLE, "problem"): Setting.CAUSES,
    (SINGLE, "technical_cause"): Setting.CAUSES,
    (SINGLE, "organizational_cause"): Setting.CAUSES,
    (SINGLE, "process_cause"): Setting.CAUSES,
    (SINGLE, "key_logs"): Setting.OFF,
    (SINGLE, "key_traces"): Setting.OFF,
    (SINGLE, "key_events"): Setting.OFF,
    (SINGLE, "metric_graphs"): Setting.OFF,
    (SINGLE, "title"): Setting.NARRATIVE,
    ("factors", "name"): Setting.CAUSES,
    ("factors", "prevention"): Setting.ACTIONS,
    ("went_wrong", "how_to_improve"): Setting.ACTIONS,
    ("updates", "text"): Setting.PLAIN,
}
"""Blanks that are read differently from the rest of their table."""

LINES_READ = frozenset(
    {
        (SINGLE, "title"),
        ("factors", "name"),
        ("updates", "text"),
        ("process_changes", "new"),
        ("technical_changes", "plan"),
        ("runbooks", "updates"),
    }
)
"""Blanks of one line that hold sentences; other lines hold names."""

CODES: Mapping[str, Code] = {"AI1": Code.EXHORTS, "AI2": Code.VAGUE}
"""Rules that have a code of their own; the others are `Code.BLAME`."""

ALLOWED = "blameless-allow"
"""Key of a template's front matter: words, parted by commas, that a team lets stand."""

CHAIN_END = "RC2"
SUMMED = ("technical_cause", "organizational_cause", "process_cause")
"""Blanks that are written when the whys are answered."""
_BEFORE = 40
"""Characters before a role that are looked at."""
_ANYBODY = re.compile(
    r"\b(?:an?|any|no|every|each|neither)\s(?:(?!(?:the|our|this|that|his|her|their)\b)[\w-]+\s){0,2}$",
    re.IGNORECASE,
)
_WHY = re.compile(r"(?<=\w[\s,])\s?because\s(?!of\b)", re.IGNORECASE)
"""Within an answer: what is behind it is where the chain ends."""
_BARE = re.compile(r"(?:^|[.,;:(]\s|\b(?:of|by|for|to|from|with|among|between)\s)$", re.IGNORECASE)
"""Before a role: it is that of anybody; the second of several."""
_DID = re.compile(
    r"\s(?:on[ -]\w+\s)?(?:(?:has|have|also|then|just|simply|never)\s){0,2}(?!need\b)"
    r"(?:\w+ed|ran|went|took|gave|sent|wrote|made|left|chose|saw|knew|told|did|got|came|began|put|"
    r"let|set|was|were|had|thought|brought|kept|built|said|forgot|lacked)\b",
    re.IGNORECASE,
)
"""Behind a role: somebody did it, or had it."""
_TEAM = re.compile(r"\b(?:teams?|groups?|departments?)\b", re.IGNORECASE)


def wording(case: Case) -> Iterator[Finding]:
    """Find words that judge people, in every blank of prose but those of actions."""
    people, complete, allowed = case.people(), outage(case), allows(case)
    for cell in case.cells:
        setting = reads(cell)
        if setting is Setting.OFF or cell.table == "actions":
            continue
        flags = language.read(str(cell.value), setting=setting, people=people, complete=complete)
        place = (cell.table, cell.row, cell.column.name)
        for flag in flags:
            if cell.table == "runbooks" and flag.rule.id in CODES:
                continue  # what the runbook shall say: “Look at the queue first”
            if " ".join(flag.words.lower().split()) not in allowed:
                yield remark(case, flag, place)


def chain(case: Case) -> Iterator[Finding]:
    """Find a chain of whys that ends at a person: the system that allowed it is one why further.

    What a team owns or is given ends at nobody; in a Draft the chain may go on.
    """
    answered = [row for row in case.rows("whys") if row.get("answer")]
    if not answered or not _ended(case, len(answered)):
        return
    last = answered[-1]
    told = _WHY.split(_TEAM.sub(" ", language.mask(str(last["answer"]))))[-1]
    found = _person(told, case.people())
    if found:
        yield Finding(
            code=Code.BLAME,
            severity=Severity.WARNING,
            where=case.where("whys", last["row"], "answer"),
            message=f"The last why ends at a person (“{found}”): a chain that ends there explains "
            "nothing that can be changed.",
            remedy="Ask one why more: how did the system, the tools or the schedule allow it, and "
            "make it sensible then? (PagerDuty; coehub)",
            table="whys",
            row=last["row"],
            name="answer",
            rule=CHAIN_END,
        )


RULES = (wording, chain)


def _person(told: str, people: Iterable[str]) -> str:
    """Return the first word that stands for somebody, or ``""``: role, name, training.

    What any of them finds or lacks is of no person: “neither a reviewer nor a test knows it”.
    """
    known, roles = subjects.names(people), {*subjects.data()["subjects"]["roles"]}
    for match in subjects.WORD.finditer(told):
        word = match.group()
        named = subjects.named(word, known) or word.lower() == "training"
        if named or (word.lower() in roles and not _is_any(told, match)):
            return word
    return ""


def _is_any(told: str, role: re.Match[str]) -> bool:
    """Return whether a role is that of anybody, who did nothing."""
    before = told[max(0, role.start() - _BEFORE) : role.start()]
    anybody = _ANYBODY.search(before) or (role.group()[-1] == "s" and _BARE.search(before))
    return bool(anybody) and not _DID.match(told, role.end())


def _ended(case: Case, answered: int) -> bool:
    """Return whether the whys are at their end: summed up, all answered, or in Review."""
    asked = sum(len(group.presets) for group in case.template.groups("whys"))
    summed = any(case.fact(name) for name in SUMMED if case.has(SINGLE, name))
    return summed or answered >= asked or reached(case, REVIEW)


def reads(cell: Cell) -> Setting:
    """Return how a blank is read."""
    place = (cell.table, cell.column.name)
    prose = cell.column.kind == "prose" or place in LINES_READ
    if not prose or cell.column.derived:
        return Setting.OFF
    return BLANKS.get(place, TABLES.get(cell.table, Setting.PLAIN))


def allows(case: Case) -> set[str]:
    """Return the words that a team's template lets stand, in lower case."""
    written = case.template.facts.get(ALLOWED, "")
    return {words.strip(" \"'[]").lower() for words in written.split(",")}


def outage(case: Case) -> bool | None:
    """Return whether it was a complete outage, ``None`` when nobody said."""
    severity, experience = case.fact("severity"), case.fact("experience")
    if severity is None and experience is None:
        return None
    return bool(severity == "SEV-0" or experience == "Complete outage")


def remark(case: Case, flag: Flag, place: tuple[str, str, str]) -> Finding:
    """Return a flag of a language rule as a finding."""
    rule, (table, row, name) = flag.rule, place
    # the examples are of another incident: nobody should look for them in their own
    first, second = (each.replace(": “", ", for example “", 1) for each in rule.instead)
    return Finding(
        code=CODES.get(rule.id, Code.BLAME),
        severity=Severity.HINT if flag.hint else Severity.WARNING,
        where=case.where(table, row, name),
        message=f"“{' '.join(flag.words.split())}”: {rule.title}. {rule.reason}",
        remedy=f"{first} Or: {second} ({rule.source})",
        table=table,
        row=row,
        name=name,
        rule=rule.id,
    )
