"""Phases that a sentence compares: “mitigation took twice as long as detection”."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks.reading import about, matches, passages
from postmortem_nb.checks.relations import TROUBLE, minutes, moments, named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding

_PHASES = {
    "detect": "time_to_detect",
    "acknowledg": "time_to_acknowledge",
    "mitigat": "time_to_mitigate",
    "recover": "time_to_recover",
    "resol": "time_to_resolve",
}
_PHASE = rf"(?:the\s)?(?:{'|'.join(_PHASES)})\w*"
_TIMES = {"half": 0.5, "twice": 2.0, "two times": 2.0, "three times": 3.0, "four times": 4.0}
_TIMES |= {"five times": 5.0, "ten times": 10.0}
_RATIO = re.compile(
    rf"\b(?P<one>{_PHASE})\s(?:\w+\s){{0,2}}?(?:took|needed|lasted)\s(?:about\s|nearly\s|"
    rf"roughly\s)?"
    rf"(?P<times>{'|'.join(_TIMES)})\s(?:as\s(?:long|much time)\sas|"
    rf"longer\sthan)\s(?P<other>{_PHASE})",
    re.IGNORECASE,
)
_SHARES = {"half": (40.0, 60.0), "a third": (25.0, 42.0), "two thirds": (58.0, 75.0)}
_SHARES |= {"a quarter": (18.0, 32.0), "three quarters": (65.0, 85.0), "most": (50.0, 100.0)}
_SPENT = re.compile(
    rf"\b(?P<side>more than|over|less than|under)?\s?(?P<share>{'|'.join(_SHARES)})\sof\s(?:the|"
    rf"that|this)"
    rf"\s(?:(?:whole|total)\s)?(?:time|{TROUBLE}|duration)\s(?:had\s|was\s|has\s)?(?:went by|"
    rf"passed|"
    r"gone|over|lost|spent)\s(?:before|until)\s(?P<what>[^.;,]+)",
    re.IGNORECASE,
)


def ratios(case: Case) -> Iterator[Finding]:
    """Find phases that a sentence compares, or measures by the whole, otherwise than they were."""
    known, length = moments(case), _value(case, "duration")
    for cell, text in passages(case):
        for match in matches(_RATIO, text):
            one, other = (_value(case, _phase(match[side])) for side in ("one", "other"))
            factor = _TIMES[match["times"].lower()]
            if one and other and not 0.75 * factor <= one / other <= 1.25 * factor:
                said = f"{times.duration(one)} against {times.duration(other)}"
                yield about(case, cell, f"“{match.group()}”, but it was {said}.")
        if not length or not known.get("start"):
            continue
        for match in matches(_SPENT, text):
            ends = [at for each in named(match["what"])[:1] for at in known.get(each.name, ())]
            parts = [100 * (minutes(at, known["start"][0]) or 0.0) / length for at in ends]
            if parts and not any(_fits(match, part) for part in parts):
                yield about(case, cell, f"“{match.group()}”, but it was {parts[0]:.0f} % of it.")


def _fits(match: re.Match[str], part: float) -> bool:
    """Return whether a share in words can be this percentage."""
    low, high = _SHARES[match["share"].lower()]
    side = (match["side"] or "").lower()
    if side in {"more than", "over"}:
        return part >= low
    return part <= high if side else low <= part <= high


def _phase(word: str) -> str:
    return next(name for stem, name in _PHASES.items() if stem in word.lower())


def _value(case: Case, name: str) -> float | None:
    measure = case.measures.get(name)
    value = measure.value if measure else None
    return float(value) if isinstance(value, (int, float)) and value > 0 else None


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (ratios,)
