"""Back-tests: each proposed monitor's queries asked over incident and baseline, frozen, thawed.

The answers are frozen beside the notebook, so that a document tells the same without asking
anybody. A threshold may be changed and tried again on the same answers; a changed query has to be
asked.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from postmortem_nb import evidence, times
from postmortem_nb.errors import BadValue, PostmortemError, QueryError, expected
from postmortem_nb.incident import Incident
from postmortem_nb.monitors import composites, definitions, reading, sources
from postmortem_nb.monitors.combined import Combined
from postmortem_nb.monitors.composites import Composite
from postmortem_nb.monitors.definitions import Constituent
from postmortem_nb.monitors.outcome import MINUTE, Outcome, Spans
from postmortem_nb.monitors.sources import evidence_name
from postmortem_nb.monitors.tried import Tried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from postmortem_nb.monitors.reading import Monitor
    from postmortem_nb.monitors.sources import Source

    Row = Mapping[str, Any]

TABLE = "monitors"
BASELINE = "7d"
LONGEST = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class BackTest:
    """One proposed monitor and its back-test; ``reason`` says why there is none."""

    number: int
    row: str
    name: str
    monitor: Monitor | Composite | None = None
    tried: Outcome | None = None
    reason: str = ""


def read(row: Row) -> Monitor | Composite:
    """Return the monitor that a row proposes. Raises QueryError with the reason for none."""
    words = str(row.get("query") or "").strip()
    if composites.is_one(words):
        return composites.read(words)
    return reading.read(words, row.get("threshold"))


def rows(incident: Incident) -> list[dict[str, Any]]:
    """Return the proposed monitors that say anything, as stored, in their order."""
    if TABLE not in incident.template.tables:
        return []
    found = Incident.values(incident, TABLE)  # unmasked: a query is compared with what was asked
    return [row for row in found if any(v is not None for name, v in row.items() if name != "row")]


def run(
    incident: Incident,
    baseline: object = None,
    *,
    refresh: bool = False,
    told: Callable[[str], object] = lambda _: None,
) -> list[BackTest]:
    """Return the back-test of each proposed monitor, what is not frozen yet asked and frozen.

    ``baseline`` None is the one that was asked for before, `BASELINE` the first time. Raises
    BadValue for a baseline that is no length of time.
    """
    length = _remembered(incident) if baseline is None else _length(baseline)
    source = sources.Asked(_folder(incident), length, refresh, told)
    return [*_tested(incident, rows(incident), source)]


def frozen(incident: Incident) -> list[BackTest]:
    """Return the back-tests from frozen answers alone.

    Where nothing was back-tested, those that cannot be: why is told in any case.
    """
    listed = rows(incident)
    is_tried = any(_is_frozen(incident, row) for row in listed)
    found = [*_tested(incident, listed, sources.Frozen(_folder(incident)))]
    return found if is_tried else [each for each in found if reading.CANNOT in each.reason]


def spans_of(incident: Incident) -> Spans:
    """Return the moments of an incident. Raises BadValue while its start is not known."""
    start, end = Incident.window(incident)
    if start is None:
        raise BadValue(
            "the timeline has no time for 'Incident Start' yet: there is no incident to try it on"
        )
    detected = dict(Incident.milestones(incident)).get("detected")
    if end is not None and end > start:
        return Spans(start, end, detected, is_over=True)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return Spans(start, max(now, start + MINUTE), detected, is_over=False)


def _tested(incident: Incident, listed: Sequence[Row], source: Source) -> Iterator[BackTest]:
    """Yield a back-test for each row; one that cannot be made says why."""
    for number, row in enumerate(listed, 1):
        monitor, tried, reason = None, None, ""
        try:
            monitor = read(row)
            tried = _tried(monitor, (number, listed), spans_of(incident), source)
        except PostmortemError as error:
            reason = " · ".join(str(error).split("\n"))
        yield BackTest(number, str(row["row"]), str(row.get("name") or ""), monitor, tried, reason)


def _tried(
    monitor: Monitor | Composite, place: tuple[int, Sequence[Row]], spans: Spans, source: Source
) -> Outcome:
    """Return a row's monitor tried; ``place`` is its number and the table that it stands in."""
    if isinstance(monitor, Composite):
        return _combined(monitor, place, spans, source)
    row = place[1][place[0] - 1]
    name, title = evidence_name(str(row["row"])), str(row.get("name") or "")
    return Tried(monitor, spans, source.points(name, title, monitor, spans)).checked()


