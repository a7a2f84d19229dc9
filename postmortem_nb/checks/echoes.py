"""Figures that stand alone in words that stand elsewhere with another figure.

“The flag went to 40 %” where three sentences have it at 100 %, “first seen at 15:56” where others
say 15:49. What a figure is of is not parsed: two are taken for one thing where the words around
them are the same, the nearer and the rarer ones counting more (words weighed by how few blanks have
them: Spärck Jones, *A statistical interpretation of term specificity*, 1972).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import events, spoken
from postmortem_nb.checks.mentions import Mention, read
from postmortem_nb.checks.reading import WISHES, about, final, is_read, is_shown
from postmortem_nb.checks.report import Severity
from postmortem_nb.checks.slips import portioned, turned

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case, Cell, Row
    from postmortem_nb.checks.report import Finding

_PLANS = frozenset(
    {
        *("actions", "monitors", "similar", "approvals", "sharing", "dashboards", "runbooks"),
        "process_changes",
    }
)
_LATER = frozenset({("incident", "what_we_will_do")}) | {
    ("technical_changes", name) for name in ("target", "plan")
}
MOST = 200
"""Figures of a document that are compared: a text of nothing else must not slow a form."""
_LIKE, _FEW = 0.16, 0.28
"""How like the words around two figures are that are of one thing; where it counts a few things."""
_FIRMLY: Mapping[str, float] = {"%": 0.2, "clock": 0.28, "s": 0.28}
"""Kind → the same for what a text has many of, each of another thing."""
_COMMON, _NEAR = 0.35, 0.06
"""How like they must be where the figure stands elsewhere too, in words no liker than this."""
_TWICE, _BORNE = 0.5, 0.6
"""The same where its words are liker; and the share of it that they may reach."""
_SURE = 2
"""Other blanks with a figure that say surely that it is one of the incident, whatever of."""
_HALF = 0.5
"""What remains of what is needed where the document has one number of such things."""
_WORDS = 2
"""Words that two must share."""
_ALONE = 0.7
"""What remains of the likeness where the rival stands alone too."""
_OTHER = 0.7
"""What remains of it where the two count different things."""
_REST = re.compile(r"\b(?:so|rest|remaining|others?|succeed\w*|again)\b", re.IGNORECASE)
_SURELY = 1.0
_PARTIAL, _NEARLY_ALL = 90, 99
_FAILED = re.compile(r"fail|refus|reject|declin|error|timeout|los[st]|drop")
"""The stem of what failed."""
_ROUNDED = 0.6
"""Points of a percentage that rounding takes."""
_TIMED = 0.3
"""How like the words of a row must be to those around another clock."""
_ROW = 0.5
"""Weight of the words of a row around its time."""
_FEW_BLANKS = 6
"""Blanks that may have a word of a short document all the same."""
_LOOSELY = 0.4
_MOMENTS = frozenset({"timeline", "updates"})
"""Tables whose rows tell of one moment each."""
_LEVELS = frozenset({"%", "s", "ms"})
"""Kinds of which one thing has another at each row of the timeline."""
_ELSEWHERE = frozenset({"span", "date", "year", "local"})
"""Kinds that `bare`, `lengths` and `alike` read."""
_HOUR, _HOURS, _TIMES = 60, 180, 3
_DAY, _QUARTER, _JUST = 24 * 60, 15, 2
_APART = frozenset({"most", "by", "second", "minute", "hour", "day", "week", "month", "year"})
_KNOWN = 1_000
"""From here on a number of a blank says what the same number in a text is."""
_TOLD = 100
"""From here on a number may be known without what it counts."""


class _Told(NamedTuple):
    """A figure with its blank, and the words around it as they weigh; a row's own time too."""

    cell: Cell
    mention: Mention
    row: bool
    words: Mapping[str, float]
    whole: float


