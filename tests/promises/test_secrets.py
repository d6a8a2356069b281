"""What people and models say, tools take and give, and exceptions tell, is in nothing that the tap puts out."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ModelRetry
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import NativeToolCallPart, NativeToolReturnPart
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.function import DeltaThinkingPart, DeltaToolCall, FunctionModel

from support.every_exit import EveryExit
from support.planted import SECRET, found, secret
from support.recorded_conversations import Listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterator
    from pathlib import Path

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models.function import AgentInfo

pytestmark = pytest.mark.filterwarnings('always')

ATTACHMENTS = ('capability', 'handler', 'beside', 'watched events')

ENDINGS = ('answers', 'a tool breaks', 'the model breaks', 'all candidates refuse')


class Answer(BaseModel):
    """The output of the agent, made by an output tool."""

    text: str


def _world(folder: Path, *, include_content: bool = False) -> EveryExit:
    failure = RuntimeError(secret('sinks-own-exception'))
    return EveryExit(folder, failure, _price, include_content=include_content)


def _price(record: object, response: object) -> float:
    raise ValueError(secret('prices-own-exception'))


def _stream(turns: Iterator[list[Any]]) -> Any:
    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
        for item in next(turns):
            await asyncio.sleep(0)
            if isinstance(item, Exception):
                raise item
            yield item

    return stream


def _call(place: int, tool: str, secret_of: str, call_id: str) -> dict[int, DeltaToolCall]:
    return {place: DeltaToolCall(name=tool, json_args=json.dumps({'text': secret(secret_of)}), tool_call_id=call_id)}


def _turns(ending: str) -> list[list[Any]]:
    opening: list[Any] = [
        {0: DeltaThinkingPart(content=secret('thinking'), signature=secret('signature'))},
        secret('text'),
        {2: NativeToolCallPart('web_search', {'query': secret('native-arguments')}, tool_call_id='n')},
        {3: NativeToolReturnPart('web_search', secret('native-result'), tool_call_id='n')},
        _call(4, 'search', 'tool-arguments', 'a'),
        _call(5, 'retries', 'retried-arguments', 'b'),
        _call(6, secret('invented-tool'), 'invented-arguments', 'c'),
        {7: DeltaToolCall(name='search', json_args=f'{{"wrong": "{secret("wrong-arguments")}"}}', tool_call_id='d')},
    ]
    last: dict[str, list[Any]] = {
        'answers': [_call(0, 'final_result', 'output', 'f')],
        'a tool breaks': [_call(0, 'breaks', 'broken-arguments', 'f')],
        'the model breaks': ['so ', ConnectionError(secret('stream-exception'))],
        'all candidates refuse': [_refusal()],
    }
    return [opening, [_call(0, 'final_result', 'refused-output', 'e')], last[ending]]


def _refusal() -> ModelHTTPError:
    return ModelHTTPError(429, secret('refusals-model'), body={'error': secret('refusals-body')})


def _agent(world: EveryExit, door: str, ending: str) -> Agent[Any, Any]:
    turns = iter(_turns(ending))
    answers: Any = FunctionModel(stream_function=_stream(turns), model_name='scripted')
    if ending == 'all candidates refuse':
        refuses = FunctionModel(stream_function=_stream(iter([[_refusal()] for _ in range(3)])), model_name='refuses')
        answers = FallbackModel(refuses, answers)
    capabilities = [world.tap.capability(stream=True)] if door == 'capability' else []
    made: Agent[Any, Any] = Agent(
        answers,
        name='assistant',
        output_type=Answer,
        instructions=secret('instructions'),
        system_prompt=secret('system-prompt'),
        description=secret('agents-description'),
        model_settings={'extra_headers': {'authorization': secret('header')}, 'extra_body': {'key': secret('body')}},
        capabilities=capabilities,
        retries=3,
    )

    @made.tool_plain(description=secret('tools-description'))
    async def search(text: str) -> str:  # pyright: ignore[reportUnusedFunction]
        return secret('tool-result')

    @made.tool_plain
    async def retries(text: str) -> str:  # pyright: ignore[reportUnusedFunction]
        raise ModelRetry(secret('retry-prompt'))

    @made.tool_plain
    async def breaks(text: str) -> str:  # pyright: ignore[reportUnusedFunction]
        raise ValueError(secret('tools-exception')) from KeyError(secret('tools-cause'))

    refusals = iter(['the first'])

    @made.output_validator
    async def check(output: Answer) -> Answer:  # pyright: ignore[reportUnusedFunction]
        if next(refusals, None):
            raise ModelRetry(secret('validators-prompt'))
        return output

    return made


async def _run(world: EveryExit, door: str, ending: str) -> None:
    made = _agent(world, door, ending)
    prompt = [
        secret('prompt'),
        BinaryContent(secret('file').encode(), media_type='text/plain', identifier=secret('file-name')),
    ]
    arguments: dict[str, Any] = {
        'metadata': {'tier': 'gold', 'note': secret('other-metadata')},
        'deps': secret('deps'),
    }

    async def mine(ctx: object, events: AsyncIterable[object]) -> None:
        async for _ in events:
            pass

    with contextlib.suppress(Exception):
        if door == 'watched events':
            async with made.run_stream_events(prompt, **arguments) as events:
                async for _ in world.tap.watch(events):
                    pass
        else:
            if door == 'handler':
                arguments['event_stream_handler'] = world.tap
            elif door == 'beside':
                arguments['event_stream_handler'] = world.tap.beside(mine)
            await made.run(prompt, **arguments)


@pytest.mark.parametrize('ending', ENDINGS)
@pytest.mark.parametrize('door', ATTACHMENTS)
def test_no_secret_gets_out(
    tmp_path: Path, door: str, ending: str, recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str]
):
    """Not of a prompt, an answer, a thought, an argument, a result, a setting, a file or an exception; each output has something."""
    world = _world(tmp_path)
    with Listener('streamtap') as log:
        asyncio.run(_run(world, door, ending))
        told = world.told()
    told['log'] = '\n'.join(log.lines)
    assert [where for where, text in told.items() if not text] == []
    printed = capfd.readouterr()
    told['warnings'] = '\n'.join(str(each.message) for each in recwarn if 'streamtap' in each.filename)
    told['printed'] = printed.out + printed.err
    assert found(told) == {}


@pytest.mark.parametrize('door', ATTACHMENTS)
def test_on_request_the_log_has_what_an_exception_says(tmp_path: Path, door: str):
    """That, and nothing else, and nowhere else."""
    world = _world(tmp_path, include_content=True)
    with Listener('streamtap') as log:
        asyncio.run(_run(world, door, 'a tool breaks'))
        told = world.told()
    assert found({**told, 'log': '\n'.join(log.lines)}) == {
        'log': {secret('sinks-own-exception'), secret('prices-own-exception')}
    }


def test_a_search_that_finds_nothing_would_be_found_out(tmp_path: Path):
    """Each secret was really there: the run's own messages and events have it."""
    world = _world(tmp_path)
    made = _agent(world, 'beside', 'answers')
    said = [repr(made.model_settings)]

    async def mine(ctx: Any, events: AsyncIterable[object]) -> None:
        said.append(repr(ctx.messages) + repr(ctx.deps) + repr(ctx.metadata))
        said.extend([repr(event) async for event in events])

    prompt = [secret('prompt'), BinaryContent(b'-', media_type='text/plain', identifier=secret('file-name'))]
    metadata = {'note': secret('other-metadata')}
    asyncio.run(made.run(prompt, deps=secret('deps'), metadata=metadata, event_stream_handler=mine))
    there = set(SECRET.findall('\n'.join(said)))
    assert there >= {
        secret(place)
        for place in (
            *('prompt', 'file-name', 'system-prompt', 'instructions', 'deps', 'other-metadata', 'header', 'body'),
            *('thinking', 'signature', 'text', 'native-arguments', 'native-result', 'tool-arguments', 'tool-result'),
            *('retried-arguments', 'retry-prompt', 'invented-tool', 'wrong-arguments', 'refused-output', 'output'),
            'validators-prompt',
        )
    }
