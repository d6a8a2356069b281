"""What several runs took together: what is used up is summed, and of what somebody waits for the worst counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._records.failed import FAILED_RUNS

if TYPE_CHECKING:
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._records.starts import RunStart

STREAM = 'use tap.capability(stream=True)'
"""What makes a run stream, and so have what only a stream shows."""


@dataclass(slots=True)
class Figure:
    """One figure of several runs.

    Args:
        value: What is known of it; `None` if nothing is.
        of: The agent that it is of, if it is one run's or one response's, or the tool.
        missing: Why it is not known as a whole, and what helps; `None` if it is.
    """

    value: float | None = None
    of: str | None = None
    missing: str | None = None

    def add(self, value: float | None) -> None:
        """Add to a sum."""
        if value is not None:
            self.value = (self.value or 0) + value

    def rise(self, value: float | None, of: str) -> None:
        """Keep the greatest."""
        if value is not None and (self.value is None or value > self.value):
            self.value, self.of = value, of

    def fall(self, value: float | None, of: str) -> None:
        """Keep the least."""
        if value is not None and (self.value is None or value < self.value):
            self.value, self.of = value, of

    def lacks(self, why: str) -> None:
        """A part of it is not known; the first reason is kept."""
        self.missing = self.missing or why


@dataclass(slots=True)
class Measured:
    """What several runs took together, in memory that does not grow with their number.

    The times and the first output are those of outermost runs, which somebody waits for; the rest includes the runs
    that they called.
    """

    runs: int = 0
    """How many outermost runs ended."""
    open: dict[str, str] = field(default_factory=dict[str, str])
    """The agents of the runs that have not ended, by run id."""
    first_output: Figure = field(default_factory=Figure)
    """Seconds until a user sees something: the longest."""
    run: Figure = field(default_factory=Figure)
    """Seconds that a run lasts: the longest."""
    stall: Figure = field(default_factory=Figure)
    """Seconds of silence after the first chunk of a response: the longest."""
    tokens_per_second: Figure = field(default_factory=Figure)
    """Output tokens per second of a response, of those that have such a speed: the lowest."""
    cost: Figure = field(default_factory=Figure)
    """US dollars: the sum."""
    requests: Figure = field(default_factory=Figure)
    """Requests to models, attempts that failed included: the sum."""
    tool_calls: Figure = field(default_factory=Figure)
    """Function tools that ran: the sum."""
    repeated_tool_calls: Figure = field(default_factory=Figure)
    """Calls of function tools that repeat at least two before them in their run: the sum, and the tool of the last."""
    objective_missed: Figure = field(default_factory=Figure)
    """Outermost runs that missed the objective of their agent: the sum, and the agent of the last."""
    context_used: Figure = field(default_factory=Figure)
    """The share of its model's context window that a response had taken: the highest."""
    cache_missed_tokens: Figure = field(default_factory=Figure)
    """Tokens bought again although the conversation's last request had them cached: the sum, and whose the last were."""
    input_tokens: Figure = field(default_factory=Figure)
    """Input tokens: the sum."""
    output_tokens: Figure = field(default_factory=Figure)
    """Output tokens: the sum."""

    def run_started(self, start: RunStart) -> None:
        """A run began: until it ends, no figure is whole."""
        self.open[start.run_id] = start.agent

    def response_ended(self, record: ResponseRecord) -> None:
        """Add a response."""
        who = record.agent
        self.tokens_per_second.fall(record.output_tokens_per_second, who)
        self.stall.rise(_longest_silence(record), who)
        self.context_used.rise(record.context_used, who)
        self._buy_again(record)
        if unseen := _why_silences_are_unseen(record):
            self.stall.lacks(unseen)
        if record.unmeasured is not None:
            why = f'a response to {who} did not report all of its tokens ({record.unmeasured})'
            for figure in (
                self.input_tokens,
                self.output_tokens,
                self.cost,
                self.context_used,
                self.cache_missed_tokens,
            ):
                figure.lacks(why)
        elif record.usage_reported and record.context_used is None:
            self.context_used.lacks(f'the context window of {record.provider}:{record.model} is not known')
        if record.unmeasured is None and record.usage_reported and record.cost_usd is None:
            self.cost.lacks(f'no price is known for {record.provider}:{record.model}: give Tap(price=...)')

    def tool_ended(self, record: ToolRecord) -> None:
        """Add a tool call."""
        if record.repeated:
            self.repeated_tool_calls.add(1)
            self.repeated_tool_calls.of = f'{record.agent}/{record.tool}'

    def run_ended(self, record: RunRecord) -> None:
        """Add a run, nested or not."""
        self.open.pop(record.run_id, None)
        self.cost.add(record.cost_usd)
        self.requests.add(record.requests)
        self.tool_calls.add(record.tool_calls)
        self.repeated_tool_calls.add(0)
        self.input_tokens.add(record.input_tokens)
        self.output_tokens.add(record.output_tokens)
        if record.nested:
            return
        self.runs += 1
        self._judge(record)
        self.run.rise(record.duration, record.agent)
        if record.duration is None:
            self.run.lacks(f'nobody saw the end of a run of {record.agent}')
        self.first_output.rise(record.time_to_first_output, record.agent)
        if record.time_to_first_output is None:
            self.first_output.lacks(_why_no_first_output(record))

    def _buy_again(self, record: ResponseRecord) -> None:
        self.cache_missed_tokens.add(record.cache_missed_tokens)
        if record.cache_missed_tokens:
            self.cache_missed_tokens.of = record.agent

    def _judge(self, record: RunRecord) -> None:
        if record.objective_met is not None:
            self.objective_missed.add(not record.objective_met)
            if not record.objective_met:
                self.objective_missed.of = f'{record.agent}: {", ".join(record.objective_missed).replace("_", " ")}'
        elif record.outcome in ('success', *FAILED_RUNS):
            # Others do not count, unless they had missed something by then.
            self.objective_missed.lacks(
                f'a run of {record.agent} could not be judged: does its tap have Tap(objective=...)?'
            )

    def whole(self, name: str) -> float | None:
        """A figure; `None` unless all of it is known.

        Args:
            name: Which.
        """
        figure: Figure = getattr(self, name)
        return None if figure.missing or self.open else figure.value

    def still_open(self) -> str | None:
        """Why nothing is whole, if a run has not ended."""
        agent = next(iter(self.open.values()), None)
        return None if agent is None else f'a run of {agent} has not ended'


