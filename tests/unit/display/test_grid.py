"""Tables that fit a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamtap._display.cells import cells
from streamtap._display.grid import Column, Grid, lay_out, tables_text

COLUMNS = (
    Column('agent'),
    Column('runs'),
    Column('nested', 1),
    Column('p95', 2, name='run p95'),
    Column('cost'),
    Column('with called', 1),
)
ROWS = [('support', '12', '0', '1.20 s', '$0.0049', '$0.0049'), ('total', '12', '0', '1.20 s', '$0.0049', '$0.0049')]
GRID = Grid(COLUMNS, ROWS, has_total=True)


def text(grid: Grid, width: int | None) -> str:
    return tables_text([grid], [], width)


ALL = (
    'agent    runs  nested     p95     cost  with called\n'
    '-------  ----  ------  ------  -------  -----------\n'
    'support    12       0  1.20 s  $0.0049      $0.0049\n'
    'total      12       0  1.20 s  $0.0049      $0.0049'
)


def test_where_there_is_room_it_has_all_columns():
    """And without a width it always does."""
    assert text(GRID, None) == text(GRID, 51) == text(GRID, 200) == ALL


def test_the_columns_of_the_least_worth_are_left_out_first():
    """Those of the same worth together; a line says which, and from which width on they are there."""
    assert text(GRID, 50) == (
        'agent    runs     p95     cost\n'
        '-------  ----  ------  -------\n'
        'support    12  1.20 s  $0.0049\n'
        'total      12  1.20 s  $0.0049\n'
        '\n'
        'left out at 50 columns (51 show all): nested, with\n'
        'called'
    )
    assert text(GRID, 29) == (
        'agent    runs     cost\n'
        '-------  ----  -------\n'
        'support    12  $0.0049\n'
        'total      12  $0.0049\n'
        '\n'
        'left out at 29 columns (51\n'
        'show all): nested, run p95,\n'
        'with called'
    )


def test_what_says_nothing_is_left_out_before_all_else():
    """A column without any figure, and one with the figures of another; those that always stay do."""
    columns = (
        Column('agent'),
        Column('cost'),
        Column('with called', 9, beside='cost'),
        Column('runs', 1),
        Column('other', 9),
    )
    same = Grid(columns, [('a', '$1', '$1', '1', '-'), ('b', '-', '-', '2', '-')])
    assert lay_out(same, 20).left_out == ['with called', 'other']
    assert lay_out(Grid(columns, [('a', '$1', '$2', '1', '1 limit')]), 34).left_out == ['runs']
    assert lay_out(same, None).left_out == []


def test_one_that_stays_is_left_out_where_no_row_says_anything_in_it():
    """Before one of little worth; not where `-` tells that there is none."""
    columns = (Column('a'), Column('tokens/s'), Column('runs', 1), Column('failed', tells_none=True), Column('in', 9))
    silent = Grid(columns, [('x', '-', '1', '-', '-'), ('y', '-', '2', '-', '-')])
    assert lay_out(silent, 23).left_out == ['tokens/s', 'in']
    assert lay_out(silent, 25).left_out == ['in']
    assert lay_out(Grid(columns, [('x', '7', '1', '-', '-')]), 21).left_out == ['runs', 'in']
    assert lay_out(Grid(columns, []), 5).left_out == ['runs', 'in'], 'without a row nothing is known yet'


def test_each_table_says_what_it_lacks():
    """Those of the same name together."""
    grids = [Grid(COLUMNS, ROWS, name=name) for name in ('agents', 'labels', 'agents')]
    assert tables_text(grids, [], 50).splitlines()[-2:] == [
        'left out at 50 columns (51 show all): of agents',
        'nested, with called; of labels nested, with called',
    ]


def test_where_the_necessary_columns_do_not_fit_long_names_stand_above():
    """Then there is room for others again; a name that fits stays on its line, and no number is cut."""
    grid = Grid(COLUMNS, [('a-name-that-is-long', '12', '0', '1.20 s', '$0.0049', '$0.0049'), *ROWS])
    assert text(grid, 32) == (
        'agent    runs     p95     cost\n'
        '-------  ----  ------  -------\n'
        'a-name-that-is-long\n'
        '           12  1.20 s  $0.0049\n'
        'support    12  1.20 s  $0.0049\n'
        'total      12  1.20 s  $0.0049\n'
        '\n'
        'left out at 32 columns (63 show\n'
        'all): nested, with called'
    )


def test_a_name_longer_than_the_line_takes_several():
    """It is broken at its joints; nothing is ever cut."""
    grid = Grid(COLUMNS[:2], [('a-name-that-is-longer-than-that', '12')])
    assert text(grid, 20) == 'agent\n  runs\n  ----\na-name-that-is-\nlonger-than-that\n    12'


def test_what_does_not_fit_one_line_takes_several():
    """As narrow as the terminal may be; a line without anything in it is none."""
    grid = Grid(COLUMNS, [('support', '12', '0', '1.20 s', '$0.0049', '-'), ('editor', '3', '', '', '', '')])
    assert str(lay_out(grid, 12)) == ('agent\n  runs\n     cost\n  -------\nsupport\n    12\n  $0.0049\neditor\n     3')


def test_a_heading_longer_than_the_names_stands_above():
    """It is no reason to leave a column out."""
    grid = Grid((Column('cost of a run with those that it called'), *COLUMNS[1:]), ROWS)
    assert text(grid, 51).splitlines() == [
        'cost of a run with those that it called',
        '         runs  nested     p95     cost  with called',
        *ALL.splitlines()[1:],
    ]


def test_characters_of_two_cells_are_aligned():
    """They are counted as a terminal shows them."""
    grid = Grid(COLUMNS[:2], [('東京', '1'), ('other', '22')])
    assert str(grid) == 'agent  runs\n-----  ----\n東京      1\nother    22'


def test_a_table_without_headings_is_its_rows():
    """With words at the left, and columns as wide as they should be at least."""
    grid = Grid((Column(''), Column('', least=6), Column('', to_left=True)), [('a', '1', 'runs'), ('b', '20', 'waits')])
    assert str(lay_out(grid, None)) == 'a       1  runs\nb      20  waits'


def test_a_table_of_names_is_no_wider_than_the_terminal():
    """With one column only."""
    shown = str(lay_out(Grid(COLUMNS[:1], [('a-name-that-is-long',), ('editor',)]), 10))
    assert shown == 'agent\n------\na-name-\nthat-is-\nlong\neditor'


def test_a_word_longer_than_the_line_takes_several_too():
    """Such as the second name of a row."""
    grid = Grid((Column('budget'), Column('of', to_left=True)), [('failed <= 1%', 'a-name-that-is-longer-than-that')])
    assert text(grid, 20) == ('budget\n  of\n  ------------------\nfailed <= 1%\n  a-name-that-is-\n  longer-than-that')


def test_words_longer_than_the_line_take_several():
    """No name in them is cut; the other lines of the row stay as they are."""
    grid = Grid(
        (Column('run'), Column('took'), Column('mostly', to_left=True)),
        [('a-run', '2.00 s', '42 % waiting for gpt (researcher)'), ('another', '1.00 s', 'text')],
    )
    assert [line.rstrip() for line in text(grid, 22).splitlines()] == [
        'run',
        '    took',
        '  mostly',
        '  --------------------',
        'a-run',
        '  2.00 s',
        '  42 % waiting for gpt',
        '  (researcher)',
        'another',
        '  1.00 s',
        '  text',
    ]


NUMBERS = st.from_regex(r'[0-9]{1,9}', fullmatch=True)


@given(
    st.lists(st.tuples(st.text('ab東e\N{COMBINING ACUTE ACCENT}', max_size=90), *[NUMBERS] * 5), max_size=5),
    st.integers(20, 220),
)
def test_nothing_is_wider_than_the_terminal_and_no_number_is_cut(rows: list[tuple[str, ...]], width: int):
    """Whatever the names are."""
    layout = lay_out(Grid(COLUMNS, rows), width)
    shown = str(layout)
    assert all(cells(line) <= width for line in shown.splitlines())
    kept = [place for place, column in enumerate(COLUMNS) if (column.name or column.heading) not in layout.left_out]
    for number, row in enumerate(rows):
        pieces = {piece.column: piece.text.strip() for line in layout.lines for piece in line if piece.row == number}
        assert [pieces[place] for place in kept[1:]] == [row[place] for place in kept[1:]]


def test_words_leave_room_for_the_figures_beside_them():
    """Only the row whose words are long takes several lines, and no figure leaves its column."""
    grid = Grid(
        (Column(''), Column(''), Column('', to_left=True), Column('')),
        [
            ('support', '1.20 s', 'runs check_warehouse_stock_and_dates', '4 tokens'),
            ('a', '307 ms', 'waits', '~11 tokens'),
        ],
    )
    assert text(grid, 50) == (
        'support  1.20 s  runs check_warehouse_    4 tokens\n'
        '                 stock_and_dates\n'
        'a        307 ms  waits                  ~11 tokens'
    )


def test_an_id_is_never_broken():
    """It is copied; names that have no room beside it stand above."""
    ids = (Column('failure'), Column('newest run', to_left=True, is_id=True))
    grid = Grid(ids, [('ModelHTTPError_503', '01a22ed7-8a1d-74fd-acad-bb54c9c54033')])
    assert text(grid, 50) == (
        'failure\n'
        '  newest run\n'
        '  ------------------------------------\n'
        'ModelHTTPError_503\n'
        '  01a22ed7-8a1d-74fd-acad-bb54c9c54033'
    )


WRAPPED = Grid(
    (
        Column('slowest run'),
        Column('took'),
        Column('began', 1, to_left=True),
        Column('mostly', to_left=True),
    ),
    [('planner 01a23068-e798', '10.15 s', '12-01 07:01:51', '69 % function:gpt-4o-mini stalled (pricing)')],
    name='slowest runs',
    wraps=True,
)
"""A table of words."""


def test_words_that_wrap_take_several_lines_before_a_column_is_left_out():
    """Then names stand above, and only then a column goes: a wider line never has fewer columns."""
    assert text(WRAPPED, 80) == (
        'slowest run               took  began           mostly\n'
        '---------------------  -------  --------------  --------------------------------\n'
        'planner 01a23068-e798  10.15 s  12-01 07:01:51  69 % function:gpt-4o-mini\n'
        '                                                stalled (pricing)'
    )
    assert text(WRAPPED, 60) == (
        'slowest run\n'
        '     took  began           mostly\n'
        '  -------  --------------  ---------------------------------\n'
        'planner 01a23068-e798\n'
        '  10.15 s  12-01 07:01:51  69 % function:gpt-4o-mini stalled\n'
        '                           (pricing)'
    )
    lacking = [lay_out(WRAPPED, width).left_out for width in range(20, 120)]
    assert lacking == sorted(lacking, key=len, reverse=True)
    assert 'left out at 46 columns (47 show all): began' in text(WRAPPED, 46)
    assert lay_out(WRAPPED, 47).left_out == []


def test_the_line_says_from_which_width_on_all_tables_have_all_columns():
    """Also one that has all where it is narrower, as its names stand above there."""
    names_above = Grid(COLUMNS[:2], [('a-name-of-some-length', '12')])
    both = tables_text([WRAPPED, names_above, GRID], [], 46)
    assert 'left out at 46 columns (51 show all)' in ' '.join(both.split())
