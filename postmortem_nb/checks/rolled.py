"""What was put in and taken back: where, of which service, and whether at all.

“3.18.0 went to all three regions”, where its frozen event names two of them; “we rolled mail back
to 3.17.4”, where an event has another service; “no rollback was needed”, where one ended it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from postmortem_nb.checks import attributes, frozenrows
from postmortem_nb.checks.late import late
from postmortem_nb.checks.order import OPEN
from postmortem_nb.checks.reading import about, matches, passages, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.frozenrows import Happened
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

_BACK = r"(?:roll\w*[\s-]?(?:[\w-]+\s)?back|roll-?back|revert\w*|back\s(?:on|to))"
_ACTS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for name, words in {
        "back": _BACK,
        "over": r"fail(?:ed|ing)?[\s-]?(?:(?:the\s)?[\w-]+\s)?over",
    }.items()
}
"""What ends an incident, and is no other of these."""
_PUT = re.compile(r"\b(?:deploy\w*|releas\w*|roll\w*[\s-]?out|shipp\w*|went)\b", re.IGNORECASE)
_PLACES = frozenset({"region", "zone", "site", "datacenter", "data_center", "location", "country"})
"""Keys whose values are places."""
_ALL = r"(?:all|every|each)(?:\sof)?\s(?:(?:the|our)\s)?(?:[\w-]+\s)?regions?"
_BACK_TO = late(
    rf"\b(?:roll\w*|revert\w*)\s(?:back\s)?(?P<what>[a-z][\w-]+)\s(?:back\s)?to\s(?:version\s)?"
    rf"(?P<version>{attributes.ONE})",
    re.IGNORECASE,
)
_NONE = late(
    r"\b(?:no|without\s(?:a|any))\s(?:roll-?back|revert)(?:\s(?:was|had been|has been)\s(?:ever\s)?"
    r"(?:needed|necessary|required|done|made|tried))?(?=[.,;]|$)",
    re.IGNORECASE,
)
_MOST = 200


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Find where, and what, is told to have been put in or taken back against the evidence."""
    happened = list(frozenrows.happened(incident, case))[:_MOST]
    if happened:
        yield from _where(case, happened, _places(incident, case))
        yield from _what(case, happened)
    yield from _otherwise(case, happened)


def _places(incident: Incident, case: Case) -> frozenset[str]:
    """Return, in small letters, the places that frozen rows and curves have."""
    held = attributes.answers(incident, case)
    named = (key.values for each in held for name, key in each.keys.items() if name in _PLACES)
    return frozenset(value.lower() for values in named for value in values if value)


def _where(case: Case, happened: Sequence[Happened], places: frozenset[str]) -> Iterator[Finding]:
    """Find a version put in at, or taken back from, places that its frozen events do not name."""
    went: dict[tuple[bool, str], list[set[str]]] = defaultdict(list)
    for one in happened:
        way = _way(one.title)
        for version in set(attributes.VERSION.findall(one.title)) if way is not None else ():
            went[way, version].append(set(_named(one.title, places)))  # type: ignore[index]
    known = {key: set.union(*own) for key, own in went.items() if all(own)}
    if not known:
        return
    some = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
    told = re.compile(
        rf"(?<![\w.])(?P<version>{attributes.ONE})\s(?:[\w-]+\s){{0,4}}?(?:in|to|on|across)\s"
        rf"(?P<places>{_ALL}|(?:{some})(?:(?:,\s|,?\sand\s)(?:in\s|to\s)?(?:{some}))*\b(?!-))",
        re.IGNORECASE,
    )
    for cell, text in passages(case):
        for sentence in sentences(text):
            way = _way(sentence)
            for match in told.finditer(sentence) if way is not None else ():
                own = known.get((bool(way), match["version"]), set())
                every = "region" in match["places"].lower()
                said = places if every else set(_named(match["places"], places))
                if own and said - own and not OPEN.search(sentence):
                    where = ", ".join(sorted(own))
                    yield about(case, cell, f"“{match.group()}”, but its frozen event has {where}.")


def _way(text: str) -> bool | None:
    """Return whether a text tells of a way back; None where of neither way, or of both."""
    back, put = bool(_ACTS["back"].search(text)), bool(_PUT.search(text))
    return back if back is not put else None


def _named(text: str, places: Iterable[str]) -> Iterator[str]:
    lowered = text.lower()
    yield from (
        each for each in places if re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", lowered)
    )


def _what(case: Case, happened: Sequence[Happened]) -> Iterator[Finding]:
    """Find a service rolled back to a version to which the frozen events have another one back."""
    services = {str(each).lower() for each in case.fact("services") or ()}
    back = [one for one in happened if _ACTS["back"].search(one.title)]
    for cell, text in passages(case) if back else ():
        for match in matches(_BACK_TO, text):
            own = [one.title.lower() for one in back if match["version"] in one.title]
            others = services - {match["what"].lower()}
            another = any(each in title for each in others for title in own)
            known = match["what"].lower() in services
            if known and another and not any(match["what"].lower() in each for each in own):
                title = next(one.title for one in back if match["version"] in one.title)
                yield about(case, cell, f"“{match.group()}”, but a frozen event has “{title}”.")


def _otherwise(case: Case, happened: Sequence[Happened]) -> Iterator[Finding]:
    """Find another way by which it ended than the mitigation's own, and a rollback denied."""
    rows = [row for row in case.rows("timeline") if row.get("step") == "Mitigation Deployed"]
    actions = "; ".join(str(row["action"]) for row in rows if row.get("action"))
    own = {name for name, way in _ACTS.items() if way.search(actions)}
    told = [*passages(case), *((None, one.title) for one in happened)]
    for cell, text in passages(case) if own else ():
        for match in matches(_NONE, text) if "back" in own else ():
            yield about(case, cell, f"“{match.group()}”, but the mitigation is “{actions}”.")
        if cell.column.name != "what_we_did":
            continue
        said = {name for name, way in _ACTS.items() if way.search(text)}
        elsewhere = " ".join(each for other, each in told if other != cell)
        alone = not any(_ACTS[name].search(elsewhere) for name in said)
        if said and alone and not said & own:
            way = _ACTS[min(said)].search(text)
            doubt = f"“{way.group() if way else text}”, but the mitigation is “{actions}”."
            yield about(case, cell, doubt)
