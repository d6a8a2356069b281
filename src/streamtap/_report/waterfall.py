"""A run as bars over time, on a wide page and on a phone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamtap._display.cells import cells, cut_in_the_middle
from streamtap._display.elements import element
from streamtap._display.exits import isolated, short_name
from streamtap._display.text import plural, seconds
from streamtap._report.name_room import NORMAL, PHONE, SIDE, most_cells
from streamtap._report.over_time import LEAST, scale
from streamtap._report.steps import AGAIN
from streamtap._report.waterfall_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from xml.etree.ElementTree import Element

    from streamtap._records.run_tree import RunTree
    from streamtap._report.waterfall_rows import Row

NUMBERS = 62.0
LEAST_NAMES, MOST_NAMES = 200.0, PHONE - NUMBERS
"""Where names end beside bars, as long ones need it."""

BAR = 11.0
THIN = {'run': 2.0, 'rest': 2.0, 'queue': 5.0}
"""How high bars are that are thinner than others."""

ROOM_FOR_TICK = 24.0
"""How much room the half of what stands at a tick needs."""

LINE = 13.0
"""How high a line is."""

MOST_ROWS = 60
LEAST_ENDS, MOST_ENDS = 150.0, 270.0
"""How much room there is behind bars for how something ended, as long reasons need it."""
BEHIND = 6.0
"""How far behind a bar it stands."""

KINDS = {
    'queue': 'queue',
    'waiting': 'waiting for the model',
    'thinking': 'thinking',
    'text': 'text',
    'tool_call': 'writing a tool call',
    'model': 'a response that is not streamed',
    'tool': 'a tool runs',
    'native_tool': "a provider's tool runs",
    'interrupted': 'a tool that was interrupted',
    'stall': 'a stall',
    'stall-mark': 'one of several stalls begins',
    'reader': 'the reader has its first item',
    'again': AGAIN,
    'failed': 'failed',
}
"""The classes of bars, and what they mean."""

AGAIN_MARK = '↻'


@dataclass(frozen=True, slots=True)
class Shape:
    """How a waterfall is laid out.

    Args:
        width: How wide it is.
        zero: Where the bars begin; behind the names, if these stand beside them.
        right: How much is free at the right of the bars.
        row: How high a row is.
        bars: How far below its name a bar is; 0 if it stands beside it.
        kind: Its class.
    """

    width: float
    zero: float
    right: float
    row: float
    bars: float
    kind: str

    @property
    def is_beside(self) -> bool:
        """Whether names stand beside the bars."""
        return not self.bars


WIDE = Shape(1160.0, LEAST_NAMES + NUMBERS, LEAST_ENDS, 19.0, 0.0, 'wide')
NARROW = Shape(360.0, 4.0, 6.0, 34.0, 14.0, 'narrow')
"""On a phone: names and numbers stand above the bars, so that nothing has to be scrolled."""


def waterfall(tree: RunTree, shape: Shape = WIDE) -> Element:
    """The waterfall of one run.

    Args:
        tree: The run.
        shape: How it is laid out.
    """
    rows = list(itertools.islice(rows_of(tree), MOST_ROWS))
    left_out = 1 + tree.count - len(rows) + tree.left_out
    longest = max((max(row.end, row.first_item or 0.0) for row in rows), default=0.0)
    top, ticks = scale(longest)
    if shape.is_beside:
        needed = max((row.indent + cells(row.label) * row.per_cell + 4 for row in rows), default=0.0)
        behind = max((BEHIND + cells(row.note) * NORMAL + SIDE for row in rows), default=0.0)
        names, right = min(MOST_NAMES, max(LEAST_NAMES, needed)), min(MOST_ENDS, max(LEAST_ENDS, behind))
        shape = replace(shape, zero=names + NUMBERS, right=right)
    shapes = [_with_room(shape, row) for row in rows]
    height = 20 + sum(each.row for each in shapes) + 19.0 * (left_out > 0) + 4
    per_second = (shape.width - shape.zero - shape.right) / (longest if longest > LEAST else top)
    drawn = list(_grid([tick for tick in ticks if tick <= longest * 1.001], shape, per_second, height))
    y = 20.0
    for row, its_shape in zip(rows, shapes, strict=True):
        drawn += _draw(row, y, its_shape, per_second)
        y += its_shape.row
    if left_out:
        drawn.append(element('text', f'and {plural(left_out, "more row")}', x=4, y=height - 9, class_='label dim'))
    about = (
        f'{isolated(short_name(tree.run.agent))}, {tree.run.outcome}, {seconds(tree.run.duration)}: what happened when'
    )
    view = f'0 0 {shape.width:g} {height:g}'
    return element('svg', *drawn, viewBox=view, role='group', aria_label=about, class_=shape.kind)


def legend() -> Element:
    """What the bars mean."""
    return element(
        'ul',
        *(
            element(
                'li', element('svg', _mark(kind), viewBox='0 0 14 11', class_='key', aria_hidden='true'), f' {meaning}'
            )
            for kind, meaning in KINDS.items()
        ),
        class_='legend',
    )


def _mark(kind: str) -> Element:
    if kind == 'stall-mark':
        return element('path', d='M2.5 0 h9 l-4.5 11 Z', class_='stall')
    if kind == 'again':
        return element('text', AGAIN_MARK, x=1, y=9.5, class_='again')
    if kind in ('failed', 'reader'):
        return element('line', x1=7, x2=7, y1=0, y2=11, class_=kind)
    height = THIN.get(kind, BAR)
    return element('rect', x=0, y=(BAR - height) / 2, width=14, height=height, rx=1.5, class_=f'bar {kind}')


def _grid(ticks: Sequence[float], shape: Shape, per_second: float, height: float) -> Iterator[Element]:
    for tick in ticks:
        x = shape.zero + tick * per_second
        yield element('line', x1=x, x2=x, y1=16, y2=height - 4, class_='grid')
        side = 'start' if x < ROOM_FOR_TICK else 'end' if x > shape.width - ROOM_FOR_TICK else 'middle'
        said = seconds(tick) if tick else '0'
        yield element('text', said, x=x, y=11, class_=f'tick {side}', aria_hidden='true')


def _draw(row: Row, y: float, shape: Shape, per_second: float) -> Iterator[Element]:
    yield from _named(row, y, shape)
    zero, at = shape.zero, y + shape.bars
    for bar in row.bars:
        thin = THIN.get(bar.kind, BAR)
        x, width = zero + bar.start * per_second, max(1.5, bar.duration * per_second)
        place = {'x': x, 'y': at + (BAR - thin) / 2 + 1, 'width': width, 'height': thin, 'rx': 1.5}
        yield element('rect', element('title', bar.title), class_=f'bar {bar.kind}', role='img', **place)
    for stall in row.stalls:
        x = zero + stall * per_second
        tooltip = element('title', f'a stall begins {seconds(stall)} after the start of the run')
        yield element(
            'path', tooltip, d=f'M{x - 4.5:.1f} {at - 2:.1f} h9 l-4.5 {BAR + 6:g} Z', class_='stall', role='img'
        )
    if row.again is not None:
        # Before the bar, which may be short.
        x = max(zero, zero + row.again * per_second - 12)
        yield element('text', AGAIN_MARK, element('title', AGAIN), x=x, y=at + 10, class_='again', role='img')
    if row.first_item is not None:
        x = zero + row.first_item * per_second
        tooltip = element(
            'title', f'the reader has its first item {seconds(row.first_item)} after the start of the run'
        )
        yield element('line', tooltip, x1=x, x2=x, y1=at - 1, y2=at + BAR + 3, class_='reader', role='img')
    x = zero + row.end * per_second
    if row.failed:
        yield element('line', x1=x, x2=x, y1=at - 1, y2=at + BAR + 3, class_='failed')
    if row.note and shape.is_beside:
        beyond = zero + max(row.end, *row.stalls, 0.0) * per_second + BEHIND
        kind = f'note start{_bad(row)}'
        yield element('text', _note(row), x=beyond, y=y + 10, class_=kind)


def _named(row: Row, y: float, shape: Shape) -> Iterator[Element]:
    """The name of a row and how long it took; also how it ended, where that does not stand behind its bars."""
    beside = shape.is_beside
    end = shape.zero - 8 if beside else shape.width - shape.right
    room = shape.zero - NUMBERS if beside else end
    label = cut_in_the_middle(row.label, max(1, most_cells(room - row.indent, row.per_cell)))
    kind = 'label run-name' if row.is_run else 'label'
    yield element('text', label, element('title', row.label), x=row.indent, y=y + 10, class_=kind)
    took = row.took if beside else _ended(row)
    # Right above the bar, which is below the name, too, where there is no room behind that.
    below = 0.0 if beside else shape.bars - NARROW.bars
    yield element('text', took, x=end, y=y + below + 10, class_=f'note end{_bad(row)}')


def _with_room(shape: Shape, row: Row) -> Shape:
    """With one more line where how a row ended has no room behind its name."""
    room = shape.width - shape.right - row.indent - cells(row.label) * row.per_cell
    if shape.is_beside or cells(_ended(row)) * NORMAL + 8 <= room:
        return shape
    return replace(shape, row=shape.row + LINE, bars=shape.bars + LINE)


def _ended(row: Row) -> str:
    """How a row ended, and how long it took."""
    return f'{_note(row)}  {row.took}'.strip()


def _note(row: Row) -> str:
    """What stands behind its bars, as much as there is room for."""
    return cut_in_the_middle(row.note, most_cells(MOST_ENDS - BEHIND, NORMAL))


def _bad(row: Row) -> str:
    return ' bad' if row.failed else ''
