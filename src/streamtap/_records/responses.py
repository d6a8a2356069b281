"""What the sinks receive of a request to a model, and of what came back."""

from dataclasses import dataclass, field

from streamtap._records.bounds import (
    Count,
    Dollars,
    Entries,
    Flag,
    Index,
    Parts,
    Port,
    Rate,
    Seconds,
    Setting,
    StallStarts,
    Stamp,
    Text,
)
from streamtap._records.distribution import Distribution
from streamtap._records.words import (
    CacheMissReason,
    CostSource,
    Door,
    RequestOutcome,
    UnmeasuredReason,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """One part of a response: text, thinking, a tool call, and so on.

    `start` is in seconds after the start of the request, and `None` where that start is unknown.
    `duration` is from the part's start to its last chunk, and `None` where its end was not seen; `chunks` is 0 for a part
    without content.
    """

    index: Index
    kind: Text
    tool: Text | None
    tool_call_id: Text | None
    start: Seconds | None
    duration: Seconds | None
    chunks: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRecord:
    """One request to a model, and what came back.

    `duration` is `None` where the start was not seen, or the end: `run_stream()` hides it from its handler, and `chunks` are
    then those that were seen.
    `instrumented` says that pydantic-ai's own instrumentation reports tokens and cost of this request as well.
    `inter_chunk_latencies` is the distribution of the waits before each chunk after the first. `stall_starts` is when the first
    16 stalls began, in seconds after the start of the request (after the first event where that start is unknown).
    `stop_seconds` is how long the response went on after its reader had stopped reading, and `chunks_after_stop` how many
    chunks pydantic-ai still read by then.
    Token counts are the provider's; `usage_reported` is `False` if it sent none. `usage_complete` says that they are its
    last word; where they are not, `unmeasured` says why, unless the request failed before anything came.
    `cost_source` says where `cost_usd` is from; it is `None` for the rejected candidate of a fallback, where it is unknown.
    `request_settings` are numbers that the request was sent with, such as `max_tokens` and `temperature`, by the names of
    Pydantic AI's model settings; only the capability sees them.
    `context_window` is how many tokens its model can hold, and `context_tokens` how many of them were taken after the
    response: the prompt and the answer.
    `cache_missed_tokens` are tokens that were bought again although the conversation's last request to the same model left
    them in the provider's cache, and `cache_miss_reason` is what can be told of why; `None` where no such request was seen.
    `cache_saved_usd` is how much more the tokens read from the cache would have cost without it, and `cache_lost_usd` how
    much less the missed ones would have cost from it, both at list prices.
    `tool_result_tokens` is by how much the prompt grew since the run's last request, without that request's answer, and
    `tool_results_of` the tool whose results are in between, `_several` if there were several.
    `provider_timing` is what the provider says about its own time, in seconds: `queue`, `prompt` and `completion`, and
    `retry_after` where it refused the request and said when to come again. It is empty where Pydantic AI does not let that
    through.
    """

    run_id: Text
    conversation_id: Text | None = None
    step: Count
    attempt: Count
    agent: Text
    root_agent: Text
    provider: Text
    model: Text
    response_model: Text | None = None
    response_id: Text | None = None
    server_address: Text | None = None
    server_port: Port | None = None
    request_settings: Entries[Setting] = field(default_factory=dict[str, int | float])
    door: Door
    labels: Entries[Text] = field(default_factory=dict[str, str])
    started_ns: Stamp
    duration: Seconds | None
    streamed: Flag
    outcome: RequestOutcome
    wait_before_attempt: Seconds | None = None
    time_to_first_token: Seconds | None = None
    time_to_first_output: Seconds | None = None
    chunks: Count = 0
    inter_chunk_latencies: Distribution | None = None
    inter_chunk_latency_sum: Seconds | None = None
    max_inter_chunk_latency: Seconds | None = None
    stalls: Count = 0
    stall_seconds: Seconds = 0.0
    stall_starts: StallStarts = ()
    consumer_seconds: Seconds = 0.0
    stop_seconds: Seconds | None = None
    chunks_after_stop: Count | None = None
    output_tokens_per_second: Rate | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    usage_reported: Flag = False
    usage_complete: Flag = False
    unmeasured: UnmeasuredReason | None = None
    cost_usd: Dollars | None = None
    cost_source: CostSource | None = None
    context_window: Count | None = None
    context_tokens: Count | None = None
    cache_missed_tokens: Count | None = None
    cache_miss_reason: CacheMissReason | None = None
    cache_saved_usd: Dollars | None = None
    cache_lost_usd: Dollars | None = None
    tool_result_tokens: Count | None = None
    tool_results_of: Text | None = None
    provider_timing: Entries[Seconds] = field(default_factory=dict[str, float])
    finish_reason: Text | None = None
    error_type: Text | None = None
    parts: Parts[PartRecord] = ()
    instrumented: Flag = False
    trace_id: Text | None = None
    span_id: Text | None = None

    @property
    def context_used(self) -> float | None:
        """The share of its model's context window that was taken after the response; `None` if it is not known."""
        if not self.context_window or self.context_tokens is None:
            return None
        return self.context_tokens / self.context_window
