"""What the sinks receive: immutable facts about runs, responses, parts and tool calls.

A value that could not be observed is `None`, never 0 and never a guess.
All durations are in seconds, and all `*_ns` in nanoseconds since the Unix epoch.
"""

from dataclasses import dataclass, field
from typing import Literal, get_args

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
from streamtap._records.known import sum_known

Door = Literal['handler', 'capability', 'watch']
"""How the tap was attached to the run."""

RunOutcome = Literal['success', 'error', 'cancelled', 'timeout', 'limit', 'deferred', 'incomplete']
"""How a run ended; what the words mean is in docs/metrics.md."""

RequestOutcome = Literal['success', 'error', 'cancelled', 'timeout', 'incomplete']
"""How a request ended, in the same words."""

UnmeasuredReason = Literal['interrupted', 'not_reported', 'repeated']
"""Why the tokens of a response are absent or too few.

`interrupted`: it did not end, and counts as far as its provider had reported. `not_reported`: its provider reported none.
`repeated`: its server repeats its usage in each chunk, and what pydantic-ai makes of that is wrong.
"""

CostSource = Literal['price', 'provider', 'list']
"""Who says what a response cost: your own `price`, the provider that charged it, or pydantic-ai's list of prices."""

ToolOutcome = Literal['success', 'retried', 'failed', 'denied', 'deferred', 'interrupted', 'error']
"""How a tool call ended, in the same words."""

Phase = Literal['queue', 'wait', 'stream', 'model', 'native_tools', 'tools', 'consumer', 'other']
"""What a run's time was spent on."""

PHASES = get_args(Phase)

ToolKind = Literal['function', 'mcp', 'output', 'native']
"""Who runs a tool, and what for: a function of yours, an MCP server, the run's final output, or the provider."""

