"""What was recorded beside what happened: the errors of the numbers, and everything that is wrong."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamtap._phases import Intervals
from truth.exposition import by_label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamtap import ResponseRecord, RunRecord, ToolRecord
    from streamtap.testing import Capture, Served
    from truth.case import Case, Door, Expected
    from truth.world import Happened, Stamp

FEWEST_GAPS = 5
"""Gaps of a response below which their median says nothing."""


REFUSED = ('validation_error', 'unknown_tool', 'unavailable_tool')
"""Why a call has to be made again of which the tool knows nothing."""


@dataclass(frozen=True)
class Bounds:
    """How far a number may be from the truth.

    Args:
        first_token: Seconds; also for what a run takes until its first output, and until its end.
        gap: Seconds, for the median gap of a response.
        speed: Share of the tokens per second.
        tool: Seconds, for the duration of a tool.
        phase: Seconds, for a phase that the case measured, and for the age of an open run.
        phases: Seconds by which the phases of a run may miss its duration.
    """

    first_token: float
    gap: float
    speed: float
    tool: float
    phase: float
    phases: float = 0.001


TIGHT = Bounds(first_token=0.040, gap=0.002, speed=0.01, tool=0.010, phase=0.060)
GENEROUS = Bounds(first_token=0.2, gap=0.02, speed=0.25, tool=0.2, phase=0.2)
"""For a machine that does other things as well."""


@dataclass
class Row:
    """A case at one door: the largest error of each number (seconds, shares), and what is wrong."""

    case: Case
    door: Door
    bounds: Bounds
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
    row = Row(case, door, bounds)
    expected = row.expected
    responses = sorted(seen.responses, key=lambda record: record.started_ns)
    _runs(row, seen.runs, responses)
    _nesting(row, seen.runs)
    _equal(row, 'requests', tuple(_outcome(record) for record in responses), expected.requests)
    _equal(row, 'tools', tuple(sorted(map(_of_tool, seen.tools))), tuple(sorted(expected.tools)))
    if not isinstance(happened.raised, case.raises or type(None)):
        _equal(row, 'what came out', happened.raised, case.raises)
    if expected.models is not None:
        _equal(row, 'models', tuple(record.model for record in responses), expected.models)
    _attempts(row, responses, happened)
    _numbers(row, responses, happened)
    _phases(row, seen.runs, happened.spent)
    _equal(row, 'stalls', sum(record.stalls for record in responses), expected.stalls)
    _exposition(row, seen, happened)
    _tool_times(row, seen.tools, happened.stamps)
    _tools_phase(row, seen.runs, seen.tools, happened.stamps)
    _run_times(row, seen, happened)
    _usage(row, seen.runs, responses, happened)
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


def _near(row: Row, what: str, seen: float | None, true: float | None, bound: float) -> None:
    if (seen is None) != (true is None) or abs((seen or 0.0) - (true or 0.0)) > bound:
        row.faults.append(f'{what}: {seen!r} instead of {true!r}')


def _is_known(expected: bool | tuple[bool, ...], place: int) -> bool:  # noqa: FBT001
    return expected if isinstance(expected, bool) else expected[place]


def _outcome(record: RunRecord | ResponseRecord) -> str:
    return record.outcome if record.error_type is None else f'{record.outcome} {record.error_type}'


def _of_tool(record: ToolRecord) -> str:
    return ' '.join(filter(None, (record.tool, record.outcome, record.retry_cause or record.error_type)))


def _runs(row: Row, runs: Sequence[RunRecord], responses: Sequence[ResponseRecord]) -> None:
    outer = [run for run in runs if run.parent_run_id is None]
    row.seen = ', '.join(_outcome(run) for run in outer)
    _equal(row, 'run', row.seen, row.expected.run)
    _equal(row, 'output retries', sum(run.output_retries for run in runs), row.expected.output_retries)
    for run in runs:
        mine = [record for record in responses if record.run_id == run.run_id]
        _equal(row, f'requests of {run.agent}', run.requests, len(mine))
        queued = run.phases.get('queue', 0.0)
        error = abs(sum(run.phases.values()) - queued - run.duration)
        row.phases = max(row.phases or 0.0, error)


def _nesting(row: Row, runs: Sequence[RunRecord]) -> None:
    by_id = {run.run_id: run for run in runs}
    nested: dict[str, str] = {}
    for run in runs:
        parent = None if run.parent_run_id is None else by_id[run.parent_run_id]
        if parent is None:
            _equal(row, f'outermost agent of {run.agent}', run.root_agent, run.agent)
            continue
        nested[run.agent] = f'{nested[run.agent]}, {_outcome(run)}' if run.agent in nested else _outcome(run)
        _equal(row, f'outermost agent of {run.agent}', run.root_agent, parent.root_agent)
        _equal(row, f'caller of {run.agent}', parent.agent, (row.expected.parents or {}).get(run.agent, run.root_agent))
    _equal(row, 'nested runs', nested, dict(row.expected.nested or {}))


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
        _near(row, f'wait before {what}', record.wait_before_attempt, waited, row.bounds.phase)
        if timed and record.outcome in ('success', 'error'):
            known = record.attempt < len(before) + 1 or _is_known(row.expected.first_token, place)
            _near(row, f'duration of {what}', record.duration, took if known else None, row.bounds.phase)


def _phases(row: Row, runs: Sequence[RunRecord], spent: Mapping[str, float]) -> None:
    for phase, true in spent.items():
        seen = sum(run.phases.get(phase, 0.0) for run in runs)
        known = phase in row.expected.phases
        # The rest holds pydantic-ai's own work as well.
        seen = min(seen, true) if known and phase == 'other' else seen
        _near(row, f'phase {phase}', seen, true if known else 0.0, row.bounds.phase)


def _exposition(row: Row, seen: Capture, happened: Happened) -> None:
    """What Prometheus is told has to be what the records say, with nothing open at the end."""
    _equal(row, 'scrapes', tuple(scrape.shown for scrape in happened.scrapes), row.expected.scrapes)
    for scrape in happened.scrapes:
        true = 0.0 if scrape.shown == 'nothing' else scrape.true_age
        _near(row, 'age of the oldest run', scrape.age, true, row.bounds.phase)
    for name, records in (('runs', seen.runs), ('requests', seen.responses), ('tool_calls', seen.tools)):
        counted = by_label(happened.exposition, f'pydantic_ai_{name}_total', 'outcome')
        told = {outcome: count for outcome, count in counted.items() if count}
        _equal(row, f'{name} told to Prometheus', told, dict(Counter(record.outcome for record in records)))
    stalls = by_label(happened.exposition, 'pydantic_ai_stream_stalls_total', '')
    _equal(row, 'stalls told to Prometheus', sum(stalls.values()), row.expected.stalls)
    for name in ('runs_in_progress', 'oldest_run_age_seconds', 'requests_in_progress', 'stalled_streams'):
        left = by_label(happened.exposition, f'pydantic_ai_{name}', 'model')
        _equal(row, f'{name} at the end', {label: value for label, value in left.items() if value}, {})


def _numbers(row: Row, responses: Sequence[ResponseRecord], happened: Happened) -> None:
    """Compare each response that streamed with the server's own stamps."""
    streamed = [record for record in responses if record.chunks]
    if not row.expected.chunks:
        _equal(row, 'chunks', [record.chunks for record in streamed], [])
        return
    sent = [each for each in sorted(happened.served, key=lambda each: each.received_at) if each.chunks]
    if len(streamed) != len(sent):
        if any(record.streamed for record in responses):
            row.faults.append(f'{len(streamed)} responses streamed instead of {len(sent)}')
        return
    for place, (record, truth) in enumerate(zip(streamed, sent, strict=True)):
        if record.outcome == 'success':
            _equal(row, f'chunks of request {record.step}', record.chunks, len(truth.chunks))
        _first_token(row, place, record, truth, happened)
        if record.stalls == 1:
            ends = [chunk.at for chunk in truth.chunks[1:]] + [truth.finished_at or 0.0]
            silence = max(end - chunk.at for chunk, end in zip(truth.chunks, ends, strict=True))
            _near(row, 'seconds of the stall', record.stall_seconds, silence, row.bounds.phase)
        if record.outcome == 'success':
            _pace(row, place, record, truth)


