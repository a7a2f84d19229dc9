"""Which incidents are alike, and why: TF-IDF and cosine over words, services and factors.

The well-known method (Salton and Buckley 1988), with the smooth idf that scikit-learn documents:
a term's weight is ``(1 + ln tf) × (ln((1 + N)/(1 + df)) + 1)``, vectors are scaled to length 1 and
two incidents' score is the sum of their products, 0 to 1. Terms are words of three letters or more
in lower case, without those that say nothing and without a plural's *s*; a service and a
contributing factor are terms of their own, of `SERVICE` and `FACTOR` times the weight.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb.masking import Known, mask

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVICE = 2.0
FACTOR = 2.0
TERMS_SHOWN = 6
"""Shared words that a result names: those that count most."""

_WORD = re.compile(r"[^\W\d_]\w{2,}")
_MASKED = re.compile(r"\[masked: [\w -]+\]")
_EMPTY = frozenset(
    """about above after again all also and any are because been before being below between both but
    can could did does during each few for from had has have her here him his how into its just may
    more most not now off once one only other our out over own same she should since some such than
    that the their them then there these they this those through too two under until upon very was
    were what when where which while who why will with within without would you your
    cause caused change incident issue made make minute hour time day use used using user
    we'll""".split()  # noqa: SIM905 - words are read, and added to, as words
)


@dataclass(frozen=True, slots=True)
class Said:
    """What an incident says of itself."""

    services: tuple[str, ...]
    factors: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two incidents are, and what they share."""

    score: float
    services: list[str]
    factors: list[str]
    terms: list[str]

    def words(self) -> str:
        """Return what they share as one line, for a reader: secrets masked."""
        named = (
            ("service" if len(self.services) == 1 else "services", self.services),
            ("factor" if len(self.factors) == 1 else "factors", self.factors),
            ("words", self.terms),
        )
        return mask("; ".join(f"{name}: {', '.join(shared)}" for name, shared in named if shared))


def rank(one: Said, others: Sequence[Said]) -> list[tuple[int, Likeness]]:
    """Return the others that share anything, by their place, the most alike first."""
    counted = [_terms(said) for said in (one, *others)]
    vectors = _vectors(counted)
    found = []
    for place, vector in enumerate(vectors[1:]):
        products = {term: vectors[0][term] * vector[term] for term in vectors[0].keys() & vector}
        if products:
            found.append((place, _likeness(one, products)))
    return sorted(found, key=lambda pair: (-pair[1].score, pair[0]))


def _likeness(one: Said, products: dict[tuple[str, str], float]) -> Likeness:
    """Return a score with its reasons, each kind in the order in which it counts."""
    ordered = sorted(products, key=lambda term: (-products[term], term))
    shared = {kind: [word for of, word in ordered if of == kind] for kind in _KINDS}
    spelt = {_plain(name): name for name in (*one.services, *one.factors)}
    return Likeness(
        score=min(1.0, round(math.fsum(products.values()), 4)),
        services=[spelt[word] for word in shared["service"]],
        factors=[spelt[word] for word in shared["factor"]],
        terms=shared["word"][:TERMS_SHOWN],
    )


_KINDS = ("service", "factor", "word")
_WEIGHTS = {"service": SERVICE, "factor": FACTOR, "word": 1.0}


def _terms(said: Said) -> Counter[tuple[str, str]]:
    """Return the terms of an incident and how often each occurs."""
    found = Counter(("service", _plain(name)) for name in set(said.services))
    found.update(("factor", _plain(name)) for name in set(said.factors))
    # a secret is no word: alone, without what tells that it is one, nothing would mask it
    told = "\n".join((*said.factors, said.text))
    text = _MASKED.sub(" ", Known.of((*said.services, told)).mask(told)).casefold()
    found.update(("word", stem) for word in _WORD.findall(text) if (stem := _stem(word)))
    return found


def _plain(name: str) -> str:
    """Return a name as it is compared: case, spaces and punctuation do not count."""
    return " ".join(re.findall(r"\w+", name.casefold())) or name


def _stem(word: str) -> str:
    """Return a word without its plural; nothing for one that says nothing."""
    plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    bare = word[:-1] if plural else word
    return "" if word in _EMPTY or bare in _EMPTY or len(bare) < 3 else bare


def _vectors(counted: Sequence[Counter[tuple[str, str]]]) -> list[dict[tuple[str, str], float]]:
    """Return each incident's weights, scaled to length 1."""
    seen = Counter(term for terms in counted for term in terms)
    rarity = {term: math.log((1 + len(counted)) / (1 + n)) + 1 for term, n in seen.items()}
    made = []
    for terms in counted:
        weights = {
            term: (1 + math.log(n)) * rarity[term] * _WEIGHTS[term[0]] for term, n in terms.items()
        }
        length = math.sqrt(math.fsum(weight * weight for weight in weights.values())) or 1.0
        made.append({term: weight / length for term, weight in weights.items()})
    return made
