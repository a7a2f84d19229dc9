"""Levels of the frozen metrics in sentences: “under 2 % by 15:38”, “a peak of 1,340 at 06:48”.

A sentence names a metric by what it measures (error rate, a percentile, latency), a level with its
unit, and a moment: an event, a clock, the row it stands in, or “at its worst”. It is doubted where
no frozen metric of that kind was at such a level then; without such a metric nothing is known.
“Usual” is the middle of what it was before the start.
"""

from __future__ import annotations

import re
from itertools import chain, islice
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import bounds, derived, instants, metered, paired, ranges, written
from postmortem_nb.checks.gauges import gauged
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.ranges import Level
from postmortem_nb.checks.reading import about, attest, matches, sentences, with_messages
from postmortem_nb.checks.relations import moments, named
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.derived import Gauge
    from postmortem_nb.checks.frozen import Curve
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 200
"""Levels that are looked at in a document: a text of nothing else must not slow a form."""
_SAID = re.compile(r"(?:Nothing else here has )?“(?P<number>\d[\d,.]*)\s(?!.*; nor “)")
"""What a finding doubts, where it begins with a number."""
_KNOWN, _SAME = 100, 0.98
"""From here on a number says by itself what it is of; how near to it a level lies."""
_GREW = re.compile(
    r"^(?!.*\d\d:\d\d).*\b(?:gr[eo]w|grown|rise|rose|risen|climb\w*|swell\w*|built up)\sto\s"
    r"(?:(?:about|around|over|some|almost|nearly)\s)?[\d,.]+\s*(?:%|ms|s|seconds)?\s*$",
    re.IGNORECASE | re.DOTALL,
)
"""Up to the end of a level, no clock anywhere: “it grew to 5,629, an hour after the fix …”."""
_ROSE = re.compile(
    r"\b(?:(?:gr[eo]w|rose|risen|rising|climb\w*|jump\w*|swell\w*|built up|went up|shot up|"
    r"increas\w*|spik\w*|surg\w*)\b[^;:]{0,80}\bto|reach\w*|peak\w* at|up to)\s"
    r"(?:(?:about|around|over|some|almost|nearly)\s)?$",
    re.IGNORECASE,
)
"""Before a level: it is the highest of the stretch that the sentence tells of, or its last one."""
_FEW = re.compile(
    r"\ba few (?P<scale>dozen|hundred|thousand)(?:\s(?!(?:to|from|and|or)\b)[a-z]{1,20}){0,4}?"
    r"\s(?:a|per|each|every)\sminute\b(?!\s(?:before|earlier)\b)",
    re.IGNORECASE,
)
"""How many failed in a minute, as a word has it."""
_PART = re.compile(r"[,;:]\s|\b(?:while|but)\b")
_FEWS = {"dozen": (24.0, 99.0), "hundred": (200.0, 999.0), "thousand": (2_000.0, 9_999.0)}
_FROM = re.compile(r"\b(?:from|than|of)\s$", re.IGNORECASE)
"""Before a level: it was so earlier."""
_NAME = 3
"""Letters that the name of a group has at least."""


def found(incident: Incident, case: Case, attested: Attested) -> Iterator[Finding]:
    """Yield levels of sentences that no frozen metric of their kind had."""
    known = moments(case)
    texts = with_messages(case)
    curves = derived.drawn(incident, case)
    groups = frozenset(derived.group(one) for one in curves if len(derived.group(one)) >= _NAME)
    every = (each for cell, text in texts for each in _told(case, cell, text, known))
    pairs = (each for cell, text in texts for each in _paired(case, cell, text, groups))
    gauges = {kind for one in curves if (kind := derived.gauge(one))}
    others = (each for cell, text in texts for each in _gauged(case, cell, text, gauges))
    fews = (each for cell, text in texts for each in _few(case, cell, text, known))
    for each in chain(*(islice(found_, MOST) for found_ in (every, pairs, others, fews))):
        if each.kind == "queue" and not each.gauge and _is_gauge(each.sentence, gauges):
            continue
        fit = _own(case, each, [one for one in curves if _measures(one, each)])
        ways = [each, each._replace(which=metered.AT)] if each.clocked else [each]
        truth = next((found for way in ways if (found := _otherwise(case, way, fit))), "")
        if truth:
            yield about(case, each.cell, f"“{each.said}”, but {truth}.")
        elif any(ranges.exactly(each, one) or ranges.is_height(each, one, case) for one in fit):
            attest(attested, each.cell, each.sentence[each.value.begin : each.value.end])


def _is_gauge(sentence: str, gauges: Collection[Gauge]) -> bool:
    """Return whether a sentence tells of a gauge by its own words, and not of any queue."""
    lowered = sentence.lower()
    return any(name in lowered for each in gauges for name in each.names | each.places)