def _first_token(row: Row, place: int, record: ResponseRecord, truth: Served, happened: Happened) -> None:
    known = record.time_to_first_token is not None
    _equal(
        row, f'time to first token of request {record.step} is known', known, _is_known(row.expected.first_token, place)
    )
    if record.time_to_first_token is not None and truth.time_to_first_chunk is not None:
        waiting = happened.waiting if row.expected.counts_before else {}
        began = waiting.get(truth.request.number, truth.received_at)
        error = abs(record.time_to_first_token - (truth.chunks[0].at + happened.late - began))
        row.first_token = max(row.first_token or 0.0, error)


def _pace(row: Row, place: int, record: ResponseRecord, truth: Served) -> None:
    gaps = [after.at - before.at for before, after in zip(truth.chunks, truth.chunks[1:], strict=False)]
    if len(gaps) < FEWEST_GAPS:
        return
    expected = _is_known(row.expected.pace, place)
    _equal(row, f'the pace of request {record.step} is known', record.gap_counts is not None, expected)
    median = None if record.gap_counts is None else record.gap_counts.quantile(0.5)
    if median is not None:
        row.gap = max(row.gap or 0.0, abs(median - statistics.median(gaps)))
    usage = truth.request.include_usage and row.expected.usage
    speed = record.output_tokens_per_second
    _equal(row, f'the speed of request {record.step} is known', speed is not None, expected and usage)
    if speed is not None and truth.window and record.output_tokens:
        true = (record.output_tokens - 1) / truth.window
        row.speed = max(row.speed or 0.0, abs(speed - true) / true)


