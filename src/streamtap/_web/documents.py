"""A run as the browser gets it: where each second of its requests and tool calls went, as plain data."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from streamtap._records.live import LiveTool
from streamtap._records.records import ToolRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamtap._records.live import Live, LiveResponse, LiveRun
    from streamtap._records.records import ResponseRecord, RunRecord

Json: TypeAlias = 'Mapping[str, Json] | Sequence[Json] | str | float | bool | None'
Document: TypeAlias = 'dict[str, Json]'
Bar: TypeAlias = 'tuple[str, float, float]'
"""What happened, at which second of the run it began, and how many seconds it took."""

_KINDS = {'thinking': 'thinking', 'tool-call': 'tool_call', 'builtin-tool-call': 'tool_call'}
_SILENT_KINDS = frozenset({'builtin-tool-return', 'compaction'})


@dataclass(frozen=True, slots=True)
class OpenRun:
    """An open run, its requests and tool calls that have ended, and the documents of runs that it called."""

    live: LiveRun
    started_ns: int
    rows: tuple[ResponseRecord | ToolRecord, ...]
    nested: list[Json]


def run_document(
    record: RunRecord, rows: Iterable[ResponseRecord | ToolRecord], nested: Sequence[Json], left_out: int
) -> Document:
    """A finished run.

    Args:
        record: The run.
        rows: Its requests and tool calls, as they ended.
        nested: The finished runs that it called.
        left_out: How many requests, tool calls and nested runs did not fit.
    """
    return {
        'id': record.run_id,
        'parent': record.parent_run_id,
        'agent': record.agent,
        'started': record.started_ns / 1e9,
        'duration': short(record.duration),
        'outcome': record.outcome,
        'error': record.error_type,
        'requests': record.requests,
        'tools': record.tool_calls,
        'input': record.input_tokens,
        'output': record.output_tokens,
        'cost': short(record.cost_usd),
        'first_output': short(record.time_to_first_output),
        'phases': {phase: short(seconds) for phase, seconds in record.phases.items()},
        'labels': dict(record.labels),
        'trace': record.trace_id,
        'rows': _rows(rows, record.started_ns),
        'nested': nested,
        'left_out': left_out,
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
        'labels': dict(run.live.labels),
        'rows': [*_rows(run.rows, run.started_ns), *(_open_row(one, age) for one in now)],
        'nested': nested,
        'left_out': 0,
    }


def short(number: float | None) -> float | None:
    """A number with five significant digits; `None` where JSON cannot represent it."""
    return None if number is None or not math.isfinite(number) else float(f'{number:.5g}')


def model_name(provider: str, model: str) -> str:
    """The name of a model, with its provider where that is known."""
    return f'{provider}:{model}' if provider else model


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
        'error': record.error_type,
        'streamed': record.streamed,
        'first': short(record.time_to_first_token),
        'speed': short(record.output_tokens_per_second),
        'input': record.input_tokens,
        'output': record.output_tokens,
        'cost': short(record.cost_usd),
        'stalls': record.stalls,
        'stall_seconds': short(record.stall_seconds),
        'bars': [(what, short(began), short(seconds)) for what, began, seconds in _bars(record, start)],
        'marks': [short(start + began) for began in record.stall_starts] if record.stalls > 1 else [],
    }


def _bars(record: ResponseRecord, start: float) -> list[Bar]:
    if record.duration is None:
        return []
    if not record.streamed:
        return [('model', start, record.duration)]
    waited = record.time_to_first_token if record.chunks else record.duration
    bars: list[Bar] = [] if waited is None else [('waiting', start, waited)]
    bars.extend(
        (_KINDS.get(part.kind, 'text'), start + part.start, part.duration)
        for part in record.parts
        if part.start is not None and part.chunks and part.kind not in _SILENT_KINDS
    )
    if record.stalls == 1 and record.stall_starts:
        # Of several stalls only the total duration is known, so they become marks.
        bars.append(('stall', start + record.stall_starts[0], record.stall_seconds))
    return bars


def _tool_row(record: ToolRecord, run_started_ns: int) -> Document:
    start = max(0.0, (record.started_ns - run_started_ns) / 1e9)
    what = 'native_tool' if record.kind == 'native' else 'tool'
    return {
        'sort': 'tool',
        'name': record.tool,
        'kind': record.kind,
        'step': record.step,
        'start': short(start),
        'duration': short(record.duration),
        'outcome': record.outcome,
        'error': record.error_type or record.retry_cause,
        'bars': [] if record.duration is None else [(what, short(start), short(record.duration))],
        'marks': [],
    }


def _open_row(one: LiveResponse | LiveTool, age: float) -> Document:
    seconds = 0.0 if one.age is None else one.age
    start = max(0.0, age - seconds)
    row: Document = {
        'start': short(start),
        'duration': short(seconds),
        'outcome': 'running',
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
