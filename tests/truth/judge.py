"""What was recorded beside what happened: the errors of the numbers, and everything that is wrong."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from truth.exposition import by_label
from truth.health import health
from truth.readers_view import reader_of
from truth.row import Row, equal, is_known, near
from truth.times import numbers, queued_run_times, run_times, tool_times, tools_phase
from truth.world import happen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamtap import ResponseRecord, RunRecord, ToolRecord
    from streamtap.testing import Capture
    from support.doors import Door
    from truth.case import Case
    from truth.row import Bounds
    from truth.world import Happened

TRIES = 3
"""A machine that stands still for a moment disturbs one try, and not three; what is wrong is wrong each time."""


def tried(case: Case, door: Door, bounds: Bounds) -> Row:
    """Let a case happen and judge it, and again if a row is wrong.

    Args:
        case: The case.
        door: The door.
        bounds: How far numbers may be off.
    """
    for _ in range(TRIES - 1):
        row = judge(case, door, *happen(case, door), bounds)
        if not row.faults:
            return row
    return judge(case, door, *happen(case, door), bounds)


def judge(case: Case, door: Door, happened: Happened, seen: Capture, bounds: Bounds) -> Row:
    """Compare what a door recorded of a case with what happened.

    Args:
        case: The case.
        door: The door.
        happened: What the outside saw.
        seen: What was recorded.
        bounds: How far numbers may be off.
    """
    row = Row(case, door, bounds)
    expected = row.expected
    responses = sorted(seen.responses(), key=lambda record: record.started_ns)
    _runs(row, seen.runs(), responses)
    _nesting(row, seen.runs())
    equal(row, 'requests', tuple(_outcome(record) for record in responses), expected.requests)
    equal(row, 'tools', tuple(sorted(map(_of_tool, seen.tools()))), tuple(sorted(expected.tools)))
    if not isinstance(happened.raised, case.raises or type(None)):
        equal(row, 'what came out', happened.raised, case.raises)
    if expected.models is not None:
        equal(row, 'models', tuple(record.model for record in responses), expected.models)
    _attempts(row, responses, happened)
    numbers(row, responses, happened)
    _phases(row, seen.runs(), happened.spent)
    equal(row, 'stalls', sum(record.stalls for record in responses), expected.stalls)
    _exposition(row, seen, happened)
    tool_times(row, seen.tools(), happened.stamps)
    tools_phase(row, seen.runs(), seen.tools(), happened.stamps)
    run_times(row, seen, happened)
    queued_run_times(row, seen.runs(), responses, happened)
    reader_of(row, seen.runs(), responses, happened)
    _usage(row, seen.runs(), responses, happened)
    health(row, seen.runs(), responses, seen.tools(), happened)
    equal(row, 'still open', seen.tap.live().runs, ())
    equal(row, 'faults', [(fault.kind, fault.subject) for fault in seen.faults()], [])
    for name, error, bound in (
        ('time to first token', row.first_token, bounds.first_token),
        ('median gap', row.gap, bounds.gap),
        ('tokens per second', row.speed, bounds.speed),
        ('tool duration', row.tool, bounds.tool),
        ('phases', row.phases, bounds.phases),
        ("the run's time to first output", row.first_output, bounds.first_token),
        ("the run's start or end", row.duration, bounds.first_token),
        ('what the reader saw', row.reader and row.reader.error, bounds.first_token),
    ):
        if error is not None and error > bound:
            row.faults.append(f'{name} is off by {error:.4f}, more than {bound:g}')
    return row


def _outcome(record: RunRecord | ResponseRecord) -> str:
    return record.outcome if record.error_type is None else f'{record.outcome} {record.error_type}'


def _of_tool(record: ToolRecord) -> str:
    return ' '.join(filter(None, (record.tool, record.outcome, record.retry_cause or record.error_type)))


def _runs(row: Row, runs: Sequence[RunRecord], responses: Sequence[ResponseRecord]) -> None:
    outer = [run for run in runs if run.parent_run_id is None]
    row.seen = ', '.join(_outcome(run) for run in outer)
    equal(row, 'run', row.seen, row.expected.run)
    equal(row, 'output retries', sum(run.output_retries for run in runs), row.expected.output_retries)
    for run in runs:
        mine = [record for record in responses if record.run_id == run.run_id]
        equal(row, f'requests of {run.agent}', run.requests, len(mine))
        if run.duration is not None and run.phases:
            error = abs(sum(run.phases.values()) - run.duration)
            row.phases = max(row.phases or 0.0, error)


def _nesting(row: Row, runs: Sequence[RunRecord]) -> None:
    by_id = {run.run_id: run for run in runs}
    nested: dict[str, str] = {}
    for run in runs:
        parent = None if run.parent_run_id is None else by_id[run.parent_run_id]
        if parent is None:
            equal(row, f'outermost agent of {run.agent}', run.root_agent, run.agent)
            continue
        nested[run.agent] = f'{nested[run.agent]}, {_outcome(run)}' if run.agent in nested else _outcome(run)
        equal(row, f'outermost agent of {run.agent}', run.root_agent, parent.root_agent)
        equal(row, f'caller of {run.agent}', parent.agent, (row.expected.parents or {}).get(run.agent, run.root_agent))
    equal(row, 'nested runs', nested, dict(row.expected.nested or {}))


def _attempts(row: Row, responses: Sequence[ResponseRecord], happened: Happened) -> None:
    """Compare how long each attempt took, and the failed ones before it, where each record is a request of the server's."""
    if len(responses) != len(happened.served):
        return
    # Of a stream that somebody held, or that was waited for elsewhere, the server does not know how long it was read.
    held = row.expected.counts_before or 'consumer' in happened.spent or happened.late > 0
    timed = row.expected.chunks and not held
    pairs = [
        (record, (each.finished_at or each.received_at) - each.received_at)
        for record, each in zip(responses, sorted(happened.served, key=lambda each: each.received_at), strict=True)
    ]
    for place, (record, took) in enumerate(pairs):
        what = f'attempt {record.attempt} of request {record.step}'
        before = [
            seconds
            for other, seconds in pairs
            if (other.run_id, other.step) == (record.run_id, record.step) and other.attempt < record.attempt
        ]
        waited = sum(before) if before and record.outcome != 'error' else None
        near(row, f'wait before {what}', record.wait_before_attempt, waited, row.bounds.phase)
        if timed and record.outcome in ('success', 'error'):
            known = record.attempt < len(before) + 1 or is_known(row.expected.first_token, place)
            near(row, f'duration of {what}', record.duration, took if known else None, row.bounds.phase)


