"""The rule files as Prometheus, and its operator in Kubernetes, read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from generator.rules_alerts import alerts
from generator.rules_recording import recordings

if TYPE_CHECKING:
    from config import Config

    from generator.rules_alert import Alert

HEAD = '# Written by dashboards/generate.py: change dashboards/config.py, then run it again.\n'


def rule_files(config: Config) -> dict[str, str]:
    """The text of each file, by its path under `dashboards/`.

    Args:
        config: What is bad, and from when on somebody is told.
    """
    recording: list[dict[str, object]] = [
        _group(name, group.interval, [{'record': rule.record, 'expr': rule.expr} for rule in group.rules])
        for name, group in recordings(config).items()
    ]
    alerting = [
        _group(name, group.interval, [_alert(alert, config) for alert in group.rules])
        for name, group in alerts(config).items()
    ]
    operator = {
        'apiVersion': 'monitoring.coreos.com/v1',
        'kind': 'PrometheusRule',
        'metadata': {'name': 'streamtap', 'labels': {'app.kubernetes.io/name': 'streamtap'}},
        'spec': {'groups': [*recording, *alerting]},
    }
    return {
        'prometheus/rules.yaml': _yaml({'groups': recording}),
        'prometheus/alerts.yaml': _yaml({'groups': alerting}),
        'kubernetes/prometheus-rule.yaml': _yaml(operator),
    }


def _group(name: str, interval: str, rules: list[dict[str, object]]) -> dict[str, object]:
    return {'name': name, 'interval': interval, 'rules': rules}


def _alert(alert: Alert, config: Config) -> dict[str, object]:
    return {
        'alert': alert.name,
        'expr': alert.expr,
        'for': alert.pending,
        'labels': {'severity': alert.severity},
        'annotations': alert.annotations(config),
    }


class _Dumper(yaml.SafeDumper):
    """Writes expressions of several lines as such."""


def _string(_: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode('tag:yaml.org,2002:str', text, style='|' if '\n' in text else None)


_Dumper.add_representer(str, _string)


def _yaml(content: object) -> str:
    return HEAD + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
