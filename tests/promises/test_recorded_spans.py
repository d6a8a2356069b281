"""The trace of every recorded conversation, through handler and capability, without and beside pydantic-ai's own spans.

What the trace has to be is told by the run's messages, by the server on loopback, and by the records of the same tap.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from streamtap._sinks.otel import semconv
from support.doors import HANDLER_AND_CAPABILITY
from support.leaked_content import leaked
from support.recorded_agents import AGENT
from support.recorded_conversations import BROKEN, CONVERSATIONS, NEEDS_RECORDINGS, REFUSED, Listener, run_recorded
from support.traced_tap import OWN, PARTS, children, contradictions, hex_id, id_of, nested, outside_parent, own, traced

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from pydantic_ai.messages import ModelResponse

    from streamtap import PartRecord, ResponseRecord
    from support.recorded_conversations import Ledger
    from support.traced_tap import Traced

pytestmark = NEEDS_RECORDINGS

ROUNDING = 1_000
"""Nanoseconds by which two conversions of one moment may differ."""

CLOCKS = 10_000_000
"""Nanoseconds by which the clock of pydantic-ai's own spans, which may be stepped, may disagree."""

TOKENS = {
    'gen_ai.usage.input_tokens': 'input_tokens',
    'gen_ai.usage.output_tokens': 'output_tokens',
    'gen_ai.usage.cache_read.input_tokens': 'cache_read_tokens',
    'gen_ai.usage.cache_creation.input_tokens': 'cache_write_tokens',
}
"""The attribute of each count of tokens, and its name in pydantic-ai's usage."""

PART_SPANS = {'thinking': 'thinking', 'text': 'text', 'tool-call': 'tool_call'}
"""The name of the span of each kind of part that has one."""


@dataclass(frozen=True)
class Replayed:
    """A recorded conversation, what is known of its run, and the trace of it."""

    name: str
    native: bool
    ledger: Ledger
    found: Traced
    spans: list[ReadableSpan]
    logged: list[str]

    @property
    def chats(self) -> list[ReadableSpan]:
        return self.of('chat')

    def of(self, operation: str) -> list[ReadableSpan]:
        """The spans of that operation, whoever made them."""
        return [span for span in self.spans if (span.attributes or {}).get('gen_ai.operation.name') == operation]

    def parts(self, chat: ReadableSpan) -> list[ReadableSpan]:
        """The spans of the parts of that response."""
        return [span for span in children(own(self.spans), id_of(chat)) if span.name in PARTS]


@functools.cache
def run_traced(name: str, door: str, *, native: bool) -> Replayed:
    """Run a recorded conversation through a tap with spans at that door."""
    found = traced()
    capabilities, arguments = found.plugged(door)
    with Listener('streamtap') as ours, Listener('opentelemetry') as theirs:
        ledger = run_recorded(
            name,
            handler=arguments.get('event_stream_handler'),
            capabilities=capabilities,
            instrument=found.native if native else None,
        )
        spans = found.spans()
    return Replayed(name, native, ledger, found, spans, [*ours.lines, *theirs.lines])


@pytest.fixture(scope='module', params=CONVERSATIONS)
def name(request: pytest.FixtureRequest) -> str:
    """Each conversation in turn."""
    return request.param


@pytest.fixture(scope='module', params=HANDLER_AND_CAPABILITY)
def door(request: pytest.FixtureRequest) -> str:
    """Each door in turn."""
    return request.param


@pytest.fixture(scope='module', params=[False, True], ids=['own', 'native'])
def replayed(request: pytest.FixtureRequest, name: str, door: str) -> Replayed:
    """Each conversation through each door, without and with pydantic-ai's own spans."""
    return run_traced(name, door, native=request.param)


