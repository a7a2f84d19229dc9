"""A plausible answer for every blank of a template: what fills a whole incident in tests."""

from postmortem_nb import sections
from postmortem_nb.schema import walk

WORDS = (
    "The connection pool to payments was cut from 50 to 5 by the deploy of v2.48.0, "
    "and every timed out call was tried four times without a pause. "
)
TIMES = ("2025-12-04 14:02", "14:19:40", "14:24", "14:26", "14:38", "14:47", "15:05", "15:12")
LATER = ("15:18", "15:26", "15:38", "16:09", "16:10", "17:05")
SAID = {
    "prose": WORDS,
    "line": "Rolled back to v2.47.3",
    "names": ["Priya Raman", "Tomasz Zielinski"],
    "count": 1234,
    "percent": 4.2,
    "money": 12500.5,
    "minutes": 127,
    "date": "2025-12-19",
    "yesno": True,
    "link": "https://example.com/INC-4821",
    "query": "avg(last_5m):sum:trace.checkout.request.errors{*} > 5",
}
PEOPLE = {"owner": "Priya Raman", "author": "Priya Raman", "incident_id": "INC-4821"}


def fill(incident, *, prose=WORDS):
    """Fill every blank of an incident, each group with the rows that the template shows."""
    moments = iter((*TIMES, *LATER, *["15:30"] * 50))
    for section in incident.template.sections:
        for blank in sections.facts(section).values():
            if not blank.derived:
                incident.set(blank.name, _answer(incident, blank, moments, prose))
    for group in (group for each in incident.template.sections for group in _groups(each)):
        for number in range(max(1, group.blanks)):
            row = dict(group.keys)
            for blank in sections.fields(group):
                if blank.name != group.preset:
                    row[blank.name] = _answer(incident, blank, moments, prose)
            if group.preset:
                row[group.preset] = group.presets[number]
            incident.add(group.table, **row)


def _groups(section):
    return [group for each in walk([section]) for group in sections.groups(_alone(each))]


def _alone(section):
    return type(section)(section.level, section.title, section.slug, section.parts)


def _answer(incident, blank, moments, prose):
    if blank.kind == "time":
        return next(moments)
    if blank.kind == "choice":
        return incident.template.column(blank.table, blank.name).options[1]
    if blank.kind == "prose":
        return prose
    return PEOPLE.get(blank.name, SAID[blank.kind])
