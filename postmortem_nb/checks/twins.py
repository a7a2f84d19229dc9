"""One thing told in two places: what was lost, who led, who came first, how much of what.

Of two sentences of which only one can be true, the one with less beside it is doubted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb import language
from postmortem_nb.checks.reading import about, matches, passages, sentences
from postmortem_nb.checks.regional import REGION
from postmortem_nb.checks.sums import CHANGE, FRACTIONS, RATIO, agree, change, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

Read = list[tuple["Cell", str]]

_DONE = (
    r"(?P<verb>lost|charged|refunded|dropped|corrupted|deleted|duplicated|cancelled|canceled|"
    r"leaked|"
    r"exposed|delayed|rejected|paid twice|charged twice|double-charged)"
)
_BE = r"(?:was|were|has been|have been|had been|got)"
_NONE = re.compile(
    rf"\b(?:no|not (?:a single|one))\s(?:[a-z]+\s)?(?P<noun>[a-z]+)\s{_BE}\s(?:ever\s)?{_DONE}\b"
    r"(?!\s(?:in|from|on|that|which|who|whose|before|until|after|by|for|to)\b)"
    r"|\b(?:lost no|without losing (?:any|a single)|(?:did not|didn[’']t|never) lose any)\s"
    r"(?:[a-z]+\s)?(?P<kept>[a-z]+)\b",
    re.IGNORECASE,
)
_SOME = re.compile(
    r"(?<![\w.,])(?P<number>\d[\d,]*|(?:two|three|four|five|six|seven|eight|nine|ten|some|several|"
    r"dozens of|hundreds of|thousands of))\s(?:[a-z-]+\s){0,2}?(?P<noun>[a-z]+)\s"
    rf"(?:{_BE}\s|had to be\s)(?:\w+ly\s)?{_DONE}\b|\blost\s(?P<many>\d[\d,]*)\s(?:[a-z-]+\s)?"
    r"(?P<gone>[a-z]+)\b",
    re.IGNORECASE,
)
_DATA = frozenset({"data", "record", "row", "entry", "entrie", "write", "event", "message"})
"""What is lost when data is."""

_NAME = r"[A-Z][\w’'-]+\s(?:(?:van|de|der|von|da|di)\s)?[A-Z][\w’'-]+"
_LED = re.compile(
    rf"(?P<name>{_NAME})\s(?:then\s)?(?:leads\b|is leading|led\s(?:the\s|our\s)?(?:response|"
    rf"incident|"
    r"call|bridge|team|effort)|(?:was|is|acted as|served as|acts as)\s(?:the\s|our\s)?"
    r"(?:incident (?:commander|lead|manager|coordinator)|IC)\b|took command|was in (?:command|"
    r"charge|the lead)|took charge)"
    rf"|\b(?:[Ii]ncident (?:commander|lead|manager|coordinator)|[Cc]ommander|IC)(?:\s(?:was|is)|"
    rf":)\s"
    rf"(?P<other>{_NAME})"
)
_HANDED = re.compile(
    r"\b(?:hand(?:ed|s)?[- ]?over|hand-?off|took over|takes over|reliev\w+)", re.IGNORECASE
)

_PART = re.compile(
    rf"\b(?P<part>{'|'.join(sorted(FRACTIONS, key=len, reverse=True))}|\d{{1,2}}\s?%)\sof\s"
    r"(?:the\s|our\s|its\s)?(?P<whole>[a-z]+\s[a-z]+)\b(?!\s(?:of|in|for|from|at)\b)",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"\b(?P<name>[a-z]{2,3}-[a-z]+(?:-[a-z]+)?(?:-\d)?)\s(?:(?:was|were|came|came back|recovered|"
    r"rolled "
    r"back|went|restored|is|being|back|to be)\s){0,3}first\b",
    re.IGNORECASE,
)
_FIRST_TO = re.compile(
    r"\b(?P<name>[a-z]{2,3}-[a-z]+(?:-[a-z]+)?(?:-\d)?)\s(?:was|"
    r"were)\sthe\sfirst\s(?:region\s)?to\s"
    r"(?:recover|come back|return|work|print|be\s(?:back|restored|rolled back|fixed|healthy))",
    re.IGNORECASE,
)
_SPARED = re.compile(
    r"\b(?P<one>[a-z][\w-]{3,})(?:\sand\s(?P<two>[a-z][\w-]{3,}))?\s(?:was|were|stayed|remained|is|"
    r"are)\s(?:not\s(?:affected|impacted|hit|touched)|unaffected|unharmed|untouched|spared|"
    r"intact)\b"
    r"(?!\s(?:by|in|until|before|at first)\b)",
    re.IGNORECASE,
)
_HIT = r"(?:affected|impacted|hit|down|broken|failing|unavailable|unusable)"
_NOUN = re.compile(r"[a-z]{4,}", re.IGNORECASE)
_PLAIN = frozenset(
    """about after again also although because been before being between both called cause change
    changed could cut during each every fell from half have instead into just last less level long
    lowered made many more most much number only over reduced release result service services size
    some takes than that their them then there these they this those times took under until usual
    usually version very want were what when where which while will with without""".split()  # noqa: SIM905 - words are read as words
)


_NEVER = re.compile(
    r"\b(?P<what>CPU|memory|heap|disk|RAM)\b[^.;\n]{0,40}?\b(?:never|at no time|"
    r"not once)\s(?:\w+\s)?"
    r"(?P<way>above|over|beyond|exceeded|below|under)\s(?P<level>\d+(?:\.\d+)?)\s?%",
    re.IGNORECASE,
)
_LOADED = re.compile(
    r"\b(?P<level>\d+(?:\.\d+)?)\s?%\s(?:of\s(?:its\s|the\s)?)?(?P<what>CPU|memory|heap|disk|RAM)\b"
    r"|\b(?P<named>CPU|memory|heap|disk|RAM)\b[^.;\n%]{0,40}?\b(?:at|from|reached|to|hit)\s"
    r"(?P<height>\d+(?:\.\d+)?)\s?%",
    re.IGNORECASE,
)


class _Told(NamedTuple):
    """How often as much something became, in one clause."""

    cell: Cell
    match: re.Match[str]
    nouns: list[str]
    value: float


def twins(case: Case) -> Iterator[Finding]:
    """Find sentences that another sentence of the document denies."""
    read = list(passages(case))
    for rule in (_lost, _parts, _firsts, _spared, _never, _grown):
        yield from rule(case, read)
    yield from _led(case)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (twins,)


def _lost(case: Case, read: Read) -> Iterator[Finding]:
    """Find “no bookings were lost” where others count how many were."""
    some: dict[tuple[str, str], tuple[Cell, str]] = {}
    for cell, text in read:
        for match in matches(_SOME, text):
            key = _thing(match["noun"] or match["gone"]), (match["verb"] or "lost").lower()
            if (match["number"] or match["many"]) != "0":
                some.setdefault(key, (cell, match.group()))
    for cell, text in read if some else ():
        for match in matches(_NONE, text):
            key = _thing(match["noun"] or match["kept"]), (match["verb"] or "lost").lower()
            if key in some:
                yield about(case, cell, f"“{match.group()}”, but {_stands(case, some[key])}.")


def _thing(noun: str) -> str:
    """Return a noun as one of a kind: its singular, or “data” for what data are."""
    one = noun.lower().rstrip("s")
    return "data" if one in _DATA else one


def _stands(case: Case, told: tuple[Cell, str]) -> str:
    cell, said = told
    return f"“{said}” under {case.where(cell.table, cell.row, cell.column.name)}"


def _led(case: Case) -> Iterator[Finding]:
    """Find two people who led the incident, where none handed over to the other."""
    given: list[tuple[Cell, re.Match[str]]] = []
    for cell in case.cells:
        if cell.column.kind not in {"prose", "line"} or cell.table in {"actions", "similar"}:
            continue
        text = str(cell.value)
        if matches(_HANDED, text):
            return
        if matches(_LED, text):
            given += [(cell, match) for match in matches(_LED, language.mask(text))]
    names = {match["name"] or match["other"] for _, match in given}
    if len(names) < 2:
        return
    day = [(cell, match) for cell, match in given if cell.table == "updates"]
    cell, first = (day or given)[0]
    leader = first["name"] or first["other"]
    for other, match in given:
        if (match["name"] or match["other"]) != leader:
            yield about(
                case, other, f"“{match.group()}”, but {_stands(case, (cell, first.group()))}."
            )


def _parts(case: Case, read: Read) -> Iterator[Finding]:
    """Find “half of production traffic” where others, twice, say a tenth."""
    given: dict[str, list[tuple[Cell, re.Match[str], float]]] = defaultdict(list)
    for cell, text in read:
        for match in matches(_PART, text):
            word = match["part"].lower()
            value = FRACTIONS.get(word) or float(word.rstrip("% ")) / 100
            given[match["whole"].lower()].append((cell, match, value))
    for told in given.values():
        values = [value for _, _, value in told]
        usual = max(set(values), key=values.count)
        for cell, match, value in told:
            if values.count(usual) > 1 and not 0.75 <= value / usual <= 1.34:
                other = next((c, m.group()) for c, m, v in told if v == usual)
                yield about(case, cell, f"“{match.group()}”, but {_stands(case, other)}.")


def _firsts(case: Case, read: Read) -> Iterator[Finding]:
    """Find two regions that were both the first."""
    given = [
        (cell, match, match["name"].lower())
        for cell, text in read
        for match in matches(_FIRST, text)
    ]
    given += [
        (cell, match, match["name"].lower())
        for cell, text in read
        for match in matches(_FIRST_TO, text)
    ]
    given.sort(key=lambda each: each[0].table != "timeline")
    for cell, match, name in given[1:]:
        before, said, first = given[0]
        if not name.startswith(first) and not first.startswith(name) and cell != before:
            yield about(
                case, cell, f"“{match.group()}”, but {_stands(case, (before, said.group()))}."
            )


def _spared(case: Case, read: Read) -> Iterator[Finding]:
    """Find what is said to be spared and hit, in the fields or in another sentence."""
    listed = [str(each) for each in case.fact("services") or ()]
    listed += re.split(r",|;|\band\b", str(case.fact("regions") or ""))
    hit = {each.strip().lower() for each in listed if each.strip()}
    spared: dict[str, tuple[Cell, str]] = {}
    for cell, text in read:
        for match in matches(_SPARED, text):
            for word in (match["one"], match["two"]):
                if word and word.lower() in hit:
                    yield about(case, cell, f"“{match.group()}”, but {word} is listed as affected.")
                elif word and word[0].isalpha() and len(word) > 4 and not REGION.fullmatch(word):
                    spared.setdefault(word.lower(), (cell, match.group()))
    for word, told in spared.items():
        yield from _denied(case, read, told, word)


def _denied(case: Case, read: Read, told: tuple[Cell, str], word: str) -> Iterator[Finding]:
    """Yield sentences by which what was spared was hit all the same."""
    stem = re.escape(re.sub(r"(?:ing|s|es)$", "", word)[:8])
    denied = re.compile(
        rf"\b(?:could\snot|couldn[’']t|unable\sto)\s(?:even\s|"
        rf"longer\s)?{stem}\w{{0,3}}\b(?!\s\w+ing)"
        rf"|\b{stem}\w{{0,3}}\s(?:was|were)\s(?:also\s)?{_HIT}\b(?!\s(?:by|in)\b)",
        re.IGNORECASE,
    )
    for cell, text in read:
        match = denied.search(text) if stem in text.lower() else None
        if match and match.group() not in told[1]:
            yield about(case, cell, f"“{match.group()}”, but {_stands(case, told)}.")


def _never(case: Case, read: Read) -> Iterator[Finding]:
    """Find “CPU never went above 60 %” where another sentence has it at 97 %."""
    for cell, text in read:
        for match in matches(_NEVER, text):
            low = match["way"].lower() in {"below", "under"}
            bound = float(match["level"])
            for other, words in read:
                for each in matches(_LOADED, words) if other != cell else ():
                    level = float(each["level"] or each["height"])
                    same = (each["what"] or each["named"]).lower() == match["what"].lower()
                    if same and (not low and level > bound):
                        stands = _stands(case, (other, each.group()))
                        yield about(case, cell, f"“{match.group()}”, but {stands}.")
                        return


def _grown(case: Case, read: Read) -> Iterator[Finding]:
    """Find “doubled the calls” where others tell of four times as many."""
    figures: list[_Told] = []
    words: list[_Told] = []
    for cell, text in read:
        if not matches(CHANGE, text) and not matches(RATIO, text):
            continue
        for sentence in sentences(text):
            for clause in re.split(r"[,;:]\s|\s(?:and|but|while|which)\s", sentence):
                nouns = [each for each in _NOUN.findall(clause.lower()) if each not in _PLAIN]
                for pattern, read_, into in ((CHANGE, change, figures), (RATIO, ratio, words)):
                    match = pattern.search(clause)
                    value = read_(match) if match else None
                    if match and value:
                        into.append(_Told(cell, match, nouns, value))
    numbers = [each for each in words if each.match["times"] and "the" in each.match.group()]
    for said in words:
        others = [each for each in (*figures, *numbers) if each.cell != said.cell]
        shared = [(len({*said.nouns} & {*each.nouns}), each) for each in others]
        most = max((count for count, _ in shared), default=0)
        best = [each for count, each in shared if count == most]
        near = most > 1 or (most == 1 and said.nouns[0] in best[0].nouns)
        if near and not any(agree(said.value, each.value, said.match) for each in best):
            other = (best[0].cell, best[0].match.group())
            yield about(
                case, said.cell, f"“{said.match.string.strip()}”, but {_stands(case, other)}."
            )
