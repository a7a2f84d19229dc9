"""Actions in sentences: whose they are, how far they are, when they are due.

A clause means the action, monitor, change or runbook with which it shares most words, at least two;
it is doubted only where none of the rows that share as many agrees with it.
"""

from __future__ import annotations

import calendar
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import events
from postmortem_nb.checks.dates import DATE, MONTHS, day_of
from postmortem_nb.checks.reading import TEXTS, about, is_plan, passages, sentences, told

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case, Cell, Row
    from postmortem_nb.checks.report import Finding

TABLES: Mapping[str, tuple[str, ...]] = {
    "actions": ("title", "description"),
    "monitors": ("name", "purpose"),
    "dashboards": ("name", "purpose"),
    "process_changes": ("name", "new", "benefit"),
    "technical_changes": ("name", "target", "plan"),
    "runbooks": ("name", "updates"),
}
"""Tables of what will be done → the columns that say what."""

OWN: Mapping[str, str] = {"actions": "description", "runbooks": "updates"}
"""Tables whose rows tell in a column of their own how far they are."""

_ENOUGH = 2  # words that a clause and a task share
_SURE = 3  # where the text does not speak of plans
_SHORT = 9  # words of a clause of a plan that may name an action by one of its words

_CLAUSE = re.compile(r"[,;:]\s|\s[–—-]\s|\s(?:and|while|whereas|but|though)\s")
_BACK = re.compile(r"\s*(?:that|this|it|which|both) (?:is|are|has|have)\b", re.IGNORECASE)
"""A clause that speaks of what the one before it tells."""
_PRONOUN = re.compile(r";\s*(?:that|this|it|which|both)\s$", re.IGNORECASE)
_THOUGHT = re.compile(
    r"\b(?:that|which|who|whose|when|whenever|if|whether|until|unless|once|as soon as|before|"
    r"after|where|because|should|must|would|could|may|might|alerts?|warns?|pages?|rejects?|"
    r"refuses?|nothing|any|every|each)\b",
    re.IGNORECASE,
)
"""Before a state: it is none of the task, “alert when the job has not been started”."""

_ENDED = (
    r"(?:done|finished|completed?|closed|shipped|delivered|merged|deployed|released|rolled out|"
    r"live|in production|in place|in force|implemented|launched|switched on|published)"
)
_BEGUN = r"(?:started|begun|touched|picked up|tackled|looked at)"
_MONTHS = "|".join(calendar.month_name[1:])
_NOT_YET = r"(?:has|have|is|are|was|were)(?: still| yet)?(?: not|n[’']t)(?: yet)?(?: even)? "
_STATES: Mapping[str, re.Pattern[str]] = {
    "not begun": re.compile(
        rf"\b(?:{_NOT_YET}(?:been )?{_BEGUN}|"
        rf"(?:nobody|no one|none of us) has (?:yet |even )?{_BEGUN}|"
        r"(?:has|have) yet to (?:start|begin|be (?:started|begun|tried|picked up)|try)|"
        r"(?:not|never) (?:yet )?(?:started|begun)|untouched|no work (?:has|on)|"
        r"(?:sits|is|still|waits) in the backlog|waits to be (?:started|picked up))\b",
        re.IGNORECASE,
    ),
    "open": re.compile(
        rf"\b(?:{_NOT_YET}(?:been |gone )?{_ENDED}|(?:is|are) (?:still )?(?:open|pending|"
        r"outstanding|unfinished|incomplete|blocked|waiting)|no idea when|"
        r"yet to (?:be|go|ship|land|merge)|(?:still|is|are) (?:stuck|waiting)|"
        r"half[- ](?:done|finished|way))\b",
        re.IGNORECASE,
    ),
    "under way": re.compile(
        r"\b(?:(?:is|are|still) (?:now |well |already |currently )?(?:in progress|under ?way|"
        r"in review|in the works|in testing|being (?:\w+ed|built|written|done|made|rewritten))|"
        r"(?:we are|is|are) (?:still )?working on|(?:has|have) (?:been )?(?:started|begun) on)\b",
        re.IGNORECASE,
    ),
    "done": re.compile(
        rf"\b(?:(?:is|are) (?:already |now |meanwhile |since |fully |all )*{_ENDED}(?! (?:by|when|"
        rf"as|on \d|in (?:{_MONTHS}))\b)|(?:has|have) (?:already |now |since |"
        rf"meanwhile |long )*(?:been |gone )?(?:{_ENDED}|landed|gone out)|(?:went|gone) live|"
        r"(?:has|have) been (?:live|running|in place))\b",
        re.IGNORECASE,
    ),
}
"""What a clause says of a task, the narrowest first → how."""
_OWN_DONE = re.compile(
    rf"\b(?:{_ENDED} (?:last (?:week|month|\w+day)|yesterday|since|on (?:the )?\d|already|ahead|"
    r"early)|(?:live|running|in place|in production) since|already (?:live|done|shipped|merged|"
    r"running|in place))\b",
    re.IGNORECASE,
)
"""What a row says of itself in short: “Shipped last week.”"""

