"""The Prometheus sink: what a scrape shows."""

from __future__ import annotations

import asyncio
import subprocess
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.openmetrics.exposition import (
    generate_latest as generate_openmetrics,  # pyright: ignore[reportUnknownVariableType]
)
from prometheus_client.parser import text_string_to_metric_families

from streamtap import BaseSink, CalledRuns, PrometheusSink, Tap, ToolRecord, ToolStart, UsageSink
from streamtap._records.distribution import Distribution
from streamtap._sinks.metrics.catalogue import BY_NAME, SCRAPED
from streamtap._sinks.prometheus.reentrant_metrics import BulkHistogram
from streamtap.testing import FakeClock
from support.made_records import failed_run, full_response, response, run_start, tool
from support.scripted import Calls, agent


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def series(registry: CollectorRegistry, name: str) -> int:
    """How many series a metric has."""
    families = [family for family in registry.collect() if family.name in (name, name.removesuffix('_total'))]
    return sum(not sample.name.endswith('_created') for family in families for sample in family.samples)


def attached(sink: PrometheusSink, **options: Any) -> PrometheusSink:
    """The sink, taken by a tap."""
    Tap([sink], **options)
    return sink


def test_a_response_is_observed_where_the_contract_says(registry: CollectorRegistry):
    """Each figure of the record lands in its own metric, with the model that was asked."""
    sink = attached(PrometheusSink(registry))
    sink.response_ended(full_response())
    who = {'agent': 'a', 'provider': 'p', 'model': 'm'}
    expected = {
        'pydantic_ai_time_to_first_token_seconds_sum': 0.4,
        'pydantic_ai_time_to_first_output_seconds_sum': 0.6,
        'pydantic_ai_inter_chunk_latency_seconds_sum': 0.34,
        'pydantic_ai_inter_chunk_latency_seconds_count': 3,
        'pydantic_ai_output_tokens_per_second_sum': 55.0,
        'pydantic_ai_stream_stalls_total': 2,
        'pydantic_ai_stream_stall_seconds_total': 12.5,
        'pydantic_ai_input_tokens_total': 300,
        'pydantic_ai_output_tokens_total': 20,
        'pydantic_ai_cache_read_tokens_total': 100,
        'pydantic_ai_cache_write_tokens_total': 7,
        'pydantic_ai_reasoning_tokens_total': 5,
        'pydantic_ai_request_input_tokens_sum': 300,
    }
    assert {name: value(registry, name, **who) for name in expected} == expected
    assert value(registry, 'pydantic_ai_cost_usd_total', **who, root_agent='boss') == 0.25
    assert value(registry, 'pydantic_ai_requests_total', **who, streamed='true', outcome='success') == 1
    assert value(registry, 'pydantic_ai_requests_total', **who, streamed='true', outcome='error') == 0
    assert value(registry, 'pydantic_ai_responses_total', **who, finish_reason='stop') == 1
    assert value(registry, 'pydantic_ai_request_duration_seconds_sum', **who, outcome='success') == 1.5
    for bound, count in (('0.01', 0), ('0.02', 2), ('0.2', 2), ('0.5', 3), ('+Inf', 3)):
        assert value(registry, 'pydantic_ai_inter_chunk_latency_seconds_bucket', **who, le=bound) == count


def test_a_run_is_observed_where_the_contract_says(registry: CollectorRegistry):
    """Outcome, blank screen, phases, requests and cost."""
    sink = attached(PrometheusSink(registry))
    sink.run_ended(failed_run(door='handler'))
    assert value(registry, 'pydantic_ai_runs_total', agent='a', door='handler', nested='false', outcome='error') == 1
    assert value(registry, 'pydantic_ai_runs_total', agent='a', door='handler', nested='false', outcome='success') == 0
    assert value(registry, 'pydantic_ai_run_duration_seconds_sum', agent='a', nested='false', outcome='error') == 4.0
    failed = {'agent': 'a', 'nested': 'false', 'error_type': 'ModelHTTPError_500'}
    assert value(registry, 'pydantic_ai_run_errors_total', **failed) == 1
    assert value(registry, 'pydantic_ai_run_time_to_first_output_seconds_sum', agent='a') == 1.25
    assert value(registry, 'pydantic_ai_run_time_to_final_result_seconds_sum', agent='a') == 3.5
    assert value(registry, 'pydantic_ai_run_phase_seconds_total', agent='a', phase='tools') == 3.0
    assert value(registry, 'pydantic_ai_run_requests_sum', agent='a') == 3
    assert value(registry, 'pydantic_ai_run_tool_calls_sum', agent='a') == 2
    assert value(registry, 'pydantic_ai_run_cost_usd_sum', agent='a', outcome='error') == 0.5
    assert value(registry, 'pydantic_ai_output_retries_total', agent='a') == 1


