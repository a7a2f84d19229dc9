"""Estimates: one figure of the impact from one source, and whether several sources agree.

A figure that people state is an estimate too; its source begins with ``stated``. What evidence and
timeline say stands beside it: nothing is chosen silently, nothing scaled up. A source that saw only
a part gives a lower bound, one that lists failures above all an upper bound of their share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

TOLERANCE = 0.05
"""Share of the larger by which two sources may differ and still agree."""

NEAR_WHOLE: frozenset[str] = frozenset({"slo_target", "slo_actual"})
"""Percentages near 100, of which the distance to 100 counts: 99.9 allows twice what 99.95 does."""

STATED: Mapping[str, tuple[str, str]] = {
    "affected_total": ("affected_users", "users"),
    "affected_share": ("affected_share", "%"),
    "failed_requests": ("failed_requests", "requests"),
    "revenue_loss": ("revenue_loss", "$"),
    "slo_target": ("slo_target", "%"),
    "slo_actual": ("slo_actual", "%"),
    "budget_consumed": ("budget_consumed", "%"),
    "budget_remaining": ("budget_remaining", "%"),
    "engineering_hours": ("engineering_hours", "hours"),
}
"""Blank that people fill → the figure it states, and its unit."""

AT_LEAST = "at least"
"""What stands before a lower bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One figure from one source. ``low`` and ``high`` are its interval where it has one.

    ``lower_bound``: the source saw only a part; ``upper_bound``: it lists failures above all.
    ``parts`` split the value by what ``split`` names, for example by region. ``of`` names what it
    is about where there are several of the kind, such as a second SLO: only figures of the same are
    compared.
    """

    name: str
    value: float
    unit: str
    source: str
    definition: str
    low: float | None = None
    high: float | None = None
    lower_bound: bool = False
    upper_bound: bool = False
    parts: tuple[tuple[str, float], ...] = ()
    split: str = ""
    of: str = ""

    @property
    def is_stated(self) -> bool:
        """Whether a person stated it."""
        return self.source.startswith("stated")

    @property
    def label(self) -> str:
        """The figure's name in words: ``Failed requests``."""
        words = self.name.replace("_", " ")
        return f"{words[:1].upper()}{words[1:]}".replace("Slo ", "SLO ")

    def limited(self, *parts: str) -> Estimate:
        """Return it as the lower bound that it is where its source saw only a part, as told."""
        said = [part for part in parts if part]
        if not said:
            return self
        return replace(self, definition="; ".join([self.definition, *said]), lower_bound=True)

    def is_from(self, name: str) -> bool:
        """Whether it comes from the evidence of this name."""
        return self.source == f"evidence: {name}" or self.source.startswith(f"evidence: {name}, ")

    def __repr__(self) -> str:
        return f"<{self.name}: {self.words} ({self.source})>"

    @property
    def words(self) -> str:
        """The value with its unit, and its interval where it has one."""
        return f"{f'{AT_LEAST} ' * self.lower_bound}{worded(self.value, self.unit)}" + (
            f" ({worded(self.low, self.unit)} to {worded(self.high, self.unit)})"
            if self.low is not None and self.high is not None
            else ""
        )


def stated(facts: Mapping[str, object]) -> Iterator[Estimate]:
    """Yield the figures that people stated, in the order of `STATED`."""
    for blank, (name, unit) in STATED.items():
        value = facts.get(blank)
        if isinstance(value, (int, float)) and value == value:  # noqa: PLR0124 - NaN is unknown
            yield Estimate(
                name=name,
                value=float(value),
                unit=unit,
                source=f"stated: {blank}",
                definition=str(facts.get("revenue_method") or "as stated")
                if unit == "$"
                else "as stated",
            )


def best(found: Iterable[Estimate], name: str) -> Estimate | None:
    """Return the computed estimate of a figure that counts: a whole one before a lower bound."""
    fits = [each for each in found if each.name == name and not (each.is_stated or each.of)]
    whole = (each for each in fits if not each.lower_bound)
    return next(whole, max(fits, key=lambda each: each.value, default=None))


def compare(found: Sequence[Estimate]) -> list[tuple[Estimate, Estimate]]:
    """Return the pairs of one figure that disagree by more than 5 % of the larger.

    A lower bound disagrees only with what is smaller than it, an upper one with what is larger.
    """
    pairs = ((a, b) for a, b in combinations(found, 2) if a.name == b.name and a.of == b.of)
    return [(a, b) for a, b in pairs if _apart(a, b)]


def others_than(best: Estimate, found: Iterable[Estimate]) -> list[tuple[str, Estimate]]:
    """Return what other sources say that cannot be left unsaid beside a figure.

    Of a part, the other parts: none of them is the whole. Of a whole, what contradicts it.
    """
    rivals = [each for each in found if each.name == best.name and not (each.is_stated or each.of)]
    if best.lower_bound:
        parts = [each for each in rivals if each.lower_bound and not same(each.value, best.value)]
        return [("another part", each) for each in parts]
    return [("another source", each) for each in rivals if _apart(best, each)]


def agreeing(found: Sequence[Estimate]) -> list[bool | None]:
    """Return for each estimate whether all of its figure agree; None where it stands alone."""
    apart = {id(each) for pair in compare(found) for each in pair}
    names = [(each.name, each.of) for each in found]
    return [
        id(each) not in apart if names.count(name) > 1 else None
        for each, name in zip(found, names, strict=True)
    ]


def worded(value: float, unit: str) -> str:
    """Return a value with its unit as a person writes it: 2,188 requests; 1 user; 47 %; $29,400."""
    if unit == "$":
        return f"{'−' if value < 0 else ''}${abs(value):,.0f}"
    if unit == "%":
        return f"{_plain(value, 3 if 90 <= value < 100 else 2)} %"
    shown = _plain(value, 1)
    return f"{shown} {unit.removesuffix('s') if shown == '1' else unit}".strip()


def least(value: float) -> float:
    """Return a lower bound to a tenth, rounded down: above the value it would be none."""
    return math.floor(10 * value + 1e-9) / 10


def same(one: float, other: float) -> bool:
    """Return whether two values read the same when the finer is rounded like the coarser."""
    decimals = min(_decimals(one), _decimals(other))
    return round(one, decimals) == round(other, decimals)


def _plain(value: float, decimals: int) -> str:
    """Return a number rounded, thousands parted, without zeros at its end."""
    shown = f"{value:,.{decimals}f}"
    shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return shown.replace("-", "−")


def _decimals(value: float) -> int:
    """Return the digits after the point of a number as it is written shortest."""
    exponent = Decimal(repr(float(value))).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _apart(one: Estimate, other: Estimate) -> bool:
    """Return whether two estimates cannot both hold."""
    if same(one.value, other.value):
        return False
    sizes = [abs(each.value) for each in (one, other)]
    if one.name in NEAR_WHOLE:
        sizes = [100 - size for size in sizes]
    if abs(one.value - other.value) <= TOLERANCE * max(sizes):
        return False
    smaller, larger = sorted((one, other), key=lambda each: each.value)
    return not (smaller.lower_bound or larger.upper_bound)
