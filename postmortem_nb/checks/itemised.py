"""Sums that sentences work out: a loss item by item, an error budget or the logs in parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb.checks import mentions, single, spoken, written
from postmortem_nb.checks.claims import PEOPLE
from postmortem_nb.checks.reading import about, matches, passages, sentences
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
_PRICE = r"[$€£]\s?(?P<{0}>\d+(?:,\d{{3}})*(?:\.\d+)?)(?![\d.,]*\s?(?:[kKmM]|thousand|million)\b)"
_SHARE_OF = re.compile(
    r"(?P<share>\d+(?:\.\d+)?)\s?(?:%|percent)\s(?:on|of)\s(?:the\s|all\s)?(?P<count>\d+(?:,\d{3})*)\s"
    r"[a-z][\w -]{2,40}?\sat\s(?:an?\s)?(?:average\s|mean\s)?(?:[a-z]+\s(?:of\s)?)?"
    rf"{_PRICE.format('price')}",
    re.IGNORECASE,
)
"""A share of the price of things: a commission."""
_LESS = re.compile(
    rf"{_PRICE.format('all')}[^$€£.;]{{0,60}}\b(?:minus|less)\s{_PRICE.format('less')}",
    re.IGNORECASE,
)
_CENTS = re.compile(r"^\s?cents?\b", re.IGNORECASE)
_PER_MANY = re.compile(
    r"\s?(?:per|a|an|each|for every)\s(?P<many>thousand|hundred)\b", re.IGNORECASE
)
"""Behind a price: it is that of many."""
_OFF = 0.005
"""By how much of it a product may be off: prices are rounded."""
_USED = re.compile(
    r"\b(?P<used>\d+(?:\.\d+)?)\s?(?:%|percent)\s(?:\w+\s){0,3}?(?:used|spent|gone|consumed|burned)\s"
    r"(?:\w+\s)?(?:before|earlier|already)\b[^.;\n]{0,40}?\b(?P<left>\d+(?:\.\d+)?)\s?(?:%|percent)\s"
    r"(?:\w+\s){0,3}?(?:left|remain\w*)\b",
    re.IGNORECASE,
)
_ROUNDED = 1.0
"""Points that rounding may take from three shares."""


def items(case: Case) -> Iterator[Finding]:
    """Find an item of the loss that is not its number times its price, and a sum that is wrong."""
    text, loss = str(case.fact("revenue_method") or ""), case.fact("revenue_loss")
    parts, begin = [], 0
    for match in _TOTAL.finditer(text):
        total = written.numeral(match["total"])
        parts.append(total)
        product = _product(text[begin : match.start()])
        if product and abs(product - total) > _OFF * total:
            said = text[begin : match.end()].strip(" ,;")
            yield _wrong(case, f"“{said}” is ${product:,.0f}.")
        begin = match.end()
    yield from _worked(case, text, loss)
    if loss and len(parts) > 1 and not _TOTAL.split(text)[-1].strip(" .") and text:
        whole = sum(parts)
        if abs(whole - loss) > _OFF * loss and not any(abs(each - loss) < 1 for each in parts):
            yield _wrong(case, f"The items are ${whole:,.0f}, but revenue loss: ${loss:,.0f}.")


def _worked(case: Case, text: str, loss: float | None) -> Iterator[Finding]:
    """Find a share of things at a price, or a difference, that is not the loss."""
    for match in matches(_SHARE_OF, text) if loss else ():
        share, count, price = (written.numeral(match[each]) for each in ("share", "count", "price"))
        worked = share / 100 * count * price
        if loss and abs(worked - loss) > _OFF * loss:
            yield _wrong(
                case, f"“{match.group()}” is ${worked:,.0f}, but revenue loss: ${loss:,.0f}."
            )
    for match in matches(_LESS, text) if loss else ():
        worked = written.numeral(match["all"]) - written.numeral(match["less"])
        if loss and abs(worked - loss) > _OFF * loss and not _TOTAL.search(text):
            yield _wrong(
                case, f"“{match.group()}” is ${worked:,.0f}, but revenue loss: ${loss:,.0f}."
            )


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


def budget(case: Case) -> Iterator[Finding]:
    """Find what was used before and what is left, where they leave no room for this incident."""
    spent = case.fact("budget_consumed")
    if spent is None:
        return
    for cell, text in passages(case):
        for match in matches(_USED, text):
            rest = 100 - float(match["used"]) - float(match["left"])
            if abs(rest - float(spent)) > _ROUNDED:
                said = " ".join(match.group().split())
                yield about(
                    case,
                    cell,
                    f"“{said}” leaves {rest:g} % for this incident, but budget consumed: "
                    f"{float(spent):g} %.",
                )


_OF = re.compile(
    r"\b(?P<share>\d+(?:\.\d+)?)\s?(?:%|percent)\sof\s(?:the\s|all\s|our\s)?(?P<whole>\d[\d,]*\d)\s"
    r"[a-z ]{0,30}?requests?\b[^.;\n]{0,40}?\bfail",
    re.IGNORECASE,
)
_OF_PEOPLE = re.compile(
    rf"\b[Oo]f\s(?:the\s|our\s|all\s)?(?P<whole>\d[\d,]*\d)\s{PEOPLE}\b[^.;\n\d]{{0,40}}?"
    r"(?P<part>\d[\d,]*\d)\b",
)


def portions(case: Case) -> Iterator[Finding]:
    """Find failed requests, or a share of people, that a text works out otherwise."""
    failed, total = case.fact("failed_requests"), case.fact("affected_total")
    share = case.fact("affected_share")
    for cell, text in passages(case):
        for match in matches(_OF, text) if failed else ():
            half = 0.5 * 10.0 ** -len(match["share"].partition(".")[2])
            whole, told = written.numeral(match["whole"]), float(match["share"])
            if not (told - half) * whole <= 100 * float(failed) <= (told + half) * whole:
                said = f"“{match.group()}” is {told * whole / 100:,.0f}"
                yield about(case, cell, f"{said}, but failed requests: {failed:,}.")
        for match in matches(_OF_PEOPLE, text) if total and share is not None else ():
            whole, part = (written.numeral(match[each]) for each in ("whole", "part"))
            if part == total and whole and abs(100 * part / whole - float(share)) > _ROUNDED:
                said = f"“{' '.join(match.group().split())}” is {100 * part / whole:.1f} %"
                yield about(case, cell, f"{said}, but affected share: {float(share):g} %.")


_REST = 0.001
"""Share of the failed requests that lines of other kinds, which nobody told, may make up."""
_NEARLY, _SMALLEST, _FEW = 0.15, 100, 4
"""By how much of it a sum of parts is the failed requests all the same, told wrongly."""


_CODES = frozenset({*range(400, 432), 499, *range(500, 512), *range(520, 528)})
"""Codes of HTTP that logs are told by."""
_OF_THEM = re.compile(r"\d[\d,]*(?=\sof\s(?:them|these|those|which)\b)")
"""A count that is a part of one told before."""
_OUT_OF = re.compile(r"\sof\s(?:the\s)?(?:(?:first|last|all)\s)?\d[\d,]*")
"""Behind a count: the whole that it is a part of."""
_OF_SO_MANY = re.compile(r"Of\s(?:the\s|all\s)*\d")
"""At the beginning of a sentence: it names the whole of its counts."""


def parts(case: Case) -> Iterator[Finding]:
    """Find lines of the logs that are counted, and are together nearly the failed requests."""
    failed, told = case.fact("failed_requests"), str(case.fact("key_logs") or "")
    if failed and re.search(rf"\bof\s(?:(?:the|all)\s)*{failed:,}(?![\d,])", told):
        return  # a part of the whole, beside which others may be of something else
    told = _OF_THEM.sub("", told)
    own = (each for each in sentences(told) if "warn" not in each and not _OF_SO_MANY.match(each))
    told = _OUT_OF.sub("", " ".join(own))
    counts = [each.value for each in mentions.read(told) if each.kind == "count" and not each.rate]
    counts = [each for each in counts if each not in _CODES]
    counts = [each for each in counts if failed and failed / _SMALLEST < each < failed]
    if not 1 < len(counts) <= _FEW:
        return
    whole = sum(counts)
    steps = sum(spoken.amount(f"{each:.0f}", "")[1] for each in (failed, *counts))
    steps = max(steps, _REST * failed)
    if steps < abs(whole - failed) <= _NEARLY * failed:
        said = " + ".join(f"{each:,.0f}" for each in counts)
        yield single.about(
            case,
            Code.RANGE,
            "key_logs",
            message=f"{said} is {whole:,.0f}, but failed requests: {failed:,}.",
            remedy="Correct one of them, or say what else the lines are.",
        )


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (items, budget, portions, parts)


def _wrong(case: Case, message: str) -> Finding:
    remedy = "Correct the number, the price or what they come to."
    return single.about(case, Code.RANGE, "revenue_method", message=message, remedy=remedy)
