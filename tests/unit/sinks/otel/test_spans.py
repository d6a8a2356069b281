"""The trace behind the numbers: one tree per run, nothing twice, and the way to it from a metric."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from prometheus_client.openmetrics.exposition import (
    generate_latest,  # pyright: ignore[reportUnknownVariableType]
)
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings, InstrumentedModel

from streamtap import OTelSpanSink, PrometheusSink, Tap
from streamtap.testing import FakeClock, MemorySink
from support.doors import DOORS, HANDLER_AND_CAPABILITY
from support.scripted import Calls, agent, model, nap
from support.traced_tap import Traced, hex_id, outside_parent, traced

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from prometheus_client import CollectorRegistry


def openmetrics(registry: CollectorRegistry) -> str:
    return str(generate_latest(registry), 'utf-8')  # pyright: ignore[reportUnknownArgumentType]


def delegating(found: Traced, door: str, *, instrumented: bool) -> Any:
    """Runs an agent whose tool opens a span and calls another agent, inside a server's own span."""
    capabilities, arguments = found.plugged(door)
    users = found.provider.get_tracer('user')
    inner = agent(['inner'], name='inner', capabilities=capabilities)
    outer = agent(['let me ', Calls('delegate')], ['done'], name='outer', capabilities=capabilities)
    if instrumented:
        for each in (inner, outer):
            each.instrument = found.native

    @outer.tool_plain
    async def delegate() -> str:
        with users.start_as_current_span('in the tool'):
            return str((await inner.run('go', **arguments)).output)

    async def main() -> None:
        with users.start_as_current_span('POST /chat'):
            await outer.run('hello', **arguments)

    asyncio.run(main())


def test_the_capability_makes_the_whole_tree():
    """A span of the user's inside a tool, and a nested run, are children of that tool's span."""
    found = traced()
    delegating(found, 'capability', instrumented=False)
    assert found.tree() == [
        'POST /chat [user]',
        '  invoke_agent outer [streamtap]',
        '    chat scripted [streamtap]',
        '      text [streamtap]',
        '      tool_call [streamtap]',
        '    execute_tool delegate [streamtap]',
        '      in the tool [user]',
        '        invoke_agent inner [streamtap]',
        '          chat scripted [streamtap]',
        '            text [streamtap]',
        '    chat scripted [streamtap]',
        '      text [streamtap]',
    ]


def test_the_handler_makes_the_whole_tree():
    """It can make no span current inside a tool, so a user's span stays where it was, and a nested run with it."""
    found = traced()
    delegating(found, 'handler', instrumented=False)
    assert found.tree() == [
        'POST /chat [user]',
        '  invoke_agent outer [streamtap]',
        '    chat scripted [streamtap]',
        '      text [streamtap]',
        '      tool_call [streamtap]',
        '    execute_tool delegate [streamtap]',
        '    chat scripted [streamtap]',
        '      text [streamtap]',
        '  in the tool [user]',
        '    invoke_agent inner [streamtap]',
        '      chat scripted [streamtap]',
        '        text [streamtap]',
    ]


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_beside_native_instrumentation_only_the_parts_are_added(door: str):
    """None of pydantic-ai's spans is made twice."""
    found = traced()
    delegating(found, door, instrumented=True)
    assert found.tree() == [
        'POST /chat [user]',
        '  invoke_agent outer [pydantic-ai]',
        '    chat scripted [pydantic-ai]',
        '      text [streamtap]',
        '      tool_call [streamtap]',
        '    execute_tool delegate [pydantic-ai]',
        '      in the tool [user]',
        '        invoke_agent inner [pydantic-ai]',
        '          chat scripted [pydantic-ai]',
        '            text [streamtap]',
        '    chat scripted [pydantic-ai]',
        '      text [streamtap]',
    ]
    for span in found.spans():
        attributes = span.attributes or {}
        if span.name == 'chat scripted':
            assert 'gen_ai.response.time_to_first_chunk' in attributes
            assert [event.name for event in span.events] == ['streamtap.first_token']
        elif span.instrumentation_scope and span.instrumentation_scope.name == 'streamtap':
            assert not [name for name in attributes if name.startswith('gen_ai.')]


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
@pytest.mark.parametrize('switched', ['on', 'off'])
def test_a_model_that_is_instrumented_itself_has_one_span_for_each_request(
    switched: str, door: str, monkeypatch: pytest.MonkeyPatch
):
    """`logfire.instrument_pydantic_ai(model)` makes one; beside a capability with a copy for each run it made two."""
    if switched == 'off':
        monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    found = traced()
    capabilities, arguments = found.plugged(door)
    instrumented = InstrumentedModel(model(['done']), InstrumentationSettings(tracer_provider=found.provider))
    asyncio.run(Agent(instrumented, name='a', capabilities=capabilities).run('hello', **arguments))
    parts = ['    text [streamtap]'] if switched == 'on' else []
    assert found.tree() == ['invoke_agent a [pydantic-ai]', '  chat scripted [pydantic-ai]', *parts]


