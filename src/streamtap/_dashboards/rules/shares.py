"""The shares that are recorded, and that alerts compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._dashboards.promql.growth import grown
from streamtap._dashboards.promql.pieces import is_none_of, is_one_of, series, total
from streamtap._dashboards.rules.histograms import Histogram
from streamtap._dashboards.rules.names import Level
from streamtap._dashboards.rules.share import Share

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._dashboards.config import Config

OUTERMOST = 'nested="false"'
STREAMED = 'streamed="true"'
LAG = 'streamtap_event_loop_lag_seconds'


@dataclass(frozen=True)
class Shares:
    """All of them.

    Args:
        config: What is bad.
    """

    config: Config

    @property
    def agents(self) -> Level:
        """What is known of agents."""
        return Level(self.config, ('agent',))

    @property
    def models(self) -> Level:
        """What is known of models."""
        return Level(self.config, ('provider', 'model'))

    @property
    def contexts(self) -> Level:
        """What is known of an agent's requests to a model."""
        return Level(self.config, ('agent', 'model'))

    @property
    def tools(self) -> Level:
        """What is known of tools."""
        return Level(self.config, ('agent', 'tool'))

    @property
    def run_failures(self) -> Share:
        """Runs that users waited for and that failed."""
        runs, config = 'pydantic_ai_runs_total', self.config
        bad = counted(self.agents, runs, OUTERMOST, is_one_of('outcome', config.bad_run_outcomes))
        known = counted(self.agents, runs, OUTERMOST, is_none_of('outcome', config.uncounted_run_outcomes))
        return Share(config, self.agents, 'run_failures', 'runs', bad, known)

    @property
    def blank_screens(self) -> Share:
        """Of the runs that showed something, those that were slow to: which others stream at all, no counter tells."""
        shown = Histogram(self.config, self.agents, 'pydantic_ai_run_time_to_first_output_seconds')
        return _beyond(shown, self.config.blank_screen_seconds, 'blank_screens', 'first_outputs')

    @property
    def looping_runs(self) -> Share:
        """Runs with more requests than any should have."""
        requests = Histogram(self.config, self.agents, 'pydantic_ai_run_requests')
        return _beyond(requests, self.config.max_run_requests, 'looping_runs', 'run_requests')

    @property
    def slow_first_tokens(self) -> Share:
        """Of all streamed requests: those that failed or were given up before a first token had none in time."""
        config, name = self.config, 'pydantic_ai_time_to_first_token_seconds'
        streamed = counted(self.models, 'pydantic_ai_requests_total', STREAMED)
        tokens = Histogram(config, self.models, name)

        def late(window: str) -> str:
            everything = self.models.increase('streamed_requests', window)
            return f'({everything}\n  -\n{tokens.within(config.first_token_seconds, window)})'

        return Share(config, self.models, 'slow_first_tokens', 'streamed_requests', late, streamed)

    @property
    def stalls(self) -> Share:
        """How often each streamed request stalled."""
        streamed = counted(self.models, 'pydantic_ai_requests_total', STREAMED)
        stalls = counted(self.models, 'pydantic_ai_stream_stalls_total')
        return Share(self.config, self.models, 'stream_stalls', 'streamed_requests', stalls, streamed)

    @property
    def rate_limited(self) -> Share:
        """Requests that were refused for their rate."""
        return self._refused('rate_limited_requests', is_one_of('error_type', self.config.rate_limit_errors))

    @property
    def failed_requests(self) -> Share:
        """Requests that failed for another reason."""
        return self._refused('failed_requests', is_none_of('error_type', self.config.rate_limit_errors))

    @property
    def tool_failures(self) -> Share:
        """Calls of a tool that failed."""
        calls = 'pydantic_ai_tool_calls_total'
        bad = counted(self.tools, calls, is_one_of('outcome', self.config.bad_tool_outcomes))
        return Share(self.config, self.tools, 'tool_failures', 'tool_calls', bad, counted(self.tools, calls))

    @property
    def slow_tools(self) -> Share:
        """Calls of a tool that took long."""
        took = Histogram(self.config, self.tools, 'pydantic_ai_tool_duration_seconds')
        return _beyond(took, self.config.slow_tool_seconds, 'slow_tool_calls', 'timed_tool_calls')

    @property
    def repeated_calls(self) -> Share:
        """Calls of a tool with the arguments of at least two others of their run."""
        bad, calls = (
            counted(self.tools, f'pydantic_ai_{name}_total') for name in ('repeated_tool_calls', 'tool_calls')
        )
        return Share(self.config, self.tools, 'repeated_calls', 'tool_calls', bad, calls)

    @property
    def full_contexts(self) -> Share:
        """Requests that took most of their model's context window."""
        used = Histogram(self.config, self.contexts, 'pydantic_ai_context_window_used_ratio')
        return _beyond(used, self.config.full_context, 'full_contexts', 'requests_of_known_window')

    @property
    def bought_again(self) -> Share:
        """Input tokens that a cache had, and that were paid for once more for a reason that can be helped."""
        missed = is_one_of('reason', self.config.cache_miss_reasons)
        bad = counted(self.contexts, 'pydantic_ai_cache_missed_tokens_total', missed)
        tokens = counted(self.contexts, 'pydantic_ai_input_tokens_total')
        return Share(self.config, self.contexts, 'bought_again_tokens', 'input_tokens', bad, tokens)

    @property
    def missed_objectives(self) -> Share:
        """Runs that users waited for and that missed their objective."""
        objectives = 'pydantic_ai_run_objectives_total'
        bad = counted(self.agents, objectives, 'met="false"')
        return Share(
            self.config, self.agents, 'missed_objectives', 'runs_with_objective', bad, counted(self.agents, objectives)
        )

    @property
    def retries(self) -> Share:
        """How often each run had a tool or an output sent back to the model."""
        of_tools = counted(self.agents, 'pydantic_ai_tool_retries_total')
        of_outputs = counted(self.agents, 'pydantic_ai_output_retries_total')
        runs = counted(self.agents, 'pydantic_ai_runs_total')

        def both(window: str) -> str:
            tools, outputs, none = of_tools(window), of_outputs(window), f'0 * {runs(window)}'
            return f'(({tools} or {none})\n  +\n({outputs} or {none}))'

        return Share(self.config, self.agents, 'retries_per_run', 'runs_of_all_kinds', both, runs)

    @property
    def loop_lag(self) -> Share:
        """Looks at an event loop that found it late."""
        level = Level(self.config, ('instance',), prefix='streamtap')
        late = Histogram(self.config, level, LAG)
        return _beyond(late, self.config.loop_lag_seconds, 'late_event_loops', 'event_loop_looks')

    def _refused(self, bad: str, matcher: str) -> Share:
        requests = counted(self.models, 'pydantic_ai_requests_total')
        refused = counted(self.models, 'pydantic_ai_request_errors_total', matcher)
        return Share(self.config, self.models, bad, 'requests', refused, requests)


def counted(level: Level, name: str, *matchers: str) -> Callable[[str], str]:
    """How many a counter counted within a window, from the first sample of each series.

    Args:
        level: What is kept apart.
        name: The counter.
        matchers: Of what is meant.
    """
    selector = series(name, *matchers)
    return lambda window: total(level.labels, grown(selector, window))


def _beyond(histogram: Histogram, bound: float, bad: str, of: str) -> Share:
    level = histogram.level

    def beyond(window: str) -> str:
        everything = level.increase(of, window)
        return f'({everything}\n  -\n{histogram.within(bound, window)})'

    return Share(histogram.config, level, bad, of, beyond, histogram.count)
