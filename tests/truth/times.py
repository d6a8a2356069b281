"""The numbers that were recorded beside the stamps of the server and of the tools."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from streamtap._meter.phases import Intervals
from truth.row import GENEROUS, equal, is_known, near

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap import ResponseRecord, RunRecord, ToolRecord
    from streamtap.testing import Capture, Served
    from truth.row import Row
    from truth.world import Happened, Stamp

FEWEST_GAPS = 5
"""Gaps of a response below which their median says nothing."""


SHORTEST_WINDOW = 0.2
"""Seconds from the first chunk to the last below which a millisecond is more than the bound of tokens per second."""

REFUSED = ('validation_error', 'unknown_tool', 'unavailable_tool')
"""Why a call has to be made again of which the tool knows nothing."""


def numbers(row: Row, responses: Sequence[ResponseRecord], happened: Happened) -> None:
    """Compare each response that streamed with the server's own stamps."""
    streamed = [record for record in responses if record.chunks]
    if not row.expected.chunks:
        equal(row, 'chunks', [record.chunks for record in streamed], [])
        return
    sent = [each for each in sorted(happened.served, key=lambda each: each.received_at) if each.chunks]
    if len(streamed) != len(sent):
        if any(record.streamed for record in responses):
            row.faults.append(f'{len(streamed)} responses streamed instead of {len(sent)}')
        return
    for place, (record, truth) in enumerate(zip(streamed, sent, strict=True)):
        if record.outcome == 'success':
            equal(row, f'chunks of request {record.step}', record.chunks, len(truth.chunks))
        _first_token(row, place, record, truth, happened)
        if record.stalls == 1:
            ends = [chunk.at for chunk in truth.chunks[1:]] + [truth.finished_at or 0.0]
            silence = max(end - chunk.at for chunk, end in zip(truth.chunks, ends, strict=True))
            near(row, 'seconds of the stall', record.stall_seconds, silence, row.bounds.phase)
        if record.outcome == 'success':
            _pace(row, place, record, truth)


