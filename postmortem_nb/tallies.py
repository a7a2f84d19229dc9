"""The figures of the impact: what people stated, what evidence says, and which one is shown.

A stated figure is shown and keeps the computed one beside it where they differ; where none is
stated the computed one counts; where there is neither, the figure is unknown and says why. All the
measures of an incident are made here: `measures`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from postmortem_nb import metrics, slo
from postmortem_nb.estimates import (
    AT_LEAST,
    NEAR_WHOLE,
    Estimate,
    best,
    least,
    others_than,
    same,
    worded,
)
from postmortem_nb.metrics import Measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from postmortem_nb.budget import Spending
    from postmortem_nb.metrics import Facts, Interval


@dataclass(frozen=True, slots=True)
class Found:
    """What timeline and evidence say of the impact, and why a figure is not among it.

    ``budgets`` are the SLOs that were asked, the incident's own first; ``impact`` the intervals
    that all is counted over. A ``silent`` one belongs to an edition that tells no sources.
    """

    estimates: Sequence[Estimate] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    budgets: Sequence[Spending] = ()
    impact: tuple[Interval, ...] = ()
    silent: bool = False

    @property
    def answers(self) -> list[str]:
        """Names of the frozen answers that figures come from, each once."""
        sources = (each.source.partition(", ")[0] for each in self.estimates)
        named = (
            each.removeprefix("evidence: ") for each in sources if each.startswith("evidence: ")
        )
        return list(dict.fromkeys(named))


NOTHING = Found()


def gapped(found: Found) -> tuple[Interval, ...]:
    """Return the impact's intervals where there are several, so that charts know of the gaps."""
    return found.impact if len(found.impact) > 1 else ()


class Tally(NamedTuple):
    """A figure: its measure's name and label, unit, definition as stated, and what would give it.

    ``stated`` are the facts that state it, the first that is there counts.
    """

    name: str
    label: str
    figure: str
    unit: str
    meaning: str
    stated: tuple[str, ...]
    lacks: str


_USERS = "no frozen answer holds user ids and failures of the impact window"
_SLO = "there is no SLO evidence; get_datadog_slo(slo_id=…) gives it"
_CONSUMED = "share of the SLO window's error budget consumed by this incident"

QUICK: tuple[Tally, ...] = (
    Tally(
        "affected_users",
        "Affected Users",
        "affected_users",
        "users",
        "distinct users with at least one failed event in the impact window",
        ("affected_total",),
        _USERS,
    ),
    Tally(
        "failed_requests",
        "Failed Requests",
        "failed_requests",
        "requests",
        "requests that ended in an error between impact start and impact end",
        ("failed_requests",),
        "no frozen answer counts errors in the impact window",
    ),
    Tally(
        "revenue_loss",
        "Revenue Impact",
        "revenue_loss",
        "$",
        "direct revenue loss; no calculation method is stated",
        ("revenue_loss",),
        "there is no revenue of the same hours of other weeks; get_datadog_revenue(metric=…) "
        "gives it",
    ),
    Tally(
        "slo_impact",
        "SLO Impact",
        "budget_consumed",
        "%",
        _CONSUMED,
        ("slo_impact", "budget_consumed"),
        _SLO,
    ),
)
"""The figures of the template's Quick Stats that are no durations."""

FURTHER: tuple[Tally, ...] = (
    Tally(
        "affected_total",
        "Total affected users",
        "affected_users",
        "users",
        "distinct users with at least one failed event in the impact window",
        ("affected_total",),
        _USERS,
    ),
    Tally(
        "affected_share",
        "Percentage of user base",
        "affected_share",
        "%",
        "share of the user base, as stated",
        ("affected_share",),
        "no frozen answer holds users with and without failures in the impact window",
    ),
    Tally("slo_target", "SLO target", "slo_target", "%", "as stated", ("slo_target",), _SLO),
    Tally(
        "slo_actual",
        "Actual achievement",
        "slo_actual",
        "%",
        "as stated",
        ("slo_actual",),
        _SLO,
    ),
    Tally(
        "budget_consumed",
        "Error budget consumed",
        "budget_consumed",
        "%",
        _CONSUMED,
        ("budget_consumed",),
        _SLO,
    ),
    Tally(
        "budget_remaining",
        "Error budget remaining",
        "budget_remaining",
        "%",
        "100·(achieved − target) ÷ (100 − target)",
        ("budget_remaining",),
        _SLO,
    ),
    Tally(
        "burn_rate",
        "Burn rate",
        "burn_rate",
        "×",
        "error ratio in the impact window ÷ (1 − target)",
        (),
        _SLO,
    ),
    Tally(
        "engineering_hours",
        "Engineering hours",
        "engineering_hours",
        "hours",
        "as stated",
        ("engineering_hours",),
        "the timeline names nobody with a time",
    ),
)
"""Figures of Impact Analysis."""


