"""Back-tests as people read them: a table, a frame, a sentence, a picture.

Every text of a row passes the text door where it is shown; ``cover`` takes secrets out of it.
"""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from postmortem_nb import drawing, masking, provenance, text, times
from postmortem_nb.monitors import backtests, limits, outcome
from postmortem_nb.monitors.combined import Combined
from postmortem_nb.monitors.tried import Tried
from postmortem_nb.times import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from postmortem_nb.charts.alarms import Trial
    from postmortem_nb.charts.clock import Span
    from postmortem_nb.charts.lanes import Lanes
    from postmortem_nb.charts.look import Look
    from postmortem_nb.incident import Incident
    from postmortem_nb.monitors.backtests import BackTest
    from postmortem_nb.monitors.evaluation import Alarm
    from postmortem_nb.monitors.outcome import Outcome

    Cover = Callable[[str], str]

HEADS = ("Monitor", "Fired", "First alarm", "Before detection", "In the incident", "False alarms")
COLUMNS = {
    "row": "string", "monitor": "string", "condition": "string", "fired": "boolean",
    "first": "datetime64[us, UTC]", "lead_minutes": "Float64", "alarms": "Int64",
    "alarm_minutes": "Float64", "baseline_from": "datetime64[us, UTC]", "false_alarms": "Int64",
    "false_minutes": "Float64", "resolution_seconds": "Int64", "note": "string",
}  # fmt: skip
NONE = "No monitor is proposed under 'Monitoring Improvements' yet."
COMBINED = (
    "A composite combines the statuses of its monitors every minute, each tried alone: it alarms "
    "while its condition holds of them, a warning being as good as an alert."
)
HOUR = timedelta(hours=1)
AROUND = HOUR
LONGEST_NAME = 80
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


class BackTests:
    """The back-tests of an incident; shown in a notebook as table and pictures.

    ``frame`` is the table for programs, ``str()`` the one for a terminal.
    """

    def __init__(self, found: Sequence[BackTest]) -> None:
        self.found = tuple(found)

    def __iter__(self) -> Iterator[BackTest]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a monitor.

        Columns: ``row`` (its id), ``monitor``, ``condition``, ``fired`` (<NA> is unknown),
        ``first`` (UTC), ``lead_minutes`` (before detection; negative is later), ``alarms`` and
        ``alarm_minutes`` in the incident, ``baseline_from`` (UTC), ``false_alarms`` and
        ``false_minutes`` in the baseline, ``resolution_seconds``, ``note``.
        """
        pandas = import_module("pandas")
        made: pd.DataFrame = pandas.DataFrame([_row(each) for each in self], columns=list(COLUMNS))
        return made.astype(COLUMNS)

    def __str__(self) -> str:
        return _plain(self.found) if self.found else NONE

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if not self.found:
            return f"<p>{text.html(NONE)}</p>"
        return f'<div class="tex2jax_ignore mathjax_ignore">{_table(self.found)}</div>'

    def _ipython_display_(self) -> None:
        """Show the table, and each picture with its evidence: IPython's hook."""
        import_module("postmortem_nb.session").trials(self)


def backtest(
    incident: Incident,
    baseline: object = None,
    *,
    refresh: bool = False,
    told: Callable[[str], object] = lambda _: None,
) -> BackTests:
    """Return what each proposed monitor would have done in the incident and before it.

    Each monitor under "Monitoring Improvements" is evaluated minute by minute as Datadog does,
    over the baseline before the impact and over the incident. Its metrics are asked for once and
    frozen as evidence; a document shows the result from there.

    Parameters
    ----------
    incident
        whose proposed monitors are tried
    baseline
        how long before the impact began: ``7d``, ``36h``, a timedelta; unless given, as long as
        the time before, and seven days the first time
    refresh
        whether frozen answers are asked for anew
    told
        is given one line before each monitor

    Raises BadValue for a baseline that is no length of time. A monitor that cannot be tried is a
    row that says why.
    """
    return BackTests(backtests.run(incident, baseline, refresh=refresh, told=told))


def cells(tested: BackTest, cover: Cover = masking.mask) -> tuple[str, ...]:
    """Return the cells of a back-test under `HEADS`, as text."""
    name = f"{tested.number}. {_name(tested, cover)}"
    tried = tested.tried
    if tried is None:
        return (name, "unknown", "–", "–", "–", "–")
    fired = "unknown" if tried.fired is None else "yes" if tried.fired else "no"
    first = "–" if tried.first is None else times.shown(tried.first)
    group = f" ({cover(tried.group)})" if tried.group else ""
    alarms = "unknown" if tried.fired is None else told(tried.alarms, tried.minutes)
    return (name, fired, first + group, lead(tried), alarms, _false(tried))


def _false(tried: Outcome) -> str:
    if not tried.is_baseline_known:
        return "unknown"
    return f"{told(tried.false_alarms, tried.false_minutes)} in {_length(tried)}"