def test_a_nested_run_is_part_of_what_its_caller_took(registry: CollectorRegistry):
    """It has no blank screen, and its requests, tools, tokens and cost are observed with those of the outermost run."""
    sink = attached(PrometheusSink(registry))
    inner = failed_run(run_id='inner', agent='inner', parent_run_id='r', input_tokens=10, output_tokens=5)
    called = CalledRuns(runs=1, requests=3, tool_calls=2, input_tokens=10, output_tokens=5, cost_usd=0.5)
    sink.run_ended(inner)
    sink.run_ended(failed_run(input_tokens=100, output_tokens=50, called=called))
    assert value(registry, 'pydantic_ai_run_duration_seconds_sum', agent='inner', nested='true', outcome='error') == 4.0
    assert value(registry, 'pydantic_ai_run_time_to_first_output_seconds_count', agent='inner') is None
    assert value(registry, 'pydantic_ai_run_cost_usd_count', agent='inner', outcome='error') is None
    assert value(registry, 'pydantic_ai_run_cost_usd_sum', agent='a', outcome='error') == 1.0
    assert value(registry, 'pydantic_ai_run_requests_sum', agent='a') == 6
    assert value(registry, 'pydantic_ai_run_tool_calls_sum', agent='a') == 4
    assert value(registry, 'pydantic_ai_run_tokens_sum', agent='a') == 165


@pytest.mark.parametrize('requests', [0, 1])
def test_a_run_of_which_no_response_reported_its_tokens_has_none(registry: CollectorRegistry, requests: int):
    """Its requests were refused, or it made none: it is not a run of 0 tokens."""
    sink = attached(PrometheusSink(registry))
    sink.run_ended(failed_run(requests=requests, cost_usd=None))
    assert value(registry, 'pydantic_ai_run_requests_count', agent='a') == 1
    assert not value(registry, 'pydantic_ai_run_tokens_count', agent='a')
    sink.run_ended(failed_run(called=CalledRuns(runs=1, requests=1, input_tokens=9)))
    assert value(registry, 'pydantic_ai_run_tokens_count', agent='a') == 1
    assert value(registry, 'pydantic_ai_run_tokens_sum', agent='a') == 9


def test_every_metric_of_the_catalogue_can_be_seen(registry: CollectorRegistry):
    """After one run with everything in it, no row of the catalogue is unknown to the registry."""
    tap = Tap([PrometheusSink(registry)])
    asyncio.run(agent([Calls('nap')], ['done'], capabilities=[tap.capability(stream=True)]).run('hello'))
    shown = {family.name for family in registry.collect()}
    assert {metric.name.removesuffix('_total') for metric in SCRAPED} == shown


def test_promtool_finds_nothing_to_say(registry: CollectorRegistry, promtool: str):
    """Names, types and help texts are as Prometheus wants them."""
    tap = Tap([PrometheusSink(registry)], labels=('tenant',))
    asyncio.run(agent([Calls('nap')], ['done'], capabilities=[tap.capability(stream=True)]).run('hello'))
    checked = subprocess.run(
        [promtool, 'check', 'metrics'], input=generate_latest(registry), capture_output=True, check=False, timeout=30
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b'', b'')


def test_gauges_are_true_at_the_scrape(registry: CollectorRegistry):
    """What is open is counted when it is asked for, and stays at 0 afterwards."""
    clock = FakeClock()
    tap = Tap([PrometheusSink(registry)], clock=clock)
    seen: list[dict[str, float | None]] = []

    def gauges() -> dict[str, float | None]:
        model = {'agent': 'scripted', 'provider': 'function', 'model': 'scripted'}
        return {
            'runs': value(registry, 'pydantic_ai_runs_in_progress', agent='scripted'),
            'oldest': value(registry, 'pydantic_ai_oldest_run_age_seconds', agent='scripted'),
            'requests': value(registry, 'pydantic_ai_requests_in_progress', **model),
            'tools': value(registry, 'pydantic_ai_tools_in_progress', agent='scripted', tool='look'),
        }

    made = agent([Calls('look')], ['done'], capabilities=[tap.capability(stream=True)])

    @made.tool_plain
    async def look() -> str:
        clock.advance(7.0)
        seen.append(gauges())
        return 'seen'

    asyncio.run(made.run('hello'))
    assert seen == [{'runs': 1, 'oldest': 7.0, 'requests': 0, 'tools': 1}]
    assert gauges() == {'runs': 0, 'oldest': 0, 'requests': 0, 'tools': 0}


