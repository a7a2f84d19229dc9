"""Levels of metrics as sentences tell them: “9.6 seconds”, “around one in twelve”, “900 queued”.

A sentence names a metric by what it measures; its level stands at its height, is the usual one, or
that of a moment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import spoken, written
from postmortem_nb.checks.claims import PEOPLE
from postmortem_nb.checks.spoken import NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


TOP, USUAL, AT, EVER, FOLD, ANY = "top", "usual", "at", "ever", "fold", "any"
EARLIER = "earlier"
"""What a level is told of: the height, as usual, a moment, any time at all, how many
times the usual it was; any of the first three, nobody knows which; or before the start."""
NEAR = 0.05
"""Share by which the highest level may differ."""

_WHOLE = (
    r"\b(?P<whole>(?:requests|calls|attempts|checkouts|transactions)\s(?:\w+\s)?failed|"
    r"worst (?:minute|moment)|at (?:the|its) worst)\b"
)
_LASTED = re.compile(
    r"\bfor\s(?:(?:about|some|nearly|almost|over|more than|the)\s)*$", re.IGNORECASE
)
"""Before minutes: so long it lasted."""
_LATER = re.compile(r"\s(?:earlier|later|before|after|into|ago)\b", re.IGNORECASE)
"""Behind a length: it lies between two moments."""
FAR = 120
"""Characters before a level that are looked at."""
BAD = r"\b(?:errors?|failures?|fail\w+|refus\w+|reject\w+|timeouts?)\b"
_A_MINUTE = r"\b(?:a|per|each|that|this|the|one)\sminute\b"
_FAILS = r"(?:fail(?:s|ed|ing)?|(?:is|was|were|are|being)\s(?:refused|rejected|lost)|errors? out)\b"
_NTH = "second|other|third|fourth|fifth|sixth|seventh|eighth|tenth|twentieth"
_ODDS = (
    rf"\b(?P<odds>every\s(?:{_NTH})\s(?:\w+\s){{1,6}}?{_FAILS}|"
    rf"\w+\s(?:\w+\s)?(?:in|out of)\s(?:every\s)?\w+\s(?:\w+\s){{0,3}}?{_FAILS}|"
    r"(?:loses|losing|refuses|refusing|rejects|drops|fails)\s"
    r"(?:(?:about|around|some|nearly|roughly|still)\s)*\w+\s(?:\w+\s)?(?:in|out of)\s\w+)"
)
"""A part that fails at a moment: “one payment in twelve fails”."""
_WELL = re.compile(r"\b(?:succeed\w*|success\w*|went through|got through|worked)\b", re.IGNORECASE)
"""In a sentence: its shares may be of what did not fail."""
_NONE = re.compile(
    rf"\b(?:none|no|not (?:one|a single)|without (?:an?|one|any))\b[^.;]{{0,30}}?{BAD}",
    re.IGNORECASE,
)
"""In a sentence: what it counts did not fail."""
_OF_PEOPLE = re.compile(rf"\bof\s(?:the\s|our\s|all\s)*[\d,]*\s?{PEOPLE}\b", re.IGNORECASE)
"""In a sentence: its shares are of people."""
_PERCENTILE = r"(?P<p>p\d\d|\d\dth percentile)"
_MEAN = r"(?:average|mean|median)\s(?:request\s)?duration"
TOPICS: dict[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    name: (re.compile(said, re.IGNORECASE), re.compile(measured, re.IGNORECASE))
    for name, said, measured in (
        (
            "rate",
            rf"\b(?:error|failure)[- ]rate\b|\brate of (?:errors|failures)\b|{_WHOLE}|{_ODDS}",
            r"error[_.]rate",
        ),
        (
            "latency",
            rf"\b(?:latency|response times?|{_PERCENTILE}|{_MEAN})\b",
            r"duration|latency|response_time|^p\d\d:",
        ),
        ("cpu", r"\bCPU\b", r"\bcpu\b"),
        (
            "failing",
            rf"{BAD}(?=[^.;]{{0,80}}?{_A_MINUTE})|{_A_MINUTE}(?=[^.;]{{0,80}}?{BAD})",
            r"error|fail|reject|refus|timeout",
        ),
        (
            "arriving",
            rf"\b(?:{PEOPLE}|requests|calls|attempts|logins|orders|payments)\s{_A_MINUTE}",
            r"^(?!.*(?:error|fail|refus|timeout)).*(?:hits|requests|calls|attempts|total)",
        ),
        ("queue", r"\bqueue[sd]?\b|\bbacklog\b|\bwait(?:ed)? in\b", r"queue|backlog"),
    )
}
"""What a sentence can speak of → its words, and those of a query that measures it."""

SECONDS = {"nanosecond": 1e-9, "microsecond": 1e-6, "millisecond": 1e-3, "second": 1.0}
"""Unit of a metric → seconds."""
_UNITS = {"s": 1.0, "seconds": 1.0, "second": 1.0}
_UNITS |= {"ms": 0.001, "milliseconds": 0.001, "min": 60.0, "minutes": 60.0}
_TIMED = re.compile(
    rf"(?:{NUMBER}|\b(?P<held>{'|'.join(spoken.WORDS)})\s)\s?"
    r"(?P<unit>(?:ms|milliseconds|seconds?|s|min|minutes)\b)"
)
_PER_MINUTE = re.compile(
    rf"{NUMBER}\s(?:(?!to\b)[a-z]+\s){{0,3}}?"
    r"(?:a|per|each|(?:in\s)?(?:this|that|the same))\sminute\b"
    rf"|(?<=\bto\s){NUMBER.replace('number', 'held').replace('scale', 'many')}"
    r"(?=\s(?:at|by)\s\d\d:\d\d)",
    re.IGNORECASE,
)
"""The second one of “from 82 a minute at 07:38 to 28 at 07:56” too."""
_QUEUED = re.compile(
    rf"{NUMBER}(?:\sor\sso)?\s(?:(?:[a-z]+\s){{0,3}}?(?:queued|wait(?:ing|ed)?)\b|deep\b|"
    r"in the (?:queue|backlog)\b)"
    rf"|\b(?:queue|backlog)(?:\sdepth)?\s(?:of\s(?!\d)[\w-]+\s)?(?:[\w,]+\s){{0,4}}?"
    r"(?:was|is|stood|stays|stayed|of|at|still|held|had|to)\s(?:(?:at|about|around|to)\s)?"
    rf"{NUMBER.replace('number', 'held').replace('scale', 'many')}"
    r"(?!\s?(?:%|ms\b|s\b|min|sec|hour))",
    re.IGNORECASE,
)
_TOP = re.compile(
    r"\b(?:peak\w*|up to|as (?:high|much|long) as|at (?:its|the|their) (?:highest|worst|height|"
    r"peak)|max\w*|topped|rose|climb\w*|jump\w*|shot up|spik\w*|reach\w*|grew)\s"
    r"(?:(?!from\b|past\b|beyond\b|by\b)[\w-]+\s){0,2}?(?:from\s(?:about\s|around\s|some\s)?[\d.,]+\s?(?:(?:%|ms|s)\s)?)?(?:to|at|of|with|about|around|"
    r"over|out at|up to)?\s?(?:(?:about|around|some|roughly|nearly|almost)\s)?$",
    re.IGNORECASE,
)
"""Before a level: it is the highest."""
_WORST = re.compile(
    r"\s(?:of\s[\w\s]{1,30}?\s|[a-z]{2,12}ing\s)?(?:at|in|during)\s(?:the|its|their)\s"
    r"(?:worst|peak|height)\b",
    re.IGNORECASE,
)
"""Behind a level: the same."""
_MINUTE = re.compile(
    r"\b(?:worst (?:minute|moment)|at (?:the|its) worst)\b[^.;]{0,60}$", re.IGNORECASE
)
_USUAL = re.compile(
    r"\b(?:usual(?:ly)?|normal(?:ly)?|typical(?:ly)?)\s(?:(?:at|of|about|around|level|is|was)\s)*$",
    re.IGNORECASE,
)
_EARLIER = re.compile(
    r"\bbefore (?:the|this|our) (?:incident|outage|release|deploy\w*|roll-?out|start|surge)"
    r"(?:p\d\d|[^.;,\d]){0,40}?\s(?:was|were|stood|had been|ran)\s"
    r"(?:(?:at|about|around|some|only|just|under|over|above|below)\s)*$",
    re.IGNORECASE,
)
_AS_BEFORE = re.compile(
    r"\s(?:(?:just|right|shortly)\s)?before (?:the|this|our) (?:incident|outage|release|start|"
    r"deploy\w*|roll-?out)\b(?=[.,;]|\sand\b|$)",
    re.IGNORECASE,
)
"""Behind a level: the same."""
_UP_TO = re.compile(r"\bup to\s$", re.IGNORECASE)
_UNDER = re.compile(r"\b(?:under|below|less than|lower than|at most)\s$", re.IGNORECASE)
_OVER = re.compile(
    r"\b(?:over|above|past|beyond|more than|higher than|at least|exceed\w*)\s$", re.IGNORECASE
)
_STATED = re.compile(
    r"\b(?:(?:was|were|is|are|stood|fell|dropped|went|sank|came|stayed|remained)\b[^.;]*|(?:still|only|"
    r"back)\s(?:at|under|below|over|above)\s)$"
    r"|^\W*$|\b(?:(?:error|failure)[- ]rate|(?:latency|p\d\d|CPU)(?:\s(?:of|for)\s[\w-]+)?)\s"
    r"(?:(?:still|now|is|was|back|down)\s)*(?:(?:at|to|under|below|over|above|around|about)\s)?$",
    re.IGNORECASE,
)
SETTING = (
    r"thresholds?|SLOs?|objectives?|targets?|limit\w*|capacity|would|should|could(?! not)|if|"
    r"plan(?:s|ned)?\sfor|forecast\w*|by the end of|next year"
)
"""Words by which a figure is a setting, or of what might be: no level of the incident."""
WATCHING = r"alerts?|monitors?"
"""Words by which one may be; “before the alert fired” tells of a moment."""
_OTHER = re.compile(
    rf"\b(?:{SETTING}|{WATCHING}|averages?|usual\w*|normal\w*|until|week|before|from|never|not|criteri\w*|"
    r"holds?)\b",
    re.IGNORECASE,
)
"""In a sentence: its level may be no level of the incident at that moment."""

SPARE = re.compile(r"[^.;,\d]{0,30}?\b(?:left|free|idle|spare|headroom)\b", re.IGNORECASE)
"""Behind a share: it is what is not used."""
PLANNED = re.compile(rf"\b(?:{SETTING}|{WATCHING}|can|load tests?|up to)\b", re.IGNORECASE)
"""In a sentence: so many need not have come."""
_SET = re.compile(
    rf"\b(?:{SETTING}|{WATCHING}|can|time-?outs?|timed out|cut off|g[ai]ve\w* up|retr\w+|pools?|"
    r"week|month|yesterday|tests?|tested|quota|budget|staging|canary|average|mean|faster|slower|"
    r"more|less|half|times|by|add(?:s|ed|ing)?|each|every|never|not|no)\b",
    re.IGNORECASE,
)
"""In a clause: its level is a setting, or of another day, or of no one moment."""
PIECE = re.compile(r"[;:]\s|,\s(?!\d)|\s[–—]\s|\b(?:while|but|because|so|that)\b|\(|\)")
_PART = re.compile(r"[;,:]\s|\sand\s")
_DOUBLED = {"doubled": 2.0, "tripled": 3.0, "trebled": 3.0, "quadrupled": 4.0}
_AS_USUAL = r"(?:usual|normal|ordinary|typical|baseline|average|before|otherwise|other days)"
_FOLD = re.compile(
    rf"\b(?P<fold>{'|'.join(spoken.WORDS)}|a hundred|\d+)(?:-|\s)?fold\b"
    rf"|\b(?P<times>{'|'.join(spoken.WORDS)}|\d+(?:\.\d+)?)\stimes\s[^.;,]{{0,40}}?\b{_AS_USUAL}\b"
    r"(?!\s(?:speed|pace|rate|throughput|size|staff\w*)\b)"
    rf"|\b(?P<doubled>{'|'.join(_DOUBLED)})\b",
    re.IGNORECASE,
)
_SINCE = re.compile(
    rf"\b(?:{SETTING}|{WATCHING}|again|halv\w+|than (?:at|in|on)|budget|burn\w*|load|tests?|"
    r"from|within|every|retr\w+|after|when|once|until|while|between)\b",
    re.IGNORECASE,
)
"""In a sentence: what is many times as high may be so against something else than the usual."""


class Value(NamedTuple):
    """A level that a sentence tells, in the metric's own unit."""

    low: float
    high: float
    begin: int
    end: int
    unit: str
    scale: float = 1.0


