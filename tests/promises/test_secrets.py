"""What people and models say, tools take and give, and exceptions tell, is in nothing that the tap puts out."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest  # pyright: ignore[reportUnknownVariableType]
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ModelRetry
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import NativeToolCallPart, NativeToolReturnPart
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.function import DeltaThinkingPart, DeltaToolCall, FunctionModel

from streamtap import (
    BaseSink,
    JournalSink,
    LogSink,
    OTelMetricSink,
    OTelSpanSink,
    Progress,
    PrometheusSink,
    Tap,
    UsageSink,
)
from streamtap._web.live_view import LiveView
from streamtap.testing import MemorySink
from support.recorded_conversations import Listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterator
    from pathlib import Path

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models.function import AgentInfo

pytestmark = pytest.mark.filterwarnings('always')

ATTACHMENTS = ('capability', 'handler', 'beside', 'watched events')

ENDINGS = ('answers', 'a tool breaks', 'the model breaks', 'all candidates refuse')

SECRET = re.compile(r'secret-[a-z-]+')


def secret(place: str) -> str:
    """Something that only its place can have told."""
    return f'secret-{place}'


class Answer(BaseModel):
    """The output of the agent, made by an output tool."""

    text: str


class LogLines(logging.Handler):
    """Keeps every field of every line of a logger of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.logger = f'lines-{id(self)}'
        self.seen: list[str] = []
        self._logger = logging.getLogger(self.logger)
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(f'{record.getMessage()} {vars(record)!r}')

    def close(self) -> None:
        self._logger.removeHandler(self)
        super().close()


@dataclass
class World:
    """A tap with everything that it can put out."""

    folder: Path
    include_content: bool
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    metrics: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)
    memory: MemorySink = field(default_factory=MemorySink)
    page: LiveView = field(default_factory=LiveView)
    progress: Progress = field(default_factory=Progress)
    lines: LogLines = field(default_factory=lambda: LogLines())
    seen_live: list[str] = field(default_factory=list[str])
    seen_progress: list[str] = field(default_factory=list[str])
    tap: Tap = field(init=False)

    def __post_init__(self) -> None:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.spans))
        meters = MeterProvider([self.metrics], shutdown_on_exit=False)
        self.tap = Tap(
            [
                PrometheusSink(self.registry),
                OTelSpanSink(provider),
                OTelMetricSink(meters, semconv=True),
                UsageSink(),
                JournalSink(self.folder / 'journal'),
                LogSink(self.lines.logger),
                self.page,
                self.progress,
                self.memory,
                self._looking(),
            ],
            labels=['tier'],
            include_content=self.include_content,
            price=_price,
        )

    def _looking(self) -> BaseSink:
        """A sink that looks at what is open at each moment, and then fails with a secret."""

        def look(_self: object, fact: object) -> None:
            self.seen_live += [repr(self.tap.live()), repr(fact), self.page.now()]
            self.seen_progress += [f'{run} {run!r}' for run in self.progress.now()]
            raise RuntimeError(secret('sinks-own-exception'))

        moments = ('run_started', 'response_started', 'response_ended', 'tool_started', 'tool_ended', 'run_ended')
        sink: type[BaseSink] = type('Looking', (BaseSink,), {**dict.fromkeys(moments, look), 'inline': True})
        return sink()

    def told(self) -> dict[str, str]:
        """Everything that was put out, by where."""
        self.tap.close()
        summary = self.tap.usage.summary()
        self.lines.close()
        data = self.metrics.get_metrics_data()
        return {
            'exposition': str(generate_latest(self.registry)),  # pyright: ignore[reportUnknownArgumentType]
            'spans': '\n'.join(span.to_json() for span in self.spans.get_finished_spans()),
            'metrics': '' if data is None else data.to_json(),
            'summary': f'{summary}\n{summary!r}\n{summary.model_dump_json()}',
            'journal': (self.folder / 'journal').read_text(encoding='utf-8'),
            'log lines': '\n'.join(self.lines.seen),
            'page': '\n'.join(self.page.finished(None)[1]),
            'progress': '\n'.join(self.seen_progress),
            'live': '\n'.join(self.seen_live),
            'records': '\n'.join(map(repr, self.memory.moments)),
            'faults': repr(self.memory.faults),
            'the tap': repr(self.tap) + repr(self.tap.capability()),
        }


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


def _agent(world: World, door: str, ending: str) -> Agent[Any, Any]:
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


async def _run(world: World, door: str, ending: str) -> None:
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


def _found(told: dict[str, str]) -> dict[str, set[str]]:
    """The secrets in each output, plain or as bytes are written."""
    found: dict[str, set[str]] = {}
    for where, text in told.items():
        secrets: set[str] = set(SECRET.findall(text))
        if base64.b64encode(secret('file').encode()).decode() in text:
            secrets.add(secret('file'))
        if secrets:
            found[where] = secrets
    return found


@pytest.mark.parametrize('ending', ENDINGS)
@pytest.mark.parametrize('door', ATTACHMENTS)
def test_no_secret_gets_out(
    tmp_path: Path, door: str, ending: str, recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str]
):
    """Not of a prompt, an answer, a thought, an argument, a result, a setting, a file or an exception; each output has something."""
    world = World(tmp_path, include_content=False)
    with Listener('streamtap') as log:
        asyncio.run(_run(world, door, ending))
        told = world.told()
    told['log'] = '\n'.join(log.lines)
    assert [where for where, text in told.items() if not text] == []
    printed = capfd.readouterr()
    told['warnings'] = '\n'.join(str(each.message) for each in recwarn if 'streamtap' in each.filename)
    told['printed'] = printed.out + printed.err
    assert _found(told) == {}


@pytest.mark.parametrize('door', ATTACHMENTS)
def test_on_request_the_log_has_what_an_exception_says(tmp_path: Path, door: str):
    """That, and nothing else, and nowhere else."""
    world = World(tmp_path, include_content=True)
    with Listener('streamtap') as log:
        asyncio.run(_run(world, door, 'a tool breaks'))
        told = world.told()
    assert _found({**told, 'log': '\n'.join(log.lines)}) == {
        'log': {secret('sinks-own-exception'), secret('prices-own-exception')}
    }


def test_a_search_that_finds_nothing_would_be_found_out(tmp_path: Path):
    """Each secret was really there: the run's own messages and events have it."""
    world = World(tmp_path, include_content=False)
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