def echoes(case: Case) -> Iterator[Finding]:
    """Find figures that nothing bears, where the same words have another one elsewhere."""
    told = _weighed([*_told(case)][:MOST], _names(case))
    moments = {60.0 * at.hour + at.minute for each in _rows(case) if (at := each.get("time"))}
    own: dict[tuple[str, str, str], set[float]] = defaultdict(set)
    equals: dict[int, list[_Told]] = defaultdict(list)
    kinds: dict[str, list[_Told]] = defaultdict(list)
    for each in told:
        own[_place(each.cell)].add(each.mention.value)
        equals[round(each.mention.value)].append(each)
        if not each.row:
            kinds[each.mention.kind].append(each)
    held, late = _held(case), final(case)
    for one in told:
        doubtful = not (one.mention.open or one.mention.kind in _ELSEWHERE or _is_bare(one.mention))
        parts = {one.mention.value + each for each in one.mention.others}
        doubtful = doubtful and not parts & held  # a part of what a field holds
        doubtful = doubtful and not _is_worked_out(one)
        if one.mention.kind == "clock":
            doubtful = doubtful and (one.row or one.mention.value not in moments)
            doubtful = doubtful and _is_near(case, one.mention.value)
            doubtful = doubtful and not _is_just_before(case, one)
        if doubtful and _is_seen(one.cell, late) and one.mention.value not in held:
            known = own[_place(one.cell)] | (moments if one.row else set())
            rival = _rival(one, kinds[one.mention.kind], equals, known)
            if rival:
                place = case.where(rival.cell.table, rival.cell.row, rival.cell.column.name)
                said = f"“{one.mention.said}”, but “{rival.mention.said}” under {place}."
                yield about(case, one.cell, said, severity=Severity.HINT)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (echoes,)


def _is_bare(mention: Mention) -> bool:
    """Return whether a number of no thing is too small to say by itself what it is of."""
    bare = mention.kind == "count" and not (mention.noun or mention.rate == "minute")
    return bare and mention.value < _KNOWN


def _is_worked_out(told: _Told) -> bool:
    """Return whether a figure is the product of two others of its sentence, or the rest of one."""
    one = told.mention
    if one.kind == "%" and 100 - one.value in one.others:
        return bool(_REST.search(str(told.cell.value)))
    return any(a * b == one.value for a in one.others for b in one.others if a < b)


def _is_near(case: Case, minute: float) -> bool:
    """Return whether a clock can be one of the incident: its day is not told."""
    start, end = case.moments.start, case.moments.resolved or case.moments.recovered
    if start is None or end is None:
        return True
    first = 60 * start.hour + start.minute - _HOURS
    return (minute - first) % _DAY <= (end - start).total_seconds() / 60 + _HOURS + _QUARTER


def _is_just_before(case: Case, told: _Told) -> bool:
    """Return whether a clock of a row lies right before its time: what led to it was then."""
    at = next((row.get("time") for row in _rows(case) if row["row"] == told.cell.row), None)
    if at is None or told.row:
        return False
    return bool((60 * at.hour + at.minute - told.mention.value) % _DAY <= _JUST)


def _is_seen(cell: Cell, late: frozenset[str]) -> bool:
    """Return whether a figure of a blank can be doubted: it tells of this incident."""
    more = cell.table in {"updates", "technical_changes", "timeline"} or cell.row in late
    return more or is_read(cell) or is_shown(cell)


def _told(case: Case) -> Iterator[tuple[Cell, Mention, bool]]:
    """Yield the figures of what tells of this incident, not of plans; the rows' times too."""
    rows = {row["row"]: row for row in _rows(case)}
    for cell in case.cells:
        if cell.table in _PLANS or (cell.table, cell.column.name) in _LATER | WISHES:
            continue
        if cell.column.kind in {"prose", "line"}:
            for each in read(str(cell.value)):
                yield cell, each, False
        elif cell.column.kind == "time" and cell.table == "timeline":
            yield cell, _timed(cell.value, rows[cell.row]), True


def _timed(at: dt.datetime, row: Row) -> Mention:
    """Return the time of a row as a figure with the row's words around it."""
    said = "; ".join(str(each) for name, each in row.items() if name not in events.ROLES)
    near = dict.fromkeys(events.stems(f"{row.get('step') or ''}; {said}"), _ROW)
    return Mention("clock", "", 60.0 * at.hour + at.minute, f"{at:%H:%M}", near)


def _rows(case: Case) -> Sequence[Row]:
    return case.rows("timeline")


def _names(case: Case) -> frozenset[str]:
    """Return the words of names: one person or team has done things at several times."""
    names = [*(name for name in case.people() if " " in name), *(case.fact("teams") or ())]
    return frozenset().union(*(events.stems(str(name)) for name in names))


