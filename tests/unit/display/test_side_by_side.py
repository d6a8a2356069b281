"""Figures side by side, and how they are shown where there is no room for all of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtap._display.cells import cells
from streamtap._display.grid import Column, tables_text
from streamtap._display.side_by_side import SideBySide

NAMES = 'billing/fetch_invoice', 'support/check_warehouse_stock_and_delivery_dates', 'support/lookup_order'
TABLE = SideBySide(
    [Column('tool'), *map(Column, NAMES)],
    [('tool calls', '9', '6', '26'), ('tool duration p50', '301 ms', '2.20 s', '151 ms')],
    name='tool',
)
WIDE = f"""\
tool               {'  '.join(NAMES)}
-----------------  ---------------------  ------------------------------------------------  --------------------
tool calls                             9                                                 6                    26
tool duration p50                 301 ms                                            2.20 s                151 ms"""
TURNED = """\
tool                                              tool calls  tool duration p50
------------------------------------------------  ----------  -----------------
billing/fetch_invoice                                      9             301 ms
support/check_warehouse_stock_and_delivery_dates           6             2.20 s
support/lookup_order                                      26             151 ms"""
NAMES_ABOVE = """\
tool
  tool calls  tool duration p50
  ----------  -----------------
billing/fetch_invoice
           9             301 ms
support/check_warehouse_stock_and_delivery_dates
           6             2.20 s
support/lookup_order
          26             151 ms"""
BLOCKS = """\
tool billing/fetch_invoice
-----------------  ------
tool calls              9
tool duration p50  301 ms

tool support/check_
warehouse_stock_and_
delivery_dates
-----------------  ------
tool calls              6
tool duration p50  2.20 s

tool support/lookup_order
-----------------  ------
tool calls             26
tool duration p50  151 ms"""


@pytest.mark.parametrize(('width', 'shown'), [(None, WIDE), (112, WIDE), (80, TURNED), (50, NAMES_ABOVE), (28, BLOCKS)])
def test_where_the_columns_do_not_fit_each_value_has_its_figures_together(width: int | None, shown: str):
    """As a row where all figures fit one, else as a table of its own."""
    assert tables_text([TABLE], [], width) == shown


def test_several_tables_have_as_many_values_as_fit():
    """Each has all figures, so that nothing is left out."""
    rows = [(f'figure {number}', *map(str, range(number, number + 6))) for number in range(10)]
    table = SideBySide([Column('tenant'), *(Column(f'value-{number}') for number in range(6))], rows)
    parts = tables_text([table], [], 30).split('\n\n')
    assert [re.split('  +', part.splitlines()[0]) for part in parts] == [
        ['tenant', 'value-0', 'value-1'],
        ['tenant', 'value-2', 'value-3'],
        ['tenant', 'value-4', 'value-5'],
    ]
    assert [part.splitlines()[-1].split() for part in parts] == [
        ['figure', '9', '9', '10'],
        ['figure', '9', '11', '12'],
        ['figure', '9', '13', '14'],
    ]


@given(
    st.lists(st.text('ab-_/ ', min_size=1, max_size=70).map(str.strip), min_size=1, max_size=8), st.integers(20, 200)
)
def test_it_fits_every_terminal_and_has_every_figure(names: list[str], width: int):
    """Whatever the values are called."""
    figures = [f'{100 + number}' for number in range(2 * len(names))]
    rows = [('first', *figures[: len(names)]), ('second', *figures[len(names) :])]
    shown = tables_text([SideBySide([Column('by'), *map(Column, names)], rows)], [], width)
    assert max(map(cells, shown.splitlines())) <= width
    assert sorted(re.findall(r'\b1\d\d\b', shown)) == figures