def _first_token(row: Row, place: int, record: ResponseRecord, truth: Served, happened: Happened) -> None:
    known = record.time_to_first_token is not None
    equal(
        row, f'time to first token of request {record.step} is known', known, is_known(row.expected.first_token, place)
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
    expected = is_known(row.expected.pace, place)
    equal(row, f'the pace of request {record.step} is known', record.inter_chunk_latencies is not None, expected)
    median = None if record.inter_chunk_latencies is None else record.inter_chunk_latencies.quantile(0.5)
    if median is not None:
        row.gap = max(row.gap or 0.0, abs(median - statistics.median(gaps)))
    usage = truth.request.include_usage and row.expected.usage and row.expected.speed
    speed = record.output_tokens_per_second
    if speed is not None or row.bounds.steady:
        equal(row, f'the speed of request {record.step} is known', speed is not None, expected and usage)
    if speed is not None and truth.window:
        true = row.expected.tokens_per_second or sum(chunk.tokens for chunk in truth.chunks[1:]) / truth.window
        error = abs(speed - true) / true
        if truth.window >= SHORTEST_WINDOW:
            row.speed = max(row.speed or 0.0, error)
        elif error > GENEROUS.speed:
            row.faults.append(f'tokens per second of a short window are off by {error:.0%}')


def tool_times(row: Row, tools: Sequence[ToolRecord], stamps: Sequence[Stamp]) -> None:
    left = sorted(stamps, key=lambda stamp: stamp.started)
    for record in sorted(tools, key=lambda record: record.started_ns):
        stamp = next((stamp for stamp in left if stamp.tool == record.tool), None)
        if stamp is None or record.outcome in ('interrupted', 'deferred', 'denied') or record.retry_cause in REFUSED:
            continue
        left.remove(stamp)
        times = row.expected.tool_times
        untimed = {record.tool, record.tool_call_id} & set(row.expected.untimed)
        known = (times if isinstance(times, bool) else record.tool in times) and not untimed
        equal(row, f'the duration of {record.tool} is known', record.duration is not None, known)
        if record.duration is not None:
            row.tool = max(row.tool or 0.0, abs(record.duration - (stamp.ended - stamp.started)))


def run_times(row: Row, seen: Capture, happened: Happened) -> None:
    """Compare a run alone with what its caller saw of it, and with what was sent that its user could see."""
    functions = {record.tool for record in seen.tools() if record.kind == 'function'}
    ran = sum(stamp.tool in functions for stamp in happened.stamps)
    if len(functions) == len({stamp.tool for stamp in happened.stamps} & functions):
        equal(row, 'tool calls of all runs', sum(run.tool_calls for run in seen.runs()), ran)
    if len(seen.runs()) != 1 or len(happened.runs) != 1 or not row.expected.run_start:
        return
    (run,), (truth,) = seen.runs(), happened.runs
    started = (run.started_ns - (time.time_ns() - time.perf_counter_ns())) / 1e9
    # It starts at some moment between its caller's call and its first request: what comes before not every door sees.
    latest = min((served.received_at for served in happened.served), default=truth.ended)
    beside = max(truth.started - started, started - latest, 0.0)
    equal(row, 'the duration of the run is known', run.duration is not None, expected=True)
    if run.duration is not None:
        row.duration = max(beside, abs(started + run.duration - truth.ended))
    visible = next((moment for served in happened.served if (moment := first_visible(served)) is not None), None)
    equal(row, 'time to first output is known', run.time_to_first_output is not None, visible is not None)
    if run.time_to_first_output is not None and visible is not None:
        row.first_output = abs(started + run.time_to_first_output - (visible + happened.late))


def queued_run_times(
    row: Row, runs: Sequence[RunRecord], responses: Sequence[ResponseRecord], happened: Happened
) -> None:
    """Compare runs that waited for a slot, where that is known, with what their callers waited for."""
    if 'queue' not in row.expected.phases:
        return
    ended = sorted(happened.runs, key=lambda each: each.ended)
    answers = sorted(happened.served, key=lambda each: each.received_at)
    equal(row, 'runs and their requests', (len(runs), len(answers)), (len(ended), len(ended)))
    for run, truth, served in zip(sorted(runs, key=_end_of), ended, answers, strict=False):
        near(row, 'duration of a run with its queue', run.duration, truth.ended - truth.started, row.bounds.phase)
        visible = first_visible(served) if all(record.streamed for record in responses) else None
        blank = None if visible is None else visible - truth.started
        near(row, 'blank screen of a run with its queue', run.time_to_first_output, blank, row.bounds.phase)


def _end_of(run: RunRecord) -> float:
    return run.started_ns / 1e9 + (run.duration or 0.0)


def first_visible(served: Served) -> float | None:
    """When the first chunk was sent that a user can see: of a text, or of the arguments of an output tool."""
    tool = ''
    for chunk in served.chunks:
        if chunk.kind == 'tool_call':
            tool = chunk.text
        if chunk.kind == 'text' or (chunk.kind == 'tool_args' and tool.startswith('final_result')):
            return chunk.at
    return None


def tools_phase(row: Row, runs: Sequence[RunRecord], tools: Sequence[ToolRecord], stamps: Sequence[Stamp]) -> None:
    """Compare the time in which any tool ran, if the run is the only one and all its tools are stamped."""
    stamped = {stamp.tool for stamp in stamps}
    known = row.expected.tool_times is True and not row.expected.untimed
    if len(runs) != 1 or not known or not stamped or not all(tool.tool in stamped for tool in tools):
        return
    true = Intervals()
    for stamp in stamps:
        true.add(stamp.started, stamp.ended)
    error = abs(runs[0].phases.get('tools', 0.0) - true.length())
    row.tool = max(row.tool or 0.0, error)