def attributes_of(spans: list[ReadableSpan]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (span.name, {name: value for name, value in (span.attributes or {}).items() if name != 'streamtap.run_id'})
        for span in spans
    ]


def test_spans_say_what_the_records_say():
    """Whole spans, on a clock that stands still but for the tool."""
    clock = FakeClock()
    found = traced(clock=clock, labels=('tenant',))
    made = agent([Calls('wait', id='c')], ['done'], name='a', capabilities=[found.tap.capability(stream=True)])

    @made.tool_plain
    async def wait() -> str:
        clock.advance(2.5)
        return 'waited'

    asyncio.run(made.run('hello', metadata={'tenant': 'acme'}, conversation_id='conversation'))
    measured = {
        'streamtap.chunks': 1,
        'streamtap.stalls': 0,
        'streamtap.stall_time': 0.0,
        'gen_ai.response.time_to_first_chunk': 0.0,
        'gen_ai.client.operation.time_to_first_chunk': 0.0,
        'streamtap.time_to_first_output': 0.0,
        'streamtap.label.tenant': 'acme',
    }
    chat = {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'function',
        'gen_ai.request.model': 'scripted',
        'gen_ai.request.stream': True,
        'gen_ai.response.model': 'scripted',
        'gen_ai.agent.name': 'a',
        'gen_ai.conversation.id': 'conversation',
        'logfire.msg': 'chat scripted',
        'streamtap.outcome': 'success',
        'gen_ai.usage.input_tokens': 50,
        'streamtap.usage_complete': True,
        **measured,
    }
    spans = found.spans()
    by_name = attributes_of(spans)
    assert dict(by_name)['invoke_agent a'] == {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'a',
        'gen_ai.request.model': 'scripted',
        'gen_ai.conversation.id': 'conversation',
        'logfire.msg': 'a run',
        'streamtap.label.tenant': 'acme',
        'streamtap.outcome': 'success',
    }
    # A part is no execution of a tool, and backends would count it as one under the same names.
    assert dict(by_name)['tool_call'] == {
        'streamtap.part.kind': 'tool-call',
        'streamtap.part.tool': 'wait',
        'streamtap.part.tool_call_id': 'c',
        'streamtap.chunks': 1,
        'logfire.msg': 'tool_call wait',
    }
    assert dict(by_name)['execute_tool wait'] == {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.agent.name': 'a',
        'gen_ai.tool.name': 'wait',
        'gen_ai.tool.type': 'function',
        'gen_ai.tool.call.id': 'c',
        'gen_ai.conversation.id': 'conversation',
        'logfire.msg': 'execute_tool wait',
        'streamtap.label.tenant': 'acme',
        'streamtap.outcome': 'success',
    }
    chats = [attributes for name, attributes in by_name if name == 'chat scripted']
    assert [{**attributes, 'gen_ai.usage.output_tokens': 0} for attributes in chats] == [
        {**chat, 'gen_ai.usage.output_tokens': 0}
    ] * 2
    (tool,) = [span for span in spans if span.name == 'execute_tool wait']
    assert (tool.end_time or 0) - (tool.start_time or 0) == 2_500_000_000


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_every_span_lies_inside_its_parent(door: str):
    """With a real duration, and the ids that the records carry."""
    found = traced()
    capabilities, arguments = found.plugged(door)
    asyncio.run(agent(['so'], name='a', capabilities=capabilities).run('x', **arguments))
    asyncio.run(
        agent(['so', nap(0.02, 'a'), nap(0.01, 'b')], ['do', 'ne'], capabilities=capabilities).run('x', **arguments)
    )
    spans = found.spans()
    assert outside_parent(spans, slack_ns=1_000_000) == []
    records = [*found.memory.runs, *found.memory.responses, *found.memory.tools]
    exported = {hex_id(span) for span in spans}
    assert all(record.span_id in exported for record in records)
    assert len({record.span_id for record in records}) == len(records)


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_failures_have_a_status_and_a_type_but_no_message(door: str):
    """What the exception says is content."""
    found = traced()
    capabilities, arguments = found.plugged(door)
    with pytest.raises(RuntimeError):
        asyncio.run(agent([Calls('breaks')], capabilities=capabilities).run('x', **arguments))
    with pytest.raises(ConnectionError):
        asyncio.run(agent(['so ', ConnectionError('a secret')], capabilities=capabilities).run('x', **arguments))
    failed = [
        (span.name, (span.attributes or {}).get('error.type'))
        for span in found.spans()
        if span.status.status_code.name == 'ERROR'
    ]
    assert sorted(failed, key=str) == [
        ('chat scripted', 'ConnectionError'),
        ('execute_tool breaks', 'RuntimeError'),
        ('invoke_agent scripted', 'ConnectionError'),
        ('invoke_agent scripted', 'RuntimeError'),
    ]
    assert not [span for span in found.spans() if span.status.description or 'exception' in str(span.events)]


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_stream_that_fails_shows_on_pydantic_ais_own_span(door: str):
    """pydantic-ai itself takes it for a cancel there."""
    found = traced()
    capabilities, arguments = found.plugged(door)
    made = agent(['so ', ConnectionError('a secret')], capabilities=capabilities)
    made.instrument = found.native
    with pytest.raises(ConnectionError):
        asyncio.run(made.run('x', **arguments))
    (chat,) = [span for span in found.spans() if span.name == 'chat scripted']
    assert (chat.attributes or {})['error.type'] == 'ConnectionError'
    assert (chat.status.status_code.name, chat.status.description) == ('ERROR', None)


