"""A run as the browser gets it: where each second of its requests and tool calls went, as plain data."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from streamtap._display.bars import request_bars, stall_marks, tool_bars
from streamtap._display.exits import in_sentence
from streamtap._display.text import model_name
from streamtap._display.verdict import verdict
from streamtap._records.failed import failure_of, has_failed
from streamtap._records.live import LiveTool
from streamtap._records.records import ToolRecord
from streamtap._records.run_tree import RunTree
from streamtap._web.errors import error_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamtap._display.bars import Bar
    from streamtap._records.live import Live, LiveResponse, LiveRun
    from streamtap._records.records import ResponseRecord

Json: TypeAlias = 'Mapping[str, Json] | Sequence[Json] | str | float | bool | None'
Document: TypeAlias = 'dict[str, Json]'


@dataclass(frozen=True, slots=True)
class OpenRun:
    """An open run, its requests and tool calls that have ended, and the documents of runs that it called."""

    live: LiveRun
    started_ns: int
    rows: tuple[ResponseRecord | ToolRecord, ...]
    nested: list[Json]


def outermost_document(tree: RunTree) -> Document:
    """A finished run that no other run called, with its verdict, and if it failed, the group of its error."""
    found, failed = verdict(tree, in_sentence), failure_of(tree.run)
    cause = None if failed is None else error_key(failed)
    step = None if failed is None else failed.step or None
    return {**run_document(tree), 'why': found.words, 'mood': found.mood, 'cause': cause, 'failed_step': step}


def run_document(tree: RunTree) -> Document:
    """A finished run, with the runs that it called inside it."""
    record = tree.run
    return {
        'id': record.run_id,
        'parent': record.parent_run_id,
        'agent': record.agent,
        'started': record.started_ns / 1e9,
        'duration': short(record.duration),
        'outcome': record.outcome,
        'failed': has_failed(record),
        'error': record.error_type,
        'requests': record.requests,
        'total_requests': record.total_requests,
        'tools': record.tool_calls,
        'total_tools': record.total_tool_calls,
        'input': record.input_tokens,
        'total_input': record.total_input_tokens,
        'output': record.output_tokens,
        'total_output': record.total_output_tokens,
        'unmeasured': record.unmeasured_responses,
        'total_unmeasured': record.total_unmeasured_responses,
        'cost': short(record.cost_usd),
        'total_cost': short(record.total_cost_usd),
        'first_output': short(record.time_to_first_output),
        'objective': record.objective_met,
        'missed': record.objective_missed,
        'again': record.loops.calls,
        'context': short(record.context_used),
        'attempt': record.attempt,
        'reader_delay': None if record.reader is None else short(record.reader.first_item_delay),
        'phases': {phase: short(seconds) for phase, seconds in record.phases.items()},
        'labels': dict(record.labels),
        'trace': record.trace_id,
        'rows': _rows((each for each in tree.pieces if not isinstance(each, RunTree)), record.started_ns),
        'nested': [run_document(each) for each in tree.pieces if isinstance(each, RunTree)],
        'left_out': tree.left_out,
    }


def open_documents(runs: dict[str, OpenRun], live: Live) -> list[Json]:
    """The open runs, oldest first, each with the runs that it called nested inside it.

    Args:
        runs: The runs by id, oldest first.
        live: What is open.
    """
    nested: defaultdict[str | None, list[Json]] = defaultdict(list)
    outermost: list[Json] = []
    happening: defaultdict[str, list[LiveResponse | LiveTool]] = defaultdict(list)
    for one in (*live.responses, *live.tools):
        happening[one.run_id].append(one)
    # From the youngest: a nested run must be ready before the one that called it.
    for run_id, run in reversed(runs.items()):
        inside = [*run.nested, *reversed(nested[run_id])]
        (nested[run.live.parent_run_id] if run.live.parent_run_id in runs else outermost).append(
            _open_document(run, happening[run_id], inside)
        )
    return outermost[::-1]


def _open_document(run: OpenRun, now: Iterable[LiveResponse | LiveTool], nested: list[Json]) -> Document:
    age = run.live.age
    return {
        'id': run.live.run_id,
        'parent': run.live.parent_run_id,
        'agent': run.live.agent,
        'started': run.started_ns / 1e9,
        'duration': short(age),
        'outcome': 'running',
        'failed': False,
        'labels': dict(run.live.labels),
        'rows': [*_rows(run.rows, run.started_ns), *(_open_row(one, age) for one in now)],
        'nested': nested,
        'left_out': 0,
    }


def short(number: float | None) -> float | None:
    """A number with five significant digits; `None` where JSON cannot represent it."""
    return None if number is None or not math.isfinite(number) else float(f'{number:.5g}')


def _rows(records: Iterable[ResponseRecord | ToolRecord], started_ns: int) -> list[Json]:
    return [
        _tool_row(record, started_ns) if isinstance(record, ToolRecord) else _request_row(record, started_ns)
        for record in records
    ]


def _request_row(record: ResponseRecord, run_started_ns: int) -> Document:
    start = max(0.0, (record.started_ns - run_started_ns) / 1e9)
    return {
        'sort': 'request',
        'name': model_name(record.provider, record.model),
        'step': record.step,
        'attempt': record.attempt,
        'start': short(start),
        'duration': short(record.duration),
        'outcome': record.outcome,
        'failed': has_failed(record),
        'error': record.error_type,
        'streamed': record.streamed,
        'first': short(record.time_to_first_token),
        'speed': short(record.output_tokens_per_second),
        'input': record.input_tokens,
        'output': record.output_tokens,
        'unmeasured': record.unmeasured,
        'cost': short(record.cost_usd),
        'cost_source': record.cost_source,
        'context': short(record.context_used),
        'bought_again': record.cache_missed_tokens,
        'stalls': record.stalls,
        'stall_seconds': short(record.stall_seconds),
        'bars': _drawn(request_bars(record, start)),
        'marks': [short(began) for began in stall_marks(record, start)],
    }


def _tool_row(record: ToolRecord, run_started_ns: int) -> Document:
    start = max(0.0, (record.started_ns - run_started_ns) / 1e9)
    return {
        'sort': 'tool',
        'name': record.tool,
        'kind': record.kind,
        'step': record.step,
        'start': short(start),
        'duration': short(record.duration),
        'outcome': record.outcome,
        'failed': has_failed(record),
        'error': record.error_type or record.retry_cause,
        'again': record.repeated,
        'bars': _drawn(tool_bars(record, start)),
        'marks': [],
    }


def _drawn(bars: Iterable[Bar]) -> list[Json]:
    """What happened, at which second of the run it began, and how many seconds it took."""
    return [(bar.kind, short(bar.start), short(bar.duration)) for bar in bars]


def _open_row(one: LiveResponse | LiveTool, age: float) -> Document:
    seconds = 0.0 if one.age is None else one.age
    start = max(0.0, age - seconds)
    row: Document = {
        'start': short(start),
        'duration': short(seconds),
        'outcome': 'running',
        'failed': False,
        'error': None,
        'marks': [],
    }
    if isinstance(one, LiveTool):
        bar = ('tool', row['start'], row['duration'])
        return row | {'sort': 'tool', 'name': one.tool, 'kind': one.kind, 'bars': [bar]}
    on_stream = 'streaming' if one.chunks else 'waiting'
    what = on_stream if one.streamed else 'model'
    bars: list[Json] = [(what, row['start'], row['duration'])]
    if one.stalled == 'mid_stream' and one.wait is not None:
        bars.append(('stall', short(age - one.wait), short(one.wait)))
    return row | {
        'sort': 'request',
        'name': model_name(one.provider, one.model),
        'streamed': one.streamed,
        'chunks': one.chunks,
        'stalled': one.stalled,
        'bars': bars,
    }
