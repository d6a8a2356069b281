"""What brings the servers up: checked as far as it can be without running containers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import yaml

from streamtap._demo.fault import FAULTS
from support.paths import ROOT
from support.required import missing

if TYPE_CHECKING:
    from pathlib import Path

DASHBOARDS = ROOT / 'dashboards'
COMPOSE = DASHBOARDS / 'compose'
KUBERNETES = DASHBOARDS / 'kubernetes'
GRAFANA = COMPOSE / 'grafana' / 'provisioning'


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding='utf-8'))


def said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope='module')
def services() -> dict[str, dict[str, Any]]:
    """The containers."""
    return read(COMPOSE / 'compose.yaml')['services']


@pytest.fixture(scope='module')
def datasources() -> dict[str, dict[str, Any]]:
    """Grafana's data sources by uid."""
    return {source['uid']: source for source in read(GRAFANA / 'datasources' / 'streamtap.yaml')['datasources']}


def mounts(service: dict[str, Any]) -> dict[str, Path]:
    """Of each path in a container, the file or folder behind it."""
    pairs = [volume.split(':') for volume in service.get('volumes', ())]
    return {target: (COMPOSE / source).resolve() for source, target, _ in pairs}


def test_the_compose_file_is_as_the_specification_says():
    """The schema is that of the Compose specification."""
    check = [sys.executable, '-m', 'check_jsonschema', '--builtin-schema', 'vendor.compose-spec']
    said(*check, str(COMPOSE / 'compose.yaml'))


def test_every_file_that_a_container_is_given_is_there(services: dict[str, dict[str, Any]]):
    """Docker would make an empty folder of a wrong path."""
    given = {target: source for service in services.values() for target, source in mounts(service).items()}
    assert [target for target, source in given.items() if not source.exists()] == []
    assert (COMPOSE / services['demo']['build'] / 'Dockerfile').is_file()


def test_every_configuration_is_where_its_program_looks(services: dict[str, dict[str, Any]]):
    """The path in the command is a path that is mounted."""
    for name, service in services.items():
        told = [word.partition('=')[2] for word in service.get('command', ()) if 'config.file=' in word]
        assert set(told) <= set(mounts(service)), name


def test_ports_are_open_to_this_machine_only(services: dict[str, dict[str, Any]]):
    """Grafana asks for no password here."""
    ports = [port for service in services.values() for port in service.get('ports', ())]
    assert ports
    assert [port for port in ports if not port.startswith('127.0.0.1:')] == []


def test_the_demo_takes_a_fault_from_the_environment(services: dict[str, dict[str, Any]]):
    """And when it begins; what the file's head names is a fault."""
    fault, after = '${FAULT:+--fault ${FAULT}}', '${FAULT_AFTER:+--fault-after ${FAULT_AFTER}}'
    assert services['demo']['command'] == f'demo --addr 0.0.0.0 {fault} {after}'
    assert 'slow-tool' in FAULTS
    assert 'FAULT=slow-tool' in (COMPOSE / 'compose.yaml').read_text(encoding='utf-8')


def test_everything_is_asked_for_at_a_container_that_is_there(
    services: dict[str, dict[str, Any]], datasources: dict[str, dict[str, Any]]
):
    """Prometheus, Grafana and the demo know each other by the names of the services."""
    prometheus = read(COMPOSE / 'prometheus' / 'prometheus.yml')
    urls: list[str] = [source['url'] for source in datasources.values()]
    urls += [services['demo']['environment']['OTEL_EXPORTER_OTLP_ENDPOINT']]
    for group in (*prometheus['scrape_configs'], *prometheus['alerting']['alertmanagers']):
        urls += [f'http://{target}' for config in group['static_configs'] for target in config['targets']]
    hosts = {urlsplit(url).hostname or '' for url in urls}
    assert hosts == {'demo', 'prometheus', 'alertmanager', 'tempo'}
    assert hosts <= set(services)


