"""What clauses leave out, written out: “2,450 came from gw-1 and 995 from gw-2” is two sentences.

A clause that has but a name and a figure says of them what the one before it says of its own: its
verb, its noun and its moment are carried on. Each such clause is spelled out, and the readers of
the evidence read the text once more as it then stands; what they find is told of the words of the
document. Where it is not sure what a clause carries on, it is left as it is.
"""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import (
    attributes,
    bounds,
    derivable,
    derived,
    levels,
    peaks,
)
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import sentences, with_messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

_Place = tuple[str, str, str]
"""Table, row and name of a blank."""

_FIGURE = r"(?<![\w.,:/#$€£-])(?:\d{1,3}(?:,\d{3})+(?!\d|[.:]\d)|\d+(?:\.\d+)?(?![\w:]|[.,]\d))"
_UNIT = r"(?:\s?(?:%|ms\b|seconds\b|s\b))"
_OF = r"(?:in|from|of|on|at|by|with|for)\s(?:the\s)?"
_CLOCK = re.compile(r"\s(?:at|by|around)\s\d\d:\d\d(?:\sUTC)?")
_NAME, _NUMBER = "\x01", "\x02"
"""What stands for a name, and for a figure with its unit, where the shape of a clause is read."""
_SHAPE = re.compile(
    rf"(?:(?:that|those)\s)?(?:{_OF})?(?:an?\s)?{_NAME}(?:\s(?:at|to|with|had))?\s{_NUMBER}"
    rf"(?P<noun>(?:\s[a-z]+){{0,2}})"
    rf"|{_NUMBER}(?P<things>(?:\s(?!(?:in|from|of|on|at|by|with|for|an?|the)\b)[a-z]+){{0,2}})\s"
    rf"(?:{_OF}|an?\s)*{_NAME}"
)
"""A clause without a verb: a name and its figure, or a figure and its name."""
_SUBJECT = re.compile(
    rf"(?:the\s)?[a-zA-Z][\w-]*(?:\s(?!\d)[\w-]+){{0,4}}\s(?:at|to)\s(?:{_FIGURE}){_UNIT}?"
    r"(?:\s(?!at\b)[a-z]+)?"
)
"""One with a subject of its own, whose verb alone is carried on: “the queue at 3,710 messages”."""
_PEAKED = re.compile(
    r"\b(?:peaked|topped out|stood|(?:rose|climbed|grew|jumped)(?=\sto))\s(?:at|to)\s"
)
_JOINT = re.compile(r"(?:;\s|,\s)(?:(?:and|but|while)\s)?|\s(?:and|while)\s")
_OPEN = re.compile(
    r"\b(?:not|never|no|none|neither|nor|respectively|than\s(?:in|on|from|the)|instead|between|would|"
    r"should|if|each|both|together|as\smany)\b|\?",
    re.IGNORECASE,
)
"""In a sentence: nobody knows surely what its clauses carry on."""
_MOST = re.compile(
    r"(?P<verb>\s(?:wrote|logged|had|saw))\sthe\smost(?:,|\swith|:|\s\()\s?"
    rf"(?P<figure>{_FIGURE})(?P<noun>\s[a-z]+s)?(?=[.,;)]|$)"
)
_OVERALL = re.compile(
    r"(?=[^.;]*\b(?:(?:over|across|during|throughout|for)\sthe\s(?:whole|entire|full)\s(?:incident|"
    r"outage|impact)|overall)\b)[^.;]*\b(?:failure|error)\srate\s"
    r"(?:was|averaged|came to|stood at)\s"
    rf"(?P<told>(?:(?:about|around|some|nearly|almost)\s)?(?:{_FIGURE})\s?%)",
    re.IGNORECASE,
)
"""The failure rate of the whole incident: such a part of all requests failed."""
_BARE = re.compile(rf"^(?P<figure>{_FIGURE})(?=\s(?:came|were)\s)")
"""A figure that begins a sentence without its noun."""
_LOGS = re.compile(r"\b(?:logs|log lines|error lines|lines|errors)\b", re.IGNORECASE)
_LEAST = 3


