"""Versions and settings that stand alone, in words that have another one several times."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from postmortem_nb import language, times
from postmortem_nb.checks import attributes, frozenrows, instants, written
from postmortem_nb.checks.case import SINGLE
from postmortem_nb.checks.dates import ANOTHER
from postmortem_nb.checks.doings import VERSION
from postmortem_nb.checks.late import late
from postmortem_nb.checks.reading import (
    LONG,
    about,
    is_read,
    is_shown,
    matches,
    passages,
    sentences,
    texts,
    with_messages,
)
from postmortem_nb.checks.report import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.frozenrows import Happened
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

    _Stands = Mapping[str, set["Place"]]

_ROLLED = re.compile(r"\b(?:roll|revert|restor|stays?\b|back (?:on|to)\b)", re.IGNORECASE)
_ONE = rf"(?P<version>{attributes.ONE})"
_UPGRADED = re.compile(
    rf"\b(?:upgrad\w*|updat\w*|roll-?out|rolled out|releas\w*|deploy\w*)\b"
    rf"(?:[^.;]|\.(?=\d)){{0,80}}?\bto\s(?:version\s)?{_ONE}",
    re.IGNORECASE,
)
_GONE_BACK = re.compile(
    rf"\b(?:back|revert\w*|return\w*|restor\w*)\s(?:(?!from\b)[\w’'-]+\s){{0,6}}?(?:to|on)\s"
    rf"(?:[a-z]+\s){{0,2}}?{_ONE}",
    re.IGNORECASE,
)
_KEPT = re.compile(
    rf"\b(?:rollback\sto|still\s(?:on|runs|running|ran)|(?:stayed|remained|kept)\son)\s"
    rf"(?:[a-z]+\s)?{_ONE}",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    rf"{_ONE}(?:\sof\s[\w-]+)?\s(?:had\s|has\s)?(?:renamed|introduced|shipped|cut|removed|dropped|broke|"
    r"lowered|raised|shrank|added|caused|brought|changed)\b"
)
_CAUSES = frozenset({"why_it_happened", "technical_cause", "root_cause", "answer"})
"""Blanks that say what made it possible."""
_AT_FAULT = late(
    rf"^(?:(?!(?:in|on|with|until|unlike|since|before|after|from|to|at|by|under|only|of|as)\b)[\w-]+\s)"
    rf"{{0,2}}?{_ONE}\s(?!(?:was|is|and|or|to|in|at|on|for|by|with|from|before|after|only|still|too|"
    r"also|already|never|not|did|does|had|has\s(?:no|not|never)|ran|runs|kept|stayed|works|worked|served|then|"
    r"of|as|than|since|until|could|would|can|cannot|must|needs|needed|expects|expected)\b)[a-z]+\b",
    re.IGNORECASE,
)
_PUT_IN = re.compile(
    r"\b(?:deploy|releas|roll|shipp|install|upgrad|revert|went (?:out|live))", re.IGNORECASE
)
_TO_COME = late(rf"\b(?:release|ship|deploy|publish)\s(?:of\s)?{_ONE}", re.IGNORECASE)
_HELD = re.compile(
    r"\b(?P<what>pool|batch|quota|cap)\sof\s(?P<value>\d+)\b(?!\s?%|[.,:]\d)", re.IGNORECASE
)
_MEAN = re.compile(
    r"(?P<what>(?!))?\b(?:(?P<value>\d+)-minute\s(?:moving\s|rolling\s)?average\b|"
    r"averag\w*\s(?:[\w’-]+\s){0,6}?over\s(?P<over>\d+)\sminutes\b)",
    re.IGNORECASE,
)
_LOWERED = re.compile(
    r"\b(?P<what>pool|batch|quota|cap)\b(?:(?!\bfrom\b)[^.;:\d]){0,60}\bfrom\s(?P<old>\d+)\sto\s"
    r"(?P<new>\d+)\b(?!\s?%|[.,:]\d|\s(?:min|s\b|ms\b|hour))",
    re.IGNORECASE,
)
_REPLACED = re.compile(r"\breplac\w+\sthe\b", re.IGNORECASE)
"""In a plan: it tells of what there was too."""
_SETTING = re.compile(r"(?<![\w./:@{(-])[a-z]+(?:[._][a-z]+){1,5}(?![\w/{(:.]*[\w/{(:])")
_VALUED = re.compile(
    r"(?<![\w.,])\d[\d,.]*\s?(?:ms|s|seconds|minutes|hours|connections|MB|GB|MiB|GiB|%|retries|"
    r"threads)\b",
    re.IGNORECASE,
)
Place = tuple[str, str, str]
_NEAR = 40
"""Characters before a value that are looked at."""
_MINUTE = dt.timedelta(minutes=1)
_TO_DO = frozenset({"actions", "technical_changes"})
_TWO, _SHARED = 2, 3
"""Words of two sentences whose versions are of one thing."""


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Find a version that one blank has, and others, or the evidence, otherwise.

    One that a frozen row or event has stands alone rightly.
    """
    seen = attributes.versions(incident, case)
    stands = _stands(case)
    yield from _current(case, stands, seen)
    yield from _swapped(case, stands, seen)
    yield from _unseen(case, seen)
    yield from _slipped(case, stands, seen)
    yield from _entitled(case, stands, seen)
    yield from _passed(case, stands, seen)
    yield from _put_in(case, list(frozenrows.happened(incident, case)), seen)


