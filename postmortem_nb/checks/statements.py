"""Plain statements, without a figure, that the document denies: “all actions are done”.

Each is a sentence that means one thing, and a question to the data: it returns what contradicts the
sentence, or nothing. What the document does not hold is unknown and contradicts nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb import language
from postmortem_nb.checks.claims import PEOPLE, PERSON, SEV
from postmortem_nb.checks.reading import about, final
from postmortem_nb.checks.stated import Statement, denied, reader, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding


THROUGHOUT = (
    r"(?=\s*(?:[.;!]|$|at all\b|throughout\b|during\b|all the (?:while|time)|the (?:whole|"
    r"entire)\b|"
    r"(?:for|while) (?:the (?:whole|entire)|it lasted|all)\b|by us\b))"
)
_ACTIONS = r"(?:action items?|actions?|follow-ups?|follow-up (?:items?|actions?|tasks?))"
_BE = r"(?:is|are|was|were|has|have|has been|have been)"
_DONE = r"(?:done|completed?|finished|closed|shipped|delivered|implemented)"
_EVERY = frozenset({"", "open", "corrective", "follow-up", "remaining", "these", "resulting"})
"""Words before “actions” that leave none out."""
TELLING = r"(?:told|informed|notified|contacted|warned|e-?mailed|written to)"
CHIEFS = r"(?:C[EITOF]O|CISO|Chief \w+ Officer|executives?|VPs?|C-level|leadership team|board)"


def _actions(case: Case, match: re.Match[str], *, complete: bool) -> str | None:
    """Return how many actions are another way than a sentence says of all, or of one kind."""
    narrow = (match.groupdict().get("narrow") or "").strip().lower()
    held = ("horizon", "priority", "owner", "title")
    rows = [
        row
        for row in case.rows("actions")
        if row.get("status")
        and (narrow in _EVERY or any(narrow in str(row.get(name)).lower() for name in held))
    ]
    done = sum("complete" in str(row["status"]).lower() for row in rows)
    if complete:
        open_ = len(rows) - done
        return f"{open_} of {len(rows)} actions are not complete" if open_ else None
    if re.search(_DONE, match.group(), re.IGNORECASE):
        return f"{done} of {len(rows)} actions are complete" if done else None
    begun = sum("not started" not in str(row["status"]).lower() for row in rows)
    return f"{begun} of {len(rows)} actions are begun or complete" if begun else None


def _task(case: Case, match: re.Match[str]) -> str | None:
    words = next(part.lower()[:7] for part in match.groups() if part)
    for row in case.rows("sharing"):
        if words in str(row.get("task") or "").lower() and row.get("done") is False:
            return f"“{row['task']}” is not ticked under Knowledge Sharing"
    return None


def informed(case: Case, _: re.Match[str]) -> str | None:
    """Return how customers heard of it."""
    sent = [row for row in case.rows("updates") if "status" in str(row.get("channel")).lower()]
    number = case.fact("customers_notified")
    if case.fact("email_sent"):
        return "an e-mail was sent to customers"
    if number:
        return f"{number:,} customers were notified"
    return f"the status page was updated, {len(sent)} times in all" if sent else None


def _mailed(case: Case, _: re.Match[str]) -> str | None:
    return "Communication Log says that an e-mail was sent" if case.fact("email_sent") else None


def _not_mailed(case: Case, _: re.Match[str]) -> str | None:
    unsent = case.fact("email_sent") is False
    return "Communication Log says that no e-mail was sent" if unsent else None


def _support(case: Case, _: re.Match[str]) -> str | None:
    knew = case.fact("support_notified")
    return "Communication Log says that support was notified" if knew else None


def _page(case: Case, _: re.Match[str]) -> str | None:
    sent = [row for row in case.rows("updates") if row.get("text")]
    count = sum("status" in str(row.get("channel")).lower() for row in sent)
    return f"the status page has {count} updates" if count else None


def _approved(case: Case, _: re.Match[str]) -> str | None:
    state, rows = str(case.fact("state") or ""), case.rows("approvals")
    waiting = [str(row.get("role")) for row in rows if row.get("done") is False]
    if state and state != "Approved":
        return f"its status is {state}"
    return f"{', '.join(waiting)} did not approve" if waiting else None


def _chiefs(*, joined: bool) -> Callable[[Case, re.Match[str]], str | None]:
    words = {True: "executives were involved", False: "no executive was involved"}

    def denial(case: Case, _: re.Match[str]) -> str | None:
        stated = case.fact("executives_involved")
        return words[not joined] if stated is (not joined) else None

    return denial


def _lost(case: Case, _: re.Match[str]) -> str | None:
    loss = case.fact("revenue_loss")
    return f"revenue loss: ${loss:,.0f}" if loss else None


def _only(case: Case, match: re.Match[str]) -> str | None:
    name = match["name"].lower()
    for what in (_names(str(case.fact("regions") or "")), _names(case.fact("services") or ())):
        if name in what and len(what) > 1:
            return f"affected are {', '.join(what)}"
    return None


def _elsewhere(case: Case, match: re.Match[str]) -> str | None:
    regions = _names(str(case.fact("regions") or ""))
    shaped = [each for each in regions if _REGION.fullmatch(each)]
    if shaped and match["name"].lower() not in regions:
        return f"the regions affected are {', '.join(regions)}"
    return None


def _names(held: str | Sequence[str]) -> list[str]:
    each = re.split(r",|;|\band\b", held) if isinstance(held, str) else held
    return [str(name).strip().lower() for name in each if str(name).strip()]


def _declared(case: Case, match: re.Match[str]) -> str | None:
    final = case.fact("severity")
    levels = {final, *(row.get("severity_declared") for row in case.rows("timeline"))}
    digit = match["digit"]
    return f"the severity is {final}" if final and f"SEV-{digit}" not in levels else None


_REGION = re.compile(r"[a-z]{2,3}(?:-[a-z]+){1,3}-?\d[a-z]?")
_HIT = (
    r"(?:was|is|were)\s(?:also\s|\w+ly\s)?"
    r"(?:affected|hit|down|impacted|degraded|unavailable|failing)"
)

_HERE = rf"\b(?P<name>{_REGION.pattern}|[a-z][a-z0-9]*-[a-z0-9-]*[a-z0-9])"
_ENDED = r"(?:ended|fixed|stopped|resolved|cured|mitigated|cleared)"
MEANS: Mapping[str, str] = {
    "rollback": r"roll(?:ed|ing)?[ -]?(?:\w+ )?back|revert",
    "failover": r"fail(?:ed|ing)?[ -]?(?:\w+ )?over|switch(?:ed|ing)? to",
    "restart": r"restart|reboot|bounce|recycl",
    "hotfix": r"hot-?fix|patch",
}
"""A way to end an incident → the words for it in the timeline."""


def _means(case: Case, match: re.Match[str]) -> str | None:
    """Return what was done, where the step of the mitigation says nothing of the way named."""
    way = re.sub(r"[- ]", "", match["means"].lower())
    rows = [row for row in case.rows("timeline") if row.get("step") == "Mitigation Deployed"]
    columns = ("action", "deployment")
    done = " ".join(str(row[name]) for row in rows for name in columns if row.get(name))
    plans = " ".join(str(row["plan"]) for row in case.rows("timeline") if row.get("plan") and done)
    if not done or re.search(MEANS[way], f"{done} {plans}", re.IGNORECASE):
        return None
    return f"the mitigation was: {done[:80]}"


def _undone(case: Case, match: re.Match[str]) -> str | None:
    """Return what was done, where no other blank tells of such a way to end it."""
    word = match["means"].lower()
    way = next((each for each in MEANS.values() if re.search(each, word)), None)
    rows = [row for row in case.rows("timeline") if row.get("step") == "Mitigation Deployed"]
    done = " ".join(
        str(row[name]) for row in rows for name in ("action", "deployment") if row.get(name)
    )
    told = [str(cell.value) for cell in case.cells if cell.column.kind in {"prose", "line"}]
    others = [each for each in told if match.string.strip() not in each]
    if not way or not done or any(re.search(way, each, re.IGNORECASE) for each in others):
        return None
    return f"the mitigation was: {done[:80]}"


def _alone(case: Case, match: re.Match[str]) -> str | None:
    """Return the teams, where others than the one named are listed."""
    teams = _names(case.fact("teams") or ())
    others = [each for each in teams if match["name"].lower() not in each]
    listed = len(others) < len(teams)
    return f"the teams involved are {', '.join(teams)}" if listed and others else None


STATEMENTS: tuple[Statement, ...] = (
    *say(
        lambda case, match: _actions(case, match, complete=True),
        rf"\b(?:all|every|each)\s(?:of\s)?(?:the\s|our\s|"
        rf"these\s)?(?P<narrow>[\w-]+\s)?{_ACTIONS}\s{_BE}\s"
        rf"(?:already\s|now\s|been\s)*{_DONE}\b",
        rf"\b(?:no|none of the|not one of the)\s(?:open\s)?{_ACTIONS}\s(?:is|are|remains?)\s"
        r"(?:still\s)?(?:open|outstanding|left|pending)",
        rf"\b(?:we have\s|we\s)?(?:completed|finished|closed)\sall\s(?:of\s)?(?:the\s|our\s)?"
        rf"(?:\w+\s)?{_ACTIONS}",
    ),
    *say(
        lambda case, match: _actions(case, match, complete=False),
        rf"\b(?:none of the|none of our|no|"
        rf"not one of the)\s(?P<narrow>[\w-]+\s)?{_ACTIONS}\s{_BE}\s(?:yet\s)?"
        rf"(?:been\s)?(?:started|begun|underway|under way|{_DONE})\b",
    ),
    *say(
        _task,
        r"\b(runbooks?)\s(?:has|have|is|was|were)\s(?:already\s|now\s|"
        r"since\s)?(?:been\s)?updated\b",
        r"\b(documentation)\s(?:has|is|was)\s(?:already\s|now\s)?(?:been\s)?updated\b",
        r"\b(training) materials?\s(?:has|have|is|are|was|were)\s(?:already\s)?(?:been\s)?created",
        r"\b(team)s?\s(?:has|have|was|were)\s(?:already\s)?(?:been\s)?brief(?:ed)\b",
    ),
    *say(
        informed,
        rf"\b{PEOPLE}\s(?:were|have been|had been)\s(?:never|"
        rf"not)\s(?:been\s)?{TELLING}{THROUGHOUT}",
        rf"\b(?:never|did not|didn[’']t)\s(?:tell|inform|notify|contact|write to)\s(?:any\s|our\s|"
        rf"the"
        rf"\s)*{PEOPLE}{THROUGHOUT}",
        rf"\b{PEOPLE}\sheard\snothing(?:\sfrom us)?{THROUGHOUT}",
        rf"\bno {PERSON}s?\s(?:was|were)\s(?:ever\s)?{TELLING}{THROUGHOUT}",
    ),
    *say(
        _mailed,
        rf"\bno e-?mails?\s(?:was|were|has been|went out)\s?(?:sent\s)?(?:out\s)?(?:to\s)(?:any\s|"
        rf"our\s"
        rf"|the\s|affected\s)*{PEOPLE}",
        rf"\b(?:did not|didn[’']t|never)\s(?:send|sent)\s(?:an\s|any\s)?e-?mails?\sto\s(?:any\s|"
        rf"our\s|"
        rf"the\s|affected\s)*{PEOPLE}",
        rf"\b(?:did not|didn[’']t|never)\se-?mail(?:ed)?\s(?:any\s|our\s|the\s|affected\s)*{PEOPLE}"
        rf"{THROUGHOUT}",
        r"(?:,|\bbut|\band)\sno\se-?mails?(?=\s?[.,;)]|$)",
    ),
    *say(
        _not_mailed,
        rf"\b(?:we\s|support\s)e-?mailed\s(?:all\s|every\s|our\s|the\s|affected\s)*(?:{PEOPLE}|"
        rf"{PERSON})",
        rf"\b(?:the|an|our)\se-?mail\s(?:to\s(?:all\s|every\s|our\s|the\s|affected\s)*(?:{PEOPLE}|{PERSON})"
        r"\s)(?:went out|was sent|had|told|came|arrived)\b",
        r"\b(?:informed|told|notified|contacted|reached)\s(?:\w+\s){1,4}?by\se-?mail\b",
        r"\b(?:apolog\w+|message|notice|update|explanation|word)s?\s(?:\w+\s){0,3}?by\se-?mail\b",
        rf"\b(?:sent|wrote)\s(?:an?\s)?e-?mails?\sto\s(?:all\s|every\s|our\s|the\s|affected\s)*"
        rf"(?:{PEOPLE}|{PERSON})",
    ),
    *say(
        _support,
        r"\bsupport(?: team| staff| agents)?\s(?:was|were)\s(?:never|not)\s(?:told|informed|"
        r"notified)" + THROUGHOUT,
    ),
    *say(
        _support,
        rf"\bsupport(?: team| staff)?\sheard\snothing(?:\sfrom us)?{THROUGHOUT}",
    ),
    *say(
        _page,
        r"\bstatus page\s(?:\w+\s)?(?:stayed|remained|was|kept)\s(?:empty|green|silent|blank|"
        r"untouched|"
        rf"never updated|not updated){THROUGHOUT}",
        rf"\bnothing\s(?:was\s|ever\s|went\s)*(?:posted|published|up)?\s?(?:on|to)\s(?:the|our)\s"
        rf"status page{THROUGHOUT}",
        rf"\b(?:never|did not|didn[’']t)\s(?:update|use)d?\s(?:the|our)\sstatus page{THROUGHOUT}",
    ),
    *say(
        _approved,
        r"\b(?:postmortem|document|report|review)\s(?:has been|is|was|have been)\s(?:already\s|"
        r"now\s|"
        r"fully\s)?(?:approved|signed off)\b",
        r"\b(?:approved|signed off)\sby\s(?:all|every|everyone|everybody)\b",
    ),
    *say(
        _chiefs(joined=True),
        rf"\b(?:the|our|an?)\s{CHIEFS}\s(?:\w+\s)?(?:joined|was involved|were involved|took part|"
        rf"led|"
        r"ran|was on the call)\b",
        rf"\b(?:the|our|an?)\s{CHIEFS},?\s(?:was|were)\s(?:informed|consulted|paged|called in)\b",
    ),
    *say(
        _chiefs(joined=False),
        rf"\bno\s{CHIEFS}\s(?:was|were)\s(?:involved|called|needed|told)\b|"
        r"\bwithout (?:any )?executive involvement|\bwithout (?:having to |needing to )?"
        r"(?:involv\w+|bother\w*|call\w*|wak\w+|ask\w*) (?:an?|any|our|the) "
        rf"(?:\w+ )?{CHIEFS}\b",
    ),
    *say(
        _lost,
        r"\bno\s(?:revenue|money|sales?|income|turnover)\s(?:was|were|has been)\s(?:ever\s)?lost\b"
        r"(?!\s(?:in|from|on|by|for|because|there)\b)",
        r"\b(?:no|without(?: any| a)?)\s(?:direct\s)?(?:(?:revenue|financial|monetary)\s(?:loss|"
        r"impact|"
        r"damage)|loss of (?:revenue|money|sales))\b(?!\s(?:in|from|on|by|for|because|to)\b)",
        r"\b(?:cost us nothing|lost no (?:revenue|money|sales?))\b",
    ),
    *say(
        _only,
        rf"\bonly\s(?:the\s)?{_HERE}\s(?:region\s|service\s)?{_HIT}{THROUGHOUT}",
        r"\b(?:impact|incident|outage|disruption|errors|failures?|damage|it|this)\s(?:was|were|"
        r"stayed|"
        rf"remained)\s(?:limited|confined|restricted)\sto\s(?:the\s)?{_HERE}(?!\s(?:and|or)\b|,)",
        whole=True,
    ),
    *say(
        _elsewhere,
        rf"\b(?P<name>{_REGION.pattern})\s(?:region\s)?(?:also\s)?{_HIT}\b",
        whole=True,
    ),
    *say(
        _declared,
        r"\b(?:declared|handled|treated|classified|classed|rated|raised|upgraded|filed)\s(?:\w+\s)?"
        r"(?:as\s|to\s)?(?:an?\s)?[PS](?P<digit>[0-4])\b",
    ),
    *say(
        _means,
        rf"\b(?:an?|the|our)\s(?P<means>roll-?back|fail-?over|restart|hot-?fix)\s(?:of\s[\w-]+\s)?"
        rf"(?:\w+ly\s)?{_ENDED}\s(?:the\s)?(?:incident|outage|errors?|impact|it|disruption|"
        rf"problem)\b",
        whole=True,
    ),
    *say(
        _undone,
        r"\b(?:was|were|has been|had been)\s(?:then\s|finally\s|\w+ly\s)?(?P<means>rolled back|"
        r"reverted|failed over|restarted|rebooted|hot-?fixed)\b(?!\s(?:after|when|in|because|"
        r"first)\b)",
        r"^(?:we|[A-Z][\w’'-]+(?:\s[A-Z][\w’'-]+)?)\s(?:then\s|finally\s)?(?P<means>rolled back|"
        r"rolled (?:\w+\s){1,3}?back|reverted|failed over|restarted|rebooted)\b",
        whole=True,
    ),
    *say(
        _alone,
        r"\b(?:nobody|no one|no (?:other )?(?:team|engineer))\s(?:outside|but|except|other than|"
        r"beyond)\s"
        r"(?:the\s)?(?P<name>[\w&-]+)(?:\steam)?\s(?:\w+\s)?(?:took part|was involved|"
        r"were involved|"
        r"helped|joined|worked|responded)",
    ),
)
"""Each statement with what denies it."""

_read = reader(STATEMENTS)


def statements(case: Case) -> Iterator[Finding]:
    """Find plain statements that the document denies."""
    yield from denied(case, _read)


def declared(case: Case) -> Iterator[Finding]:
    """Find a severity in a message of the day that nobody declared."""
    ways = [each for each in STATEMENTS if each.denial is _declared]
    last = final(case)
    for cell in case.cells:
        early = cell.table == "updates" and cell.column.kind == "line" and cell.row not in last
        text = language.mask(str(cell.value)) if early else ""
        for pattern in (*(each.pattern for each in ways), SEV):
            match = pattern.search(text)
            denied = _declared(case, match) if match else None
            if match and denied:
                yield about(case, cell, f"“{match.group().strip()}”, but {denied}.")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (statements, declared)
