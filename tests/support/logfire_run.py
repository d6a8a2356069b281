"""Logfire without its backend, on the tap's clock, and one run with everything in it: thinking, text, tools, a failure."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import logfire
from logfire.testing import IncrementalIdGenerator, TestExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.messages import NativeToolCallPart, NativeToolReturnPart
from pydantic_ai.models.function import DeltaThinkingPart, DeltaToolCall, FunctionModel

from streamtap import OTelSpanSink, Tap
from streamtap.testing import FakeClock, MemorySink

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable

    from opentelemetry.sdk.trace import ReadableSpan
    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models.function import AgentInfo

    from streamtap import ResponseRecord

MODEL = 'swift-1'


@dataclass
class LocalLogfire:
    """A Logfire of the test's own: nothing of it is global, its ids count up, and its clock is the tap's."""

    clock: FakeClock = field(default_factory=FakeClock)
    exporter: TestExporter = field(default_factory=TestExporter)

    def __post_init__(self) -> None:
        self.logfire = logfire.configure(
            local=True,
            send_to_logfire=False,
            console=False,
            additional_span_processors=[SimpleSpanProcessor(self.exporter)],
            advanced=logfire.AdvancedOptions(
                id_generator=IncrementalIdGenerator(), ns_timestamp_generator=self.clock.unix_ns
            ),
        )

    def tap(self, *sinks: MemorySink, **options: Any) -> Tap:
        """A tap whose spans this Logfire gets."""
        return Tap([OTelSpanSink(self.logfire.config.get_tracer_provider()), *sinks], **options)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that ended, in the order of their starts."""
        ended = [span for span in self.exporter.exported_spans if attributes_of(span)['logfire.span_type'] == 'span']
        return sorted(ended, key=lambda span: (span.start_time or 0, id_of(span)))


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def id_of(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return context.span_id


async def ignore(ctx: object, events: AsyncIterable[object]) -> None:
    """A handler that makes a run stream, and no more."""
    async for _ in events:
        pass


def plugged(tap: Tap, door: str | None) -> tuple[list[Any], dict[str, Any]]:
    """What the agent and what its run gets, for a tap in that door, or in none."""
    if door == 'capability':
        return [tap.capability(stream=True)], {}
    return [], {'event_stream_handler': ignore if door is None else tap}


def quarter(record: ResponseRecord, response: object) -> float:
    """The price of any response."""
    return 0.25


def swift(clock: FakeClock) -> FunctionModel:
    """A model that thinks, searches, stalls in its text and calls a tool; its second stream breaks."""
    requests = iter((1, 2))

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | dict[int, Any]]:
        said: list[tuple[float, str | dict[int, Any] | Exception]] = [
            (1.5, {0: DeltaThinkingPart(content='what ')}),
            (0.5, {0: DeltaThinkingPart(content='now')}),
            (0.25, {1: NativeToolCallPart('web_search', {}, tool_call_id='search')}),
            (3.0, {2: NativeToolReturnPart('web_search', {}, tool_call_id='search')}),
            (0.25, 'let '),
            (6.0, 'me '),
            (0.5, {4: DeltaToolCall('look_up', '{"city": ', tool_call_id='call')}),
            (0.25, {4: DeltaToolCall(None, '"Bern"}', tool_call_id='call')}),
        ]
        if next(requests) == 2:
            said = [(1.0, 'it '), (0.5, ConnectionError('a secret'))]
        for wait, item in said:
            clock.advance(wait)
            if isinstance(item, Exception):
                raise item
            yield item

    return FunctionModel(stream_function=stream, model_name=MODEL)


def run_with_everything(local: LocalLogfire, door: str | None, *, native: bool) -> MemorySink:
    """Run it, tapped by that door or not at all."""
    memory = MemorySink()
    tap = local.tap(memory, clock=local.clock, labels=('tier',), price=quarter)
    capabilities, arguments = plugged(tap, door)
    helper = Agent(swift(local.clock), name='helper', capabilities=capabilities)
    if native:
        local.logfire.instrument_pydantic_ai(helper)

    @helper.tool_plain
    def look_up(city: str) -> str:
        local.clock.advance(2.0)
        return 'sunny'

    async def main() -> None:
        try:
            await helper.run('hello', conversation_id='talk', metadata={'tier': 'gold'}, **arguments)
        except ConnectionError:
            return
        raise AssertionError('the second request was to fail')

    asyncio.run(main())
    tap.close()
    return memory


def tree(spans: Iterable[ReadableSpan], show: Callable[[ReadableSpan], list[str]], indent: str) -> str:
    """The lines of each span, children below their parent and further in; every parent is one of the spans."""
    by_parent: dict[int | None, list[ReadableSpan]] = {}
    for span in spans:
        by_parent.setdefault(span.parent.span_id if span.parent else None, []).append(span)
    lines: list[str] = []

    def add(parent: int | None, depth: int) -> None:
        for span in by_parent.pop(parent, []):
            lines.extend(indent * depth + line for line in show(span))
            add(id_of(span), depth + 1)

    add(None, 0)
    assert not by_parent, 'an orphan'
    return '\n'.join(lines) + '\n'
