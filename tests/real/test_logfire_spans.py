"""What people see of our spans in Logfire, whole: with Logfire's own test tools, ids that count up and a told clock."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.doors import HANDLER_AND_CAPABILITY
from support.paths import ROOT

pytest.importorskip('logfire', reason='logfire is not installed: the extra streamtap[logfire] gives it')

from pydantic_ai import Agent

from streamtap.testing import Call, MemorySink, PacedProvider, Reply, Say, TokenUsage
from support.logfire_run import LocalLogfire, attributes_of, id_of, plugged, run_with_everything, tree
from support.paced_models import paced_client, paced_model

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

HERE = Path(__file__).parent

VARIES = {
    'streamtap.run_id',
    'gen_ai.agent.call.id',
    # What varies of a native span: it is read from the real clock, or from the frames that an exception passed.
    'gen_ai.client.operation.time_to_first_chunk',
    'logfire.exception.fingerprint',
    'exception.stacktrace',
}


def settled(attributes: dict[str, Any], varies: set[str]) -> dict[str, Any]:
    """The attributes; of those that vary only that they are there."""
    return {name: '...' if name in varies else value for name, value in sorted(attributes.items())}


def events_of(span: ReadableSpan) -> list[tuple[str, int, dict[str, Any]]]:
    return [(event.name, event.timestamp, settled(dict(event.attributes or {}), VARIES)) for event in span.events]


def scope_of(span: ReadableSpan) -> str:
    return span.instrumentation_scope.name if span.instrumentation_scope else ''


def described(span: ReadableSpan, base: ReadableSpan | None, since: int, varies: set[str]) -> list[str]:
    """Everything about a span, or what it has beyond another one."""

    def at(moment: int | None) -> str:
        return f'{((moment or 0) - since) / 1e9:g} s'

    known, events = (attributes_of(base), events_of(base)) if base is not None else ({}, [])
    place = f'span {id_of(span)} in {span.parent.span_id}' if span.parent else f'span {id_of(span)}'
    return [
        f'{span.name} | {scope_of(span)} | {span.kind.name} | {span.status.status_code.name}',
        f'    {place} | {at(span.start_time)} to {at(span.end_time)}',
        *(f'    {key} = {value!r}' for key, value in settled(attributes_of(span), varies).items() if key not in known),
        *(f'    {event[0]} | {at(event[1])} | {event[2]}' for event in events_of(span) if event not in events),
    ]


def paired(local: LocalLogfire, door: str) -> list[tuple[ReadableSpan, ReadableSpan]]:
    """pydantic-ai's own spans of the tapped run, each beside the one of the same run without a tap."""
    bare = LocalLogfire()
    run_with_everything(bare, None, native=True)
    run_with_everything(local, door, native=True)
    assert {scope_of(span) for span in bare.spans} == {'pydantic-ai'}
    native = [span for span in local.spans if scope_of(span) == 'pydantic-ai']
    return list(zip(native, bare.spans, strict=True))


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_every_span_of_ours_is_this_one(door: str):
    """Where pydantic-ai makes none: the whole tree, and each span of it whole."""
    local = LocalLogfire()
    since = local.clock.unix_ns()
    memory = run_with_everything(local, door, native=False)
    varies = {'streamtap.run_id'}
    text = tree(local.spans, lambda span: described(span, None, since, varies), '    ')
    assert text == (HERE / 'snapshots' / 'logfire_own.txt').read_text(encoding='utf-8')
    assert attributes_of(local.spans[0])['streamtap.run_id'] == memory.runs[0].run_id
    assert memory.faults == []


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_what_is_added_to_pydantic_ais_own_spans_is_this(door: str):
    """The part spans whole; of pydantic-ai's spans their place, and what they have only because of the tap."""
    local = LocalLogfire()
    since = local.clock.unix_ns()
    bases = {id_of(span): base for span, base in paired(local, door)}
    text = tree(local.spans, lambda span: described(span, bases.get(id_of(span)), since, VARIES), '    ')
    expected = (HERE / 'snapshots' / 'logfire_native.txt').read_text(encoding='utf-8')
    # When the handler knows how the run ended, pydantic-ai's span of it is over.
    why = "    error.type = 'ConnectionError'\n"
    assert text == (expected if door == 'capability' else expected.replace(why, '', 1))


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_nothing_of_pydantic_ais_own_spans_is_changed(door: str):
    """Attribute by attribute; only the broken stream's status is, which pydantic-ai leaves unset."""
    changed: list[tuple[str, str, str]] = []
    for span, bare in paired(LocalLogfire(), door):
        was = settled(attributes_of(bare), VARIES)
        now = settled(attributes_of(span), VARIES)
        assert {name: now.get(name) for name in was} == was
        assert [event for event in events_of(span) if not event[0].startswith('streamtap.')] == events_of(bare)
        assert (span.name, span.kind, span.start_time, span.end_time) == (
            bare.name,
            bare.kind,
            bare.start_time,
            bare.end_time,
        )
        if span.status.status_code != bare.status.status_code:
            changed.append((span.name, bare.status.status_code.name, span.status.status_code.name))
    assert changed == [('chat swift-1', 'UNSET', 'ERROR')]