_DENIES: Mapping[str, frozenset[str]] = {
    "not begun": frozenset({"done", "under way"}),
    "open": frozenset({"done"}),
    "under way": frozenset({"done", "not begun"}),
    "done": frozenset({"not begun", "under way"}),
}
"""What is said of a task → the states that deny it."""
_IF = re.compile(r"\b(?:when|if|unless|once|before|after|would|could|might)\b", re.IGNORECASE)
"""Before a day: nothing is due then."""
_MARKED = re.compile(r"\b(?:already|meanwhile|by now|now|still|yet|nobody|so far)\b", re.IGNORECASE)

_HELPS = (
    r"(?:helps|reviews|supports|assists|is|was|has|asks|suggests|proposes|says|thinks|knows|joins|"
    r"watches|advises|consults|approves|checks|follows|accepts|signs|tests|agrees|does|needs|"
    r"wants|waits|backs|shadows|sponsors|presents|explains|shares|tells|talks|reports|walks|teaches|"
    r"describes|demonstrates|takes(?! (?:over|care|on)\b))"
)
_ACTIVE = re.compile(
    rf"(?:,? (?:who )?)?(?P<now>(?:\w+ly |also |now )?(?!{_HELPS}\b)[a-z]+s\b(?! (?:approval|"
    r"review))|(?:is|was) (?:the owner|in charge|responsible)|(?<=[a-z])[’']s (?:job|task|action|"
    r"responsibility)\b)"
    r"|,? (?:will|is going to|is to|shall)(?: now| also)? (?!be\b|help|review|support|assist|join|"
    r"approve|advise|check|sign|not\b|ask|consult|follow|present|explain|share|tell|talk|report|"
    r"walk|teach|describe|demonstrate|take (?!over|care|on\b))[a-z]+"
)
_PASSIVE = re.compile(
    r"(?:(?P<now>\b(?:sits|lies|rests|is|are|stays|remains|lands) (?:now )?with|"
    r"\bin the hands of|\bbelongs to|\bgoes to|\bfalls to|\b(?:is|are) (?:owned|led|driven) by)|"
    r"\b(?:is|are|will be|to be|being) (?!reviewed|approved|checked|tested|supported|signed|"
    r"helped|advised|followed)(?:\w+ed|built|written|done|led|made|taken|run|driven|set) by|"
    r"\b(?:is|are|was|were|been) (?:assigned|given|handed) to)(?: our)? $",
    re.IGNORECASE,
)

_BY = re.compile(
    r"\b(?:due|by|no later than|lands?|planned|scheduled|expected|ships?|goes (?:out|live)|"
    r"promised|comes?|arrives?|deadline|finished|ready)(?: (?:is|are|be|for|on|by|at|in|until|the|"
    r"out|live|before))*(?: \w+day,?)? "
    rf"(?:(?:{DATE})|(?P<end>end of )?(?P<alone>{_MONTHS})\b(?! \d))",
    re.IGNORECASE,
)
_EVERY = re.compile(
    r"\b(?:all|every(?:thing| one| action| item)?|the last|the latest)\b(?:\s[\w’'-]+){0,6}?\s"
    r"(?:is|are|be|falls?|gets?)\b",
    re.IGNORECASE,
)
"""What is said of every action, or of the last one."""
_SOME = re.compile(
    r"\b(?:immediate|short-term|long-term|P[0-4]|first|but|except|apart|team|monitor\w*|dashboard\w*|"
    r"runbook\w*|review\w*|approv\w+)\b",
    re.IGNORECASE,
)
_LATE = 20  # a day from which on it is the end of its month


class Task(NamedTuple):
    """A row of what will be done: its table, its values, what it is called, its words."""

    table: str
    row: Row
    called: str
    stems: frozenset[str]


