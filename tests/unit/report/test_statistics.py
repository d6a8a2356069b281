"""The intervals of quantiles and shares: exact for independent values, and wider where those of a run are alike."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest

from streamtap._report.binomial import at_least, at_most
from streamtap._report.statistics import confidence_of, quantile, share


def summed(successes: int, trials: int, chance: float) -> float:
    """The probability of so many successes or fewer, term by term."""
    return sum(math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(successes + 1))


@pytest.mark.parametrize('trials', [1, 2, 7, 60, 400])
@pytest.mark.parametrize('chance', [0.001, 0.05, 0.5, 0.95])
def test_the_tails_of_the_binomial_distribution_are_its_sums(trials: int, chance: float):
    """Both of them, for every number of successes."""
    for successes in range(trials + 1):
        assert at_most(successes, trials, chance) == pytest.approx(summed(successes, trials, chance), abs=1e-10)
        above = 1 - summed(successes - 1, trials, chance)
        assert at_least(successes, trials, chance) == pytest.approx(above, abs=1e-10)


def test_the_tails_end_where_there_can_be_no_more():
    """Fewer than none, more than all, and what is certain."""
    assert (at_most(-1, 5, 0.5), at_most(5, 5, 0.5), at_most(0, 5, 0.0), at_most(4, 5, 1.0)) == (0.0, 1.0, 1.0, 0.0)
    assert (at_least(6, 5, 0.5), at_least(0, 5, 0.5), at_least(5, 5, 1.0), at_least(1, 5, 0.0)) == (0.0, 1.0, 1.0, 0.0)


def test_between_whole_numbers_the_tails_are_between():
    """As where values are worth fewer, which need be no whole number; also of very many."""
    falling = [at_least(successes, 10.5, 0.4) for successes in (2, 2.5, 3, 3.5)]
    assert all(before > after for before, after in pairwise(falling))
    assert at_most(950_000, 1_000_000, 0.95) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ('verdicts', 'q', 'fewest'), [(1, 0.5, 6), (1, 0.95, 72), (80, 0.5, 12), (80, 0.95, 158), (15, 0.95, 125)]
)
def test_an_interval_has_both_ends_from_so_many_values_on(verdicts: int, q: float, fewest: int):
    """The more verdicts there are, the more values each needs: the figures are in docs/report.md."""
    for count, is_whole in ((fewest - 1, False), (fewest, True)):
        found = quantile([float(number) for number in range(count)], q, confidence=confidence_of(verdicts))
        assert found is not None
        assert (math.isfinite(found.low) and math.isfinite(found.high)) is is_whole


def test_one_failure_of_ten_does_not_prove_that_more_than_one_in_a_hundred_fail():
    """It happens in one of ten such samples; two failures do prove it."""
    one, two = share([1.0] + 9 * [0.0]), share(2 * [1.0] + 8 * [0.0])
    assert one is not None
    assert two is not None
    assert one.low == pytest.approx(1 - 0.975 ** (1 / 10))
    assert one.low < 0.01 < two.low


def test_values_that_are_the_same_within_each_run_are_worth_as_many_as_there_are_runs():
    """Ten of each of thirty runs: the interval is that of thirty values, and a little more."""
    thirty = sorted(random.Random(3).random() for _ in range(30))
    alone = quantile(thirty, 0.5)
    repeated = quantile(
        [value for value in thirty for _ in range(10)], 0.5, runs=[n for n in range(30) for _ in range(10)]
    )
    assert alone is not None
    assert repeated is not None
    assert (repeated.low <= alone.low, repeated.high >= alone.high) == (True, True)
    assert repeated.low >= thirty[thirty.index(alone.low) - 1]
    assert repeated.high <= thirty[thirty.index(alone.high) + 1]


def test_values_that_are_independent_within_a_run_are_worth_what_they_are():
    """Nothing is lost where a run has one value, and next to nothing where it has several."""
    values = [float(number) for number in range(200)]
    assert quantile(values, 0.5, runs=range(200)) == quantile(values, 0.5)
    shuffled = random.Random(5).sample(range(200), 200)
    mixed = quantile(values, 0.5, runs=[number % 40 for number in shuffled])
    alone = quantile(values, 0.5)
    assert mixed is not None
    assert alone is not None
    assert mixed.high - mixed.low <= 1.25 * (alone.high - alone.low)


def test_few_runs_tell_less_of_how_alike_their_values_are():
    """Twelve hundred values that are not alike: the fewer runs they are of, the wider the interval is."""
    values, chance = [float(number) for number in range(1200)], random.Random(5)
    widths: list[float] = []
    for runs in (1200, 40, 8, 4):
        found = quantile(values, 0.5, runs=chance.sample([number % runs for number in range(1200)], 1200))
        assert found is not None
        widths.append(found.high - found.low)
    assert all(before < after for before, after in pairwise(widths))
    assert widths[-1] > 1.5 * widths[0]


def test_one_run_proves_nothing():
    """However many requests it made, and whether all of them failed."""
    slow = quantile([float(number) for number in range(500)], 0.5, runs=[1] * 500)
    failed = share([1.0] * 500, runs=[1] * 500)
    assert slow is not None
    assert failed is not None
    assert (slow.low, slow.high) == (-math.inf, math.inf)
    assert (failed.low, failed.high) == (pytest.approx(0.025, abs=1e-6), 1.0)


@pytest.mark.parametrize('q', [0.5, 0.95])
def test_the_interval_holds_the_true_quantile_where_values_of_a_run_are_alike(q: float):
    """The end that fails a budget is beyond it in about the 2.5 of 100 samples that are allowed, the other in a few more.

    As if they were independent, one of both would be in 15 and more.
    """
    chance = random.Random(11)
    spread = math.hypot(1.0, 0.5)
    true = math.exp(spread * {0.5: 0.0, 0.95: 1.6448536}[q])
    above = below = unaware = 0
    for _ in range(400):
        pairs: list[tuple[float, int]] = []
        for run in range(40):
            factor = chance.lognormvariate(0, 1.0)
            pairs += [(factor * chance.lognormvariate(0, 0.5), run) for _ in range(chance.randint(1, 12))]
        pairs.sort()
        values, runs = [value for value, _ in pairs], [run for _, run in pairs]
        aware, as_if = quantile(values, q, runs=runs), quantile(values, q)
        assert aware is not None
        assert as_if is not None
        above, below = above + (aware.low > true), below + (aware.high < true)
        unaware += as_if.low > true or as_if.high < true
    assert above <= 0.035 * 400
    assert below <= 0.065 * 400
    assert unaware >= 0.15 * 400