def _slipped(case: Case, stands: _Stands, seen: frozenset[str]) -> Iterator[Finding]:
    """Find a version that stands alone, and is another one but for a digit of a middle part.

    “3.16.4” beside 3.17.4, “3.81.0” beside 3.18.0; the next release has another last part.
    """
    for cell, text in passages(case):
        for said in {each.lower() for each in VERSION.findall(text)}:
            alone = len(stands[said]) == 1 and said not in seen
            for other in sorted(stands) if alone else ():
                known = len(stands[other]) >= _SHARED or other in seen
                if known and other not in text and _is_slip(said, other):
                    doubt = f"“{said}”, but elsewhere the document has {other}."
                    yield about(case, cell, doubt, severity=Severity.HINT)


def _is_slip(said: str, other: str) -> bool:
    """Return whether two versions differ in one middle part: by its digits' order, or by one."""
    ones, others = said.split("."), other.split(".")
    apart = [(a, b) for a, b in zip(ones[1:-1], others[1:-1], strict=False) if a != b]
    ends = (ones[0], ones[-1], len(ones)) == (others[0], others[-1], len(others))
    if not ends or len(apart) != 1:
        return False
    one, another = apart[0]
    turned = len(one) > 1 and sorted(one) == sorted(another)
    off = len(one) == len(another) > 1 and sum(a != b for a, b in zip(one, another, strict=True))
    return turned or (off == 1 and ones[-1] != "0")


def _entitled(case: Case, stands: _Stands, seen: frozenset[str]) -> Iterator[Finding]:
    """Find a version in the title that nothing else has, where the evidence has others like it."""
    for cell in (
        each for each in case.cells if (each.table, each.column.name) == (SINGLE, "title")
    ):
        for said in VERSION.findall(str(cell.value)):
            others = _like(said, seen)
            if others and said not in seen and len(stands[said.lower()]) == 1:
                doubt = f"“{said}”, but the evidence has {', '.join(others[:_SHARED])}."
                yield about(case, cell, doubt)


def _passed(case: Case, stands: _Stands, seen: frozenset[str]) -> Iterator[Finding]:
    """Find a release still to come that is older than one of its line that has run already."""
    for cell in case.cells:
        told = cell.table in _TO_DO and cell.column.kind in {"prose", "line"}
        for match in matches(_TO_COME, str(cell.value)[:LONG]) if told else ():
            said = match["version"]
            line = [each for each in _like(said, seen) if _line(each) == _line(said)]
            newest = max(line, key=_order, default=said)
            alone = said not in seen and len(stands[said.lower()]) == 1
            if alone and _order(newest) > _order(said):
                doubt = f"“{match.group()}”, but the evidence has {newest} already."
                yield about(case, cell, doubt, severity=Severity.HINT)


def _line(version: str) -> str:
    return version.rpartition(".")[0]


