"""What caused the incident and what ended it, in sentences, against the rows that hold it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from postmortem_nb.checks import events
from postmortem_nb.checks.items import ELSEWHEN, LONGEST
from postmortem_nb.checks.reading import TEXTS, about, matches, passages, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case, Cell
    from postmortem_nb.checks.report import Finding

_IT = (
    r"(?:it|this|everything|things|us|(?:the|that|our)\s(?:[\w-]+\s)?(?:incident|outage|"
    r"problem|errors?|"
    r"failures?|trouble|disruption|labels?|service|playback|traffic|site|users|customers|\w+s))"
)
_ENDED = (
    r"(?:ended|fixed|stopped|solved|resolved|cured|cleared|saved|healed|"
    r"(?:brought|got)(?=\s(?:\S+\s){1,4}back\b))"
)
_CURES = (
    re.compile(
        rf"\bwhat\s(?:finally\s|really\s|actually\s)?{_ENDED}\s{_IT}\s(?:\w+\s)?was\s"
        r"(?P<cure>(?:[^.;]|\.(?=\d)){4,160})",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<cure>(?:^|(?<=[.;,]\s))[^.;]{4,160}?),?\s(?:but\s)?(?:it\s)?(?:is|was)\s(?:the\s"
        r"(?:step|"
        rf"thing|move|measure|change|one)\s(?:that|which)|what)\s(?:finally\s)?{_ENDED}\s",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<cure>(?:^|(?<=[.;]\s))(?:the\s|an?\s)?[^.;,]{4,80}?)\s(?:finally\s)?(?:ended|"
        r"cured)\s"
        r"(?:the\s(?:incident|outage|disruption)|it)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\bwhat\s(?:finally\s|really\s|actually\s|eventually\s|in the end\s)?(?:did the trick|"
        r"turned the (?:tide|corner)|brought relief|(?:got|brought|made|let|"
        r"set)\s(?:[\w’'-]+\s){1,4}?"
        r"(?:moving|going|back|work|working|through|again|right|up|online))\swas\s"
        r"(?P<cure>(?:[^.;]|\.(?=\d)){4,160})",
        re.IGNORECASE,
    ),
    re.compile(
        r"\bit was\s(?P<cure>[^.;,]{4,100}?)\s(?:that|which)\s(?:first\s|finally\s|really\s|"
        r"actually\s|"
        rf"eventually\s)?(?:{_ENDED}\s{_IT}|did the trick|turned the (?:tide|corner)|"
        rf"brought relief|"
        r"(?:got|brought|made|let|set)\s(?:[\w’'-]+\s){1,4}?(?:moving|going|back|work|working|"
        r"through|again|right|up|online))\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<cure>(?:^|(?<=[.;]\s))[^.;,]{4,80}?)\s(?:finally\s|"
        r"eventually\s)?(?:did the trick|turned "
        r"the (?:tide|corner)|brought relief)\b",
        re.IGNORECASE,
    ),
)
"""How a sentence says what ended the incident."""
_SUPPOSED = re.compile(
    r"\b(?:would|should|might|may|will|if|last (?:year|month|time|week)|next|planned|"
    r"(?-i:[A-Z]{2,}-\d+))\b",
    re.IGNORECASE,
)
"""In a sentence: what it tells of is no step of this incident."""
_BROKE = (
    r"(?:caused|broke|triggered|brought down|took down|knocked out|brought about|was behind|"
    r"was to blame for|led to)"
)
_WHOLE = (
    r"(?:it(?:\sall)?|this|everything|the (?:whole )?(?:incident|outage|disruption|failures?|"
    r"errors?|"
    r"trouble|mess|site|service))"
)
_CAUSES = (
    re.compile(
        r"\b(?:it|this|everything|all of (?:it|this))\s(?:all\s)?(?:came|comes|boiled|"
        r"boils)\sdown\s"
        r"to\s(?P<cause>[^.;]{4,160})",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\bwhat\s(?:really\s|actually\s)?{_BROKE}\s{_WHOLE}\swas\s(?P<cause>[^.;]{{4,160}})",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:the|our)\s(?:root\s|real\s|actual\s|underlying\s|true\s)?(?:cause|culprit|trigger)\s"
        r"(?:was|is|turned out to be|lay in)\s(?!(?:\w+\s)?(?:found|known|identified|clear|"
        r"confirmed|"
        r"understood|not|only|established|pinned|obvious|certain|likely|sure|plain)\b)(?P<cause>[^.;]{4,160})",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\bit was\s(?P<cause>[^.;,]{{4,100}}?)\s(?:that|which)\s{_BROKE}\s{_WHOLE}\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?P<cause>(?:^|(?<=[.;]\s))[^.;,]{{4,80}}?)\s{_BROKE}\s{_WHOLE}\s*(?:[.;!]|$)",
        re.IGNORECASE,
    ),
)
"""How a sentence says what caused the incident."""
_ID = re.compile(r"\b[vV]?\d+(?:\.\d+)+\b|\b[A-Z]\d{2,}\b")
_PLAIN_CURE = frozenset(
    "fix mitig worked measur action decisi change step thing same night finally quick then".split()  # noqa: SIM905
)


def causes(case: Case) -> Iterator[Finding]:
    """Find sentences that tell another cause, or another cure, than the rows do."""
    known = _cure(case)
    for cell, text in passages(case):
        for sentence in _told(text):
            for found in (_cured(sentence, known), _caused(case, cell, sentence)):
                if found:
                    yield about(case, cell, f"“{found[0].strip(' ,.')}”, but {found[1]}.")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (causes,)


@lru_cache(maxsize=TEXTS)
def _told(text: str) -> tuple[str, ...]:
    """Return the sentences of a text that tell any of it; kept until it is edited."""
    ways = (*_CURES, *_CAUSES)
    return tuple(each for each in sentences(text) if any(matches(way, each) for way in ways))


def _cure(case: Case) -> tuple[str, frozenset[str], str] | None:
    """Return what was done, and the words for it."""
    rows = [row for row in case.rows("timeline") if row.get("step") == "Mitigation Deployed"]
    done = [str(row["action"]) for row in rows if row.get("action")]
    if not done:
        return None
    plans = [str(row.get("plan") or "") for row in case.rows("timeline")]
    more = [str(row.get("deployment") or "") for row in rows]
    told = " ".join([*done, *plans, *more])
    return done[0], events.stems(told), told.lower()


def _cured(sentence: str, known: tuple[str, frozenset[str], str] | None) -> tuple[str, str] | None:
    """Return what is said to have ended the incident, where the mitigation shares no word."""
    if known is None or _SUPPOSED.search(sentence):
        return None
    for pattern in _CURES:
        match = pattern.search(sentence)
        words = events.stems(match["cure"]) - _PLAIN_CURE if match else frozenset()
        ids = set(_ID.findall(match["cure"])) if match else set()
        other = bool(ids) and not any(each.lower() in known[2] for each in ids)
        if match and len(words) > 1 and (other or len(words & known[1]) < max(1, len(words) / 3)):
            return match.group(), f"the mitigation was: {known[0][:80].rstrip('.')}"
    return None


def _caused(case: Case, cell: Cell, sentence: str) -> tuple[str, str] | None:
    """Return what is said to be the cause, where no account of the cause shares its words."""
    cause = next((r["root_cause"] for r in case.rows("timeline") if r.get("root_cause")), None)
    if not cause or ELSEWHEN.search(sentence) or cell.table == "timeline":
        return None
    for pattern in _CAUSES:
        match = pattern.search(sentence)
        words = events.stems(match["cause"]) - _PLAIN_CURE if match else frozenset()
        if match and len(words) > 2:
            told = _accounts(case, cell)
            if len(words & told) < len(words) / 3:
                return match.group(), f"the root cause is: {str(cause)[:80].rstrip('.')}"
    return None


def _accounts(case: Case, but: Cell) -> frozenset[str]:
    """Return the words of all that tells of the cause, one blank left out."""
    causes = {"why_it_happened", "technical_cause", "organizational_cause", "process_cause"}
    texts = (
        str(cell.value)
        for cell in case.cells
        if cell is not but
        and (
            cell.table in {"factors", "whys"}
            or cell.column.name in causes
            or cell.column.name in {"root_cause", "confirmation", "finding", "evidence"}
        )
    )
    return frozenset().union(*(events.stems(text[:LONGEST]) for text in texts))
