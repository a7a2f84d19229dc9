"""From evidence to timeline: a row of an answer becomes a step, with the evidence named.

Any row can be taken: by hand (``incident.add_to_timeline(errors, 3)``) or found by its words in the
timeline's form. What nobody should have to look for is *offered*: alerts, deployments and other
events around the incident, the first failure in logs and spans, and the peak of each metric.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import evidence, kinds, metrics, text, times, units
from postmortem_nb.errors import BadValue, BundleError, expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, tzinfo
    from pathlib import Path

    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Template

DISCOVERY = metrics.DISCOVERY
DETECTION = "Detection"
MITIGATION = metrics.STEPS["mitigated"]
FOUND = 20
"""Rows that a search shows at most."""

MOST = 12
"""Candidates offered for one answer; the rest are found by their words."""

_FIRED = re.compile(r"\[Triggered[^\]]*\]\s*")
_ROLLBACK = re.compile(r"\broll(?:ed|ing)?[ -]?back\b", re.IGNORECASE)
_UNDER_WAY = re.compile(
    r"\b(?:rolling|start(?:s|ed|ing)?|beg[aiu]ns?|in progress|request(?:ed)?|queued|pending)\b",
    re.IGNORECASE,
)
_IN_VAIN = re.compile(
    r"\b(?:fail(?:s|ed|ure)?|abort(?:ed)?|cancel(?:l?ed)?|reject(?:ed)?|plan(?:ned)?|not)\b",
    re.IGNORECASE,
)

_SOURCES = {
    "search_datadog_logs": "Datadog logs",
    "search_datadog_spans": "Datadog traces",
    "search_datadog_events": "Datadog events",
    "get_datadog_metric": "Datadog metrics",
    "analyze_datadog_logs": "Datadog logs, by SQL",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A step that the timeline could have: when, which step, its columns, and a line about it.

    ``answer`` is the evidence it comes from and ``row`` the label of its row there.
    """

    time: datetime
    step: str
    says: str
    columns: dict[str, str]
    answer: str
    row: Any

    @property
    def ways(self) -> set[str]:
        """Return what the timeline holds of this step if it has it, be it from another answer."""
        return _ways(self.time, self.columns)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: the first steps, and how many rows hold the words in all."""

    steps: list[Candidate]
    rows: int


Kept = dict[tuple[str, int], list[Candidate] | None]
"""What was noted in an answer, by its name and the time of its file: read again if that changes.

None of an answer whose rows have no time, or that cannot be read: it has no steps.
"""


def of(frame: pd.DataFrame, row: object) -> Candidate:
    """Return the step that one row of an answer makes; ``row`` is a label of its index.

    Raises BadValue where there is no such row, or none with a time.
    """
    if len(frame.index) == 0:
        raise BadValue("frame: it has no rows, so there is none to put into the timeline")
    if row not in frame.index:
        what, example = "a label of the frame's index", f"{frame.index[0]}"
        raise BadValue(expected("row", what, example=example, came=row))
    place: Any = row
    values = frame.loc[place]
    if "timestamp" not in frame.columns or kinds.is_missing(values["timestamp"]):
        raise BadValue("row: it has no time; add it by hand with incident.add('timeline', …)")
    return _candidate(values.to_dict(), frame.attrs.get("evidence", {}), row)


def chosen(incident: Incident, frame: pd.DataFrame, row: object) -> Candidate:
    """Return the step of a row, without one that of the metric's highest value in the impact."""
    return peak(frame, within=incident.window()) if row is None else of(frame, row)


def peak(
    frame: pd.DataFrame,
    query: str | None = None,
    *,
    within: tuple[datetime | None, datetime | None] = (None, None),
) -> Candidate:
    """Return the step of the highest value of a metric, of one query or of all.

    The highest ``within`` the impact, where it has values there: later ones are no discovery.
    Raises BadValue for a frame that holds no value.
    """
    chosen = frame if query is None else frame[frame["query"] == query]
    values = chosen["value"].dropna() if "value" in chosen.columns else chosen.iloc[:0, 0]
    if values.empty:
        raise BadValue(
            expected("frame", "a metric with values", example="get_datadog_metric(…)", came="none")
        )
    since, until = within
    if since is not None and until is not None:
        inside = values[chosen.loc[values.index, "timestamp"].between(since, until)]
        values = values if inside.empty else inside
    return of(frame, values.idxmax())


def offered(incident: Incident, kept: Kept | None = None) -> list[Candidate]:
    """Return what the frozen evidence offers and the timeline lacks, in order of time.

    ``kept`` holds what was noted before, so that an answer is read once; it is brought up to date.
    Evidence that cannot be read offers nothing; the checks tell of it.
    """
    known = {} if kept is None else kept
    latest = {
        file: known[file] if file in known else _noted_in(incident, file[0])
        for file in answers(incident)
    }
    known.clear()
    known.update(latest)
    found = [one for noted in latest.values() for one in _around(incident, noted or [])[:MOST]]
    steps = {value for group in incident.template.groups("timeline") for _, value in group.keys}
    held = taken(incident) if latest else set()
    # one row may stand in two answers: it is one step; and a step that somebody typed at that very
    # moment is most likely this one
    left = {
        (one.time, one.says): one
        for one in reversed(found)
        if one.step in steps and not {times.iso(one.time), *one.ways} & held
    }
    return sorted(left.values(), key=lambda one: (one.time, one.says))