def _weighed(told: Sequence[tuple[Cell, Mention, bool]], names: frozenset[str]) -> list[_Told]:
    """Return figures with the words around them weighed: the fewer blanks have one, the more.

    A word that a third of the blanks have says nothing.
    """
    blanks: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for cell, mention, _ in told:
        blanks[_place(cell)].update(mention.near)
    spread = Counter(word for each in blanks.values() for word in each)
    most = max(_FEW_BLANKS, len(blanks) / 3)
    weights = {
        word: math.log(1 + len(blanks) / count) for word, count in spread.items() if count <= most
    }
    found, clocked = [], weights.keys() - names
    for cell, mention, row in told:
        told_ = clocked if mention.kind == "clock" else weights.keys()
        near = {each: w * weights[each] for each, w in mention.near.items() if each in told_}
        found.append(_Told(cell, mention, row, near, math.sqrt(sum(near.values()))))
    return found


def _place(cell: Cell) -> tuple[str, str, str]:
    return cell.table, cell.row, cell.column.name


def _held(case: Case) -> frozenset[float]:
    """Return the numbers of the blanks that hold nothing else, those that say what they are."""
    values = (cell.value for cell in case.cells if isinstance(cell.value, (int, float)))
    return frozenset(float(each) for each in values if each >= _KNOWN)


def _rival(
    one: _Told,
    others: Sequence[_Told],
    equals: Mapping[int, Sequence[_Told]],
    own: set[float],
) -> _Told | None:
    """Return the figure that the words around one have elsewhere; None where it is borne."""
    same = [_likeness(one, each, least=1) for each in _same(one, equals)]
    bearing = [each for each in same if each > _NEAR]
    if len(bearing) > 1 or len(same) > _SURE or (same and one.mention.kind == "%"):
        return None
    needed = _TWICE if bearing else max(_needed(one.mention), _COMMON if same else 0.0)
    needed = max(needed, max(bearing, default=0.0) / _BORNE)
    if not same and one.mention.value >= _TOLD and _agreed(one, others):
        needed *= _HALF
    if one.row:
        if same:
            return None
        needed = _TIMED
    best: _Told | None = None
    earlier = True
    for each in others:
        earlier = earlier and each is not one
        if each.mention.value in own or not _comparable(one, each):
            continue
        if _is_part(one, each) or _is_rest(one, each, equals):
            continue
        at_once = _turned_at_once(one.mention, each.mention)
        like = _SURELY if at_once else _likeness(one, each) * _weight(one, each)
        if like >= needed and len(_same(each, equals)) <= (1 if one.row else len(bearing)):
            alone = not bearing and not one.row and (earlier or each.mention.open)
            like *= _ALONE if alone else 0.0
        if like >= needed:
            best, needed = each, like
    return best


def _weight(one: _Told, other: _Told) -> float:
    """Return what the likeness of two shares counts: less where each may be of its own moment."""
    if one.mention.kind != "%":
        return 1.0
    nouns = {one.mention.noun, other.mention.noun} - {""}
    timed = {one.cell.table, other.cell.table} & _MOMENTS
    return _LOOSELY if timed or len(nouns) > 1 else 1.0


def _is_rest(one: _Told, other: _Told, equals: Mapping[int, Sequence[_Told]]) -> bool:
    """Return whether two large counts are, together, a third that is told."""
    whole = one.mention.value + other.mention.value
    return one.mention.kind == "count" and whole >= _KNOWN and round(whole) in equals


def _is_part(one: _Told, other: _Told) -> bool:
    """Return whether a figure is one of equal parts, or the share that its blank tells: “17 %”."""
    if one.mention.kind != "count":
        return False
    texts = str(one.cell.value), str(other.cell.value)
    if portioned(one.mention.value, other.mention.value, *texts):
        return True
    share = 100 * one.mention.value / other.mention.value if other.mention.value else 0.0
    told = (each for each in read(str(one.cell.value)) if each.kind == "%")
    return any(abs(share - each.value) <= _ROUNDED for each in told)


def _turned_at_once(one: Mention, other: Mention) -> bool:
    """Return whether two figures beside one clock are one with its digits turned."""
    clock = one.beside & other.beside and one.kind == other.kind
    return bool(clock) and turned(f"{one.value:g}", f"{other.value:g}")


