"""The meter of one response, on made-up times."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal

import pytest
from pydantic_ai.messages import ModelResponse
from pydantic_ai.usage import RequestUsage

from streamtap._base.clock import Moments
from streamtap._meter.response import ResponseMeter
from streamtap._records.bounds import MAX_PARTS, MAX_STALL_STARTS
from streamtap._records.distribution import Distribution
from streamtap._upstream.model_responses import read_response
from streamtap._upstream.stream_events import NATIVE_CALL
from support.pydantic_ai_features import needs


def metered(started: float | None = 0.0, stall_after: float = 5.0) -> ResponseMeter:
    return ResponseMeter(started, stall_after=stall_after)


def text(meter: ResponseMeter, index: int, waited_from: float, now: float) -> None:
    meter.part_started(index, 'text', 'answer', now=now)
    meter.chunk(index, waited_from, now)


def test_empty_events_do_not_stop_the_clock_of_the_first_chunk():
    """A part that starts empty is no chunk; the first content is."""
    meter = metered()
    meter.part_started(0, 'text', 'answer', now=0.1)
    meter.other(0.0, 0.1)
    meter.chunk(0, 0.1, 0.7)
    assert (meter.first_event, meter.first_chunk, meter.chunks) == (0.1, 0.7, 1)


def test_the_wait_for_an_empty_event_belongs_to_the_next_chunk():
    """A gap is the whole silence between two chunks, whatever empty events fell into it."""
    meter = metered()
    text(meter, 0, 0.0, 1.0)
    meter.other(1.0, 1.25)
    meter.chunk(0, 1.25, 1.5)
    assert meter.inter_chunk_latency_sum == 0.5
    assert Distribution.of_counts(meter.inter_chunk_latencies).total == 1


def test_thinking_is_a_token_but_no_output():
    """The first output is the first chunk that is not thinking; users see text only."""
    meter = metered()
    meter.part_started(0, 'thinking', 'thinking', now=1.0)
    meter.chunk(0, 0.0, 1.0)
    meter.chunk(0, 1.0, 2.0)
    meter.part_started(1, 'tool-call', 'call', tool='search', now=3.0)
    meter.chunk(1, 2.0, 3.0)
    text(meter, 2, 3.0, 4.0)
    assert (meter.first_chunk, meter.first_output, meter.first_visible) == (1.0, 3.0, 4.0)


def test_the_arguments_of_the_output_tool_are_what_users_see():
    """Its name alone shows nothing yet, and a function tool's arguments never do."""
    meter = metered()
    meter.part_started(0, 'tool-call', 'call', tool='search', now=1.0)
    meter.arguments(0, 1.0)
    meter.chunk(0, 0.0, 1.0)
    meter.part_started(1, 'tool-call', 'output_call', tool='final_result', now=2.0)
    meter.chunk(1, 1.0, 2.0)
    meter.arguments(1, 3.0)
    meter.chunk(1, 2.0, 3.0)
    assert meter.first_visible == 3.0


def test_chunks_are_counted_for_the_part_they_belong_to():
    """Parts may alternate; each keeps its own chunks and its own last chunk."""
    meter = metered()
    text(meter, 0, 0.0, 1.0)
    meter.part_started(1, 'tool-call', 'call', tool='a', now=2.0)
    meter.chunk(1, 1.0, 2.0)
    meter.chunk(0, 2.0, 3.0)
    meter.chunk(1, 3.0, 4.0)
    meter.chunk(1, 4.0, 5.0)
    meter.stop(5.0)
    assert [(part.index, part.chunks, part.last_chunk) for part in meter.parts] == [(0, 2, 3.0), (1, 3, 5.0)]


def test_a_silence_beyond_the_threshold_is_a_stall():
    """Its seconds are the whole wait, and its start is kept."""
    meter = metered(stall_after=2.0)
    text(meter, 0, 0.0, 10.0)
    meter.chunk(0, 10.0, 12.0)
    meter.chunk(0, 12.0, 14.5)
    assert (meter.stalls, meter.stall_seconds, meter.stall_moments) == (1, 2.5, [12.0])


def test_a_slow_start_is_no_stall():
    """Before the first chunk a silence is time to first token, however long, also when it ends in an error."""
    meter = metered(stall_after=2.0)
    meter.stop(60.0)
    assert meter.stalls == 0


def test_a_silence_that_ends_in_an_error_is_a_stall_too():
    """What hangs and is then cut off has stalled."""
    meter = metered(stall_after=2.0)
    text(meter, 0, 0.0, 1.0)
    meter.stop(9.0)
    assert (meter.stalls, meter.stall_seconds) == (1, 8.0)


def test_waiting_for_a_native_tool_is_neither_a_gap_nor_a_stall():
    """While the provider runs its own tool, the silence belongs to that tool."""
    meter = metered(stall_after=2.0)
    text(meter, 0, 0.0, 1.0)
    meter.part_started(1, NATIVE_CALL, 'call', tool='web_search', tool_call_id='n', now=1.5)
    meter.chunk(1, 1.0, 1.5)
    meter.native_started('web_search', 'n', 1.5)
    assert meter.waiting_since is None
    meter.chunk(1, 1.5, 2.0)
    meter.other(2.0, 9.0)
    meter.native_returned('n', 9.0, succeeded=True)
    text(meter, 2, 9.0, 9.25)
    assert (meter.stalls, meter.inter_chunk_latency_sum, meter.native_seconds, meter.native_at_last) == (
        0,
        0.75,
        7.5,
        7.5,
    )
    assert [(call.started, call.ended) for call in meter.native_calls] == [(1.5, 9.0)]


