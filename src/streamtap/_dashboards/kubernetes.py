"""What Kubernetes takes: rules, what to scrape, and boards, for the operators and for Grafana's sidecar."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.boards import BOARDS
from streamtap._dashboards.rules.groups import alerting_groups, board_groups, recording_groups
from streamtap._dashboards.yaml_text import yaml_text

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config
    from streamtap._dashboards.grafana.panels import Json
    from streamtap._dashboards.rules.groups import Group

_APP = 'app.kubernetes.io/name'

_FOLDER = 'Agents'
"""The folder of the boards in Grafana."""

_APPLICATION = 'agents'
"""What the pods that are scraped are called."""


def kubernetes_files(config: Config) -> dict[str, str]:
    """The text of each file, by its path in an export.

    Args:
        config: The settings.
    """
    boards = {f'streamtap-{board.name}': _json(board.render(config)) for board in BOARDS}
    documents = {
        'prometheus-rule': _all_rules(config),
        'service-monitor': [_service(config), _monitor(config)],
        'boards': [_config_map(config, name, board) for name, board in boards.items()],
        'grafana-operator': [_operated_board(config, name) for name in boards],
        'kustomization': [_kustomization(config)],
    }
    return {f'kubernetes/{name}.yaml': '---\n'.join(map(yaml_text, contents)) for name, contents in documents.items()}


def _kustomization(config: Config) -> dict[str, object]:
    return {
        'apiVersion': 'kustomize.config.k8s.io/v1beta1',
        'kind': 'Kustomization',
        **({'namespace': config.namespace} if config.namespace else {}),
        'resources': ['prometheus-rule.yaml', 'service-monitor.yaml', 'boards.yaml'],
    }


def _all_rules(config: Config) -> list[dict[str, object]]:
    """What boards read has a resource of its own: what Kubernetes notes of what is applied may have 256 KiB."""
    growth = board_groups(config)
    return [
        _rules(config, 'streamtap', [*recording_groups(config), *alerting_groups(config)]),
        *([_rules(config, 'streamtap-boards', growth)] if growth else []),
    ]


def _rules(config: Config, name: str, groups: list[Group]) -> dict[str, object]:
    return {
        'apiVersion': 'monitoring.coreos.com/v1',
        'kind': 'PrometheusRule',
        'metadata': _metadata(config, name, {_APP: 'streamtap', **config.kubernetes_labels}),
        'spec': {'groups': groups},
    }


def _service(config: Config) -> dict[str, object]:
    return {
        'apiVersion': 'v1',
        'kind': 'Service',
        'metadata': _metadata(config, _APPLICATION, {_APP: _APPLICATION}),
        'spec': {
            'clusterIP': 'None',
            'selector': {_APP: _APPLICATION},
            'ports': [{'name': 'metrics', 'port': 9464, 'targetPort': 'metrics'}],
        },
    }


def _monitor(config: Config) -> dict[str, object]:
    return {
        'apiVersion': 'monitoring.coreos.com/v1',
        'kind': 'ServiceMonitor',
        'metadata': _metadata(config, _APPLICATION, {_APP: _APPLICATION, **config.kubernetes_labels}),
        'spec': {
            'selector': {'matchLabels': {_APP: _APPLICATION}},
            'endpoints': [{'port': 'metrics', 'interval': f'{config.scrape_seconds}s'}],
        },
    }


def _config_map(config: Config, name: str, board: str) -> dict[str, object]:
    """A board for the sidecar of Grafana's chart, which looks for the label, and for the operator, which is told the name."""
    metadata = _metadata(config, name, {_APP: 'streamtap', 'grafana_dashboard': '1'})
    return {
        'apiVersion': 'v1',
        'kind': 'ConfigMap',
        'metadata': {**metadata, 'annotations': {'grafana_folder': _FOLDER}},
        'data': {f'{name}.json': board},
    }


def _operated_board(config: Config, name: str) -> dict[str, object]:
    return {
        'apiVersion': 'grafana.integreatly.org/v1beta1',
        'kind': 'GrafanaDashboard',
        'metadata': _metadata(config, name, {_APP: 'streamtap'}),
        'spec': {
            'instanceSelector': {'matchLabels': {'dashboards': 'grafana'}},
            'allowCrossNamespaceImport': True,
            'folder': _FOLDER,
            'configMapRef': {'name': name, 'key': f'{name}.json'},
        },
    }


def _metadata(config: Config, name: str, labels: dict[str, str]) -> dict[str, object]:
    return {'name': name, **({'namespace': config.namespace} if config.namespace else {}), 'labels': labels}


def _json(board: Json) -> str:
    """On one line: what Kubernetes notes of what is applied may have 256 KiB."""
    return json.dumps(board, ensure_ascii=False, separators=(',', ':'))