def test_ten_thousand_invented_tool_names_add_one_series_per_metric(registry: CollectorRegistry):
    """What a model invents is `_unknown`; the real tool keeps its own series."""
    tap = Tap([PrometheusSink(registry)])

    async def main() -> None:
        calls = [Calls(f'invented_{number}', id=f'c{number}') for number in range(10_000)]
        made = agent([*calls, Calls('nap', '{"seconds":0}', 'real')], ['done'], capabilities=[tap.capability()])
        await made.run('hello')

    asyncio.run(main())
    tools = {'agent': 'scripted', 'kind': 'function'}
    assert value(registry, 'pydantic_ai_tool_calls_total', tool='_unknown', outcome='retried', **tools) == 10_000
    assert value(registry, 'pydantic_ai_tool_calls_total', tool='nap', outcome='success', **tools) == 1
    names = {
        sample.labels['tool'] for family in registry.collect() for sample in family.samples if 'tool' in sample.labels
    }
    assert names == {'_unknown', '_several', 'nap'}
    assert series(registry, 'pydantic_ai_tool_retries_total') == 1


def test_values_past_the_cap_become_other_and_are_counted(registry: CollectorRegistry):
    """Real names that came first keep their series."""
    sink = attached(PrometheusSink(registry), max_label_values=3)
    for number in range(10):
        sink.response_ended(response(model=f'm{number}'))
    models = {
        sample.labels['model']
        for family in registry.collect()
        for sample in family.samples
        if family.name == 'pydantic_ai_requests'
    }
    assert models == {'m0', 'm1', 'm2', '_other'}
    assert (
        value(
            registry,
            'pydantic_ai_requests_total',
            agent='a',
            provider='p',
            model='_other',
            streamed='true',
            outcome='success',
        )
        == 7
    )
    assert (value(registry, 'streamtap_label_overflow_total', label='model') or 0) >= 7


def test_outcomes_that_only_start_at_0_use_up_no_cap(registry: CollectorRegistry):
    """As many tools fit as the cap says, although the counter of each is there for every outcome."""
    sink = attached(PrometheusSink(registry, max_label_sets=20))
    for number in range(20):
        sink.tool_ended(tool(tool=f't{number}'))
    calls = 'pydantic_ai_tool_calls_total'
    assert value(registry, calls, agent='a', tool='t19', kind='function', outcome='success') == 1
    assert value(registry, 'streamtap_label_overflow_total', label='label_sets') == 0


def test_label_sets_past_the_cap_become_other(registry: CollectorRegistry):
    """Few values of each label can still make many combinations."""
    sink = attached(PrometheusSink(registry, max_label_sets=20))
    for number in range(100):
        sink.response_ended(response(agent=f'a{number % 10}', model=f'm{number // 10}'))
    assert series(registry, 'pydantic_ai_responses_total') <= 21
    assert (
        value(
            registry,
            'pydantic_ai_responses_total',
            agent='_other',
            provider='_other',
            model='_other',
            finish_reason='_other',
        )
        == 80
    )


@pytest.mark.parametrize('name', ['quo"te', 'new\nline', 'back\\slash', '\ud800 surrogate', 'nul\x00', 'ü' * 10_000])
def test_hostile_names_do_not_break_the_exposition(name: str, registry: CollectorRegistry):
    """Prometheus's own parser reads whatever an agent, a model or a tool is called."""
    sink = attached(PrometheusSink(registry))
    sink.run_started(run_start('r', name))
    sink.response_ended(response(agent=name, model=name, error_type=name, finish_reason=name))
    sink.tool_ended(
        ToolRecord(
            run_id='r', step=1, agent=name, tool=name, tool_call_id='c', kind='function', started_ns=0, duration=1.0,
            outcome='error', error_type=name,
        )
    )  # fmt: skip
    shown = generate_latest(registry).decode()
    assert list(text_string_to_metric_families(shown))
    assert b'# EOF' in generate_openmetrics(registry)


