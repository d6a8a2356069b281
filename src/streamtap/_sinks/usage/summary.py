"""The usage summary: its models, and its tables for a terminal."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

from streamtap._base.safe_text import safe
from streamtap._display.grid import Column, Grid, tables_text
from streamtap._display.hints import NO_PRICE, NO_USAGE, Measured, shared_name
from streamtap._display.terminal import terminal_width
from streamtap._display.text import dollars, outcome_counts, rate, seconds
from streamtap._records.failed import FAILED_RUNS, FAILED_TOOLS


class Usage(BaseModel):
    """Requests, tokens and cost of one group; times in seconds, speed in tokens per second.

    `cost_usd` is `None` while nothing could be priced. The sums may be too low: `unmeasured_responses` did not say all of
    their tokens, among them `interrupted_responses`, which count as far as reported, and `unpriced_responses` have no
    known price.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    requests: int = 0
    failed_requests: int = 0
    streamed_requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    time_to_first_token_p50: float | None = None
    time_to_first_token_p95: float | None = None
    output_tokens_per_second_p50: float | None = None
    output_tokens_per_second_p95: float | None = None
    unmeasured_responses: int = 0
    interrupted_responses: int = 0
    unpriced_responses: int = 0


class RunsUsage(Usage):
    """The usage of a group of runs; `time_to_first_output` is for how long a user sees a blank screen.

    `runs_with_output` says of how many runs it is known: the others did not stream, or ended before they showed anything.
    A nested run was called by a tool of another run: it has no user and no blank screen of its own. `runs`, `outcomes` and
    `run_duration` leave nested runs out, except for an agent, where they count all of its runs. Requests, tool calls,
    tokens and `cost_usd` are those of all runs of the group; `total_cost_usd` is what the `runs` cost with those that
    they called.
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
    """One tool of one agent; durations in seconds."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    agent: str
    tool: str
    kind: str
    calls: int
    outcomes: dict[str, int]
    duration_p50: float | None
    duration_p95: float | None


class RecentRun(BaseModel):
    """One of the last runs, and where its time went."""

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
    input_tokens: int
    output_tokens: int
    unmeasured_responses: int
    cost_usd: float | None
    total_cost_usd: float | None
    phases: dict[str, float]


