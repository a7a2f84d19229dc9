"""How figures read in sentences: the phrases that can mean one figure of an incident and no other.

A missed contradiction costs less than a reviewer who cries wolf, so each phrase names what its
figure is of; `prose` compares.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb.checks.late import late
from postmortem_nb.checks.spoken import CLOCK, FEW_OF, NUMBER, SHARE, SPAN, WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure in prose: how it reads, and the measures or facts of which it may speak.

    ``whole``: only a blank that tells of the whole incident can mean it so.
    """

    measures: tuple[str, ...]
    pattern: re.Pattern[str]
    label: str
    whole: bool = False


def _claims(label: str, measures: str, *patterns: str, whole: bool = False) -> list[Claim]:
    """Return the claims of one figure with their patterns compiled."""
    names = tuple(measures.split())
    return [Claim(names, late(way, re.IGNORECASE), label, whole) for way in patterns]


FEW = r"(?:[\w’'-]+\s){0,3}"
_WHO = r"(?:(?!(?:by|that|which|of|from|for)\b)[\w’'-]+\s){0,3}"
"""The same before people who are counted themselves, not “requests by customers”."""
PERSON = (
    r"(?:user|customer|shopper|account|member|visitor|merchant|subscriber|client|buyer|seller|"
    r"tenant|player|viewer|guest|driver|passenger|patient|student|reader|fan|caller|rider|gamer|"
    r"learner|listener|patron|traveller|traveler|candidate|applicant|pupil|teacher|citizen|resident|"
    r"household|hiker|trader|cardholder|policyholder|borrower|donor|voter|diner|attendee|employee|"
    r"courier|farmer|baker|nurse|doctor|retailer|vendor|contractor|landlord|homeowner|commuter|"
    r"cyclist|investor|taxpayer|publisher|advertiser|creator|author|sender|recipient|consumer|"
    r"organi[sz]er|instructor|parent|artist|bidder|renter|tourist|claimant|pensioner|lender|"
    r"saver|supplier|exhibitor|freelancer|individual)"
)
PEOPLE = rf"(?:{PERSON}s|people)"
WHO = re.compile(rf"(?:{PERSON}s?|{PEOPLE})$", re.IGNORECASE)
"""A noun that names people."""
SOME = re.compile(
    rf"(?<![\w,.])(?:\d[\d,.]{{0,12}}|{'|'.join(WORDS)}|some|most|many|few|several|half|last|"
    rf"large\w*|other|another|remaining|certain)\s(?:[\w’'-]+\s){{0,2}}?{PEOPLE}\b",
    re.IGNORECASE,
)
"""In a clause: it tells of some people only."""


def is_some(match: re.Match[str]) -> bool:
    """Return whether a match begins with people of whom its text tells that they are some only."""
    before = SOME.finditer(match.string, max(0, match.start() - 40), match.end())
    return any(match.start() < each.end() for each in before)


_TROUBLE = (
    r"(?=\s(?:[\w’'-]+\s){0,5}?(?:errors?|fail\w*|faults?|time-?outs?|blank|empty|wrong|stale|nothing|"
    r"no|none|refus\w+|reject\w+|declin\w+|delay\w*|slow\w*|late|outdated|broken|5\d\d|problems?|"
    r"troubles?|issues?|it|this|outage|incident|degradation|disruption|impact|spinner|warnings?)\b)"
)
"""Behind what somebody saw or got: it was the incident, and no message or refund."""
HIT = (
    r"(?:affected|impacted|unable|could not|couldn[’']t|lost|hit|experienced|"
    r"failed|(?:locked|shut|kept) out|suffered|stuck|without|left without|turned away|touched|"
    rf"blocked|barred|(?:saw|received|got|noticed|felt|met|faced|ran into|encountered){_TROUBLE}"
    r"(?!\snothing)|noticed(?=[.;,]|$))"
)
DAMAGE = r"(?:outage|incident|degradation|disruption|downtime|interruption)"
LOSS = (
    r"(?:los[st]\w*|losing|loss of|revenue|cost\w* us|gave away|forwent|missed out on|"
    rf"(?:it|this|that|which|has|have|had|errors|{DAMAGE})\s(?:\w+\s)?cost\w*)"
)

