"""Runs, requests and tools under the conventions' names: whole points of both profiles, and nothing twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from pydantic_ai.models.instrumented import InstrumentationSettings

from streamtap import McpRecord, OTelMetricSink, Tap
from streamtap._sinks.otel.conventions.profiles import PROFILES
from support.doors import DOORS, HANDLER_AND_CAPABILITY
from support.made_records import IDS, failed_run, full_response, response, run_start, tool
from support.scripted import Calls, agent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamtap._sinks.otel.conventions.profiles import Semconv

EACH = pytest.mark.parametrize('name', ['1.41', 'latest'])

CHAT = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'aws.bedrock',
    'gen_ai.request.model': 'm',
    'gen_ai.response.model': 'm-2026',
    'server.address': 'models.example.com',
    'server.port': 443,
}
ANSWERED = {
    'provider': 'bedrock',
    'response_model': 'm-2026',
    'server_address': 'models.example.com',
    'server_port': 443,
}
MCP = McpRecord(server='weather', protocol_version='2025-06-18', transport='http')
CALLED = {'gen_ai.tool.name': 't', 'gen_ai.agent.name': 'a'}
BY_MCP = {
    'mcp.method.name': 'tools/call',
    'mcp.protocol.version': '2025-06-18',
    'network.transport': 'tcp',
    'network.protocol.name': 'http',
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 't',
}
FAILED_MCP = {'kind': 'mcp', 'mcp': MCP, 'tool_call_id': 'd', 'outcome': 'retried', 'retry_cause': 'model_retry'}


class Collected:
    """A sink of one profile, and what it recorded."""

    def __init__(self, semconv: Semconv, **options: Any) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)
        self.sink = OTelMetricSink(self.provider, semconv=semconv, **options)
        self.tap = Tap([self.sink])

    def points(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        """Attributes and value of each point of the conventions' metrics: of a histogram its count and sum."""
        return {
            metric.name: [(dict(point.attributes or {}), value_of(point)) for point in metric.data.data_points]
            for metric in self._metrics()
            if metric.name.startswith(('gen_ai.', 'mcp.'))
        }

    def scopes(self, name: str) -> set[str]:
        """Who recorded a metric."""
        data: Any = self.reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return {scope.scope.name for scope in scopes for metric in scope.metrics if metric.name == name}

    def _metrics(self) -> Iterator[Any]:
        data: Any = self.reader.get_metrics_data()
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                yield from scope.metrics


def value_of(point: object) -> Any:
    if isinstance(point, HistogramDataPoint):
        return point.count, round(point.sum, 6)
    assert isinstance(point, NumberDataPoint)
    return point.value


def given(semconv: Semconv, **options: Any) -> Collected:
    """What becomes of a run with an answer, a failure, a silent one, a tool and two calls of an MCP server."""
    found = Collected(semconv, **options)
    sink = found.sink
    sink.run_started(run_start('r'))
    sink.response_ended(full_response(**ANSWERED, **IDS))
    sink.response_ended(response(**ANSWERED, outcome='timeout', finish_reason='error'))
    sink.response_ended(response(**ANSWERED, duration=0.5, unmeasured='not_reported'))
    sink.tool_ended(tool(outcome='failed'))
    sink.tool_ended(tool(kind='mcp', mcp=MCP))
    sink.tool_ended(tool(**FAILED_MCP))
    sink.run_ended(failed_run(**IDS))
    return found


TOOLS_AND_RUNS = {
    'gen_ai.invoke_agent.duration': [({'gen_ai.agent.name': 'a', 'error.type': 'ModelHTTPError_500'}, (1, 4.0))],
    'gen_ai.invoke_agent.inference_calls': [({'gen_ai.agent.name': 'a'}, (1, 3))],
    'gen_ai.invoke_agent.tool_calls': [({'gen_ai.agent.name': 'a'}, (1, 2))],
    'gen_ai.execute_tool.duration': [
        ({**CALLED, 'gen_ai.tool.type': 'function', 'error.type': '_OTHER'}, (1, 0.75)),
        ({**CALLED, 'gen_ai.tool.type': 'function'}, (2, 1.5)),
    ],
    'mcp.client.operation.duration': [(BY_MCP, (1, 0.75)), ({**BY_MCP, 'error.type': 'tool_error'}, (1, 0.75))],
}


def test_the_names_of_1_41():
    """Every point, of durations, tokens by type, the first chunk, runs, tools and MCP calls."""
    assert given('1.41').points() == {
        'gen_ai.client.operation.duration': [(CHAT, (2, 2.0)), ({**CHAT, 'error.type': 'timeout'}, (1, 1.5))],
        'gen_ai.client.token.usage': [
            ({**CHAT, 'gen_ai.token.type': 'input'}, (1, 300)),
            ({**CHAT, 'gen_ai.token.type': 'output'}, (1, 20)),
        ],
        'gen_ai.client.operation.time_to_first_chunk': [(CHAT, (1, 0.4))],
        **TOOLS_AND_RUNS,
    }


def test_the_newest_names():
    """Every point; a request without usage counts as one with 0 tokens, as these conventions want it."""
    counted = {**CHAT, 'gen_ai.token.modality': 'unknown'}
    usage = 'gen_ai.client.inference.usage'
    per_request = 'gen_ai.client.inference.operation'
    failed = {**CHAT, 'error.type': 'timeout'}
    assert given('latest').points() == {
        'gen_ai.client.inference.duration': [(CHAT, (2, 2.0)), (failed, (1, 1.5))],
        'gen_ai.client.inference.time_to_first_chunk': [(CHAT, (1, 0.4))],
        f'{usage}.input_tokens': [(counted, 300)],
        f'{usage}.output_tokens': [(counted, 20)],
        f'{usage}.cache_read.input_tokens': [(counted, 100)],
        f'{usage}.cache_write.input_tokens': [(counted, 7)],
        f'{usage}.reasoning.output_tokens': [(counted, 5)],
        f'{per_request}.input_tokens': [(CHAT, (2, 300)), (failed, (1, 0))],
        f'{per_request}.output_tokens': [(CHAT, (2, 20)), (failed, (1, 0))],
        **TOOLS_AND_RUNS,
    }


