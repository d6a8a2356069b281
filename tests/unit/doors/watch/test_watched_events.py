"""The watch door: the events that the user reads, passed through unchanged and measured."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic_ai import Agent, ModelRequest, ModelRetry, direct
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.test import TestModel

from streamtap import Tap
from streamtap.testing import FakeClock, MemorySink, capture
from support.endings import Opaque
from support.event_readers import native, read
from support.pydantic_ai_features import needs
from support.real_time import REAL_TIME
from support.scripted import Calls, Silence, agent, usage_of
from support.traced_tap import traced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from streamtap.testing import Capture

MODES = ('events', 'nodes', 'native')


@pytest.fixture
def seen() -> Iterator[Capture]:
    with capture() as found:
        yield found
        assert found.faults() == []


def kinds(events: list[Any]) -> list[str]:
    return [event.event_kind for event in events]


@REAL_TIME
@pytest.mark.parametrize('mode', ['events', 'nodes', pytest.param('native', marks=needs('response_model_ids'))])
def test_events_are_the_same_and_the_run_is_measured(mode: str, seen: Capture):
    """One run with its responses, tools and tokens, however its events are read."""
    turns = ['so ', 'far', Calls('nap')], ['do', 'ne']
    watched = asyncio.run(read(agent(*turns, name='a'), mode, seen.tap.watch))
    alone = asyncio.run(read(agent(*turns, name='a'), mode, lambda events: events))  # pyright: ignore[reportUnknownLambdaType]
    assert kinds(watched) == kinds(alone)
    assert [
        (r.agent, r.provider, r.model, r.step, r.chunks, r.outcome, r.input_tokens, r.output_tokens)
        for r in seen.responses()
    ] == [
        ('a', 'function', 'scripted', 1, 3, 'success', 50, 3),
        ('a', 'function', 'scripted', 2, 2, 'success', 50, 2),
    ]
    assert all(r.time_to_first_token is not None for r in seen.responses())
    (tool,) = seen.tools()
    assert (tool.tool, tool.outcome, tool.step) == ('nap', 'success', 1)
    assert tool.duration == pytest.approx(0.02, abs=0.02)
    (run,) = seen.runs()
    assert (run.agent, run.door, run.outcome, run.requests, run.tool_calls) == ('a', 'watch', 'success', 2, 1)
    assert run.input_tokens == 100
    assert run.time_to_first_output is not None
    assert sum(run.phases.values()) == pytest.approx(run.duration, abs=0.001)


def test_names_are_those_the_user_gives(seen: Capture):
    """Where the events tell none; a run's own names give way to them, too."""

    def named(events: Any) -> Any:
        return seen.tap.watch(events, agent='mine', provider='house', model='big')

    for mode in MODES:
        asyncio.run(read(agent(['done'], name='a'), mode, named))
    assert {(r.agent, r.provider, r.model) for r in seen.responses()} == {('mine', 'house', 'big')}
    assert [run.agent for run in seen.runs()] == ['mine', 'mine', 'mine']


def test_nodes_whose_tools_nobody_reads_are_one_run(seen: Capture):
    """The stream of each response tells its run's id."""

    async def main() -> None:
        async with agent([Calls('nap')], ['done']).iter('hello') as run:
            async for node in run:
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as events:
                        async for _ in seen.tap.watch(events):
                            pass

    asyncio.run(main())
    assert [(run.outcome, run.requests, run.tool_calls) for run in seen.runs()] == [('success', 2, 0)]
    assert seen.tools() == []


def test_tools_belong_to_the_run_that_calls_them(seen: Capture):
    """Also where one task drives two runs in turn, and reads something else in between."""

    async def main() -> None:
        runs = [agent([Calls('nap')], ['done'], name='a'), agent([Calls('alone')], ['done'], name='b')]
        async with runs[0].iter('hello') as first, runs[1].iter('hello') as second:
            nodes = [(first, first.next_node), (second, second.next_node)]
            while nodes:
                run, node = nodes.pop(0)
                if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                    async with node.stream(run.ctx) as events:
                        async for _ in seen.tap.watch(events):
                            pass
                if not Agent.is_end_node(node):
                    nodes.append((run, await run.next(node)))
            async for _ in seen.tap.watch(nothing(), agent='c'):
                pass

    async def nothing() -> AsyncIterator[Any]:
        yield b'one'
        yield b'two'

    asyncio.run(main())
    assert sorted((tool.agent, tool.tool, tool.step) for tool in seen.tools()) == [('a', 'nap', 1), ('b', 'alone', 1)]
    assert sorted((run.agent, run.outcome, run.requests, run.tool_calls) for run in seen.runs()) == [
        ('a', 'success', 2, 1),
        ('b', 'success', 2, 1),
        ('c', 'incomplete', 0, 0),
    ]


