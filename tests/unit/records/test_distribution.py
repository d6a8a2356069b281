"""The fine histogram."""

from __future__ import annotations

import itertools
import random
import statistics

import pytest

from streamtap import Distribution
from streamtap._records.distribution import BOUNDS, empty_counts
from streamtap._records.sketch import Sketch
from streamtap._sinks.metrics.catalogue import BUCKETS


def test_no_bucket_is_wider_than_five_percent():
    """Neighbouring bounds differ by at most 5 %."""
    assert max(high / low for low, high in itertools.pairwise(BOUNDS)) <= 1.05


def test_a_quantile_is_true_within_five_percent():
    """Quantiles of random values agree with the exact ones within the width of a bucket."""
    source = random.Random(7)
    values = [source.lognormvariate(-3, 1) for _ in range(5001)]
    exact = statistics.quantiles(values, n=20, method='inclusive')
    found = Distribution.of_values(values)
    assert found.quantile(0.5) == pytest.approx(exact[9], rel=0.05)
    assert found.quantile(0.95) == pytest.approx(exact[18], rel=0.05)


def test_a_steady_pace_of_20_ms_reads_as_20_ms():
    """A median between two of the coarse bounds is not pulled to either."""
    assert Distribution.of_values([0.0202] * 99).quantile(0.5) == pytest.approx(0.0202, rel=0.05)


@pytest.mark.parametrize('letter', ['I', 'C'])
def test_folding_is_exact_at_the_bounds_of_the_catalogue(letter: str):
    """A value that equals a bound is counted at or below it, one just above is not."""
    bounds = BUCKETS[letter]
    for place, bound in enumerate(bounds):
        folded = Distribution.of_values([bound, bound * 1.000001]).fold(bounds)
        expected = [0] * (len(bounds) + 1)
        expected[place] += 1
        expected[place + 1] += 1
        assert list(folded) == expected


def test_folding_loses_nothing():
    """The folded counts add up to the number of values, extremes included."""
    values = [0.0, 1e-9, 1e-6, 0.5, 9e9, float('inf')]
    assert sum(Distribution.of_values(values).fold((0.1, 1.0))) == len(values)


def test_nothing_counted_has_no_quantile():
    """An empty distribution answers with None, not with 0."""
    assert Distribution.of_counts(empty_counts()).quantile(0.5) is None
    assert Sketch().quantile(0.5) is None


def test_a_share_outside_0_to_1_is_refused():
    """A percentile such as 95 instead of 0.95 is an error that says so."""
    with pytest.raises(ValueError, match='from 0 to 1, not 95'):
        Distribution().quantile(95)


def test_a_sketch_leaves_out_what_was_not_observed():
    """None is no value."""
    sketch = Sketch()
    for value in (None, 0.1, None, 0.1):
        sketch.add(value)
    assert sketch.quantile(1) == 0.1
