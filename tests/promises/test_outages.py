"""A provider that is down: whatever way an agent is run, a door counts the failure, and it never looks like no traffic."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
from openai import APITimeoutError, AsyncOpenAI, DefaultAsyncHttpxClient
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap.testing import Hang, PacedProvider, Reply, capture, words
from support.event_readers import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamtap import Tap

WAYS = (
    ('run', 'handler'),
    ('run', 'capability'),
    ('run_stream', 'handler'),
    ('run_stream', 'capability'),
    ('events', 'capability'),
    ('events', 'watch'),
    ('nodes', 'capability'),
    ('nodes', 'watch'),
)
"""Each way of running an agent, with the doors that it has: the table of docs/versions.md."""

OUTAGES = {
    'an error': Reply(status=503),
    'no connection': None,
    'no headers': Reply(words('late'), headers_after=10),
    'no chunk': Reply([Hang()]),
}
"""What a client gets instead of a first chunk."""


@pytest.fixture
def unused() -> Iterator[int]:
    """A port on which nothing listens."""
    with socket.socket() as holder:
        holder.bind(('127.0.0.1', 0))
        yield holder.getsockname()[1]


async def ask(base_url: str, way: str, door: str, tap: Tap) -> None:
    """Run an agent once in that way, with the tap at that door."""
    http = DefaultAsyncHttpxClient(trust_env=False)
    async with AsyncOpenAI(base_url=base_url, api_key='none', max_retries=0, timeout=0.3, http_client=http) as client:
        model = OpenAIChatModel('gpt-5.2', provider=OpenAIProvider(openai_client=client))
        agent = Agent(model, capabilities=[tap.capability()] if door == 'capability' else [])
        handler: Any = tap if door == 'handler' else None
        if way == 'run':
            await agent.run('hello', event_stream_handler=handler)
        elif way == 'run_stream':
            async with agent.run_stream('hello', event_stream_handler=handler) as result:
                await result.get_output()
        else:
            await read(agent, way, tap.watch if door == 'watch' else lambda events: events)


@pytest.mark.parametrize(('way', 'door'), WAYS)
@pytest.mark.parametrize('outage', OUTAGES)
def test_an_outage_is_counted_as_one_run_and_one_request_that_failed(outage: str, way: str, door: str, unused: int):
    """With what the caller's exception is called."""
    reply = OUTAGES[outage]
    with capture() as seen, PacedProvider(lambda _: reply or Reply()) as provider:
        base_url = f'http://127.0.0.1:{unused}/v1' if reply is None else provider.base_url
        with pytest.raises(ModelAPIError) as raised:
            asyncio.run(ask(base_url, way, door, seen.tap))
        error_type = 'ModelHTTPError_503' if outage == 'an error' else type(raised.value).__name__
        outcome = 'timeout' if isinstance(raised.value.__cause__, APITimeoutError) else 'error'
        del raised
        assert [(run.door, run.outcome, run.error_type) for run in seen.runs()] == [(door, 'error', error_type)]
        assert [(response.outcome, response.error_type) for response in seen.responses()] == [(outcome, error_type)]
        assert seen.faults() == []