class _Name(NamedTuple):
    keys: frozenset[str]
    begin: int
    end: int


def found(
    incident: Incident, case: Case, others: Sequence[Finding], attested: Attested
) -> Iterator[Finding]:
    """Yield what the readers of the evidence find once every clause is spelled out."""
    held = attributes.answers(incident, case)
    groups = _groups(incident, case)
    told: list[tuple[Cell, str]] = []
    clauses: dict[_Place, list[str]] = {}
    for cell, text in with_messages(case) if held or groups else ():
        made, said = _spelled(text, held, groups)
        if said:
            told.append((cell, made))
            clauses.setdefault((cell.table, cell.row, cell.column.name), []).extend(said)
    if not told:
        return
    spelled = dataclasses.replace(case, told=tuple(told))
    known = {(each.table, each.row, each.name, each.message) for each in others}
    doubted = {(each.table, each.row, each.name): set[str]() for each in others}
    for each in others:
        doubted[each.table, each.row, each.name].update(_figures(each.message))
    for each in _read(incident, spelled, others, attested):
        place = each.table, each.row, each.name
        own = next(iter(_figures(each.message)), "")
        clause = next((one for one in clauses[place] if own in _figures(one)), "")
        if (*place, each.message) in known or not clause or own in doubted.get(place, ()):
            continue
        doubted.setdefault(place, set()).add(own)
        truth = each.message.partition("”, but ")[2]
        yield dataclasses.replace(each, message=f"“{clause}”, but {truth}") if truth else each


def _read(
    incident: Incident, case: Case, others: Sequence[Finding], attested: Attested
) -> Iterator[Finding]:
    yield from peaks.found(incident, case)
    yield from levels.found(incident, case, attested)
    yield from bounds.found(incident, case, others)
    yield from derivable.found(incident, case, others, attested)


