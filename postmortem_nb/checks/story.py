"""The story of an incident told in one sentence: when of day, whose it was.

Each way of telling it is read widely and set against the rows that hold the answer: the clocks of
the timeline, the regions that came back, who owns what.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import events, spoken
from postmortem_nb.checks.items import ELSEWHEN, LONGEST
from postmortem_nb.checks.reading import TEXTS, about, matches, passages, sentences
from postmortem_nb.checks.spoken import CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

_OVER = re.compile(
    r"\b(?:over|done|finished|resolved|behind us)\s(?:well\s|long\s|just\s)?(?:before|by)\s"
    r"(?P<meal>dawn|sunrise|breakfast|noon|midday|lunch(?:time)?|dinner|supper)\b",
    re.IGNORECASE,
)
_MEALS = {"dawn": 7, "sunrise": 8, "breakfast": 9, "noon": 12, "midday": 12, "lunch": 13}
_MEALS |= {"lunchtime": 13, "dinner": 20, "supper": 21}
"""Until which hour of a day it is before that."""
_PARTS: dict[str, tuple[int, int]] = {
    "morning": (4, 13),
    "afternoon": (11, 19),
    "evening": (16, 25),
    "night": (20, 31),
    "day shift": (7, 17),
    "night shift": (20, 31),
    "daytime": (8, 17),
    "business hours": (9, 17),
    "midday": (10, 15),
    "noon": (10, 15),
    "midnight": (21, 27),
    "dawn": (3, 9),
    "lunch": (10, 15),
}
_PART = re.compile(
    r"\b(?:in|during|at|on|over|around|that|this|one|through)\s(?:the\s)?(?:\w+\s){0,3}?"
    rf"(?P<part>{'|'.join(sorted(_PARTS, key=len, reverse=True))})\b(?!\s(?:before|after|peak|"
    r"of|team|"
    r"shift lead|shift|on-call|build|job|run|batch))",
    re.IGNORECASE,
)
_HAPPENED = re.compile(
    r"\b(?:it|this|incident|outage|disruption|cutover|deploy\w*|roll-?out|release|migration|"
    r"errors?|"
    r"impact|failure|trouble|struck|hit|happened|began|started|failed|went down|unavailable|"
    r"could)\b",
    re.IGNORECASE,
)
_SLACK = 2  # hours that a place's clock may be from UTC and the words still fit

_GUESS = re.compile(
    r"\b(?:suspicion|hypothesis|hunch|guess|theory|assumption|first idea)\s(?:\w+\s)?(?:proved|"
    r"turned out|"
    r"was|turned out to be)\s(?:to be\s)?(?:right|correct|true|confirmed|spot on|justified)\b",
    re.IGNORECASE,
)
_CHIEFS = re.compile(
    r"\b(?:our|the|an?)\s(?P<who>CEO|CTO|CIO|CISO|COO|CFO|VP(?:\sof\s\w+)?|executives?|board)\s"
    r"(?:\w+\s)?(?:took|led|ran|decided|stepped in|came|dialled|dialed|joined|was on|sat in|"
    r"ordered|"
    r"steered|chaired|gave|called the shots|approved)\b",
    re.IGNORECASE,
)
_TITLED = re.compile(
    r"\b[A-Z]\w+\s[A-Z]\w+(?:\s\(|,\s)(?:our\s|the\s)?(?:[Cc]hief\s\w+\s[Oo]fficer|[Vv]ice\s"
    r"[Pp]resident|VP(?:\s(?:of\s)?[A-Z]\w+)?)(?:\)|,)\s(?:is|was|has|joined|joins|took|leads|comes)\b|"
    r"\b(?:our\s|the\s)?(?:CEO|CTO|CIO|CISO|COO|CFO|VP(?:\s(?:of\s)?[A-Z]\w+)?)\s?(?:[A-Z]\w+\s[A-Z]\w+)?,?\s"
    r"(?:is|was|has|joined|took|leads|led|decides|decided|approved|comes|came)\b"
    r"|\b[A-Z]\w+\s[A-Z]\w+(?:\s\(|,\s)(?:our\s)?(?:CEO|CTO|CIO|CISO|COO|CFO)(?:\)|,)\s"
    r"(?:is|was|has|joined|took|leads|led|runs|decides|approved|comes|came)\b"
)
_CHIEF = re.compile(r"\b(?:[Cc]hief\s\w+\s[Oo]fficer|CEO|CTO|CIO|CISO|COO|CFO)\b")
_SUPPORT = re.compile(
    r"\b(?:support|customer (?:care|service)|(?:help|service)\s?desk)\s(?:team\s)?(?:knew (?:early|"
    r"at once|first)|(?:was|were|had been)\s(?:\w+\s)?(?:told|informed|notified|briefed|warned))\b",
    re.IGNORECASE,
)
_LOCAL = re.compile(r"\blocal\b|\d:\d\d\sUTC\b|\b(?:[ECMP][DS]T|CES?T|[BJ]ST)\b")
"""In a sentence: its part of the day may be that of another zone."""
_NEVER_TOLD = re.compile(
    r"\b(?:we|nobody|no one)\s(?:never\s)?(?:wrote|written|told|informed|notified|contacted|"
    r"e-?mailed|"
    r"write|tell|inform|notify|contact|e-?mail)\s(?:to\s)?(?:any of\s)?(?:the\s|our\s|those\s)?"
    r"(?:\w+\s)?(?:customers?|users?|viewers?|merchants?|visitors?|shoppers?|clients?|subscribers?|"
    r"people|tenants?)\b",
    re.IGNORECASE,
)
_NEVER = re.compile(r"\b(?:never|nobody|no one|did not|didn[’']t)\b", re.IGNORECASE)

_OWNS = re.compile(
    r"\b(?P<team>[A-Z][\w&]+(?:\s[A-Z][\w&]+)?)(?:\steam)?\s(?:had\s|has\s|have\s)?"
    r"(?P<verb>owns?|owned|maintains?|writes?|wrote|written|runs|operates?)\s(?P<what>[^.;,]{3,60})"
)
_OWNED = re.compile(
    r"\b(?:[Tt]he|[Oo]ur)\s(?P<what>[^.;,]{3,60}?)\s(?:belongs?\sto|is\sowned\sby|was\swritten\sby|"
    r"are\sowned\sby|is\smaintained\sby)\s(?:the\s)?(?P<team>[A-Z][\w&]+(?:\s[A-Z][\w&]+)?)"
)
_RANK = re.compile(
    r"\b(?P<name>[a-z]{2,}(?:-[a-z0-9]+)+|[A-Z][a-z]{3,})\s(?:\w+\s){0,2}?(?:came back|"
    r"recovered|was back|"
    r"returned|was restored|worked again|printed again|came up|was up|played again|was the)\s"
    r"(?:the\s)?"
    r"(?:very\s)?(?P<rank>first|last)\b",
)


_FROM = re.compile(rf"^\W*(?:from|since|starting (?:at|from))\s{CLOCK}", re.IGNORECASE)


def story(case: Case) -> Iterator[Finding]:
    """Find sentences that tell the incident otherwise than its rows."""
    utc = _in_utc(case)
    for cell, text in passages(case):
        if cell.column.name == "problem":
            yield from _begun(case, cell, text)
        for sentence in _told(text):
            truths = (
                _before(case, sentence),
                _of_day(case, cell, sentence) if utc else None,
                _plainly(case, sentence),
                _ranked(case, sentence),
            )
            for found in truths:
                if found:
                    yield about(case, cell, f"“{found[0].strip(' ,.')}”, but {found[1]}.")
    yield from _owners(case)
    yield from _joined(case)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (story,)


def _in_utc(case: Case) -> bool:
    """Return whether the parts of the day that the document tells fit UTC: they may be local."""
    said = [
        (cell, sentence)
        for cell, text in passages(case)
        for sentence in _told(text)
        if cell.table != "timeline" and _PART.search(sentence) and _HAPPENED.search(sentence)
    ]
    fitting = [_of_day(case, cell, sentence) is None for cell, sentence in said]
    return fitting.count(False) < 2 or sum(fitting) > len(fitting) / 2


def _begun(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find a problem that is told from another clock than the incident's start."""
    start, match = case.moments.start, _FROM.match(text)
    if start is None or match is None:
        return
    gap = spoken.apart(match, 60 * start.hour + start.minute)
    if gap is not None and gap > 1:
        said = match.group().strip()
        yield about(case, cell, f"“{said}”, but the incident starts at {times.shown(start)}.")


