"""The paced provider as a real OpenAI client meets it."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import socket
import threading
import time
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from openai import AsyncOpenAI
from pydantic_ai import Agent, ModelAPIError, ModelHTTPError, RunContext
from pydantic_ai.messages import TextPart, ThinkingPart, ToolCallPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap.testing import (
    Call,
    ChatRequest,
    Drop,
    Fail,
    Hang,
    Hidden,
    PacedProvider,
    Pause,
    Reply,
    Say,
    Served,
    Think,
    TokenUsage,
    words,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence

    from pydantic_ai.agent import AgentRunResult
    from pydantic_ai.messages import AgentStreamEvent


@asynccontextmanager
async def agent_of(provider: PacedProvider) -> AsyncGenerator[Agent[None, str]]:
    """An agent whose client asks once and closes its connections."""
    async with AsyncOpenAI(base_url=provider.base_url, api_key='not-needed', max_retries=0) as client:
        yield Agent(OpenAIChatModel('paced', provider=OpenAIProvider(openai_client=client)))


async def drain(_: RunContext[None], stream: AsyncIterable[AgentStreamEvent]) -> None:
    """An event stream handler, whose presence makes the agent stream its requests."""
    async for _event in stream:
        pass


def run(provider: PacedProvider, *, tools: Sequence[Callable[..., object]] = ()) -> AgentRunResult[str]:
    async def main() -> AgentRunResult[str]:
        async with agent_of(provider) as agent:
            for tool in tools:
                agent.tool_plain(tool)
            return await agent.run('Hello?', event_stream_handler=drain)

    return asyncio.run(main())


def parts(result: AgentRunResult[str]) -> list[tuple[type, str]]:
    return [(type(part), str(getattr(part, 'content', None))) for part in result.response.parts]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + 2
    while not holds():
        assert time.perf_counter() < deadline, 'it never came to hold'
        time.sleep(0.002)


def connect(provider: PacedProvider) -> http.client.HTTPConnection:
    host, port = provider.base_url.split('/')[2].split(':')
    return http.client.HTTPConnection(host, int(port), timeout=5)


def ask(connection: http.client.HTTPConnection, *, stream: bool = True, **extra: object) -> http.client.HTTPResponse:
    body = json.dumps({'model': 'paced', 'messages': [{'role': 'user', 'content': 'Hi'}], 'stream': stream, **extra})
    connection.request('POST', '/v1/chat/completions', body)
    return connection.getresponse()


def events(response: http.client.HTTPResponse) -> list[Any]:
    lines = response.read().decode().split('\n\n')
    assert lines[-2:] == ['data: [DONE]', '']
    return [json.loads(line.removeprefix('data: ')) for line in lines[:-2]]


def kinds(served: Served) -> list[tuple[str, str]]:
    return [(chunk.kind, chunk.text) for chunk in served.chunks]


def test_text() -> None:
    """A scripted text arrives as it was written, and each of its chunks is on record."""
    with PacedProvider([Reply(words('Hello big  world'))]) as provider:
        result = run(provider)
        (served,) = provider.served
    assert result.output == 'Hello big  world'
    assert result.response.finish_reason == 'stop'
    assert kinds(served) == [('text', 'Hello'), ('text', ' big'), ('text', '  world')]
    assert served.request.model == 'paced'
    assert served.request.messages[0]['content'] == 'Hello?'
    assert (served.request.stream, served.request.number, served.request.tools) == (True, 0, ())
    assert not served.disconnected


def test_thinking() -> None:
    """Reasoning arrives as a thinking part ahead of the text."""
    with PacedProvider([Reply([*words('Let me see', Think), Say('42')])]) as provider:
        result = run(provider)
        (served,) = provider.served
    assert parts(result) == [(ThinkingPart, 'Let me see'), (TextPart, '42')]
    assert [kind for kind, _ in kinds(served)] == ['thinking', 'thinking', 'thinking', 'text']


def test_tool_call() -> None:
    """A scripted tool call has the agent run the tool and come back with its result."""

    def weather(city: str) -> str:
        return f'sunny in {city}'

    script = [Reply([Call('weather', {'city': 'Oslo'}, pieces=3)]), Reply([Say('Sunny.')])]
    with PacedProvider(script) as provider:
        result = run(provider, tools=[weather])
        first, second = provider.served
    assert result.output == 'Sunny.'
    assert kinds(first)[0] == ('tool_call', 'weather')
    assert [kind for kind, _ in kinds(first)[1:]] == ['tool_args'] * 3
    assert json.loads(''.join(text for _, text in kinds(first)[1:])) == {'city': 'Oslo'}
    assert first.request.tools == ('weather',)
    assert second.request.messages[-1]['content'] == 'sunny in Oslo'


def test_several_tool_calls() -> None:
    """Several calls in a reply keep apart, with ids of their own unless the script gives them one."""
    seen: list[int] = []
    script = [
        Reply(
            [Say('Adding.'), Call('add', {'a': 1}), Call('add', '{"a": 2}', pieces=99), Call('add', {'a': 3}, id='x')]
        ),
        Reply([Say('Done.')]),
    ]
    with PacedProvider(script) as provider:
        result = run(provider, tools=[_adder(seen)])
    calls = [part for message in result.all_messages() for part in message.parts if isinstance(part, ToolCallPart)]
    assert sorted(seen) == [1, 2, 3]
    assert [call.tool_call_id for call in calls] == ['call_0_0', 'call_0_1', 'x']
    assert result.output == 'Done.'


def _adder(seen: list[int]) -> Callable[[int], str]:
    def add(a: int) -> str:
        seen.append(a)
        return 'ok'

    return add


def test_usage() -> None:
    """The scripted token counts are the ones the agent reports."""
    usage = TokenUsage(input=100, output=20, cached=64, reasoning=5)
    with PacedProvider([Reply([Say('Hi')], usage=usage)]) as provider:
        got = run(provider).usage
    assert (got.input_tokens, got.output_tokens, got.cache_read_tokens) == (100, 20, 64)
    assert got.details['reasoning_tokens'] == 5


def test_default_usage() -> None:
    """Without scripted counts each content chunk is one token of output."""
    with PacedProvider([Reply(words('one two three'))]) as provider:
        got = run(provider).usage
    assert (got.input_tokens, got.output_tokens) == (10, 3)


def test_no_usage() -> None:
    """A provider may report no tokens at all."""
    with PacedProvider([Reply([Say('Hi')], usage=None)]) as provider:
        got = run(provider).usage
    assert (got.input_tokens, got.output_tokens) == (0, 0)


def test_usage_is_reported_on_request_only() -> None:
    """A stream ends with a usage event, which has no choices, if the client asked for it."""
    with PacedProvider(lambda _: Reply([Say('Hi')])) as provider:
        connection = connect(provider)
        plain = events(ask(connection))
        asked = events(ask(connection, stream_options={'include_usage': True}))
        connection.close()
    assert all(event['choices'] and 'usage' not in event for event in plain)
    assert asked[-1]['choices'] == []
    assert asked[-1]['usage']['total_tokens'] == 11
    assert plain[0]['choices'][0]['delta'] == {'role': 'assistant', 'content': ''}


def test_model_and_finish_reason() -> None:
    """A reply can name another model and another reason to finish."""
    with PacedProvider([Reply([Say('Hi')], model='paced-2', finish_reason='length')]) as provider:
        response = run(provider).response
    assert (response.model_name, response.finish_reason) == ('paced-2', 'length')


@pytest.mark.parametrize('status', [429, 500, 529])
def test_error_status(status: int) -> None:
    """An error status reaches the agent as such, after its scripted delay."""
    with PacedProvider([Reply(status=status, headers_after=0.05)]) as provider:
        with pytest.raises(ModelHTTPError) as caught:
            run(provider)
        (served,) = provider.served
    assert caught.value.status_code == status
    assert served.headers_at is not None
    assert served.headers_at - served.received_at >= 0.05
    assert served.chunks == ()


def test_error_status_with_a_message() -> None:
    """A `Fail` gives an error response its message and code."""
    with PacedProvider([Reply([Fail('Slow down', 'rate_limit_exceeded')], status=429)]) as provider:
        connection = connect(provider)
        response = ask(connection)
        error = json.loads(response.read())['error']
        connection.close()
    assert response.status == 429
    assert (error['message'], error['code']) == ('Slow down', 'rate_limit_exceeded')


def test_fail() -> None:
    """An error in mid-stream fails the run after the text before it was sent."""
    with PacedProvider([Reply([Say('So far'), Fail('The engine died', 503)])]) as provider:
        with pytest.raises(ModelAPIError, match='engine died'):
            run(provider)
        until(lambda: provider.served[0].finished_at is not None)
        (served,) = provider.served
    assert kinds(served) == [('text', 'So far')]
    assert not served.disconnected


def test_drop() -> None:
    """A dropped connection fails the run and is not mistaken for a client which went away."""
    with PacedProvider([Reply([Say('So far'), Drop()])]) as provider:
        with pytest.raises(ModelAPIError):
            run(provider)
        (served,) = provider.served
    assert kinds(served) == [('text', 'So far')]
    assert not served.disconnected


def test_hang_and_cancellation() -> None:
    """A client which gives up on a silent stream is noticed at once."""

    async def main() -> None:
        async with agent_of(provider) as agent:
            task = asyncio.create_task(agent.run('Hello?', event_stream_handler=drain))
            await asyncio.to_thread(until, lambda: bool(provider.served and provider.served[0].chunks))
            assert provider.served[0].finished_at is None
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with PacedProvider([Reply([Say('Well'), Hang()])]) as provider:
        asyncio.run(main())
        until(lambda: provider.served[0].finished_at is not None)
        assert provider.served[0].disconnected


def test_disconnect_between_chunks() -> None:
    """A client which goes away in mid-stream gets no further chunks."""
    with PacedProvider([Reply([Say('x')] * 100, every=0.02)]) as provider:
        connection = connect(provider)
        response = ask(connection)
        response.read(200)
        response.close()
        connection.close()
        until(lambda: provider.served[0].disconnected)
        assert len(provider.served[0].chunks) < 10


def test_unstreamed() -> None:
    """A request for no stream gets the whole reply once its scripted time is over."""
    steps = [Think('Hm'), *words('Hello world')]
    with PacedProvider([Reply(steps, first_after=0.04, every=0.02, usage=TokenUsage(7, 3))]) as provider:

        async def main() -> AgentRunResult[str]:
            async with agent_of(provider) as agent:
                return await agent.run('Hello?')

        result = asyncio.run(main())
        (served,) = provider.served
    assert parts(result) == [(ThinkingPart, 'Hm'), (TextPart, 'Hello world')]
    assert (result.usage.input_tokens, result.usage.output_tokens) == (7, 3)
    assert not served.request.stream
    assert served.headers_at is not None
    assert served.headers_at - served.received_at >= 0.08
    assert (served.chunks, served.time_to_first_chunk, served.window) == ((), None, None)


def test_unstreamed_tool_calls_and_failures() -> None:
    """Tool calls, errors and a dropped connection have unstreamed forms."""
    script = [Reply([Call('add', {'a': 1})]), Reply([Fail('No', 404)]), Reply([Fail('No', 'odd')]), Reply([Drop()])]
    with PacedProvider(script) as provider:
        connection = connect(provider)
        message = json.loads(ask(connection, stream=False).read())['choices'][0]['message']
        statuses: list[int] = []
        for _ in range(2):
            response = ask(connection, stream=False)
            response.read()
            statuses.append(response.status)
        with pytest.raises(http.client.RemoteDisconnected):
            ask(connection, stream=False)
        connection.close()
    assert message['content'] is None
    assert message['tool_calls'][0]['function'] == {'name': 'add', 'arguments': '{"a": 1}'}
    assert statuses == [404, 500]


def test_exhausted_script() -> None:
    """A request after the last reply gets a 500 which says so."""
    with PacedProvider([Reply([Say('Once')])]) as provider:
        run(provider)
        with pytest.raises(ModelHTTPError, match='exhausted') as caught:
            run(provider)
        (error,) = provider.errors
    assert caught.value.status_code == 500
    assert isinstance(error, LookupError)


def test_script_function() -> None:
    """A script can answer by what was asked."""

    def echo(request: ChatRequest) -> Reply:
        return Reply([Say(f'{request.number}: {request.messages[-1]["content"]}')])

    with PacedProvider(echo) as provider:
        assert [run(provider).output for _ in range(2)] == ['0: Hello?', '1: Hello?']


def test_script_function_which_fails() -> None:
    """What a script raises is kept and named in a 500, as is an answer which is no reply."""

    def script(request: ChatRequest) -> Any:
        if request.number:
            return 'Hello'
        raise ZeroDivisionError('by zero')

    with PacedProvider(script) as provider:
        for name in ('ZeroDivisionError', 'TypeError'):
            with pytest.raises(ModelHTTPError, match=name):
                run(provider)
        assert [type(error) for error in provider.errors] == [ZeroDivisionError, TypeError]
        assert len(provider.served) == 2


def test_pace() -> None:
    """Headers and chunks leave at their deadlines, which pauses and late chunks do not shift."""
    steps = [Think('a'), Say('b'), Pause(0.1), Say('c'), Say('d')]
    with PacedProvider([Reply(steps, headers_after=0.05, first_after=0.1, every=0.02)]) as provider:
        assert run(provider).output == 'bcd'
        (served,) = provider.served
    assert served.headers_at is not None
    assert served.finished_at is not None
    assert served.time_to_first_chunk is not None
    assert served.window is not None
    assert 0.05 <= served.headers_at - served.received_at < 0.1
    due = [0.15, 0.17, 0.29, 0.31]
    late = [chunk.began - served.received_at - after for chunk, after in zip(served.chunks, due, strict=True)]
    assert all(0 <= delay < 0.05 for delay in late)
    assert sorted(late)[len(late) // 2] < 0.01
    assert all(chunk.began <= chunk.at for chunk in served.chunks)
    assert abs(served.time_to_first_chunk - 0.15) < 0.05
    assert abs(served.window - 0.16) < 0.05
    assert served.finished_at >= served.chunks[-1].at


def test_a_batch_leaves_when_its_last_chunk_is_due() -> None:
    """A proxy collects chunks: the client gets them in one piece, and no token is lost."""
    with PacedProvider([Reply(words('a b c d e'), first_after=0.05, every=0.02, batch=2)]) as provider:
        assert run(provider).output == 'a b c d e'
        (served,) = provider.served
    due = [0.07, 0.07, 0.11, 0.11, 0.13]
    late = [chunk.began - served.received_at - after for chunk, after in zip(served.chunks, due, strict=True)]
    assert all(0 <= delay < 0.05 for delay in late)
    assert [chunk.at == other.at for chunk, other in pairwise(served.chunks)] == [True, False, True, False]


def test_blocked_client_does_not_delay() -> None:
    """A client which blocks its event loop leaves the provider's pace alone."""

    async def main() -> None:
        async with agent_of(provider) as agent:
            task = asyncio.create_task(agent.run('Hello?', event_stream_handler=drain))
            await asyncio.to_thread(until, lambda: bool(provider.served and provider.served[0].chunks))
            time.sleep(0.2)  # noqa: ASYNC251
            await task

    with PacedProvider([Reply([Say('x')] * 10, every=0.02)]) as provider:
        asyncio.run(main())
        (served,) = provider.served
    assert served.window is not None
    assert abs(served.window - 0.18) < 0.05


