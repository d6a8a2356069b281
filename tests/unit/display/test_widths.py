"""From which width of a page on a column is shown."""

from __future__ import annotations

from streamtap._display.grid import Column, Grid
from streamtap._display.widths import LEAST, MOST, shown_from, width_rules

COLUMNS = (
    Column('model'),
    Column('failed', tells_none=True),
    Column('tokens/s', 2),
    Column('p50', 3),
    Column('p95'),
    Column('cost', 1),
)


def test_what_is_worth_least_needs_the_widest_page():
    """And what must stay is always there."""
    row = ('provider:a-model', '3 errors, 2 timeouts', '81', '401 ms', '4.04 s', '$0.00241')
    *_, tokens, p50, p95, cost = shown_from(Grid(COLUMNS, [row]))
    assert p95 is None
    assert p50 is not None
    assert tokens is not None
    assert cost is not None
    assert LEAST <= p50 < tokens < cost < MOST


def test_what_says_nothing_needs_the_widest_page_of_all():
    """Also where it would stay otherwise, but for dashes that tell that there is none."""
    row = ('provider:a-model-of-the-house', '-', '-', '401 ms', '-', '$0.00241')
    _, failed, tokens, _, p95, cost = shown_from(Grid(COLUMNS, [row]))
    assert failed is None
    assert p95 is not None
    assert tokens is not None
    assert cost is not None
    assert cost <= p95 <= tokens


def test_long_names_leave_the_others_room():
    """They are broken at their joints: one of a hundred characters needs no more room than its longest part."""
    short, long = (Grid(COLUMNS, [(name, '1', '2', '3', '4', '5')]) for name in ('abcdefgh', 'abcdefgh-' * 12))
    assert shown_from(long) == shown_from(short)


def test_a_column_that_is_wider_than_any_page_is_shown_on_a_wide_one():
    """Where the table is scrolled: nothing is out of reach."""
    row = ('m', '1', '2', '3 errors ' * 40, '4', '5')
    assert shown_from(Grid(COLUMNS, [row]))[3] == MOST


def test_each_width_has_a_rule():
    """That hides a column below it, and shows what is said of it."""
    row = ('provider:a-model', '3 errors, 2 timeouts', '81', '401 ms', '4.04 s', '$0.00241')
    rules = width_rules()
    for width in filter(None, shown_from(Grid(COLUMNS, [row]))):
        hidden, said = f'.from-{width} {{ display: none; }}', f'.below-{width} {{ display: revert; }}'
        assert f'(max-width: {width - 0.02:g}px) {{ {hidden} {said} }}' in rules
