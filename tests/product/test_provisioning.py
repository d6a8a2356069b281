"""What brings the servers up: checked as far as it can be without running containers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import PurePosixPath
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
EXAMPLE = KUBERNETES / 'example'
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
    """Of each path in a container, the file or folder of this repository behind it: it can only be read."""
    triples = [volume.split(':') for volume in service.get('volumes', ()) if volume.startswith('.')]
    return {target: (COMPOSE / source).resolve() for source, target, _ in triples}


def writable(service: dict[str, Any]) -> set[str]:
    """The folders of a container in which its program can write."""
    volumes = {volume.split(':')[1] for volume in service.get('volumes', ()) if not volume.startswith('.')}
    return volumes | {each.split(':')[0] for each in service.get('tmpfs', ())}


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


def test_no_container_can_do_more_than_it_needs(services: dict[str, dict[str, Any]]):
    """None has a capability, gains a right, writes to its image or changes what it is given."""
    for name, service in services.items():
        locked = {'read_only': True, 'cap_drop': ['ALL'], 'security_opt': ['no-new-privileges:true']}
        assert {key: service.get(key) for key in locked} == locked, name
        assert not service.keys() & {'privileged', 'cap_add', 'devices', 'network_mode', 'pid', 'user'}, name
        assert [each for each in service.get('volumes', ()) if each.startswith('.') and not each.endswith(':ro')] == []


def test_every_program_can_write_where_it_keeps_its_data(services: dict[str, dict[str, Any]]):
    """Elsewhere the file system is read-only; the demo keeps nothing."""
    kept = {
        name: {word.partition('=')[2] for word in services[name]['command'] if word.startswith('--storage')}
        for name in ('prometheus', 'alertmanager')
    }
    tempo = read(COMPOSE / 'tempo' / 'tempo.yaml')['storage']['trace']
    kept['tempo'] = {str(PurePosixPath(tempo[each]['path']).parent) for each in ('local', 'wal')}
    # Its image's own paths for data and plugins, and for sockets.
    kept['grafana'] = {'/var/lib/grafana', '/tmp'}
    assert {name: writable(service) for name, service in services.items()} == {'demo': set(), **kept}


def test_grafana_lets_people_look_and_nothing_else(services: dict[str, dict[str, Any]]):
    """Whoever comes is a viewer, and nobody is more: there is no account, no login, and nothing is fetched."""
    asked = services['grafana']['environment']
    assert asked['GF_AUTH_ANONYMOUS_ORG_ROLE'] == 'Viewer'
    closed = {
        'GF_AUTH_BASIC_ENABLED': 'false',
        'GF_AUTH_DISABLE_LOGIN_FORM': 'true',
        'GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION': 'true',
        'GF_PLUGINS_PREINSTALL_DISABLED': 'true',
        'GF_ANALYTICS_REPORTING_ENABLED': 'false',
    }
    assert closed.items() <= asked.items()


def test_what_is_waited_for_says_when_it_is_ready(services: dict[str, dict[str, Any]]):
    """All but Tempo, whose image has no program that could ask."""
    checked = {name for name, service in services.items() if 'healthcheck' in service}
    assert checked == services.keys() - {'tempo'}
    for service in services.values():
        waits = service.get('depends_on', ())
        conditions: dict[str, dict[str, str]] = {} if isinstance(waits, list) else dict(waits)
        healthy = {name for name, each in conditions.items() if each['condition'] == 'service_healthy'}
        assert healthy == conditions.keys() & checked


def test_the_live_page_is_published(services: dict[str, dict[str, Any]]):
    """To this machine, where the demo listens."""
    assert services['demo']['ports'] == ['127.0.0.1:9464:9464']


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


@pytest.mark.parametrize('release', ['1.31', '1.37'])
def test_the_kubernetes_files_are_as_its_schemas_say(release: str):
    """Every field is one that Kubernetes has; for what is the operators' see `tests/real/test_kubernetes_files.py`."""
    ours = ('kustomization.yaml', 'prometheus-rule.yaml', 'grafana-operator.yaml')
    files = [str(path) for path in sorted(KUBERNETES.rglob('*.yaml')) if path.name not in ours]
    told = said(sys.executable, '-m', 'kubernetes_validate', '--strict', '--kubernetes-version', release, *files)
    passed = re.findall(r'passed for resource (\w+)/', told)
    assert passed == [*['configmap'] * 5, 'networkpolicy', 'pod', 'service'], told