def test_a_run_whose_steps_are_read_in_tasks_of_their_own_is_one_run(seen: Capture):
    """As with a timeout around each: that such a task ends does not end the run."""

    async def read_step(run: Any, node: Any) -> None:
        async with node.stream(run.ctx) as events:
            async for _ in seen.tap.watch(events):
                pass

    async def main() -> None:
        async with agent([Calls('nap')], ['done'], name='a').iter('hello') as run:
            async for node in run:
                if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                    await asyncio.create_task(read_step(run, node))

    asyncio.run(main())
    assert [(run.outcome, run.requests, run.tool_calls, run.input_tokens) for run in seen.runs()] == [
        ('success', 2, 1, 100)
    ]


def test_a_round_of_tools_that_was_read_to_its_end_is_no_run_of_its_own(seen: Capture):
    """pydantic-ai gives the same events again to whoever streams a node twice."""

    async def main() -> None:
        async with agent([Calls('nap')], ['done'], name='a').iter('hello') as run:
            async for node in run:
                if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                    async with node.stream(run.ctx) as events:
                        async for _ in seen.tap.watch(events):
                            pass
                if Agent.is_call_tools_node(node):
                    async with node.stream(run.ctx) as events:
                        assert [event async for event in seen.tap.watch(events)] == []

    asyncio.run(main())
    assert [(run.agent, run.outcome, run.requests, run.tool_calls) for run in seen.runs()] == [('a', 'success', 2, 1)]


@pytest.mark.parametrize('mode', MODES)
def test_whoever_stops_reading_cancelled_the_run(mode: str, seen: Capture):
    """What was seen until then is recorded, and nothing stays open."""

    async def main() -> None:
        made = agent(['so ', 'far', 'away'])
        async with contextlib.AsyncExitStack() as stack:
            if mode == 'nodes':
                run = await stack.enter_async_context(made.iter('hello'))
                node: Any = await run.__anext__()
                node = await run.next(node)
                events: Any = await stack.enter_async_context(node.stream(run.ctx))
            elif mode == 'events':
                events = await stack.enter_async_context(made.run_stream_events('hello'))
            else:
                events = await stack.enter_async_context(contextlib.aclosing(native(made)))
            async for event in seen.tap.watch(events):
                if event.event_kind == 'part_delta':
                    break
            await asyncio.sleep(0)
            assert seen.tap.live().responses == ()

    asyncio.run(main())
    assert [(r.chunks, r.outcome, r.finish_reason) for r in seen.responses()] == [(2, 'cancelled', 'cancelled')]
    assert [run.outcome for run in seen.runs()] == ['cancelled']
    assert seen.tap.live().runs == ()


@pytest.mark.parametrize('mode', MODES)
def test_a_provider_that_fails_is_reported_as_such(mode: str, seen: Capture):
    """Whoever reads gets the exception, and the records its class."""
    with pytest.raises(ConnectionError, match='gone'):
        asyncio.run(read(agent(['so ', 'far', ConnectionError('gone')]), mode, seen.tap.watch))
    assert [(r.chunks, r.outcome, r.error_type) for r in seen.responses()] == [(2, 'error', 'ConnectionError')]
    assert [(run.outcome, run.error_type) for run in seen.runs()] == [('error', 'ConnectionError')]


@pytest.mark.parametrize('mode', MODES)
def test_a_tool_that_fails_is_reported_as_such(mode: str, seen: Capture):
    """The response before it was complete."""
    with pytest.raises(RuntimeError, match='broke'):
        asyncio.run(read(agent([Calls('breaks')], ['done']), mode, seen.tap.watch))
    assert [r.outcome for r in seen.responses()] == ['success']
    assert [(tool.tool, tool.outcome, tool.error_type) for tool in seen.tools()] == [
        ('breaks', 'error', 'RuntimeError')
    ]
    assert [(run.outcome, run.error_type) for run in seen.runs()] == [('error', 'RuntimeError')]


