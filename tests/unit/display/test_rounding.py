"""Figures in data for programs, as a person would round them."""

from __future__ import annotations

import math

import pytest

from streamtap._display.rounding import rounded


@pytest.mark.parametrize(
    ('number', 'shown'),
    [
        (0.1 + 0.2, '0.3'),
        (1 / 3, '0.333333'),
        (0.000123456789, '0.000123457'),
        (1234.56789, '1234.568'),
        (-98765.43219, '-98765.432'),
        (2.0, '2.0'),
        (0.0, '0.0'),
        (5e-324, '5e-324'),
        (1e15, '1000000000000000.0'),
        (123456789, '123456789'),
        (math.inf, 'inf'),
    ],
)
def test_a_figure_has_six_digits_and_a_count_all(number: float, shown: str):
    """A large one at least a thousandth, as sums of money have."""
    assert repr(rounded(number)) == shown


def test_all_figures_of_data_are_rounded():
    """However deep they are; what is no number is as it was."""
    assert rounded({'a': [1 / 3, {'b': (2 / 3, True)}], 'c': None, 'd': '0.30000000000000004'}) == {
        'a': [0.333333, {'b': [0.666667, True]}],
        'c': None,
        'd': '0.30000000000000004',
    }
