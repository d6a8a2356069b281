"""How a team's agents are, and what their metrics show of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MINUTE = 60

APM = {'agent': 'a', 'provider': 'p', 'model': 'm'}
TOOL = {'agent': 'a', 'tool': 't'}


@dataclass(frozen=True)
class State:
    """How a team's agents are: what happens to each run, request and call.

    Args:
        traffic: By what the usual number of runs is multiplied.
        failed_runs: The share of runs that fail.
        late_runs: The share of runs that show something too late.
        looping_runs: The share of runs that make too many requests.
        requests: Requests of a run.
        refused: The share of requests refused for their rate.
        failed_requests: The share of requests that fail otherwise.
        late_tokens: The share of requests whose first token is late.
        stalls: Stalls of a request.
        failed_calls: The share of tool calls that fail.
        slow_calls: The share of tool calls that are slow.
        retries: Retries of a run.
        tool_calls: Tool calls of a run.
        repeated_calls: The share of tool calls that repeat others of their run.
        full_contexts: The share of requests that take most of their model's window.
        missed_objectives: The share of runs that miss their objective.
        bought_again: The share of input tokens that a cache had.
        tokens: Input tokens of a request.
        cost: US dollars an hour.
        unmeasured: The share of responses without usage.
        late_loops: The share of looks at the event loop that find it late.
        open_requests: How many requests are open.
        silent: How many of them are silent in the middle.
        waiting: How many of them wait for a first token.
        oldest: The age of the oldest run, in seconds.
        up: Whether processes can be scraped.
        there: Whether they are there at all.
        tap_errors: Failures of the tap, a minute.
        overflow: Label values too many, a minute.
    """

    traffic: float = 1
    failed_runs: float = 0.004
    late_runs: float = 0.02
    looping_runs: float = 0.01
    requests: float = 3
    refused: float = 0.01
    failed_requests: float = 0.01
    late_tokens: float = 0.01
    stalls: float = 0.02
    failed_calls: float = 0.02
    slow_calls: float = 0.01
    retries: float = 0.5
    tool_calls: float = 1
    repeated_calls: float = 0.01
    full_contexts: float = 0.01
    missed_objectives: float = 0.02
    bought_again: float = 0.02
    tokens: float = 4000
    cost: float = 10
    unmeasured: float = 0.01
    late_loops: float = 0.001
    open_requests: int = 20
    silent: int = 0
    waiting: int = 1
    oldest: float = 40
    up: bool = True
    there: bool = True
    tap_errors: float = 0
    overflow: float = 0


WELL = State()


def counters(per_minute: float) -> Iterator[tuple[str, dict[str, str], Callable[[State], float]]]:
    """The counters of a team: name, labels, and by how much they grow in a minute.

    Args:
        per_minute: Runs that its users have, a minute.
    """

    def runs(state: State) -> float:
        return per_minute * state.traffic

    def requests(state: State) -> float:
        return runs(state) * state.requests

    def calls(state: State) -> float:
        return runs(state) * state.tool_calls

    def bad_requests(state: State) -> float:
        return state.refused + state.failed_requests

    run = {'agent': 'a', 'door': 'capability', 'nested': 'false'}
    asked = {**APM, 'streamed': 'true'}
    called = {**TOOL, 'kind': 'function'}
    yield 'pydantic_ai_runs_total', {**run, 'outcome': 'success'}, lambda s: runs(s) * (1 - s.failed_runs)
    yield 'pydantic_ai_runs_total', {**run, 'outcome': 'error'}, lambda s: runs(s) * s.failed_runs
    yield (
        'pydantic_ai_run_objectives_total',
        {'agent': 'a', 'met': 'true'},
        lambda s: runs(s) * (1 - s.missed_objectives),
    )
    missing = {'agent': 'a', 'met': 'false'}
    yield 'pydantic_ai_run_objectives_total', missing, lambda s: runs(s) * s.missed_objectives
    yield 'pydantic_ai_run_time_to_first_output_seconds_count', {'agent': 'a'}, runs
    in_time = {'agent': 'a', 'le': '7.5'}
    yield 'pydantic_ai_run_time_to_first_output_seconds_bucket', in_time, lambda s: runs(s) * (1 - s.late_runs)
    yield 'pydantic_ai_run_requests_count', {'agent': 'a'}, runs
    yield 'pydantic_ai_run_requests_bucket', {'agent': 'a', 'le': '32.0'}, lambda s: runs(s) * (1 - s.looping_runs)
    answered = {**asked, 'outcome': 'success'}
    yield 'pydantic_ai_requests_total', answered, lambda s: requests(s) * (1 - bad_requests(s))
    yield 'pydantic_ai_requests_total', {**asked, 'outcome': 'error'}, lambda s: requests(s) * bad_requests(s)
    refused, failed = ({**APM, 'error_type': f'ModelHTTPError_{status}'} for status in (429, 500))
    yield 'pydantic_ai_request_errors_total', refused, lambda s: requests(s) * s.refused
    yield 'pydantic_ai_request_errors_total', failed, lambda s: requests(s) * s.failed_requests
    unmeasured = {**APM, 'reason': 'not_reported'}
    yield 'pydantic_ai_unmeasured_responses_total', unmeasured, lambda s: requests(s) * s.unmeasured
    yield (
        'pydantic_ai_time_to_first_token_seconds_bucket',
        {**APM, 'le': '5.0'},
        lambda s: requests(s) * (1 - s.late_tokens - bad_requests(s)),
    )
    yield 'pydantic_ai_stream_stalls_total', APM, lambda s: requests(s) * s.stalls
    yield 'pydantic_ai_request_input_tokens_count', APM, requests
    yield 'pydantic_ai_request_input_tokens_sum', APM, lambda s: requests(s) * s.tokens
    yield 'pydantic_ai_context_window_used_ratio_count', APM, requests
    yield (
        'pydantic_ai_context_window_used_ratio_bucket',
        {**APM, 'le': '0.8'},
        lambda s: requests(s) * (1 - s.full_contexts),
    )
    yield 'pydantic_ai_input_tokens_total', APM, lambda s: requests(s) * s.tokens
    missed = {**APM, 'reason': 'prefix_changed'}
    yield 'pydantic_ai_cache_missed_tokens_total', missed, lambda s: requests(s) * s.tokens * s.bought_again
    # Nine tenths of three dollars a million.
    lost = 2.7e-6
    yield 'pydantic_ai_cache_lost_usd_total', APM, lambda s: requests(s) * s.tokens * s.bought_again * lost
    yield 'pydantic_ai_cost_usd_total', {**APM, 'root_agent': 'a'}, lambda s: s.cost / MINUTE
    yield 'pydantic_ai_tool_calls_total', {**called, 'outcome': 'success'}, lambda s: calls(s) * (1 - s.failed_calls)
    yield 'pydantic_ai_tool_calls_total', {**called, 'outcome': 'error'}, lambda s: calls(s) * s.failed_calls
    yield 'pydantic_ai_repeated_tool_calls_total', TOOL, lambda s: calls(s) * s.repeated_calls
    took = {**TOOL, 'outcome': 'success'}
    yield 'pydantic_ai_tool_duration_seconds_count', took, calls
    yield 'pydantic_ai_tool_duration_seconds_bucket', {**took, 'le': '5.0'}, lambda s: calls(s) * (1 - s.slow_calls)
    yield 'pydantic_ai_tool_retries_total', {**TOOL, 'cause': 'model_retry'}, lambda s: runs(s) * s.retries
    # Ten looks a second, while runs are open.
    looks = min(1.0, per_minute) * 600
    yield 'streamtap_event_loop_lag_seconds_count', {'thread': 'main'}, lambda s: looks
    yield (
        'streamtap_event_loop_lag_seconds_bucket',
        {'thread': 'main', 'le': '0.5'},
        lambda s: looks * (1 - s.late_loops),
    )
    yield 'streamtap_errors_total', {'where': 'Journal'}, lambda s: s.tap_errors
    yield 'streamtap_label_overflow_total', {'label': 'tool'}, lambda s: s.overflow


GAUGES: tuple[tuple[str, dict[str, str], Callable[[State], float]], ...] = (
    ('pydantic_ai_runs_in_progress', {'agent': 'a'}, lambda s: s.open_requests),
    ('pydantic_ai_requests_in_progress', APM, lambda s: s.open_requests),
    ('pydantic_ai_stalled_streams', {**APM, 'stage': 'mid_stream'}, lambda s: s.silent),
    ('pydantic_ai_stalled_streams', {**APM, 'stage': 'first_token'}, lambda s: s.waiting),
    ('pydantic_ai_oldest_run_age_seconds', {'agent': 'a'}, lambda s: s.oldest),
    ('streamtap_build_info', {'version': '1', 'pydantic_ai_version': '2', 'service_version': ''}, lambda s: 1),
)
"""The gauges: name, labels, and what they say."""