def test_fifty_streams() -> None:
    """Fifty streams are served side by side, none of them ahead of its pace."""

    async def main() -> list[str]:
        async with agent_of(provider) as agent:
            runs = [agent.run('Hello?', event_stream_handler=drain) for _ in range(50)]
            return [result.output for result in await asyncio.gather(*runs)]

    with PacedProvider(lambda _: Reply(words('one two three'), first_after=0.3, every=0.1)) as provider:
        started = time.perf_counter()
        outputs = asyncio.run(main())
        elapsed = time.perf_counter() - started
        served = provider.served
    assert outputs == ['one two three'] * 50
    assert sorted(one.request.number for one in served) == list(range(50))
    assert elapsed < 8, 'one after the other they take 25 seconds'
    due = [0.3, 0.4, 0.5]
    assert all(c.began - one.received_at >= after for one in served for c, after in zip(one.chunks, due, strict=True))


def test_connection_is_kept() -> None:
    """Streams, errors and unknown paths leave a connection open for the next request."""
    with PacedProvider([Reply([Say('Hi')]), Reply(status=429), Reply([Say('Ho')])]) as provider:
        connection = connect(provider)
        assert events(ask(connection))
        kept = connection.sock
        assert ask(connection).read()
        connection.request('GET', '/v1/models')
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())['error']['code']) == (404, 404)
        connection.request('POST', '/v1/chat/completions', '[]')
        response = connection.getresponse()
        assert (response.status, b'not a chat completion request' in response.read()) == (400, True)
        assert events(ask(connection))
        assert connection.sock is kept
        connection.close()
        assert len(provider.served) == 3


