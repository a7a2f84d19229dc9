"""Two sentences of which one denies the other: “drained, not deleted” and “had been deleted”.

Clauses are compared where they share words; they exclude each other by a negation of one verb, by
words that are opposites, or by “no”, “every”, “all” of what another clause counts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import language
from postmortem_nb.checks import events, written
from postmortem_nb.checks.items import ELSEWHEN
from postmortem_nb.checks.reading import TEXTS, about, is_read, is_shown, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

_AXES: dict[str, tuple[str, str]] = {
    "size": (
        (
            r"rais(?:ed|es|ing)(?!\s(?:an?\s|the\s|no\s)?(?:\w*errors?|\w*exceptions?|alarms?|"
            r"alerts?|tickets?|concerns?|questions?|flags?)\b)|increas\w+|lengthen\w*|widen\w*|"
            r"doubl\w+|extended|higher|(?<!no )longer"
        ),
        (
            r"lower(?:ed|s|ing)|shorten\w*|reduc\w+|cut(?!\s(?:off|over)\b)|shrank|shrunk|"
            r"decreas\w+|halv\w+|shorter"
        ),
    ),
    "kept": (
        r"kept|intact|preserved|replayed|retained|survived|durable|drained",
        r"deleted|destroyed|wiped|vanish\w*|purged|discarded|gone for good|lost for good",
    ),
    "sound": (
        r"healthy|fine|sound|worked (?:well|as)|not at fault|innocent",
        r"broken|faulty|defective|unhealthy|at fault|to blame|the culprit|refused every",
    ),
    "spared": (
        r"unaffected|untouched|not affected|never (?:affected|touched|hit)|kept working|stayed up",
        r"down|failed|failing|broke|unavailable|offline|went dark|unusable",
    ),
    "together": (
        (
            r"one by one|(?:one|two|three|few|\d+) (?:\w+ )?at a time|rolling|in waves|"
            r"gradual(?:ly)?|step by step|one after (?:another|the other)"
        ),
        r"all at once|at the same time|simultaneous(?:ly)?|in one go|at a stroke",
    ),
    "way": (r"roll(?:ed|ing)? forward", r"roll(?:ed|ing)?\s(?:\S+\s)?back(?!\sto back)"),
    "reached": (r"caught|made it|arrived in time|on time", r"missed|too late|came late"),
    "must": (r"mandatory|required|compulsory", r"optional|voluntary"),
    "hands": (r"by hand|manual(?:ly)?", r"automatic(?:ally)?"),
    "known": (r"documented|announced|in the (?:runbook|changelog)", r"undocumented|unannounced"),
    "tested": (r"was tested|had been tested|rehearsed|load-tested", r"untested|never tested"),
    "early": (r"too early|ahead of time|prematurely", r"too late|overdue|belated(?:ly)?"),
}
"""What two clauses can say the opposite of → the words of either side."""
_SIDES = {
    axis: tuple(re.compile(rf"\b(?:{ways})\b", re.IGNORECASE) for ways in sides)
    for axis, sides in _AXES.items()
}
_MOVING = re.compile(
    r"\b(?:rates?|latency|queue|backlog|traffic|load|CPU|memory|5xx|messages|percentile|p\d\d|"
    r"then|now)\b",
    re.IGNORECASE,
)
_TURNS = frozenset({"size", "must"})
_AGAIN = re.compile(r"\b(?:again|first|before|until|back to)\b", re.IGNORECASE)
"""In a clause: what it tells of goes up and down in the same incident."""
_NEGATED = re.compile(
    r"(?<!\bcould )\b(?:not|never|(?!could|can)\w+n[’']t)\s(?:\w+ly\s|even\s|ever\s|been\s|"
    r"yet\s|to\s)*(?P<verb>[a-z]{3,})",
    re.IGNORECASE,
)
_NONE = re.compile(
    r"\b(?:no|none|nobody|nothing|without|never|not|only|\w+n[’']t)\b", re.IGNORECASE
)
_WEAK = frozenset(
    """the been have has had was were are only all any one just yet know see enough need every too
    more much very seen ask asked asks part until before look take""".split()  # noqa: SIM905
)
_PARTICLED = frozenset({"switch", "switched", "turn", "turned", "put", "set", "left"})
"""Verbs that “on” and “off” turn round: “not switched on” denies no “switched off”."""
_UNIVERSAL = re.compile(
    r"(?<!after )(?<!once )(?<!when )(?<!until )(?<!before )(?<!as soon as )\b"
    r"(?P<way>no|not (?:a single|one)|none of (?:the|our)|every(?: single)?|all(?: the| our| "
    r"of the)?)"
    rf"\s(?!(?:the\s|our\s)?{written.NUMERAL}\b)(?P<rest>(?P<words>(?:[a-z-]+\s"
    rf"){{1,2}})[^.;]{{3,}})",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    rf"(?<![\w.,])(?P<count>{written.NUMERAL})\s(?:of\s(?:the\s|our\s"
    rf")?(?P<whole>{written.NUMERAL})\s)?"
    r"(?P<rest>(?P<words>(?:[a-z-]+\s){1,2})[^.;]{3,80})",
    re.IGNORECASE,
)
_OUGHT = re.compile(r"\b(?:must|should|ha(?:s|ve) to|needs? to)\b", re.IGNORECASE)
"""In a sentence: it says what is to be, not what was."""
_TRIED = re.compile(r"\b(?:tests?|trial|synthetic|sample)\b", re.IGNORECASE)
"""In what is counted: none of the customers' own."""
_SINCE = re.compile(r"\b(?:after|before|until|since|later|from then)\b|\d:\d\d", re.IGNORECASE)
"""Behind “no orders were lost”: it is said of a part of the time."""
_NAME = re.compile(r"(?<=\s)[A-Z][\w-]+")
_ENDED = re.compile(r"\b(?:any more|anymore|any longer|no longer)\b", re.IGNORECASE)
"""In a clause: it was so before."""
_MOMENTS = frozenset(("timeline", name) for name in ("status", "improving", "observation"))
"""Blanks that tell what was so by then."""
_NOW = re.compile(r"\b(?:is|are)\b")
"""In a row: what it says is so at its time."""
_CALLED = re.compile(r"\b[A-Z][\w’'-]+")
_CAUSES = frozenset({"technical_cause", "why_it_happened", "root_cause"})
_DONE = frozenset({"what_we_did", "plan"})
"""Blanks that tell what was so before the mitigation, and what it changed."""
_DATA = frozenset({"data", "job", "messag", "record", "row", "event", "write", "order"})
_CLAUSE = re.compile(r"[;:()]\s|,\s(?!not\b)|\b(?:but|while|because|which|so that)\b")
LONGEST = 8_000
"""Characters of a blank that are read: what is longer is no clause."""
MOST = 300
"""Clauses of a document that are compared with one another."""
_ENOUGH = 2