def test_the_users_own_labels_come_from_the_runs_metadata(registry: CollectorRegistry):
    """On runs, requests, tokens and tools; empty where the metadata lacks them."""
    tap = Tap([PrometheusSink(registry)], labels=('tenant', 'tier'))
    made = agent([Calls('nap')], ['done'], capabilities=[tap.capability()])
    asyncio.run(made.run('hello', metadata={'tenant': 'acme', 'other': 'ignored'}))
    own = {'tenant': 'acme', 'tier': ''}
    run = {'agent': 'scripted', 'door': 'capability', 'nested': 'false', 'outcome': 'success'}
    model = {'agent': 'scripted', 'provider': 'function', 'model': 'scripted'}
    assert value(registry, 'pydantic_ai_runs_total', **run, **own) == 1
    assert value(registry, 'pydantic_ai_requests_total', **model, streamed='false', outcome='success', **own) == 2
    assert (value(registry, 'pydantic_ai_output_tokens_total', **model, **own) or 0) > 0
    assert (
        value(
            registry, 'pydantic_ai_tool_duration_seconds_count', agent='scripted', tool='nap', outcome='success', **own
        )
        == 1
    )


def test_two_taps_on_one_registry_count_a_run_once(registry: CollectorRegistry):
    """The second drops it by its id; each still counts the runs that only it sees."""
    first, second = Tap([PrometheusSink(registry)]), Tap([PrometheusSink(registry)])
    made = agent(['done'], capabilities=[first.capability(), second.capability()])
    asyncio.run(made.run('hello'))
    asyncio.run(agent(['done'], capabilities=[second.capability()]).run('hello'))
    run = {'agent': 'scripted', 'door': 'capability', 'nested': 'false', 'outcome': 'success'}
    model = {'agent': 'scripted', 'provider': 'function', 'model': 'scripted'}
    assert value(registry, 'pydantic_ai_runs_total', **run) == 2
    assert value(registry, 'pydantic_ai_requests_total', **model, streamed='false', outcome='success') == 2


def test_two_taps_with_other_labels_cannot_share_a_registry(registry: CollectorRegistry):
    """The error names what to do."""
    Tap([PrometheusSink(registry)], labels=('tenant',))
    with pytest.raises(ValueError, match=r'other labels.*CollectorRegistry'):
        Tap([PrometheusSink(registry)])


def test_metrics_may_have_fewer_labels_than_the_summary(registry: CollectorRegistry):
    """A tenant has too many values for them; summary and records have it all the same."""
    usage = UsageSink()
    tap = Tap([PrometheusSink(registry, labels=('tier',)), usage], labels=('tenant', 'tier'))
    made = agent(['done'], ['done'], capabilities=[tap.capability()])
    for tenant in ('acme', 'globex'):
        asyncio.run(made.run('hello', metadata={'tenant': tenant, 'tier': 'gold'}))
    run = {'agent': 'scripted', 'door': 'capability', 'nested': 'false', 'outcome': 'success'}
    assert value(registry, 'pydantic_ai_runs_total', **run, tier='gold') == 2
    assert [(row.label, row.value, row.runs) for row in usage.summary().labels] == [
        ('tenant', 'acme', 1),
        ('tenant', 'globex', 1),
        ('tier', 'gold', 2),
    ]


def test_metrics_cannot_have_a_label_that_the_tap_has_not(registry: CollectorRegistry):
    """The error says where to name it."""
    with pytest.raises(ValueError, match=r'labels that its tap has not: tier; name them in Tap\(labels'):
        Tap([PrometheusSink(registry, labels=('tier',))], labels=('tenant',))
    with pytest.raises(ValueError, match='reserved'):
        PrometheusSink(registry, labels=('agent',))


def test_a_foreign_collector_of_the_same_name_is_refused(registry: CollectorRegistry):
    """And nothing of ours is left behind in the registry."""
    Counter('pydantic_ai_tool_errors', 'mine', registry=registry)
    with pytest.raises(ValueError, match='already has a collector with the name of a streamtap metric'):
        Tap([PrometheusSink(registry)])
    assert {family.name for family in registry.collect()} == {'pydantic_ai_tool_errors'}


def test_metrics_can_be_left_out(registry: CollectorRegistry):
    """An excluded metric is not there, and everything else is."""
    excluded = {'pydantic_ai_parts_total', 'pydantic_ai_stalled_streams', 'streamtap_build_info'}
    tap = Tap([PrometheusSink(registry, exclude=excluded)])
    asyncio.run(agent(['done'], capabilities=[tap.capability(stream=True)]).run('hello'))
    shown = {family.name for family in registry.collect()}
    assert {metric.name.removesuffix('_total') for metric in SCRAPED if metric.name not in excluded} == shown


def test_buckets_can_be_changed(registry: CollectorRegistry):
    """The user's bounds replace the catalogue's, also for the gaps that are counted in bulk."""
    name = 'pydantic_ai_inter_chunk_latency_seconds'
    sink = attached(PrometheusSink(registry, buckets={name: (0.1, 1)}))
    sink.response_ended(
        response(inter_chunk_latencies=Distribution.of_values([0.05, 0.5, 5]), inter_chunk_latency_sum=5.55)
    )
    who = {'agent': 'a', 'provider': 'p', 'model': 'm'}
    assert [value(registry, f'{name}_bucket', **who, le=bound) for bound in ('0.1', '1.0', '+Inf')] == [1, 2, 3]


