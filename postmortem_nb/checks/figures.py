"""Rules of figures: typed against computed, what cannot be, SLO arithmetic, declared severity."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from postmortem_nb import times
from postmortem_nb.checks import slips, spoken, written
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.claims import PEOPLE
from postmortem_nb.checks.reading import matches
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.single import about

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.written import Figure

MINUTES: tuple[str, ...] = ("duration", "detection_time", "resolution_time", "mttd", "mttr")
CLOSE = 1.0
"""Minutes that a typed duration may differ: people round."""


def typed(case: Case) -> Iterator[Finding]:
    """Find durations that were typed and differ from the computed ones."""
    for name in MINUTES:
        value, measure = case.typed.get(name), case.measures[name]
        if value is None or not isinstance(measure.value, (int, float)):
            continue
        if abs(float(value) - measure.value) > CLOSE:
            yield about(
                case,
                Code.FIGURE,
                name,
                message=f"Typed {times.duration(float(value))}, computed "
                f"{times.duration(measure.value)} ({measure.definition}).",
                remedy=f"Correct the timeline, or clear it: incident.set('{name}', None).",
            )
    total, value = case.fact("affected_total"), case.typed.get("affected_users")
    if total is not None and value is not None and int(value) != int(total):
        yield about(
            case,
            Code.FIGURE,
            "affected_users",
            message=f"Typed {int(value):,}, but the total of affected users is {int(total):,}.",
            remedy="Correct the total under User Impact, or clear the typed one: "
            "incident.set('affected_users', None).",
        )


_TELLING = 100
"""From here on turned digits of a number show."""


def turned(case: Case) -> Iterator[Finding]:
    """Find a typed number that is the computed one with two digits in each other's place."""
    for name in ("affected_total", "affected_users", "failed_requests"):
        measure, value = case.measures.get(name), case.fact(name)
        known = measure.computed if measure else None
        if not isinstance(known, (int, float)) or not isinstance(value, (int, float)):
            continue
        if value >= _TELLING and slips.turned(f"{value:.0f}", f"{known:.0f}"):
            yield about(
                case,
                Code.FIGURE,
                name,
                message=f"Typed {value:,.0f}, computed {known:,.0f}: two digits are turned.",
                remedy="Correct the typed figure, or clear it.",
            )


def ranges(case: Case) -> Iterator[Finding]:
    """Find figures that cannot be: below zero, above a hundred percent."""
    for cell in case.cells:
        kind, value = cell.column.kind, cell.value
        numeric = kind in {"count", "percent", "money", "minutes"}
        may_exceed = {"budget_consumed", "slo_impact"}
        may_be_negative = {"budget_remaining"}
        name = cell.column.name
        if numeric and value < 0 and name not in may_be_negative:
            yield _about(case, cell, f"{value:,} is below zero.")
        elif kind == "percent" and value > 100 and name not in may_exceed:
            yield _about(case, cell, f"{value:,} % is more than all.")


def slo(case: Case) -> Iterator[Finding]:
    """Find an SLO whose target, achievement and budget do not add up."""
    target, actual = case.fact("slo_target"), case.fact("slo_actual")
    consumed, remaining = case.fact("budget_consumed"), case.fact("budget_remaining")
    if target is not None and target >= 100:
        yield about(
            case,
            Code.SLO,
            "slo_target",
            message="A target of 100 % has no error budget: consumed and remaining are undefined.",
            remedy="State the target of the SLO that applies, for example 99.9.",
            severity=Severity.ERROR,
        )
    elif target is not None and actual is not None and remaining is not None:
        computed = 100 * (actual - target) / (100 - target)
        if abs(computed - remaining) > _slack(target, actual):
            yield about(
                case,
                Code.SLO,
                "budget_remaining",
                message=f"{remaining:g} % remaining, but {actual:g} % achieved against "
                f"{target:g} % leaves {computed:.1f} %.",
                remedy="remaining = 100·(actual − target)/(100 − target); negative when overspent.",
            )
    if consumed is not None and remaining is not None and consumed + remaining > 100.5:
        yield about(
            case,
            Code.SLO,
            "budget_consumed",
            message=f"{consumed:g} % consumed and {remaining:g} % remaining are more than the "
            "budget.",
            remedy="Both are shares of one SLO window's budget: together at most 100 %.",
        )


