"""Quantiles within 1 %, in little memory."""

from __future__ import annotations

import pytest

from streamtap._records.sketch import Sketch


def sketch(*values: float) -> Sketch:
    made = Sketch()
    for value in values:
        made.add(value)
    return made


def test_the_least_and_the_greatest_value_are_exact():
    """So that the 95th percentile of fewer than 20 values, which is the greatest, is the one that stands beside it."""
    values = [10.528, *(1.0 + number / 7 for number in range(18))]
    assert (sketch(*values).quantile(0.95), sketch(*values).quantile(0.05)) == (10.528, 1.0)
    assert [sketch(0.1, 0.33, 10.528).quantile(share) for share in (0.0, 0.33, 0.5, 0.67, 1.0)] == [
        0.1,
        0.1,
        pytest.approx(0.33, rel=0.01),
        10.528,
        10.528,
    ]
    assert sketch().quantile(0.5) is None
