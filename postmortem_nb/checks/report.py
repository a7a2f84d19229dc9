"""What a check found: codes, severities, one frame for every reader, three ways to print it.

A finding names its code, how grave it is, where it stands, what is wrong and what to do.
``table``, ``row`` and ``name`` say the place to programs: a form shows it beside the blank. A team
silences codes with ``checks-ignore: silence, window`` in the front matter of its template.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pandas as pd

from postmortem_nb import text
from postmortem_nb.wholeframe import WholeFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class Severity(StrEnum):
    """How grave a finding is; only an error fails ``postmortem check``."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


class Code(StrEnum):
    """What kind of finding it is; ``meaning`` says it in one line."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Return the member: the code as a string that also carries its meaning."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    BLANK = "blank", "a blank that this state of the postmortem needs is empty"
    ORDER = "order", "a step of the timeline is before the step that it follows"
    WINDOW = "window", "a time is outside the incident"
    PHASE = "phase", "a phase of the timeline has no event"
    SILENCE = "silence", "nothing is told for long while the incident was open"
    FIGURE = "figure", "a typed figure differs from the computed one"
    PROSE = "prose", "a figure in the text contradicts the data"
    LONE = "lone", "a figure in the text that nothing else here bears"
    RANGE = "range", "a figure that cannot be, or two that exclude each other"
    SLO = "slo", "figures of the SLO contradict each other"
    SOURCES = "sources", "two sources of one figure disagree"
    SEVERITY = "severity", "the declared severity is not the final one"
    OWNER = "owner", "an action has no owner, or a team for an owner"
    DUE = "due", "an action has no due date, or one that is too late or too early"
    TRACKING = "tracking", "an action is not tracked anywhere"
    VAGUE = "vague", "an action with no visible end"
    EXHORTS = "exhorts", "an action that asks people to be different"
    FACTOR = "factor", "a contributing factor that no action answers"
    APPROVAL = "approval", "an approval is missing, incomplete or older than the text"
    LINK = "link", "a link that leads nowhere"
    FOLLOW_UP = "follow-up", "the follow-up is not 30 days after the incident"
    DATE = "date", "dates that exclude each other"
    EVIDENCE = "evidence", "evidence is missing, partial, empty or changed"
    LOG = "log", "the log of edits has damaged lines"
    TEMPLATE = "template", "the template leaves out a code or rule that there is not"
    BLAME = "blame", "words that judge people instead of describing the system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding; ``rule`` is the language rule behind a `Code.BLAME`, else empty."""

    code: Code
    severity: Severity
    where: str
    message: str
    remedy: str
    table: str = ""
    row: str = ""
    name: str = ""
    rule: str = ""


COLUMNS = tuple(field.name for field in fields(Finding))
"""Columns of the frame, all strings."""

READ = ("severity", "code", "where", "message", "remedy")
"""The columns that people read."""

GRAVITY: Mapping[str, int] = {severity: place for place, severity in enumerate(Severity)}

GITHUB: Mapping[str, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.HINT: "notice",
}
"""Severity → workflow command (docs.github.com, "Workflow commands for GitHub Actions")."""


def frame(found: Iterable[Finding], *, path: str = "") -> pd.DataFrame:
    """Return the findings as a frame of strings, gravest first; ``attrs["path"]`` is the bundle."""
    ordered = sorted(found, key=lambda each: GRAVITY[each.severity])
    rows = [{key: str(getattr(each, key)) for key in COLUMNS} for each in ordered]
    table = WholeFrame(pd.DataFrame(rows, columns=list(COLUMNS), dtype="string"))
    table.attrs |= {"path": path, "shown": list(READ), "empty": "The check found nothing."}
    return table


def errors(findings: pd.DataFrame) -> bool:
    """Return whether any finding is an error: the exit code of ``postmortem check``."""
    return bool((findings["severity"] == Severity.ERROR).any())


def as_text(findings: pd.DataFrame) -> str:
    """Return the findings for a terminal, gravest first, with a last line that counts them."""
    blocks = [
        f"{row['severity']} [{row['code']}] {_line(row['where'])}\n"
        f"    {_line(row['message'])}\n"
        f"    {_line(row['remedy'])}\n"
        for row in _records(findings)
    ]
    return "".join([*blocks, f"{tally(findings)}\n"])


def as_json(findings: pd.DataFrame) -> str:
    """Return the findings as a JSON array of objects, one key a column."""
    return json.dumps(_records(findings), ensure_ascii=True, indent=2) + "\n"


def as_github(findings: pd.DataFrame, path: str | None = None) -> str:
    """Return the findings as GitHub annotations on the given log, by default the bundle's.

    Each stands on the line that last wrote its value, else its row: a review shows it there.
    """
    file = path if path is not None else str(findings.attrs.get("path", ""))
    lines = dict(_written(file))
    return "".join(_annotation(row, file, _line_of(row, lines)) for row in _records(findings))


def tally(findings: pd.DataFrame) -> str:
    """Return the count of each severity: ``1 error, 2 warnings, 0 hints``."""
    counts = {severity: int((findings["severity"] == severity).sum()) for severity in Severity}
    return ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in counts.items())


FORMATS: Mapping[str, Callable[[pd.DataFrame], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}
"""Name of a format → its writer, for the command line."""


def _records(findings: pd.DataFrame) -> list[dict[str, str]]:
    """Return the rows as plain dicts."""
    return [
        {str(key): str(value) for key, value in row.items()}
        for row in findings.to_dict(orient="records")
    ]


def _line(value: str) -> str:
    """Return text on one line that cannot steer a terminal."""
    return " ".join(text.visible(value).split())


_At = tuple[str, str, str]
"""A table, a row and a name; the name is empty where the row is meant."""


def _written(file: str) -> Iterator[tuple[_At, int]]:
    """Yield what each line of a log writes, its row too; of a file that is none, nothing."""
    try:
        lines = Path(file).read_bytes().split(b"\n") if file else []
    except (OSError, ValueError):
        return
    for number, line in enumerate(lines, 1):
        with suppress(ValueError, TypeError, KeyError):  # the header, a damaged line
            edit = json.loads(line)
            table, row = str(edit["table"]), str(edit["row"])
            yield (table, row, ""), number
            yield (table, row, str(edit["name"])), number


def _line_of(finding: Mapping[str, str], lines: Mapping[_At, int]) -> int:
    """Return the line on which a finding stands, 0 where no line is its own."""
    table, row, name = finding["table"], finding["row"], finding["name"]
    single = not row or row == table  # all single facts are one row
    return lines.get((table, row or table, name), 0 if single else lines.get((table, row, ""), 0))


def _annotation(row: Mapping[str, str], file: str, line: int) -> str:
    """Return one workflow command; what people wrote cannot end it or begin another."""
    title = f"[{row['code']}] {row['where']}"
    place = f"file={_property(file)}," if file else ""
    place += f"line={line}," if line else ""
    body = _data(f"{_line(row['message'])}\n{_line(row['remedy'])}")
    return f"::{GITHUB[row['severity']]} {place}title={_property(_line(title))}::{body}\n"


def _data(value: str) -> str:
    """Return the message of a workflow command, escaped as its toolkit does."""
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    """Return a property of a workflow command, escaped as its toolkit does."""
    return _data(value).replace(":", "%3A").replace(",", "%2C")
