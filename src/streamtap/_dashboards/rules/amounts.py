"""What is recorded besides shares of a kind: answers of providers, tokens of requests, cost, traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._dashboards.promql.pieces import is_none_of, is_one_of, ratio, total
from streamtap._dashboards.rules.histograms import Histogram
from streamtap._dashboards.rules.names import Level, Recording
from streamtap._dashboards.rules.share import Share
from streamtap._dashboards.rules.shares import OUTERMOST, Shares, counted
from streamtap._dashboards.rules.spans import within_the_hour
from streamtap._records.failed import FAILED_REQUESTS

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config


@dataclass(frozen=True)
class Amounts:
    """All of them.

    Args:
        config: The windows.
    """

    config: Config

    @property
    def everything(self) -> Level:
        """A job."""
        return Level(self.config)

    @property
    def providers(self) -> Level:
        """What is known of providers."""
        return Level(self.config, ('provider',))

    @property
    def root_agents(self) -> Level:
        """What is known of the agents that users ask, with all that those ask."""
        return Level(self.config, ('root_agent',))

    @property
    def contexts(self) -> Level:
        """What is known of an agent's requests to a model."""
        return Shares(self.config).contexts

    @property
    def unmeasured_share(self) -> Share:
        """Completed responses without usage: what people interrupt is nothing that anybody can set right."""
        level = Level(self.config, ('provider', 'model'))
        unmeasured = counted(level, 'pydantic_ai_unmeasured_responses_total', is_none_of('reason', ('interrupted',)))
        completed = counted(level, 'pydantic_ai_requests_total', 'outcome="success"')
        return Share(self.config, level, 'unmeasured_responses', 'completed_requests', unmeasured, completed)

    def answers(self, window: str) -> tuple[Recording, ...]:
        """How many requests a provider answered, and how many failed."""
        kinds = {'answered_requests': ('success',), 'requests_not_answered': FAILED_REQUESTS}
        return tuple(
            Recording(
                self.providers.increase(what, window),
                counted(self.providers, 'pydantic_ai_requests_total', is_one_of('outcome', outcomes))(window),
            )
            for what, outcomes in kinds.items()
        )

    def agent_requests(self) -> tuple[Recording, ...]:
        """How many requests an agent made."""
        level = Level(self.config, ('agent',))
        requests = counted(level, 'pydantic_ai_requests_total')
        windows = self.config.window, self.config.short
        return tuple(Recording(level.increase('agent_requests', window), requests(window)) for window in windows)

    def input_tokens(self) -> tuple[Recording, ...]:
        """How many input tokens a request has, and how many requests there were."""
        level = self.contexts
        tokens = Histogram(self.config, level, 'pydantic_ai_request_input_tokens')
        return tuple(
            rule
            for window in (self.config.window, self.config.short)
            for rule in (
                self.measured_requests(window),
                Recording(
                    level.mean('request_input_tokens', window),
                    ratio(tokens.total(window), level.increase('measured_requests', window)),
                ),
            )
        )

    def cache_losses(self, window: str) -> Recording:
        """US dollars that a cache would have saved."""
        lost = counted(self.contexts, 'pydantic_ai_cache_lost_usd_total')
        return Recording(self.contexts.increase('cache_lost_usd', window), lost(window))

    def measured_requests(self, window: str) -> Recording:
        """How many requests have a count of their input tokens."""
        tokens = Histogram(self.config, self.contexts, 'pydantic_ai_request_input_tokens')
        return Recording(self.contexts.increase('measured_requests', window), tokens.count(window))

    def usual_input_tokens(self) -> Recording:
        """How many input tokens a request usually has."""
        return self.contexts.usually(self.contexts.mean('request_input_tokens', self.config.window))

    def cost(self, window: str) -> tuple[Recording, ...]:
        """US dollars by who began it, and of all together."""
        by_root = self.root_agents.increase('cost_usd', window)
        return (
            Recording(by_root, counted(self.root_agents, 'pydantic_ai_cost_usd_total')(window)),
            Recording(self.everything.increase('cost_usd', window), total(self.everything.labels, by_root)),
        )

    def unmeasured(self) -> tuple[Recording, ...]:
        """The share of a model's completed responses without usage."""
        return self.unmeasured_share.recorded(self.config.accounting_window)

    def traffic(self) -> tuple[Recording, ...]:
        """How many runs users had."""
        runs = counted(self.everything, 'pydantic_ai_runs_total', OUTERMOST)
        windows = dict.fromkeys((*within_the_hour(self.config.stopped), '1h'))
        return tuple(Recording(self.everything.increase('runs', window), runs(window)) for window in windows)