def _tool_times(row: Row, tools: Sequence[ToolRecord], stamps: Sequence[Stamp]) -> None:
    left = sorted(stamps, key=lambda stamp: stamp.started)
    for record in sorted(tools, key=lambda record: record.started_ns):
        stamp = next((stamp for stamp in left if stamp.tool == record.tool), None)
        if stamp is None or record.outcome in ('interrupted', 'deferred', 'denied') or record.retry_cause in REFUSED:
            continue
        left.remove(stamp)
        times = row.expected.tool_times
        known = (times if isinstance(times, bool) else record.tool in times) and record.tool not in row.expected.untimed
        _equal(row, f'the duration of {record.tool} is known', record.duration is not None, known)
        if record.duration is not None:
            row.tool = max(row.tool or 0.0, abs(record.duration - (stamp.ended - stamp.started)))


def _run_times(row: Row, seen: Capture, happened: Happened) -> None:
    """Compare a run alone with what its caller saw of it, and with what was sent that its user could see."""
    functions = {record.tool for record in seen.tools if record.kind == 'function'}
    ran = sum(stamp.tool in functions for stamp in happened.stamps)
    if len(functions) == len({stamp.tool for stamp in happened.stamps} & functions):
        _equal(row, 'tool calls of all runs', sum(run.tool_calls for run in seen.runs), ran)
    if len(seen.runs) != 1 or len(happened.runs) != 1 or not row.expected.run_start:
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
        row.first_output = abs(started + run.time_to_first_output - (visible + happened.late))


def _first_visible(served: Served) -> float | None:
    """When the first chunk was sent that a user can see: of a text, or of the arguments of an output tool."""
    tool = ''
    for chunk in served.chunks:
        if chunk.kind == 'tool_call':
            tool = chunk.text
        if chunk.kind == 'text' or (chunk.kind == 'tool_args' and tool.startswith('final_result')):
            return chunk.at
    return None


def _tools_phase(row: Row, runs: Sequence[RunRecord], tools: Sequence[ToolRecord], stamps: Sequence[Stamp]) -> None:
    """Compare the time in which any tool ran, if the run is the only one and all its tools are stamped."""
    stamped = {stamp.tool for stamp in stamps}
    if len(runs) != 1 or row.expected.untimed or not stamped or not all(tool.tool in stamped for tool in tools):
        return
    true = Intervals()
    for stamp in stamps:
        true.add(stamp.started, stamp.ended)
    error = abs(runs[0].phases.get('tools', 0.0) - true.length())
    row.tool = max(row.tool or 0.0, error)


def _usage(row: Row, runs: Sequence[RunRecord], responses: Sequence[ResponseRecord], happened: Happened) -> None:
    for record in responses:
        if record.outcome == 'success':
            _equal(row, f'usage of request {record.step} is known', record.usage_reported, row.expected.usage)
    if not row.expected.usage:
        return
    for run_id, usage in happened.usages.items():
        counted = [run for run in runs if run.run_id == run_id or happened.shares_usage]
        _equal(row, 'input tokens', sum(run.input_tokens for run in counted), usage.input_tokens)
        _equal(row, 'output tokens', sum(run.output_tokens for run in counted), usage.output_tokens)
        # Of a request that reported no tokens pydantic-ai knows that they cost nothing; the tap knows nothing.
        _equal(row, 'cost', _cost(counted), round(float(usage.cost), 9) if usage.cost else None)
    for run in runs:
        mine = [record for record in responses if record.run_id == run.run_id and record.usage_reported]
        _equal(row, f'tokens of {run.agent}', run.input_tokens, sum(record.input_tokens or 0 for record in mine))


def _cost(records: Sequence[RunRecord]) -> Any:
    known = [record.cost_usd for record in records if record.cost_usd is not None]
    return round(sum(known), 9) if known else None
