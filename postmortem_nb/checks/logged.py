"""What frozen logs and spans say, in sentences: shares, counts, first moments, the longest span.

“Two thirds are a PoolTimeout, the first at 14:11”, “5,941 logs of CodeMapLockTimeout”, “no span
took longer than 6 s”.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import attributes, frozenrows, instants, spoken, written
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, attest, matches, passages, sentences
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.frozenrows import Logs, Trace
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.checks.written import Figure
    from postmortem_nb.incident import Incident

MOST = 200
"""Findings at most: a text of nothing else must not slow a form."""
NAMES = 30
"""Names that are looked for in the frozen logs: each is a search through all of them."""
_NAMED = re.compile(
    r"\b(?:[A-Z][a-z]+(?:[A-Z][a-z0-9]+)+|[A-Z]{2,}(?:_[A-Z0-9]+)+|[a-z]+(?:_[a-z0-9]+)+)\b"
)
"""What only logs say: PoolTimeout, ERR_REFUSED."""
_FIRST = re.compile(
    rf"\b(?P<which>first|earliest|last)\s(?:(?:seen|logged|was|is|came|one|line|log|entry|"
    rf"of them|of|from|on|at)\s)*{spoken.CLOCK}",
    re.IGNORECASE,
)
_SLACK = 2.0
"""Minutes by which a first moment may be off."""
_WIDE = 8.0
"""Points of percent that a share of the logs may be off: an answer rarely holds them all."""
_MAY = re.compile(rf"{_NAMED.pattern}|\b(?:logs?|lines|entries|messages)\b")
"""What a text holds where it may tell of logs."""
_COUNTED = re.compile(r"\s(?:of|with|for|that (?:say|name)|say|name|mention)\b", re.IGNORECASE)
"""Behind a number of logs: they are those with a name."""
_BY_NAME = re.compile(
    rf"(?<![\w.,-])(?P<number>\d{{1,3}}(?:,\d{{3}})+|\d+)\s(?:(?:error|log)\s)?(?P<name>{_NAMED.pattern})"
)
"""A number of logs right before their name: “4,737 LicenseTimeout”."""
_NOUNS = frozenset({"logs", "lines", "entries", "messages"})
_OFF = 0.03
"""Share by which such a count may be off."""
_SPAN = r"(?P<number>\d[\d,]*(?:\.\d+)?)\s?(?P<unit>ms|milliseconds|s|seconds)\b"
_NONE_LONGER = (
    rf"\b(?P<none>none of|no)\s(?:(?:the|these|those|failed|frozen|single)\s)*"
    rf"(?:spans?|calls?|traces?)\s"
    rf"(?:\w+\s){{0,3}}?(?:longer|more) than\s{_SPAN}"
)
_TOP = _SPAN.replace("number", "top").replace("unit", "of")
_LONGEST_SPAN = re.compile(
    rf"{_NONE_LONGER}|\b(?:longest|slowest)\s(?:\w+\s){{0,2}}?(?:spans?|traces?)\b"
    rf"[^.;\d]{{0,40}}?{_TOP}",
    re.IGNORECASE,
)
_LONGEST_HERE = re.compile(
    rf"{_NONE_LONGER}|\b(?:longest|slowest)\b[^;]{{0,80}}?\b(?:took|lasted|ran for)\s{_TOP}",
    re.IGNORECASE,
)
"""Where only spans are told of: their ids may stand between."""
_TENTH, _FEW = 0.1, 2
"""Share by which a time may be off that is told with so few digits."""
_TRACES = re.compile(r"\b(?:spans?|traces?)\b", re.IGNORECASE)
_TRACE_ID = re.compile(r"\b(?=[0-9a-f]{0,31}\d)[0-9a-f]{8,32}\b", re.IGNORECASE)
_PLAIN_ID = re.compile(r"(?=\d*[a-f])[0-9a-f]{12,32}", re.IGNORECASE)
"""What can be nothing else, whether it is frozen or not."""
_ALL_SPANS = r"(?:(?:the|our|all)\s)*(?:\d+\s)?(?:\w+\s)?(?:spans|traces|sample)\b"
_IS_SLOWEST = re.compile(
    r"[^.;\d]{0,30}?\s(?:is|was)\s(?:by far\s)?the (?:slowest|longest)\b"
    r"(?!\s(?:\w+\s)?(?:of|on|in|for|from|before|after|among)\b"
    rf"(?!\s{_ALL_SPANS}))",
    re.IGNORECASE,
)
"""Behind a trace: none is slower, but of one group or of a part of the time."""
_SLOWEST_IS = re.compile(
    rf"\bthe (?:slowest|longest)(?:\s(?:one|span|trace))?(?:\sof\s{_ALL_SPANS}"
    r"(?:\s(?:that\s|which\s)?we kept)?)?(?:,| is| was)\s(?:the\s)?(?:span\s|trace\s)?$",
    re.IGNORECASE,
)
"""Before a trace: the same."""
_BEFORE = 120
"""Characters before a trace that are looked at."""
_EXACT = 0.005
"""Seconds by which the slowest one may be another: they are told to a hundredth."""
_ITS_CLOCK = re.compile(rf"\s?(?:\(|at\s|of\s|from\s){spoken.CLOCK}", re.IGNORECASE)
_TOOK = re.compile(rf"{_SPAN}", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.;])\s")
LONGEST_TRACES = 20_000
"""Characters of a text in which traces are looked for."""
_NEAR = 0.02
"""Share by which the time that a span took may be off."""


class _Count(NamedTuple):
    """A number of logs that a blank tells, as it is written and between what it may lie."""

    cell: Cell
    said: str
    low: float
    high: float


def found(incident: Incident, case: Case, attested: Attested) -> Iterator[Finding]:
    """Yield sentences on logs and spans that the frozen ones do not bear."""
    yield from islice(_logged(incident, case, attested), MOST)
    yield from islice(_spanned(incident, case), MOST)


def _logged(incident: Incident, case: Case, attested: Attested) -> Iterator[Finding]:
    """Yield shares, counts and first moments of what logs say that the frozen ones do not have."""
    looked: set[str] = set()

    def holding(name: str) -> list[Logs]:
        looked.update({name} if len(looked) < NAMES else ())
        return list(frozenrows.logs(incident, case, name)) if name in looked else []

    values = attributes.answers(incident, case)
    for cell, text in passages(case):
        for sentence in sentences(text) if _MAY.search(text) else ():
            if len(sentence) <= LONGEST:
                known = bool(attributes.named(sentence, values))
                yield from _first_of(case, cell, sentence, holding)
                yield from () if known else _named(case, cell, sentence, holding, attested)


def _first_of(
    case: Case, cell: Cell, sentence: str, holding: Callable[[str], list[Logs]]
) -> Iterator[Finding]:
    """Yield when a sentence has the first or last log with a name, where those have another."""
    names, clocks = set(_NAMED.findall(sentence)), list(_FIRST.finditer(sentence))
    held = holding(*names) if len(names) == len(clocks) == 1 else []
    if held:
        yield from _first(case, cell, clocks[0], held)


def _named(
    case: Case,
    cell: Cell,
    sentence: str,
    holding: Callable[[str], list[Logs]],
    attested: Attested,
) -> Iterator[Finding]:
    """Yield what a sentence tells of the logs with a name, and those do not bear.

    Of names that are values of an attribute `derivable` reads more.
    """
    names = set(_NAMED.findall(sentence))
    figures = written.figures(sentence)
    shares = [each for each in figures if each.kind == "share"]
    held = holding(*names) if len(names) == len(shares) == 1 else []
    if held:
        known = [share for each in held for share in each.shares]
        yield from _shared(case, cell, sentence, shares[0], known)
    for match in _BY_NAME.finditer(sentence):
        value, step = spoken.amount(match["number"], "")
        low, high = written.bounds(value, step, sentence[: match.start()], fine=True)
        told = _Count(cell, match.group(), low, high)
        yield from _count(case, told, holding(match["name"]), attested)
    for figure in figures if len(names) == 1 else ():
        code = written.is_code(sentence, figure)
        if figure.noun in _NOUNS and not code and _COUNTED.match(sentence, figure.end):
            told = _Count(cell, sentence[figure.begin : figure.end], figure.low, figure.high)
            yield from _count(case, told, holding(*names), attested)


def _first(case: Case, cell: Cell, match: re.Match[str], held: Sequence[Logs]) -> Iterator[Finding]:
    last = match["which"].lower() == "last"
    ends = [each.last if last else each.first for each in held]
    end = max(ends) if last else min(ends)
    gap = spoken.apart(match, 60 * end.hour + end.minute)
    if gap is None or gap <= _SLACK:
        return
    at = spoken.clocked(match)
    early = at is not None and (at[0] < 60 * end.hour + end.minute)
    began = end - dt.timedelta(minutes=gap)
    seen = not last and any(each.since <= began for each in held)  # later ones may be cut off
    if early == last or seen:
        yield about(
            case, cell, f"“{match.group()}”, but the frozen logs have it at {end:%H:%M} UTC."
        )


def _shared(
    case: Case, cell: Cell, sentence: str, figure: Figure, known: Sequence[float]
) -> Iterator[Finding]:
    if known and not any(figure.low - _WIDE <= each <= figure.high + _WIDE for each in known):
        said = sentence[figure.begin : figure.end]
        yield about(case, cell, f"“{said}”, but {known[0]:.3g} % of the frozen logs have it.")


def _count(case: Case, told: _Count, held: Sequence[Logs], attested: Attested) -> Iterator[Finding]:
    """Yield a count of logs with a name, where no complete answer has so many."""
    known = [each.rows for each in held if each.whole]
    if any((1 - _OFF) * each <= told.high and told.low <= (1 + _OFF) * each for each in known):
        attest(attested, told.cell, told.said)
    elif len(known) == len(held) > 0:
        truth = f"the frozen logs have it {max(known):,} times"
        yield about(case, told.cell, f"“{told.said}”, but {truth}.")


def _spanned(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield how long a trace took, or the longest span, where no frozen ones bear it."""
    for cell, text in passages(case):
        if cell.column.name == "key_traces" or _TRACES.search(text):
            sure = frozenrows.are_whole(incident, case)
            yield from _traced(case, cell, text, frozenrows.traces(incident, case), sure=sure)
        for sentence in sentences(text):
            yield from _topped(incident, case, cell, sentence)


