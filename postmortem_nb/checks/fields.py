"""Fields and rows set against one another, and against what the texts spell out of the same.

A number whose digits are turned in the texts, a region or a team that only one of two lists has,
two entries of one minute with two figures, a message that tells of what came after it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import events, mentions, single, spoken
from postmortem_nb.checks.claims import PEOPLE, PERSON
from postmortem_nb.checks.reading import TEXTS, is_read, matches, passages
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.slips import one_off, turned
from postmortem_nb.checks.spoken import CLOCK

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.mentions import Mention
    from postmortem_nb.checks.report import Finding

_FAILED = r"request|call|fail|error|start|write|attempt|order|checkout|search|login|session|read"


def _of(ways: str) -> re.Pattern[str]:
    return re.compile(ways, re.IGNORECASE)


NUMBERS: Mapping[str, re.Pattern[str]] = {
    "affected_total": _of(PEOPLE),
    "failed_requests": _of(_FAILED),
    "customers_notified": _of(PEOPLE),
    "tickets": _of(r"ticket|case"),
    "complaints": _of(r"complain"),
    "mentions": _of(r"mention|tweet|post|messag"),
    "revenue_loss": _of(r"[$€£]"),
    "revenue_at_risk": _of(r"[$€£]"),
}
"""Fields that hold a number of their own, which the texts often tell too → how they tell it."""
_SMALLEST, _KNOWN = 100, 1_000
LONGEST = 8_000
"""Characters of a text that are read."""

_SHARE = re.compile(
    r"(?P<share>\d{1,2}(?:\.\d+)?)\s?(?:%|percent)\sof\s(?:the\s|our\s|all\s|about\s|some\s){0,2}"
    r"(?P<whole>\d{1,3}(?:,\d{3})+|\d{3,9})\b",
    re.IGNORECASE,
)
_WORD_OF_IT = r"(?:apolog\w+|e-?mails?|mails?|messages?|letters?|notices?|notifications?|word)"
_THEIR = r"(?:an?\s|our\s|the\s)?(?:\w+\s)?"
_EVERYONE = re.compile(
    r"\b(?:all|each of the|every one of the)\s(?:of\s)?(?:the\s|our\s)?(?:affected\s)?"
    r"(?:(?P<number>\d{1,3}(?:,\d{3})+|\d{3,9})\s)?(?:affected\s)?"
    rf"(?:{PEOPLE}\s)?(?:of them\s)?"
    r"(?:got|received|had|were sent|were mailed|were told|have had)\s"
    rf"(?:it\b|{_THEIR}{_WORD_OF_IT})"
    rf"|\b{_WORD_OF_IT}\s(?:(?:went|was|were|sent|has|have|gone|been|out)\s){{0,3}}to\s(?:all|each|every)\s"
    r"(?:of\s)?(?:the\s|our\s)?(?:affected\s)?(?P<many>\d{1,3}(?:,\d{3})+|\d{3,9})\s"
    rf"(?:affected\s)?{PEOPLE}"
    rf"|\bevery\s(?:\w+\s)?{PERSON}\s(?:got|received|had|was sent)\s{_THEIR}{_WORD_OF_IT}",
    re.IGNORECASE,
)
"""How a text says that each of those affected got word."""
_NEARLY = 0.95
_NAME_LENGTH = 60
_NAME = r"(?:(?:St\.\s)?[A-Z][\w’'-]*|[a-z]{2,4}(?:-[a-z]+)+(?:-?\d)?)"
_JOINED = r"(?:,\s(?:and\s)?|\sand\s|,?\sor\s|/)(?:in\s|at\s)?(?:the\s)?"
_LIST = re.compile(rf"\b{_NAME}(?:\s{_NAME}){{0,2}}(?:{_JOINED}{_NAME}(?:\s{_NAME}){{0,2}}){{1,9}}")
_SPLIT = re.compile(_JOINED)
_OUTSIDE = re.compile(
    r"\b(?:support|vendors?|providers?|suppliers?|partners?|carrier|AWS|Azure|GCP|Google|Inc|GmbH)\b"
)
"""In the name of whom it was escalated to: no team of ours."""
_TEAM = frozenset({"team", "teams", "the", "on-call", "oncall", "group", "of", "and", "squad"})
_VALUE = re.compile(
    r"(?<![\w.,:/#-])(?P<value>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?P<unit>\s?%|\s?[A-Za-z]{1,12}\b)?"
)
_JOINING = frozenset({"to", "of", "in", "at", "on", "by", "and", "or", "is", "was", "with", "from"})
_SINCE = re.compile(
    rf"\b(?:since|as of|(?:filled|done|complete|restored|fixed|back|resolved|recovered|deployed|"
    rf"started|began|ended|stopped|over)\sat)\s{CLOCK}",
    re.IGNORECASE,
)
DAY = 24 * 60


def turned_digits(case: Case) -> Iterator[Finding]:
    """Find a field's number that no text has, where a text has it with its digits turned."""
    told = [(cell, each) for cell, text in _texts(case) for each in mentions.read(text)]
    texts = {each.value for _, each in told}
    fields = {float(v) for n in NUMBERS if isinstance(v := case.fact(n), (int, float))}
    for name, way in NUMBERS.items():
        value = case.fact(name)
        if not isinstance(value, (int, float)) or value < _SMALLEST or value in texts:
            continue
        held = f"{value:.0f}"
        for _, each in told:
            said = f"{each.value:.0f}"
            slip = turned(held, said) or (one_off(held, said) and each.value not in fields)
            if slip and _is_of(each, way):
                message = f"{value:,.0f}, but the text has “{each.said}”."
                yield _wrong(case, Code.RANGE, name, message)
                break


