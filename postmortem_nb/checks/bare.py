"""Figures that nothing else bears: “nobody noticed for 42 minutes”, where nothing has 42 minutes.

A figure that a sentence tells of this incident, as a fact of its past, is borne by the dataset, a
measure, the frozen evidence, the distance of the events that its sentence names, or by another
sentence. One that nothing bears is a hint, with the nearest that is known; in a Draft not before
the timeline has the steps that Review needs, for they bear most.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb.checks import (
    borne,
    breakdown,
    elsewhere,
    events,
    lengths,
    portions,
    review,
    written,
)
from postmortem_nb.checks.claims import WHO
from postmortem_nb.checks.order import LONGEST, OPEN, OTHER_DAY
from postmortem_nb.checks.reading import TEXTS, is_read, passages, sentences
from postmortem_nb.checks.report import Code, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from postmortem_nb.checks.borne import Bears
    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.written import Figure
    from postmortem_nb.incident import Incident

_UNIT = re.compile(r"\s?(?:/|(?:in\s)?an?\s|per\s|each\b|every\s|apiece|fee|margin)", re.IGNORECASE)
"""Behind money: it is of one thing, or of each month."""
PAST = re.compile(
    r"\b(?:was|were|had|did|didn[’']t|took|came|went|saw|lost|began|fell|rose|got|found|knew|held|"
    r"stood|left|ran|sent|broke|cost|hit|spent|kept|made|told|wrote|rang|gave|met|sat|lay|hung|"
    r"stuck|grew|shot|burnt|ate|let|put|paid|[a-z]{3,}ed)\b",
    re.IGNORECASE,
)
"""In a sentence: it tells of the past."""
SETTING = re.compile(
    r"\b(?:time-?outs?|TTL|pools?|limits?|thresholds?|intervals?|retr(?:y|ies|ied)|back-?off|"
    r"capacity|"
    r"quota|targets?|objectives?|windows?|average[sd]?|averaging|per|default|configured|settings?|"
    r"keeps?|retention|lifetime|lives? for|valid|lease|lock|batch\w*|canary|steps? of|load tests?|"
    r"SLO|SLA|"
    r"budgeted|estimate\w*|forecast|benchmark|evaluat\w+|look-?back|polls?|polling|"
    r"schedul(?:e|es|er|ing)|scheduled (?:for|at|to|jobs?|tasks?|runs?|windows?|maintenance)|"
    r"baseline|ahead|left|before expiry|backtest|back-test|would|alerts? at|pages? at|grace|"
    r"refresh\w*|scrap\w+|sampl\w+|earlier that|history|similar|shift(?:s|ed)? (?:of|by)|"
    r"(?:allow|permit|promis|tolerat|grant|guarantee)\w*|INC-\d+)\b",
    re.IGNORECASE,
)
"""In a clause: its figure may be a setting, a plan, or of another time."""
_EVERY = re.compile(r"\b(?:each|every|per)\s$", re.IGNORECASE)
"""Before a length: it is how often something was done, “updated every 30 minutes”."""
_WHOLE = re.compile(
    r"\b(?:all|every|each of|the|these|those|our)\s(?:of\s)?(?:the\s|our\s)?$", re.IGNORECASE
)
_FAILING = re.compile(
    r"\b(?:fail\w*|error\w*|affected|hit(?!\srat)|impacted|unable|could not|couldn[’']t|broken?|"
    r"lost|"
    r"reject\w*|refus\w*|timed out|turned away|stuck|went nowhere|dropped|without|unanswered|"
    r"went through|succeed\w*|work(?:ed|ing)|clos(?:ed|ing)|shut|kept|wait(?:ed|ing)|blocked|"
    r"locked|missed|delayed)\b",
    re.IGNORECASE,
)
_AT_A_TIME = re.compile(
    r"\b(?:peak\w*|worst|highest?|climb\w*|rose|risen|f[ae]ll(?:en)?|dropped to|still|by then|"
    r"up to|at \d\d:\d\d|before|by the time|normal\w*|usual\w*|canary|SLO|budget)\b",
    re.IGNORECASE,
)
"""In a sentence: its share may be that of a moment, or of something else."""
_PORTION = re.compile(r"\bof all that\b|\bbetween\s(?!\d)[^.;]+?\sand\b", re.IGNORECASE)
"""In a sentence: its number is of what lay between two events."""
_OF_NOUN = re.compile(r"\s(?:out\s)?of\s(?:the|our|these|those)\s\w+")
"""Behind a share: what it is of."""
_OF_ALL = re.compile(r"(?:^|[.;]\s)(?:Of|From|Out of|Among)\s(?:(?:the|our|all)\s){0,2}$")
"""Before a number: the sentence goes on with its parts."""
_SPARED = re.compile(
    r"\b(?:went through|succeed\w*|work(?:ed|ing)|fine|unaffected|spared|left|remain\w*)\b",
    re.IGNORECASE,
)
_THINGS: Mapping[str, tuple[str, ...]] = {
    "people": ("affected_total", "affected_users", "customers_notified"),
    "request": ("failed_requests",),
    "ticket": ("tickets",),
    "complaint": ("complaints",),
    "mention": ("mentions",),
}
_NOTIFIED = re.compile(r"\b(?:notif|mail|wrote|written|told|inform|contact)", re.IGNORECASE)
_MONEY = ("revenue_loss", "revenue_at_risk")
_BUDGET = ("budget_consumed", "budget_remaining", "slo_impact")
_SMALL = 0.1
"""Share of another number below which one is none of the same: “the four suppliers” of 4,480."""
_FEW, _LARGE = 50, 1_000
REMEDY = "Correct it, or put what it is of into its blank or the timeline."
MOST = 200
"""Figures that are looked for in a document: a text of nothing else must not slow a form."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence with figures that may be facts of this incident."""

    text: str
    figures: tuple[Figure, ...]


