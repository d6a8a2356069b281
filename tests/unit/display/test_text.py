"""Numbers as people read them."""

from __future__ import annotations

from streamtap._display.text import dollars, outcome_counts, plural


def test_small_costs_keep_their_digits():
    """Whatever is cut, a cost never becomes another one."""
    costs = (0.0, 1.5, 0.25, 0.0005, 0.0004, 0.0000123, 0.00000045, None)
    assert [dollars(cost) for cost in costs] == [
        '$0.0000', '$1.50', '$0.2500', '$0.0005', '$0.000400', '$0.000012', '$0.00000045', '-'
    ]  # fmt: skip


def test_several_have_a_plural():
    """Of outcomes those that are things, such as errors; the others say how something ended."""
    outcomes = {'success': 9, 'error': 12, 'limit': 1, 'cancelled': 2, 'timeout': 1200}
    assert outcome_counts(outcomes) == '12 errors, 1 limit, 2 cancelled, 1,200 timeouts'
    assert [plural(number, 'request') for number in (0, 1, 2)] == ['0 requests', '1 request', '2 requests']