CLAIMS: tuple[Claim, ...] = (
    *_claims(
        "affected users",
        "affected_users",
        rf"(?<!of )\b{NUMBER}\s{FEW}{PEOPLE}\s{FEW}{HIT}",
        rf"(?:failed|failing|stale|down|unavailable|missing|"
        rf"broken)\sfor\s{FEW}?{NUMBER}\s{FEW}{PEOPLE}\b",
        rf"{NUMBER}\sof\s{FEW}[\d,.]+k?\s{_WHO}{PEOPLE}\s{FEW}{HIT}",
        rf"(?<!of )\b{NUMBER}\s{PEOPLE}\sand\s[\d,.]+k?\s(?:\w+\s){{1,2}}were\s{HIT}",
        rf"(?:affect|impact|hit|lock)(?:ed|ing|s)?(?:\sout)?\s{FEW}?{NUMBER}\s{FEW}{PEOPLE}",
        whole=True,
    ),
    *_claims(
        "share of users",
        "affected_share",
        rf"{SHARE}\sof\s(?:all\s|our\s|the\s|active\s)*(?:[\d,.]+\s(?:million\s)?)?(?:active\s)?"
        rf"(?:{PEOPLE}|(?:[a-z]+\s)?base)\b"
        r"(?!\s(?:who|whose|that|in|with|on|from)\b)",
        whole=True,
    ),
    *_claims(
        "failed requests",
        "failed_requests",
        rf"{NUMBER}\s(?:\w+\s)?(?:failed|failing|erroneous|unsuccessful|lost)\srequests",
        rf"\bof\s(?:(?:the|all|our|its|about|some)\s){{0,3}}[\d,.]+k?\srequests\b[^.;\d]{{0,40}}?,\s"
        rf"{NUMBER}\s{FEW}(?:failed|errored|were (?:lost|refused|rejected|dropped))\b",
        rf"\b(?:failed|refused|rejected|lost|dropped|declined),\s{FEW}{NUMBER}\sin\s(?:number|all|total)\b",
        rf"{NUMBER}\srequests\s{FEW}(?<!\d\s)(?:failed|errored|lost|dropped|rejected|went nowhere|"
        r"went unanswered|got no (?:answer|response|reply)|never completed|"
        r"(?:returned|ended in)\s(?:\w+\s)?errors?)",
        whole=True,
    ),
    *_claims(
        "revenue loss",
        "revenue_loss",
        rf"{LOSS}\s{FEW}(?:US)?(?:\$|USD)\s?{NUMBER}(?!\d|,\d|\s?(?:(?:an?|per|each|every)\b|/)\s?\w)",
        rf"\$\s?{NUMBER}\s(?!(?:\w+\s){{0,2}}?(?:would|could|might|may)\b){FEW}(?:lost|loss|revenue)",
        rf"{LOSS}\s{FEW}{NUMBER}\s?(?:dollars|USD)",
        rf"{NUMBER}\s(?:dollars|USD)\s(?:were|was|got|had been)\s(?:lost|forgone|missed)\b",
        rf"\bworth\s{FEW}{NUMBER}\s?(?:dollars|USD)?\s{FEW}(?:lost|never placed|not made|missed)\b",
        rf"\bworth\s{FEW}\$\s?{NUMBER}\s{FEW}(?:lost|never placed|not made|missed)\b",
    ),
    *_claims(
        "duration",
        "duration",
        rf"(?<!spans )(?<!traces )(?<!calls )(?<!requests )"
        rf"(?:lasted|lasting|(?<!median )(?<!mean )(?<!average )(?<!span )(?<!request )"
        rf"duration (?:of|was)(?! (?:an?|one|each|every) (?:\w+ )?(?:was|is))|"
        rf"{DAMAGE} of)\s{FEW}?{SPAN}",
        rf"{DAMAGE}\s(?:\w+\s)?(?:ran|went on|dragged on|continued|persisted|took|was over)\s"
        rf"(?:on\s)?(?:for|over|in|after)?\s?{FEW}?{SPAN}",
        rf"{SPAN}[\s-](?:long\s)?(?:of\s)?(?:\w+\s)?{DAMAGE}",
        rf"\b(?:{DAMAGE}|impact)\s(?:was\s)?(?:over|ended|at an end)\s(?:only\s)?after\s"
        rf"{FEW}?{SPAN}",
        rf"^{SPAN}\sof\simpact\b",
        rf"{SPAN}\sof\s(?:broken|failed|failing|lost|missing|refused|degraded)\s\w+\b"
        r"(?!\s(?:before|until|nobody|no one|that|which|went|without|with|in|on)\b)",
    ),
    *_claims(
        "duration",
        "duration",
        r"(?:ongoing|missing|stale|down|unavailable|degraded|impaired|impact(?:ed)?|"
        r"affected|failed|failing|broken|disrupted|unreachable|offline|errors|unable to \w+|"
        r"without \w+(?:\s\w+)?|"
        rf"{PEOPLE}\s(?:\w+\s)?(?:could not|couldn[’']t)\s(?:\w+\s){{0,3}}?\w+)\sfor\s{FEW}?{SPAN}",
        rf"\b{PEOPLE}\s(?:stared at|looked at|were stuck|were left|struggled|went without|"
        rf"were shut out)\s"
        rf"(?:[\w’'-]+\s){{0,4}}?for\s{FEW}?(?!\S+\ss(?:ec|\b)){SPAN}",
        rf"{SPAN}\swithout\s(?!a\b|an\b|any\b|the\b)\w+",
        rf"\btook\s(?:us\s)?{FEW}?{SPAN}\s(?:until|before)\s(?:all|every|everything|everyone|"
        r"service|normal)",
        rf"for\s{FEW}?{SPAN},?\s{FEW}(?:users|customers|shoppers|checkouts?|requests)\s{FEW}"
        r"(?:failed|could not|couldn[’']t|unable|errors?)",
        rf"^For\s{FEW}?{SPAN}\s(?=on\s\d|(?:[\w%-]+\s){{1,4}}of\s)(?!(?:after|before|until|of|in)\b)"
        r"[^.;]{0,90}?\s(?:failed|could not|couldn[’']t|timed out|got no|went unanswered|"
        r"(?:was|were)\s(?:unable|refused|down|unavailable|turned away|not \w+ed))\b",
        whole=True,
    ),
    *_claims(
        "duration",
        "duration resolution_time",
        r"(?:that makes|makes it|in all|in total|all told|altogether|from start to (?:end|finish))"
        rf"[,:]?\s{FEW}?{SPAN}(?=[.;)]|$)",
        rf"(?<![\d,.])\d+\sof\sthe\s{SPAN}(?!\s(?:was|were)\b)",
        rf"\b(?:the|all)\s{SPAN}\sof\s(?:impact|trouble|{DAMAGE})\b(?!\s(?:in|of|for|on|at|to)\b)",
        whole=True,
    ),
    *_claims(
        "detection time",
        "detection_time",
        r"(?:detected|noticed|alerted|discovered|detection|paged)\s(?:it\s|us\s)?(?:only\s|just\s)?"
        rf"(?:after|within|in|took)\s{FEW}?{SPAN}",
        r"(?:rang|ring|called?|told|tell|phoned?|warned|wrote to|write to)\sus\s(?:only\s)?"
        rf"(?:after|within)\s{FEW}?{SPAN}",
        rf"(?:time to detect|detection time|MTTD|TTD)\s(?:was|of|is)\s{FEW}?{SPAN}",
        rf"(?:took|needed|required)\s(?:us\s)?{FEW}?{SPAN}\s(?:to|until we)\s"
        r"(?:detect|notice|discover|see)\b(?!\s(?:that|why|what|how|whether|an?|its|their|the "
        r"(?!errors?|outage|incident|problem|failures?|impact|issue|disruption))\b)",
        rf"(?:alert|alarm|monitor|(?<!status )page)\s(?:fired|came|went off|paged|rang|triggered)\s"
        rf"(?:us\s)?{FEW}?{SPAN}\s(?:in\b(?!\s\w)|late\b|into\s(?:the\s)?(?:impact|start|"
        r"incident|errors|failures|outage))",
        rf"took\s{FEW}?{SPAN}\s(?:before|until)\s(?:any\w*|some\w*|we|us|an?|the)\s(?:\w+\s)?"
        r"(?:noticed|knew|saw|fired|paged|detected|was told|were told|was aware|looked)",
        rf"\bwe\s(?:knew|learn\w+)\s(?:of it\s)?(?:only\s)?{SPAN}\sin\b(?!\s\w)",
        r"(?:unnoticed|undetected|unknown|unseen|(?<=we were )in the dark|unaware)\sfor\s"
        rf"{FEW}?{SPAN}",
        rf"{SPAN}\s(?:later|after the start),?\s{FEW}(?:alert|monitor|page)\s(?:fired|came)",
        rf"\breported\s(?:(?:the|any)\s)?(?:it|errors?|failures?|problem|trouble)\s{FEW}?{SPAN}\safter\s"
        r"(?:it|they|that)\s(?:had\s)?(?:begun|began|started)",
    ),
    *_claims(
        "time to acknowledge",
        "time_to_acknowledge",
        rf"acknowledged\s{FEW}?(?:after|within|in)\s{FEW}?{SPAN}",
        rf"took\s{FEW}?{SPAN}\sto\sacknowledge",
        r"(?:page|alert|alarm)\s(?:\w+\s)?(?:sat|waited|rang|lay|unanswered|unacknowledged|"
        r"ignored)\s"
        rf"(?:\w+\s)?(?:for\s)?{FEW}?{SPAN}",
        r"(?:picked up|answered|responded to|reacted to)\s(?:(?:it|(?:the\s|our\s)?(?:page|alert|"
        r"alarm))"
        rf"\s)?(?:after|within|in)\s{FEW}?{SPAN}",
    ),
    *_claims(
        "time to mitigate",
        "time_to_mitigate duration",
        rf"mitigated\s{FEW}?(?:after|within|in)\s{FEW}?{SPAN}",
        rf"took\s{FEW}?{SPAN}\sto\smitigate",
        r"(?:fix|rollback|mitigation|workaround|hotfix|failover)\s(?:was|went)\s(?:out|live|"
        rf"in place|deployed|done)\s(?:after|within|in)\s{FEW}?{SPAN}(?!\s(?:of|after|and)\b)",
    ),
    *_claims(
        "time to resolution",
        "resolution_time duration",
        rf"\b(?:resolved|restored|(?:we|it|service|everything|fully|was|were|incident|all|"
        rf"system\w*|site|platform)\s(?:\w+\s)?recovered)\s{FEW}?(?:after|within|in)\s{FEW}?{SPAN}"
        r"(?!\s(?:of|without)\b)",
        rf"took\s{FEW}?{SPAN}\sto\s(?:resolve|recover|restore)",
        rf"\b{DAMAGE.replace('outage', 'outage|problem|issue|failure')}\s(?:was|were|had been|"
        rf"got)\s"
        rf"(?:\w+\s)?(?:fixed|solved|over|gone|cured|under control|dealt with)\s(?:after|within|"
        rf"in)\s"
        rf"{FEW}?{SPAN}",
        rf"\b(?:fixed|solved|cured)\s(?:it|this|everything|the\s(?:{DAMAGE}|problem|issue|"
        rf"errors?))\s"
        rf"(?:after|within|in)\s{FEW}?{SPAN}",
        rf"\b(?:everything|service|things?|checkout|it)\s(?:was|were)\s(?:back|fine|normal|over|"
        rf"working)\s"
        rf"(?:\w+\s)?(?:after|within|in)\s{FEW}?{SPAN}",
        rf"(?:time to (?:resolve|recover|resolution|recovery)|MTTR|TTR)(?:\s(?:was|of|is)|:)\s"
        rf"{FEW}?{SPAN}",
        rf"\b(?:resolution|recovery)\stook\s{FEW}?{SPAN}(?!\sfrom\b)",
    ),
    *_claims(
        "error budget consumed",
        "budget_consumed slo_impact",
        rf"\b(?:consum|burn|us[ei]|eat|ate\b|took\b|spen|cost)\w*\s{FEW}{SHARE}\sof\s{FEW}budget",
        rf"{SHARE}\sof\s{FEW}budget\s{FEW}(?:consumed|used|burned|burnt|spent|gone)",
    ),
    *_claims(
        "error budget remaining",
        "budget_remaining",
        rf"{SHARE}\sof\s{FEW}budget\s{FEW}(?:remain\w*|left)",
        rf"\b(?:left|leav\w+|kept)\s(?:[\w’'-]+\s){{0,2}}?with\s{FEW}?{SHARE}\sof\s{FEW}budget",
        rf"budget\s(?:remaining|left)(?:\s(?:is|was|of)|:)\s{FEW}?{SHARE}",
        rf"budget\s(?:was|is|had)\s(?:still\s)?(?:at\s)?{SHARE}\s(?:remaining|left)",
    ),
    *_claims(
        "SLO target",
        "slo_target",
        rf"(?:SLO|SLO target|objective)\s(?:of|is|was|target of)\s{SHARE}",
        rf"{SHARE}\s(?:\w+\s)?(?:SLO|objective)\b",
    ),
    *_claims(
        "SLO achievement",
        "slo_actual",
        rf"achiev\w+\s{FEW}{SHARE}",
        rf"\b(?:over|in)\s(?:the\s)?(?:last\s|past\s)?(?:28|30)\sdays,?\s{SHARE}\sof\s(?:the\s|all\s)?"
        r"(?:\w+\s)?requests\s(?:succeeded|went through|were\s(?:good|served|answered))\b",
    ),
    *_claims(
        "support tickets",
        "tickets",
        rf"{FEW_OF}\s(?:support|customer)\stickets",
        rf"\b(?:most|half|all|none|some|many|a third)\sof\s(?:the|our|all)\s{NUMBER}\stickets\b",
        rf"{FEW_OF}\stickets\s(?:reached|came|arrived|poured|flooded|landed)\b",
        r"support\s(?:\w+\s)?(?:saw|got|received|had|counted|handled|registered|took)\s(?:\w+\s)?"
        rf"{FEW_OF}\s(?:(?<!no )new\s)?tickets",
    ),
    *_claims(
        "complaints",
        "complaints",
        rf"{FEW_OF}\sof (?:them|these|those|all)\s(?:had\s|have\s|ever\s)?complained\b",
        rf"(?<!or )(?<!and ){FEW_OF}\s(?:customer\s)?complaints?\b"
        r"(?!\s(?:from|about|on|of|was|were|said|named|came|(?:for|in) every|per)\b)",
    ),
    *_claims("mentions", "mentions", rf"{NUMBER}\s(?:social media\s)?mentions"),
    *_claims(
        "engineering hours",
        "engineering_hours",
        rf"{NUMBER}\s(?:engineering|engineer|person|staff)[\s-]hours",
    ),
    *_claims(
        "customers notified",
        "customers_notified",
        rf"(?:notified|emailed|e-mailed|wrote to)\s{FEW}?{NUMBER}\s{FEW}{PEOPLE}",
        rf"{NUMBER}\s(?:\w+\s)?{PEOPLE}\s{FEW}(?:notified|emailed|e-mailed|informed|phoned|texted)\b",
        rf"{NUMBER}\s(?:\w+\s)?{PEOPLE}\s(?:were\s|got\s|had been\s)?(?:told|written to|an?|our)\s"
        r"(?:\w+\s){0,2}?(?:by\s|in\san?\s)?(?:e-?mail|text message|letter|SMS)\b",
    ),
)
"""What is read in prose. Only phrases that can mean nothing else: a missed contradiction costs less
than a reviewer who cries wolf."""