def found(incident: Incident, case: Case, others: Sequence[Finding]) -> Iterator[Finding]:
    """Yield, for each blank, the figures that nothing else bears."""
    if case.moments.start is None or not review.has_steps(case):
        return
    bears, left = None, MOST
    doubted: dict[tuple[str, str, str], list[str]] = {}
    for cell, text in passages(case):
        shown = cell.column.name == "key_events" or cell.table == "updates"
        if not (is_read(cell) or shown) or cell.column.kind not in {"prose", "line"}:
            continue
        place = (cell.table, cell.row, cell.column.name)
        past = shown or cell.column.name in lengths.WHOLE | lengths.CLOSING
        for sentence in _read(text, past):
            bears = bears or borne.known(incident, case)
            left -= len(sentence.figures)
            if left < 0:
                break
            lone = (_lone(case, bears, sentence.text, each, cell) for each in sentence.figures)
            doubted.setdefault(place, []).extend(
                words for words in lone if words and not _said(others, place, words)
            )
    for place, said in doubted.items():
        if said:
            yield _finding(case, place, f"Nothing else here has {'; nor '.join(said)}.")


def _finding(case: Case, place: tuple[str, str, str], message: str) -> Finding:
    table, row, name = place
    return Finding(
        code=Code.LONE,
        severity=Severity.HINT,
        where=case.where(*place),
        message=message,
        remedy=REMEDY,
        table=table,
        row=row,
        name=name,
    )


def _said(others: Sequence[Finding], place: tuple[str, str, str], words: str) -> bool:
    """Return whether another finding on this blank is about this figure."""
    figure = words.partition("”")[0].lstrip("“")
    return any(
        (each.table, each.row, each.name) == place and figure in each.message for each in others
    )


