"""Every metric as data: the public contract that instruments, docs, dashboards, rules and tests read.

Adding a metric is one row here and one line where it is observed.
"""

from __future__ import annotations

from typing import get_args

from streamtap._records.records import (
    CacheMissReason,
    RequestOutcome,
    RunOutcome,
    ToolOutcome,
    UnmeasuredReason,
)
from streamtap._sinks.metrics.metric import Metric, counter, gauge, histogram

BUCKETS: dict[str, tuple[float, ...]] = {
    'D': (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300),
    'R': (0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 120, 300, 600, 3600),
    'I': (0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 30),
    'S': (3, 5, 8, 12, 18, 27, 40, 60, 90, 140, 210, 320, 640),
    'N': (0, 1, 2, 4, 8, 16, 32, 64, 128),
    'T': (
        *(500, 750, 1e3, 1.5e3, 2e3, 3e3, 4e3, 6e3, 8e3, 12e3, 16e3, 24e3, 32e3, 48e3, 64e3, 96e3, 128e3, 200e3),
        *(300e3, 500e3, 1e6),
    ),
    'C': (
        *(1e-4, 2e-4, 3e-4, 5e-4, 7.5e-4, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05),
        *(0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10, 100),
    ),
    'W': (0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
}
"""Bucket bounds by letter: D, R seconds (requests, runs), I seconds (gaps), S tokens/s, N counts, T tokens, C USD, W shares."""

STARTS_AT_ZERO: dict[str, tuple[str, tuple[str, ...]]] = {
    'pydantic_ai_runs_total': ('outcome', get_args(RunOutcome)),
    'pydantic_ai_requests_total': ('outcome', get_args(RequestOutcome)),
    'pydantic_ai_tool_calls_total': ('outcome', get_args(ToolOutcome)),
    'pydantic_ai_unmeasured_responses_total': ('reason', get_args(UnmeasuredReason)),
    'pydantic_ai_cache_missed_tokens_total': ('reason', get_args(CacheMissReason)),
    'pydantic_ai_run_objectives_total': ('met', ('true', 'false')),
}
"""The counters that start at 0 for each value of a label when their agent, model or tool is first seen."""

FIXED_LABELS = frozenset(
    {'outcome', 'door', 'nested', 'streamed', 'stage', 'phase', 'where', 'what', 'label', 'reason', 'met', 'attempt'}
)
"""Labels whose few values are defined by the tap itself: no cap applies."""


_A = ('agent',)
_APM = ('agent', 'provider', 'model')


CATALOGUE: tuple[Metric, ...] = (
    counter(
        'pydantic_ai_runs_total',
        ('agent', 'door', 'nested', 'outcome'),
        'Finished agent runs; a nested one was called by the tool of another run.',
        unit='{run}',
    ),
    histogram(
        'pydantic_ai_run_duration_seconds',
        ('agent', 'nested', 'outcome'),
        'R',
        'Duration of a run, its wait for a slot included.',
    ),
    counter(
        'pydantic_ai_run_errors_total',
        ('agent', 'nested', 'error_type'),
        'Runs that failed, by exception.',
        unit='{run}',
    ),
    histogram(
        'pydantic_ai_run_time_to_first_output_seconds',
        _A,
        'R',
        'The blank screen: run start to the first text, or the first argument of the final output tool; to the first '
        'item of the reader where the output is read through `tap.watch()`; of runs that are not nested.',
    ),
    histogram(
        'pydantic_ai_run_time_to_final_result_seconds',
        _A,
        'R',
        'Run start to the last final-result event of the run; of runs that are not nested.',
    ),
    counter(
        'pydantic_ai_run_phase_seconds_total',
        ('agent', 'phase'),
        'Where the time of runs went; a nested run lies inside the tools phase of its parent.',
    ),
    histogram(
        'pydantic_ai_run_requests',
        _A,
        'N',
        'Model requests of a run that is not nested, with those of the runs that it called.',
        unit='{request}',
    ),
    histogram(
        'pydantic_ai_run_tool_calls',
        _A,
        'N',
        'Function tools that ran in a run that is not nested, with those of the runs that it called.',
        unit='{call}',
    ),
    histogram(
        'pydantic_ai_run_tokens',
        _A,
        'T',
        'Input and output tokens of a run that is not nested, with those of the runs that it called; none if a response '
        'did not report all of its tokens, or none reported any.',
        unit='{token}',
    ),
    histogram(
        'pydantic_ai_run_cost_usd',
        ('agent', 'outcome'),
        'C',
        'Cost in US dollars of a run that is not nested, with that of the runs that it called.',
        unit='{USD}',
    ),
    counter(
        'pydantic_ai_run_objectives_total',
        ('agent', 'met'),
        'Runs that are not nested and met, or missed, the objective of their agent; a cancelled one only if it had '
        'already missed it.',
        unit='{run}',
    ),
    counter(
        'pydantic_ai_question_attempts_total',
        ('agent', 'attempt', 'outcome'),
        'Runs inside `tap.question()`, by whether they were the first attempt at their question or a later one.',
        unit='{run}',
    ),
    histogram(
        'pydantic_ai_time_to_answer_seconds',
        _A,
        'R',
        'Start of the first attempt at a question to the end of the one that succeeded.',
    ),
    counter('pydantic_ai_output_retries_total', _A, 'Outputs that validation sent back to the model.', unit='{retry}'),
    gauge('pydantic_ai_runs_in_progress', _A, 'livesum', 'Runs that are open now.', unit='{run}'),
    gauge('pydantic_ai_oldest_run_age_seconds', _A, 'livemax', 'Age of the oldest open run; 0 when none is open.'),
    counter(
        'pydantic_ai_requests_total',
        (*_APM, 'streamed', 'outcome'),
        'Requests to a model, failed fallback candidates included.',
        unit='{request}',
    ),
    histogram(
        'pydantic_ai_request_duration_seconds',
        (*_APM, 'outcome'),
        'D',
        'Request start to the last event, excluding the time in which your code held events.',
    ),
    counter(
        'pydantic_ai_request_errors_total',
        (*_APM, 'error_type'),
        'Provider and stream failures, by exception.',
        unit='{request}',
    ),
    counter('pydantic_ai_responses_total', (*_APM, 'finish_reason'), 'Responses by finish reason.', unit='{response}'),
    histogram(
        'pydantic_ai_request_input_tokens',
        _APM,
        'T',
        'Input tokens of a request, cached ones included.',
        unit='{token}',
    ),
    histogram(
        'pydantic_ai_context_window_used_ratio',
        _APM,
        'W',
        "The share of the model's context window that was taken after a request, its answer included; none where the "
        'window is not known.',
    ),
    gauge('pydantic_ai_requests_in_progress', _APM, 'livesum', 'Requests that are open now.', unit='{request}'),
    gauge(
        'pydantic_ai_stalled_streams',
        (*_APM, 'stage'),
        'livesum',
        'Open streams whose current wait is past its threshold: for the first token, or mid-stream.',
        unit='{stream}',
    ),
    histogram(
        'pydantic_ai_time_to_first_token_seconds', _APM, 'D', 'Request start to the first chunk, thinking included.'
    ),
    histogram(
        'pydantic_ai_time_to_first_output_seconds', _APM, 'D', 'Request start to the first chunk that is not thinking.'
    ),
    histogram(
        'pydantic_ai_inter_chunk_latency_seconds',
        _APM,
        'I',
        'Wait for the model before each chunk after the first.',
        only='scrape',
    ),
    histogram(
        'pydantic_ai_inter_chunk_latency_mean_seconds',
        _APM,
        'I',
        'Mean wait for the model before each chunk after the first, per response.',
        only='otlp',
    ),
    histogram(
        'pydantic_ai_inter_chunk_latency_max_seconds',
        _APM,
        'I',
        'Longest wait for the model before a chunk after the first, per response.',
        only='otlp',
    ),
    histogram(
        'pydantic_ai_output_tokens_per_second',
        _APM,
        'S',
        'Output tokens after the first chunk, per second between the first and the last one, without hidden reasoning; '
        'none where the pace of what was seen cannot be known.',
        unit='{token}/s',
    ),
    counter(
        'pydantic_ai_stream_stalls_total',
        _APM,
        'Silences of a stream longer than the stall threshold.',
        unit='{stall}',
    ),
    counter('pydantic_ai_stream_stall_seconds_total', _APM, 'Seconds spent in stalls.'),
    counter('pydantic_ai_parts_total', (*_APM, 'kind'), 'Parts of responses, by kind.', unit='{part}'),
    histogram('pydantic_ai_part_duration_seconds', ('agent', 'kind'), 'D', 'Start of a part to its last chunk.'),
    counter('pydantic_ai_input_tokens_total', _APM, 'Input tokens, cached ones included.', unit='{token}'),
    counter('pydantic_ai_output_tokens_total', _APM, 'Output tokens, reasoning included.', unit='{token}'),
    counter('pydantic_ai_cache_read_tokens_total', _APM, 'Input tokens read from the cache.', unit='{token}'),
    counter('pydantic_ai_cache_write_tokens_total', _APM, 'Input tokens written to the cache.', unit='{token}'),
    counter(
        'pydantic_ai_cache_missed_tokens_total',
        (*_APM, 'reason'),
        "Input tokens bought again although the conversation's last request had them cached.",
        unit='{token}',
    ),
    counter(
        'pydantic_ai_cache_saved_usd_total',
        _APM,
        'US dollars that tokens read from the cache would have cost more without it, at list prices.',
        unit='{USD}',
    ),
    counter(
        'pydantic_ai_cache_lost_usd_total',
        _APM,
        'US dollars that missed tokens would have cost less from the cache, at list prices.',
        unit='{USD}',
    ),
    counter('pydantic_ai_reasoning_tokens_total', _APM, 'Output tokens spent on reasoning.', unit='{token}'),
    counter(
        'pydantic_ai_cost_usd_total',
        (*_APM, 'root_agent'),
        'Cost in US dollars: your own price, else what the provider charged, else the list price; root_agent is the '
        'outermost agent of nested runs.',
        unit='{USD}',
    ),
    counter(
        'pydantic_ai_unmeasured_responses_total',
        (*_APM, 'reason'),
        'Responses whose tokens are missing or too few: interrupted, counted as far as reported; not_reported by the '
        'provider; or repeated in each chunk, which makes a wrong sum.',
        unit='{response}',
    ),
    counter(
        'pydantic_ai_unpriced_responses_total',
        _APM,
        'Responses with usage for which no price is known.',
        unit='{response}',
    ),
    counter(
        'pydantic_ai_tool_calls_total', ('agent', 'tool', 'kind', 'outcome'), 'Tool calls by outcome.', unit='{call}'
    ),
    histogram(
        'pydantic_ai_tool_duration_seconds', ('agent', 'tool', 'outcome'), 'D', 'Execution of a tool, without queueing.'
    ),
    counter(
        'pydantic_ai_tool_errors_total',
        ('agent', 'tool', 'error_type'),
        'Tools that raised, or that tool_error says failed, by error.',
        unit='{call}',
    ),
    counter(
        'pydantic_ai_tool_retries_total',
        ('agent', 'tool', 'cause'),
        'Tool calls the model was asked to make again.',
        unit='{call}',
    ),
    counter(
        'pydantic_ai_repeated_tool_calls_total',
        ('agent', 'tool'),
        'Tool calls with the same arguments as at least two before them in the same run: a loop.',
        unit='{call}',
    ),
    counter('pydantic_ai_repeated_tool_seconds_total', ('agent', 'tool'), 'Seconds that repeated tool calls took.'),
    counter(
        'pydantic_ai_repeated_tool_tokens_total',
        ('agent', 'tool'),
        'Tokens of the requests that asked for repeated tool calls, shared equally among the calls of each request.',
        unit='{token}',
    ),
    counter(
        'pydantic_ai_tool_result_tokens_total',
        ('agent', 'tool'),
        'By how much the input of the next request grew after a round in which only this tool ran, without the answer '
        'before it; _several after a round of several tools.',
        unit='{token}',
    ),
    gauge(
        'pydantic_ai_tools_in_progress', ('agent', 'tool'), 'livesum', 'Tool calls that are open now.', unit='{call}'
    ),
    histogram(
        'streamtap_event_loop_lag_seconds',
        ('thread',),
        'I',
        'How late the event loop runs what is due, while runs are open; with Tap(loop_lag_every=) only.',
    ),
    counter('streamtap_errors_total', ('where',), "The tap's own failures, swallowed.", unit='{error}'),
    counter('streamtap_dropped_total', ('what',), 'Records or open runs dropped at a cap.', unit='{record}'),
    counter('streamtap_label_overflow_total', ('label',), 'Label values folded into _other.', unit='{value}'),
    gauge(
        'streamtap_build_info',
        ('version', 'pydantic_ai_version', 'service_version'),
        'livemax',
        'Always 1; the labels say which versions run.',
    ),
)

SCRAPED: tuple[Metric, ...] = tuple(metric for metric in CATALOGUE if metric.only != 'otlp')
"""The metrics that are scraped."""

PUSHED: tuple[Metric, ...] = tuple(metric for metric in CATALOGUE if metric.only != 'scrape')
"""The metrics that are exported by OTLP."""

BY_NAME: dict[str, Metric] = {metric.name: metric for metric in CATALOGUE}
