"""Every command of the Dockerfile, the compose file and the pod runs, with the rights that these files leave it.

Docker, Grafana and Tempo are not here: the image was never built, and two commands are only read.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import venv
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.locked_process import locked
from support.paths import ROOT
from support.real_servers import free_port, running, wait_for
from support.required import missing
from tools.locks import LOCKS

# Each starts a program that imports much, and some build the package.
pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

DASHBOARDS = ROOT / 'dashboards'
COMPOSE = DASHBOARDS / 'compose'
DEMO = COMPOSE / 'demo'
LOOPBACK = '127.0.0.1'


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding='utf-8'))


def steps(instruction: str) -> list[str]:
    """What the Dockerfile says after an instruction, each time."""
    return re.findall(rf'^{instruction} (.+)$', (DEMO / 'Dockerfile').read_text(encoding='utf-8'), re.MULTILINE)


def get(url: str) -> str | None:
    """What is answered; `None` while nothing is."""
    # Not through a proxy of the environment.
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError:
        return None


@pytest.fixture(scope='module')
def services() -> dict[str, dict[str, Any]]:
    """The containers."""
    return read(COMPOSE / 'compose.yaml')['services']


@pytest.fixture
def alertmanager() -> str:
    """The path of Alertmanager; without it the test skips, and in CI it fails."""
    found = shutil.which('prometheus-alertmanager') or shutil.which('alertmanager')
    return found or missing('Alertmanager', '`make servers` gives it, on Debian')


@pytest.fixture
def container(tmp_path: Path) -> Path:
    """An empty environment, as the image's Python is."""
    venv.create(tmp_path / 'venv')
    return tmp_path / 'venv' / 'bin'


def install(step: str, folder: Path, container: Path) -> subprocess.CompletedProcess[str]:
    """Do a step of the Dockerfile in a container in which the folder has what was copied."""
    pip, *arguments = step.split()
    assert pip == 'pip'
    command = shlex.join((sys.executable, '-m', 'pip', '--python', str(container / 'python')))
    shell = ' '.join((command, *arguments)).replace('/install/', f'{folder}/')
    return subprocess.run(('sh', '-c', shell), check=False, capture_output=True, text=True, timeout=120)


def health(service: dict[str, Any], port: int) -> str | None:
    """What is answered where the health check of a container asks; `None` while nothing is."""
    (url,) = re.findall(r"http://127\.0\.0\.1:\d+[^'\s]*", ' '.join(service['healthcheck']['test']))
    return get(re.sub(r':\d+/', f':{port}/', url))


def test_the_image_is_made_of_the_files_beside_it(container: Path, tmp_path: Path):
    """First the locked packages, which `tests/product/test_locks.py` tries, then the wheel, by its file."""
    assert steps('COPY') == ['requirements.txt *.whl /install/']
    packages, own = steps('RUN')
    options = '--no-cache-dir --require-hashes --only-binary=:all:'
    assert packages == f'pip install {options} --requirement /install/requirements.txt'
    assert ROOT / LOCKS[1].path == DEMO / 'requirements.txt'
    build = (sys.executable, '-m', 'hatchling', 'build', '--target', 'wheel', '--directory', tmp_path / 'copied')
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    done = install(own, tmp_path / 'copied', container)
    assert done.returncode == 0, done.stdout + done.stderr
    (entry,) = map(json.loads, steps('ENTRYPOINT'))
    assert [(container / program).is_file() for program in entry] == [True]


def test_without_a_wheel_there_is_no_image(container: Path, tmp_path: Path):
    """The step fails, and asks no index for a package of that name."""
    done = install(steps('RUN')[1], tmp_path, container)
    assert done.returncode == 1
    assert 'does not exist' in done.stdout + done.stderr


def test_the_image_does_not_run_as_root():
    """Its user is a number, of which Kubernetes can tell."""
    assert steps('USER') == ['65534:65534']


@pytest.mark.parametrize('fault', [{}, {'FAULT': 'slow-tool'}, {'FAULT': 'errors', 'FAULT_AFTER': '300'}])
def test_the_demo_starts(fault: dict[str, str], services: dict[str, dict[str, Any]], tmp_path: Path):
    """With every way to ask for a fault that the compose file knows, writing nowhere."""
    port = free_port()
    # As Compose does: a variable that is not set leaves nothing.
    words = shlex.split(
        subprocess.check_output(('sh', '-c', f'echo {services["demo"]["command"]}'), text=True, env=fault)
    )
    (entry,) = map(json.loads, steps('ENTRYPOINT'))
    assert entry == ['streamtap']
    command = [sys.executable, '-m', *entry, *(LOOPBACK if word == '0.0.0.0' else word for word in words)]
    with running(locked([*command, '--port', str(port)]), port, tmp_path / 'log', seconds=60):
        shown = wait_for(lambda: health(services['demo'], port), 'the demo')
    assert 'streamtap_errors_total' in shown
    assert words.count('--fault') == len(fault.keys() & {'FAULT'})


