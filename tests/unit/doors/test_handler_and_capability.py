"""The handler and the capability, alone and together, in the modes in which an agent is run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import DeferredToolRequests, DeferredToolResults, ModelRetry, ToolDenied, UsageLimits
from pydantic_ai.exceptions import UnexpectedModelBehavior, UsageLimitExceeded
from pydantic_ai.models.test import TestModel

from streamtap import FailureRecord
from streamtap.testing import Capture, capture
from support.doors import ALONE_AND_TOGETHER, HANDLER_AND_CAPABILITY
from support.pydantic_ai_features import needs
from support.scripted import Calls, Silence, agent, nap, usage_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_ai import Agent


@pytest.fixture
def seen() -> Iterator[Capture]:
    with capture(labels=('tenant',)) as found:
        yield found
        assert found.faults() == []


def plugged(door: str, seen: Capture) -> tuple[list[Any], dict[str, Any]]:
    """The capabilities of the agent and the arguments of the run that plug the tap in."""
    capabilities = [] if door == 'handler' else [seen.tap.capability(stream=True)]
    return capabilities, {} if door == 'capability' else {'event_stream_handler': seen.tap}


def outcomes(seen: Capture) -> list[tuple[str, str, str | None]]:
    return [(tool.tool, tool.outcome, tool.retry_cause) for tool in seen.tools()]


@pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
def test_a_run_is_counted_once_with_everything_in_it(door: str, seen: Capture):
    """Text, a tool, a retry, an invented tool and wrong arguments: each is told as it happened."""
    capabilities, arguments = plugged(door, seen)
    made = agent(
        ['let me see', Calls('nap', id='a'), Calls('invented', id='b'), Calls('nap', '{"seconds":"x"}', 'c')],
        [Calls('fails_once', id='a')],
        ['done'],
        capabilities=capabilities,
    )
    result = asyncio.run(made.run('hello', **arguments))
    (run,) = seen.runs()
    assert (run.outcome, run.requests, run.tool_calls, run.door) == (
        'success',
        3,
        2,
        'handler' if door == 'handler' else 'capability',
    )
    assert (run.input_tokens, run.output_tokens) == (usage_of(result).input_tokens, usage_of(result).output_tokens)
    assert sorted(outcomes(seen), key=str) == [
        ('_unknown', 'retried', 'unknown_tool'),
        ('fails_once', 'retried', 'model_retry'),
        ('nap', 'retried', 'validation_error'),
        ('nap', 'success', None),
    ]
    assert [(r.step, r.streamed, r.outcome, [part.kind for part in r.parts]) for r in seen.responses()] == [
        (1, True, 'success', ['text', 'tool-call', 'tool-call', 'tool-call']),
        (2, True, 'success', ['tool-call']),
        (3, True, 'success', ['text']),
    ]
    assert [part.tool for part in seen.responses()[0].parts] == [None, 'nap', '_unknown', 'nap']
    assert sum(run.phases.values()) == pytest.approx(run.duration, abs=0.001)


@pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
def test_moments_come_in_the_order_in_which_they_happened(door: str, seen: Capture):
    """Starts before ends, and a response before the tools that it called."""
    capabilities, arguments = plugged(door, seen)
    asyncio.run(agent([Calls('nap')], ['done'], capabilities=capabilities).run('hello', **arguments))
    assert [name for name, _ in seen.moments()] == [
        'run_started',
        'response_started',
        'response_ended',
        'tool_started',
        'tool_ended',
        'response_started',
        'response_ended',
        'run_ended',
    ]


def test_the_capability_makes_nothing_stream_that_would_not(seen: Capture):
    """A plain run stays unstreamed, and then has durations, tokens and tools but no time to first token."""
    made = agent([Calls('nap')], ['done'], capabilities=[seen.tap.capability()])
    asyncio.run(made.run('hello'))
    assert [(r.streamed, r.time_to_first_token, r.chunks, r.parts) for r in seen.responses()] == [
        (False, None, 0, ())
    ] * 2
    assert all(response.duration is not None and response.usage_reported for response in seen.responses())
    assert [tool.outcome for tool in seen.tools()] == ['success']
    assert seen.runs()[0].time_to_first_output is None
    assert set(seen.runs()[0].phases) == {'model', 'tools', 'other'}


def test_an_unstreamed_run_reports_refused_tools_too(seen: Capture):
    """Invented tools and wrong arguments never run, and are counted all the same."""
    made = agent(
        [Calls('invented', id='a'), Calls('nap', '{"seconds":"x"}', 'b')],
        ['done'],
        capabilities=[seen.tap.capability()],
    )
    asyncio.run(made.run('hello'))
    assert sorted(outcomes(seen), key=str) == [
        ('_unknown', 'retried', 'unknown_tool'),
        ('nap', 'retried', 'validation_error'),
    ]


@pytest.mark.usefixtures('event_loop_of_the_thread')
@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_run_sync_is_measured(door: str, seen: Capture):
    """The synchronous way is the same run."""
    capabilities, arguments = plugged(door, seen)
    agent(['done'], capabilities=capabilities).run_sync('hello', **arguments)
    assert [run.outcome for run in seen.runs()] == ['success']


def test_run_stream_is_whole_through_the_capability(seen: Capture):
    """All chunks, the usage and the outcome."""

    async def main() -> None:
        made = agent([Calls('nap')], ['do', 'ne'], capabilities=[seen.tap.capability()])
        async with made.run_stream('hello') as stream:
            assert await stream.get_output() == 'done'

    asyncio.run(main())
    assert [(r.chunks, r.outcome, r.usage_reported) for r in seen.responses()] == [
        (1, 'success', True),
        (2, 'success', True),
    ]
    assert [run.outcome for run in seen.runs()] == ['success']


@pytest.mark.usefixtures('event_loop_of_the_thread')
def test_run_stream_sync_is_measured(seen: Capture):
    """The capability sees it like `run_stream`."""
    made = agent(['do', 'ne'], capabilities=[seen.tap.capability()])
    with made.run_stream_sync('hello') as stream:  # pyright: ignore[reportUnknownVariableType]
        assert stream.get_output() == 'done'  # pyright: ignore[reportUnknownMemberType]
    assert [(run.outcome, run.requests) for run in seen.runs()] == [('success', 1)]


def test_run_stream_gives_the_handler_less_and_the_tap_says_so(seen: Capture, caplog: pytest.LogCaptureFixture):
    """What comes after the final result is not delivered: what nobody saw has no length, and one line in the log."""

    async def main() -> None:
        for _ in range(2):
            made = agent([Calls('nap')], [Calls('nap')], ['do', 'ne'])
            async with made.run_stream('hello', event_stream_handler=seen.tap) as stream:
                await stream.get_output()

    asyncio.run(main())
    assert sorted((r.step, r.chunks, r.outcome) for r in seen.responses()) == [
        *[(1, 1, 'success')] * 2,
        *[(2, 1, 'success')] * 2,
        *[(3, 1, 'incomplete')] * 2,
    ]
    last = [response for response in seen.responses() if response.step == 3]
    assert [(r.duration, r.output_tokens_per_second, r.parts[-1].duration) for r in last] == [(None, None, None)] * 2
    assert [(run.outcome, run.requests, run.tool_calls) for run in seen.runs()] == [('success', 3, 2)] * 2
    assert [run.phases for run in seen.runs()] == [{}, {}]
    assert len([line for line in caplog.messages if 'tap.capability()' in line]) == 1


def test_breaking_off_a_stream_is_the_callers_cancel(seen: Capture):
    """Nothing failed: the caller did not want more."""

    async def main() -> None:
        made = agent(['do', 'ne'], capabilities=[seen.tap.capability()])
        async with made.run_stream('hello') as stream:
            async for _ in stream.stream_text(debounce_by=None):
                break

    asyncio.run(main())
    assert [(r.outcome, r.finish_reason, r.error_type) for r in seen.responses()] == [('cancelled', 'cancelled', None)]
    assert [run.outcome for run in seen.runs()] == ['cancelled']


def test_run_stream_events_and_iter_are_measured(seen: Capture):
    """The capability's hooks fire however the run is driven."""

    async def main() -> None:
        made = agent([Calls('nap')], ['done'], capabilities=[seen.tap.capability()])
        async with made.run_stream_events('hello') as events:
            async for _ in events:
                pass
        made = agent([Calls('nap')], ['done'], capabilities=[seen.tap.capability()])
        async with made.iter('hello') as nodes:
            async for node in nodes:
                if made.is_model_request_node(node):
                    async with node.stream(nodes.ctx) as stream:
                        async for _ in stream:
                            pass

    asyncio.run(main())
    assert [(run.outcome, run.requests, run.tool_calls) for run in seen.runs()] == [('success', 2, 1)] * 2
    assert all(r.streamed and r.time_to_first_token is not None for r in seen.responses())