def values(kind: str, sentence: str) -> Iterator[Value]:
    """Yield the levels of a sentence that can be of a kind of metric."""
    if kind == "rate" and (_WELL.search(sentence) or _OF_PEOPLE.search(sentence)):
        return
    if kind == "failing" and _NONE.search(sentence):
        return
    bad = re.search(BAD, sentence) and not _NONE.search(sentence)
    if kind == "arriving" and (PLANNED.search(sentence) or bad):
        return
    yield from _folds(sentence)
    if kind in {"rate", "cpu"}:
        for each in written.figures(sentence):
            if each.kind == "share" and not SPARE.match(sentence, each.end):
                yield bounded(sentence, Value(each.low, each.high, each.begin, each.end, "%"))
        return
    for match in _NUMBERS[kind].finditer(sentence):
        groups = match.groupdict()
        digits, many = (
            groups.get(one) or groups.get(other) or ""
            for one, other in (("number", "held"), ("scale", "many"))
        )
        unit = groups.get("unit") or ""
        scale = _UNITS[unit.lower()] if unit else 1.0
        value, step = spoken.amount(digits, many)
        before = sentence[max(0, match.start() - FAR) : match.start()]
        if _LASTED.search(before) and unit.lower().startswith("min"):
            continue
        end = match.end()
        if _LATER.match(sentence, end) and not _AS_BEFORE.match(sentence, end):
            continue
        low, high = written.bounds(value, step, before, fine=True)
        found = Value(low * scale, high * scale, match.start(), match.end(), unit, scale)
        yield bounded(sentence, found)


