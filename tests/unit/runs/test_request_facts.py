"""What a request was sent with, to which server, and what that said of itself: in records, in spans and in a journal."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

from streamtap import JournalSink, read_journal
from streamtap._records.as_json import record_fields, record_of
from support.doors import HANDLER_AND_CAPABILITY
from support.made_records import full_response
from support.traced_tap import Traced, traced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamtap import ResponseRecord

TIMINGS = {'prompt_ms': 50.0, 'predicted_ms': 75.0}


class Server(BaseHTTPRequestHandler):
    """A chat-completions server with times of its own; it refuses the model `busy`."""

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers['content-length'])))
        if asked['model'] == 'busy':
            self.answer(429, 'application/json', b'{}', {'retry-after': '12'})
            return
        said = {'id': 'chatcmpl-1', 'created': 1, 'model': 'm-2026', 'timings': TIMINGS}
        usage = {'prompt_tokens': 5, 'completion_tokens': 2, 'total_tokens': 7}
        if not asked.get('stream'):
            choice = {'index': 0, 'message': {'role': 'assistant', 'content': 'hello'}, 'finish_reason': 'stop'}
            whole = {**said, 'object': 'chat.completion', 'choices': [choice], 'usage': usage}
            self.answer(200, 'application/json', json.dumps(whole).encode())
            return
        deltas: list[tuple[dict[str, str], str | None]] = [
            ({'role': 'assistant', 'content': 'hello'}, None),
            ({}, 'stop'),
        ]
        chunks: list[dict[str, Any]] = [
            {'choices': [{'index': 0, 'delta': d, 'finish_reason': end}]} for d, end in deltas
        ]
        chunks.append({'choices': [], 'usage': usage})
        lines = [json.dumps({**said, 'object': 'chat.completion.chunk', **chunk}) for chunk in chunks]
        body = ''.join(f'data: {line}\n\n' for line in [*lines, '[DONE]'])
        self.answer(200, 'text/event-stream', body.encode())

    def answer(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {'content-type': kind, 'content-length': str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope='module')
def port() -> Iterator[int]:
    """The port of a server."""
    with ThreadingHTTPServer(('127.0.0.1', 0), Server) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@dataclass
class Model:
    """A model at the server, and its own settings."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict[str, Any])

    def at(self, client: AsyncOpenAI) -> OpenAIChatModel:
        provider = OpenAIProvider(openai_client=client)
        return OpenAIChatModel(self.name, provider=provider, settings=OpenAIChatModelSettings(**self.settings))


UNMAPPED = {'openai_include_unmapped_response_data': True}


def ask(port: int, *models: Model, capabilities: Any, arguments: dict[str, Any]) -> None:
    """Run an agent once, which falls back from one model to the next."""

    async def main() -> None:
        async with AsyncOpenAI(base_url=f'http://127.0.0.1:{port}/v1', api_key='k', max_retries=0) as client:
            first, *others = [each.at(client) for each in models]
            of = FallbackModel(first, *others) if others else first
            settings = ModelSettings(temperature=0, top_k=40)
            await Agent(of, name='a', capabilities=capabilities, model_settings=settings).run('hello', **arguments)

    asyncio.run(main())


def asked(found: Traced, door: str, port: int, *models: Model, **settings: Any) -> list[ResponseRecord]:
    """The records of a run whose own settings these are."""
    capabilities, arguments = found.plugged(door)
    own = ModelSettings(**settings) if settings else None
    ask(port, *models, capabilities=capabilities, arguments={'model_settings': own, **arguments})
    found.tap.close()
    return found.memory.responses


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_record_has_the_servers_facts(door: str, port: int):
    """Its id for the response, its address without anything else of the URL, and its own times; also in the spans."""
    found = traced()
    (record,) = asked(found, door, port, Model('m', UNMAPPED))
    assert (record.response_id, record.response_model) == ('chatcmpl-1', 'm-2026')
    assert (record.server_address, record.server_port) == ('127.0.0.1', port)
    assert record.provider_timing == {'prompt': 0.05, 'completion': 0.075}
    (chat,) = [span.attributes or {} for span in found.spans() if span.name == 'chat m']
    names = ('gen_ai.response.id', 'server.address', 'server.port', 'streamtap.provider.prompt_time')
    assert [chat[name] for name in names] == ['chatcmpl-1', '127.0.0.1', port, 0.05]