@pytest.mark.parametrize('mode', ['events', 'native'])
def test_an_output_that_is_sent_back_is_another_response(mode: str, seen: Capture):
    """No event of a tool lies between the two."""
    made = agent(['no', 'pe'], ['do', 'ne'])

    @made.output_validator
    def refuse(output: str) -> str:
        if output == 'nope':
            raise ModelRetry('again')
        return output

    asyncio.run(read(made, mode, seen.tap.watch))
    assert [(r.step, r.chunks, r.outcome) for r in seen.responses()] == [(1, 2, 'success'), (2, 2, 'success')]
    assert [(run.requests, run.output_retries, run.outcome) for run in seen.runs()] == [(2, 1, 'success')]


def test_events_without_a_result_end_a_run_that_may_have_gone_on(seen: Capture):
    """As those of an iterable that shows one response only."""

    async def main() -> None:
        async with agent(['so ', 'far']).run_stream_events('hello') as events:

            async def some() -> AsyncIterator[Any]:
                async for event in Opaque(events):
                    if event.event_kind != 'agent_run_result':
                        yield event

            async for _ in seen.tap.watch(Opaque(some())):
                pass

    asyncio.run(main())
    assert [(r.chunks, r.outcome, r.time_to_first_token, r.input_tokens) for r in seen.responses()] == [
        (2, 'success', None, None)
    ]
    assert [run.outcome for run in seen.runs()] == ['incomplete']


def test_a_wait_that_was_given_up_can_be_taken_up_again(seen: Capture):
    """A cancelled wait ends no stream."""

    async def main() -> None:
        async with agent(['so ', 'far']).run_stream_events('hello') as events:
            watched = aiter(seen.tap.watch(events))
            asked = asyncio.ensure_future(anext(watched))
            await asyncio.sleep(0)
            asked.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asked
            async for _ in watched:
                pass

    asyncio.run(main())
    assert [(r.chunks, r.outcome) for r in seen.responses()] == [(2, 'success')]
    assert [run.outcome for run in seen.runs()] == ['success']


def test_a_task_that_is_cancelled_leaves_nothing_open(seen: Capture):
    """Whoever waits is gone, and the stream with it."""

    async def main() -> None:
        reading = asyncio.create_task(read(agent(['so ', Silence()]), 'events', seen.tap.watch))
        while [response.chunks for response in seen.tap.live().responses] != [1]:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        del reading
        await asyncio.sleep(0)

    asyncio.run(main())
    assert [(r.chunks, r.outcome) for r in seen.responses()] == [(1, 'cancelled')]
    assert [run.outcome for run in seen.runs()] == ['cancelled']


@pytest.mark.parametrize('mode', MODES)
def test_a_stream_that_hangs_before_its_first_event_is_seen_while_it_hangs(mode: str):
    """On a clock that jumps past the threshold."""
    clock = FakeClock()
    with capture(clock=clock, slow_start_after=10) as seen:

        async def main() -> None:
            reading = asyncio.create_task(read(agent([Silence()], name='a'), mode, seen.tap.watch))
            while [response.wait for response in seen.tap.live().responses] != [0]:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            clock.advance(11)
            assert [response.stalled for response in seen.tap.live().responses] == ['first_token']
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading

        asyncio.run(main())


@pytest.mark.parametrize('mode', ['events', 'nodes'])
def test_a_run_that_the_capability_measures_is_counted_once(mode: str, seen: Capture):
    """Its events tell the run's id."""
    made = agent([Calls('nap')], ['done'], capabilities=[seen.tap.capability()])
    asyncio.run(read(made, mode, seen.tap.watch))
    assert [(run.door, run.outcome) for run in seen.runs()] == [('capability', 'success')]
    assert len(seen.responses()) == 2


@pytest.mark.parametrize('mode', MODES)
def test_a_run_inside_a_tool_knows_its_parent(mode: str, seen: Capture):
    """Also where the tool runs in a task of its own."""
    inner = agent(['found'], name='inner')
    made = agent([Calls('delegate')], ['done'], name='outer')

    @made.tool_plain
    async def delegate() -> str:
        return (await inner.run('look', event_stream_handler=seen.tap)).output

    asyncio.run(read(made, mode, seen.tap.watch))
    runs = {run.door: run for run in seen.runs()}
    assert runs['handler'].parent_run_id == runs['watch'].run_id
    assert runs['handler'].root_agent == runs['watch'].agent