def _is_of(each: Mention, way: re.Pattern[str]) -> bool:
    """Return whether a number of a text is of what a field counts: it says so, or says nothing."""
    bare = each.kind == "count" and not each.noun and each.value >= _KNOWN
    return bare or bool(way.search(each.said))


def share(case: Case) -> Iterator[Finding]:
    """Find a share of people that is not the one that a text works out for the same number."""
    total, held = case.fact("affected_total"), case.fact("affected_share")
    if not total or held is None:
        return
    for _, text in _texts(case):
        for match in matches(_SHARE, text):
            said, whole = float(match["share"]), float(match["whole"].replace(",", ""))
            same = abs(said * whole / 100 - total) <= 0.02 * total
            if same and abs(said - held) > 1:
                yield _wrong(
                    case,
                    Code.RANGE,
                    "affected_share",
                    f"{held:g} %, but the text has “{match.group()}” for {total:,}.",
                )
                return


def everyone(case: Case) -> Iterator[Finding]:
    """Find fewer customers notified than a text has of those who all got word."""
    total, told = case.fact("affected_total"), case.fact("customers_notified")
    if not total or told is None or told >= _NEARLY * total:
        return
    for _, text in _texts(case):
        for match in matches(_EVERYONE, text):
            number = (match["number"] or match["many"] or "").replace(",", "")
            if not number or float(number) == total:
                yield _wrong(
                    case,
                    Code.RANGE,
                    "customers_notified",
                    f"{told:,}, but the text has “{match.group()}”, and {total:,} were affected.",
                )
                return


def regions(case: Case) -> Iterator[Finding]:
    """Find a list of regions in a text that has another one than the field."""
    held = str(case.fact("regions") or "")
    names = [each.strip() for each in re.split(r",|;|/|\band\b", held) if each.strip()]
    if len(names) < 2 or any(len(each.split()) > 3 for each in names):
        return
    told = [(cell, text) for cell, text in _texts(case) if cell.column.name != "regions"]
    lists = [(cell, listed) for cell, text in told for listed in _lists(text)]
    own = {name.lower() for name in names}
    whole = [{name.lower() for name in listed} for _, listed in lists]
    another = [listed for listed in whole if listed != own and len(listed & own) >= len(own) - 1]
    again = [listed for listed in another if len(listed) >= len(own) and whole.count(listed) > 1]
    if again and own not in whole:
        other = again[0]
        yield _wrong(
            case,
            Code.SOURCES,
            "regions",
            f"{held!r}, but the texts have {', '.join(sorted(other))}.",
        )
        return
    every = " ".join(text.lower() for _, text in told)
    absent = [name for name in own if name not in every]
    for cell, listed in lists:
        others = [each for each in listed if each.lower() not in own]
        same = len(listed) - len(others)
        told_ = is_read(cell) or cell.table == "updates"
        if not same or not told_ or len(others) != 1:
            continue
        alone = same > 1 and every.count(others[0].lower()) == 1
        swapped = same + len(absent) == len(names) and len(others) == len(absent)
        if swapped or alone:
            message = f"{held!r}, but the text has {', '.join(listed)}."
            yield _wrong(case, Code.SOURCES, "regions", message)
            return


def called(case: Case) -> Iterator[Finding]:
    """Find a team that the incident was escalated to, and no list of teams has."""
    teams = [str(each) for each in case.fact("teams") or ()]
    words = {word for each in teams for word in _words(each)}
    for row in case.rows("timeline") if len(teams) > 1 else ():
        whom = str(row.get("escalated_to") or "")
        people = {part for name in case.people() for part in _words(name)}
        said = _words(whom)
        ours = not _OUTSIDE.search(whom) and len(whom) < _NAME_LENGTH
        if said and ours and not said & (words | people):
            yield single.about(
                case,
                Code.SOURCES,
                "escalated_to",
                message=f"Escalated to {whom!r}, but the teams involved are {', '.join(teams)}.",
                remedy="Name the team in both places, or correct the one that is wrong.",
                severity=Severity.HINT,
                at=("timeline", row["row"]),
            )