def test_time_of_the_consumer_is_not_time_of_the_model():
    """Only the wait counts; what the consumer did between two waits is kept apart."""
    meter = metered()
    text(meter, 0, 0.0, 1.0)
    meter.chunk(0, 1.5, 1.75)
    meter.chunk(0, 3.75, 4.0)
    assert (meter.inter_chunk_latency_sum, meter.consumer_seconds, meter.consumer_at_last) == (0.5, 2.5, 2.5)


def test_a_consumer_that_holds_the_stream_is_not_waiting():
    """A stream that nobody pulls cannot be stalled."""
    meter = metered()
    text(meter, 0, 0.0, 1.0)
    assert meter.waiting_since == 1.0
    meter.held = True
    assert meter.waiting_since is None
    meter.held, meter.resumed_at = False, 3.0
    assert meter.waiting_since == 3.0
    meter.stop(4.0)
    assert meter.waiting_since is None


def test_stopping_twice_counts_once():
    """Every exit goes through one idempotent stop."""
    meter = metered(stall_after=1.0)
    text(meter, 0, 0.0, 1.0)
    meter.stop(3.0)
    meter.stop(9.0)
    assert (meter.stopped, meter.stalls) == (3.0, 1)


def test_memory_of_a_stream_does_not_grow_with_its_length():
    """Neither parts nor stalls without end are kept; what went over is counted."""
    meter = metered(stall_after=0.5)
    for number in range(MAX_PARTS + 10):
        text(meter, number, float(number), number + 1.0)
    assert (len(meter.parts), meter.dropped_parts) == (MAX_PARTS, 10)
    assert len(meter.stall_moments) == MAX_STALL_STARTS
    assert meter.stalls == MAX_PARTS + 9


@pytest.mark.parametrize('index', [-1, 7])
def test_a_chunk_of_a_part_that_never_started_is_counted(index: int):
    """A stream that does not keep to the rules raises nothing."""
    meter = metered()
    meter.chunk(index, 0.0, 1.0)
    meter.stop(1.0)
    assert (meter.chunks, meter.first_chunk, meter.parts) == (1, 1.0, [])


def test_a_silence_while_a_native_tool_runs_belongs_to_it_also_when_it_ends_in_an_error():
    """Not to the consumer, who was waiting."""
    meter = metered(stall_after=2.0)
    meter.part_started(0, NATIVE_CALL, 'call', tool='web_search', tool_call_id='n', now=1.0)
    meter.chunk(0, 0.0, 1.0)
    meter.native_started('web_search', 'n', 1.0)
    meter.stop(9.0)
    assert (meter.native_seconds, meter.consumer_seconds, meter.stalls) == (8.0, 0.0, 0)


def test_a_clock_that_goes_back_makes_no_negative_time():
    """A negative sum would be taken for a restart of the counter."""
    meter = metered()
    text(meter, 0, 9.0, 10.0)
    text(meter, 1, 4.0, 5.0)
    assert meter.inter_chunk_latency_sum == 0.0


def test_a_time_that_no_exporter_could_write_is_the_nearest_that_it_can():
    """A timestamp has 64 bits in OTLP; one that does not fit would cost the whole batch."""
    moments = Moments(monotonic=0.0, unix_ns=0)
    assert (moments.to_unix_ns(-1.0), moments.to_unix_ns(1e12)) == (0, 2**62)


@needs('usage_costs')
@pytest.mark.parametrize(
    ('said', 'cost'),
    [('0.25', 0.25), ('NaN', None), ('sNaN', None), ('Infinity', None), ('-1', None), ('1e400', None)],
)
def test_a_price_that_nobody_could_pay_is_unknown(said: str, cost: float | None):
    """One NaN in a sum would stay there for ever."""
    usage = RequestUsage(input_tokens=3, output_tokens=2, cost=Decimal(said))
    found = read_response(ModelResponse(parts=[], usage=usage)).cost
    assert (None if found is None else found.usd) == cost


@pytest.mark.parametrize('count', [-1, 10**13, 10**400])
def test_a_count_of_tokens_that_cannot_be_is_no_report(count: int):
    """A negative count would make a counter go back, and one beyond 64 bits would break the exporter."""
    usage = RequestUsage(input_tokens=3, output_tokens=count)
    assert read_response(ModelResponse(parts=[], usage=usage)).usage is None


# What threads of earlier tests allocate at this moment is counted, too.
@pytest.mark.flaky(reruns=2)
def test_what_a_stream_holds_does_not_grow_with_its_length():
    """Not for chunks, not for counts of gaps: 100,000 chunks hold what 1,000 did."""
    meter = ResponseMeter(0.0, stall_after=5.0)
    meter.part_started(0, 'text', 'answer', now=1.0)

    def feed(chunks: range) -> None:
        for number in chunks:
            # Gaps from 10 ms to 80 ms, each from the chunk before, as in the handler's loop.
            meter.chunk(0, meter.last_chunk, meter.last_chunk + 0.01 * (1 + number % 8))

    feed(range(1_000))
    tracemalloc.start()
    try:
        feed(range(1_000))
        before, _ = tracemalloc.get_traced_memory()
        feed(range(99_000))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert meter.chunks == 101_000
    assert after - before < 100


@pytest.mark.parametrize(('hold', 'held'), [(0.0009, 0.0), (0.002, 0.198)])
def test_a_short_time_between_two_events_is_nobodys_hold(hold: float, held: float):
    """It is pydantic-ai's own work: of a very fast stream it would be most of the time, and hide its pace."""
    meter = metered()
    meter.part_started(0, 'text', 'answer', now=0.1)
    now = 0.1
    for _ in range(100):
        meter.chunk(0, now + hold, now + hold + 0.001)
        now += hold + 0.001
    assert meter.consumer_seconds == pytest.approx(held)
    assert meter.is_held_back is bool(held)