class _Clause(NamedTuple):
    """A clause: its words, the verbs that it denies, and its side of each axis."""

    text: str
    stems: frozenset[str]
    denied: frozenset[str]
    sides: tuple[tuple[str, bool], ...]


def opposed(case: Case) -> Iterator[Finding]:
    """Find clauses that another blank's clause excludes; the later one is doubted."""
    told = [(cell, each) for cell, text in _texts(case) for each in _clauses(text)][:MOST]
    people = {part for name in case.people() for part in name.split() if " " in name}
    denying: dict[object, list[int]] = defaultdict(list)  # few of many pairs can meet
    for at, (_, each) in enumerate(told):
        for key in (*each.denied, *each.sides):
            denying[key].append(at)
    turned = _sides_of_turn(case)
    for at, (cell, one) in enumerate(told):
        opposites = [(axis, not plus) for axis, plus in one.sides]
        keys = (*one.stems, *opposites) if is_read(cell) or is_shown(cell) else ()
        for before in sorted({before for key in keys for before in denying.get(key, ())}):
            other, each = told[before]
            doubted = at > before or not (one.denied or one.sides)
            then = {_is_after(turned, each) for each in (cell, other)} == {True, False}
            who = {*_CALLED.findall(one.text)} ^ {*_CALLED.findall(each.text)}
            if (
                other is not cell
                and doubted
                and not then
                and not who & people
                and _excludes(one, each)
            ):
                place = case.where(other.table, other.row, other.column.name)
                said, words = one.text.strip(" ,."), each.text.strip(" ,.")
                yield about(case, cell, f"“{said}”, but “{words}” under {place}.")
                break
    yield from _universal(case)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (opposed,)


def _sides_of_turn(case: Case) -> dict[tuple[str, str], bool]:
    """Return whether each timed row is of the time since the mitigation: much has changed."""
    rows = [(table, row) for table in ("timeline", "updates") for row in case.rows(table)]
    out = [row["time"] for _, row in rows if row.get("step") == "Mitigation Deployed"]
    turn = next((each for each in out if each), case.moments.recovered)
    timed = [(table, row) for table, row in rows if row.get("time")]
    return {(table, row["row"]): row["time"] >= turn for table, row in timed if turn}


def _is_after(turned: Mapping[tuple[str, str], bool], cell: Cell) -> bool | None:
    """Return whether a blank tells of the time since the mitigation; causes lie before it."""
    name = cell.column.name
    if name in _CAUSES or (cell.table, name) == ("whys", "answer"):
        return False
    return True if name in _DONE else turned.get((cell.table, cell.row))


def _texts(case: Case) -> Iterator[tuple[Cell, str]]:
    for cell in case.cells:
        read = is_read(cell) or is_shown(cell) or cell.table == "updates"
        if read and cell.column.kind in {"prose", "line"}:
            yield cell, str(cell.value)