SHOWN: frozenset[str] = frozenset(
    {
        *("affected_total", "affected_share", "failed_requests", "revenue_loss", "slo_impact"),
        *("slo_target", "slo_actual", "budget_consumed", "budget_remaining"),
        "engineering_hours",
    }
)
"""Blanks that a document fills with the computed figure where nobody stated one."""


def offered(measure: Measure) -> Any:
    """Return what a document shows where nobody stated a figure: the computed one, rounded."""
    return None if measure.source.startswith("stated") else rounded(measure)


def rounded(measure: Measure) -> float | None:
    """Return the computed value as a person would type it."""
    decimals = {"%": 3 if measure.name in NEAR_WHOLE else 2}.get(measure.unit, 0)
    found = measure.computed
    if found is not None and measure.unit == "hours":
        return least(found)
    return None if found is None else round(found, decimals) if decimals else float(round(found))


def told(measure: Measure) -> str:
    """Return the computed value with its unit."""
    if measure.computed is None:
        return ""
    return f"{f'{AT_LEAST} ' * measure.lower_bound}{worded(measure.computed, measure.unit)}"


def measures(facts: Facts, found: Found = NOTHING) -> dict[str, Measure]:
    """Return every measure by name, the template's Quick Stats first, in their order.

    Parameters
    ----------
    facts
        what the incident states, and its moments
    found
        what timeline and evidence say; without it, only what is stated is known

    """
    durations = metrics.derive(facts)
    quick = ("duration", "detection_time", "resolution_time", "mttd", "mttr")
    whole = Found([*found.estimates, *_by_definition(facts, found)], found.reasons)
    tallied = {each.name: _tallied(each, facts, whole) for each in (*QUICK, *FURTHER)}
    users, part = tallied["affected_users"], tallied["affected_share"]
    tallied["affected_users"] = _with_share(users, part, whole.estimates)
    ordered = [
        *quick,
        *(each.name for each in QUICK),
        "follow_up",
        *(name for name in durations if name not in {*quick, "follow_up"}),
        *(each.name for each in FURTHER),
    ]
    known = durations | tallied
    return {name: known[name] for name in ordered}


def _by_definition(facts: Facts, found: Found) -> list[Estimate]:
    """Return the remaining budget where only target and achievement are stated."""
    target, actual = facts.slo_target, facts.slo_actual
    if best(found.estimates, "budget_remaining") or target is None or actual is None:
        return []
    if not 0 < target < 100:
        return []
    return [
        Estimate(
            name="budget_remaining",
            value=slo.remaining(actual, target),
            unit="%",
            source="SLO target and achievement, as stated",
            definition="100·(achieved − target) ÷ (100 − target)",
        )
    ]