def test_pydantic_ais_own_spans_say_why_a_run_and_its_tool_failed():
    """Which they do not without a tap; what succeeds has no such attribute."""
    found = traced()
    made = agent([Calls('breaks')], ['done'], name='a', capabilities=[found.tap.capability(stream=True)])
    made.instrument = found.native
    with pytest.raises(RuntimeError):
        asyncio.run(made.run('x'))
    asyncio.run(agent(['done'], name='b', capabilities=[found.tap.capability()]).run('x'))
    failed = {span.name: (span.attributes or {}).get('error.type') for span in found.spans()}
    assert failed == {
        'invoke_agent a': 'RuntimeError',
        'chat scripted': None,
        'tool_call': None,
        'execute_tool breaks': 'RuntimeError',
        'invoke_agent b': None,
    }


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_tool_that_is_cancelled_has_its_span(door: str):
    """It is what the trace of a run that hung is read for."""
    found = traced()
    capabilities, arguments = found.plugged(door)
    made = agent([Calls('hangs')], name='a', capabilities=capabilities)
    began = asyncio.Event()

    @made.tool_plain
    async def hangs() -> None:
        began.set()
        await asyncio.sleep(30)

    async def main() -> None:
        run = asyncio.ensure_future(made.run('hello', **arguments))
        await began.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(main())
    (tool,) = [span for span in found.spans() if span.name == 'execute_tool hangs']
    assert (tool.attributes or {})['streamtap.outcome'] == 'interrupted'
    assert (tool.end_time or 0) > (tool.start_time or 0)
    assert found.memory.tools[0].span_id == hex_id(tool)


@pytest.mark.parametrize('instrumented', [False, True], ids=['own', 'native'])
@pytest.mark.parametrize('ending', ['break', 'cancel', 'raise'])
def test_no_context_is_lost_when_a_stream_is_left(ending: str, instrumented: bool, caplog: pytest.LogCaptureFixture):  # noqa: FBT001
    """No "Failed to detach context", and the trace is complete."""
    found = traced()

    async def left() -> None:
        made = agent(['do', 'ne'], capabilities=[found.tap.capability()])
        if instrumented:
            made.instrument = found.native
        async with made.run_stream('hello') as stream:
            async for _ in stream.stream_text(debounce_by=None):
                if ending == 'raise':
                    raise LookupError('enough')
                if ending == 'cancel':
                    raise asyncio.CancelledError
                break

    async def main() -> None:
        await asyncio.gather(asyncio.create_task(left()), return_exceptions=True)

    asyncio.run(main())
    names = {span.name for span in found.spans()}
    assert {'invoke_agent scripted', 'chat scripted'} <= names
    assert 'detach' not in caplog.text
    assert found.memory.faults == []