@pytest.mark.parametrize(
    ('arguments', 'error', 'says'),
    [
        ({'registry': 'default'}, TypeError, 'must be a prometheus_client CollectorRegistry'),
        ({'exclude': ['pydantic_ai_nothing']}, ValueError, 'that are not streamtap metrics: pydantic_ai_nothing'),
        ({'exclude': 'pydantic_ai_parts_total'}, TypeError, 'a collection of metric names'),
        ({'buckets': {'pydantic_ai_runs_total': (1,)}}, ValueError, 'is not a streamtap histogram'),
        ({'buckets': {'pydantic_ai_run_requests': (2, 1)}}, ValueError, 'must be one or more finite, increasing'),
        ({'buckets': {'pydantic_ai_run_requests': (1, float('inf'))}}, ValueError, 'one or more finite'),
        ({'buckets': {'pydantic_ai_run_requests': ()}}, ValueError, 'must be one or more'),
        ({'max_label_sets': 0}, ValueError, 'at least 1'),
        ({'max_label_sets': 2.5}, TypeError, 'a whole number'),
    ],
)
def test_bad_input_is_refused_at_construction(arguments: dict[str, Any], error: type[Exception], says: str):
    """With a message that says what to pass."""
    with pytest.raises(error, match=says):
        PrometheusSink(**arguments)


def test_bulk_counts_equal_single_observations(registry: CollectorRegistry):
    """The one place that touches prometheus_client's internals does what `observe` does."""
    bulk = BulkHistogram('bulk', 'h', ['x'], buckets=(1, 2), registry=registry)
    single = BulkHistogram('single', 'h', ['x'], buckets=(1, 2), registry=registry)
    for seconds in (0.5, 1.0, 1.5, 9.0):
        single.labels('y').observe(seconds)
    bulk.labels('y').observe_counts([2, 1, 1], 12.0)
    for suffix in ('_count', '_sum'):
        assert value(registry, f'bulk{suffix}', x='y') == value(registry, f'single{suffix}', x='y')
    for bound in ('1.0', '2.0', '+Inf'):
        assert value(registry, 'bulk_bucket', x='y', le=bound) == value(registry, 'single_bucket', x='y', le=bound)


def test_failures_of_the_tap_itself_are_counted(registry: CollectorRegistry):
    """So that the board can say whether it is to be believed."""

    class Broken(BaseSink):
        inline = True

        def tool_started(self, start: ToolStart) -> None:
            raise RuntimeError('broken')

    tap = Tap([PrometheusSink(registry), Broken()])
    made = agent([Calls('nap')], [Calls('nap')], ['done'], capabilities=[tap.capability()])
    asyncio.run(made.run('hello'))
    assert value(registry, 'streamtap_errors_total', where='Broken') == 2


def test_the_service_version_is_shown_for_deploy_annotations(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
):
    """From OpenTelemetry's resource variable, unless it is given."""
    monkeypatch.setenv('OTEL_RESOURCE_ATTRIBUTES', 'service.name=shop,service.version=1.2.3')
    Tap([PrometheusSink(registry)])
    (info,) = [family for family in registry.collect() if family.name == 'streamtap_build_info']
    assert [(sample.labels['service_version'], sample.value) for sample in info.samples] == [('1.2.3', 1)]


def test_metric_types_and_labels_are_those_of_the_catalogue(registry: CollectorRegistry):
    """The exposition and the catalogue cannot drift apart."""
    tap = Tap([PrometheusSink(registry)])
    asyncio.run(agent([Calls('nap')], ['done'], capabilities=[tap.capability(stream=True)]).run('hello'))
    for family in registry.collect():
        metric = BY_NAME.get(family.name) or BY_NAME[f'{family.name}_total']
        assert family.type == metric.type, family.name
        for sample in family.samples:
            assert set(sample.labels) - {'le'} == set(metric.labels), sample.name


def test_a_service_version_that_is_no_text_does_not_break_the_scrape(registry: CollectorRegistry):
    """The environment may hold any bytes; Python shows those that are no UTF-8 as lone surrogates."""
    Tap([PrometheusSink(registry)], service_version='\udcff1.2')
    assert 'service_version="\N{REPLACEMENT CHARACTER}1.2"' in generate_latest(registry).decode()