def taken(incident: Incident) -> set[str]:
    """Return what the timeline holds, as ``Candidate.ways`` has it; of what was typed its time."""
    rows = [row for row in incident.values("timeline") if row["time"] is not None]
    typed = {times.iso(row["time"]) for row in rows if not row.get("evidence")}
    return typed.union(*(_ways(row["time"], row) for row in rows))


def fits(template: Template) -> bool:
    """Return whether a template's timeline has the step that evidence becomes."""
    return any(("step", DISCOVERY) in group.keys for group in template.groups("timeline"))


def answers(incident: Incident) -> list[tuple[str, int]]:
    """Return the frozen answers of a timeline that takes them: name and time in ns, by name.

    The time is that of the record, which is written when the rows are there.
    """
    if not fits(incident.template):
        return []
    records = sorted((incident.path / "evidence").glob("[!.]*.json"))
    return [(path.stem, changed) for path in records if (changed := _changed(path))]


def search(incident: Incident, answer: str, words: str, zone: tzinfo = UTC) -> Found:
    """Return the rows of a frozen answer that hold these words, in its order; all for none.

    Words are looked for in every text column, in the tags and in the time,
    ``2025-12-04 14:02:07``, in ``zone``. At most ``FOUND`` steps; BundleError where there is no
    such answer.
    """
    frame = evidence.thaw(incident.path / "evidence", answer)
    if not _is_timed(frame):
        return Found([], 0)
    timed = frame.dropna(subset=["timestamp"])
    times_of = timed["timestamp"].dt.tz_convert(zone).dt.strftime("%Y-%m-%d %H:%M:%S")
    texts = [times_of, *(timed[name] for name in timed if _is_text(timed[name]))]
    if "tags" in timed:
        tags = [_joined(tags) for tags in timed["tags"].tolist()]
        texts.append(pd.Series(tags, timed.index, dtype="string"))
    for word in words.split():
        holds = (each.str.contains(word, case=False, regex=False, na=False) for each in texts)
        matching = reduce(or_, (one.astype(bool) for one in holds))
        timed, texts = timed[matching], [each[matching] for each in texts]
    return Found([of(timed, row) for row in timed.index[:FOUND]], len(timed))


class Added(str):
    """The id of a step in the timeline; a notebook shows the step, which says more."""

    __slots__ = ("said",)
    said: str

    @classmethod
    def of(cls, row: str, found: Candidate) -> Added:
        """Return a row's id that knows what was added as it."""
        made = cls(row)
        made.said = f"{times.shown(found.time)}, {found.step}: {found.says}"
        return made

    def _repr_html_(self) -> str:
        return f"<p>In the timeline: {text.html(self.said)}</p>"


def add(incident: Incident, found: Candidate) -> Added:
    """Put a candidate into the timeline and return its row's id.

    A cell that is run again finds the row that it added, whatever was written over it since.
    Columns that the incident's template does not have are left out.
    """
    known = {column.name for column in incident.template.tables["timeline"]}
    columns = {name: said for name, said in found.columns.items() if name in known}
    if "evidence" in columns:
        columns["evidence"] = evidence.shown(columns["evidence"], monitors(incident))
    wanted = {"step": found.step, "time": times.iso(found.time), **columns}
    held = (row for row, first in _begun(incident).items() if wanted.items() <= first.items())
    return Added.of(next(held, "") or incident.add("timeline", **wanted), found)


def _begun(incident: Incident) -> dict[str, dict[str, Any]]:
    """Return the rows that stand in the timeline with what each blank of them held first."""
    begun: dict[str, dict[str, Any]] = {row["row"]: {} for row in incident.values("timeline")}
    for edit in incident.edits():
        first = begun.get(edit["row"]) if edit["table"] == "timeline" else None
        if first is not None and edit.get("value") is not None:
            first.setdefault(edit.get("name", ""), edit["value"])
    return begun


