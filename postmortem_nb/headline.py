"""What stands above the text: the title block, what is unfinished, who approved what.

Says plainly what a reader has to know first: whether the document is finished, whether it changed
since it was approved, and whether it was made from the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postmortem_nb import checks, masking, pageparts, text, times, values
from postmortem_nb.checks.case import BETWEEN
from postmortem_nb.pageparts import Badge, Fact
from postmortem_nb.parts import SINGLE, Blank, Query, Rows
from postmortem_nb.schema import walk

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from postmortem_nb.approvals import Approval
    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Template

SEVERITIES = ("red", "red", "orange", "yellow", "grey")
"""Tones of a severity by its place in the template's list, the gravest first."""

SHOWN = 6
"""Findings that stand in the open; the rest are behind a line that opens."""

EVIDENCE = "Evidence › "
"""How a finding about evidence says where."""

IN_TITLE = ("title", "incident_id", "severity", "state")
"""Facts of the head that have a place of their own in the title block."""

SANDBOX = "Made from the sandbox, not from a Datadog account: every figure in it is made up."
ALONE = (
    "Made from the notebook alone: its dataset was not beside it, so text and charts are as they "
    "were last saved."
)


def title(incident: Incident) -> str:
    """Return the title block of an incident."""
    head = next((each for each in incident.template.sections if each.level == 1), None)
    kicker = head.title if head else "Incident Postmortem"
    name = _fact(incident, "title") or kicker
    parts = [kicker, incident.id] if name != kicker else [incident.id]
    return pageparts.title(" · ".join(parts), name, _badges(incident), _facts(incident))


def document_title(incident: Incident) -> str:
    """Return the title of the window: the id and what happened."""
    name = _fact(incident, "title")
    return f"{incident.id}: {name}" if name else f"{incident.id}: incident postmortem"


def _badges(incident: Incident) -> list[Badge]:
    found = []
    for name, tone in (("severity", _severity), ("state", _state)):
        chosen = _fact(incident, name)
        options = _options(incident.template, name)
        if chosen:
            found.append(Badge(chosen, tone(options, chosen)))
    return found


def _severity(options: Sequence[str], chosen: str) -> str:
    place = options.index(chosen) if chosen in options else len(SEVERITIES)
    return SEVERITIES[min(place, len(SEVERITIES) - 1)]


def _state(options: Sequence[str], chosen: str) -> str:
    if chosen not in options or chosen == options[0]:
        return "grey"
    return "green" if chosen == options[-1] else "blue"


def _options(template: Template, name: str) -> tuple[str, ...]:
    known = {column.name: column.options for column in template.tables[SINGLE]}
    return known.get(name, ())


def _fact(incident: Incident, name: str) -> str:
    """Return a single fact as plain text, empty where the template has none or it is missing."""
    known = {column.name: column for column in incident.template.tables[SINGLE]}
    column = known.get(name)
    return values.plain(column.kind, incident.value(name)) if column else ""


def _facts(incident: Incident) -> Iterator[Fact]:
    """Yield the facts of the document's head, the incident's length and window after the date."""
    head = next((each for each in incident.template.sections if each.level == 1), None)
    for blank in head.parts if head else ():
        if isinstance(blank, Blank) and blank.name not in IN_TITLE:
            shown = values.html(blank.kind, incident.value(blank.name))
            if shown:
                yield Fact(blank.label or blank.name, shown)
    start, end = incident.window()
    if start and end:
        same = start.date() == end.date()
        until = f"{end:%H:%M}" if same else f"{end:%Y-%m-%d %H:%M}"
        yield Fact("Impact", text.html(f"{start:%Y-%m-%d %H:%M}–{until} UTC"))
    if start and end and end > start:
        yield Fact("Duration", text.html(times.duration((end - start).total_seconds() / 60)))


def boxes(
    incident: Incident,
    approved: Sequence[Approval],
    *,
    sandbox: bool,
    anchors: frozenset[str],
    evidence: Mapping[str, str],
) -> Iterator[str]:
    """Yield the boxes above the text, as HTML.

    ``anchors`` are the ids that can be linked to, ``evidence`` the id of the note on each evidence.
    """
    state = _fact(incident, "state")
    final = state and state == (_options(incident.template, "state") or ("",))[-1]
    if approved:
        yield _approvals(approved, final=bool(final))
    if not final:
        yield _unfinished(incident, state or "Draft", anchors, evidence)
    if sandbox:
        yield pageparts.box("told", f"<p>{text.html(SANDBOX)}</p>")


def public_boxes(*, sandbox: bool) -> Iterator[str]:
    """Yield the boxes of the public edition: only that it is made up, where it is."""
    if sandbox:
        yield pageparts.box("told", f"<p>{text.html(SANDBOX)}</p>")