def _phases(row: Row, runs: Sequence[RunRecord], spent: Mapping[str, float]) -> None:
    for phase, true in spent.items():
        seen = sum(run.phases.get(phase, 0.0) for run in runs)
        known = phase in row.expected.phases
        # The rest holds pydantic-ai's own work as well.
        seen = min(seen, true) if known and phase == 'other' else seen
        near(row, f'phase {phase}', seen, true if known else 0.0, row.bounds.phase)


def _exposition(row: Row, seen: Capture, happened: Happened) -> None:
    """What Prometheus is told has to be what the records say, with nothing open at the end."""
    equal(row, 'scrapes', tuple(scrape.shown for scrape in happened.scrapes), row.expected.scrapes)
    for scrape in happened.scrapes:
        true = 0.0 if scrape.shown == 'nothing' else scrape.true_age
        near(row, 'age of the oldest run', scrape.age, true, row.bounds.phase)
    for name, records in (('runs', seen.runs()), ('requests', seen.responses()), ('tool_calls', seen.tools())):
        counted = by_label(happened.exposition, f'pydantic_ai_{name}_total', 'outcome')
        told = {outcome: count for outcome, count in counted.items() if count}
        equal(row, f'{name} told to Prometheus', told, dict(Counter(record.outcome for record in records)))
    stalls = by_label(happened.exposition, 'pydantic_ai_stream_stalls_total', '')
    equal(row, 'stalls told to Prometheus', sum(stalls.values()), row.expected.stalls)
    for name in ('runs_in_progress', 'oldest_run_age_seconds', 'requests_in_progress', 'stalled_streams'):
        left = by_label(happened.exposition, f'pydantic_ai_{name}', 'model')
        equal(row, f'{name} at the end', {label: value for label, value in left.items() if value}, {})


def _usage(row: Row, runs: Sequence[RunRecord], responses: Sequence[ResponseRecord], happened: Happened) -> None:
    for record in responses:
        if record.outcome == 'success':
            equal(row, f'usage of request {record.step} is known', record.usage_reported, row.expected.usage)
    if not row.expected.usage:
        return
    for run_id, usage in happened.usages.items():
        counted = [run for run in runs if run.run_id == run_id or happened.shares_usage]
        equal(row, 'input tokens', sum(run.input_tokens for run in counted), usage.input_tokens)
        equal(row, 'output tokens', sum(run.output_tokens for run in counted), usage.output_tokens)
        # Of a request that reported no tokens pydantic-ai knows that they cost nothing; the tap knows nothing.
        equal(row, 'cost', _cost(counted), round(float(usage.cost), 9) if usage.cost else None)
    for run in runs:
        mine = [record for record in responses if record.run_id == run.run_id and record.usage_reported]
        equal(row, f'tokens of {run.agent}', run.input_tokens, sum(record.input_tokens or 0 for record in mine))


def _cost(records: Sequence[RunRecord]) -> float | None:
    known = [record.cost_usd for record in records if record.cost_usd is not None]
    return round(sum(known), 9) if known else None
