"""The buckets of native histograms."""

from __future__ import annotations

import math
import random
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtap import Distribution
from streamtap._sinks.prometheus.native_buckets import LOWEST_SCHEMA, MAX_BUCKETS, NativeBuckets, bucket_of

finite = st.floats(allow_nan=False, allow_infinity=False)


def counted(*values: float) -> NativeBuckets:
    buckets = NativeBuckets()
    for value in values:
        buckets.add(value)
    return buckets


def quantile(buckets: NativeBuckets, q: float) -> float:
    """As servers compute it: by interpolation on the exponential scale of the bucket."""
    rank, below = q * buckets.count, 0
    for number, count in sorted(buckets.positive.items()):
        if below + count >= rank:
            return 2.0 ** ((number - 1 + (rank - below) / count) / 2**buckets.schema)
        below += count
    raise AssertionError('no values')


def test_a_bucket_holds_its_upper_bound_and_not_its_lower_one():
    """As Prometheus defines it: 16 of them for each power of two, and 1 is the upper bound of number 0."""
    assert [bucket_of(value) for value in (0.5, 1.0, 2.0, 4.0)] == [-16, 0, 16, 32]
    assert [bucket_of(math.nextafter(value, 9)) for value in (0.5, 1.0, 2.0)] == [-15, 1, 17]
    assert bucket_of(2 ** (5 / 16)) == 5


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_a_value_lies_between_the_bounds_of_its_bucket(value: float):
    """Whatever its size."""
    number = bucket_of(value)
    assert (number - 1) / 16 - 1e-9 <= math.log2(value) <= number / 16 + 1e-9


def test_zeros_and_negative_values_have_buckets_of_their_own():
    """So that every value is counted somewhere."""
    buckets = counted(0.0, -0.0, 1e-40, 3.0, -3.0, -3.0)
    assert (buckets.zero, buckets.positive, buckets.negative) == (3, {26: 1}, {26: 2})
    assert buckets.count == 6


@given(st.lists(finite, max_size=600))
def test_buckets_are_never_many_and_lose_no_value(values: list[float]):
    """However far apart the values are."""
    buckets = counted(*values)
    assert len(buckets.positive) + len(buckets.negative) <= MAX_BUCKETS
    assert buckets.count == len(values)
    assert buckets.schema >= LOWEST_SCHEMA


def test_resolution_falls_by_halves():
    """161 buckets become 81, and each value is where that resolution would have put it at once."""
    buckets = counted(*(2 ** (number / 16) for number in range(160)))
    assert (buckets.schema, len(buckets.positive)) == (4, 160)
    buckets.add(2.0**10)
    assert (buckets.schema, len(buckets.positive)) == (3, 81)
    assert buckets.positive == {0: 1, **dict.fromkeys(range(1, 81), 2)}
    buckets.add(2**0.125)
    assert buckets.positive[1] == 3


def test_the_whole_range_of_numbers_fits():
    """At the lowest resolution."""
    buckets = counted(*(2.0**exponent for exponent in range(-120, 1024)))
    buckets.add(-1e308)
    assert (buckets.schema, buckets.count) == (-3, 1145)


@pytest.mark.parametrize('q', [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize('seed', range(5))
def test_quantiles_of_a_distribution_are_those_of_its_values(q: float, seed: int):
    """Within 1.5 %, though its buckets are no multiples of these: few values at a time, as responses bring them."""
    rng = random.Random(seed)
    scale = rng.uniform(-6, -1)
    responses = [[rng.lognormvariate(scale, 0.8) for _ in range(rng.randint(1, 60))] for _ in range(800)]
    buckets = NativeBuckets()
    for response in responses:
        buckets.add_all(Distribution.of_values(response))
    values = sorted(value for response in responses for value in response)
    assert buckets.count == len(values)
    assert quantile(buckets, q) == pytest.approx(values[math.ceil(q * len(values)) - 1], rel=0.015)


def test_a_distribution_counts_each_value_once_and_near_where_it_is():
    """Those too small or too large for it included."""
    rng = random.Random(3)
    values = [1e-9, 1e-6, 1e4, 1e7, *(10 ** rng.uniform(-6, 4) for _ in range(40))]
    buckets = NativeBuckets()
    buckets.add_all(Distribution.of_values(values))
    got = [number for number, count in sorted(buckets.positive.items()) for _ in range(count)]
    expected = sorted(bucket_of(min(max(value, 1e-6), 1.0001e4)) for value in values)
    assert all(abs(one - other) <= 1 for one, other in zip(got, expected, strict=True))


def test_counts_of_buckets_only_grow():
    """A server would take a count that falls for the restart of the process."""
    buckets, seen = NativeBuckets(), [0]
    for _ in range(50):
        buckets.add_all(Distribution.of_values([0.0203] * 3))
        seen.append(sum(count for number, count in buckets.positive.items() if number <= bucket_of(0.0203)))
    assert seen == list(accumulate(seen, max))
    assert buckets.count == 150
