"""From a fault to whoever is on call: the demo, Prometheus, the alerts, Alertmanager, all of them real."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support import alerting_servers
from support.real_servers import wait_for
from support.required import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def alertmanager() -> str:
    """The path of Alertmanager; without it the test skips, and in CI it fails."""
    found = shutil.which('prometheus-alertmanager') or shutil.which('alertmanager')
    return found or missing('Alertmanager', '`make servers` gives it, on Debian')


@pytest.fixture
def faulty_demo() -> Iterator[str]:
    """Host and port of a demo whose coder fails."""
    command = [sys.executable, '-m', 'streamtap', 'demo', '--port', '0', '--fault', 'errors']
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding='utf-8') as demo:
        try:
            assert demo.stdout is not None
            found = re.search(r'http://(127\.0\.0\.1:\d+)/metrics', demo.stdout.readline())
            assert found is not None
            yield found[1]
        finally:
            demo.kill()


def test_an_agent_that_fails_reaches_the_one_on_call(
    prometheus: str, alertmanager: str, faulty_demo: str, tmp_path: Path
):
    """Every rule can be evaluated; the alert names the agent, its severity, what happens, the runbook and the board."""
    with alerting_servers.serving(prometheus, alertmanager, faulty_demo, tmp_path) as servers:

        def told() -> dict[str, dict[str, str]] | None:
            wanted = {'alertname': 'PydanticAIRunsFailing', 'agent': 'coder'}
            return next((alert for alert in servers.alerts() if wanted.items() <= alert['labels'].items()), None)

        alert = wait_for(told, 'an alert about the coder', seconds=50)
        rules = servers.rules()
    assert set(rules.values()) == {'ok'}
    assert alert['labels'] == {
        'alertname': 'PydanticAIRunsFailing',
        'severity': 'critical',
        'job': 'demo',
        'agent': 'coder',
    }
    assert re.fullmatch(r'\S+% of the runs of coder fail', alert['annotations']['summary'])
    assert alert['annotations']['runbook_url'] == 'runbooks.md#pydanticairunsfailing'
    board = '/d/streamtap-overview?from=now-1h&to=now&var-job=demo&var-agent=coder'
    assert alert['annotations']['dashboard_url'] == board