@lru_cache(maxsize=TEXTS)
def _told(text: str) -> tuple[str, ...]:
    """Return the sentences of a text that tell any of it; kept until it is edited."""
    ways = (_OVER, _PART, _GUESS, _CHIEFS, _NEVER_TOLD, _RANK, _SUPPORT)
    return tuple(each for each in sentences(text) if any(matches(way, each) for way in ways))


def _before(case: Case, sentence: str) -> tuple[str, str] | None:
    """Return an hour before which all was over, and was not."""
    start, end, match = case.moments.start, case.moments.recovered, _OVER.search(sentence)
    if start is None or end is None or match is None or ELSEWHEN.search(sentence):
        return None
    bound = _MEALS[match["meal"].lower()] + _SLACK
    hour = (end - start.replace(hour=0, minute=0, second=0)).total_seconds() / 3600
    return (match.group(), f"it was over at {times.shown(end)}") if hour > bound else None


def _of_day(case: Case, cell: Cell, sentence: str) -> tuple[str, str] | None:
    """Return a time of the day at which nothing of the incident was."""
    start, end = case.moments.start, case.moments.resolved or case.moments.recovered
    if start is None or end is None or cell.table == "timeline" or ELSEWHEN.search(sentence):
        return None
    match = _PART.search(sentence)
    if not match or not _HAPPENED.search(sentence) or _LOCAL.search(sentence):
        return None
    first, last = _PARTS[match["part"].lower()]
    begin = start.hour + start.minute / 60 - _SLACK
    length = (end - start).total_seconds() / 3600 + 2 * _SLACK
    overlaps = any(begin <= last + day and first + day <= begin + length for day in (-24, 0, 24))
    return None if overlaps else (match.group(), f"it began at {times.shown(start)}")