@lru_cache(maxsize=TEXTS)
def _read(text: str, past: bool) -> tuple[_Sentence, ...]:  # noqa: FBT001 - a cache's key
    """Return the sentences of a text with figures that may be facts of this incident."""
    if not written.MAY.search(text):
        return ()
    told = []
    for sentence in sentences(text):
        if len(sentence) > LONGEST or not (past or PAST.search(sentence)):
            continue
        kept = tuple(each for each in written.figures(sentence) if _is_fact(sentence, each))
        if kept:
            told.append(_Sentence(sentence, kept))
    return tuple(told)


def _is_fact(sentence: str, figure: Figure) -> bool:
    """Return whether a figure can be a fact of this incident's past."""
    clause = borne.clause(sentence, figure)
    if SETTING.search(clause) or OPEN.search(clause):
        return False
    before = sentence[max(0, figure.begin - written.NEAR) : figure.begin]
    if figure.kind == "span" and _EVERY.search(before):
        return False
    if written.WHOLE_OF.search(before) or _OF_ALL.search(before):
        return False
    if figure.kind == "clock":
        return not OTHER_DAY.search(sentence) and not OPEN.search(sentence)
    return figure.kind != "part"


def _lone(case: Case, bears: Bears, sentence: str, figure: Figure, cell: Cell) -> str | None:
    """Return a figure that nothing bears, with the nearest that is known; None where one does."""
    if borne.told(bears, sentence, figure):
        return None
    name = cell.column.name
    if figure.kind == "span":
        if lengths.SINCE.match(sentence, figure.end) and name in lengths.TELLING:
            since = lengths.since_start(case, bears, figure)
            return f"“{sentence[figure.begin : figure.end]}” ({since})" if since else None
        near = lengths.from_row(case, cell.row, figure) if cell.table == "timeline" else True
        if not near and lengths.OF_ROW.match(sentence, figure.end):
            return f"“{sentence[figure.begin : figure.end]}” (no two entries are so far apart)"
        own = near and cell.table == "timeline"
        own = own or lengths.from_start(case, bears, sentence, figure)
        whole = name in lengths.WHOLE
        truth = None if own else lengths.length(case, sentence, figure, whole=whole)
    elif figure.kind == "clock":
        alike = name != "key_events" or borne.alike(bears, sentence, figure)
        whole = (name in lengths.CLOCKED and alike) or cell.table == "updates"
        truth = lengths.clock(case, bears, sentence, figure) if whole else None
    elif figure.kind == "money":
        truth = _money(case, bears, sentence, figure)
    elif figure.kind == "share":
        truth = _share(case, bears, sentence, figure)
    else:
        truth = _count(case, bears, sentence, figure)
    return f"“{sentence[figure.begin : figure.end]}” ({truth})" if truth else None


def _money(case: Case, bears: Bears, sentence: str, figure: Figure) -> str | None:
    """Return the loss, where a sum is none that is known."""
    held = [value for name in _MONEY if (value := borne.value(case, name))]
    known = any(borne.fits(figure, value) for value in (*held, *bears.numbers))
    small = bool(held) and figure.high < 0.01 * held[0]  # the price of one thing
    if not held or known or small or _UNIT.match(sentence, figure.end):
        return None
    return f"revenue loss: ${held[0]:,.0f}"


