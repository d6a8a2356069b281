"""A run as the browser gets it: where each second of its requests and tool calls went, as plain data."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._display.bars import queue_bars, request_bars, stall_marks, tool_bars
from streamtap._display.callers import Timed
from streamtap._display.exits import in_sentence
from streamtap._display.spans import durations, durations_until, is_named, spans, spans_of
from streamtap._display.text import model_name
from streamtap._display.verdict import mostly, verdict
from streamtap._records.failed import failure_of, has_failed
from streamtap._records.records import ToolRecord
from streamtap._records.run_tree import RunTree
from streamtap._web.calling_tools import CallingTools
from streamtap._web.errors import error_key
from streamtap._web.open_rows import open_row
from streamtap._web.plain_data import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamtap._display.bars import Bar
    from streamtap._display.spans import Span
    from streamtap._records.live import Live, LiveResponse, LiveRun, LiveTool
    from streamtap._records.records import FailureRecord, ResponseRecord, RunRecord
    from streamtap._web.plain_data import Document, Json


@dataclass(frozen=True, slots=True)
class OpenRun:
    """An open run, its requests and tool calls that have ended, and the finished runs that it called."""

    live: LiveRun
    started_ns: int
    rows: tuple[ResponseRecord | ToolRecord, ...]
    nested: list[RunTree]


def outermost_document(tree: RunTree) -> Document:
    """A finished run that no other run called, with its verdict.

    With where its time went, where its verdict is another one, and if it failed, with the group of its error.
    """
    found, failed = verdict(tree, in_sentence), failure_of(tree.run)
    spent = mostly(tree, in_sentence)
    return {
        **run_document(tree),
        'why': found.words,
        'mood': found.mood,
        'spent': '' if spent == found.words else spent,
        'cause': None if failed is None else error_key(failed),
        'failed_step': None if failed is None else failed.step or None,
        'failed_agent': None if failed is None else failed.agent,
    }


def run_document(tree: RunTree) -> Document:
    """A finished run, with the runs that it called inside it; of each of these, `caller` is the row of its tool."""
    record = tree.run
    timed = list(zip(tree.pieces, durations(tree), spans(tree), strict=True))
    rows = [(each, took) for each, took, _ in timed if not isinstance(each, RunTree)]
    tools = CallingTools((each, span) for each, _, span in timed if not isinstance(each, RunTree))
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
        'input': record.input_tokens if record.usage_reported else None,
        'total_input': record.total_input_tokens if record.total_usage_reported else None,
        'output': record.output_tokens if record.usage_reported else None,
        'total_output': record.total_output_tokens if record.total_usage_reported else None,
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
        # Last, because nested runs name the row of their tool by its number.
        'rows': [*_rows(rows, record.started_ns, failure_of(record)), *_queue_rows(record)],
        'nested': _below(tools, [_called(each, span) for each, _, span in timed if isinstance(each, RunTree)]),
        'left_out': tree.left_out,
    }


def open_documents(runs: dict[str, OpenRun], live: Live) -> list[Json]:
    """The open runs, oldest first, each with the runs that it called nested inside it.

    Args:
        runs: The runs by id, oldest first.
        live: What is open.
    """
    called: defaultdict[str | None, list[tuple[OpenRun, Document]]] = defaultdict(list)
    outermost: list[Json] = []
    happening: defaultdict[str, list[LiveResponse | LiveTool]] = defaultdict(list)
    for one in (*live.responses, *live.tools):
        happening[one.run_id].append(one)
    # From the youngest: a nested run must be ready before the one that called it.
    for run_id, run in reversed(runs.items()):
        document = _open_document(run, happening[run_id], called[run_id][::-1])
        if run.live.parent_run_id in runs:
            called[run.live.parent_run_id].append((run, document))
        else:
            outermost.append(document)
    return outermost[::-1]


def _open_document(
    run: OpenRun, now: Sequence[LiveResponse | LiveTool], called: Iterable[tuple[OpenRun, Document]]
) -> Document:
    age = run.live.age
    took = durations_until(age, run.rows, run.started_ns)
    tools = CallingTools(
        [
            *zip(run.rows, spans_of(run.rows, took, run.started_ns), strict=True),
            *((one, (age - (one.age or 0.0), math.inf)) for one in now),
        ]
    )
    over = spans_of(run.nested, (each.run.duration for each in run.nested), run.started_ns)
    nested = [
        *(_called(each, span) for each, span in zip(run.nested, over, strict=True)),
        *(
            (document, Timed((age - each.live.age, math.inf), each.live.parent_tool_call_id))
            for each, document in called
        ),
    ]
    return {
        'id': run.live.run_id,
        'parent': run.live.parent_run_id,
        'agent': run.live.agent,
        'started': run.started_ns / 1e9,
        'duration': short(age),
        'outcome': 'running',
        'failed': False,
        'labels': dict(run.live.labels),
        'rows': [*_rows(zip(run.rows, took, strict=True), run.started_ns), *(open_row(one, age) for one in now)],
        'nested': _below(tools, nested),
        'unseen': run.live.is_unseen,
        'left_out': 0,
    }


def _called(tree: RunTree, span: Span) -> tuple[Document, Timed]:
    return run_document(tree), Timed(span, tree.run.parent_tool_call_id)


def _below(tools: CallingTools, called: Sequence[tuple[Document, Timed]]) -> list[Json]:
    """The called runs, each with the row of the tool that called it as its `caller`."""
    rows = tools.rows_of([timed for _, timed in called])
    return [document | {'caller': row} for (document, _), row in zip(called, rows, strict=True)]


def _rows(
    timed: Iterable[tuple[ResponseRecord | ToolRecord, float | None]],
    started_ns: int,
    failure: FailureRecord | None = None,
) -> list[Json]:
    return [
        _tool_row(record, started_ns, took, failure)
        if isinstance(record, ToolRecord)
        else _request_row(record, started_ns)
        for record, took in timed
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


def _tool_row(record: ToolRecord, run_started_ns: int, took: float | None, failure: FailureRecord | None) -> Document:
    start = max(0.0, (record.started_ns - run_started_ns) / 1e9)
    # Of a run whose time was up, the failure is where it was interrupted.
    is_interrupted_there = record.outcome == 'interrupted' and is_named(record, failure)
    return {
        'sort': 'tool',
        'name': record.tool,
        'kind': record.kind,
        'step': record.step,
        'start': short(start),
        'duration': short(took),
        'outcome': record.outcome,
        'failed': has_failed(record),
        'error': record.error_type or record.retry_cause,
        'ended_run': failure.error if failure is not None and is_interrupted_there else None,
        'again': record.repeated,
        'bars': _drawn(tool_bars(record, start, took)),
        'marks': [],
    }


def _queue_rows(record: RunRecord) -> list[Json]:
    """The row of a run's wait for a slot, if it had to wait."""
    return [
        {
            'sort': 'queue',
            'name': '',
            'start': 0.0,
            'duration': short(bar.duration),
            'outcome': 'success',
            'failed': False,
            'error': None,
            'bars': _drawn([bar]),
            'marks': [],
        }
        for bar in queue_bars(record, 0.0)
    ]


def _drawn(bars: Iterable[Bar]) -> list[Json]:
    """What happened, at which second of the run it began, and how many seconds it took."""
    return [(bar.kind, short(bar.start), short(bar.duration)) for bar in bars]
