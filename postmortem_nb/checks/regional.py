"""Regions: the list of them against the texts, its parts, and the failures that were counted."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.checks import events, mentions, portions, single, spoken
from postmortem_nb.checks.elsewhere import around
from postmortem_nb.checks.late import late
from postmortem_nb.checks.reading import (
    TEXTS,
    about,
    attest,
    is_read,
    matches,
    passages,
    sentences,
    texts,
    with_messages,
)
from postmortem_nb.checks.report import Code, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.reading import Attested
    from postmortem_nb.estimates import Estimate

_SURE = 10
"""A smaller number may be of anything."""
MUCH, SOME = 0.1, 0.03
"""Share of the failures that makes a region one that was hit; one that no list may pass over."""

REGION = re.compile(r"\b[a-z]{2,3}(?:-[a-z]+){1,3}-?\d[a-z]?\b", re.IGNORECASE)
_MOST = re.compile(
    rf"\b(?P<name>{REGION.pattern})\s(?:was\s)?(?:saw|suffered|had|took|counted|showed|hit)\s"
    r"(?:by far\s)?(?:the\s)?(?P<which>most|hardest|worst|fewest|least)\b",
    re.IGNORECASE,
)


_NAME = r"(?:(?:St\.\s)?[A-Z][\w’'-]*|[a-z]{2,4}(?:-[a-z]+)+(?:-?\d)?)"
_JOINED = r"(?:,\s(?:and\s)?|\sand\s|,?\sor\s|/)(?:in\s|at\s)?(?:the\s)?"
_LIST = re.compile(rf"\b{_NAME}(?:\s{_NAME}){{0,2}}(?:{_JOINED}{_NAME}(?:\s{_NAME}){{0,2}}){{1,9}}")
_CODE = re.compile(
    r"\b(?:eu|us|ap|sa|ca|af|me|cn|uk|na|asia|europe|emea|apac|latam|northamerica)(?:-[a-z]+){1,2}"
    r"(?:-?\d[a-z]?)?\b",
    re.IGNORECASE,
)
"""A region as clouds call it."""
_ASIDE = re.compile(r"\([^()]*\)|:\s*[\d,.]+(?:(?!\sand\b)[^,;/])*")
"""Behind a region: how many were there."""
_SPARED = re.compile(
    r"\b(?:none|nobody|unaffected|untouched|spared|not (?:affected|hit|touched|impacted|concerned)|"
    r"no (?:more |additional |failed )?(?:errors?|failures?|impact|effect|\w+ings?|requests?)|"
    r"as (?:usual|before)|had (?:kept|stayed)|(?:kept|stayed|remained)|normal|fine|healthy)\b"
)
"""In a region's part of the list: it was not hit."""
_WITHOUT = re.compile(
    r"(?:,\s|\s)(?:but\snot|not|except|excepting|without|apart\sfrom|other\sthan)\b[^,;()]*",
    re.IGNORECASE,
)
"""Behind a list: regions that are none of it, “but not in north”."""
_ENTRIES = re.compile(r";|\s[–—]\s|(?<=\w{3})\.\s")
_TELLS = re.compile(r"\b(?:was|were|is|are|had|has|saw|took|lost|got|came|followed|failed|began)\b")
"""In a region's part of the list: it is a sentence, which may tell of one that was named."""
_WHOLE = re.compile(r"\bof\s(?:the|our|all)\s\d[\d,]*\b")
"""In a list: the whole, of which it tells parts."""
_TROUBLE = (
    r"(?:fail(?:s|ed|ing|ures?)?|errors?|disturbed|disrupted|degraded|broken|down|unavailable|"
    r"outages?|out of service|affected)"
)
_UNABLE = r"(?:could\s(?:not|no\slonger)|couldn[’']t|(?:was|were)\sunable)\b"
_ALL = late(
    rf"\b{_TROUBLE}\s(?:(?!(?:stop|end|gone|over|ceas|recover|back|fell|drop|clear|went|not)\w*\s)"
    r"[\w’'-]+\s){0,4}?(?:in|across)\s"
    r"(?P<list>(?:all|every|each)\s(?:[\w-]+\s){0,3}?regions?)\b",
    re.IGNORECASE,
)
_SOME_OF_THEM = r"(?!0\b)\d[\d,]*\s(?:of\s)?(?:\w+\s)?[a-z]+"
_OPEN = re.compile(
    r"\b(?:not|no|none|never|nothing|nobody|neither|nor|without|few|fewer|less|if|when|would|could|"
    r"should|might|until|next|again|other|another|last|earlier|before|test\w*|slow\w*)\b|n[’']t\b",
    re.IGNORECASE,
)
"""In a sentence: it may tell of what did not fail, or of another time."""
_REQUESTS = re.compile(r"\b(?:requests|calls|errors|failures|failed)\b", re.IGNORECASE)
_EVERY = re.compile(r"\b(?:all|both|every|others?|rest)\b", re.IGNORECASE)
_BUT = re.compile(
    r"\b(?:all|every\w*)\s(?:regions?\s)?(?:but|except(?:\sfor)?)\s(?P<rest>.*)", re.IGNORECASE
)
_PLACES = frozenset(
    map(
        events.stem,
        re.findall(
            r"\w+",
            "hotels stores shops sites branches hosts pods servers stations clinics hospitals "
            "wards schools offices warehouses depots countries cities towns zones clusters nodes",
        ),
    )
)
"""What a region has many of, each of them no person."""
_ROUNDED = 0.002
"""By how much of it a sum of exact parts may be off."""
_SPLIT = re.compile(_JOINED)
_LABEL = re.compile(r"[A-Z]{1,5}-?\d+")
"""Among names: a severity, a priority or a ticket."""