def test_a_run_has_one_tree_with_each_span_once(replayed: Replayed):
    """The run, in it each request with its parts, and each tool that ran: nothing twice, nothing beside."""
    assert Counter((depth, span.name) for depth, span in nested(replayed.spans)) == expected_tree(replayed)
    assert len({id_of(span) for span in replayed.spans}) == len(replayed.spans)
    # pydantic-ai makes none inside a response: neither of its parts nor of the tools that the provider runs.
    assert own(replayed.spans) == [span for depth, span in nested(replayed.spans) if depth == 2 or not replayed.native]
    memory = replayed.found.memory
    told = {record.trace_id for record in (*memory.runs, *memory.responses, *memory.tools)}
    assert told == {f'{span.context.trace_id:032x}' for span in replayed.spans if span.context}


def expected_tree(replayed: Replayed) -> Counter[tuple[int, str]]:
    """How many spans of that name there are at that depth, by what the messages and the server tell."""
    ledger = replayed.ledger
    expected = Counter([(0, f'invoke_agent {AGENT}')])
    expected[1, f'chat {ledger.model}'] = len(ledger.served)
    # pydantic-ai makes a span of a call that it refuses, too.
    calls = [tool for tool, outcome, _ in ledger.function_calls if replayed.native or outcome == 'success']
    expected += Counter((1, f'execute_tool {tool}') for tool in calls)
    expected += Counter((2, name) for response in ledger.responses for name, _ in part_spans(response))
    expected += Counter((2, f'execute_tool {tool}') for tool, _ in ledger.native_calls)
    return expected


def part_spans(response: ModelResponse) -> list[tuple[str, str | None]]:
    """The name and the tool call's id of each part that has a span."""
    return [
        (PART_SPANS[part.part_kind], getattr(part, 'tool_call_id', None))
        for part in response.parts
        if part.part_kind in PART_SPANS
    ]


def test_every_part_is_inside_its_own_request(replayed: Replayed):
    """In the order of the response, with the tool call that it asks for."""
    assert len(replayed.chats) == len(replayed.ledger.responses)
    for chat, response in zip(replayed.chats, replayed.ledger.responses, strict=True):
        shown = [
            (span.name, (span.attributes or {}).get('streamtap.part.tool_call_id')) for span in replayed.parts(chat)
        ]
        assert shown == part_spans(response)


def test_no_call_of_a_tool_has_two_spans(replayed: Replayed):
    """Neither one of the tap's and one of pydantic-ai's, nor two of the same."""
    calls = Counter((span.attributes or {}).get('gen_ai.tool.call.id') for span in replayed.of('execute_tool'))
    parts = [part for message in replayed.ledger.messages for part in message.parts]
    assert set(calls) <= {getattr(part, 'tool_call_id', None) for part in parts} - {None}
    assert set(calls.values()) <= {1}


def test_every_span_lies_inside_its_parent(replayed: Replayed):
    """With a start and an end."""
    assert outside_parent(replayed.spans, slack_ns=CLOCKS if replayed.native else ROUNDING) == []


def test_durations_are_those_of_the_records(replayed: Replayed):
    """Each part begins and lasts as its record tells, and each run, request and tool lasts as long."""
    memory = replayed.found.memory
    for chat, record in zip(replayed.chats, memory.responses, strict=True):
        assert record.span_id == hex_id(chat)
        assert (record.duration or 0) > 0
        assert width(chat) >= round((record.duration or 0) * 1e9) - ROUNDING
        with_spans = [part for part in record.parts if part.kind in PART_SPANS]
        for span, part in zip(replayed.parts(chat), with_spans, strict=True):
            assert width(span) == pytest.approx((part.duration or 0) * 1e9, abs=ROUNDING)
            assert span.start_time == pytest.approx(part_start(record, part), abs=ROUNDING)
    lasting = {record.span_id: record.duration for record in (*memory.tools, *memory.runs) if record.duration}
    ended = [span for span in replayed.spans if hex_id(span) in lasting]
    assert ended
    for span in own(ended):
        assert width(span) == pytest.approx((lasting[hex_id(span)] or 0) * 1e9, abs=ROUNDING)
    assert all(width(span) > 0 for span in ended)