NOT_THIS = re.compile(
    r"(?:\b(?:would|should|might|unless|if|used to|previous\w*|next|last (?:year|quarter|month)|"
    r"the year before|in 20\d\d|each|every|average)|\bINC-\d+)\b[^.;\n]*$",
    re.IGNORECASE,
)
"""Before a figure or a severity: it is none of this incident, “next quarter the SLO of …”."""
NOT_AFTER = re.compile(r"[^.;\n]{0,30}?\bwould\b", re.IGNORECASE)
AGAIN = re.compile(r"\b(?:as well|again|false|second|third|another|other|too)\b", re.IGNORECASE)
"""In a sentence: it is not the first alert of which it tells."""

SEV = re.compile(r"\b(?:SEV|severity)[-\s]?(?P<digit>\d)\b", re.IGNORECASE)
OTHER_BEGINNINGS = re.compile(
    r"\b(?:deploy\w*|roll-?out|roll\w*|release|investigat\w*|roll-?back|migration|mitigation|recover\w*|"
    r"monitor\w*|work|maintenance|canary|backfill|job|call|review|restarts?|restore|import|window|test\w*|fix|"
    r"waves?|sales?|shift|phase|updat\w+|upgrad\w+|campaign|batch\w*|resend|reset|meeting|"
    r"trace|span|query)\b",
    re.IGNORECASE,
)
"""What begins at another time than the incident: “the investigation started at 14:26”."""
COUNTED_THEN = re.compile(r"\b\d+\sof\s\d+\s[^.;\n]*$")
"""Before a beginning: it is of things, “7 of 12 hosts had started”."""

