"""Fields and rows set against one another, and against what the texts spell out of the same.

A number whose digits are turned in the texts, a share of people, a team that no list has.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from postmortem_nb import impact
from postmortem_nb.checks import elsewhere, mentions, single, written
from postmortem_nb.checks.claims import PEOPLE
from postmortem_nb.checks.late import late
from postmortem_nb.checks.reading import matches, texts
from postmortem_nb.checks.report import Code, Severity
from postmortem_nb.checks.slips import one_off, turned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.mentions import Mention
    from postmortem_nb.checks.report import Finding

_FAILED = (
    r"request|call|fail|error|start|write|attempt|order|checkout|search|login|session|read|"
    r"declin|authoriz|reject|timeout"
)


_FRACTION = "|".join(sorted(written.FRACTIONS, key=len, reverse=True))
_LARGE = r"\d{1,3}(?:,\d{3})+|\d{3,9}"


def _of(ways: str) -> re.Pattern[str]:
    return re.compile(ways, re.IGNORECASE)


NUMBERS: Mapping[str, re.Pattern[str]] = {
    "affected_total": _of(PEOPLE),
    "failed_requests": _of(_FAILED),
    "customers_notified": _of(PEOPLE),
    "tickets": _of(r"ticket|case"),
    "complaints": _of(r"complain"),
    "mentions": _of(r"mention|tweet|post|messag"),
    "revenue_loss": _of(r"[$€£]"),
    "revenue_at_risk": _of(r"[$€£]"),
}
"""Fields that hold a number of their own, which the texts often tell too → how they tell it."""
_SMALLEST, _KNOWN, _SURE = 100, 1_000, 3
"""The least that is compared, that is told without a noun; digits that are turned by no chance."""
LONGEST = 8_000
"""Characters of a text that are read."""

_SHARE = re.compile(
    rf"(?:(?P<share>\d{{1,2}}(?:\.\d+)?)\s?(?:%|percent)|(?P<fraction>{_FRACTION})|"
    rf"(?<![\w.,])(?P<part>{_LARGE}))\s(?:[a-z]+\s)?(?:out\s)?of\s"
    rf"(?:(?:the|our|all|about|some)\s){{0,2}}(?P<whole>\d+(?:\.\d+)?\smillion|{_LARGE})\b",
    re.IGNORECASE,
)
"""A share of a number, or a part of it."""
_EACH = re.compile(
    rf"\b(?:every (?:single )?one of|each of|all(?: of)?)\s(?:(?:our|the)\s)?(?P<whole>{_LARGE})\s"
    rf"(?:active|existing|registered|current)\s(?:[a-z-]+\s)?{PEOPLE}"
    rf"|\b(?:every (?:single )?one|each|all) of our\s(?P<ours>{_LARGE})\b",
    re.IGNORECASE,
)
"""How a text says that it was everybody."""
_SAME, _FAR = 1.02, 0.15
"""By what factor, and by how many percent, a share may be off that is not a whole one."""
_NAME_LENGTH = 60
_CAPITAL = re.compile(r"\b[A-Z][\w-]+")
_OUTSIDE = re.compile(
    r"\b(?:support|vendors?|providers?|suppliers?|partners?|carrier|AWS|Azure|GCP|Google|Inc|GmbH)\b"
)
"""In the name of whom it was escalated to: no team of ours."""
_TEAM = frozenset({"team", "teams", "the", "on-call", "oncall", "group", "of", "and", "squad"})
DAY = 24 * 60


def turned_digits(case: Case) -> Iterator[Finding]:
    """Find a field's number that no text has, where a text has it with its digits turned."""
    told = [(cell, each) for cell, text in texts(case) for each in mentions.read(text)]
    places = {(c.table, c.row, c.column.name, each.value) for c, each in told}
    often = Counter(value for *_, value in places)
    fields = {float(v) for n in NUMBERS if isinstance(v := case.fact(n), (int, float))}
    for name, way in NUMBERS.items():
        value = case.fact(name)
        if not isinstance(value, (int, float)) or value < _SMALLEST or value in often:
            continue
        held = f"{value:.0f}"
        slips = [
            each
            for _, each in told
            if _slipped(held, each, fields)
            and not _is_rounded(value, each.value)
            and _is_of_kind(name, each)
            and (_is_of(each, way) or _is_sure(name, held, each))
        ]
        for each in sorted(slips, key=lambda each: not _is_of(each, way))[:1]:
            message = f"{value:,.0f}, but the text has “{each.said}”."
            yield _wrong(case, Code.RANGE, name, message)


def _is_rounded(value: float, told: float) -> bool:
    """Return whether a text has a number rounded: $21,400 of 21,420."""
    zeros = len(f"{told:.0f}") - len(f"{told:.0f}".rstrip("0"))
    return zeros > 1 and abs(value - told) <= 0.5 * 10.0**zeros


def _is_of_kind(name: str, each: Mention) -> bool:
    """Return whether a number can be of a field's kind: money is not of people, nor a rate."""
    if each.rate:
        return False
    money = NUMBERS[name].search("$") is not None
    return each.kind == "$" if money else each.kind in {"count", "year"}


def _slipped(held: str, each: Mention, fields: set[float]) -> bool:
    """Return whether a number of a text is a field's with digits turned, or with another one."""
    said = f"{each.value:.0f}"
    return turned(held, said) or (one_off(held, said) and each.value not in fields)