def test_no_http() -> None:
    """A client which does not speak HTTP is hung up on."""
    with PacedProvider([Reply()]) as provider:
        host, port = provider.base_url.split('/')[2].split(':')
        with socket.create_connection((host, int(port)), timeout=5) as client, suppress(ConnectionError):
            client.sendall(b'x' * 2**20)
            assert client.recv(1) == b''
        assert provider.served == ()


def test_close_ends_streams(caplog: pytest.LogCaptureFixture) -> None:
    """Closing ends open streams and idle connections, leaves no thread, and can be done twice."""
    caplog.set_level(logging.WARNING)
    provider = PacedProvider([Reply([Say('Well'), Hang()])])
    provider.close()
    provider.start()
    with pytest.raises(RuntimeError, match='already running'):
        provider.start()
    idle, connection = connect(provider), connect(provider)
    idle.connect()
    response = ask(connection)
    until(lambda: bool(provider.served[0].chunks))
    provider.close()
    provider.close()
    with pytest.raises(http.client.IncompleteRead):
        response.read()
    (served,) = provider.served
    assert served.finished_at is not None
    assert not served.disconnected
    assert all(thread.name != 'paced-provider' for thread in threading.enumerate())
    assert caplog.records == []
    with pytest.raises(ConnectionRefusedError):
        connect(provider).connect()
    idle.close()
    connection.close()