def _otherwise(case: Case, each: Level, fit: Sequence[Curve]) -> str:
    """Return what metrics were where none was at a level; nothing where one was, or none knows."""
    held = [(one, span) for one in fit for span in ranges.spans(one, each, case)]
    if each.which == metered.AT and each.is_exact:
        fits = any(ranges.exactly(each, one, ranges.AROUND) for one in fit)
    else:
        fits = any(ranges.holds(each, *span) for _, span in held)
    if each.which == metered.AT and _GREW.search(each.sentence[: each.value.end]):
        fits = fits or any(ranges.is_height(each, one, case) for one in fit)
    if fits or not held:
        return ""
    near = each.which == metered.ANY  # else all rather than a group
    curve, span = min(
        held, key=lambda one: ranges.gap(each, *one[1]) if near else bool(one[0].series)
    )
    return _truth(each, curve.label, *span)


def _measures(curve: Curve, each: Level) -> bool:
    """Return whether a metric is the gauge, or of the kind, that a level is told of."""
    if each.gauge:
        return derived.gauge(curve) == each.gauge
    return derived.measures(curve, each.kind, each.percentile)


def unborne(incident: Incident, case: Case, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings but the hints about a figure that a metric had at the moment it is told of."""
    known = moments(case)
    places = {(cell.table, cell.row, cell.column.name): cell for cell in case.cells}
    for each in findings:
        cell = places.get((each.table, each.row, each.name))
        said = _SAID.match(each.message)
        doubt = each.code in {Code.PROSE, Code.LONE} and each.severity is Severity.HINT
        if not (doubt and cell and said and _bears(incident, case, cell, said, known)):
            yield each


def _bears(
    incident: Incident,
    case: Case,
    cell: Cell,
    said: re.Match[str],
    known: dict[str, list[dt.datetime]],
) -> bool:
    """Return whether a metric had a number at the moments of its sentence."""
    value = float(said["number"].replace(",", ""))
    told = (each for each in sentences(str(cell.value)) if said["number"] in each)
    sentence = next((each for each in told if len(each) <= LONGEST), "")
    at = instants.told(case, cell, sentence, known) if sentence and value >= _KNOWN else []
    spans = (ranges.around(one, at) for one in derived.drawn(incident, case)) if at else ()
    return any(span and span[0] * _SAME <= value <= span[1] / _SAME for span in spans)


def _truth(each: Level, label: str, low: float, high: float) -> str:
    unit, scale = each.value.unit, each.value.scale
    shown = f"{numeral(high / scale, 3)} {unit}".strip()
    if each.which == metered.TOP:
        return f"{label} has its highest level at {shown}"
    if each.which in {metered.USUAL, metered.EARLIER}:
        least = "" if low == high else f"{numeral(low / scale, 3)} to "
        return f"{label} was {least}{shown} before the start"
    if each.which == metered.FOLD:
        return f"{label} was up to {numeral(high, 2)} times its usual level"
    if each.which == metered.ANY:
        return f"the nearest of {label} is {numeral(low / scale, 3)} to {shown}"
    if each.which == metered.EVER:
        return f"{label} never was above {shown}"
    return f"{label} is {numeral(low / scale, 3)} to {shown} at {times.shown(each.moments[0])}"


def _told(
    case: Case, cell: Cell, text: str, known: dict[str, list[dt.datetime]]
) -> Iterator[Level]:
    """Yield the levels of a text: one topic a sentence, and of one level its moment."""
    for name, (said, _) in metered.TOPICS.items():
        for sentence in _closed(text) if matches(said, text) else ():
            topic = said.search(sentence) if len(sentence) <= LONGEST else None
            if topic is None:
                continue
            values = list(metered.values(name, sentence))
            for value in values:
                if _is_of_else(sentence, topic, value):
                    continue
                which = metered.which(name, sentence, value)
                at: Sequence[dt.datetime] = instants.behind(case, sentence, value.end)
                surely = bool(at) and not metered.PLANNED.search(sentence)
                if not which and (surely or metered.is_moment(topic, sentence, value, name)):
                    at = instants.told(case, cell, sentence, known) if len(values) == 1 else at
                    which = metered.AT if at else metered.EVER
                if not which and metered.is_level(name, sentence, value):
                    at, which = _every(case, cell, sentence), metered.ANY
                clocked = which == metered.TOP and bool(at)
                if which == metered.TOP and not at:
                    at = instants.row(case, cell)
                if which:
                    begin, end = min(topic.start(), value.begin), max(topic.end(), value.end)
                    percentile = topic.groupdict().get("p") or ""
                    level = Level(cell, sentence, name, value, which, at, begin, end, percentile)
                    rise = _rise(case, sentence, value) if which == metered.TOP else None
                    plain = rise and "," not in _DIGITS.sub("", sentence[: value.begin])
                    yield level._replace(clocked=clocked, stretch=rise if plain else None)


def _few(case: Case, cell: Cell, text: str, known: dict[str, list[dt.datetime]]) -> Iterator[Level]:
    """Yield how many failed a minute where a word says it: “a few dozen”."""
    said, _ = metered.TOPICS["failing"]
    for sentence in sentences(text) if matches(_FEW, text) else ():
        topic = said.search(sentence) if len(sentence) <= LONGEST else None
        found_ = list(_FEW.finditer(sentence)) if topic else []
        if len(found_) != 1 or metered.PLANNED.search(sentence):
            continue
        begin, end = found_[0].span()
        clause = _PART.split(sentence[:begin])[-1] + _PART.split(sentence[begin:])[0]
        if not re.search(metered.BAD, clause, re.IGNORECASE):
            continue
        low, high = _FEWS[found_[0]["scale"].lower()]
        if not _FROM.search(sentence[:begin]):
            value = metered.Value(low, high, begin, end, "")
            top = metered.which("failing", sentence, value) == metered.TOP
            at = instants.told(case, cell, sentence, known)
            which = metered.TOP if top else metered.AT if at else metered.EVER
            yield Level(cell, sentence, "failing", value, which, at, begin, end)


_DIGITS = re.compile(r"\d[\d,]*")


def _rise(case: Case, sentence: str, value: metered.Value) -> instants.Window | None:
    """Return between what moments a level is told to have been reached."""
    rose = _ROSE.search(sentence[: value.begin])
    behind = instants.behind(case, sentence, value.end)
    return instants.between(case, sentence) if rose and not behind else None


_TURN = re.compile(r"[,;]\s(?:and\s)?(?:but|so|while|whereas|because|since|although|which)\b")
"""Between a level and a metric: it is of something else."""


def _is_of_else(sentence: str, topic: re.Match[str], value: metered.Value) -> bool:
    """Return whether a level is a bound that was kept, or one of something else than its topic.

    “Never above 5 s”; “replies take 4 ms, but callers waited, so p99 grew”.
    """
    between = sorted((*topic.span(), value.begin, value.end))[1:3]
    return bounds.is_kept(sentence, value.begin) or bool(_TURN.search(sentence, *between))


def _closed(text: str) -> Iterator[str]:
    """Yield the sentences of a text, a bracket that holds a semicolon in one piece."""
    held = ""
    for each in sentences(text):
        held = f"{held} {each}".strip()
        if held.count("(") <= held.count(")"):
            yield held
            held = ""
    yield from [held] if held else []


def _gauged(case: Case, cell: Cell, text: str, gauges: Collection[Gauge]) -> Iterator[Level]:
    """Yield the levels of a text that it tells of gauges by the words of their names."""
    lowered = text.lower()
    for gauge in gauges:
        words = gauge.names | gauge.places | gauge.groups
        if not any(name.removesuffix("ing") in lowered for name in words):
            continue
        for sentence in sentences(text):
            for value in gauged(sentence, gauge) if len(sentence) <= LONGEST else ():
                at: Sequence[dt.datetime] = instants.behind(case, sentence, value.end)
                which = metered.AT if at else metered.ANY
                at = at or _every(case, cell, sentence)
                if metered.which("queue", sentence, value) == metered.TOP:
                    which, at = metered.TOP, list(instants.row(case, cell))
                yield Level(
                    cell, sentence, "queue", value, which, at, value.begin, value.end, gauge=gauge
                )


def _every(case: Case, cell: Cell, sentence: str) -> list[dt.datetime]:
    """Return every moment that a sentence may tell of: its clocks, its events, its row."""
    clocks = (each for each in written.figures(sentence) if each.kind == "clock")
    known = moments(case)
    named_ = [at for each in named(sentence) for at in known.get(each.name, ())]
    return [
        *(instants.on_day(case, int(each.low)) for each in clocks),
        *named_,
        *instants.row(case, cell),
    ]


def _paired(case: Case, cell: Cell, text: str, groups: Collection[str]) -> Iterator[Level]:
    """Yield the levels of a text that stand with a group, at their clock or in their row."""
    lowered = text.lower()
    own = [each for each in groups if each in lowered]
    for sentence in sentences(text) if own else ():
        if len(sentence) > LONGEST:
            continue
        clocks = [each for each in written.figures(sentence) if each.kind == "clock"]
        for kind, value, group in paired.values(sentence, own):
            behind = instants.behind(case, sentence, value.end)
            near = [each for each in clocks if each.begin < value.begin]
            if clocks and not near and not behind:
                continue
            before = (
                [instants.on_day(case, int(near[-1].low))] if near else instants.row(case, cell)
            )
            moments, rise = behind or before, _rise(case, sentence, value)
            if moments:
                which, (begin, end) = metered.TOP if rise else metered.AT, value[2:4]
                level = Level(cell, sentence, kind, value, which, moments, begin, end)
                yield level._replace(group=group, stretch=rise)


def _own(case: Case, each: Level, fit: Sequence[Curve]) -> Sequence[Curve]:
    """Return the curves of the groups that a level is told of."""
    if each.group:
        return [one for one in fit if derived.group(one) == each.group]
    return derived.own(fit, each.sentence, each.value.end, instants.beside(case, each.cell))
