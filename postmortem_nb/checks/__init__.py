"""The first reviewer: rules between facts, each a small function from a case to its findings.

    report      codes, severities, the frame of findings, and how it is printed
    case        an incident at one moment, and where each blank stands
    review      what Draft, Review and Approved need; dates; `links`: those that nobody can follow
    signed      approvals: missing, too early, by the wrong person; ticks of Knowledge Sharing
    timeline    order, window, phases; `messages`: those of the day against it
    frozen      what the checks read of frozen answers: curves; `frozenrows`: logs, spans, events;
                `derived`: curves made of those; `attributes`: their rows by kind, host, version,
                group; `instants`: the moments and stretches that a sentence tells of
    silence     silent stretches, and whether a metric of the evidence moved meanwhile
    actions     owners, trackers, wording; `dues`: their days
    answered    factors without an action
    making      an action against what it makes, and against the plan that tells it done
    fields      lists, numbers and rows against one another
    figures     typed against computed, SLO arithmetic, declared severity
    prose       figures in sentences against the data; `claims`, `shares`: phrases; `spoken`:
                values; `elsewhere`: those of a part, a phase, a plan
    relations   two events of a sentence: their order, and what lies between them
    gaps        the same, told freely; `order`: any clauses, by `events`, the words for each row
    bare        figures that nothing else bears; `written`: how they read, `borne`: what bears them,
                `lengths`: lengths and clocks
    dates       dates and days of the week in sentences
    counted     things that a sentence counts: actions, factors, regions, updates
    statements  plain statements: of mails, support and executives, of a severity
    heard       how it was noticed, in sentences and by its own row
    roles       who ended it, who is on call, who joined
    identity    the incident's own number, services and people in fields
    sums        arithmetic within a sentence: parts of a whole, a total, a length and its clocks
    itemised    a loss item by item, an error budget in its parts
    monitored   proposed monitors against their query; `alarms`: against their back-test
    numerals    numbers that are written out, in digits
    alike       one figure with two values; `items`: what a figure is of
    regional    regions against the texts, their parts, the evidence
    mentions    figures of a text, with what each counts
    versions    a version that stands alone, beside one like it that does not
    slips       one figure written twice, once with its digits turned or another unit
    doings      actions with a clock, and versions, told twice; `rolled`: where and of what
    levels      levels of frozen metrics in sentences; `metered`: how those tell them;
                `paired`: group by group; `ranges`: between what a metric was;
                `peaks`: their heights and minutes; `bounds`: what they never passed;
                `paces`: how many came in a minute; `gauges`: of how much there was
    endpoints   from where to where a metric moved
    portions    parts of what failed, by time and region; `tallied`: how many;
                `outof`: and of how many; `ceased`: when nothing failed, or still did
    derivable   counts and parts by attribute and stretch that no frozen rows bear;
                `breakdown`: how sentences tell them, `beside`: with which values
    ellipsis    what clauses leave out, spelled out for these readers
    extremes    first and last rows of a kind, and kinds that had none; `ranked`: who was
                hit hardest, and what goes together; `solely`: what all rows have
    happened    clocks at which the evidence has an event, and key events at another one
    logged      what frozen logs and spans say: shares, counts, first moments, the longest;
                `lasting`: how long spans took, and how they ended; `traced`: when
    records     evidence, and the log of edits
    whys        the chain of whys: its links, one told twice
    twice       rows, steps and names that stand twice, one text for two opposites
    wording     blameless language, by section

A rule is listed in `RULES`; nothing here knows the wall clock, so a check says the same next year.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from postmortem_nb import language
from postmortem_nb.checks import (
    actions,
    alarms,
    alike,
    answered,
    bare,
    bounds,
    case,
    ceased,
    counted,
    dates,
    derivable,
    doings,
    dues,
    ellipsis,
    endpoints,
    extremes,
    fields,
    figures,
    gaps,
    happened,
    heard,
    identity,
    itemised,
    lasting,
    levels,
    links,
    logged,
    making,
    messages,
    monitored,
    order,
    outof,
    paces,
    peaks,
    portions,
    prose,
    ranked,
    reading,
    records,
    regional,
    relations,
    review,
    roles,
    rolled,
    signed,
    silence,
    slips,
    solely,
    statements,
    sums,
    tallied,
    timeline,
    traced,
    twice,
    versions,
    whys,
    wording,
)
from postmortem_nb.checks.report import (
    FORMATS,
    Code,
    Finding,
    Severity,
    as_github,
    as_json,
    as_text,
    errors,
    frame,
)
from postmortem_nb.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pandas as pd

    from postmortem_nb.checks.case import Case
    from postmortem_nb.incident import Incident

__all__ = [
    "FORMATS",
    "RULES",
    "Code",
    "Finding",
    "Severity",
    "as_github",
    "as_json",
    "as_text",
    "errors",
    "findings",
]

RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    *review.RULES,
    *links.RULES,
    *signed.RULES,
    *timeline.RULES,
    *messages.RULES,
    *actions.RULES,
    *dues.RULES,
    *answered.RULES,
    *figures.RULES,
    *fields.RULES,
    *regional.RULES,
    *prose.RULES,
    *dates.RULES,
    *counted.RULES,
    *statements.RULES,
    *heard.RULES,
    *roles.RULES,
    *identity.RULES,
    *slips.RULES,
    *relations.RULES,
    *gaps.RULES,
    *order.RULES,
    *sums.RULES,
    *itemised.RULES,
    *monitored.RULES,
    *making.RULES,
    *alike.RULES,
    *versions.RULES,
    *whys.RULES,
    *twice.RULES,
    *wording.RULES,
)
"""Every rule that needs nothing but the case; `silence`, `levels`, `records` read the bundle."""

LOG = "incident.jsonl"
"""The file of a bundle that reviewers see change: annotations stand on it."""

IGNORE = "checks-ignore"
"""Key of a template's front matter: codes, or language rules, that a team does not want."""