def test_address() -> None:
    """The address is known after the start, and a busy port is refused to the caller."""
    with pytest.raises(RuntimeError, match='start'):
        _ = PacedProvider([Reply()]).base_url
    with PacedProvider([Reply()]) as provider:
        port = int(provider.base_url.removesuffix('/v1').rpartition(':')[2])
        with pytest.raises(OSError, match='in use'):
            PacedProvider([Reply()], port=port).start()


BAD: list[tuple[type[Exception], str, Callable[[], object]]] = [
    (ValueError, 'Say.text', lambda: Say('')),
    (ValueError, 'Think.text', lambda: Think('')),
    (ValueError, 'Call.tool', lambda: Call('', {})),
    (ValueError, 'pieces', lambda: Call('add', {}, pieces=0)),
    (TypeError, 'JSON', lambda: Call('add', {'a': object()})),
    (ValueError, 'negative', lambda: Pause(-1)),
    (ValueError, 'Say.tokens', lambda: Say('a', 0)),
    (ValueError, 'Think.tokens', lambda: Think('a', 0)),
    (ValueError, 'Hidden.tokens', lambda: Hidden(0)),
    (ValueError, 'batch', lambda: Reply(batch=0)),
    (ValueError, 'finite', lambda: Reply(every=float('nan'))),
    (ValueError, 'first_after', lambda: Reply(first_after=-0.1)),
    (TypeError, 'headers_after', lambda: Reply(headers_after='1')),  # pyright: ignore[reportArgumentType]
    (ValueError, 'status', lambda: Reply(status=302)),
    (ValueError, 'no step but a Fail', lambda: Reply([Say('x')], status=500)),
    (ValueError, 'no step can follow', lambda: Reply([Hang(), Say('x')])),
    (TypeError, 'not a string', lambda: Reply('Hello')),  # pyright: ignore[reportArgumentType]
    (TypeError, 'not a step', lambda: Reply(['Hello'])),  # pyright: ignore[reportArgumentType]
    (ValueError, 'token counts', lambda: TokenUsage(-1)),
    (ValueError, 'at least one word', lambda: words(' ')),
    (ValueError, 'at least one reply', lambda: PacedProvider([])),
    (TypeError, 'sequence of replies', lambda: PacedProvider([Say('x')])),  # pyright: ignore[reportArgumentType]
    (TypeError, 'sequence of replies', lambda: PacedProvider(Reply())),  # pyright: ignore[reportArgumentType]
    (ValueError, 'port', lambda: PacedProvider([Reply()], port=70000)),
]