def test_kubernetes_finds_the_port():
    """Pod, Service, ServiceMonitor and NetworkPolicy agree on labels and on the port's name."""
    pod = read(EXAMPLE / 'pod.yaml')
    service, monitor = yaml.safe_load_all((KUBERNETES / 'service-monitor.yaml').read_text(encoding='utf-8'))
    policy = read(EXAMPLE / 'network-policy.yaml')
    (container,) = pod['spec']['containers']
    (port,) = container['ports']
    (served,) = service['spec']['ports']
    (endpoint,) = monitor['spec']['endpoints']
    assert service['spec']['selector'].items() <= pod['metadata']['labels'].items()
    assert monitor['spec']['selector']['matchLabels'].items() <= service['metadata']['labels'].items()
    assert policy['spec']['podSelector']['matchLabels'].items() <= pod['metadata']['labels'].items()
    assert served['targetPort'] == port['name']
    assert endpoint['port'] == served['name']
    probes = [container[each] for each in ('startupProbe', 'readinessProbe', 'livenessProbe')]
    assert {(probe.get('httpGet') or probe['tcpSocket'])['port'] for probe in probes} == {port['name']}
    assert pod['metadata']['annotations']['prometheus.io/port'] == str(port['containerPort']) == str(served['port'])


def test_the_boards_in_kubernetes_are_the_boards():
    """Each in a ConfigMap that Grafana's sidecar looks for, and that the operator is told of by name."""
    maps = list(yaml.safe_load_all((KUBERNETES / 'boards.yaml').read_text(encoding='utf-8')))
    told = list(yaml.safe_load_all((KUBERNETES / 'grafana-operator.yaml').read_text(encoding='utf-8')))
    found = {name: json.loads(board) for each in maps for name, board in each['data'].items()}
    boards = [json.loads(path.read_text(encoding='utf-8')) for path in (DASHBOARDS / 'grafana').glob('*.json')]
    assert found == {f'{board["uid"]}.json': board for board in boards}
    assert {each['metadata']['labels']['grafana_dashboard'] for each in maps} == {'1'}
    references = [(each['metadata']['name'], key) for each in maps for key in each['data']]
    assert [tuple(each['spec']['configMapRef'].values()) for each in told] == references


def test_what_is_applied_to_kubernetes_is_not_too_large():
    """`kubectl apply` notes the whole of it in an annotation, and those may have 256 KiB."""
    for path in KUBERNETES.glob('*.yaml'):
        for document in yaml.safe_load_all(path.read_text(encoding='utf-8')):
            noted = json.dumps(document, separators=(',', ':'))
            assert len(noted) < 0.9 * 256 * 1024, document['metadata']['name']


def test_the_operator_of_prometheus_selects_the_rules_and_the_monitor():
    """By the label that its chart's selectors ask for, unless the settings name others."""
    labels = {'release': 'kube-prometheus-stack'}
    rules = read(KUBERNETES / 'prometheus-rule.yaml')
    _, monitor = yaml.safe_load_all((KUBERNETES / 'service-monitor.yaml').read_text(encoding='utf-8'))
    for each in (rules, monitor):
        assert labels.items() <= each['metadata']['labels'].items()
    groups = [read(DASHBOARDS / 'prometheus' / f'{name}.yaml')['groups'] for name in ('rules', 'alerts')]
    assert rules['spec']['groups'] == groups[0] + groups[1]


def test_only_the_namespace_of_prometheus_reaches_the_metrics():
    """One rule of one namespace and one port; whatever else comes in is refused."""
    policy = read(EXAMPLE / 'network-policy.yaml')['spec']
    assert policy['policyTypes'] == ['Ingress']
    monitoring = {'namespaceSelector': {'matchLabels': {'kubernetes.io/metadata.name': 'monitoring'}}}
    assert policy['ingress'] == [{'from': [monitoring], 'ports': [{'port': 'metrics', 'protocol': 'TCP'}]}]


def test_the_pod_has_no_rights():
    """What the restricted Pod Security Standard asks for, a file system that is read-only, no token, a limit."""
    spec = read(EXAMPLE / 'pod.yaml')['spec']
    (container,) = spec['containers']
    context = {**spec['securityContext'], **container['securityContext']}
    assert context == {
        'runAsNonRoot': True,
        'runAsUser': 65534,
        'runAsGroup': 65534,
        'seccompProfile': {'type': 'RuntimeDefault'},
        'allowPrivilegeEscalation': False,
        'capabilities': {'drop': ['ALL']},
        'readOnlyRootFilesystem': True,
    }
    assert spec['automountServiceAccountToken'] is False
    assert not spec.keys() & {'hostNetwork', 'hostPID', 'hostIPC'}
    assert 'memory' in container['resources']['limits']
    volumes = {volume['name']: volume for volume in spec['volumes']}
    assert [each for each in volumes.values() if 'sizeLimit' not in each['emptyDir']] == []


def test_the_rules_of_the_operator_are_those_of_prometheus():
    """One PrometheusRule with all the groups."""
    rule = read(KUBERNETES / 'prometheus-rule.yaml')
    groups = [
        group for name in ('rules', 'alerts') for group in read(DASHBOARDS / 'prometheus' / f'{name}.yaml')['groups']
    ]
    assert (rule['kind'], rule['spec']) == ('PrometheusRule', {'groups': groups})