def _tallied(tally: Tally, facts: Facts, found: Found) -> Measure:
    """Return the measure of a figure: stated, else computed, else unknown."""
    stated = ((name, getattr(facts, name)) for name in tally.stated)
    name, typed = next(((n, v) for n, v in stated if v is not None), ("", None))
    computed = best(found.estimates, tally.figure)
    blank = Measure(
        name=tally.name,
        label=tally.label,
        unit=tally.unit,
        definition=tally.meaning,
        source="",
    )
    if typed is not None:
        return _stated(blank, name, typed, computed, facts)
    if computed is not None:
        others = others_than(computed, found.estimates)
        beside = [_limits(computed), *(f"{what}: {each.words}" for what, each in others)]
        value = round(computed.value) if computed.unit in {"users", "requests"} else computed.value
        return replace(
            blank,
            value=value,
            computed=computed.value,
            counted=_counted(computed),
            origin=computed.source,
            definition=f"{f'{AT_LEAST}: ' * computed.lower_bound}{_counted(computed)}"
            + "".join(f"; {what}: {each.words} ({_short(each)})" for what, each in others),
            source=computed.source,
            parts=(computed.value,),
            beside="; ".join(dict.fromkeys(each for each in beside if each)),
            lower_bound=computed.lower_bound,
        )
    names = " or ".join(tally.stated)
    why = found.reasons.get(tally.figure, tally.lacks)
    return replace(
        blank,
        source=f"stated: {names}" if names else "",
        missing=f"not stated, and {why}" if names else why,
    )


def _stated(
    blank: Measure, name: str, typed: float, computed: Estimate | None, facts: Facts
) -> Measure:
    """Return a stated figure, the computed one beside it where they differ."""
    method = facts.revenue_method if name == "revenue_loss" else ""
    names = f"{name}, revenue_method" if method else name
    known = replace(
        blank,
        value=typed,
        parts=(typed,),
        definition=method or blank.definition,
        source=f"stated: {names}",
    )
    if computed is None:
        return known
    differs = not same(typed, computed.value)
    if computed.lower_bound and computed.value <= typed:
        differs = False
    words = f"computed {_number(computed)} from {_origin(computed.source)}"
    return replace(
        known,
        computed=computed.value,
        counted=_counted(computed),
        origin=computed.source,
        differs=differs,
        lower_bound=computed.lower_bound,
        beside=words if differs else "",
        source=f"{known.source}; {words}",
    )


def _with_share(users: Measure, share: Measure, found: Sequence[Estimate]) -> Measure:
    """Return the affected users with their share as second part, its denominator named.

    A share of another number of users than the one that is shown is none of it.
    """
    if not isinstance(users.value, (int, float)) or isinstance(share.value, str):
        return users
    first, part = float(users.value), share.value
    own = (e.value for e in found if e.name == "affected_users" and e.source == share.source)
    if not isinstance(part, (int, float)) or not same(next(own, first), first):
        return replace(users, parts=(first, None))
    origin = "" if share.source.startswith("stated") else f" ({share.source})"
    of = (share.counted if origin else share.definition).removeprefix("share ")
    return replace(
        users,
        parts=(first, round(part, 1)),
        definition=f"{users.definition}; in brackets the share {of}{origin}",
    )


def _counted(computed: Estimate) -> str:
    """Return how a figure was computed, its interval with it."""
    bound = "" if computed.lower_bound else _interval(computed)
    return f"{computed.definition}{f': {bound}' * bool(bound)}"


def _interval(computed: Estimate) -> str:
    """Return what limits a computed figure: its interval, or that it is a lower bound."""
    if computed.low is not None and computed.high is not None and computed.low != computed.high:
        low, high = (worded(value, computed.unit) for value in (computed.low, computed.high))
        return f"{low} to {high}"
    return AT_LEAST if computed.lower_bound else ""


def _limits(computed: Estimate) -> str:
    """Return what a reader is told of a computed figure that stands alone."""
    bound = _interval(computed)
    if computed.lower_bound:
        return f"computed: {AT_LEAST}, its source saw only a part"
    return f"computed: {bound}" if bound else ""


def _short(computed: Estimate) -> str:
    """Return which answer a figure is from, without its query."""
    return computed.source.partition(", ")[0]


def _number(computed: Estimate) -> str:
    """Return a computed value as it stands in brackets: its unit is in the words around."""
    plain = worded(computed.value, computed.unit if computed.unit in {"$", "%"} else "")
    bound = _interval(computed)
    return f"{plain}, {bound}," if bound else plain


def _origin(source: str) -> str:
    """Return a source in a sentence: ``evidence impact``."""
    return source.replace("evidence: ", "evidence ", 1).replace("timeline: ", "the timeline: ", 1)