def test_prometheus_starts(services: dict[str, dict[str, Any]], each_prometheus: str, tmp_path: Path):
    """It understands every option, keeps exemplars, reads the rules, and scrapes the demo's name."""
    service, port = services['prometheus'], free_port()
    places = {'/etc/prometheus/rules': str(DASHBOARDS / 'prometheus'), 'demo:9464': f'{LOOPBACK}:{free_port()}'}
    settings = (COMPOSE / 'prometheus' / 'prometheus.yml').read_text(encoding='utf-8')
    for there, here in {**places, 'alertmanager:9093': f'{LOOPBACK}:{free_port()}'}.items():
        assert there in settings
        settings = settings.replace(there, here)
    (tmp_path / 'prometheus.yml').write_text(settings, encoding='utf-8')
    (tmp_path / 'data').mkdir()
    options = [
        option.replace('=/etc/prometheus', f'={tmp_path}').replace('=/prometheus', f'={tmp_path / "data"}')
        for option in service['command']
    ]
    command = [each_prometheus, *options, f'--web.listen-address={LOOPBACK}:{port}']
    with running(locked(command, [tmp_path / 'data']), port, tmp_path / 'log', seconds=60):
        rules = wait_for(lambda: get(f'http://{LOOPBACK}:{port}/api/v1/rules'), 'Prometheus')
        flags = get(f'http://{LOOPBACK}:{port}/api/v1/status/flags') or ''
        assert health(service, port) is not None
    assert len(json.loads(rules)['data']['groups']) == sum(
        len(read(DASHBOARDS / 'prometheus' / f'{name}.yaml')['groups']) for name in ('rules', 'alerts')
    )
    assert json.loads(flags)['data']['enable-feature'] == 'exemplar-storage'


def test_alertmanager_starts(services: dict[str, dict[str, Any]], alertmanager: str, tmp_path: Path):
    """It understands every option and its configuration."""
    port = free_port()
    (tmp_path / 'data').mkdir()
    options = [
        option.replace('=/etc/alertmanager', f'={COMPOSE / "alertmanager"}').replace(
            '=/alertmanager', f'={tmp_path / "data"}'
        )
        for option in services['alertmanager']['command']
    ]
    quiet = ('--cluster.listen-address=', f'--web.listen-address={LOOPBACK}:{port}')
    with running(locked([alertmanager, *options, *quiet], [tmp_path / 'data']), port, tmp_path / 'log', seconds=60):
        status = wait_for(lambda: get(f'http://{LOOPBACK}:{port}/api/v2/status'), 'Alertmanager')
        assert health(services['alertmanager'], port) is not None
    assert 'PydanticAIRunFailuresFast' in json.loads(status)['config']['original']


def test_the_pod_starts_and_stops(tmp_path: Path):
    """Its command serves where its probes look, takes no more memory than its limit, and ends when it is told to."""
    pod = read(DASHBOARDS / 'kubernetes' / 'example' / 'pod.yaml')['spec']
    (container,) = pod['containers']
    (declared,) = container['ports']
    port = free_port()
    (path,) = {container[probe]['httpGet']['path'] for probe in ('startupProbe', 'readinessProbe')}
    python, *code = container['command']
    assert python == 'python'
    code = [each.replace(str(declared['containerPort']), str(port)).replace('0.0.0.0', LOOPBACK) for each in code]
    environment = {each['name']: each['value'] for each in container['env']}
    environment['OTEL_EXPORTER_OTLP_ENDPOINT'] = f'http://{LOOPBACK}:{free_port()}'
    (tmp_path / 'tmp').mkdir()
    command = locked([sys.executable, '-W', 'error', *code], [tmp_path / 'tmp'])
    env = {**os.environ, **environment, 'TMPDIR': str(tmp_path / 'tmp')}
    with running(command, port, tmp_path / 'log', env=env, seconds=60) as process:
        shown = wait_for(lambda: get(f'http://{LOOPBACK}:{port}{path}'), 'the pod')
        assert 'streamtap_errors_total' in shown
        peak = re.findall(r'VmHWM:\s+(\d+) kB', Path(f'/proc/{process.pid}/status').read_text(encoding='utf-8'))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert (tmp_path / 'log').read_bytes() == b''
    (limit,) = re.findall(r'^(\d+)Mi$', container['resources']['limits']['memory'])
    assert int(peak[0]) < int(limit) * 1024 / 2


def test_what_runs_locked_has_no_rights(tmp_path: Path):
    """It writes where it may and nowhere else, and root's rights are gone."""
    (tmp_path / 'may').mkdir()
    program = (
        'touch "$1"/may/new && ! touch "$1"/new 2>/dev/null && grep -E "CapEff|CapBnd|NoNewPrivs" /proc/self/status'
    )
    command = locked(['sh', '-c', program, 'sh', str(tmp_path)], [tmp_path / 'may'])
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.split()
    assert shown == ['CapEff:', '0' * 16, 'CapBnd:', '0' * 16, 'NoNewPrivs:', '1']
    assert list((tmp_path / 'may').iterdir()) == []


def test_no_command_is_forgotten(services: dict[str, dict[str, Any]]):
    """The others are those of Tempo and Grafana, which no package here has."""
    tried = {'demo', 'prometheus', 'alertmanager'}
    assert services.keys() - tried == {'tempo', 'grafana'}
    assert services['tempo']['command'] == ['-config.file=/etc/tempo/tempo.yaml']
    assert 'command' not in services['grafana']
    assert [name for name, service in services.items() if 'entrypoint' in service] == []
    # Of Grafana's, only its file says so; those of the others ask what the tests above ask.
    assert {name for name, service in services.items() if 'healthcheck' in service} == {*tried, 'grafana'}
    instructions = re.findall(r'^([A-Z]+) ', (DEMO / 'Dockerfile').read_text(encoding='utf-8'), re.MULTILINE)
    assert instructions == ['FROM', 'COPY', 'RUN', 'RUN', 'USER', 'ENTRYPOINT']