@pytest.mark.parametrize(('error', 'message', 'make'), BAD)
def test_bad_scripts(error: type[Exception], message: str, make: Callable[[], object]) -> None:
    """A script which makes no sense is refused when it is written."""
    with pytest.raises(error, match=message):
        make()


def test_words_lose_nothing() -> None:
    """The words of a text join to the text again."""
    text = ' a  b\nc \n'
    assert ''.join(word.text for word in words(text)) == text
    assert words('a b', Think) == (Think('a'), Think(' b'))


def test_replies_know_their_usage() -> None:
    """A reply counts its chunks for an output which was left open."""
    reply = Reply([Think('a'), Call('add', {'a': 1}, pieces=2)], usage=TokenUsage(input=5))
    assert reply.usage == TokenUsage(input=5, output=4)


def test_tokens_take_their_time_and_are_counted() -> None:
    """Those that nobody sees as well, wherever they are; those of the first chunk are over when it is due."""
    reply = Reply([Hidden(3), Say('abc', 4), Hidden(2), Think('de', 2), Hidden()], first_after=1.0, every=0.5)
    chunks, end = reply.timetable()
    assert [(chunk.after, chunk.text, chunk.tokens) for chunk in chunks] == [(2.5, 'abc', 4), (4.5, 'de', 2)]
    assert end == 5.0
    assert reply.usage == TokenUsage(output=12)


def test_only_the_last_requests_are_remembered():
    """A provider that runs for days does not grow."""
    with PacedProvider(lambda _: Reply(words('yes')), keep=2) as provider:

        async def main() -> None:
            async with agent_of(provider) as agent:
                for _ in range(3):
                    await agent.run('hello')

        asyncio.run(main())
        assert [served.request.number for served in provider.served] == [1, 2]