@EACH
def test_instruments_have_the_units_and_bounds_of_their_rows(name: Semconv):
    """As the profile says, which a test of its own holds against what is published."""
    found = given(name, output_chunks='each')
    data: Any = found.reader.get_metrics_data()
    metrics = [each for resource in data.resource_metrics for scope in resource.scope_metrics for each in scope.metrics]
    by_name = {metric.name: metric for metric in metrics}
    for row in PROFILES[name].instruments:
        if row.absent:
            assert row.name not in by_name
            continue
        metric = by_name[row.name]
        assert metric.unit == row.unit
        if row.bounds:
            assert tuple(metric.data.data_points[0].explicit_bounds) == row.bounds


@pytest.mark.parametrize(
    ('name', 'metric'),
    [
        ('1.41', 'gen_ai.client.operation.time_per_output_chunk'),
        ('latest', 'gen_ai.client.inference.time_per_output_chunk'),
    ],
)
def test_the_time_of_each_chunk_is_recorded_if_asked_for(name: Semconv, metric: str):
    """Each wait is one value, within 2.5 %; of a response that was not streamed there is none."""
    assert metric not in given(name).points()
    points = given(name, output_chunks='each').points()[metric]
    counts = [(attributes, value[0]) for attributes, value in points]
    assert counts == [(CHAT, 3)]
    assert points[0][1][1] == pytest.approx(0.34, rel=0.025)


def test_the_time_of_each_chunk_is_of_a_profile():
    """And asking for it without one, or for something else, is a mistake."""
    with pytest.raises(ValueError, match="output_chunks='each' is of OpenTelemetry's conventions: give semconv, too"):
        OTelMetricSink(output_chunks='each')
    with pytest.raises(ValueError, match="output_chunks must be 'left_out' or 'each', not 'some'"):
        OTelMetricSink(semconv='latest', output_chunks='some')  # pyright: ignore[reportArgumentType]


def test_wrong_usage_is_not_counted():
    """Of a server that repeats its usage nobody knows the tokens: 0 would be as wrong."""
    found = Collected('latest')
    found.sink.run_started(run_start('r'))
    found.sink.response_ended(response(unmeasured='repeated'))
    assert [name for name in found.points() if 'tokens' in name] == []


def test_servers_past_the_cap_are_other_and_have_no_port():
    """Addresses are names that others give."""
    found = Collected('1.41')
    found.tap.close()
    reader = InMemoryMetricReader()
    sink = OTelMetricSink(MeterProvider([reader], shutdown_on_exit=False), semconv='1.41')
    found.reader, found.tap = reader, Tap([sink], max_label_values=1)
    sink.run_started(run_start('r'))
    for host in ('one.example', 'two.example'):
        sink.response_ended(response(server_address=host, server_port=8080))
    servers = [
        (attributes['server.address'], attributes.get('server.port'))
        for attributes, _ in found.points()['gen_ai.client.operation.duration']
    ]
    assert servers == [('one.example', 8080), ('_other', None)]


@EACH
@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
@pytest.mark.parametrize('usage', ['unless_instrumented', 'always'])
def test_beside_pydantic_ais_own_nothing_is_recorded_twice(name: Semconv, door: str, usage: str):
    """Each metric of a name has one origin, whatever is asked for the tap's own metrics."""
    found = Collected(name, usage=usage)
    capabilities = [found.tap.capability(stream=True)] if door == 'capability' else []
    made = agent(['do', 'ne'], capabilities=capabilities)
    made.instrument = InstrumentationSettings(meter_provider=found.provider)
    asyncio.run(made.run('hello', event_stream_handler=None if door == 'capability' else found.tap))
    found.tap.close()
    names = {row.name for row in PROFILES[name].instruments} | {'gen_ai.client.token.usage'}
    origins = {each: found.scopes(each) for each in names}
    assert origins['gen_ai.client.token.usage'] == {'pydantic-ai'}
    assert [each for each, scopes in origins.items() if len(scopes) > 1] == []


@EACH
@pytest.mark.parametrize('door', DOORS)
def test_a_run_at_each_door_has_only_what_the_profile_lists(name: Semconv, door: str):
    """Names of metrics and of attributes, with all that are required."""
    found = Collected(name)
    made = agent(['so ', Calls('nap')], ['done'], capabilities=[found.tap.capability()] if door == 'capability' else [])

    async def watched() -> None:
        async with made.run_stream_events('hello') as events:
            async for _ in found.tap.watch(events):
                pass

    if door == 'watch':
        asyncio.run(watched())
    else:
        asyncio.run(made.run('hello', event_stream_handler=None if door == 'capability' else found.tap))
    found.tap.close()
    rows = {row.name: row for row in PROFILES[name].instruments}
    for metric, points in found.points().items():
        row = rows[metric]
        required = {each.name for each in row.attributes if each.level == 'required'}
        for attributes, _ in points:
            assert required <= set(attributes) <= row.sent, metric
    assert {'gen_ai.execute_tool.duration', 'gen_ai.invoke_agent.duration'} <= set(found.points())
