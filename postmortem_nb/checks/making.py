"""An action against the monitor or change that it makes, and against sentences that it is done.

Its day, its owner, how far it is. A clause is doubted only where none of the actions that it may
mean is done.
"""

from __future__ import annotations

import calendar
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb.checks import events, identity, mentions, single
from postmortem_nb.checks.reading import TEXTS, about, is_plan, passages, sentences
from postmortem_nb.checks.report import Code, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case, Row
    from postmortem_nb.checks.report import Finding

_MADE = ("monitors", "technical_changes", "process_changes")
_STATES = {"monitors": ("status",), "technical_changes": ("plan", "current")}
"""Table → blanks that say how far the thing is."""
_ALERTS = re.compile(r"\s*(?:an?\s)?(?:alert|page|warn|monitor|dashboard)\b", re.IGNORECASE)
_TICKET = re.compile(r"\b[A-Z][A-Z0-9]+-\d+\b")
_METRIC = re.compile(r"\b[a-z]\w*(?:\.[a-z]\w*)+\b")
_MADE_ALREADY = re.compile(
    r"\s*(?:completed?|live|done|in (?:production|place|use))\b", re.IGNORECASE
)
"""How the status of a thing begins that is there."""
_PART = re.compile(r"\w[_\d-]")
_SHARED = 2
"""Words that a thing and the action that makes it share."""
_TIMES = events.stems("minute hour day week month minutes hours days weeks months each every per")
"""Words that join nothing."""
_NAMED_BY = 0.5
"""Share of the words of a thing's name that they are."""
_DONE = re.compile(
    r"\b(?:live since|in use (?:since|from)|released (?:to|on)|"
    r"(?:rolled out|deployed|shipped) (?:to|on)|in (?:production|place|operation|force) since|"
    r"(?:built|recycled) (?:on|by)|done (?:on|since))\b",
    re.IGNORECASE,
)
"""What says of a thing that it is there."""
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
"""Before a state: it is none of the action, “alert when the job is done”."""
_ENDED = (
    r"(?:done|finished|completed?|closed|shipped|delivered|merged|deployed|released|rolled out|"
    r"live|in production|in place|in force|implemented|launched|switched on|published)"
)
_MONTHS = "|".join(calendar.month_name[1:])
_AFTER = re.compile(
    r"\b(?:after|once|when|as soon as)\s(?:the|that|this)\s([a-z-]{3,})", re.IGNORECASE
)
"""What a plan waits for."""
_IS_DONE = re.compile(
    rf"\b(?:(?:is|are) (?:already |now |meanwhile |since |fully |all )*{_ENDED}(?! (?:by|when|"
    rf"as|on \d|in (?:{_MONTHS}))\b)|(?:has|have) (?:already |now |since |meanwhile |long )*"
    rf"(?:been |gone )?(?:{_ENDED}|landed|gone out)|(?:went|gone) live|"
    r"(?:has|have) been (?:live|running|in place))\b",
    re.IGNORECASE,
)
_IN_PLACE = re.compile(
    r"\b(?:is|are) (?:now |already )*in (?:place|force|operation)(?! (?:when|once|as soon))\b",
    re.IGNORECASE,
)
_SHORT = 9
"""Words of a clause that may name an action by one of them."""
_BESIDE = (*_MADE, "dashboards", "runbooks")
"""Tables of what a clause may mean beside the actions."""
_SAYING = ("title", "description", "name", "new", "target", "purpose")
_UNDONE = frozenset({"Not Started", "In Progress"})
_UNMADE = re.compile(
    r"^\s*(?:not (?:yet )?(?:started|begun|live)|planned|to do|open)\b", re.IGNORECASE
)


def dues(case: Case) -> Iterator[Finding]:
    """Find a thing with another day, or another owner, than the action that makes it."""
    for table, row, action in _made(case):
        for name, word in (("due", "Due on"), ("owner", "Owned by")):
            both = action.get(name) and row.get(name)
            if not both or action[name] == row[name] or not _is_titled(row, action):
                continue
            if name == "due" and _rolled_out(row, action):
                continue
            message = f"{word} {row[name]}, but the action “{action['title']}”: {action[name]}."
            code = Code.DATE if name == "due" else Code.OWNER
            yield _wrong(case, (table, row["row"]), code, name, message)


