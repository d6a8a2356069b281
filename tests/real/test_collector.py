"""What arrives elsewhere: the spans in a real OpenTelemetry collector, and the way to them from a real scrape."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families,  # pyright: ignore[reportUnknownVariableType]
)
from pydantic_ai.models.instrumented import InstrumentationSettings

from streamtap import OTelSpanSink, PrometheusSink, Tap, serve
from support.delegating_agents import write_a_note
from support.doors import HANDLER_AND_CAPABILITY
from support.real_servers import exporting_provider, free_port, running, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan


CASES = [(door, instrumented) for door in HANDLER_AND_CAPABILITY for instrumented in ('own', 'native')]

INSIDE = """invoke_agent editor
  chat gpt-5.2
    thinking
    text
    tool_call
  execute_tool ask_researcher
    invoke_agent researcher
      chat gpt-4.1-mini
        tool_call
      execute_tool search
      chat gpt-4.1-mini
        text
  chat gpt-5.2
    text
"""

BESIDE = """invoke_agent editor
  chat gpt-5.2
    thinking
    text
    tool_call
  execute_tool ask_researcher
  invoke_agent researcher
    chat gpt-4.1-mini
      tool_call
    execute_tool search
    chat gpt-4.1-mini
      text
  chat gpt-5.2
    text
"""


@dataclass(frozen=True)
class Span:
    """What both ends know of a span."""

    trace: str
    id: str
    parent: str
    name: str
    start: int
    end: int
    events: tuple[str, ...]
    attributes: frozenset[str]


@dataclass(frozen=True)
class Collector:
    """A real one, and the file that it writes: one span a line."""

    url: str
    output: Path

    def spans(self, trace: str, count: int) -> list[Span]:
        """Those of a trace, in the order of their starts, once there are that many."""

        def look() -> list[Span] | None:
            # The last line may be half written; others may be no span's.
            lines = self.output.read_text(encoding='utf-8').split('\n')[:-1]
            found = [received(json.loads(line)) for line in lines if line.startswith('{')]
            found = [span for span in found if span.trace == trace]
            return found if len(found) >= count else None

        return sorted(wait_for(look, f'{count} spans of {trace}'), key=lambda span: span.start)


def received(span: dict[str, Any]) -> Span:
    return Span(
        trace=span['traceId'],
        id=span['spanId'],
        parent=span['parentSpanId'],
        name=span['name'],
        start=int(span['startTimeUnixNano']),
        end=int(span['endTimeUnixNano']),
        events=tuple(event['name'] for event in span['events']),
        attributes=frozenset(attribute['key'] for attribute in span['attributes']),
    )


def sent(span: ReadableSpan) -> Span:
    context = span.get_span_context()
    assert context is not None
    return Span(
        trace=f'{context.trace_id:032x}',
        id=f'{context.span_id:016x}',
        parent=f'{span.parent.span_id:016x}' if span.parent else '',
        name=span.name,
        start=span.start_time or 0,
        end=span.end_time or 0,
        events=tuple(event.name for event in span.events),
        attributes=frozenset(span.attributes or {}),
    )


@pytest.fixture(scope='module')
def collector(oteltap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """The collector, listening on loopback."""
    port, output = free_port(), tmp_path_factory.mktemp('collector') / 'spans'
    with running([sys.executable, '-m', oteltap, '--port', str(port)], port, output):
        yield Collector(f'http://127.0.0.1:{port}/v1/traces', output)


@dataclass(frozen=True)
class Observed:
    """One note of the editor's, from both ends."""

    case: tuple[str, str]
    sent: list[Span]
    received: list[Span]
    exposition: str


@pytest.fixture(scope='module', params=CASES, ids='-'.join)
def observed(request: pytest.FixtureRequest, collector: Collector) -> Observed:
    """A run whose spans go to the collector, as an application's would, and whose metrics are scraped."""
    door, instrumented = case = request.param
    provider, here = exporting_provider(collector.url)
    native = InstrumentationSettings(tracer_provider=provider) if instrumented == 'native' else None
    registry = CollectorRegistry()
    with serve(port=0, registry=registry) as server:
        with Tap([PrometheusSink(registry), OTelSpanSink(provider)]) as tap:
            write_a_note(tap, door, instrument=native)
        headers = {'Accept': 'application/openmetrics-text'}
        exposition = httpx.get(server.url, headers=headers, trust_env=False).text
    provider.shutdown()
    spans = [sent(span) for span in here.get_finished_spans()]
    return Observed(case, spans, collector.spans(spans[0].trace, len(spans)), exposition)


def tree(spans: list[Span], parent: str = '', indent: str = '') -> str:
    """Each span's name, indented below its parent."""
    children = [span for span in spans if span.parent == parent]
    return ''.join(f'{indent}{span.name}\n{tree(spans, span.id, indent + "  ")}' for span in children)


def exemplars(exposition: str) -> dict[str, set[tuple[str, str]]]:
    """Of each metric, the trace and span ids that it shows."""
    found: dict[str, set[tuple[str, str]]] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.exemplar is not None:
                labels = sample.exemplar.labels
                found.setdefault(family.name, set()).add((labels['trace_id'], labels['span_id']))
    return found


def test_a_collector_gets_every_span_as_it_was_made(observed: Observed):
    """Over OTLP: the same ids, parents, times, events and attributes."""
    assert set(observed.received) == set(observed.sent)
    assert len(observed.received) == len(observed.sent)


def test_the_trace_is_one_tree(observed: Observed):
    """With the nested run below the tool that made it, or, where the handler can only guess, below the run."""
    assert tree(observed.received) == (BESIDE if observed.case == ('handler', 'own') else INSIDE)


def test_a_request_says_what_it_took(observed: Observed):
    """Under the names of the conventions, whoever made its span."""
    asked = next(span for span in observed.received if span.name == 'chat gpt-5.2')
    assert asked.events == ('streamtap.first_token',)
    named = {'gen_ai.response.time_to_first_chunk', 'gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens'}
    if observed.case[1] == 'own':
        named |= {'gen_ai.request.stream', 'gen_ai.usage.reasoning.output_tokens'}
    assert named <= asked.attributes


def test_exemplars_of_a_scrape_lead_to_spans_of_the_collector(observed: Observed):
    """By trace and span id: from a run's numbers to the run, from a request's to the request, from a tool's to it."""
    names = {(span.trace, span.id): span.name for span in observed.received}
    shown = {metric: {names[ids] for ids in found} for metric, found in exemplars(observed.exposition).items()}
    runs = {'invoke_agent editor', 'invoke_agent researcher'}
    # The handler sees none of pydantic-ai's own tool spans.
    tools = runs if observed.case == ('handler', 'native') else {'execute_tool ask_researcher', 'execute_tool search'}
    assert shown['pydantic_ai_run_duration_seconds'] == runs
    assert shown['pydantic_ai_time_to_first_token_seconds'] == {'chat gpt-5.2', 'chat gpt-4.1-mini'}
    assert shown['pydantic_ai_tool_duration_seconds'] == tools