@pytest.mark.parametrize('copies', ['twice on the agent', 'on the agent and per run'])
def test_two_copies_of_the_capability_count_once(copies: str, seen: Capture):
    """The first opener of a run owns it, its copies only pass on."""

    async def main() -> None:
        capabilities = [seen.tap.capability()] * (2 if copies == 'twice on the agent' else 1)
        made = agent([Calls('nap')], ['done'], capabilities=capabilities)
        await made.run('hello', capabilities=[seen.tap.capability()], event_stream_handler=seen.tap)

    asyncio.run(main())
    assert [(run.requests, run.tool_calls) for run in seen.runs()] == [(2, 1)]
    assert (len(seen.responses()), len(seen.tools())) == (2, 1)


@pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
def test_a_nested_run_knows_its_parent_and_its_labels(door: str, seen: Capture):
    """It has its own tokens, the outermost agent's name, and the labels it does not set itself."""
    capabilities, arguments = plugged(door, seen)
    inner = agent(['inner'], name='inner', capabilities=capabilities)
    outer = agent([Calls('delegate')], ['outer'], name='outer', capabilities=capabilities)

    @outer.tool_plain
    async def delegate() -> str:
        return str((await inner.run('go', **arguments)).output)

    asyncio.run(outer.run('hello', metadata={'tenant': 'acme'}, **arguments))
    found = {run.agent: run for run in seen.runs()}
    assert (found['inner'].parent_run_id, found['inner'].root_agent) == (found['outer'].run_id, 'outer')
    assert (found['outer'].parent_run_id, found['outer'].root_agent) == (None, 'outer')
    assert {run.labels['tenant'] for run in seen.runs()} == {'acme'}
    assert (found['inner'].requests, found['outer'].requests) == (1, 2)