def test_an_unstreamed_response_has_them_too(port: int):
    """The capability does not make it stream."""
    found = traced()
    ask(port, Model('m', UNMAPPED), capabilities=[found.tap.capability()], arguments={})
    (record,) = found.memory.responses
    assert (record.streamed, record.response_id) == (False, 'chatcmpl-1')
    assert record.provider_timing == {'prompt': 0.05, 'completion': 0.075}


def test_a_provider_whose_times_are_not_let_through_has_none(port: int):
    """Which is what pydantic-ai does unless it is asked for them."""
    (record,) = asked(traced(), 'capability', port, Model('m'))
    assert record.provider_timing == {}


def test_the_capability_sees_what_was_asked_for(port: int):
    """Of the model, of the agent and of the run, the last one wins; stop sequences are content."""
    of = Model('m', {'max_tokens': 50, 'temperature': 1.0, 'seed': 7})
    (record,) = asked(traced(), 'capability', port, of, max_tokens=20, stop_sequences=['secret'], top_p=0.5)
    assert record.request_settings == {'max_tokens': 20, 'temperature': 0, 'seed': 7, 'top_p': 0.5, 'top_k': 40}
    assert 'secret' not in repr(record)


def test_the_handler_sees_nothing_of_it(port: int):
    """Not even what the model adds, which may not be what was sent."""
    (record,) = asked(traced(), 'handler', port, Model('m', {'max_tokens': 50}))
    assert record.request_settings == {}


@pytest.mark.parametrize(('semconv', 'kind'), [('1.41', float), ('latest', int)])
def test_settings_have_the_types_of_the_conventions(semconv: Any, kind: type, port: int):
    """Whatever number the application gave."""
    found = traced(semconv=semconv)
    asked(found, 'capability', port, Model('m'), max_tokens=20.0, presence_penalty=1)
    (chat,) = [span.attributes or {} for span in found.spans() if span.name == 'chat m']
    settings = {key.removeprefix('gen_ai.request.'): value for key, value in chat.items() if 'gen_ai.request.' in key}
    del settings['model'], settings['stream']
    assert settings == {'max_tokens': 20, 'temperature': 0.0, 'presence_penalty': 1.0, 'top_k': 40}
    assert [type(settings[name]) for name in ('max_tokens', 'temperature', 'top_k')] == [int, float, kind]


def test_each_candidate_of_a_fallback_has_its_own(port: int):
    """Server and settings; the one that was refused says when to come again."""
    found = traced()
    models = Model('busy', {'max_tokens': 10}), Model('m', {'max_tokens': 30})
    refused, answered = asked(found, 'capability', port, *models)
    assert (refused.model, refused.request_settings['max_tokens'], refused.server_port) == ('busy', 10, port)
    assert (answered.model, answered.request_settings['max_tokens'], answered.server_port) == ('m', 30, port)
    # Which of two models an agent uses is not known of a run that used both.
    (run,) = [span.attributes or {} for span in found.spans() if span.name == 'invoke_agent a']
    assert 'gen_ai.request.model' not in run


def test_a_refusal_says_when_to_come_again(port: int):
    """As the provider's header said."""
    found = traced()
    with pytest.raises(Exception, match='429'):
        asked(found, 'capability', port, Model('busy'))
    found.tap.close()
    (record,) = found.memory.responses
    assert (record.outcome, record.error_type) == ('error', 'ModelHTTPError_429')
    assert record.provider_timing == {'retry_after': 12.0}
    assert (record.server_address, record.server_port, record.response_id) == ('127.0.0.1', port, None)


def test_redact_is_asked_for_the_address(port: int):
    """A server may be named after a tenant."""

    def hide(field: str, text: str) -> str:
        return 'hidden' if field == 'server_address' else text

    found = traced(redact=hide)
    (record,) = asked(found, 'capability', port, Model('m'))
    assert (record.server_address, record.server_port) == ('hidden', port)


def test_a_journal_keeps_them(tmp_path: Path):
    """Whole, and within bounds."""
    made = full_response(
        response_id='r1',
        server_address='models.example.com',
        server_port=443,
        request_settings={'temperature': 0.5, 'seed': -3},
        provider_timing={'queue': 0.25},
    )
    path = tmp_path / 'runs.jsonl'
    sink = JournalSink(path)
    sink.response_ended(made)
    sink.close()
    assert list(read_journal(path)) == [made]
    for name, value in (('server_port', 0), ('server_port', 70000), ('request_settings', {'seed': 10**16})):
        with pytest.raises(ValueError, match=name):
            record_of('response', {**record_fields(made), name: value})