@lru_cache(maxsize=4)
def known(case: Case) -> tuple[Task, ...]:
    """Return what will be done."""
    return tuple(
        Task(table, row, str(row[columns[0]]), _stems(row, columns))
        for table, columns in TABLES.items()
        for row in case.rows(table)
        if row.get(columns[0])
    )


def _stems(row: Row, columns: Sequence[str]) -> frozenset[str]:
    return events.stems(" ".join(str(row.get(each) or "") for each in columns))


def meant(case: Case, clause: str, *, least: int = _ENOUGH) -> list[Task]:
    """Return the tasks that a clause may mean: those with which it shares most words."""
    said = events.stems(clause)
    shared = [(len(said & task.stems), task) for task in known(case)]
    most = max((count for count, _ in shared), default=0)
    return [task for count, task in shared if count == most] if most >= least else []


def state(task: Task) -> str:
    """Return how far a task is by its row, or nothing."""
    status = str(task.row.get("status") or "").lower()
    if re.search(r"not (?:yet )?(?:started|created|begun)|planned|proposed|to ?do\b", status):
        return "not begun"
    if re.search(r"progress|review|draft|testing|under way", status):
        return "under way"
    return "done" if re.search(r"\b(?:complete|done|live|closed|updated|active)", status) else ""


def tasks(case: Case) -> Iterator[Finding]:
    """Find sentences that give a task another owner, state or day than its row."""
    people = _people(case)
    for cell, text, own in _texts(case):
        for sentence in _joined(sentences(text)):
            for found in (
                _owner(case, cell, sentence, people, own),
                _progress(case, cell, sentence, own),
                _due(case, cell, sentence, own),
                _last(case, cell, sentence),
            ):
                if found:
                    yield about(case, cell, f"“{found[0].strip(' ,.')}”, but {found[1]}.")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (tasks,)


def _texts(case: Case) -> Iterator[tuple[Cell, str, Task | None]]:
    """Yield the texts that may tell of tasks; with the task whose own text it is."""
    for cell, text in passages(case, plans=True):
        yield cell, text, None
    rows = {(task.table, task.row["row"]): task for task in known(case)}
    for cell in case.cells:
        if OWN.get(cell.table) == cell.column.name and (cell.table, cell.row) in rows:
            yield cell, str(cell.value), rows[cell.table, cell.row]


def _plans(cell: Cell) -> bool:
    """Return whether a text speaks of what will be done."""
    plan = cell.table in {*OWN, "takeaways"} or cell.column.name in {"how_to_improve", "prevention"}
    return plan or is_plan(cell)


@lru_cache(maxsize=TEXTS)
def _clauses(sentence: str) -> tuple[str, ...]:
    return tuple(_joined(each for each in _CLAUSE.split(sentence) if each))


def _joined(pieces: Iterable[str]) -> list[str]:
    """Return the pieces of a text, one that speaks of the piece before it together with that."""
    found: list[str] = []
    for each in pieces:
        if found and _BACK.match(each):
            found[-1] = f"{found[-1].rstrip(';')}; {each}"
        else:
            found.append(each)
    return found


class _People(NamedTuple):
    """How people may be called, with their whole names, and where a text calls one."""

    names: Mapping[str, str]
    pattern: re.Pattern[str]

    def find(self, text: str) -> list[re.Match[str]]:
        return list(self.pattern.finditer(text)) if self.names else []

    def distinct(self, found: Sequence[re.Match[str]]) -> int:
        return len({self.names[each.group()] for each in found})