def test_two_runs_in_a_row_are_no_parent_and_child(seen: Capture):
    """What a handler sets for its tools does not leak into the next run of the same task."""

    async def main() -> None:
        for _ in range(2):
            await agent([Calls('nap')], ['done']).run('hello', event_stream_handler=seen.tap)

    asyncio.run(main())
    assert [run.parent_run_id for run in seen.runs()] == [None, None]


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_run_is_reported_before_its_caller_goes_on(door: str, seen: Capture):
    """Whoever reads the usage right after the run finds it there, retries and nested runs included."""

    async def main() -> None:
        capabilities, arguments = plugged(door, seen)
        made = agent([Calls('fails_once')], [Calls('nap')], ['done'], capabilities=capabilities)
        await made.run('hello', **arguments)
        assert seen.tap.usage.summary().total.outcomes == {'success': 1}
        assert seen.tap.live().runs == ()

    asyncio.run(main())


class TestEndings:
    """How runs end."""

    @pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
    def test_a_tool_that_raises(self, door: str, seen: Capture):
        """The tool's error is the run's, and its siblings were interrupted."""
        capabilities, arguments = plugged(door, seen)
        made = agent([Calls('breaks', id='a')], capabilities=capabilities)
        with pytest.raises(RuntimeError, match='the tool broke'):
            asyncio.run(made.run('hello', **arguments))
        assert [(run.outcome, run.error_type) for run in seen.runs()] == [('error', 'RuntimeError')]
        assert [(tool.tool, tool.outcome, tool.error_type) for tool in seen.tools()] == [
            ('breaks', 'error', 'RuntimeError')
        ]

    @pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
    def test_a_sibling_of_a_tool_that_raises_is_interrupted(self, door: str, seen: Capture):
        """It did not end by itself, so it has no duration."""
        capabilities, arguments = plugged(door, seen)
        made = agent([nap(5, 'a'), Calls('breaks', id='b')], capabilities=capabilities)
        with pytest.raises(RuntimeError, match='the tool broke'):
            asyncio.run(made.run('hello', **arguments))
        (sibling,) = [tool for tool in seen.tools() if tool.tool == 'nap']
        assert (sibling.outcome, sibling.duration) == ('interrupted', None)

    @pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
    def test_a_stream_that_breaks(self, door: str, seen: Capture):
        """The provider's failure is the request's error and the run's."""
        capabilities, arguments = plugged(door, seen)
        made = agent(['so far ', ConnectionError('gone')], capabilities=capabilities)
        with pytest.raises(ConnectionError):
            asyncio.run(made.run('hello', **arguments))
        assert [(r.outcome, r.error_type, r.finish_reason, r.chunks) for r in seen.responses()] == [
            ('error', 'ConnectionError', 'error', 1)
        ]
        assert [(run.outcome, run.error_type) for run in seen.runs()] == [('error', 'ConnectionError')]

    @pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
    def test_a_user_who_presses_stop_is_no_error(self, door: str, seen: Capture):
        """A cancelled task is `cancelled`, in the run, the request and the tool."""
        capabilities, arguments = plugged(door, seen)

        async def main() -> None:
            task = asyncio.create_task(agent([nap(30, 'a')], capabilities=capabilities).run('hello', **arguments))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert [(run.outcome, run.error_type) for run in seen.runs()] == [('cancelled', None)]
        assert [(tool.outcome, tool.duration) for tool in seen.tools()] == [('interrupted', None)]

    @pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
    @needs('run_timeouts')
    def test_the_runs_own_timeout_is_no_cancel(self, door: str, seen: Capture):
        """pydantic-ai cancels a run whose time is up; its deadline says so, and the tool that it interrupted where."""
        capabilities, arguments = plugged(door, seen)
        made = agent([nap(30, 'a')], capabilities=capabilities)
        with pytest.raises(TimeoutError):
            asyncio.run(made.run('hello', timeout=0.1, **arguments))
        failure = FailureRecord(agent=made.name or '', error='RunTimedOut', place='tool', name='nap', step=1)
        assert [(run.outcome, run.error_type) for run in seen.runs()] == [('timeout', 'RunTimedOut')]
        assert [run.failure for run in seen.runs()] == [failure]
        assert [tool.outcome for tool in seen.tools()] == ['interrupted']

    @pytest.mark.parametrize('chunks', [(), ('so ',)], ids=['awaited', 'written'])
    @pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
    @needs('run_timeouts')
    def test_a_run_whose_time_is_up_during_a_request_failed_at_its_model(
        self, door: str, chunks: tuple[str, ...], seen: Capture
    ):
        """In that step, whether it had begun to answer or not; the request itself has no error."""
        capabilities, arguments = plugged(door, seen)
        made = agent([Calls('nap')], [*chunks, Silence()], capabilities=capabilities)
        with pytest.raises(TimeoutError):
            asyncio.run(made.run('hello', timeout=0.3, **arguments))
        model = f'{seen.responses()[-1].provider}:{seen.responses()[-1].model}'
        failure = FailureRecord(agent=made.name or '', error='RunTimedOut', place='model', name=model, step=2)
        assert [(each.outcome, each.error_type) for each in seen.responses()] == [('success', None), ('timeout', None)]
        assert [run.failure for run in seen.runs()] == [failure]

    @pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
    def test_a_request_limit(self, door: str, seen: Capture):
        """It is raised between two calls of the handler."""
        capabilities, arguments = plugged(door, seen)
        made = agent([Calls('nap')], ['never'], capabilities=capabilities)
        with pytest.raises(UsageLimitExceeded):
            asyncio.run(made.run('hello', usage_limits=UsageLimits(request_limit=1), **arguments))
        assert [(run.outcome, run.error_type) for run in seen.runs()] == [('limit', 'UsageLimitExceeded')]

    @pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
    def test_outputs_that_validation_sends_back(self, door: str, seen: Capture):
        """Text that a validator refuses is an output retry, and the run that then succeeds is one success."""
        capabilities, arguments = plugged(door, seen)
        made = agent(['bad'], ['good'], capabilities=capabilities)

        @made.output_validator
        def not_bad(output: str) -> str:
            if output == 'bad':
                raise ModelRetry('better')
            return output

        asyncio.run(made.run('hello', **arguments))
        assert [(run.outcome, run.requests, run.output_retries) for run in seen.runs()] == [('success', 2, 1)]

    @pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
    def test_an_output_tool(self, door: str, seen: Capture):
        """Its call is of the kind `output`, and no function tool ran."""
        capabilities, arguments = plugged(door, seen)
        made = agent(
            [Calls('final_result', '{"response":"x"}', 'a')],
            [Calls('final_result', '{"response":3}', 'b')],
            output_type=int,
            capabilities=capabilities,
        )
        asyncio.run(made.run('hello', **arguments))
        assert [(t.tool, t.kind, t.outcome, t.retry_cause) for t in seen.tools()] == [
            ('final_result', 'output', 'retried', 'validation_error'),
            ('final_result', 'output', 'success', None),
        ]
        (run,) = seen.runs()
        assert (run.outcome, run.output_retries, run.tool_calls) == ('success', 1, 0)
        assert run.time_to_first_output is not None

    @pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
    def test_output_retries_exhausted(self, door: str, seen: Capture):
        """The run failed, because the model never got it right."""
        capabilities, arguments = plugged(door, seen)
        made = agent(
            *([Calls('final_result', '{"response":"x"}')] for _ in range(4)), output_type=int, capabilities=capabilities
        )
        with pytest.raises(UnexpectedModelBehavior):
            asyncio.run(made.run('hello', **arguments))
        assert [(run.outcome, run.error_type) for run in seen.runs()] == [('error', 'UnexpectedModelBehavior')]

    @pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
    def test_a_tool_that_waits_for_approval(self, door: str, seen: Capture):
        """The first run is `deferred` and counts no call; the call is counted when it runs, or is denied."""

        def made() -> Agent[Any, Any]:
            capabilities, _ = plugged(door, seen)
            fresh = agent(['done'], output_type=[str, DeferredToolRequests], capabilities=capabilities)

            @fresh.tool_plain(requires_approval=True)
            async def delete(path: str) -> str:
                return f'deleted {path}'

            return fresh

        async def main() -> None:
            _, arguments = plugged(door, seen)
            first = made()
            first.model = agent([Calls('delete', '{"path":"a"}', 'a'), Calls('delete', '{"path":"b"}', 'b')]).model
            asked = await first.run('hello', **arguments)
            results = DeferredToolResults(approvals={'a': True, 'b': ToolDenied('no')})
            await made().run(message_history=asked.all_messages(), deferred_tool_results=results, **arguments)

        asyncio.run(main())
        assert [run.outcome for run in seen.runs()] == ['deferred', 'success']
        assert sorted((tool.tool, tool.outcome) for tool in seen.tools()) == [
            ('delete', 'denied'),
            ('delete', 'success'),
        ]