def _combined(
    composite: Composite, place: tuple[int, Sequence[Row]], spans: Spans, source: Source
) -> Combined:
    """Return a composite tried: each of its monitors first, then what they say together."""
    number, listed = place
    row = str(listed[number - 1]["row"])
    own = evidence_name(row)
    proposed = {
        name: _proposed(name, listed) for name in composite.names if name not in composite.ids
    }
    found, record = dict(proposed), None
    if composite.ids:
        frame = source.definitions(own, composite, spans)
        record = frame.attrs["evidence"]
        found |= definitions.constituents(frame, spans.start)
    parts = [
        (found[name], _part(found[name], _evidence(name, row, listed), spans, source))
        for name in composite.names
    ]
    return Combined(own, composite, spans, tuple(parts), record).checked()


def _proposed(name: str, listed: Sequence[Row]) -> Constituent:
    """Return a monitor of the same table by its number. Raises QueryError that names it."""
    row = proposed(name, listed)
    title = str(row.get("name") or "")

    def single() -> Monitor:
        found = read(row)
        if isinstance(found, Composite):
            raise definitions.nested()
        return found

    monitor = definitions.named(name, title, single)
    return Constituent(name, title, monitor, missing=monitor.missing)


def proposed(name: str, listed: Sequence[Row]) -> Row:
    """Return the row that a composite means by ``#1``. Raises QueryError where there is none."""
    number = int(name.removeprefix("#"))
    if not 1 <= number <= len(listed):
        what = f"the number of a proposed monitor, up to {len(listed)}"
        raise QueryError(expected("query", what, example="#1", came=name))
    return listed[number - 1]


def _part(part: Constituent, name: str, spans: Spans, source: Source) -> Tried:
    """Return one monitor of a composite, tried. What goes wrong names it."""
    try:
        frame = source.points(name, part.label, part.monitor, spans)
        return Tried(part.monitor, spans, frame).checked()
    except PostmortemError as error:
        raise PostmortemError(f"monitor {part.label}: {error}") from None


def _evidence(name: str, row: str, listed: Sequence[Row]) -> str:
    """Return the name of the evidence of a composite's monitor: one of the table has its own."""
    if name.startswith("#"):
        return evidence_name(str(proposed(name, listed)["row"]))
    return evidence_name(row, name)


def _folder(incident: Incident) -> Path:
    return sources.folder(incident.path)


def _is_frozen(incident: Incident, row: Row) -> bool:
    return sources.record_path(_folder(incident), evidence_name(str(row["row"]))).is_file()


def _remembered(incident: Incident) -> timedelta:
    """Return the longest baseline of the frozen answers, so that a rerun asks nobody."""
    start = Incident.window(incident)[0]
    known = []
    for row in rows(incident):
        if start is None or not _is_frozen(incident, row):
            continue
        with suppress(PostmortemError):
            name = evidence_name(str(row["row"]))
            record = evidence.thaw(_folder(incident), name).attrs["evidence"]
            known.append(start - times.parse(record.get("from")) - read(row).reach)
    fits = [length for length in known if MINUTE <= length <= LONGEST]
    return max(fits, default=_length(BASELINE))


def _length(baseline: object) -> timedelta:
    length = baseline if isinstance(baseline, timedelta) else times.span(baseline, name="baseline")
    if not MINUTE <= length <= LONGEST:
        raise BadValue(expected("baseline", "1 minute to 90 days", example="7d", came=baseline))
    return length
