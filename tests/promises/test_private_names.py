"""Names that tell too much: what users put into labels, deployments, classes, conversations and URLs, at no exit."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.models.function import DeltaToolCall, FunctionModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap import Fault
from streamtap.testing import PacedProvider, Reply, capture, words
from support.every_exit import EveryExit
from support.planted import SECRET, found, secret
from support.recorded_conversations import Listener
from support.scripted import Calls
from support.scripted import agent as scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models.function import AgentInfo

pytestmark = pytest.mark.filterwarnings('always')


def _price(record: object, response: object) -> None:
    raise ValueError(secret('prices-own-exception'))


class Person:
    """What an application may put into a run's metadata; whoever asks it for a text is remembered."""

    asked: ClassVar[list[str]] = []

    def _tell(self, *_: object) -> str:
        self.asked.append('asked')
        return secret('e-mail')

    __str__ = __repr__ = __format__ = _tell


def _hide(field: str, text: str) -> str:
    return SECRET.sub('hidden', text)


async def _run_of_hidden_names(world: EveryExit, *, tier: object, conversation_id: str | None) -> None:
    """A run whose model is called after a tenant, and whose second request and whose tool fail with a telling class."""

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
        if len(messages) > 1:
            raise type(secret('class-of-request'), (Exception,), {})
        yield {0: DeltaToolCall(name='breaks', json_args='{}', tool_call_id='a')}
        yield {1: DeltaToolCall(name='returns', json_args='{}', tool_call_id='b')}

    class Model(FunctionModel): ...

    Model.__name__ = Model.__qualname__ = secret('class-of-model')
    made: Agent[Any, Any] = Agent(
        Model(stream_function=stream, model_name=secret('deployment')),
        name='assistant',
        capabilities=[world.tap.capability(stream=True)],
    )

    @made.tool_plain
    async def breaks() -> str:  # pyright: ignore[reportUnusedFunction]
        if tier == 'breaks':
            raise type(secret('class-of-tool'), (Exception,), {})
        return 'done'

    @made.tool_plain
    async def returns() -> str:  # pyright: ignore[reportUnusedFunction]
        return 'done'

    with contextlib.suppress(Exception):
        await made.run('hello', metadata={'tier': tier}, conversation_id=conversation_id)


def _told_of(world: EveryExit, **arguments: Any) -> dict[str, str]:
    with Listener('streamtap') as log:
        asyncio.run(_run_of_hidden_names(world, **arguments))
        told = world.told()
    return {**told, 'log': '\n'.join(log.lines)}


@pytest.mark.parametrize('tier', ['gold', 'breaks'])
def test_names_that_are_redacted_are_at_no_exit(tmp_path: Path, tier: str):
    """Not those of a deployment, of exceptions or of a conversation; what stands for them is everywhere instead."""
    failure = type(secret('class-in-sink'), (Exception,), {})()
    world = EveryExit(tmp_path, failure, _price, redact=_hide)
    told = _told_of(world, tier=tier, conversation_id=secret('conversation'))
    assert found(told) == {}
    (run,) = world.memory.runs
    assert (run.error_type, run.conversation_id) == ('hidden', 'hidden')
    assert {response.model for response in world.memory.responses} == {'hidden'}
    assert {tool.error_type for tool in world.memory.tools} <= {None, 'hidden'}
    assert 'failed with hidden' in told['log']


def test_a_conversations_id_is_in_records_spans_and_the_journal_only(tmp_path: Path):
    """Not in a log line, a metric, the summary, the progress or on the page; classes and models are told, as documented."""
    world = EveryExit(tmp_path, RuntimeError(), _price)
    told = _told_of(world, tier='gold', conversation_id=secret('conversation'))
    there = found(told)
    assert {where for where, secrets in there.items() if secret('conversation') in secrets} == {
        'spans', 'journal', 'records', 'live',
    }  # fmt: skip
    assert set().union(*there.values()) == {
        secret('conversation'), secret('deployment'), secret('class-of-request'),
    }  # fmt: skip


@pytest.mark.parametrize('value', [Person(), [Person()], type(secret('class-of-label'), (Person,), {})(), Person])
def test_a_label_that_is_no_plain_value_is_refused(tmp_path: Path, value: object):
    """Nobody asks the object what it is, and the label says that it is not known; that is counted, and logged once."""
    Person.asked.clear()
    world = EveryExit(tmp_path, RuntimeError(), _price, redact=_hide)
    told = _told_of(world, tier=value, conversation_id=None)
    assert found(told) == {}
    assert Person.asked == []
    assert [run.labels for run in world.memory.runs] == [{'tier': '_unknown'}]
    assert [fault for fault in world.memory.faults if fault.subject == 'labels'] == [Fault('dropped', 'labels')]
    assert told['log'].count('the label tier was given a value that is no str') == 1


def test_a_refused_label_is_counted_once_for_a_run():
    """However many doors see it, and however often."""
    with capture(labels=('tier',)) as seen:
        agent = scripted([Calls('n', '{}')], ['hi'], capabilities=[seen.tap.capability()])
        asyncio.run(agent.run('hello', event_stream_handler=seen.tap, metadata={'tier': object()}))
    assert len(seen.runs()) == 1
    assert [fault for fault in seen.faults() if fault.subject == 'labels'] == [Fault('dropped', 'labels')]


def test_a_redaction_that_fails_tells_nothing(tmp_path: Path):
    """Neither the name that it was given nor what it raised; the run goes on, and the failure is counted."""

    def fail(field: str, text: str) -> str:
        raise type(secret('class-in-redaction'), (Exception,), {})(text)

    world = EveryExit(tmp_path, RuntimeError(secret('sinks-own-exception')), _price, redact=fail)
    told = _told_of(world, tier='gold', conversation_id=secret('conversation'))
    assert found(told) == {}
    (run,) = world.memory.runs
    assert (run.error_type, run.conversation_id) == ('_redacted', '_redacted')
    assert Fault('error', 'redact') in world.memory.faults


@pytest.mark.parametrize('ending', ['answers', 'no connection'])
def test_what_is_in_a_base_url_is_at_no_exit(tmp_path: Path, ending: str):
    """Neither a password nor a key, whether the server answers or cannot be reached."""
    world = EveryExit(tmp_path, RuntimeError(), _price)

    async def run() -> None:
        with PacedProvider(lambda _: Reply(words('fine'))) as provider:
            url = provider.base_url.replace('://', f'://{secret("user")}:{secret("password")}@')
            if ending == 'no connection':
                url = f'http://{secret("user")}:{secret("password")}@127.0.0.1:9/v1?api_key={secret("key")}'
            async with AsyncOpenAI(
                base_url=url, api_key=secret('key'), max_retries=0, http_client=DefaultAsyncHttpxClient(trust_env=False)
            ) as client:
                made = Agent(
                    OpenAIChatModel('m', provider=OpenAIProvider(openai_client=client)),
                    capabilities=[world.tap.capability(stream=True)],
                )
                with contextlib.suppress(ModelAPIError):
                    await made.run('hello', metadata={'tier': 'gold'})

    with Listener('streamtap') as log:
        asyncio.run(run())
        told = world.told()
    assert found({**told, 'log': '\n'.join(log.lines)}) == {}
    assert [run.outcome for run in world.memory.runs] == ['success' if ending == 'answers' else 'error']
