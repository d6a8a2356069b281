"""What was recorded beside what happened: the errors of the numbers, and everything that is wrong."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from truth.exposition import by_label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        first_token: Seconds.
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
    _equal(row, 'requests', tuple(_outcome(record) for record in responses), expected.requests)
    tools = tuple(sorted(f'{record.tool} {record.outcome}' for record in seen.tools))
    _equal(row, 'tools', tools, tuple(sorted(expected.tools)))
    if expected.models is not None:
        _equal(row, 'models', tuple(record.model for record in responses), expected.models)
    _attempts(row, responses, happened)
    _numbers(row, responses, happened)
    _phases(row, seen.runs, happened.spent)
    _equal(row, 'stalls', sum(record.stalls for record in responses), expected.stalls)
    _exposition(row, seen, happened)
    _tool_times(row, seen.tools, happened.stamps)
    _usage(row, responses, happened)
    _equal(row, 'still open', seen.tap.live().runs, ())
    _equal(row, 'faults', [(fault.what, fault.where) for fault in seen.faults], [])
    for name, error, bound in (
        ('time to first token', row.first_token, bounds.first_token),
        ('median gap', row.gap, bounds.gap),
        ('tokens per second', row.speed, bounds.speed),
        ('tool duration', row.tool, bounds.tool),
        ('phases', row.phases, bounds.phases),
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


def _runs(row: Row, runs: Sequence[RunRecord], responses: Sequence[ResponseRecord]) -> None:
    outer = [run for run in runs if run.parent_run_id is None]
    nested = {run.agent: _outcome(run) for run in runs if run.parent_run_id is not None}
    _equal(row, 'nested runs', nested, dict(row.expected.nested or {}))
    row.seen = ', '.join(_outcome(run) for run in outer)
    _equal(row, 'run', row.seen, row.expected.run)
    for run in runs:
        mine = [record for record in responses if record.run_id == run.run_id]
        _equal(row, f'requests of {run.agent}', run.requests, len(mine))
        queued = run.phases.get('queue', 0.0)
        error = abs(sum(run.phases.values()) - queued - run.duration)
        row.phases = max(row.phases or 0.0, error)


def _attempts(row: Row, responses: Sequence[ResponseRecord], happened: Happened) -> None:
    """Compare how long each attempt took, and the failed ones before it, where each record is a request of the server's."""
    if len(responses) != len(happened.served):
        return
    # Of a stream that somebody held, or that was waited for elsewhere, the server does not know how long it was read.
    timed = row.expected.chunks and not row.expected.counts_before and 'consumer' not in happened.spent
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
        _first_token(row, place, record, truth, happened.waiting)
        if record.stalls == 1:
            ends = [chunk.at for chunk in truth.chunks[1:]] + [truth.finished_at or 0.0]
            silence = max(end - chunk.at for chunk, end in zip(truth.chunks, ends, strict=True))
            _near(row, 'seconds of the stall', record.stall_seconds, silence, row.bounds.phase)
        if record.outcome == 'success':
            _pace(row, place, record, truth)


def _first_token(row: Row, place: int, record: ResponseRecord, truth: Served, waiting: Mapping[int, float]) -> None:
    known = record.time_to_first_token is not None
    _equal(
        row, f'time to first token of request {record.step} is known', known, _is_known(row.expected.first_token, place)
    )
    if record.time_to_first_token is not None and truth.time_to_first_chunk is not None:
        began = (
            waiting.get(truth.request.number, truth.received_at) if row.expected.counts_before else truth.received_at
        )
        error = abs(record.time_to_first_token - (truth.chunks[0].at - began))
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
        if stamp is None or record.outcome in ('interrupted', 'deferred', 'denied'):
            continue
        left.remove(stamp)
        times = row.expected.tool_times
        known = times if isinstance(times, bool) else record.tool in times
        _equal(row, f'the duration of {record.tool} is known', record.duration is not None, known)
        if record.duration is not None:
            row.tool = max(row.tool or 0.0, abs(record.duration - (stamp.ended - stamp.started)))


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
        _equal(row, 'cost', _cost(run), None if usage.cost is None else round(float(usage.cost), 9))


def _cost(records: Sequence[ResponseRecord]) -> Any:
    known = [record.cost_usd for record in records if record.cost_usd is not None]
    return round(sum(known), 9) if known else None