def _topped(incident: Incident, case: Case, cell: Cell, sentence: str) -> Iterator[Finding]:
    """Yield how long the longest span is told to be, of those that the sentence names."""
    pattern = _LONGEST_HERE if cell.column.name == "key_traces" else _LONGEST_SPAN
    for match in matches(pattern, sentence) if len(sentence) <= LONGEST else ():
        none = bool(match["none"])
        said = (match["number"] or match["top"]).replace(",", "")
        scale = 1000 if (match["unit"] or match["of"]).lower().startswith("m") else 1
        seconds = float(said) / scale
        known = list(_longest(incident, case, cell, sentence))
        off = _NEAR / 2 if len(said.replace(".", "")) > _FEW else _TENTH
        near = [abs(each - seconds) <= off * max(each, 0.01) for each in known]
        if known and not (min(known) <= seconds if none else any(near)):
            top = f"{numeral(max(known), 3)} s"
            yield about(case, cell, f"“{match.group()}”, but the longest frozen one is {top}.")


def _longest(incident: Incident, case: Case, cell: Cell, sentence: str) -> Iterator[float]:
    """Yield the seconds of the longest frozen spans that a sentence may speak of."""
    spans = [one for one in attributes.answers(incident, case) if one.seconds is not None]
    for answer in spans:
        by: dict[str, set[str]] = {}
        for each in attributes.named(sentence, [answer]):
            by.setdefault(each.key, set()).add(each.value)
        rows = answer.holding((key, frozenset(own)) for key, own in by.items())
        for window in (None, *instants.windows(case, cell, sentence)):
            part = answer.within(window)
            own = answer.seconds[part][rows[part]]  # type: ignore[index]  # spans have them
            if len(own):
                yield float(own.max())


