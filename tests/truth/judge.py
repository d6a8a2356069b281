"""What was recorded beside what happened: the errors of the numbers, and everything that is wrong."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap import ResponseRecord, RunRecord, ToolRecord
    from streamtap.testing import Capture, Served
    from truth.case import Case, Door, Expected
    from truth.world import Happened, Stamp

FEWEST_GAPS = 5
"""Gaps of a response below which their median says nothing."""


@dataclass(frozen=True)
class Bounds:
    """How far a number may be from the truth.

    Args:
        first_token: Seconds; also for what a run takes until its first output, and until its end.
        gap: Seconds, for the median gap of a response.
        speed: Share of the tokens per second.
        tool: Seconds, for the duration of a tool.
        phases: Seconds by which the phases of a run may miss its duration.
    """

    first_token: float
    gap: float
    speed: float
    tool: float
    phases: float = 0.001


TIGHT = Bounds(first_token=0.040, gap=0.002, speed=0.01, tool=0.010)
GENEROUS = Bounds(first_token=0.2, gap=0.02, speed=0.25, tool=0.2)
"""For a machine that does other things as well."""


@dataclass
class Row:
    """A case at one door: the largest error of each number (seconds, shares), and what is wrong."""

    case: Case
    door: Door
    first_token: float | None = None
    gap: float | None = None
    speed: float | None = None
    tool: float | None = None
    phases: float | None = None
    first_output: float | None = None
    duration: float | None = None
    seen: str = ''
    faults: list[str] = field(default_factory=list[str])

    @property
    def expected(self) -> Expected:
        """What the door had to record."""
        return self.case.expected[self.door]


def judge(case: Case, door: Door, happened: Happened, seen: Capture, bounds: Bounds) -> Row:
    """Compare what a door recorded of a case with what happened.

    Args:
        case: The case.
        door: The door.
        happened: What the outside saw.
        seen: What was recorded.
        bounds: How far numbers may be off.
    """
    row = Row(case, door)
    expected = row.expected
    responses = sorted(seen.responses, key=lambda record: record.started_ns)
    _runs(row, seen.runs, responses)
    _equal(row, 'requests', tuple(_outcome(record) for record in responses), expected.requests)
    _equal(row, 'tools', tuple(sorted(map(_of_tool, seen.tools))), tuple(sorted(expected.tools)))
    if not isinstance(happened.raised, case.raises or type(None)):
        _equal(row, 'what came out', happened.raised, case.raises)
    _numbers(row, responses, happened.served)
    _tool_times(row, seen.tools, happened.stamps)
    _run_times(row, seen, happened)
    _usage(row, responses, happened)
    _equal(row, 'still open', seen.tap.live().runs, ())
    _equal(row, 'faults', [(fault.what, fault.where) for fault in seen.faults], [])
    for name, error, bound in (
        ('time to first token', row.first_token, bounds.first_token),
        ('median gap', row.gap, bounds.gap),
        ('tokens per second', row.speed, bounds.speed),
        ('tool duration', row.tool, bounds.tool),
        ('phases', row.phases, bounds.phases),
        ("the run's time to first output", row.first_output, bounds.first_token),
        ("the run's start or end", row.duration, bounds.first_token),
    ):
        if error is not None and error > bound:
            row.faults.append(f'{name} is off by {error:.4f}, more than {bound:g}')
    return row


def _equal(row: Row, what: str, seen: object, expected: object) -> None:
    if seen != expected:
        row.faults.append(f'{what}: {seen!r} instead of {expected!r}')


def _outcome(record: RunRecord | ResponseRecord) -> str:
    return record.outcome if record.error_type is None else f'{record.outcome} {record.error_type}'


def _of_tool(record: ToolRecord) -> str:
    return ' '.join(filter(None, (record.tool, record.outcome, record.retry_cause or record.error_type)))


def _runs(row: Row, runs: Sequence[RunRecord], responses: Sequence[ResponseRecord]) -> None:
    outer = [run for run in runs if run.parent_run_id is None]
    nested = {run.agent: _outcome(run) for run in runs if run.parent_run_id is not None}
    _equal(row, 'nested runs', nested, dict(row.expected.nested or {}))
    row.seen = ', '.join(_outcome(run) for run in outer)
    _equal(row, 'run', row.seen, row.expected.run)
    _equal(row, 'output retries', sum(run.output_retries for run in runs), row.expected.output_retries)
    for run in runs:
        mine = [record for record in responses if record.run_id == run.run_id]
        _equal(row, f'requests of {run.agent}', run.requests, len(mine))
        queued = run.phases.get('queue', 0.0)
        error = abs(sum(run.phases.values()) - queued - run.duration)
        row.phases = max(row.phases or 0.0, error)


def _numbers(row: Row, responses: Sequence[ResponseRecord], served: Sequence[Served]) -> None:
    """Compare each response that streamed with the server's own stamps."""
    streamed = [record for record in responses if record.chunks]
    sent = [each for each in sorted(served, key=lambda each: each.received_at) if each.chunks]
    if len(streamed) != len(sent):
        if any(record.streamed for record in responses):
            row.faults.append(f'{len(streamed)} responses streamed instead of {len(sent)}')
        return
    for record, truth in zip(streamed, sent, strict=True):
        if record.outcome == 'success':
            _equal(row, f'chunks of request {record.step}', record.chunks, len(truth.chunks))
        _first_token(row, record, truth)
        if record.outcome == 'success':
            _pace(row, record, truth)