def width(span: ReadableSpan) -> int:
    """Nanoseconds from the span's start to its end."""
    return (span.end_time or 0) - (span.start_time or 0)


def part_start(record: ResponseRecord, part: PartRecord) -> int:
    """When the part began, by the records."""
    return record.started_ns + round((part.start or 0) * 1e9)


def test_failures_are_shown_where_they_happened(replayed: Replayed):
    """Statuses, error types and outcomes are those of the records; the broken stream failed, and the refused call."""
    assert contradictions(replayed.spans, replayed.found.memory) == []
    expected: list[str] = []
    if replayed.name == BROKEN:
        expected = [f'invoke_agent {AGENT}', f'chat {replayed.ledger.model}']
    elif replayed.name == REFUSED and replayed.native:
        expected = [f'execute_tool {replayed.ledger.function_calls[0][0]}']
    assert [span.name for span in replayed.spans if is_error(span)] == expected
    assert [(span.attributes or {}).get('error.type') for span in replayed.chats] == [
        record.error_type for record in replayed.found.memory.responses
    ]


def is_error(span: ReadableSpan) -> bool:
    return span.status.status_code.name == 'ERROR'


def test_tokens_are_on_the_requests_and_nowhere_else(replayed: Replayed):
    """Their sum is the usage of the result, and each is on one span only."""
    with_usage = [
        span for span in replayed.spans if any(key.startswith('gen_ai.usage.') for key in span.attributes or {})
    ]
    assert {id_of(span) for span in with_usage} <= {id_of(chat) for chat in replayed.chats}
    sums = {key: sum(number(chat, key) for chat in replayed.chats) for key in TOKENS}
    assert sums == {key: getattr(replayed.ledger.usage, name) for key, name in TOKENS.items()}


def number(span: ReadableSpan, key: str) -> int:
    found = (span.attributes or {}).get(key, 0)
    assert isinstance(found, int)
    return found


def test_a_request_shows_what_was_measured(replayed: Replayed):
    """Time to first token, chunks and the event of the first token, on the tap's span or on pydantic-ai's."""
    for chat, record in zip(replayed.chats, replayed.found.memory.responses, strict=True):
        attributes = chat.attributes or {}
        assert attributes['gen_ai.response.time_to_first_chunk'] == record.time_to_first_token
        assert attributes.get('streamtap.time_to_first_output') == record.time_to_first_output
        assert attributes.get('streamtap.output_tokens_per_second') == record.output_tokens_per_second
        assert attributes['streamtap.chunks'] == record.chunks
        first = [event.timestamp for event in chat.events if event.name == 'streamtap.first_token']
        assert first == [pytest.approx(record.started_ns + (record.time_to_first_token or 0) * 1e9, abs=ROUNDING)]


def test_no_content_is_in_the_trace(replayed: Replayed):
    """Names are of the catalogue, and no value holds a piece of the conversation or of an error's message."""
    catalogue = {value for value in vars(semconv).values() if isinstance(value, str)}
    told: list[str] = []
    for span in replayed.spans:
        is_own = span in own(replayed.spans)
        attributes = {key: value for key, value in (span.attributes or {}).items() if is_own or key.startswith(OWN)}
        events = [event for event in span.events if is_own or event.name.startswith(OWN)]
        assert {*attributes, *(event.name for event in events)} <= catalogue
        assert all(not event.attributes for event in events)
        told += [repr(list(attributes.values()))]
        told += [f'{span.name} {span.status.description} {span.links}'] if is_own else []
    assert leaked('\n'.join(told), replayed.ledger) == []


def test_the_tap_made_no_mistake(replayed: Replayed):
    """Each of its spans was started once and ended once; nothing was swallowed, dropped or logged."""
    counted = replayed.found.counted
    assert counted.started == counted.ended == Counter(id_of(span) for span in own(replayed.spans))
    assert replayed.found.memory.faults == []
    assert replayed.logged == []