def delegated(local: LocalLogfire, door: str, instrumented: str) -> MemorySink:
    """Runs an agent whose tool runs another one, on a model that has a price; either, both or none is instrumented."""
    memory = MemorySink()
    tap = local.tap(memory)
    capabilities, arguments = plugged(tap, door)
    replies = [
        Reply((Say('let me '), Call('delegate', {})), usage=TokenUsage(input=100, output=10, cached=40)),
        Reply((Say('inner'),), usage=TokenUsage(input=200, output=20)),
        Reply((Say('done'),), usage=TokenUsage(input=300, output=30)),
    ]

    async def main(provider: PacedProvider) -> None:
        async with paced_client(provider) as client:
            inner = Agent(paced_model(client), name='inner', capabilities=capabilities)
            outer = Agent(paced_model(client), name='outer', capabilities=capabilities)
            for agent in (inner, outer):
                if instrumented in ('both', agent.name):
                    local.logfire.instrument_pydantic_ai(agent)

            @outer.tool_plain
            async def delegate() -> str:
                return (await inner.run('go', **arguments)).output

            await outer.run('hello', **arguments)

    with PacedProvider(replies) as provider:
        asyncio.run(main(provider))
    tap.close()
    return memory


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
@pytest.mark.parametrize('instrumented', ['none', 'both', 'inner', 'outer'])
def test_each_token_and_each_cent_is_in_the_trace_once(instrumented: str, door: str):
    """Logfire's badges sum them over all descendants, and its LLM pages count each span that names a provider."""
    local = LocalLogfire()
    responses = delegated(local, door, instrumented).responses
    found: dict[str, list[Any]] = {}
    for span in local.spans:
        attributes = attributes_of(span)
        for name, value in attributes.items():
            if name.startswith('gen_ai.usage.') or name == 'operation.cost':
                assert attributes['gen_ai.operation.name'] == 'chat'
                found.setdefault(name, []).append(value)
    assert len(responses) == 3
    assert sorted(found['gen_ai.usage.input_tokens']) == [100, 200, 300]
    assert sorted(found['gen_ai.usage.output_tokens']) == [10, 20, 30]
    assert found['gen_ai.usage.cache_read.input_tokens'] == [40]
    assert sorted(found['operation.cost']) == sorted(response.cost_usd or 0.0 for response in responses)
    providers = [span for span in local.spans if {'gen_ai.system', 'gen_ai.provider.name'} & attributes_of(span).keys()]
    assert [span.name for span in providers] == ['chat gpt-4.1-mini'] * 3


def listed(span: ReadableSpan) -> list[str]:
    seconds = ((span.end_time or 0) - (span.start_time or 0)) / 1e9
    error = '  error' if attributes_of(span).get('logfire.level_num') == 17 else ''
    return [f'{attributes_of(span)["logfire.msg"]}\t{seconds:5.2f} s{error}']


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_the_documentation_shows_the_trace_as_it_is(door: str):
    """Messages and durations, as Logfire lists them."""
    local = LocalLogfire()
    run_with_everything(local, door, native=True)
    rows = [row.split('\t') for row in tree(local.spans, listed, '  ').splitlines()]
    shown = '\n'.join(f'{message:28}{duration}' for message, duration in rows)
    page = (ROOT / 'docs' / 'traces.md').read_text(encoding='utf-8')
    block = re.search(r'^## In Logfire\n.*?^```text\n(.*?)\n```$', page, re.MULTILINE | re.DOTALL)
    assert block is not None
    assert block[1] == shown
