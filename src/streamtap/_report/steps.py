"""The steps of one run: its requests and tool calls in the order in which they began, each followed by the runs it called."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from streamtap._base.names import clean
from streamtap._display import contexts
from streamtap._display.bars import queue_bars
from streamtap._display.callers import with_callers
from streamtap._display.exits import in_sentence, isolated
from streamtap._display.grid import Column, Grid
from streamtap._display.moments import in_words
from streamtap._display.spans import durations, started
from streamtap._display.text import dollars, model_name, percentage, plural, rate, seconds
from streamtap._display.verdict import mostly, verdict
from streamtap._records.records import ResponseRecord, ToolRecord
from streamtap._records.run_tree import RunTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamtap._display.bars import Bar
    from streamtap._records.as_json import Record
    from streamtap._records.records import RunRecord
    from streamtap._records.run_tree import Piece

AGAIN = 'the same call again'
"""What is said of a tool call that repeats two or more before it."""

QUEUE = 'queue'
"""What the wait for a slot is called."""

_INDENT = '  '

_CONTEXT = Column('context', 4)

_COLUMNS = (
    Column('step'),
    Column('at'),
    Column('took'),
    Column('first token', 3),
    Column('tokens/s', 1),
    Column('in', 1),
    Column('out', 1),
    _CONTEXT,
    Column('cost', 2),
    Column('ended', to_left=True),
)

MOST_DEPTH = 8
"""How far a step is indented at most: runs can be nested without end."""


class TimedStep(NamedTuple):
    """A run, or a request or a tool call of one: how deep it is in it, and how many seconds it took, if that is known."""

    depth: int
    piece: Piece
    took: float | None


def in_order(tree: RunTree) -> Iterator[TimedStep]:
    """The run and its steps."""
    waiting = [TimedStep(0, tree, tree.run.duration)]
    while waiting:
        # Not by recursion: runs can be nested more deeply than calls.
        step = waiting.pop()
        yield step
        if isinstance(step.piece, RunTree):
            waiting += _below(step.piece, step.depth)[::-1]


def _below(tree: RunTree, depth: int) -> list[TimedStep]:
    """The steps of a run in the order in which they began, but each called run right below the tool that called it."""
    called: defaultdict[int, list[Piece]] = defaultdict(list)
    own: list[Piece] = [each for each in tree.pieces if not isinstance(each, RunTree)]
    took = {id(piece): seconds for piece, seconds in zip(tree.pieces, durations(tree), strict=True)}
    for nested, caller in with_callers(tree):
        if caller is None:
            own.append(nested)
        else:
            called[id(caller)].append(nested)
    return [
        TimedStep(depth + (2 if isinstance(each, RunTree) else 1), each, took[id(each)])
        for piece in sorted(own, key=started)
        for each in (piece, *sorted(called[id(piece)], key=started))
    ]


def about(tree: RunTree) -> str:
    """The run in one line."""
    run = tree.run
    said = dict.fromkeys((verdict(tree, in_sentence).words, mostly(tree, in_sentence)))
    words = '; '.join(each for each in said if each not in ('', run.outcome))
    trace = f', trace {clean(run.trace_id)}' if run.trace_id else ''
    labels = f' with {told}' if (told := labels_of(run)) else ''
    return (
        f'{isolated(clean(run.agent))}{labels}, {run.outcome} after {seconds(run.duration)}{f": {words}" if words else ""}; '
        f'{counts(run)}; began {in_words(run.started_ns)}{trace}'
    )


def labels_of(run: RunRecord) -> str:
    """The user's own labels that the run has, in a few words; empty if it has none."""
    return ', '.join(f'{name}={isolated(clean(value))}' for name, value in run.labels.items() if value)


def counts(run: RunRecord) -> str:
    """What the run did, with those that it called, in a few words."""
    requests, calls, cost = run.total_requests, run.total_tool_calls, run.total_cost_usd
    found = [plural(requests, 'request'), plural(calls, 'tool call')]
    return ', '.join([*found, *([] if cost is None else [dollars(cost)])])


def step_grid(tree: RunTree) -> Grid:
    """The run and its steps as a table."""
    steps = list(in_order(tree))
    rows = [row for step in steps for row in (_row(tree, step), *_queue_rows(tree, step))]
    is_told = any(
        isinstance(step.piece, ResponseRecord) and contexts.is_told(step.piece.context_used) for step in steps
    )
    shown = [place for place, each in enumerate(_COLUMNS) if each is not _CONTEXT or is_told]
    return Grid(
        [_COLUMNS[place] for place in shown], [tuple(row[place] for place in shown) for row in rows], name='steps'
    )