def measured(case: Case) -> Iterator[Finding]:
    """Find a proposed monitor on a metric beside the one that the action which makes it names."""
    for table, row, action in _made(case):
        asked = set(_METRIC.findall(str(row.get("query") or ""))) if table == "monitors" else set()
        text = f"{action.get('title')} {action.get('description')}"
        for metric in () if asked & set(_METRIC.findall(text)) else sorted(asked):
            beside = metric.rpartition(".")[0]
            others = [each for each in _METRIC.findall(text) if each.rpartition(".")[0] == beside]
            if others and not identity.near_to(metric, others[0]):  # a slip: told there
                message = f"{metric}, but the action “{action['title']}” has {others[0]}."
                yield _wrong(case, (table, row["row"]), Code.SOURCES, "query", message)


def finished(case: Case) -> Iterator[Finding]:
    """Find an action that was not begun, or not ended, whose thing is there, and back."""
    for table, row, action in _made(case):
        if action.get("status") == "Complete" and table == "monitors":
            yield from _unmade(case, row, action)
        begun = action.get("status") == "In Progress"
        if action.get("status") in _UNDONE and (table == "monitors" or not begun):
            texts = (str(row.get(each) or "") for each in _STATES.get(table, ()))
            ways = (_DONE.search(text) or _MADE_ALREADY.match(text) for text in texts)
            told = next((match for match in ways if match), None)
            if told:
                place = case.where(table, row["row"], "name")
                said = told.string.strip()[:80]
                yield single.about(
                    case,
                    Code.SOURCES,
                    "status",
                    message=f"{action['status']}, but “{said}” under {place}.",
                    remedy="Correct one of the two.",
                    severity=Severity.HINT if begun else Severity.WARNING,
                    at=("actions", action["row"]),
                )


def done(case: Case) -> Iterator[Finding]:
    """Find an action that the plan tells to be done, and that is not."""
    for cell, text in passages(case, plans=True):
        plan = is_plan(cell)
        for clause in _clauses(text) if plan or cell.table == "takeaways" else ():
            said = _IN_PLACE.search(clause) or (_IS_DONE.search(clause) if plan else None)
            if said is None or _THOUGHT.search(_PRONOUN.sub("", clause[: said.start()])):
                continue
            meant = _meant(case, clause)
            if meant and all(row.get("status") in _UNDONE for row in meant):
                truth = f"“{meant[0]['title']}” has the status {meant[0]['status']}"
                yield about(case, cell, f"“{clause.strip(' ,.')}”, but {truth}.")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (dues, measured, finished, done)


@lru_cache(maxsize=TEXTS)
def _clauses(text: str) -> tuple[str, ...]:
    """Return the clauses of a text, one that speaks of the clause before it together with that."""
    found: list[str] = []
    for sentence in sentences(text):
        for each in filter(None, _CLAUSE.split(sentence)):
            if found and _BACK.match(each):
                found[-1] = f"{found[-1].rstrip(';')}; {each}"
            else:
                found.append(each)
    return tuple(found)


def _meant(case: Case, clause: str) -> list[Row]:
    """Return the actions that a clause may mean: those with which it shares most words.

    One word is enough for a short clause, where a single action has it.
    """
    said = events.stems(clause)
    rows = [(table, row) for table in ("actions", *_BESIDE) for row in case.rows(table)]
    shared = [(len(said & _words(row, *_SAYING)), table, row) for table, row in rows]
    most = max((count for count, *_ in shared), default=0)
    meant = [row for count, table, row in shared if count == most and table == "actions"]
    named = len(meant) == 1 and clause.count(" ") <= _SHORT
    return meant if most >= _SHARED or (most and named) else []


def _unmade(case: Case, row: Row, action: Row) -> Iterator[Finding]:
    """Find a monitor that is not there, where the action that makes it is complete."""
    told = _UNMADE.match(str(row.get("status") or ""))
    if told:
        message = f"“{told.group().strip()}”, but the action “{action['title']}” is Complete."
        yield _wrong(case, ("monitors", row["row"]), Code.SOURCES, "status", message)


