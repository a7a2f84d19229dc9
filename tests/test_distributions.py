"""Spread, intervals and counts, against worked figures and second methods."""

import math
import random
import statistics

import pytest

from postmortem_nb import distributions

# eight durations in minutes of which one is a giant: the mean says nothing of a usual incident
SKEWED = [12, 18, 22, 25, 31, 40, 55, 480]


def test_the_worked_example():
    got = distributions.spread(SKEWED)
    assert (got.n, got.mean, got.median) == (8, 683 / 8, 28)
    assert got.q1 == pytest.approx(18 + 0.75 * 4)  # place 0.25·7 = 1.75
    assert got.q3 == pytest.approx(40 + 0.25 * 15)  # place 0.75·7 = 5.25
    assert got.p90 == pytest.approx(55 + 0.3 * 425)  # place 0.9·7 = 6.3


def test_the_interval_is_that_of_a_plain_bootstrap():
    """The same resampling without numpy: ends agree as far as 4,000 draws can say."""
    chance = random.Random(1)  # noqa: S311 - draws, not secrets
    drawn = [chance.choices(SKEWED, k=8) for _ in range(4_000)]
    got = distributions.spread(SKEWED)
    for low, high, figure in (
        (got.mean_low, got.mean_high, statistics.fmean),
        (got.median_low, got.median_high, statistics.median),
    ):
        ends = statistics.quantiles([figure(each) for each in drawn], n=40, method="inclusive")
        assert low == pytest.approx(ends[0], rel=0.08)
        assert high == pytest.approx(ends[-1], rel=0.08)


def test_order_and_repetition_change_nothing():
    assert distributions.spread(SKEWED) == distributions.spread(SKEWED[::-1])


def test_equal_values_have_no_width():
    got = distributions.spread([7.0] * 9)
    assert {got.mean, got.median, got.q1, got.p90, got.mean_low, got.median_high} == {7.0}


@pytest.mark.parametrize("values", [[], [90.0]])
def test_one_value_is_no_mean(values):
    got = distributions.spread(values)
    assert got == distributions.Spread(n=len(values))


def test_a_few_values_have_a_middle_but_no_interval():
    got = distributions.spread([10, 20, 60, 90])
    assert (got.mean, got.median) == (45, 40)
    assert (got.q1, got.p90, got.mean_low, got.median_high) == (None,) * 4


@pytest.mark.parametrize("count", [0, 1, 3, 10, 100])
def test_poisson_ends_leave_a_tail_of_a_fortieth(count):
    low, high = distributions.poisson(count)

    def chance(mean, upto):
        return sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(upto + 1))

    assert chance(high, count) == pytest.approx(0.025, abs=1e-9)
    if count:
        assert 1 - chance(low, count - 1) == pytest.approx(0.025, abs=1e-9)
    else:
        assert (low, high) == (0, pytest.approx(-math.log(0.025)))
