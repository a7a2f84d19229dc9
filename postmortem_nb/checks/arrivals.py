"""Teams that came to help: which one, and when, against the escalations of the timeline."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import spoken
from postmortem_nb.checks.claims import LOOSE_MINUTES
from postmortem_nb.checks.reading import about, passages, sentences
from postmortem_nb.checks.spoken import CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case, Cell, Row
    from postmortem_nb.checks.report import Finding

_CAME = (
    r"(?:came (?:in|on|to help|aboard)|joined(?: us| in| the (?:call|bridge|incident|response))?|"
    r"(?:brought|called|pulled|looped|roped|drawn|dragged) in|brought on board|paged|summoned|"
    r"(?:was|were|got) (?:on the (?:call|bridge)|involved|asked|told)|involved|engaged|alerted|"
    r"on board)"
)
_LITTLE = (
    r"(?:(?:team|not|only|first|finally|was|were|had|been|then|also|itself|engineers?|on-call|"
    r"at last|got)\s){0,4}"
)
_FIRST = re.compile(r"\b(?:before|until|till|only)\b", re.IGNORECASE)
_AT = re.compile(rf"(?:\s[\w’'-]+){{0,3}}?\s(?:at|by|until)\s{CLOCK}", re.IGNORECASE)
_OPEN = re.compile(
    r"\b(?:would|should|could|might|may|if|will|next time|last (?:time|year)|never|nobody|"
    r"not (?!\w+(?: in)? (?:until|till|before)))\b"
    r"|\b(?-i:[A-Z]{2,}-\d+)\b",
    re.IGNORECASE,
)


def arrivals(case: Case) -> Iterator[Finding]:
    """Find another team, or another time, than the escalation that a sentence tells of."""
    rows = [row for row in case.rows("timeline") if row.get("escalated_to")]
    teams = {str(each) for each in case.fact("teams") or ()}
    teams |= {str(row["escalated_to"]) for row in rows}
    if not rows or not teams:
        return
    names = "|".join(re.escape(each) for each in sorted(teams, key=len, reverse=True))
    came = re.compile(rf"\b(?P<team>{names})[’']?s?\s{_LITTLE}{_CAME}\b", re.IGNORECASE)
    for cell, text in passages(case):
        if cell.table == "timeline" and cell.column.name in {"escalated_to", "detected_by"}:
            continue
        for sentence in sentences(text):
            match = None if _OPEN.search(sentence) else came.search(sentence)
            if match:
                yield from _doubted(case, cell, sentence, match, rows)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (arrivals,)


def _doubted(
    case: Case, cell: Cell, sentence: str, match: re.Match[str], rows: list[Row]
) -> Iterator[Finding]:
    team = match["team"].lower()
    said = match.group()
    called = [row for row in rows if _is(team, str(row["escalated_to"]).lower())]
    if not called:
        late = _FIRST.search(sentence[: match.start()]) or _FIRST.search(said)
        if late and len(rows) == 1 and not _known_before(case, team, rows[0]):
            yield about(case, cell, f"“{said}”, but escalated to: {rows[0]['escalated_to']}.")
        return
    clock = _AT.match(sentence, match.end())
    moments = [row["time"] for row in case.rows("timeline") if _names(row, team)]
    if clock is None or not moments:
        return
    gaps = [spoken.apart(clock, 60 * at.hour + at.minute) for at in moments]
    if all(gap is not None and gap > LOOSE_MINUTES for gap in gaps):
        at = times.shown(called[0]["time"])
        yield about(case, cell, f"“{said}{clock.group()}”, but the timeline has {at}.")


def _is(one: str, other: str) -> bool:
    return one in other or other in one


def _names(row: Row, team: str) -> bool:
    """Return whether a row of the timeline, with a time, speaks of a team."""
    texts = (str(value).lower() for name, value in row.items() if name != "row")
    return bool(row.get("time")) and any(team in each for each in texts)


def _known_before(case: Case, team: str, escalation: Row) -> bool:
    """Return whether a team was at work before the escalation."""
    at = escalation.get("time")
    return any(_names(row, team) and (not at or row["time"] < at) for row in case.rows("timeline"))
