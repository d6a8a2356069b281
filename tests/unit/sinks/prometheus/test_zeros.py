"""Series that are at 0 before anything is counted in them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from streamtap import PrometheusSink, ResponseStart, Tap, ToolStart
from streamtap._meter import phases
from streamtap._records.faults import Fault
from streamtap._sinks.metrics.catalogue import BY_NAME
from streamtap._sinks.metrics.zeros import DROPPED, HISTOGRAMS, PHASES, PLACES, STREAMED_ONLY
from support.made_records import full_response, run, run_start, tool
from support.paths import ROOT

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

WHO = {'agent': 'a', 'provider': 'p', 'model': 'm'}


def shown(registry: CollectorRegistry, *labels: str) -> dict[str, set[float]]:
    """The values of all series that have these labels, and no le, by their name."""
    found: dict[str, set[float]] = {}
    for family in registry.collect():
        for sample in family.samples:
            if set(labels) <= sample.labels.keys() and not sample.name.endswith(('_created', '_bucket')):
                found.setdefault(sample.name, set()).add(sample.value)
    return found


def response_start(*, streamed: bool = True, root_agent: str = 'a') -> ResponseStart:
    return ResponseStart(
        run_id='r',
        conversation_id=None,
        step=1,
        agent='a',
        root_agent=root_agent,
        provider='p',
        model='m',
        door='capability',
        labels={},
        started_ns=0,
        streamed=streamed,
    )


@pytest.fixture
def sink(registry: CollectorRegistry) -> PrometheusSink:
    made = PrometheusSink(registry)
    Tap([made])
    return made


def test_a_run_that_begins_is_at_0_where_it_will_be_counted(sink: PrometheusSink, registry: CollectorRegistry):
    """Its outcomes, its phases, and what every run has; not what a run need not have."""
    sink.run_started(run_start('r'))
    assert {name for name in shown(registry, 'agent') if 'progress' not in name and 'oldest' not in name} == {
        'pydantic_ai_runs_total',
        'pydantic_ai_run_duration_seconds_count',
        'pydantic_ai_run_duration_seconds_sum',
        'pydantic_ai_run_phase_seconds_total',
        'pydantic_ai_run_requests_count',
        'pydantic_ai_run_requests_sum',
        'pydantic_ai_run_tokens_count',
        'pydantic_ai_run_tokens_sum',
        'pydantic_ai_run_tool_calls_count',
        'pydantic_ai_run_tool_calls_sum',
        'pydantic_ai_output_retries_total',
    }
    assert set().union(*shown(registry, 'agent').values()) == {0}


@pytest.mark.parametrize('streamed', [True, False])
def test_a_request_that_begins_is_at_0_where_it_will_be_counted(
    sink: PrometheusSink, registry: CollectorRegistry, *, streamed: bool
):
    """Tokens, cost under the outermost agent, what could not be measured; stalls only of what streams."""
    sink.run_started(run_start('r'))
    sink.response_started(response_start(streamed=streamed))
    names = shown(registry, 'model')
    counters = {name for name in names if name.endswith('_total')}
    assert counters == {
        'pydantic_ai_requests_total',
        'pydantic_ai_input_tokens_total',
        'pydantic_ai_output_tokens_total',
        'pydantic_ai_cache_read_tokens_total',
        'pydantic_ai_cache_write_tokens_total',
        'pydantic_ai_reasoning_tokens_total',
        'pydantic_ai_cost_usd_total',
        'pydantic_ai_unmeasured_responses_total',
        'pydantic_ai_unpriced_responses_total',
        *(STREAMED_ONLY - HISTOGRAMS if streamed else ()),
    }
    assert ('pydantic_ai_time_to_first_token_seconds_count' in names) is streamed
    assert registry.get_sample_value('pydantic_ai_cost_usd_total', {**WHO, 'root_agent': 'a'}) == 0
    assert set().union(*names.values()) == {0}


def test_a_tool_that_is_called_is_at_0_where_it_will_be_counted(sink: PrometheusSink, registry: CollectorRegistry):
    """For every outcome, and the duration of a success."""
    sink.tool_started(
        ToolStart(
            run_id='r',
            conversation_id=None,
            step=1,
            agent='a',
            tool='t',
            tool_call_id='c',
            kind='function',
            labels={},
            started_ns=0,
        )
    )
    assert shown(registry, 'tool') == {
        'pydantic_ai_tool_calls_total': {0},
        'pydantic_ai_tool_duration_seconds_count': {0},
        'pydantic_ai_tool_duration_seconds_sum': {0},
        'pydantic_ai_repeated_tool_calls_total': {0},
        'pydantic_ai_tools_in_progress': {0},
    }


def test_what_was_counted_is_not_declared_again(sink: PrometheusSink, registry: CollectorRegistry):
    """Zeros are of what is first seen: nothing is reset, and no series comes twice."""
    for _ in range(2):
        sink.run_started(run_start('r'))
        sink.response_started(response_start())
        sink.response_ended(full_response(root_agent='a'))
        sink.tool_ended(tool())
        sink.run_ended(run())
    assert registry.get_sample_value('pydantic_ai_input_tokens_total', WHO) == 600
    assert registry.get_sample_value('pydantic_ai_cost_usd_total', {**WHO, 'root_agent': 'a'}) == 0.5


def test_the_tap_itself_is_at_0_wherever_it_can_fail(sink: PrometheusSink, registry: CollectorRegistry):
    """From the start: the first error of the tap is one that an alert sees."""
    assert shown(registry, 'where') == {'streamtap_errors_total': {0}}
    assert shown(registry, 'what') == {'streamtap_dropped_total': {0}}
    assert shown(registry, 'label') == {'streamtap_label_overflow_total': {0}}
    sink.faulted(Fault('error', 'spans'))
    assert registry.get_sample_value('streamtap_errors_total', {'where': 'spans'}) == 1


def test_the_lists_are_those_of_the_code():
    """Phases as the meter has them, places where the tap's code says so, and metrics of the catalogue."""
    source = [path.read_text(encoding='utf-8') for path in (ROOT / 'src' / 'streamtap').rglob('*.py')]
    places = {
        ast.literal_eval(found) for text in source for found in re.findall(r"^WHERE = ('\w+')$", text, re.MULTILINE)
    }
    places |= {found for text in source for found in re.findall(r"guarded\([\w.]+, '(\w+)'\)", text)}
    dropped = {found for text in source for found in re.findall(r"dropped\('(\w+)'", text)}
    assert set(PHASES) == set(phases.PHASES)
    assert set(PLACES) == places
    assert set(DROPPED) == dropped
    assert BY_NAME.keys() >= HISTOGRAMS | STREAMED_ONLY


def test_the_cost_of_a_shared_agent_is_at_0_under_each_agent_that_calls_it(registry: CollectorRegistry):
    """Otherwise the first cost under the second of them would be lost."""
    sink = PrometheusSink(registry)
    Tap([sink])
    for root_agent in ('boss', 'other boss'):
        sink.response_started(response_start(root_agent=root_agent))
    who = {'agent': 'a', 'provider': 'p', 'model': 'm'}
    for root_agent in ('boss', 'other boss'):
        assert registry.get_sample_value('pydantic_ai_cost_usd_total', {**who, 'root_agent': root_agent}) == 0