def _plainly(case: Case, sentence: str) -> tuple[str, str] | None:
    """Return a plain statement that a field of the document denies."""
    guess = _GUESS.search(sentence)
    rows = case.rows("timeline")
    held = next((str(row["hypothesis"]) for row in rows if row.get("hypothesis")), "")
    cause = next((str(row["root_cause"]) for row in rows if row.get("root_cause")), "")
    other = held and cause and len(events.stems(held) & events.stems(cause)) < 2
    if guess and other and not ELSEWHEN.search(sentence):
        return guess.group(), f"the root cause is: {cause[:80].rstrip('.')}"
    chief = _CHIEFS.search(sentence)
    if chief and case.fact("executives_involved") is False:
        return chief.group(), "no executive was involved"
    support = _SUPPORT.search(sentence)
    if support and case.fact("support_notified") is False:
        return support.group(), "the support team was not notified"
    told = _NEVER_TOLD.search(sentence)
    if told and _NEVER.search(told.group()) and case.fact("email_sent"):
        return told.group(), "Communication Log says that an e-mail was sent"
    return None


def _joined(case: Case) -> Iterator[Finding]:
    """Find a message by which somebody with a chief's title took part, where nobody did."""
    uninvolved = case.fact("executives_involved") is False
    for cell in case.cells if uninvolved else ():
        if cell.table == "updates" and cell.column.kind in {"prose", "line"}:
            for match in matches(_TITLED, str(cell.value)[:LONGEST]):
                yield about(case, cell, f"“{match.group()}”, but no executive was involved.")
        if cell.table == "timeline" and cell.column.name in {"approval", "responsible"}:
            chief = _CHIEF.search(str(cell.value)[:LONGEST])
            if chief:
                yield about(case, cell, f"“{chief.group()}”, but no executive was involved.")


def _ranked(case: Case, sentence: str) -> tuple[str, str] | None:
    """Return what is said to have come back first, or last, and did not."""
    match = _RANK.search(sentence)
    if not match:
        return None
    name, first = match["name"].lower(), match["rank"].lower() == "first"
    rows = [row for row in case.rows("timeline") if row.get("step") == "Partial Recovery"]
    text = " ".join(f"{row.get('status') or ''}" for row in rows).lower()
    waiting = " ".join(f"{row.get('remaining') or ''}" for row in rows).lower()
    if first and name in waiting and name not in text:
        return match.group(), f"at partial recovery: {waiting[:80].rstrip('.')}"
    if not first and name in text and name not in waiting:
        return match.group(), f"at partial recovery: {text[:80].rstrip('.')}"
    return None


def _owners(case: Case) -> Iterator[Finding]:
    """Find what is given to one team here and to another there."""
    teams = [str(each) for each in case.fact("teams") or ()]
    given: list[tuple[Cell, str, str, frozenset[str], str]] = []
    for cell, text in passages(case):
        for pattern in (_OWNS, _OWNED):
            for match in matches(pattern, text):
                team = next((each for each in teams if each in match["team"]), "")
                kind = "write" if "wr" in match.group().lower() else "own"
                if team and not ELSEWHEN.search(match.group()):
                    words = events.stems(match["what"])
                    given.append((cell, team, kind, words, match.group()))
    for at, (cell, team, kind, words, said) in enumerate(given):
        for other, rival, like, stems, there in given[:at]:
            same = {each for each, t, k, w, _ in given if t == team and k == kind and w & words}
            if (
                other != cell
                and rival != team
                and like == kind
                and words & stems
                and len(same) == 1
            ):
                place = case.where(other.table, other.row, other.column.name)
                yield about(case, cell, f"“{said}”, but “{there}” under {place}.")
                break
