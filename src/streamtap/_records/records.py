"""What the sinks receive: immutable facts about runs, responses, parts and tool calls.

A value that could not be observed is `None`, never 0 and never a guess.
All durations are in seconds, and all `*_ns` in nanoseconds since the Unix epoch.
"""

from dataclasses import dataclass, field
from typing import Literal

from streamtap._records.bounds import (
    Count,
    Dollars,
    Entries,
    Flag,
    Missed,
    Rate,
    Ratio,
    Seconds,
    Stamp,
    Text,
)
from streamtap._records.distribution import Distribution
from streamtap._records.known import sum_known
from streamtap._records.responses import PartRecord as PartRecord
from streamtap._records.responses import ResponseRecord as ResponseRecord
from streamtap._records.tools import McpRecord as McpRecord
from streamtap._records.tools import ToolRecord as ToolRecord
from streamtap._records.words import (
    PHASES as PHASES,
)
from streamtap._records.words import (
    CacheMissReason as CacheMissReason,
)
from streamtap._records.words import (
    CostSource as CostSource,
)
from streamtap._records.words import (
    Door as Door,
)
from streamtap._records.words import (
    FailurePlace as FailurePlace,
)
from streamtap._records.words import (
    ObjectivePart as ObjectivePart,
)
from streamtap._records.words import (
    Phase as Phase,
)
from streamtap._records.words import (
    RequestOutcome as RequestOutcome,
)
from streamtap._records.words import (
    RunOutcome as RunOutcome,
)
from streamtap._records.words import (
    ToolKind as ToolKind,
)
from streamtap._records.words import (
    ToolOutcome as ToolOutcome,
)
from streamtap._records.words import (
    Transport as Transport,
)
from streamtap._records.words import (
    UnmeasuredReason as UnmeasuredReason,
)


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
class FailureRecord:
    """Why a run failed, and where.

    `error` is the type of the exception that ended it, or its outcome where there was none. What failed is the model or
    the tool of that `name`, in that `step` of a run of `agent`: of the run itself, or of one that it called. Where the run's
    own time was up, it is the model or the tool that this interrupted. `place` is empty where nothing that was seen explains it.
    """

    agent: Text
    error: Text
    place: FailurePlace = ''
    name: Text = ''
    step: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopRecord:
    """What a run spent in loops: on tool calls that repeated two or more before them.

    `seconds` is their execution, `tokens` their share of the requests that asked for them.
    """

    calls: Count = 0
    seconds: Seconds = 0.0
    tokens: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One finished run.

    It begins when it is asked for: `started_ns`, `duration`, `time_to_first_output` and `time_to_final_result` are from
    there, and include the wait for a slot of `Agent(max_concurrency=...)`, the phase `queue`, where the door is the
    capability; the handler cannot know it.
    `duration` is `None` where its end was not seen, as that of a run that was still open when the tap was closed. `phases`
    splits the duration into the seconds spent on each. It is empty where there is no duration, and where a response was
    not seen to its end.
    Requests, tool calls, tokens and cost are the run's own; `called` is what the runs used that it called through its
    tools, and `total_requests`, `total_tool_calls`, `total_input_tokens`, `total_output_tokens` and `total_cost_usd` are
    both together. What such a run uses after all of its callers have ended is in its own record only.
    Its tokens and its cost are too low if `unmeasured_responses` is not 0: so many of its responses did not say all.
    `time_to_first_output` is the reader's where there is a `reader`, otherwise it is when the model's first output
    arrived; `first_output_seen_by` says whose it is.
    `parent_run_id` is the run that called it, and `parent_tool_call_id` the tool call of that run in which it was called;
    only the capability on that run knows the call.
    `failure` is there if it failed.
    `loops` is what it spent in loops. `context_used` is the highest share of a context window that a request of it took, and
    `context_growth` by how many tokens per step its prompts grew. All three are the run's own.
    `objective_met` says whether a run that nobody called met its agent's `Objective`, and `objective_missed` what of it was
    missed; `None` without an objective, for a run that was stopped before it missed any, and where it cannot be known.
    `question_id` is that of `tap.question()`, `attempt` which of its runs this was, and `time_to_answer` how long it took
    from the beginning of the first one to the end of this one, if this one succeeded.
    `service_version` is the version of your service.
    `unnamed_agents` is how many agents that are called `agent`, as those without a name are, the tap had seen when the run
    began and still existed, if the run's agent is one of them. It is 0 for an agent with another name.
    """

    run_id: Text
    conversation_id: Text | None = None
    parent_run_id: Text | None = None
    parent_tool_call_id: Text | None = None
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
    failure: FailureRecord | None = None
    loops: LoopRecord = LoopRecord()
    context_used: Ratio | None = None
    context_growth: Rate | None = None
    objective_met: Flag | None = None
    objective_missed: Missed = ()
    question_id: Text | None = None
    attempt: Count | None = None
    time_to_answer: Seconds | None = None
    service_version: Text | None = None
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
    def usage_reported(self) -> bool:
        """Whether a response reported its tokens; where none did, they are not known, and their sums are 0."""
        return self.input_tokens + self.output_tokens > 0

    @property
    def total_usage_reported(self) -> bool:
        """Whether a response reported its tokens, those of called runs included."""
        return self.total_input_tokens + self.total_output_tokens > 0

    @property
    def total_unmeasured_responses(self) -> int:
        """Responses that did not say all, those of called runs included."""
        return self.unmeasured_responses + self.called.unmeasured_responses

    @property
    def total_cost_usd(self) -> float | None:
        """Cost, that of called runs included; `None` if nothing could be priced."""
        return sum_known(self.cost_usd, self.called.cost_usd)
