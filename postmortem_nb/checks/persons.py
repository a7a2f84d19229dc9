"""People by group in sentences: “isar (2,756 pupils)”, “1,050 customers in harbour”.

Held to the distinct ids of the frozen logs, by the tags that the frozen metrics are grouped by.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import borne, derived, events, frozenrows, spoken
from postmortem_nb.checks.claims import WHO
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, attest, passages, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 100
"""Numbers that are looked at in a document: a text of nothing else must not slow a form."""
_FEWEST = 10
"""A smaller number may be of anything."""
_OFF = 0.01
"""Share by which a number may be off."""
_PART = re.compile(
    r"\b(?:first|by then|so far|already|until|at \d\d:\d\d|before|of them|of these|more|another|"
    r"per|each)\b",
    re.IGNORECASE,
)
"""In a sentence: its number may be of a part of the time."""


class Numbered(NamedTuple):
    """A number of a sentence with its group, in small letters, and its noun."""

    group: str
    said: str
    noun: str


def numbered(sentence: str, groups: Iterable[str]) -> Iterator[Numbered]:
    """Yield the whole numbers that stand beside a group: “north (40 users)”, “20 in harbour”."""
    names = "|".join(re.escape(each) for each in sorted(groups, key=len, reverse=True))
    pattern = re.compile(
        rf"(?<![\w-])(?P<name>{names})(?:\s|:|\s?\()+(?:(?:with|had|has|about|saw)\s)*"
        r"(?P<number>\d{1,3}(?:,\d{3})+|\d+)(?![\d.,:%]\d|:|\s?%)(?:\s(?P<noun>[a-z]+))?"
        rf"|(?<![\d.,:])(?P<count>\d{{1,3}}(?:,\d{{3}})+|\d+)\s(?P<what>(?:[a-z]+\s){{0,2}}?)"
        rf"(?:in|at|from|of)\s(?:the\s)?(?P<place>{names})(?![\w-])",
        re.IGNORECASE,
    )
    joined = re.compile(
        rf"(?:,?\sand|,)\s(?:in\s)?(?:the\s)?(?:{names})|\stogether\b", re.IGNORECASE
    )
    for match in pattern.finditer(sentence) if names else ():
        said = match["number"] or match["count"]
        if match["place"] and joined.match(sentence, match.end()):
            continue  # of both: “3,629 in north and harbour”
        noun = match["noun"] or (match["what"] or "").split(" ")[0]
        yield Numbered((match["name"] or match["place"]).lower(), said, noun)


def found(incident: Incident, case: Case, attested: Attested) -> Iterator[Finding]:
    """Yield numbers of people by group that the frozen logs do not have."""
    keys = {one.series.partition(":")[0] for one in derived.drawn(incident, case) if one.series}
    counts = [each for each in frozenrows.people(incident, case, tuple(sorted(keys))) if each]
    groups = frozenset().union(*counts)
    if groups:
        yield from islice(_doubts(incident, case, counts, groups, attested), MOST)


def _doubts(
    incident: Incident,
    case: Case,
    counts: list[dict[str, int]],
    groups: frozenset[str],
    attested: Attested,
) -> Iterator[Finding]:
    regions = [cell for cell in case.cells if cell.column.name == "regions"]
    people = borne.known(incident, case).people
    for cell, text in (*passages(case), *((each, str(each.value)) for each in regions)):
        own = [each for each in groups if each in text.lower()]
        for sentence in sentences(text) if own else ():
            if len(sentence) > LONGEST or _PART.search(sentence):
                continue
            for told in numbered(sentence, own):
                value = spoken.amount(told.said, "")[0]
                who = WHO.match(told.noun) or events.stem(told.noun.lower()) in people
                known = [each[told.group] for each in counts if told.group in each]
                if not who or value < _FEWEST or not known:
                    continue
                if any(abs(each - value) <= _OFF * each for each in known):
                    attest(attested, cell, told.said)
                    continue
                doubt = f"“{told.said} {told.noun}” in {told.group}"
                yield about(case, cell, f"{doubt}, but the frozen logs have {known[0]:,}.")