def findings(incident: Incident, *, ignore: Iterable[str] = ()) -> pd.DataFrame:
    """Return what a reviewer would find, gravest first.

    Columns, all strings: ``code``, ``severity`` (error, warning, hint), ``where``, ``message``,
    ``remedy``, ``table``, ``row``, ``name``, ``rule`` (of `Code.BLAME`, else empty).

    Parameters
    ----------
    incident
        The incident; it is read once and never changed.
    ignore
        Codes or language rules to leave out, beside those of the template's ``checks-ignore``.

    """
    seen = case.take(incident)
    asked = case.listed(seen.template.facts.get(IGNORE, ""))
    silenced = {*ignore, *asked}
    found = list(reading.once(each for rule in RULES for each in rule(seen)))
    found = list(levels.unborne(incident, seen, found))
    found += _unknown(asked)
    attested = reading.Attested({("", "", "", number) for number in _measured(seen)}, set())
    found += silence.found(incident, seen)
    found += peaks.found(incident, seen)
    found += levels.found(incident, seen, attested)
    found += bounds.found(incident, seen, found)
    found += paces.found(incident, seen)
    found += endpoints.found(incident, seen)
    found += portions.found(incident, seen)
    found += ceased.found(incident, seen)
    found += tallied.found(incident, seen, attested)
    found += outof.found(incident, seen, found, attested)
    found += logged.found(incident, seen, attested)
    found += lasting.found(incident, seen, attested)
    found += traced.found(incident, seen)
    found += happened.found(incident, seen)
    found += extremes.found(incident, seen)
    found += ranked.found(incident, seen)
    found += solely.found(incident, seen)
    found += alarms.found(incident, seen)
    found += identity.found(incident, seen)
    found += monitored.foreign(incident, seen)
    found += monitored.unreached(incident, seen)
    found += monitored.fired(incident, seen)
    found += versions.found(incident, seen)
    found += doings.found(incident, seen)
    found += rolled.found(incident, seen)
    found += records.found(incident, seen, attested)
    happened.attest_clocks(incident, seen, attested)
    found += derivable.found(incident, seen, found, attested)
    found += ellipsis.found(incident, seen, found, attested)
    found += levels.unborne(incident, seen, bare.found(incident, seen, found))
    shown = reading.unattested(found, attested)
    kept = (each for each in shown if not silenced & {str(each.code), each.rule})
    return frame(kept, path=_file(incident.path / LOG))


def _measured(seen: Case) -> Iterator[str]:
    """Yield the numbers of the measures, as sentences write them."""
    for each in seen.measures.values():
        if isinstance(each.value, (int, float)):
            yield f"{each.value:,.0f}"


def _unknown(asked: Iterable[str]) -> Iterator[Finding]:
    """Tell what a template leaves out by a name that no code and no rule has."""
    known = [*map(str, Code), *(rule.id for rule in language.rules())]
    for name in (name for name in asked if name not in known):
        near = ", ".join(difflib.get_close_matches(name, known, n=1, cutoff=0.5))
        yield Finding(
            code=Code.TEMPLATE,
            severity=Severity.WARNING,
            where=f"Front matter › {IGNORE}",
            message=f"{shown(name)} is no code of a finding and no rule of language.",
            remedy=f"Did you mean {near}?" if near else "Write the code as a finding prints it.",
        )


def _file(path: Path) -> str:
    """Return a path as an annotation names it: from here where it lies below, with slashes."""
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