def test_tool_call_ids_that_repeat_across_steps(seen: Capture):
    """TestModel uses the same ids again; every call is counted."""
    made = agent(capabilities=[seen.tap.capability(stream=True)])
    with made.override(model=TestModel(call_tools=['nap', 'alone'])):
        asyncio.run(made.run('hello'))
    assert sorted((tool.tool, tool.outcome) for tool in seen.tools()) == [('alone', 'success'), ('nap', 'success')]


@pytest.mark.usefixtures('untold')
def test_a_handler_run_that_nobody_ends_is_reported_when_the_tap_is_closed():
    """Late, and with the outcome that is known."""
    held: list[object] = []

    async def main() -> None:
        made = agent(['done'])

        async def keep(ctx: Any, events: Any) -> None:
            held.append(ctx.tool_manager)
            await seen.tap(ctx, events)

        await made.run('hello', event_stream_handler=keep)
        assert seen.runs() == []

    with capture(settle_after=1000.0) as seen:
        seen.tap.live()
        asyncio.run(main())
    assert [run.outcome for run in seen.runs()] == ['success']


@pytest.mark.parametrize('door', ALONE_AND_TOGETHER)
def test_a_call_that_is_announced_beside_one_that_ends_the_run_never_ran(door: str, seen: Capture):
    """Wrong arguments once too often end a run before any tool of the round starts."""
    capabilities, options = plugged(door, seen)
    made = agent([nap(0.01, '1'), Calls('strict', '{"number": "one"}', '2')], capabilities=capabilities)

    @made.tool_plain(retries=0)
    async def strict(number: int) -> str:
        return str(number)

    with pytest.raises(UnexpectedModelBehavior):
        asyncio.run(made.run('hello', **options))
    assert [tool for tool in seen.tools() if tool.tool == 'nap'] == []
    assert [(run.outcome, run.tool_calls) for run in seen.runs()] == [('error', 0)]
