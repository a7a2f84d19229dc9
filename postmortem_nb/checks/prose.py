"""Figures in prose that contradict the data: people, requests, money, durations, times."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb import times
from postmortem_nb.checks import borne, claims, elsewhere, events, shares, spoken
from postmortem_nb.checks.reading import TEXTS, about, matches, passages, told

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

SPANS: tuple[str, ...] = (
    "duration",
    "detection_time",
    "resolution_time",
    "time_to_acknowledge",
    "time_to_mitigate",
)


_AROUND = 240
"""Characters around a length that are looked at."""
FINAL: frozenset[str] = frozenset({"final_status", "confirmed", "closed"})
"""Blanks of the timeline that tell how it ended: a severity there is the last one."""


def prose(case: Case) -> Iterator[Finding]:
    """Find figures in sentences that contradict the data."""
    declaring = {row["row"] for row in case.rows("timeline") if row.get("severity_declared")}
    for cell, text in passages(case):
        whole = told(cell) or cell.table == "updates"
        yield from _figures(case, cell, text, told=whole)
        yield from _clocks(case, cell, text)
        yield from _spent(case, cell, text)
        if cell.column.name in FINAL or (cell.table == "timeline" and cell.row in declaring):
            yield from _severities(case, cell, text)
        if whole:
            yield from _words(case, cell, text)
            yield from _beside(case, cell, text)
            yield from _severities(case, cell, text)
            yield from _lasting(case, cell, text)
            yield from _averaged(case, cell, text)
            yield from _well(case, cell, text)
            yield from _windows(case, cell, text)


RULES = (prose,)


@lru_cache(maxsize=TEXTS)
def _claimed(text: str) -> tuple[tuple[claims.Claim, tuple[re.Match[str], ...]], ...]:
    """Return the claims that a text makes, with where: few of the many that are known."""
    found = ((claim, matches(claim.pattern, text)) for claim in claims.CLAIMS)
    return tuple((claim, said) for claim, said in found if said)


def _figures(case: Case, cell: Cell, text: str, *, told: bool) -> Iterator[Finding]:
    """Find figures that are none of those that the data know for what they speak of."""
    seen: set[tuple[int, int]] = set()
    for claim, said in _claimed(text):
        if claim.whole and not told:
            continue
        known = {name: _known(case, name) for name in claim.measures}
        values = {name: value for name, value in known.items() if value is not None}
        for match in said if values else ():
            if elsewhere.is_other(claim, match) or _is_both(claim, match, values):
                continue
            place = match.span("span" if "span" in match.re.groupindex else "number")
            agreed = any(_agrees(match, v) for v in values.values())
            apart = elsewhere.is_stop(case, match) or elsewhere.is_cause(case, cell, match)
            others = claim.label == "affected users" and borne.are_others(case, match)
            if place not in seen and not agreed and not (apart or others):
                seen.add(place)
                name, value = next(iter(values.items()))
                yield about(
                    case,
                    cell,
                    f"“{match.group().strip()}”, but {claim.label}: {_readable(name, value)}.",
                )


def _is_both(claim: claims.Claim, match: re.Match[str], values: Mapping[str, float]) -> bool:
    """Return whether a text has all of the budget that is gone too, behind a part of it.

    Or all who were told: “1,710 within an hour, all 2,640 by the evening”.
    """
    rest = match.string[match.end() :]
    if claim.measures[0] == "customers_notified":
        return any(
            re.search(rf"\ball\s(?:of\s)?(?:the\s)?{v:,.0f}\b", rest) for v in values.values()
        )
    budget = claim.measures[0] == "budget_consumed"
    return budget and any(re.search(rf"(?<![\d.]){v:g}\s?%", rest) for v in values.values())


_PART = re.compile(r"(?<![\d.])(?P<part>\d{1,4})\s(?:out\s)?of\s(?:the\s|its\s|those\s)?$")
"""Before a length: which part of it is told."""


def _agrees(match: re.Match[str], known: float) -> bool:
    """Return whether a figure is the known one, or told as a part of it that it is."""
    if spoken.agrees(match, known):
        return True
    if "span" in match.re.groupindex:
        part = _PART.search(match.string[: match.start("span")])
        return part is not None and abs(float(part["part"]) - known) <= 1  # “149 of 231 minutes”
    said = spoken.amount(match["number"].lower(), match["scale"] or "")[0]
    return elsewhere.is_part(match.string, match.end("number"), said, known)


_BESIDE = re.compile(
    r"(?P<total>\d[\d,]*\d)\s(?:[\w’'-]+\s){0,3}?[\w’'-]+(?:,|\s\()\s?"
    rf"(?:or\s|about\s|that is\s)?{spoken.SHARE}\sof\b",
    re.IGNORECASE,
)
"""A number with its share beside it: “31,850 home seekers, 35 % of those active”."""


def _beside(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find a share beside the number of those affected that is not theirs."""
    share, total = _known(case, "affected_share"), _known(case, "affected_total")
    for match in matches(_BESIDE, text) if share is not None and total else ():
        same = float(match["total"].replace(",", "")) == total
        if same and share is not None and not spoken.agrees(match, share):
            said = f"“{match.group()}”, but share of users: {share:g}."
            yield about(case, cell, said)