def lead(tried: Outcome) -> str:
    """Return how much earlier than the detection the first alarm came, in words."""
    if tried.lead is None:
        return "–"
    if round(tried.lead * 60) == 0:
        return "at the same time"
    return f"{times.duration(abs(tried.lead))} {'earlier' if tried.lead > 0 else 'later'}"


def told(alarms: Sequence[Alarm], minutes: float) -> str:
    """Return how many alarms there were and how long any lasted."""
    if not alarms:
        return "none"
    return f"{len(alarms):,} alarm{'s' * (len(alarms) != 1)}, {times.duration(minutes)}"


def notes(tested: BackTest) -> str:
    """Return what a reader has to know of a back-test; nothing where there is nothing."""
    return "; ".join(tested.tried.notes()) if tested.tried else tested.reason


def about(found: Sequence[BackTest]) -> str:
    """Return in a paragraph what was done, and over which time."""
    tried = next((each.tried for each in found if each.tried), None)
    before = f" and on the {_length(tried)} before it" if tried else ""
    combined = any(isinstance(each.tried, Combined) for each in found)
    return (
        f"Each proposed monitor, tried on the incident{before}. At each evaluation, every minute "
        "for windows under a day, the window that has just ended is compared with the threshold, "
        "each group alone, over the answers frozen with this document: each alarm of a group "
        "counts, minutes are those with any. One that began before the impact is a false alarm, "
        f"unless it began in the {outcome.FORETELLS // HOUR} hours before and lasted into it. What "
        "reaches Datadog late would alarm as much later."
        f"{f' {COMBINED}' if combined else ''}"
    )


def sentence(tested: BackTest, cover: Cover = masking.mask) -> str:
    """Return what the picture of a back-test shows: its text alternative."""
    _, fired, first, before, alarms, false = cells(tested, cover)
    when = f", first at {first}" if first != "–" else ""
    when += f", {before} than the detection" if before.endswith(("earlier", "later")) else ""
    return (
        f"Back-test of the monitor {_name(tested, cover)}. Fired in the incident: {fired}{when}. "
        f"Alarms in the incident: {alarms}. False alarms: {false}."
    )


def picture(tested: BackTest, cover: Cover = masking.mask) -> bytes:
    """Return the picture (PNG) of a back-test, empty where there is nothing to draw."""
    if tested.tried is None or not tested.tried.evaluated.groups:
        return b""
    charts = import_module("postmortem_nb.charts")
    drawn: bytes = charts.trial(_shown(tested, tested.tried, cover))
    return drawn


def drawn(tested: BackTest) -> drawing.Drawn | None:
    """Return the picture of a back-test as a cell keeps it; None where there is nothing to draw."""
    png = picture(tested)
    if not png or tested.tried is None:
        return None
    alt = masking.mask(sentence(tested))
    name = str(tested.tried.record.get("name") or "")
    stamped = {"drawn": key(tested, tested.tried), "sha256": drawing.digest(png)}
    return drawing.Drawn(png, alt, {"evidence": name, "alt": alt, **stamped})


def key(tested: BackTest, tried: Outcome) -> str:
    """Return the key of the picture of a back-test: all that it is drawn from."""
    record = {name: value for name, value in tried.record.items() if name != "changed"}
    return drawing.stamp(record, tested.name, *tried.key())


def line(tested: BackTest) -> str:
    """Return a line on the answers that a back-test stands on."""
    return masking.mask(provenance.line(dict(tested.tried.record))) if tested.tried else ""


def _shown(tested: BackTest, tried: Outcome, cover: Cover) -> Trial | Lanes:
    """Return what the picture of a back-test is drawn from, its labels covered."""
    before, around = _stretches(tried)
    words = {
        "below": _below(tried),
        "before": before,
        "around": around,
        "look": _look(tested, tried, cover),
        "facts": tried.record,
    }
    if isinstance(tried, Combined):
        return _lanes(tried, cover, words)
    assert isinstance(tried, Tried)  # noqa: S101 - there are these two
    return _trial(tried, cover, words)


def _trial(tried: Tried, cover: Cover, words: dict[str, Any]) -> Trial:
    """Return the picture of one monitor: its value against its threshold."""
    alarms, done = import_module("postmortem_nb.charts.alarms"), tried.evaluated
    made: Trial = alarms.Trial(
        caption=cover(tried.query()),
        remark=_colours(tried, cover),
        unit=limits.unit(tried.monitor, tried.frame),
        limit=tried.limit,
        sign=tried.monitor.sign,
        seconds=done.seconds,
        values=done.measured,
        chief=done.groups.index(tried.group) if tried.group in done.groups else 0,
        alarms=[
            alarms.span(*each) for each in outcome.stretches([*tried.false_alarms, *tried.alarms])
        ],
        **words,
    )
    return made


