"""What a sentence says was not, and the document has: “no other team was asked”, “no cost to us”.

Read as `stated` reads: each pattern means one thing, and a question to the data answers with what
contradicts it. What was not so at one moment may have been so later, so a row of the timeline is
left alone, unless it tells how all was closed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb.checks import present
from postmortem_nb.checks.claims import PEOPLE, PERSON
from postmortem_nb.checks.dates import WEEKDAYS
from postmortem_nb.checks.present import PAID
from postmortem_nb.checks.stated import Statement, denied, reader, say
from postmortem_nb.checks.statements import CHIEFS, TELLING, THROUGHOUT, informed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding

LATE = frozenset({"closed", "observation", "concerns", "final_status", "confirmed"})
"""Columns of the timeline that look back on the incident."""

OPEN = re.compile(
    r"\b(?:would|should|might|may|if|unless|until(?! (?:the (?:next|following)|now|then))|"
    r"will|when|once|while|"
    r"at first|initially|at the time|at that point|by then|so far|previous\w*|not all|not every|"
    r"nearly|almost|in the past|last (?:year|month|time|quarter)|INC-\w+|"
    r"first (?:\w+ )?(?:minutes?|hours?)|for (?:an?|\w+|\w+ \w+) (?:minutes?|hours?)|"
    r"for (?:most|much|half|part) of)\b",
    re.IGNORECASE,
)
"""In a sentence: what it denies was so for a while, or is only thought of."""

_ALWAYS = r"(?![^.;]{0,80}\b(?:after|since|before|by \d|from then|any ?more|again|yet)\b)"
"""Behind a statement: it is of the whole incident."""
_NO = (
    r"(?:no|not (?:one|a single|any)(?: of (?:the|our|these))?|none of (?:the|our)|"
    r"zero|without (?:any|an?|one)(?: single)?)"
)
_NOBODY = r"(?:nobody|no ?one|not one person|not a soul|none of us)"
_SELF = r"(?:it|this|that|everything|all of it|the (?:incident|outage|problem|disruption|trouble))"

_CHIEF = rf"(?:{CHIEFS}|(?:senior |upper )?(?:leadership|management)|directors?|leaders)"
_PART = (
    r"(?:ever |even )?(?:took (?:\w+ )?part|joined|attended|sat in|dial(?:l)?ed in|"
    r"had (?:\w+ )?part|heard|knew|"
    r"got involved|(?:was|were|had to be|needed to be) (?:ever )?(?:involved|told|informed|asked|"
    r"notified|needed|part of|on the (?:call|bridge)|brought in))"
)
_ABSENT = (
    r"(?:stayed out|kept out|(?:was|were) (?:not|never) (?:involved|told|informed|asked|notified|"
    r"part of)|(?:took|had|played) no part|never (?:joined|heard|knew|took part)|"
    r"did(?: not|n[’']t) (?:join|take part|hear|get involved))"
)

_DUE = (
    r"(?:due|paid|given|granted|owed|issued|claimed|charged|triggered|made|needed|necessary|"
    r"incurred|required)"
)

_HELP = (
    r"(?:asked|called(?: in)?|needed|paged|pulled in|brought in|involved|contacted|woken|drawn in)"
)
_SOLVED = r"(?:solved|fixed|handled|resolved|managed|dealt with|sorted(?: out)?|coped with|got)"
_ALONE = (
    r"(?:alone|on our own|by ourselves|all by ourselves|single-?handed(?:ly)?|"
    r"without (?:any )?help|"
    r"without (?:asking|calling|waking|involving|paging) any(?:one|body)(?: else)?|"
    r"without (?:any )?(?:other|another) teams?)"
)

_NAME = r"\b(?P<name>[a-z][\w’'-]+(?: [a-z][\w’'-]+)?)(?:,[^,.;]{3,60},)? "
_THERE = (
    r"(?= ?(?:[.;,]|$|and\b|so\b|at all|that (?:day|night|week)|throughout|during (?:it|the (?:"
    r"incident|outage))|in (?:it|any|this|the (?:incident|outage|response|call|mitigation|"
    r"recovery|investigation))\b))"
)
_AWAY = (
    r"(?:(?:\w+ )?leave|holidays?|vacation|a plane|a flight|sick|off|ill|away|abroad|out of office)"
)

_CAUSE = (
    r"(?:root |real |underlying |actual |exact )?cause(?: of (?:it|this|all this|"
    r"the (?:incident|outage|errors|failure|disruption)))?"
)
_UNKNOWN = r"(?:unknown|unclear|a mystery|a riddle|unexplained|open|not (?:known|understood|clear))"
_FOUND = r"(?:found|identified|established|determined|known|understood|explained|pinned down)"
_WHY = (
    r"(?:what (?:caused|triggered|went wrong|was behind|set (?:it|this) off|brought|happened|"
    r"had (?:gone wrong|happened|caused))|"
    rf"why {_SELF} (?:happened|failed|broke|started|began|occurred)|the {_CAUSE}\b)"
)

_EVENT = (
    r"(?:it|this|incident|outage|disruption|degradation|failure|impact|trouble|alert|page|call)"
    r"(?: all)? (?:happened|occurred|began|started|took place|hit|struck|was|came|fired|fell)"
)
_KIND = rf"(?P<day>weekend|weekday|working day|workday|business day|{'|'.join(WEEKDAYS)})"
_NOTICED = (
    r"(?:learn(?:ed|t)|found out|find out|noticed|heard|discovered|came to light|reali[sz]ed|"
    r"spotted|detected|knew|saw it)"
)
_NEXT = r"(?:the (?:next|following) (?:morning|day)|the (?:morning|day) after|a day later)"

_BUDGET = r"(?:error )?budget"
_SPENT = r"(?:spent|burn(?:ed|t)|used|consumed|touched|lost|eaten)"
_FOLLOWED = (
    r"(?:came|come|resulted?|followed|arose|(?:are|is|have been|has been) (?:\w+ )?(?:needed|"
    r"required|necessary|planned|agreed|proposed))(?! (?:from|by|on|at|in|for)\b)"
)
_TROUBLE = r"(?:trouble|incident|outage|failure|problem|accident|disruption)"
_CHANGE = (
    r"(?:it|(?:the|this|that) (?:\w+ )?(?:change|deploy\w*|release|migration|commit|merge|rollout|"
    r"patch|config\w*|flag|version))"
)


STATEMENTS: tuple[Statement, ...] = (
    *say(
        present.chiefs,
        rf"\b{_NO} (?:\w+ )?{_CHIEF} (?:team )?{_PART}\b",
        rf"\b{_NOBODY} (?:from|in|on|of|at|above) (?:the |our )?(?:{_CHIEF}|team leads?|lead) "
        rf"(?:team |level )?{_PART}\b",
        rf"\b{_CHIEF} (?:team )?{_ABSENT}\b",
    ),
    *say(
        informed,
        rf"\b{_NO} (?:\w+ )?{PERSON}s? (?:was|were|has been|have been) (?:ever )?{TELLING}"
        rf"{THROUGHOUT}",
        rf"\b(?:none of|not one of|no) (?:the |our |these )?(?:\w+ )?(?:{PEOPLE}|{PERSON}) "
        rf"(?:has |have |ever )*heard (?:anything |a word )?from us(?: since| so far)?{THROUGHOUT}",
        rf"\b{PEOPLE} (?:were|have been) (?:kept|left) in the dark{THROUGHOUT}",
        rf"\b(?:left|kept) (?:the |our |all )*{PEOPLE} in the dark{THROUGHOUT}",
    ),
    *say(
        present.paid,
        rf"\b{_NO} (?:[\w-]+ ){{0,2}}?{PAID} (?:was|were|is|has been|have been|had to be) "
        rf"(?:ever )?{_DUE}\b",
        rf"\b(?:did not|didn[’']t|never) (?:have to )?(?:pay|give|grant|owe|issue)(?:d|ed)? "
        rf"(?:any |an? |out |[a-z]+ )?{PAID}\b",
        rf"\b{_NOBODY} (?:ever )?(?:claimed|asked for|was paid|was owed|got) (?:an? (?:single )?"
        r"|any )?(?:penny|cent|money|anything)\b",
        r"\bnothing (?:was|had to be) (?:ever )?(?:paid|owed|refunded|reimbursed)\b",
    ),
    *say(
        present.cost,
        r"\b(?:did not|didn[’']t|never|has not) costs? (?:us|the company) (?:an? (?:single )?"
        r"(?:cent|penny|dollar|euro)|anything|any money)\b",
        r"\b(?:at|came at|had) no (?:financial )?cost(?: to (?:us|the company|the business))?"
        r"(?=[.;,]|$)",
    ),
    *say(
        present.helped,
        rf"\b{_NOBODY} (?:from )?(?:outside|beyond|other than|but|except)(?: of)? (?:the |our )?"
        rf"(?P<team>[\w&-]+)(?: team)? (?:was|had to be|needed to be) (?:ever )?{_HELP}\b",
        rf"\bno other (?:team|group|squad|department)s? (?:was|were|had to be|needed to be) "
        rf"(?:ever )?{_HELP}\b",
        rf"\bwe (?:\w+ )?{_SOLVED} (?:{_SELF} )?(?:\w+ )?{_ALONE}(?! (?:side|with|by)\b)",
    ),
    *say(
        present.escalated,
        rf"\b(?:{_SELF} )?(?:was|were) (?:never|not) escalated\b(?! (?:to|earlier|sooner|fast))",
        r"\b(?:never|did not|didn[’']t) (?:have to |need to )?escalated?\b(?! (?:to|earlier|sooner|"
        r"fast))",
        rf"\bno escalation (?:was |were )?(?:ever )?(?:needed|necessary|made|took place|happened|"
        rf"followed)\b{_ALWAYS}",
    ),
    *say(
        present.joined,
        rf"{_NAME}(?:team )?(?:was|were) (?:never|not) (?:asked|called(?: in)?|involved|contacted|"
        rf"pulled in){_THERE}",
        rf"{_NAME}(?:team )?(?:never (?:joined|took part)|did(?: not|n[’']t) (?:join|help|"
        rf"take part)){_THERE}",
    ),
    *say(
        present.acted,
        rf"{_NAME}(?:was|had been) (?:still )?(?:(?:on|out) )?{_AWAY}{_THERE}",
        rf"{_NAME}(?:had|took) the (?:day|night|week|weekend) off\b",
        rf"{_NAME}(?:took|played|had) no (?:active )?part{_THERE}",
        rf"{_NAME}(?:was|had) (?:not|never) (?:been )?(?:involved|reachable|reached|available|"
        rf"there|on the call|part of (?:it|the response)){_THERE}",
        rf"{_NAME}(?:could not be reached|did(?: not|n[’']t) (?:take part|join|help)|never "
        rf"(?:joined|took part)){_THERE}",
    ),
    *say(
        present.cause,
        rf"\bwe (?:still )?(?:do not|don[’']t|cannot|can[’']t) (?:yet |really )?(?:know|understand|"
        rf"say|tell|explain) {_WHY}",
        rf"\b(?:the|its) {_CAUSE} (?:is|remains|stays)(?: still| as yet)? {_UNKNOWN}\b",
        rf"\b(?:the|its) {_CAUSE} (?:was never|has never been|has not been|has yet to be|"
        rf"could not be|is yet to be) {_FOUND}\b",
        rf"\b{_WHY}(?: {_SELF})? (?:is|remains|stays) (?:still )?(?:{_UNKNOWN}|"
        r"any(?:one|body)[’']s guess)",
        rf"\bno (?:single )?{_CAUSE} (?:was|has been|could be) (?:ever )?{_FOUND}\b",
        rf"\b{_NOBODY} (?:knows|understands|can say|can explain|(?:ever|has) (?:found out|"
        rf"worked out|figured out|understood)) "
        rf"{_WHY}",
        whole=True,
    ),
    *say(
        present.day,
        rf"\b{_EVENT} (?:[\w-]+ ){{0,3}}?(?:over|on|at|during) (?:the|an?) (?:[\w-]+ ){{0,2}}?"
        rf"{_KIND}\b",
        rf"\b{_EVENT} (?:an?|the) (?:[\w-]+ ){{0,2}}?{_KIND}\b(?! of)",
        rf"^(?:on|over) an? (?:[\w-]+ ){{0,2}}?{_KIND}\b",
        whole=True,
    ),
    *say(
        present.soon,
        rf"\b(?:(?:only|first) {_NOTICED}|{_NOTICED}(?: of| about)? {_SELF}) (?:of |about )?"
        rf"(?:{_SELF} )?(?:only )?(?:on )?{_NEXT}(?=[.;,]|$| from\b| when\b)",
        rf"\b(?:it|(?:the )?(?:incident|outage|problem)) (?:was )?(?:only |first )*{_NOTICED} "
        rf"(?:only )?(?:on )?{_NEXT}(?=[.;,]|$| by\b)",
        rf"\b(?:{_NOBODY} (?:had )?{_NOTICED}|not {_NOTICED}|unnoticed|undetected)(?: {_SELF})? "
        r"until the (?:next|following) (?:morning|day)\b",
    ),
    *say(
        present.counted("complaints", "tickets"),
        rf"\b{_NOBODY} (?:ever )?complained\b(?! (?:that|of)| about (?!it\b|this\b)){_ALWAYS}",
        rf"\b{_NO} (?:\w+ )?{PERSON}s? (?:ever )?complained\b{_ALWAYS}",
        rf"\b{_NO} (?:\w+ )?complaints? (?:was|were|came|reached|has|have|arrived|followed|from)\b"
        rf"{_ALWAYS}",
    ),
    *say(
        present.counted("tickets"),
        rf"\b{_NO} (?:support )?tickets? (?:was|were|came|reached|has|have|arrived|got|landed)\b"
        rf"{_ALWAYS}",
        rf"\b{_NOBODY} (?:ever )?(?:opened|filed|raised|wrote) (?:an? (?:single )?|any )?"
        rf"(?:support )?tickets?\b{_ALWAYS}",
        rf"\b(?:did not|didn[’']t|never) (?:receive|get|see|got) (?:an? single|one|any|a) "
        rf"(?:support )?tickets?\b{_ALWAYS}",
    ),
    *say(
        present.counted("mentions"),
        rf"\b{_NOBODY} (?:ever )?(?:mentioned|posted|tweeted|wrote|talked)[^.;]{{0,20}}? on "
        rf"(?:social media|twitter|X|reddit|mastodon)\b{_ALWAYS}",
        rf"\b(?:not a word|not one word|{_NO} (?:\w+ )?(?:mentions?|posts?))(?: of (?:it|this))?"
        rf"(?: was| were| appeared| made)*(?: ever| seen)* on social media\b{_ALWAYS}",
        rf"\b(?:social media|twitter|reddit|mastodon) (?:stayed|was|remained|kept) "
        rf"(?:silent|quiet|calm){THROUGHOUT}",
    ),
    *say(
        present.burned,
        rf"\b(?:no|none of (?:the|our)|not (?:one|a) (?:minute|percent|bit) of (?:the|our)) "
        rf"(?!more\b)(?:[\w-]+ )?{_BUDGET} (?:was|has been|were|is) (?:ever )?{_SPENT}\b",
        rf"\b(?:the|our|its) (?:[\w-]+ )?{_BUDGET} (?:is|was|remains|remained|stayed) (?:still )?"
        r"(?:untouched|intact|full|unspent|unused|whole)\b(?! (?:for|of|in)\b)",
        rf"\b(?:did not|didn[’']t|never|without) (?:touch|cost|burn|eat into|spend|use|spending|"
        rf"touching|burning)(?:ed|ing)? (?:any of |any )?(?:the |our )?(?:[\w-]+ )?{_BUDGET}\b",
    ),
    *say(
        present.planned,
        rf"\bno (?:corrective )?(?:follow-ups?|follow-up (?:work|actions?|items?)|actions?|"
        rf"action items?) {_FOLLOWED}\b",
        r"\b(?:there is|there[’']s|we have|we see) nothing (?:for us )?to (?:change|fix|improve|"
        r"follow up|do about it)\b(?! (?:in|at|on|about|with) (?!it\b|this\b|us\b))",
        r"\bnothing (?:has|needs) to (?:be )?(?:change|changed|done|fixed|improved)\b",
        whole=True,
    ),
    *say(
        present.earlier,
        r"\b(?:it|this|that|such a (?:thing|failure|fault)|a \w+(?: \w+)?) (?:had|has) never "
        r"(?:\w+ )?(?:bitten|failed|happened|hit|hurt|occurred|broken|gone wrong|been seen|"
        r"caused trouble|struck)(?: (?:to )?(?:us|anyone))? (?:before|until (?:now|then))\b",
        rf"\b(?:the|our) (?:very )?first (?:[\w-]+ ){{0,2}}?{_TROUBLE} (?:ever|"
        r"of (?:its|this|that) (?:kind|sort)|(?:that )?we (?:have |had )?ever (?:had|saw|seen))\b",
        rf"\bfirst (?:[\w-]+ ){{1,2}}?{_TROUBLE} ever\b",
        r"\bnothing (?:like (?:this|it|that)|of the (?:kind|sort)) (?:has|had) (?:ever )?"
        r"(?:happened|occurred)\b",
        r"\b(?:this|it) (?:was|is|had) (?:the (?:very )?first (?:time|incident|outage)\b(?! in\b)|"
        r"unprecedented|without precedent)",
        r"\bnever before (?:had|has)\b",
        r"\b(?:we|nobody|none of us|no one) (?:had|have|has) never (?:ever )?(?:seen|had|met) "
        r"(?:an? |such |anything like |this|it)[^.;,]{0,50}? before\b(?! (?:noon|\d|the)\b)",
    ),
    *say(
        present.runbook,
        r"\b(?:there is|we have|there[’']s) (?:still |currently |as yet )*no runbook\b"
        r"(?: (?:for|about|on) (?:it|this|that|such\b|(?P<what>[^.;,]{3,60})))?",
        r"\bno runbook (?:exists|has been written|covers (?:it|this|that))\b",
    ),
    *say(
        present.seen,
        rf"\b{_CHANGE} (?:was |had |were )?(?:been )?(?:went out|gone out|deployed|merged|shipped|"
        r"released|rolled out|pushed|went in|went live) without (?:any |an? )?(?:\w+ )?review\b",
        rf"\b{_CHANGE} (?:was|had) (?:never|not) (?:been )?reviewed\b",
        rf"\b{_NOBODY} (?:had )?(?:ever )?reviewed {_CHANGE}\b",
    ),
)
"""Each statement with what denies it."""

_read = reader(STATEMENTS, OPEN)


def absent(case: Case) -> Iterator[Finding]:
    """Find what is said not to have been, and was."""
    for each in denied(case, _read):
        if each.table != "timeline" or each.name in LATE:
            yield each


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (absent,)
