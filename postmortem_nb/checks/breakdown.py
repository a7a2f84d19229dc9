"""Figures by attribute as sentences tell them: “412 of them on worker-3”, “in north almost half”.

A sentence names values that the frozen rows have: kinds of error, hosts, versions, groups. Which of
them go with a number is told by what stands right behind it, else before it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import (
    attributes,
    beside,
    borne,
    endings,
    events,
    instants,
    metered,
    portions,
    spoken,
    written,
)
from postmortem_nb.checks.claims import WHO
from postmortem_nb.checks.order import LONGEST, is_of_another_day
from postmortem_nb.checks.reading import sentences, with_messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.attributes import Answer, Named
    from postmortem_nb.checks.borne import Bears
    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.written import Figure

MOST_NAMES = 10
"""Values that a sentence may name: of more nobody tells which goes with which."""
_FEWEST, _SURE = 10, 100
"""A smaller number is as often one of something else; from here on it says by itself of what."""
_EXACT = 0.02
"""Share of a number that its bounds may be apart for it to be told exactly."""
_BARE = re.compile(
    r"(?<![\w.,:/#$€£%-])(?P<number>\d{1,3}(?:,\d{3})+|\d{2,})(?![\w%:/-]|[.,]\d|\s?(?:%|percent)|"
    r"\s(?:and|to|or)\s[\d.,]+\s?(?:ms|s|seconds|minutes|hours|days)\b|"
    r"\s?(?:[kKMGTP]?i?B|[kKMG]bit|[kKMG]bps|[kMG]?Hz|bytes|ms|°C)\b)"
)
"""A number without a noun of its own: “in north 4,120”."""
_LEVEL = re.compile(r"\b(?:from|to|at|of its)\s$", re.IGNORECASE)  # before a small number
_CODE = re.compile(r"\b(?:HTTP|status|code)\s(?:status\s|code\s|error\s)*$", re.IGNORECASE)
"""Before a number: it is that of a status."""
_CLAUSED = re.compile(r"\s(?:that|which|who|are|were|is|was)\s")
"""In a figure with its noun: the noun is that of another clause."""
_LINES = re.compile(
    r"\b(?:logs?|lines|entries|messages|errors?|failures?|timeouts?|rejections?|refusals?|"
    r"exceptions?|spans?|traces?|fail(?:ed|s|ing)?|refused|rejected|timed out|lost|warnings?)\b",
    re.IGNORECASE,
)
"""In a sentence: its figures may be of logs, or of what failed."""
_WROTE = re.compile(
    r"\b(?:wrote|logged)\s[\d,]+\sof (?:them|these|those)\b|"
    r"\d\sof (?:them|these|those)\s(?:came|come|were|are|was)\b",
    re.IGNORECASE,
)
"""In a sentence: its figure is of the lines that the one before tells of."""
_AGENT = re.compile(r"ators?$")  # “validators” are no validations
_KEYS = frozenset({"error.kind", "kind"})
"""Keys whose values are names of rows: “PoolTimeout came 336 times”."""
_ROWS = re.compile(
    r"logs|lines|errors|failures|timeouts|rejections|refusals|exceptions|spans|traces|warnings",
    re.IGNORECASE,
)
"""Nouns of rows."""
_OTHER = re.compile(
    rf"\b(?:{metered.SETTING}|CPU|rates?|memory|disk|usage|budget|connections?|threads?|pool|"
    r"a minute|per minute|each minute|seconds?|ms|hours|days?|week|month|year|usual\w*|normal\w*|"
    r"p\d\d|latency|estimate\w*|canary|tests?|free|idle|capacity|times\s(?!and\b)\w+|pods?|replicas?|"
    r"tickets?|queue\w*|more than\s\w+ as|peak\w*|worst|topped|highest|at \d\d:\d\d)\b",
    re.IGNORECASE,
)
"""In a clause: its figure may be of something else, or of one moment."""
_WAITING = re.compile(r"\s(?:\w+\s)?(?:waiting|queued|pending)\b", re.IGNORECASE)  # a level
_GOOD = re.compile(rf"{portions.GOOD.pattern}|\b(?:fine|unaffected)\b", re.IGNORECASE)
"""In a clause: its figure is of what did not fail."""
_REST = re.compile(
    r"\b(?:all but|another|others?|rest|old|new|else\w*|outside|without|apart from|except|not)\b",
    re.IGNORECASE,
)
"""Near a figure: it may be of those without the value."""
_NEAR, _DIGITS = 30, 3
_ITS = re.compile(r"\sof\s(?:its|their)\b")  # behind a share: it is one of what came to those
_APPOSED = re.compile(
    r"\d\s(?P<told>[^,;.\d()]{3,80})(?:,\s|\s\(|\s[–—]\s)"
    r"(?:(?:or|about|around|that is|some)\s){0,2}$",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"\bof\s(?:(?:the|our|all|its|their)\s){0,2}$", re.IGNORECASE)
"""Before a figure: it is the whole of what is told of."""
_DISTINCT = re.compile(r"\b(?:distinct|different|unique)\b", re.IGNORECASE)
_NAMING = re.compile(
    r"\b(?:logs?|lines)\s(?:name|hold|list|contain|show|have)s?\s(?:[a-z]+\s)?$", re.IGNORECASE
)
"""In a number of people, or before it: it is of all that the rows have."""
_OF = re.compile(
    r"\sof\s(?:(?:all|the|our|its|their|these)\s){0,2}(?P<noun>[a-z]{3,})", re.IGNORECASE
)
"""Behind a share: what it is of."""
_OF_ALL = re.compile(
    r"\sof\s(?:all|our|the)\s(?!(?:failed|refused|rejected)\b|"
    r"(?:\w+\s)?(?:errors|failures|rejections|refusals|timeouts|losses)\b)(?P<noun>[a-z-]+s)\b",
    re.IGNORECASE,
)
_OF_REQUESTS = re.compile(
    r"\sof\s(?:[\w-]+\s){0,2}?(?!(?:errors|failures|rejections|refusals|timeouts|losses)\b)"
    r"(?P<noun>[a-z-]+s)\s(?:failed|errored|timed out|ended in|succeeded|"
    r"were\s(?:refused|rejected|lost|dropped|declined)|(?:went|came|got) through(?!\s\w))\b",
    re.IGNORECASE,
)
"""The same in a plain sentence: “12 % of checkout requests failed”."""
_ODDS = re.compile(
    r"(?:\s(?:of\s)?(?:(?:the|our|all)\s)?(?:(?!of\b)[\w-]+\s)??(?P<noun>[a-z-]+))?\s"
    r"(?:was\s|were\s)?(?:failed|errored|timed out|ended in|refused|rejected|lost|dropped|"
    r"declined)\b",
    re.IGNORECASE,
)
"""Behind odds: “one in five searches failed”, “every fifth search failed”."""
_ODD = re.compile(r"\bin\b|\bout of\b|\bevery\b", re.IGNORECASE)
_AT_ONCE = re.compile(
    r"\b(?:worst|peak\w*|height|highest|minute|moment|usual\w*|normal\w*|day|week)\b", re.IGNORECASE
)
"""In a sentence: its share may be that of one moment, or of another time."""
_BOUNDED = re.compile(
    r"\b(?:alerts?|alarms?|pages?|warns?|warnings?|monitors?|thresholds?|fires?|triggers?|when|once|"
    r"if|whenever|as soon as|should|could|would)\s(?:[\w’'-]+\s){0,6}?$",
    re.IGNORECASE,
)
"""Before a share: it is one at which somebody is to be told."""
_ASIDE = re.compile(r"\([^()]*\)|^[^()]*\)")
_FROM_TO = re.compile(
    r"\b(?:from|between)\s\d\d:\d\d\s(?:UTC\s)?(?:to|and|until|–)\s\d\d:\d\d\b"
    r"|\bin\s(?:those|these)\s\d+\sminutes\b",
    re.IGNORECASE,
)
"""In a sentence: the stretch that it tells of."""
BUDGET = re.compile(r"\berror budget\b", re.IGNORECASE)
"""In a sentence: its numbers are those that may fail in a month."""
_KINDS = (
    (re.compile(r"\b(?:spans?|traces?)\b", re.IGNORECASE), attributes.SPANS),
    (re.compile(r"\b(?:logs?|lines|entries)\b", re.IGNORECASE), attributes.LOGS),
)
"""Words of a sentence → whose rows alone it is of."""


class Told(NamedTuple):
    """A figure of a sentence, and the values named: with it, and in the whole sentence."""

    cell: Cell
    sentence: str
    figure: Figure
    own: tuple[Named, ...]
    names: tuple[Named, ...]
    people: bool
    is_request: bool
    """Whether its noun is that of what came, or failed: “deliveries”."""
    alone: bool
    """Whether it is told surely of all rows, of all spans, or of all that came."""

    @property
    def said(self) -> str:
        """The words of the figure."""
        return self.sentence[self.figure.begin : self.figure.end]

    @property
    def clause(self) -> str:
        """The clause that the figure stands in."""
        return borne.clause(self.sentence, self.figure)

    @property
    def is_share(self) -> bool:
        """Whether the figure is a part of others."""
        return self.figure.kind == "share"

    @property
    def is_sure(self) -> bool:
        """Whether the figure says by itself of what it is."""
        enough = _FEWEST if self.own else _SURE
        return self.is_share or (self.figure.low >= enough and self.is_exact)

    @property
    def is_exact(self) -> bool:
        """Whether the figure is not rounded much; a share is never."""
        return self.is_share or self.figure.high - self.figure.low <= _EXACT * self.figure.high

    @property
    def is_bad(self) -> bool:
        """Whether it is told of what failed, and not of what came or went through."""
        own = portions.without_others(self.clause, self.said)
        own += self.apposed
        bad = portions.BAD.search(own) and not self.is_good
        return bool(bad) and not _WHOLE.search(self.sentence[: self.figure.begin])

    @property
    def apposed(self) -> str:
        """What a share tells once more: “310 |requests failed in north|, 15 % of all requests”."""
        told = _APPOSED.search(self.sentence, 0, self.figure.begin) if self.is_share else None
        return told["told"] if told else ""

    @property
    def is_good(self) -> bool:
        """Whether it is told of what went through."""
        return bool(_GOOD.search(self.clause))

    @property
    def is_rate(self) -> bool:
        """Whether it is a part of what came: “a third of its plays”, “22 % of all orders”."""
        its = self.is_share and _ITS.match(self.sentence, self.figure.end)
        return bool(its) or self.is_of_all or self.is_of_own

    @property
    def is_of_own(self) -> bool:
        """Whether it is one of what came to a group: “25 % of the plays in north failed”."""
        of = _OF.match(self.sentence, self.figure.end) if self.is_share else None
        came = of and self.is_request and not portions.BAD.match(of["noun"])
        return bool(came and self.own) and self.is_bad and not _AT_ONCE.search(self.sentence)

    @property
    def is_of_all(self) -> bool:
        """Whether it is such a part of all that came: “22 % of all orders failed”."""
        of = _OF_ALL.match(self.sentence, self.figure.end) if self.is_share else None
        came = of and not self.people and not WHO.match(of["noun"])
        came = came and not (of and _ROWS.fullmatch(of["noun"]))  # “a third of the spans”
        came = came and not _AT_ONCE.search(self.sentence)
        came = came and not _BOUNDED.search(self.sentence[: self.figure.begin])
        return (bool(came) and (self.is_bad or self.is_good)) or self.is_overall

    @property
    def is_overall(self) -> bool:
        """Whether it is one of the whole incident, told plainly: “12 % of the requests failed”."""
        of = _of_requests(self.sentence, self.figure) if self.is_share else None
        if self.apposed:
            of = of or _OF_ALL.match(self.sentence, self.figure.end)
        if of is None or not self.is_request or self.people:
            return False
        head, clause = self.sentence[: self.figure.begin], self.clause
        if _BOUNDED.search(head):
            return False
        plain = not borne.PARTIAL.search(clause.replace(of.group(), " ", 1))
        own = _FROM_TO.sub(" ", _ASIDE.sub(" ", f"{head} {clause}"))
        return plain and not (_AT_ONCE.search(own) or instants.is_timely(own))

    @property
    def has_rest(self) -> bool:
        """Whether it may be of those without the values."""
        begin, end = max(0, self.figure.begin - _NEAR), self.figure.end + _NEAR
        return bool(_REST.search(self.sentence, begin, end))

    def is_of(self, kind: str) -> bool:
        """Return whether the figure may be of rows of a kind: `attributes.LOGS` and others."""
        if self.cell.column.name == "key_traces":
            return kind == attributes.SPANS
        meant = next((word for said, word in _KINDS if said.search(self.sentence)), "")
        return kind == meant if meant else kind != attributes.SPANS


def told(case: Case, held: Sequence[Answer], known: Bears) -> Iterator[Told]:
    """Yield the figures of a document that may be of frozen rows."""
    regions = [(cell, str(cell.value)) for cell in case.cells if cell.column.name == "regions"]
    for cell, text in (*with_messages(case), *regions):
        before: tuple[Named, ...] = ()
        for sentence in sentences(text) if written.MAY.search(text) else ():
            other = BUDGET.search(sentence) or is_of_another_day(case, sentence)
            if len(sentence) > LONGEST or other:
                continue
            names = endings.named(sentence, held)
            told_ = (*names, *before)  # “that was the end of 400 picks”
            rows = bool(_LINES.search(sentence)) or any(one.key in _KEYS for one in names)
            rows = rows or (bool(names) and bool(_WROTE.search(sentence)))
            for each in _figures(cell, sentence, names, known) if len(told_) <= MOST_NAMES else ():
                if rows or (each.people and each.own):
                    yield each._replace(names=told_, alone=each.alone and not before)
            before = names


def _figures(cell: Cell, sentence: str, names: tuple[Named, ...], known: Bears) -> Iterator[Told]:
    """Yield the figures of a sentence that may be of rows with one of the values."""
    counted = [one for one in _numbers(sentence, names) if one.kind in {"share", "count", "part"}]
    plain = borne.nameless(sentence, names)
    for each in counted:
        small = each.kind != "share" and each.high < _FEWEST
        waiting = _WAITING.match(sentence, each.end) or written.is_code(sentence, each)
        if small or waiting or _OTHER.search(_segment(plain, counted, each)):
            continue
        own = beside.values(sentence, counted, each, names)
        whole = _OF.match(sentence, each.end) if each.kind == "share" else None
        odds = _of_requests(sentence, each) if each.kind == "share" and not whole else None
        noun = _noun(sentence, each, whole or odds)
        people = bool(WHO.match(each.noun)) or events.stem(each.noun) in known.people
        if people or _is_row(each.noun, own, known):
            request = events.stem(noun) in known.requests and not _AGENT.search(noun)
            sharp = written.sharp(each)
            made = Told(cell, sentence, sharp, own, names, people, request, alone=False)
            yield made._replace(alone=_is_alone(made))


def _of_requests(sentence: str, each: Figure) -> re.Match[str] | None:
    """Return what stands behind a share that is one of what came, and failed."""
    odds = _ODD.search(sentence, each.begin, each.end)
    return (_ODDS if odds else _OF_REQUESTS).match(sentence, each.end)


def _noun(sentence: str, each: Figure, of: re.Match[str] | None) -> str:
    """Return the noun of a figure; that of odds may stand within them: “one search in five”."""
    if of is None:
        return each.noun
    inside = re.findall(r"[a-z]{4,}", sentence[each.begin : each.end].lower())
    return (of["noun"] or (inside[-2:-1] or inside or [""])[0]).lower()


def _segment(sentence: str, counted: Sequence[Figure], each: Figure) -> str:
    """Return the clause of a figure, without what stands with another one of it."""
    clause = borne.clause(sentence, each)
    begin = sentence.rfind(clause, 0, each.end + len(clause))
    since = max((one.end for one in counted if one.end <= each.begin), default=0)
    apart = (one.begin for one in counted if one.begin >= each.end)
    until = min((at for at in apart if sentence[each.end : at] != " to "), default=len(sentence))
    return sentence[max(begin, since) : min(begin + len(clause), until)]


def _is_alone(each: Told) -> bool:
    """Return whether a large number is told of all that came, or of all spans."""
    large = each.figure.low >= _SURE and each.is_exact
    part = each.is_share or each.has_rest or each.figure.kind == "part"
    part = part or bool(portions.OF_TOTAL.match(each.sentence, each.figure.end))
    whole = beside.is_whole(each.sentence, each.figure, each.names)
    if part or not large or (each.names and not whole):
        return False
    if each.people:
        return bool(
            _DISTINCT.search(each.said) or _NAMING.search(each.sentence, 0, each.figure.begin)
        )
    request = each.is_request and each.figure.kind == "count"
    whole = whole or bool(written.WHOLE_OF.search(each.sentence[: each.figure.begin]))
    return request or whole or each.cell.column.name == "key_traces"


def _is_row(noun: str, own: Sequence[Named], known: Bears) -> bool:
    """Return whether a noun is one of logs, of requests, or the name of a value."""
    request = events.stem(noun) in known.requests and not _AGENT.search(noun)
    if not noun or _ROWS.fullmatch(noun) or request:
        return True
    return any(noun == "times" or noun.rstrip("s") in each.value.lower() for each in own)


def _numbers(sentence: str, names: Sequence[Named]) -> list[Figure]:
    """Return the figures of a sentence, bare numbers too, but those within a name."""
    figures = [
        each
        for each in written.figures(sentence)
        if each.kind != "count" or not _CLAUSED.search(sentence, each.begin, each.end)
    ]
    taken = [(each.begin, each.end) for each in figures]
    taken += [(each.begin, each.end) for each in names]
    for match in _BARE.finditer(sentence):
        head = sentence[: match.start()]
        label = len(match.group()) <= _DIGITS and written.LABEL.search(
            head
        )  # “shard 12”, “window 15”
        small = _CODE.search(head) or (len(match.group()) < _DIGITS and _LEVEL.search(head))
        small = small or label
        if not small and not any(begin <= match.start() < end for begin, end in taken):
            value, step = spoken.amount(match["number"], "")
            before = sentence[max(0, match.start() - written.NEAR) : match.start()]
            low, high = written.bounds(value, step, before, fine=True)
            figures.append(written.Figure("count", low, high, *match.span()))
    within = [(each.begin, each.end) for each in names]
    free = (each for each in figures if not any(begin <= each.begin < end for begin, end in within))
    return sorted(free, key=lambda each: each.begin)