def entries(case: Case) -> Iterator[Finding]:
    """Find an entry of the key events with another figure than the row of the same minute."""
    for at, words, text in _entries(str(case.fact("key_events") or "")[:LONGEST]):
        for row in case.rows("timeline"):
            moment: dt.datetime | None = row.get("time")
            told = _told(row)
            same = moment is not None and f"{moment:%H:%M}" == at
            if moment is None or not same or len(words & events.stems(told)) < 1:
                continue
            here, there = _values(text), _values(told)
            for unit in here.keys() & there.keys():
                if not here[unit] & there[unit] and _fixed(unit):
                    said = f"“{at}{text.rstrip(' .')}”, but the timeline has “{told[:80]}”"
                    message = f"{said} at {times.shown(moment)}."
                    yield _wrong(case, Code.SOURCES, "key_events", message)
                    break


def ahead(case: Case) -> Iterator[Finding]:
    """Find a message that tells of a moment after it was sent."""
    for row in case.rows("updates"):
        sent: dt.datetime | None = row.get("time")
        if sent is None:
            continue
        minute = 60 * sent.hour + sent.minute
        for match in matches(_SINCE, str(row.get("text") or "")[:LONGEST]):
            said, gap = spoken.clocked(match), spoken.apart(match, minute)
            later = said is not None and (said[0] - minute) % DAY < DAY / 2
            if gap is not None and gap > 1 and later:
                yield single.about(
                    case,
                    Code.DATE,
                    "text",
                    message=f"“{match.group().strip()}”, but the message was sent at "
                    f"{times.shown(sent)}.",
                    remedy="Correct the time of the message, or the one that it tells.",
                    at=("updates", row["row"]),
                )


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    turned_digits,
    share,
    everyone,
    regions,
    called,
    entries,
    ahead,
)


def _wrong(case: Case, code: Code, name: str, message: str) -> Finding:
    """Return a finding about a field that another place has otherwise."""
    remedy = "Correct the one that is wrong."
    return single.about(case, code, name, message=message, remedy=remedy)


def _texts(case: Case) -> Iterator[tuple[Cell, str]]:
    """Yield what is written of this incident: its prose, its messages, what the evidence shows."""
    for cell, text in passages(case, plans=True):
        yield cell, text
    for cell in case.cells:
        other = cell.table == "updates" or cell.column.name in {"revenue_method", "regions"}
        if other and cell.column.kind in {"prose", "line"}:
            yield cell, str(cell.value)[:LONGEST]


@lru_cache(maxsize=TEXTS)
def _lists(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the enumerations of names in a text."""
    found = (_SPLIT.split(match.group()) for match in _LIST.finditer(text[:LONGEST]))
    names = (tuple(_bare(each) for each in listed if each.strip()) for listed in found)
    return tuple(names)


def _bare(name: str) -> str:
    """Return a name without the word that begins its sentence."""
    return re.sub(r"^(?:Only|All|Both|In|From|Across|Not)\s", "", name.strip())


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w-]+", name.lower())) - _TEAM


@lru_cache(maxsize=TEXTS)
def _entries(text: str) -> tuple[tuple[str, frozenset[str], str], ...]:
    """Return the clock, the words and the text of each key event."""
    return tuple(
        (f"{match['hour']}:{match['minute']}", events.stems(match["text"]), match["text"])
        for match in events.ENTRY.finditer(text)
    )


def _told(row: Mapping[str, object]) -> str:
    """Return what a row of the timeline says was done or seen."""
    names = ("action", "system_behavior", "finding", "status", "root_cause")
    return "; ".join(str(row[name]) for name in names if row.get(name))


@lru_cache(maxsize=TEXTS)
def _values(text: str) -> dict[str, frozenset[str]]:
    """Return the figures of a text by their unit."""
    found: dict[str, set[str]] = {}
    for match in _VALUE.finditer(text):
        unit = (match["unit"] or "").strip().lower()
        found.setdefault(unit, set()).add(match["value"].replace(",", ""))
    return {unit: frozenset(values) for unit, values in found.items()}


def _fixed(unit: str) -> bool:
    """Return whether figures of a unit are of one thing: percentages, megabytes, pods."""
    return unit == "%" or (len(unit) > 1 and unit not in _JOINING)
