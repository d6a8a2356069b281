"""Records made by hand, for tests of what sinks do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamtap import (
    Fault,
    LoopLag,
    PartRecord,
    ReaderRecord,
    ResponseRecord,
    ResponseStart,
    RunRecord,
    RunStart,
    ToolRecord,
    ToolStart,
)
from streamtap._records.distribution import Distribution

if TYPE_CHECKING:
    from streamtap import BaseSink

IDS = {'trace_id': '0af7651916cd43dd8448eb211c80319c', 'span_id': 'b7ad6b7169203331'}


def response(**changes: Any) -> ResponseRecord:
    """A complete response, with some fields changed."""
    fields: dict[str, Any] = {
        'run_id': 'r',
        'step': 1,
        'attempt': 1,
        'agent': 'a',
        'root_agent': 'a',
        'provider': 'p',
        'model': 'm',
        'door': 'capability',
        'started_ns': 0,
        'duration': 1.5,
        'streamed': True,
        'outcome': 'success',
        'finish_reason': 'stop',
    }
    return ResponseRecord(**{**fields, **changes})


def run_start(run_id: str, agent_name: str = 'a') -> RunStart:
    return RunStart(
        run_id=run_id,
        conversation_id=None,
        parent_run_id=None,
        agent=agent_name,
        root_agent=agent_name,
        door='handler',
        labels={},
        started_ns=0,
    )


def full_response(**changes: Any) -> ResponseRecord:
    """A response of which everything is known, with some fields changed."""
    fields: dict[str, Any] = {
        'time_to_first_token': 0.4,
        'time_to_first_output': 0.6,
        'inter_chunk_latencies': Distribution.of_values([0.02, 0.02, 0.3]),
        'inter_chunk_latency_sum': 0.34,
        'max_inter_chunk_latency': 0.3,
        'chunks': 4,
        'output_tokens_per_second': 55.0,
        'stalls': 2,
        'stall_seconds': 12.5,
        'usage_reported': True,
        'usage_complete': True,
        'input_tokens': 300,
        'output_tokens': 20,
        'cache_read_tokens': 100,
        'cache_write_tokens': 7,
        'reasoning_tokens': 5,
        'cost_usd': 0.25,
        'cost_source': 'list',
        'root_agent': 'boss',
        'parts': (PartRecord(index=0, kind='text', tool=None, tool_call_id=None, start=0.4, duration=0.3, chunks=4),),
    }
    return response(**{**fields, **changes})


def run(**changes: Any) -> RunRecord:
    """A run that succeeded, with some fields changed."""
    fields: dict[str, Any] = {
        'run_id': 'r',
        'agent': 'a',
        'root_agent': 'a',
        'door': 'capability',
        'started_ns': 0,
        'duration': 4.0,
        'outcome': 'success',
    }
    return RunRecord(**{**fields, **changes})


def read_run(**changes: Any) -> RunRecord:
    """A run whose output was read through the tap, with some fields changed."""
    reader = ReaderRecord(
        items=3,
        time_to_first_item=2.5,
        first_item_delay=1.5,
        inter_item_latencies=Distribution.of_values([0.1, 0.2]),
        inter_item_latency_sum=0.3,
        max_inter_item_latency=0.2,
        failed_partials=7,
    )
    return run(**{'time_to_first_output': 2.5, 'first_output_seen_by': 'reader', 'reader': reader, **changes})


def failed_run(**changes: Any) -> RunRecord:
    """A run that failed and of which everything is known, with some fields changed."""
    fields: dict[str, Any] = {
        'outcome': 'error',
        'error_type': 'ModelHTTPError_500',
        'requests': 3,
        'tool_calls': 2,
        'output_retries': 1,
        'cost_usd': 0.5,
        'time_to_first_output': 1.25,
        'time_to_final_result': 3.5,
        'phases': {'wait': 1.0, 'tools': 3.0},
    }
    return run(**{**fields, **changes})


def tool(**changes: Any) -> ToolRecord:
    """A tool call that succeeded, with some fields changed."""
    fields: dict[str, Any] = {
        'run_id': 'r',
        'step': 1,
        'agent': 'a',
        'tool': 't',
        'tool_call_id': 'c',
        'kind': 'function',
        'started_ns': 0,
        'duration': 0.75,
        'outcome': 'success',
    }
    return ToolRecord(**{**fields, **changes})


BAD_HEALTH: dict[str, Any] = {
    'context_window': 400,
    'context_tokens': 320,
    'cache_missed_tokens': 50,
    'cache_miss_reason': 'prefix_changed',
    'cache_saved_usd': 0.125,
    'cache_lost_usd': 0.0625,
    'tool_result_tokens': 40,
    'tool_results_of': 't',
}
"""What a response says of a context that fills up and a cache that was missed."""


def give_everything(sink: BaseSink, **of_responses: Any) -> None:
    """A run in which every metric of the catalogue has something to show."""
    sink.run_started(run_start('r'))
    start: dict[str, Any] = {
        'run_id': 'r',
        'conversation_id': None,
        'step': 1,
        'agent': 'a',
        'labels': {},
        'started_ns': 0,
    }
    sink.response_started(
        ResponseStart(**start, root_agent='boss', provider='p', model='m', door='capability', streamed=True)
    )
    sink.response_ended(full_response(**BAD_HEALTH, **IDS, **of_responses))
    failed = {'outcome': 'error', 'error_type': 'ModelHTTPError_429', 'finish_reason': 'error'}
    sink.response_ended(response(**failed, **IDS, **of_responses))
    free = {'model': 'free', 'usage_reported': True, 'usage_complete': True, 'input_tokens': 5}
    sink.response_ended(response(**free, **of_responses))
    sink.response_ended(response(model='silent', unmeasured='not_reported', **of_responses))
    sink.tool_started(ToolStart(**start, tool='t', tool_call_id='c', kind='function'))
    sink.tool_ended(tool(repeated=True, request_tokens=30, **IDS))
    sink.tool_ended(tool(outcome='error', error_type='ValueError', **IDS))
    sink.tool_ended(tool(outcome='retried', retry_cause='model_retry'))
    used = {'input_tokens': 305, 'output_tokens': 20}
    sink.run_ended(failed_run(objective_met=False, attempt=2, time_to_answer=9.0, **used, **IDS))
    sink.loop_lagged(LoopLag('MainThread', 0.2))
    sink.faulted(Fault('error', 'spans'))
    sink.faulted(Fault('dropped', 'records', 3))