def _is_sure(name: str, held: str, each: Mention) -> bool:
    """Return whether turned digits show a slip whatever is counted: three are turned by chance.

    Not where another field counts the like: 2,140 cardholders are no 4,120 tickets.
    """
    if any(way.search(each.said) for other, way in NUMBERS.items() if other != name):
        return False
    long = len(held) > _SURE and len(held.rstrip("0")) >= _SURE
    return turned(held, f"{each.value:.0f}") and long


def _is_of(each: Mention, way: re.Pattern[str]) -> bool:
    """Return whether a number of a text is of what a field counts: it says so, or says nothing."""
    told = len(f"{each.value:.0f}".rstrip("0")) >= _SURE  # “TTL 3600” of 6,300 is a chance
    bare = each.kind == "count" and not each.noun and each.value >= _KNOWN and told
    return bare or bool(way.search(each.said))


def share(case: Case) -> Iterator[Finding]:
    """Find a share of people that is not the one that a text works out for the same number."""
    total, held = case.fact("affected_total"), case.fact("affected_share")
    if not total or held is None:
        return
    for _, text in texts(case):
        for match in (*matches(_SHARE, text), *matches(_EACH, text)):
            low, high = _percent(match)
            whole = _number(match["whole"] or match["ours"])
            same = low * whole / 100 <= total * _SAME and total <= high * whole / 100 * _SAME
            off = 0.5 if float(held).is_integer() else _FAR
            near = low - max(off, low * (_SAME - 1)) <= held <= high + max(off, high * (_SAME - 1))
            if same and not near:
                yield _wrong(
                    case,
                    Code.RANGE,
                    "affected_share",
                    f"{held:g} %, but the text has “{match.group()}” for {total:,}.",
                )
                return


def _percent(match: re.Match[str]) -> tuple[float, float]:
    """Return between which percents a share of a text is."""
    if match.re is _EACH:
        return 100.0, 100.0
    if match["fraction"]:
        return written.FRACTIONS[match["fraction"].lower()]
    whole = _number(match["whole"])
    share = float(match["share"] or 0) or 100 * _number(match["part"]) / max(whole, 1.0)
    half = 0.5 if match["share"] and "." not in match["share"] else 0.0
    return share - half, share + half


def _number(said: str) -> float:
    number, _, scale = said.replace(",", "").partition(" ")
    return float(number) * (1e6 if scale else 1.0)


def called(case: Case) -> Iterator[Finding]:
    """Find a team that the incident was escalated to, and no list of teams has."""
    teams = [str(each) for each in case.fact("teams") or ()]
    words = {word for each in teams for word in _words(each)}
    for row in case.rows("timeline") if len(teams) > 1 else ():
        whom = str(row.get("escalated_to") or "")
        people = {part for name in case.people() for part in _words(name)}
        said = _words(whom)
        ours = not _OUTSIDE.search(whom) and len(whom) < _NAME_LENGTH
        team = (said & {each.lower() for each in _CAPITAL.findall(whom)}) - people
        if team and ours and not team & words and (not said & people or "," in whom):
            yield single.about(
                case,
                Code.SOURCES,
                "escalated_to",
                message=f"Escalated to {whom!r}, but the teams involved are {', '.join(teams)}.",
                remedy="Name the team in both places, or correct the one that is wrong.",
                severity=Severity.HINT,
                at=("timeline", row["row"]),
            )


_SOLE = late(
    r"\b(?:(?:the|a)\s(?:sole|only|single)\scause|(?:suffic\w+|(?:was|were|is)\senough)\s"
    r"(?:alone|by itself|on its own)|alone\s(?:would have\s)?(?:suffic\w+|caused it|been enough))"
    r"\b",
    re.IGNORECASE,
)
_NOT_SOLE = re.compile(r"\b(?:not|no|nor|never|neither|hardly|unless|without)\b|n[’']t\b")


def sufficient(case: Case) -> Iterator[Finding]:
    """Find a factor that its own words call enough alone, and its field does not, or turned."""
    for row in case.rows("factors"):
        alone = row.get("sufficient_alone")
        for name in ("description", "contribution") if alone is not None else ():
            for match in matches(_SOLE, str(row.get(name) or "")):
                clause = elsewhere.around(match, stops=".;,")
                if alone is bool(_NOT_SOLE.search(clause)):
                    yield single.about(
                        case,
                        Code.SOURCES,
                        "sufficient_alone",
                        message=f"{'Yes' if alone else 'No'}, but “{clause.strip()}”.",
                        remedy="Correct the one that is wrong.",
                        at=("factors", row["row"]),
                    )


_MANY = 15
"""How often as many hours as the timeline bears nobody worked: 8 were the most of 35 documents."""


def worked(case: Case) -> Iterator[Finding]:
    """Find engineering hours far above those for which the timeline names people."""
    hours = case.fact("engineering_hours")
    end = case.moments.resolved or case.moments.recovered
    for least in impact.hours(case.rows("timeline"), end=end) if hours else ():
        told = any(re.search(rf"(?<![\d.]){hours:g}\b", text) for _, text in texts(case))
        if hours > _MANY * least.value > 0 and not told:
            yield single.about(
                case,
                Code.RANGE,
                "engineering_hours",
                message=f"{hours:g} hours, but the {len(least.parts)} people of the timeline were "
                f"at it for about {least.value:g} hours.",
                remedy="Correct the number, or say in the text who worked on what came of it.",
                severity=Severity.HINT,
            )


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    turned_digits,
    share,
    called,
    sufficient,
    worked,
)


def _wrong(case: Case, code: Code, name: str, message: str) -> Finding:
    """Return a finding about a field that another place has otherwise."""
    remedy = "Correct the one that is wrong."
    return single.about(case, code, name, message=message, remedy=remedy)


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w-]+", name.lower())) - _TEAM