def _people(case: Case) -> _People:
    """Return who may be called how: “Nils” where there is one Nils."""
    teams = {word.lower() for each in case.fact("teams") or () for word in str(each).split()}
    several = (each for each in case.people() if 1 <= each.count(" ") <= 2)
    whole = [each for each in several if each.istitle() and not teams & {*each.lower().split()}]
    parts = [part for each in whole for part in each.split()]
    names = {each: each for each in sorted(whole, key=len, reverse=True)}
    alone = {part: each for each in whole for part in each.split() if len(part) > 2}
    names |= {part: each for part, each in alone.items() if parts.count(part) == 1}
    return _People(names, re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b"))


def _owner(
    case: Case, cell: Cell, sentence: str, people: _People, own: Task | None
) -> tuple[str, str] | None:
    """Return whose a task is, where a sentence gives it to somebody else."""
    found = people.find(sentence)
    if not found or cell.table == "timeline":
        return None
    for clause in _clauses(sentence) if people.distinct(found) > 1 else (sentence,):
        called = people.find(clause)
        if people.distinct(called) != 1:
            continue
        name = called[0]
        way = _ACTIVE.match(clause, name.end()) or _PASSIVE.search(clause[: name.start()])
        if not way or (way.groupdict().get("now") and not _plans(cell)):
            continue
        who = people.names[name.group()]
        rest = clause.replace(name.group(), " ")
        fits = meant(case, rest, least=_ENOUGH if _plans(cell) else _SURE)
        if not fits and own and events.stems(rest) & own.stems:
            fits = [own]
        owners = [str(task.row.get("owner") or "") for task in fits]
        if fits and all(owners) and not any(who.lower() in each.lower() for each in owners):
            return clause, f"“{fits[0].called}” belongs to {owners[0]}"
    return None


def _progress(case: Case, cell: Cell, sentence: str, own: Task | None) -> tuple[str, str] | None:
    """Return how far a task is, where a sentence tells otherwise."""
    if cell.table == "timeline":
        return None
    clauses = _clauses(sentence)
    for clause in clauses:
        said, match = _said(clause, own)
        if match is None or _THOUGHT.search(_PRONOUN.sub("", clause[: match.start()])):
            continue
        least = _ENOUGH if _plans(cell) else _SURE
        if not _plans(cell) and not (_MARKED.search(clause) and told(cell)):
            continue
        fits = [own] if own else meant(case, clause, least=least)
        named = [each for each in meant(case, clause, least=1) if each.table == "actions"]
        if not fits and is_plan(cell) and clause.count(" ") <= _SHORT and named:
            fits = named if len(named) == 1 else []
        elif not fits and sum(_said(each, own)[1] is not None for each in clauses) == 1:
            fits = meant(case, sentence, least=least)
        fits = [task for task in fits if task.table == "actions"] or fits
        if fits and all(state(task) in _DENIES[said] for task in fits):
            status = fits[0].row["status"]
            return clause, f"“{fits[0].called}” has the status {status}"
    return None


def _said(clause: str, own: Task | None) -> tuple[str, re.Match[str] | None]:
    """Return what a clause says of how far a task is, and where."""
    for said, pattern in _STATES.items():
        if match := pattern.search(clause):
            return said, match
    return "done", _OWN_DONE.search(clause) if own else None


def _due(case: Case, cell: Cell, sentence: str, own: Task | None) -> tuple[str, str] | None:
    """Return when a task is due, where a sentence tells another day."""
    if not _plans(cell):
        return None
    every = list(_BY.finditer(sentence))
    for clause in (sentence,) if len(every) == 1 else _clauses(sentence):
        match = _BY.search(clause)
        if match is None or _IF.search(clause[: match.start()]):
            continue
        fits = meant(case, clause) or ([own] if own else [])
        days = [task.row.get("due") for task in fits]
        if fits and all(day and not _is_day(match, day) for day in days):
            return match.group(), f"“{fits[0].called}” is due on {days[0]}"
    return None


def _is_day(match: re.Match[str], due: dt.date) -> bool:
    """Return whether a day is the one of a sentence, or in its month."""
    if month := match["alone"]:
        until = match.group().lower().startswith(("by ", "no later"))
        late = due.day >= _LATE or not match["end"] or until
        return due.month == MONTHS[month[:3].lower()] and late
    return day_of(match, due) in {due, None}


def _last(case: Case, cell: Cell, sentence: str) -> tuple[str, str] | None:
    """Return when the last action is due, where a sentence has all of them done on another day."""
    days = [row["due"] for row in case.rows("actions") if row.get("due")]
    match = _BY.search(sentence)
    every = _EVERY.search(sentence[: match.start() + 4]) if match else None
    if not days or not match or not every or not is_plan(cell) or _SOME.search(sentence):
        return None
    last = max(days)
    least = not every.group().lower().startswith("the")
    month = MONTHS[match["alone"][:3].lower()] if match["alone"] else 0
    said = None if month else day_of(match, last)
    late = last > said if said else month and (last.month - month) % 12 in range(1, 7)
    other = last != said if said else month and last.month != month
    return (
        (match.group(), f"the last action is due on {last}") if (late if least else other) else None
    )