def _figures(text: str) -> list[str]:
    return re.findall(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?", text.partition("”, but ")[0])


def _groups(incident: Incident, case: Case) -> dict[str, str]:
    """Return, in small letters, the groups that metrics are counted by, with the key of each."""
    series = {each.series for each in derived.drawn(incident, case) if ":" in each.series}
    tags = (tag.partition(":") for each in series for tag in each.split(","))
    return {value.lower(): key for key, _, value in tags if len(value) >= _LEAST}


def _spelled(
    text: str, held: Sequence[attributes.Answer], groups: dict[str, str]
) -> tuple[str, list[str]]:
    """Return a text with each clause spelled out, and the clauses that were."""
    made: list[str] = []
    clauses: list[str] = []
    for sentence in sentences(text):
        own, said = [sentence], list[str]()
        if len(sentence) <= LONGEST and re.search(r"\d", sentence) and not _OPEN.search(sentence):
            own, said = _written_out(sentence, _names(sentence, held, groups))
            bare = _BARE.match(own[0]) if made and _LOGS.search(made[0]) else None
            if bare:
                own = [_BARE.sub(r"\g<figure> of them", each) for each in own]
                said = [*said, sentence]
        made += own
        clauses += said
    return " ".join(made), clauses


def _names(sentence: str, held: Sequence[attributes.Answer], groups: dict[str, str]) -> list[_Name]:
    """Return the names of a sentence: values of frozen rows, and groups of metrics."""
    keys: dict[tuple[int, int], set[str]] = {}
    for each in attributes.named(sentence, held):
        keys.setdefault((each.begin, each.end), set()).add(each.key)
    lowered = sentence.lower()
    for value, key in groups.items():
        for match in re.finditer(rf"(?<![\w-]){re.escape(value)}(?![\w-])", lowered):
            keys.setdefault(match.span(), set()).add(key)
    found_ = [_Name(frozenset(own), *span) for span, own in sorted(keys.items())]
    return [
        each
        for each in found_
        if not any(o.begin <= each.begin and each.end <= o.end and o != each for o in found_)
    ]


class _Clause(NamedTuple):
    """A part of a sentence, up to the next joint, with its names and its figures."""

    begin: int
    end: int
    names: list[_Name]
    figures: list[tuple[int, int]]


def _clauses(sentence: str, names: Sequence[_Name]) -> list[_Clause]:
    stop = len(sentence.rstrip(" .;!"))
    joints = [each.span() for each in _JOINT.finditer(sentence, 0, stop)]
    edges = [(0, 0), *joints, (stop, stop)]
    pieces = [(one[1], other[0]) for one, other in pairwise(edges)]
    numbers = [
        each.span()
        for each in re.finditer(_FIGURE, sentence)
        if not any(one.begin <= each.start() < one.end for one in names)
    ]
    return [
        _Clause(
            begin,
            end,
            [one for one in names if begin <= one.begin and one.end <= end],
            [one for one in numbers if begin <= one[0] and one[1] <= end],
        )
        for begin, end in pieces
    ]


def _written_out(sentence: str, names: Sequence[_Name]) -> tuple[list[str], list[str]]:
    """Return a sentence with those that its clauses without a verb stand for, and these clauses."""
    made, said = [sentence], list[str]()
    head: _Clause | None = None
    for each in _clauses(sentence, names):
        clause = sentence[each.begin : each.end]
        spelled = _carried(sentence, head, each) if head else ""
        if spelled:
            made.append(spelled)
            said.append(clause)
        elif each.figures:
            head = each
    if overall := _OVERALL.match(sentence):
        made.append(f"{overall['told']} of all requests failed.")
        said.append(overall.group())
    for match in _MOST.finditer(sentence):
        before = [one for one in names if one.end == match.start()]
        for one in before[-1:]:
            noun = match["noun"] or " lines"
            whole = sentence[one.begin : one.end] + match["verb"]
            made += [f"{whole} the most{noun}.", f"{whole} {match['figure']}{noun}."]
            said.append(sentence[one.begin : match.end()])
    return made, said


def _carried(sentence: str, head: _Clause, each: _Clause) -> str:
    """Return what a clause stands for, with what it leaves out from the one it carries on."""
    clause = sentence[each.begin : each.end]
    whole = sentence[: head.end]
    clock = _CLOCK.search(clause)
    plain = _CLOCK.sub("", clause)
    if _is_gap(sentence, head, each, plain):
        one, other = head.names[0], each.names[0]
        swaps = [(one.begin, one.end, sentence[other.begin : other.end])]
        own = [span for span in head.figures if not _CLOCK.match(sentence, span[0] - 4)]
        pairs = zip(own, each.figures, strict=True)
        swaps += [(*span, sentence[slice(*number)]) for span, number in pairs]
        for begin, end, text in sorted(swaps, reverse=True):
            whole = f"{whole[:begin]}{text}{whole[end:]}"
        begin = head.begin
        spelled = whole[:begin] + _CLOCK.sub("", whole[begin:])
    else:
        verb = _PEAKED.search(sentence, head.begin, head.end)
        match = _SUBJECT.fullmatch(plain) if verb and len(each.figures) == 1 else None
        if not verb or match is None:
            return ""
        at = re.search(r"\s(?:at|to)\s", clause)
        spelled = f"{clause[: at.start()]} {verb.group()}{plain[at.end() :]}" if at else ""
    return f"{spelled}{clock.group() if clock else ''}."


def _is_gap(sentence: str, head: _Clause, each: _Clause, plain: str) -> bool:
    """Return whether a clause has but a name and figures, of the kind that its head has."""
    if len(head.names) != 1 or len(each.names) != 1 or len(head.figures) != len(each.figures):
        return False
    shared = head.names[0].keys & each.names[0].keys
    same = sentence[slice(*head.names[0][1:])] != sentence[slice(*each.names[0][1:])]
    name = sentence[slice(*each.names[0][1:])]
    shape = plain.replace(name, _NAME, 1)
    shape = re.sub(rf"(?:{_FIGURE}){_UNIT}?", _NUMBER, shape)
    match = _SHAPE.fullmatch(shape) if shared and same else None
    noun = ((match["noun"] or match["things"] or "") if match else "").strip()
    return bool(match) and (not noun or noun in sentence[head.begin : head.end])