def step_data(tree: RunTree) -> Iterator[Mapping[str, object]]:
    """The run and its steps, each as the fields of an object."""
    for depth, piece, took in in_order(tree):
        record = piece.run if isinstance(piece, RunTree) else piece
        is_request = isinstance(record, ResponseRecord)
        fields: dict[str, object] = {
            'depth': depth,
            'kind': 'tool' if isinstance(record, ToolRecord) else 'request' if is_request else 'run',
            'name': _name(piece),
            'run_id': record.run_id,
            'start': (started(piece) - tree.run.started_ns) / 1e9,
            'duration': took,
            'time_to_first_token': record.time_to_first_token if is_request else None,
            'output_tokens_per_second': record.output_tokens_per_second if is_request else None,
            **_used(record),
            'context_used': record.context_used if is_request else None,
            'cache_missed_tokens': record.cache_missed_tokens if is_request else None,
            'repeated': record.repeated if isinstance(record, ToolRecord) else None,
            'stalls': record.stalls if is_request else None,
            'stall_seconds': record.stall_seconds if is_request else None,
            'outcome': record.outcome,
            'error_type': record.error_type,
        }
        yield fields
        for bar in _queued(tree, piece):
            yield {
                **dict.fromkeys(fields),
                'depth': depth + 1,
                'kind': 'queue',
                'name': QUEUE,
                'run_id': record.run_id,
                'start': bar.start,
                'duration': bar.duration,
            }


def left_out(tree: RunTree) -> str:
    """How many of its steps were not kept, as a sentence; empty if all were."""
    return f'{tree.left_out:,} more requests, tool calls and nested runs are not shown.' if tree.left_out else ''


def _name(piece: Piece) -> str:
    if isinstance(piece, RunTree):
        return piece.run.agent
    return piece.tool if isinstance(piece, ToolRecord) else model_name(piece.provider, piece.model)


def _row(tree: RunTree, step: TimedStep) -> tuple[str, ...]:
    depth, piece, took = step
    record = piece.run if isinstance(piece, RunTree) else piece
    kind = {'native': "the provider's ", 'output': 'output ', 'function': 'tool '}
    what = kind[record.kind] if isinstance(record, ToolRecord) else ''
    ended = record.outcome if record.error_type is None else f'{record.outcome} {clean(record.error_type)}'
    used = _used(record)
    first, speed, context = None, None, None
    if isinstance(record, ToolRecord):
        ended += f', {AGAIN}' if record.repeated else ''
    elif isinstance(record, ResponseRecord):
        first, speed, context = record.time_to_first_token, record.output_tokens_per_second, record.context_used
        ended += f', {seconds(record.stall_seconds)} stalled' if record.stalls else ''
    return (
        f'{_INDENT * min(depth, MOST_DEPTH)}{what}{clean(_name(piece))}',
        seconds((started(piece) - tree.run.started_ns) / 1e9),
        seconds(took),
        seconds(first),
        rate(speed),
        _count(used['input_tokens']),
        _count(used['output_tokens']),
        percentage(context),
        dollars(used['cost_usd']),
        ended,
    )


def _queued(tree: RunTree, piece: Piece) -> list[Bar]:
    """How long a run waited for a slot, if it had to."""
    start = (started(piece) - tree.run.started_ns) / 1e9
    return queue_bars(piece.run, start) if isinstance(piece, RunTree) else []


def _queue_rows(tree: RunTree, step: TimedStep) -> Iterator[tuple[str, ...]]:
    for bar in _queued(tree, step.piece):
        name = f'{_INDENT * min(step.depth + 1, MOST_DEPTH)}{QUEUE}'
        yield name, seconds(bar.start), seconds(bar.duration), *['-'] * (len(_COLUMNS) - 3)


def _used(record: Record) -> Mapping[str, float | None]:
    """What was used; by a run, with those that it called."""
    if isinstance(record, ToolRecord):
        used = None, None, None
    elif isinstance(record, ResponseRecord):
        used = record.input_tokens, record.output_tokens, record.cost_usd
    elif record.total_usage_reported:
        used = record.total_input_tokens, record.total_output_tokens, record.total_cost_usd
    else:
        used = None, None, record.total_cost_usd
    return dict(zip(('input_tokens', 'output_tokens', 'cost_usd'), used, strict=True))


def _count(number: float | None) -> str:
    return '-' if number is None else f'{number:,.0f}'
