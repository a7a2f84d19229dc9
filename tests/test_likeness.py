"""TF-IDF and cosine: a score worked by hand, and reasons that are true."""

import math

import pytest

from postmortem_nb import likeness
from postmortem_nb.likeness import Said


def said(text="", services=(), factors=()):
    return Said(services=tuple(services), factors=tuple(factors), text=text)


def test_the_score_is_the_worked_one():
    found = likeness.rank(said("alpha beta"), [said("alpha gamma"), said("delta")])
    # three documents; alpha is in two, beta and gamma in one: idf = ln(4/(1+df)) + 1
    common, rare = math.log(4 / 3) + 1, math.log(4 / 2) + 1
    assert [(place, like.score) for place, like in found] == [
        (0, pytest.approx(common**2 / (common**2 + rare**2), abs=1e-4))
    ]


def test_the_same_words_are_wholly_alike_and_a_copy_comes_first():
    one = said("Connection pool exhausted", ["checkout"], ["Pool size"])
    others = [
        said("pool", ["search"]),
        said("Connection pools exhausted", ["Checkout"], ["pool-size"]),
    ]
    found = likeness.rank(one, others)
    assert [place for place, _ in found] == [1, 0]
    best = found[0][1]
    assert best.score == pytest.approx(1, abs=1e-3)
    assert (best.services, best.factors) == (["checkout"], ["Pool size"])
    assert set(best.terms) >= {"connection", "pool", "exhausted"}
    assert best.words().startswith("service: checkout; factor: Pool size; words: ")


def test_a_shared_service_counts_more_than_a_shared_word():
    one = said("latency", ["checkout"])
    found = likeness.rank(one, [said("latency", ["search"]), said("memory", ["checkout"])])
    assert [place for place, _ in found] == [1, 0]


@pytest.mark.parametrize("text", ["", "the and with", "a b c 12 34", "<>|{}"])
def test_what_says_nothing_is_like_nothing(text):
    assert likeness.rank(said(text), [said(text), said("pool")]) == []


def test_repeating_a_word_a_thousand_times_does_not_win():
    one = said("certificate expired in the gateway")
    found = likeness.rank(one, [said("certificate " * 1_000), said("gateway certificate expired")])
    assert found[0][0] == 1
