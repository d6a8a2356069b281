"""Records that no run would make: names as records carry them, and any numbers that are at least 0."""

from __future__ import annotations

from hypothesis import strategies as st

from hostile.texts import NAMES
from streamtap import (
    CalledRuns,
    FailureRecord,
    Fault,
    LoopRecord,
    McpRecord,
    PartRecord,
    ResponseRecord,
    ResponseStart,
    RunRecord,
    RunStart,
    ToolRecord,
    ToolStart,
)
from streamtap._base.names import clean
from streamtap._records.distribution import BOUNDS, Distribution
from support.doors import DOORS

FIT = NAMES.map(clean)
"""What the doors make of any name."""

SECONDS = st.one_of(st.floats(0, 1e12), st.sampled_from((0.0, 5e-324, 1e9)))
COUNTS = st.integers(0, 10**12)
STAMPS = st.integers(0, 2**62)
LABELS = st.fixed_dictionaries({}, optional={'tenant': FIT, 'tier': FIT})

_NAMED = st.sampled_from(DOORS)
_KINDS = st.sampled_from(('function', 'output', 'native', 'mcp'))
_MISSED = st.lists(st.sampled_from(('failed', 'first_output', 'stall', 'duration', 'cost')), unique=True).map(tuple)

_RUN = {'run_id': FIT, 'conversation_id': st.none() | FIT, 'agent': FIT, 'labels': LABELS, 'started_ns': STAMPS}
_STEP = {**_RUN, 'step': COUNTS}
_TRACE = {
    'trace_id': st.none() | st.just('f' * 32),
    'span_id': st.none() | st.just('f' * 16),
    'error_type': st.none() | FIT,
}
_TOOL = {'tool': FIT, 'tool_call_id': FIT, 'kind': _KINDS}

_GAPS = st.lists(st.tuples(st.integers(0, len(BOUNDS)), st.integers(1, 10**9)), max_size=4).map(
    lambda buckets: Distribution(tuple(sorted(dict(buckets).items())))
)
_PARTS = st.builds(
    PartRecord,
    index=st.integers(-(2**63) + 1, 2**63 - 1),
    kind=FIT,
    tool=st.none() | FIT,
    tool_call_id=st.none() | FIT,
    start=st.none() | SECONDS,
    duration=SECONDS,
    chunks=COUNTS,
)

_FAILURES = st.builds(
    FailureRecord,
    agent=FIT,
    error=FIT,
    place=st.sampled_from(('model', 'tool', '')),
    name=FIT,
    step=COUNTS,
)
_CALLED = st.builds(
    CalledRuns,
    runs=COUNTS,
    requests=COUNTS,
    tool_calls=COUNTS,
    input_tokens=COUNTS,
    output_tokens=COUNTS,
    unmeasured_responses=COUNTS,
    cost_usd=st.none() | SECONDS,
)

STARTS = st.one_of(
    st.builds(RunStart, **_RUN, parent_run_id=st.none() | FIT, root_agent=FIT, door=_NAMED),
    st.builds(ResponseStart, **_STEP, root_agent=FIT, provider=FIT, model=FIT, door=_NAMED, streamed=st.booleans()),
    st.builds(ToolStart, **_STEP, **_TOOL),
)
RUNS = st.builds(
    RunRecord,
    **_RUN,
    **_TRACE,
    parent_run_id=st.none() | FIT,
    root_agent=FIT,
    door=_NAMED,
    duration=SECONDS,
    outcome=st.sampled_from(('success', 'error', 'cancelled', 'timeout', 'limit', 'deferred', 'incomplete')),
    requests=COUNTS,
    tool_calls=COUNTS,
    output_retries=COUNTS,
    input_tokens=COUNTS,
    output_tokens=COUNTS,
    unmeasured_responses=COUNTS,
    cost_usd=st.none() | SECONDS,
    time_to_first_output=st.none() | SECONDS,
    time_to_final_result=st.none() | SECONDS,
    phases=st.dictionaries(st.sampled_from(('wait', 'tools', 'other')), SECONDS),
    called=_CALLED,
    failure=st.none() | _FAILURES,
    loops=st.builds(LoopRecord, calls=COUNTS, seconds=SECONDS, tokens=COUNTS),
    context_used=st.none() | SECONDS,
    context_growth=st.none() | SECONDS,
    objective_met=st.none() | st.booleans(),
    objective_missed=_MISSED,
    question_id=st.none() | FIT,
    attempt=st.none() | COUNTS,
    time_to_answer=st.none() | SECONDS,
    service_version=st.none() | FIT,
    unnamed_agents=COUNTS,
)
RESPONSES = st.builds(
    ResponseRecord,
    **_STEP,
    **_TRACE,
    attempt=COUNTS,
    root_agent=FIT,
    provider=FIT,
    model=FIT,
    response_model=st.none() | FIT,
    door=_NAMED,
    duration=st.none() | SECONDS,
    streamed=st.booleans(),
    outcome=st.sampled_from(('success', 'error', 'cancelled', 'timeout', 'incomplete')),
    time_to_first_token=st.none() | SECONDS,
    time_to_first_output=st.none() | SECONDS,
    chunks=COUNTS,
    inter_chunk_latencies=st.none() | _GAPS,
    inter_chunk_latency_sum=st.none() | SECONDS,
    max_inter_chunk_latency=st.none() | SECONDS,
    stalls=COUNTS,
    stall_seconds=SECONDS,
    stall_starts=st.lists(SECONDS, max_size=3).map(tuple),
    consumer_seconds=SECONDS,
    output_tokens_per_second=st.none() | SECONDS,
    usage_reported=st.booleans(),
    usage_complete=st.booleans(),
    unmeasured=st.sampled_from((None, 'interrupted', 'not_reported', 'repeated')),
    input_tokens=st.none() | COUNTS,
    output_tokens=st.none() | COUNTS,
    cache_read_tokens=st.none() | COUNTS,
    cache_write_tokens=st.none() | COUNTS,
    reasoning_tokens=st.none() | COUNTS,
    cost_usd=st.none() | SECONDS,
    cost_source=st.sampled_from((None, 'price', 'provider', 'list')),
    context_window=st.none() | COUNTS,
    context_tokens=st.none() | COUNTS,
    cache_missed_tokens=st.none() | COUNTS,
    cache_miss_reason=st.sampled_from((None, 'prefix_changed', 'expired', 'below_minimum', 'unknown')),
    cache_saved_usd=st.none() | SECONDS,
    cache_lost_usd=st.none() | SECONDS,
    tool_result_tokens=st.none() | COUNTS,
    tool_results_of=st.none() | FIT,
    finish_reason=st.none() | FIT,
    parts=st.lists(_PARTS, max_size=3).map(tuple),
)
TOOLS = st.builds(
    ToolRecord,
    **_STEP,
    **_TRACE,
    **_TOOL,
    duration=st.none() | SECONDS,
    outcome=st.sampled_from(('success', 'retried', 'failed', 'denied', 'deferred', 'interrupted', 'error')),
    retry_cause=st.none() | FIT,
    repeated=st.booleans(),
    request_tokens=st.none() | COUNTS,
    mcp=st.none() | st.builds(McpRecord, server=st.none() | FIT),
)
FAULTS = st.builds(Fault, st.sampled_from(('error', 'dropped')), FIT, COUNTS)
