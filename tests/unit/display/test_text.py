"""Numbers as people read them."""

from __future__ import annotations

from streamtap._display.text import dollars, outcome_counts, percentage, plural, rate
from support.costs import COSTS


def test_a_cost_has_cents_and_a_small_one_three_digits():
    """As many as a person reads; one that is rounded up to a dollar is shown as one."""
    assert [dollars(cost) for cost in COSTS] == list(COSTS.values())
    assert dollars(None) == '-'


def test_a_share_is_rounded_neither_to_none_nor_to_all():
    """As on the live page."""
    shares = {
        0.0: '0.0%',
        0.00031: '<0.1%',
        0.00099: '<0.1%',
        0.001: '0.1%',
        0.4567: '45.7%',
        0.9997: '99.9%',
        1.0: '100.0%',
    }
    assert {share: percentage(share) for share in shares} == shares
    assert percentage(None) == '-'


def test_a_slow_speed_has_a_decimal():
    """So that it is not shown as 0."""
    speeds = {0.04: '<0.1', 0.33: '0.3', 2.0: '2', 9.94: '9.9', 9.96: '10', 54.6: '55'}
    assert {speed: rate(speed) for speed in speeds} == speeds


def test_several_have_a_plural():
    """Of outcomes those that are things, such as errors; they stand in the same order whatever came first."""
    outcomes = {'success': 9, 'error': 12, 'limit': 1, 'cancelled': 2, 'timeout': 1200}
    assert outcome_counts(outcomes) == '12 errors, 2 cancelled, 1,200 timeouts, 1 limit'
    assert [plural(number, 'request') for number in (0, 1, 2)] == ['0 requests', '1 request', '2 requests']
