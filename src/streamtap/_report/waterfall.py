"""A run as bars over time: its requests with their parts, its tools, and the nested runs that these called."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._display import contexts
from streamtap._display.bars import queue_bars, request_bars, stall_marks, tool_bars
from streamtap._display.cells import cells, cut_in_the_middle
from streamtap._display.elements import element
from streamtap._display.exits import isolated, short_name
from streamtap._display.text import model_name, percentage, plural, seconds
from streamtap._records.failed import has_failed
from streamtap._records.records import ResponseRecord, ToolRecord
from streamtap._report.name_room import BOLD, NORMAL, PHONE, most_cells
from streamtap._report.over_time import LEAST, scale
from streamtap._report.steps import AGAIN, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from streamtap._display.bars import Bar
    from streamtap._records.records import RunRecord
    from streamtap._records.run_tree import RunTree

WIDTH, RIGHT = 1160.0, 150.0

NUMBERS = 62.0
LEAST_NAMES, MOST_NAMES = 200.0, PHONE - NUMBERS
"""Where names end, as long ones need it: a phone, which scrolls the bars, shows all of them, and the numbers beside them."""

ROW, BAR = 19.0, 11.0
THIN = {'run': 2.0, 'queue': 5.0}
"""How high bars are that are thinner than others."""

MOST_ROWS = 60
MOST_NOTE = 26

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
class _Bar:
    kind: str
    start: float
    duration: float
    title: str


@dataclass(slots=True)
class _Row:
    label: str
    depth: int
    start: float
    took: str
    note: str
    failed: bool
    is_run: bool = False
    bars: list[_Bar] = field(default_factory=list[_Bar])
    stalls: tuple[float, ...] = ()
    again: float | None = None
    first_item: float | None = None

    @property
    def indent(self) -> float:
        return 4 + 12.0 * min(self.depth, 8)

    @property
    def per_cell(self) -> float:
        """How wide a character of its name is."""
        return BOLD if self.is_run else NORMAL

    @property
    def end(self) -> float:
        return max((bar.start + bar.duration for bar in self.bars), default=self.start)


def waterfall(tree: RunTree) -> Element:
    """The waterfall of one run."""
    rows = list(itertools.islice(_rows(tree), MOST_ROWS))
    left_out = 1 + tree.count - len(rows) + tree.left_out
    longest = max((max(row.end, row.first_item or 0.0) for row in rows), default=0.0)
    top, ticks = scale(longest)
    height = 20 + ROW * (len(rows) + (left_out > 0)) + 4
    needed = max((row.indent + cells(row.label) * row.per_cell + 4 for row in rows), default=0.0)
    names = min(MOST_NAMES, max(LEAST_NAMES, needed))
    zero = names + NUMBERS
    per_second = (WIDTH - zero - RIGHT) / (longest if longest > LEAST else top)
    drawn: list[Element] = []
    for tick in ticks:
        if tick <= longest * 1.001:
            x = zero + tick * per_second
            drawn.append(element('line', x1=x, x2=x, y1=16, y2=height - 4, class_='grid'))
            drawn.append(
                element('text', seconds(tick) if tick else '0', x=x, y=11, class_='tick middle', aria_hidden='true')
            )
    for number, row in enumerate(rows):
        drawn += _draw(row, 20 + ROW * number, names, per_second)
    if left_out:
        drawn.append(element('text', f'and {plural(left_out, "more row")}', x=4, y=height - 9, class_='label dim'))
    about = (
        f'{isolated(short_name(tree.run.agent))}, {tree.run.outcome}, {seconds(tree.run.duration)}: what happened when'
    )
    return element('svg', *drawn, viewBox=f'0 0 {WIDTH:g} {height:g}', role='group', aria_label=about)


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


def _rows(tree: RunTree) -> Iterator[_Row]:
    zero = tree.run.started_ns
    for depth, piece, took in in_order(tree):
        if isinstance(piece, ResponseRecord):
            yield _response_row(piece, zero, depth)
        elif isinstance(piece, ToolRecord):
            yield _tool_row(piece, zero, depth, took)
        else:
            yield _run_row(piece.run, zero, depth)


def _run_row(run: RunRecord, zero: int, depth: int) -> _Row:
    start = (run.started_ns - zero) / 1e9
    failed = has_failed(run)
    note = '' if run.outcome == 'success' else run.outcome
    row = _Row(short_name(run.agent), depth, start, seconds(run.duration), note, failed, is_run=True)
    row.bars.append(_Bar('run', start, run.duration or 0.0, _about_run(run)))
    for bar in queue_bars(run, start):
        row.bars.append(_Bar(bar.kind, bar.start, bar.duration, f'{seconds(bar.duration)} in the queue'))
    if run.reader is not None and run.reader.time_to_first_item is not None:
        row.first_item = start + run.reader.time_to_first_item
    return row


def _response_row(record: ResponseRecord, zero: int, depth: int) -> _Row:
    start = (record.started_ns - zero) / 1e9
    why = _why(record)
    used = '' if record.context_used is None else f', context {percentage(record.context_used)}'
    note = f'{used if contexts.is_told(record.context_used) else ""}{why}'.removeprefix(',').strip()
    row = _Row(_model(record), depth, start, seconds(record.duration), note, has_failed(record))
    for bar in request_bars(record, start):
        row.bars.append(_Bar(bar.kind, bar.start, bar.duration, _title(record, bar, f'{used}{why}')))
    row.stalls = tuple(stall_marks(record, start))
    return row


def _model(record: ResponseRecord) -> str:
    return short_name(model_name(record.provider, record.model))


def _title(record: ResponseRecord, bar: Bar, why: str) -> str:
    part = bar.part
    if part is not None:
        name = f' {isolated(short_name(part.tool))}' if part.tool else ''
        return f'{short_name(part.kind)}{name}: {seconds(part.duration)}, {plural(part.chunks, "chunk")}, from {seconds(part.start)} on'
    of_kind = {'waiting': ' to the first token', 'model': ', not streamed', 'stall': ' stalled'}
    return f'{isolated(_model(record))}: {seconds(bar.duration)}{of_kind.get(bar.kind, "")}{why}'


def _why(record: ResponseRecord | ToolRecord) -> str:
    return '' if record.outcome in ('success', 'incomplete') else f' {short_name(record.error_type or record.outcome)}'


def _tool_row(record: ToolRecord, zero: int, depth: int, took: float | None) -> _Row:
    start = (record.started_ns - zero) / 1e9
    why = _why(record)
    row = _Row(short_name(record.tool), depth, start, seconds(took), why.strip(), has_failed(record))
    again = f', {AGAIN}' if record.repeated else ''
    title = f'{record.kind} tool {isolated(short_name(record.tool))}: {seconds(took)}{again}{why}'
    row.again = start if record.repeated else None
    row.bars.extend(_Bar(bar.kind, bar.start, bar.duration, title) for bar in tool_bars(record, start, took))
    return row


def _about_run(run: RunRecord) -> str:
    phases = ', '.join(f'{short_name(phase)} {seconds(spent)}' for phase, spent in run.phases.items())
    return f'run {short_name(run.run_id)} of {isolated(short_name(run.agent))}: {run.outcome}, {seconds(run.duration)} ({phases})'


def _draw(row: _Row, y: float, names: float, per_second: float) -> list[Element]:
    zero = names + NUMBERS
    room = most_cells(names - row.indent, row.per_cell)
    drawn = [
        element(
            'text',
            cut_in_the_middle(row.label, room),
            element('title', row.label),
            x=row.indent,
            y=y + 10,
            class_='label run-name' if row.is_run else 'label',
        ),
        element('text', row.took, x=zero - 8, y=y + 10, class_=f'note end{" bad" if row.failed else ""}'),
    ]
    for bar in row.bars:
        thin = THIN.get(bar.kind, BAR)
        x, width = zero + bar.start * per_second, max(1.5, bar.duration * per_second)
        place = {'x': x, 'y': y + (BAR - thin) / 2 + 1, 'width': width, 'height': thin, 'rx': 1.5}
        drawn.append(element('rect', element('title', bar.title), class_=f'bar {bar.kind}', role='img', **place))
    for stall in row.stalls:
        x = zero + stall * per_second
        tooltip = element('title', f'a stall begins {seconds(stall)} after the start of the run')
        drawn.append(
            element('path', tooltip, d=f'M{x - 4.5:.1f} {y - 2:.1f} h9 l-4.5 {BAR + 6:g} Z', class_='stall', role='img')
        )
    if row.again is not None:
        # Before the bar, which may be short.
        x = max(zero, zero + row.again * per_second - 12)
        drawn.append(element('text', AGAIN_MARK, element('title', AGAIN), x=x, y=y + 10, class_='again', role='img'))
    if row.first_item is not None:
        x = zero + row.first_item * per_second
        tooltip = element(
            'title', f'the reader has its first item {seconds(row.first_item)} after the start of the run'
        )
        drawn.append(element('line', tooltip, x1=x, x2=x, y1=y - 1, y2=y + BAR + 3, class_='reader', role='img'))
    x = zero + row.end * per_second
    if row.failed:
        drawn.append(element('line', x1=x, x2=x, y1=y - 1, y2=y + BAR + 3, class_='failed'))
    if row.note:
        beyond = zero + max(row.end, *row.stalls, 0.0) * per_second + 6
        kind = f'note start{" bad" if row.failed else ""}'
        drawn.append(element('text', row.note[:MOST_NOTE], x=beyond, y=y + 10, class_=kind))
    return drawn