def test_parts_can_be_left_out():
    """For those who pay per span."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with Tap([OTelSpanSink(provider, parts=False)]) as tap:
        asyncio.run(agent(['done'], capabilities=[tap.capability(stream=True)]).run('hello'))
    assert {span.name for span in exporter.get_finished_spans()} == {'invoke_agent scripted', 'chat scripted'}


class Raises(SpanProcessor):
    """Another's telemetry that fails."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        raise RuntimeError('no exporter')

    def on_end(self, span: Any) -> None:
        raise RuntimeError('no exporter')


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_span_processor_that_raises_changes_nothing_but_the_trace(door: str):
    """The run goes on, the numbers are all there, and the failure is counted."""
    found = traced(Raises())
    capabilities, arguments = found.plugged(door)
    result = asyncio.run(agent([Calls('nap')], ['done'], capabilities=capabilities).run('hello', **arguments))
    found.tap.close()
    assert result.output == 'done'
    assert (len(found.memory.runs), len(found.memory.responses), len(found.memory.tools)) == (1, 2, 1)
    assert {fault.subject for fault in found.memory.faults} == {'spans'}


def test_exemplars_lead_from_a_number_to_its_trace(registry: CollectorRegistry):
    """Every histogram and error counter shows, over OpenMetrics, a span that was really exported."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with Tap([PrometheusSink(registry), OTelSpanSink(provider)]) as tap:
        made = agent(['a', 'b', nap(0.01, 'c')], ['c', 'd'], capabilities=[tap.capability(stream=True)])
        asyncio.run(made.run('hello'))
        with pytest.raises(ConnectionError):
            asyncio.run(agent(['so ', ConnectionError()], capabilities=[tap.capability(stream=True)]).run('x'))
    shown = openmetrics(registry)
    pointed = dict(re.findall(r'^(\w+?)(?:_bucket|)\{.*# \{.*span_id="(\w+)".*$', shown, re.MULTILINE))
    exported = {hex_id(span) for span in exporter.get_finished_spans()}
    assert set(pointed.values()) <= exported
    assert {
        'pydantic_ai_run_duration_seconds',
        'pydantic_ai_time_to_first_token_seconds',
        'pydantic_ai_request_duration_seconds',
        'pydantic_ai_tool_duration_seconds',
        'pydantic_ai_run_errors_total',
        'pydantic_ai_request_errors_total',
    } <= set(pointed)


def test_unsampled_spans_leave_no_exemplar(registry: CollectorRegistry):
    """An id that nobody can find helps nobody."""
    provider = TracerProvider(sampler=ALWAYS_OFF)
    memory = MemorySink()
    with Tap([PrometheusSink(registry), OTelSpanSink(provider), memory]) as tap:
        asyncio.run(agent([Calls('nap')], ['done'], capabilities=[tap.capability(stream=True)]).run('hello'))
    assert '# {' not in openmetrics(registry)
    assert [run.trace_id for run in memory.runs] == [None]


def test_a_run_that_is_not_sampled_asks_the_sampler_once():
    """Its requests and tools have no spans then, whatever the sampler would say of them."""
    asked: list[str] = []

    class OnlyRequests(Sampler):
        def should_sample(self, parent_context: Any, trace_id: int, name: str, *args: Any, **kwargs: Any) -> Any:
            asked.append(name)
            return SamplingResult(Decision.RECORD_AND_SAMPLE if name.startswith('chat') else Decision.DROP)

        def get_description(self) -> str:
            return 'only requests'

    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=OnlyRequests())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with Tap([OTelSpanSink(provider)]) as tap:
        for options in ({'capabilities': [tap.capability(stream=True)]}, {}):
            arguments: dict[str, Any] = {} if options else {'event_stream_handler': tap}
            asyncio.run(agent([Calls('nap')], ['done'], name='a', **options).run('hello', **arguments))
    assert asked == ['invoke_agent a', 'invoke_agent a']
    assert exporter.get_finished_spans() == ()


def test_without_a_span_sink_records_point_at_the_spans_around_them():
    """pydantic-ai's own, where it makes some."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    memory = MemorySink()
    with Tap([memory]) as tap:
        made = agent([Calls('nap')], ['done'], name='a', capabilities=[tap.capability(stream=True)])
        made.instrument = InstrumentationSettings(tracer_provider=provider)
        asyncio.run(made.run('hello'))
    names = {hex_id(span): span.name for span in exporter.get_finished_spans()}
    pointed = [names[str(record.span_id)] for record in (*memory.runs, *memory.responses, *memory.tools)]
    assert pointed == ['invoke_agent a', 'chat scripted', 'chat scripted', 'execute_tool nap']