SUPPOSED = re.compile(
    r"^\W*(?:(?:and|but|so)\s)?had\s(?!(?:been|already|just|also|then)\b)[\w’'-]+\s|"
    r"\b(?:if|unless|suppose|would|could) (?!not\b)",
    re.IGNORECASE,
)
"""In a clause: it tells of what might have been, “had we rolled back at 05:38”."""

FAMILY: Mapping[str, tuple[str, ...]] = {
    "mitigated": ("Mitigation Deployed",),
    "recovered": ("Mitigation Deployed", "Partial Recovery", "Full Recovery"),
}
"""Moment that comes in steps → those of the timeline that its word may mean."""

FAILED_OVER = r"(?:(?<=\bwe )|(?<=\bwas )|(?<=\bwere )|(?<=\band ))failed over|failed \w+ over"
"""How somebody fails over: a database that does it by itself is part of what happened."""
VERBS: Mapping[str, str] = {
    "start": r"(?<!was )(?<!were )(?<!been )(?:started|began|starting|beginning)",
    "detected": r"detected|alert fired|monitor fired|monitor alerted|noticed|"
    r"(?:we|on-call|engineer) (?:were |was )?(?:paged|alerted)",
    "acknowledged": r"acknowledged(?!\s(?:all|every|each|our|their|the|\d[\d,]*)\s(?!(?:[\w-]+\s)"
    r"{0,2}?(?:pages?|alerts?|alarms?|incident|calls?|notifications?)\b)[a-z])|"
    r"(?:picked up|answered|took) the (?:page|alert|alarm|pager)",
    "mitigated": rf"mitigated|rolled (?:[\w-]+ )?back|reverted|{FAILED_OVER}|"
    r"rollback (?:was )?(?:deployed|finished|completed?)",
    "recovered": "recovered|restored|back to normal|"
    r"(?:everything|it|service|all) (?:was|were) (?:all )?(?:over|fine|normal)|"
    r"back (?:up|online|in (?:service|business)|on (?:its|their|our) feet)|"
    r"last (?:of the )?errors? (?:\w+ed|was gone|went away)|"
    r"(?:outage|incident|degradation|disruption|impact) (?:ended|was over)|"
    r"full recovery(?: was)?(?: reached| complete| came| followed)?",
    "resolved": "resolved",
}
CLOCKS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(
        rf"\b(?:{verbs})\s(?:\w+\s){{0,2}}?(?:at|around|about|by)\s(?:about\s|around\s)?{CLOCK}",
        re.IGNORECASE,
    )
    for name, verbs in VERBS.items()
}
"""Moment → how a clock time in prose speaks of it."""