def test_exemplars_lead_to_the_traces(services: dict[str, dict[str, Any]], datasources: dict[str, dict[str, Any]]):
    """Prometheus keeps them, and Grafana knows which label is the trace and which data source has it."""
    assert '--enable-feature=exemplar-storage' in services['prometheus']['command']
    (destination,) = datasources['prometheus']['jsonData']['exemplarTraceIdDestinations']
    assert destination == {'name': 'trace_id', 'datasourceUid': 'tempo'}
    assert datasources['tempo']['type'] == 'tempo'


def test_grafana_knows_how_often_prometheus_scrapes(datasources: dict[str, dict[str, Any]]):
    """Else its rates have holes."""
    prometheus = read(COMPOSE / 'prometheus' / 'prometheus.yml')
    assert datasources['prometheus']['jsonData']['timeInterval'] == prometheus['global']['scrape_interval']


def test_grafana_reads_the_folder_of_the_boards(services: dict[str, dict[str, Any]]):
    """The provider's path is where the boards are mounted, and the home board is one of them."""
    (provider,) = read(GRAFANA / 'dashboards' / 'streamtap.yaml')['providers']
    folder = provider['options']['path']
    assert mounts(services['grafana'])[folder] == DASHBOARDS / 'grafana'
    home = services['grafana']['environment']['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']
    assert home.startswith(f'{folder}/')


def test_prometheus_reads_the_rules(services: dict[str, dict[str, Any]], promtool: str):
    """They are mounted where its configuration looks, and promtool has nothing to say."""
    path = COMPOSE / 'prometheus' / 'prometheus.yml'
    (pattern,) = read(path)['rule_files']
    folder = mounts(services['prometheus'])[pattern.rpartition('/')[0]]
    assert {file.name for file in folder.glob('*.yaml')} == {'rules.yaml', 'alerts.yaml'}
    assert 'SUCCESS' in said(promtool, 'check', 'config', str(path))


def test_alertmanager_understands_its_configuration():
    """And its rules name alerts that there are."""
    amtool = shutil.which('amtool') or missing('amtool', '`make servers` gives it, on Debian')
    path = COMPOSE / 'alertmanager' / 'alertmanager.yml'
    assert 'SUCCESS' in said(amtool, 'check-config', str(path))
    groups = read(DASHBOARDS / 'prometheus' / 'alerts.yaml')['groups']
    alerts = {rule['alert'] for group in groups for rule in group['rules']}
    rules = read(path)['inhibit_rules']
    matchers = [matcher for rule in rules for side in ('source_matchers', 'target_matchers') for matcher in rule[side]]
    assert {name for matcher in matchers for name in matcher.split('"')[1].split('|')} <= alerts


def test_kubernetes_finds_the_port():
    """Pod, Service and ServiceMonitor agree on labels and on the port's name."""
    pod = read(KUBERNETES / 'pod.yaml')
    service, monitor = yaml.safe_load_all((KUBERNETES / 'service-monitor.yaml').read_text(encoding='utf-8'))
    (container,) = pod['spec']['containers']
    (port,) = container['ports']
    (served,) = service['spec']['ports']
    (endpoint,) = monitor['spec']['endpoints']
    assert service['spec']['selector'].items() <= pod['metadata']['labels'].items()
    assert monitor['spec']['selector']['matchLabels'].items() <= service['metadata']['labels'].items()
    assert served['targetPort'] == port['name']
    assert endpoint['port'] == served['name']
    assert pod['metadata']['annotations']['prometheus.io/port'] == str(port['containerPort']) == str(served['port'])


def test_the_rules_of_the_operator_are_those_of_prometheus():
    """One PrometheusRule with all the groups."""
    rule = read(KUBERNETES / 'prometheus-rule.yaml')
    groups = [
        group for name in ('rules', 'alerts') for group in read(DASHBOARDS / 'prometheus' / f'{name}.yaml')['groups']
    ]
    assert (rule['kind'], rule['spec']) == ('PrometheusRule', {'groups': groups})
