"""Numbers as people read them."""

from __future__ import annotations

from streamtap._display.text import dollars


def test_small_costs_keep_their_digits():
    """Whatever is cut, a cost never becomes another one."""
    costs = (0.0, 1.5, 0.25, 0.0005, 0.0004, 0.0000123, 0.00000045, None)
    assert [dollars(cost) for cost in costs] == [
        '$0.0000', '$1.50', '$0.2500', '$0.0005', '$0.000400', '$0.000012', '$0.00000045', '-'
    ]  # fmt: skip
