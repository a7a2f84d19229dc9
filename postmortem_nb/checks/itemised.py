"""A loss as its method works it out, item by item."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb.checks import single, written
from postmortem_nb.checks.report import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.checks.written import Figure

_TOTAL = re.compile(
    r"(?:\((?:=\s?|that is,?\s?)?(?=[^()]{1,20}\))|=\s?|(?<=\d)(?<!:\d\d):\s)[$€£]\s?"
    r"(?P<total>\d+(?:,\d{3})*(?:\.\d+)?)"
    r"(?![\d.]*\s?[a-z])\)?",
    re.IGNORECASE,
)
"""Behind an item: what it comes to."""
_LESS = re.compile(r"\b(?:minus|less|without)\s|\s[−–-]\s")
_CENTS = re.compile(r"^\s?cents?\b", re.IGNORECASE)
_PER_MANY = re.compile(
    r"\s?(?:per|a|an|each|for every)\s(?P<many>thousand|hundred)\b", re.IGNORECASE
)
"""Behind a price: it is that of many."""
_OFF = 0.005
"""By how much of it a product may be off: prices are rounded."""


def items(case: Case) -> Iterator[Finding]:
    """Find an item of the loss that is not its number times its price, and a sum that is wrong."""
    text, loss = str(case.fact("revenue_method") or ""), case.fact("revenue_loss")
    if _LESS.search(text):
        return  # of what is taken off, the items are no sum
    parts, begin = [], 0
    for match in _TOTAL.finditer(text):
        total = written.numeral(match["total"])
        parts.append(total)
        product = _product(text[begin : match.start()])
        if product and abs(product - total) > _OFF * total:
            said = text[begin : match.end()].strip(" ,;")
            yield _wrong(case, f"“{said}” is ${product:,.0f}.")
        begin = match.end()
    if loss and len(parts) > 1 and not _TOTAL.split(text)[-1].strip(" .") and text:
        whole = sum(parts)
        if abs(whole - loss) > _OFF * loss and not any(abs(each - loss) < 1 for each in parts):
            yield _wrong(case, f"The items are ${whole:,.0f}, but revenue loss: ${loss:,.0f}.")


def _product(text: str) -> float | None:
    """Return the one number of things times the one price of a text."""
    figures = written.figures(text)
    prices = [each for each in figures if each.kind == "money"]
    counts = [each for each in figures if each.kind == "count"]
    if len(prices) != 1 or len(counts) != 1 or _CENTS.match(text, prices[0].end):
        return None
    many = _PER_MANY.match(text, prices[0].end)
    per = (1000 if many["many"].lower() == "thousand" else 100) if many else 1
    return _middle(counts[0]) * _middle(prices[0]) / per


def _middle(figure: Figure) -> float:
    return (figure.low + figure.high) / 2


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (items,)


def _wrong(case: Case, message: str) -> Finding:
    remedy = "Correct the number, the price or what they come to."
    return single.about(case, Code.RANGE, "revenue_method", message=message, remedy=remedy)
