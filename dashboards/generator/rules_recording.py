"""The recording rules: each share that an alert compares, so that boards and alerts read the same number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.rules_promql import at_most, is_none_of, is_one_of, ratio, series, total

if TYPE_CHECKING:
    from config import Config

STREAMED = 'streamed="true"'


@dataclass(frozen=True)
class Recording:
    """One recording rule.

    Args:
        record: The name of what it records.
        expr: The expression.
    """

    record: str
    expr: str


@dataclass(frozen=True)
class Names:
    """The names of what is recorded: which labels are left, of what, taken how.

    Args:
        config: The windows.
    """

    config: Config

    def run_failures(self, window: str) -> str:
        """The share of an agent's runs that failed."""
        return f'agent:pydantic_ai_run_failures:ratio_rate{window}'

    def runs(self, window: str) -> str:
        """How many runs of an agent count."""
        return f'agent:pydantic_ai_runs:increase{window}'

    @property
    def first_outputs(self) -> str:
        """How many runs of an agent showed something."""
        return f'agent:pydantic_ai_first_outputs:increase{self.config.window}'

    @property
    def blank_screens(self) -> str:
        """The share of them that were slow to."""
        return f'agent:pydantic_ai_blank_screens:ratio_rate{self.config.window}'

    def requests(self, kind: str = 'requests') -> str:
        """How many requests a model got."""
        return f'model:pydantic_ai_{kind}:increase{self.config.window}'

    def of_requests(self, what: str) -> str:
        """A share of a model's requests."""
        return f'model:pydantic_ai_{what}:ratio_rate{self.config.window}'

    @property
    def tool_calls(self) -> str:
        """How often a tool was called."""
        return f'tool:pydantic_ai_tool_calls:increase{self.config.window}'

    @property
    def tool_failures(self) -> str:
        """The share of a tool's calls that failed."""
        return f'tool:pydantic_ai_tool_failures:ratio_rate{self.config.window}'

    @property
    def cost(self) -> str:
        """US dollars."""
        return f'job:pydantic_ai_cost_usd:increase{self.config.accounting_window}'

    @property
    def responses(self) -> str:
        """How many responses a model completed."""
        return f'model:pydantic_ai_completed_requests:increase{self.config.accounting_window}'

    @property
    def unmeasured(self) -> str:
        """The share of a model's completed responses without usage."""
        return f'model:pydantic_ai_unmeasured_responses:ratio_rate{self.config.accounting_window}'


def recordings(config: Config) -> dict[str, tuple[Recording, ...]]:
    """The recording rules by group.

    Args:
        config: What is bad, and over which windows.
    """
    return {
        'streamtap-runs': _runs(config),
        'streamtap-requests': _requests(config),
        'streamtap-tools': _tools(config),
        'streamtap-accounting': _accounting(config),
    }


def _runs(config: Config) -> tuple[Recording, ...]:
    labels, names = (*config.keep, 'agent'), Names(config)
    counted = series('pydantic_ai_runs_total', is_none_of('outcome', config.uncounted_run_outcomes))
    bad = series('pydantic_ai_runs_total', is_one_of('outcome', config.bad_run_outcomes))
    windows = [window for burn in config.burns for window in (burn.short, burn.long)]
    failures = [
        Recording(
            names.run_failures(window),
            ratio(total(labels, f'rate({bad}[{window}])'), total(labels, f'rate({counted}[{window}])')),
        )
        for window in dict.fromkeys(windows)
    ]
    runs = [
        Recording(names.runs(window), total(labels, f'increase({counted}[{window}])'))
        for window in dict.fromkeys(burn.long for burn in config.burns)
    ]
    return (*failures, *runs, *_first_outputs(config))


def _first_outputs(config: Config) -> tuple[Recording, ...]:
    labels, names, window = (*config.keep, 'agent'), Names(config), config.window
    name = 'pydantic_ai_run_time_to_first_output_seconds'
    shown = series(name, suffix='_count')
    in_time = series(name, at_most(name, config.blank_screen_seconds), suffix='_bucket')
    share = ratio(total(labels, f'rate({in_time}[{window}])'), total(labels, f'rate({shown}[{window}])'))
    return (
        Recording(names.first_outputs, total(labels, f'increase({shown}[{window}])')),
        # Of the runs that showed something: which others stream at all, no counter of runs tells.
        Recording(names.blank_screens, f'1 - {share}'),
    )


def _requests(config: Config) -> tuple[Recording, ...]:
    labels, names, window = (*config.keep, 'provider', 'model'), Names(config), config.window
    first_token = 'pydantic_ai_time_to_first_token_seconds'

    def per_second(selector: str) -> str:
        return total(labels, f'rate({selector}[{window}])')

    requests = series('pydantic_ai_requests_total')
    streamed = series('pydantic_ai_requests_total', STREAMED)
    in_time = series(first_token, at_most(first_token, config.first_token_seconds), suffix='_bucket')
    errors = 'pydantic_ai_request_errors_total'
    limited = series(errors, is_one_of('error_type', config.rate_limit_errors))
    failed = series(errors, is_none_of('error_type', config.rate_limit_errors))
    stalls = series('pydantic_ai_stream_stalls_total')
    return (
        Recording(names.requests(), total(labels, f'increase({requests}[{window}])')),
        Recording(names.requests('streamed_requests'), total(labels, f'increase({streamed}[{window}])')),
        # Of all streamed requests: those that failed or were given up before a first token had none in time.
        Recording(names.of_requests('slow_first_tokens'), f'1 - {ratio(per_second(in_time), per_second(streamed))}'),
        Recording(names.of_requests('stream_stalls'), ratio(per_second(stalls), per_second(streamed))),
        Recording(names.of_requests('rate_limited_requests'), ratio(per_second(limited), per_second(requests))),
        Recording(names.of_requests('failed_requests'), ratio(per_second(failed), per_second(requests))),
    )


def _tools(config: Config) -> tuple[Recording, ...]:
    labels, names, window = (*config.keep, 'agent', 'tool'), Names(config), config.window
    calls = series('pydantic_ai_tool_calls_total')
    bad = series('pydantic_ai_tool_calls_total', is_one_of('outcome', config.bad_tool_outcomes))
    return (
        Recording(names.tool_calls, total(labels, f'increase({calls}[{window}])')),
        Recording(
            names.tool_failures,
            ratio(total(labels, f'rate({bad}[{window}])'), total(labels, f'rate({calls}[{window}])')),
        ),
    )


def _accounting(config: Config) -> tuple[Recording, ...]:
    labels, names, window = (*config.keep, 'provider', 'model'), Names(config), config.accounting_window
    cost = series('pydantic_ai_cost_usd_total')
    completed = series('pydantic_ai_requests_total', 'outcome="success"')
    # What people interrupt is no fault of the server's, and nothing that anybody can set right.
    unmeasured = series('pydantic_ai_unmeasured_responses_total', is_none_of('reason', ('interrupted',)))
    return (
        Recording(names.cost, total(config.keep, f'increase({cost}[{window}])')),
        Recording(names.responses, total(labels, f'increase({completed}[{window}])')),
        Recording(
            names.unmeasured,
            ratio(total(labels, f'rate({unmeasured}[{window}])'), total(labels, f'rate({completed}[{window}])')),
        ),
    )