def named(incident: Incident, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return answers with what people call them, those of back-tests last."""
    proposed = monitors(incident)
    told = [(name, evidence.shown(name, proposed)) for name in names]
    return sorted(told, key=lambda each: each[0] != each[1])


def monitors(incident: Incident) -> list[dict[str, Any]]:
    """Return the monitors proposed: answers of back-tests are called after them."""
    return incident.values("monitors") if "monitors" in incident.template.tables else []


def _noted_in(incident: Incident, answer: str) -> list[Candidate] | None:
    try:
        frame = evidence.thaw(incident.path / "evidence", answer)
    except BundleError:
        return None
    return _noted(frame) if _is_timed(frame) else None


def _changed(path: Path) -> int:
    """Return when a file changed, in ns; 0 where it is gone."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _is_timed(frame: pd.DataFrame) -> bool:
    """Return whether the rows have a time with its zone: a column of SQL may only be called so."""
    held = "timestamp" in frame.columns
    return held and isinstance(frame["timestamp"].dtype, pd.DatetimeTZDtype)


def _is_text(column: pd.Series[Any]) -> bool:
    """Return whether a column holds texts: as such, or as labels."""
    kind = column.dtype
    texts = kind.categories.dtype if isinstance(kind, pd.CategoricalDtype) else kind
    return isinstance(texts, pd.StringDtype)


def _joined(tags: object) -> str:
    return " ".join(map(str, tags)) if isinstance(tags, list | tuple) else ""


def _noted(frame: pd.DataFrame) -> list[Candidate]:
    """Return what is worth noting in an answer, by what it holds."""
    function = frame.attrs.get("evidence", {}).get("function", "")
    if frame.empty:
        return []
    if function == "get_datadog_metric" and {"query", "value"} <= {*frame.columns}:
        names = [str(name) for name in frame["query"].unique()]
        held = [name for name in names if frame.loc[frame["query"] == name, "value"].notna().any()]
        return [peak(frame, name) for name in held]
    timed = frame.dropna(subset=["timestamp"])
    if function == "search_datadog_events":
        return [of(timed, row) for row in timed.index]
    failed = timed[timed["status"] == "error"] if "status" in timed.columns else timed.iloc[:0]
    return [of(failed, failed["timestamp"].idxmin())] if len(failed) else []


def _around(incident: Incident, found: list[Candidate]) -> list[Candidate]:
    """Return the candidates from two hours before impact start to impact end.

    A rollback is one when it is done, and mitigates only what has begun.
    """
    start, end = incident.window()
    return [
        one
        for one in found
        if (
            start is None or one.time >= (start if one.step == MITIGATION else start - metrics.LEAD)
        )
        and (end is None or one.time <= end)
        and not (
            one.step == DISCOVERY and _ROLLBACK.search(one.says) and _UNDER_WAY.search(one.says)
        )
    ]


def _candidate(values: dict[str, Any], record: dict[str, Any], row: object) -> Candidate:
    time = times.parse(values["timestamp"].to_pydatetime())
    says, reference = _says(values), _reference(values, record)
    step = _step(values)
    if step == MITIGATION:
        columns = {"action": says}
    elif step == DETECTION:
        seen = f"Monitor “{_FIRED.sub('', says)}”"
        columns = {"detection_method": "Monitor Alert", "detected_by": seen}
        if link := str(record.get("link") or ""):
            columns["alert_link"] = link
    else:
        source = _SOURCES.get(str(record.get("function")), "Datadog")
        columns = {"finding": says, "evidence": reference, "data_source": source}
    return Candidate(time, step, says, columns, str(record.get("name") or ""), row)


def _step(values: dict[str, Any]) -> str:
    """Return which step a row is: the title of an event may tell of a detection or a mitigation."""
    if _is_alert(values):
        return DETECTION
    title = str(values.get("title", ""))
    told = values.get("source") != "alert" and _ROLLBACK.search(title)
    done = values.get("status") != "error" and not (
        _UNDER_WAY.search(title) or _IN_VAIN.search(title)
    )
    return MITIGATION if told and done else DISCOVERY


def _is_alert(values: dict[str, Any]) -> bool:
    """Return whether an event tells that a monitor fired; its title begins so in Datadog."""
    return values.get("source") == "alert" and bool(_FIRED.match(str(values.get("title", ""))))


def _reference(values: dict[str, Any], record: dict[str, Any]) -> str:
    """Return where to find the row again: the evidence's name, and the row's own id or query."""
    name = str(record.get("name") or "")
    known = [values.get(key) for key in ("id", "query", "series")]
    ids = [str(one) for one in known if not kinds.is_missing(one) and one != "*"]
    return f"{name} ({', '.join(ids)})".strip() if ids else name


def _ways(time: datetime, columns: Mapping[str, Any]) -> set[str]:
    """Return what tells a step: its time with the row's own id in any answer, or with its words."""
    own = (columns.get("evidence") or "").partition(" (")[2]
    words = {columns.get(name) for name in ("finding", "detected_by", "action")}
    told = {own, *words} - {None, ""}
    return {f"{times.iso(time)} {each}" for each in told}


def _amount(value: float, stated: object) -> str:
    """Return a metric's value as its chart reads it: ``14.2 s``, ``18,600 items``."""
    unit = units.read("" if kinds.is_missing(stated) else str(stated))
    if unit.family != "things":
        return units.shown(value, unit)
    words = unit.name if value == 1 and not unit.per else unit.words
    return f"{units.numeral(value, 4)} {words}".strip()


def _says(values: dict[str, Any]) -> str:
    """Return the row in words: an analysis' own, a title, a message, or a metric's value."""
    if "value" in values and "query" in values and "says" not in values:
        return f"{values['query']}: peak {_amount(float(values['value']), values.get('unit'))}"
    for name in ("says", "title", "message", "error.message", "resource_name"):
        if not kinds.is_missing(values.get(name)):
            return str(values[name]).strip().splitlines()[0][:300]
    return ", ".join(f"{name} {value}" for name, value in values.items() if name != "timestamp")