_LOST = 0.005
"""Points by which an SLO impact may be the availability that was lost: people round."""


def spent(case: Case) -> Iterator[Finding]:
    """Find an SLO impact that is not the budget consumed: both are the same share."""
    impact, consumed = case.fact("slo_impact"), case.fact("budget_consumed")
    actual = case.fact("slo_actual")
    lost = actual is not None and impact is not None and abs(100 - actual - impact) < _LOST
    if impact is not None and consumed is not None and abs(impact - consumed) > 0.5 and not lost:
        yield about(
            case,
            Code.SLO,
            "slo_impact",
            message=f"SLO impact {impact:g} %, but {consumed:g} % of the budget consumed.",
            remedy="Both are the share of one SLO window's budget: state it once.",
        )


_WORD = re.compile(
    r"\b(?:in-(?:app|game|product)|push (?:message|notification)s?|SMS|text messages?|"
    r"(?:by|in|with|put up|showed|posted) (?:a|the) banner|banners? (?:told|said|saying|informed)|"
    r"pop-?ups?|texted|phoned|(?:they|all|each|"
    rf"{PEOPLE}) (?:was|were) (?:called|rung|visited)|"
    r"(?:called|rang) (?:all|each|every)|"
    r"(?:told|inform\w*|notif\w*|reached|contacted|called)\s[^.;]{0,40}?\bby (?:phone|"
    r"telephone|post|letter|mail))\b",
    re.IGNORECASE,
)
"""How customers are told without an e-mail."""


def _otherwise(case: Case) -> bool:
    """Return whether a text tells of another way by which customers were told."""
    texts = (str(each.value) for each in case.cells if each.column.kind in {"prose", "line"})
    return any(_WORD.search(text) for text in texts)


def impact(case: Case) -> Iterator[Finding]:
    """Find statements of the impact that exclude each other."""
    fact = case.fact
    total, share, notified = fact("affected_total"), fact("affected_share"), "customers_notified"
    final, experience = fact("severity"), fact("experience")
    loss, at_risk = fact("revenue_loss"), fact("revenue_at_risk")
    broad = share is not None and share >= 50
    doubts: tuple[tuple[Any, str, str], ...] = (
        (final == "SEV-4" and total, "severity", f"SEV-4 has no user impact, but {total} users."),
        (
            final == "SEV-0" and experience and experience != "Complete outage",
            "experience",
            f"SEV-0 is a complete outage, but users saw: {experience}.",
        ),
        (
            final in {"SEV-2", "SEV-3", "SEV-4"} and experience == "Complete outage",
            "severity",
            f"A complete outage, but {final}.",
        ),
        (
            final == "SEV-0" and share is not None and share < 50,
            "severity",
            f"SEV-0 affects all users, but {share} % were.",
        ),
        (final in {"SEV-3", "SEV-4"} and broad, "severity", f"{share} % of users, but {final}."),
        (total == 0 and share, "affected_share", f"No affected user, but {share} % of users."),
        (total and share == 0, "affected_share", f"{total} affected users, but 0 %."),
        (
            fact("email_sent") is False and fact(notified) and not _otherwise(case),
            notified,
            f"No e-mail was sent, but {fact(notified) or 0:,} customers were notified.",
        ),
        (
            fact("email_sent") and fact(notified) == 0,
            notified,
            "An e-mail was sent, but 0 customers were notified.",
        ),
        (
            final != "SEV-0"
            and experience == "Complete outage"
            and share is not None
            and not broad,
            "experience",
            f"A complete outage, but {share} % of users were affected.",
        ),
        (
            loss is not None and at_risk is not None and at_risk < loss,
            "revenue_at_risk",
            "The potential loss is smaller than the actual one.",
        ),
    )
    for doubtful, name, message in doubts:
        if doubtful and case.has(SINGLE, name):
            yield about(
                case,
                Code.RANGE,
                name,
                message=message,
                remedy="Correct the one that is wrong, or say in the text how both can be.",
            )
    method = "revenue_method"
    if loss and case.has(SINGLE, method) and not fact(method):
        yield about(
            case,
            Code.RANGE,
            method,
            message="A loss of revenue, but not how it was calculated.",
            remedy="Fill in the calculation method: orders × average value, say, or the same hours "
            "of other weeks.",
        )