def _why_no_first_output(record: RunRecord) -> str:
    if record.outcome == 'success':
        return f'a run of {record.agent} streamed no output that the tap could see: {STREAM}'
    return f'a run of {record.agent} ended before its first output ({record.outcome})'


def _longest_silence(record: ResponseRecord) -> float | None:
    """The longest wait after the first chunk: it was at least as long as this, and mostly just as long.

    The last stall of a response may have ended without a chunk, and is then in the sum of the stalls only.
    """
    longest = record.max_inter_chunk_latency
    if not record.stalls:
        return 0.0 if longest is None and record.streamed and record.chunks == 1 else longest
    average = record.stall_seconds / record.stalls
    if longest is None:
        return average
    return max(longest, average, record.stall_seconds - (record.stalls - 1) * longest)


def _why_silences_are_unseen(record: ResponseRecord) -> str | None:
    if not record.streamed:
        # One that failed may have had nothing to stream.
        failed = record.outcome in ('error', 'timeout')
        return None if failed else f'a response to {record.agent} was not streamed: {STREAM}'
    if record.outcome == 'incomplete' or (record.outcome == 'success' and not record.chunks):
        return f'a response to {record.agent} was not seen to its end: use tap.capability()'
    if record.chunks > 1 and record.max_inter_chunk_latency is None:
        return f'whoever read a response to {record.agent} held its stream up, which hides the silences of the model'
    return None