@pytest.mark.parametrize('instrumented', [False, True])
@pytest.mark.parametrize('mode', ['events', 'nodes'])
def test_spans_are_there_once(mode: str, instrumented: bool):  # noqa: FBT001
    """The whole tree of ours where pydantic-ai makes none, and none of it where it does."""
    found = traced()
    made = agent([Calls('nap')], ['done'], name='a')
    if instrumented:
        made.instrument = InstrumentationSettings(tracer_provider=found.provider)
    asyncio.run(read(made, mode, found.tap.watch))
    names = [line.strip() for line in found.tree()]
    scope = 'pydantic-ai' if instrumented else 'streamtap'
    assert [name for name in names if name.endswith(f'[{scope}]') and not name.startswith(('text', 'tool_call'))] == [
        f'invoke_agent a [{scope}]',
        f'chat scripted [{scope}]',
        f'execute_tool nap [{scope}]',
        f'chat scripted [{scope}]',
    ]
    other = {'pydantic-ai', 'streamtap'} - {scope}
    assert not [name for name in names if name.startswith(('invoke', 'chat', 'exec')) and name.endswith(f'[{other}]')]


def test_foreign_events_pass_through(seen: Capture):
    """Such as those of a user interface's protocol, of which nothing is known."""

    async def protocol() -> AsyncIterator[Any]:
        yield {'type': 'TEXT_MESSAGE_START'}
        yield b'data: 1'

    async def main() -> list[Any]:
        return [event async for event in seen.tap.watch(protocol())]

    assert asyncio.run(main()) == [{'type': 'TEXT_MESSAGE_START'}, b'data: 1']
    assert [(run.outcome, run.requests) for run in seen.runs()] == [('incomplete', 0)]


def test_the_streams_attributes_are_its_own_and_closing_closes_it(seen: Capture):
    """As if the tap were not there."""
    closed: list[str] = []

    async def events() -> AsyncIterator[Any]:
        try:
            yield {}
        finally:
            closed.append('closed')

    async def main() -> None:
        opened: Any = seen.tap.watch(events())
        async with contextlib.aclosing(opened):
            await anext(opened)
        async with agent(['done']).run_stream_events('hello') as stream:
            watched: Any = seen.tap.watch(stream)
            async for _ in watched:
                pass
            assert watched.result.output == 'done'

    asyncio.run(main())
    assert closed == ['closed']


def test_what_is_no_stream_is_refused_with_what_to_do(seen: Capture):
    """The context managers of pydantic-ai have to be entered first."""
    manager: Any = agent(['done']).run_stream_events('hello')
    with pytest.raises(TypeError, match='pass the `events` of `async with'):
        seen.tap.watch(manager)
    nothing: Any = ['done']
    with pytest.raises(TypeError, match='takes an async iterable of events, not list'):
        seen.tap.watch(nothing)


def test_what_has_events_somewhere_is_refused_with_where_they_are(seen: Capture):
    """It would be a run with nothing in it."""

    def refused(it: Any, what: str) -> None:
        with pytest.raises(TypeError, match=re.escape(what)):
            seen.tap.watch(it)

    async def main() -> None:
        made = agent(['done'], ['done'])
        refused(made, 'not Agent: pass the events of `agent.run_stream_events()`')
        running = made.run('hello')
        refused(running, 'not coroutine: pass what it returns when it is awaited')
        running.close()
        async with made.iter('hello') as run:
            refused(run, 'not AgentRun: pass the stream of each node: `async with node.stream(run.ctx) as events`')
            refused(run.next_node, 'not UserPromptNode: pass its stream')
        async with made.run_stream('hello') as result:
            refused(result, 'not StreamedRunResult: pass the events of `agent.run_stream_events()`, or')
            await result.get_output()

    asyncio.run(main())
    assert seen.moments() == []


@pytest.mark.parametrize('mode', MODES)
def test_a_tap_that_is_off_passes_everything_on(mode: str, monkeypatch: pytest.MonkeyPatch):
    """And measures nothing."""
    monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    memory = MemorySink()
    tap = Tap([memory])
    assert kinds(asyncio.run(read(agent(['done']), mode, tap.watch)))[0] == 'part_start'
    assert memory.moments == []


def test_whoever_stops_at_the_result_missed_nothing(seen: Capture):
    """The run had come to its end."""

    async def main() -> None:
        async with agent(['so ', 'far']).run_stream_events('hello') as events:
            async for event in seen.tap.watch(events):
                if event.event_kind == 'agent_run_result':
                    break
            await asyncio.sleep(0)

    asyncio.run(main())
    assert [run.outcome for run in seen.runs()] == ['success']


