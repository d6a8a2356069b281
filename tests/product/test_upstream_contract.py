"""What the tap uses of pydantic-ai that is private or came with a release: each by its name, so that a loss has one."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import re
from typing import Any

import pytest
from pydantic_ai import Agent, messages
from pydantic_ai.agent import AbstractAgent, WrapperAgent
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.exceptions import UsageLimitExceeded

from streamtap import Streamtap, Tap, TapCapability
from streamtap._upstream import (
    event_sources,
    every_run,
    known_tools,
    outcomes,
    run_behind,
    run_context,
    run_end,
    spec_names,
    versions,
)
from streamtap._upstream.versions import OLDEST, release_of
from support.paths import ROOT
from support.pydantic_ai_features import RELEASE
from support.scripted import Calls, agent

ATTRIBUTES: dict[str, dict[tuple[int, int], str]] = {
    '_run_context.RunContext': {
        OLDEST: '_cancellation agent conversation_id messages metadata model partial_output run_id run_step '
        'tool_manager tracer usage',
        (2, 40): 'root_capability',
        (2, 58): 'remaining_time',
        (2, 64): 'model_id',
    },
    '_cancel.RunCancellation': {OLDEST: '_owner _finished attach_token', (2, 58): 'timed_out'},
    'agent.Agent': {OLDEST: '_concurrency_limiter _instrument_default iter name', (2, 30): '_open_realtime_session'},
    'agent.abstract.AgentRunEvents': {OLDEST: '_binding _closed _task new_messages'},
    'capabilities.AbstractCapability': {OLDEST: '_safe_at_runtime', (2, 40): '_has_on_model_request_error'},
    'messages.FunctionToolCallEvent': {OLDEST: 'args_valid part'},
    'messages.FunctionToolResultEvent': {OLDEST: 'part'},
    'messages.ModelRequest': {OLDEST: 'parts timestamp'},
    'messages.ModelRequestAttempt': {
        (2, 55): 'duration error model_name outcome provider_name timestamp',
        (2, 64): 'usage',
    },
    'messages.ModelResponse': {
        OLDEST: 'cost finish_reason model_name provider_name state timestamp usage',
        (2, 55): 'failed_attempts',
        (2, 64): 'model_id',
    },
    'messages.PartEndEvent': {OLDEST: 'index next_part_kind'},
    'messages.ToolReturnPart': {OLDEST: 'outcome', (2, 61): 'retry'},
    'models.ModelRequestContext': {OLDEST: 'model streaming', (2, 64): 'attempt'},
    'models.concurrency.ConcurrencyLimitedModel': {OLDEST: 'wrapped'},
    'models.fallback.FallbackModel': {OLDEST: 'models'},
    'models.instrumented.InstrumentedModel': {OLDEST: 'wrapped'},
    'result.AgentStream': {OLDEST: '_run_ctx response run_id'},
    'run.AgentRun': {OLDEST: 'ctx'},
    'run.AgentRunResult': {OLDEST: 'new_messages output'},
    'tool_manager.ToolManager': {OLDEST: 'get_parallel_execution_mode get_tool_def'},
    'tools.ToolDefinition': {OLDEST: 'kind sequential'},
    'usage.RequestUsage': {
        OLDEST: 'cache_read_tokens cache_write_tokens cost details input_tokens output_tokens',
        (2, 28): 'output_reasoning_tokens',
        (2, 59): 'unmeasured_requests',
    },
}
"""By class: from which release on which attributes are there."""

EXCEPTIONS = {
    OLDEST: 'ApprovalRequired CallDeferred FallbackExceptionGroup ModelAPIError ModelHTTPError ModelRetry RunCancelled '
    'ToolFailed ToolRetryError UsageLimitExceeded',
    (2, 58): 'RunTimedOut',
}

KINDS = {
    OLDEST: 'part_start part_delta part_end final_result function_tool_call function_tool_result output_tool_call '
    'output_tool_result deferred_tool_requests deferred_tool_results text tool-call tool-return retry-prompt thinking '
    'builtin-tool-call builtin-tool-return file tool_call compaction',
    (2, 61): 'retry-feedback speech',
}
"""What events, parts and deltas say they are."""


def of_this_release(found: dict[tuple[int, int], str]) -> list[str]:
    return [name for release, names in found.items() if release <= RELEASE for name in names.split()]


def present() -> list[str]:
    return [f'{path}.{name}' for path, found in ATTRIBUTES.items() for name in of_this_release(found)]


@pytest.mark.parametrize('name', present())
def test_an_attribute_is_there(name: str):
    """It belongs to the class, or its instances get it."""
    path, _, attribute = name.rpartition('.')
    module, _, kind = path.rpartition('.')
    found: type[Any] = getattr(importlib.import_module(f'pydantic_ai.{module}'), kind)
    assert (
        attribute in getattr(found, '__dataclass_fields__', ())
        or hasattr(found, attribute)
        or any(
            re.search(rf'\bself\.{attribute}\b.* = ', inspect.getsource(each))
            for each in found.__mro__
            if each.__module__.startswith('pydantic_ai')
        )
    )


@pytest.mark.parametrize('name', of_this_release(EXCEPTIONS))
def test_an_exception_is_called_as_ever(name: str):
    """It is known by its name, and by being pydantic-ai's own."""
    assert getattr(importlib.import_module('pydantic_ai.exceptions'), name).__module__.startswith('pydantic_ai')


