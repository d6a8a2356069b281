"""The rows of a waterfall: the requests of a run with their parts, its tools, and the nested runs that these called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._display import contexts
from streamtap._display.bars import queue_bars, request_bars, stall_marks, tool_bars
from streamtap._display.exits import isolated, short_name
from streamtap._display.text import model_name, percentage, plural, seconds
from streamtap._records.failed import has_failed
from streamtap._records.records import ResponseRecord, ToolRecord
from streamtap._report.name_room import BOLD, NORMAL
from streamtap._report.steps import AGAIN, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamtap._display import bars
    from streamtap._records.records import RunRecord
    from streamtap._records.run_tree import RunTree
LEAST_REST = 0.01
"""Seconds between the last that came and the end of a response from which on they are drawn."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a row, in seconds since the run began, and what is said of it."""

    kind: str
    start: float
    duration: float
    title: str


@dataclass(slots=True)
class Row:
    """A request, a tool call or a run: its name, how long it took, how it ended, and its bars."""

    label: str
    depth: int
    start: float
    took: str
    note: str
    failed: bool
    is_run: bool = False
    bars: list[Bar] = field(default_factory=list[Bar])
    stalls: tuple[float, ...] = ()
    again: float | None = None
    first_item: float | None = None

    @property
    def indent(self) -> float:
        """How far its name is from the side."""
        return 4 + 12.0 * min(self.depth, 8)

    @property
    def per_cell(self) -> float:
        """How wide a character of its name is."""
        return BOLD if self.is_run else NORMAL

    @property
    def end(self) -> float:
        """When the last of its bars ends."""
        return max((bar.start + bar.duration for bar in self.bars), default=self.start)


def rows_of(tree: RunTree) -> Iterator[Row]:
    """The rows of a run, in order of time, each run with what it called below it.

    Args:
        tree: The run.
    """
    zero = tree.run.started_ns
    for depth, piece, took in in_order(tree):
        if isinstance(piece, ResponseRecord):
            yield _response_row(piece, zero, depth)
        elif isinstance(piece, ToolRecord):
            yield _tool_row(piece, zero, depth, took)
        else:
            yield _run_row(piece.run, zero, depth)


def _run_row(run: RunRecord, zero: int, depth: int) -> Row:
    start = (run.started_ns - zero) / 1e9
    failed = has_failed(run)
    note = '' if run.outcome == 'success' else run.outcome
    row = Row(short_name(run.agent), depth, start, seconds(run.duration), note, failed, is_run=True)
    row.bars.append(Bar('run', start, run.duration or 0.0, _about_run(run)))
    for bar in queue_bars(run, start):
        row.bars.append(Bar(bar.kind, bar.start, bar.duration, f'{seconds(bar.duration)} in the queue'))
    if run.reader is not None and run.reader.time_to_first_item is not None:
        row.first_item = start + run.reader.time_to_first_item
    return row


def _response_row(record: ResponseRecord, zero: int, depth: int) -> Row:
    start = (record.started_ns - zero) / 1e9
    used = '' if record.context_used is None else f', context {percentage(record.context_used)}'
    told = [used.removeprefix(', ')] if contexts.is_told(record.context_used) else []
    note = ' '.join([*told, *_ending(record)])
    row = Row(_model(record), depth, start, seconds(record.duration), note, has_failed(record))
    for bar in request_bars(record, start):
        row.bars.append(Bar(bar.kind, bar.start, bar.duration, _title(record, bar, used)))
    rest = start + (record.duration or 0.0) - row.end
    if row.bars and rest >= LEAST_REST:
        ended = _after(record, f' after {seconds(record.duration)}')
        row.bars.append(
            Bar('rest', row.end, rest, f'{isolated(_model(record))}: nothing for the last {seconds(rest)}{ended}')
        )
    row.stalls = tuple(stall_marks(record, start))
    return row


def _model(record: ResponseRecord) -> str:
    return short_name(model_name(record.provider, record.model))


def _title(record: ResponseRecord, bar: bars.Bar, used: str) -> str:
    part = bar.part
    if part is not None:
        name = f' {isolated(short_name(part.tool))}' if part.tool else ''
        return f'{short_name(part.kind)}{name}: {seconds(part.duration)}, {plural(part.chunks, "chunk")}, from {seconds(part.start)} on'
    waited = ' to the first token' if record.chunks else ' without a token'
    what = {'waiting': waited, 'model': ', not streamed', 'stall': ' stalled'}.get(bar.kind, '')
    is_whole = bar.duration == record.duration
    ended = _after(record, '' if is_whole else f' after {seconds(record.duration)}')
    return f'{isolated(_model(record))}: {seconds(bar.duration)}{what}{used}{ended}'


def _ending(record: ResponseRecord | ToolRecord) -> list[str]:
    """How it ended, in a word; none if that was well, or nobody saw it."""
    return [] if record.outcome in ('success', 'incomplete') else [short_name(record.error_type or record.outcome)]


def _after(record: ResponseRecord | ToolRecord, when: str = '') -> str:
    """The same, after what is said of a bar."""
    return ''.join(f'; {word}{when}' for word in _ending(record))


def _tool_row(record: ToolRecord, zero: int, depth: int, took: float | None) -> Row:
    start = (record.started_ns - zero) / 1e9
    row = Row(short_name(record.tool), depth, start, seconds(took), ''.join(_ending(record)), has_failed(record))
    again = f', {AGAIN}' if record.repeated else ''
    title = f'{record.kind} tool {isolated(short_name(record.tool))}: {seconds(took)}{again}{_after(record)}'
    row.again = start if record.repeated else None
    row.bars.extend(Bar(bar.kind, bar.start, bar.duration, title) for bar in tool_bars(record, start, took))
    return row


def _about_run(run: RunRecord) -> str:
    phases = ', '.join(f'{short_name(phase)} {seconds(spent)}' for phase, spent in run.phases.items())
    return f'run {short_name(run.run_id)} of {isolated(short_name(run.agent))}: {run.outcome}, {seconds(run.duration)} ({phases})'