def test_an_exception_that_somebody_keeps_keeps_no_run_open(seen: Capture):
    """It holds the events that were being read; that their block was left tells that nobody reads on."""
    kept: list[BaseException] = []

    async def main() -> None:
        try:
            async with agent(['so ', 'far']).run_stream_events('hello') as events:
                async for _ in seen.tap.watch(events):
                    raise LookupError('not this')
        except LookupError as error:
            kept.append(error)
        await asyncio.sleep(0)
        assert seen.tap.live().runs == ()

    asyncio.run(main())
    assert [run.outcome for run in seen.runs()] == ['cancelled']


def test_an_answer_without_parts_is_a_request_too(seen: Capture):
    """It has no events; the messages tell of it, and of its tokens."""
    result = asyncio.run(read(agent([''], ['do', 'ne']), 'events', seen.tap.watch))[-1].result
    assert [(r.step, r.chunks, r.outcome) for r in seen.responses()] == [(1, 0, 'success'), (2, 2, 'success')]
    (run,) = seen.runs()
    assert (run.requests, run.outcome) == (2, 'success')
    used = usage_of(result)
    assert (run.input_tokens, run.output_tokens) == (used.input_tokens, used.output_tokens)


async def last_three(messages: list[Any]) -> list[Any]:
    return messages[-3:]


def test_a_history_that_is_cut_short_loses_no_tokens(seen: Capture):
    """A capability or a history processor may throw away what the run's messages held before."""
    from pydantic_ai.capabilities import ProcessHistory  # not in the releases that have no `watch`

    turns = [[Calls('nap', id=str(number))] for number in range(4)]
    made = agent(*turns, ['done'], capabilities=[ProcessHistory(last_three)])
    result = asyncio.run(read(made, 'events', seen.tap.watch))[-1].result
    assert [(r.step, r.usage_reported) for r in seen.responses()] == [(step, True) for step in range(1, 6)]
    used = usage_of(result)
    assert (seen.runs()[0].input_tokens, seen.runs()[0].output_tokens) == (used.input_tokens, used.output_tokens)


@pytest.mark.parametrize('enabled', [True, False])
def test_what_the_events_have_beside_them_is_there_whether_the_tap_measures_or_not(enabled: bool):  # noqa: FBT001
    """Switching a tap off changes nothing for the code around it."""

    async def main() -> list[bool]:
        found: list[bool] = []
        tap = Tap([MemorySink()], enabled=enabled)
        async with agent(['do', 'ne']).iter('hello') as running:
            async for node in running:
                if Agent.is_model_request_node(node):
                    async with node.stream(running.ctx) as events:
                        watched: Any = tap.watch(events)
                        assert [event async for event in watched]
                        found.append(watched.response is events.response or watched.response == events.response)
        return found

    assert asyncio.run(main()) == [True]


def test_a_request_without_an_agent_is_measured(seen: Capture):
    """Its model and its usage are those of the stream; when it was sent nothing says, so no time to a token is known."""

    async def main() -> list[Any]:
        asked = [ModelRequest.user_text_prompt('hello')]
        async with direct.model_request_stream(TestModel(custom_output_text='so it is'), asked) as stream:
            return [event async for event in seen.tap.watch(stream, agent='none')]

    assert len(asyncio.run(main())) > 2
    (response,), run = seen.responses(), seen.run()
    assert (response.provider, response.model, response.outcome, response.chunks) == ('test', 'test', 'success', 3)
    assert (response.input_tokens, response.output_tokens, response.time_to_first_token) == (51, 3, None)
    assert (run.agent, run.outcome, run.requests, run.output_tokens) == ('none', 'success', 1, 3)
    assert (run.time_to_first_output, run.time_to_final_result) == (None, None)


def test_a_request_without_an_agent_that_is_left_is_cancelled(seen: Capture):
    """As any stream that is not read to its end."""

    async def main() -> None:
        async with direct.model_request_stream(TestModel(), [ModelRequest.user_text_prompt('hello')]) as stream:
            watched = seen.tap.watch(stream)
            await anext(watched)
            await cast('Any', watched).aclose()

    asyncio.run(main())
    assert [(each.model, each.outcome) for each in seen.responses()] == [('test', 'cancelled')]
    assert seen.run().outcome == 'cancelled'