_LONGEST = 4_000
_CHANGED = re.compile(
    r"\b(?:raised|upgraded|escalated|lowered|downgraded|reduced|changed|moved|bumped|set|"
    r"reclassified)\s(?:\w+\s){0,3}?(?:to|as)\s(?:an?\s)?(?P<level>SEV-?\d)\b"
    r"|\bnow\s(?:an?\s)?(?P<now>SEV-?\d)\b",
    re.IGNORECASE,
)
"""Words by which a row or a message says that the severity is another from then on."""
_AT_FIRST = re.compile(
    r"\b(?:first|initially|originally)\s[^.;\n]{0,40}?(?P<level>SEV-?\d)\b"
    r"|\b(?P<now>SEV-?\d)\s(?:at first|first|initially|originally)\b",
    re.IGNORECASE,
)
"""Words by which any text says that it was this one at first."""


def severity(case: Case) -> Iterator[Finding]:
    """Find a severity declared on the day that is not the one the document states."""
    final = case.fact("severity")
    rows = [row for row in case.rows("timeline") if row.get("severity_declared")]
    apart = [row for row in rows if final and row["severity_declared"] != final]
    texts = [cell for cell in case.cells if apart and cell.column.kind in {"prose", "line"}]
    day = (cell for cell in texts if cell.table in {"timeline", "updates"})
    changed = final in _levels(_CHANGED, day)
    first = _levels(_AT_FIRST, texts) if not changed else set()
    for row in apart:
        declared = row["severity_declared"]
        if not changed and declared not in first:
            yield about(
                case,
                Code.SEVERITY,
                "severity_declared",
                message=f"Declared {declared}, but the severity of the incident is {final}.",
                remedy="Say when and why it changed (“raised to SEV-1 at 14:40”), or correct one.",
                severity=Severity.HINT,
                at=("timeline", row["row"]),
            )


def _levels(pattern: re.Pattern[str], cells: Iterable[Cell]) -> set[str]:
    """Return the severities that texts tell of in such words."""
    found = (match for cell in cells for match in matches(pattern, str(cell.value)[:_LONGEST]))
    return {(match["level"] or match["now"]).upper() for match in found}


_RISK = re.compile(r"\b(?:at risk|potential\w*|would have|had we)\b", re.IGNORECASE)
_PART = re.compile(r"[;\n]\s*|\.\s+")
_TIMES = re.compile(
    r"[×*]|\b(?:x|times|at|each|per|average|mean|an?)\b|\b(?:their|its)\s[$€£]|[$€£][\d.,]+\s(?:fee|"
    r"ticket|refund|voucher|credit)",
    re.IGNORECASE,
)
"""In how a loss was calculated: it is a number of things at a price."""
_TIME = r"(?:second|minute|hour|day|week|month|year)\b"
_EACH = rf"(?:each|apiece|(?:an?|per)\s(?!{_TIME})[a-z]+)\b"
_PRICED = re.compile(rf"\bat\s(?=\d+(?:,\d{{3}})*(?:\.\d+)?\s{_EACH})", re.IGNORECASE)
"""Before a price without a currency: that of the template."""
_CENTS = re.compile(r"\d\s?cents?\b", re.IGNORECASE)
"""A price that is no sum in dollars: the sum beside it is what it comes to."""
ROUNDED = 0.05
_EXACT, _UNIT = 3, 0.005
"""Digits before its zeros with which a sum is no rounded one; by what it may differ then."""


_DAYS = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)?days?$|weeks?$|months?$|quarters?$")
"""Nouns of times that are looked back upon: “the last four Saturdays”."""
_THINGS = 20
"""From here on a number is one of what was lost; a smaller one as often of days or clients."""
_LOOSELY = 0.3
"""Share of a figure that lies between its bounds where it is a rough one."""