@pytest.mark.parametrize('kind', of_this_release(KINDS))
def test_a_kind_is_called_as_ever(kind: str):
    """Events, parts and deltas are told apart by these words."""
    discriminators = ('event_kind', 'part_kind', 'part_delta_kind')
    classes = [each for each in vars(messages).values() if inspect.isclass(each)]
    assert kind in {getattr(each, discriminator, None) for each in classes for discriminator in discriminators}


def test_a_failed_output_is_worded_as_ever():
    """Nothing else tells it from one that succeeded."""
    executes = importlib.import_module('pydantic_ai._tool_execution')
    assert 'Output tool not used - output failed validation.' in inspect.getsource(executes)


@pytest.mark.parametrize('hook', [name for name, what in vars(TapCapability).items() if inspect.isfunction(what)])
def test_a_hook_is_one_that_pydantic_ai_calls(hook: str):
    """With the arguments that it passes; what a release does not have yet, or the capability's own, is named here."""
    own = {'__init__', '_output', '_run', '_serve_as'}
    later = {'prepare_model_request': (2, 64), '_realtime_uncalled_hooks': (2, 61)}
    if hook not in own and later.get(hook, OLDEST) <= RELEASE:
        called, ours = getattr(AbstractCapability, hook), vars(TapCapability)[hook]
        assert list(inspect.signature(called).parameters) == list(inspect.signature(ours).parameters)


@pytest.mark.parametrize('name', [name for name in every_run.SEAMS if hasattr(Agent, name)])
def test_what_an_installed_tap_wraps_takes_capabilities(name: str):
    """By name, and is the agent's own: what wraps other agents calls it on them."""
    assert inspect.signature(vars(Agent)[name]).parameters['capabilities'].kind is inspect.Parameter.KEYWORD_ONLY
    assert name not in {each for wrapper in Agent.__subclasses__() for each in vars(wrapper)}
    assert not issubclass(WrapperAgent, Agent)
    assert f'self.wrapped.{name}(' in inspect.getsource(vars(WrapperAgent)[name])


@pytest.mark.parametrize('way', ['run', 'run_stream'])
def test_all_ways_of_running_an_agent_lead_to_what_an_installed_tap_wraps(way: str):
    """`run_sync`, `run_stream_events` and adapters use one of these two; nothing else opens a run."""
    assert 'self.iter(' in inspect.getsource(vars(AbstractAgent)[way])
    assert way not in vars(Agent)


def test_durable_engines_let_a_runs_own_capability_be_if_it_says_that_it_is_safe():
    """They refuse any other, as it might bring tools."""
    said = [vars(each)['_safe_at_runtime'] for each in (AbstractCapability, TapCapability)]
    assert said == [False, True]


def test_specs_know_capabilities_by_a_registry_that_can_be_added_to():
    """Also where they are given to a run, which takes no others."""
    spec_names.add(Streamtap)
    try:
        with pytest.raises(ValueError, match="'Streamtap': stream must be true or false"):
            asyncio.run(agent(['done']).run('hello', spec={'capabilities': [{'Streamtap': {'stream': 'no'}}]}))
    finally:
        spec_names.forget(Streamtap)
    with pytest.raises(ValueError, match="'Streamtap' is not in the provided"):
        asyncio.run(agent(['done']).run('hello', spec={'capabilities': ['Streamtap']}))