def _lanes(tried: Combined, cover: Cover, words: dict[str, Any]) -> Lanes:
    """Return the picture of a composite: the status of each of its monitors, and its own."""
    lanes, shown = import_module("postmortem_nb.charts.lanes"), tried.lanes()
    others = len(tried.evaluated.groups) - 1
    group = tried.group or tried.evaluated.groups[0]
    made: Lanes = lanes.Lanes(
        caption=cover(tried.query()),
        remark=f"Shown of {others + 1} groups: {cover(group)}." if others else "",
        names=[cover(lane.label) for lane in shown],
        seconds=tried.evaluated.seconds,
        rows=[lane.statuses for lane in shown],
        every=tried.evaluated.every.total_seconds(),
        **words,
    )
    return made


def _look(tested: BackTest, tried: Outcome, cover: Cover) -> Look:
    """Return what is marked in a picture: the incident, its detection, and the first alarm."""
    spans = tried.spans
    known = (("detected", spans.detected), ("would fire", tried.first))
    made: Look = import_module("postmortem_nb.charts.look").Look(
        title=_name(tested, cover),
        window=(spans.start, spans.end if spans.is_over else None),
        milestones=[(name, moment) for name, moment in known if moment is not None],
    )
    return made


def _below(tried: Outcome) -> str:
    """Return what stands above the stretch before the incident."""
    false = told(tried.false_alarms, tried.false_minutes).replace("alarm", "false alarm", 1)
    quiet = "no false alarm" if tried.is_baseline_known else "no data"
    return f"The {_length(tried)} before: {false if tried.false_alarms else quiet}"


def _stretches(tried: Outcome) -> tuple[Span, Span]:
    """Return the two stretches of time that are drawn: before the incident, and around it."""
    span = import_module("postmortem_nb.charts.alarms").span
    spans, seconds = tried.spans, tried.evaluated.seconds
    last = EPOCH + timedelta(seconds=int(seconds[-1])) if len(seconds) else spans.end
    first = spans.start if tried.first is None else tried.first
    since = max(tried.baseline, min(spans.start, first) - AROUND)
    until = spans.end + AROUND
    return (
        span(tried.baseline, spans.start),
        span(since, max(spans.end, min(last, until))),
    )


def _colours(tried: Tried, cover: Cover) -> str:
    """Return which group stands out, where there are several."""
    others = len(tried.evaluated.groups) - 1
    if not tried.group or others < 1:
        return ""
    return f"Blue: {cover(tried.group)}, the first to alarm. Grey: {others} more."


def _name(tested: BackTest, cover: Cover) -> str:
    line = " ".join(text.visible(cover(tested.name)).split()) or "unnamed"
    return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…"


def _length(tried: Outcome) -> str:
    """Return the length of a baseline, in days where it is whole days."""
    span = tried.spans.start - tried.baseline
    if span % DAY:
        return times.duration(span / MINUTE)
    days = span // DAY
    return f"{days} day{'s' * (days != 1)}"


def _row(tested: BackTest) -> dict[str, Any]:
    tried, monitor = tested.tried, tested.monitor
    facts = {"row": tested.row, "monitor": tested.name, "note": notes(tested) or None}
    if tried is None:
        return {**facts, "condition": monitor.query() if monitor else None}
    return {
        **facts,
        "condition": tried.query(),
        "fired": tried.fired,
        "first": tried.first,
        "lead_minutes": tried.lead,
        **(_known("", tried.alarms, tried.minutes) if tried.fired is not None else {}),
        "baseline_from": tried.baseline,
        **(
            _known("false_", tried.false_alarms, tried.false_minutes)
            if tried.is_baseline_known
            else {}
        ),
        "resolution_seconds": tried.evaluated.step // timedelta(seconds=1),
    }


def _known(which: str, alarms: Sequence[Alarm], minutes: float) -> dict[str, Any]:
    """Return how many alarms there were and how long any lasted."""
    return {f"{which}alarms": len(alarms), f"{which or 'alarm_'}minutes": minutes}


def _plain(found: Sequence[BackTest]) -> str:
    """Return the back-tests for a terminal, a block of lines each."""
    return "\n\n".join("\n   ".join(_lines(each)) for each in found)


def _lines(tested: BackTest) -> Iterator[str]:
    name, *values = cells(tested)
    yield name
    written = tested.tried or tested.monitor
    if written:
        yield text.visible(masking.mask(written.query()))
    if tested.tried:
        heads = zip(HEADS[1:], values, strict=True)
        yield from (f"{head.lower()}: {value}" for head, value in heads if value != "–")
    if notes(tested):
        yield text.visible(masking.mask(notes(tested)))


def _table(found: Sequence[BackTest]) -> str:
    head = "".join(f'<th style="text-align:left">{text.html(name)}</th>' for name in HEADS)
    rows = "".join(
        "<tr>"
        + "".join(f'<td style="text-align:left">{text.html(value)}</td>' for value in cells(each))
        + "</tr>"
        for each in found
    )
    said = "".join(
        f"<p>{each.number}. {text.html(masking.mask(notes(each)))}</p>"
        for each in found
        if notes(each)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{said}"