def _first_token(row: Row, record: ResponseRecord, truth: Served) -> None:
    known = record.time_to_first_token is not None
    _equal(row, f'time to first token of request {record.step} is known', known, row.expected.first_token)
    if record.time_to_first_token is not None and truth.time_to_first_chunk is not None:
        error = abs(record.time_to_first_token - truth.time_to_first_chunk)
        row.first_token = max(row.first_token or 0.0, error)


def _pace(row: Row, record: ResponseRecord, truth: Served) -> None:
    gaps = [after.at - before.at for before, after in zip(truth.chunks, truth.chunks[1:], strict=False)]
    if len(gaps) < FEWEST_GAPS:
        return
    _equal(row, f'the pace of request {record.step} is known', record.gap_counts is not None, row.expected.pace)
    median = None if record.gap_counts is None else record.gap_counts.quantile(0.5)
    if median is not None:
        row.gap = max(row.gap or 0.0, abs(median - statistics.median(gaps)))
    usage = truth.request.include_usage and row.expected.usage
    speed = record.output_tokens_per_second
    _equal(row, f'the speed of request {record.step} is known', speed is not None, row.expected.pace and usage)
    if speed is not None and truth.window and record.output_tokens:
        true = (record.output_tokens - 1) / truth.window
        row.speed = max(row.speed or 0.0, abs(speed - true) / true)


def _tool_times(row: Row, tools: Sequence[ToolRecord], stamps: Sequence[Stamp]) -> None:
    left = sorted(stamps, key=lambda stamp: stamp.started)
    for record in sorted(tools, key=lambda record: record.started_ns):
        stamp = next((stamp for stamp in left if stamp.tool == record.tool), None)
        if stamp is None or record.outcome in ('interrupted', 'deferred', 'denied'):
            continue
        left.remove(stamp)
        _equal(row, f'the duration of {record.tool} is known', record.duration is not None, row.expected.tool_times)
        if record.duration is not None:
            row.tool = max(row.tool or 0.0, abs(record.duration - (stamp.ended - stamp.started)))


def _run_times(row: Row, seen: Capture, happened: Happened) -> None:
    """Compare a run alone with what its caller saw of it, and with what was sent that its user could see."""
    functions = {record.tool for record in seen.tools if record.kind == 'function'}
    ran = sum(stamp.tool in functions for stamp in happened.stamps)
    if len(functions) == len({stamp.tool for stamp in happened.stamps} & functions):
        _equal(row, 'tool calls of all runs', sum(run.tool_calls for run in seen.runs), ran)
    if len(seen.runs) != 1 or len(happened.runs) != 1:
        return
    (run,), (truth,) = seen.runs, happened.runs
    started = (run.started_ns - (time.time_ns() - time.perf_counter_ns())) / 1e9
    # It starts at some moment between its caller's call and its first request: what comes before not every door sees.
    latest = min((served.received_at for served in happened.served), default=truth.ended)
    beside = max(truth.started - started, started - latest, 0.0)
    row.duration = max(beside, abs(started + run.duration - truth.ended))
    visible = next((moment for served in happened.served if (moment := _first_visible(served)) is not None), None)
    _equal(row, 'time to first output is known', run.time_to_first_output is not None, visible is not None)
    if run.time_to_first_output is not None and visible is not None:
        row.first_output = abs(started + run.time_to_first_output - visible)


def _first_visible(served: Served) -> float | None:
    """When the first chunk was sent that a user can see: of a text, or of the arguments of an output tool."""
    tool = ''
    for chunk in served.chunks:
        if chunk.kind == 'tool_call':
            tool = chunk.text
        if chunk.kind == 'text' or (chunk.kind == 'tool_args' and tool.startswith('final_result')):
            return chunk.at
    return None


def _usage(row: Row, responses: Sequence[ResponseRecord], happened: Happened) -> None:
    for record in responses:
        if record.outcome == 'success':
            _equal(row, f'usage of request {record.step} is known', record.usage_reported, row.expected.usage)
    for usage in happened.usages:
        run = [record for record in responses if record.usage_reported]
        if not row.expected.usage or len(happened.usages) > 1:
            return
        _equal(row, 'input tokens', sum(record.input_tokens or 0 for record in run), usage.input_tokens)
        _equal(row, 'output tokens', sum(record.output_tokens or 0 for record in run), usage.output_tokens)
        # Of a request that reported no tokens pydantic-ai knows that they cost nothing; the tap knows nothing.
        _equal(row, 'cost', _cost(run), round(float(usage.cost), 9) if usage.cost else None)


def _cost(records: Sequence[ResponseRecord]) -> Any:
    known = [record.cost_usd for record in records if record.cost_usd is not None]
    return round(sum(known), 9) if known else None