def _agreed(one: _Told, others: Sequence[_Told]) -> bool:
    """Return whether the document has one number of what a figure counts, several times."""
    noun = one.mention.noun
    alike = [each.mention for each in others if each.mention.noun == noun and each is not one]
    values = [each.value for each in alike if not each.open]
    return bool(noun) and len(values) > _SURE and len({*values}) == 1


def _same(one: _Told, equals: Mapping[int, Sequence[_Told]]) -> list[_Told]:
    """Return where another blank has the same figure."""
    return [
        each
        for each in equals.get(round(one.mention.value), ())
        if _equal(one.mention, each.mention)
        and _same_kind(one.mention, each.mention)
        and _place(each.cell) != _place(one.cell)
    ]


def _needed(one: Mention) -> float:
    """Return how like the words must be around a figure of this kind and its rival."""
    few = one.kind == "count" and one.value < _TOLD
    return _FEW if few else _FIRMLY.get(one.kind, _LIKE)


def _same_kind(one: Mention, other: Mention) -> bool:
    """Return whether two equal figures may be of one thing: a large number says so by itself."""
    if one.kind == other.kind:
        return not one.noun or not other.noun or one.noun == other.noun or one.value >= _TOLD
    return one.value >= _TOLD and "clock" not in {one.kind, other.kind}


def _equal(one: Mention, other: Mention) -> bool:
    """Return whether two figures are the same, one of them rounded perhaps."""
    rounded = round(one.value, other.places), round(other.value, one.places)
    if rounded[0] == other.value or rounded[1] == one.value:
        return True
    steps = [spoken.amount(f"{each.value:.0f}", "")[1] for each in (one, other)]
    return max(one.value, other.value) >= _KNOWN and abs(one.value - other.value) <= max(steps)


def _comparable(one: _Told, other: _Told) -> bool:
    """Return whether one of two figures of a kind can have been meant as the other."""
    a, b = one.mention, other.mention
    apart = a.beside and b.beside and not (a.beside & b.others or b.beside & a.others)
    rated = a.rate != b.rate and (
        bool(a.rate and b.rate) or a.kind == "clock" or bool(_APART & {a.rate, b.rate})
    )
    here, there = _place(one.cell), _place(other.cell)
    moments = {here[0], there[0]} <= _MOMENTS and not one.row and not (a.noun and a.noun == b.noun)
    own = (
        moments or here == there or (one.row and here[:2] == there[:2])
    )  # found at 14:31: it fell at 13:50
    if apart or rated or own or _equal(a, b):
        return False
    low, high = sorted((a.value, b.value))
    if a.kind == "%" and _are_of_others(a, b):
        return False
    if a.kind == "clock":
        return high - low <= (_HOUR if one.row else _HOURS)
    tables = one.cell.table, other.cell.table
    levels = tables == ("timeline", "timeline") and a.kind in _LEVELS
    levels = levels or bool(a.rate and a.rate == b.rate and "timeline" in tables)
    bare = not (a.noun and b.noun)
    nouns = a.kind == "count" and a.noun != b.noun and low < (_KNOWN if bare else _TOLD)
    nouns = nouns or (a.kind == "count" and bare and low < _TOLD)
    if levels or nouns or low <= 0:
        return False
    if high == 10 * low:
        return len(f"{low:.0f}".rstrip("0")) > 1 and a.noun == b.noun
    return high < _TIMES * low or len(f"{low:.0f}") == len(f"{high:.0f}")


def _are_of_others(a: Mention, b: Mention) -> bool:
    """Return whether two shares are of different things: one of what failed, the rest of it."""
    low, high = sorted((a.value, b.value))
    rest = low + high == 100 or (low < _PARTIAL and _NEARLY_ALL <= high < 100)  # an availability
    return rest or (a.noun != b.noun and any(map(_FAILED.match, (a.noun, b.noun))))


def _likeness(one: _Told, other: _Told, *, least: int = _WORDS) -> float:
    """Return how like the words around two figures are, from 0 to 1; 0 with fewer shared."""
    near, far = one.words, other.words
    words = near.keys() & far.keys()
    nouns = {one.mention.noun, other.mention.noun}
    alike = len(nouns) == 1 or (one.mention.kind == "%" and "" in nouns)
    if len(words) < (least if alike or least < _WORDS else least + 1):
        return 0.0
    shared = sum(min(near[word], far[word]) for word in words) / (one.whole * other.whole)
    return shared * (1.0 if alike else _OTHER)
