"""The figures of the usage summary: those of an agent, a model, a tool, a value of a label, and a kind of failure."""

from pydantic import BaseModel, ConfigDict

from streamtap._base.public import claim


class Usage(BaseModel):
    """Requests, tokens and cost of one group; times in seconds, speed in tokens per second.

    `stalls` is how often responses fell silent in the middle, and `stall_seconds` for how long together.
    Tokens are `None` where there were requests and none of them said its tokens, as where all were refused: they are not known.
    `cost_usd` is `None` while nothing could be priced. The sums may be too low: `unmeasured_responses` did not say all of
    their tokens, among them `interrupted_responses`, which count as far as reported, and `unpriced_responses` have no
    known price.

    `cache_hit_share` is the share of the input tokens that the provider read from its cache; `None` while it says nothing of a
    cache. `cache_missed` are the tokens that were bought again although they had been in the cache, by what can be told of why,
    and `cache_saved_usd` and `cache_lost_usd` what the cache saved, and what those tokens cost more, at list prices.
    `context_used_p95` and `context_used_max` are shares of the context windows of the models that were asked.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    requests: int = 0
    failed_requests: int = 0
    streamed_requests: int = 0
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cache_read_tokens: int | None = 0
    cache_write_tokens: int | None = 0
    reasoning_tokens: int | None = 0
    cost_usd: float | None = None
    time_to_first_token_p50: float | None = None
    time_to_first_token_p95: float | None = None
    output_tokens_per_second_p50: float | None = None
    output_tokens_per_second_p95: float | None = None
    stalls: int = 0
    stall_seconds: float = 0.0
    unmeasured_responses: int = 0
    interrupted_responses: int = 0
    unpriced_responses: int = 0
    cache_hit_share: float | None = None
    cache_missed: dict[str, int] = {}
    cache_saved_usd: float | None = None
    cache_lost_usd: float | None = None
    context_used_p95: float | None = None
    context_used_max: float | None = None

    @property
    def tokens(self) -> int | None:
        """How many tokens went in and out; `None` where that is not known."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        return self.input_tokens + self.output_tokens

    @property
    def cache_missed_tokens(self) -> int:
        """How many tokens were bought again."""
        return sum(self.cache_missed.values())


class RunsUsage(Usage):
    """The usage of a group of runs; `time_to_first_output` is for how long a user sees a blank screen.

    `runs_with_output` says of how many runs it is known: the others did not stream, or ended before showing anything.
    A nested run was called by a tool of another run: it has no user and no blank screen of its own. `runs` are those that
    users asked for, and `nested_runs` come on top. `outcomes`, `run_duration` and `total_cost_usd`, which is what runs cost
    with those that they called, leave nested runs out, except for an agent, where they are of all of its runs. Requests,
    tokens and `cost_usd` are those of all runs of the group, open ones included. All else counts a run when it ends.

    `repeated_calls` are tool calls that repeated two or more before them in their run, all runs of the group included;
    `repeated_seconds` is how long they took, and `repeated_tokens` their share of the requests that asked for them.
    Of the runs that nobody called, `objective_counted` had an `Objective` and count for it, `objective_met` of them met it, and
    `objective_missed` is how many missed what of it. `questions` is how many questions of `tap.question()` had their first run,
    `attempts` how many runs all of them had; `first_try` of the first runs succeeded, and `first_try_failed` failed.
    `time_to_answer` is of those that were answered.
    """

    runs: int = 0
    nested_runs: int = 0
    outcomes: dict[str, int] = {}
    tool_calls: int = 0
    output_retries: int = 0
    total_cost_usd: float | None = None
    runs_with_output: int = 0
    time_to_first_output_p50: float | None = None
    time_to_first_output_p95: float | None = None
    run_duration_p50: float | None = None
    run_duration_p95: float | None = None
    repeated_calls: int = 0
    repeated_seconds: float = 0.0
    repeated_tokens: int = 0
    objective_counted: int = 0
    objective_met: int = 0
    objective_missed: dict[str, int] = {}
    questions: int = 0
    attempts: int = 0
    first_try: int = 0
    first_try_failed: int = 0
    time_to_answer_p50: float | None = None
    time_to_answer_p95: float | None = None

    @property
    def objective_share(self) -> float | None:
        """The share of the runs that count which met their objective; `None` if none counts."""
        return self.objective_met / self.objective_counted if self.objective_counted else None

    @property
    def first_try_share(self) -> float | None:
        """The share of first runs at a question that succeeded, of those that succeeded or failed; `None` without any."""
        counted = self.first_try_counted
        return self.first_try / counted if counted else None

    @property
    def first_try_counted(self) -> int:
        """How many first runs at a question succeeded or failed; one that somebody stopped did neither."""
        return self.first_try + self.first_try_failed