OVER: Mapping[re.Pattern[str], tuple[str, ...]] = {
    re.compile(
        r"\b(?:work\w*|restored|resolved|back|recovered|(?:processed|delivered|accepted|answered|"
        r"available|possible|reachable|served|sent|running|up)(?=\sagain))\s(?:again\s|normally\s)*since\s"
        rf"(?:about\s)?{CLOCK}",
        re.IGNORECASE,
    ): ("Mitigation Deployed", "Partial Recovery", "Full Recovery", "Incident Declared Resolved"),
    re.compile(
        rf"\b(?:normal\w*|fine|fully\s\w+)\s(?:again\s)?since\s(?:about\s)?{CLOCK}",
        re.IGNORECASE,
    ): ("Full Recovery", "Incident Declared Resolved"),
    re.compile(
        rf"\b(?:by|at)\s{CLOCK},?\s(?:it|everything|all)\s(?:was|were)\s(?:all\s)?(?:over|fine|"
        r"normal|back to normal|working again)\b",
        re.IGNORECASE,
    ): ("Full Recovery", "Incident Declared Resolved"),
}
"""How a sentence says since when all worked again → the steps that it may mean."""

WINDOW = re.compile(
    rf"\b(?:from|between)\s(?P<first>{CLOCK})(?:\son\s(?:\w+\s)?\d{{1,2}}\s[A-Z][a-z]+)?\s?"
    r"(?:to|until|till|and|-|–)\s?(?P<last>"
    + CLOCK.replace("<clock>", "<clock2>").replace("<half>", "<half2>").replace("<zone>", "<zone2>")
    + ")",
    re.IGNORECASE,
)
ONE_CLOCK = re.compile(CLOCK, re.IGNORECASE)

LOOSE_MINUTES = 5
"""Minutes that a time in prose may differ: people round."""
EXACT_MINUTES = 2
"""The same for a time that is no multiple of five minutes: nobody rounds to it."""