def _folds(sentence: str) -> Iterator[Value]:
    """Yield how many times its usual level a metric is told to have had.

    Where a sentence speaks of two kinds of metric, nobody knows which it is told of.
    """
    if _SINCE.search(sentence) or not _FOLD.search(sentence):
        return
    if sum(bool(said.search(sentence)) for said, _ in TOPICS.values()) > 1:
        return
    for match in _FOLD.finditer(sentence):
        said = (match["fold"] or match["times"] or match["doubled"]).lower()
        many = _DOUBLED.get(said) or (100.0 if said == "a hundred" else spoken.COUNTS.get(said))
        times = many or float(said)
        before = sentence[max(0, match.start() - FAR) : match.start()]
        low, high = written.bounds(times, 0.25 * times, before, fine=True)
        yield Value(low, high, match.start(), match.end(), "times")


def _before(sentence: str, value: Value) -> str:
    return sentence[max(0, value.begin - FAR) : value.begin]


def bounded(sentence: str, value: Value) -> Value:
    """Return a level that is open on the side that its words leave open."""
    before = _before(sentence, value)
    if _UP_TO.search(before):
        return value._replace(low=(1 - NEAR) * value.high)
    if _UNDER.search(before):
        return value._replace(low=float("-inf"))
    return value._replace(high=float("inf")) if _OVER.search(before) else value