class UsageSummary(BaseModel):
    """Everything measured so far: print it for tables, which fit a terminal, call `.model_dump_json()` for JSON.

    A notebook shows it as tables when it is the last line of a cell, and keeps them in its file.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    total: RunsUsage
    agents: tuple[AgentUsage, ...] = ()
    models: tuple[ModelUsage, ...] = ()
    tools: tuple[ToolUsage, ...] = ()
    labels: tuple[LabelUsage, ...] = ()
    recent_runs: tuple[RecentRun, ...] = ()

    def __str__(self) -> str:
        """The summary as tables.

        If stdout is a terminal, they fit its width, and a line says which columns are left out; otherwise they have all.
        """
        return tables_text(self.grids(), self.notes(), terminal_width())

    def _repr_html_(self) -> str:
        """The summary as tables, for a notebook."""
        # Imported only where a notebook asks.
        from streamtap._display.elements import element, notebook_text, table

        return notebook_text(*map(table, self.grids()), *(element('p', note) for note in self.notes()))

    def grids(self) -> list[Grid]:
        """The summary as tables: agents with their total, then labels, models and tools, where there are any."""
        columns = (
            _RUN_COLUMNS if self.total.nested_runs else [each for each in _RUN_COLUMNS if each[1] not in _OF_NESTING]
        )
        grids = [_grid('agent', [(agent.agent, agent) for agent in self.agents], columns, self.total)]
        if self.labels:
            rows = [(f'{label.label}={label.value}', label) for label in self.labels]
            grids.append(_grid('label', rows, columns, None))
        if self.models:
            rows = [(f'{model.provider}:{model.model}', model) for model in self.models]
            grids.append(_grid('model', rows, _MODEL_COLUMNS, None))
        if self.tools:
            grids.append(_grid('tool', [(f'{t.agent}/{t.tool}', t) for t in self.tools], _TOOL_COLUMNS, None))
        return grids

    def notes(self) -> list[str]:
        """What is missing or may be too low, and why, a sentence for each reason."""
        total = self.total
        measured = Measured(
            requests=total.requests,
            streamed=total.streamed_requests,
            unmeasured=total.unmeasured_responses,
            unpriced=total.unpriced_responses,
            has_first_token=total.time_to_first_token_p50 is not None,
            has_speed=total.output_tokens_per_second_p50 is not None,
            has_cost=total.cost_usd is not None,
        )
        notes = measured.sentences
        without, interrupted = total.unmeasured_responses - total.interrupted_responses, total.interrupted_responses
        if without and measured.speed is not NO_USAGE and measured.cost is not NO_USAGE:
            notes.append(f'Responses whose usage is not known: {without} (not in tokens and cost)')
        if interrupted:
            notes.append(f'Responses that were interrupted: {interrupted} (in tokens and cost only as far as reported)')
        if total.unpriced_responses and measured.cost is not NO_PRICE:
            notes.append(f'Responses without a known price: {total.unpriced_responses} (not in cost)')
        if 0 < total.runs_with_output < total.runs:
            notes.append(
                f'Blank screen of {total.runs_with_output:,} of {total.runs:,} runs: the others did not stream, or ended before '
                'they showed anything'
            )
        notes += [shared_name(agent.unnamed_agents) for agent in self.agents if agent.unnamed_agents > 1]
        return notes


_Shown: TypeAlias = 'tuple[Column, str, Callable[[object], str]]'
"""A column, the field that it shows, and how."""

_RUN_COLUMNS: tuple[_Shown, ...] = (
    (Column('runs'), 'runs', str),
    (Column('nested', 8), 'nested_runs', str),
    (Column('blank p50'), 'time_to_first_output_p50', seconds),
    (Column('p95', 9, name='blank p95'), 'time_to_first_output_p95', seconds),
    (Column('run p50', 7), 'run_duration_p50', seconds),
    (Column('p95', 4, name='run p95'), 'run_duration_p95', seconds),
    (Column('reqs', 1), 'requests', str),
    (Column('tools', 3), 'tool_calls', str),
    (Column('in', 5), 'input_tokens', str),
    (Column('out', 6), 'output_tokens', str),
    (Column('cost'), 'cost_usd', dollars),
    (Column('with called', 10, beside='cost'), 'total_cost_usd', dollars),
    (Column('failed'), 'outcomes', partial(outcome_counts, only=FAILED_RUNS)),
    (Column('other', 2), 'outcomes', partial(outcome_counts, other_than=FAILED_RUNS)),
)
_OF_NESTING = ('nested_runs', 'total_cost_usd')
"""What a table has no use for where no run called another."""

_MODEL_COLUMNS: tuple[_Shown, ...] = (
    (Column('reqs'), 'requests', str),
    (Column('failed'), 'failed_requests', str),
    (Column('TTFT p50'), 'time_to_first_token_p50', seconds),
    (Column('p95', 5, name='TTFT p95'), 'time_to_first_token_p95', seconds),
    (Column('tokens/s p50'), 'output_tokens_per_second_p50', rate),
    (Column('tokens in', 3), 'input_tokens', str),
    (Column('cached', 2), 'cache_read_tokens', str),
    (Column('out', 4), 'output_tokens', str),
    (Column('reasoning', 1), 'reasoning_tokens', str),
    (Column('cost'), 'cost_usd', dollars),
)
_TOOL_COLUMNS: tuple[_Shown, ...] = (
    (Column('kind', 1, to_left=True), 'kind', str),
    (Column('calls'), 'calls', str),
    (Column('p50'), 'duration_p50', seconds),
    (Column('p95', 3, name='tool p95'), 'duration_p95', seconds),
    (Column('failed'), 'outcomes', partial(outcome_counts, only=FAILED_TOOLS)),
    (Column('other', 2), 'outcomes', partial(outcome_counts, other_than=FAILED_TOOLS)),
)


def _grid(
    title: str, rows: Sequence[tuple[str, BaseModel]], columns: Sequence[_Shown], total: BaseModel | None
) -> Grid:
    named = [*rows, ('total', total)] if total is not None else rows
    return Grid(
        columns=(Column(title), *(column for column, _, _ in columns)),
        rows=[(safe(name), *(show(getattr(group, field)) for _, field, show in columns)) for name, group in named],
        has_total=total is not None,
        name=f'{title}s',
    )
