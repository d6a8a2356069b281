"""The alerts: each fires when users suffer, money is lost or nobody would notice, and leads to its runbook and board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.rules.alert import Alerts
from streamtap._dashboards.rules.alerts_absence import absence_alerts
from streamtap._dashboards.rules.alerts_budget import budget_alerts
from streamtap._dashboards.rules.alerts_cost import cost_alerts
from streamtap._dashboards.rules.alerts_health import health_alerts
from streamtap._dashboards.rules.alerts_providers import provider_alerts
from streamtap._dashboards.rules.alerts_runs import run_alerts
from streamtap._dashboards.rules.alerts_self import self_alerts
from streamtap._dashboards.rules.alerts_streams import stream_alerts
from streamtap._dashboards.rules.alerts_tools import tool_alerts

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config


def alerts(config: Config) -> dict[str, Alerts]:
    """The alerts by group.

    Args:
        config: The thresholds.
    """
    quick = {
        'run': run_alerts(config),
        'stream': stream_alerts(config),
        'provider': provider_alerts(config),
        'tool': tool_alerts(config),
        'health': health_alerts(config),
        'cost': cost_alerts(config),
        'absence': absence_alerts(config),
        'self': self_alerts(config),
    }
    slow = {'budget': budget_alerts(config)}
    return {
        **{f'streamtap-{kind}-alerts': Alerts(config.interval, rules) for kind, rules in quick.items()},
        **{f'streamtap-{kind}-alerts': Alerts(config.slow_interval, rules) for kind, rules in slow.items()},
    }