def found(case: Case, estimates: Sequence[Estimate], attested: Attested) -> Iterator[Finding]:
    """Yield regions that the document leaves out, or ranks otherwise than the evidence."""
    split = [each for each in estimates if each.split == "region" and len(each.parts) > 1]
    if not split:
        return
    stated = str(case.fact("regions") or "")
    whole = sum(value for _, value in split[0].parts)
    hit = [(name, value) for name, value in split[0].parts if whole and value / whole >= SOME]
    told, every = _hit(stated).lower(), stated.lower()
    left_out = [
        (name, value)
        for name, value in hit
        if name.lower() not in (told if value / whole >= MUCH else every)
    ]
    spared = _without_failures(split)
    yield from _spared(case, split, spared, stated)
    yield from _hurt(case, split, spared)
    named_ = any(name.lower() in told for name, _ in split[0].parts)
    yield from _unheard(case, split, stated)
    but = _BUT.search(stated)
    left_out = [one for one in hit if one[0].lower() in but["rest"].lower()] if but else left_out
    if left_out and (but or ((named_ or REGION.search(stated)) and not _EVERY.search(told))):
        (name, value), source = left_out[0], split[0].source
        message = f"{stated!r} leaves out {name}: {value:,.0f} of {whole:,.0f} by {source}."
        remedy = "Name every region that was hit, or say in the text why it does not count."
        yield _wrong(case, message, remedy=remedy)
    for cell, text in passages(case):
        for match in matches(_MOST, text):
            best = match["which"].lower() in {"most", "hardest", "worst"}
            ends = {(max if best else min)(each.parts, key=_counted)[0].lower() for each in split}
            if match["name"].lower() not in ends:
                yield about(case, cell, f"“{match.group()}”, but it was {', '.join(sorted(ends))}.")
    yield from portions.by_region(case, split)
    yield from _parted(case, split, attested)


def _without_failures(split: Sequence[Estimate]) -> list[str]:
    """Return, in small letters, the regions of which no source counts one, as it does of others."""
    counts: dict[str, float] = {}
    for name, value in (part for each in split for part in each.parts):
        counts[name.lower()] = counts.get(name.lower(), 0) + value
    many = max(counts.values()) >= _SURE
    return [name for name, value in counts.items() if many and not value]


def _spared(
    case: Case, split: Sequence[Estimate], spared: Sequence[str], stated: str
) -> Iterator[Finding]:
    """Yield regions of the list in which nothing failed."""
    for each in named(stated):
        if each.lower() in spared:
            message = f"{stated!r} has {each}, but none failed there by {split[0].source}."
            yield _wrong(case, message, Severity.HINT)


def _hurt(case: Case, split: Sequence[Estimate], spared: Sequence[str]) -> Iterator[Finding]:
    """Yield sentences by which something failed in a region where nothing did."""
    names = "|".join(re.escape(name) for each in split for name, _ in each.parts if name)
    some = rf"(?P<list>(?:{names})(?:{_JOINED}(?:{names}))*)"
    told = re.compile(
        rf"\b{_TROUBLE}\s(?:only\s|mostly\s|both\s)?(?:in|at)\s(?:the\s)?{some}\b", re.IGNORECASE
    )
    unable = re.compile(rf"\b(?:in|of|from)\s{some}\s{_UNABLE}", re.IGNORECASE)
    lost = re.compile(
        rf"\b(?:(?P<list>{names})\s(?:lost|missed|refused|rejected)\s{_SOME_OF_THEM}|"
        rf"in\s(?P<place>{names}),?\s{_SOME_OF_THEM}\s(?:\w+\s)?(?:were\s)?(?:failed|lost|refused|rejected)\b)",
        re.IGNORECASE,
    )
    for cell, text in with_messages(case) if spared else ():
        for match in (each for way in (told, lost, unable, _ALL) for each in matches(way, text)):
            said = match["list"] or match.groupdict().get("place") or ""
            listed_ = {*re.split(_JOINED, said.lower())}
            wrong = {*spared} & ({*spared} if "region" in said.lower() else listed_)
            if wrong and not _OPEN.search(around(match).replace(match.group(), "")):
                doubt = f"“{match.group()}”, but none failed in {min(wrong)}"
                yield about(case, cell, f"{doubt} by {split[0].source}.")