def _words(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find shares in words that are not the share of the data."""
    share, total = _known(case, "affected_share"), _known(case, "affected_total")
    for pattern, low, high in shares.WORDS:
        match = pattern.search(text)
        none = high == 0.0 and bool(total)
        before = text[max(0, match.start() - 12) : match.start()].lower() if match else ""
        most = 100.0 if re.search(r"\b(?:more than|over)\s$", before) else high
        if match and (none or (share is not None and not low <= share <= most)):
            known = f"{share:g} % of users" if share is not None else f"{total:,.0f} users"
            yield about(case, cell, f"“{match.group().strip()}”, but affected: {known}.")
    for match in matches(shares.ONE_IN, text) if share is not None else ():
        clause = elsewhere.around(match)
        hurt = elsewhere.HURT.search(clause) and "nothing" not in clause.lower()
        bounds = shares.odds(match) if hurt else None
        if bounds and share is not None and not bounds[0] <= share <= bounds[1]:
            said = match.group().strip()
            yield about(case, cell, f"“{said}”, but affected: {share:g} % of users.")


_ALL = 99
"""Percent above which a share in words is all there was."""


def _spent(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find words on the error budget that are not those of the data."""
    for name, ways in (("budget_consumed", shares.SPENT), ("budget_remaining", shares.LEFT)):
        value = _known(case, name)
        for pattern, low, high in ways if value is not None and "budget" in text else ():
            for match in matches(pattern, text):
                words = (match.groupdict().get("hedge") or "").strip().lower()
                least, most = low, high
                if words in {"over", "more than", "well over"}:
                    least, most = 0.45 * (low + high), 100.0
                elif words in {"less than", "under", "nearly", "almost"}:
                    least, most = 0.5 * low, 0.55 * (low + high)
                if low > _ALL:  # less than all of it is any part; all of it, and more
                    least = 0.0 if words in {"less than", "under"} else least
                    most = math.inf
                if value is not None and not least <= value <= most:
                    known = f"{name.replace('_', ' ')}: {value:g} %"
                    yield about(case, cell, f"“{match.group().strip()}”, but error {known}.")


def _clocks(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find clock times in prose that are not those of the timeline."""
    for name, pattern in claims.CLOCKS.items():
        moment: dt.datetime | None = getattr(case.moments, name)
        for match in matches(pattern, text):
            joined = match.group().lower().startswith(("beginning", "starting"))
            near = text[max(0, match.start() - (90 if joined else 60)) : match.start()]
            before = re.split(r"[.;]\s|\n" if joined else r"[.;,]\s|\n", near)[-1]
            other = name == "start" and (
                claims.OTHER_BEGINNINGS.search(before)
                or claims.COUNTED_THEN.search(before)
                or _ANOTHER.search(before)
                or cell.column.name in {"key_traces", "key_logs"}
                or re.search(r"\d", text[match.start() : match.start("clock")])
            )
            after = re.split(r"[.;\n]", text[match.end() :])[0]
            other = other or (name == "detected" and claims.AGAIN.search(before + after))
            whole = re.search(
                r"\bfull|\b(?:ended|over)\b", f"{before}{match.group()}", re.IGNORECASE
            )
            steps = () if whole else claims.FAMILY.get(name, ())
            known = _times(case, steps) if steps else [moment] if moment else []
            other = other or claims.SUPPOSED.search(f"{before}{match.group()}")
            lasted = name == "mitigated" and events.is_end(case, match, match.group())
            if moment and not other and not lasted and not _near(match, known):
                yield about(
                    case,
                    cell,
                    f"“{match.group().strip()}”, but the timeline has {times.shown(moment)}.",
                )

    for pattern, steps in claims.OVER.items():
        ends = _times(case, steps)
        full = _times(case, ("Full Recovery",))
        for match in matches(pattern, text) if ends else ():
            slip = _turned(match, full) and not _near(match, full)
            if slip or not _near(match, ends):
                said = match.group().strip()
                end = (full or ends)[-1]
                yield about(case, cell, f"“{said}”, but the timeline has {times.shown(end)}.")


_ANOTHER = re.compile(
    r"\b(?:storm|surge|flood|spike|wave|warnings?|retr\w+|queue|backlog|they|these|those|"
    r"[a-z]+(?<!degrad)ation)\s$",
    re.IGNORECASE,
)
"""Before “began”: it is not the incident; “key generation” is work."""


def _turned(match: re.Match[str], steps: list[dt.datetime]) -> bool:
    """Return whether a clock is that of a step with its digits turned."""
    return any(sorted(match["clock"]) == sorted(f"{at:%H:%M}") for at in steps)


_FOR = re.compile(
    rf"\bfor\s(?:(?:most|all|some|much)\sof\s|nearly\s|almost\s|about\s|over\s)?{spoken.SPAN}"
    r"(?!\s(?:each|at a time|after|before|longer|more|per)\b)",
    re.IGNORECASE,
)
_FAILING = re.compile(
    r"\b(?:fail\w*|unable|could not|couldn[’']t|cannot|down|unavailable|read-only|lost|offline|"
    r"unreachable|broken|blank|degraded|stopp\w+|errors?|reject\w*|refus\w*|declin\w*|shut|"
    r"unusable|dead|out of service|discard\w*|dropped)\b",
    re.IGNORECASE,
)


def _lasting(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find how long the problem is said to have lasted, where no impact was as long."""
    start, whole = case.moments.start, _known(case, "duration")
    if cell.column.name not in {"problem", "what_happened"} or start is None or whole is None:
        return
    recovering = {"Mitigation Deployed", "Partial Recovery", "Full Recovery"}
    ends = [r["time"] for r in case.rows("timeline") if r.get("step") in recovering and r["time"]]
    known = [whole, *((at - start).total_seconds() / 60 for at in ends)]
    for match in matches(_FOR, text):
        begin = match.start()
        before = re.split(r"[.;\n]\s", text[max(0, begin - _AROUND) : begin])[-1]
        after = re.split(r"[.;\n]\s", text[begin : begin + _AROUND])[0]
        clauses = [each for each in re.split(r",\s", before) if each.strip()]
        clause = clauses[-1] if clauses else after
        failing = _FAILING.search(clause) and not re.search(r"\b(?:nobody|no one)\b", clause)
        failing = failing and not elsewhere.SUBSET.search(before)
        other = elsewhere.is_of_part(match)
        if failing and not other and not any(spoken.agrees(match, each) for each in known):
            said = f"“{match.group().strip()}”, but duration: {times.duration(whole)}."
            yield about(case, cell, said)


_MEAN = re.compile(
    r"(?P<number>\d{1,3}(?:,\d{3})+|\d+)(?P<scale>)\s(?:[a-z]+\s)?(?:fail\w*|errors?|declin\w*|"
    r"reject\w*|requests?|calls?|refus\w*|timeouts?)\s(?:lost\s|failed\s)?(?:(?:in\s)?an?|per|each|every)\s"
    r"(?P<unit>minute|hour)\s(?:(?:failed|were lost|were refused)\s)?on average\b",
    re.IGNORECASE,
)
_ABOUT = 0.1
"""Share by which a mean may differ: it is rounded."""


_WELL = re.compile(
    rf"\b{spoken.SPAN}\s(?:after|from)\s[^,.;\n]{{3,40}}?,?\s(?:the\s|our\s)?(?:service|site|system|"
    r"everything|all|it|platform|traffic)\s(?:was|were)\s(?:fully\s)?(?:healthy|back|normal|restored|"
    r"recovered|well|over)\b",
    re.IGNORECASE,
)


def _well(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find a length “after which the service was healthy” that leads from no entry to the end."""
    ends = _times(case, claims.FAMILY["recovered"])
    gaps = [(end - at).total_seconds() / 60 for end in ends for at in _times(case) if at < end]
    for match in matches(_WELL, text) if gaps else ():
        if not any(spoken.agrees(match, gap) for gap in gaps):
            said = match.group().strip()
            yield about(case, cell, f"“{said}”, but the timeline has {times.shown(ends[-1])}.")


def _averaged(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find a mean of failures that is not those of the whole over its length."""
    failed, length = case.fact("failed_requests"), _known(case, "duration")
    for match in matches(_MEAN, text) if failed and length else ():
        said = float(match["number"].replace(",", ""))
        mean = failed / (length or 1.0) * (60 if match["unit"].lower() == "hour" else 1)
        if abs(said - mean) > _ABOUT * mean:
            whole = f"{failed:,} in {times.duration(length or 0.0)}"
            truth = f"“{match.group()}”, but {whole} are {mean:,.0f} a {match['unit'].lower()}."
            yield about(case, cell, truth)


_ASKED = re.compile(
    r"\b(?:normal|usual|typical|every|logs?|lines|spans|traces|kept|froze|frozen|data|quer(?:y|ies|ied)|"
    r"asked|exported|evidence|graphs?|charts?|dashboards?|baseline|compar\w+)\b",
    re.IGNORECASE,
)
"""Beside a window: it is one of each day, or of what was looked at."""


def _windows(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find windows of the incident in prose with an end that no entry of the timeline has."""
    start, end = case.moments.start, case.moments.recovered
    known = [at for event in events.known(case)[0] for at in event.times]
    if start is None or end is None:
        return
    for match in matches(claims.WINDOW, text):
        before = re.split(r"[.;\n]", text[max(0, match.start() - 80) : match.start()])[-1]
        clocks = [claims.ONE_CLOCK.match(text, match.start(side)) for side in ("first", "last")]
        # a zone behind the second clock is that of both
        zoned = (match["zone2"] or "UTC").upper() in {"UTC", "GMT", "Z"}
        zoned = zoned and not spoken.LOCAL.match(text, match.end())
        odd = [
            clock.group()
            for clock in clocks
            if clock and (clock["zone"] or zoned) and not _near(clock, known)
        ]
        sentence = elsewhere.around(match)
        if (
            odd
            and not _ASKED.search(sentence)
            and elsewhere.HURT.search(sentence)
            and not claims.OTHER_BEGINNINGS.search(before)
            and not before.rstrip(" ,").endswith(" before")
        ):
            yield about(
                case,
                cell,
                f"“{match.group().strip()}”, but no entry of the timeline is at {odd[0]}: it has "
                f"{times.shown(start)} to {times.shown(end)}.",
            )


def _times(case: Case, steps: Sequence[str] = ()) -> list[dt.datetime]:
    """Return the times of the timeline, of these steps where any are named."""
    rows = [row for row in case.rows("timeline") if row.get("time") is not None]
    return [row["time"] for row in rows if not steps or row.get("step") in steps]


def _near(match: re.Match[str], known: list[dt.datetime]) -> bool:
    """Return whether a clock is near one of the moments; one that cannot be read is."""
    gaps = [spoken.apart(match, 60 * one.hour + one.minute) for one in known]
    hedged = spoken.HEDGE.search(
        match.string[max(0, match.start("clock") - 12) : match.start("clock")]
    )
    exact = re.search(r":\d[1-46-9]$", match["clock"]) and not hedged
    most = claims.EXACT_MINUTES if exact else claims.LOOSE_MINUTES
    return any(gap is None or gap <= most for gap in gaps)


def _severities(case: Case, cell: Cell, text: str) -> Iterator[Finding]:
    """Find a severity in prose that nobody declared."""
    final = case.fact("severity")
    rows = {row["row"]: row.get("severity_declared") for row in case.rows("timeline")}
    own = rows.get(cell.row) if cell.table == "timeline" else None
    if own and own in text:  # it tells of a change
        return
    declared = {own} if own else {final, *rows.values()}
    for match in matches(claims.SEV, text):
        digit, before = match["digit"], text[max(0, match.start() - 60) : match.start()]
        plain = not claims.NOT_THIS.search(before) and not claims.NOT_AFTER.match(text, match.end())
        if final and f"SEV-{digit}" not in declared and plain:
            truth = f"it declares {own}" if own else f"the severity is {final}"
            yield about(case, cell, f"“SEV-{digit}”, but {truth}.")


def _known(case: Case, name: str) -> float | None:
    """Return what the data say: a computed measure, else a stated fact."""
    measure = case.measures.get(name)
    value = measure.value if measure else case.fact(name)
    return float(value) if isinstance(value, (int, float)) else None


def _readable(name: str, value: float) -> str:
    """Return a known figure for a sentence."""
    if name in SPANS:
        return times.duration(value)
    return f"${value:,.0f}" if name == "revenue_loss" else f"{value:,g}"
