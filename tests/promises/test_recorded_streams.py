"""Thirteen recorded conversations of real providers, replayed through the real model classes, handler and capability.

What the tap tells is compared with a ledger of other origin: what pydantic-ai says of the run, what an untapped run of
the same conversation streamed, and when the server on loopback was asked and sent each event.
"""

from __future__ import annotations

import functools
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic_ai.messages import (
    NativeToolCallPart,
    NativeToolReturnPart,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)

from streamtap import PrometheusSink, Tap, UsageSink
from streamtap.testing import MemorySink, capture
from support.doors import ALONE_AND_TOGETHER, HANDLER_AND_CAPABILITY
from support.leaked_content import leaked, recorded_tools, said, sent_by_provider
from support.real_time import REAL_TIME
from support.recorded_agents import AGENT
from support.recorded_conversations import (
    BROKEN,
    CONVERSATIONS,
    NEEDS_RECORDINGS,
    PROMPT,
    RECORDINGS,
    REFUSED,
    Listener,
    recording,
    run_conversation,
    run_recorded,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from pydantic_ai import RunContext
    from pydantic_ai.messages import AgentStreamEvent, ModelResponsePart, ModelResponsePartDelta

    from streamtap import ResponseRecord, RunRecord, UsageSummary
    from support.recorded_conversations import Ledger

pytestmark = NEEDS_RECORDINGS


TOKENS = {
    'input_tokens': 'input_tokens',
    'output_tokens': 'output_tokens',
    'cache_read_tokens': 'cache_read_tokens',
    'cache_write_tokens': 'cache_write_tokens',
    'reasoning_tokens': 'output_reasoning_tokens',
}
"""The name of each count of tokens in streamtap, and in pydantic-ai's usage."""

CHARGED = {'openrouter/reasoning': 0.000669}
"""What its provider says it charged, in US dollars."""

SLACK = 2.0
"""Seconds that an overloaded machine may take from the sending of a token to its reading."""

TAKEN_LATE = 0.01
"""Seconds from which on a busy machine's lateness before a chunk may hide when that came; no time is said then."""

CLOCKS = 0.01
"""Seconds by which readings of different clocks may disagree."""


# What an untapped run streams


@dataclass
class Streamed:
    """What one response streamed."""

    chunks: Counter[int] = field(default_factory=Counter[int])
    """Chunks by the index of their part."""
    gaps: int = 0
    """Waits for a chunk after the first, but for those while a native tool ran."""
    native_open: set[str] = field(default_factory=set[str])

    def take(self, event: AgentStreamEvent) -> None:
        if isinstance(event, PartStartEvent):
            is_chunk = begins_with_content(event.part)
        else:
            is_chunk = isinstance(event, PartDeltaEvent) and is_content(event.delta)
        if is_chunk and isinstance(event, (PartStartEvent, PartDeltaEvent)):
            self.gaps += bool(self.chunks) and not self.native_open
            self.chunks[event.index] += 1
        if isinstance(event, PartStartEvent) and isinstance(event.part, NativeToolCallPart):
            self.native_open.add(event.part.tool_call_id)
        if isinstance(event, PartStartEvent) and isinstance(event.part, NativeToolReturnPart):
            self.native_open.discard(event.part.tool_call_id)


def begins_with_content(part: ModelResponsePart) -> bool:
    if isinstance(part, (TextPart, ThinkingPart)):
        return part.content != ''
    return isinstance(part, (ToolCallPart, NativeToolCallPart)) and part.tool_name != ''


def is_content(delta: ModelResponsePartDelta) -> bool:
    if isinstance(delta, (TextPartDelta, ThinkingPartDelta)):
        return bool(delta.content_delta)
    return isinstance(delta, ToolCallPartDelta) and bool(delta.args_delta or delta.tool_name_delta)


@functools.cache
def run_untapped(name: str) -> tuple[Ledger, list[Streamed]]:
    """Run a recorded conversation without a tap, and note what each response streamed."""
    streamed: list[Streamed] = []

    async def note(ctx: RunContext[None], events: AsyncIterable[AgentStreamEvent]) -> None:
        seen = Streamed()
        if hasattr(events, 'response'):
            streamed.append(seen)
        async for event in events:
            seen.take(event)

    return run_recorded(name, handler=note), streamed


# What the tap tells of a run


@dataclass(frozen=True)
class Replayed:
    """A run of a recorded conversation through a tap, and all that the tap told of it."""

    name: str
    door: str
    ledger: Ledger
    memory: MemorySink
    registry: CollectorRegistry
    summary: UsageSummary
    logged: list[str]

    @property
    def run(self) -> RunRecord:
        (run,) = self.memory.runs
        return run

    @property
    def responses(self) -> list[ResponseRecord]:
        return self.memory.responses

    @property
    def exposition(self) -> str:
        return generate_latest(self.registry).decode()

    def counts(self, sample_name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """The samples of that name which are not 0, summed by these of their labels."""
        found: dict[tuple[str, ...], float] = {}
        for sample in (sample for metric in self.registry.collect() for sample in metric.samples):
            if sample.name == sample_name and sample.value:
                key = tuple(sample.labels[label] for label in labels)
                found[key] = found.get(key, 0) + sample.value
        return found

    def total(self, sample_name: str) -> float:
        return sum(self.counts(sample_name).values())


@functools.cache
def run_tapped(name: str, door: str) -> Replayed:
    """Run a recorded conversation through a tap at that door."""
    memory, usage, registry = MemorySink(), UsageSink(), CollectorRegistry()
    with Listener('streamtap') as listener, Tap(sinks=[PrometheusSink(registry), memory, usage]) as tap:
        ledger = run_recorded(
            name,
            handler=None if door == 'capability' else tap,
            capabilities=() if door == 'handler' else (tap.capability(stream=True),),
        )
        tap.flush()
        return Replayed(name, door, ledger, memory, registry, usage.summary(), listener.lines)


@pytest.fixture(scope='module', params=CONVERSATIONS)
def name(request: pytest.FixtureRequest) -> str:
    """Each conversation in turn."""
    return request.param


@pytest.fixture(scope='module', params=ALONE_AND_TOGETHER)
def replayed(request: pytest.FixtureRequest, name: str) -> Replayed:
    """Each conversation in turn, through each door."""
    return run_tapped(name, request.param)


# The tests


def test_all_recordings_are_replayed():
    """Every recording in the folder is one of the conversations here."""
    found = {path.relative_to(RECORDINGS).with_suffix('').as_posix() for path in RECORDINGS.glob('*/*.json')}
    assert found == set(CONVERSATIONS)


def test_run_goes_as_it_does_without_the_tap(replayed: Replayed):
    """The provider gets the recorded requests, and the caller the same result, messages, usage and error."""
    ledger, (untapped, _) = replayed.ledger, run_untapped(replayed.name)
    turns = ledger.conversation.turns
    assert [(asked.method, asked.path.partition('?')[0]) for asked in ledger.served] == [
        (turn.method, turn.path.partition('?')[0]) for turn in turns
    ]
    assert [asked.turn for asked in ledger.served] == list(turns)
    assert [asked.body.get('model') for asked in ledger.served] == [turn.model for turn in turns]
    assert (ledger.output, ledger.usage) == (untapped.output, untapped.usage)
    assert repr(ledger.error) == repr(untapped.error)
    assert said(ledger) == said(untapped)
    assert (ledger.error is not None) == (replayed.name == BROKEN)
    assert (ledger.usage.output_tokens > 0) == (replayed.name != BROKEN)


def test_token_counters_equal_the_usage_of_the_result(replayed: Replayed):
    """Each sum of tokens is the one of `result.usage`; the ledger has none, instead of zeros, if nobody reported any."""
    usage = replayed.ledger.usage
    expected = {ours: getattr(usage, theirs) for ours, theirs in TOKENS.items()}
    assert {name: replayed.total(f'pydantic_ai_{name}_total') for name in TOKENS} == expected
    in_the_ledger = expected if usage.output_tokens > 0 else dict.fromkeys(TOKENS)
    total = replayed.summary.total
    assert {name: getattr(total, name) for name in TOKENS} == in_the_ledger
    (model,) = replayed.summary.models
    assert {name: getattr(model, name) for name in TOKENS} == in_the_ledger
    assert (replayed.run.input_tokens, replayed.run.output_tokens) == (usage.input_tokens, usage.output_tokens)
    assert replayed.total('pydantic_ai_request_input_tokens_sum') == usage.input_tokens


def test_tokens_of_each_response_are_those_its_provider_reported(replayed: Replayed):
    """Each response has its own usage, and a response without usage has none instead of zeros."""
    assert len(replayed.responses) == len(replayed.ledger.responses)
    for record, response in zip(replayed.responses, replayed.ledger.responses, strict=True):
        usage = response.usage
        expected = {ours: getattr(usage, theirs) for ours, theirs in TOKENS.items()}
        reported = usage.output_tokens > 0
        assert record.usage_reported == reported
        assert {name: getattr(record, name) for name in TOKENS} == (expected if reported else dict.fromkeys(TOKENS))
        assert record.usage_complete == reported
    assert replayed.ledger.usage.unmeasured_requests == (replayed.name == REFUSED)
    # To pydantic-ai, a response that broke is none that lacks its usage.
    reasons = {REFUSED: 'not_reported', BROKEN: 'interrupted'}
    reason = reasons.get(replayed.name)
    assert [record.unmeasured for record in replayed.responses if record.unmeasured] == ([reason] if reason else [])
    assert replayed.counts('pydantic_ai_unmeasured_responses_total', 'reason') == ({(reason,): 1} if reason else {})
    total = replayed.summary.total
    assert (total.unmeasured_responses, total.interrupted_responses) == (bool(reason), reason == 'interrupted')


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
@pytest.mark.parametrize('name', ['anthropic/thinking', 'google/text'])
def test_a_stream_that_is_closed_in_the_middle_has_not_said_all_of_its_usage(name: str, door: str):
    """To pydantic-ai it ended; its tokens are what its provider said at its beginning, for Anthropic a single one."""
    conversation = recording(name)
    (turn, *_) = conversation.turns
    half = replace(conversation, turns=(replace(turn, events=turn.events[: 2 * len(turn.events) // 3]),))
    with capture() as seen:
        capabilities = [seen.tap.capability(stream=True)] if door == 'capability' else []
        run_conversation(half, handler=seen.tap if door == 'handler' else None, capabilities=capabilities)
        (record,) = seen.responses()
    assert (record.outcome, record.usage_reported, record.usage_complete) == ('success', True, False)
    assert record.unmeasured == 'interrupted'


def test_cost_is_that_of_the_result(replayed: Replayed):
    """The cost is what its provider charged, else what pydantic-ai priced the run at, and none with usage lacks it."""
    cost = CHARGED.get(replayed.name, replayed.ledger.usage.cost)
    assert (cost is None) == (replayed.name == BROKEN)
    source = 'provider' if replayed.name in CHARGED else 'list'
    assert {record.cost_source for record in replayed.responses if record.cost_usd is not None} <= {source}
    assert replayed.total('pydantic_ai_cost_usd_total') == pytest.approx(float(cost or 0))
    assert replayed.summary.total.cost_usd == (None if cost is None else pytest.approx(float(cost)))
    assert replayed.total('pydantic_ai_unpriced_responses_total') == 0


def test_requests_and_responses_are_counted_as_they_happened(replayed: Replayed):
    """Requests, finish reasons and failures are those of the server and of the messages, under the model asked."""
    ledger = replayed.ledger
    apm = (AGENT, ledger.provider, ledger.model)
    labels = ('agent', 'provider', 'model')
    asked = len(ledger.served)
    failed = int(replayed.name == BROKEN)
    assert asked == ledger.usage.requests == replayed.run.requests == replayed.summary.total.requests
    assert replayed.counts('pydantic_ai_requests_total', *labels, 'streamed', 'outcome') == (
        {(*apm, 'true', 'error'): 1} if failed else {(*apm, 'true', 'success'): asked}
    )
    assert replayed.counts('pydantic_ai_responses_total', *labels, 'finish_reason') == {
        (*apm, reason): count for reason, count in Counter(ledger.finish_reasons).items()
    }
    assert [record.finish_reason for record in replayed.responses] == ledger.finish_reasons
    assert [record.response_model for record in replayed.responses] == [
        response.model_name for response in ledger.responses
    ]
    errors = {(*apm, 'ModelHTTPError_400'): 1} if failed else {}
    assert replayed.counts('pydantic_ai_request_errors_total', *labels, 'error_type') == errors
    assert replayed.summary.total.failed_requests == failed
    assert replayed.counts('pydantic_ai_run_requests_sum') == {(): asked}


def test_tool_calls_are_counted_as_they_happened(replayed: Replayed):
    """Calls, retries and errors of function and native tools are those that the messages tell."""
    ledger = replayed.ledger
    expected = Counter((AGENT, tool, 'function', outcome) for tool, outcome, _ in ledger.function_calls)
    expected += Counter((AGENT, tool, 'native', outcome) for tool, outcome in ledger.native_calls)
    retries = Counter((AGENT, tool, cause) for tool, _, cause in ledger.function_calls if cause)
    assert {key[1] for key in expected} == recorded_tools(ledger.conversation)
    assert retries == ({(AGENT, 'get_something_by_name', 'validation_error'): 1} if replayed.name == REFUSED else {})
    labels = ('agent', 'tool')
    assert replayed.counts('pydantic_ai_tool_calls_total', *labels, 'kind', 'outcome') == expected
    assert replayed.counts('pydantic_ai_tool_retries_total', *labels, 'cause') == retries
    assert replayed.counts('pydantic_ai_tool_errors_total', *labels, 'error_type') == {}
    ran = ledger.usage.tool_calls
    assert replayed.run.tool_calls == ran == replayed.total('pydantic_ai_run_tool_calls_sum')
    assert replayed.summary.total.tool_calls == ran
    told = {
        (tool.agent, tool.tool, tool.kind, how): n
        for tool in replayed.summary.tools
        for how, n in tool.outcomes.items()
    }
    assert told == expected


def test_tool_durations_are_there_for_what_ran(replayed: Replayed):
    """A tool call has a duration within its run if it ran to its end, and none if it was refused."""
    for record in replayed.memory.tools:
        if record.outcome == 'success':
            assert record.duration is not None
            assert 0 < record.duration < cast('float', replayed.run.duration)
        else:
            assert record.duration is None
    ran = Counter((record.tool, record.outcome) for record in replayed.memory.tools if record.duration is not None)
    assert replayed.counts('pydantic_ai_tool_duration_seconds_count', 'tool', 'outcome') == ran


def test_run_is_counted_once_under_the_door_that_owns_it(replayed: Replayed):
    """A run is counted once with its outcome, also when two doors see it; a failed one with its error."""
    outcome, error_type = ('error', 'ModelHTTPError_400') if replayed.name == BROKEN else ('success', None)
    door = 'handler' if replayed.door == 'handler' else 'capability'
    assert replayed.counts('pydantic_ai_runs_total', 'agent', 'door', 'outcome') == {(AGENT, door, outcome): 1}
    errors = {} if error_type is None else {(AGENT, error_type): 1}
    assert replayed.counts('pydantic_ai_run_errors_total', 'agent', 'error_type') == errors
    run = replayed.run
    assert (run.agent, run.root_agent, run.parent_run_id) == (AGENT, AGENT, None)
    assert (run.outcome, run.error_type, run.output_retries) == (outcome, error_type, 0)
    assert replayed.total('pydantic_ai_output_retries_total') == 0
    assert replayed.summary.total.outcomes == {outcome: 1}
    (recent,) = replayed.summary.recent_runs
    assert (recent.run_id, recent.outcome) == (run.run_id, outcome)
    assert {record.run_id for record in (*replayed.responses, *replayed.memory.tools)} <= {run.run_id}
    assert [record.step for record in replayed.responses] == list(range(1, len(replayed.ledger.served) + 1))


def test_nothing_stays_open_and_the_tap_made_no_mistake(replayed: Replayed):
    """After the run every gauge is back at 0, every start has its end, and the tap swallowed and dropped nothing."""
    for gauge in ('runs', 'requests', 'tools'):
        assert replayed.total(f'pydantic_ai_{gauge}_in_progress') == 0
    assert replayed.total('pydantic_ai_stalled_streams') == 0
    assert replayed.total('pydantic_ai_oldest_run_age_seconds') == 0
    moments = Counter(moment for moment, _ in replayed.memory.moments)
    assert moments['run_started'] == moments['run_ended'] == 1
    assert moments['response_started'] == moments['response_ended']
    assert replayed.memory.faults == []
    assert replayed.total('streamtap_errors_total') == replayed.total('streamtap_dropped_total') == 0
    assert replayed.logged == []


def test_time_to_first_token_agrees_with_the_clock_of_the_server(replayed: Replayed):
    """Each response's first token is timed from before the server was asked to when the first content had left it."""
    asked = replayed.ledger.served
    over_by = [*(served.received for served in asked[1:]), replayed.ledger.ended]
    free_since, known = replayed.ledger.started, 0
    for record, served, over in zip(replayed.responses, asked, over_by, strict=True):
        assert served.turn is not None
        started = record.started_ns / 1e9
        assert free_since - CLOCKS <= started <= served.received + CLOCKS
        true = served.left[served.turn.first_content] - served.received
        assert record.duration is not None
        if record.time_to_first_token is None:
            assert record.consumer_seconds > TAKEN_LATE
        else:
            known += 1
            assert true < record.time_to_first_token < true + SLACK
            assert record.time_to_first_token <= record.duration <= over - started + CLOCKS
        free_since = served.left[-1]
    count, total = (replayed.total(f'pydantic_ai_time_to_first_token_seconds_{end}') for end in ('count', 'sum'))
    assert count == known
    assert total == pytest.approx(sum(record.time_to_first_token or 0 for record in replayed.responses))


def test_first_output_waits_for_the_end_of_thinking(replayed: Replayed):
    """The first output is the first chunk that is not thinking, and only text ends the blank screen of the run."""
    for record in replayed.responses:
        content = [part for part in record.parts if part.chunks]
        after = [part for part in content if part.kind != 'thinking']
        if not after:
            assert record.time_to_first_output is None
        elif after[0] is content[0]:
            assert record.time_to_first_output == record.time_to_first_token
        elif record.time_to_first_output is None:
            # On a busy machine the run takes its events late, which hides when the first output came.
            assert record.consumer_seconds > TAKEN_LATE
        else:
            start = cast('float', after[0].start)
            assert start <= record.time_to_first_output <= start + cast('float', after[0].duration) + 1e-6
            assert record.time_to_first_output > (record.time_to_first_token or 0.0)
    shown = any(part.kind == 'text' and part.chunks for record in replayed.responses for part in record.parts)
    assert (replayed.run.time_to_first_output is not None) == shown == (replayed.name != BROKEN)
    if shown:
        assert replayed.run.time_to_final_result is not None
        assert 0 < cast('float', replayed.run.time_to_first_output) <= cast('float', replayed.run.duration)


def test_parts_are_those_of_the_response(replayed: Replayed):
    """Kinds, tools and order of the parts are those of the model's response; so is the count of each kind."""
    kinds: Counter[tuple[str, ...]] = Counter()
    for record, response in zip(replayed.responses, replayed.ledger.responses, strict=True):
        assert [part.kind for part in record.parts] == [part.part_kind for part in response.parts]
        calls = (ToolCallPart, NativeToolCallPart)
        assert [(part.tool, part.tool_call_id) for part in record.parts if part.kind.endswith('call')] == [
            (part.tool_name, part.tool_call_id) for part in response.parts if isinstance(part, calls)
        ]
        starts = [cast('float', part.start) for part in record.parts]
        assert starts == sorted(starts)
        # A part's times are those of the wall, the response's duration leaves the consumer's out.
        end = cast('float', record.duration) + record.consumer_seconds
        ends = [start + cast('float', part.duration) for start, part in zip(starts, record.parts, strict=True)]
        assert all(each <= end + 1e-6 for each in ends)
        kinds.update((part.part_kind,) for part in response.parts)
    assert replayed.counts('pydantic_ai_parts_total', 'kind') == kinds


def test_chunks_are_those_that_an_untapped_run_streams(replayed: Replayed):
    """Chunks, of each response and of each of its parts, are as many as the stream has events with content."""
    _, streamed = run_untapped(replayed.name)
    assert len(streamed) == len(replayed.responses)
    for record, seen in zip(replayed.responses, streamed, strict=True):
        assert record.chunks == seen.chunks.total() > 0
        assert {part.index: part.chunks for part in record.parts if part.chunks} == seen.chunks


def test_gaps_are_the_waits_between_chunks(replayed: Replayed):
    """There is one gap before each chunk after the first, but none while a native tool ran or the consumer was slow."""
    _, streamed = run_untapped(replayed.name)
    counted = 0
    for record, seen in zip(replayed.responses, streamed, strict=True):
        if record.inter_chunk_latencies is None:
            assert record.chunks < 2 or record.consumer_seconds > 0
            assert record.inter_chunk_latency_sum is record.max_inter_chunk_latency is None
            continue
        assert record.inter_chunk_latencies.total == seen.gaps
        assert (
            cast('float', record.max_inter_chunk_latency)
            <= cast('float', record.inter_chunk_latency_sum)
            <= cast('float', record.duration)
        )
        counted += seen.gaps
    assert replayed.total('pydantic_ai_inter_chunk_latency_seconds_count') == counted
    assert replayed.total('pydantic_ai_stream_stalls_total') == 0
    if replayed.door == 'handler':
        assert counted == sum(seen.gaps for seen in streamed)


def test_speed_is_reported_only_where_tokens_and_time_are_known(replayed: Replayed):
    """Tokens per second need two chunks and reported usage, and are of what was seen to be written after the first."""
    told = 0
    for record in replayed.responses:
        speed = record.output_tokens_per_second
        if record.chunks < 2 or not record.usage_reported or record.outcome != 'success':
            assert speed is None
        elif speed is not None:
            told += 1
            seen = cast('int', record.output_tokens) - cast('int', record.reasoning_tokens)
            assert record.duration is not None
            assert record.time_to_first_token is not None
            rest = record.duration - record.time_to_first_token + record.consumer_seconds
            # At the least one token in all that time, at the most all of them in the shortest that counts.
            assert 1 / rest <= speed <= seen / 0.001
    assert replayed.total('pydantic_ai_output_tokens_per_second_count') == told


def test_phases_of_the_run_add_up_to_its_duration(replayed: Replayed):
    """The phases split the duration without a gap; waiting, native tools and tools are there where they happened."""
    run, ledger = replayed.run, replayed.ledger
    phases = run.phases
    assert sum(phases.values()) == pytest.approx(run.duration, abs=0.001)
    assert replayed.counts('pydantic_ai_run_phase_seconds_total', 'phase') == {
        (phase,): pytest.approx(seconds) for phase, seconds in phases.items()
    }
    assert all(seconds > 0 for seconds in phases.values())
    assert ('tools' in phases) == (ledger.usage.tool_calls > 0)
    assert ('native_tools' in phases) == bool(ledger.native_calls)
    assert 'queue' not in phases
    assert 'model' not in phases
    waits = [served.left[served.turn.first_content] - served.received for served in ledger.served if served.turn]
    assert sum(waits) < phases['wait'] < sum(waits) + SLACK
    # What the server sent after its error was not waited for.
    took = sum(waits) if ledger.error else sum(served.left[-1] - served.received for served in ledger.served)
    assert took - CLOCKS < cast('float', run.duration) <= ledger.ended - ledger.started + CLOCKS
    assert ledger.started - CLOCKS <= run.started_ns / 1e9 <= ledger.served[0].received + CLOCKS


@pytest.mark.parametrize('place', ['exposition', 'logs', 'records', 'summary'])
def test_no_content_gets_out(replayed: Replayed, place: str):
    """No text, thinking, argument, result or error message of the run is found in anything that the tap told."""
    told = {
        'exposition': replayed.exposition,
        'logs': '\n'.join(replayed.logged),
        'records': '\n'.join(repr(record) for _, record in replayed.memory.moments),
        'summary': f'{replayed.summary}\n{replayed.summary.model_dump_json()}',
    }
    assert leaked(told[place], replayed.ledger) == []


def test_search_for_content_finds_what_leaks(name: str):
    """The search finds the prompt, a piece of what the model said, and what its provider sent."""
    ledger, _ = run_untapped(name)
    assert PROMPT in leaked(f'streamtap{{prompt="{PROMPT}"}} 1.0', ledger)
    contents = max(said(ledger), key=len)
    middle = len(contents) // 2
    assert leaked(f'a log that quotes {contents[middle - 8 : middle + 8]}!', ledger)
    for sent in sent_by_provider(ledger.conversation):
        assert sent in leaked(f'{{{sent!s}}}', ledger)
    assert leaked('nothing of the sort is in here', ledger) == []
    if name == BROKEN:
        assert 'Token limit reached' in sent_by_provider(ledger.conversation)


def test_doors_report_the_same(name: str):
    """The handler, the capability and both together tell the same tokens, outcomes, parts, chunks and finish reasons."""
    handler, capability, both = (_facts(run_tapped(name, door)) for door in ALONE_AND_TOGETHER)
    assert handler == capability == both


def _facts(replayed: Replayed) -> dict[str, object]:
    run = replayed.run
    of_run = ('agent', 'outcome', 'error_type', 'requests', 'tool_calls', 'input_tokens', 'output_tokens', 'cost_usd')
    of_response = ('step', 'attempt', 'provider', 'model', 'response_model', 'streamed', 'outcome', 'chunks')
    of_answer = ('finish_reason', 'error_type', 'usage_reported', 'cost_usd', 'stalls', *TOKENS)
    of_part = ('index', 'kind', 'tool', 'chunks')
    of_tool = ('step', 'tool', 'kind', 'outcome', 'retry_cause', 'error_type')
    return {
        'run': _fields(run, of_run),
        'responses': [_fields(record, (*of_response, *of_answer)) for record in replayed.responses],
        'parts': [_fields(part, of_part) for record in replayed.responses for part in record.parts],
        'tools': [_fields(record, of_tool) for record in replayed.memory.tools],
        'moments': [moment for moment, _ in replayed.memory.moments if moment.endswith('ended')],
    }


def _fields(record: object, names: Iterable[str]) -> dict[str, object]:
    return {name: getattr(record, name) for name in names}


@REAL_TIME
def test_native_tools_take_from_their_call_to_their_return(name: str):
    """As whoever reads the same stream sees them; that time is a phase of the run."""
    began: dict[str, float] = {}
    took: dict[str, float] = {}

    async def note(ctx: RunContext[None], events: AsyncIterable[AgentStreamEvent]) -> None:
        async for event in events:
            if not isinstance(event, PartStartEvent):
                continue
            if isinstance(event.part, NativeToolCallPart):
                began[event.part.tool_call_id] = time.perf_counter()
            elif isinstance(event.part, NativeToolReturnPart):
                took[event.part.tool_call_id] = time.perf_counter() - began[event.part.tool_call_id]

    memory = MemorySink()
    with Tap([memory]) as tap:
        run_recorded(name, handler=note, capabilities=[tap.capability()])
    native = [record for record in memory.tools if record.kind == 'native']
    assert {record.tool_call_id: record.duration for record in native} == {
        call: pytest.approx(seconds, abs=0.02) for call, seconds in took.items()
    }
    assert memory.runs[0].phases.get('native_tools', 0.0) <= sum(took.values()) + 0.02