class AgentUsage(RunsUsage):
    """The usage of one agent, or of several agents without a name, which are counted together as `agent`."""

    agent: str
    unnamed_agents: int = 0


class LabelUsage(RunsUsage):
    """The usage of one value of one of the user's own labels."""

    label: str
    value: str


class ModelUsage(Usage):
    """The usage of one model."""

    provider: str
    model: str


class ToolUsage(BaseModel):
    """One tool of one agent; durations in seconds.

    They are of `timed_calls`: how long the others would have taken, such as those that were interrupted, is not known.
    `repeated_calls` repeated two or more before them in their run; `repeated_seconds` is how long they took, and
    `repeated_tokens` their share of the requests that asked for them. `result_tokens` is by how much the tool's results filled
    the prompts that they came back in, as far as it can be told. Results of several tools that came back together are those of
    a tool `_several`, without a kind and without calls.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    agent: str
    tool: str
    kind: str
    calls: int
    outcomes: dict[str, int]
    timed_calls: int = 0
    duration_p50: float | None
    duration_p95: float | None
    repeated_calls: int = 0
    repeated_seconds: float = 0.0
    repeated_tokens: int = 0
    result_tokens: int | None = None


class FailureUsage(BaseModel):
    """Runs that failed in the same way: with the same `error`, in the same model or tool, in a run of the same agent.

    The runs are those that no other run called, whichever run of theirs it was that failed. `place` is empty where nothing that was
    seen explains it, and `name` is then, too. They failed in the steps from `first_step` to `last_step`; `None` where that is
    not known. `first_seen` and `last_seen` are when the first and the last of them ended, in ISO 8601, and `run_ids` are the ids
    of the newest three, the newest first.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    agent: str
    error: str
    place: str
    name: str
    first_step: int | None
    last_step: int | None
    runs: int
    first_seen: str
    last_seen: str
    run_ids: tuple[str, ...]

    @property
    def where(self) -> str:
        """Where it failed: a tool, or a model by its name; empty if it was neither."""
        return f'tool {self.name}' if self.place == 'tool' else self.name

    @property
    def steps(self) -> str:
        """The steps in which it failed, such as `2` or `2-5`; empty where they are not known."""
        if self.first_step is None:
            return ''
        return f'{self.first_step}' if self.first_step == self.last_step else f'{self.first_step}-{self.last_step}'


class RecentRun(BaseModel):
    """One of the last runs or of the slowest, and where its time went; tokens are `None` where no response said any."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    run_id: str
    parent_run_id: str | None
    agent: str
    outcome: str
    error_type: str | None
    duration: float | None
    time_to_first_output: float | None
    requests: int
    tool_calls: int
    input_tokens: int | None
    output_tokens: int | None
    unmeasured_responses: int
    cost_usd: float | None
    total_cost_usd: float | None
    phases: dict[str, float]


claim(
    'streamtap.typing',
    ['Usage', 'RunsUsage', 'AgentUsage', 'LabelUsage', 'ModelUsage', 'ToolUsage', 'FailureUsage', 'RecentRun'],
    globals(),
)