def _traced(
    case: Case, cell: Cell, text: str, held: Mapping[str, Trace], *, sure: bool
) -> Iterator[Finding]:
    """Yield how long a trace, named by its id, took, and when, where its spans have another one.

    And, where the answers are ``sure`` to be all, one of which there is no span, and one that is
    not the slowest.
    """
    ids = [
        each
        for each in _TRACE_ID.finditer(text[:LONGEST_TRACES])
        if each.group().lower() in held or _PLAIN_ID.fullmatch(each.group())
    ]
    top = max((max(each.lasted) for each in held.values()), default=0.0)
    ends = [*(each.start() for each in ids[1:]), LONGEST_TRACES]
    for match, end in zip(ids, ends, strict=False):
        name, said = match.group(), _SENTENCE_END.split(text[match.end() : end])[0]
        trace = held.get(name.lower())
        if trace is None:
            own = sure and cell.column.name == "key_traces"
            if own and len(name) in {len(each) for each in held}:
                yield about(case, cell, f"“{name}”, but no frozen span is of it.")
            continue
        clock, took = _ITS_CLOCK.match(said), _TOOK.search(said)
        gap = spoken.apart(clock, 60 * trace.at.hour + trace.at.minute) if clock else None
        if clock and gap is not None and gap > _SLACK:
            doubt = f"{name} {clock.group().strip(' (')}"
            yield about(case, cell, f"“{doubt}”, but it is of {trace.at:%H:%M} UTC.")
        told = _seconds(took) if took else 0.0
        near = any(abs(each - told) <= _NEAR * max(each, told) for each in trace.lasted)
        if took and not near:
            known = ", ".join(f"{numeral(each, 3)} s" for each in trace.lasted[:3])
            yield about(case, cell, f"“{name} … {took.group()}”, but its spans took {known}.")
        if sure and max(trace.lasted) < top - _EXACT and _is_slowest(match, said):
            truth = f"another took {numeral(top, 3)} s"
            yield about(case, cell, f"“{name}” as the slowest, but {truth}.")


def _is_slowest(match: re.Match[str], said: str) -> bool:
    """Return whether a trace is told to be the slowest one of all."""
    before = match.string[max(0, match.start() - _BEFORE) : match.start()]
    behind = _IS_SLOWEST.match(said)
    return bool(behind or _SLOWEST_IS.search(before)) and not attributes.KIND.search(said)


def _seconds(match: re.Match[str]) -> float:
    told = float(match["number"].replace(",", ""))
    return told / 1000 if match["unit"].lower().startswith("m") else told
