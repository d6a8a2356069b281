"""Numbers as people read them."""

from __future__ import annotations

from streamtap._display.text import dollars, outcome_counts, percentage, plural
from support.costs import COSTS


def test_a_cost_has_cents_and_a_small_one_three_digits():
    """As many as a person reads; one that is rounded up to a dollar is shown as one."""
    assert [dollars(cost) for cost in COSTS] == list(COSTS.values())
    assert dollars(None) == '-'


def test_a_share_that_is_not_0_is_not_shown_as_0():
    """Where its first decimal is 0."""
    shares = (0.0, 0.00031, 0.00049, 0.0005, 0.5, 1.0, None)
    assert [percentage(share) for share in shares] == ['0.0%', '<0.1%', '<0.1%', '0.1%', '50.0%', '100.0%', '-']


def test_several_have_a_plural():
    """Of outcomes those that are things, such as errors; they stand in the same order whatever came first."""
    outcomes = {'success': 9, 'error': 12, 'limit': 1, 'cancelled': 2, 'timeout': 1200}
    assert outcome_counts(outcomes) == '12 errors, 2 cancelled, 1,200 timeouts, 1 limit'
    assert [plural(number, 'request') for number in (0, 1, 2)] == ['0 requests', '1 request', '2 requests']
