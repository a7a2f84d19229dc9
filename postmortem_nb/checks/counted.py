"""Things that a sentence counts and the document lists: actions, factors, regions, teams, updates.

A count without “of” before it is of all; a word before the thing (“three short-term actions”)
narrows what is counted. What the document does not list is unknown, and contradicts nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from postmortem_nb.checks import regional
from postmortem_nb.checks.reading import about, is_plan, matches, passages, sentences, told
from postmortem_nb.checks.spoken import COUNTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case, Row
    from postmortem_nb.checks.report import Finding

_N = (
    r"(?P<count>\b(?:both|a single|only one|just one|no|two|three|four|five|six|seven|eight|nine|"
    r"ten|"
    r"eleven|"
    r"twelve|[1-9]\d?))"
)
_HITS = r"(?:affected|impacted|hit|down|degraded|involved|disrupted|unavailable|touched|failing)"
_ALONE = r"(?<![\d,.–-])(?<!of )(?<!of the )(?<!least )(?<!than )(?<!to )(?<!other )(?<!another )"
"""Before a count: it is of all, and exact."""


def _ways(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(_ALONE + pattern, re.IGNORECASE) for pattern in patterns)


_ACTIONS = r"(?:action items?|actions|follow-ups|follow-up (?:items|actions|tasks))"
_NARROW = (
    r"(?:(?P<narrow>immediate|short-term|long-term|P[0-3]|technical|process|human|open|"
    r"completed?|done|finished)\s)?"
)
_KIND = rf"(?:(?!{_HITS}\s)(?P<kind>\w+)\s|\w+\s)?"
"""A word before what is counted: of that kind there may be fewer than of all."""
THINGS: Mapping[str, tuple[re.Pattern[str], ...]] = {
    "actions": _ways(
        rf"{_N}\s(?:follow-up\s)?{_NARROW}{_ACTIONS}\b(?!\s(?:were\s)?(?:taken|tried|helped|ran|"
        rf"during|"
        r"before|by|of|in(?!\s(?:all|total)\b))\b)",
    ),
    "factors": _ways(rf"{_N}\s(?:contributing\s)?{_NARROW}(?:contributing\s)?factors?\b"),
    "regions": _ways(
        rf"{_N}\s{_KIND}regions?\s(?:(?:were|was|is|are)\s(?:\w+ly\s)?{_HITS}|went down|failed)",
        rf"\b(?:in|across|over|hit|affected|from)\s{_N}\s{_KIND}regions?\b(?!\s(?:at a|of|"
        rf"first))",
        rf"(?<!of )(?<!of the )\b{_N}\s{_KIND}regions?\s(?:rejected|refused|lost|dropped|declined|"
        rf"saw\s(?:\w+\s)?(?:errors|failures))\b",
        rf"\b(?:fail\w*|rejected|refused|lost|dropped)\sin\sall\s{_N}\sregions?\b",
        rf"\bin\sall\s{_N}\sregions?\s(?:were|was|had been)\s(?:rejected|refused|lost|dropped)\b",
    ),
    "services": _ways(rf"{_N}\s{_KIND}services?\s(?:were|was|is|are)\s(?:\w+ly\s)?{_HITS}"),
    "teams": _ways(
        rf"{_N}\s{_KIND}teams?\s(?:were involved|was involved|worked|took part|joined|responded|"
        r"helped)\b",
        rf"\binvolved\s{_N}\s{_KIND}teams?\b",
    ),
    "monitors": _ways(rf"{_N}\snew\s{_KIND}(?:monitors?|alerts?)\b"),
    "dashboards": _ways(rf"{_N}\snew\s{_KIND}dashboards?\b"),
    "status page updates": _ways(
        rf"{_N}\s(?:public\s)?(?:status[- ]page\s(?:updates?|posts?|messages?|notices?))\b",
        rf"{_N}\supdates?\s(?:on|to)\s(?:the|our)\sstatus page\b",
        r"\bstatus page\s(?:was\s)?(?:updated|changed)\s(?P<count>once|twice|\w+ times)\b",
        r"\b(?:updated|posted\s(?:to|on)|wrote\s(?:to|on))\s(?:the|our)\sstatus page\s"
        r"(?P<count>once|twice|\w+ times)\b",
    ),
    "similar incidents": _ways(
        rf"{_N}\s(?:earlier|similar|previous|past|prior)\s(?:incidents|outages)\b(?!\s(?:this\s(?:week|month|quarter|"
        r"year)|last|a|per|in\s(?:\w+\s)?(?:\w+\s)?(?:weeks?|months?|quarters?|years?|\d+))\b)",
    ),
}
"""What is counted → how sentences count it."""

_SOME = re.compile(
    r"(?P<count>\b(?:one|two|three|four|five|six|seven|eight|nine|ten|\d{1,2}|none))\s(?:of\s)?"
    rf"(?:the|our|these|those)?\s?(?:\w+\s)?{_ACTIONS}\s(?:is|are|were|was|has been|have been|"
    r"has|have)\s"
    r"(?:already\s|now\s|still\s)*(?:an?\s)?(?P<narrow>P[0-3]s?|done|completed?|finished|closed|"
    r"in progress|not\s(?:yet\s)?(?:been\s)?(?:started|begun)|open)\b(?!\s?(?:or|and|/|,)\s?P?\d?)",
    re.IGNORECASE,
)

_STATE = (
    r"(?P<narrow>done|completed?|finished|closed|shipped|live|in progress|under ?way|not started|"
    r"not begun|open)\b"
)
_PART = re.compile(
    r"(?:^|(?<=[,:;.(]\s)|(?<=\band\s)|(?<=[–—-]\s)|(?<=of\swhich\s)|(?<=of\sthem\s)|"
    r"(?<=items\s)|(?<=actions\s)|(?<=[(]))(?:of\s(?:which|them|these)\s)?"
    r"(?P<count>half|none|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d{1,2})\s"
    rf"(?:of\s(?:them|these|which|those)\s)?(?:(?:is|are|were|was|has been|have been)\s)?"
    rf"(?:already\s|now\s|still\s|yet\s)*{_STATE}",
    re.IGNORECASE,
)
"""A part of the actions, in a sentence that names them: “of which two are done, three open”."""
_NAMED = re.compile(rf"\b{_ACTIONS}\b", re.IGNORECASE)
_RANKED = re.compile(
    r"(?<![\w.])(?P<count>a single|one|two|three|four|five|six|seven|eight|nine|ten|\d{1,2})\s"
    r"(?:are\s)?(?P<narrow>P[0-3])s?\b(?!\s(?:incidents?|alerts?|pages?|outages?|per|tickets?))"
    r"|(?<=[,:;]\s)(?P<few>one|two|three|four|five|six|seven|eight|nine|ten|\d{1,2})\s"
    r"(?:are\s)?(?P<horizon>immediate|short-term|long-term)\b(?!\s(?!ones?\b|items?\b|and\b)\w)",
    re.IGNORECASE,
)
"""A count by priority or horizon: “three P0s”."""


def counted(case: Case) -> Iterator[Finding]:
    """Find counts of things that are not those of the document."""
    for cell, text in passages(case, plans=True):
        listed = told(cell) or is_plan(cell)
        for thing, patterns in THINGS.items():
            if not listed and thing != "status page updates":
                continue
            for pattern in patterns:
                for match in matches(pattern, text):
                    known = _known(case, thing, match.groupdict().get("narrow") or "")
                    count = _count(match["count"])
                    some = match.groupdict().get("kind") and (count or 0) < (known or 0)
                    if known is not None and known != count and not some:
                        yield about(case, cell, f"“{match.group().strip()}”, but {thing}: {known}.")
        for match in matches(_SOME, text):
            known = _known(case, "actions", match["narrow"].rstrip("sS") or "")
            every = _known(case, "actions", "")
            if known is not None and known != _count(match["count"]):
                yield about(
                    case, cell, f"“{match.group().strip()}”, but of {every} actions {known} are."
                )


def recalled(case: Case) -> Iterator[Finding]:
    """Find a number of earlier incidents, in what they have in common, that the list has not."""
    known = _known(case, "similar incidents", "")
    for cell in case.cells:
        if known is not None and cell.column.name in {"patterns", "recurring"}:
            for match in (
                each
                for way in THINGS["similar incidents"]
                for each in matches(way, str(cell.value))
            ):
                if _count(match["count"]) != known:
                    yield about(case, cell, f"“{match.group().strip()}”, but listed: {known}.")


def parts(case: Case) -> Iterator[Finding]:
    """Find parts of the actions, by state, priority or horizon, that are not those of the rows."""
    rows = [row for row in case.rows("actions") if row.get("title")]
    for cell, text in passages(case, plans=True) if rows else ():
        if not (told(cell) or is_plan(cell)):
            continue
        for sentence in sentences(text):
            ranked = matches(_RANKED, sentence)
            for match in (*matches(_PART, sentence), *ranked) if _speaks(sentence, ranked) else ():
                words = match.groupdict()
                narrow = (words["narrow"] or words.get("horizon") or "").lower()
                count = (words["count"] or words.get("few") or "").lower()
                known = sum(_is(row, narrow) for row in rows)
                said = len(rows) / 2 if count == "half" else _count(count)
                if said != known and all(row.get("status") for row in rows):
                    message = f"“{match.group().strip()}”, but of {len(rows)} actions {known} are"
                    yield about(case, cell, f"{message}.")


_EVERY = re.compile(
    r"\b(?:both|all|every|each)\s(?:of\s)?(?:(?:the|our|its)\s)?(?:(?:two|three|four|five|six|seven)\s)?"
    r"(?P<narrow>P[0-3]|immediate|short-term|long-term)s?\s(?:actions?\s|(?:action )?items?\s)?"
    r"(?:are|is|were|was|have been|has been)\s(?:now\s|already\s|all\s)*"
    + _STATE.replace("<narrow>", "<state>"),
    re.IGNORECASE,
)
"""All actions of a priority or horizon, and their state: “both P0s are complete”."""


def every(case: Case) -> Iterator[Finding]:
    """Find what is told of all actions of a priority, where one of them is in another state."""
    rows = [row for row in case.rows("actions") if row.get("title") and row.get("status")]
    for cell, text in passages(case, plans=True) if rows else ():
        for match in matches(_EVERY, text) if told(cell) or is_plan(cell) else ():
            own = [row for row in rows if _is(row, match["narrow"].lower())]
            other = next((row for row in own if not _is(row, match["state"].lower())), None)
            if other:
                truth = f"“{other['title']}” is {other['status']}"
                yield about(case, cell, f"“{match.group().strip()}”, but {truth}.")


def _speaks(sentence: str, ranked: Sequence[re.Match[str]]) -> bool:
    """Return whether a sentence speaks of the actions."""
    return bool(matches(_NAMED, sentence)) or any(each["narrow"] for each in ranked)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (counted, recalled, parts, every)


def _count(written: str) -> int | None:
    """Return a count as a number: ``none`` 0, ``twice`` 2, ``five times`` 5."""
    word = written.lower().removesuffix(" times")
    words = {
        "both": 2,
        "none": 0,
        "no": 0,
        "once": 1,
        "twice": 2,
        "a single": 1,
        "only one": 1,
        "just one": 1,
    }
    if word.isdigit():
        return int(word)
    return words[word] if word in words else int(COUNTS[word]) if word in COUNTS else None


def _known(case: Case, thing: str, narrow: str) -> int | None:
    """Return how many the document lists; None where it lists none, or cannot tell."""
    if thing == "regions":
        return len(regional.named(str(case.fact("regions") or ""))) or None
    if thing in {"services", "teams"}:
        return _listed(case.fact(thing) or ())
    if thing == "status page updates":
        sent = [row for row in case.rows("updates") if row.get("text")]
        return _listed(row for row in sent if "status" in str(row.get("channel") or "").lower())
    if thing == "similar incidents":
        return _listed(row for row in case.rows("similar") if row.get("incident"))
    rows = [row for row in case.rows(thing) if row.get("title") or row.get("name")]
    if not rows:
        return None
    return sum(_is(row, narrow.lower()) for row in rows)


def _listed(things: Iterable[Any]) -> int | None:
    return sum(bool(str(each).strip()) for each in things) or None


DONE = frozenset({"done", "complete", "completed", "finished", "closed", "shipped", "live"})
SAME = {"under way": "in progress", "underway": "in progress"}


def _is(row: Row, narrow: str) -> bool:
    """Return whether a row is what a word says: its horizon, priority, area or status."""
    status = str(row.get("status") or "").lower()
    narrow = "not started" if narrow.startswith("not") else SAME.get(narrow, narrow)
    if narrow in DONE:
        return "complete" in status
    if narrow == "open":
        return "complete" not in status
    held = (row.get("horizon"), row.get("priority"), row.get("area"), row.get("status"))
    return not narrow or any(narrow in str(each or "").lower() for each in held)
