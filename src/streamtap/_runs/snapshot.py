"""What is open now, as an immutable snapshot of the open runs."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal

from streamtap._base.names import clean
from streamtap._records.live import Live, LiveResponse, LiveRun, LiveTool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamtap._meter.response import ResponseMeter
    from streamtap._runs.run import Run
    from streamtap._runs.shared import Shared


def snapshot(runs: Iterable[Run], shared: Shared) -> Live:
    """The open runs, in the given order, with their open requests and tool calls."""
    now = shared.clock.monotonic()
    seen: deque[LiveRun] = deque()
    responses: deque[LiveResponse] = deque()
    tools: deque[LiveTool] = deque()
    for run in runs:
        identity = run.identity
        seen.append(
            LiveRun(
                run_id=identity.run_id,
                parent_run_id=identity.parent_run_id,
                parent_tool_call_id=identity.parent_tool_call_id,
                agent=identity.agent,
                root_agent=identity.root_agent,
                door=identity.door,
                labels=identity.labels,
                age=max(0.0, now - run.started),
                is_unseen=(unsettled := run.unsettled) is not None and unsettled.is_truncated,
            )
        )
        if (response := _response(run, shared, now)) is not None:
            responses.append(response)
        tools.extend(
            LiveTool(
                run_id=identity.run_id,
                agent=identity.agent,
                tool=call.tool,
                tool_call_id=clean(call.tool_call_id),
                kind=call.kind,
                labels=identity.labels,
                age=max(0.0, now - call.started),
            )
            for call in list(run.tools.open.values())
        )
    return Live(runs=tuple(seen), responses=tuple(responses), tools=tuple(tools))


def _response(run: Run, shared: Shared, now: float) -> LiveResponse | None:
    request = run.open_request
    if request is None or request.meter.stopped is not None:
        return None
    meter = request.meter
    since = meter.waiting_since if request.streamed else None
    asked = request.model.candidate(0)
    return LiveResponse(
        run_id=run.identity.run_id,
        agent=run.identity.agent,
        provider=shared.redact('provider', asked.provider),
        model=shared.redact('model', asked.name),
        labels=run.identity.labels,
        streamed=request.streamed,
        age=None if meter.started is None else max(0.0, now - meter.started),
        wait=None if since is None else max(0.0, now - since),
        chunks=meter.chunks,
        window=None
        if meter.first_chunk is None or meter.is_held_back
        else meter.last_chunk - meter.first_chunk - meter.native_at_last,
        stalled=_stage(meter, shared, now) if request.streamed else None,
        since_first_chunk=_since(meter.first_chunk, now),
        since_first_output=_since(meter.first_output, now),
        longest_wait=meter.max_inter_chunk_latency,
    )


def _since(moment: float | None, now: float) -> float | None:
    return None if moment is None else max(0.0, now - moment)


def _stage(meter: ResponseMeter, shared: Shared, now: float) -> Literal['first_token', 'mid_stream'] | None:
    """The stage at which a stream is stalled, if it is."""
    silent_for = meter.silent_for(now)
    if silent_for is None:
        return None
    if meter.chunks:
        return 'mid_stream' if silent_for > shared.stall_after else None
    return 'first_token' if silent_for > shared.slow_start_after else None