@lru_cache(maxsize=TEXTS)
def _clauses(text: str) -> tuple[_Clause, ...]:
    """Return the clauses of a text that can be denied, or deny; kept until it is edited."""
    found = []
    for sentence in sentences(language.mask(text[:LONGEST])):
        if ELSEWHEN.search(sentence) or _OUGHT.search(sentence):
            continue
        for clause in _CLAUSE.split(sentence):
            words = events.stems(clause)
            denied = {
                events.stem(each.lower())
                for each in _NEGATED.findall(clause)
                if each.lower() not in _WEAK | _PARTICLED
            }
            sides = tuple(
                (axis, bool(plus.search(clause)))
                for axis, (plus, minus) in _SIDES.items()
                if bool(plus.search(clause)) != bool(minus.search(clause))
            )
            if len(words) > 1:
                found.append(_Clause(clause, words, frozenset(denied), sides))
    return tuple(found)


def _excludes(one: _Clause, other: _Clause) -> bool:
    """Return whether two clauses cannot both be true."""
    shared = one.stems & other.stems
    denied = {
        verb
        for verb in other.denied
        if verb in one.stems and verb not in one.denied and not _is_noun(verb, one.text)
    }
    if denied and len(shared - denied) >= _ENOUGH and not _NONE.search(one.text):
        return True
    for axis, plus in one.sides:
        if axis in _TURNS and (_AGAIN.search(one.text) or _AGAIN.search(other.text)):
            continue
        if (axis, not plus) not in other.sides or bool(one.denied) != bool(other.denied):
            continue
        moving = axis == "size" and (_MOVING.search(one.text) or _MOVING.search(other.text))
        if not moving and len(shared) >= _ENOUGH:
            return True
    return False


def _is_noun(verb: str, text: str) -> bool:
    """Return whether a text has a verb's word as a thing only: “the release” releases nothing."""
    every = re.findall(rf"\b{re.escape(verb)}\w*", text, re.IGNORECASE)
    things = re.findall(
        rf"\b(?:an?|the|our|this|that|each|every|its|their)\s{re.escape(verb)}\w*",
        text,
        re.IGNORECASE,
    )
    return bool(things) and len(things) == len(every)


def _universal(case: Case) -> Iterator[Finding]:
    """Find “no viewer lost anything” where another clause counts those who did."""
    texts = list(_texts(case))
    counted = [(cell, each) for cell, text in texts for each in _quantified(_COUNTED, text)][:MOST]
    said = [
        (cell, each)
        for cell, text in texts
        if is_read(cell)
        for each in _quantified(_UNIVERSAL, text)
    ]
    by: dict[str, list[int]] = defaultdict(list)
    for at, (_, each) in enumerate(counted):
        for noun in {*each.nouns, *(("data",) if each.nouns & _DATA else ())}:
            by[noun].append(at)
    for cell, one in said[:MOST]:
        for at in sorted({at for noun in one.nouns for at in by.get(noun, ())}):
            other, each = counted[at]
            moment = (cell.table, cell.column.name) in _MOMENTS
            then = cell.table == "timeline" and (moment or _NOW.search(one.said))
            if (other.table, other.column.name) in _MOMENTS:
                continue
            if other is not cell and not then and _denies(one, each):
                place = case.where(other.table, other.row, other.column.name)
                yield about(case, cell, f"“{one.said}”, but “{each.said}” under {place}.")
                break


class _Quantified(NamedTuple):
    """What is said of none, of all, or of a number."""

    none: bool
    part: bool
    nouns: frozenset[str]
    rest: frozenset[str]
    said: str


def _denies(one: _Quantified, other: _Quantified) -> bool:
    """Return whether what is said of none, or of all, is not what is counted of some."""
    same = one.nouns & other.nouns
    if not same and not ("data" in one.nouns and other.nouns & _DATA):
        return False
    shared = len(one.rest & other.rest) > bool(same)  # beside the noun itself
    missed = "miss" in other.rest and "miss" not in one.rest
    if not shared or not (one.none or missed or other.part):
        return False
    others = one.nouns - other.nouns - other.rest - _DATA - {"data"}  # “every smaller batch”
    return not others and all(each in other.said for each in _NAME.findall(one.said))


@lru_cache(maxsize=TEXTS)
def _quantified(pattern: re.Pattern[str], text: str) -> tuple[_Quantified, ...]:
    """Return what a text says of none, of all, or of a number; kept until it is edited."""
    found = []
    for sentence in sentences(language.mask(text[:LONGEST])):
        if ELSEWHEN.search(sentence):
            continue
        for match in pattern.finditer(sentence):
            rest = _CLAUSE.split(match["rest"])[0]
            if _SINCE.search(rest) or _ENDED.search(rest) or _TRIED.search(match["words"]):
                continue
            none = match.groupdict().get("way", "").lower().startswith(("no", "none"))
            part = bool(match.groupdict().get("whole"))
            nouns = events.stems(match["words"])
            said = match.group().removesuffix(match["rest"]) + rest
            found.append(_Quantified(none, part, nouns, events.stems(rest), said.strip(" ,.")))
    return tuple(found)
