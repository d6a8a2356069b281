"""Groups of rules as Prometheus reads them, also out of a `PrometheusRule`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.rules.alerts import alerts
from streamtap._dashboards.rules.board_records import BoardRecords
from streamtap._dashboards.rules.recording import recordings
from streamtap._dashboards.yaml_text import yaml_text

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config
    from streamtap._dashboards.rules.alert import Alert
    from streamtap._dashboards.rules.names import Recording

    Group = dict[str, object]


def rule_files(config: Config) -> dict[str, str]:
    """The text of each file for `rule_files`, by its path in an export.

    Args:
        config: What is bad, and from when on somebody is told.
    """
    growth = board_groups(config)
    return {
        **({'prometheus/boards.yaml': yaml_text({'groups': growth})} if growth else {}),
        'prometheus/rules.yaml': yaml_text({'groups': recording_groups(config)}),
        'prometheus/alerts.yaml': yaml_text({'groups': alerting_groups(config)}),
    }


def recording_groups(config: Config) -> list[Group]:
    """The groups of the recording rules."""
    return [
        _group(name, group.interval, [_recording(rule) for rule in group.rules])
        for name, group in recordings(config).items()
    ]


def board_groups(config: Config) -> list[Group]:
    """The groups of the rules that record what boards read; none if boards read the series themselves."""
    groups = BoardRecords(config).groups()
    return [_group(name, config.recorded_every, [_recording(rule) for rule in rules]) for name, rules in groups.items()]


def alerting_groups(config: Config) -> list[Group]:
    """The groups of the alerts."""
    return [
        _group(name, group.interval, [_alert(alert, config) for alert in group.rules])
        for name, group in alerts(config).items()
    ]


def _group(name: str, interval: str, rules: list[dict[str, object]]) -> Group:
    return {'name': name, 'interval': interval, 'rules': rules}


def _recording(rule: Recording) -> dict[str, object]:
    return {'record': rule.record, 'expr': rule.expr}


def _alert(alert: Alert, config: Config) -> dict[str, object]:
    return {
        'alert': alert.name,
        'expr': alert.expr,
        'for': alert.pending,
        'labels': {'severity': alert.severity},
        'annotations': alert.annotations(config),
    }