def test_nested_runs_beside_each_other_are_each_under_the_call_that_made_them():
    """Which call that was, the capability knows."""
    found = traced()
    capabilities, _ = found.plugged('capability')
    calls = [Calls('delegate', json.dumps({'name': name}), name) for name in ('first', 'second')]
    outer = agent(calls, ['done'], name='outer', capabilities=capabilities)

    @outer.tool_plain
    async def delegate(name: str) -> str:
        await asyncio.sleep(0.01 if name == 'first' else 0.0)
        return str((await agent([nap(0.02, 'n')], [name], name=name, capabilities=capabilities).run('go')).output)

    asyncio.run(outer.run('hello'))
    spans = {span.context.span_id: span for span in found.spans() if span.context}
    called = {
        span.name: (spans[span.parent.span_id].attributes or {})['gen_ai.tool.call.id']
        for span in spans.values()
        if span.parent and span.name.startswith('invoke_agent')
    }
    assert called == {'invoke_agent first': 'first', 'invoke_agent second': 'second'}


@pytest.mark.parametrize('place', ['agent', 'run'])
@pytest.mark.parametrize('door', DOORS)
def test_instrumentation_among_the_capabilities_doubles_no_span(door: str, place: str):
    """Wherever it stands: pydantic-ai's spans are there once, and what it counts is not counted again."""
    from pydantic_ai.capabilities import Instrumentation

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    memory = MemorySink()
    tap = Tap([memory, OTelSpanSink(provider, parts=False)])
    own = [Instrumentation(InstrumentationSettings(tracer_provider=provider))]
    plugged = [tap.capability()] if door == 'capability' else []
    made = agent(['done'], capabilities=[*plugged, *(own if place == 'agent' else [])])
    given: dict[str, Any] = {'capabilities': own} if place == 'run' else {}

    async def main() -> None:
        if door == 'watch':
            async with made.run_stream_events('hello', **given) as events:
                async for _ in tap.watch(events):
                    pass
        else:
            handler = tap if door == 'handler' else None
            await made.run('hello', event_stream_handler=handler, **given)

    asyncio.run(main())
    tap.close()
    made_by = {span.instrumentation_scope.name for span in exporter.get_finished_spans() if span.instrumentation_scope}
    assert made_by == {'pydantic-ai'}
    assert len(exporter.get_finished_spans()) == 2
    assert [response.instrumented for response in memory.responses] == [True]


def test_the_run_says_what_its_reader_saw_and_the_request_what_a_stop_cost():
    """On the spans that are theirs."""
    clock = FakeClock()
    found = traced(clock=clock)
    made = agent(['so ', 'far'], name='a', capabilities=[found.tap.capability()])

    async def main() -> None:
        async with made.run_stream('hello') as result:
            clock.advance(2.5)
            async for _ in found.tap.watch(result.stream_text(debounce_by=None)):
                break
            clock.advance(0.5)

    asyncio.run(main())
    spans = {span.name: dict(span.attributes or {}) for span in found.spans()}
    run, chat = spans['invoke_agent a'], spans['chat scripted']
    assert {name: value for name, value in run.items() if 'reader' in name} == {
        'streamtap.reader.items': 1,
        'streamtap.reader.time_to_first_item': 2.5,
        'streamtap.reader.first_item_delay': 2.5,
        'streamtap.reader.failed_partials': 0,
    }
    assert (chat['streamtap.stop_time'], chat['streamtap.chunks_after_stop']) == (0.5, 0)