def _unheard(case: Case, split: Sequence[Estimate], stated: str) -> Iterator[Finding]:
    """Yield the one region of a list that neither the evidence nor a text has, as it has others."""
    known = {name.lower() for each in split for name, _ in each.parts}
    texts_ = " ".join(text.lower() for cell, text in texts(case) if cell.column.name != "regions")
    names = [each.lower() for each in named(stated)]
    strange = [
        each for each in names if each not in texts_ and not any(name in each for name in known)
    ]
    if len(strange) == 1 and len(names) > 2 and {*names} - {*strange} <= known:
        shown = next(each for each in named(stated) if each.lower() == strange[0])
        yield _wrong(case, f"“{shown}” is in no frozen answer and in no text, as the others are.")


def _parted(case: Case, split: Sequence[Estimate], attested: Attested) -> Iterator[Finding]:
    """Yield numbers by region that a source has otherwise: two exchanged, or one among others."""
    cells = [cell for cell in case.cells if cell.column.name == "regions"]
    told = [*passages(case), *((cell, str(cell.value)) for cell in cells)]
    for cell, text in told:
        for sentence in sentences(text):
            for each in split:
                for name, value in each.parts:
                    if (
                        value >= _SURE
                        and f"{value:,.0f}" in sentence
                        and name.lower() in text.lower()
                    ):
                        attest(attested, cell, f"{value:,.0f}")
                wrong = _wrongly(sentence, dict(each.parts))
                if wrong:
                    name, value = wrong
                    known = dict(each.parts)[name]
                    doubt = f"“{value:,.0f}” in {name}, but it has {known:,.0f} by {each.source}."
                    yield about(case, cell, doubt)
                    break


class _Numbered(NamedTuple):
    """A number of a sentence with its group, in small letters."""

    group: str
    said: str