def test_the_run_of_a_handlers_call_is_known():
    """Its id, its agent and its model; who calls the tools; and something that ends with it."""
    seen: list[tuple[bool, bool, bool, str | None]] = []

    async def look(ctx: Any, events: Any) -> None:
        manager = run_context.tool_manager(ctx)
        seen.append(
            (
                run_context.call_of(ctx, events).is_request,
                bool(run_context.who(ctx).run_id) and run_context.who(ctx).agent == 'scripted',
                known_tools.known_tool(manager, 'nap') == 'nap' and known_tools.known_tool(manager, 'x') == '_unknown',
                known_tools.execution_mode(manager),
            )
        )
        assert run_context.goes_on(run_context.lifetime(ctx))
        assert run_context.driving_task(ctx) is not None
        async for _ in events:
            pass

    asyncio.run(agent([Calls('nap')], ['done']).run('hello', event_stream_handler=look))
    assert seen == [(model_call, True, True, 'parallel') for model_call in (True, False, True, False)]


def test_the_end_of_a_run_is_told():
    """When all of it is over, with its result or with the exception that its caller gets."""
    told: list[object] = []

    async def listen(ctx: Any, events: Any) -> None:
        if run_context.who(ctx).step <= 1 and run_context.call_of(ctx, events).is_request:
            assert run_end.tell_end(ctx, lambda how: told.append(how()))
        async for _ in events:
            pass

    asyncio.run(agent(['done']).run('hello', event_stream_handler=listen))
    with pytest.raises(LookupError):
        asyncio.run(agent([LookupError()]).run('hello', event_stream_handler=listen))
    assert told == [('success', None), ('error', 'LookupError')]


def test_the_run_behind_watched_events_is_known():
    """That of `run_stream_events()`, and that of the streams of its nodes."""

    async def main() -> list[tuple[str | None, bool]]:
        found: list[Any] = []
        async with agent(['done']).run_stream_events('hello') as events:
            behind = run_behind.run_behind(events)
            assert behind is not None
            assert (behind.context, behind.was_left) == (None, False)
            # What its events lead to is asked for with each of them.
            found += [behind.context async for _ in events]
        assert behind.was_left
        assert [message.kind for message in behind.messages()] == ['request', 'response']
        async with agent(['done']).iter('hello') as run:
            async for node in run:
                if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                    async with node.stream(run.ctx) as of_node:
                        found.append(event_sources.context_of_node(of_node))
                        _ = [event async for event in of_node]
                        assert Agent.is_model_request_node(node) or event_sources.is_spent(of_node)
        return [(run_context.who(ctx).run_id, run_context.tool_manager(ctx) is not None) for ctx in found]

    told = asyncio.run(main())
    assert all(run_id and has_manager for run_id, has_manager in told)
    assert len({run_id for run_id, _ in told}) == 2


def test_a_limit_is_reported_by_its_name():
    """Whatever its module is called."""
    assert outcomes.run_ending(UsageLimitExceeded('too much'), None) == ('limit', 'UsageLimitExceeded')


def test_what_is_installed_may_be_as_old_as_the_code_allows():
    """Installers refuse what the tap would refuse, and nothing else."""
    project = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    assert re.findall(r'pydantic-ai-slim>=([^\']+)', project) == ['.'.join(map(str, OLDEST))]


@pytest.mark.parametrize('installed', ['1.85.1', '2.0.0', '2.25.0'])
def test_a_tap_says_that_pydantic_ai_is_too_old_and_what_to_do(installed: str, monkeypatch: pytest.MonkeyPatch):
    """Before any run, at whatever door: it could not see what fails there."""
    monkeypatch.setattr(versions, 'VERSION', installed)
    with pytest.raises(RuntimeError) as raised:
        Tap([])
    assert str(raised.value) == (
        f'streamtap needs pydantic-ai 2.26 or newer, but {installed} is installed: '
        "pip install --upgrade 'pydantic-ai-slim>=2.26'"
    )


@pytest.mark.parametrize('installed', ['2.26.0', '3.0.0b1'])
def test_the_oldest_release_is_new_enough(installed: str, monkeypatch: pytest.MonkeyPatch):
    """And what is not out yet is not refused."""
    monkeypatch.setattr(versions, 'VERSION', installed)
    assert Tap([]).enabled


def test_a_disabled_tap_does_not_mind_an_old_release(monkeypatch: pytest.MonkeyPatch):
    """Off is off: an application that cannot upgrade today can start."""
    monkeypatch.setattr(versions, 'VERSION', '1.85.1')
    monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    assert not Tap([]).enabled


def test_a_release_is_read_from_its_version():
    """Also from one that is not final."""
    assert [release_of(each) for each in ('2.26.0', '2.68.0', '3.0.0b1')] == [(2, 26), (2, 68), (3, 0)]
    with pytest.raises(ValueError, match='not a version'):
        release_of('main')
