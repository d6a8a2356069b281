"""Alerts about money: what an hour costs at this rate, what it did cost, more than the day before, and growing contexts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.promql.durations import seconds
from streamtap._dashboards.rules.alert import Alert, label, percent
from streamtap._dashboards.rules.amounts import Amounts
from streamtap._dashboards.rules.spans import HOUR

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config
    from streamtap._dashboards.rules.names import Level


def cost_alerts(config: Config) -> tuple[Alert, ...]:
    """All of them.

    Args:
        config: The thresholds.
    """
    return _over_budget(config), _forecast(config), _grown(config), _context(config), _unmeasured(config)


def _over_budget(config: Config) -> Alert:
    return Alert(
        'PydanticAICostOverBudget',
        f'{Amounts(config).everything.increase("cost_usd", config.accounting_window)} > {config.max_cost_usd_per_hour:g}',
        config.pending,
        'warning',
        'overview',
        (),
        f'The agents cost {{{{ $value | printf "%.2f" }}}} US dollars in the last {config.accounting_window}',
        f'The budget is {config.max_cost_usd_per_hour:g} an hour.',
    )


def _forecast(config: Config) -> Alert:
    amounts = Amounts(config)
    by_agent, together = (_too_fast(config, level) for level in (amounts.root_agents, amounts.everything))
    known = f' on ({", ".join(config.keep)})'
    return Alert(
        'PydanticAICostForecast',
        # All of them together, unless one alone is too expensive.
        f'{by_agent}\nor\n({together})\nunless{known} ({by_agent})',
        config.pending,
        'warning',
        'overview',
        ('root_agent',),
        f'{{{{ if $labels.root_agent }}}}{label("root_agent")}{{{{ else }}}}Agents together{{{{ end }}}} '
        'will cost {{ $value | printf "%.0f" }} US dollars an hour at this rate',
        f'The budget is {config.max_cost_usd_per_hour:g} an hour, for all together.',
    )


def _too_fast(config: Config, level: Level) -> str:
    def pace(window: str) -> str:
        return f'{level.increase("cost_usd", window)} * {HOUR / seconds(window):g} > {config.max_cost_usd_per_hour:g}'

    return f'{pace(config.window)}\nand {pace(config.short)}'


def _grown(config: Config) -> Alert:
    cost = Amounts(config).root_agents.increase('cost_usd', config.accounting_window)
    factor = f'{config.max_growth:g}'
    return Alert(
        'PydanticAICostGrown',
        # Against the most expensive hour of a day that ended half a day ago; on a Monday, against that of the last week.
        f'{cost} > {config.min_growth_usd:g}\n'
        f'and {cost} > {factor} * max_over_time({cost}[1d] offset 12h)\n'
        f'and {cost} offset 1d >= 0\n'
        f'unless {cost} <= {factor} * max_over_time({cost}[2h] offset 167h)',
        config.pending,
        'warning',
        'overview',
        ('root_agent',),
        f'{label("root_agent")} cost {{{{ $value | printf "%.2f" }}}} US dollars in the last {config.accounting_window}, '
        f'more than {factor} times the most expensive hour of the day before',
        'It may be within the budget, and still not be what it should.',
    )


def _context(config: Config) -> Alert:
    level = Amounts(config).contexts
    now, latest = (level.mean('request_input_tokens', window) for window in (config.window, config.short))
    usual = level.usual(now)
    enough = f'{level.increase("measured_requests", config.window)} >= {config.min_failures}'
    return Alert(
        'PydanticAIContextGrown',
        f'{now} > {config.max_growth:g} * {usual}\n'
        f'and {latest} > {config.max_growth:g} * {usual}\n'
        f'and {now} > {config.min_growth_tokens:g}\n'
        f'and {enough}',
        config.pending,
        'warning',
        'models',
        ('agent', 'model'),
        f'Requests of {label("agent")} to {label("model")} have {{{{ $value | humanize }}}} input tokens each',
        f'More than {config.max_growth:g} times the usual of the last day: each request is more expensive and slower.',
    )


def _unmeasured(config: Config) -> Alert:
    share, window = Amounts(config).unmeasured_share, config.accounting_window
    return Alert(
        'PydanticAITokensUnmeasured',
        f'{share.share(window)} > {config.max_unmeasured_share:g}\n'
        f'and {share.share(window)} * {share.all(window)} >= {config.min_failures - 0.5:g}',
        config.pending,
        'info',
        'models',
        ('provider', 'model'),
        percent(f'the responses of {label("model")} came without usage'),
        'Sums of tokens and cost leave these out and read too low. Interrupted responses are not among them.',
    )