_INSTEAD = re.compile(r"\b(?:instead of|rather than|compared (?:to|with))\s(?:the\s)?(?:\w+\s)?$")
"""Before a level: it is that of another time, which nobody says."""


def is_level(kind: str, sentence: str, value: Value) -> bool:
    """Return whether a value is a level of this incident, of whatever moment."""
    clause = PIECE.split(sentence[: value.begin])[-1] + PIECE.split(sentence[value.end :])[0]
    told = kind in {"latency", "cpu", "queue"} and not value.unit.startswith("min")
    compared = _INSTEAD.search(sentence[: value.begin])
    return told and not _SET.search(clause) and not compared


def which(kind: str, sentence: str, value: Value) -> str:
    """Return whether a level is told as the highest, the usual one, or many times that."""
    if kind == "arriving":
        return EVER
    if value.unit == "times":
        return FOLD
    before = _before(sentence, value)
    if _USUAL.search(before):
        return USUAL
    if _EARLIER.search(before) or _AS_BEFORE.match(sentence, value.end):
        return EARLIER
    if _TOP.search(before) or _MINUTE.search(before) or _WORST.match(sentence, value.end):
        return TOP
    return ""


def is_moment(topic: re.Match[str], sentence: str, value: Value, kind: str) -> bool:
    """Return whether a level is told as that of a moment."""
    if topic.groupdict().get("whole"):
        return False  # “12 % of requests failed” is of the whole incident
    if topic.groupdict().get("odds"):
        return topic.start() <= value.begin < topic.end() and not _OTHER.search(sentence)
    before = _before(sentence, value)
    if kind == "queue":
        return not _OTHER.search(_PART.split(before)[-1] + _PART.split(sentence[value.end :])[0])
    hedged = spoken.HEDGE.sub("", before)
    return not _OTHER.search(sentence) and bool(_STATED.search(hedged) or _UNDER.search(before))


_NUMBERS: Mapping[str, re.Pattern[str]] = {
    "latency": _TIMED,
    "queue": _QUEUED,
    "failing": _PER_MINUTE,
    "arriving": _PER_MINUTE,
}
