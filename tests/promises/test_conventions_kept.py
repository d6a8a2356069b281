"""The rules of OpenTelemetry's conventions, on the spans of every door and of every ending, in both profiles.

They are those of its own conformance policies, in our words: names, kinds, statuses, and what must be there or may be.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import ModelRetry
from pydantic_ai.exceptions import ModelHTTPError

from support.doors import DOORS
from support.event_readers import read
from support.published_conventions import SPANS
from support.scripted import Calls, agent
from support.traced_tap import Traced, own, traced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from streamtap.typing import Semconv

NAMED_AFTER = {
    'invoke_agent': 'gen_ai.agent.name',
    'chat': 'gen_ai.request.model',
    'execute_tool': 'gen_ai.tool.name',
}
KINDS = {'invoke_agent': 'INTERNAL', 'chat': 'CLIENT', 'execute_tool': 'INTERNAL'}
TYPES = {
    'invoke_agent': 'gen_ai.invoke_agent.internal',
    'chat': {'1.41': 'gen_ai.inference.client', 'latest': 'gen_ai.client.inference'},
    'execute_tool': 'gen_ai.execute_tool.internal',
}
BESIDES = {
    'gen_ai.agent.name',
    'gen_ai.conversation.id',
    'gen_ai.client.operation.time_to_first_chunk',
    'operation.cost',
    'logfire.msg',
}
"""What is on spans of each kind without being in the conventions' lists of it."""

RUNS: dict[str, Sequence[Any]] = {
    'success': (['so ', Calls('fine', id='a')], ['done']),
    'a call sent back': ([Calls('sent_back', id='a')], ['done']),
    'a tool that raises': ([Calls('raises', id='a')],),
    'a refusal': ([ModelHTTPError(429, 'm')],),
    'a stream that breaks': (['so ', ConnectionError('a secret')],),
    'a stream that is left': (['so ', asyncio.CancelledError()],),
}


def spans_of(semconv: Semconv, door: str, run: str) -> list[ReadableSpan]:
    """The tap's own spans of a run at a door."""
    found: Traced = traced(semconv=semconv)
    made = agent(*RUNS[run], name='a', capabilities=[found.tap.capability(stream=True)] if door == 'capability' else [])

    @made.tool_plain
    def fine() -> str:
        return 'fine'

    @made.tool_plain(retries=3)
    def sent_back() -> str:
        raise ModelRetry('again')

    @made.tool_plain
    def raises() -> str:
        raise ValueError('a secret')

    async def main() -> None:
        if door == 'watch':
            await read(made, 'events', found.tap.watch)
        else:
            await made.run('hello', event_stream_handler=found.tap if door == 'handler' else None)

    with suppress(Exception, asyncio.CancelledError):
        asyncio.run(main())
    return own(found.spans())


@pytest.mark.parametrize('run', RUNS)
@pytest.mark.parametrize('door', DOORS)
@pytest.mark.parametrize('semconv', ['1.41', 'latest'])
def test_spans_keep_the_rules(semconv: Semconv, door: str, run: str):
    """Each is called `{operation} {name}`, is of its kind, is an error with a type or neither, and has what it must."""
    spans = [span for span in spans_of(semconv, door, run) if 'gen_ai.operation.name' in (span.attributes or {})]
    assert {'invoke_agent', 'chat'} <= {str((span.attributes or {})['gen_ai.operation.name']) for span in spans}
    for span in spans:
        attributes = dict(span.attributes or {})
        operation = str(attributes['gen_ai.operation.name'])
        assert span.name == f'{operation} {attributes[NAMED_AFTER[operation]]}'
        assert span.kind.name == KINDS[operation]
        assert span.status.status_code.name != 'OK'
        assert (span.status.status_code.name == 'ERROR') is ('error.type' in attributes), span.name
        name: Any = TYPES[operation]
        published = SPANS[semconv][name if isinstance(name, str) else name[semconv]]
        required = {each for each, level in published.items() if level == 'required'}
        # On the span of a run it would make back ends count a request more.
        required -= {'gen_ai.provider.name'} if operation == 'invoke_agent' else set()
        assert required <= set(attributes), span.name
        unlisted = {each for each in attributes if not each.startswith('streamtap.')} - BESIDES
        assert unlisted <= set(published), span.name