def _numbered(sentence: str, groups: Iterable[str]) -> Iterator[_Numbered]:
    """Yield the whole numbers that stand beside a group: “north (40 users)”, “20 in harbour”."""
    names = "|".join(re.escape(each) for each in sorted(groups, key=len, reverse=True))
    pattern = re.compile(
        rf"(?<![\w-])(?P<name>{names})(?:\s|:|\s?\()+(?:(?:with|had|has|about|saw)\s)*"
        r"(?P<number>\d{1,3}(?:,\d{3})+|\d+)(?![\d.,:%]\d|:|\s?%)"
        rf"|(?<![\d.,:])(?P<count>\d{{1,3}}(?:,\d{{3}})+|\d+)\s(?:(?:[a-z]+\s){{0,2}}?)"
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
        yield _Numbered((match["name"] or match["place"]).lower(), said)


def _wrongly(sentence: str, parts: Mapping[str, float]) -> tuple[str, float] | None:
    """Return a region with a number that is another one’s, where a sentence has those of two."""
    own = {name.lower(): name for name in parts}
    told: dict[str, float] = {}
    for each in _numbered(sentence, own):
        told.setdefault(own[each.group], float(each.said.replace(",", "")))
    values = set(parts.values())
    if len(told) < 2 or not set(told.values()) <= values or min(told.values()) < _SURE:
        return None
    return next(((name, value) for name, value in told.items() if parts[name] != value), None)


def _counted(part: tuple[str, float]) -> float:
    return part[1]


def listed(case: Case) -> Iterator[Finding]:
    """Find a list of regions in a text that has another one than the field."""
    held = str(case.fact("regions") or "")
    names = named(held)
    if len(names) < 2 or any(len(each.split()) > 3 for each in names):
        return
    told = [(cell, text) for cell, text in texts(case) if cell.column.name != "regions"]
    changes = [cell for cell in case.cells if cell.table == "technical_changes"]
    told += [(cell, str(cell.value)) for cell in changes if cell.column.kind in {"prose", "line"}]
    lists = [(cell, each) for cell, text in told for each in _lists(text)]
    own = {name.lower() for name in names}
    whole = [{name.lower() for name in each} for _, each in lists]
    another = [each for each in whole if each != own and len(each & own) >= len(own) - 1]
    again = [each for each in another if len(each) >= len(own) and whole.count(each) > 1]
    if again and own not in whole:
        other = again[0]
        yield _wrong(case, f"{held!r}, but the texts have {', '.join(sorted(other))}.")
        return
    every = " ".join(text.lower() for _, text in told)
    absent = [name for name in own if name not in every]
    for cell, names_ in lists:
        others = [each for each in names_ if each.lower() not in own]
        same = len(names_) - len(others)
        told_ = is_read(cell) or cell.table in {"updates", "technical_changes"}
        if not same or not told_ or len(others) != 1:
            continue
        alone = same > 1 and every.count(others[0].lower()) == 1
        swapped = same + len(absent) == len(names) and len(others) == len(absent)
        if swapped or alone:
            message = f"{held!r}, but the text has {', '.join(names_)}."
            yield _wrong(case, message, Severity.HINT)
            return


def coded(case: Case) -> Iterator[Finding]:
    """Find a region that no text has, where the texts have one that the list does not."""
    held = str(case.fact("regions") or "")
    own = {each.lower() for each in _CODE.findall(held)}
    told = " ".join(text.lower() for cell, text in texts(case) if cell.column.name != "regions")
    said = set(_CODE.findall(told))
    absent, others = own - said, {each for each in said - own if not _is_of(each, own)}
    if absent and others and len(own) > 1:
        message = f"{held!r}, but the texts have {', '.join(sorted(others))}, not "
        yield _wrong(case, message + f"{', '.join(sorted(absent))}.")


def _is_of(name: str, own: Iterable[str]) -> bool:
    """Return whether a name is the short one of a region: “eu-west” of eu-west-1."""
    return any(each.startswith(f"{name}-") for each in own)


def summed(case: Case) -> Iterator[Finding]:
    """Find counts of the regions that are not, together, those affected."""
    held, total = str(case.fact("regions") or ""), case.fact("affected_total")
    shares = [each.value for each in mentions.read(held) if each.kind == "%"]
    if len(shares) > 1 and len(shares) == len(named(held)) and abs(sum(shares) - 100) > len(shares):
        yield _wrong(case, f"{held!r} is {sum(shares):g} %, not 100 %.")
    counts = [each for each in mentions.read(_WHOLE.sub(" ", held)) if each.kind == "count"]
    nouns = {each.noun for each in counts if each.noun}
    if nouns & _PLACES:
        return  # so many shops of a region, not so many people
    each_ = [[one for one in ways if not _SPARED.search(one)] for ways in _ways(_hit(held))]
    if not total or len(counts) < 2 or len(nouns) > 1 or len(counts) not in map(len, each_):
        return
    steps = [spoken.amount(f"{value:.0f}", "")[1] for value in (total, *(c.value for c in counts))]
    whole = sum(each.value for each in counts)
    failed = case.fact("failed_requests") if _REQUESTS.search(held) else None
    if failed and abs(whole - failed) <= max(*steps, _ROUNDED * failed):
        return
    if abs(whole - total) > max(*steps, _ROUNDED * total):
        yield _wrong(case, f"{held!r} is {whole:,.0f}, but affected users: {total:,}.")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (listed, coded, summed)


def _hit(held: str) -> str:
    """Return a list without the parts that tell of regions which were spared."""
    return ";".join(each for each in held.split(";") if not _SPARED.search(each)) or held


def _wrong(
    case: Case,
    message: str,
    severity: Severity = Severity.WARNING,
    remedy: str = "Correct the one that is wrong.",
) -> Finding:
    return single.about(
        case, Code.SOURCES, "regions", message=message, remedy=remedy, severity=severity
    )


def named(held: str) -> list[str]:
    """Return the regions of a list that were hit, without how many were in each.

    None of a list that tells in words of all, or in a sentence of one.
    """
    hit: list[str] = []
    for entry in _ENTRIES.split(_ASIDE.sub("", held)):
        clauses = entry.split(",") if _SPARED.search(entry) else [entry]
        hit += [_WITHOUT.sub("", each) for each in clauses if not _SPARED.search(each)]
        if len(clauses) > 1 and any(" and " in each and _SPARED.search(each) for each in clauses):
            return []  # “a, b and c not affected”
    if any(_TELLS.search(each) or _EVERY.search(each) for each in hit):
        return []
    parts = (part for each in hit for part in re.split(r",(?!\d)|/|\+|\band\b", each))
    return [re.sub(r"^the\s", "", each.strip()) for each in parts if each.strip()]


def _ways(held: str) -> tuple[list[str], list[str]]:
    """Return the regions of a list, “UK and Ireland” as two and as one."""
    return named(held), named(held.replace(" and ", " & "))


@lru_cache(maxsize=TEXTS)
def _lists(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the enumerations of names in a text."""
    found = (_SPLIT.split(match.group()) for match in _LIST.finditer(text))
    names = (
        tuple(_bare(each) for each in listed if each.strip() and not _LABEL.fullmatch(each.strip()))
        for listed in found
    )
    return tuple(names)


def _bare(name: str) -> str:
    """Return a name without the word that begins its sentence."""
    return re.sub(r"^(?:Only|All|Both|In|From|Across|Not)\s", "", name.strip())