Transport = Literal['http', 'stdio']
"""How an MCP server is reached."""


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
    provider_timing: Entries[Seconds] = field(default_factory=dict[str, float])
    finish_reason: Text | None = None
    error_type: Text | None = None
    parts: Parts[PartRecord] = ()
    instrumented: Flag = False
    trace_id: Text | None = None
    span_id: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class McpRecord:
    """The MCP server that a tool is of.

    `server` is the id that you gave it, else the name that it gives itself. Its address is not recorded.
    """

    server: Text | None = None
    protocol_version: Text | None = None
    transport: Transport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRecord:
    """One call of a function, MCP, output or native tool; `duration` is the tool's own execution.

    `repeated` says that at least two calls before it in its run were of the same tool with the same arguments: a loop.
    Only function and MCP tools that ran are compared. `mcp` is there for tools of the kind `mcp`.
    """

    run_id: Text
    conversation_id: Text | None = None
    step: Count
    agent: Text
    tool: Text
    tool_call_id: Text
    kind: ToolKind
    mcp: McpRecord | None = None
    labels: Entries[Text] = field(default_factory=dict[str, str])
    started_ns: Stamp
    duration: Seconds | None
    outcome: ToolOutcome
    retry_cause: Text | None = None
    repeated: Flag = False
    error_type: Text | None = None
    trace_id: Text | None = None
    span_id: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledRuns:
    """What the runs used that a run called through its tools, and those that they called in turn.

    `runs` is how many they are; `cost_usd` is `None` while nothing could be priced.
    """

    runs: Count = 0
    requests: Count = 0
    tool_calls: Count = 0
    input_tokens: Count = 0
    output_tokens: Count = 0
    unmeasured_responses: Count = 0
    cost_usd: Dollars | None = None

    def __add__(self, other: 'CalledRuns') -> 'CalledRuns':
        return CalledRuns(
            runs=self.runs + other.runs,
            requests=self.requests + other.requests,
            tool_calls=self.tool_calls + other.tool_calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            unmeasured_responses=self.unmeasured_responses + other.unmeasured_responses,
            cost_usd=sum_known(self.cost_usd, other.cost_usd),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderRecord:
    """What the reader of a run's output got: the code behind `tap.watch(result.stream_text())` and its siblings.

    Debouncing, partial validation and the reader itself stand between it and the model. `items` are texts, outputs or
    responses that had something to show. `time_to_first_item` is from the start of the run, `first_item_delay` from the
    model's first output to the first item. `inter_item_latencies` is the distribution of the times from one item to the
    next, the reader's own work included. `failed_partials` is how many outputs failed to validate because they were not
    complete yet, so that the reader got nothing; only the capability sees them.
    """

    items: Count
    time_to_first_item: Seconds | None = None
    first_item_delay: Seconds | None = None
    inter_item_latencies: Distribution | None = None
    inter_item_latency_sum: Seconds | None = None
    max_inter_item_latency: Seconds | None = None
    failed_partials: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One finished run.

    `duration` is `None` where its end was not seen, as that of a run that was still open when the tap was closed. `phases` splits the duration into the
    seconds spent on each; time spent waiting in a `queue` comes on top. It is empty where there is no duration, and where a
    response was not seen to its end.
    Requests, tool calls, tokens and cost are the run's own; `called` is what the runs used that it called through its
    tools, and `total_requests`, `total_tool_calls`, `total_input_tokens`, `total_output_tokens` and `total_cost_usd` are
    both together. What such a run uses after all of its callers have ended is in its own record only.
    Its tokens and its cost are too low if `unmeasured_responses` is not 0: so many of its responses did not say all.
    `time_to_first_output` is the reader's where there is a `reader`, otherwise it is when the model's first output
    arrived; `first_output_seen_by` says whose it is.
    `unnamed_agents` is how many agents that are called `agent`, as those without a name are, the tap had seen when the run
    began and still existed, if the run's agent is one of them. It is 0 for an agent with another name.
    """

    run_id: Text
    conversation_id: Text | None = None
    parent_run_id: Text | None = None
    agent: Text
    root_agent: Text
    door: Door
    labels: Entries[Text] = field(default_factory=dict[str, str])
    started_ns: Stamp
    duration: Seconds | None
    outcome: RunOutcome
    error_type: Text | None = None
    requests: Count = 0
    tool_calls: Count = 0
    output_retries: Count = 0
    input_tokens: Count = 0
    output_tokens: Count = 0
    unmeasured_responses: Count = 0
    cost_usd: Dollars | None = None
    time_to_first_output: Seconds | None = None
    first_output_seen_by: Literal['model', 'reader'] | None = None
    time_to_final_result: Seconds | None = None
    phases: Entries[Seconds] = field(default_factory=dict[str, float])
    called: CalledRuns = CalledRuns()
    unnamed_agents: Count = 0
    reader: ReaderRecord | None = None
    trace_id: Text | None = None
    span_id: Text | None = None

    @property
    def nested(self) -> bool:
        """Whether a run that was open when this one began called it: it then has no user of its own."""
        return self.parent_run_id is not None

    @property
    def total_requests(self) -> int:
        """Model requests, those of called runs included."""
        return self.requests + self.called.requests

    @property
    def total_tool_calls(self) -> int:
        """Function tools that ran, those of called runs included."""
        return self.tool_calls + self.called.tool_calls

    @property
    def total_input_tokens(self) -> int:
        """Input tokens, those of called runs included."""
        return self.input_tokens + self.called.input_tokens

    @property
    def total_output_tokens(self) -> int:
        """Output tokens, those of called runs included."""
        return self.output_tokens + self.called.output_tokens

    @property
    def total_unmeasured_responses(self) -> int:
        """Responses that did not say all, those of called runs included."""
        return self.unmeasured_responses + self.called.unmeasured_responses

    @property
    def total_cost_usd(self) -> float | None:
        """Cost, that of called runs included; `None` if nothing could be priced."""
        return sum_known(self.cost_usd, self.called.cost_usd)


@dataclass(frozen=True, slots=True)
class LoopLag:
    """How many seconds late an event loop ran a call that was due; `thread` is the name of its thread."""

    thread: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Fault:
    """The tap itself failed or dropped something; the run that it measured was not affected.

    `kind` is `error` (an exception in the tap or in a sink; `subject` says in which) or `dropped` (something dropped at
    a cap, such as records or open runs, or `labels`, values that are not plain; `subject` says what).
    """

    kind: Literal['error', 'dropped']
    subject: str
    count: int = 1
