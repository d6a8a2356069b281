"""A stream written as bytes, for a fuzzer that only knows bytes: each event is three, what it is and two times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_ai import messages as m

from hostile.sound import faults
from streamtap._base.clock import Moments
from streamtap._base.names import clean
from streamtap._delivery.dispatch import Dispatch
from streamtap._delivery.redaction import Redaction
from streamtap._meter.phases import PhaseClock
from streamtap._meter.response import ResponseMeter
from streamtap._records.bounds import MAX_PARTS
from streamtap._runs.identity import RunIdentity
from streamtap._runs.prompts import Conversations, Prompts
from streamtap._runs.request import Request
from streamtap._runs.response_record import build_records
from streamtap._upstream.model_responses import AskedModel
from streamtap._upstream.stream_events import feed_response

if TYPE_CHECKING:
    from collections.abc import Iterator

IDENTITY = RunIdentity(
    run_id='r',
    conversation_id=None,
    parent_run_id=None,
    parent_tool_call_id=None,
    agent='a',
    root_agent='a',
    conversation=0,
    door='handler',
    labels={},
    instrumented=False,
)

NOTHING_REDACTED = Redaction(None, Dispatch((), include_content=False))

NO_PROMPTS = Prompts(Conversations(), 0)

SECONDS = (0.0, 1e-9, 1e-6, 0.001, 0.02, 0.5, 4.9, 5.0, 6.0, 60.0, 1e4, 1e9, -1e-9, -0.001, -6.0, -1e9)
"""How far the clock goes; the two halves of a byte each name one."""


def _events(index: int, name: str) -> tuple[Any, ...]:
    delta, start = m.PartDeltaEvent, m.PartStartEvent
    return (
        delta(index=index, delta=m.TextPartDelta('x')),
        delta(index=index, delta=m.TextPartDelta('')),
        delta(index=index, delta=m.ThinkingPartDelta(content_delta='x')),
        delta(index=index, delta=m.ThinkingPartDelta(signature_delta='x')),
        delta(index=index, delta=m.ToolCallPartDelta(args_delta='x')),
        delta(index=index, delta=m.ToolCallPartDelta(tool_name_delta='x')),
        delta(index=index, delta=m.ToolCallPartDelta()),
        start(index=index, part=m.TextPart('')),
        start(index=index, part=m.TextPart('x')),
        start(index=index, part=m.ThinkingPart('x')),
        start(index=index, part=m.ToolCallPart(name, 'x', name)),
        start(index=index, part=m.ToolCallPart('', None, '')),
        start(index=index, part=m.NativeToolCallPart(name, None, name)),
        start(index=index, part=m.NativeToolReturnPart(name, 'x', name)),
        m.PartEndEvent(index=index, part=m.TextPart('x')),
        m.FinalResultEvent(tool_name=None, tool_call_id=None),
    )


_NAMES = ('a', 'b', '\ud800' * 300, '')
_EVENTS = tuple(event for index in range(16) for event in _events(index - 1, _NAMES[index % 4]))
"""One event for each value of a byte: the low half is what it is, the high half the part's index."""


def _decoded(data: bytes) -> Iterator[tuple[Any, float, float]]:
    """The events, each with the time the consumer held the one before, and the wait for it."""
    for place in range(0, len(data) - 1, 2):
        yield _EVENTS[data[place]], SECONDS[data[place + 1] >> 4], SECONDS[data[place + 1] & 15]


def check(data: bytes) -> None:
    """Feed a stream to a meter, and make the record of it.

    Args:
        data: The stream; its first byte says when the request started, and how long nothing came in the end.

    Raises:
        AssertionError: If something does not hold that must.
    """
    head, rest = (data[0] if data else 0), data[1:]
    started = None if head >> 4 == 15 else 1000.0 + SECONDS[head >> 4]
    meter = ResponseMeter(started, stall_after=5.0)
    now, consumed = 1000.0, 0
    for event, held, waited in _decoded(rest):
        pulled = now + held
        now = pulled + waited
        meter.held, meter.resumed_at = held > 0, pulled
        feed_response(meter, event, pulled, now, lambda name: (clean(name), name == 'b'))
        consumed += 1
    now += SECONDS[head & 15]
    meter.stop(now)
    assert meter.chunks <= consumed
    assert sum(meter.inter_chunk_latencies) <= max(0, meter.chunks - 1)
    assert len(meter.parts) <= MAX_PARTS
    assert len(meter.native_calls) <= MAX_PARTS
    request = Request(1, streamed=True, model=AskedModel('p', 'm'), meter=meter)
    settled = build_records(request, IDENTITY, Moments(1000.0, 1_767_225_600_000_000_000), NOTHING_REDACTED, NO_PROMPTS)
    found = [fault for record in settled.records for fault in faults(record)]
    assert not found, found
    phases = PhaseClock()
    phases.streamed(meter, started, broke=bool(head & 1))
    duration = max(0.0, now - 1000.0)
    split = phases.split(duration)
    assert min(split.values(), default=0.0) >= 0.0, split
    # As the contract promises; on a clock that jumps by decades, fractions get lost.
    assert abs(sum(split.values()) - duration) <= 1e-3, split