def _share(case: Case, bears: Bears, sentence: str, figure: Figure) -> str | None:
    """Return the shares that are known, where one of requests or people is none of them."""
    clause = borne.clause(sentence, figure)
    of = _OF_NOUN.match(sentence, figure.end)
    rest = clause.replace(of.group(), " ", 1) if of else clause
    failed = portions.OF_FAILED.match(sentence, figure.end)
    part = failed and failed.group().startswith(" of ")  # which `portions` compares
    if part or not _FAILING.search(clause) or borne.PARTIAL.search(rest):
        return None
    names = _BUDGET if "budget" in clause.lower() else ("affected_share",)
    values = [value for name in names if (value := borne.value(case, name)) is not None]
    people = any(_is_who(word, bears) for word in re.findall(r"[a-z]+", clause.lower()))
    if _SPARED.search(clause):
        values += [100 - each for each in values]
    near = any(borne.fits(figure, each) for each in values) or _is_spelt(sentence, figure)
    told = [(figure.low, figure.high)]
    if _SPARED.search(clause):
        told.append((100 - figure.high, 100 - figure.low))
    rated = any(one <= high and other >= low for low, high in bears.rates for one, other in told)
    if near or rated:
        return None
    if not bears.rates and not people and names is not _BUDGET:
        return _of_requests(bears, sentence, clause)
    if not bears.rates and not values:
        return None
    known = [f"known: {values[0]:g} %"] if values else []
    if bears.rates:
        known.append(f"error rate up to {max(high for _, high in bears.rates):.3g} %")
    return ", ".join(known)


def _is_spelt(sentence: str, figure: Figure) -> bool:
    """Return whether its sentence has a share more exactly too: “eight in ten lines (80.6 %)”."""
    return any(
        figure.low <= each.low and each.high <= figure.high and each.begin != figure.begin
        for each in written.figures(sentence)
        if each.kind == "share" and each.high - each.low < figure.high - figure.low
    )


def _of_requests(bears: Bears, sentence: str, clause: str) -> str | None:
    """Return the shares of the requests that others tell, where one is told that is none of them.

    One at its height, or of a moment, is another.
    """
    if _AT_A_TIME.search(sentence) or not events.stems(clause) & bears.requests:
        return None
    others = [each for each in bears.by.get("share", ()) if each.sentence != sentence]
    others = [each for each in others if each.stems & bears.requests]
    others = [each for each in others if not _AT_A_TIME.search(each.sentence)]
    known = sorted({round((each.low + each.high) / 2) for each in others})
    return f"elsewhere: {', '.join(f'{each} %' for each in known)}" if known else None


def _is_who(noun: str, bears: Bears) -> bool:
    """Return whether a noun names those who were affected."""
    return bool(WHO.match(noun)) or events.stem(noun) in bears.people


def _is_rest(said: float, bears: Bears) -> bool:
    """Return whether a large number is what one leaves of another: 412,300 less 96,480."""
    middles = {(each.low + each.high) / 2 for each in bears.by.get("count", ())}
    larger = sorted(each for each in middles if each > said)[:_FEW]
    return said >= _LARGE and any(one - said in bears.numbers for one in larger)


def _count(case: Case, bears: Bears, sentence: str, figure: Figure) -> str | None:
    """Return how many people, requests or things are known, where it is another number."""
    noun, stem = figure.noun, events.stem(figure.noun)
    thing = "people" if _is_who(noun, bears) else noun.rstrip("s")
    if borne.PARTIAL.search(borne.clause(sentence, figure)) or _PORTION.search(sentence):
        return None
    if breakdown.BUDGET.search(sentence):
        return None
    names = _THINGS.get(thing, ())
    if not _NOTIFIED.search(sentence):
        names = tuple(name for name in names if name != "customers_notified")
    held = [value for name in names if (value := borne.value(case, name))]
    if held:
        said = (figure.low + figure.high) / 2
        part = any(elsewhere.is_part(sentence, figure.end, said, value) for value in held)
        near = any(borne.fits(figure, value) for value in held) or figure.high < _SMALL * held[0]
        rest = _is_rest(said, bears)
        return None if near or part or rest else f"{thing}: {held[0]:,.0f}"
    same = [each for each in bears.by.get("count", ()) if each.noun == stem]
    others = [each for each in same if (each.low, each.high) != (figure.low, figure.high)]
    others = [each for each in others if figure.high >= _SMALL * each.low]
    known = any(borne.fits(figure, value) for value in bears.numbers)
    if known or not others or not _WHOLE.search(sentence[: figure.begin]):
        return None
    return f"elsewhere: {(others[0].low + others[0].high) / 2:,.0f}"