def _approvals(approved: Sequence[Approval], *, final: bool) -> str:
    said = "".join(f"<li>{text.html(given(each))}</li>" for each in approved)
    sound = all(each.unchanged for each in approved)
    head = "Approved." if final and sound else "Approvals."
    return pageparts.box(
        "approved" if sound else "unfinished", f"<p><strong>{head}</strong></p>", f"<ul>{said}</ul>"
    )


def given(approval: Approval) -> str:
    """Return in one line who approved the text, and whether it has changed since."""
    who = masking.mask(approval.name or approval.role or "somebody")
    role = f" ({masking.mask(approval.role)})" if approval.role and approval.name else ""
    day = f" on {approval.date}" if approval.date else ""
    if approval.unchanged:
        same = f"the text is unchanged since (content {approval.digest[:12]})"
        return f"Approved by {who}{role}{day}; {same}."
    return f"Changed since approved by {who}{role}{day} (content then {approval.digest[:12]})."


def unfinished_line(incident: Incident) -> str:
    """Return in one line that a document is not finished; empty for an approved one."""
    state = _fact(incident, "state")
    if state and state == (_options(incident.template, "state") or ("",))[-1]:
        return ""
    return " ".join(_opening(state or "Draft", _open(incident)))


def _open(incident: Incident) -> list[dict[Hashable, Any]]:
    """Return the findings that stand open, hints left out."""
    rows = checks.findings(incident).to_dict("records")
    return [row for row in rows if row["severity"] != "hint" and not _is_said(row)]


def _opening(state: str, found: Sequence[Mapping[Hashable, Any]]) -> tuple[str, str]:
    head = "Draft: not finished." if state == "Draft" else f"{state}: not yet approved."
    return head, _tally(found) if found else "Nothing is open; it awaits its approvals."


def _unfinished(
    incident: Incident, state: str, anchors: frozenset[str], evidence: Mapping[str, str]
) -> str:
    """Return what is open: findings by gravity, each linked to its section or evidence."""
    found = _open(incident)
    slugs = _slugs(incident.template) | {("", name): slug for name, slug in evidence.items()}
    anchors |= frozenset(evidence.values())
    items = [_finding(row, slugs, anchors) for row in found]
    head, said = _opening(state, found)
    rest = items[SHOWN:]
    more = (
        f"<details><summary>{len(rest)} more</summary><ul>{''.join(rest)}</ul></details>"
        if rest
        else ""
    )
    first = f"<ul>{''.join(items[:SHOWN])}</ul>" if items else ""
    opening = f"<p><strong>{text.html(head)}</strong> {text.html(said)}</p>"
    return pageparts.box("unfinished", opening, first, more)


def _is_said(row: Mapping[Hashable, Any]) -> bool:
    """Whether a finding only repeats the box about the sandbox."""
    return row["code"] == "evidence" and str(row["message"]).startswith("From the sandbox")


def _tally(found: Sequence[Mapping[Hashable, Any]]) -> str:
    """Return how much is open, in words."""
    blanks = sum(row["code"] == "blank" for row in found)
    others = len(found) - blanks
    counts = (
        (blanks, "blank is empty", "blanks are empty"),
        (others, "point is open", "points are open"),
    )
    said = [f"{count} {one if count == 1 else many}" for count, one, many in counts if count]
    return f"{' and '.join(said)}."


def _finding(
    row: Mapping[Hashable, Any], slugs: Mapping[tuple[str, str], str], anchors: frozenset[str]
) -> str:
    said = str(row["where"])
    where = text.html(masking.mask(said))
    asked = ("", said.removeprefix(EVIDENCE))
    blank = (str(row["table"]), str(row["name"]))
    slug = slugs.get(asked if said.startswith(EVIDENCE) else blank, "")
    place = f'<a href="#{slug}">{where}</a>' if slug in anchors else where
    # a row is named by its place, and need not be a second time
    words = str(row["message"]).removeprefix(f"{said.rpartition(BETWEEN)[2]}: ")
    return f"<li>{place}: {text.html(masking.mask(words))}</li>"


def _slugs(template: Template) -> dict[tuple[str, str], str]:
    """Return the section in which each blank stands last: below the head, where it is filled.

    A query stands under no table and its name.
    """
    found = {}
    for section in walk(template.sections):
        for part in section.parts:
            if isinstance(part, Query):
                found["", part.name] = section.slug
            for blank in part.parts if isinstance(part, Rows) else (part,):
                if isinstance(blank, Blank):
                    found[blank.table, blank.name] = section.slug
    return found