def _wrong(case: Case, at: tuple[str, str], code: Code, name: str, message: str) -> Finding:
    return single.about(
        case,
        code,
        name,
        message=message,
        remedy="Correct one of the two.",
        severity=Severity.HINT,
        at=at,
    )


@lru_cache(maxsize=4)
def _made(case: Case) -> tuple[tuple[str, Row, Row], ...]:
    """Return what actions make, each with its table and its action."""
    rows = ((table, row) for table in _MADE for row in case.rows(table))
    found = ((table, row, _action(case, row)) for table, row in rows)
    return tuple((table, row, action) for table, row, action in found if action)


def _action(case: Case, thing: Row) -> Row | None:
    """Return the action that makes a thing: the one whose ticket it names.

    Else that of one owner, or due on one day, with its words: None where another has as many.
    """
    tracked = [each for each in case.rows("actions") if _of_one_ticket(thing, each)]
    tracked = tracked or _of_metric(case, thing)
    if tracked:
        return tracked[0] if len(tracked) == 1 else None
    own = [
        (shared, _named(thing, action), at)
        for at, action in enumerate(case.rows("actions"))
        if _together(thing, action)
        and not _only_alerts(thing, action)
        and (shared := _shared(thing, action)) >= _SHARED
    ]
    most = max((count for count, *_ in own), default=0)
    best = [(named, at) for count, named, at in own if count == most]
    return case.rows("actions")[best[0][1]] if len(best) == 1 and best[0][0] else None


def _of_metric(case: Case, thing: Row) -> list[Row]:
    """Return the actions that name the metric of a proposed monitor."""
    return [row for row in case.rows("actions") if _of_one_metric(thing, row)]


def _of_one_metric(thing: Row, action: Row) -> set[str]:
    asked = set(_METRIC.findall(str(thing.get("query") or "")))
    return asked & set(_METRIC.findall(f"{action.get('title')} {action.get('description')}"))


def _of_one_ticket(thing: Row, action: Row) -> set[str]:
    named = _tickets(" ".join(str(each) for each in thing.values()))
    return named & _tickets(str(action.get("tracking") or ""))


def _tickets(text: str) -> set[str]:
    return set(_TICKET.findall(text))


def _together(thing: Row, action: Row) -> bool:
    """Return whether a thing and an action have one owner, or one day."""
    owner, due = thing.get("owner"), thing.get("due")
    return bool((owner and owner == action.get("owner")) or (due and due == action.get("due")))


def _only_alerts(thing: Row, action: Row) -> bool:
    """Return whether an action makes an alert, and a thing is none."""
    return bool(_ALERTS.match(str(action.get("title") or ""))) and "threshold" not in thing


def _shared(thing: Row, action: Row) -> int:
    """Return how many words they share, those of the action's title twice."""
    words = _words(thing, "name", "new", "target")
    title, rest = _words(action, "title"), _words(action, "description")
    shared = words & (title | rest)
    return len(shared) + len(words & title) if len(shared) >= _SHARED else 0


def _is_titled(thing: Row, action: Row) -> bool:
    """Return whether an action's title tells of the thing; its description may use another one.

    It shares two words with it, or the name of a part: “venue_description”, “ap-south”.
    """
    words = _words(thing, "name", "new", "target") & _words(action, "title")
    named = _of_one_ticket(thing, action) or _of_one_metric(thing, action)
    return bool(named) or len(words) >= _SHARED or any(map(_PART.search, words))


def _named(thing: Row, action: Row) -> bool:
    """Return whether an action has most of the words of a thing's name."""
    name = _words(thing, "name")
    return len(name & _words(action, "title", "description")) >= _NAMED_BY * len(name)


def _words(row: Row, *columns: str) -> frozenset[str]:
    return events.stems(" ".join(str(row.get(each) or "") for each in columns)) - _TIMES


def _rolled_out(change: Row, action: Row) -> bool:
    """Return whether the plan of a change comes behind the action: by a later day, or by its name.

    “Revision 420 after the linter is there”, where the action makes the linter.
    """
    plan, due = str(change.get("plan") or ""), action["due"]
    after = {events.stem(each.lower()) for each in _AFTER.findall(plan)}
    if after & (_words(action, "title") - _words(change, "name")):
        return True
    told = mentions.read(plan)
    return any(each.kind == "date" and each.value > 31.0 * due.month + due.day for each in told)
