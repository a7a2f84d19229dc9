"""Verdicts on the SLO in sentences, “we stayed within the error budget”, against what is known.

A claim is doubted where every SLO that is known says the opposite: of two, one may be met and the
other not, and the sentence does not say which it means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import language
from postmortem_nb.checks.reading import about, is_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.budget import Spending
    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding

REMEDY = "Correct the sentence or the figures; name the SLO where there are several."

_SLO = r"(?:SLOs?|SLAs?|service[- ]level objectives?|availability (?:target|objective))"
_OUR = r"(?:our|the|its|their|this|that)\s(?:[\w.%-]+\s){0,4}?"
_BUDGET = r"(?:error[- ])budget"
_NOT = r"(?:did not|didn[’']t|never|without|not)\s(?:\w+\s)?"
_BREAK = r"(?:breach|violat|miss|break|broke|exceed|fail)\w*"

_OF = r"(?:\sof\s[\d.,]{1,8}\s?(?:%|percent|per cent)|\sfor\s(?:[\w-]+\s?){1,3}?)?"
_MONTH = (
    r"(?:availability|uptime|month|quarter|period|window|SLI|SLO|service|we)\s(?:[\w-]+\s){0,3}?"
    r"(?:came in|ended(?: up)?|finished|closed|landed)"
)
_GOAL = rf"(?:(?:[\w.%-]+\s){{0,2}}?(?:target|objective)|{_SLO})"

_MET = re.compile(
    rf"\b{_SLO}{_OF}\s(?:was|were|is|stayed|remained)\s(?:still\s|always\s|\w+ly\s)?(?:met|kept|intact|"
    r"unharmed|hit|reached|achieved)"
    rf"|\b(?:met|kept|held|kept to|stayed within|remained within|were within|hit|made|reached|"
    rf"achieved)\s{_OUR}"
    rf"(?:{_SLO}|{_BUDGET})"
    rf"|\bno\s{_SLO}\s(?:was\s)?(?:breach|violation|miss|impact)\w*|\b{_NOT}{_BREAK}\s{_OUR}{_SLO}"
    rf"|\bwithin\s(?:{_OUR})?{_BUDGET}|\b{_MONTH}\s(?:at|above|over)\s(?:the\s|our\s|its\s)?{_GOAL}",
    re.IGNORECASE,
)
_MISSED = re.compile(
    rf"\b(?:breached|violated|missed|broke|exceeded|failed|fell short of|fell below)\s{_OUR}{_SLO}"
    rf"|\b(?:(?:did not|didn[’']t|could not) (?:meet|make|hit|reach|keep|achieve)|failed to "
    rf"(?:meet|make|hit|reach|keep)|not (?:meeting|making|hitting))\s{_OUR}{_SLO}"
    rf"|\b{_SLO}{_OF}\s(?:was|were|is|has been|had been)\s(?:breached|violated|missed|broken|"
    r"not met|not (?:kept|reached|achieved|hit))"
    rf"|\b{_MONTH}\s(?:under|below|short of)\s(?:the\s|our\s|its\s)?{_GOAL}"
    rf"|\b{_BUDGET}\s(?:for \w+(?: \w+)?\s)?(?:was|is|has been|had been)\s(?:fully\s|completely\s|"
    r"entirely\s|now\s)*(?:exhausted|overspent|used up|spent|gone|blown|depleted|burned up)"
    rf"|\b(?:overspent|exhausted|blew|used up|blew through)\s(?:{_OUR}|all of {_OUR})?{_BUDGET}",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:would|could|might|may|if|unless|nearly|almost|close to|risk\w*|threaten\w*|avoid\w*|"
    r"alert\w*|whether|before|until|not|didn[’']t|never|without|other|next|no)\b[^.;\n]*$",
    re.IGNORECASE,
)
"""Before a verdict: it is none, “an alert before the error budget is spent”."""


class _Known(NamedTuple):
    """What is known of one SLO: whether it was met, and the words for that."""

    met: bool
    words: str


def doubted(case: Case, budgets: Sequence[Spending]) -> Iterator[Finding]:
    """Find verdicts on the SLO that all that is known contradicts."""
    known = [*_stated(case), *(each for one in budgets for each in _answered(one))]
    if not known or len({each.met for each in known}) > 1:
        return
    met = known[0].met
    for cell in case.cells:
        if not is_read(cell):
            continue
        text = language.mask(str(cell.value))
        for match in (_MISSED if met else _MET).finditer(text):
            before = re.split(r"[.;\n]", text[max(0, match.start() - 80) : match.start()])[-1]
            if not _OPEN.search(before):
                yield about(case, cell, f"“{match.group()}”, but {known[0].words}.", REMEDY)


def _stated(case: Case) -> Iterator[_Known]:
    """Yield what the stated or computed figures say, where they say it."""
    target, actual, consumed, remaining = (
        _number(case, name)
        for name in ("slo_target", "slo_actual", "budget_consumed", "budget_remaining")
    )
    if target is not None and actual is not None:
        sign = "meets" if actual >= target else "misses"
        yield _Known(actual >= target, f"{actual:g} % achieved {sign} the target of {target:g} %")
    elif remaining is not None:
        yield _Known(remaining >= 0, f"{remaining:g} % of the error budget remain")
    if consumed is not None and consumed > 100:
        yield _Known(met=False, words=f"{consumed:g} % of the error budget were consumed")


def _answered(spent: Spending) -> Iterator[_Known]:
    """Yield what an SLO's frozen answer says of its whole window."""
    of = spent.objective
    if of.target is not None and of.status is not None:
        sign = "meets" if of.status >= of.target else "misses"
        words = f"{of.status:.3f} % achieved {sign} the target of {of.target:g} % (“{of.name}”)"
        yield _Known(of.status >= of.target, words)


def _number(case: Case, name: str) -> float | None:
    measure = case.measures.get(name)
    value = measure.value if measure and measure.value is not None else case.fact(name)
    return float(value) if isinstance(value, (int, float)) else None
