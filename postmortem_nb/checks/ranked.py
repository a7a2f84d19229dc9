"""Who had most, and what goes together: “most errors came from rv-04”, “worker-4 runs 5.12.1”.

A value of the frozen rows is held to how many of those with it failed, or which part of them, and
to the values that its rows have beside it.
"""

from __future__ import annotations

import re
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.checks import attributes, derived, instants, solely
from postmortem_nb.checks.order import LONGEST
from postmortem_nb.checks.reading import about, matches, sentences, with_messages

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.checks.attributes import Answer, Named
    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

MOST = 100
"""Findings at most: a text of nothing else must not slow a form."""
_RANK = re.compile(
    r"(?:\s(?:was|were|had|saw|suffered|fared|came off|got off|failed))?(?:\s(?:hit|affected))?"
    r"\s(?:by far\s)?(?:the\s)?(?P<which>hardest|most|worst|least|fewest|lightest)\b"
    r"(?!\s(?:of|recent|common|likely|important|often)\b)"
)
_HARD = frozenset({"hardest", "most", "worst"})
_BAD = frozenset({"error"})
_MAY = re.compile(
    r"\b(?:hardest|most|worst|least|fewest|lightest|more|fewer|no other|only|solely|"
    r"exclusively|all|mostly|mainly|alone|spared|untouched|unaffected|affected|hit|went on as|"
    r"no failed|no errors?|no failures?|fail\w*|degraded|impacted)\b|\d\.\d",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\b(?:slow\w*|latency|p\d\d|wait\w*|queue\w*|before|after|by then|at first|traffic|requests|"
    r"late\w*|lag\w*)\b",
    re.IGNORECASE,
)
"""In a sentence: it is of another measure, or of a part of the time."""
_RUNS = re.compile(
    r"\s(?:runs?|ran|is on|was on|had|has|stayed on|with)\s(?:version\s|release\s)?", re.IGNORECASE
)
"""Between two values: rows have them together."""
_KEPT = re.compile(
    r",?\s(?:(?:is |was |were |are )?still (?:on|at|running)|(?:had )?(?:kept|stayed (?:on|at)))"
    r"\s(?:version\s|release\s)?",
    re.IGNORECASE,
)
"""Between two values: rows had them together until the mitigation."""
_ALL_BUT = re.compile(
    r"\b(?:(?:only|solely|exclusively|mostly|mainly)\s(?:from|on|in|at|hit)\b|"
    r"(?:(?:nearly|almost)\s)?all\s(?:of (?:them|these|those|which)\s)?(?:are|were|came|come)\b)"
    r"(?:(?!\b(?:not|before|after|until|since|but)\b)[^.;:,\d]){0,30}$",
    re.IGNORECASE,
)
"""Before a value: all failures, or nearly all, have it."""
_ALONE = re.compile(r"\salone\b")
_ON = re.compile(
    r"\b(?:errors?|failures?)(?:\s\w+)?\s(?:on|in|from|with|at)\s(?:\w+\s)?$", re.IGNORECASE
)
"""Before a value: failures had it, how many is not said."""
_BROKE = re.compile(
    r"\b(?:fail(?:s|ed|ing|ures?)?|errors?|broke|affected)\s(?:[a-z]+\s)?(?:in|from|at)\s(?:the\s)?$",
    re.IGNORECASE,
)
_WERE = re.compile(r"\s(?:was|were|is|are)\s(?:[a-z]+\s)?(?:hit|affected|degraded|down|impacted)\b")
"""Before, and behind, values: what had them failed."""
_SPARED = re.compile(
    r"\s(?:(?:had|saw|has)\s(?:no|not a single)\s(?:failed|failing|failures?|errors?)\b|"
    r"(?:was|were|is)\s(?:spared|unaffected|untouched|fine|not\s(?:affected|hit))\b|"
    r"went on as (?:before|usual)\b)"
)
"""Behind values: nothing that had them failed."""
_FINE = re.compile(
    r"\s(?:(?:was|were|is|are|stayed|remained)\s)?(?:[a-z]+ly\s)?"
    r"(?:fine|ok(?:ay)?|healthy|normal|clean|spared|unaffected|untouched|not)\b",
    re.IGNORECASE,
)
"""Behind the last of several values that had failures: it alone had none."""
_FIGURE = re.compile(r"(?<![\w.-])\d[\d,]*\s(?!minutes|hours)")
"""In a clause: it counts how many failed, and few may be so."""
_JOINED = re.compile(r"\x00,?\s(?:and|or)\s$|\x00,\s$")
_LIST = re.compile(r",?\s(?:and\s)?(?:in\s)?(?:the\s)?")
_DENIED = re.compile(
    r"\b(?:no|none|not|never|nobody|nothing|neither|nor|without|if|would|could|should|before|after|"
    r"until|since|now|again|longer|more|fewer|less|then|yet|still|first|some|few)\b|\d\d:\d\d",
    re.IGNORECASE,
)
"""In a clause: it is of a part of the time, or denied."""
_ERRORS = re.compile(
    r"\b(?:errors?|fail(?:s|ed|ures?|ing)?|timed out|timeouts?|exceptions?)\b", re.IGNORECASE
)
_PARTIAL = re.compile(
    r"\b(?:before|after|until|since|by then|at first|first|later|then|from|between)\b\s\d\d:\d\d"
    r"|\b(?:by then|at first|until then|so far|would|should|not|never|stopp\w*|end(?:s|ed)|"
    r"recover\w*|ceased|cured|fixed)\b",
    re.IGNORECASE,
)
"""In a sentence: it is of a part of the time, or denied."""
_ROWS = 20
"""Rows of a value from which on a part of them is known."""
_FEW = 3
_MARKS = ("; ", ", and ", ", but ", ", ")
_COUNT = re.compile(r"(?<![\w.-])\d[\d,]*(?![\w.-]*\w)")
"""A number that belongs to no name."""
_ROW = (
    r"(?:(?<!\x00)\x00+\s)?(?:(?:error\s)?(?:logs|log lines|lines|messages)|"
    r"(?:failed|rejected|refused|lost)\s(?:[a-z]+\s)?[a-z]+s|(?:[a-z]+\s)?(?:errors|failures|rejections|refusals))\b"
)
"""What is counted, a value that it has masked: “failed print requests”, “LeaseLost errors”."""
_THAN = r"(?:than|as)\s(?:(?:from|in|on|at|by)\s)?(?:any|every|each|all)\s(?:of the\s)?others?\b"
_AT = r"(?:from|in|on|at|by|with)\s(?:the\s)?(?:[a-z]+\s)?"
_MOST = r"(?:by far\s)?(?:the\s)?(?P<way>most|fewest)"
_MANY = r"(?:as (?P<way>many)|(?P<more>more|fewer))"
_LOST = r"(?:lost|failed|rejected|refused|dropped)"
_IS = r"(?:are|is|was|were)\s(?:an?\s)?"
_COMMON = r"(?P<way>most)\s(?:common|frequent)"
_SORT = r"(?:(?:kind|type|sort)\s(?:of\s)?)?(?:errors?|failures?|exceptions?|kind)\b"
_OF = r"(?:of\s(?:the|all|these|our)\s)?"
_RANKED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<own>(?<!\x00)\x00+)\s(?:[a-z]+\s){{1,3}}?(?P<way>more|fewer)\s{_ROW}\s{_THAN}",
        rf"(?P<own>(?<!\x00)\x00+)\s{_LOST}\s(?P<way>more|fewer)\s(?:[a-z]+\s)?[a-z]+s\s{_THAN}",
        rf"(?P<own>(?<!\x00)\x00+)\s(?:[a-z]+\s){{1,2}}?{_MOST}\s{_OF}{_ROW}",
        rf"(?P<own>(?<!\x00)\x00+)\s{_IS}(?:by far\s)?the\s{_COMMON}\s{_SORT}",
        rf"\b(?P<way>more|fewer)\s{_ROW}\s(?:[a-z]+\s){{1,2}}?{_AT}(?P<own>(?<!\x00)\x00+)\s{_THAN}",
        rf"\b{_MOST}\s{_OF}{_ROW}\s(?:in\s\x00+\s)?(?:[a-z]+\s){{1,2}}?{_AT}(?P<own>(?<!\x00)\x00+)",
        rf"\b{_MOST}\s{_OF}{_ROW}\s{_IS}(?P<own>(?<!\x00)\x00+)",
        rf"\bno other\s(?:[a-z]+\s){{2,3}}?{_MANY}\s{_ROW}\s(?:as|than)\s(?P<own>(?<!\x00)\x00+)",
        rf"\bwith\s{_MOST}\s{_ROW}\s(?:is|was)\s(?:[a-z]+\s)?(?P<own>(?<!\x00)\x00+)",
        rf"\bthe\s(?P<way>most)\s(?:common|frequent)\s(?:error|failure)\s{_IS}(?P<own>(?<!\x00)\x00+)",
    )
)
"""That a value has more, or fewer, than all others of its kind: values are masked."""
_NO_RANK = re.compile(
    r"\b(?:not|never|nearly|almost|if|would|could|should|second|third|usual\w*|normal\w*|week|month|"
    r"yesterday|minute|hour|per|a day|retr\w+|users?|customers?)\b",
    re.IGNORECASE,
)
"""In a sentence: it may be of another time, or of another number."""
_CLEAR, _SAMPLED = 0.9, 0.5
"""How near to the most a value is as good as that; an answer of fewer rows is but a sample."""
_NONE = 0.01
_NEAR = 30
_MINOR, _RARE = 0.5, 0.1
"""Parts of the failures that are not nearly all of them: of all, and of a first page of them."""


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield values that others outdo, and values that no rows have together."""
    held = attributes.answers(incident, case)
    yield from islice(_found(case, held), MOST if held else 0)


def _found(case: Case, held: Sequence[Answer]) -> Iterator[Finding]:
    regions = ((each, str(each.value)) for each in case.cells if each.column.name == "regions")
    for cell, text in (*with_messages(case), *regions):
        for at, sentence in enumerate(sentences(text) if matches(_MAY, text) else ()):
            names = attributes.named(sentence, held) if len(sentence) <= LONGEST else ()
            they = at and names and solely.THEY.search(sentence[: names[0].begin])
            yield from () if they else _all_but(case, cell, sentence, names, held)
            yield from _affected(case, cell, sentence, names, held)
            yield from _foremost(case, cell, sentence, names, held)
            for one in names:
                rank = _RANK.match(sentence, one.end)
                tops = _tops(case, held, one, rank["which"]) if rank else frozenset()
                joined = any(_LIST.fullmatch(sentence, other.end, one.begin) for other in names)
                if (
                    rank
                    and tops
                    and not joined
                    and one.value not in tops
                    and not _OTHER.search(sentence)
                ):
                    said = sentence[one.begin : rank.end()]
                    yield about(case, cell, f"“{said}”, but that was {' or '.join(sorted(tops))}.")
            for one, other in pairwise(names):
                if one.key == other.key:
                    continue  # “7.4.1 with 7.4.2” compares two of a kind
                kept = bool(_KEPT.fullmatch(sentence, one.end, other.begin))
                if kept or _RUNS.fullmatch(sentence, one.end, other.begin):
                    until = case.moments.mitigated if kept else None
                    truth = _beside(held, one, other, (case.moments.start, until))
                    said = sentence[one.begin : other.end]
                    yield from [about(case, cell, f"“{said}”, but {truth}.")] if truth else ()


def _foremost(
    case: Case, cell: Cell, sentence: str, names: Sequence[Named], held: Sequence[Answer]
) -> Iterator[Finding]:
    """Yield values that are told to have most rows, or fewest, where another one surely has."""
    if not names or _NO_RANK.search(sentence) or instants.is_timely(sentence):
        return
    masked = sentence
    for one in names:
        masked = masked[: one.begin] + "\0" * (one.end - one.begin) + masked[one.end :]
    match = next((found for each in _RANKED if (found := each.search(masked))), None)
    if match is None or _JOINED.search(masked[: match.start("own")]):
        return
    if "\0" in masked[match.end() :] and _LIST.match(masked, match.end("own")):
        return
    fewest = "few" in f"{match['way']}{match.groupdict().get('more') or ''}".lower()
    own = [one for one in names if one.begin == match.start("own")]
    others = {one.key: frozenset({one.value}) for one in names if one.begin != own[0].begin}
    ways = [
        (one.value, counts)
        for one in own
        if one.key not in others
        for counts in _tallies(case, held, one.key, others)
        if counts.get(one.value) or (counts and not fewest)
    ]
    most = max((sum(counts.values()) for _, counts in ways), default=0.0)
    ways = [each for each in ways if sum(each[1].values()) >= _SAMPLED * most]
    best = [(min if fewest else max)(counts.values()) for _, counts in ways]
    pairs = [sorted((one[1].get(one[0], 0), top)) for one, top in zip(ways, best, strict=True)]
    if pairs and all(low < _CLEAR * high for low, high in pairs):
        value, counts = ways[0]
        other = next(name for name, count in counts.items() if count == best[0])
        truth = f"{other} has {best[0]:,.0f}, {value} {counts.get(value, 0):,.0f}"
        yield about(case, cell, f"“{sentence[slice(*match.span())]}”, but {truth}.")


def _tallies(
    case: Case, held: Sequence[Answer], key: str, others: Mapping[str, frozenset[str]]
) -> Iterator[Mapping[str, float]]:
    """Yield how many failures of the incident each value of a key has, by each whole answer."""
    for answer, bad in _failures(held, key):
        if answer.whole and others.keys() <= answer.keys.keys():
            rows = bad & answer.holding(others.items())
            for part in map(answer.within, instants.whole(case)):
                counts = _counts(answer, key, part, rows)
                yield {name: count for name, count in counts.items() if count}


def _tops(case: Case, held: Sequence[Answer], name: Named, which: str) -> frozenset[str]:
    """Return the values of a key with the most, or fewest, failures by number or by share."""
    start, end = case.moments.start, case.moments.recovered
    wholes = dict(attributes.failing(held))
    tops: set[str] = set()
    for answer in held if start and end else ():
        bad = answer.kind == attributes.POINTS and derived.is_bad(answer.label)
        if not bad or name.key not in answer.keys or not (start and end):
            continue
        failed = _counts(answer, name.key, answer.within((start, end)))
        ways = [failed]
        whole = wholes.get(answer)
        if whole and name.key in whole.keys:
            came = _counts(whole, name.key, whole.within((start, end)))
            ways.append({k: failed[k] / came[k] for k in failed if came.get(k, 0) >= _ROWS})
        for way in (each for each in ways if len(each) > 1):
            tops.add((max if which in _HARD else min)(way, key=way.__getitem__))
    return frozenset(tops)


def _counts(
    answer: Answer, key: str, part: slice, rows: NDArray[np.bool_] | None = None
) -> Mapping[str, float]:
    """Return how much each value of a key counts among some rows."""
    own = answer.keys[key]
    codes = own.codes[part]
    known = codes >= 0 if rows is None else (codes >= 0) & rows[part]
    weights = None if answer.weights is None else answer.weights[part][known]
    counts = np.bincount(codes[known], weights=weights, minlength=len(own.values))
    return dict(zip(own.values, counts.tolist(), strict=True))


def _all_but(
    case: Case, cell: Cell, sentence: str, names: Sequence[Named], held: Sequence[Answer]
) -> Iterator[Finding]:
    """Yield values that only a smaller part of the failures has, where a sentence says: all."""
    for each in names if not _PARTIAL.search(sentence) else ():
        how, alone = _ALL_BUT.search(sentence[: each.begin]), _ALONE.match(sentence, each.end)
        lone = _ON.search(sentence[: each.begin]) if alone else None
        head = max(0, *(sentence.rfind(mark, 0, each.begin) for mark in _MARKS))
        clause = sentence[head : each.begin]
        told = (
            attributes.KIND.search(each.key)
            or _ERRORS.search(clause)
            or cell.column.name == "key_logs"
        )
        if not (how or lone) or not told or _COUNT.search(clause):
            continue
        since = how.start() if how else each.begin
        if any(one.key != each.key for one in names if head <= one.begin < each.begin):
            continue  # of a part of them: “all errors of north were lock waits”
        own = frozenset(one.value for one in names if one.key == each.key and one.begin >= since)
        shares = list(_shares(case, held, (each.key, own)))
        if shares and all(part < least * whole for part, whole, least in shares):
            part, whole, _ = max(shares, key=lambda one: one[1])
            said = sentence[since : alone.end() if alone else each.end]
            truth = f"{part:,.0f} of {whole:,.0f} failures have {' or '.join(sorted(own))}"
            yield about(case, cell, f"“{said}”, but {truth}.")
            return


def _affected(
    case: Case, cell: Cell, sentence: str, names: Sequence[Named], held: Sequence[Answer]
) -> Iterator[Finding]:
    """Yield values that are told to be hit, or spared, where the failures say otherwise."""
    for own in _joined(sentence, names):
        before, after = sentence[: own[0].begin], sentence[own[-1].end :]
        hit = _BROKE.search(before) or _WERE.match(after)
        spared = _SPARED.match(after)
        rest = before + (_SPARED.sub("", after, count=1) if spared else after)
        if not (hit or spared) or _DENIED.search(rest) or (hit and _FIGURE.search(rest)):
            continue
        but = bool(_BROKE.search(before)) and _FINE.match(after)
        for each in own:
            none = each is own[-1] if but else spared
            shares = list(_shares(case, held, (each.key, frozenset({each.value}))))
            parts = [part / whole for part, whole, least in shares if least == _MINOR]
            if parts and (min(parts) >= _RARE if none else max(parts) < _NONE):
                part, whole, _ = shares[0]
                said = sentence[max(0, own[0].begin - _NEAR) : own[-1].end + _NEAR].strip()
                truth = f"{part:,.0f} of {whole:,.0f} failures have {each.value}"
                yield about(case, cell, f"“{said}”, but {truth}.")
                return


def _joined(sentence: str, names: Sequence[Named]) -> Iterator[list[Named]]:
    """Yield the values that stand together: “north and south”."""
    by = sorted({(each.begin, each.end): each for each in names}.items())
    own: list[Named] = []
    for _, each in by:
        if own and not _LIST.fullmatch(sentence, own[-1].end, each.begin):
            yield own
            own = []
        own.append(each)
    yield from [own] if own else []


def _shares(
    case: Case, held: Sequence[Answer], chosen: tuple[str, frozenset[str]]
) -> Iterator[tuple[float, float, float]]:
    """Yield how many failures of the incident have some values, of how many, by each answer.

    And the part of them under which they surely are not nearly all.
    """
    window = instants.whole(case)
    for answer, known in _failures(held, chosen[0]) if window else ():
        part = [answer.within(window[0])]
        own, whole = (
            answer.counts(rows, part)[0] for rows in (known & answer.having(chosen), known)
        )
        if whole >= _ROWS:
            yield own, whole, _MINOR if answer.whole else _RARE


def _failures(held: Sequence[Answer], key: str) -> Iterator[tuple[Answer, NDArray[np.bool_]]]:
    """Yield the answers that know a key, and which of their rows failed and have it."""
    for answer in held:
        bad = answer.having(("status", _BAD)) if "status" in answer.keys else None
        if answer.kind == attributes.POINTS:
            bad = np.full(len(answer.moments), fill_value=derived.is_bad(answer.label))
        if bad is not None and key in answer.keys:
            yield answer, bad & (answer.keys[key].codes >= 0)


def _beside(
    held: Sequence[Answer],
    one: Named,
    other: Named,
    between: tuple[dt.datetime | None, dt.datetime | None],
) -> str:
    """Return what rows with a value have of the key of another, where none has that one.

    Those between two moments, where both are given.
    """
    since, until = between
    seen: dict[str, None] = {}
    for answer in held:
        if answer.kind == attributes.POINTS or not {one.key, other.key} <= answer.keys.keys():
            continue
        key = answer.keys[other.key]
        part = answer.within((since, until) if since and until else None)
        codes = key.codes[part][answer.having((one.key, frozenset({one.value})))[part]]
        values, counts = np.unique(codes[codes >= 0], return_counts=True)
        if counts.sum() >= _FEW:
            seen |= dict.fromkeys(key.values[each] for each in values.tolist())
    if not seen or other.value in seen:
        return ""
    return f"the rows of {one.value} have {', '.join(seen)}"