def product(case: Case) -> Iterator[Finding]:
    """Find a loss of revenue that is not the product by which it was calculated.

    The method may tell of the loss at risk too, behind a semicolon.
    """
    for part in _PART.split(str(case.fact("revenue_method") or "")):
        name = "revenue_at_risk" if _RISK.search(part) else "revenue_loss"
        loss, products = case.fact(name), _products(part)
        if loss is None or not products:
            continue
        middles = [(low + high) / 2 for low, high in products]
        known = max(len(f"{each:.0f}".rstrip("0")) for each in (*middles, loss))
        off = (ROUNDED if known < _EXACT else _UNIT) * loss
        if not any(low - off <= loss <= high + off for low, high in products):
            yield about(
                case,
                Code.RANGE,
                "revenue_method",
                message=f"“{part.strip()}” is ${middles[0]:,.0f}, but {name.replace('_', ' ')}: "
                f"${loss:,.0f}.",
                remedy="Correct the method or the loss.",
            )


def _products(part: str) -> list[tuple[float, float]]:
    """Return what a number of things, or a part of it, times a price may be, the surest first.

    Nothing where the method tells more than that. A price per hour is that of a length.
    """
    figures = written.figures(_PRICED.sub("at $", re.sub(r"\([^()]*\)", "", part)))
    prices = [each for each in figures if each.kind == "money"]
    ends = {each.end + 1 for each in prices}
    counts = [each for each in figures if each.kind == "count"]
    spans = [each for each in figures if each.kind == "span" and each.begin not in ends]
    shares = [_bounds(each) for each in figures if each.kind == "share"]
    if len(prices) != 1 or len(shares) > 1 or _CENTS.search(part) or not _TIMES.search(part):
        return []
    things = [each for each in counts if not _DAYS.match(each.noun)]
    large = [each for each in things if each.low >= _THINGS] or things
    price = _bounds(prices[0])
    if len(spans) == 1 and not counts and not shares:
        hours = _hours(part, spans[0])
        return [_times(hours, price)] if hours else []
    if spans or len(large) != 1:
        return []
    whole = _times(_bounds(large[0]), price)
    parts = [each for a, b in shares for each in ((a, b), (100 - b, 100 - a))]  # “less 10 %”
    return [*((whole[0] * a / 100, whole[1] * b / 100) for a, b in parts), whole]


def _hours(part: str, span: Figure) -> tuple[float, float] | None:
    """Return how many times a length has that of which a price is: “$900 an hour”."""
    hourly = re.search(r"\b(?:per|an|each|a) (?P<unit>hour|minute|day)\b", part)
    if not hourly or not span.match:
        return None
    length = spoken.minutes(span.match["span"].lower())[0]  # “over 95 minutes”: in them
    return (length / {"hour": 60.0, "minute": 1.0, "day": 1440.0}[hourly["unit"]],) * 2


def _times(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] * other[0], one[1] * other[1]


def _bounds(figure: Figure) -> tuple[float, float]:
    """Return between which a figure is meant; trailing zeros alone make none a rough one."""
    if figure.high - figure.low < _LOOSELY * figure.high:
        return ((figure.low + figure.high) / 2,) * 2
    return figure.low, figure.high


RULES = (typed, turned, ranges, slo, spent, impact, product, severity)


def _slack(target: float, actual: float) -> float:
    """Return by how much a remaining budget may differ: both inputs were rounded when typed."""
    half = 0.5 * 10.0 ** -max(_decimals(actual), 1)
    return 100.0 * half / (100 - target) + 0.51


def _decimals(value: float) -> int:
    """Return the digits after the point of a number as it was typed."""
    return len(f"{value!r}".partition(".")[2])


def _about(case: Case, cell: Cell, message: str) -> Finding:
    """Return a finding about a figure."""
    return about(
        case,
        Code.RANGE,
        cell.column.name,
        message=message,
        remedy="Correct the figure.",
        at=(cell.table, cell.row),
    )