def _order(version: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", version)]


def _like(version: str, seen: frozenset[str]) -> list[str]:
    """Return the versions of the evidence that begin as one does, and have as many parts."""
    head, parts = version.partition(".")[0], version.count(".")
    return sorted(
        each for each in seen if (each.partition(".")[0], each.count(".")) == (head, parts)
    )


def _put_in(case: Case, happened: Sequence[Happened], seen: frozenset[str]) -> Iterator[Finding]:
    """Find a version put in at a minute at which the frozen events have another one.

    The clock makes it the same release; one that no row has is a slip.
    """
    for cell, text in with_messages(case) if happened else ():
        for sentence in sentences(text) if not is_shown(cell) and _PUT_IN.search(text) else ():
            said = {each.group() for each in matches(attributes.VERSION, sentence)}
            clocks = [each for each in written.figures(sentence) if each.kind == "clock"]
            if len(clocks) != 1 or not said or said & seen or not _PUT_IN.search(sentence):
                continue
            at = instants.on_day(case, int(clocks[0].low))
            here = [one for one in happened if abs(one.at - at) <= _MINUTE]
            own = {
                each.group(): one for one in here for each in matches(attributes.VERSION, one.title)
            }
            if own and all(_like(each, frozenset(own)) for each in said):
                truth = f"“{next(iter(own.values())).title}” is frozen at {times.shown(at)}"
                yield about(case, cell, f"“{', '.join(sorted(said))}”, but {truth}.")


def _current(case: Case, stands: _Stands, seen: frozenset[str]) -> Iterator[Finding]:
    """Find a version in use, or gone back to, that stands alone where its neighbour often does."""
    heads: dict[str, list[str]] = defaultdict(list)
    for each in stands:
        heads[each.rpartition(".")[0]].append(each)
    often = {head: max(like, key=lambda each: len(stands[each])) for head, like in heads.items()}
    for cell in case.cells:
        text = str(cell.value)
        current = (cell.table, cell.column.name) == ("technical_changes", "current")
        caused = cell.column.name == "root_cause"
        back = cell.table in {"timeline", "updates"} or cell.column.name == "what_we_did"
        if not current and not caused and not (back and _ROLLED.search(text)):
            continue
        for said in {each.lower() for each in VERSION.findall(text)}:
            other = often.get(said.rpartition(".")[0], said)
            alone = len(stands[said]) == 1 and other not in text.lower()
            if said not in seen and alone and "." in other and len(stands[other]) > _SHARED:
                yield about(case, cell, f"“{said}”, but elsewhere the document has {other}.")


def _swapped(case: Case, stands: _Stands, seen: frozenset[str]) -> Iterator[Finding]:
    """Find a version that stands alone and has the numbers of another one in another order."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for each in stands:
        alike[tuple(sorted(each.lstrip("v").split(".")))].append(each)
    doubted: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for parts, versions in alike.items():
        if len(parts) < _SHARED or len(versions) != _TWO:
            continue
        early, late = versions
        other, said = (late, early) if len(stands[late]) > len(stands[early]) else (early, late)
        if len(stands[said]) == 1 and said not in seen:
            doubted[next(iter(stands[said]))].append((said, other))
    for cell in case.cells if doubted else ():
        for said, other in doubted.get((cell.table, cell.row, cell.column.name), ()):
            if other not in str(cell.value):
                yield about(case, cell, f"“{said}”, but elsewhere the document has {other}.")


def blamed(case: Case) -> Iterator[Finding]:
    """Find a change blamed on the version that was gone back to."""
    told = (matches(_GONE_BACK, text) for _, text in passages(case))
    back = {match["version"] for found in told for match in found}
    for cell, text in passages(case) if back else ():
        alone = {*VERSION.findall(text)} <= back
        for match in matches(_CHANGED, text):
            if match["version"] in back:
                doubt = f"“{match.group()}”, but {match['version']} is what was gone back to."
                yield about(case, cell, doubt)
        for sentence in sentences(text) if alone and cell.column.name in _CAUSES else ():
            fault = None if matches(_CHANGED, sentence) else _AT_FAULT.match(sentence)
            if fault:
                doubt = f"“{fault.group()}”, but {fault['version']} is what was gone back to."
                yield about(case, cell, doubt)


def _unseen(case: Case, seen: frozenset[str]) -> Iterator[Finding]:
    """Find a version put in, gone back to or kept that stands alone and the evidence never has."""
    stands: Counter[str] = Counter()
    for cell in case.cells:
        stands.update(
            {each.group() for each in matches(attributes.VERSION, str(cell.value)[:LONG])}
        )
    told = [
        (cell, match["version"])
        for cell, text in passages(case)
        for pattern in (_UPGRADED, _GONE_BACK, _KEPT)
        for match in matches(pattern, text)
        if stands[match["version"]] == 1
    ]
    for cell, version in told:
        alike = _like(version, seen)
        if alike and version not in seen:
            doubt = f"“{version}”, but the evidence has {', '.join(alike[:_SHARED])}."
            yield about(case, cell, doubt, severity=Severity.HINT)


def settings(case: Case) -> Iterator[Finding]:
    """Find a setting that stands alone, with a value that another one has elsewhere."""
    stands: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    held: dict[str, set[str]] = defaultdict(set)
    told = [
        (cell, sentence, {each.group() for each in _SETTING.finditer(sentence)})
        for cell, text in texts(case)
        for sentence in sentences(language.mask(text))
        if "." in sentence or "_" in sentence
    ]
    for cell, sentence, names in told:
        for name in names:
            stands[name].add((cell.table, cell.row, cell.column.name))
            held[name].update(_valued(sentence))
    for cell, sentence, names in told:
        for name in names if len(names) == 1 and is_read(cell) else ():
            others = [
                other
                for other, values in held.items()
                if len(stands[other]) >= _TWO and values & set(_valued(sentence))
            ]
            if len(stands[name]) == 1 and others and name not in others:
                said = f"“{name}” with {min(held[others[0]] & set(_valued(sentence)))}"
                doubt = f"{said}, but elsewhere that is {others[0]}."
                yield about(case, cell, doubt, severity=Severity.HINT)


def _valued(sentence: str) -> list[str]:
    """Return the values that a sentence tells, each with its unit."""
    return [" ".join(each.group().lower().split()) for each in _VALUED.finditer(sentence)]


def held(case: Case) -> Iterator[Finding]:
    """Find a value of a pool, or the length of an average, that others of its kind do not have.

    “From 50 to 15”, where three blanks have a pool of 5; “a 5-minute average” of a monitor.
    """
    values: dict[str, dict[str, set[Place]]] = defaultdict(lambda: defaultdict(set))
    told = [
        (cell, sentence, match)
        for cell, text in texts(case)
        for sentence in sentences(text)
        for pattern in (_HELD, _MEAN, _LOWERED)
        for match in (pattern.finditer(sentence) if matches(pattern, text) else ())
        if is_read(cell) or is_shown(cell) or _REPLACED.search(sentence)
    ]
    for cell, _, match in told:
        for value in {each for each in match.groups()[1:] if each}:
            what = (match["what"] or "average").lower()
            values[what][value].add((cell.table, cell.row, cell.column.name))
    for cell, sentence, match in told:
        own = values[(match["what"] or "average").lower()]
        known = max(own, key=lambda each: len(own[each]))
        said = {each for each in match.groups()[1:] if each}
        alone = known not in said and all(len(own[each]) == 1 for each in said)
        near = sentence[max(0, match.start() - _NEAR) : match.end()]
        here = (cell.table, cell.row, cell.column.name) in own[known]
        if alone and not here and len(own[known]) >= _SHARED and not ANOTHER.search(near):
            doubt = f"“{match.group()}”, but elsewhere that is {known}."
            yield about(case, cell, doubt, severity=Severity.HINT)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    blamed,
    settings,
    held,
)


def _stands(case: Case) -> _Stands:
    """Return the blanks that have each version."""
    found: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for each in case.cells:
        text = str(each.value)
        for version in VERSION.findall(text) if "." in text else ():
            found[version.lower()].add((each.table, each.row, each.column.name))
    return found
